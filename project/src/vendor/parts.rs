//! What each component of the app becomes: a file with one level of dependencies, or one composed as a whole.
//!
//! The one level is not reasoned about but tried: the component is composed with the files that its dependencies became,
//! by the rule that stock Spin has, and only what fits is written. The rule: a name stands for the imports that it
//! matches exactly, and what is plugged in exports each under the import's own name, or under the one `export` that the
//! entry gives.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use spin_deps_component::{Composition, Inspection, Link, LinkPattern, Part, Reach, Wire, compose};
use spin_deps_lockfile::{HttpSource, Lockfile};
use spin_deps_manifest::{Component, ComponentSource, Dependency, DependencyName, Inherit, Trigger};
use spin_deps_registry::digest_of;

use super::folder::file_name;
use crate::{
    Error, Project,
    bindings::import_pattern,
    content::{Unit, inspect_component},
};

/// The whole app in parts.
pub(super) struct Parts {
    /// Every component, by id.
    pub(super) components: Vec<(String, Form)>,
    /// Each trigger's middleware, outermost first.
    pub(super) middleware: Vec<Vec<Unit>>,
    /// What the user should know.
    pub(super) warnings: Vec<String>,
    /// What is plugged in somewhere.
    plugs: BTreeMap<Unit, Plug>,
}

/// What a component becomes.
pub(super) enum Form {
    /// Its own Wasm, and files beside it that are plugged in.
    Plugged {
        /// The Wasm.
        bytes: Bytes,
        /// What is plugged in.
        dependencies: Vec<Plugged>,
    },
    /// One component with everything in it.
    Whole {
        /// The composed Wasm.
        bytes: Bytes,
        /// Why.
        because: String,
        /// What is in it besides the component.
        contents: Vec<String>,
    },
}

/// An entry of a component's dependencies.
pub(super) struct Plugged {
    /// Its name, which may be narrower than it was.
    pub(super) name: String,
    /// What it plugs in.
    pub(super) unit: Unit,
    /// The export that does, if it has another name than the import.
    pub(super) export: Option<String>,
    /// What it may reach.
    pub(super) inherit: Inherit,
}

/// A unit composed with all that it needs.
struct Plug {
    bytes: Bytes,
    /// The unit and what it needs.
    units: BTreeSet<Unit>,
    /// Those with their digests, for a reader.
    notes: Vec<String>,
    path: String,
}

impl Parts {
    pub(super) async fn of(project: &Project, lock: &Lockfile, whole: bool) -> Result<Self, Error> {
        let mut gathering = Gathering { project, lock, plugs: BTreeMap::new() };
        let mut components = Vec::new();
        for (id, component) in &project.manifest().components {
            components.push((id.clone(), gathering.component(component, whole).await?));
        }
        let mut middleware = Vec::new();
        let mut warnings = Vec::new();
        for trigger in &project.manifest().triggers {
            let mut chain = Vec::new();
            for layer in &trigger.middleware {
                let unit = project.unit(&layer.source, lock)?;
                gathering.plug(&unit).await?;
                chain.push(unit);
            }
            // All that is checked of a pipeline, what it was granted above all.
            let component = trigger.component.as_ref().and_then(|id| project.manifest().components.get(id));
            if let (Some(component), false) = (component, chain.is_empty()) {
                project.compose_component(&component.id, &trigger.middleware).await?;
                warnings.extend(gathering.doubled(trigger, &chain, component)?);
            }
            middleware.push(chain);
        }
        let mut plugs = gathering.plugs;
        let used = |unit: &Unit| {
            let plugged = components.iter().any(|(_, form)| match form {
                Form::Plugged { dependencies, .. } => dependencies.iter().any(|it| it.unit == *unit),
                Form::Whole { .. } => false,
            });
            plugged || middleware.iter().flatten().any(|it| it == unit)
        };
        plugs.retain(|unit, _| used(unit));
        name_files(&mut plugs);
        Ok(Self { components, middleware, warnings, plugs })
    }

    /// The file that a unit becomes.
    pub(super) fn path(&self, unit: &Unit) -> String {
        self.plugs.get(unit).map(|plug| plug.path.clone()).unwrap_or_default()
    }

    /// What is in that file, line by line.
    pub(super) fn notes(&self, unit: &Unit) -> Vec<String> {
        self.plugs.get(unit).map(|plug| plug.notes.clone()).unwrap_or_default()
    }

    /// All of these files.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Unit, Bytes)> {
        self.plugs.iter().map(|(unit, plug)| (unit, plug.bytes.clone()))
    }
}

/// Gives every file its name, and where two would have the same one, a part of their digest as well.
fn name_files(plugs: &mut BTreeMap<Unit, Plug>) {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for unit in plugs.keys() {
        *times.entry(stem(unit)).or_default() += 1;
    }
    for (unit, plug) in plugs {
        let mut name = stem(unit);
        if times.get(&name).is_some_and(|times| *times > 1) {
            let digest = digest_of(&plug.bytes).to_string();
            let digits = digest.split_once(':').map_or(digest.as_str(), |(_, hex)| hex);
            name = format!("{name}-{}", digits.get(..12).unwrap_or(digits));
        }
        plug.path = format!("dependencies/{name}.wasm");
    }
}

fn stem(unit: &Unit) -> String {
    match unit {
        Unit::Package(package, version) => {
            file_name(&format!("{}-{}-{version}", package.namespace(), package.name()))
        }
        Unit::File(path) => last_part(path),
        Unit::Url(url, _) => last_part(url.path()),
    }
}

fn last_part(path: &str) -> String {
    let last = path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or("component");
    file_name(last.strip_suffix(".wasm").unwrap_or(last))
}

struct Gathering<'a> {
    project: &'a Project,
    lock: &'a Lockfile,
    plugs: BTreeMap<Unit, Plug>,
}

impl Gathering<'_> {
    async fn component(&mut self, component: &Component, whole: bool) -> Result<Form, Error> {
        // First as our own host runs it: what it refuses is not written in another form.
        let composed = self.project.compose_component(&component.id, &[]).await?;
        let unit = self.project.component_unit(&component.source, self.lock)?;
        let mut entries = Vec::new();
        for dependency in &component.dependencies {
            let unit = self.project.unit(&dependency.source, self.lock)?;
            self.plug(&unit).await?;
            entries.push((dependency, unit));
        }
        let mut own = BTreeSet::new();
        // What a file needs is what its entries say.
        if !matches!(component.source, ComponentSource::Path(_)) {
            for need in self.project.needs_of(&unit, self.lock).await? {
                own.extend(self.plug(&need.unit).await?.units.clone());
            }
        }
        let because = if whole && !(entries.is_empty() && own.is_empty()) {
            "`--compose` asks for it".to_owned()
        } else if !own.is_empty() {
            format!("{} brings dependencies of its own", unit.label())
        } else if let Some(shared) = self.shared(&entries) {
            shared
        } else {
            let bytes = self.project.bytes(&unit, self.lock).await?;
            match self.plugged(component, &bytes, &entries).await? {
                Ok(dependencies) => return Ok(Form::Plugged { bytes, dependencies }),
                Err(because) => because,
            }
        };
        let mut units = own;
        for (_, unit) in &entries {
            units.extend(self.plugs.get(unit).iter().flat_map(|plug| plug.units.clone()));
        }
        let contents = units.iter().map(|unit| self.note(unit)).collect();
        Ok(Form::Whole { bytes: Bytes::from_owner(composed.bytes), because, contents })
    }

    /// Composes a unit with all that it needs, once.
    async fn plug(&mut self, unit: &Unit) -> Result<&Plug, Error> {
        if self.plugs.contains_key(unit) {
            return Ok(&self.plugs[unit]);
        }
        let (composed, mut units) = self.project.compose_unit(unit, self.lock).await?;
        // What nothing of it imports is no part of it, whatever its author's table says.
        units.retain(|it| it == unit || composed.wires.iter().any(|wire| wire.to == it.label()));
        let others = units.iter().filter(|it| *it != unit).map(|it| format!("with {}", self.note(it)));
        let notes = std::iter::once(self.note(unit)).chain(others).collect();
        let plug = Plug { bytes: composed.bytes.into(), units, notes, path: String::new() };
        Ok(self.plugs.entry(unit.clone()).or_insert(plug))
    }

    /// Why entries cannot be plugged in one by one: they share an instance, which would become two.
    fn shared(&self, entries: &[(&Dependency, Unit)]) -> Option<String> {
        let mut first: BTreeMap<&Unit, &DependencyName> = BTreeMap::new();
        for (dependency, unit) in entries {
            for inner in &self.plugs.get(unit)?.units {
                if let Some(other) = first.insert(inner, &dependency.name) {
                    let (a, b) = (other, &dependency.name);
                    return Some(format!("`{a}` and `{b}` share one instance of {}", inner.label()));
                }
            }
        }
        None
    }

    /// What middleware shares with the component or with each other, and does not any more.
    fn doubled(
        &self,
        trigger: &Trigger,
        chain: &[Unit],
        component: &Component,
    ) -> Result<Vec<String>, Error> {
        let units = |unit: &Unit| self.plugs.get(unit).into_iter().flat_map(|plug| &plug.units);
        let mut seen = BTreeSet::new();
        for dependency in &component.dependencies {
            seen.extend(units(&self.project.unit(&dependency.source, self.lock)?));
        }
        let mut twice = BTreeSet::new();
        for layer in chain {
            // The layers themselves have an instance each, wherever they run.
            twice.extend(units(layer).filter(|inner| *inner != layer && !seen.insert(*inner)));
        }
        let warn = |unit: &&Unit| {
            format!(
                "{} is used in several layers of trigger `{}`, and in the vendored app each has an instance of its own",
                unit.label(),
                trigger.id
            )
        };
        Ok(twice.iter().map(warn).collect())
    }

    /// The entries as stock Spin takes them, or why it cannot.
    async fn plugged(
        &self,
        component: &Component,
        bytes: &Bytes,
        entries: &[(&Dependency, Unit)],
    ) -> Result<Result<Vec<Plugged>, String>, Error> {
        let inspection = inspect_component(&component.id, bytes)?;
        let mut parts = vec![Part {
            label: component.id.clone(),
            bytes: Arc::from(&bytes[..]),
            links: Vec::new(),
            reach: Reach::All,
        }];
        let mut links = Vec::new();
        for (dependency, unit) in entries {
            let Some(plug) = self.plugs.get(unit) else { continue };
            links.push(Link {
                pattern: LinkPattern::Named(import_pattern(&dependency.name)),
                target: parts.len(),
                export: dependency.export.clone(),
                origin: dependency.name.to_string(),
            });
            parts.push(Part {
                label: unit.label(),
                bytes: Arc::from(&plug.bytes[..]),
                links: Vec::new(),
                reach: Reach::All,
            });
        }
        if let Some(root) = parts.first_mut() {
            root.links = links;
        }
        let composition = Composition { root: 0, parts, middleware: Vec::new() };
        let composed = tokio::task::spawn_blocking(move || compose(&composition)).await?;
        let wires = match composed {
            Ok(composed) => composed.wires,
            Err(error) => return Ok(Err(format!("its dependencies do not fit one by one: {error}"))),
        };
        Ok(by_the_rule(component, entries, &inspection, &wires))
    }

    /// A unit with its digest, for a reader.
    fn note(&self, unit: &Unit) -> String {
        let digest = match unit {
            Unit::Package(package, version) => {
                self.lock.get(package, version).map(|locked| locked.digest.to_string())
            }
            Unit::Url(url, digest) => {
                let locked = |it: &&HttpSource| it.url == *url && it.digest.to_string() == *digest;
                self.lock.http.iter().find(locked).map(|locked| locked.digest.to_string())
            }
            Unit::File(_) => None,
        };
        match digest {
            Some(digest) => format!("{} {digest}", unit.label()),
            None => unit.label(),
        }
    }
}

/// The entries by stock Spin's rule, where these wires were made; or why that rule makes others.
fn by_the_rule(
    component: &Component,
    entries: &[(&Dependency, Unit)],
    inspection: &Inspection,
    wires: &[Wire],
) -> Result<Vec<Plugged>, String> {
    let mut plugged = Vec::new();
    for (dependency, unit) in entries {
        let pattern = import_pattern(&dependency.name);
        let imports = inspection.imports.iter().filter(|import| pattern.matches(&import.name));
        let own: Vec<&Wire> = wires.iter().filter(|wire| pattern.matches(&wire.import)).collect();
        let mut entry = Plugged {
            name: dependency.name.to_string(),
            unit: unit.clone(),
            export: dependency.export.clone(),
            inherit: dependency.inherit.clone(),
        };
        if imports.count() != own.len() {
            return Err(format!("`{}` does not export all that is imported of it", dependency.name));
        }
        let is_exact = |wire: &&Wire| wire.export == *dependency.export.as_ref().unwrap_or(&wire.import);
        if !own.iter().all(is_exact) {
            // Another version of the interface: its name has to be given, which only an entry for one import can do.
            let [only] = own.as_slice() else {
                return Err(format!("`{}` exports other versions of several interfaces", dependency.name));
            };
            entry.export = Some(only.export.clone());
            if matches!(dependency.name, DependencyName::Package { interface: None, .. }) {
                entry.name.clone_from(&only.import);
            }
        }
        plugged.push(entry);
    }
    let matched = |import: &str| entries.iter().any(|(it, _)| import_pattern(&it.name).matches(import));
    match wires.iter().find(|wire| wire.from == component.id && !matched(&wire.import)) {
        None => Ok(plugged),
        Some(wire) => Err(format!("no entry names its import `{}`", wire.import)),
    }
}
