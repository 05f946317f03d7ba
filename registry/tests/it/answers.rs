//! Answers that are not what they should be.

use bytes::Bytes;
use spin_deps_registry::{Error, Listing, digest_of};

use crate::support::{Answer, RawServer, Reply, Server, Step, World, package, version};

const LIST: &str = r#"{"tags": ["1.0.0"]}"#;

/// A registry that answers everything below `/v2/` by `script`.
async fn raw(script: impl Fn() -> Vec<Step> + Send + Sync + 'static) -> (RawServer, World) {
    let server = RawServer::start(move |ask| match ask.path() {
        "/v2/" => Reply::new(200, "").steps(),
        path if path.starts_with("/v2/") => script(),
        _ => Reply::new(404, "").steps(),
    })
    .await;
    let world = World::new(server.address());
    (server, world)
}

async fn listed(reply: Reply) -> Result<Listing, Error> {
    let (_server, world) = raw(move || reply.clone().steps()).await;
    world.list().await
}

async fn release_error(script: impl Fn() -> Vec<Step> + Send + Sync + 'static) -> Error {
    let (_server, world) = raw(script).await;
    let registries = world.open().await;
    registries.release(&package("acme:base"), &version("1.0.0"), &world.registry).await.unwrap_err()
}

#[tokio::test]
async fn a_page_to_log_in_is_called_one() {
    let page = "\u{feff}\n<!DOCTYPE html><title>Welcome</title>";
    for reply in [Reply::new(200, page), Reply::new(200, "Hello").header("content-type", "Text/HTML")] {
        let error = listed(reply).await.unwrap_err();
        assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
        assert!(error.to_string().ends_with("it is a web page, such as one to log in"), "{error}");
        assert!(error.hint().unwrap().contains("login page"), "{error}");
    }
}

#[tokio::test]
async fn a_web_page_in_place_of_a_manifest_is_called_one() {
    let error = release_error(|| Reply::new(200, "<html>").header("content-type", "text/html").steps()).await;
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    assert!(error.to_string().ends_with("it is a web page, such as one to log in"), "{error}");
}

#[tokio::test]
async fn a_token_server_that_sends_a_web_page_is_named() {
    let server = Server::start(|ask| {
        let challenge = format!("Bearer realm=\"http://{}/token\"", ask.header("host").unwrap());
        Some(if ask.path.starts_with("/token") {
            Answer::new(200, "<html>")
        } else {
            Answer::new(401, "").header("www-authenticate", challenge)
        })
    })
    .await;
    let error = World::new(server.address()).list().await.unwrap_err();
    let expected = format!(
        "its token server `http://{}/token` sent no token: it is a web page, such as one to log in",
        server.address()
    );
    assert!(error.to_string().ends_with(&expected), "{error}");
}

#[tokio::test]
async fn a_byte_order_mark_is_let_pass_and_other_encodings_are_not_guessed() {
    let listing = listed(Reply::new(200, format!("\u{feff}{LIST}"))).await.unwrap();
    assert!(matches!(listing, Listing::Found(_)));
    let utf_16: Vec<u8> = LIST.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin_1 = b"{\"tags\": [\"caf\xe9\"]}".to_vec();
    for (body, charset) in [(utf_16, "utf-16"), (latin_1, "latin1"), (b"[1]".to_vec(), "utf-8")] {
        let media_type = format!("application/json; charset={charset}");
        let error = listed(Reply::new(200, body).header("content-type", &media_type)).await.unwrap_err();
        assert!(error.to_string().ends_with("it is not a list of tags"), "{charset}: {error}");
    }
}

#[tokio::test]
async fn a_length_that_is_wrong_does_not_pass_for_an_answer() {
    // Cut short by what it says itself.
    let error = listed(Reply::new(200, LIST).promising(5)).await.unwrap_err();
    assert!(error.to_string().ends_with("it is not a list of tags"), "{error}");
    let error = listed(Reply::new(200, LIST).promising(500)).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_announced_as_huge_is_not_read() {
    let error = release_error(|| Reply::new(200, " ").promising(2 << 30).steps()).await;
    assert!(matches!(error, Error::TooLarge { limit: 4_194_304, .. }), "{error}");
}

#[tokio::test]
async fn what_has_no_end_is_not_read_to_it() {
    let endless = Bytes::from(vec![b' '; 64 * 1024]);
    let chunk = [Bytes::from_static(b"10000\r\n"), endless.clone(), Bytes::from_static(b"\r\n")].concat();
    let error = release_error(move || {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        vec![Step::send(head), Step::Endlessly(chunk.clone().into())]
    })
    .await;
    assert!(matches!(error, Error::TooLarge { limit: 4_194_304, .. }), "{error}");

    // Of an error answer only a little is read, and what it is remains.
    let body = endless.clone();
    let error = release_error(move || {
        vec![Step::send("HTTP/1.1 403 Forbidden\r\n\r\n"), Step::Endlessly(body.clone())]
    })
    .await;
    assert!(matches!(error, Error::Forbidden { .. }), "{error}");

    let error = release_error(|| {
        vec![
            Step::send("HTTP/1.1 200 OK\r\n"),
            Step::Endlessly(Bytes::from_static(b"x-filler: abcdefgh\r\n")),
        ]
    })
    .await;
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let (server, world) = raw(|| Reply::new(302, "").header("location", "?again").steps()).await;
    let error = world.list().await.unwrap_err();
    assert!(error.to_string().ends_with("it redirects too often"), "{error}");
    assert_eq!(server.take().iter().filter(|ask| ask.path().contains("/tags/list")).count(), 6);
}

#[tokio::test]
async fn a_layer_that_is_refused_at_endless_length_is_refused() {
    let manifest = format!(
        r#"{{"layers": [{{"mediaType": "application/wasm", "digest": "{}", "size": 4}}]}}"#,
        digest_of(b"wasm")
    );
    let server = RawServer::start(move |ask| match ask.path().split('/').nth(4) {
        Some("manifests") => Reply::new(200, manifest.clone()).steps(),
        Some("blobs") => {
            let head = "HTTP/1.1 403 Forbidden\r\n\r\n";
            vec![Step::send(head), Step::Endlessly(Bytes::from(vec![b'x'; 64 * 1024]))]
        }
        _ => Reply::new(404, "").steps(),
    })
    .await;
    let world = World::new(server.address());
    let registries = world.open().await;
    let (name, number) = (package("acme:base"), version("1.0.0"));
    let release = registries.release(&name, &number, &world.registry).await.unwrap().unwrap();
    let content = spin_deps_registry::Content::of(&name, &number, &world.registry, &release);
    let error = registries.fetch(&content).await.unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error}");
}

#[tokio::test]
async fn a_registry_is_named_by_its_name_and_its_host() {
    let upstream = Server::start(|_| Some(Answer::new(403, ""))).await;
    let host = upstream.address();
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "[namespace_registries.acme]\nregistry = \"my-name\"\n\
         metadata = {{ oci = {{ registry = \"{host}\" }} }}\n[registry.\"my-name\".oci]\nprotocol = \"http\"\n"
    );
    let world = World::new(host);
    fs_err::write(world.settings.config_file.as_ref().unwrap(), config).unwrap();
    let registries = world.open().await;
    let name = package("acme:base");
    let registry = registries.registry_of(&name).unwrap();
    let error = registries.versions(&name, &registry).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("registry `my-name ({host})` does not allow access to `acme/base`")
    );
    drop(dir);
}
