//! What each component of the app becomes: a file with one level of dependencies, or one composed as a whole.
//!
//! The one level is not reasoned about but tried: the component is composed with the files that its dependencies became,
//! by the rule that stock Spin has, and only what fits is written. The rule: a name stands for the imports that it
//! matches exactly, and what is plugged in exports each under the import's own name, or under the one `export` that the
//! entry gives.
//!
//! What is denied is denied in the file: adapters of ours are in it, and stock Spin finds nothing there that it would have
//! to deny. So a unit becomes a file for each set of capabilities that passes to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use spin_deps_component::{Composition, Denial, Inspection, Link, LinkPattern, Part, Reach, Wire, compose};
use spin_deps_lockfile::{HttpSource, Lockfile};
use spin_deps_manifest::{Component, ComponentSource, Dependency, DependencyName, Grant, Inherit, Trigger};
use spin_deps_registry::digest_of;

use super::folder::file_name;
use crate::{
    Error, Project,
    bindings::import_pattern,
    compose::ComposedUnit,
    content::{Unit, inspect_component},
    reach::Keys,
};

/// The whole app in parts.
pub(super) struct Parts {
    /// Every component, by id.
    pub(super) components: Vec<(String, Form)>,
    /// Each trigger's middleware, outermost first.
    pub(super) middleware: Vec<Vec<Key>>,
    /// What the user should know.
    pub(super) warnings: Vec<String>,
    /// What is plugged in somewhere.
    plugs: BTreeMap<Key, Plug>,
}

/// What becomes a file: a unit, and what passes to it of the host.
pub(super) type Key = (Unit, Keys);

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
    pub(super) plug: Key,
    /// The export that does, if it has another name than the import.
    pub(super) export: Option<String>,
    /// What it may reach.
    pub(super) inherit: Inherit,
}

/// A unit composed with all that it needs.
struct Plug {
    bytes: Bytes,
    /// The instances in it.
    instances: BTreeSet<Key>,
    /// Those with their digests, for a reader.
    notes: Vec<String>,
    path: String,
}

impl Parts {
    pub(super) async fn of(project: &Project, lock: &Lockfile, whole: bool) -> Result<Self, Error> {
        let mut gathering = Gathering { project, lock, plugs: BTreeMap::new(), asked: Vec::new() };
        let mut components = Vec::new();
        for (id, component) in &project.manifest().components {
            components.push((id.clone(), gathering.component(component, whole).await?));
        }
        let mut middleware = Vec::new();
        let mut warnings = Vec::new();
        for trigger in &project.manifest().triggers {
            let mut chain = Vec::new();
            for layer in &trigger.middleware {
                chain
                    .push(gathering.plug(&project.unit(&layer.source, lock)?, &layer.granted(), true).await?);
            }
            // All that is checked of a pipeline.
            let component = trigger.component.as_ref().and_then(|id| project.manifest().components.get(id));
            if let (Some(component), false) = (component, chain.is_empty()) {
                project.compose_component(&component.id, &trigger.middleware).await?;
                warnings.extend(gathering.doubled(trigger, &chain, component)?);
            }
            middleware.push(chain);
        }
        let mut plugs = gathering.plugs;
        let used = |key: &Key| {
            let plugged = components.iter().any(|(_, form)| match form {
                Form::Plugged { dependencies, .. } => dependencies.iter().any(|it| it.plug == *key),
                Form::Whole { .. } => false,
            });
            plugged || middleware.iter().flatten().any(|it| it == key)
        };
        plugs.retain(|key, _| used(key));
        name_files(&mut plugs);
        Ok(Self { components, middleware, warnings, plugs })
    }

    /// The file that it becomes.
    pub(super) fn path(&self, key: &Key) -> String {
        self.plugs.get(key).map(|plug| plug.path.clone()).unwrap_or_default()
    }

    /// What is in that file, line by line.
    pub(super) fn notes(&self, key: &Key) -> Vec<String> {
        self.plugs.get(key).map(|plug| plug.notes.clone()).unwrap_or_default()
    }

    /// All of these files.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Key, Bytes)> {
        self.plugs.iter().map(|(key, plug)| (key, plug.bytes.clone()))
    }
}

/// Gives every file its name, and where two would have the same one, a part of their digest as well.
fn name_files(plugs: &mut BTreeMap<Key, Plug>) {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for (unit, _) in plugs.keys() {
        *times.entry(stem(unit)).or_default() += 1;
    }
    for ((unit, _), plug) in plugs {
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
    plugs: BTreeMap<Key, Plug>,
    /// What was composed for a grant, whatever of it passes.
    asked: Vec<((Unit, Grant, bool), Key)>,
}

impl Gathering<'_> {
    async fn component(&mut self, component: &Component, whole: bool) -> Result<Form, Error> {
        // First as our own host runs it: what it refuses is not written in another form.
        let composed = self.project.compose_component(&component.id, &[]).await?;
        let unit = self.project.component_unit(&component.source, self.lock)?;
        let mut entries = Vec::new();
        for dependency in &component.dependencies {
            let unit = self.project.unit(&dependency.source, self.lock)?;
            entries.push((dependency, self.plug(&unit, &component.granted(dependency), false).await?));
        }
        let mut own = BTreeSet::new();
        // What a file needs is what its entries say.
        if !matches!(component.source, ComponentSource::Path(_)) {
            for need in self.project.needs_of(&unit, self.lock).await? {
                let plug = self.plug(&need.unit, &Grant::none(), false).await?;
                own.extend(self.instances(&plug).map(|(unit, _)| unit.clone()));
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
        for (_, plug) in &entries {
            units.extend(self.instances(plug).map(|(unit, _)| unit.clone()));
        }
        let contents = units.iter().map(|unit| self.note(unit)).collect();
        Ok(Form::Whole { bytes: Bytes::from_owner(composed.bytes), because, contents })
    }

    /// Composes a unit with all that it needs, once for what passes to it of a grant, and once as a layer of middleware.
    async fn plug(&mut self, unit: &Unit, grant: &Grant, is_layer: bool) -> Result<Key, Error> {
        let asked = (unit.clone(), grant.clone(), is_layer);
        if let Some((_, key)) = self.asked.iter().find(|(it, _)| *it == asked) {
            return Ok(key.clone());
        }
        let made = self.project.compose_unit(unit, grant, is_layer, self.lock).await?;
        let ComposedUnit { composed, passed, mut instances } = made;
        let key = (unit.clone(), passed);
        // What nothing of it imports is no part of it, whatever its author's table says.
        instances.retain(|it| *it == key || composed.wires.iter().any(|wire| wire.to == it.0.label()));
        let units: BTreeSet<_> = instances.iter().map(|(unit, _)| unit).collect();
        let others = units.into_iter().filter(|it| *it != unit).map(|it| format!("with {}", self.note(it)));
        let mut notes: Vec<_> = std::iter::once(self.note(unit)).chain(others).collect();
        notes.extend(denied(&composed.denials));
        let plug = Plug { bytes: composed.bytes.into(), instances, notes, path: String::new() };
        self.plugs.entry(key.clone()).or_insert(plug);
        self.asked.push((asked, key.clone()));
        Ok(key)
    }

    /// The instances in what a unit was composed to.
    fn instances(&self, key: &Key) -> impl Iterator<Item = &Key> {
        self.plugs.get(key).into_iter().flat_map(|plug| &plug.instances)
    }

    /// Why entries cannot be plugged in one by one: they share an instance, which would become two.
    fn shared(&self, entries: &[(&Dependency, Key)]) -> Option<String> {
        let mut first: BTreeMap<&Key, &DependencyName> = BTreeMap::new();
        for (dependency, plug) in entries {
            for inner in self.instances(plug) {
                if let Some(other) = first.insert(inner, &dependency.name) {
                    let (a, b) = (other, &dependency.name);
                    return Some(format!("`{a}` and `{b}` share one instance of {}", inner.0.label()));
                }
            }
        }
        None
    }

    /// What middleware shares with the component or with each other, and does not any more.
    fn doubled(&self, trigger: &Trigger, chain: &[Key], component: &Component) -> Result<Vec<String>, Error> {
        let mut seen = BTreeSet::new();
        for dependency in &component.dependencies {
            let unit = self.project.unit(&dependency.source, self.lock)?;
            let asked = (unit, component.granted(dependency), false);
            let plugs = self.asked.iter().filter(|(it, _)| *it == asked);
            seen.extend(plugs.flat_map(|(_, key)| self.instances(key)));
        }
        let mut twice = BTreeSet::new();
        for layer in chain {
            // The layers themselves have an instance each, wherever they run.
            let inner = self.instances(layer).filter(|inner| *inner != layer && !seen.insert(*inner));
            twice.extend(inner.map(|(unit, _)| unit));
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
        entries: &[(&Dependency, Key)],
    ) -> Result<Result<Vec<Plugged>, String>, Error> {
        let inspection = inspect_component(&component.id, bytes)?;
        let mut parts = vec![Part {
            label: component.id.clone(),
            bytes: Arc::from(&bytes[..]),
            links: Vec::new(),
            reach: Reach::All,
        }];
        let mut links = Vec::new();
        for (dependency, key) in entries {
            let Some(plug) = self.plugs.get(key) else { continue };
            links.push(Link {
                pattern: LinkPattern::Named(import_pattern(&dependency.name)),
                target: parts.len(),
                export: dependency.export.clone(),
                origin: dependency.name.to_string(),
            });
            parts.push(Part {
                label: key.0.label(),
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

/// What is denied in a file, for a reader.
fn denied(denials: &[Denial]) -> impl Iterator<Item = String> {
    let denied: BTreeSet<_> =
        denials.iter().map(|it| format!("denied {} to {}", it.import, it.part)).collect();
    denied.into_iter()
}

/// The entries by stock Spin's rule, where these wires were made; or why that rule makes others.
fn by_the_rule(
    component: &Component,
    entries: &[(&Dependency, Key)],
    inspection: &Inspection,
    wires: &[Wire],
) -> Result<Vec<Plugged>, String> {
    let mut plugged = Vec::new();
    for (dependency, plug) in entries {
        let pattern = import_pattern(&dependency.name);
        let imports = inspection.imports.iter().filter(|import| pattern.matches(&import.name));
        let own: Vec<&Wire> = wires.iter().filter(|wire| pattern.matches(&wire.import)).collect();
        let mut entry = Plugged {
            name: dependency.name.to_string(),
            plug: plug.clone(),
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
