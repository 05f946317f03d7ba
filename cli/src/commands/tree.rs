//! `spin-deps tree`

use clap::Args;
use serde_json::json;
use spin_deps_project::{Graph, NodeKind, Step};
use termtree::Tree as Text;

use super::Context;
use crate::{
    output::{DIM, NAME, Output, clean, styled},
    report::Failure,
};

/// Deeper than this no tree is drawn: nobody reads it, and a lockfile is a file from outside.
const MAX_DEPTH: usize = 64;

/// Show the locked dependencies as a tree
///
/// With --invert the tree is turned round: what needs a package, up to the app.
#[derive(Debug, Args)]
pub(crate) struct Tree {
    /// Show what needs this package instead
    #[arg(short, long, value_name = "PKG")]
    invert: Option<String>,
}

impl Tree {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let graph = context.project().await?.graph().await?;
        let Some(package) = self.invert else {
            let mut output = Output::new(json!(graph));
            output.line(draw(&graph, 0).to_string().trim_end());
            return Ok(output);
        };
        let targets = graph.find(&package)?;
        let inverted = graph.inverted();
        let mut output = Output::new(json!({ "roots": targets, "nodes": inverted.nodes }));
        for target in targets {
            output.line(draw(&inverted, target).to_string().trim_end());
        }
        Ok(output)
    }
}

/// A node with everything below it; what was drawn already is only named again.
pub(super) fn draw(graph: &Graph, root: usize) -> Text<String> {
    let mut seen = vec![false; graph.nodes.len()];
    below(graph, root, None, &mut seen, 0)
}

fn below(graph: &Graph, node: usize, step: Option<&Step>, seen: &mut [bool], depth: usize) -> Text<String> {
    let again = std::mem::replace(&mut seen[node], true);
    let mut label = node_label(graph, node);
    if let Some(step) = step {
        label.push_str(&step_label(step));
    }
    let steps = &graph.nodes[node].steps;
    if (again && !steps.is_empty()) || depth == MAX_DEPTH {
        return Text::new(format!("{label} {}", styled(DIM, "(*)")));
    }
    let leaves: Vec<_> =
        steps.iter().map(|step| below(graph, step.to, Some(step), seen, depth + 1)).collect();
    Text::new(label).with_leaves(leaves)
}

/// A node as it is shown.
pub(super) fn node_label(graph: &Graph, node: usize) -> String {
    let node = &graph.nodes[node];
    let label = clean(&node.label);
    match &node.kind {
        NodeKind::App => styled(NAME, label),
        NodeKind::Component => format!("component {}", styled(NAME, label)),
        NodeKind::Package { registry, .. } => {
            format!("{} {}", styled(NAME, label), styled(DIM, clean(registry)))
        }
        NodeKind::Trigger | NodeKind::File | NodeKind::Url => label,
    }
}

/// What an edge says: the requirement, the name in the manifest, what is inherited.
pub(super) fn step_label(step: &Step) -> String {
    let mut parts = Vec::new();
    parts.extend(step.requirement.clone());
    parts.extend(step.name.as_ref().map(|name| format!("as {name}")));
    if !step.inherits.is_empty() {
        parts.push(format!("inherits {}", step.inherits.join(", ")));
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!(" {}", styled(DIM, format!("({})", clean(&parts.join("; ")))))
    }
}
