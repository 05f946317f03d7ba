//! One resolve over several registries, and what keeps a package where it was found: the mapping and, for warg, the keys
//! that the lock records.

mod confusion;
mod http;
mod one_resolve;
mod signers;
mod warg;

use crate::support::world::{Run, Sandbox};

/// Runs commands that have to be refused, each without a changed byte in the project, and gives the one text that all of
/// them show.
#[track_caller]
fn all_refused(sandbox: &Sandbox, commands: &[&[&str]]) -> String {
    let before = sandbox.files();
    let mut shown: Option<String> = None;
    for arguments in commands {
        let run: Run = sandbox.run(arguments).failed().without_report();
        assert_eq!(run.stdout, "", "an error is no result");
        assert!(sandbox.files() == before, "{arguments:?} changed the project");
        let text = sandbox.snapshot(&run);
        assert_eq!(*shown.get_or_insert_with(|| text.clone()), text, "{arguments:?} says something else");
    }
    shown.expect("at least one command")
}

/// The releases in the lock, each as `name version registry`.
pub(crate) fn locked(sandbox: &Sandbox) -> Vec<String> {
    let lock: toml_edit::DocumentMut = sandbox.read("spin-deps.lock").parse().expect("a lock in TOML");
    let Some(packages) = lock.get("package").and_then(|packages| packages.as_array_of_tables()) else {
        return Vec::new();
    };
    let field = |package: &toml_edit::Table, key: &str| package[key].as_str().expect("a text").to_owned();
    packages
        .iter()
        .map(|package| ["name", "version", "registry"].map(|key| field(package, key)).join(" "))
        .collect()
}

/// Takes the entries of these packages out of the lock, as somebody does who follows the hint.
fn remove_from_lock(sandbox: &Sandbox, names: &[&str]) {
    let mut lock: toml_edit::DocumentMut = sandbox.read("spin-deps.lock").parse().expect("a lock in TOML");
    let packages = lock["package"].as_array_of_tables_mut().expect("packages in the lock");
    let before = packages.len();
    packages.retain(|package| !names.contains(&package["name"].as_str().expect("a name")));
    assert_eq!(before - packages.len(), names.len(), "the lock has these packages once each");
    sandbox.write("spin-deps.lock", lock.to_string());
}
