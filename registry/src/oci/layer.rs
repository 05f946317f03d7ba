//! Downloading a layer into the store.
//!
//! The bytes are streamed by `oci-client` and hashed on the way into the store, which shows them only if the digest is
//! right. A connection that breaks is tried again from the start; a token that ended is renewed once. That a layer is
//! gone is looked into: if the version names another manifest now, that is what the user has to know.

use futures::StreamExt as _;
use oci_client::Reference;
use oci_client::errors::{DigestError, OciDistributionError, OciErrorCode};
use reqwest::header::HeaderMap;
use wasm_pkg_common::digest::ContentDigest;

use super::OciSource;
use super::auth::Action;
use crate::LAYER_LIMIT;
use crate::credentials::Authorization;
use crate::error::Error;
use crate::http::{ATTEMPTS, Failure, backoff, failure};
use crate::settings::Progress;
use crate::source::Content;
use crate::text::printable;

impl OciSource {
    pub(super) async fn download(&self, content: &Content, progress: &dyn Progress) -> Result<(), Error> {
        self.check_locked(content).await?;
        let mut made = 0;
        let mut renewed = false;
        loop {
            made += 1;
            match self.download_once(content, progress).await {
                Ok(()) => return Ok(()),
                Err(Setback::Broken(_)) if made < ATTEMPTS => {
                    tracing::debug!(what = content.title(), "the download broke; trying again");
                    tokio::time::sleep(backoff(made)).await;
                }
                Err(Setback::Refused(used)) => {
                    if renewed || !self.connection.auth().refused(used.as_ref(), &HeaderMap::new()).await {
                        return Err(self
                            .connection
                            .auth()
                            .unauthorized(used.as_ref(), &content.title())
                            .await);
                    }
                    renewed = true;
                }
                Err(Setback::Gone) => return Err(self.why_gone(content).await),
                Err(Setback::Broken(error) | Setback::Failed(error)) => return Err(error),
            }
        }
    }

    async fn download_once(&self, content: &Content, progress: &dyn Progress) -> Result<(), Setback> {
        let what = content.title();
        let limit = if content.size == 0 { LAYER_LIMIT } else { content.size.min(LAYER_LIMIT) };
        if content.size > LAYER_LIMIT {
            return Err(Setback::Failed(Error::TooLarge { what, limit }));
        }
        self.connection.online(&what).map_err(Setback::Failed)?;
        let digest = content.digest.to_string();
        let reference = Reference::with_digest(
            self.connection.host().to_owned(),
            self.repository(&content.package),
            digest.clone(),
        );
        let (client, used) =
            self.connection.client(&reference, Action::Pull, false).await.map_err(Setback::Failed)?;
        let _permit = self.connection.permit().await;
        let mut stream = client
            .pull_blob_stream(&reference, digest.as_str())
            .await
            .map_err(|error| self.setback(error, used, &what))?;
        let total = stream.content_length.or((content.size > 0).then_some(content.size));
        let mut task = progress.begin(&what, total);
        let mut writer = self.store.writer(Some(&content.digest), limit);
        let stored = |error| Setback::Failed(self.of_store(error, &what));
        while let Some(chunk) = stream.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => return Err(self.broken(&error, &content.digest, &what)),
            };
            writer.write(&chunk).await.map_err(stored)?;
            task.advance(chunk.len() as u64);
        }
        writer.commit().await.map_err(stored)?;
        Ok(())
    }

    /// An error of the stream: the connection's, or the digest's, which `oci-client` checks at the end.
    fn broken(&self, error: &std::io::Error, expected: &ContentDigest, what: &str) -> Setback {
        let inner = error.get_ref();
        if let Some(DigestError::VerificationError { actual, .. }) =
            inner.and_then(|inner| inner.downcast_ref())
        {
            return Setback::Failed(match actual.parse::<ContentDigest>() {
                Ok(actual) if actual != *expected => self.mismatch(what.to_owned(), expected.clone(), actual),
                _ => self.bad_answer(what, "its digest header contradicts its bytes"),
            });
        }
        let failure = match inner.and_then(|inner| inner.downcast_ref::<reqwest::Error>()) {
            Some(error) => failure(error),
            None => Failure::Broken(printable(&error.to_string(), 200)),
        };
        self.after(failure, what)
    }

    fn after(&self, failure: Failure, what: &str) -> Setback {
        let is_broken = matches!(failure, Failure::Broken(_));
        let error = self.connection.failed(failure, what);
        if is_broken { Setback::Broken(error) } else { Setback::Failed(error) }
    }

    fn setback(&self, error: OciDistributionError, used: Option<Authorization>, what: &str) -> Setback {
        match error {
            OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::ServerError { code: 401, .. } => Setback::Refused(used),
            OciDistributionError::ServerError { code: 404, .. } => Setback::Gone,
            OciDistributionError::RegistryError { envelope, .. }
                if envelope.errors.iter().any(|error| {
                    matches!(
                        error.code,
                        OciErrorCode::BlobUnknown | OciErrorCode::NameUnknown | OciErrorCode::ManifestUnknown
                    )
                }) =>
            {
                Setback::Gone
            }
            OciDistributionError::RequestError(error) => self.after(failure(&error), what),
            error => match self.of_client(error, what) {
                error @ Error::Busy { .. } => Setback::Broken(error),
                error => Setback::Failed(error),
            },
        }
    }

    /// The registry has no such blob: because the tag moved, because the digest is not the release's, or just so.
    async fn why_gone(&self, content: &Content) -> Error {
        let gone = Error::NotFound {
            registry: self.connection.host().to_owned(),
            what: format!("content of {} ({})", content.title(), content.digest),
        };
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

/// Why an attempt to download did not succeed.
enum Setback {
    /// Worth another attempt.
    Broken(Error),
    /// Worth another attempt if the authorization can be renewed.
    Refused(Option<Authorization>),
    /// No such blob.
    Gone,
    Failed(Error),
}
