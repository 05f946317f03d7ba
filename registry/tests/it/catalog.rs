//! What registries have: lists of packages, from those that tell and those that do not.

use std::sync::{Arc, Mutex};

use ferro_oci_server::{AppState, InMemoryRegistryMeta, RegistryMeta};
use spin_deps_registry::{Catalog, Error, Registries, Settings};
use wasm_pkg_common::registry::Registry;

use crate::support::{Answer, Asked, DockerRegistry, Server, World, offline, open, publication};

/// The packages of the only registry; panics if they are not all.
async fn packages(registries: &Registries) -> Vec<String> {
    match catalog(registries).await.unwrap() {
        Catalog::Found { packages, cut: None, described: true } => {
            packages.iter().map(ToString::to_string).collect()
        }
        other => panic!("{other:?}"),
    }
}

async fn catalog(registries: &Registries) -> Result<Catalog, Error> {
    let mut all = registries.packages(None).await.unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0).1
}

fn lists(server: &Server) -> usize {
    server.take().iter().filter(|ask| ask.contains("/_catalog")).count()
}

fn page(repositories: &[String]) -> Answer {
    Answer::new(200, serde_json::json!({ "repositories": repositories }).to_string())
}

/// A registry whose catalog answers like this.
async fn answering(catalog: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |ask| match ask.path.as_str() {
        "/v2/" => Some(Answer::new(200, "")),
        path => path.starts_with("/v2/_catalog").then(|| catalog(ask)),
    })
    .await
}

#[tokio::test]
async fn the_repositories_of_a_registry_are_its_packages() {
    let upstream = DockerRegistry::start();
    let server = Server::counting(upstream.address()).await;
    let world = World::new(server.address());
    let registries = world.open().await;
    assert_eq!(packages(&registries).await, [""; 0]);
    for name in ["shop:tea", "acme:base", "acme:auth-token"] {
        registries.publish(&publication(name, "1.0.0", "wasm"), &world.registry).await.unwrap();
    }
    server.take();
    assert_eq!(packages(&registries).await, ["acme:auth-token", "acme:base", "shop:tea"]);
    assert_eq!(lists(&server), 1);

    // Behind a prefix only what begins with it is there.
    let text = format!(
        "[namespace_registries]\nacme = {{ registry = \"corp\", metadata = {{ preferredProtocol = \"oci\", \
         oci = {{ registry = \"{address}\", namespacePrefix = \"ac\" }} }} }}\n\
         me = {{ registry = \"corp\", metadata = {{ preferredProtocol = \"oci\", \
         oci = {{ registry = \"{address}\", namespacePrefix = \"ac\" }} }} }}\n\
         [registry.corp.oci]\nprotocol = \"http\"\n",
        address = server.address()
    );
    let config_file = world.dir.path().join("prefix.toml");
    fs_err::write(&config_file, text).unwrap();
    let prefixed = open(&Settings { config_file: Some(config_file), ..world.settings.clone() }).await;
    assert_eq!(packages(&prefixed).await, ["me:auth-token", "me:base"]);
}

#[tokio::test]
async fn a_catalog_in_pages_is_read_to_its_end() {
    for (total, requests) in [(3, 1), (1000, 2), (2_500, 3)] {
        let meta = InMemoryRegistryMeta::new();
        for index in 0..total {
            let body = bytes::Bytes::from_static(b"manifest");
            let digest = spin_deps_registry::digest_of(&body).to_string().parse().unwrap();
            let reference = ferro_oci_server::Reference::Tag("1.0.0".to_owned());
            let repository = format!("acme/p{index}");
            meta.put_manifest(&repository, &reference, &digest, "application/json", body).await.unwrap();
        }
        let state = AppState::new(
            Arc::new(ferro_blob_store::InMemoryBlobStore::new()),
            Arc::new(meta) as Arc<dyn RegistryMeta>,
        );
        let upstream = Server::app(ferro_oci_server::router(state)).await;
        let server = Server::counting(upstream.address()).await;
        let found = packages(&World::new(server.address()).open().await).await;
        assert_eq!((found.len(), lists(&server)), (total, requests));
    }
}

#[tokio::test]
async fn a_registry_may_ask_who_wants_to_know() {
    let registry = DockerRegistry::with_user("me", "sesame");
    let auth = "auth = { username = \"me\", password = \"sesame\" }";
    let world = World::with(registry.address(), auth);
    let registries = world.open().await;
    registries.publish(&publication("acme:base", "1.0.0", "wasm"), &world.registry).await.unwrap();
    assert_eq!(packages(&registries).await, ["acme:base"]);

    let reason = |catalog| match catalog {
        Ok(Catalog::Refused { reason }) => reason,
        other => panic!("{other:?}"),
    };
    let nobody = World::new(registry.address()).open().await;
    assert_eq!(reason(catalog(&nobody).await), "it wants credentials for that, and none were found");
    let wrong =
        World::with(registry.address(), "auth = { username = \"me\", password = \"x\" }").open().await;
    let said = reason(catalog(&wrong).await);
    assert!(said.ends_with(" do not allow it") && !said.contains("sesame"), "{said}");
}

#[tokio::test]
async fn a_token_for_the_catalog_is_one_for_nothing_else() {
    let scopes: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&scopes);
    let server = Server::start(move |ask| {
        let host = ask.header("host").unwrap();
        if ask.path.starts_with("/token") {
            let scope = ask.query("scope").unwrap();
            seen.lock().unwrap().push(scope.clone());
            return Some(Answer::new(200, format!(r#"{{"token": "{}"}}"#, scope.replace([':', '*'], "-"))));
        }
        let wanted =
            if ask.path.contains("_catalog") { "registry-catalog--" } else { "repository-acme/a-pull" };
        if ask.authorization() != Some(&format!("Bearer {wanted}")) {
            let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"tests\"");
            return Some(Answer::new(401, "").header("www-authenticate", challenge));
        }
        Some(Answer::new(200, r#"{"repositories": ["acme/a"], "tags": ["1.0.0"]}"#))
    })
    .await;
    let world = World::new(server.address());
    let registries = world.open().await;
    assert_eq!(packages(&registries).await, ["acme:a"]);
    registries.versions(&"acme:a".parse().unwrap(), &world.registry).await.unwrap();
    assert_eq!(*scopes.lock().unwrap(), ["registry:catalog:*", "repository:acme/a:pull"]);
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_a_failure_is_none() {
    for status in [400, 401, 403, 404, 405, 501] {
        let server = answering(move |_| Answer::new(status, "no")).await;
        let registries = World::new(server.address()).open().await;
        let found = catalog(&registries).await;
        assert!(matches!(found, Ok(Catalog::Refused { .. })), "{status}: {found:?}");
    }
    let busy = answering(|_| Answer::new(503, "")).await;
    let error = catalog(&World::new(busy.address()).impatient().open().await).await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    let broken = answering(|_| Answer::new(200, "{}").break_off()).await;
    assert!(catalog(&World::new(broken.address()).impatient().open().await).await.is_err());
    for body in ["<!doctype html>", "", "[]", "{\"repositories\": 1}", "{\"repositories\": [1]}", "null"] {
        let server = answering(move |_| Answer::new(200, body)).await;
        let error = catalog(&World::new(server.address()).open().await).await.unwrap_err();
        assert!(matches!(error, Error::BadAnswer { .. }), "{body}: {error}");
    }
    for empty in ["{}", "{\"repositories\": null}", "\u{feff}{\"repositories\": []}"] {
        let server = answering(move |_| Answer::new(200, empty)).await;
        assert_eq!(packages(&World::new(server.address()).open().await).await, [""; 0], "{empty}");
    }
}

#[tokio::test]
async fn names_that_no_package_has_are_passed_over() {
    let names = [
        "acme/base",
        "acme",
        "acme/base/more",
        "/",
        "",
        "acme/",
        "Acme/base",
        "acme/b_c",
        "acme/../x",
        "acme/\u{1b}[31m",
        "acme/base",
        "a b/c",
        "acme:x/y",
        "acme/x@1",
        "\u{202e}acme/x",
        "library/nginx",
    ];
    let names = names.map(str::to_owned);
    let server = answering(move |_| page(&names)).await;
    let found = packages(&World::new(server.address()).open().await).await;
    assert_eq!(found, ["acme:base", "library:nginx"]);
}

#[tokio::test]
async fn a_catalog_without_end_is_cut_and_said_to_be() {
    let found = |catalog: Result<Catalog, Error>| match catalog {
        Ok(Catalog::Found { packages, cut: Some(cut), .. }) => (packages.len(), cut),
        other => panic!("{other:?}"),
    };
    let named = |range: std::ops::Range<usize>| range.map(|index| format!("a/p{index}")).collect::<Vec<_>>();
    let next = |ask: &Asked, step: usize| {
        let from: usize = ask.query("last").and_then(|last| last.parse().ok()).unwrap_or_default();
        (from..from + step, format!("<?last={}>; rel=next", from + step))
    };
    // Page after page, all full and new.
    let server = answering(move |ask| {
        let (range, link) = next(ask, 1_000);
        page(&named(range)).header("link", link)
    })
    .await;
    let (count, cut) = found(catalog(&World::new(server.address()).open().await).await);
    assert_eq!((count, cut.as_str()), (101_000, "it lists more than 100000 repositories"));
    assert_eq!(lists(&server), 101);
    // One new name a page.
    let server = answering(move |ask| {
        let (range, link) = next(ask, 1);
        page(&named(range)).header("link", link)
    })
    .await;
    let (count, cut) = found(catalog(&World::new(server.address()).open().await).await);
    assert_eq!((count, cut.as_str()), (200, "its list of repositories has too many pages"));
    // A million on one page.
    let million = serde_json::json!({ "repositories": named(0..1_000_000) }).to_string();
    let server = answering(move |_| Answer::new(200, million.clone())).await;
    let (count, _) = found(catalog(&World::new(server.address()).open().await).await);
    assert_eq!(count, 1_000_000);
    // And a page that is too large for any list.
    let server = answering(|_| Answer::new(200, vec![b' '; 17 << 20])).await;
    let error = catalog(&World::new(server.address()).open().await).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

/// A configuration with a folder and two servers, one of them for two namespaces.
fn several(world: &World, first: &str, second: &str) -> Settings {
    let root = world.dir.path().join("folder");
    for dir in ["team/base", "team/empty", "Team/x", "team/.tmp", "team/notes"] {
        fs_err::create_dir_all(root.join(dir)).unwrap();
    }
    fs_err::write(root.join("team/base/1.0.0.wasm"), "wasm").unwrap();
    fs_err::write(root.join("team/notes/readme.txt"), "no release").unwrap();
    fs_err::write(root.join("readme.txt"), "no namespace").unwrap();
    let text = format!(
        "default_registry = \"{first}\"\n\
         [namespace_registries]\nteam = \"folder\"\n\
         shop = {{ registry = \"corp\", metadata = {{ preferredProtocol = \"oci\", oci = {{ registry = \"{second}\" }} }} }}\n\
         [package_registry_overrides]\n\"acme:beta\" = \"{first}\"\n\
         [registry.\"{first}\".oci]\nprotocol = \"http\"\n\
         [registry.corp.oci]\nprotocol = \"http\"\n\
         [registry.folder.local]\nroot = '{}'\n",
        root.display()
    );
    let config_file = world.dir.path().join("several.toml");
    fs_err::write(&config_file, text).unwrap();
    Settings { config_file: Some(config_file), ..world.settings.clone() }
}

/// Each registry with what it has, or what happened.
async fn all(registries: &Registries, registry: Option<&Registry>) -> Vec<(String, String)> {
    let shown = |catalog| match catalog {
        Ok(Catalog::Found { packages, .. }) => {
            packages.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        }
        Ok(Catalog::Refused { reason }) => reason,
        Ok(Catalog::Offline) => "offline".to_owned(),
        Err(error) => format!("error: {error}"),
    };
    let all = registries.packages(registry).await.unwrap();
    all.into_iter().map(|(registry, catalog)| (registry.to_string(), shown(catalog))).collect()
}

#[tokio::test]
async fn every_registry_of_the_configuration_is_asked_once() {
    let first = answering(|_| page(&["acme/base".into(), "acme/beta".into(), "other/x".into()])).await;
    let second = answering(|_| page(&["shop/tea".into(), "acme/base".into()])).await;
    let world = World::new(first.address());
    let settings = several(&world, first.address(), second.address());
    let registries = open(&settings).await;
    let pair = |registry: &str, packages: &str| (registry.to_owned(), packages.to_owned());
    assert_eq!(
        all(&registries, None).await,
        [
            pair(first.address(), "acme:base acme:beta other:x"),
            // Only the namespace `shop` is at `corp` as the mapping has it.
            pair("corp", "shop:tea"),
            pair("folder", "team:base"),
        ]
    );
    assert_eq!((lists(&first), lists(&second)), (1, 1));
    let folder: Registry = "folder".parse().unwrap();
    assert_eq!(all(&registries, Some(&folder)).await, [pair("folder", "team:base")]);
    assert_eq!((lists(&first), lists(&second)), (0, 0));

    // One that fails does not keep the others from answering.
    drop(second);
    let answers = all(&open(&settings).await, None).await;
    assert!(answers[1].1.starts_with("error: could not reach registry"), "{answers:?}");
    assert_eq!(answers[2], pair("folder", "team:base"));
    // Without the network nobody is asked, and what is on this machine is still found.
    first.take();
    assert_eq!(
        all(&open(&offline(&settings)).await, None).await,
        [pair(first.address(), "offline"), pair("corp", "offline"), pair("folder", "team:base")]
    );
    assert_eq!(first.take(), Vec::<String>::new());
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_is_not_left_by_its_links() {
    let world = World::new("127.0.0.1:9");
    let settings = several(&world, "127.0.0.1:9", "127.0.0.1:9");
    let (root, outside) = (world.dir.path().join("folder"), world.dir.path().join("outside"));
    fs_err::create_dir_all(outside.join("secret")).unwrap();
    fs_err::write(outside.join("secret/1.0.0.wasm"), "wasm").unwrap();
    fs_err::os::unix::fs::symlink(&outside, root.join("out")).unwrap();
    fs_err::os::unix::fs::symlink(outside.join("secret"), root.join("team/secret")).unwrap();
    fs_err::os::unix::fs::symlink(root.join("team"), root.join("alias")).unwrap();
    fs_err::os::unix::fs::symlink(&root, root.join("team/round")).unwrap();
    fs_err::os::unix::fs::symlink("nowhere", root.join("dangling")).unwrap();
    let folder: Registry = "folder".parse().unwrap();
    let pair = |packages: &str| ("folder".to_owned(), packages.to_owned());
    assert_eq!(all(&open(&settings).await, Some(&folder)).await, [pair("alias:base team:base")]);

    fs_err::remove_dir_all(&root).unwrap();
    let gone = all(&open(&settings).await, Some(&folder)).await;
    assert!(gone[0].1.contains("does not exist"), "{gone:?}");
}
