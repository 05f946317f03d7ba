//! A release as its registry keeps it, byte by byte, for those who copy it to another one.

use wasm_pkg_common::digest::ContentDigest;

use super::{OciSource, artifact, bad_answer};
use crate::error::Error;
use crate::source::{Content, OciArtifact, Publication};
use crate::store::Store;

impl OciSource {
    /// The manifest and the config object that a release had when it was locked; `None` if they are gone.
    pub(super) async fn find_artifact(&self, content: &Content) -> Result<Option<OciArtifact>, Error> {
        let Some(manifest) = &content.manifest else {
            return Ok(None);
        };
        let (package, version) = (&content.package, &content.version);
        let Some(manifest) = self.locked_manifest(package, version, manifest).await? else {
            return Ok(None);
        };
        let Some(part) = artifact::config_of(&manifest) else {
            let reason = "its manifest names no config object";
            return Err(bad_answer(&self.connection, &content.title(), reason));
        };
        let config = self.config(package, version, &part).await?;
        Ok(config.map(|config| OciArtifact { manifest, config }))
    }
}

/// The manifest and the config object of a release, if the store has both.
pub(crate) async fn artifact_in_store(store: &Store, manifest: &ContentDigest) -> Option<OciArtifact> {
    let manifest = store.get_sound(manifest).await.ok()??;
    let config = store.get_sound(&artifact::config_of(&manifest)?.digest).await.ok()??;
    Some(OciArtifact { manifest, config })
}

/// The artifact that a publication becomes; `epoch` is its time in seconds since 1970.
pub(crate) fn packed(publication: &Publication, epoch: u64) -> Result<OciArtifact, Error> {
    let built = artifact::build(publication, epoch).map_err(|_| Error::Unpublishable {
        package: publication.package.clone().into(),
        version: publication.version.clone().into(),
        reason: "its manifest cannot be written".to_owned(),
    })?;
    Ok(OciArtifact { manifest: built.manifest.into(), config: built.config.into() })
}
