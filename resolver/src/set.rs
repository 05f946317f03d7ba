//! Sets of versions that mean exactly what the `semver` crate means.
//!
//! `^1` admits `1.5.0` and rejects `2.0.0-alpha`, though `2.0.0-alpha` sorts before `2.0.0`; and it rejects
//! `1.5.0-alpha` as well, because a pre-release is admitted only where a comparator names a pre-release
//! of the same `major.minor.patch`. No interval over all versions says that. So a set has two lanes, one over
//! the releases and one over the pre-releases, and admission is an intersection in the second.
//!
//! Build metadata does not take part: `semver` ignores it when it matches. A version with it is looked up
//! as if it had none, and two versions that differ in nothing else are one point here.

use std::fmt;

use pubgrub::VersionSet as _;
use semver::{Comparator, Op, Prerelease};
use wasm_pkg_common::package::{Version, VersionReq};

use crate::lane::{Lane, Point};

/// `major.minor.patch`
pub(crate) type Triple = [u64; 3];

/// A pre-release: what it is a pre-release of, and its identifiers, which are never empty.
type Preview = (Triple, Prerelease);

impl Point for Triple {
    fn least() -> Self {
        [0; 3]
    }
}

impl Point for Preview {
    fn least() -> Self {
        first_preview([0; 3])
    }
}

pub(crate) fn next_patch([major, minor, patch]: Triple) -> Option<Triple> {
    match patch.checked_add(1) {
        Some(patch) => Some([major, minor, patch]),
        None => next_minor([major, minor, patch]),
    }
}

pub(crate) fn next_minor([major, minor, patch]: Triple) -> Option<Triple> {
    match minor.checked_add(1) {
        Some(minor) => Some([major, minor, 0]),
        None => next_major([major, minor, patch]),
    }
}

pub(crate) fn next_major([major, ..]: Triple) -> Option<Triple> {
    major.checked_add(1).map(|major| [major, 0, 0])
}

/// The first pre-release of a release: `0` sorts before every other identifier.
fn first_preview(triple: Triple) -> Preview {
    (triple, Prerelease::new("0").expect("`0` is a pre-release identifier"))
}

/// The pre-release that follows directly: one more identifier sorts later, and `0` is the first of them.
fn next_preview(triple: Triple, pre: &Prerelease) -> Preview {
    let next = Prerelease::new(&format!("{pre}.0")).expect("a pre-release may have one more identifier");
    (triple, next)
}

/// A set of versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct VersionSet {
    releases: Lane<Triple>,
    previews: Lane<Preview>,
}

impl VersionSet {
    /// The versions that a requirement matches.
    pub(crate) fn of(req: &VersionReq) -> Self {
        let mut set = Self { releases: Lane::full(), previews: Lane::full() };
        let mut admitted = Lane::empty();
        for comparator in &req.comparators {
            let parts = Parts::of(comparator);
            set = set.intersection(&parts.matching());
            if parts.pre.is_some() {
                let own = Lane::span(Some(first_preview(parts.lowest)), parts.after().map(first_preview));
                admitted = admitted.union(&own);
            }
        }
        set.previews = set.previews.intersection(&admitted);
        set
    }

    /// The releases from `from` up to, not including, `to`, with all their pre-releases.
    pub(crate) fn between(from: Triple, to: Option<Triple>) -> Self {
        Self {
            releases: Lane::span(Some(from), to),
            previews: Lane::span(Some(first_preview(from)), to.map(first_preview)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.releases.is_empty() && self.previews.is_empty()
    }

    /// The lowest `major.minor.patch` of the set, be it of a release or of a pre-release.
    pub(crate) fn first_triple(&self) -> Option<Triple> {
        let release = self.releases.first();
        let preview = self.previews.first().map(|(triple, _)| triple);
        release.into_iter().chain(preview).min().copied()
    }

    /// Whether the set would have the release that this pre-release leads to.
    pub(crate) fn contains_release_of(&self, version: &Version) -> bool {
        self.releases.contains(&[version.major, version.minor, version.patch])
    }

    pub(crate) fn contains(&self, version: &Version) -> bool {
        let triple = [version.major, version.minor, version.patch];
        if version.pre.is_empty() {
            self.releases.contains(&triple)
        } else {
            self.previews.contains(&(triple, version.pre.clone()))
        }
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        Self {
            releases: self.releases.intersection(&other.releases),
            previews: self.previews.intersection(&other.previews),
        }
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        Self {
            releases: self.releases.union(&other.releases),
            previews: self.previews.union(&other.previews),
        }
    }

    /// The set without one version, whatever its build metadata.
    pub(crate) fn without(&self, version: &Version) -> Self {
        self.intersection(&Self::singleton(version.clone()).complement())
    }

    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.releases.is_subset(&other.releases) && self.previews.is_subset(&other.previews)
    }
}

impl pubgrub::VersionSet for VersionSet {
    type V = Version;

    fn empty() -> Self {
        Self { releases: Lane::empty(), previews: Lane::empty() }
    }

    fn singleton(version: Version) -> Self {
        let triple = [version.major, version.minor, version.patch];
        if version.pre.is_empty() {
            Self { releases: Lane::span(Some(triple), next_patch(triple)), previews: Lane::empty() }
        } else {
            let next = next_preview(triple, &version.pre);
            Self { releases: Lane::empty(), previews: Lane::span(Some((triple, version.pre)), Some(next)) }
        }
    }

    fn complement(&self) -> Self {
        Self { releases: self.releases.complement(), previews: self.previews.complement() }
    }

    fn intersection(&self, other: &Self) -> Self {
        self.intersection(other)
    }

    fn contains(&self, version: &Version) -> bool {
        self.contains(version)
    }

    fn full() -> Self {
        Self { releases: Lane::full(), previews: Lane::full() }
    }

    fn union(&self, other: &Self) -> Self {
        self.union(other)
    }

    fn is_disjoint(&self, other: &Self) -> bool {
        self.releases.is_disjoint(&other.releases) && self.previews.is_disjoint(&other.previews)
    }

    fn subset_of(&self, other: &Self) -> bool {
        self.is_subset(other)
    }
}

/// For the solver's log only; messages name the requirement that a set comes from.
impl fmt::Display for VersionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for ([a, b, c], to) in self.releases.iter() {
            write!(f, "{between}>={a}.{b}.{c}")?;
            if let Some([a, b, c]) = to {
                write!(f, ", <{a}.{b}.{c}")?;
            }
            between = " | ";
        }
        for (([a, b, c], pre), to) in self.previews.iter() {
            write!(f, "{between}pre-releases >={a}.{b}.{c}-{pre}")?;
            if let Some(([a, b, c], pre)) = to {
                write!(f, ", <{a}.{b}.{c}-{pre}")?;
            }
            between = " | ";
        }
        if between.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}

/// A comparator taken apart.
struct Parts<'a> {
    op: Op,
    /// The numbers given, and zero for those that are not.
    lowest: Triple,
    minor: Option<u64>,
    patch: Option<u64>,
    pre: Option<&'a Prerelease>,
}

impl<'a> Parts<'a> {
    /// A number or pre-release behind a missing number cannot be written and is ignored.
    fn of(comparator: &'a Comparator) -> Self {
        let minor = comparator.minor;
        let patch = minor.and(comparator.patch);
        let pre = patch.and(Some(&comparator.pre)).filter(|pre| !pre.is_empty());
        let lowest = [comparator.major, minor.unwrap_or(0), patch.unwrap_or(0)];
        Self { op: comparator.op, lowest, minor, patch, pre }
    }

    /// The first triple behind those that agree with all the numbers given.
    fn after(&self) -> Option<Triple> {
        match (self.minor, self.patch) {
            (None, _) => next_major(self.lowest),
            (_, None) => next_minor(self.lowest),
            _ => next_patch(self.lowest),
        }
    }

    /// Where a caret stops: behind what is compatible with the numbers given.
    fn caret_end(&self) -> Option<Triple> {
        match (self.lowest, self.minor, self.patch) {
            (_, None, _) => next_major(self.lowest),
            ([0, 0, _], _, Some(_)) => next_patch(self.lowest),
            ([0, ..], _, _) => next_minor(self.lowest),
            _ => next_major(self.lowest),
        }
    }

    /// The versions that the comparator matches when nobody asks whether a pre-release is admitted.
    fn matching(&self) -> VersionSet {
        VersionSet { releases: self.releases(), previews: self.previews() }
    }

    fn releases(&self) -> Lane<Triple> {
        let zero = Some([0; 3]);
        let lowest = Some(self.lowest);
        match self.op {
            Op::Greater if self.pre.is_none() => Lane::span(self.after(), None),
            Op::Greater | Op::GreaterEq => Lane::span(lowest, None),
            Op::LessEq if self.pre.is_none() => Lane::span(zero, self.after()),
            Op::Less | Op::LessEq => Lane::span(zero, lowest),
            Op::Tilde if self.minor.is_some() => Lane::span(lowest, next_minor(self.lowest)),
            Op::Tilde => Lane::span(lowest, self.after()),
            Op::Caret => Lane::span(lowest, self.caret_end()),
            // `=` and the wildcard.
            _ if self.pre.is_some() => Lane::empty(),
            _ => Lane::span(lowest, self.after()),
        }
    }

    fn previews(&self) -> Lane<Preview> {
        let zero = Some(Preview::least());
        let after = self.after().map(first_preview);
        let before = Some(first_preview(self.lowest));
        let this = self.pre.map(|pre| (self.lowest, pre.clone()));
        let next = self.pre.map(|pre| next_preview(self.lowest, pre));
        match self.op {
            Op::Greater => Lane::span(next.or(after), None),
            Op::GreaterEq => Lane::span(this.or(after), None),
            Op::Less | Op::LessEq if self.patch.is_none() => Lane::span(zero, before),
            Op::Less => Lane::span(zero, this.or(after)),
            Op::LessEq => Lane::span(zero, next.or(after)),
            Op::Tilde if self.patch.is_none() => Lane::empty(),
            Op::Tilde => Lane::span(this.or(after), next_minor(self.lowest).map(first_preview)),
            Op::Caret if self.patch.is_none() => Lane::span(before, self.caret_end().map(first_preview)),
            Op::Caret => Lane::span(this.or(after), self.caret_end().map(first_preview)),
            _ if self.pre.is_some() => Lane::span(this, next),
            _ => Lane::empty(),
        }
    }
}

#[cfg(test)]
mod tests;
