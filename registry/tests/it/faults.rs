//! Registries that misbehave: a clear error or a correct result.

use std::sync::atomic::{AtomicU32, Ordering};

use spin_deps_registry::{Content, Error, ReleaseInfo, digest_of};

use crate::support::{Answer, Asked, DockerRegistry, Server, World, content, package, publication, version};

/// A registry that answers `manifest` for every manifest and 404 for the rest.
async fn serving(manifest: impl Fn() -> Answer + Send + Sync + 'static) -> (Server, World) {
    let server = Server::start(move |ask| ask.path.contains("/manifests/").then(&manifest)).await;
    let world = World::new(server.address());
    (server, world)
}

async fn release(world: &World) -> Result<Option<ReleaseInfo>, Error> {
    world.open().await.release(&package("acme:base"), &version("1.0.0"), &world.registry).await
}

#[tokio::test]
async fn artifacts_that_are_no_wasm_packages_are_told_apart() {
    let index =
        r#"{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}"#;
    let layer = |media_type: &str| {
        format!(r#"{{"mediaType": "{media_type}", "digest": "{}", "size": 1}}"#, digest_of(b"x"))
    };
    let two = format!(r#"{{"layers": [{0}, {0}]}}"#, layer("application/wasm"));
    let image = format!(r#"{{"layers": [{}]}}"#, layer("application/vnd.oci.image.layer.v1.tar+gzip"));
    for (manifest, expected) in [
        (index.to_owned(), "it is an image index"),
        (two, "it has 2 layers"),
        (image, "its layer is of the type `application/vnd.oci.image.layer.v1.tar+gzip`"),
        ("not json".to_owned(), "its manifest cannot be understood"),
    ] {
        let (_server, world) = serving(move || Answer::new(200, manifest.clone())).await;
        let error = release(&world).await.unwrap_err();
        assert!(matches!(error, Error::UnsupportedArtifact { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_manifest_larger_than_any_is_not_read_to_its_end() {
    let (_server, world) = serving(|| Answer::new(200, vec![b' '; 5 << 20])).await;
    let error = release(&world).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 4_194_304, .. }), "{error}");
}

#[tokio::test]
async fn a_manifest_that_is_not_what_its_digest_says_is_refused() {
    let (_server, world) =
        serving(|| Answer::new(200, "{}").header("docker-content-digest", digest_of(b"other").to_string()))
            .await;
    assert!(matches!(release(&world).await, Err(Error::DigestMismatch { .. })));

    let (_server, world) = serving(|| Answer::new(200, "{}")).await;
    let registries = world.open().await;
    let locked = digest_of(b"locked");
    let error = registries
        .release_by_manifest(&package("acme:base"), &version("1.0.0"), &world.registry, &locked)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
}

#[tokio::test]
async fn a_config_object_that_is_not_what_its_digest_says_is_refused() {
    let (wasm, config) = (digest_of(b"wasm"), digest_of(b"{}"));
    let manifest = format!(
        r#"{{"config": {{"mediaType": "application/vnd.wasm.config.v0+json", "digest": "{config}", "size": 2}},
             "layers": [{{"mediaType": "application/wasm", "digest": "{wasm}", "size": 4}}]}}"#
    );
    let server = Server::start(move |ask| match ask.path.split('/').nth(4) {
        Some("manifests") => Some(Answer::new(200, manifest.clone())),
        Some("blobs") => Some(Answer::new(200, r#"{"component": {"imports": ["evil:x/y"]}}"#)),
        _ => None,
    })
    .await;
    let world = World::new(server.address());
    let error = release(&world).await.unwrap_err();
    assert!(
        matches!(&error, Error::DigestMismatch { what, .. } if what.contains("config object")),
        "{error}"
    );
}

#[tokio::test]
async fn what_the_registry_says_is_shown_without_its_escapes() {
    let body = r#"{"errors": [{"code": "DENIED", "message": "no\u001b[2J way"}]}"#;
    let (_server, world) = serving(move || Answer::new(403, body)).await;
    let error = release(&world).await.unwrap_err();
    assert!(
        error.to_string().ends_with("does not allow access to `acme:base 1.0.0`: no\u{fffd}[2J way"),
        "{error}"
    );

    let (_server, world) = serving(move || Answer::new(418, body)).await;
    let error = release(&world).await.unwrap_err();
    assert!(error.to_string().contains("its HTTP status is 418"), "{error}");
}

#[tokio::test]
async fn a_redirect_to_plain_http_elsewhere_is_not_followed() {
    let (_server, world) =
        serving(|| Answer::new(302, "").header("location", "http://example.invalid/m?k=1")).await;
    let error = release(&world).await.unwrap_err();
    assert!(
        error.to_string().ends_with("it redirects to `http://example.invalid/m`, which is not https"),
        "{error}"
    );
}

/// A registry with one release, behind a server that answers the first `times` requests for a part by `fault`.
async fn faulty(
    part: &'static str,
    times: u32,
    fault: impl Fn() -> Answer + Send + Sync + 'static,
) -> (DockerRegistry, Server, World, World) {
    let upstream = DockerRegistry::start();
    let publisher = World::new(upstream.address());
    let publication = publication("acme:base", "1.0.0", content(5, 300_000));
    publisher.open().await.publish(&publication, &publisher.registry).await.unwrap();
    let made = AtomicU32::new(0);
    let server = Server::in_front_of(upstream.address(), move |ask: &Asked| {
        (ask.path.contains(part) && made.fetch_add(1, Ordering::SeqCst) < times).then(&fault)
    })
    .await;
    let world = World::new(server.address());
    (upstream, server, world, publisher)
}

#[tokio::test]
async fn a_registry_that_is_busy_for_a_moment_is_asked_again() {
    for part in ["/v2/", "/tags/", "/manifests/", "/blobs/"] {
        let (_upstream, _server, world, _) = faulty(part, 1, || Answer::new(503, "")).await;
        world.open().await.versions(&package("acme:base"), &world.registry).await.unwrap();
        assert!(release(&world).await.unwrap().is_some(), "{part}");
    }
}

#[tokio::test]
async fn a_registry_that_stays_busy_is_reported_and_a_long_pause_is_not_waited_for() {
    let (server, world) = serving(|| Answer::new(429, "").header("retry-after", "0")).await;
    let error = release(&world).await.unwrap_err();
    assert!(matches!(error, Error::Busy { status: 429, .. }), "{error}");
    assert_eq!(server.take().iter().filter(|ask| ask.contains("/manifests/")).count(), 3);

    let (server, world) = serving(|| Answer::new(503, "").header("retry-after", "3600")).await;
    let error = release(&world).await.unwrap_err();
    assert_eq!(error.hint().unwrap(), "it asks to try again in 3600 seconds");
    assert_eq!(server.take().iter().filter(|ask| ask.contains("/manifests/")).count(), 1);
}

async fn fetch(world: &World, publisher: &World) -> Result<bytes::Bytes, Error> {
    let (name, number) = (package("acme:base"), version("1.0.0"));
    let registries = publisher.open().await;
    let release = registries.release(&name, &number, &publisher.registry).await.unwrap().unwrap();
    let content = Content::of(&name, &number, &world.registry, &release);
    world.open().await.fetch(&content).await
}

/// The manifest came whole and is kept; of the content there is nothing, not even a temporary file.
async fn only_the_manifest_is_kept(world: &World) {
    let registries = world.open().await;
    let wanted = digest_of(&content(5, 300_000));
    assert!(registries.store().get(&wanted).await.unwrap().is_none());
    let info = registries.store().info().unwrap();
    assert_eq!((info.blobs, info.temporary), (1, 0));
}

#[tokio::test]
async fn a_download_that_breaks_is_made_again_and_leaves_nothing_behind() {
    let part = || Answer::new(200, content(5, 100_000)).break_off();
    let (_upstream, _server, world, publisher) = faulty("/blobs/", 2, part).await;
    assert_eq!(fetch(&world, &publisher).await.unwrap(), content(5, 300_000));

    let (_upstream, _server, world, publisher) = faulty("/blobs/", u32::MAX, part).await;
    let error = fetch(&world, &publisher).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    only_the_manifest_is_kept(&world).await;
}

#[tokio::test]
async fn truncated_changed_and_endless_content_is_refused() {
    let shorter = || Answer::new(200, content(5, 299_999));
    let (_upstream, _server, world, publisher) = faulty("/blobs/", u32::MAX, shorter).await;
    assert!(matches!(fetch(&world, &publisher).await, Err(Error::DigestMismatch { .. })));

    let longer = || Answer::new(200, content(5, 300_001));
    let (_upstream, _server, world, publisher) = faulty("/blobs/", u32::MAX, longer).await;
    assert!(matches!(fetch(&world, &publisher).await, Err(Error::TooLarge { limit: 300_000, .. })));
    only_the_manifest_is_kept(&world).await;
}

#[tokio::test]
async fn an_unreachable_registry_is_asked_for_once_and_says_why() {
    // A port that nobody listens on.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let world = World::new(&address);
    let error = release(&world).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("could not reach registry `{address}`: the connection was refused")
    );
}
