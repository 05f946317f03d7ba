//! The unknowns of the search.

use std::fmt;

use wasm_pkg_common::package::PackageRef;

use crate::Reason;
use crate::bucket::Bucket;
use crate::known::Known;
use crate::places::Places;
use crate::words::obstacle;

/// What the solver finds a version for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    /// The app, at its only version.
    App,
    /// The release of a package in a bucket.
    Release(PackageRef, Bucket),
    /// The bucket that serves a need which no single bucket holds; it is at one of these places. Its versions are the
    /// buckets of the package, by number. Whoever needs one of the same releases shares it: what serves one serves all.
    Choice(PackageRef, Places),
}

impl Node {
    /// A need of one of these releases, in the solver's terms.
    pub(crate) fn needing(package: &PackageRef, known: &Known, places: Places) -> (Self, Places) {
        match known.bucket_around(&places) {
            Some(bucket) => (Self::Release(package.clone(), bucket), places),
            // There is nothing to choose, and whoever needs it cannot be chosen either.
            None if places.is_empty() => (Self::Choice(package.clone(), places.clone()), places),
            // A choice is made among all buckets; that only some of them serve is part of the choice.
            None => (Self::Choice(package.clone(), places), Places::full()),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App => f.write_str("the app"),
            Self::Release(package, _) | Self::Choice(package, _) => package.fmt(f),
        }
    }
}

/// Why a release that exists is out of the question.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Obstacle {
    /// The index says so.
    Unusable(Reason),
    /// It asks for another release of its own bucket; the text is the requirement.
    NeedsOther(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&obstacle("it", self))
    }
}
