//! What a registry says of a package: its versions, and what is in one of them.

use semver::{Version, VersionReq};
use serde::Serialize;
use spin_deps_component::{InterfaceName, Kind, is_host_provided};
use spin_deps_lockfile::{Lockfile, Package};
use spin_deps_registry::{Listed, Listing, Registries};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use crate::{
    Error, Project, Settings,
    describe::{choose, describe},
    known::no_package,
};

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
    /// Those of them that the host provides.
    pub host_imports: Vec<String>,
    /// Names of its exports; of a WIT package, of its interfaces and worlds.
    pub exports: Vec<String>,
    /// Those of them that are worlds.
    pub worlds: Vec<String>,
    /// Capability keys that its imports reach.
    pub capabilities: Vec<String>,
    /// What it needs of other packages: package and requirement.
    pub dependencies: Vec<(PackageRef, VersionReq)>,
    /// How many versions the package has, this one included.
    pub versions: usize,
    /// The newest of them that is neither yanked nor, if there is another, a pre-release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<Version>,
    /// The versions that the project has locked.
    pub locked: Vec<Version>,
}

/// The registries, and the lockfile of the project that one looks at them from, if there is one.
pub struct Looking {
    pub(crate) registries: Registries,
    pub(crate) lock: Option<Lockfile>,
}

impl Looking {
    /// Opens both. For the commands that need no project, and know more in one.
    pub async fn open(settings: &Settings) -> Result<Self, Error> {
        if Project::is_there(settings) {
            let Project { registries, lock, .. } = Project::open(settings.clone()).await?;
            return Ok(Self { registries, lock });
        }
        Ok(Self { registries: Project::open_registries(settings).await?, lock: None })
    }

    /// The locked releases of a package, in ascending order.
    pub(crate) fn locked(&self, package: &PackageRef) -> impl Iterator<Item = &Package> {
        self.lock.iter().flat_map(move |lock| lock.releases(package))
    }
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
    looking: &Looking,
    package: &PackageRef,
    req: Option<&VersionReq>,
    registry: Option<&Registry>,
) -> Result<PackageInfo, Error> {
    let registries = &looking.registries;
    let registry = registry_for(registries, package, registry)?;
    let listed = listed(registries, package, &registry).await?;
    let found = choose(package, &listed, req)?;
    let release = describe(registries, package, found, &registry).await?;
    let hosted = |name: &&String| InterfaceName::parse(name).is_some_and(|it| is_host_provided(&it.package));
    let metadata = release.metadata;
    Ok(PackageInfo {
        package: package.clone(),
        version: release.content.version,
        registry,
        yanked: release.yanked,
        yank_reason: release.reason,
        kind: match release.kind {
            Kind::WitPackage => "wit",
            Kind::CoreModule => "module",
            Kind::Component => "component",
        },
        digest: release.content.digest.to_string(),
        size: release.content.size,
        description: metadata.description,
        licenses: metadata.licenses,
        authors: metadata.authors,
        source: metadata.source,
        homepage: metadata.homepage,
        revision: metadata.revision,
        host_imports: release.imports.iter().filter(hosted).cloned().collect(),
        imports: release.imports,
        exports: release.exports,
        worlds: release.worlds,
        capabilities: release.capabilities,
        dependencies: release.needs,
        versions: listed.len(),
        newest: choose(package, &listed, None).ok().map(|it| it.version),
        locked: looking.locked(package).map(|it| it.version.clone()).collect(),
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
    let _task = registries.progress().begin(&format!("asking {registry} for {package}"), None);
    match registries.versions(package, registry).await? {
        Listing::Found(versions) => Ok(versions),
        Listing::NotFound => Err(no_package(registries, package, registry).await),
        Listing::Offline => Err(Error::Registry(spin_deps_registry::Error::Offline {
            what: format!("the list of versions of {package}"),
            because: registries.offline().unwrap_or_default().to_owned(),
        })),
    }
}
