//! Edges: which packages a release needs, and in which versions.
//!
//! The author's own dependency table is the answer where there is one. Without it every import that the host does not
//! provide speaks for itself: a dependency import carries its range, and an interface name its version, from which
//! everything compatible will do. An interface with types only needs no implementation.

use std::collections::BTreeMap;

use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use crate::{
    DependencyTable, ExternKind, Inspection, InterfaceName, TableEntry, is_host_provided,
    name::DependencyImport,
};

/// A package that a release needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The package that implements the imports.
    pub package: PackageRef,
    /// The versions that will do.
    pub req: VersionReq,
    /// The imports that it has to satisfy, as written, sorted.
    pub imports: Vec<String>,
}

/// What an inspected release needs, sorted by package and version. Two majors of one package are two needs.
pub fn needs(inspection: &Inspection) -> Vec<Need> {
    let imports = inspection.imports.iter().filter(|import| {
        !matches!(import.kind, ExternKind::Interface { types_only: true } | ExternKind::Other)
    });
    from_names(imports.map(|import| import.name.as_str()), inspection.declared.as_ref())
}

/// What a release needs according to the names of its imports, which is all that a registry's config object has.
///
/// Names do not tell an interface with types only from others, so without a table the answer can name a package too
/// many; the Wasm itself is asked where that matters.
pub fn needs_from_names<'a>(
    imports: impl Iterator<Item = &'a str>,
    declared: Option<&DependencyTable>,
) -> Vec<Need> {
    from_names(imports, declared)
}

/// The table to publish for a release with these needs.
pub fn table_of_needs(needs: &[Need]) -> DependencyTable {
    DependencyTable::new(
        needs.iter().map(|need| TableEntry { package: need.package.clone(), version: need.req.clone() }),
    )
}

fn from_names<'a>(names: impl Iterator<Item = &'a str>, declared: Option<&DependencyTable>) -> Vec<Need> {
    match declared {
        Some(table) => from_table(names, table),
        None => from_imports(names),
    }
}

fn from_table<'a>(names: impl Iterator<Item = &'a str>, table: &DependencyTable) -> Vec<Need> {
    let mut needs: Vec<_> = (table.dependencies.iter())
        .map(|entry| Need { package: entry.package.clone(), req: entry.version.clone(), imports: Vec::new() })
        .collect();
    for name in names {
        let (package, version) = match (InterfaceName::parse(name), DependencyImport::parse(name)) {
            (Some(interface), _) => (interface.package, interface.version),
            (_, Some(DependencyImport::Locked { package, version, .. })) => (package, version),
            (_, Some(DependencyImport::Unlocked { package, .. })) => (package, None),
            (None, None) => continue,
        };
        let fits = |need: &Need| version.as_ref().is_none_or(|version| need.req.matches(version));
        let of_package = |need: &&mut Need| need.package == package;
        let exact = needs.iter().position(|need| need.package == package && fits(need));
        let need = match exact {
            Some(index) => needs.get_mut(index),
            None => needs.iter_mut().find(of_package),
        };
        if let Some(need) = need {
            need.imports.push(name.to_owned());
        }
    }
    for need in &mut needs {
        need.imports.sort();
    }
    needs
}

/// What can share one release: the imports of one group get one requirement.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    /// No version asked.
    Any,
    /// A semver track: major, minor below 1.0, patch below 0.1.
    Track(u64, u64, u64),
    /// Exactly this pre-release.
    Exact(Version),
    /// A range of its own.
    Range(String),
}

impl Group {
    fn of(version: &Version) -> Self {
        match (version.major, version.minor) {
            _ if !version.pre.is_empty() => Self::Exact(version.clone()),
            (0, 0) => Self::Track(0, 0, version.patch),
            (0, minor) => Self::Track(0, minor, 0),
            (major, _) => Self::Track(major, 0, 0),
        }
    }
}

#[derive(Default)]
struct Wanted {
    highest: Option<Version>,
    imports: Vec<String>,
}

fn from_imports<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Need> {
    let mut packages = BTreeMap::<PackageRef, BTreeMap<Group, Wanted>>::new();
    for name in names {
        let (package, group, version) = if let Some(interface) = InterfaceName::parse(name) {
            let group = interface.version.as_ref().map_or(Group::Any, Group::of);
            (interface.package, group, interface.version)
        } else {
            match DependencyImport::parse(name) {
                Some(DependencyImport::Unlocked { package, req }) => {
                    (package, Group::Range(req.to_string()), None)
                }
                Some(DependencyImport::Locked { package, version: Some(version), .. }) => {
                    (package, Group::Range(format!("={version}")), None)
                }
                Some(DependencyImport::Locked { package, .. }) => (package, Group::Any, None),
                None => continue,
            }
        };
        if is_host_provided(&package) {
            continue;
        }
        let wanted = packages.entry(package).or_default().entry(group).or_default();
        wanted.highest = wanted.highest.take().max(version);
        wanted.imports.push(name.to_owned());
    }

    let mut needs = Vec::new();
    for (package, mut groups) in packages {
        // An import without a version takes whatever the package's other imports ask for, if they agree.
        if groups.len() == 2
            && let Some(any) = groups.remove(&Group::Any)
            && let Some(other) = groups.values_mut().next()
        {
            other.imports.extend(any.imports);
        }
        for (group, mut wanted) in groups {
            let req = match (&group, &wanted.highest) {
                (Group::Range(range), _) => range.parse(),
                (Group::Exact(version), _) => format!("={version}").parse(),
                (_, Some(version)) => format!("^{version}").parse(),
                (_, None) => Ok(VersionReq::STAR),
            };
            wanted.imports.sort();
            // The text was a version or a requirement before, so it parses.
            let req = req.unwrap_or(VersionReq::STAR);
            needs.push(Need { package: package.clone(), req, imports: wanted.imports });
        }
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(names: &[&str], table: Option<&DependencyTable>) -> String {
        let needs = needs_from_names(names.iter().copied(), table);
        let lines =
            needs.iter().map(|need| format!("{} {} <- {}", need.package, need.req, need.imports.join(" ")));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn names_give_ranges() {
        let names = [
            "wasi:cli/environment@0.2.0",
            "spin:redis/redis@3.0.0",
            "acme:hash/digest@1.2.0",
            "acme:hash/api@1.4.0",
            "acme:hash/old@0.3.1",
            "acme:any/api",
            "acme:base/api",
            "acme:base/other@2.0.0",
            "acme:next/api@1.0.0-rc.1",
            "acme:tiny/api@0.0.7",
            "unlocked-dep=<acme:range@{>=1.0.0 <2.0.0}>",
            "locked-dep=<acme:locked@1.2.3>,integrity=<sha256-x>",
            "init",
        ];
        insta::assert_snapshot!(shown(&names, None), @"
        acme:any * <- acme:any/api
        acme:base ^2.0.0 <- acme:base/api acme:base/other@2.0.0
        acme:hash ^0.3.1 <- acme:hash/old@0.3.1
        acme:hash ^1.4.0 <- acme:hash/api@1.4.0 acme:hash/digest@1.2.0
        acme:locked =1.2.3 <- locked-dep=<acme:locked@1.2.3>,integrity=<sha256-x>
        acme:next =1.0.0-rc.1 <- acme:next/api@1.0.0-rc.1
        acme:range >=1.0.0, <2.0.0 <- unlocked-dep=<acme:range@{>=1.0.0 <2.0.0}>
        acme:tiny ^0.0.7 <- acme:tiny/api@0.0.7
        ");
    }

    #[test]
    fn a_table_is_the_answer() {
        let table = r#"{"format_version":1,"dependencies":[
            {"package":"acme:hash","version":">=1.2, <1.5"},{"package":"acme:hash","version":"^2"},{"package":"acme:log","version":"^1"}]}"#;
        let table = DependencyTable::from_json(table).unwrap();
        let names =
            ["acme:hash/b@2.1.0", "acme:hash/a@1.2.0", "acme:types/t@1.0.0", "acme:hash/c@7.0.0", "init"];
        insta::assert_snapshot!(shown(&names, Some(&table)), @"
        acme:hash >=1.2, <1.5 <- acme:hash/a@1.2.0 acme:hash/c@7.0.0
        acme:hash ^2 <- acme:hash/b@2.1.0
        acme:log ^1 <-
        ");
        assert_eq!(table_of_needs(&needs_from_names(names.into_iter(), Some(&table))), table);
    }
}
