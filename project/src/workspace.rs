//! Components that are kept together: `[workspace]` of a `component.toml`.
//!
//! Where a member depends on another one, it is built against what the other one's build leaves, as cargo does it with
//! paths: to the rest of the program that is an override by a file. The requirement stands in the manifest as for
//! anybody, and is what is published.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use semver::{Version, VersionReq};
use spin_deps_manifest::{ComponentSource, Dependency, Document, Manifest, Override, Source, Workspace};
use wasm_pkg_common::package::PackageRef;

use crate::{Error, Project, error::Excerpt, files};

/// The manifest of a component.
pub(crate) const MANIFEST: &str = "component.toml";

/// What every such manifest has.
const VERSION: &str = "component_manifest_version";

/// A component of a workspace.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Its folder, without links and dots.
    pub(crate) folder: PathBuf,
    /// The package that it is published as.
    pub(crate) name: PackageRef,
    /// The version that it is published in.
    pub(crate) version: Option<Version>,
    /// The file that its build leaves, relative to the folder.
    source: String,
    /// What it depends on.
    pub(crate) requires: Vec<(PackageRef, VersionReq)>,
}

impl Member {
    fn new(folder: PathBuf, manifest: &Manifest) -> Option<Self> {
        let authored = manifest.authored.as_ref()?;
        let component = manifest.components.values().next()?;
        let ComponentSource::Path(source) = &component.source else { return None };
        Some(Self {
            folder,
            name: authored.name.clone(),
            version: authored.version.clone(),
            source: source.clone(),
            requires: required(component.dependencies.iter()).map(|(_, it)| it).collect(),
        })
    }

    /// Its manifest.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.folder.join(MANIFEST)
    }

    fn meets(&self, package: &PackageRef, req: &VersionReq) -> bool {
        self.name == *package && self.version.as_ref().is_some_and(|version| req.matches(version))
    }
}

/// What entries require of packages.
fn required<'a>(
    dependencies: impl Iterator<Item = &'a Dependency>,
) -> impl Iterator<Item = (&'a Dependency, (PackageRef, VersionReq))> {
    dependencies.filter_map(|it| match &it.source {
        Source::Registry { package, req, .. } => Some((it, (package.clone(), req.clone()))),
        _ => None,
    })
}

/// Reads a manifest that is not the project's own.
pub(crate) fn read(path: &Path) -> Result<Document, Error> {
    let text = files::read_text(path)?;
    let located = |error| Error::Manifest { excerpt: Box::new(Excerpt::new(path, &text)), error };
    Document::parse(&text).map_err(located)
}

/// The members of the workspace that a folder belongs to; none if it belongs to none. As with cargo, the nearest
/// workspace above decides.
pub(crate) fn around(folder: &Path) -> Result<Vec<Member>, Error> {
    let folder = fs_err::canonicalize(folder)?;
    for root in folder.ancestors() {
        let manifest = root.join(MANIFEST);
        // Files of other tools have that name, too.
        if !files::read_text_if_there(&manifest)?.is_some_and(|text| text.contains(VERSION)) {
            continue;
        }
        let document = read(&manifest)?;
        if let Some(workspace) = &document.manifest().workspace {
            let members = members(&manifest, &document, workspace)?;
            let belongs = members.iter().any(|it| it.folder == folder);
            return Ok(if belongs { members } else { Vec::new() });
        }
    }
    Ok(Vec::new())
}

/// The members that a workspace names, and its own component if there is one, each once.
pub(crate) fn members(
    manifest: &Path,
    document: &Document,
    workspace: &Workspace,
) -> Result<Vec<Member>, Error> {
    let wrong = |message: String, hint: &str| Error::Place {
        excerpt: Box::new(Excerpt::new(manifest, &document.text())),
        span: workspace.span.clone(),
        label: "named here".into(),
        message,
        hint: Some(hint.into()),
    };
    let root = fs_err::canonicalize(manifest.parent().unwrap_or(Path::new(".")))?;
    let base = glob::Pattern::escape(&root.to_string_lossy());
    let shown = |path: &Path| path.strip_prefix(&root).unwrap_or(path).display().to_string();
    let mut members: Vec<Member> = Member::new(root.clone(), document.manifest()).into_iter().collect();
    for pattern in &workspace.members {
        let found = glob::glob(&format!("{base}/{pattern}")).map_err(|error| {
            wrong(format!("`{pattern}` is not valid: {error}"), "`*` stands for any name")
        })?;
        let mut any = false;
        for folder in found.filter_map(Result::ok) {
            let manifest = folder.join(MANIFEST);
            if !manifest.is_file() {
                continue;
            }
            any = true;
            let folder = fs_err::canonicalize(&folder)?;
            if members.iter().any(|it| it.folder == folder) {
                continue;
            }
            let member = Member::new(folder, read(&manifest)?.manifest());
            members.push(member.ok_or_else(|| {
                wrong(
                    format!("the member {} has no `[component]`", shown(&manifest)),
                    "a member is a component",
                )
            })?);
        }
        if !any {
            let message = format!("the workspace has no member `{pattern}`");
            return Err(wrong(message, "a member is a folder with a component.toml"));
        }
    }
    for (index, member) in members.iter().enumerate() {
        if let Some(same) = members.iter().take(index).find(|it| it.name == member.name) {
            let both = format!("{} and {}", shown(&same.manifest()), shown(&member.manifest()));
            return Err(wrong(format!("{both} are both {}", member.name), "give one another name"));
        }
    }
    Ok(members)
}

impl Project {
    /// The overrides of a manifest, and the members of its workspace that it depends on, itself or through others.
    pub(crate) fn overrides_of(&self, manifest: &Manifest) -> Vec<Override> {
        let mut overrides = manifest.application.deps.overrides.clone();
        let span = manifest.application.span.clone();
        for member in self.siblings_of(manifest) {
            if overrides.iter().all(|it| it.package != member.name) {
                overrides.push(Override {
                    package: member.name.clone(),
                    source: Source::Path(self.path_of(member)),
                    name_span: span.clone(),
                    span: span.clone(),
                });
            }
        }
        overrides
    }

    /// The members that a manifest depends on, itself or through others.
    fn siblings_of(&self, manifest: &Manifest) -> Vec<&Member> {
        let own = manifest.authored.as_ref().map(|it| &it.name);
        let entries = manifest.components.values().flat_map(|it| &it.dependencies);
        let mut open: Vec<_> = required(entries).map(|(_, it)| it).collect();
        let mut seen = BTreeSet::new();
        while let Some((package, req)) = open.pop() {
            let found = self.workspace.iter().enumerate().find(|(_, it)| it.meets(&package, &req));
            if let Some((index, member)) = found
                && Some(&member.name) != own
                && seen.insert(index)
            {
                open.extend(member.requires.iter().cloned());
            }
        }
        seen.into_iter().filter_map(|index| self.workspace.get(index)).collect()
    }

    /// The file that a member's build leaves, relative to the manifest.
    fn path_of(&self, member: &Member) -> String {
        let base = fs_err::canonicalize(self.directory()).unwrap_or_else(|_| self.directory().to_path_buf());
        let folder = files::relative(&base, &member.folder);
        format!("{}/{}", folder.trim_end_matches('/'), member.source.trim_start_matches("./"))
    }

    /// Whether a file is what the build of another member leaves.
    pub(crate) fn is_of_sibling(&self, path: &str) -> bool {
        self.workspace.iter().any(|member| self.path_of(member) == path)
    }

    /// Refuses an entry that another member of the workspace is meant for, and does not meet.
    pub(crate) fn check_siblings(&self, manifest: &Manifest) -> Result<(), Error> {
        let overridden = |package: &PackageRef| {
            manifest.application.deps.overrides.iter().any(|it| it.package == *package)
        };
        let entries = manifest.components.values().flat_map(|it| &it.dependencies);
        for (entry, (package, req)) in required(entries) {
            let Some(member) = self.workspace.iter().find(|it| it.name == package) else { continue };
            if member.meets(&package, &req) || overridden(&package) {
                continue;
            }
            let (own, other) = (self.shown(&self.manifest_path), self.shown(&member.manifest()));
            let is = match &member.version {
                Some(version) => format!("is {version}"),
                None => "has no version".to_owned(),
            };
            let message = format!("{own} asks for {package} {req}, and {other} {is}");
            let hint =
                "members of a workspace are built against each other: change the requirement or the version";
            return Err(Error::Place {
                excerpt: Box::new(self.excerpt()),
                span: entry.span.clone(),
                label: "not met by the workspace's own".into(),
                message,
                hint: Some(hint.into()),
            });
        }
        Ok(())
    }
}
