//! The types of a component's imports and exports, without the component.
//!
//! A resolver that knows types has to look at many candidates. What it needs of each is small: the declarations of what
//! it exports and of what it imports from other packages, down to the types that those mention. The interfaces of the
//! host, of which some components import a great deal, are there by name, with only those of their types that the rest
//! mentions. As text (see [`Types::to_json`]) this goes into the annotation [`TYPES_ANNOTATION`] of a release.

mod json;
mod keep;

pub use self::json::{MAX_TYPES_ANNOTATION, TYPES_ANNOTATION, TYPES_FORMAT_VERSION, TypesError};

use crate::{
    Difference, Kind, Outline,
    compose::mismatch::{difference, origin},
    name::candidates,
    wit::surface::{Entry, Form, Surface},
};

/// The types of a component's imports and exports, or those of the interfaces of a WIT package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Types {
    surface: Surface,
}

/// Why an export does not satisfy an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Nothing is exported that could stand for the import.
    NoExport,
    /// The best export has other types.
    Differs(Difference),
}

impl Types {
    /// The types of what was read.
    pub fn of(outline: &Outline) -> Self {
        let surface = match outline.kind() {
            Kind::WitPackage => Surface::of_package(outline),
            Kind::Component | Kind::CoreModule => Surface::of(outline),
        };
        Self { surface: keep::what_others_meet(surface) }
    }

    /// What the file is.
    pub fn kind(&self) -> Kind {
        self.surface.kind
    }

    /// The names of all imports, those of the host's interfaces included.
    pub fn imports(&self) -> impl Iterator<Item = &str> {
        self.surface.imports.keys().map(String::as_str)
    }

    /// The names of all exports; of a WIT package, of its interfaces.
    pub fn exports(&self) -> impl Iterator<Item = &str> {
        self.surface.exports.keys().map(String::as_str)
    }

    pub(crate) fn surface(&self) -> &Surface {
        &self.surface
    }

    /// Checks an import against the export of `exporter` that would satisfy it in a composition: the one called
    /// `export`, by default as the import, or one of a compatible version.
    ///
    /// What is not known is not held against it: a composition is checked again, with the components themselves.
    pub fn check(&self, import: &str, exporter: &Self, export: Option<&str>) -> Result<(), Misfit> {
        let wanted = export.unwrap_or(import);
        let is_there = exporter.kind() == Kind::Component && exporter.surface.exports.contains_key(wanted);
        if is_there && difference(&self.surface, import, &exporter.surface, wanted).is_none() {
            return Ok(());
        }
        let names = exporter.exports().filter(|_| exporter.kind() == Kind::Component);
        let mut first = None;
        for found in candidates(wanted, names) {
            match difference(&self.surface, import, &exporter.surface, found) {
                None => return Ok(()),
                Some(difference) => first = first.or(Some(Misfit::Differs(difference))),
            }
        }
        match first {
            Some(misfit) => Err(misfit),
            None if export.is_none() && self.needs_nothing(import) => Ok(()),
            None => Err(Misfit::NoExport),
        }
    }

    /// Whether an import may stay open: the host has it, it has nothing that must be implemented, or it is nothing that
    /// an export can stand for.
    fn needs_nothing(&self, import: &str) -> bool {
        let Some(&Entry::Interface(index)) = self.surface.imports.get(import) else {
            return !matches!(self.surface.imports.get(import), Some(Entry::Function(_)));
        };
        let scope = self.surface.scopes.get(index);
        keep::is_hosted(import)
            || scope.is_some_and(|scope| {
                scope.broken.is_none()
                    && scope.items.iter().all(|(key, item)| match item.form {
                        Form::Member | Form::Function => false,
                        Form::Type | Form::Use(..) => origin(&self.surface, index, key)
                            .is_none_or(|origin| !origin.item.text.starts_with("resource ")),
                    })
            })
    }
}
