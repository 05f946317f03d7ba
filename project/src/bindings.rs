//! The generated files: `spin-dependencies.wit` beside each component's build, and the bindings made from it.
//!
//! The WIT file has the name, the place and the meaning that Spin gives it, so that `spin_sdk::dependencies!()`
//! and the JavaScript build tools find what they expect. Bindings are generated where a component asks for them
//! with `[component.ID.tool.deps] bindings = "rust"`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use spin_deps_component::{
    BindingsOptions, GuestWorld, ImportPattern, Language, Outline, WitDependency, bindings, dependencies_wit,
};
use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::{Component, Dependency, DependencyName};
use tokio::task::block_in_place;

use crate::{Error, Project, change::Change, content::Unit};

/// The name of the generated WIT file (SIP 020).
const WIT_FILE: &str = "spin-dependencies.wit";
/// The generated Rust bindings, relative to the component's build directory.
const RUST_FILE: &str = "src/spin_dependencies.rs";

/// The language that bindings are generated for.
const LANGUAGE: &str = "rust";

/// What was generated.
#[derive(Debug, Default)]
pub(crate) struct Generated {
    pub(crate) written: Vec<PathBuf>,
    pub(crate) removed: Vec<PathBuf>,
    pub(crate) warnings: Vec<String>,
}

/// A direct dependency with what is known of it.
pub(crate) struct Direct<'a> {
    pub(crate) dependency: &'a Dependency,
    label: String,
    outline: Arc<Outline>,
}

impl Project {
    /// Writes the WIT and the bindings of every component, and removes those that are no longer needed.
    pub(crate) async fn generate(&self, lock: &Lockfile, change: &mut Change) -> Result<Generated, Error> {
        if let Some(authored) = self.authored() {
            return self.generate_authored(authored, lock, change).await;
        }
        let mut generated = Generated::default();
        let mut places: BTreeMap<PathBuf, (&str, Option<String>)> = BTreeMap::new();
        let mut wanted = BTreeSet::new();
        for (id, component) in &self.manifest().components {
            let directory = self.build_directory(component);
            let wit = self.component_wit(component, lock).await?;
            self.check_language(component)?;
            if let (Some(wit), true) = (&wit, component.deps.bindings.is_some()) {
                let path = directory.join(RUST_FILE);
                let world = GuestWorld::from_dependencies(wit)?;
                for file in block_in_place(|| bindings(&world, Language::Rust, &BindingsOptions::default()))?
                {
                    if change.write(&path, file.sealed(WIT_FILE).as_bytes())? {
                        generated.written.push(path.clone());
                    }
                }
                wanted.insert(path);
            }
            let place = directory.join(WIT_FILE);
            match places.get(&place) {
                Some((other, Some(text))) if wit.as_ref().is_some_and(|wit| wit != text) => {
                    generated.warnings.push(format!(
                        "the components `{other}` and `{id}` share a build directory, so {} holds the dependencies of `{id}` only; give each its own `build.workdir`",
                        place.strip_prefix(self.directory()).unwrap_or(&place).display()
                    ));
                    places.insert(place, (id, wit));
                }
                Some((_, Some(_))) => {}
                _ => {
                    places.insert(place, (id, wit));
                }
            }
        }
        for (path, (_, wit)) in places {
            if let Some(wit) = wit {
                if change.write(&path, wit.as_bytes())? {
                    generated.written.push(path);
                }
                continue;
            }
            let bindings = path.with_file_name(RUST_FILE);
            for path in [path, bindings] {
                if !wanted.contains(&path) && is_generated(&path) && change.remove(&path)? {
                    generated.removed.push(path);
                }
            }
        }
        Ok(generated)
    }

    /// The text of a component's `spin-dependencies.wit`, or `None` when it has no dependencies.
    async fn component_wit(&self, component: &Component, lock: &Lockfile) -> Result<Option<String>, Error> {
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
            if let (spin_deps_manifest::Source::Component(_), Unit::File(path)) = (&dependency.source, &unit)
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

    /// Refuses a language that nothing is generated for, rather than to generate nothing in silence.
    fn check_language(&self, component: &Component) -> Result<(), Error> {
        match &component.deps.bindings {
            Some(language) if language != LANGUAGE => Err(Error::Place {
                excerpt: Box::new(self.excerpt()),
                span: component.deps.bindings_span.clone().unwrap_or_else(|| component.span.clone()),
                label: "no such bindings".into(),
                message: format!("bindings for `{language}` cannot be generated"),
                hint: Some(format!(
                    "bindings are generated for `{LANGUAGE}`; other languages use spin-dependencies.wit"
                )),
            }),
            _ => Ok(()),
        }
    }

    /// The directory that a component is built in.
    fn build_directory(&self, component: &Component) -> PathBuf {
        match component.build.as_ref().and_then(|build| build.workdir.as_deref()) {
            Some(workdir) => self.directory().join(workdir),
            None => self.directory().to_path_buf(),
        }
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

/// Whether a file says that it was generated, by us or by Spin, so that it may be removed.
fn is_generated(path: &Path) -> bool {
    let Ok(text) = fs_err::read_to_string(path) else {
        return false;
    };
    let first = text.lines().next().unwrap_or_default().to_ascii_lowercase();
    first.starts_with("//") && first.contains("generated")
}
