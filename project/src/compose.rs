//! One component of the app with its dependencies composed in, transitively, and its middleware around it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use spin_deps_component::{
    ComposeError, Composed, Composition, Link, LinkPattern, Part, Reach, Wire, compose,
};
use spin_deps_lockfile::{HttpSource, Lockfile};
use spin_deps_manifest::{Component, ComponentSource, Dependency, Grant, Inherit, Middleware, Trigger};
use spin_deps_registry::digest_of;
use wasm_pkg_common::digest::ContentDigest;

use crate::{
    Error, Project,
    bindings::import_pattern,
    content::{Need, Unit, inspect_component, inspect_unit},
    suggest,
};

/// A component that runs on its own.
#[derive(Clone, Debug)]
pub struct ComposedComponent {
    /// The component's id in the manifest.
    pub id: String,
    /// The composed bytes.
    pub bytes: Arc<[u8]>,
    /// Their digest.
    pub digest: ContentDigest,
    /// Which import was wired to which export.
    pub wires: Vec<Wire>,
    /// How many component instances it holds.
    pub instances: usize,
}

impl Project {
    /// Composes what an id names: a component, or a trigger with its component and middleware.
    ///
    /// The lockfile must fit; what it names is fetched where the store does not have it.
    pub async fn compose(&self, id: &str) -> Result<ComposedComponent, Error> {
        let manifest = self.manifest();
        if let Some(trigger) = manifest.triggers.iter().find(|trigger| trigger.id == id)
            && let Some(component) = &trigger.component
        {
            return self.compose_component(component, &trigger.middleware).await;
        }
        if !manifest.components.contains_key(id) {
            return Err(self.unknown_component(id));
        }
        let mut chains: Vec<&Trigger> =
            manifest.triggers.iter().filter(|it| it.component.as_deref() == Some(id)).collect();
        chains.dedup_by(|a, b| sources(&a.middleware).eq(sources(&b.middleware)));
        match chains.as_slice() {
            [] => self.compose_component(id, &[]).await,
            [trigger] => self.compose_component(id, &trigger.middleware).await,
            several => Err(Error::Unanswered {
                message: format!("component `{id}` has several triggers with different middleware"),
                hint: format!(
                    "name the trigger instead: {}",
                    several.iter().map(|it| format!("`{}`", it.id)).collect::<Vec<_>>().join(", ")
                ),
            }),
        }
    }

    /// The error for a component id that the manifest does not have.
    pub(crate) fn unknown_component(&self, id: &str) -> Error {
        let known = self.manifest().components.keys().map(String::as_str);
        Error::Unknown {
            message: format!("the app has no component `{id}`"),
            hint: Some(suggest::hint(id, known, "it has")),
        }
    }

    pub(crate) async fn compose_component(
        &self,
        id: &str,
        middleware: &[Middleware],
    ) -> Result<ComposedComponent, Error> {
        let component = self.manifest().components.get(id).ok_or_else(|| self.unknown_component(id))?;
        let _task = self.settings.progress.begin(&format!("composing {id}"), None);
        let nothing = Lockfile::default();
        let lock = self.lock.as_ref().unwrap_or(&nothing);
        let mut plan = Plan { project: self, lock, parts: Vec::new(), known: BTreeMap::new() };
        let composition = plan.build(id, component, middleware).await?;
        let composed = tokio::task::spawn_blocking(move || compose(&composition)).await?;
        let composed = composed.map_err(|error| self.with_place(component, error))?;
        let digest = digest_of(&composed.bytes);
        Ok(ComposedComponent {
            id: id.to_owned(),
            bytes: composed.bytes.into(),
            digest,
            wires: composed.wires,
            instances: composed.instances,
        })
    }
}

impl Project {
    /// Composes a unit with all that it needs, and tells what went into it. What it may reach is for the caller to see
    /// to.
    pub(crate) async fn compose_unit(
        &self,
        unit: &Unit,
        lock: &Lockfile,
    ) -> Result<(Composed, BTreeSet<Unit>), Error> {
        let mut plan = Plan { project: self, lock, parts: Vec::new(), known: BTreeMap::new() };
        let root = plan.part(unit).await?;
        let composition = Composition { root, parts: plan.parts, middleware: Vec::new() };
        let composed = tokio::task::spawn_blocking(move || compose(&composition)).await??;
        Ok((composed, plan.known.into_keys().collect()))
    }

    /// The error of a composition with the entry that it is about.
    fn with_place(&self, component: &Component, error: ComposeError) -> Error {
        let named = |name: &str| component.dependencies.iter().find(|it| it.name.to_string() == name);
        let (span, label) = match &error {
            ComposeError::NoImport { origin, .. } => {
                (named(origin).map(|it| &it.name_span), "matches no import")
            }
            ComposeError::DoubleMatch { second, .. } => {
                (named(second).map(|it| &it.name_span), "matches it too")
            }
            ComposeError::NoExport { part, import, .. }
            | ComposeError::Mismatch { part, import, .. }
            | ComposeError::Resource { part, import, .. }
                if *part == component.id =>
            {
                let meets = |it: &&Dependency| import_pattern(&it.name).matches(import);
                (component.dependencies.iter().find(meets).map(|it| &it.name_span), "meant for this import")
            }
            ComposeError::Unsatisfied { root: true, .. } => (Some(&component.source_span), "imports it"),
            _ => (None, ""),
        };
        match span.cloned() {
            Some(span) => self.at(&span, label, &Error::Compose(error)),
            None => Error::Compose(error),
        }
    }
}

fn sources(middleware: &[Middleware]) -> impl Iterator<Item = (&spin_deps_manifest::Source, &Inherit)> {
    middleware.iter().map(|it| (&it.source, &it.inherit))
}

/// The parts of a composition while they are gathered; each unit is one part, and so one shared instance.
struct Plan<'a> {
    project: &'a Project,
    lock: &'a Lockfile,
    parts: Vec<Part>,
    known: BTreeMap<Unit, Known>,
}

/// A unit that has become a part.
struct Known {
    index: usize,
    /// From its bytes: the lockfile's capabilities are for people to read, not for a check to trust.
    capabilities: Vec<String>,
    needs: Vec<Need>,
}

impl Plan<'_> {
    async fn build(
        &mut self,
        id: &str,
        component: &Component,
        middleware: &[Middleware],
    ) -> Result<Composition, Error> {
        let unit = self.project.component_unit(&component.source, self.lock)?;
        let bytes = self.project.bytes(&unit, self.lock).await;
        let bytes = bytes.map_err(|error| self.not_built(id, component, error))?;
        inspect_component(&format!("{}, the source of component `{id}`", unit.label()), &bytes)
            .map_err(|error| self.project.at(&component.source_span, "named here", &error))?;
        self.parts.push(Part {
            label: id.to_owned(),
            bytes: Arc::from(&bytes[..]),
            links: Vec::new(),
            reach: Reach::All,
        });
        let mut links = Vec::new();
        let mut entries = BTreeSet::new();
        for dependency in &component.dependencies {
            let unit = self.project.unit(&dependency.source, self.lock)?;
            entries.insert(unit.clone());
            let name = dependency.name.to_string();
            let target = self.part(&unit).await?;
            self.check_grant(&name, &unit, &component.granted(dependency))
                .map_err(|error| self.project.at(&dependency.span, "not granted here", &error))?;
            links.push(Link {
                pattern: LinkPattern::Named(import_pattern(&dependency.name)),
                target,
                export: dependency.export.clone(),
                origin: name,
            });
        }
        // A component that comes from a registry has edges of its own; a file's are the manifest's dependencies. What
        // has no entry in the manifest is granted nothing.
        if !matches!(component.source, ComponentSource::Path(_)) {
            let grant = match component.dependencies_inherit_configuration {
                Some(true) => Grant::All,
                _ => Grant::none(),
            };
            for need in self.project.needs_of(&unit, self.lock).await? {
                self.part(&need.unit).await?;
                if !entries.contains(&need.unit) {
                    self.check_grant(&need.package.to_string(), &need.unit, &grant)
                        .map_err(|error| self.project.at(&component.source_span, "brings it in", &error))?;
                }
                links.extend(self.link(&need));
            }
        }
        self.parts[0].links = links;
        let mut chain = Vec::new();
        for it in middleware {
            let unit = self.project.unit(&it.source, self.lock)?;
            chain.push(self.part(&unit).await?);
            self.check_grant(&unit.label(), &unit, &it.granted())
                .map_err(|error| self.project.at(&it.span, "not granted here", &error))?;
        }
        Ok(Composition { root: 0, parts: std::mem::take(&mut self.parts), middleware: chain })
    }

    /// The part of a unit; the first time, it is made with all that it needs.
    async fn part(&mut self, unit: &Unit) -> Result<usize, Error> {
        let mut made = Vec::new();
        let mut open = vec![unit.clone()];
        while let Some(next) = open.pop() {
            if self.known.contains_key(&next) {
                continue;
            }
            let bytes = self.project.bytes(&next, self.lock).await?;
            let inspection = inspect_unit(&next, &bytes)?;
            let needs = self.project.needs_of(&next, self.lock).await?;
            open.extend(needs.iter().map(|need| need.unit.clone()));
            let capabilities: Vec<_> = inspection.capabilities.iter().map(|key| (*key).to_owned()).collect();
            self.check_recorded(&next, &capabilities)?;
            self.known.insert(next.clone(), Known { index: self.parts.len(), capabilities, needs });
            self.parts.push(Part {
                label: next.label(),
                bytes: Arc::from(&bytes[..]),
                links: Vec::new(),
                reach: Reach::All,
            });
            made.push(next);
        }
        // All parts are there now, so that the links can name them.
        for unit in made {
            let known = &self.known[&unit];
            self.parts[known.index].links = known.needs.iter().filter_map(|need| self.link(need)).collect();
        }
        Ok(self.known[unit].index)
    }

    /// The link to what meets a need, which is a part already.
    fn link(&self, need: &Need) -> Option<Link> {
        let target = self.known.get(&need.unit)?.index;
        Some(Link {
            pattern: LinkPattern::Package(need.package.clone()),
            target,
            export: None,
            origin: need.package.to_string(),
        })
    }

    /// Refuses content that reaches for more than the lockfile says: its reviewers were told something else.
    fn check_recorded(&self, unit: &Unit, capabilities: &[String]) -> Result<(), Error> {
        let recorded = match unit {
            Unit::Package(package, version) => self.lock.get(package, version).map(|it| &it.capabilities),
            Unit::Url(url, digest) => {
                let same = |it: &&HttpSource| it.url == *url && it.digest.to_string() == *digest;
                self.lock.http.iter().find(same).map(|it| &it.capabilities)
            }
            Unit::File(_) => None,
        };
        let Some(recorded) = recorded else { return Ok(()) };
        let missing: Vec<_> = capabilities.iter().filter(|key| !recorded.contains(key)).cloned().collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Error::NotRecorded { content: unit.label(), capabilities: missing })
        }
    }

    /// Refuses a dependency that reaches, itself or through what it needs, for more than it was granted.
    ///
    /// Composed into the app, it would have whatever the app has: so this fails closed.
    fn check_grant(&self, name: &str, unit: &Unit, grant: &Grant) -> Result<(), Error> {
        let Grant::Only(granted) = grant else {
            return Ok(());
        };
        let mut seen = BTreeSet::new();
        let mut open = vec![unit.clone()];
        while let Some(next) = open.pop() {
            let Some(known) = self.known.get(&next) else {
                continue;
            };
            if !seen.insert(next.clone()) {
                continue;
            }
            let granted: BTreeSet<String> = granted.iter().map(ToString::to_string).collect();
            let missing: Vec<_> =
                known.capabilities.iter().filter(|key| !granted.contains(*key)).cloned().collect();
            if !missing.is_empty() {
                let dependency = if next == *unit {
                    format!("`{name}`")
                } else {
                    format!("`{name}`, through {},", next.label())
                };
                return Err(Error::NotGranted { dependency, capabilities: missing });
            }
            open.extend(known.needs.iter().map(|need| need.unit.clone()));
        }
        Ok(())
    }

    /// A component's file that is missing has mostly not been built yet.
    fn not_built(&self, id: &str, component: &Component, error: Error) -> Error {
        match &error {
            Error::Io(io) if io.kind() == std::io::ErrorKind::NotFound => Error::Place {
                excerpt: Box::new(self.project.excerpt()),
                span: component.span.clone(),
                label: "its source is not there".into(),
                message: format!("the file of component `{id}` does not exist"),
                hint: Some(match self.project.authored() {
                    Some(_) => "build it first, with `spin-deps build`".into(),
                    None => "build it first, with `spin build`".into(),
                }),
            },
            _ => error,
        }
    }
}
