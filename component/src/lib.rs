//! What is inside a component, and how components are put together.
//!
//! Everything here goes from bytes and text to bytes and text: no files, no network. [`inspect`] reads a component's
//! imports, exports and metadata, [`Outline`] the same from a stream of any length in little memory; [`needs`] turns
//! the imports that a host does not provide into requirements on other packages; [`dependencies_wit`] and
//! [`bindings()`] write what a guest is built against; [`compose`] wires a component with the releases it depends
//! on into one plain component, after it has checked every wire's types, and denies to each what it was not granted of
//! the host; [`componentize`] makes a component of a core
//! module, and [`stamp`] writes into it what its author says of it; [`Types`] are what those wires are checked by
//! where there is no component yet; [`compare`] tells whether a release can stand for an older one, and [`changes`] what
//! is new; [`conform()`] tells whether a component fits an
//! environment.
//!
//! The bytes come from registries and are hostile until they have been validated. What reads them is bounded, and the
//! decoders of others, which assert where we would return an error, run behind a guard that turns a panic into an
//! error.

mod bindings;
mod capability;
mod changes;
mod componentize;
mod compose;
mod conform;
mod deny;
mod guard;
mod inspect;
mod metadata;
mod name;
mod needs;
mod requires;
mod semver;
mod stamp;
mod stream;
mod table;
mod types;
mod wit;

pub use bindings::{BindingsOptions, GeneratedFile, Language, Seal, UnknownLanguage, bindings};
pub use capability::{capabilities, capability, denied, is_host_provided};
pub use changes::{InterfaceChange, ItemChange, changes};
pub use componentize::{ComponentizeError, componentize};
pub use compose::{
    ComposeError, Composed, Composition, Denial, Difference, Link, LinkPattern, Owned, Part, Reach, Wire,
    check_middleware, compose, refuse,
};
pub use conform::{Conformance, Direction, World, WorldError, WorldMismatch, conform};
pub use inspect::{Extern, ExternKind, InspectError, Inspection, Kind, Outline, inspect, inspect_reader};
pub use metadata::Metadata;
pub use name::{ImportPattern, InterfaceName, PatternError, compatible};
pub use needs::{Need, needs, needs_from_names, table_of_needs};
pub use requires::{REQUIRES_FORMAT_VERSION, REQUIRES_SECTION, Requires, RequiresError};
pub use semver::{Addition, Break, Comparison, SemverError, compare, compare_packages, compare_types};
pub use stamp::{Stamp, stamp};
pub use table::{ANNOTATION, DependencyTable, FORMAT_VERSION, SECTION, TableEntry, TableError};
pub use types::{MAX_TYPES_ANNOTATION, Misfit, TYPES_ANNOTATION, TYPES_FORMAT_VERSION, Types, TypesError};
pub use wit::{
    Clash, GuestWorld, WIT_PACKAGE_HEADER, WitDependency, WitError, dependencies_wit, wit_name,
    wit_package_name, wit_package_of, wit_packages,
};
