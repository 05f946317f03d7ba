//! Uploading to registries as they are: those that take no chunks, or only some, or no sessions; those that name odd
//! places; those that break.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use spin_deps_registry::{Content, Error, Publication, Upload, digest_of};

use crate::support::{
    Answer, Asked, DockerRegistry, Server, World, content, environment, open, publication, version,
};

const LARGE: usize = 9 << 20;

/// The methods of the requests that upload, without those for manifests.
fn methods(asked: &[Asked]) -> String {
    let uploads =
        asked.iter().filter(|ask| ask.path.contains("/uploads/") || ask.path.starts_with("/elsewhere"));
    uploads.map(|ask| ask.method.as_str()).collect::<Vec<_>>().join(" ")
}

/// Publishes through `server` and fetches from the registry behind it.
async fn publish_and_fetch(server: &Server, upstream: &DockerRegistry, publication: &Publication) {
    let world = World::new(server.address());
    world.open().await.publish(publication, &world.registry).await.unwrap();
    arrived(upstream, publication).await;
}

async fn arrived(upstream: &DockerRegistry, publication: &Publication) {
    let clean = World::new(upstream.address());
    let registries = clean.open().await;
    let (name, number) = (&publication.package, &publication.version);
    let release = registries.release(name, number, &clean.registry).await.unwrap().unwrap();
    let fetched = registries.fetch(&Content::of(name, number, &clean.registry, &release)).await.unwrap();
    assert_eq!(digest_of(&fetched), *publication.content.digest());
}

fn large() -> Publication {
    publication("acme:base", "1.0.0", content(7, LARGE))
}

fn answer_of(ask: &Asked, method: &str, part: &str) -> bool {
    ask.method == method && ask.path.contains(part)
}

#[tokio::test]
async fn a_file_goes_up_as_its_bytes_do() {
    let upstream = DockerRegistry::start();
    let server = Server::counting(upstream.address()).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(file.path(), content(7, LARGE)).unwrap();
    let from_file = Publication { content: Upload::of_file(file.path()).await.unwrap(), ..large() };
    assert_eq!(from_file.content.digest(), large().content.digest());
    publish_and_fetch(&server, &upstream, &from_file).await;
    assert_eq!(methods(&server.take_all()), "POST PUT POST PATCH PATCH PATCH PUT");
}

#[tokio::test]
async fn what_is_there_already_is_not_sent_again() {
    let upstream = DockerRegistry::start();
    let server = Server::counting(upstream.address()).await;
    let world = World::new(server.address());
    let registries = world.open().await;
    registries.publish(&large(), &world.registry).await.unwrap();
    server.take();
    let again = Publication { version: version("1.0.1"), ..large() };
    registries.publish(&again, &world.registry).await.unwrap();
    assert_eq!(methods(&server.take_all()), "", "the same Wasm with the same config object");
}

#[tokio::test]
async fn a_registry_that_refuses_chunks_gets_one_piece() {
    let upstream = DockerRegistry::start();
    let patches = AtomicUsize::new(0);
    let server = Server::in_front_of(upstream.address(), move |ask| {
        // The first chunk is taken, what follows is not.
        let refused = ask.method == "PATCH" && patches.fetch_add(1, Ordering::SeqCst) > 0;
        refused.then(|| Answer::new(416, ""))
    })
    .await;
    publish_and_fetch(&server, &upstream, &large()).await;
    assert_eq!(methods(&server.take_all()), "POST PUT POST PATCH PATCH POST PUT");
}

#[tokio::test]
async fn a_registry_that_loses_chunks_gets_one_piece() {
    let upstream = DockerRegistry::start();
    // It says that it took every chunk, and keeps the first one.
    let kept = Mutex::new(None::<String>);
    let server = Server::in_front_of(upstream.address(), move |ask| {
        if ask.method != "PATCH" {
            return None;
        }
        let mut kept = kept.lock().unwrap();
        match kept.as_ref() {
            None => {
                *kept = Some(ask.path.clone());
                None
            }
            Some(place) => {
                let range = ask.headers["content-range"].to_str().unwrap();
                let end = range.split_once('-').unwrap().1;
                Some(
                    Answer::new(202, "")
                        .header("location", place.clone())
                        .header("range", format!("0-{end}")),
                )
            }
        }
    })
    .await;
    publish_and_fetch(&server, &upstream, &large()).await;
    let methods = methods(&server.take_all());
    assert!(methods.ends_with("PATCH PATCH PATCH PUT POST PUT"), "{methods}");
}

#[tokio::test]
async fn a_registry_that_counts_fewer_bytes_than_it_was_sent_gets_one_piece() {
    let upstream = DockerRegistry::start();
    let server = Server::in_front_of(upstream.address(), |ask| {
        let place = ask.path.clone();
        (ask.method == "PATCH")
            .then(|| Answer::new(202, "").header("location", place).header("range", "0-1048575"))
    })
    .await;
    publish_and_fetch(&server, &upstream, &large()).await;
    assert_eq!(methods(&server.take_all()), "POST PUT POST PATCH POST PUT");
}

#[tokio::test]
async fn a_registry_without_sessions_gets_one_request() {
    let blobs: Mutex<Vec<Vec<u8>>> = Mutex::default();
    let manifest = Mutex::new(None);
    let server = Server::start(move |ask| {
        let path = ask.path.as_str();
        Some(match (ask.method.as_str(), path) {
            ("GET", "/v2/") => Answer::new(200, "{}"),
            ("POST", path) if path.contains("?digest=") => {
                blobs.lock().unwrap().push(ask.body.to_vec());
                Answer::new(201, "").header("location", "/v2/x")
            }
            ("POST", _) => Answer::new(405, ""),
            ("PUT", path) if path.contains("/manifests/") => {
                assert_eq!(blobs.lock().unwrap().iter().map(Vec::len).max(), Some(LARGE));
                *manifest.lock().unwrap() = Some(ask.body.clone());
                Answer::new(201, "").header("location", "/v2/x")
            }
            ("GET", path) if path.contains("/manifests/") => match manifest.lock().unwrap().clone() {
                Some(manifest) => Answer::new(200, manifest),
                None => Answer::new(404, ""),
            },
            _ => Answer::new(404, ""),
        })
    })
    .await;
    let world = World::new(server.address());
    world.open().await.publish(&large(), &world.registry).await.unwrap();
    assert_eq!(methods(&server.take_all()), "POST POST POST POST POST", "asked, refused, and sent at once");
}

#[tokio::test]
async fn a_chunk_that_broke_off_goes_on_where_the_registry_is() {
    let upstream = DockerRegistry::start();
    let patches = AtomicUsize::new(0);
    let server = Server::in_front_of(upstream.address(), move |ask| {
        let broken = ask.method == "PATCH" && patches.fetch_add(1, Ordering::SeqCst) == 1;
        broken.then(|| Answer::new(502, ""))
    })
    .await;
    publish_and_fetch(&server, &upstream, &large()).await;
    let methods = methods(&server.take_all());
    assert_eq!(methods, "POST PUT POST PATCH PATCH GET PATCH PATCH PUT", "no chunk is sent twice");
}

#[tokio::test]
async fn an_answer_that_got_lost_is_not_an_upload_that_failed() {
    let upstream = DockerRegistry::start();
    let puts = AtomicUsize::new(0);
    let server = Server::in_front_of(upstream.address(), move |ask| {
        let lost = answer_of(ask, "PUT", "/uploads/") && puts.fetch_add(1, Ordering::SeqCst) == 0;
        lost.then(|| Answer::new(503, ""))
    })
    .await;
    publish_and_fetch(&server, &upstream, &publication("acme:base", "1.0.0", content(7, 5_000))).await;
}

#[tokio::test]
async fn a_registry_that_is_out_of_order_is_given_up() {
    let upstream = DockerRegistry::start();
    for (status, busy) in [(503, true), (403, false)] {
        let server = Server::in_front_of(upstream.address(), move |ask| {
            answer_of(ask, "POST", "/uploads/").then(|| Answer::new(status, ""))
        })
        .await;
        let world = World::new(server.address());
        let error = world.open().await.publish(&large(), &world.registry).await.unwrap_err();
        assert_eq!(matches!(error, Error::Busy { .. }), busy, "{error}");
        assert_eq!(matches!(error, Error::Forbidden { .. }), !busy, "{error}");
        let tries = methods(&server.take_all());
        assert_eq!(tries, if busy { "POST POST POST" } else { "POST" });
    }
}

/// Gives every upload another place; the rest goes to the registry.
async fn with_places(
    upstream: &DockerRegistry,
    place: impl Fn(&str) -> String + Send + Sync + 'static,
) -> Server {
    Server::in_front_of(upstream.address(), move |ask| {
        let begins = ask.method == "POST" && ask.path.ends_with("/uploads/");
        begins.then(|| Answer::new(202, "").header("location", place(&ask.path)))
    })
    .await
}

#[tokio::test]
async fn places_are_relative_or_absolute_and_credentials_go_to_the_registry_only() {
    let upstream = DockerRegistry::with_user("ada", "secret");
    // The other host takes everything, and would take a password too.
    let other = Server::start(|_| Some(Answer::new(201, ""))).await;
    let elsewhere = format!("http://{}/elsewhere?state=1", other.address());
    let server = with_places(&upstream, move |_| elsewhere.clone()).await;
    let world = World::with(server.address(), "auth = { username = \"ada\", password = \"secret\" }");
    let small = publication("acme:base", "1.0.0", content(7, 5_000));
    let error = world.open().await.publish(&small, &world.registry).await.unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    let seen = other.take_all();
    assert!(!seen.is_empty() && seen.iter().all(|ask| ask.authorization().is_none()), "{seen:?}");
    assert!(seen[0].path.starts_with("/elsewhere?state=1&digest=sha256%3A"), "{}", seen[0].path);
    let own = server.take_all();
    assert!(
        own.iter().filter(|ask| ask.path.contains("/acme/")).all(|ask| ask.authorization().is_some()),
        "{own:?}"
    );
}

#[tokio::test]
async fn a_place_over_plain_http_elsewhere_and_one_that_is_no_url_are_refused() {
    let upstream = DockerRegistry::start();
    for place in ["http://other.example/x", "http://[", "ftp://127.0.0.1/x"] {
        let server = with_places(&upstream, move |_| place.to_owned()).await;
        let world = World::new(server.address());
        let small = publication("acme:base", "1.0.0", content(7, 5_000));
        let error = world.open().await.publish(&small, &world.registry).await.unwrap_err();
        assert!(matches!(error, Error::Insecure { .. } | Error::BadAnswer { .. }), "{place}: {error}");
    }
}

#[tokio::test]
async fn two_publishers_at_once_never_both_believe_that_theirs_is_there() {
    let upstream = DockerRegistry::start();
    // While our blobs are on their way, and again when our manifest is, somebody else publishes.
    for late in [false, true] {
        let manifest = Mutex::new(None);
        let number = if late { "2.0.0" } else { "1.0.0" };
        // The manifest of the same release with other content, as it is known from another version.
        let behind = World::new(upstream.address());
        let theirs = publication("acme:base", "0.1.0", "theirs");
        behind.open().await.publish(&theirs, &behind.registry).await.unwrap();
        let source = format!("http://{}/v2/acme/base/manifests/0.1.0", upstream.address());
        let accept = "application/vnd.oci.image.manifest.v1+json";
        let answer = reqwest::Client::new().get(source).header("accept", accept).send().await.unwrap();
        let their_manifest = answer.bytes().await.unwrap();
        let server = Server::in_front_of(upstream.address(), move |ask| {
            let is_tag = ask.path.ends_with(&format!("/manifests/{number}"));
            let blob_sent = answer_of(ask, "PUT", "/uploads/");
            let mut there = manifest.lock().unwrap();
            if (!late && blob_sent) || (late && is_tag && ask.method == "PUT") {
                *there = Some(their_manifest.clone());
            }
            let shown = there.clone().filter(|_| is_tag && ask.method == "GET");
            shown.map(|manifest| Answer::new(200, manifest).header("content-type", accept))
        })
        .await;
        let world = World::new(server.address());
        let ours = publication("acme:base", number, content(7, 5_000));
        let error = world.open().await.publish(&ours, &world.registry).await.unwrap_err();
        assert!(
            matches!(&error, Error::AlreadyExists { digest: Some(digest), .. } if *digest == digest_of(b"theirs")),
            "{error}"
        );
        let puts =
            server.take().iter().filter(|ask| ask.starts_with("PUT") && ask.contains("/manifests/")).count();
        assert_eq!(puts, usize::from(late), "an earlier one is not overwritten");
    }
}

#[tokio::test]
async fn progress_is_told_once_for_every_byte() {
    #[derive(Default)]
    struct Watch(std::sync::Arc<AtomicUsize>);
    struct Task(std::sync::Arc<AtomicUsize>);
    impl spin_deps_registry::Progress for Watch {
        fn begin(&self, what: &str, total: Option<u64>) -> Box<dyn spin_deps_registry::ProgressTask> {
            assert_eq!((what, total), ("acme:base 1.0.0", Some(LARGE as u64)));
            Box::new(Task(self.0.clone()))
        }
    }
    impl spin_deps_registry::ProgressTask for Task {
        fn advance(&mut self, bytes: u64) {
            self.0.fetch_add(usize::try_from(bytes).unwrap(), Ordering::SeqCst);
        }
    }
    let upstream = DockerRegistry::start();
    let patches = AtomicUsize::new(0);
    let server = Server::in_front_of(upstream.address(), move |ask| {
        let refused = ask.method == "PATCH" && patches.fetch_add(1, Ordering::SeqCst) > 0;
        refused.then(|| Answer::new(400, ""))
    })
    .await;
    let world = World::new(server.address());
    let watch = Watch::default();
    let seen = watch.0.clone();
    let settings = spin_deps_registry::Settings {
        progress: std::sync::Arc::new(watch),
        environment: environment(&[]),
        ..world.settings.clone()
    };
    open(&settings).await.publish(&large(), &world.registry).await.unwrap();
    assert_eq!(seen.load(Ordering::SeqCst), LARGE, "a second attempt does not count twice");
}
