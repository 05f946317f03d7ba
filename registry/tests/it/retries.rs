//! When a request is made again, and when all that is asked takes too long.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use spin_deps_registry::{Error, Listing, Settings, digest_of};

use crate::support::{Answer, Asked, RawServer, Reply, Server, Step, World, open, package, version};

const LIST: &str = r#"{"tags": ["1.0.0"]}"#;

/// A registry that answers the first `times` requests for a `part` of its addresses by `fault`.
async fn faulty(
    part: &'static str,
    times: u32,
    fault: impl Fn() -> Answer + Send + Sync + 'static,
) -> (Server, World) {
    let made = AtomicU32::new(0);
    let server = Server::start(move |ask: &Asked| {
        if ask.path.contains(part) && made.fetch_add(1, Ordering::SeqCst) < times {
            return Some(fault());
        }
        let host = ask.header("host").unwrap();
        let challenge = format!("Bearer realm=\"http://{host}/token\"");
        Some(match (ask.path.as_str(), ask.authorization()) {
            ("/v2/", _) => Answer::new(401, "").header("www-authenticate", challenge),
            (path, None) if path.starts_with("/token") => Answer::new(200, r#"{"token": "t"}"#),
            (path, Some("Bearer t")) if path.contains("/tags/list") => Answer::new(200, LIST),
            _ => Answer::new(404, ""),
        })
    })
    .await;
    let world = World::new(server.address());
    (server, world)
}

fn count(server: &Server, part: &str) -> usize {
    server.take().iter().filter(|ask| ask.contains(part)).count()
}

#[tokio::test]
async fn every_request_survives_a_server_that_fails_twice() {
    for (part, statuses) in [("/v2/", [503, 429]), ("/token", [500, 429]), ("/tags/list", [408, 504])] {
        for status in statuses {
            let (server, world) = faulty(part, 2, move || Answer::new(status, "")).await;
            assert!(matches!(world.list().await.unwrap(), Listing::Found(_)), "{part} {status}");
            assert!(count(&server, part) >= 3, "{part} {status}");
        }
    }
}

#[tokio::test]
async fn no_request_survives_a_server_that_fails_for_ever() {
    for part in ["/v2/", "/token"] {
        let (server, world) = faulty(part, u32::MAX, || Answer::new(500, "")).await;
        let error = world.list().await.unwrap_err();
        assert!(matches!(error, Error::Busy { status: 500, .. }), "{part}: {error}");
        assert_eq!(count(&server, part), 3, "{part}");
    }
}

#[tokio::test]
async fn what_is_refused_is_not_asked_for_again() {
    for status in [400, 403, 404, 405, 410, 418, 501] {
        let (server, world) = faulty("/tags/list", u32::MAX, move || Answer::new(status, "")).await;
        let outcome = world.list().await;
        assert_eq!(count(&server, "/tags/list"), 1, "{status}");
        assert!(!matches!(outcome, Ok(Listing::Found(_))), "{status}");
    }
}

#[tokio::test]
async fn a_pause_may_be_asked_for_in_seconds_or_until_a_date() {
    let past = httpdate::fmt_http_date(SystemTime::now() - Duration::from_secs(10));
    for pause in ["0".to_owned(), past] {
        let (_server, world) =
            faulty("/tags/list", 1, move || Answer::new(429, "").header("retry-after", pause.clone())).await;
        assert!(matches!(world.list().await.unwrap(), Listing::Found(_)));
    }
    // A minute and more is longer than a small request may take.
    let late = httpdate::fmt_http_date(SystemTime::now() + Duration::from_hours(1));
    let (server, world) =
        faulty("/tags/list", 1, move || Answer::new(429, "").header("retry-after", late.clone())).await;
    let error = world.list().await.unwrap_err();
    assert!(matches!(error, Error::Busy { retry_after: Some(3000..=3600), .. }), "{error}");
    assert_eq!(count(&server, "/tags/list"), 1);
}

/// A registry that answers requests for lists by `script`, whatever its credentials.
async fn raw(script: impl Fn(u32) -> Vec<Step> + Send + Sync + 'static) -> (RawServer, World) {
    let made = AtomicU32::new(0);
    let server = RawServer::start(move |ask| {
        if ask.path().contains("/tags/list") {
            return script(made.fetch_add(1, Ordering::SeqCst));
        }
        Reply::new(if ask.path() == "/v2/" { 200 } else { 404 }, "").steps()
    })
    .await;
    let world = World::new(server.address());
    (server, world)
}

fn lists(server: &RawServer) -> usize {
    server.take().iter().filter(|ask| ask.path().contains("/tags/list")).count()
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_anew() {
    type Fault = fn() -> Vec<Step>;
    let whole = || Reply::new(200, LIST).steps();
    let faults: [(&str, Fault); 4] = [
        ("reset", || vec![Step::Reset]),
        ("closed without a word", Vec::new),
        ("closed in the head", || vec![Step::send("HTTP/1.1 200 OK\r\ncontent-le")]),
        ("closed in the body", || Reply::new(200, "{\"ta").promising(100).steps()),
    ];
    for (what, fault) in faults {
        let (server, world) = raw(move |nth| if nth < 2 { fault() } else { whole() }).await;
        assert!(matches!(world.list().await.unwrap(), Listing::Found(_)), "{what}");
        assert_eq!(lists(&server), 3, "{what}");

        let (server, world) = raw(move |_| fault()).await;
        let error = world.list().await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{what}: {error}");
        assert_eq!(lists(&server), 3, "{what}");
    }
}

#[tokio::test]
async fn silence_and_a_trickle_end_with_the_time_that_all_may_take() {
    let (server, world) = raw(|_| vec![Step::send("HTTP/1.1 200 OK\r\n"), Step::Silence]).await;
    let error = world.impatient().list().await.unwrap_err();
    assert!(error.to_string().ends_with("it did not answer in time"), "{error}");
    assert_eq!(lists(&server), 1);

    let trickle = |part: &'static str| {
        move |_| {
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n{}", " ".repeat(1000));
            let (before, after) = answer.split_at(answer.find(part).unwrap());
            vec![Step::send(before.to_owned()), Step::Trickle(after.to_owned().into())]
        }
    };
    for part in ["200", "  "] {
        let (server, world) = raw(trickle(part)).await;
        let error = world.impatient().list().await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
        assert!(lists(&server) <= 3);
    }
    // In the body every byte is a sign of life; what ends it is the time for the whole.
    let (_server, world) = raw(trickle("  ")).await;
    let error = world.impatient().list().await.unwrap_err();
    assert!(error.to_string().ends_with("it did not answer within one second"), "{error}");
}

#[tokio::test]
async fn the_time_for_all_is_one_for_the_question_the_token_and_the_request() {
    // Each of them alone would be in time.
    let slow = || Answer::new(503, "").header("retry-after", "1");
    let made = AtomicU32::new(0);
    let server = Server::start(move |ask| match made.fetch_add(1, Ordering::SeqCst) {
        1 | 3 => Some(slow()),
        _ if ask.path == "/v2/" => Some(Answer::new(200, "")),
        _ => None,
    })
    .await;
    let world = World::new(server.address());
    let mut settings = Settings { listing_ttl: Duration::ZERO, ..world.settings.clone() };
    settings.limits.budget = Duration::from_millis(1800);
    let error = open(&settings).await.versions(&package("acme:base"), &world.registry).await.unwrap_err();
    assert!(matches!(error, Error::Busy { retry_after: Some(1), .. }), "{error}");
    let asked = server.take();
    let expected = [
        "GET /.well-known/wasm-pkg/registry.json",
        "GET /v2/",
        "GET /v2/",
        "GET /v2/acme/base/tags/list?n=1000",
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_server_that_stays_silent_about_a_layer_is_given_up() {
    let manifest = format!(
        r#"{{"layers": [{{"mediaType": "application/wasm", "digest": "{}", "size": 4}}]}}"#,
        digest_of(b"wasm")
    );
    let server = RawServer::start(move |ask| match ask.path().split('/').nth(4) {
        Some("manifests") => Reply::new(200, manifest.clone()).steps(),
        Some("blobs") => vec![Step::Silence],
        _ => Reply::new(404, "").steps(),
    })
    .await;
    let world = World::new(server.address()).impatient();
    let registries = world.open().await;
    let (name, number) = (package("acme:base"), version("1.0.0"));
    let release = registries.release(&name, &number, &world.registry).await.unwrap().unwrap();
    let content = spin_deps_registry::Content::of(&name, &number, &world.registry, &release);
    let error = registries.fetch(&content).await.unwrap_err();
    assert!(error.to_string().ends_with("it did not answer in time"), "{error}");
    assert_eq!(server.take().iter().filter(|ask| ask.path().contains("/blobs/")).count(), 1);
}
