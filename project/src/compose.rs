//! One component of the app with its dependencies composed in, transitively, and its middleware around it.

mod plan;

use std::{collections::BTreeSet, sync::Arc};

use spin_deps_component::{ComposeError, Composed, Composition, Denial, Wire, compose};
use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::{Component, Dependency, Grant, Inherit, Middleware, Trigger};
use spin_deps_registry::digest_of;
use wasm_pkg_common::digest::ContentDigest;

use self::plan::Plan;
use crate::{Error, Project, bindings::import_pattern, content::Unit, reach::Keys, suggest};

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
    /// What is denied to its dependencies and middleware of what they import of the host.
    pub denials: Vec<Denial>,
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
        let composition = Plan::new(self, lock).build(component, middleware).await?;
        let composed = tokio::task::spawn_blocking(move || compose(&composition)).await?;
        let composed = composed.map_err(|error| self.with_place(component, middleware, error))?;
        let digest = digest_of(&composed.bytes);
        Ok(ComposedComponent {
            id: id.to_owned(),
            bytes: composed.bytes.into(),
            digest,
            wires: composed.wires,
            instances: composed.instances,
            denials: composed.denials,
        })
    }
}

/// A unit composed with all that it needs.
pub(crate) struct ComposedUnit {
    pub(crate) composed: Composed,
    /// What passes to it of what it was granted.
    pub(crate) passed: Keys,
    /// The instances that there are for it, itself included, each a unit with what passes to it.
    pub(crate) instances: BTreeSet<(Unit, Keys)>,
}

impl Project {
    /// Composes a unit with all that it needs, where it is granted no more than this. A layer of middleware still imports
    /// the next handler afterwards.
    pub(crate) async fn compose_unit(
        &self,
        unit: &Unit,
        grant: &Grant,
        is_layer: bool,
        lock: &Lockfile,
    ) -> Result<ComposedUnit, Error> {
        let mut plan = Plan::new(self, lock);
        plan.gather(vec![unit.clone()]).await?;
        let mut passed = plan.passed(grant, unit);
        if is_layer {
            passed.extend(plan.next(unit));
        }
        let root = plan.part(unit, &passed);
        let instances = plan.instances();
        let composition = Composition { root, parts: plan.into_parts(), middleware: Vec::new() };
        let composed = tokio::task::spawn_blocking(move || compose(&composition)).await??;
        Ok(ComposedUnit { composed, passed, instances })
    }

    /// The error of a composition with the entry that it is about.
    fn with_place(&self, component: &Component, middleware: &[Middleware], error: ComposeError) -> Error {
        let stands = |named: &str| {
            let lock = self.lock.as_ref()?;
            let is_it =
                |it: &&Middleware| self.unit(&it.source, lock).is_ok_and(|unit| unit.label() == named);
            middleware.iter().find(is_it).map(|it| &it.span)
        };
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
            | ComposeError::DeniedResource { part, import, .. }
                if *part == component.id =>
            {
                let meets = |it: &&Dependency| import_pattern(&it.name).matches(import);
                (component.dependencies.iter().find(meets).map(|it| &it.name_span), "meant for this import")
            }
            ComposeError::NoHandler { .. } => (middleware.last().map(|it| &it.span), "stands in front of it"),
            ComposeError::HandlerVersion { middleware, .. } => (stands(middleware), "passes requests on"),
            ComposeError::NotMiddleware { label, .. } => (stands(label), "meant to pass requests on"),
            ComposeError::Unsatisfied { root: true, .. } => (Some(&component.source_span), "imports it"),
            _ => (None, ""),
        };
        match span.cloned() {
            Some(span) => self.at(&span, label, &Error::Compose(error)),
            None => Error::Compose(error),
        }
    }
}

/// Whether two triggers run their component behind the same middleware.
pub(crate) fn same_pipeline(a: &[Middleware], b: &[Middleware]) -> bool {
    sources(a).eq(sources(b))
}

fn sources(middleware: &[Middleware]) -> impl Iterator<Item = (&spin_deps_manifest::Source, &Inherit)> {
    middleware.iter().map(|it| (&it.source, &it.inherit))
}
