//! Middleware of a trigger: its place in the pipeline, and what it does to an answer.

use spin_deps_fixtures::http::{p3_app, p3_middleware};

use super::{add, project};
use crate::support::world::Sandbox;

/// An app of the kind that middleware can stand in front of.
fn p3_project() -> Sandbox {
    let sandbox = project();
    sandbox.write("app.wasm", p3_app(&[("acme:base", "1.0.0")]));
    sandbox.run(&["add", "acme:base@1"]).done();
    for name in ["first", "second", "third"] {
        sandbox.write(&format!("{name}.wasm"), p3_middleware(&format!("x-{name}"), name));
    }
    sandbox
}

#[test]
fn it_is_added_as_the_innermost_or_at_a_position() {
    let sandbox = p3_project();
    let before = sandbox.read("spin.toml");
    insta::assert_snapshot!(add(&sandbox, &["./third.wasm", "--route", "/..."]), @r#"
    exit: 0
    --- stdout
    Added middleware './third.wasm' to the trigger for route '/...'
    Locked 1 package in spin-deps.lock, up to date
    --- spin.toml
    dependencies.middleware = [{ path = "./third.wasm" }]
    "#);
    insta::assert_snapshot!(add(&sandbox, &["./first.wasm", "--route", "/...", "--position", "0"]), @r#"
    exit: 0
    --- stdout
    Added middleware './first.wasm' to the trigger for route '/...'
    Locked 1 package in spin-deps.lock, up to date
    --- spin.toml
    dependencies.middleware = [{ path = "./first.wasm" }, { path = "./third.wasm" }]
    "#);
    insta::assert_snapshot!(add(&sandbox, &["./second.wasm", "--route", "/...", "--position", "1"]), @r#"
    exit: 0
    --- stdout
    Added middleware './second.wasm' to the trigger for route '/...'
    Locked 1 package in spin-deps.lock, up to date
    --- spin.toml
    dependencies.middleware = [{ path = "./first.wasm" }, { path = "./second.wasm" }, { path = "./third.wasm" }]
    "#);
    let manifest = sandbox.read("spin.toml");
    let places =
        ["first", "second", "third"].map(|name| manifest.find(name).expect("each is in the manifest"));
    assert!(places.is_sorted(), "{manifest}");

    // A position removes as well as a name does.
    let removed = sandbox.run(&["remove", "1", "--route", "/..."]).done();
    insta::assert_snapshot!(sandbox.snapshot(&removed), @"
    exit: 0
    --- stdout
    Removed middleware './second.wasm' from the trigger for route '/...'
    Locked 1 package in spin-deps.lock, up to date
    ");
    for name in ["./first.wasm", "./third.wasm"] {
        sandbox.run(&["remove", name, "--route", "/..."]).done();
    }
    assert_eq!(sandbox.read("spin.toml"), before);
}

#[test]
fn verify_sees_what_it_does() {
    let sandbox = p3_project();
    let expecting = sandbox
        .read("spin.toml")
        .replace("body = \"\"", "body = \"acme:base@1.1.0(/x)\", headers = { x-first = \"first\" }");
    sandbox.write("spin.toml", &expecting);
    let missing = sandbox.run(&["verify"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&missing), @r#"
    exit: 1
    --- stdout
    ✓ lock          1 package in spin-deps.lock, up to date  [TIME]
        demo
        └── component app
            └── acme:base 1.1.0 wasm.example (^1)
    ✓ digests       1 package is what was locked  [TIME]
    ✓ types         1 component fits what it is composed of  [TIME]
        app: 2 instances, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       the manifest names none
    ✓ start         1 component runs  [TIME]
    ✗ requests      1 of 1 not answered as expected  [TIME]
        ✗ GET /x → 200  [TIME]
          header x-first
            expected "first"
            but got  "no such header"
    Failed demo at requests
    "#);
    sandbox.run(&["add", "./first.wasm", "--route", "/..."]).done();
    let verified = sandbox.run(&["verify"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&verified), @"
    exit: 0
    --- stdout
    ✓ lock          1 package in spin-deps.lock, up to date  [TIME]
        demo
        ├── component app
        │   └── acme:base 1.1.0 wasm.example (^1)
        └── middleware of /...
            └── ./first.wasm
    ✓ digests       1 package is what was locked  [TIME]
    ✓ types         1 component fits what it is composed of  [TIME]
        app: 3 instances, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       the manifest names none
    ✓ start         1 component runs  [TIME]
    ✓ requests      1 answered as expected  [TIME]
        ✓ GET /x → 200  [TIME]
          acme:base@1.1.0(/x)
    Verified demo
    ");
}

#[test]
fn what_is_no_middleware_and_what_is_no_place_for_it_is_refused() {
    let sandbox = p3_project();
    let before = sandbox.files();
    let texts: Vec<_> = [
        (["add", "acme:base@1", "--route", "/..."].as_slice(), 1),
        (&["add", "./first.wasm", "--to", "app"], 2),
        (&["add", "./first.wasm", "--route", "/admin"], 1),
        (&["add", "./first.wasm", "--route", "/...", "--position", "1"], 2),
        (&["remove", "./first.wasm", "--route", "/..."], 1),
    ]
    .into_iter()
    .map(|(arguments, code)| {
        let run = sandbox.run(arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}: {}", run.stderr);
        assert!(sandbox.files() == before, "{arguments:?} changed a file");
        sandbox.snapshot(&run)
    })
    .collect();
    insta::assert_snapshot!(texts.join("\n"), @"
    exit: 1
    --- stderr
    error: acme:base 1.1.0 is not middleware: it must import and export wasi:http/handler

    hint: leave out `--route` to add it as a dependency of a component

    exit: 2
    --- stderr
    error: ./first.wasm is middleware: it imports and exports wasi:http/handler

    hint: name the route that it is for with `--route`, in place of `--to`

    exit: 1
    --- stderr
    error: no HTTP trigger has the route `/admin`

    hint: the app has `/...`

    exit: 2
    --- stderr
    error: the pipeline of /... has 0 middleware, so position 1 is out of range

    hint: give `--position` a number from 0, the outermost, to 0

    exit: 1
    --- stderr
    error: the pipeline of `/...` has no middleware `./first.wasm`

    hint: it has none
    ");
}
