//! `spin-deps generate-docs`: the command reference, for the documentation.

use clap::{Args, CommandFactory};
use clap_markdown::MarkdownOptions;
use serde_json::json;

use crate::{args::Cli, output::Output, settings::VARIABLES};

/// Print the reference of the command line and the environment as Markdown
#[derive(Debug, Args)]
pub(crate) struct GenerateDocs {}

impl GenerateDocs {
    pub(crate) fn run() -> Output {
        let options = MarkdownOptions::new().title("Command reference".into()).show_footer(false);
        let commands = clap_markdown::help_markdown_command_custom(&Cli::command(), &options);
        let mut output = Output::new(json!({ "markdown": commands }));
        output.line(commands.trim_end());
        output.line("\n## Environment variables\n");
        for variable in VARIABLES {
            output.line(format!("* `{}` — {}", variable.name, variable.help));
        }
        output
    }
}
