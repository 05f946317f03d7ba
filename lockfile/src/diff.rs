//! What changes from one lock to another, in the terms of a review.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use url::Url;
use wasm_pkg_common::digest::ContentDigest;
use wasm_pkg_common::package::{PackageRef, Version};
use wasm_pkg_common::registry::Registry;

use crate::{EnvironmentRef, Granted, HttpSource, Lockfile, Override, Package, Replacement, shown};

/// A difference between two locks. `Display` tells it in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Something takes the place of a package that did not before.
    Overridden {
        /// The package.
        name: PackageRef,
        /// By what.
        by: Replacement,
    },
    /// Nothing takes the place of a package any more.
    NotOverridden {
        /// The package.
        name: PackageRef,
    },
    /// A release that was not there, nor another of its package to take its place.
    Added {
        /// The package.
        name: PackageRef,
        /// Its version.
        version: Version,
        /// What it can reach.
        capabilities: Vec<String>,
    },
    /// A release that is gone without another to take its place.
    Removed {
        /// The package.
        name: PackageRef,
        /// Its version.
        version: Version,
    },
    /// A release that took the place of another of its package.
    Updated {
        /// The package.
        name: PackageRef,
        /// The version before.
        from: Version,
        /// The version now, which may be lower.
        to: Version,
        /// What it can reach now and could not before.
        gained: Vec<String>,
        /// What it could reach before and cannot now.
        lost: Vec<String>,
    },
    /// A release of the same version that is not the same: releases do not change, so somebody should look.
    Altered {
        /// The package.
        name: PackageRef,
        /// Its version.
        version: Version,
        /// Where it was found before and is found now, if that changed.
        registry: Option<(Registry, Registry)>,
        /// Its content before and now, if that changed.
        digest: Option<(ContentDigest, ContentDigest)>,
        /// Whether others answer for it than before.
        signers: bool,
        /// What it can reach now and could not before.
        gained: Vec<String>,
        /// What it could reach before and cannot now.
        lost: Vec<String>,
    },
    /// A component of the app passes on something else to what is composed into it.
    Granted {
        /// What it is passed on to: a release, or a URL.
        what: String,
        /// The component's id.
        by: String,
        /// The capabilities that pass now and did not before.
        more: Vec<String>,
        /// The capabilities that passed before and do not now.
        less: Vec<String>,
    },
    /// A URL that was not there.
    HttpAdded {
        /// Where it is found.
        url: Url,
        /// What it can reach.
        capabilities: Vec<String>,
    },
    /// A URL that is gone.
    HttpRemoved {
        /// Where it was found.
        url: Url,
    },
    /// A URL with other content or capabilities.
    HttpAltered {
        /// Where it is found.
        url: Url,
        /// Its content before and now, if that changed.
        digest: Option<(ContentDigest, ContentDigest)>,
        /// What it can reach now and could not before.
        gained: Vec<String>,
        /// What it could reach before and cannot now.
        lost: Vec<String>,
    },
    /// An environment that was not there.
    EnvironmentAdded {
        /// How the manifest names it.
        target: EnvironmentRef,
    },
    /// An environment that is gone.
    EnvironmentRemoved {
        /// How the manifest named it.
        target: EnvironmentRef,
    },
    /// An environment with another definition, or with other packages of WIT.
    EnvironmentAltered {
        /// How the manifest names it.
        target: EnvironmentRef,
    },
}

impl Change {
    /// What can be reached after the change and could not before.
    pub fn gained(&self) -> &[String] {
        match self {
            Self::Added { capabilities, .. } | Self::HttpAdded { capabilities, .. } => capabilities,
            Self::Updated { gained, .. }
            | Self::Altered { gained, .. }
            | Self::HttpAltered { gained, .. } => gained,
            Self::Overridden { .. }
            | Self::NotOverridden { .. }
            | Self::Granted { .. }
            | Self::Removed { .. }
            | Self::HttpRemoved { .. }
            | Self::EnvironmentAdded { .. }
            | Self::EnvironmentRemoved { .. }
            | Self::EnvironmentAltered { .. } => &[],
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lost: &[String] = match self {
            Self::Overridden { name, by } => {
                write!(f, "override {name} by {by}")?;
                &[]
            }
            Self::NotOverridden { name } => {
                write!(f, "no longer override {name}")?;
                &[]
            }
            Self::Granted { what, by, more, less } => {
                let parts = [("now granted", more), ("no longer granted", less)];
                let parts = parts.iter().filter(|(_, keys)| !keys.is_empty());
                let parts: Vec<_> = parts.map(|(word, keys)| format!("{word} {}", listed(keys))).collect();
                write!(f, "{what} is {} by component {}", parts.join(" and "), shown(by))?;
                &[]
            }
            Self::Added { name, version, .. } => {
                write!(f, "add {name} {version}")?;
                &[]
            }
            Self::Removed { name, version } => {
                write!(f, "remove {name} {version}")?;
                &[]
            }
            Self::Updated { name, from, to, lost, .. } => {
                let word = if from < to { "update" } else { "downgrade" };
                write!(f, "{word} {name} {from} → {to}")?;
                lost
            }
            Self::Altered { name, version, registry, digest, signers, lost, .. } => {
                write!(f, "change {name} {version}")?;
                if let Some((from, to)) = registry {
                    write!(f, ", registry {from} → {to}")?;
                }
                content(f, digest.as_ref())?;
                if *signers {
                    write!(f, ", signed by others")?;
                }
                lost
            }
            Self::HttpAdded { url, .. } => {
                write!(f, "add {}", without_secrets(url))?;
                &[]
            }
            Self::HttpRemoved { url } => {
                write!(f, "remove {}", without_secrets(url))?;
                &[]
            }
            Self::HttpAltered { url, digest, lost, .. } => {
                write!(f, "change {}", without_secrets(url))?;
                content(f, digest.as_ref())?;
                lost
            }
            Self::EnvironmentAdded { target } => {
                write!(f, "add the environment {target}")?;
                &[]
            }
            Self::EnvironmentRemoved { target } => {
                write!(f, "remove the environment {target}")?;
                &[]
            }
            Self::EnvironmentAltered { target } => {
                write!(f, "change the environment {target}")?;
                &[]
            }
        };
        if !self.gained().is_empty() {
            write!(f, ", gains {}", listed(self.gained()))?;
        }
        if !lost.is_empty() {
            write!(f, ", loses {}", listed(lost))?;
        }
        Ok(())
    }
}

/// A URL as it may be shown: its user information and its query may be secret.
pub(crate) fn without_secrets(url: &Url) -> String {
    let mut url = url.clone();
    // Both only fail for URLs that cannot have them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    shown(url.as_str())
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ")
}

fn content(f: &mut fmt::Formatter<'_>, digest: Option<&(ContentDigest, ContentDigest)>) -> fmt::Result {
    match digest {
        Some((from, to)) => write!(f, ", content {from} → {to}"),
        None => Ok(()),
    }
}

pub(crate) fn diff(old: &Lockfile, new: &Lockfile) -> Vec<Change> {
    let mut releases: BTreeMap<&PackageRef, [Vec<&Package>; 2]> = BTreeMap::new();
    let mut sources: BTreeMap<&Url, [Vec<&HttpSource>; 2]> = BTreeMap::new();
    for (at, lock) in [old, new].into_iter().enumerate() {
        for package in &lock.packages {
            releases.entry(&package.name).or_default()[at].push(package);
        }
        for source in &lock.http {
            sources.entry(&source.url).or_default()[at].push(source);
        }
    }
    let mut changes = Vec::new();
    let was = |now: &&Override| old.overrides.iter().any(|it| it.name == now.name && it.by == now.by);
    let came = new.overrides.iter().filter(|it| !was(it));
    changes.extend(came.map(|it| Change::Overridden { name: it.name.clone(), by: it.by.clone() }));
    let gone = old.overrides.iter().filter(|it| new.overrides.iter().all(|now| now.name != it.name));
    changes.extend(gone.map(|it| Change::NotOverridden { name: it.name.clone() }));
    for (name, [gone, came]) in releases {
        package_changes(name, gone, came, &mut changes);
    }
    for (url, [gone, came]) in sources {
        http_changes(url, gone, came, &mut changes);
    }
    environment_changes(old, new, &mut changes);
    changes
}

fn environment_changes(old: &Lockfile, new: &Lockfile, changes: &mut Vec<Change>) {
    for now in &new.environments {
        let target = now.target.clone();
        match old.environments.iter().find(|it| it.target == target) {
            None => changes.push(Change::EnvironmentAdded { target }),
            Some(before) if before != now => changes.push(Change::EnvironmentAltered { target }),
            Some(_) => {}
        }
    }
    let gone = |it: &&crate::Environment| new.environments.iter().all(|now| now.target != it.target);
    let gone = old.environments.iter().filter(gone);
    changes.extend(gone.map(|it| Change::EnvironmentRemoved { target: it.target.clone() }));
}

/// Numbers that must agree for a release to take another's place without further ado.
fn bucket(version: &Version) -> (u64, u64, u64) {
    match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    }
}

/// Takes those that `matches` pairs out of both lists, and tells `each` about them.
fn pair<T>(
    gone: &mut Vec<T>,
    came: &mut Vec<T>,
    matches: impl Fn(&T, &T) -> bool,
    mut each: impl FnMut(&T, T),
) {
    gone.retain(|before| {
        let Some(at) = came.iter().position(|now| matches(before, now)) else {
            return true;
        };
        each(before, came.remove(at));
        false
    });
}

fn package_changes<'a>(
    name: &PackageRef,
    mut gone: Vec<&'a Package>,
    mut came: Vec<&'a Package>,
    changes: &mut Vec<Change>,
) {
    gone.sort_by(|a, b| a.version.cmp(&b.version));
    came.sort_by(|a, b| a.version.cmp(&b.version));
    let same = |before: &&Package, now: &&Package| before.version == now.version;
    let mut grants = Vec::new();
    pair(&mut gone, &mut came, same, |before, now| {
        changes.extend(altered(before, now));
        grants.extend(granted(&before.granted, &now.granted, &release(now)));
    });
    let mut updated = |before: &&Package, now: &Package| {
        let (gained, lost) = reach(&before.capabilities, &now.capabilities);
        let (from, to) = (before.version.clone(), now.version.clone());
        changes.push(Change::Updated { name: name.clone(), from, to, gained, lost });
        grants.extend(granted(&before.granted, &now.granted, &release(now)));
    };
    // First those that are compatible with each other, then whatever is left.
    let compatible = |before: &&Package, now: &&Package| bucket(&before.version) == bucket(&now.version);
    pair(&mut gone, &mut came, compatible, &mut updated);
    pair(&mut gone, &mut came, |_, _| true, &mut updated);
    changes.extend(
        gone.into_iter().map(|one| Change::Removed { name: name.clone(), version: one.version.clone() }),
    );
    grants.extend(came.iter().flat_map(|one| granted(&[], &one.granted, &release(one))));
    changes.extend(came.into_iter().map(|one| Change::Added {
        name: name.clone(),
        version: one.version.clone(),
        capabilities: reach(&[], &one.capabilities).0,
    }));
    changes.extend(grants);
}

fn release(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

/// What each component of the app passes on now and did not before, or the other way round.
fn granted(before: &[Granted], now: &[Granted], what: &str) -> Vec<Change> {
    let mut by: BTreeMap<&str, [&[String]; 2]> = BTreeMap::new();
    for (at, granted) in [before, now].into_iter().enumerate() {
        for it in granted {
            by.entry(&it.to).or_default()[at] = &it.capabilities;
        }
    }
    let changes = by.into_iter().map(|(by, [before, now])| {
        let (more, less) = reach(before, now);
        Change::Granted { what: what.to_owned(), by: by.to_owned(), more, less }
    });
    changes
        .filter(|it| matches!(it, Change::Granted { more, less, .. } if !more.is_empty() || !less.is_empty()))
        .collect()
}

fn altered(before: &Package, now: &Package) -> Option<Change> {
    let registry = (before.registry != now.registry).then(|| (before.registry.clone(), now.registry.clone()));
    let digest = (before.digest != now.digest).then(|| (before.digest.clone(), now.digest.clone()));
    let signers = before.signers != now.signers;
    let (gained, lost) = reach(&before.capabilities, &now.capabilities);
    let same = registry.is_none() && digest.is_none() && !signers && gained.is_empty() && lost.is_empty();
    let (name, version) = (now.name.clone(), now.version.clone());
    (!same).then_some(Change::Altered { name, version, registry, digest, signers, gained, lost })
}

fn http_changes<'a>(
    url: &Url,
    mut gone: Vec<&'a HttpSource>,
    mut came: Vec<&'a HttpSource>,
    changes: &mut Vec<Change>,
) {
    let mut grants = Vec::new();
    let mut altered = |before: &&HttpSource, now: &HttpSource| {
        grants.extend(granted(&before.granted, &now.granted, &without_secrets(url)));
        let digest = (before.digest != now.digest).then(|| (before.digest.clone(), now.digest.clone()));
        let (gained, lost) = reach(&before.capabilities, &now.capabilities);
        if digest.is_some() || !gained.is_empty() || !lost.is_empty() {
            changes.push(Change::HttpAltered { url: url.clone(), digest, gained, lost });
        }
    };
    let same = |before: &&HttpSource, now: &&HttpSource| before.digest == now.digest;
    pair(&mut gone, &mut came, same, &mut altered);
    pair(&mut gone, &mut came, |_, _| true, &mut altered);
    grants.extend(came.iter().flat_map(|one| granted(&[], &one.granted, &without_secrets(url))));
    changes.extend(gone.into_iter().map(|_| Change::HttpRemoved { url: url.clone() }));
    changes.extend(
        came.into_iter()
            .map(|one| Change::HttpAdded { url: url.clone(), capabilities: reach(&[], &one.capabilities).0 }),
    );
    changes.extend(grants);
}

/// What is in the second list only, and what is in the first only; sorted.
fn reach(before: &[String], now: &[String]) -> (Vec<String>, Vec<String>) {
    let (before, now): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), now.iter().collect());
    let gained = now.difference(&before).map(|name| (*name).clone()).collect();
    let lost = before.difference(&now).map(|name| (*name).clone()).collect();
    (gained, lost)
}
