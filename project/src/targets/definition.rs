//! The definition of an environment: which worlds it offers to which triggers ([SIP 025]).
//!
//! ```toml
//! default = { worlds = ["spin:up/platform@3.6.0"] }          # for triggers that are not listed; without it, none
//! [triggers.http]
//! worlds = ["spin:up/http-trigger@3.6.0", { path = "../wit", world = "acme:edge/http@1.0.0" }]
//! capabilities = ["local_service_chaining"]
//! ```
//!
//! Definitions come from the network, or from somebody else's folder. What is not known in one is an error with its
//! place: a check that passes over what it does not understand has checked nothing.
//!
//! [SIP 025]: https://github.com/spinframework/spin/blob/main/docs/content/sips/025-deployment-targets.md

use std::{collections::BTreeMap, ops::Range};

use semver::Version;
use spin_deps_registry::Reference;
use toml_edit::{Document, Item, TableLike};
use wasm_pkg_common::{label::Label, package::PackageRef, registry::Registry};

use crate::{Error, error::Excerpt, suggest};

/// No definition is longer, in bytes.
pub(super) const MAX_DEFINITION: u64 = 1 << 20;
/// No definition names more worlds.
const MAX_WORLDS: usize = 500;

/// What an environment offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    /// To triggers that are not listed.
    default: Option<Offer>,
    /// To the triggers of a kind.
    triggers: BTreeMap<String, Offer>,
}

/// What an environment offers to the triggers of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// Components have to fit one of them.
    pub(super) worlds: Vec<WorldRef>,
    /// What the environment can do besides.
    pub(super) capabilities: Vec<String>,
}

/// A world and the place of its package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WorldRef {
    pub(super) source: WorldSource,
    pub(super) package: PackageRef,
    pub(super) version: Option<Version>,
    /// The plain name.
    pub(super) world: String,
}

/// Where the package of a world is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WorldSource {
    /// In the registry of Spin's own packages, or where the configuration maps the package to.
    Default,
    Registry(Registry),
    Reference(Reference),
    /// A file or folder, relative to the definition.
    Path(String),
}

impl std::fmt::Display for WorldRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.package, self.world)?;
        self.version.iter().try_for_each(|version| write!(f, "@{version}"))
    }
}

impl Definition {
    /// Reads a definition.
    pub(super) fn parse(excerpt: Excerpt) -> Result<Self, Error> {
        let text = excerpt.text.clone();
        let reader = Reader { excerpt };
        if text.trim_start().starts_with('<') {
            return Err(reader.error(0..0, "", "it is a web page, not the definition of an environment"));
        }
        let document = Document::parse(text.as_str()).map_err(|error| {
            let message = format!("the definition is not valid TOML: {}", error.message());
            reader.error(error.span().unwrap_or_default(), "here", message)
        })?;
        let root = document.as_table();
        reader.known(root, "the definition of an environment", &["default", "triggers", "metadata"])?;
        let default = root.get("default").map(|item| reader.offer(item, "`default`")).transpose()?;
        let mut triggers = BTreeMap::new();
        if let Some(item) = root.get("triggers") {
            for (kind, item) in reader.table(item, "`triggers`")?.iter() {
                triggers.insert(kind.to_owned(), reader.offer(item, &format!("`triggers.{kind}`"))?);
            }
        }
        if default.is_none() && triggers.is_empty() {
            return Err(reader.error(
                0..0,
                "",
                "the definition supports no trigger: it has neither `default` nor `triggers`",
            ));
        }
        let definition = Self { default, triggers };
        if definition.worlds().count() > MAX_WORLDS {
            return Err(reader.error(
                0..0,
                "",
                format!("the definition names more than {MAX_WORLDS} worlds"),
            ));
        }
        Ok(definition)
    }

    /// What it offers to triggers of this kind; `None` if it does not support them.
    pub(super) fn offer(&self, kind: &str) -> Option<&Offer> {
        self.triggers.get(kind).or(self.default.as_ref())
    }

    /// The kinds of triggers that it lists, with what it offers them; the default last, without a kind.
    pub(super) fn offers(&self) -> impl Iterator<Item = (Option<&str>, &Offer)> {
        let listed = self.triggers.iter().map(|(kind, offer)| (Some(kind.as_str()), offer));
        listed.chain(self.default.iter().map(|offer| (None, offer)))
    }

    /// All its worlds; some may be there several times.
    pub(super) fn worlds(&self) -> impl Iterator<Item = &WorldRef> {
        self.offers().flat_map(|(_, offer)| &offer.worlds)
    }
}

/// Reads the parts of a definition and knows where they are.
struct Reader {
    excerpt: Excerpt,
}

impl Reader {
    fn error(&self, span: Range<usize>, label: &str, message: impl Into<String>) -> Error {
        Error::Place {
            excerpt: Box::new(self.excerpt.clone()),
            span,
            label: label.to_owned(),
            message: message.into(),
            hint: None,
        }
    }

    fn table<'a>(&self, item: &'a Item, what: &str) -> Result<&'a dyn TableLike, Error> {
        let wrong = || self.error(item.span().unwrap_or_default(), "this", format!("{what} is not a table"));
        item.as_table_like().ok_or_else(wrong)
    }

    /// That a table has no other fields.
    fn known(&self, table: &dyn TableLike, what: &str, fields: &[&str]) -> Result<(), Error> {
        for (name, item) in table.iter() {
            if !fields.contains(&name) {
                let span = table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
                return Err(Error::Place {
                    excerpt: Box::new(self.excerpt.clone()),
                    span: span.unwrap_or_default(),
                    label: "not known".into(),
                    message: format!("unknown field `{name}` in {what}"),
                    hint: Some(suggest::hint(name, fields.iter().copied(), "it may have")),
                });
            }
        }
        Ok(())
    }

    fn offer(&self, item: &Item, what: &str) -> Result<Offer, Error> {
        let table = self.table(item, what)?;
        self.known(table, what, &["worlds", "capabilities"])?;
        let at = || item.span().unwrap_or_default();
        let Some(listed) = table.get("worlds") else {
            return Err(self.error(at(), "this", format!("{what} has no `worlds`")));
        };
        let span = listed.span().unwrap_or_default();
        let Some(listed) = listed.as_array() else {
            return Err(self.error(span, "this", format!("`worlds` of {what} is not a list")));
        };
        if listed.is_empty() {
            let message = format!("`worlds` of {what} is empty, so that no component could fit");
            return Err(self.error(span, "no world", message));
        }
        let worlds = listed.iter().map(|world| self.world(world)).collect::<Result<_, _>>()?;
        let mut capabilities = Vec::new();
        if let Some(item) = table.get("capabilities") {
            let span = item.span().unwrap_or_default();
            let texts = item.as_array().map(|list| list.iter().map(|it| it.as_str().map(str::to_owned)));
            let Some(texts) = texts.and_then(Iterator::collect::<Option<Vec<_>>>) else {
                let message = format!("`capabilities` of {what} is not a list of strings");
                return Err(self.error(span, "this", message));
            };
            capabilities = texts;
        }
        Ok(Offer { worlds, capabilities })
    }

    fn world(&self, value: &toml_edit::Value) -> Result<WorldRef, Error> {
        const WHAT: &str = "a world";
        let span = value.span().unwrap_or_default();
        let wrong = |message: String| self.error(span.clone(), "this", message);
        if let Some(name) = value.as_str() {
            let world = self.named(name, WorldSource::Default, &span)?;
            return Ok(world);
        }
        let Some(table) = value.as_inline_table() else {
            return Err(wrong("a world is a name, or a table with its `world`".into()));
        };
        self.known(table, WHAT, &["registry", "reference", "path", "world"])?;
        let text = |field: &str| match table.get(field) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text)),
                None => Err(wrong(format!("`{field}` of a world is not a string"))),
            },
        };
        let source = match (text("registry")?, text("reference")?, text("path")?) {
            (Some(registry), None, None) => {
                let registry = registry.parse();
                WorldSource::Registry(
                    registry.map_err(|_| wrong("`registry` is not the name of a registry".into()))?,
                )
            }
            (None, Some(reference), None) => WorldSource::Reference(reference.parse().map_err(wrong)?),
            (None, None, Some(path)) => WorldSource::Path(path.to_owned()),
            (None, None, None) => {
                return Err(wrong("a world has one of `registry`, `reference` and `path`".into()));
            }
            _ => return Err(wrong("a world has only one of `registry`, `reference` and `path`".into())),
        };
        let name = text("world")?.ok_or_else(|| wrong("it has no `world`".into()))?;
        self.named(name, source, &span)
    }

    /// `ns:package/world@1.0.0`
    fn named(&self, name: &str, source: WorldSource, span: &Range<usize>) -> Result<WorldRef, Error> {
        let wrong = |reason: &str| {
            let shown: String = name.chars().take(100).collect();
            self.error(span.clone(), "this", format!("`{shown}` is not the name of a world: {reason}"))
        };
        let (path, version) = match name.split_once('@') {
            Some((path, version)) => (path, Some(version.parse().map_err(|_| wrong("its version is none"))?)),
            None => (name, None),
        };
        let (package, world) =
            path.split_once('/').ok_or_else(|| wrong("it is written ns:package/world@1.0.0"))?;
        let package = package.parse().map_err(|_| wrong("its package is none"))?;
        world.parse::<Label>().map_err(|_| wrong("its last part is not a name in kebab-case"))?;
        let in_registry = matches!(source, WorldSource::Default | WorldSource::Registry(_));
        if in_registry && version.is_none() {
            return Err(wrong("in a registry, a package has a version"));
        }
        Ok(WorldRef { source, package, version, world: world.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Result<Definition, String> {
        Definition::parse(Excerpt::new(Path::new("env.toml"), text)).map_err(|error| {
            let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            let place =
                error.place().and_then(|(excerpt, span, _)| excerpt.text.get(span).map(str::to_owned));
            format!("{error}{hint} at `{}`", place.unwrap_or_default())
        })
    }

    #[test]
    fn all_forms_of_worlds_are_read() {
        let definition = parse(
            r#"
default = { worlds = ["spin:up/platform@3.6.0"], capabilities = ["middleware"] }
[triggers.http]
worlds = [
  { registry = "example.com", world = "acme:p/w@1.0.0" },
  { reference = "ghcr.io/acme/wit:latest", world = "acme:p/w" },
  { path = "../wit", world = "acme:p/w@1.0.0" },
]
[metadata]
whatever = { it = ["is"] }
"#,
        );
        let definition = definition.unwrap();
        let names: Vec<_> = definition.worlds().map(ToString::to_string).collect();
        assert_eq!(names, ["acme:p/w@1.0.0", "acme:p/w", "acme:p/w@1.0.0", "spin:up/platform@3.6.0"]);
        assert_eq!(definition.offer("redis").unwrap().capabilities, ["middleware"]);
        assert_eq!(definition.offer("http").unwrap().worlds.len(), 3);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let cases = [
            "",
            "<!DOCTYPE html><html></html>",
            "default = ",
            "defualt = { worlds = [\"a:b/c@1.0.0\"] }",
            "default = { worlds = [] }",
            "default = { capabilities = [] }",
            "default = { worlds = \"a:b/c@1.0.0\" }",
            "default = { worlds = [\"a:b/c@1.0.0\"], capability = [] }",
            "default = { worlds = [\"a:b/c@1.0.0\"], capabilities = [1] }",
            "[triggers]\nhttp = 1",
            "default = { worlds = [\"a:b/c\"] }",
            "default = { worlds = [\"nonsense\"] }",
            "default = { worlds = [{ world = \"a:b/c@1.0.0\" }] }",
            "default = { worlds = [{ path = \"x\", registry = \"y\", world = \"a:b/c@1.0.0\" }] }",
            "default = { worlds = [{ path = \"x\" }] }",
            "default = { worlds = [{ reference = \"wit:1\", world = \"a:b/c@1.0.0\" }] }",
            "default = { worlds = [{ refrence = \"ghcr.io/a/b:1\", world = \"a:b/c@1.0.0\" }] }",
        ];
        let found: Vec<_> = cases.iter().map(|text| parse(text).unwrap_err()).collect();
        insta::assert_snapshot!(found.join("\n"), @r#"
        the definition supports no trigger: it has neither `default` nor `triggers` at ``
        it is a web page, not the definition of an environment at ``
        the definition is not valid TOML: string values must be quoted, expected literal string at ``
        unknown field `defualt` in the definition of an environment (did you mean `default`?) at `defualt`
        `worlds` of `default` is empty, so that no component could fit at `[]`
        `default` has no `worlds` at `{ capabilities = [] }`
        `worlds` of `default` is not a list at `"a:b/c@1.0.0"`
        unknown field `capability` in `default` (did you mean `capabilities`?) at `capability`
        `capabilities` of `default` is not a list of strings at `[1]`
        `triggers.http` is not a table at `1`
        `a:b/c` is not the name of a world: in a registry, a package has a version at `"a:b/c"`
        `nonsense` is not the name of a world: it is written ns:package/world@1.0.0 at `"nonsense"`
        a world has one of `registry`, `reference` and `path` at `{ world = "a:b/c@1.0.0" }`
        a world has only one of `registry`, `reference` and `path` at `{ path = "x", registry = "y", world = "a:b/c@1.0.0" }`
        it has no `world` at `{ path = "x" }`
        `wit:1` is not written HOST/REPOSITORY:TAG at `{ reference = "wit:1", world = "a:b/c@1.0.0" }`
        unknown field `refrence` in a world (did you mean `reference`?) at `refrence`
        "#);
    }
}
