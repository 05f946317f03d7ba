//! `spin-deps componentize`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use spin_deps_project::{ComponentizeOptions, componentize_file};

use super::{Context, shown_path};
use crate::{
    output::{GOOD, NAME, Output, styled},
    report::Failure,
};

/// Make a component of a core module
///
/// For compilers that know nothing of components, as the last step of a build command. The module's world is what the
/// bindings that it was linked with say; where they do not, `--wit` names it. A module for WASI preview 1 gets the adapter
/// to WASI 0.2. A file that is a component already is taken as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps componentize lib.wasm -o hash.wasm                       its bindings name the world
  spin-deps componentize lib.wasm -o hash.wasm --wit wit --world w   the world is named here")]
pub(crate) struct Componentize {
    /// The core module
    input: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The folder of WIT with the module's world, if the module does not say it itself
    #[arg(long, value_name = "DIR")]
    wit: Option<PathBuf>,
    /// The world, if the folder has several
    #[arg(long, value_name = "NAME", requires = "wit")]
    world: Option<String>,
    /// A module that stands for another one that is imported
    #[arg(long = "adapt", value_name = "NAME=FILE", value_parser = super::given::name_and_value)]
    adapters: Vec<(String, String)>,
}

impl Componentize {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let options = ComponentizeOptions {
            input: self.input,
            output: context.settings.current_dir.join(self.output),
            wit: self.wit,
            world: self.world,
            adapters: self.adapters.into_iter().map(|(name, file)| (name, file.into())).collect(),
        };
        let path = options.output.clone();
        let made = tokio::task::spawn_blocking(move || componentize_file(&options)).await;
        let made = made.map_err(spin_deps_project::Error::from)??;
        let mut output = Output::new(json!({
            "file": path,
            "size": made.size,
            "was_component": made.was_component,
        }));
        let (verb, note) =
            if made.was_component { ("Took", " as it is: it was a component already") } else { ("Made", "") };
        output.line(format!(
            "{} {}, {} bytes{note}",
            styled(GOOD, verb),
            styled(NAME, shown_path(context, &path)),
            made.size
        ));
        Ok(output)
    }
}
