//! How two releases of a package differ.
//!
//! What others can see is told: the interfaces, declaration by declaration, what it imports and can reach, what it
//! needs, and its size. From that follows by semver what the newer one should be called.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};
use serde::Serialize;
use spin_deps_component::{
    Addition, Break, Comparison, InterfaceChange, Kind, changes, compare_packages, compare_types, compatible,
};
use spin_deps_registry::{Content, Registries};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use crate::{
    Error, Looking,
    describe::{Described, choose, describe, types_of},
    info::{listed, registry_for},
};

/// A release, as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The one that the project has locked.
    Locked,
    /// The newest that is compatible with the older release.
    Compatible,
    /// The newest that the requirement admits.
    Newest(VersionReq),
}

/// How two releases differ.
#[derive(Clone, Debug, Serialize)]
pub struct ReleaseDiff {
    /// The package.
    pub package: PackageRef,
    /// The registry that has both.
    pub registry: Registry,
    /// The release that is gone on from.
    pub from: Side,
    /// The release that it is held against.
    pub to: Side,
    /// The exported interfaces that are not the same.
    pub interfaces: Vec<InterfaceChange>,
    /// The worlds of WIT packages, by name.
    pub worlds: Changed,
    /// The imports, those of the host included.
    pub imports: Changed,
    /// The keys of the capabilities that the imports reach.
    pub capabilities: Changed,
    /// What they need of other packages.
    pub dependencies: Vec<NeedChange>,
    /// What semver says of it.
    pub verdict: Verdict,
}

/// One of the two releases.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// Its version.
    pub version: Version,
    /// It was withdrawn.
    pub yanked: bool,
    /// Digest of the bytes.
    pub digest: String,
    /// Size in bytes.
    pub size: u64,
}

/// Names that came and went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Only the newer release has them.
    pub added: Vec<String>,
    /// Only the older release has them.
    pub removed: Vec<String>,
}

impl Changed {
    /// Sorted, without repetition.
    pub(crate) fn between<'a>(
        older: impl IntoIterator<Item = &'a String>,
        newer: impl IntoIterator<Item = &'a String>,
    ) -> Self {
        let (older, newer): (BTreeSet<_>, BTreeSet<_>) =
            (older.into_iter().collect(), newer.into_iter().collect());
        let only = |a: &BTreeSet<&String>, b: &BTreeSet<&String>| {
            a.difference(b).map(|name| (*name).clone()).collect()
        };
        Self { added: only(&newer, &older), removed: only(&older, &newer) }
    }

    /// Nothing came and nothing went.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// A package that is not needed as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NeedChange {
    /// The package.
    pub package: PackageRef,
    /// What the older release asks for; nothing if it does not need it. Two majors are two requirements.
    pub older: Vec<VersionReq>,
    /// What the newer release asks for.
    pub newer: Vec<VersionReq>,
}

/// How much of a change semver calls something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Nothing that users could notice in the interfaces.
    Patch,
    /// There is more than there was.
    Minor,
    /// Something that was there is gone, or another.
    Major,
}

/// What semver says of two releases.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// What the change is.
    pub change: Change,
    /// What breaks those who use the older release.
    pub breaks: Vec<String>,
    /// Those of them that the interfaces do not tell.
    #[serde(skip)]
    pub beyond: Vec<String>,
    /// What could not be compared, because WIT has no form for it.
    pub unknown: Vec<String>,
    /// What its version makes of it; none where the versions promise nothing: pre-releases, and steps down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called: Option<Called>,
}

/// What a version makes of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Called {
    /// What users expect of the version.
    pub change: Change,
    /// It is no less than what the change is.
    pub fits: bool,
    /// The lowest version that would have fitted.
    pub should_be: Version,
}

/// How two releases of a package differ.
pub async fn diff(
    looking: &Looking,
    package: &PackageRef,
    from: &Asked,
    to: &Asked,
    registry: Option<&Registry>,
) -> Result<ReleaseDiff, Error> {
    let registries = &looking.registries;
    let registry = registry_for(registries, package, registry)?;
    let listed = listed(registries, package, &registry).await?;
    let req = |asked: &Asked, older: Option<&Version>| match (asked, older) {
        (Asked::Newest(req), _) => Ok(req.clone()),
        (Asked::Compatible, Some(older)) => requirement(&format!("^{older}")),
        (Asked::Compatible | Asked::Locked, _) => match looking.locked(package).last() {
            Some(locked) => requirement(&format!("={}", locked.version)),
            None => Err(Error::Unanswered {
                message: format!("{package} is not locked here, so there is no release to go on from"),
                hint: format!("name both releases: `spin-deps diff {package}@1.0.0 1.1.0`"),
            }),
        },
    };
    let from = choose(package, &listed, Some(&req(from, None)?))?;
    let to = choose(package, &listed, Some(&req(to, Some(&from.version))?))?;
    let (from, to) = futures::try_join!(
        describe(registries, package, from, &registry),
        describe(registries, package, to, &registry)
    )?;
    let comparison = comparison(registries, &from, &to).await?;
    Ok(ReleaseDiff {
        package: package.clone(),
        registry,
        interfaces: changes(&from.types, &to.types),
        worlds: worlds(&comparison),
        imports: Changed::between(&from.imports, &to.imports),
        capabilities: Changed::between(&from.capabilities, &to.capabilities),
        dependencies: needs(&from.needs, &to.needs),
        verdict: verdict(&comparison, &from.content.version, &to.content.version),
        from: side(&from),
        to: side(&to),
    })
}

/// The exported interfaces in which one release differs from another.
pub async fn interface_changes(
    registries: &Registries,
    older: &Content,
    newer: &Content,
) -> Result<Vec<InterfaceChange>, Error> {
    let (older, newer) = futures::try_join!(types_of(registries, older), types_of(registries, newer))?;
    Ok(changes(&older, &newer))
}

fn requirement(text: &str) -> Result<VersionReq, Error> {
    text.parse().map_err(|error: semver::Error| Error::Unknown { message: error.to_string(), hint: None })
}

fn side(release: &Described) -> Side {
    let content = &release.content;
    Side {
        version: content.version.clone(),
        yanked: release.yanked,
        digest: content.digest.to_string(),
        size: content.size,
    }
}

async fn comparison(registries: &Registries, from: &Described, to: &Described) -> Result<Comparison, Error> {
    if (from.kind, to.kind) != (Kind::WitPackage, Kind::WitPackage) {
        return Ok(compare_types(&from.types, &to.types));
    }
    // Worlds are compared by what they are encoded as. WIT packages are small.
    let (older, newer) = futures::try_join!(registries.fetch(&from.content), registries.fetch(&to.content))?;
    let compared = tokio::task::spawn_blocking(move || compare_packages(&older, &newer)).await?;
    compared.map_err(|error| Error::NotCompared {
        release: format!("{} {}", from.content.package, from.content.version),
        other: to.content.version.to_string(),
        error,
    })
}

fn worlds(comparison: &Comparison) -> Changed {
    let added = comparison.additions.iter().filter_map(|it| match it {
        Addition::World(name) => Some(name.clone()),
        _ => None,
    });
    let removed = comparison.breaks.iter().filter_map(|it| match it {
        Break::Missing { what: "world", name } => Some(name.clone()),
        _ => None,
    });
    Changed { added: added.collect(), removed: removed.collect() }
}

fn needs(older: &[(PackageRef, VersionReq)], newer: &[(PackageRef, VersionReq)]) -> Vec<NeedChange> {
    let mut found = BTreeMap::<&PackageRef, (Vec<VersionReq>, Vec<VersionReq>)>::new();
    for (package, req) in older {
        found.entry(package).or_default().0.push(req.clone());
    }
    for (package, req) in newer {
        found.entry(package).or_default().1.push(req.clone());
    }
    let changed = found.into_iter().filter(|(_, (older, newer))| older != newer);
    changed.map(|(package, (older, newer))| NeedChange { package: package.clone(), older, newer }).collect()
}

fn verdict(comparison: &Comparison, from: &Version, to: &Version) -> Verdict {
    let change = if !comparison.breaks.is_empty() {
        Change::Major
    } else if comparison.additions.iter().any(Addition::is_feature) {
        Change::Minor
    } else {
        Change::Patch
    };
    let beyond = comparison.breaks.iter().filter(|it| matches!(it, Break::Kind { .. } | Break::World { .. }));
    Verdict {
        change,
        breaks: comparison.breaks.iter().map(ToString::to_string).collect(),
        beyond: beyond.map(ToString::to_string).collect(),
        unknown: comparison.unknown.clone(),
        called: called(change, from, to),
    }
}

/// What the step between two versions promises, and whether it may with such a change. Below 1.0 a minor version is
/// what a major one is above, and a patch may bring something new.
fn called(change: Change, from: &Version, to: &Version) -> Option<Called> {
    if to <= from || !from.pre.is_empty() || !to.pre.is_empty() {
        return None;
    }
    let is_minor = from.major > 0 && (from.major, from.minor) != (to.major, to.minor);
    let promised = match compatible(from, to) {
        false => Change::Major,
        true if is_minor => Change::Minor,
        true => Change::Patch,
    };
    let should_be = match (change, from.major, from.minor) {
        (Change::Major, 0, 0) => Version::new(0, 0, from.patch + 1),
        (Change::Major, 0, minor) => Version::new(0, minor + 1, 0),
        (Change::Major, major, _) => Version::new(major + 1, 0, 0),
        (Change::Minor, major, minor) if major > 0 => Version::new(major, minor + 1, 0),
        (Change::Minor | Change::Patch, major, minor) => Version::new(major, minor, from.patch + 1),
    };
    let fits = promised >= change || (from.major == 0 && change == Change::Minor);
    Some(Called { change: promised, fits, should_be })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_promises_what_semver_says() {
        let told = |change: Change, from: &str, to: &str| {
            let called = called(change, &from.parse().unwrap(), &to.parse().unwrap());
            called.map_or_else(
                || "nothing".to_owned(),
                |it| {
                    let fits = if it.fits { "fits" } else { "does not fit" };
                    format!("{:?} {fits} {}", it.change, it.should_be)
                },
            )
        };
        assert_eq!(told(Change::Minor, "1.2.3", "1.3.0"), "Minor fits 1.3.0");
        assert_eq!(told(Change::Patch, "1.2.3", "1.3.0"), "Minor fits 1.2.4");
        assert_eq!(told(Change::Minor, "1.2.3", "1.2.4"), "Patch does not fit 1.3.0");
        assert_eq!(told(Change::Major, "1.2.3", "1.3.0"), "Minor does not fit 2.0.0");
        assert_eq!(told(Change::Major, "1.2.3", "3.0.0"), "Major fits 2.0.0");
        assert_eq!(told(Change::Minor, "0.3.1", "0.3.2"), "Patch fits 0.3.2");
        assert_eq!(told(Change::Major, "0.3.1", "0.3.2"), "Patch does not fit 0.4.0");
        assert_eq!(told(Change::Major, "0.3.1", "0.4.0"), "Major fits 0.4.0");
        assert_eq!(told(Change::Major, "0.0.1", "0.0.2"), "Major fits 0.0.2");
        assert_eq!(told(Change::Major, "1.0.0", "2.0.0-rc.1"), "nothing");
        assert_eq!(told(Change::Major, "2.0.0", "1.0.0"), "nothing");
    }
}
