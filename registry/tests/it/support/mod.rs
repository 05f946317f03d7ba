//! Servers and settings for the tests.

mod docker;
mod raw;
mod server;
mod tls;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use spin_deps_registry::{
    ComponentConfig, Environment, Error, Limits, Listing, Network, Publication, Registries, Settings,
};
use wasm_pkg_common::package::{PackageRef, Version};
use wasm_pkg_common::registry::Registry;

pub(crate) use docker::DockerRegistry;
pub(crate) use raw::{Head, RawServer, Reply, Step};
pub(crate) use server::{Answer, Asked, Server};
pub(crate) use tls::Authority;

pub(crate) fn package(name: &str) -> PackageRef {
    name.parse().unwrap()
}

pub(crate) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

pub(crate) fn registry(address: &str) -> Registry {
    address.parse().unwrap()
}

/// A publication with this content; the config object names one export and one import.
pub(crate) fn publication(name: &str, number: &str, content: impl Into<Bytes>) -> Publication {
    Publication {
        package: package(name),
        version: version(number),
        content: content.into().into(),
        config: ComponentConfig {
            exports: vec![format!("{name}/api@{number}")],
            imports: vec!["wasi:io/streams@0.2.0".into()],
            target: None,
        },
        annotations: [("org.opencontainers.image.version".to_owned(), number.to_owned())].into(),
        layer_title: None,
    }
}

/// Settings with a store in `dir` and the OCI registry at `address` as the default, spoken to over plain http.
pub(crate) fn settings(dir: &Path, address: &str) -> Settings {
    settings_with(dir, address, "")
}

/// As [`settings`], with more lines in the registry's `oci` table.
pub(crate) fn settings_with(dir: &Path, address: &str, oci: &str) -> Settings {
    let config = dir.join("config.toml");
    let text = format!(
        "default_registry = \"{address}\"\n[registry.\"{address}\".oci]\nprotocol = \"http\"\n{oci}\n"
    );
    fs_err::write(&config, text).unwrap();
    Settings { config_file: Some(config), ..Settings::new(dir.join("cache")) }
}

pub(crate) fn offline(settings: &Settings) -> Settings {
    Settings { network: Network::Offline { because: "`--offline` was given".into() }, ..settings.clone() }
}

pub(crate) fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().copied().collect()
}

/// Limits for tests that reach them, and that need no more than a second otherwise.
pub(crate) fn impatient() -> Limits {
    Limits {
        read: Duration::from_millis(500),
        budget: Duration::from_secs(1),
        rate: 10_000,
        rate_window: Duration::from_millis(300),
        ..Limits::default()
    }
}

pub(crate) async fn open(settings: &Settings) -> Registries {
    Registries::open(settings.clone()).await.unwrap()
}

/// Settings, opened, in a directory of their own.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) settings: Settings,
    pub(crate) registry: Registry,
}

impl World {
    pub(crate) fn new(address: &str) -> Self {
        Self::with(address, "")
    }

    pub(crate) fn with(address: &str, oci: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings_with(dir.path(), address, oci);
        Self { dir, settings, registry: registry(address) }
    }

    /// The same with limits that are reached soon.
    pub(crate) fn impatient(mut self) -> Self {
        self.settings.limits = impatient();
        self
    }

    /// A new process, as far as memory goes.
    pub(crate) async fn open(&self) -> Registries {
        open(&self.settings).await
    }

    /// The versions of acme:base, asked for anew.
    pub(crate) async fn list(&self) -> Result<Listing, Error> {
        let settings = Settings { listing_ttl: Duration::ZERO, ..self.settings.clone() };
        open(&settings).await.versions(&package("acme:base"), &self.registry).await
    }

    pub(crate) async fn open_offline(&self) -> Registries {
        open(&offline(&self.settings)).await
    }
}

/// Content of `size` bytes that differs for each `seed`.
pub(crate) fn content(seed: u64, size: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    });
    bytes.take(size).collect::<Vec<u8>>().into()
}
