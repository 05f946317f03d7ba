//! What the index said about one package, in the form the solver needs.

use std::collections::BTreeMap;

use wasm_pkg_common::package::{PackageRef, Version};

use crate::bucket::Bucket;
use crate::set::VersionSet;
use crate::{Candidate, Locked};

/// Why nothing is known about a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Absence {
    /// With the name of the registry.
    NotFound(String),
    Offline,
    NoRegistry,
}

/// The releases of a package, lowest first.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Set if the index has no list at all; then there are no slots either.
    pub(crate) absence: Option<Absence>,
    slots: Vec<Slot>,
}

/// The releases that `semver` cannot tell apart: they differ in build metadata only.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The version without build metadata.
    pub(crate) key: Version,
    /// Never empty; the one to prefer comes first.
    pub(crate) builds: Vec<Build>,
}

#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) version: Version,
    pub(crate) yanked: bool,
    /// Why it is yanked, where that was said.
    pub(crate) reason: Option<String>,
    pub(crate) locked: bool,
}

/// The version that stands for all that differ from it in build metadata only.
pub(crate) fn key_of(version: &Version) -> Version {
    Version { build: semver::BuildMetadata::EMPTY, ..version.clone() }
}

impl Slot {
    pub(crate) fn is_locked(&self) -> bool {
        self.builds.iter().any(|build| build.locked)
    }

    /// Whether every build of it was taken back.
    pub(crate) fn is_yanked(&self) -> bool {
        self.builds.iter().all(|build| build.yanked)
    }
}

impl Known {
    pub(crate) fn absent(absence: Absence) -> Self {
        Self { absence: Some(absence), slots: Vec::new() }
    }

    pub(crate) fn found(package: &PackageRef, candidates: Vec<Candidate>, locked: &Locked) -> Self {
        let mut yanked: BTreeMap<Version, (bool, Option<String>)> = BTreeMap::new();
        for candidate in candidates {
            let known = yanked.entry(candidate.version).or_default();
            known.0 |= candidate.yanked;
            known.1 = known.1.take().or(candidate.reason);
        }
        let mut slots: Vec<Slot> = Vec::new();
        for (version, (yanked, reason)) in yanked {
            let locked = locked.contains(package, &version);
            let key = key_of(&version);
            let build = Build { version, yanked, reason, locked };
            match slots.last_mut() {
                Some(slot) if slot.key == key => slot.builds.push(build),
                _ => slots.push(Slot { key, builds: vec![build] }),
            }
        }
        for slot in &mut slots {
            // Rising until here, so the highest of equals comes first.
            slot.builds.reverse();
            slot.builds.sort_by_key(|build| (!build.locked, build.yanked));
        }
        Self { absence: None, slots }
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The releases of a set, highest first.
    pub(crate) fn within<'a>(&'a self, set: &'a VersionSet) -> impl Iterator<Item = &'a Slot> {
        self.slots.iter().rev().filter(|slot| set.contains(&slot.key))
    }

    pub(crate) fn slot(&self, key: &Version) -> Option<&Slot> {
        self.slots.binary_search_by(|slot| slot.key.cmp(key)).ok().and_then(|at| self.slots.get(at))
    }

    /// The buckets that have a release in the set, highest first.
    pub(crate) fn buckets(&self, set: &VersionSet) -> Vec<Bucket> {
        let mut buckets: Vec<Bucket> = self.within(set).map(|slot| Bucket::of(&slot.key)).collect();
        buckets.dedup();
        buckets
    }
}
