//! Circles of packages, of files and of middleware, and what only looks like one.

use spin_deps_fixtures::library::{chain, relay};
use spin_deps_fixtures::odd::with_table;

use super::{put, refused, with_folder};
use crate::support::world::manifest;

#[test]
fn of_packages_are_spelled_out() {
    let sandbox = with_folder();
    put(&sandbox, "rock", "1.0.0", &chain("acme:rock", "1.0.0", &[("acme:paper", "1.0.0")]));
    put(&sandbox, "paper", "1.0.0", &chain("acme:paper", "1.0.0", &[("acme:scissors", "1.0.0")]));
    put(&sandbox, "scissors", "1.0.0", &chain("acme:scissors", "1.0.0", &[("acme:rock", "1.0.0")]));
    sandbox.write_app(&[("acme:rock", "1.0.0")], "\"acme:rock\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
    exit: 1
    --- stderr
    error: the dependencies go round in a circle: acme:paper 1.0.0 depends on acme:scissors 1.0.0, which depends on acme:rock 1.0.0, which depends on acme:paper 1.0.0

    hint: a component cannot be inside itself: ask for a release of acme:paper that does not need the others, or tell its author
    ");
    insta::assert_snapshot!(refused(&sandbox, &["add", "acme:paper@^1", "--to", "app"]), @"
    exit: 1
    --- stderr
    error: the dependencies go round in a circle: acme:paper 1.0.0 depends on acme:scissors 1.0.0, which depends on acme:rock 1.0.0, which depends on acme:paper 1.0.0

    hint: a component cannot be inside itself: ask for a release of acme:paper that does not need the others, or tell its author
    ");
}

#[test]
fn of_one_package_are_spelled_out() {
    let sandbox = with_folder();
    put(&sandbox, "self", "1.1.0", &chain("acme:self", "1.1.0", &[("acme:self", "1.0.0")]));
    put(&sandbox, "self", "1.0.0", &chain("acme:self", "1.0.0", &[]));
    sandbox.write_app(&[("acme:self", "1.0.0")], "\"acme:self\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
    exit: 1
    --- stderr
    error: the dependencies go round in a circle: acme:self 1.1.0 depends on itself

    hint: a component cannot be inside itself: ask for another release of acme:self, or tell its author
    ");
}

#[test]
fn of_files_go_through_the_registry() {
    // Two files that import each other: what a file imports comes from the registry, which has neither.
    let sandbox = with_folder();
    sandbox.write("hen.wasm", chain("acme:hen", "1.0.0", &[("acme:egg", "1.0.0")]));
    sandbox.write("egg.wasm", chain("acme:egg", "1.0.0", &[("acme:hen", "1.0.0")]));
    sandbox.write_app(
        &[("acme:hen", "1.0.0"), ("acme:egg", "1.0.0")],
        "\"acme:hen\" = { path = \"hen.wasm\" }\n\"acme:egg\" = { path = \"egg.wasm\" }",
        "",
    );
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because the file egg.wasm of component `app` depends on acme:hen ^1.0.0 and acme:hen is not in the registry wasm.example, your requirements cannot all be met
        ╭─[spin.toml:20:14]
     19 │ "acme:hen" = { path = "hen.wasm" }
     20 │ "acme:egg" = { path = "egg.wasm" }
        ·              ──────────┬──────────
        ·                        ╰── asked for here
        ╰────

    hint: check the spelling of acme:hen; `spin-deps search hen` shows what there is
    "#);
}

#[test]
fn of_middleware_are_spelled_out() {
    let sandbox = with_folder();
    let wrap = relay("wasi:http", "0.3.0", "handler", "handle", "m").expect("a fixture");
    put(&sandbox, "wrap", "1.0.0", &with_table(&wrap, &[("acme:wrap", "^1")]));
    sandbox.write("app.wasm", spin_deps_fixtures::http::p3_app(&[]));
    let layer =
        "component = \"app\"\ndependencies.middleware = [{ package = \"acme:wrap\", version = \"^1\" }]\n";
    sandbox.write("spin.toml", manifest("", "").replacen("component = \"app\"\n", layer, 1));
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
    exit: 1
    --- stderr
    error: the dependencies go round in a circle: acme:wrap 1.0.0 depends on itself

    hint: a component cannot be inside itself: ask for another release of acme:wrap, or tell its author
    ");
}

#[test]
fn are_none_when_a_file_wraps_the_release_of_its_name() {
    let sandbox = with_folder();
    sandbox.publish(&chain("acme:hash", "1.0.0", &[]));
    sandbox.write("hash.wasm", relay("acme:hash", "1.0.0", "api", "call", "wrapped").expect("a fixture"));
    sandbox.write_app(
        &[("acme:hash", "1.0.0")],
        "\"acme:hash\" = { path = \"hash.wasm\" }",
        "wrapped(acme:hash@1.0.0(/x))",
    );
    sandbox.run(&["verify"]).done();
}

#[test]
fn are_none_when_another_major_is_meant() {
    let sandbox = with_folder();
    sandbox.publish(&chain("acme:hash", "1.0.0", &[]));
    sandbox.publish(&chain("acme:hash", "2.0.0", &[("acme:hash", "1.0.0")]));
    let answer = "acme:hash@2.0.0(acme:hash@1.0.0(/x))";
    sandbox.write_app(&[("acme:hash", "2.0.0")], "\"acme:hash\" = \"^2\"", answer);
    sandbox.run(&["verify"]).done();
    insta::assert_snapshot!(sandbox.run(&["tree"]).done().stdout, @"
    demo
    └── component app
        └── acme:hash 2.0.0 wasm.example (^2)
            └── acme:hash 1.0.0 wasm.example (^1.0.0)
    ");
}
