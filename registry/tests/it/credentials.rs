//! Who gets which credentials.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use spin_deps_registry::{Content, Error, Listing, Settings};

use crate::support::{
    Answer, Asked, DockerRegistry, Server, World, content, environment, open, package, publication, version,
};

const AUTH: &str = "auth = { username = \"me\", password = \"pa:ss\" }";

#[tokio::test]
async fn a_password_serves_all_requests_with_one_question_before() {
    let upstream = DockerRegistry::with_user("me", "pa:ss");
    let server = Server::counting(upstream.address()).await;
    let world = World::with(server.address(), AUTH);
    let registries = world.open().await;
    for name in ["acme:one", "acme:two"] {
        registries.publish(&publication(name, "1.0.0", content(1, 9_000)), &world.registry).await.unwrap();
        let name = package(name);
        let release = registries.release(&name, &version("1.0.0"), &world.registry).await.unwrap().unwrap();
        let content = Content::of(&name, &version("1.0.0"), &world.registry, &release);
        assert_eq!(registries.fetch(&content).await.unwrap().len(), 9_000);
    }
    let asked = server.take_all();
    let probes = asked.iter().filter(|ask| ask.path == "/v2/");
    assert_eq!(probes.clone().count(), 1);
    assert!(probes.clone().all(|ask| ask.authorization().is_none()));
    let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("me:pa:ss"));
    assert!(
        asked
            .iter()
            .filter(|ask| ask.path.starts_with("/v2/a"))
            .all(|ask| ask.authorization() == Some(&basic))
    );
    // The metadata is not the registry's API.
    assert!(
        asked.iter().filter(|ask| ask.path.starts_with("/.well")).all(|ask| ask.authorization().is_none())
    );
}

#[tokio::test]
async fn dockers_configuration_is_used() {
    let upstream = DockerRegistry::with_user("me", "secret");
    let world = World::new(upstream.address());
    let auth = base64::engine::general_purpose::STANDARD.encode("me:secret");
    let json = format!(r#"{{"auths": {{"{}": {{"auth": "{auth}"}}}}}}"#, upstream.address());
    fs_err::write(world.dir.path().join("config.json"), json).unwrap();
    let variables = environment(&[("DOCKER_CONFIG", world.dir.path().to_str().unwrap())]);
    let registries = open(&Settings { environment: variables, ..world.settings.clone() }).await;
    registries.publish(&publication("acme:base", "1.0.0", "x"), &world.registry).await.unwrap();
}

#[tokio::test]
async fn wrong_and_missing_credentials_read_clearly_and_show_no_password() {
    let upstream = DockerRegistry::with_user("me", "secret");
    let address = upstream.address();
    let name = package("acme:base");

    let world = World::new(address);
    let error = world.open().await.versions(&name, &world.registry).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "registry `{address}` refused access to `acme/base`: it wants credentials, and none were found"
        )
    );
    assert!(error.hint().unwrap().contains(&format!("spin-deps login {address}")));

    let wrong = "auth = { username = \"me\", password = \"hunter2\" }";
    let world = World::with(address, wrong);
    let registries = world.open().await;
    let expected = "the credentials from the registry configuration were not accepted";
    let error = registries.versions(&name, &world.registry).await.unwrap_err();
    assert!(error.to_string().ends_with(expected), "{error}");
    let error =
        registries.publish(&publication("acme:base", "1.0.0", "x"), &world.registry).await.unwrap_err();
    assert!(error.to_string().ends_with(expected), "{error}");
    assert!(!format!("{error:?} {}", error.hint().unwrap()).contains("hunter2"));
}

#[tokio::test]
async fn a_layer_at_another_host_is_fetched_without_credentials() {
    let upstream = DockerRegistry::with_user("me", "pa:ss");
    let bytes = content(7, 5_000);
    let stored = bytes.clone();
    let elsewhere = Server::start(move |_| Some(Answer::new(200, stored.clone()))).await;
    let target = format!("http://{}/signed?key=1", elsewhere.address());
    let digest = spin_deps_registry::digest_of(&bytes).to_string();
    let front = Server::in_front_of(upstream.address(), move |ask| {
        let is_layer = ask.method == "GET" && ask.path.ends_with(&digest);
        is_layer.then(|| Answer::new(307, "").header("location", &target))
    })
    .await;
    let world = World::with(front.address(), AUTH);
    let registries = world.open().await;
    registries.publish(&publication("acme:base", "1.0.0", bytes.clone()), &world.registry).await.unwrap();
    let name = package("acme:base");
    let release = registries.release(&name, &version("1.0.0"), &world.registry).await.unwrap().unwrap();
    let content = Content::of(&name, &version("1.0.0"), &world.registry, &release);
    assert_eq!(registries.fetch(&content).await.unwrap(), bytes);
    let asked = elsewhere.take_all();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].authorization(), None);
}

#[tokio::test]
async fn the_variable_spares_the_question() {
    let server = Server::start(|ask| {
        (ask.authorization() == Some("Bearer t0ken")).then(|| Answer::new(200, r#"{"tags": ["1.0.0"]}"#))
    })
    .await;
    let world = World::new(server.address());
    let variable = format!(
        "WKG_REGISTRY_{}_AUTH_BEARER",
        server.address().replace(|c: char| !c.is_ascii_alphanumeric(), "_")
    );
    let with = |token: &str| Settings {
        environment: environment(&[(variable.as_str(), token)]),
        ..world.settings.clone()
    };
    let name = package("acme:base");
    let listing = open(&with("t0ken")).await.versions(&name, &world.registry).await.unwrap();
    assert!(matches!(listing, Listing::Found(_)));
    assert!(server.take().iter().all(|ask| ask != "GET /v2/"));
    let error = open(&with("a\r\nb")).await.versions(&package("acme:x"), &world.registry).await.unwrap_err();
    assert!(error.to_string().contains(&variable) && !error.to_string().contains('\r'), "{error}");
}

/// A registry whose tokens are made by `token` from the scope that is asked for. A request is served if its token
/// names the repository, or is "all".
async fn bearer_server(token: fn(&str) -> String, life: u64) -> (Server, Arc<AtomicU32>) {
    let made = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&made);
    let server = Server::start(move |ask: &Asked| {
        let host = ask.headers.get("host").unwrap().to_str().unwrap();
        let query = |name: &str| {
            let url = url::Url::parse(&format!("http://{host}{}", ask.path)).unwrap();
            url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        if ask.path.starts_with("/token") {
            assert_eq!(query("service").as_deref(), Some("tests"));
            count.fetch_add(1, Ordering::SeqCst);
            let token = token(&query("scope").unwrap());
            return Some(Answer::new(200, format!(r#"{{"token": "{token}", "expires_in": {life}}}"#)));
        }
        let repository = ask.path.strip_prefix("/v2/")?.split("/tags").next()?;
        let served = ask.authorization().is_some_and(|authorization| {
            let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
            let claims = token.split('.').nth(1).unwrap_or_default();
            let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
            let claims = String::from_utf8_lossy(&claims).into_owned();
            claims.contains("\"all\"") || claims.contains(&format!("\"{repository}\""))
        });
        Some(if served {
            Answer::new(200, r#"{"tags": ["1.0.0"]}"#)
        } else {
            let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"tests\",scope=\"x\"");
            Answer::new(401, "").header("www-authenticate", challenge)
        })
    })
    .await;
    (server, made)
}

fn jwt(claims: &str) -> String {
    format!("e30.{}.c2ln", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims))
}

async fn list_ten(world: &World) {
    let registries = world.open().await;
    let names: Vec<_> = (0..10u8).map(|n| package(&format!("acme:p{}", char::from(b'a' + n)))).collect();
    let all = names.iter().map(|name| registries.versions(name, &world.registry));
    for listing in futures::future::join_all(all).await {
        assert!(matches!(listing.unwrap(), Listing::Found(_)));
    }
}

#[tokio::test]
async fn a_token_that_is_good_for_all_is_asked_for_once() {
    let (server, made) = bearer_server(|_| jwt(r#"{"for": "all"}"#), 300).await;
    let world = World::new(server.address());
    list_ten(&world).await;
    assert_eq!(made.load(Ordering::SeqCst), 1);
    assert_eq!(server.take().len(), 1 + 1 + 1 + 10, "metadata, /v2/, token, lists");
}

#[tokio::test]
async fn tokens_for_one_repository_are_asked_for_by_repository() {
    let (server, made) = bearer_server(
        |scope| {
            let name = scope.split(':').nth(1).unwrap();
            jwt(&format!(
                r#"{{"access": [{{"type": "repository", "name": "{name}", "actions": ["pull"]}}]}}"#
            ))
        },
        300,
    )
    .await;
    let world = World::new(server.address());
    list_ten(&world).await;
    assert_eq!(made.load(Ordering::SeqCst), 10);
    assert_eq!(server.take().len(), 1 + 1 + 10 + 10);
}

#[tokio::test]
async fn a_token_that_promised_too_much_is_replaced() {
    // It does not say what it is good for, but is good for one repository only.
    let (server, _) =
        bearer_server(|scope| jwt(&format!(r#"{{"x": "{}"}}"#, scope.split(':').nth(1).unwrap())), 300).await;
    let world = World::new(server.address());
    let registries = world.open().await;
    for name in ["acme:one", "acme:two"] {
        let listing = registries.versions(&package(name), &world.registry).await.unwrap();
        assert!(matches!(listing, Listing::Found(_)));
    }
}

#[tokio::test]
async fn a_token_server_that_refuses_is_reported_with_what_was_sent() {
    let server = Server::start(|ask| {
        let host = ask.headers.get("host").unwrap().to_str().unwrap();
        let challenge = format!("Bearer realm=\"http://{host}/token\"");
        Some(Answer::new(401, "").header("www-authenticate", challenge))
    })
    .await;
    let world = World::with(server.address(), AUTH);
    let error = world.open().await.versions(&package("acme:base"), &world.registry).await.unwrap_err();
    assert!(matches!(&error, Error::Unauthorized { credentials: Some(_), .. }), "{error}");
}

#[tokio::test]
async fn publishing_and_fetching_share_the_token_and_nobody_asks_twice() {
    let upstream = DockerRegistry::start();
    let server = Server::in_front_of(upstream.address(), |ask| {
        let host = ask.headers.get("host").unwrap().to_str().unwrap();
        if ask.path.starts_with("/token") {
            return Some(Answer::new(200, r#"{"access_token": "opaque"}"#));
        }
        let is_served = ask.authorization() == Some("Bearer opaque") || ask.path.starts_with("/.well-known");
        (!is_served).then(|| {
            let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"tests\"");
            Answer::new(401, "").header("www-authenticate", challenge)
        })
    })
    .await;
    let world = World::with(server.address(), AUTH);
    let registries = world.open().await;
    registries
        .publish(&publication("acme:base", "1.0.0", content(1, 5 << 20)), &world.registry)
        .await
        .unwrap();
    let (name, number) = (package("acme:base"), version("1.0.0"));
    let release = registries.release(&name, &number, &world.registry).await.unwrap().unwrap();
    registries.fetch(&Content::of(&name, &number, &world.registry, &release)).await.unwrap();

    let asked = server.take_all();
    assert_eq!(asked.iter().filter(|ask| ask.path == "/v2/").count(), 1, "{asked:#?}");
    let tokens: Vec<_> = asked.iter().filter(|ask| ask.path.starts_with("/token")).collect();
    assert_eq!(tokens.len(), 1, "{tokens:#?}");
    assert!(tokens[0].path.contains("pull%2Cpush"), "{tokens:#?}");
    assert!(tokens[0].authorization().unwrap().starts_with("Basic "));
    // The password goes to the token server only.
    assert!(
        asked
            .iter()
            .filter(|ask| !ask.path.starts_with("/token"))
            .all(|ask| { ask.authorization().is_none_or(|authorization| authorization == "Bearer opaque") })
    );
}
