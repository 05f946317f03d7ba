//! `spin-deps.lock`: which releases an app uses, by digest, and what each of them can reach.
//!
//! The file is TOML beside `spin.toml` and is committed. It is written for two readers. A machine gets the same
//! answer tomorrow: every release with its version, its registry and the digest of its content. A person gets
//! a diff that can be reviewed: packages in order, one dependency a line, and the capabilities
//! of each package, so that an update that reaches for more shows up as a changed line.
//!
//! ```toml
//! # Written by spin-deps. Commit this file and do not edit it.
//! # After a merge conflict, keep either side and run `spin-deps lock`.
//! version = 1
//!
//! [[package]]
//! name = "acme:auth"
//! version = "1.1.0"
//! registry = "registry.example.com"
//! digest = "sha256:…"       # of the Wasm
//! manifest = "sha256:…"     # of the OCI manifest, where there is one
//! signers = { operator = "sha256:…", author = "sha256:…" }  # where the registry speaks warg
//! size = 20480              # of the Wasm, in bytes
//! capabilities = ["network"]
//! dependencies = [
//!     { package = "acme:hash", req = "^1.2.0", version = "1.4.0" },
//! ]
//!
//! [[http]]
//! url = "https://example.com/greeter.wasm"
//! digest = "sha256:…"
//! size = 1024
//! capabilities = []
//! dependencies = []
//! ```
//!
//! The text is canonical: equal locks give equal bytes. What is read may be in any order, since people do merge and
//! edit, but must be sound: nothing unknown, nothing twice, every dependency on a package
//! of the lock in a version that it accepts, every package from one registry and one author. A mistake is an error
//! with its place, never a guess.

mod diff;
mod error;
mod read;
mod write;

use url::Url;
use wasm_pkg_common::digest::ContentDigest;
use wasm_pkg_common::package::{PackageRef, Version, VersionReq};
use wasm_pkg_common::registry::Registry;

pub use diff::Change;
pub use error::LockError;

/// The name of the file, beside `spin.toml`.
pub const FILE_NAME: &str = "spin-deps.lock";

/// The version of the format that is written, and the only one that is read.
pub const FORMAT_VERSION: i64 = 1;

/// What an app uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lockfile {
    /// Releases from registries. Read from a text they are sorted by name and version, each there once.
    pub packages: Vec<Package>,
    /// Components fetched by URL. Read from a text they are sorted by URL and digest, each there once.
    pub http: Vec<HttpSource>,
}

/// A release from a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The package.
    pub name: PackageRef,
    /// Its version.
    pub version: Version,
    /// Where it was found.
    pub registry: Registry,
    /// The digest of its content, the Wasm.
    pub digest: ContentDigest,
    /// The digest of its OCI manifest, if it comes from an OCI registry.
    pub manifest: Option<ContentDigest>,
    /// Who answers for it, if it comes from a warg registry.
    pub signers: Option<Signers>,
    /// The length of its content, in bytes. TOML holds up to `i64::MAX`.
    pub size: u64,
    /// What it can reach, as keys of Spin's `inherit_configuration`. Read from a text they are sorted.
    pub capabilities: Vec<String>,
    /// What it needs. Read from a text they are sorted.
    pub dependencies: Vec<Dependency>,
}

/// Who answers for a release of a warg registry, by the SHA-256 of their first public keys, as warg identifies keys.
/// They are trusted when the package is locked for the first time. From then on the lock is what they are held to,
/// on every machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers {
    /// Who runs the registry.
    pub operator: ContentDigest,
    /// Who publishes the package.
    pub author: ContentDigest,
}

/// A component fetched by URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSource {
    /// Where it was found.
    pub url: Url,
    /// The digest of its content, the Wasm.
    pub digest: ContentDigest,
    /// The length of its content, in bytes. TOML holds up to `i64::MAX`.
    pub size: u64,
    /// What it can reach, as keys of Spin's `inherit_configuration`. Read from a text they are sorted.
    pub capabilities: Vec<String>,
    /// What it needs. Read from a text they are sorted.
    pub dependencies: Vec<Dependency>,
}

/// A need and the release that meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The package.
    pub package: PackageRef,
    /// The versions that would do.
    pub req: VersionReq,
    /// The version in use.
    pub version: Version,
}

impl Lockfile {
    /// Reads and checks the text of a lock.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        read::lockfile(text)
    }

    /// The canonical text, whatever the order of the lists: sorted, with `\n` at the line ends.
    pub fn to_text(&self) -> String {
        write::lockfile(self)
    }

    /// The release of that name and version.
    pub fn get(&self, name: &PackageRef, version: &Version) -> Option<&Package> {
        let wanted = (name, version);
        let found = self.packages.binary_search_by(|package| (&package.name, &package.version).cmp(&wanted));
        match found {
            Ok(at) => self.packages.get(at),
            // Lists that somebody put together may be in any order.
            Err(_) => self.packages.iter().find(|package| (&package.name, &package.version) == wanted),
        }
    }

    /// All releases of a package.
    pub fn releases(&self, name: &PackageRef) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(move |package| package.name == *name)
    }

    /// What a user should know about going from this lock to a new one: releases that come, go, move or change.
    /// Changed dependencies alone are not reported; they show in the releases that they lead to.
    pub fn diff(&self, new: &Self) -> Vec<Change> {
        diff::diff(self, new)
    }

    /// Brings the lists into the canonical order and drops what is there twice.
    pub fn sort(&mut self) {
        for package in &mut self.packages {
            tidy(&mut package.capabilities, &mut package.dependencies);
        }
        for source in &mut self.http {
            tidy(&mut source.capabilities, &mut source.dependencies);
        }
        self.packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        self.packages.dedup();
        self.http.sort_by_cached_key(|source| (source.url.to_string(), source.digest.to_string()));
        self.http.dedup();
    }
}

fn tidy(capabilities: &mut Vec<String>, dependencies: &mut Vec<Dependency>) {
    capabilities.sort();
    capabilities.dedup();
    dependencies.sort_by_cached_key(|one| (one.package.clone(), one.req.to_string(), one.version.clone()));
    dependencies.dedup();
}

/// The longest piece of a lock that a message repeats, in characters.
const MAX_SHOWN: usize = 100;

/// A piece of a lock as a message may repeat it: on one line, of bounded length, without control characters.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(MAX_SHOWN)
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
