//! Calling what is denied.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use spin_deps_component::{Denial, Part, Reach, denied};
use wasm_encoder::{Component as Encoded, ComponentExportKind, ComponentExportSection};
use wasmparser::{Chunk, ComponentTypeRef, Parser, Payload};
use wasmtime::{
    Config, Engine, ResourceLimiter, Store, StoreContextMut,
    component::{
        Component, Func, FutureReader, Instance, InstancePre, Linker, Resource, ResourceAny, ResourceType,
        StreamReader, Type, Val, types::ComponentItem,
    },
};

use crate::{
    dummy::dummy,
    support::{composed, part},
};

/// A component that hands on those of its imports that `exported` names: each is exported under its own name.
pub(crate) fn forwarder(wit: &str, exported: impl Fn(&str) -> bool) -> Vec<u8> {
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
    for (index, name) in (0..).zip(&names).filter(|(_, name)| exported(name)) {
        exports.export(name.as_str(), ComponentExportKind::Instance, index, None);
    }
    let mut tail = Encoded::new();
    tail.section(&exports);
    [&bytes[..end], &tail.finish()[Encoded::HEADER.len()..]].concat()
}

/// The host's resource, which guests may have: `pollable` of `wasi:io/poll@0.2.0`.
struct Pollable;

/// What is counted in a store.
#[derive(Default)]
pub(crate) struct Counts {
    /// Resources and futures that were handed to the guest. One that is lent and not given back is a trap.
    pub(crate) made: usize,
    /// Those of them that ended.
    pub(crate) ended: Arc<AtomicUsize>,
    /// The largest memory, in bytes.
    pub(crate) memory: usize,
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

/// Counts when it is dropped.
struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A composition whose root has nothing granted, for a host that would grant everything: it has a function for each
/// import, which traps with "unknown import".
pub(crate) struct Denied {
    pub(crate) bytes: Vec<u8>,
    pub(crate) denials: Vec<Denial>,
    component: Component,
    ready: InstancePre<Counts>,
}

impl Denied {
    /// A component called `acme:guest@1.0.0` with the imports of the world `w`.
    pub(crate) fn new(wit: &str) -> Self {
        let composed = composed(vec![guest(wit, &[])]).unwrap();
        Self { denials: composed.denials, ..Self::of(composed.bytes) }
    }

    /// A composed component.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let mut config = Config::new();
        config.wasm_component_model_async(true).wasm_component_model_fixed_length_lists(true);
        config.wasm_component_model_map(true);
        let engine = Engine::new(&config).unwrap();
        let component = Component::new(&engine, &bytes).unwrap();
        let mut linker: Linker<Counts> = Linker::new(&engine);
        let ended = |store: StoreContextMut<'_, Counts>, _| {
            store.data().ended.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        linker
            .instance("wasi:io/poll@0.2.0")
            .unwrap()
            .resource("pollable", ResourceType::host::<Pollable>(), ended)
            .unwrap();
        linker.define_unknown_imports_as_traps(&component).unwrap();
        let ready = linker.instantiate_pre(&component).unwrap();
        Self { bytes, denials: Vec::new(), component, ready }
    }

    /// A fresh instance.
    pub(crate) fn start(&self) -> Guest<'_> {
        let mut store = Store::new(self.component.engine(), Counts::default());
        store.limiter(|counts| counts);
        let instance = self.ready.instantiate(&mut store).unwrap();
        Guest { denied: self, store, instance }
    }

    /// The interfaces and their functions, in the order of the exports.
    pub(crate) fn functions(&self) -> Vec<(String, String)> {
        let engine = self.component.engine();
        let mut functions = Vec::new();
        for (interface, item) in self.component.component_type().exports(engine) {
            if let ComponentItem::ComponentInstance(instance) = item.ty {
                for (name, item) in instance.exports(engine) {
                    if matches!(item.ty, ComponentItem::ComponentFunc(_)) {
                        functions.push((interface.to_owned(), name.to_owned()));
                    }
                }
            }
        }
        functions
    }

    /// Calls every function of the denied interfaces, each in a fresh instance: what it answers, one per line.
    pub(crate) fn answers(&self) -> String {
        let mut lines = Vec::new();
        for (interface, function) in self.functions() {
            if self.denials.iter().any(|denial| denial.import == interface) {
                let answer = match self.start().attempt(&interface, &function) {
                    Some(Ok(value)) => value.map_or_else(|| "nothing".to_owned(), |value| shown(&value)),
                    Some(Err(trap)) => {
                        assert!(trap.contains("access denied: "), "{interface}#{function}: {trap}");
                        "trap".to_owned()
                    }
                    None => "cannot be called".to_owned(),
                };
                let interface = interface.split_once('@').map_or(&*interface, |(name, _)| name);
                lines.push(format!("{interface} {function}: {answer}"));
            }
        }
        lines.join("\n")
    }
}

/// The part, with the keys that are granted.
pub(crate) fn guest(wit: &str, granted: &[&str]) -> Part {
    let reach = Reach::Only(granted.iter().map(|key| (*key).to_owned()).collect());
    // What the host answers cannot be handed on to it.
    let answered = |name: &str| match &reach {
        Reach::Only(keys) => denied(name, keys),
        Reach::All => false,
    };
    let bytes = forwarder(wit, answered);
    Part { reach, ..part("acme:guest@1.0.0", bytes) }
}

/// A value, as short as it can be told.
fn shown(value: &Val) -> String {
    let payload = |value: &Option<Box<Val>>| {
        value.as_ref().map_or_else(String::new, |value| format!("({})", shown(value)))
    };
    match value {
        Val::String(text) if text.starts_with("access denied: ") => "why".to_owned(),
        Val::String(text) => format!("{text:?}"),
        Val::List(items) | Val::FixedLengthList(items) | Val::Tuple(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Val::Record(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Val::Variant(case, value) => format!("{case}{}", payload(value)),
        Val::Enum(case) => case.clone(),
        Val::Option(None) => "none".to_owned(),
        Val::Option(value) => format!("some{}", payload(value)),
        Val::Result(Ok(value)) => format!("ok{}", payload(value)),
        Val::Result(Err(value)) => format!("err{}", payload(value)),
        Val::Resource(_) => "a resource".to_owned(),
        other => format!("{other:?}"),
    }
}

/// A running [`Denied`].
pub(crate) struct Guest<'a> {
    denied: &'a Denied,
    pub(crate) store: Store<Counts>,
    instance: Instance,
}

impl Guest<'_> {
    fn function(&mut self, interface: &str, function: &str) -> Func {
        let scope = self.instance.get_export_index(&mut self.store, None, interface).expect("the interface");
        let index = self.instance.get_export_index(&mut self.store, Some(&scope), function);
        self.instance.get_func(&mut self.store, index.expect("the function")).unwrap()
    }

    /// Calls a function; the error is the trap with its backtrace.
    pub(crate) fn call(
        &mut self,
        interface: &str,
        function: &str,
        params: &[Val],
    ) -> Result<Option<Val>, String> {
        let function = self.function(interface, function);
        let mut results = vec![Val::Bool(false); function.ty(&self.store).results().len()];
        let called = function.call(&mut self.store, params, &mut results);
        called.map(|()| results.pop()).map_err(|error| format!("{error:?}"))
    }

    /// Calls a function with parameters of all kinds; `None` if there is no way to have them. A call that returns must
    /// have ended all that it was given.
    pub(crate) fn attempt(&mut self, interface: &str, function: &str) -> Option<Result<Option<Val>, String>> {
        let types: Vec<_> =
            self.function(interface, function).ty(&self.store).params().map(|(_, ty)| ty).collect();
        let mut lent = Vec::new();
        let params: Vec<_> = types.iter().map(|ty| self.sample(ty, &mut lent)).collect::<Option<_>>()?;
        let answer = self.call(interface, function, &params);
        if answer.is_ok() {
            for resource in lent {
                resource.resource_drop(&mut self.store).unwrap();
            }
            let counts = self.store.data();
            assert_eq!(
                counts.made,
                counts.ended.load(Ordering::Relaxed),
                "{interface}#{function} keeps handles"
            );
        }
        Some(answer)
    }

    /// A value of the type with as much in it as there can be; what is lent stays the caller's.
    pub(crate) fn sample(&mut self, ty: &Type, lent: &mut Vec<ResourceAny>) -> Option<Val> {
        let mut inner = |ty: &Type| self.sample(ty, lent);
        Some(match ty {
            Type::Bool => Val::Bool(true),
            Type::S8 => Val::S8(-1),
            Type::U8 => Val::U8(1),
            Type::S16 => Val::S16(-1),
            Type::U16 => Val::U16(1),
            Type::S32 => Val::S32(-1),
            Type::U32 => Val::U32(1),
            Type::S64 => Val::S64(-1),
            Type::U64 => Val::U64(1),
            Type::Float32 => Val::Float32(1.5),
            Type::Float64 => Val::Float64(1.5),
            Type::Char => Val::Char('x'),
            Type::String => Val::String("x".repeat(50)),
            Type::List(list) => Val::List((0..3).map(|_| inner(&list.ty())).collect::<Option<_>>()?),
            Type::FixedLengthList(list) => {
                Val::FixedLengthList((0..list.len()).map(|_| inner(&list.ty())).collect::<Option<_>>()?)
            }
            Type::Map(map) => {
                Val::Map((0..2).map(|_| inner(&map.key()).zip(inner(&map.value()))).collect::<Option<_>>()?)
            }
            Type::Record(record) => {
                let fields = record.fields().map(|field| Some((field.name.to_owned(), inner(&field.ty)?)));
                Val::Record(fields.collect::<Option<_>>()?)
            }
            Type::Tuple(tuple) => Val::Tuple(tuple.types().map(|ty| inner(&ty)).collect::<Option<_>>()?),
            Type::Variant(variant) => {
                let case = variant.cases().max_by_key(|case| case.ty.is_some())?;
                let payload = match case.ty {
                    Some(ty) => Some(Box::new(inner(&ty)?)),
                    None => None,
                };
                Val::Variant(case.name.to_owned(), payload)
            }
            Type::Enum(cases) => Val::Enum(cases.names().last()?.to_owned()),
            Type::Option(option) => Val::Option(Some(Box::new(inner(&option.ty())?))),
            Type::Result(result) => match (result.ok(), result.err()) {
                (None, Some(ty)) => Val::Result(Err(Some(Box::new(inner(&ty)?)))),
                (Some(ty), _) => Val::Result(Ok(Some(Box::new(inner(&ty)?)))),
                (None, None) => Val::Result(Ok(None)),
            },
            Type::Flags(flags) => Val::Flags(flags.names().map(str::to_owned).collect()),
            Type::Own(resource) => {
                if *resource == ResourceType::host::<Pollable>() {
                    self.store.data_mut().made += 1;
                }
                Val::Resource(self.resource(resource)?)
            }
            Type::Borrow(resource) => {
                let resource = self.resource(resource)?;
                lent.push(resource);
                Val::Resource(resource)
            }
            Type::Stream(_) => {
                let reader = StreamReader::<u8>::new(&mut self.store, std::iter::empty::<u8>()).unwrap();
                Val::Stream(reader.try_into_stream_any(&mut self.store).unwrap())
            }
            Type::Future(_) => {
                let guard = self.guard();
                let never = async move {
                    let _guard = guard;
                    std::future::pending::<wasmtime::Result<u8>>().await
                };
                let reader = FutureReader::<u8>::new(&mut self.store, never).unwrap();
                Val::Future(reader.try_into_future_any(&mut self.store).unwrap())
            }
            Type::ErrorContext => return None,
        })
    }

    fn guard(&mut self) -> Guard {
        let counts = self.store.data_mut();
        counts.made += 1;
        Guard(counts.ended.clone())
    }

    /// One of the host's, or of the guest's where a function gives one.
    fn resource(&mut self, ty: &ResourceType) -> Option<ResourceAny> {
        if *ty == ResourceType::host::<Pollable>() {
            return Resource::<Pollable>::new_own(0).try_into_resource_any(&mut self.store).ok();
        }
        if *ty == ResourceType::host::<()>() {
            return Resource::<()>::new_own(0).try_into_resource_any(&mut self.store).ok();
        }
        for (interface, function) in self.denied.functions() {
            let signature = self.function(&interface, &function).ty(&self.store);
            let gives = matches!(signature.results().next(), Some(Type::Own(own)) if own == *ty);
            if gives && signature.params().len() == 0 {
                return match self.call(&interface, &function, &[]).ok()?? {
                    Val::Resource(resource) => Some(resource),
                    _ => None,
                };
            }
        }
        None
    }
}
