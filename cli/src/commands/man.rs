//! `spin-deps man`

use std::{io, path::PathBuf};

use clap::Args;
use clap_mangen::{
    Man as Page,
    roff::{Roff, bold, roman},
};
use serde_json::json;
use spin_deps_project::{Error, write_file};

use super::{Context, shown_path};
use crate::{
    args,
    output::{GOOD, Output, count, styled},
    report::Failure,
    settings::VARIABLES,
};

/// The section of manuals that has the commands of users.
const SECTION: &str = "1";

/// Show or write the manual pages
///
/// The page of a command goes to stdout, in the format that `man` reads.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps man add | man -l -                  read a page
  spin-deps man --dir ~/.local/share/man/man1   install them all: `man spin-deps-add`")]
pub(crate) struct Man {
    /// The command [default: spin-deps itself]
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Vec<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut command = args::command().disable_help_subcommand(true);
        command.build();
        let Some(dir) = self.dir else {
            let page = page(find(&command, &self.command)?)?;
            let mut output = Output::new(json!({ "page": page }));
            output.line(page.trim_end());
            return Ok(output);
        };
        let dir = context.settings.current_dir.join(dir);
        let (mut written, mut open) = (Vec::new(), vec![&command]);
        while let Some(command) = open.pop() {
            let path = dir.join(format!("{}.{SECTION}", title(command)));
            write_file(&path, page(command)?.as_bytes())?;
            written.push(path);
            open.extend(command.get_subcommands().filter(|it| !it.is_hide_set()));
        }
        written.sort();
        let mut output = Output::new(json!({ "written": written }));
        let pages = count(written.len(), "page");
        output.line(format!("{} {pages} into {}", styled(GOOD, "Wrote"), shown_path(context, &dir)));
        Ok(output)
    }
}

fn find<'a>(command: &'a clap::Command, names: &[String]) -> Result<&'a clap::Command, Failure> {
    let mut found = command;
    for name in names {
        let Some(next) = found.find_subcommand(name) else {
            let hint = "`spin-deps help` lists the commands".to_owned();
            return Err(Error::Unanswered { message: format!("there is no command `{name}`"), hint }.into());
        };
        found = next;
    }
    Ok(found)
}

fn title(command: &clap::Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The page of a command, in ASCII: not everything that reads pages knows in which encoding they are.
fn page(command: &clap::Command) -> io::Result<String> {
    let is_top = command.get_version().is_some();
    let page = Page::new(command.clone())
        .source(concat!("spin-deps ", env!("CARGO_PKG_VERSION")))
        .manual("spin-deps manual");
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.get_subcommands().any(|it| !it.is_hide_set()) {
        page.render_subcommands_section(&mut text)?;
    }
    let mut end = Roff::new();
    if let Some(after) = command.get_after_help() {
        remarks(&mut end, &after.to_string());
    }
    if is_top {
        end.control("SH", ["ENVIRONMENT"]);
        for variable in VARIABLES {
            end.control("TP", []).text([bold(variable.name)]).text([roman(variable.help)]);
        }
    } else {
        end.control("SH", ["SEE ALSO"]).text([bold("spin-deps"), roman(format!("({SECTION})"))]);
    }
    end.to_writer(&mut text)?;
    let ascii = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\[u{:04X}]", u32::from(c)) };
    Ok(String::from_utf8_lossy(&text).chars().map(ascii).collect())
}

/// What stands below the options in the help. Examples keep their layout.
fn remarks(page: &mut Roff, text: &str) {
    let examples = text.strip_prefix("Examples:\n");
    page.control("SH", [if examples.is_some() { "EXAMPLES" } else { "NOTES" }]);
    if examples.is_some() {
        page.control("nf", []);
    }
    for line in examples.unwrap_or(text).lines() {
        page.text([roman(line)]);
        if examples.is_none() {
            page.control("br", []);
        }
    }
    if examples.is_some() {
        page.control("fi", []);
    }
}
