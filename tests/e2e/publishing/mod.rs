//! Publishing and yanking: what is checked before anything is sent, in which order it goes, and what others make of it.

mod memory;
mod series;
mod several;
mod yanking;

use spin_deps_fixtures::library::Library;

/// A release of `acme:base` whose interface `api` has the function `function`, from text to text.
pub(crate) fn base_with(version: &str, function: &str) -> Vec<u8> {
    let prefix = format!("acme:base@{version}");
    let library = Library {
        package: "acme:base",
        version,
        interface: "api",
        function,
        imports: vec![],
        prefix: &prefix,
    };
    library.build().expect("a component")
}
