//! `spin-deps build`

use clap::Args;
use serde_json::json;
use spin_deps_project::{BuildEvent, BuildOptions, BuildOutput, Built};

use super::{Context, shown_path, sync_json, sync_lines, warn_all};
use crate::{
    args::Format,
    output::{DIM, GOOD, NAME, Output, clean, styled},
    report::{self, Failure},
};

/// Build the components from their sources
///
/// Brings the lockfile, spin-dependencies.wit and the bindings up to date, runs the `build.command` of each component as
/// `spin build` does, and checks that the outcome is a component. `spin-deps` in a command is this program.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps build              all components, after locking and generating what they need
  spin-deps build api          this one
  spin-deps build --no-sync    with what is there")]
pub(crate) struct Build {
    /// The components; all if none is named
    components: Vec<String>,
    /// Build with what is there: lock, fetch and generate nothing
    #[arg(long)]
    no_sync: bool,
}

impl Build {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = context.project().await?;
        let sync = if self.no_sync { None } else { Some(project.sync().await?) };
        if let Some(sync) = &sync {
            warn_all(sync.warnings.iter().chain(&sync.lock.warnings));
        }
        let options = BuildOptions {
            components: self.components,
            program: std::env::current_exe()?,
            output: build_output(context),
            generate: !self.no_sync,
        };
        let built = project.build(&options).await?;
        let mut output = Output::new(json!({
            "sync": sync.as_ref().map(sync_json),
            "built": built.iter().map(built_json).collect::<Vec<_>>(),
        }));
        if let Some(sync) = &sync {
            sync_lines(&mut output, context, sync);
        }
        output.lines(built.iter().map(|built| built_line(context, built)));
        if built.is_empty() {
            output.line("Nothing to build: no component has a build command");
        }
        Ok(output)
    }
}

/// What build commands print goes to stderr as it comes, each line with the name of its component; with `--quiet` and
/// in JSON only what a failing one printed is shown, by its error.
pub(super) fn build_output(context: &Context) -> BuildOutput {
    if context.quiet || context.format == Format::Json {
        return BuildOutput::default();
    }
    BuildOutput::new(|event| {
        let (component, text) = match event {
            BuildEvent::Command { component, command } => (component, styled(NAME, clean(command))),
            BuildEvent::Line { component, text } => (component, clean(text)),
        };
        report::raw(&format!("{} {text}\n", styled(DIM, format!("[{component}]"))));
    })
}

/// A component that was built, in a line.
pub(super) fn built_line(context: &Context, built: &Built) -> String {
    let (name, seconds) = (styled(NAME, &built.component), built.took.as_secs_f64());
    let file = built.file.as_ref().map(|file| {
        let path = clean(&shown_path(context, &file.path));
        format!(": {path}, {} bytes", file.size)
    });
    format!("{} {name} in {seconds:.1} s{}", styled(GOOD, "Built"), file.unwrap_or_default())
}

/// The same as JSON.
pub(super) fn built_json(built: &Built) -> serde_json::Value {
    json!({
        "component": built.component,
        "file": built.file.as_ref().map(|file| &file.path),
        "size": built.file.as_ref().map(|file| file.size),
        "milliseconds": built.took.as_millis(),
    })
}
