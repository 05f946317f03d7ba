//! A release against what is published already: its own version, and its neighbours in the series.
//!
//! Within a series (`1.x`, `0.3.x`) a higher release stands for every lower one, because that is what a resolver does
//! with them. So a new release is compared with the nearest lower one, for which it has to stand, and with the nearest
//! higher one, which has to stand for it. Both have been compared with their own neighbours, so that the two nearest
//! ones suffice.
//!
//! Pre-releases are neither compared nor compared with: they promise nothing, and nobody gets one without asking for
//! it. Yanked releases are passed over: nobody comes to them any more, and what was wrong with one may be that it broke
//! the series.

use std::sync::Arc;

use bytes::Bytes;
use semver::Version;
use spin_deps_component::{Comparison, Kind, Outline, compare, compare_packages, compatible};
use spin_deps_registry::{Content, Error as RegistryError, Listed, Listing, Registries, ReleaseInfo};
use wasm_pkg_common::registry::Registry;

use super::{Neighbour, PublishOutcome, file, file::PublishedFile};
use crate::Error;

/// Whether the very same bytes are published under this version; an error if others are.
pub(super) async fn is_there(registries: &Registries, release: &PublishOutcome) -> Result<bool, Error> {
    let (package, version, registry) = (&release.package, &release.version, &release.registry);
    let there = match registries.release(package, version, registry).await {
        Err(RegistryError::Offline { .. }) => None,
        // What is there cannot be used, but it is there.
        Err(RegistryError::UnsupportedArtifact { .. }) => {
            return Err(exists(release, None).into());
        }
        other => other?,
    };
    match there {
        None => Ok(false),
        Some(there) if there.digest == release.digest => Ok(true),
        Some(there) => Err(exists(release, Some(there)).into()),
    }
}

fn exists(release: &PublishOutcome, there: Option<ReleaseInfo>) -> RegistryError {
    RegistryError::AlreadyExists {
        package: release.package.clone().into(),
        version: release.version.clone().into(),
        registry: release.registry.to_string(),
        digest: there.map(|there| there.digest),
    }
}

/// The nearest releases of the series below and above `version`.
fn nearest<'a>(version: &Version, listed: &'a [Listed]) -> (Option<&'a Version>, Option<&'a Version>) {
    // Two builds of one version are the same to a resolver.
    let key = |version: &Version| (version.major, version.minor, version.patch);
    let series = || {
        let usable = listed.iter().filter(|it| !it.yanked && it.version.pre.is_empty());
        usable.map(|it| &it.version).filter(|other| compatible(&release_of(other), &release_of(version)))
    };
    let lower = series().filter(|other| key(other) < key(version)).max();
    let higher = series().filter(|other| key(other) > key(version)).min();
    (lower, higher)
}

fn release_of(version: &Version) -> Version {
    Version::new(version.major, version.minor, version.patch)
}

/// A release to compare with.
enum Other<'a> {
    /// One that is published by the same call.
    New(&'a PublishedFile),
    /// One that is there.
    Published(Box<Content>),
}

impl Other<'_> {
    async fn outline(&self, registries: &Registries) -> Result<Arc<Outline>, Error> {
        let content = match self {
            Self::New(file) => return Ok(Arc::clone(&file.outline)),
            Self::Published(content) => content,
        };
        let release = format!("{} {}", content.package, content.version);
        let outline = registries.read(content, |reader| Outline::read(reader)).await?;
        outline.map(Arc::new).map_err(|error| Error::Published { release, error })
    }

    async fn bytes(&self, registries: &Registries) -> Result<Bytes, Error> {
        match self {
            Self::New(file) => Ok(file::bytes(&file.path).await?.into()),
            Self::Published(content) => Ok(registries.fetch(content).await?),
        }
    }
}

/// Compares a release with its neighbours, those of the same call (`all`) included.
pub(super) async fn neighbours(
    registries: &Registries,
    release: &PublishedFile,
    registry: &Registry,
    all: &[PublishedFile],
) -> Result<Vec<Neighbour>, Error> {
    if !release.version.pre.is_empty() {
        return Ok(Vec::new());
    }
    let mut listed = match registries.versions(&release.package, registry).await? {
        Listing::Found(listed) => listed,
        Listing::NotFound => Vec::new(),
        Listing::Offline => {
            return Err(Error::Registry(RegistryError::Offline {
                what: format!("the list of versions of {}", release.package),
                because: registries.offline().unwrap_or_default().to_owned(),
            }));
        }
    };
    let new = all.iter().filter(|it| it.package == release.package);
    listed.extend(new.map(|it| Listed { version: it.version.clone(), yanked: false, reason: None }));
    let (lower, higher) = nearest(&release.version, &listed);
    let mut neighbours = Vec::new();
    for (version, is_lower) in [(lower, true), (higher, false)] {
        if let Some(version) = version {
            let new = all.iter().find(|it| it.package == release.package && it.version == *version);
            let other = match new {
                Some(file) => Other::New(file),
                None => Other::Published(Box::new(published(registries, release, registry, version).await?)),
            };
            neighbours.push(neighbour(registries, release, version, &other, is_lower).await?);
        }
    }
    Ok(neighbours)
}

async fn neighbour(
    registries: &Registries,
    release: &PublishedFile,
    version: &Version,
    other: &Other<'_>,
    is_lower: bool,
) -> Result<Neighbour, Error> {
    let comparison = compared(registries, release, version, other, is_lower).await?;
    let (package, own) = (&release.package, &release.version);
    let (older, newer) = if is_lower { (version, own) } else { (own, version) };
    if !comparison.breaks.is_empty() {
        return Err(Error::Incompatible {
            package: package.clone().into(),
            older: older.clone().into(),
            newer: newer.clone().into(),
            published: version.clone().into(),
            breaks: comparison.breaks.iter().map(ToString::to_string).collect(),
        });
    }
    let mut notes = Vec::new();
    let patch = older.major > 0 && (older.major, older.minor) == (newer.major, newer.minor);
    if is_lower && patch && comparison.additions.iter().any(spin_deps_component::Addition::is_feature) {
        notes.push(format!(
            "{package} {newer} has more than {older}; semver calls that a minor release, {}",
            Version::new(newer.major, newer.minor + 1, 0)
        ));
    }
    for name in &comparison.unknown {
        notes.push(format!("the export `{name}` has no form in WIT, and was not compared"));
    }
    let additions = comparison.additions.iter().map(ToString::to_string).collect();
    Ok(Neighbour { version: version.clone(), additions, notes })
}

/// What is known of a published release.
async fn published(
    registries: &Registries,
    release: &PublishedFile,
    registry: &Registry,
    version: &Version,
) -> Result<Content, Error> {
    let package = &release.package;
    let info = registries.release(package, version, registry).await?;
    let info = info.ok_or_else(|| Error::Unknown {
        message: format!("{package} {version} is listed by its registry, but it is not there"),
        hint: Some("`--skip-semver-check` publishes without a look at it".into()),
    })?;
    Ok(Content::of(package, version, registry, &info))
}

async fn compared(
    registries: &Registries,
    release: &PublishedFile,
    version: &Version,
    other: &Other<'_>,
    is_lower: bool,
) -> Result<Comparison, Error> {
    let there = other.outline(registries).await?;
    if (there.kind(), release.inspection.kind) != (Kind::WitPackage, Kind::WitPackage) {
        let own = Arc::clone(&release.outline);
        let work = move || if is_lower { compare(&there, &own) } else { compare(&own, &there) };
        return Ok(tokio::task::spawn_blocking(work).await?);
    }
    let there = other.bytes(registries).await?;
    let own = file::bytes(&release.path).await?;
    let work = move || if is_lower { compare_packages(&there, &own) } else { compare_packages(&own, &there) };
    let comparison = tokio::task::spawn_blocking(work).await?;
    comparison.map_err(|error| Error::NotCompared {
        release: format!("{} {}", release.package, release.version),
        other: version.to_string(),
        error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_the_nearest_of_the_series_that_anyone_gets() {
        let listed: Vec<Listed> =
            ["0.3.1", "0.3.4", "0.4.0", "1.0.0", "1.1.0", "1.2.0-rc.1", "1.2.0!", "1.4.0", "2.0.0"]
                .iter()
                .map(|text| Listed {
                    version: text.trim_end_matches('!').parse().unwrap(),
                    yanked: text.ends_with('!'),
                    reason: None,
                })
                .collect();
        let of = |version: &str| {
            let (lower, higher) = nearest(&version.parse().unwrap(), &listed);
            [lower, higher].map(|it| it.map(ToString::to_string).unwrap_or_default()).join(" ")
        };
        assert_eq!(of("1.3.0"), "1.1.0 1.4.0");
        assert_eq!(of("1.4.0+build"), "1.1.0 ", "the same version in another build is no neighbour");
        assert_eq!(of("0.3.2"), "0.3.1 0.3.4");
        assert_eq!(of("0.4.0"), " ");
        assert_eq!(of("3.0.0"), " ");
        assert_eq!(of("0.0.7"), " ");
        assert_eq!(of("0.9.0"), " ", "below 1.0 a minor version is a series of its own");
    }
}
