//! An OCI registry as a source: a release is an artifact at `<host>/<prefix><namespace>/<name>:<version>`.
//!
//! Cold, a release costs three requests (tags, manifest, config object) and one for its Wasm. Manifests and config
//! objects go into the content store under their digests, so that what was locked is read from there for ever, by
//! digest and never by tag. A tag is only trusted to say what is new.

mod artifact;
mod auth;
mod catalog;
mod challenge;
mod connection;
mod layer;
mod mirrors;
mod original;
mod pages;
mod publish;
mod settings;
mod tags;
mod token;
mod upload;
mod yank;

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use oci_client::errors::{OciDistributionError, OciErrorCode};
use reqwest::header::HeaderMap;
use wasm_pkg_common::digest::ContentDigest;
use wasm_pkg_common::package::{PackageRef, Version};
use wasm_pkg_common::registry::Registry;

use self::artifact::{Artifact, Part};
use self::auth::Action;
pub(crate) use self::auth::Trial;
pub(crate) use self::connection::Connection;
use self::connection::Get;
pub(crate) use self::mirrors::Mirror;
pub(crate) use self::original::{artifact_in_store, packed};
pub(crate) use self::settings::OciSettings;
use crate::error::Error;
use crate::http::{WEB_PAGE, failure};
use crate::settings::Progress;
use crate::source::{
    Catalog, ComponentConfig, Content, Listed, OciArtifact, Publication, Published, ReleaseInfo, Source, Yank,
};
use crate::store::{Store, StoreError, digest_of};
use crate::text::printable;

const MANIFEST_LIMIT: u64 = 4 << 20;
const CONFIG_LIMIT: u64 = 4 << 20;

/// The packages below one prefix of an OCI registry.
pub(crate) struct OciSource {
    registry: Registry,
    connection: Arc<Connection>,
    mirrors: Vec<Mirror>,
    prefix: String,
    store: Store,
    /// The time that published artifacts carry, in seconds since 1970.
    epoch: u64,
    /// The repository and the tag, if there is only one release, whatever its name.
    only: Option<(String, String)>,
}

impl OciSource {
    pub(crate) fn new(
        registry: Registry,
        connection: Arc<Connection>,
        mirrors: Vec<Mirror>,
        prefix: String,
        store: Store,
        epoch: u64,
    ) -> Result<Self, Error> {
        let path = prefix.strip_suffix('/').unwrap_or(&prefix);
        let is_path = path.is_empty() || path.split('/').all(is_path_component);
        if !is_path || prefix.len() > 200 {
            return Err(Error::UnusableRegistry {
                registry: registry.to_string(),
                reason: format!(
                    "its namespace prefix `{}` cannot begin a repository",
                    printable(&prefix, 100)
                ),
            });
        }
        Ok(Self { registry, connection, mirrors, prefix, store, epoch, only: None })
    }

    /// The same registry with this repository and tag for every package and version.
    pub(crate) fn only(self, repository: &str, tag: &str) -> Self {
        Self { only: Some((repository.to_owned(), tag.to_owned())), ..self }
    }

    fn repository(&self, package: &PackageRef) -> String {
        match &self.only {
            Some((repository, _)) => repository.clone(),
            None => format!("{}{}/{}", self.prefix, package.namespace(), package.name()),
        }
    }

    /// The tag of a version; `None` if there can be none.
    fn tag(&self, version: &Version) -> Option<String> {
        match &self.only {
            Some((_, tag)) => Some(tag.clone()),
            None => tags::tag_of(version),
        }
    }

    /// The manifest that the tag names now, and its digest.
    async fn manifest(
        &self,
        package: &PackageRef,
        version: &Version,
        tag: &str,
        action: Action,
    ) -> Result<Option<(ContentDigest, Bytes)>, Error> {
        let what = format!("{package} {version}");
        let request = Get {
            repository: &self.repository(package),
            rest: &format!("manifests/{tag}"),
            accept: artifact::ACCEPT,
            action,
            limit: MANIFEST_LIMIT,
            what: &what,
        };
        let Some(answer) = self.connection.get(&request).await? else {
            return Ok(None);
        };
        if answer.is_web_page() {
            return Err(self.bad_answer(&what, WEB_PAGE));
        }
        let digest = digest_of(&answer.body);
        let promised = promised_digest(&answer.headers);
        if let Some(expected) = promised.filter(|promised| *promised != digest) {
            return Err(self.mismatch(format!("the manifest of {what}"), expected, digest));
        }
        Ok(Some((digest, answer.body)))
    }

    fn artifact(&self, package: &PackageRef, version: &Version, manifest: &[u8]) -> Result<Artifact, Error> {
        artifact::parse(manifest).map_err(|reason| Error::UnsupportedArtifact {
            package: package.clone().into(),
            version: version.clone().into(),
            registry: self.connection.title().to_owned(),
            reason,
        })
    }

    /// What the manifest tells of the release; the config object comes from the store or from the registry.
    async fn assemble(
        &self,
        package: &PackageRef,
        version: &Version,
        manifest: ContentDigest,
        bytes: &[u8],
    ) -> Result<ReleaseInfo, Error> {
        let artifact = self.artifact(package, version, bytes)?;
        let component = match &artifact.config {
            Some(part) => {
                self.config(package, version, part).await?.and_then(|bytes| artifact::parse_config(&bytes))
            }
            None => None,
        };
        Ok(release_info(artifact, manifest, component))
    }

    async fn config(
        &self,
        package: &PackageRef,
        version: &Version,
        part: &Part,
    ) -> Result<Option<Bytes>, Error> {
        let what = format!("the config object of {package} {version}");
        if let Some(bytes) = self.stored(&part.digest, &what).await? {
            return Ok(Some(bytes));
        }
        if part.size > CONFIG_LIMIT {
            return Err(Error::TooLarge { what, limit: CONFIG_LIMIT });
        }
        let request = Get {
            repository: &self.repository(package),
            rest: &format!("blobs/{}", part.digest),
            accept: "*/*",
            action: Action::Pull,
            limit: CONFIG_LIMIT,
            what: &what,
        };
        let Some(bytes) = self.by_digest(&request, &part.digest).await? else {
            tracing::debug!(%package, %version, "the registry has lost the config object");
            return Ok(None);
        };
        self.keep(bytes.clone(), &what).await?;
        Ok(Some(bytes))
    }

    /// What the store has under `digest`. Damaged content counts as missing, unless it cannot be asked for again.
    async fn stored(&self, digest: &ContentDigest, what: &str) -> Result<Option<Bytes>, Error> {
        match self.store.get(digest).await {
            Err(StoreError::Damaged { path, .. }) => match self.connection.online(what) {
                Ok(()) => Ok(None),
                Err(Error::Offline { because, .. }) => {
                    Err(Error::DamagedStore { what: what.to_owned(), path, because })
                }
                Err(error) => Err(error),
            },
            other => other.map_err(|error| Error::of_store(error, what)),
        }
    }

    async fn keep(&self, bytes: Bytes, what: &str) -> Result<(), Error> {
        self.store.put(bytes).await.map(drop).map_err(|error| Error::of_store(error, what))
    }

    async fn find_release(
        &self,
        package: &PackageRef,
        version: &Version,
    ) -> Result<Option<ReleaseInfo>, Error> {
        let Some(tag) = self.tag(version) else {
            return Ok(None);
        };
        let Some((digest, bytes)) = self.manifest(package, version, &tag, Action::Pull).await? else {
            return Ok(None);
        };
        let release = self.assemble(package, version, digest, &bytes).await?;
        self.keep(bytes, &format!("{package} {version}")).await?;
        Ok(Some(release))
    }

    async fn find_locked(
        &self,
        package: &PackageRef,
        version: &Version,
        manifest: &ContentDigest,
    ) -> Result<Option<ReleaseInfo>, Error> {
        match self.locked_manifest(package, version, manifest).await? {
            Some(bytes) => self.assemble(package, version, manifest.clone(), &bytes).await.map(Some),
            None => Ok(None),
        }
    }

    /// Checks that the locked manifest names the locked content, so that a lock whose digests do not belong together
    /// is noticed, and a release that was replaced. Content whose manifest and tag are both gone is still asked for:
    /// its own digest vouches for it.
    async fn check_locked(&self, content: &Content) -> Result<(), Error> {
        let Some(manifest) = &content.manifest else {
            return Ok(());
        };
        let (package, version) = (&content.package, &content.version);
        let Some(bytes) = self.locked_manifest(package, version, manifest).await? else {
            return Ok(());
        };
        let artifact = self.artifact(package, version, &bytes)?;
        if artifact.layer.digest == content.digest {
            Ok(())
        } else {
            Err(self.mismatch(content.title(), content.digest.clone(), artifact.layer.digest))
        }
    }

    /// The bytes of the manifest that a release had when it was locked: from the store, or by digest.
    async fn locked_manifest(
        &self,
        package: &PackageRef,
        version: &Version,
        manifest: &ContentDigest,
    ) -> Result<Option<Bytes>, Error> {
        let what = format!("the manifest of {package} {version}");
        if let Some(bytes) = self.stored(manifest, &what).await? {
            return Ok(Some(bytes));
        }
        self.connection.online(&format!("{package} {version}"))?;
        let request = Get {
            repository: &self.repository(package),
            rest: &format!("manifests/{manifest}"),
            accept: artifact::ACCEPT,
            action: Action::Pull,
            limit: MANIFEST_LIMIT,
            what: &what,
        };
        if let Some(bytes) = self.by_digest(&request, manifest).await? {
            self.keep(bytes.clone(), &what).await?;
            return Ok(Some(bytes));
        }
        // Gone: was it replaced?
        let Some(tag) = self.tag(version) else {
            return Ok(None);
        };
        match self.manifest(package, version, &tag, Action::Pull).await? {
            Some((now, _)) => Err(Error::TagMoved {
                package: package.clone().into(),
                version: version.clone().into(),
                registry: self.connection.title().to_owned(),
                locked: manifest.clone(),
                now,
            }),
            None => Ok(None),
        }
    }

    /// An error of `oci-client` in our words.
    fn of_client(&self, error: OciDistributionError, what: &str) -> Error {
        let registry = self.connection.title().to_owned();
        match error {
            OciDistributionError::RequestError(error) => self.connection.failed(failure(&error), what),
            OciDistributionError::ServerError { code: 403, message, .. } => {
                Error::Forbidden { registry, what: what.to_owned(), message: printable(&message, 200) }
            }
            OciDistributionError::ServerError { code, .. }
                if reqwest::StatusCode::from_u16(code).is_ok_and(crate::retry::is_busy) =>
            {
                Error::Busy { registry, status: code, retry_after: None }
            }
            OciDistributionError::ServerError { code, message, .. } => {
                let said = printable(&message, 200);
                self.bad_answer(what, &format!("its HTTP status is {code}, with \"{said}\""))
            }
            OciDistributionError::RegistryError { envelope, .. } => {
                let denied = envelope.errors.iter().any(|error| matches!(error.code, OciErrorCode::Denied));
                let said =
                    envelope.errors.first().map(|error| printable(&error.message, 200)).unwrap_or_default();
                if denied {
                    Error::Forbidden { registry, what: what.to_owned(), message: said }
                } else {
                    self.bad_answer(what, &format!("it says \"{said}\""))
                }
            }
            OciDistributionError::SpecViolationError(reason) => {
                self.bad_answer(what, &printable(&reason, 200))
            }
            OciDistributionError::RegistryNoLocationError => {
                self.bad_answer(what, "it names no place for the upload")
            }
            _ => self.bad_answer(what, "it does not follow the OCI distribution specification"),
        }
    }

    fn mismatch(&self, what: String, expected: ContentDigest, actual: ContentDigest) -> Error {
        mismatch(&self.connection, what, expected, actual)
    }

    fn bad_answer(&self, what: &str, reason: &str) -> Error {
        bad_answer(&self.connection, what, reason)
    }
}

fn mismatch(connection: &Connection, what: String, expected: ContentDigest, actual: ContentDigest) -> Error {
    let origin = format!("registry `{}`", connection.title());
    Error::DigestMismatch { what, expected, actual, origin }
}

fn bad_answer(connection: &Connection, what: &str, reason: &str) -> Error {
    let (registry, what) = (connection.title().to_owned(), what.to_owned());
    Error::BadAnswer { registry, what, reason: reason.to_owned() }
}

/// The release of a manifest, if the store has all that is to be known of it. Needs no connection, so that a locked
/// release is not even looked for at its registry.
pub(crate) async fn release_in_store(store: &Store, manifest: &ContentDigest) -> Option<ReleaseInfo> {
    let bytes = store.get_sound(manifest).await.ok()??;
    let artifact = artifact::parse(&bytes).ok()?;
    let component = match &artifact.config {
        Some(part) => artifact::parse_config(&store.get_sound(&part.digest).await.ok()??),
        None => None,
    };
    Some(release_info(artifact, manifest.clone(), component))
}

fn release_info(
    artifact: Artifact,
    manifest: ContentDigest,
    component: Option<ComponentConfig>,
) -> ReleaseInfo {
    ReleaseInfo {
        digest: artifact.layer.digest,
        size: artifact.layer.size,
        manifest: Some(manifest),
        signers: None,
        annotations: artifact.annotations,
        component,
    }
}

/// One component of a repository's name, by the distribution specification, or nearly so.
fn is_path_component(component: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    bytes.first().copied().is_some_and(is_word)
        && bytes.last().copied().is_some_and(is_word)
        && bytes.iter().all(|byte| is_word(*byte) || b"._-".contains(byte))
        && !component.contains("..")
}

/// Whether a repository can have this name.
pub(crate) fn is_repository(name: &str) -> bool {
    name.len() <= 255 && name.split('/').all(is_path_component)
}

/// Whether a tag can have this name, by the distribution specification.
pub(crate) fn is_tag(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().next().is_some_and(is_word)
        && name.len() <= tags::MAX_TAG
        && name.bytes().all(|byte| is_word(byte) || b".-".contains(&byte))
}

/// The digest that the registry promises in a header, if it is a SHA-256.
fn promised_digest(headers: &HeaderMap) -> Option<ContentDigest> {
    headers.get("docker-content-digest")?.to_str().ok()?.parse().ok()
}

impl Source for OciSource {
    fn versions<'a>(&'a self, package: &'a PackageRef) -> BoxFuture<'a, Result<Option<Vec<Listed>>, Error>> {
        async move {
            match tags::versions(&self.connection, &self.repository(package)).await? {
                Some(versions) => self.listed(package, versions).await.map(Some),
                None => Ok(None),
            }
        }
        .boxed()
    }

    fn packages(&self) -> BoxFuture<'_, Result<Catalog, Error>> {
        self.catalog().boxed()
    }

    fn release<'a>(
        &'a self,
        package: &'a PackageRef,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Option<ReleaseInfo>, Error>> {
        self.find_release(package, version).boxed()
    }

    fn locked<'a>(
        &'a self,
        package: &'a PackageRef,
        version: &'a Version,
        manifest: &'a ContentDigest,
    ) -> BoxFuture<'a, Result<Option<ReleaseInfo>, Error>> {
        self.find_locked(package, version, manifest).boxed()
    }

    fn artifact<'a>(&'a self, content: &'a Content) -> BoxFuture<'a, Result<Option<OciArtifact>, Error>> {
        self.find_artifact(content).boxed()
    }

    fn fetch<'a>(
        &'a self,
        content: &'a Content,
        progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.download(content, progress).boxed()
    }

    fn publish<'a>(
        &'a self,
        publication: &'a Publication,
        progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<Published, Error>> {
        self.upload(publication, progress).boxed()
    }

    fn yank<'a>(&'a self, yank: &'a Yank) -> BoxFuture<'a, Result<bool, Error>> {
        self.mark(yank).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_that_leave_the_repository_are_refused() {
        for good in ["webassembly", "a/b", "my-org.x"] {
            assert!(good.split('/').all(is_path_component), "{good}");
        }
        for bad in ["..", "a/../b", "/a", "a//b", "A", "a?b", "a b", "-a", "a%2f"] {
            assert!(!bad.split('/').all(is_path_component), "{bad}");
        }
    }
}
