//! Publishing a component or a WIT package, with what others need to know of it without downloading it.

use std::{collections::BTreeMap, path::PathBuf};

use bytes::Bytes;
use semver::Version;
use spin_deps_component::{ANNOTATION, Inspection, Kind, inspect, needs, table_of_needs};
use spin_deps_registry::{ComponentConfig, Publication, Registries};
use wasm_pkg_common::{digest::ContentDigest, package::PackageRef, registry::Registry};

use crate::{Error, content::KIND_ANNOTATION, files};

/// What is to be published, as the command line has it.
#[derive(Clone, Debug)]
pub struct PublishOptions {
    /// The file.
    pub file: PathBuf,
    /// The package and its version, where the file does not say them or others are meant.
    pub package: Option<(PackageRef, Option<Version>)>,
    /// The registry, where it is not the configured one.
    pub registry: Option<Registry>,
    /// Only say what would be published.
    pub dry_run: bool,
}

/// What was published.
#[derive(Clone, Debug)]
pub struct PublishOutcome {
    /// The package.
    pub package: PackageRef,
    /// The release.
    pub version: Version,
    /// Where it went.
    pub registry: Registry,
    /// The digest of the bytes; `None` with `dry_run`.
    pub digest: Option<ContentDigest>,
    /// The digest of the OCI manifest, where there is one.
    pub manifest: Option<ContentDigest>,
    /// The very same bytes were there already.
    pub already_there: bool,
    /// Size in bytes.
    pub size: u64,
}

/// Publishes a file. An existing release is never overwritten.
pub async fn publish(registries: &Registries, options: &PublishOptions) -> Result<PublishOutcome, Error> {
    let what = options.file.display().to_string();
    let file = options.file.clone();
    let bytes = Bytes::from(tokio::task::spawn_blocking(move || files::read_component(&file)).await??);
    let inspection = inspect(&bytes).map_err(|error| Error::Inspect { what: what.clone(), error })?;
    if inspection.kind == Kind::CoreModule {
        return Err(Error::NotComponent { what, found: "a core module" });
    }
    let (package, version) = identity(&what, &inspection, options.package.as_ref())?;
    let registry = match &options.registry {
        Some(registry) => registry.clone(),
        None => registries.registry_of(&package).ok_or_else(|| {
            Error::Registry(spin_deps_registry::Error::NotConfigured { package: package.clone() })
        })?,
    };
    let size = bytes.len() as u64;
    let mut outcome = PublishOutcome {
        package: package.clone(),
        version: version.clone(),
        registry: registry.clone(),
        digest: None,
        manifest: None,
        already_there: false,
        size,
    };
    if options.dry_run {
        return Ok(outcome);
    }
    let publication = Publication {
        package,
        version: version.clone(),
        bytes,
        config: ComponentConfig {
            exports: inspection.exports.iter().map(|it| it.name.clone()).collect(),
            imports: inspection.imports.iter().map(|it| it.name.clone()).collect(),
            target: None,
        },
        annotations: annotations(&inspection, &version),
        layer_title: None,
    };
    let published = registries.publish(&publication, &registry).await?;
    outcome.digest = Some(published.digest);
    outcome.manifest = published.manifest;
    outcome.already_there = published.already_there;
    Ok(outcome)
}

/// Name and version: given, else the file's own.
fn identity(
    what: &str,
    inspection: &Inspection,
    given: Option<&(PackageRef, Option<Version>)>,
) -> Result<(PackageRef, Version), Error> {
    let hint = "give them with `--package ns:name@1.0.0`, or write them into the file's metadata";
    let missing = |part: &str| Error::Unanswered {
        message: format!("{what} does not say {part}"),
        hint: hint.to_owned(),
    };
    let package = given.map(|(package, _)| package.clone()).or_else(|| inspection.name.clone());
    let version = given.and_then(|(_, version)| version.clone()).or_else(|| inspection.version.clone());
    match (package, version) {
        (Some(package), Some(version)) => Ok((package, version)),
        (None, Some(_)) => Err(missing("which package it is")),
        (Some(_), None) => Err(missing("which version it is")),
        (None, None) => Err(missing("which package and version it is")),
    }
}

/// The manifest annotations: the OCI ones from the file's metadata, and what it needs, so that a resolver need
/// not download it.
fn annotations(inspection: &Inspection, version: &Version) -> BTreeMap<String, String> {
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
    annotations
}
