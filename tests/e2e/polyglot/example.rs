//! `examples/polyglot` as its page tells it: built from source by the compilers of four languages.

use std::path::Path;

use crate::support::toolchains::with_toolchains;
use crate::support::world::{Run, Sandbox};

/// What a build makes, which a clone does not have.
const MADE: [&str; 8] = [
    "registry",
    "target",
    "deps",
    "__pycache__",
    "spin_dependencies",
    "spin_dependencies.rs",
    "spin-dependencies.wit",
    "spin-deps.lock",
];

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).expect("a directory of the copy");
    for entry in fs_err::read_dir(from).expect("a directory of the example") {
        let entry = entry.expect("an entry of the example");
        let (name, path) = (entry.file_name(), entry.path());
        if MADE.iter().any(|made| name == *made) || path.extension().is_some_and(|it| it == "wasm") {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs_err::copy(path, to.join(name)).expect("a file of the copy");
        }
    }
}

fn compile(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    Sandbox::run_compiling(with_toolchains(&mut sandbox.command(arguments))).done()
}

#[test]
fn one_request_is_answered_in_four_languages() {
    let sandbox = Sandbox::with_project("polyglot");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/polyglot");
    copy(&example, sandbox.project());
    fs_err::create_dir(sandbox.project().join("registry")).expect("the registry's folder");

    let published = compile(&sandbox, &["publish", "-q"]).stdout;
    let releases: Vec<_> = published.lines().filter(|line| line.starts_with("Published")).collect();
    assert_eq!(releases.len(), 3, "{published}");
    compile(&sandbox, &["-f", "app", "build", "-q"]);
    let verified = compile(&sandbox, &["-f", "app", "verify", "-v"]);
    for shown in [
        "acme:changes@1.0.0: acme:stats/counter@1.0.0 → acme:stats@1.0.0",
        "app: acme:changes/words@1.0.0 → acme:changes@1.0.0",
        "app: acme:page/html@1.0.0 → acme:page@1.0.0",
        "2 answered as expected",
    ] {
        assert!(verified.stdout.contains(shown), "`{shown}` is not in\n{}", verified.stdout);
    }

    // A new release in C, of what the app does not even name, reaches it without any compiler but its own.
    let manifest = sandbox.read("stats/component.toml").replace("version = \"1.0.0\"", "version = \"1.1.0\"");
    sandbox.write("stats/component.toml", manifest);
    compile(&sandbox, &["publish", "stats", "-q"]);
    let updated = sandbox.run(&["-f", "app", "update", "--format", "json"]).done().json();
    assert!(updated.to_string().contains("1.1.0"), "{updated:#}");
    let tree = sandbox.run(&["-f", "app", "tree"]).done().stdout;
    assert!(tree.contains("acme:stats 1.1.0"), "{tree}");
}
