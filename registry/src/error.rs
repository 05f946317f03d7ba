//! What can go wrong between a package's name and its verified bytes.
//!
//! Errors are `Clone`, because tasks that wait for one download all receive its error. Texts from outside have
//! been made printable, and URLs carry neither user information nor query, before they get here.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use wasm_pkg_common::digest::ContentDigest;
use wasm_pkg_common::package::{PackageRef, Version};

use crate::store::StoreError;
use crate::unproven::Unproven;

/// An error of the registries or of the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No configuration says which registry has the package.
    #[error("no registry is configured for package `{package}`")]
    NotConfigured {
        /// The package.
        package: PackageRef,
    },
    /// A configuration file, or a table of it, is wrong.
    #[error("the registry configuration in {} is invalid: {reason}", path.display())]
    Config {
        /// The file, or the directory of the project whose manifest holds it.
        path: PathBuf,
        /// What is wrong, without the text of the offending line, which may be a password.
        reason: String,
    },
    /// The registry's name, its settings or its metadata cannot be worked with.
    #[error("registry `{registry}` cannot be used: {reason}")]
    UnusableRegistry {
        /// The registry.
        registry: String,
        /// Why.
        reason: String,
    },
    /// The registry speaks a protocol that is not supported.
    #[error("registry `{registry}` uses the protocol `{protocol}`, which is not supported")]
    UnsupportedProtocol {
        /// The registry.
        registry: String,
        /// The protocol's name, such as `warg`.
        protocol: String,
    },
    /// No connection, or it broke.
    #[error("could not reach registry `{registry}`: {reason}")]
    Unreachable {
        /// The registry, or the host of a URL.
        registry: String,
        /// Why, in words.
        reason: String,
        /// It was spoken to in TLS and answered in something else.
        speaks_plain: bool,
    },
    /// The server's certificate is not accepted, so nothing was sent.
    #[error("the certificate of registry `{registry}` is not accepted: {reason}")]
    Certificate {
        /// The registry, or the host of a URL.
        registry: String,
        /// What is wrong with it, in words.
        reason: String,
    },
    /// The registry answered that it cannot serve now.
    #[error("registry `{registry}` is not able to answer now (HTTP status {status})")]
    Busy {
        /// The registry.
        registry: String,
        /// The HTTP status: 429 or 5xx.
        status: u16,
        /// How long it asks to wait, in seconds.
        retry_after: Option<u64>,
    },
    /// The registry wants other credentials, or any.
    #[error("registry `{registry}` refused access to `{what}`: {}", sent(credentials.as_deref()))]
    Unauthorized {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// Where the credentials came from that were sent; `None`: none were found.
        credentials: Option<String>,
        /// Why credentials that are configured could not be used.
        note: Option<String>,
    },
    /// Credentials that were to be stored, and that the registry does not take.
    #[error("registry `{registry}` did not accept the credentials; they were not stored")]
    CredentialsRefused {
        /// The registry's host.
        registry: String,
    },
    /// Logging in would send a password where it may not go, or makes no sense there.
    #[error("cannot log in at `{registry}`: {reason}")]
    NoLogin {
        /// The registry, as it was named.
        registry: String,
        /// Why.
        reason: String,
        /// What to do instead.
        hint: Option<String>,
    },
    /// Docker's configuration or its credential helper did not do what was asked.
    #[error("{place} cannot be used to keep credentials: {reason}")]
    CredentialStore {
        /// The file or the helper.
        place: String,
        /// Why, without any secret.
        reason: String,
    },
    /// The credentials are good, but do not allow this.
    #[error("registry `{registry}` does not allow access to `{what}`{}", said(message))]
    Forbidden {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// What the registry said.
        message: String,
    },
    /// The registry does not have it.
    #[error("registry `{registry}` has no {what}")]
    NotFound {
        /// The registry, or the host of a URL.
        registry: String,
        /// What was asked for.
        what: String,
    },
    /// The registry's answer makes no sense.
    #[error("registry `{registry}` gave an answer for `{what}` that cannot be understood: {reason}")]
    BadAnswer {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// Bytes that are not those that were asked for.
    #[error(
        "the content of {what} from {origin} does not match its digest: expected {expected}, got {actual}"
    )]
    DigestMismatch {
        /// What was asked for, such as "acme:base 1.0.0".
        what: String,
        /// The digest asked for.
        expected: ContentDigest,
        /// The digest of what came.
        actual: ContentDigest,
        /// Where it came from.
        origin: String,
    },
    /// The version names other content than when it was locked.
    #[error("{package} {version} at registry `{registry}` has changed: locked as {locked}, now {now}")]
    TagMoved {
        /// The package.
        package: Box<PackageRef>,
        /// The version.
        version: Box<Version>,
        /// The registry.
        registry: String,
        /// The digest of the manifest that was locked.
        locked: ContentDigest,
        /// The digest of the manifest that the version names now.
        now: ContentDigest,
    },
    /// A version that is published is not published again with other content.
    #[error("{package} {version} already exists at registry `{registry}` with other content")]
    AlreadyExists {
        /// The package.
        package: Box<PackageRef>,
        /// The version.
        version: Box<Version>,
        /// The registry.
        registry: String,
        /// The digest of the Wasm that is there, where it is known.
        digest: Option<ContentDigest>,
    },
    /// The version exists but is not a Wasm artifact that can be used.
    #[error("{package} {version} at registry `{registry}` is not a Wasm package: {reason}")]
    UnsupportedArtifact {
        /// The package.
        package: Box<PackageRef>,
        /// The version.
        version: Box<Version>,
        /// The registry.
        registry: String,
        /// What it is instead.
        reason: String,
    },
    /// More bytes than are accepted.
    #[error("{what} is larger than the {limit} bytes that are accepted")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// Plain http to another machine without a word in the configuration.
    #[error("refusing to use plain http for `{url}`")]
    Insecure {
        /// The URL, without credentials.
        url: String,
    },
    /// A request would be needed, and none may be made.
    #[error("{what} is not in the local store, and {because}")]
    Offline {
        /// What is missing.
        what: String,
        /// The flag or variable that forbids requests.
        because: String,
    },
    /// Something was to be written to a registry, and no request may be made.
    #[error("{what} needs the network, and {because}")]
    OfflineWrite {
        /// What was to be done, such as "to publish acme:base 1.0.0".
        what: String,
        /// The flag or variable that forbids requests.
        because: String,
    },
    /// The store holds damaged bytes that could not be replaced.
    #[error("{what} is damaged in the local store ({}), and {because}", path.display())]
    DamagedStore {
        /// What it is, such as "acme:base 1.0.0".
        what: String,
        /// The damaged file.
        path: PathBuf,
        /// Why it could not be fetched again.
        because: String,
    },
    /// A version that has no place at the registry.
    #[error("{package} {version} cannot be published: {reason}")]
    Unpublishable {
        /// The package.
        package: Box<PackageRef>,
        /// The version.
        version: Box<Version>,
        /// Why.
        reason: String,
    },
    /// A warg registry did not prove what it says.
    #[error("registry `{registry}` does not prove its answer for {what}: {reason}")]
    Unproven {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// What is wrong.
        reason: Unproven,
    },
    /// A log of a warg registry begins with another key than when the package was locked.
    #[error("{} at registry `{}` is signed by another key than when {} was locked", .0.log, .0.registry, .0.package)]
    SignerChanged(Box<SignerChange>),
    /// What was verified of a warg registry is damaged on disk.
    #[error("what was verified of registry `{registry}` is damaged in {}", path.display())]
    DamagedState {
        /// The registry.
        registry: String,
        /// The damaged file.
        path: PathBuf,
    },
    /// A record has to be signed, and there is no key that could.
    #[error("there is no key to sign with: {reason}")]
    SigningKey {
        /// Why, without the text of the key.
        reason: String,
    },
    /// The key is not one of the package's.
    #[error("the key {key} may not {may_not} releases of {package} at registry `{registry}`")]
    KeyRefused {
        /// The package.
        package: Box<PackageRef>,
        /// The registry.
        registry: String,
        /// The identifier of the key.
        key: String,
        /// What it may not: "publish" or "withdraw".
        may_not: &'static str,
        /// The identifier of the key that began the package's log.
        author: String,
    },
    /// A release that cannot be withdrawn there, or not be offered again.
    #[error("{package} {version} cannot be yanked: {reason}")]
    Unyankable {
        /// The package.
        package: Box<PackageRef>,
        /// The version.
        version: Box<Version>,
        /// Why.
        reason: String,
    },
    /// A file could not be read or written; the error names it.
    #[error(transparent)]
    Io(Arc<io::Error>),
}

/// A registry as messages have it: its name in the configuration, and its host where that is another.
pub(crate) fn registry_title(name: &str, host: &str) -> String {
    if name == host { name.to_owned() } else { format!("{name} ({host})") }
}

/// The name and the host of a registry as messages have it. Neither holds a space.
fn name_and_host(title: &str) -> (&str, &str) {
    let parts = title.strip_suffix(')').and_then(|title| title.split_once(" ("));
    parts.unwrap_or((title, title))
}

/// Which key was expected of a log, and which it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerChange {
    /// The registry.
    pub registry: String,
    /// Which log, in words.
    pub log: String,
    /// The package that was locked.
    pub package: String,
    /// The identifier of the key that was locked.
    pub locked: String,
    /// The identifier of the key now.
    pub now: String,
}

fn sent(credentials: Option<&str>) -> String {
    match credentials {
        Some(origin) => format!("the credentials from {origin} were not accepted"),
        None => "it wants credentials, and none were found".to_owned(),
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

impl Error {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotConfigured { package } => format!(
                "name one for the namespace, `[application.tool.deps.namespace_registries]` with `{} = \"…\"` in \
                 spin.toml, or a `default_registry`, there or in wkg's config.toml",
                package.namespace()
            ),
            Self::Config { .. } => "the keys are those of wkg's config.toml".to_owned(),
            Self::UnsupportedProtocol { registry, .. } => {
                format!("set `default = \"oci\"` or `default = \"local\"` in `[registry.\"{registry}\"]` if it offers that")
            }
            Self::Unreachable { registry, speaks_plain: true, .. } => format!(
                "if it speaks plain http, say so: `protocol = \"http\"` in `[registry.\"{}\".oci]`",
                name_and_host(registry).0
            ),
            Self::Certificate { registry, .. } => format!(
                "if its authority is your own, give its certificate to `extra_root_certificates` in \
                 `[registry.\"{}\".oci]`, or to the system",
                name_and_host(registry).0
            ),
            Self::Unreachable { .. } => {
                "check the registry's name and your network; what is in the local store works with `--offline`".to_owned()
            }
            Self::Busy { retry_after: Some(seconds), .. } => format!("it asks to try again in {seconds} seconds"),
            Self::Busy { .. } => "try again later".to_owned(),
            Self::Unauthorized { note: Some(note), .. } => note.clone(),
            Self::Unauthorized { registry, credentials: None, .. } => {
                let (_, host) = name_and_host(registry);
                format!(
                    "log in with `spin-deps login {host}`, set `{}`, or set `auth` in `[registry.\"NAME\".oci]` of wkg's \
                     config.toml, under the name that the registry has there; some registries answer so for packages \
                     that do not exist",
                    crate::credentials::bearer_variable(host)
                )
            }
            Self::Unauthorized { credentials: Some(origin), .. } => {
                format!("check the credentials from {origin}; they may have expired")
            }
            Self::CredentialsRefused { .. } => "check the user and the password; many registries want an access \
                                                token in place of the password"
                .to_owned(),
            Self::NoLogin { hint, .. } => return hint.clone(),
            Self::Forbidden { .. } => {
                "check that the package's name is right and that your account may use it".to_owned()
            }
            Self::DigestMismatch { .. } => "the bytes were changed on the way or at their source, or the digest \
                                            was edited; they were not used"
                .to_owned(),
            Self::TagMoved { package, .. } => format!(
                "somebody published other content under the same version; if that is expected, remove {package} from \
                 spin-deps.lock and run `spin-deps lock`"
            ),
            Self::BadAnswer { .. } => {
                "check that the name is that of a registry, and that no login page or proxy answers in its place".to_owned()
            }
            Self::AlreadyExists { .. } => "published versions never change: publish under a new version".to_owned(),
            Self::Insecure { .. } => "use https, or a server on this machine".to_owned(),
            Self::Offline { .. } => "run once with network access, for example `spin-deps sync`".to_owned(),
            Self::DamagedStore { .. } => "run once with network access to fetch it again, or remove the file".to_owned(),
            Self::Unproven { reason, .. } => reason.hint().to_owned(),
            Self::SignerChanged(change) => format!(
                "it was {} and is {}; if the registry or its authors have announced that, remove {} from \
                 spin-deps.lock and run `spin-deps lock`, else do not use it",
                change.locked, change.now, change.package
            ),
            Self::DamagedState { .. } => {
                "restore the file from a backup; without it, the registry's keys are trusted as at the first use, and \
                 only a lockfile tells whether they are still the same: remove it if that is what you want"
                    .to_owned()
            }
            Self::SigningKey { .. } => {
                "set `SPIN_DEPS_SIGNING_KEY` to a key of the form `ecdsa-p256:<base64>`, or `SPIN_DEPS_SIGNING_KEY_FILE` \
                 to a file that holds one"
                    .to_owned()
            }
            Self::KeyRefused { author, .. } => {
                format!("use the key that published the package first, {author}, or one that it has granted this")
            }
            Self::UnusableRegistry { .. }
            | Self::OfflineWrite { .. }
            | Self::Unyankable { .. }
            | Self::NotFound { .. }
            | Self::UnsupportedArtifact { .. }
            | Self::CredentialStore { .. }
            | Self::TooLarge { .. }
            | Self::Unpublishable { .. }
            | Self::Io(_) => return None,
        })
    }

    /// The error of a store operation on `what`.
    pub(crate) fn of_store(error: StoreError, what: &str) -> Self {
        match error {
            StoreError::Damaged { path, .. } => Self::DamagedStore {
                what: what.to_owned(),
                path,
                because: "it could not be fetched again".to_owned(),
            },
            StoreError::Mismatch { expected, actual } => Self::DigestMismatch {
                what: what.to_owned(),
                expected,
                actual,
                origin: "its source".to_owned(),
            },
            StoreError::TooLarge { limit } => Self::TooLarge { what: what.to_owned(), limit },
            StoreError::Io(error) => Self::Io(error),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_takes_the_name_or_the_host_whichever_is_needed() {
        let registry = registry_title("acme", "registry.acme.example:5000");
        assert_eq!(registry, "acme (registry.acme.example:5000)");
        assert_eq!(registry_title("ghcr.io", "ghcr.io"), "ghcr.io");
        let reason = String::new();
        let hint = Error::Certificate { registry: registry.clone(), reason }.hint().unwrap();
        assert!(hint.contains("`[registry.\"acme\".oci]`"), "{hint}");
        let error = Error::Unauthorized { registry, what: "x".into(), credentials: None, note: None };
        let hint = error.hint().unwrap();
        assert!(hint.contains("`spin-deps login registry.acme.example:5000`"), "{hint}");
        assert!(hint.contains("WKG_REGISTRY_REGISTRY_ACME_EXAMPLE_5000_AUTH_BEARER"), "{hint}");
    }
}
