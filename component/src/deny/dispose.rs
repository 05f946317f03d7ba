//! Ending what a caller hands over.
//!
//! Handles, streams and futures in the parameters belong to the adapter once it is called. One that it kept would be
//! open for as long as the instance lives, and one that was lent and is not given back is a trap. A lent resource of the
//! adapter's own is no handle at all: it comes as what the adapter put into it.

use wasm_encoder::BlockType;
use wit_parser::{
    Function, FutureIntrinsic, Handle, LiftLowerAbi, ManglingAndAbi, ResourceIntrinsic, StreamIntrinsic,
    Type, TypeDefKind, WasmImport, WorldKey, abi::FlatTypes, abi::WasmType,
};

use super::{
    body::{Body, Effect, Imports, at},
    layout::{Cases, field_types},
    world::World,
};

/// The names and calls of the core module are those of the synchronous canonical ABI, for `async` functions too.
pub(super) const ABI: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);

/// The most code that one function may take for this, in bytes.
const MAX_CODE: usize = 1 << 20;

/// Writes the code that ends what is in the parameters of one function.
pub(super) struct Disposal<'a> {
    pub(super) world: &'a World,
    pub(super) imports: &'a mut Imports,
    pub(super) interface: &'a WorldKey,
    pub(super) function: &'a Function,
    pub(super) body: &'a mut Body,
}

impl Disposal<'_> {
    /// All parameters, which are in memory at the address in the first one, or each in one or several.
    pub(super) fn params(&mut self, indirect: bool) -> Result<(), String> {
        let types: Vec<_> = self.function.params.iter().map(|param| param.ty).collect();
        if indirect {
            return self.fields(&types, 0, 0);
        }
        let mut index = 0;
        for ty in &types {
            self.flat(ty, index)?;
            index += self.width(ty)?;
        }
        Ok(())
    }

    /// How many parameters a value takes.
    fn width(&self, ty: &Type) -> Result<usize, String> {
        let mut storage = [WasmType::I32; 32];
        let mut flat = FlatTypes::new(&mut storage);
        if !self.world.resolve.push_flat(ty, &mut flat) {
            return Err("its parameters cannot be read".to_owned());
        }
        Ok(flat.to_vec().len())
    }

    /// What to call to end a handle of this type, if it is one and not merely lent from the adapter itself.
    fn end(&mut self, ty: &Type) -> Option<u32> {
        let (world, interface) = (self.world, Some(self.interface));
        let name = match ty {
            Type::ErrorContext => ("$root".to_owned(), "[error-context-drop]".to_owned()),
            Type::Id(id) => match world.kind(*id) {
                (_, TypeDefKind::Handle(handle)) => {
                    let resource = world.resource(handle)?;
                    if resource.is_ours && matches!(handle, Handle::Borrow(_)) {
                        return None;
                    }
                    let intrinsic = if resource.is_ours {
                        ResourceIntrinsic::ExportedDrop
                    } else {
                        ResourceIntrinsic::ImportedDrop
                    };
                    let owner = WorldKey::Interface(resource.interface);
                    let (interface, resource) = (Some(&owner), resource.id);
                    let import = WasmImport::ResourceIntrinsic { interface, resource, intrinsic };
                    world.resolve.wasm_import_name(ABI, import)
                }
                (id, TypeDefKind::Future(_)) => {
                    let import = WasmImport::FutureIntrinsic {
                        interface,
                        func: self.function,
                        ty: Some(id),
                        intrinsic: FutureIntrinsic::DropReadable,
                        exported: true,
                        async_: false,
                    };
                    world.resolve.wasm_import_name(ABI, import)
                }
                (id, TypeDefKind::Stream(_)) => {
                    let import = WasmImport::StreamIntrinsic {
                        interface,
                        func: self.function,
                        ty: Some(id),
                        intrinsic: StreamIntrinsic::DropReadable,
                        exported: true,
                        async_: false,
                    };
                    world.resolve.wasm_import_name(ABI, import)
                }
                _ => return None,
            },
            _ => return None,
        };
        Some(self.imports.index(name, Effect::Drop))
    }

    /// A value in the parameters from this one on.
    fn flat(&mut self, ty: &Type, index: usize) -> Result<(), String> {
        if !self.world.holds(ty) {
            return Ok(());
        }
        if let Some(end) = self.end(ty) {
            self.body.param(index)?;
            self.body.emit().call(end);
        } else if let Some(element) = self.list(ty) {
            let (address, count) = (self.body.local(), self.body.local());
            self.body.param(index)?;
            self.body.emit().local_set(address);
            self.body.param(index + 1)?;
            self.body.emit().local_set(count);
            self.each(&element, address, count)?;
        } else if let Some(cases) = Cases::of(self.world, ty) {
            for (case, ty) in (0..).zip(&cases.payloads) {
                if let Some(ty) = ty.as_ref().filter(|ty| self.world.holds(ty)) {
                    self.body.param(index)?;
                    self.body.emit().i32_const(case).i32_eq().if_(BlockType::Empty);
                    self.flat(ty, index + 1)?;
                    self.body.emit().end();
                }
            }
        } else {
            let mut index = index;
            for ty in field_types(self.world, ty) {
                self.flat(&ty, index)?;
                index += self.width(&ty)?;
            }
        }
        Ok(())
    }

    /// A value in memory, at an offset from the address in a variable.
    fn stored(&mut self, ty: &Type, address: u32, offset: usize) -> Result<(), String> {
        if !self.world.holds(ty) {
            return Ok(());
        }
        if let Some(end) = self.end(ty) {
            self.body.emit().local_get(address).i32_load(at(offset, 2)).call(end);
        } else if let Some(element) = self.list(ty) {
            let (first, count) = (self.body.local(), self.body.local());
            let mut code = self.body.emit();
            code.local_get(address).i32_load(at(offset, 2)).local_set(first);
            code.local_get(address).i32_load(at(offset + 4, 2)).local_set(count);
            self.each(&element, first, count)?;
        } else if let Some((element, length)) = self.fixed(ty) {
            let (first, count) = (self.body.local(), self.body.local());
            let start = i32::try_from(offset).map_err(|error| error.to_string())?;
            let mut code = self.body.emit();
            code.local_get(address).i32_const(start).i32_add().local_set(first);
            code.i32_const(length.cast_signed()).local_set(count);
            self.each(&[element], first, count)?;
        } else if let Some(cases) = Cases::of(self.world, ty) {
            let payload = offset + cases.offset(self.world);
            for (case, ty) in (0..).zip(&cases.payloads) {
                if let Some(ty) = ty.as_ref().filter(|ty| self.world.holds(ty)) {
                    let mut code = self.body.emit();
                    code.local_get(address);
                    match cases.width() {
                        1 => code.i32_load8_u(at(offset, 0)),
                        2 => code.i32_load16_u(at(offset, 1)),
                        _ => code.i32_load(at(offset, 2)),
                    };
                    code.i32_const(case).i32_eq().if_(BlockType::Empty);
                    self.stored(ty, address, payload)?;
                    self.body.emit().end();
                }
            }
        } else {
            self.fields(&field_types(self.world, ty), address, offset)?;
        }
        Ok(())
    }

    fn fields(&mut self, types: &[Type], address: u32, offset: usize) -> Result<(), String> {
        if self.body.code.len() > MAX_CODE {
            return Err("the parameters of its functions are too large".to_owned());
        }
        let offsets = self.world.sizes.field_offsets(types);
        offsets.into_iter().try_for_each(|(at, ty)| self.stored(ty, address, offset + at.size_wasm32()))
    }

    /// The elements of a list, whose address and number are in two variables.
    fn each(&mut self, element: &[Type], address: u32, count: u32) -> Result<(), String> {
        let size = self.world.sizes.record(element).size.size_wasm32();
        let size = i32::try_from(size).map_err(|error| error.to_string())?;
        let mut code = self.body.emit();
        code.block(BlockType::Empty).loop_(BlockType::Empty);
        code.local_get(count).i32_eqz().br_if(1);
        self.fields(element, address, 0)?;
        let mut code = self.body.emit();
        code.local_get(address).i32_const(size).i32_add().local_set(address);
        code.local_get(count).i32_const(1).i32_sub().local_set(count);
        code.br(0).end().end();
        Ok(())
    }

    /// What an element of a list is made of. A map is a list of pairs.
    fn list(&self, ty: &Type) -> Option<Vec<Type>> {
        let Type::Id(id) = ty else {
            return None;
        };
        match self.world.kind(*id).1 {
            TypeDefKind::List(element) => Some(vec![*element]),
            TypeDefKind::Map(key, value) => Some(vec![*key, *value]),
            _ => None,
        }
    }

    fn fixed(&self, ty: &Type) -> Option<(Type, u32)> {
        let Type::Id(id) = ty else {
            return None;
        };
        match self.world.kind(*id).1 {
            TypeDefKind::FixedLengthList(element, length) => Some((*element, *length)),
            _ => None,
        }
    }
}
