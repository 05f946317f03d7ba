//! The world that a guest is built against, from text or from a folder of WIT.

use std::path::Path;

use wit_parser::{Resolve, WorldId};

use super::{WitError, parse};
use crate::guard::guarded;

/// A world with all packages that it refers to: what bindings are generated for, and what makes a component of a core
/// module.
#[derive(Clone, Debug)]
pub struct GuestWorld {
    pub(crate) resolve: Resolve,
    pub(crate) world: WorldId,
}

impl GuestWorld {
    /// The world `root` of the text of a `spin-dependencies.wit`.
    pub fn from_dependencies(text: &str) -> Result<Self, WitError> {
        let (resolve, world) = parse(text)?;
        Ok(Self { resolve, world })
    }

    /// A world of a folder in the usual shape: one package in `*.wit`, what it refers to below `deps`. Without a name,
    /// the only world of the package.
    pub fn read(folder: &Path, world: Option<&str>) -> Result<Self, WitError> {
        let parsed = guarded(|| {
            let mut resolve = Resolve::default();
            let (package, _) = resolve.push_dir(folder).map_err(|error| format!("{error:#}"))?;
            let world = resolve.select_world(&[package], world).map_err(|error| format!("{error:#}"))?;
            Ok(Self { resolve, world })
        });
        parsed.and_then(|result| result).map_err(|message| WitError::Invalid { message })
    }

    /// The world's name.
    pub fn name(&self) -> &str {
        &self.resolve.worlds[self.world].name
    }
}
