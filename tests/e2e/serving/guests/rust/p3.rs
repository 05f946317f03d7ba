//! An app of WASIp3 that does with HTTP whatever a path asks for.
//!
//! `/greet/NAME` calls the dependency · `/echo` gives headers, body and trailers back, the body through this component's
//! memory · `/pass` the same without looking at the body · `/count` reads the body and tells its length · `/bytes/N` answers
//! with so many bytes · `/endless` with bytes for ever · `/status/N` with a status and no body · `/headers/N` with so many
//! headers · `/proxy/HOST:PORT/PATH` passes request and response on.

wit_bindgen::generate!({ path: "wit", world: "p3", generate_all });

use acme::hello::greet::greet;
use exports::wasi::http::handler::Guest;
use wasi::http::{
    client,
    types::{ErrorCode, Fields, Request, Response, Scheme},
};
use wit_bindgen::{StreamReader, StreamResult, StreamWriter, spawn_local};

const CHUNK: usize = 64 << 10;

type Answer = Result<Response, ErrorCode>;

struct App;

impl Guest for App {
    async fn handle(request: Request) -> Answer {
        // What comes after the route, as Spin and its like say it.
        let path = request.get_headers().get("spin-path-info").pop().unwrap_or_default();
        let path = String::from_utf8_lossy(&path).trim_start_matches('/').to_owned();
        let (what, rest) = path.split_once('/').unwrap_or((&path, ""));
        match what {
            "greet" => text(200, greet(rest)),
            "echo" => echo(request),
            "pass" => pass(request),
            "count" => count(request).await,
            "bytes" => bytes(number(rest)),
            "endless" => bytes(usize::MAX),
            "status" => status(rest.parse().unwrap_or(500)),
            "headers" => headers(number(rest)),
            "proxy" => proxy(request, rest).await,
            _ => text(404, format!("nothing at /{path}\n")),
        }
    }
}

export!(App);

fn number(text: &str) -> usize {
    text.parse().unwrap_or_default()
}

fn answer(headers: Fields, body: Option<StreamReader<u8>>) -> Response {
    let (_, trailers) = wit_future::new(|| Ok(None));
    Response::new(headers, body, trailers).0
}

fn text(status: u16, text: String) -> Answer {
    let (writer, reader) = wit_stream::new();
    spawn_local(write(writer, text.into_bytes()));
    let response = answer(Fields::new(), Some(reader));
    let _ = response.set_status_code(status);
    Ok(response)
}

async fn write(mut writer: StreamWriter<u8>, bytes: Vec<u8>) {
    // What is left is what a client that went away did not want.
    writer.write_all(bytes).await;
}

fn status(status: u16) -> Answer {
    let response = answer(Fields::new(), None);
    match response.set_status_code(status) {
        Ok(()) => Ok(response),
        Err(()) => Err(ErrorCode::InternalError(Some(format!("{status} is no status")))),
    }
}

fn headers(count: usize) -> Answer {
    let headers = Fields::new();
    for index in 0..count {
        headers.append(&format!("x-{index}"), b"value").map_err(misfit)?;
    }
    Ok(answer(headers, None))
}

fn bytes(count: usize) -> Answer {
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        let mut left = count;
        while left > 0 {
            let chunk = vec![b'x'; left.min(CHUNK)];
            left -= chunk.len();
            if !writer.write_all(chunk).await.is_empty() {
                return;
            }
        }
    });
    Ok(answer(Fields::new(), Some(reader)))
}

/// The headers that are the sender's own, and what tells of the body.
fn copied(from: &Fields) -> Result<Fields, ErrorCode> {
    let own = |(name, _): &(String, Vec<u8>)| {
        name.starts_with("x-") || ["content-type", "trailer"].contains(&name.as_str())
    };
    let entries: Vec<_> = from.copy_all().into_iter().filter(own).collect();
    Fields::from_list(&entries).map_err(misfit)
}

fn misfit(error: wasi::http::types::HeaderError) -> ErrorCode {
    ErrorCode::InternalError(Some(error.to_string()))
}

fn echo(request: Request) -> Answer {
    let headers = copied(&request.get_headers())?;
    let method = format!("{:?}", request.get_method());
    headers.append("x-method", method.as_bytes()).map_err(misfit)?;
    let (_, received) = wit_future::new(|| Ok(()));
    let (mut body, trailers) = Request::consume_body(request, received);
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        loop {
            let (result, chunk) = body.read(Vec::with_capacity(CHUNK)).await;
            if !writer.write_all(chunk).await.is_empty() || !matches!(result, StreamResult::Complete(_)) {
                return;
            }
        }
    });
    Ok(Response::new(headers, Some(reader), trailers).0)
}

fn pass(request: Request) -> Answer {
    let headers = copied(&request.get_headers())?;
    let (_, received) = wit_future::new(|| Ok(()));
    let (body, trailers) = Request::consume_body(request, received);
    Ok(Response::new(headers, Some(body), trailers).0)
}

async fn count(request: Request) -> Answer {
    let (_, received) = wit_future::new(|| Ok(()));
    let (mut body, _) = Request::consume_body(request, received);
    let mut count = 0;
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        let (result, read) = body.read(chunk).await;
        count += read.len();
        if !matches!(result, StreamResult::Complete(_)) {
            return text(200, count.to_string());
        }
        chunk = read;
        chunk.clear();
    }
}

async fn proxy(request: Request, to: &str) -> Answer {
    let (authority, path) = to.split_once('/').unwrap_or((to, ""));
    let method = request.get_method();
    let headers = copied(&request.get_headers())?;
    let (_, received) = wit_future::new(|| Ok(()));
    let (body, trailers) = Request::consume_body(request, received);
    let (sent, _) = Request::new(headers, Some(body), trailers, None);
    let unfit = |()| ErrorCode::HttpRequestUriInvalid;
    sent.set_method(&method).map_err(unfit)?;
    sent.set_scheme(Some(&Scheme::Http)).map_err(unfit)?;
    sent.set_authority(Some(authority)).map_err(unfit)?;
    sent.set_path_with_query(Some(&format!("/{path}"))).map_err(unfit)?;
    let response = client::send(sent).await?;
    let status = response.get_status_code();
    let headers = copied(&response.get_headers())?;
    let (_, received) = wit_future::new(|| Ok(()));
    let (body, trailers) = Response::consume_body(response, received);
    let answer = Response::new(headers, Some(body), trailers).0;
    let _ = answer.set_status_code(status);
    Ok(answer)
}
