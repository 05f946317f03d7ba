//! What a run was asked for, merged once by the caller into plain values.

use std::{path::PathBuf, sync::Arc, time::Duration};

use spin_deps_registry::{Environment, Limits, Progress};

/// How far the lockfile may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Locking {
    /// Write the lockfile when the manifest asks for more than it has.
    #[default]
    Update,
    /// Fail if the lockfile would change (`--locked`).
    Locked,
    /// Fail if the lockfile would change, and make no request (`--frozen`).
    Frozen,
}

/// The settings of one run.
#[derive(Clone)]
pub struct Settings {
    /// A manifest, or a directory that has one (`--from`).
    pub from: Option<PathBuf>,
    /// The directory that `from` and a search for the manifest start in.
    pub current_dir: PathBuf,
    /// How far the lockfile may change.
    pub locking: Locking,
    /// Make no request (`--offline`).
    pub offline: bool,
    /// wkg's configuration file; `None` is its default place (`--config`).
    pub config: Option<PathBuf>,
    /// The directory of the content store and of compiled code (`--cache-dir`).
    pub cache_dir: PathBuf,
    /// The directory of what must outlive the cache: what is known of warg registries.
    pub state_dir: PathBuf,
    /// How long a list of versions is used without asking the registry again.
    pub listing_ttl: Duration,
    /// How long requests may take.
    pub limits: Limits,
    /// Where environment variables are looked up.
    pub environment: Environment,
    /// Told of downloads.
    pub progress: Arc<dyn Progress>,
}

impl Settings {
    /// The option that forbids to change the lockfile, if one does.
    pub fn locked_because(&self) -> Option<&'static str> {
        match self.locking {
            Locking::Update => None,
            Locking::Locked => Some("--locked"),
            Locking::Frozen => Some("--frozen"),
        }
    }

    /// The option that forbids requests, if one does.
    pub fn offline_because(&self) -> Option<&'static str> {
        match (self.locking, self.offline) {
            (Locking::Frozen, _) => Some("--frozen"),
            (_, true) => Some("--offline"),
            _ => None,
        }
    }
}
