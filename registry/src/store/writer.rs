//! Writing content that arrives in pieces.

use std::io::{self, Write as _};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tokio::task::{JoinHandle, spawn_blocking};
use wasm_pkg_common::digest::ContentDigest;

use super::{Store, StoreError, blocking, temporary_file};
use crate::files::about;

/// How much is gathered before it is hashed and written in one go off the async threads.
const BATCH: usize = 1 << 19;

/// Stores content that arrives in pieces: hashed on the way, visible only after [`commit`](Self::commit). Dropped
/// without it, nothing remains.
///
/// While one batch is hashed and written the next one is gathered, so that the sender does not wait for the disk; more
/// than these two are never in memory.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    expected: Option<ContentDigest>,
    limit: u64,
    size: u64,
    pending: Vec<u8>,
    part: Option<Part>,
    work: Option<JoinHandle<Result<Written, StoreError>>>,
}

/// What has been written so far.
#[derive(Debug)]
struct Part {
    file: NamedTempFile,
    hasher: Sha256,
}

/// A part after a batch, and the batch, whose memory is used again.
type Written = (Part, Vec<u8>);

impl Writer {
    pub(super) fn new(store: Store, expected: Option<ContentDigest>, limit: u64) -> Self {
        Self { store, expected, limit, size: 0, pending: Vec::new(), part: None, work: None }
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
        let mut rest = chunk;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(BATCH - self.pending.len()));
            self.pending.reserve_exact(BATCH - self.pending.len());
            self.pending.extend_from_slice(now);
            rest = later;
            if self.pending.len() == BATCH {
                let empty = self.settle().await?;
                let (store, part) = (self.store.clone(), self.part.take());
                let batch = std::mem::replace(&mut self.pending, empty);
                self.work = Some(spawn_blocking(move || append(&store, part, batch)));
            }
        }
        Ok(())
    }

    /// Waits for the batch that is being written, and gives its memory back.
    async fn settle(&mut self) -> Result<Vec<u8>, StoreError> {
        let Some(work) = self.work.take() else { return Ok(Vec::new()) };
        let (part, mut batch) = work.await.map_err(io::Error::other)??;
        self.part = Some(part);
        batch.clear();
        Ok(batch)
    }

    /// Checks the digest, syncs the file and gives it its name. Returns the digest and the size in bytes.
    pub async fn commit(mut self) -> Result<(ContentDigest, u64), StoreError> {
        self.settle().await?;
        let Self { store, expected, size, pending, part, .. } = self;
        blocking(move || {
            let (Part { file, hasher }, _) = append(&store, part, pending)?;
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

fn append(store: &Store, part: Option<Part>, batch: Vec<u8>) -> Result<Written, StoreError> {
    let mut part = if let Some(part) = part {
        part
    } else {
        let dir = store.blobs();
        fs_err::create_dir_all(&dir)?;
        Part { file: temporary_file(&dir)?, hasher: Sha256::new() }
    };
    part.hasher.update(&batch);
    part.file
        .as_file_mut()
        .write_all(&batch)
        .map_err(|error| about(part.file.path(), "could not write", &error))?;
    Ok((part, batch))
}
