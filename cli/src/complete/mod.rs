//! Completion in a shell, with the names that are known here.
//!
//! The script of `completions` calls this program at every press of Tab, with a variable that says which shell asks and
//! with the words so far behind `--`. What an argument takes is known by the name of its value, as the help shows it:
//! `ROUTE` is a route in whatever command it stands. The names come from [`Known`], which asks no registry and writes
//! nothing. Whatever goes wrong, there are no names, and nothing is said: an error in the middle of a line that is
//! being typed helps nobody.

mod bash;

use std::{ffi::OsStr, process::ExitCode, time::Duration};

use clap::{Arg, CommandFactory as _, FromArgMatches as _};
use clap_complete::{
    engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter},
    env::{CompleteEnv, Elvish, Fish, Powershell, Shells, Zsh},
};
use spin_deps_project::Known;
use wasm_pkg_common::package::PackageRef;

use crate::{
    args::{Cli, Global},
    settings,
};

/// The shells that can ask.
pub(crate) const SHELLS: Shells<'_> = Shells(&[&bash::Bash, &Elvish, &Fish, &Powershell, &Zsh]);
/// The program, as the shells call it.
pub(crate) const PROGRAM: &str = "spin-deps";
/// Names that take longer are not worth the wait.
const PATIENCE: Duration = Duration::from_millis(250);

/// Answers a shell, if one asks.
pub(crate) fn answer() -> Option<ExitCode> {
    let completion = CompleteEnv::with_factory(command).var(settings::COMPLETE).bin(PROGRAM).shells(SHELLS);
    let current_dir = std::env::current_dir().ok();
    match completion.try_complete(std::env::args_os(), current_dir.as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(ExitCode::SUCCESS),
        Err(_) => Some(ExitCode::FAILURE),
    }
}

/// The command line with what completes its arguments.
fn command() -> clap::Command {
    Cli::command().mut_subcommands(completing)
}

/// A command, and those below it, with what completes its arguments.
fn completing(command: clap::Command) -> clap::Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|arg| match Names::of(&name, &arg) {
        Some(names) => arg.add(ArgValueCompleter::new(names)),
        None => arg,
    });
    command.mut_subcommands(completing)
}

/// What an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    /// What can be added: a package, a component of the app or a path.
    Source,
    /// A package, with a version behind `@`.
    Package,
    /// The same, of those that are locked.
    Locked,
    /// A version of a package that is named elsewhere on the line.
    Version,
    /// A package in whose place there is something else.
    Overridden,
    /// An entry of the manifest.
    Entry,
    Component,
    Route,
    Capability,
    Registry,
    /// An environment of the catalogue.
    Environment,
    /// A subcommand.
    Command,
}

impl Names {
    /// What this argument of this command takes, by the name of its value.
    fn of(command: &str, arg: &Arg) -> Option<Self> {
        let value = arg.get_value_names()?.first()?.as_str();
        Some(match (command, value) {
            (_, "ID" | "COMPONENT" | "COMPONENTS") => Self::Component,
            (_, "ROUTE") => Self::Route,
            (_, "REGISTRY") => Self::Registry,
            (_, "CAP") => Self::Capability,
            (_, "ENVIRONMENT") => Self::Environment,
            (_, "SOURCE") => Self::Source,
            ("remove", "NAME") if arg.is_positional() => Self::Entry,
            ("add", "NAME") if matches!(arg.get_id().as_str(), "before" | "after") => Self::Entry,
            ("why" | "tree" | "update", "PKG") => Self::Locked,
            ("update", "VERSION") | ("diff", "[PKG@]REQ") => Self::Version,
            ("unlink", "ns:name") => Self::Overridden,
            (_, "PKG" | "PKG[@REQ]" | "PKG@VERSION" | "PKG[@VERSION]" | "ns:name") => Self::Package,
            (_, "COMMAND") => Self::Command,
            _ => return None,
        })
    }

    /// The names that go on from `typed`.
    async fn find(self, known: &Known, packages: &[PackageRef], typed: &str) -> Vec<String> {
        let texts = |all: Vec<PackageRef>| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        if let (Self::Source | Self::Package | Self::Locked, Some((name, _))) = (self, typed.split_once('@'))
        {
            let Ok(package) = name.parse() else { return Vec::new() };
            let versions = match self {
                Self::Locked => known.locked_versions(&package),
                _ => known.versions(&package).await,
            };
            return versions.iter().map(|version| format!("{name}@{version}")).collect();
        }
        match self {
            Self::Source => {
                [known.components(), texts(known.packages().await.into_iter().collect())].concat()
            }
            Self::Package => texts(known.packages().await.into_iter().collect()),
            Self::Locked => texts(known.locked().into_iter().collect()),
            Self::Version => {
                let mut versions = Vec::new();
                for package in packages {
                    versions.extend(known.versions(package).await.iter().map(ToString::to_string));
                }
                versions
            }
            Self::Overridden => texts(known.overridden()),
            Self::Entry => known.entries().into_iter().collect(),
            Self::Component => known.components(),
            Self::Route => known.routes(),
            Self::Capability => Known::capabilities().chain(["all", "none"]).map(str::to_owned).collect(),
            Self::Registry => known.registries(),
            Self::Environment => known.environments().await,
            Self::Command => Cli::command()
                .get_subcommands()
                .filter(|it| !it.is_hide_set())
                .map(|it| it.get_name().to_owned())
                .collect(),
        }
    }
}

impl ValueCompleter for Names {
    fn complete(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let Some(text) = typed.to_str() else { return Vec::new() };
        if *self == Self::Source && text.starts_with(['.', '/']) {
            return PathCompleter::any().complete(typed);
        }
        let names = names(*self, text).unwrap_or_default().into_iter();
        // What a terminal would act on is no name that anybody wants to type.
        let fitting = names.filter(|name| name.starts_with(text) && !name.contains(|c: char| c.is_control()));
        fitting.map(CompletionCandidate::new).collect()
    }
}

/// The names for the line that the shell asks about.
fn names(wanted: Names, typed: &str) -> Option<Vec<String>> {
    let words: Vec<_> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(&words).ok()?;
    let global = Global { quiet: true, ..Global::from_arg_matches(&matches).ok()? };
    let settings = settings::settings(&global).ok()?;
    let packages: Vec<PackageRef> =
        words.iter().filter_map(|word| word.to_str()?.split('@').next()?.parse().ok()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let found = runtime.block_on(async {
        let find = async { wanted.find(&Known::look(&settings).await, &packages, typed).await };
        tokio::time::timeout(PATIENCE, find).await
    });
    runtime.shutdown_background();
    found.ok()
}
