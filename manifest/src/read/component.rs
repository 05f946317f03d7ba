//! Components, in `[component.ID]` or inside a trigger.

use std::path::{Component as Part, Path};

use indexmap::IndexMap;

use super::{Fields, KeyRef, Node, Result, application, dependency, printable};
use crate::{
    Build, Component, ComponentSource, ComponentToolDeps, ErrorKind, FileMount, InstanceReuse, ManifestError,
    Profile,
    edit::Step,
    name::{check_kebab, check_lower_snake, check_store_label},
};

const FIELDS: [&str; 18] = [
    "source",
    "description",
    "variables",
    "environment",
    "files",
    "exclude_files",
    "allowed_http_hosts",
    "allowed_outbound_hosts",
    "key_value_stores",
    "sqlite_databases",
    "ai_models",
    "targets",
    "build",
    "tool",
    "dependencies_inherit_configuration",
    "dependencies",
    "profile",
    "id",
];

pub(super) fn read(key: &KeyRef<'_>, node: &Node<'_>, path: Vec<Step>) -> Result<Component> {
    check_kebab(key.name).map_err(|reason| {
        let kind = ErrorKind::Invalid { what: "component id", value: printable(key.name), reason };
        ManifestError::new(kind, key.span.clone(), "not a valid component id")
    })?;
    body(node.clone().called(format!("component `{}`", key.name)), key.name, path)
}

/// The table of a component; the id of one inside a trigger is not known yet.
pub(super) fn body(node: Node<'_>, id: &str, path: Vec<Step>) -> Result<Component> {
    let known = &FIELDS[..FIELDS.len() - 1];
    let fields = node.open_fields()?;
    if fields.get("id").is_some() {
        return Err(fields
            .unknown("id", known)
            .with_hint("the id of a component is its key in `[component]`"));
    }
    let fields = fields.node.fields(known)?;
    let source = fields.require("source")?;
    let inherit = fields.bool("dependencies_inherit_configuration")?;
    Ok(Component {
        id: id.to_owned(),
        source_span: source.span.clone(),
        source: self::source(source)?,
        description: fields.string("description")?,
        variables: variables(&fields)?,
        environment: fields.string_map("environment")?,
        files: files(&fields)?,
        exclude_files: fields.strings("exclude_files")?,
        allowed_outbound_hosts: fields.strings("allowed_outbound_hosts")?,
        allowed_http_hosts: fields.strings("allowed_http_hosts")?,
        key_value_stores: labels(&fields, "key_value_stores")?,
        sqlite_databases: labels(&fields, "sqlite_databases")?,
        ai_models: fields.strings("ai_models")?,
        targets: application::targets(&fields)?,
        build: fields.get("build").map(build).transpose()?,
        dependencies_inherit_configuration: inherit,
        dependencies: dependencies(&fields, &fields.node.what)?,
        profiles: profiles(&fields)?,
        deps: tool_deps(&fields)?,
        span: fields.node.span.clone(),
        inline: path.first() != Some(&Step::key("component")),
        path,
    })
}

fn dependencies(fields: &Fields<'_>, owner: &str) -> Result<Vec<crate::Dependency>> {
    fields.get("dependencies").map_or_else(|| Ok(Vec::new()), |node| dependency::read_all(&node, owner))
}

fn source(node: Node<'_>) -> Result<ComponentSource> {
    if let Some(path) = node.as_str() {
        return Ok(ComponentSource::Path(path.to_owned()));
    }
    if !node.is_table() {
        return Err(node.wrong_type("a path or a table"));
    }
    let fields = node.fields(&["url", "digest", "registry", "package", "version"])?;
    if let Some(url) = fields.get("url") {
        for foreign in ["registry", "package", "version"] {
            if let Some(at) = fields.get(foreign) {
                return Err(application::exclusive(&fields, "url", foreign, &at));
            }
        }
        let url = dependency::url(&url)?;
        let digest = dependency::digest(&fields.require("digest")?)?;
        return Ok(ComponentSource::Url { url, digest });
    }
    if let Some(digest) = fields.get("digest") {
        let kind = ErrorKind::MissingField { table: fields.node.what.clone(), field: "url".to_owned() };
        return Err(digest.error(kind, "a `digest` belongs to a `url`"));
    }
    let package = dependency::package(&fields.require("package")?)?;
    let version = dependency::version(&fields.require("version")?)?;
    let registry = fields.get("registry").map(|node| dependency::registry(&node)).transpose()?;
    Ok(ComponentSource::Registry { registry, package, version })
}

fn variables(fields: &Fields<'_>) -> Result<IndexMap<String, String>> {
    let Some(node) = fields.get("variables") else {
        return Ok(IndexMap::new());
    };
    for (key, _) in node.entries()? {
        check_lower_snake(key.name).map_err(|reason| {
            let kind = ErrorKind::Invalid { what: "variable name", value: printable(key.name), reason };
            ManifestError::new(kind, key.span.clone(), "not a valid variable name")
        })?;
    }
    node.string_map()
}

fn files(fields: &Fields<'_>) -> Result<Vec<FileMount>> {
    let Some(node) = fields.get("files") else {
        return Ok(Vec::new());
    };
    node.elements()?.into_iter().map(file).collect()
}

fn file(node: Node<'_>) -> Result<FileMount> {
    if let Some(glob) = node.as_str() {
        return Ok(FileMount::Glob(glob.to_owned()));
    }
    if !node.is_table() {
        return Err(node.wrong_type("a glob pattern or `{ source = …, destination = … }`"));
    }
    let fields = node.fields(&["source", "destination"])?;
    Ok(FileMount::Place {
        source: fields.require("source")?.string()?.to_owned(),
        destination: fields.require("destination")?.string()?.to_owned(),
    })
}

fn labels(fields: &Fields<'_>, key: &str) -> Result<Vec<String>> {
    let Some(node) = fields.get(key) else {
        return Ok(Vec::new());
    };
    node.elements()?
        .into_iter()
        .map(|element| {
            let label = element.string()?;
            check_store_label(label).map_err(|reason| element.invalid("label", label, reason))?;
            Ok(label.to_owned())
        })
        .collect()
}

pub(super) fn build(node: Node<'_>) -> Result<Build> {
    let fields = node.fields(&["command", "workdir", "watch"])?;
    Ok(Build {
        command: fields.require("command")?.one_or_many_strings()?,
        workdir: fields.string("workdir")?,
        watch: fields.strings("watch")?,
    })
}

fn profiles(fields: &Fields<'_>) -> Result<IndexMap<String, Profile>> {
    let Some(node) = fields.get("profile") else {
        return Ok(IndexMap::new());
    };
    node.entries()?
        .into_iter()
        .map(|(key, node)| {
            let owner = &fields.node.what;
            let node = node.called(format!("the profile `{}` of {owner}", printable(key.name)));
            Ok((key.name.to_owned(), profile(node, owner)?))
        })
        .collect()
}

fn profile(node: Node<'_>, owner: &str) -> Result<Profile> {
    let fields = node.fields(&["source", "environment", "dependencies", "build"])?;
    let source = fields.get("source");
    let build_command = match fields.get("build") {
        None => None,
        Some(node) => Some(node.fields(&["command"])?.require("command")?.one_or_many_strings()?),
    };
    Ok(Profile {
        source_span: source.as_ref().map(|node| node.span.clone()),
        source: source.map(self::source).transpose()?,
        environment: fields.string_map("environment")?,
        dependencies: dependencies(&fields, owner)?,
        build_command,
        span: fields.node.span.clone(),
    })
}

fn tool_deps(fields: &Fields<'_>) -> Result<ComponentToolDeps> {
    let Some(node) = application::tool(fields)? else {
        return Ok(ComponentToolDeps::default());
    };
    let fields = node.fields(&["bindings", "reuse"])?;
    let reuse = fields.get("reuse").map(|node| reuse(&node)).transpose()?.unwrap_or_default();
    Ok(ComponentToolDeps { reuse, ..bindings(&fields)? })
}

/// `reuse = false`, or `reuse = { max_count = 8, max_concurrent = "1..4", idle_timeout = "2s" }`.
fn reuse(node: &Node<'_>) -> Result<InstanceReuse> {
    match node.as_bool() {
        Some(true) => return Ok(InstanceReuse::default()),
        Some(false) => return Ok(InstanceReuse::none()),
        None if node.is_table() => {}
        None => return Err(node.wrong_type("a table or `false`")),
    }
    let fields = node.clone().called("`reuse`").fields(&["max_count", "max_concurrent", "idle_timeout"])?;
    Ok(InstanceReuse {
        requests: limit(&fields, "max_count", InstanceReuse::count)?,
        concurrent: limit(&fields, "max_concurrent", InstanceReuse::count)?,
        idle: limit(&fields, "idle_timeout", InstanceReuse::time)?,
    })
}

/// A number, or what `read` makes of a text.
fn limit<T>(
    fields: &Fields<'_>,
    name: &'static str,
    read: fn(&str) -> std::result::Result<T, &'static str>,
) -> Result<Option<T>> {
    let Some(node) = fields.get(name) else {
        return Ok(None);
    };
    let number = node.plain().and_then(|value| value.as_integer()).map(|number| number.to_string());
    let text = match &number {
        Some(number) => number,
        None => node.string()?,
    };
    read(text).map(Some).map_err(|reason| node.invalid(name, text, reason))
}

/// `bindings = "rust"`, `bindings = false` or `bindings = { language = "rust", path = "gen" }`.
pub(super) fn bindings(fields: &Fields<'_>) -> Result<ComponentToolDeps> {
    let Some(bindings) = fields.get("bindings") else {
        return Ok(ComponentToolDeps::default());
    };
    let bindings_span = Some(bindings.span.clone());
    if bindings.as_bool() == Some(false) {
        return Ok(ComponentToolDeps {
            bindings: Some("none".into()),
            bindings_span,
            ..ComponentToolDeps::default()
        });
    }
    if !bindings.is_table() {
        let language = bindings.as_str().ok_or_else(|| bindings.wrong_type("a language or `false`"))?;
        return Ok(ComponentToolDeps {
            bindings: Some(language.to_owned()),
            bindings_span,
            ..ComponentToolDeps::default()
        });
    }
    let fields = bindings.fields(&["language", "path"])?;
    let bindings_path = fields.get("path").map(|node| folder_within(&node)).transpose()?;
    Ok(ComponentToolDeps {
        bindings: fields.string("language")?,
        bindings_path,
        bindings_span,
        ..ComponentToolDeps::default()
    })
}

/// A folder below the one that it is relative to.
fn folder_within(node: &Node<'_>) -> Result<String> {
    let text = node.string()?;
    let inside = |part: Part<'_>| matches!(part, Part::Normal(_) | Part::CurDir);
    if text.is_empty() || text.contains('\\') || !Path::new(text).components().all(inside) {
        return Err(node.invalid("path", text, "it must lead to a folder within the component's own"));
    }
    Ok(text.to_owned())
}
