//! The releases that most stories are about.
//!
//! `acme:base` has the versions that a range has to choose between, `acme:middle` imports `acme:base/api@1.0.0`, and an
//! app calls `acme:middle`. Every component answers with its own name and version around what it called, so an answer
//! spells which releases ran.

use spin_deps_fixtures::library::chain;

use super::world::Sandbox;

/// The versions of `acme:base`, in the order of their publishing.
pub(crate) const BASE: [&str; 4] = ["1.0.0", "1.1.0", "1.2.0-rc.1", "2.0.0"];

/// What the app answers to `/x` when the newest releases that fit were chosen: `acme:middle` wants `acme:base` `^1.0.0`,
/// which is 1.1.0, neither the pre-release nor the next major.
pub(crate) const ANSWER: &str = "acme:middle@1.0.0(acme:base@1.1.0(/x))";

/// The imports of that app.
pub(crate) const IMPORTS: &[(&str, &str)] = &[("acme:middle", "1.0.0")];

/// Its dependency table.
pub(crate) const DEPENDENCIES: &str = "\"acme:middle\" = \"^1\"";

/// A release of `acme:base`.
pub(crate) fn base(version: &str) -> Vec<u8> {
    chain("acme:base", version, &[])
}

/// A release of `acme:middle`, which calls `acme:base/api@1.0.0`.
pub(crate) fn middle(version: &str) -> Vec<u8> {
    chain("acme:middle", version, &[("acme:base", "1.0.0")])
}

/// Publishes all of them with the binary.
pub(crate) fn publish_all(sandbox: &Sandbox) {
    for version in BASE {
        sandbox.publish(&base(version));
    }
    sandbox.publish(&middle("1.0.0"));
}
