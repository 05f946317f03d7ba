//! What dependencies require of the app (SIP 026), and the app does not give them.
//!
//! A component says in its section `spin:requires` which variables, stores and hosts it cannot do without. The section
//! grants nothing: the app's component must have them, and its entry must let the dependency inherit them. Where it does
//! not, the calls would fail when somebody makes them; here that is known before anything runs.

use std::{collections::BTreeSet, fmt};

use spin_deps_host::outbound::AllowedHost;
use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::{Capability, Component, ComponentSource, FileMount, Grant, Inherit, Route};

use crate::{Error, Project, content::Unit};

/// Something that a dependency requires and is not given. Several values of one capability are one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// The app's component that has to give it, by its id.
    pub component: String,
    /// Who requires it, as in `acme:cache@1.0.0`.
    pub dependency: String,
    /// The capability.
    pub capability: Capability,
    /// What of it is required, as in `cache`.
    pub values: Vec<String>,
    /// Which of these the component does not have itself.
    pub missing: Vec<String>,
    /// The entry that does not pass the capability on, if it does not.
    pub denied: Option<Denied>,
    /// The lines of `spin.toml` that give the component what is missing, each with its table.
    declare: Vec<(String, String)>,
}

/// An entry of the manifest that does not let a dependency inherit what it requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The entry in words.
    pub entry: String,
    /// What it passes on so far.
    pub inherits: Vec<Capability>,
    /// The component's `dependencies_inherit_configuration = false` is in the way.
    pub by_component: bool,
}

impl Unmet {
    /// What to write into `spin.toml`, a sentence for each place.
    pub fn hints(unmet: &[Self]) -> Vec<String> {
        let mut hints = Vec::new();
        let declare = unmet.iter().flat_map(|it| &it.declare);
        hints.extend(declare.map(|(table, text)| format!("write `{text}` in [{table}]")));
        for (entry, by_component) in
            unmet.iter().filter_map(|it| it.denied.as_ref()).map(|it| (&it.entry, it.by_component))
        {
            let of_entry = |it: &&Self| it.denied.as_ref().is_some_and(|denied| denied.entry == *entry);
            let keys = unmet.iter().filter(of_entry).flat_map(|it| {
                let inherits = it.denied.iter().flat_map(|denied| denied.inherits.iter().copied());
                inherits.chain([it.capability])
            });
            let keys: BTreeSet<Capability> = keys.collect();
            let instead =
                if by_component { ", in place of `dependencies_inherit_configuration = false`" } else { "" };
            let keys = list(keys.iter().map(|it| it.key()));
            hints.push(format!("write `inherit_configuration = {keys}` in {entry}{instead}"));
        }
        let mut seen = BTreeSet::new();
        hints.retain(|hint| seen.insert(hint.clone()));
        hints
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, component) = (self.capability.key(), &self.component);
        let values = if self.denied.is_none() { &self.missing } else { &self.values };
        let (one, several) = words(self.capability);
        let what = if values.len() == 1 { one } else { several };
        write!(f, "{} requires the {what} {}, ", self.dependency, quoted_list(values))?;
        match &self.denied {
            None => write!(f, "which component `{component}` does not have"),
            Some(_) if self.missing.is_empty() => {
                write!(f, "and component `{component}` does not let it inherit `{key}`")
            }
            Some(_) if self.missing == self.values => {
                write!(f, "which component `{component}` neither has nor passes on")
            }
            Some(_) => {
                let missing = quoted_list(&self.missing);
                write!(f, "which component `{component}` does not pass on, and {missing} it does not have")
            }
        }
    }
}

fn quoted_list(values: &[String]) -> String {
    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
}

/// One of a capability, and several.
fn words(capability: Capability) -> (&'static str, &'static str) {
    match capability {
        Capability::AiModels => ("AI model", "AI models"),
        Capability::AllowedOutboundHosts => ("outbound host", "outbound hosts"),
        Capability::Environment => ("environment variable", "environment variables"),
        Capability::Files => ("file", "files"),
        Capability::KeyValueStores => ("key-value store", "key-value stores"),
        Capability::SqliteDatabases => ("database", "databases"),
        Capability::Variables => ("variable", "variables"),
    }
}

/// Something that is composed into a component.
struct Entry {
    unit: Unit,
    grant: Grant,
    /// What the entry lets it inherit so far.
    inherits: Vec<Capability>,
    /// The entry in words; `None` for the component itself.
    words: Option<String>,
}

impl Project {
    /// What dependencies require, through whatever number of others, and the app does not give them. The lockfile must
    /// fit. A component that is written for others has nobody to ask: what it requires, it says itself.
    pub async fn unmet_requirements(&self) -> Result<Vec<Unmet>, Error> {
        self.unmet(true).await
    }

    /// The same of the direct dependencies alone, which a sync has read anyway.
    pub(crate) async fn unmet_by_direct(&self) -> Result<Vec<Unmet>, Error> {
        self.unmet(false).await
    }

    async fn unmet(&self, transitive: bool) -> Result<Vec<Unmet>, Error> {
        if !self.manifest().is_application() {
            return Ok(Vec::new());
        }
        let nothing = Lockfile::default();
        let lock = self.lock.as_ref().unwrap_or(&nothing);
        let mut found = Vec::new();
        for (component, entry) in self.composed_in(lock).await? {
            if !transitive && entry.words.is_none() {
                continue;
            }
            let mut seen = BTreeSet::new();
            let mut open = vec![entry.unit.clone()];
            while let Some(unit) = open.pop() {
                if !seen.insert(unit.clone()) || !self.can_be_read(&unit) {
                    continue;
                }
                // What is wrong with it is told where it is used.
                let Ok(outline) = self.outline(&unit, lock).await else { continue };
                let inspection = outline.inspection();
                for (key, values) in
                    inspection.requires.iter().flat_map(spin_deps_component::Requires::by_key)
                {
                    let Ok(capability) = key.parse() else { continue };
                    found.extend(lacking(component, &entry, &unit, capability, values));
                }
                // What the component itself needs has entries of its own.
                if transitive && entry.words.is_some() {
                    open.extend(self.needs_of(&unit, lock).await?.into_iter().map(|need| need.unit));
                }
            }
        }
        let mut once: Vec<Unmet> = Vec::new();
        for unmet in found {
            if !once.contains(&unmet) {
                once.push(unmet);
            }
        }
        // A list is written once, with what all of them miss in it.
        for index in 0..once.len() {
            let Some(Unmet { component, capability, .. }) = once.get(index) else { continue };
            let (component, capability) = (component.clone(), *capability);
            let same = once.iter().filter(|it| it.component == component && it.capability == capability);
            let missing: BTreeSet<String> = same.flat_map(|it| it.missing.iter().cloned()).collect();
            if let (Some(it), Some(component)) =
                (once.get_mut(index), self.manifest().components.get(&component))
            {
                it.declare = self.lines(component, capability, &Vec::from_iter(missing));
            }
        }
        Ok(once)
    }

    /// Each component with all that is composed into it, itself first.
    async fn composed_in(&self, lock: &Lockfile) -> Result<Vec<(&Component, Entry)>, Error> {
        let mut all = Vec::new();
        for component in self.manifest().components.values() {
            let own = self.component_unit(&component.source, lock)?;
            let itself = Entry { unit: own.clone(), grant: Grant::All, inherits: Vec::new(), words: None };
            all.push((component, itself));
            for it in &component.dependencies {
                let words =
                    Some(format!("the entry \"{}\" of [component.{}.dependencies]", it.name, component.id));
                let (unit, grant) = (self.unit(&it.source, lock)?, component.granted(it));
                all.push((component, Entry { unit, grant, inherits: listed(&it.inherit), words }));
            }
            // As in a composition: what no entry speaks of is granted nothing, unless all is granted to all.
            if !matches!(component.source, ComponentSource::Path(_)) {
                let grant = match component.dependencies_inherit_configuration {
                    Some(true) => Grant::All,
                    _ => Grant::none(),
                };
                for need in self.needs_of(&own, lock).await? {
                    let words =
                        format!("an entry \"{}\" in [component.{}.dependencies]", need.package, component.id);
                    let (grant, inherits) = (grant.clone(), Vec::new());
                    if all.iter().all(|(of, entry)| of.id != component.id || entry.unit != need.unit) {
                        all.push((component, Entry { unit: need.unit, grant, inherits, words: Some(words) }));
                    }
                }
            }
        }
        for trigger in &self.manifest().triggers {
            let Some(component) =
                trigger.component.as_ref().and_then(|id| self.manifest().components.get(id))
            else {
                continue;
            };
            let place = match trigger.http.as_ref().map(|http| &http.route) {
                Some(Route::Path(route)) => format!("route `{route}`"),
                _ => format!("trigger `{}`", trigger.id),
            };
            for it in &trigger.middleware {
                let unit = self.unit(&it.source, lock)?;
                let words = Some(format!("the entry of {} in the middleware of {place}", unit.label()));
                all.push((
                    component,
                    Entry { unit, grant: it.granted(), inherits: listed(&it.inherit), words },
                ));
            }
        }
        Ok(all)
    }

    /// A component that is not built yet says nothing of itself.
    fn can_be_read(&self, unit: &Unit) -> bool {
        match unit {
            Unit::File(path) => self.resolve_path(path).is_file(),
            Unit::Package(..) | Unit::Url(..) => true,
        }
    }

    /// The lines that give a component what it does not have.
    fn lines(
        &self,
        component: &Component,
        capability: Capability,
        missing: &[String],
    ) -> Vec<(String, String)> {
        let table = |name: &str| format!("component.{}{name}", component.id);
        if missing.is_empty() {
            return Vec::new();
        }
        match capability {
            Capability::Variables => {
                let of_app = missing.iter().filter(|name| !self.manifest().variables.contains_key(*name));
                let of_app =
                    of_app.map(|name| ("variables".into(), format!("{name} = {{ required = true }}")));
                let own = |name: &String| (table(".variables"), format!("{name} = \"{{{{ {name} }}}}\""));
                missing.iter().map(own).chain(of_app).collect()
            }
            Capability::Environment => {
                let own = |name: &String| (table(".environment"), format!("{name} = \"…\""));
                missing.iter().map(own).collect()
            }
            Capability::Files => vec![(table(""), format!("files = {}", with_files(component, missing)))],
            _ => {
                let have = labels(component, capability).iter().chain(missing).map(String::as_str);
                vec![(table(""), format!("{} = {}", capability.key(), list(have)))]
            }
        }
    }
}

/// A requirement, if it is not met.
fn lacking(
    component: &Component,
    entry: &Entry,
    unit: &Unit,
    capability: Capability,
    values: &[String],
) -> Option<Unmet> {
    let missing: Vec<String> =
        values.iter().filter(|value| !has(component, capability, value)).cloned().collect();
    let words = entry.words.as_ref().filter(|_| !values.is_empty() && !entry.grant.allows(capability));
    let denied = words.map(|words| Denied {
        entry: words.clone(),
        inherits: entry.inherits.clone(),
        by_component: component.dependencies_inherit_configuration == Some(false),
    });
    (denied.is_some() || !missing.is_empty()).then(|| Unmet {
        component: component.id.clone(),
        dependency: unit.label(),
        capability,
        values: values.to_vec(),
        missing,
        declare: Vec::new(),
        denied,
    })
}

fn listed(inherit: &Inherit) -> Vec<Capability> {
    match inherit {
        Inherit::Only(keys) => keys.clone(),
        Inherit::Default | Inherit::All(_) => Vec::new(),
    }
}

/// A text as TOML has it, which is as JSON has it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A list of texts as TOML has it.
fn list<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let values: Vec<_> = values.map(quoted).collect();
    format!("[{}]", values.join(", "))
}

/// `files` of a component with more of them.
fn with_files(component: &Component, missing: &[String]) -> String {
    let text = quoted;
    let have = component.files.iter().map(|mount| match mount {
        FileMount::Glob(pattern) => text(pattern),
        FileMount::Place { source, destination } => {
            format!("{{ source = {}, destination = {} }}", text(source), text(destination))
        }
    });
    let missing = missing.iter().map(|path| text(path.trim_start_matches('/')));
    format!("[{}]", have.chain(missing).collect::<Vec<_>>().join(", "))
}

/// What a component has of a capability that is a list of texts.
fn labels(component: &Component, capability: Capability) -> &[String] {
    match capability {
        Capability::AiModels => &component.ai_models,
        Capability::AllowedOutboundHosts => &component.allowed_outbound_hosts,
        Capability::KeyValueStores => &component.key_value_stores,
        Capability::SqliteDatabases => &component.sqlite_databases,
        Capability::Environment | Capability::Files | Capability::Variables => &[],
    }
}

/// Whether a component has what is required.
fn has(component: &Component, capability: Capability, value: &str) -> bool {
    match capability {
        Capability::Environment => component.environment.contains_key(value),
        Capability::Variables => component.variables.contains_key(value),
        Capability::Files => component.files.iter().any(|mount| shows(mount, value)),
        Capability::AllowedOutboundHosts => {
            component.allowed_outbound_hosts.iter().any(|entry| allows(entry, value))
        }
        _ => labels(component, capability).iter().any(|label| label == value),
    }
}

/// Whether an entry of `allowed_outbound_hosts` allows a host that is required. What a template stands for is known when
/// the app runs, so that it has the benefit of the doubt.
fn allows(entry: &str, required: &str) -> bool {
    let parsed = (AllowedHost::parse(entry), AllowedHost::parse(required));
    entry == required
        || entry.contains("{{")
        || matches!(parsed, (Ok(entry), Ok(required)) if entry.covers(&required))
}

/// Whether a component finds a file at a path, as far as the manifest tells.
fn shows(mount: &FileMount, required: &str) -> bool {
    let path = required.trim_start_matches('/');
    match mount {
        FileMount::Glob(pattern) => {
            let matches = |pattern: glob::Pattern| pattern.matches(path);
            pattern.trim_start_matches('/') == path || glob::Pattern::new(pattern).is_ok_and(matches)
        }
        FileMount::Place { destination, .. } => {
            std::path::Path::new(path).starts_with(destination.trim_start_matches('/'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_allowed_as_the_host_allows_them() {
        assert!(allows("https://*.example.com", "https://api.example.com"));
        assert!(allows("https://{{ host }}", "https://api.example.com"), "known only when it runs");
        assert!(!allows("http://api.example.com", "https://api.example.com"));
        assert!(allows("redis://{{", "redis://{{"), "the same text");
        assert!(!allows("https://example.com", "no host"));
    }

    #[test]
    fn files_are_where_a_mount_shows_them() {
        let glob = FileMount::Glob("assets/**/*.json".into());
        assert!(shows(&glob, "/assets/a/b.json") && !shows(&glob, "assets/a/b.txt"));
        let place = FileMount::Place { source: "data".into(), destination: "/config".into() };
        assert!(shows(&place, "/config/app.toml") && shows(&place, "config") && !shows(&place, "/configs"));
        let root = FileMount::Place { source: "data".into(), destination: "/".into() };
        assert!(shows(&root, "/anything"));
    }
}
