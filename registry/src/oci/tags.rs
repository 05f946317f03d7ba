//! All tags of a repository, in the fewest requests.
//!
//! A page of 1,000 is asked for. Where there are more, the standard wants a `Link` header with the way to the next
//! page; its query is followed (only the query: some registries behind proxies name the wrong host or scheme, and a
//! page is never fetched from another one). Registries that know no pages send everything and no `Link`, and are not
//! asked again. Between the two are those that cut the list at a cap of their own, a multiple of 100, without saying
//! so: a page of such a length, from a registry that has sent no `Link` so far, is followed by a question for what
//! comes after its last tag. A page with nothing new is the last.
//!
//! A tag is a version if it is semver; OCI tags cannot hold `+`, `_` stands in for it. Other tags (`latest`,
//! signatures) are not releases; `yanked-<tag of a version>` says that there is news about that version (see
//! [`yank`](super::yank)), and costs no request where it is not there.

use std::collections::BTreeSet;

use reqwest::header::{HeaderMap, LINK};
use serde::Deserialize;
use wasm_pkg_common::package::Version;

use super::auth::Action;
use super::connection::{Connection, Get};
use crate::error::Error;

const PAGE: usize = 1_000;
/// The longest tag, by the distribution specification.
const MAX_TAG: usize = 128;
/// Caps of registries that do not tell are multiples of this.
const CAP: usize = 100;
const MAX_TAGS: usize = 100_000;
const MAX_PAGES: usize = 2_000;
const PAGE_LIMIT: u64 = 16 << 20;

#[derive(Deserialize)]
struct Page {
    tags: Option<Vec<String>>,
}

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
    let mut seen = BTreeSet::new();
    let mut query = format!("n={PAGE}");
    let mut links = false;
    for _ in 0..MAX_PAGES {
        let rest = format!("tags/list?{query}");
        let request = Get {
            repository,
            rest: &rest,
            accept: "application/json",
            action: Action::Pull,
            limit: PAGE_LIMIT,
            what: repository,
        };
        let Some(answer) = connection.get(&request).await? else {
            if seen.is_empty() {
                return Ok(None);
            }
            // To a question that it did not ask for, a registry may answer as it likes.
            if !links {
                return Ok(Some(parsed(&seen)));
            }
            return Err(Error::BadAnswer {
                registry: connection.title().to_owned(),
                what: repository.to_owned(),
                reason: "a page of its list of tags is missing".to_owned(),
            });
        };
        let page: Page = answer.json("a list of tags").map_err(|reason| Error::BadAnswer {
            registry: connection.title().to_owned(),
            what: repository.to_owned(),
            reason,
        })?;
        let tags = page.tags.unwrap_or_default();
        let (count, last) = (tags.len(), tags.last().cloned());
        let before = seen.len();
        seen.extend(tags);
        if seen.len() > MAX_TAGS {
            return Err(Error::BadAnswer {
                registry: connection.title().to_owned(),
                what: repository.to_owned(),
                reason: format!("it lists more than {MAX_TAGS} tags"),
            });
        }
        query = match (next(connection, repository, &answer.headers), last) {
            _ if seen.len() == before => return Ok(Some(parsed(&seen))),
            (Some(next), _) => {
                links = true;
                next
            }
            (None, Some(last)) if !links && count.is_multiple_of(CAP) => {
                let last: String = url::form_urlencoded::byte_serialize(last.as_bytes()).collect();
                format!("n={PAGE}&last={last}")
            }
            _ => return Ok(Some(parsed(&seen))),
        };
    }
    Err(Error::BadAnswer {
        registry: connection.title().to_owned(),
        what: repository.to_owned(),
        reason: "its list of tags has too many pages".to_owned(),
    })
}

/// The query of the next page, by the `Link` header.
fn next(connection: &Connection, repository: &str, headers: &HeaderMap) -> Option<String> {
    let target = next_target(headers)?;
    let url = connection.url(repository, "tags/list").ok()?.join(&target).ok()?;
    url.query().map(str::to_owned)
}

/// The target of the link with `rel="next"` ([RFC 8288](https://www.rfc-editor.org/rfc/rfc8288)).
fn next_target(headers: &HeaderMap) -> Option<String> {
    for value in headers.get_all(LINK) {
        let mut rest = value.to_str().ok()?;
        while let Some((_, after)) = rest.split_once('<') {
            let (target, after) = after.split_once('>')?;
            let parameters = after.split(',').next().unwrap_or_default();
            let is_next = parameters.split(';').any(|parameter| {
                let (name, value) = parameter.split_once('=').unwrap_or_default();
                name.trim().eq_ignore_ascii_case("rel")
                    && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
            });
            if is_next {
                return Some(target.to_owned());
            }
            rest = after;
        }
    }
    None
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
    use reqwest::header::HeaderValue;

    use super::*;

    fn target(link: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(LINK, HeaderValue::from_static(link));
        next_target(&headers)
    }

    #[test]
    fn the_next_link_is_found_among_others() {
        assert_eq!(
            target("</v2/a/b/tags/list?last=1&n=2>; rel=\"next\"").unwrap(),
            "/v2/a/b/tags/list?last=1&n=2"
        );
        assert_eq!(target("<x>; rel=prev, <y?a,b>; title=t; REL=Next").unwrap(), "y?a,b");
        assert_eq!(target("<x>; rel=prev"), None);
        assert_eq!(target("<x"), None);
    }

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
