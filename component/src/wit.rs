//! `spin-dependencies.wit`: what a component's own code may import.
//!
//! Each dependency's exports become imports of the world `root` in the package `root:component`, which is what Spin
//! writes and what the bindings generators of the SDKs read. A package-level name brings all of that package's
//! exports, an interface-level name one, a plain name a function (or, as an extension, an interface of its own). The
//! import carries the name that stands in `spin.toml`, because that name is what the composition matches later.
//!
//! Several dependencies may show different parts of one package version, each component only what it uses. The text
//! is their union; where two parts contradict each other there is no right text, and the error shows both.

use std::sync::Arc;

mod error;
mod output;
pub(crate) mod shape;
pub(crate) mod surface;
pub(crate) mod text;
mod world;

pub(crate) use self::error::listed;
use self::output::Output;
pub use self::{
    error::{Clash, WitError},
    world::GuestWorld,
};
use crate::{ImportPattern, Outline, guard::guarded};

/// One dependency of a component.
#[derive(Clone)]
pub struct WitDependency<'a> {
    /// The dependency's name in `spin.toml`.
    pub pattern: ImportPattern,
    /// The export that stands for it, where its name differs.
    pub export: Option<&'a str>,
    /// What to call the dependency in messages: `acme:hash@1.4.0`, a path.
    pub label: &'a str,
    /// The dependency's component.
    pub outline: Arc<Outline>,
}

/// The text of `spin-dependencies.wit`, or `None` without dependencies, when there should be no file.
///
/// The order of `deps` does not change the text.
pub fn dependencies_wit(deps: &[WitDependency<'_>]) -> Result<Option<String>, WitError> {
    if deps.is_empty() {
        return Ok(None);
    }
    let mut output = Output::default();
    for dep in deps {
        output.add(dep)?;
    }
    let text = output.print();
    parse(&text)?;
    Ok(Some(text))
}

/// Reads WIT text back and finds the world `root` of `root:component` in it.
pub(crate) fn parse(text: &str) -> Result<(wit_parser::Resolve, wit_parser::WorldId), WitError> {
    let parsed = guarded(|| {
        let mut resolve = wit_parser::Resolve::default();
        let package =
            resolve.push_str("spin-dependencies.wit", text).map_err(|error| format!("{error:#}"))?;
        let world = resolve.select_world(&[package], Some("root")).map_err(|error| format!("{error:#}"))?;
        Ok((resolve, world))
    });
    parsed.and_then(|result| result).map_err(|message| WitError::Invalid { message })
}
