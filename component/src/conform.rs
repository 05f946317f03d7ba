//! Whether a component fits a world: the check of an environment that it is to be deployed to.
//!
//! A host that offers a world runs every component that imports no more than the world imports and exports no less than
//! the world exports. Names fit as they do in a composition, on one semver track; types are compared item by item, so
//! that what does not fit is named down to the function.

use std::sync::Arc;

use indexmap::IndexMap;
use wasmparser::component_types::ComponentEntityType;

use crate::{
    Difference, InspectError, InterfaceName, Kind, Outline,
    compose::mismatch::{Owners, differences, plain_difference},
    name::candidates,
    wit::surface::{Entry, Surface},
};

/// A world to hold components against, out of a WIT package.
#[derive(Clone, Debug)]
pub struct World {
    surface: Surface,
}

/// Why a world cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The bytes cannot be read.
    #[error(transparent)]
    Unreadable(#[from] InspectError),
    /// The bytes are not a WIT package.
    #[error("it is {}, not a WIT package", .0.described())]
    NotWit(Kind),
    /// The package has no such world.
    #[error("it has no world `{world}`")]
    NoWorld {
        /// The world.
        world: String,
        /// The worlds that it has.
        worlds: Vec<String>,
    },
}

/// How a component fits a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conformance {
    /// What the component imports and the world does not offer, in the order of the component.
    pub missing_imports: Vec<String>,
    /// What the world wants exported and the component does not export, in the order of the world.
    pub missing_exports: Vec<String>,
    /// What both have, with other types.
    pub mismatches: Vec<WorldMismatch>,
}

impl Conformance {
    /// Whether the component fits.
    pub fn fits(&self) -> bool {
        self.missing_imports.is_empty() && self.missing_exports.is_empty() && self.mismatches.is_empty()
    }
}

/// An import or export that a component and a world have with different types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldMismatch {
    /// What the component has: an import, or an export.
    pub direction: Direction,
    /// Its name in the component.
    pub name: String,
    /// Its name in the world, which may have another version.
    pub world_name: String,
    /// Where the types differ. The declaration that is expected is the importing side's: the component's for an import,
    /// the world's for an export.
    pub difference: Difference,
}

/// Which way something goes through the boundary of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The component imports it.
    Import,
    /// The component exports it.
    Export,
}

impl World {
    /// Reads the world `name` of an encoded WIT package: the plain name, without package and version.
    pub fn read(package: &[u8], name: &str) -> Result<Self, WorldError> {
        let outline = Outline::read(package)?;
        if outline.kind() != Kind::WitPackage {
            return Err(WorldError::NotWit(outline.kind()));
        }
        match Surface::of_world(&outline, name) {
            Ok(surface) => Ok(Self { surface }),
            Err(worlds) => Err(WorldError::NoWorld { world: name.to_owned(), worlds }),
        }
    }

    fn compare(&self, component: &Surface) -> Conformance {
        let world = &self.surface;
        let mut found = Conformance::default();
        for (name, entry) in &component.imports {
            let Some((other, offered)) = standing_for(name, &world.imports) else {
                found.missing_imports.push(name.clone());
                continue;
            };
            let difference = between((component, name, entry), (world, other, offered));
            found.mismatches.extend(difference.map(|difference| WorldMismatch {
                direction: Direction::Import,
                name: name.clone(),
                world_name: other.to_owned(),
                difference,
            }));
        }
        for (name, entry) in &world.exports {
            let Some((other, offered)) = standing_for(name, &component.exports) else {
                found.missing_exports.push(name.clone());
                continue;
            };
            let difference = between((world, name, entry), (component, other, offered));
            found.mismatches.extend(difference.map(|difference| WorldMismatch {
                direction: Direction::Export,
                name: other.to_owned(),
                world_name: name.clone(),
                difference,
            }));
        }
        found
    }
}

/// Holds a component against worlds; one answer for each.
pub fn conform(component: &[u8], worlds: &[Arc<World>]) -> Result<Vec<Conformance>, InspectError> {
    let outline = Outline::read(component)?;
    let mut surface = Surface::of(&outline);
    // A type that a component names for itself is nothing that a host offers.
    let types = outline.types.as_ref();
    let is_type = |name: &String| {
        let item = types.component_item_for_import(name);
        item.is_some_and(|item| matches!(item.ty, ComponentEntityType::Type { .. }))
    };
    surface.imports.retain(|name, _| !is_type(name));
    Ok(worlds.iter().map(|world| world.compare(&surface)).collect())
}

/// What can stand for `wanted`. A host that has an interface with a version does not have it without, nor the other way
/// round.
fn standing_for<'a>(wanted: &str, there: &'a IndexMap<String, Entry>) -> Option<(&'a str, &'a Entry)> {
    let has_version = |name: &str| InterfaceName::parse(name).is_some_and(|name| name.version.is_some());
    let name = *candidates(wanted, there.keys().map(String::as_str)).first()?;
    let fits = name == wanted || has_version(wanted) && has_version(name);
    if fits { Some((name, there.get(name)?)) } else { None }
}

/// One side of a comparison: where the types are, the name and what it is.
type One<'a> = (&'a Surface, &'a str, &'a Entry);

/// The first difference, functions before types.
fn between((ours, name, wanted): One<'_>, (theirs, other, offered): One<'_>) -> Option<Difference> {
    match (wanted, offered) {
        (Entry::Interface(wanted), Entry::Interface(offered)) => {
            differences((ours, *wanted), (theirs, *offered), Owners::Compatible).into_iter().next()
        }
        (Entry::Function(wanted), Entry::Function(offered)) => {
            plain_difference((ours, name, wanted), (theirs, other, offered))
        }
        (Entry::Function(_), Entry::Interface(_)) => {
            Some(Difference::Other("a function is expected, and it is an interface".to_owned()))
        }
        (Entry::Interface(_), Entry::Function(_)) => {
            Some(Difference::Other("an interface is expected, and it is a function".to_owned()))
        }
        (Entry::Other, _) | (_, Entry::Other) => None,
    }
}
