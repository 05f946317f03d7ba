//! The WIT of a component project: the author's world, and what its dependencies export.
//!
//! `wit/` is the author's. Below `wit/deps` every package that the dependencies export gets a folder, as `wkg wit fetch`
//! makes them, so that the author's world can import it and every bindings generator finds it. Such a file says in its
//! header that it is generated; one without that header is the author's own, and the package in it as well.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use spin_deps_component::{GuestWorld, WIT_PACKAGE_HEADER, WitError, wit_package_name, wit_packages};
use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::Authored;
use tokio::task::block_in_place;

use crate::{
    Error, Project,
    bindings::{Generated, import_pattern, wit_dependencies},
    change::Change,
};

/// The name of the file in each generated folder.
const FILE: &str = "package.wit";

impl Project {
    /// Writes the WIT of the locked dependencies below the author's, and removes what is no longer needed.
    pub(crate) async fn generate_authored(
        &self,
        authored: &Authored,
        lock: &Lockfile,
        change: &mut Change,
    ) -> Result<Generated, Error> {
        let mut generated = Generated::default();
        let mut packages = BTreeMap::new();
        for component in self.manifest().components.values() {
            let direct = self.outlines(component, lock).await?;
            packages.extend(block_in_place(|| wit_packages(&wit_dependencies(&direct)))?);
        }
        let deps = self.wit_folder(authored).join("deps");
        let there = entries(&deps)?;
        let (ours, theirs): (Vec<_>, Vec<_>) = there.into_iter().partition(|path| is_ours(&path.join(FILE)));
        let theirs: BTreeSet<_> =
            block_in_place(|| theirs.iter().filter_map(|it| wit_package_name(it)).collect());
        let mut wanted = BTreeSet::new();
        for (package, text) in packages.iter().filter(|(package, _)| !theirs.contains(*package)) {
            let path = deps.join(package.replace([':', '@'], "-")).join(FILE);
            if change.write(&path, text.as_bytes())? {
                generated.written.push(path.clone());
            }
            wanted.insert(path);
        }
        for path in ours.into_iter().map(|folder| folder.join(FILE)).filter(|path| !wanted.contains(path)) {
            if change.remove(&path)? {
                // An empty folder is no package, which those who read them stumble over.
                for folder in path.ancestors().skip(1).take(2) {
                    let _ = fs_err::remove_dir(folder);
                }
                generated.removed.push(path);
            }
        }
        Ok(generated)
    }

    /// Reads the author's world, if there is any, and says which dependencies it does not import.
    pub(crate) fn check_world(&self) -> Result<Vec<String>, Error> {
        let Some(authored) = self.authored() else { return Ok(Vec::new()) };
        let Some(world) = self.authored_world(authored)? else { return Ok(Vec::new()) };
        let imports = world.imports();
        let dependencies = self.manifest().components.values().flat_map(|it| &it.dependencies);
        let unused = dependencies.filter(|dependency| {
            let pattern = import_pattern(&dependency.name);
            !imports.iter().any(|import| pattern.matches(import))
        });
        Ok(unused
            .map(|dependency| {
                format!(
                    "the world `{}` in {} imports nothing of the dependency `{}`",
                    world.name(),
                    authored.wit,
                    dependency.name
                )
            })
            .collect())
    }

    /// The world that the component is built for. `None` if it has no WIT of its own and the manifest names none.
    pub(crate) fn authored_world(&self, authored: &Authored) -> Result<Option<GuestWorld>, Error> {
        let folder = self.wit_folder(authored);
        if authored.wit_span.is_none() && !has_wit(&folder)? {
            return Ok(None);
        }
        match block_in_place(|| GuestWorld::read(&folder, authored.world.as_deref())) {
            Ok(world) => Ok(Some(world)),
            Err(WitError::Folder { message, .. }) => {
                let folder = PathBuf::from(&authored.wit);
                // The parser names files by the path that it was given.
                let message = message.replace(&format!("{}/", self.directory().display()), "");
                Err(WitError::Folder { folder, message }.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn wit_folder(&self, authored: &Authored) -> PathBuf {
        self.directory().join(&authored.wit)
    }
}

/// What lies in a folder, in the order of the names; nothing if it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut entries: Vec<_> =
        fs_err::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort();
    Ok(entries)
}

fn has_wit(folder: &Path) -> Result<bool, Error> {
    Ok(entries(folder)?.iter().any(|path| path.extension().is_some_and(|it| it == "wit")))
}

/// Whether a file was written by us, so that it may be replaced and removed.
fn is_ours(path: &Path) -> bool {
    let header = WIT_PACKAGE_HEADER.lines().next();
    fs_err::read_to_string(path).is_ok_and(|text| text.lines().next() == header)
}
