//! Publishing an artifact.
//!
//! Blobs first, the manifest under its tag last: a publication that breaks off leaves nothing that anyone would see.
//! Registries have no "create only": the tag is asked for before, which keeps two versions of one release apart
//! unless two publishers push within the same second.
//!
//! Small blobs go up in one piece (some registries lose chunks, or take only one), larger ones in chunks of 4 MiB
//! (some take no more at once); where chunks are not understood, one piece is tried.

use bytes::Bytes;
use futures::stream;
use oci_client::Reference;
use oci_client::errors::OciDistributionError;
use wasm_pkg_common::digest::ContentDigest;

use super::artifact::{self, MANIFEST_TYPE};
use super::auth::Action;
use super::{OciSource, tags};
use crate::LAYER_LIMIT;
use crate::error::Error;
use crate::source::{Publication, Published};

/// The largest blob that goes up in one piece.
const ONE_PIECE: usize = 4 << 20;

impl OciSource {
    pub(super) async fn upload(&self, publication: &Publication) -> Result<Published, Error> {
        let unpublishable = |reason: &str| Error::Unpublishable {
            package: publication.package.clone().into(),
            version: publication.version.clone().into(),
            reason: reason.to_owned(),
        };
        let Some(tag) = tags::tag_of(&publication.version) else {
            return Err(unpublishable("the version is longer than the 128 characters that a tag may have"));
        };
        if publication.bytes.is_empty() {
            return Err(unpublishable("it is empty"));
        }
        if publication.bytes.len() as u64 > LAYER_LIMIT {
            return Err(Error::TooLarge { what: publication.title(), limit: LAYER_LIMIT });
        }
        let built = artifact::build(publication, self.epoch)
            .map_err(|_| unpublishable("its manifest cannot be written"))?;
        if let Some(there) = self.existing(publication, &tag, &built.layer_digest).await? {
            return Ok(there);
        }

        let reference = Reference::with_tag(
            self.connection.host().to_owned(),
            self.repository(&publication.package),
            tag,
        );
        let what = publication.title();
        self.push_blob(&reference, built.config.into(), &built.config_digest, &what).await?;
        self.push_blob(&reference, publication.bytes.clone(), &built.layer_digest, &what).await?;
        let (client, _) = self.connection.client(&reference, Action::Push, true).await?;
        let content_type = reqwest::header::HeaderValue::from_static(MANIFEST_TYPE);
        client
            .push_manifest_raw(&reference, built.manifest, content_type)
            .await
            .map_err(|error| self.of_client(error, &what))?;
        Ok(Published {
            digest: built.layer_digest,
            manifest: Some(built.manifest_digest),
            already_there: false,
        })
    }

    /// The version as it is at the registry, if its content is the same; an error if it is another.
    async fn existing(
        &self,
        publication: &Publication,
        tag: &str,
        digest: &ContentDigest,
    ) -> Result<Option<Published>, Error> {
        let (package, version) = (&publication.package, &publication.version);
        let Some((manifest, bytes)) = self.manifest(package, version, tag, Action::Push).await? else {
            return Ok(None);
        };
        let there = artifact::parse(&bytes).ok().map(|artifact| artifact.layer.digest);
        if there.as_ref() == Some(digest) {
            return Ok(Some(Published {
                digest: digest.clone(),
                manifest: Some(manifest),
                already_there: true,
            }));
        }
        Err(Error::AlreadyExists {
            package: package.clone().into(),
            version: version.clone().into(),
            registry: self.registry.to_string(),
            digest: there,
        })
    }

    async fn push_blob(
        &self,
        reference: &Reference,
        bytes: Bytes,
        digest: &ContentDigest,
        what: &str,
    ) -> Result<(), Error> {
        let mut in_one_piece = bytes.len() <= ONE_PIECE;
        loop {
            let (client, used) = self.connection.client(reference, Action::Push, in_one_piece).await?;
            // As a stream: given the bytes, the client would panic at a place for the upload that is no URL.
            let pieces = stream::iter([Ok::<_, OciDistributionError>(bytes.clone())]);
            let size = Some(bytes.len() as u64);
            match client.push_blob_stream(reference, pieces, &digest.to_string(), size).await {
                Ok(_) => return Ok(()),
                Err(OciDistributionError::SpecViolationError(reason)) if !in_one_piece => {
                    tracing::debug!(reason, "the registry does not take chunks; trying in one piece");
                    in_one_piece = true;
                }
                Err(
                    OciDistributionError::ServerError { code: 401, .. }
                    | OciDistributionError::UnauthorizedError { .. },
                ) => {
                    return Err(self
                        .connection
                        .auth()
                        .unauthorized(used.as_ref(), reference.repository())
                        .await);
                }
                Err(error) => return Err(self.of_client(error, what)),
            }
        }
    }
}
