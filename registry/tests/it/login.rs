//! Logging in at registries with token servers, and what is stored.

use spin_deps_registry::{Credential, Error, Secret, Settings};

use crate::support::{Answer, Asked, Server, World, environment, offline, open};

fn password(password: &str) -> Credential {
    Credential::Basic { username: "me".into(), password: Secret::new(password) }
}

/// A registry that is its own token server: it exchanges `me:good` and the identity token `r3fresh`.
async fn token_server() -> Server {
    Server::start(|ask: &Asked| {
        let host = ask.headers.get("host").unwrap().to_str().unwrap();
        if ask.path.starts_with("/token") {
            let body = std::str::from_utf8(&ask.body).unwrap();
            let good = match ask.method.as_str() {
                "POST" => body.contains("refresh_token=r3fresh") && !body.contains("scope"),
                // `me:good` in base64.
                _ => ask.authorization() == Some("Basic bWU6Z29vZA=="),
            };
            return Some(if good {
                Answer::new(200, r#"{"access_token": "t0ken"}"#)
            } else {
                Answer::new(401, r#"{"errors": [{"message": "incorrect username or password"}]}"#)
            });
        }
        if ask.authorization() == Some("Bearer t0ken") {
            return Some(Answer::new(200, "{}"));
        }
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"tests\"");
        Some(Answer::new(401, "").header("www-authenticate", challenge))
    })
    .await
}

/// The settings with a place for Docker's configuration.
fn with_docker(world: &World) -> Settings {
    let dir = world.dir.path().to_str().unwrap();
    Settings { environment: environment(&[("DOCKER_CONFIG", dir)]), ..world.settings.clone() }
}

fn stored(world: &World) -> Option<serde_json::Value> {
    let text = fs_err::read(world.dir.path().join("config.json")).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

#[tokio::test]
async fn the_token_server_decides() {
    let server = token_server().await;
    let world = World::new(server.address());
    let registries = open(&with_docker(&world)).await;
    let target = registries.login_target(&world.registry).await.unwrap();
    assert_eq!(target.host(), server.address());
    let error = registries.login(&target, &password("bad")).await.unwrap_err();
    assert!(matches!(error, Error::CredentialsRefused { .. }), "{error}");
    assert!(stored(&world).is_none());
    let done = registries.login(&target, &password("good")).await.unwrap();
    assert!(done.tried && done.shadowed_by.is_none());
    assert_eq!(stored(&world).unwrap()["auths"][server.address()]["auth"], "bWU6Z29vZA==");
    let asked: Vec<_> = server.take().into_iter().filter(|ask| ask.contains("/token")).collect();
    assert!(asked.iter().all(|ask| ask.contains("service=tests") && !ask.contains("scope")), "{asked:?}");
}

#[tokio::test]
async fn an_identity_token_is_exchanged_and_stored_as_one() {
    let server = token_server().await;
    let world = World::new(server.address());
    let registries = open(&with_docker(&world)).await;
    let target = registries.login_target(&world.registry).await.unwrap();
    let error = registries.login(&target, &Credential::Identity(Secret::new("old"))).await.unwrap_err();
    assert!(matches!(error, Error::CredentialsRefused { .. }), "{error}");
    registries.login(&target, &Credential::Identity(Secret::new("r3fresh"))).await.unwrap();
    let entry = &stored(&world).unwrap()["auths"][server.address()];
    assert_eq!(*entry, serde_json::json!({ "identitytoken": "r3fresh" }));
    let out = registries.logout(&world.registry).await.unwrap();
    assert!(out.removed_from.is_some());
    assert_eq!(stored(&world).unwrap()["auths"], serde_json::json!({}));
    assert!(registries.logout(&world.registry).await.unwrap().removed_from.is_none());
}

#[tokio::test]
async fn a_password_goes_to_no_token_server_in_the_clear() {
    let server = Server::start(|_| {
        let challenge = "Bearer realm=\"http://tokens.example/token\"";
        Some(Answer::new(401, "").header("www-authenticate", challenge))
    })
    .await;
    let world = World::new(server.address());
    let registries = open(&with_docker(&world)).await;
    let target = registries.login_target(&world.registry).await.unwrap();
    let error = registries.login(&target, &password("good")).await.unwrap_err();
    assert!(matches!(error, Error::Insecure { .. }), "{error}");
    assert!(server.take_all().iter().all(|ask| ask.authorization().is_none()));
}

#[tokio::test]
async fn a_token_server_that_sends_no_token_is_told_from_a_refusal() {
    let server = Server::start(|ask: &Asked| {
        let host = ask.headers.get("host").unwrap().to_str().unwrap();
        Some(if ask.path.starts_with("/token") {
            Answer::new(200, "<html>Log in</html>").header("content-type", "text/html")
        } else {
            Answer::new(401, "").header("www-authenticate", format!("Bearer realm=\"http://{host}/token\""))
        })
    })
    .await;
    let world = World::new(server.address());
    let registries = open(&with_docker(&world)).await;
    let target = registries.login_target(&world.registry).await.unwrap();
    let error = registries.login(&target, &password("good")).await.unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    assert!(error.to_string().contains("it is a web page"), "{error}");
    assert!(stored(&world).is_none());
}

#[tokio::test]
async fn a_registry_may_name_the_host_behind_it() {
    let oci = token_server().await;
    let metadata = format!(r#"{{"oci": {{"registry": "{}"}}}}"#, oci.address());
    let front = Server::start(move |ask| {
        ask.path.starts_with("/.well-known/").then(|| Answer::new(200, metadata.clone()))
    })
    .await;
    let world = World::new(front.address());
    let registries = open(&with_docker(&world)).await;
    let target = registries.login_target(&world.registry).await.unwrap();
    assert_eq!(target.host(), oci.address());
    registries.login(&target, &password("good")).await.unwrap();
    assert!(stored(&world).unwrap()["auths"].get(oci.address()).is_some());
    // Logging out needs no network, once the metadata is known.
    let out = open(&offline(&with_docker(&world))).await.logout(&world.registry).await.unwrap();
    assert_eq!((out.host.as_str(), out.removed_from.is_some()), (oci.address(), true));
}
