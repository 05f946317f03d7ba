//! What a user has without spin-deps: `wasm-pkg-client`, the library of wkg.

use std::path::Path;

use futures::TryStreamExt;
use oci_client_of_wkg::client::{ClientConfig, ClientProtocol};
use oci_client_of_wkg::secrets::RegistryAuth;
use oci_wasm::{WasmClient, WasmConfig};
use tokio::io::AsyncWriteExt;
use wasm_pkg_client::{Client, Config, PackageRef, Release, Version};

use crate::support::http::block_on;
use crate::support::world::wkg_configuration;

/// Makes this program behave like wkg, in a process of its own whose time and memory can be measured:
/// `publish HOST REPOSITORY:TAG FILE` or `get HOST PACKAGE FILE`.
pub(crate) const COMMAND: &str = "as-client";

pub(crate) fn run(arguments: &[String]) {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["publish", host, reference, file] => block_on(publish(host, reference, Path::new(file))),
        ["get", host, package, file] => block_on(async {
            let client = client(host);
            let package = package.parse().expect("a package name");
            let release = newest(&client, &package).await;
            download(&client, &package, &release, Path::new(file)).await;
        }),
        other => panic!("{other:?} is nothing that a client does"),
    }
}

/// What is left of `wkg publish` once it knows the package: `wasm-pkg-client` would look for the name and the version in
/// the WIT, where a component built by hand has none, and then does this.
async fn publish(host: &str, reference: &str, file: &Path) {
    let bytes = fs_err::read(file).expect("a file");
    let (config, layer) = WasmConfig::from_raw_component(bytes, None).expect("a component");
    let configuration = ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() };
    let client = WasmClient::new(oci_client_of_wkg::Client::new(configuration));
    let reference = format!("{host}/{reference}").parse().expect("a reference");
    let pushed = client.push(&reference, &RegistryAuth::Anonymous, layer, config, None).await;
    pushed.expect("the release is published");
}

/// What `wkg` asks for each package to know its newest release.
pub(crate) async fn list_and_resolve(host: &str, names: &[String]) {
    let client = client(host);
    for name in names {
        newest(&client, &name.parse().expect("a package name")).await;
    }
}

/// The same, with the content.
pub(crate) async fn fetch_all(host: &str, names: &[String]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let client = client(host);
    for name in names {
        let package: PackageRef = name.parse().expect("a package name");
        let release = newest(&client, &package).await;
        download(&client, &package, &release, &directory.path().join(package.name().to_string())).await;
    }
}

fn client(host: &str) -> Client {
    Client::new(Config::from_toml(&wkg_configuration(host, None)).expect("a configuration"))
}

async fn newest(client: &Client, package: &PackageRef) -> Release {
    let listed = client.list_all_versions(package).await.expect("the versions");
    let newest: Version = listed.into_iter().map(|info| info.version).max().expect("a version");
    client.get_release(package, &newest).await.expect("the release")
}

async fn download(client: &Client, package: &PackageRef, release: &Release, path: &Path) {
    let mut content = client.stream_content(package, release).await.expect("the content");
    let mut file = fs_err::tokio::File::create(path).await.expect("a file");
    while let Some(chunk) = content.try_next().await.expect("the content") {
        file.write_all(&chunk).await.expect("the file takes it");
    }
    file.flush().await.expect("the file takes it");
}
