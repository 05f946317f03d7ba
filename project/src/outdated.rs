//! `outdated`: what could be newer, and what is in the way.
//!
//! Three versions tell the story of a package: the locked one, the one that `update` would give it, and the newest that
//! there is. Between the first two is only a command; between the last two is a requirement of somebody, who is named.

use semver::Version;
use serde::Serialize;
use spin_deps_lockfile::{Change as LockChange, Lockfile, Package};
use spin_deps_resolver::Resolution;
use wasm_pkg_common::package::PackageRef;

use crate::{
    Error, Project,
    update::{moves::Aim, newest},
};

/// A locked release, and what could take its place.
#[derive(Clone, Debug, Serialize)]
pub struct OutdatedPackage {
    /// The package.
    pub package: PackageRef,
    /// The locked release.
    pub locked: Version,
    /// Whether it was withdrawn.
    pub yanked: bool,
    /// Why it was withdrawn, where its author said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The release that `update` would give; none if nothing would need the package any more.
    pub update: Option<Version>,
    /// The newest release, a pre-release only where one is locked; none if all were withdrawn or none is known.
    pub newest: Option<Version>,
    /// Capability keys that the release of `update` can reach and the locked one cannot.
    pub gained: Vec<String>,
    /// What does not admit the newest release.
    pub held_by: Vec<Holder>,
    /// Whether any of that is a reason to act.
    pub outdated: bool,
}

/// Who does not admit the newest release of a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Holder {
    /// A release, or a place in the manifest in the user's words.
    pub who: String,
    /// What it requires.
    pub requirement: String,
}

impl Project {
    /// Looks for newer releases of everything that is locked. The lockfile must fit the manifest.
    pub async fn outdated(&self) -> Result<Vec<OutdatedPackage>, Error> {
        self.check_lock_fits().await?;
        let nothing = Lockfile::default();
        let lock = self.lock.as_ref().unwrap_or(&nothing);
        let requirements = self.requirements(self.manifest(), self.lock.as_ref()).await?;
        let moved = self.moved(&requirements, &Aim::All).await;
        let (resolution, index) = moved.map_err(|error| self.with_entry(&requirements, error))?;
        let updated = self.lockfile(&requirements, &resolution, &index).await?;
        let changes = lock.diff(&updated);
        let mut rows = Vec::new();
        for locked in &lock.packages {
            let listed = index.listed(&locked.name).await?;
            let own = listed.iter().find(|it| it.version == locked.version);
            let yanked = own.is_some_and(|it| it.yanked);
            let (update, gained) = successor(&changes, locked);
            let newest = newest(&listed, &locked.version).cloned();
            let held_by = match (&update, &newest) {
                (Some(update), Some(newest)) if update < newest => {
                    holders(&resolution, &locked.name, update, newest)
                }
                _ => Vec::new(),
            };
            let is_older = newest.as_ref().is_some_and(|it| *it > locked.version);
            let outdated = yanked || is_older || update.as_ref() != Some(&locked.version);
            rows.push(OutdatedPackage {
                package: locked.name.clone(),
                locked: locked.version.clone(),
                yanked,
                reason: own.filter(|_| yanked).and_then(|it| it.reason.clone()),
                update,
                newest,
                gained,
                held_by,
                outdated,
            });
        }
        Ok(rows)
    }
}

/// The release that takes the place of a locked one, and the capabilities that it gains.
fn successor(changes: &[LockChange], locked: &Package) -> (Option<Version>, Vec<String>) {
    let is_locked = |name: &PackageRef, version: &Version| (name, version) == (&locked.name, &locked.version);
    for change in changes {
        match change {
            LockChange::Updated { name, from, to, gained, .. } if is_locked(name, from) => {
                return (Some(to.clone()), gained.clone());
            }
            LockChange::Removed { name, version } if is_locked(name, version) => return (None, Vec::new()),
            _ => {}
        }
    }
    (Some(locked.version.clone()), Vec::new())
}

/// Whoever has the release `have` of a package and would not have the release `newest`.
fn holders(resolution: &Resolution, package: &PackageRef, have: &Version, newest: &Version) -> Vec<Holder> {
    let app = resolution.requirements.iter().zip(&resolution.roots);
    let app = app.filter(|(asked, version)| asked.package == *package && *version == have);
    let app = app.map(|(asked, _)| (asked.origin.clone(), &asked.req));
    let releases = resolution.packages.iter().flat_map(|it| {
        let who = format!("{} {}", it.package, it.version);
        it.dependencies.iter().map(move |link| (who.clone(), link))
    });
    let releases = releases.filter(|(_, link)| link.package == *package && link.version == *have);
    let all = app.chain(releases.map(|(who, link)| (who, &link.req)));
    let mut holders: Vec<_> = all
        .filter(|(_, req)| !req.matches(newest))
        .map(|(who, req)| Holder { who, requirement: req.to_string() })
        .collect();
    holders.sort();
    holders.dedup();
    holders
}
