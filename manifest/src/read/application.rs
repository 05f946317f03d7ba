//! `[application]`, `[variables]` and `[application.tool.deps]`.

use toml_edit::DocumentMut;
use url::Url;

use super::{Fields, KeyRef, Node, Result};
use crate::{
    Application, ErrorKind, Expect, ManifestError, Target, ToolDeps, Variable, VerifyRequest,
    name::check_lower_snake,
};

/// The keys of wkg's `config.toml`.
pub(super) const REGISTRY_KEYS: [&str; 4] =
    ["default_registry", "namespace_registries", "package_registry_overrides", "registry"];

pub(super) fn read(node: Node<'_>) -> Result<Application> {
    let fields = node.called("`[application]`").fields(&[
        "name",
        "version",
        "description",
        "authors",
        "targets",
        "trigger",
        "tool",
    ])?;
    Ok(Application {
        name: fields.require("name")?.string()?.to_owned(),
        version: fields.string("version")?,
        description: fields.string("description")?,
        authors: fields.strings("authors")?,
        targets: targets(&fields)?.unwrap_or_default(),
        http_base: http_base(&fields)?,
        deps: tool_deps(&fields)?,
        span: fields.node.span.clone(),
    })
}

pub(super) fn targets(fields: &Fields<'_>) -> Result<Option<Vec<Target>>> {
    let Some(node) = fields.get("targets") else {
        return Ok(None);
    };
    node.elements()?.into_iter().map(target).collect::<Result<_>>().map(Some)
}

fn target(node: Node<'_>) -> Result<Target> {
    if let Some(name) = node.as_str() {
        return Ok(Target::Catalogue(name.to_owned()));
    }
    if !node.is_table() {
        return Err(node.wrong_type("a name, `{ url = … }` or `{ path = … }`"));
    }
    let fields = node.fields(&["url", "path"])?;
    match (fields.get("url"), fields.get("path")) {
        (Some(url), None) => Ok(Target::Url(super::dependency::url(&url)?)),
        (None, Some(path)) => Ok(Target::Path(path.string()?.to_owned())),
        (None, None) => Err(fields.node.missing("url")),
        (Some(_), Some(path)) => Err(exclusive(&fields, "url", "path", &path)),
    }
}

pub(super) fn exclusive(fields: &Fields<'_>, first: &str, second: &str, at: &Node<'_>) -> ManifestError {
    let kind = ErrorKind::Exclusive {
        table: fields.node.what.clone(),
        first: first.to_owned(),
        second: second.to_owned(),
    };
    at.error(kind, format!("there is `{first}` already"))
}

/// Settings of triggers for the whole application are the triggers' own; we need one of them.
fn http_base(fields: &Fields<'_>) -> Result<Option<String>> {
    let Some(triggers) = fields.get("trigger") else {
        return Ok(None);
    };
    let mut base = None;
    for (key, node) in triggers.entries()? {
        let settings = node.open_fields()?;
        if key.name == "http" {
            base = settings.string("base")?;
        }
    }
    Ok(base)
}

pub(super) fn variable(key: &KeyRef<'_>, node: Node<'_>) -> Result<Variable> {
    if let Err(reason) = check_lower_snake(key.name) {
        let kind = ErrorKind::Invalid { what: "variable name", value: super::printable(key.name), reason };
        return Err(ManifestError::new(kind, key.span.clone(), "not a valid variable name"));
    }
    let what = format!("the variable `{}`", key.name);
    let fields = node.called(what).fields(&["description", "required", "default", "secret"])?;
    let variable = Variable {
        description: fields.string("description")?,
        required: fields.bool("required")?.unwrap_or(false),
        default: fields.string("default")?,
        secret: fields.bool("secret")?.unwrap_or(false),
        span: fields.node.span.clone(),
    };
    match (variable.required, fields.get("default")) {
        (true, Some(default)) => {
            Err(exclusive(&fields, "required", "default", &default).with_hint("a default makes it optional"))
        }
        (false, None) => {
            let kind = ErrorKind::NoDefault(key.name.to_owned());
            Err(ManifestError::new(kind, key.span.clone(), "it can have no value")
                .with_hint("add `default = \"…\"` or `required = true`"))
        }
        _ => Ok(variable),
    }
}

fn tool_deps(application: &Fields<'_>) -> Result<ToolDeps> {
    let Some(node) = tool(application)? else {
        return Ok(ToolDeps::default());
    };
    let [a, b, c, d] = REGISTRY_KEYS;
    let fields = node.called("`[application.tool.deps]`").fields(&[a, b, c, d, "overrides", "verify"])?;
    let verify = fields.get("verify").map(verify).transpose()?.unwrap_or_default();
    Ok(ToolDeps { verify, ..registries_and_overrides(&fields)? })
}

/// The settings that the manifests of applications and of components share.
pub(super) fn registries_and_overrides(fields: &Fields<'_>) -> Result<ToolDeps> {
    let mut registries = DocumentMut::new();
    let mut span = None;
    for key in REGISTRY_KEYS {
        if let Some(value) = fields.get(key).and_then(|node| node.plain()) {
            registries.insert(key, toml_edit::Item::Value(value));
            span = Some(fields.node.span.clone());
        }
    }
    let overrides = fields.get("overrides").map(|node| super::dependency::overrides(&node)).transpose()?;
    let overrides = overrides.unwrap_or_default();
    Ok(ToolDeps { registries: registries.to_string(), registries_span: span, overrides, verify: Vec::new() })
}

/// `tool.deps` of the application or of a component; the tables of other tools are theirs.
pub(super) fn tool<'a>(fields: &Fields<'a>) -> Result<Option<Node<'a>>> {
    let Some(tools) = fields.get("tool") else {
        return Ok(None);
    };
    let mut ours = None;
    for (key, node) in tools.entries()? {
        if !node.is_table() {
            return Err(node.wrong_type("a table"));
        }
        if key.name == "deps" {
            let what = format!("`tool.deps` of {}", fields.node.what);
            ours = Some(node.called(what));
        }
    }
    Ok(ours)
}

fn verify(node: Node<'_>) -> Result<Vec<VerifyRequest>> {
    let fields = node.called("`[application.tool.deps.verify]`").fields(&["requests"])?;
    let Some(requests) = fields.get("requests") else {
        return Ok(Vec::new());
    };
    requests.elements()?.into_iter().map(request).collect()
}

fn request(node: Node<'_>) -> Result<VerifyRequest> {
    let fields =
        node.called("a request of `verify`").fields(&["method", "path", "headers", "body", "expect"])?;
    let path = fields.require("path")?;
    let written = path.string()?;
    if !written.starts_with('/') {
        return Err(path.invalid("path", written, "it must begin with `/`"));
    }
    let method = match fields.get("method") {
        None => "GET".to_owned(),
        Some(node) => {
            let method = node.string()?;
            if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
                return Err(node.invalid("method", method, "a method is a word in capitals, such as `GET`"));
            }
            method.to_owned()
        }
    };
    Ok(VerifyRequest {
        method,
        path: written.to_owned(),
        headers: fields.string_pairs("headers")?,
        body: fields.string("body")?,
        expect: fields.get("expect").map(expect).transpose()?.unwrap_or_default(),
        span: fields.node.span.clone(),
    })
}

fn expect(node: Node<'_>) -> Result<Expect> {
    let fields = node.called("`expect` of a request of `verify`").fields(&[
        "status",
        "headers",
        "body",
        "body_pattern",
    ])?;
    if let (Some(_), Some(pattern)) = (fields.get("body"), fields.get("body_pattern")) {
        return Err(exclusive(&fields, "body", "body_pattern", &pattern));
    }
    Ok(Expect {
        status: fields.get("status").map(|node| node.status()).transpose()?.unwrap_or(200),
        headers: fields.string_pairs("headers")?,
        body: fields.string("body")?,
        body_pattern: fields.string("body_pattern")?,
    })
}

/// Reads an absolute URL of the schemes that content is fetched by.
pub(super) fn http_url(text: &str) -> std::result::Result<Url, String> {
    let url = Url::parse(text).map_err(|e| e.to_string())?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err("it must begin with `https://` or `http://`".to_owned())
    }
}
