//! The rules that need more than one value to check.
//!
//! They are checked on the normalised manifest, and again after a profile was applied, because a
//! profile can bring in what breaks them.

use std::collections::HashMap;

use wasm_pkg_common::package::PackageRef;

use crate::{
    Component, Dependency, DependencyName, ErrorKind, Inherit, Manifest, ManifestError, Override, Source,
    Span,
    error::{did_you_mean, quoted_list},
    name::{Compatibility, compatibility},
    read::printable,
};

pub(crate) fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    circles(&manifest.application.deps.overrides)?;
    for component in manifest.components.values() {
        inheritance(component)?;
        conflicts(component)?;
        for dependency in &component.dependencies {
            if let Source::Component(id) = &dependency.source {
                usable(manifest, id, Some(&component.id), &dependency.source_span)?;
            }
        }
    }
    for trigger in &manifest.triggers {
        for id in trigger.component.iter().chain(trigger.components.values().flatten()) {
            exists(manifest, id, &trigger.component_span)?;
        }
        for layer in &trigger.middleware {
            if let Source::Component(id) = &layer.source {
                usable(manifest, id, trigger.component.as_deref(), &layer.source_span)?;
            }
        }
    }
    Ok(())
}

/// A package that is replaced by another one, which is replaced in turn, must end somewhere.
fn circles(overrides: &[Override]) -> Result<(), ManifestError> {
    let next: HashMap<&PackageRef, &PackageRef> = overrides
        .iter()
        .filter_map(|it| match &it.source {
            Source::Registry { package, .. } if *package != it.package => Some((&it.package, package)),
            _ => None,
        })
        .collect();
    for it in overrides {
        let mut way = vec![&it.package];
        while let Some(by) = way.last().and_then(|last| next.get(last)) {
            // A way that runs into a circle without being on it is told at the override that is.
            if way[1..].contains(by) {
                break;
            }
            way.push(by);
            if *by == &it.package {
                let way = way.into_iter().map(ToString::to_string).collect();
                let kind = ErrorKind::OverrideCircle(way);
                return Err(ManifestError::new(kind, it.name_span.clone(), "replaced by itself in the end")
                    .with_hint("name the package that is to be used in the end for each of them"));
            }
        }
    }
    Ok(())
}

fn exists<'m>(manifest: &'m Manifest, id: &str, span: &Span) -> Result<&'m Component, ManifestError> {
    manifest.components.get(id).ok_or_else(|| {
        let names: Vec<&String> = manifest.components.keys().collect();
        let hint = did_you_mean(id, &names).or_else(|| {
            (!names.is_empty() && names.len() <= 8).then(|| format!("there is {}", quoted_list(&names)))
        });
        ManifestError::new(ErrorKind::UnknownComponent(id.to_owned()), span.clone(), "no such component")
            .with_hint_if(hint)
    })
}

/// A component that is composed into another one brings its code only, so what it declares beside
/// the code would be lost without a word.
fn usable(manifest: &Manifest, id: &str, user: Option<&str>, span: &Span) -> Result<(), ManifestError> {
    if user == Some(id) {
        let kind = ErrorKind::OwnDependency(id.to_owned());
        return Err(ManifestError::new(kind, span.clone(), "the component itself"));
    }
    let component = exists(manifest, id, span)?;
    let fields: Vec<&'static str> = [
        ("ai_models", component.ai_models.is_empty()),
        ("allowed_http_hosts", component.allowed_http_hosts.is_empty()),
        ("allowed_outbound_hosts", component.allowed_outbound_hosts.is_empty()),
        ("dependencies", component.dependencies.is_empty()),
        ("files", component.files.is_empty()),
        ("key_value_stores", component.key_value_stores.is_empty()),
        ("sqlite_databases", component.sqlite_databases.is_empty()),
        ("variables", component.variables.is_empty()),
    ]
    .into_iter()
    .filter_map(|(field, empty)| (!empty).then_some(field))
    .collect();
    if fields.is_empty() {
        return Ok(());
    }
    let kind = ErrorKind::UnusableComponent { component: id.to_owned(), fields };
    Err(ManifestError::new(kind, span.clone(), "only its code would be used").with_hint(
        "declare what it needs on the component that uses it, and pass it on by `inherit_configuration`",
    ))
}

fn inheritance(component: &Component) -> Result<(), ManifestError> {
    if component.dependencies_inherit_configuration.is_none() {
        return Ok(());
    }
    let Some(dependency) = component.dependencies.iter().find(|d| d.inherit != Inherit::Default) else {
        return Ok(());
    };
    let kind = ErrorKind::MixedInheritance {
        component: component.id.clone(),
        dependency: dependency.name.to_string(),
    };
    Err(ManifestError::new(kind, dependency.span.clone(), "has a setting of its own")
        .with_hint("use one of them: for all dependencies, or for each"))
}

/// Names by what they can match, so that a conflict is found without comparing all with all.
#[derive(PartialEq, Eq, Hash)]
enum Scope<'a> {
    /// Every name of the package.
    All(&'a PackageRef),
    /// The names that stand for the whole package.
    Package(&'a PackageRef),
    /// The names of one interface.
    Interface(&'a PackageRef, &'a str),
}

#[derive(Default)]
struct Versions<'a> {
    first: Option<&'a Dependency>,
    without: Option<&'a Dependency>,
    by: HashMap<Compatibility<'a>, &'a Dependency>,
}

fn conflicts(component: &Component) -> Result<(), ManifestError> {
    let mut scopes: HashMap<Scope<'_>, Versions<'_>> = HashMap::new();
    for dependency in &component.dependencies {
        let DependencyName::Package { package, interface, version } = &dependency.name else {
            continue;
        };
        let key = version.as_ref().map(compatibility);
        let own =
            interface.as_deref().map_or(Scope::Package(package), |name| Scope::Interface(package, name));
        let rivals = match interface.as_deref() {
            None => vec![Scope::All(package)],
            Some(name) => vec![Scope::Interface(package, name), Scope::Package(package)],
        };
        let rival = rivals.iter().filter_map(|scope| scopes.get(scope)).find_map(|versions| match &key {
            None => versions.first,
            Some(key) => versions.by.get(key).copied().or(versions.without),
        });
        if let Some(rival) = rival {
            let kind = ErrorKind::ConflictingNames {
                component: component.id.clone(),
                first: rival.name.to_string(),
                second: dependency.name.to_string(),
            };
            let label = format!("overlaps with `{}`", printable(&rival.name.to_string()));
            return Err(ManifestError::new(kind, dependency.name_span.clone(), label)
                .with_hint("tell them apart by interface or by an incompatible version, or remove one"));
        }
        for scope in [own, Scope::All(package)] {
            let versions = scopes.entry(scope).or_default();
            versions.first.get_or_insert(dependency);
            match &key {
                None => versions.without = Some(dependency),
                Some(key) => drop(versions.by.insert(*key, dependency)),
            }
        }
    }
    Ok(())
}
