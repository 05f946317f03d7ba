//! The resolver's view of the registries: lists of versions and what each release needs.
//!
//! The solver asks one question at a time and waits for the answer. To keep round trips side by side, every
//! requirement that becomes known starts a task that fetches the list of versions, guesses the release that will
//! be chosen (the locked one, else the highest), fetches its metadata and goes on with what that needs. When the
//! solver asks, the answer is mostly there. A question is asked once: whoever comes second waits for the first.
//!
//! A release that the lockfile has is never asked for: its edges are in the lockfile, and what is addressed by a
//! digest does not change. Nor is another registry ever asked for other versions of it: a package stays where it was
//! found first, or whoever publishes a higher version of its name elsewhere would take its place.
//!
//! Whether types fit is a question about an answer that is otherwise found; see [`types`].

mod passed;
mod types;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::Read,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use semver::{Version, VersionReq};
use serde::Serialize;
use spin_deps_component::{InspectError, Outline, TYPES_ANNOTATION, Types};
use spin_deps_lockfile::{Lockfile, Package};
use spin_deps_registry::{Content, Listed, Listing, Progress, Registries, Signers};
use spin_deps_resolver::{Candidate, Edge, Preference, Reason, Release, Versions};
use tokio::runtime::Handle;
use wasm_pkg_common::{digest::ContentDigest, package::PackageRef, registry::Registry};

use self::types::Held;
pub(crate) use self::types::TypedIndex;
use crate::{
    Error,
    content::{Facts, KIND_ANNOTATION, expected, is_signed_as_before, stays},
    known::meant,
    overrides::{Effective, Overrides},
    requirements::{Importer, Requirements},
};

/// The table of the store's records that keeps [`Facts`] by the digest of what they were read from: the manifest, where
/// the registry has one, because two registries may describe the same content differently; else the content.
const FACTS_TABLE: &str = "facts-v3";

/// A release whose metadata is known.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) registry: Registry,
    pub(crate) digest: ContentDigest,
    pub(crate) size: u64,
    pub(crate) manifest: Option<ContentDigest>,
    pub(crate) signers: Option<Signers>,
    pub(crate) facts: Facts,
    /// Where its types are found.
    types: TypesSource,
    /// Its author said what kind of thing it is, or it was looked at when it was locked.
    is_described: bool,
}

/// Where the types of a release are found.
#[derive(Clone)]
enum TypesSource {
    /// In an annotation of its manifest, which has this text.
    Annotation(Arc<str>),
    /// They were read already.
    Known(Arc<Types>),
    /// It is locked, so that its manifest was not asked for.
    Locked,
    /// In its bytes.
    Content,
}

impl Loaded {
    /// What identifies the description: the manifest, where the registry has one, because two registries may describe
    /// the same content differently; else the content.
    fn key(&self) -> String {
        self.manifest.as_ref().unwrap_or(&self.digest).to_string()
    }

    /// What identifies the release's content.
    pub(crate) fn content(&self, package: &PackageRef, version: &Version) -> Content {
        Content {
            package: package.clone(),
            version: version.clone(),
            registry: self.registry.clone(),
            digest: self.digest.clone(),
            size: self.size,
            manifest: self.manifest.clone(),
            signers: self.signers.clone(),
        }
    }
}

type Answer<T> = Shared<BoxFuture<'static, Result<T, Arc<Error>>>>;

/// The registries as an index of packages. Cheap to clone; clones share their answers.
#[derive(Clone)]
pub(crate) struct RegistryIndex(Arc<Inner>);

type ReleaseAnswers = HashMap<(PackageRef, Version), Answer<Option<Arc<Loaded>>>>;
type TypesAnswers = HashMap<(PackageRef, Version), Answer<Held>>;

struct Inner {
    registries: Registries,
    runtime: Handle,
    /// Registries that the manifest names for a package.
    mapping: BTreeMap<PackageRef, Registry>,
    overrides: Overrides,
    preference: Preference,
    locked: Lockfile,
    /// What of it the solver will most likely choose again.
    staying: Lockfile,
    listings: Mutex<HashMap<PackageRef, Answer<Arc<Listing>>>>,
    releases: Mutex<ReleaseAnswers>,
    types: Mutex<TypesAnswers>,
    /// The types of what the app itself has.
    own: Mutex<HashMap<Importer, Answer<Held>>>,
    guessed: Mutex<HashSet<(PackageRef, VersionReq)>>,
    /// The first failure that is not an answer. A resolution around it would depend on the weather.
    failure: Mutex<Option<Arc<Error>>>,
}

impl RegistryIndex {
    pub(crate) fn new(
        registries: Registries,
        requirements: &Requirements,
        locked: Option<&Lockfile>,
        preference: Preference,
    ) -> Self {
        Self::for_update(registries, requirements, locked, preference, |_| false)
    }

    /// The same, where some of the locked releases are going to move, if they can.
    pub(crate) fn for_update(
        registries: Registries,
        requirements: &Requirements,
        locked: Option<&Lockfile>,
        preference: Preference,
        moves: impl Fn(&Package) -> bool,
    ) -> Self {
        let locked = locked.cloned().unwrap_or_default();
        let staying = locked.packages.iter().filter(|it| !moves(it)).cloned().collect();
        Self(Arc::new(Inner {
            registries,
            runtime: Handle::current(),
            mapping: requirements.registries.clone(),
            overrides: requirements.overrides.clone(),
            preference,
            staying: Lockfile { packages: staying, ..Lockfile::default() },
            locked,
            listings: Mutex::default(),
            releases: Mutex::default(),
            types: Mutex::default(),
            own: Mutex::default(),
            guessed: Mutex::default(),
            failure: Mutex::default(),
        }))
    }

    /// The failure that made an answer impossible, if there was one.
    pub(crate) fn failure(&self) -> Option<Error> {
        lock(&self.0.failure).clone().map(Error::Shared)
    }

    /// The registry of a package: named by the manifest, else by the configuration, else by the lockfile.
    pub(crate) fn registry(&self, package: &PackageRef) -> Option<Registry> {
        let mapped = self.0.mapping.get(package).cloned();
        mapped
            .or_else(|| self.0.registries.registry_of(package))
            .or_else(|| self.0.locked.releases(package).next().map(|locked| locked.registry.clone()))
    }

    /// The releases of a package as its registry lists them; none where it does not have it, or cannot be asked.
    pub(crate) async fn listed(&self, package: &PackageRef) -> Result<Vec<Listed>, Error> {
        match &*self.listing(package).await.map_err(Error::Shared)? {
            Listing::Found(versions) => Ok(versions.clone()),
            Listing::NotFound | Listing::Offline => Ok(Vec::new()),
        }
    }

    /// Whether a release is yanked as far as is known: its reason, which may be empty.
    pub(crate) async fn yanked(&self, package: &PackageRef, version: &Version) -> Option<String> {
        let listed = self.listed(package).await.ok()?;
        let yanked = listed.into_iter().find(|it| it.version == *version && it.yanked)?;
        Some(yanked.reason.unwrap_or_default())
    }

    /// The metadata of a release, or `None` where it is not there.
    pub(crate) async fn load(
        &self,
        package: &PackageRef,
        version: &Version,
    ) -> Result<Option<Arc<Loaded>>, Error> {
        self.release_answer(package, version).await.map_err(Error::Shared)
    }

    fn listing(&self, package: &PackageRef) -> Answer<Arc<Listing>> {
        lock(&self.0.listings)
            .entry(package.clone())
            .or_insert_with(|| {
                let (this, package) = (self.clone(), package.clone());
                self.run(async move { this.ask_listing(&package).await })
            })
            .clone()
    }

    fn release_answer(&self, package: &PackageRef, version: &Version) -> Answer<Option<Arc<Loaded>>> {
        lock(&self.0.releases)
            .entry((package.clone(), version.clone()))
            .or_insert_with(|| {
                let (this, package, version) = (self.clone(), package.clone(), version.clone());
                self.run(async move { this.ask_release(&package, &version).await })
            })
            .clone()
    }

    /// Runs a question in a task of its own; when the task dies, so does the answer, and nobody waits for ever.
    fn run<T: Clone + Send + Sync + 'static>(
        &self,
        question: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Answer<T> {
        let task = self.0.runtime.spawn(question);
        async move { task.await.map_err(Error::Worker).and_then(|answer| answer).map_err(Arc::new) }
            .boxed()
            .shared()
    }

    async fn ask_listing(&self, package: &PackageRef) -> Result<Arc<Listing>, Error> {
        let Some(registry) = self.registry(package) else {
            return Ok(Arc::new(Listing::NotFound));
        };
        stays(&self.0.locked, package, &registry)?;
        Ok(Arc::new(self.0.registries.versions(package, &registry).await?))
    }

    async fn ask_release(
        &self,
        package: &PackageRef,
        version: &Version,
    ) -> Result<Option<Arc<Loaded>>, Error> {
        if let Some(locked) = self.0.locked.get(package, version) {
            let needs = locked.needs().map(|(package, req)| (package.clone(), req.clone())).collect();
            return Ok(Some(Arc::new(Loaded {
                registry: locked.registry.clone(),
                digest: locked.digest.clone(),
                size: locked.size,
                manifest: locked.manifest.clone(),
                signers: locked.signers.as_ref().map(expected),
                facts: Facts {
                    wit_only: false,
                    needs,
                    capabilities: locked.capabilities.clone(),
                    imports: locked.imports.clone(),
                },
                types: TypesSource::Locked,
                is_described: true,
            })));
        }
        let Some(registry) = self.registry(package) else {
            return Ok(None);
        };
        stays(&self.0.locked, package, &registry)?;
        let registries = &self.0.registries;
        let Some(info) = registries.release(package, version, &registry).await? else {
            return Ok(None);
        };
        is_signed_as_before(&self.0.locked, package, &registry, &info)?;
        let key = info.manifest.as_ref().unwrap_or(&info.digest).to_string();
        let mut types = match info.annotations.get(TYPES_ANNOTATION) {
            Some(text) => TypesSource::Annotation(text.as_str().into()),
            None => TypesSource::Content,
        };
        let facts = if let Some(facts) = registries.store().recall(FACTS_TABLE, &key).await {
            facts
        } else {
            let facts = if let Some(facts) = Facts::of_metadata(&info) {
                facts
            } else {
                let content = Content::of(package, version, &registry, &info);
                let (facts, read) = self.learn(&content).await?;
                self.remember_types(&key, &read).await;
                types = TypesSource::Known(Arc::new(read));
                facts
            };
            self.remember(FACTS_TABLE, &key, &facts).await;
            facts
        };
        Ok(Some(Arc::new(Loaded {
            registry,
            digest: info.digest,
            size: info.size,
            manifest: info.manifest,
            signers: info.signers,
            facts,
            types,
            is_described: info.annotations.contains_key(KIND_ANNOTATION),
        })))
    }

    /// The facts of a release and its types from its bytes, where its metadata does not suffice.
    async fn learn(&self, content: &Content) -> Result<(Facts, Types), Error> {
        let read = self.0.registries.read(content, facts_and_types).await?;
        let release = || format!("{} {}", content.package, content.version);
        read.map_err(|error| Error::Published { release: release(), error })
    }

    /// Remembers what is addressed by a digest; it is no loss if that fails.
    async fn remember<T: Serialize>(&self, table: &str, key: &str, value: &T) {
        if let Err(error) = self.0.registries.store().remember(table, key, value).await {
            tracing::warn!("an answer could not be remembered: {error}");
        }
    }

    /// Fetches ahead what a requirement will most likely need.
    fn guess(&self, package: PackageRef, req: VersionReq) {
        if !lock(&self.0.guessed).insert((package.clone(), req.clone())) {
            return;
        }
        let this = self.clone();
        self.0.runtime.spawn(async move {
            let Ok(listing) = this.listing(&package).await else {
                return;
            };
            let Some(version) = this.likely(&package, &req, &listing) else {
                return;
            };
            let Ok(Some(loaded)) = this.release_answer(&package, &version).await else {
                return;
            };
            for (package, req) in this.edges(&loaded) {
                this.guess(package, req);
            }
        });
    }

    /// What a release needs, as the overrides have it.
    fn edges(&self, loaded: &Loaded) -> Vec<(PackageRef, VersionReq)> {
        let effective =
            |(package, req): &(PackageRef, VersionReq)| match self.0.overrides.effective(package, req) {
                Effective::Release { package, req, .. } => Some((package, req)),
                Effective::File(_) => None,
            };
        loaded.facts.needs.iter().filter_map(effective).collect()
    }

    fn likely(&self, package: &PackageRef, req: &VersionReq, listing: &Listing) -> Option<Version> {
        let locked =
            crate::content::select(&self.0.staying, package, req).map(|locked| locked.version.clone());
        let Listing::Found(versions) = listing else {
            return locked;
        };
        locked.or_else(|| {
            let fitting = versions.iter().filter(|it| !it.yanked && req.matches(&it.version));
            let fitting = fitting.map(|it| it.version.clone());
            if self.0.preference == Preference::Lowest { fitting.min() } else { fitting.max() }
        })
    }

    fn wait<T: Clone>(&self, answer: Answer<T>) -> Result<T, String> {
        self.0.runtime.block_on(answer).map_err(|error| self.failed(error))
    }

    /// Remembers a failure that is no answer, and says what it was.
    fn failed(&self, error: Arc<Error>) -> String {
        let text = error.to_string();
        lock(&self.0.failure).get_or_insert(error);
        text
    }
}

impl RegistryIndex {
    /// What the solver is told of a package.
    fn versions(&self, package: &PackageRef) -> Versions {
        let Some(registry) = self.registry(package) else {
            return Versions::NoRegistry;
        };
        match self.wait(self.listing(package)) {
            Err(reason) => Versions::Unreachable(reason),
            Ok(listing) => match &*listing {
                Listing::Found(versions) => Versions::Found(
                    versions
                        .iter()
                        .map(|it| Candidate {
                            version: it.version.clone(),
                            yanked: it.yanked,
                            reason: it.reason.clone(),
                        })
                        .collect(),
                ),
                Listing::NotFound => Versions::NotFound(registry.to_string()),
                Listing::Offline => Versions::Offline,
            },
        }
    }

    /// What the solver is told of a release.
    fn release(&self, package: &PackageRef, version: &Version) -> Release {
        match self.0.runtime.block_on(self.release_answer(package, version)) {
            Err(error) => Release::Unavailable(match &*error {
                // Its bytes are what the registry says they are, and that is nothing to use: so it is for everyone, always.
                Error::Published { error, .. } => Reason::Other(error.to_string()),
                _ => Reason::Unreachable(self.failed(error)),
            }),
            Ok(None) => Release::Unavailable(Reason::Other("it is listed, but it is not there".into())),
            Ok(Some(loaded)) if loaded.facts.wit_only => Release::Unavailable(Reason::WitOnly),
            Ok(Some(loaded)) => {
                let edges = self.edges(&loaded).into_iter();
                Release::Available(edges.map(|(package, req)| Edge { package, req }).collect())
            }
        }
    }

    /// Who is told what goes on.
    pub(crate) fn progress(&self) -> &dyn Progress {
        self.0.registries.progress()
    }

    /// A known name that is nearly that of a package which its registry does not have.
    pub(crate) async fn meant(&self, package: &PackageRef) -> Option<String> {
        self.registry(package)?;
        let Listing::NotFound = *self.listing(package).await.ok()? else { return None };
        meant(&self.0.registries, package).await
    }

    /// Begins to fetch what the solver is going to ask for.
    pub(crate) fn prefetch(&self, requirements: &[(PackageRef, VersionReq)]) {
        for (package, req) in requirements {
            self.guess(package.clone(), req.clone());
        }
    }
}

fn facts_and_types(reader: &mut dyn Read) -> Result<(Facts, Types), InspectError> {
    let outline = Outline::read(reader)?;
    Ok((Facts::of_inspection(&outline.inspection()), Types::of(&outline)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The data is a map of answers; a panic elsewhere does not make them wrong.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
