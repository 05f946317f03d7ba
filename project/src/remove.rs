//! `remove`: the opposite of `add`, from the manifest, the lockfile and the generated files.

use spin_deps_manifest::{DependencyName, Source, Trigger};

use crate::{Error, Project, SyncOutcome, Target, suggest};

/// What is to be removed, as the command line has it.
#[derive(Clone, Debug, Default)]
pub struct RemoveOptions {
    /// The name of the dependency as the manifest has it, its package, or with `route` what the middleware is.
    pub name: String,
    /// The component that has the dependency; the only one that has it if not given.
    pub to: Option<String>,
    /// The route of the trigger that has the middleware.
    pub route: Option<String>,
}

/// What `remove` did.
#[derive(Debug)]
pub struct Removed {
    /// The entries that were removed, with where they were.
    pub entries: Vec<(String, Target)>,
    /// What happened to the lockfile and the generated files.
    pub sync: SyncOutcome,
}

impl Project {
    /// Removes a dependency of a component, or middleware of a trigger.
    pub async fn remove(&mut self, options: &RemoveOptions) -> Result<Removed, Error> {
        let mut document = self.document.clone();
        let changed = |error| Error::Manifest { excerpt: Box::new(self.excerpt()), error };
        let entries = if let Some(route) = &options.route {
            let trigger = self.trigger_of(route)?;
            let (position, name) = middleware_named(trigger, route, &options.name)?;
            document.remove_middleware(&trigger.id, position).map_err(changed)?;
            vec![(name, Target::Middleware { route: route.clone(), position })]
        } else {
            let (component, names) = self.dependencies_named(options)?;
            let mut entries = Vec::new();
            for name in names {
                document.remove_dependency(&component, &name).map_err(changed)?;
                entries.push((name.to_string(), Target::Component(component.clone())));
            }
            entries
        };
        let sync = self.write_manifest_and_sync(document).await?;
        Ok(Removed { entries, sync })
    }

    /// The component and the names of its entries that the user means: the very name, else all of the package.
    fn dependencies_named(&self, options: &RemoveOptions) -> Result<(String, Vec<DependencyName>), Error> {
        if let Some(id) = &options.to
            && !self.manifest().components.contains_key(id)
        {
            return Err(self.unknown_component(id));
        }
        let components = || {
            self.manifest().components.iter().filter(|(id, _)| options.to.as_ref().is_none_or(|to| to == *id))
        };
        let mut found: Vec<(String, Vec<DependencyName>)> = Vec::new();
        for (id, component) in components() {
            let entries_of = |exact: bool| -> Vec<DependencyName> {
                let fits = |it: &&spin_deps_manifest::Dependency| {
                    if exact {
                        it.name.to_string() == options.name
                    } else {
                        label(&it.source) == options.name
                    }
                };
                component.dependencies.iter().filter(fits).map(|it| it.name.clone()).collect()
            };
            let exact = entries_of(true);
            let names = if exact.is_empty() { entries_of(false) } else { exact };
            if !names.is_empty() {
                found.push((id.clone(), names));
            }
        }
        match found.len() {
            1 => Ok(found.swap_remove(0)),
            0 => {
                let known: Vec<_> = components()
                    .flat_map(|(_, component)| &component.dependencies)
                    .map(|it| it.name.to_string())
                    .collect();
                Err(Error::Unknown {
                    message: format!("there is no dependency `{}`", options.name),
                    hint: Some(if known.is_empty() {
                        "the app has no dependencies; middleware is removed with `--route`".into()
                    } else {
                        suggest::hint(&options.name, known.iter().map(String::as_str), "the app has")
                    }),
                })
            }
            _ => Err(Error::Unanswered {
                message: format!("several components have a dependency `{}`", options.name),
                hint: format!(
                    "name one with `--to`: {}",
                    found.iter().map(|(id, _)| format!("`{id}`")).collect::<Vec<_>>().join(", ")
                ),
            }),
        }
    }
}

/// What a source is called when its entry has no better name.
fn label(source: &Source) -> String {
    match source {
        Source::Registry { package, .. } => package.to_string(),
        Source::Path(path) => path.clone(),
        Source::Url { url, .. } => url.to_string(),
        Source::Component(id) => id.clone(),
    }
}

/// The place in a pipeline that the user means, and what is there.
fn middleware_named(trigger: &Trigger, route: &str, name: &str) -> Result<(usize, String), Error> {
    let labels: Vec<_> = trigger.middleware.iter().map(|it| label(&it.source)).collect();
    let by_position = name.parse::<usize>().ok().filter(|position| *position < labels.len());
    let position = labels.iter().position(|it| it == name).or(by_position).ok_or_else(|| Error::Unknown {
        message: format!("the pipeline of `{route}` has no middleware `{name}`"),
        hint: Some(suggest::hint(name, labels.iter().map(String::as_str), "it has")),
    })?;
    Ok((position, labels[position].clone()))
}
