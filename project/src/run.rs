//! Running the app: from the manifest and the composed components to what the host starts.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use spin_deps_host::{
    App, Component as HostComponent, Event, Handler, Instances, Mount, Options, Output, Pattern, Reuse,
    Route as HostRoute,
};
use spin_deps_manifest::{Component, FileMount, InstanceReuse, Manifest, Route, Trigger};

use spin_deps_registry::{Progress, ProgressTask};
use wasm_pkg_common::digest::ContentDigest;

use crate::{ComposedComponent, Error, Project, compiled::compiled_cache, variables::Variables};

/// How the app is to be run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Where to listen; a free loopback port if not given.
    pub listen: Option<SocketAddr>,
    /// Values of variables.
    pub variables: BTreeMap<String, String>,
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
    /// Files that were gathered for components; they go when the app has stopped.
    _staged: Vec<tempfile::TempDir>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.host.address()
    }

    /// The instances that were made of each component so far, by its name in the host.
    pub(crate) fn instances(&self) -> BTreeMap<String, Instances> {
        self.host.instances()
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
        for trigger in self.manifest().triggers.iter().filter(|trigger| trigger.http.is_some()) {
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
        let variables = Variables::new(self.manifest(), &options.variables, &self.settings.environment)?;
        let mut staged = Vec::new();
        let mut composed = Vec::new();
        let mut warnings = Vec::new();
        let mut app = App {
            name: self.manifest().application.name.clone(),
            routes: Vec::new(),
            components: BTreeMap::new(),
        };
        for trigger in &self.manifest().triggers {
            let Some(http) = &trigger.http else {
                warnings.push(format!(
                    "trigger `{}` is of the kind `{}`, which the embedded host does not run",
                    trigger.id, trigger.kind
                ));
                continue;
            };
            let handler = match (&http.static_response, &trigger.component) {
                (Some(fixed), _) => Handler::Static {
                    status: fixed.status_code,
                    headers: fixed.headers.clone(),
                    body: fixed.body.clone().unwrap_or_default().into(),
                },
                (None, Some(id)) => {
                    let name = self.instance_name(trigger, id);
                    if let (false, Some(made)) = (app.components.contains_key(&name), made.get(&name)) {
                        let component = &self.manifest().components[id];
                        let mut run = self.host_component(component, made, &variables, &mut staged)?;
                        run.reuse = Some(reuse(&options.reuse.or(&component.deps.reuse)));
                        app.components.insert(name.clone(), run);
                        composed.push(made.clone());
                    }
                    Handler::Component(name)
                }
                (None, None) => continue,
            };
            let pattern = match &http.route {
                Route::Path(path) => Pattern::Path(with_base(self.manifest(), path)),
                Route::Private => Pattern::Private,
            };
            app.routes.push(HostRoute { pattern, handler, trigger: trigger.id.clone() });
        }
        let listen = options.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let host = Options {
            listen,
            compiled_cache: Some(compiled_cache(&self.settings)),
            output: options.output.clone(),
            request_timeout: options.request_timeout.clone(),
            max_memory: options.max_memory,
            progress: Some(compile_progress(Arc::clone(&self.settings.progress))),
            ..Options::default()
        };
        let host = spin_deps_host::start(app, host).await?;
        Ok(Running { host, composed, warnings, _staged: staged })
    }

    /// Triggers of one component with the same middleware share it; others are components of their own.
    fn instance_name(&self, trigger: &Trigger, component: &str) -> String {
        let same = |other: &&Trigger| {
            other.component.as_deref() == Some(component)
                && other
                    .middleware
                    .iter()
                    .map(|it| (&it.source, &it.inherit))
                    .eq(trigger.middleware.iter().map(|it| (&it.source, &it.inherit)))
        };
        match self.manifest().triggers.iter().find(same) {
            Some(first) if !first.middleware.is_empty() => format!("{component} ({})", first.id),
            _ => component.to_owned(),
        }
    }

    fn host_component(
        &self,
        component: &Component,
        composed: &ComposedComponent,
        variables: &Variables,
        staged: &mut Vec<tempfile::TempDir>,
    ) -> Result<HostComponent, Error> {
        let user = format!("component `{}`", component.id);
        let mut values = BTreeMap::new();
        for (name, template) in &component.variables {
            values.insert(name.clone(), variables.fill(template, &user)?);
        }
        let hosts = component.allowed_outbound_hosts.iter().map(|host| variables.fill(host, &user));
        Ok(HostComponent {
            wasm: composed.bytes.clone(),
            digest: hex(&composed.digest),
            environment: component
                .environment
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            files: tokio::task::block_in_place(|| self.mounts(component, staged))?,
            variables: values,
            allowed_outbound_hosts: hosts.collect::<Result<_, _>>()?,
            ..HostComponent::default()
        })
    }

    /// What a component can read. One directory is shown as it is; anything else is gathered in a temporary one.
    fn mounts(
        &self,
        component: &Component,
        staged: &mut Vec<tempfile::TempDir>,
    ) -> Result<Vec<Mount>, Error> {
        if component.files.is_empty() {
            return Ok(Vec::new());
        }
        if let ([FileMount::Place { source, destination }], []) =
            (component.files.as_slice(), component.exclude_files.as_slice())
            && self.resolve_path(source).is_dir()
        {
            let host = self.resolve_path(source);
            return Ok(vec![Mount { host, guest: destination.clone(), read_only: true }]);
        }
        let stage = tempfile::Builder::new().prefix("spin-deps-files-").tempdir()?;
        let excluded = component.exclude_files.iter().map(|pattern| self.glob(component, pattern));
        let excluded: Vec<PathBuf> = excluded.collect::<Result<Vec<_>, _>>()?.concat();
        for mount in &component.files {
            match mount {
                FileMount::Glob(pattern) => {
                    for file in self.glob(component, pattern)? {
                        let place = file.strip_prefix(self.directory()).unwrap_or(&file).to_path_buf();
                        copy(&file, &stage.path().join(place), &excluded)?;
                    }
                }
                FileMount::Place { source, destination } => {
                    let target = stage.path().join(destination.trim_start_matches('/'));
                    copy(&self.resolve_path(source), &target, &excluded)?;
                }
            }
        }
        let host = stage.path().to_path_buf();
        staged.push(stage);
        Ok(vec![Mount { host, guest: "/".into(), read_only: true }])
    }

    pub(crate) fn glob(&self, component: &Component, pattern: &str) -> Result<Vec<PathBuf>, Error> {
        let outside = |reason: &str| Error::Unknown {
            message: format!("the file pattern `{pattern}` of component `{}` {reason}", component.id),
            hint: None,
        };
        if Path::new(pattern).is_absolute() || pattern.split(['/', '\\']).any(|part| part == "..") {
            return Err(outside("leaves the app's directory"));
        }
        let base = glob::Pattern::escape(&self.directory().to_string_lossy());
        let found = glob::glob(&format!("{base}/{pattern}"))
            .map_err(|error| outside(&format!("is not valid: {error}")))?;
        Ok(found.filter_map(Result::ok).filter(|path| path.is_file()).collect())
    }
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

/// Copies a file or a tree, without the excluded files.
fn copy(from: &Path, to: &Path, excluded: &[PathBuf]) -> Result<(), Error> {
    let mut open = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((from, to)) = open.pop() {
        if fs_err::metadata(&from)?.is_dir() {
            fs_err::create_dir_all(&to)?;
            for entry in fs_err::read_dir(&from)? {
                let entry = entry?;
                open.push((entry.path(), to.join(entry.file_name())));
            }
        } else if !excluded.contains(&from) {
            if let Some(parent) = to.parent() {
                fs_err::create_dir_all(parent)?;
            }
            fs_err::copy(&from, &to)?;
        }
    }
    Ok(())
}

/// The digits of a digest.
fn hex(digest: &ContentDigest) -> String {
    let ContentDigest::Sha256 { hex } = digest;
    hex.clone()
}

/// A route under the application's base path.
fn with_base(manifest: &Manifest, route: &str) -> String {
    match &manifest.application.http_base {
        Some(base) => format!("{}{route}", base.trim_end_matches('/')),
        None => route.to_owned(),
    }
}
