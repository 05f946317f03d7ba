//! The packages of a warg registry, by its ledger.

use bytes::Bytes;
use serde_json::json;
use spin_deps_registry::{Catalog, Error};

use super::support::Scene;
use crate::support::offline;

const LEDGER: &str = "/v1/ledger";
const NAMES: &str = "/v1/fetch/names";

async fn catalog(scene: &Scene) -> Result<Catalog, Error> {
    scene.open().await.packages(None).await.unwrap().remove(0).1
}

async fn packages(scene: &Scene) -> Vec<String> {
    match catalog(scene).await.unwrap() {
        Catalog::Found { packages, cut: None, described: false } => {
            packages.iter().map(ToString::to_string).collect()
        }
        other => panic!("{other:?}"),
    }
}

async fn refusal(scene: &Scene) -> String {
    match catalog(scene).await {
        Ok(Catalog::Refused { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_logs_of_the_ledger_are_packages() {
    let scene = Scene::with(&["1.0.0", "1.1.0"]).await;
    scene.publish("acme:tea", "1.0.0").await;
    scene.forger.take();
    assert_eq!(packages(&scene).await, ["acme:base", "acme:tea"]);
    assert_eq!(scene.forger.take(), ["GET /v1/ledger", "GET /v1/ledger/records/0", "POST /v1/fetch/names"]);
    let closed = crate::support::open(&offline(&scene.settings)).await;
    assert!(matches!(closed.packages(None).await.unwrap().remove(0).1, Ok(Catalog::Offline)));
    assert_eq!(scene.forger.take(), Vec::<String>::new());
}

#[tokio::test]
async fn a_registry_without_a_ledger_cannot_list() {
    let scene = Scene::with(&["1.0.0"]).await;
    for (path, reason) in
        [(LEDGER, "it does not offer its ledger"), (NAMES, "it does not tell the names of its packages")]
    {
        scene.forger.rule(move |asked, upstream| async move {
            if asked.is(path) { (404, Bytes::new()) } else { upstream.pass(&asked).await }
        });
        assert_eq!(refusal(&scene).await, reason);
    }
}

#[tokio::test]
async fn names_are_those_of_their_logs() {
    let scene = Scene::with(&["1.0.0"]).await;
    scene.publish("acme:tea", "1.0.0").await;
    // It says that each is called as another one is, or nothing of some.
    scene.forger.change(NAMES, |mut answer| {
        for name in answer["packages"].as_object_mut().unwrap().values_mut() {
            *name = json!("acme:base");
        }
        answer
    });
    assert_eq!(packages(&scene).await, ["acme:base"]);
    scene.forger.change(NAMES, |_| json!({ "packages": {} }));
    assert_eq!(packages(&scene).await, [""; 0]);
    scene.forger.change(NAMES, |mut answer| {
        let names = answer["packages"].as_object_mut().unwrap();
        // One at a time, as servers with a limit of their own do.
        *names = names.iter().take(1).map(|(log, name)| (log.clone(), name.clone())).collect();
        answer
    });
    assert_eq!(packages(&scene).await, ["acme:base", "acme:tea"]);
}

#[tokio::test]
async fn a_ledger_elsewhere_is_not_followed_with_the_token() {
    let scene = Scene::with(&["1.0.0"]).await;
    for elsewhere in ["http://127.0.0.1:9/v1/ledger/records/0", "http://[/", "file:///etc/passwd"] {
        scene.forger.change(LEDGER, move |mut answer| {
            answer["sources"][0]["url"] = json!(elsewhere);
            answer
        });
        assert_eq!(refusal(&scene).await, "its ledger is kept elsewhere, or in another form");
    }
    // Garbage is no ledger, and half of an entry is none.
    scene.forger.change(LEDGER, |_| json!({ "sources": 1 }));
    assert!(matches!(catalog(&scene).await, Err(Error::BadAnswer { .. })));
    scene.forger.rule(|asked, upstream| async move {
        if asked.path.contains("/records/") {
            (200, Bytes::from(vec![7; 63]))
        } else {
            upstream.pass(&asked).await
        }
    });
    assert_eq!(packages(&scene).await, [""; 0]);
}
