//! Triggers, and what normalising makes of them.
//!
//! A trigger without an id gets the one that Spin gives it, because other tools show that id; a
//! component that is written inside a trigger becomes one of the manifest's components, under the
//! id that Spin gives it. Only the kind `http` is known in detail. The settings of other kinds are
//! their own.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::{Fields, Node, Result, application, component, dependency};
use crate::{
    Component, ErrorKind, Executor, HttpTrigger, ManifestError, Middleware, Route, Span, StaticResponse,
    Trigger, edit::Step, name::check_kebab,
};

const HTTP_FIELDS: [&str; 6] = ["id", "route", "component", "static_response", "executor", "dependencies"];

/// A trigger as it is written.
pub(super) struct Draft {
    id: Option<String>,
    kind: String,
    index: usize,
    component: Option<Spec>,
    component_span: Span,
    components: IndexMap<String, Vec<Spec>>,
    middleware: Vec<Middleware>,
    http: Option<HttpTrigger>,
    span: Span,
}

/// A component by id, or the component itself.
enum Spec {
    Reference(String),
    Inline(Box<Component>),
}

pub(super) fn read_all(node: &Node<'_>) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    for (key, node) in node.entries()? {
        let node = node.called(format!("`trigger.{}`", super::printable(key.name)));
        if !node.is_array() {
            return Err(node.wrong_type("an array of tables").with_hint(format!(
                "write `[[trigger.{}]]`, with two brackets",
                super::printable(key.name)
            )));
        }
        for (index, node) in node.elements()?.into_iter().enumerate() {
            drafts.push(read(key.name, index, node)?);
        }
    }
    Ok(drafts)
}

fn read(kind: &str, index: usize, node: Node<'_>) -> Result<Draft> {
    let path = vec![Step::key("trigger"), Step::key(kind), Step::Index(index)];
    let fields = node.called(format!("the {} trigger", super::printable(kind))).open_fields()?;
    let mut http = None;
    if kind == "http" {
        http = Some(self::http(&fields)?);
    }
    let component = fields
        .get("component")
        .map(|node| spec(node, [path.clone(), vec![Step::key("component")]].concat()))
        .transpose()?;
    let mut components = IndexMap::new();
    if let Some(node) = fields.get("components") {
        for (key, node) in node.entries()? {
            let path = [path.clone(), vec![Step::key("components"), Step::key(key.name)]].concat();
            components.insert(key.name.to_owned(), specs(node, &path)?);
        }
    }
    let component_span = fields
        .get("component")
        .or_else(|| fields.get("components"))
        .map_or_else(|| fields.node.span.clone(), |node| node.span);
    Ok(Draft {
        component_span,
        id: fields.string("id")?.filter(|id| !id.is_empty()),
        kind: kind.to_owned(),
        index,
        component,
        components,
        middleware: dependencies(&fields)?,
        http,
        span: fields.node.span.clone(),
    })
}

fn spec(node: Node<'_>, path: Vec<Step>) -> Result<Spec> {
    if node.as_str().is_some() {
        return dependency::component_id(&node).map(Spec::Reference);
    }
    if !node.is_table() {
        return Err(node.wrong_type("a component id or the component itself"));
    }
    // Messages need a name before normalising gives one.
    component::body(node.called("the component of the trigger"), "", path)
        .map(|component| Spec::Inline(Box::new(component)))
}

fn specs(node: Node<'_>, path: &[Step]) -> Result<Vec<Spec>> {
    if !node.is_array() {
        return Ok(vec![spec(node, path.to_vec())?]);
    }
    let element = |(index, node)| spec(node, [path, &[Step::Index(index)]].concat());
    node.elements()?.into_iter().enumerate().map(element).collect()
}

fn dependencies(fields: &Fields<'_>) -> Result<Vec<Middleware>> {
    let Some(node) = fields.get("dependencies") else {
        return Ok(Vec::new());
    };
    let mut middleware = Vec::new();
    for (key, node) in node.entries()? {
        if key.name != "middleware" {
            let kind = ErrorKind::UnknownRole(super::printable(key.name));
            return Err(
                ManifestError::new(kind, key.span, "no such role").with_hint("the only role is `middleware`")
            );
        }
        middleware = dependency::middleware(&node)?;
    }
    Ok(middleware)
}

fn http(fields: &Fields<'_>) -> Result<HttpTrigger> {
    for name in fields.names() {
        if !HTTP_FIELDS.contains(&name) {
            let error = fields.unknown(name, &HTTP_FIELDS);
            return Err(if name == "components" {
                error.with_hint("middleware goes into `dependencies.middleware`")
            } else {
                error
            });
        }
    }
    let route = fields.require("route")?;
    let route_span = route.span.clone();
    let route = self::route(route)?;
    match (fields.get("component"), fields.get("static_response")) {
        (Some(_), Some(response)) => {
            return Err(application::exclusive(fields, "component", "static_response", &response));
        }
        (None, None) => {
            let label = fields.string("id")?.unwrap_or_else(|| match &route {
                Route::Path(path) => path.clone(),
                Route::Private => "private".to_owned(),
            });
            return Err(fields
                .node
                .error(ErrorKind::NothingToRun(super::printable(&label)), "nothing answers its requests")
                .with_hint("add `component = \"…\"`"));
        }
        _ => {}
    }
    Ok(HttpTrigger {
        route,
        route_span,
        executor: fields.get("executor").map(executor).transpose()?.unwrap_or_default(),
        static_response: fields.get("static_response").map(static_response).transpose()?,
    })
}

fn route(node: Node<'_>) -> Result<Route> {
    if let Some(path) = node.as_str() {
        // As in Spin, a route is absolute however it is written.
        let slash = if path.starts_with('/') { "" } else { "/" };
        return Ok(Route::Path(format!("{slash}{path}")));
    }
    if !node.is_table() {
        return Err(node.wrong_type("a path or `{ private = true }`"));
    }
    let fields = node.fields(&["private"])?;
    let private = fields.require("private")?;
    if private.bool()? {
        return Ok(Route::Private);
    }
    Err(private
        .invalid("route", "{ private = false }", "`private` can only be `true`")
        .with_hint("write the path of a public route as a string"))
}

fn executor(node: Node<'_>) -> Result<Executor> {
    let fields = node.fields(&["type", "argv", "entrypoint"])?;
    let kind = fields.require("type")?;
    match kind.string()? {
        "http" | "spin" => match fields.names().find(|name| *name != "type") {
            None => Ok(Executor::Http),
            Some(name) => Err(fields.unknown(name, &["type"])),
        },
        "wagi" => {
            Ok(Executor::Wagi { argv: fields.string("argv")?, entrypoint: fields.string("entrypoint")? })
        }
        other => Err(kind.invalid("executor", other, "it must be `http` or `wagi`")),
    }
}

/// Spin looks at three fields and lets others be.
fn static_response(node: Node<'_>) -> Result<StaticResponse> {
    let fields = node.open_fields()?;
    Ok(StaticResponse {
        status_code: fields.get("status_code").map(|node| node.status()).transpose()?.unwrap_or(200),
        headers: fields.string_pairs("headers")?,
        body: fields.string("body")?,
    })
}

/// Gives ids to triggers, then lifts components out of them.
pub(super) fn normalise(drafts: Vec<Draft>, components: &mut IndexMap<String, Component>) -> Vec<Trigger> {
    let mut taken: HashSet<String> = drafts.iter().filter_map(|draft| draft.id.clone()).collect();
    let mut triggers = Vec::with_capacity(drafts.len());
    // All ids come before all components: they are made of the ids that are written.
    let mut numbers = HashMap::new();
    let ids: Vec<String> = drafts.iter().map(|draft| trigger_id(draft, &mut taken, &mut numbers)).collect();
    let mut inline = 1;
    for (draft, id) in drafts.into_iter().zip(ids) {
        let several = usize::from(draft.component.is_some())
            + draft.components.values().map(Vec::len).sum::<usize>()
            > 1;
        let mut lift = |spec: Spec| match spec {
            Spec::Reference(id) => id,
            Spec::Inline(mut component) => {
                let component_id = inline_id(&id, several, components, &mut inline);
                component.id.clone_from(&component_id);
                components.insert(component_id.clone(), *component);
                component_id
            }
        };
        let component = draft.component.map(&mut lift);
        let roles = draft.components.into_iter();
        let roles = roles.map(|(role, specs)| (role, specs.into_iter().map(&mut lift).collect())).collect();
        triggers.push(Trigger {
            explicit_id: draft.id.is_some(),
            id,
            kind: draft.kind,
            component,
            component_span: draft.component_span,
            components: roles,
            middleware: draft.middleware,
            http: draft.http,
            span: draft.span,
            index: draft.index,
        });
    }
    triggers
}

/// Numbers only go up, because an id never becomes free again.
fn trigger_id(draft: &Draft, taken: &mut HashSet<String>, numbers: &mut HashMap<String, usize>) -> String {
    if let Some(id) = &draft.id {
        return id.clone();
    }
    if let Some(Spec::Reference(component)) = &draft.component {
        let id = format!("{component}-{}-trigger", draft.kind);
        if taken.insert(id.clone()) {
            return id;
        }
    }
    let number = numbers.entry(draft.kind.clone()).or_insert(1);
    loop {
        let id = format!("{}-trigger{number}", draft.kind);
        *number += 1;
        if taken.insert(id.clone()) {
            return id;
        }
    }
}

fn inline_id(
    trigger: &str,
    several: bool,
    components: &IndexMap<String, Component>,
    number: &mut usize,
) -> String {
    let id = format!("{trigger}-component");
    if !several && check_kebab(&id).is_ok() && !components.contains_key(&id) {
        return id;
    }
    loop {
        let id = format!("inline-component{number}");
        *number += 1;
        if !components.contains_key(&id) {
            return id;
        }
    }
}
