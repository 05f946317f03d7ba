//! The vendored app answers as the app does, wherever it is.

use spin_deps_fixtures::http::{Generation, env_app, p2_app, p3_app, p3_middleware, p3_middleware_importing};
use spin_deps_fixtures::library::{chain, counter};
use spin_deps_fixtures::resource::{Dealer, Role, app, left, right, store};

use super::{answers_alone, elsewhere};
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, base, environment_counter, publish_all};
use crate::support::oci::digest;
use crate::support::web::{Page, WebServer};
use crate::support::world::{Sandbox, manifest};

/// The app that most stories are about.
fn chained() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox
}

#[test]
fn a_dependency_comes_with_what_it_needs_in_one_file() {
    let sandbox = chained();
    let run = sandbox.run(&["vendor"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Wrote vendor: 4 files, [SIZE] bytes
      app components/app.wasm
        acme:middle dependencies/acme-middle-1.0.0.wasm
    ");
    insta::assert_snapshot!(sandbox.snapshot_line(&sandbox.read("vendor/spin.toml")), @r#"
    # Made by `spin-deps vendor`. Do not edit: the next one writes this folder anew.
    # SHA256SUMS has the digests of all files here.

    spin_manifest_version = 2

    [application]
    name = "demo"
    version = "0.1.0"

    [[application.tool.deps.verify.requests]]
    path = "/x"
    expect = { status = 200, body = "acme:middle@1.0.0(acme:base@1.1.0(/x))" }

    [[trigger.http]]
    route = "/..."
    component = "app"

    [component.app]
    source = "components/app.wasm"

    [component.app.dependencies]
    # acme:middle@1.0.0 sha256:[DIGEST-1]
    # with acme:base@1.1.0 sha256:[DIGEST-2]
    "acme:middle" = { path = "dependencies/acme-middle-1.0.0.wasm" }
    "#);
    let report = answers_alone(&sandbox, &[]);
    assert_eq!(report["status"], "up-to-date");
    assert_eq!(report["components"][0]["dependencies"][0]["path"], "dependencies/acme-middle-1.0.0.wasm");
    // The digests are in the format of a tool that is everywhere.
    let mut check = sandbox.command_of("sha256sum");
    check
        .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
        .current_dir(sandbox.project().join("vendor"));
    assert_eq!(Sandbox::run_command(&mut check).done().stdout, "");
}

#[test]
fn composed_as_a_whole_on_request_it_has_no_dependencies() {
    let sandbox = chained();
    let report = answers_alone(&sandbox, &["--compose"]);
    assert_eq!(report["components"][0]["dependencies"], serde_json::json!([]));
    assert!(!sandbox.read("vendor/spin.toml").contains("dependencies"));
    insta::assert_snapshot!(sandbox.snapshot_line(&sandbox.read("vendor/spin.toml")), @r#"
    # Made by `spin-deps vendor`. Do not edit: the next one writes this folder anew.
    # SHA256SUMS has the digests of all files here.

    spin_manifest_version = 2

    [application]
    name = "demo"
    version = "0.1.0"

    [[application.tool.deps.verify.requests]]
    path = "/x"
    expect = { status = 200, body = "acme:middle@1.0.0(acme:base@1.1.0(/x))" }

    [[trigger.http]]
    route = "/..."
    component = "app"

    [component.app]
    # composed as a whole: `--compose` asks for it
    # with acme:base@1.1.0 sha256:[DIGEST-1]
    # with acme:middle@1.0.0 sha256:[DIGEST-2]
    source = "components/app.wasm"
    "#);
}

#[test]
fn an_export_of_another_version_is_named() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.1.0"));
    for entry in ["\"acme:base\" = \"^1\"", "\"acme:base/api@1.0.0\" = \"^1\""] {
        sandbox.write_app(&[("acme:base", "1.0.0")], entry, "acme:base@1.1.0(/x)");
        answers_alone(&sandbox, &[]);
        let text = sandbox.read("vendor/spin.toml");
        let written = text.lines().find(|line| line.starts_with("\"acme:base")).expect("the entry");
        insta::allow_duplicates! {
            insta::assert_snapshot!(written, @r#""acme:base/api@1.0.0" = { path = "dependencies/acme-base-1.1.0.wasm", export = "acme:base/api@1.1.0" }"#);
        }
    }
}

#[test]
fn dependencies_that_share_an_instance_stay_together() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&counter("acme:base", "1.0.0").expect("a fixture"));
    sandbox.publish(&chain("acme:left", "1.0.0", &[("acme:base", "1.0.0")]));
    sandbox.publish(&chain("acme:right", "1.0.0", &[("acme:base", "1.0.0")]));
    sandbox.write_app(
        &[("acme:left", "1.0.0"), ("acme:right", "1.0.0")],
        "\"acme:left\" = \"^1\"\n\"acme:right\" = \"^1\"",
        // One counter counts for both.
        "acme:left@1.0.0(acme:base@1.0.0#1)\nacme:right@1.0.0(acme:base@1.0.0#2)",
    );
    let report = answers_alone(&sandbox, &[]);
    assert_eq!(
        report["components"][0]["whole_because"],
        "`acme:left` and `acme:right` share one instance of acme:base@1.0.0"
    );
    let run = sandbox.run(&["vendor"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Kept vendor: 3 files, [SIZE] bytes, up to date
      app components/app.wasm
        composed as a whole: `acme:left` and `acme:right` share one instance of acme:base@1.0.0
    ");
}

#[test]
fn a_resource_keeps_its_one_owner() {
    const LEFT: Dealer<'_> =
        Dealer { package: "acme:left", version: "1.0.0", role: Role::Make, store: "1.0.0", through: None };
    const RIGHT: Dealer<'_> = Dealer { package: "acme:right", role: Role::Bump, ..LEFT };
    for generation in [Generation::P2, Generation::P3] {
        let sandbox = Sandbox::new();
        sandbox.use_folder();
        sandbox.publish(&store("1.1.0").expect("a fixture"));
        sandbox.publish(&left("1.0.0", "1.0.0").expect("a fixture"));
        sandbox.publish(&right("1.0.0", "1.1.0").expect("a fixture"));
        let entries = "\"acme:store\" = \"^1\"\n\"acme:left\" = \"^1\"\n\"acme:right\" = \"^1\"";
        sandbox.write("app.wasm", app(generation, &[LEFT, RIGHT]).expect("a fixture"));
        sandbox.write("spin.toml", manifest(entries, "42"));
        let report = answers_alone(&sandbox, &[]);
        let because = report["components"][0]["whole_because"].as_str().expect("a reason");
        assert_eq!(because, "`acme:store` and `acme:left` share one instance of acme:store@1.1.0");
    }
}

#[test]
fn two_entries_for_one_release_are_one_instance() {
    let sandbox = Sandbox::new();
    sandbox.write("libs/base.wasm", counter("acme:base", "1.0.0").expect("a fixture"));
    sandbox.write_app(
        &[("acme:base", "1.0.0"), ("acme:other", "1.0.0")],
        "\"acme:base\" = { path = \"libs/base.wasm\" }\n\
         \"acme:other/api@1.0.0\" = { path = \"libs/base.wasm\", export = \"acme:base/api@1.0.0\" }",
        "acme:base@1.0.0#1\nacme:base@1.0.0#2",
    );
    let report = answers_alone(&sandbox, &[]);
    assert_eq!(
        report["components"][0]["whole_because"],
        "`acme:base` and `acme:other/api@1.0.0` share one instance of libs/base.wasm"
    );

    // Only one of them is a dependency of the component, so nothing is shared.
    sandbox.write_app(
        &[("acme:other", "1.0.0")],
        "\"acme:other/api@1.0.0\" = { path = \"libs/base.wasm\", export = \"acme:base/api@1.0.0\" }",
        "acme:base@1.0.0#1",
    );
    let report = answers_alone(&sandbox, &[]);
    assert_eq!(report["components"][0]["dependencies"][0]["path"], "dependencies/base.wasm");
}

#[test]
fn middleware_becomes_files() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    let layer = |name: &str| {
        let bytes = p3_middleware(&format!("x-{name}"), name);
        spin_deps_fixtures::library::described(&bytes, &format!("acme:{name}"), "1.0.0", "A layer")
            .expect("a fixture")
    };
    sandbox.publish(&layer("outer"));
    sandbox.write("inner.wasm", layer("inner"));
    sandbox.write("app.wasm", p3_app(&[]));
    sandbox.write(
        "spin.toml",
        r#"spin_manifest_version = 2

[application]
name = "demo"

[application.tool.deps]
default_registry = "nowhere.example"

[[application.tool.deps.verify.requests]]
path = "/x"
expect = { headers = { x-outer = "outer", x-inner = "inner" }, body = "path: /x" }

[[trigger.http]]
route = "/..."
component = { source = "app.wasm", environment = { A = "1" } }
dependencies.middleware = [
    { package = "acme:outer", version = "1", inherit_configuration = false },
    { path = "inner.wasm" },
]
"#,
    );
    sandbox.run(&["verify"]).done();
    sandbox.run(&["vendor"]).done();
    insta::assert_snapshot!(sandbox.snapshot_line(&sandbox.read("vendor/spin.toml")), @r#"
    # Made by `spin-deps vendor`. Do not edit: the next one writes this folder anew.
    # SHA256SUMS has the digests of all files here.

    spin_manifest_version = 2

    [application]
    name = "demo"

    [[application.tool.deps.verify.requests]]
    path = "/x"
    expect = { headers = { x-outer = "outer", x-inner = "inner" }, body = "path: /x" }

    [[trigger.http]]
    route = "/..."
    component = { source = "components/http-trigger1-component.wasm", environment = { A = "1" } }
    dependencies.middleware = [{ path = "dependencies/acme-outer-1.0.0.wasm", inherit_configuration = false }, { path = "dependencies/inner.wasm" }]
    "#);
    elsewhere(&sandbox, "vendor").run(&["verify", "--offline", "--locked"]).done();
}

#[test]
fn layers_that_shared_an_instance_are_told() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.0.0"));
    for layer in ["outer", "inner"] {
        let bytes = p3_middleware_importing(&format!("x-{layer}"), layer, &[("acme:base", "1.0.0")]);
        sandbox.write(&format!("{layer}.wasm"), bytes);
    }
    sandbox.write("app.wasm", p3_app(&[]));
    let layers = "dependencies.middleware = [{ path = \"outer.wasm\" }, { path = \"inner.wasm\" }]";
    let text =
        manifest("", "path: /x").replace("component = \"app\"", &format!("component = \"app\"\n{layers}"));
    sandbox.write("spin.toml", text);
    let run = sandbox.run(&["vendor"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Wrote vendor: 5 files, [SIZE] bytes
      app components/app.wasm
      app-http-trigger
        middleware dependencies/outer.wasm
        middleware dependencies/inner.wasm
    --- stderr
    warning: acme:base@1.0.0 is used in several layers of trigger `app-http-trigger`, and in the vendored app each has an instance of its own
    ");
    elsewhere(&sandbox, "vendor").run(&["verify", "--offline", "--locked"]).done();
}

#[test]
fn a_component_of_its_own_has_no_app_to_vendor() {
    let sandbox = Sandbox::new();
    sandbox.write("lib.wasm", base("1.0.0"));
    sandbox.write(
        "component.toml",
        "component_manifest_version = 1\n\n[component]\nname = \"acme:base\"\nversion = \"1.0.0\"\nsource = \"lib.wasm\"\n",
    );
    let refused = sandbox.run(&["vendor"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: this is the project of the component acme:base, and no app

    hint: `spin-deps vendor --oci-layout DIR` writes the releases that it depends on
    ");
}

#[test]
fn components_of_registries_and_urls_become_files() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.publish(&p2_app(IMPORTS));
    let server = WebServer::start(|_| Page::new(200, p2_app(&[])).header("content-type", "application/wasm"));
    let (url, digest) = (server.url("/plain.wasm"), digest(&p2_app(&[])));
    sandbox.write(
        "spin.toml",
        format!(
            r#"spin_manifest_version = 2

[application]
name = "demo"

[[application.tool.deps.verify.requests]]
path = "/x"
expect = {{ body = "{ANSWER}" }}

[[application.tool.deps.verify.requests]]
path = "/plain/x"
expect = {{ body = "path: /plain/x" }}

[[trigger.http]]
route = "/..."
component = "app"

[[trigger.http]]
route = "/plain/..."
component = "plain"

[component.app]
source = {{ package = "acme:app", version = "1.0.0" }}

[component.plain]
description = "stays as it is"

[component.plain.source]
url = "{url}"
digest = "{digest}"

[component.plain.build]
command = "make"
"#
        ),
    );
    let images = sandbox.run(&["vendor", "--oci-layout", "images"]).done();
    assert!(images.stderr.starts_with("warning: http://127.0.0.1:"), "{}", images.stderr);
    assert!(images.stderr.contains("/plain.wasm is no release of a registry"), "{}", images.stderr);
    let report = answers_alone(&sandbox, &[]);
    assert_eq!(report["components"][0]["whole_because"], "acme:app@1.0.0 brings dependencies of its own");
    assert_eq!(report["components"][1]["whole_because"], serde_json::Value::Null);
}

#[test]
fn what_was_granted_is_granted_and_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&environment_counter("acme:count", "1.0.0"));
    let write = |entry: &str| {
        sandbox.write_app(&[("acme:count", "1.0.0")], entry, "acme:count@1.0.0#2(/x)");
        let environment = "source = \"app.wasm\"\nenvironment = { A = \"1\", B = \"2\" }";
        sandbox.write("spin.toml", sandbox.read("spin.toml").replace("source = \"app.wasm\"", environment));
    };
    write("\"acme:count\" = \"^1\"");
    let manifest = sandbox.read("spin.toml").replace("@1.0.0#2(", "@1.0.0#0(");
    sandbox.write("spin.toml", manifest);
    answers_alone(&sandbox, &[]);

    write("\"acme:count\" = { version = \"^1\", inherit_configuration = [\"environment\"] }");
    answers_alone(&sandbox, &[]);
    assert!(sandbox.read("vendor/spin.toml").contains("inherit_configuration = [\"environment\"]"));
}

#[test]
fn what_a_component_reads_comes_with_it() {
    let sandbox = Sandbox::with_project("some/where");
    let outside = sandbox.root().join("outside/notes");
    fs_err::create_dir_all(&outside).expect("a directory");
    fs_err::write(outside.join("one.md"), "# One\n").expect("a file");
    sandbox.write("env.wasm", env_app());
    sandbox.write("assets/greeting.txt", "hello from a file\n");
    sandbox.write("assets/secret.key", "not for the guest\n");
    sandbox.write("assets/deep/er.txt", "deep\n");
    let requests: String = [
        ("/file/greeting.txt", 200, "hello from a file\\n"),
        ("/file/deep/er.txt", 200, "deep\\n"),
        ("/file/secret.key", 404, ""),
        ("/file/notes/one.md", 200, "# One\\n"),
        ("/env/GREETING", 200, "hello"),
    ]
    .map(|(path, status, body)| {
        let body = if body.is_empty() { String::new() } else { format!(", body = \"{body}\"") };
        format!("[[application.tool.deps.verify.requests]]\npath = \"{path}\"\nexpect = {{ status = {status}{body} }}\n\n")
    })
    .concat();
    sandbox.write(
        "spin.toml",
        format!(
            r#"spin_manifest_version = 2

[application]
name = "files"

{requests}[[trigger.http]]
route = "/..."
component = "files"

[component.files]
source = "env.wasm"
environment = {{ GREETING = "hello" }}
files = [{{ source = "assets", destination = "/" }}, {{ source = "../../outside/notes", destination = "/notes" }}, "vendor/**/*", "assets/*.txt"]
exclude_files = ["assets/*.key"]
"#
        ),
    );
    for _ in 0..2 {
        sandbox.run(&["vendor"]).done();
        elsewhere(&sandbox, "vendor").run(&["verify", "--offline"]).done();
    }
    let files = crate::support::world::files_below(&sandbox.project().join("vendor"));
    let files: Vec<&str> = files.keys().map(String::as_str).collect();
    insta::assert_snapshot!(files.join("\n"), @"
    SHA256SUMS
    assets/deep/er.txt
    assets/greeting.txt
    components/files.wasm
    files/files/1/notes/one.md
    spin.toml
    ");
}
