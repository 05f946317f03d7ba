//! Withdrawing a release, so that nobody comes to it any more, and offering it again.

use semver::Version;
use serde::Serialize;
use spin_deps_registry::{Error as RegistryError, Registries, Yank};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use crate::{
    Error,
    info::{listed, registry_for},
    suggest,
};

/// What is to be withdrawn, as the command line has it.
#[derive(Clone, Debug)]
pub struct YankOptions {
    /// The package.
    pub package: PackageRef,
    /// The release.
    pub version: Version,
    /// Offer it again.
    pub undo: bool,
    /// Why, for those who look at it.
    pub reason: Option<String>,
    /// The registry, where it is not the configured one.
    pub registry: Option<Registry>,
}

/// A release after it was withdrawn or offered again.
#[derive(Clone, Debug, Serialize)]
pub struct YankOutcome {
    /// The package.
    pub package: PackageRef,
    /// The release.
    pub version: Version,
    /// The registry.
    pub registry: Registry,
    /// Whether it is withdrawn now.
    pub yanked: bool,
    /// Whether that is a change.
    pub changed: bool,
}

/// Withdraws a release, or offers it again.
pub async fn yank(registries: &Registries, options: &YankOptions) -> Result<YankOutcome, Error> {
    let (package, version) = (&options.package, &options.version);
    let registry = registry_for(registries, package, options.registry.as_ref())?;
    let yank = Yank {
        package: package.clone(),
        version: version.clone(),
        undo: options.undo,
        reason: options.reason.clone(),
    };
    match registries.yank(&yank, &registry).await {
        Ok(changed) => Ok(YankOutcome {
            package: package.clone(),
            version: version.clone(),
            registry,
            yanked: !options.undo,
            changed,
        }),
        Err(RegistryError::NotFound { .. }) => {
            let there = listed(registries, package, &registry).await?;
            let there: Vec<String> = there.iter().rev().map(|it| it.version.to_string()).collect();
            let hint = suggest::hint(&version.to_string(), there.iter().map(String::as_str), "there are");
            Err(Error::Unknown {
                message: format!("{registry} has no release {version} of {package}"),
                hint: Some(hint),
            })
        }
        Err(error) => Err(error.into()),
    }
}
