//! A small HTTP client, to ask a running app what `verify` wants to know.
//!
//! One connection for one request, no redirects, no proxies, and an end to everything: to the time and to the size.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::error::HostError;

/// The largest body of an answer, in bytes.
const LARGEST: usize = 16 << 20;

/// How long an answer may take. It is longer than the time that the server gives a request by default, so that the
/// server's own answer to a slow guest arrives.
const LONGEST: Duration = Duration::from_mins(1);

/// A request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// The method, for example `GET`.
    pub method: String,
    /// The path and query, for example `/hello?to=you`.
    pub path: String,
    /// The headers, by name and value. Without a `host` among them, it is the address.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Default for Request {
    fn default() -> Self {
        Self { method: "GET".to_owned(), path: "/".to_owned(), headers: Vec::new(), body: Bytes::new() }
    }
}

/// A response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, by name in lower case and value, in the order of arrival. What is not UTF-8 is replaced.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// Asks the server at `address`.
///
/// # Errors
/// When the request cannot be sent, there is no answer within a minute, or it is larger than 16 MiB. A status such as
/// 500 is an answer, not an error.
pub async fn ask(address: SocketAddr, request: &Request) -> Result<Response, HostError> {
    let message = message(address, request).map_err(|reason| HostError::BadRequest {
        method: request.method.clone(),
        path: request.path.clone(),
        reason,
    })?;
    match tokio::time::timeout(LONGEST, exchange(address, message)).await {
        Ok(answer) => answer,
        Err(_) => Err(HostError::AskTimeout { address, after: LONGEST }),
    }
}

fn message(address: SocketAddr, request: &Request) -> Result<http::Request<Full<Bytes>>, String> {
    if !request.path.starts_with('/') {
        return Err("the path does not begin with `/`".to_owned());
    }
    let method: Method =
        request.method.parse().map_err(|_| format!("`{}` is not a method", request.method))?;
    let mut message = http::Request::builder()
        .method(method)
        .uri(&request.path)
        .body(Full::new(request.body.clone()))
        .map_err(|_| "the path has characters that a URL cannot have".to_owned())?;
    for (name, value) in &request.headers {
        let name: HeaderName = name.parse().map_err(|_| format!("`{name}` is not the name of a header"))?;
        let value: HeaderValue =
            value.parse().map_err(|_| format!("the header `{name}` has characters that cannot be sent"))?;
        message.headers_mut().append(name, value);
    }
    if !message.headers().contains_key(header::HOST) {
        let host = address.to_string().parse().map_err(|_| "the address is no host".to_owned())?;
        message.headers_mut().insert(header::HOST, host);
    }
    Ok(message)
}

async fn exchange(address: SocketAddr, message: http::Request<Full<Bytes>>) -> Result<Response, HostError> {
    let failed = |reason: String| HostError::Ask { address, reason };
    let stream = TcpStream::connect(address).await.map_err(|error| failed(error.to_string()))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(error.to_string()))?;
    let answer = async {
        let response = sender.send_request(message).await.map_err(|error| failed(error.to_string()))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LARGEST).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                HostError::AnswerTooLarge { address, limit: LARGEST }
            } else {
                failed(format!("the answer ends too early: {error}"))
            }
        })?;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        Ok(Response { status: parts.status.as_u16(), headers, body: body.to_bytes() })
    };
    // The connection moves the bytes, so it is polled beside the answer; what ends it shows in the answer.
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        answer = answer.as_mut() => answer,
        _ = connection => answer.await,
    }
}
