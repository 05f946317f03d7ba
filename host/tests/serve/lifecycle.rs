//! Starting with and without compiled code, and stopping in the middle of things.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use spin_deps_fixtures::http::{outbound_app, p2_app, p3_app, probe_app};
use spin_deps_host::{Event, HostError, Options, Request, Running, ask, start};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::support::{app, component, get, lines, run, say};

/// Starts an app of two components with the cache at `directory`; gives what was compiled and what was found.
async fn started(directory: &std::path::Path) -> (Running, Vec<String>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let progress = {
        let events = Arc::clone(&events);
        move |event: Event<'_>| {
            events.lock().unwrap().push(match event {
                Event::Compiling { component, size } => {
                    assert!(size > 0);
                    format!("compiling {component}")
                }
                Event::Ready { component, cached, .. } => format!("ready {component}, cached: {cached}"),
            });
        }
    };
    let mut app = app(component(p2_app(&[])));
    app.components.insert("other".to_owned(), component(p3_app(&[])));
    app.components.insert("same".to_owned(), component(p3_app(&[])));
    let options = Options {
        compiled_cache: Some(directory.to_owned()),
        progress: Some(Arc::new(progress)),
        ..Options::default()
    };
    let running = start(app, options).await.unwrap();
    let mut events = events.lock().unwrap().clone();
    events.sort();
    (running, events)
}

#[tokio::test]
async fn the_second_start_compiles_nothing_and_a_damaged_file_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let cold = ["compiling other", "compiling web", "ready other, cached: false", "ready web, cached: false"];
    let warm = ["ready other, cached: true", "ready web, cached: true"];

    let (running, events) = started(directory.path()).await;
    assert_eq!(events, cold);
    assert_eq!(say(&running, "/").await, "200 path: /");
    let (running, events) = started(directory.path()).await;
    assert_eq!(events, warm);
    assert_eq!(say(&running, "/").await, "200 path: /");

    let files: Vec<_> =
        fs_err::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    for file in &files {
        let mut bytes = fs_err::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        fs_err::write(file, bytes).unwrap();
    }
    let (running, events) = started(directory.path()).await;
    assert_eq!(events, cold, "a flipped bit is never run");
    assert_eq!(say(&running, "/").await, "200 path: /");
    let (_, events) = started(directory.path()).await;
    assert_eq!(events, warm, "and is replaced");
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_does_not_stop_the_app() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs_err::write(&file, "in the way").unwrap();
    let (running, _) = started(&file).await;
    assert_eq!(say(&running, "/").await, "200 path: /");
}

/// A server that takes one request, says so, and answers it when it is told to.
async fn held() -> (u16, tokio::sync::oneshot::Receiver<()>, tokio::sync::oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, was_asked) = tokio::sync::oneshot::channel();
    let (answer, told) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        asked.send(()).unwrap();
        // When the test drops its end, the request is left hanging for good.
        if told.await.is_ok() {
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        } else {
            std::future::pending::<()>().await;
        }
    });
    (port, was_asked, answer)
}

fn outbound(options: Options) -> impl Future<Output = Result<Running, HostError>> {
    let mut web = component(outbound_app());
    web.allowed_outbound_hosts = vec!["http://127.0.0.1:*".to_owned()];
    start(app(web), options)
}

#[tokio::test]
async fn a_shutdown_lets_a_request_in_flight_finish() {
    let running = outbound(Options::default()).await.unwrap();
    let address = running.address();
    let (port, asked, answer) = held().await;
    let request = Request { path: format!("/127.0.0.1:{port}"), ..Request::default() };
    let flight = tokio::spawn(async move { ask(address, &request).await });
    asked.await.unwrap();

    let shutdown = tokio::spawn(running.shutdown());
    // The listener is closed before the request in flight has its answer.
    while ask(address, &Request::default()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!flight.is_finished() && !shutdown.is_finished());
    answer.send(()).unwrap();
    let response = flight.await.unwrap().unwrap();
    assert_eq!((response.status, &response.body[..]), (200, &b"status 204"[..]));
    shutdown.await.unwrap();
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let (output, _lines) = lines();
    let grace = Duration::from_millis(50);
    let running =
        outbound(Options { grace, request_timeout: None, output, ..Options::default() }).await.unwrap();
    let address = running.address();
    let (port, asked, _never) = held().await;
    let request = Request { path: format!("/127.0.0.1:{port}"), ..Request::default() };
    let flight = tokio::spawn(async move { ask(address, &request).await });
    asked.await.unwrap();
    running.shutdown().await;
    match flight.await.unwrap() {
        Ok(response) => assert_eq!(response.status, 500),
        Err(error) => assert!(matches!(error, HostError::Ask { .. }), "{error}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_shutdown_ends_a_guest_that_never_yields() {
    let options = Options { grace: Duration::from_millis(50), request_timeout: None, ..Options::default() };
    let running = start(app(component(probe_app())), options).await.unwrap();
    let address = running.address();
    let flight = tokio::spawn(async move {
        ask(address, &Request { path: "/loop".to_owned(), ..Request::default() }).await
    });
    // Another request is answered meanwhile, on the one thread that the loop runs on.
    assert_eq!(get(&running, "/").await.status, 200);
    running.shutdown().await;
    // Cut off, or told so if there was still time.
    match flight.await.unwrap() {
        Ok(response) => assert_eq!(response.status, 500),
        Err(error) => assert!(matches!(error, HostError::Ask { .. }), "{error}"),
    }
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_a_shutdown() {
    let running = run(app(component(p3_app(&[])))).await;
    let mut idle = tokio::net::TcpStream::connect(running.address()).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    tokio::time::timeout(Duration::from_secs(5), running.shutdown()).await.expect("within the grace");
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
}

#[tokio::test]
async fn a_dropped_server_stops() {
    let running = run(app(component(p2_app(&[])))).await;
    let address = running.address();
    drop(running);
    while ask(address, &Request::default()).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_an_error() {
    let running = run(app(component(p2_app(&[])))).await;
    let address = running.address();
    for request in [
        Request { method: "G ET".to_owned(), ..Request::default() },
        Request { path: "relative".to_owned(), ..Request::default() },
        Request { path: "/a b".to_owned(), ..Request::default() },
        Request { headers: vec![("a b".to_owned(), String::new())], ..Request::default() },
        Request { headers: vec![("a".to_owned(), "b\r\nc: d".to_owned())], ..Request::default() },
    ] {
        let error = ask(address, &request).await.unwrap_err();
        assert!(matches!(error, HostError::BadRequest { .. }), "{error}");
    }
}
