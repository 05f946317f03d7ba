//! Looking after the store: how much is in it, is it sound, away with it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use wasm_pkg_common::digest::ContentDigest;

use super::{BLOCK, Store, StoreError, TEMPORARY, blocking, is_hex_digest};

/// What is in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreInfo {
    /// Pieces of content.
    pub blobs: u64,
    /// Their size in bytes, together.
    pub bytes: u64,
    /// Small records.
    pub records: u64,
    /// Temporary files, of writers at work or of killed processes.
    pub temporary: u64,
}

/// A stored file that is not what its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// The digest that its name promises; `None`: its name is no digest.
    pub digest: Option<ContentDigest>,
    /// What is wrong with it.
    pub reason: String,
}

/// What [`Store::clean`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Files.
    pub files: u64,
    /// Their size in bytes, together.
    pub bytes: u64,
}

struct Entry {
    path: PathBuf,
    name: String,
    size: u64,
}

impl Entry {
    fn is_temporary(&self) -> bool {
        self.name.starts_with(TEMPORARY)
    }
}

impl Store {
    /// Counts what is in the store, without reading it.
    pub fn info(&self) -> Result<StoreInfo, StoreError> {
        let mut info = StoreInfo::default();
        for entry in entries(&self.blobs())? {
            if entry.is_temporary() {
                info.temporary += 1;
            } else {
                info.blobs += 1;
                info.bytes = info.bytes.saturating_add(entry.size);
            }
        }
        for entry in entries(&self.records())? {
            if entry.is_temporary() {
                info.temporary += 1;
            } else {
                info.records += 1;
            }
        }
        Ok(info)
    }

    /// Reads all content and reports what is damaged, sorted by path. Changes nothing.
    pub async fn verify(&self) -> Result<Vec<Damage>, StoreError> {
        let dir = self.blobs();
        blocking(move || {
            let mut damages = Vec::new();
            for entry in entries(&dir)?.into_iter().filter(|entry| !entry.is_temporary()) {
                if !is_hex_digest(&entry.name) {
                    let reason = "its name is not a digest".to_owned();
                    damages.push(Damage { path: entry.path, digest: None, reason });
                    continue;
                }
                let expected = ContentDigest::Sha256 { hex: entry.name };
                let reason = match digest_of_file(&entry.path) {
                    Ok(None) => continue,
                    Ok(Some(actual)) if actual == expected => continue,
                    Ok(Some(actual)) => format!("its digest is {actual}"),
                    Err(error) => error.to_string(),
                };
                damages.push(Damage { path: entry.path, digest: Some(expected), reason });
            }
            damages.sort_by(|a, b| a.path.cmp(&b.path));
            Ok(damages)
        })
        .await
    }

    /// Removes everything, save the temporary files of writers that are at work.
    pub fn clean(&self) -> Result<Removed, StoreError> {
        let mut removed = Removed::default();
        for entry in entries(&self.blobs())?.into_iter().chain(entries(&self.records())?) {
            if entry.is_temporary() && is_at_work(&entry.path) {
                continue;
            }
            match fs_err::remove_file(&entry.path) {
                Ok(()) => {
                    removed.files += 1;
                    removed.bytes = removed.bytes.saturating_add(entry.size);
                }
                // Another process was faster.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(removed)
    }
}

/// The files of a directory; none if it does not exist.
fn entries(dir: &Path) -> Result<Vec<Entry>, StoreError> {
    let read = match fs_err::read_dir(dir) {
        Ok(read) => read,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut entries = Vec::new();
    for entry in read {
        let entry = entry?;
        // Gone in the meantime is as good as never seen.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.push(Entry { path: entry.path(), name, size: metadata.len() });
        }
    }
    Ok(entries)
}

/// Whether the temporary file's writer lives: it holds a lock as long as the file is open.
fn is_at_work(path: &Path) -> bool {
    match fs_err::File::open(path) {
        Ok(file) => matches!(file.file().try_lock(), Err(std::fs::TryLockError::WouldBlock)),
        Err(_) => false,
    }
}

/// The digest of a file's bytes, in bounded memory; `None` if the file is gone.
fn digest_of_file(path: &Path) -> std::io::Result<Option<ContentDigest>> {
    let mut file = match fs_err::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BLOCK];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            Some(bytes) if !bytes.is_empty() => hasher.update(bytes),
            _ => return Ok(Some(hasher.into())),
        }
    }
}
