//! A proxy that fails, in front of a real registry: the faults of networks and servers, byte for byte.
//!
//! [`Proxy`](super::proxy::Proxy) speaks HTTP and so can only say what HTTP can; this one works on the connection. Each
//! connection carries one request. What is to go wrong is decided by request, and what does not go wrong is the
//! registry's own answer. With an [`Authority`] both sides speak TLS, and the faults happen within it.
//!
//! A `GET` is asked for in HTTP/1.0, so that the answer comes in one piece that can be cut and bent; everything else is
//! passed on as it is.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::tls::Authority;

/// The longest head of a request or an answer.
const HEAD: usize = 64 << 10;

/// What goes wrong with one request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The connection is reset in place of an answer.
    Reset,
    /// The registry acts, but the connection is reset before its answer.
    Lost,
    /// There is no answer, and the connection stays open.
    Silence,
    /// The answer stops halfway, and the connection stays open.
    Stall,
    /// The answer stops halfway, and the connection is closed.
    Truncate,
    /// The announced length is wrong by so many bytes.
    Length(i64),
    /// One bit of the body is another, in the middle or at this place.
    Flip(Option<usize>),
    /// The body comes in pieces of so many bytes, with a pause before each.
    Trickle(usize, Duration),
    /// Another answer than the registry's.
    Answer(Answer),
}

impl Fault {
    /// An answer of this status without a body.
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(Answer { status, ..Answer::default() })
    }

    /// The same with a header.
    pub(crate) fn header(status: u16, name: &'static str, value: impl Into<String>) -> Self {
        Self::Answer(Answer { status, headers: vec![(name, value.into())], ..Answer::default() })
    }

    /// The answer 200 with a body of the proxy's own.
    pub(crate) fn body(body: impl Into<Bytes>) -> Self {
        Self::Answer(Answer { status: 200, body: body.into(), ..Answer::default() })
    }
}

/// An answer of the proxy's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    /// The length that is announced in place of the body's; blanks follow the body up to it.
    pub(crate) announced: Option<u64>,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
}

type Judge = dyn Fn(&Asked) -> Option<Fault> + Send + Sync;

struct State {
    upstream: String,
    tls: Option<(TlsAcceptor, TlsConnector)>,
    judge: Mutex<Arc<Judge>>,
    delay: Mutex<Duration>,
    asked: Mutex<Vec<Asked>>,
}

/// The running proxy; it ends with this value.
pub(crate) struct FaultProxy {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl FaultProxy {
    /// Starts in front of `upstream` (`127.0.0.1:PORT`), with TLS on both sides if there is an authority for it.
    pub(crate) fn start(upstream: &str, authority: Option<&Authority>) -> Self {
        let state = Arc::new(State {
            upstream: upstream.to_owned(),
            tls: authority.map(|authority| (authority.acceptor(), authority.connector())),
            judge: Mutex::new(Arc::new(|_| None)),
            delay: Mutex::default(),
            asked: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free loopback port");
        let address = listener.local_addr().expect("the address of a bound socket");
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            let serve = async {
                loop {
                    let Ok((socket, _)) = listener.accept().await else { continue };
                    let state = Arc::clone(&shared);
                    // It ends with an error when the client goes away, as a killed one does.
                    tokio::spawn(async move { drop(connection(socket, &state).await) });
                }
            };
            runtime.block_on(async {
                tokio::select! {
                    () = serve => {}
                    _ = stopped => {}
                }
            });
            // A request that is stalled must not keep the test from ending.
            runtime.shutdown_background();
        });
        Self { address, state, stop: Some(stop), thread: Some(thread) }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Lets `judge` decide what goes wrong with each request from now on.
    pub(crate) fn judge(&self, judge: impl Fn(&Asked) -> Option<Fault> + Send + Sync + 'static) {
        *lock(&self.state.judge) = Arc::new(judge);
    }

    /// The first `times` requests whose path contains `part` meet `fault`. In `part`, `$` is the path's end.
    pub(crate) fn fail(&self, part: &str, times: usize, fault: Fault) {
        self.fail_for(&[], part, times, fault);
    }

    /// The same for requests with one of these methods.
    pub(crate) fn fail_for(&self, methods: &'static [&str], part: &str, times: usize, fault: Fault) {
        let (part, left) = (part.to_owned(), Mutex::new(times));
        self.judge(move |asked| {
            let mut left = lock(&left);
            let by_method = methods.is_empty() || methods.contains(&asked.method.as_str());
            let meets = by_method && format!("{}$", asked.path).contains(&part) && *left > 0;
            meets.then(|| {
                *left -= 1;
                fault.clone()
            })
        });
    }

    /// Lets nothing go wrong any more.
    pub(crate) fn heal(&self) {
        self.judge(|_| None);
    }

    /// Waits this long before each request is looked at.
    pub(crate) fn delay(&self, delay: Duration) {
        *lock(&self.state.delay) = delay;
    }

    /// All requests so far, in the order of their arrival.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        lock(&self.state.asked).clone()
    }

    /// Those of them whose path contains `part`.
    pub(crate) fn asked_for(&self, part: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.path.contains(part)).collect()
    }
}

impl Drop for FaultProxy {
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
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Connection = Box<dyn Stream>;

async fn connection(socket: TcpStream, state: &State) -> io::Result<()> {
    socket.set_nodelay(true)?;
    match &state.tls {
        None => {
            let mut socket = socket;
            if converse(&mut socket, state).await? == End::Reset {
                socket.set_zero_linger()?;
            }
        }
        Some((acceptor, _)) => {
            let mut socket = acceptor.accept(socket).await?;
            if converse(&mut socket, state).await? == End::Reset {
                socket.get_ref().0.set_zero_linger()?;
            } else {
                socket.shutdown().await?;
            }
        }
    }
    Ok(())
}

/// How a connection ends.
#[derive(PartialEq, Eq)]
enum End {
    Closed,
    Reset,
}

async fn converse(client: &mut (dyn Stream + '_), state: &State) -> io::Result<End> {
    let (head, rest) = read_head(client).await?;
    let asked = Asked::parse(&head);
    lock(&state.asked).push(asked.clone());
    let delay = *lock(&state.delay);
    tokio::time::sleep(delay).await;

    let judge = Arc::clone(&lock(&state.judge));
    let fault = judge(&asked);
    match fault {
        Some(Fault::Reset) => return Ok(End::Reset),
        Some(Fault::Lost) => {
            tunnel(client, &head, &rest, state, true).await?;
            return Ok(End::Reset);
        }
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Answer(answer)) => send(client, &answer.head(), &answer.body, &answer).await?,
        None if asked.method != "GET" => tunnel(client, &head, &rest, state, false).await?,
        fault => {
            let (mut answer_head, mut body) = fetch(&head, state).await?;
            let length = i64::try_from(body.len()).unwrap_or(i64::MAX);
            let half = body.len() / 2;
            let mut announced = length;
            match fault {
                Some(Fault::Length(wrong)) => announced += wrong,
                Some(Fault::Flip(place)) => {
                    let place = place.unwrap_or(half);
                    body.get_mut(place).into_iter().for_each(|byte| *byte ^= 1);
                }
                _ => {}
            }
            write!(answer_head, "content-length: {announced}\r\nconnection: close\r\n\r\n")
                .expect("a String takes everything");
            client.write_all(answer_head.as_bytes()).await?;
            match fault {
                Some(Fault::Stall) => {
                    client.write_all(&body[..half]).await?;
                    client.flush().await?;
                    std::future::pending::<()>().await;
                }
                Some(Fault::Truncate) => client.write_all(&body[..half]).await?,
                Some(Fault::Trickle(piece, pause)) => {
                    for piece in body.chunks(piece) {
                        tokio::time::sleep(pause).await;
                        client.write_all(piece).await?;
                        client.flush().await?;
                    }
                }
                _ => client.write_all(&body).await?,
            }
        }
    }
    client.flush().await?;
    Ok(End::Closed)
}

impl Asked {
    fn parse(head: &str) -> Self {
        let mut words = head.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().to_owned();
        Self { method, path, authorization: header(head, "authorization") }
    }
}

impl Answer {
    fn head(&self) -> String {
        let length = self.announced.unwrap_or(self.body.len() as u64);
        let mut head =
            format!("HTTP/1.1 {} Fault\r\nconnection: close\r\ncontent-length: {length}\r\n", self.status);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").expect("a String takes everything");
        }
        head + "\r\n"
    }
}

/// The value of a header in a head.
fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// Reads up to the empty line, and what came with it behind that.
async fn read_head(stream: &mut (dyn Stream + '_)) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
        if bytes.len() > HEAD || stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

async fn send(client: &mut (dyn Stream + '_), head: &str, body: &[u8], answer: &Answer) -> io::Result<()> {
    client.write_all(head.as_bytes()).await?;
    client.write_all(body).await?;
    let mut left = answer.announced.unwrap_or_default().saturating_sub(body.len() as u64);
    let blanks = [b' '; 8 << 10];
    while left > 0 {
        let now = blanks.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        client.write_all(&blanks[..now]).await?;
        left -= now as u64;
    }
    Ok(())
}

async fn connect(state: &State) -> io::Result<Connection> {
    let socket = TcpStream::connect(&state.upstream).await?;
    socket.set_nodelay(true)?;
    let Some((_, connector)) = &state.tls else {
        return Ok(Box::new(socket));
    };
    let name = ServerName::try_from("127.0.0.1").map_err(io::Error::other)?;
    Ok(Box::new(connector.connect(name, socket).await?))
}

/// Passes a request on, with its body, and the answer back, unless that is to be `lost`.
async fn tunnel(
    client: &mut (dyn Stream + '_),
    head: &str,
    rest: &[u8],
    state: &State,
    lost: bool,
) -> io::Result<()> {
    let mut upstream = connect(state).await?;
    upstream.write_all(for_one_request(head, "HTTP/1.1").as_bytes()).await?;
    upstream.write_all(rest).await?;
    upstream.flush().await?;
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_upstream, mut to_upstream) = tokio::io::split(upstream);
    let body = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_upstream).await;
        // The client waits; that the answer has ended is the registry's to say.
        std::future::pending::<()>().await;
    };
    let answer = async {
        if lost {
            tokio::io::copy(&mut from_upstream, &mut tokio::io::sink()).await
        } else {
            tokio::io::copy(&mut from_upstream, &mut to_client).await
        }
    };
    tokio::select! {
        copied = answer => copied.map(drop),
        () = body => Ok(()),
    }
}

/// The registry's answer to a request without a body: its head without the headers about the connection, and its body.
async fn fetch(head: &str, state: &State) -> io::Result<(String, Vec<u8>)> {
    let mut upstream = connect(state).await?;
    upstream.write_all(for_one_request(head, "HTTP/1.0").as_bytes()).await?;
    upstream.flush().await?;
    let (head, mut body) = read_head(&mut *upstream).await?;
    match upstream.read_to_end(&mut body).await {
        // Without a farewell, which some servers leave out.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        outcome => drop(outcome?),
    }
    let kept: String = head
        .replacen("HTTP/1.0", "HTTP/1.1", 1)
        .split_inclusive("\r\n")
        .filter(|line| {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            !matches!(name.as_str(), "content-length" | "connection" | "\r\n")
        })
        .collect();
    Ok((kept, body))
}

/// The head of a request, in another version of HTTP, for a connection that ends with the answer.
fn for_one_request(head: &str, version: &str) -> String {
    let mut lines: Vec<_> = head
        .trim_end()
        .split("\r\n")
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"))
        .map(str::to_owned)
        .collect();
    if let Some(first) = lines.first_mut() {
        *first = first.replace("HTTP/1.1", version);
    }
    lines.join("\r\n") + "\r\nconnection: close\r\n\r\n"
}

#[test]
fn an_answer_is_the_registrys_own_unless_it_is_bent() {
    let registry = super::registry::Registry::open();
    let digest = super::oci::push(&registry, "acme/base", "1.0.0", b"the layer", &[], &[]);
    let proxy = FaultProxy::start(&registry.host(), None);
    let url = format!("http://{}/v2/acme/base/manifests/{digest}", proxy.host());
    let client = super::http::one_shot();
    let get = || {
        let accept = "application/vnd.oci.image.manifest.v1+json";
        super::http::block_on(async {
            let response = client.get(&url).header("accept", accept).send().await.map_err(drop)?;
            response.bytes().await.map_err(drop)
        })
    };
    let whole = get().expect("the manifest");
    assert_eq!(super::oci::digest(&whole), digest);

    for fault in [Fault::Reset, Fault::Truncate, Fault::Length(1)] {
        proxy.fail("/manifests/", 1, fault);
        assert_eq!(get(), Err(()), "the client notices");
        assert_eq!(get().as_ref(), Ok(&whole), "once means once");
    }
    proxy.fail("/manifests/", 1, Fault::Length(-1));
    assert_eq!(get().expect("a body").len(), whole.len() - 1);
    proxy.fail("/manifests/", 1, Fault::Flip(None));
    let flipped = get().expect("a body");
    let differing: u32 = flipped.iter().zip(&whole).map(|(a, b)| (a ^ b).count_ones()).sum();
    assert_eq!((flipped.len(), differing), (whole.len(), 1));
    proxy.fail("/tags/", 1, Fault::status(500));
    assert_eq!(get().as_ref(), Ok(&whole), "of another request");
    assert_eq!(proxy.asked_for("/manifests/").len(), proxy.asked().len());
}
