//! The environments that an app has to fit, and the WIT packages that hold their worlds.

use std::fmt;

use url::Url;
use wasm_pkg_common::digest::ContentDigest;
use wasm_pkg_common::package::{PackageRef, Version};
use wasm_pkg_common::registry::Registry;

use crate::{diff::without_secrets, shown};

/// An environment that the app, or a component of it, has to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// How the manifest names it.
    pub target: EnvironmentRef,
    /// The digest of its definition. A file of the project is not locked, like all files of the project.
    pub digest: Option<ContentDigest>,
    /// The packages of its worlds. Read from a text they are sorted.
    pub packages: Vec<WitPackage>,
}

/// How a manifest names an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnvironmentRef {
    /// By its name in the catalogue: `spin-up:3.6`.
    Name(String),
    /// By the URL of its definition.
    Url(Url),
    /// By the file of its definition, relative to the manifest.
    Path(String),
}

impl fmt::Display for EnvironmentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(text) | Self::Path(text) => f.write_str(&shown(text)),
            Self::Url(url) => f.write_str(&without_secrets(url)),
        }
    }
}

/// A package of WIT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitPackage {
    /// The package, as the name of the world has it.
    pub name: PackageRef,
    /// Its version, if the name of the world has one.
    pub version: Option<Version>,
    /// Where it was found.
    pub source: WitSource,
    /// The digest of its content, the Wasm.
    pub digest: ContentDigest,
    /// The digest of its OCI manifest, if it comes from an OCI registry.
    pub manifest: Option<ContentDigest>,
    /// The length of its content, in bytes. TOML holds up to `i64::MAX`.
    pub size: u64,
}

/// Where a package of WIT is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitSource {
    /// In a registry, under its name and version.
    Registry(Registry),
    /// Under an OCI reference: `ghcr.io/example/wit:1.0.0`.
    Reference(String),
}

impl fmt::Display for WitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(registry) => registry.fmt(f),
            Self::Reference(reference) => f.write_str(&shown(reference)),
        }
    }
}

impl Environment {
    /// Brings the packages into the canonical order and drops what is there twice.
    pub(crate) fn sort(&mut self) {
        self.packages.sort_by_cached_key(|it| (it.name.clone(), it.version.clone(), it.source.to_string()));
        self.packages.dedup();
    }
}
