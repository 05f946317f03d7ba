//! A change of several files that happens as a whole or not at all.
//!
//! `add` and `remove` write the manifest, then the lockfile, then generated files. Before the first write each
//! file's bytes are kept here; unless the change is kept with [`Change::keep`], dropping it puts them back. A
//! failure, a panic and an interrupted future (Ctrl-C drops it) all take that way.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::{Error, files};

/// The files that a running operation has touched, with what they held before.
#[derive(Default)]
pub(crate) struct Change {
    before: BTreeMap<PathBuf, Option<Vec<u8>>>,
    /// Directories that were made for them, the outer ones first.
    made: Vec<PathBuf>,
}

impl Change {
    /// Writes a file, unless it has these bytes already. Returns whether it wrote.
    pub(crate) fn write(&mut self, path: &Path, contents: &[u8]) -> Result<bool, Error> {
        self.remember(path)?;
        let missing = path.ancestors().skip(1).take_while(|it| !it.as_os_str().is_empty() && !it.exists());
        let mut missing: Vec<_> = missing.map(Path::to_path_buf).collect();
        missing.reverse();
        self.made.extend(missing);
        files::write_if_changed(path, contents)
    }

    /// Removes a file if it is there. Returns whether it was.
    pub(crate) fn remove(&mut self, path: &Path) -> Result<bool, Error> {
        self.remember(path)?;
        match fs_err::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps what was written.
    pub(crate) fn keep(mut self) {
        self.before.clear();
        self.made.clear();
    }

    fn remember(&mut self, path: &Path) -> Result<(), Error> {
        if !self.before.contains_key(path) {
            let bytes = match fs_err::read(path) {
                Ok(bytes) => Some(bytes),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(error.into()),
            };
            self.before.insert(path.to_path_buf(), bytes);
        }
        Ok(())
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        for (path, bytes) in std::mem::take(&mut self.before) {
            let restored = match bytes {
                Some(bytes) => files::write_if_changed(&path, &bytes).map(|_| ()),
                None => match fs_err::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
                    _ => Ok(()),
                },
            };
            if let Err(error) = restored {
                tracing::error!("{} could not be put back: {error}", path.display());
            }
        }
        for directory in self.made.drain(..).rev() {
            // Somebody else may have put something there.
            let _ = fs_err::remove_dir(directory);
        }
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
    fn a_kept_change_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mut change = Change::default();
        change.write(&path, b"kept").unwrap();
        change.keep();
        assert_eq!(fs_err::read(&path).unwrap(), b"kept");
    }
}
