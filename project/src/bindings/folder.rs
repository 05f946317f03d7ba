//! Where bindings lie, and whose the files there are.
//!
//! Bindings have a folder: `spin_dependencies`, or the one that `bindings = { path = "…" }` names; in Rust, where they
//! are one module, `src`. What lies there is told apart by its seal. A file of ours is written again and removed as
//! needed; one that was edited, or that never was ours, is its author's, and stays unless `--force` says otherwise.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use spin_deps_component::{GeneratedFile, Language, Seal};
use spin_deps_manifest::Component;

use super::Generated;
use crate::{Error, change::Change};

/// The folder, package or module of the bindings.
pub(super) const FOLDER: &str = "spin_dependencies";
/// The module that bindings for Rust are.
const RUST_MODULE: &str = "spin_dependencies.rs";
/// The folder of Rust's modules.
const RUST_FOLDER: &str = "src";

/// How deep, and how far, a folder of bindings is looked through for what is no longer needed.
const MAX_DEPTH: usize = 8;
const MAX_FILES: usize = 10_000;

/// Where a component is built.
pub(super) struct Place<'a> {
    /// The directory of the manifest, which paths are shown from.
    pub(super) project: &'a Path,
    /// The directory that the component is built in.
    pub(super) build: &'a Path,
    pub(super) component: &'a Component,
}

impl Place<'_> {
    fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.project).unwrap_or(path).to_path_buf()
    }
}

/// How files are put in their places.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Putting {
    /// Files that are not ours are overwritten.
    pub(super) force: bool,
    /// Nothing is written or removed, only found out.
    pub(super) check: bool,
}

/// The folder of a component's bindings, relative to the one that it is built in.
pub(super) fn folder(component: &Component, language: Language) -> &str {
    match (&component.deps.bindings_path, language) {
        (Some(path), _) => path,
        (None, Language::Rust) => RUST_FOLDER,
        (None, _) => FOLDER,
    }
}

/// Puts the files of a component's bindings in their places, and removes those of before.
pub(super) fn put(
    wanted: &BTreeMap<PathBuf, GeneratedFile>,
    source: &str,
    place: &Place<'_>,
    putting: Putting,
    change: &mut Change,
    generated: &mut Generated,
) -> Result<(), Error> {
    for (path, file) in wanted {
        let there = match fs_err::read(path) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        match &there {
            Some(text) if file.is(text, source) => continue,
            Some(text) if !putting.force && Seal::of(&file.path, text) != Seal::Intact => {
                return Err(Error::EditedBindings { path: place.shown(path) });
            }
            _ => {}
        }
        if putting.check || change.write(path, file.sealed(source).as_bytes())? {
            generated.written.push(path.clone());
        }
    }
    for path in earlier(place) {
        if wanted.contains_key(&path) {
            continue;
        }
        match fs_err::read_to_string(&path).map(|text| Seal::of(&path.to_string_lossy(), &text)) {
            Ok(Seal::Broken) if !putting.force => generated.warnings.push(format!(
                "{} is no longer needed; it was edited by hand, so it stays until you remove it",
                place.shown(&path).display()
            )),
            Ok(Seal::Intact | Seal::Broken) if putting.check => generated.removed.push(path),
            Ok(Seal::Intact | Seal::Broken) if change.remove(&path)? => {
                remove_empty(&path, place.build);
                generated.removed.push(path);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Every file that bindings of any language may have left.
fn earlier(&Place { build, component, .. }: &Place<'_>) -> Vec<PathBuf> {
    let mut found = vec![build.join(RUST_FOLDER).join(RUST_MODULE)];
    let mut left = MAX_FILES;
    let configured = component.deps.bindings_path.as_deref();
    for folder in std::iter::once(FOLDER).chain(configured) {
        below(&build.join(folder), MAX_DEPTH, &mut left, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

/// The files below a folder; links are not followed.
fn below(folder: &Path, depth: usize, left: &mut usize, found: &mut Vec<PathBuf>) {
    for entry in fs_err::read_dir(folder).into_iter().flatten().flatten() {
        let Some(next) = left.checked_sub(1) else { return };
        *left = next;
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => below(&entry.path(), depth - 1, left, found),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

/// Removes the folders of a removed file that have become empty, up to the one that the component is built in.
fn remove_empty(path: &Path, build: &Path) {
    for folder in path.ancestors().skip(1).take_while(|folder| *folder != build) {
        if fs_err::remove_dir(folder).is_err() {
            break;
        }
    }
}
