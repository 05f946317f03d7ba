//! Making a component of a core module.
//!
//! Compilers that know nothing of components (a C compiler, `rustc` for `wasm32-unknown-unknown`) leave a core module.
//! The bindings that it was linked with mostly say its world in custom sections `component-type…`; where they do not, the
//! world is given. A module for WASI preview 1 gets the adapter in which `wasi_snapshot_preview1` is written with the
//! interfaces of WASI 0.2.

use std::collections::BTreeSet;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1,
    WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR_ADAPTER,
};
use wasmparser::{BinaryReaderError, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use crate::{GuestWorld, InspectError, Kind, guard::guarded, inspect};

/// The beginning of the names of the custom sections that say a module's world.
const WORLD_SECTIONS: &str = "component-type";
/// The module that C's linker puts functions into that are declared and not there.
const UNDEFINED: &str = "env";
/// What a module exports that is a command, which runs once, and not a library.
const START: &str = "_start";

/// Why no component could be made.
#[derive(Debug, thiserror::Error)]
pub enum ComponentizeError {
    /// The bytes are not WebAssembly that can be used.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// The bytes describe interfaces and have no code.
    #[error("it is a WIT package, which has no code")]
    WitPackage,
    /// The module does not say its world, and none was given.
    #[error("the module does not say which world it is built for")]
    NoWorld,
    /// It is linked against functions that nobody provides.
    #[error(
        "the module needs functions that its linker did not find: {}",
        functions.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
    )]
    Undefined {
        /// Their names.
        functions: Vec<String>,
    },
    /// The bytes of an adapter are not one.
    #[error("the adapter for `{name}` cannot be used: {message}")]
    Adapter {
        /// The module that it stands for.
        name: String,
        /// Why.
        message: String,
    },
    /// The module does not fit the world.
    #[error("the module does not fit its world: {0}")]
    Misfit(String),
}

impl ComponentizeError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoWorld => Some(
                "link what the bindings generator made for it, or name the world's folder with `--wit DIR`"
                    .to_owned(),
            ),
            Self::Undefined { .. } => Some(
                "compile and link the files that define them; in C, those of the generated bindings too"
                    .to_owned(),
            ),
            Self::Inspect(InspectError::NotWasm { .. }) => {
                Some("name the module that the compiler made".to_owned())
            }
            Self::Inspect(error) => error.hint(),
            Self::WitPackage | Self::Adapter { .. } | Self::Misfit(_) => None,
        }
    }
}

/// Makes a component of a core module; what is a component already comes back as it is.
///
/// The world is that of the module's own sections, and only where it has none `world`. Each of `adapters` is the name
/// of an imported module and the core module that stands for it. For `wasi_snapshot_preview1` one is at hand: that for
/// commands if the module exports `_start`, else that for libraries. The same bytes give the same component.
pub fn componentize(
    module: &[u8],
    world: Option<&GuestWorld>,
    adapters: &[(String, Vec<u8>)],
) -> Result<Vec<u8>, ComponentizeError> {
    match inspect(module)?.kind {
        Kind::Component => return Ok(module.to_vec()),
        Kind::WitPackage => return Err(ComponentizeError::WitPackage),
        Kind::CoreModule => {}
    }
    let outside = Outside::of(module).map_err(InspectError::from)?;
    let mut module = module.to_vec();
    if !outside.says_its_world {
        let GuestWorld { resolve, world } = world.ok_or(ComponentizeError::NoWorld)?;
        told(|| embed_component_metadata(&mut module, resolve, *world, StringEncoding::UTF8))
            .map_err(ComponentizeError::Misfit)?;
    }
    let adapted = |name: &str| adapters.iter().any(|(adapter, _)| adapter == name);
    if !outside.undefined.is_empty() && !adapted(UNDEFINED) {
        return Err(ComponentizeError::Undefined { functions: outside.undefined.into_iter().collect() });
    }
    let mut encoder = told(|| ComponentEncoder::default().validate(true).module(&module))
        .map_err(ComponentizeError::Misfit)?;
    if outside.imports_preview1 && !adapted(PREVIEW1) {
        let preview1 = if outside.is_command { COMMAND_ADAPTER } else { REACTOR_ADAPTER };
        encoder = told(|| encoder.adapter(PREVIEW1, preview1)).map_err(ComponentizeError::Misfit)?;
    }
    for (name, bytes) in adapters {
        let unusable = |message| ComponentizeError::Adapter { name: name.clone(), message };
        let kind = inspect(bytes).map_err(|error| unusable(error.to_string()))?.kind;
        if kind != Kind::CoreModule {
            return Err(unusable(format!("it is {}, not a core module", kind.described())));
        }
        encoder = told(|| encoder.adapter(name, bytes)).map_err(unusable)?;
    }
    told(|| encoder.encode()).map_err(ComponentizeError::Misfit)
}

/// What the encoder says before the reason.
const PREAMBLE: &str = "failed to decode world from module: module was not valid: ";

/// Runs a piece of the encoder, with its error or panic in one line.
fn told<T, E: std::fmt::Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    let result = guarded(work).and_then(|result| result.map_err(|error| format!("{error:#}")));
    result.map_err(|message| message.trim_start_matches(PREAMBLE).to_owned())
}

/// What a core module shows without a look at its code.
#[derive(Default)]
struct Outside {
    says_its_world: bool,
    imports_preview1: bool,
    is_command: bool,
    undefined: BTreeSet<String>,
}

impl Outside {
    fn of(bytes: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut outside = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::CustomSection(section) if section.name().starts_with(WORLD_SECTIONS) => {
                    outside.says_its_world = true;
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        if import.module == PREVIEW1 {
                            outside.imports_preview1 = true;
                        } else if import.module == UNDEFINED {
                            outside.undefined.insert(import.name.to_owned());
                        }
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        outside.is_command |= export?.name == START;
                    }
                }
                _ => {}
            }
        }
        Ok(outside)
    }
}
