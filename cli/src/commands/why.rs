//! `spin-deps why`

use clap::Args;
use serde_json::{Value, json};
use spin_deps_project::{Bound, Graph, Node, NodeKind, Path, Wish};

use super::{
    Context,
    tree::{node_label, step_label},
};
use crate::{
    output::{DIM, Output, clean, count, styled},
    report::Failure,
};

/// At most so many paths to a release are spelt out.
const MAX_PATHS: usize = 50;
/// Of a longer path, only so many steps at its beginning and at its end are shown.
const SHOWN_STEPS: usize = 12;
/// The most requirements that hold a release and are named.
const SHOWN_WISHES: usize = 5;

/// Show every path from the app to a package, with the requirement on each step
///
/// And what holds each release where it is: the requirement that ends first. Nothing is asked of a registry.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps why acme:hash          every path to the package, and what holds it where it is
  spin-deps why acme:hash@1.2.0    the paths to this release")]
pub(crate) struct Why {
    /// The package, `ns:name` or `ns:name@version`
    #[arg(value_name = "PKG")]
    package: String,
}

impl Why {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let graph = context.project().await?.graph().await?;
        let targets = graph.find(&self.package)?;
        let (mut all, mut releases, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        for target in targets {
            let paths = graph.paths_to(target, MAX_PATHS);
            lines.push(node_label(&graph, target, true, false));
            lines.extend(paths.shown.iter().map(|path| format!("  {}", path_line(&graph, path))));
            match paths.more {
                Some(0) => {}
                Some(more) => lines.push(format!("  and {}", count_more(more))),
                None => lines.push("  and more paths than can be counted".to_owned()),
            }
            let bound = graph.bound_of(target);
            lines.extend(
                bound_lines(&graph, target, bound.as_ref()).map(|line| format!("  {}", styled(DIM, line))),
            );
            let as_json: Vec<Value> = paths.shown.iter().map(|path| path_json(&graph, path)).collect();
            releases.push(release_json(&graph, target, bound.as_ref(), &as_json, paths.more));
            all.extend(as_json);
        }
        let mut output = Output::new(json!({ "package": self.package, "paths": all, "releases": releases }));
        for line in lines {
            output.line(line);
        }
        Ok(output)
    }
}

fn count_more(more: u64) -> String {
    usize::try_from(more).map_or_else(|_| format!("{more} more paths"), |more| count(more, "more path"))
}

/// A path on one line.
fn path_line(graph: &Graph, path: &Path<'_>) -> String {
    let step = |(node, step): &(usize, Option<&spin_deps_project::Step>)| {
        format!("{}{}", node_label(graph, *node, false, false), step.map(step_label).unwrap_or_default())
    };
    let left_out = path.len().saturating_sub(2 * SHOWN_STEPS);
    let mut steps: Vec<String> = Vec::new();
    if left_out > 1 {
        steps.extend(path[..SHOWN_STEPS].iter().map(step));
        steps.push(styled(DIM, format!("… {} …", count(left_out, "step"))));
        steps.extend(path[path.len() - SHOWN_STEPS..].iter().map(step));
    } else {
        steps.extend(path.iter().map(step));
    }
    steps.join(" → ")
}

/// What holds a release where it is.
fn bound_lines(graph: &Graph, target: usize, bound: Option<&Bound>) -> impl Iterator<Item = String> {
    let is_release = matches!(graph.nodes[target].kind, NodeKind::Package { .. });
    let held = bound.map(|bound| {
        let wish = |wish: &Wish| format!("{} ({})", title(&graph.nodes[wish.from]), wish.requirement);
        let mut by: Vec<_> = bound.by.iter().take(SHOWN_WISHES).map(wish).collect();
        if bound.by.len() > SHOWN_WISHES {
            by.push(format!("and {} more", bound.by.len() - SHOWN_WISHES));
        }
        let (end, by) = (&bound.version, clean(&by.join(", ")));
        match (bound.inclusive, &graph.nodes[target].kind) {
            (false, _) => format!("held below {end} by {by}"),
            (true, NodeKind::Package { version, .. }) if *version == end.to_string() => {
                format!("held at {end} by {by}")
            }
            (true, _) => format!("held at {end} or below by {by}"),
        }
    });
    let free = (is_release && bound.is_none())
        .then(|| "held back by nothing: no requirement on it has an end".to_owned());
    let higher: Vec<_> = graph.higher_than(target).iter().map(ToString::to_string).collect();
    let beside =
        (!higher.is_empty()).then(|| format!("beside it the app has {}, for others", higher.join(" and ")));
    held.into_iter().chain(free).chain(beside)
}

/// A node in the middle of a sentence.
fn title(node: &Node) -> String {
    match &node.kind {
        NodeKind::Component => format!("component {}", node.label),
        _ => node.label.clone(),
    }
}

fn path_json(graph: &Graph, path: &Path<'_>) -> Value {
    let steps = path.iter().map(|(node, step)| {
        let mut json = json!({
            "label": graph.nodes[*node].label,
            "kind": json!(graph.nodes[*node].kind)["kind"],
            "requirement": step.and_then(|step| step.requirement.clone()),
        });
        if let Some(step) = step {
            json["name"] = json!(step.name);
            json["inherits"] = json!(step.inherits);
        }
        json
    });
    steps.collect()
}

/// A release with its paths. `more` is null where nobody knows how many more paths there are.
fn release_json(
    graph: &Graph,
    target: usize,
    bound: Option<&Bound>,
    paths: &[Value],
    more: Option<u64>,
) -> Value {
    let node = &graph.nodes[target];
    let asked = |from: usize, requirement: &str| json!({ "by": title(&graph.nodes[from]), "requirement": requirement });
    let wishes = graph.wishes_for(target);
    let mut json = json!(node.kind);
    json["label"] = json!(node.label);
    json["paths"] = json!(paths);
    json["more_paths"] = json!(more);
    json["requirements"] = wishes.iter().map(|wish| asked(wish.from, &wish.requirement)).collect();
    json["held"] = json!(bound.map(|bound| json!({
        "version": bound.version,
        "inclusive": bound.inclusive,
        "by": bound.by.iter().map(|wish| asked(wish.from, &wish.requirement)).collect::<Vec<_>>(),
    })));
    json["higher"] = json!(graph.higher_than(target));
    json
}
