//! The command line's shape: what is common to all subcommands. Each subcommand's own arguments are in its file.

use std::path::PathBuf;

use clap::{
    Args, Parser, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

use crate::commands::Command;

/// The package manager for WebAssembly component dependencies.
///
/// Resolves the dependencies of a Spin app by version range, locks them, writes the WIT and the bindings to build
/// against, composes them in and runs the result to verify it. Works with OCI and warg registries, folders and URLs,
/// with wkg's configuration and credentials.
#[derive(Debug, Parser)]
#[command(name = "spin-deps", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Results go to stdout, everything else to stderr.\nExit status: 0 done, 1 the project or a registry is at fault, 2 wrong usage."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every subcommand takes.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The app: its spin.toml, or the directory that has it [default: here or above]
    #[arg(short, long, global = true, value_name = "FILE|DIR")]
    pub(crate) from: Option<PathBuf>,
    /// Fail if spin-deps.lock would change
    #[arg(long, global = true)]
    pub(crate) locked: bool,
    /// Fail if spin-deps.lock would change, and make no request
    #[arg(long, global = true)]
    pub(crate) frozen: bool,
    /// Make no request: use what is in the cache
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    /// Registry configuration, in the format of wkg's config.toml [default: wkg's own]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where fetched content and compiled code are kept
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// What results look like
    #[arg(long, global = true, value_parser = one_of(&[Format::Human, Format::Json]), default_value = "human", value_name = "FORMAT")]
    pub(crate) format: Format,
    /// Whether to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Say nothing but results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more: -v what is done, -vv every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// What results look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people
    Human,
    /// JSON for scripts
    Json,
    /// A Mermaid flowchart, for Markdown
    Mermaid,
    /// A graph for Graphviz
    Dot,
}

/// Reads one of these formats. A command that knows more than the usual ones has an option of its own in place of the
/// global one, with the same name and the same type; clap then takes either, before or behind the command's name.
pub(crate) fn one_of(formats: &[Format]) -> impl TypedValueParser<Value = Format> + use<> {
    PossibleValuesParser::new(formats.iter().filter_map(ValueEnum::to_possible_value))
        .try_map(|name| Format::from_str(&name, false))
}

/// Whether to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// In a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Makes this the choice for everything that is printed from now on.
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}
