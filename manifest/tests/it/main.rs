//! The crate from outside: real manifests, errors as they are shown, changes, and properties.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]
#![expect(clippy::format_push_string, reason = "texts are short here, and this reads best")]

mod component;
mod corpus;
mod edit;
mod errors;
mod properties;
mod support;
