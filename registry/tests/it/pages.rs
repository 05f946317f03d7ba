//! Lists of tags in pages, by the rules of several registries.

use std::sync::Arc;

use ferro_oci_server::{AppState, InMemoryRegistryMeta, RegistryMeta};
use spin_deps_registry::{Error, Listing, Registries};
use wasm_pkg_common::registry::Registry;

use crate::support::{Answer, Server, World, package};

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
        let last = ask.query("last");
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
        let from: u64 = ask.query("last").and_then(|last| last.parse().ok()).unwrap_or(0);
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

#[tokio::test]
async fn ten_thousand_tags_are_all_there() {
    let with: fn(&str) -> Option<String> =
        |last| Some(format!("</v2/acme/base/tags/list?n=1000&last={last}>; rel=\"next\""));
    for (link, requests) in [(with, 10), ((|_| None) as fn(&str) -> Option<String>, 11)] {
        let server = capped(10_000, 1_000, link).await;
        let world = World::new(server.address());
        assert_eq!(count(&world.open().await, &world.registry).await, 10_000);
        assert_eq!(lists(&server), requests);
    }
}

#[tokio::test]
async fn pages_that_repeat_end_the_list() {
    let links: [&str; 4] = [
        // To itself, to the first page, to another one that is the same, and one without an end of its own.
        "</v2/acme/base/tags/list?n=1000>; rel=\"next\"",
        "<?n=1000&last=>; rel=next",
        "</v2/acme/base/tags/list?page=2>; rel=\"next\"",
        "</v2/acme/base/tags/list?next_page=abc%2F%3D&last=x&n=1000>; rel=\"next\"; type=\"x\"",
    ];
    for link in links {
        let all = tags(100);
        let server = Server::start(move |ask| {
            ask.path.contains("/tags/list").then(|| page(&all).header("link", link))
        })
        .await;
        let world = World::new(server.address());
        assert_eq!(count(&world.open().await, &world.registry).await, 100, "{link}");
        assert_eq!(lists(&server), 2, "{link}");
    }
}

#[tokio::test]
async fn links_that_make_no_sense_lead_nowhere() {
    for link in [
        "<",
        "<>",
        "<>; rel=next",
        "<http://[>; rel=next",
        "<?last=1>",
        "rel=next",
        "<javascript:x>; rel=next",
        "<data:,x>; rel=next",
        "; ; ,,",
        "<//evil.example>; rel=next",
        "<https://me:x@evil.example/#f>; rel=next",
    ] {
        let all = tags(7);
        let elsewhere = format!("{link}, <x>; rel=prev");
        let server = Server::start(move |ask| {
            ask.path.contains("/tags/list").then(|| page(&all).header("link", elsewhere.clone()))
        })
        .await;
        let world = World::new(server.address());
        assert_eq!(count(&world.open().await, &world.registry).await, 7, "{link}");
        assert_eq!(lists(&server), 1, "{link}");
    }
}

#[tokio::test]
async fn a_list_that_lacks_a_promised_page_is_not_taken_for_the_whole() {
    let first = |link: Option<&'static str>| {
        Server::start(move |ask| {
            let first = page(&tags(1_000));
            let answer = match (ask.query("last"), link) {
                (None, Some(link)) => first.header("link", link),
                (None, None) => first,
                (Some(_), _) => Answer::new(404, ""),
            };
            ask.path.contains("/tags/list").then_some(answer)
        })
    };
    let server = first(Some("<?n=1000&last=x>; rel=next")).await;
    let world = World::new(server.address());
    let error = world.open().await.versions(&package("acme:base"), &world.registry).await.unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");

    // Nobody promised that there is more.
    let server = first(None).await;
    let world = World::new(server.address());
    assert_eq!(count(&world.open().await, &world.registry).await, 1_000);
}
