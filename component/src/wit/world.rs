//! The world that a guest is built against, from text or from a folder of WIT.

use std::path::Path;

use wit_parser::{Resolve, SourceMap, UnresolvedPackageGroup, WorldId};

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
            let (package, _) = resolve.push_dir(folder).map_err(|error| resolve.render_error(&error))?;
            let world = resolve.select_world(&[package], world).map_err(|error| format!("{error:#}"))?;
            Ok(Self { resolve, world })
        });
        parsed
            .and_then(|result| result)
            .map_err(|message| WitError::Folder { folder: folder.to_path_buf(), message })
    }

    /// The names of what the world imports: `acme:hash/api@1.0.0`, or a plain name.
    pub fn imports(&self) -> Vec<String> {
        let imports = &self.resolve.worlds[self.world].imports;
        imports.keys().map(|key| self.resolve.name_world_key(key)).collect()
    }

    /// The world's name.
    pub fn name(&self) -> &str {
        &self.resolve.worlds[self.world].name
    }
}

/// The name of the package in a file or a flat folder of WIT, `ns:name@version`; `None` if there is none to be read.
pub fn wit_package_name(place: &Path) -> Option<String> {
    let read = guarded(|| {
        if place.is_dir() {
            return Some(UnresolvedPackageGroup::parse_dir(place).ok()?.main.name.to_string());
        }
        let mut file = SourceMap::default();
        file.push_file(place).ok()?;
        Some(file.parse().ok()?.main.name.to_string())
    });
    read.ok().flatten()
}

/// A file or a folder of WIT, with what it refers to below `deps`, as an encoded WIT package.
pub fn wit_package_of(place: &Path) -> Result<Vec<u8>, WitError> {
    let encoded = guarded(|| {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(place).map_err(|error| format!("{error:#}"))?;
        wit_component::encode(&resolve, package).map_err(|error| format!("{error:#}"))
    });
    encoded
        .and_then(|result| result)
        .map_err(|message| WitError::Folder { folder: place.to_path_buf(), message })
}
