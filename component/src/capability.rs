//! Which imports stand behind a capability, which are harmless, and which the host provides.
//!
//! The keys are those that `inherit_configuration` in `spin.toml` names. Names alone decide, so that the small config
//! object of a registry is enough. The version in a name is left aside on purpose: the hosts link several versions of
//! these interfaces, pre-releases included, and a version that this table has not heard of must be shown as a
//! capability rather than slip through.
//!
//! What reaches the world and has no key is not let through for that: an interface of the host is harmless if it is on
//! the list of those that are, and else it takes a grant of everything. So an interface that is invented tomorrow, and
//! that a host links before this table knows it, is denied.

use std::collections::BTreeSet;

use wasm_pkg_common::package::PackageRef;

use crate::InterfaceName;

/// Key, package, and the interfaces that stand behind the key; none means all of the package. `atomics` and `batch` work
/// on what `store` opens.
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
    ("key_value_stores", "wasi:keyvalue", &["atomics", "batch", "store"]),
    ("sqlite_databases", "fermyon:spin", &["sqlite"]),
    ("sqlite_databases", "spin:sqlite", &["sqlite"]),
    ("variables", "fermyon:spin", &["config", "variables"]),
    ("variables", "spin:variables", &["variables"]),
    ("variables", "wasi:config", &["store"]),
];

/// Package, and its interfaces that give no access to anything outside the instance, bar time and chance and the log
/// that every component writes to. They may name the resources of those that do (`wasi:filesystem/types`), and yet give
/// none: a descriptor comes from `preopens`, a response from `outgoing-handler`. `exit` ends the instance that calls it,
/// which a trap does as well. Not here: `wasi:cli/run` and the handlers of requests, which call into other components.
const HARMLESS: &[(&str, &[&str])] = &[
    ("fermyon:spin", &["http-types", "rdbms-types", "redis-types"]),
    (
        "wasi:cli",
        &[
            "exit",
            "stderr",
            "stdin",
            "stdout",
            "terminal-input",
            "terminal-output",
            "terminal-stderr",
            "terminal-stdin",
            "terminal-stdout",
            "types",
        ],
    ),
    ("wasi:clocks", &["monotonic-clock", "system-clock", "timezone", "types", "wall-clock"]),
    ("wasi:filesystem", &["types"]),
    ("wasi:http", &["types"]),
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:logging", &["logging"]),
    ("wasi:random", &["insecure", "insecure-seed", "random"]),
];

/// The capability keys that a component with these imports can make use of.
pub fn capabilities<'a>(imports: impl Iterator<Item = &'a str>) -> BTreeSet<&'static str> {
    imports.filter_map(capability).collect()
}

/// The key of the capability that covers an import, if there is one.
pub fn capability(import: &str) -> Option<&'static str> {
    let name = InterfaceName::parse(import)?;
    let package = name.package.to_string();
    TABLE.iter().find_map(|&(key, of, interfaces)| {
        let meant = interfaces.is_empty() || interfaces.contains(&name.interface.as_str());
        (of == package && meant).then_some(key)
    })
}

/// Whether an import is denied to a component that was granted the capabilities with these keys.
///
/// That is every interface of the host that is not harmless and that none of the keys covers. An interface that no key
/// covers is denied whatever the keys are: it takes [`Reach::All`](crate::Reach::All), or its own name among the keys.
pub fn denied(import: &str, granted: &BTreeSet<String>) -> bool {
    let Some(name) = InterfaceName::parse(import) else {
        return false;
    };
    let package = name.package.to_string();
    let harmless = HARMLESS
        .iter()
        .any(|(of, interfaces)| *of == package && interfaces.contains(&name.interface.as_str()));
    is_host_provided(&name.package)
        && !harmless
        && !granted.contains(import)
        && capability(import).is_none_or(|key| !granted.contains(key))
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
    fn what_is_not_known_to_be_harmless_is_denied() {
        let granted = BTreeSet::from(["environment".to_owned(), "files".to_owned()]);
        let all = TABLE.iter().map(|(key, ..)| (*key).to_owned()).collect();
        for harmless in [
            "wasi:cli/stdout@0.2.0",
            "wasi:clocks/system-clock@0.3.0",
            "wasi:http/types@0.3.0-rc-2026-03-15",
            "wasi:filesystem/types@0.2.99",
            "fermyon:spin/http-types",
            "acme:hash/digest@1.0.0",
            "init",
        ] {
            assert!(!denied(harmless, &granted), "{harmless}");
        }
        for covered in ["wasi:cli/environment@0.3.0", "wasi:filesystem/preopens@0.2.0"] {
            assert!(!denied(covered, &granted), "{covered}");
            assert!(denied(covered, &BTreeSet::new()), "{covered}");
        }
        for key in
            ["wasi:sockets/tcp@0.2.0", "wasi:http/client@0.3.0", "spin:redis/redis@9.0.0", "fermyon:spin/llm"]
        {
            assert!(denied(key, &granted), "{key}");
            assert!(!denied(key, &all), "{key}");
        }
        for never in [
            "wasi:http/handler@0.3.0",
            "wasi:http/incoming-handler@0.2.0",
            "wasi:cli/run@0.2.0",
            "wasi:nn/graph@0.2.0",
            "wasi:keyvalue/watcher@0.2.0-draft2",
            "spin:new/thing@1.0.0",
            "fermyon:spin-next/thing",
        ] {
            assert!(denied(never, &all), "{never}");
        }
    }

    #[test]
    fn hosts_provide_wasi_and_spin() {
        let provided = |name: &str| is_host_provided(&name.parse().unwrap());
        assert!(provided("wasi:http") && provided("spin:redis") && provided("fermyon:spin"));
        assert!(provided("fermyon:spin-redis") && !provided("fermyon:other") && !provided("acme:spin"));
    }
}
