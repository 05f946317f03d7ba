//! Requests for small things: bounded, retried, and never to places that were not meant.
//!
//! Every body has a limit, so that no server can fill the memory. A request that only reads is repeated (at most
//! twice) when the connection breaks or the server says that it cannot answer now; a refused connection is an answer
//! and is not repeated. Redirects are followed, but never from https to plain http, and `reqwest` removes
//! credentials from them when they lead to another host, port or scheme. Plain http is for this machine and for
//! registries whose configuration says so.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
use tokio::sync::OnceCell;
use url::Url;

use crate::credentials::Authorization;
use crate::error::Error;
use crate::text::{is_loopback, printable, show_url};

pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(30);
pub(crate) const USER_AGENT: &str = concat!("spin-deps/", env!("CARGO_PKG_VERSION"));

/// How often a request is made, at most.
pub(crate) const ATTEMPTS: u32 = 3;
/// A server that asks for a longer pause gets no further request.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const REDIRECTS: usize = 5;
/// What is read of the body of an error answer.
const ERROR_BODY: u64 = 64 * 1024;

/// A client and the rules for where it may go. It is built for the first request: reading the system's certificates
/// takes longer than all that a run without requests does.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    options: Arc<HttpOptions>,
    client: Arc<OnceCell<reqwest::Client>>,
}

/// What TLS settings and scheme a client has.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpOptions {
    /// Plain http is allowed to the host that a request names.
    pub(crate) plain: bool,
    pub(crate) accept_invalid_certificates: bool,
    pub(crate) extra_root_certificates: Vec<reqwest::Certificate>,
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No connection, no answer in time, a forbidden redirect: not worth another try.
    Unreachable(String),
    /// The connection broke: worth another try.
    Broken(String),
    TooLarge(u64),
    Insecure(String),
}

impl Failure {
    /// The failure as an error about `what` at `registry`.
    pub(crate) fn at(self, registry: &str, what: &str, loopback_tls: bool) -> Error {
        match self {
            Self::Unreachable(reason) | Self::Broken(reason) => {
                Error::Unreachable { registry: registry.to_owned(), reason, loopback_tls }
            }
            Self::TooLarge(limit) => Error::TooLarge { what: what.to_owned(), limit },
            Self::Insecure(url) => Error::Insecure { url },
        }
    }
}

impl Http {
    /// A client with these options.
    pub(crate) fn new(options: HttpOptions) -> Self {
        Self { options: Arc::new(options), client: Arc::default() }
    }

    async fn client(&self) -> Result<&reqwest::Client, Failure> {
        self.client.get_or_try_init(|| async { self.build() }).await
    }

    fn build(&self) -> Result<reqwest::Client, Failure> {
        let HttpOptions { plain, accept_invalid_certificates, extra_root_certificates } =
            self.options.as_ref().clone();
        reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .referer(false)
            .redirect(redirects(plain))
            .danger_accept_invalid_certs(accept_invalid_certificates)
            .tls_certs_merge(extra_root_certificates)
            .build()
            .map_err(|error| Failure::Unreachable(format!("TLS cannot be used: {}", reason(&error))))
    }

    /// GET with a body of at most `limit` bytes.
    pub(crate) async fn get(
        &self,
        url: &Url,
        accept: &str,
        authorization: Option<&Authorization>,
        limit: u64,
    ) -> Result<Answer, Failure> {
        self.retried(|| async {
            let request = self.client().await?.get(url.clone()).header(ACCEPT, accept);
            self.ask(url, authorized(request, authorization), limit).await
        })
        .await
    }

    /// POST of a form; for token exchanges, which change nothing and may be repeated.
    pub(crate) async fn post_form(&self, url: &Url, form: String, limit: u64) -> Result<Answer, Failure> {
        self.retried(|| async {
            let request = self
                .client()
                .await?
                .post(url.clone())
                .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone());
            self.ask(url, request, limit).await
        })
        .await
    }

    /// GET whose body the caller reads in pieces. Made once.
    pub(crate) async fn open(&self, url: &Url) -> Result<Response, Failure> {
        self.check(url)?;
        tracing::debug!(url = %show_url(url), "GET");
        self.client().await?.get(url.clone()).send().await.map_err(|error| failure(&error))
    }

    fn check(&self, url: &Url) -> Result<(), Failure> {
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.options.plain || is_loopback(url) => Ok(()),
            _ => Err(Failure::Insecure(show_url(url))),
        }
    }

    async fn ask(&self, url: &Url, request: reqwest::RequestBuilder, limit: u64) -> Result<Answer, Failure> {
        self.check(url)?;
        let response = request.send().await.map_err(|error| failure(&error))?;
        let status = response.status();
        tracing::debug!(url = %show_url(url), status = status.as_u16(), "asked");
        let headers = response.headers().clone();
        let body = if status.is_success() {
            read(response, limit).await?
        } else {
            // What an error answer says is nice to have, its end is not.
            match read(response, ERROR_BODY).await {
                Ok(body) => body,
                Err(_) => Bytes::new(),
            }
        };
        Ok(Answer { status, headers, body })
    }

    async fn retried<F>(&self, mut attempt: impl FnMut() -> F) -> Result<Answer, Failure>
    where
        F: Future<Output = Result<Answer, Failure>>,
    {
        let mut made = 0;
        loop {
            let outcome = attempt().await;
            made += 1;
            let pause = match &outcome {
                Ok(answer) if is_busy(answer.status) => match retry_after(&answer.headers) {
                    Some(asked) if asked > LONGEST_PAUSE => return outcome,
                    Some(asked) => asked,
                    None => backoff(made),
                },
                Err(Failure::Broken(_)) => backoff(made),
                _ => return outcome,
            };
            if made >= ATTEMPTS {
                return outcome;
            }
            tracing::debug!(?pause, "asking again");
            tokio::time::sleep(pause).await;
        }
    }
}

/// The pause before the next attempt, after `made` of them.
pub(crate) fn backoff(made: u32) -> Duration {
    Duration::from_millis(100 << made.min(4))
}

/// Whether the status says that the same request may succeed later.
pub(crate) fn is_busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// The seconds of `Retry-After`. Its other form, a date, would need the clocks to agree and counts as absent.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn authorized(
    request: reqwest::RequestBuilder,
    authorization: Option<&Authorization>,
) -> reqwest::RequestBuilder {
    match authorization {
        Some(Authorization::Basic { username, password }) => {
            request.basic_auth(username, Some(password.expose()))
        }
        Some(Authorization::Bearer(token)) => request.bearer_auth(token.expose()),
        None => request,
    }
}

async fn read(mut response: Response, limit: u64) -> Result<Bytes, Failure> {
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(Failure::TooLarge(limit));
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if (body.len() as u64).saturating_add(chunk.len() as u64) > limit {
            return Err(Failure::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn redirects(plain: bool) -> Policy {
    Policy::custom(move |attempt| {
        let url = attempt.url();
        let from = attempt.previous().first();
        let same_host = from.is_some_and(|from| from.host_str() == url.host_str() && from.scheme() == "http");
        let refusal = if attempt.previous().len() > REDIRECTS {
            Some("it redirects too often".to_owned())
        } else if url.scheme() == "https"
            || (url.scheme() == "http" && (is_loopback(url) || (plain && same_host)))
        {
            None
        } else {
            Some(format!("it redirects to `{}`, which is not https", show_url(url)))
        };
        match refusal {
            Some(refusal) => attempt.error(refusal),
            None => attempt.follow(),
        }
    })
}

pub(crate) fn failure(error: &reqwest::Error) -> Failure {
    if error.is_timeout() || error.is_connect() || error.is_builder() || error.is_redirect() {
        Failure::Unreachable(reason(error))
    } else {
        Failure::Broken(reason(error))
    }
}

/// What happened, in words, without the URL.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    let mut innermost: Option<&dyn std::error::Error> = None;
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::ConnectionRefused => return "the connection was refused".to_owned(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                    return "the connection was reset".to_owned();
                }
                io::ErrorKind::UnexpectedEof => return "the connection ended too early".to_owned(),
                _ => {}
            }
        }
        innermost = Some(cause);
        next = cause.source();
    }
    if error.is_connect() && innermost.is_some_and(|cause| cause.to_string().contains("lookup")) {
        return "its name could not be resolved".to_owned();
    }
    match innermost {
        Some(cause) => printable(&cause.to_string(), 200),
        None => "the request could not be made".to_owned(),
    }
}
