//! Answers as bytes, by the rules of the canonical ABI.

use std::collections::HashMap;

use wit_parser::{Int, Type, TypeDefKind};

use super::{
    answer::Answer,
    world::{Resource, World},
};

/// Where the adapter's data begins: no address of something is zero.
const BASE: usize = 16;
/// The most data that an adapter may have, in bytes.
const MAX_DATA: usize = 1 << 20;

/// The adapter's constant data. What is there already is not written again.
#[derive(Default)]
pub(super) struct Data {
    pub(super) bytes: Vec<u8>,
    known: HashMap<(Vec<u8>, usize), usize>,
}

impl Data {
    pub(super) fn base() -> usize {
        BASE
    }

    /// The first address behind the data, aligned for anything.
    pub(super) fn end(&self) -> usize {
        (BASE + self.bytes.len()).next_multiple_of(16)
    }

    /// The address of these bytes.
    pub(super) fn address(&mut self, bytes: &[u8], align: usize) -> Result<u32, String> {
        let key = (bytes.to_vec(), align);
        let address = if let Some(address) = self.known.get(&key) {
            *address
        } else {
            let address = (BASE + self.bytes.len()).next_multiple_of(align.max(1));
            self.bytes.resize(address - BASE, 0);
            self.bytes.extend_from_slice(bytes);
            self.known.insert(key, address);
            address
        };
        if self.bytes.len() > MAX_DATA {
            return Err("its interfaces are too large".to_owned());
        }
        u32::try_from(address).map_err(|error| error.to_string())
    }
}

/// An answer in memory.
pub(super) struct Area<'a> {
    world: &'a World,
    /// The address and length of the message.
    message: (u32, u32),
    pub(super) bytes: Vec<u8>,
    /// Offsets at which a handle to a new resource has to be put before the answer is given.
    pub(super) handles: Vec<(u32, Resource)>,
}

impl<'a> Area<'a> {
    /// Lays out an answer of this type; `None` if it would be very large.
    pub(super) fn of(world: &'a World, ty: &Type, answer: &Answer, message: (u32, u32)) -> Option<Self> {
        let size = world.size(ty);
        if size > MAX_DATA {
            return None;
        }
        let mut area = Self { world, message, bytes: vec![0; size], handles: Vec::new() };
        area.put(ty, answer, 0)?;
        Some(area)
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Option<()> {
        self.bytes.get_mut(offset..offset.checked_add(bytes.len())?)?.copy_from_slice(bytes);
        Some(())
    }

    fn put(&mut self, ty: &Type, answer: &Answer, offset: usize) -> Option<()> {
        let world = self.world;
        match answer {
            Answer::Bits(bits) => {
                let bytes = bits.to_le_bytes();
                let size = world.size(ty).min(bytes.len());
                self.write(offset, bytes.get(..size)?)
            }
            Answer::Message => {
                let (address, length) = self.message;
                self.write(offset, &address.to_le_bytes())?;
                self.write(offset + 4, &length.to_le_bytes())
            }
            Answer::Empty => Some(()),
            Answer::Fields(fields) => {
                let types = field_types(world, ty);
                let offsets = world.sizes.field_offsets(&types);
                let mut places = offsets.into_iter().zip(fields);
                places.try_for_each(|((at, ty), field)| self.put(ty, field, offset + at.size_wasm32()))
            }
            Answer::Case(index, payload) => {
                let cases = Cases::of(world, ty)?;
                let bytes = index.to_le_bytes();
                self.write(offset, bytes.get(..cases.width())?)?;
                let ty = cases.payloads.get(usize::try_from(*index).ok()?)?;
                match (ty, payload) {
                    (Some(ty), Some(payload)) => self.put(ty, payload, offset + cases.offset(world)),
                    _ => Some(()),
                }
            }
            Answer::Inert(resource) => {
                self.handles.push((u32::try_from(offset).ok()?, *resource));
                Some(())
            }
        }
    }
}

/// The types of the fields of a record, a tuple or a list of fixed length.
pub(super) fn field_types(world: &World, ty: &Type) -> Vec<Type> {
    let Type::Id(id) = ty else {
        return Vec::new();
    };
    match world.kind(*id).1 {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| field.ty).collect(),
        TypeDefKind::Tuple(tuple) => tuple.types.clone(),
        TypeDefKind::FixedLengthList(ty, length) => (0..*length).map(|_| *ty).collect(),
        TypeDefKind::Type(ty) => field_types(world, ty),
        _ => Vec::new(),
    }
}

/// The cases of a variant, an enumeration, an option or a result.
pub(super) struct Cases {
    tag: Int,
    pub(super) payloads: Vec<Option<Type>>,
}

impl Cases {
    pub(super) fn of(world: &World, ty: &Type) -> Option<Self> {
        let Type::Id(id) = ty else {
            return None;
        };
        let (tag, payloads) = match world.kind(*id).1 {
            TypeDefKind::Variant(variant) => {
                (variant.tag(), variant.cases.iter().map(|case| case.ty).collect())
            }
            TypeDefKind::Enum(cases) => (cases.tag(), vec![None; cases.cases.len()]),
            TypeDefKind::Option(ty) => (Int::U8, vec![None, Some(*ty)]),
            TypeDefKind::Result(result) => (Int::U8, vec![result.ok, result.err]),
            _ => return None,
        };
        Some(Self { tag, payloads })
    }

    /// The bytes that tell the case.
    pub(super) fn width(&self) -> usize {
        match self.tag {
            Int::U8 => 1,
            Int::U16 => 2,
            Int::U32 | Int::U64 => 4,
        }
    }

    /// Where the payload begins.
    pub(super) fn offset(&self, world: &World) -> usize {
        world.sizes.payload_offset(self.tag, self.payloads.iter().map(Option::as_ref)).size_wasm32()
    }
}

/// The one number that an answer is where it is returned as such.
#[derive(Clone, Copy)]
pub(super) enum Flat {
    Bits(u64),
    Inert(Resource),
}

/// The numbers of an answer that has none in memory.
pub(super) fn flat(answer: &Answer, into: &mut Vec<Flat>) {
    match answer {
        Answer::Bits(bits) => into.push(Flat::Bits(*bits)),
        Answer::Message | Answer::Empty => into.extend([Flat::Bits(0), Flat::Bits(0)]),
        Answer::Fields(fields) => fields.iter().for_each(|field| flat(field, into)),
        Answer::Case(index, payload) => {
            into.push(Flat::Bits(u64::from(*index)));
            if let Some(payload) = payload {
                flat(payload, into);
            }
        }
        Answer::Inert(resource) => into.push(Flat::Inert(*resource)),
    }
}
