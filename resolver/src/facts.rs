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

use pubgrub::{DerivationTree, External};
use wasm_pkg_common::package::PackageRef;

use crate::set::VersionSet;
use crate::solver::{Node, Obstacle};

type Tree = DerivationTree<Node, VersionSet, Obstacle>;

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
    pub(crate) fn gather(tree: &Tree) -> Self {
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
                External::FromDependencyOf(from, versions, to, set) => {
                    let dependent = match from {
                        Node::App => Dependent::App,
                        Node::Release(package, _) => Dependent::Package(package.clone()),
                        Node::Choice(..) => continue,
                    };
                    let (package, set) = match to {
                        Node::App => continue,
                        Node::Release(package, _) => (package, set),
                        Node::Choice(package, all) => (package, all),
                    };
                    join(needs.entry((dependent, package.clone(), set.clone())), versions);
                }
                External::Custom(Node::Release(package, _), versions, obstacle) => {
                    join(blocked.entry((package.clone(), obstacle.clone())), versions);
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
