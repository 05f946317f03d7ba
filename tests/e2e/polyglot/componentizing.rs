//! `componentize`: the file of a module in, the file of a component out.

use spin_deps_fixtures::{component, library::Library, module};

use crate::support::world::Sandbox;

const HASH: Library<'_> = Library {
    package: "acme:hash",
    version: "1.2.0",
    interface: "api",
    function: "call",
    imports: Vec::new(),
    prefix: "hash",
};

/// A project with a module and its world.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("hash.module.wasm", module(&HASH.wat()).expect("a module"));
    sandbox.write("wit/hash.wit", HASH.wit());
    sandbox
}

#[test]
fn a_file_becomes_a_component_as_a_whole() {
    let sandbox = sandbox();
    let made =
        sandbox.run(&["componentize", "hash.module.wasm", "--wit", "wit", "-o", "out/hash.wasm"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&made), @"
    exit: 0
    --- stdout
    Made out/hash.wasm, [SIZE] bytes
    ");
    let expected = component(&HASH.wit(), "library", &HASH.wat()).expect("a component");
    assert_eq!(sandbox.files()["out/hash.wasm"], expected);

    let again = sandbox.run(&["componentize", "out/hash.wasm", "-o", "copy.wasm", "--format", "json"]).done();
    assert_eq!(again.json()["was_component"], true);
    assert_eq!(again.json()["size"], expected.len());
    assert_eq!(sandbox.files()["copy.wasm"], expected);

    let in_place =
        sandbox.run(&["componentize", "hash.module.wasm", "--wit", "wit", "-o", "hash.module.wasm"]);
    in_place.done();
    assert_eq!(sandbox.files()["hash.module.wasm"], expected);
}

#[test]
fn what_cannot_be_made_a_component_leaves_what_was_there() {
    let sandbox = sandbox();
    sandbox.write("out.wasm", "before");
    let before = sandbox.files();
    let failed = |arguments: &[&str]| {
        let run = sandbox.run(&[&["componentize"], arguments, &["-o", "out.wasm"]].concat()).failed();
        assert_eq!(sandbox.files(), before);
        sandbox.snapshot(&run)
    };
    insta::assert_snapshot!(failed(&["hash.module.wasm"]), @"
    exit: 1
    --- stderr
    error: hash.module.wasm cannot be made a component: the module does not say which world it is built for

    hint: link what the bindings generator made for it, or name the world's folder with `--wit DIR`
    ");
    insta::assert_snapshot!(failed(&["nothing.wasm"]), @"
    exit: 1
    --- stderr
    error: failed to query resolved metadata `nothing.wasm`: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(failed(&["wit/hash.wit"]), @"
    exit: 1
    --- stderr
    error: wit/hash.wit cannot be made a component: the file is not WebAssembly, it is text

    hint: name the module that the compiler made
    ");
    insta::assert_snapshot!(failed(&["hash.module.wasm", "--wit", "nowhere"]), @r#"
    exit: 1
    --- stderr
    error: the WIT in nowhere cannot be used: failed to parse package: nowhere: failed to read directory "nowhere": No such file or directory (os error 2)
    "#);
    insta::assert_snapshot!(failed(&["hash.module.wasm", "--wit", "wit", "--world", "libary"]), @"
    exit: 1
    --- stderr
    error: the WIT in wit cannot be used: World `libary` not found in package `acme:hash@1.2.0`
    ");
    insta::assert_snapshot!(failed(&["hash.module.wasm", "--wit", "wit", "--adapt", "host=nothing.wasm"]), @"
    exit: 1
    --- stderr
    error: failed to query resolved metadata `nothing.wasm`: No such file or directory (os error 2)
    ");
    sandbox.run(&["componentize", "hash.module.wasm", "--world", "library", "-o", "x"]).misused();
    sandbox.run(&["componentize", "hash.module.wasm", "--adapt", "host", "-o", "x"]).misused();
}
