//! Writing content that arrives in pieces.

use std::io::Write as _;

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use wasm_pkg_common::digest::ContentDigest;

use super::{Store, StoreError, blocking, temporary_file};
use crate::files::about;

/// How much is gathered before it is hashed and written in one go off the async threads.
const BATCH: usize = 1 << 20;

/// Stores content that arrives in pieces: hashed on the way, visible only after [`commit`](Self::commit). Dropped
/// without it, nothing remains.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    expected: Option<ContentDigest>,
    limit: u64,
    size: u64,
    pending: Vec<u8>,
    file: Option<Part>,
}

/// What has been written so far.
#[derive(Debug)]
struct Part {
    file: NamedTempFile,
    hasher: Sha256,
}

impl Writer {
    pub(super) fn new(store: Store, expected: Option<ContentDigest>, limit: u64) -> Self {
        Self { store, expected, limit, size: 0, pending: Vec::new(), file: None }
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes more bytes.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), StoreError> {
        self.size = self.size.saturating_add(chunk.len() as u64);
        if self.size > self.limit {
            return Err(StoreError::TooLarge { limit: self.limit });
        }
        self.pending.extend_from_slice(chunk);
        if self.pending.len() >= BATCH {
            let pending = std::mem::take(&mut self.pending);
            let part = self.file.take();
            let store = self.store.clone();
            self.file = Some(blocking(move || append(&store, part, &pending)).await?);
        }
        Ok(())
    }

    /// Checks the digest, syncs the file and gives it its name. Returns the digest and the size in bytes.
    pub async fn commit(self) -> Result<(ContentDigest, u64), StoreError> {
        let Self { store, expected, size, pending, file, .. } = self;
        blocking(move || {
            let Part { file, hasher } = append(&store, file, &pending)?;
            let actual = ContentDigest::from(hasher);
            if let Some(expected) = expected.filter(|expected| *expected != actual) {
                return Err(StoreError::Mismatch { expected, actual });
            }
            file.as_file().sync_all().map_err(|error| about(file.path(), "could not write", &error))?;
            let path = store.blob_path(&actual);
            file.persist(&path).map_err(|error| about(&path, "could not write", &error.error))?;
            Ok((actual, size))
        })
        .await
    }
}

fn append(store: &Store, part: Option<Part>, bytes: &[u8]) -> Result<Part, StoreError> {
    let mut part = if let Some(part) = part {
        part
    } else {
        let dir = store.blobs();
        fs_err::create_dir_all(&dir)?;
        Part { file: temporary_file(&dir)?, hasher: Sha256::new() }
    };
    part.hasher.update(bytes);
    part.file
        .as_file_mut()
        .write_all(bytes)
        .map_err(|error| about(part.file.path(), "could not write", &error))?;
    Ok(part)
}
