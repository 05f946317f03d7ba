//! Reading from an honest registry.

use std::time::Duration;

use spin_deps_registry::{Error, Registries, Settings};

use super::support::{LOGS, Scene, WargServer, key, key_id, settings, versions};
use crate::support::{environment, offline, open, package, registry, version};

#[tokio::test]
async fn a_release_is_listed_described_and_fetched() {
    let scene = Scene::with(&["1.0.0", "1.1.0-rc.1", "0.9.0"]).await;
    assert_eq!(scene.versions().await.unwrap(), "0.9.0 1.0.0 1.1.0-rc.1");
    let content = scene.content("1.0.0").await;
    assert_eq!(content.size, "acme:base 1.0.0".len() as u64);
    let signers = content.signers.clone().unwrap();
    assert_eq!((signers.operator, signers.author), (key_id(&scene.server.operator), key_id(&scene.key)));
    assert_eq!(scene.open().await.fetch(&content).await.unwrap(), "acme:base 1.0.0");

    let registries = scene.open().await;
    let missing =
        registries.release(&package("acme:base"), &version("9.0.0"), &scene.registry).await.unwrap();
    assert!(missing.is_none());
    assert_eq!(versions(&registries, "acme:other", &scene.registry).await.unwrap(), "not found");
}

#[tokio::test]
async fn cold_three_requests_and_two_for_the_content_warm_none() {
    let scene = Scene::with(&["1.0.0"]).await;
    scene.publish("acme:other", "1.0.0").await;
    let registries = scene.open().await;
    versions(&registries, "acme:base", &scene.registry).await.unwrap();
    assert_eq!(
        scene.forger.take(),
        ["GET /v1/fetch/checkpoint", "POST /v1/fetch/logs", "POST /v1/proof/inclusion"]
    );
    // Another package is read at the same checkpoint.
    versions(&registries, "acme:other", &scene.registry).await.unwrap();
    assert_eq!(scene.forger.take(), ["POST /v1/fetch/logs", "POST /v1/proof/inclusion"]);
    // What is stored is not asked for again; the server's content is not behind the forger.
    let content = scene.content("1.0.0").await;
    assert_eq!(scene.forger.take(), [format!("GET /v1/content/{}", content.digest)]);
    scene.open().await.fetch(&content).await.unwrap();
    scene.content("1.0.0").await;
    versions(&scene.open().await, "acme:base", &scene.registry).await.unwrap();
    assert_eq!(scene.forger.take(), Vec::<String>::new());
    // When the list has to be looked at again: nothing new.
    scene.versions().await.unwrap();
    assert_eq!(scene.forger.take(), ["GET /v1/fetch/checkpoint"]);
    scene.publish("acme:base", "1.1.0").await;
    assert_eq!(scene.versions().await.unwrap(), "1.0.0 1.1.0");
    assert_eq!(
        scene.forger.take(),
        [
            "GET /v1/fetch/checkpoint",
            "POST /v1/proof/consistency",
            "POST /v1/fetch/logs",
            "POST /v1/proof/inclusion"
        ]
    );
}

#[tokio::test]
async fn a_withdrawn_release_is_marked_and_can_still_be_fetched_by_those_who_know_it() {
    let scene = Scene::with(&["1.0.0", "1.1.0"]).await;
    let content = scene.content("1.1.0").await;
    scene.yank("1.1.0").await;
    assert_eq!(scene.versions().await.unwrap(), "1.0.0 [1.1.0]");
    fs_err::remove_dir_all(scene.settings.cache_dir.join("blobs")).unwrap();
    assert_eq!(scene.open().await.fetch(&content).await.unwrap(), "acme:base 1.1.0");

    // Also for a machine that sees the log for the first time.
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), &[("warg.test", &scene.server.address)], &scene.key);
    let release = open(&settings)
        .await
        .release(&package("acme:base"), &version("1.1.0"), &scene.registry)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(release.digest, content.digest);
}

#[tokio::test]
async fn offline_answers_come_from_the_state_also_when_the_cache_is_gone() {
    let scene = Scene::with(&["1.0.0", "1.1.0"]).await;
    let without = open(&offline(&scene.settings)).await;
    assert_eq!(versions(&without, "acme:base", &scene.registry).await.unwrap(), "offline");
    let error = without.release(&package("acme:base"), &version("1.0.0"), &scene.registry).await.unwrap_err();
    assert_eq!(error.to_string(), "acme:base is not in the local store, and `--offline` was given");

    let settings = Settings { state_dir: scene.dir.path().join("state"), ..scene.settings.clone() };
    versions(&open(&settings).await, "acme:base", &scene.registry).await.unwrap();
    fs_err::remove_dir_all(&settings.cache_dir).unwrap();
    scene.forger.take();
    let registries = open(&offline(&settings)).await;
    assert_eq!(versions(&registries, "acme:base", &scene.registry).await.unwrap(), "1.0.0 1.1.0");
    let name = package("acme:base");
    let error = registries.release(&name, &version("1.0.0"), &scene.registry).await.unwrap_err();
    assert!(matches!(error, Error::Offline { .. }), "{error}");
    assert_eq!(scene.forger.take(), Vec::<String>::new());
}

#[tokio::test]
async fn two_registries_do_not_answer_for_each_other() {
    let (one, two) = (Scene::with(&["1.0.0"]).await, Scene::with(&["2.0.0"]).await);
    let (dir, key) = (tempfile::tempdir().unwrap(), key());
    let registries = [("one.test", &*one.forger.address), ("two.test", &*two.forger.address)];
    let settings = settings(dir.path(), &registries, &key);
    let both = open(&settings).await;
    assert_eq!(versions(&both, "acme:base", &registry("one.test")).await.unwrap(), "1.0.0");
    assert_eq!(versions(&both, "acme:base", &registry("two.test")).await.unwrap(), "2.0.0");
    let states = fs_err::read_dir(settings.state_dir.join("warg")).unwrap().count();
    assert_eq!(states, 2);
}

async fn every_package(registries: &Registries, scene: &Scene, names: &[String]) {
    let readers = names.iter().map(|name| {
        let (registries, registry, name) = (registries.clone(), scene.registry.clone(), name.clone());
        tokio::spawn(async move { versions(&registries, &name, &registry).await.unwrap() })
    });
    for reader in readers.collect::<Vec<_>>() {
        assert_eq!(reader.await.unwrap(), "1.0.0");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_and_two_handles_share_one_state_while_the_registry_moves_on() {
    let scene = Scene::with(&[]).await;
    let names: Vec<String> = (0..12).map(|number| format!("acme:p{number}")).collect();
    for name in &names {
        scene.publish(name, "1.0.0").await;
    }
    let settings = Settings { listing_ttl: Duration::ZERO, ..scene.settings.clone() };
    let (one, two) = (open(&settings).await, open(&settings).await);
    let publishing = async {
        for number in 0..4 {
            scene.publish("acme:moving", &format!("1.0.{number}")).await;
        }
    };
    tokio::join!(every_package(&one, &scene, &names), every_package(&two, &scene, &names), publishing);

    // All of it is stored, whole, and of one history.
    let registries = open(&offline(&settings)).await;
    fs_err::remove_dir_all(settings.cache_dir.join("records")).unwrap();
    every_package(&registries, &scene, &names).await;
    let files: Vec<String> = scene.state().into_keys().filter(|name| name.contains(".tmp-")).collect();
    assert!(files.is_empty(), "{files:?}");
    every_package(&open(&settings).await, &scene, &names).await;
}

#[tokio::test]
async fn a_log_in_pages_is_read_whole() {
    let scene = Scene::with(&["1.0.0", "1.1.0", "1.2.0"]).await;
    scene.forger.rule(|asked, upstream| async move {
        let mut asked = asked;
        if asked.is(LOGS) {
            let mut question = asked.json();
            question["limit"] = 1.into();
            asked.body = question.to_string().into();
        }
        upstream.pass(&asked).await
    });
    assert_eq!(scene.versions().await.unwrap(), "1.0.0 1.1.0 1.2.0");
    let pages = scene.forger.take().iter().filter(|asked| asked.ends_with(LOGS)).count();
    assert_eq!(pages, 4, "the last one is empty");
}

#[tokio::test]
async fn a_token_is_sent_to_its_registry_and_a_refusal_says_how_to_give_one() {
    let scene = Scene::with(&["1.0.0"]).await;
    scene.forger.rule(|asked, upstream| async move {
        if asked.headers.get("authorization").is_some_and(|token| token == "Bearer sesame") {
            upstream.pass(&asked).await
        } else {
            (401, "{}".into())
        }
    });
    let error = scene.versions().await.unwrap_err();
    insta::assert_snapshot!(error, @"registry `warg.test` refused access to `acme:base`: it wants credentials, and none were found");
    insta::assert_snapshot!(error.hint().unwrap(), @r#"set `WKG_REGISTRY_WARG_TEST_AUTH_BEARER`, or `auth_token` in `[registry."warg.test".warg]` of wkg's config.toml"#);
    let settings = Settings {
        environment: environment(&[("WKG_REGISTRY_WARG_TEST_AUTH_BEARER", "sesame")]),
        ..scene.settings.clone()
    };
    let registries = open(&settings).await;
    assert_eq!(versions(&registries, "acme:base", &scene.registry).await.unwrap(), "1.0.0");
}

#[tokio::test]
async fn the_registrys_metadata_names_its_warg_url() {
    let upstream = WargServer::start().await;
    let url = format!("http://{}", upstream.address);
    for document in [
        format!(r#"{{ "preferredProtocol": "warg", "warg": {{ "url": "{url}" }} }}"#),
        format!(r#"{{ "wargUrl": "{url}" }}"#),
    ] {
        let server = crate::support::Server::start(move |asked| {
            asked
                .path
                .starts_with("/.well-known/")
                .then(|| crate::support::Answer::new(200, document.clone()))
        })
        .await;
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config.toml");
        fs_err::write(&config, "").unwrap();
        let settings = Settings { config_file: Some(config), ..Settings::new(dir.path().join("cache")) };
        let listed = versions(&open(&settings).await, "acme:base", &registry(server.address())).await;
        assert_eq!(listed.unwrap(), "not found");
        assert_eq!(server.take(), ["GET /.well-known/wasm-pkg/registry.json"]);
    }
}

#[tokio::test]
async fn a_registry_whose_url_is_configured_is_not_asked_for_it() {
    let scene = Scene::with(&["1.0.0"]).await;
    let server = crate::support::Server::start(|_| None).await;
    let settings = settings(scene.dir.path(), &[(server.address(), &scene.forger.address)], &scene.key);
    let listed = versions(&open(&settings).await, "acme:base", &registry(server.address())).await;
    assert_eq!(listed.unwrap(), "1.0.0");
    assert_eq!(server.take(), Vec::<String>::new());
}

#[tokio::test]
async fn a_url_that_is_none_is_an_error_that_shows_no_password() {
    for (url, expected) in [
        (
            "ftp://example.com",
            "registry `warg.test` cannot be used: its warg URL `ftp://example.com/` must be https",
        ),
        (
            "https://me:sesame@example.com",
            "registry `warg.test` cannot be used: its warg URL `https://example.com/` holds user information, which \
             belongs into `auth_token`",
        ),
        (
            "http://example.com",
            "registry `warg.test` cannot be used: its warg URL `http://example.com/` must be https: plain http is \
             for this machine only",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config.toml");
        fs_err::write(&config, format!("[registry.\"warg.test\".warg]\nurl = \"{url}\"\n")).unwrap();
        let settings = Settings { config_file: Some(config), ..Settings::new(dir.path().join("cache")) };
        let error = versions(&open(&settings).await, "acme:base", &registry("warg.test")).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
