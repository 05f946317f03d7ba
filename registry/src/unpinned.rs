//! A file by URL whose digest nobody has told: fetched once, to learn what is there.
//!
//! Nothing vouches for these bytes. They go into the store under the digest that they have, so that a user who agrees
//! with that digest does not fetch them twice, and nothing else is done with them here.

use bytes::Bytes;
use url::Url;
use wasm_pkg_common::digest::ContentDigest;

use crate::LAYER_LIMIT;
use crate::download::download_unpinned;
use crate::error::Error;
use crate::registries::Registries;
use crate::text::show_url;

impl Registries {
    /// Brings what is behind a URL now into the store; its digest and its size in bytes. https, or http from this
    /// machine; at most [`LAYER_LIMIT`](crate::LAYER_LIMIT) bytes, and no web page.
    pub async fn digest_of_url(&self, url: &Url) -> Result<(ContentDigest, u64), Error> {
        if let Some(because) = self.offline() {
            return Err(Error::Offline { what: format!("`{}`", show_url(url)), because: because.to_owned() });
        }
        download_unpinned(self.places().http(), self.store(), url, LAYER_LIMIT, self.progress()).await
    }

    /// What is behind a URL now, which is in the store from then on; its digest too. https, or http from this machine;
    /// at most `limit` bytes, and no web page.
    pub async fn fetch_unpinned(&self, url: &Url, limit: u64) -> Result<(ContentDigest, Bytes), Error> {
        if let Some(because) = self.offline() {
            return Err(Error::Offline { what: format!("`{}`", show_url(url)), because: because.to_owned() });
        }
        let (digest, _) =
            download_unpinned(self.places().http(), self.store(), url, limit, self.progress()).await?;
        let bytes = self.fetch_url(url, &digest).await?;
        Ok((digest, bytes))
    }
}
