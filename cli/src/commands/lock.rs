//! `spin-deps lock`

use clap::Args;
use serde_json::json;

use super::{Context, lock_json, lock_lines, warn_all};
use crate::{
    output::{GOOD, Output, styled},
    report::Failure,
};

/// Resolve the dependencies and write spin-deps.lock
///
/// A locked version is kept while it fits; what has none gets the highest version that all requirements admit. Reads
/// metadata only: no component is downloaded where the registry describes it. A lock that fits is left as it is,
/// without a request.
#[derive(Debug, Args)]
pub(crate) struct Lock {
    /// Only check that spin-deps.lock fits spin.toml
    #[arg(long)]
    check: bool,
}

impl Lock {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = context.project().await?;
        if self.check {
            project.lock_check().await?;
            let mut output = Output::new(json!({ "status": "up-to-date" }));
            output.line(format!("{} spin-deps.lock fits spin.toml", styled(GOOD, "Checked")));
            return Ok(output);
        }
        let outcome = project.lock_update().await?;
        warn_all(&outcome.warnings);
        let mut output = Output::new(lock_json(&outcome));
        lock_lines(&mut output, &outcome);
        Ok(output)
    }
}
