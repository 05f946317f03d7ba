//! The middleware `__PACKAGE__`: it adds a header to every response.

wit_bindgen::generate!({ path: "wit", world: "middleware", generate_all });

use exports::wasi::http::handler::Guest;
use wasi::http::{
    handler,
    types::{ErrorCode, Request, Response},
};

struct Component;

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let response = handler::handle(request).await?;
        let status = response.get_status_code();
        // The headers of a response that came in cannot be changed: the answer is a new one around the same body.
        let headers = response.get_headers().clone();
        headers
            .append("x-middleware", b"__PACKAGE__")
            .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
        let (_, received) = wit_future::new(|| Ok(()));
        let (body, trailers) = Response::consume_body(response, received);
        let (answer, _) = Response::new(headers, Some(body), trailers);
        answer.set_status_code(status).expect("it is the status of a response");
        Ok(answer)
    }
}

export!(Component);
