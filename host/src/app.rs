//! What is run, and how: plain values, made by the caller.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use crate::{output::Output, route::Pattern};

/// A resolved app.
#[derive(Clone, Debug, Default)]
pub struct App {
    /// The name of the application.
    pub name: String,
    /// Its routes, in the order of the manifest.
    pub routes: Vec<Route>,
    /// Its components by id. Every one is compiled and checked, also those that only a private route names.
    pub components: BTreeMap<String, Component>,
    /// Which of them answers requests to `NAME.spin.internal`, by name.
    pub internal: BTreeMap<String, String>,
    /// The ids of those that are commands, which [`crate::Running::run`] runs.
    pub commands: BTreeSet<String>,
    /// SQL to run on the database `default` before anything else.
    pub statements: Vec<String>,
}

/// A route of the app.
#[derive(Clone, Debug)]
pub struct Route {
    /// The paths it answers.
    pub pattern: Pattern,
    /// What answers.
    pub handler: Handler,
    /// The id of the trigger, for messages.
    pub trigger: String,
}

/// What answers the requests of a route.
#[derive(Clone, Debug)]
pub enum Handler {
    /// The component with this id.
    Component(String),
    /// Always the same response.
    Static {
        /// The status code.
        status: u16,
        /// The headers, by name and value.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
}

/// A composed component and what it may see.
#[derive(Clone, Debug, Default)]
pub struct Component {
    /// The component's bytes.
    pub wasm: Arc<[u8]>,
    /// The sha256 of `wasm` in lower-case hexadecimal. Compiled code is cached by it.
    pub digest: String,
    /// The whole environment of the guest; nothing is inherited from this process.
    pub environment: Vec<(String, String)>,
    /// The directories that the guest sees.
    pub files: Vec<Mount>,
    /// The variables that the guest can ask for, with their values.
    pub variables: BTreeMap<String, String>,
    /// The labels of the key-value stores that the guest can open.
    pub key_value_stores: BTreeSet<String>,
    /// The labels of the SQLite databases that the guest can open.
    pub sqlite_databases: BTreeSet<String>,
    /// The arguments of a command, its name first.
    pub arguments: Vec<String>,
    /// Whether a command reads and writes the standard streams of this process, as they are.
    pub inherit_stdio: bool,
    /// The hosts that the guest can send requests to, as Spin writes them; see [`crate::outbound`].
    pub allowed_outbound_hosts: Vec<String>,
    /// How its instances are reused, if not as [`Options::reuse`] says.
    pub reuse: Option<Reuse>,
}

/// A directory of this machine that a guest sees.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The directory on this machine.
    pub host: PathBuf,
    /// Its path for the guest, for example `/`.
    pub guest: String,
    /// Whether the guest can only read it.
    pub read_only: bool,
}

/// How an app is run. [`Options::default`] fits a run on this machine: a free loopback port, thirty seconds for a
/// request, Spin's numbers for the reuse of instances, and no cache.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The directory for compiled code. It must belong to the user who runs this, for what is read from it is
    /// executed.
    pub compiled_cache: Option<PathBuf>,
    /// The directory for what key-value stores and databases keep, with Spin's names for the files. Without it, it is
    /// kept in memory, for as long as the app runs.
    pub state: Option<PathBuf>,
    /// Called as components are made ready, from several threads.
    pub progress: Option<Progress>,
    /// Where guests' standard output, standard error and traps go, line by line. By default to `tracing`.
    pub output: Output,
    /// How long a guest may take to answer a request, and again to finish its body unless the client keeps it
    /// waiting; of a range, each request gets one. Without a limit, a guest that never answers ends with its client,
    /// or with the host.
    pub request_timeout: Option<RangeInclusive<Duration>>,
    /// The largest size of all linear memories of an instance together, in bytes.
    pub max_memory: Option<usize>,
    /// How long a shutdown waits for requests in flight.
    pub grace: Duration,
    /// How instances of `wasi:http/handler@0.3` components are reused.
    pub reuse: Reuse,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            compiled_cache: None,
            state: None,
            progress: None,
            output: Output::default(),
            request_timeout: Some(Duration::from_secs(30)..=Duration::from_secs(30)),
            max_memory: Some(1 << 30),
            grace: Duration::from_secs(10),
            reuse: Reuse::default(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("compiled_cache", &self.compiled_cache)
            .field("state", &self.state)
            .field("request_timeout", &self.request_timeout)
            .field("max_memory", &self.max_memory)
            .field("grace", &self.grace)
            .field("reuse", &self.reuse)
            .finish_non_exhaustive()
    }
}

/// Limits on the reuse of an instance. Of a range, each instance gets one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reuse {
    /// The number of requests that one instance answers in its life.
    pub requests: RangeInclusive<usize>,
    /// The number of requests that one instance works on at a time.
    pub concurrent: RangeInclusive<usize>,
    /// How long an instance waits for another request.
    pub idle: RangeInclusive<Duration>,
}

impl Reuse {
    /// A new instance for every request.
    pub fn none() -> Self {
        Self { requests: 1..=1, concurrent: 1..=1, ..Self::default() }
    }

    /// The limits of a new instance.
    pub(crate) fn pick(&self) -> Picked {
        Picked {
            requests: count(&self.requests),
            concurrent: count(&self.concurrent),
            idle: pick(&self.idle),
        }
    }
}

impl Default for Reuse {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self { requests: 128..=128, concurrent: 16..=16, idle: second..=second }
    }
}

/// The limits of one instance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picked {
    pub(crate) requests: usize,
    pub(crate) concurrent: usize,
    pub(crate) idle: Duration,
}

fn count(counts: &RangeInclusive<usize>) -> usize {
    let (from, to) = (*counts.start(), *counts.end());
    fastrand::usize(from..=to.max(from)).max(1)
}

/// A time out of a range.
pub(crate) fn pick(times: &RangeInclusive<Duration>) -> Duration {
    let (from, to) = (*times.start(), *times.end());
    let more = to.saturating_sub(from).as_nanos();
    from + Duration::from_nanos(fastrand::u64(..=u64::try_from(more).unwrap_or(u64::MAX)))
}

/// Takes the events of a start.
pub type Progress = Arc<dyn Fn(Event<'_>) + Send + Sync>;

/// Something that happened while the app was made ready. Components with the same bytes are compiled once, and the
/// events are sent for one of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event<'a> {
    /// Compiling begins. Not sent when the compiled code is in the cache.
    Compiling {
        /// The component's id.
        component: &'a str,
        /// The size of its Wasm, in bytes.
        size: usize,
    },
    /// The component's code is ready.
    Ready {
        /// The component's id.
        component: &'a str,
        /// Whether its compiled code was at hand.
        cached: bool,
        /// How long it took.
        elapsed: Duration,
    },
}
