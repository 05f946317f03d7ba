//! Whether a release can stand for an older one.
//!
//! **Components.** What was built against the older release imports its exports. So every export must still be there,
//! under a name that fits by the rules of composition (another version of the interface on the same semver track), and
//! its type must be a subtype by the component model's rules, those by which a composition is checked: an interface
//! may gain functions and types, and a component interfaces; a function that is gone, or has another type, is a break.
//! Imports break nobody: they are resolved, locked and granted anew for each release. A new one is worth knowing and
//! is told as an addition.
//!
//! **WIT packages.** What was built against an interface calls or implements it, and both go on with an interface that
//! gained functions as far as semver is concerned: an implementation names the version that it implements. A function
//! or type that is gone or changed is a break. Worlds are compared by `wit-component`, for which a component of the
//! older world must be one of the newer world as well.
//!
//! The types of values and functions are compared for equality, because runtimes support no other subtypes of them, and
//! they are compared as WIT text, item by item: so all differences are found and can be shown, and what is large about
//! a component, its code, need not be in memory.

use std::{collections::HashSet, fmt};

use wasm_pkg_common::package::Version;
use wit_parser::{PackageId, Resolve, decoding::DecodedWasm};

use crate::{
    Difference, InspectError, Kind, Outline, Types,
    compose::mismatch::{Owners, differences, plain_difference},
    guard::{chain, guarded},
    name::candidates,
    wit::surface::{Entry, Scope, Surface},
};

/// How a release differs from an older one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What no longer works for those who use the older one; empty if it can stand for it.
    pub breaks: Vec<Break>,
    /// What the newer one has and the older one has not.
    pub additions: Vec<Addition>,
    /// Exports that could not be compared, because WIT has no form for what they are.
    pub unknown: Vec<String>,
}

/// One thing that no longer works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Break {
    /// It is something else altogether.
    Kind {
        /// What it was, with its article.
        older: &'static str,
        /// What it is.
        newer: &'static str,
    },
    /// An export, an interface or a world is gone.
    Missing {
        /// "export", "interface" or "world".
        what: &'static str,
        /// Its name in the older release.
        name: String,
    },
    /// A type or function is gone or has changed.
    Changed {
        /// The export or interface.
        name: String,
        /// Where they differ: `expected` is what the older one has, `found` what the newer one has.
        difference: Difference,
    },
    /// A world no longer fits.
    World {
        /// The world.
        name: String,
        /// Why, in the checker's words.
        reason: String,
    },
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { older, newer } => write!(f, "it was {older}, and is {newer}"),
            Self::Missing { what, name } => write!(f, "the {what} `{name}` is gone"),
            Self::Changed { name, difference: Difference::Item { what, item, expected, found } } => {
                match found {
                    Some(found) => write!(
                        f,
                        "`{name}`: the {what} `{item}` has changed\n    was {expected}\n    is  {found}"
                    ),
                    None => write!(f, "`{name}`: the {what} `{item}` is gone\n    was {expected}"),
                }
            }
            Self::Changed { name, difference: Difference::Other(detail) } => write!(f, "`{name}`: {detail}"),
            Self::World { name, reason } => write!(f, "the world `{name}`: {reason}"),
        }
    }
}

/// One thing that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addition {
    /// An export or an interface, by its name.
    Export(String),
    /// A type or function.
    Item {
        /// The export or interface.
        name: String,
        /// "function", "type", "method".
        what: &'static str,
        /// Its name.
        item: String,
    },
    /// An import, which the older one did not need.
    Import(String),
    /// A world of a WIT package.
    World(String),
}

impl Addition {
    /// Whether users get more than the older release gave them, which semver calls a minor release.
    pub fn is_feature(&self) -> bool {
        !matches!(self, Self::Import(_))
    }
}

impl fmt::Display for Addition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Export(name) => write!(f, "exports `{name}`"),
            Self::Item { name, what, item } => write!(f, "adds the {what} `{item}` to `{name}`"),
            Self::Import(name) => write!(f, "imports `{name}`"),
            Self::World(name) => write!(f, "has the world `{name}`"),
        }
    }
}

/// Why two releases could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum SemverError {
    /// One of them is not valid.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// One of them has something that the comparison does not know.
    #[error("they cannot be compared: {0}")]
    Unsupported(String),
}

/// Compares a component with an older one. Of WIT packages only the interfaces are compared, of core modules nothing;
/// see [`compare_packages`].
pub fn compare(older: &Outline, newer: &Outline) -> Comparison {
    compare_types(&Types::of(older), &Types::of(newer))
}

/// The same from their types alone.
pub fn compare_types(older: &Types, newer: &Types) -> Comparison {
    let (before, after) = (older.kind(), newer.kind());
    match after {
        _ if before != after => {
            let kind = Break::Kind { older: before.described(), newer: after.described() };
            Comparison { breaks: vec![kind], ..Comparison::default() }
        }
        Kind::Component => components(older.surface(), newer.surface()),
        Kind::WitPackage => interfaces(older.surface(), newer.surface()),
        Kind::CoreModule => Comparison::default(),
    }
}

/// Compares an encoded WIT package with an older one, its worlds included.
pub fn compare_packages(older: &[u8], newer: &[u8]) -> Result<Comparison, SemverError> {
    let (before, after) = (Outline::read(older)?, Outline::read(newer)?);
    let mut comparison = compare(&before, &after);
    if (before.kind(), after.kind()) == (Kind::WitPackage, Kind::WitPackage) {
        worlds(older, newer, &mut comparison)?;
    }
    Ok(comparison)
}

fn components(before: &Surface, after: &Surface) -> Comparison {
    let mut comparison = Comparison::default();
    let mut kept = HashSet::new();
    for (name, entry) in &before.exports {
        let Some(other) = candidates(name, after.exports.keys().map(String::as_str)).into_iter().next()
        else {
            comparison.breaks.push(Break::Missing { what: "export", name: name.clone() });
            continue;
        };
        kept.insert(other.to_owned());
        match (entry, after.exports.get(other)) {
            (Entry::Interface(wanted), Some(Entry::Interface(offered))) => {
                comparison.interface(name, (before, *wanted), (after, *offered), Owners::Compatible);
            }
            (Entry::Function(wanted), Some(Entry::Function(offered))) => {
                let difference = plain_difference((before, name, wanted), (after, other, offered));
                let changed = |difference| Break::Changed { name: name.clone(), difference };
                comparison.breaks.extend(difference.map(changed));
            }
            _ => comparison.unknown.push(name.clone()),
        }
    }
    let fresh = after.exports.keys().filter(|name| !kept.contains(*name));
    comparison.additions.extend(fresh.cloned().map(Addition::Export));
    for import in after.imports.keys() {
        if candidates(import, before.imports.keys().map(String::as_str)).is_empty() {
            comparison.additions.push(Addition::Import(import.clone()));
        }
    }
    comparison
}

impl Comparison {
    /// Compares one interface; each is given by its surface and the index of its scope there.
    fn interface(&mut self, name: &str, older: (&Surface, usize), newer: (&Surface, usize), owners: Owners) {
        let is_broken = |(surface, scope): (&Surface, usize)| {
            surface.scopes.get(scope).is_none_or(|scope: &Scope| scope.broken.is_some())
        };
        if is_broken(older) || is_broken(newer) {
            self.unknown.push(name.to_owned());
        }
        let found = differences(older, newer, owners).into_iter();
        self.breaks.extend(found.map(|difference| Break::Changed { name: name.to_owned(), difference }));
        // The same comparison the other way round: only what the older one has not at all is new.
        let gained = differences(newer, older, owners).into_iter();
        self.additions.extend(gained.filter_map(|difference| match difference {
            Difference::Item { what, item, found: None, .. } => {
                Some(Addition::Item { name: name.to_owned(), what, item })
            }
            _ => None,
        }));
    }
}

fn interfaces(before: &Surface, after: &Surface) -> Comparison {
    let mut comparison = Comparison::default();
    let named = |surface: &Surface, interface: &str| {
        let found = surface.exports.iter().find(|(name, _)| interface_of(name) == interface);
        found.and_then(|(_, entry)| match entry {
            Entry::Interface(scope) => Some(*scope),
            _ => None,
        })
    };
    for (name, entry) in &before.exports {
        let Entry::Interface(wanted) = entry else { continue };
        match named(after, interface_of(name)) {
            Some(offered) => {
                comparison.interface(name, (before, *wanted), (after, offered), Owners::AnyVersion);
            }
            None => comparison.breaks.push(Break::Missing { what: "interface", name: name.clone() }),
        }
    }
    let fresh = after.exports.keys().filter(|name| named(before, interface_of(name)).is_none());
    comparison.additions.extend(fresh.cloned().map(Addition::Export));
    comparison
}

/// The interface's name without package and version.
fn interface_of(name: &str) -> &str {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    name.split_once('/').map_or(name, |(_, interface)| interface)
}

fn worlds(older: &[u8], newer: &[u8], comparison: &mut Comparison) -> Result<(), SemverError> {
    let (mut before, old_package) = decoded(older)?;
    let (mut resolve, new_package) = decoded(newer)?;
    let names = |resolve: &Resolve, package: PackageId| -> Vec<String> {
        resolve.packages.get(package).map(|it| it.worlds.keys().cloned().collect()).unwrap_or_default()
    };
    let (old_names, new_names) = (names(&before, old_package), names(&resolve, new_package));
    let fresh = new_names.iter().filter(|name| !old_names.contains(name));
    comparison.additions.extend(fresh.cloned().map(Addition::World));
    if old_names.is_empty() {
        return Ok(());
    }
    rename(&mut before, old_package);
    let merged = guarded(|| resolve.merge(before).map_err(|error| format!("{error:#}")));
    let merged = merged.and_then(|result| result).map_err(SemverError::Unsupported)?;
    let old_package = merged.packages.get(old_package.index()).copied();
    for name in old_names {
        let world = |package: Option<PackageId>| {
            resolve.packages.get(package?).and_then(|package| package.worlds.get(&name).copied())
        };
        let (Some(old), new) = (world(old_package), world(Some(new_package))) else { continue };
        let Some(new) = new else {
            comparison.breaks.push(Break::Missing { what: "world", name });
            continue;
        };
        let checked = guarded(|| wit_component::semver_check(resolve.clone(), old, new));
        match checked.map_err(SemverError::Unsupported)? {
            Ok(()) => {}
            Err(error) => {
                let reason = chain(error.as_ref()).lines().collect::<Vec<_>>().join(", ");
                comparison.breaks.push(Break::World { name, reason });
            }
        }
    }
    Ok(())
}

fn decoded(bytes: &[u8]) -> Result<(Resolve, PackageId), SemverError> {
    let decoded = guarded(|| wit_parser::decoding::decode(bytes)).map_err(SemverError::Unsupported)?;
    match decoded.map_err(|error| SemverError::Unsupported(format!("{error:#}")))? {
        DecodedWasm::WitPackage(resolve, package) => Ok((resolve, package)),
        DecodedWasm::Component(..) => Err(SemverError::Unsupported("it is not a WIT package".to_owned())),
    }
}

/// Gives the package a version that no other has, so that the two can lie in one `Resolve` whatever versions their
/// authors wrote. The check of worlds takes no notice of versions.
fn rename(resolve: &mut Resolve, package: PackageId) {
    let Some(found) = resolve.packages.get_mut(package) else { return };
    let before = found.name.clone();
    found.name.version = Version::parse("0.0.0-older.release").ok();
    let after = found.name.clone();
    resolve.package_names.shift_remove(&before);
    resolve.package_names.insert(after, package);
}
