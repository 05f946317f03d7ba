//! The text of a dependency or a middleware.

use semver::VersionReq;
use toml_edit::Value;
use wasm_pkg_common::package::PackageRef;

use super::{Wanted, text::quoted};
use crate::{DependencyName, Inherit, Source};

/// All fields, in the order that they are written.
pub(super) const FIELDS: [&str; 9] = [
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

/// An entry as the texts of its fields.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) fields: Vec<(&'static str, String)>,
    /// The entry as a version requirement alone, if that says all.
    pub(super) short: Option<String>,
    /// The package that needs no writing, because the name says it.
    implied: Option<String>,
}

impl Entry {
    pub(super) fn of_dependency(name: &DependencyName, wanted: &Wanted<'_>) -> Self {
        let mut entry = Self::of(wanted, name.package());
        let only_version = matches!(entry.fields.as_slice(), [("version", _)]);
        entry.short = entry.fields.first().filter(|_| only_version).map(|(_, text)| text.clone());
        entry
    }

    pub(super) fn of_middleware(wanted: &Wanted<'_>) -> Self {
        Self::of(wanted, None)
    }

    fn of(wanted: &Wanted<'_>, implied: Option<&PackageRef>) -> Self {
        let mut fields = Vec::new();
        let mut said = None;
        match wanted.source {
            Source::Registry { package, req, registry, explicit_package: _ } => {
                fields.push(("version", quoted(&req.to_string())));
                if let Some(registry) = registry {
                    fields.push(("registry", quoted(registry.as_ref())));
                }
                let written = quoted(&package.to_string());
                if implied == Some(package) {
                    said = Some(written);
                } else {
                    fields.push(("package", written));
                }
            }
            Source::Path(path) => fields.push(("path", quoted(path))),
            Source::Url { url, digest } => {
                fields.push(("url", quoted(url.as_str())));
                fields.push(("digest", quoted(&digest.to_string())));
            }
            Source::Component(id) => fields.push(("component", quoted(id))),
        }
        if let Some(export) = wanted.export {
            fields.push(("export", quoted(export)));
        }
        let inherit = match wanted.inherit {
            Inherit::Default => None,
            Inherit::All(all) => Some(all.to_string()),
            Inherit::Only(list) => {
                let keys: Vec<String> = list.iter().map(|capability| quoted(capability.key())).collect();
                Some(format!("[{}]", keys.join(", ")))
            }
        };
        fields.extend(inherit.map(|text| ("inherit_configuration", text)));
        Self { fields, short: None, implied: said }
    }

    /// Whether a `package` with this value, if it is written already, says the same as none.
    pub(super) fn implies_package(&self, value: &str) -> bool {
        self.implied.as_deref().is_some_and(|implied| equal_values("package", value, implied) == Some(true))
    }

    /// The entry as one value.
    pub(super) fn value(&self) -> String {
        if let Some(short) = &self.short {
            return short.clone();
        }
        let fields: Vec<String> =
            self.fields.iter().map(|(field, text)| format!("{field} = {text}")).collect();
        format!("{{ {} }}", fields.join(", "))
    }
}

/// Whether two texts of a field say the same, however they are written.
pub(super) fn equal_values(field: &str, a: &str, b: &str) -> Option<bool> {
    let (a, b): (Value, Value) = (a.parse().ok()?, b.parse().ok()?);
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) if field == "version" => {
            Some(a.parse::<VersionReq>().ok()? == b.parse::<VersionReq>().ok()?)
        }
        (Some(a), Some(b)) if field == "digest" => Some(a.eq_ignore_ascii_case(b)),
        (Some(a), Some(b)) => Some(a == b),
        (None, None) => match (a.as_array(), b.as_array()) {
            (Some(a), Some(b)) => Some(a.iter().map(Value::as_str).eq(b.iter().map(Value::as_str))),
            _ => Some(a.as_bool()? == b.as_bool()?),
        },
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Capability;

    fn value(name: &str, source: &Source, export: Option<&str>, inherit: &Inherit) -> String {
        Entry::of_dependency(&name.parse().unwrap(), &Wanted { source, export, inherit }).value()
    }

    #[test]
    fn forms() {
        let registry = |package: &str, registry: Option<&str>| Source::Registry {
            package: package.parse().unwrap(),
            explicit_package: false,
            req: "^2.0".parse().unwrap(),
            registry: registry.map(|r| r.parse().unwrap()),
        };
        let none = Inherit::Default;
        let some = Inherit::Only(vec![Capability::Files, Capability::Variables]);
        insta::assert_snapshot!(value("acme:crypto", &registry("acme:crypto", None), None, &none), @r#""^2.0""#);
        insta::assert_snapshot!(value("acme:crypto/hash@1.0.0", &registry("acme:crypto", None), None, &none), @r#""^2.0""#);
        insta::assert_snapshot!(value("acme:crypto/hash", &registry("other:impl", Some("localhost:5000")), Some("other:impl/hash"), &some), @r#"{ version = "^2.0", registry = "localhost:5000", package = "other:impl", export = "other:impl/hash", inherit_configuration = ["files", "variables"] }"#);
        insta::assert_snapshot!(value("plain", &registry("acme:crypto", None), None, &none), @r#"{ version = "^2.0", package = "acme:crypto" }"#);
        insta::assert_snapshot!(value("a:b", &Source::Path("C:\\x y.wasm".into()), None, &Inherit::All(false)), @r#"{ path = "C:\\x y.wasm", inherit_configuration = false }"#);
        insta::assert_snapshot!(value("a:b", &Source::Component("lib".into()), None, &Inherit::All(true)), @r#"{ component = "lib", inherit_configuration = true }"#);
    }

    #[test]
    fn values_are_compared_by_meaning() {
        assert_eq!(equal_values("version", "'1.2'", "\"^1.2\""), Some(true));
        assert_eq!(equal_values("version", "'1.2'", "\"~1.2\""), Some(false));
        assert_eq!(equal_values("path", "'a'", "\"a\""), Some(true));
        assert_eq!(equal_values("inherit_configuration", "[ 'files' ]", "[\"files\"]"), Some(true));
        assert_eq!(equal_values("inherit_configuration", "true", "[\"files\"]"), None);
        assert_eq!(equal_values("inherit_configuration", "true", "true"), Some(true));
    }
}
