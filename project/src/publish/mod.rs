//! Publishing components and WIT packages, with what others need to know of them without downloading them.
//!
//! ```text
//! projects ─► built ─┐
//!                    ├─► read (validated whole) ─► in order (dependencies first) ─► checked ─► pushed
//! files ─────────────┘                                          (against what is published)
//! ```
//!
//! Nothing is pushed before everything has been checked. Then one release after the other is pushed, each after those
//! of the same call that it needs; where one fails, those that need it are left out and the others go on. What was
//! pushed stays, and publishing the same files again goes on where it stopped.

mod check;
mod file;
mod target;

use std::{collections::BTreeMap, path::PathBuf};

use semver::{Version, VersionReq};
use spin_deps_component::{
    ANNOTATION, Kind, MAX_TYPES_ANNOTATION, TYPES_ANNOTATION, Types, needs, table_of_needs,
};
use spin_deps_registry::{ComponentConfig, Error as RegistryError, Publication, Registries};
use wasm_pkg_common::{digest::ContentDigest, package::PackageRef, registry::Registry};

use self::{file::PublishedFile, target::targets};
use crate::{Builder, Error, Project, Settings, content::KIND_ANNOTATION, info::registry_for};

/// What is to be published, as the command line has it.
#[derive(Clone, Debug)]
pub struct PublishOptions {
    /// What is published: a file; a folder with a `component.toml`, which stands for that component or the members of
    /// that workspace; any other folder for all of its files that end in `.wasm`. If nothing is named, the component or
    /// the workspace around the current directory.
    pub files: Vec<PathBuf>,
    /// What builds components with a `component.toml`; without it they are published as they are.
    pub builder: Option<Builder>,
    /// The package and its version, where the file does not say them or others are meant. For one file only.
    pub package: Option<(PackageRef, Option<Version>)>,
    /// The registry, where it is not the configured one.
    pub registry: Option<Registry>,
    /// Only say what would be published.
    pub dry_run: bool,
    /// Do not look whether it can stand for the releases before it, and those after it for it.
    pub skip_semver_check: bool,
}

/// What became of one file.
#[derive(Debug)]
pub struct PublishOutcome {
    /// The file.
    pub file: PathBuf,
    /// The package.
    pub package: PackageRef,
    /// The release.
    pub version: Version,
    /// Where it goes.
    pub registry: Registry,
    /// `component` or `wit`.
    pub kind: &'static str,
    /// The digest of the bytes.
    pub digest: ContentDigest,
    /// The digest of the OCI manifest, where there is one and it is known.
    pub manifest: Option<ContentDigest>,
    /// Size in bytes.
    pub size: u64,
    /// Names of its imports.
    pub imports: Vec<String>,
    /// Names of its exports.
    pub exports: Vec<String>,
    /// What it needs of other packages.
    pub dependencies: Vec<(PackageRef, VersionReq)>,
    /// The annotations of its manifest.
    pub annotations: BTreeMap<String, String>,
    /// The releases of the series that it was compared with; none if it was not.
    pub neighbours: Vec<Neighbour>,
    /// What became of it.
    pub status: PublishStatus,
}

/// A release that a new one was compared with. It is compatible, or nothing would have been published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its version.
    pub version: Version,
    /// What the higher of the two has that the lower has not.
    pub additions: Vec<String>,
    /// What its author may want to know.
    pub notes: Vec<String>,
}

/// What became of a release.
#[derive(Debug)]
pub enum PublishStatus {
    /// Nothing was tried, by request.
    DryRun,
    /// It is there now.
    Published,
    /// The very same bytes were there already.
    AlreadyThere,
    /// It was not published.
    Failed(Error),
    /// It was not tried, because a release that it needs was not published.
    LeftOut {
        /// That release.
        needs: String,
    },
}

/// What became of all that was to be published.
#[derive(Debug)]
pub struct Published {
    /// Each release, in the order in which they were published.
    pub outcomes: Vec<PublishOutcome>,
    /// One file or component was named, not several or a folder of them.
    pub one: bool,
}

/// Builds and publishes, or only says what would be published. An error is about the files or about what is published
/// already, and nothing was pushed; what became of each release after that is in its outcome.
pub async fn publish(settings: &Settings, options: &PublishOptions) -> Result<Published, Error> {
    let registries = Project::open_registries(settings).await?;
    let (targets, one) = targets(settings, options).await?;
    if targets.len() > 1 && options.package.is_some() {
        return Err(Error::Unanswered {
            message: format!("`--package` names one package, and there are {} files", targets.len()),
            hint: "publish the files one by one, or write names and versions into their metadata".into(),
        });
    }
    let mut releases = Vec::new();
    for target in targets {
        releases.push(target.read(options.package.as_ref(), &registries).await?);
    }
    let outcomes = publish_all(releases, options).await?;
    Ok(Published { outcomes, one })
}

async fn publish_all(
    releases: Vec<PublishedFile>,
    options: &PublishOptions,
) -> Result<Vec<PublishOutcome>, Error> {
    let releases = file::in_order(releases)?;
    let mut outcomes = Vec::new();
    for release in &releases {
        let registries = &release.registries;
        let registry = registry_for(registries, &release.package, options.registry.as_ref())?;
        let mut outcome = outcome(release, registry);
        let is_there = check::is_there(registries, &outcome).await?;
        if !is_there && !options.skip_semver_check {
            let neighbours = check::neighbours(registries, release, &outcome.registry, &releases).await;
            outcome.neighbours = match neighbours {
                Err(Error::Registry(RegistryError::Offline { because, .. })) if !options.dry_run => {
                    let what = format!("to publish {} {}", release.package, release.version);
                    return Err(RegistryError::OfflineWrite { what, because }.into());
                }
                Err(Error::Registry(RegistryError::Offline { because, .. })) => {
                    let (package, version) = (&release.package, &release.version);
                    tracing::warn!("{package} {version} is not compared with other releases: {because}");
                    Vec::new()
                }
                found => found?,
            };
        }
        if is_there && options.dry_run {
            outcome.status = PublishStatus::AlreadyThere;
        }
        outcomes.push(outcome);
    }
    if options.dry_run {
        return Ok(outcomes);
    }
    for index in 0..releases.len() {
        push(&releases, &mut outcomes, index).await;
    }
    Ok(outcomes)
}

/// Pushes one release, if those that it needs are there.
async fn push(releases: &[PublishedFile], outcomes: &mut [PublishOutcome], index: usize) {
    let missing = outcomes.iter().zip(releases).take(index).find(|(before, release)| {
        let is_missing = matches!(before.status, PublishStatus::Failed(_) | PublishStatus::LeftOut { .. });
        is_missing && releases.get(index).is_some_and(|it| it.needs(release))
    });
    let missing = missing.map(|(before, _)| format!("{} {}", before.package, before.version));
    let (Some(release), Some(outcome)) = (releases.get(index), outcomes.get_mut(index)) else {
        return;
    };
    if let Some(needs) = missing {
        outcome.status = PublishStatus::LeftOut { needs };
        return;
    }
    outcome.status = match release.registries.publish(&publication_of(release), &outcome.registry).await {
        Ok(published) => {
            outcome.manifest = published.manifest;
            if published.already_there { PublishStatus::AlreadyThere } else { PublishStatus::Published }
        }
        Err(error) => PublishStatus::Failed(error.into()),
    };
}

/// What publishing a file under this name would push.
pub(crate) async fn publication(
    registries: &Registries,
    file: PathBuf,
    package: &PackageRef,
    version: &Version,
) -> Result<Publication, Error> {
    let given = (package.clone(), Some(version.clone()));
    Ok(publication_of(&PublishedFile::read(file, Some(&given), registries.clone()).await?))
}

fn publication_of(release: &PublishedFile) -> Publication {
    let names = |externs: &[spin_deps_component::Extern]| externs.iter().map(|it| it.name.clone()).collect();
    Publication {
        package: release.package.clone(),
        version: release.version.clone(),
        content: release.content.clone(),
        config: ComponentConfig {
            exports: names(&release.inspection.exports),
            imports: names(&release.inspection.imports),
            target: None,
        },
        annotations: annotations(release),
        layer_title: None,
    }
}

fn outcome(release: &PublishedFile, registry: Registry) -> PublishOutcome {
    let inspection = &release.inspection;
    let names = |externs: &[spin_deps_component::Extern]| externs.iter().map(|it| it.name.clone()).collect();
    PublishOutcome {
        file: release.path.clone(),
        package: release.package.clone(),
        version: release.version.clone(),
        registry,
        kind: if inspection.kind == Kind::WitPackage { "wit" } else { "component" },
        digest: release.content.digest().clone(),
        manifest: None,
        size: release.content.size(),
        imports: names(&inspection.imports),
        exports: names(&inspection.exports),
        dependencies: release.needs.clone(),
        annotations: annotations(release),
        neighbours: Vec::new(),
        status: PublishStatus::DryRun,
    }
}

/// The manifest annotations: the OCI ones from the file's metadata, what it needs, and its types, so that a resolver
/// need not download it.
fn annotations(release: &PublishedFile) -> BTreeMap<String, String> {
    let PublishedFile { inspection, version, .. } = release;
    let metadata = &inspection.metadata;
    let mut annotations =
        BTreeMap::from([("org.opencontainers.image.version".to_owned(), version.to_string())]);
    for (key, value) in [
        ("description", &metadata.description),
        ("licenses", &metadata.licenses),
        ("source", &metadata.source),
        ("url", &metadata.homepage),
        ("authors", &metadata.authors),
        ("revision", &metadata.revision),
    ] {
        if let Some(value) = value {
            annotations.insert(format!("org.opencontainers.image.{key}"), value.clone());
        }
    }
    if inspection.kind == Kind::WitPackage {
        annotations.insert(KIND_ANNOTATION.to_owned(), "wit".to_owned());
    } else {
        annotations.insert(KIND_ANNOTATION.to_owned(), "component".to_owned());
        annotations.insert(ANNOTATION.to_owned(), table_of_needs(&needs(inspection)).to_json());
    }
    // Types that are too long for a manifest are read from the Wasm.
    let types = Types::of(&release.outline).to_json();
    if types.len() <= MAX_TYPES_ANNOTATION {
        annotations.insert(TYPES_ANNOTATION.to_owned(), types);
    }
    annotations
}
