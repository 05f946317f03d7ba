//! The questions to a warg registry that only read, over our own HTTP layer.
//!
//! The types of the questions and answers are those of `warg-api`; bodies are bounded, time is bounded, and the token
//! goes to the registry's URL alone.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use indexmap::IndexMap;
use reqwest::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use warg_api::v1::content::ContentSourcesResponse;
use warg_api::v1::fetch::{
    FetchError, FetchLogsRequest, FetchLogsResponse, FetchPackageNamesRequest, FetchPackageNamesResponse,
};
use warg_api::v1::ledger::{LedgerSourceContentType, LedgerSourcesResponse};
use warg_api::v1::package::ContentSource;
use warg_api::v1::paths;
use warg_api::v1::proof::{ConsistencyRequest, ConsistencyResponse, InclusionRequest, InclusionResponse};
use warg_crypto::hash::AnyHash;
use warg_protocol::SerdeEnvelope;
use warg_protocol::registry::{Checkpoint, LogId, PackageName, RegistryLen, TimestampedCheckpoint};
use wasm_pkg_common::digest::ContentDigest;

use super::proof::Head;
use super::settings::WargSettings;
use crate::credentials::Authorization;
use crate::error::Error;
use crate::http::{Answer, Http};
use crate::retry::{is_busy, retry_after_seconds};
use crate::settings::Network;
use crate::text::{is_loopback, printable};
use crate::unproven::Unproven;

/// No answer is larger: a page of a log has at most a hundred records or so.
const LIMIT: u64 = 16 << 20;
/// How many places are tried for one content.
const SOURCES: usize = 4;

/// The read side of a registry.
pub(super) struct Api {
    http: Http,
    registry: String,
    settings: WargSettings,
    network: Network,
}

/// Where to continue in the two logs: after the records with these tokens, or from the start.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    pub(super) operator: Option<String>,
    pub(super) package: Option<String>,
}

impl Api {
    pub(super) fn new(http: Http, registry: String, settings: WargSettings, network: Network) -> Self {
        Self { http, registry, settings, network }
    }

    pub(super) fn registry(&self) -> &str {
        &self.registry
    }

    pub(super) fn settings(&self) -> &WargSettings {
        &self.settings
    }

    /// The time for one request, its repetitions included.
    pub(super) fn budget(&self) -> Duration {
        self.http.options().limits.budget
    }

    /// Fails if no request may be made.
    pub(super) fn online(&self, what: &str) -> Result<(), Error> {
        match &self.network {
            Network::Online => Ok(()),
            Network::Offline { because } => {
                Err(Error::Offline { what: what.to_owned(), because: because.clone() })
            }
        }
    }

    /// The newest checkpoint.
    pub(super) async fn checkpoint(&self, what: &str) -> Result<SerdeEnvelope<TimestampedCheckpoint>, Error> {
        let answer = self.get(paths::fetch_checkpoint(), what).await?;
        self.decoded(&answer, what)
    }

    /// A page of the operator's log and of a package's log as they are at the checkpoint; `None` if the registry does
    /// not know the package.
    pub(super) async fn logs(
        &self,
        checkpoint: &Checkpoint,
        log_id: &LogId,
        tokens: &Tokens,
        what: &str,
    ) -> Result<Option<FetchLogsResponse>, Error> {
        let packages = IndexMap::from([(log_id.clone(), tokens.package.clone())]);
        let request = FetchLogsRequest {
            log_length: checkpoint.log_length,
            limit: None,
            operator: tokens.operator.as_deref().map(Cow::Borrowed),
            packages: Cow::Owned(packages),
        };
        let answer = self.post(paths::fetch_logs(), &request, what).await?;
        if answer.status == StatusCode::NOT_FOUND {
            match serde_json::from_slice(&answer.body) {
                Ok(FetchError::LogNotFound(id)) if id == *log_id => return Ok(None),
                Ok(FetchError::FetchTokenNotFound(_) | FetchError::CheckpointNotFound(_)) => {
                    let log = format!("the logs of {what}");
                    return Err(self.unproven(what, Unproven::Forgotten { log }));
                }
                _ => {}
            }
        }
        self.decoded(&answer, what).map(Some)
    }

    /// The proofs that the heads are in the log and in the map of the checkpoint.
    pub(super) async fn inclusion(
        &self,
        checkpoint: &Checkpoint,
        heads: &[Head],
        what: &str,
    ) -> Result<InclusionResponse, Error> {
        let leafs = heads.iter().map(|head| head.index).collect();
        let request = InclusionRequest { log_length: checkpoint.log_length, leafs };
        let answer = self.post(paths::prove_inclusion(), &request, what).await?;
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY) {
            return Err(self.unproven(what, Unproven::NoProof));
        }
        self.decoded(&answer, what)
    }

    /// The proof that the log of length `to` continues that of length `from`.
    pub(super) async fn consistency(
        &self,
        from: RegistryLen,
        to: RegistryLen,
        what: &str,
    ) -> Result<ConsistencyResponse, Error> {
        let answer = self.post(paths::prove_consistency(), &ConsistencyRequest { from, to }, what).await?;
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY) {
            return Err(self.unproven(what, Unproven::Inconsistent { known: from, now: to }));
        }
        self.decoded(&answer, what)
    }

    /// Where the content is to be had; nowhere if the registry does not have it.
    pub(super) async fn sources(&self, digest: &ContentDigest, what: &str) -> Result<Vec<Url>, Error> {
        let hash: AnyHash =
            digest.to_string().parse().map_err(|_| self.bad_answer(what, "its digest is not one of warg"))?;
        let answer = self.get(&paths::content_sources(&hash), what).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        let mut response: ContentSourcesResponse = self.decoded(&answer, what)?;
        let sources = response.content_sources.swap_remove(&hash).unwrap_or_default();
        let here = is_loopback(&self.settings.url);
        let urls = sources.into_iter().take(SOURCES).filter_map(|ContentSource::HttpGet { url, .. }| {
            // A registry elsewhere has no business with the servers of this machine.
            self.settings.url.join(&url).ok().filter(|url| here || !is_loopback(url))
        });
        Ok(urls.collect())
    }

    /// Where the ledger is; `None` if the registry does not offer it.
    pub(super) async fn ledger(&self, what: &str) -> Result<Option<LedgerSourcesResponse>, Error> {
        let answer = self.get(paths::ledger_sources(), what).await?;
        self.offered(&answer, what)
    }

    /// A piece of the ledger, whose URL is one of the registry's own.
    pub(super) async fn ledger_piece(&self, url: &Url, what: &str) -> Result<Bytes, Error> {
        self.online(what)?;
        let authorization = self.authorization();
        let accept = LedgerSourceContentType::Packed.as_str();
        let answer = self.http.get(url, accept, authorization.as_ref(), LIMIT).await;
        let answer = answer.map_err(|failure| failure.at(&self.registry, what))?;
        match answer.status {
            StatusCode::OK => Ok(answer.body),
            _ => self.decoded::<()>(&answer, what).map(|()| Bytes::new()),
        }
    }

    /// The names of these logs, as far as the registry tells; `None` if it tells none.
    pub(super) async fn names(
        &self,
        logs: &[LogId],
        what: &str,
    ) -> Result<Option<IndexMap<LogId, Option<PackageName>>>, Error> {
        let request = FetchPackageNamesRequest { packages: Cow::Owned(logs.to_vec()) };
        let answer = self.post(paths::fetch_package_names(), &request, what).await?;
        let names: Option<FetchPackageNamesResponse> = self.offered(&answer, what)?;
        Ok(names.map(|names| names.packages))
    }

    /// The answer to a question that not every registry knows.
    fn offered<T: DeserializeOwned>(&self, answer: &Answer, what: &str) -> Result<Option<T>, Error> {
        match answer.status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => Ok(None),
            _ => self.decoded(answer, what).map(Some),
        }
    }

    async fn get(&self, path: &str, what: &str) -> Result<Answer, Error> {
        self.online(what)?;
        let authorization = self.authorization();
        let answer = self.http.get(&self.url(path), "application/json", authorization.as_ref(), LIMIT).await;
        answer.map_err(|failure| failure.at(&self.registry, what))
    }

    async fn post<T: Serialize>(&self, path: &str, request: &T, what: &str) -> Result<Answer, Error> {
        self.online(what)?;
        let body = serde_json::to_vec(request).map_err(std::io::Error::other)?;
        let answer =
            self.http.post_json(&self.url(path), body.into(), self.authorization().as_ref(), LIMIT).await;
        answer.map_err(|failure| failure.at(&self.registry, what))
    }

    /// The base ends with a slash, and the paths of `warg-api` are digests and words.
    fn url(&self, path: &str) -> Url {
        self.settings.url.join(path).unwrap_or_else(|_| self.settings.url.clone())
    }

    fn authorization(&self) -> Option<Authorization> {
        let (token, _) = self.settings.token.as_ref()?;
        Some(Authorization::Bearer(token.clone()))
    }

    /// The answer; an error for every status but 200.
    fn decoded<T: DeserializeOwned>(&self, answer: &Answer, what: &str) -> Result<T, Error> {
        let registry = self.registry.clone();
        Err(match answer.status.as_u16() {
            200 => {
                return answer.json("what warg prescribes").map_err(|reason| self.bad_answer(what, &reason));
            }
            401 => self.unauthorized(what),
            403 => Error::Forbidden { registry, what: what.to_owned(), message: message(&answer.body) },
            status if is_busy(answer.status) => {
                Error::Busy { registry, status, retry_after: retry_after_seconds(&answer.headers) }
            }
            status => self.bad_answer(what, &format!("its HTTP status is {status}")),
        })
    }

    pub(super) fn unauthorized(&self, what: &str) -> Error {
        let WargSettings { token, caution, .. } = &self.settings;
        let variable = crate::credentials::bearer_variable(&self.registry);
        let note = match (caution, token) {
            (Some(caution), _) => Some(caution.clone()),
            (None, None) => Some(format!(
                "set `{variable}`, or `auth_token` in `[registry.\"{}\".warg]` of wkg's config.toml",
                self.registry
            )),
            (None, Some(_)) => None,
        };
        Error::Unauthorized {
            registry: self.registry.clone(),
            what: what.to_owned(),
            credentials: token.as_ref().map(|(_, origin)| origin.clone()),
            note,
        }
    }

    pub(super) fn bad_answer(&self, what: &str, reason: &str) -> Error {
        Error::BadAnswer { registry: self.registry.clone(), what: what.to_owned(), reason: reason.to_owned() }
    }

    pub(super) fn unproven(&self, what: &str, reason: Unproven) -> Error {
        Error::Unproven { registry: self.registry.clone(), what: what.to_owned(), reason }
    }
}

/// What the registry says in an error.
fn message(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Said {
        message: String,
    }
    serde_json::from_slice(body).map(|said: Said| printable(&said.message, 300)).unwrap_or_default()
}
