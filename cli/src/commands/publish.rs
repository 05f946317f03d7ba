//! `spin-deps publish`

use std::path::PathBuf;

use clap::Args;
use semver::Version;
use serde_json::{Value, json};
use spin_deps_project::{PublishOptions, PublishOutcome, PublishStatus, Published, publish};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use super::{Context, package_and_version};
use crate::{
    output::{BAD, DIM, GOOD, NAME, Output, WARN, clean, clean_line, styled},
    report::Failure,
};

/// How much of an annotation is shown, in characters.
const LONGEST_ANNOTATION: usize = 200;

/// Publish components and WIT packages
///
/// In the folder of a component.toml that component is built and published, in that of a workspace all its members. Name
/// and version come from the component.toml; for a file from its own metadata, or from --package. Several files, or those of a folder, are
/// published so that each comes after those that it needs. An existing version is never overwritten; publishing the
/// very same bytes again does nothing. A release is compared with the nearest ones of its series, such as 1.x: it has
/// to work for whoever used the one below it, and the one above it for whoever uses this one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps publish                                        build and publish the component.toml here
  spin-deps publish hash.wasm --dry-run                    check everything, send nothing
  spin-deps publish hash.wasm                              name and version from its metadata
  spin-deps publish hash.wasm --package acme:hash@2.1.0
  spin-deps publish dist -r ghcr.io                        every *.wasm of the folder")]
pub(crate) struct Publish {
    /// Files, folders with a component.toml, or folders of files that end in `.wasm` [default: the component or the
    /// workspace around the current directory]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The package, with its version if the file's own is not meant
    #[arg(long, value_name = "PKG[@VERSION]", value_parser = package_and_version)]
    package: Option<(PackageRef, Option<Version>)>,
    /// The registry to publish to [default: the configured one]
    #[arg(short, long, value_name = "REGISTRY")]
    registry: Option<Registry>,
    /// Check everything and show what would be published
    #[arg(long)]
    dry_run: bool,
    /// Publish what the last build left
    #[arg(long)]
    no_build: bool,
    /// Do not compare it with other releases of the series
    #[arg(long)]
    skip_semver_check: bool,
}

impl Publish {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let options = PublishOptions {
            files: self.files,
            builder: if self.no_build { None } else { Some(context.builder()?) },
            package: self.package,
            registry: self.registry,
            dry_run: self.dry_run,
            skip_semver_check: self.skip_semver_check,
        };
        let Published { mut outcomes, one } = publish(&context.settings, &options).await?;
        if one && let Some(PublishOutcome { status: PublishStatus::Failed(_), .. }) = outcomes.first() {
            let PublishStatus::Failed(error) = outcomes.swap_remove(0).status else {
                return Ok(Output::nothing());
            };
            return Err(error.into());
        }
        for note in outcomes.iter().flat_map(|outcome| &outcome.neighbours).flat_map(|it| &it.notes) {
            context.note(&format!("note: {note}"));
        }
        let json = match outcomes.as_slice() {
            [outcome] if one => as_json(outcome, self.dry_run),
            outcomes => {
                let releases: Vec<_> = outcomes.iter().map(|it| as_json(it, self.dry_run)).collect();
                json!({ "dry_run": self.dry_run, "releases": releases })
            }
        };
        let mut output = Output::new(json);
        for outcome in &outcomes {
            show(&mut output, outcome, self.dry_run);
        }
        let is_bad = |it: &PublishOutcome| {
            matches!(it.status, PublishStatus::Failed(_) | PublishStatus::LeftOut { .. })
        };
        Ok(if outcomes.iter().any(is_bad) { output.bad() } else { output })
    }
}

fn show(output: &mut Output, outcome: &PublishOutcome, dry_run: bool) {
    let (style, what) = match &outcome.status {
        PublishStatus::DryRun => (GOOD, "Would publish"),
        PublishStatus::Published => (GOOD, "Published"),
        PublishStatus::AlreadyThere => (GOOD, "Already there:"),
        PublishStatus::Failed(_) => (BAD, "Not published:"),
        PublishStatus::LeftOut { .. } => (WARN, "Left out:"),
    };
    let place = if matches!(outcome.status, PublishStatus::AlreadyThere) { "in" } else { "to" };
    output.line(format!(
        "{} {} {place} {} ({} bytes)",
        styled(style, what),
        styled(NAME, format!("{} {}", outcome.package, outcome.version)),
        outcome.registry,
        outcome.size
    ));
    match &outcome.status {
        PublishStatus::Failed(error) => {
            output.line(format!("  {}", clean(&error.to_string())));
            if let Some(hint) = error.hint() {
                output.line(format!("  {} {}", styled(GOOD, "hint:"), clean(&hint)));
            }
        }
        PublishStatus::LeftOut { needs } => {
            output.line(format!("  it needs {needs}, which was not published"));
        }
        _ => {
            output.line(format!("  {}", styled(DIM, &outcome.digest)));
        }
    }
    if dry_run {
        details(output, outcome);
    }
}

fn details(output: &mut Output, outcome: &PublishOutcome) {
    let mut field = |name: &str, lines: Vec<String>| {
        for (index, line) in lines.iter().enumerate() {
            output.line(format!("  {:<14}{}", if index == 0 { name } else { "" }, clean_line(line)));
        }
    };
    field("kind", vec![outcome.kind.to_owned()]);
    field("exports", outcome.exports.clone());
    field("imports", outcome.imports.clone());
    field(
        "dependencies",
        outcome.dependencies.iter().map(|(package, req)| format!("{package} {req}")).collect(),
    );
    field("annotations", outcome.annotations.iter().map(|(key, value)| annotation(key, value)).collect());
    for neighbour in &outcome.neighbours {
        let mut lines = vec![format!("with {}", neighbour.version)];
        lines.extend(neighbour.additions.iter().map(|addition| format!("  {addition}")));
        field("compatible", lines);
    }
}

/// An annotation on a line; what machines tell each other is cut short.
fn annotation(key: &str, value: &str) -> String {
    match value.char_indices().nth(LONGEST_ANNOTATION) {
        Some((end, _)) => format!("{key} = {}… ({} bytes)", &value[..end], value.len()),
        None => format!("{key} = {value}"),
    }
}

fn as_json(outcome: &PublishOutcome, dry_run: bool) -> Value {
    let neighbours: Vec<_> = (outcome.neighbours.iter())
        .map(|it| json!({ "version": it.version, "additions": it.additions, "notes": it.notes }))
        .collect();
    let dependencies: Vec<_> = (outcome.dependencies.iter())
        .map(|(package, req)| json!({ "package": package, "req": req.to_string() }))
        .collect();
    let (status, error) = match &outcome.status {
        PublishStatus::DryRun => ("dry-run", None),
        PublishStatus::Published => ("published", None),
        PublishStatus::AlreadyThere => ("already-there", None),
        PublishStatus::Failed(error) => {
            ("failed", Some(json!({ "message": error.to_string(), "hint": error.hint() })))
        }
        PublishStatus::LeftOut { needs } => {
            ("left-out", Some(json!({ "message": format!("it needs {needs}, which was not published") })))
        }
    };
    json!({
        "file": outcome.file,
        "package": outcome.package,
        "version": outcome.version,
        "registry": outcome.registry,
        "kind": outcome.kind,
        "digest": outcome.digest,
        "manifest": outcome.manifest,
        "size": outcome.size,
        "exports": outcome.exports,
        "imports": outcome.imports,
        "dependencies": dependencies,
        "annotations": outcome.annotations,
        "compatible_with": neighbours,
        "status": status,
        "error": error,
        "already_there": matches!(outcome.status, PublishStatus::AlreadyThere),
        "dry_run": dry_run,
    })
}
