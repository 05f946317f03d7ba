//! `spin-deps compose`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Builds, Context, denial_lines, denials_json, shown_path, warn_all};
use crate::{
    output::{DIM, GOOD, NAME, Output, count, styled},
    report::Failure,
};

/// Compose a component with its dependencies into one file
///
/// The result is a plain component: Spin and `wasmtime serve` run it as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps compose api -o api.wasm    the component `api` with all that it needs
  wasmtime serve api.wasm              run it without Spin")]
pub(crate) struct Compose {
    /// The component, or the trigger where triggers of one component have different middleware
    id: String,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    builds: Builds,
}

impl Compose {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = self.builds.project(context).await?;
        let sync = project.prepare().await?;
        warn_all(sync.warnings.iter().chain(&sync.lock.warnings));
        let composed = project.compose(&self.id).await?;
        let path = context.settings.current_dir.join(&self.output);
        spin_deps_project::write_file(&path, &composed.bytes)?;
        let wires: Vec<_> = composed
            .wires
            .iter()
            .map(|it| json!({ "from": it.from, "import": it.import, "to": it.to, "export": it.export }))
            .collect();
        let mut output = Output::new(json!({
            "component": composed.id,
            "file": path,
            "digest": composed.digest.to_string(),
            "size": composed.bytes.len(),
            "instances": composed.instances,
            "wires": wires,
            "denials": denials_json(&composed.denials),
        }));
        output.line(format!(
            "{} {} from {} into {} ({} bytes)",
            styled(GOOD, "Composed"),
            styled(NAME, &composed.id),
            count(composed.instances, "instance"),
            shown_path(context, &path),
            composed.bytes.len()
        ));
        for it in &composed.wires {
            output.line(format!("  {}: {} {}", it.from, styled(DIM, format!("{} →", it.import)), it.to));
        }
        output.lines(denial_lines(&composed.denials).into_iter().map(|line| format!("  {line}")));
        output.line(format!("  {}", styled(DIM, composed.digest.to_string())));
        Ok(output)
    }
}
