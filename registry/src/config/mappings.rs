//! Which registries the configuration names, and for what.

use std::collections::BTreeMap;

use serde::Deserialize;
use wasm_pkg_common::config::{Config, RegistryMapping};
use wasm_pkg_common::package::PackageRef;
use wasm_pkg_common::registry::Registry;

use super::Configuration;
use crate::error::Error;

/// The name of a package that is asked about for all of its namespace.
const ANY: &str = "any";

/// The mappings of a configuration, which lists them only in its serialised form.
#[derive(Deserialize)]
pub(super) struct Mappings {
    /// By namespace.
    pub(super) namespace_registries: BTreeMap<String, RegistryMapping>,
    /// By package.
    pub(super) package_registry_overrides: BTreeMap<String, RegistryMapping>,
}

impl Configuration {
    /// The mappings of one of the configurations.
    pub(super) fn mappings(&self, config: &Config) -> Result<Mappings, Error> {
        serde_json::to_value(config).and_then(serde_json::from_value).map_err(|_| Error::Config {
            path: self.path.clone(),
            reason: "its mappings cannot be read".into(),
        })
    }

    /// Every registry that is named for packages, each with one that it is named for: the default registry, those of
    /// namespaces, those of single packages. Not the two built-in ones, which nobody has chosen.
    pub(crate) fn mapped_packages(&self) -> Result<Vec<(PackageRef, Registry)>, Error> {
        let mappings = self.mappings(&self.merged)?;
        let default = self.merged.default_registry().map(|_| ANY);
        let namespaces = default.into_iter().chain(mappings.namespace_registries.keys().map(String::as_str));
        let packages = namespaces
            .map(|namespace| format!("{namespace}:{ANY}"))
            .chain(mappings.package_registry_overrides.into_keys())
            .filter_map(|package| package.parse::<PackageRef>().ok());
        Ok(packages
            .filter_map(|package| self.registry_of(&package).cloned().map(|registry| (package, registry)))
            .collect())
    }
}
