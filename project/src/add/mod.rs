//! `add`: from what a user types to an entry in the manifest, a lockfile that has it, and its WIT.
//!
//! The order is: resolve with the new requirement, fetch what was chosen, learn from its bytes what it is and exports,
//! ask for what is not said, and only then write. Whatever fails or is interrupted before has written nothing; after the
//! first write, everything is put back.

mod capabilities;
mod entries;
mod pipeline;
mod source;
mod unpinned;

use spin_deps_manifest::{Component, Document, Inherit};
use wasm_pkg_common::{digest::ContentDigest, registry::Registry};

pub(crate) use self::pipeline::label;
use self::{
    entries::{Entry, is_middleware},
    source::{Asked, Found},
};
pub use self::{pipeline::Place, unpinned::Unpinned};
use crate::{
    Asker, Edit, Error, Project, SyncOutcome,
    ask::{Choice, Question, QuestionKind},
    edit::Manner,
};

/// What is to be added, as the command line has it. What is missing is asked for.
#[derive(Clone, Debug, Default)]
pub struct AddOptions {
    /// `ns:name[@REQ]`, a path, an `http(s)` URL or the id of a component of the app.
    pub source: String,
    /// The components that get the dependency.
    pub to: Vec<String>,
    /// Dependency names: what the components import.
    pub imports: Vec<String>,
    /// The one dependency name, for an export that has another name.
    pub rename: Option<String>,
    /// The export that is meant.
    pub export: Option<String>,
    /// Capabilities that pass: keys, or `all`, or `none`.
    pub inherit: Vec<String>,
    /// The registry that the package comes from, where it is not the configured one.
    pub registry: Option<Registry>,
    /// The digest of what is behind a URL.
    pub digest: Option<ContentDigest>,
    /// Add it as middleware of the triggers with these routes.
    pub routes: Vec<String>,
    /// The place in their middleware pipelines.
    pub place: Option<Place>,
    /// Write nothing.
    pub dry_run: bool,
}

/// Where something was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// As a dependency of a component.
    Component(String),
    /// As middleware of the trigger for a route.
    Middleware {
        /// The route.
        route: String,
        /// The place in the pipeline, 0 is outermost.
        position: usize,
    },
}

/// One entry that was added or updated.
#[derive(Clone, Debug)]
pub struct Addition {
    /// The entry's name, or what the middleware is.
    pub name: String,
    /// What was chosen: `ns:name 1.2.0`, a path or a URL.
    pub chosen: String,
    /// Where.
    pub target: Target,
}

/// What `add` did, or would do.
#[derive(Debug)]
pub struct Added {
    /// The entries.
    pub additions: Vec<Addition>,
    /// The components that have to be built again, of those that say how.
    pub to_build: Vec<String>,
    /// The manifest.
    pub edit: Edit,
    /// What happened to the lockfile and the generated files.
    pub sync: SyncOutcome,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Project {
    /// Adds a dependency to components, or middleware to triggers, and brings lockfile and WIT up to date. A URL without a
    /// digest is [`Error::Unpinned`], which says what is there: to add it, ask again with that digest.
    pub async fn add(&mut self, options: &AddOptions, asker: &dyn Asker) -> Result<Added, Error> {
        let source = self.understand(options)?;
        if let Asked::Url(url, None) = &source {
            // A mistake in what else was asked for costs no download.
            self.components_named(&options.to, None)?;
            self.stages(&options.routes)?;
            return Err(Error::Unpinned(Box::new(self.unpinned(url).await?)));
        }
        if !options.routes.is_empty() {
            let stages = self.stages(&options.routes)?;
            let found = self.find(source, options, &[]).await?;
            if !is_middleware(&found.inspection) {
                return Err(entries::no_middleware(&found));
            }
            return self.add_middleware(&found, stages, options, asker).await;
        }
        // With several components it depends on what it is whether one of them or a route is asked for.
        let itself = if let Asked::Component(id) = &source { Some(id.as_str()) } else { None };
        let mut components = self.components_named(&options.to, itself)?;
        let mut found = self.find(source.clone(), options, &components).await?;
        let is_dependency = !options.imports.is_empty() || options.rename.is_some();
        if is_middleware(&found.inspection) && !is_dependency {
            if options.to.is_empty() {
                let stages = self.ask_for_stages(&found, asker).await?;
                return self.add_middleware(&found, stages, options, asker).await;
            }
            return Err(Error::Unanswered {
                message: format!("{} is middleware: it imports and exports wasi:http/handler", found.chosen),
                hint: "name the route that it is for with `--route`, in place of `--to`".into(),
            });
        }
        if components.is_empty() {
            components = self.ask_for_components(itself, asker).await?;
            if matches!(source, Asked::Registry { .. }) {
                // Which release fits is a matter of what these components import.
                found = self.find(source, options, &components).await?;
            }
        }
        let entries = entries::choose(&found, options, asker).await?;
        self.add_dependency(&components, &entries, found, options, asker).await
    }

    async fn add_dependency(
        &mut self,
        components: &[String],
        entries: &[Entry],
        found: Found,
        options: &AddOptions,
        asker: &dyn Asker,
    ) -> Result<Added, Error> {
        let mut document = self.document.clone();
        self.put(&mut document, components, entries, &found, &Inherit::Default)?;
        let resolved = self.resolve(document.manifest(), None).await?;
        let reached = self.reached(&found, &resolved.lockfile);
        let parents: Vec<_> = components.iter().filter_map(|id| self.manifest().components.get(id)).collect();
        let before = parents.iter().flat_map(|it| &it.dependencies);
        let before = before.filter(|it| entries.iter().any(|entry| entry.name == it.name));
        let before: Vec<_> = before.map(|it| &it.inherit).collect();
        // A component may have one rule for all its dependencies; against it, `--inherit` is an error of the manifest.
        let with_rule = |it: &&Component| it.dependencies_inherit_configuration.is_some();
        let heirs: Vec<_> =
            parents.iter().copied().filter(|it| !with_rule(it) || !options.inherit.is_empty()).collect();
        let inherit = self.inherited(&found, &reached, &heirs, &before, options, asker).await?;
        let heirs: Vec<_> = heirs.iter().map(|it| it.id.clone()).collect();
        self.put(&mut document, &heirs, entries, &found, &inherit)?;
        let mut warnings = Vec::new();
        for parent in components.iter().filter_map(|id| document.manifest().components.get(id)) {
            for dependency in &parent.dependencies {
                if entries.iter().any(|entry| entry.name == dependency.name) {
                    let grant = parent.granted(dependency);
                    warnings.extend(capabilities::warnings(&found, &reached, &grant));
                }
            }
        }
        warnings.sort();
        warnings.dedup();
        let to_build = parents.iter().filter(|it| it.build.is_some()).map(|it| it.id.clone()).collect();
        let targets = components.iter().flat_map(|id| entries.iter().map(move |entry| (id, entry)));
        let additions = targets.map(|(id, entry)| Addition {
            name: entry.name.to_string(),
            chosen: found.chosen.clone(),
            target: Target::Component(id.clone()),
        });
        let additions = additions.collect();
        let manner = Manner { resolved: Some(resolved), dry_run: options.dry_run };
        let (edit, sync) = self.carry_out(document, manner).await?;
        warnings.extend(found.warnings);
        warnings.extend(self.asked_of_app(options).await);
        Ok(Added { additions, to_build, edit, sync, warnings })
    }

    /// What the dependencies require of the app and it does not give them, now that the new one is among them.
    async fn asked_of_app(&self, options: &AddOptions) -> Vec<String> {
        // It is written, and nothing that is wrong with others undoes it.
        if options.dry_run { Vec::new() } else { self.requirement_warnings().await.unwrap_or_default() }
    }

    /// The components that are named, or the only one that can be meant; none if that is not known yet.
    fn components_named(&self, to: &[String], itself: Option<&str>) -> Result<Vec<String>, Error> {
        if let Some(unknown) = to.iter().find(|id| !self.manifest().components.contains_key(*id)) {
            return Err(self.unknown_component(unknown));
        }
        let mut named: Vec<String> = Vec::new();
        for id in to {
            if !named.contains(id) {
                named.push(id.clone());
            }
        }
        let others = self.components_beside(itself);
        Ok(if named.is_empty() && others.len() == 1 { others } else { named })
    }

    /// The components that can depend on something, which may be one of them.
    fn components_beside(&self, itself: Option<&str>) -> Vec<String> {
        let ids = self.manifest().components.keys();
        ids.filter(|id| Some(id.as_str()) != itself).cloned().collect()
    }

    async fn ask_for_components(
        &self,
        itself: Option<&str>,
        asker: &dyn Asker,
    ) -> Result<Vec<String>, Error> {
        let ids = self.components_beside(itself);
        if ids.is_empty() {
            return Err(Error::Unknown {
                message: "the app has no component that could depend on it".into(),
                hint: None,
            });
        }
        let question = Question {
            text: "Which components get the dependency?".into(),
            kind: QuestionKind::Several { least: 1 },
            choices: ids.iter().map(Choice::plain).collect(),
            default: None,
            missing: "the app has several components".into(),
            advice: "name the one that gets the dependency with `--to`".into(),
        };
        let chosen = question.answer(asker).await?;
        Ok(chosen.into_iter().filter_map(|index| ids.get(index).cloned()).collect())
    }

    /// Puts the entries into every one of these components.
    fn put(
        &self,
        document: &mut Document,
        components: &[String],
        entries: &[Entry],
        found: &Found,
        inherit: &Inherit,
    ) -> Result<(), Error> {
        for (id, entry) in components.iter().flat_map(|id| entries.iter().map(move |entry| (id, entry))) {
            self.check_name(id, &entry.name)?;
            let source = found.source_for(&entry.name);
            document
                .set_dependency(id, &entry.name, &source, entry.export.as_deref(), inherit)
                .map_err(|error| Error::Manifest { excerpt: Box::new(self.excerpt()), error })?;
        }
        Ok(())
    }
}
