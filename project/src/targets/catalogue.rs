//! The public catalogue of environments, by name: `spin-up:3.6`.
//!
//! Its definitions are files of a git repository, `NAME/NAME@VERSION.toml` or `NAME/NAME.toml`. Those that were published
//! when this program was are built in, so that a lock needs no request for them; `targets update` asks what is there
//! now. What it learned counts from then on, for what is not locked yet.

use serde::{Deserialize, Serialize};
use spin_deps_registry::{Error as RegistryError, Registries};
use url::Url;
use wasm_pkg_common::digest::ContentDigest;

use crate::{Error, Settings, suggest};

/// Where the catalogue is published, unless [`VARIABLE`] names another place.
const PUBLISHED: &str = "https://raw.githubusercontent.com/spinframework/spin-environments/main/envs/";
/// The environment variable that names another place.
const VARIABLE: &str = "SPIN_DEPS_TARGETS_URL";
/// The table of what is remembered of the catalogue.
const TABLE: &str = "environments";
/// So many records are looked at for names.
const MAX_RECORDS: usize = 4096;

/// The definitions that are built in, by name.
const BUILT_IN: &[(&str, &str)] = &[
    ("akamai-functions", include_str!("catalogue/akamai-functions.toml")),
    ("containerd-shim-spin:0.26.0", include_str!("catalogue/containerd-shim-spin@0.26.0.toml")),
    ("spin-up:3.2", include_str!("catalogue/spin-up@3.2.toml")),
    ("spin-up:3.4", include_str!("catalogue/spin-up@3.4.toml")),
    ("spin-up:3.5", include_str!("catalogue/spin-up@3.5.toml")),
    ("spin-up:3.6", include_str!("catalogue/spin-up@3.6.toml")),
];

/// What the catalogue had under a name when it was asked.
#[derive(Serialize, Deserialize)]
struct Record {
    digest: ContentDigest,
}

/// The definition that is built in.
pub(super) fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The names that are built in.
pub(super) fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// The digest that the catalogue's definition had when it was last asked for.
pub(super) async fn learned(registries: &Registries, name: &str) -> Option<ContentDigest> {
    let record: Option<Record> = registries.store().recall(TABLE, name).await;
    record.map(|record| record.digest)
}

/// Remembers what the catalogue has now.
pub(super) async fn learn(registries: &Registries, name: &str, digest: &ContentDigest) -> Result<(), Error> {
    Ok(registries.store().remember(TABLE, name, &Record { digest: digest.clone() }).await?)
}

/// All names that are known without a request, sorted.
pub(super) async fn names(registries: &Registries) -> Vec<String> {
    let mut names = registries.store().keys(TABLE, MAX_RECORDS).await;
    names.extend(built_in_names().map(str::to_owned));
    names.sort();
    names.dedup();
    names
}

/// The URL of a definition.
pub(super) fn url(settings: &Settings, name: &str) -> Result<Url, Error> {
    let wrong = |message: String| Error::Unknown { message, hint: None };
    let (called, version) = match name.split_once(':') {
        Some((called, version)) => (called, Some(version)),
        None => (name, None),
    };
    // The name becomes a part of a URL, which it must not leave.
    let is_word = |text: &str| {
        !text.is_empty()
            && !text.starts_with('.')
            && text.len() <= 100
            && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it))
    };
    if !is_word(called) || !version.is_none_or(is_word) {
        return Err(wrong(format!("`{name}` is not the name of an environment, such as `spin-up:3.6`")));
    }
    let base = settings.environment.get(VARIABLE);
    let base = base.as_deref().unwrap_or(PUBLISHED).trim_end_matches('/');
    let version = version.map(|version| format!("@{version}")).unwrap_or_default();
    let url = Url::parse(&format!("{base}/{called}/{called}{version}.toml"));
    url.map_err(|error| wrong(format!("{VARIABLE} is not a URL: {error}")))
}

/// That the catalogue does not have a name, with what may have been meant.
pub(super) async fn unknown(registries: &Registries, name: &str) -> Error {
    let known = names(registries).await;
    let known = known.iter().map(String::as_str).filter(|known| *known != name);
    Error::Unknown {
        message: format!("the catalogue has no environment `{name}`"),
        hint: Some(suggest::hint(name, known, "it has")),
    }
}

/// That the catalogue cannot be asked for a name that is not built in, with what may have been meant.
pub(super) async fn unasked(registries: &Registries, name: &str, error: &RegistryError) -> Error {
    let known = names(registries).await;
    let known = known.iter().map(String::as_str).filter(|known| *known != name);
    Error::Environment {
        environment: name.to_owned(),
        message: format!("it is not built in, and the catalogue does not answer: {error}"),
        hint: Some(suggest::hint(name, known, "without asking there are")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{error::Excerpt, targets::definition::Definition};

    #[test]
    fn what_is_built_in_can_be_read() {
        for (name, text) in BUILT_IN {
            let definition = Definition::parse(Excerpt::new(Path::new(name), text)).unwrap();
            assert!(definition.offer("http").is_some(), "{name}");
        }
    }
}
