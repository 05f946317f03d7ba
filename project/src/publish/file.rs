//! The files that are published: read whole, named, and put in order.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use semver::{Version, VersionReq};
use spin_deps_component::{Inspection, Kind, Outline, needs};
use spin_deps_registry::{Registries, Upload};
use wasm_pkg_common::package::PackageRef;

use crate::{Error, files};

/// A file that can be published.
pub(super) struct PublishedFile {
    pub(super) path: PathBuf,
    /// The registries as its project has them configured.
    pub(super) registries: Registries,
    pub(super) package: PackageRef,
    pub(super) version: Version,
    pub(super) content: Upload,
    pub(super) inspection: Inspection,
    pub(super) outline: Arc<Outline>,
    /// What it needs of other packages.
    pub(super) needs: Vec<(PackageRef, VersionReq)>,
}

impl PublishedFile {
    /// Reads a file and validates all of it, the bodies of its functions included.
    pub(super) async fn read(
        path: PathBuf,
        given: Option<&(PackageRef, Option<Version>)>,
        registries: Registries,
    ) -> Result<Self, Error> {
        let what = path.display().to_string();
        let file = path.clone();
        let read = tokio::task::spawn_blocking(move || {
            let opened = files::open_component(&file)?;
            Outline::validate(opened)
                .map_err(|error| Error::Inspect { what: file.display().to_string(), error })
        });
        let (outline, content) =
            futures::try_join!(async { read.await? }, async { Ok(Upload::of_file(&path).await?) },)?;
        if outline.size() != content.size() {
            let message = format!("{what} changed while it was read");
            return Err(Error::Unknown { message, hint: Some("publish it when it is complete".into()) });
        }
        let inspection = outline.inspection();
        if inspection.kind == Kind::CoreModule {
            return Err(Error::NotComponent { what, found: "a core module" });
        }
        let (package, version) = identity(&what, &inspection, given)?;
        let needs = match inspection.kind {
            Kind::WitPackage => Vec::new(),
            _ => needs(&inspection).into_iter().map(|need| (need.package, need.req)).collect(),
        };
        Ok(Self {
            path,
            registries,
            package,
            version,
            content,
            inspection,
            outline: Arc::new(outline),
            needs,
        })
    }

    /// Whether it needs the other one.
    pub(super) fn needs(&self, other: &Self) -> bool {
        self.needs.iter().any(|(package, req)| *package == other.package && req.matches(&other.version))
    }

    fn title(&self) -> String {
        format!("{} {}", self.package, self.version)
    }
}

/// The releases so that each comes after those that it needs; otherwise by name and version.
pub(super) fn in_order(mut releases: Vec<PublishedFile>) -> Result<Vec<PublishedFile>, Error> {
    releases.sort_by(|a, b| (&a.package, &a.version, &a.path).cmp(&(&b.package, &b.version, &b.path)));
    for pair in releases.windows(2) {
        if let [a, b] = pair
            && (&a.package, &a.version) == (&b.package, &b.version)
        {
            return Err(Error::Unknown {
                message: format!("{} and {} are both {}", a.path.display(), b.path.display(), a.title()),
                hint: Some("publish one of them, or give one another version".into()),
            });
        }
    }
    let mut ordered: Vec<PublishedFile> = Vec::new();
    while !releases.is_empty() {
        let ready = releases
            .iter()
            .position(|it| !releases.iter().any(|other| it.path != other.path && it.needs(other)));
        match ready {
            Some(index) => ordered.push(releases.remove(index)),
            None => return Err(Error::PublishCycle { releases: cycle(&releases) }),
        }
    }
    Ok(ordered)
}

/// Releases that need each other in turn, where each of `releases` needs another one of them.
fn cycle(releases: &[PublishedFile]) -> Vec<String> {
    let mut path: Vec<&PublishedFile> = releases.first().into_iter().collect();
    while let Some(last) = path.last().copied() {
        let next = releases.iter().find(|other| other.path != last.path && last.needs(other));
        let Some(next) = next else { break };
        if let Some(start) = path.iter().position(|it| it.path == next.path) {
            return path.get(start..).unwrap_or_default().iter().map(|it| it.title()).collect();
        }
        path.push(next);
    }
    path.into_iter().map(PublishedFile::title).collect()
}

/// Name and version: given, else the file's own.
fn identity(
    what: &str,
    inspection: &Inspection,
    given: Option<&(PackageRef, Option<Version>)>,
) -> Result<(PackageRef, Version), Error> {
    let hint = "give them with `--package ns:name@1.0.0`, or write them into the file's metadata";
    let missing = |part: &str| Error::Unanswered {
        message: format!("{what} does not say {part}"),
        hint: hint.to_owned(),
    };
    let package = given.map(|(package, _)| package.clone()).or_else(|| inspection.name.clone());
    let version = given.and_then(|(_, version)| version.clone()).or_else(|| inspection.version.clone());
    match (package, version) {
        (Some(package), Some(version)) => Ok((package, version)),
        (None, Some(_)) => Err(missing("which package it is")),
        (Some(_), None) => Err(missing("which version it is")),
        (None, None) => Err(missing("which package and version it is")),
    }
}

/// All bytes of a WIT package, which are few.
pub(super) async fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || files::read_component(&path)).await?
}
