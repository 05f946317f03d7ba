//! `vendor`: all that is locked in a folder, for a machine without network and for stock Spin.
//!
//! ```text
//! app ── parts (what becomes a file, what is composed whole) ──► tree ──► folder (replaced as a whole)
//! lock ── layout (manifests and blobs as registries have them) ──►
//! ```
//!
//! Stock Spin composes one level: a dependency's own dependencies are nothing that it knows. So each direct dependency is
//! composed with all that it needs into one file. Where that would change what the app does, because two of them share
//! an instance, the component is composed as a whole instead, and it is said why.

mod files;
mod folder;
mod layout;
mod parts;

use std::path::{Path, PathBuf};

use spin_deps_manifest::{FileMount, Vendored as VendoredManifest, VendoredComponent, VendoredDependency};
use wasm_pkg_common::digest::ContentDigest;

use self::{
    folder::{Folder, Kind, Tree},
    parts::{Form, Parts},
};
use crate::{Error, Project, SyncOutcome};

pub use self::folder::Difference;

/// The first line of a vendored manifest, by which the folder is known again.
const MARKER: &str = "Made by `spin-deps vendor`. Do not edit: the next one writes this folder anew.";

/// What is to be vendored, as the command line has it.
#[derive(Clone, Debug)]
pub struct VendorOptions {
    /// The folder to write.
    pub directory: PathBuf,
    /// Compose every component with its dependencies, so that no dependencies are left.
    pub compose: bool,
    /// Write nothing: only say in which respects the folder is not what would be written.
    pub check: bool,
}

/// What `vendor` did.
#[derive(Debug)]
pub struct VendorOutcome {
    /// What happened to the lockfile.
    pub sync: SyncOutcome,
    /// In which respects the folder was not what it should be; now it is, unless nothing was to be written.
    pub differences: Vec<Difference>,
    /// The files of the folder, by path.
    pub files: Vec<VendoredFile>,
    /// The app's components, or none for an image layout.
    pub components: Vec<VendoredPart>,
    /// Each trigger that has middleware, and its layers' files, outermost first.
    pub middleware: Vec<(String, Vec<String>)>,
    /// The releases in an image layout.
    pub releases: Vec<VendoredRelease>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// A file of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendoredFile {
    /// Its path in the folder, with `/`.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// The digest of its content.
    pub digest: ContentDigest,
}

/// A component in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendoredPart {
    /// Its id.
    pub id: String,
    /// Its file.
    pub path: String,
    /// Each dependency's name and file, one level of them.
    pub dependencies: Vec<(String, String)>,
    /// Why it was composed as a whole, if it was.
    pub whole_because: Option<String>,
}

/// A release in an image layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendoredRelease {
    /// What standard tools call it there: `acme/hash:1.4.0`.
    pub reference: String,
    /// The digest of its manifest.
    pub manifest: ContentDigest,
    /// The digest of its content.
    pub digest: ContentDigest,
}

impl Project {
    /// Writes the app into a folder that needs nothing outside of it: a `spin.toml` in which all sources are files, the
    /// files, and their digests.
    pub async fn vendor(&mut self, options: &VendorOptions) -> Result<VendorOutcome, Error> {
        if let Some(authored) = self.authored() {
            return Err(Error::Unknown {
                message: format!("this is the project of the component {}, and no app", authored.name),
                hint: Some(
                    "`spin-deps vendor --oci-layout DIR` writes the releases that it depends on".into(),
                ),
            });
        }
        let folder = self.vendor_folder(options, Kind::App)?;
        let sync = self.prepare_to_vendor(options).await?;
        let parts = Parts::of(self, &sync.lock.lockfile, options.compose).await?;
        let (tree, components) = self.vendored_tree(&parts, folder.path())?;
        let tree = tree.with_sums().await?;
        let differences = folder.bring(&tree, options.check).await?;
        let chains = self.manifest().triggers.iter().zip(&parts.middleware);
        let chains = chains.filter(|(_, chain)| !chain.is_empty()).map(|(trigger, chain)| {
            (trigger.id.clone(), chain.iter().map(|layer| parts.path(layer)).collect())
        });
        Ok(VendorOutcome {
            sync,
            differences,
            files: tree.files(),
            components,
            middleware: chains.collect(),
            releases: Vec::new(),
            warnings: parts.warnings,
        })
    }

    /// Writes the locked releases into an OCI image layout, with the manifests that the lockfile knows them by.
    pub async fn vendor_layout(&mut self, options: &VendorOptions) -> Result<VendorOutcome, Error> {
        let folder = self.vendor_folder(options, Kind::Layout)?;
        let sync = self.prepare_to_vendor(options).await?;
        let (tree, releases, warnings) = layout::layout(self, &sync.lock.lockfile).await?;
        let differences = folder.bring(&tree, options.check).await?;
        Ok(VendorOutcome {
            sync,
            differences,
            files: tree.files(),
            components: Vec::new(),
            middleware: Vec::new(),
            releases,
            warnings,
        })
    }

    /// Fetches what is locked. Only a check may not write the lockfile for that.
    async fn prepare_to_vendor(&mut self, options: &VendorOptions) -> Result<SyncOutcome, Error> {
        if options.check {
            self.lock_check().await?;
        }
        self.prepare().await
    }

    /// The folder, if it may be written.
    fn vendor_folder(&self, options: &VendorOptions, kind: Kind) -> Result<Folder, Error> {
        let path = self.settings.current_dir.join(&options.directory);
        let holds_app = fs_err::canonicalize(&path)
            .is_ok_and(|path| fs_err::canonicalize(self.directory()).is_ok_and(|app| app.starts_with(path)));
        if holds_app {
            return Err(Error::Unknown {
                message: format!("the app itself is in {}", path.display()),
                hint: Some("name a folder that is not there yet".into()),
            });
        }
        Folder::open(path, kind)
    }

    fn vendored_tree(&self, parts: &Parts, folder: &Path) -> Result<(Tree, Vec<VendoredPart>), Error> {
        let mut tree = Tree::default();
        let mut manifest = VendoredManifest {
            header: vec![MARKER.to_owned(), "SHA256SUMS has the digests of all files here.".to_owned()],
            ..VendoredManifest::default()
        };
        let mut shown = Vec::new();
        for (id, form) in &parts.components {
            let component = self.manifest().components.get(id).ok_or_else(|| self.unknown_component(id))?;
            let source = format!("components/{}.wasm", folder::file_name(id));
            let mut written = VendoredComponent { source: source.clone(), ..VendoredComponent::default() };
            let mut part = VendoredPart {
                id: id.clone(),
                path: source.clone(),
                dependencies: Vec::new(),
                whole_because: None,
            };
            match form {
                Form::Whole { bytes, because, contents } => {
                    tree.put(source, bytes.clone())?;
                    written.notes.push(format!("composed as a whole: {because}"));
                    written.notes.extend(contents.iter().map(|it| format!("with {it}")));
                    part.whole_because = Some(because.clone());
                }
                Form::Plugged { bytes, dependencies } => {
                    tree.put(source, bytes.clone())?;
                    for it in dependencies {
                        let path = parts.path(&it.plug);
                        part.dependencies.push((it.name.clone(), path.clone()));
                        written.dependencies.push(VendoredDependency {
                            name: it.name.clone(),
                            path,
                            export: it.export.clone(),
                            inherit: it.inherit.clone(),
                            notes: parts.notes(&it.plug),
                        });
                    }
                }
            }
            let moved = self.vendor_files(component, folder, &mut tree)?;
            for (place, mount) in component.files.iter().enumerate() {
                if let (FileMount::Place { .. }, Some(to)) = (mount, moved.get(&place)) {
                    written.files.insert(place, to.clone());
                }
            }
            manifest.components.insert(id.clone(), written);
            shown.push(part);
        }
        for (plug, bytes) in parts.files() {
            tree.put(parts.path(plug), bytes)?;
        }
        for chain in &parts.middleware {
            manifest.middleware.push(chain.iter().map(|layer| parts.path(layer)).collect());
        }
        let document = self
            .document
            .vendored(&manifest)
            .map_err(|error| Error::Manifest { excerpt: Box::new(self.excerpt()), error })?;
        tree.put("spin.toml".to_owned(), document.text().into_bytes())?;
        Ok((tree, shown))
    }
}
