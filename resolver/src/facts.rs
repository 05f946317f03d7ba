//! The facts that a failed search rests on, taken from `PubGrub`'s derivation tree.
//!
//! The leaves of the tree are the facts that contradict each other; its inner nodes are the solver's way of
//! noticing. We keep the leaves, join those that say the same of several versions, and leave out what is
//! only an artefact of the search: the app's own version, and the choices between buckets.
//!
//! A tree may be as deep as the search was long and shares its branches, so it is walked, and taken down,
//! with a stack of our own and every branch is looked at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pubgrub::{DerivationTree, External, VersionSet as _};
use wasm_pkg_common::package::{PackageRef, VersionReq};

use crate::Consumer;
use crate::node::{Node, Obstacle};
use crate::places::Places;
use crate::set::VersionSet;
use crate::solver::Solver;

type Tree = DerivationTree<Node, Places, Obstacle>;

/// Who depends on something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Dependent {
    App,
    Package(PackageRef),
}

/// A dependency that takes part in the contradiction.
#[derive(Debug)]
pub(crate) struct Need {
    pub(crate) dependent: Dependent,
    /// The versions of the dependent that have this dependency.
    pub(crate) versions: VersionSet,
    pub(crate) package: PackageRef,
    pub(crate) set: VersionSet,
}

/// Releases that cannot be used.
#[derive(Debug)]
pub(crate) struct Blocked {
    pub(crate) package: PackageRef,
    pub(crate) versions: VersionSet,
    pub(crate) obstacle: Obstacle,
}

#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) needs: Vec<Need>,
    pub(crate) blocked: Vec<Blocked>,
}

impl Facts {
    /// Collects the facts of a tree.
    pub(crate) fn gather(tree: &Tree, solver: &Solver<'_>) -> Self {
        let mut needs: HashMap<(Dependent, PackageRef, VersionSet), VersionSet> = HashMap::new();
        let mut blocked: HashMap<(PackageRef, Obstacle), VersionSet> = HashMap::new();
        let mut seen = HashSet::new();
        let mut stack = vec![tree];
        while let Some(tree) = stack.pop() {
            let leaf = match tree {
                DerivationTree::External(leaf) => leaf,
                DerivationTree::Derived(derived) => {
                    if seen.insert(std::ptr::from_ref(derived)) {
                        stack.extend([&*derived.cause1, &*derived.cause2]);
                    }
                    continue;
                }
            };
            match leaf {
                External::FromDependencyOf(from, places, to, wanted) => {
                    for (dependent, versions, package, set) in written(solver, from, places, (to, wanted)) {
                        join(needs.entry((dependent, package, set)), &versions);
                    }
                }
                External::Custom(Node::Release(package, _), places, obstacle) => {
                    let versions = solver.known(package).unwrap_or_default().versions(places);
                    join(blocked.entry((package.clone(), obstacle.clone())), &versions);
                }
                // That nothing is left to choose follows from the others and from the list of versions.
                External::NoVersions(..) | External::NotRoot(..) | External::Custom(..) => {}
            }
        }
        let needs = needs
            .into_iter()
            .map(|((dependent, package, set), versions)| Need { dependent, versions, package, set })
            .collect();
        let blocked = blocked
            .into_iter()
            .map(|((package, obstacle), versions)| Blocked { package, versions, obstacle })
            .collect();
        Self { needs, blocked }
    }
}

/// The needs behind one in the solver's terms, as they were written: who has it, in which versions, and which versions
/// of which package it admits. The solver knows only which releases are left, and those can be the same for several.
fn written(
    solver: &Solver<'_>,
    from: &Node,
    places: &Places,
    need: (&Node, &Places),
) -> Vec<(Dependent, VersionSet, PackageRef, VersionSet)> {
    let (Node::Release(to, _) | Node::Choice(to, _)) = need.0 else { return Vec::new() };
    let is_it = |consumer: Consumer<'_>, req: &VersionReq| {
        let (node, places) = solver.need(consumer, to, req);
        (&node, &places) == need
    };
    let admitted =
        |consumer: Consumer<'_>, req: &VersionReq| solver.memory.borrow().learned.admitted(consumer, to, req);
    match from {
        Node::App => {
            let asked = solver.requirements.iter().enumerate().filter(|(_, asked)| asked.package == *to);
            let asked = asked.map(|(at, asked)| (Consumer::App(at), &asked.req));
            asked
                .filter(|(consumer, req)| is_it(*consumer, req))
                .map(|(consumer, req)| {
                    (Dependent::App, VersionSet::full(), to.clone(), admitted(consumer, req))
                })
                .collect()
        }
        Node::Release(package, _) => {
            let known = solver.known(package).unwrap_or_default();
            let slots = places.iter().filter_map(|place| known.at(place));
            let needs = slots.filter_map(|slot| {
                let chosen = solver.chosen(package, &slot.key).ok()?.ok()?;
                let consumer = Consumer::Release(package, &chosen.version);
                let mut edges = chosen.edges.iter().filter(|edge| edge.package == *to);
                let edge = edges.find(|edge| is_it(consumer, &edge.req))?;
                let versions = VersionSet::singleton(slot.key.clone());
                Some((
                    Dependent::Package(package.clone()),
                    versions,
                    to.clone(),
                    admitted(consumer, &edge.req),
                ))
            });
            needs.collect()
        }
        // Which bucket was chosen is only an artefact of the search.
        Node::Choice(..) => Vec::new(),
    }
}

fn join<K>(entry: std::collections::hash_map::Entry<'_, K, VersionSet>, versions: &VersionSet) {
    entry.and_modify(|sum| *sum = sum.union(versions)).or_insert_with(|| versions.clone());
}

/// Drops a tree without recursion, which would end in a stack overflow on a deep one.
pub(crate) fn unravel(tree: Tree) {
    let mut stack = vec![tree];
    while let Some(tree) = stack.pop() {
        if let DerivationTree::Derived(derived) = tree {
            stack.extend([derived.cause1, derived.cause2].into_iter().filter_map(Arc::into_inner));
        }
    }
}
