//! Whether requests leave something behind in an instance that others find.
//!
//! An instance of a `wasi:http/handler@0.3` component answers many requests, of different users. What it keeps in
//! its memory between them is a cache at best. So the app is started twice more: once with a fresh instance for every
//! request, and once with one instance for all of them. Each listed request is asked twice in both:
//!
//! - Where the fresh answers differ, the answer has the time or chance in it, and nothing can be said.
//! - Where an instance that had answered before gives another answer than fresh ones, it remembers.
//!
//! That an answer came from such an instance is not taken on trust: the host counts the instances that it makes.

use serde::Serialize;
use spin_deps_host::{HostError, Response};
use spin_deps_manifest::InstanceReuse;

use super::{
    requests::{Mismatch, Prepared, shown},
    steps::Done,
};
use crate::{Output, RunOptions, Running};

/// How often a request is asked until an instance answers it that had answered before. The one that has may still be
/// ending what it did.
const ATTEMPTS: usize = 8;

/// Headers that say when an answer was made.
const OF_TIME: [&str; 4] = ["age", "date", "expires", "last-modified"];

/// What a request leaves behind.
#[derive(Clone, Debug, Serialize)]
pub struct Reused {
    /// The method.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// What was found.
    pub verdict: Leak,
    /// In which respects the answer of an instance that had answered before differs from that of a fresh one, which is
    /// the expected one here; or two fresh ones differ from each other.
    pub differences: Vec<Mismatch>,
}

/// Whether a request finds what another left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leak {
    /// The answers are the same.
    None,
    /// They differ.
    Found,
    /// Fresh instances give different answers already.
    NotComparable,
    /// Its instances answer one request each: those of `wasi:http` 0.2, or no component answers it at all.
    NotApplicable,
    /// No instance answered a second time, for example because it trapped.
    NotReused,
}

/// How the app is run so that every request has an instance of its own.
pub(super) fn fresh(options: &RunOptions) -> RunOptions {
    silent(options, InstanceReuse::none())
}

/// How the app is run so that one instance answers all requests.
pub(super) fn reused(options: &RunOptions) -> RunOptions {
    let long = std::time::Duration::from_hours(1);
    let reuse = InstanceReuse {
        requests: Some(usize::MAX..=usize::MAX),
        concurrent: Some(1..=1),
        idle: Some(long..=long),
    };
    silent(options, reuse)
}

/// What guests say they have said before, when the requests were asked for their own sake; and what they keep in stores
/// and databases then is theirs no more.
fn silent(options: &RunOptions, reuse: InstanceReuse) -> RunOptions {
    RunOptions { listen: None, state: None, output: Output::new(|_| {}), reuse, ..options.clone() }
}

/// Asks everything in fresh instances and in one that is reused, and compares.
pub(super) async fn compare(
    fresh: &Running,
    reused: &Running,
    requests: &[Prepared<'_>],
) -> Done<Vec<Reused>> {
    let mut found = Vec::new();
    for request in requests {
        let (verdict, differences) = compare_one(fresh, reused, request).await;
        let (method, path) = (request.written.method.clone(), request.written.path.clone());
        found.push(Reused { method, path, verdict, differences });
    }
    let count = |verdict| found.iter().filter(|it| it.verdict == verdict).count();
    let (same, leaks, not_comparable) = (count(Leak::None), count(Leak::Found), count(Leak::NotComparable));
    let mut parts = vec![match (leaks, found.len()) {
        (0, _) => format!("{same} answered the same by an instance that had answered before"),
        (leaks, all) => format!("{leaks} of {all} answered with what another request left behind"),
    }];
    if not_comparable > 0 {
        parts.push(format!("{not_comparable} not comparable"));
    }
    if count(Leak::NotReused) > 0 {
        parts.push(format!("{} never answered by such an instance", count(Leak::NotReused)));
    }
    if found.iter().all(|it| it.verdict == Leak::NotApplicable) {
        return Done::Skipped("no instance of the app answers more than one request".into());
    }
    if leaks > 0 { Done::Found(found, parts.join(", ")) } else { Done::Passed(found, parts.join(", ")) }
}

async fn compare_one(fresh: &Running, reused: &Running, request: &Prepared<'_>) -> (Leak, Vec<Mismatch>) {
    let before = fresh.instances();
    let (first, second) = (request.ask(fresh).await, request.ask(fresh).await);
    let after = fresh.instances();
    let is_reusable = after
        .iter()
        .any(|(id, now)| now.reusable && before.get(id).is_none_or(|before| before.made < now.made));
    if !is_reusable {
        return (Leak::NotApplicable, Vec::new());
    }
    let differences = differences(&first, &second);
    if !differences.is_empty() {
        return (Leak::NotComparable, differences);
    }
    let mut verdict = Leak::NotReused;
    for attempt in 0..ATTEMPTS {
        let before = made(reused);
        let answer = request.ask(reused).await;
        if made(reused) > before {
            continue;
        }
        verdict = Leak::None;
        let differences = self::differences(&first, &answer);
        if !differences.is_empty() {
            return (Leak::Found, differences);
        }
        if attempt > 0 {
            break;
        }
    }
    (verdict, Vec::new())
}

/// How many instances there have been that can answer several requests.
fn made(running: &Running) -> usize {
    running.instances().values().filter(|it| it.reusable).map(|it| it.made).sum()
}

type Asked = Result<Response, HostError>;

/// In which respects two answers to the same request differ.
fn differences(one: &Asked, other: &Asked) -> Vec<Mismatch> {
    let differ = |of: &str, expected: String, actual: String| Mismatch { of: of.into(), expected, actual };
    let (one, other) = match (one, other) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(_), Err(_)) => return Vec::new(),
        (one, other) => {
            let in_words = |asked: &Asked| match asked {
                Ok(response) => response.status.to_string(),
                Err(error) => error.to_string(),
            };
            return vec![differ("answer", in_words(one), in_words(other))];
        }
    };
    let mut found = Vec::new();
    if one.status != other.status {
        found.push(differ("status", one.status.to_string(), other.status.to_string()));
    }
    let names = one.headers.iter().chain(&other.headers).map(|(name, _)| name.as_str());
    let names: std::collections::BTreeSet<_> = names.filter(|name| !OF_TIME.contains(name)).collect();
    for name in names {
        let values = |response: &Response| {
            let values = response.headers.iter().filter(|(key, _)| key == name);
            values.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
        };
        let (one, other) = (values(one), values(other));
        if one != other {
            found.push(differ(&format!("header {name}"), shown(&one), shown(&other)));
        }
    }
    if one.body != other.body {
        let text = |response: &Response| shown(&String::from_utf8_lossy(&response.body));
        found.push(differ("body", text(one), text(other)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Response { status, headers, body: body.to_owned().into() }
    }

    #[test]
    fn answers_are_the_same_whenever_they_were_made() {
        let one = response(200, &[("date", "now"), ("x-a", "1")], "Hello");
        let other = response(200, &[("date", "then"), ("x-a", "1")], "Hello");
        assert_eq!(differences(&Ok(one), &Ok(other)), []);
    }

    #[test]
    fn every_respect_is_compared() {
        let one = Ok(response(200, &[("x-a", "1"), ("x-a", "2"), ("x-b", "3")], "Hello"));
        let other = Ok(response(500, &[("x-a", "1"), ("x-c", "4")], "Bye"));
        let of: Vec<_> = differences(&one, &other).into_iter().map(|it| it.of).collect();
        assert_eq!(of, ["status", "header x-a", "header x-b", "header x-c", "body"]);
        let none =
            || Err(HostError::BadRequest { method: "GET".into(), path: "/".into(), reason: "no".into() });
        assert_eq!(differences(&one, &none())[0].expected, "200");
        assert_eq!(differences(&none(), &none()), []);
    }
}
