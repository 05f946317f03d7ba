//! What becomes of the steps, one after the other.

use super::{BAD, GOOD, app, outcomes};
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, publish_all};
use crate::support::snapshot::without_sizes;
use crate::support::world::Sandbox;
use crate::targets;

/// An app with packages from a folder.
fn with_packages() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox
}

/// The first step of a report in JSON that failed, which all others after it wait for.
#[track_caller]
fn fails_at(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let run = sandbox.run(&[&["verify", "--format", "json"], arguments].concat());
    assert_ne!(run.code, Some(0), "{}", run.stdout);
    let outcomes = outcomes(&run);
    let failed = outcomes.iter().position(|it| it.ends_with(": failed")).expect("a step that failed");
    let (before, after) = outcomes.split_at(failed);
    assert!(!before.iter().any(|it| it.ends_with(": failed")), "{outcomes:?}");
    assert!(after.iter().skip(1).all(|it| it.ends_with(": skipped")), "{outcomes:?}");
    after[0].replace(": failed", "")
}

#[test]
fn what_is_wrong_is_told_by_the_step_that_sees_it() {
    let sandbox = with_packages();
    assert_eq!(fails_at(&sandbox, &["--locked"]), "lock", "there is no lockfile");
    sandbox.run(&["lock"]).done();

    sandbox.delete_cache();
    let (registry, elsewhere) = (sandbox.root().join("folders"), sandbox.root().join("elsewhere"));
    fs_err::rename(&registry, &elsewhere).expect("a folder that moves");
    assert_eq!(fails_at(&sandbox, &[]), "digests", "its content is nowhere");
    fs_err::rename(&elsewhere, &registry).expect("a folder that moves back");
    sandbox.run(&["verify"]).done();

    let manifest = sandbox.read("spin.toml");
    sandbox.write("spin.toml", manifest.replace("status = 200", "status = 404"));
    assert_eq!(fails_at(&sandbox, &[]), "requests");

    let with_variable = manifest.replace(
        "[component.app]\n",
        "[variables]\ntoken = { required = true }\n\n[component.app]\nvariables = { token = \"{{ token }}\" }\n",
    );
    sandbox.write("spin.toml", with_variable);
    assert_eq!(fails_at(&sandbox, &[]), "start", "a variable without a value");

    sandbox.write(
        "spin.toml",
        manifest.replace(
            "\"acme:middle\" = ",
            "\"acme:other\" = { package = \"acme:middle\", version = \"1\" } #",
        ),
    );
    assert_eq!(fails_at(&sandbox, &[]), "types", "nothing meets an import");
}

#[test]
fn the_first_failure_ends_it() {
    let sandbox = app("");
    sandbox.write("spin.toml", sandbox.read("spin.toml").replace("app.wasm", "other.wasm"));
    let run = sandbox.run(&["verify"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&run), @r#"
    exit: 1
    --- stdout
    ✓ lock          the app needs no packages  [TIME]
        demo
        └── component app
    ✓ digests       nothing to compare  [TIME]
    ✗ types         the file of component `app` does not exist  [TIME]
    Failed demo at types
    --- stderr
    error: the file of component `app` does not exist
        ╭─[spin.toml:10:1]
      9 │
     10 │ [component.app]
        · ───────┬───────
        ·        ╰── its source is not there
     11 │ source = "other.wasm"
        ╰────

    hint: build it first, with `spin build`
    "#);
}

#[test]
fn with_keep_going_everything_is_told_that_can_be() {
    let sandbox = app(&(GOOD.to_owned() + BAD));
    sandbox.write(
        "spin.toml",
        sandbox.read("spin.toml")
            + r#"
[[trigger.http]]
route = "/b/..."
component = "b"

[component.b]
source = "b.wasm"

[[trigger.http]]
route = "/c/..."
component = "c"

[component.c]
source = "c.wasm"
"#,
    );
    let run = sandbox.run(&["verify", "--keep-going"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&run), @r#"
    exit: 1
    --- stdout
    ✓ lock          the app needs no packages  [TIME]
        demo
        ├── component app
        ├── component b
        └── component c
    ✓ digests       nothing to compare  [TIME]
    ✗ types         the file of component `b` does not exist  [TIME]
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       types did not pass
    – start         types did not pass
    – requests      start did not pass
    Failed demo at types
    --- stderr
    error: the file of component `b` does not exist
        ╭─[spin.toml:25:1]
     24 │
     25 │ [component.b]
        · ──────┬──────
        ·       ╰── its source is not there
     26 │ source = "b.wasm"
        ╰────

    hint: build it first, with `spin build`

    error: the file of component `c` does not exist
        ╭─[spin.toml:32:1]
     31 │
     32 │ [component.c]
        · ──────┬──────
        ·       ╰── its source is not there
     33 │ source = "c.wasm"
        ╰────

    hint: build it first, with `spin build`
    "#);

    sandbox.write("b.wasm", spin_deps_fixtures::http::p2_app(&[]));
    sandbox.write("c.wasm", spin_deps_fixtures::http::p2_app(&[]));
    let run = sandbox.run(&["verify", "--keep-going"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&run), @r#"
    exit: 1
    --- stdout
    ✓ lock          the app needs no packages  [TIME]
        demo
        ├── component app
        ├── component b
        └── component c
    ✓ digests       nothing to compare  [TIME]
    ✓ types         3 components fit what they are composed of  [TIME]
        app: 1 instance, [SIZE] bytes
        b: 1 instance, [SIZE] bytes
        c: 1 instance, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       the manifest names none
    ✓ start         3 components run  [TIME]
    ✗ requests      1 of 2 not answered as expected  [TIME]
        ✓ GET /good → 200  [TIME]
          path: /good
        ✗ GET /bad → 200  [TIME]
          status
            expected "201"
            but got  "200"
          body
            expected "nothing"
            but got  "path: /bad"
    Failed demo at requests
    "#);
}

#[test]
fn more_is_said_with_verbose() {
    let sandbox = with_packages();
    let run = sandbox.run(&["verify", "--verbose"]).done();
    insta::assert_snapshot!(without_sizes(&sandbox.snapshot_line(&run.stdout)), @"
    ✓ lock          2 packages in spin-deps.lock, written  [TIME]
        demo
        └── component app
            └── acme:middle 1.0.0 wasm.example (^1)
                └── acme:base 1.1.0 wasm.example (^1.0.0)
    ✓ digests       2 packages are what was locked  [TIME]
    ✓ types         1 component fits what it is composed of  [TIME]
        app: 3 instances, [SIZE] bytes
          acme:middle@1.0.0: acme:base/api@1.0.0 → acme:base@1.1.0
          app: acme:middle/api@1.0.0 → acme:middle@1.0.0
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       the manifest names none
    ✓ start         1 component runs  [TIME]
    ✓ requests      1 answered as expected  [TIME]
        ✓ GET /x → 200  [TIME]
          acme:middle@1.0.0(acme:base@1.1.0(/x))
    Verified demo
    ");
}

#[test]
fn marks_are_ascii_where_the_locale_is() {
    let sandbox = app(&(GOOD.to_owned() + BAD));
    let run = Sandbox::run_command(sandbox.command(&["verify"]).env("LC_ALL", "C")).failed();
    assert!(run.stdout.is_ascii(), "{}", run.stdout);
    insta::assert_snapshot!(sandbox.snapshot(&run), @r#"
    exit: 1
    --- stdout
    ok     lock          the app needs no packages  [TIME]
        demo
        `-- component app
    ok     digests       nothing to compare  [TIME]
    ok     types         1 component fits what it is composed of  [TIME]
        app: 1 instance, [SIZE] bytes
    ok     isolation     nothing granted, nothing denied  [TIME]
    ok     requirements  the app has what its dependencies require  [TIME]
    -      targets       the manifest names none
    ok     start         1 component runs  [TIME]
    FAILED requests      1 of 2 not answered as expected  [TIME]
        ok     GET /good -> 200  [TIME]
          path: /good
        FAILED GET /bad -> 200  [TIME]
          status
            expected "201"
            but got  "200"
          body
            expected "nothing"
            but got  "path: /bad"
    Failed demo at requests
    "#);
}

#[test]
fn a_server_that_does_not_answer_is_an_answer_that_was_not_expected() {
    let sandbox = app("\n[[application.tool.deps.verify.requests]]\npath = \"/a b\"\n");
    let run = sandbox.run(&["verify", "--format", "json"]).failed();
    let answer = &run.json()["answers"][0];
    assert!(answer["status"].is_null(), "{answer}");
    assert_eq!(answer["mismatches"][0]["of"], "answer");
}

#[test]
fn an_environment_that_the_app_does_not_fit_is_shown_with_its_worlds() {
    let (_registry, sandbox) = targets::stage();
    sandbox.write("env.toml", targets::BOTH.replace("\"spin:up/http@1.0.0\", ", ""));
    targets::write_app(&sandbox, "{ path = \"env.toml\" }");
    let run = sandbox.run(&["verify", "--keep-going"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 1
    --- stdout
    ✓ lock          the app needs no packages  [TIME]
        demo
        └── component app
    ✓ digests       nothing to compare  [TIME]
    ✓ types         1 component fits what it is composed of  [TIME]
        app: 1 instance, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    ✗ targets       1 of 1 checks do not fit  [TIME]
        ✗ app does not fit env.toml
          as http trigger: app-http-trigger
          ✗ spin:up/http-async@1.0.0
            imports wasi:io/error@0.2.0, which the world does not offer
            imports wasi:io/streams@0.2.0, which the world does not offer
            imports wasi:http/types@0.2.0, which the world does not offer
            does not export wasi:http/handler@0.3.0, which the world wants
    ✓ start         1 component runs  [TIME]
    – requests      none in [application.tool.deps.verify]
    Failed demo at targets
    ");
}
