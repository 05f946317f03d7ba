//! Names that a user may mean: for completing what is typed, and for guessing what was meant.
//!
//! All of it is known already: from the manifest, the lockfile, folders of releases and what registries have answered
//! before. Nothing is asked of a registry and nothing is written, because a shell asks for this at every press of Tab.
//! What cannot be read has no names.

use std::collections::BTreeSet;

use semver::Version;
use spin_deps_manifest::{Capability, Route};
use spin_deps_registry::{Listing, Registries};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use crate::{Error, Project, Settings, add::label, suggest};

/// The names that are known from where the settings point to.
pub struct Known {
    project: Option<Project>,
    registries: Option<Registries>,
}

impl Known {
    /// Looks around. What is not there, or not sound, is passed over.
    pub async fn look(settings: &Settings) -> Self {
        let settings = Settings { offline: true, ..settings.clone() };
        match Project::open_if_there(&settings).await {
            Ok((project, registries)) => Self { project, registries: Some(registries) },
            Err(_) => Self { project: None, registries: None },
        }
    }

    /// The registries, if their configuration is sound.
    pub(crate) fn registries_if_there(&self) -> Option<&Registries> {
        self.registries.as_ref()
    }

    /// The ids of the app's components.
    pub fn components(&self) -> Vec<String> {
        self.project.iter().flat_map(|project| project.manifest().components.keys().cloned()).collect()
    }

    /// The routes of the app's HTTP triggers.
    pub fn routes(&self) -> Vec<String> {
        let triggers = self.project.iter().flat_map(|project| &project.manifest().triggers);
        let routes = triggers.filter_map(|trigger| match &trigger.http.as_ref()?.route {
            Route::Path(path) => Some(path.clone()),
            Route::Private => None,
        });
        routes.collect()
    }

    /// The names of the dependencies in the manifest, of middleware too.
    pub fn entries(&self) -> BTreeSet<String> {
        let mut entries = BTreeSet::new();
        for manifest in self.project.iter().map(Project::manifest) {
            let dependencies = manifest.components.values().flat_map(|component| &component.dependencies);
            entries.extend(dependencies.map(|it| it.name.to_string()));
            let middleware = manifest.triggers.iter().flat_map(|trigger| &trigger.middleware);
            entries.extend(middleware.map(|it| label(&it.source)));
        }
        entries
    }

    /// The packages that something takes the place of.
    pub fn overridden(&self) -> Vec<PackageRef> {
        let manifests = self.project.iter().map(Project::manifest);
        manifests.flat_map(|it| &it.application.deps.overrides).map(|it| it.package.clone()).collect()
    }

    /// The packages in the lockfile.
    pub fn locked(&self) -> BTreeSet<PackageRef> {
        let locks = self.project.iter().filter_map(Project::lock);
        locks.flat_map(|lock| &lock.packages).map(|package| package.name.clone()).collect()
    }

    /// All packages of which a name is known: locked ones, those of folders, and those that registries were asked for.
    pub async fn packages(&self) -> BTreeSet<PackageRef> {
        let mut packages = self.locked();
        if let Some(registries) = &self.registries {
            packages.extend(registries.known_packages().await);
        }
        packages
    }

    /// The known versions of a package, newest first.
    pub async fn versions(&self, package: &PackageRef) -> Vec<Version> {
        let mut versions: BTreeSet<Version> = self.locked_versions(package).into_iter().collect();
        if let Some(registries) = &self.registries
            && let Some(registry) = registries.registry_of(package)
            && let Ok(Listing::Found(listed)) = registries.versions(package, &registry).await
        {
            versions.extend(listed.into_iter().map(|it| it.version));
        }
        versions.into_iter().rev().collect()
    }

    /// The versions of a package that the lockfile has, newest first.
    pub fn locked_versions(&self, package: &PackageRef) -> Vec<Version> {
        let Some(lock) = self.project.as_ref().and_then(Project::lock) else { return Vec::new() };
        let mut versions: Vec<_> = lock.releases(package).map(|it| it.version.clone()).collect();
        versions.sort_by(|a, b| b.cmp(a));
        versions
    }

    /// The registries that packages are mapped to.
    pub fn registries(&self) -> Vec<String> {
        self.registries.iter().flat_map(Registries::mapped).map(|it| it.to_string()).collect()
    }

    /// The keys of capabilities.
    pub fn capabilities() -> impl Iterator<Item = &'static str> {
        Capability::ALL.into_iter().map(Capability::key)
    }
}

/// A known package with nearly this name.
pub(crate) async fn meant(registries: &Registries, package: &PackageRef) -> Option<String> {
    let known = registries.known_packages().await;
    // Another registry may have a package of the very same name.
    let known: Vec<_> = known.iter().filter(|it| *it != package).map(ToString::to_string).collect();
    suggest::closest(&package.to_string(), known.iter().map(|name| (name, name.clone())))
}

/// That a registry does not have a package, with the name that was probably meant.
pub(crate) async fn no_package(registries: &Registries, package: &PackageRef, registry: &Registry) -> Error {
    let meant = meant(registries, package).await;
    Error::NoPackage { package: package.clone(), registry: registry.clone(), meant }
}
