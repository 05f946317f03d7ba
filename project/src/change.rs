//! A change of several files that happens as a whole or not at all.
//!
//! `add` and `remove` write the manifest, then the lockfile, then generated files. Before the first write each
//! file's bytes are kept here; unless the change is kept with [`Change::keep`], dropping it puts them back. A
//! failure, a panic and an interrupted future (Ctrl-C drops it) all take that way. A file that somebody else has changed
//! after the write is left alone: what they wrote is worth more.
//!
//! A [rehearsal](Change::rehearsal) goes the same way and writes nothing: that is what `--dry-run` does.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::{Error, files};

/// The files that a running operation has touched.
#[derive(Default)]
pub(crate) struct Change {
    touched: BTreeMap<PathBuf, Touched>,
    /// Directories that were made for them, the outer ones first.
    made: Vec<PathBuf>,
    rehearsal: bool,
}

/// What a file holds; `None` if there is none.
type Held = Option<Vec<u8>>;

/// A file that was written or removed.
struct Touched {
    before: Held,
    after: Held,
}

impl Change {
    /// A change that tells what it would write, and does not.
    pub(crate) fn rehearsal() -> Self {
        Self { touched: BTreeMap::new(), made: Vec::new(), rehearsal: true }
    }

    /// Writes a file, unless it has these bytes already. Returns whether it wrote.
    pub(crate) fn write(&mut self, path: &Path, contents: &[u8]) -> Result<bool, Error> {
        if self.rehearsal {
            return Ok(held(path)?.as_deref() != Some(contents));
        }
        self.remember(path, Some(contents.to_vec()))?;
        let missing = path.ancestors().skip(1).take_while(|it| !it.as_os_str().is_empty() && !it.exists());
        let mut missing: Vec<_> = missing.map(Path::to_path_buf).collect();
        missing.reverse();
        self.made.extend(missing);
        files::write_if_changed(path, contents)
    }

    /// Removes a file if it is there. Returns whether it was.
    pub(crate) fn remove(&mut self, path: &Path) -> Result<bool, Error> {
        if self.rehearsal {
            return Ok(held(path)?.is_some());
        }
        self.remember(path, None)?;
        match fs_err::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps what was written.
    pub(crate) fn keep(mut self) {
        self.touched.clear();
        self.made.clear();
    }

    fn remember(&mut self, path: &Path, after: Held) -> Result<(), Error> {
        if let Some(touched) = self.touched.get_mut(path) {
            touched.after = after;
        } else {
            let touched = Touched { before: held(path)?, after };
            self.touched.insert(path.to_path_buf(), touched);
        }
        Ok(())
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        for (path, Touched { before, after }) in std::mem::take(&mut self.touched) {
            if let Err(error) = put_back(&path, before, after.as_deref()) {
                tracing::error!("{} could not be put back: {error}", path.display());
            }
        }
        for directory in self.made.drain(..).rev() {
            // Somebody else may have put something there.
            let _ = fs_err::remove_dir(directory);
        }
    }
}

fn put_back(path: &Path, before: Held, after: Option<&[u8]>) -> Result<(), Error> {
    let now = held(path)?;
    if now == before {
        return Ok(());
    }
    if now.as_deref() != after {
        tracing::warn!(
            "{} was changed by another program in the meantime, and is left as it is",
            path.display()
        );
        return Ok(());
    }
    match before {
        Some(bytes) => files::write(path, &bytes),
        None => Ok(fs_err::remove_file(path)?),
    }
}

fn held(path: &Path) -> Result<Held, Error> {
    match fs_err::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::Change;

    #[test]
    fn an_unfinished_change_leaves_every_file_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let (old, new, gone) =
            (directory.path().join("old"), directory.path().join("a/b/new"), directory.path().join("gone"));
        fs_err::write(&old, "old").unwrap();
        fs_err::write(&gone, "gone").unwrap();
        let mut change = Change::default();
        assert!(change.write(&old, b"changed").unwrap());
        assert!(change.write(&old, b"changed twice").unwrap());
        assert!(change.write(&new, b"new").unwrap());
        assert!(change.remove(&gone).unwrap());
        drop(change);
        assert_eq!(fs_err::read(&old).unwrap(), b"old");
        assert_eq!(fs_err::read(&gone).unwrap(), b"gone");
        assert!(!directory.path().join("a").exists());
    }

    #[test]
    fn what_somebody_else_wrote_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs_err::write(&path, "old").unwrap();
        let mut change = Change::default();
        change.write(&path, b"ours").unwrap();
        fs_err::write(&path, "theirs").unwrap();
        drop(change);
        assert_eq!(fs_err::read(&path).unwrap(), b"theirs");
    }

    #[test]
    fn a_rehearsal_writes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let (old, new) = (directory.path().join("old"), directory.path().join("new"));
        fs_err::write(&old, "old").unwrap();
        let mut change = Change::rehearsal();
        assert!(change.write(&old, b"changed").unwrap() && !change.write(&old, b"old").unwrap());
        assert!(change.write(&new, b"new").unwrap() && !change.remove(&new).unwrap());
        assert!(change.remove(&old).unwrap());
        change.keep();
        assert!(fs_err::read(&old).unwrap() == b"old" && !new.exists());
    }

    #[test]
    fn a_kept_change_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mut change = Change::default();
        change.write(&path, b"kept").unwrap();
        change.keep();
        assert_eq!(fs_err::read(&path).unwrap(), b"kept");
    }
}
