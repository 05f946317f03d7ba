//! Calling what is denied.

use std::sync::Arc;

use spin_deps_component::{Composition, Part, Reach, compose};
use wasm_encoder::{Component as Encoded, ComponentExportKind, ComponentExportSection};
use wasmparser::{Chunk, ComponentTypeRef, Parser, Payload};
use wasmtime::{
    Config, Engine, ResourceLimiter, Store,
    component::{Component, Instance, Linker, Resource, ResourceAny, ResourceType, Val},
};

use crate::dummy::dummy;

/// A component that hands on all of its imports: what is exported under a name is what is imported under it.
pub(crate) fn forwarder(wit: &str) -> Vec<u8> {
    let bytes = dummy(wit);
    let (mut parser, mut offset, mut end) = (Parser::new(0), 0, 0);
    let mut names = Vec::new();
    loop {
        let Chunk::Parsed { consumed, payload } = parser.parse(&bytes[offset..], true).unwrap() else {
            panic!("cut short");
        };
        offset += consumed;
        match payload {
            Payload::ComponentImportSection(section) => {
                end = offset;
                for import in section {
                    let import = import.unwrap();
                    if matches!(import.ty, ComponentTypeRef::Instance(_)) {
                        names.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ModuleSection { unchecked_range, .. }
            | Payload::ComponentSection { unchecked_range, .. } => offset = unchecked_range.end,
            Payload::End(_) => break,
            _ => {}
        }
    }
    let mut exports = ComponentExportSection::new();
    for (index, name) in (0..).zip(&names) {
        exports.export(name.as_str(), ComponentExportKind::Instance, index, None);
    }
    let mut tail = Encoded::new();
    tail.section(&exports);
    [&bytes[..end], &tail.finish()[Encoded::HEADER.len()..]].concat()
}

/// A host's resource, of which the store counts how many were dropped.
pub(crate) struct Thing;

/// What the host counts.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) dropped: usize,
    pub(crate) memory: usize,
    pub(crate) streams: Arc<std::sync::atomic::AtomicUsize>,
}

impl ResourceLimiter for Counts {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.memory = self.memory.max(desired);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

/// A component to which its imports are denied, in a host that has a function for each of them, all of which trap.
pub(crate) struct Denied {
    pub(crate) store: Store<Counts>,
    instance: Instance,
    pub(crate) bytes: Vec<u8>,
}

impl Denied {
    /// The component `acme:guest@1.0.0` with the imports of the world `w`, none of which is granted.
    pub(crate) fn new(wit: &str) -> Self {
        let part = Part {
            label: "acme:guest@1.0.0".to_owned(),
            bytes: forwarder(wit).into(),
            links: Vec::new(),
            reach: Reach::Only([].into()),
        };
        let composition = Composition { root: 0, parts: vec![part], middleware: Vec::new() };
        Self::start(compose(&composition).unwrap().bytes)
    }

    pub(crate) fn start(bytes: Vec<u8>) -> Self {
        let mut config = Config::new();
        config
            .wasm_component_model_async(true)
            .wasm_component_model_fixed_length_lists(true)
            .wasm_component_model_map(true)
            .wasm_component_model_error_context(true);
        let engine = Engine::new(&config).unwrap();
        let component = Component::new(&engine, &bytes).unwrap();
        let mut linker: Linker<Counts> = Linker::new(&engine);
        let mut things = linker.instance("wasi:io/things@1.0.0").unwrap();
        things
            .resource("thing", ResourceType::host::<Thing>(), |mut store, _| {
                store.data_mut().dropped += 1;
                Ok(())
            })
            .unwrap();
        linker.allow_shadowing(true);
        let mut store = Store::new(&engine, Counts::default());
        store.limiter(|counts| counts);
        let mut others = Linker::new(&engine);
        others.define_unknown_imports_as_traps(&component).unwrap();
        let instance = linker
            .instantiate(&mut store, &component)
            .or_else(|_| others.instantiate(&mut store, &component))
            .unwrap();
        Self { store, instance, bytes }
    }

    /// A new resource of the host.
    pub(crate) fn thing(&mut self) -> ResourceAny {
        Resource::<Thing>::new_own(0).try_into_resource_any(&mut self.store).unwrap()
    }

    /// Calls a function of an interface; the error is the trap with its backtrace.
    pub(crate) fn call(
        &mut self,
        interface: &str,
        function: &str,
        params: &[Val],
    ) -> Result<Option<Val>, String> {
        let store = &mut self.store;
        let scope = self.instance.get_export_index(&mut *store, None, interface).expect("the interface");
        let index =
            self.instance.get_export_index(&mut *store, Some(&scope), function).expect("the function");
        let function = self.instance.get_func(&mut *store, index).unwrap();
        let mut results = vec![Val::Bool(false); function.ty(&*store).results().len()];
        match function.call(&mut *store, params, &mut results) {
            Ok(()) => Ok(results.pop()),
            Err(error) => Err(format!("{error:?}")),
        }
    }
}
