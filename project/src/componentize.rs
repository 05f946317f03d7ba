//! `componentize`: the file of a core module in, the file of a component out.

use std::path::PathBuf;

use spin_deps_component::{GuestWorld, componentize};

use crate::{Error, files};

/// What to make a component of. Relative paths are relative to the current directory.
#[derive(Clone, Debug)]
pub struct ComponentizeOptions {
    /// The core module, or a component, which is taken as it is.
    pub input: PathBuf,
    /// The file to write; it may be the same.
    pub output: PathBuf,
    /// The folder of WIT with the module's world, for a module that does not say it itself.
    pub wit: Option<PathBuf>,
    /// The world's name, where the folder has several.
    pub world: Option<String>,
    /// Modules that are imported, each with the file of the module that stands for it.
    pub adapters: Vec<(String, PathBuf)>,
}

/// What `componentize` did.
#[derive(Clone, Debug)]
pub struct Componentized {
    /// The component's size in bytes.
    pub size: usize,
    /// It was a component already.
    pub was_component: bool,
}

/// Makes a component of a core module, and writes it as a whole or not at all.
pub fn componentize_file(options: &ComponentizeOptions) -> Result<Componentized, Error> {
    let module = files::read_component(&options.input)?;
    let world = options.wit.as_ref().map(|folder| GuestWorld::read(folder, options.world.as_deref()));
    let adapters =
        options.adapters.iter().map(|(name, file)| Ok((name.clone(), files::read_component(file)?)));
    let adapters = adapters.collect::<Result<Vec<_>, Error>>()?;
    let component = componentize(&module, world.transpose()?.as_ref(), &adapters)
        .map_err(|error| Error::Componentize { path: options.input.clone(), error: Box::new(error) })?;
    files::write_if_changed(&options.output, &component)?;
    Ok(Componentized { size: component.len(), was_component: component == module })
}
