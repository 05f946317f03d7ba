//! `spin-deps tree`

mod diagram;
mod draw;

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;
use spin_deps_project::{Graph, NodeKind, Step};

pub(super) use self::draw::lines;
use self::draw::{DEEPEST, Drawing};
use super::Context;
use crate::{
    args::{Format, one_of},
    charset::{self, Charset},
    output::{DIM, NAME, Output, WARN, clean, styled},
    report::Failure,
};

/// Show the locked dependencies as a tree
///
/// What was shown with all that it needs is only named again, with (*). With --invert the tree is turned round: what
/// needs a package, up to the app.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps tree                        what is locked, and what needs it
  spin-deps tree --invert acme:hash     what needs acme:hash, up to the app
  spin-deps tree --duplicates           packages of which there are several releases
  spin-deps tree --format mermaid       a flowchart for Markdown; `dot` is for Graphviz")]
pub(crate) struct Tree {
    /// Show what needs this package instead; all its releases, or one as ns:name@version
    #[arg(short, long, value_name = "PKG")]
    invert: Option<String>,
    /// Show only packages of which there are several releases, with what needs each
    #[arg(short, long, conflicts_with = "invert")]
    duplicates: bool,
    /// Go down only so many levels
    #[arg(long, value_name = "N")]
    depth: Option<u16>,
    /// Show what each release reaches for
    #[arg(long)]
    capabilities: bool,
    /// The characters to draw with [default: what the locale can show]
    #[arg(long, value_enum, value_name = "CHARSET")]
    charset: Option<Charset>,
    /// What the result looks like
    #[arg(
        long, value_name = "FORMAT", default_value = "human", help_heading = "Global options",
        value_parser = one_of(&[Format::Human, Format::Json, Format::Mermaid, Format::Dot]),
    )]
    format: Format,
}

impl Tree {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let graph = context.project().await?.graph().await?;
        let duplicates = graph.duplicates();
        let several: BTreeSet<usize> = duplicates.iter().flat_map(|it| it.nodes.iter().copied()).collect();
        let targets = match &self.invert {
            Some(package) => Some(graph.find(package)?),
            None => self.duplicates.then(|| duplicates.iter().flat_map(|it| it.nodes.clone()).collect()),
        };
        let is_inverted = targets.is_some();
        let (shown, roots) = match targets {
            Some(targets) => (graph.inverted(), targets),
            None => (graph, vec![0]),
        };
        let json = if is_inverted {
            json!({ "roots": roots, "nodes": shown.nodes, "duplicates": duplicates })
        } else {
            json!({ "nodes": shown.nodes, "duplicates": duplicates })
        };
        let mut output = Output::new(json);
        let depth = self.depth.map(usize::from);
        if matches!(self.format, Format::Mermaid | Format::Dot) {
            let part = diagram::Part::below(&shown, &roots, depth, is_inverted);
            let lines = match self.format {
                Format::Mermaid => diagram::mermaid(&part, &several),
                _ => diagram::dot(&part, &several),
            };
            for line in lines {
                output.line(line);
            }
            return Ok(output);
        }
        if let Some(charset) = self.charset {
            charset::choose(charset);
        }
        let mut drawing = Drawing::new(&shown, depth.unwrap_or(DEEPEST));
        drawing.several.clone_from(&several);
        drawing.capabilities = self.capabilities;
        for root in &roots {
            drawing.draw(*root, &mut |line| {
                output.line(line);
            });
        }
        if drawing.is_cut && depth.is_none() {
            output.note(&format!("the tree ends at {DEEPEST} levels; `--depth N` goes further down"));
        }
        if self.duplicates && duplicates.is_empty() {
            output.note("there is no package of which there are several releases");
        } else if !is_inverted && !duplicates.is_empty() {
            let several = duplicates.iter().map(|it| format!("{} {}", it.package, it.versions.join(" and ")));
            output.note(&format!(
                "several releases: {}; `spin-deps tree --duplicates` shows what needs each",
                several.collect::<Vec<_>>().join(", ")
            ));
        }
        Ok(output)
    }
}

/// A node as it is shown; `full` with its source, and marked if it is one of `several` releases.
pub(super) fn node_label(graph: &Graph, node: usize, full: bool, several: bool) -> String {
    let node = &graph.nodes[node];
    match &node.kind {
        NodeKind::App => styled(NAME, clean(&node.label)),
        NodeKind::Component => format!("component {}", styled(NAME, clean(&node.label))),
        NodeKind::Package { package, version, registry } => {
            let version = styled(if several { WARN } else { NAME }, clean(version));
            let label = format!("{} {version}", styled(NAME, clean(package)));
            if full { format!("{label} {}", styled(DIM, clean(registry))) } else { label }
        }
        NodeKind::Trigger | NodeKind::File | NodeKind::Url => clean(&node.label),
    }
}

/// What an edge says: the requirement, the name in the manifest, what is inherited.
pub(super) fn step_label(step: &Step) -> String {
    let said = said(step);
    if said.is_empty() { String::new() } else { format!(" {}", styled(DIM, format!("({})", clean(&said)))) }
}

fn said(step: &Step) -> String {
    let mut parts = Vec::new();
    parts.extend(step.requirement.clone());
    parts.extend(step.name.as_ref().map(|name| format!("as {name}")));
    if !step.inherits.is_empty() {
        parts.push(format!("inherits {}", step.inherits.join(", ")));
    }
    if step.overridden {
        parts.push("override".to_owned());
    }
    parts.join("; ")
}
