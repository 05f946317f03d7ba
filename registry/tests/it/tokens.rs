//! Bearer tokens: asked for once, renewed once, and never for ever.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use spin_deps_registry::{Content, Error, Listing, Registries, Settings, digest_of};

use crate::support::{Answer, Asked, Server, World, environment, open, package, version};

/// What a token server has handed out.
#[derive(Clone, Default)]
struct Tokens(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    made: u32,
    /// How often each may still be used.
    good_for: HashMap<String, u32>,
}

impl Tokens {
    /// A token of this kind, good for so many requests.
    fn make(&self, kind: Kind, uses: u32) -> String {
        let mut state = self.0.lock().unwrap();
        state.made += 1;
        let token = match kind {
            Kind::Opaque => format!("opaque-{}", state.made),
            // It does not say what it is good for.
            Kind::ForAll => {
                let claims = format!(r#"{{"jti": {}}}"#, state.made);
                format!("e30.{}.c2ln", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims))
            }
        };
        state.good_for.insert(token.clone(), uses);
        token
    }

    /// Whether the request's token is good, and one use less of it.
    fn use_up(&self, ask: &Asked) -> bool {
        let token = ask.authorization().and_then(|sent| sent.strip_prefix("Bearer ")).unwrap_or_default();
        let mut state = self.0.lock().unwrap();
        match state.good_for.get_mut(token) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    fn revoke_all(&self) {
        self.0.lock().unwrap().good_for.clear();
    }

    fn made(&self) -> u32 {
        self.0.lock().unwrap().made
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Opaque,
    ForAll,
}

/// A registry in which every package is there in every version, without a config object.
fn whatever_is_asked_for(ask: &Asked) -> Option<Answer> {
    let digest = digest_of(b"wasm");
    let manifest =
        format!(r#"{{"layers": [{{"mediaType": "application/wasm", "digest": "{digest}", "size": 4}}]}}"#);
    let body = match ask.path.split('/').nth(4)? {
        "tags" => r#"{"tags": ["1.0.0"]}"#,
        "manifests" => &manifest,
        _ => "wasm",
    };
    Some(Answer::new(200, body.to_owned()))
}

/// The registry behind a token server of this kind, whose tokens are good for `uses` requests.
async fn guarded(kind: Kind, uses: u32, life: u32) -> (Server, Tokens) {
    let tokens = Tokens::default();
    let own = tokens.clone();
    let server = Server::start(move |ask| {
        let host = ask.header("host").unwrap();
        if ask.path.starts_with("/token") {
            let token = own.make(kind, uses);
            return Some(Answer::new(200, format!(r#"{{"token": "{token}", "expires_in": {life}}}"#)));
        }
        if !ask.path.starts_with("/v2/") || own.use_up(ask) {
            return whatever_is_asked_for(ask);
        }
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"tests\"");
        Some(Answer::new(401, "").header("www-authenticate", challenge))
    })
    .await;
    (server, tokens)
}

fn names(count: u8) -> Vec<String> {
    (0..count)
        .map(|nth| format!("acme:p{}{}", char::from(b'a' + nth / 26), char::from(b'a' + nth % 26)))
        .collect()
}

async fn list_all(world: &World, registries: &Registries, names: &[String]) {
    let names: Vec<_> = names.iter().map(|name| package(name)).collect();
    let all = names.iter().map(|name| registries.versions(name, &world.registry));
    for listing in futures::future::join_all(all).await {
        assert!(matches!(listing.unwrap(), Listing::Found(_)));
    }
}

async fn fetch(world: &World, registries: &Registries, name: &str) {
    let (name, number) = (package(name), version("1.0.0"));
    let release = registries.release(&name, &number, &world.registry).await.unwrap().unwrap();
    let wanted = Content::of(&name, &number, &world.registry, &release);
    assert_eq!(registries.fetch(&wanted).await.unwrap(), "wasm");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_under_fifty_requests_is_renewed_once() {
    let names = names(51);
    let (server, tokens) = guarded(Kind::ForAll, u32::MAX, 300).await;
    let world = World::new(server.address());
    let registries = world.open().await;
    list_all(&world, &registries, &names[..1]).await;
    assert_eq!(tokens.made(), 1);
    tokens.revoke_all();
    list_all(&world, &registries, &names[1..]).await;
    assert_eq!(tokens.made(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_for_one_repository_that_ends_under_many_requests_is_renewed_once() {
    let (server, tokens) = guarded(Kind::Opaque, u32::MAX, 300).await;
    let world = World::new(server.address());
    let registries = world.open().await;
    let name = package("acme:base");
    registries.versions(&name, &world.registry).await.unwrap();
    tokens.revoke_all();
    let numbers: Vec<_> = (0..20).map(|patch| version(&format!("1.0.{patch}"))).collect();
    let releases = numbers.iter().map(|number| registries.release(&name, number, &world.registry));
    for release in futures::future::join_all(releases).await {
        assert!(release.unwrap().is_some());
    }
    assert_eq!(tokens.made(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_are_good_for_one_request_are_enough() {
    let names = names(20);
    for kind in [Kind::Opaque, Kind::ForAll] {
        let (server, tokens) = guarded(kind, 1, 300).await;
        let world = World::new(server.address());
        let registries = world.open().await;
        list_all(&world, &registries, &names).await;
        futures::future::join_all(names.iter().map(|name| fetch(&world, &registries, name))).await;
        assert!(tokens.made() > 40, "a list and a manifest each, and one layer for all");
    }
}

#[tokio::test]
async fn a_token_past_its_end_is_not_sent() {
    let names = names(2);
    let (server, tokens) = guarded(Kind::ForAll, u32::MAX, 1).await;
    let world = World::new(server.address());
    let registries = world.open().await;
    for name in &names {
        list_all(&world, &registries, std::slice::from_ref(name)).await;
        // It lasts a second, and is renewed at half of that.
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    assert_eq!(tokens.made(), 2);
    let sent: Vec<_> =
        server.take_all().iter().filter_map(|ask| ask.authorization().map(str::to_owned)).collect();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_ne!(sent[0], sent[1]);
}

#[tokio::test]
async fn a_registry_that_refuses_every_token_is_not_asked_for_ever() {
    for kind in [Kind::Opaque, Kind::ForAll] {
        let (server, tokens) = guarded(kind, 0, 300).await;
        let world = World::new(server.address());
        let error = world.list().await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
        assert_eq!(tokens.made(), 3);
        assert_eq!(server.take().iter().filter(|ask| ask.contains("/tags/list")).count(), 3);
    }
}

/// A registry whose token server is at `realm`.
async fn with_realm(realm: String) -> Server {
    Server::start(move |ask| {
        let challenge = format!("Bearer realm=\"{realm}\",service=\"tests\"");
        ask.path.starts_with("/v2/").then(|| Answer::new(401, "").header("www-authenticate", challenge))
    })
    .await
}

const AUTH: &str = "auth = { username = \"me\", password = \"secret\" }";

#[tokio::test]
async fn a_token_server_over_plain_http_elsewhere_gets_nothing() {
    let server = with_realm("http://tokens.invalid/token?account=x".to_owned()).await;
    let error = World::with(server.address(), AUTH).list().await.unwrap_err();
    assert_eq!(error.to_string(), "refusing to use plain http for `http://tokens.invalid/token`");
}

/// A world whose user has an identity token for the registry.
fn with_identity(server: &Server) -> (World, Settings) {
    let world = World::new(server.address());
    let auth = base64::engine::general_purpose::STANDARD.encode("00000000-0000-0000-0000-000000000000:");
    let entry = format!(r#"{{"auth": "{auth}", "identitytoken": "my-refresh-token"}}"#);
    let json = format!(r#"{{"auths": {{"{}": {entry}}}}}"#, server.address());
    fs_err::write(world.dir.path().join("config.json"), json).unwrap();
    let variables = environment(&[("DOCKER_CONFIG", world.dir.path().to_str().unwrap())]);
    let settings = Settings { environment: variables, ..world.settings.clone() };
    (world, settings)
}

#[tokio::test]
async fn an_identity_token_is_exchanged_and_what_comes_back_is_not_kept() {
    let server = Server::start(|ask| {
        if ask.path == "/token" && ask.method == "POST" {
            let answer = r#"{"access_token": "access", "refresh_token": "another", "expires_in": 300}"#;
            return Some(Answer::new(200, answer));
        }
        let host = ask.header("host").unwrap();
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"registry.azure\"");
        Some(match ask.authorization() {
            Some("Bearer access") => Answer::new(200, r#"{"tags": ["1.0.0"]}"#),
            _ => Answer::new(401, "").header("www-authenticate", challenge),
        })
    })
    .await;
    let (world, settings) = with_identity(&server);
    let before = fs_err::read(world.dir.path().join("config.json")).unwrap();
    for name in ["acme:one", "acme:two"] {
        let listing = open(&settings).await.versions(&package(name), &world.registry).await.unwrap();
        assert!(matches!(listing, Listing::Found(_)));
        let asked = server.take_all();
        let exchange: Vec<_> = asked.iter().filter(|ask| ask.path.starts_with("/token")).collect();
        assert_eq!(exchange.len(), 1);
        assert_eq!(exchange[0].header("content-type"), Some("application/x-www-form-urlencoded"));
        let form: HashMap<_, _> = url::form_urlencoded::parse(&exchange[0].body).into_owned().collect();
        let field = |name: &str| form.get(name).map(String::as_str);
        assert_eq!(field("grant_type"), Some("refresh_token"));
        assert_eq!(field("service"), Some("registry.azure"));
        assert_eq!(field("scope"), Some(format!("repository:{}:pull", name.replace(':', "/")).as_str()));
        assert_eq!(field("refresh_token"), Some("my-refresh-token"));
        assert!(form.contains_key("client_id"));
        let others = asked.iter().filter(|ask| !ask.path.starts_with("/token"));
        assert!(others.clone().all(|ask| ask.authorization().is_none_or(|sent| sent == "Bearer access")));
    }
    assert_eq!(fs_err::read(world.dir.path().join("config.json")).unwrap(), before);
}

#[tokio::test]
async fn an_identity_token_that_is_refused_reads_clearly_and_is_not_shown() {
    let server = Server::start(|ask| {
        let host = ask.header("host").unwrap();
        let challenge = format!("Bearer realm=\"http://{host}/token\"");
        Some(Answer::new(401, "").header("www-authenticate", challenge))
    })
    .await;
    let (world, settings) = with_identity(&server);
    let error = open(&settings).await.versions(&package("acme:base"), &world.registry).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("the credentials from the identity token in `"), "{text}");
    assert!(text.ends_with("config.json` were not accepted"), "{text}");
    assert!(error.hint().unwrap().contains("they may have expired"));
    assert!(!format!("{error:?} {text} {}", error.hint().unwrap()).contains("my-refresh-token"));
}

#[tokio::test]
async fn an_identity_token_where_a_password_is_wanted_is_what_the_hint_is_about() {
    let server =
        Server::start(|_| Some(Answer::new(401, "").header("www-authenticate", "Basic realm=\"x\""))).await;
    let (world, settings) = with_identity(&server);
    let error = open(&settings).await.versions(&package("acme:base"), &world.registry).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert!(error.hint().unwrap().contains("for which the identity token in `"), "{error}");
}

#[tokio::test]
async fn a_token_server_that_redirects_elsewhere_takes_no_credentials_there() {
    for identity in [false, true] {
        for status in [302, 307, 308] {
            let elsewhere = Server::start(|_| Some(Answer::new(200, r#"{"token": "t"}"#))).await;
            let target = format!("http://{}/token", elsewhere.address());
            let tokens =
                Server::start(move |_| Some(Answer::new(status, "").header("location", &target))).await;
            let server = with_realm(format!("http://{}/token", tokens.address())).await;
            let error = if identity {
                let (world, settings) = with_identity(&server);
                open(&settings).await.versions(&package("acme:base"), &world.registry).await.unwrap_err()
            } else {
                World::with(server.address(), AUTH).list().await.unwrap_err()
            };
            let sent = tokens.take_all();
            assert!(sent.iter().any(|ask| ask.authorization().is_some() || !ask.body.is_empty()));
            let there = elsewhere.take_all();
            assert!(
                there.iter().all(|ask| ask.authorization().is_none() && ask.body.is_empty()),
                "{there:#?}"
            );
            assert!(matches!(error, Error::BadAnswer { .. } | Error::Unauthorized { .. }), "{error}");
        }
    }
}
