//! The app of `p3.rs` in WASIp2, as far as that can: it answers before it has read the request, and waits where it reads.

wit_bindgen::generate!({ path: "wit", world: "p2", generate_all });

use acme::hello::greet::greet;
use wasip2::{
    exports::http::incoming_handler::Guest,
    http::{
        outgoing_handler,
        types::{
            ErrorCode, Fields, FutureTrailers, IncomingBody, IncomingRequest, OutgoingBody, OutgoingRequest,
            OutgoingResponse, ResponseOutparam, Scheme,
        },
    },
    io::streams::{InputStream, OutputStream, StreamError},
};

const CHUNK: usize = 64 << 10;

struct App;

impl Guest for App {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        // What comes after the route, as Spin and its like say it.
        let path = request.headers().get("spin-path-info").pop().unwrap_or_default();
        let path = String::from_utf8_lossy(&path);
        let path = path.trim_start_matches('/');
        let (what, rest) = path.split_once('/').unwrap_or((path, ""));
        match what {
            "greet" => text(out, 200, &greet(rest)),
            "echo" => echo(request, out, false),
            "pass" => echo(request, out, true),
            "count" => count(&request, out),
            "bytes" => bytes(out, rest.parse().unwrap_or_default()),
            "endless" => bytes(out, usize::MAX),
            "status" => empty(out, rest.parse().unwrap_or(500), Fields::new()),
            "headers" => headers(out, rest.parse().unwrap_or_default()),
            "proxy" => match proxy(&request, rest) {
                Ok(answer) => answer(out),
                Err(error) => ResponseOutparam::set(out, Err(error)),
            },
            _ => text(out, 404, &format!("nothing at /{path}\n")),
        }
    }
}

wasip2::http::proxy::export!(App);

/// Sends the head of the answer, and gives its body.
fn begin(out: ResponseOutparam, status: u16, headers: Fields) -> Option<OutgoingBody> {
    let response = OutgoingResponse::new(headers);
    if response.set_status_code(status).is_err() {
        ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some(format!("{status} is no status")))));
        return None;
    }
    let body = response.body().expect("the first body");
    ResponseOutparam::set(out, Ok(response));
    Some(body)
}

/// An answer without a body.
fn empty(out: ResponseOutparam, status: u16, headers: Fields) {
    if let Some(body) = begin(out, status, headers) {
        let _ = OutgoingBody::finish(body, None);
    }
}

fn text(out: ResponseOutparam, status: u16, text: &str) {
    let body = begin(out, status, Fields::new()).expect("a good status");
    let stream = body.write().expect("the first stream");
    let _ = write(&stream, text.as_bytes());
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// Writes as much at once as there is room for.
fn write(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    let ready = stream.subscribe();
    while !bytes.is_empty() {
        ready.block();
        let room = usize::try_from(stream.check_write()?).unwrap_or(CHUNK).min(bytes.len());
        let (now, later) = bytes.split_at(room);
        stream.write(now)?;
        bytes = later;
    }
    stream.flush()
}

fn headers(out: ResponseOutparam, count: usize) {
    let headers = Fields::new();
    for index in 0..count {
        headers.append(&format!("x-{index}"), b"value").expect("a good header");
    }
    empty(out, 200, headers);
}

fn bytes(out: ResponseOutparam, count: usize) {
    let body = begin(out, 200, Fields::new()).expect("a good status");
    let stream = body.write().expect("the first stream");
    let chunk = vec![b'x'; CHUNK];
    let mut left = count;
    while left > 0 {
        let now = left.min(CHUNK);
        if write(&stream, &chunk[..now]).is_err() {
            return;
        }
        left -= now;
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// The headers that are the sender's own, and what tells of the body.
fn copied(from: &Fields) -> Fields {
    let own = |(name, _): &(String, Vec<u8>)| {
        name.starts_with("x-") || ["content-type", "trailer"].contains(&name.as_str())
    };
    let entries: Vec<_> = from.entries().into_iter().filter(own).collect();
    Fields::from_list(&entries).expect("headers that came")
}

fn echo(request: IncomingRequest, out: ResponseOutparam, unseen: bool) {
    let headers = copied(&request.headers());
    let method = format!("{:?}", request.method());
    headers.append("x-method", method.as_bytes()).expect("a good header");
    let body = begin(out, 200, headers).expect("a good status");
    let stream = body.write().expect("the first stream");
    let given = request.consume().expect("the first body");
    if copy(&given, &stream, unseen).is_err() {
        return;
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, trailers(given));
}

/// Copies a body, through this component's memory or without a look at it.
fn copy(from: &IncomingBody, to: &OutputStream, unseen: bool) -> Result<(), StreamError> {
    let from = from.stream().expect("the first stream");
    loop {
        let copied = if unseen {
            to.blocking_splice(&from, CHUNK as u64).map(drop)
        } else {
            from.blocking_read(CHUNK as u64).and_then(|chunk| write(to, &chunk))
        };
        match copied {
            Ok(()) => {}
            Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn trailers(body: IncomingBody) -> Option<Fields> {
    let trailers: FutureTrailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    // Trailers cannot be passed on as they are: what came in cannot be changed, and belongs to the body.
    trailers.get()?.ok()?.ok()?.map(|it| Fields::from_list(&it.entries()).expect("headers that came"))
}

fn read(stream: &InputStream) -> Option<Vec<u8>> {
    stream.blocking_read(CHUNK as u64).ok()
}

fn count(request: &IncomingRequest, out: ResponseOutparam) {
    let body = request.consume().expect("the first body");
    let stream = body.stream().expect("the first stream");
    let mut count = 0;
    while let Some(chunk) = read(&stream) {
        count += chunk.len();
    }
    text(out, 200, &count.to_string());
}

/// Sends the request on, and gives what sends the answer back.
fn proxy(request: &IncomingRequest, to: &str) -> Result<impl FnOnce(ResponseOutparam) + use<>, ErrorCode> {
    let (authority, path) = to.split_once('/').unwrap_or((to, ""));
    let sent = OutgoingRequest::new(copied(&request.headers()));
    let unfit = |()| ErrorCode::HttpRequestUriInvalid;
    sent.set_method(&request.method()).map_err(unfit)?;
    sent.set_scheme(Some(&Scheme::Http)).map_err(unfit)?;
    sent.set_authority(Some(authority)).map_err(unfit)?;
    sent.set_path_with_query(Some(&format!("/{path}"))).map_err(unfit)?;
    let body = sent.body().expect("the first body");
    let response = outgoing_handler::handle(sent, None)?;
    {
        let stream = body.write().expect("the first stream");
        let given = request.consume().expect("the first body");
        copy(&given, &stream, false).map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
        drop(stream);
        OutgoingBody::finish(body, trailers(given))?;
    }
    response.subscribe().block();
    let response = response.get().expect("it is there").expect("the first time")?;
    Ok(move |out| {
        let body = begin(out, response.status(), copied(&response.headers())).expect("a status that came");
        let stream = body.write().expect("the first stream");
        let given = response.consume().expect("the first body");
        if copy(&given, &stream, false).is_ok() {
            drop(stream);
            let _ = OutgoingBody::finish(body, trailers(given));
        }
    })
}
