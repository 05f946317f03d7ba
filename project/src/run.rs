//! Running the app: from the manifest and the composed components to what the host starts.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::RangeInclusive,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use spin_deps_host::{App, Event, Handler, Instances, Options, Output, Pattern, Reuse, Route as HostRoute};
use spin_deps_manifest::{HttpTrigger, InstanceReuse, Manifest, Route, Trigger};
use spin_deps_registry::{Progress, ProgressTask};

use crate::{
    ComposedComponent, Error, Project,
    compiled::compiled_cache,
    compose::same_pipeline,
    files,
    guest::Guests,
    variables::{self, Given, Variables},
};

/// The kinds of triggers that the embedded host runs.
const HTTP: &str = "http";
const COMMAND: &str = "command";

/// How the app is to be run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Where to listen; a free loopback port if not given.
    pub listen: Option<SocketAddr>,
    /// Values of variables.
    pub variables: BTreeMap<String, String>,
    /// Files with values of variables, in TOML or JSON; those of a later one count before those of an earlier one.
    pub variables_files: Vec<PathBuf>,
    /// The directory for what key-value stores and databases keep. Without it, it is kept in memory.
    pub state: Option<PathBuf>,
    /// SQL to run on the database `default` first: statements, or `@FILE` with statements.
    pub sqlite: Vec<String>,
    /// The arguments of commands.
    pub arguments: Vec<String>,
    /// Whether commands read and write the standard streams of this process. Without it their lines go to `output`.
    pub inherit_stdio: bool,
    /// Where the lines go that guests write, and the reasons when they trap.
    pub output: Output,
    /// How instances are reused. It counts before what the manifest says of a component.
    pub reuse: InstanceReuse,
    /// How long a guest may take to answer a request; of a range, each request gets one.
    pub request_timeout: Option<RangeInclusive<Duration>>,
    /// The most memory of an instance, in bytes.
    pub max_memory: Option<usize>,
}

impl Default for RunOptions {
    fn default() -> Self {
        let host = Options::default();
        Self {
            listen: None,
            variables: BTreeMap::new(),
            variables_files: Vec::new(),
            state: None,
            sqlite: Vec::new(),
            arguments: Vec::new(),
            inherit_stdio: false,
            output: host.output,
            reuse: InstanceReuse::default(),
            request_timeout: host.request_timeout,
            max_memory: host.max_memory,
        }
    }
}

/// A running app, with what it is made of.
pub struct Running {
    host: spin_deps_host::Running,
    /// The components that run.
    pub composed: Vec<ComposedComponent>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Whether it serves requests.
    pub serves: bool,
    /// The names of the commands, in the order of their triggers.
    commands: Vec<String>,
    /// Files that were gathered for components; they go when the app has stopped.
    _staged: Vec<tempfile::TempDir>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.host.address()
    }

    /// The names of its commands, in the order of their triggers.
    pub(crate) fn commands(&self) -> &[String] {
        &self.commands
    }

    /// The instances that were made of each component so far, by its name in the host.
    pub(crate) fn instances(&self) -> BTreeMap<String, Instances> {
        self.host.instances()
    }

    /// Runs the commands to their end, one after the other.
    ///
    /// # Errors
    /// When one traps or ends with another status than 0; the others do not run then.
    pub async fn run_commands(&self) -> Result<(), Error> {
        for command in &self.commands {
            let status = self.host.run(command).await?;
            if status != 0 {
                return Err(Error::Command { command: command.clone(), status });
            }
        }
        Ok(())
    }

    /// Stops it: no new requests, those under way may finish.
    pub async fn shutdown(self) {
        self.host.shutdown().await;
    }
}

impl Project {
    /// The routes of the app and what answers them, in the order of the manifest.
    pub fn routes(&self) -> Vec<(String, String)> {
        let routes = self.manifest().triggers.iter().filter_map(|trigger| {
            let Route::Path(path) = &trigger.http.as_ref()?.route else {
                return None;
            };
            let answers = trigger.component.clone().unwrap_or_else(|| "static response".into());
            Some((with_base(self.manifest(), path), answers))
        });
        routes.collect()
    }

    /// Composes and starts the app. The lockfile must fit and its content be fetched ([`Self::sync`]).
    pub async fn start(&self, options: &RunOptions) -> Result<Running, Error> {
        self.require_application("`up` and `verify` start")?;
        let mut composed = BTreeMap::new();
        for (name, id, trigger) in self.chains() {
            composed.insert(name, self.compose_component(id, &trigger.middleware).await?);
        }
        self.start_composed(options, &composed).await
    }

    /// What has to be composed to run the app, in the order of the manifest: the name that the host has for it, the
    /// component, and a trigger with its middleware.
    pub(crate) fn chains(&self) -> Vec<(String, &str, &Trigger)> {
        let mut chains: Vec<(String, &str, &Trigger)> = Vec::new();
        for trigger in self.manifest().triggers.iter().filter(|it| runs(it)) {
            let Some(id) = &trigger.component else { continue };
            let name = self.instance_name(trigger, id);
            if chains.iter().all(|(known, ..)| *known != name) {
                chains.push((name, id, trigger));
            }
        }
        chains
    }

    /// Starts the app with what was made of its [`Self::chains`].
    pub(crate) async fn start_composed(
        &self,
        options: &RunOptions,
        made: &BTreeMap<String, ComposedComponent>,
    ) -> Result<Running, Error> {
        if !self.manifest().triggers.iter().any(runs) {
            return Err(Error::Unknown {
                message: "the app has no trigger that the embedded host runs".into(),
                hint: Some(format!(
                    "it runs triggers of the kinds `{HTTP}` and `{COMMAND}`; `spin up` may know others"
                )),
            });
        }
        let variables = Variables::new(self.manifest(), &self.given_variables(options)?)?;
        let mut guests = Guests::new(self, &variables);
        let mut composed = Vec::new();
        let mut commands = Vec::new();
        let mut app = App { name: self.manifest().application.name.clone(), ..App::default() };
        for statement in &options.sqlite {
            app.statements.push(match statement.strip_prefix('@') {
                Some(file) => files::read_text(&self.settings.current_dir.join(file))?,
                None => statement.clone(),
            });
        }
        for trigger in &self.manifest().triggers {
            if !runs(trigger) {
                guests.warnings.push(format!(
                    "trigger `{}` is of the kind `{}`, which the embedded host does not run; it runs `{HTTP}` and `{COMMAND}`",
                    trigger.id, trigger.kind
                ));
                continue;
            }
            if let Some(id) = &trigger.component {
                let name = self.instance_name(trigger, id);
                if let (false, Some(made)) = (app.components.contains_key(&name), made.get(&name)) {
                    let component = &self.manifest().components[id];
                    let mut run = guests.component(component, made)?;
                    run.reuse = Some(reuse(&options.reuse.or(&component.deps.reuse)));
                    if trigger.kind == COMMAND {
                        run.arguments =
                            [id.clone()].into_iter().chain(options.arguments.iter().cloned()).collect();
                        run.inherit_stdio = options.inherit_stdio;
                    } else {
                        app.internal.entry(id.clone()).or_insert_with(|| name.clone());
                    }
                    app.components.insert(name.clone(), run);
                    composed.push(made.clone());
                }
                if trigger.kind == COMMAND {
                    app.commands.insert(name.clone());
                    commands.push(name);
                }
            }
            if let Some(http) = &trigger.http {
                app.routes.extend(self.route(trigger, http));
            }
        }
        let serves = !app.routes.is_empty();
        // An app of commands only listens too, to nobody: not where something else may.
        let listen = options.listen.filter(|_| serves);
        let listen = listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let host = Options {
            listen,
            compiled_cache: Some(compiled_cache(&self.settings)),
            state: options.state.clone(),
            output: options.output.clone(),
            request_timeout: options.request_timeout.clone(),
            max_memory: options.max_memory,
            progress: Some(compile_progress(Arc::clone(&self.settings.progress))),
            ..Options::default()
        };
        let host = spin_deps_host::start(app, host).await?;
        let Guests { warnings, staged, .. } = guests;
        Ok(Running { host, composed, warnings, commands, serves, _staged: staged })
    }

    /// The route of a trigger and what answers it.
    fn route(&self, trigger: &Trigger, http: &HttpTrigger) -> Option<HostRoute> {
        let handler = match (&http.static_response, &trigger.component) {
            (Some(fixed), _) => Handler::Static {
                status: fixed.status_code,
                headers: fixed.headers.clone(),
                body: fixed.body.clone().unwrap_or_default().into(),
            },
            (None, Some(id)) => Handler::Component(self.instance_name(trigger, id)),
            (None, None) => return None,
        };
        let pattern = match &http.route {
            Route::Path(path) => Pattern::Path(with_base(self.manifest(), path)),
            Route::Private => Pattern::Private,
        };
        Some(HostRoute { pattern, handler, trigger: trigger.id.clone() })
    }

    /// The values that are given for variables, with what gives them: the command line, files, the environment and a
    /// file `.env` beside the manifest, in this order.
    fn given_variables(&self, options: &RunOptions) -> Result<Given, Error> {
        let mut given = Given { asked: options.variables.clone(), ..Given::default() };
        for file in options.variables_files.iter().rev() {
            let text = files::read_text(&self.settings.current_dir.join(file))?;
            for (name, value) in variables::from_file(file, &text)? {
                given.asked.entry(name).or_insert(value);
            }
        }
        let environment = &self.settings.environment;
        let file = files::read_text_if_there(&self.directory().join(".env"))?.unwrap_or_default();
        for name in self.manifest().variables.keys() {
            let variable = variables::environment_name(name);
            let value = environment.get(&variable).or_else(|| variables::from_dotenv(&file, &variable));
            given.surroundings.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(given)
    }

    /// Triggers of one component with the same middleware share it; others are components of their own.
    pub(crate) fn instance_name(&self, trigger: &Trigger, component: &str) -> String {
        let same = |other: &&Trigger| {
            other.component.as_deref() == Some(component)
                && other.kind == trigger.kind
                && same_pipeline(&other.middleware, &trigger.middleware)
        };
        let serves = |other: &Trigger| other.http.is_some() && other.component.as_deref() == Some(component);
        let both = trigger.kind == COMMAND && self.manifest().triggers.iter().any(serves);
        match self.manifest().triggers.iter().find(same) {
            Some(first) if both || !first.middleware.is_empty() => format!("{component} ({})", first.id),
            _ => component.to_owned(),
        }
    }
}

/// Whether the embedded host runs a trigger.
fn runs(trigger: &Trigger) -> bool {
    trigger.http.is_some() || trigger.kind == COMMAND
}

/// The host's limits where nothing else is said.
fn reuse(said: &InstanceReuse) -> Reuse {
    let host = Reuse::default();
    Reuse {
        requests: said.requests.clone().unwrap_or(host.requests),
        concurrent: said.concurrent.clone().unwrap_or(host.concurrent),
        idle: said.idle.clone().unwrap_or(host.idle),
    }
}

/// Shows a task for every component while it is compiled.
fn compile_progress(progress: Arc<dyn Progress>) -> spin_deps_host::Progress {
    let tasks: Mutex<BTreeMap<String, Box<dyn ProgressTask>>> = Mutex::default();
    Arc::new(move |event| {
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Compiling { component, .. } => {
                let task = progress.begin(&format!("compiling {component}"), None);
                tasks.insert(component.to_owned(), task);
            }
            Event::Ready { component, .. } => drop(tasks.remove(component)),
        }
    })
}

/// A route under the application's base path.
fn with_base(manifest: &Manifest, route: &str) -> String {
    match &manifest.application.http_base {
        Some(base) => format!("{}{route}", base.trim_end_matches('/')),
        None => route.to_owned(),
    }
}
