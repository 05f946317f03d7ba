//! One registry, two clients: what wkg and Spin are built on (`wasm-pkg-client`, and below it `oci-wasm`), and us.
//!
//! `wasm-pkg-client` reads the same `config.toml` as we do. What one publishes the other has to list, resolve and fetch, byte for byte.

use std::io::Cursor;

use futures::TryStreamExt;
use oci_client_of_wkg::client::{ClientConfig, ClientProtocol};
use oci_client_of_wkg::secrets::RegistryAuth;
use oci_wasm::{WasmClient, WasmConfig};
use spin_deps_fixtures::library::chain;
use wasm_pkg_client::{Client, Config, PackageRef, PublishOpts};

use crate::support::http::block_on;
use crate::support::library::{ANSWER, BASE, DEPENDENCIES, IMPORTS, base, middle, publish_all};
use crate::support::oci::digest;
use crate::support::registry::Registry;
use crate::support::world::{Sandbox, wkg_configuration};

fn foreign(registry: &Registry) -> Client {
    let configuration = wkg_configuration(&registry.host(), registry.credentials());
    Client::new(Config::from_toml(&configuration).expect("a configuration that wkg reads too"))
}

fn package(name: &str) -> PackageRef {
    name.parse().expect("a package name")
}

/// Pushes a component with what wkg pushes with. (`wasm-pkg-client` 0.16.1 itself takes WIT packages only: it wants a
/// version in the decoded world of a component, where none can stand.)
pub(crate) async fn push(registry: &Registry, name: &str, version: &str, bytes: Vec<u8>) {
    let (config, layer) = WasmConfig::from_raw_component(bytes, None).expect("a component");
    let configuration = ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() };
    let client = WasmClient::new(oci_client_of_wkg::Client::new(configuration));
    let image =
        format!("{}/{}:{version}", registry.host(), name.replace(':', "/")).parse().expect("an image's name");
    let auth = registry.credentials().map_or(RegistryAuth::Anonymous, |credentials| {
        RegistryAuth::Basic(credentials.user.clone(), credentials.password.clone())
    });
    let annotations = [("org.opencontainers.image.version".to_owned(), version.to_owned())].into();
    client.push(&image, &auth, layer, config, Some(annotations)).await.expect("the foreign client pushes");
}

/// Publishes a WIT package, which knows its own name and version, as wkg does.
pub(crate) async fn publish_wit(registry: &Registry, bytes: Vec<u8>) -> [String; 2] {
    let bytes = Box::pin(Cursor::new(bytes));
    let published = foreign(registry).publish_release_data(bytes, PublishOpts::default()).await;
    let (name, version) = published.expect("the foreign client publishes");
    [name.to_string(), version.to_string()]
}

#[test]
fn what_a_foreign_client_pushes_is_resolved_fetched_and_run() {
    let registry = Registry::with_password();
    block_on(async {
        for version in BASE {
            push(&registry, "acme:base", version, base(version)).await;
        }
        push(&registry, "acme:middle", "1.0.0", middle("1.0.0")).await;
    });
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["verify"]).done();
    let lock = sandbox.read("spin-deps.lock");
    for bytes in [base("1.1.0"), middle("1.0.0")] {
        assert!(lock.contains(&digest(&bytes)), "the digest of the published bytes is locked:\n{lock}");
    }
}

#[test]
fn what_we_publish_the_foreign_client_lists_and_fetches() {
    let registry = Registry::with_password();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    let client = foreign(&registry);
    block_on(async {
        let name = package("acme:base");
        let mut listed = client.list_all_versions(&name).await.expect("the versions");
        listed.sort();
        assert_eq!(listed.iter().map(|info| info.version.to_string()).collect::<Vec<_>>(), BASE);
        for version in BASE {
            let release =
                client.get_release(&name, &version.parse().expect("a version")).await.expect("the release");
            let ours = base(version);
            assert_eq!(release.content_digest.to_string(), digest(&ours));
            let stream = client.stream_content(&name, &release).await.expect("the content");
            let fetched: Vec<u8> =
                stream.map_ok(|chunk| chunk.to_vec()).try_concat().await.expect("all of the content");
            assert!(fetched == ours, "acme:base@{version} came back with other bytes");
        }
    });
}

#[test]
fn a_wit_package_goes_both_ways() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    let wit = |name: &str| {
        let text = format!(
            "package acme:{name}@0.2.0;\n\ninterface api {{\n  call: func(input: string) -> string;\n}}\n"
        );
        spin_deps_fixtures::wit_package(&text).expect("a WIT package")
    };
    let client = foreign(&registry);

    // Its name and version stand in the WIT: neither client has to be told.
    sandbox.publish(&wit("ours"));
    block_on(async {
        let release = client.get_release(&package("acme:ours"), &"0.2.0".parse().expect("a version")).await;
        assert_eq!(release.expect("our release").content_digest.to_string(), digest(&wit("ours")));

        assert_eq!(publish_wit(&registry, wit("theirs")).await, ["acme:theirs", "0.2.0"]);
    });
    let info = sandbox.run(&["info", "acme:theirs@0.2.0"]).done().stdout;
    assert!(info.contains(&digest(&wit("theirs"))), "{info}");
}

#[test]
fn publishing_twice_gives_the_same_manifest_on_every_machine() {
    let bytes = chain("acme:base", "1.0.0", &[]);
    let [first, second] = [(); 2].map(|()| {
        let registry = Registry::open();
        let sandbox = Sandbox::new();
        sandbox.use_registry(&registry);
        sandbox.publish(&bytes);
        registry.manifest_digest("acme/base", "1.0.0")
    });
    assert_eq!(first, second);
}
