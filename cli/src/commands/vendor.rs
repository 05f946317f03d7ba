//! `spin-deps vendor`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use spin_deps_project::{VendorOptions, VendorOutcome};

use super::{Context, lock_json, shown_path, warn_all};
use crate::{
    output::{DIM, GOOD, NAME, Output, WARN, clean, count, styled},
    report::Failure,
};

/// Write the app with all that is locked into a folder, for stock Spin and for machines without network
///
/// The folder has a spin.toml in which every source is a file, the files, and their digests in SHA256SUMS. Each dependency
/// is one component, composed with what it needs itself. Where that would change the app, since two dependencies share an
/// instance, their component is composed as a whole. Nothing outside of the folder is needed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps vendor                        into the folder `vendor`
  spin-deps vendor dist --compose         one plain component each, without dependencies
  spin-deps vendor --check                whether the folder is up to date, for CI
  spin-deps vendor --oci-layout images    the locked releases, to copy them to another registry:
    skopeo copy oci:images:acme/hash:1.4.0 docker://registry.example.com/acme/hash:1.4.0")]
pub(crate) struct Vendor {
    /// The folder: a new one, or one that was made by an earlier `vendor`
    #[arg(default_value = "vendor", value_name = "DIR")]
    directory: PathBuf,
    /// Compose every component with its dependencies into one
    #[arg(long)]
    compose: bool,
    /// Write the locked releases as an OCI image layout into this folder, and not the app
    #[arg(long, value_name = "DIR", conflicts_with_all = ["directory", "compose"])]
    oci_layout: Option<PathBuf>,
    /// Write nothing, and fail if the folder is not what would be written
    #[arg(long)]
    check: bool,
}

impl Vendor {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let Self { directory, compose, oci_layout, check } = self;
        let is_layout = oci_layout.is_some();
        let directory = oci_layout.unwrap_or(directory);
        let options = VendorOptions { directory, compose, check };
        let mut project = context.project().await?;
        let outcome =
            if is_layout { project.vendor_layout(&options).await? } else { project.vendor(&options).await? };
        warn_all(outcome.sync.warnings.iter().chain(&outcome.sync.lock.warnings).chain(&outcome.warnings));
        let path = context.settings.current_dir.join(&options.directory);
        let folder = shown_path(context, &path);
        let mut output = Output::new(json(&outcome, &path, check));
        let differs = !outcome.differences.is_empty();
        if check && differs {
            output.lines(outcome.differences.iter().map(|it| clean(&it.to_string())));
            let message =
                format!("{folder} is not up to date; the same command without `--check` writes it anew");
            return Ok(output.failed(Failure::message(message)));
        }
        let (done, state) = match (check, differs) {
            (true, _) => ("Checked", ", up to date"),
            (false, true) => ("Wrote", ""),
            (false, false) => ("Kept", ", up to date"),
        };
        let size: u64 = outcome.files.iter().map(|it| it.size).sum();
        let files = count(outcome.files.len(), "file");
        let (done, name) = (styled(GOOD, done), styled(NAME, &folder));
        output.line(format!("{done} {name}: {files}, {size} bytes{state}"));
        output.lines(lines(&outcome));
        if let (Some(first), false) = (outcome.releases.first(), check) {
            let reference = &first.reference;
            output.note(&format!(
                "Copy each release to another registry: `skopeo copy oci:{folder}:{reference} docker://HOST/{reference}`"
            ));
        }
        Ok(output)
    }
}

/// What is in the folder.
fn lines(outcome: &VendorOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    for component in &outcome.components {
        lines.push(format!("  {} {}", styled(NAME, clean(&component.id)), styled(DIM, &component.path)));
        if let Some(because) = &component.whole_because {
            lines.push(format!("    {} {}", styled(WARN, "composed as a whole:"), clean(because)));
        }
        for (name, path) in &component.dependencies {
            lines.push(format!("    {} {}", clean(name), styled(DIM, path)));
        }
    }
    for (trigger, layers) in &outcome.middleware {
        lines.push(format!("  {}", styled(NAME, clean(trigger))));
        lines.extend(layers.iter().map(|path| format!("    middleware {}", styled(DIM, path))));
    }
    for release in &outcome.releases {
        lines.push(format!("  {} {}", styled(NAME, &release.reference), styled(DIM, &release.manifest)));
    }
    lines
}

fn json(outcome: &VendorOutcome, path: &std::path::Path, check: bool) -> serde_json::Value {
    json!({
        "directory": path,
        "status": match (outcome.differences.is_empty(), check) {
            (true, _) => "up-to-date",
            (false, true) => "stale",
            (false, false) => "written",
        },
        "differences": outcome.differences.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "files": outcome.files.iter().map(|it| json!({
            "path": it.path, "size": it.size, "digest": it.digest.to_string(),
        })).collect::<Vec<_>>(),
        "components": outcome.components.iter().map(|it| json!({
            "id": it.id,
            "path": it.path,
            "dependencies": it.dependencies.iter().map(|(name, path)| json!({ "name": name, "path": path })).collect::<Vec<_>>(),
            "whole_because": it.whole_because,
        })).collect::<Vec<_>>(),
        "middleware": outcome.middleware.iter().map(|(trigger, layers)| json!({
            "trigger": trigger, "layers": layers,
        })).collect::<Vec<_>>(),
        "releases": outcome.releases.iter().map(|it| json!({
            "reference": it.reference,
            "manifest": it.manifest.to_string(),
            "digest": it.digest.to_string(),
        })).collect::<Vec<_>>(),
        "lock": lock_json(&outcome.sync.lock),
        "warnings": outcome.warnings,
    })
}
