//! Which entries a source gets: what is imported of what it exports.
//!
//! What a user names counts. Else there is a choice: each interface, and all of a package's together where it has several.
//! Where nobody can be asked the entry is for all of the package, as long as it is clear which package is meant.

use spin_deps_component::{Extern, ExternKind, Inspection, InterfaceName, compatible, is_host_provided};
use spin_deps_manifest::{DependencyName, InvalidName, Source};
use wasm_pkg_common::package::{PackageRef, Version};

use super::{
    AddOptions,
    source::{Found, unusable},
};
use crate::{
    Asker, Error, Project,
    ask::{Choice, Question, QuestionKind},
    suggest,
};

/// An entry that is to be: what is imported, and the export that meets it if it has another name.
pub(super) struct Entry {
    pub(super) name: DependencyName,
    pub(super) export: Option<String>,
}

impl Entry {
    fn of(name: DependencyName) -> Self {
        Self { name, export: None }
    }
}

/// The exports of one package in one version, in the order of the file.
struct Group<'a> {
    package: &'a PackageRef,
    version: Option<&'a Version>,
    interfaces: Vec<&'a InterfaceName>,
}

/// The entries for a source: what the user named, else what is chosen of its exports.
pub(super) async fn choose(
    found: &Found,
    options: &AddOptions,
    asker: &dyn Asker,
) -> Result<Vec<Entry>, Error> {
    let exports: Vec<&str> = found.inspection.exports.iter().map(|it| it.name.as_str()).collect();
    if let Some(export) = &options.export
        && !exports.contains(&export.as_str())
    {
        return Err(Error::Unknown {
            message: format!("{} has no export `{export}`", found.chosen),
            hint: Some(suggest::hint(export, exports, "it exports")),
        });
    }
    if let Some(name) = &options.rename {
        return renamed(found, name, options.export.as_ref(), asker).await;
    }
    if options.imports.is_empty() {
        return match &options.export {
            Some(export) => Ok(vec![Entry::of(parse(export)?)]),
            None => choose_exports(found, asker).await,
        };
    }
    let entry = |text: &String| {
        let name = parse(text)?;
        if options.export.is_none() && !found.inspection.exports.iter().any(|it| can_meet(it, &name)) {
            return Err(Error::Unknown {
                message: format!("{} exports nothing for the import `{name}`", found.chosen),
                hint: Some(suggest::hint(text, exports.iter().copied(), "it exports")),
            });
        }
        Ok(Entry { name, export: options.export.clone() })
    };
    options.imports.iter().map(entry).collect()
}

/// One entry under a name that its export does not have.
async fn renamed(
    found: &Found,
    name: &str,
    export: Option<&String>,
    asker: &dyn Asker,
) -> Result<Vec<Entry>, Error> {
    let name = parse(name)?;
    if name.is_package_level() {
        return Err(Error::Unknown {
            message: format!("`{name}` stands for a whole package, and `--rename` is for one export"),
            hint: Some(format!("name an interface, such as `{name}/api@1.0.0`, or a plain name")),
        });
    }
    let export = if let Some(export) = export {
        export.clone()
    } else {
        let names: Vec<_> = importable(&found.inspection).map(|it| it.name.clone()).collect();
        if names.is_empty() {
            return Err(nothing_to_import(found));
        }
        let question = Question {
            text: format!("Which export of {} is `{name}`?", found.chosen),
            kind: QuestionKind::One,
            choices: names.iter().map(Choice::plain).collect(),
            default: None,
            missing: format!("{} has several exports", found.chosen),
            advice: format!("name the one that is `{name}` with `--export`"),
        };
        let chosen = question.answer_one(asker).await?;
        names.into_iter().nth(chosen).unwrap_or_default()
    };
    let export = (export != name.to_string()).then_some(export);
    Ok(vec![Entry { name, export }])
}

async fn choose_exports(found: &Found, asker: &dyn Asker) -> Result<Vec<Entry>, Error> {
    let groups = groups(&found.inspection);
    let mut names = Vec::new();
    let mut choices = Vec::new();
    for group in &groups {
        if group.interfaces.len() > 1 {
            let at = group.version.map(|version| format!("@{version}")).unwrap_or_default();
            let name = whole(group, &groups);
            choices.push(Choice {
                label: format!("All from {}{at}", group.package),
                ..Choice::plain(name.to_string())
            });
            names.push(name);
        }
        for interface in &group.interfaces {
            choices.push(Choice::plain(interface.to_string()));
            names.push(DependencyName::Package {
                package: interface.package.clone(),
                interface: Some(interface.interface.clone()),
                version: interface.version.clone(),
            });
        }
    }
    if groups.is_empty() {
        for function in importable(&found.inspection) {
            choices.push(Choice::plain(&function.name));
            names.push(parse(&function.name)?);
        }
    }
    let implied = implied(found, &groups);
    match (names.as_slice(), &implied) {
        ([], _) => return Err(nothing_to_import(found)),
        ([_], Some(name)) => return Ok(vec![Entry::of(name.clone())]),
        _ => {}
    }
    let question = Question {
        text: format!("What of {} is to be imported?", found.chosen),
        kind: QuestionKind::Several { least: 1 },
        choices,
        default: None,
        missing: format!("{} has several exports, and which is wanted is not clear", found.chosen),
        advice: "name what the component imports with `--import`, once for each".into(),
    };
    let chosen = match (question.ask(asker).await?, implied) {
        (Some(chosen), _) => chosen,
        (None, Some(name)) => return Ok(vec![Entry::of(name)]),
        (None, None) => return Err(question.unanswered()),
    };
    let chosen: Vec<_> = chosen.into_iter().filter_map(|index| names.get(index).cloned()).collect();
    // All of a package and one of its interfaces is all of it.
    let is_in = |name: &DependencyName| {
        !name.is_package_level() && chosen.iter().any(|it| it.is_package_level() && it.conflicts_with(name))
    };
    Ok(chosen.iter().filter(|it| !is_in(it)).cloned().map(Entry::of).collect())
}

/// The interfaces that a component could import, by package and version. Those of the host are for the host to call.
fn groups(inspection: &Inspection) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let interfaces = inspection.exports.iter().filter_map(|export| match (&export.kind, &export.interface) {
        (ExternKind::Interface { .. }, Some(interface)) => Some(interface),
        _ => None,
    });
    for interface in interfaces.filter(|it| !is_host_provided(&it.package)) {
        let (package, version) = (&interface.package, interface.version.as_ref());
        match groups.iter_mut().find(|it| it.package == package && it.version == version) {
            Some(group) => group.interfaces.push(interface),
            None => groups.push(Group { package, version, interfaces: vec![interface] }),
        }
    }
    groups
}

/// The name for all of a group; the version is in it only where it tells it from another one.
fn whole(group: &Group<'_>, groups: &[Group<'_>]) -> DependencyName {
    let several = groups.iter().filter(|it| it.package == group.package).count() > 1;
    let version = group.version.filter(|_| several).cloned();
    DependencyName::Package { package: group.package.clone(), interface: None, version }
}

/// The name that goes without saying: that of the package itself, or of the only one that it exports something of.
fn implied(found: &Found, groups: &[Group<'_>]) -> Option<DependencyName> {
    let own = groups
        .iter()
        .find(|it| matches!(&found.source, Source::Registry { package, .. } if package == it.package));
    let group = own.or(if groups.len() == 1 { groups.first() } else { None })?;
    Some(whole(group, groups)).filter(|name| name.version().is_none())
}

/// What a component could import: interfaces, else functions.
fn importable(inspection: &Inspection) -> impl Iterator<Item = &Extern> {
    let is_interface = |it: &Extern| {
        let of_host = it.interface.as_ref().is_some_and(|it| is_host_provided(&it.package));
        matches!(it.kind, ExternKind::Interface { .. }) && it.interface.is_some() && !of_host
    };
    let has_interface = inspection.exports.iter().any(is_interface);
    let exports = inspection.exports.iter();
    exports.filter(move |it| if has_interface { is_interface(it) } else { it.kind == ExternKind::Function })
}

/// Whether an export could meet an import of this name.
fn can_meet(export: &Extern, name: &DependencyName) -> bool {
    let DependencyName::Package { package, interface, version } = name else {
        return export.name == name.to_string();
    };
    export.interface.as_ref().is_some_and(|it| {
        let versions = match (version, &it.version) {
            (Some(wanted), Some(version)) => compatible(wanted, version),
            _ => true,
        };
        it.package == *package && interface.as_ref().is_none_or(|name| *name == it.interface) && versions
    })
}

fn nothing_to_import(found: &Found) -> Error {
    let exports: Vec<_> = found.inspection.exports.iter().map(|it| format!("`{}`", it.name)).collect();
    Error::Unknown {
        message: format!("{} exports nothing that a component could import", found.chosen),
        hint: Some(if exports.is_empty() {
            "it has no exports at all: build it for a world that exports an interface".into()
        } else {
            format!("it exports {}, which the host calls", exports.join(", "))
        }),
    }
}

fn parse(name: &str) -> Result<DependencyName, Error> {
    name.parse().map_err(|error: InvalidName| unusable(name, &error.to_string()))
}

/// Middleware imports and exports `wasi:http/handler`, in versions that are compatible with 0.3.0 (SIP 023).
pub(super) fn is_middleware(inspection: &Inspection) -> bool {
    let current = |it: &Extern| {
        let version = it.interface.as_ref().and_then(|it| it.version.as_ref());
        is_handler(it) && version.is_some_and(|it| compatible(it, &Version::new(0, 3, 0)))
    };
    inspection.imports.iter().any(current) && inspection.exports.iter().any(current)
}

/// A handler of any version.
fn is_handler(it: &Extern) -> bool {
    it.interface.as_ref().is_some_and(|it| it.package.to_string() == "wasi:http" && it.interface == "handler")
}

/// Why something cannot stand in front of a route.
pub(super) fn no_middleware(found: &Found) -> Error {
    let handler = |externs: &[Extern]| externs.iter().find(|it| is_handler(it)).map(|it| it.name.clone());
    let (imports, exports) = (handler(&found.inspection.imports), handler(&found.inspection.exports));
    if let (Some(passed), Some(_)) = (imports, exports) {
        return Error::Unknown {
            message: format!(
                "{} is middleware for `{passed}`, and what can be served is `wasi:http/handler@0.3.0`",
                found.chosen
            ),
            hint: Some(
                "choose a release that was built for `wasi:http/handler@0.3.0`, or build it anew".into(),
            ),
        };
    }
    Error::Unknown {
        message: format!("{} is not middleware: it must import and export wasi:http/handler", found.chosen),
        hint: Some("leave out `--route` to add it as a dependency of a component".into()),
    }
}

impl Project {
    /// Refuses a name that would match the same imports as another entry of the component.
    pub(super) fn check_name(&self, component: &str, name: &DependencyName) -> Result<(), Error> {
        let entries = self.manifest().components.get(component).map(|it| it.dependencies.as_slice());
        let rival =
            entries.unwrap_or_default().iter().find(|it| it.name != *name && it.name.conflicts_with(name));
        let Some(rival) = rival else { return Ok(()) };
        Err(Error::Place {
            excerpt: Box::new(self.excerpt()),
            span: rival.name_span.clone(),
            label: "this one".into(),
            message: format!(
                "`{name}` would match the same imports as `{}`, which component `{component}` has already",
                rival.name
            ),
            hint: Some(format!(
                "remove that one first, `spin-deps remove {} --to {component}`, or give the new one another name with `--rename`",
                rival.name
            )),
        })
    }
}
