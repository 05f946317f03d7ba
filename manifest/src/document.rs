//! One manifest: its text and what it says.

use toml_edit::Value;
use wasm_pkg_common::package::PackageRef;

use crate::{
    Dependency, DependencyName, ErrorKind, Inherit, Manifest, ManifestError, Middleware, Source, Span,
    Trigger, check,
    edit::{self, MAX_DEPTH, Syntax, Wanted},
    error::did_you_mean,
    read::{self, printable},
};

/// The longest text that is read, in bytes.
pub const MAX_LENGTH: usize = 4 << 20;

/// The text of a manifest, what it says, and changes to it.
///
/// A change that would make the manifest invalid, or that its layout has no place for, is an error
/// and leaves the document as it was. Errors of changes have no [span](ManifestError::span),
/// because the text that they are about does not exist.
#[derive(Debug, Clone)]
pub struct Document {
    text: String,
    manifest: Manifest,
}

impl Document {
    /// Reads a manifest: TOML, the fields of `spin.toml` version 2 or of `component.toml` version 1, and Spin's rules.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MAX_LENGTH {
            let kind = ErrorKind::TooLong { length: text.len(), limit: MAX_LENGTH };
            return Err(ManifestError::request(kind));
        }
        if Syntax::parse(text).is_too_deep() {
            return Err(ManifestError::request(ErrorKind::TooDeep { limit: MAX_DEPTH }));
        }
        let tree = toml_edit::Document::parse(text).map_err(|error| syntax_error(text, &error))?;
        let manifest = read::manifest(tree.as_table())?;
        check::check(&manifest)?;
        Ok(Self { text: text.to_owned(), manifest })
    }

    /// What the manifest says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The text: what was parsed, byte for byte, but for the changes made since.
    pub fn text(&self) -> String {
        self.text.clone()
    }

    /// Adds a dependency to a component, or changes the one with this name.
    ///
    /// A change keeps the entry's `export` and `inherit_configuration` unless others are given
    /// here. A `package` is written only if the name does not imply it, whatever
    /// `explicit_package` says.
    pub fn set_dependency(
        &mut self,
        component: &str,
        name: &DependencyName,
        source: &Source,
        export: Option<&str>,
        inherit: &Inherit,
    ) -> Result<(), ManifestError> {
        let old = self.component(component)?;
        let existing = old.dependency(name);
        let export = export.or_else(|| existing.and_then(|d| d.export.as_deref()));
        let inherit = match (inherit, existing) {
            (Inherit::Default, Some(existing)) => &existing.inherit,
            _ => inherit,
        };
        let wanted = Wanted { source, export, inherit };
        let change = if existing.is_some() { edit::update_dependency } else { edit::add_dependency };
        let text = change(&self.text, &edit::dependencies(&old.path), name, &wanted);
        let changed = Self::read_change(text, || format!("the dependencies of component `{component}`"))?;
        let mut expected: Vec<Said<'_>> = old.dependencies.iter().map(Said::of).collect();
        let said = Said { name, source, export, inherit };
        match expected.iter_mut().find(|d| d.name == name) {
            Some(place) => *place = said,
            None => expected.push(said),
        }
        let right = says(&changed.manifest, component, expected);
        *self = changed.verified(right, component)?;
        Ok(())
    }

    /// The version requirement at the place of a [source](crate::Dependency::source_span), as it is written.
    pub fn requirement(&self, place: &Span) -> Option<String> {
        let value: Value = self.text.get(place.clone())?.parse().ok()?;
        value.as_str().map(str::to_owned)
    }

    /// Writes another version requirement at the place of a [source](crate::Dependency::source_span) that has one.
    /// Nothing else changes.
    pub fn set_requirement(&mut self, place: &Span, requirement: &str) -> Result<(), ManifestError> {
        let what = || format!("the requirement `{}`", printable(requirement));
        let text = self.requirement(place).and_then(|_| edit::replace(&self.text, place, requirement));
        let changed = Self::read_change(text, what)?;
        let written = place.start..place.end + changed.text.len() - self.text.len();
        let right = changed.requirement(&written).as_deref() == Some(requirement);
        *self = changed.verified(right, requirement)?;
        Ok(())
    }

    /// Removes a dependency of a component; whether it was there.
    pub fn remove_dependency(
        &mut self,
        component: &str,
        name: &DependencyName,
    ) -> Result<bool, ManifestError> {
        let old = self.component(component)?;
        if old.dependency(name).is_none() {
            return Ok(false);
        }
        let text = edit::remove_dependency(
            &self.text,
            &edit::dependencies(&old.path),
            name,
            old.dependencies.len() == 1,
        );
        let changed = Self::read_change(text, || format!("the dependencies of component `{component}`"))?;
        let expected: Vec<Said<'_>> =
            old.dependencies.iter().filter(|d| d.name != *name).map(Said::of).collect();
        let right = says(&changed.manifest, component, expected);
        *self = changed.verified(right, component)?;
        Ok(true)
    }

    /// Puts a middleware into a trigger's pipeline, before the one that is at `position` now.
    ///
    /// Position 0 is the outermost; the number of middleware components is the innermost.
    pub fn insert_middleware(
        &mut self,
        trigger_id: &str,
        position: usize,
        entry: &Source,
        inherit: &Inherit,
    ) -> Result<(), ManifestError> {
        let trigger = self.trigger(trigger_id)?;
        let count = trigger.middleware.len();
        if position > count {
            return Err(no_such_place(trigger_id, position, count));
        }
        let wanted = Wanted { source: entry, export: None, inherit };
        let text = edit::insert_middleware(&self.text, trigger, position, &wanted);
        let changed = Self::read_change(text, || format!("the middleware of trigger `{trigger_id}`"))?;
        let mut expected: Vec<(&Source, &Inherit)> = trigger.middleware.iter().map(layer).collect();
        expected.insert(position, (entry, inherit));
        let right = pipeline(&changed.manifest, trigger, &expected);
        *self = changed.verified(right, trigger_id)?;
        Ok(())
    }

    /// Removes the middleware at a position of a trigger's pipeline.
    pub fn remove_middleware(&mut self, trigger_id: &str, position: usize) -> Result<(), ManifestError> {
        let trigger = self.trigger(trigger_id)?;
        let count = trigger.middleware.len();
        if position >= count {
            return Err(no_such_place(trigger_id, position, count));
        }
        let text = edit::remove_middleware(&self.text, trigger, position);
        let changed = Self::read_change(text, || format!("the middleware of trigger `{trigger_id}`"))?;
        let mut expected: Vec<(&Source, &Inherit)> = trigger.middleware.iter().map(layer).collect();
        expected.remove(position);
        let right = pipeline(&changed.manifest, trigger, &expected);
        *self = changed.verified(right, trigger_id)?;
        Ok(())
    }

    /// Makes something take the place of a package everywhere, in place of what does now.
    pub fn set_override(&mut self, package: &PackageRef, source: &Source) -> Result<(), ManifestError> {
        let old = &self.manifest.application.deps.overrides;
        let table = edit::overrides(self.manifest.is_application());
        let name = whole(package);
        let wanted = Wanted { source, export: None, inherit: &Inherit::Default };
        let exists = old.iter().any(|it| it.package == *package);
        let change = if exists { edit::update_dependency } else { edit::add_dependency };
        let text = change(&self.text, &table, &name, &wanted);
        let changed = Self::read_change(text, || "the overrides".to_owned())?;
        let others = old.iter().filter(|it| it.package != *package).map(|it| (&it.package, &it.source));
        let right = replaces(&changed.manifest, others.chain([(package, source)]).collect());
        *self = changed.verified(right, "overrides")?;
        Ok(())
    }

    /// Removes what takes the place of a package; whether anything did.
    pub fn remove_override(&mut self, package: &PackageRef) -> Result<bool, ManifestError> {
        let old = &self.manifest.application.deps.overrides;
        if old.iter().all(|it| it.package != *package) {
            return Ok(false);
        }
        let table = edit::overrides(self.manifest.is_application());
        let text = edit::remove_dependency(&self.text, &table, &whole(package), old.len() == 1);
        let changed = Self::read_change(text, || "the overrides".to_owned())?;
        let others = old.iter().filter(|it| it.package != *package).map(|it| (&it.package, &it.source));
        let right = replaces(&changed.manifest, others.collect());
        *self = changed.verified(right, "overrides")?;
        Ok(true)
    }

    fn component(&self, id: &str) -> Result<&crate::Component, ManifestError> {
        self.manifest.components.get(id).ok_or_else(|| {
            ManifestError::request(ErrorKind::UnknownComponent(printable(id)))
                .with_hint_if(did_you_mean(id, self.manifest.components.keys()))
        })
    }

    fn trigger(&self, id: &str) -> Result<&Trigger, ManifestError> {
        let mut found = self.manifest.triggers.iter().filter(|trigger| trigger.id == id);
        match (found.next(), found.next()) {
            (Some(trigger), None) => Ok(trigger),
            (Some(_), Some(_)) => Err(ManifestError::request(ErrorKind::AmbiguousTrigger(printable(id)))
                .with_hint("give each trigger an `id` of its own")),
            (None, _) => Err(ManifestError::request(ErrorKind::UnknownTrigger(printable(id)))
                .with_hint_if(did_you_mean(id, self.manifest.triggers.iter().map(|trigger| &trigger.id)))),
        }
    }

    fn read_change(text: Option<String>, what: impl Fn() -> String) -> Result<Self, ManifestError> {
        let text = text.ok_or_else(|| ManifestError::request(ErrorKind::Uneditable(what())))?;
        Self::parse(&text).map_err(|error| match error.kind() {
            // The text was TOML before: the change went wrong, not the user.
            ErrorKind::Syntax(_) => ManifestError::request(ErrorKind::Uneditable(what())),
            _ => error.without_span(),
        })
    }

    /// The changed document, if it says what it should.
    fn verified(self, right: bool, what: &str) -> Result<Self, ManifestError> {
        if right {
            Ok(self)
        } else {
            Err(ManifestError::request(ErrorKind::Uneditable(format!("`{}`", printable(what)))))
        }
    }
}

fn syntax_error(text: &str, error: &toml_edit::TomlError) -> ManifestError {
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    let span = error.span().map(|span| {
        let at = span.start.min(text.len());
        // The end of a line is before its newline, of either kind.
        let on_line = text.get(..at).and_then(|before| before.strip_suffix('\r')).map_or(at, str::len);
        let start = if span.is_empty() { on_line } else { at };
        start..span.end.min(text.len()).max(start)
    });
    let hint = if message.contains("duplicate") {
        "a key stands only once in a table: remove or rename one of the two"
    } else {
        "look for a bracket, quote or comma that is missing or too many; the format is TOML 1.0"
    };
    ManifestError::new(ErrorKind::Syntax(printable(&message)), span, "here").with_hint(hint)
}

fn no_such_place(trigger: &str, position: usize, count: usize) -> ManifestError {
    let trigger = printable(trigger);
    ManifestError::request(ErrorKind::NoSuchMiddleware { trigger, position, count })
}

/// What an entry says, without where it says it.
#[derive(Debug, Clone, Copy)]
struct Said<'a> {
    name: &'a DependencyName,
    source: &'a Source,
    export: Option<&'a str>,
    inherit: &'a Inherit,
}

impl<'a> Said<'a> {
    fn of(dependency: &'a Dependency) -> Self {
        Self {
            name: &dependency.name,
            source: &dependency.source,
            export: dependency.export.as_deref(),
            inherit: &dependency.inherit,
        }
    }

    fn equals(self, other: Said<'_>) -> bool {
        self.name == other.name
            && same_source(self.source, other.source)
            && self.export == other.export
            && self.inherit == other.inherit
    }
}

fn says(manifest: &Manifest, component: &str, mut expected: Vec<Said<'_>>) -> bool {
    let Some(component) = manifest.components.get(component) else {
        return false;
    };
    let mut said: Vec<Said<'_>> = component.dependencies.iter().map(Said::of).collect();
    said.sort_by_key(|said| said.name);
    expected.sort_by_key(|said| said.name);
    said.len() == expected.len() && said.iter().zip(&expected).all(|(a, b)| a.equals(*b))
}

fn replaces(manifest: &Manifest, mut expected: Vec<(&PackageRef, &Source)>) -> bool {
    let overrides = &manifest.application.deps.overrides;
    let mut said: Vec<_> = overrides.iter().map(|it| (&it.package, &it.source)).collect();
    said.sort_by_key(|it| it.0);
    expected.sort_by_key(|it| it.0);
    said.len() == expected.len()
        && said.iter().zip(expected).all(|(a, b)| a.0 == b.0 && same_source(a.1, b.1))
}

/// The name of a package as an entry has it.
fn whole(package: &PackageRef) -> DependencyName {
    DependencyName::Package { package: package.clone(), interface: None, version: None }
}

fn pipeline(manifest: &Manifest, trigger: &Trigger, expected: &[(&Source, &Inherit)]) -> bool {
    let same = |other: &&Trigger| other.kind == trigger.kind && other.index == trigger.index;
    let Some(trigger) = manifest.triggers.iter().find(same) else {
        return false;
    };
    let said = trigger.middleware.iter().map(layer);
    said.len() == expected.len() && said.zip(expected).all(|(a, b)| same_source(a.0, b.0) && a.1 == b.1)
}

fn layer(middleware: &Middleware) -> (&Source, &Inherit) {
    (&middleware.source, &middleware.inherit)
}

/// Whether a package is written or implied makes no difference.
fn same_source(a: &Source, b: &Source) -> bool {
    match (a, b) {
        (
            Source::Registry { package, req, registry, explicit_package: _ },
            Source::Registry {
                package: other_package,
                req: other_req,
                registry: other_registry,
                explicit_package: _,
            },
        ) => package == other_package && req == other_req && registry == other_registry,
        _ => a == b,
    }
}
