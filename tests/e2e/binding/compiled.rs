//! The compilers' own judgement. Those of C# and MoonBit are not to be had here: see `languages`.

use std::path::Path;

use super::{ON_CLOCK, ON_RICH, accepted, app};
use crate::support::toolchains::{source_of, toolchain, zig};
use crate::support::world::{Sandbox, inherited};

/// Both dependencies.
fn on_all() -> String {
    format!("{ON_RICH}\n{ON_CLOCK}")
}

fn variable(name: &str) -> Option<String> {
    inherited(name)?.into_string().ok()
}

/// Where a compiler may keep what it has compiled of its own libraries, which takes longer than all else.
pub(super) fn kept(name: &'static str) -> (&'static str, String) {
    (name, format!("{}/{name}", env!("CARGO_TARGET_TMPDIR")))
}

/// The manifest of a crate that needs nothing but what generated bindings refer to.
pub(super) fn rust_manifest() -> String {
    format!(
        "[package]\nname = \"api\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nwit-bindgen = {{ path = {:?}, default-features = false, features = [\"async\", \"bitflags\", \"realloc\", \"std\"] }}\n",
        source_of("wit-bindgen", "0.60.")
    )
}

/// The versions that our own lockfile has, which are there without a network.
pub(super) fn with_our_lockfile(sandbox: &Sandbox, place: &str) {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("Cargo.lock");
    sandbox.write(place, fs_err::read(lock).expect("our own lockfile"));
}

/// Where cargo finds its crates and its compiler.
pub(super) fn cargo_variables() -> [(&'static str, String); 3] {
    let home = |name: &str, folder: &str| {
        variable(name).unwrap_or_else(|| format!("{}/{folder}", variable("HOME").expect("a home")))
    };
    [
        ("CARGO_HOME", home("CARGO_HOME", ".cargo")),
        ("RUSTUP_HOME", home("RUSTUP_HOME", ".rustup")),
        ("RUSTFLAGS", "--deny warnings".to_owned()),
    ]
}

#[test]
fn rust() {
    let code = "mod spin_dependencies;
use spin_dependencies::acme::{clock::timer, rich::{api, types}};

pub fn run() -> Result<u32, types::Error> {
    let cell = types::Cell::open(\"x\")?;
    let point = types::Point { x: 1.0, y: 2.0, name: Some(\"a\".into()) };
    let form = types::Shape::Line((point.clone(), point));
    api::draw(&cell, &form, types::Mode::READ | types::Mode::WRITE)?;
    let first = cell.get();
    let _: Vec<(u8, i64, char, bool)> = api::take(cell);
    Ok(spin_dependencies::init_it(\"x\").unwrap_or(first))
}

pub async fn wait() -> Result<u64, String> {
    let text: String = timer::once().await;
    let mut ticks = timer::ticks();
    let _: Option<u32> = ticks.next().await;
    timer::sleep(text.len() as u64).await
}
";
    let sandbox = app(&on_all(), "", &[("Cargo.toml", &rust_manifest()), ("src/lib.rs", code)]);
    sandbox.run(&["sync"]).done();
    with_our_lockfile(&sandbox, "api/Cargo.lock");
    let variables = cargo_variables();
    accepted(&sandbox, Path::new(env!("CARGO")), &["check", "--offline", "--quiet"], &variables);
    // The user's formatter passes over it, and nothing is stale afterwards.
    let rustfmt = Path::new(env!("CARGO")).with_file_name("rustfmt");
    accepted(&sandbox, &rustfmt, &["--edition", "2024", "src/lib.rs"], &variables);
    sandbox.run(&["bindings", "--check"]).done();
}

#[test]
fn typescript() {
    let code = "/// <reference path=\"../spin_dependencies/root.d.ts\" />
import { sleep, ticks, once } from \"acme:clock/timer@0.3.0\";
import { draw, take, type Shape } from \"acme:rich/api@1.0.0\";
import { Cell, type Point } from \"acme:rich/types@1.0.0\";
import initIt from \"init-it\";

export function run(): number {
  const cell: Cell = Cell.open(\"x\");
  const point: Point = { x: 1, y: 2, name: \"a\" };
  const form: Shape = { tag: \"line\", val: [point, point] };
  draw(cell, form, { read: true });
  const first: number = cell.get();
  const all: Array<[number, bigint, string, boolean]> = take(cell);
  return initIt(\"x\") + first + all.length;
}

export async function wait(): Promise<bigint> {
  const text: string = await once();
  for await (const tick of ticks()) console.log(tick + 1);
  return sleep(BigInt(text.length));
}

// @ts-expect-error: there is no such case
export const wrong: Shape = { tag: \"circle\" };
";
    let config = "{ \"compilerOptions\": { \"strict\": true, \"noEmit\": true, \"target\": \"es2022\", \"module\": \"es2022\",
        \"moduleResolution\": \"bundler\", \"lib\": [\"esnext\", \"dom\"], \"types\": [] }, \"files\": [\"src/main.ts\"] }";
    let files = [("package.json", "{ \"name\": \"api\" }"), ("tsconfig.json", config), ("src/main.ts", code)];
    let sandbox = app(&on_all(), "", &files);
    sandbox.run(&["sync"]).done();
    accepted(&sandbox, &toolchain("tsc"), &["--project", "."], &[]);
}

#[test]
fn c() {
    let code = "#include \"root.h\"

uint32_t run(void) {
  root_string_t text, error;
  root_string_set(&text, \"x\");
  acme_rich_types_own_cell_t cell = acme_rich_types_constructor_cell(1);
  acme_rich_types_shape_t form = { .tag = ACME_RICH_TYPES_SHAPE_DOT };
  acme_rich_types_error_t wrong;
  acme_rich_types_borrow_cell_t borrowed = acme_rich_types_borrow_cell(cell);
  if (!acme_rich_api_draw(borrowed, &form, ACME_RICH_TYPES_MODE_READ, &wrong)) return wrong;
  uint32_t number;
  return root_init_it(&text, &number, &error) ? number : 0;
}
";
    let sandbox = app(&on_all(), "", &[("Makefile", "all:\n"), ("main.c", code)]);
    sandbox.run(&["sync"]).done();
    let here = [
        "-std=c17",
        "-Wno-attributes",
        "-Ispin_dependencies",
        "-fsyntax-only",
        "main.c",
        "spin_dependencies/root.c",
    ];
    accepted(&sandbox, Path::new("cc"), &here, &[]);
    let zig = zig();
    for name in ["main.c", "spin_dependencies/root.c"] {
        let wasm =
            ["cc", "--target=wasm32-wasi", "-std=c17", "-Ispin_dependencies", "-c", name, "-o", "object.o"];
        accepted(&sandbox, &zig, &wasm, &[kept("ZIG_GLOBAL_CACHE_DIR")]);
    }
    // What makes a component of the module finds the world in it.
    assert_eq!(
        custom_section(&sandbox.files()["api/object.o"], "component-type:root")
            .map(|it| it.starts_with(b"\0asm")),
        Some(true)
    );
}

#[test]
fn cpp() {
    let code = "#include \"root_cpp.h\"
#include <utility>

uint32_t run() {
  auto cell = acme::rich::types::Cell::Open(\"x\");
  if (!cell.has_value()) return 0;
  acme::rich::types::Shape form{acme::rich::types::Shape::Dot{}};
  auto drawn = acme::rich::api::Draw(*cell, std::move(form), acme::rich::types::Mode::kRead);
  return drawn.has_value() ? cell->Get() : root::InitIt(\"x\").value_or(1);
}
";
    let sandbox = app(ON_RICH, "", &[("CMakeLists.txt", ""), ("src/main.cpp", code)]);
    sandbox.run(&["sync"]).done();
    let zig = zig();
    for name in ["src/main.cpp", "spin_dependencies/root.cpp"] {
        accepted(
            &sandbox,
            Path::new("c++"),
            &["-std=c++23", "-Wno-attributes", "-Ispin_dependencies", "-fsyntax-only", name],
            &[],
        );
        let wasm = [
            "c++",
            "--target=wasm32-wasi",
            "-std=c++23",
            "-fno-exceptions",
            "-Ispin_dependencies",
            "-c",
            name,
            "-o",
            "object.o",
        ];
        accepted(&sandbox, &zig, &wasm, &[kept("ZIG_GLOBAL_CACHE_DIR")]);
    }
    assert!(custom_section(&sandbox.files()["api/object.o"], "component-type:root").is_some());
}

#[test]
fn python() {
    let code = "import wit_world
from wit_world.imports import api, types

point = types.Point(x=1.0, y=2.0, name=None)
form = types.Shape_Line((point, point))
assert types.Mode.READ | types.Mode.WRITE
for call in [lambda: api.draw(None, form, types.Mode.READ), lambda: wit_world.init_it('x')]:
    try:
        call()
    except NotImplementedError:
        continue
    raise AssertionError('only the component has the code')
";
    let sandbox = app(ON_RICH, "", &[("requirements.txt", ""), ("main.py", code)]);
    let tools = toolchain("componentize-py");
    let path =
        format!("{}:{}", tools.parent().expect("a folder").display(), variable("PATH").unwrap_or_default());
    Sandbox::run_command(sandbox.command(&["sync"]).env("PATH", path)).done();
    let variables =
        [("PYTHONPATH", "spin_dependencies".to_owned()), ("PYTHONDONTWRITEBYTECODE", "1".to_owned())];
    accepted(&sandbox, &toolchain("python"), &["main.py"], &variables);
}

#[test]
fn go() {
    let module = format!(
        "module example.com/api\n\ngo 1.25\n\nrequire go.bytecodealliance.org/pkg v0.2.2\n\nreplace go.bytecodealliance.org/pkg => {}/src/pkg\n",
        source_of("wit-bindgen-go", "0.60.")
    );
    let code = "package main

import (
	timer \"example.com/api/spin_dependencies/acme_clock_timer\"
	api \"example.com/api/spin_dependencies/acme_rich_api\"
	types \"example.com/api/spin_dependencies/acme_rich_types\"
	root \"example.com/api/spin_dependencies/wit_world\"
	_ \"example.com/api/spin_dependencies/wit_exports\"
)

func main() {
	cell := types.MakeCell(1)
	api.Draw(cell, types.MakeShapeDot(), types.ModeRead)
	root.InitIt(\"x\")
	timer.Sleep(uint64(cell.Get()))
}
";
    let sandbox = app(&on_all(), "", &[("go.mod", &module), ("main.go", code)]);
    sandbox.run(&["sync"]).done();
    let go = toolchain("go");
    let variables = [
        ("GOOS", "wasip1".to_owned()),
        ("GOARCH", "wasm".to_owned()),
        ("GOFLAGS", "-mod=mod".to_owned()),
        ("GOPROXY", "off".to_owned()),
        ("GOTOOLCHAIN", "local".to_owned()),
        kept("GOCACHE"),
    ];
    accepted(
        &sandbox,
        &go,
        &["build", "-ldflags=-checklinkname=0", "-buildmode=c-shared", "-o", "api.wasm", "."],
        &variables,
    );
    // The user's formatter passes over it, and nothing is stale afterwards.
    accepted(&sandbox, &go, &["fmt", "./..."], &variables);
    sandbox.run(&["bindings", "--check"]).done();
    sandbox.run(&["sync"]).done();
}

/// The content of a custom section of a module.
fn custom_section<'a>(module: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let leb = |at: &mut usize| {
        let (mut number, mut shift) = (0_usize, 0);
        loop {
            let byte = module[*at];
            *at += 1;
            number |= usize::from(byte & 127) << shift;
            shift += 7;
            if byte < 128 {
                return number;
            }
        }
    };
    let mut at = 8;
    while at < module.len() {
        let id = module[at];
        at += 1;
        let size = leb(&mut at);
        let end = at + size;
        if id == 0 {
            let length = leb(&mut at);
            if &module[at..at + length] == name.as_bytes() {
                return Some(&module[at + length..end]);
            }
        }
        at = end;
    }
    None
}
