//! Holding the components of the app against the worlds of their environments.
//!
//! What is deployed is a component with its dependencies and its middleware inside, so that is what is checked: one
//! check for each component, kind of trigger and middleware, against each environment. Static responses have no
//! component, and components that no trigger names are only parts of others.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use serde::Serialize;
use spin_deps_component::{Conformance, Difference, Direction, World, WorldError, conform};
use spin_deps_lockfile::{Environment, EnvironmentRef};
use spin_deps_manifest::{Component, Trigger};
use tokio::task::block_in_place;

use super::{
    definition::{Definition, WorldRef, WorldSource},
    environment_ref, wit_in,
};
use crate::{ComposedComponent, Error, Project, compose::same_pipeline, suggest};

/// Whether the app fits its environments.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TargetsReport {
    /// Each component that a trigger names, against each of its environments.
    pub checks: Vec<TargetCheck>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl TargetsReport {
    /// Whether everything fits.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.fits)
    }
}

/// A component against an environment.
#[derive(Clone, Debug, Serialize)]
pub struct TargetCheck {
    /// The component.
    pub component: String,
    /// The ids of its triggers that have this kind and the same middleware.
    pub triggers: Vec<String>,
    /// Their kind.
    pub kind: String,
    /// The environment, as the manifest names it.
    pub environment: String,
    /// Whether it fits: it fits a world, and no capability is missing.
    pub fits: bool,
    /// Whether the environment supports this kind of trigger at all.
    pub supported: bool,
    /// What the app needs of the environment and the environment cannot do.
    pub missing_capabilities: Vec<String>,
    /// Every world that it could fit.
    pub worlds: Vec<WorldVerdict>,
}

/// A component against a world.
#[derive(Clone, Debug, Serialize)]
pub struct WorldVerdict {
    /// The world: `spin:up/http-trigger@3.6.0`.
    pub world: String,
    /// Whether it fits.
    pub fits: bool,
    /// What it imports and the world does not offer.
    pub missing_imports: Vec<String>,
    /// What the world wants exported and it does not export.
    pub missing_exports: Vec<String>,
    /// What both have with different types.
    pub mismatches: Vec<WorldMismatch>,
}

/// An import or export with other types than the world's.
#[derive(Clone, Debug, Serialize)]
pub struct WorldMismatch {
    /// `import` or `export`.
    pub direction: &'static str,
    /// Its name in the component.
    pub name: String,
    /// What differs: "function", "method", "type", "resource"; `None` if it is the whole.
    pub what: Option<&'static str>,
    /// Its name, or what is wrong with the whole.
    pub item: String,
    /// The component's declaration, in WIT; `None` if it has none.
    pub component: Option<String>,
    /// The world's declaration; `None` if it has none.
    pub world: Option<String>,
}

/// Triggers of a kind that run the same component behind the same middleware.
struct Group<'a> {
    component: &'a Component,
    triggers: Vec<&'a Trigger>,
}

/// An environment with what is known of it.
struct Loaded {
    environment: Environment,
    definition: Definition,
}

impl Project {
    /// Whether the app fits these environments, or those of its manifest if none are given. The lockfile has to fit the
    /// manifest.
    pub async fn check_targets(&self, given: &[String]) -> Result<TargetsReport, Error> {
        self.check_composed(given, &[]).await
    }

    /// The same where some components were composed already, by the names of their instances.
    pub(crate) async fn check_composed(
        &self,
        given: &[String],
        made: &[(String, ComposedComponent)],
    ) -> Result<TargetsReport, Error> {
        let given: Vec<_> = given.iter().map(|name| self.named_target(name)).collect();
        let mut report = TargetsReport { warnings: self.unchecked(), ..TargetsReport::default() };
        let mut environments: BTreeMap<EnvironmentRef, Loaded> = BTreeMap::new();
        let mut worlds = BTreeMap::new();
        for group in self.groups() {
            let targets = if given.is_empty() { self.targets_of(group.component) } else { given.clone() };
            let Some(first) = group.triggers.first().filter(|_| !targets.is_empty()) else { continue };
            let id = &group.component.id;
            let name = self.instance_name(first, id);
            let bytes = match made.iter().find(|(known, _)| *known == name) {
                Some((_, composed)) => Arc::clone(&composed.bytes),
                None => self.compose_component(id, &first.middleware).await?.bytes,
            };
            for target in targets {
                if !environments.contains_key(&target) {
                    environments.insert(target.clone(), self.load(&target).await?);
                }
                let Some(loaded) = environments.get(&target) else { continue };
                report.checks.push(self.check_group(&group, &bytes, loaded, &mut worlds).await?);
            }
        }
        Ok(report)
    }

    async fn check_group(
        &self,
        group: &Group<'_>,
        bytes: &Arc<[u8]>,
        loaded: &Loaded,
        worlds: &mut BTreeMap<String, Arc<World>>,
    ) -> Result<TargetCheck, Error> {
        let kind = group.triggers.first().map(|it| it.kind.clone()).unwrap_or_default();
        let mut check = TargetCheck {
            component: group.component.id.clone(),
            triggers: group.triggers.iter().map(|it| it.id.clone()).collect(),
            environment: self.called(&loaded.environment.target),
            fits: false,
            supported: false,
            missing_capabilities: Vec::new(),
            worlds: Vec::new(),
            kind,
        };
        let Some(offer) = loaded.definition.offer(&check.kind) else {
            return Ok(check);
        };
        check.supported = true;
        let missing = needs(group).into_iter().filter(|key| !offer.capabilities.iter().any(|it| it == key));
        check.missing_capabilities = missing.map(str::to_owned).collect();
        let mut offered = Vec::new();
        for reference in &offer.worlds {
            offered.push(self.target_world(&loaded.environment, reference, worlds).await?);
        }
        let (bytes, what) = (Arc::clone(bytes), format!("component `{}`", group.component.id));
        let held = tokio::task::spawn_blocking(move || conform(&bytes, &offered)).await?;
        let held = held.map_err(|error| Error::Inspect { what, error })?;
        check.worlds = offer.worlds.iter().zip(held).map(|(world, found)| verdict(world, found)).collect();
        check.fits = check.missing_capabilities.is_empty() && check.worlds.iter().any(|it| it.fits);
        Ok(check)
    }

    /// An environment in the report: a file that the user named is relative to where the user is.
    fn called(&self, target: &EnvironmentRef) -> String {
        match target {
            EnvironmentRef::Path(path) if Path::new(path).is_absolute() => self.shown(Path::new(path)),
            other => other.to_string(),
        }
    }

    /// An environment: as it is locked, or as it is now if the manifest does not name it.
    async fn load(&self, target: &EnvironmentRef) -> Result<Loaded, Error> {
        let locked = self.lock.iter().flat_map(|lock| &lock.environments).find(|it| it.target == *target);
        let environment = match locked {
            Some(environment) => environment.clone(),
            None => self.environment_now(target, None).await?,
        };
        let definition = self.definition_of(&environment).await?;
        Ok(Loaded { environment, definition })
    }

    async fn target_world(
        &self,
        environment: &Environment,
        reference: &WorldRef,
        known: &mut BTreeMap<String, Arc<World>>,
    ) -> Result<Arc<World>, Error> {
        let target = &environment.target;
        let key = format!("{target}\n{reference:?}");
        if let Some(world) = known.get(&key) {
            return Ok(Arc::clone(world));
        }
        let unusable = |message: String, hint: Option<String>| Error::Environment {
            environment: target.to_string(),
            message: format!("the package of its world `{reference}` {message}"),
            hint,
        };
        let bytes = match (&reference.source, self.wit_need(reference)?) {
            (WorldSource::Path(path), _) => {
                let place = self.folder_of(target).unwrap_or_default().join(path);
                let shown = self.shown(&place);
                if !place.exists() {
                    return Err(unusable(format!("is not there: {shown}"), None));
                }
                wit_in(&place, &shown)?
            }
            (_, Some(need)) => {
                let package = environment.packages.iter().find(|it| need.is_met_by(it));
                let moved = || {
                    unusable("is not locked".into(), Some("`spin-deps targets update` locks it anew".into()))
                };
                self.wit_bytes(target, package.ok_or_else(moved)?).await?
            }
            (_, None) => return Err(unusable("is nowhere".into(), None)),
        };
        let read = block_in_place(|| World::read(&bytes, &reference.world));
        let world = read.map_err(|error| match &error {
            WorldError::NoWorld { worlds, .. } => {
                let names = worlds.iter().map(String::as_str);
                let hint = suggest::hint(&reference.world, names, "it has");
                unusable("does not have it".into(), Some(hint))
            }
            WorldError::Unreadable(_) | WorldError::NotWit(_) => {
                unusable(format!("cannot be read: {error}"), None)
            }
        })?;
        let world = Arc::new(world);
        known.insert(key, Arc::clone(&world));
        Ok(world)
    }

    /// The triggers that run components, those together that need only one check.
    fn groups(&self) -> Vec<Group<'_>> {
        let manifest = self.manifest();
        let mut groups: Vec<Group<'_>> = Vec::new();
        for trigger in &manifest.triggers {
            let Some(component) = trigger.component.as_ref().and_then(|id| manifest.components.get(id))
            else {
                continue;
            };
            let together = groups.iter_mut().find(|group| {
                group.component.id == component.id
                    && group.triggers.first().is_some_and(|first| {
                        first.kind == trigger.kind && same_pipeline(&first.middleware, &trigger.middleware)
                    })
            });
            match together {
                Some(group) => group.triggers.push(trigger),
                None => groups.push(Group { component, triggers: vec![trigger] }),
            }
        }
        groups
    }

    fn targets_of(&self, component: &Component) -> Vec<EnvironmentRef> {
        let targets = component.targets.as_ref().unwrap_or(&self.manifest().application.targets);
        targets.iter().map(environment_ref).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Components with targets of their own that nothing is checked for.
    fn unchecked(&self) -> Vec<String> {
        let manifest = self.manifest();
        let used: BTreeSet<_> = manifest.triggers.iter().filter_map(|it| it.component.as_deref()).collect();
        let unchecked =
            manifest.components.values().filter(|it| it.targets.is_some() && !used.contains(&*it.id));
        unchecked
            .map(|it| format!("component `{}` has targets and no trigger, so that it is not checked", it.id))
            .collect()
    }
}

/// What an environment has to be capable of, besides the worlds.
fn needs(group: &Group<'_>) -> Vec<&'static str> {
    let component = group.component;
    let hosts = component.allowed_outbound_hosts.iter().chain(&component.allowed_http_hosts);
    let mut needs = Vec::new();
    if hosts.into_iter().any(|host| is_internal(host)) {
        needs.push("local_service_chaining");
    }
    if group.triggers.iter().any(|trigger| !trigger.middleware.is_empty()) {
        needs.push("middleware");
    }
    needs
}

/// Whether an allowed host is another component of the app: `http://*.spin.internal`.
fn is_internal(allowed: &str) -> bool {
    let host = allowed.split_once("://").map_or(allowed, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    host.ends_with(".spin.internal")
}

fn verdict(world: &WorldRef, found: Conformance) -> WorldVerdict {
    let fits = found.fits();
    let mismatches = found.mismatches.into_iter().map(|mismatch| {
        let (what, item, wanted, offered) = match mismatch.difference {
            Difference::Item { what, item, expected, found } => (Some(what), item, Some(expected), found),
            Difference::Other(words) => (None, words, None, None),
        };
        let (direction, component, world) = match mismatch.direction {
            Direction::Import => ("import", wanted, offered),
            Direction::Export => ("export", offered, wanted),
        };
        WorldMismatch { direction, name: mismatch.name, what, item, component, world }
    });
    WorldVerdict {
        world: world.to_string(),
        fits,
        mismatches: mismatches.collect(),
        missing_imports: found.missing_imports,
        missing_exports: found.missing_exports,
    }
}

#[cfg(test)]
mod tests {
    use super::is_internal;

    #[test]
    fn other_components_of_the_app_are_internal() {
        for internal in ["http://*.spin.internal", "http://api.spin.internal:80/", "api.spin.internal"] {
            assert!(is_internal(internal), "{internal}");
        }
        for other in [
            "http://self",
            "https://spin.internal.example.com",
            "*://*:*",
            "http://example.com/.spin.internal",
        ] {
            assert!(!is_internal(other), "{other}");
        }
    }
}
