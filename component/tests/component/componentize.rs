//! Components made of core modules.

use spin_deps_component::{ComponentizeError, GuestWorld, componentize, inspect};
use spin_deps_fixtures::{library::Library, module, wit_package};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::support::Running;

const HASH: Library<'_> = Library {
    package: "acme:hash",
    version: "1.2.0",
    interface: "api",
    function: "call",
    imports: Vec::new(),
    prefix: "hash",
};

/// A folder with this WIT, read as the world of a guest.
fn world(wit: &str) -> GuestWorld {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("world.wit"), wit).unwrap();
    GuestWorld::read(folder.path(), None).unwrap()
}

/// The error and its hint, one below the other.
fn failure(result: Result<Vec<u8>, ComponentizeError>) -> String {
    let error = result.expect_err("no component can be made of it");
    format!("{error}\nhint: {}", error.hint().unwrap_or_else(|| "none".to_owned()))
}

#[test]
fn a_module_becomes_a_component_of_the_world_that_is_given_or_that_it_says_itself() {
    let plain = module(&HASH.wat()).unwrap();
    let given = componentize(&plain, Some(&world(&HASH.wit())), &[]).unwrap();
    assert_eq!(Running::start(&given).text("acme:hash/api@1.2.0", "x"), "hash(x)");

    let mut saying = plain;
    let mut resolve = Resolve::default();
    let package = resolve.push_str("hash.wit", &HASH.wit()).unwrap();
    let own = resolve.select_world(&[package], None).unwrap();
    embed_component_metadata(&mut saying, &resolve, own, StringEncoding::UTF8).unwrap();
    assert_eq!(componentize(&saying, None, &[]).unwrap(), given);
    // Its own word counts.
    let other = world("package acme:other; world other { export run: func(); }");
    assert_eq!(componentize(&saying, Some(&other), &[]).unwrap(), given);

    assert_eq!(componentize(&given, None, &[]).unwrap(), given, "a component is taken as it is");
}

#[test]
fn a_module_for_preview_1_gets_the_adapter_for_what_it_is() {
    let writes = r#"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)"#;
    let names = |bytes: &[u8]| {
        let inspection = inspect(bytes).unwrap();
        let names = |externs: Vec<spin_deps_component::Extern>| {
            externs.into_iter().map(|it| it.name).collect::<Vec<_>>()
        };
        (names(inspection.imports), names(inspection.exports))
    };
    let library = module(&format!(
        r#"(module {writes} (func (export "run") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))))"#
    ));
    let world = world("package acme:lib; world lib { export run: func(); }");
    let (imports, exports) = names(&componentize(&library.unwrap(), Some(&world), &[]).unwrap());
    assert!(imports.iter().any(|it| it.starts_with("wasi:cli/stdout@0.2")), "{imports:?}");
    assert_eq!(exports, ["run"]);

    let command = format!(
        r#"(module {writes} (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))))"#
    );
    let empty = self::world("package acme:command; world command {}");
    let (_, exports) = names(&componentize(&module(&command).unwrap(), Some(&empty), &[]).unwrap());
    assert!(matches!(&exports[..], [run] if run.starts_with("wasi:cli/run@0.2")), "{exports:?}");
}

#[test]
fn an_adapter_stands_for_the_module_that_it_is_named_after() {
    let module_that_logs = module(
        r#"(module (import "host" "log" (func $log (param i32)))
             (memory (export "memory") 1) (func (export "run") (call $log (i32.const 1))))"#,
    )
    .unwrap();
    let world = world("package acme:lib; world lib { export run: func(); }");
    insta::assert_snapshot!(failure(componentize(&module_that_logs, Some(&world), &[])), @"
    the module does not fit its world: failed to resolve import `host::log`: module requires an import interface named `host`
    hint: none
    ");
    let silent = module(r#"(module (func (export "log") (param i32)))"#).unwrap();
    let adapters = [("host".to_owned(), silent)];
    let component = componentize(&module_that_logs, Some(&world), &adapters).unwrap();
    assert!(inspect(&component).unwrap().imports.is_empty());
    let broken = [("host".to_owned(), b"nothing".to_vec())];
    insta::assert_snapshot!(failure(componentize(&module_that_logs, Some(&world), &broken)), @"
    the adapter for `host` cannot be used: the file is not WebAssembly, it is text
    hint: none
    ");
}

#[test]
fn what_is_not_a_module_of_the_world_is_refused_with_the_reason() {
    let plain = module(&HASH.wat()).unwrap();
    insta::assert_snapshot!(failure(componentize(&plain, None, &[])), @"
    the module does not say which world it is built for
    hint: link what the bindings generator made for it, or name the world's folder with `--wit DIR`
    ");
    insta::assert_snapshot!(failure(componentize(b"int main() {}\n", None, &[])), @"
    the file is not WebAssembly, it is text
    hint: name the module that the compiler made
    ");
    insta::assert_snapshot!(failure(componentize(&wit_package("package a:b; interface i { f: func(); }").unwrap(), None, &[])), @"
    it is a WIT package, which has no code
    hint: none
    ");
    let undefined = module(
        r#"(module (import "env" "strlen" (func (param i32) (result i32))) (import "env" "puts" (func)))"#,
    )
    .unwrap();
    let hash = world(&HASH.wit());
    insta::assert_snapshot!(failure(componentize(&undefined, Some(&hash), &[])), @"
    the module needs functions that its linker did not find: `puts`, `strlen`
    hint: compile and link the files that define them; in C, those of the generated bindings too
    ");
    let empty = module("(module)").unwrap();
    insta::assert_snapshot!(failure(componentize(&empty, Some(&hash), &[])), @"
    the module does not fit its world: failed to find export of interface `acme:hash/api@1.2.0` function `call`
    hint: none
    ");
}

#[test]
fn no_bytes_make_it_panic() {
    let module = module(&HASH.wat()).unwrap();
    let world = world(&HASH.wit());
    for length in 0..module.len() {
        let _ = componentize(&module[..length], Some(&world), &[]);
        let mut changed = module.clone();
        changed[length] ^= 0x41;
        let _ = componentize(&changed, Some(&world), &[]);
    }
}
