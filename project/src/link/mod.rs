//! `link` and `unlink`: a component under development in place of its package, and back.
//!
//! A link is an override by a file, written into `spin.toml` as by hand. It is there for all who have the manifest, and
//! the lockfile says what it took the place of, so that `unlink` goes back to that. Where the file is what the build of a
//! `component.toml` leaves, it is built anew whenever its sources changed ([`build`]).

mod build;
mod sources;

use std::path::{Path, PathBuf};

use semver::{Version, VersionReq};
use spin_deps_component::Inspection;
use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::{ComponentSource, Source};
use wasm_pkg_common::package::PackageRef;

pub use self::build::Builder;
use crate::{
    Error, Project, SyncOutcome,
    content::{Unit, component},
    files, suggest, workspace,
};

/// Where builds leave components, relative to the folder that is linked; the first that has any counts.
const OUTPUTS: [&str; 5] =
    [".", "target/wasm32-wasip2/release", "target/wasm32-wasip1/release", "dist", "build"];

/// What is to be linked, as the command line has it.
#[derive(Clone, Debug, Default)]
pub struct LinkOptions {
    /// A component's file, or the folder that it is built in, from the current directory.
    pub path: String,
    /// The package that it takes the place of; its own name if not given.
    pub package: Option<PackageRef>,
}

/// What `link` did.
#[derive(Debug)]
pub struct Linked {
    /// The package.
    pub package: PackageRef,
    /// The file, relative to the manifest.
    pub path: String,
    /// What it took the place of: releases, or another override.
    pub replaced: Vec<String>,
    /// What happened to the lockfile and the generated files.
    pub sync: SyncOutcome,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What `unlink` did.
#[derive(Debug)]
pub struct Unlinked {
    /// The package.
    pub package: PackageRef,
    /// The file that took its place.
    pub path: String,
    /// The versions that are used now.
    pub versions: Vec<Version>,
    /// What happened to the lockfile and the generated files.
    pub sync: SyncOutcome,
}

impl Project {
    /// Makes a component's file take the place of its package, and brings lockfile and WIT up to date.
    pub async fn link(&mut self, options: &LinkOptions) -> Result<Linked, Error> {
        let (path, inspection) = self.linkable(options).await?;
        let package = match &options.package {
            Some(package) => package.clone(),
            None => own_name(&path, &inspection)?,
        };
        let replaced = self.replaced(&package);
        let mut warnings = self.version_warnings(&package, &path, &inspection);
        let mut document = self.document.clone();
        document
            .set_override(&package, &Source::Path(path.clone()))
            .map_err(|error| Error::Manifest { excerpt: Box::new(self.excerpt()), error })?;
        let sync = self.write_manifest_and_sync(document).await?;
        warnings.extend(self.composition_warnings().await);
        Ok(Linked { package, path, replaced, sync, warnings })
    }

    /// Removes the link of a package, or the only one, and brings lockfile and WIT up to date. The version that was
    /// locked before is used again if it is still there and fits.
    pub async fn unlink(&mut self, package: Option<&PackageRef>) -> Result<Unlinked, Error> {
        let links: Vec<_> = self.links().map(|(it, path)| (it.package.clone(), path.to_owned())).collect();
        let names = || links.iter().map(|(package, _)| package.to_string()).collect::<Vec<_>>();
        let (package, path) = match (package, links.as_slice()) {
            (Some(package), _) => {
                let found = links.iter().find(|(linked, _)| linked == package);
                found.cloned().ok_or_else(|| Error::Unknown {
                    message: format!("{package} is not linked"),
                    hint: Some(suggest::hint(
                        &package.to_string(),
                        names().iter().map(String::as_str),
                        "the app has links of",
                    )),
                })?
            }
            (None, [only]) => only.clone(),
            (None, []) => {
                return Err(Error::Unknown {
                    message: "the app has no links".into(),
                    hint: Some("`spin-deps link PATH` makes one".into()),
                });
            }
            (None, _) => {
                return Err(Error::Unanswered {
                    message: "the app has several links".into(),
                    hint: format!("name the package: {}", names().join(", ")),
                });
            }
        };
        let mut document = self.document.clone();
        document
            .remove_override(&package)
            .map_err(|error| Error::Manifest { excerpt: Box::new(self.excerpt()), error })?;
        let sync = self.write_manifest_and_sync(document).await?;
        let versions = sync.lock.lockfile.releases(&package).map(|it| it.version.clone()).collect();
        Ok(Unlinked { package, path, versions, sync })
    }

    /// The file that is meant, relative to the manifest, and what is in it.
    async fn linkable(&self, options: &LinkOptions) -> Result<(String, Inspection), Error> {
        let place = self.settings.current_dir.join(&options.path);
        if place.join(workspace::MANIFEST).is_file() {
            return self.linkable_project(&place).await;
        }
        let files = if place.is_dir() { built(&place)? } else { vec![PathBuf::from(&options.path)] };
        let mut found = Vec::new();
        for file in files {
            let path = self.relative_to_manifest(&file.to_string_lossy())?;
            let read = self.read(&Unit::File(path.clone()), &Lockfile::default()).await?;
            // Among several files of a folder those that are no components are beside the point.
            match component(&path, read) {
                Ok(outline) => found.push((path, outline.inspection())),
                Err(error) if !place.is_dir() => return Err(error),
                Err(_) => {}
            }
        }
        if let (Some(package), true) = (&options.package, found.len() > 1) {
            let name = package.to_string();
            found.retain(|(_, inspection)| inspection.metadata.name.as_ref() == Some(&name));
        }
        match found.len() {
            1 => Ok(found.swap_remove(0)),
            0 => Err(Error::Unknown {
                message: format!("there is no component in `{}`", options.path),
                hint: Some("build it first, or name the file that the build makes".into()),
            }),
            _ => Err(Error::Unanswered {
                message: format!("there are several components in `{}`", options.path),
                hint: format!(
                    "name one of them: {}",
                    found.iter().map(|(path, _)| format!("`{path}`")).collect::<Vec<_>>().join(", ")
                ),
            }),
        }
    }

    /// What the build of a component's folder leaves, built if it has to be.
    async fn linkable_project(&self, folder: &Path) -> Result<(String, Inspection), Error> {
        let folder = fs_err::canonicalize(folder)?;
        let document = workspace::read(&folder.join(workspace::MANIFEST))?;
        let source = match document.manifest().components.values().next().map(|it| &it.source) {
            Some(ComponentSource::Path(source)) if document.manifest().authored.is_some() => source,
            _ => {
                return Err(Error::Unknown {
                    message: format!("{} has no component of its own", folder.display()),
                    hint: Some("link the folder of one of its members".into()),
                });
            }
        };
        if self.builder.is_some() {
            self.bring_up_to_date(&folder).await?;
        }
        let base = fs_err::canonicalize(self.directory())?;
        let path = files::relative(&base, &folder.join(source.trim_start_matches("./")));
        let read = self.read(&Unit::File(path.clone()), &Lockfile::default()).await?;
        Ok((path.clone(), component(&path, read)?.inspection()))
    }

    /// What stands for a package now.
    fn replaced(&self, package: &PackageRef) -> Vec<String> {
        let overrides = self.overrides();
        if let Some(before) =
            overrides.locked(&Lockfile::default()).into_iter().find(|it| it.name == *package)
        {
            return vec![before.by.to_string()];
        }
        let releases = self.lock.iter().flat_map(|lock| lock.releases(package));
        releases.map(|it| format!("{} {}", it.name, it.version)).collect()
    }

    /// Says who asks for another version than the file says that it is.
    fn version_warnings(&self, package: &PackageRef, path: &str, inspection: &Inspection) -> Vec<String> {
        let Some(version) = inspection.metadata.version.as_ref().and_then(|it| Version::parse(it).ok())
        else {
            return Vec::new();
        };
        let entries = self.manifest().components.iter().flat_map(|(id, component)| {
            let sources = component.dependencies.iter().map(|it| &it.source);
            sources.map(move |source| (format!("component `{id}`"), source))
        });
        let middleware = self.manifest().triggers.iter().flat_map(|trigger| {
            let sources = trigger.middleware.iter().map(|it| &it.source);
            sources.map(move |source| (format!("trigger `{}`", trigger.id), source))
        });
        let asked = entries.chain(middleware).filter_map(|(who, source)| match source {
            Source::Registry { package: asked, req, .. } if asked == package => Some((who, req)),
            _ => None,
        });
        let locked = self.lock.iter().flat_map(|lock| &lock.packages).flat_map(|locked| {
            let needs = locked.needs().filter(|(needed, _)| *needed == package);
            needs.map(move |(_, req)| (format!("{} {}", locked.name, locked.version), req))
        });
        let wrong = asked.chain(locked).filter(|(_, req): &(String, &VersionReq)| !req.matches(&version));
        wrong
            .map(|(who, req)| {
                format!("{who} asks for {package} {req}, and {path} is {version}; the link counts")
            })
            .collect()
    }

    /// Says what cannot be composed, of what is built: a link is for trying something out, which may not fit yet.
    async fn composition_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (id, component) in &self.manifest().components {
            let there = match &component.source {
                ComponentSource::Path(path) => self.resolve_path(path).is_file(),
                ComponentSource::Url { .. } | ComponentSource::Registry { .. } => true,
            };
            if there
                && !component.dependencies.is_empty()
                && let Err(error) = self.compose_component(id, &[]).await
            {
                warnings.push(format!("component `{id}` cannot be composed now: {error}"));
            }
        }
        warnings
    }
}

/// The name that a component gives itself.
fn own_name(path: &str, inspection: &Inspection) -> Result<PackageRef, Error> {
    let unanswered = |message: String| Error::Unanswered {
        message,
        hint: "name the package that it takes the place of with `--package ns:name`".into(),
    };
    let Some(name) = &inspection.metadata.name else {
        return Err(unanswered(format!("{path} does not say which package it is")));
    };
    name.parse()
        .map_err(|_| unanswered(format!("{path} calls itself `{name}`, which is not the name of a package")))
}

/// The Wasm files that a build left in a folder.
fn built(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    for output in OUTPUTS {
        let directory = folder.join(output);
        if !directory.is_dir() {
            continue;
        }
        let mut files = Vec::new();
        for entry in fs_err::read_dir(&directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == "wasm") && path.is_file() {
                files.push(path);
            }
        }
        if !files.is_empty() {
            files.sort();
            return Ok(files);
        }
    }
    Ok(Vec::new())
}
