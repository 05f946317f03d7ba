//! Publishing an artifact.
//!
//! Blobs first, the manifest under its tag last: a publication that breaks off leaves nothing that anyone would see.
//! Registries have no "create only", so the tag is asked for three times: before anything is sent; again when all is
//! sent and only the manifest is missing; and once more afterwards. That keeps two contents of one release apart
//! unless two publishers push their manifests within the same moment. Then the later one stands, and the earlier is
//! told if that happened before it looked.
//!
//! Blobs go up by our own requests (see [`upload`](super::upload)), manifests by `oci-client`.

use oci_client::Reference;
use oci_client::errors::OciDistributionError;
use wasm_pkg_common::digest::ContentDigest;

use super::artifact::{self, MANIFEST_TYPE};
use super::auth::Action;
use super::upload::{Tally, Uploader};
use super::{OciSource, tags};
use crate::LAYER_LIMIT;
use crate::error::Error;
use crate::retry::{self, ATTEMPTS};
use crate::settings::{NoProgress, Progress};
use crate::source::{Publication, Published};
use crate::upload::Upload;

impl OciSource {
    pub(super) async fn upload(
        &self,
        publication: &Publication,
        progress: &dyn Progress,
    ) -> Result<Published, Error> {
        let unpublishable = |reason: &str| Error::Unpublishable {
            package: publication.package.clone().into(),
            version: publication.version.clone().into(),
            reason: reason.to_owned(),
        };
        let Some(tag) = tags::tag_of(&publication.version) else {
            return Err(unpublishable("the version is longer than the 128 characters that a tag may have"));
        };
        let content = &publication.content;
        if content.size() == 0 {
            return Err(unpublishable("it is empty"));
        }
        if content.size() > LAYER_LIMIT {
            return Err(Error::TooLarge { what: publication.title(), limit: LAYER_LIMIT });
        }
        let built = artifact::build(publication, self.epoch)
            .map_err(|_| unpublishable("its manifest cannot be written"))?;
        if let Some(there) = self.existing(publication, &tag).await? {
            return Ok(there);
        }

        let (repository, what) = (self.repository(&publication.package), publication.title());
        let uploader = Uploader::new(&self.connection, &repository, &what);
        let config = Upload::from(built.config);
        uploader.blob(&config, &Tally::new(&NoProgress, &what, config.size())).await?;
        uploader.blob(content, &Tally::new(progress, &what, content.size())).await?;
        if let Some(there) = self.existing(publication, &tag).await? {
            return Ok(there);
        }
        let reference = Reference::with_tag(self.connection.host().to_owned(), repository, tag.clone());
        self.push_manifest(&reference, built.manifest.into(), &what).await?;
        let ours = Published {
            digest: content.digest().clone(),
            manifest: Some(built.manifest_digest),
            already_there: false,
        };
        match self.existing(publication, &tag).await {
            // The same content with other words about it, by another publisher.
            Ok(Some(there)) if there.manifest != ours.manifest => Ok(there),
            Err(error @ Error::AlreadyExists { .. }) => Err(error),
            // It was taken; that it cannot be seen now is no failure of the publication.
            Ok(_) | Err(_) => Ok(ours),
        }
    }

    /// The version as it is at the registry, if its content is the same; an error if it is another.
    async fn existing(&self, publication: &Publication, tag: &str) -> Result<Option<Published>, Error> {
        let (package, version) = (&publication.package, &publication.version);
        let digest = publication.content.digest();
        let Some((manifest, bytes)) = self.manifest(package, version, tag, Action::Push).await? else {
            return Ok(None);
        };
        let there: Option<ContentDigest> = artifact::parse(&bytes).ok().map(|artifact| artifact.layer.digest);
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

    /// Pushes the manifest; again, where the registry could not answer, because doing it twice is doing it once.
    async fn push_manifest(
        &self,
        reference: &Reference,
        manifest: bytes::Bytes,
        what: &str,
    ) -> Result<(), Error> {
        let content_type = reqwest::header::HeaderValue::from_static(MANIFEST_TYPE);
        let mut made = 0;
        loop {
            let (client, used) = self.connection.client(reference, Action::Push).await?;
            made += 1;
            match client.push_manifest_raw(reference, manifest.clone(), content_type.clone()).await {
                Ok(_) => return Ok(()),
                Err(
                    OciDistributionError::ServerError { code: 401, .. }
                    | OciDistributionError::UnauthorizedError { .. },
                ) => {
                    let repository = reference.repository();
                    return Err(self.connection.auth().unauthorized(used.as_ref(), repository).await);
                }
                Err(error) => match self.of_client(error, what) {
                    Error::Busy { .. } | Error::Unreachable { .. } if made < ATTEMPTS => {
                        tokio::time::sleep(retry::pause(made, None)).await;
                    }
                    error => return Err(error),
                },
            }
        }
    }
}
