//! What is written into a component at the end of its build: who it is, what it needs, what it asks for.
//!
//! What it needs is what it imports. The requirement of `[dependencies]` counts where an entry is meant for an import,
//! since an import's own name says no more than the version that it was built against; what has no entry speaks by its
//! name.

use spin_deps_component::{
    DependencyTable, Inspection, Need, Requires, Stamp, TableEntry, inspect, needs, stamp,
};
use spin_deps_manifest::{Authored, Component, ComponentSource, Dependency, Required, Source};

use crate::{Error, Project, bindings::import_pattern, files};

impl Project {
    /// Writes into the component at `source` what its manifest says of it, and returns its size in bytes; `None` if this
    /// is no component on its own. Stamped again, the file does not change.
    pub(crate) async fn stamp_source(&self) -> Result<Option<u64>, Error> {
        let Some((authored, component, source)) = self.own_component() else { return Ok(None) };
        let path = self.resolve_path(source);
        let what = path.display().to_string();
        let mut stamp_of = stamp_of(authored);
        let component = component.clone();
        let write = move || {
            let bytes = files::read_component(&path)?;
            let unusable = |error| Error::Inspect { what: what.clone(), error };
            let inspection = inspect(&bytes).map_err(unusable)?;
            stamp_of.table = table(&component, inspection);
            let stamped = stamp(&bytes, &stamp_of).map_err(unusable)?;
            files::write_if_changed(&path, &stamped)?;
            Ok(stamped.len() as u64)
        };
        tokio::task::spawn_blocking(write).await?.map(Some)
    }

    /// The component that the manifest is about, if it is about one, and the file that its build leaves.
    pub(crate) fn own_component(&self) -> Option<(&Authored, &Component, &str)> {
        let component = self.manifest().components.values().next()?;
        let ComponentSource::Path(source) = &component.source else { return None };
        Some((self.authored()?, component, source))
    }

    /// Refuses to publish what is met in a way that a release has no words for: whoever uses it would get something else.
    pub(crate) fn check_publishable(&self) -> Result<(), Error> {
        let Some((_, component, _)) = self.own_component() else { return Ok(()) };
        for it in &component.dependencies {
            let Some((label, reason, hint)) = unpublishable(it) else { continue };
            let error = Error::Unknown {
                message: format!("the dependency `{}` {reason}", it.name),
                hint: Some(hint),
            };
            return Err(self.at(&it.span, label, &error));
        }
        Ok(())
    }
}

/// Why a release cannot say what an entry says: what there is, the reason, and what to do.
fn unpublishable(entry: &Dependency) -> Option<(&'static str, String, String)> {
    let publish_it = || "publish it, and depend on its version".to_owned();
    match &entry.source {
        Source::Path(path) => {
            Some(("a file", format!("is met by {path}, which nobody has who uses a release"), publish_it()))
        }
        Source::Url { .. } => Some((
            "a URL",
            "is met by what is behind a URL, and a release names packages only".into(),
            publish_it(),
        )),
        Source::Registry { package, .. } if is_of_another(entry) => Some((
            "another package",
            format!("is met by {package}, and a release names no package but that of the import"),
            format!(
                "require a package that the import is named after; an app can put {package} in its place with an override"
            ),
        )),
        _ if entry.export.is_some() => Some((
            "another export",
            "is met by an export of another name, which a release has no words for".into(),
            "publish a component that exports it under the name of the import".into(),
        )),
        Source::Registry { .. } | Source::Component(_) => None,
    }
}

/// Whether an entry is met by another package than its imports are named after.
fn is_of_another(entry: &Dependency) -> bool {
    match (&entry.source, entry.name.package()) {
        (Source::Registry { package, .. }, Some(named)) => package != named,
        _ => true,
    }
}

fn stamp_of(authored: &Authored) -> Stamp {
    let asked = &authored.requires;
    Stamp {
        name: authored.name.clone(),
        version: authored.version.clone(),
        description: authored.description.clone(),
        authors: authored.authors.clone(),
        license: authored.license.clone(),
        repository: authored.repository.clone(),
        table: DependencyTable::new([]),
        requires: Requires {
            variables: needed(&asked.variables),
            key_value_stores: asked.key_value_stores.clone(),
            sqlite_databases: asked.sqlite_databases.clone(),
            ai_models: asked.ai_models.clone(),
            allowed_outbound_hosts: asked.allowed_outbound_hosts.clone(),
            environment: needed(&asked.environment),
            files: asked.files.clone(),
        },
    }
}

/// The names without which the component does not work: what has a default is not required.
fn needed(asked: &[Required]) -> Vec<String> {
    asked.iter().filter(|it| it.default.is_none()).map(|it| it.name.clone()).collect()
}

/// What a component needs, by its imports and the entries that are meant for them. The table that it has from before is
/// of no account.
fn table(component: &Component, inspection: Inspection) -> DependencyTable {
    let needs = needs(&Inspection { declared: None, ..inspection });
    DependencyTable::new(needs.iter().flat_map(|need| entries(component, need)))
}

fn entries(component: &Component, need: &Need) -> Vec<TableEntry> {
    let mut entries = Vec::new();
    for import in &need.imports {
        let meant = |it: &&Dependency| import_pattern(&it.name).matches(import) && !is_of_another(it);
        let req = match component.dependencies.iter().find(meant).map(|it| &it.source) {
            Some(Source::Registry { req, .. }) => req,
            _ => &need.req,
        };
        entries.push(TableEntry { package: need.package.clone(), version: req.clone() });
    }
    entries
}
