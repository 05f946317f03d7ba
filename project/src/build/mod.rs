//! `build`: the commands that make the components, run as Spin runs them, and a look at what they left.
//!
//! A component that another one names as its dependency is built before it, and what is generated for the other one is
//! written anew in between, since the WIT of its dependencies is only known then. `spin-deps` in a command is this very
//! program, wherever it is installed: a command such as `zig cc … && spin-deps componentize …` needs nothing on the
//! search path.

mod command;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::{Build, Component, ComponentSource, Source};
use tempfile::TempDir;

use crate::{
    Error, Project,
    change::Change,
    content::{self, Unit},
};

/// The name that the program has on the search path of a build.
const PROGRAM: &str = "spin-deps";

/// What to build, and how.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// The components by id; all that have a command if there are none here.
    pub components: Vec<String>,
    /// The program that `spin-deps` in a command means.
    pub program: PathBuf,
    /// Told of commands and of what they print.
    pub output: BuildOutput,
    /// Whether the WIT and the bindings of a component are written anew when one that it depends on has been built.
    pub generate: bool,
}

/// What happens during a build.
#[derive(Clone, Copy, Debug)]
pub enum BuildEvent<'a> {
    /// A command starts.
    Command {
        /// The component's id.
        component: &'a str,
        /// The command as the manifest has it.
        command: &'a str,
    },
    /// A command printed a line.
    Line {
        /// The component's id.
        component: &'a str,
        /// The line without its end; what is not UTF-8 is replaced, control characters are as they came.
        text: &'a str,
    },
}

type Listener = dyn Fn(BuildEvent<'_>) + Send + Sync;

/// Takes what happens during a build.
#[derive(Clone, Default)]
pub struct BuildOutput(Option<Arc<Listener>>);

impl BuildOutput {
    /// An output that calls `take` for every event. What is shown in this way is not repeated by
    /// [`Error::BuildFailed`]; with the default, which shows nothing, that has it.
    pub fn new(take: impl Fn(BuildEvent<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(take)))
    }

    fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    fn event(&self, event: BuildEvent<'_>) {
        if let Some(take) = &self.0 {
            take(event);
        }
    }
}

impl fmt::Debug for BuildOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BuildOutput")
    }
}

/// A component that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// Its id.
    pub component: String,
    /// The file that it is now, if its source is a file.
    pub file: Option<BuiltFile>,
    /// How long its commands took.
    pub took: Duration,
}

/// What a build left.
#[derive(Clone, Debug)]
pub struct BuiltFile {
    /// Its path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

impl Project {
    /// Runs the build commands of components, and checks that each left a component where the manifest expects it.
    ///
    /// Nothing is locked or fetched. The first command that fails ends the build; a command that is under way when this
    /// is dropped is ended with all that it started.
    pub async fn build(&self, options: &BuildOptions) -> Result<Vec<Built>, Error> {
        let order = self.build_order(options)?;
        let before = self.sources().await;
        let needed = self.needed_by_components();
        let place = Place::new(&options.program)?;
        let mut built = Vec::new();
        for (number, &(id, component, build)) in order.iter().enumerate() {
            let workdir = self.workdir(component, build)?;
            let start = Instant::now();
            for command in &build.command {
                options.output.event(BuildEvent::Command { component: id, command });
                let path = place.search_path(self.settings.environment.get("PATH").as_deref())?;
                command::run(id, command, &workdir, &path, &options.output).await?;
            }
            let took = start.elapsed();
            let mut file = self.built_file(id, component).await?;
            // A component on its own says what its manifest says of it.
            if let (Some(file), Some(size)) = (&mut file, self.stamp_source().await?) {
                file.size = size;
            }
            built.push(Built { component: id.to_owned(), file, took });
            if options.generate && needed.contains(id) && number + 1 < order.len() {
                let mut change = Change::default();
                let nothing = Lockfile::default();
                self.generate(self.lock.as_ref().unwrap_or(&nothing), &mut change).await?;
                change.keep();
            }
        }
        // What is not remembered is built once more where somebody links to it.
        if let (true, Ok(before)) = (self.authored().is_some() && !built.is_empty(), before)
            && let Err(error) = self.remember_build(before).await
        {
            tracing::debug!(%error, "the build is not remembered");
        }
        Ok(built)
    }

    /// What is to be built, in this order: as in the manifest, but first what others depend on.
    fn build_order<'a>(
        &'a self,
        options: &'a BuildOptions,
    ) -> Result<Vec<(&'a str, &'a Component, &'a Build)>, Error> {
        let components = &self.manifest().components;
        if let Some(unknown) = options.components.iter().find(|id| !components.contains_key(*id)) {
            return Err(self.unknown_component(unknown));
        }
        let wanted = |id: &str| options.components.is_empty() || options.components.iter().any(|it| it == id);
        let mut seen = BTreeSet::new();
        let mut order = Vec::new();
        for (id, component) in components {
            // One step is enough: what is a dependency in this way has none of its own (SIP 020).
            for dependency in needs_components(component).chain([id.as_str()]) {
                if let Some((id, component)) = components.get_key_value(dependency)
                    && let Some(build) = component.build.as_ref().filter(|it| !it.command.is_empty())
                    && wanted(id)
                    && seen.insert(id)
                {
                    order.push((id.as_str(), component, build));
                }
            }
        }
        Ok(order)
    }

    /// The components that others of the app depend on, by id.
    fn needed_by_components(&self) -> BTreeSet<&str> {
        self.manifest().components.values().flat_map(needs_components).collect()
    }

    /// The directory that a component's commands run in. Spin wants it relative, and does not mind where it leads.
    fn workdir(&self, component: &Component, build: &Build) -> Result<PathBuf, Error> {
        let place = |label: &str, message: String, hint: Option<String>| Error::Place {
            excerpt: Box::new(self.excerpt()),
            span: component.span.clone(),
            label: label.to_owned(),
            message,
            hint,
        };
        let Some(workdir) = &build.workdir else { return Ok(self.directory().to_path_buf()) };
        if Path::new(workdir).has_root() {
            let message = format!("the build directory of `{}` is an absolute path", component.id);
            let hint = "`workdir` is relative to the directory of the manifest".to_owned();
            return Err(place("built elsewhere", message, Some(hint)));
        }
        let directory = self.directory().join(workdir);
        if !directory.is_dir() {
            let message = format!("the build directory of `{}`, `{workdir}`, does not exist", component.id);
            return Err(place("built there", message, None));
        }
        Ok(directory)
    }

    /// What the build left where the manifest says; it must be a component.
    async fn built_file(&self, id: &str, component: &Component) -> Result<Option<BuiltFile>, Error> {
        let ComponentSource::Path(source) = &component.source else { return Ok(None) };
        let path = self.resolve_path(source);
        let wrong = |message: String, hint: Option<String>| Error::Place {
            excerpt: Box::new(self.excerpt()),
            span: component.source_span.clone(),
            label: "expected here".to_owned(),
            message,
            hint,
        };
        if !path.is_file() {
            let message = format!("the build of `{id}` succeeded, but {source} is not there");
            let hint = "let `source` name the file that the command makes, relative to the manifest";
            return Err(wrong(message, Some(hint.to_owned())));
        }
        let what = format!("what the build of `{id}` left at {source}");
        let read = self.read(&Unit::File(source.clone()), &Lockfile::default()).await?;
        let outline = content::component(&what, read).map_err(|error| {
            let hint = match &error {
                Error::NotComponent { found, .. } if found.contains("module") => {
                    Some("let the command end with `spin-deps componentize MODULE -o FILE`".to_owned())
                }
                error => error.hint(),
            };
            wrong(error.to_string(), hint)
        })?;
        Ok(Some(BuiltFile { path, size: outline.size() }))
    }
}

/// The components of the app that a component depends on, by id.
fn needs_components(component: &Component) -> impl Iterator<Item = &str> {
    component.dependencies.iter().filter_map(|dependency| match &dependency.source {
        Source::Component(id) => Some(id.as_str()),
        _ => None,
    })
}

/// A directory that holds nothing but the program, under the name that commands call it by.
struct Place(TempDir);

impl Place {
    fn new(program: &Path) -> Result<Self, Error> {
        let directory = tempfile::tempdir()?;
        let name = directory.path().join(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX));
        #[cfg(unix)]
        fs_err::os::unix::fs::symlink(program, name)?;
        #[cfg(not(unix))]
        fs_err::copy(program, name)?;
        Ok(Self(directory))
    }

    /// The search path with the directory in front.
    fn search_path(&self, path: Option<&str>) -> Result<OsString, Error> {
        let rest = path.map(std::env::split_paths).into_iter().flatten();
        let all = std::iter::once(self.0.path().to_path_buf()).chain(rest);
        std::env::join_paths(all).map_err(|error| Error::Io(std::io::Error::other(error)))
    }
}
