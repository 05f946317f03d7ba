//! What can go wrong with a project, with the place where it is known.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use semver::{Version, VersionReq};
use spin_deps_component::{ComponentizeError, ComposeError, InspectError, SemverError, WitError};
use spin_deps_host::HostError;
use spin_deps_lockfile::LockError;
use spin_deps_manifest::ManifestError;
use spin_deps_resolver::Failure;
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use crate::{Unmet, Unpinned, Unrecorded};

/// A file and its text, for showing the place of an error.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// The file's path, as it is shown.
    pub path: PathBuf,
    /// The file's whole text.
    pub text: String,
}

impl Excerpt {
    pub(crate) fn new(path: &Path, text: &str) -> Self {
        Self { path: path.to_path_buf(), text: text.to_owned() }
    }
}

/// Why an operation on a project failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no manifest where one was looked for.
    #[error("there is no spin.toml or component.toml at {}", searched.display())]
    NoManifest {
        /// Where it should have been.
        searched: PathBuf,
    },
    /// Something was asked of a component on its own that only an application can do.
    #[error("{what} an application, and {manifest} describes a component")]
    NotAnApplication {
        /// What was asked, up to its object: "`up` starts".
        what: String,
        /// The manifest's name.
        manifest: String,
    },
    /// The manifest cannot be read as one.
    #[error("{error}")]
    Manifest {
        /// The manifest.
        excerpt: Box<Excerpt>,
        /// What is wrong in it.
        error: ManifestError,
    },
    /// The lockfile cannot be read as one.
    #[error("{error}")]
    Lockfile {
        /// The lockfile.
        excerpt: Box<Excerpt>,
        /// What is wrong in it.
        error: Box<LockError>,
    },
    /// Something that the manifest says cannot be carried out.
    #[error("{message}")]
    Place {
        /// The manifest.
        excerpt: Box<Excerpt>,
        /// The place in it, as a range of bytes.
        span: Range<usize>,
        /// What is at the place.
        label: String,
        /// What is wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A command of the app ended with another status than 0.
    #[error("the command `{command}` ended with the status {status}")]
    Command {
        /// Its name: the component's id.
        command: String,
        /// Its exit status.
        status: i32,
    },
    /// A registry, a download or the content store failed.
    #[error(transparent)]
    Registry(#[from] spin_deps_registry::Error),
    /// The content store failed.
    #[error(transparent)]
    Store(#[from] spin_deps_registry::StoreError),
    /// No set of versions meets all requirements.
    #[error("{0}")]
    Resolve(Box<Failure>),
    /// The lockfile does not fit the manifest, and must not change.
    #[error("the lockfile does not fit the manifest, and `{because}` forbids to change it:\n{}", reasons.iter().map(|r| format!("  - {r}")).collect::<Vec<_>>().join("\n"))]
    LockWouldChange {
        /// The option that forbids it.
        because: &'static str,
        /// In which respects it does not fit.
        reasons: Vec<String>,
    },
    /// An update was asked for, and nothing may change.
    #[error("`update` moves what is locked, and `{because}` forbids to change spin-deps.lock")]
    UpdateForbidden {
        /// The option that forbids it.
        because: &'static str,
    },
    /// After an update, releases could reach what nobody has agreed to.
    #[error("the update would let these reach more than before:\n{}", gains_in_words(gains))]
    Gains {
        /// Each release with the capability keys that it gains.
        gains: Vec<(String, Vec<String>)>,
    },
    /// A file was changed by somebody else in the meantime.
    #[error("{} was changed by another program in the meantime; nothing was written", path.display())]
    ChangedMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// A package would come from another registry than the lockfile says.
    #[error("{package} is locked from the registry {locked}, but would now come from {now}")]
    RegistryChanged {
        /// The package.
        package: Box<PackageRef>,
        /// What the lockfile says.
        locked: Registry,
        /// What the manifest or the configuration says.
        now: Registry,
        /// What has to leave the lockfile for the package to move: it and all that depends on it.
        entries: Vec<String>,
    },
    /// A package is locked with its signers, and its registry now has releases that nobody signs for.
    #[error("{package} is locked with its signers, but {registry} now offers it unsigned")]
    Unsigned {
        /// The package.
        package: PackageRef,
        /// Its registry.
        registry: Registry,
        /// What has to leave the lockfile for the package to be taken unsigned: it and all that depends on it.
        entries: Vec<String>,
    },
    /// Two entries of the manifest name different registries for one package.
    #[error("{package} is asked for from two registries, {first} and {second}")]
    TwoRegistries {
        /// The package.
        package: PackageRef,
        /// One registry.
        first: Registry,
        /// The other one.
        second: Registry,
    },
    /// The bytes are not a component that can be used.
    #[error("{what}: {error}")]
    Inspect {
        /// What was inspected, in the user's words.
        what: String,
        /// What is wrong with it.
        error: InspectError,
    },
    /// What a registry has under a release's name is nothing that can be used.
    #[error("what was published as {release} cannot be used: {error}")]
    Published {
        /// The release.
        release: String,
        /// What is wrong with it.
        error: InspectError,
    },
    /// A component is needed and something else was found.
    #[error("{what} is {found}, but a component is needed")]
    NotComponent {
        /// What was inspected, in the user's words.
        what: String,
        /// What it is, with its article.
        found: &'static str,
    },
    /// A release cannot stand for an older one of its series.
    #[error(
        "{package} {newer} is not compatible with {older}, as releases of one series have to be:\n{}",
        breaks.iter().map(|it| format!("  - {it}")).collect::<Vec<_>>().join("\n")
    )]
    Incompatible {
        /// The package.
        package: Box<PackageRef>,
        /// The older release.
        older: Box<Version>,
        /// The newer one.
        newer: Box<Version>,
        /// The one of the two that is published.
        published: Box<Version>,
        /// What no longer works for users of the older one.
        breaks: Vec<String>,
    },
    /// A release cannot be compared with one of its series.
    #[error("{release} cannot be compared with {other}: {error}")]
    NotCompared {
        /// The release that was to be published.
        release: String,
        /// The version that it was to be compared with.
        other: String,
        /// Why.
        error: SemverError,
    },
    /// Releases that are to be published need each other.
    #[error("these need each other, so none of them can be published first: {}", releases.join(" -> "))]
    PublishCycle {
        /// The releases, each of which needs the next one, and the last the first.
        releases: Vec<String>,
    },
    /// Components do not fit together.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// No component can be made of a core module.
    #[error("{} cannot be made a component: {error}", path.display())]
    Componentize {
        /// The file.
        path: PathBuf,
        /// Why.
        error: Box<ComponentizeError>,
    },
    /// A command of a build failed.
    #[error("the build of `{component}` failed: `{command}` ended with {status}{}{output}", if output.is_empty() { "" } else { "\n" })]
    BuildFailed {
        /// The component's id.
        component: Box<str>,
        /// The command.
        command: Box<str>,
        /// How it ended: "status 1", "signal 9".
        status: Box<str>,
        /// The program that the shell did not find, if that was it.
        missing: Option<Box<str>>,
        /// The end of what it printed; empty if that was shown as it came.
        output: Box<str>,
    },
    /// The WIT of the dependencies cannot be generated.
    #[error(transparent)]
    Wit(#[from] WitError),
    /// A file where bindings belong is not as it was generated.
    #[error("{} was edited by hand, or never generated, and is left as it is", path.display())]
    EditedBindings {
        /// The file.
        path: PathBuf,
    },
    /// Bindings are not what would be generated now.
    #[error("these bindings are not up to date:\n{}", files.iter().map(|it| format!("  - {}", it.display())).collect::<Vec<_>>().join("\n"))]
    StaleBindings {
        /// Files that are missing, that differ, or that nothing needs any more.
        files: Vec<PathBuf>,
    },
    /// A program of somebody else's is needed.
    #[error("`{program}` is not installed, which is needed {needed}")]
    NoProgram {
        /// Its name.
        program: &'static str,
        /// What it is needed for.
        needed: String,
        /// How to get it, or to do without.
        hint: String,
    },
    /// A program of somebody else's gave up.
    #[error("`{program}` failed ({status}): {output}")]
    ProgramFailed {
        /// Its name.
        program: &'static str,
        /// How it ended.
        status: String,
        /// The end of what it said.
        output: String,
    },
    /// Dependencies require what the app does not give them.
    #[error(
        "the app does not give its dependencies what they require:\n{}",
        _0.iter().map(|it| format!("  - {it}")).collect::<Vec<_>>().join("\n")
    )]
    Unmet(Vec<Unmet>),
    /// Content reaches for more than the lockfile records.
    #[error("{0}")]
    NotRecorded(Unrecorded),
    /// An environment that the app cannot be checked against.
    #[error("the environment `{environment}` cannot be used: {message}")]
    Environment {
        /// The environment, as the manifest names it.
        environment: String,
        /// Why.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The app cannot be started.
    #[error(transparent)]
    Host(#[from] HostError),
    /// No such package in its registry.
    #[error("{package} is not in the registry {registry}")]
    NoPackage {
        /// The package.
        package: PackageRef,
        /// The registry that was asked.
        registry: Registry,
        /// A known package with nearly this name.
        meant: Option<String>,
    },
    /// No release of a package matches.
    #[error("no release of {package} matches {req}{}", available_in_words(available))]
    NoVersion {
        /// The package.
        package: PackageRef,
        /// What was asked for.
        req: VersionReq,
        /// The releases that exist.
        available: Vec<Version>,
    },
    /// A URL was given without the digest of what is behind it.
    #[error("no digest was given for {}; what it serves now has the digest {}", _0.url, _0.digest)]
    Unpinned(Box<Unpinned>),
    /// An answer is missing that a prompt would ask for.
    #[error("{message}")]
    Unanswered {
        /// What is missing.
        message: String,
        /// The option that gives it.
        hint: String,
    },
    /// Whoever was asked does not want to answer.
    #[error("interrupted")]
    Interrupted,
    /// A name that is not there.
    #[error("{message}")]
    Unknown {
        /// What is not there.
        message: String,
        /// What may have been meant, or how to list what there is.
        hint: Option<String>,
    },
    /// A file is larger than anything that belongs there.
    #[error("{} has {size} bytes, more than the limit of {limit}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A file cannot be read; the text has the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A file cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A failure that several waited for.
    #[error("{0}")]
    Shared(Arc<Self>),
    /// A worker of our own died, which is a bug.
    #[error("an internal worker stopped: {0}")]
    Worker(#[from] tokio::task::JoinError),
}

impl Error {
    /// What to do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoManifest { .. } => {
                Some("run it in the directory of an app or a component, or name one with `--from DIR`".into())
            }
            Self::NotAnApplication { .. } => Some(
                "use the component in an app: `spin-deps link DIR` there takes what is built here".into(),
            ),
            Self::Manifest { error, .. } => error.hint(),
            Self::Lockfile { error, .. } => error.hint(),
            Self::Place { hint, .. } | Self::Unknown { hint, .. } | Self::Environment { hint, .. } => hint.clone(),
            Self::Registry(error) => error.hint(),
            Self::Resolve(failure) => failure.hint(),
            Self::LockWouldChange { because, .. } => {
                Some(format!("run `spin-deps lock` without `{because}` and commit spin-deps.lock"))
            }
            Self::UpdateForbidden { because } => {
                Some(format!("leave out `{because}`, or add `--dry-run` to see what there is"))
            }
            Self::Gains { .. } => {
                Some("if they may, run the same command with `--allow-capabilities`".into())
            }
            Self::ChangedMeanwhile { .. } => Some("run the same command again".into()),
            Self::RegistryChanged { package, entries, .. } => Some(format!(
                "a package never moves to another registry by itself; restore the mapping of {package}, or, if the move is meant, {}",
                relock_in_words(entries)
            )),
            Self::Unsigned { entries, .. } => Some(format!(
                "the registry no longer speaks warg; if it is right that it does not, {}",
                relock_in_words(entries)
            )),
            Self::TwoRegistries { package, .. } => Some(format!(
                "an app takes a package from one registry; name the same one in every entry of {package}"
            )),
            Self::Inspect { error, .. } => error.hint(),
            Self::Published { .. } => Some("choose another release, or tell its publisher".into()),
            Self::NotComponent { found, .. } if found.contains("WIT") => Some(
                "a WIT package only describes interfaces; name a package that implements them with `package = \"ns:name\"`".into(),
            ),
            Self::NotComponent { .. } => {
                Some("make a component of it first, with `spin-deps componentize`".into())
            }
            Self::Incompatible { older, newer, published, .. } => Some(if published == older {
                format!(
                    "publish it as {}, or with `--skip-semver-check` if nobody can depend on what is gone",
                    next_series(newer)
                )
            } else {
                format!(
                    "whoever takes {older} may get {published} instead; publish it as {}, or with `--skip-semver-check` if nobody can depend on the difference",
                    next_series(published)
                )
            }),
            Self::NotCompared { .. } => {
                Some("`--skip-semver-check` publishes it without the comparison".into())
            }
            Self::PublishCycle { .. } => Some("publish what they share as a package of its own".into()),
            Self::Compose(error) => error.hint(),
            Self::Componentize { error, .. } => error.hint(),
            Self::BuildFailed { missing, .. } => {
                missing.as_ref().map(|program| format!("install `{program}`, or put it on the search path"))
            }
            Self::Wit(error) => error.hint(),
            Self::Unmet(unmet) => Some(Unmet::hints(unmet).join("
      ")),
            Self::NotRecorded(Unrecorded { content, .. }) => Some(format!(
                "the lockfile was edited, or the registry's description of {content} is not true; remove its entry from spin-deps.lock, run `spin-deps lock`, and if it is so again, do not use it"
            )),
            Self::Host(error) => error.hint(),
            Self::NoPackage { meant: Some(meant), .. } => Some(format!("did you mean `{meant}`?")),
            Self::NoPackage { .. } => Some(
                "check the spelling of the name, and that its registry is the right one".into(),
            ),
            Self::NoVersion { package, .. } => Some(format!("`spin-deps versions {package}` lists what there is")),
            Self::EditedBindings { .. } => Some(
                "keep your text elsewhere and run `spin-deps sync --force`, which overwrites the file".into(),
            ),
            Self::StaleBindings { .. } => Some("run `spin-deps bindings` and commit what it writes".into()),
            Self::NoProgram { hint, .. } | Self::Unanswered { hint, .. } => Some(hint.clone()),
            Self::Unpinned(found) => Some(format!(
                "the manifest records the digest, so that the content can never change unnoticed: if this is what you \
                 expect, run the same command with `--digest {}`",
                found.digest
            )),
            Self::Shared(error) => error.hint(),
            Self::Store(_) => Some("use another directory with `--cache-dir`, or empty this one with `spin-deps cache clean`".into()),
            Self::Interrupted
            | Self::ProgramFailed { .. }
            | Self::Command { .. }
            | Self::TooLarge { .. }
            | Self::Io(_)
            | Self::Write { .. }
            | Self::Worker(_) => None,
        }
    }

    /// The place in a file that the error is about: the file, a range of bytes in it, and what is there.
    pub fn place(&self) -> Option<(&Excerpt, Range<usize>, String)> {
        match self {
            Self::Manifest { excerpt, error } => Some((excerpt, error.span()?, error.label().to_owned())),
            Self::Lockfile { excerpt, error } => Some((excerpt, error.span(), String::new())),
            Self::Place { excerpt, span, label, .. } => Some((excerpt, span.clone(), label.clone())),
            Self::Shared(error) => error.place(),
            _ => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Resolve(Box::new(failure))
    }
}

/// The first version that promises nothing to the users of `version`.
fn next_series(version: &Version) -> Version {
    match (version.major, version.minor) {
        (0, 0) => Version::new(0, 0, version.patch + 1),
        (0, minor) => Version::new(0, minor + 1, 0),
        (major, _) => Version::new(major + 1, 0, 0),
    }
}

/// Capabilities in a sentence.
pub(crate) fn capabilities_in_words(keys: &[String]) -> String {
    match keys {
        [key] => format!("the capability `{key}`"),
        keys => {
            format!(
                "the capabilities {}",
                keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
            )
        }
    }
}

fn gains_in_words(gains: &[(String, Vec<String>)]) -> String {
    let lines = gains.iter().map(|(release, keys)| format!("  - {release}: {}", capabilities_in_words(keys)));
    lines.collect::<Vec<_>>().join("\n")
}

/// How to lock anew what has these entries.
fn relock_in_words(entries: &[String]) -> String {
    let remove = match entries {
        [_] => "remove its entry from spin-deps.lock".to_owned(),
        several if several.len() <= SHOWN_ENTRIES => {
            format!("remove the entries of {} from spin-deps.lock", several.join(", "))
        }
        _ => "delete spin-deps.lock".to_owned(),
    };
    format!("{remove} and run `spin-deps lock`")
}

/// More entries than this are not removed by hand.
const SHOWN_ENTRIES: usize = 6;

/// At most this many versions are listed in a message.
const SHOWN_VERSIONS: usize = 8;

fn available_in_words(versions: &[Version]) -> String {
    if versions.is_empty() {
        return String::new();
    }
    let mut shown: Vec<_> = versions.iter().rev().take(SHOWN_VERSIONS).map(ToString::to_string).collect();
    if versions.len() > SHOWN_VERSIONS {
        shown.push("…".into());
    }
    format!("; there are {}", shown.join(", "))
}
