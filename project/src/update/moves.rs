//! Moving some releases of a lock, and no others without need.
//!
//! The solver prefers what is locked, but knows no more than that: a package that it looks at early goes to its highest
//! release, and others have to follow, also where one step less would have left them alone. So the first attempt holds
//! fast whatever the named releases do not lead to, those who depend on them above all; what they need may follow them.
//! Where that has no answer, everything may move that prefers not to. Then what moved without being named is tried
//! once more at its locked release, one after the other.
//!
//! To hold a release fast is to show the solver no other of its series. An explanation would then speak of a registry
//! that does not exist, so a failure is always told as the whole index has it.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use spin_deps_lockfile::{Lockfile, Package};
use spin_deps_resolver::{
    Candidate, Failure, Fit, Index, Locked, Preference, Release, Requirement, Resolution, Resolved, Versions,
    Wire, resolve,
};
use wasm_pkg_common::package::{PackageRef, VersionReq};

use crate::requirements::exactly;

/// The most releases that are tried once more at their locked version.
const MAX_RETURNS: usize = 200;

/// A release by its name and version.
pub(crate) type Id = (PackageRef, Version);

/// What is to move.
#[derive(Clone, Debug)]
pub(crate) enum Aim {
    /// Everything, each to the highest release that fits.
    All,
    /// These locked releases, each to the highest one that fits without moving what depends on it.
    Some(BTreeSet<Id>),
    /// One locked release, to this version of its package.
    Precise {
        /// The release.
        from: Id,
        /// The version that takes its place.
        to: Version,
    },
}

impl Aim {
    /// Whether it asks for this locked release to move.
    pub(crate) fn moves(&self, package: &PackageRef, version: &Version) -> bool {
        match self {
            Self::All => true,
            Self::Some(releases) => releases.iter().any(|it| (&it.0, &it.1) == (package, version)),
            Self::Precise { from, .. } => (&from.0, &from.1) == (package, version),
        }
    }

    /// Whether somebody besides [`PRECISE`] has the version that was asked for.
    fn is_met(&self, found: &Resolution) -> bool {
        let Self::Precise { from: (package, _), to } = self else { return true };
        let asked = found.requirements.iter().zip(&found.roots);
        let mut roots = asked.filter(|(asked, _)| asked.package == *package && asked.origin != PRECISE);
        let mut links = found.packages.iter().flat_map(|it| &it.dependencies);
        roots.any(|(_, chosen)| is_version(chosen, to))
            || links.any(|link| link.package == *package && is_version(&link.version, to))
    }
}

/// Why nothing moves.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// There is no answer.
    Failure(Failure),
    /// The version that was asked for could be chosen, but nothing would use it.
    Unused,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Who asks for a version, in explanations and warnings.
const PRECISE: &str = "`--precise`";

/// Finds the releases after the move. Blocks for as long as the index does.
pub(crate) fn moved(
    requirements: &[Requirement],
    lock: &Lockfile,
    aim: &Aim,
    index: &dyn Index,
) -> Result<Resolution, Refusal> {
    let mut requirements = requirements.to_vec();
    let mut shown = Shown { index, held: Vec::new(), only: None };
    if let Aim::Precise { from: (package, version), to } = aim {
        let others = lock.releases(package).map(|it| &it.version).filter(|it| *it != version);
        shown.only = Some((package.clone(), to.clone(), others.cloned().collect()));
        let origin = PRECISE.to_owned();
        requirements.push(Requirement { package: package.clone(), req: exactly(to), origin });
    }
    let staying = lock.packages.iter().filter(|it| !aim.moves(&it.name, &it.version));
    let mut task = Task { requirements, prefers: staying.clone().map(id).collect(), shown };

    let led_to = led_to(lock, aim);
    task.shown.held = staying.map(id).filter(|it| !led_to.contains(it)).collect();
    let mut found = task.run();
    if is_impossible(&found) && !task.shown.held.is_empty() {
        task.shown.held.clear();
        found = task.run();
    }
    if is_impossible(&found) {
        found = task.without_moving_yanked(lock, aim).unwrap_or(found);
    }
    if is_impossible(&found) && task.shown.only.take().is_some() {
        return Err(task.run().err().map_or(Refusal::Unused, Refusal::Failure));
    }
    let found = found?;
    if !aim.is_met(&found) {
        return Err(Refusal::Unused);
    }
    Ok(match aim {
        Aim::All => found,
        Aim::Some(_) | Aim::Precise { .. } => task.with_returns(found, lock, aim),
    })
}

/// One question to the solver, which is asked several times with more or less held fast.
struct Task<'a> {
    requirements: Vec<Requirement>,
    prefers: Locked,
    shown: Shown<'a>,
}

impl Task<'_> {
    fn run(&self) -> Result<Resolution, Failure> {
        resolve(&self.requirements, &self.prefers, Preference::Highest, &self.shown)
    }

    /// A locked release that was yanked moves off, unless there is nothing that could take its place. `None` if that is
    /// not the trouble.
    fn without_moving_yanked(&mut self, lock: &Lockfile, aim: &Aim) -> Option<Result<Resolution, Failure>> {
        if matches!(aim, Aim::Precise { .. }) {
            return None;
        }
        let moving = lock.packages.iter().filter(|it| aim.moves(&it.name, &it.version));
        let yanked: Vec<Id> = moving.filter(|it| is_yanked(self.shown.index, it)).map(id).collect();
        let prefers = self.prefers.clone();
        yanked.iter().cloned().for_each(|(package, version)| self.prefers.insert(package, version));
        let found = (!yanked.is_empty()).then(|| self.run()).filter(Result::is_ok);
        if found.is_none() {
            self.prefers = prefers;
        }
        found
    }

    /// Lets each release that moved without being named go back to where it was, if everything else can stay.
    fn with_returns(&mut self, found: Resolution, lock: &Lockfile, aim: &Aim) -> Resolution {
        let mut best = found;
        let (named, others): (Vec<&Package>, Vec<_>) =
            lock.packages.iter().partition(|it| aim.moves(&it.name, &it.version));
        let (stayed, left): (Vec<&Package>, Vec<_>) = others.iter().partition(|it| has(&best, it));
        let is_other = |now: &&Resolved| others.iter().any(|it| stands_for(now, it));
        let chosen = best.packages.iter().filter(|now| named.iter().any(|it| it.name == now.package));
        let chosen =
            chosen.filter(|now| !is_other(now)).map(|now| (now.package.clone(), now.version.clone()));
        self.shown.held = stayed.into_iter().map(id).chain(chosen).collect();
        for package in left.into_iter().take(MAX_RETURNS) {
            if has(&best, package) || !best.packages.iter().any(|now| stands_for(now, package)) {
                continue;
            }
            self.shown.held.push(id(package));
            match self.run() {
                Ok(resolution) if aim.is_met(&resolution) => best = resolution,
                _ => {
                    self.shown.held.pop();
                }
            }
        }
        best
    }
}

fn has(resolution: &Resolution, package: &Package) -> bool {
    resolution.packages.iter().any(|now| (&now.package, &now.version) == (&package.name, &package.version))
}

/// Whether a release has the place that a locked one had.
fn stands_for(now: &Resolved, package: &Package) -> bool {
    now.package == package.name && series(&now.version) == series(&package.version)
}

/// An index that does not show everything.
struct Shown<'a> {
    index: &'a dyn Index,
    /// Nothing else of their series is shown.
    held: Vec<Id>,
    /// Of this package, only this version and these releases are shown.
    only: Option<(PackageRef, Version, Vec<Version>)>,
}

impl Shown<'_> {
    fn shows(&self, package: &PackageRef, version: &Version) -> bool {
        if let Some((only, to, others)) = &self.only
            && only == package
            && !(is_version(version, to) || others.contains(version))
        {
            return false;
        }
        let mut held = self.held.iter().filter(|(name, it)| name == package && series(it) == series(version));
        held.all(|(_, it)| it == version)
    }
}

impl Index for Shown<'_> {
    fn versions(&self, package: &PackageRef) -> Versions {
        match self.index.versions(package) {
            Versions::Found(candidates) => {
                let shown = |it: &Candidate| self.shows(package, &it.version);
                Versions::Found(candidates.into_iter().filter(shown).collect())
            }
            other => other,
        }
    }

    fn release(&self, package: &PackageRef, version: &Version) -> Release {
        self.index.release(package, version)
    }

    fn prefetch(&self, requirements: &[(PackageRef, VersionReq)]) {
        self.index.prefetch(requirements);
    }

    fn check(&self, wires: &[Wire<'_>]) -> Vec<Fit> {
        self.index.check(wires)
    }
}

/// What must agree for two releases to stand for each other.
pub(crate) fn series(version: &Version) -> (u64, u64, u64) {
    match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    }
}

fn id(package: &Package) -> Id {
    (package.name.clone(), package.version.clone())
}

/// Whether a release is the version that somebody named, who may have left out the build metadata.
pub(super) fn is_version(release: &Version, named: &Version) -> bool {
    release == named || (named.build.is_empty() && release.cmp_precedence(named).is_eq())
}

/// The releases that move, and all that they need in the lock.
fn led_to(lock: &Lockfile, aim: &Aim) -> BTreeSet<Id> {
    let by_id: BTreeMap<(&PackageRef, &Version), &Package> =
        lock.packages.iter().map(|it| ((&it.name, &it.version), it)).collect();
    let mut open: Vec<&Package> =
        lock.packages.iter().filter(|it| aim.moves(&it.name, &it.version)).collect();
    let mut found = BTreeSet::new();
    while let Some(package) = open.pop() {
        if found.insert(id(package)) {
            let needs = package.dependencies.iter();
            open.extend(needs.filter_map(|it| by_id.get(&(&it.package, &it.version))));
        }
    }
    found
}

fn is_impossible(found: &Result<Resolution, Failure>) -> bool {
    matches!(found, Err(Failure::NoSolution { .. }))
}

fn is_yanked(index: &dyn Index, package: &Package) -> bool {
    let Versions::Found(candidates) = index.versions(&package.name) else { return false };
    candidates.iter().any(|it| it.yanked && it.version == package.version)
}

#[cfg(test)]
mod tests;
