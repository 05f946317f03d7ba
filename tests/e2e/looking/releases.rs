//! What a release is, and how two of them differ.

use std::fmt::Write;

use spin_deps_fixtures::library::described;
use spin_deps_fixtures::{component, wit_package};

use crate::support::library::{base, environment_counter, middle};
use crate::support::oci;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// A function of an interface, `interface#function`, with its type in the core module.
type Core<'a> = (&'a str, &'a str);

/// A release of `acme:shapes`: its interfaces, its world, and what it imports and exports. Nobody calls it.
fn shapes(
    version: &str,
    interfaces: &str,
    world: &str,
    imports: &[Core<'_>],
    exports: &[Core<'_>],
) -> Vec<u8> {
    let wit = format!("package acme:shapes@{version};\n{interfaces}\nworld library {{ {world} }}\n{OTHERS}");
    let mut module = String::from("(module");
    for (name, ty) in imports {
        let (interface, function) = name.split_once('#').expect("an interface and a function");
        write!(module, "\n(import \"{interface}\" \"{function}\" (func {ty}))")
            .expect("a String takes everything");
    }
    for (name, ty) in exports {
        let (interface, function) = name.split_once('#').expect("an interface and a function");
        write!(module, "\n(func (export \"acme:shapes/{interface}@{version}#{function}\") {ty} unreachable)")
            .expect("a String takes everything");
    }
    let bytes = component(&wit, "library", &(module + ")")).expect("a component");
    described(&bytes, "acme:shapes", version, "A library of shapes").expect("a component")
}

const OTHERS: &str = "package acme:base@1.0.0 { interface api { ping: func() -> u32; } }
package acme:log@2.1.0 { interface log { flush: func(); } }
package wasi:sockets@0.2.0 { interface network { resource network; } }";

const POINT: &str = "record point { x: u32, y: u32 }";
const SUM: Core<'_> = ("api#sum", "(param i32 i32) (result i32)");
const OLD: Core<'_> = ("api#old", "");

fn first() -> Vec<u8> {
    let api = format!("interface api {{ {POINT} sum: func(p: point) -> u32; old: func(); }}");
    shapes(
        "1.0.0",
        &api,
        "import acme:base/api@1.0.0; export api;",
        &[("acme:base/api@1.0.0#ping", "(result i32)")],
        &[SUM, OLD],
    )
}

fn second() -> Vec<u8> {
    let api = format!(
        "interface api {{ {POINT} sum: func(p: point) -> u32; old: func(); scale: func(p: point, by: u32) -> u32; }}
         interface paint {{ enum color {{ red, green }} fill: func(c: color); }}"
    );
    shapes(
        "1.1.0",
        &api,
        "import acme:log/log@2.1.0; import wasi:sockets/network@0.2.0; export api; export paint;",
        &[
            ("acme:log/log@2.1.0#flush", ""),
            ("wasi:sockets/network@0.2.0#[resource-drop]network", "(param i32)"),
        ],
        &[SUM, OLD, ("api#scale", "(param i32 i32 i32) (result i32)"), ("paint#fill", "(param i32)")],
    )
}

/// What [`first`] does not promise.
fn third(version: &str) -> Vec<u8> {
    let api = "interface api { record point { x: u64, y: u64 } sum: func(p: point) -> u64; }";
    shapes(version, api, "export api;", &[], &[("api#sum", "(param i64 i64) (result i64)")])
}

fn published() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    for bytes in [first(), second(), third("2.0.0")] {
        sandbox.publish(&bytes);
    }
    sandbox
}

fn said(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.snapshot(&sandbox.run(arguments))
}

#[test]
fn a_difference_is_told_in_wit() {
    let sandbox = published();
    insta::assert_snapshot!(said(&sandbox, &["diff", "acme:shapes@1.0.0", "1.1.0"]), @"
    exit: 0
    --- stdout
    acme:shapes 1.0.0 → 1.1.0

    - acme:shapes/api@1.0.0
    + acme:shapes/api@1.1.0
        + scale: func(p: point, by: u32) -> u32

    + acme:shapes/paint@1.1.0
        + enum color { red, green }
        + fill: func(c: color)

    imports
      - acme:base/api@1.0.0
      + acme:log/log@2.1.0
      + wasi:sockets/network@0.2.0

    capabilities
      + allowed_outbound_hosts

    dependencies
      - acme:base ^1.0.0
      + acme:log ^2.1.0

    size  [SIZE] bytes → [SIZE] bytes

    By its interfaces this is a minor change, as it should be for 1.1.0.
    ");
    insta::assert_snapshot!(said(&sandbox, &["diff", "acme:shapes@1.1.0", "acme:shapes@2.0.0"]), @"
    exit: 0
    --- stdout
    acme:shapes 1.1.0 → 2.0.0

    - acme:shapes/api@1.1.0
    + acme:shapes/api@2.0.0
        - old: func()
        - record point { x: u32, y: u32 }
        + record point { x: u64, y: u64 }
        - scale: func(p: point, by: u32) -> u32
        - sum: func(p: point) -> u32
        + sum: func(p: point) -> u64

    - acme:shapes/paint@1.1.0
        - enum color { red, green }
        - fill: func(c: color)

    imports
      - acme:log/log@2.1.0
      - wasi:sockets/network@0.2.0

    capabilities
      - allowed_outbound_hosts

    dependencies
      - acme:log ^2.1.0

    size  [SIZE] bytes → [SIZE] bytes

    By its interfaces this is a major change, as it should be for 2.0.0.
    ");
}

#[test]
fn a_version_that_promises_too_much_is_told() {
    let sandbox = published();
    let file = sandbox.artifact(&third("1.2.0"));
    sandbox.run(&["publish", &file, "--skip-semver-check"]).done();
    insta::assert_snapshot!(said(&sandbox, &["diff", "acme:shapes", "1.0.0", "1.2.0"]), @"
    exit: 0
    --- stdout
    acme:shapes 1.0.0 → 1.2.0

    - acme:shapes/api@1.0.0
    + acme:shapes/api@1.2.0
        - old: func()
        - record point { x: u32, y: u32 }
        + record point { x: u64, y: u64 }
        - sum: func(p: point) -> u32
        + sum: func(p: point) -> u64

    imports
      - acme:base/api@1.0.0

    dependencies
      - acme:base ^1.0.0

    size  [SIZE] bytes → [SIZE] bytes

    By its interfaces this is a major change, too much for 1.2.0, a minor version: it should have been 2.0.0.
    ");
    let json = sandbox.run(&["diff", "acme:shapes@=1.0.0", "^1", "--format", "json"]).done().json();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json["verdict"]).expect("JSON"), @r#"
    {
      "breaks": [
        "`acme:shapes/api@1.0.0`: the function `old` is gone\n    was old: func()",
        "`acme:shapes/api@1.0.0`: the function `sum` has changed\n    was sum: func(p: point) -> u32\n    is  sum: func(p: point) -> u64",
        "`acme:shapes/api@1.0.0`: the type `point` has changed\n    was record point { x: u32, y: u32 }\n    is  record point { x: u64, y: u64 }"
      ],
      "called": {
        "change": "minor",
        "fits": false,
        "should_be": "2.0.0"
      },
      "change": "major",
      "unknown": []
    }
    "#);
    insta::assert_snapshot!(serde_json::to_string(&json["interfaces"][0]["items"][0]).expect("JSON"), @r#"{"item":"old","newer":null,"older":"old: func()","what":"function"}"#);
    assert_eq!(json["dependencies"][0]["package"], "acme:base");
}

#[test]
fn releases_are_named_as_it_suits() {
    let sandbox = published();
    let told = said(&sandbox, &["diff", "acme:shapes@1.0.0", "1.1.0"]);
    for others in
        [&["diff", "acme:shapes@=1.0.0", "acme:shapes@^1"][..], &["diff", "acme:shapes", "1.0.0", "~1.1"]]
    {
        assert_eq!(said(&sandbox, others), told);
    }
    assert_eq!(
        said(&sandbox, &["diff", "acme:shapes@1.0.0", "1.0.0"]),
        "exit: 0\n--- stdout\nacme:shapes 1.0.0 → 1.0.0\nThey are the same, byte for byte.\n"
    );
    // Backwards, nothing is promised.
    let back = said(&sandbox, &["diff", "acme:shapes@2.0.0", "1.0.0"]);
    assert!(back.ends_with("By its interfaces this is a major change.\n"), "{back}");
    for wrong in [
        &["diff", "acme:shapes"][..],
        &["diff", "acme:shapes@1.0.0", "acme:other@1.1.0"],
        &["diff", "acme:shapes@1.0.0", "one"],
        &["diff", "acme:shapes@1.0.0", "1.1.0", "2.0.0"],
    ] {
        sandbox.run(wrong).misused();
    }
    insta::assert_snapshot!(said(&sandbox, &["diff", "acme:shapes"]), @"
    exit: 2
    --- stderr
    error: acme:shapes is not locked here, so there is no release to go on from

    hint: name both releases: `spin-deps diff acme:shapes@1.0.0 1.1.0`
    ");
    insta::assert_snapshot!(said(&sandbox, &["diff", "acme:shapes@1.0.0", "^3"]), @"
    exit: 1
    --- stderr
    error: no release of acme:shapes matches ^3; there are 2.0.0, 1.1.0, 1.0.0

    hint: `spin-deps versions acme:shapes` lists what there is
    ");
}

#[test]
fn colours_are_for_those_who_want_them() {
    let sandbox = published();
    let arguments = ["diff", "acme:shapes@1.0.0", "2.0.0"];
    assert!(!sandbox.run(&arguments).done().stdout.contains('\u{1b}'));
    let coloured = sandbox.run(&[&["--color", "always"], &arguments[..]].concat()).done().stdout;
    assert!(coloured.contains("\u{1b}[32m+ acme:shapes/api@2.0.0"), "{coloured:?}");
    assert!(coloured.contains("- acme:shapes/api@1.0.0"), "{coloured:?}");
}

#[test]
fn the_same_is_told_of_a_registry_and_of_what_others_pushed() {
    let told = said(&published(), &["diff", "acme:shapes@1.0.0", "1.1.0"]);
    let (registry, foreign) = (Registry::open(), Registry::open());
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    for bytes in [first(), second()] {
        sandbox.publish(&bytes);
    }
    sandbox.delete_cache();
    assert_eq!(said(&sandbox, &["diff", "acme:shapes@1.0.0", "1.1.0"]), told);
    sandbox.use_registry(&foreign);
    let exports = ["acme:shapes/api@1.0.0"];
    oci::push(&foreign, "acme/shapes", "1.0.0", &first(), &["acme:base/api@1.0.0"], &exports);
    let imports = ["acme:log/log@2.1.0", "wasi:sockets/network@0.2.0"];
    oci::push(
        &foreign,
        "acme/shapes",
        "1.1.0",
        &second(),
        &imports,
        &["acme:shapes/api@1.1.0", "acme:shapes/paint@1.1.0"],
    );
    assert_eq!(said(&sandbox, &["diff", "acme:shapes@1.0.0", "1.1.0"]), told);
    // What was fetched is there without a network.
    assert_eq!(said(&sandbox, &["diff", "acme:shapes@1.0.0", "1.1.0", "--offline"]), told);
}

#[test]
fn what_is_locked_is_held_against_what_it_could_become() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.0.0"));
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    sandbox.run(&["lock"]).done();
    assert!(sandbox.run(&["diff", "acme:base"]).done().stdout.contains("byte for byte"));
    for version in ["1.1.0", "2.0.0"] {
        sandbox.publish(&base(version));
    }
    insta::assert_snapshot!(said(&sandbox, &["diff", "acme:base"]), @"
    exit: 0
    --- stdout
    acme:base 1.0.0 → 1.1.0

    size  [SIZE] bytes

    By its interfaces this is a patch change, which is fine for 1.1.0, a minor version.
    ");
    insta::assert_snapshot!(said(&sandbox, &["diff", "acme:base", "2.0.0"]), @"
    exit: 0
    --- stdout
    acme:base 1.0.0 → 2.0.0

    - acme:base/api@1.0.0
    + acme:base/api@2.0.0

    size  [SIZE] bytes

    By its interfaces this is a major change, as it should be for 2.0.0.
    ");
    insta::assert_snapshot!(said(&sandbox, &["info", "acme:base@^1"]), @"
    exit: 0
    --- stdout
    acme:base 1.1.0
    description   A library that answers acme:base@1.1.0(…)
    licence       Apache-2.0
    locked        1.0.0
    versions      2 more, 2.0.0 is the newest
    kind          component
    registry      wasm.example
    digest        sha256:[DIGEST-1]
    size          [SIZE] bytes
    exports       acme:base/api@1.1.0
    ");
}

#[test]
fn wit_packages_are_told_with_their_worlds() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    let wit = |version: &str, body: &str| {
        wit_package(&format!("package acme:wit@{version};\n{body}")).expect("a WIT package")
    };
    let api =
        "interface types { record point { x: u32 } } interface api { use types.{point}; f: func(p: point); }";
    sandbox.publish(&wit("1.0.0", &format!("{api} world old {{ export api; }} world app {{ import api; }}")));
    sandbox.publish(&wit("2.0.0", "interface api { f: func(p: u32); g: func(); } world app { import api; export run: func(); } world new {}"));
    insta::assert_snapshot!(said(&sandbox, &["diff", "acme:wit@1.0.0", "2.0.0"]), @"
    exit: 0
    --- stdout
    acme:wit 1.0.0 → 2.0.0

    - acme:wit/api@1.0.0
    + acme:wit/api@2.0.0
        - f: func(p: point)
        + f: func(p: u32)
        + g: func()
        - record point { x: u32 }

    - acme:wit/types@1.0.0
        - record point { x: u32 }

    worlds
      - old
      + new

    size  [SIZE] bytes → [SIZE] bytes

    By its interfaces this is a major change, as it should be for 2.0.0.
      - the world `app`: new world is not semver-compatible with the previous world: type mismatch for import `app`, missing import named `acme:wit/types` (at offset 0x34c)
    ");
    insta::assert_snapshot!(said(&sandbox, &["info", "acme:wit@1"]), @"
    exit: 0
    --- stdout
    acme:wit 1.0.0
    versions      1 more, 2.0.0 is the newest
    kind          WIT package
    registry      wasm.example
    digest        sha256:[DIGEST-1]
    size          [SIZE] bytes
    interfaces    acme:wit/types@1.0.0
                  acme:wit/api@1.0.0
    worlds        acme:wit/old@1.0.0
                  acme:wit/app@1.0.0
    ");
    let json = sandbox.run(&["info", "acme:wit@1", "--format", "json"]).done().json();
    assert_eq!(json["worlds"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["newest"], "2.0.0");
}

#[test]
fn info_tells_the_host_from_packages() {
    let sandbox = published();
    sandbox.publish(&base("1.0.0"));
    sandbox.publish(&middle("1.0.0"));
    sandbox.publish(&environment_counter("acme:env", "0.3.0"));
    insta::assert_snapshot!(said(&sandbox, &["info", "acme:shapes@1.1.0"]), @"
    exit: 0
    --- stdout
    acme:shapes 1.1.0
    description   A library of shapes
    licence       Apache-2.0
    versions      2 more, 2.0.0 is the newest
    kind          component
    registry      wasm.example
    digest        sha256:[DIGEST-1]
    size          [SIZE] bytes
    exports       acme:shapes/api@1.1.0
                  acme:shapes/paint@1.1.0
    imports       acme:log/log@2.1.0
    host imports  wasi:sockets/network@0.2.0
    capabilities  allowed_outbound_hosts
    dependencies  acme:log ^2.1.0
    ");
    insta::assert_snapshot!(said(&sandbox, &["info", "acme:env"]), @"
    exit: 0
    --- stdout
    acme:env 0.3.0
    description   A library that counts environment variables
    licence       Apache-2.0
    kind          component
    registry      wasm.example
    digest        sha256:[DIGEST-1]
    size          [SIZE] bytes
    exports       acme:env/api@0.3.0
    host imports  wasi:cli/environment@0.2.0
    capabilities  environment
    ");
    let json = sandbox.run(&["info", "acme:shapes@1.1.0", "--format", "json"]).done().json();
    assert_eq!(json["host_imports"], serde_json::json!(["wasi:sockets/network@0.2.0"]));
    assert_eq!((&json["versions"], &json["locked"]), (&3.into(), &serde_json::json!([])));
}
