//! What this program is called: `spin-deps`, or `spin deps` where Spin runs it as its plugin.
//!
//! All texts, those of the library crates too, say `spin-deps`. Inside Spin that is another program, if there is one, so
//! what is printed passes through here. Both names are of one length: what was wrapped stays wrapped.

use std::{borrow::Cow, io::Write as _, process::ExitCode};

use clap::{FromArgMatches, ValueEnum as _};

use crate::{
    args::{self, Cli, Color},
    report, settings,
};

const ALONE: &str = "spin-deps";
const INSIDE: &str = "spin deps";

/// Reads the arguments. Where that ends the run, since help was asked for or an argument is wrong, what is to be said is
/// printed already.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    let mut command = args::command();
    if settings::is_plugin() {
        command = command.bin_name(INSIDE);
    }
    let parsed = command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| {
        if error.use_stderr() && args::asked("--format").is_some_and(|format| format == "json") {
            return report::misuse(&error);
        }
        if let Some(color) = args::asked("--color").and_then(|color| Color::from_str(&color, false).ok()) {
            color.apply();
        }
        let rendered = error.render().ansi().to_string();
        let text = if settings::is_plugin() { renamed(&rendered) } else { rendered };
        // When nobody reads it there is nothing to do about that.
        let _ = if error.use_stderr() {
            anstream::stderr().write_all(text.as_bytes())
        } else {
            anstream::stdout().write_all(text.as_bytes())
        };
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
    })
}

/// Text with the commands in it as the user has to type them. Only what stands in backticks counts: files and folders are
/// called `spin-deps` as well.
pub(crate) fn as_called(text: &str) -> Cow<'_, str> {
    if settings::is_plugin() { Cow::Owned(in_backticks(text)) } else { Cow::Borrowed(text) }
}

fn in_backticks(text: &str) -> String {
    text.replace("`spin-deps ", "`spin deps ").replace("`spin-deps`", "`spin deps`")
}

/// Help, where commands stand in examples too: every word that is the program's name.
fn renamed(help: &str) -> String {
    let mut renamed = String::with_capacity(help.len());
    let mut rest = help;
    while let Some((before, after)) = rest.split_once(ALONE) {
        renamed.push_str(before);
        let begins = !before.ends_with(|c: char| c.is_alphanumeric() || "/_-.".contains(c));
        let ends = after.chars().next().is_none_or(|c| c.is_whitespace() || c == '`');
        renamed.push_str(if begins && ends { INSIDE } else { ALONE });
        rest = after;
    }
    renamed + rest
}

#[cfg(test)]
mod tests {
    use super::{in_backticks, renamed};

    #[test]
    fn commands_are_renamed_and_files_are_not() {
        let hint =
            "run `spin-deps lock`, or remove spin-deps.lock; `spin-deps.lock` and `~/.cache/spin-deps` stay";
        assert_eq!(in_backticks(hint), hint.replace("`spin-deps lock", "`spin deps lock"));
        let help = "Examples:\n  spin-deps add x > ~/bin/spin-deps\n  a spin-deps.lock, my-spin-deps";
        assert_eq!(renamed(help), help.replace("  spin-deps add", "  spin deps add"));
    }
}
