//! The pieces of core functions.

use indexmap::IndexMap;
use wasm_encoder::{InstructionSink, MemArg, ValType};

/// The index of the variable that says where free memory begins.
pub(super) const HEAP: u32 = 0;

/// The code of a function as it grows, and the variables that it has beside its parameters, all of them `i32`.
pub(super) struct Body {
    pub(super) code: Vec<u8>,
    pub(super) params: Vec<ValType>,
    pub(super) locals: u32,
}

impl Body {
    pub(super) fn new(params: Vec<ValType>) -> Self {
        Self { code: Vec::new(), params, locals: 0 }
    }

    pub(super) fn emit(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }

    /// A new variable.
    pub(super) fn local(&mut self) -> u32 {
        let index = u32::try_from(self.params.len()).unwrap_or(u32::MAX).saturating_add(self.locals);
        self.locals += 1;
        index
    }

    /// Puts a parameter on the stack as an `i32`: where a variant's cases share one, it may be wider.
    pub(super) fn param(&mut self, index: usize) -> Result<(), String> {
        let lost = || "its parameters cannot be read".to_owned();
        let ty = *self.params.get(index).ok_or_else(lost)?;
        let index = u32::try_from(index).map_err(|_| lost())?;
        self.emit().local_get(index);
        if ty == ValType::I64 {
            self.emit().i32_wrap_i64();
        }
        Ok(())
    }
}

/// An address in the one memory.
pub(super) fn at(offset: usize, align: u32) -> MemArg {
    MemArg { offset: offset as u64, align, memory_index: 0 }
}

/// What the core module imports, all of it about handles. Every function takes one.
#[derive(Default)]
pub(super) struct Imports(IndexMap<(String, String), Effect>);

/// What an imported function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It ends a handle.
    Drop,
    /// It makes one.
    New,
}

impl Imports {
    /// The index of a function, by its module and name.
    pub(super) fn index(&mut self, name: (String, String), effect: Effect) -> u32 {
        let index = self.0.insert_full(name, effect).0;
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, Effect)> {
        self.0.iter().map(|((module, name), effect)| (module.as_str(), name.as_str(), *effect))
    }
}
