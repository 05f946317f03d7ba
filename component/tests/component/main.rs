//! The crate from outside: components in, text and components out, and the compositions run in wasmtime.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers included")]

mod bindings;
mod componentize;
mod compose;
mod compose_errors;
mod conform;
mod denied;
mod deny;
mod deny_any;
mod dummy;
mod inspect;
mod semver;
mod stream;
mod support;
mod types;
mod wit;
