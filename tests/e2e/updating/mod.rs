//! Moving what is locked.

mod merging;
mod outdated;
mod update;

use spin_deps_fixtures::component;
use spin_deps_fixtures::library::{chain, described};

use crate::support::library::base;
use crate::support::world::{Sandbox, manifest};

/// The releases of the lockfile: `acme:base 1.0.0`.
fn locked(sandbox: &Sandbox) -> Vec<String> {
    let lock: toml_edit::DocumentMut = sandbox.read("spin-deps.lock").parse().expect("a lock in TOML");
    let packages = lock.get("package").and_then(|it| it.as_array_of_tables().cloned()).unwrap_or_default();
    let text = |package: &toml_edit::Table, key: &str| package[key].as_str().expect("a text").to_owned();
    packages.iter().map(|it| format!("{} {}", text(it, "name"), text(it, "version"))).collect()
}

/// A project without its component, for stories that end with the lockfile.
fn write_manifest(sandbox: &Sandbox, dependencies: &str) {
    sandbox.write("spin.toml", manifest(dependencies, ""));
}

/// A project that has locked `acme:middle` 1.0.0 and `acme:base` 1.0.0, and newer releases of both in the registry that
/// is configured: `acme:base` 1.1.0 and 2.0.0 and `acme:middle` 1.1.0, which any of the 1.x will do for.
fn behind(sandbox: &Sandbox) {
    sandbox.publish(&base("1.0.0"));
    sandbox.publish(&middle("1.0.0", "1.0.0"));
    write_manifest(sandbox, "\"acme:middle\" = \"^1\"");
    sandbox.run(&["lock"]).done();
    for bytes in [base("1.1.0"), base("2.0.0"), middle("1.1.0", "1.0.0")] {
        sandbox.publish(&bytes);
    }
    assert_eq!(locked(sandbox), ["acme:base 1.0.0", "acme:middle 1.0.0"]);
}

/// A release of `acme:middle` that imports `acme:base/api` at the version `base`.
fn middle(version: &str, base: &str) -> Vec<u8> {
    chain("acme:middle", version, &[("acme:base", base)])
}

/// A library with one interface of functions from number to number, each with the type of the number.
fn numbers(package: &str, version: &str, functions: &[(&str, &str)]) -> Vec<u8> {
    let name = package.rsplit(':').next().expect("a package's name");
    let declared: Vec<_> = functions
        .iter()
        .map(|(name, number)| format!("{name}: func(input: {number}) -> {number};"))
        .collect();
    let wit = format!(
        "package {package}@{version};\ninterface {name} {{ {} }}\nworld library {{ export {name}; }}",
        declared.join(" ")
    );
    let exports: Vec<_> = functions
        .iter()
        .map(|(function, number)| {
            let core = if *number == "u64" { "i64" } else { "i32" };
            format!("(func (export \"{package}/{name}@{version}#{function}\") (param {core}) (result {core}) (local.get 0))")
        })
        .collect();
    let bytes = component(&wit, "library", &format!("(module {})", exports.join("\n")));
    described(&bytes.expect("a component"), package, version, "Numbers").expect("a component")
}

/// Runs a command that must fail and must not change a byte of the project; gives what it said.
#[track_caller]
fn refused(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let before = sandbox.files();
    let run = sandbox.run(arguments);
    assert_ne!(run.code, Some(0), "`{}` was done:\n{}{}", arguments.join(" "), run.stdout, run.stderr);
    assert!(sandbox.files() == before, "`{}` left something behind", arguments.join(" "));
    format!("$ {}\n{}", arguments.join(" "), sandbox.snapshot(&run))
}

/// Runs a command that must succeed, and gives what it said.
#[track_caller]
fn done(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let run = sandbox.run(arguments).done();
    format!("$ {}\n{}", arguments.join(" "), sandbox.snapshot(&run))
}
