//! What a build is made from, to tell whether it has to be made again.
//!
//! Times of files say little: a checkout, a copy or a branch sets them as it likes. So each file's content counts. Which
//! files those are is what `[build] watch` names, or else everything in the folder besides what tools leave there.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Read,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use spin_deps_manifest::Build;

use crate::Error;

/// Folders that hold what tools made or fetched, besides those whose name begins with a dot.
const PASSED_OVER: [&str; 4] = ["target", "node_modules", "__pycache__", "dist"];
/// Files that count whatever `watch` says, by their name.
const ALWAYS: [&str; 2] = ["component.toml", spin_deps_lockfile::FILE_NAME];
/// More files than these, or more bytes, are not the sources of a component.
const MOST_FILES: usize = 20_000;
const MOST_BYTES: u64 = 1 << 30;

/// The files that a build reads, by their paths in the folder, each with its digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sources(BTreeMap<PathBuf, [u8; 32]>);

impl Sources {
    /// Reads the sources of the component in `folder`, without its own output.
    pub(super) fn read(folder: &Path, build: Option<&Build>, output: &Path) -> Result<Self, Error> {
        let mut files = match build {
            Some(build) if !build.watch.is_empty() => watched(folder, build)?,
            _ => all(folder)?,
        };
        files.retain(|file| file != output);
        let mut sources = Self::default();
        let mut left = MOST_BYTES;
        for file in files {
            let Some(digest) = digest(&file, &mut left)? else { continue };
            if sources.0.len() == MOST_FILES || left == 0 {
                return Err(too_many(folder));
            }
            sources.0.insert(file.strip_prefix(folder).unwrap_or(&file).to_path_buf(), digest);
        }
        Ok(sources)
    }

    /// What a build was made from, from its sources before it and after it: a build leaves files in its folder, and
    /// whoever edits a file while it runs has to be noticed.
    pub(super) fn of_build(before: Self, after: Self) -> Self {
        let mut sources = after;
        sources.0.extend(before.0);
        sources
    }

    /// One digest for all of them, in hexadecimal.
    pub(super) fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for (path, digest) in &self.0 {
            let path = path.to_string_lossy();
            hasher.update(path.len().to_le_bytes());
            hasher.update(path.as_bytes());
            hasher.update(digest);
        }
        hasher.finalize().iter().fold(String::new(), |mut text, byte| {
            // A String takes everything.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

fn too_many(folder: &Path) -> Error {
    Error::Unknown {
        message: format!("there is too much in {} to tell whether it changed", folder.display()),
        hint: Some("name the sources in its component.toml: `[build] watch = [\"src/**/*\"]`".into()),
    }
}

/// The files that the patterns name, which are relative to the directory of the build.
fn watched(folder: &Path, build: &Build) -> Result<Vec<PathBuf>, Error> {
    let base = build.workdir.as_ref().map_or_else(|| folder.to_path_buf(), |it| folder.join(it));
    let base = glob::Pattern::escape(&base.to_string_lossy());
    let mut files: Vec<PathBuf> = ALWAYS.iter().map(|name| folder.join(name)).collect();
    for pattern in &build.watch {
        let found = glob::glob(&format!("{base}/{pattern}")).map_err(|error| Error::Unknown {
            message: format!("the pattern `{pattern}` in `watch` is not valid: {error}"),
            hint: None,
        })?;
        files.extend(found.filter_map(Result::ok).take(MOST_FILES + 1));
    }
    Ok(files)
}

/// All files of a folder that may be somebody's work.
fn all(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in fs_err::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // A link to a folder may lead anywhere, also round in a circle.
            if entry.file_type()?.is_dir() {
                if !name.starts_with('.') && !PASSED_OVER.contains(&&*name) {
                    open.push(entry.path());
                }
            } else {
                files.push(entry.path());
            }
            if files.len() + open.len() > MOST_FILES {
                return Err(too_many(folder));
            }
        }
    }
    Ok(files)
}

/// The digest of a file, read as far as `left` allows; `None` for what is no file or is gone.
fn digest(path: &Path, left: &mut u64) -> Result<Option<[u8; 32]>, Error> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut file = fs_err::File::open(path)?.take(*left);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
    *left = file.limit();
    Ok(Some(hasher.finalize().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        folder
    }

    fn names(sources: &Sources) -> Vec<String> {
        sources.0.keys().map(|path| path.display().to_string()).collect()
    }

    fn build(watch: &[&str]) -> Build {
        Build {
            command: Vec::new(),
            workdir: Some("src".into()),
            watch: watch.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn sources_are_what_somebody_wrote() {
        let folder = folder(&[
            ("component.toml", ""),
            ("hash.wasm", "output"),
            ("src/a.rs", "a"),
            ("src/deep/b.rs", "b"),
            ("target/debug/x", ""),
            ("src/node_modules/x/y.js", ""),
            (".git/HEAD", ""),
        ]);
        let read = |watch: &[&str]| {
            Sources::read(folder.path(), Some(&build(watch)), &folder.path().join("hash.wasm")).unwrap()
        };
        assert_eq!(names(&read(&[])), ["component.toml", "src/a.rs", "src/deep/b.rs"]);
        assert_eq!(names(&read(&["*.rs"])), ["component.toml", "src/a.rs"]);
        assert_eq!(names(&read(&["**/*.rs"])), ["component.toml", "src/a.rs", "src/deep/b.rs"]);
        let before = read(&[]);
        fs_err::write(folder.path().join("src/a.rs"), "c").unwrap();
        assert_ne!(read(&[]).digest(), before.digest());
        fs_err::write(folder.path().join("src/a.rs"), "a").unwrap();
        assert_eq!(read(&[]).digest(), before.digest(), "times do not count");
    }

    #[test]
    fn what_changes_during_a_build_counts_as_it_was_before() {
        let of = |files: &[(&str, u8)]| {
            Sources(files.iter().map(|(name, byte)| (PathBuf::from(name), [*byte; 32])).collect())
        };
        let built = Sources::of_build(of(&[("a", 1), ("b", 1)]), of(&[("a", 1), ("b", 2), ("made", 1)]));
        assert_eq!(built, of(&[("a", 1), ("b", 1), ("made", 1)]), "an edit of b was not built");
    }
}
