//! The entry for a source: its name, what it inherits, and what to say about that.

use std::collections::{BTreeMap, BTreeSet};

use spin_deps_component::{Extern, ExternKind, Inspection, needs};
use spin_deps_manifest::{Capability, DependencyName, Grant, Inherit, Source};
use wasm_pkg_common::package::PackageRef;

use super::source::{Found, unusable};
use crate::{
    Error, Project,
    content::{Unit, select},
    suggest,
};

impl Project {
    /// Says what the dependency will be refused, itself and through what it needs, and what it inherits that the
    /// component does not have. For the manifest and the lockfile after the change.
    pub(super) fn capability_warnings(
        &self,
        component: &str,
        names: &[DependencyName],
        found: &Found,
    ) -> Vec<String> {
        let Some(parent) = self.manifest().components.get(component) else { return Vec::new() };
        let reached = self.reached(found);
        let mut warnings = BTreeSet::new();
        for dependency in parent.dependencies.iter().filter(|it| names.contains(&it.name)) {
            let Grant::Only(granted) = parent.granted(dependency) else { continue };
            let keys: BTreeSet<&str> = granted.iter().map(|it| it.key()).collect();
            for (key, through) in reached.iter().filter(|(key, _)| !keys.contains(key.as_str())) {
                let through = match through {
                    Some(release) => format!(", through {release},"),
                    None => String::new(),
                };
                warnings.insert(format!(
                    "{}{through} reaches for `{key}`, which it is not granted; if it may, add `--inherit {key}`",
                    found.chosen
                ));
            }
            for capability in granted.iter().filter(|it| !parent.declares(**it)) {
                warnings.insert(format!(
                    "component `{component}` has no `{capability}` itself, so there is nothing to inherit yet"
                ));
            }
        }
        warnings.into_iter().collect()
    }

    /// What a source reaches for: each capability with the release it goes through, if not the source itself.
    fn reached(&self, found: &Found) -> BTreeMap<String, Option<String>> {
        let own = found.inspection.capabilities.iter().map(|key| ((*key).to_owned(), None));
        let mut reached: BTreeMap<_, _> = own.collect();
        let Some(lock) = &self.lock else { return reached };
        let mut seen = BTreeSet::new();
        let needs = needs(&found.inspection).into_iter();
        let mut open: Vec<_> = needs.filter_map(|need| select(lock, &need.package, &need.req)).collect();
        while let Some(package) = open.pop() {
            if seen.insert((&package.name, &package.version)) {
                for key in &package.capabilities {
                    let through = Some(format!("{} {}", package.name, package.version));
                    reached.entry(key.clone()).or_insert(through);
                }
                open.extend(package.dependencies.iter().filter_map(|it| lock.get(&it.package, &it.version)));
                let overridden = package.overridden.iter();
                open.extend(overridden.filter_map(|it| match self.meets(&it.package, &it.req, lock) {
                    Ok(Unit::Package(package, version)) => lock.get(&package, &version),
                    _ => None,
                }));
            }
        }
        reached
    }
}

/// The names of the entries: what the user named, else the package whose interfaces are exported.
pub(super) fn dependency_names(found: &Found, imports: &[String]) -> Result<Vec<DependencyName>, Error> {
    if !imports.is_empty() {
        return imports
            .iter()
            .map(|name| {
                name.parse()
                    .map_err(|error: spin_deps_manifest::InvalidName| unusable(name, &error.to_string()))
            })
            .collect();
    }
    // Exports of the host's own interfaces are for the host to call, not for a component to import.
    let mut packages: BTreeMap<String, (PackageRef, Vec<&Extern>)> = BTreeMap::new();
    for export in &found.inspection.exports {
        if let (ExternKind::Interface { .. }, Some(interface)) = (&export.kind, &export.interface)
            && !spin_deps_component::is_host_provided(&interface.package)
        {
            let key = interface.package.to_string();
            packages.entry(key).or_insert_with(|| (interface.package.clone(), Vec::new())).1.push(export);
        }
    }
    let own = match &found.source {
        Source::Registry { package, .. } => packages.get(&package.to_string()),
        _ => None,
    };
    let only = (packages.len() == 1).then(|| packages.values().next()).flatten();
    if let Some((package, _)) = own.or(only) {
        return Ok(vec![DependencyName::Package {
            package: package.clone(),
            interface: None,
            version: None,
        }]);
    }
    let exports: Vec<_> = found.inspection.exports.iter().map(|it| format!("`{}`", it.name)).collect();
    Err(Error::Unanswered {
        message: if exports.is_empty() {
            format!("{} exports nothing that a component could import", found.chosen)
        } else {
            format!(
                "which of its exports is wanted is not clear: {} exports {}",
                found.chosen,
                exports.join(", ")
            )
        },
        hint: "name what the component imports with `--import`, once for each".into(),
    })
}

/// Middleware imports and exports `wasi:http/handler` (SIP 023).
pub(super) fn is_middleware(inspection: &Inspection) -> bool {
    let handler = |it: &Extern| it.name.starts_with("wasi:http/handler@0.3.");
    inspection.imports.iter().any(handler) && inspection.exports.iter().any(handler)
}

/// The capabilities that pass, as an explicit list: `all` is what the source reaches for now, never `true`.
pub(super) fn inherit(keys: &[String], inspection: &Inspection) -> Result<Inherit, Error> {
    let keys: Vec<&str> = match keys {
        [] => return Ok(Inherit::Default),
        [only] if only == "none" => Vec::new(),
        [only] if only == "all" => inspection.capabilities.iter().copied().collect(),
        keys => keys.iter().map(String::as_str).collect(),
    };
    keys.into_iter()
        .map(|key| {
            key.parse().map_err(|_| Error::Unknown {
                message: format!("`{key}` is not a capability"),
                hint: Some(suggest::hint(key, Capability::ALL.map(Capability::key), "there are")),
            })
        })
        .collect::<Result<_, _>>()
        .map(Inherit::Only)
}
