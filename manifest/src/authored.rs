//! What the manifest of a single component says, in types.
//!
//! `component.toml` describes a component on its own ([SIP 026]): who it is, how it is built, and what it asks of the
//! app that uses it. To that we add `[dependencies]`, `[tool.deps]` and `[workspace]`.
//!
//! [SIP 026]: https://github.com/spinframework/spin/pull/3697

use wasm_pkg_common::package::{PackageRef, Version};

use crate::Span;

/// A component under its author's hands.
///
/// Its dependencies, its build and its source are those of the one [`Component`](crate::Component) of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authored {
    /// The package that it is published as.
    pub name: PackageRef,
    /// The version that it is published in. Nothing else needs it.
    pub version: Option<Version>,
    /// A text for people.
    pub description: Option<String>,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Where its source is kept.
    pub repository: Option<String>,
    /// Its licence, as an SPDX expression.
    pub license: Option<String>,
    /// What it asks of an app.
    pub requires: AuthoredRequires,
    /// `[tool.deps] wit`: the folder of its WIT, `wit` if not written.
    pub wit: String,
    /// `[tool.deps] world`: the world that it is built for. Without one, the folder has only one.
    pub world: Option<String>,
    /// The place of `name`.
    pub name_span: Span,
    /// The place of `version`, or of the table that has none.
    pub version_span: Span,
    /// The place of `wit`, if it is written.
    pub wit_span: Option<Span>,
    /// The place of `[requires]`, if there is one.
    pub requires_span: Option<Span>,
}

/// `[requires]`: what a component asks of the app that uses it. It grants nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthoredRequires {
    /// Variables that it reads.
    pub variables: Vec<Required>,
    /// Labels of key-value stores.
    pub key_value_stores: Vec<String>,
    /// Labels of databases.
    pub sqlite_databases: Vec<String>,
    /// AI models.
    pub ai_models: Vec<String>,
    /// Hosts that it calls.
    pub allowed_outbound_hosts: Vec<String>,
    /// Environment variables that it reads.
    pub environment: Vec<Required>,
    /// The paths at which it looks for files.
    pub files: Vec<String>,
}

/// A value that an app has to provide under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// The name.
    pub name: String,
    /// What the component does with if the app provides none.
    pub default: Option<String>,
    /// Whether the value must not be shown. Only of variables.
    pub secret: bool,
}

/// `[workspace]`: components that are kept, linked and published together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workspace {
    /// Folders with a `component.toml`, relative to the manifest's; `*` stands for any one name.
    pub members: Vec<String>,
    /// The place of the table.
    pub span: Span,
}
