//! Small answers worth remembering: JSON under a table and a key.
//!
//! A record is a file whose first line is the SHA-256 of the rest; the rest is JSON with the table, the key and the
//! value. The file's name is the digest of table and key, so that no outside text becomes a path; both are repeated
//! inside, so that a name never lies. What does not check is absent.

use std::io::{Read as _, Write as _};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_pkg_common::digest::ContentDigest;

use super::{Store, StoreError, blocking, digest_of, temporary_file};
use crate::files::about;

/// No record is larger; a tag list at its limit stays below.
const LIMIT: u64 = 32 << 20;
/// How much of a record is read for its key, in bytes.
const KEY_LIMIT: u64 = 4 << 10;

#[derive(Serialize)]
struct RecordRef<'a, T> {
    table: &'a str,
    key: &'a str,
    value: &'a T,
}

#[derive(Deserialize)]
struct Record<T> {
    table: String,
    key: String,
    value: T,
}

impl Store {
    /// Remembers `value` under `key`, in place of what was there.
    pub async fn remember<T: Serialize>(&self, table: &str, key: &str, value: &T) -> Result<(), StoreError> {
        let json = serde_json::to_vec(&RecordRef { table, key, value })
            .map_err(|error| StoreError::from(std::io::Error::other(error)))?;
        let dir = self.records();
        let path = dir.join(file_name(table, key));
        let written = blocking(move || {
            fs_err::create_dir_all(&dir)?;
            let mut file = temporary_file(&dir)?;
            let mut write = |bytes: &[u8]| {
                file.as_file_mut().write_all(bytes).map_err(|error| about(&path, "could not write", &error))
            };
            write(format!("{}\n", digest_of(&json)).as_bytes())?;
            write(&json)?;
            // Not synced: a record lost with the power is asked for again.
            file.persist(&path).map_err(|error| about(&path, "could not write", &error.error))?;
            Ok(())
        });
        match written.await {
            // The process ends before the writing began, as it does for what was fetched ahead in vain.
            Err(StoreError::Io(error)) if error.kind() == std::io::ErrorKind::Interrupted => Ok(()),
            written => written,
        }
    }

    /// What was remembered under `key`; `None` if nothing was, if it is damaged, or if it is of another type.
    pub async fn recall<T: DeserializeOwned + Send + 'static>(&self, table: &str, key: &str) -> Option<T> {
        let path = self.records().join(file_name(table, key));
        let (table, key) = (table.to_owned(), key.to_owned());
        let read = move || -> Result<Option<T>, StoreError> {
            let mut content = Vec::new();
            match fs_err::File::open(&path) {
                Ok(file) => file.take(LIMIT).read_to_end(&mut content)?,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            Ok(decode(&content, &table, &key))
        };
        match blocking(read).await {
            Ok(value) => value,
            Err(error) => {
                tracing::debug!(%error, "a record could not be read");
                None
            }
        }
    }

    /// The keys under which something is remembered in a table, of so many records as are looked at. For hints only:
    /// records are read in part, so that neither their size nor their checksum counts.
    pub async fn keys(&self, table: &str, looked_at: usize) -> Vec<String> {
        let dir = self.records();
        let table = table.to_owned();
        let read = move || -> Result<Vec<String>, StoreError> {
            let files = fs_err::read_dir(&dir)?.filter_map(Result::ok).take(looked_at);
            Ok(files.filter_map(|file| key_in(&file.path(), &table)).collect())
        };
        blocking(read).await.unwrap_or_default()
    }

    /// Forgets what was remembered under `key`.
    pub async fn forget(&self, table: &str, key: &str) -> Result<(), StoreError> {
        let path = self.records().join(file_name(table, key));
        blocking(move || match fs_err::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        })
        .await
    }
}

/// The key of a record of this table, from the beginning of its file.
fn key_in(path: &Path, table: &str) -> Option<String> {
    let mut beginning = Vec::new();
    fs_err::File::open(path).ok()?.take(KEY_LIMIT).read_to_end(&mut beginning).ok()?;
    let end = beginning.iter().position(|byte| *byte == b'\n')?;
    // As `remember` writes it: the table, then the key.
    let before_key = format!("{{\"table\":\"{table}\",\"key\":");
    let key = beginning.get(end + 1..)?.strip_prefix(before_key.as_bytes())?;
    serde_json::Deserializer::from_slice(key).into_iter().next()?.ok()
}

fn file_name(table: &str, key: &str) -> String {
    let ContentDigest::Sha256 { hex } = digest_of(format!("{table}\0{key}").as_bytes());
    format!("{hex}.json")
}

fn decode<T: DeserializeOwned>(content: &[u8], table: &str, key: &str) -> Option<T> {
    let end = content.iter().position(|byte| *byte == b'\n')?;
    let (digest, json) = content.split_at_checked(end)?;
    let json = json.get(1..)?;
    if digest_of(json).to_string().as_bytes() != digest {
        tracing::debug!(table, "a record is damaged and ignored");
        return None;
    }
    let record: Record<T> = serde_json::from_slice(json).ok()?;
    (record.table == table && record.key == key).then_some(record.value)
}
