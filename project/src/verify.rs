//! `verify`: the locked app composed, started, and asked the requests that its manifest lists.

use std::time::{Duration, Instant};

use regex::Regex;
use serde::Serialize;
use spin_deps_host::{Request, Response, ask};
use spin_deps_manifest::{Expect, VerifyRequest};

use crate::{ComposedComponent, Error, Project, RunOptions, SyncOutcome};

/// The longest part of a body that a report shows, in characters.
const SHOWN_BODY: usize = 200;

/// What `verify` found.
#[derive(Debug)]
pub struct VerifyReport {
    /// What happened to the lockfile and the generated files.
    pub sync: SyncOutcome,
    /// The components that ran.
    pub composed: Vec<ComposedComponent>,
    /// From the composed components to the listening app. `None` for a component on its own, which is not started.
    pub started_in: Option<Duration>,
    /// The answers, in the order of the manifest.
    pub answers: Vec<Answer>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl VerifyReport {
    /// Whether every answer was as expected.
    pub fn passed(&self) -> bool {
        self.answers.iter().all(|answer| answer.mismatches.is_empty())
    }
}

/// One request and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// The method.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
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
    /// `status`, `header NAME`, `body` or `body_pattern`.
    pub of: String,
    /// What the manifest expects.
    pub expected: String,
    /// What was answered.
    pub actual: String,
}

impl Project {
    /// Brings everything up to date, starts the app on a free port and asks what the manifest lists.
    pub async fn verify(&mut self, options: &RunOptions) -> Result<VerifyReport, Error> {
        self.refuse_links_if_locked()?;
        if self.authored().is_some() {
            return self.verify_component().await;
        }
        // A pattern that is none should not wait for the app to start.
        let requests = self.manifest().application.deps.verify.clone();
        let expectations = requests.iter().map(|it| self.pattern(it)).collect::<Result<Vec<_>, _>>()?;
        let sync = self.prepare().await?;
        let unmet = self.unmet_requirements().await?;
        if !unmet.is_empty() {
            return Err(Error::Unmet(unmet));
        }
        let start = Instant::now();
        let running = self.start(options).await?;
        let started_in = start.elapsed();
        let mut answers = Vec::new();
        let mut failure = None;
        for (request, pattern) in requests.iter().zip(&expectations) {
            match self.answer(&running, request, pattern.as_ref()).await {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let (composed, mut warnings) = (running.composed.clone(), running.warnings.clone());
        running.shutdown().await;
        if let Some(failure) = failure {
            return Err(failure);
        }
        if requests.is_empty() {
            warnings.push(
                "the manifest lists no requests in [application.tool.deps.verify], so the app was started and not asked anything".into(),
            );
        }
        Ok(VerifyReport { sync, composed, started_in: Some(started_in), answers, warnings })
    }

    /// All that can be checked of a component on its own: that its lock fits, that what is locked is what was locked,
    /// and that the component fits what it was locked with.
    async fn verify_component(&mut self) -> Result<VerifyReport, Error> {
        let sync = self.prepare().await?;
        let warnings = self.check_world()?;
        let mut composed = Vec::new();
        for id in self.manifest().components.keys() {
            composed.push(self.compose_component(id, &[]).await?);
        }
        Ok(VerifyReport { sync, composed, started_in: None, answers: Vec::new(), warnings })
    }

    async fn answer(
        &self,
        running: &crate::Running,
        request: &VerifyRequest,
        pattern: Option<&Regex>,
    ) -> Result<Answer, Error> {
        let start = Instant::now();
        let response = ask(
            running.address(),
            &Request {
                method: request.method.clone(),
                path: request.path.clone(),
                headers: request.headers.clone(),
                body: request.body.clone().unwrap_or_default().into(),
            },
        )
        .await?;
        Ok(Answer {
            method: request.method.clone(),
            path: request.path.clone(),
            status: response.status,
            body: shown(&String::from_utf8_lossy(&response.body)),
            milliseconds: start.elapsed().as_secs_f64() * 1000.0,
            mismatches: mismatches(&request.expect, pattern, &response),
        })
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
fn shown(text: &str) -> String {
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
