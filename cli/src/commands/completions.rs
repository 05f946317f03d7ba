//! `spin-deps completions`

use clap::{Args, builder::PossibleValuesParser};
use serde_json::json;

use crate::{
    complete::{PROGRAM, SHELLS},
    output::Output,
    report::Failure,
    settings::COMPLETE,
};

/// Print a script that completes commands in a shell
///
/// Options and commands are completed, and so are the names of packages, versions, components, routes, capabilities and
/// registries, as far as the manifest, the lockfile, folders of releases and the cache know them. No registry is asked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  source <(spin-deps completions bash)          in ~/.bashrc
  source <(spin-deps completions zsh)           in ~/.zshrc, behind compinit
  spin-deps completions fish | source           in ~/.config/fish/config.fish
  eval (spin-deps completions elvish | slurp)   in ~/.config/elvish/rc.elv
  spin-deps completions powershell | Out-String | Invoke-Expression")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_parser = PossibleValuesParser::new(SHELLS.names()))]
    shell: String,
}

impl Completions {
    pub(crate) fn run(self) -> Result<Output, Failure> {
        let mut script = Vec::new();
        if let Some(shell) = SHELLS.completer(&self.shell) {
            shell.write_registration(COMPLETE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
        }
        let script = String::from_utf8_lossy(&script).into_owned();
        let mut output = Output::new(json!({ "script": script }));
        output.line(script.trim());
        Ok(output)
    }
}
