//! Content that is brought into the store, and read from there as a stream.

use std::io::Read;

use spin_deps_registry::{Content, Error, digest_of};
use url::Url;

use crate::support::{Answer, DockerRegistry, Server, World, content, package, publication, version};

fn length(reader: &mut dyn Read) -> usize {
    let mut seen = Vec::new();
    reader.read_to_end(&mut seen).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_release_is_brought_once_whoever_wants_it_and_however() {
    let upstream = DockerRegistry::start();
    let server = Server::counting(upstream.address()).await;
    let world = World::new(server.address());
    let registries = world.open().await;
    let bytes = content(31, 3_000_000);
    registries.publish(&publication("acme:base", "1.0.0", bytes.clone()), &world.registry).await.unwrap();
    let (name, number) = (package("acme:base"), version("1.0.0"));
    let release = registries.release(&name, &number, &world.registry).await.unwrap().unwrap();
    let content = Content::of(&name, &number, &world.registry, &release);
    server.take();

    let ensured = futures::future::join_all((0..8).map(|_| registries.ensure(&content)));
    let (ensured, fetched, read) =
        futures::join!(ensured, registries.fetch(&content), registries.read(&content, length));
    assert!(ensured.into_iter().all(|outcome| outcome.is_ok()));
    assert_eq!((fetched.unwrap(), read.unwrap()), (bytes.clone(), 3_000_000));
    let layers = server.take().iter().filter(|ask| ask.contains(&content.digest.to_string())).count();
    assert_eq!(layers, 1);

    // What is there is enough offline; what is damaged is brought again, or told.
    let offline = world.open_offline().await;
    offline.ensure(&content).await.unwrap();
    let path = world.settings.cache_dir.join("blobs").join(content.digest.to_string().replace(':', "/"));
    let damage = || {
        let mut damaged = bytes.to_vec();
        damaged[1_000_000] ^= 1;
        fs_err::write(&path, damaged).unwrap();
    };
    damage();
    let error = offline.ensure(&content).await.unwrap_err();
    assert!(matches!(error, Error::DamagedStore { .. }), "{error}");
    let error = offline.read(&content, length).await.unwrap_err();
    assert!(matches!(error, Error::DamagedStore { .. }), "{error}");
    registries.ensure(&content).await.unwrap();
    assert_eq!(fs_err::read(&path).unwrap(), bytes);
    damage();
    assert_eq!(registries.read(&content, length).await.unwrap(), 3_000_000);
    assert!(server.take().len() >= 2);
}

#[tokio::test]
async fn a_file_by_url_is_brought_and_read() {
    let bytes = content(32, 400_000);
    let body = bytes.clone();
    let server = Server::start(move |_| Some(Answer::new(200, body.clone()))).await;
    let world = World::new(server.address());
    let url = Url::parse(&format!("http://{}/a.wasm", server.address())).unwrap();
    let digest = digest_of(&bytes);
    let error = world.open_offline().await.ensure_url(&url, &digest).await.unwrap_err();
    assert!(matches!(error, Error::Offline { .. }), "{error}");
    let registries = world.open().await;
    registries.ensure_url(&url, &digest).await.unwrap();
    assert_eq!(world.open_offline().await.read_url(&url, &digest, length).await.unwrap(), 400_000);
    assert_eq!(server.take().len(), 1);
    let error = registries.ensure_url(&url, &digest_of(b"other")).await.unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
}
