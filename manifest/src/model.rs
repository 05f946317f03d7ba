//! What a manifest says, in types.
//!
//! The shapes are those of `spin.toml` version 2 after normalising: every trigger has an id, every
//! component has one too, lists that may be written as one value are lists. Paths are kept as they
//! are written, relative to the directory of the manifest. Spans point into the manifest's text.

use indexmap::IndexMap;
use url::Url;
use wasm_pkg_common::{
    digest::ContentDigest,
    package::{PackageRef, Version, VersionReq},
    registry::Registry,
};

use crate::{Authored, Capability, DependencyName, Grant, Inherit, InstanceReuse, Span, Workspace};

/// A whole manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// `[application]`
    pub application: Application,
    /// `[variables]`, by name.
    pub variables: IndexMap<String, Variable>,
    /// All triggers, in the order of the file within each kind.
    pub triggers: Vec<Trigger>,
    /// All components by id: those of `[component]`, then those written inside triggers.
    pub components: IndexMap<String, Component>,
    /// Who the component is, if this is a `component.toml`. Then it is the only one of `components`, named after its
    /// package, and there are no triggers.
    pub authored: Option<Authored>,
    /// `[workspace]` of a `component.toml`. Without a component beside it there is nothing else in the manifest.
    pub workspace: Option<Workspace>,
}

impl Manifest {
    /// Whether this is an application, not a component on its own or a workspace.
    pub fn is_application(&self) -> bool {
        self.authored.is_none() && self.workspace.is_none()
    }

    /// The trigger with this id.
    pub fn trigger(&self, id: &str) -> Option<&Trigger> {
        self.triggers.iter().find(|trigger| trigger.id == id)
    }
}

/// `[application]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The app's name.
    pub name: String,
    /// The app's version as it is written, if any.
    pub version: Option<String>,
    /// A text for people.
    pub description: Option<String>,
    /// Who wrote the app.
    pub authors: Vec<String>,
    /// The environments that the app must run in, unless a component has its own.
    pub targets: Vec<Target>,
    /// `[application.trigger.http] base`, the prefix of all routes.
    pub http_base: Option<String>,
    /// `[application.tool.deps]`, our own settings.
    pub deps: ToolDeps,
    /// The place of `[application]`.
    pub span: Span,
}

/// `[application.tool.deps]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolDeps {
    /// The registry configuration as TOML text, for `wasm_pkg_common::config::Config::from_toml`.
    ///
    /// It has the keys of wkg's `config.toml`: `default_registry`, `namespace_registries`,
    /// `package_registry_overrides` and `registry`. Empty if there are none.
    pub registries: String,
    /// The place of the table, if there are such keys.
    pub registries_span: Option<Span>,
    /// `[overrides]`: what takes the place of a package, in the order of the file.
    pub overrides: Vec<Override>,
    /// `[[verify.requests]]`: what to ask the running app.
    pub verify: Vec<VerifyRequest>,
}

/// What takes the place of a package everywhere in the app: in its own entries and in what its dependencies need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The package that is replaced.
    pub package: PackageRef,
    /// By what: a file, or a package in a version. The same package there means only that its version is another.
    pub source: Source,
    /// The place of the name.
    pub name_span: Span,
    /// The place of the value.
    pub span: Span,
}

/// A request to the running app, and what it should answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyRequest {
    /// The HTTP method; `GET` if not written.
    pub method: String,
    /// The path and query, beginning with `/`.
    pub path: String,
    /// The headers, sorted as written.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
    /// What the answer should be.
    pub expect: Expect,
    /// The place of the request.
    pub span: Span,
}

/// What an answer should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// The status; 200 if not written.
    pub status: u16,
    /// Headers that must be there with these values.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Option<String>,
    /// A regular expression that the body must match.
    pub body_pattern: Option<String>,
}

impl Default for Expect {
    fn default() -> Self {
        Self { status: 200, headers: Vec::new(), body: None, body_pattern: None }
    }
}

/// An environment that the app must be able to run in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A name in the catalogue of environments, such as `spin-up:3.4`.
    Catalogue(String),
    /// The definition's URL.
    Url(Url),
    /// The definition's file.
    Path(String),
}

/// A variable of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// A text for people.
    pub description: Option<String>,
    /// Whether a value must be given when the app starts. Then there is no default.
    pub required: bool,
    /// The value if none is given. There is one unless `required`.
    pub default: Option<String>,
    /// Whether the value must not be shown.
    pub secret: bool,
    /// The place of the definition.
    pub span: Span,
}

/// One `[[trigger.KIND]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The id: as written, else made from the component or the kind as Spin does it.
    pub id: String,
    /// Whether the id is written.
    pub explicit_id: bool,
    /// `http`, `redis` and so on.
    pub kind: String,
    /// The id of the component to run.
    pub component: Option<String>,
    /// The place of `component`, or of the trigger if it has none.
    pub component_span: Span,
    /// `components`: ids by role. Their meaning is the trigger's own; `http` has none.
    pub components: IndexMap<String, Vec<String>>,
    /// `dependencies.middleware`, outermost first.
    pub middleware: Vec<Middleware>,
    /// The settings of a trigger of the kind `http`.
    pub http: Option<HttpTrigger>,
    /// The place of the trigger.
    pub span: Span,
    /// Its place among the triggers of its kind.
    pub(crate) index: usize,
}

/// The settings of an HTTP trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTrigger {
    /// Which requests it answers.
    pub route: Route,
    /// The place of the route.
    pub route_span: Span,
    /// How the component is called.
    pub executor: Executor,
    /// A fixed answer in place of a component.
    pub static_response: Option<StaticResponse>,
}

/// Which requests an HTTP trigger answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// A path pattern that begins with `/`: exact, with `:name` segments, or ending in `/...`.
    Path(String),
    /// None from outside; other components can reach it.
    Private,
}

/// How an HTTP component is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Executor {
    /// Through an HTTP interface.
    #[default]
    Http,
    /// As a CGI program (deprecated).
    Wagi {
        /// The arguments, a template.
        argv: Option<String>,
        /// The function to call.
        entrypoint: Option<String>,
    },
}

/// A fixed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticResponse {
    /// The status; 200 if not written.
    pub status_code: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
}

/// One layer of middleware around a trigger's component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Middleware {
    /// Where it comes from.
    pub source: Source,
    /// What it may reach of what the trigger's component may reach.
    pub inherit: Inherit,
    /// The place of the entry.
    pub span: Span,
    /// The place of what decides the source: the version, the path, the URL or the component's id.
    pub source_span: Span,
}

impl Middleware {
    /// What it may reach of what the trigger's component may reach.
    pub fn granted(&self) -> Grant {
        Grant::from(&self.inherit)
    }
}

/// A component of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The id.
    pub id: String,
    /// Where its Wasm comes from.
    pub source: ComponentSource,
    /// A text for people.
    pub description: Option<String>,
    /// Its variables: templates such as `https://{{ host }}/users`, by name.
    pub variables: IndexMap<String, String>,
    /// Its environment variables.
    pub environment: IndexMap<String, String>,
    /// The files that it can read.
    pub files: Vec<FileMount>,
    /// Glob patterns of files that it cannot read even so.
    pub exclude_files: Vec<String>,
    /// The hosts that it can call.
    pub allowed_outbound_hosts: Vec<String>,
    /// The deprecated form of `allowed_outbound_hosts`.
    pub allowed_http_hosts: Vec<String>,
    /// The labels of its key-value stores.
    pub key_value_stores: Vec<String>,
    /// The labels of its databases.
    pub sqlite_databases: Vec<String>,
    /// Its AI models.
    pub ai_models: Vec<String>,
    /// The environments that it must run in, in place of the application's.
    pub targets: Option<Vec<Target>>,
    /// How it is built.
    pub build: Option<Build>,
    /// Whether all dependencies get all that the component has (`true`) or nothing (`false`).
    pub dependencies_inherit_configuration: Option<bool>,
    /// What satisfies its imports, in the order of the file.
    pub dependencies: Vec<Dependency>,
    /// Overrides by profile.
    pub profiles: IndexMap<String, Profile>,
    /// `[component.ID.tool.deps]`, our own settings.
    pub deps: ComponentToolDeps,
    /// The place of the component.
    pub span: Span,
    /// The place of `source`.
    pub source_span: Span,
    /// Whether it is written inside a trigger.
    pub inline: bool,
    /// The way from the top of the document to its table.
    pub(crate) path: Vec<crate::edit::Step>,
}

impl Component {
    /// The dependency with this name.
    pub fn dependency(&self, name: &DependencyName) -> Option<&Dependency> {
        self.dependencies.iter().find(|dependency| dependency.name == *name)
    }

    /// What one of the component's dependencies may reach of what the component may reach.
    ///
    /// The component's `dependencies_inherit_configuration` counts for every form of dependency.
    pub fn granted(&self, dependency: &Dependency) -> Grant {
        match self.dependencies_inherit_configuration {
            Some(true) => Grant::All,
            Some(false) => Grant::none(),
            None => Grant::from(&dependency.inherit),
        }
    }

    /// Whether the component declares anything of this capability that it could pass on.
    pub fn declares(&self, capability: Capability) -> bool {
        match capability {
            Capability::AiModels => !self.ai_models.is_empty(),
            Capability::AllowedOutboundHosts => {
                !self.allowed_outbound_hosts.is_empty() || !self.allowed_http_hosts.is_empty()
            }
            Capability::Environment => !self.environment.is_empty(),
            Capability::Files => !self.files.is_empty(),
            Capability::KeyValueStores => !self.key_value_stores.is_empty(),
            Capability::SqliteDatabases => !self.sqlite_databases.is_empty(),
            Capability::Variables => !self.variables.is_empty(),
        }
    }
}

/// Where a component's Wasm comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComponentSource {
    /// A file.
    Path(String),
    /// A download.
    Url {
        /// Its URL.
        url: Url,
        /// The digest of its bytes.
        digest: ContentDigest,
    },
    /// A release of a package.
    Registry {
        /// The registry, or `None` for the one that the configuration gives.
        registry: Option<Registry>,
        /// The package.
        package: PackageRef,
        /// The exact version.
        version: Version,
    },
}

/// Files that a component can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileMount {
    /// A glob pattern; the files appear under their own paths.
    Glob(String),
    /// A file or directory at another place.
    Place {
        /// The path on the host.
        source: String,
        /// The path that the component sees.
        destination: String,
    },
}

/// How a component is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The commands, run in this order.
    pub command: Vec<String>,
    /// The directory to run them in.
    pub workdir: Option<String>,
    /// Glob patterns of the files whose change calls for a build.
    pub watch: Vec<String>,
}

/// `[component.ID.tool.deps]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComponentToolDeps {
    /// The language to generate bindings for, such as `rust`, or `none`.
    pub bindings: Option<String>,
    /// The folder that the bindings go into, relative to the one that the component is built in and within it.
    pub bindings_path: Option<String>,
    /// The place of `bindings`.
    pub bindings_span: Option<Span>,
    /// `reuse`: how its instances are reused.
    pub reuse: InstanceReuse,
}

/// Overrides for one profile of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// In place of the component's own source.
    pub source: Option<ComponentSource>,
    /// The place of `source`, if there is one.
    pub source_span: Option<Span>,
    /// Added to the component's environment.
    pub environment: IndexMap<String, String>,
    /// Added to the component's dependencies; an equal name replaces.
    pub dependencies: Vec<Dependency>,
    /// In place of the component's build commands.
    pub build_command: Option<Vec<String>>,
    /// The place of the profile.
    pub span: Span,
}

/// What satisfies an import of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Which imports.
    pub name: DependencyName,
    /// Where the implementation comes from.
    pub source: Source,
    /// The implementation's export, if its name is not the import's.
    pub export: Option<String>,
    /// What it may reach, as written for it alone; see [`Component::granted`].
    pub inherit: Inherit,
    /// The place of the value.
    pub span: Span,
    /// The place of what decides the source: the version, the path, the URL or the component's id.
    pub source_span: Span,
    /// The place of the name.
    pub name_span: Span,
}

/// Where a dependency or a middleware comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A package in a registry.
    Registry {
        /// The package: as written, else that of the dependency's name.
        package: PackageRef,
        /// Whether the package is written.
        explicit_package: bool,
        /// The releases that fit.
        req: VersionReq,
        /// The registry, or `None` for the one that the configuration gives.
        registry: Option<Registry>,
    },
    /// A file.
    Path(String),
    /// A download.
    Url {
        /// Its URL.
        url: Url,
        /// The digest of its bytes.
        digest: ContentDigest,
    },
    /// Another component of the app, by id.
    Component(String),
}
