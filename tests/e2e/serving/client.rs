//! An HTTP client that shows what others hide: trailers, the end of a body before its beginning is answered, and what
//! is sent on a connection byte by byte.

use std::convert::Infallible;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, sync::mpsc};

/// What is sent.
pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A connection of one of the two protocols.
pub(super) enum Connection {
    One(http1::SendRequest<Body>),
    Two(http2::SendRequest<Body>),
}

impl Connection {
    /// HTTP/1.1.
    pub(super) async fn one(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let (sender, connection) = http1::Builder::new()
            .max_headers(5000)
            .handshake(TokioIo::new(stream))
            .await
            .expect("a connection that is new");
        tokio::spawn(connection);
        Self::One(sender)
    }

    /// HTTP/2, known to be there.
    pub(super) async fn two(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(1 << 20)
            .handshake(TokioIo::new(stream))
            .await
            .expect("a server of HTTP/2");
        tokio::spawn(connection);
        Self::Two(sender)
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(&mut self, mut request: Request<Body>, address: &str) -> Response<Incoming> {
        match self {
            Self::One(sender) => {
                request.headers_mut().insert("host", address.parse().expect("a host"));
                sender.ready().await.expect("a connection that is free");
                sender.send_request(request).await.expect("an answer")
            }
            Self::Two(sender) => {
                let uri = format!("http://{address}{}", request.uri());
                *request.uri_mut() = uri.parse().expect("a URL");
                sender.ready().await.expect("a connection with room for a stream");
                sender.clone().send_request(request).await.expect("an answer")
            }
        }
    }
}

pub(super) fn empty() -> Body {
    Empty::new().boxed_unsync()
}

pub(super) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// A body of what is sent through a channel of no size.
pub(super) fn channel() -> (mpsc::Sender<Frame<Bytes>>, Body) {
    let (sender, mut receiver) = mpsc::channel(1);
    let frames = futures::stream::poll_fn(move |cx| receiver.poll_recv(cx).map(|frame| frame.map(Ok)));
    (sender, StreamBody::new(frames).boxed_unsync())
}

/// A body of so many bytes, made as they are sent.
pub(super) fn long(bytes: usize) -> Body {
    let chunk = Bytes::from(vec![b'y'; 256 << 10]);
    let mut left = bytes;
    let frames = std::iter::from_fn(move || {
        let now = chunk.slice(..left.min(chunk.len()));
        left -= now.len();
        (!now.is_empty()).then_some(Ok(Frame::data(now)))
    });
    StreamBody::new(futures::stream::iter(frames)).boxed_unsync()
}

/// Reads a body to its end: its bytes and its trailers.
pub(super) async fn read(response: Response<Incoming>) -> (Bytes, Option<HeaderMap>) {
    let body = response.into_body().collect().await.expect("a whole body");
    let trailers = body.trailers().cloned();
    (body.to_bytes(), trailers)
}

/// Reads a body to its end and counts it, of which nothing is kept.
pub(super) async fn count(response: Response<Incoming>) -> usize {
    let mut body = Pin::new(Box::new(response.into_body()));
    let mut count = 0;
    while let Some(frame) = body.frame().await {
        count += frame.expect("a whole body").data_ref().map_or(0, Bytes::len);
    }
    count
}
