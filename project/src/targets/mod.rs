//! The environments that an app is to be deployed to, and whether it fits them.
//!
//! ```text
//! targets in spin.toml ──► definition (catalogue, URL, file) ──► worlds ──► WIT packages (registry, reference, file)
//!                                   │ digest                                   │ digest
//!                                   └──────────────► spin-deps.lock ◄──────────┘
//! each component of a trigger, composed with what it needs and its middleware ──► held against each world
//! ```
//!
//! What an environment is, is locked like everything else that decides whether an app is good: the digest of the
//! definition and of each WIT package. It moves when [`Project::update_targets`] is asked to move it. A definition in a
//! file belongs to the project and is not locked, no more than a dependency in a file is; the packages of its worlds are.

mod catalogue;
mod check;
mod definition;
mod update;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use semver::Version;
use spin_deps_component::{WitError, wit_package_of};
use spin_deps_lockfile::{Environment, EnvironmentRef, Lockfile, WitPackage, WitSource};
use spin_deps_manifest::Target;
use spin_deps_registry::{Content, Error as RegistryError, Reference, digest_of};
use tokio::task::block_in_place;
use url::Url;
use wasm_pkg_common::{digest::ContentDigest, package::PackageRef, registry::Registry};

use self::definition::{Definition, MAX_DEFINITION, WorldRef, WorldSource};
pub use self::{
    check::{TargetCheck, TargetsReport, WorldMismatch, WorldVerdict},
    update::{KnownTarget, TargetOffer, TargetUpdate, TargetsUpdate},
};
use crate::{Error, Known, Project, error::Excerpt, files};

/// The registry of Spin's own packages of WIT.
const SPIN_REGISTRY: &str = "spinframework.dev";
/// No package of WIT is larger, in bytes.
const MAX_WIT: u64 = 64 << 20;

/// What a definition needs of registries: a package of WIT.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WitNeed {
    name: PackageRef,
    version: Option<Version>,
    source: WitSource,
}

impl WitNeed {
    fn is_met_by(&self, package: &WitPackage) -> bool {
        (&self.name, &self.version, &self.source) == (&package.name, &package.version, &package.source)
    }

    /// The version, for where there has to be one.
    fn version(&self) -> Version {
        self.version.clone().unwrap_or(Version::new(0, 0, 0))
    }
}

impl Project {
    /// The environments that the manifest names, for the app or for a component of it.
    pub(crate) fn targets(&self) -> BTreeSet<EnvironmentRef> {
        let manifest = self.manifest();
        let own = manifest.components.values().flat_map(|it| it.targets.iter().flatten());
        manifest.application.targets.iter().chain(own).map(environment_ref).collect()
    }

    /// In which respects the locked environments are not those that the manifest names.
    pub(crate) fn environment_misfits(&self, lock: &Lockfile) -> Result<Vec<String>, Error> {
        let wanted = self.targets();
        let mut reasons = Vec::new();
        for target in &wanted {
            let Some(locked) = lock.environments.iter().find(|it| it.target == *target) else {
                reasons.push(format!("the target {target} is not locked"));
                continue;
            };
            if let EnvironmentRef::Path(path) = target {
                let needs = self.wit_needs(target, &self.definition_in(path)?)?;
                let is_locked = |need: &WitNeed| locked.packages.iter().any(|it| need.is_met_by(it));
                if needs.len() != locked.packages.len() || !needs.iter().all(is_locked) {
                    reasons.push(format!("the target {target} names other packages than are locked"));
                }
            }
        }
        let gone = lock.environments.iter().filter(|it| !wanted.contains(&it.target));
        reasons.extend(
            gone.map(|it| format!("the environment {} is locked, but no longer a target", it.target)),
        );
        Ok(reasons)
    }

    /// The environments that the manifest names, to be locked. What is locked already stays as it is.
    pub(crate) async fn lock_environments(&self) -> Result<Vec<Environment>, Error> {
        let locked = |target: &EnvironmentRef| {
            self.lock.iter().flat_map(|lock| &lock.environments).find(|it| it.target == *target)
        };
        let targets = self.targets();
        let found = targets.iter().map(|target| async move {
            match (locked(target), target) {
                (Some(locked), EnvironmentRef::Path(_)) => self.environment_now(target, Some(locked)).await,
                (Some(locked), _) => Ok(locked.clone()),
                (None, _) => self.environment_now(target, None).await,
            }
        });
        futures::future::try_join_all(found).await
    }

    /// An environment as it is now, with the packages that it was locked with.
    async fn environment_now(
        &self,
        target: &EnvironmentRef,
        locked: Option<&Environment>,
    ) -> Result<Environment, Error> {
        let (definition, digest) = self.definition_now(target).await?;
        let needs = self.wit_needs(target, &definition)?;
        let packages = needs.iter().map(|need| async move {
            let known = locked.and_then(|it| it.packages.iter().find(|package| need.is_met_by(package)));
            match known {
                Some(package) => Ok(package.clone()),
                None => self.wit_package(target, need).await,
            }
        });
        let packages = futures::future::try_join_all(packages).await?;
        Ok(Environment { target: target.clone(), digest, packages })
    }

    /// The packages of a definition's worlds that come from elsewhere, each once.
    fn wit_needs(&self, target: &EnvironmentRef, definition: &Definition) -> Result<Vec<WitNeed>, Error> {
        let mut needs: Vec<WitNeed> = Vec::new();
        for world in definition.worlds() {
            let Some(need) = self.wit_need(world)? else {
                if matches!(target, EnvironmentRef::Path(_)) {
                    continue;
                }
                return Err(unusable(
                    target,
                    format!("its world `{world}` is in a folder, which only a definition in a file can name"),
                ));
            };
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
        Ok(needs)
    }

    /// The package of a world; `None` if it is a file or folder.
    fn wit_need(&self, world: &WorldRef) -> Result<Option<WitNeed>, Error> {
        let source = match &world.source {
            WorldSource::Path(_) => return Ok(None),
            WorldSource::Registry(registry) => WitSource::Registry(registry.clone()),
            WorldSource::Reference(reference) => WitSource::Reference(reference.to_string()),
            WorldSource::Default => {
                let mapped = self.registries.mapped_registry_of(&world.package);
                WitSource::Registry(match mapped {
                    Some(registry) => registry,
                    None => spin_registry()?,
                })
            }
        };
        Ok(Some(WitNeed { name: world.package.clone(), version: world.version.clone(), source }))
    }

    /// A package of WIT as its registry has it now.
    async fn wit_package(&self, target: &EnvironmentRef, need: &WitNeed) -> Result<WitPackage, Error> {
        let version = need.version();
        let found = match &need.source {
            WitSource::Registry(registry) => self.registries.release(&need.name, &version, registry).await?,
            WitSource::Reference(reference) => {
                let reference = self::reference(target, reference)?;
                self.registries.referenced(&reference, &need.name, &version).await?
            }
        };
        let called = match &need.version {
            Some(version) => format!("{} {version}", need.name),
            None => need.name.to_string(),
        };
        let Some(found) = found else {
            return Err(unusable(target, format!("its package {called} is not at {}", need.source)));
        };
        if found.size > MAX_WIT {
            let message =
                format!("its package {called} has {} bytes, more than the limit of {MAX_WIT}", found.size);
            return Err(unusable(target, message));
        }
        let (digest, manifest, size) = (found.digest, found.manifest, found.size);
        let WitNeed { name, version, source } = need.clone();
        Ok(WitPackage { name, version, source, digest, manifest, size })
    }

    /// The bytes of a locked package of WIT, verified.
    async fn wit_bytes(&self, target: &EnvironmentRef, package: &WitPackage) -> Result<Bytes, Error> {
        let mut content = Content {
            package: package.name.clone(),
            version: package.version.clone().unwrap_or(Version::new(0, 0, 0)),
            registry: spin_registry()?,
            digest: package.digest.clone(),
            size: package.size,
            manifest: package.manifest.clone(),
            signers: None,
        };
        Ok(match &package.source {
            WitSource::Registry(registry) => {
                content.registry = registry.clone();
                self.registries.fetch(&content).await?
            }
            WitSource::Reference(reference) => {
                let reference = self::reference(target, reference)?;
                content.registry = reference.registry.clone();
                self.registries.fetch_referenced(&reference, &content).await?
            }
        })
    }

    /// Brings what the locked environments need into the store, so that the check asks nobody.
    pub(crate) async fn bring_environments(&self, lock: &Lockfile) -> Result<(), Error> {
        let brought = lock.environments.iter().map(|environment| async move {
            let target = &environment.target;
            self.definition_of(environment).await?;
            let packages = environment.packages.iter().map(|package| self.wit_bytes(target, package));
            futures::future::try_join_all(packages).await.map(drop)
        });
        futures::future::try_join_all(brought).await.map(drop)
    }

    /// The definition that is locked, or the file's as it is.
    async fn definition_of(&self, environment: &Environment) -> Result<Definition, Error> {
        let target = &environment.target;
        let (url, digest) = match (target, &environment.digest) {
            (EnvironmentRef::Path(path), _) => return self.definition_in(path),
            (_, None) => return Ok(self.definition_now(target).await?.0),
            (EnvironmentRef::Name(name), Some(digest)) => {
                if let Some(text) = catalogue::built_in(name)
                    && digest_of(text.as_bytes()) == *digest
                {
                    return self.parse(target, text.as_bytes());
                }
                (catalogue::url(&self.settings, name)?, digest)
            }
            (EnvironmentRef::Url(url), Some(digest)) => (url.clone(), digest),
        };
        match self.registries.fetch_url(&url, digest).await {
            Ok(bytes) => self.parse(target, &bytes),
            Err(RegistryError::DigestMismatch { .. }) => Err(Error::Environment {
                environment: target.to_string(),
                message: "its definition is not the one that is locked any more".into(),
                hint: Some("`spin-deps targets update` locks the one that is there now".into()),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// The definition that counts for what is not locked yet, with its digest where it is to be locked.
    async fn definition_now(
        &self,
        target: &EnvironmentRef,
    ) -> Result<(Definition, Option<ContentDigest>), Error> {
        match target {
            EnvironmentRef::Path(path) => Ok((self.definition_in(path)?, None)),
            EnvironmentRef::Url(url) => self.fetch_definition(target, url).await,
            EnvironmentRef::Name(name) => {
                let store = self.registries.store();
                if let Some(digest) = catalogue::learned(&self.registries, name).await
                    && let Some(bytes) = store.get_sound(&digest).await?
                {
                    return Ok((self.parse(target, &bytes)?, Some(digest)));
                }
                if let Some(text) = catalogue::built_in(name) {
                    let digest = digest_of(text.as_bytes());
                    if self.registries.offline().is_none() {
                        // Another version of this program may have another one built in.
                        store.put(text.as_bytes()).await?;
                    }
                    return Ok((self.parse(target, text.as_bytes())?, Some(digest)));
                }
                self.ask_catalogue(name).await
            }
        }
    }

    /// The definition that the catalogue has now, which is remembered.
    async fn ask_catalogue(&self, name: &str) -> Result<(Definition, Option<ContentDigest>), Error> {
        let target = EnvironmentRef::Name(name.to_owned());
        let url = catalogue::url(&self.settings, name)?;
        match self.fetch_definition(&target, &url).await {
            Ok((definition, digest)) => {
                if let Some(digest) = &digest {
                    catalogue::learn(&self.registries, name, digest).await?;
                }
                Ok((definition, digest))
            }
            Err(Error::Registry(RegistryError::NotFound { .. })) => {
                Err(catalogue::unknown(&self.registries, name).await)
            }
            Err(Error::Registry(error)) => Err(catalogue::unasked(&self.registries, name, &error).await),
            Err(error) => Err(error),
        }
    }

    async fn fetch_definition(
        &self,
        target: &EnvironmentRef,
        url: &Url,
    ) -> Result<(Definition, Option<ContentDigest>), Error> {
        let (digest, bytes) = self.registries.fetch_unpinned(url, MAX_DEFINITION).await?;
        Ok((self.parse(target, &bytes)?, Some(digest)))
    }

    fn definition_in(&self, path: &str) -> Result<Definition, Error> {
        let path = self.resolve_path(path);
        let bytes = files::read_text(&path)?;
        let shown = PathBuf::from(self.shown(&path));
        parse(&shown, bytes.as_bytes())
    }

    fn parse(&self, target: &EnvironmentRef, bytes: &[u8]) -> Result<Definition, Error> {
        let place = match target {
            EnvironmentRef::Name(name) => catalogue::url(&self.settings, name)
                .ok()
                .and_then(|url| Some(PathBuf::from(url.path_segments()?.next_back()?)))
                .unwrap_or_default(),
            other => PathBuf::from(other.to_string()),
        };
        parse(&place, bytes)
    }

    /// The folder that the paths in a definition start from.
    fn folder_of(&self, target: &EnvironmentRef) -> Option<PathBuf> {
        match target {
            EnvironmentRef::Path(path) => self.resolve_path(path).parent().map(Path::to_path_buf),
            _ => None,
        }
    }
}

impl Known {
    /// The names of environments: of the catalogue, as far as it is known.
    pub async fn environments(&self) -> Vec<String> {
        match self.registries_if_there() {
            Some(registries) => catalogue::names(registries).await,
            None => catalogue::built_in_names().map(str::to_owned).collect(),
        }
    }
}

fn parse(place: &Path, bytes: &[u8]) -> Result<Definition, Error> {
    let size = bytes.len() as u64;
    if size > MAX_DEFINITION {
        return Err(Error::TooLarge { path: place.to_path_buf(), size, limit: MAX_DEFINITION });
    }
    Definition::parse(Excerpt::new(place, &String::from_utf8_lossy(bytes)))
}

/// A file or a folder of WIT as a package; messages call it `shown`.
fn wit_in(place: &Path, shown: &str) -> Result<Bytes, Error> {
    if place.extension().is_some_and(|it| it == "wasm") {
        return Ok(files::read_component(place)?.into());
    }
    let encoded = block_in_place(|| wit_package_of(place)).map_err(|error| match error {
        WitError::Folder { message, .. } => {
            // The parser names files by the path that it was given.
            let message = message.replace(&place.display().to_string(), shown);
            WitError::Folder { folder: PathBuf::from(shown), message }
        }
        error => error,
    });
    Ok(encoded?.into())
}

/// What the manifest calls an environment, as the lockfile does.
pub(crate) fn environment_ref(target: &Target) -> EnvironmentRef {
    match target {
        Target::Catalogue(name) => EnvironmentRef::Name(name.clone()),
        Target::Url(url) => EnvironmentRef::Url(url.clone()),
        Target::Path(path) => EnvironmentRef::Path(path.clone()),
    }
}

fn spin_registry() -> Result<Registry, Error> {
    SPIN_REGISTRY
        .parse()
        .map_err(|error: wasm_pkg_common::Error| Error::Unknown { message: error.to_string(), hint: None })
}

fn reference(target: &EnvironmentRef, text: &str) -> Result<Reference, Error> {
    text.parse().map_err(|reason| unusable(target, reason))
}

fn unusable(target: &EnvironmentRef, message: String) -> Error {
    Error::Environment { environment: target.to_string(), message, hint: None }
}
