//! `examples/polyglot` as its page tells it: built from source by the compilers of four languages.

use std::path::{Path, PathBuf};

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
    let example: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/polyglot");
    copy(&example, sandbox.project());

    let published = compile(&sandbox, &["publish", "-q"]);
    insta::assert_snapshot!(sandbox.snapshot(&published), @"");
    let built = compile(&sandbox, &["-f", "app", "build", "-q"]);
    insta::assert_snapshot!(sandbox.snapshot(&built), @"");
    let verified = compile(&sandbox, &["-f", "app", "verify"]);
    insta::assert_snapshot!(sandbox.snapshot(&verified), @"");

    // A new release of what the app does not even name, in C, is taken up without any compiler but its own.
    let manifest = sandbox.read("stats/component.toml").replace("\"1.0.0\"", "\"1.1.0\"");
    sandbox.write("stats/component.toml", manifest);
    let code = sandbox.read("stats/stats.c").replace("in_word = !is_space(byte);", "in_word = true;");
    sandbox.write("stats/stats.c", code);
    compile(&sandbox, &["publish", "-q", "stats"]);
    compile(&sandbox, &["-f", "app", "update", "-q"]);
    let miscounted =
        Sandbox::run_compiling(&mut sandbox.command(&["-f", "app", "verify", "--frozen"])).failed();
    assert!(miscounted.stdout.contains("words: 1, now 1; characters: 19, now 21"), "{}", miscounted.stdout);
}
