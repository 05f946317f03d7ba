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
//! # Types
//! A release may match a requirement and still not export what its consumer imports. Only [`Index::check`] knows, and
//! asking it is dear, so it is asked about whole answers: what does not fit is taken out of the one need that it does
//! not fit, and the search runs again (see `types.rs`).
//!
//! # Which answer
//! The locked release if it fits, else the highest, or as [`Preference`] says. What is locked is decided first, so
//! that a new dependency goes by what is locked and not the other way round: of the packages that are known to be needed
//! at a time, a locked release is left only where it contradicts what the app asks for or a locked release decided before
//! it. A yanked release is taken only if it is locked or
//! asked for with `=`, and then a warning says so. Releases that differ in build metadata only are
//! one release to `semver`; the highest of them stands for all, unless the lock names another. The
//! answer depends on nothing else: not on the order of the requirements, nor on that of the index.

mod bucket;
mod explain;
mod facts;
mod failure;
mod known;
mod lane;
mod memory;
mod node;
mod places;
mod resolution;
mod set;
mod solver;
mod types;
mod words;

use std::collections::BTreeMap;

use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

pub use failure::{Change, Failure};
pub use resolution::{Link, Resolution, Resolved};

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

    /// Whether what the releases export has the types that those who need them import; an answer for each wire, in
    /// order. Asked of the wires of an answer that is otherwise found, all at once, so that an index can look at them
    /// side by side. Each wire is asked about once.
    fn check(&self, wires: &[Wire<'_>]) -> Vec<Fit> {
        vec![Fit::Fits; wires.len()]
    }
}

/// A need, and a release that would meet it as far as versions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire<'a> {
    /// Who needs it.
    pub consumer: Consumer<'a>,
    /// The versions that would do, as the consumer wrote them. Two majors of one package are two needs.
    pub req: &'a VersionReq,
    /// The package.
    pub package: &'a PackageRef,
    /// The release that would meet the need.
    pub version: &'a Version,
}

/// Who needs a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumer<'a> {
    /// The app: which of the requirements that [`resolve`] was called with.
    App(usize),
    /// A release.
    Release(&'a PackageRef, &'a Version),
}

/// Whether a release fits a need by its types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// It fits, as far as is known.
    Fits,
    /// It does not; here is why.
    Mismatch(Mismatch),
    /// It fits nobody: its content is not what its description says.
    Unusable(Reason),
}

/// Why what a release exports is not what its consumer imports.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mismatch {
    /// It exports nothing that could stand for the import.
    Missing {
        /// The import: `acme:hash/digest@1.2.0`.
        import: String,
    },
    /// A function or type is missing or another one.
    Differs {
        /// The import.
        import: String,
        /// "function", "type", "method".
        what: &'static str,
        /// The name of the function or type.
        item: String,
        /// Its declaration in WIT, as the consumer imports it.
        expected: String,
        /// The release's declaration; `None` if there is none of that name.
        found: Option<String>,
    },
    /// They differ in a way that WIT has no form for.
    Other {
        /// The import.
        import: String,
        /// The checker's words.
        detail: String,
    },
}

/// Which of several releases that would do is the better one, where none is locked. A pre-release counts like
/// any other version, but is taken only where a requirement admits it; a yanked release comes last in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Preference {
    /// The highest.
    #[default]
    Highest,
    /// The lowest, to find out whether one's requirements ask for enough.
    Lowest,
    /// The lowest of what the app itself requires, the highest of all else: in a bucket that only other releases
    /// ask for, the highest too.
    LowestDirect,
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
    preference: Preference,
    index: &dyn Index,
) -> Result<Resolution, Failure> {
    solver::solve(requirements, locked, preference, index)
}
