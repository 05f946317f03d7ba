//! `PubGrub` as its guide shows it: newest first, ranges of versions, an unknown for each package and major.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;

use pubgrub::{
    Dependencies, DependencyProvider, PackageResolutionStatistics, PubGrubError, Ranges, SelectedDependencies,
};
use semver::{Comparator, Op, Version, VersionReq};
use spin_deps_resolver::{Index as _, Release, Versions};
use wasm_pkg_common::package::PackageRef;

use crate::registries::Case;

/// What it finds a version for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Node {
    App,
    /// A package, and the major unless requirements span majors.
    Package(PackageRef, Option<u64>),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App => f.write_str("the app"),
            Self::Package(package, _) => package.fmt(f),
        }
    }
}

struct Plain<'a> {
    case: &'a Case,
    /// The releases by node, lowest first, as `OfflineDependencyProvider` keeps them.
    releases: RefCell<HashMap<PackageRef, Vec<Version>>>,
}

/// Whether there is an answer. One with a single release of each package, where requirements span majors.
pub(crate) fn resolve(case: &Case) -> bool {
    let plain = Plain { case, releases: RefCell::default() };
    let answer: Result<SelectedDependencies<Node, Version>, _> =
        pubgrub::resolve(&plain, Node::App, Version::new(0, 0, 0));
    match answer {
        Ok(_) => true,
        Err(PubGrubError::NoSolution(tree)) => {
            // It is too deep for its own `drop`.
            std::mem::forget(tree);
            false
        }
        Err(other) => panic!("{other}"),
    }
}

impl Plain<'_> {
    fn need(&self, package: &PackageRef, req: &VersionReq) -> (Node, Ranges<Version>) {
        let range = req.comparators.iter().fold(Ranges::full(), |sum, one| sum.intersection(&range(one)));
        let major = req.comparators.first().map(|one| one.major).filter(|_| !self.case.spans_majors);
        (Node::Package(package.clone(), major), range)
    }

    fn with_releases<T>(&self, node: &Node, work: impl FnOnce(&[Version]) -> T) -> T {
        let Node::Package(package, _) = node else { return work(&[Version::new(0, 0, 0)]) };
        if let Some(known) = self.releases.borrow().get(package) {
            return work(known);
        }
        let Versions::Found(found) = self.case.index.versions(package) else { return work(&[]) };
        let mut found: Vec<Version> = found.into_iter().map(|one| one.version).collect();
        found.sort();
        let answer = work(&found);
        self.releases.borrow_mut().insert(package.clone(), found);
        answer
    }
}

fn range(comparator: &Comparator) -> Ranges<Version> {
    let (major, minor) = (comparator.major, comparator.minor.unwrap_or(0));
    let lowest = Version::new(major, minor, comparator.patch.unwrap_or(0));
    match comparator.op {
        Op::Exact => Ranges::singleton(lowest),
        Op::GreaterEq => Ranges::higher_than(lowest),
        Op::Less => Ranges::strictly_lower_than(lowest),
        Op::Caret => Ranges::between(lowest, Version::new(major + 1, 0, 0)),
        Op::Tilde => Ranges::between(lowest, Version::new(major, minor + 1, 0)),
        other => panic!("no registry of the benchmark uses {other:?}"),
    }
}

impl DependencyProvider for Plain<'_> {
    type P = Node;
    type V = Version;
    type VS = Ranges<Version>;
    type M = String;
    type Err = Infallible;
    type Priority = (u32, Reverse<usize>);

    fn prioritize(
        &self,
        node: &Node,
        range: &Ranges<Version>,
        statistics: &PackageResolutionStatistics,
    ) -> Self::Priority {
        let count = self.with_releases(node, |releases| {
            releases.iter().filter(|version| range.contains(version)).count()
        });
        if count == 0 { (u32::MAX, Reverse(0)) } else { (statistics.conflict_count(), Reverse(count)) }
    }

    fn choose_version(&self, node: &Node, range: &Ranges<Version>) -> Result<Option<Version>, Infallible> {
        Ok(self.with_releases(node, |releases| {
            releases.iter().rfind(|version| range.contains(version)).cloned()
        }))
    }

    fn get_dependencies(
        &self,
        node: &Node,
        version: &Version,
    ) -> Result<Dependencies<Node, Ranges<Version>, String>, Infallible> {
        let needs = match node {
            Node::App => self.case.requirements.iter().map(|one| self.need(&one.package, &one.req)).collect(),
            Node::Package(package, _) => match self.case.index.release(package, version) {
                Release::Available(edges) => {
                    edges.iter().map(|edge| self.need(&edge.package, &edge.req)).collect()
                }
                Release::Unavailable(_) => return Ok(Dependencies::Unavailable("not available".to_owned())),
            },
        };
        Ok(Dependencies::Available(needs))
    }
}
