//! The paths from the app to a node: the shortest first, and how many there are.
//!
//! A diamond of diamonds has more paths than anyone reads, so only some are spelt out. They are found by a search that
//! always goes on with the path whose length to the target, which is known beforehand for every node, is the least;
//! of equal ones with that which has come the farthest. So each path is walked straight to its end, and the others are
//! never begun.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use super::{Graph, Step};

/// More beginnings of paths than this are not kept; then the paths that were found are not all.
const MAX_OPEN: usize = 200_000;

/// A path from the app: nodes, each with the step that led there.
pub type Path<'a> = Vec<(usize, Option<&'a Step>)>;

/// The paths to a node.
#[derive(Clone, Debug)]
pub struct Paths<'a> {
    /// The shortest ones.
    pub shown: Vec<Path<'a>>,
    /// How many more there are; `None` where they are too many to be counted, or packages need each other in a circle.
    pub more: Option<u64>,
}

/// The beginning of a path: its last node, how it got there, and where it came from.
struct Begun<'a> {
    node: usize,
    step: Option<&'a Step>,
    before: Option<usize>,
}

impl Graph {
    /// The paths from the app to `target`, at most `most` of them, shortest first. None passes a node twice.
    pub fn paths_to(&self, target: usize, most: usize) -> Paths<'_> {
        let distances = self.distances_to(target);
        let mut begun = vec![Begun { node: 0, step: None, before: None }];
        // The least first: by the length to be, then by what is left of it, then by age.
        let mut open = BinaryHeap::new();
        if let Some(distance) = distances.first().copied().flatten() {
            open.push(Reverse((distance, distance, 0)));
        }
        let mut shown = Vec::new();
        let mut left_out = false;
        while let Some(Reverse((length, left, at))) = open.pop() {
            if begun[at].node == target {
                if shown.len() == most {
                    left_out = true;
                    break;
                }
                shown.push(walked(&begun, at));
                continue;
            }
            for step in &self.nodes[begun[at].node].steps {
                let Some(distance) = distances[step.to] else { continue };
                if begun.len() == MAX_OPEN {
                    left_out = true;
                    break;
                }
                if passes(&begun, at, step.to) {
                    continue;
                }
                begun.push(Begun { node: step.to, step: Some(step), before: Some(at) });
                open.push(Reverse((length - left + 1 + distance, distance, begun.len() - 1)));
            }
        }
        let more = match self.count_paths(target, &distances) {
            Some(count) => Some(count.saturating_sub(shown.len() as u64)),
            None if left_out => None,
            None => Some(0),
        };
        Paths { shown, more }
    }

    /// How many steps it is from each node to `target`; `None` where no path leads there.
    fn distances_to(&self, target: usize) -> Vec<Option<usize>> {
        let inverted = self.inverted();
        let mut distances = vec![None; self.nodes.len()];
        distances[target] = Some(0);
        let mut open = VecDeque::from([(target, 0)]);
        while let Some((node, distance)) = open.pop_front() {
            for step in &inverted.nodes[node].steps {
                if distances[step.to].is_none() {
                    distances[step.to] = Some(distance + 1);
                    open.push_back((step.to, distance + 1));
                }
            }
        }
        distances
    }

    /// How many paths lead from the app to `target`; `None` if there is a circle on the way, or no number for it.
    fn count_paths(&self, target: usize, distances: &[Option<usize>]) -> Option<u64> {
        let leads = |node: usize| distances[node].is_some() && node != target;
        let on_the_way = |node: usize| {
            let steps = if leads(node) { self.nodes[node].steps.as_slice() } else { &[] };
            steps.iter().filter(|step| distances[step.to].is_some())
        };
        let mut arriving = vec![0_usize; self.nodes.len()];
        for node in 0..self.nodes.len() {
            on_the_way(node).for_each(|step| arriving[step.to] += 1);
        }
        let mut counts = vec![0_u64; self.nodes.len()];
        let mut open: Vec<usize> =
            (0..self.nodes.len()).filter(|node| distances[*node].is_some() && arriving[*node] == 0).collect();
        counts[0] = u64::from(distances[0].is_some());
        let mut left: usize = arriving.iter().sum();
        while let Some(node) = open.pop() {
            for step in on_the_way(node) {
                counts[step.to] = counts[step.to].checked_add(counts[node])?;
                arriving[step.to] -= 1;
                left -= 1;
                if arriving[step.to] == 0 {
                    open.push(step.to);
                }
            }
        }
        (left == 0).then(|| counts[target])
    }
}

/// Whether the path that ends at `at` has passed `node`.
fn passes(begun: &[Begun<'_>], at: usize, node: usize) -> bool {
    let mut next = Some(at);
    while let Some(at) = next {
        if begun[at].node == node {
            return true;
        }
        next = begun[at].before;
    }
    false
}

/// The path that ends at `at`, from its beginning.
fn walked<'a>(begun: &[Begun<'a>], at: usize) -> Path<'a> {
    let mut path = Vec::new();
    let mut next = Some(at);
    while let Some(at) = next {
        path.push((begun[at].node, begun[at].step));
        next = begun[at].before;
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::super::{Node, NodeKind};
    use super::*;

    /// A graph of these edges; node 0 is the app.
    fn graph_of(nodes: usize, edges: &[(usize, usize)]) -> Graph {
        let node = |index: usize| Node {
            kind: NodeKind::Component,
            label: index.to_string(),
            capabilities: Vec::new(),
            granted: Vec::new(),
            denied: Vec::new(),
            steps: edges.iter().filter(|(from, _)| *from == index).map(|(_, to)| Step::to(*to)).collect(),
        };
        Graph { nodes: (0..nodes).map(node).collect() }
    }

    fn paths(graph: &Graph, target: usize, most: usize) -> (Vec<Vec<usize>>, Option<u64>) {
        let paths = graph.paths_to(target, most);
        let nodes = paths.shown.iter().map(|path| path.iter().map(|(node, _)| *node).collect()).collect();
        (nodes, paths.more)
    }

    #[test]
    fn the_shortest_come_first_and_the_rest_are_counted() {
        let graph = graph_of(5, &[(0, 1), (1, 2), (2, 3), (0, 3), (1, 3), (0, 4)]);
        assert_eq!(paths(&graph, 3, 9), (vec![vec![0, 3], vec![0, 1, 3], vec![0, 1, 2, 3]], Some(0)));
        assert_eq!(paths(&graph, 3, 1), (vec![vec![0, 3]], Some(2)));
        assert_eq!(paths(&graph, 4, 9), (vec![vec![0, 4]], Some(0)));
        // Nothing leads from the app to it.
        let apart = graph_of(3, &[(0, 1), (2, 1)]);
        assert_eq!(paths(&apart, 2, 9), (vec![], Some(0)));
    }

    #[test]
    fn a_diamond_of_diamonds_is_counted_without_being_walked() {
        // 0 → {1, 2} → 3 → {4, 5} → 6 …: 2^60 paths.
        let edges: Vec<_> = (0..60)
            .flat_map(|diamond| {
                let top = diamond * 3;
                [(top, top + 1), (top, top + 2), (top + 1, top + 3), (top + 2, top + 3)]
            })
            .collect();
        let graph = graph_of(181, &edges);
        let (shown, more) = paths(&graph, 180, 50);
        assert_eq!((shown.len(), more), (50, Some((1 << 60) - 50)));
        assert!(shown.iter().all(|path| path.len() == 121));
        let edges: Vec<_> =
            (0..70).flat_map(|diamond| [(diamond, diamond + 1), (diamond, diamond + 1)]).collect();
        let (shown, more) = paths(&graph_of(71, &edges), 70, 50);
        assert_eq!((shown.len(), more), (50, None), "2^70 is too many");
    }

    #[test]
    fn a_circle_is_not_walked_round() {
        let graph = graph_of(4, &[(0, 1), (1, 2), (2, 1), (2, 3), (3, 0)]);
        assert_eq!(paths(&graph, 3, 9), (vec![vec![0, 1, 2, 3]], Some(0)));
        assert_eq!(paths(&graph, 2, 9), (vec![vec![0, 1, 2]], Some(0)));
        // All of eight nodes need each other: more paths than were asked for, and nobody counts them.
        let all: Vec<_> = (0..8).flat_map(|from| (0..8).map(move |to| (from, to))).collect();
        let (shown, more) = paths(&graph_of(8, &all), 7, 5);
        assert_eq!((shown.len(), more), (5, None));
        assert_eq!(shown[0], [0, 7]);
    }

    #[test]
    fn a_long_way_is_no_trouble() {
        let edges: Vec<_> = (0..20_000).map(|node| (node, node + 1)).collect();
        let (shown, more) = paths(&graph_of(20_001, &edges[..5_000]), 5_000, 9);
        assert_eq!((shown.len(), shown[0].len(), more), (1, 5_001, Some(0)));
    }
}
