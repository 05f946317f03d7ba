//! Whether what the solver would choose has the types that are asked for.
//!
//! A version in the range is no use to a component that was built against another interface. So when the solver has an
//! answer by versions, all of its wires are looked at side by side: the imports of each consumer against the exports of
//! the release that would meet them. The types come from where they cost least: an annotation that `publish` writes
//! into the manifest, which was read anyway; else a record in the store; else the Wasm, which is brought into the store
//! and so is there when it is needed.
//!
//! ```text
//! release ──► annotation ──► record (by digest, for ever) ──► Wasm, in the store or brought there ──► record
//! file    ──► its bytes, which change while it is developed
//! ```
//!
//! An annotation can lie. That decides which release is chosen and no more: a composition reads the bytes and checks
//! every wire again. Where nothing can be known, offline or of a file that is not built, what is there fits.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::Path,
    sync::{Arc, Mutex},
};

use semver::{Version, VersionReq};
use spin_deps_component::{
    DependencyTable, Difference, InspectError, InterfaceName, Kind, Misfit, Outline, TableEntry, Types,
    needs_from_names,
};
use spin_deps_registry::Error as RegistryError;
use spin_deps_resolver::{Consumer, Fit, Index, Mismatch, Reason, Release, Versions, Wire};
use url::Url;
use wasm_pkg_common::package::PackageRef;

use super::{
    Answer, Loaded, RegistryIndex, TypesSource, lock,
    passed::{By, Passed},
};
use crate::{
    Error,
    content::digest_of_url,
    files,
    overrides::Effective,
    requirements::{Demand, Importer, Wanted},
};

/// The table of the store's records that keeps the types of a release, as JSON, by the same key as its facts.
const TYPES_TABLE: &str = "types-v1";

/// What is known of the types of something.
#[derive(Clone)]
pub(super) enum Held {
    /// These.
    Types(Arc<Types>),
    /// Nothing: it is not at hand, or is not a component yet.
    Unknown,
    /// It is nothing that has types.
    Unusable(Reason),
}

impl Held {
    fn of(types: Arc<Types>) -> Self {
        match types.kind() {
            Kind::Component => Self::Types(types),
            Kind::WitPackage => Self::Unusable(Reason::WitOnly),
            Kind::CoreModule => Self::Unusable(Reason::NotComponent("it is a core module".into())),
        }
    }
}

impl RegistryIndex {
    /// The types of a release.
    fn types(&self, package: &PackageRef, version: &Version) -> Answer<Held> {
        lock(&self.0.types)
            .entry((package.clone(), version.clone()))
            .or_insert_with(|| {
                let (this, package, version) = (self.clone(), package.clone(), version.clone());
                self.run(async move { this.ask_types(&package, &version).await })
            })
            .clone()
    }

    /// The types of what the app has itself.
    fn own_types(&self, importer: &Importer) -> Answer<Held> {
        lock(&self.0.own)
            .entry(importer.clone())
            .or_insert_with(|| {
                let (this, importer) = (self.clone(), importer.clone());
                self.run(async move { this.ask_own_types(&importer).await })
            })
            .clone()
    }

    async fn ask_types(&self, package: &PackageRef, version: &Version) -> Result<Held, Error> {
        let Some(loaded) = self.load(package, version).await? else {
            return Ok(Held::Unknown);
        };
        if let TypesSource::Known(types) = &loaded.types {
            return Ok(Held::of(Arc::clone(types)));
        }
        if let Some(text) = self.annotation(package, version, &loaded).await? {
            match Types::from_json(&text) {
                Ok(types) => return Ok(Held::of(Arc::new(types))),
                Err(error) => tracing::debug!("the types that {package} {version} comes with: {error}"),
            }
        }
        let key = loaded.key();
        if let Some(types) = self.recall_types(&key).await {
            return Ok(Held::of(Arc::new(types)));
        }
        let content = loaded.content(package, version);
        match self.0.registries.read(&content, |reader| Outline::read(reader).map(|it| Types::of(&it))).await
        {
            Ok(Ok(types)) => {
                self.remember_types(&key, &types).await;
                Ok(Held::of(Arc::new(types)))
            }
            Ok(Err(InspectError::Read(error))) => Err(Error::Io(error)),
            Ok(Err(error)) => Ok(Held::Unusable(Reason::NotComponent(error.to_string()))),
            Err(RegistryError::Offline { because, .. }) => {
                tracing::debug!("the types of {package} {version} are not looked at: {because}");
                Ok(Held::Unknown)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The annotation with the types of a release.
    async fn annotation(
        &self,
        package: &PackageRef,
        version: &Version,
        loaded: &Loaded,
    ) -> Result<Option<Arc<str>>, Error> {
        match (&loaded.types, &loaded.manifest) {
            (TypesSource::Annotation(text), _) => Ok(Some(Arc::clone(text))),
            (TypesSource::Locked, Some(manifest)) => {
                let release =
                    self.0.registries.release_by_manifest(package, version, &loaded.registry, manifest).await;
                match release {
                    Ok(release) => Ok(release.and_then(|release| {
                        release.annotations.get(super::TYPES_ANNOTATION).map(|text| text.as_str().into())
                    })),
                    Err(RegistryError::Offline { .. }) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
            _ => Ok(None),
        }
    }

    async fn ask_own_types(&self, importer: &Importer) -> Result<Held, Error> {
        let read = match importer {
            Importer::File(path) => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || types_of_file(&path)).await??
            }
            Importer::Url(url, digest) => {
                let work = |reader: &mut dyn std::io::Read| Outline::read(reader).map(|it| Types::of(&it));
                match self.0.registries.read_url(url, &digest_of_url(url, digest)?, work).await {
                    Err(RegistryError::Offline { .. }) => None,
                    read => read?.ok(),
                }
            }
        };
        // What is wrong with it is told where it is used.
        Ok(match read.map(Arc::new).map(Held::of) {
            Some(Held::Types(types)) => Held::Types(types),
            _ => Held::Unknown,
        })
    }

    async fn recall_types(&self, key: &str) -> Option<Types> {
        let json: String = self.0.registries.store().recall(TYPES_TABLE, key).await?;
        Types::from_json(&json).ok()
    }

    /// Remembers types that were read from bytes.
    pub(super) async fn remember_types(&self, key: &str, types: &Types) {
        self.remember(TYPES_TABLE, key, &types.to_json()).await;
    }
}

/// The types of a file; none if it is not there, or is no Wasm.
fn types_of_file(path: &Path) -> Result<Option<Types>, Error> {
    match files::open_component(path) {
        Ok(file) => Ok(Outline::read(file).ok().map(|outline| Types::of(&outline))),
        Err(Error::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The registries, for an app whose own components import with types.
pub(crate) struct TypedIndex {
    index: RegistryIndex,
    /// What the app's requirements are for, by their indices.
    pub(super) demands: BTreeMap<usize, Demand>,
    /// Whether what a component was built against counts if it has a build command: its file may be of yesterday.
    builds_count: bool,
    /// What did not fit.
    passed: Mutex<Vec<Passed>>,
}

/// What has to be compared for a wire.
struct Look {
    /// Without one, only the release itself is of interest.
    consumer: Option<Answer<Held>>,
    release: Answer<Held>,
}

impl TypedIndex {
    pub(crate) fn new(index: &RegistryIndex, demands: &BTreeMap<usize, Demand>, builds_count: bool) -> Self {
        let (index, demands) = (index.clone(), demands.clone());
        Self { index, demands, builds_count, passed: Mutex::default() }
    }

    /// What did not fit, in an order that does not depend on the search.
    pub(super) fn passed(&self) -> Vec<Passed> {
        let mut passed = lock(&self.passed).clone();
        passed.sort();
        passed.dedup();
        passed
    }

    /// Begins to look at a wire, if that is worth it.
    fn look(&self, wire: &Wire<'_>) -> Option<Look> {
        let consumer = match wire.consumer {
            Consumer::App(index) => {
                let importer = self.demands.get(&index).map(|demand| &demand.importer);
                match importer {
                    Some(Importer::Url(url, digest)) if self.index.is_locked_url(url, digest, wire) => {
                        return None;
                    }
                    importer => importer.map(|importer| self.index.own_types(importer)),
                }
            }
            Consumer::Release(package, version) if self.index.is_locked(package, version, wire) => {
                return None;
            }
            Consumer::Release(package, version) => Some(self.index.types(package, version)),
        };
        // Who describes a component by our own annotations would not call a WIT package one by mistake.
        if consumer.is_none() && self.index.is_described(wire.package, wire.version) {
            return None;
        }
        Some(Look { consumer, release: self.index.types(wire.package, wire.version) })
    }

    fn fit(&self, wire: &Wire<'_>, look: Look) -> Fit {
        let Some(consumer) = look.consumer else {
            return match self.index.wait(look.release) {
                Ok(Held::Unusable(reason)) => Fit::Unusable(reason),
                _ => Fit::Fits,
            };
        };
        // A failure is remembered, and ends the resolution: whether it fits makes no difference.
        let (consumer, release) = match (self.index.wait(consumer), self.index.wait(look.release)) {
            (_, Ok(Held::Unusable(reason))) => return Fit::Unusable(reason),
            (Ok(Held::Types(consumer)), Ok(Held::Types(release))) => (consumer, release),
            _ => return Fit::Fits,
        };
        let Some(mismatch) = self.mismatch(wire, &consumer, &release) else {
            return Fit::Fits;
        };
        lock(&self.passed).push(Passed {
            by: By::of(wire.consumer),
            package: wire.package.clone(),
            version: wire.version.clone(),
            mismatch: mismatch.clone(),
        });
        let is_stale = matches!(wire.consumer, Consumer::App(index)
            if self.demands.get(&index).is_some_and(|demand| demand.build.is_some()));
        if is_stale && !self.builds_count { Fit::Fits } else { Fit::Mismatch(mismatch) }
    }

    /// The first import of a wire that the release does not satisfy.
    fn mismatch(&self, wire: &Wire<'_>, consumer: &Types, release: &Types) -> Option<Mismatch> {
        let names: Vec<&str> = consumer.imports().collect();
        let (imports, export) = match wire.consumer {
            Consumer::App(index) => match self.demands.get(&index).map(|demand| &demand.wanted) {
                Some(Wanted::Named { patterns, export }) => {
                    let is_meant = |import: &&str| patterns.iter().any(|pattern| pattern.matches(import));
                    (names.iter().copied().filter(is_meant).map(str::to_owned).collect(), export.as_deref())
                }
                Some(Wanted::Needed(needs)) => (self.imports_for(wire, &names, needs), None),
                None => return None,
            },
            Consumer::Release(package, version) => {
                let loaded = self.index.wait(self.index.release_answer(package, version)).ok()??;
                (self.imports_for(wire, &names, &loaded.facts.needs), None)
            }
        };
        imports.into_iter().find_map(|import| match consumer.check(&import, release, export) {
            Ok(()) => None,
            Err(Misfit::NoExport) => Some(Mismatch::Missing { import }),
            Err(Misfit::Differs(Difference::Item { what, item, expected, found })) => {
                Some(Mismatch::Differs { import, what, item, expected, found })
            }
            Err(Misfit::Differs(Difference::Other(detail))) => Some(Mismatch::Other { import, detail }),
        })
    }
}

impl TypedIndex {
    /// The imports that a wire has to satisfy: those of the needs that it is for once overrides are applied.
    fn imports_for(
        &self,
        wire: &Wire<'_>,
        names: &[&str],
        needs: &[(PackageRef, VersionReq)],
    ) -> Vec<String> {
        let is_meant = |(package, req): &&(PackageRef, VersionReq)| {
            let effective = self.index.0.overrides.effective(package, req);
            matches!(effective, Effective::Release { package, req, .. } if package == *wire.package && req == *wire.req)
        };
        let meant = needs.iter().filter(is_meant);
        meant.flat_map(|(package, req)| imports_of(names, needs, (package, req))).collect()
    }
}

/// The imports that a need has to satisfy, by names as a composition wires them. `needs` are all that the consumer has.
fn imports_of(
    imports: &[&str],
    needs: &[(PackageRef, VersionReq)],
    (package, req): (&PackageRef, &VersionReq),
) -> Vec<String> {
    // A package's imports and needs are told apart among themselves. What else there is makes no difference, and may be
    // ten thousand.
    let is_own = |import: &&str| InterfaceName::parse(import).is_some_and(|name| name.package == *package);
    let imports: Vec<&str> = imports.iter().copied().filter(is_own).collect();
    if imports.is_empty() {
        return Vec::new();
    }
    let own = needs.iter().filter(|(needed, _)| needed == package);
    let entries = own.map(|(package, req)| TableEntry { package: package.clone(), version: req.clone() });
    let table = DependencyTable::new(entries);
    // Needs that were made from the names of imports are found by them again; those of an author's table are not.
    let found = [None, Some(&table)].into_iter().find_map(|declared| {
        let mut needs = needs_from_names(imports.iter().copied(), declared).into_iter();
        needs.find(|need| need.package == *package && need.req == *req)
    });
    found.map(|need| need.imports).unwrap_or_default()
}

impl RegistryIndex {
    /// Whether a wire between two releases is in the lockfile, so that it was looked at when it was locked.
    fn is_locked(&self, package: &PackageRef, version: &Version, wire: &Wire<'_>) -> bool {
        let consumer = self.0.locked.get(package, version);
        consumer.is_some_and(|it| {
            it.dependencies.iter().any(|it| it.package == *wire.package && it.version == *wire.version)
        })
    }

    /// The same for content behind a URL.
    fn is_locked_url(&self, url: &Url, digest: &str, wire: &Wire<'_>) -> bool {
        let mut locked = self.0.locked.http.iter();
        let consumer = locked.find(|it| it.url == *url && it.digest.to_string() == digest);
        consumer.is_some_and(|it| {
            it.dependencies.iter().any(|it| it.package == *wire.package && it.version == *wire.version)
        })
    }

    /// Whether a release says what kind of thing it is.
    fn is_described(&self, package: &PackageRef, version: &Version) -> bool {
        let loaded = self.wait(self.release_answer(package, version));
        loaded.is_ok_and(|loaded| loaded.is_none_or(|loaded| loaded.is_described))
    }
}

impl Index for TypedIndex {
    fn versions(&self, package: &PackageRef) -> Versions {
        self.index.versions(package)
    }

    fn release(&self, package: &PackageRef, version: &Version) -> Release {
        self.index.release(package, version)
    }

    fn prefetch(&self, requirements: &[(PackageRef, VersionReq)]) {
        self.index.prefetch(requirements);
    }

    fn check(&self, wires: &[Wire<'_>]) -> Vec<Fit> {
        // All questions are under way before the first answer is waited for.
        let looks: Vec<_> = wires.iter().map(|wire| self.look(wire)).collect();
        let fits = wires.iter().zip(looks);
        fits.map(|(wire, look)| look.map_or(Fit::Fits, |look| self.fit(wire, look))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_need_has_its_own_imports() {
        let imports = [
            "acme:hash/old@0.3.1",
            "acme:hash/digest@1.2.0",
            "acme:hash/api@1.4.0",
            "acme:log/sink@1.0.0",
            "wasi:cli/environment@0.2.0",
            "init",
        ];
        let need = |package: &str, req: &str| (package.parse().unwrap(), req.parse().unwrap());
        let shown = |needs: &[(PackageRef, VersionReq)]| {
            let lines = needs.iter().map(|(package, req)| {
                format!("{package} {req} <- {}", imports_of(&imports, needs, (package, req)).join(" "))
            });
            lines.collect::<Vec<_>>().join("\n")
        };
        let by_names = [need("acme:hash", "^0.3.1"), need("acme:hash", "^1.4.0"), need("acme:log", "^1.0.0")];
        insta::assert_snapshot!(shown(&by_names), @"
        acme:hash ^0.3.1 <- acme:hash/old@0.3.1
        acme:hash ^1.4.0 <- acme:hash/api@1.4.0 acme:hash/digest@1.2.0
        acme:log ^1.0.0 <- acme:log/sink@1.0.0
        ");
        let by_a_table = [need("acme:hash", ">=0.3, <0.4"), need("acme:hash", "1"), need("acme:log", "*")];
        insta::assert_snapshot!(shown(&by_a_table), @"
        acme:hash >=0.3, <0.4 <- acme:hash/old@0.3.1
        acme:hash ^1 <- acme:hash/api@1.4.0 acme:hash/digest@1.2.0
        acme:log * <- acme:log/sink@1.0.0
        ");
    }
}
