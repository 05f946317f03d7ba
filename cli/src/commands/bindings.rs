//! `spin-deps bindings`

use clap::Args;
use serde_json::json;
use spin_deps_project::{BindOptions, Language};

use super::{Context, bindings_json, file_lines, lock_json, lock_lines, warn_all};
use crate::{
    output::{DIM, GOOD, NAME, Output, count, styled},
    report::Failure,
};

/// Generate bindings for the dependencies
///
/// Makes the lock fit and fetches what is locked, as `sync` does, and writes what a component's own code is built
/// against, in its language: the one that `[component.ID.tool.deps] bindings` names in spin.toml, else the one that the
/// component's build directory shows by a Cargo.toml, package.json, go.mod, pyproject.toml and so on. In the project of
/// a component.toml the bindings are for the world of its own WIT.
///
/// A file that was edited by hand is never overwritten without `--force`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps bindings                   for all components, each in its language
  spin-deps bindings api --lang c      for the component `api`, in C
  spin-deps bindings --check           fail if anything is not up to date, for CI")]
pub(crate) struct Bindings {
    /// Only these components [default: all]
    #[arg(value_name = "COMPONENT")]
    components: Vec<String>,
    /// The language: rust, js (or ts), python, go, c, cpp, csharp, moonbit [default: what spin.toml or the build
    /// directory says]
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Language>,
    /// Overwrite files that were edited by hand
    #[arg(long, conflicts_with = "check")]
    force: bool,
    /// Write nothing, and fail if anything is not up to date
    #[arg(long)]
    check: bool,
}

impl Bindings {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = context.project().await?;
        let options = BindOptions {
            components: self.components,
            language: self.lang,
            force: self.force,
            check: self.check,
        };
        let outcome = project.bindings(&options).await?;
        warn_all(outcome.warnings.iter().chain(&outcome.lock.warnings));
        let mut output = Output::new(json!({
            "lock": lock_json(&outcome.lock),
            "bindings": bindings_json(&outcome.bindings),
            "written": outcome.written,
            "removed": outcome.removed,
            "warnings": outcome.warnings,
        }));
        lock_lines(&mut output, &outcome.lock);
        for it in &outcome.bindings {
            let files = styled(DIM, format!("({}, {})", it.language, count(it.files.len(), "file")));
            output.line(format!("{} {} {files}", styled(GOOD, "Bound"), styled(NAME, &it.component)));
        }
        if outcome.bindings.is_empty() {
            output.line("No component needs bindings");
        }
        file_lines(&mut output, context, &outcome.bindings, &outcome.written, &outcome.removed);
        Ok(output)
    }
}
