//! What a caller decides about registries, as plain values.
//!
//! The environment is a lookup function handed in, because only the command line reads the process's variables;
//! tests hand in a map.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How [`Registries`](crate::Registries) is to work.
#[derive(Clone)]
pub struct Settings {
    /// wkg's `config.toml`. `None` takes `WKG_CONFIG_FILE`, else the default place, which may be absent.
    pub config_file: Option<PathBuf>,
    /// The project's own registry mapping, laid over the user's.
    pub project_config: Option<ProjectConfig>,
    /// The directory of the content store.
    pub cache_dir: PathBuf,
    /// The directory of what must outlive the cache: the logs of warg registries that have been verified. Losing
    /// them means to trust on first use again.
    pub state_dir: PathBuf,
    /// Whether requests may be made.
    pub network: Network,
    /// How long a list of versions, and which manifest a version names, is used without asking again.
    pub listing_ttl: Duration,
    /// How long requests may take.
    pub limits: Limits,
    /// The environment variables.
    pub environment: Environment,
    /// Who is told how downloads go.
    pub progress: Arc<dyn Progress>,
}

impl Settings {
    /// Settings with a store and the state in `cache_dir`, online, lists of versions kept for five minutes, the usual
    /// limits, an empty environment and no progress.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        let cache_dir = cache_dir.into();
        Self {
            config_file: None,
            project_config: None,
            state_dir: cache_dir.join("state"),
            cache_dir,
            network: Network::Online,
            listing_ttl: Duration::from_mins(5),
            limits: Limits::default(),
            environment: Environment::empty(),
            progress: Arc::new(NoProgress),
        }
    }
}

/// How long requests may take, so that no server can keep anyone waiting for ever: neither by silence, nor by a
/// trickle, nor by asking for one more try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For opening a connection.
    pub connect: Duration,
    /// For the beginning of an answer, and between two pieces of it.
    pub read: Duration,
    /// For a small request (a list, a manifest, a token) in all: its attempts, the pauses between them, and what has
    /// to be asked before it. Also for the longest single pause that a server may ask of a download.
    pub budget: Duration,
    /// The least that a download must bring, in bytes per second.
    pub rate: u64,
    /// The time over which the rate is measured. Not zero.
    pub rate_window: Duration,
}

impl Limits {
    /// The usual limits, but for a budget of this time, which must not be zero, and what has to fit into it.
    pub fn within(budget: Duration) -> Self {
        let usual = Self::default();
        Self {
            connect: usual.connect.min(budget),
            read: usual.read.min(budget / 2),
            budget,
            rate_window: budget,
            ..usual
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(30),
            budget: Duration::from_mins(1),
            rate: 1024,
            rate_window: Duration::from_mins(1),
        }
    }
}

/// The registry mapping of a project: `[application.tool.deps]` of its spin.toml, with wkg's keys.
#[derive(Clone, Debug)]
pub struct ProjectConfig {
    /// The text, as in wkg's `config.toml`.
    pub toml: String,
    /// Where relative paths in it (`local.root`) start: the directory of spin.toml.
    pub base_dir: PathBuf,
}

/// Whether requests may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// Yes.
    Online,
    /// No; `because` names the flag or variable that said so.
    Offline {
        /// For example "`--offline` was given".
        because: String,
    },
}

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// A lookup of environment variables.
#[derive(Clone)]
pub struct Environment(Arc<Lookup>);

impl Environment {
    /// An environment that asks `lookup`.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(lookup))
    }

    /// No variables at all.
    pub fn empty() -> Self {
        Self::new(|_| None)
    }

    /// The variable's value; an empty one counts as unset.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let variables: std::collections::HashMap<String, String> =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self::new(move |name| variables.get(name).cloned())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

/// Who is told of what may take its time.
pub trait Progress: Send + Sync {
    /// Something begins: with a `total`, a transfer of `what` of so many bytes; without, work as in "composing api", or a
    /// transfer of unknown size.
    fn begin(&self, what: &str, total: Option<u64>) -> Box<dyn ProgressTask>;
}

/// One transfer or piece of work. Dropping it ends it, however it went.
pub trait ProgressTask: Send {
    /// `bytes` more have arrived.
    fn advance(&mut self, bytes: u64);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _what: &str, _total: Option<u64>) -> Box<dyn ProgressTask> {
        Box::new(Self)
    }
}

impl ProgressTask for NoProgress {
    fn advance(&mut self, _bytes: u64) {}
}
