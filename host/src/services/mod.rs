//! The services of Spin that this host has: what an app keeps, and what it is told.
//!
//! | interface | functions | served by |
//! |---|---|---|
//! | `fermyon:spin/config`, `fermyon:spin/variables@2.0.0`, `spin:variables/variables@3`, `wasi:config/store@0.2.0-draft-2024-09-27` | the last but one's are asynchronous | [`variables`] |
//! | `fermyon:spin/key-value`, `fermyon:spin/key-value@2.0.0`, `spin:key-value/key-value@3` | the last one's are asynchronous | [`key_value`] |
//! | `wasi:keyvalue/{store,batch,atomics}@0.2.0-draft2` | | [`wasi_keyvalue`] |
//! | `fermyon:spin/sqlite`, `fermyon:spin/sqlite@2.0.0`, `spin:sqlite/sqlite@3` | the last one's are there in both forms | [`sqlite`] |
//!
//! These are what the SDKs import: of Rust 3 to 7, of JavaScript, Python and Go those of `fermyon:spin@2.0.0`.
//! What Spin has beside them ([`missing`]) is known by name, so that a component which only imports it can still run.
//!
//! A component opens the stores and databases that it declares, by label; components with the same label share
//! one. All are SQLite, in files below one directory or, without it, in memory for as long as the app runs. Work of
//! SQLite is done on blocking threads, and is interrupted when nobody waits for it any more.

mod database;
mod key_value;
mod sqlite;
mod store;
mod variables;
mod wasi_keyvalue;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use wasmtime::{Result, component::Linker};

pub(crate) use database::Databases;
pub(crate) use store::Stores;

use crate::{app::Component, error::HostError, instance::State};

/// What is provided, at the highest version.
const INTERFACES: [&str; 13] = [
    variables::CONFIG,
    variables::FERMYON,
    variables::SPIN,
    variables::WASI,
    key_value::FERMYON_1,
    key_value::FERMYON_2,
    key_value::SPIN,
    wasi_keyvalue::STORE,
    wasi_keyvalue::BATCH,
    wasi_keyvalue::ATOMICS,
    sqlite::FERMYON_1,
    sqlite::FERMYON_2,
    sqlite::SPIN,
];

/// What Spin has and this host has not, with what it is for people.
const MISSING: [(&str, &str); 14] = [
    ("fermyon:spin/http", "outgoing HTTP of Spin 1 (it has `wasi:http`)"),
    ("fermyon:spin/llm", "language models"),
    ("fermyon:spin/mqtt", "MQTT"),
    ("fermyon:spin/mysql", "MySQL"),
    ("fermyon:spin/postgres", "PostgreSQL"),
    ("fermyon:spin/redis", "Redis"),
    ("spin:mqtt/mqtt", "MQTT"),
    ("spin:mysql/mysql", "MySQL"),
    ("spin:postgres/postgres", "PostgreSQL"),
    ("spin:redis/redis", "Redis"),
    ("wasi:blobstore/blobstore", "blob stores"),
    ("wasi:otel/logs", "telemetry"),
    ("wasi:otel/metrics", "telemetry"),
    ("wasi:otel/tracing", "telemetry"),
];

/// Whether a service of Spin is provided here under this name, in a version that fits.
pub(crate) fn provides(import: &str) -> bool {
    INTERFACES.iter().any(|have| {
        let ((path, version), (wanted, at)) = (split(have), split(import));
        path == wanted && (version == at || major(version).is_some_and(|it| major(at) == Some(it)))
    })
}

/// The service behind an import that Spin provides and this host does not, in any version: in a few words, such as
/// `language models`.
pub fn missing(import: &str) -> Option<&'static str> {
    let (path, _) = split(import);
    MISSING.iter().find(|(name, _)| *name == path).map(|(_, service)| *service)
}

fn split(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

/// The major number of a released version, unless it is 0.
fn major(version: &str) -> Option<u64> {
    let numbers: Vec<u64> = version.split('.').map(|it| it.parse().ok()).collect::<Option<_>>()?;
    numbers.first().copied().filter(|major| *major > 0 && numbers.len() == 3)
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    variables::add_to_linker(linker)?;
    key_value::add_to_linker(linker)?;
    wasi_keyvalue::add_to_linker(linker)?;
    sqlite::add_to_linker(linker)
}

/// What the components of an app share.
#[derive(Clone)]
pub(crate) struct Services {
    stores: Stores,
    databases: Databases,
}

impl Services {
    /// Opens what `components` keep, below `directory` or in memory, and runs `statements` on the database `default`.
    ///
    /// # Errors
    /// When a file cannot be opened or a statement fails.
    pub(crate) fn open(
        directory: Option<&Path>,
        components: &[Component],
        statements: &[String],
    ) -> Result<Self, HostError> {
        let failed = |reason| HostError::State { path: directory.map(Path::to_path_buf), reason };
        let used = |labels: fn(&Component) -> &BTreeSet<String>| {
            components.iter().flat_map(labels).cloned().collect::<BTreeSet<_>>()
        };
        let stores = Stores::open(directory, !used(|it| &it.key_value_stores).is_empty()).map_err(failed)?;
        let mut labels = used(|it| &it.sqlite_databases);
        if !statements.is_empty() {
            labels.insert(database::DEFAULT.to_owned());
        }
        let databases = Databases::open(directory, &labels).map_err(failed)?;
        for statement in statements {
            databases
                .run(statement)
                .map_err(|reason| HostError::Statement { statement: statement.clone(), reason })?;
        }
        Ok(Self { stores, databases })
    }

    /// What one component may use of it.
    pub(crate) fn granted(&self, component: &Component) -> Granted {
        Granted(Arc::new(Inner {
            services: self.clone(),
            variables: component.variables.clone(),
            stores: component.key_value_stores.clone(),
            databases: component.sqlite_databases.clone(),
        }))
    }
}

/// What one component may use. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Granted(Arc<Inner>);

struct Inner {
    services: Services,
    variables: BTreeMap<String, String>,
    stores: BTreeSet<String>,
    databases: BTreeSet<String>,
}

impl Granted {
    fn variables(&self) -> &BTreeMap<String, String> {
        &self.0.variables
    }

    /// The store with this label, if the component may open it.
    fn store(&self, label: &str) -> Option<store::Store> {
        self.0.stores.contains(label).then(|| self.0.services.stores.store(label)).flatten()
    }

    /// The databases, if the component may open the one with this label.
    fn databases(&self, label: &str) -> Option<Databases> {
        self.0.databases.contains(label).then(|| self.0.services.databases.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_provided_and_what_is_missing_is_known_by_name() {
        for import in [
            "fermyon:spin/key-value",
            "fermyon:spin/key-value@2.0.0",
            "spin:sqlite/sqlite@3.0.0",
            "spin:sqlite/sqlite@3.1.0",
            "wasi:keyvalue/batch@0.2.0-draft2",
        ] {
            assert!(provides(import), "{import}");
            assert_eq!(missing(import), None);
        }
        for import in [
            "fermyon:spin/key-value@1.0.0",
            "spin:sqlite/sqlite@4.0.0",
            "spin:sqlite/sqlite@3.0.0-rc.1",
            "spin:sqlite/sqlite",
            "wasi:keyvalue/store@0.2.0-draft",
        ] {
            assert!(!provides(import), "{import}");
        }
        assert_eq!(missing("spin:postgres/postgres@4.2.0"), Some("PostgreSQL"));
        assert_eq!(missing("fermyon:spin/llm"), Some("language models"));
        assert_eq!(missing("acme:llm/llm"), None);
    }
}
