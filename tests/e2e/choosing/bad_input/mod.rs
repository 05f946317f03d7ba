//! Circles, contradictions, far too much of everything.
//!
//! Most of it is put into a folder of releases by hand, past the checks of `publish`: a registry may hold anything.

mod changes;
mod circles;
mod masses;
mod requirements;

use std::path::PathBuf;

use crate::support::world::{REGISTRY, Run, Sandbox};

/// A sandbox with an empty folder as its registry.
fn with_folder() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox
}

/// The folder of a package of the namespace `acme`.
fn folder(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.root().join("folders").join(REGISTRY).join("acme").join(name)
}

/// Puts a release into the folder, whatever it is.
fn put(sandbox: &Sandbox, name: &str, version: &str, bytes: &[u8]) {
    let folder = folder(sandbox, name);
    fs_err::create_dir_all(&folder).expect("a package's folder");
    fs_err::write(folder.join(format!("{version}.wasm")), bytes).expect("a release");
}

/// Runs a command that has to be refused and to leave the project as it is.
#[track_caller]
fn refused(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let before = sandbox.files();
    let run = sandbox.run(arguments).failed();
    assert!(sandbox.files() == before, "a refused command changed the project:\n{}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    sandbox.snapshot(&run)
}

/// Runs a command on far too much of something: it has to end by itself, before the patience of the tests does.
#[track_caller]
fn in_time(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let run = sandbox.run(arguments);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}
