//! `build`: the commands of the manifest, in the right order and place, and what they left.

use std::{path::Path, process::Command};

use spin_deps_fixtures::{component, http::p2_app, library::Library, module};

use crate::support::{DEADLINE, process::Process, world::Sandbox};

const HASH: Library<'_> = Library {
    package: "acme:hash",
    version: "1.0.0",
    interface: "api",
    function: "call",
    imports: Vec::new(),
    prefix: "hash",
};

/// An app of one component, `app`, whose table goes on with `build`. Its file is not there; `built.wasm` is what it should
/// be.
fn app(build: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("built.wasm", p2_app(&[]));
    sandbox.write(
        "spin.toml",
        format!(
            "spin_manifest_version = 2\n\n[application]\nname = \"demo\"\n\n[[trigger.http]]\nroute = \"/...\"\n\
             component = \"app\"\n\n[component.app]\nsource = \"app.wasm\"\n{build}\n"
        ),
    );
    sandbox
}

#[test]
fn what_others_depend_on_is_built_first_each_in_its_place() {
    let sandbox = Sandbox::new();
    sandbox.write("spin.toml", include_str!("two.toml"));
    sandbox.write("app/app.built.wasm", p2_app(&[("acme:hash", "1.0.0")]));
    sandbox.write("hash/hash.module.wasm", module(&HASH.wat()).expect("a module"));
    sandbox.write("hash/wit/hash.wit", HASH.wit());
    let built = sandbox.run(&["build"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&built), @"
    exit: 0
    --- stdout
    Built hash in [TIME]: hash/hash.wasm, [SIZE] bytes
    Built app in [TIME]: app/app.wasm, [SIZE] bytes
    --- stderr
    [hash] spin-deps componentize hash.module.wasm --wit wit -o hash.wasm
    [hash] Made hash.wasm, [SIZE] bytes
    [app] cp spin-dependencies.wit seen.wit
    [app] cp app.built.wasm app.wasm
    ");
    // The WIT of a component that was not built before was there when it was needed.
    assert!(sandbox.read("app/seen.wit").contains("acme:hash/api@1.0.0"), "{}", sandbox.read("app/seen.wit"));
    let expected = component(&HASH.wit(), "library", &HASH.wat()).expect("a component");
    assert_eq!(sandbox.files()["hash/hash.wasm"], expected);
    sandbox.run(&["verify"]).done();

    let one = sandbox.run(&["build", "hash", "--no-sync", "--format", "json"]).done();
    assert_eq!(one.stderr, "", "nothing but the result is said to a script");
    let one = one.json();
    assert_eq!((&one["sync"], one["built"].as_array().map(Vec::len)), (&serde_json::Value::Null, Some(1)));
    assert_eq!(
        (&one["built"][0]["component"], &one["built"][0]["size"]),
        (&"hash".into(), &expected.len().into())
    );
    let unknown = sandbox.run(&["build", "hasch"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&unknown), @"
    exit: 1
    --- stderr
    error: the app has no component `hasch`

    hint: did you mean `hash`?
    ");
}

#[test]
fn a_command_that_fails_is_shown_once_with_what_it_printed() {
    let sandbox = app(r#"build.command = ["echo fine", "echo wrong here >&2; exit 7", "echo never"]"#);
    let before = sandbox.files();
    let failed = |more: &[&str]| sandbox.snapshot(&sandbox.run(&[&["build"], more].concat()).failed());
    insta::assert_snapshot!(failed(&[]), @"
    exit: 1
    --- stderr
    [app] echo fine
    [app] fine
    [app] echo wrong here >&2; exit 7
    [app] wrong here
    error: the build of `app` failed: `echo wrong here >&2; exit 7` ended with status 7
    ");
    insta::assert_snapshot!(failed(&["--quiet"]), @"
    exit: 1
    --- stderr
    error: the build of `app` failed: `echo wrong here >&2; exit 7` ended with status 7
    wrong here
    ");
    insta::assert_snapshot!(failed(&["--format", "json"]), @r#"
    exit: 1
    --- stderr
    {
      "error": {
        "causes": [],
        "hint": null,
        "message": "the build of `app` failed: `echo wrong here >&2; exit 7` ended with status 7\nwrong here"
      }
    }
    "#);
    assert_eq!(sandbox.files(), before);

    let killed = app(r#"build.command = "kill -9 $$""#);
    insta::assert_snapshot!(killed.snapshot(&killed.run(&["build"]).failed()), @"
    exit: 1
    --- stderr
    [app] kill -9 $$
    error: the build of `app` failed: `kill -9 $$` ended with signal 9
    ");
    let hostile = app(r#"build.command = "printf '\\033[2Jcleared\\n'; false""#);
    insta::assert_snapshot!(hostile.snapshot(&hostile.run(&["build"]).failed()), @r"
    exit: 1
    --- stderr
    [app] printf '\033[2Jcleared\n'; false
    [app] �[2Jcleared
    error: the build of `app` failed: `printf '\033[2Jcleared\n'; false` ended with status 1
    ");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let sandbox = app(r#"build.command = "nozig cc app.c""#);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["build", "-q"]).failed()), @"
    exit: 1
    --- stderr
    error: the build of `app` failed: `nozig cc app.c` ended with status 127
    sh: 1: nozig: not found

    hint: install `nozig`, or put it on the search path
    ");
}

#[test]
fn what_a_build_left_must_be_a_component() {
    let build = |command: &str, source: &str| {
        let sandbox = app(&format!("build.command = '''{command}'''"));
        sandbox.write("module.wasm", module("(module)").expect("a module"));
        let manifest = sandbox.read("spin.toml").replace("app.wasm", source);
        sandbox.write("spin.toml", manifest);
        sandbox.snapshot(&sandbox.run(&["build", "-q"]).failed())
    };
    insta::assert_snapshot!(build("true", "app.wasm"), @r#"
    exit: 1
    --- stderr
    error: the build of `app` succeeded, but app.wasm is not there
        ╭─[spin.toml:11:10]
     10 │ [component.app]
     11 │ source = "app.wasm"
        ·          ─────┬────
        ·               ╰── expected here
     12 │ build.command = '''true'''
        ╰────

    hint: let `source` name the file that the command makes, relative to the manifest
    "#);
    insta::assert_snapshot!(build("true", "module.wasm"), @r#"
    exit: 1
    --- stderr
    error: what the build of `app` left at module.wasm is a core module, but a component is needed
        ╭─[spin.toml:11:10]
     10 │ [component.app]
     11 │ source = "module.wasm"
        ·          ──────┬──────
        ·                ╰── expected here
     12 │ build.command = '''true'''
        ╰────

    hint: let the command end with `spin-deps componentize MODULE -o FILE`
    "#);
    insta::assert_snapshot!(build("echo '(component)' > app.wasm", "app.wasm"), @r#"
    exit: 1
    --- stderr
    error: what the build of `app` left at app.wasm: the file is not WebAssembly, it is text
        ╭─[spin.toml:11:10]
     10 │ [component.app]
     11 │ source = "app.wasm"
        ·          ─────┬────
        ·               ╰── expected here
     12 │ build.command = '''echo '(component)' > app.wasm'''
        ╰────

    hint: name the built component, a file that usually ends in `.wasm`
    "#);
}

#[test]
fn commands_run_where_spin_runs_them() {
    let elsewhere = Sandbox::with_project("some/app");
    elsewhere.write("../src/built.wasm", p2_app(&[]));
    let manifest = "build = { command = \"cp built.wasm ../app/app.wasm\", workdir = \"../src\" }";
    elsewhere.write("spin.toml", app(manifest).read("spin.toml"));
    elsewhere.run(&["build"]).done();

    let refused = |workdir: &str| {
        let sandbox = app(&format!("build = {{ command = \"true\", workdir = \"{workdir}\" }}"));
        sandbox.snapshot(&sandbox.run(&["build", "-q"]).failed())
    };
    insta::assert_snapshot!(refused("/srv"), @r#"
    exit: 1
    --- stderr
    error: the build directory of `app` is an absolute path
        ╭─[spin.toml:10:1]
      9 │
     10 │ [component.app]
        · ───────┬───────
        ·        ╰── built elsewhere
     11 │ source = "app.wasm"
        ╰────

    hint: `workdir` is relative to the directory of the manifest
    "#);
    insta::assert_snapshot!(refused("src"), @r#"
    exit: 1
    --- stderr
    error: the build directory of `app`, `src`, does not exist
        ╭─[spin.toml:10:1]
      9 │
     10 │ [component.app]
        · ───────┬───────
        ·        ╰── built there
     11 │ source = "app.wasm"
        ╰────
    "#);
}

#[test]
fn an_app_without_commands_has_nothing_to_build() {
    let sandbox = app("");
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["build"]).done()), @"
    exit: 0
    --- stdout
    Nothing to build: no component has a build command
    ");
}

/// Whether there is a process of this number.
fn is_alive(id: &str) -> bool {
    Command::new("kill").args(["-0", id]).output().expect("a program of every system").status.success()
}

/// The number that a process wrote into a file.
fn written(file: &Path) -> String {
    fs_err::read_to_string(file).expect("the number of a process").trim().to_owned()
}

#[test]
fn an_interrupt_ends_what_the_command_started() {
    let sandbox =
        app(r#"build.command = "sleep 1000 & echo $! > child; echo $$ > shell; echo waiting; wait""#);
    let mut build: Process = sandbox.start(&["build"]);
    build.wait_for(|line| line.contains("] waiting").then_some(()));
    let ids = ["child", "shell"].map(|name| written(&sandbox.project().join(name)));
    assert!(ids.iter().all(|id| is_alive(id)));
    build.interrupt();
    let ended = build.finish();
    assert_eq!(ended.status.code(), Some(130), "{}", ended.stderr);
    // It was sent its signal before the program ended; what is left is for the system to do.
    let start = std::time::Instant::now();
    while ids.iter().any(|id| is_alive(id)) {
        assert!(start.elapsed() < DEADLINE, "a command outlived its build");
        std::thread::yield_now();
    }
}

#[test]
fn what_a_command_leaves_running_is_not_waited_for() {
    let sandbox =
        app(r#"build.command = "cp built.wasm app.wasm; sleep 1000 & echo $! > child; echo the last line""#);
    let built = sandbox.run(&["build"]).done();
    assert!(built.stderr.ends_with("[app] the last line\n"), "{}", built.stderr);
    let child = written(&sandbox.project().join("child"));
    assert!(is_alive(&child), "it may go on, as a compiler's server does");
    Command::new("kill").arg(&child).status().expect("a program of every system");
}
