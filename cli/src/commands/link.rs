//! `spin-deps link`

use clap::Args;
use serde_json::json;
use spin_deps_project::LinkOptions;
use wasm_pkg_common::package::PackageRef;

use super::{Context, lock_lines, sync_json, sync_lines, warn_all};
use crate::{
    output::{DIM, GOOD, NAME, Output, styled},
    report::Failure,
};

/// Use a component under development in place of its package
///
/// Writes an override into spin.toml, which holds for the whole app, and brings the lock and the generated files up to
/// date. If anything fails, every file is as it was. `unlink` goes back.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps link ../hash              the folder that the component is built in
  spin-deps link ../hash/hash.wasm    its file
  spin-deps link ./x.wasm --package acme:hash")]
pub(crate) struct Link {
    /// The component's file, or its folder: with a component.toml it is built there, and again when its sources change
    path: String,
    /// The package that it takes the place of [default: what it calls itself]
    #[arg(long, value_name = "ns:name")]
    package: Option<PackageRef>,
}

impl Link {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = context.project().await?;
        let linked = project.link(&LinkOptions { path: self.path, package: self.package }).await?;
        warn_all(linked.warnings.iter().chain(&linked.sync.warnings).chain(&linked.sync.lock.warnings));
        let mut output = Output::new(json!({
            "package": linked.package,
            "path": linked.path,
            "replaced": linked.replaced,
            "sync": sync_json(&linked.sync),
        }));
        let instead = match linked.replaced.as_slice() {
            [] => String::new(),
            replaced => format!(" {}", styled(DIM, format!("(in place of {})", replaced.join(", ")))),
        };
        let package = styled(NAME, &linked.package);
        output.line(format!("{} {package} to {}{instead}", styled(GOOD, "Linked"), linked.path));
        lock_lines(&mut output, &linked.sync.lock);
        sync_lines(&mut output, context, &linked.sync);
        Ok(output)
    }
}
