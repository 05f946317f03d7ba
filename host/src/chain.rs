//! Local service chaining: requests from one component of the app to another, without the network.
//!
//! `http://ID.spin.internal/path` goes to the component `ID`, also one with a private route only; `http://self/path`, or
//! `self.alt` for clients that want a dot in a host, to the app's own routes. As in Spin, the component that asks must be
//! allowed the host. It gets an instance of its own rights: nothing of who asks comes with a request.
//!
//! Components can ask each other in a circle. Each step away from the client is therefore served by instances of its own,
//! made by the handlers of the next [`Server`] in a row, and those of the last one can go no further. So the length of a
//! chain is known without a header, which a guest could drop or forge.

use std::sync::Arc;

use http::{Request, Response, Uri, uri::Authority};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::server::Server;

/// The number of components in a chain.
pub(crate) const LONGEST: usize = 8;

const INTERNAL: &str = ".spin.internal";
const SELF: [&str; 2] = ["self", "self.alt"];

/// Where a request within the app goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// To the component with this id.
    Component(String),
    /// To the app's routes.
    App,
}

/// Where in the app a URL leads; `None` when it leads elsewhere.
pub(crate) fn place(uri: &Uri) -> Option<Place> {
    let host = uri.host()?.to_ascii_lowercase();
    if SELF.contains(&host.as_str()) {
        return Some(Place::App);
    }
    host.strip_suffix(INTERNAL).map(|id| Place::Component(id.to_owned()))
}

/// Asks within the app. `next` serves the next step of the chain.
pub(crate) async fn ask(
    next: Option<Arc<Server>>,
    place: Place,
    mut request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Error> {
    let server = next.ok_or(Error::LoopDetected)?;
    match place {
        Place::Component(_) if request.uri().scheme_str() != Some("http") => Err(Error::HttpProtocolError),
        Place::Component(id) => server.ask_component(&id, request).await.ok_or(Error::DestinationNotFound),
        Place::App => {
            let mut parts = std::mem::take(request.uri_mut()).into_parts();
            parts.authority = server.address().to_string().parse::<Authority>().ok();
            *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)?;
            Ok(server.answer(request, server.address()).await)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_the_app_are_told_from_others() {
        let place = |uri: &str| place(&uri.parse().unwrap());
        assert_eq!(place("http://back-end.spin.internal/x"), Some(Place::Component("back-end".into())));
        assert_eq!(place("http://Back.Spin.Internal:80/"), Some(Place::Component("back".into())));
        assert_eq!(place("http://self/x"), Some(Place::App));
        assert_eq!(place("http://self.alt/x"), Some(Place::App));
        for elsewhere in
            ["http://spin.internal/", "http://self.example.com/", "http://a.spin.internal.com/", "/x"]
        {
            assert_eq!(place(elsewhere), None, "{elsewhere}");
        }
    }
}
