//! Connections: HTTP/1.1, and HTTP/2 of clients that begin with it, on the same port.
//!
//! A client may be as slow as it likes with a body, whose bytes wait in the connection until the other side takes
//! them. What it may not do is hold a connection without asking anything.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http::{HeaderValue, Method, Response, Version, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    body::{Body as _, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinSet,
};
use wasmtime_wasi_http::WasiBody;

use crate::server::Server;

/// How many connections are open at a time; the next ones wait until one closes.
const MOST_CONNECTIONS: usize = 10_000;

/// How long a new connection may stay without a request, and how long the head of a request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Accepts connections until it is told to stop, and then ends with the last of them.
pub(crate) async fn accept(listener: TcpListener, server: Arc<Server>, mut stop: watch::Receiver<bool>) {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    // A client that has nothing to ask may stay in HTTP/2, if it is still there.
    http.http2().timer(TokioTimer::new()).keep_alive_interval(PATIENCE);
    let http = Arc::new(http);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = told(&mut stop) => break,
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, client)) => {
                    let connection =
                        Connection { client, server: Arc::clone(&server), http: Arc::clone(&http) };
                    connections.spawn(connection.serve(stream, stop.clone()));
                }
                Err(error) => {
                    // Mostly that there are no file descriptors left; some will be free in a moment.
                    tracing::warn!("a connection was not accepted: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Ends when `stop` becomes true, or nobody is left to say so.
pub(crate) async fn told(stop: &mut watch::Receiver<bool>) {
    // The guard that `wait_for` gives is dropped here, since it must not be held while waiting for more.
    drop(stop.wait_for(|stop| *stop).await);
}

struct Connection {
    client: SocketAddr,
    server: Arc<Server>,
    http: Arc<Builder<TokioExecutor>>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, mut stop: watch::Receiver<bool>) {
        let client = self.client;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("{client}: {error}");
        }
        let asked = Arc::new(Notify::new());
        let service = service_fn(|request| {
            let (server, asked) = (Arc::clone(&self.server), Arc::clone(&asked));
            async move {
                asked.notify_one();
                Ok::<_, Infallible>(answer(&server, request, client).await)
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let patience = async {
            if tokio::time::timeout(PATIENCE, asked.notified()).await.is_ok() {
                std::future::pending::<()>().await;
            }
        };
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = patience => return,
            () = told(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!("{client}: {error}");
        }
    }
}

async fn answer(server: &Server, request: http::Request<Incoming>, client: SocketAddr) -> Response<WasiBody> {
    let bodiless = request.version() == Version::HTTP_2 && request.method() == Method::HEAD;
    let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
    let response = server.answer(request, client).await;
    if bodiless { without_body(response) } else { response }
}

/// The answer to HEAD. hyper leaves the body out of it in HTTP/1.1, but not in HTTP/2.
fn without_body(response: Response<WasiBody>) -> Response<WasiBody> {
    let (mut head, body) = response.into_parts();
    if let Some(size) = body.size_hint().exact().filter(|size| *size > 0) {
        head.headers.entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(size));
    }
    Response::from_parts(head, Empty::new().map_err(|never| match never {}).boxed_unsync())
}
