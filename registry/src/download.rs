//! One download into the store: a layer of a registry, or a file by URL.
//!
//! The digest decides what is accepted, so a server is trusted with nothing but its patience. What has arrived is
//! hashed and written as it comes, and a connection that breaks costs only what it had not yet brought: the next
//! request asks for the rest (`Range`, with `If-Range` where the server named the state of its content). A server
//! that sends everything again is read from the start. One that sends another part than was asked for, a part of
//! other content, or parts that do not make the digest is asked for no more parts: before anyone is accused, the
//! content is fetched in one piece.
//!
//! **No download lasts for ever.** Attempts that bring next to nothing are counted, and one that brings less than the
//! least rate is ended: a server that trickles holds nobody longer than one that is silent.

use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode};
use tokio::time::Instant;
use url::Url;
use wasm_pkg_common::digest::ContentDigest;

use crate::LAYER_LIMIT;
use crate::error::Error;
use crate::http::{Failure, Http, WEB_PAGE, failure, is_html};
use crate::retry::{ATTEMPTS, is_busy, pause, retry_after, retry_after_seconds};
use crate::settings::{Limits, Progress, ProgressTask};
use crate::store::{Store, StoreError, Writer};
use crate::text::{printable, show_url};

/// An attempt that brings as much does not count as failed.
const WORTHWHILE: u64 = 64 * 1024;

/// What is to be downloaded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    /// For messages, such as "acme:base 1.0.0".
    pub(crate) what: &'a str,
    /// Without it everything is taken that is no web page, but in one piece: nothing would tell that parts of
    /// different contents were put together.
    pub(crate) digest: Option<&'a ContentDigest>,
    /// The most bytes that are taken.
    pub(crate) limit: u64,
    /// The size in bytes, where it is known before.
    pub(crate) size: Option<u64>,
}

/// Where it is downloaded from.
pub(crate) trait Origin: Sync {
    /// Asks for it with these headers. The answer is 200, 206 or 416.
    fn open(&self, headers: HeaderMap) -> impl Future<Output = Result<Response, Setback>> + Send;

    fn failed(&self, failure: Failure) -> Error;

    fn mismatch(&self, expected: ContentDigest, actual: ContentDigest) -> Error;

    fn bad_answer(&self, reason: &str) -> Error;
}

/// Why an attempt did not succeed.
#[derive(Debug)]
pub(crate) enum Setback {
    /// Worth another attempt, after the pause that the server asked for.
    Passing(Box<Error>, Option<Duration>),
    /// Worth another attempt only if something has arrived already: the server was there.
    Unanswered(Error),
    /// The parts do not fit together; worth another attempt in one piece.
    Unfit,
    Final(Error),
}

impl Setback {
    pub(crate) fn passing(error: Error, asked: Option<Duration>) -> Self {
        Self::Passing(Box::new(error), asked)
    }
}

/// Brings the content into the store; its digest and its size in bytes.
pub(crate) async fn download(
    origin: &impl Origin,
    order: Order<'_>,
    store: &Store,
    limits: &Limits,
    progress: &dyn Progress,
) -> Result<(ContentDigest, u64), Error> {
    let mut transfer = Transfer::new(origin, order, store, limits, progress);
    let (mut made, mut reached) = (0, 0);
    loop {
        let setback = match transfer.attempt().await {
            Ok(stored) => return Ok(stored),
            Err(setback) => setback,
        };
        // Further than ever before: a server that lets us begin again and again brings nothing.
        let is_further = transfer.writer.size() >= reached + WORTHWHILE;
        reached = reached.max(transfer.writer.size());
        made = if is_further { 1 } else { made + 1 };
        let (error, asked) = match setback {
            Setback::Unfit => {
                tracing::debug!(what = order.what, "the server's parts do not fit together; asking for all");
                transfer.parts = false;
                continue;
            }
            Setback::Passing(error, asked) => (*error, asked),
            Setback::Unanswered(error) if transfer.writer.size() > 0 => (error, None),
            Setback::Unanswered(error) | Setback::Final(error) => return Err(error),
        };
        if made >= ATTEMPTS || asked.is_some_and(|asked| asked > limits.budget) {
            return Err(error);
        }
        let pause = pause(made, asked);
        tracing::debug!(what = order.what, %error, ?pause, have = transfer.writer.size(), "downloading on");
        tokio::time::sleep(pause).await;
    }
}

/// A download on its way.
struct Transfer<'a, O> {
    origin: &'a O,
    order: Order<'a>,
    store: &'a Store,
    limits: &'a Limits,
    progress: &'a dyn Progress,
    task: Option<Box<dyn ProgressTask>>,
    writer: Writer,
    /// The state of the server's content that the bytes so far are of.
    state: Option<HeaderValue>,
    /// The size by the server's word.
    total: Option<u64>,
    /// The server may be asked for parts.
    parts: bool,
    /// The bytes are from more than one answer.
    pieced: bool,
    is_html: bool,
}

impl<'a, O: Origin> Transfer<'a, O> {
    fn new(
        origin: &'a O,
        order: Order<'a>,
        store: &'a Store,
        limits: &'a Limits,
        progress: &'a dyn Progress,
    ) -> Self {
        Self {
            origin,
            order,
            store,
            limits,
            progress,
            task: None,
            writer: store.writer(order.digest, order.limit),
            state: None,
            total: None,
            parts: order.digest.is_some(),
            pieced: false,
            is_html: false,
        }
    }

    /// One request, for all or for the rest. If it brings what was missing, the content is in the store.
    async fn attempt(&mut self) -> Result<(ContentDigest, u64), Setback> {
        let have = if self.parts { self.writer.size() } else { 0 };
        let mut headers = HeaderMap::new();
        if have > 0 {
            let range = HeaderValue::from_str(&format!("bytes={have}-"));
            headers.extend(range.ok().map(|range| (RANGE, range)));
            headers.extend(self.state.clone().map(|state| (IF_RANGE, state)));
        }
        let response = self.origin.open(headers).await?;
        if let Some(encoding) = response.headers().get(CONTENT_ENCODING).filter(|name| *name != "identity") {
            let encoding = printable(&String::from_utf8_lossy(encoding.as_bytes()), 40);
            let reason = format!("it is encoded as `{encoding}`, which was not asked for");
            return Err(Setback::Final(self.origin.bad_answer(&reason)));
        }
        match response.status() {
            StatusCode::OK => self.begin(&response)?,
            StatusCode::PARTIAL_CONTENT if have > 0 && self.continues(&response, have) => self.pieced = true,
            _ if have > 0 => return Err(Setback::Unfit),
            status => {
                let reason = format!("its HTTP status is {}", status.as_u16());
                return Err(Setback::Final(self.origin.bad_answer(&reason)));
            }
        }
        self.receive(response).await?;
        self.finish().await
    }

    /// An answer from the first byte on.
    fn begin(&mut self, response: &Response) -> Result<(), Setback> {
        self.total = response.content_length();
        if self.total.is_some_and(|total| total > self.order.limit) {
            let (what, limit) = (self.order.what.to_owned(), self.order.limit);
            return Err(Setback::Final(Error::TooLarge { what, limit }));
        }
        self.is_html = is_html(response.headers());
        if self.is_html && self.order.digest.is_none() {
            return Err(Setback::Final(self.origin.bad_answer(WEB_PAGE)));
        }
        self.writer = self.store.writer(self.order.digest, self.order.limit);
        self.task = Some(self.progress.begin(self.order.what, self.total.or(self.order.size)));
        // A weak one says that two contents are good for the same, not that they are the same bytes.
        let state = response.headers().get(ETAG).filter(|state| !state.as_bytes().starts_with(b"W/"));
        self.state = state.cloned();
        self.pieced = false;
        Ok(())
    }

    /// Whether an answer with status 206 goes on after `have` bytes of the same content.
    fn continues(&self, response: &Response, have: u64) -> bool {
        let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        let Some((first, total)) = range.and_then(content_range) else {
            return false;
        };
        let same_state = match (&self.state, response.headers().get(ETAG)) {
            (Some(before), Some(now)) => before == now,
            _ => true,
        };
        let same_total = self.total.is_none() || total.is_none() || self.total == total;
        first == have && same_total && same_state
    }

    async fn receive(&mut self, mut response: Response) -> Result<(), Setback> {
        let mut window = Window::begin();
        loop {
            let chunk = match tokio::time::timeout_at(window.end(self.limits), response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => {
                    return Err(Setback::passing(self.origin.failed(failure(&error)), None));
                }
                Err(_) if window.is_slow(self.limits) => {
                    let reason = format!("it sends less than {} bytes a second", self.limits.rate);
                    return Err(Setback::Final(self.origin.failed(Failure::Unreachable(reason))));
                }
                Err(_) => {
                    window = Window::begin();
                    continue;
                }
            };
            window.bytes += chunk.len() as u64;
            self.writer.write(&chunk).await.map_err(|error| Setback::Final(self.refused(error)))?;
            if let Some(task) = &mut self.task {
                task.advance(chunk.len() as u64);
            }
        }
        // A server that sent a part of what was asked for has not broken off, but there is more to come.
        if self.total.is_some_and(|total| self.writer.size() < total) {
            let reason = "the connection ended too early".to_owned();
            return Err(Setback::passing(self.origin.failed(Failure::Broken(reason)), None));
        }
        Ok(())
    }

    /// Checks the digest and shows the content.
    async fn finish(&mut self) -> Result<(ContentDigest, u64), Setback> {
        let fresh = self.store.writer(self.order.digest, self.order.limit);
        let error = match std::mem::replace(&mut self.writer, fresh).commit().await {
            Ok(stored) => return Ok(stored),
            Err(StoreError::Mismatch { .. }) if self.pieced => return Err(Setback::Unfit),
            Err(StoreError::Mismatch { .. }) if self.is_html => self.origin.bad_answer(WEB_PAGE),
            Err(error) => self.refused(error),
        };
        Err(Setback::Final(error))
    }

    fn refused(&self, error: StoreError) -> Error {
        match error {
            StoreError::Mismatch { expected, actual } => self.origin.mismatch(expected, actual),
            error => Error::of_store(error, self.order.what),
        }
    }
}

/// A time over which the rate is measured.
struct Window {
    begun: Instant,
    bytes: u64,
}

impl Window {
    fn begin() -> Self {
        Self { begun: Instant::now(), bytes: 0 }
    }

    fn end(&self, limits: &Limits) -> Instant {
        self.begun + limits.rate_window
    }

    fn is_slow(&self, limits: &Limits) -> bool {
        let due = u128::from(limits.rate) * self.begun.elapsed().as_millis() / 1000;
        u128::from(self.bytes) < due
    }
}

/// The first byte and the whole size (`*`: unknown) of a `Content-Range`
/// ([RFC 9110, 14.4](https://www.rfc-editor.org/rfc/rfc9110#section-14.4)).
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    let is_sound = first <= last && total.is_none_or(|total| last < total);
    is_sound.then_some((first, total))
}

/// Brings a file by URL into the store. No registry's credentials are ever involved.
pub(crate) async fn download_url(
    http: &Http,
    store: &Store,
    url: &Url,
    digest: &ContentDigest,
    progress: &dyn Progress,
) -> Result<(), Error> {
    download_file(http, store, url, Some(digest), LAYER_LIMIT, progress).await.map(|_| ())
}

/// The same for a file whose digest is not known: gives its digest and its size in bytes.
pub(crate) async fn download_unpinned(
    http: &Http,
    store: &Store,
    url: &Url,
    limit: u64,
    progress: &dyn Progress,
) -> Result<(ContentDigest, u64), Error> {
    download_file(http, store, url, None, limit, progress).await
}

async fn download_file(
    http: &Http,
    store: &Store,
    url: &Url,
    digest: Option<&ContentDigest>,
    limit: u64,
    progress: &dyn Progress,
) -> Result<(ContentDigest, u64), Error> {
    let what = show_url(url);
    let origin = File { http, url, what: &what };
    let order = Order { what: &what, digest, limit, size: None };
    download(&origin, order, store, &http.options().limits, progress).await
}

/// A file by URL.
struct File<'a> {
    http: &'a Http,
    url: &'a Url,
    what: &'a str,
}

impl File<'_> {
    fn host(&self) -> String {
        self.url.host_str().unwrap_or_default().to_owned()
    }
}

impl Origin for File<'_> {
    async fn open(&self, headers: HeaderMap) -> Result<Response, Setback> {
        let response = self.http.open(self.url, None, headers).await.map_err(|failure| match failure {
            failure @ Failure::Broken(_) => Setback::passing(self.failed(failure), None),
            failure @ Failure::Unreachable(_) => Setback::Unanswered(self.failed(failure)),
            failure => Setback::Final(self.failed(failure)),
        })?;
        let (registry, what) = (self.host(), self.what.to_owned());
        Err(Setback::Final(match response.status().as_u16() {
            200 | 206 | 416 => return Ok(response),
            404 | 410 => Error::NotFound { registry, what: format!("`{what}`") },
            401 => Error::Unauthorized { registry, what, credentials: None, note: None },
            403 => Error::Forbidden { registry, what, message: String::new() },
            status if is_busy(response.status()) => {
                let retry_after_seconds = retry_after_seconds(response.headers());
                let error = Error::Busy { registry, status, retry_after: retry_after_seconds };
                return Err(Setback::passing(error, retry_after(response.headers())));
            }
            status => Error::BadAnswer { registry, what, reason: format!("its HTTP status is {status}") },
        }))
    }

    fn failed(&self, failure: Failure) -> Error {
        failure.at(&self.host(), self.what)
    }

    fn mismatch(&self, expected: ContentDigest, actual: ContentDigest) -> Error {
        let origin = format!("`{}`", self.what);
        Error::DigestMismatch { what: "the file".to_owned(), expected, actual, origin }
    }

    fn bad_answer(&self, reason: &str) -> Error {
        Error::BadAnswer { registry: self.host(), what: self.what.to_owned(), reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_says_where_it_begins_and_how_much_there_is() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        for wrong in
            ["bytes 9-5/10", "bytes 5-10/10", "bytes */10", "items 0-1/2", "bytes -5/10", "bytes 1-2", ""]
        {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }
}
