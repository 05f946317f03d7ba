//! What a project has to do with a package: which of its releases are locked, and who asks for which versions.

use semver::{Version, VersionReq};
use serde::Serialize;
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use crate::{Project, content::without_secrets, requirements::asked_of};

/// What a project has to do with a package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The releases in the lockfile that come from the registry.
    pub locked: Vec<Version>,
    /// The requirements in the manifest, and those of what is locked.
    pub wants: Vec<Want>,
}

/// A requirement on a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Want {
    /// Who has it, as in "component `app`".
    pub by: String,
    /// The requirement.
    pub requirement: VersionReq,
}

impl Standing {
    /// The requirements that admit a version, each once.
    pub fn admitting(&self, version: &Version) -> Vec<&VersionReq> {
        let mut admitting = Vec::new();
        for want in &self.wants {
            if want.requirement.matches(version) && !admitting.contains(&&want.requirement) {
                admitting.push(&want.requirement);
            }
        }
        admitting
    }
}

impl Project {
    /// What this project has to do with the package as this registry has it, by the manifest and the lockfile as they
    /// are: they need not fit.
    pub fn standing(&self, package: &PackageRef, registry: &Registry) -> Standing {
        let asked = asked_of(self.manifest(), package).into_iter();
        let mut wants: Vec<_> = asked.map(|(by, requirement)| Want { by, requirement }).collect();
        let mut locked = Vec::new();
        if let Some(lock) = &self.lock {
            let here = lock.releases(package).filter(|release| release.registry == *registry);
            locked.extend(here.map(|release| release.version.clone()));
            let releases =
                lock.packages.iter().map(|it| (format!("{} {}", it.name, it.version), &it.dependencies));
            let urls = lock.http.iter().map(|it| (without_secrets(&it.url), &it.dependencies));
            for (by, dependencies) in releases.chain(urls) {
                let needed = dependencies.iter().filter(|it| it.package == *package);
                wants.extend(needed.map(|it| Want { by: by.clone(), requirement: it.req.clone() }));
            }
        }
        Standing { locked, wants }
    }
}
