//! A folder that is written as a whole: all of it, or nothing.
//!
//! The new folder is made beside the old one and then put in its place, in one step where the system has one. What is
//! there already is replaced only if we made it: a file that no earlier `vendor` can have written is a reason to stop.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use serde_json::Value;
use spin_deps_registry::{Upload, digest_of};
use wasm_pkg_common::digest::ContentDigest;

use super::{MARKER, VendoredFile};
use crate::{Error, files};

/// The digests of all other files, in the format of `sha256sum`.
pub(super) const SUMS: &str = "SHA256SUMS";
/// Where Spin keeps what a running app leaves: logs, databases.
const STATE: &str = ".spin";
/// The file that makes a folder an image layout.
pub(super) const LAYOUT: &str = "oci-layout";
/// The list of what is in an image layout.
pub(super) const INDEX: &str = "index.json";

/// Text from a manifest as the name of a file.
pub(super) fn file_name(text: &str) -> String {
    let name: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+') { c } else { '-' })
        .collect();
    // Neither hidden nor a step upwards.
    let name = name.trim_start_matches('.');
    if name.is_empty() { "component".to_owned() } else { name.to_owned() }
}

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// These bytes.
    Bytes(Bytes),
    /// Those of another file.
    File(PathBuf),
}

/// The files of a folder, by their paths in it, with `/`.
#[derive(Default)]
pub(super) struct Tree {
    contents: BTreeMap<String, Content>,
}

impl Tree {
    /// Adds a file.
    pub(super) fn put(&mut self, path: String, bytes: impl Into<Bytes>) -> Result<(), Error> {
        self.add(path, Content::Bytes(bytes.into()))
    }

    /// Adds a copy of a file.
    pub(super) fn copy(&mut self, path: String, from: PathBuf) -> Result<(), Error> {
        self.add(path, Content::File(from))
    }

    fn add(&mut self, path: String, content: Content) -> Result<(), Error> {
        match self.contents.entry(path) {
            Entry::Vacant(place) => drop(place.insert(content)),
            Entry::Occupied(place) if *place.get() == content => {}
            Entry::Occupied(place) => {
                return Err(Error::Unknown {
                    message: format!("two different files would be `{}` in the vendored folder", place.key()),
                    hint: Some(
                        "mount less of the app's folder, or leave the file out with `exclude_files`".into(),
                    ),
                });
            }
        }
        Ok(())
    }

    /// The tree with the digest of every file.
    pub(super) async fn listed(self) -> Result<Listed, Error> {
        let mut files = BTreeMap::new();
        for (path, content) in self.contents {
            let (size, digest) = match &content {
                Content::Bytes(bytes) => (bytes.len() as u64, digest_of(bytes)),
                Content::File(from) => {
                    let file = Upload::of_file(from).await?;
                    (file.size(), file.digest().clone())
                }
            };
            files.insert(path.clone(), (VendoredFile { path, size, digest }, content));
        }
        Ok(Listed { files })
    }

    /// The same with a file that lists them.
    pub(super) async fn with_sums(self) -> Result<Listed, Error> {
        let mut listed = self.listed().await?;
        let sums: String = listed.files.values().map(|(file, _)| sum(file)).collect();
        let (path, bytes) = (SUMS.to_owned(), Bytes::from(sums));
        let file = VendoredFile { path: path.clone(), size: bytes.len() as u64, digest: digest_of(&bytes) };
        listed.files.insert(path, (file, Content::Bytes(bytes)));
        Ok(listed)
    }
}

/// A line for `sha256sum --check`, which wants to know of characters that would end or escape it.
fn sum(file: &VendoredFile) -> String {
    let ContentDigest::Sha256 { hex } = &file.digest;
    let path = file.path.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
    let escaped = if path == file.path { "" } else { "\\" };
    format!("{escaped}{hex}  {path}\n")
}

/// A tree whose digests are known.
pub(super) struct Listed {
    files: BTreeMap<String, (VendoredFile, Content)>,
}

impl Listed {
    pub(super) fn files(&self) -> Vec<VendoredFile> {
        self.files.values().map(|(file, _)| file.clone()).collect()
    }

    /// Writes all files below `root`.
    fn write(&self, root: &Path) -> Result<(), Error> {
        for (file, content) in self.files.values() {
            let path = root.join(&file.path);
            if let Some(parent) = path.parent() {
                fs_err::create_dir_all(parent)?;
            }
            let mut written = fs_err::File::create_new(&path)?;
            match content {
                Content::Bytes(bytes) => written.write_all(bytes)?,
                Content::File(from) => {
                    let mut from = fs_err::File::open(from)?;
                    std::io::copy(&mut from, &mut written)?;
                }
            }
            written.sync_all()?;
        }
        Ok(())
    }
}

/// In which respect a folder is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// A file is not there.
    Missing(String),
    /// A file has other bytes.
    Changed(String),
    /// A file is there that should not be.
    Stale(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{path} is missing"),
            Self::Changed(path) => write!(f, "{path} is another one"),
            Self::Stale(path) => write!(f, "{path} is left over"),
        }
    }
}

/// What a folder is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The app.
    App,
    /// An OCI image layout.
    Layout,
}

/// A folder that may be written: there is none yet, it is empty, or an earlier run made it.
pub(super) struct Folder {
    path: PathBuf,
    /// The files that are there.
    old: Vec<String>,
}

impl Folder {
    pub(super) fn open(path: PathBuf, kind: Kind) -> Result<Self, Error> {
        let refused = |message: String| Error::Unknown {
            message,
            hint: Some("move it away, or name another folder".into()),
        };
        match fs_err::symlink_metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { path, old: Vec::new() });
            }
            Err(error) => return Err(error.into()),
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(refused(format!("{} is there and is no folder", path.display()))),
        }
        let mut old = Vec::new();
        for (name, file) in below(&path)? {
            if kind == Kind::Layout || !name.starts_with(&format!("{STATE}/")) {
                old.push((name, file));
            }
        }
        if !old.is_empty() && !is_ours(&path, kind) {
            return Err(refused(format!(
                "{} is there and was not made by `spin-deps vendor`",
                path.display()
            )));
        }
        let known = known(&path, kind);
        if let Some((name, _)) = old.iter().find(|(name, _)| !known(name)) {
            return Err(refused(format!(
                "{} has a file that `spin-deps vendor` did not put there: {name}",
                path.display()
            )));
        }
        Ok(Self { path, old: old.into_iter().map(|(name, _)| name).collect() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder hold this tree and nothing else, unless it only is to be checked. Returns in which respects it
    /// did not.
    pub(super) async fn bring(&self, tree: &Listed, check: bool) -> Result<Vec<Difference>, Error> {
        let mut differences = Vec::new();
        for (path, (file, _)) in &tree.files {
            if !self.old.contains(path) {
                differences.push(Difference::Missing(path.clone()));
            } else if *Upload::of_file(&self.path.join(path)).await?.digest() != file.digest {
                differences.push(Difference::Changed(path.clone()));
            }
        }
        let stale = self.old.iter().filter(|path| !tree.files.contains_key(*path));
        differences.extend(stale.map(|path| Difference::Stale(path.clone())));
        differences.sort();
        if !check && !differences.is_empty() {
            tokio::task::block_in_place(|| self.replace(tree))?;
        }
        Ok(differences)
    }

    fn replace(&self, tree: &Listed) -> Result<(), Error> {
        let parent = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs_err::create_dir_all(parent)?;
        let stage = tempfile::Builder::new().prefix(".spin-deps-vendor-").tempdir_in(parent)?;
        let new = stage.path().join("new");
        fs_err::create_dir(&new)?;
        tree.write(&new)?;
        if !self.path.exists() {
            return Ok(fs_err::rename(&new, &self.path)?);
        }
        exchange(&new, &self.path, &stage.path().join("old"))?;
        let old = if new.exists() { new } else { stage.path().join("old") };
        if old.join(STATE).exists() {
            fs_err::rename(old.join(STATE), self.path.join(STATE))?;
        }
        Ok(())
    }
}

/// Puts a folder in the place of another one, which is at `new` or `aside` afterwards.
fn exchange(new: &Path, place: &Path, aside: &Path) -> Result<(), Error> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        // Not every file system can.
        if renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
    }
    fs_err::rename(place, aside)?;
    fs_err::rename(new, place).or_else(|error| {
        fs_err::rename(aside, place)?;
        Err(error)
    })?;
    Ok(())
}

/// Every file below a folder, by its path from there, with `/`. Links are what they point to.
pub(super) fn below(root: &Path) -> Result<BTreeMap<String, PathBuf>, Error> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), root.to_path_buf())];
    while let Some((prefix, directory)) = open.pop() {
        for entry in fs_err::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(Error::Unknown {
                    message: format!("the name of {} is not Unicode", entry.path().display()),
                    hint: None,
                });
            };
            let path = entry.path();
            if fs_err::metadata(&path)?.is_dir() {
                open.push((format!("{prefix}{name}/"), path));
            } else {
                found.insert(format!("{prefix}{name}"), path);
            }
        }
    }
    Ok(found)
}

/// Whether an earlier run made the folder.
fn is_ours(path: &Path, kind: Kind) -> bool {
    match kind {
        Kind::App => begins_with_marker(&path.join("spin.toml")),
        Kind::Layout => index(path).is_some_and(|index| index.iter().all(of_ours)),
    }
}

fn begins_with_marker(manifest: &Path) -> bool {
    let marker = format!("# {MARKER}");
    let mut begin = vec![0; marker.len()];
    fs_err::File::open(manifest).is_ok_and(|mut file| file.read_exact(&mut begin).is_ok())
        && begin == marker.as_bytes()
}

/// What the list of an image layout has.
fn index(path: &Path) -> Option<Vec<Value>> {
    let text = files::read_text(&path.join(INDEX)).ok()?;
    let index: Value = serde_json::from_str(&text).ok()?;
    index.get("manifests")?.as_array().cloned()
}

/// Whether we put it into the list.
fn of_ours(descriptor: &Value) -> bool {
    descriptor.pointer(&format!("/annotations/{}", super::layout::PACKAGE)).is_some()
}

/// Which files an earlier run can have written.
fn known(path: &Path, kind: Kind) -> impl Fn(&str) -> bool + use<> {
    let sums = match kind {
        Kind::App => files::read_text(&path.join(SUMS)).unwrap_or_default(),
        Kind::Layout => String::new(),
    };
    move |name| match kind {
        Kind::App => {
            // The lines end with names, which are escaped in the same way in both.
            let file = VendoredFile { path: name.to_owned(), size: 0, digest: digest_of(&[]) };
            let line = sum(&file);
            let written = line.trim_end_matches('\n').trim_start_matches('\\').get(64..).unwrap_or_default();
            name == SUMS || sums.lines().any(|line| line.trim_start_matches('\\').get(64..) == Some(written))
        }
        Kind::Layout => name == LAYOUT || name == INDEX || name.starts_with("blobs/sha256/"),
    }
}
