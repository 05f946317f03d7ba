//! What is published: bytes in memory or a file, read in pieces.
//!
//! A component may be larger than what one wants in memory, so a file is never read whole: once for its digest, and
//! once more while it is sent. It stays open in between, so that a file put in its place changes nothing; one that is
//! written to meanwhile has another digest than was announced, and is refused where it arrives.

use std::fmt;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::Stream;
use sha2::{Digest as _, Sha256};
use wasm_pkg_common::digest::ContentDigest;

use crate::LAYER_LIMIT;
use crate::error::Error;
use crate::store::digest_of;

/// What a file is read in, in bytes.
const PIECE: usize = 256 << 10;

/// Content to be published, with its digest. Cheap to clone.
#[derive(Clone)]
pub struct Upload {
    origin: Origin,
    digest: ContentDigest,
    size: u64,
}

#[derive(Clone)]
enum Origin {
    Memory(Bytes),
    File(Arc<Mutex<fs_err::File>>),
}

impl Upload {
    /// The content of a file, of at most [`LAYER_LIMIT`] bytes.
    pub async fn of_file(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let mut file = fs_err::File::open(&path)?;
            let (digest, size) = digest_of_reader(&mut file, &path.display().to_string())?;
            Ok::<_, Error>(Self { origin: Origin::File(Arc::new(Mutex::new(file))), digest, size })
        });
        opened.await.map_err(io::Error::other)?
    }

    /// The digest.
    pub fn digest(&self) -> &ContentDigest {
        &self.digest
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes from `offset` on: `length` of them, or fewer where the content ends. Waits for the disk.
    pub(crate) fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = length.min(left);
        match &self.origin {
            Origin::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(start..start + length))
            }
            Origin::File(file) => {
                let mut piece = vec![0; length];
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(offset))?;
                file.read_exact(&mut piece)?;
                Ok(piece.into())
            }
        }
    }

    /// As [`read`](Self::read), off the async threads.
    pub(crate) async fn piece(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        match &self.origin {
            Origin::Memory(_) => self.read(offset, length),
            Origin::File(_) => {
                let this = self.clone();
                let read = tokio::task::spawn_blocking(move || this.read(offset, length));
                read.await.map_err(io::Error::other)?
            }
        }
    }

    /// All of it in pieces; `taken` is told how many bytes have been asked for so far.
    pub(crate) fn stream<F: Fn(u64) + Send + Sync + 'static>(
        &self,
        taken: F,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync + use<F> {
        let begin = (self.clone(), 0, taken);
        futures::stream::try_unfold(begin, |(upload, offset, taken)| async move {
            taken(offset);
            let piece = upload.piece(offset, PIECE).await?;
            let next = offset + piece.len() as u64;
            Ok((!piece.is_empty()).then_some((piece, (upload, next, taken))))
        })
    }
}

impl<T: Into<Bytes>> From<T> for Upload {
    fn from(bytes: T) -> Self {
        let bytes = bytes.into();
        Self { digest: digest_of(&bytes), size: bytes.len() as u64, origin: Origin::Memory(bytes) }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({}, {} bytes)", self.digest, self.size)
    }
}

/// The digest and the size of what `reader` gives, which may be no more than [`LAYER_LIMIT`]; `what` is for messages.
pub(crate) fn digest_of_reader(
    reader: &mut impl io::Read,
    what: &str,
) -> Result<(ContentDigest, u64), Error> {
    let mut hasher = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; PIECE];
    loop {
        let read = reader.read(&mut buffer)?;
        match buffer.get(..read) {
            Some(bytes) if !bytes.is_empty() => hasher.update(bytes),
            _ => return Ok((hasher.into(), size)),
        }
        size += read as u64;
        if size > LAYER_LIMIT {
            return Err(Error::TooLarge { what: what.to_owned(), limit: LAYER_LIMIT });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_file_and_its_bytes_are_the_same_content() {
        let bytes: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), &bytes).unwrap();
        let (memory, file) = (Upload::from(bytes.clone()), Upload::of_file(file.path()).await.unwrap());
        assert_eq!((memory.digest(), memory.size()), (file.digest(), file.size()));
        for upload in [memory, file] {
            let all: Vec<Bytes> = upload.stream(|_| {}).try_collect().await.unwrap();
            assert_eq!(all.concat(), bytes);
            assert_eq!(upload.piece(999_990, 100).await.unwrap(), bytes[999_990..]);
            assert_eq!(upload.piece(2_000_000, 100).await.unwrap(), Bytes::new());
        }
    }

    #[tokio::test]
    async fn a_file_that_is_replaced_stays_what_it_was_and_one_that_shrinks_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a"), dir.path().join("b"));
        fs_err::write(&path, b"first").unwrap();
        fs_err::write(&other, b"other").unwrap();
        let upload = Upload::of_file(&path).await.unwrap();
        fs_err::rename(&other, &path).unwrap();
        assert_eq!(upload.piece(0, 100).await.unwrap(), "first");

        let upload = Upload::of_file(&path).await.unwrap();
        fs_err::write(&path, b"o").unwrap();
        assert_eq!(upload.piece(0, 100).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
