//! Without a terminal: every question has an option, and what is missing is told with the choices.

use super::{MANIFEST, SMALL_MANIFEST, added, project, small_project};
use crate::support::library::{function, two_interfaces, two_versions};
use spin_deps_fixtures::odd::with_section;

#[test]
fn what_is_missing_is_told_with_the_choices() {
    let sandbox = project();
    sandbox.write("two.wasm", two_versions("acme:two", ["1.0.0", "2.0.0"]));
    sandbox.run(&["add", "acme:base", "--to", "api", "--to", "web"]).done();
    sandbox.run(&["add", "./first.wasm", "--route", "/...", "--route", "/api/..."]).done();
    let before = sandbox.files();
    let texts: Vec<_> = [
        ["add", "acme:kit"].as_slice(),
        &["add", "./second.wasm"],
        &["add", "./two.wasm", "--to", "api"],
        &["add", "./kit.wasm", "--to", "api", "--rename", "sum"],
        &["remove", "acme:base"],
        &["remove", "./first.wasm"],
    ]
    .into_iter()
    .map(|arguments| {
        let run = sandbox.run(arguments).misused();
        assert!(sandbox.files() == before, "{arguments:?} changed a file");
        format!("$ {}\n{}", arguments.join(" "), sandbox.snapshot(&run))
    })
    .collect();
    insta::assert_snapshot!(texts.join("\n"), @"
    $ add acme:kit
    exit: 2
    --- stderr
    error: the app has several components

    hint: name the one that gets the dependency with `--to`: `api`, `web`

    $ add ./second.wasm
    exit: 2
    --- stderr
    error: ./second.wasm is middleware: it imports and exports wasi:http/handler

    hint: name the route that it is for with `--route`: `/api/...`, `/...`

    $ add ./two.wasm --to api
    exit: 2
    --- stderr
    error: ./two.wasm has several exports, and which is wanted is not clear

    hint: name what the component imports with `--import`, once for each: `acme:two/api@1.0.0`, `acme:two/api@2.0.0`

    $ add ./kit.wasm --to api --rename sum
    exit: 2
    --- stderr
    error: ./kit.wasm has several exports

    hint: name the one that is `sum` with `--export`: `acme:kit/one@1.0.0`, `acme:kit/two@1.0.0`

    $ remove acme:base
    exit: 2
    --- stderr
    error: several components have a dependency `acme:base`

    hint: name one with `--to`: `api`, `web`

    $ remove ./first.wasm
    exit: 2
    --- stderr
    error: `./first.wasm` stands in several places

    hint: say which one is meant: `--route /api/...`, `--route /...`
    ");
}

#[test]
fn several_components_and_routes_get_it_at_once() {
    let sandbox = project();
    sandbox.run(&["add", "acme:env", "--to", "api", "--to", "web", "--inherit", "all"]).done();
    sandbox.run(&["add", "./second.wasm", "--route", "/...", "--route", "/api/..."]).done();
    let run = sandbox
        .run(&["add", "./first.wasm", "--route", "/...", "--route", "/api/...", "--before", "./second.wasm"])
        .done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Added middleware './first.wasm' to the trigger for route '/...'
    Added middleware './first.wasm' to the trigger for route '/api/...'
    Locked 1 package in spin-deps.lock, up to date
    --- stderr
    warning: component `web` has no `environment` itself, so there is nothing for `acme:env` to inherit yet
    ");
    sandbox.run(&["add", "./third.wasm", "--route", "/...", "--after", "./first.wasm"]).done();
    insta::assert_snapshot!(added(&sandbox, MANIFEST), @r#"
    dependencies.middleware = [{ path = "./first.wasm" }, { path = "./second.wasm" }]
    dependencies.middleware = [{ path = "./first.wasm" }, { path = "./third.wasm" }, { path = "./second.wasm" }]
    [component.api.dependencies]
    "acme:env" = { version = "^1.0.0", inherit_configuration = ["environment"] }
    [component.web.dependencies]
    "acme:env" = { version = "^1.0.0", inherit_configuration = ["environment"] }
    "#);
    // And it is undone at once.
    sandbox.run(&["remove", "./third.wasm"]).done();
    for name in ["./first.wasm", "./second.wasm"] {
        sandbox.run(&["remove", name, "--route", "/...", "--route", "/api/..."]).done();
    }
    let run = sandbox.run(&["remove", "acme:env", "--to", "api", "--to", "web"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Removed acme:env from component 'api'
    Removed acme:env from component 'web'
    Locked 0 packages in spin-deps.lock
      remove acme:env 1.0.0
    Removed spin-dependencies.wit
    ");
    assert_eq!(sandbox.read("spin.toml"), MANIFEST);
}

#[test]
fn an_interface_of_one_version_is_named_with_it() {
    let sandbox = small_project();
    sandbox.write("two.wasm", two_versions("acme:two", ["1.0.0", "2.0.0"]));
    sandbox.run(&["add", "./two.wasm", "--import", "acme:two/api@2.0.0"]).done();
    insta::assert_snapshot!(added(&sandbox, SMALL_MANIFEST), @r#"
    [component.api.dependencies]
    "acme:two/api@2.0.0" = { path = "./two.wasm" }
    "#);
}

#[test]
fn an_export_gets_another_name() {
    let sandbox = small_project();
    sandbox.write("sum.wasm", function("sum"));
    sandbox.run(&["add", "./sum.wasm", "--rename", "checksum"]).done();
    sandbox
        .run(&["add", "acme:kit@^1", "--rename", "acme:tools/first@1.0.0", "--export", "acme:kit/one@1.0.0"])
        .done();
    insta::assert_snapshot!(added(&sandbox, SMALL_MANIFEST), @r#"
    [component.api.dependencies]
    "checksum" = { path = "./sum.wasm", export = "sum" }
    "acme:tools/first@1.0.0" = { version = "^1", package = "acme:kit", export = "acme:kit/one@1.0.0" }
    "#);
    insta::assert_snapshot!(sandbox.read("spin-dependencies.wit"), @"
    // Generated by spin-deps from the dependencies in spin.toml.
    // Changes made here are lost: run `spin-deps sync` to write it again.

    package root:component;

    world root {
      import acme:tools/first@1.0.0;
      import checksum: func(input: u32) -> u32;
    }

    package acme:tools@1.0.0 {
      interface first {
        call: func(input: u32) -> u32;
      }
    }
    ");
}

#[test]
fn a_component_of_the_app_is_not_offered_to_itself() {
    let sandbox = small_project();
    sandbox.write("spin.toml", SMALL_MANIFEST.to_owned() + "\n[component.kit]\nsource = \"kit.wasm\"\n");
    let run = sandbox.run(&["add", "kit"]).done();
    assert!(run.stdout.starts_with("Added acme:kit to component 'api' (component `kit`)"), "{}", run.stdout);
}

#[test]
fn what_to_do_next_is_said_where_there_is_something_to_do() {
    let sandbox = project();
    let run = sandbox.run(&["add", "acme:base", "--to", "api"]).done();
    assert!(run.stderr.contains("Run `spin build`"), "{}", run.stderr);
    let run = sandbox.run(&["add", "acme:base", "--to", "web"]).done();
    assert_eq!(run.stderr, "");
}

#[test]
fn what_a_dependency_asks_for_and_the_app_does_not_have_is_told() {
    let sandbox = small_project();
    let requires = br#"{"format_version":1,"key_value_stores":["cache"],"environment":["MODE","LEVEL"]}"#;
    sandbox.write("kit.wasm", with_section(&two_interfaces("acme:kit", "1.0.0"), "spin:requires", requires));
    let run = sandbox.run(&["add", "./kit.wasm"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @r#"
    exit: 0
    --- stdout
    Added acme:kit to component 'api' (./kit.wasm)
    Locked nothing: the app needs no packages
    Wrote spin-dependencies.wit
    --- stderr
    warning: ./kit.wasm requires the environment variables `MODE`, `LEVEL`, which component `api` does not pass on, and `LEVEL` it does not have
    warning: ./kit.wasm requires the key-value store `cache`, which component `api` neither has nor passes on
    warning: `verify` will fail: write `LEVEL = "…"` in [component.api.environment]
    warning: `verify` will fail: write `key_value_stores = ["cache"]` in [component.api]
    warning: `verify` will fail: write `inherit_configuration = ["environment", "key_value_stores"]` in the entry "acme:kit" of [component.api.dependencies]
    "#);
}

#[test]
fn where_the_bindings_are_is_said() {
    let sandbox = small_project();
    sandbox
        .write("spin.toml", SMALL_MANIFEST.to_owned() + "\n[component.api.tool.deps]\nbindings = \"rust\"\n");
    let run = sandbox.run(&["add", "./kit.wasm"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Added acme:kit to component 'api' (./kit.wasm)
    Locked nothing: the app needs no packages
    Wrote spin-dependencies.wit
    Wrote src/spin_dependencies.rs
    --- stderr
    The bindings of `api` are in src/spin_dependencies.rs.
    ");
}
