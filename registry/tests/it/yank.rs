//! Withdrawing releases, at a registry that knows referrers and at one that does not, and in a folder.

use std::sync::Arc;

use ferro_blob_store::InMemoryBlobStore;
use ferro_oci_server::{AppState, InMemoryRegistryMeta, RegistryMeta};
use serde_json::Value;
use spin_deps_registry::{Error, Listed, Listing, Registries, Yank};
use wasm_pkg_common::registry::Registry;

use crate::support::{
    Answer, DockerRegistry, Server, World, content, package, publication, registry, version,
};

const TYPE: &str = "application/vnd.dev.spin-deps.yank.v1+json";

fn yank(number: &str, reason: Option<&str>) -> Yank {
    Yank {
        package: package("acme:base"),
        version: version(number),
        undo: false,
        reason: reason.map(str::to_owned),
    }
}

fn undo(number: &str) -> Yank {
    Yank { undo: true, ..yank(number, None) }
}

/// The releases as "1.0.0", and "1.1.0 yanked (reason)".
async fn listed(registries: &Registries, registry: &Registry) -> Vec<String> {
    let Listing::Found(versions) = registries.versions(&package("acme:base"), registry).await.unwrap() else {
        panic!("the package is there");
    };
    let shown = |it: Listed| match (it.yanked, it.reason) {
        (false, None) => it.version.to_string(),
        (true, Some(reason)) => format!("{} yanked ({reason})", it.version),
        (true, None) => format!("{} yanked", it.version),
        (false, Some(reason)) => panic!("{} has the reason {reason} and is not yanked", it.version),
    };
    versions.into_iter().map(shown).collect()
}

async fn publish(world: &World, numbers: &[&str]) {
    let registries = world.open().await;
    for (seed, number) in numbers.iter().enumerate() {
        let publication = publication("acme:base", number, content(seed as u64 + 1, 500));
        registries.publish(&publication, &world.registry).await.unwrap();
    }
}

/// What every kind of registry has to do.
async fn withdraws_and_offers_again(world: &World) {
    publish(world, &["1.0.0", "1.1.0+b.1", "1.2.0-rc.1"]).await;
    let (registries, registry) = (world.open().await, &world.registry);
    assert_eq!(listed(&registries, registry).await, ["1.0.0", "1.1.0+b.1", "1.2.0-rc.1"]);
    assert!(registries.yank(&yank("1.1.0+b.1", Some(" leaks memory\n")), registry).await.unwrap());
    let one = ["1.0.0", "1.1.0+b.1 yanked (leaks memory)", "1.2.0-rc.1"];
    assert_eq!(listed(&registries, registry).await, one, "what was remembered is forgotten");
    assert_eq!(listed(&world.open().await, registry).await, one);

    // Saying it again changes nothing, another reason does.
    assert!(!registries.yank(&yank("1.1.0+b.1", None), registry).await.unwrap());
    assert!(!registries.yank(&yank("1.1.0+b.1", Some("leaks memory")), registry).await.unwrap());
    assert!(registries.yank(&yank("1.1.0+b.1", Some("leaks")), registry).await.unwrap());
    assert!(registries.yank(&yank("1.2.0-rc.1", None), registry).await.unwrap());
    let two = ["1.0.0", "1.1.0+b.1 yanked (leaks)", "1.2.0-rc.1 yanked"];
    assert_eq!(listed(&registries, registry).await, two);

    // What is withdrawn is there all the same.
    let release = registries.release(&package("acme:base"), &version("1.2.0-rc.1"), registry).await.unwrap();
    assert!(release.is_some());

    assert!(!registries.yank(&undo("1.0.0"), registry).await.unwrap(), "it was not withdrawn");
    assert!(registries.yank(&undo("1.1.0+b.1"), registry).await.unwrap());
    assert!(!registries.yank(&undo("1.1.0+b.1"), registry).await.unwrap());
    let rest = ["1.0.0", "1.1.0+b.1", "1.2.0-rc.1 yanked"];
    assert_eq!(listed(&registries, registry).await, rest);
    assert!(registries.yank(&yank("1.1.0+b.1", None), registry).await.unwrap());
    assert_eq!(listed(&registries, registry).await[1], "1.1.0+b.1 yanked");

    for missing in [yank("1.3.0", None), undo("1.3.0")] {
        let error = registries.yank(&missing, registry).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
    }
    assert_eq!(listed(&world.open().await, registry).await.len(), 3);
}

#[tokio::test]
async fn a_registry_without_referrers_keeps_a_list_of_them_under_a_tag() {
    let server = DockerRegistry::start();
    let world = World::new(server.address());
    withdraws_and_offers_again(&world).await;

    let registries = world.open().await;
    let release = registries.release(&package("acme:base"), &version("1.1.0+b.1"), &world.registry).await;
    let tag = release.unwrap().unwrap().manifest.unwrap().to_string().replace(':', "-");
    let url = format!("http://{}/v2/acme/base/manifests/{tag}", server.address());
    let accept = "application/vnd.oci.image.index.v1+json";
    let answer = reqwest::Client::new().get(url).header("accept", accept).send().await.unwrap();
    let index: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let entries = index["manifests"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "one marker, the last: {index}");
    assert_eq!(entries[0]["artifactType"], TYPE);
    assert_eq!(entries[0]["annotations"]["dev.spin-deps.yank.state"], "yanked");
}

#[tokio::test]
async fn a_registry_with_referrers_lists_the_marker_among_them() {
    let meta = Arc::new(InMemoryRegistryMeta::new()) as Arc<dyn RegistryMeta>;
    let state = AppState::new(Arc::new(InMemoryBlobStore::new()), meta);
    let server = Server::app(ferro_oci_server::router(state)).await;
    let world = World::new(server.address());
    withdraws_and_offers_again(&world).await;

    let registries = world.open().await;
    let release = registries.release(&package("acme:base"), &version("1.1.0+b.1"), &world.registry).await;
    let digest = release.unwrap().unwrap().manifest.unwrap().to_string();
    let base = format!("http://{}/v2/acme/base", server.address());
    let answer = reqwest::get(format!("{base}/referrers/{digest}?artifactType={}", TYPE.replace('+', "%2B")))
        .await
        .unwrap();
    let index: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let entries = index["manifests"].as_array().unwrap();
    assert!(!entries.is_empty() && entries.iter().all(|entry| entry["artifactType"] == TYPE), "{index}");
    let tag = digest.replace(':', "-");
    let fallback = reqwest::get(format!("{base}/manifests/{tag}")).await.unwrap();
    assert_eq!(fallback.status(), 404, "no list of our own where there is the real one");
}

#[tokio::test]
async fn a_folder_has_a_file_beside_the_release() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("releases");
    fs_err::create_dir(&root).unwrap();
    let mut world = World::new("127.0.0.1:1");
    let text = format!(
        "default_registry = \"f.example\"\n[registry.\"f.example\".local]\nroot = \"{}\"\n",
        root.display()
    );
    fs_err::write(world.dir.path().join("config.toml"), text).unwrap();
    world.registry = registry("f.example");
    withdraws_and_offers_again(&world).await;

    // Written by hand, it counts as well: whatever is in it is a reason, within bounds.
    let file = root.join("acme/base/1.0.0.yanked");
    fs_err::write(&file, [b"\xff broken".to_vec(), vec![b'a'; 100_000]].concat()).unwrap();
    let shown = listed(&world.open().await, &world.registry).await;
    assert!(shown[0].starts_with("1.0.0 yanked (\u{fffd} broken") && shown[0].len() < 2_100, "{}", shown[0]);
    fs_err::write(&file, "").unwrap();
    assert_eq!(listed(&world.open().await, &world.registry).await[0], "1.0.0 yanked");
    fs_err::write(root.join("acme/base/7.0.0.yanked"), "no such release").unwrap();
    assert_eq!(listed(&world.open().await, &world.registry).await.len(), 3);
    let names: Vec<_> = fs_err::read_dir(root.join("acme/base")).unwrap().collect();
    assert_eq!(names.len(), 3 + 4, "nothing is left behind: {names:?}");
}

#[tokio::test]
async fn only_markers_cost_requests_and_one_each() {
    let upstream = DockerRegistry::start();
    let server = Server::counting(upstream.address()).await;
    let world = World::new(server.address());
    publish(&world, &["1.0.0", "1.1.0", "1.2.0"]).await;
    let fresh = World::new(server.address());
    server.take();
    listed(&fresh.open().await, &fresh.registry).await;
    let metadata = "GET /.well-known/wasm-pkg/registry.json";
    assert_eq!(server.take(), [metadata, "GET /v2/", "GET /v2/acme/base/tags/list?n=1000"]);

    let registries = world.open().await;
    registries.yank(&yank("1.1.0", None), &world.registry).await.unwrap();
    let fresh = World::new(server.address());
    server.take();
    listed(&fresh.open().await, &fresh.registry).await;
    let expected = [
        metadata,
        "GET /v2/",
        "GET /v2/acme/base/tags/list?n=1000",
        "GET /v2/acme/base/manifests/yanked-1.1.0",
    ];
    assert_eq!(server.take(), expected);
    listed(&fresh.open().await, &fresh.registry).await;
    assert_eq!(server.take(), [""; 0], "what is remembered has the yanks in it");
    assert_eq!(listed(&fresh.open_offline().await, &fresh.registry).await[1], "1.1.0 yanked");
}

#[tokio::test]
async fn a_marker_that_cannot_be_understood_is_on_the_safe_side() {
    let server = Server::start(|ask| {
        let tags = r#"{"name": "acme/base", "tags": ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "yanked-1.0.0", "yanked-1.1.0", "yanked-1.2.0", "yanked-2.0.0"]}"#;
        match ask.path.as_str() {
            "/v2/" => Some(Answer::new(200, "{}")),
            path if path.contains("/tags/list") => Some(Answer::new(200, tags)),
            path if path.ends_with("/yanked-1.0.0") => Some(Answer::new(200, "<html>log in</html>")),
            path if path.ends_with("/yanked-1.1.0") => Some(Answer::new(200, vec![b' '; 1 << 20])),
            // It was there when the tags were listed, and is gone.
            _ => None,
        }
    })
    .await;
    let world = World::new(server.address());
    let shown = listed(&world.open().await, &world.registry).await;
    assert_eq!(shown, ["1.0.0 yanked", "1.1.0 yanked", "1.2.0", "1.3.0"]);
}

#[tokio::test]
async fn a_yank_that_broke_off_can_be_repeated() {
    let upstream = DockerRegistry::start();
    // The tag is pushed last: everything before it goes through, it does not.
    let server = Server::in_front_of(upstream.address(), |ask| {
        let is_tag = ask.method == "PUT" && ask.path.ends_with("/manifests/yanked-1.0.0");
        is_tag.then(|| Answer::new(400, ""))
    })
    .await;
    let world = World::new(server.address());
    publish(&world, &["1.0.0"]).await;
    let error = world.open().await.yank(&yank("1.0.0", None), &world.registry).await.unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    let direct = World::new(upstream.address());
    assert_eq!(listed(&direct.open().await, &direct.registry).await, ["1.0.0"]);
    assert!(direct.open().await.yank(&yank("1.0.0", None), &direct.registry).await.unwrap());
    assert_eq!(listed(&direct.open().await, &direct.registry).await, ["1.0.0 yanked"]);
}

#[tokio::test]
async fn a_version_that_is_too_long_for_the_marker_is_refused() {
    let server = DockerRegistry::start();
    let world = World::new(server.address());
    let long = format!("1.0.0-{}", "a".repeat(120));
    publish(&world, &[&long]).await;
    let error = world.open().await.yank(&yank(&long, None), &world.registry).await.unwrap_err();
    assert!(matches!(error, Error::Unyankable { .. }), "{error}");
}
