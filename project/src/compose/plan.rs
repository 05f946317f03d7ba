//! The parts of a composition: one for each unit and each set of capabilities that effectively passes to it.
//!
//! All that takes part is gathered first, because what passes to a unit depends on what it can use, itself and through
//! what it needs. A unit that uses nothing of the host is one part whatever it is granted, and so one shared instance:
//! most libraries are, and those that exchange a resource must be. One that is granted different things in two places is
//! two parts, and neither gets what only the other may.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use spin_deps_component::{Composition, Link, LinkPattern, Part, Reach};
use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::{Component, ComponentSource, Grant, Middleware};

use crate::{
    Error, Project,
    bindings::import_pattern,
    content::{Need, Unit, inspect_component, inspect_unit},
    reach::{Keys, Reaching, host_imports, is_next, keys, passed, reach, unrecorded},
};

/// A composition in the making.
pub(super) struct Plan<'a> {
    project: &'a Project,
    lock: &'a Lockfile,
    contents: BTreeMap<Unit, Content>,
    /// What each unit reaches for, through what it needs too.
    reached: BTreeMap<Unit, Keys>,
    parts: Vec<Part>,
    made: BTreeMap<(Unit, Keys), usize>,
}

/// What takes part, before it is known in how many parts.
struct Content {
    bytes: Arc<[u8]>,
    needs: Vec<Need>,
    /// From its bytes: what the lockfile says is for people to read, not for a check to trust.
    keys: Keys,
    /// The next handlers that it imports, as middleware does.
    next: Vec<String>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(project: &'a Project, lock: &'a Lockfile) -> Self {
        let (contents, reached, made) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { project, lock, contents, reached, parts: Vec::new(), made }
    }

    /// The composition of a component of the app with its dependencies and this middleware.
    pub(super) async fn build(
        mut self,
        component: &Component,
        middleware: &[Middleware],
    ) -> Result<Composition, Error> {
        let id = &component.id;
        let root = self.project.component_unit(&component.source, self.lock)?;
        let bytes = self.project.bytes(&root, self.lock).await;
        let bytes = bytes.map_err(|error| self.not_built(component, error))?;
        inspect_component(&format!("{}, the source of component `{id}`", root.label()), &bytes)
            .map_err(|error| self.project.at(&component.source_span, "named here", &error))?;
        let unit = |source| self.project.unit(source, self.lock);
        let entries = component.dependencies.iter().map(|it| unit(&it.source));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let layers = middleware.iter().map(|it| unit(&it.source)).collect::<Result<Vec<_>, _>>()?;
        // A component that comes from a registry has edges of its own; a file's are the manifest's dependencies.
        let needs = match component.source {
            ComponentSource::Path(_) => Vec::new(),
            _ => self.project.needs_of(&root, self.lock).await?,
        };
        let needed = needs.iter().map(|need| need.unit.clone());
        self.gather(entries.iter().cloned().chain(needed).chain(layers.iter().cloned()).collect()).await?;

        let (label, bytes) = (id.clone(), Arc::from(&bytes[..]));
        self.parts.push(Part { label, bytes, links: Vec::new(), reach: Reach::All });
        let mut links = Vec::new();
        let mut targets: BTreeMap<&Unit, usize> = BTreeMap::new();
        for (dependency, unit) in component.dependencies.iter().zip(&entries) {
            let target = self.part(unit, &self.passed(&component.granted(dependency), unit));
            targets.entry(unit).or_insert(target);
            links.push(Link {
                pattern: LinkPattern::Named(import_pattern(&dependency.name)),
                target,
                export: dependency.export.clone(),
                origin: dependency.name.to_string(),
            });
        }
        // What has no entry in the manifest is granted nothing, unless all is granted to all.
        let grant = match component.dependencies_inherit_configuration {
            Some(true) => Grant::All,
            _ => Grant::none(),
        };
        for need in &needs {
            let target = match targets.get(&need.unit) {
                Some(target) => *target,
                None => self.part(&need.unit, &self.passed(&grant, &need.unit)),
            };
            links.push(link(need, target));
        }
        if let Some(root) = self.parts.first_mut() {
            root.links = links;
        }
        let granted = middleware.iter().zip(&layers);
        let middleware =
            granted.map(|(it, unit)| self.part(unit, &self.passed(&it.granted(), unit))).collect();
        self.tell_apart();
        Ok(Composition { root: 0, parts: self.parts, middleware })
    }

    /// Takes in units with all that they need.
    pub(super) async fn gather(&mut self, units: Vec<Unit>) -> Result<(), Error> {
        // The first of them first, for the first of several errors.
        let mut open: Vec<Unit> = units.into_iter().rev().collect();
        while let Some(next) = open.pop() {
            if self.contents.contains_key(&next) {
                continue;
            }
            let bytes = self.project.bytes(&next, self.lock).await?;
            let inspection = inspect_unit(&next, &bytes)?;
            let imports = host_imports(&inspection);
            let handlers = inspection.imports.into_iter().map(|it| it.name).filter(|it| is_next(it));
            if let Some(more) = unrecorded(&next, self.lock, &imports) {
                return Err(Error::NotRecorded(more));
            }
            let needs = self.project.needs_of(&next, self.lock).await?;
            open.extend(needs.iter().map(|need| need.unit.clone()));
            let (bytes, keys, next_handlers) = (Arc::from(&bytes[..]), keys(&imports), handlers.collect());
            self.contents.insert(next, Content { bytes, needs, keys, next: next_handlers });
        }
        let mut reaching = Reaching::default();
        for (unit, content) in &self.contents {
            let needs = content.needs.iter().map(|need| need.unit.clone()).collect();
            reaching.add(unit.clone(), content.keys.clone(), needs);
        }
        self.reached = reaching.closed();
        Ok(())
    }

    /// The next handlers that a unit imports.
    pub(super) fn next(&self, unit: &Unit) -> Vec<String> {
        self.contents.get(unit).map(|content| content.next.clone()).unwrap_or_default()
    }

    /// What passes to a unit of a grant.
    pub(super) fn passed(&self, grant: &Grant, unit: &Unit) -> Keys {
        self.reached.get(unit).map(|reached| passed(grant, reached)).unwrap_or_default()
    }

    /// The part of a unit that was gathered, for what passes to it; the first time, it is made with all that it needs. A
    /// need gets what passes to who needs it, as far as it has a use for it.
    pub(super) fn part(&mut self, unit: &Unit, passed: &Keys) -> usize {
        let wanted = (unit.clone(), passed.clone());
        let mut new = Vec::new();
        let mut open = vec![wanted.clone()];
        while let Some((unit, passed)) = open.pop() {
            let Some(content) = self.contents.get(&unit) else { continue };
            let key = (unit, passed);
            if self.made.contains_key(&key) {
                continue;
            }
            open.extend(content.needs.iter().map(|need| self.need(need, &key.1)));
            let (unit, passed) = &key;
            let (label, bytes) = (unit.label(), Arc::clone(&content.bytes));
            self.made.insert(key.clone(), self.parts.len());
            self.parts.push(Part { label, bytes, links: Vec::new(), reach: reach(passed) });
            new.push(key);
        }
        // All parts are there now, so that the links can name them.
        for key in new {
            let needs = self.contents.get(&key.0).into_iter().flat_map(|content| &content.needs);
            let links = needs.filter_map(|need| Some(link(need, *self.made.get(&self.need(need, &key.1))?)));
            let links = links.collect();
            if let Some(part) = self.made.get(&key).and_then(|index| self.parts.get_mut(*index)) {
                part.links = links;
            }
        }
        self.made.get(&wanted).copied().unwrap_or_default()
    }

    /// Labels the parts of one unit by what passes to each.
    fn tell_apart(&mut self) {
        let mut of_unit: BTreeMap<&Unit, Vec<(&Keys, usize)>> = BTreeMap::new();
        for ((unit, passed), index) in &self.made {
            of_unit.entry(unit).or_default().push((passed, *index));
        }
        for (unit, several) in of_unit.into_iter().filter(|(_, parts)| parts.len() > 1) {
            for (passed, index) in several {
                let granted: Vec<_> = passed.iter().map(String::as_str).collect();
                let granted = if granted.is_empty() { "nothing".to_owned() } else { granted.join(", ") };
                if let Some(part) = self.parts.get_mut(index) {
                    part.label = format!("{} (granted {granted})", unit.label());
                }
            }
        }
    }

    /// What meets a need, and what passes to it from what passes to who has the need.
    fn need(&self, need: &Need, passed: &Keys) -> (Unit, Keys) {
        let reached = self.reached.get(&need.unit);
        let used = reached.map(|it| it.intersection(passed).cloned().collect()).unwrap_or_default();
        (need.unit.clone(), used)
    }

    /// Every part that was made, as the unit that it is and what passes to it.
    pub(super) fn instances(&self) -> BTreeSet<(Unit, Keys)> {
        self.made.keys().cloned().collect()
    }

    /// The parts, by the indices that they were given.
    pub(super) fn into_parts(self) -> Vec<Part> {
        self.parts
    }

    /// A component's file that is missing has mostly not been built yet.
    fn not_built(&self, component: &Component, error: Error) -> Error {
        match &error {
            Error::Io(io) if io.kind() == std::io::ErrorKind::NotFound => Error::Place {
                excerpt: Box::new(self.project.excerpt()),
                span: component.span.clone(),
                label: "its source is not there".into(),
                message: format!("the file of component `{}` does not exist", component.id),
                hint: Some(match self.project.authored() {
                    Some(_) => "build it first, with `spin-deps build`".into(),
                    None => "build it first, with `spin build`".into(),
                }),
            },
            _ => error,
        }
    }
}

/// The link to what meets a need.
fn link(need: &Need, target: usize) -> Link {
    Link {
        pattern: LinkPattern::Package(need.package.clone()),
        target,
        export: None,
        origin: need.package.to_string(),
    }
}
