//! The index's answers, and what was noticed on the way.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use crate::known::{Known, key_of};
use crate::set::VersionSet;
use crate::types::Learned;
use crate::words::tame;
use crate::{Edge, Reason};

/// A release as the index described it.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) version: Version,
    pub(crate) yanked: bool,
    pub(crate) reason: Option<String>,
    pub(crate) locked: bool,
    pub(crate) edges: Vec<Edge>,
}

/// What is remembered for as long as one resolution takes, over all its runs.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) packages: HashMap<PackageRef, Result<Rc<Known>, String>>,
    /// What stands for a version, by its number without build metadata.
    pub(crate) releases: HashMap<(PackageRef, Version), Result<Rc<Chosen>, Reason>>,
    /// Builds that cannot be used.
    pub(crate) unusable: HashMap<(PackageRef, Version), Reason>,
    pub(crate) learned: Learned,
    pub(crate) announced: HashSet<(PackageRef, VersionReq)>,
    /// How a set was written where it was required first.
    texts: HashMap<PackageRef, Vec<(VersionSet, String)>>,
    /// Who was first to require a package, for the message that it cannot be reached.
    wanted_by: HashMap<PackageRef, Box<str>>,
    /// Whether a yanked release was held back where nothing else was left.
    pub(crate) withheld: bool,
    /// Whether this is the second attempt, which admits yanked releases.
    pub(crate) second: Option<Second>,
    /// How many releases of each package the index was asked about.
    pub(crate) tried: HashMap<PackageRef, usize>,
    /// Decisions of this run, and of all.
    pub(crate) steps: usize,
    pub(crate) all_steps: usize,
}

/// The attempt that admits yanked releases.
#[derive(Default)]
pub(crate) struct Second {
    /// Those that turned out to be asked for by nobody.
    pub(crate) unwarranted: HashSet<(PackageRef, Version)>,
    pub(crate) runs: usize,
}

impl Memory {
    /// What a solver may go by that must not ask any more: the answers, without what belongs to a search.
    pub(crate) fn answers(&self) -> Self {
        Self {
            packages: self.packages.clone(),
            releases: self.releases.clone(),
            unusable: self.unusable.clone(),
            learned: self.learned.clone(),
            ..Self::default()
        }
    }

    pub(crate) fn note(&mut self, package: &PackageRef, set: &VersionSet, req: &VersionReq, who: &str) {
        let texts = self.texts.entry(package.clone()).or_default();
        if texts.iter().all(|(known, _)| known != set) {
            texts.push((set.clone(), req.to_string()));
        }
        if !self.wanted_by.contains_key(package) {
            let sentence = format!("{} depends on {package} {req}", tame(who));
            self.wanted_by.insert(package.clone(), sentence.into());
        }
    }

    /// The text of the requirement that a set comes from.
    pub(crate) fn text(&self, package: &PackageRef, set: &VersionSet) -> Option<&str> {
        let texts = self.texts.get(package).into_iter().flatten();
        texts.into_iter().find(|(known, _)| known == set).map(|(_, text)| text.as_str())
    }

    pub(crate) fn wanted_by(&self, package: &PackageRef) -> Box<str> {
        self.wanted_by.get(package).cloned().unwrap_or_default()
    }

    /// Takes a build out for everybody. Another build of the same version may stand for it.
    pub(crate) fn rule_out(&mut self, package: &PackageRef, version: &Version, reason: Reason) {
        self.releases.remove(&(package.clone(), key_of(version)));
        self.unusable.insert((package.clone(), version.clone()), reason);
    }
}
