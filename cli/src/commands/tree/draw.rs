//! A tree in lines, as `ls` of old drew directories.
//!
//! Drawn from a stack, not by recursion: a lockfile can be thousands of packages deep. Everything below a node is drawn
//! once, so there are never more lines than steps, circles or not.

use std::collections::BTreeSet;

use spin_deps_project::{Graph, Node, Step};

use super::{node_label, step_label};
use crate::output::{DIM, clean, styled};

/// Before one of several.
const TEE: &str = "├── ";
/// Before the last of several.
const ELBOW: &str = "└── ";
/// Beside what is below one of several.
const RAIL: &str = "│   ";

/// Unless a depth is asked for, no tree is drawn deeper than this: nobody reads it.
pub(super) const DEEPEST: usize = 64;

/// The whole tree of the app.
pub(in super::super) fn lines(graph: &Graph) -> Vec<String> {
    let mut lines = Vec::new();
    Drawing::new(graph, DEEPEST).draw(0, &mut |line| lines.push(line));
    lines
}

/// One or several trees of one graph.
pub(super) struct Drawing<'a> {
    graph: &'a Graph,
    depth: usize,
    /// Nodes that are one of several releases.
    pub(super) several: BTreeSet<usize>,
    /// Say what each release reaches for.
    pub(super) capabilities: bool,
    /// Something was left out because it is too deep.
    pub(super) is_cut: bool,
    /// Nodes that were named, with their source.
    named: Vec<bool>,
    /// Nodes below which everything was drawn.
    drawn: Vec<bool>,
}

/// A node that is to be drawn.
struct Branch<'a> {
    node: usize,
    step: Option<&'a Step>,
    depth: usize,
    is_last: bool,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(graph: &'a Graph, depth: usize) -> Self {
        Self {
            graph,
            depth,
            several: BTreeSet::new(),
            capabilities: false,
            is_cut: false,
            named: vec![false; graph.nodes.len()],
            drawn: vec![false; graph.nodes.len()],
        }
    }

    /// Draws the tree below `root`, line by line.
    pub(super) fn draw(&mut self, root: usize, line: &mut dyn FnMut(String)) {
        // For each level above the next line: whether a line runs past it to the next of several.
        let mut rails: Vec<bool> = Vec::new();
        let mut open = vec![Branch { node: root, step: None, depth: 0, is_last: true }];
        while let Some(branch) = open.pop() {
            rails.truncate(branch.depth.saturating_sub(1));
            let mut text: String = rails.iter().map(|runs| if *runs { RAIL } else { "    " }).collect();
            if branch.depth > 0 {
                text += if branch.is_last { ELBOW } else { TEE };
                rails.push(!branch.is_last);
            }
            text += &self.label(&branch);
            let steps = &self.graph.nodes[branch.node].steps;
            if !steps.is_empty() {
                if self.drawn[branch.node] {
                    text.extend([" ", &styled(DIM, "(*)")]);
                } else if branch.depth == self.depth {
                    self.is_cut = true;
                    text.extend([" ", &styled(DIM, "…")]);
                } else {
                    self.drawn[branch.node] = true;
                    let below = steps.iter().rev().enumerate().map(|(index, step)| Branch {
                        node: step.to,
                        step: Some(step),
                        depth: branch.depth + 1,
                        is_last: index == 0,
                    });
                    open.extend(below);
                }
            }
            line(text);
        }
    }

    fn label(&mut self, branch: &Branch<'_>) -> String {
        let first = !std::mem::replace(&mut self.named[branch.node], true);
        let mut label = node_label(self.graph, branch.node, first, self.several.contains(&branch.node));
        label += &branch.step.map(step_label).unwrap_or_default();
        let capabilities = reach(&self.graph.nodes[branch.node]);
        if self.capabilities && first && !capabilities.is_empty() {
            label.extend([" ", &styled(DIM, format!("[{}]", clean(&capabilities.join(", "))))]);
        }
        label
    }
}

/// What a node reaches for, and who grants it that.
fn reach(node: &Node) -> Vec<String> {
    let reach = |key: &String| {
        let by = node.granted.iter().filter(|it| it.capabilities.contains(key));
        let by: Vec<_> = by.map(|it| it.component.as_str()).collect();
        match by.as_slice() {
            [] if node.denied.contains(key) => format!("{key} denied"),
            [] => key.clone(),
            by => format!("{key} granted by {}", by.join(" and ")),
        }
    };
    node.capabilities.iter().map(reach).collect()
}
