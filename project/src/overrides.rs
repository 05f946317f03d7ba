//! What takes the place of a package: `[application.tool.deps.overrides]`.
//!
//! An override holds for the whole app, for the entries of `spin.toml` and for what releases, files and URLs need. It
//! is applied where a need is turned into something to find: before the resolver sees a requirement, and again where a
//! unit's needs are looked up in the lockfile. What is recorded of a release, in the lockfile and in the cache, is what
//! its author wrote. So an override comes and goes without anything being asked for again.
//!
//! A file has needs of its own, which become requirements of the app. What it is replaces what was locked by digest, so
//! its content is not locked.

use std::collections::{BTreeMap, BTreeSet};

use semver::VersionReq;
use spin_deps_lockfile::{Lockfile, Override as Locked, Replacement};
use spin_deps_manifest::{Override, Source};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use crate::{
    Error, Project,
    content::{Unit, not_locked, select},
};

/// The overrides of a manifest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides(BTreeMap<PackageRef, Source>);

/// What meets a need, once overrides are applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effective {
    /// A release of a package.
    Release { package: PackageRef, req: VersionReq, registry: Option<Registry> },
    /// A file, relative to the manifest.
    File(String),
}

impl Overrides {
    pub(crate) fn new(overrides: &[Override]) -> Self {
        Self(overrides.iter().map(|it| (it.package.clone(), it.source.clone())).collect())
    }

    /// Whether something takes the place of a package.
    pub(crate) fn contains(&self, package: &PackageRef) -> bool {
        self.0.contains_key(package)
    }

    /// Whether an override by the package's own releases says which registry they come from.
    pub(crate) fn names_registry(&self, package: &PackageRef) -> bool {
        matches!(self.0.get(package), Some(Source::Registry { registry: Some(_), .. }))
    }

    /// What meets a need of a package. Overrides may follow on one another; the manifest has no circle of them.
    pub(crate) fn effective(&self, package: &PackageRef, req: &VersionReq) -> Effective {
        let (mut package, mut req, mut registry) = (package, req, None);
        while let Some(by) = self.0.get(package) {
            match by {
                Source::Path(path) => return Effective::File(path.clone()),
                Source::Registry { package: other, req: wanted, registry: from, .. } => {
                    (req, registry) = (wanted, from.as_ref());
                    if other == package {
                        break;
                    }
                    package = other;
                }
                // The manifest has no such overrides.
                Source::Url { .. } | Source::Component(_) => break,
            }
        }
        Effective::Release { package: package.clone(), req: req.clone(), registry: registry.cloned() }
    }

    /// The overrides that a need of a package meets, the first of them its own.
    fn met_by<'a>(&'a self, package: &'a PackageRef) -> impl Iterator<Item = &'a PackageRef> {
        let next = |at: &&'a PackageRef| match self.0.get(*at)? {
            Source::Registry { package: other, .. } if other != *at => Some(other),
            _ => None,
        };
        std::iter::successors(Some(package), next).filter(|it| self.contains(it))
    }

    /// As the lockfile records them: each file with the versions that `before` has of what it stands for.
    pub(crate) fn locked(&self, before: &Lockfile) -> Vec<Locked> {
        let recorded = |(name, source): (&PackageRef, &Source)| {
            let by = match source {
                Source::Path(path) => Replacement::Path(path.clone()),
                Source::Registry { package, req, registry, .. } => Replacement::Release {
                    package: package.clone(),
                    req: req.clone(),
                    registry: registry.clone(),
                },
                Source::Url { .. } | Source::Component(_) => return None,
            };
            let replaces = match (&by, before.overrides.iter().find(|it| it.name == *name)) {
                (Replacement::Release { .. }, _) => Vec::new(),
                (Replacement::Path(_), Some(before)) if before.is_link() => before.replaces.clone(),
                (Replacement::Path(_), _) => before.releases(name).map(|it| it.version.clone()).collect(),
            };
            Some(Locked { name: name.clone(), by, replaces })
        };
        self.0.iter().filter_map(recorded).collect()
    }

    /// The overrides that nothing meets, neither a root nor what is locked, as warnings.
    pub(crate) fn unused<'a>(
        &'a self,
        roots: impl IntoIterator<Item = &'a PackageRef>,
        lock: &'a Lockfile,
    ) -> Vec<String> {
        let packages = lock.packages.iter().flat_map(|it| &it.overridden);
        let needs = packages.chain(lock.http.iter().flat_map(|it| &it.overridden)).map(|it| &it.package);
        let used: BTreeSet<_> = roots.into_iter().chain(needs).flat_map(|it| self.met_by(it)).collect();
        let unused = self.0.keys().filter(|name| !used.contains(name));
        unused.map(|name| format!("nothing in the app needs {name}, so its override has no effect")).collect()
    }
}

impl Project {
    /// The overrides of the manifest, and those that its workspace makes.
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides::new(&self.overrides_of(self.manifest()))
    }

    /// What meets a need of a package with the versions of `lock`.
    pub(crate) fn meets(
        &self,
        package: &PackageRef,
        req: &VersionReq,
        lock: &Lockfile,
    ) -> Result<Unit, Error> {
        match self.overrides().effective(package, req) {
            Effective::File(path) => Ok(Unit::File(path)),
            Effective::Release { package, req, .. } => {
                let locked = select(lock, &package, &req).ok_or_else(|| not_locked(&package, &req))?;
                Ok(Unit::Package(locked.name.clone(), locked.version.clone()))
            }
        }
    }

    /// A failed resolution with the override that takes part in it: what the explanation says of who depends on what
    /// is not what the authors of the releases wrote.
    pub(crate) fn with_override(&self, error: Error) -> Error {
        let message = error.to_string();
        let part = self.manifest().application.deps.overrides.iter().find(|it| match &it.source {
            Source::Registry { package, req, .. } => {
                message.contains(&format!(" depends on {package} {req}\n"))
            }
            _ => false,
        });
        match part {
            None => error,
            Some(it) => Error::Place {
                excerpt: Box::new(self.excerpt()),
                span: it.span.clone(),
                label: "asked for here, in place of what others ask for".into(),
                message,
                hint: Some(format!("change or remove the override of {}", it.package)),
            },
        }
    }

    /// Refuses files that stand for packages: what is built from them is nowhere but on this machine. `because` is the
    /// option that forbids them.
    pub fn refuse_links(&self, because: &str) -> Result<(), Error> {
        let linked = self.links().next();
        linked.map_or(Ok(()), |(it, path)| {
            let error = Error::Unknown {
                message: format!("{} is linked to {path}, and `{because}` forbids that", it.package),
                hint: Some(format!("run `spin-deps unlink {}` and commit the result", it.package)),
            };
            Err(self.at(&it.span, "a file in place of the package", &error))
        })
    }

    /// The same where the lockfile must not change: whoever asks for what is locked, and nothing else, gets no file.
    pub(crate) fn refuse_links_if_locked(&self) -> Result<(), Error> {
        self.settings.locked_because().map_or(Ok(()), |because| self.refuse_links(because))
    }

    /// The overrides by a file that the manifest has.
    pub(crate) fn links(&self) -> impl Iterator<Item = (&Override, &str)> {
        self.manifest().application.deps.overrides.iter().filter_map(|it| match &it.source {
            Source::Path(path) => Some((it, path.as_str())),
            _ => None,
        })
    }
}
