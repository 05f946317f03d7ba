//! TLS: authorities of one's own, certificates that are wrong, and the version of HTTP that is spoken over it.

use axum::http::Version;
use base64::Engine as _;
use spin_deps_registry::{Content, Error, Registries};
use wasm_pkg_common::registry::Registry;

use crate::support::{Authority, DockerRegistry, Server, World, content, package, publication, version};

/// A world that speaks TLS to the registry, with these settings besides.
fn world(address: &str, settings: &str) -> World {
    let world = World::new(address);
    let config = format!("default_registry = \"{address}\"\n[registry.\"{address}\".oci]\n{settings}\n");
    fs_err::write(world.settings.config_file.as_ref().unwrap(), config).unwrap();
    world
}

fn trusting_pem(pem: &str) -> String {
    format!("extra_root_certificates = [{{ encoding = \"pem\", data = '''\n{pem}''' }}]")
}

/// Publishes, which `oci-client` does, and reads, which we do.
async fn publish_and_fetch(registries: &Registries, registry: &Registry) {
    let bytes = content(1, 200_000);
    registries.publish(&publication("acme:base", "1.0.0", bytes.clone()), registry).await.unwrap();
    let (name, number) = (package("acme:base"), version("1.0.0"));
    let release = registries.release(&name, &number, registry).await.unwrap().unwrap();
    let fetched = registries.fetch(&Content::of(&name, &number, registry, &release)).await.unwrap();
    assert_eq!(fetched, bytes);
}

#[tokio::test]
async fn an_authority_of_ones_own_is_enough_in_pem_and_in_der() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(&["127.0.0.1"]).pem();
    let other = Authority::new().pem();
    let der = base64::engine::general_purpose::STANDARD.encode(authority.der());
    for settings in [
        trusting_pem(&authority.pem()),
        // A bundle of several.
        trusting_pem(&format!("{other}{}", authority.pem())),
        format!("extra_root_certificates = [{{ encoding = \"der\", data = \"{der}\" }}]"),
        "accept_invalid_certificates = true".to_owned(),
    ] {
        let registry = DockerRegistry::with_tls(&certificate, &key);
        let world = world(registry.address(), &settings);
        publish_and_fetch(&world.open().await, &world.registry).await;
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_accepted_is_what_the_message_is_about() {
    let authority = Authority::new();
    let upstream = DockerRegistry::start();
    for (names, trusted, expected) in [
        (["127.0.0.1"], Authority::new().pem(), "it was issued by an authority that is not known here"),
        (["elsewhere.example"], authority.pem(), "it is for another host"),
    ] {
        let server = Server::tls_in_front_of(upstream.address(), authority.issue(&names).acceptor()).await;
        let world = world(server.address(), &trusting_pem(&trusted));
        let registries = world.open().await;
        let list = registries.versions(&package("acme:base"), &world.registry).await.map(drop);
        let publication = publication("acme:base", "1.0.0", "x");
        let publish = registries.publish(&publication, &world.registry).await.map(drop);
        for error in [list.unwrap_err(), publish.unwrap_err()] {
            let address = server.address();
            assert_eq!(
                error.to_string(),
                format!("the certificate of registry `{address}` is not accepted: {expected}")
            );
            let hint = error.hint().unwrap();
            assert!(hint.contains("`extra_root_certificates`") && hint.contains(address), "{hint}");
        }
        assert!(server.take().is_empty(), "nothing was sent");
    }
}

#[tokio::test]
async fn a_certificate_of_the_configuration_that_is_none_is_refused() {
    for (wrong, expected) in [
        ("extra_root_certificates = [\"/etc/ssl/acme.pem\"]", "invalid type: string"),
        ("extra_root_certificates = [{ encoding = \"pem\", data = \"x\" }]", "cannot be read"),
        ("extra_root_certificates = [{ encoding = \"der\", data = \"x\" }]", "cannot be read"),
    ] {
        let world = world("127.0.0.1:1", wrong);
        let error = world.list().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn http_2_is_spoken_over_tls() {
    let authority = Authority::new();
    let upstream = DockerRegistry::start();
    let acceptor = authority.issue(&["127.0.0.1"]).acceptor();
    let server = Server::tls_in_front_of(upstream.address(), acceptor).await;
    let world = world(server.address(), &trusting_pem(&authority.pem()));
    publish_and_fetch(&world.open().await, &world.registry).await;
    let asked = server.take_all();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|ask| ask.version == Version::HTTP_2), "{asked:#?}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_told_apart() {
    let server = DockerRegistry::start();
    let world = world(server.address(), "");
    let error = world.list().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("could not reach registry `{}`: it does not speak TLS", server.address())
    );
    assert!(matches!(&error, Error::Unreachable { speaks_plain: true, .. }));
    assert!(error.hint().unwrap().contains("protocol = \"http\""));
}
