//! Shows what was changed in a text: `/?before=the+old+text&after=the+new+one`.
//!
//! The words are compared in Python, counted in C and put on a page in JavaScript, each in a component of its own.

mod spin_dependencies;

use spin_dependencies::acme::{
    changes::words::{Part, compare},
    page::html::{Piece, render},
};
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct App;

impl wasip2::exports::http::incoming_handler::Guest for App {
    fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
        let query = request.path_with_query().unwrap_or_default();
        let page = page(&parameter(&query, "before"), &parameter(&query, "after"));
        let headers = Fields::new();
        let html = "text/html; charset=utf-8".as_bytes().to_vec();
        headers.append("content-type", &html).expect("a new header");
        let response = OutgoingResponse::new(headers);
        let body = response.body().expect("the first body");
        ResponseOutparam::set(outparam, Ok(response));
        let stream = body.write().expect("the first stream");
        for part in page.as_bytes().chunks(4096) {
            if stream.blocking_write_and_flush(part).is_err() {
                // The client went away.
                return;
            }
        }
        drop(stream);
        // It fails only for a client that went away.
        let _ = OutgoingBody::finish(body, None);
    }
}

wasip2::http::proxy::export!(App);

/// The page that shows both texts.
fn page(before: &str, after: &str) -> String {
    let comparison = compare(before, after);
    let pieces: Vec<Piece> = comparison.parts.into_iter().map(piece).collect();
    render("Changes", &pieces, &comparison.summary)
}

fn piece(part: Part) -> Piece {
    let (text, element) = match part {
        Part::Kept(text) => (text, None),
        Part::Added(text) => (text, Some("ins".to_owned())),
        Part::Removed(text) => (text, Some("del".to_owned())),
    };
    Piece { text, element }
}

/// The value of a parameter of the query.
fn parameter(path_with_query: &str, name: &str) -> String {
    let query = path_with_query.split_once('?').map_or("", |(_, query)| query);
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    decoded(value.unwrap_or_default())
}

/// The text that a form sent: `+` for a space, `%3C` for `<`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let text = text.replace('+', " ");
    let mut parts = text.split('%');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        match part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(part.bytes().skip(2));
            }
            None => bytes.extend(format!("%{part}").bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
