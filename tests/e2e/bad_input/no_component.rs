//! Something else where a component is needed: text, a core module, WIT only, another type.

use spin_deps_fixtures::library::{core_module, incompatible, wit_only};

use super::{refused, usual, with_file};
use crate::support::library::{DEPENDENCIES, IMPORTS, base, middle};
use crate::support::oci;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

#[test]
fn but_text_in_a_file() {
    insta::assert_snapshot!(refused(&with_file(b"not yet\n"), &["lock"]), @"");
}

#[test]
fn but_a_core_module_in_a_file() {
    let module = core_module().expect("a fixture");
    insta::assert_snapshot!(refused(&with_file(&module), &["lock"]), @"");
}

#[test]
fn but_half_of_one_in_a_file() {
    let mut half = base("1.0.0");
    half.truncate(half.len() / 2);
    insta::assert_snapshot!(refused(&with_file(&half), &["lock"]), @"");
}

#[test]
fn and_no_file_either() {
    let sandbox = with_file(b"");
    fs_err::remove_file(sandbox.project().join("dependency.wasm")).expect("the dependency");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"");
}

#[test]
fn but_text_as_the_app_itself() {
    let (_registry, sandbox) = usual();
    sandbox.run(&["lock"]).done();
    sandbox.write("app.wasm", "not yet\n");
    insta::assert_snapshot!(refused(&sandbox, &["verify"]), @"");
}

#[test]
fn but_text_in_the_registry() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    oci::push(&registry, "acme/base", "1.0.0", b"not yet\n", &[], &["acme:base/api@1.0.0"]);
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"");
}

#[test]
fn but_a_core_module_to_publish() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    let file = sandbox.artifact(&core_module().expect("a fixture"));
    insta::assert_snapshot!(refused(&sandbox, &["publish", &file, "--package", "acme:base@1.0.0"]), @"");
}

#[test]
fn but_wit_only_in_the_registry() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&wit_only("acme:base", "1.0.0").expect("a fixture"));
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"");
}

#[test]
fn but_wit_only_for_what_a_dependency_needs() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&wit_only("acme:base", "1.0.0").expect("a fixture"));
    sandbox.publish(&middle("1.0.0"));
    sandbox.write_app(IMPORTS, DEPENDENCIES, "");
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"");
}

#[test]
fn of_the_right_type() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&incompatible("acme:base", "1.0.0").expect("a fixture"));
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(refused(&sandbox, &["verify"]), @"");
}
