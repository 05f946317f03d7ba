//! `component.toml`: the manifest of a single component, or of a workspace of them.
//!
//! It is read into the same [`Manifest`] as an application, with one component and no triggers, so that what works on
//! an app's dependencies works on a component's.

use indexmap::IndexMap;
use toml_edit::Value;

use super::{Fields, Node, Raw, Result, application, component, dependency, printable};
use crate::{
    Application, Authored, AuthoredRequires, Component, ComponentSource, ComponentToolDeps, Dependency,
    ErrorKind, FileMount, Manifest, ManifestError, Required, ToolDeps, Workspace,
    name::{check_lower_snake, check_store_label},
};

/// The field that tells such a manifest from an application's.
pub(super) const VERSION: &str = "component_manifest_version";

/// The folder of the WIT where no other is named.
const WIT: &str = "wit";

/// Reads the root table.
pub(super) fn manifest(root: Node<'_>) -> Result<Manifest> {
    let fields = root.called("the component manifest").open_fields()?;
    version(&fields)?;
    let fields = fields.node.fields(&[
        VERSION,
        "component",
        "build",
        "requires",
        "dependencies",
        "tool",
        "workspace",
    ])?;
    let workspace = fields.get("workspace").map(workspace).transpose()?;
    let tool = tool(&fields)?;
    let Some(node) = fields.get("component") else {
        return virtual_root(&fields, workspace, tool);
    };
    let identity = node.called("`[component]`").fields(&[
        "name",
        "source",
        "version",
        "description",
        "authors",
        "repository",
        "license",
    ])?;
    let name = identity.require("name")?;
    let source = identity.require("source")?;
    let version = identity.get("version");
    let requires = fields.get("requires");
    let authored = Authored {
        name_span: name.span.clone(),
        name: dependency::package(&name)?,
        version_span: version.as_ref().map_or_else(|| identity.node.span.clone(), |node| node.span.clone()),
        version: version.map(|node| dependency::version(&node)).transpose()?,
        description: identity.string("description")?,
        authors: identity.strings("authors")?,
        repository: identity.string("repository")?,
        license: identity.string("license")?,
        requires_span: requires.as_ref().map(|node| node.span.clone()),
        requires: requires.map(self::requires).transpose()?.unwrap_or_default(),
        wit: tool.wit.unwrap_or_else(|| WIT.to_owned()),
        wit_span: tool.wit_span,
        world: tool.world,
    };
    let id = authored.name.name().to_string();
    let component = Component {
        source_span: source.span.clone(),
        source: ComponentSource::Path(source.string()?.to_owned()),
        description: authored.description.clone(),
        build: fields.get("build").map(component::build).transpose()?,
        dependencies: fields
            .get("dependencies")
            .map(|node| dependencies(&node))
            .transpose()?
            .unwrap_or_default(),
        deps: tool.component,
        span: identity.node.span.clone(),
        ..declaring(&id, &authored.requires)
    };
    let application = Application {
        name: authored.name.to_string(),
        version: authored.version.as_ref().map(ToString::to_string),
        description: authored.description.clone(),
        authors: authored.authors.clone(),
        targets: Vec::new(),
        http_base: None,
        deps: tool.application,
        span: identity.node.span,
    };
    Ok(Manifest {
        application,
        variables: IndexMap::new(),
        triggers: Vec::new(),
        components: IndexMap::from([(id, component)]),
        authored: Some(authored),
        workspace,
    })
}

fn version(root: &Fields<'_>) -> Result<()> {
    let node = root.require(VERSION)?;
    match node.value {
        Raw::Value(Value::Integer(number)) if *number.value() == 1 => Ok(()),
        Raw::Value(value @ (Value::Integer(_) | Value::Float(_) | Value::String(_))) => {
            let kind = ErrorKind::UnsupportedComponentVersion(super::shown(value));
            Err(ManifestError::new(kind, node.span, "this version"))
        }
        _ => Err(node.wrong_type("the number 1")),
    }
}

/// A file that says only which folders belong together.
fn virtual_root(fields: &Fields<'_>, workspace: Option<Workspace>, tool: Tool) -> Result<Manifest> {
    let Some(workspace) = workspace else {
        return Err(fields
            .node
            .missing("component")
            .with_hint("write `[component]` with `name` and `source`, or `[workspace]` with `members`"));
    };
    if let Some(key) = ["build", "requires", "dependencies"].into_iter().find(|key| fields.get(key).is_some())
    {
        let kind = ErrorKind::MissingField { table: fields.node.what.clone(), field: "component".to_owned() };
        let label = format!("`{key}` is about a component");
        return Err(ManifestError::new(kind, fields.key_span(key), label)
            .with_hint("a workspace without a component of its own has only `members` and `[tool.deps]`"));
    }
    Ok(Manifest {
        application: Application {
            name: String::new(),
            version: None,
            description: None,
            authors: Vec::new(),
            targets: Vec::new(),
            http_base: None,
            deps: tool.application,
            span: workspace.span.clone(),
        },
        variables: IndexMap::new(),
        triggers: Vec::new(),
        components: IndexMap::new(),
        authored: None,
        workspace: Some(workspace),
    })
}

fn workspace(node: Node<'_>) -> Result<Workspace> {
    let fields = node.called("`[workspace]`").fields(&["members"])?;
    Ok(Workspace { members: fields.require("members")?.strings()?, span: fields.node.span.clone() })
}

/// A component as an app would have to declare it that grants all that is asked for. What its dependencies reach is
/// bounded by that, and by nothing else: the app that uses it decides in the end.
fn declaring(id: &str, requires: &AuthoredRequires) -> Component {
    let values = |asked: &[Required], value: &dyn Fn(&Required) -> String| {
        asked.iter().map(|it| (it.name.clone(), value(it))).collect()
    };
    Component {
        id: id.to_owned(),
        source: ComponentSource::Path(String::new()),
        description: None,
        variables: values(&requires.variables, &|it| format!("{{{{ {} }}}}", it.name)),
        environment: values(&requires.environment, &|it| it.default.clone().unwrap_or_default()),
        files: requires.files.iter().cloned().map(FileMount::Glob).collect(),
        exclude_files: Vec::new(),
        allowed_outbound_hosts: requires.allowed_outbound_hosts.clone(),
        allowed_http_hosts: Vec::new(),
        key_value_stores: requires.key_value_stores.clone(),
        sqlite_databases: requires.sqlite_databases.clone(),
        ai_models: requires.ai_models.clone(),
        targets: None,
        build: None,
        dependencies_inherit_configuration: Some(true),
        dependencies: Vec::new(),
        profiles: IndexMap::new(),
        deps: ComponentToolDeps::default(),
        span: 0..0,
        source_span: 0..0,
        inline: false,
        path: Vec::new(),
    }
}

/// `[dependencies]`: the entries of an app's component, without what only an app decides.
fn dependencies(node: &Node<'_>) -> Result<Vec<Dependency>> {
    for (key, entry) in node.entries()? {
        if !entry.is_table() {
            continue;
        }
        let fields = entry.open_fields()?;
        let reasons = [
            (
                "inherit_configuration",
                "what a dependency may reach is decided by the app: `[requires]` says what to ask it for",
            ),
            (
                "component",
                "there is no other component here: name its file with `path`, or its package with `version`",
            ),
        ];
        for (field, hint) in reasons {
            if let Some(at) = fields.get(field) {
                let kind = ErrorKind::OnlyInApplication {
                    table: format!("the dependency `{}`", printable(key.name)),
                    field,
                };
                return Err(at.error(kind, "not in a component manifest").with_hint(hint));
            }
        }
    }
    dependency::read_all(node, "the component manifest")
}

fn requires(node: Node<'_>) -> Result<AuthoredRequires> {
    let fields = node.called("`[requires]`").fields(&[
        "variables",
        "key_value_stores",
        "sqlite_databases",
        "ai_models",
        "allowed_outbound_hosts",
        "environment",
        "files",
    ])?;
    Ok(AuthoredRequires {
        variables: elements(&fields, "variables", variable)?,
        key_value_stores: elements(&fields, "key_value_stores", label)?,
        sqlite_databases: elements(&fields, "sqlite_databases", label)?,
        ai_models: fields.strings("ai_models")?,
        allowed_outbound_hosts: fields.strings("allowed_outbound_hosts")?,
        environment: elements(&fields, "environment", |node| required(node, &["name", "default"]))?,
        files: elements(&fields, "files", file)?,
    })
}

fn elements<T>(fields: &Fields<'_>, key: &str, read: impl Fn(Node<'_>) -> Result<T>) -> Result<Vec<T>> {
    let Some(node) = fields.get(key) else {
        return Ok(Vec::new());
    };
    node.elements()?.into_iter().map(read).collect()
}

fn variable(node: Node<'_>) -> Result<Required> {
    let at = node.clone();
    let variable = required(node, &["name", "default", "secret"])?;
    check_lower_snake(&variable.name)
        .map_err(|reason| at.invalid("variable name", &variable.name, reason))?;
    Ok(variable)
}

/// A name, or a table that says more.
fn required(node: Node<'_>, known: &[&'static str]) -> Result<Required> {
    if let Some(name) = node.as_str() {
        return Ok(Required { name: name.to_owned(), default: None, secret: false });
    }
    if !node.is_table() {
        return Err(node.wrong_type("a name or `{ name = …, default = … }`"));
    }
    let fields = node.fields(known)?;
    Ok(Required {
        name: fields.require("name")?.string()?.to_owned(),
        default: fields.string("default")?,
        secret: fields.bool("secret")?.unwrap_or(false),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it reads one entry of a list, as its neighbours do")]
fn label(node: Node<'_>) -> Result<String> {
    let label = node.string()?;
    check_store_label(label).map_err(|reason| node.invalid("label", label, reason))?;
    Ok(label.to_owned())
}

/// The path that the component sees; what is mounted there is the app's decision.
fn file(node: Node<'_>) -> Result<String> {
    if let Some(path) = node.as_str() {
        return Ok(path.to_owned());
    }
    if !node.is_table() {
        return Err(node.wrong_type("a path or `{ destination = … }`"));
    }
    Ok(node.fields(&["destination"])?.require("destination")?.string()?.to_owned())
}

/// `[tool.deps]`: what an application and a component have in two places stands in one here.
#[derive(Default)]
struct Tool {
    application: ToolDeps,
    component: ComponentToolDeps,
    wit: Option<String>,
    wit_span: Option<crate::Span>,
    world: Option<String>,
}

fn tool(fields: &Fields<'_>) -> Result<Tool> {
    let Some(node) = application::tool(fields)? else {
        return Ok(Tool::default());
    };
    let own = ["overrides", "bindings", "wit", "world"];
    let known = [&application::REGISTRY_KEYS[..], &own].concat();
    let fields = node.called("`[tool.deps]`").fields(&known)?;
    let wit = fields.get("wit");
    Ok(Tool {
        application: application::registries_and_overrides(&fields)?,
        component: component::bindings(&fields)?,
        wit_span: wit.as_ref().map(|node| node.span.clone()),
        wit: wit.map(|node| node.string().map(str::to_owned)).transpose()?,
        world: fields.string("world")?,
    })
}
