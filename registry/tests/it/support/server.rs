//! A small HTTP server that records what it is asked: in front of a registry, or in its place.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Response, StatusCode, Version};
use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) version: Version,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(&format!("http://localhost{}", self.path)).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    pub(crate) fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }
}

/// An answer to give.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    break_off: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends the body, promises more and closes the connection.
    pub(crate) fn break_off(mut self) -> Self {
        self.break_off = true;
        self
    }

    fn response(self) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        if self.break_off {
            response = response.header("content-length", self.body.len() + 1000);
            let pieces: [Result<Bytes, std::io::Error>; 2] =
                [Ok(self.body), Err(std::io::Error::other("broken off"))];
            return response.body(Body::from_stream(futures::stream::iter(pieces))).unwrap();
        }
        response.body(Body::from(self.body)).unwrap()
    }
}

type Answering = dyn Fn(&Asked) -> Option<Answer> + Send + Sync;

pub(crate) struct Server {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// A server that answers by `answering`; 404 where that has no answer.
    pub(crate) async fn start(answering: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Self {
        Self::serve(None, Arc::new(answering), None).await
    }

    /// A server in front of another one, which only counts.
    pub(crate) async fn counting(upstream: &str) -> Self {
        Self::in_front_of(upstream, |_| None).await
    }

    /// A server that passes to another one what `answering` has no answer for.
    pub(crate) async fn in_front_of(
        upstream: &str,
        answering: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        Self::serve(Some(upstream.to_owned()), Arc::new(answering), None).await
    }

    /// A server that is a whole application.
    pub(crate) async fn app(app: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, asked: Arc::default(), task }
    }

    /// A server that passes everything to another one, and speaks TLS itself.
    pub(crate) async fn tls_in_front_of(upstream: &str, acceptor: TlsAcceptor) -> Self {
        Self::serve(Some(upstream.to_owned()), Arc::new(|_: &Asked| None), Some(acceptor)).await
    }

    async fn serve(
        upstream: Option<String>,
        answering: Arc<Answering>,
        acceptor: Option<TlsAcceptor>,
    ) -> Self {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let seen = Arc::clone(&asked);
        let is_tls = acceptor.is_some();
        let app = Router::new().fallback(move |request: Request| {
            let (upstream, answering, seen, client) =
                (upstream.clone(), Arc::clone(&answering), Arc::clone(&seen), client.clone());
            async move {
                let (mut parts, body) = request.into_parts();
                if is_tls {
                    // A registry behind this one names its own places after these.
                    parts.headers.insert("x-forwarded-proto", "https".parse().unwrap());
                    if let Some(authority) = parts.uri.authority() {
                        parts.headers.insert("host", authority.as_str().parse().unwrap());
                    }
                }
                // HTTP/2 has the host in the address, and so has what is asked of a proxy.
                let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                let ask = Asked {
                    method: parts.method.to_string(),
                    path: path.to_owned(),
                    headers: parts.headers,
                    version: parts.version,
                    body: to_bytes(body, usize::MAX).await.unwrap(),
                };
                seen.lock().unwrap().push(ask.clone());
                match (answering(&ask), upstream) {
                    (Some(answer), _) => answer.response(),
                    (None, Some(upstream)) => pass(&client, &upstream, ask).await,
                    (None, None) => Answer::new(404, "").response(),
                }
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move {
            match acceptor {
                None => axum::serve(listener, app).await.unwrap(),
                Some(acceptor) => loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    tokio::spawn(over_tls(acceptor.clone(), stream, app.clone()));
                },
            }
        });
        Self { address, asked, task }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What was asked since the last call, as "GET /path?query".
    pub(crate) fn take(&self) -> Vec<String> {
        self.take_all().into_iter().map(|ask| format!("{} {}", ask.method, ask.path)).collect()
    }

    pub(crate) fn take_all(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one connection in the version of HTTP that the client chose. That it ends with an error is the client's
/// business: it may not like the certificate.
async fn over_tls(acceptor: TlsAcceptor, stream: TcpStream, app: Router) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let (stream, service) = (TokioIo::new(stream), TowerToHyperService::new(app));
    let _ = if is_http2 {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await
    } else {
        hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await
    };
}

async fn pass(client: &reqwest::Client, upstream: &str, ask: Asked) -> Response<Body> {
    let method = ask.method.parse::<reqwest::Method>().unwrap();
    let mut headers = ask.headers;
    headers.remove("transfer-encoding");
    let answer = client
        .request(method, format!("http://{upstream}{}", ask.path))
        .headers(headers)
        .body(ask.body)
        .send()
        .await
        .unwrap();
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status().as_u16()).unwrap());
    let hop: [HeaderName; 3] = [
        HeaderName::from_static("transfer-encoding"),
        HeaderName::from_static("connection"),
        HeaderName::from_static("content-length"),
    ];
    for (name, value) in answer.headers() {
        if !hop.contains(name) {
            response = response.header(name, value);
        }
    }
    response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
}
