//! Content behind a URL takes part in the resolve: what it needs comes from the registries, and its digest is its name.

use std::fmt::Write;

use spin_deps_fixtures::library::chain;

use super::{all_refused, locked};
use crate::support::files::FileServer;
use crate::support::library::base;
use crate::support::oci::digest;
use crate::support::snapshot;
use crate::support::world::{REGISTRY, Sandbox};

/// The tool that is behind the URL; it calls `acme:base`.
fn tool(version: &str) -> Vec<u8> {
    chain("web:tool", version, &[("acme:base", "1.0.0")])
}

/// The entry of a component's dependency table for content behind a URL.
fn entry(name: &str, url: &str, content: &[u8]) -> String {
    format!("\"{name}\" = {{ url = \"{url}\", digest = \"{}\" }}", digest(content))
}

/// A folder with `acme:base` and an app that needs the tool.
fn app(server: &FileServer) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    for version in ["1.0.0", "1.1.0", "2.0.0"] {
        sandbox.publish_to(REGISTRY, &base(version));
    }
    let entry = entry("web:tool", &server.url("tool.wasm"), &tool("1.0.0"));
    sandbox.write_app(&[("web:tool", "1.0.0")], &entry, "web:tool@1.0.0(acme:base@1.1.0(/x))");
    sandbox
}

#[test]
fn what_it_needs_is_resolved_and_locked() {
    let server = FileServer::start(&tool("1.0.0"));
    let sandbox = app(&server);
    sandbox.run(&["sync"]).done();
    insta::assert_snapshot!(snapshot::filter(&sandbox.read("spin-deps.lock"), sandbox.root()), @r#"
    # Written by spin-deps. Commit this file and do not edit it.
    # After a merge conflict, run `spin-deps lock`.
    version = 1

    [[package]]
    name = "acme:base"
    version = "1.1.0"
    registry = "wasm.example"
    digest = "sha256:[DIGEST-1]"
    size = 1214
    capabilities = []
    dependencies = []

    [[http]]
    url = "http://127.0.0.1:[PORT]/tool.wasm"
    digest = "sha256:[DIGEST-2]"
    size = 1923
    capabilities = []
    dependencies = [
        { package = "acme:base", req = "^1.0.0", version = "1.1.0" },
    ]
    "#);
    assert_eq!(server.requests(), 1, "once, for what it needs and for what it is");
    sandbox.run(&["verify", "--frozen"]).done();
    sandbox.run(&["lock"]).done();
    assert_eq!(server.requests(), 1);

    // A newer release that fits leaves the lock alone; a lock from nothing takes it.
    sandbox.publish_to(REGISTRY, &base("1.2.0"));
    sandbox.run(&["lock"]).done();
    assert_eq!(locked(&sandbox), ["acme:base 1.1.0 wasm.example"]);
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    sandbox.run(&["lock"]).done();
    assert_eq!(locked(&sandbox), ["acme:base 1.2.0 wasm.example"]);
    assert_eq!(server.requests(), 1, "the store has it by its digest");
}

#[test]
fn it_shares_the_releases_that_the_rest_of_the_app_uses() {
    let server = FileServer::start(&tool("1.0.0"));
    let sandbox = app(&server);
    let mut entries = entry("web:tool", &server.url("tool.wasm"), &tool("1.0.0"));
    entries += "\n\"acme:base\" = \"=1.0.0\"";
    let imports = [("web:tool", "1.0.0"), ("acme:base", "1.0.0")];
    let answer = "web:tool@1.0.0(acme:base@1.0.0(/x))\nacme:base@1.0.0(/x)";
    sandbox.write_app(&imports, &entries, answer);
    sandbox.run(&["verify"]).done();
    assert_eq!(locked(&sandbox), ["acme:base 1.0.0 wasm.example"]);
}

#[test]
fn what_it_needs_and_nobody_has_is_explained() {
    let server = FileServer::start(&chain("web:tool", "1.0.0", &[("acme:nowhere", "1.0.0")]));
    let sandbox = app(&server);
    let content = chain("web:tool", "1.0.0", &[("acme:nowhere", "1.0.0")]);
    let entry = entry("web:tool", &server.url("tool.wasm?token=hidden"), &content);
    sandbox.write_app(&[("web:tool", "1.0.0")], &entry, "");
    insta::assert_snapshot!(all_refused(&sandbox, &[&["lock"], &["sync"]]), @"
    exit: 1
    --- stderr
    error: because http://127.0.0.1:[PORT]/tool.wasm depends on acme:nowhere ^1.0.0 and acme:nowhere is not in the registry wasm.example, your requirement cannot be met

    hint: check the spelling of acme:nowhere; `spin-deps search nowhere` shows what there is
    ");
}

#[test]
fn one_url_may_stand_for_two_contents() {
    let server = FileServer::start(&tool("1.0.0"));
    let sandbox = app(&server);
    sandbox.run(&["sync"]).done();

    // The file was replaced, and another entry has the new one; then a third has the old one again.
    server.replace(&tool("2.0.0"));
    let url = server.url("tool.wasm");
    let (old, new) = (tool("1.0.0"), tool("2.0.0"));
    let mut entries = String::new();
    for (name, content) in [("web:tool/api@1.0.0", &old), ("web:tool/api@2.0.0", &new)] {
        writeln!(entries, "{}", entry(name, &url, content)).expect("a String takes everything");
    }
    let imports = [("web:tool", "1.0.0"), ("web:tool", "2.0.0")];
    let answer = "web:tool@1.0.0(acme:base@1.1.0(/x))\nweb:tool@2.0.0(acme:base@1.1.0(/x))";
    sandbox.write_app(&imports, &entries, answer);
    let text = sandbox.read("spin.toml");
    let third = entry("web:tool", &url, &old);
    sandbox.write("helper.wasm", base("1.0.0"));
    sandbox.write(
        "spin.toml",
        format!(
            "{text}\n[component.helper]\nsource = \"helper.wasm\"\n[component.helper.dependencies]\n{third}\n"
        ),
    );
    sandbox.run(&["verify"]).done();
    let lock = sandbox.read("spin-deps.lock");
    assert_eq!(lock.matches("[[http]]").count(), 2, "{lock}");
    assert!(lock.contains(&digest(&old)) && lock.contains(&digest(&new)), "{lock}");
    assert_eq!(server.requests(), 2, "each content once");
    sandbox.run(&["lock", "--check"]).done();
    sandbox.run(&["verify", "--frozen"]).done();
    assert_eq!(sandbox.read("spin-deps.lock"), lock);
}

#[test]
fn content_that_moved_is_refused_and_what_was_fetched_stays() {
    let server = FileServer::start(&tool("1.0.0"));
    let sandbox = app(&server);
    sandbox.run(&["sync"]).done();
    server.replace(&tool("2.0.0"));
    sandbox.run(&["verify", "--locked"]).done();
    assert_eq!(server.requests(), 1);

    sandbox.delete_cache();
    let commands: [&[&str]; 4] =
        [&["sync"], &["sync", "--locked"], &["verify"], &["compose", "app", "-o", "x.wasm"]];
    insta::assert_snapshot!(all_refused(&sandbox, &commands), @"
    exit: 1
    --- stderr
    error: the content of the file from `http://127.0.0.1:[PORT]/tool.wasm` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used
    ");
    // Back in its place, all is well again.
    server.replace(&tool("1.0.0"));
    sandbox.run(&["verify", "--locked"]).done();
}

#[test]
fn a_password_in_a_url_gets_into_no_lock() {
    let server = FileServer::start(&tool("1.0.0"));
    let sandbox = app(&server);
    let url = server.url("tool.wasm").replace("http://", "http://me:sesame@");
    let content = tool("1.0.0");
    let added = all_refused(&sandbox, &[&["add", &url, "--digest", &digest(&content)]]);
    sandbox.write_app(&[("web:tool", "1.0.0")], &entry("web:tool", &url, &content), "");
    let locked = all_refused(&sandbox, &[&["lock"], &["sync"], &["verify"]]);
    assert!(!(added + &locked).contains("sesame"), "{locked}");
    insta::assert_snapshot!(locked, @"
    exit: 1
    --- stderr
    error: the URL http://127.0.0.1:[PORT]/tool.wasm of component `app` contains credentials, which would get into spin-deps.lock

    hint: leave them out, or publish the component to a registry that asks for them
    ");
}
