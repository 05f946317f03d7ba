//! What a dependency may reach: nothing that the app does not grant, whoever brought it in.

use spin_deps_fixtures::library::chain;

use crate::support::library::environment_counter;
use crate::support::world::{Sandbox, manifest};

/// An app with two environment variables and a dependency that counts them.
fn project(entry: &str, answer: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&environment_counter("acme:count", "1.0.0"));
    sandbox.publish(&chain("acme:front", "1.0.0", &[("acme:count", "1.0.0")]));
    let package = if entry.contains("front") { "acme:front" } else { "acme:count" };
    sandbox.write_app(&[(package, "1.0.0")], "", "");
    sandbox.write(
        "spin.toml",
        manifest(entry, answer).replace(
            "source = \"app.wasm\"",
            "source = \"app.wasm\"\nenvironment = { A = \"1\", B = \"2\" }",
        ),
    );
    sandbox
}

#[test]
fn what_is_not_granted_is_denied() {
    let sandbox = project("\"acme:count\" = \"^1\"", "acme:count@1.0.0#0(/x)");
    let run = sandbox.run(&["verify"]).done();
    assert!(run.stdout.contains("nothing granted, 1 import denied"), "{}", run.stdout);
    let run = sandbox.run(&["compose", "app", "-o", "composed.wasm"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Composed app from 2 instances into composed.wasm ([SIZE] bytes)
      app: acme:count/api@1.0.0 → acme:count@1.0.0
      acme:count@1.0.0: denied wasi:cli/environment@0.2.0
      sha256:[DIGEST-1]
    ");
}

#[test]
fn what_is_granted_is_there() {
    for entry in [
        "\"acme:count\" = { version = \"^1\", inherit_configuration = [\"environment\"] }",
        "\"acme:count\" = { version = \"^1\", inherit_configuration = true }",
    ] {
        project(entry, "acme:count@1.0.0#2(/x)").run(&["verify"]).done();
    }
}

#[test]
fn what_is_granted_to_a_dependency_is_granted_to_what_it_needs() {
    let granted = "\"acme:front\" = { version = \"^1\", inherit_configuration = [\"environment\"] }";
    project(granted, "acme:front@1.0.0(acme:count@1.0.0#2(/x))").run(&["verify"]).done();

    project("\"acme:front\" = \"^1\"", "acme:front@1.0.0(acme:count@1.0.0#0(/x))").run(&["verify"]).done();
}

#[test]
fn the_lock_says_what_each_release_can_reach() {
    let sandbox = project("\"acme:front\" = \"^1\"", "");
    sandbox.run(&["lock"]).done();
    let lock = crate::support::snapshot::filter(&sandbox.read("spin-deps.lock"), sandbox.root());
    insta::assert_snapshot!(regex::Regex::new(r"size = \d+").expect("a pattern").replace_all(&lock, "size = [SIZE]"), @r#"
    # Written by spin-deps. Commit this file and do not edit it.
    # After a merge conflict, run `spin-deps lock`.
    version = 1

    [[package]]
    name = "acme:count"
    version = "1.0.0"
    registry = "wasm.example"
    digest = "sha256:[DIGEST-1]"
    size = [SIZE]
    capabilities = ["environment"]
    imports = [
        "wasi:cli/environment@0.2.0",
    ]
    dependencies = []

    [[package]]
    name = "acme:front"
    version = "1.0.0"
    registry = "wasm.example"
    digest = "sha256:[DIGEST-2]"
    size = [SIZE]
    capabilities = []
    dependencies = [
        { package = "acme:count", req = "^1.0.0", version = "1.0.0" },
    ]
    "#);
}

/// The lockfile is what a reviewer reads, so it must not say less than is there.
#[test]
fn what_the_lockfile_hides_is_refused() {
    let granted = "\"acme:count\" = { version = \"^1\", inherit_configuration = [\"environment\"] }";
    let sandbox = project(granted, "acme:count@1.0.0#2(/x)");
    sandbox.run(&["lock"]).done();
    let lock = sandbox.read("spin-deps.lock");
    let hidden = lock.replace("capabilities = [\"environment\"]", "capabilities = []");
    assert_ne!(lock, hidden);
    sandbox.write("spin-deps.lock", hidden);
    let refused = sandbox.run(&["verify"]).failed();
    insta::assert_snapshot!(sandbox.snapshot_line(&refused.stderr), @"
    error: acme:count@1.0.0 reaches for the capability `environment`, which the lockfile does not record

    hint: the lockfile was edited, or the registry's description of acme:count@1.0.0 is not true; remove its entry from spin-deps.lock, run `spin-deps lock`, and if it is so again, do not use it
    ");
}

/// An app whose component comes from a registry has needs that no entry of the manifest grants anything.
#[test]
fn what_a_published_component_brings_in_is_granted_nothing() {
    let sandbox = project("\"acme:count\" = \"^1\"", "acme:count@1.0.0#2(/x)");
    sandbox.run(&["publish", "app.wasm", "--package", "acme:app@1.0.0"]).done();
    let own = sandbox.read("spin.toml");
    let published = own
        .replace("source = \"app.wasm\"", "source = { package = \"acme:app\", version = \"1.0.0\" }")
        .replace("\"acme:count\" = \"^1\"\n", "");
    assert_eq!(own.lines().count(), published.lines().count() + 1);
    sandbox.write("spin.toml", published.replace("acme:count@1.0.0#2(/x)", "acme:count@1.0.0#0(/x)"));
    sandbox.run(&["verify"]).done();

    let granted =
        published.replace("environment = {", "dependencies_inherit_configuration = true\nenvironment = {");
    sandbox.write("spin.toml", granted);
    sandbox.run(&["verify"]).done();

    // An entry of the manifest for what the component needs takes the place of the edge, with its grant.
    let entry = "\"acme:count\" = { version = \"^1\", inherit_configuration = [\"environment\"] }";
    let with_entry = own
        .replace("source = \"app.wasm\"", "source = { package = \"acme:app\", version = \"1.0.0\" }")
        .replace("\"acme:count\" = \"^1\"", entry);
    sandbox.write("spin.toml", with_entry);
    sandbox.run(&["verify"]).done();
}
