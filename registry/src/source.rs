//! The seam between what the project asks for and where releases come from.
//!
//! [`Source`] has three implementers: a folder of this machine, an OCI registry, a warg registry. All answer the same questions;
//! that a package or a version is not there is an answer, not an error.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use wasm_pkg_common::digest::ContentDigest;
use wasm_pkg_common::package::{PackageRef, Version};
use wasm_pkg_common::registry::Registry;

use crate::error::Error;
use crate::settings::Progress;
use crate::upload::Upload;

/// The releases of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// In ascending order, without repetition.
    Found(Vec<Listed>),
    /// The registry does not know the package.
    NotFound,
    /// Nothing is known, and no request may be made.
    Offline,
}

/// A release in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its version.
    pub version: Version,
    /// Whether its author withdrew it.
    pub yanked: bool,
    /// Why, where the author said so. Text from outside: bounded, but not made fit to be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Listed {
    /// A release that was not withdrawn.
    pub(crate) fn new(version: Version) -> Self {
        Self { version, yanked: false, reason: None }
    }
}

/// The packages of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Catalog {
    /// It has these, as far as it tells.
    Found {
        /// In alphabetical order, without repetition. Not every one has a release.
        packages: Vec<PackageRef>,
        /// Why these are not all, if they are not.
        cut: Option<String>,
        /// A release tells what it is without its Wasm being downloaded.
        described: bool,
    },
    /// It does not tell what it has.
    Refused {
        /// Why, in words that go on after "it cannot list its packages:".
        reason: String,
    },
    /// No request may be made.
    Offline,
}

/// Who answers for a release of a warg registry: the identifiers (`sha256:<hex>`) of the first key of the operator's
/// log, which signs checkpoints, and of the first key of the package's log, which signs its releases. They are
/// trusted when they are first seen, and must stay the same afterwards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Signers {
    /// The registry's operator.
    pub operator: String,
    /// The package's author.
    pub author: String,
}

/// What is known of a release without its Wasm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseInfo {
    /// The digest of the Wasm.
    pub digest: ContentDigest,
    /// The size of the Wasm in bytes.
    pub size: u64,
    /// The digest of the OCI manifest; only OCI registries have one.
    pub manifest: Option<ContentDigest>,
    /// Who answers for it; only warg registries say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signers: Option<Signers>,
    /// The annotations of the OCI manifest. Text from outside: bounded, but not made fit to be shown.
    pub annotations: BTreeMap<String, String>,
    /// What the config object says of the component; none for folders and for artifacts of other tools.
    pub component: Option<ComponentConfig>,
}

/// What a component imports and exports, as the config object of a [Wasm OCI artifact] has it.
///
/// [Wasm OCI artifact]: https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentConfig {
    /// The names of the exports, such as `acme:base/digest@1.0.0`.
    #[serde(default)]
    pub exports: Vec<String>,
    /// The names of the imports.
    #[serde(default)]
    pub imports: Vec<String>,
    /// The world that it targets, for indexes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// The Wasm of a release: what to fetch and what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The package.
    pub package: PackageRef,
    /// The version.
    pub version: Version,
    /// The registry.
    pub registry: Registry,
    /// The digest of the Wasm.
    pub digest: ContentDigest,
    /// The size of the Wasm in bytes; 0 if it is not known. No more than this is downloaded.
    pub size: u64,
    /// The digest of the OCI manifest, where there is one: to tell a moved tag when the Wasm is gone.
    pub manifest: Option<ContentDigest>,
    /// Who answered for the release when it was locked, where it comes from a warg registry.
    pub signers: Option<Signers>,
}

impl Content {
    /// The Wasm of a release of a listing.
    pub fn of(package: &PackageRef, version: &Version, registry: &Registry, release: &ReleaseInfo) -> Self {
        Self {
            package: package.clone(),
            version: version.clone(),
            registry: registry.clone(),
            digest: release.digest.clone(),
            size: release.size,
            manifest: release.manifest.clone(),
            signers: release.signers.clone(),
        }
    }

    /// "acme:base 1.0.0", for messages.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.package, self.version)
    }
}

/// A release to publish.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The package.
    pub package: PackageRef,
    /// The version.
    pub version: Version,
    /// The Wasm: a component or an encoded WIT package.
    pub content: Upload,
    /// What it imports and exports.
    pub config: ComponentConfig,
    /// Annotations of the OCI manifest. Folders have no place for them.
    pub annotations: BTreeMap<String, String>,
    /// The file name that OCI tools give to the layer; `None`: `<name>.wasm`.
    pub layer_title: Option<String>,
}

impl Publication {
    /// "acme:base 1.0.0", for messages.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.package, self.version)
    }
}

/// A release to withdraw, or to offer again. What is withdrawn stays where it is, so that those who locked it go on;
/// it is only no longer chosen.
#[derive(Clone, Debug)]
pub struct Yank {
    /// The package.
    pub package: PackageRef,
    /// The version.
    pub version: Version,
    /// Offer it again.
    pub undo: bool,
    /// Why it is withdrawn, for those who look at it; at most [`REASON_LIMIT`] bytes of it are kept.
    pub reason: Option<String>,
}

/// The longest reason of a yank that is written or read, in bytes.
pub const REASON_LIMIT: usize = 2_000;

impl Yank {
    /// "acme:base 1.0.0", for messages.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.package, self.version)
    }

    /// The reason as it is written: within the limit, and none if it is blank.
    pub(crate) fn kept_reason(&self) -> Option<String> {
        self.reason.as_deref().and_then(bounded_reason)
    }
}

/// The reason without blanks around it, cut at the limit; `None` if nothing is left.
pub(crate) fn bounded_reason(reason: &str) -> Option<String> {
    let reason = reason.trim();
    let end = (0..=reason.len().min(REASON_LIMIT)).rev().find(|end| reason.is_char_boundary(*end));
    let reason = reason.get(..end.unwrap_or(0)).unwrap_or_default().trim_end();
    (!reason.is_empty()).then(|| reason.to_owned())
}

/// The outcome of publishing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The digest of the Wasm.
    pub digest: ContentDigest,
    /// The digest of the OCI manifest; none for folders.
    pub manifest: Option<ContentDigest>,
    /// The very same Wasm was there already under this version; nothing was written.
    pub already_there: bool,
}

/// A release as OCI registries keep it, byte by byte: so that its digests stay the same wherever it is copied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OciArtifact {
    /// The manifest.
    pub manifest: Bytes,
    /// The config object that the manifest names.
    pub config: Bytes,
}

/// Where releases come from.
pub(crate) trait Source: Send + Sync {
    /// All versions, ascending; `None` if the package is unknown.
    fn versions<'a>(&'a self, package: &'a PackageRef) -> BoxFuture<'a, Result<Option<Vec<Listed>>, Error>>;

    /// The packages that it has, if it tells.
    fn packages(&self) -> BoxFuture<'_, Result<Catalog, Error>>;

    /// The release that the version names now; `None` if there is none.
    fn release<'a>(
        &'a self,
        package: &'a PackageRef,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Option<ReleaseInfo>, Error>>;

    /// The release that had this manifest when it was locked, whatever the version names now.
    fn locked<'a>(
        &'a self,
        package: &'a PackageRef,
        version: &'a Version,
        manifest: &'a ContentDigest,
    ) -> BoxFuture<'a, Result<Option<ReleaseInfo>, Error>>;

    /// The manifest and the config object that a release had when it was locked; `None` if they are gone, or if there
    /// are none in this kind of registry.
    fn artifact<'a>(&'a self, _: &'a Content) -> BoxFuture<'a, Result<Option<OciArtifact>, Error>> {
        std::future::ready(Ok(None)).boxed()
    }

    /// Brings the content into the store, verified.
    fn fetch<'a>(
        &'a self,
        content: &'a Content,
        progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Publishes, and never in place of something else.
    fn publish<'a>(
        &'a self,
        publication: &'a Publication,
        progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<Published, Error>>;

    /// Withdraws a release, or offers it again. `false`: it was so already, and nothing was written.
    fn yank<'a>(&'a self, yank: &'a Yank) -> BoxFuture<'a, Result<bool, Error>>;
}
