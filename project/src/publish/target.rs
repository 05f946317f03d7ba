//! What is meant by the arguments: files, and components with a `component.toml`, which are built first.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use semver::Version;
use spin_deps_registry::Registries;
use wasm_pkg_common::package::PackageRef;

use super::{PublishOptions, file::PublishedFile};
use crate::{
    Builder, Error, Project, Settings,
    workspace::{self, MANIFEST, Member},
};

/// Something that can be published.
pub(super) enum Target {
    /// A file as it is.
    File(PathBuf),
    /// What the build of a component left.
    Built(Box<Project>, PathBuf),
}

/// What was named, before it is built.
enum Named {
    File(PathBuf),
    Component(Member),
}

/// All that is meant, each once, built and stamped; and whether that is one thing by its name.
pub(super) async fn targets(
    settings: &Settings,
    options: &PublishOptions,
) -> Result<(Vec<Target>, bool), Error> {
    let (settings_of, files) = (settings.clone(), options.files.clone());
    let (named, one) = tokio::task::spawn_blocking(move || find(&settings_of, &files)).await??;
    let mut targets = Vec::new();
    let mut components = Vec::new();
    for named in named {
        match named {
            Named::File(path) => targets.push(Target::File(path)),
            Named::Component(member) => components.push(member),
        }
    }
    for member in in_order(components)? {
        let settings = Settings { from: Some(member.manifest()), ..settings.clone() };
        let project = Project::open(settings).await?.with_builder(options.builder.clone());
        targets.push(built(project, options.builder.as_ref()).await?);
    }
    Ok((targets, one))
}

/// What the arguments name, each once.
fn find(settings: &Settings, files: &[PathBuf]) -> Result<(Vec<Named>, bool), Error> {
    let mut found = Vec::new();
    let mut one = files.len() <= 1;
    let here = if files.is_empty() { vec![own_folder(settings)?] } else { Vec::new() };
    for path in files.iter().chain(&here) {
        let place = settings.current_dir.join(path);
        if place.join(MANIFEST).is_file() {
            let (members, is_workspace) = components(&place)?;
            one &= !is_workspace;
            found.extend(members.into_iter().map(Named::Component));
        } else if place.is_dir() {
            one = false;
            found.extend(wasm_files(path)?.into_iter().map(Named::File));
        } else {
            found.push(Named::File(path.clone()));
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|named| {
        seen.insert(match named {
            Named::File(path) => path.clone(),
            Named::Component(member) => member.folder.clone(),
        })
    });
    Ok((found, one))
}

/// The folder of the component or workspace around the current directory.
fn own_folder(settings: &Settings) -> Result<PathBuf, Error> {
    let hint = "name a component's file, or a folder with a component.toml".to_owned();
    match Project::manifest_of(settings) {
        Ok(manifest) if manifest.ends_with(MANIFEST) => {
            Ok(manifest.parent().unwrap_or(Path::new(".")).to_path_buf())
        }
        Ok(manifest) => Err(Error::Unanswered {
            message: format!("{} is an app, and what is published is a component", manifest.display()),
            hint,
        }),
        Err(Error::NoManifest { searched }) => Err(Error::Unanswered {
            message: format!("there is no component.toml in {} or above", searched.display()),
            hint,
        }),
        Err(error) => Err(error),
    }
}

/// The component in a folder, or the members of the workspace there.
fn components(folder: &Path) -> Result<(Vec<Member>, bool), Error> {
    let manifest = folder.join(MANIFEST);
    let document = workspace::read(&manifest)?;
    let workspace = document.manifest().workspace.clone();
    let is_workspace = workspace.is_some();
    let members = workspace::members(&manifest, &document, &workspace.unwrap_or_default())?;
    Ok((members, is_workspace))
}

/// The files of a folder that end in `.wasm`.
fn wasm_files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(path)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "wasm") && file.is_file() {
            found.push(file);
        }
    }
    if found.is_empty() {
        return Err(Error::Unknown {
            message: format!("the folder {} has no file that ends in `.wasm`", path.display()),
            hint: Some("name the files, or the folder that they are in".into()),
        });
    }
    found.sort();
    Ok(found)
}

/// The components so that each comes after those that it is built against; otherwise as they were named.
fn in_order(mut members: Vec<Member>) -> Result<Vec<Member>, Error> {
    let mut ordered = Vec::new();
    while !members.is_empty() {
        let needs =
            |it: &Member, other: &Member| it.requires.iter().any(|(package, _)| *package == other.name);
        let ready = |it: &Member| !members.iter().any(|other| other.folder != it.folder && needs(it, other));
        let Some(index) = members.iter().position(ready) else {
            let names = members.iter().map(|it| it.name.to_string());
            return Err(Error::PublishCycle { releases: names.collect() });
        };
        ordered.push(members.remove(index));
    }
    Ok(ordered)
}

/// Builds a component and writes into it what its manifest says of it.
async fn built(mut project: Project, builder: Option<&Builder>) -> Result<Target, Error> {
    project.check_publishable()?;
    let Some(path) = project.own_component().map(|(_, _, source)| project.resolve_path(source)) else {
        return Err(Error::NoManifest { searched: project.directory().to_path_buf() });
    };
    if let Some(builder) = builder {
        project.sync().await?;
        project.build(&builder.options()).await?;
    }
    if !path.is_file() {
        let missing = Error::Unknown {
            message: format!("{} does not exist", project.shown(&path)),
            hint: Some(match builder {
                Some(_) => "write in `[build]` with which `command` it is built".into(),
                None => "leave out `--no-build`, or build it first".into(),
            }),
        };
        return Err(match project.own_component() {
            Some((_, component, _)) => project.at(&component.source_span, "its source", &missing),
            None => missing,
        });
    }
    project.stamp_source().await?;
    Ok(Target::Built(Box::new(project), path))
}

impl Target {
    /// Reads what is published, whole.
    pub(super) async fn read(
        self,
        given: Option<&(PackageRef, Option<Version>)>,
        registries: &Registries,
    ) -> Result<PublishedFile, Error> {
        match self {
            Self::File(path) => PublishedFile::read(path, given, registries.clone()).await,
            Self::Built(project, path) => {
                let version = project.release(given)?;
                let given = project.authored().map(|it| (it.name.clone(), Some(version)));
                PublishedFile::read(path, given.as_ref(), project.registries.clone()).await
            }
        }
    }
}

impl Project {
    /// The version in which the component is published, which the manifest and the command line agree on.
    fn release(&self, given: Option<&(PackageRef, Option<Version>)>) -> Result<Version, Error> {
        let Some(authored) = self.authored() else {
            return Err(Error::NoManifest { searched: self.manifest_path.clone() });
        };
        let differs = |span, what: String, of_manifest: String| {
            let error = Error::Unknown {
                message: format!("`--package` says {what}, and {} says {of_manifest}", self.manifest_name()),
                hint: Some("leave out `--package`, or change the manifest".into()),
            };
            Err(self.at(span, "said here", &error))
        };
        match (given, &authored.version) {
            (Some((package, _)), _) if *package != authored.name => {
                differs(&authored.name_span, package.to_string(), authored.name.to_string())
            }
            (Some((_, Some(version))), Some(own)) if version != own => {
                differs(&authored.version_span, version.to_string(), own.to_string())
            }
            (_, Some(version)) | (Some((_, Some(version))), None) => Ok(version.clone()),
            (_, None) => {
                let error = Error::Unknown {
                    message: format!("{} has no version", authored.name),
                    hint: Some("write `version = \"0.1.0\"` below its name".into()),
                };
                Err(self.at(&authored.version_span, "published in which version?", &error))
            }
        }
    }
}
