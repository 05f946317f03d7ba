//! Middleware: the triggers that get it, and its place in their pipelines.

use spin_deps_component::check_middleware;
use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::{ComponentSource, Document, Grant, Inherit, Route, Source, Trigger};

use super::{AddOptions, Added, Addition, Target, capabilities, source::Found};
use crate::{
    Asker, Error, Project,
    ask::{Choice, Question, QuestionKind},
    content::{Unit, inspect_component},
    edit::Manner,
    suggest,
};

/// A place in a pipeline of middleware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// So many stand before it: 0 is the outermost.
    Position(usize),
    /// Outside of the middleware of this name: a package, a path or a component.
    Before(String),
    /// Inside of the middleware of this name.
    After(String),
}

/// A trigger that middleware can stand in front of.
pub(super) struct Stage {
    trigger: String,
    route: String,
    component: String,
    /// What stands there, outermost first.
    pipeline: Vec<String>,
}

impl Project {
    /// The triggers for these routes.
    pub(super) fn stages(&self, routes: &[String]) -> Result<Vec<Stage>, Error> {
        let mut stages: Vec<Stage> = Vec::new();
        for route in routes {
            let trigger = self.trigger_of(route)?;
            let Some(stage) = Stage::of(trigger) else {
                return Err(Error::Unknown {
                    message: format!("the route `{route}` has a fixed answer, which no middleware sees"),
                    hint: None,
                });
            };
            if stages.iter().all(|it| it.route != stage.route) {
                stages.push(stage);
            }
        }
        Ok(stages)
    }

    /// The triggers that are chosen, of those that have a route and a component.
    pub(super) async fn ask_for_stages(&self, found: &Found, asker: &dyn Asker) -> Result<Vec<Stage>, Error> {
        let stages: Vec<_> = self.manifest().triggers.iter().filter_map(Stage::of).collect();
        let what = format!("{} is middleware: it imports and exports wasi:http/handler", found.chosen);
        if stages.is_empty() {
            return Err(Error::Unknown {
                message: format!("{what}, and the app has no route that it could stand in front of"),
                hint: Some("add an HTTP trigger with a route and a component first".into()),
            });
        }
        let choice = |stage: &Stage| Choice {
            label: format!("{} ({})", stage.route, stage.component),
            ..Choice::plain(&stage.route)
        };
        let question = Question {
            text: format!("{} is middleware. In front of which routes does it stand?", found.chosen),
            kind: QuestionKind::Several { least: 1 },
            choices: stages.iter().map(choice).collect(),
            default: None,
            missing: what,
            advice: "name the route that it is for with `--route`".into(),
        };
        let chosen = question.answer(asker).await?;
        Ok(stages.into_iter().enumerate().filter(|(at, _)| chosen.contains(at)).map(|(_, it)| it).collect())
    }

    pub(super) async fn add_middleware(
        &mut self,
        found: &Found,
        stages: Vec<Stage>,
        options: &AddOptions,
        asker: &dyn Asker,
    ) -> Result<Added, Error> {
        for stage in &stages {
            self.check_stage(stage, found).await?;
        }
        let mut places = Vec::new();
        for stage in stages {
            let position = stage.place(found, options.place.as_ref(), asker).await?;
            places.push((stage, position));
        }
        let plain = self.with_middleware(&places, found, &Inherit::Default)?;
        let resolved = self.resolve(plain.manifest(), None).await?;
        let reached = self.reached(found, &resolved.lockfile);
        let parents = places.iter().filter_map(|(it, _)| self.manifest().components.get(&it.component));
        let parents: Vec<_> = parents.collect();
        let inherit = self.inherited(found, &reached, &parents, &[], options, asker).await?;
        let document = self.with_middleware(&places, found, &inherit)?;
        let grant = Grant::from(&inherit);
        let mut warnings = capabilities::warnings(found, &reached, &grant);
        warnings.extend(found.warnings.iter().cloned());
        let addition = |(stage, position): &(Stage, usize)| Addition {
            name: found.chosen.clone(),
            chosen: found.chosen.clone(),
            target: Target::Middleware { route: stage.route.clone(), position: *position },
        };
        let additions = places.iter().map(addition).collect();
        let manner = Manner { resolved: Some(resolved), dry_run: options.dry_run };
        let (edit, sync) = self.carry_out(document, manner).await?;
        warnings.extend(self.asked_of_app(options).await);
        Ok(Added { additions, to_build: Vec::new(), edit, sync, warnings })
    }

    /// Refuses a component that middleware cannot stand in front of. One that is not built yet, or not fetched, is
    /// checked when the app is composed.
    async fn check_stage(&self, stage: &Stage, found: &Found) -> Result<(), Error> {
        let Some(component) = self.manifest().components.get(&stage.component) else { return Ok(()) };
        let ComponentSource::Path(path) = &component.source else { return Ok(()) };
        let Ok(bytes) = self.bytes(&Unit::File(path.clone()), &Lockfile::default()).await else {
            return Ok(());
        };
        let Ok(inspection) = inspect_component(&stage.component, &bytes) else { return Ok(()) };
        check_middleware((&found.chosen, &found.inspection), (&stage.component, &inspection)).map_err(
            |error| {
                self.at(&component.source_span, "it would stand in front of this", &Error::Compose(error))
            },
        )
    }

    /// The manifest with the middleware in its places.
    fn with_middleware(
        &self,
        places: &[(Stage, usize)],
        found: &Found,
        inherit: &Inherit,
    ) -> Result<Document, Error> {
        let mut document = self.document.clone();
        for (stage, position) in places {
            document
                .insert_middleware(&stage.trigger, *position, &found.source, inherit)
                .map_err(|error| Error::Manifest { excerpt: Box::new(self.excerpt()), error })?;
        }
        Ok(document)
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

impl Stage {
    /// A trigger with a route and a component; what is private or answers by itself is none.
    fn of(trigger: &Trigger) -> Option<Self> {
        match &trigger.http.as_ref()?.route {
            Route::Path(route) => Some(Self {
                trigger: trigger.id.clone(),
                route: route.clone(),
                component: trigger.component.clone()?,
                pipeline: trigger.middleware.iter().map(|it| label(&it.source)).collect(),
            }),
            Route::Private => None,
        }
    }

    /// Where the new one goes: where it was said, else where it is moved to, else behind all others.
    async fn place(&self, found: &Found, place: Option<&Place>, asker: &dyn Asker) -> Result<usize, Error> {
        let (route, last) = (&self.route, self.pipeline.len());
        match place {
            Some(Place::Position(position)) if *position > last => Err(Error::Unanswered {
                message: format!(
                    "the pipeline of {route} has {last} middleware, so position {position} is out of range"
                ),
                hint: format!("give `--position` a number from 0, the outermost, to {last}"),
            }),
            Some(Place::Position(position)) => Ok(*position),
            Some(Place::Before(name)) => self.position_of(name),
            Some(Place::After(name)) => Ok(self.position_of(name)? + 1),
            None if last == 0 => Ok(0),
            None => {
                let question = Question {
                    text: format!("Where in the pipeline of {route}?"),
                    kind: QuestionKind::Place {
                        new: found.chosen.clone(),
                        end: format!("component {}", self.component),
                    },
                    choices: self.pipeline.iter().map(Choice::plain).collect(),
                    default: Some(vec![last]),
                    missing: format!("the place in the pipeline of {route} is missing"),
                    advice: "give it with `--before` or `--after`".into(),
                };
                Ok(question.answer_one(asker).await?.min(last))
            }
        }
    }

    fn position_of(&self, name: &str) -> Result<usize, Error> {
        let found: Vec<_> = (0..self.pipeline.len()).filter(|at| self.pipeline[*at] == name).collect();
        match found.as_slice() {
            [only] => Ok(*only),
            [] => Err(Error::Unknown {
                message: format!("the pipeline of `{}` has no middleware `{name}`", self.route),
                hint: Some(suggest::hint(name, self.pipeline.iter().map(String::as_str), "it has")),
            }),
            several => Err(Error::Unanswered {
                message: format!("the pipeline of `{}` has `{name}` more than once", self.route),
                hint: format!(
                    "give the place with `--position`; it stands at {}",
                    several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                ),
            }),
        }
    }
}

/// What a source is called when its entry has no better name.
pub(crate) fn label(source: &Source) -> String {
    match source {
        Source::Registry { package, .. } => package.to_string(),
        Source::Path(path) => path.clone(),
        Source::Url { url, .. } => url.to_string(),
        Source::Component(id) => id.clone(),
    }
}
