//! `spin-deps lock`

use clap::{Args, ValueEnum};
use serde_json::json;
use spin_deps_project::{Preference, Project};

use super::{Context, Links, lock_json, lock_lines, warn_all};
use crate::{
    output::{GOOD, Output, WARN, clean, styled},
    report::Failure,
};

/// Resolve the dependencies and write spin-deps.lock
///
/// A locked version is kept while it fits; what has none gets the highest version that all requirements admit. Reads
/// metadata only: no component is downloaded where the registry describes it. A lock that fits is left as it is,
/// without a request.
///
/// A lock that a merge left with conflict markers, or with entries that do not fit together, is mended: what both sides
/// agree on or only one has is kept, and the rest is chosen anew.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps lock                        resolve what spin.toml asks for; keep what is locked
  spin-deps lock --check                fail if spin-deps.lock does not fit, without a request
  spin-deps lock --resolution lowest    whether one's requirements ask for enough")]
pub(crate) struct Lock {
    /// Only check that spin-deps.lock fits spin.toml
    #[arg(long)]
    check: bool,
    /// Choose every version anew, whatever is locked, and which: the lowest tell whether one's requirements ask for
    /// enough
    #[arg(long, value_enum, value_name = "WHICH", conflicts_with = "check")]
    resolution: Option<Resolution>,
    #[command(flatten)]
    links: Links,
}

/// Which of the versions that fit are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Resolution {
    /// The highest of all
    Highest,
    /// The lowest of all
    Lowest,
    /// The lowest of what spin.toml names, the highest of all else
    LowestDirect,
}

impl From<Resolution> for Preference {
    fn from(resolution: Resolution) -> Self {
        match resolution {
            Resolution::Highest => Self::Highest,
            Resolution::Lowest => Self::Lowest,
            Resolution::LowestDirect => Self::LowestDirect,
        }
    }
}

impl Lock {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        if self.check {
            let project = context.project().await?;
            self.links.check(&project)?;
            project.lock_check().await?;
            let mut output = Output::new(json!({ "status": "up-to-date" }));
            let manifest = project.manifest_name();
            output.line(format!("{} spin-deps.lock fits {manifest}", styled(GOOD, "Checked")));
            return Ok(output);
        }
        let mut project = match context.settings.locked_because() {
            Some(_) => context.project().await?,
            None => Project::open_to_mend(context.settings.clone()).await?,
        };
        self.links.check(&project)?;
        let outcome = match self.resolution {
            Some(resolution) => project.lock_anew(resolution.into()).await?,
            None => project.lock_update().await?,
        };
        warn_all(&outcome.warnings);
        let mut output = Output::new(lock_json(&outcome));
        if let Some(remarks) = &outcome.repaired {
            output.line(format!("{} spin-deps.lock, which was not sound", styled(GOOD, "Repaired")));
            for remark in remarks {
                output.line(format!("  {}", styled(WARN, clean(remark))));
            }
        }
        lock_lines(&mut output, &outcome);
        Ok(output)
    }
}
