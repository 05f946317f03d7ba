//! `add` and `remove`: what they write into spin.toml and what they say about it.
//!
//! Every form of source is added and removed again. What stands in the file around the entry belongs to its author:
//! not one byte of it may change, and what `add` made `remove` takes away without a trace.

mod dependencies;
mod middleware;
mod others_bytes;

use spin_deps_fixtures::library::chain;

use crate::support::library::{base, middle};
use crate::support::snapshot;
use crate::support::world::{Sandbox, manifest};

/// A project with the component `app`, which imports `acme:base/api@1.0.0` and has no dependency yet, and a folder of
/// releases.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    for version in ["1.0.0", "1.1.0", "1.2.0-rc.1", "2.0.0"] {
        sandbox.publish(&base(version));
    }
    sandbox.publish(&middle("1.0.0"));
    sandbox.write_app(&[("acme:base", "1.0.0")], "", "");
    sandbox
}

/// Runs `add` and gives what it printed and what it wrote into the manifest.
#[track_caller]
fn add(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let before = sandbox.read("spin.toml");
    let arguments = [&["add"], arguments].concat();
    let run = sandbox.run(&arguments).done();
    let after = sandbox.read("spin.toml");
    let added: Vec<_> = after.lines().filter(|line| !before.contains(line)).collect();
    let added = snapshot::filter(&added.join("\n"), sandbox.root());
    format!("{}--- spin.toml\n{added}\n", sandbox.snapshot(&run))
}

/// Lets the app expect `answer` to `/x` and verifies it.
#[track_caller]
fn answers(sandbox: &Sandbox, answer: &str) {
    let before = sandbox.read("spin.toml");
    let expected = toml_edit::Value::from(answer).to_string();
    sandbox.write("spin.toml", before.replace("body = \"\"", &format!("body = {}", expected.trim())));
    let run = sandbox.run(&["verify"]).done();
    assert!(run.stdout.contains(answer), "{}", run.stdout);
    sandbox.write("spin.toml", before);
}

/// The manifest of an app without dependencies.
fn empty_manifest() -> String {
    manifest("", "")
}

/// A library that exports `api` under another package's name.
fn other() -> Vec<u8> {
    chain("acme:other", "1.0.0", &[])
}
