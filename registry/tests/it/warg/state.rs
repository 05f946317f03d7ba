//! What was verified, on disk: damage, and the pins of a lockfile.

use spin_deps_registry::{Error, Settings, Signers};

use super::support::{Scene, WargServer, key, key_id, versions};
use crate::support::{open, package};

/// The path of the state file whose name ends so.
fn file(scene: &Scene, end: &str) -> std::path::PathBuf {
    let name = scene.state().into_keys().find(|name| name.ends_with(end)).unwrap();
    scene.settings.state_dir.join(name)
}

fn signers(scene: &Scene) -> Signers {
    Signers { operator: key_id(&scene.server.operator), author: key_id(&scene.key) }
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_not_the_first_use_again() {
    for end in ["registry.json", "pkg-acme.base.json"] {
        let scene = Scene::with(&["1.0.0"]).await;
        scene.versions().await.unwrap();
        let path = file(&scene, end);
        let sound = fs_err::read(&path).unwrap();
        let mut flipped = sound.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for damaged in [flipped.as_slice(), sound.split_at(100).0, b"", b"sesame"] {
            fs_err::write(&path, damaged).unwrap();
            let error = scene.refusal().await;
            assert!(matches!(&error, Error::DamagedState { path: named, .. } if *named == path), "{error}");
            assert_eq!(
                error.to_string(),
                format!("what was verified of registry `warg.test` is damaged in {}", path.display())
            );
            insta::allow_duplicates! { insta::assert_snapshot!(error.hint().unwrap(), @"restore the file from a backup; without it, the registry's keys are trusted as at the first use, and only a lockfile tells whether they are still the same: remove it if that is what you want") };
        }

        // A lockfile knows whose it must be, so it can be made anew.
        fs_err::remove_dir_all(scene.settings.cache_dir.join("records")).unwrap();
        let registries = scene.open().await;
        registries.expect_signers(&scene.registry, &package("acme:base"), signers(&scene));
        assert_eq!(versions(&registries, "acme:base", &scene.registry).await.unwrap(), "1.0.0");
        scene.versions().await.unwrap();
    }
}

#[tokio::test]
async fn a_state_of_another_package_is_not_taken_for_this_ones() {
    let scene = Scene::with(&["1.0.0"]).await;
    scene.publish("acme:other", "7.0.0").await;
    let registries = scene.open().await;
    versions(&registries, "acme:other", &scene.registry).await.unwrap();
    let path = file(&scene, "pkg-acme.other.json");
    fs_err::copy(&path, path.with_file_name("pkg-acme.base.json")).unwrap();
    assert!(matches!(scene.refusal().await, Error::DamagedState { .. }));
}

#[tokio::test]
async fn another_author_or_operator_than_the_locked_one_is_refused_on_first_use() {
    let scene = Scene::with(&["1.0.0"]).await;
    for pinned in [
        Signers { author: key_id(&key()), ..signers(&scene) },
        Signers { operator: key_id(&key()), ..signers(&scene) },
    ] {
        let registries = scene.open().await;
        registries.expect_signers(&scene.registry, &package("acme:base"), pinned.clone());
        let before = scene.state();
        let error = versions(&registries, "acme:base", &scene.registry).await.unwrap_err();
        assert!(matches!(error, Error::SignerChanged(_)), "{error}");
        assert!(scene.state() == before);
    }
    // The operator is that of the whole registry.
    let registries = scene.open().await;
    let pinned = Signers { operator: key_id(&key()), ..signers(&scene) };
    registries.expect_signers(&scene.registry, &package("acme:else"), pinned);
    let error = versions(&registries, "acme:base", &scene.registry).await.unwrap_err();
    insta::assert_snapshot!(error, @"the operator's log at registry `warg.test` is signed by another key than when acme:else was locked");
    assert!(scene.state().is_empty());

    let registries = scene.open().await;
    registries.expect_signers(&scene.registry, &package("acme:base"), signers(&scene));
    assert_eq!(versions(&registries, "acme:base", &scene.registry).await.unwrap(), "1.0.0");
}

#[tokio::test]
async fn content_that_was_locked_under_other_keys_than_are_stored_is_not_fetched() {
    let scene = Scene::with(&["1.0.0"]).await;
    let mut content = scene.content("1.0.0").await;
    fs_err::remove_dir_all(scene.settings.cache_dir.join("blobs")).unwrap();
    let author = key_id(&key());
    content.signers.as_mut().unwrap().author = author.clone();
    let error = scene.open().await.fetch(&content).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the log of acme:base at registry `warg.test` is signed by another key than when acme:base was locked"
    );
    let hint = error.hint().unwrap();
    assert!(hint.contains(&author) && hint.contains(&key_id(&scene.key)), "{hint}");
}

#[tokio::test]
async fn with_the_state_gone_only_the_lock_tells_a_registry_that_was_replaced() {
    let scene = Scene::with(&["1.0.0"]).await;
    scene.versions().await.unwrap();
    let other = WargServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { state_dir: dir.path().to_owned(), ..scene.settings.clone() };
    let address = other.address.clone();
    scene.forger.rule(move |asked, _| {
        let address = address.clone();
        async move { super::support::Upstream::at(&address).pass(&asked).await }
    });
    let evil = super::support::settings(dir.path(), &[("warg.test", &other.address)], &key());
    let publication = crate::support::publication("acme:base", "1.0.0", "evil");
    open(&evil).await.publish(&publication, &scene.registry).await.unwrap();

    let registries = open(&settings).await;
    registries.expect_signers(&scene.registry, &package("acme:base"), signers(&scene));
    fs_err::remove_dir_all(scene.settings.cache_dir.join("records")).unwrap();
    let error = versions(&registries, "acme:base", &scene.registry).await.unwrap_err();
    insta::assert_snapshot!(error, @"the operator's log at registry `warg.test` is signed by another key than when acme:base was locked");
}
