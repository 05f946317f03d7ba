//! What goes wrong, and what it looks like: a message in the user's words, the place, a hint, exit code 1, and not one
//! changed byte in the project.

mod a_digest_does_not_match;
mod a_name;
mod no_component;
mod the_answer;
mod the_artifact;
mod the_command;
mod the_dependencies;
mod the_lock;
mod the_manifest;
mod the_registry;

use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, publish_all};
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// Runs a command that has to be refused, asserts what holds for every refusal, and gives its text.
#[track_caller]
fn refused(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let text = refused_without_advice(sandbox, arguments);
    assert!(text.contains("hint: "), "what to do next is missing:\n{text}");
    text
}

/// The same where there is nothing to advise: the message says it all.
#[track_caller]
fn refused_without_advice(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let before = sandbox.files();
    let run = sandbox.run(arguments).failed().without_report();
    let after = sandbox.files();
    for name in before.keys().chain(after.keys()) {
        assert!(
            before.get(name) == after.get(name),
            "{name} was changed by a command that was refused:\n{}",
            run.stderr
        );
    }
    assert_eq!(run.stdout, "", "an error is no result");
    sandbox.snapshot(&run)
}

/// A registry with the usual releases, and a project that uses them.
fn usual() -> (Registry, Sandbox) {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    (registry, sandbox)
}

/// The same, locked and fetched, and then as on a machine that has the lock only.
fn usual_locked() -> (Registry, Sandbox) {
    let (registry, sandbox) = usual();
    sandbox.run(&["sync"]).done();
    sandbox.delete_cache();
    (registry, sandbox)
}

/// A project whose dependency is `./dependency.wasm`.
fn with_file(bytes: &[u8]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = { path = \"dependency.wasm\" }", "");
    sandbox.write("dependency.wasm", bytes);
    sandbox
}

/// A project with a manifest that is refused before anything else is looked at.
fn with_manifest(text: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("spin.toml", text);
    sandbox
}
