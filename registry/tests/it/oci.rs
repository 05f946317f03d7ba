//! Reading from a real registry, and how many requests it takes.

use std::time::Duration;

use spin_deps_registry::{Content, Error, Listing, Registries, Settings};
use wasm_pkg_common::package::PackageRef;
use wasm_pkg_common::registry::Registry;

use crate::support::{DockerRegistry, Server, World, content, open, package, publication, registry, version};

const WELL_KNOWN: &str = "GET /.well-known/wasm-pkg/registry.json";

async fn publish(registries: &Registries, registry: &Registry, name: &str, versions: &[&str]) {
    for (seed, number) in (0..).zip(versions) {
        let publication =
            publication(name, number, content(seed + name.bytes().map(u64::from).sum::<u64>() * 100, 20_000));
        registries.publish(&publication, registry).await.unwrap();
    }
}

async fn versions(registries: &Registries, name: &PackageRef, registry: &Registry) -> Vec<String> {
    match registries.versions(name, registry).await.unwrap() {
        Listing::Found(listed) => listed.into_iter().map(|listed| listed.version.to_string()).collect(),
        other => panic!("{other:?}"),
    }
}

/// Lists, describes and fetches the highest version.
async fn take(registries: &Registries, name: &str, registry: &Registry) -> Content {
    let name = package(name);
    let highest = version(versions(registries, &name, registry).await.last().unwrap());
    let release = registries.release(&name, &highest, registry).await.unwrap().unwrap();
    assert_eq!(release.component.as_ref().unwrap().exports, [format!("{name}/api@{highest}")]);
    let content = Content::of(&name, &highest, registry, &release);
    assert_eq!(registries.fetch(&content).await.unwrap().len(), 20_000);
    content
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cold_is_three_requests_and_the_layer_and_warm_is_none() {
    let upstream = DockerRegistry::start();
    let server = Server::counting(upstream.address()).await;
    let world = World::new(server.address());
    let names = ["acme:one", "acme:two", "acme:three", "acme:four", "acme:five"];
    let publisher = world.open().await;
    for name in names {
        publish(&publisher, &world.registry, name, &["1.0.0", "1.1.0"]).await;
    }
    drop(publisher);
    server.take();

    let cold = World::new(server.address());
    let registries = cold.open().await;
    let all = names.map(|name| take(&registries, name, &cold.registry));
    let contents = futures::future::join_all(all).await;
    let asked = server.take();
    let of = |part: &str| asked.iter().filter(|ask| ask.contains(part)).count();
    assert_eq!(of("/tags/list"), 5, "{asked:#?}");
    assert_eq!(of("/manifests/1.1.0"), 5, "{asked:#?}");
    assert_eq!(of("/blobs/"), 10, "{asked:#?}");
    assert_eq!(asked.iter().filter(|ask| *ask == "GET /v2/").count(), 1, "{asked:#?}");
    assert_eq!(of(WELL_KNOWN), 1, "{asked:#?}");
    assert_eq!(asked.len(), 22, "{asked:#?}");

    // The same process, another process, and one that has only the lock to go by.
    futures::future::join_all(names.map(|name| take(&registries, name, &cold.registry))).await;
    let warm = cold.open().await;
    futures::future::join_all(names.map(|name| take(&warm, name, &cold.registry))).await;
    let locked = open(&Settings { listing_ttl: Duration::ZERO, ..cold.settings.clone() }).await;
    for content in &contents {
        let manifest = content.manifest.as_ref().unwrap();
        let release =
            locked.release_by_manifest(&content.package, &content.version, &content.registry, manifest).await;
        assert_eq!(release.unwrap().unwrap().digest, content.digest);
        locked.fetch(content).await.unwrap();
    }
    assert_eq!(server.take(), Vec::<String>::new());

    // When the list has grown old: the list and the manifest; the config object is known by digest.
    take(&locked, "acme:one", &cold.registry).await;
    let asked = server.take();
    assert_eq!(asked, ["GET /v2/", "GET /v2/acme/one/tags/list?n=1000", "GET /v2/acme/one/manifests/1.1.0"]);
}

#[tokio::test]
async fn tasks_that_want_the_same_share_the_work() {
    let upstream = DockerRegistry::start();
    let server = Server::counting(upstream.address()).await;
    let world = World::new(server.address());
    publish(&world.open().await, &world.registry, "acme:base", &["1.0.0"]).await;
    server.take();
    let cold = World::new(server.address());
    let registries = cold.open().await;
    futures::future::join_all((0..10).map(|_| take(&registries, "acme:base", &cold.registry))).await;
    assert_eq!(server.take().len(), 6, "metadata, /v2/, tags, manifest, config, layer");
}

#[tokio::test]
async fn versions_are_sorted_and_other_tags_ignored() {
    let upstream = DockerRegistry::start();
    let world = World::new(upstream.address());
    let registries = world.open().await;
    let numbers = ["2.0.0", "1.2.0-rc.1", "1.10.0", "1.9.0", "1.9.0+build.7"];
    publish(&registries, &world.registry, "acme:base", &numbers).await;
    let tags =
        fs_err::canonicalize(upstream.blob("sha256:aa").ancestors().nth(5).unwrap().join("repositories"))
            .unwrap()
            .join("acme/base/_manifests/tags");
    for tag in ["latest", "v3.0.0", "sha256-abc.sig"] {
        fs_err::create_dir_all(tags.join(tag).join("current")).unwrap();
    }
    let listed = versions(&registries, &package("acme:base"), &world.registry).await;
    assert_eq!(listed, ["1.2.0-rc.1", "1.9.0", "1.9.0+build.7", "1.10.0", "2.0.0"]);
    let build = version("1.9.0+build.7");
    assert!(registries.release(&package("acme:base"), &build, &world.registry).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_not_there_is_an_answer() {
    let upstream = DockerRegistry::start();
    let world = World::new(upstream.address());
    let registries = world.open().await;
    publish(&registries, &world.registry, "acme:base", &["1.0.0"]).await;
    assert_eq!(registries.versions(&package("acme:none"), &world.registry).await.unwrap(), Listing::NotFound);
    let none = registries.release(&package("acme:base"), &version("1.0.1"), &world.registry).await.unwrap();
    assert_eq!(none, None);
    let long = version(&format!("1.0.0-{}", "a".repeat(300)));
    assert_eq!(registries.release(&package("acme:base"), &long, &world.registry).await.unwrap(), None);
}

#[tokio::test]
async fn a_new_version_is_seen_after_publishing_and_when_the_list_is_old() {
    let upstream = DockerRegistry::start();
    let world = World::new(upstream.address());
    let name = package("acme:base");
    let reader = world.open().await;
    publish(&reader, &world.registry, "acme:base", &["1.0.0"]).await;
    assert_eq!(versions(&reader, &name, &world.registry).await, ["1.0.0"]);
    publish(&reader, &world.registry, "acme:base", &["1.1.0"]).await;
    assert_eq!(versions(&reader, &name, &world.registry).await, ["1.0.0", "1.1.0"]);

    let elsewhere = World::new(upstream.address());
    publish(&elsewhere.open().await, &world.registry, "acme:base", &["1.2.0"]).await;
    assert_eq!(versions(&world.open().await, &name, &world.registry).await, ["1.0.0", "1.1.0"]);
    let impatient = open(&Settings { listing_ttl: Duration::ZERO, ..world.settings.clone() }).await;
    assert_eq!(versions(&impatient, &name, &world.registry).await, ["1.0.0", "1.1.0", "1.2.0"]);
}

#[tokio::test]
async fn offline_gives_what_is_known_and_says_what_is_not() {
    let upstream = DockerRegistry::start();
    let world = World::new(upstream.address());
    let name = package("acme:base");
    publish(&world.open().await, &world.registry, "acme:base", &["1.0.0", "2.0.0"]).await;

    let cold = World::new(upstream.address());
    let nothing = cold.open_offline().await;
    assert_eq!(nothing.versions(&name, &cold.registry).await.unwrap(), Listing::Offline);
    let error = nothing.release(&name, &version("2.0.0"), &cold.registry).await.unwrap_err();
    assert_eq!(error.to_string(), "acme:base 2.0.0 is not in the local store, and `--offline` was given");

    let content = take(&cold.open().await, "acme:base", &cold.registry).await;
    drop(upstream);
    // However old the records are.
    let settings = Settings { listing_ttl: Duration::ZERO, ..crate::support::offline(&cold.settings) };
    let warm = open(&settings).await;
    assert_eq!(take(&warm, "acme:base", &cold.registry).await, content);
    let publication = publication("acme:base", "3.0.0", "x");
    assert!(matches!(warm.publish(&publication, &cold.registry).await, Err(Error::OfflineWrite { .. })));

    let online = open(&Settings { listing_ttl: Duration::ZERO, ..cold.settings.clone() }).await;
    let error = online.versions(&name, &cold.registry).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("could not reach registry `{}`: the connection was refused", cold.registry)
    );
}

#[tokio::test]
async fn a_damaged_store_is_mended_online_and_reported_offline() {
    let upstream = DockerRegistry::start();
    let world = World::new(upstream.address());
    let registries = world.open().await;
    publish(&registries, &world.registry, "acme:base", &["1.0.0"]).await;
    let content = take(&registries, "acme:base", &world.registry).await;
    let damage = || {
        for entry in fs_err::read_dir(registries.store().dir().join("blobs/sha256")).unwrap() {
            let path = entry.unwrap().path();
            let mut bytes = fs_err::read(&path).unwrap();
            bytes[10] ^= 1;
            fs_err::write(path, bytes).unwrap();
        }
    };
    damage();
    let warm = world.open_offline().await;
    let error = warm.fetch(&content).await.unwrap_err();
    assert!(matches!(&error, Error::DamagedStore { .. }), "{error}");
    assert!(
        error.to_string().contains("acme:base 1.0.0") && error.to_string().contains("`--offline` was given")
    );
    let manifest = content.manifest.as_ref().unwrap();
    let error = warm
        .release_by_manifest(&content.package, &content.version, &content.registry, manifest)
        .await
        .unwrap_err();
    assert!(matches!(&error, Error::DamagedStore { .. }), "{error}");

    take(&world.open().await, "acme:base", &world.registry).await;
    assert!(registries.store().verify().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_moved_tag_does_not_change_what_was_locked() {
    let upstream = DockerRegistry::start();
    let world = World::new(upstream.address());
    let registries = world.open().await;
    publish(&registries, &world.registry, "acme:base", &["1.0.0", "1.0.1"]).await;
    let name = package("acme:base");
    let info = |number: &'static str| {
        let (registries, registry) = (registries.clone(), world.registry.clone());
        async move {
            registries.release(&package("acme:base"), &version(number), &registry).await.unwrap().unwrap()
        }
    };
    let (one, two) = (info("1.0.0").await, info("1.0.1").await);
    let (locked, now) = (one.manifest.clone().unwrap(), two.manifest.clone().unwrap());
    upstream.move_tag("acme/base", "1.0.0", &now.to_string());

    // By digest, the manifest is still there.
    let elsewhere = World::new(upstream.address());
    let clean = elsewhere.open().await;
    let found = clean.release_by_manifest(&name, &version("1.0.0"), &world.registry, &locked).await.unwrap();
    assert_eq!(found.unwrap().digest, one.digest);

    upstream.forget_manifest("acme/base", &locked.to_string());
    let elsewhere = World::new(upstream.address());
    let clean = elsewhere.open().await;
    let error =
        clean.release_by_manifest(&name, &version("1.0.0"), &world.registry, &locked).await.unwrap_err();
    assert!(matches!(&error, Error::TagMoved { now: new, .. } if *new == now), "{error}");
    assert!(error.hint().unwrap().contains("remove acme:base from spin-deps.lock"));
}

#[tokio::test]
async fn a_damaged_blob_at_the_registry_is_refused() {
    let upstream = DockerRegistry::start();
    let world = World::new(upstream.address());
    let registries = world.open().await;
    publish(&registries, &world.registry, "acme:base", &["1.0.0"]).await;
    let name = package("acme:base");
    let release = registries.release(&name, &version("1.0.0"), &world.registry).await.unwrap().unwrap();
    let content = Content::of(&name, &version("1.0.0"), &world.registry, &release);
    let blob = upstream.blob(&release.digest.to_string());
    let mut bytes = fs_err::read(&blob).unwrap();
    bytes[77] ^= 1;
    fs_err::write(&blob, &bytes).unwrap();
    let error = registries.fetch(&content).await.unwrap_err();
    assert!(matches!(&error, Error::DigestMismatch { what, .. } if what == "acme:base 1.0.0"), "{error}");
    assert_eq!(registries.store().get(&release.digest).await.unwrap(), None);

    // A lock whose digest was edited.
    let edited = Content { digest: spin_deps_registry::digest_of(b"edited"), ..content.clone() };
    let error = registries.fetch(&edited).await.unwrap_err();
    assert!(matches!(&error, Error::DigestMismatch { actual, .. } if *actual == release.digest), "{error}");
    let unknown = Content { manifest: None, ..edited };
    assert!(matches!(registries.fetch(&unknown).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn metadata_names_host_and_prefix_and_mapped_metadata_spares_the_question() {
    let upstream = DockerRegistry::start();
    let world = World::new(upstream.address());
    let address = upstream.address().to_owned();
    let front = Server::start(move |ask| {
        (ask.path == "/.well-known/wasm-pkg/registry.json").then(|| {
            let json = format!(r#"{{"ociRegistry": "{address}", "ociNamespacePrefix": "team/"}}"#);
            crate::support::Answer::new(200, json)
        })
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let settings = crate::support::settings(dir.path(), front.address());
    let (named, name) = (registry(front.address()), package("acme:base"));
    let publication = publication("acme:base", "1.0.0", content(1, 100));
    open(&settings).await.publish(&publication, &named).await.unwrap();
    assert_eq!(front.take(), [WELL_KNOWN]);
    let Listing::Found(_) = open(&settings).await.versions(&name, &named).await.unwrap() else { panic!() };
    assert_eq!(front.take(), Vec::<String>::new(), "the metadata is remembered");

    let mapped = format!(
        "[namespace_registries.acme]\nregistry = \"my-name\"\n\
         metadata = {{ oci = {{ registry = \"{}\", namespacePrefix = \"team/\" }} }}\n\
         [registry.\"my-name\".oci]\nprotocol = \"http\"\n",
        upstream.address()
    );
    let mut settings = world.settings.clone();
    fs_err::write(settings.config_file.as_ref().unwrap(), mapped).unwrap();
    settings.cache_dir = dir.path().join("other");
    let registries = open(&settings).await;
    let named = registries.registry_of(&name).unwrap();
    assert_eq!(versions(&registries, &name, &named).await, ["1.0.0"]);
}

#[tokio::test]
async fn one_store_keeps_registries_apart() {
    let (one, two) = (DockerRegistry::start(), DockerRegistry::start());
    let dir = tempfile::tempdir().unwrap();
    let name = package("acme:base");
    for (server, numbers) in [(&one, ["1.0.0"]), (&two, ["2.0.0"])] {
        let registries = open(&crate::support::settings(dir.path(), server.address())).await;
        let registry = registry(server.address());
        publish(&registries, &registry, "acme:base", &numbers).await;
        assert_eq!(versions(&registries, &name, &registry).await, numbers);
    }
}
