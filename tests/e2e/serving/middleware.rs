//! Pipelines: who sees what, in which order, with what it was granted.

use http::Request;
use spin_deps_fixtures::http::{p2_app, p3_app, p3_middleware};

use super::client::{Connection, count, empty, long, read, whole};
use super::{Served, app, guests};
use crate::running::serve;
use crate::support::http::{block_on, get};
use crate::support::memory::Peak;
use crate::support::world::Sandbox;

/// An app in which one component stands behind two pipelines, beside a fixed answer and a route that nobody outside can
/// take.
fn pipelines() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("app.wasm", p3_app(&[]));
    for name in ["first", "second", "third"] {
        sandbox.write(&format!("{name}.wasm"), p3_middleware("x-passed", name));
    }
    sandbox.write(
        "spin.toml",
        r#"spin_manifest_version = 2

[application]
name = "demo"

[[trigger.http]]
id = "three"
route = "/three/..."
component = "app"
dependencies.middleware = [{ path = "first.wasm" }, { path = "second.wasm" }, { path = "third.wasm" }]

[[trigger.http]]
id = "twice"
route = "/twice/..."
component = "app"
dependencies.middleware = [{ path = "second.wasm" }, { path = "first.wasm" }, { path = "second.wasm" }]

[[trigger.http]]
id = "bare"
route = "/..."
component = "app"

[[trigger.http]]
id = "inside"
route = { private = true }
component = "app"
dependencies.middleware = [{ path = "third.wasm" }]

[[trigger.http]]
id = "fixed"
route = "/three/fixed"
static_response = { status_code = 200, body = "fixed" }

[component.app]
source = "app.wasm"
"#,
    );
    sandbox
}

#[test]
fn an_answer_passes_from_the_innermost_to_the_outermost() {
    let served = Served::start(pipelines());
    let passed = |path: &str| {
        block_on(async {
            let mut connection = Connection::one(&served.address).await;
            let request = Request::get(path).body(empty()).expect("a request");
            let response = connection.send(request, &served.address).await;
            let passed: Vec<_> = response.headers().get_all("x-passed").iter().cloned().collect();
            let passed: Vec<_> = passed.iter().map(|it| it.to_str().expect("text")).collect();
            (passed.join(" "), String::from_utf8(read(response).await.0.to_vec()).expect("text"))
        })
    };
    assert_eq!(passed("/three/x"), ("third second first".into(), "path: /three/x".into()));
    assert_eq!(passed("/twice/x"), ("second first second".into(), "path: /twice/x".into()));
    assert_eq!(passed("/x"), (String::new(), "path: /x".into()));
    assert_eq!(passed("/three/fixed"), (String::new(), "fixed".into()));
    served.end_well();
}

/// Middleware in Rust before the app in Rust, which has a realm in its environment and does or does not pass it on.
fn guarded(inherit: &str) -> Sandbox {
    let sandbox = app(&guests::P3);
    sandbox.write("guard.wasm", &*guests::GUARD);
    let middleware = format!(
        "component = \"app\"\ndependencies.middleware = [{{ path = \"guard.wasm\", inherit_configuration = {inherit} }}]"
    );
    let manifest = sandbox.read("spin.toml").replace("component = \"app\"", &middleware);
    let environment = "source = \"app.wasm\"\nenvironment = { REALM = \"Avalon\" }";
    sandbox.write("spin.toml", manifest.replace("source = \"app.wasm\"", environment));
    sandbox
}

#[test]
fn it_answers_itself_and_changes_what_passes() {
    let served = Served::start(guarded("[\"environment\"]"));
    block_on(async {
        for mut connection in [Connection::one(&served.address).await, Connection::two(&served.address).await]
        {
            let request = |headers: &[(&str, &str)]| {
                let mut request = Request::post("/echo");
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
                request.body(whole("quietly")).expect("a request")
            };
            let response = connection.send(request(&[]), &served.address).await;
            assert_eq!(response.status(), 401);
            assert_eq!(response.headers()["x-realm"], "Avalon");
            assert_eq!(read(response).await.0, "");

            let response = connection.send(request(&[("authorization", "Ada")]), &served.address).await;
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["x-user"], "Ada");
            assert_eq!(response.headers()["x-realm"], "Avalon");
            assert_eq!(response.headers()["x-method"], "Method::Post");
            assert_eq!(read(response).await.0, "quietly");

            let loud = request(&[("authorization", "Ada"), ("x-shout", "yes")]);
            let response = connection.send(loud, &served.address).await;
            assert_eq!(read(response).await.0, "QUIETLY");

            // What the app answered is let go.
            let left = request(&[("authorization", "Ada"), ("x-leave", "yes")]);
            let response = connection.send(left, &served.address).await;
            assert_eq!(response.status(), 401);
            assert_eq!(read(response).await.0, "");
        }
    });
    served.end_well();
}

#[test]
fn what_was_not_passed_on_to_it_it_does_not_see() {
    let served = Served::start(guarded("false"));
    let answer = get(&format!("http://{}/", served.address));
    assert_eq!((answer.status, answer.headers["x-realm"].as_str()), (401, "unknown"));
    served.end_well();
}

#[test]
fn a_large_body_passes_through_in_little_memory() {
    const SIZE: usize = 128 << 20;
    let sandbox = guarded("[\"environment\"]");
    let (process, address) = serve(&sandbox, &[]);
    let peak = Peak::of(process.id(), "RssAnon");
    block_on(async {
        let mut connection = Connection::one(&address).await;
        let request = Request::post("/echo").header("authorization", "Ada").header("x-shout", "yes");
        let request = request.body(long(SIZE)).expect("a request");
        assert_eq!(count(connection.send(request, &address).await).await, SIZE);
    });
    process.interrupt();
    assert_eq!(process.finish().status.code(), Some(0));
    let peak = peak.bytes();
    assert!(peak > 0 && peak < SIZE as u64 / 2, "{} MiB", peak >> 20);
}

#[test]
fn an_app_of_wasi_p2_has_no_middleware() {
    let sandbox = pipelines();
    sandbox.write("app.wasm", p2_app(&[]));
    let composed = sandbox.run(&["compose", "three", "-o", "composed.wasm"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&composed), @r#"
    exit: 1
    --- stderr
    error: no middleware can stand in front of `app`: middleware passes requests to `wasi:http/handler@0.3`, and `app` exports `wasi:http/incoming-handler@0.2.0`, whose requests are not those
        ╭─[spin.toml:10:79]
      9 │ component = "app"
     10 │ dependencies.middleware = [{ path = "first.wasm" }, { path = "second.wasm" }, { path = "third.wasm" }]
        ·                                                                               ───────────┬───────────
        ·                                                                                          ╰── stands in front of it
     11 │
        ╰────

    hint: build `app` for WASIp3, where Rust, C, Python (componentize-py) and JavaScript (componentize-qjs) have handlers of `wasi:http@0.3`, or let its routes do without middleware
    "#);
    let manifest = sandbox.read("spin.toml");
    let bare =
        manifest.lines().filter(|line| !line.starts_with("dependencies")).collect::<Vec<_>>().join("\n");
    sandbox.write("spin.toml", bare + "\n");
    let before = sandbox.files();
    let added = sandbox.run(&["add", "./first.wasm", "--route", "/three/..."]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&added), @r#"
    exit: 1
    --- stderr
    error: no middleware can stand in front of `app`: middleware passes requests to `wasi:http/handler@0.3`, and `app` exports `wasi:http/incoming-handler@0.2.0`, whose requests are not those
        ╭─[spin.toml:32:10]
     31 │ [component.app]
     32 │ source = "app.wasm"
        ·          ─────┬────
        ·               ╰── it would stand in front of this
        ╰────

    hint: build `app` for WASIp3, where Rust, C, Python (componentize-py) and JavaScript (componentize-qjs) have handlers of `wasi:http@0.3`, or let its routes do without middleware
    "#);
    assert_eq!(sandbox.files(), before);
}

#[test]
fn middleware_of_another_version_is_refused_with_both_named() {
    let sandbox = pipelines();
    sandbox.write("second.wasm", spin_deps_fixtures::http::preview_middleware());
    let composed = sandbox.run(&["compose", "three", "-o", "composed.wasm"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&composed), @r#"
    exit: 1
    --- stderr
    error: the middleware `second.wasm` passes requests to `wasi:http/handler@0.3.0-rc-2026-03-15`, and `third.wasm` exports `wasi:http/handler@0.3.0`
        ╭─[spin.toml:10:53]
      9 │ component = "app"
     10 │ dependencies.middleware = [{ path = "first.wasm" }, { path = "second.wasm" }, { path = "third.wasm" }]
        ·                                                     ────────────┬───────────
        ·                                                                 ╰── passes requests on
     11 │
        ╰────

    hint: choose releases of `second.wasm` and `third.wasm` that were built for one version of `wasi:http`
    "#);
    let before = sandbox.files();
    let added = sandbox.run(&["add", "./second.wasm", "--route", "/..."]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&added), @r"
    exit: 1
    --- stderr
    error: ./second.wasm is middleware for `wasi:http/handler@0.3.0-rc-2026-03-15`, and what can be served is `wasi:http/handler@0.3.0`

    hint: choose a release that was built for `wasi:http/handler@0.3.0`, or build it anew
    ");
    assert_eq!(sandbox.files(), before);
}
