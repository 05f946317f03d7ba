//! `spin-deps why`

use clap::Args;
use serde_json::json;

use super::{
    Context,
    tree::{node_label, step_label},
};
use crate::{output::Output, report::Failure};

/// Show every path from the app to a package, with the requirement on each step
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The package, `ns:name` or `ns:name@version`
    package: String,
}

impl Why {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let graph = context.project().await?.graph().await?;
        let targets = graph.find(&self.package)?;
        let paths: Vec<_> = targets.iter().flat_map(|target| graph.paths_to(*target)).collect();
        let as_json: Vec<Vec<_>> = paths
            .iter()
            .map(|path| {
                path.iter()
                    .map(|(node, step)| {
                        json!({
                            "label": graph.nodes[*node].label,
                            "requirement": step.and_then(|step| step.requirement.clone()),
                        })
                    })
                    .collect()
            })
            .collect();
        let mut output = Output::new(json!({ "package": self.package, "paths": as_json }));
        for path in &paths {
            let steps: Vec<_> = path
                .iter()
                .map(|(node, step)| {
                    format!("{}{}", node_label(&graph, *node), step.map(step_label).unwrap_or_default())
                })
                .collect();
            output.line(steps.join(" → "));
        }
        Ok(output)
    }
}
