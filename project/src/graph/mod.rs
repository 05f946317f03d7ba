//! The dependency graph of the app, or of a component on its own, as the lockfile has it: for `tree` and `why`, without a request.
//!
//! Nothing here recurses, and nothing expects an end: a lockfile may be from anywhere, thousands of packages deep, and
//! its packages may need each other in a circle.

mod bounds;
mod paths;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use semver::Version;
use serde::Serialize;
use spin_deps_component::is_host_provided;
use spin_deps_lockfile::{Granted, Lockfile};
use spin_deps_manifest::{ComponentSource, Inherit, Route, Source};

pub use self::{
    bounds::{Bound, Wish},
    paths::{Path, Paths},
};
use crate::{Error, Project, content::Unit, overrides::Overrides, requirements::Requirements, suggest};

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
    /// What it reaches for by itself, as capability keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// What it is granted, itself or for what it needs, by component of the app.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub granted: Vec<GrantedBy>,
    /// What it reaches for by itself and no component of the app grants it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
    /// What it needs.
    pub steps: Vec<Step>,
}

/// What a component of the app grants to what is composed into it or around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantedBy {
    /// The component's id.
    #[serde(rename = "to")]
    pub component: String,
    /// The capability keys that pass; `all` where an interface passes that no key covers.
    pub capabilities: Vec<String>,
}

/// A package of which there are several releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// The package, `ns:name`.
    pub package: String,
    /// Its releases, lowest first, as nodes.
    pub nodes: Vec<usize>,
    /// Their versions, in the same order.
    pub versions: Vec<String>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NodeKind {
    /// The app itself, or the component that the manifest is of.
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
    /// Whether an override decides where it leads.
    #[serde(rename = "override", skip_serializing_if = "std::ops::Not::not")]
    pub overridden: bool,
}

impl Project {
    /// The graph of the app with the versions of the lockfile, which must fit.
    pub async fn graph(&self) -> Result<Graph, Error> {
        let requirements = self.check_lock_fits().await?;
        let nothing = Lockfile::default();
        let lock = self.lock.as_ref().unwrap_or(&nothing);
        let mut granted = requirements.granted(lock);
        // A component of the app has all that the app gives it. One on its own, and all that it needs, is granted
        // something by whoever uses it.
        let components = self.manifest().components.values();
        let sources = components.map(|it| self.component_unit(&it.source, lock));
        let sources = sources.collect::<Result<BTreeSet<_>, _>>()?;
        let mut builder = Builder { nodes: Vec::new(), units: BTreeMap::new(), open: VecDeque::new() };
        let name = self.manifest().application.name.clone();
        let app = builder.node(NodeKind::App, name);
        let overrides = self.overrides();
        for (id, component) in &self.manifest().components {
            // A component on its own is what the graph is of.
            let node = if self.authored().is_some() {
                app
            } else {
                let node = builder.node(NodeKind::Component, id.clone());
                builder.nodes[app].steps.push(Step::to(node));
                node
            };
            if !matches!(component.source, ComponentSource::Path(_)) {
                let to = builder.unit(self.component_unit(&component.source, lock)?, lock);
                let overridden = match &component.source {
                    ComponentSource::Registry { package, .. } => overrides.contains(package),
                    _ => false,
                };
                let step = Step { name: Some("source".into()), overridden, ..Step::to(to) };
                builder.nodes[node].steps.push(step);
            }
            for dependency in &component.dependencies {
                let to = builder.unit(self.unit(&dependency.source, lock)?, lock);
                let name = dependency.name.to_string();
                let step = builder.step(to, &dependency.source, Some(&name), &dependency.inherit, &overrides);
                builder.nodes[node].steps.push(step);
            }
        }
        for trigger in self.manifest().triggers.iter().filter(|trigger| !trigger.middleware.is_empty()) {
            let label = match trigger.http.as_ref().map(|http| &http.route) {
                Some(Route::Path(route)) => format!("middleware of {route}"),
                _ => format!("middleware of trigger {}", trigger.id),
            };
            let node = builder.node(NodeKind::Trigger, label);
            builder.nodes[app].steps.push(Step::to(node));
            for middleware in &trigger.middleware {
                let to = builder.unit(self.unit(&middleware.source, lock)?, lock);
                let step = builder.step(to, &middleware.source, None, &middleware.inherit, &overrides);
                builder.nodes[node].steps.push(step);
            }
        }
        while let Some((node, unit)) = builder.open.pop_front() {
            for need in self.needs_of(&unit, lock).await? {
                let to = builder.unit(need.unit, lock);
                let asked = need.package.to_string();
                let step = Step {
                    requirement: Some(need.req.to_string()),
                    name: builder.leads_elsewhere(to, &asked).then_some(asked),
                    overridden: need.overridden,
                    ..Step::to(to)
                };
                builder.nodes[node].steps.push(step);
            }
            builder.nodes[node].capabilities = self.reached_by(&unit, lock).await?;
            let granted = granted.remove(&unit).unwrap_or_default().into_iter();
            let by = |it: Granted| GrantedBy { component: it.to, capabilities: it.capabilities };
            builder.nodes[node].granted = granted.map(by).collect();
            builder.nodes[node].denied = if sources.contains(&unit) || self.authored().is_some() {
                Vec::new()
            } else {
                denied(&builder.nodes[node])
            };
        }
        Ok(Graph { nodes: builder.nodes })
    }

    /// What a unit reaches for.
    async fn reached_by(&self, unit: &Unit, lock: &Lockfile) -> Result<Vec<String>, Error> {
        Ok(match unit {
            Unit::Package(package, version) => lock.get(package, version).map(|it| it.capabilities.clone()),
            Unit::Url(url, digest) => lock
                .http
                .iter()
                .find(|it| it.url == *url && it.digest.to_string() == *digest)
                .map(|it| it.capabilities.clone()),
            Unit::File(_) => {
                let inspection = self.outline(unit, lock).await?.inspection();
                Some(inspection.capabilities.iter().map(|key| (*key).to_owned()).collect())
            }
        }
        .unwrap_or_default())
    }

    /// A view of the lockfile needs one that fits.
    pub(crate) async fn check_lock_fits(&self) -> Result<Requirements, Error> {
        match self.fitting().await {
            Err(Error::LockWouldChange { reasons, .. }) => Err(Error::Unknown {
                message: format!("the lockfile does not fit the manifest: {}", reasons.join("; ")),
                hint: Some("run `spin-deps lock` first".into()),
            }),
            other => other,
        }
    }
}

impl Step {
    /// A step of which nothing is to be said.
    fn to(to: usize) -> Self {
        Self { to, requirement: None, name: None, inherits: Vec::new(), overridden: false }
    }
}

/// What a node reaches for and nobody grants it.
fn denied(node: &Node) -> Vec<String> {
    let is_granted = |key: &String| node.granted.iter().any(|it| it.capabilities.contains(key));
    node.capabilities.iter().filter(|key| !is_granted(key)).cloned().collect()
}

struct Builder {
    nodes: Vec<Node>,
    units: BTreeMap<Unit, usize>,
    open: VecDeque<(usize, Unit)>,
}

impl Builder {
    fn step(
        &self,
        to: usize,
        source: &Source,
        name: Option<&str>,
        inherit: &Inherit,
        overrides: &Overrides,
    ) -> Step {
        let inherits = match inherit {
            Inherit::All(true) => vec!["all".to_owned()],
            Inherit::Only(keys) => keys.iter().map(ToString::to_string).collect(),
            Inherit::Default | Inherit::All(false) => Vec::new(),
        };
        let Source::Registry { package, req, .. } = source else {
            let name = name.map(str::to_owned);
            return Step { name, inherits, ..Step::to(to) };
        };
        let asked = package.to_string();
        let name = name.filter(|name| *name != asked).map(str::to_owned);
        let overridden = overrides.contains(package);
        let name = name.or_else(|| self.leads_elsewhere(to, &asked).then_some(asked));
        Step { to, requirement: Some(req.to_string()), name, inherits, overridden }
    }

    /// Whether a node is not what was asked for, because of an override.
    fn leads_elsewhere(&self, to: usize, asked: &str) -> bool {
        !matches!(&self.nodes[to].kind, NodeKind::Package { package, .. } if package == asked)
    }

    fn node(&mut self, kind: NodeKind, label: String) -> usize {
        let (capabilities, granted, denied) = (Vec::new(), Vec::new(), Vec::new());
        self.nodes.push(Node { kind, label, capabilities, granted, denied, steps: Vec::new() });
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
        let all = || self.nodes.iter().enumerate();
        let mut found: Vec<_> = all().filter(|(_, node)| fits(node)).map(|(index, _)| index).collect();
        if found.is_empty() {
            return Err(self.unknown(package, name));
        }
        found.sort_by_key(|index| self.version(*index));
        Ok(found)
    }

    /// That a package is not there, with what may have been meant.
    fn unknown(&self, package: &str, name: &str) -> Error {
        let message = format!("the app does not depend on `{package}`");
        let releases = self.nodes.iter().enumerate().filter(|(_, node)| node.name() == Some(name));
        let releases: Vec<_> = releases.filter_map(|(index, _)| self.version(index)).collect();
        let hint = if !releases.is_empty() {
            let releases: Vec<_> = releases.iter().map(|version| format!("`{name}@{version}`")).collect();
            format!("it depends on {}", releases.join(" and "))
        } else if name.parse().is_ok_and(|name| is_host_provided(&name)) {
            format!("interfaces of `{name}` come from the host, and are no dependencies")
        } else {
            let known: BTreeSet<&str> = self.nodes.iter().filter_map(Node::name).collect();
            suggest::hint(package, known, "it depends on")
        };
        Error::Unknown { message, hint: Some(hint) }
    }

    /// The version of a release.
    fn version(&self, node: usize) -> Option<Version> {
        match &self.nodes[node].kind {
            NodeKind::Package { version, .. } => version.parse().ok(),
            _ => None,
        }
    }

    /// The packages that are there in several releases, by name.
    pub fn duplicates(&self) -> Vec<Duplicate> {
        let mut releases: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            if let NodeKind::Package { package, .. } = &node.kind {
                releases.entry(package).or_default().push(index);
            }
        }
        let several = releases.into_iter().filter(|(_, nodes)| nodes.len() > 1);
        several
            .map(|(package, mut nodes)| {
                nodes.sort_by_key(|node| self.version(*node));
                let versions = nodes.iter().filter_map(|node| self.version(*node)).map(|it| it.to_string());
                Duplicate { package: package.to_owned(), versions: versions.collect(), nodes }
            })
            .collect()
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
}
