//! The dependencies that a failed search rests on, each as somebody wrote it.
//!
//! The solver computes with what a need still admits, and joins needs that admit the same. What is told is the
//! requirement as it was written, so a need is looked up again where it comes from.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use pubgrub::VersionSet as _;
use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use super::Told;
use crate::facts::{self, Dependent};
use crate::known::Slot;
use crate::memory::Chosen;
use crate::set::VersionSet;
use crate::words::{list, runs, tame};
use crate::{Consumer, Edge, Requirement};

/// A dependency that takes part in the contradiction.
pub(super) struct Need {
    pub(super) dependent: Dependent,
    /// The versions of the dependent that have it.
    pub(super) versions: VersionSet,
    pub(super) package: PackageRef,
    /// The requirement, as it was written first, and what matches it.
    pub(super) text: String,
    pub(super) set: VersionSet,
    /// Which of the app's requirements it is, by origin.
    pub(super) asked: Vec<usize>,
    /// What is left of `set` once types are looked at: one set that serves all components of the app, or one for each
    /// of a dependent's versions, of which there will be one.
    pub(super) admitted: Vec<VersionSet>,
}

impl Need {
    pub(super) fn by_app(&self) -> bool {
        self.dependent == Dependent::App
    }
}

/// Finds where needs come from.
struct Sources<'a, 'b> {
    told: &'b Told<'a>,
    /// The app's requirements by what they admit.
    app: HashMap<(&'a PackageRef, VersionSet), Vec<usize>>,
}

/// The needs behind `facts`, each after the one that leads to it.
pub(super) fn trace<'a>(told: &Told<'a>, facts: &'a [facts::Need]) -> Vec<Need> {
    let mut app: HashMap<_, Vec<usize>> = HashMap::new();
    for (at, asked) in told.solver.requirements.iter().enumerate() {
        let set = told.admitted(Consumer::App(at), &asked.package, &asked.req);
        app.entry((&asked.package, set)).or_default().push(at);
    }
    let sources = Sources { told, app };
    let mut needs: HashMap<(Dependent, PackageRef, VersionSet), Need> = HashMap::new();
    for fact in facts {
        for (set, versions, asked) in sources.of(fact) {
            let key = (fact.dependent.clone(), fact.package.clone(), set.clone());
            let need = needs.entry(key).or_insert_with(|| Need {
                dependent: fact.dependent.clone(),
                versions: versions.clone(),
                package: fact.package.clone(),
                text: told.solver.text(&fact.package, &set),
                set,
                asked: Vec::new(),
                admitted: Vec::new(),
            });
            need.versions = need.versions.union(&versions);
            need.asked.extend(asked);
            need.admitted.push(fact.set.clone());
        }
    }
    let mut needs: Vec<Need> = needs.into_values().collect();
    let requirements = told.solver.requirements;
    for need in &mut needs {
        if need.by_app() {
            let all = need.admitted.iter().fold(need.set.clone(), |all, set| all.intersection(set));
            need.admitted = vec![all];
        }
        need.asked.sort_by_key(|at| requirements.get(*at).map(|asked| &asked.origin));
    }
    in_order(needs)
}

impl Sources<'_, '_> {
    /// What was written, who wrote it by version, and for the app by requirement.
    fn of(&self, fact: &facts::Need) -> Vec<(VersionSet, VersionSet, Vec<usize>)> {
        let mut found: Vec<(VersionSet, VersionSet, Vec<usize>)> = Vec::new();
        let mut add = |set: VersionSet, versions: &VersionSet, asked: Option<usize>| match found
            .iter_mut()
            .find(|(known, ..)| *known == set)
        {
            Some((_, all, indices)) => {
                *all = all.union(versions);
                indices.extend(asked);
            }
            None => found.push((set, versions.clone(), asked.into_iter().collect())),
        };
        match &fact.dependent {
            Dependent::App => {
                for at in self.app.get(&(&fact.package, fact.set.clone())).into_iter().flatten() {
                    let asked = self.told.solver.requirements.get(*at);
                    let set = asked.map_or_else(|| fact.set.clone(), |asked| VersionSet::of(&asked.req));
                    add(set, &fact.versions, Some(*at));
                }
            }
            // Nothing was taken out of any need.
            Dependent::Package(_) if self.told.solver.memory.borrow().learned.is_empty() => {
                add(fact.set.clone(), &fact.versions, None);
            }
            Dependent::Package(package) => {
                for chosen in self.told.chosen(package, &fact.versions) {
                    let consumer = Consumer::Release(package, &chosen.version);
                    for edge in edges(&chosen, &fact.package) {
                        if self.told.admitted(consumer, &fact.package, &edge.req) == fact.set {
                            let version = VersionSet::singleton(chosen.version.clone());
                            add(VersionSet::of(&edge.req), &version, None);
                        }
                    }
                }
            }
        }
        found
    }
}

/// The dependencies, each after the one that leads to it.
fn in_order(needs: Vec<Need>) -> Vec<Need> {
    let mut sorted = needs;
    sorted.sort_by_cached_key(|need| (need.versions.first_triple(), need.package.clone(), need.text.clone()));
    let mut by_dependent: HashMap<Dependent, Vec<Need>> = HashMap::new();
    for need in sorted {
        by_dependent.entry(need.dependent.clone()).or_default().push(need);
    }
    let mut order = Vec::new();
    let mut stack: Vec<Need> = Vec::new();
    let push = |stack: &mut Vec<Need>, needs: Option<Vec<Need>>| {
        stack.extend(needs.into_iter().flatten().rev());
    };
    push(&mut stack, by_dependent.remove(&Dependent::App));
    while let Some(need) = stack.pop() {
        push(&mut stack, by_dependent.remove(&Dependent::Package(need.package.clone())));
        order.push(need);
    }
    order
}

/// What a release needs of a package.
pub(super) fn edges<'c>(chosen: &'c Chosen, needed: &'c PackageRef) -> impl Iterator<Item = &'c Edge> {
    // They are sorted by package.
    let first = chosen.edges.partition_point(|edge| edge.package < *needed);
    chosen.edges.iter().skip(first).take_while(move |edge| edge.package == *needed)
}

impl<'a> Told<'a> {
    pub(super) fn admitted(
        &self,
        consumer: Consumer<'_>,
        package: &PackageRef,
        req: &VersionReq,
    ) -> VersionSet {
        self.solver.memory.borrow().learned.admitted(consumer, package, req)
    }

    /// The releases of a package that the search looked at, of these versions.
    pub(super) fn chosen(&self, package: &PackageRef, versions: &VersionSet) -> Vec<Rc<Chosen>> {
        let known = self.known(package);
        let memory = self.solver.memory.borrow();
        let place = |slot: &Slot| (package.clone(), slot.key.clone());
        known
            .within(versions)
            .filter_map(|slot| memory.releases.get(&place(slot))?.as_ref().ok().map(Rc::clone))
            .collect()
    }

    /// A dependency as a clause.
    pub(super) fn need(&self, need: &Need) -> String {
        match &need.dependent {
            Dependent::App => {
                let who = self.origins(&need.asked);
                let verb = if who.len() > 1 { "depend" } else { "depends" };
                let req = self.asked(&need.asked).next().map(|asked| asked.req.to_string());
                let req = req.unwrap_or_else(|| need.text.clone());
                format!("{} {verb} on {} {req}", list(&who, "and"), need.package)
            }
            Dependent::Package(package) => {
                let (versions, several) = self.versions(package, &need.versions);
                let verb = if several { "depend" } else { "depends" };
                format!("{package} {versions} {verb} on {} {}", need.package, need.text)
            }
        }
    }

    pub(super) fn asked(&self, indices: &[usize]) -> impl Iterator<Item = &'a Requirement> {
        let requirements = self.solver.requirements;
        indices.iter().filter_map(move |at| requirements.get(*at))
    }

    /// Who asks, each once.
    pub(super) fn origins(&self, indices: &[usize]) -> Vec<String> {
        let who: BTreeSet<String> = self.asked(indices).map(|asked| tame(&asked.origin)).collect();
        who.into_iter().collect()
    }

    /// Names some versions of a package, and says whether that is a plural.
    pub(super) fn versions(&self, package: &PackageRef, set: &VersionSet) -> (String, bool) {
        let known = self.known(package);
        let meant: Vec<&Version> = known.within(set).map(|slot| &slot.key).collect();
        if meant.len() > 1 {
            // The words of a requirement that leads to just these.
            let needs = self.needs.iter().filter(|need| need.package == *package);
            let leads_here = |need: &&Need| {
                let candidates =
                    known.within(&need.set).filter(|slot| self.solver.is_eligible(package, slot));
                candidates.map(|slot| &slot.key).eq(meant.iter().copied())
            };
            if let Some(text) = needs.filter(leads_here).map(|need| &need.text).min() {
                return (text.clone(), false);
            }
        }
        let runs = runs(known.slots(), set);
        let several = runs.len() > 1;
        (list(&runs, "and"), several)
    }
}
