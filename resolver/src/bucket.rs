//! Compatibility buckets: the versions that may stand in for one another.

use std::fmt;

use semver::{Comparator, Op, Prerelease};
use wasm_pkg_common::package::{Version, VersionReq};

use crate::set::{Triple, VersionSet, next_major, next_minor, next_patch};

/// The versions that `semver` calls compatible with each other: those that agree up to the leftmost number
/// that is not zero. A pre-release belongs where its release will: `2.0.0-rc.1` to `2.x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Bucket {
    /// `0.0.7`
    Patch(u64),
    /// `0.3.x`
    Minor(u64),
    /// `1.x`
    Major(u64),
}

impl Bucket {
    /// The bucket that a version belongs to.
    pub(crate) fn of(version: &Version) -> Self {
        Self::of_triple([version.major, version.minor, version.patch])
    }

    fn of_triple(triple: Triple) -> Self {
        match triple {
            [0, 0, patch] => Self::Patch(patch),
            [0, minor, _] => Self::Minor(minor),
            [major, _, _] => Self::Major(major),
        }
    }

    /// The bucket that holds the whole set, if one does. An empty set is in none.
    pub(crate) fn around(set: &VersionSet) -> Option<Self> {
        let bucket = Self::of_triple(set.first_triple()?);
        set.is_subset(&bucket.set()).then_some(bucket)
    }

    /// All versions of the bucket.
    pub(crate) fn set(self) -> VersionSet {
        let floor = self.floor();
        let next = match self {
            Self::Patch(_) => next_patch(floor),
            Self::Minor(_) => next_minor(floor),
            Self::Major(_) => next_major(floor),
        };
        VersionSet::between(floor, next)
    }

    fn floor(self) -> Triple {
        match self {
            Self::Patch(patch) => [0, 0, patch],
            Self::Minor(minor) => [0, minor, 0],
            Self::Major(major) => [major, 0, 0],
        }
    }

    /// The requirement that all releases of the bucket meet, and no other.
    pub(crate) fn req(self) -> VersionReq {
        let [major, minor, patch] = self.floor();
        let minor = (!matches!(self, Self::Major(_))).then_some(minor);
        let patch = matches!(self, Self::Patch(_)).then_some(patch);
        let comparator = Comparator { op: Op::Caret, major, minor, patch, pre: Prerelease::EMPTY };
        VersionReq { comparators: vec![comparator] }
    }
}

/// `1.x`, `0.3.x`, `0.0.7`
impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Patch(patch) => write!(f, "0.0.{patch}"),
            Self::Minor(minor) => write!(f, "0.{minor}.x"),
            Self::Major(major) => write!(f, "{major}.x"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(req: &str) -> Option<Bucket> {
        Bucket::around(&VersionSet::of(&VersionReq::parse(req).unwrap()))
    }

    #[test]
    fn versions_fall_into_buckets() {
        let of = |text: &str| Bucket::of(&Version::parse(text).unwrap());
        assert_eq!(of("1.2.3"), Bucket::Major(1));
        assert_eq!(of("0.3.9"), Bucket::Minor(3));
        assert_eq!(of("0.0.7"), Bucket::Patch(7));
        assert_eq!(of("0.0.0"), Bucket::Patch(0));
        assert_eq!(of("2.0.0-rc.1"), Bucket::Major(2));
        assert_eq!(of("0.3.0-rc.1+build"), Bucket::Minor(3));
    }

    #[test]
    fn a_bucket_holds_its_versions_and_no_others() {
        let versions =
            ["0.0.0", "0.0.7-a", "0.0.7", "0.0.8", "0.3.0-rc.1", "0.3.9", "1.0.0-0", "1.9.9", "2.0.0"];
        for a in versions.map(|text| Version::parse(text).unwrap()) {
            for b in versions.map(|text| Version::parse(text).unwrap()) {
                assert_eq!(Bucket::of(&a).set().contains(&b), Bucket::of(&a) == Bucket::of(&b), "{a} {b}");
            }
        }
    }

    #[test]
    fn most_requirements_lie_in_one_bucket() {
        assert_eq!(around("^1.2"), Some(Bucket::Major(1)));
        assert_eq!(around("~0.3.1"), Some(Bucket::Minor(3)));
        assert_eq!(around("=0.0.7"), Some(Bucket::Patch(7)));
        assert_eq!(around("^2.0.0-rc.1"), Some(Bucket::Major(2)));
        assert_eq!(around(">=1.2, <1.9"), Some(Bucket::Major(1)));
        for spanning in ["*", ">=1", ">=1, <3", "<1", "^0", "0.0.*", "<=1.0.0"] {
            assert_eq!(around(spanning), None, "{spanning}");
        }
        assert_eq!(around(">2, <1"), None);
        assert_eq!(around(&format!("^{}", u64::MAX)), Some(Bucket::Major(u64::MAX)));
    }

    /// What is in a lower bucket is lower, pre-releases included.
    #[test]
    fn buckets_sort_as_their_versions() {
        let versions =
            ["0.0.0", "0.0.9", "0.1.0-a", "0.1.9", "0.2.0", "1.0.0-0", "1.9.9", "2.0.0-rc.1", "2.0.0"];
        assert!(versions.is_sorted_by_key(|text| Bucket::of(&Version::parse(text).unwrap())));
    }

    #[test]
    fn a_bucket_has_a_requirement_and_a_name() {
        for (bucket, name, req) in [
            (Bucket::Major(1), "1.x", "^1"),
            (Bucket::Minor(3), "0.3.x", "^0.3"),
            (Bucket::Patch(7), "0.0.7", "^0.0.7"),
        ] {
            assert_eq!((bucket.to_string(), bucket.req().to_string()), (name.to_owned(), req.to_owned()));
            assert_eq!(Bucket::around(&VersionSet::of(&bucket.req())), Some(bucket));
        }
    }
}
