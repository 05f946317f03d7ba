//! Apps in a line or two, and what they say.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use sha2::{Digest as _, Sha256};
use spin_deps_host::{
    App, Component, Handler, HostError, Options, Output, Pattern, Request, Response, Route, Running, ask,
    start,
};

pub(crate) fn component(wasm: Vec<u8>) -> Component {
    let mut digest = String::new();
    for byte in Sha256::digest(&wasm) {
        write!(digest, "{byte:02x}").unwrap();
    }
    Component { wasm: wasm.into(), digest, ..Component::default() }
}

pub(crate) fn route(path: &str, component: &str) -> Route {
    Route {
        pattern: Pattern::Path(path.to_owned()),
        handler: Handler::Component(component.to_owned()),
        trigger: format!("trigger-{path}"),
    }
}

/// An app that answers every path with one component, `web`.
pub(crate) fn app(web: Component) -> App {
    App {
        name: "test".to_owned(),
        routes: vec![route("/...", "web")],
        components: [("web".to_owned(), web)].into(),
        ..App::default()
    }
}

pub(crate) async fn run(app: App) -> Running {
    start(app, Options::default()).await.unwrap()
}

pub(crate) async fn refused(app: App) -> HostError {
    start(app, Options::default()).await.unwrap_err()
}

pub(crate) async fn get(running: &Running, path: &str) -> Response {
    ask(running.address(), &Request { path: path.to_owned(), ..Request::default() }).await.unwrap()
}

/// The status and the body.
pub(crate) async fn say(running: &Running, path: &str) -> String {
    let response = get(running, path).await;
    format!("{} {}", response.status, String::from_utf8_lossy(&response.body))
}

/// An output that keeps the lines, as `component stream text`.
pub(crate) fn lines() -> (Output, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let output = Output::new({
        let lines = Arc::clone(&lines);
        move |line| {
            lines.lock().unwrap().push(format!("{} {:?} {}", line.component, line.stream, line.text));
        }
    });
    (output, lines)
}
