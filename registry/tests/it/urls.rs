//! Files by URL and digest.

use spin_deps_registry::{Error, Settings, digest_of};
use url::Url;

use crate::support::{Answer, Server, content, offline, open};

fn settings() -> (tempfile::TempDir, Settings) {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::new(dir.path());
    (dir, settings)
}

#[tokio::test]
async fn a_file_is_fetched_once_and_then_known() {
    let bytes = content(1, 50_000);
    let (body, digest) = (bytes.clone(), digest_of(&bytes));
    let server = Server::start(move |ask| match ask.path.as_str() {
        "/a.wasm?key=secret" => Some(Answer::new(200, body.clone())),
        "/moved" => Some(Answer::new(302, "").header("location", "/a.wasm?key=secret")),
        _ => None,
    })
    .await;
    let (_dir, settings) = settings();
    let url = |path: &str| Url::parse(&format!("http://{}{path}", server.address())).unwrap();
    assert_eq!(open(&settings).await.fetch_url(&url("/moved"), &digest).await.unwrap(), bytes);
    assert_eq!(server.take().len(), 2);
    assert_eq!(
        open(&offline(&settings)).await.fetch_url(&url("/a.wasm?key=secret"), &digest).await.unwrap(),
        bytes
    );
    assert!(server.take().is_empty());

    let other = digest_of(b"other");
    let error = open(&settings).await.fetch_url(&url("/a.wasm?key=secret"), &other).await.unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let error =
        open(&offline(&settings)).await.fetch_url(&url("/a.wasm?key=secret"), &other).await.unwrap_err();
    assert!(matches!(error, Error::Offline { .. }) && !error.to_string().contains("secret"), "{error}");
    let error = open(&settings).await.fetch_url(&url("/none"), &other).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn plain_http_is_for_this_machine() {
    let (_dir, settings) = settings();
    let registries = open(&settings).await;
    for text in ["http://example.invalid/a.wasm", "ftp://127.0.0.1/a.wasm", "file:///etc/passwd"] {
        let error = registries.fetch_url(&Url::parse(text).unwrap(), &digest_of(b"")).await.unwrap_err();
        assert!(matches!(error, Error::Insecure { .. }), "{error}");
    }
}

#[tokio::test]
async fn credentials_of_a_url_do_not_follow_a_redirect() {
    let target = Server::start(|_| Some(Answer::new(200, "wasm"))).await;
    let location = format!("http://{}/a.wasm", target.address());
    let server = Server::start(move |_| Some(Answer::new(302, "").header("location", &location))).await;
    let (_dir, settings) = settings();
    let url = Url::parse(&format!("http://me:secret@{}/x", server.address())).unwrap();
    open(&settings).await.fetch_url(&url, &digest_of(b"wasm")).await.unwrap();
    assert!(server.take_all()[0].authorization().is_some());
    assert_eq!(target.take_all()[0].authorization(), None);
}
