//! The world of an adapter: the denied imports of a part, turned into exports.

use std::collections::BTreeSet;

use wasmparser::{Chunk, Parser, Payload};
use wit_component::DecodedWasm;
use wit_parser::{
    Handle, InterfaceId, Resolve, SizeAlign, Type, TypeDefKind, TypeId, TypeOwner, WorldId, WorldItem,
};

/// The world, and what is known of its types.
pub(super) struct World {
    pub(super) resolve: Resolve,
    pub(super) id: WorldId,
    pub(super) sizes: SizeAlign,
    /// The interfaces that the adapter exports.
    exported: BTreeSet<InterfaceId>,
    /// For each type, by its index, whether a value of it can hold a handle.
    holding: Vec<bool>,
}

impl World {
    /// The world that exports the imports `denied` of the component, and imports what those need.
    pub(super) fn of(component: &[u8], denied: &[String]) -> Result<Self, String> {
        let decoded = wit_component::decode(imports_of(component)?).map_err(|error| format!("{error:#}"))?;
        let DecodedWasm::Component(mut resolve, id) = decoded else {
            return Err("it has no imports".to_owned());
        };
        let imports = std::mem::take(&mut resolve.worlds[id].imports);
        let (exports, imports): (Vec<_>, Vec<_>) =
            imports.into_iter().partition(|(key, _)| denied.contains(&resolve.name_world_key(key)));
        if exports.len() != denied.len() {
            return Err("an import that is denied is not an interface".to_owned());
        }
        let interface = |item: &WorldItem| match item {
            WorldItem::Interface { id, .. } => Some(*id),
            _ => None,
        };
        let exported: BTreeSet<_> = exports.iter().filter_map(|(_, item)| interface(item)).collect();
        let needed = needed(&resolve, &exported)?;
        let imports =
            imports.into_iter().filter(|(_, item)| interface(item).is_some_and(|id| needed.contains(&id)));
        let world = &mut resolve.worlds[id];
        world.imports = imports.collect();
        world.exports = exports.into_iter().collect();
        let mut sizes = SizeAlign::default();
        sizes.fill(&resolve);
        let holding = holding(&resolve);
        Ok(Self { resolve, id, sizes, exported, holding })
    }

    /// Whether a value of this type can hold a handle, a stream or a future.
    pub(super) fn holds(&self, ty: &Type) -> bool {
        holds(&self.holding, ty)
    }

    /// The type behind a name.
    pub(super) fn kind(&self, mut id: TypeId) -> (TypeId, &TypeDefKind) {
        loop {
            match &self.resolve.types[id].kind {
                TypeDefKind::Type(Type::Id(next)) => id = *next,
                kind => return (id, kind),
            }
        }
    }

    /// The resource of a handle, and the interface that defines it.
    pub(super) fn resource(&self, handle: &Handle) -> Option<Resource> {
        let (Handle::Own(id) | Handle::Borrow(id)) = handle;
        let (id, _) = self.kind(*id);
        match self.resolve.types[id].owner {
            TypeOwner::Interface(interface) => {
                Some(Resource { id, interface, is_ours: self.exported.contains(&interface) })
            }
            _ => None,
        }
    }

    /// The size of a value in memory, in bytes.
    pub(super) fn size(&self, ty: &Type) -> usize {
        self.sizes.size(ty).size_wasm32()
    }
}

/// A resource of an interface that the adapter imports or exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Resource {
    pub(super) id: TypeId,
    pub(super) interface: InterfaceId,
    /// The adapter defines it.
    pub(super) is_ours: bool,
}

/// The component up to its last import, which is a component too: imports come before what is made with them, and what
/// follows, code and exports alike, has no say in their types.
fn imports_of(component: &[u8]) -> Result<&[u8], String> {
    let mut parser = Parser::new(0);
    let (mut offset, mut end) = (0, 0);
    loop {
        let rest = component.get(offset..).unwrap_or_default();
        let chunk = parser.parse(rest, true).map_err(|error| error.to_string())?;
        let Chunk::Parsed { consumed, payload } = chunk else {
            return Err("it is cut short".to_owned());
        };
        offset += consumed;
        match payload {
            Payload::ComponentImportSection(_) => end = offset,
            Payload::ModuleSection { unchecked_range, .. }
            | Payload::ComponentSection { unchecked_range, .. } => {
                offset = unchecked_range.end;
            }
            Payload::End(_) => return Ok(component.get(..end).unwrap_or_default()),
            _ => {}
        }
    }
}

/// The interfaces from which the exported ones take types.
fn needed(resolve: &Resolve, exported: &BTreeSet<InterfaceId>) -> Result<BTreeSet<InterfaceId>, String> {
    let mut needed = BTreeSet::new();
    let mut open: Vec<_> = exported.iter().copied().collect();
    while let Some(next) = open.pop() {
        for other in resolve.interface_direct_deps(next) {
            let name = |id| resolve.id_of(id).unwrap_or_default();
            match (exported.contains(&next), exported.contains(&other)) {
                (true, true) => {}
                (false, true) => {
                    return Err(format!(
                        "its import `{}` is not denied and has types of `{}`, which is",
                        name(next),
                        name(other)
                    ));
                }
                (_, false) => {
                    if needed.insert(other) {
                        open.push(other);
                    }
                }
            }
        }
    }
    Ok(needed)
}

/// A type comes after those that it is made of.
fn holding(resolve: &Resolve) -> Vec<bool> {
    let mut known = Vec::with_capacity(resolve.types.len());
    for (_, ty) in &resolve.types {
        let any = match &ty.kind {
            TypeDefKind::Handle(_) | TypeDefKind::Future(_) | TypeDefKind::Stream(_) => true,
            TypeDefKind::Resource | TypeDefKind::Flags(_) | TypeDefKind::Enum(_) | TypeDefKind::Unknown => {
                false
            }
            TypeDefKind::Record(record) => record.fields.iter().any(|field| holds(&known, &field.ty)),
            TypeDefKind::Tuple(tuple) => tuple.types.iter().any(|ty| holds(&known, ty)),
            TypeDefKind::Variant(variant) => {
                variant.cases.iter().filter_map(|case| case.ty.as_ref()).any(|ty| holds(&known, ty))
            }
            TypeDefKind::Result(result) => result.ok.iter().chain(&result.err).any(|ty| holds(&known, ty)),
            TypeDefKind::Option(ty)
            | TypeDefKind::List(ty)
            | TypeDefKind::FixedLengthList(ty, _)
            | TypeDefKind::Type(ty) => holds(&known, ty),
            TypeDefKind::Map(key, value) => holds(&known, key) || holds(&known, value),
        };
        known.push(any);
    }
    known
}

fn holds(known: &[bool], ty: &Type) -> bool {
    match ty {
        Type::ErrorContext => true,
        Type::Id(id) => known.get(id.index()).copied().unwrap_or(true),
        _ => false,
    }
}
