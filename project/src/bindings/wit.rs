//! The text of `spin-dependencies.wit`: what a component's own code may import.

use std::sync::Arc;

use spin_deps_component::{ImportPattern, Outline, WitDependency, dependencies_wit};
use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::{Component, Dependency, DependencyName, Source};
use tokio::task::block_in_place;

use crate::{Error, Project, content::Unit};

/// A direct dependency with what is known of it.
pub(crate) struct Direct<'a> {
    pub(crate) dependency: &'a Dependency,
    label: String,
    outline: Arc<Outline>,
}

impl Project {
    /// The text of a component's `spin-dependencies.wit`, or `None` when it has no dependencies.
    pub(super) async fn component_wit(
        &self,
        component: &Component,
        lock: &Lockfile,
    ) -> Result<Option<String>, Error> {
        let direct = self.outlines(component, lock).await?;
        Ok(block_in_place(|| dependencies_wit(&wit_dependencies(&direct)))?)
    }

    /// The direct dependencies of a component, as far as they are there.
    pub(crate) async fn outlines<'a>(
        &self,
        component: &'a Component,
        lock: &Lockfile,
    ) -> Result<Vec<Direct<'a>>, Error> {
        let mut direct = Vec::new();
        for dependency in &component.dependencies {
            let unit = self.unit(&dependency.source, lock)?;
            if let (Source::Component(_), Unit::File(path)) = (&dependency.source, &unit)
                && !self.resolve_path(path).is_file()
            {
                // A component of this app that is not built yet: its WIT comes with the next sync.
                continue;
            }
            let outline = self.outline(&unit, lock).await?;
            direct.push(Direct { dependency, label: unit.label(), outline });
        }
        Ok(direct)
    }
}

/// The direct dependencies as what their WIT is written from.
pub(crate) fn wit_dependencies<'a>(direct: &'a [Direct<'_>]) -> Vec<WitDependency<'a>> {
    let one = |it: &'a Direct<'_>| WitDependency {
        pattern: import_pattern(&it.dependency.name),
        export: it.dependency.export.as_deref(),
        label: &it.label,
        outline: Arc::clone(&it.outline),
    };
    direct.iter().map(one).collect()
}

/// A dependency name of the manifest as a pattern of imports.
pub(crate) fn import_pattern(name: &DependencyName) -> ImportPattern {
    match name {
        DependencyName::Plain(name) => ImportPattern::Plain(name.clone()),
        DependencyName::Package { package, interface, version } => ImportPattern::Package {
            package: package.clone(),
            interface: interface.clone(),
            version: version.clone(),
        },
    }
}
