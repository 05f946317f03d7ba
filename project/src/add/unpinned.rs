//! A URL without a digest: what is there now, for somebody to decide on.

use semver::Version;
use spin_deps_lockfile::Lockfile;
use url::Url;
use wasm_pkg_common::{digest::ContentDigest, package::PackageRef};

use crate::{
    Error, Project,
    content::{Unit, without_secrets},
};

/// What a URL serves now. Nothing vouches for it: the manifest would record this digest, and whoever confirms it says
/// that these bytes are the ones that are meant.
#[derive(Clone, Debug)]
pub struct Unpinned {
    /// The URL, without what may be secret in it.
    pub url: String,
    /// Whether the URL has a query, which is not in `url`.
    pub has_query: bool,
    /// The digest of the bytes.
    pub digest: ContentDigest,
    /// Their number, in bytes.
    pub size: u64,
    /// The package that the component calls itself.
    pub name: Option<PackageRef>,
    /// Its version, from the same place.
    pub version: Option<Version>,
    /// What it is for, as its author wrote it and not yet fit for a terminal.
    pub description: Option<String>,
    /// Names of its imports.
    pub imports: Vec<String>,
    /// Names of its exports.
    pub exports: Vec<String>,
    /// Capability keys that its imports reach.
    pub capabilities: Vec<&'static str>,
}

impl Project {
    /// Fetches what is behind a URL, which must be a component.
    pub(super) async fn unpinned(&self, url: &Url) -> Result<Unpinned, Error> {
        let (digest, size) = self.registries.digest_of_url(url).await?;
        let shown = without_secrets(url);
        let unit = Unit::Url(url.clone(), digest.to_string());
        let inspection = self.outline(&unit, &Lockfile::default()).await?.inspection();
        Ok(Unpinned {
            has_query: url.query().is_some(),
            url: shown,
            digest,
            size,
            name: inspection.name,
            version: inspection.version,
            description: inspection.metadata.description,
            imports: inspection.imports.into_iter().map(|it| it.name).collect(),
            exports: inspection.exports.into_iter().map(|it| it.name).collect(),
            capabilities: inspection.capabilities.into_iter().collect(),
        })
    }
}
