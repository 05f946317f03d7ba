//! `spin.toml` and `component.toml`: typed reading, Spin's validation rules, and lossless editing.
//!
//! A [`Document`] holds the text of one manifest: of an application, version 2, or of a single component, version 1. Reading turns the text into a
//! [`Manifest`]: every value has a type, every name is checked, trigger ids are assigned and
//! components written inside a trigger are lifted out, so that the rest of the program sees one
//! shape however the file was laid out. A manifest that Spin accepts is accepted, one that it
//! rejects is rejected, and each [`ManifestError`] says where: a byte range of the text, what is
//! there, and where possible what to write instead.
//!
//! Editing never prints a tree. A change is a small replacement in the original text, found
//! through the events of the TOML parser; then the new text is read again and the change is kept
//! only if it is valid and says what was asked for. So whatever is not the edited entry — comments,
//! order, dotted keys, the layout of arrays, line endings — stays byte for byte.
//!
//! ```
//! use spin_deps_manifest::{Document, Inherit, Source};
//!
//! let text = r#"
//! spin_manifest_version = 2
//! [application]
//! name = "greeter"
//! [[trigger.http]]
//! route = "/..."
//! component = "greeter"
//! [component.greeter]
//! source = "greeter.wasm" # built by cargo
//! "#;
//! let mut document = Document::parse(text)?;
//! let source = Source::Registry {
//!     package: "acme:crypto".parse()?,
//!     explicit_package: false,
//!     req: "^2.0".parse()?,
//!     registry: None,
//! };
//! document.set_dependency("greeter", &"acme:crypto".parse()?, &source, None, &Inherit::Default)?;
//! assert!(document.text().ends_with("\n[component.greeter.dependencies]\n\"acme:crypto\" = \"^2.0\"\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authored;
mod capability;
mod check;
mod document;
mod edit;
mod error;
mod model;
mod name;
mod profile;
mod read;
mod requirement;
mod reuse;
mod vendored;

pub use authored::{Authored, AuthoredRequires, Required, Workspace};
pub use capability::{Capability, Grant, Inherit, UnknownCapability};
pub use document::{Document, MAX_LENGTH};
pub use error::{ErrorKind, ManifestError};
pub use model::{
    Application, Build, Component, ComponentSource, ComponentToolDeps, Dependency, Executor, Expect,
    FileMount, HttpTrigger, Manifest, Middleware, Override, Profile, Route, Source, StaticResponse, Target,
    ToolDeps, Trigger, Variable, VerifyRequest,
};
pub use name::{DependencyName, InvalidName};
pub use requirement::{InvalidRequirement, parse_requirement};
pub use reuse::InstanceReuse;
pub use vendored::{Vendored, VendoredComponent, VendoredDependency};

/// A range of bytes of the text that was given to [`Document::parse`].
pub type Span = std::ops::Range<usize>;
