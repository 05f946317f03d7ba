//! `publish` in the folder of a component: built, stamped with what component.toml says, checked, pushed.

use spin_deps_fixtures::library::chain;

use super::{builds, write_component};
use crate::publishing::base_with;
use crate::support::library::{base, middle};
use crate::support::registry::Registry;
use crate::support::world::{Sandbox, manifest};

/// What the manifest says of `acme:middle` besides its name.
const TABLES: &str = r#"
[requires]
variables = ["token", { name = "greeting", default = "Hello" }]
key_value_stores = ["cache"]

[dependencies]
"acme:base" = "~1.1"
"#;

/// The folder of `acme:middle`, which was built against `acme:base` 1.0.0, with all that can be said of it.
fn write_middle(sandbox: &Sandbox) {
    write_component(sandbox, ".", "acme:middle", "1.0.0", &middle("0.0.1"), TABLES);
    let text = sandbox.read("component.toml");
    let said = "description = \"Calls the base\"\nauthors = [\"Ada\", \"Grace <grace@example.com>\"]\n\
                license = \"MIT\"\nrepository = \"https://example.com/middle.git\"\n";
    sandbox.write("component.toml", text.replacen("source = ", &format!("{said}source = "), 1));
}

#[test]
fn a_folder_is_built_and_published_with_what_its_manifest_says() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        sandbox.publish(&base(version));
    }
    write_middle(&sandbox);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", "--dry-run"]).done()), @r#"
    exit: 0
    --- stdout
    Would publish acme:middle 1.0.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-1]
      kind          component
      exports       acme:middle/api@0.0.1
      imports       acme:base/api@1.0.0
      dependencies  acme:base ~1.1
      annotations   dev.spin-deps.dependencies = {"format_version":1,"dependencies":[{"package":"acme:base","version":"~1.1"}]}
                    dev.spin-deps.kind = component
                    dev.spin-deps.types = {"format_version":1,"kind":"component","imports":[["acme:base/api@1.0.0",1]],"exports":[["acme:middle/api@0.0.1",2]],"scopes":[{},{"functions":["call: func(input: string) -> string"]},{"functions":["c… ([SIZE] bytes)
                    org.opencontainers.image.authors = Ada, Grace <grace@example.com>
                    org.opencontainers.image.description = Calls the base
                    org.opencontainers.image.licenses = MIT
                    org.opencontainers.image.source = https://example.com/middle.git
                    org.opencontainers.image.version = 1.0.0
    --- stderr
    [middle] echo acme:middle >> '[DIR]/builds' && cp input.wasm built.wasm
    "#);
    assert_eq!(builds(&sandbox), ["acme:middle"]);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish"]).done()), @"
    exit: 0
    --- stdout
    Published acme:middle 1.0.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-1]
    --- stderr
    [middle] echo acme:middle >> '[DIR]/builds' && cp input.wasm built.wasm
    ");
    // The same sources give the same bytes, so that there is nothing to publish.
    let again = sandbox.run(&["publish", ".", "--format", "json"]).done().json();
    assert_eq!(again["status"], "already-there");
    assert_eq!(again["dependencies"][0]["req"], "~1.1");
    builds(&sandbox);
    sandbox.run(&["publish", "--no-build"]).done();
    assert!(builds(&sandbox).is_empty());

    // The requirement of the manifest counts, not the version that the import is named after: 1.2.0 would fit that.
    let app = Sandbox::new();
    app.use_registry(&registry);
    let tables = "\n[component.app.variables]\ntoken = \"t\"\n";
    let answer = "acme:middle@0.0.1(acme:base@1.1.0(/x))";
    app.write_app(&[("acme:middle", "0.0.1")], "", answer);
    app.write("app.wasm", spin_deps_fixtures::http::p2_app(&[("acme:middle", "0.0.1")]));
    let entry = "\"acme:middle\" = { version = \"^1\", inherit_configuration = [\"key_value_stores\", \"variables\"] }";
    let text = manifest(entry, answer).replace("source = ", "key_value_stores = [\"cache\"]\nsource = ");
    app.write("spin.toml", text + tables);
    app.run(&["verify"]).done();
}

#[test]
fn a_failing_build_publishes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    write_middle(&sandbox);
    let text = sandbox.read("component.toml");
    let failing = text.replace("cp input.wasm built.wasm", "echo 'main.c:3: what is this?' >&2 && exit 3");
    sandbox.write("component.toml", failing);
    sandbox.publish(&base("1.1.0"));
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", "--quiet"]).failed()).replace(&sandbox.root().display().to_string(), "[ROOT]"), @"
    exit: 1
    --- stderr
    error: the build of `middle` failed: `echo acme:middle >> '[DIR]/builds' && echo 'main.c:3: what is this?' >&2 && exit 3` ended with status 3
    main.c:3: what is this?
    ");
    sandbox.run(&["versions", "acme:middle"]).failed();

    sandbox.write("component.toml", text.replace("[build]\ncommand", "[build]\nwatch = []\n#"));
    sandbox.write("component.toml", sandbox.read("component.toml").replace("watch = []", "command = []"));
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish"]).failed()), @r#"
    exit: 1
    --- stderr
    error: built.wasm does not exist
        ╭─[component.toml:10:10]
      9 │ repository = "https://example.com/middle.git"
     10 │ source = "built.wasm"
        ·          ──────┬─────
        ·                ╰── its source
     11 │
        ╰────

    hint: write in `[build]` with which `command` it is built
    "#);
    sandbox.write("component.toml", &text);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", "--no-build"]).failed()), @r#"
    exit: 1
    --- stderr
    error: built.wasm does not exist
        ╭─[component.toml:10:10]
      9 │ repository = "https://example.com/middle.git"
     10 │ source = "built.wasm"
        ·          ──────┬─────
        ·                ╰── its source
     11 │
        ╰────

    hint: leave out `--no-build`, or build it first
    "#);
}

#[test]
fn the_manifest_has_the_last_word_on_names_and_versions() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.1.0"));
    write_middle(&sandbox);
    let text = sandbox.read("component.toml");
    let mut shown = Vec::new();
    for package in ["acme:other", "acme:middle@2.0.0"] {
        shown.push(sandbox.snapshot(&sandbox.run(&["publish", "--quiet", "--package", package]).failed()));
    }
    sandbox.write("component.toml", text.replace("version = \"1.0.0\"\n", ""));
    shown.push(sandbox.snapshot(&sandbox.run(&["publish", "--quiet"]).failed()));
    insta::assert_snapshot!(shown.join("\n"), @r#"
    exit: 1
    --- stderr
    error: `--package` says acme:other, and component.toml says acme:middle
       ╭─[component.toml:4:8]
     3 │ [component]
     4 │ name = "acme:middle"
       ·        ──────┬──────
       ·              ╰── said here
     5 │ version = "1.0.0"
       ╰────

    hint: leave out `--package`, or change the manifest

    exit: 1
    --- stderr
    error: `--package` says 2.0.0, and component.toml says 1.0.0
       ╭─[component.toml:5:11]
     4 │ name = "acme:middle"
     5 │ version = "1.0.0"
       ·           ───┬───
       ·              ╰── said here
     6 │ description = "Calls the base"
       ╰────

    hint: leave out `--package`, or change the manifest

    exit: 1
    --- stderr
    error: acme:middle has no version
       ╭─[component.toml:3:1]
     2 │
     3 │ [component]
       · ─────┬─────
       ·      ╰── published in which version?
     4 │ name = "acme:middle"
       ╰────

    hint: write `version = "0.1.0"` below its name
    "#);
    sandbox.run(&["publish", "--package", "acme:middle@1.0.0"]).done();
    assert_eq!(sandbox.run(&["versions", "acme:middle"]).done().stdout, "1.0.0\n");
}

#[test]
fn what_a_release_cannot_say_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.1.0"));
    write_middle(&sandbox);
    sandbox.write("base.wasm", base("1.1.0"));
    let text = sandbox.read("component.toml");
    let mut shown = Vec::new();
    for entry in [
        "\"acme:base\" = { path = \"base.wasm\" }",
        "\"acme:base\" = { package = \"acme:other\", version = \"^1\" }",
        "\"acme:base/api@1.0.0\" = { version = \"^1\", export = \"acme:base/api@1.1.0\" }",
    ] {
        sandbox.write("component.toml", text.replace("\"acme:base\" = \"~1.1\"", entry));
        shown.push(sandbox.snapshot(&sandbox.run(&["publish"]).failed()));
    }
    assert!(builds(&sandbox).is_empty(), "that is known before the build");
    insta::assert_snapshot!(shown.join("\n"), @r#"
    exit: 1
    --- stderr
    error: the dependency `acme:base` is met by base.wasm, which nobody has who uses a release
        ╭─[component.toml:20:15]
     19 │ [dependencies]
     20 │ "acme:base" = { path = "base.wasm" }
        ·               ───────────┬──────────
        ·                          ╰── a file
        ╰────

    hint: publish it, and depend on its version

    exit: 1
    --- stderr
    error: the dependency `acme:base` is met by acme:other, and a release names no package but that of the import
        ╭─[component.toml:20:15]
     19 │ [dependencies]
     20 │ "acme:base" = { package = "acme:other", version = "^1" }
        ·               ─────────────────────┬────────────────────
        ·                                    ╰── another package
        ╰────

    hint: require a package that the import is named after; an app can put acme:other in its place with an override

    exit: 1
    --- stderr
    error: the dependency `acme:base/api@1.0.0` is met by an export of another name, which a release has no words for
        ╭─[component.toml:20:25]
     19 │ [dependencies]
     20 │ "acme:base/api@1.0.0" = { version = "^1", export = "acme:base/api@1.1.0" }
        ·                         ─────────────────────────┬────────────────────────
        ·                                                  ╰── another export
        ╰────

    hint: publish a component that exports it under the name of the import
    "#);
}

#[test]
fn a_release_is_compared_with_the_one_before() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.0.0"));
    write_component(&sandbox, "base", "acme:base", "1.1.0", &base_with("1.0.0", "run"), "");
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", "base", "--quiet"]).failed()), @"
    exit: 1
    --- stderr
    error: acme:base 1.1.0 is not compatible with 1.0.0, as releases of one series have to be:
      - `acme:base/api@1.0.0`: the function `call` is gone
        was call: func(input: string) -> string

    hint: publish it as 2.0.0, or with `--skip-semver-check` if nobody can depend on what is gone
    ");
}

#[test]
fn what_is_no_component_says_what_to_name() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    let nothing = sandbox.snapshot(&sandbox.run(&["publish"]).misused());
    sandbox.write_app(&[("acme:middle", "1.0.0")], "", "");
    let app = sandbox.snapshot(&sandbox.run(&["publish"]).misused());
    insta::assert_snapshot!([nothing, app].join("\n"), @"
    exit: 2
    --- stderr
    error: there is no component.toml in [DIR]/project or above

    hint: name a component's file, or a folder with a component.toml

    exit: 2
    --- stderr
    error: [DIR]/project/spin.toml is an app, and what is published is a component

    hint: name a component's file, or a folder with a component.toml
    ");
    // A component beside the app is meant when its folder is named.
    write_component(&sandbox, ".", "acme:beside", "1.0.0", &chain("acme:beside", "1.0.0", &[]), "");
    sandbox.run(&["publish", "."]).done();
    // And so is a file.
    sandbox.write("one.wasm", chain("acme:one", "1.0.0", &[]));
    sandbox.run(&["publish", "one.wasm"]).done();
}
