//! What the index said about one package, in the form the solver needs.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use pubgrub::VersionSet as _;
use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use crate::bucket::Bucket;
use crate::places::{Place, Places};
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
    /// The buckets that have a release, lowest first, and which releases those are.
    buckets: Vec<(Bucket, Places)>,
    locked: Places,
    yanked: Places,
    /// What requirements admit, once they were looked at.
    admitted: RefCell<HashMap<VersionReq, Places>>,
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
        Self { absence: Some(absence), ..Self::default() }
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
        let mut buckets: Vec<(Bucket, Places)> = Vec::new();
        for (slot, place) in slots.iter().zip(0..) {
            let bucket = Bucket::of(&slot.key);
            match buckets.last_mut() {
                Some((last, places)) if *last == bucket => places.insert(place),
                _ => buckets.push((bucket, std::iter::once(place).collect())),
            }
        }
        let those = |is: fn(&Slot) -> bool| {
            let places = slots.iter().zip(0..).filter(|(slot, _)| is(slot));
            places.map(|(_, place)| place).collect()
        };
        let (locked, yanked) = (those(Slot::is_locked), those(Slot::is_yanked));
        Self { absence: None, slots, buckets, locked, yanked, admitted: RefCell::default() }
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

    pub(crate) fn at(&self, place: Place) -> Option<&Slot> {
        self.slots.get(place as usize)
    }

    /// Where the release is that has this version.
    pub(crate) fn place(&self, key: &Version) -> Option<Place> {
        let at = self.slots.binary_search_by(|slot| slot.key.cmp(key)).ok()?;
        Place::try_from(at).ok()
    }

    /// The releases that a requirement admits.
    pub(crate) fn admitted(&self, req: &VersionReq) -> Places {
        if let Some(places) = self.admitted.borrow().get(req) {
            return places.clone();
        }
        let matching = self.slots.iter().zip(0..).filter(|(slot, _)| req.matches(&slot.key));
        let places: Places = matching.map(|(_, place)| place).collect();
        self.admitted.borrow_mut().insert(req.clone(), places.clone());
        places
    }

    /// The versions of the releases at these places.
    pub(crate) fn versions(&self, places: &Places) -> VersionSet {
        let slots = places.iter().filter_map(|place| self.at(place));
        slots.fold(VersionSet::empty(), |all, slot| all.union(&VersionSet::singleton(slot.key.clone())))
    }

    pub(crate) fn locked(&self) -> &Places {
        &self.locked
    }

    /// Those of which every build was taken back.
    pub(crate) fn yanked(&self) -> &Places {
        &self.yanked
    }

    /// The buckets that have a release, lowest first.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (Bucket, &Places)> {
        self.buckets.iter().map(|(bucket, places)| (*bucket, places))
    }

    /// The bucket that holds all these places, if one does. An empty set is in none.
    pub(crate) fn bucket_around(&self, places: &Places) -> Option<Bucket> {
        let of = |place| self.at(place).map(|slot| Bucket::of(&slot.key));
        // The list rises, and so do buckets.
        let (first, last) = (of(places.first()?)?, of(places.last()?)?);
        (first == last).then_some(first)
    }
}
