//! Where a login goes: from the name that a user types to the OCI host that will be asked.
//!
//! A user may type the name that their configuration gives a registry, or the OCI host behind it, which is what error
//! messages name; the settings of the one hold for the other. What only the project says may not send a password
//! anywhere: the user then has to name the host.

use std::collections::BTreeSet;

use serde::Deserialize;
use wasm_pkg_common::config::{Config, RegistryMapping};
use wasm_pkg_common::metadata::{LOCAL_PROTOCOL, OCI_PROTOCOL, RegistryMetadata};
use wasm_pkg_common::registry::Registry;

use super::{Configuration, check_name};
use crate::error::Error;
use crate::oci::OciSettings;
use crate::text::is_loopback;

/// What the configuration alone says of a login.
#[derive(Debug)]
pub(crate) struct LoginRoute {
    /// The OCI host; `None`: the registry's own metadata may name one.
    pub(crate) host: Option<String>,
    /// The name under which the settings are configured.
    pub(crate) configured_as: Registry,
}

impl Configuration {
    /// The way of a login at `registry`, a configured name or a host.
    pub(crate) fn login_route(&self, registry: &Registry) -> Result<LoginRoute, Error> {
        check_name(registry.as_ref())?;
        match self.protocol(registry).as_deref() {
            None | Some(OCI_PROTOCOL) => {}
            Some(LOCAL_PROTOCOL) => return Err(no_login(registry, "it is a folder, which asks for none")),
            Some(_) => return Err(no_login(registry, "logging in is for OCI registries, and it is none")),
        }
        let mapped = self.mapped(&self.merged)?;
        let hosts: BTreeSet<&String> =
            mapped.iter().filter(|(name, _)| name == registry).map(|(_, host)| host).collect();
        let hosts: Vec<_> = hosts.into_iter().collect();
        match hosts.as_slice() {
            [host] => {
                let by_user = self.mapped(&self.user)?.contains(&(registry.clone(), (*host).clone()));
                if !by_user && *host != registry.as_ref() {
                    return Err(Error::NoLogin {
                        registry: registry.to_string(),
                        reason: format!("only the project says that `{host}` is behind that name"),
                        hint: Some(format!("if you trust that host: `spin-deps login {host}`")),
                    });
                }
                Ok(LoginRoute { host: Some((*host).clone()), configured_as: registry.clone() })
            }
            [] => {
                let behind = mapped.iter().find(|(_, host)| host == registry.as_ref());
                Ok(match behind {
                    Some((name, host)) if self.merged.registry_config(registry).is_none() => {
                        LoginRoute { host: Some(host.clone()), configured_as: name.clone() }
                    }
                    _ => LoginRoute { host: None, configured_as: registry.clone() },
                })
            }
            several => {
                let several: Vec<_> = several.iter().map(|host| format!("`{host}`")).collect();
                Err(Error::NoLogin {
                    registry: registry.to_string(),
                    reason: format!(
                        "the configuration knows several hosts by that name: {}",
                        several.join(", ")
                    ),
                    hint: Some("name the host".to_owned()),
                })
            }
        }
    }

    /// The settings for a login at `host`. What lowers the protection of the connection must be the user's own word,
    /// unless the connection stays on this machine.
    pub(crate) fn login_settings(&self, configured_as: &Registry, host: &str) -> Result<OciSettings, Error> {
        let mut settings = self.oci_table(&self.merged, configured_as)?;
        let is_here = url::Url::parse(&format!("http://{host}")).is_ok_and(|url| is_loopback(&url));
        let is_lowered = settings.is_relaxed() && !self.oci_table(&self.user, configured_as)?.is_relaxed();
        if is_lowered && !is_here {
            settings.caution = Some("only the project turns off the protection of the connection".to_owned());
        }
        Ok(settings)
    }

    /// The registries that a mapping gives metadata, with the OCI host behind each.
    fn mapped(&self, config: &Config) -> Result<Vec<(Registry, String)>, Error> {
        let mappings = self.mappings(config)?;
        let all = mappings
            .namespace_registries
            .into_values()
            .chain(mappings.package_registry_overrides.into_values());
        all.filter_map(|mapping| match mapping {
            RegistryMapping::Custom(custom) => Some(custom),
            RegistryMapping::Registry(_) => None,
        })
        .map(|custom| Ok((custom.registry.clone(), oci_host(&custom.registry, &custom.metadata)?)))
        .collect()
    }
}

/// The OCI host that metadata puts behind a registry's name.
pub(crate) fn oci_host(registry: &Registry, metadata: &RegistryMetadata) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Oci {
        registry: Option<String>,
    }
    let oci: Option<Oci> = metadata.protocol_config(OCI_PROTOCOL).map_err(|_| Error::UnusableRegistry {
        registry: registry.to_string(),
        reason: "the `oci` part of its metadata cannot be understood".to_owned(),
    })?;
    let host = oci.and_then(|oci| oci.registry).unwrap_or_else(|| registry.to_string());
    check_name(&host)?;
    Ok(host)
}

fn no_login(registry: &Registry, reason: &str) -> Error {
    Error::NoLogin { registry: registry.to_string(), reason: reason.to_owned(), hint: None }
}
