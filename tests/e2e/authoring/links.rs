//! `link` to the folder of a component: what its build leaves, and a build whenever its sources changed.

use spin_deps_fixtures::library::{Library, chain};

use super::{builds, write_component};
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, publish_all};
use crate::support::world::Sandbox;

/// What exports the interface of `acme:base` 1.0.0 and answers with `prefix`.
fn answering(prefix: &str) -> Vec<u8> {
    let library = Library {
        package: "acme:base",
        version: "1.0.0",
        interface: "api",
        function: "call",
        imports: Vec::new(),
        prefix,
    };
    library.build().expect("the fixture is a valid component")
}

/// An app that depends on `acme:middle` and so on `acme:base`, locked, with `acme:base` under development beside it.
fn developing() -> Sandbox {
    let sandbox = Sandbox::with_project("code/app");
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["verify"]).done();
    write_component(&sandbox, "../base", "acme:base", "1.3.0", &answering("one"), "");
    sandbox
}

/// Lets the app be asked for another answer.
fn expect(sandbox: &Sandbox, from: &str, to: &str) {
    sandbox.write("spin.toml", sandbox.read("spin.toml").replace(from, to));
}

#[test]
fn a_linked_component_is_built_when_its_sources_changed() {
    let sandbox = developing();
    expect(&sandbox, ANSWER, "acme:middle@1.0.0(one(/x))");
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["link", "../base", "--quiet"]).done()), @"
    exit: 0
    --- stdout
    Linked acme:base to ../base/built.wasm (in place of acme:base 1.1.0)
    Locked 1 package in spin-deps.lock
      override acme:base by ../base/built.wasm
      remove acme:base 1.1.0
    Wrote spin-dependencies.wit
    ");
    assert_eq!(builds(&sandbox), ["acme:base"]);
    sandbox.run(&["verify"]).done();
    sandbox.run(&["sync"]).done();
    assert!(builds(&sandbox).is_empty(), "nothing changed");
    // A file that is touched and has not changed, or that tools leave there, is none of the sources.
    sandbox.write("../base/input.wasm", answering("one"));
    sandbox.write("../base/target/debug/x", "x");
    sandbox.run(&["verify"]).done();
    assert!(builds(&sandbox).is_empty());

    sandbox.write("../base/input.wasm", answering("two"));
    sandbox.run(&["verify", "--no-build"]).done();
    expect(&sandbox, "(one(", "(two(");
    let verified = sandbox.run(&["verify", "--quiet", "--offline", "--format", "json"]).done().json();
    assert_eq!(verified["sync"]["built"].as_array().map(Vec::len), Some(1));
    assert_eq!(builds(&sandbox), ["acme:base"]);
    // What somebody else put in its place is not what was built.
    sandbox.write("../base/built.wasm", answering("three"));
    sandbox.run(&["compose", "app", "-o", "composed.wasm"]).done();
    assert_eq!(builds(&sandbox), ["acme:base"]);
    // A cache that was emptied has forgotten it.
    sandbox.run(&["cache", "clean"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["sync", "--quiet"]).done()), @"
    exit: 0
    --- stdout
    Locked 1 package in spin-deps.lock, up to date
    Checked 1 package against its digest
    Built [DIR]/code/base/built.wasm
    ");
    assert_eq!(builds(&sandbox), ["acme:base"]);

    sandbox.run(&["unlink"]).done();
    expect(&sandbox, "acme:middle@1.0.0(two(/x))", ANSWER);
    sandbox.run(&["verify", "--locked"]).done();
    assert!(builds(&sandbox).is_empty());
}

#[test]
fn what_is_watched_decides() {
    let sandbox = developing();
    sandbox.run(&["link", "../base"]).done();
    let manifest = sandbox.read("../base/component.toml");
    sandbox.write("../base/component.toml", manifest + "watch = [\"*.wasm\"]\n");
    sandbox.run(&["sync"]).done();
    builds(&sandbox);
    sandbox.write("../base/notes.txt", "not watched");
    sandbox.run(&["sync"]).done();
    assert!(builds(&sandbox).is_empty());
    sandbox.write("../base/input.wasm", answering("two"));
    sandbox.run(&["sync"]).done();
    assert_eq!(builds(&sandbox), ["acme:base"]);
}

#[test]
fn a_build_that_fails_is_shown_and_changes_nothing() {
    let sandbox = developing();
    let broken = sandbox.read("../base/component.toml").replace("cp input.wasm", "cp nothing.wasm");
    let good = sandbox.read("../base/component.toml");
    sandbox.write("../base/component.toml", &broken);
    let before = sandbox.files();
    let failed = sandbox.run(&["link", "../base", "--quiet"]).failed();
    assert!(failed.stderr.contains("nothing.wasm"), "{}", failed.stderr);
    assert!(sandbox.files() == before, "nothing is written");
    sandbox.write("../base/component.toml", &good);
    sandbox.run(&["link", "../base"]).done();
    sandbox.write("../base/component.toml", &broken);
    let before = sandbox.files();
    for command in [&["sync"][..], &["verify"], &["compose", "app", "-o", "x.wasm"]] {
        let failed = sandbox.run(command).failed();
        assert!(failed.stderr.contains("nothing.wasm"), "{}", failed.stderr);
        assert!(sandbox.files() == before, "nothing is written");
    }
}

#[test]
fn what_is_locked_has_no_links() {
    let sandbox = developing();
    sandbox.run(&["link", "../base"]).done();
    builds(&sandbox);
    let mut shown = Vec::new();
    for command in [&["verify", "--locked"][..], &["sync", "--frozen"]] {
        shown.push(sandbox.snapshot(&sandbox.run(command).failed()));
    }
    insta::assert_snapshot!(shown.join("\n"), @r#"
    exit: 1
    --- stdout
    ✗ lock          acme:base is linked to ../base/built.wasm, and `--locked` forbids that  [TIME]
    Failed demo at lock
    --- stderr
    error: acme:base is linked to ../base/built.wasm, and `--locked` forbids that
        ╭─[spin.toml:12:15]
     11 │ [application.tool.deps.overrides]
     12 │ "acme:base" = { path = "../base/built.wasm" }
        ·               ───────────────┬───────────────
        ·                              ╰── a file in place of the package
     13 │
        ╰────

    hint: run `spin-deps unlink acme:base` and commit the result

    exit: 1
    --- stderr
    error: acme:base is linked to ../base/built.wasm, and `--frozen` forbids that
        ╭─[spin.toml:12:15]
     11 │ [application.tool.deps.overrides]
     12 │ "acme:base" = { path = "../base/built.wasm" }
        ·               ───────────────┬───────────────
        ·                              ╰── a file in place of the package
     13 │
        ╰────

    hint: run `spin-deps unlink acme:base` and commit the result
    "#);
    assert!(builds(&sandbox).is_empty());
    // That the lock fits is another question.
    sandbox.run(&["lock", "--check"]).done();
}

#[test]
fn what_is_linked_has_dependencies_of_its_own() {
    let sandbox = developing();
    sandbox.publish(&chain("acme:deep", "1.0.0", &[]));
    let deep = "\n[dependencies]\n\"acme:deep\" = \"^1\"\n";
    write_component(
        &sandbox,
        "../middle",
        "acme:middle",
        "1.4.0",
        &chain("acme:middle", "1.0.0", &[("acme:deep", "1.0.0")]),
        deep,
    );
    sandbox.run(&["link", "../middle"]).done();
    expect(&sandbox, ANSWER, "acme:middle@1.0.0(acme:deep@1.0.0(/x))");
    sandbox.run(&["verify"]).done();
    assert!(
        sandbox.read("../middle/spin-deps.lock").contains("acme:deep"),
        "its own lock is kept up to date"
    );
    let virtual_root = "component_manifest_version = 1\n[workspace]\nmembers = [\"*\"]\n";
    sandbox.write("../component.toml", virtual_root);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["link", ".."]).failed()), @"
    exit: 1
    --- stderr
    error: [DIR]/code has no component of its own

    hint: link the folder of one of its members
    ");
}
