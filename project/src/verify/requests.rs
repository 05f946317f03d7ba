//! The requests that the manifest lists, asked of the running app, and what their answers should have been.

use std::time::Instant;

use regex::Regex;
use serde::Serialize;
use spin_deps_host::{HostError, Request, Response, ask};
use spin_deps_manifest::{Expect, VerifyRequest};

use crate::{Error, Project, Running};

/// The longest part of a body that a report shows, in characters.
const SHOWN_BODY: usize = 200;

/// One request and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// The method.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// The status of the answer; `None` if there was none.
    pub status: Option<u16>,
    /// The beginning of the body, as text.
    pub body: String,
    /// Milliseconds from the request to the whole answer.
    pub milliseconds: f64,
    /// In which respects it is not as expected.
    pub mismatches: Vec<Mismatch>,
}

/// One respect in which an answer is not as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// `status`, `header NAME`, `body` or `body_pattern`; `answer` where there was none.
    pub of: String,
    /// What the manifest expects.
    pub expected: String,
    /// What was answered.
    pub actual: String,
}

impl Answer {
    /// Whether it is as expected.
    pub fn is_expected(&self) -> bool {
        self.mismatches.is_empty()
    }
}

/// A request with what its answer should be, ready to be asked.
pub(super) struct Prepared<'a> {
    pub(super) written: &'a VerifyRequest,
    pattern: Option<Regex>,
}

impl Project {
    /// What the manifest lists.
    pub(super) fn verify_requests(&self) -> Result<Vec<Prepared<'_>>, Error> {
        let requests = &self.manifest().application.deps.verify;
        requests.iter().map(|written| Ok(Prepared { written, pattern: self.pattern(written)? })).collect()
    }

    fn pattern(&self, request: &VerifyRequest) -> Result<Option<Regex>, Error> {
        let Some(pattern) = &request.expect.body_pattern else {
            return Ok(None);
        };
        Regex::new(pattern).map(Some).map_err(|error| Error::Place {
            excerpt: Box::new(self.excerpt()),
            span: request.span.clone(),
            label: "in this request".into(),
            message: format!("the body_pattern `{pattern}` is not a regular expression"),
            hint: Some(error.to_string().lines().last().unwrap_or_default().to_owned()),
        })
    }
}

impl Prepared<'_> {
    /// Sends it.
    pub(super) async fn ask(&self, running: &Running) -> Result<Response, HostError> {
        let VerifyRequest { method, path, headers, body, .. } = self.written;
        let body = body.clone().unwrap_or_default().into();
        ask(
            running.address(),
            &Request { method: method.clone(), path: path.clone(), headers: headers.clone(), body },
        )
        .await
    }

    /// Sends it and compares the answer. No answer is one that was not expected.
    pub(super) async fn answer(&self, running: &Running) -> Answer {
        let start = Instant::now();
        let asked = self.ask(running).await;
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        let (status, body, mismatches) = match asked {
            Ok(response) => {
                let body = shown(&String::from_utf8_lossy(&response.body));
                let mismatches = mismatches(&self.written.expect, self.pattern.as_ref(), &response);
                (Some(response.status), body, mismatches)
            }
            Err(error) => {
                let mismatch =
                    Mismatch { of: "answer".into(), expected: "an answer".into(), actual: error.to_string() };
                (None, String::new(), vec![mismatch])
            }
        };
        let VerifyRequest { method, path, .. } = self.written;
        Answer { method: method.clone(), path: path.clone(), status, body, milliseconds, mismatches }
    }
}

fn mismatches(expect: &Expect, pattern: Option<&Regex>, response: &Response) -> Vec<Mismatch> {
    let mut found = Vec::new();
    if expect.status != response.status {
        found.push(Mismatch {
            of: "status".into(),
            expected: expect.status.to_string(),
            actual: response.status.to_string(),
        });
    }
    for (name, value) in &expect.headers {
        let actual: Vec<&str> = response
            .headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        if !actual.contains(&value.as_str()) {
            let actual = if actual.is_empty() { "no such header".into() } else { actual.join(", ") };
            found.push(Mismatch { of: format!("header {name}"), expected: value.clone(), actual });
        }
    }
    let body = String::from_utf8_lossy(&response.body);
    if let Some(expected) = &expect.body
        && *expected != body
    {
        found.push(Mismatch { of: "body".into(), expected: shown(expected), actual: shown(&body) });
    }
    if let Some(pattern) = pattern
        && !pattern.is_match(&body)
    {
        found.push(Mismatch {
            of: "body_pattern".into(),
            expected: pattern.to_string(),
            actual: shown(&body),
        });
    }
    found
}

/// The beginning of a text.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_BODY) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: vec![("content-type".into(), "text/plain".into())],
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn every_respect_is_compared() {
        let expect = Expect {
            status: 200,
            headers: vec![("Content-Type".into(), "text/plain".into()), ("x-other".into(), "1".into())],
            body: Some("Hello".into()),
            body_pattern: None,
        };
        assert_eq!(mismatches(&expect, None, &response(200, "Hello")).len(), 1, "the header that is missing");
        let found = mismatches(&expect, Some(&Regex::new("^H").unwrap()), &response(404, "Gone"));
        let of: Vec<_> = found.iter().map(|it| it.of.as_str()).collect();
        assert_eq!(of, ["status", "header x-other", "body", "body_pattern"]);
    }
}
