//! What a dependency is, once versions are chosen: a unit of content, its bytes and what it needs.

use std::{collections::BTreeSet, io::Read, path::PathBuf, sync::Arc};

use bytes::Bytes;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};
use spin_deps_component::{
    ANNOTATION, DependencyTable, InspectError, Inspection, Kind, Outline, capabilities, inspect, needs,
    needs_from_names,
};
use spin_deps_lockfile::{Dependency, HttpSource, Lockfile, Need as LockedNeed, Package, Signers as Locked};
use spin_deps_manifest::{ComponentSource, Source, Span};
use spin_deps_registry::{Content, ReleaseInfo, Signers};
use url::Url;
use wasm_pkg_common::{digest::ContentDigest, package::PackageRef, registry::Registry};

use crate::{
    Error, Project, files,
    overrides::Overrides,
    reach::{Keys, host_imports, keys, of_host},
    requirements::exactly,
};

/// The annotation that says what kind of thing a manifest of ours holds: `component` or `wit`.
pub(crate) const KIND_ANNOTATION: &str = "dev.spin-deps.kind";

/// One thing that is composed into an app.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    /// A locked release.
    Package(PackageRef, Version),
    /// A file, relative to the manifest as it is written there.
    File(String),
    /// Content behind a URL with the digest in the manifest.
    Url(Url, String),
}

impl Unit {
    /// The name in messages and trees.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Package(package, version) => format!("{package}@{version}"),
            Self::File(path) => path.clone(),
            Self::Url(url, _) => without_secrets(url),
        }
    }
}

/// A need of a unit and what meets it.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    /// The package, as the unit names it.
    pub(crate) package: PackageRef,
    /// The versions that would do, unless the package is overridden.
    pub(crate) req: VersionReq,
    /// What meets it.
    pub(crate) unit: Unit,
    /// Whether that is an override's doing.
    pub(crate) overridden: bool,
}

/// A URL without user information and query, which may hold secrets.
pub(crate) fn without_secrets(url: &Url) -> String {
    let mut url = url.clone();
    // Both only fail for URLs that cannot have them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// What must be known of some content before its versions are chosen. Cached by digest for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// It holds WIT only and implements nothing.
    pub(crate) wit_only: bool,
    /// What it needs of other packages.
    pub(crate) needs: Vec<(PackageRef, VersionReq)>,
    /// What it can reach, as capability keys.
    pub(crate) capabilities: Vec<String>,
    /// The imports behind these, and all others that a host may deny. Not known of what was locked before they were
    /// recorded.
    pub(crate) imports: Vec<String>,
}

impl Facts {
    /// The facts from the bytes themselves.
    pub(crate) fn of_inspection(inspection: &Inspection) -> Self {
        Self {
            wit_only: inspection.kind == Kind::WitPackage,
            needs: needs(inspection).into_iter().map(|need| (need.package, need.req)).collect(),
            capabilities: inspection.capabilities.iter().map(|key| (*key).to_owned()).collect(),
            imports: host_imports(inspection),
        }
    }

    /// The keys that it reaches for by itself.
    pub(crate) fn keys(&self) -> Keys {
        self.capabilities.iter().cloned().chain(keys(&self.imports)).collect()
    }

    /// The needs that an override meets.
    pub(crate) fn overridden(&self, overrides: &Overrides) -> Vec<LockedNeed> {
        let needs = self.needs.iter().filter(|(package, _)| overrides.contains(package));
        needs.map(|(package, req)| LockedNeed { package: package.clone(), req: req.clone() }).collect()
    }

    /// The facts from a release's metadata, or `None` where that does not say enough and the bytes must be read:
    /// a foreign artifact that imports another package's interface, which may hold types only.
    pub(crate) fn of_metadata(info: &ReleaseInfo) -> Option<Self> {
        let config = info.component.as_ref()?;
        let capabilities: Vec<String> =
            capabilities(config.imports.iter().map(String::as_str)).into_iter().map(str::to_owned).collect();
        let imports = of_host(config.imports.iter().map(String::as_str));
        if info.annotations.get(KIND_ANNOTATION).is_some_and(|kind| kind == "wit") {
            return Some(Self { wit_only: true, needs: Vec::new(), capabilities, imports });
        }
        if let Some(json) = info.annotations.get(ANNOTATION) {
            let table = DependencyTable::from_json(json).ok()?;
            let needs = table.dependencies.into_iter().map(|entry| (entry.package, entry.version)).collect();
            return Some(Self { wit_only: false, needs, capabilities, imports });
        }
        let needs = needs_from_names(config.imports.iter().map(String::as_str), None);
        needs.is_empty().then_some(Self { wit_only: false, needs: Vec::new(), capabilities, imports })
    }
}

/// Inspects bytes that must be a component. Works on the calling thread, which is a worker of the runtime.
pub(crate) fn inspect_component(what: &str, bytes: &[u8]) -> Result<Inspection, Error> {
    let inspection =
        tokio::task::block_in_place(|| inspect(bytes)).map_err(|error| unreadable(what, error))?;
    check_kind(what, inspection.kind)?;
    Ok(inspection)
}

/// Inspects the bytes of a unit, which must be a component.
pub(crate) fn inspect_unit(unit: &Unit, bytes: &[u8]) -> Result<Inspection, Error> {
    let label = unit.label();
    inspect_component(&label, bytes).map_err(|error| of_unit(unit, label, error))
}

/// What was read of something, which must be a component.
pub(crate) fn component(what: &str, read: Outlined) -> Result<Arc<Outline>, Error> {
    let outline = read.map_err(|error| unreadable(what, error))?;
    check_kind(what, outline.kind())?;
    Ok(outline)
}

fn unreadable(what: &str, error: InspectError) -> Error {
    match error {
        InspectError::Read(error) => Error::Io(error),
        error => Error::Inspect { what: what.to_owned(), error },
    }
}

fn check_kind(what: &str, kind: Kind) -> Result<(), Error> {
    match kind {
        Kind::Component => Ok(()),
        Kind::WitPackage => Err(Error::NotComponent { what: what.to_owned(), found: "a WIT package" }),
        Kind::CoreModule => Err(Error::NotComponent { what: what.to_owned(), found: "a core module" }),
    }
}

/// What a registry publishes is not for its user to mend.
fn of_unit(unit: &Unit, label: String, error: Error) -> Error {
    match (unit, error) {
        (Unit::Package(..), Error::Inspect { error, .. }) => Error::Published { release: label, error },
        (_, error) => error,
    }
}

/// What the store's content or a file was read as.
pub(crate) type Outlined = Result<Arc<Outline>, InspectError>;

fn outlined(reader: &mut dyn Read) -> Outlined {
    Outline::read(reader).map(Arc::new)
}

/// The locked release that a requirement selects: the highest that it admits.
pub(crate) fn select<'a>(lock: &'a Lockfile, package: &PackageRef, req: &VersionReq) -> Option<&'a Package> {
    lock.packages
        .iter()
        .filter(|locked| locked.name == *package && req.matches(&locked.version))
        .max_by(|a, b| a.version.cmp(&b.version))
}

/// What identifies a locked release's content.
pub(crate) fn content_of(package: &Package) -> Content {
    Content {
        package: package.name.clone(),
        version: package.version.clone(),
        registry: package.registry.clone(),
        digest: package.digest.clone(),
        size: package.size,
        manifest: package.manifest.clone(),
        signers: package.signers.as_ref().map(expected),
    }
}

/// Refuses to take a package from another registry than the one that it is locked from.
pub(crate) fn stays(lock: &Lockfile, package: &PackageRef, now: &Registry) -> Result<(), Error> {
    match lock.releases(package).find(|locked| locked.registry != *now) {
        None => Ok(()),
        Some(locked) => Err(Error::RegistryChanged {
            package: Box::new(package.clone()),
            locked: locked.registry.clone(),
            now: now.clone(),
            entries: entries_on(lock, package),
        }),
    }
}

/// Refuses releases without signers of a package that is locked with them. That the signers are the same is seen to by
/// the registry, if it still speaks warg.
pub(crate) fn is_signed_as_before(
    lock: &Lockfile,
    package: &PackageRef,
    registry: &Registry,
    release: &ReleaseInfo,
) -> Result<(), Error> {
    if release.signers.is_some() || lock.releases(package).all(|locked| locked.signers.is_none()) {
        return Ok(());
    }
    let (package, registry) = (package.clone(), registry.clone());
    let entries = entries_on(lock, &package);
    Err(Error::Unsigned { package, registry, entries })
}

/// What has to leave the lockfile with a package, for the rest to be sound: what depends on it, and so on up.
fn entries_on(lock: &Lockfile, package: &PackageRef) -> Vec<String> {
    let mut leaving = BTreeSet::from([package]);
    loop {
        let found = leaving.len();
        for locked in &lock.packages {
            if locked.dependencies.iter().any(|it| leaving.contains(&it.package)) {
                leaving.insert(&locked.name);
            }
        }
        if leaving.len() == found {
            break;
        }
    }
    let needs = |it: &&HttpSource| it.dependencies.iter().any(|it| leaving.contains(&it.package));
    let urls = lock.http.iter().filter(needs).map(|it| without_secrets(&it.url)).collect::<Vec<_>>();
    leaving.iter().map(ToString::to_string).chain(urls).collect()
}

/// The signers of a release, as the lockfile records them.
pub(crate) fn recorded(signers: &Signers) -> Result<Locked, Error> {
    let key = |key: &str| {
        key.parse().map_err(|error: wasm_pkg_common::Error| Error::Unknown {
            message: format!("a registry names a signer in a form that cannot be locked: {error}"),
            hint: None,
        })
    };
    Ok(Locked { operator: key(&signers.operator)?, author: key(&signers.author)? })
}

/// The signers of a locked release, as the registries know them.
pub(crate) fn expected(signers: &Locked) -> Signers {
    Signers { operator: signers.operator.to_string(), author: signers.author.to_string() }
}

impl Project {
    /// What a dependency's source points to with the versions of `lock`.
    pub(crate) fn unit(&self, source: &Source, lock: &Lockfile) -> Result<Unit, Error> {
        match source {
            Source::Registry { package, req, .. } => self.meets(package, req, lock),
            Source::Path(path) => Ok(Unit::File(path.clone())),
            Source::Url { url, digest } => Ok(Unit::Url(url.clone(), digest.to_string())),
            Source::Component(id) => match self.manifest().components.get(id) {
                Some(component) => self.component_unit(&component.source, lock),
                None => Err(Error::Unknown { message: format!("there is no component `{id}`"), hint: None }),
            },
        }
    }

    /// What a component's own source points to with the versions of `lock`.
    pub(crate) fn component_unit(&self, source: &ComponentSource, lock: &Lockfile) -> Result<Unit, Error> {
        match source {
            ComponentSource::Path(path) => Ok(Unit::File(path.clone())),
            ComponentSource::Url { url, digest } => Ok(Unit::Url(url.clone(), digest.to_string())),
            ComponentSource::Registry { package, version, .. } if self.overrides().contains(package) => {
                self.meets(package, &exactly(version), lock)
            }
            ComponentSource::Registry { package, version, .. } => {
                Ok(Unit::Package(package.clone(), version.clone()))
            }
        }
    }

    /// An error with the place in the manifest that it is about.
    pub(crate) fn at(&self, span: &Span, label: &str, error: &Error) -> Error {
        Error::Place {
            excerpt: Box::new(self.excerpt()),
            span: span.clone(),
            label: label.to_owned(),
            message: error.to_string(),
            hint: error.hint(),
        }
    }

    /// The path of a file that the manifest names.
    pub(crate) fn resolve_path(&self, path: &str) -> PathBuf {
        self.directory().join(path)
    }

    /// The bytes of a unit, checked against their digest where they have one.
    pub(crate) async fn bytes(&self, unit: &Unit, lock: &Lockfile) -> Result<Bytes, Error> {
        match unit {
            Unit::Package(package, version) => {
                let locked = locked(lock, package, version)?;
                if let Some(bytes) = self.memo.get(&locked.digest) {
                    return Ok(bytes);
                }
                let bytes = self.registries.fetch(&content_of(locked)).await?;
                self.memo.keep(&locked.digest, &bytes);
                Ok(bytes)
            }
            Unit::File(path) => {
                let path = self.resolve_path(path);
                let bytes = tokio::task::spawn_blocking(move || files::read_component(&path)).await??;
                Ok(Bytes::from(bytes))
            }
            Unit::Url(url, digest) => {
                let digest = digest_of_url(url, digest)?;
                if let Some(bytes) = self.memo.get(&digest) {
                    return Ok(bytes);
                }
                let bytes = self.registries.fetch_url(url, &digest).await?;
                self.memo.keep(&digest, &bytes);
                Ok(bytes)
            }
        }
    }

    /// Brings a unit into the store where it is not there yet; a file stays where it is.
    pub(crate) async fn ensure(&self, unit: &Unit, lock: &Lockfile) -> Result<(), Error> {
        match unit {
            Unit::Package(package, version) => {
                Ok(self.registries.ensure(&content_of(locked(lock, package, version)?)).await?)
            }
            Unit::Url(url, digest) => {
                Ok(self.registries.ensure_url(url, &digest_of_url(url, digest)?).await?)
            }
            Unit::File(_) => Ok(()),
        }
    }

    /// The outline of a unit, which must be a component. Its size does not matter for the memory.
    pub(crate) async fn outline(&self, unit: &Unit, lock: &Lockfile) -> Result<Arc<Outline>, Error> {
        let label = unit.label();
        component(&label, self.read(unit, lock).await?).map_err(|error| of_unit(unit, label, error))
    }

    /// What a unit is read as, checked against its digest where it has one.
    pub(crate) async fn read(&self, unit: &Unit, lock: &Lockfile) -> Result<Outlined, Error> {
        match unit {
            Unit::Package(package, version) => {
                self.read_release(&content_of(locked(lock, package, version)?)).await
            }
            Unit::File(path) => {
                let path = self.resolve_path(path);
                let read = move || files::open_component(&path).map(|mut file| outlined(&mut file));
                tokio::task::spawn_blocking(read).await?
            }
            Unit::Url(url, digest) => {
                let digest = digest_of_url(url, digest)?;
                if let Some(outline) = self.memo.outline(&digest) {
                    return Ok(Ok(outline));
                }
                let read = self.registries.read_url(url, &digest, outlined).await?;
                Ok(read.inspect(|outline| self.memo.keep_outline(&digest, outline)))
            }
        }
    }

    /// What a release is read as.
    pub(crate) async fn read_release(&self, content: &Content) -> Result<Outlined, Error> {
        if let Some(outline) = self.memo.outline(&content.digest) {
            return Ok(Ok(outline));
        }
        let read = self.registries.read(content, outlined).await?;
        Ok(read.inspect(|outline| self.memo.keep_outline(&content.digest, outline)))
    }

    /// What a unit needs, with what meets each need.
    pub(crate) async fn needs_of(&self, unit: &Unit, lock: &Lockfile) -> Result<Vec<Need>, Error> {
        let (dependencies, overridden) = match unit {
            Unit::Package(package, version) => match lock.get(package, version) {
                Some(locked) => (&locked.dependencies, &locked.overridden),
                None => return Ok(Vec::new()),
            },
            Unit::Url(url, digest) => {
                let same = |it: &&HttpSource| it.url == *url && it.digest.to_string() == *digest;
                match lock.http.iter().find(same) {
                    Some(locked) => (&locked.dependencies, &locked.overridden),
                    None => return Ok(Vec::new()),
                }
            }
            Unit::File(_) => {
                let overrides = self.overrides();
                let need = |need: spin_deps_component::Need| {
                    let unit = self.meets(&need.package, &need.req, lock)?;
                    let overridden = overrides.contains(&need.package);
                    Ok(Need { package: need.package, req: need.req, unit, overridden })
                };
                return needs(&self.outline(unit, lock).await?.inspection()).into_iter().map(need).collect();
            }
        };
        let met = dependencies.iter().map(|Dependency { package, req, version }| {
            let unit = Unit::Package(package.clone(), version.clone());
            Ok(Need { package: package.clone(), req: req.clone(), unit, overridden: false })
        });
        let overridden = overridden.iter().map(|LockedNeed { package, req }| {
            let unit = self.meets(package, req, lock)?;
            Ok(Need { package: package.clone(), req: req.clone(), unit, overridden: true })
        });
        met.chain(overridden).collect()
    }
}

fn locked<'a>(lock: &'a Lockfile, package: &PackageRef, version: &Version) -> Result<&'a Package, Error> {
    lock.get(package, version)
        .ok_or_else(|| not_locked(package, &format!("={version}").parse().unwrap_or(VersionReq::STAR)))
}

/// The digest that a manifest gives for a URL.
pub(crate) fn digest_of_url(url: &Url, digest: &str) -> Result<ContentDigest, Error> {
    ContentDigest::try_from(digest).map_err(|error| Error::Unknown {
        message: format!("{} has an unusable digest: {error}", without_secrets(url)),
        hint: None,
    })
}

pub(crate) fn not_locked(package: &PackageRef, req: &VersionReq) -> Error {
    Error::Unknown {
        message: format!("the lockfile has no release of {package} that matches {req}"),
        hint: Some("run `spin-deps lock`".into()),
    }
}
