//! `add`: from what a user types to an entry in the manifest, a lockfile that has it, and its WIT.
//!
//! The order is: resolve with the new requirement, fetch what was chosen, learn its exports from its bytes, name
//! the entry, and only then write. Whatever fails or is interrupted after the first write, everything is put back.

mod entry;
mod source;
mod unpinned;

use spin_deps_manifest::{Document, Route, Trigger};
use wasm_pkg_common::{digest::ContentDigest, registry::Registry};

pub use self::unpinned::Unpinned;
use self::{
    entry::{dependency_names, inherit, is_middleware},
    source::Found,
};
use crate::{Error, Project, SyncOutcome, change::Change, suggest};

/// What is to be added, as the command line has it.
#[derive(Clone, Debug, Default)]
pub struct AddOptions {
    /// `ns:name[@REQ]`, a path, an `http(s)` URL or the id of a component of the app.
    pub source: String,
    /// The component that gets the dependency; the only one if not given.
    pub to: Option<String>,
    /// Dependency names; the exports of the source decide if not given.
    pub imports: Vec<String>,
    /// The export that meets the import, where it has another name.
    pub export: Option<String>,
    /// Capabilities that pass: keys, or `all`, or `none`; nothing written if empty.
    pub inherit: Vec<String>,
    /// The registry that the package comes from, where it is not the configured one.
    pub registry: Option<Registry>,
    /// The digest of what is behind a URL.
    pub digest: Option<ContentDigest>,
    /// Add it as middleware of the trigger with this route.
    pub route: Option<String>,
    /// The place in the middleware pipeline, 0 is outermost; last if not given.
    pub position: Option<usize>,
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

/// What `add` did.
#[derive(Debug)]
pub struct Added {
    /// The entries.
    pub additions: Vec<Addition>,
    /// What happened to the lockfile and the generated files.
    pub sync: SyncOutcome,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Project {
    /// Adds a dependency to a component, or middleware to a trigger, and brings lockfile and WIT up to date. A URL
    /// without a digest is [`Error::Unpinned`], which says what is there: to add it, ask again with that digest.
    pub async fn add(&mut self, options: &AddOptions) -> Result<Added, Error> {
        let asked = self.understand(options)?;
        if let Some(route) = &options.route {
            let trigger = self.trigger_of(route)?.id.clone();
            let found = self.find(asked, options, None).await?;
            return self.add_middleware(&trigger, route, found, options).await;
        }
        let component = self.component_for(options.to.as_deref())?;
        let found = self.find(asked, options, Some(&component)).await?;
        if is_middleware(&found.inspection) && options.imports.is_empty() {
            return Err(Error::Unanswered {
                message: format!("{} is middleware: it imports and exports wasi:http/handler", found.chosen),
                hint: "name the route that it is for with `--route`".into(),
            });
        }
        self.add_dependency(&component, found, options).await
    }

    async fn add_dependency(
        &mut self,
        component: &str,
        found: Found,
        options: &AddOptions,
    ) -> Result<Added, Error> {
        let names = dependency_names(&found, &options.imports)?;
        let inherit = inherit(&options.inherit, &found.inspection)?;
        let mut document = self.document.clone();
        let mut additions = Vec::new();
        for name in &names {
            document
                .set_dependency(component, name, &found.source_for(name), options.export.as_deref(), &inherit)
                .map_err(|error| Error::Manifest { excerpt: Box::new(self.excerpt()), error })?;
            additions.push(Addition {
                name: name.to_string(),
                chosen: found.chosen.clone(),
                target: Target::Component(component.to_owned()),
            });
        }
        let sync = self.write_manifest_and_sync(document).await?;
        let mut warnings = self.capability_warnings(component, &names, &found);
        warnings.extend(found.warnings);
        Ok(Added { additions, sync, warnings })
    }

    async fn add_middleware(
        &mut self,
        trigger: &str,
        route: &str,
        found: Found,
        options: &AddOptions,
    ) -> Result<Added, Error> {
        if !is_middleware(&found.inspection) {
            return Err(Error::Unknown {
                message: format!(
                    "{} is not middleware: it must import and export wasi:http/handler",
                    found.chosen
                ),
                hint: Some("leave out `--route` to add it as a dependency of a component".into()),
            });
        }
        let pipeline =
            self.manifest().triggers.iter().find(|it| it.id == trigger).map_or(0, |it| it.middleware.len());
        let position = options.position.unwrap_or(pipeline);
        if position > pipeline {
            return Err(Error::Unanswered {
                message: format!(
                    "the pipeline of {route} has {pipeline} middleware, so position {position} is out of range"
                ),
                hint: format!("give `--position` a number from 0, the outermost, to {pipeline}"),
            });
        }
        let mut document = self.document.clone();
        document
            .insert_middleware(
                trigger,
                position,
                &found.source,
                &inherit(&options.inherit, &found.inspection)?,
            )
            .map_err(|error| Error::Manifest { excerpt: Box::new(self.excerpt()), error })?;
        let addition = Addition {
            name: found.chosen.clone(),
            chosen: found.chosen.clone(),
            target: Target::Middleware { route: route.to_owned(), position },
        };
        let sync = self.write_manifest_and_sync(document).await?;
        Ok(Added { additions: vec![addition], sync, warnings: Vec::new() })
    }

    /// Writes the changed manifest and everything that follows from it; on failure nothing has changed.
    pub(crate) async fn write_manifest_and_sync(&mut self, document: Document) -> Result<SyncOutcome, Error> {
        let mut change = Change::default();
        let before = (self.document.clone(), self.lock.clone());
        change.write(&self.manifest_path, document.text().as_bytes())?;
        self.document = document;
        match self.sync_within(&mut change).await {
            Ok(mut outcome) => {
                // The author's world follows the change by hand, so what is wrong with it now does not stand in the way.
                outcome.warnings.extend(self.check_world().unwrap_or_else(|error| vec![error.to_string()]));
                change.keep();
                Ok(outcome)
            }
            Err(error) => {
                (self.document, self.lock) = before;
                Err(error)
            }
        }
    }

    fn component_for(&self, to: Option<&str>) -> Result<String, Error> {
        let components = &self.manifest().components;
        match to {
            Some(id) if components.contains_key(id) => Ok(id.to_owned()),
            Some(id) => Err(self.unknown_component(id)),
            None => match components.keys().collect::<Vec<_>>().as_slice() {
                [only] => Ok((*only).clone()),
                [] => Err(Error::Unknown { message: "the app has no component".into(), hint: None }),
                several => Err(Error::Unanswered {
                    message: "the app has several components".into(),
                    hint: format!(
                        "name the one that gets the dependency with `--to`: {}",
                        several.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
                    ),
                }),
            },
        }
    }

    /// The trigger for a route.
    pub(crate) fn trigger_of(&self, route: &str) -> Result<&Trigger, Error> {
        let routes = || {
            self.manifest().triggers.iter().filter_map(|trigger| match &trigger.http.as_ref()?.route {
                Route::Path(path) => Some((path.as_str(), trigger)),
                Route::Private => None,
            })
        };
        routes().find(|(path, _)| *path == route).map(|(_, trigger)| trigger).ok_or_else(|| Error::Unknown {
            message: format!("no HTTP trigger has the route `{route}`"),
            hint: Some(suggest::hint(route, routes().map(|(path, _)| path), "the app has")),
        })
    }
}
