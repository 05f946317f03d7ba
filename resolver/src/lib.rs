//! Chooses one release for every package that an app needs.
//!
//! The input is what the app asks for ([`Requirement`]), what its lock says ([`Locked`]) and an
//! [`Index`] that knows which releases exist and what they need. The output is a [`Resolution`], or a
//! [`Failure`] that explains in the user's words why there is none. Nothing here reads a file or opens
//! a connection: the index does, behind its trait, and may block while it does.
//!
//! # How
//! The search is `PubGrub`'s, over *compatibility buckets*: `1.x`, `0.3.x` and `0.0.7` of one package are
//! separate unknowns, and each holds at most one release. Two dependencies that exchange a resource must
//! share the instance that defines it, so within a bucket the whole app agrees on one release; across
//! buckets nothing can be shared anyway, so incompatible majors live side by side. A requirement that
//! reaches over several buckets (`>=1, <3`, `*`) becomes a small unknown of its own whose "versions"
//! are the buckets.
//!
//! A requirement means what the `semver` crate says it means, pre-releases included. That rule is part
//! of the sets the solver computes with, never a filter beside them, or learned facts would be wrong.
//!
//! # Which answer
//! The locked release if it fits, else the highest. A yanked release is taken only if it is locked or
//! asked for with `=`, and then a warning says so. Releases that differ in build metadata only are
//! one release to `semver`; the highest of them stands for all, unless the lock names another. The
//! answer depends on nothing else: not on the order of the requirements, nor on that of the index.

mod bucket;
mod explain;
mod facts;
mod failure;
mod known;
mod lane;
mod resolution;
mod set;
mod solver;
mod words;

use std::collections::BTreeMap;

use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

pub use failure::Failure;
pub use resolution::{Link, Path, Resolution, Resolved};

/// Where the solver learns which releases exist and what they need.
///
/// The methods may block on the network: run [`resolve`] on a thread of its own. The solver remembers every
/// answer, so each question is asked once, except that [`versions`](Self::versions) of a package may follow
/// a [`prefetch`](Self::prefetch) that named it.
pub trait Index {
    /// All releases of a package, in any order.
    fn versions(&self, package: &PackageRef) -> Versions;

    /// What one release needs. Asked only for versions that [`versions`](Self::versions) listed.
    fn release(&self, package: &PackageRef, version: &Version) -> Release;

    /// Called as soon as requirements become known, before any of them is asked about, so that an index
    /// can fetch them side by side. A requirement is announced once.
    fn prefetch(&self, _requirements: &[(PackageRef, VersionReq)]) {}
}

/// What an index knows about the releases of a package. Absence is an answer, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// The releases. Duplicates do no harm; a version is yanked if any of its entries says so.
    Found(Vec<Candidate>),
    /// The registry of this name does not have the package.
    NotFound(String),
    /// The network is off and the package is not in the local store.
    Offline,
    /// The registry does not answer; the text says why. This ends the resolution: an answer that
    /// depends on the state of the network would be a different one tomorrow.
    Unreachable(String),
    /// No registry is configured for the package's namespace.
    NoRegistry,
}

/// A release that could be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its version.
    pub version: Version,
    /// Whether its author took it back.
    pub yanked: bool,
    /// Why, where that was said. Text from outside.
    pub reason: Option<String>,
}

/// What an index knows about one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// It can be used, and needs these packages.
    Available(Vec<Edge>),
    /// It cannot be used.
    Unavailable(Reason),
}

/// A need of a release: a package, and which of its versions would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The package.
    pub package: PackageRef,
    /// The versions that would do.
    pub req: VersionReq,
}

/// Why a release that exists cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// It is an encoded WIT package: interfaces without an implementation.
    WitOnly,
    /// The network is off and the release is not in the local store.
    Offline,
    /// It is not a WebAssembly component; the text says what it is.
    NotComponent(String),
    /// The registry does not answer; the text says why. Ends the resolution, as
    /// [`Versions::Unreachable`] does.
    Unreachable(String),
    /// Anything else, in words that continue "the release cannot be used:".
    Other(String),
}

/// What the app asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The package.
    pub package: PackageRef,
    /// The versions that would do.
    pub req: VersionReq,
    /// Who asks, in the user's words, as it stands in a sentence: `component "api"`.
    pub origin: String,
}

/// The releases that the lock holds; each is kept while it fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locked {
    versions: BTreeMap<PackageRef, Vec<Version>>,
}

impl Locked {
    /// Adds a release.
    pub fn insert(&mut self, package: PackageRef, version: Version) {
        let versions = self.versions.entry(package).or_default();
        if !versions.contains(&version) {
            versions.push(version);
        }
    }

    /// Forgets all releases of a package, so that it may move.
    pub fn remove(&mut self, package: &PackageRef) {
        self.versions.remove(package);
    }

    /// The locked releases of a package.
    pub fn get(&self, package: &PackageRef) -> &[Version] {
        self.versions.get(package).map_or(&[], Vec::as_slice)
    }

    /// Whether this very release is locked, build metadata included.
    pub fn contains(&self, package: &PackageRef, version: &Version) -> bool {
        self.get(package).contains(version)
    }
}

impl FromIterator<(PackageRef, Version)> for Locked {
    fn from_iter<I: IntoIterator<Item = (PackageRef, Version)>>(releases: I) -> Self {
        let mut locked = Self::default();
        for (package, version) in releases {
            locked.insert(package, version);
        }
        locked
    }
}

/// Chooses a release for every requirement, and for every need of the releases chosen.
///
/// Blocks for as long as the index does.
pub fn resolve(
    requirements: &[Requirement],
    locked: &Locked,
    index: &dyn Index,
) -> Result<Resolution, Failure> {
    solver::solve(requirements, locked, index)
}
