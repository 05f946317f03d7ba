//! The one place that reads environment variables.

use std::{path::PathBuf, sync::Arc, time::Duration};

use spin_deps_project::{Environment, Limits, Locking, NoProgress, Progress, Settings};

use crate::{args::Global, charset::Charset, progress::Bars, report::Failure};

/// An environment variable that a user may set.
pub(crate) struct Variable {
    /// Its name; capital words in angle brackets stand for something.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) help: &'static str,
}

/// Every environment variable that has a meaning here. The reference page is generated from this.
pub(crate) const VARIABLES: &[Variable] = &[
    Variable {
        name: CACHE_DIR,
        help: "Where fetched content and compiled code are kept, unless `--cache-dir` says so. Default: `spin-deps` in the user's cache directory (`$XDG_CACHE_HOME`).",
    },
    Variable {
        name: STATE_DIR,
        help: "Where the verified logs of warg registries are kept. Default: `spin-deps` in the user's state directory (`$XDG_STATE_HOME`).",
    },
    Variable {
        name: LISTING_TTL,
        help: "For how many seconds a registry's list of versions is used without asking again. Default: 30.",
    },
    Variable {
        name: HTTP_TIMEOUT,
        help: "For how many seconds a registry may keep a small request waiting, all attempts and pauses together, and a download below a usable rate. Default: 60.",
    },
    Variable {
        name: "SPIN_DEPS_TARGETS_URL",
        help: "Where the catalogue of environments is found, such as a mirror of the published one, with a folder for each name. Default: the directory `envs` of the public repository `spinframework/spin-environments`.",
    },
    Variable {
        name: "WKG_CONFIG_FILE",
        help: "wkg's registry configuration, unless `--config` names one. Default: `wasm-pkg/config.toml` in the user's configuration directory (`$XDG_CONFIG_HOME`).",
    },
    Variable {
        name: "WKG_REGISTRY_<REGISTRY>_AUTH_BEARER",
        help: "A bearer token for a registry: its name in capitals, with `_` for everything that is neither a letter nor a digit.",
    },
    Variable {
        name: "SPIN_DEPS_SIGNING_KEY",
        help: "The key to sign what is published to a warg registry with: `ecdsa-p256:` and the key in base64. Before the configuration's `signing_key` and `signing_key_file`.",
    },
    Variable {
        name: "SPIN_DEPS_SIGNING_KEY_FILE",
        help: "A file that holds such a key, where `SPIN_DEPS_SIGNING_KEY` is not set.",
    },
    Variable {
        name: "DOCKER_CONFIG",
        help: "The directory of Docker's `config.json`, where `login` and `docker login` keep credentials. Default: `.docker` in the home directory.",
    },
    Variable {
        name: "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY",
        help: "The proxies for https, for http and for both, also in small letters. This machine is never reached through a proxy.",
    },
    Variable {
        name: "NO_PROXY",
        help: "The hosts, domains and address ranges that are reached without a proxy, separated by commas.",
    },
    Variable {
        name: "SPIN_VARIABLE_<NAME>",
        help: "The value of an app's variable for `up` and `verify`, unless `--variable` or `--variables-file` gives it. A file `.env` beside spin.toml may say the same.",
    },
    Variable {
        name: "SOURCE_DATE_EPOCH",
        help: "The creation time to write into published artifacts, in seconds since 1970; none is written without it, so that publishing is reproducible.",
    },
    Variable {
        name: "LC_ALL, LC_CTYPE, LANG",
        help: "Trees and paths are drawn in ASCII where the first of these that is set names no UTF-8 locale.",
    },
    Variable {
        name: "SPIN_VERSION, SPIN_BIN_PATH",
        help: "Spin gives both to its plugins. Where they are set, commands in texts are written `spin deps`.",
    },
    Variable {
        name: "NO_COLOR, CLICOLOR_FORCE, TERM",
        help: "Any value of the first turns colours off, and so does `dumb` as the third; any value of the second but `0` turns them on where there is no terminal. `--color` goes before all of them.",
    },
    Variable {
        name: CI,
        help: "Any value but `false` says that nobody is watching: no progress is shown, even in a terminal.",
    },
    Variable { name: COLUMNS, help: "How wide the help is where there is no terminal. Default: 100." },
    Variable {
        name: COMPLETE,
        help: "Set by the scripts that `completions` prints: the shell that wants to know how a line can go on.",
    },
];

/// The shell that asks for a completion.
pub(crate) const COMPLETE: &str = "SPIN_DEPS_COMPLETE";
const CI: &str = "CI";
const COLUMNS: &str = "COLUMNS";

const CACHE_DIR: &str = "SPIN_DEPS_CACHE_DIR";
const STATE_DIR: &str = "SPIN_DEPS_STATE_DIR";
const LISTING_TTL: &str = "SPIN_DEPS_LISTING_TTL";
const HTTP_TIMEOUT: &str = "SPIN_DEPS_HTTP_TIMEOUT";
const DEFAULT_LISTING_TTL: Duration = Duration::from_secs(30);

/// The characters that the user's locale can show.
pub(crate) fn charset() -> Charset {
    Charset::of_locale(&environment())
}

/// How wide the help should be where there is no terminal, in columns.
pub(crate) fn columns() -> Option<usize> {
    environment().get(COLUMNS)?.parse().ok()
}

/// The process's environment; what is not Unicode counts as absent.
fn environment() -> Environment {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    Environment::new(|name| std::env::var(name).ok())
}

/// Whether Spin runs this program as one of its plugins.
pub(crate) fn is_plugin() -> bool {
    let environment = environment();
    ["SPIN_VERSION", "SPIN_BIN_PATH"].iter().all(|name| environment.get(name).is_some())
}

/// Merges arguments and environment into the settings of this run.
pub(crate) fn settings(global: &Global) -> Result<Settings, Failure> {
    let environment = environment();
    let current_dir = std::env::current_dir()?;
    let cache_dir = match global.cache_dir.clone().or_else(|| environment.get(CACHE_DIR).map(PathBuf::from)) {
        Some(directory) => current_dir.join(directory),
        None => etcetera::choose_base_strategy()
            .map(|strategy| etcetera::BaseStrategy::cache_dir(&strategy).join("spin-deps"))
            .map_err(|_| {
                Failure::message("the user's cache directory is not known; name one with `--cache-dir`")
            })?,
    };
    let state_dir = match environment.get(STATE_DIR) {
        Some(directory) => current_dir.join(directory),
        None => etcetera::choose_base_strategy()
            .map(|strategy| {
                let strategy: &dyn etcetera::BaseStrategy = &strategy;
                strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("spin-deps")
            })
            .map_err(|_| {
                Failure::message(format!(
                    "the user's state directory is not known; name one in the variable {STATE_DIR}"
                ))
            })?,
    };
    let listing_ttl = seconds(&environment, LISTING_TTL, 0)?.unwrap_or(DEFAULT_LISTING_TTL);
    let limits = seconds(&environment, HTTP_TIMEOUT, 1)?.map(Limits::within).unwrap_or_default();
    let unwatched = environment.get(CI).is_some_and(|value| value != "false");
    let progress: Arc<dyn Progress> =
        if global.quiet || unwatched { Arc::new(NoProgress) } else { Arc::new(Bars::new()) };
    Ok(Settings {
        from: global.from.clone(),
        current_dir,
        locking: match (global.frozen, global.locked) {
            (true, _) => Locking::Frozen,
            (_, true) => Locking::Locked,
            _ => Locking::Update,
        },
        offline: global.offline,
        config: global.config.clone(),
        cache_dir,
        state_dir,
        listing_ttl,
        limits,
        environment,
        progress,
    })
}

/// The time that a variable gives in seconds, of which there must be so many at least.
fn seconds(environment: &Environment, name: &str, least: u64) -> Result<Option<Duration>, Failure> {
    let Some(text) = environment.get(name) else { return Ok(None) };
    match text.parse() {
        Ok(seconds) if seconds >= least => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(Failure::message(format!("{name} must be a number of seconds, such as 30, not `{text}`"))),
    }
}
