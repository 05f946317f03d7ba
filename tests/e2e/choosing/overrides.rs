//! Overrides in spin.toml, and `link` and `unlink` on top of them: one thing in place of a package, everywhere.

use spin_deps_fixtures::http::p2_app;
use spin_deps_fixtures::library::{Import, Library, chain};

use crate::support::library::{ANSWER, BASE, DEPENDENCIES, IMPORTS, base, publish_all};
use crate::support::world::{Sandbox, manifest};

/// What exports the interface of `acme:base` 1.x and answers with `prefix`. It calls the `api` of `imports`.
fn stand_in(prefix: &str, imports: &[(&str, &str)]) -> Vec<u8> {
    let import = |&(package, version)| Import { package, version, interface: "api", function: "call" };
    let library = Library {
        package: "acme:base",
        version: "1.0.0",
        interface: "api",
        function: "call",
        imports: imports.iter().map(import).collect(),
        prefix,
    };
    library.build().expect("the fixture is a valid component")
}

/// An app that depends on `acme:middle`, which depends on `acme:base`, and a folder with releases of both, locked.
fn locked() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["verify"]).done();
    sandbox
}

/// Writes the manifest anew with these overrides, and what the app has to answer.
fn overridden(sandbox: &Sandbox, overrides: &str, answer: &str) {
    let table = format!("[application.tool.deps.overrides]\n{overrides}\n");
    sandbox.write("spin.toml", manifest(DEPENDENCIES, answer) + "\n" + &table);
}

#[test]
fn a_file_takes_the_place_of_a_package_that_a_release_needs() {
    let sandbox = locked();
    sandbox.publish(&chain("acme:deep", "1.0.0", &[]));
    sandbox.write("dev/base.wasm", stand_in("dev", &[("acme:deep", "1.0.0")]));
    overridden(
        &sandbox,
        "\"acme:base\" = { path = \"dev/base.wasm\" }",
        "acme:middle@1.0.0(dev(acme:deep@1.0.0(/x)))",
    );
    let compose = ["compose", "app", "-o", "composed.wasm"];
    let locked = [&compose[..], &["--locked"]].concat();
    let frozen = [&compose[..], &["--frozen"]].concat();
    let shown = [&["lock", "--check"][..], &locked, &frozen].map(|arguments| {
        let run = sandbox.run(arguments).failed();
        sandbox.snapshot(&run)
    });
    insta::assert_snapshot!(shown[0], @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--check` forbids to change it:
      - acme:base is overridden by dev/base.wasm, which is not locked
      - the file dev/base.wasm in place of acme:base asks for acme:deep ^1.0.0, which is not locked

    hint: run `spin-deps lock` without `--check` and commit spin-deps.lock
    ");
    assert!(shown[1].contains("acme:base is overridden by dev/base.wasm"), "{}", shown[1]);
    assert!(shown[2].contains("acme:base is overridden by dev/base.wasm"), "{}", shown[2]);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["lock"]).done()), @"
    exit: 0
    --- stdout
    Locked 2 packages in spin-deps.lock
      override acme:base by dev/base.wasm
      remove acme:base 1.1.0
      add acme:deep 1.0.0
    ");
    let lock = sandbox.read("spin-deps.lock");
    insta::assert_snapshot!(sandbox.snapshot_line(&lock), @r#"
    # Written by spin-deps. Commit this file and do not edit it.
    # After a merge conflict, run `spin-deps lock`.
    version = 1

    [[override]]
    name = "acme:base"
    path = "dev/base.wasm"
    replaces = ["1.1.0"]

    [[package]]
    name = "acme:deep"
    version = "1.0.0"
    registry = "wasm.example"
    digest = "sha256:[DIGEST-1]"
    size = 1214
    capabilities = []
    dependencies = []

    [[package]]
    name = "acme:middle"
    version = "1.0.0"
    registry = "wasm.example"
    digest = "sha256:[DIGEST-2]"
    size = 1968
    capabilities = []
    dependencies = []
    overridden = [
        { package = "acme:base", req = "^1.0.0" },
    ]
    "#);
    sandbox.run(&["verify"]).done();
    sandbox.run(&["lock", "--check"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["tree"]).done()), @"
    exit: 0
    --- stdout
    demo
    └── component app
        └── acme:middle 1.0.0 wasm.example (^1)
            └── dev/base.wasm (^1.0.0; as acme:base; override)
                └── acme:deep 1.0.0 wasm.example (^1.0.0)
    ");
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["why", "acme:deep"]).done()), @"
    exit: 0
    --- stdout
    acme:deep 1.0.0 wasm.example
      demo → component app → acme:middle 1.0.0 (^1) → dev/base.wasm (^1.0.0; as acme:base; override) → acme:deep 1.0.0 (^1.0.0)
      held below 2.0.0 by dev/base.wasm (^1.0.0)
    ");
    // The file is not locked: it may change, and the lock still fits.
    sandbox.write("dev/base.wasm", stand_in("newer", &[("acme:deep", "1.0.0")]));
    sandbox.run(&["lock", "--check"]).done();
    // What it needs is.
    sandbox.write("dev/base.wasm", stand_in("newest", &[("acme:middle", "1.0.0"), ("acme:other", "1.0.0")]));
    let refused = sandbox.run(&["lock", "--check"]).failed();
    assert!(refused.stderr.contains("asks for acme:other ^1.0.0"), "{}", refused.stderr);

    sandbox.write("spin.toml", manifest(DEPENDENCIES, ANSWER));
    let refused = sandbox.run(&["lock", "--check"]).failed();
    assert!(
        refused.stderr.contains("acme:base is locked as overridden, and no longer is"),
        "{}",
        refused.stderr
    );
    sandbox.run(&["verify"]).done();
}

#[test]
fn a_version_takes_the_place_of_everybodys_requirement() {
    let sandbox = locked();
    let answer = "acme:middle@1.0.0(acme:base@1.0.0(/x))";
    for entry in ["\"=1.0.0\"", "{ version = \"=1.0.0\", registry = \"wasm.example\" }"] {
        overridden(&sandbox, &format!("\"acme:base\" = {entry}"), answer);
        sandbox.run(&["verify"]).done();
        sandbox.run(&["verify", "--locked"]).done();
    }
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["tree"]).done()), @"
    exit: 0
    --- stdout
    demo
    └── component app
        └── acme:middle 1.0.0 wasm.example (^1)
            └── acme:base 1.0.0 wasm.example (^1.0.0; override)
    ");
    // Also where it is an entry of the manifest.
    overridden(&sandbox, "\"acme:middle\" = \"=1.0.0\"", answer);
    sandbox.write("spin.toml", sandbox.read("spin.toml").replace(DEPENDENCIES, "\"acme:middle\" = \"^7\""));
    sandbox.run(&["verify"]).done();
}

#[test]
fn another_package_takes_the_place_of_one() {
    let sandbox = locked();
    let other = sandbox.artifact(&stand_in("other", &[]));
    sandbox.run(&["publish", &other, "--package", "acme:other@2.1.0"]).done();
    overridden(
        &sandbox,
        "\"acme:base\" = { package = \"acme:other\", version = \"^2\" }",
        "acme:middle@1.0.0(other(/x))",
    );
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["lock"]).done()), @"
    exit: 0
    --- stdout
    Locked 2 packages in spin-deps.lock
      override acme:base by acme:other ^2
      remove acme:base 1.1.0
      add acme:other 2.1.0
    ");
    sandbox.run(&["verify", "--locked"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["tree"]).done()), @"
    exit: 0
    --- stdout
    demo
    └── component app
        └── acme:middle 1.0.0 wasm.example (^1)
            └── acme:other 2.1.0 wasm.example (^1.0.0; as acme:base; override)
    ");
    // One after the other: in the end it is a file.
    sandbox.write("dev.wasm", stand_in("dev", &[]));
    let both = "\"acme:base\" = { package = \"acme:other\", version = \"^2\" }\n\"acme:other\" = { path = \"dev.wasm\" }";
    overridden(&sandbox, both, "acme:middle@1.0.0(dev(/x))");
    sandbox.run(&["verify"]).done();
}

#[test]
fn it_holds_for_entries_urls_files_and_components() {
    let sandbox = locked();
    sandbox.write("dev.wasm", stand_in("dev", &[]));
    sandbox.write("middle.wasm", chain("acme:middle", "1.0.0", &[("acme:base", "1.0.0")]));
    let override_ = "\n[application.tool.deps.overrides]\n\"acme:base\" = { path = \"dev.wasm\" }\n";
    sandbox.write(
        "spin.toml",
        manifest("\"acme:middle\" = { path = \"middle.wasm\" }", "acme:middle@1.0.0(dev(/x))") + override_,
    );
    sandbox.run(&["verify"]).done();
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "dev(/x)");
    sandbox.write("spin.toml", sandbox.read("spin.toml") + override_);
    sandbox.run(&["sync"]).done();
    sandbox.run(&["verify"]).done();
    sandbox.run(&["lock", "--check"]).done();
    assert!(sandbox.read("spin-dependencies.wit").contains("acme:base"), "the WIT is that of the file");

    sandbox.run(&["publish", &sandbox.artifact(&p2_app(IMPORTS)), "--package", "acme:app@1.0.0"]).done();
    let source = "source = { package = \"acme:app\", version = \"1.0.0\", registry = \"wasm.example\" }";
    let of_registry = |answer: &str, more: &str| {
        let manifest = manifest("", answer).replace("source = \"app.wasm\"", source) + "\n";
        sandbox.write("spin.toml", manifest + more);
        sandbox.run(&["verify"]).done();
    };
    of_registry(ANSWER, "");
    of_registry("acme:middle@1.0.0(dev(/x))", override_);
    sandbox.write("own.wasm", p2_app(&[("acme:base", "1.0.0")]));
    of_registry(
        "acme:base@1.1.0(/x)",
        "[application.tool.deps.overrides]\n\"acme:app\" = { path = \"own.wasm\" }\n",
    );
}

#[test]
fn a_dependency_on_an_overridden_package_can_be_added() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    for version in BASE {
        sandbox.publish(&base(version));
    }
    sandbox.write_app(&[("acme:base", "1.0.0")], "", "dev(/x)");
    sandbox.write("dev.wasm", stand_in("dev", &[]));
    let table = "\n[application.tool.deps.overrides]\n\"acme:base\" = { path = \"dev.wasm\" }\n";
    sandbox.write("spin.toml", sandbox.read("spin.toml") + table);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["add", "acme:base@^1"]).done()), @"
    exit: 0
    --- stdout
    Added acme:base to component 'app' (dev.wasm)
    Locked 0 packages in spin-deps.lock
      override acme:base by dev.wasm
    Wrote spin-dependencies.wit
    ");
    sandbox.run(&["verify"]).done();
    sandbox.run(&["lock", "--check"]).done();
    sandbox.run(&["remove", "acme:base"]).done();
}

#[test]
fn what_is_wrong_with_an_override_is_shown_where_it_stands() {
    let sandbox = locked();
    let mut shown = Vec::new();
    let mut refused = |overrides: &str, arguments: &[&str]| {
        overridden(&sandbox, overrides, ANSWER);
        let before = sandbox.files();
        let run = sandbox.run(arguments).failed();
        assert!(sandbox.files() == before, "nothing is written");
        shown.push(sandbox.snapshot(&run));
    };
    refused("\"acme:base\" = { path = \"nowhere.wasm\" }", &["lock"]);
    refused("\"acme:base\" = { path = \"spin.toml\" }", &["lock"]);
    refused("\"acme:base\" = {}", &["lock"]);
    refused("\"acme:base\" = \"=9.0.0\"", &["lock"]);
    refused("\"acme:base\" = { package = \"acme:none\", version = \"*\" }", &["lock"]);
    insta::assert_snapshot!(shown.join("\n"), @r#"
    exit: 1
    --- stderr
    error: the file nowhere.wasm does not exist
        ╭─[spin.toml:22:15]
     21 │ [application.tool.deps.overrides]
     22 │ "acme:base" = { path = "nowhere.wasm" }
        ·               ────────────┬────────────
        ·                           ╰── its imports tell what it needs
        ╰────

    hint: build it first, or correct the path, which is relative to spin.toml

    exit: 1
    --- stderr
    error: spin.toml: the file is not WebAssembly, it is text
        ╭─[spin.toml:22:15]
     21 │ [application.tool.deps.overrides]
     22 │ "acme:base" = { path = "spin.toml" }
        ·               ───────────┬──────────
        ·                          ╰── a component is needed here
        ╰────

    hint: name the built component, a file that usually ends in `.wasm`

    exit: 1
    --- stderr
    error: the override of `acme:base` has no source
        ╭─[spin.toml:22:15]
     21 │ [application.tool.deps.overrides]
     22 │ "acme:base" = {}
        ·               ─┬
        ·                ╰── nothing takes its place
        ╰────

    hint: write `path`, or `version` with `package` where it is another one

    exit: 1
    --- stderr
    error: because component `app` depends on acme:middle ^1
      and acme:middle 1.0.0 depends on acme:base =9.0.0
      and no version of acme:base matches =9.0.0 (available: 2.0.0, 1.2.0-rc.1, 1.1.0, 1.0.0),
    your requirement cannot be met
        ╭─[spin.toml:22:15]
     21 │ [application.tool.deps.overrides]
     22 │ "acme:base" = "=9.0.0"
        ·               ────┬───
        ·                   ╰── asked for here, in place of what others ask for
        ╰────

    hint: change or remove the override of acme:base

    exit: 1
    --- stderr
    error: because component `app` depends on acme:middle ^1
      and acme:middle 1.0.0 depends on acme:none *
      and acme:none is not in the registry wasm.example,
    your requirement cannot be met
        ╭─[spin.toml:22:15]
     21 │ [application.tool.deps.overrides]
     22 │ "acme:base" = { package = "acme:none", version = "*" }
        ·               ────────────────────┬───────────────────
        ·                                   ╰── asked for here, in place of what others ask for
        ╰────

    hint: change or remove the override of acme:base
    "#);
}

#[test]
fn an_override_that_does_not_fit_by_its_types_is_explained() {
    let sandbox = locked();
    overridden(&sandbox, "\"acme:base\" = \"=2.0.0\"", ANSWER);
    let refused = sandbox.run(&["verify"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @r#"
    exit: 1
    --- stdout
    ✗ lock          because component `app` depends on acme:middle ^1  [TIME]
    Failed demo at lock
    --- stderr
    error: because component `app` depends on acme:middle ^1
      and acme:middle 1.0.0 depends on acme:base =2.0.0
      and acme:base 2.0.0 does not fit acme:middle 1.0.0: `acme:base/api@1.0.0` is not among the exports
      and no other version of acme:base matches =2.0.0 (available: 2.0.0 (does not fit), 1.2.0-rc.1, 1.1.0, 1.0.0),
    your requirement cannot be met
        ╭─[spin.toml:22:15]
     21 │ [application.tool.deps.overrides]
     22 │ "acme:base" = "=2.0.0"
        ·               ────┬───
        ·                   ╰── asked for here, in place of what others ask for
        ╰────

    hint: change or remove the override of acme:base
    "#);
}

#[test]
fn an_override_of_what_nothing_needs_is_a_warning() {
    let sandbox = locked();
    overridden(&sandbox, "\"acme:bse\" = \"=1.0.0\"", ANSWER);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["lock"]).done()), @"
    exit: 0
    --- stdout
    Locked 2 packages in spin-deps.lock
      override acme:bse by acme:bse =1.0.0
    --- stderr
    warning: nothing in the app needs acme:bse, so its override has no effect
    ");
    let again = sandbox.run(&["sync", "--locked"]).done();
    assert!(again.stderr.contains("nothing in the app needs acme:bse"), "{}", again.stderr);
}

#[test]
fn a_link_is_made_and_undone() {
    let sandbox = locked();
    let manifest = sandbox.read("spin.toml");
    let lock = sandbox.read("spin-deps.lock");
    sandbox.write("spin.toml", manifest.replace(ANSWER, "acme:middle@1.0.0(dev(/x))"));
    let before = sandbox.read("spin.toml");
    sandbox.write("dev/base.wasm", stand_in("dev", &[]));
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["link", "dev"]).done()), @"
    exit: 0
    --- stdout
    Linked acme:base to ./dev/base.wasm (in place of acme:base 1.1.0)
    Locked 1 package in spin-deps.lock
      override acme:base by ./dev/base.wasm
      remove acme:base 1.1.0
    Wrote spin-dependencies.wit
    ");
    let table = "\n[application.tool.deps.overrides]\n\"acme:base\" = { path = \"./dev/base.wasm\" }\n";
    assert_eq!(sandbox.read("spin.toml").replacen(table, "", 1), before, "that is all that was written");
    sandbox.run(&["verify"]).done();

    for command in
        [&["sync", "--no-links"][..], &["lock", "--check", "--no-links"], &["verify", "--no-links"]]
    {
        let refused = sandbox.run(command).failed();
        assert!(refused.stderr.contains("`--no-links` forbids"), "{}", refused.stderr);
    }
    for command in ["sync", "verify"] {
        let refused = sandbox.run(&[command, "--locked"]).failed();
        assert!(refused.stderr.contains("`--locked` forbids"), "{}", refused.stderr);
    }
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["sync", "--locked", "--no-links"]).failed()), @r#"
    exit: 1
    --- stderr
    error: acme:base is linked to ./dev/base.wasm, and `--no-links` forbids that
        ╭─[spin.toml:12:15]
     11 │ [application.tool.deps.overrides]
     12 │ "acme:base" = { path = "./dev/base.wasm" }
        ·               ──────────────┬─────────────
        ·                             ╰── a file in place of the package
     13 │
        ╰────

    hint: run `spin-deps unlink acme:base` and commit the result
    "#);

    // There is a newer release by now, but going back is going back.
    sandbox.publish(&base("1.5.0"));
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["unlink"]).done()), @"
    exit: 0
    --- stdout
    Unlinked acme:base from ./dev/base.wasm (back to 1.1.0)
    Locked 2 packages in spin-deps.lock
      no longer override acme:base
      add acme:base 1.1.0
    ");
    assert_eq!(sandbox.read("spin.toml"), before);
    assert_eq!(sandbox.read("spin-deps.lock"), lock);
    sandbox.run(&["sync", "--locked", "--no-links"]).done();
}

#[test]
fn a_link_says_what_does_not_fit() {
    let sandbox = locked();
    sandbox.write("dev.wasm", base("2.0.0"));
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["link", "./dev.wasm"]).done()), @"
    exit: 0
    --- stdout
    Linked acme:base to ./dev.wasm (in place of acme:base 1.1.0)
    Locked 1 package in spin-deps.lock
      override acme:base by ./dev.wasm
      remove acme:base 1.1.0
    Wrote spin-dependencies.wit
    --- stderr
    warning: acme:middle 1.0.0 asks for acme:base ^1.0.0, and ./dev.wasm is 2.0.0; the link counts
    warning: component `app` cannot be composed now: `./dev.wasm` does not export `acme:base/api@1.0.0`, which `acme:middle@1.0.0` imports
    ");
}

#[test]
fn what_cannot_be_linked_or_unlinked_changes_nothing() {
    let sandbox = locked();
    sandbox.write("two/one.wasm", base("1.0.0"));
    sandbox.write("two/other.wasm", chain("acme:other", "1.0.0", &[]));
    sandbox.write("none/readme.md", "");
    sandbox.write("nameless.wasm", spin_deps_fixtures::http::env_app());
    sandbox.write("core.wasm", b"\0asm\x01\0\0\0");
    let before = sandbox.files();
    let mut shown = Vec::new();
    for arguments in [
        &["link", "two"][..],
        &["link", "none"],
        &["link", "nowhere"],
        &["link", "core.wasm"],
        &["link", "nameless.wasm"],
        &["link", "two/one.wasm", "--package", "base"],
        &["link", "two/one.wasm", "--locked"],
        &["unlink"],
        &["unlink", "acme:base"],
    ] {
        let run = sandbox.run(arguments);
        assert_ne!(run.code, Some(0), "{arguments:?}");
        assert!(sandbox.files() == before, "{arguments:?} changed a file");
        shown.push(format!("$ {}\n{}", arguments.join(" "), sandbox.snapshot(&run)));
    }
    sandbox.run(&["link", "two", "--package", "acme:other"]).done();
    sandbox.run(&["link", "two/one.wasm"]).done();
    shown.push(sandbox.snapshot(&sandbox.run(&["unlink"]).misused()));
    shown.push(sandbox.snapshot(&sandbox.run(&["unlink", "acme:bse"]).failed()));
    insta::assert_snapshot!(shown.join("\n"), @"
    $ link two
    exit: 2
    --- stderr
    error: there are several components in `two`

    hint: name one of them: `./two/one.wasm`, `./two/other.wasm`

    $ link none
    exit: 1
    --- stderr
    error: there is no component in `none`

    hint: build it first, or name the file that the build makes

    $ link nowhere
    exit: 1
    --- stderr
    error: there is no file `nowhere`

    hint: a path starts in the current directory; a package is written `ns:name`

    $ link core.wasm
    exit: 1
    --- stderr
    error: ./core.wasm is a core module, but a component is needed

    hint: make a component of it first, with `spin-deps componentize`

    $ link nameless.wasm
    exit: 2
    --- stderr
    error: ./nameless.wasm does not say which package it is

    hint: name the package that it takes the place of with `--package ns:name`

    $ link two/one.wasm --package base
    exit: 2
    --- stderr
    error: invalid value 'base' for '--package <ns:name>': invalid package ref: missing expected ':'

    For more information, try '--help'.

    $ link two/one.wasm --locked
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--locked` forbids to change it:
      - acme:base is overridden by ./two/one.wasm, which is not locked

    hint: run `spin-deps lock` without `--locked` and commit spin-deps.lock

    $ unlink
    exit: 1
    --- stderr
    error: the app has no links

    hint: `spin-deps link PATH` makes one

    $ unlink acme:base
    exit: 1
    --- stderr
    error: acme:base is not linked

    hint: the app has links of none

    exit: 2
    --- stderr
    error: the app has several links

    hint: name the package: acme:other, acme:base

    exit: 1
    --- stderr
    error: acme:bse is not linked

    hint: did you mean `acme:base`?
    ");
    sandbox.run(&["unlink", "acme:base"]).done();
    sandbox.run(&["unlink"]).done();
}
