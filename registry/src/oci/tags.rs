//! The releases among the tags of a repository.
//!
//! A tag is a version if it is semver; OCI tags cannot hold `+`, `_` stands in for it. Other tags (`latest`,
//! signatures) are not releases; `yanked-<tag of a version>` says that there is news about that version (see
//! [`yank`](super::yank)), and costs no request where it is not there.

use std::collections::BTreeSet;

use wasm_pkg_common::package::Version;

use super::auth::Action;
use super::connection::{Connection, Get};
use super::pages::{List, Names, PAGE_LIMIT, names};
use crate::error::Error;

/// The longest tag, by the distribution specification.
pub(super) const MAX_TAG: usize = 128;
const MAX_TAGS: usize = 100_000;
const MAX_PAGES: usize = 2_000;

/// What begins the tag of a marker; the tag of the version follows.
const MARKER: &str = "yanked-";

/// A release among the tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tagged {
    pub(crate) version: Version,
    /// Whether there is a marker that may say that it is yanked.
    pub(crate) marked: bool,
}

/// The versions among the repository's tags, ascending; `None` if the registry does not know the repository.
pub(crate) async fn versions(
    connection: &Connection,
    repository: &str,
) -> Result<Option<Vec<Tagged>>, Error> {
    let list = List {
        page: &|query| connection.url(repository, &format!("tags/list?{query}")),
        request: Get {
            repository,
            rest: "",
            accept: "application/json",
            action: Action::Pull,
            limit: PAGE_LIMIT,
            what: repository,
        },
        key: "tags",
        called: "a list of tags",
        absent: &[],
        most: MAX_TAGS,
        pages: MAX_PAGES,
    };
    match names(connection, &list).await? {
        None => Ok(None),
        Some(Names { names, cut: None }) => Ok(Some(parsed(&names))),
        // A package without its newest releases would be another one.
        Some(Names { cut: Some(reason), .. }) => Err(Error::BadAnswer {
            registry: connection.title().to_owned(),
            what: repository.to_owned(),
            reason,
        }),
    }
}

fn parsed(tags: &BTreeSet<String>) -> Vec<Tagged> {
    let versions: BTreeSet<Version> = tags.iter().filter_map(|tag| version_of(tag)).collect();
    let marked = |version: &Version| marker_of(version).is_some_and(|tag| tags.contains(&tag));
    versions.into_iter().map(|version| Tagged { marked: marked(&version), version }).collect()
}

/// The version that a tag names.
fn version_of(tag: &str) -> Option<Version> {
    match Version::parse(tag) {
        Ok(version) => Some(version),
        Err(_) => Version::parse(&tag.replacen('_', "+", 1)).ok(),
    }
}

/// The tag of a version; `None` if there is none, because it would be too long.
pub(crate) fn tag_of(version: &Version) -> Option<String> {
    let tag = version.to_string().replace('+', "_");
    (tag.len() <= MAX_TAG).then_some(tag)
}

/// The tag of a version's marker; `None` if there is none, because it would be too long.
pub(crate) fn marker_of(version: &Version) -> Option<String> {
    let tag = format!("{MARKER}{}", tag_of(version)?);
    (tag.len() <= MAX_TAG).then_some(tag)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_that_are_no_versions_are_no_releases() {
        assert_eq!(version_of("1.0.0_build.5").unwrap().to_string(), "1.0.0+build.5");
        assert_eq!(version_of("1.0.0-rc.1").unwrap().to_string(), "1.0.0-rc.1");
        for tag in ["latest", "v1.0.0", "1.0", "sha256-00.sig", "1.0.0_a_b", ""] {
            assert_eq!(version_of(tag), None, "{tag}");
        }
    }

    #[test]
    fn a_marker_is_no_version_and_tells_about_one() {
        let tags = ["1.0.0", "1.1.0_b", "yanked-1.1.0_b", "yanked-2.0.0", "yanked-"].map(str::to_owned);
        let found: Vec<_> =
            parsed(&tags.into()).into_iter().map(|it| (it.version.to_string(), it.marked)).collect();
        assert_eq!(found, [("1.0.0".to_owned(), false), ("1.1.0+b".to_owned(), true)]);
        let long = Version::parse(&format!("1.0.0-{}", "a".repeat(120))).unwrap();
        assert!(tag_of(&long).is_some() && marker_of(&long).is_none());
    }

    #[test]
    fn a_version_too_long_for_a_tag_has_none() {
        assert_eq!(tag_of(&Version::parse(&format!("1.0.0-{}", "a".repeat(200))).unwrap()), None);
    }

    proptest! {
        #[test]
        fn a_version_survives_the_way_through_its_tag(
            major in 0u64..100, minor in 0u64..100, patch: u64, pre in "(-[a-z][a-z0-9-]{0,8}(\\.[a-z]{1,4})?)?",
            build in "(\\+[a-z0-9-]{1,8}(\\.[0-9a-z]{1,4})?)?"
        ) {
            let version = Version::parse(&format!("{major}.{minor}.{patch}{pre}{build}")).unwrap();
            let tag = tag_of(&version).unwrap();
            prop_assert!(tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
            prop_assert_eq!(version_of(&tag).unwrap(), version);
        }
    }
}
