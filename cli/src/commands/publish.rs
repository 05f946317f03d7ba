//! `spin-deps publish`

use std::path::PathBuf;

use clap::Args;
use semver::Version;
use serde_json::json;
use spin_deps_project::{Project, PublishOptions, publish};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use super::Context;
use crate::{
    output::{DIM, GOOD, NAME, Output, styled},
    report::Failure,
};

/// Publish a component or a WIT package
///
/// Name and version come from the file's own metadata, or from --package. An existing version is never overwritten;
/// publishing the very same bytes again does nothing.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// The file
    file: PathBuf,
    /// The package, with its version if the file's own is not meant
    #[arg(long, value_name = "PKG[@VERSION]", value_parser = package_and_version)]
    package: Option<(PackageRef, Option<Version>)>,
    /// The registry to publish to [default: the configured one]
    #[arg(short, long, value_name = "REGISTRY")]
    registry: Option<Registry>,
    /// Only say what would be published
    #[arg(long)]
    dry_run: bool,
}

fn package_and_version(text: &str) -> Result<(PackageRef, Option<Version>), String> {
    let (name, version) = match text.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    let package = name.parse().map_err(|error: wasm_pkg_common::Error| error.to_string())?;
    let version = version
        .map(|version| version.parse().map_err(|error: semver::Error| error.to_string()))
        .transpose()?;
    Ok((package, version))
}

impl Publish {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let registries = Project::open_registries(&context.settings).await?;
        let options = PublishOptions {
            file: self.file,
            package: self.package,
            registry: self.registry,
            dry_run: self.dry_run,
        };
        let outcome = publish(&registries, &options).await?;
        let mut output = Output::new(json!({
            "package": outcome.package,
            "version": outcome.version,
            "registry": outcome.registry,
            "digest": outcome.digest,
            "manifest": outcome.manifest,
            "size": outcome.size,
            "already_there": outcome.already_there,
            "dry_run": options.dry_run,
        }));
        let what = match (options.dry_run, outcome.already_there) {
            (true, _) => "Would publish",
            (_, true) => "Already there:",
            _ => "Published",
        };
        output.line(format!(
            "{} {} to {} ({} bytes)",
            styled(GOOD, what),
            styled(NAME, format!("{} {}", outcome.package, outcome.version)),
            outcome.registry,
            outcome.size
        ));
        if let Some(digest) = &outcome.digest {
            output.line(format!("  {}", styled(DIM, digest)));
        }
        Ok(output)
    }
}
