//! The command line's shape: what is common to all subcommands. Each subcommand's own arguments are in its file.

use std::{fmt::Write as _, path::PathBuf};

use clap::{
    Args, CommandFactory as _, Parser, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use dialoguer::console::Term;

use crate::{
    commands::{Command, THEMES},
    settings,
    table::wrapped,
};

/// No help is wider, in columns.
const MAX_WIDTH: usize = 100;
/// The blanks before the name of a command in the help, and behind it.
const GAP: usize = 2;

/// The package manager for WebAssembly component dependencies.
///
/// Resolves the dependencies of a Spin app by version range, locks them, writes the WIT and the bindings to build
/// against, composes them in and runs the result to verify it. Works with OCI and warg registries, folders and URLs,
/// with wkg's configuration and credentials.
#[derive(Debug, Parser)]
#[command(name = "spin-deps", version, max_term_width = MAX_WIDTH, arg_required_else_help = true)]
#[command(
    after_help = "Results go to stdout, everything else to stderr.\nExit status: 0 done, 1 the project or a registry is at fault, 2 wrong usage."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The command line, with its commands by theme in the help.
pub(crate) fn command() -> clap::Command {
    let command = Cli::command();
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{}\n{}{{options}}{{after-help}}",
        themes(&command),
        heading(&command, "Options:")
    );
    command.help_template(template)
}

/// The value of an option among the arguments as they are. For those that cannot be understood as a whole.
pub(crate) fn asked(option: &str) -> Option<String> {
    let mut arguments = std::env::args_os().filter_map(|argument| argument.into_string().ok());
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix(option) {
            Some("") => return arguments.next(),
            Some(rest) if rest.starts_with('=') => return Some(rest[1..].to_owned()),
            _ => {}
        }
    }
    None
}

/// The commands by theme, with what they do.
fn themes(command: &clap::Command) -> String {
    let name_style = command.get_styles().get_literal();
    let names = THEMES.iter().flat_map(|(_, names)| *names);
    let column = names.map(|name| name.len()).max().unwrap_or_default() + 2 * GAP;
    let room = Some(help_width().saturating_sub(column));
    let mut text = String::new();
    for (theme, names) in THEMES {
        text.push('\n');
        text.push_str(&heading(command, &format!("{theme}:")));
        for name in *names {
            let Some(about) = about(command, name) else { continue };
            let blanks = " ".repeat(column - GAP - name.len());
            let lines = wrapped(&about, room).join(&format!("\n{}", " ".repeat(column)));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {name_style}{name}{name_style:#}{blanks}{lines}");
        }
    }
    text
}

/// What a command does, in a line.
fn about(command: &clap::Command, name: &str) -> Option<String> {
    if name == "help" {
        return Some("Print this help, or that of a command".to_owned());
    }
    Some(command.find_subcommand(name)?.get_about()?.to_string())
}

fn heading(command: &clap::Command, text: &str) -> String {
    let style = command.get_styles().get_header();
    format!("{style}{text}{style:#}\n")
}

/// How wide the help is: as wide as clap makes the rest of it.
fn help_width() -> usize {
    let of = |term: Term| term.size_checked().map(|(_, columns)| usize::from(columns));
    let width = of(Term::stdout()).or_else(|| of(Term::stderr())).or_else(settings::columns);
    width.unwrap_or(MAX_WIDTH).min(MAX_WIDTH)
}

/// Options that every subcommand takes.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The project: its spin.toml or component.toml, or their directory [default: here or above]
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_one_theme() {
        let command = Cli::command();
        let there = command.get_subcommands().filter(|it| !it.is_hide_set()).map(clap::Command::get_name);
        let there: BTreeSet<_> = there.chain(["help"]).collect();
        let named: Vec<_> = THEMES.iter().flat_map(|(_, names)| *names).copied().collect();
        assert_eq!(named.len(), there.len());
        assert_eq!(named.into_iter().collect::<BTreeSet<_>>(), there);
    }
}
