//! Compatibility buckets: the versions that may stand in for one another.

use wasm_pkg_common::package::Version;

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

    /// The version that stands for the bucket where the solver chooses between buckets. Buckets sort as
    /// these versions do.
    pub(crate) fn mark(self) -> Version {
        let [major, minor, patch] = self.floor();
        Version::new(major, minor, patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_pkg_common::package::VersionReq;

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

    #[test]
    fn buckets_sort_as_their_marks() {
        let mut buckets =
            [Bucket::Major(1), Bucket::Patch(9), Bucket::Minor(2), Bucket::Patch(0), Bucket::Minor(1)];
        buckets.sort();
        assert!(buckets.is_sorted_by_key(|bucket| bucket.mark()));
    }
}
