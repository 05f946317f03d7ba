//! Uploading: blobs in one piece or in chunks, and manifests where their answer matters.
//!
//! ```text
//! HEAD blob ─ there ─► done
//!     └─► POST a session ─► PATCH 4 MiB … ─► PUT the end      what is larger than 4 MiB
//!     └─► POST a session ─► PUT all of it                     what is not, and where chunks are not taken
//!     └─► POST all of it with its digest                      where that is refused too
//! ```
//!
//! Registries differ: some lose all chunks but the first, some take no more than 4 MiB at once, some know no sessions.
//! So each way is tried when the one before was refused. A chunk that broke off is not sent again from the start: the
//! session is asked how far it got. A blob is named by its digest, so that doing all of it twice does no harm, and the
//! registry checks what arrived.
//!
//! These requests are our own and not `oci-client`'s, because it holds a whole chunk stream's failure against the
//! upload, fails to follow a relative place for one in one piece, and sends its credentials to wherever the registry
//! says that the upload goes. Here they go to the registry only.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RANGE,
};
use reqwest::{Body, Method};
use url::Url;

use super::auth::Action;
use super::connection::Connection;
use crate::error::Error;
use crate::http::{Answer, Failure, Send};
use crate::retry::{self, ATTEMPTS, is_busy};
use crate::settings::{Progress, ProgressTask};
use crate::text::{is_loopback, printable};
use crate::upload::Upload;

/// The largest piece that goes up at once, in bytes.
const CHUNK: usize = 4 << 20;
/// How many times as long as for an answer to a question the registry may take nothing and say nothing: it may have to
/// look at all that it was sent before it answers.
const PATIENCE: u32 = 4;

/// Uploads to one repository.
pub(super) struct Uploader<'a> {
    connection: &'a Connection,
    repository: &'a str,
    /// What is uploaded, for messages.
    what: &'a str,
}

/// The ways of uploading a blob, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Chunks,
    OnePiece,
    OneRequest,
}

/// Why an attempt did not succeed.
enum Setback {
    /// Worth another attempt.
    Passing(Error),
    /// Not in this way.
    Refused(Error),
    Final(Error),
}

/// An upload in chunks that was begun.
struct Session {
    place: Url,
    sent: u64,
}

/// How far an upload is: for those who watch it, and to tell a slow registry from a dead one.
pub(super) struct Tally {
    task: Mutex<Box<dyn ProgressTask>>,
    shown: AtomicU64,
    moved: AtomicU64,
}

impl Tally {
    pub(super) fn new(progress: &dyn Progress, what: &str, size: u64) -> Arc<Self> {
        let task = Mutex::new(progress.begin(what, Some(size)));
        Arc::new(Self { task, shown: AtomicU64::new(0), moved: AtomicU64::new(0) })
    }

    /// `bytes` of the blob have been handed over. After a setback they may be fewer than before.
    fn reached(&self, bytes: u64) {
        self.moved.fetch_add(1, Ordering::Relaxed);
        let before = self.shown.fetch_max(bytes, Ordering::Relaxed);
        if bytes > before {
            self.task.lock().unwrap_or_else(PoisonError::into_inner).advance(bytes - before);
        }
    }
}

impl<'a> Uploader<'a> {
    pub(super) fn new(connection: &'a Connection, repository: &'a str, what: &'a str) -> Self {
        Self { connection, repository, what }
    }

    /// Uploads a blob, if it is not there.
    pub(super) async fn blob(&self, upload: &Upload, tally: &Arc<Tally>) -> Result<(), Error> {
        let mut way = if upload.size() > CHUNK as u64 { Way::Chunks } else { Way::OnePiece };
        let mut refusal = None;
        let mut session = None;
        let mut setbacks = 0;
        while !self.has(upload).await? {
            let attempt = match way {
                Way::Chunks => self.in_chunks(upload, &mut session, tally).await,
                Way::OnePiece => self.in_one_piece(upload, tally).await,
                Way::OneRequest => self.in_one_request(upload, tally).await,
            };
            let error = match attempt {
                Ok(()) => break,
                Err(Setback::Final(error)) => return Err(error),
                Err(Setback::Refused(error)) => {
                    tracing::debug!(%error, ?way, "the registry does not take it in this way");
                    way = match way {
                        Way::Chunks => Way::OnePiece,
                        Way::OnePiece => {
                            refusal = Some(error);
                            Way::OneRequest
                        }
                        // The usual way is what the message should be about.
                        Way::OneRequest => return Err(refusal.unwrap_or(error)),
                    };
                    continue;
                }
                Err(Setback::Passing(error)) => error,
            };
            setbacks += 1;
            self.pause(setbacks, error).await?;
        }
        tally.reached(upload.size());
        Ok(())
    }

    /// Pushes a manifest under a tag or under its digest. The answer's headers tell what the registry made of it.
    pub(super) async fn manifest(
        &self,
        reference: &str,
        media_type: &'static str,
        manifest: &Bytes,
    ) -> Result<HeaderMap, Error> {
        let url = self.connection.url(self.repository, &format!("manifests/{reference}"))?;
        let headers = [(CONTENT_TYPE, HeaderValue::from_static(media_type))];
        let mut setbacks = 0;
        loop {
            let answer = self.send(&Method::PUT, &url, &headers, || manifest.clone().into(), None).await;
            match answer.and_then(|answer| self.expect(answer, &[200, 201, 202])) {
                Ok(answer) => return Ok(answer.headers),
                Err(Setback::Passing(error)) => {
                    setbacks += 1;
                    self.pause(setbacks, error).await?;
                }
                Err(Setback::Refused(error) | Setback::Final(error)) => return Err(error),
            }
        }
    }

    /// Waits before the next attempt, or gives `error` back if there should be none.
    async fn pause(&self, setbacks: u32, error: Error) -> Result<(), Error> {
        let asked = match &error {
            Error::Busy { retry_after, .. } => retry_after.map(Duration::from_secs),
            _ => None,
        };
        let longest = self.connection.http().options().limits.budget;
        if setbacks >= ATTEMPTS || asked.is_some_and(|asked| asked >= longest) {
            return Err(error);
        }
        tracing::debug!(%error, what = self.what, "the upload did not succeed; trying again");
        tokio::time::sleep(retry::pause(setbacks, asked)).await;
        Ok(())
    }

    /// Whether the repository has the blob. Only a clear yes counts.
    async fn has(&self, upload: &Upload) -> Result<bool, Error> {
        let url = self.connection.url(self.repository, &format!("blobs/{}", upload.digest()))?;
        match self.send(&Method::HEAD, &url, &[], Body::default, None).await {
            Ok(answer) => Ok(answer.status.as_u16() == 200),
            Err(Setback::Passing(_)) => Ok(false),
            Err(Setback::Refused(error) | Setback::Final(error)) => Err(error),
        }
    }

    /// Begins a session: where the upload goes.
    async fn begin(&self) -> Result<Url, Setback> {
        let url = self.connection.url(self.repository, "blobs/uploads/").map_err(Setback::Final)?;
        let headers = [(CONTENT_LENGTH, HeaderValue::from_static("0"))];
        let answer = self.send(&Method::POST, &url, &headers, Body::default, None).await?;
        let answer = self.expect(answer, &[202])?;
        match self.place(&url, &answer.headers)? {
            Some(place) => Ok(place),
            None => Err(Setback::Refused(self.bad_answer("it names no place for the upload"))),
        }
    }

    async fn in_chunks(
        &self,
        upload: &Upload,
        interrupted: &mut Option<Session>,
        tally: &Arc<Tally>,
    ) -> Result<(), Setback> {
        let resumed = match interrupted.take() {
            Some(session) => self.resume(session, upload).await,
            None => None,
        };
        let mut session = match resumed {
            Some(session) => session,
            None => Session { place: self.begin().await?, sent: 0 },
        };
        while session.sent < upload.size() {
            match self.chunk(&session, upload).await {
                Ok(next) => session = next,
                Err(setback) => {
                    *interrupted = Some(session);
                    return Err(setback);
                }
            }
            tally.reached(session.sent);
        }
        let url = with_digest(session.place, upload);
        let headers = [(CONTENT_LENGTH, HeaderValue::from_static("0"))];
        let answer = self.send(&Method::PUT, &url, &headers, Body::default, None).await?;
        self.expect(answer, &[201, 204]).map(drop)
    }

    async fn chunk(&self, session: &Session, upload: &Upload) -> Result<Session, Setback> {
        let piece = upload.piece(session.sent, CHUNK).await.map_err(unreadable)?;
        let end = session.sent + piece.len() as u64;
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
            (CONTENT_RANGE, number_header(format!("{}-{}", session.sent, end - 1))),
        ];
        let answer =
            self.send(&Method::PATCH, &session.place, &headers, || piece.clone().into(), None).await?;
        let answer = self.expect(answer, &[201, 202, 204])?;
        if let Some(received) = received(&answer.headers)
            && received != end
        {
            let reason = format!("it was sent {end} bytes and counts {received}");
            return Err(Setback::Refused(self.bad_answer(&reason)));
        }
        let place = self.place(&session.place, &answer.headers)?.unwrap_or_else(|| session.place.clone());
        Ok(Session { place, sent: end })
    }

    /// A session that broke off, as far as the registry got; `None`: it is better to begin anew.
    async fn resume(&self, session: Session, upload: &Upload) -> Option<Session> {
        let answer = self.send(&Method::GET, &session.place, &[], Body::default, None).await.ok()?;
        // Some say `0-0` of nothing, some of one byte.
        let sent = received(&answer.headers).filter(|sent| *sent > 1 && *sent <= upload.size())?;
        let is_there = matches!(answer.status.as_u16(), 202 | 204);
        let place = self.place(&session.place, &answer.headers).ok()?.unwrap_or(session.place);
        is_there.then_some(Session { place, sent })
    }

    async fn in_one_piece(&self, upload: &Upload, tally: &Arc<Tally>) -> Result<(), Setback> {
        let url = with_digest(self.begin().await?, upload);
        let answer = self.send_all(&Method::PUT, &url, upload, tally).await?;
        self.expect(answer, &[201, 204]).map(drop)
    }

    async fn in_one_request(&self, upload: &Upload, tally: &Arc<Tally>) -> Result<(), Setback> {
        let url = self.connection.url(self.repository, "blobs/uploads/").map_err(Setback::Final)?;
        let answer = self.send_all(&Method::POST, &with_digest(url, upload), upload, tally).await?;
        self.expect(answer, &[201]).map(drop)
    }

    async fn send_all(
        &self,
        method: &Method,
        url: &Url,
        upload: &Upload,
        tally: &Arc<Tally>,
    ) -> Result<Answer, Setback> {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
            (CONTENT_LENGTH, number_header(upload.size().to_string())),
        ];
        if upload.size() <= CHUNK as u64 {
            let all = upload.piece(0, CHUNK).await.map_err(unreadable)?;
            return self.send(method, url, &headers, || all.clone().into(), Some(tally)).await;
        }
        let body = || {
            let tally = Arc::clone(tally);
            Body::wrap_stream(upload.stream(move |taken| tally.reached(taken)))
        };
        self.send(method, url, &headers, body, Some(tally)).await
    }

    /// Where the registry says that the upload goes on; `None` if it does not say.
    fn place(&self, asked: &Url, headers: &HeaderMap) -> Result<Option<Url>, Setback> {
        let Some(location) = headers.get(LOCATION) else {
            return Ok(None);
        };
        let url = location.to_str().ok().and_then(|location| asked.join(location).ok());
        let Some(mut url) = url else {
            return Err(Setback::Final(self.bad_answer("it names a place for the upload that is no URL")));
        };
        // A registry behind a proxy that does the TLS takes itself to be spoken to over plain http.
        let base = self.connection.base();
        if url.scheme() == "http"
            && base.scheme() == "https"
            && url.host() == base.host()
            && url.port().is_none()
        {
            // Cannot fail between these two.
            let _ = url.set_scheme("https");
        }
        // What the configuration allows to the registry it does not allow to others.
        if url.scheme() != "https" && !is_loopback(&url) && url.host() != base.host() {
            return Err(Setback::Final(Error::Insecure { url: crate::text::show_url(&url) }));
        }
        Ok(Some(url))
    }

    /// Sends a request, once more if the authorization had to be renewed. Only the registry itself is shown any.
    async fn send(
        &self,
        method: &Method,
        url: &Url,
        headers: &[(HeaderName, HeaderValue)],
        body: impl Fn() -> Body,
        tally: Option<&Arc<Tally>>,
    ) -> Result<Answer, Setback> {
        let connection = self.connection;
        connection.online(self.what).map_err(Setback::Final)?;
        let is_own = url.origin() == connection.base().origin();
        let stall = connection.http().options().limits.read * PATIENCE;
        let mut turn = connection.auth().turn(self.repository, Action::Push);
        loop {
            let authorization = if is_own {
                let found = turn.authorization(connection.http(), &mut connection.http().budget()).await;
                found.map_err(Setback::Final)?
            } else {
                None
            };
            let request = Send {
                method: method.clone(),
                url,
                headers: headers.iter().cloned().collect(),
                authorization: authorization.as_ref(),
                body: body(),
            };
            let answer = {
                let _permit = connection.permit().await;
                unless_stalled(stall, tally, connection.http().send(request)).await
            };
            let answer = answer.map_err(|failure| {
                let is_passing = matches!(failure, Failure::Broken(_));
                let error = connection.failed(failure, self.what);
                if is_passing { Setback::Passing(error) } else { Setback::Final(error) }
            })?;
            if answer.status.as_u16() == 401 && is_own {
                turn.refused(authorization, &answer.headers, self.repository)
                    .await
                    .map_err(Setback::Final)?;
                continue;
            }
            return Ok(answer);
        }
    }

    /// The answer, if it has one of these statuses.
    fn expect(&self, answer: Answer, statuses: &[u16]) -> Result<Answer, Setback> {
        let status = answer.status.as_u16();
        if statuses.contains(&status) {
            return Ok(answer);
        }
        let error = match self.connection.judge(&answer, self.what) {
            Err(error) => error,
            Ok(_) => self.bad_answer(&format!("its HTTP status is {status}")),
        };
        Err(match status {
            403 => Setback::Final(error),
            _ if is_busy(answer.status) => Setback::Passing(error),
            _ => Setback::Refused(error),
        })
    }

    fn bad_answer(&self, reason: &str) -> Error {
        Error::BadAnswer {
            registry: self.connection.title().to_owned(),
            what: self.what.to_owned(),
            reason: printable(reason, 200),
        }
    }
}

/// Waits for an answer as long as something moves.
async fn unless_stalled<T>(
    stall: Duration,
    tally: Option<&Arc<Tally>>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let moved = || tally.map(|tally| tally.moved.load(Ordering::Relaxed));
    let mut work = pin!(work);
    loop {
        let before = moved();
        match tokio::time::timeout(stall, &mut work).await {
            Ok(outcome) => return outcome,
            Err(_) if moved() == before => {
                return Err(Failure::Broken("it did not answer in time".to_owned()));
            }
            Err(_) => {}
        }
    }
}

fn with_digest(mut place: Url, upload: &Upload) -> Url {
    place.query_pairs_mut().append_pair("digest", &upload.digest().to_string());
    place
}

/// How many bytes a session has, by its `Range: 0-<last>`.
fn received(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(RANGE)?.to_str().ok()?;
    let last: u64 = range.trim().trim_start_matches("bytes=").strip_prefix("0-")?.parse().ok()?;
    last.checked_add(1)
}

/// A header of digits and dashes.
fn number_header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("0"))
}

fn unreadable(error: io::Error) -> Setback {
    Setback::Final(match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            io::Error::new(error.kind(), "the file became shorter while it was published").into()
        }
        _ => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_much_a_session_has_is_read_from_its_range() {
        let of = |range| received(&HeaderMap::from_iter([(RANGE, HeaderValue::from_static(range))]));
        assert_eq!(of("0-4194303"), Some(4 << 20));
        assert_eq!(of("bytes=0-9"), Some(10));
        for range in ["", "1-9", "0-", "0-x", "0-18446744073709551615"] {
            assert_eq!(of(range), None, "{range}");
        }
    }

    #[test]
    fn the_digest_joins_what_the_place_says() {
        let place = |url: &str| with_digest(url.parse().unwrap(), &Upload::from("")).to_string();
        assert!(place("http://a/u?_state=x%3D").starts_with("http://a/u?_state=x%3D&digest=sha256%3Ae3b0c"));
        assert!(place("http://a/u").starts_with("http://a/u?digest=sha256%3Ae3b0c"));
    }
}
