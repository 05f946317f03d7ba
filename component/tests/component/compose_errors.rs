//! Compositions that cannot work, and what is said about them.

use crate::dummy::dummy;
use crate::support::{composed, failure, linked, named, part};
use spin_deps_component::{Composition, Part, compose};
use spin_deps_fixtures::{component, library};

fn app(imports: &[(&str, &str)]) -> Vec<u8> {
    library::chain("acme:app", "1.0.0", imports)
}

/// An app that imports `acme:hash/api@1.2.0`, with these dependencies.
fn with(links: Vec<spin_deps_component::Link>, others: Vec<Part>) -> String {
    let root = Part { links, ..part("app", app(&[("acme:hash", "1.2.0")])) };
    failure(composed([vec![root], others].concat()))
}

#[test]
fn types_that_do_not_fit_are_shown() {
    let other = library::incompatible("acme:hash", "1.2.0").unwrap();
    insta::assert_snapshot!(with(vec![named("acme:hash/api@1.2.0", 1)], vec![part("acme:hash@1.2.0", other)]), @"
    `acme:hash@1.2.0` does not fit the import `acme:hash/api@1.2.0` of `app`: they differ in the function `call`
      expected by app: call: func(input: string) -> string
      found in acme:hash@1.2.0: call: func(input: u32) -> u32
    hint: choose another release than `acme:hash@1.2.0`, or build against its interface: `spin-deps sync`, then `spin build`
    ");
}

#[test]
fn the_difference_is_found_behind_names() {
    // The function reads the same; the record that it takes does not.
    let root = dummy(
        "package acme:app; world w { import acme:geo/api@1.0.0; }
         package acme:geo@1.0.0 { interface api { record point { x: u32, y: u32 } sum: func(p: point) -> u32; } }",
    );
    let geo = dummy(
        "package acme:geo@1.0.0; interface api { record point { x: u32, y: s32 } sum: func(p: point) -> u32; }
         world w { export api; }",
    );
    let parts = vec![linked("app", root, &[("acme:geo", 1)]), part("acme:geo@1.0.0", geo)];
    insta::assert_snapshot!(failure(composed(parts)), @"
    `acme:geo@1.0.0` does not fit the import `acme:geo/api@1.0.0` of `app`: they differ in the type `point`
      expected by app: record point { x: u32, y: u32 }
      found in acme:geo@1.0.0: record point { x: u32, y: s32 }
    hint: choose another release than `acme:geo@1.0.0`, or build against its interface: `spin-deps sync`, then `spin build`
    ");

    // The record comes from another interface.
    let root = dummy(
        "package acme:app; world w { import acme:geo/api@1.0.0; }
         package acme:geo@1.0.0 {
           interface types { enum unit { metre, foot } record length { value: u32, of: unit } }
           interface api { use types.{length as size}; sum: func(p: size) -> u32; } }",
    );
    let geo = dummy(
        "package acme:geo@1.0.0;
         interface types { enum unit { metre, yard } record length { value: u32, of: unit } }
         interface api { use types.{length as size}; sum: func(p: size) -> u32; }
         world w { export api; }",
    );
    let parts = vec![linked("app", root, &[("acme:geo", 1)]), part("acme:geo@1.0.0", geo)];
    insta::assert_snapshot!(failure(composed(parts)), @"
    `acme:geo@1.0.0` does not fit the import `acme:geo/api@1.0.0` of `app`: they differ in the type `unit`
      expected by app: enum unit { metre, foot }
      found in acme:geo@1.0.0: enum unit { metre, yard }
    hint: choose another release than `acme:geo@1.0.0`, or build against its interface: `spin-deps sync`, then `spin build`
    ");
}

#[test]
fn a_function_that_is_missing_is_named() {
    let root = dummy(
        "package acme:app; world w { import acme:geo/api@1.0.0; }
         package acme:geo@1.0.0 { interface api { resource pen { constructor(); draw: func(to: string); } } }",
    );
    let geo = dummy(
        "package acme:geo@1.1.0; interface api { resource pen { constructor(); } } world w { export api; }",
    );
    let parts = vec![linked("app", root, &[("acme:geo", 1)]), part("acme:geo@1.1.0", geo)];
    insta::assert_snapshot!(failure(composed(parts)), @"
    `acme:geo@1.1.0` does not fit the import `acme:geo/api@1.0.0` of `app` with `acme:geo/api@1.1.0`: they differ in the method `pen.draw`
      expected by app: draw: func(to: string)
      found in acme:geo@1.1.0: (nothing of that name)
    hint: choose another release than `acme:geo@1.1.0`, or build against its interface: `spin-deps sync`, then `spin build`
    ");
}

#[test]
fn names_must_match_imports_once() {
    let hash = || part("acme:hash@1.2.0", library::chain("acme:hash", "1.2.0", &[]));
    insta::assert_snapshot!(with(vec![named("acme:hash/api@1.0.0", 1)], vec![hash()]), @"
    the dependency `acme:hash/api@1.0.0` matches no import of `app`
    hint: it imports `acme:hash/api@1.2.0`; build the component after a dependency was added
    ");
    insta::assert_snapshot!(with(vec![named("acme:hash", 1), named("acme:hash/api@1.2.0", 1)], vec![hash()]), @"
    the import `acme:hash/api@1.2.0` of `app` is matched by two dependencies, `acme:hash` and `acme:hash/api@1.2.0`
    hint: remove one of them with `spin-deps remove`
    ");
    let root = Part { links: vec![named("acme:hash", 1)], ..part("app", app(&[])) };
    insta::assert_snapshot!(failure(composed(vec![root, hash()])), @"
    the dependency `acme:hash` matches no import of `app`
    hint: it imports nothing that a dependency could provide: remove it with `spin-deps remove`
    ");
}

#[test]
fn exports_must_be_there() {
    let two = part("acme:hash@2.0.0", library::chain("acme:hash", "2.0.0", &[]));
    insta::assert_snapshot!(with(vec![named("acme:hash", 1)], vec![two.clone()]), @"
    `acme:hash@2.0.0` does not export `acme:hash/api@1.2.0`, which `app` imports
    hint: it exports `acme:hash/api@2.0.0`
    ");
    let renamed =
        spin_deps_component::Link { export: Some("acme:hash/digest".to_owned()), ..named("acme:hash", 1) };
    insta::assert_snapshot!(with(vec![renamed], vec![two]), @"
    `acme:hash@2.0.0` does not export `acme:hash/digest`, which `app` imports as `acme:hash/api@1.2.0`
    hint: it exports `acme:hash/api@2.0.0`
    ");
}

#[test]
fn every_import_must_be_satisfied() {
    insta::assert_snapshot!(with(vec![], vec![]), @"
    `app` imports `acme:hash/api@1.2.0`, and no dependency provides it
    hint: add a dependency that does: `spin-deps add acme:hash`
    ");
    let mid = linked("acme:hash@1.2.0", library::chain("acme:hash", "1.2.0", &[("acme:base", "0.3.0")]), &[]);
    insta::assert_snapshot!(with(vec![named("acme:hash", 1)], vec![mid]), @"
    `acme:hash@1.2.0` imports `acme:base/api@0.3.0`, and no dependency provides it
    hint: `acme:hash@1.2.0` was published without naming this dependency: choose another release of it
    ");
    let plain = dummy("package acme:app; world w { import greet: func(); }");
    insta::assert_snapshot!(failure(composed(vec![part("app", plain)])), @"
    `app` imports `greet`, and no dependency provides it
    hint: add a dependency that does: `spin-deps add ns:package`
    ");
}

#[test]
fn a_component_import_is_refused() {
    let importing = wat::parse_str(
        r#"(component (type $c (component (export "run" (func))))
            (import "unlocked-dep=<acme:hash@{>=1.0.0}>" (component (type $c))))"#,
    );
    insta::assert_snapshot!(failure(composed(vec![part("app", importing.unwrap())])), @"
    `app` imports the component `unlocked-dep=<acme:hash@{>=1.0.0}>` itself, and only instances can be shared
    hint: none
    ");
}

#[test]
fn cycles_are_spelled_out() {
    let parts = vec![
        linked("app", app(&[("acme:a", "1.0.0")]), &[("acme:a", 1)]),
        linked("acme:a@1.0.0", library::chain("acme:a", "1.0.0", &[("acme:b", "1.0.0")]), &[("acme:b", 2)]),
        linked("acme:b@1.0.0", library::chain("acme:b", "1.0.0", &[("acme:a", "1.0.0")]), &[("acme:a", 1)]),
    ];
    insta::assert_snapshot!(failure(composed(parts)), @"
    the dependencies form a cycle: acme:a@1.0.0 → acme:b@1.0.0 → acme:a@1.0.0
    hint: one of them has to do without the next: choose another release
    ");
}

#[test]
fn only_components_can_be_composed() {
    let wit = library::wit_only("acme:hash", "1.2.0").unwrap();
    insta::assert_snapshot!(with(vec![named("acme:hash", 1)], vec![part("acme:hash@1.2.0", wit)]), @r#"
    `acme:hash@1.2.0` is a WIT package: it describes interfaces and implements none of them
    hint: name a package that implements it: `{ version = "…", package = "ns:implementation" }`
    "#);
    let module = library::core_module().unwrap();
    insta::assert_snapshot!(with(vec![named("acme:hash", 1)], vec![part("./hash.wasm", module.clone())]), @"
    `./hash.wasm` is a core module, not a component
    hint: make a component of it with `spin-deps componentize`
    ");
    insta::assert_snapshot!(failure(composed(vec![part("app", module)])), @"
    `app` is a core module, not a component
    hint: make a component of it with `spin-deps componentize`
    ");
    insta::assert_snapshot!(with(vec![named("acme:hash", 1)], vec![part("./hash.wasm", b"fn main() {}".to_vec())]), @"
    `./hash.wasm` cannot be read
    hint: name the built component, a file that usually ends in `.wasm`
    ");
    insta::assert_snapshot!(with(vec![named("acme:hash", 9)], vec![]), @"
    the composition has no part number 9
    hint: none
    ");
}

#[test]
fn conflicting_imports_of_the_host_name_both_parts() {
    let reader = |package: &str, version: &str, result: &str, signature: &str| {
        component(
            &format!(
                "package {package}@1.0.0; interface api {{ run: func(); }}
                 world w {{ import wasi:cli/environment@{version}; export api; }}
                 package wasi:cli@{version} {{ interface environment {{ depth: func() -> {result}; }} }}"
            ),
            "w",
            &format!(
                r#"(module (import "wasi:cli/environment@{version}" "depth" (func (result {signature})))
                    (func (export "{package}/api@1.0.0#run")))"#
            ),
        )
        .unwrap()
    };
    let root = component(
        "package acme:app; world w { import acme:a/api@1.0.0; import acme:b/api@1.0.0; }
         package acme:a@1.0.0 { interface api { run: func(); } }
         package acme:b@1.0.0 { interface api { run: func(); } }",
        "w",
        r#"(module (import "acme:a/api@1.0.0" "run" (func)) (import "acme:b/api@1.0.0" "run" (func)))"#,
    )
    .unwrap();
    for version in ["0.2.0", "0.2.3"] {
        let parts = vec![
            linked("app", root.clone(), &[("acme:a", 1), ("acme:b", 2)]),
            part("acme:a@1.0.0", reader("acme:a", "0.2.0", "u32", "i32")),
            part("acme:b@1.0.0", reader("acme:b", version, "u64", "i64")),
        ];
        let message = failure(composed(parts));
        assert!(message.starts_with("`acme:a@1.0.0` and `acme:b@1.0.0` import"), "{message}");
        if version == "0.2.0" {
            insta::assert_snapshot!(message, @"
            `acme:a@1.0.0` and `acme:b@1.0.0` import `wasi:cli/environment@0.2.0` with types that exclude each other: mismatched type for export `depth`: mismatched type for function result: expected u64, found u32
            hint: choose releases of `acme:a@1.0.0` and `acme:b@1.0.0` that were built against the same version
            ");
        }
    }
}

#[test]
fn middleware_needs_a_handler_on_either_side() {
    let http = |version: &str, interface: &str| {
        let imports = vec![];
        let package = "wasi:http";
        library::Library { package, version, interface, function: "handle", imports, prefix: "app" }
            .build()
            .unwrap()
    };
    let relay = |version: &str| library::relay("wasi:http", version, "handler", "handle", "m").unwrap();
    let run = |root: Vec<u8>, middleware: Vec<u8>| {
        let parts = vec![part("app", root), part("./middleware.wasm", middleware)];
        failure(compose(&Composition { root: 0, parts, middleware: vec![1] }))
    };
    insta::assert_snapshot!(run(http("0.2.3", "incoming-handler"), relay("0.3.0")), @"
    no middleware can stand in front of `app`: middleware passes requests to `wasi:http/handler@0.3`, and `app` exports `wasi:http/incoming-handler@0.2.3`, whose requests are not those
    hint: build `app` for WASIp3, where Rust, C, Python (componentize-py) and JavaScript (componentize-qjs) have handlers of `wasi:http@0.3`, or let its routes do without middleware
    ");
    insta::assert_snapshot!(run(app(&[]), relay("0.3.0")), @"
    no middleware can stand in front of `app`: middleware passes requests to `wasi:http/handler@0.3`, and `app` exports no handler of HTTP requests
    hint: middleware is for components that answer HTTP requests
    ");
    insta::assert_snapshot!(run(http("0.3.0", "handler"), http("0.3.0", "handler")), @"
    `./middleware.wasm` is not middleware: it does not import `wasi:http/handler`
    hint: middleware imports and exports `wasi:http/handler@0.3.0`
    ");
    insta::assert_snapshot!(run(http("0.3.0", "handler"), app(&[])), @"
    `./middleware.wasm` is not middleware: it does not import `wasi:http/handler`
    hint: middleware imports and exports `wasi:http/handler@0.3.0`
    ");
    insta::assert_snapshot!(run(http("0.3.0-rc-2026-03-15", "handler"), relay("0.3.0")), @"
    the middleware `./middleware.wasm` passes requests to `wasi:http/handler@0.3.0`, and `app` exports `wasi:http/handler@0.3.0-rc-2026-03-15`
    hint: choose releases of `./middleware.wasm` and `app` that were built for one version of `wasi:http`
    ");
}
