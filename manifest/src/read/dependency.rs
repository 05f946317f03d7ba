//! Dependencies of components, and middleware.
//!
//! Both say where an implementation comes from with the same four groups of fields. The field that
//! decides — `version`, `path`, `url` or `component` — also says which others may be there.

use semver::{Version, VersionReq};
use url::Url;
use wasm_pkg_common::{digest::ContentDigest, package::PackageRef, registry::Registry};

use super::{Fields, KeyRef, Node, Result, application, printable};
use crate::{
    Capability, Dependency, DependencyName, ErrorKind, Inherit, ManifestError, Middleware, Override, Source,
    Span, name, parse_requirement,
};

/// The field that decides each form, and the fields that belong to it alone.
const FORMS: [(&str, &[&str]); 4] =
    [("version", &["registry", "package"]), ("path", &[]), ("url", &["digest"]), ("component", &[])];

const FIELDS: [&str; 9] = [
    "version",
    "registry",
    "package",
    "path",
    "url",
    "digest",
    "component",
    "export",
    "inherit_configuration",
];

const MIDDLEWARE_FIELDS: [&str; 8] =
    ["version", "registry", "package", "path", "url", "digest", "component", "inherit_configuration"];

const OVERRIDE_FIELDS: [&str; 4] = ["path", "version", "package", "registry"];

/// The entries of a `dependencies` table of a component or a profile.
pub(super) fn read_all(node: &Node<'_>, owner: &str) -> Result<Vec<Dependency>> {
    node.entries()?.into_iter().map(|(key, node)| read(&key, node, owner)).collect()
}

fn read(key: &KeyRef<'_>, node: Node<'_>, owner: &str) -> Result<Dependency> {
    let name: DependencyName = key.name.parse().map_err(|error: crate::InvalidName| {
        let kind = ErrorKind::Invalid {
            what: "dependency name",
            value: printable(key.name),
            reason: error.to_string(),
        };
        ManifestError::new(kind, key.span.clone(), "not a valid dependency name")
    })?;
    let node = node.called(format!("the dependency `{name}` of {owner}"));
    let name_span = key.span.clone();
    if let Some(text) = node.as_str() {
        let req = requirement(&node, text)?;
        let package = name.package().cloned().ok_or_else(|| needs_package(&node, &name, text))?;
        let source = Source::Registry { package, explicit_package: false, req, registry: None };
        let span = node.span;
        return Ok(Dependency {
            name,
            source,
            export: None,
            inherit: Inherit::Default,
            source_span: span.clone(),
            span,
            name_span,
        });
    }
    if !node.is_table() {
        return Err(node.wrong_type("a version requirement or a table"));
    }
    let span = node.span.clone();
    let fields = node.fields(&FIELDS)?;
    let (source, source_span) = source(&fields, Some(&name))?;
    if let Some(export) = fields.get("export")
        && name.is_package_level()
    {
        let kind = ErrorKind::ExportOfPackage(name.to_string());
        return Err(export
            .error(kind, "`export` needs one import to stand for")
            .with_hint(format!("name the interface, as in `\"{}/…\"`", package_part(&name))));
    }
    let export = fields.string("export")?;
    let inherit = inherit(&fields)?;
    Ok(Dependency { name, source, export, inherit, span, source_span, name_span })
}

fn package_part(name: &DependencyName) -> String {
    name.package().map(ToString::to_string).unwrap_or_default()
}

fn needs_package(node: &Node<'_>, name: &DependencyName, req: &str) -> ManifestError {
    node.error(ErrorKind::PlainNameNeedsPackage(name.to_string()), "no package").with_hint(format!(
        "a name without a package needs one in its entry: `{{ version = \"{}\", package = \"…\" }}`",
        printable(req)
    ))
}

/// The entries of `[application.tool.deps.overrides]`.
pub(super) fn overrides(node: &Node<'_>) -> Result<Vec<Override>> {
    node.entries()?.into_iter().map(|(key, node)| replaced(&key, node)).collect()
}

fn replaced(key: &KeyRef<'_>, node: Node<'_>) -> Result<Override> {
    let package = name::parse_package(key.name).map_err(|reason| {
        let kind = ErrorKind::Invalid { what: "package", value: printable(key.name), reason };
        ManifestError::new(kind, key.span.clone(), "not the name of a package")
            .with_hint("an override is for a whole package, `\"ns:name\"`, in all its versions")
    })?;
    let node = node.called(format!("the override of `{package}`"));
    let (name_span, span) = (key.span.clone(), node.span.clone());
    if let Some(text) = node.as_str() {
        let req = requirement(&node, text)?;
        let source =
            Source::Registry { package: package.clone(), explicit_package: false, req, registry: None };
        return Ok(Override { package, source, name_span, span });
    }
    if !node.is_table() {
        return Err(node.wrong_type("a version requirement or a table"));
    }
    let fields = node.fields(&OVERRIDE_FIELDS)?;
    if fields.get("path").is_none() && fields.get("version").is_none() {
        let hint = match fields.get("package").or_else(|| fields.get("registry")) {
            Some(_) => "a package from a registry needs a `version`; `version = \"*\"` is any",
            None => "write `path`, or `version` with `package` where it is another one",
        };
        let kind = ErrorKind::NoSource(fields.node.what.clone());
        return Err(fields.node.error(kind, "nothing takes its place").with_hint(hint));
    }
    let implied = DependencyName::Package { package: package.clone(), interface: None, version: None };
    let (source, _) = source(&fields, Some(&implied))?;
    if let (Source::Registry { package: by, .. }, Some(at)) = (&source, fields.get("package"))
        && *by == package
    {
        let kind = ErrorKind::OverrideCircle(vec![package.to_string(), package.to_string()]);
        return Err(at.error(kind, "the same package").with_hint(
            "leave out `package`: an override with only a `version` is of the package's own releases",
        ));
    }
    Ok(Override { package, source, name_span, span })
}

/// The middleware of a trigger, outermost first.
pub(super) fn middleware(node: &Node<'_>) -> Result<Vec<Middleware>> {
    node.elements()?.into_iter().map(layer).collect()
}

fn layer(node: Node<'_>) -> Result<Middleware> {
    let node = node.called("a middleware");
    if !node.is_table() {
        return Err(node.wrong_type("a table").with_hint(
            "write `{ path = \"…\" }`, `{ component = \"…\" }`, `{ url = \"…\", digest = \"…\" }` or \
             `{ version = \"…\", package = \"…\" }`",
        ));
    }
    let span = node.span.clone();
    let fields = node.open_fields()?;
    if fields.get("export").is_some() {
        return Err(fields
            .unknown("export", &MIDDLEWARE_FIELDS)
            .with_hint("a middleware is composed by its handler; it has no `export`"));
    }
    let fields = fields.node.fields(&MIDDLEWARE_FIELDS)?;
    let (source, source_span) = source(&fields, None)?;
    Ok(Middleware { source, inherit: inherit(&fields)?, span, source_span })
}

/// Which form the fields have: its source, and the place of the field that decides.
fn source(fields: &Fields<'_>, name: Option<&DependencyName>) -> Result<(Source, Span)> {
    let mut forms = FORMS.into_iter().filter_map(|(field, others)| Some((field, others, fields.get(field)?)));
    let Some((form, own, node)) = forms.next() else {
        return Err(no_form(fields));
    };
    if let Some((other, _, at)) = forms.next() {
        return Err(application::exclusive(fields, form, other, &at)
            .with_hint("a dependency has one source: `version`, `path`, `url` or `component`"));
    }
    for (_, others) in FORMS {
        for foreign in others.iter().filter(|field| !own.contains(field)) {
            if let Some(at) = fields.get(foreign) {
                let hint = format!("`{foreign}` does not belong to a source by `{form}`");
                return Err(application::exclusive(fields, form, foreign, &at).with_hint(hint));
            }
        }
    }
    let source = match form {
        "path" => Source::Path(node.string()?.to_owned()),
        "url" => Source::Url { url: url(&node)?, digest: digest(&fields.require("digest")?)? },
        "component" => Source::Component(component_id(&node)?),
        _ => package_source(fields, &node, name)?,
    };
    Ok((source, node.span))
}

fn package_source(fields: &Fields<'_>, version: &Node<'_>, name: Option<&DependencyName>) -> Result<Source> {
    let written = version.string()?;
    let req = requirement(version, written)?;
    let explicit = fields.get("package").map(|node| package(&node)).transpose()?;
    let registry = fields.get("registry").map(|node| registry(&node)).transpose()?;
    let explicit_package = explicit.is_some();
    let package = match (explicit, name) {
        (Some(package), _) => package,
        (None, Some(name)) => match name.package() {
            Some(package) => package.clone(),
            None => return Err(needs_package(&fields.node, name, written)),
        },
        (None, None) => {
            let hint = "a middleware has no name that could stand for its package";
            return Err(fields.node.missing("package").with_hint(hint));
        }
    };
    Ok(Source::Registry { package, explicit_package, req, registry })
}

fn no_form(fields: &Fields<'_>) -> ManifestError {
    let forms = "write `version`, `path`, `url` with `digest`, or `component`";
    let hint = if fields.get("digest").is_some() {
        "a `digest` belongs to a `url`"
    } else if fields.get("package").is_some() || fields.get("registry").is_some() {
        "a package from a registry needs a `version`"
    } else {
        forms
    };
    fields.node.error(ErrorKind::NoSource(fields.node.what.clone()), "no source").with_hint(hint)
}

fn inherit(fields: &Fields<'_>) -> Result<Inherit> {
    let Some(node) = fields.get("inherit_configuration") else {
        return Ok(Inherit::Default);
    };
    if let Some(all) = node.as_bool() {
        return Ok(Inherit::All(all));
    }
    if !node.is_array() {
        return Err(node.wrong_type("`true`, `false` or an array of capabilities"));
    }
    let mut list = Vec::new();
    for element in node.elements()? {
        let capability: Capability =
            element.string()?.parse().map_err(|error: crate::UnknownCapability| {
                element
                    .error(ErrorKind::UnknownCapability(printable(&error.0)), "no such capability")
                    .with_hint_if(error.hint())
            })?;
        if !list.contains(&capability) {
            list.push(capability);
        }
    }
    Ok(Inherit::Only(list))
}

pub(super) fn component_id(node: &Node<'_>) -> Result<String> {
    let id = node.string()?;
    name::check_kebab(id).map_err(|reason| node.invalid("component id", id, reason))?;
    Ok(id.to_owned())
}

fn requirement(node: &Node<'_>, text: &str) -> Result<VersionReq> {
    parse_requirement(text).map_err(|error| {
        let kind = ErrorKind::Invalid {
            what: "version requirement",
            value: error.shown().to_owned(),
            reason: error.reason().to_owned(),
        };
        ManifestError::new(kind, node.part(text, error.part()), "not a valid version requirement")
            .with_hint(error.hint())
    })
}

pub(super) fn version(node: &Node<'_>) -> Result<Version> {
    let text = node.string()?;
    text.parse().map_err(|error: semver::Error| {
        node.invalid("version", text, error.to_string())
            .with_hint("an exact version is needed here, such as `1.2.3`")
    })
}

pub(super) fn package(node: &Node<'_>) -> Result<PackageRef> {
    let text = node.string()?;
    name::parse_package(text).map_err(|reason| node.invalid("package", text, reason))
}

pub(super) fn registry(node: &Node<'_>) -> Result<Registry> {
    let text = node.string()?;
    text.parse().map_err(|_| node.invalid("registry", text, "it must be a host name, with a port if need be"))
}

pub(super) fn url(node: &Node<'_>) -> Result<Url> {
    let text = node.string()?;
    application::http_url(text).map_err(|reason| node.invalid("URL", text, reason))
}

pub(super) fn digest(node: &Node<'_>) -> Result<ContentDigest> {
    let text = node.string()?;
    text.parse().map_err(|_| node.invalid("digest", text, "it must be `sha256:` and 64 hexadecimal digits"))
}
