//! Publishing and withdrawing.

use std::time::Duration;

use bytes::Bytes;
use spin_deps_registry::{Error, Settings, Yank};
use warg_client::storage::{ContentStorage as _, PublishEntry, PublishInfo};
use warg_protocol::registry::PackageName;

use super::support::{LOGS, Scene, decode, key, key_id, settings, stock_client, versions};
use crate::support::{environment, offline, open, package, publication, version};

/// Settings of somebody else with this key, at the same registry.
fn other(scene: &Scene, dir: &std::path::Path, key: &str) -> Settings {
    settings(dir, &[("warg.test", &scene.forger.address)], key)
}

#[tokio::test]
async fn the_first_release_begins_the_log_and_no_release_is_ever_replaced() {
    let scene = Scene::with(&[]).await;
    let registries = scene.open().await;
    let first = publication("acme:base", "1.0.0", "one");
    let published = registries.publish(&first, &scene.registry).await.unwrap();
    assert!(!published.already_there && published.manifest.is_none());
    assert!(registries.publish(&first, &scene.registry).await.unwrap().already_there);
    let error =
        registries.publish(&publication("acme:base", "1.0.0", "two"), &scene.registry).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "acme:base 1.0.0 already exists at registry `warg.test` with other content"
    );
    registries.publish(&publication("acme:base", "1.1.0-rc.1", "two"), &scene.registry).await.unwrap();
    assert_eq!(scene.versions().await.unwrap(), "1.0.0 1.1.0-rc.1");

    // What was withdrawn is not published again.
    scene.yank("1.0.0").await;
    let error = registries.publish(&first, &scene.registry).await.unwrap_err();
    insta::assert_snapshot!(error, @"acme:base 1.0.0 cannot be published: it was withdrawn, and a warg registry offers nothing twice");
}

#[tokio::test]
async fn a_key_of_somebody_else_is_refused_before_anything_is_sent() {
    let scene = Scene::with(&["1.0.0"]).await;
    let (dir, eve) = (tempfile::tempdir().unwrap(), key());
    let registries = open(&other(&scene, dir.path(), &eve)).await;
    let error =
        registries.publish(&publication("acme:base", "1.1.0", "evil"), &scene.registry).await.unwrap_err();
    let (eve, author) = (key_id(&eve), key_id(&scene.key));
    assert_eq!(
        error.to_string(),
        format!("the key {eve} may not publish releases of acme:base at registry `warg.test`")
    );
    assert_eq!(
        error.hint().unwrap(),
        format!("use the key that published the package first, {author}, or one that it has granted this")
    );
    assert!(scene.forger.take().iter().all(|asked| !asked.contains("/v1/package/")));
}

#[tokio::test]
async fn without_a_key_nothing_is_signed_and_the_environment_can_give_one() {
    let scene = Scene::with(&[]).await;
    let config = scene.settings.config_file.as_ref().unwrap();
    fs_err::write(config, format!("[registry.\"warg.test\".warg]\nurl = \"{}\"\n", scene.forger.address))
        .unwrap();
    let publish = async |settings: &Settings, number: &str| {
        open(settings).await.publish(&publication("acme:base", number, "x"), &scene.registry).await
    };
    let error = publish(&scene.settings, "1.0.0").await.unwrap_err();
    insta::assert_snapshot!(error, @"there is no key to sign with: none is configured");
    insta::assert_snapshot!(error.hint().unwrap(), @"set `SPIN_DEPS_SIGNING_KEY` to a key of the form `ecdsa-p256:<base64>`, or `SPIN_DEPS_SIGNING_KEY_FILE` to a file that holds one");

    let file = scene.dir.path().join("key");
    fs_err::write(&file, &scene.key).unwrap();
    let with = |name: &str, value: &str| Settings {
        environment: environment(&[(name, value)]),
        ..scene.settings.clone()
    };
    publish(&with("SPIN_DEPS_SIGNING_KEY", &scene.key), "1.0.0").await.unwrap();
    publish(&with("SPIN_DEPS_SIGNING_KEY_FILE", file.to_str().unwrap()), "1.1.0").await.unwrap();
    assert_eq!(scene.versions().await.unwrap(), "1.0.0 1.1.0");
}

#[tokio::test]
async fn what_has_no_place_at_a_registry_is_refused() {
    let scene = Scene::with(&[]).await;
    let registries = scene.open().await;
    let empty = publication("acme:base", "1.0.0", "");
    let error = registries.publish(&empty, &scene.registry).await.unwrap_err();
    assert_eq!(error.to_string(), "acme:base 1.0.0 cannot be published: it is empty");
    let elsewhere = publication("other:base", "1.0.0", "x");
    let error = registries.publish(&elsewhere, &scene.registry).await.unwrap_err();
    insta::assert_snapshot!(error, @"other:base 1.0.0 cannot be published: registry `warg.test` refused it: namespace `other` is not defined on the registry");
    scene.forger.take();
    let error = open(&offline(&scene.settings)).await.publish(&elsewhere, &scene.registry).await.unwrap_err();
    assert!(matches!(error, Error::OfflineWrite { .. }), "{error}");
    assert_eq!(scene.forger.take(), Vec::<String>::new());
}

#[tokio::test]
async fn a_release_is_withdrawn_once_and_for_ever() {
    let scene = Scene::with(&["1.0.0", "1.1.0"]).await;
    let registries = scene.open().await;
    let listed = async || versions(&registries, "acme:base", &scene.registry).await.unwrap();
    assert_eq!(listed().await, "1.0.0 1.1.0");
    let yank = |number: &str| Yank {
        package: package("acme:base"),
        version: version(number),
        undo: false,
        reason: None,
    };
    assert!(registries.yank(&yank("1.1.0"), &scene.registry).await.unwrap());
    assert_eq!(listed().await, "1.0.0 [1.1.0]");
    assert_eq!(scene.versions().await.unwrap(), "1.0.0 [1.1.0]");
    scene.forger.take();
    assert!(!registries.yank(&yank("1.1.0"), &scene.registry).await.unwrap());
    assert!(scene.forger.take().iter().all(|asked| !asked.contains("/v1/package/")));

    let refusal = async |yank: Yank| registries.yank(&yank, &scene.registry).await.unwrap_err().to_string();
    assert_eq!(refusal(yank("9.0.0")).await, "registry `warg.test` has no acme:base 9.0.0");
    let elsewhere = Yank { package: package("acme:other"), ..yank("1.0.0") };
    assert_eq!(refusal(elsewhere).await, "registry `warg.test` has no acme:other 1.0.0");
    assert_eq!(
        refusal(Yank { undo: true, ..yank("1.1.0") }).await,
        "acme:base 1.1.0 cannot be yanked: a warg registry cannot offer a withdrawn release again"
    );
    assert_eq!(
        refusal(Yank { reason: Some("broken".into()), ..yank("1.0.0") }).await,
        "acme:base 1.0.0 cannot be yanked: a warg registry keeps no reason"
    );

    let (dir, eve) = (tempfile::tempdir().unwrap(), key());
    let hers = open(&other(&scene, dir.path(), &eve)).await;
    let error = hers.yank(&yank("1.0.0"), &scene.registry).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the key {} may not withdraw releases of acme:base at registry `warg.test`", key_id(&eve))
    );
    assert_eq!(scene.versions().await.unwrap(), "1.0.0 [1.1.0]");
}

#[tokio::test]
async fn a_registry_that_takes_a_record_and_does_not_show_it_is_not_believed() {
    let scene = Scene::with(&["1.0.0"]).await;
    scene.versions().await.unwrap();
    let before = scene.state();
    scene.forger.rule(|asked, upstream| async move {
        if asked.path.ends_with("/record") {
            let id = format!("sha256:{}", "0".repeat(64));
            let state = serde_json::json!({ "recordId": id, "state": "published", "registryIndex": 9 });
            return (202, state.to_string().into());
        }
        if asked.path.contains("/record/") {
            let id = asked.path.rsplit('/').next().unwrap().to_owned();
            let state = serde_json::json!({ "recordId": id, "state": "published", "registryIndex": 9 });
            return (200, state.to_string().into());
        }
        upstream.pass(&asked).await
    });
    let registries = scene.open().await;
    let error =
        registries.publish(&publication("acme:base", "1.1.0", "x"), &scene.registry).await.unwrap_err();
    insta::assert_snapshot!(error, @"registry `warg.test` gave an answer for `acme:base 1.1.0` that cannot be understood: it took the record but does not show it");
    assert!(scene.state() == before);
}

#[tokio::test]
async fn nothing_is_put_on_top_of_a_log_that_is_not_proven() {
    let scene = Scene::with(&["1.0.0", "1.1.0"]).await;
    scene.forger.change(LOGS, |mut answer| {
        let records = answer["packages"].as_object_mut().unwrap().values_mut().next().unwrap();
        records.as_array_mut().unwrap().pop();
        answer
    });
    let registries = scene.open().await;
    let error =
        registries.publish(&publication("acme:base", "1.2.0", "x"), &scene.registry).await.unwrap_err();
    assert!(matches!(error, Error::Unproven { .. }), "{error}");
    assert!(scene.forger.take().iter().all(|asked| !asked.contains("/v1/package/")));
}

#[tokio::test]
async fn a_registry_that_stalls_in_the_middle_holds_nobody_for_ever() {
    let mut scene = Scene::with(&[]).await;
    scene.settings.limits.budget = Duration::from_millis(100);
    scene.forger.rule(|asked, upstream| async move {
        if asked.path.ends_with("/record") {
            std::future::pending().await
        } else {
            upstream.pass(&asked).await
        }
    });
    let registries = scene.open().await;
    let error =
        registries.publish(&publication("acme:base", "1.0.0", "x"), &scene.registry).await.unwrap_err();
    assert_eq!(error.to_string(), "could not reach registry `warg.test`: it did not finish in time");
}

#[tokio::test]
async fn a_proxy_that_would_come_between_is_named() {
    let scene = Scene::with(&[]).await;
    let with = |variables: &[(&str, &str)]| Settings {
        environment: environment(variables),
        ..scene.settings.clone()
    };
    // A dead address: reading does not go there.
    let proxy = ("HTTP_PROXY", "http://127.0.0.1:9");
    let registries = open(&with(&[proxy])).await;
    assert_eq!(versions(&registries, "acme:base", &scene.registry).await.unwrap(), "not found");
    let publication = publication("acme:base", "1.0.0", "x");
    let error = registries.publish(&publication, &scene.registry).await.unwrap_err();
    insta::assert_snapshot!(error, @"registry `warg.test` cannot be used: what is published would go to the proxy of `HTTP_PROXY` instead of this machine; add `127.0.0.1` to `NO_PROXY`");
    let registries = open(&with(&[proxy, ("NO_PROXY", "example.com, 127.0.0.1")])).await;
    registries.publish(&publication, &scene.registry).await.unwrap();
}

#[tokio::test]
async fn the_stock_client_reads_what_was_published_and_publishes_what_is_read() {
    let scene = Scene::with(&["1.0.0"]).await;
    let dir = tempfile::tempdir().unwrap();
    let client = stock_client(dir.path(), &scene.server.address).await;
    let name = PackageName::new("acme:base").unwrap();
    let download = client.download_exact(&name, &version("1.0.0")).await.unwrap();
    assert_eq!(fs_err::read(download.path).unwrap(), b"acme:base 1.0.0");

    let content: Bytes = "theirs".into();
    let stream = Box::pin(futures::stream::iter([Ok(content.clone())]));
    let digest = client.content().store_content(stream, None).await.unwrap();
    let release = PublishEntry::Release { version: version("1.1.0"), content: digest };
    let info = PublishInfo { name: name.clone(), head: None, entries: vec![release] };
    let record = client.publish_with_info(&decode(&scene.key), info).await.unwrap();
    client.wait_for_publish(&name, &record, Duration::from_millis(20)).await.unwrap();
    assert_eq!(scene.versions().await.unwrap(), "1.0.0 1.1.0");
    let theirs = scene.content("1.1.0").await;
    assert_eq!(scene.open().await.fetch(&theirs).await.unwrap(), content);
}
