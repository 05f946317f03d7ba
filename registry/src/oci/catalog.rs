//! The packages of a registry, by its catalog of repositories.
//!
//! `/v2/_catalog` is no part of the distribution specification: `docker-registry`, Harbor, Azure, ECR and Quay have it,
//! often for administrators only, while GHCR, Docker Hub and GitLab refuse it. So a refusal is an answer: the
//! registry cannot list what it has. A token for it has a [scope] of its own, which is none of a repository.
//!
//! Repositories become packages the way that packages become repositories; what is elsewhere, or has a name that no
//! package has, belongs to others. Whether a repository holds Wasm shows only when it is looked at.
//!
//! [scope]: https://distribution.github.io/distribution/spec/auth/scope/#resource-types

use wasm_pkg_common::package::PackageRef;

use super::OciSource;
use super::auth::Action;
use super::connection::Get;
use super::pages::{List, Names, PAGE_LIMIT, names};
use crate::error::Error;
use crate::source::Catalog;

/// What is left over is not searched: a list in memory has to have an end.
const MAX_REPOSITORIES: usize = 100_000;
const MAX_PAGES: usize = 200;

impl OciSource {
    pub(super) async fn catalog(&self) -> Result<Catalog, Error> {
        let what = "its list of repositories";
        let base = self.connection.base();
        let list = List {
            page: &|query| {
                base.join(&format!("/v2/_catalog?{query}"))
                    .map_err(|error| self.bad_answer(what, &error.to_string()))
            },
            // No repository has this name, so that its token is kept apart from theirs.
            request: Get {
                repository: "_catalog",
                rest: "",
                accept: "application/json",
                action: Action::List,
                limit: PAGE_LIMIT,
                what,
            },
            key: "repositories",
            called: "a list of repositories",
            absent: &[400, 405, 501],
            most: MAX_REPOSITORIES,
            pages: MAX_PAGES,
        };
        let refused = |reason: &str| Ok(Catalog::Refused { reason: reason.to_owned() });
        match names(&self.connection, &list).await {
            Ok(Some(Names { names, cut })) => {
                let packages = names.iter().filter_map(|name| self.package(name)).collect();
                Ok(Catalog::Found { packages, cut, described: true })
            }
            Ok(None) => refused("it does not offer a list"),
            Err(Error::Unauthorized { credentials: None, .. }) => {
                refused("it wants credentials for that, and none were found")
            }
            Err(Error::Unauthorized { credentials: Some(origin), .. }) => {
                Ok(Catalog::Refused { reason: format!("the credentials from {origin} do not allow it") })
            }
            Err(Error::Forbidden { .. }) => refused("it does not allow it"),
            Err(error) => Err(error),
        }
    }

    /// The package that would be in this repository.
    fn package(&self, repository: &str) -> Option<PackageRef> {
        let (namespace, name) = repository.strip_prefix(&self.prefix)?.split_once('/')?;
        let package: PackageRef = format!("{namespace}:{name}").parse().ok()?;
        // A name may be written in several ways, of which only one leads back here.
        (self.repository(&package) == repository).then_some(package)
    }
}
