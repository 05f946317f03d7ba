//! A proxy in front of a registry, so that "no request" and "three requests" are assertions and not beliefs.
//!
//! It speaks plain HTTP/1.1 on loopback, passes everything on with its `Host` (the registry then names the proxy in the
//! `Location` of an upload), and writes down each request as it arrives. A delay before each request is passed on makes
//! a far registry out of a near one; opening a connection stays free, which favours nobody. A held request makes
//! "in the middle of a download" a place where a test can stand.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use super::DEADLINE;

/// One request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// The `Host` that was asked for.
    pub(crate) host: String,
    /// Whether it carried an `Authorization`.
    pub(crate) authorized: bool,
    /// The status of the answer; 0 while there is none.
    pub(crate) status: u16,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.method, self.path, self.status)
    }
}

/// Stops matching requests until it is dropped.
pub(crate) struct Hold {
    reached: mpsc::Receiver<()>,
    _release: watch::Sender<()>,
}

impl Hold {
    /// Waits until a matching request is there and held.
    pub(crate) fn wait(&self) {
        self.reached.recv_timeout(DEADLINE).expect("a request that the proxy was told to hold");
    }
}

struct Gate {
    part: String,
    reached: mpsc::Sender<()>,
    released: watch::Receiver<()>,
}

struct Refusal {
    part: String,
    status: StatusCode,
    body: Bytes,
}

struct State {
    upstream: Mutex<String>,
    client: reqwest::Client,
    delay: Mutex<Duration>,
    seen: Mutex<Vec<Seen>>,
    gates: Mutex<Vec<Gate>>,
    refusals: Mutex<Vec<Refusal>>,
}

/// The running proxy; it ends with this value.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Proxy {
    /// Starts in front of `upstream` (`127.0.0.1:PORT`).
    pub(crate) fn start(upstream: &str) -> Self {
        let state = Arc::new(State {
            upstream: Mutex::new(upstream.to_owned()),
            client: super::http::client(),
            delay: Mutex::default(),
            seen: Mutex::default(),
            gates: Mutex::default(),
            refusals: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free loopback port");
        let address = listener.local_addr().expect("the address of a bound socket");
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, shared) => {}
                    _ = stopped => {}
                }
            });
            // A request that is held or delayed must not keep the test from ending.
            runtime.shutdown_background();
        });
        Self { address, state, stop: Some(stop), thread: Some(thread) }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Stands in front of another server from now on, as if that one had taken the address of the first.
    pub(crate) fn stand_before(&self, upstream: &str) {
        upstream.clone_into(&mut lock(&self.state.upstream));
    }

    /// Waits this long before each request is passed on.
    pub(crate) fn delay(&self, delay: Duration) {
        *lock(&self.state.delay) = delay;
    }

    /// All requests since the start or the last [`Proxy::reset`], in the order of their arrival.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        lock(&self.state.seen).clone()
    }

    /// Forgets the requests so far.
    pub(crate) fn reset(&self) {
        lock(&self.state.seen).clear();
    }

    /// Holds every request whose path contains `part`.
    pub(crate) fn hold(&self, part: &str) -> Hold {
        let (reached, arrivals) = mpsc::channel();
        let (release, released) = watch::channel(());
        lock(&self.state.gates).push(Gate { part: part.to_owned(), reached, released });
        Hold { reached: arrivals, _release: release }
    }

    /// Answers every request whose path contains `part` with `status`, from now on.
    pub(crate) fn refuse(&self, part: &str, status: u16) {
        self.refuse_with(part, status, "");
    }

    /// The same with a body, up to the next [`Proxy::accept`].
    pub(crate) fn refuse_with(&self, part: &str, status: u16, body: &str) {
        let status = StatusCode::from_u16(status).expect("a status code");
        let body = Bytes::copy_from_slice(body.as_bytes());
        lock(&self.state.refusals).push(Refusal { part: part.to_owned(), status, body });
    }

    /// Refuses nothing any more.
    pub(crate) fn accept(&self) {
        lock(&self.state.refusals).clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed, and whoever waited for an answer has failed.
            let _ = thread.join();
        }
    }
}

/// The state is plain data: a panic elsewhere leaves nothing half-done in it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        // Without this, small answers wait for the peer's delayed acknowledgement, tens of milliseconds.
        let _ = socket.set_nodelay(true);
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(move |request| pass(request, Arc::clone(&state)));
            // It ends with an error when the client goes away, as an interrupted one does.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

async fn pass(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let place = {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let mut seen = lock(&state.seen);
        seen.push(Seen {
            method: request.method().to_string(),
            path: path.clone(),
            host: header(http::header::HOST).unwrap_or_default().to_owned(),
            authorized: header(http::header::AUTHORIZATION).is_some(),
            status: 0,
        });
        seen.len() - 1
    };

    let delay = *lock(&state.delay);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let gates: Vec<_> = lock(&state.gates)
        .iter()
        .filter(|gate| path.contains(&gate.part))
        .map(|gate| (gate.reached.clone(), gate.released.clone()))
        .collect();
    for (reached, mut released) in gates {
        // An error in either means that the test has dropped its `Hold`.
        let _ = reached.send(());
        let _ = released.changed().await;
    }

    let refused = lock(&state.refusals)
        .iter()
        .find(|refusal| path.contains(&refusal.part))
        .map(|refusal| (refusal.status, refusal.body.clone()));
    let answer = match refused {
        Some((status, body)) => with_status(status, body),
        None => forward(request, &path, &state)
            .await
            .unwrap_or_else(|_| with_status(StatusCode::BAD_GATEWAY, Bytes::new())),
    };
    // `reset` may have come in between.
    if let Some(seen) = lock(&state.seen).get_mut(place).filter(|seen| seen.path == path) {
        seen.status = answer.status().as_u16();
    }
    Ok(answer)
}

async fn forward(
    request: Request<Incoming>,
    path: &str,
    state: &State,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let url = format!("http://{}{path}", lock(&state.upstream));
    let mut outgoing = state.client.request(head.method, url).body(body);
    for (name, value) in &head.headers {
        // The length of the body that goes on is set by the client that sends it.
        if !hop_by_hop(name.as_str()) && name != http::header::CONTENT_LENGTH {
            outgoing = outgoing.header(name, value);
        }
    }
    let incoming = outgoing.send().await?;
    let mut answer = Response::builder().status(incoming.status());
    for (name, value) in incoming.headers() {
        if !hop_by_hop(name.as_str()) {
            answer = answer.header(name, value);
        }
    }
    // The length in the header stays the registry's, which is right for `HEAD` and for all else.
    Ok(answer.body(Full::new(incoming.bytes().await?))?)
}

fn hop_by_hop(name: &str) -> bool {
    matches!(name, "connection" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade")
}

fn with_status(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer
}

#[test]
fn requests_are_counted_with_their_answers_and_refused_where_asked() {
    let registry = super::registry::Registry::open();
    let proxy = Proxy::start(&registry.host());
    let url = |path: &str| format!("http://{}{path}", proxy.host());
    assert_eq!(super::http::get(&url("/v2/")).status, 200);
    assert_eq!(super::http::get(&url("/v2/acme/none/tags/list?n=5")).status, 404);
    let shown: Vec<_> = proxy.requests().iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["GET /v2/ 200", "GET /v2/acme/none/tags/list?n=5 404"]);
    assert!(proxy.requests().iter().all(|seen| seen.host == proxy.host() && !seen.authorized));

    proxy.reset();
    proxy.refuse("/tags/", 503);
    assert_eq!(super::http::get(&url("/v2/acme/none/tags/list")).status, 503);
    assert_eq!(proxy.requests().len(), 1);
    proxy.accept();
    assert_eq!(super::http::get(&url("/v2/acme/none/tags/list")).status, 404);
}

#[test]
fn a_held_request_waits_for_the_test_and_no_other_does() {
    let registry = super::registry::Registry::open();
    let proxy = Proxy::start(&registry.host());
    let hold = proxy.hold("/blobs/");
    let url = format!("http://{}/v2/a/b/blobs/sha256:{}", proxy.host(), "0".repeat(64));
    let waiting = std::thread::spawn(move || super::http::get(&url).status);
    hold.wait();
    assert_eq!(super::http::get(&format!("http://{}/v2/", proxy.host())).status, 200);
    assert!(!waiting.is_finished());
    drop(hold);
    assert_eq!(waiting.join().expect("the held request"), 404);
}

#[test]
fn a_delay_is_waited_for_by_every_request() {
    let registry = super::registry::Registry::open();
    let proxy = Proxy::start(&registry.host());
    let delay = Duration::from_millis(30);
    proxy.delay(delay);
    for _ in 0..2 {
        let begun = std::time::Instant::now();
        assert_eq!(super::http::get(&format!("http://{}/v2/", proxy.host())).status, 200);
        assert!(begun.elapsed() >= delay);
    }
}
