//! The releases that most stories are about.
//!
//! `acme:base` has the versions that a range has to choose between, `acme:middle` imports `acme:base/api@1.0.0`, and an
//! app calls `acme:middle`. Every component answers with its own name and version around what it called, so an answer
//! spells which releases ran.

use spin_deps_fixtures::component;
use spin_deps_fixtures::library::{Library, chain, described};

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

/// A library that reads its environment: `call` answers `package@version#N(input)`, where `N` is the number of
/// variables that it sees, below ten.
pub(crate) fn environment_counter(package: &str, version: &str) -> Vec<u8> {
    let prefix = format!("{package}@{version}#");
    let library =
        Library { package, version, interface: "api", function: "call", imports: vec![], prefix: &prefix };
    let wit = library
        .wit()
        .replace("world library {", "world library {\n  import wasi:cli/environment@0.2.0;")
        + "package wasi:cli@0.2.0 { interface environment { get-environment: func() -> list<tuple<string, string>>; } }\n";
    // The list is asked for before the answer begins: what is allocated for it would stand within the answer else.
    let import =
        "(module\n  (import \"wasi:cli/environment@0.2.0\" \"get-environment\" (func $get (param i32)))";
    let begin = "    (i32.store (i32.const 8) (global.get $top))";
    let count = "    (call $get (i32.const 0))
    (i32.store8 (i32.const 0) (i32.add (i32.const 48) (i32.load (i32.const 4))))";
    // The constants stand at 16: the prefix, then the parenthesis. The digit goes between the two.
    let prefix_and_parenthesis = format!("(call $append (i32.const 16) (i32.const {}))", prefix.len() + 1);
    let with_digit = format!(
        "(call $append (i32.const 16) (i32.const {}))
    (call $append (i32.const 0) (i32.const 1))
    (call $append (i32.const {}) (i32.const 1))",
        prefix.len(),
        16 + prefix.len()
    );
    let wat = library
        .wat()
        .replacen("(module", import, 1)
        .replacen(begin, &format!("{count}\n{begin}"), 1)
        .replacen(&prefix_and_parenthesis, &with_digit, 1);
    let bytes = component(&wit, "library", &wat).expect("the fixture is a valid component");
    described(&bytes, package, version, "A library that counts environment variables").expect("a component")
}

/// A library with two interfaces, `one` and `two`, each with a function of the same type.
pub(crate) fn two_interfaces(package: &str, version: &str) -> Vec<u8> {
    let wit = format!(
        "package {package}@{version};
interface one {{ call: func(input: u32) -> u32; }}
interface two {{ call: func(input: u32) -> u32; }}
world library {{ export one; export two; }}"
    );
    let wat = format!(
        r#"(module
  (func (export "{package}/one@{version}#call") (param i32) (result i32) (local.get 0))
  (func (export "{package}/two@{version}#call") (param i32) (result i32) (local.get 0)))"#
    );
    let bytes = component(&wit, "library", &wat).expect("the fixture is a valid component");
    described(&bytes, package, version, "A library with two interfaces").expect("a component")
}

/// A library that exports its interface `api` in two versions that are not compatible, and calls itself by the second.
pub(crate) fn two_versions(package: &str, [old, new]: [&str; 2]) -> Vec<u8> {
    let declared = |version| {
        format!("package {package}@{version} {{ interface api {{ call: func(input: u32) -> u32; }} }}\n")
    };
    let wit = format!(
        "package fixture:root;\nworld library {{ export {package}/api@{old}; export {package}/api@{new}; }}\n{}{}",
        declared(old),
        declared(new)
    );
    let wat = format!(
        r#"(module
  (func (export "{package}/api@{old}#call") (param i32) (result i32) (local.get 0))
  (func (export "{package}/api@{new}#call") (param i32) (result i32) (local.get 0)))"#
    );
    let bytes = component(&wit, "library", &wat).expect("the fixture is a valid component");
    described(&bytes, package, new, "A library in two versions").expect("a component")
}

/// A library whose one export is a function.
pub(crate) fn function(name: &str) -> Vec<u8> {
    let wit = format!("package fixture:root;\nworld library {{ export {name}: func(input: u32) -> u32; }}");
    let wat = format!(r#"(module (func (export "{name}") (param i32) (result i32) (local.get 0)))"#);
    component(&wit, "library", &wat).expect("the fixture is a valid component")
}

/// Gives a component a description.
pub(crate) fn with_description(bytes: &[u8], package: &str, version: &str, text: &str) -> Vec<u8> {
    described(bytes, package, version, text).expect("a component")
}
