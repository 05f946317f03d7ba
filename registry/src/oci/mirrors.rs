//! Mirrors: other registries that hold a copy of this one's content.
//!
//! ```toml
//! [registry."ghcr.io".oci]
//! mirrors = ["mirror.acme.example/ghcr"]
//! ```
//!
//! wkg leaves a key that it does not know alone, so that both keep one file. The repository keeps its whole name below
//! the mirror's path, as in the proxy caches of Harbor and Artifactory: `acme/base` of the registry is
//! `ghcr/acme/base` of the mirror.
//!
//! **A mirror is asked for content, never for names.** What has a digest (a locked manifest, a config object, a layer)
//! comes from the first mirror that has it, and whoever changed it on the way has changed its digest. Which versions
//! there are, which of them were withdrawn, and what a version names now, only the registry itself says: a mirror that
//! is stale, or not honest, could hide a fix or pass one release off as another, and no digest would tell. So with a
//! lock, nothing is asked of a registry whose mirrors have everything; without one, the registry has to be there.
//!
//! A mirror has its own settings and its own credentials, under its own host; it never sees those of the registry.
//! One that lacks something, sends something else or is not there costs one request and a word in the log: the next
//! one is asked, then the registry. One that is not there is not asked again in this run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use wasm_pkg_common::digest::ContentDigest;

use super::connection::{Connection, Get};
use super::{OciSource, bad_answer, is_path_component, mismatch};
use crate::error::Error;
use crate::http::{Answer, WEB_PAGE};
use crate::store::digest_of;

/// A mirror as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MirrorAddress {
    /// With an optional port.
    pub(crate) host: String,
    /// Empty, or ends with a slash.
    path: String,
}

impl MirrorAddress {
    /// Reads `host` or `host/path`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, path) = text.split_once('/').unwrap_or((text, ""));
        let path = path.strip_suffix('/').unwrap_or(path);
        let is_path = path.is_empty() || (path.len() <= 200 && path.split('/').all(is_path_component));
        let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "@?#\\".contains(c));
        let path = if path.is_empty() { String::new() } else { format!("{path}/") };
        (is_path && is_host).then(|| Self { host: host.to_owned(), path })
    }
}

/// A mirror to be asked.
pub(crate) struct Mirror {
    pub(super) connection: Arc<Connection>,
    path: String,
    is_down: AtomicBool,
}

impl Mirror {
    pub(crate) fn new(connection: Arc<Connection>, address: MirrorAddress) -> Self {
        Self { connection, path: address.path, is_down: AtomicBool::new(false) }
    }

    /// The name that a repository of the registry has here.
    pub(super) fn repository(&self, of_registry: &str) -> String {
        format!("{}{of_registry}", self.path)
    }

    /// Notes why it could not be used for `what`.
    pub(super) fn passed_over(&self, what: &str, error: &Error) {
        let mirror = self.connection.title();
        let is_down = matches!(
            error,
            Error::Unreachable { .. }
                | Error::Certificate { .. }
                | Error::Busy { .. }
                | Error::Unauthorized { .. }
        );
        match error {
            Error::DigestMismatch { .. } => {
                tracing::warn!("the mirror {mirror} has other content for {what}; it was not used");
            }
            _ if is_down && !self.is_down.swap(true, Ordering::Relaxed) => {
                tracing::warn!("the mirror {mirror} is not used: {error}");
            }
            _ => tracing::debug!(mirror, what, %error, "passed over"),
        }
    }
}

impl OciSource {
    /// The mirrors that have not failed.
    pub(super) fn mirrors_up(&self) -> impl Iterator<Item = &Mirror> {
        self.mirrors.iter().filter(|mirror| !mirror.is_down.load(Ordering::Relaxed))
    }

    /// Something small with this digest, from a mirror or the registry; `None` if the registry does not have it.
    pub(super) async fn by_digest(
        &self,
        request: &Get<'_>,
        digest: &ContentDigest,
    ) -> Result<Option<Bytes>, Error> {
        let what = request.what;
        for mirror in self.mirrors_up() {
            let repository = mirror.repository(request.repository);
            match mirror.connection.get(&Get { repository: &repository, ..*request }).await {
                Ok(Some(answer)) => match checked(&mirror.connection, answer, digest, what) {
                    Ok(bytes) => return Ok(Some(bytes)),
                    Err(error) => mirror.passed_over(what, &error),
                },
                Ok(None) => tracing::debug!(mirror = mirror.connection.title(), what, "not there"),
                Err(error) => mirror.passed_over(what, &error),
            }
        }
        match self.connection.get(request).await? {
            Some(answer) => checked(&self.connection, answer, digest, what).map(Some),
            None => Ok(None),
        }
    }
}

fn checked(
    connection: &Connection,
    answer: Answer,
    digest: &ContentDigest,
    what: &str,
) -> Result<Bytes, Error> {
    let actual = digest_of(&answer.body);
    if actual == *digest {
        Ok(answer.body)
    } else if answer.is_web_page() {
        Err(bad_answer(connection, what, WEB_PAGE))
    } else {
        Err(mismatch(connection, what.to_owned(), digest.clone(), actual))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_a_host_with_an_optional_path() {
        let parsed = |text: &str| MirrorAddress::parse(text).map(|address| (address.host, address.path));
        assert_eq!(parsed("mirror.example"), Some(("mirror.example".into(), String::new())));
        assert_eq!(parsed("localhost:5000/a/b/"), Some(("localhost:5000".into(), "a/b/".into())));
        for wrong in
            ["", "/a", "https://mirror.example", "a b", "me:secret@host", "host/../x", "host/A", "host?x"]
        {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
