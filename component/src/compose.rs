//! One component out of a component and the releases it depends on.
//!
//! Composition goes in three steps. *Planning* reads the parts and decides which export goes to which import, without
//! a look at the types: that is where names, versions, cycles and imports that nothing satisfies are reported. An import
//! of the host that a part was not granted goes to an adapter that denies it, made for that part ([`deny`](crate::deny)).
//! *Wiring* builds the graph, one shared instance per part, and checks the type of every wire before anything is
//! encoded, because an error at that point can still name the interface, the function and the two types. *Encoding*
//! leaves the host's interfaces as imports, merged where several parts import one, and validates the result.
//!
//! The result depends on the wiring alone, not on the order in which parts are listed: instances are made in the order
//! in which the root's imports first lead to them.

mod encode;
mod error;
mod handler;
pub(crate) mod mismatch;
mod plan;
mod resources;

use std::{collections::BTreeSet, sync::Arc};

use wasm_pkg_common::package::PackageRef;

pub use self::error::{ComposeError, Difference, Owned};
pub use self::handler::check_middleware;
use self::plan::{Plan, Refusal};
use crate::ImportPattern;

/// What to compose.
#[derive(Clone, Debug)]
pub struct Composition {
    /// The index in `parts` of the component that is composed; its exports are the result's.
    pub root: usize,
    /// The root and everything it may be wired with. Parts that no wire leads to are left out.
    pub parts: Vec<Part>,
    /// Middleware around the root, outermost first, as indices into `parts`. Each imports and exports
    /// `wasi:http/handler`.
    pub middleware: Vec<usize>,
}

/// A component that takes part in a composition.
#[derive(Clone, Debug)]
pub struct Part {
    /// What to call it in messages: `acme:hash@1.4.0`, or the id of a component in `spin.toml`.
    pub label: String,
    /// The component.
    pub bytes: Arc<[u8]>,
    /// Where its imports come from.
    pub links: Vec<Link>,
    /// How much of the host it may use.
    pub reach: Reach,
}

/// How much of the host a part may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// All that the component around it may.
    #[default]
    All,
    /// What is behind these capability keys, and what is harmless ([`denied`](crate::denied) tells). Whatever else it
    /// imports of the host is denied to it.
    Only(BTreeSet<String>),
}

/// A source for some of a part's imports.
#[derive(Clone, Debug)]
pub struct Link {
    /// The imports that are meant.
    pub pattern: LinkPattern,
    /// The index in [`Composition::parts`] of the part that satisfies them.
    pub target: usize,
    /// The export that does, where it has another name than the import.
    pub export: Option<String>,
    /// Words for messages: the dependency's name in `spin.toml`, or the package.
    pub origin: String,
}

/// Which imports a link is for.
#[derive(Clone, Debug)]
pub enum LinkPattern {
    /// The imports that a dependency name in `spin.toml` matches. It must match at least one, and no import may be
    /// matched by two names.
    Named(ImportPattern),
    /// Every import of a package. There may be none.
    Package(PackageRef),
}

/// The result of a composition.
#[derive(Clone, Debug)]
pub struct Composed {
    /// The component: the root's own bytes where there was nothing to wire.
    pub bytes: Vec<u8>,
    /// What was wired, in the order of the instances.
    pub wires: Vec<Wire>,
    /// How many instances the component makes of the parts.
    pub instances: usize,
    /// What is denied to the parts, in the order of the instances.
    pub denials: Vec<Denial>,
}

/// An import of a part that an adapter answers, and not the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The label of the importing part.
    pub part: String,
    /// Its import.
    pub import: String,
    /// The key of the capability that the part would have to be granted; `None` where no single one covers the import.
    pub capability: Option<&'static str>,
}

/// One import that was satisfied by a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// The label of the importing part.
    pub from: String,
    /// Its import.
    pub import: String,
    /// The label of the exporting part.
    pub to: String,
    /// Its export.
    pub export: String,
}

/// Composes a component with its dependencies and middleware.
pub fn compose(composition: &Composition) -> Result<Composed, ComposeError> {
    compose_with(composition, None)
}

/// The component with some of its imports met by adapters that deny them, with `reason` as the message. Imports that it
/// does not have are left aside.
pub fn refuse(bytes: &[u8], imports: &BTreeSet<String>, reason: &str) -> Result<Vec<u8>, ComposeError> {
    let label = "the component".to_owned();
    let part = Part { label, bytes: bytes.into(), links: Vec::new(), reach: Reach::All };
    let composition = Composition { root: 0, parts: vec![part], middleware: Vec::new() };
    Ok(compose_with(&composition, Some(&Refusal { imports, reason }))?.bytes)
}

fn compose_with(composition: &Composition, refusal: Option<&Refusal<'_>>) -> Result<Composed, ComposeError> {
    let plan = Plan::new(composition, refusal)?;
    if plan.is_trivial() {
        let bytes = plan.root_bytes().to_vec();
        return Ok(Composed { bytes, wires: Vec::new(), instances: 1, denials: Vec::new() });
    }
    encode::encode(plan)
}
