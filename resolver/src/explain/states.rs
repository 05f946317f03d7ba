//! What there is of a package, where that is the reason.

use std::collections::BTreeSet;

use wasm_pkg_common::package::{PackageRef, Version};

use super::Told;
use super::hints::{Advice, Rank};
use super::needs::Need;
use crate::Reason;
use crate::bucket::Bucket;
use crate::facts::Dependent;
use crate::known::{Absence, Known, Slot};
use crate::node::Obstacle;
use crate::set::VersionSet;
use crate::words::{enumerate, list, obstacle, tame};

/// Requirements on one package that are compared with each other.
const MAX_COMPARED: usize = 50;

/// A contradiction that was looked up, with what would help against it.
pub(super) struct State {
    pub(super) text: String,
    pub(super) advice: Option<Advice>,
}

impl State {
    fn plain(text: String) -> Self {
        Self { text, advice: None }
    }

    fn with(text: String, advice: Advice) -> Self {
        Self { text, advice: Some(advice) }
    }
}

impl Told<'_> {
    /// What there is of a package, where that is the reason.
    pub(super) fn states(&self, package: &PackageRef) -> Vec<State> {
        let known = self.known(package);
        let mut needs: Vec<&Need> = self.needs.iter().filter(|need| need.package == *package).collect();
        needs.sort_by(|a, b| a.text.cmp(&b.text));
        if let Some(absence) = &known.absence {
            let by_app = needs.iter().any(|need| need.by_app());
            return vec![missing(package, absence, by_app)];
        }
        let mut states: Vec<State> = Vec::new();
        for same in needs.chunk_by(|a, b| a.set == b.set) {
            // What the user asks for is what the user can change.
            let by_app = same.iter().find(|need| need.by_app());
            let unmatched = same.first().and_then(|need| self.unmatched(package, &known, need));
            states.extend(unmatched.map(|state| match by_app {
                Some(need) => {
                    let advice = state.advice.map(|advice| advice.about(&need.asked));
                    State { advice, ..state }
                }
                // What somebody else asks for can be replaced for all.
                None => State { advice: state.advice.and_then(|advice| advice.instead(package)), ..state },
            }));
        }
        let is_matched = states.is_empty();
        let mut blocked: Vec<_> = self.blocked.iter().filter(|one| one.package == *package).collect();
        blocked.sort_by(|a, b| a.obstacle.cmp(&b.obstacle));
        let by_app = needs.iter().any(|need| need.by_app());
        for one in blocked {
            let (versions, _) = self.versions(package, &one.versions);
            let text = obstacle(&format!("{package} {versions}"), &one.obstacle);
            let advice = match &one.obstacle {
                Obstacle::Unusable(Reason::WitOnly) => {
                    let all = known.slots().iter().all(|slot| one.versions.contains(&slot.key));
                    Some(wit_only(package, by_app, all))
                }
                Obstacle::Unusable(Reason::Offline) => Some(go_online()),
                _ => None,
            };
            states.push(State { text, advice });
        }
        if is_matched {
            let exhausted = self.exhausted(package, &known, &needs);
            let together = exhausted.is_none().then(|| self.disagreement(package, &known, &needs));
            states.extend(exhausted.into_iter().chain(together.into_iter().flatten()));
        }
        states
    }

    /// Whether there is a release that could be chosen, and that can be used as far as is known.
    fn has_open(&self, package: &PackageRef, known: &Known, set: &VersionSet) -> bool {
        known
            .within(set)
            .any(|slot| self.solver.is_eligible(package, slot) && self.unusable(package, &slot.key).is_none())
    }

    /// Why a release cannot be used, in a word.
    fn unusable(&self, package: &PackageRef, version: &Version) -> Option<&'static str> {
        match self.solver.memory.borrow().releases.get(&(package.clone(), version.clone())) {
            Some(Err(Reason::WitOnly)) => Some(" (WIT only)"),
            Some(Err(Reason::Offline)) => Some(" (not in the store)"),
            Some(Err(_)) => Some(" (not usable)"),
            _ => None,
        }
    }

    /// Why no release fits one requirement, if none does.
    fn unmatched(&self, package: &PackageRef, known: &Known, need: &Need) -> Option<State> {
        let (req, set) = (&need.text, &need.set);
        if set.is_empty() {
            let hint = "a version must match all parts of a requirement; correct the contradiction";
            return Some(State::with(
                format!("no version can match {req}"),
                Advice::new(Rank::Certain, hint.to_owned()),
            ));
        }
        if known.within(set).any(|slot| self.solver.is_eligible(package, slot)) {
            return None;
        }
        let yanked: Vec<&Version> = known.within(set).map(|slot| &slot.key).collect();
        if let Some(highest) = yanked.first() {
            let text =
                format!("every version of {package} that matches {req} is yanked ({})", enumerate(&yanked));
            let req = format!("={highest}");
            return Some(State::with(text, Advice::change(Rank::Likely, package, &req, "a yanked release")));
        }
        let previews = known.slots().iter().rev().filter(|slot| !slot.key.pre.is_empty());
        let previews: Vec<&Version> = previews
            .filter(|slot| set.contains_release_of(&slot.key) && self.solver.is_eligible(package, slot))
            .map(|slot| &slot.key)
            .collect();
        if let Some(highest) = previews.first() {
            let text = format!("{package} has only pre-releases for {req} ({})", enumerate(&previews));
            let req = format!("^{highest}");
            return Some(State::with(text, Advice::change(Rank::Likely, package, &req, "a pre-release")));
        }
        let text = format!("no version of {package} matches {req} ({})", self.available(package, known));
        let newest = known.slots().iter().rev().find(|slot| slot.key.pre.is_empty() && !slot.is_yanked());
        let advice = newest.map(|slot| {
            Advice::change(Rank::Possible, package, &format!("^{}", slot.key), "the newest release")
        });
        Some(State { text, advice })
    }

    /// That all the releases that match one requirement are out for reasons of their own.
    fn exhausted(&self, package: &PackageRef, known: &Known, needs: &[&Need]) -> Option<State> {
        let is_exhausted =
            |need: &&&Need| !need.admitted.iter().any(|set| self.has_open(package, known, set));
        let exhausted: BTreeSet<&str> =
            needs.iter().filter(is_exhausted).map(|need| need.text.as_str()).collect();
        if exhausted.is_empty() {
            return None;
        }
        let exhausted: Vec<String> = exhausted.into_iter().map(ToOwned::to_owned).collect();
        let (req, available) = (list(&exhausted, "or"), self.available(package, known));
        let text = format!("no other version of {package} matches {req} ({available})");
        let is_told =
            |slot: &Slot| self.unusable(package, &slot.key).is_some() || self.is_misfit(package, &slot.key);
        known.slots().iter().any(|slot| !is_told(slot)).then(|| State::plain(text))
    }

    /// That requirements which can be met one by one cannot be met together.
    fn disagreement(&self, package: &PackageRef, known: &Known, needs: &[&Need]) -> Vec<State> {
        // Those of other buckets do not get into each other's way, nor do those of one dependent's
        // different versions. Within a bucket a requirement is an interval, so what cannot be met
        // together has a pair that cannot.
        let mut pairs: Vec<(bool, Bucket, &Need, &Need)> = Vec::new();
        for (at, a) in needs.iter().take(MAX_COMPARED).enumerate() {
            let Some(bucket) = Bucket::around(&a.set) else { continue };
            for b in needs.iter().take(MAX_COMPARED).skip(at + 1) {
                let apart = a.set == b.set || Bucket::around(&b.set) != Some(bucket);
                if apart || (a.dependent == b.dependent && a.dependent != Dependent::App) {
                    continue;
                }
                let agree = |a: &VersionSet| {
                    b.admitted.iter().any(|b| self.has_open(package, known, &a.intersection(b)))
                };
                if !a.admitted.iter().any(agree) {
                    pairs.push((a.by_app() || b.by_app(), bucket, a, b));
                }
            }
        }
        // What the user asks for is what the user can change.
        let by_app = pairs.iter().any(|(by_app, ..)| *by_app);
        pairs.retain(|pair| pair.0 == by_app);
        let Some(((_, bucket, a, b), rest)) = pairs.split_first() else { return Vec::new() };
        let shared =
            [a, b].into_iter().find(|one| rest.iter().all(|(.., a, b)| a.set == one.set || b.set == one.set));
        let available = self.available(package, known);
        let is_eligible = |slot: &Slot| self.solver.is_eligible(package, slot);
        let would_do = |a: &Need, b: &Need| known.within(&a.set.intersection(&b.set)).any(is_eligible);
        let told = pairs.iter().any(|(.., a, b)| would_do(a, b));
        let no = if told { "no other version" } else { "no version" };
        let text = match shared {
            Some(shared) => {
                let others = pairs.iter().map(|(.., a, b)| if a.set == shared.set { b } else { a });
                let others: BTreeSet<String> = others.map(|other| other.text.clone()).collect();
                let both = if others.len() == 1 { "both " } else { "" };
                let and = if others.len() == 1 { "and" } else { "together with" };
                let others = list(&others.into_iter().collect::<Vec<_>>(), "or");
                format!("{no} of {package} matches {both}{} {and} {others} ({available})", shared.text)
            }
            None => format!("{no} of {package} suits all of them ({available})"),
        };
        let unity = format!(
            "within {bucket} an app has one release of {package}, since components that exchange a resource \
             must share it"
        );
        vec![State::plain(text), State::plain(unity)]
    }

    /// The versions that there are, each with what speaks against it.
    fn available(&self, package: &PackageRef, known: &Known) -> String {
        let slots = known.slots().iter().rev();
        let all: Vec<String> =
            slots.map(|slot| format!("{}{}", slot.key, self.against(package, slot))).collect();
        if all.is_empty() {
            "it has no releases".to_owned()
        } else {
            format!("available: {}", enumerate(&all))
        }
    }

    /// What speaks against a release, whoever asks.
    fn against(&self, package: &PackageRef, slot: &Slot) -> &'static str {
        match self.unusable(package, &slot.key) {
            _ if !self.solver.is_eligible(package, slot) => " (yanked)",
            Some(unusable) => unusable,
            None if self.is_misfit(package, &slot.key) => " (does not fit)",
            None => "",
        }
    }

    /// Whether somebody who could take a release by its version cannot by its types.
    fn is_misfit(&self, package: &PackageRef, version: &Version) -> bool {
        self.needs
            .iter()
            .filter(|need| need.package == *package)
            .any(|need| need.set.contains(version) && need.admitted.iter().all(|set| !set.contains(version)))
    }
}

fn go_online() -> Advice {
    Advice::new(Rank::Certain, "run once without `--offline` to fill the store".to_owned())
}

/// What to do about a package whose releases, or some of them, hold only interfaces.
fn wit_only(package: &PackageRef, by_app: bool, all: bool) -> Advice {
    let hint = if by_app {
        format!(
            "depend on a package that implements the interfaces of {package}; a dependency that is named after \
             an interface says which with `package = \"namespace:name\"`"
        )
    } else {
        format!(
            "put a package that implements its interfaces in its place, in spin.toml: \
             [application.tool.deps.overrides] \"{package}\" = {{ package = \"namespace:name\", version = \"^1\" }}"
        )
    };
    Advice::new(if by_app && all { Rank::Likely } else { Rank::Unsure }, hint)
}

fn missing(package: &PackageRef, absence: &Absence, by_app: bool) -> State {
    let (namespace, name) = (package.namespace(), package.name());
    match absence {
        Absence::NotFound(registry) => {
            let text = format!("{package} is not in the registry {}", tame(registry));
            let hint = if by_app {
                format!("check the spelling of {package}; `spin-deps search {name}` shows what there is")
            } else {
                format!(
                    "if another registry has {package}, say so in spin.toml: \
                     [application.tool.deps.package_registry_overrides] \"{package}\" = \"registry.example.com\""
                )
            };
            State::with(text, Advice::new(if by_app { Rank::Certain } else { Rank::Unsure }, hint))
        }
        Absence::Offline => {
            State::with(format!("{package} is not in the store and the network is off"), go_online())
        }
        Absence::NoRegistry => State::with(
            format!("no registry is configured for {package}"),
            Advice::new(
                Rank::Certain,
                format!(
                    "say where the namespace lives, in spin.toml: [application.tool.deps.namespace_registries] \
                     {namespace} = \"registry.example.com\""
                ),
            ),
        ),
    }
}
