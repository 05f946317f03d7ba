//! A Wasm artifact under a plain OCI reference, `ghcr.io/example/wit:1.0.0`.
//!
//! Such a reference says itself where the artifact is: no mapping of packages is asked, and no metadata. Settings and
//! credentials are those of the registry that has the name of its host.

use std::{fmt, str::FromStr};

use bytes::Bytes;
use wasm_pkg_common::package::{PackageRef, Version};
use wasm_pkg_common::registry::Registry;

use crate::error::Error;
use crate::oci::{is_repository, is_tag};
use crate::registries::Registries;
use crate::source::{Content, ReleaseInfo, Source as _};
use crate::text::printable;

/// A tag in a repository of an OCI registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The registry's host, with its port.
    pub registry: Registry,
    /// The repository: `example/wit`.
    pub repository: String,
    /// The tag.
    pub tag: String,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.registry, self.repository, self.tag)
    }
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is not written HOST/REPOSITORY:TAG", printable(text, 200));
        let (registry, rest) = text.split_once('/').ok_or_else(wrong)?;
        let (repository, tag) = rest.rsplit_once(':').ok_or_else(wrong)?;
        let is_host = registry.contains(['.', ':']) || registry == "localhost";
        if !is_host || registry.contains('@') || !is_repository(repository) || !is_tag(tag) {
            return Err(wrong());
        }
        let registry = registry.parse().map_err(|_| wrong())?;
        Ok(Self { registry, repository: repository.to_owned(), tag: tag.to_owned() })
    }
}

impl Registries {
    /// What a reference names now; `None` if there is nothing. `package` and
    /// `version` are what messages call it.
    pub async fn referenced(
        &self,
        reference: &Reference,
        package: &PackageRef,
        version: &Version,
    ) -> Result<Option<ReleaseInfo>, Error> {
        let source = self.places().referenced(reference, package).await?;
        source.release(package, version).await
    }

    /// The Wasm that a reference named when it was locked, verified: from the store if it is there and sound, else
    /// downloaded into it.
    pub async fn fetch_referenced(&self, reference: &Reference, content: &Content) -> Result<Bytes, Error> {
        let bring = async {
            let source = self.places().referenced(reference, &content.package).await?;
            source.fetch(content, self.progress()).await
        };
        self.fetch_with(content, bring).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_a_host_a_repository_and_a_tag() {
        for good in ["ghcr.io/acme/wit:1.0.0", "127.0.0.1:5000/wit:latest", "localhost/a/b/c:v1_x"] {
            assert_eq!(good.parse::<Reference>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "ghcr.io",
            "ghcr.io/acme/wit",
            "acme/wit:1.0.0",
            "ghcr.io/../wit:1.0.0",
            "ghcr.io/acme/wit:a/b",
            "ghcr.io/acme/wit:",
            "user@ghcr.io/acme/wit:1.0.0",
            "ghcr.io/Acme/wit:1.0.0",
            "https://ghcr.io/acme/wit:1.0.0",
            "ghcr.io/acme/wit?x=1:1.0.0",
        ] {
            bad.parse::<Reference>().unwrap_err();
        }
    }
}
