//! The content store: what was fetched once, by its digest.
//!
//! ```text
//! DIR/blobs/sha256/<hex>      content: Wasm, manifests, config objects
//! DIR/records/<hex>.json      small answers: tag lists, which manifest a version named, registry metadata
//! ```
//!
//! **Content is verified on every read.** Hashing costs about a millisecond per megabyte; content that is not needed
//! as bytes is hashed as a stream, so that its size does not matter for the memory. In return a flipped bit, a
//! torn write or a meddling process can never pass for the release that was locked, and the store needs no repair
//! log: a damaged file is reported, and replaced by the next download.
//!
//! **Writers never meet.** Each writes to a temporary name of its own in the directory of the target, syncs the file
//! and renames it into place. Two processes that fetch the same release both write the same bytes; the later rename
//! wins, and no reader sees a part. A temporary file is locked while its writer lives, so that
//! [`clean`](Store::clean) can tell a leftover of a killed process from work in progress.
//!
//! **Records may be lost.** They carry their own checksum; one that is damaged counts as absent, and the last
//! writer wins.

mod records;
mod upkeep;
mod writer;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use wasm_pkg_common::digest::ContentDigest;

pub use upkeep::{Damage, Removed, StoreInfo};
pub use writer::Writer;

/// Names that begin so are a writer's own business.
const TEMPORARY: &str = ".tmp-";
/// How much of a file is read at once, in bytes.
const BLOCK: usize = 1 << 18;

/// The content store of one directory. Cheap to clone; safe to use from several tasks and processes.
#[derive(Clone, Debug)]
pub struct Store {
    dir: Arc<Path>,
}

/// What can go wrong in the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The bytes in the store are not those of the digest.
    #[error("the stored file {} is damaged: its digest is {actual}", path.display())]
    Damaged {
        /// The digest by which it is known.
        digest: ContentDigest,
        /// The digest that it has.
        actual: ContentDigest,
        /// The file.
        path: PathBuf,
    },
    /// The bytes written are not those of the digest that was expected; nothing was stored.
    #[error("the content does not match its digest: expected {expected}, got {actual}")]
    Mismatch {
        /// The digest that was expected.
        expected: ContentDigest,
        /// The digest of the bytes.
        actual: ContentDigest,
    },
    /// More bytes than the writer accepts; nothing was stored.
    #[error("the content is larger than the {limit} bytes that are accepted")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The file system refused; the error names the file.
    #[error(transparent)]
    Io(Arc<io::Error>),
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

impl Store {
    /// The store in `dir`, which is created if it is missing.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let dir = dir.into();
        fs_err::create_dir_all(dir.join("blobs").join("sha256"))?;
        fs_err::create_dir_all(dir.join("records"))?;
        Ok(Self { dir: dir.into() })
    }

    /// The store in `dir` as far as there is one: nothing is created before something is stored.
    pub fn as_it_is(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into().into() }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The content with this digest, verified; `None` if it is not stored, [`StoreError::Damaged`] if its bytes have
    /// changed.
    pub async fn get(&self, digest: &ContentDigest) -> Result<Option<Bytes>, StoreError> {
        let path = self.blob_path(digest);
        let digest = digest.clone();
        blocking(move || {
            let content = match fs_err::read(&path) {
                Ok(content) => content,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let actual = digest_of(&content);
            if actual == digest {
                Ok(Some(content.into()))
            } else {
                Err(StoreError::Damaged { digest, actual, path })
            }
        })
        .await
    }

    /// Gives the content with this digest to `work` as a stream, in little memory, and hashes it on the way: the very
    /// bytes that `work` saw are those that are judged. What it made of them is only given out if they were sound;
    /// otherwise as [`get`](Self::get).
    pub async fn read<T: Send + 'static>(
        &self,
        digest: &ContentDigest,
        work: impl FnOnce(&mut dyn Read) -> T + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        let path = self.blob_path(digest);
        let digest = digest.clone();
        blocking(move || {
            let file = match fs_err::File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let mut reader = Hashing { file, hasher: Sha256::new(), failure: None };
            let made = work(&mut reader);
            let actual = reader.finish()?;
            if actual == digest { Ok(Some(made)) } else { Err(StoreError::Damaged { digest, actual, path }) }
        })
        .await
    }

    /// Whether the content with this digest is there and sound, at the cost of reading it;
    /// [`StoreError::Damaged`] if its bytes have changed.
    pub async fn contains(&self, digest: &ContentDigest) -> Result<bool, StoreError> {
        Ok(self.read(digest, |_| ()).await?.is_some())
    }

    /// As [`get`](Self::get), but damaged content counts as missing: for those who can fetch it again, which
    /// replaces the file.
    pub async fn get_sound(&self, digest: &ContentDigest) -> Result<Option<Bytes>, StoreError> {
        match self.get(digest).await {
            Err(StoreError::Damaged { path, .. }) => {
                tracing::warn!(path = %path.display(), "a stored file is damaged; it is fetched again");
                Ok(None)
            }
            other => other,
        }
    }

    /// Stores `content` and returns its digest.
    pub async fn put(&self, content: impl Into<Bytes>) -> Result<ContentDigest, StoreError> {
        let mut writer = self.writer(None, u64::MAX);
        writer.write(&content.into()).await?;
        Ok(writer.commit().await?.0)
    }

    /// A writer for content that arrives in pieces; at most `limit` bytes, and with the digest `expected` if given.
    pub fn writer(&self, expected: Option<&ContentDigest>, limit: u64) -> Writer {
        Writer::new(self.clone(), expected.cloned(), limit)
    }

    fn blobs(&self) -> PathBuf {
        self.dir.join("blobs").join("sha256")
    }

    fn records(&self) -> PathBuf {
        self.dir.join("records")
    }

    fn blob_path(&self, digest: &ContentDigest) -> PathBuf {
        let ContentDigest::Sha256 { hex } = digest;
        // The enum's field is public: only what is a digest may become a file name.
        let name = if is_hex_digest(hex) { hex.as_str() } else { "invalid" };
        self.blobs().join(name)
    }
}

fn is_hex_digest(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The SHA-256 digest of `content`.
pub fn digest_of(content: &[u8]) -> ContentDigest {
    Sha256::new_with_prefix(content).into()
}

/// A file that is hashed while it is read.
struct Hashing {
    file: fs_err::File,
    hasher: Sha256,
    /// Whoever reads may not look at an error: it is not forgotten.
    failure: Option<io::Error>,
}

impl Hashing {
    /// The digest of the whole file, once what was not asked for is read as well.
    fn finish(mut self) -> Result<ContentDigest, io::Error> {
        let mut rest = vec![0; BLOCK];
        while self.failure.is_none() && self.read(&mut rest)? > 0 {}
        match self.failure {
            None => Ok(self.hasher.into()),
            Some(error) => Err(error),
        }
    }
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(buffer) {
                Ok(read) => {
                    self.hasher.update(buffer.get(..read).unwrap_or_default());
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let told = io::Error::new(error.kind(), error.to_string());
                    self.failure = Some(error);
                    return Err(told);
                }
            }
        }
    }
}

/// A file that the next rename makes visible: in `dir`, created with the process's usual permissions, and locked
/// as long as it is open.
fn temporary_file(dir: &Path) -> Result<tempfile::NamedTempFile, StoreError> {
    let file = crate::files::temporary_in(dir, TEMPORARY)?;
    // Where the file system has no locks, `clean` takes it for a leftover; nothing else depends on it.
    if let Err(error) = file.as_file().try_lock() {
        tracing::debug!(%error, "a temporary file could not be locked");
    }
    Ok(file)
}

/// Runs `work` off the async threads: file input and output, and hashing.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_cancelled() => Err(io::Error::new(io::ErrorKind::Interrupted, error).into()),
        Err(error) => Err(io::Error::other(error).into()),
    }
}
