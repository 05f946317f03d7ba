//! What the manifest grants to what is locked, release by release, as the lockfile records it.
//!
//! An entry grants something to what it names, and through that to what that needs: each gets of it what it can use. So
//! what a release is granted follows from the manifest, from the edges of the lockfile and from what the files of the
//! app import, and takes no request. It is recorded by component, because a grant is of what a component has; the
//! middleware of its triggers belongs to it.

use std::collections::{BTreeMap, BTreeSet};

use semver::VersionReq;
use spin_deps_lockfile::{Granted, HttpSource, Lockfile};
use spin_deps_manifest::{Capability, Component, ComponentSource, Grant, Manifest, Route, Source};
use wasm_pkg_common::package::PackageRef;

use crate::{
    content::{Facts, Unit, select, without_secrets},
    overrides::{Effective, Overrides},
    reach::{Keys, Reaching, keys, passed},
    requirements::{Requirements, exactly},
};

/// Everything in a manifest that grants something, and what the files that it names import.
#[derive(Default)]
pub(crate) struct Grants {
    entries: Vec<Entry>,
    files: BTreeMap<String, Facts>,
}

/// Something in the manifest that grants what a component has.
struct Entry {
    /// The component's id.
    component: String,
    /// What is granted something; never a component of the app, but where that comes from.
    source: Source,
    /// Not that itself is meant, but what it needs: a component of the app that comes from a registry.
    is_root: bool,
    grant: Grant,
    /// The entry in words.
    words: String,
    /// What it grants that the component does not have.
    undeclared: Vec<Capability>,
}

/// What is granted by a component, by key, and the entry that grants it in words.
type ByKey<'a> = BTreeMap<String, &'a str>;

impl Grants {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let mut grants = Self::default();
        // A component on its own is granted something by the app that uses it.
        if !manifest.is_application() {
            return grants;
        }
        for component in manifest.components.values() {
            for it in &component.dependencies {
                let words = format!("`{}`", it.name);
                grants.entry(manifest, component, &it.source, component.granted(it), words);
            }
            if !matches!(component.source, ComponentSource::Path(_)) {
                let grant = match component.dependencies_inherit_configuration {
                    Some(true) => Grant::All,
                    _ => Grant::none(),
                };
                grants.entries.push(Entry {
                    component: component.id.clone(),
                    source: source_of(&component.source),
                    is_root: true,
                    grant,
                    words: "`dependencies_inherit_configuration`".into(),
                    undeclared: Vec::new(),
                });
            }
        }
        for trigger in &manifest.triggers {
            let component = trigger.component.as_ref().and_then(|id| manifest.components.get(id));
            let Some(component) = component else { continue };
            let place = match trigger.http.as_ref().map(|http| &http.route) {
                Some(Route::Path(route)) => format!("route `{route}`"),
                _ => format!("trigger `{}`", trigger.id),
            };
            for it in &trigger.middleware {
                let words = format!("{} in the middleware of {place}", label(&it.source));
                grants.entry(manifest, component, &it.source, it.granted(), words);
            }
        }
        grants
    }

    fn entry(
        &mut self,
        manifest: &Manifest,
        component: &Component,
        source: &Source,
        grant: Grant,
        words: String,
    ) {
        let source = match source {
            Source::Component(id) => match manifest.components.get(id) {
                Some(component) => source_of(&component.source),
                None => return,
            },
            source => source.clone(),
        };
        let undeclared = match &grant {
            Grant::All => Vec::new(),
            Grant::Only(keys) => keys.iter().filter(|it| !component.declares(**it)).copied().collect(),
        };
        let component = component.id.clone();
        self.entries.push(Entry { component, source, is_root: false, grant, words, undeclared });
    }

    /// Takes in what a file of the app was read as.
    pub(crate) fn file(&mut self, path: &str, facts: Facts) {
        self.files.insert(path.to_owned(), facts);
    }
}

fn source_of(source: &ComponentSource) -> Source {
    match source {
        ComponentSource::Path(path) => Source::Path(path.clone()),
        ComponentSource::Url { url, digest } => Source::Url { url: url.clone(), digest: digest.clone() },
        ComponentSource::Registry { package, version, registry } => Source::Registry {
            package: package.clone(),
            explicit_package: true,
            req: exactly(version),
            registry: registry.clone(),
        },
    }
}

fn label(source: &Source) -> String {
    match source {
        Source::Registry { package, .. } => format!("`{package}`"),
        Source::Path(path) => format!("`{path}`"),
        Source::Url { url, .. } => without_secrets(url),
        Source::Component(id) => format!("component `{id}`"),
    }
}

/// The grants of a manifest, at work on a lockfile.
struct Spread<'a> {
    grants: &'a Grants,
    overrides: &'a Overrides,
    lock: &'a Lockfile,
    reaching: Reaching,
}

impl<'a> Spread<'a> {
    fn new(requirements: &'a Requirements, lock: &'a Lockfile) -> Self {
        let (grants, overrides) = (&requirements.grants, &requirements.overrides);
        let mut spread = Self { grants, overrides, lock, reaching: Reaching::default() };
        let mut open: Vec<Unit> = grants.entries.iter().filter_map(|it| spread.unit(&it.source)).collect();
        while let Some(unit) = open.pop() {
            if spread.reaching.contains(&unit) {
                continue;
            }
            let (keys, needs) = spread.look(&unit);
            open.extend(needs.iter().cloned());
            spread.reaching.add(unit, keys, needs);
        }
        spread
    }

    fn unit(&self, source: &Source) -> Option<Unit> {
        match source {
            Source::Registry { package, req, .. } => self.met(package, req),
            Source::Path(path) => Some(Unit::File(path.clone())),
            Source::Url { url, digest } => Some(Unit::Url(url.clone(), digest.to_string())),
            Source::Component(_) => None,
        }
    }

    fn met(&self, package: &PackageRef, req: &VersionReq) -> Option<Unit> {
        match self.overrides.effective(package, req) {
            Effective::File(path) => Some(Unit::File(path)),
            Effective::Release { package, req, .. } => {
                let locked = select(self.lock, &package, &req)?;
                Some(Unit::Package(locked.name.clone(), locked.version.clone()))
            }
        }
    }

    /// What a unit reaches for by itself, and the units that it needs. Nothing is known of a file that is not there yet.
    fn look(&self, unit: &Unit) -> (Keys, Vec<Unit>) {
        let (capabilities, imports, dependencies, overridden) = match unit {
            Unit::Package(package, version) => match self.lock.get(package, version) {
                Some(it) => (&it.capabilities, &it.imports, &it.dependencies, &it.overridden),
                None => return Default::default(),
            },
            Unit::Url(url, digest) => {
                let same = |it: &&HttpSource| it.url == *url && it.digest.to_string() == *digest;
                match self.lock.http.iter().find(same) {
                    Some(it) => (&it.capabilities, &it.imports, &it.dependencies, &it.overridden),
                    None => return Default::default(),
                }
            }
            Unit::File(path) => match self.grants.files.get(path) {
                Some(facts) => {
                    let needs = facts.needs.iter().filter_map(|(package, req)| self.met(package, req));
                    return (facts.keys(), needs.collect());
                }
                None => return Default::default(),
            },
        };
        let keys = capabilities.iter().cloned().chain(keys(imports)).collect();
        let dependencies =
            dependencies.iter().map(|it| Unit::Package(it.package.clone(), it.version.clone()));
        let overridden = overridden.iter().filter_map(|it| self.met(&it.package, &it.req));
        (keys, dependencies.chain(overridden).collect())
    }

    /// What each unit is granted, by component.
    fn granted(&self) -> BTreeMap<Unit, BTreeMap<&'a str, ByKey<'a>>> {
        let reached = self.reaching.closed();
        let mut granted: BTreeMap<Unit, BTreeMap<&str, ByKey<'_>>> = BTreeMap::new();
        for entry in &self.grants.entries {
            let Some(unit) = self.unit(&entry.source) else { continue };
            let first = if entry.is_root { self.own_needs(entry, &unit) } else { vec![unit] };
            let mut open: Vec<_> = first
                .into_iter()
                .filter_map(|unit| Some((passed(&entry.grant, reached.get(&unit)?), unit)))
                .collect();
            while let Some((keys, unit)) = open.pop() {
                let Some(used) = reached.get(&unit) else { continue };
                let known = granted.entry(unit.clone()).or_default().entry(&entry.component).or_default();
                let new: Keys =
                    keys.into_iter().filter(|it| used.contains(it) && !known.contains_key(it)).collect();
                known.extend(new.iter().map(|key| (key.clone(), entry.words.as_str())));
                if !new.is_empty() {
                    open.extend(self.reaching.needs(&unit).iter().map(|need| (new.clone(), need.clone())));
                }
            }
        }
        granted
    }

    /// What a component of the app needs by itself, and no entry of its own is about.
    fn own_needs(&self, root: &Entry, unit: &Unit) -> Vec<Unit> {
        let entries = self.grants.entries.iter().filter(|it| it.component == root.component && !it.is_root);
        let entries: BTreeSet<Unit> = entries.filter_map(|it| self.unit(&it.source)).collect();
        self.reaching.needs(unit).iter().filter(|need| !entries.contains(need)).cloned().collect()
    }
}

impl Requirements {
    /// What the manifest grants to each unit, by component; no entry for what is granted nothing.
    pub(crate) fn granted(&self, lock: &Lockfile) -> BTreeMap<Unit, Vec<Granted>> {
        let listed = |by: &BTreeMap<&str, ByKey<'_>>| -> Vec<Granted> {
            let granted = by.iter().filter(|(_, keys)| !keys.is_empty());
            let granted = granted.map(|(to, keys)| Granted {
                to: (*to).to_owned(),
                capabilities: keys.keys().cloned().collect(),
            });
            granted.collect()
        };
        let granted = Spread::new(self, lock).granted();
        let granted = granted.iter().map(|(unit, by)| (unit.clone(), listed(by)));
        granted.filter(|(_, granted)| !granted.is_empty()).collect()
    }

    /// Puts into a lockfile what the manifest grants to what is in it.
    pub(crate) fn grant(&self, lock: &mut Lockfile) {
        let granted = self.granted(lock);
        for package in &mut lock.packages {
            let unit = Unit::Package(package.name.clone(), package.version.clone());
            package.granted = granted.get(&unit).cloned().unwrap_or_default();
        }
        for source in &mut lock.http {
            let unit = Unit::Url(source.url.clone(), source.digest.to_string());
            source.granted = granted.get(&unit).cloned().unwrap_or_default();
        }
    }

    /// In which respects the manifest grants more or less to what is locked than the lockfile says.
    pub(crate) fn misgrants(&self, lock: &Lockfile) -> Vec<String> {
        let granted = Spread::new(self, lock).granted();
        let packages = lock.packages.iter().map(|it| {
            let unit = Unit::Package(it.name.clone(), it.version.clone());
            (unit, format!("{} {}", it.name, it.version), &it.granted)
        });
        let http = lock.http.iter().map(|it| {
            (Unit::Url(it.url.clone(), it.digest.to_string()), without_secrets(&it.url), &it.granted)
        });
        let nothing = BTreeMap::new();
        let mut reasons = Vec::new();
        for (unit, what, locked) in packages.chain(http) {
            let now = granted.get(&unit).unwrap_or(&nothing);
            for (component, keys) in now {
                let locked =
                    locked.iter().find(|it| it.to == *component).map_or(&[][..], |it| &it.capabilities);
                for (key, words) in keys.iter().filter(|(key, _)| !locked.contains(key)) {
                    reasons.push(format!(
                        "component `{component}` grants {what} the capability `{key}` by {words}, which is not locked"
                    ));
                }
            }
            for Granted { to, capabilities } in locked {
                let now = now.get(to.as_str());
                for key in capabilities.iter().filter(|key| now.is_none_or(|it| !it.contains_key(*key))) {
                    reasons.push(format!(
                        "{what} is locked as granted the capability `{key}` by component `{to}`, and no longer is"
                    ));
                }
            }
        }
        reasons
    }

    /// What the user should know of a manifest and its lockfile.
    pub(crate) fn warnings(&self, lock: &Lockfile) -> Vec<String> {
        let mut warnings = self.overrides.unused(&self.asked, lock);
        for entry in &self.grants.entries {
            warnings.extend(entry.undeclared.iter().map(|key| {
                let (component, words) = (&entry.component, &entry.words);
                format!("component `{component}` has no `{key}` itself, so there is nothing for {words} to inherit yet")
            }));
        }
        warnings
    }
}
