//! Which language, and what is said when it is none.

use insta::assert_snapshot;

use super::{ON_CLOCK, ON_RICH, app, generated};
use crate::support::world::Sandbox;

#[test]
fn a_folder_that_shows_no_language_gets_the_wit_only() {
    let sandbox = app(ON_RICH, "", &[]);
    sandbox.run(&["sync"]).done();
    assert!(sandbox.files().contains_key("api/spin-dependencies.wit"));
    assert_eq!(generated(&sandbox), [] as [&str; 0]);
    assert_snapshot!(sandbox.snapshot(&sandbox.run(&["bindings"]).done()), @"
    exit: 0
    --- stdout
    Locked nothing: the app needs no packages
    No component needs bindings
    ");
    assert_snapshot!(sandbox.snapshot(&sandbox.run(&["bindings", "api"]).misused()), @r#"
    exit: 2
    --- stderr
    error: nothing shows the language of the component `api`

    hint: name it with `--lang`, or once for all with `bindings = "…"` in its `tool.deps`: rust, js, python, go, c, cpp, csharp, moonbit
    "#);
    // What was asked for once stays.
    sandbox.run(&["bindings", "api", "--lang", "ts"]).done();
    sandbox.run(&["sync"]).done();
    assert!(generated(&sandbox).contains(&"api/spin_dependencies/root.d.ts".to_owned()));
}

#[test]
fn code_with_the_macro_of_the_sdk_gets_the_wit_only() {
    let package = ("Cargo.toml", "[package]\nname = \"api\"\n");
    let sandbox = app(ON_RICH, "", &[package, ("src/lib.rs", "spin_sdk::dependencies!();\n")]);
    sandbox.run(&["sync"]).done();
    assert_eq!(generated(&sandbox), [] as [&str; 0]);
    // Unless the manifest asks for it.
    super::write_manifest(&sandbox, ON_RICH, "tool.deps.bindings = \"rust\"");
    sandbox.run(&["sync"]).done();
    assert_eq!(generated(&sandbox), ["api/src/spin_dependencies.rs"]);
}

#[test]
fn names_that_are_none() {
    let sandbox = app(ON_RICH, "tool.deps.bindings = \"cobol\"", &[]);
    assert_snapshot!(sandbox.snapshot(&sandbox.run(&["sync"]).failed()), @r#"
    exit: 1
    --- stderr
    error: bindings for `cobol` cannot be generated
        ╭─[spin.toml:14:22]
     13 │ build = { command = "true", workdir = "api" }
     14 │ tool.deps.bindings = "cobol"
        ·                      ───┬───
        ·                         ╰── no such bindings
     15 │
        ╰────

    hint: there are `rust`, `js`, `python`, `go`, `c`, `cpp`, `csharp`, `moonbit`
    "#);
    assert_snapshot!(sandbox.snapshot(&sandbox.run(&["bindings", "--lang", "rusty"]).misused()), @"
    exit: 2
    --- stderr
    error: invalid value 'rusty' for '--lang <LANGUAGE>': bindings for `rusty` cannot be generated

    For more information, try '--help'.
    ");
    assert_snapshot!(sandbox.snapshot(&sandbox.run(&["bindings", "apo"]).failed()), @"
    exit: 1
    --- stderr
    error: the app has no component `apo`

    hint: did you mean `api`?
    ");
    let sandbox = app(ON_RICH, "tool.deps.bindings = { language = \"c\", path = \"/etc\" }", &[]);
    assert_snapshot!(sandbox.snapshot(&sandbox.run(&["sync"]).failed()), @r#"
    exit: 1
    --- stderr
    error: invalid path `/etc`: it must lead to a folder within the component's own
        ╭─[spin.toml:14:47]
     13 │ build = { command = "true", workdir = "api" }
     14 │ tool.deps.bindings = { language = "c", path = "/etc" }
        ·                                               ───┬──
        ·                                                  ╰── not a valid path
     15 │
        ╰────
    "#);
}

#[test]
fn a_package_json_that_is_not_json() {
    let sandbox = app(ON_RICH, "", &[("package.json", "{\n  \"name\": \"api\",\n}\n")]);
    let before = sandbox.files();
    assert_snapshot!(sandbox.snapshot(&sandbox.run(&["sync"]).failed()), @r#"
    exit: 1
    --- stderr
    error: package.json is not JSON: trailing comma at line 3 column 1
       ╭─[api/package.json:3:1]
     2 │   "name": "api",
     3 │ }
       · ┬
       · ╰── here
       ╰────
    "#);
    assert!(before == sandbox.files());
}

/// A search path without any of the programs that bindings may need.
fn run_without_programs(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let mut command = sandbox.command(arguments);
    command.env("PATH", sandbox.root().join("nothing"));
    sandbox.snapshot(&Sandbox::run_command(&mut command))
}

#[test]
fn no_componentize_py() {
    let sandbox = app(ON_RICH, "", &[("pyproject.toml", "")]);
    // What was only found out is left out with a warning, what was asked for is an error.
    assert_snapshot!(run_without_programs(&sandbox, &["sync"]), @"
    exit: 0
    --- stdout
    Locked nothing: the app needs no packages
    Checked 0 packages against their digests
    Wrote api/spin-dependencies.wit
    --- stderr
    warning: the component `api` is left without bindings: `componentize-py` is not installed, which is needed to make bindings for Python; with `bindings = false` in its `tool.deps` none are looked for
    ");
    assert_snapshot!(run_without_programs(&sandbox, &["bindings"]), @"
    exit: 1
    --- stderr
    error: `componentize-py` is not installed, which is needed to make bindings for Python

    hint: install it with `pip install componentize-py`, or leave these bindings out with `bindings = false` in the component's `tool.deps`
    ");
    super::write_manifest(&sandbox, ON_RICH, "tool.deps.bindings = \"python\"");
    assert_snapshot!(run_without_programs(&sandbox, &["sync"]), @"
    exit: 1
    --- stderr
    error: `componentize-py` is not installed, which is needed to make bindings for Python

    hint: install it with `pip install componentize-py`, or leave these bindings out with `bindings = false` in the component's `tool.deps`
    ");
    super::write_manifest(&sandbox, ON_RICH, "tool.deps.bindings = false");
    assert_snapshot!(run_without_programs(&sandbox, &["sync"]), @"
    exit: 0
    --- stdout
    Locked nothing: the app needs no packages
    Checked 0 packages against their digests
    ");
}

#[test]
fn a_generator_that_cannot_express_it() {
    let sandbox = app(ON_CLOCK, "", &[("CMakeLists.txt", ""), ("main.cpp", "")]);
    assert_snapshot!(sandbox.snapshot(&sandbox.run(&["sync"]).done()), @"
    exit: 0
    --- stdout
    Locked nothing: the app needs no packages
    Checked 0 packages against their digests
    Wrote api/spin-dependencies.wit
    --- stderr
    warning: the component `api` is left without bindings: bindings for `cpp` cannot be made of this WIT: it has an asynchronous function, a stream or a future; with `bindings = false` in its `tool.deps` none are looked for
    ");
    assert_snapshot!(sandbox.snapshot(&sandbox.run(&["bindings", "api"]).failed()), @"
    exit: 1
    --- stderr
    error: bindings for `cpp` cannot be made of this WIT: it has an asynchronous function, a stream or a future
    ");
}

#[test]
fn go_and_moonbit_need_their_modules() {
    let sandbox = app(ON_RICH, "", &[]);
    assert_snapshot!(sandbox.snapshot(&sandbox.run(&["bindings", "api", "--lang", "go"]).failed()), @"
    exit: 1
    --- stderr
    error: there is no go.mod where the component is built, by which its bindings could import each other

    hint: `go mod init` makes one
    ");
    assert_snapshot!(sandbox.snapshot(&sandbox.run(&["bindings", "api", "--lang", "moonbit"]).failed()), @"
    exit: 1
    --- stderr
    error: there is no moon.mod.json where the component is built, by which its bindings could import each other

    hint: `moon new` makes one
    ");
}

/// No compilers for these are to be had here: their shape is what is looked at.
#[test]
fn csharp_and_moonbit() {
    let sandbox = app(&format!("{ON_RICH}\n{ON_CLOCK}"), "", &[("Api.csproj", "")]);
    sandbox.run(&["sync"]).done();
    assert_snapshot!(generated(&sandbox).join("\n"), @"
    api/spin_dependencies/Root.cs
    api/spin_dependencies/RootWorld.wit.Imports.acme.clock.ITimerImports.cs
    api/spin_dependencies/RootWorld.wit.Imports.acme.clock.TimerImportsInterop.cs
    api/spin_dependencies/RootWorld.wit.Imports.acme.rich.ApiImportsInterop.cs
    api/spin_dependencies/RootWorld.wit.Imports.acme.rich.IApiImports.cs
    api/spin_dependencies/RootWorld.wit.Imports.acme.rich.ITypesImports.cs
    api/spin_dependencies/RootWorld.wit.Imports.acme.rich.TypesImportsInterop.cs
    api/spin_dependencies/RootWorld_component_type.wit
    api/spin_dependencies/RootWorld_wasm_import_linkage_attribute.cs
    ");
    let api = sandbox.read("api/spin_dependencies/RootWorld.wit.Imports.acme.rich.IApiImports.cs");
    assert!(api.contains("namespace RootWorld.wit.Imports.acme.rich") && balanced(&api), "{api}");
    assert!(sandbox.read("api/spin_dependencies/Root.cs").contains("EntryPoint = \"init-it\""));

    let module = ("moon.mod.json", "{ \"name\": \"acme/api\", \"preferred-target\": \"wasm\" }");
    let sandbox = app(&format!("{ON_RICH}\n{ON_CLOCK}"), "", &[module]);
    sandbox.run(&["sync"]).done();
    assert_snapshot!(generated(&sandbox).join("\n"), @"
    api/spin_dependencies/async-core/async_abi.mbt
    api/spin_dependencies/async-core/async_cond_var.mbt
    api/spin_dependencies/async-core/async_coroutine.mbt
    api/spin_dependencies/async-core/async_ev.mbt
    api/spin_dependencies/async-core/async_mutex.mbt
    api/spin_dependencies/async-core/async_primitive.mbt
    api/spin_dependencies/async-core/async_promise.mbt
    api/spin_dependencies/async-core/async_scheduler.mbt
    api/spin_dependencies/async-core/async_semaphore.mbt
    api/spin_dependencies/async-core/async_task.mbt
    api/spin_dependencies/async-core/async_task_group.mbt
    api/spin_dependencies/async-core/async_trait.mbt
    api/spin_dependencies/async-core/moon.pkg.json
    api/spin_dependencies/async-core/top.mbt
    api/spin_dependencies/gen/ffi.mbt
    api/spin_dependencies/gen/moon.pkg.json
    api/spin_dependencies/interface/acme/clock/timer/ffi.mbt
    api/spin_dependencies/interface/acme/clock/timer/moon.pkg.json
    api/spin_dependencies/interface/acme/clock/timer/top.mbt
    api/spin_dependencies/interface/acme/rich/api/ffi.mbt
    api/spin_dependencies/interface/acme/rich/api/moon.pkg.json
    api/spin_dependencies/interface/acme/rich/api/top.mbt
    api/spin_dependencies/interface/acme/rich/types/ffi.mbt
    api/spin_dependencies/interface/acme/rich/types/moon.pkg.json
    api/spin_dependencies/interface/acme/rich/types/top.mbt
    api/spin_dependencies/world/root/ffi_import.mbt
    api/spin_dependencies/world/root/import.mbt
    api/spin_dependencies/world/root/moon.pkg.json
    ");
    let package = sandbox.read("api/spin_dependencies/interface/acme/rich/api/moon.pkg.json");
    assert!(package.contains("acme/api/spin_dependencies/interface/acme/rich/types"), "{package}");
    let api = sandbox.read("api/spin_dependencies/interface/acme/rich/api/top.mbt");
    assert!(api.contains("pub fn draw(") && balanced(&api), "{api}");
}

/// Whether the braces and parentheses close what they open; none of these files has any in a text.
fn balanced(text: &str) -> bool {
    [('{', '}'), ('(', ')'), ('[', ']')]
        .iter()
        .all(|(open, close)| text.matches(*open).count() == text.matches(*close).count())
}
