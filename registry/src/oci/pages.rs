//! A list of names that comes in pages, in the fewest requests: the tags of a repository, the repositories of a registry.
//!
//! A page of 1,000 is asked for. Where there are more, the standard wants a `Link` header with the way to the next
//! page; its query is followed (only the query: some registries behind proxies name the wrong host or scheme, and a
//! page is never fetched from another one). Registries that know no pages send everything and no `Link`, and are not
//! asked again. Between the two are those that cut the list at a cap of their own, a multiple of 100, without saying
//! so: a page of such a length, from a registry that has sent no `Link` so far, is followed by a question for what
//! comes after its last name. A page with nothing new is the last.

use std::collections::BTreeSet;

use reqwest::header::{HeaderMap, LINK};
use serde_json::Value;
use url::Url;

use super::connection::{Connection, Get};
use crate::error::Error;

const PAGE: usize = 1_000;
/// Caps of registries that do not tell are multiples of this.
const CAP: usize = 100;
/// The largest page, in bytes.
pub(super) const PAGE_LIMIT: u64 = 16 << 20;

/// A list to read.
pub(super) struct List<'a> {
    /// The URL of the page with this query.
    pub(super) page: &'a (dyn Fn(&str) -> Result<Url, Error> + Sync),
    /// How each page is asked for.
    pub(super) request: Get<'a>,
    /// Under which key a page has its names.
    pub(super) key: &'a str,
    /// What a page is called, in messages.
    pub(super) called: &'a str,
    /// Statuses that say, as 404 does, that there is no such list.
    pub(super) absent: &'a [u16],
    /// More names than this are not read.
    pub(super) most: usize,
    /// More pages than this are not asked for.
    pub(super) pages: usize,
}

/// What was read of a list.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) names: BTreeSet<String>,
    /// Why these are not all, if they are not.
    pub(super) cut: Option<String>,
}

/// Reads the list; `None` if the registry has none.
pub(super) async fn names(connection: &Connection, list: &List<'_>) -> Result<Option<Names>, Error> {
    let mut names = BTreeSet::new();
    let mut query = format!("n={PAGE}");
    let mut links = false;
    for _ in 0..list.pages {
        let answer = connection.ask(&(list.page)(&query)?, &list.request).await?;
        let absent = list.absent.contains(&answer.status.as_u16());
        if absent || !connection.judge(&answer, list.request.what)? {
            if names.is_empty() {
                return Ok(None);
            }
            // To a question that it did not ask for, a registry may answer as it likes.
            let cut =
                links.then(|| format!("a page of {} is missing", list.called.replacen("a ", "its ", 1)));
            return Ok(Some(Names { names, cut }));
        }
        let bad = |reason| Error::BadAnswer {
            registry: connection.title().to_owned(),
            what: list.request.what.to_owned(),
            reason,
        };
        let page: Value = answer.json(list.called).map_err(bad)?;
        let page = named(page, list.key).ok_or_else(|| bad(format!("it is not {}", list.called)))?;
        let (count, end) = (page.len(), page.last().cloned());
        let before = names.len();
        names.extend(page);
        if names.len() > list.most {
            let cut = Some(format!("it lists more than {} {}", list.most, list.key));
            return Ok(Some(Names { names, cut }));
        }
        query = match (next(list, &answer.headers), end) {
            _ if names.len() == before => return Ok(Some(Names { names, cut: None })),
            (Some(next), _) => {
                links = true;
                next
            }
            (None, Some(end)) if !links && count.is_multiple_of(CAP) => {
                let end: String = url::form_urlencoded::byte_serialize(end.as_bytes()).collect();
                format!("n={PAGE}&last={end}")
            }
            _ => return Ok(Some(Names { names, cut: None })),
        };
    }
    let cut = Some(format!("{} has too many pages", list.called.replacen("a ", "its ", 1)));
    Ok(Some(Names { names, cut }))
}

/// The names under a key of a page; `null` stands for none.
fn named(mut page: Value, key: &str) -> Option<Vec<String>> {
    match page.as_object_mut()?.remove(key) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(names) => serde_json::from_value(names).ok(),
    }
}

/// The query of the next page, by the `Link` header.
fn next(list: &List<'_>, headers: &HeaderMap) -> Option<String> {
    let target = next_target(headers)?;
    let mut base = (list.page)("").ok()?;
    base.set_query(None);
    base.join(&target).ok()?.query().map(str::to_owned)
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

#[cfg(test)]
mod tests {
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
}
