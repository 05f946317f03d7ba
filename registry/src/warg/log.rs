//! The logs of a warg registry as they have been verified: the operator's, and one a package.
//!
//! A log is a chain of signed records: the first names a key, and every later one carries the digest of the one
//! before it and the signature of a key that may do what it does. `warg-protocol` validates a record against the
//! state that the records before it have made; that state is all that has to be kept. Two things it forgets are kept
//! beside it: the first key, by which the log is known ever after, and the digest of a release that was withdrawn
//! since, which those who locked it still need.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};
use warg_api::v1::fetch::PublishedRecord;
use warg_crypto::hash::Sha256;
use warg_protocol::operator::{self, OperatorEntry, OperatorRecord};
use warg_protocol::package::{self, PackageEntry, PackageRecord};
use warg_protocol::registry::{Checkpoint, LogId, LogLeaf, PackageName, RecordId, RegistryIndex};
use warg_protocol::{PublishedProtoEnvelope, Validator, Version};
use wasm_pkg_common::digest::ContentDigest;

use super::proof::Head;
use crate::text::printable;
use crate::unproven::Unproven;

/// A server's name for a place in a log is no longer.
const TOKEN_LIMIT: usize = 1024;

/// A log up to its last verified record.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Log<S> {
    state: S,
    /// The place of the last record in the registry's log, as the server says. A proof depends on it, nothing else.
    index: RegistryIndex,
    /// The server's name for the last record: to ask for what follows it.
    token: String,
    /// The key that the first record names.
    first_key: String,
}

/// The operator's log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OperatorLog(Log<operator::LogState>);

/// The log of a package.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PackageLog {
    name: PackageName,
    /// The checkpoint that the log was last proven against.
    checkpoint: Checkpoint,
    log: Log<package::LogState>,
    /// The digest of the content of every release, withdrawn ones included.
    contents: BTreeMap<Version, ContentDigest>,
}

impl<S: Validator<Error: Display>> Log<S> {
    /// The log with these records after its last; `visit` sees each when it has been validated.
    fn extended(
        log: Option<Self>,
        records: Vec<PublishedRecord>,
        mut visit: impl FnMut(&S::Record) -> Option<String>,
    ) -> Result<Option<Self>, String> {
        let mut log = log;
        for published in records {
            if published.fetch_token.len() > TOKEN_LIMIT {
                return Err("the name that the registry gives it is too long".to_owned());
            }
            let (state, known_key) = match log {
                Some(log) => (log.state, Some(log.first_key)),
                None => (S::default(), None),
            };
            let record = PublishedProtoEnvelope::<S::Record>::try_from(published.envelope)
                .map_err(|_| "it cannot be decoded".to_owned())?;
            let state =
                state.validate(&record.envelope).map_err(|error| printable(&error.to_string(), 300))?;
            let named_key = visit(record.envelope.as_ref());
            let first_key = known_key.or(named_key).ok_or("the first record names no key")?;
            log = Some(Self { state, index: record.registry_index, token: published.fetch_token, first_key });
        }
        Ok(log)
    }
}

impl OperatorLog {
    /// The log with these records after its last; `None` if there are none at all.
    pub(super) fn extended(
        log: Option<Self>,
        records: Vec<PublishedRecord>,
    ) -> Result<Option<Self>, Unproven> {
        let first_key = |record: &OperatorRecord| {
            record.entries.iter().find_map(|entry| match entry {
                OperatorEntry::Init { key, .. } => Some(key.fingerprint().to_string()),
                _ => None,
            })
        };
        match Log::extended(log.map(|log| log.0), records, first_key) {
            Ok(log) => Ok(log.map(Self)),
            Err(reason) => Err(Unproven::BadRecord { log: Self::title(), reason }),
        }
    }

    fn title() -> String {
        "its operator's log".to_owned()
    }

    pub(super) fn state(&self) -> &operator::LogState {
        &self.0.state
    }

    pub(super) fn token(&self) -> &str {
        &self.0.token
    }

    pub(super) fn first_key(&self) -> &str {
        &self.0.first_key
    }

    /// What has to be proven; `None` if the log has no record.
    pub(super) fn head(&self) -> Option<Head> {
        let record_id = self.0.state.head().as_ref()?.digest.clone();
        Some(head(self.0.index, LogId::operator_log::<Sha256>(), record_id, Self::title()))
    }
}

impl PackageLog {
    /// The log with these records after its last; `None` if there are none at all.
    pub(super) fn extended(
        log: Option<Self>,
        name: &PackageName,
        checkpoint: &Checkpoint,
        records: Vec<PublishedRecord>,
    ) -> Result<Option<Self>, Unproven> {
        let (log, mut contents) = match log {
            Some(known) => (Some(known.log), known.contents),
            None => (None, BTreeMap::new()),
        };
        let visit = |record: &PackageRecord| {
            let mut first_key = None;
            for entry in &record.entries {
                match entry {
                    PackageEntry::Init { key, .. } => first_key = Some(key.fingerprint().to_string()),
                    PackageEntry::Release { version, content } => {
                        // The only digest that warg knows is SHA-256.
                        if let Ok(digest) = content.to_string().parse() {
                            contents.insert(version.clone(), digest);
                        }
                    }
                    _ => {}
                }
            }
            first_key
        };
        match Log::extended(log, records, visit) {
            Ok(log) => {
                Ok(log.map(|log| Self { name: name.clone(), checkpoint: checkpoint.clone(), log, contents }))
            }
            Err(reason) => Err(Unproven::BadRecord { log: log_title(name), reason }),
        }
    }

    pub(super) fn name(&self) -> &PackageName {
        &self.name
    }

    pub(super) fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    pub(super) fn state(&self) -> &package::LogState {
        &self.log.state
    }

    pub(super) fn token(&self) -> &str {
        &self.log.token
    }

    pub(super) fn first_key(&self) -> &str {
        &self.log.first_key
    }

    /// The digest of a release's content, also if it was withdrawn.
    pub(super) fn content(&self, version: &Version) -> Option<&ContentDigest> {
        self.contents.get(version)
    }

    /// What has to be proven; `None` if the log has no record.
    pub(super) fn head(&self) -> Option<Head> {
        let record_id = self.log.state.head().as_ref()?.digest.clone();
        Some(head(self.log.index, LogId::package_log::<Sha256>(&self.name), record_id, log_title(&self.name)))
    }
}

/// "the log of acme:base", for messages.
pub(super) fn log_title(name: &PackageName) -> String {
    format!("the log of {name}")
}

fn head(index: RegistryIndex, log_id: LogId, record_id: RecordId, log: String) -> Head {
    Head { index, leaf: LogLeaf { log_id, record_id }, log }
}
