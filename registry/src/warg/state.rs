//! What has been verified of a registry, kept on disk: it outlives the cache, because losing it means to trust on
//! first use again.
//!
//! ```text
//! STATE/warg/<digest of the URL>/registry.json      the checkpoint and the operator's log
//! STATE/warg/<digest of the URL>/pkg-<ns>.<name>.json    the log of a package
//! STATE/warg/<digest of the URL>/lock
//! ```
//!
//! A file is a line with the SHA-256 of the rest, and JSON. It is written to a temporary name, synced and renamed, so
//! that a killed process leaves the old one or the new one. **What does not check is an error, never absence**: to begin
//! anew would be to trust whoever answers now, and nobody would notice. Only pins of a lockfile, which say what the
//! keys must be, allow it.
//!
//! The registry's file is written before the package's. A package is then never ahead of the checkpoint, and one that
//! is behind it is the usual case. Writers hold the lock while they compare what is there with what they started
//! from; readers need none.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;
use warg_protocol::SerdeEnvelope;
use warg_protocol::registry::{Checkpoint, PackageName, TimestampedCheckpoint};
use wasm_pkg_common::digest::ContentDigest;

use super::log::{OperatorLog, PackageLog};
use crate::error::Error;
use crate::files::{about, temporary_in};
use crate::store::digest_of;

/// No file is larger.
const LIMIT: u64 = 64 << 20;
const TEMPORARY: &str = ".tmp-";

/// The checkpoint of a registry, and the log of its operator at that point.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RegistryState {
    pub(super) checkpoint: SerdeEnvelope<TimestampedCheckpoint>,
    pub(super) operator: OperatorLog,
}

impl RegistryState {
    pub(super) fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint.as_ref().checkpoint
    }
}

/// What is known when an answer arrives.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) registry: Option<RegistryState>,
    pub(super) package: Option<PackageLog>,
}

/// The outcome of a commit.
pub(super) enum Commit {
    Done,
    /// Another process has moved on to this checkpoint in between; it has to be shown that both belong to one
    /// history.
    Moved(Checkpoint),
}

/// The directory of one registry. All methods read or write files: call them off the async threads.
#[derive(Clone, Debug)]
pub(super) struct StateDir {
    dir: PathBuf,
    registry: String,
}

impl StateDir {
    pub(super) fn new(state_dir: &Path, url: &Url, registry: String) -> Self {
        let ContentDigest::Sha256 { hex } = digest_of(url.as_str().as_bytes());
        Self { dir: state_dir.join("warg").join(hex), registry }
    }

    /// What is known; with `is_pinned`, a damaged file counts as absent.
    pub(super) fn load(&self, name: &PackageName, is_pinned: bool) -> Result<Known, Error> {
        let path = self.package_path(name);
        // First, because it is written last: the checkpoint is not behind it.
        let package: Option<PackageLog> = self.read(&path, is_pinned)?;
        let is_another = package.as_ref().is_some_and(|package| package.name() != name);
        if is_another && !is_pinned {
            return Err(self.damaged(&path));
        }
        Ok(Known {
            registry: self.read(&self.registry_path(), is_pinned)?,
            package: package.filter(|_| !is_another),
        })
    }

    /// Writes what has been verified. `from` is the checkpoint that it was shown to continue.
    pub(super) fn commit(
        &self,
        from: Option<&Checkpoint>,
        registry: &RegistryState,
        package: &PackageLog,
    ) -> Result<Commit, Error> {
        fs_err::create_dir_all(&self.dir)?;
        let _lock = self.lock()?;
        self.remove_leftovers();
        // What is damaged could only get here with pins, and is replaced.
        let there: Option<RegistryState> = self.read(&self.registry_path(), true)?;
        let there = there.as_ref().map(RegistryState::checkpoint);
        let now = registry.checkpoint();
        if let Some(there) = there
            && there != now
            && Some(there) != from
        {
            return Ok(Commit::Moved(there.clone()));
        }
        if there.is_none_or(|there| there.log_length < now.log_length) {
            self.write(&self.registry_path(), registry)?;
        }
        let path = self.package_path(package.name());
        let there: Option<PackageLog> = self.read(&path, true)?;
        let is_older = |there: PackageLog| {
            there.name() != package.name() || there.checkpoint().log_length < package.checkpoint().log_length
        };
        if there.is_none_or(is_older) {
            self.write(&path, package)?;
        }
        Ok(Commit::Done)
    }

    fn registry_path(&self) -> PathBuf {
        self.dir.join("registry.json")
    }

    /// A name of kebab-case words: neither a path nor a name that a system keeps for itself.
    fn package_path(&self, name: &PackageName) -> PathBuf {
        self.dir.join(format!("pkg-{}.{}.json", name.namespace().replace(':', "."), name.name()))
    }

    fn lock(&self) -> Result<fs_err::File, Error> {
        let path = self.dir.join("lock");
        let file = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.lock() {
            // Some network file systems have no locks. The files are whole all the same.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => tracing::debug!(%error, "no lock"),
            outcome => outcome?,
        }
        Ok(file)
    }

    /// Only who holds the lock writes: what is temporary now is of a process that was killed.
    fn remove_leftovers(&self) {
        let entries = fs_err::read_dir(&self.dir).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(TEMPORARY)) {
            if let Err(error) = fs_err::remove_file(entry.path()) {
                tracing::debug!(%error, "a leftover could not be removed");
            }
        }
    }

    fn read<T: DeserializeOwned>(&self, path: &Path, damage_is_absence: bool) -> Result<Option<T>, Error> {
        let mut content = Vec::new();
        match fs_err::File::open(path) {
            Ok(file) => file.take(LIMIT).read_to_end(&mut content)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match decode(&content) {
            Some(value) => Ok(Some(value)),
            None if damage_is_absence => {
                tracing::warn!(path = %path.display(), "a file of verified state is damaged; it is made anew");
                Ok(None)
            }
            None => Err(self.damaged(path)),
        }
    }

    fn damaged(&self, path: &Path) -> Error {
        Error::DamagedState { registry: self.registry.clone(), path: path.to_owned() }
    }

    fn write<T: Serialize>(&self, path: &Path, value: &T) -> Result<(), Error> {
        let json = serde_json::to_vec(value).map_err(io::Error::other)?;
        let mut file = temporary_in(&self.dir, TEMPORARY)?;
        let failed = |error: &io::Error| about(path, "could not write", error);
        let line = format!("{}\n", digest_of(&json));
        file.write_all(line.as_bytes()).map_err(|error| failed(&error))?;
        file.write_all(&json).map_err(|error| failed(&error))?;
        file.as_file().sync_all().map_err(|error| failed(&error))?;
        file.persist(path).map_err(|error| failed(&error.error))?;
        Ok(())
    }
}

fn decode<T: DeserializeOwned>(content: &[u8]) -> Option<T> {
    let end = content.iter().position(|byte| *byte == b'\n')?;
    let (digest, json) = content.split_at_checked(end)?;
    let json = json.get(1..)?;
    let sound = digest_of(json).to_string().as_bytes() == digest;
    if sound { serde_json::from_slice(json).ok() } else { None }
}
