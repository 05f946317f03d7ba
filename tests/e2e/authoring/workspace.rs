//! Components that are kept together: built against each other, published in order.

use super::{builds, write_component};
use crate::support::library::{base, middle};
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

const ROOT: &str = "component_manifest_version = 1\n\n[workspace]\nmembers = [\"libs/*\"]\n";

/// A workspace of two: `acme:middle`, whose folder comes first, needs `acme:base`.
fn workspace() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    write_two(&sandbox, "^1");
    sandbox
}

fn write_two(sandbox: &Sandbox, req: &str) {
    sandbox.write("component.toml", ROOT);
    let needs = format!("\n[dependencies]\n\"acme:base\" = \"{req}\"\n");
    write_component(sandbox, "libs/a", "acme:middle", "1.0.0", &middle("1.0.0"), &needs);
    write_component(sandbox, "libs/b", "acme:base", "1.1.0", &base("1.1.0"), "");
    sandbox.write("libs/readme.md", "not a member");
}

#[test]
fn members_are_published_after_those_that_they_need() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), None);
    write_two(&sandbox, "^1");
    let dry = sandbox.run(&["publish", "--dry-run", "--format", "json"]).done().json();
    assert_eq!(dry["releases"][1]["dependencies"][0]["req"], "^1");
    assert!(proxy.requests().iter().all(|request| request.method == "GET"), "{:?}", proxy.requests());
    assert_eq!(builds(&sandbox), ["acme:base", "acme:middle"]);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", "--quiet"]).done()), @"
    exit: 0
    --- stdout
    Published acme:base 1.1.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-1]
    Published acme:middle 1.0.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-2]
    ");
    // All is there: nothing is sent.
    proxy.reset();
    let again = sandbox.run(&["publish", "--quiet"]).done();
    assert_eq!(again.stdout.matches("Already there").count(), 2, "{}", again.stdout);
    assert!(proxy.requests().iter().all(|request| matches!(request.method.as_str(), "GET" | "HEAD")));
    // One of them has a new version, and the other one is passed over.
    let manifest = sandbox.read("libs/b/component.toml").replace("1.1.0", "1.2.0");
    sandbox.write("libs/b/component.toml", manifest);
    let states = sandbox.run(&["publish", "--format", "json"]).done().json();
    let states: Vec<_> = (states["releases"].as_array().expect("releases").iter())
        .map(|it| format!("{} {} {}", it["package"], it["version"], it["status"]))
        .collect();
    insta::assert_snapshot!(states.join("\n"), @r#"
    "acme:base" "1.2.0" "published"
    "acme:middle" "1.0.0" "already-there"
    "#);
}

#[test]
fn a_member_is_built_against_its_sibling() {
    let sandbox = workspace();
    let run = |arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        command.current_dir(sandbox.project().join("libs/a"));
        Sandbox::run_command(&mut command)
    };
    insta::assert_snapshot!(sandbox.snapshot(&run(&["lock"]).failed()), @r#"
    exit: 1
    --- stderr
    error: the file ../b/built.wasm does not exist
       ╭─[component.toml:3:1]
     2 │
     3 │ [component]
       · ─────┬─────
       ·      ╰── its imports tell what it needs
     4 │ name = "acme:middle"
       ╰────

    hint: it belongs to the workspace: `spin-deps sync` builds it
    "#);
    // Nothing is published, and nothing has to be.
    insta::assert_snapshot!(sandbox.snapshot(&run(&["build"]).done()).lines().filter(|line| !line.contains(" in 0.")).collect::<Vec<_>>().join("\n"), @"
    exit: 0
    --- stdout
    Built [DIR]/project/libs/b/built.wasm
    Wrote wit/deps/acme-base-1.1.0/package.wit
    Built middle in [TIME]: built.wasm, [SIZE] bytes
    --- stderr
    [base] echo acme:base >> '[DIR]/builds' && cp input.wasm built.wasm
    [middle] echo acme:middle >> '[DIR]/builds' && cp input.wasm built.wasm
    ");
    assert_eq!(builds(&sandbox), ["acme:base", "acme:middle"]);
    insta::assert_snapshot!(sandbox.read("libs/a/spin-deps.lock"), @r#"
    # Written by spin-deps. Commit this file and do not edit it.
    # After a merge conflict, run `spin-deps lock`.
    version = 1

    [[override]]
    name = "acme:base"
    path = "../b/built.wasm"
    "#);
    run(&["sync", "--locked"]).done();
    assert!(builds(&sandbox).is_empty(), "nothing changed");
    insta::assert_snapshot!(sandbox.snapshot(&run(&["tree"]).done()), @"
    exit: 0
    --- stdout
    acme:middle
    └── ../b/built.wasm (^1; as acme:base; override)
    ");
    sandbox.write("libs/b/input.wasm", base("1.1.1"));
    run(&["sync"]).done();
    assert_eq!(builds(&sandbox), ["acme:base"]);
}

#[test]
fn a_sibling_that_does_not_fit_is_named() {
    let sandbox = workspace();
    write_two(&sandbox, "^2");
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", "--quiet"]).failed()), @r#"
    exit: 1
    --- stderr
    error: libs/a/component.toml asks for acme:base ^2, and libs/b/component.toml is 1.1.0
        ╭─[libs/a/component.toml:12:15]
     11 │ [dependencies]
     12 │ "acme:base" = "^2"
        ·               ──┬─
        ·                 ╰── not met by the workspace's own
        ╰────

    hint: members of a workspace are built against each other: change the requirement or the version
    "#);
}

#[test]
fn members_that_need_each_other_are_a_circle() {
    let sandbox = workspace();
    let needs = "\n[dependencies]\n\"acme:middle\" = \"^1\"\n";
    write_component(&sandbox, "libs/b", "acme:base", "1.1.0", &base("1.1.0"), needs);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", "--quiet"]).failed()), @"
    exit: 1
    --- stderr
    error: these need each other, so none of them can be published first: acme:middle -> acme:base

    hint: publish what they share as a package of its own
    ");
    let run = sandbox.run(&["sync", "--from", "libs/a"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 1
    --- stderr
    error: these need each other, so none of them can be built first: libs/a -> libs/b -> libs/a

    hint: put what they share into a component of its own
    ");
    assert!(builds(&sandbox).is_empty());
}

#[test]
fn nothing_is_pushed_when_one_member_cannot_be() {
    let sandbox = workspace();
    sandbox.publish(&middle("1.0.0"));
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", "--quiet"]).failed()), @"
    exit: 1
    --- stderr
    error: acme:middle 1.0.0 already exists at registry `wasm.example` with other content

    hint: published versions never change: publish under a new version
    ");
    sandbox.run(&["versions", "acme:base"]).failed();
}

#[test]
fn folders_choose_members() {
    let sandbox = workspace();
    sandbox.run(&["publish", "libs/b", "--quiet"]).done();
    assert_eq!(builds(&sandbox), ["acme:base"]);
    sandbox.run(&["publish", "libs/a", "libs/b", "libs/a", "--quiet"]).done();
    assert_eq!(sandbox.run(&["versions", "acme:middle"]).done().stdout, "1.0.0\n");
}

#[test]
fn what_is_wrong_with_a_workspace_is_shown_where_it_stands() {
    let sandbox = workspace();
    let mut shown = Vec::new();
    sandbox.write("component.toml", ROOT.replace("libs/*", "lib/*"));
    shown.push(sandbox.snapshot(&sandbox.run(&["publish"]).failed()));
    sandbox.write("component.toml", ROOT.replace("libs/*", "[a"));
    shown.push(sandbox.snapshot(&sandbox.run(&["publish"]).failed()));
    sandbox.write("component.toml", ROOT);
    write_component(&sandbox, "libs/c", "acme:base", "3.0.0", &base("1.1.0"), "");
    shown.push(sandbox.snapshot(&sandbox.run(&["publish"]).failed()));
    sandbox.write("libs/c/component.toml", ROOT);
    shown.push(sandbox.snapshot(&sandbox.run(&["publish"]).failed()));
    insta::assert_snapshot!(shown.join("\n"), @r#"
    exit: 1
    --- stderr
    error: the workspace has no member `lib/*`
       ╭─[component.toml:3:1]
     2 │
     3 │ [workspace]
       · ─────┬─────
       ·      ╰── named here
     4 │ members = ["lib/*"]
       ╰────

    hint: a member is a folder with a component.toml

    exit: 1
    --- stderr
    error: `[a` is not valid: Pattern syntax error near position 24: invalid range pattern
       ╭─[component.toml:3:1]
     2 │
     3 │ [workspace]
       · ─────┬─────
       ·      ╰── named here
     4 │ members = ["[a"]
       ╰────

    hint: `*` stands for any name

    exit: 1
    --- stderr
    error: libs/b/component.toml and libs/c/component.toml are both acme:base
       ╭─[component.toml:3:1]
     2 │
     3 │ [workspace]
       · ─────┬─────
       ·      ╰── named here
     4 │ members = ["libs/*"]
       ╰────

    hint: give one another name

    exit: 1
    --- stderr
    error: the member libs/c/component.toml has no `[component]`
       ╭─[component.toml:3:1]
     2 │
     3 │ [workspace]
       · ─────┬─────
       ·      ╰── named here
     4 │ members = ["libs/*"]
       ╰────

    hint: a member is a component
    "#);
}
