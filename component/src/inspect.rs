//! Reading a component without running it: what it is, imports, exports and says about itself.
//!
//! One pass over the bytes with wasmparser's validator, which knows the types of every import and export and bounds
//! their number and size. The bytes may come from a reader: an [`Outline`] keeps what is small, whatever the size of
//! the file. Function bodies are validated where that is asked for; whoever compiles them does it anyway. Only the
//! outermost level counts: what a nested component or module says is its own matter.

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use wasm_pkg_common::package::{PackageRef, Version, VersionReq};
use wasmparser::{
    BinaryReaderError, Encoding, Payload,
    component_types::{ComponentAnyTypeId, ComponentEntityType, ComponentInstanceTypeId},
    types::{Types, TypesRef},
};

use crate::{
    DependencyTable, InterfaceName, Metadata, REQUIRES_SECTION, Requires, RequiresError, SECTION, TableError,
    capabilities,
    name::DependencyImport,
    stream::{Bodies, walk},
};

/// What a Wasm file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A component, which can be composed and run.
    Component,
    /// An encoded WIT package: interfaces and worlds without an implementation.
    WitPackage,
    /// A core module.
    CoreModule,
}

impl Kind {
    /// The kind with its article, for messages.
    pub(crate) fn described(self) -> &'static str {
        match self {
            Self::Component => "a component",
            Self::WitPackage => "a WIT package",
            Self::CoreModule => "a core module",
        }
    }
}

/// What [`inspect`] found.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// What the file is. For a core module, imports and exports are empty.
    pub kind: Kind,
    /// The package that the component calls itself in its metadata; for a WIT package, the package it encodes.
    pub name: Option<PackageRef>,
    /// The version from the same place.
    pub version: Option<Version>,
    /// The imports in the order of the file.
    pub imports: Vec<Extern>,
    /// The exports in the order of the file; for a WIT package, its interfaces and worlds.
    pub exports: Vec<Extern>,
    /// Descriptive texts.
    pub metadata: Metadata,
    /// The dependency table that the author published in the custom section [`SECTION`].
    pub declared: Option<DependencyTable>,
    /// What it asks of its app, in the custom section [`REQUIRES_SECTION`] (SIP 026), in a format that is known.
    pub requires: Option<Requires>,
    /// The keys of the capabilities that the imports reach.
    pub capabilities: BTreeSet<&'static str>,
}

/// An import or export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extern {
    /// The name as written: `acme:hash/digest@1.2.0`, `init`.
    pub name: String,
    /// The parts of the name, where it is a qualified one.
    pub interface: Option<InterfaceName>,
    /// What stands behind the name.
    pub kind: ExternKind,
}

/// What an import or export is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternKind {
    /// An instance of an interface.
    Interface {
        /// It has no function and no resource, so that nothing has to implement it.
        types_only: bool,
    },
    /// A plain function.
    Function,
    /// A component import by range: `unlocked-dep=<ns:name@{>=1.0.0}>`.
    UnlockedDependency {
        /// The package that is wanted.
        package: PackageRef,
        /// The range of versions.
        req: VersionReq,
    },
    /// A component import by exact version and content: `locked-dep=<ns:name@1.2.0>,integrity=<…>`.
    LockedDependency {
        /// The package that is wanted.
        package: PackageRef,
        /// Its version.
        version: Option<Version>,
        /// The digest in the notation of subresource integrity, as written.
        integrity: Option<String>,
    },
    /// A type, a world, a component or a core module.
    Other,
}

/// Why bytes could not be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The bytes do not begin like Wasm.
    #[error("the file is not WebAssembly{}", if *.text { ", it is text" } else { "" })]
    NotWasm {
        /// The bytes are readable text.
        text: bool,
    },
    /// The bytes begin like Wasm and are not valid.
    #[error("the file is not valid WebAssembly: {message} at byte {offset}")]
    Malformed {
        /// What is wrong.
        message: String,
        /// The offset in the file, in bytes.
        offset: usize,
    },
    /// The bytes could not be read.
    #[error("the file cannot be read")]
    Read(#[source] io::Error),
    /// The published dependency table cannot be used.
    #[error("the dependency table in the file cannot be used: {0}")]
    Table(#[from] TableError),
    /// What it asks of its app cannot be read.
    #[error("its custom section `{REQUIRES_SECTION}` cannot be used: {0}")]
    Requires(#[from] RequiresError),
}

impl InspectError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotWasm { text: true } => {
                Some("name the built component, a file that usually ends in `.wasm`".to_owned())
            }
            Self::NotWasm { .. } | Self::Read(_) => None,
            // The validator's own words for its bounds.
            Self::Malformed { message, .. } if message.contains("exceeds limit of") => {
                Some("that is more than WebAssembly tools accept: split the component".to_owned())
            }
            Self::Malformed { .. } => Some("the file may be cut short: build or fetch it again".to_owned()),
            Self::Table(error) => error.hint(),
            Self::Requires(_) => {
                Some("its author has to build it again with a tool that knows SIP 026".to_owned())
            }
        }
    }
}

impl From<BinaryReaderError> for InspectError {
    fn from(error: BinaryReaderError) -> Self {
        Self::Malformed { message: error.message().to_owned(), offset: error.offset() }
    }
}

/// A Wasm file without its code and data: what it is, and the types of its imports and exports.
pub struct Outline {
    pub(crate) sections: Sections,
    pub(crate) types: Types,
    size: u64,
}

impl Outline {
    /// Reads a Wasm file from its beginning to its end, in memory that does not grow with its code and data. Never
    /// panics, whatever the bytes; time is linear in their number.
    pub fn read(reader: impl Read) -> Result<Self, InspectError> {
        Self::walk(reader, Bodies::Skip)
    }

    /// As [`Outline::read`], with the bodies of functions validated as well: what passes can be compiled.
    pub fn validate(reader: impl Read) -> Result<Self, InspectError> {
        Self::walk(reader, Bodies::Validate)
    }

    fn walk(reader: impl Read, bodies: Bodies) -> Result<Self, InspectError> {
        let mut sections = Sections::default();
        let (types, size) = walk(reader, bodies, &mut |payload, missing| sections.take(payload, missing))?;
        Ok(Self { sections, types, size })
    }

    /// The size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What the file is.
    pub fn kind(&self) -> Kind {
        self.sections.kind(self.types.as_ref())
    }

    /// What it imports, exports and says about itself.
    pub fn inspection(&self) -> Inspection {
        self.sections.inspection(self.types.as_ref())
    }
}

/// Reads a Wasm file that is in memory. Never panics, whatever the bytes.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, InspectError> {
    inspect_reader(bytes)
}

/// Reads a Wasm file to its end, in memory that does not grow with its code and data.
pub fn inspect_reader(reader: impl Read) -> Result<Inspection, InspectError> {
    Ok(Outline::read(reader)?.inspection())
}

/// What the sections of the outermost level hold.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    component: bool,
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
    metadata: Metadata,
    declared: Option<DependencyTable>,
    /// There is a section with requirements; in a newer format they are not known.
    has_requires: bool,
    requires: Option<Requires>,
}

impl Sections {
    /// Takes in one section; of a very long one, `missing` bytes at its end were left out.
    fn take(&mut self, payload: &Payload<'_>, missing: usize) -> Result<(), InspectError> {
        match payload {
            Payload::Version { encoding, .. } => self.component = *encoding == Encoding::Component,
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    self.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    self.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) if section.name() == SECTION => {
                if self.declared.is_some() {
                    return Err(TableError::Repeated.into());
                }
                if missing > 0 {
                    return Err(TableError::TooLong(section.data().len() + missing).into());
                }
                let text = str::from_utf8(section.data()).map_err(|_| TableError::NotUtf8)?;
                self.declared = Some(DependencyTable::from_json(text)?);
            }
            Payload::CustomSection(section) if section.name() == REQUIRES_SECTION => {
                if self.has_requires {
                    return Err(RequiresError::Repeated.into());
                }
                self.has_requires = true;
                self.requires = Requires::from_section(section.data(), missing)?;
            }
            Payload::CustomSection(section) => self.metadata.read(section),
            _ => {}
        }
        Ok(())
    }

    /// What the file is.
    pub(crate) fn kind(&self, types: TypesRef<'_>) -> Kind {
        if !self.component {
            Kind::CoreModule
        } else if self.imports.is_empty() && definitions(types, &self.exports).is_some() {
            Kind::WitPackage
        } else {
            Kind::Component
        }
    }

    fn inspection(&self, types: TypesRef<'_>) -> Inspection {
        let imports: Vec<_> = (self.imports.iter())
            .map(|name| item(types, name, types.component_item_for_import(name).map(|item| item.ty)))
            .collect();
        let (name, version) = own_name(&self.metadata);
        let mut inspection = Inspection {
            kind: if self.component { Kind::Component } else { Kind::CoreModule },
            name,
            version,
            capabilities: capabilities(imports.iter().map(|import| import.name.as_str())),
            imports,
            exports: Vec::new(),
            metadata: self.metadata.clone(),
            declared: self.declared.clone(),
            requires: self.requires.clone(),
        };
        if let Some(definitions) =
            inspection.imports.is_empty().then(|| definitions(types, &self.exports)).flatten()
        {
            inspection.kind = Kind::WitPackage;
            if let Some(interface) = definitions.iter().find_map(|definition| definition.interface.as_ref()) {
                inspection.name = Some(interface.package.clone());
                inspection.version.clone_from(&interface.version);
            }
            inspection.exports = definitions;
        } else {
            inspection.exports = (self.exports.iter())
                .map(|name| item(types, name, types.component_item_for_export(name).map(|item| item.ty)))
                .collect();
        }
        inspection
    }
}

fn item(types: TypesRef<'_>, name: &str, ty: Option<ComponentEntityType>) -> Extern {
    let kind = ty.map_or(ExternKind::Other, |ty| kind(types, name, &ty));
    Extern { name: name.to_owned(), interface: InterfaceName::parse(name), kind }
}

fn kind(types: TypesRef<'_>, name: &str, ty: &ComponentEntityType) -> ExternKind {
    match ty {
        ComponentEntityType::Func(_) => ExternKind::Function,
        ComponentEntityType::Instance(id) => ExternKind::Interface { types_only: types_only(types, *id) },
        ComponentEntityType::Component(_) => match DependencyImport::parse(name) {
            Some(DependencyImport::Unlocked { package, req }) => {
                ExternKind::UnlockedDependency { package, req }
            }
            Some(DependencyImport::Locked { package, version, integrity }) => {
                ExternKind::LockedDependency { package, version, integrity }
            }
            None => ExternKind::Other,
        },
        ComponentEntityType::Module(_) | ComponentEntityType::Value(_) | ComponentEntityType::Type { .. } => {
            ExternKind::Other
        }
    }
}

/// A resource type is more than a type: someone has to define it.
fn types_only(types: TypesRef<'_>, instance: ComponentInstanceTypeId) -> bool {
    types[instance].exports.values().all(|item| {
        matches!(&item.ty, ComponentEntityType::Type { created, .. } if !matches!(created, ComponentAnyTypeId::Resource(_)))
    })
}

/// The interfaces and worlds of an encoded WIT package, which exports each as the type of a component that exports it
/// under its qualified name; `None` if this is not one.
fn definitions(types: TypesRef<'_>, exports: &[String]) -> Option<Vec<Extern>> {
    let mut definitions = Vec::new();
    for export in exports {
        let ComponentEntityType::Type { created: ComponentAnyTypeId::Component(id), .. } =
            types.component_item_for_export(export)?.ty
        else {
            return None;
        };
        let (name, definition) = types[id].exports.iter().next()?;
        definitions.push(item(types, name, Some(definition.ty)));
    }
    (!definitions.is_empty()).then_some(definitions)
}

/// The package and version that a component calls itself: `ns:name` with a version section, or `ns:name@version`.
fn own_name(metadata: &Metadata) -> (Option<PackageRef>, Option<Version>) {
    let (name, suffix) = match metadata.name.as_deref().map(|name| name.split_once('@').unwrap_or((name, "")))
    {
        Some((name, suffix)) => (name.parse().ok(), suffix),
        None => (None, ""),
    };
    let version = metadata.version.as_deref().unwrap_or(suffix);
    (name, version.parse().ok())
}
