//! What an app is given to run with, for `up` and `verify`.

use std::path::PathBuf;

use clap::Args;
use spin_deps_project::RunOptions;

use super::Context;

/// Variables and state.
#[derive(Debug, Args)]
pub(crate) struct Given {
    /// The value of a variable of the app
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = name_and_value)]
    variables: Vec<(String, String)>,
    /// A file with values of variables, in TOML or JSON
    #[arg(long = "variables-file", value_name = "FILE")]
    variables_files: Vec<PathBuf>,
    /// Run SQL on the database `default` first: statements, or @FILE with statements
    #[arg(long, value_name = "SQL")]
    sqlite: Vec<String>,
    /// Keep key-value stores and databases in a directory, as Spin does in `.spin`; else they are in memory
    #[arg(long = "state-dir", value_name = "DIR")]
    state: Option<PathBuf>,
}

impl Given {
    /// The options for a run with it.
    pub(crate) fn options(&self, context: &Context) -> RunOptions {
        RunOptions {
            // The last value of each variable.
            variables: self.variables.iter().cloned().collect(),
            variables_files: self.variables_files.clone(),
            sqlite: self.sqlite.clone(),
            state: self.state.as_ref().map(|directory| context.settings.current_dir.join(directory)),
            ..RunOptions::default()
        }
    }
}

/// `NAME=VALUE`
pub(super) fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it must be written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
