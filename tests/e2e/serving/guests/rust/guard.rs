//! Middleware of WASIp3 that does all that middleware can do.
//!
//! It answers itself where there is no `authorization`, tells the app who asks (`x-user`) and the client who guards
//! (`x-realm`, from the environment), and, for `x-shout`, makes both bodies upper-case as they pass. For `x-leave` it gives
//! up half-way: it has called the app and answers something else.

wit_bindgen::generate!({ path: "wit", world: "guard", generate_all });

use exports::wasi::http::handler::Guest;
use wasi::{
    cli::environment::get_environment,
    http::{
        handler,
        types::{ErrorCode, Fields, HeaderError, Request, Response},
    },
};
use wit_bindgen::{StreamReader, StreamResult, spawn_local};

struct Guard;

impl Guest for Guard {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let headers = request.get_headers();
        let user = headers.get("authorization").pop();
        let realm = get_environment().into_iter().find(|(name, _)| name == "REALM");
        let realm = realm.map_or_else(|| "unknown".to_owned(), |(_, value)| value);
        let Some(user) = user else {
            let given = Fields::new();
            given.append("x-realm", realm.as_bytes()).map_err(misfit)?;
            return refused(given);
        };
        let shout = headers.has("x-shout");
        let leave = headers.has("x-leave");

        let headers = headers.clone();
        headers.delete("authorization").map_err(misfit)?;
        headers.set("x-user", &[user]).map_err(misfit)?;
        let (method, path) = (request.get_method(), request.get_path_with_query());
        let (scheme, authority) = (request.get_scheme(), request.get_authority());
        let (_, received) = wit_future::new(|| Ok(()));
        let (body, trailers) = Request::consume_body(request, received);
        let body = if shout { louder(body) } else { body };
        let (passed, _) = Request::new(headers, Some(body), trailers, None);
        let unfit = |()| ErrorCode::HttpRequestUriInvalid;
        passed.set_method(&method).map_err(unfit)?;
        passed.set_path_with_query(path.as_deref()).map_err(unfit)?;
        passed.set_scheme(scheme.as_ref()).map_err(unfit)?;
        passed.set_authority(authority.as_deref()).map_err(unfit)?;

        let response = handler::handle(passed).await?;
        if leave {
            return refused(Fields::new());
        }
        let status = response.get_status_code();
        let headers = response.get_headers().clone();
        headers.append("x-realm", realm.as_bytes()).map_err(misfit)?;
        let (_, received) = wit_future::new(|| Ok(()));
        let (body, trailers) = Response::consume_body(response, received);
        let body = if shout { louder(body) } else { body };
        let answer = Response::new(headers, Some(body), trailers).0;
        let _ = answer.set_status_code(status);
        Ok(answer)
    }
}

export!(Guard);

fn refused(headers: Fields) -> Result<Response, ErrorCode> {
    let (_, trailers) = wit_future::new(|| Ok(None));
    let answer = Response::new(headers, None, trailers).0;
    let _ = answer.set_status_code(401);
    Ok(answer)
}

fn misfit(error: HeaderError) -> ErrorCode {
    ErrorCode::InternalError(Some(error.to_string()))
}

fn louder(mut body: StreamReader<u8>) -> StreamReader<u8> {
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        loop {
            let (result, mut chunk) = body.read(Vec::with_capacity(64 << 10)).await;
            chunk.make_ascii_uppercase();
            if !writer.write_all(chunk).await.is_empty() || !matches!(result, StreamResult::Complete(_)) {
                return;
            }
        }
    });
    reader
}
