//! Something else where a component is needed: text, a core module, WIT only, another type.

use spin_deps_fixtures::library::{core_module, incompatible, wit_only};

use super::{refused, usual, with_file};
use crate::support::library::{DEPENDENCIES, IMPORTS, base, middle};
use crate::support::oci;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

#[test]
fn but_text_in_a_file() {
    insta::assert_snapshot!(refused(&with_file(b"not yet\n"), &["lock"]), @r#"
    exit: 1
    --- stderr
    error: dependency.wasm: the file is not WebAssembly, it is text
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = { path = "dependency.wasm" }
        ·               ──────────────┬─────────────
        ·                             ╰── a component is needed here
        ╰────

    hint: name the built component, a file that usually ends in `.wasm`
    "#);
}

#[test]
fn but_a_core_module_in_a_file() {
    let module = core_module().expect("a fixture");
    insta::assert_snapshot!(refused(&with_file(&module), &["lock"]), @r#"
    exit: 1
    --- stderr
    error: dependency.wasm is a core module, but a component is needed
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = { path = "dependency.wasm" }
        ·               ──────────────┬─────────────
        ·                             ╰── a component is needed here
        ╰────

    hint: make a component of it first, with `spin-deps componentize`
    "#);
}

#[test]
fn but_half_of_one_in_a_file() {
    let mut half = base("1.0.0");
    half.truncate(half.len() / 2);
    insta::assert_snapshot!(refused(&with_file(&half), &["lock"]), @r#"
    exit: 1
    --- stderr
    error: dependency.wasm: the file is not valid WebAssembly: unexpected end-of-file at byte 528
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = { path = "dependency.wasm" }
        ·               ──────────────┬─────────────
        ·                             ╰── a component is needed here
        ╰────

    hint: the file may be cut short: build or fetch it again
    "#);
}

#[test]
fn and_no_file_either() {
    let sandbox = with_file(b"");
    fs_err::remove_file(sandbox.project().join("dependency.wasm")).expect("the dependency");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: the file dependency.wasm does not exist
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = { path = "dependency.wasm" }
        ·               ──────────────┬─────────────
        ·                             ╰── its imports tell what it needs
        ╰────

    hint: build it first, or correct the path, which is relative to spin.toml
    "#);
}

#[test]
fn but_text_as_the_app_itself() {
    let (_registry, sandbox) = usual();
    sandbox.run(&["lock"]).done();
    sandbox.write("app.wasm", "not yet\n");
    insta::assert_snapshot!(refused(&sandbox, &["verify"]), @r#"
    exit: 1
    --- stderr
    error: app.wasm, the source of component `app`: the file is not WebAssembly, it is text
        ╭─[spin.toml:16:10]
     15 │ [component.app]
     16 │ source = "app.wasm"
        ·          ─────┬────
        ·               ╰── named here
     17 │
        ╰────

    hint: name the built component, a file that usually ends in `.wasm`
    "#);
}

#[test]
fn but_text_in_the_registry() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    oci::push(&registry, "acme/base", "1.0.0", b"not yet\n", &[], &["acme:base/api@1.0.0"]);
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:base ^1 and acme:base 1.0.0 is not a component (the file is not WebAssembly, it is text), your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "^1"
        ·               ──┬─
        ·                 ╰── asked for here
        ╰────

    hint: change the requirement of component `app` on acme:base ^1
    "#);
}

/// What one release of a package holds is not what an app that has others should fail for.
#[test]
fn but_text_in_the_newest_release() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    oci::push(&registry, "acme/base", "1.0.0", &base("1.0.0"), &[], &["acme:base/api@1.0.0"]);
    let imports = ["acme:other/api@1.0.0"];
    oci::push(&registry, "acme/base", "1.1.0", b"not yet\n", &imports, &["acme:base/api@1.1.0"]);
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["lock"]).done()), @"
    exit: 0
    --- stdout
    Locked 1 package in spin-deps.lock
      add acme:base 1.0.0
    ");
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1.1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:base ^1.1
      and acme:base 1.1.0 cannot be used (the file is not WebAssembly, it is text)
      and no other version of acme:base matches ^1.1 (available: 1.1.0 (not usable), 1.0.0),
    your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "^1.1"
        ·               ───┬──
        ·                  ╰── asked for here
        ╰────

    hint: run `spin-deps add acme:base@^1.0.0 --to app` to ask for acme:base ^1.0.0 in component `app`
    "#);
}

#[test]
fn but_a_core_module_to_publish() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    let file = sandbox.artifact(&core_module().expect("a fixture"));
    insta::assert_snapshot!(refused(&sandbox, &["publish", &file, "--package", "acme:base@1.0.0"]), @"
    exit: 1
    --- stderr
    error: [DIR]/artifacts/sha256-[DIGEST-1].wasm is a core module, but a component is needed

    hint: make a component of it first, with `spin-deps componentize`
    ");
}

#[test]
fn but_wit_only_in_the_registry() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&wit_only("acme:base", "1.0.0").expect("a fixture"));
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:base ^1 and acme:base 1.0.0 holds only WIT, no implementation, your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "^1"
        ·               ──┬─
        ·                 ╰── asked for here
        ╰────

    hint: depend on a package that implements the interfaces of acme:base; a dependency that is named after an interface says which with `package = "namespace:name"`
    "#);
}

#[test]
fn but_wit_only_for_what_a_dependency_needs() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&wit_only("acme:base", "1.0.0").expect("a fixture"));
    sandbox.publish(&middle("1.0.0"));
    sandbox.write_app(IMPORTS, DEPENDENCIES, "");
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:middle ^1
      and acme:middle 1.0.0 depends on acme:base ^1.0.0
      and acme:base 1.0.0 holds only WIT, no implementation,
    your requirement cannot be met
        ╭─[spin.toml:19:17]
     18 │ [component.app.dependencies]
     19 │ "acme:middle" = "^1"
        ·                 ──┬─
        ·                   ╰── asked for here
        ╰────

    hint: put a package that implements its interfaces in its place, in spin.toml: [application.tool.deps.overrides] "acme:base" = { package = "namespace:name", version = "^1" }
    "#);
}

#[test]
fn of_the_right_type() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&incompatible("acme:base", "1.0.0").expect("a fixture"));
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:base ^1
      and acme:base 1.0.0 does not fit component `app`: in `acme:base/api@1.0.0` the function `call` differs
            component `app` imports  call: func(input: string) -> string
            acme:base exports        call: func(input: u32) -> u32
    your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "^1"
        ·               ──┬─
        ·                 ╰── asked for here
        ╰────

    hint: change the requirement of component `app` on acme:base ^1
    "#);
}
