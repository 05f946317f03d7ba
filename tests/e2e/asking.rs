//! What can be asked about a project, a package, the cache and the program itself, as text and as JSON.

use serde_json::Value;
use spin_deps_fixtures::http::p2_app;

use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, environment_counter, publish_all};
use crate::support::world::{Sandbox, manifest};

/// A locked project with two components that share a package.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    let helper = ("acme:helper", "1.0.0");
    sandbox.write("helper.wasm", environment_counter(helper.0, helper.1));
    sandbox.write("app.wasm", p2_app(&[IMPORTS[0], helper]));
    sandbox.write("other/other.wasm", p2_app(&[("acme:base", "1.0.0"), ("acme:base", "2.0.0")]));
    let more = r#"
"acme:helper" = { path = "helper.wasm", inherit_configuration = ["environment"] }

[component.other]
source = "other/other.wasm"
build = { command = "make", workdir = "other" }

[component.other.dependencies]
"acme:base/api@1.0.0" = ">=1.0, <1.2"
"acme:base/api@2.0.0" = "^2"
"#;
    sandbox.write(
        "spin.toml",
        manifest(DEPENDENCIES, "acme:middle@1.0.0(acme:base@1.1.0(/x))\nacme:helper@1.0.0#0(/x)") + more,
    );
    sandbox.run(&["lock"]).done();
    sandbox
}

fn shown(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.snapshot(&sandbox.run(arguments).done())
}

#[test]
fn the_tree_goes_down_from_the_app() {
    insta::assert_snapshot!(shown(&project(), &["tree"]), @"
    exit: 0
    --- stdout
    demo
    ├── component app
    │   ├── acme:middle 1.0.0 wasm.example (^1)
    │   │   └── acme:base 1.1.0 wasm.example (^1.0.0)
    │   └── helper.wasm (as acme:helper; inherits environment)
    └── component other
        ├── acme:base 1.1.0 (>=1.0, <1.2; as acme:base/api@1.0.0)
        └── acme:base 2.0.0 wasm.example (^2; as acme:base/api@2.0.0)
    --- stderr
    several releases: acme:base 1.1.0 and 2.0.0; `spin-deps tree --duplicates` shows what needs each
    ");
}

#[test]
fn the_inverted_tree_goes_up_to_the_app() {
    insta::assert_snapshot!(shown(&project(), &["tree", "--invert", "acme:base"]), @"
    exit: 0
    --- stdout
    acme:base 1.1.0 wasm.example
    ├── acme:middle 1.0.0 wasm.example (^1.0.0)
    │   └── component app (^1)
    │       └── demo
    └── component other (>=1.0, <1.2; as acme:base/api@1.0.0)
        └── demo
    acme:base 2.0.0 wasm.example
    └── component other (^2; as acme:base/api@2.0.0) (*)
    ");
}

#[test]
fn why_shows_every_path() {
    let sandbox = project();
    insta::assert_snapshot!(shown(&sandbox, &["why", "acme:base"]), @"
    exit: 0
    --- stdout
    acme:base 1.1.0 wasm.example
      demo → component other → acme:base 1.1.0 (>=1.0, <1.2; as acme:base/api@1.0.0)
      demo → component app → acme:middle 1.0.0 (^1) → acme:base 1.1.0 (^1.0.0)
      held below 1.2.0 by component other (>=1.0, <1.2)
      beside it the app has 2.0.0, for others
    acme:base 2.0.0 wasm.example
      demo → component other → acme:base 2.0.0 (^2; as acme:base/api@2.0.0)
      held below 3.0.0 by component other (^2)
    ");
    insta::assert_snapshot!(shown(&sandbox, &["why", "acme:base@2.0.0"]), @"
    exit: 0
    --- stdout
    acme:base 2.0.0 wasm.example
      demo → component other → acme:base 2.0.0 (^2; as acme:base/api@2.0.0)
      held below 3.0.0 by component other (^2)
    ");
}

#[test]
fn a_view_of_a_lock_that_does_not_fit_is_none() {
    let sandbox = project();
    sandbox.write("spin.toml", manifest("\"acme:base\" = \"^2\"\n\"acme:other\" = \"1\"", ""));
    let refused = sandbox.run(&["tree"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest: component `app` asks for acme:other ^1, which is not locked

    hint: run `spin-deps lock` first
    ");
}

#[test]
fn info_shows_what_a_release_is() {
    let sandbox = project();
    sandbox.publish(&environment_counter("acme:env", "0.3.0"));
    insta::assert_snapshot!(shown(&sandbox, &["info", "acme:middle"]), @"
    exit: 0
    --- stdout
    acme:middle 1.0.0
    description   A library that answers acme:middle@1.0.0(…)
    licence       Apache-2.0
    locked        1.0.0
    kind          component
    registry      wasm.example
    digest        sha256:[DIGEST-1]
    size          [SIZE] bytes
    exports       acme:middle/api@1.0.0
    imports       acme:base/api@1.0.0
    dependencies  acme:base ^1.0.0
    ");
    insta::assert_snapshot!(shown(&sandbox, &["info", "acme:env@^0.3"]), @"
    exit: 0
    --- stdout
    acme:env 0.3.0
    description   A library that counts environment variables
    licence       Apache-2.0
    kind          component
    registry      wasm.example
    digest        sha256:[DIGEST-1]
    size          [SIZE] bytes
    exports       acme:env/api@0.3.0
    host imports  wasi:cli/environment@0.2.0
    capabilities  environment
    ");
    // The newest that is no pre-release, and the pre-release where it is named.
    assert!(shown(&sandbox, &["info", "acme:base"]).contains("acme:base 2.0.0"));
    assert!(shown(&sandbox, &["info", "acme:base@1.2.0-rc.1"]).contains("acme:base 1.2.0-rc.1"));
}

#[test]
fn versions_come_newest_first() {
    insta::assert_snapshot!(shown(&project(), &["versions", "acme:base"]), @"
    exit: 0
    --- stdout
    2.0.0       locked; fits ^2
    1.2.0-rc.1  pre-release
    1.1.0       locked; fits >=1.0, <1.2 and ^1.0.0
    1.0.0       fits >=1.0, <1.2 and ^1.0.0
    --- stderr
    4 versions of acme:base in wasm.example
    ");
}

#[test]
fn what_is_not_there_is_said_so() {
    let sandbox = project();
    let texts = [
        ["info", "acme:bas"],
        ["info", "acme:base@^3"],
        ["versions", "acme:bas"],
        ["versions", "other:base"],
    ]
    .map(|arguments| sandbox.snapshot(&sandbox.run(&arguments).failed()));
    insta::assert_snapshot!(texts.join("\n"), @r#"
    exit: 1
    --- stderr
    error: acme:bas is not in the registry wasm.example

    hint: did you mean `acme:base`?

    exit: 1
    --- stderr
    error: no release of acme:base matches ^3; there are 2.0.0, 1.2.0-rc.1, 1.1.0, 1.0.0

    hint: `spin-deps versions acme:base` lists what there is

    exit: 1
    --- stderr
    error: acme:bas is not in the registry wasm.example

    hint: did you mean `acme:base`?

    exit: 1
    --- stderr
    error: no registry is configured for package `other:base`

    hint: name one for the namespace, `[application.tool.deps.namespace_registries]` with `other = "…"` in spin.toml, or a `default_registry`, there or in wkg's config.toml
    "#);
}

#[test]
fn the_cache_is_shown_checked_and_emptied() {
    let sandbox = project();
    assert_eq!(shown(&sandbox, &["cache", "dir"]), "exit: 0\n--- stdout\n[DIR]/cache/spin-deps\n");
    sandbox.run(&["verify"]).done();
    let info = sandbox.run(&["cache", "info", "--format", "json"]).done().json();
    assert!(
        info["blobs"].as_u64().is_some_and(|blobs| blobs >= 3),
        "three releases are in the store: {info}"
    );
    assert!(
        info["compiled"]["files"].as_u64().is_some_and(|files| files > 0),
        "and what was compiled: {info}"
    );
    insta::assert_snapshot!(shown(&sandbox, &["cache", "verify"]), @"
    exit: 0
    --- stdout
    Checked everything in the cache has its digest
    ");
    sandbox.run(&["cache", "clean"]).done();
    let info = sandbox.run(&["cache", "info", "--format", "json"]).done().json();
    for number in [&info["blobs"], &info["bytes"], &info["records"], &info["compiled"]["files"]] {
        assert_eq!(number.as_u64(), Some(0), "{info}");
    }
    sandbox.run(&["verify", "--locked"]).done();
}

#[test]
fn every_result_is_json_where_it_is_asked_for() {
    let sandbox = project();
    let composed = sandbox.root().join("composed.wasm").display().to_string();
    let artifact = sandbox.artifact(&environment_counter("acme:env", "1.0.0"));
    for (arguments, field) in [
        (["lock"].as_slice(), "/packages/0/name"),
        (&["lock", "--check"], "/status"),
        (&["sync"], "/lock/packages/0/digest"),
        (&["tree"], "/nodes/0/label"),
        (&["tree", "--invert", "acme:base"], "/roots/0"),
        (&["why", "acme:base"], "/paths/0/0/label"),
        (&["info", "acme:base"], "/digest"),
        (&["versions", "acme:base"], "/versions/0/version"),
        (&["compose", "app", "-o", &composed], "/digest"),
        (&["publish", &artifact, "--dry-run"], "/version"),
        (&["publish", &artifact], "/digest"),
        (&["add", "acme:env", "--to", "app"], "/added/0/name"),
        (&["remove", "acme:env", "--to", "app"], "/removed/0/name"),
        (&["cache", "dir"], "/directory"),
        (&["cache", "info"], "/blobs"),
        (&["cache", "verify"], "/damaged"),
        (&["cache", "clean"], "/files"),
        (&["completions", "bash"], "/script"),
    ] {
        let value = sandbox.run(&[arguments, &["--format", "json"]].concat()).done().json();
        assert!(
            value.pointer(field).is_some_and(|found| *found != Value::Null),
            "{arguments:?} has no {field}: {value:#}"
        );
    }
}

#[test]
fn verify_reports_its_answers_as_json() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    let passed = sandbox.run(&["verify", "--format", "json"]).done().json();
    assert_eq!(passed["passed"], true);
    assert_eq!(passed["answers"][0]["body"], ANSWER);
    sandbox.write_app(IMPORTS, DEPENDENCIES, "something else");
    // A result that is bad is still a result.
    let failed = sandbox.run(&["verify", "--format", "json"]).failed().json();
    assert_eq!(failed["passed"], false);
    assert_eq!(failed["answers"][0]["mismatches"][0]["actual"], ANSWER);
}

#[test]
fn an_error_is_json_too_and_no_result() {
    let sandbox = project();
    let run = sandbox.run(&["why", "acme:bas", "--format", "json"]).failed();
    assert_eq!(run.stdout, "");
    let error: Value = serde_json::from_str(&run.stderr).expect("an error in JSON");
    assert_eq!(error["error"]["message"], "the app does not depend on `acme:bas`");
    assert_eq!(error["error"]["hint"], "did you mean `acme:base`?");
}

#[test]
fn nothing_but_results_is_on_stdout_and_quiet_says_nothing_else() {
    let sandbox = project();
    sandbox.run(&["sync"]).done();
    let run = sandbox.run(&["sync", "--quiet"]).done();
    assert_eq!(run.stderr, "");
    let run = sandbox.run(&["lock", "-v"]).done();
    assert!(run.stdout.starts_with("Locked"), "{}", run.stdout);
    assert!(!run.stdout.contains("debug:"), "{}", run.stdout);
}

#[test]
fn colours_are_there_when_they_are_wanted_and_only_then() {
    let sandbox = project();
    assert!(!sandbox.run(&["tree"]).done().stdout.contains('\u{1b}'), "not into a pipe");
    assert!(sandbox.run(&["tree", "--color", "always"]).done().stdout.contains('\u{1b}'));
    let refused = sandbox.run(&["why", "acme:bas", "--color", "always"]).failed();
    assert!(refused.stderr.contains('\u{1b}'), "{}", refused.stderr);
}
