//! `spin-deps completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use crate::{args::Cli, output::Output};

/// Print a script that completes commands in a shell
///
/// For bash: spin-deps completions bash > ~/.local/share/bash-completion/completions/spin-deps
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Output {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "spin-deps", &mut script);
        let script = String::from_utf8_lossy(&script).into_owned();
        let mut output = Output::new(json!({ "script": script }));
        output.line(script.trim_end());
        output
    }
}
