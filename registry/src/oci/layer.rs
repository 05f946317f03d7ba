//! Downloading a layer into the store.
//!
//! How, tells [`download`](crate::download). What is the registry's own here: the authorization is renewed when it
//! ends on the way, storage that a blob is redirected to never sees it, and that a layer is gone is looked into: if
//! the version names another manifest now, that is what the user has to know.

use reqwest::Response;
use reqwest::header::HeaderMap;
use url::Url;
use wasm_pkg_common::digest::ContentDigest;

use super::auth::Action;
use super::connection::Connection;
use super::{OciSource, bad_answer, mismatch};
use crate::LAYER_LIMIT;
use crate::download::{Order, Origin, Setback, download};
use crate::error::Error;
use crate::http::{Failure, refusal};
use crate::retry::retry_after;
use crate::settings::Progress;
use crate::source::Content;

impl OciSource {
    pub(super) async fn download(&self, content: &Content, progress: &dyn Progress) -> Result<(), Error> {
        self.check_locked(content).await?;
        let what = content.title();
        if content.size > LAYER_LIMIT {
            return Err(Error::TooLarge { what, limit: LAYER_LIMIT });
        }
        let order = Order {
            what: &what,
            digest: Some(&content.digest),
            limit: if content.size == 0 { LAYER_LIMIT } else { content.size },
            size: (content.size > 0).then_some(content.size),
        };
        self.connection.online(&what)?;
        let repository = self.repository(&content.package);
        for mirror in self.mirrors_up() {
            let there = mirror.repository(&repository);
            match self.download_from(&mirror.connection, &there, content, order, progress).await {
                Err(error) if !matches!(error, Error::Io(_)) => mirror.passed_over(&what, &error),
                done => return done,
            }
        }
        match self.download_from(&self.connection, &repository, content, order, progress).await {
            Err(Error::NotFound { .. }) => Err(self.why_gone(content).await),
            done => done,
        }
    }

    async fn download_from(
        &self,
        connection: &Connection,
        repository: &str,
        content: &Content,
        order: Order<'_>,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let url = connection.url(repository, &format!("blobs/{}", content.digest))?;
        let blob = Blob { connection, repository, url, content };
        let _permit = connection.permit().await;
        download(&blob, order, &self.store, &connection.http().options().limits, progress).await.map(|_| ())
    }

    /// The registry has no such blob: because the tag moved, because the digest is not the release's, or just so.
    async fn why_gone(&self, content: &Content) -> Error {
        let gone = gone(&self.connection, content);
        let Some(manifest) = &content.manifest else {
            return gone;
        };
        match self.find_locked(&content.package, &content.version, manifest).await {
            Ok(Some(release)) if release.digest != content.digest => self.mismatch(
                format!("{} by its manifest", content.title()),
                content.digest.clone(),
                release.digest,
            ),
            Err(error @ Error::TagMoved { .. }) => error,
            _ => gone,
        }
    }
}

fn gone(connection: &Connection, content: &Content) -> Error {
    Error::NotFound {
        registry: connection.title().to_owned(),
        what: format!("content of {} ({})", content.title(), content.digest),
    }
}

/// A layer at a registry or at a mirror.
struct Blob<'a> {
    connection: &'a Connection,
    repository: &'a str,
    url: Url,
    content: &'a Content,
}

impl Origin for Blob<'_> {
    async fn open(&self, headers: HeaderMap) -> Result<Response, Setback> {
        let (connection, what) = (self.connection, self.content.title());
        let http = connection.http();
        let mut budget = http.budget();
        let mut turn = connection.auth().turn(self.repository, Action::Pull);
        loop {
            let authorization = turn.authorization(http, &mut budget).await.map_err(Setback::Unanswered)?;
            let opened = http.open(&self.url, authorization.as_ref(), headers.clone()).await;
            let response = opened.map_err(|failure| match failure {
                failure @ Failure::Broken(_) => Setback::passing(self.failed(failure), None),
                failure @ Failure::Unreachable(_) => Setback::Unanswered(self.failed(failure)),
                failure => Setback::Final(self.failed(failure)),
            })?;
            if matches!(response.status().as_u16(), 200 | 206 | 416) {
                return Ok(response);
            }
            let reading = budget.run(refusal(response)).await;
            let answer = reading.map_err(|slow| Setback::Final(self.failed(Failure::Unreachable(slow))))?;
            if answer.status.as_u16() == 401 {
                turn.refused(authorization, &answer.headers, &what).await.map_err(Setback::Final)?;
                continue;
            }
            return Err(match connection.judge(&answer, &what) {
                Ok(_) => Setback::Final(gone(connection, self.content)),
                Err(error @ Error::Busy { .. }) => Setback::passing(error, retry_after(&answer.headers)),
                Err(error) => Setback::Final(error),
            });
        }
    }

    fn failed(&self, failure: Failure) -> Error {
        self.connection.failed(failure, &self.content.title())
    }

    fn mismatch(&self, expected: ContentDigest, actual: ContentDigest) -> Error {
        mismatch(self.connection, self.content.title(), expected, actual)
    }

    fn bad_answer(&self, reason: &str) -> Error {
        bad_answer(self.connection, &self.content.title(), reason)
    }
}
