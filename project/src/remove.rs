//! `remove`: the opposite of `add`, from the manifest, the lockfile and the generated files.
//!
//! A name can stand in several places: in two components, or in a component and in the pipeline of a route. Which of them
//! is meant is asked for.

use spin_deps_manifest::{Dependency, DependencyName, Document, Route, Trigger};

use crate::{
    Asker, Edit, Error, Project, SyncOutcome, Target,
    add::label,
    ask::{Choice, Question, QuestionKind},
    edit::Manner,
    suggest,
};

/// What is to be removed, as the command line has it.
#[derive(Clone, Debug, Default)]
pub struct RemoveOptions {
    /// The name of the dependency as the manifest has it, its package, or what the middleware is; with one route also its
    /// place in the pipeline.
    pub name: String,
    /// The components that have the dependency.
    pub to: Vec<String>,
    /// The routes of the triggers that have the middleware.
    pub routes: Vec<String>,
    /// Write nothing.
    pub dry_run: bool,
}

/// What `remove` did, or would do.
#[derive(Debug)]
pub struct Removed {
    /// The entries that were removed, with where they were.
    pub entries: Vec<(String, Target)>,
    /// The manifest.
    pub edit: Edit,
    /// What happened to the lockfile and the generated files.
    pub sync: SyncOutcome,
}

/// One place where the name stands.
#[derive(Clone)]
enum Match {
    /// Entries of a component.
    Entries(String, Vec<DependencyName>),
    /// Middleware of a trigger.
    Middleware { trigger: String, route: String, position: usize, what: String },
}

impl Project {
    /// Removes a dependency of components, or middleware of triggers.
    pub async fn remove(&mut self, options: &RemoveOptions, asker: &dyn Asker) -> Result<Removed, Error> {
        let mut chosen = self.matches(options, asker).await?;
        // From the back of each pipeline, so that the places of the others stay what they are.
        chosen.sort_by_key(|it| match it {
            Match::Entries(..) => 0,
            Match::Middleware { position, .. } => usize::MAX - position,
        });
        let mut document = self.document.clone();
        let mut entries = Vec::new();
        for found in chosen {
            let removed = remove(&mut document, &found);
            removed.map_err(|error| Error::Manifest { excerpt: Box::new(self.excerpt()), error })?;
            entries.extend(found.targets());
        }
        // A rehearsal resolves and does not build what is linked.
        let resolved =
            if options.dry_run { Some(self.resolve(document.manifest(), None).await?) } else { None };
        let manner = Manner { resolved, dry_run: options.dry_run };
        let (edit, sync) = self.carry_out(document, manner).await?;
        Ok(Removed { entries, edit, sync })
    }

    /// The places that are meant.
    async fn matches(&self, options: &RemoveOptions, asker: &dyn Asker) -> Result<Vec<Match>, Error> {
        let name = &options.name;
        if !options.routes.is_empty() {
            let mut all = Vec::new();
            for route in &options.routes {
                let found = middleware_named(self.trigger_of(route)?, route, name)?;
                all.push(choose(name, found, asker).await?);
            }
            return Ok(all.into_iter().flatten().collect());
        }
        if let Some(unknown) = options.to.iter().find(|id| !self.manifest().components.contains_key(*id)) {
            return Err(self.unknown_component(unknown));
        }
        let mut found = Vec::new();
        for (id, component) in &self.manifest().components {
            if options.to.is_empty() || options.to.contains(id) {
                let names = entries_named(&component.dependencies, name);
                if names.is_empty() && !options.to.is_empty() {
                    return Err(self.not_there(name, std::slice::from_ref(id)));
                }
                found.extend((!names.is_empty()).then(|| Match::Entries(id.clone(), names)));
            }
        }
        if !options.to.is_empty() {
            return Ok(found);
        }
        for trigger in &self.manifest().triggers {
            found.extend(in_pipeline(trigger, name));
        }
        if found.is_empty() {
            let all: Vec<_> = self.manifest().components.keys().cloned().collect();
            return Err(self.not_there(name, &all));
        }
        choose(name, found, asker).await
    }

    fn not_there(&self, name: &str, components: &[String]) -> Error {
        let components = components.iter().filter_map(|id| self.manifest().components.get(id));
        let mut known: Vec<_> =
            components.flat_map(|it| &it.dependencies).map(|it| it.name.to_string()).collect();
        let middleware = self.manifest().triggers.iter().flat_map(|it| &it.middleware);
        known.extend(middleware.map(|it| label(&it.source)));
        known.dedup();
        Error::Unknown {
            message: format!("there is no dependency `{name}`"),
            hint: Some(if known.is_empty() {
                "the app has no dependencies and no middleware".into()
            } else {
                suggest::hint(name, known.iter().map(String::as_str), "the app has")
            }),
        }
    }
}

impl Match {
    fn targets(self) -> Vec<(String, Target)> {
        match self {
            Self::Entries(id, names) => {
                names.iter().map(|it| (it.to_string(), Target::Component(id.clone()))).collect()
            }
            Self::Middleware { route, position, what, .. } => {
                vec![(what, Target::Middleware { route, position })]
            }
        }
    }

    fn choice(&self) -> Choice {
        match self {
            Self::Entries(id, names) => {
                let names: Vec<_> = names.iter().map(|it| format!("`{it}`")).collect();
                let label = format!("{} of component `{id}`", names.join(", "));
                Choice { label, ..Choice::plain(format!("--to {id}")) }
            }
            Self::Middleware { route, position, what, .. } => {
                let label = format!("middleware `{what}` of `{route}`, at position {position}");
                Choice { label, ..Choice::plain(format!("--route {route}")) }
            }
        }
    }
}

/// The one place, or those that are chosen.
async fn choose(name: &str, found: Vec<Match>, asker: &dyn Asker) -> Result<Vec<Match>, Error> {
    let components = found.iter().filter(|it| matches!(it, Match::Entries(..))).count();
    let mut choices: Vec<_> = found.iter().map(Match::choice).collect();
    let mut routes: Vec<_> = choices.iter().map(|it| it.value.clone()).collect();
    routes.dedup();
    let (missing, advice) = if components == found.len() {
        for (choice, it) in choices.iter_mut().zip(&found) {
            if let Match::Entries(id, _) = it {
                choice.value.clone_from(id);
            }
        }
        (format!("several components have a dependency `{name}`"), "name one with `--to`")
    } else if routes.len() < found.len() {
        for (choice, it) in choices.iter_mut().zip(&found) {
            if let Match::Middleware { route, position, .. } = it {
                choice.value = format!("spin-deps remove {position} --route {route}");
            }
        }
        (format!("`{name}` stands in several places"), "name the position in place of the name")
    } else {
        (format!("`{name}` stands in several places"), "say which one is meant")
    };
    let question = Question {
        text: format!("Which `{name}` is to be removed?"),
        kind: QuestionKind::Several { least: 1 },
        choices,
        default: None,
        missing,
        advice: advice.into(),
    };
    let chosen = question.answer(asker).await?;
    Ok(found.into_iter().enumerate().filter(|(at, _)| chosen.contains(at)).map(|(_, it)| it).collect())
}

fn remove(document: &mut Document, found: &Match) -> Result<(), spin_deps_manifest::ManifestError> {
    match found {
        Match::Entries(id, names) => {
            names.iter().try_for_each(|name| document.remove_dependency(id, name).map(drop))
        }
        Match::Middleware { trigger, position, .. } => document.remove_middleware(trigger, *position),
    }
}

/// The entries that a name stands for: the one of this very name, else all of the package.
fn entries_named(dependencies: &[Dependency], name: &str) -> Vec<DependencyName> {
    let names = |fits: &dyn Fn(&Dependency) -> bool| -> Vec<_> {
        dependencies.iter().filter(|it| fits(it)).map(|it| it.name.clone()).collect()
    };
    let exact = names(&|it| it.name.to_string() == name);
    if exact.is_empty() { names(&|it| label(&it.source) == name) } else { exact }
}

/// The places in a trigger's pipeline where there is middleware of this name.
fn in_pipeline(trigger: &Trigger, name: &str) -> Vec<Match> {
    let route = match trigger.http.as_ref().map(|it| &it.route) {
        Some(Route::Path(route)) => route.clone(),
        _ => trigger.id.clone(),
    };
    let pipeline = trigger.middleware.iter().map(|it| label(&it.source)).enumerate();
    pipeline
        .filter(|(_, what)| what == name)
        .map(|(position, what)| Match::Middleware {
            trigger: trigger.id.clone(),
            route: route.clone(),
            position,
            what,
        })
        .collect()
}

/// The middleware of a trigger that a name or a position stands for.
fn middleware_named(trigger: &Trigger, route: &str, name: &str) -> Result<Vec<Match>, Error> {
    let found = in_pipeline(trigger, name);
    if !found.is_empty() {
        return Ok(found);
    }
    let labels: Vec<_> = trigger.middleware.iter().map(|it| label(&it.source)).collect();
    let by_position = name.parse::<usize>().ok().and_then(|at| Some((at, labels.get(at)?.clone())));
    let (position, what) = by_position.ok_or_else(|| Error::Unknown {
        message: format!("the pipeline of `{route}` has no middleware `{name}`"),
        hint: Some(suggest::hint(name, labels.iter().map(String::as_str), "it has")),
    })?;
    Ok(vec![Match::Middleware { trigger: trigger.id.clone(), route: route.to_owned(), position, what }])
}
