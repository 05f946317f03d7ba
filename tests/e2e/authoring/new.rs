//! `new`: what it makes is built by the compilers themselves, published, used in an app and asked.

use std::process::Command;

use spin_deps_fixtures::http::p3_app;

use crate::support::{
    terminal::Terminal,
    toolchains::{source_of, with_toolchains, zig},
    world::Sandbox,
};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox
}

/// A command in the folder of a new project, with all compilers on its search path.
fn command(sandbox: &Sandbox, folder: &str, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    command.current_dir(sandbox.project().join(folder));
    with_toolchains(&mut command);
    command.env("WASI_CC", format!("{} cc", zig().display()));
    // What was fetched with the toolchains has to do.
    command.envs([("CARGO_NET_OFFLINE", "true"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local")]);
    command.env("GOCACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/GOCACHE"));
    // The standard library is compiled once for all.
    command.env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/new"));
    command
}

/// Makes a project and what its toolchain fetches, and builds it.
fn built(kind: &str, name: &str, language: &str) -> Sandbox {
    let sandbox = sandbox();
    sandbox.run(&["new", kind, name, "--lang", language]).done();
    let (_, folder) = name.split_once(':').expect("a package");
    if language == "js" {
        let modules = crate::support::toolchains::toolchain("componentize-js");
        let modules = modules.ancestors().nth(2).expect("node_modules");
        std::os::unix::fs::symlink(modules, sandbox.project().join(folder).join("node_modules"))
            .expect("a link");
    }
    if language == "go" {
        // Where the module proxy would be asked: what the bindings refer to comes with their generator.
        let module = format!("{folder}/go.mod");
        let replaced = format!(
            "replace go.bytecodealliance.org/pkg => {}/src/pkg",
            source_of("wit-bindgen-go", "0.60.")
        );
        sandbox.write(&module, format!("{}\n{replaced}\n", sandbox.read(&module)));
    }
    Sandbox::run_command(&mut command(&sandbox, folder, &["build"])).done();
    Sandbox::run_command(&mut command(&sandbox, folder, &["verify"])).done();
    sandbox
}

/// A library of the template is published, added to the project of another component, and composed with what calls it.
fn is_a_library(language: &str) {
    let sandbox = built("library", "acme:hello-all", language);
    Sandbox::run_command(&mut command(&sandbox, "hello-all", &["publish"])).done();
    sandbox.write(
        "component.toml",
        "component_manifest_version = 1\n[component]\nname = \"acme:caller\"\nsource = \"caller.wasm\"\n",
    );
    sandbox.write("caller.wasm", caller());
    sandbox.run(&["add", "acme:hello-all"]).done();
    let composed = sandbox.run(&["verify", "-v"]).done().stdout;
    assert!(composed.contains("acme:hello-all/greet@0.1.0 → acme:hello-all@0.1.0"), "{composed}");
}

/// A component that calls `acme:hello-all/greet`.
fn caller() -> Vec<u8> {
    spin_deps_fixtures::component(
        "package acme:caller;
         world caller { import acme:hello-all/greet@0.1.0; export run: func(); }
         package acme:hello-all@0.1.0 { interface greet { greet: func(name: string) -> string; } }",
        "caller",
        r#"(module
             (import "acme:hello-all/greet@0.1.0" "greet" (func $greet (param i32 i32 i32)))
             (memory (export "memory") 1)
             (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
             (func (export "run") (call $greet (i32.const 0) (i32.const 0) (i32.const 16))))"#,
    )
    .expect("a component")
}

/// Middleware of the template is put before an app, which answers as before with a header more.
///
/// It is granted nothing: Python, which imports all that it could ever use, does without.
fn is_middleware(language: &str) {
    let sandbox = built("middleware", "acme:stamp", language);
    Sandbox::run_command(&mut command(&sandbox, "stamp", &["publish"])).done();
    sandbox.write("app.wasm", p3_app(&[]));
    sandbox.write(
        "spin.toml",
        r#"spin_manifest_version = 2

[application]
name = "demo"

[[application.tool.deps.verify.requests]]
path = "/x"
expect = { status = 200, body = "path: /x", headers = { x-middleware = "acme:stamp" } }

[[trigger.http]]
route = "/..."
component = "app"

[component.app]
source = "app.wasm"
"#,
    );
    sandbox.run(&["add", "acme:stamp", "--route", "/...", "--inherit", "none"]).done();
    sandbox.run(&["verify"]).done();
}

#[test]
fn a_library_in_go() {
    is_a_library("go");
}

#[test]
fn a_library_in_rust() {
    is_a_library("rust");
}

#[test]
fn a_library_in_javascript() {
    is_a_library("js");
}

#[test]
fn a_library_in_python() {
    is_a_library("python");
}

#[test]
fn a_library_in_c() {
    is_a_library("c");
}

#[test]
fn middleware_in_rust() {
    is_middleware("rust");
}

#[test]
fn middleware_in_python() {
    is_middleware("python");
}

#[test]
fn middleware_in_c() {
    is_middleware("c");
}

#[test]
fn what_is_made_is_said_and_what_comes_next() {
    let sandbox = sandbox();
    let run = sandbox.run(&["new", "library", "acme:hello", "--lang", "rust"]);
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Made acme:hello in hello
      .gitignore
      Cargo.toml
      README.md
      component.toml
      src/lib.rs
      wit/world.wit
    --- stderr
    Next:
      cd hello
      rustup target add wasm32-unknown-unknown
      spin-deps build
      spin-deps publish
    ");
    insta::assert_snapshot!(sandbox.read("hello/component.toml"), @r#"
    component_manifest_version = 1

    [component]
    name = "acme:hello"
    source = "hello.wasm"
    version = "0.1.0"

    [build]
    command = [
      "cargo build --release --target wasm32-unknown-unknown",
      "spin-deps componentize ${CARGO_TARGET_DIR:-target}/wasm32-unknown-unknown/release/hello.wasm -o hello.wasm",
    ]
    watch = ["src/**/*.rs", "Cargo.toml", "wit/**/*.wit"]
    "#);
    insta::assert_snapshot!(sandbox.read("hello/README.md"), @"
    # acme:hello

    A library component in Rust. Its interfaces are in `wit/`, its dependencies in `component.toml`.

        rustup target add wasm32-unknown-unknown  # once
        spin-deps build                           # makes the component
        spin-deps publish                         # publishes it; see `spin-deps publish --help`
    ");
    let run = sandbox.run(&["new", "middleware", "acme:stamp", "--lang", "c", "--dir", "a/b"]);
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Made acme:stamp in a/b
      .gitignore
      README.md
      component.c
      component.toml
      wit/deps/wasi-cli-0.3.0/package.wit
      wit/deps/wasi-clocks-0.3.0/package.wit
      wit/deps/wasi-filesystem-0.3.0/package.wit
      wit/deps/wasi-http-0.3.0/package.wit
      wit/deps/wasi-random-0.3.0/package.wit
      wit/deps/wasi-sockets-0.3.0/package.wit
      wit/world.wit
    --- stderr
    Next:
      cd a/b
      spin-deps build
      spin-deps publish
    ");
    insta::assert_snapshot!(sandbox.read("a/b/component.toml"), @r#"
    component_manifest_version = 1

    [component]
    name = "acme:stamp"
    source = "stamp.wasm"
    version = "0.1.0"

    [build]
    command = [
      "${WASI_CC:-clang} --target=wasm32-wasi -mexec-model=reactor -O2 -s -Ispin_dependencies component.c spin_dependencies/middleware.c -o stamp.core.wasm",
      "spin-deps componentize stamp.core.wasm -o stamp.wasm",
    ]
    watch = ["**/*.c", "**/*.h", "wit/**/*.wit"]

    [tool.deps]
    bindings = "c"
    "#);
    let before = sandbox.files();
    let run = sandbox.run(&["new", "library", "acme:go-on", "--lang", "go", "--dry-run"]);
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Would make acme:go-on in go-on
      .gitignore
      README.md
      component.toml
      go.mod
      main.go
      spin_dependencies/export_acme_go_on_greet/greet.go
      wit/world.wit
    ");
    assert_eq!(sandbox.files(), before);
}

/// A name that a language or WIT keeps for itself.
#[test]
fn a_name_that_is_a_keyword() {
    let sandbox = sandbox();
    sandbox.run(&["new", "library", "acme:type", "--lang", "rust"]).done();
    assert!(sandbox.read("type/wit/world.wit").starts_with("package acme:%type@0.1.0;\n"));
    assert!(sandbox.read("type/src/lib.rs").contains("use exports::acme::type_::greet::Guest;"));
    Sandbox::run_command(&mut command(&sandbox, "type", &["sync"])).done();
}

#[test]
fn what_cannot_be_made_is_refused_and_nothing_written() {
    let sandbox = sandbox();
    sandbox.write("hello/notes.txt", "mine");
    sandbox.write("file", "mine");
    let before = sandbox.files();
    let mut shown = Vec::new();
    for arguments in [
        "library acme:hello --lang rust",
        "library acme:hello --lang rust --dir file",
        "library hello --lang rust",
        "library acme:Hello_World --lang rust",
        "library acme:hey --lang rsut",
        "library acme:hey --lang csharp",
        "middleware acme:hey --lang js",
        "middleware acme:hey --lang go",
        "library acme:hey",
        "library",
    ] {
        let arguments: Vec<_> = ["new"].into_iter().chain(arguments.split(' ')).collect();
        let run = sandbox.run(&arguments);
        assert!(matches!(run.code, Some(1 | 2)), "{run:?}");
        shown.push(format!("$ spin-deps {}\n{}\n", arguments.join(" "), run.stderr));
    }
    insta::assert_snapshot!(shown.concat(), @"
    $ spin-deps new library acme:hello --lang rust
    error: there is something in `hello` already

    hint: name another folder with `--dir`

    $ spin-deps new library acme:hello --lang rust --dir file
    error: there is something in `file` already

    hint: name another folder with `--dir`

    $ spin-deps new library hello --lang rust
    error: `hello` is not the name of a package

    hint: a package has a namespace and a name, in lower case: `acme:hello`

    $ spin-deps new library acme:Hello_World --lang rust
    error: `acme:Hello_World` is not the name of a package

    hint: a package has a namespace and a name, in lower case: `acme:hello`

    $ spin-deps new library acme:hey --lang rsut
    error: there is no library in `rsut`

    hint: did you mean `rust`?

    $ spin-deps new library acme:hey --lang csharp
    error: there is no library in csharp

    hint: there are `rust`, `js`, `python`, `c`, `go`

    $ spin-deps new middleware acme:hey --lang js
    error: middleware cannot be written in js: what makes components of it has no asynchronous imports, and the next handler is one

    hint: there are `rust`, `python`, `c`

    $ spin-deps new middleware acme:hey --lang go
    error: there is no middleware in go

    hint: there are `rust`, `python`, `c`

    $ spin-deps new library acme:hey
    error: the language of the component is not said

    hint: name it with `--lang`: `rust`, `js`, `python`, `c`, `go`

    $ spin-deps new library
    error: the package is not named

    hint: name it: `spin-deps new library acme:hello`
    ");
    sandbox.run(&["new", "libary", "acme:hey"]).misused();
    assert_eq!(sandbox.files(), before);
}

#[test]
fn what_is_missing_is_asked_for_in_a_terminal() {
    let sandbox = sandbox();
    let mut terminal = Terminal::start(&mut sandbox.command(&["new"]));
    terminal.wait_for("Package");
    terminal.type_in("acme:stamp\r");
    terminal.wait_for("What is it for?");
    terminal.type_in("\u{1b}[B\r");
    terminal.wait_for("In which language?");
    terminal.type_in("\u{1b}[B\r");
    let (code, screen, _) = terminal.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert!(sandbox.read("stamp/app.py").contains("acme:stamp"));
    // Ctrl-C leaves nothing behind.
    let mut terminal = Terminal::start(&mut sandbox.command(&["new", "library", "acme:other"]));
    terminal.wait_for("In which language?");
    terminal.interrupt();
    let (code, screen, shows_typing) = terminal.finish();
    assert_ne!(code, Some(0), "{screen}");
    assert!(shows_typing);
    assert!(!sandbox.project().join("other").exists());
}

#[test]
fn without_a_compiler_the_build_says_what_is_missing() {
    let sandbox = sandbox();
    sandbox.run(&["new", "library", "acme:hello", "--lang", "python"]).done();
    let mut command = sandbox.command(&["build"]);
    command.current_dir(sandbox.project().join("hello")).env("PATH", "/usr/bin:/bin");
    let run = Sandbox::run_command(&mut command).failed();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 1
    --- stderr
    warning: the component `hello` is left without bindings: `componentize-py` is not installed, which is needed to make bindings for Python; with `bindings = false` in its `tool.deps` none are looked for
    [hello] componentize-py -d wit -w library componentize --stub-wasi app -o hello.wasm
    [hello] sh: 1: componentize-py: not found
    error: the build of `hello` failed: `componentize-py -d wit -w library componentize --stub-wasi app -o hello.wasm` ended with status 127

    hint: install `componentize-py`, or put it on the search path
    ");
}
