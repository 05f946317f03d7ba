//! `spin-deps unlink`

use clap::Args;
use serde_json::json;
use wasm_pkg_common::package::PackageRef;

use super::{Context, lock_lines, sync_json, sync_lines, warn_all};
use crate::{
    output::{DIM, GOOD, NAME, Output, styled},
    report::Failure,
};

/// Go back from a linked component to the package
///
/// Removes the override that `link` wrote. The version that was locked before is used again if it is still there and
/// fits.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps unlink              the only link there is
  spin-deps unlink acme:hash    this one")]
pub(crate) struct Unlink {
    /// The package [default: the only one that is linked]
    #[arg(value_name = "ns:name")]
    package: Option<PackageRef>,
}

impl Unlink {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = context.project().await?;
        let unlinked = project.unlink(self.package.as_ref()).await?;
        warn_all(unlinked.sync.warnings.iter().chain(&unlinked.sync.lock.warnings));
        let mut output = Output::new(json!({
            "package": unlinked.package,
            "path": unlinked.path,
            "versions": unlinked.versions,
            "sync": sync_json(&unlinked.sync),
        }));
        let versions: Vec<_> = unlinked.versions.iter().map(ToString::to_string).collect();
        let back = match versions.as_slice() {
            [] => String::new(),
            versions => format!(" {}", styled(DIM, format!("(back to {})", versions.join(", ")))),
        };
        let package = styled(NAME, &unlinked.package);
        output.line(format!("{} {package} from {}{back}", styled(GOOD, "Unlinked"), unlinked.path));
        lock_lines(&mut output, &unlinked.sync.lock);
        sync_lines(&mut output, context, &unlinked.sync);
        Ok(output)
    }
}
