//! What a registry says of itself: `/.well-known/wasm-pkg/registry.json`.
//!
//! It names the protocol, the OCI host behind the registry's name and the prefix of the repositories. wkg's rules:
//! where there is none (404, or anything that is not such a document), the registry's name is the OCI host; where the
//! server cannot be reached, likewise, and whatever is asked next tells what is wrong. Unlike wkg we remember the
//! answer, "there is none" included, for a day, so that a warm run asks for nothing; a failure and a web page
//! are not remembered.
//!
//! The request goes over https; over plain http only where the configuration says that the registry speaks it, or to
//! this machine.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use url::Url;
use wasm_pkg_common::metadata::{OCI_PROTOCOL, REGISTRY_METADATA_PATH, RegistryMetadata};
use wasm_pkg_common::registry::Registry;

use crate::http::Http;
use crate::retry::is_busy;
use crate::store::Store;
use crate::text::is_loopback;

const TABLE: &str = "registry-metadata";
const LIFE: Duration = Duration::from_hours(24);
const LIMIT: u64 = 64 * 1024;

#[derive(Serialize, Deserialize)]
struct Remembered {
    /// Seconds since the epoch.
    at: u64,
    /// The document; none if the registry has none.
    document: Option<String>,
}

/// The metadata that is remembered, at any age if `stale_is_fine`.
pub(crate) async fn recall(
    store: &Store,
    registry: &Registry,
    stale_is_fine: bool,
) -> Option<RegistryMetadata> {
    let remembered: Remembered = store.recall(TABLE, registry.as_ref()).await?;
    if !stale_is_fine && !is_fresh(remembered.at, LIFE) {
        return None;
    }
    Some(remembered.document.as_deref().and_then(parse).unwrap_or_default())
}

/// Asks the registry. `plain` says whether the configuration names http (`true`) or https (`false`) for it.
pub(crate) async fn ask(
    http: &Http,
    store: &Store,
    registry: &Registry,
    plain: Option<bool>,
) -> RegistryMetadata {
    let Some(url) = address(registry, plain) else {
        return RegistryMetadata::default();
    };
    let answer = match http.get(&url, "application/json", None, LIMIT).await {
        Ok(answer) => answer,
        Err(failure) => {
            tracing::debug!(%registry, ?failure, "the registry's metadata could not be asked for");
            return RegistryMetadata::default();
        }
    };
    if is_busy(answer.status) {
        tracing::debug!(%registry, status = answer.status.as_u16(), "the registry's metadata is not to be had now");
        return RegistryMetadata::default();
    }
    if answer.status.is_success() && answer.is_web_page() {
        // Many registries have their own pages at every path; a guest network has its login there, until it is gone.
        tracing::debug!(%registry, "the registry serves a web page in place of its metadata");
        return RegistryMetadata::default();
    }
    let text = if answer.status.is_success() { std::str::from_utf8(&answer.body).ok() } else { None };
    let text = text.map(|text| text.trim_start_matches('\u{FEFF}'));
    let metadata = text.and_then(parse);
    if text.is_some() && metadata.is_none() {
        tracing::debug!(%registry, "what the registry serves as metadata is none");
    }
    let document = metadata.as_ref().and(text).map(str::to_owned);
    if let Err(error) = store.remember(TABLE, registry.as_ref(), &Remembered { at: now(), document }).await {
        tracing::debug!(%error, "the registry's metadata could not be remembered");
    }
    metadata.unwrap_or_default()
}

fn address(registry: &Registry, plain: Option<bool>) -> Option<Url> {
    let url = Url::parse(&format!("http://{registry}{REGISTRY_METADATA_PATH}")).ok()?;
    if plain.unwrap_or_else(|| is_loopback(&url)) {
        return Some(url);
    }
    // Parsed anew: a scheme changed later keeps the default port of the first.
    Url::parse(&format!("https://{registry}{REGISTRY_METADATA_PATH}")).ok()
}

/// The document. The type knows the deprecated keys of OCI, and takes a document with that of warg for none.
fn parse(text: &str) -> Option<RegistryMetadata> {
    let mut document: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    if let Some(url) = document.remove("wargUrl") {
        if document.contains_key("ociRegistry") {
            document.entry("preferredProtocol").or_insert_with(|| OCI_PROTOCOL.into());
        }
        document.entry("warg").or_insert_with(|| serde_json::json!({ "url": url }));
    }
    serde_json::from_value(document.into()).ok()
}

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|elapsed| elapsed.as_secs()).unwrap_or_default()
}

/// Whether something of time `at` is younger than `life`. What lies in the future is not: a clock was set back.
pub(crate) fn is_fresh(at: u64, life: Duration) -> bool {
    now().checked_sub(at).is_some_and(|age| age < life.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_asked_over_https_save_from_this_machine() {
        let address = |registry: &str, plain| address(&registry.parse().unwrap(), plain).unwrap().to_string();
        assert_eq!(address("wasi.dev", None), "https://wasi.dev/.well-known/wasm-pkg/registry.json");
        assert_eq!(
            address("127.0.0.1:5000", None),
            "http://127.0.0.1:5000/.well-known/wasm-pkg/registry.json"
        );
        assert_eq!(address("localhost", Some(false)), "https://localhost/.well-known/wasm-pkg/registry.json");
        assert_eq!(address("reg.corp", Some(true)), "http://reg.corp/.well-known/wasm-pkg/registry.json");
    }

    #[test]
    fn the_deprecated_key_of_warg_is_understood() {
        let of = |text: &str| {
            let metadata = parse(text).unwrap();
            let warg: Option<serde_json::Value> = metadata.protocol_config("warg").unwrap();
            (metadata.preferred_protocol().map(str::to_owned), warg.map(|warg| warg["url"].clone()))
        };
        let url = Some("https://a".into());
        assert_eq!(of(r#"{ "wargUrl": "https://a" }"#), (Some("warg".into()), url.clone()));
        assert_eq!(
            of(r#"{ "preferredProtocol": "warg", "warg": { "url": "https://a" } }"#),
            (Some("warg".into()), url.clone())
        );
        assert_eq!(of(r#"{ "wargUrl": "https://a", "ociRegistry": "ghcr.io" }"#), (Some("oci".into()), url));
        assert_eq!(of("{}"), (None, None));
        assert!(parse("[]").is_none());
    }

    #[test]
    fn what_was_asked_in_the_future_is_not_fresh() {
        assert!(is_fresh(now(), Duration::from_secs(10)));
        assert!(!is_fresh(now() - 11, Duration::from_secs(10)));
        assert!(!is_fresh(now() + 1000, Duration::from_secs(10)));
        assert!(!is_fresh(now(), Duration::ZERO));
    }
}
