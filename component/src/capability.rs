//! Which imports stand behind a capability, and which the host provides.
//!
//! The keys are those that `inherit_configuration` in `spin.toml` names. Names alone decide, so that the small config
//! object of a registry is enough. The version in a name is left aside on purpose: the hosts link several versions of
//! these interfaces, pre-releases included, and a version that this table has not heard of must be shown as a
//! capability rather than slip through.

use std::collections::BTreeSet;

use wasm_pkg_common::package::PackageRef;

use crate::InterfaceName;

/// Key, package, and the interfaces that stand behind the key; none means all of the package.
const TABLE: &[(&str, &str, &[&str])] = &[
    ("ai_models", "fermyon:spin", &["llm"]),
    ("allowed_outbound_hosts", "fermyon:spin", &["http", "mqtt", "mysql", "postgres", "redis"]),
    ("allowed_outbound_hosts", "spin:mqtt", &["mqtt"]),
    ("allowed_outbound_hosts", "spin:mysql", &["mysql"]),
    ("allowed_outbound_hosts", "spin:postgres", &["postgres"]),
    ("allowed_outbound_hosts", "spin:redis", &["redis"]),
    ("allowed_outbound_hosts", "wasi:http", &["client", "outgoing-handler"]),
    ("allowed_outbound_hosts", "wasi:sockets", &[]),
    ("environment", "wasi:cli", &["environment"]),
    ("files", "wasi:filesystem", &["preopens"]),
    ("key_value_stores", "fermyon:spin", &["key-value"]),
    ("key_value_stores", "spin:key-value", &["key-value"]),
    ("key_value_stores", "wasi:keyvalue", &["store"]),
    ("sqlite_databases", "fermyon:spin", &["sqlite"]),
    ("sqlite_databases", "spin:sqlite", &["sqlite"]),
    ("variables", "fermyon:spin", &["config", "variables"]),
    ("variables", "spin:variables", &["variables"]),
    ("variables", "wasi:config", &["store"]),
];

/// The capability keys that a component with these imports can make use of.
pub fn capabilities<'a>(imports: impl Iterator<Item = &'a str>) -> BTreeSet<&'static str> {
    imports
        .filter_map(InterfaceName::parse)
        .flat_map(|name| {
            let package = name.package.to_string();
            TABLE.iter().filter_map(move |&(key, of, interfaces)| {
                let meant = interfaces.is_empty() || interfaces.contains(&name.interface.as_str());
                (of == package && meant).then_some(key)
            })
        })
        .collect()
}

/// Whether the host implements the interfaces of `package`, so that no release has to be found for them.
pub fn is_host_provided(package: &PackageRef) -> bool {
    match package.namespace().as_ref() {
        "wasi" | "spin" => true,
        "fermyon" => package.name().as_ref().starts_with("spin"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(imports: &[&str]) -> Vec<&'static str> {
        capabilities(imports.iter().copied()).into_iter().collect()
    }

    #[test]
    fn names_give_keys() {
        assert_eq!(keys(&["wasi:cli/environment@0.2.0"]), ["environment"]);
        assert_eq!(keys(&["wasi:cli/environment@0.3.0-rc-2026-03-15"]), ["environment"]);
        assert_eq!(
            keys(&["fermyon:spin/llm", "fermyon:spin/key-value@2.0.0"]),
            ["ai_models", "key_value_stores"]
        );
        assert_eq!(keys(&["wasi:sockets/tcp@0.2.0", "wasi:http/client@0.3.0"]), ["allowed_outbound_hosts"]);
        assert_eq!(keys(&["spin:postgres/postgres@4.2.0"]), ["allowed_outbound_hosts"]);
        assert_eq!(
            keys(&["wasi:filesystem/preopens@0.2.6", "wasi:config/store@0.2.0-draft"]),
            ["files", "variables"]
        );
        let none =
            ["wasi:http/types@0.2.0", "wasi:filesystem/types@0.2.0", "acme:cli/environment@0.2.0", "init"];
        assert!(keys(&none).is_empty());
    }

    #[test]
    fn hosts_provide_wasi_and_spin() {
        let provided = |name: &str| is_host_provided(&name.parse().unwrap());
        assert!(provided("wasi:http") && provided("spin:redis") && provided("fermyon:spin"));
        assert!(provided("fermyon:spin-redis") && !provided("fermyon:other") && !provided("acme:spin"));
    }
}
