//! `spin-deps.lock`: which releases an app uses, by digest, and what each of them can reach.
//!
//! The file is TOML beside `spin.toml` and is committed. It is written for two readers. A machine gets the same
//! answer tomorrow: every release with its version, its registry and the digest of its content. A person gets
//! a diff that can be reviewed: packages in order, one dependency a line, and the capabilities
//! of each package, so that an update that reaches for more shows up as a changed line.
//!
//! ```toml
//! # Written by spin-deps. Commit this file and do not edit it.
//! # After a merge conflict, run `spin-deps lock`.
//! version = 1
//!
//! [[override]]              # what spin.toml puts in the place of a package
//! name = "acme:salt"
//! path = "../salt/salt.wasm"   # or `req`, and `package` and `registry` where they are others
//! replaces = ["0.3.1"]      # what a file took the place of
//!
//! [[package]]
//! name = "acme:auth"
//! version = "1.1.0"
//! registry = "registry.example.com"
//! digest = "sha256:…"       # of the Wasm
//! manifest = "sha256:…"     # of the OCI manifest, where there is one
//! signers = { operator = "sha256:…", author = "sha256:…" }  # where the registry speaks warg
//! size = 20480              # of the Wasm, in bytes
//! capabilities = ["environment"]
//! imports = [               # of the host, where they reach for something: absent if none does
//!     "wasi:cli/environment@0.2.0",
//! ]
//! granted = [               # what it gets of that: absent if nothing
//!     { to = "api", capabilities = ["environment"] },
//! ]
//! dependencies = [
//!     { package = "acme:hash", req = "^1.2.0", version = "1.4.0" },
//! ]
//! overridden = [            # where it needs a package that is overridden
//!     { package = "acme:salt", req = "^0.3.0" },
//! ]
//!
//! [[http]]
//! url = "https://example.com/greeter.wasm"
//! digest = "sha256:…"
//! size = 1024
//! capabilities = []
//! dependencies = []
//!
//! [[environment]]           # what the app has to fit, for each of its `targets`
//! name = "spin-up:3.6"      # or `url`, or `path` to a file of the project, which has no digest
//! digest = "sha256:…"       # of the definition
//! packages = [              # where its worlds are: in a `registry`, or under an OCI `reference`
//!     { package = "spin:up", version = "3.6.0", registry = "spinframework.dev", digest = "sha256:…", size = 2048 },
//! ]
//! ```
//!
//! The text is canonical: equal locks give equal bytes. What is read may be in any order, since people do merge and
//! edit, but must be sound: nothing unknown, nothing twice, every dependency on a package
//! of the lock in a version that it accepts, every package from one registry and one author. A mistake is an error
//! with its place, never a guess.
//!
//! What a release reaches for is known from its bytes, and what it gets of that from the manifest. Both are here, because
//! a reviewer looks here: content that imports more than its entry says is refused, and a manifest that grants more or
//! less does not fit the lock. Entries of before these two were recorded have neither, and are completed when the lock is
//! written the next time.
//!
//! What a release needs is recorded as its author wrote it, also where an override meets the need: so the edges stay true
//! when overrides come and go, and are never asked for again.

mod diff;
mod environment;
mod error;
mod read;
mod write;

use std::fmt;

use url::Url;
use wasm_pkg_common::digest::ContentDigest;
use wasm_pkg_common::package::{PackageRef, Version, VersionReq};
use wasm_pkg_common::registry::Registry;

pub use diff::Change;
pub use environment::{Environment, EnvironmentRef, WitPackage, WitSource};
pub use error::LockError;
pub use read::salvage::Salvage;

/// The name of the file, beside `spin.toml`.
pub const FILE_NAME: &str = "spin-deps.lock";

/// The version of the format that is written, and the only one that is read.
pub const FORMAT_VERSION: i64 = 1;

/// What an app uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lockfile {
    /// What the packages were chosen under. Read from a text they are sorted by name, each there once.
    pub overrides: Vec<Override>,
    /// Releases from registries. Read from a text they are sorted by name and version, each there once.
    pub packages: Vec<Package>,
    /// Components fetched by URL. Read from a text they are sorted by URL and digest, each there once.
    pub http: Vec<HttpSource>,
    /// What the app has to fit. Read from a text they are sorted, each there once.
    pub environments: Vec<Environment>,
}

/// What takes the place of a package everywhere in the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The package.
    pub name: PackageRef,
    /// What takes its place.
    pub by: Replacement,
    /// The versions that were locked when a file took their place, to go back to. Read from a text they are sorted.
    pub replaces: Vec<Version>,
}

/// What takes the place of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// A file, as `spin.toml` names it. Its content is not locked.
    Path(String),
    /// A release.
    Release {
        /// Its package, which may be the same.
        package: PackageRef,
        /// The versions that would do, in place of what anybody else requires.
        req: VersionReq,
        /// The registry that the override names, if it does.
        registry: Option<Registry>,
    },
}

impl Override {
    /// Whether a file takes the place of the package.
    pub fn is_link(&self) -> bool {
        matches!(self.by, Replacement::Path(_))
    }
}

impl fmt::Display for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(&shown(path)),
            Self::Release { package, req, registry: None } => write!(f, "{package} {req}"),
            Self::Release { package, req, registry: Some(registry) } => {
                write!(f, "{package} {req} from {registry}")
            }
        }
    }
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
    /// The interfaces of the host that it imports and that a host may deny, with their versions. Read from a text they
    /// are sorted.
    pub imports: Vec<String>,
    /// What it is granted of that. Read from a text they are sorted.
    pub granted: Vec<Granted>,
    /// What it needs. Read from a text they are sorted.
    pub dependencies: Vec<Dependency>,
    /// What it needs of packages that are overridden. Read from a text they are sorted.
    pub overridden: Vec<Need>,
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
    /// The interfaces of the host that it imports and that a host may deny, with their versions. Read from a text they
    /// are sorted.
    pub imports: Vec<String>,
    /// What it is granted of that. Read from a text they are sorted.
    pub granted: Vec<Granted>,
    /// What it needs. Read from a text they are sorted.
    pub dependencies: Vec<Dependency>,
    /// What it needs of packages that are overridden. Read from a text they are sorted.
    pub overridden: Vec<Need>,
}

/// What a release is granted where it is composed into a component of the app, its middleware included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Granted {
    /// The id of the app's component.
    pub to: String,
    /// The capabilities that pass, of those that the release can use, itself or through what it needs; or
    /// [`EVERYTHING`]. Read from a text they are sorted.
    pub capabilities: Vec<String>,
}

/// Stands among the capabilities for a grant of everything, where what is granted it imports an interface of the host
/// that no capability covers.
pub const EVERYTHING: &str = "all";

/// A need, whatever meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The package.
    pub package: PackageRef,
    /// The versions that would do.
    pub req: VersionReq,
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

impl Package {
    /// What it needs, whatever meets it.
    pub fn needs(&self) -> impl Iterator<Item = (&PackageRef, &VersionReq)> {
        needs(&self.dependencies, &self.overridden)
    }
}

impl HttpSource {
    /// What it needs, whatever meets it.
    pub fn needs(&self) -> impl Iterator<Item = (&PackageRef, &VersionReq)> {
        needs(&self.dependencies, &self.overridden)
    }
}

fn needs<'a>(
    dependencies: &'a [Dependency],
    overridden: &'a [Need],
) -> impl Iterator<Item = (&'a PackageRef, &'a VersionReq)> {
    let met = dependencies.iter().map(|it| (&it.package, &it.req));
    met.chain(overridden.iter().map(|it| (&it.package, &it.req)))
}

impl Lockfile {
    /// Reads and checks the text of a lock.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        read::lockfile(text)
    }

    /// Reads what is sound of the text of a lock, also of one that a merge left with conflict markers or with entries
    /// that do not fit together. An error where it is wrong in a way that no merge makes, or where the two sides take
    /// a package from different registries or signers.
    pub fn salvage(text: &str) -> Result<Salvage, LockError> {
        read::salvage::salvage(text)
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
        self.overrides.iter_mut().for_each(|it| {
            it.replaces.sort();
            it.replaces.dedup();
        });
        self.overrides.sort_by(|a, b| a.name.cmp(&b.name));
        self.overrides.dedup();
        for package in &mut self.packages {
            tidy(&mut package.dependencies, &mut package.overridden);
            tidy_reach(&mut package.capabilities, &mut package.imports, &mut package.granted);
        }
        for source in &mut self.http {
            tidy(&mut source.dependencies, &mut source.overridden);
            tidy_reach(&mut source.capabilities, &mut source.imports, &mut source.granted);
        }
        self.packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        self.packages.dedup();
        self.http.sort_by_cached_key(|source| (source.url.to_string(), source.digest.to_string()));
        self.http.dedup();
        self.environments.iter_mut().for_each(Environment::sort);
        self.environments.sort_by(|a, b| a.target.cmp(&b.target));
        self.environments.dedup();
    }
}

fn tidy_reach(capabilities: &mut Vec<String>, imports: &mut Vec<String>, granted: &mut Vec<Granted>) {
    for names in [capabilities, imports].into_iter().chain(granted.iter_mut().map(|it| &mut it.capabilities))
    {
        names.sort();
        names.dedup();
    }
    granted.sort();
    granted.dedup();
}

fn tidy(dependencies: &mut Vec<Dependency>, overridden: &mut Vec<Need>) {
    dependencies.sort_by_cached_key(|one| (one.package.clone(), one.req.to_string(), one.version.clone()));
    dependencies.dedup();
    overridden.sort_by_cached_key(|one| (one.package.clone(), one.req.to_string()));
    overridden.dedup();
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
