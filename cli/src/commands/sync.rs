//! `spin-deps sync`

use clap::Args;

use super::{Builds, Context, Links, checked_line, lock_lines, sync_json, sync_lines, warn_all};
use crate::{output::Output, report::Failure};

/// Fetch what is locked and write spin-dependencies.wit and the bindings
///
/// In CI use `sync --locked`: it fails if spin-deps.lock does not fit, and fetches exactly what is locked, by digest.
/// With everything in the cache it makes no request.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps sync                        fetch what is locked, write the generated files
  spin-deps sync --locked --no-links    in CI
  spin-deps sync --frozen               without a request: from the cache")]
pub(crate) struct Sync {
    #[command(flatten)]
    links: Links,
    #[command(flatten)]
    builds: Builds,
    /// Overwrite bindings that were edited by hand
    #[arg(long)]
    force: bool,
}

impl Sync {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = self.builds.project(context).await?;
        self.links.check(&project)?;
        let sync = project.sync_with(self.force).await?;
        warn_all(sync.warnings.iter().chain(&sync.lock.warnings));
        let mut output = Output::new(sync_json(&sync));
        lock_lines(&mut output, &sync.lock);
        output.line(checked_line(sync.contents));
        sync_lines(&mut output, context, &sync);
        Ok(output)
    }
}
