//! Downloads that break, lie, stall and go on.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use spin_deps_registry::{Content, Error, Limits, Settings, digest_of};
use url::Url;

use crate::support::{
    Answer, DockerRegistry, Head, RawServer, Reply, Server, Step, World, content, impatient, open, package,
    publication, version,
};

const SIZE: usize = 500_000;
/// What the first answers bring before they break off: enough to count as progress.
const CUT: usize = 200_000;

fn file() -> Bytes {
    content(3, SIZE)
}

/// The first byte that was asked for.
fn first_byte(ask: &Head) -> Option<usize> {
    ask.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

/// The answer to a request for a part, from `first` on.
fn part(first: usize, body: Bytes) -> Reply {
    let range = format!("bytes {first}-{}/{SIZE}", first + body.len() - 1);
    Reply::new(206, body).header("content-range", &range)
}

fn rest(first: Option<usize>) -> Reply {
    part(first.unwrap(), file().slice(first.unwrap()..))
}

async fn serving(reply: impl Fn(&Head) -> Reply + Send + Sync + 'static) -> RawServer {
    RawServer::start(move |ask| reply(ask).steps()).await
}

/// A server whose first answer breaks off after [`CUT`] bytes; the others are by `then`, from the byte asked for on.
async fn breaking(
    state: Option<&'static str>,
    then: impl Fn(Option<usize>) -> Reply + Send + Sync + 'static,
) -> RawServer {
    let made = AtomicU32::new(0);
    serving(move |ask| {
        if made.fetch_add(1, Ordering::SeqCst) > 0 {
            return then(first_byte(ask));
        }
        let reply = Reply::new(200, file().slice(..CUT)).promising(SIZE);
        match state {
            Some(state) => reply.header("etag", state),
            None => reply,
        }
    })
    .await
}

async fn fetch_from(address: &str, limits: Limits) -> Result<Bytes, Error> {
    let dir = tempfile::tempdir().unwrap();
    let registries = open(&Settings { limits, ..Settings::new(dir.path()) }).await;
    let url = Url::parse(&format!("http://{address}/a.wasm")).unwrap();
    let fetched = registries.fetch_url(&url, &digest_of(&file())).await;
    let info = registries.store().info().unwrap();
    assert_eq!((info.blobs, info.temporary), (u64::from(fetched.is_ok()), 0), "whole or not at all");
    fetched
}

async fn fetch(server: &RawServer) -> Result<Bytes, Error> {
    fetch_from(server.address(), Limits::default()).await
}

/// Which bytes were asked for, from which on.
fn firsts(server: &RawServer) -> Vec<Option<usize>> {
    server.take().iter().map(first_byte).collect()
}

#[tokio::test]
async fn what_broke_off_is_gone_on_with() {
    let server = breaking(Some("\"one\""), rest).await;
    assert_eq!(fetch(&server).await.unwrap(), file());
    let asked = server.take();
    assert_eq!(asked.iter().map(first_byte).collect::<Vec<_>>(), [None, Some(CUT)]);
    assert_eq!(asked[1].header("if-range"), Some("\"one\""));
    assert!(asked.iter().all(|ask| ask.header("accept-encoding") == Some("identity")));
}

#[tokio::test]
async fn a_weak_state_vouches_for_nothing() {
    let server = breaking(Some("W/\"one\""), rest).await;
    assert_eq!(fetch(&server).await.unwrap(), file());
    assert_eq!(server.take()[1].header("if-range"), None);
}

#[tokio::test]
async fn a_download_may_break_as_often_as_it_brings_something() {
    // In parts of 70 KB, each of which breaks off: eight requests, more than the attempts that bring nothing.
    let server = serving(|ask| {
        let first = first_byte(ask).unwrap_or(0);
        let body = file().slice(first..(first + 70_000).min(SIZE));
        let range = format!("bytes {first}-{}/{SIZE}", SIZE - 1);
        let reply = Reply::new(if first == 0 { 200 } else { 206 }, body).header("content-range", &range);
        reply.promising(SIZE - first)
    })
    .await;
    assert_eq!(fetch(&server).await.unwrap(), file());
    assert_eq!(firsts(&server).len(), 8);
}

#[tokio::test]
async fn a_download_that_brings_next_to_nothing_is_given_up() {
    let server = serving(|ask| {
        let first = first_byte(ask).unwrap_or(0);
        let body = file().slice(first..first + 10);
        let range = format!("bytes {first}-{}/{SIZE}", SIZE - 1);
        let reply = Reply::new(if first == 0 { 200 } else { 206 }, body).header("content-range", &range);
        reply.promising(SIZE - first)
    })
    .await;
    let error = fetch(&server).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!(firsts(&server), [None, Some(10), Some(20)]);
}

#[tokio::test]
async fn a_server_that_begins_again_and_again_is_given_up() {
    let made = AtomicU32::new(0);
    let server = serving(move |_| {
        let cut = if made.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) { CUT } else { 100 };
        Reply::new(200, file().slice(..cut)).promising(SIZE)
    })
    .await;
    let error = fetch(&server).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!(firsts(&server), [None, Some(CUT), Some(100)]);
}

#[tokio::test]
async fn a_server_that_sends_less_than_the_rest_is_asked_on() {
    let server = breaking(None, |first| {
        let first = first.unwrap();
        part(first, file().slice(first..(first + 100_000).min(SIZE)))
    })
    .await;
    assert_eq!(fetch(&server).await.unwrap(), file());
    assert_eq!(firsts(&server), [None, Some(CUT), Some(300_000), Some(400_000)]);
}

#[tokio::test]
async fn a_server_without_ranges_is_read_from_the_start() {
    let server = breaking(None, |_| Reply::new(200, file())).await;
    assert_eq!(fetch(&server).await.unwrap(), file());
    assert_eq!(firsts(&server), [None, Some(CUT)]);
}

#[tokio::test]
async fn parts_that_do_not_fit_are_fetched_in_one_piece() {
    type Lie = fn(usize) -> Reply;
    let lies: [(&str, Lie); 6] = [
        ("another part than it says", |first| part(first, file().slice(..SIZE - first))),
        ("a part from the start", |_| part(0, file())),
        ("a part without saying which", |first| Reply::new(206, file().slice(first..))),
        ("a range that makes no sense", |first| {
            Reply::new(206, file().slice(first..)).header("content-range", "bytes 9-1/10")
        }),
        ("a part of something longer", |first| {
            let range = format!("bytes {first}-{}/{}", SIZE - 1, SIZE + 1);
            Reply::new(206, file().slice(first..)).header("content-range", &range)
        }),
        ("a part of another state", |first| rest(Some(first)).header("etag", "\"two\"")),
    ];
    for (what, lie) in lies {
        let then = move |first: Option<usize>| first.map_or_else(|| Reply::new(200, file()), lie);
        let server = breaking(Some("\"one\""), then).await;
        assert_eq!(fetch(&server).await.unwrap(), file(), "{what}");
        assert_eq!(firsts(&server), [None, Some(CUT), None], "{what}");
    }
}

#[tokio::test]
async fn a_server_that_has_no_such_part_is_asked_for_all_and_then_believed() {
    let server = breaking(None, |first| match first {
        Some(_) => Reply::new(416, "").header("content-range", "bytes */1"),
        None => Reply::new(200, file()),
    })
    .await;
    assert_eq!(fetch(&server).await.unwrap(), file());
    assert_eq!(firsts(&server), [None, Some(CUT), None]);

    // In one piece it is other content too.
    let server = breaking(None, |first| match first {
        Some(first) => part(first, content(9, SIZE).slice(first..)),
        None => Reply::new(200, content(9, SIZE)),
    })
    .await;
    assert!(matches!(fetch(&server).await, Err(Error::DigestMismatch { .. })));
    assert_eq!(firsts(&server), [None, Some(CUT), None]);
}

#[tokio::test]
async fn a_stalled_download_is_gone_on_with_and_a_trickle_is_ended() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n");
    let beginning = vec![Step::send(head.clone()), Step::Send(file().slice(..CUT)), Step::Silence];
    let server = RawServer::start(move |ask| match first_byte(ask) {
        Some(first) => rest(Some(first)).steps(),
        None => beginning.clone(),
    })
    .await;
    assert_eq!(fetch_from(server.address(), Limits { rate: 0, ..impatient() }).await.unwrap(), file());
    assert_eq!(firsts(&server), [None, Some(CUT)]);

    let server = RawServer::start(move |_| vec![Step::send(head.clone()), Step::Trickle(file())]).await;
    let error = fetch_from(server.address(), impatient()).await.unwrap_err();
    assert!(error.to_string().ends_with("it sends less than 10000 bytes a second"), "{error}");
    assert_eq!(server.take().len(), 1);
}

#[tokio::test]
async fn a_busy_server_is_waited_for_as_long_as_it_asks_and_no_longer_than_anyone_would() {
    let made = AtomicU32::new(0);
    let server = serving(move |_| match made.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::new(503, "").header("retry-after", "0"),
        1 => Reply::new(429, ""),
        _ => Reply::new(200, file()),
    })
    .await;
    assert_eq!(fetch(&server).await.unwrap(), file());

    let server = serving(|_| Reply::new(503, "").header("retry-after", "61")).await;
    let error = fetch(&server).await.unwrap_err();
    assert!(matches!(error, Error::Busy { retry_after: Some(61), .. }), "{error}");
    assert_eq!(server.take().len(), 1);

    let server = serving(|_| Reply::new(500, "")).await;
    assert!(matches!(fetch(&server).await, Err(Error::Busy { status: 500, .. })));
    assert_eq!(server.take().len(), 3);
    for status in [206, 304, 400, 416] {
        let server = serving(move |_| Reply::new(status, "")).await;
        assert!(matches!(fetch(&server).await, Err(Error::BadAnswer { .. })), "{status}");
        assert_eq!(server.take().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn compressed_content_and_web_pages_are_told_apart_from_changed_content() {
    let server = serving(|_| Reply::new(200, file()).header("content-encoding", "gzip")).await;
    let error = fetch(&server).await.unwrap_err();
    assert!(error.to_string().ends_with("it is encoded as `gzip`, which was not asked for"), "{error}");

    let server = serving(|_| Reply::new(200, "Log in").header("content-type", "text/html; charset=x")).await;
    let error = fetch(&server).await.unwrap_err();
    assert!(error.to_string().ends_with("it is a web page, such as one to log in"), "{error}");
    // Many servers call everything so; what counts are the bytes.
    let server = serving(|_| Reply::new(200, file()).header("content-type", "text/html")).await;
    assert_eq!(fetch(&server).await.unwrap(), file());
}

#[tokio::test]
async fn a_layer_in_an_object_store_is_gone_on_with_there_and_no_credentials_follow() {
    let upstream = DockerRegistry::with_user("me", "secret");
    let digest = digest_of(&file()).to_string();
    let store = breaking(Some("\"one\""), rest).await;
    let target = format!("http://{}/bucket/x?signature=s", store.address());
    let front = Server::in_front_of(upstream.address(), move |ask| {
        let is_layer = ask.method == "GET" && ask.path.ends_with(&digest);
        is_layer.then(|| Answer::new(307, "").header("location", &target))
    })
    .await;
    let world = World::with(front.address(), "auth = { username = \"me\", password = \"secret\" }");
    let registries = world.open().await;
    registries.publish(&publication("acme:base", "1.0.0", file()), &world.registry).await.unwrap();
    let (name, number) = (package("acme:base"), version("1.0.0"));
    let release = registries.release(&name, &number, &world.registry).await.unwrap().unwrap();
    let content = Content::of(&name, &number, &world.registry, &release);
    front.take();
    assert_eq!(registries.fetch(&content).await.unwrap(), file());
    let asked = store.take();
    assert_eq!(asked.iter().map(first_byte).collect::<Vec<_>>(), [None, Some(CUT)]);
    assert!(asked.iter().all(|ask| ask.header("authorization").is_none()));
    assert!(asked.iter().all(|ask| ask.path() == "/bucket/x?signature=s"));
    // The address is signed anew for each.
    let at_registry = front.take_all();
    assert_eq!(at_registry.len(), 2);
    assert!(at_registry.iter().all(|ask| ask.authorization().is_some_and(|sent| sent.starts_with("Basic "))));
}

#[tokio::test]
async fn a_real_registry_sends_the_rest() {
    let upstream = DockerRegistry::start();
    let publisher = World::new(upstream.address());
    publisher
        .open()
        .await
        .publish(&publication("acme:base", "1.0.0", file()), &publisher.registry)
        .await
        .unwrap();
    let (digest, made) = (digest_of(&file()).to_string(), AtomicU32::new(0));
    let elsewhere = breaking(None, rest).await;
    let target = format!("http://{}/x", elsewhere.address());
    let front = Server::in_front_of(upstream.address(), move |ask| {
        let is_first = ask.path.ends_with(&digest) && made.fetch_add(1, Ordering::SeqCst) == 0;
        is_first.then(|| Answer::new(307, "").header("location", &target))
    })
    .await;
    let world = World::new(front.address());
    let registries = world.open().await;
    let (name, number) = (package("acme:base"), version("1.0.0"));
    let release = registries.release(&name, &number, &world.registry).await.unwrap().unwrap();
    front.take();
    let content = Content::of(&name, &number, &world.registry, &release);
    assert_eq!(registries.fetch(&content).await.unwrap(), file());
    assert_eq!(elsewhere.take().len(), 1);
    let asked = front.take_all();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].header("range"), Some(format!("bytes={CUT}-").as_str()));
}
