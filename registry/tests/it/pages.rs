//! Lists of tags in pages, by the rules of several registries.

use std::sync::Arc;

use ferro_oci_server::{AppState, InMemoryRegistryMeta, RegistryMeta};
use spin_deps_registry::{Error, Listing, Registries};
use wasm_pkg_common::registry::Registry;

use crate::support::{Answer, Asked, Server, World, package};

async fn count(registries: &Registries, registry: &Registry) -> usize {
    match registries.versions(&package("acme:base"), registry).await.unwrap() {
        Listing::Found(listed) => {
            assert!(listed.is_sorted_by(|a, b| a.version < b.version));
            listed.len()
        }
        other => panic!("{other:?}"),
    }
}

fn lists(server: &Server) -> usize {
    server.take().iter().filter(|ask| ask.contains("/tags/list")).count()
}

fn query(ask: &Asked, name: &str) -> Option<String> {
    let url = url::Url::parse(&format!("http://localhost{}", ask.path)).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn page(tags: &[String]) -> Answer {
    Answer::new(200, serde_json::json!({ "name": "acme/base", "tags": tags }).to_string())
}

/// Sorted as text, as registries sort them.
fn tags(count: usize) -> Vec<String> {
    let mut tags: Vec<String> = (0..count).map(|patch| format!("1.0.{patch}")).collect();
    tags.sort();
    tags
}

#[tokio::test]
async fn a_registry_with_pages_and_links_is_read_to_the_end() {
    for (total, requests) in [(3, 1), (999, 1), (1000, 2), (2_500, 3)] {
        let meta = InMemoryRegistryMeta::new();
        for tag in tags(total) {
            let body = bytes::Bytes::from(format!("manifest {tag}"));
            let digest = spin_deps_registry::digest_of(&body).to_string().parse().unwrap();
            let reference = ferro_oci_server::Reference::Tag(tag);
            meta.put_manifest("acme/base", &reference, &digest, "application/json", body).await.unwrap();
        }
        let state = AppState::new(
            Arc::new(ferro_blob_store::InMemoryBlobStore::new()),
            Arc::new(meta) as Arc<dyn RegistryMeta>,
        );
        let upstream = Server::app(ferro_oci_server::router(state)).await;
        let server = Server::counting(upstream.address()).await;
        let world = World::new(server.address());
        assert_eq!(count(&world.open().await, &world.registry).await, total);
        assert_eq!(lists(&server), requests, "{total} tags");
    }
}

/// A registry that cuts pages at `cap`, whatever is asked for.
async fn capped(total: usize, cap: usize, link: fn(&str) -> Option<String>) -> Server {
    let all = tags(total);
    Server::start(move |ask| {
        if !ask.path.contains("/tags/list") {
            return Some(Answer::new(if ask.path == "/v2/" { 200 } else { 404 }, ""));
        }
        let last = query(ask, "last");
        let from = last.map_or(0, |last| all.iter().position(|tag| *tag > last).unwrap_or(all.len()));
        let shown = &all[from..all.len().min(from + cap)];
        let more = from + shown.len() < all.len();
        let answer = page(shown);
        Some(match shown.last().filter(|_| more).and_then(|last| link(last)) {
            Some(link) => answer.header("link", link),
            None => answer,
        })
    })
    .await
}

#[tokio::test]
async fn caps_below_what_was_asked_for_lose_nothing_with_or_without_links() {
    let with: fn(&str) -> Option<String> =
        |last| Some(format!("</v2/acme/base/tags/list?n=100&last={last}>; rel=\"next\""));
    for (total, requests) in [(99, 1), (250, 3)] {
        let server = capped(total, 100, with).await;
        let world = World::new(server.address());
        assert_eq!(count(&world.open().await, &world.registry).await, total);
        assert_eq!(lists(&server), requests);
    }
    for (total, requests) in [(99, 1), (100, 2), (250, 3)] {
        let server = capped(total, 100, |_| None).await;
        let world = World::new(server.address());
        assert_eq!(count(&world.open().await, &world.registry).await, total);
        assert_eq!(lists(&server), requests);
    }
}

#[tokio::test]
async fn a_link_to_another_host_is_followed_at_our_own() {
    let server =
        capped(150, 100, |last| Some(format!("<http://evil.example/v2/x?n=100&last={last}>; rel=next")))
            .await;
    let world = World::new(server.address());
    assert_eq!(count(&world.open().await, &world.registry).await, 150);
}

#[tokio::test]
async fn a_registry_that_knows_no_pages_is_asked_once_more_at_most() {
    let all = tags(1_200);
    let server = Server::start(move |ask| ask.path.contains("/tags/list").then(|| page(&all))).await;
    let world = World::new(server.address());
    assert_eq!(count(&world.open().await, &world.registry).await, 1_200);
    assert_eq!(lists(&server), 2);
}

#[tokio::test]
async fn a_list_without_end_is_given_up() {
    // Each page is full, new, and links to the next.
    let server = Server::start(|ask| {
        let from: u64 = query(ask, "last").and_then(|last| last.parse().ok()).unwrap_or(0);
        let tags: Vec<String> = (from..from + 10_000).map(|patch| format!("1.0.{patch}")).collect();
        let next = format!("<?last={}>; rel=next", from + 10_000);
        ask.path.contains("/tags/list").then(|| page(&tags).header("link", next))
    })
    .await;
    let world = World::new(server.address());
    let error = world.open().await.versions(&package("acme:base"), &world.registry).await.unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    assert!(error.to_string().ends_with("it lists more than 100000 tags"), "{error}");
}
