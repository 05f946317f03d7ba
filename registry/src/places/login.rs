//! Where a login goes, with what the registry says of itself.

use wasm_pkg_common::metadata::OCI_PROTOCOL;
use wasm_pkg_common::registry::Registry;

use super::Places;
use crate::config::{LoginRoute, oci_host};
use crate::error::Error;
use crate::login::LoginTarget;
use crate::metadata;
use crate::oci::Connection;
use crate::settings::{Environment, Network};

impl Places {
    /// The OCI host behind `registry`, and how to speak to it.
    pub(crate) async fn login_target(&self, registry: &Registry) -> Result<LoginTarget, Error> {
        let LoginRoute { host, configured_as } = self.configuration.login_route(registry)?;
        let host = match host {
            Some(host) => host,
            None => self.host_by_its_own_word(registry).await?,
        };
        let settings = self.configuration.login_settings(&configured_as, &host)?;
        Ok(LoginTarget { registry: registry.clone(), host, settings })
    }

    async fn host_by_its_own_word(&self, registry: &Registry) -> Result<String, Error> {
        let offline = self.settings.network != Network::Online;
        let metadata = match metadata::recall(&self.store, registry, offline).await {
            Some(metadata) => metadata,
            None if offline => return Ok(registry.to_string()),
            None => {
                let settings = self.configuration.login_settings(registry, registry.as_ref())?;
                let http = self.http_with(registry, &settings)?;
                metadata::ask(&http, &self.store, registry, settings.plain).await
            }
        };
        let speaks_oci = self.configuration.protocol(registry).is_some()
            || metadata.preferred_protocol().is_none_or(|protocol| protocol == OCI_PROTOCOL);
        if !speaks_oci {
            return Err(Error::NoLogin {
                registry: registry.to_string(),
                reason: "logging in is for OCI registries, and it says that it is none".to_owned(),
                hint: None,
            });
        }
        oci_host(registry, &metadata)
    }

    /// A connection for a login.
    pub(crate) fn login_connection(&self, target: &LoginTarget) -> Result<Connection, Error> {
        let http = self.http_with(&target.registry, &target.settings)?;
        let settings = target.settings.clone();
        Connection::new(
            target.registry.as_ref(),
            &target.host,
            settings,
            http,
            self.settings.network.clone(),
            Environment::empty(),
        )
    }

    /// The environment variables.
    pub(crate) fn environment(&self) -> &Environment {
        &self.settings.environment
    }
}
