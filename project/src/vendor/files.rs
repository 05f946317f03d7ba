//! The files that a component can read, as files of the vendored folder.

use std::{
    collections::BTreeMap,
    path::{Component as Part, Path},
};

use spin_deps_manifest::{Component, FileMount};

use super::folder::{Tree, below, file_name};
use crate::{Error, Project};

impl Project {
    /// Adds what a component mounts, under the same paths where these are below the app's directory, else under
    /// `files/`. Returns the new sources of mounts that have moved, by their place.
    pub(super) fn vendor_files(
        &self,
        component: &Component,
        folder: &Path,
        tree: &mut Tree,
    ) -> Result<BTreeMap<usize, String>, Error> {
        tokio::task::block_in_place(|| {
            let mut moved = BTreeMap::new();
            let excluded = component.exclude_files.iter().map(|pattern| self.glob(component, pattern));
            let excluded = excluded.collect::<Result<Vec<_>, _>>()?.concat();
            // The folder itself may lie in what is mounted, and is no part of it.
            let folder = fs_err::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
            let mut copy = |path: String, from: &Path| {
                let is_vendored = fs_err::canonicalize(from)?.starts_with(&folder);
                if is_vendored || excluded.iter().any(|it| it == from) {
                    return Ok(());
                }
                tree.copy(path, from.to_path_buf())
            };
            for (place, mount) in component.files.iter().enumerate() {
                match mount {
                    FileMount::Glob(pattern) => {
                        for file in self.glob(component, pattern)? {
                            let path = file.strip_prefix(self.directory()).unwrap_or(&file);
                            copy(with_slashes(path), &file)?;
                        }
                    }
                    FileMount::Place { source, .. } => {
                        let target = if let Some(target) = plain(source) {
                            target
                        } else {
                            let name = source.rsplit(['/', '\\']).find(|part| !part.is_empty());
                            let name = file_name(name.unwrap_or("files"));
                            let target = format!("files/{}/{place}/{name}", file_name(&component.id));
                            moved.insert(place, target.clone());
                            target
                        };
                        let from = self.resolve_path(source);
                        if fs_err::metadata(&from)?.is_dir() {
                            let target = if target.is_empty() { target } else { target + "/" };
                            for (path, file) in below(&from)? {
                                copy(format!("{target}{path}"), &file)?;
                            }
                        } else {
                            copy(target, &from)?;
                        }
                    }
                }
            }
            Ok(moved)
        })
    }
}

/// The path without `.` and doubled slashes, if it stays below the app's directory.
fn plain(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in Path::new(path).components() {
        match part {
            Part::Normal(part) => parts.push(part.to_str()?),
            Part::CurDir => {}
            _ => return None,
        }
    }
    Some(parts.join("/"))
}

fn with_slashes(path: &Path) -> String {
    let parts = path.components().map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}
