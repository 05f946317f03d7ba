//! The entry for a source: its name, what it inherits, and what to say about that.

use std::collections::{BTreeMap, BTreeSet};

use spin_deps_component::{Extern, ExternKind, Inspection};
use spin_deps_manifest::{Capability, DependencyName, Document, Grant, Inherit, Source};
use wasm_pkg_common::package::PackageRef;

use super::source::{Found, unusable};
use crate::{Error, suggest};

/// Says what the dependency will be refused, and what it inherits that its parent does not have itself.
pub(super) fn capability_warnings(
    component: &str,
    names: &[DependencyName],
    document: &Document,
    found: &Found,
) -> Vec<String> {
    let Some(parent) = document.manifest().components.get(component) else {
        return Vec::new();
    };
    let mut warnings = BTreeSet::new();
    for dependency in parent.dependencies.iter().filter(|it| names.contains(&it.name)) {
        let Grant::Only(granted) = parent.granted(dependency) else {
            continue;
        };
        let granted: BTreeSet<_> = granted.iter().map(ToString::to_string).collect();
        let refused: Vec<_> =
            found.inspection.capabilities.iter().copied().filter(|key| !granted.contains(*key)).collect();
        if !refused.is_empty() {
            warnings.insert(format!(
                "{} reaches for {}, which it is not granted; if it may, add `--inherit {}`",
                found.chosen,
                refused.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "),
                refused.join(",")
            ));
        }
    }
    warnings.into_iter().collect()
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
