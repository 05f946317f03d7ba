//! What a registry says of a package: its versions, and what is in one of them.

use semver::{Version, VersionReq};
use serde::Serialize;
use spin_deps_component::{Kind, inspect_reader, needs};
use spin_deps_registry::{Content, Listed, Listing, Registries};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use crate::Error;

/// The versions of a package.
#[derive(Clone, Debug, Serialize)]
pub struct PackageVersions {
    /// The package.
    pub package: PackageRef,
    /// The registry that was asked.
    pub registry: Registry,
    /// The releases, newest first.
    pub versions: Vec<VersionRow>,
}

/// One release in a list.
#[derive(Clone, Debug, Serialize)]
pub struct VersionRow {
    /// The release.
    pub version: Version,
    /// It was withdrawn.
    pub yanked: bool,
    /// Why it was withdrawn, where its author said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What one release is.
#[derive(Clone, Debug, Serialize)]
pub struct PackageInfo {
    /// The package.
    pub package: PackageRef,
    /// The release.
    pub version: Version,
    /// The registry that it is in.
    pub registry: Registry,
    /// It was withdrawn.
    pub yanked: bool,
    /// Why it was withdrawn, where its author said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yank_reason: Option<String>,
    /// `component` or `wit`.
    pub kind: &'static str,
    /// Digest of the bytes.
    pub digest: String,
    /// Size in bytes.
    pub size: u64,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// SPDX licence expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licenses: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authors: Option<String>,
    /// Where its source is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its web page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// The revision of its source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Names of its imports.
    pub imports: Vec<String>,
    /// Names of its exports.
    pub exports: Vec<String>,
    /// Capability keys that its imports reach.
    pub capabilities: Vec<String>,
    /// What it needs of other packages: package and requirement.
    pub dependencies: Vec<(PackageRef, VersionReq)>,
}

/// The versions of a package, newest first.
pub async fn versions(
    registries: &Registries,
    package: &PackageRef,
    registry: Option<&Registry>,
) -> Result<PackageVersions, Error> {
    let registry = registry_for(registries, package, registry)?;
    let mut versions: Vec<_> = listed(registries, package, &registry)
        .await?
        .into_iter()
        .map(|it| VersionRow { version: it.version, yanked: it.yanked, reason: it.reason })
        .collect();
    versions.sort_by(|a, b| b.version.cmp(&a.version));
    Ok(PackageVersions { package: package.clone(), registry, versions })
}

/// What is in a release: the newest that `req` admits, pre-releases and then yanked ones only when there is nothing
/// else.
pub async fn info(
    registries: &Registries,
    package: &PackageRef,
    req: Option<&VersionReq>,
    registry: Option<&Registry>,
) -> Result<PackageInfo, Error> {
    let registry = registry_for(registries, package, registry)?;
    let mut versions: Vec<_> = listed(registries, package, &registry).await?;
    versions.sort_by_cached_key(|it| (!it.yanked, it.version.pre.is_empty(), it.version.clone()));
    let fits = |it: &&Listed| req.map_or(!it.yanked, |req| req.matches(&it.version));
    let Some(Listed { version, yanked, reason }) = versions.iter().rev().find(fits).cloned() else {
        let mut available: Vec<_> = versions.into_iter().map(|it| it.version).collect();
        available.sort();
        return Err(Error::NoVersion {
            package: package.clone(),
            req: req.cloned().unwrap_or(VersionReq::STAR),
            available,
        });
    };
    let release = registries.release(package, &version, &registry).await?;
    let release =
        release.ok_or_else(|| Error::NoPackage { package: package.clone(), registry: registry.clone() })?;
    let content = Content::of(package, &version, &registry, &release);
    let inspection = registries.read(&content, |reader| inspect_reader(reader)).await?;
    let inspection =
        inspection.map_err(|error| Error::Inspect { what: format!("{package} {version}"), error })?;
    let metadata = &inspection.metadata;
    Ok(PackageInfo {
        package: package.clone(),
        version,
        registry,
        yanked,
        yank_reason: reason,
        kind: match inspection.kind {
            Kind::WitPackage => "wit",
            Kind::CoreModule => "module",
            Kind::Component => "component",
        },
        digest: release.digest.to_string(),
        size: release.size,
        description: metadata.description.clone(),
        licenses: metadata.licenses.clone(),
        authors: metadata.authors.clone(),
        source: metadata.source.clone(),
        homepage: metadata.homepage.clone(),
        revision: metadata.revision.clone(),
        imports: inspection.imports.iter().map(|it| it.name.clone()).collect(),
        exports: inspection.exports.iter().map(|it| it.name.clone()).collect(),
        capabilities: inspection.capabilities.iter().map(|key| (*key).to_owned()).collect(),
        dependencies: needs(&inspection).into_iter().map(|need| (need.package, need.req)).collect(),
    })
}

/// The registry of a package: the one that was named, else the configured one.
pub(crate) fn registry_for(
    registries: &Registries,
    package: &PackageRef,
    registry: Option<&Registry>,
) -> Result<Registry, Error> {
    registry
        .cloned()
        .or_else(|| registries.registry_of(package))
        .ok_or_else(|| Error::Registry(spin_deps_registry::Error::NotConfigured { package: package.clone() }))
}

/// The releases that a registry lists for a package.
pub(crate) async fn listed(
    registries: &Registries,
    package: &PackageRef,
    registry: &Registry,
) -> Result<Vec<Listed>, Error> {
    match registries.versions(package, registry).await? {
        Listing::Found(versions) => Ok(versions),
        Listing::NotFound => Err(Error::NoPackage { package: package.clone(), registry: registry.clone() }),
        Listing::Offline => Err(Error::Registry(spin_deps_registry::Error::Offline {
            what: format!("the list of versions of {package}"),
            because: registries.offline().unwrap_or_default().to_owned(),
        })),
    }
}
