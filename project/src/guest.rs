//! What a component is given in the embedded host, as its part of the manifest says: environment, variables, hosts, stores,
//! databases, and files.
//!
//! A component that imports a service that Spin has and the host has not, such as a language model, still runs: the
//! import is met by an adapter that answers with the interface's own error. SDKs import more than an app calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component as Step, Path, PathBuf},
    sync::Arc,
};

use spin_deps_component::{inspect, refuse};
use spin_deps_host::{Component as HostComponent, Mount, missing};
use spin_deps_manifest::{Component, FileMount};
use spin_deps_registry::digest_of;
use wasm_pkg_common::digest::ContentDigest;

use crate::{ComposedComponent, Error, Project, variables::Variables};

/// What an adapter says where the interface lets it say something.
const REFUSAL: &str = "the embedded host of spin-deps does not have this service";

/// The components of an app as they are made ready for the host.
pub(crate) struct Guests<'a> {
    project: &'a Project,
    variables: &'a Variables,
    /// What the user should know.
    pub(crate) warnings: Vec<String>,
    /// Files that were gathered for components.
    pub(crate) staged: Vec<tempfile::TempDir>,
}

impl<'a> Guests<'a> {
    pub(crate) fn new(project: &'a Project, variables: &'a Variables) -> Self {
        Self { project, variables, warnings: Vec::new(), staged: Vec::new() }
    }

    /// Makes a composed component ready.
    pub(crate) fn component(
        &mut self,
        component: &Component,
        composed: &ComposedComponent,
    ) -> Result<HostComponent, Error> {
        let user = format!("component `{}`", component.id);
        let mut values = BTreeMap::new();
        for (name, template) in &component.variables {
            values.insert(name.clone(), self.variables.fill(template, &user)?);
        }
        let hosts = component.allowed_outbound_hosts.iter().map(|host| self.variables.fill(host, &user));
        let (wasm, digest) = tokio::task::block_in_place(|| self.without_missing(composed))?;
        Ok(HostComponent {
            wasm,
            digest: hex(&digest),
            environment: component
                .environment
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            files: tokio::task::block_in_place(|| self.mounts(component))?,
            variables: values,
            key_value_stores: component.key_value_stores.iter().cloned().collect(),
            sqlite_databases: component.sqlite_databases.iter().cloned().collect(),
            allowed_outbound_hosts: hosts.collect::<Result<_, _>>()?,
            ..HostComponent::default()
        })
    }

    /// The component with adapters for the services that the host does not have.
    fn without_missing(&mut self, composed: &ComposedComponent) -> Result<(Arc<[u8]>, ContentDigest), Error> {
        let imports = inspect(&composed.bytes).map(|it| it.imports).unwrap_or_default();
        let mut refused = BTreeSet::new();
        let mut services: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for import in imports {
            if let Some(service) = missing(&import.name) {
                services.entry(service).or_default().push(import.name.clone());
                refused.insert(import.name);
            }
        }
        if refused.is_empty() {
            return Ok((composed.bytes.clone(), composed.digest.clone()));
        }
        let services =
            services.into_iter().map(|(service, imports)| format!("{service} ({})", imports.join(", ")));
        self.warnings.push(format!(
            "component `{}` imports what the embedded host does not have, and gets an error when it calls it: {}",
            composed.id,
            services.collect::<Vec<_>>().join(", ")
        ));
        let bytes = refuse(&composed.bytes, &refused, REFUSAL)?;
        let digest = digest_of(&bytes);
        Ok((bytes.into(), digest))
    }

    /// What a component can read. One directory is shown as it is; anything else is gathered in a temporary one.
    fn mounts(&mut self, component: &Component) -> Result<Vec<Mount>, Error> {
        let project = self.project;
        if component.files.is_empty() {
            return Ok(Vec::new());
        }
        if let ([FileMount::Place { source, destination }], []) =
            (component.files.as_slice(), component.exclude_files.as_slice())
            && project.resolve_path(source).is_dir()
        {
            let host = project.resolve_path(source);
            return Ok(vec![Mount { host, guest: destination.clone(), read_only: true }]);
        }
        let stage = tempfile::Builder::new().prefix("spin-deps-files-").tempdir()?;
        let excluded = component.exclude_files.iter().map(|pattern| project.glob(component, pattern));
        let excluded: Vec<PathBuf> = excluded.collect::<Result<Vec<_>, _>>()?.concat();
        for mount in &component.files {
            match mount {
                FileMount::Glob(pattern) => {
                    for file in project.glob(component, pattern)? {
                        let place = file.strip_prefix(project.directory()).unwrap_or(&file).to_path_buf();
                        copy(&file, &stage.path().join(place), &excluded)?;
                    }
                }
                FileMount::Place { source, destination } => {
                    let place = Path::new(destination.trim_start_matches('/'));
                    if place.components().any(|step| !matches!(step, Step::Normal(_) | Step::CurDir)) {
                        return Err(Error::Unknown {
                            message: format!(
                                "the destination `{destination}` of files of component `{}` is no path below `/`",
                                component.id
                            ),
                            hint: None,
                        });
                    }
                    copy(&project.resolve_path(source), &stage.path().join(place), &excluded)?;
                }
            }
        }
        let host = stage.path().to_path_buf();
        self.staged.push(stage);
        Ok(vec![Mount { host, guest: "/".into(), read_only: true }])
    }
}

impl Project {
    pub(crate) fn glob(&self, component: &Component, pattern: &str) -> Result<Vec<PathBuf>, Error> {
        let outside = |reason: &str| Error::Unknown {
            message: format!("the file pattern `{pattern}` of component `{}` {reason}", component.id),
            hint: None,
        };
        if Path::new(pattern).is_absolute() || pattern.split(['/', '\\']).any(|part| part == "..") {
            return Err(outside("leaves the app's directory"));
        }
        let base = glob::Pattern::escape(&self.directory().to_string_lossy());
        let found = glob::glob(&format!("{base}/{pattern}"))
            .map_err(|error| outside(&format!("is not valid: {error}")))?;
        Ok(found.filter_map(Result::ok).filter(|path| path.is_file()).collect())
    }
}

/// Copies a file or a tree, without the excluded files.
fn copy(from: &Path, to: &Path, excluded: &[PathBuf]) -> Result<(), Error> {
    let mut open = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((from, to)) = open.pop() {
        if fs_err::metadata(&from)?.is_dir() {
            fs_err::create_dir_all(&to)?;
            for entry in fs_err::read_dir(&from)? {
                let entry = entry?;
                open.push((entry.path(), to.join(entry.file_name())));
            }
        } else if !excluded.contains(&from) {
            if let Some(parent) = to.parent() {
                fs_err::create_dir_all(parent)?;
            }
            fs_err::copy(&from, &to)?;
        }
    }
    Ok(())
}

/// The digits of a digest.
fn hex(digest: &ContentDigest) -> String {
    let ContentDigest::Sha256 { hex } = digest;
    hex.clone()
}
