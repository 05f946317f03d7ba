//! Requests: bounded, retried, and never to places that were not meant.
//!
//! Every body has a limit, so that no server can fill the memory, and every request a time (see [`retry`](crate::retry)
//! for when it is repeated; a refused connection is an answer and is not). Redirects are followed, but never from
//! https to plain http, and `reqwest` removes credentials from them when they lead to another host, port or scheme.
//! A form, whose body may be a secret, is not redirected at all. Plain http is for this machine and for registries
//! whose configuration says so. Nothing is asked for in compressed form: a digest is one of the bytes as they are.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, ClientBuilder, Method, Response, StatusCode};
use rustls::CertificateError;
use tokio::sync::OnceCell;
use url::Url;

use crate::credentials::Authorization;
use crate::error::Error;
use crate::proxy::Proxies;
use crate::retry::{ATTEMPTS, Budget, is_busy, retry_after};
use crate::settings::Limits;
use crate::text::{is_loopback, printable, show_url};

pub(crate) const USER_AGENT: &str = concat!("spin-deps/", env!("CARGO_PKG_VERSION"));

const REDIRECTS: usize = 5;
/// What is read of the body of an error answer.
const ERROR_BODY: u64 = 64 * 1024;

/// A client and the rules for where it may go. It is built for the first request: reading the system's certificates
/// takes longer than all that a run without requests does.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    options: Arc<HttpOptions>,
    client: Arc<OnceCell<Client>>,
    /// For forms.
    unredirected: Arc<OnceCell<Client>>,
    /// For uploads, whose answer may come long after they begin: whoever sends one watches it.
    sender: Arc<OnceCell<Client>>,
}

/// How a client reaches its servers.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpOptions {
    /// Plain http is allowed to the host that a request names.
    pub(crate) plain: bool,
    pub(crate) accept_invalid_certificates: bool,
    pub(crate) extra_root_certificates: Vec<reqwest::Certificate>,
    pub(crate) limits: Limits,
    pub(crate) proxies: Proxies,
}

/// A request for something small.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) url: &'a Url,
    pub(crate) accept: &'a str,
    pub(crate) authorization: Option<&'a Authorization>,
    /// The largest body in bytes.
    pub(crate) limit: u64,
}

/// A request that carries something.
pub(crate) struct Send<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: HeaderMap,
    pub(crate) authorization: Option<&'a Authorization>,
    pub(crate) body: Body,
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON. A byte order mark before it is let pass, as
    /// [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259#section-8.1) allows; the error says what else it is.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, what: &str) -> Result<T, String> {
        let text = self.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&self.body);
        serde_json::from_slice(text)
            .map_err(|_| if self.is_web_page() { WEB_PAGE.to_owned() } else { format!("it is not {what}") })
    }

    /// Whether it is a page for people, such as that of a login, where something else was asked for.
    pub(crate) fn is_web_page(&self) -> bool {
        let begin = self.body.get(..self.body.len().min(200)).unwrap_or(&self.body);
        let begin = String::from_utf8_lossy(begin).to_ascii_lowercase();
        let begin = begin.trim_start_matches('\u{FEFF}').trim_start();
        let is_announced = is_html(&self.headers) && !begin.starts_with('{');
        is_announced || begin.starts_with("<!doctype html") || begin.starts_with("<html")
    }
}

/// What is said of an answer that [is a web page](Answer::is_web_page).
pub(crate) const WEB_PAGE: &str = "it is a web page, such as one to log in";

/// Whether the headers announce a web page.
pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    let announced = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    announced.trim_start().get(..9).is_some_and(|begin| begin.eq_ignore_ascii_case("text/html"))
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No connection, no answer in time, a forbidden redirect: not worth another try.
    Unreachable(String),
    /// The connection broke: worth another try.
    Broken(String),
    /// The server's certificate is not accepted.
    Certificate(String),
    /// What it says in answer to TLS is not TLS.
    Plain(String),
    TooLarge(u64),
    Insecure(String),
}

impl Failure {
    /// The failure as an error about `what` at `registry`.
    pub(crate) fn at(self, registry: &str, what: &str) -> Error {
        let registry = registry.to_owned();
        match self {
            Self::Unreachable(reason) | Self::Broken(reason) => {
                Error::Unreachable { registry, reason, speaks_plain: false }
            }
            Self::Plain(reason) => Error::Unreachable { registry, reason, speaks_plain: true },
            Self::Certificate(reason) => Error::Certificate { registry, reason },
            Self::TooLarge(limit) => Error::TooLarge { what: what.to_owned(), limit },
            Self::Insecure(url) => Error::Insecure { url },
        }
    }
}

impl Http {
    /// A client with these options.
    pub(crate) fn new(options: HttpOptions) -> Self {
        Self {
            options: Arc::new(options),
            client: Arc::default(),
            unredirected: Arc::default(),
            sender: Arc::default(),
        }
    }

    pub(crate) fn options(&self) -> &HttpOptions {
        &self.options
    }

    /// The time for one small operation.
    pub(crate) fn budget(&self) -> Budget {
        Budget::new(self.options.limits.budget)
    }

    async fn client(&self) -> Result<&Client, Failure> {
        let build = || async { self.build(redirects(self.options.plain), self.timed()) };
        self.client.get_or_try_init(build).await
    }

    /// A client that waits for an answer, and for each piece of it, as long as the limits say.
    fn timed(&self) -> ClientBuilder {
        Client::builder().read_timeout(self.options.limits.read)
    }

    fn build(&self, redirects: Policy, client: ClientBuilder) -> Result<Client, Failure> {
        let HttpOptions { accept_invalid_certificates, extra_root_certificates, limits, proxies, .. } =
            self.options.as_ref().clone();
        let identity = (ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let client = client
            .user_agent(USER_AGENT)
            .default_headers([identity].into_iter().collect())
            .connect_timeout(limits.connect)
            .referer(false)
            .redirect(redirects)
            .danger_accept_invalid_certs(accept_invalid_certificates)
            .tls_certs_merge(extra_root_certificates);
        proxies
            .apply(client)
            .map_err(Failure::Unreachable)?
            .build()
            .map_err(|error| Failure::Unreachable(format!("TLS cannot be used: {}", reason(&error))))
    }

    /// GET, paid from a budget of its own.
    pub(crate) async fn get(
        &self,
        url: &Url,
        accept: &str,
        authorization: Option<&Authorization>,
        limit: u64,
    ) -> Result<Answer, Failure> {
        self.get_within(&mut self.budget(), Ask { url, accept, authorization, limit }).await
    }

    /// GET, paid from the budget.
    pub(crate) async fn get_within(&self, budget: &mut Budget, ask: Ask<'_>) -> Result<Answer, Failure> {
        self.retried(ask.url, budget, || async {
            let request = self.client().await?.get(ask.url.clone()).header(ACCEPT, ask.accept);
            self.ask(authorized(request, ask.authorization), ask.limit).await
        })
        .await
    }

    /// POST of a form; for token exchanges, which change nothing and may be repeated.
    pub(crate) async fn post_form(
        &self,
        budget: &mut Budget,
        url: &Url,
        form: String,
        limit: u64,
    ) -> Result<Answer, Failure> {
        self.retried(url, budget, || async {
            let client = self
                .unredirected
                .get_or_try_init(|| async { self.build(Policy::none(), self.timed()) })
                .await?;
            let form = client
                .post(url.clone())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone());
            self.ask(form, limit).await
        })
        .await
    }

    /// POST of JSON, paid from a budget of its own; for questions, which change nothing and may be repeated.
    #[cfg_attr(not(feature = "warg"), expect(dead_code, reason = "only warg registries are asked so"))]
    pub(crate) async fn post_json(
        &self,
        url: &Url,
        json: Bytes,
        authorization: Option<&Authorization>,
        limit: u64,
    ) -> Result<Answer, Failure> {
        self.retried(url, &mut self.budget(), || async {
            let question = self.client().await?.post(url.clone()).header(ACCEPT, "application/json");
            let question = question.header(CONTENT_TYPE, "application/json").body(json.clone());
            self.ask(authorized(question, authorization), limit).await
        })
        .await
    }

    /// A request that may change something. Made once, and without a limit of time: whether it may be repeated, and
    /// how long it may take, its sender knows.
    pub(crate) async fn send(&self, send: Send<'_>) -> Result<Answer, Failure> {
        self.check(send.url)?;
        let build = || async { self.build(redirects(self.options.plain), Client::builder()) };
        let client = self.sender.get_or_try_init(build).await?;
        let request = client.request(send.method, send.url.clone()).headers(send.headers).body(send.body);
        let answer = self.ask(authorized(request, send.authorization), ERROR_BODY).await?;
        tracing::debug!(url = %show_url(send.url), status = answer.status.as_u16(), "sent");
        Ok(answer)
    }

    /// GET whose body the caller reads in pieces. Made once.
    pub(crate) async fn open(
        &self,
        url: &Url,
        authorization: Option<&Authorization>,
        headers: HeaderMap,
    ) -> Result<Response, Failure> {
        self.check(url)?;
        let request = self.client().await?.get(url.clone()).headers(headers);
        let response = authorized(request, authorization).send().await.map_err(|error| failure(&error))?;
        tracing::debug!(url = %show_url(url), status = response.status().as_u16(), "opened");
        Ok(response)
    }

    fn check(&self, url: &Url) -> Result<(), Failure> {
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.options.plain || is_loopback(url) => Ok(()),
            _ => Err(Failure::Insecure(show_url(url))),
        }
    }

    async fn ask(&self, request: reqwest::RequestBuilder, limit: u64) -> Result<Answer, Failure> {
        let response = request.send().await.map_err(|error| failure(&error))?;
        if response.status().is_success() {
            let (status, headers) = (response.status(), response.headers().clone());
            Ok(Answer { status, headers, body: read(response, limit).await? })
        } else {
            Ok(refusal(response).await)
        }
    }

    async fn retried<F>(
        &self,
        url: &Url,
        budget: &mut Budget,
        mut attempt: impl FnMut() -> F,
    ) -> Result<Answer, Failure>
    where
        F: Future<Output = Result<Answer, Failure>>,
    {
        self.check(url)?;
        let mut made = 0;
        loop {
            made += 1;
            let outcome = budget.run(attempt()).await.map_err(Failure::Unreachable)?;
            let asked = match &outcome {
                Ok(answer) => {
                    tracing::debug!(url = %show_url(url), status = answer.status.as_u16(), "asked");
                    if !is_busy(answer.status) {
                        return outcome;
                    }
                    retry_after(&answer.headers)
                }
                Err(Failure::Broken(reason)) => {
                    tracing::debug!(url = %show_url(url), reason, "asked in vain");
                    None
                }
                Err(_) => return outcome,
            };
            if made >= ATTEMPTS || !budget.pause(made, asked).await {
                return outcome;
            }
        }
    }
}

/// An error answer. What it says is nice to have, its end is not.
pub(crate) async fn refusal(response: Response) -> Answer {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read(response, ERROR_BODY).await.unwrap_or_default();
    Answer { status, headers, body }
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
        // What is elsewhere does not get to send anyone to the servers of this machine.
        let stays_here = is_loopback(url)
            && attempt.previous().iter().all(|from| from.scheme() == "http" && is_loopback(from));
        let refusal = if attempt.previous().len() > REDIRECTS {
            Some("it redirects too often".to_owned())
        } else if url.scheme() == "https" || (url.scheme() == "http" && (stays_here || (plain && same_host)))
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

/// What a failed request means for the next one.
pub(crate) fn failure(error: &reqwest::Error) -> Failure {
    if let Some(reason) = certificate(error) {
        return Failure::Certificate(reason);
    }
    if matches!(tls_error(error), Some(rustls::Error::InvalidMessage(_))) {
        return Failure::Plain(reason(error));
    }
    let is_broken = io_kind(error).is_some_and(|kind| {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
    });
    let is_final = error.is_timeout() || error.is_connect() || error.is_builder() || error.is_redirect();
    if is_final && !is_broken { Failure::Unreachable(reason(error)) } else { Failure::Broken(reason(error)) }
}

/// The causes of an error. What an input or output error was made of is not among its own sources, but is here.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.map(|inner| inner as &(dyn std::error::Error + 'static)).or_else(|| cause.source())
    })
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind).last()
}

fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())
}

/// Why the server's certificate is not accepted, if that is what is wrong.
fn certificate(error: &reqwest::Error) -> Option<String> {
    let Some(rustls::Error::InvalidCertificate(wrong)) = tls_error(error) else {
        return None;
    };
    Some(match wrong {
        CertificateError::UnknownIssuer => "it was issued by an authority that is not known here".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another host".to_owned()
        }
        CertificateError::BadSignature => "it was not signed by the authority that it names".to_owned(),
        CertificateError::Revoked => "it was revoked".to_owned(),
        other => printable(&other.to_string(), 200),
    })
}

/// What happened, in words, without the URL.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    match io_kind(error) {
        Some(io::ErrorKind::ConnectionRefused) => return "the connection was refused".to_owned(),
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            return "the connection was reset".to_owned();
        }
        Some(io::ErrorKind::UnexpectedEof) => return "the connection ended too early".to_owned(),
        _ => {}
    }
    let tls = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
    if matches!(tls, Some(rustls::Error::InvalidMessage(_))) {
        return "it does not speak TLS".to_owned();
    }
    let innermost = causes(error).last().map(ToString::to_string);
    if error.is_connect() && innermost.as_ref().is_some_and(|cause| cause.contains("lookup")) {
        return "its name could not be resolved".to_owned();
    }
    match innermost {
        // What `hyper-util` says of a proxy that does not connect begins so.
        Some(cause) => match cause.strip_prefix("tunnel error: ") {
            Some(why) => format!("the proxy did not let it through: {}", printable(why, 100)),
            None => printable(&cause, 200),
        },
        None => "the request could not be made".to_owned(),
    }
}
