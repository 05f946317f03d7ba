//! From a registry's name to the source behind it.
//!
//! What the configuration says is found without asking anyone; that is enough to know under which names answers are
//! remembered. Only when a source is really needed, the registry's metadata is asked for, once, and says what the
//! configuration leaves open.

mod login;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use wasm_pkg_common::metadata::{LOCAL_PROTOCOL, OCI_PROTOCOL, RegistryMetadata};
use wasm_pkg_common::package::PackageRef;
use wasm_pkg_common::registry::Registry;

use crate::config::{Configuration, Route, check_name};
use crate::error::Error;
use crate::folder::Folder;
use crate::http::{Http, HttpOptions};
use crate::memo::Memo;
use crate::metadata;
use crate::oci::{Connection, Mirror, OciSettings, OciSource};
use crate::pins::Pins;
use crate::proxy::Proxies;
use crate::reference::Reference;
use crate::settings::{Network, Settings};
use crate::source::Source;
use crate::store::Store;
use crate::text::printable;

/// All sources, set up when they are needed and kept.
pub(crate) struct Places {
    configuration: Configuration,
    settings: Settings,
    store: Store,
    http: Http,
    pins: Arc<Pins>,
    metadata: Memo<RegistryMetadata>,
    connections: Memo<Arc<Connection>>,
    sources: Mutex<HashMap<String, Arc<dyn Source>>>,
}

/// A registry to look for packages in; one that cannot be used does not stand in the way of the others.
pub(crate) type Searched = (Registry, Result<Place, Error>);

/// A registry as one package sees it.
pub(crate) struct Place {
    registry: Registry,
    /// The package by which it was found; those with the same `scope` see the same.
    package: PackageRef,
    kind: Kind,
    /// What distinguishes its names from those of others.
    scope: String,
}

enum Kind {
    Folder(PathBuf),
    Remote(Option<RegistryMetadata>),
}

impl Place {
    /// Whether it is a folder of this machine: then nothing is remembered, and no network is needed.
    pub(crate) fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder(_))
    }

    /// The name under which an answer about `names` is remembered.
    pub(crate) fn key(&self, names: &[&str]) -> String {
        let mut key = self.scope.clone();
        for name in names {
            key.push('\n');
            key.push_str(name);
        }
        key
    }
}

impl Places {
    pub(crate) fn new(configuration: Configuration, settings: &Settings, store: Store) -> Self {
        Self {
            configuration,
            settings: settings.clone(),
            store,
            http: Http::new(HttpOptions {
                limits: settings.limits.clone(),
                proxies: Proxies::of(&settings.environment),
                ..HttpOptions::default()
            }),
            pins: Arc::default(),
            metadata: Memo::default(),
            connections: Memo::default(),
            sources: Mutex::default(),
        }
    }

    /// The registry of a package; `None` if none is configured.
    pub(crate) fn registry_of(&self, package: &PackageRef) -> Option<Registry> {
        self.configuration.registry_of(package).cloned()
    }

    /// The registry that a mapping of the package or of its namespace names.
    pub(crate) fn mapped_registry_of(&self, package: &PackageRef) -> Option<Registry> {
        self.configuration.mapped_registry_of(package).cloned()
    }

    /// The artifact under a reference, as the source of one release.
    pub(crate) async fn referenced(
        &self,
        reference: &Reference,
        package: &PackageRef,
    ) -> Result<OciSource, Error> {
        let registry = &reference.registry;
        check_name(registry.as_ref())?;
        let settings = self.configuration.oci(package, registry, registry.as_ref())?;
        let connection = self.connection(registry, registry.as_ref(), settings).await?;
        let (store, epoch) = (self.store.clone(), self.epoch());
        let source = OciSource::new(registry.clone(), connection, Vec::new(), String::new(), store, epoch)?;
        Ok(source.only(&reference.repository, &reference.tag))
    }

    /// The registries to look for packages in: all that the configuration maps packages to, or this one, each as those
    /// packages see it.
    pub(crate) fn to_search(&self, registry: Option<&Registry>) -> Result<Vec<Searched>, Error> {
        let mut mapped = self.configuration.mapped_packages()?;
        if let Some(registry) = registry {
            mapped.retain(|(_, mapped)| mapped == registry);
            if mapped.is_empty() {
                let any = "any:any".parse().ok();
                mapped.extend(any.map(|any| (any, registry.clone())));
            }
        }
        let mut scopes = BTreeSet::new();
        let places = mapped.into_iter().map(|(package, registry)| {
            let place = self.place(&package, &registry);
            (registry, place)
        });
        let mut is_new = |place: &Result<Place, Error>| {
            place.as_ref().map_or(true, |place| scopes.insert(place.scope.clone()))
        };
        Ok(places.filter(|(_, place)| is_new(place)).collect())
    }

    /// Whether the package sees its registry in the same way as those by which the place was found.
    pub(crate) fn is_seen_by(&self, place: &Place, package: &PackageRef) -> bool {
        self.place(package, &place.registry).is_ok_and(|other| other.scope == place.scope)
    }

    /// The client of those who need no settings of their own.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// The keys that are expected.
    pub(crate) fn pins(&self) -> &Pins {
        &self.pins
    }

    /// The registry as the package sees it, by the configuration alone.
    pub(crate) fn place(&self, package: &PackageRef, registry: &Registry) -> Result<Place, Error> {
        let (kind, detail) = match self.configuration.route(package, registry)? {
            Route::Folder(root) => {
                let detail = root.display().to_string();
                (Kind::Folder(root), detail)
            }
            Route::Remote { metadata } => {
                let detail = metadata.as_ref().map(fingerprint).unwrap_or_default();
                (Kind::Remote(metadata), detail)
            }
        };
        Ok(Place {
            registry: registry.clone(),
            package: package.clone(),
            kind,
            scope: format!("{registry}\n{detail}"),
        })
    }

    /// The source behind a place: known, or set up now.
    pub(crate) async fn source(&self, place: &Place) -> Result<Arc<dyn Source>, Error> {
        let known = self.sources.lock().unwrap_or_else(PoisonError::into_inner).get(&place.scope).cloned();
        if let Some(source) = known {
            return Ok(source);
        }
        let source: Arc<dyn Source> = match &place.kind {
            Kind::Folder(root) => {
                Arc::new(Folder::new(root.clone(), place.registry.clone(), self.store.clone()))
            }
            Kind::Remote(metadata) => self.remote(place, metadata.as_ref()).await?,
        };
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(sources.entry(place.scope.clone()).or_insert(source)))
    }

    /// The source of a registry that is asked over the network. The configuration names the protocol, or the metadata.
    async fn remote(
        &self,
        place: &Place,
        given: Option<&RegistryMetadata>,
    ) -> Result<Arc<dyn Source>, Error> {
        let registry = &place.registry;
        let configured = self.configuration.protocol(registry);
        let metadata = match given {
            Some(metadata) => metadata.clone(),
            // Nothing is left to be asked.
            None if self.configuration.names_warg_url(registry)? => RegistryMetadata::default(),
            None => self.metadata_of(place).await?,
        };
        let protocol = match (&configured, metadata.preferred_protocol()) {
            (Some(protocol), _) => protocol.as_str(),
            (None, Some(LOCAL_PROTOCOL)) => {
                return Err(Error::UnusableRegistry {
                    registry: registry.to_string(),
                    reason: "its metadata asks for a folder of this machine, which it may not".to_owned(),
                });
            }
            (None, Some(protocol)) => protocol,
            (None, None) => OCI_PROTOCOL,
        };
        match protocol {
            OCI_PROTOCOL => Ok(Arc::new(self.oci(place, &metadata).await?)),
            #[cfg(feature = "warg")]
            crate::warg::WARG_PROTOCOL => Ok(Arc::new(self.warg(place, &metadata)?)),
            other => Err(Error::UnsupportedProtocol {
                registry: registry.to_string(),
                protocol: printable(other, 40),
            }),
        }
    }

    #[cfg(feature = "warg")]
    fn warg(&self, place: &Place, metadata: &RegistryMetadata) -> Result<crate::warg::WargSource, Error> {
        #[derive(Default, Deserialize)]
        struct WargMetadata {
            url: Option<String>,
        }
        let registry = &place.registry;
        let warg: WargMetadata = metadata
            .protocol_config(crate::warg::WARG_PROTOCOL)
            .map_err(|_| Error::UnusableRegistry {
                registry: registry.to_string(),
                reason: "the `warg` part of its metadata cannot be understood".to_owned(),
            })?
            .unwrap_or_default();
        let environment = &self.settings.environment;
        let settings = self.configuration.warg(&place.package, registry, warg.url.as_deref(), environment)?;
        Ok(crate::warg::WargSource::new(
            registry.clone(),
            settings,
            &self.settings,
            self.http.clone(),
            self.store.clone(),
            Arc::clone(&self.pins),
        ))
    }

    async fn oci(&self, place: &Place, metadata: &RegistryMetadata) -> Result<OciSource, Error> {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct OciMetadata {
            registry: Option<String>,
            namespace_prefix: Option<String>,
        }
        let registry = &place.registry;
        let unusable = |reason: &str| Error::UnusableRegistry {
            registry: registry.to_string(),
            reason: reason.to_owned(),
        };
        let oci: OciMetadata = metadata
            .protocol_config(OCI_PROTOCOL)
            .map_err(|_| unusable("the `oci` part of its metadata cannot be understood"))?
            .unwrap_or_default();
        let host = oci.registry.unwrap_or_else(|| registry.to_string());
        check_name(&host)?;
        let settings = self.configuration.oci(&place.package, registry, &host)?;
        let mut mirrors = Vec::new();
        for address in settings.mirrors.clone() {
            let mirror: Registry = address.host.parse().map_err(|_| {
                unusable(&format!("its mirror `{}` is no host", printable(&address.host, 100)))
            })?;
            let settings = self.configuration.oci(&place.package, &mirror, &address.host)?;
            mirrors.push(Mirror::new(self.connection(&mirror, &address.host, settings).await?, address));
        }
        let connection = self.connection(registry, &host, settings).await?;
        let prefix = oci.namespace_prefix.unwrap_or_default();
        OciSource::new(registry.clone(), connection, mirrors, prefix, self.store.clone(), self.epoch())
    }

    /// The time that published artifacts carry, in seconds since 1970.
    pub(crate) fn epoch(&self) -> u64 {
        let epoch = self.settings.environment.get("SOURCE_DATE_EPOCH");
        epoch.and_then(|epoch| epoch.trim().parse().ok()).unwrap_or(0)
    }

    /// The connection to `host`, as `registry` has it.
    async fn connection(
        &self,
        registry: &Registry,
        host: &str,
        settings: OciSettings,
    ) -> Result<Arc<Connection>, Error> {
        let connect = || async {
            let http = self.http_with(registry, &settings)?;
            let (network, environment) = (self.settings.network.clone(), self.settings.environment.clone());
            Connection::new(registry.as_ref(), host, settings, http, network, environment).map(Arc::new)
        };
        self.connections.get_or_try(&format!("{registry}\n{host}"), connect).await
    }

    async fn metadata_of(&self, place: &Place) -> Result<RegistryMetadata, Error> {
        let registry = &place.registry;
        let ask = || async {
            let offline = self.settings.network != Network::Online;
            if let Some(metadata) = metadata::recall(&self.store, registry, offline).await {
                return Ok(metadata);
            }
            if offline {
                return Ok(RegistryMetadata::default());
            }
            let settings = self.configuration.oci(&place.package, registry, registry.as_ref())?;
            let http = self.http_with(registry, &settings)?;
            Ok(metadata::ask(&http, &self.store, registry, settings.plain).await)
        };
        self.metadata.get_or_try(registry.as_ref(), ask).await
    }

    /// The client for a registry: the common one, unless its settings want another.
    fn http_with(&self, registry: &Registry, settings: &OciSettings) -> Result<Http, Error> {
        if settings.is_usual() {
            return Ok(self.http.clone());
        }
        settings
            .http(self.http.options())
            .map(Http::new)
            .map_err(|reason| Error::UnusableRegistry { registry: registry.to_string(), reason })
    }
}

/// Metadata in a form that is the same for the same metadata, whose tables are hash maps.
fn fingerprint(metadata: &RegistryMetadata) -> String {
    let mut text = metadata.preferred_protocol().unwrap_or_default().to_owned();
    for protocol in metadata.configured_protocols() {
        let table = metadata.protocol_config::<BTreeMap<String, serde_json::Value>>(&protocol);
        let table = table.ok().flatten().and_then(|table| serde_json::to_string(&table).ok());
        text.extend(["\n", &protocol, " ", &table.unwrap_or_default()]);
    }
    text
}
