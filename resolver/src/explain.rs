//! Tells in one sentence why there is no solution.
//!
//! The sentence follows the dependencies from what the app asks for to where they meet what is not there, and
//! then says what is there. Versions are shown as the user would write them: by the requirement that
//! leads to them where it fits, else by name.

use std::collections::BTreeSet;
use std::rc::Rc;

use wasm_pkg_common::package::{PackageRef, Version};

use crate::bucket::Bucket;
use crate::facts::{Dependent, Facts, Need};
use crate::known::{Absence, Known, Slot};
use crate::set::VersionSet;
use crate::solver::{Obstacle, Solver};
use crate::words::{enumerate, list, obstacle, runs, tame};
use crate::{Failure, Reason, Requirement};

/// Dependencies told before the rest is only counted.
const MAX_NEEDS: usize = 20;
/// Packages that are looked at for facts about them.
const MAX_PACKAGES: usize = 1_000;
/// Facts about packages told.
const MAX_STATES: usize = 6;
/// Requirements on one package that are compared with each other.
const MAX_COMPARED: usize = 50;
/// A contradiction that was looked up, with what would help against it. The smaller rank is the better advice.
struct State {
    text: String,
    hint: Option<(u8, String)>,
}

impl State {
    fn plain(text: String) -> Self {
        Self { text, hint: None }
    }

    fn with_hint(text: String, rank: u8, hint: String) -> Self {
        Self { text, hint: Some((rank, hint)) }
    }
}

pub(crate) fn no_solution(requirements: &[Requirement], facts: &Facts, solver: &Solver<'_>) -> Failure {
    let told = Told { requirements, facts, solver };
    let needs = told.needs_in_order();
    let mut sentences: Vec<String> = needs.iter().take(MAX_NEEDS).map(|need| told.need(need)).collect();
    if let Some(rest) = needs.len().checked_sub(MAX_NEEDS).filter(|rest| *rest > 0) {
        let others = if rest == 1 { "one other dependency takes" } else { "other dependencies take" };
        let count = if rest == 1 { String::new() } else { format!("{rest} ") };
        sentences.push(format!("{count}{others} part in this"));
    }
    let mut packages: Vec<&PackageRef> = Vec::new();
    let mut seen = BTreeSet::new();
    packages.extend(needs.iter().map(|need| &need.package).filter(|package| seen.insert(*package)));
    packages.truncate(MAX_PACKAGES);
    let states: Vec<State> = packages.into_iter().flat_map(|package| told.states(package)).collect();
    let hint = states
        .iter()
        .filter_map(|state| state.hint.as_ref())
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, hint)| hint.clone())
        .or_else(|| told.conflict_hint());
    sentences.extend(states.into_iter().take(MAX_STATES).map(|state| state.text));

    let separator = if sentences.len() > 2 { "\n  and " } else { " and " };
    let end = if sentences.len() > 2 { "\n" } else { " " };
    let met =
        if requirements.len() == 1 { "requirement cannot be met" } else { "requirements cannot all be met" };
    Failure::NoSolution {
        explanation: format!("because {},{end}your {met}", sentences.join(separator)),
        hint,
    }
}

struct Told<'a> {
    requirements: &'a [Requirement],
    facts: &'a Facts,
    solver: &'a Solver<'a>,
}

impl<'a> Told<'a> {
    /// What is known of a package; everything asked for during the search is.
    fn known(&self, package: &PackageRef) -> Rc<Known> {
        self.solver.known(package).unwrap_or_default()
    }

    /// The dependencies, each after the one that leads to it.
    fn needs_in_order(&self) -> Vec<&'a Need> {
        let mut sorted: Vec<&Need> = self.facts.needs.iter().collect();
        sorted.sort_by_cached_key(|need| {
            let text = self.solver.text(&need.package, &need.set);
            (need.versions.first_triple(), need.package.clone(), text)
        });
        let mut by_dependent: std::collections::HashMap<&Dependent, Vec<&Need>> =
            std::collections::HashMap::new();
        for need in &sorted {
            by_dependent.entry(&need.dependent).or_default().push(need);
        }
        let mut order = Vec::with_capacity(sorted.len());
        let mut stack: Vec<&Need> = Vec::new();
        let push = |stack: &mut Vec<&'a Need>, needs: Option<Vec<&'a Need>>| {
            stack.extend(needs.into_iter().flatten().rev());
        };
        push(&mut stack, by_dependent.remove(&Dependent::App));
        while let Some(need) = stack.pop() {
            order.push(need);
            push(&mut stack, by_dependent.remove(&Dependent::Package(need.package.clone())));
        }
        order
    }

    fn need(&self, need: &Need) -> String {
        match &need.dependent {
            Dependent::App => {
                let asked = self.asked(need);
                let who: BTreeSet<String> = asked.iter().map(|asked| tame(&asked.origin)).collect();
                let who: Vec<String> = who.into_iter().collect();
                let verb = if who.len() > 1 { "depend" } else { "depends" };
                let req = asked.first().map(|asked| asked.req.to_string()).unwrap_or_default();
                format!("{} {verb} on {} {req}", list(&who, "and"), need.package)
            }
            Dependent::Package(package) => {
                let (versions, several) = self.versions(package, &need.versions);
                let verb = if several { "depend" } else { "depends" };
                let req = self.solver.text(&need.package, &need.set);
                format!("{package} {versions} {verb} on {} {req}", need.package)
            }
        }
    }

    /// The requirements of the app that a dependency stands for.
    fn asked(&self, need: &Need) -> Vec<&'a Requirement> {
        let same =
            |asked: &&Requirement| asked.package == need.package && VersionSet::of(&asked.req) == need.set;
        let mut asked: Vec<&Requirement> = self.requirements.iter().filter(same).collect();
        asked.sort_by(|a, b| a.origin.cmp(&b.origin));
        asked
    }

    /// Names some versions of a package, and says whether that is a plural.
    fn versions(&self, package: &PackageRef, set: &VersionSet) -> (String, bool) {
        let known = self.known(package);
        let meant: Vec<&Version> = known.within(set).map(|slot| &slot.key).collect();
        if meant.len() > 1 {
            // The words of a requirement that leads to just these.
            let needs = self.facts.needs.iter().filter(|need| need.package == *package);
            let mut texts: Vec<String> = needs
                .filter(|need| {
                    let candidates =
                        known.within(&need.set).filter(|slot| self.solver.is_eligible(package, slot));
                    candidates.map(|slot| &slot.key).eq(meant.iter().copied())
                })
                .map(|need| self.solver.text(package, &need.set))
                .collect();
            texts.sort();
            if let Some(text) = texts.into_iter().next() {
                return (text, false);
            }
        }
        let runs = runs(known.slots(), set);
        let several = runs.len() > 1;
        (list(&runs, "and"), several)
    }

    /// What there is of a package, where that is the reason.
    fn states(&self, package: &PackageRef) -> Vec<State> {
        let known = self.known(package);
        if let Some(absence) = &known.absence {
            let mut state = missing(package, absence);
            let by_app = |need: &Need| need.package == *package && need.dependent == Dependent::App;
            if matches!(absence, Absence::NotFound(_)) && !self.facts.needs.iter().any(by_app) {
                state.hint = Some((5, format!("what needs {package} may count on another registry for it")));
            }
            return vec![state];
        }
        let mut needs: Vec<&Need> = self.facts.needs.iter().filter(|need| need.package == *package).collect();
        needs.sort_by_cached_key(|need| self.solver.text(package, &need.set));
        let mut states: Vec<State> = Vec::new();
        for same in needs.chunk_by(|a, b| a.set == b.set) {
            let by_app = same.iter().any(|need| need.dependent == Dependent::App);
            let unmatched = same.first().and_then(|need| self.unmatched(package, &known, &need.set));
            states.extend(unmatched.map(|state| if by_app { state } else { State::plain(state.text) }));
        }
        if states.is_empty() {
            states.extend(self.disagreement(package, &known, &needs));
        }
        let mut blocked: Vec<_> = self.facts.blocked.iter().filter(|one| one.package == *package).collect();
        blocked.sort_by(|a, b| a.obstacle.cmp(&b.obstacle));
        for one in blocked {
            let (versions, _) = self.versions(package, &one.versions);
            let text = obstacle(&format!("{package} {versions}"), &one.obstacle);
            states.push(match &one.obstacle {
                Obstacle::Unusable(Reason::WitOnly) => State::with_hint(
                    text,
                    2,
                    format!(
                        "depend on a package that implements the interfaces of {package}; a dependency that is \
                         named after an interface says which with `package = \"namespace:name\"`"
                    ),
                ),
                Obstacle::Unusable(Reason::Offline) => {
                    State::with_hint(text, 1, "run once without `--offline` to fill the store".to_owned())
                }
                _ => State::plain(text),
            });
        }
        states
    }

    /// Why no release fits one requirement, if none does.
    fn unmatched(&self, package: &PackageRef, known: &Known, set: &VersionSet) -> Option<State> {
        if known.within(set).any(|slot| self.solver.is_eligible(package, slot)) {
            return None;
        }
        let req = self.solver.text(package, set);
        if set.is_empty() {
            let hint =
                "a version must match all parts of a requirement; correct the contradiction".to_owned();
            return Some(State::with_hint(format!("no version can match {req}"), 0, hint));
        }
        let yanked: Vec<String> = known.within(set).map(|slot| slot.key.to_string()).collect();
        if let Some(highest) = yanked.first() {
            let text =
                format!("every version of {package} that matches {req} is yanked ({})", enumerate(&yanked));
            let hint =
                format!("to use a yanked release all the same, ask for it: {package} = \"={highest}\"");
            return Some(State::with_hint(text, 3, hint));
        }
        let previews: Vec<String> = known
            .slots()
            .iter()
            .rev()
            .filter(|slot| !slot.key.pre.is_empty() && set.contains_release_of(&slot.key))
            .filter(|slot| self.solver.is_eligible(package, slot))
            .map(|slot| slot.key.to_string())
            .collect();
        if let Some(highest) = previews.first() {
            let text = format!("{package} has only pre-releases for {req} ({})", enumerate(&previews));
            let hint = format!("to use a pre-release, ask for it: {package} = \"^{highest}\"");
            return Some(State::with_hint(text, 3, hint));
        }
        let text = format!("no version of {package} matches {req} ({})", self.available(package, known));
        let newest = known.slots().iter().rev().find(|slot| slot.key.pre.is_empty() && !slot.is_yanked());
        let hint = newest.map(|slot| format!("the newest release is {0}: {package} = \"^{0}\"", slot.key));
        Some(State { text, hint: hint.map(|hint| (4, hint)) })
    }

    /// That requirements which can be met one by one cannot be met together.
    fn disagreement(&self, package: &PackageRef, known: &Known, needs: &[&Need]) -> Option<State> {
        // Those of other buckets do not get into each other's way, nor do those of one dependent's
        // different versions. Within a bucket a requirement is an interval, so what cannot be met
        // together has a pair that cannot.
        let mut pairs: Vec<(bool, &VersionSet, &VersionSet)> = Vec::new();
        for (at, a) in needs.iter().take(MAX_COMPARED).enumerate() {
            for b in needs.iter().take(MAX_COMPARED).skip(at + 1) {
                let bucket = Bucket::around(&a.set);
                let apart = a.set == b.set || bucket.is_none() || bucket != Bucket::around(&b.set);
                if apart || (a.dependent == b.dependent && a.dependent != Dependent::App) {
                    continue;
                }
                let common = a.set.intersection(&b.set);
                if known.within(&common).all(|slot| !self.solver.is_eligible(package, slot)) {
                    let by_app = a.dependent == Dependent::App || b.dependent == Dependent::App;
                    pairs.push((by_app, &a.set, &b.set));
                }
            }
        }
        // What the user asks for is what the user can change.
        let by_app = pairs.iter().any(|(by_app, ..)| *by_app);
        pairs.retain(|pair| pair.0 == by_app);
        let (first, rest) = pairs.split_first()?;
        let shared =
            [first.1, first.2].into_iter().find(|one| rest.iter().all(|(_, a, b)| a == one || b == one));
        let available = self.available(package, known);
        let text = match shared {
            Some(shared) => {
                let others = pairs.iter().map(|(_, a, b)| if *a == shared { b } else { a });
                let others: BTreeSet<String> = others.map(|set| self.solver.text(package, set)).collect();
                let both = if others.len() == 1 { "both " } else { "" };
                let and = if others.len() == 1 { "and" } else { "together with" };
                let others = list(&others.into_iter().collect::<Vec<_>>(), "or");
                let shared = self.solver.text(package, shared);
                format!("no version of {package} matches {both}{shared} {and} {others} ({available})")
            }
            None => format!("no version of {package} suits all of them ({available})"),
        };
        Some(State { text, hint: self.conflict_hint().map(|hint| (4, hint)) })
    }

    fn available(&self, package: &PackageRef, known: &Known) -> String {
        let describe = |slot: &Slot| {
            let yanked = if self.solver.is_eligible(package, slot) { "" } else { " (yanked)" };
            format!("{}{yanked}", slot.key)
        };
        let all: Vec<String> = known.slots().iter().rev().map(describe).collect();
        if all.is_empty() {
            "it has no releases".to_owned()
        } else {
            format!("available: {}", enumerate(&all))
        }
    }

    /// What to do where everything is there and nothing fits.
    fn conflict_hint(&self) -> Option<String> {
        let mut asked: Vec<String> = Vec::new();
        let needs = self.needs_in_order().into_iter();
        for need in needs.filter(|need| need.dependent == Dependent::App) {
            for one in self.asked(need) {
                let text = format!("{} on {} {}", tame(&one.origin), one.package, one.req);
                if !asked.contains(&text) {
                    asked.push(text);
                }
            }
        }
        match asked.as_slice() {
            [] => None,
            [one] => Some(format!("change the requirement of {one}")),
            _ => Some(format!("change one of these requirements: {}", list(&asked, "or"))),
        }
    }
}

fn missing(package: &PackageRef, absence: &Absence) -> State {
    let namespace = package.namespace();
    match absence {
        Absence::NotFound(registry) => State::with_hint(
            format!("{package} is not in the registry {}", tame(registry)),
            1,
            format!("check the spelling of {package}, and that its registry is the right one"),
        ),
        Absence::Offline => State::with_hint(
            format!("{package} is not in the store and the network is off"),
            1,
            "run once without `--offline` to fill the store".to_owned(),
        ),
        Absence::NoRegistry => State::with_hint(
            format!("no registry is configured for {package}"),
            0,
            format!(
                "say where the namespace lives, in spin.toml: [application.tool.deps.namespace_registries] \
                 {namespace} = \"registry.example.com\""
            ),
        ),
    }
}
