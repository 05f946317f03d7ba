//! What is said of an instance that trapped: the reason, and where in the guest it was.
//!
//! What a guest printed before (the message of a panic, say) has gone to its own lines already. The names of functions
//! are those of the component's name section; a component that was stripped has only numbers.

use std::fmt::Write as _;

use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::limits::Limits;

/// How many functions are shown, from where it happened outwards.
const FRAMES: usize = 12;

/// The reason, and a line for each function.
pub(crate) fn report(error: &wasmtime::Error, limits: &Limits) -> String {
    if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
        return format!("it called `exit` with {code} in the middle of a request");
    }
    let mut text = reason(error);
    if let Some(max) = limits.exceeded() {
        let _ = write!(text, "\n  it wanted more memory than it may have, which is {}", size(max));
    }
    let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
    for frame in frames.iter().take(FRAMES) {
        let _ = match frame.func_name() {
            Some(name) => write!(text, "\n  at {:#}", rustc_demangle::demangle(name)),
            None => write!(text, "\n  at function {}", frame.func_index()),
        };
        if let Some(module) = frame.module().name() {
            let _ = write!(text, " in {module}");
        }
    }
    if let Some(more @ 1..) = frames.len().checked_sub(FRAMES) {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}

/// The reason alone.
pub(crate) fn reason(error: &wasmtime::Error) -> String {
    let text =
        error.downcast_ref::<Trap>().map_or_else(|| error.root_cause().to_string(), ToString::to_string);
    // wasmtime's own prefix, which those who show this have one for.
    text.strip_prefix("wasm trap: ").unwrap_or(&text).to_owned()
}

/// Bytes in the largest unit that leaves a whole number.
fn size(bytes: usize) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.into_iter().find(|(bits, _)| bytes >= 1 << bits && bytes.trailing_zeros() >= *bits);
    unit.map_or_else(|| format!("{bytes} bytes"), |(bits, name)| format!("{} {name}", bytes >> bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole() {
        for (bytes, text) in [
            (1 << 30, "1 GiB"),
            (3 << 29, "1536 MiB"),
            (5 << 10, "5 KiB"),
            (1025, "1025 bytes"),
            (0, "0 bytes"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
