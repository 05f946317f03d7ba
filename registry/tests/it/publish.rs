//! Publishing to a real registry.

use bytes::Bytes;
use spin_deps_registry::{Content, Error, Settings, digest_of};

use crate::support::{
    DockerRegistry, Server, World, content, environment, open, package, publication, version,
};

#[tokio::test]
async fn two_machines_publish_the_same_bytes() {
    let (one, two) = (DockerRegistry::start(), DockerRegistry::start());
    let mut published = Vec::new();
    for server in [&one, &two] {
        let world = World::new(server.address());
        let publication = publication("acme:base", "1.0.0", content(1, 5_000));
        published.push(world.open().await.publish(&publication, &world.registry).await.unwrap());
    }
    assert_eq!(published[0], published[1]);
    let manifest = published[0].manifest.as_ref().unwrap();
    let bytes = fs_err::read(one.blob(&manifest.to_string())).unwrap();
    assert_eq!(digest_of(&bytes), *manifest);

    let third = DockerRegistry::start();
    let world = World::new(third.address());
    let settings = Settings {
        environment: environment(&[("SOURCE_DATE_EPOCH", "1700000000")]),
        ..world.settings.clone()
    };
    let publication = publication("acme:base", "1.0.0", content(1, 5_000));
    let dated = open(&settings).await.publish(&publication, &world.registry).await.unwrap();
    assert_eq!(dated.digest, published[0].digest);
    assert_ne!(dated.manifest, published[0].manifest, "the config object carries the time");
}

#[tokio::test]
async fn a_version_is_never_replaced_and_a_pre_release_neither() {
    let upstream = DockerRegistry::start();
    let world = World::new(upstream.address());
    for number in ["1.0.0", "1.0.0-rc.1"] {
        let registries = world.open().await;
        let first = publication("acme:base", number, "one");
        assert!(!registries.publish(&first, &world.registry).await.unwrap().already_there);
        let again = registries.publish(&first, &world.registry).await.unwrap();
        assert!(again.already_there && again.manifest.is_some());
        // The same Wasm counts as the same, whatever is said about it.
        let mut described = first.clone();
        described.annotations.insert("org.opencontainers.image.description".into(), "x".into());
        assert!(registries.publish(&described, &world.registry).await.unwrap().already_there);

        let other = publication("acme:base", number, "two");
        let error = registries.publish(&other, &world.registry).await.unwrap_err();
        let there = digest_of(b"one");
        assert!(
            matches!(&error, Error::AlreadyExists { digest: Some(digest), .. } if *digest == there),
            "{error}"
        );
        let release =
            registries.release(&package("acme:base"), &version(number), &world.registry).await.unwrap();
        assert_eq!(release.unwrap().digest, there);
    }
}

#[tokio::test]
async fn small_content_goes_up_in_one_piece_and_large_content_in_chunks() {
    let upstream = DockerRegistry::start();
    let server = Server::counting(upstream.address()).await;
    let world = World::new(server.address());
    let registries = world.open().await;
    let of = |asked: &[String], method: &str| asked.iter().filter(|ask| ask.starts_with(method)).count();

    registries
        .publish(&publication("acme:base", "1.0.0", content(1, 100_000)), &world.registry)
        .await
        .unwrap();
    let asked = server.take();
    assert_eq!((of(&asked, "POST"), of(&asked, "PATCH"), of(&asked, "PUT")), (2, 0, 3), "{asked:#?}");
    let [.., checked, pushed, read_back] = asked.as_slice() else { panic!("{asked:#?}") };
    assert_eq!(pushed, "PUT /v2/acme/base/manifests/1.0.0", "after all else");
    assert_eq!((checked, checked), (read_back, &"GET /v2/acme/base/manifests/1.0.0".to_owned()));
    assert_eq!(asked.iter().filter(|ask| *ask == "GET /v2/").count(), 1, "{asked:#?}");

    let large = content(2, 9 << 20);
    registries.publish(&publication("acme:base", "2.0.0", large.clone()), &world.registry).await.unwrap();
    let asked = server.take();
    assert_eq!((of(&asked, "POST"), of(&asked, "PATCH"), of(&asked, "PUT")), (2, 3, 3), "{asked:#?}");

    let clean = World::new(upstream.address());
    let registries = clean.open().await;
    let (name, number) = (package("acme:base"), version("2.0.0"));
    let release = registries.release(&name, &number, &clean.registry).await.unwrap().unwrap();
    let fetched = registries.fetch(&Content::of(&name, &number, &clean.registry, &release)).await.unwrap();
    assert_eq!(fetched, large);
}

#[tokio::test]
async fn what_has_no_place_at_a_registry_is_refused_before_any_request() {
    let server = Server::start(|_| None).await;
    let world = World::new(server.address());
    let registries = world.open().await;
    let long = format!("1.0.0-{}", "a".repeat(200));
    for (number, bytes) in [("1.0.0", Bytes::new()), (long.as_str(), Bytes::from_static(b"x"))] {
        let error =
            registries.publish(&publication("acme:base", number, bytes), &world.registry).await.unwrap_err();
        assert!(matches!(error, Error::Unpublishable { .. }), "{error}");
    }
    assert!(server.take().iter().all(|ask| !ask.contains("/v2/")));
}
