//! The app's dependency graph as the lockfile has it: for `tree` and `why`, without a request.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;
use spin_deps_lockfile::{Dependency, Lockfile};
use spin_deps_manifest::{Inherit, Route, Source};

use crate::{Error, Project, content::Unit, suggest};

/// The most paths that [`Graph::paths_to`] gives; a diamond of diamonds has more than anyone reads.
const MAX_PATHS: usize = 200;

/// A directed graph; the first node is the app.
#[derive(Clone, Debug, Serialize)]
pub struct Graph {
    /// The nodes; steps refer to them by index.
    pub nodes: Vec<Node>,
}

/// One node of the graph.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// What it is.
    #[serde(flatten)]
    pub kind: NodeKind,
    /// Its name as it is shown.
    pub label: String,
    /// What it needs.
    pub steps: Vec<Step>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NodeKind {
    /// The app itself.
    App,
    /// A component of the app.
    Component,
    /// A trigger with middleware.
    Trigger,
    /// A locked release.
    Package {
        /// The package, `ns:name`.
        package: String,
        /// The release.
        version: String,
        /// Where it comes from.
        registry: String,
    },
    /// A component in a file.
    File,
    /// A component behind a URL.
    Url,
}

/// An edge of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The node it leads to.
    pub to: usize,
    /// The requirement on the version, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// The dependency's name in the manifest, where it differs from the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The capabilities that the manifest lets it inherit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inherits: Vec<String>,
}

impl Project {
    /// The graph of the app with the versions of the lockfile, which must fit.
    pub async fn graph(&self) -> Result<Graph, Error> {
        self.check_lock_fits().await?;
        let nothing = Lockfile::default();
        let lock = self.lock.as_ref().unwrap_or(&nothing);
        let mut builder = Builder { nodes: Vec::new(), units: BTreeMap::new(), open: VecDeque::new() };
        let name = self.manifest().application.name.clone();
        let app = builder.node(NodeKind::App, name);
        for (id, component) in &self.manifest().components {
            let node = builder.node(NodeKind::Component, id.clone());
            builder.nodes[app].steps.push(Step {
                to: node,
                requirement: None,
                name: None,
                inherits: Vec::new(),
            });
            let own = Self::component_unit(&component.source);
            if !matches!(own, Unit::File(_)) {
                let to = builder.unit(own, lock);
                builder.nodes[node].steps.push(Step {
                    to,
                    requirement: None,
                    name: Some("source".into()),
                    inherits: Vec::new(),
                });
            }
            for dependency in &component.dependencies {
                let to = builder.unit(self.unit(&dependency.source, lock)?, lock);
                let step =
                    step(to, &dependency.source, Some(&dependency.name.to_string()), &dependency.inherit);
                builder.nodes[node].steps.push(step);
            }
        }
        for trigger in self.manifest().triggers.iter().filter(|trigger| !trigger.middleware.is_empty()) {
            let label = match trigger.http.as_ref().map(|http| &http.route) {
                Some(Route::Path(route)) => format!("middleware of {route}"),
                _ => format!("middleware of trigger {}", trigger.id),
            };
            let node = builder.node(NodeKind::Trigger, label);
            builder.nodes[app].steps.push(Step {
                to: node,
                requirement: None,
                name: None,
                inherits: Vec::new(),
            });
            for middleware in &trigger.middleware {
                let to = builder.unit(self.unit(&middleware.source, lock)?, lock);
                let step = step(to, &middleware.source, None, &middleware.inherit);
                builder.nodes[node].steps.push(step);
            }
        }
        while let Some((node, unit)) = builder.open.pop_front() {
            for Dependency { package, req, version } in self.needs_of(&unit, lock).await? {
                let to = builder.unit(Unit::Package(package, version), lock);
                let step = Step { to, requirement: Some(req.to_string()), name: None, inherits: Vec::new() };
                builder.nodes[node].steps.push(step);
            }
        }
        Ok(Graph { nodes: builder.nodes })
    }

    /// A view of the lockfile needs one that fits.
    pub(crate) async fn check_lock_fits(&self) -> Result<(), Error> {
        match self.lock_check().await {
            Err(Error::LockWouldChange { reasons, .. }) => Err(Error::Unknown {
                message: format!("the lockfile does not fit the manifest: {}", reasons.join("; ")),
                hint: Some("run `spin-deps lock` first".into()),
            }),
            other => other,
        }
    }
}

fn step(to: usize, source: &Source, name: Option<&str>, inherit: &Inherit) -> Step {
    let (requirement, package) = match source {
        Source::Registry { package, req, .. } => (Some(req.to_string()), Some(package.to_string())),
        _ => (None, None),
    };
    let inherits = match inherit {
        Inherit::All(true) => vec!["all".to_owned()],
        Inherit::Only(keys) => keys.iter().map(ToString::to_string).collect(),
        Inherit::Default | Inherit::All(false) => Vec::new(),
    };
    let name = name.filter(|name| package.as_deref() != Some(name)).map(str::to_owned);
    Step { to, requirement, name, inherits }
}

struct Builder {
    nodes: Vec<Node>,
    units: BTreeMap<Unit, usize>,
    open: VecDeque<(usize, Unit)>,
}

impl Builder {
    fn node(&mut self, kind: NodeKind, label: String) -> usize {
        self.nodes.push(Node { kind, label, steps: Vec::new() });
        self.nodes.len() - 1
    }

    /// The node of a unit; the first time, it is left open for its own steps.
    fn unit(&mut self, unit: Unit, lock: &Lockfile) -> usize {
        if let Some(node) = self.units.get(&unit) {
            return *node;
        }
        let kind = match &unit {
            Unit::Package(package, version) => NodeKind::Package {
                package: package.to_string(),
                version: version.to_string(),
                registry: lock.get(package, version).map(|it| it.registry.to_string()).unwrap_or_default(),
            },
            Unit::File(_) => NodeKind::File,
            Unit::Url(..) => NodeKind::Url,
        };
        let label = match &unit {
            Unit::Package(package, version) => format!("{package} {version}"),
            other => other.label(),
        };
        let node = self.node(kind, label);
        self.units.insert(unit.clone(), node);
        self.open.push_back((node, unit));
        node
    }
}

impl Node {
    /// The name by which a dependency can be asked for.
    fn name(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Package { package, .. } => Some(package),
            NodeKind::File | NodeKind::Url => Some(&self.label),
            NodeKind::App | NodeKind::Component | NodeKind::Trigger => None,
        }
    }
}

impl Graph {
    /// The nodes of a package, given as `ns:name`, `ns:name@version` or a node's label; an error if there is none.
    pub fn find(&self, package: &str) -> Result<Vec<usize>, Error> {
        let (name, version) = match package.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (package, None),
        };
        let fits = |node: &Node| match &node.kind {
            NodeKind::Package { package, version: have, .. } => {
                package == name && version.is_none_or(|version| version == have)
            }
            _ => node.label == package,
        };
        let found: Vec<_> =
            self.nodes.iter().enumerate().filter(|(_, node)| fits(node)).map(|(index, _)| index).collect();
        if found.is_empty() {
            let known: BTreeSet<&str> = self.nodes.iter().filter_map(Node::name).collect();
            return Err(Error::Unknown {
                message: format!("the app does not depend on `{package}`"),
                hint: Some(suggest::hint(package, known, "it depends on")),
            });
        }
        Ok(found)
    }

    /// Every path from the app to `target`, each as node and the step that led there; shortest first.
    pub fn paths_to(&self, target: usize) -> Vec<Vec<(usize, Option<&Step>)>> {
        let mut found = Vec::new();
        let mut open: VecDeque<Vec<(usize, Option<&Step>)>> = VecDeque::from([vec![(0, None)]]);
        // Only nodes that lead to the target are worth a path.
        let useful = self.ancestors(target);
        while let Some(path) = open.pop_front() {
            let Some((last, _)) = path.last() else { continue };
            if *last == target {
                found.push(path);
                if found.len() == MAX_PATHS {
                    break;
                }
                continue;
            }
            for step in &self.nodes[*last].steps {
                if useful[step.to] && open.len() < 10 * MAX_PATHS {
                    let mut longer = path.clone();
                    longer.push((step.to, Some(step)));
                    open.push_back(longer);
                }
            }
        }
        found
    }

    /// The graph with every edge turned round.
    #[must_use]
    pub fn inverted(&self) -> Self {
        let mut nodes: Vec<Node> =
            self.nodes.iter().map(|node| Node { steps: Vec::new(), ..node.clone() }).collect();
        for (from, node) in self.nodes.iter().enumerate() {
            for step in &node.steps {
                nodes[step.to].steps.push(Step { to: from, ..step.clone() });
            }
        }
        Self { nodes }
    }

    fn ancestors(&self, target: usize) -> Vec<bool> {
        let inverted = self.inverted();
        let mut seen = vec![false; self.nodes.len()];
        let mut open = vec![target];
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut seen[node], true) {
                open.extend(inverted.nodes[node].steps.iter().map(|step| step.to));
            }
        }
        seen
    }
}
