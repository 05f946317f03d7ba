//! Guests that do what they should not: the client is told, the output says why, and the next request is served.

use std::time::Duration;

use spin_deps_fixtures::http::{bad_app, p3_bad_app, probe_app, stuck_app};
use spin_deps_host::{HostError, Options, Request, ask, start};

use crate::support::{app, component, lines, say};

fn limited(limit: Duration) -> Options {
    Options { request_timeout: Some(limit..=limit), ..Options::default() }
}

#[tokio::test]
async fn each_is_told_apart_and_ends_nothing_but_itself() {
    let (output, lines) = lines();
    let running = start(app(component(bad_app())), Options { output, ..Options::default() }).await.unwrap();
    for (path, said, reason) in [
        (
            "/exit",
            "500 the component failed to answer\n",
            Some("it called `exit` with 1 in the middle of a request"),
        ),
        ("/silent", "500 the component failed to answer\n", Some("ended without an answer")),
        // What the guest wanted was refused, and it knows.
        ("/status", "418 hello", None),
        ("/header", "418 hello", None),
    ] {
        assert_eq!(say(&running, path).await, said, "{path}");
        let mut lines = std::mem::take(&mut *lines.lock().unwrap());
        let line = lines.pop();
        assert_eq!(line.as_deref(), reason.map(|reason| format!("web Trap {reason}")).as_deref(), "{path}");
        assert!(lines.is_empty(), "{path}: {lines:?}");
        assert_eq!(say(&running, "/").await, "200 hello");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole() {
    for path in ["/breaks", "/twice", "/hangs"] {
        let (output, lines) = lines();
        let options = Options { output, ..limited(Duration::from_millis(200)) };
        let running = start(app(component(bad_app())), options).await.unwrap();
        let request = Request { path: path.to_owned(), ..Request::default() };
        let error = ask(running.address(), &request).await.unwrap_err();
        assert!(matches!(error, HostError::Ask { .. }), "{path}: {error}");
        assert_eq!(say(&running, "/").await, "200 hello");
        running.shutdown().await;
        let lines = lines.lock().unwrap();
        let [line] = &lines[..] else { panic!("{path}: one line for one failure: {lines:?}") };
        assert!(line.starts_with("web Trap "), "{path}: {line}");
    }
}

#[tokio::test]
async fn an_instance_that_never_starts_is_stopped() {
    let (output, lines) = lines();
    let options = Options { output, ..limited(Duration::from_millis(100)) };
    let running = start(app(component(stuck_app())), options).await.unwrap();
    assert_eq!(say(&running, "/").await, "504 the component took too long to answer\n");
    running.shutdown().await;
    assert_eq!(*lines.lock().unwrap(), ["web Trap no answer within 0.1 s"]);

    // Without a limit, it goes with the server.
    let running = start(
        app(component(stuck_app())),
        Options { request_timeout: None, grace: Duration::from_millis(50), ..Options::default() },
    )
    .await
    .unwrap();
    let address = running.address();
    let asked = tokio::spawn(async move { ask(address, &Request::default()).await.map(|it| it.status) });
    running.shutdown().await;
    assert!(!matches!(asked.await.unwrap(), Ok(200)));
}

#[tokio::test]
async fn a_guest_that_wants_too_much_memory_is_told_so_and_the_user_too() {
    let (output, lines) = lines();
    let options = Options { output, max_memory: Some(4 << 20), ..Options::default() };
    let running = start(app(component(probe_app())), options).await.unwrap();
    assert_eq!(say(&running, "/heap").await, "500 the component failed to answer\n");
    assert_eq!(say(&running, "/").await, "200 1");
    running.shutdown().await;
    let reports = std::mem::take(&mut *lines.lock().unwrap());
    let [report] = &reports[..] else { panic!("one report: {reports:?}") };
    assert!(report.contains("\n  it wanted more memory than it may have, which is 4 MiB\n"), "{report}");
    assert!(report.contains("\n  at alloc"), "{report}");

    // Less than it begins with.
    let (output, lines) = self::lines();
    let options = Options { output, max_memory: Some(1 << 10), ..Options::default() };
    let running = start(app(component(probe_app())), options).await.unwrap();
    assert_eq!(say(&running, "/").await, "500 the component failed to answer\n");
    let lines = lines.lock().unwrap();
    assert!(lines[0].starts_with("web Trap cannot be instantiated: "), "{lines:?}");
}

#[tokio::test]
async fn a_trap_shows_the_functions_it_was_in() {
    let (output, lines) = lines();
    let running =
        start(app(component(p3_bad_app())), Options { output, ..Options::default() }).await.unwrap();
    assert_eq!(say(&running, "/trap").await, "500 the component failed to answer\n");
    running.shutdown().await;
    let lines = lines.lock().unwrap();
    let report: Vec<&str> = lines[0].lines().collect();
    assert_eq!(report[0], "web Trap wasm `unreachable` instruction executed");
    assert_eq!(report[1..3], ["  at trap", "  at answer"], "{report:?}");
}
