//! `spin-deps yank`

use clap::Args;
use semver::Version;
use serde_json::json;
use spin_deps_project::{Project, YankOptions, yank};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use super::{Context, package_and_version};
use crate::{
    output::{GOOD, NAME, Output, styled},
    report::Failure,
};

/// Withdraw a release, so that it is no longer chosen
///
/// It stays where it is: whoever has locked it, or asks for exactly it, still gets it, with a warning. Whether a
/// release is withdrawn is not written into lockfiles, and shows when versions are chosen anew.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps yank acme:hash@1.2.0 --reason 'wrong digests for empty input'
  spin-deps yank acme:hash@1.2.0 --undo")]
pub(crate) struct Yank {
    /// The release
    #[arg(value_name = "PKG@VERSION", value_parser = release)]
    release: (PackageRef, Version),
    /// Offer it again
    #[arg(long, conflicts_with = "reason")]
    undo: bool,
    /// Why, for those who look at it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The registry that has it [default: the configured one]
    #[arg(short, long, value_name = "REGISTRY")]
    registry: Option<Registry>,
}

fn release(text: &str) -> Result<(PackageRef, Version), String> {
    match package_and_version(text)? {
        (package, Some(version)) => Ok((package, version)),
        (package, None) => Err(format!("name the release, such as `{package}@1.0.0`")),
    }
}

impl Yank {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let registries = Project::open_registries(&context.settings).await?;
        let (package, version) = self.release;
        let options =
            YankOptions { package, version, undo: self.undo, reason: self.reason, registry: self.registry };
        let outcome = yank(&registries, &options).await?;
        let what = match (outcome.yanked, outcome.changed) {
            (true, true) => "Yanked",
            (true, false) => "Already yanked:",
            (false, true) => "Offered again:",
            (false, false) => "Not yanked:",
        };
        let mut output = Output::new(json!(outcome));
        output.line(format!(
            "{} {} in {}",
            styled(GOOD, what),
            styled(NAME, format!("{} {}", outcome.package, outcome.version)),
            outcome.registry
        ));
        Ok(output)
    }
}
