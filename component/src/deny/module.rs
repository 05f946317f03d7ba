//! The core module of an adapter.

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection, MemoryType, Module, NameMap,
    NameSection, TypeSection, ValType,
};
use wit_parser::{
    ResourceIntrinsic, WasmExport, WasmExportKind, WasmImport, WorldItem, WorldKey, abi::AbiVariant,
    abi::WasmType,
};

use super::{
    answer::answer,
    body::{Body, Effect, HEAP, Imports, at},
    dispose::{ABI, Disposal},
    layout::{Area, Data, Flat, flat},
    world::{Resource, World},
};

/// The size of a page of memory, in bytes.
const PAGE: u32 = 1 << 16;
/// One less than there can be, so that no address behind an allocation is too large for an `i32`.
const MAX_PAGES: u64 = (1 << 16) - 1;

/// A function of the module.
struct Made {
    /// What the component's encoder knows it by.
    export: String,
    /// What a backtrace calls it.
    name: String,
    results: Vec<ValType>,
    body: Body,
}

/// Makes the module that implements the exports of the world.
pub(super) fn core_module(world: &World, message: &dyn Fn(&str) -> String) -> Result<Vec<u8>, String> {
    let mut making = Making { world, imports: Imports::default(), data: Data::default(), made: Vec::new() };
    let exports = &world.resolve.worlds[world.id].exports;
    for (key, item) in exports {
        if let WorldItem::Interface { id, .. } = item {
            let message = message(&world.resolve.name_world_key(key));
            for function in world.resolve.interfaces[*id].functions.values() {
                making.function(key, function, &message)?;
            }
        }
    }
    making.made.push(realloc());
    Ok(making.module())
}

struct Making<'a> {
    world: &'a World,
    imports: Imports,
    data: Data,
    made: Vec<Made>,
}

impl Making<'_> {
    fn function(
        &mut self,
        interface: &WorldKey,
        function: &wit_parser::Function,
        message: &str,
    ) -> Result<(), String> {
        let world = self.world;
        let export =
            WasmExport::Func { interface: Some(interface), func: function, kind: WasmExportKind::Normal };
        let export = world.resolve.wasm_export_name(ABI, export);
        let signature = world.resolve.wasm_signature(AbiVariant::GuestExport, function);
        let results: Vec<_> = signature.results.iter().copied().map(core_type).collect();
        let mut body = Body::new(signature.params.iter().copied().map(core_type).collect());
        let length = u32::try_from(message.len()).map_err(|error| error.to_string())?;
        let text = (self.data.address(message.as_bytes(), 1)?, length);
        // A denial that cannot be written down is still one.
        let told = answer(world, function).zip(function.result).and_then(|(answer, ty)| {
            let area = if signature.retptr { Some(Area::of(world, &ty, &answer, text)?) } else { None };
            Some((answer, ty, area))
        });
        let Some((answer, ty, area)) = told else {
            body.emit().unreachable();
            let name = format!("{message} ({export})");
            self.made.push(Made { export, name, results, body });
            return Ok(());
        };
        let (imports, body_of) = (&mut self.imports, &mut body);
        Disposal { world, imports, interface, function, body: body_of }.params(signature.indirect_params)?;
        body.emit().i32_const(0).global_set(HEAP);
        if let Some(area) = area {
            let address =
                self.data.address(&area.bytes, world.sizes.align(&ty).align_wasm32())?.cast_signed();
            for (offset, resource) in &area.handles {
                body.emit().i32_const(address);
                self.inert(&mut body, *resource);
                body.emit().i32_store(at(*offset as usize, 2));
            }
            body.emit().i32_const(address);
        } else {
            let mut values = Vec::new();
            flat(&answer, &mut values);
            for (value, ty) in values.into_iter().zip(&results) {
                self.push(&mut body, value, *ty);
            }
        }
        self.made.push(Made { name: export.clone(), export, results, body });
        Ok(())
    }

    /// Puts a number on the stack.
    fn push(&mut self, body: &mut Body, value: Flat, ty: ValType) {
        let bits = match value {
            Flat::Inert(resource) => return self.inert(body, resource),
            Flat::Bits(bits) => bits,
        };
        let mut code = body.emit();
        match ty {
            ValType::I64 => code.i64_const(bits.cast_signed()),
            // The one fraction that is an answer is zero.
            ValType::F32 => code.f32_const(0.0.into()),
            ValType::F64 => code.f64_const(0.0.into()),
            _ => code.i32_const(i32::try_from(bits).unwrap_or_default()),
        };
    }

    /// Puts a handle to a new resource on the stack. There is nothing in it.
    fn inert(&mut self, body: &mut Body, resource: Resource) {
        let owner = WorldKey::Interface(resource.interface);
        let import = WasmImport::ResourceIntrinsic {
            interface: Some(&owner),
            resource: resource.id,
            intrinsic: ResourceIntrinsic::ExportedNew,
        };
        let name = self.world.resolve.wasm_import_name(ABI, import);
        let new = self.imports.index(name, Effect::New);
        body.emit().i32_const(0).call(new);
    }

    fn module(self) -> Vec<u8> {
        let mut types = Types::default();
        let mut imports = ImportSection::new();
        for (module, name, effect) in self.imports.iter() {
            let results = match effect {
                Effect::Drop => vec![],
                Effect::New => vec![ValType::I32],
            };
            imports.import(module, name, EntityType::Function(types.index(vec![ValType::I32], results)));
        }
        let (mut functions, mut exports, mut code) =
            (FunctionSection::new(), ExportSection::new(), CodeSection::new());
        let mut names = NameMap::new();
        for (index, made) in (imports.len()..).zip(self.made) {
            functions.function(types.index(made.body.params.clone(), made.results));
            exports.export(&made.export, ExportKind::Func, index);
            names.append(index, &made.name);
            let mut function = Function::new([(made.body.locals, ValType::I32)]);
            function.raw(made.body.code).instructions().end();
            code.function(&function);
        }
        let heap = self.data.end();
        let mut memory = MemorySection::new();
        memory.memory(MemoryType {
            minimum: heap.div_ceil(PAGE as usize) as u64,
            maximum: Some(MAX_PAGES),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        exports.export("memory", ExportKind::Memory, 0);
        let mut globals = GlobalSection::new();
        let variable = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        let start = i32::try_from(heap).unwrap_or(i32::MAX);
        globals.global(variable, &ConstExpr::i32_const(0));
        globals.global(GlobalType { mutable: false, ..variable }, &ConstExpr::i32_const(start));
        let mut data = DataSection::new();
        let base = i32::try_from(Data::base()).unwrap_or_default();
        data.active(0, &ConstExpr::i32_const(base), self.data.bytes.iter().copied());
        let mut name = NameSection::new();
        name.functions(&names);
        let mut module = Module::new();
        module
            .section(&types.section)
            .section(&imports)
            .section(&functions)
            .section(&memory)
            .section(&globals);
        module.section(&exports).section(&code).section(&data).section(&name);
        module.finish()
    }
}

/// The types of the functions, each once.
#[derive(Default)]
struct Types {
    section: TypeSection,
    known: Vec<(Vec<ValType>, Vec<ValType>)>,
}

impl Types {
    fn index(&mut self, params: Vec<ValType>, results: Vec<ValType>) -> u32 {
        let ty = (params, results);
        let index = self.known.iter().position(|known| *known == ty).unwrap_or_else(|| {
            self.section.ty().function(ty.0.iter().copied(), ty.1.iter().copied());
            self.known.push(ty);
            self.known.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }
}

fn core_type(ty: WasmType) -> ValType {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}

/// The variable beside [`HEAP`] that says where the data ends.
const START: u32 = 1;

/// `cabi_realloc`, by which parameters get their memory: behind what was given out last. [`HEAP`] counts from the end of
/// the data, and every call sets it back to zero.
///
/// Sums are made with 64 bits, so that no size is too large for them.
fn realloc() -> Made {
    const OLD: u32 = 0;
    const OLD_SIZE: u32 = 1;
    const ALIGN: u32 = 2;
    const SIZE: u32 = 3;
    let mut body = Body::new(vec![ValType::I32; 4]);
    let (address, missing) = (body.local(), body.local());
    let mut code = body.emit();
    // The address is the next one that is aligned; the data ends aligned for anything.
    code.global_get(HEAP).global_get(START).i32_add();
    code.local_get(ALIGN).i32_add().i32_const(1).i32_sub();
    code.i32_const(0).local_get(ALIGN).i32_sub().i32_and().local_set(address);
    // The pages that are missing, as a signed number.
    code.local_get(address).i64_extend_i32_u().local_get(SIZE).i64_extend_i32_u().i64_add();
    code.i64_const(i64::from(PAGE - 1)).i64_add().i64_const(16).i64_shr_u();
    code.memory_size(0).i64_extend_i32_u().i64_sub().i32_wrap_i64().local_tee(missing);
    code.i32_const(0).i32_gt_s().if_(BlockType::Empty);
    code.local_get(missing).memory_grow(0).i32_const(-1).i32_eq().if_(BlockType::Empty).unreachable().end();
    code.end();
    code.local_get(address).local_get(SIZE).i32_add().global_get(START).i32_sub().global_set(HEAP);
    // What was there before moves along.
    code.local_get(address).local_get(OLD);
    code.local_get(OLD_SIZE).local_get(SIZE).local_get(OLD_SIZE).local_get(SIZE).i32_lt_u().select();
    code.memory_copy(0, 0);
    code.local_get(address);
    Made {
        export: "cabi_realloc".to_owned(),
        name: "cabi_realloc".to_owned(),
        results: vec![ValType::I32],
        body,
    }
}
