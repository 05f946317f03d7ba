//! What the user could do about it.
//!
//! Some facts say what helps: a package that is missing has to come from somewhere. Where everything is there and
//! nothing fits together, the requirements of the app are what can be changed. Which change would help is not
//! guessed: the solver runs again, without one of them, on what it remembers. It asks nobody, so of releases that
//! were not looked at yet it assumes the best.

use std::collections::{HashMap, HashSet};

use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use super::Told;
use super::needs::Need;
use super::types::Misfit;
use crate::bucket::Bucket;
use crate::solver::Solver;
use crate::words::{list, tame};
use crate::{Change, Index, Mismatch, Release, Versions};

/// Requirements of the app that are tried without.
const MAX_TRIALS: usize = 8;
/// Decisions in one such trial.
const MAX_TRIAL_STEPS: usize = 10_000;
/// Changes that are proposed, any of which would do.
const MAX_CHANGES: usize = 2;

/// How sure it is that a hint helps; the best comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Nothing else will.
    Certain,
    Likely,
    Possible,
    #[default]
    Unsure,
}

/// A hint, and the changes of requirements that it is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Advice {
    rank: Rank,
    pub(super) hint: String,
    pub(super) changes: Vec<Change>,
    /// What is special about the release that a change leads to.
    remark: &'static str,
}

impl Advice {
    pub(super) fn new(rank: Rank, hint: String) -> Self {
        Self { rank, hint, ..Self::default() }
    }

    /// To let a requirement ask for something else.
    pub(super) fn change(rank: Rank, package: &PackageRef, req: &str, remark: &'static str) -> Self {
        let change = VersionReq::parse(req).map(|req| Change { requirements: Vec::new(), req });
        let hint = format!("ask for {package} {req}, {remark}");
        Self { rank, hint, changes: change.into_iter().collect(), remark }
    }

    /// The same change where it is not the app that asks.
    pub(super) fn instead(self, package: &PackageRef) -> Option<Self> {
        let req = self.changes.first()?.req.to_string();
        let overriding = overriding(package, &req);
        let hint = format!("to use {package} {req}, {}, override it for all {overriding}", self.remark);
        Some(Self::new(Rank::Unsure, hint))
    }

    /// The same, about these requirements.
    pub(super) fn about(mut self, requirements: &[usize]) -> Self {
        for change in &mut self.changes {
            change.requirements = requirements.to_vec();
        }
        self
    }
}

/// What to write into spin.toml to have one requirement instead of everybody's.
fn overriding(package: &PackageRef, req: &str) -> String {
    format!("in spin.toml: [application.tool.deps.overrides] \"{package}\" = \"{req}\"")
}

/// An index that is never asked: everything it could say is remembered already.
struct Silent;

impl Index for Silent {
    fn versions(&self, _: &PackageRef) -> Versions {
        Versions::Offline
    }

    fn release(&self, _: &PackageRef, _: &Version) -> Release {
        Release::Available(Vec::new())
    }
}

impl Told<'_> {
    /// The best advice: what the facts say, else what can be found out.
    pub(super) fn advice<'s>(&self, of_states: impl Iterator<Item = &'s Advice>) -> Option<Advice> {
        let stated = of_states.min_by_key(|advice| advice.rank).cloned();
        if let Some(stated) = stated.as_ref().filter(|advice| advice.rank < Rank::Unsure) {
            return Some(stated.clone());
        }
        let misfits: Vec<Misfit> = self.needs.iter().flat_map(|need| self.misfits(need)).collect();
        let difference = misfits.iter().find_map(|misfit| self.difference(misfit));
        match (self.changes(), difference) {
            (Some(changes), Some(difference)) => {
                Some(Advice { hint: format!("{}; {difference}", changes.hint), ..changes })
            }
            (Some(changes), None) => Some(changes),
            (None, Some(difference)) => Some(Advice::new(Rank::Unsure, difference)),
            (None, None) => stated.or_else(|| self.in_the_way()).or_else(|| self.change_one()),
        }
    }

    /// The changes of single requirements that would do.
    fn changes(&self) -> Option<Advice> {
        let mut found: Vec<(&Need, Version)> = Vec::new();
        for need in self.needs.iter().filter(|need| need.by_app()).take(MAX_TRIALS) {
            if let Some(version) = self.without(need) {
                found.push((need, version));
            }
        }
        // One entry is changed more easily than many.
        found.sort_by_key(|(need, _)| need.asked.len());
        found.truncate(MAX_CHANGES);
        let mut words = Vec::new();
        let mut changes = Vec::new();
        for (need, version) in found {
            let req = VersionReq::parse(&format!("^{version}")).ok()?;
            words.push(format!("{} {req} in {}", need.package, list(&self.origins(&need.asked), "and")));
            changes.push(Change { requirements: need.asked.clone(), req });
        }
        if changes.is_empty() {
            return None;
        }
        let hint = format!("ask for {}", words.join(", or for "));
        Some(Advice { rank: Rank::Possible, hint, changes, ..Advice::default() })
    }

    /// The release that would meet a need of the app if any would do: one of the same bucket, else any.
    fn without(&self, need: &Need) -> Option<Version> {
        let bucket = Bucket::around(&need.set).map(Bucket::req);
        bucket.into_iter().chain([VersionReq::STAR]).find_map(|req| {
            let mut requirements = self.solver.requirements.to_vec();
            let mut memory = self.solver.memory.borrow().answers();
            for at in &need.asked {
                let asked = requirements.get_mut(*at)?;
                memory.learned.carry_over(*at, &asked.package, &asked.req, &req);
                asked.req = req.clone();
            }
            let trial = Solver::again(self.solver, &requirements, &Silent, memory, MAX_TRIAL_STEPS);
            let resolution = trial.answer().ok()?;
            let version = resolution.roots.get(*need.asked.first()?)?.clone();
            (!need.set.contains(&version)).then_some(version)
        })
    }

    /// How to see what changed since the version that the consumer was made for.
    fn difference(&self, misfit: &Misfit) -> Option<String> {
        let package = &misfit.package;
        let (Mismatch::Differs { import, .. }
        | Mismatch::Missing { import }
        | Mismatch::Other { import, .. }) = &misfit.mismatch;
        let made_for = Version::parse(import.split_once('@')?.1).ok()?;
        let known = self.known(package);
        known.slot(&made_for)?;
        let other = misfit.releases.last().filter(|_| !misfit.releases.contains(&made_for))?;
        Some(format!("`spin-deps diff {package}@{made_for} {package}@{other}` shows what differs"))
    }

    /// What to do where a dependency asks for what the others do not have.
    fn in_the_way(&self) -> Option<Advice> {
        let mut count: HashMap<&PackageRef, usize> = HashMap::new();
        for need in &self.needs {
            *count.entry(&need.package).or_default() += 1;
        }
        let in_the_way = |need: &&Need| {
            let is_shared = count.get(&need.package).is_some_and(|count| *count > 1);
            is_shared && !need.by_app() && !self.known(&need.package).slots().is_empty()
        };
        let need = self.needs.iter().rfind(in_the_way)?;
        let package = &need.package;
        let known = self.known(package);
        let wanted = self.needs.iter().find(|other| other.package == *package && other.by_app());
        let set = wanted.map_or(&need.set, |wanted| &wanted.set);
        let version = known.within(set).find(|slot| self.solver.is_eligible(package, slot))?;
        let overriding = overriding(package, &format!("={}", version.key));
        let hint = format!("to let all use one release, whatever they ask for, override it {overriding}");
        Some(Advice::new(Rank::Unsure, hint))
    }

    /// The requirements that could be changed, where it is not known how.
    fn change_one(&self) -> Option<Advice> {
        let mut seen = HashSet::new();
        let asked = self.needs.iter().flat_map(|need| self.asked(&need.asked));
        let texts = asked.map(|one| format!("{} on {} {}", tame(&one.origin), one.package, one.req));
        let asked: Vec<String> = texts.filter(|text| seen.insert(text.clone())).collect();
        let hint = match asked.as_slice() {
            [] => return None,
            [one] => format!("change the requirement of {one}"),
            _ => format!("change one of these requirements: {}", list(&asked, "or")),
        };
        Some(Advice::new(Rank::Unsure, hint))
    }
}
