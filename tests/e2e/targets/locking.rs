//! What an environment is, is locked by digest: nothing is asked twice, and nothing moves by itself.

use super::{BOTH, stage, use_host, write_app};
use crate::support::oci;
use crate::support::proxy::Proxy;
use crate::support::web::{Page, WebServer};
use crate::support::world::Sandbox;

const TARGETS: &str = "\"spin-up:9.9\", { path = \"env.toml\" }";

/// A catalogue that has this definition under every name.
fn catalogue(definition: &str) -> WebServer {
    let definition = definition.to_owned();
    WebServer::start(move |_| Page::new(200, definition.as_bytes()))
}

/// Runs the binary with this catalogue.
fn run(sandbox: &Sandbox, server: &WebServer, arguments: &[&str]) -> crate::support::world::Run {
    let mut command = sandbox.command(arguments);
    Sandbox::run_command(command.env("SPIN_DEPS_TARGETS_URL", server.url("/envs/")))
}

#[test]
fn the_lock_has_definitions_and_packages_by_digest() {
    let (registry, sandbox) = stage();
    let server = catalogue(BOTH);
    let reference = format!("{}/acme/edge:2.1.0", registry.host());
    sandbox.write(
        "env.toml",
        format!(
            "default = {{ worlds = [{{ reference = \"{reference}\", world = \"acme:edge/http@2.1.0\" }}] }}"
        ),
    );
    write_app(&sandbox, TARGETS);
    let ended = run(&sandbox, &server, &["lock"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&ended), @"
    exit: 0
    --- stdout
    Locked 0 packages in spin-deps.lock
      add the environment spin-up:9.9
      add the environment env.toml
    ");
    assert!(server.asked()[0].starts_with("get /envs/spin-up/spin-up@9.9.toml "), "{:?}", server.asked());
    let lock = sandbox.read("spin-deps.lock");
    let wit = registry.layer_digest("spin/up", "1.0.0");
    let definition = oci::digest(BOTH.as_bytes());
    let lines = [
        "[[environment]]".to_owned(),
        "name = \"spin-up:9.9\"".to_owned(),
        format!("digest = \"{definition}\""),
        format!(
            "package = \"spin:up\", version = \"1.0.0\", registry = \"wasm.example\", digest = \"{wit}\""
        ),
        "path = \"env.toml\"".to_owned(),
        format!("package = \"acme:edge\", version = \"2.1.0\", reference = \"{reference}\""),
    ];
    for line in lines {
        assert!(lock.contains(&line), "{line}\n{lock}");
    }
    run(&sandbox, &server, &["targets", "check", "--locked"]).done();
    assert_eq!(sandbox.read("spin-deps.lock"), lock);
}

#[test]
fn with_a_warm_cache_nobody_is_asked() {
    let (registry, sandbox) = stage();
    let proxy = Proxy::start(&registry.host());
    use_host(&sandbox, &proxy.host());
    sandbox.delete_cache();
    sandbox.write("env.toml", BOTH);
    write_app(&sandbox, TARGETS);
    let server = catalogue(BOTH);
    run(&sandbox, &server, &["sync"]).done();
    proxy.reset();
    let asked = server.asked().len();
    for arguments in [
        ["targets", "check"].as_slice(),
        &["targets", "check", "--frozen"],
        &["lock", "--check"],
        &["verify", "--offline"],
    ] {
        run(&sandbox, &server, arguments).done();
    }
    assert_eq!((proxy.requests(), server.asked().len()), (vec![], asked));
    sandbox.delete_cache();
    let offline = run(&sandbox, &server, &["targets", "check", "--offline"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&offline).replace(&server.host(), "HOST"), @"
    exit: 1
    --- stderr
    error: `http://127.0.0.1:[PORT]/envs/spin-up/spin-up@9.9.toml` is not in the local store, and `--offline` forbids requests

    hint: run once with network access, for example `spin-deps sync`
    ");
    // The digests bring back what was locked.
    run(&sandbox, &server, &["targets", "check", "--locked"]).done();
}

#[test]
fn a_lock_that_does_not_fit_the_targets_is_told() {
    let (_registry, sandbox) = stage();
    let server = catalogue(BOTH);
    sandbox.write("env.toml", BOTH);
    write_app(&sandbox, "{ path = \"env.toml\" }");
    run(&sandbox, &server, &["lock"]).done();
    write_app(&sandbox, "\"spin-up:9.9\"");
    let refused = run(&sandbox, &server, &["targets", "check", "--locked"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--locked` forbids to change it:
      - the target spin-up:9.9 is not locked
      - the environment env.toml is locked, but no longer a target

    hint: run `spin-deps lock` without `--locked` and commit spin-deps.lock
    ");
    let moved = run(&sandbox, &server, &["lock"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&moved), @"
    exit: 0
    --- stdout
    Locked 0 packages in spin-deps.lock
      add the environment spin-up:9.9
      remove the environment env.toml
    ");
    // The definition of a file is the project's; what it needs of registries is locked.
    write_app(&sandbox, "{ path = \"env.toml\" }");
    run(&sandbox, &server, &["lock"]).done();
    sandbox.write("env.toml", format!("# seen\n{BOTH}"));
    run(&sandbox, &server, &["lock", "--check"]).done();
    sandbox.write("env.toml", BOTH.replace("\"spin:up/http@1.0.0\"", "\"acme:edge/http@2.1.0\""));
    let refused = run(&sandbox, &server, &["lock", "--check"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--check` forbids to change it:
      - the target env.toml names other packages than are locked

    hint: run `spin-deps lock` without `--check` and commit spin-deps.lock
    ");
}

#[test]
fn a_definition_moves_when_it_is_asked_to() {
    let (_registry, sandbox) = stage();
    let before = catalogue("[triggers.http]\nworlds = [\"spin:up/http@1.0.0\"]\n");
    write_app(&sandbox, "\"spin-up:9.9\"");
    run(&sandbox, &before, &["sync"]).done();
    let lock = sandbox.read("spin-deps.lock");
    let after = catalogue("[triggers.http]\nworlds = [\"spin:up/http-async@1.0.0\"]\n");
    // What is locked is there still.
    run(&sandbox, &after, &["targets", "check"]).done();
    run(&sandbox, &after, &["update"]).done();
    assert_eq!(sandbox.read("spin-deps.lock"), lock);
    let refused = run(&sandbox, &after, &["targets", "update", "--locked"]).failed();
    assert!(refused.stderr.contains("--locked"), "{}", refused.stderr);
    assert_eq!(sandbox.read("spin-deps.lock"), lock);
    let moved = run(&sandbox, &after, &["targets", "update"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&moved), @"
    exit: 0
    --- stdout
    Updated spin-up:9.9
    Wrote spin-deps.lock
    ");
    assert_ne!(sandbox.read("spin-deps.lock"), lock);
    run(&sandbox, &after, &["targets", "check"]).failed();
    let again = run(&sandbox, &after, &["targets", "update"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&again), @"
    exit: 0
    --- stdout
    Unchanged spin-up:9.9
    ");
    // On another machine, what is locked is not there any more.
    sandbox.write("spin-deps.lock", &lock);
    sandbox.delete_cache();
    let gone = run(&sandbox, &after, &["targets", "check"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&gone), @"
    exit: 1
    --- stderr
    error: the environment `spin-up:9.9` cannot be used: its definition is not the one that is locked any more

    hint: `spin-deps targets update` locks the one that is there now
    ");
}

#[test]
fn a_definition_by_url_is_pinned_as_well() {
    let (_registry, sandbox) = stage();
    let server = catalogue(BOTH);
    write_app(&sandbox, &format!("{{ url = \"{}\" }}", server.url("/env.toml")));
    run(&sandbox, &server, &["targets", "check"]).done();
    let lock = sandbox.read("spin-deps.lock");
    assert!(lock.contains(&format!("url = \"{}\"\ndigest = ", server.url("/env.toml"))), "{lock}");
    assert_eq!(server.asked().len(), 1);
}
