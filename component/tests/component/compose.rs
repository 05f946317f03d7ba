//! Compositions that work, run in wasmtime.

use crate::dummy::dummy;
use crate::support::{Running, composed, failure, linked, named, part, wires};
use spin_deps_component::{Composition, ExternKind, Link, Part, compose, inspect};
use spin_deps_fixtures::{http, library};
use wasmtime::component::{ComponentType, Lower};

#[test]
fn a_dependency_of_a_dependency_answers() {
    let parts = vec![
        linked("app", library::chain("acme:app", "1.0.0", &[("acme:mid", "1.0.0")]), &[("acme:mid", 2)]),
        part("acme:hash@1.2.3", library::chain("acme:hash", "1.2.3", &[])),
        linked(
            "acme:mid@1.0.0",
            library::chain("acme:mid", "1.0.0", &[("acme:hash", "1.2.0")]),
            &[("acme:hash", 1)],
        ),
    ];
    let composed = composed(parts).unwrap();
    insta::assert_snapshot!(wires(&composed), @"
    acme:mid@1.0.0: acme:hash/api@1.2.0 <- acme:hash/api@1.2.3 of acme:hash@1.2.3
    app: acme:mid/api@1.0.0 <- acme:mid/api@1.0.0 of acme:mid@1.0.0
    ");
    assert_eq!(composed.instances, 3);
    let mut app = Running::start(&composed.bytes);
    for _ in 0..3 {
        let answer = app.text("acme:app/api@1.0.0", "x");
        assert_eq!(answer, "acme:app@1.0.0(acme:mid@1.0.0(acme:hash@1.2.3(x)))");
    }
    let long = "long ".repeat(100_000);
    let around = "acme:app@1.0.0(acme:mid@1.0.0(acme:hash@1.2.3()))";
    assert_eq!(app.text("acme:app/api@1.0.0", &long).len(), long.len() + around.len());

    let inspection = inspect(&composed.bytes).unwrap();
    assert!(inspection.imports.is_empty());
    let exports: Vec<_> = inspection.exports.iter().map(|export| export.name.as_str()).collect();
    assert_eq!(exports, ["acme:app/api@1.0.0"]);
}

/// The app and its one dependency both depend on a counter.
fn diamond(counters: [usize; 2], order: [usize; 4]) -> Vec<Part> {
    let mut parts = [
        linked(
            "app",
            library::chain("acme:app", "1.0.0", &[("acme:count", "1.0.0"), ("acme:mid", "1.0.0")]),
            &[("acme:count", order[counters[0]]), ("acme:mid", order[1])],
        ),
        linked(
            "mid",
            library::chain("acme:mid", "1.0.0", &[("acme:count", "1.0.0")]),
            &[("acme:count", order[counters[1]])],
        ),
        part("one", library::counter("acme:count", "1.0.0").unwrap()),
        part("other", library::counter("acme:count", "1.0.0").unwrap()),
    ]
    .map(Some);
    let mut placed = [None, None, None, None];
    for (index, place) in order.into_iter().enumerate() {
        placed[place] = parts[index].take();
    }
    placed.into_iter().map(Option::unwrap).collect()
}

#[test]
fn two_dependents_share_one_instance() {
    let shared = composed(diamond([2, 2], [0, 1, 2, 3])).unwrap();
    assert_eq!(shared.instances, 3);
    let mut app = Running::start(&shared.bytes);
    let call = "acme:app/api@1.0.0";
    assert_eq!(app.text(call, "x"), "acme:app@1.0.0(acme:count@1.0.0#1,acme:mid@1.0.0(acme:count@1.0.0#2))");
    assert_eq!(app.text(call, "x"), "acme:app@1.0.0(acme:count@1.0.0#3,acme:mid@1.0.0(acme:count@1.0.0#4))");

    let apart = composed(diamond([2, 3], [0, 1, 2, 3])).unwrap();
    assert_eq!(apart.instances, 4);
    let mut app = Running::start(&apart.bytes);
    assert_eq!(app.text(call, "x"), "acme:app@1.0.0(acme:count@1.0.0#1,acme:mid@1.0.0(acme:count@1.0.0#1))");
}

#[test]
fn the_bytes_depend_on_the_wiring_alone() {
    let first = composed(diamond([2, 2], [0, 1, 2, 3])).unwrap();
    for order in [[0, 1, 2, 3], [0, 3, 1, 2], [0, 2, 3, 1]] {
        let again = composed(diamond([2, 2], order)).unwrap();
        assert!(first.bytes == again.bytes, "{order:?}");
        assert_eq!(first.wires, again.wires);
    }
}

#[test]
fn a_resource_passes_through_a_shared_instance() {
    let [res, user, root] = library::resource_trio().unwrap();
    let parts = vec![
        linked("root", root.clone(), &[("acme:res", 1), ("acme:user", 2)]),
        part("res", res.clone()),
        linked("user", user.clone(), &[("acme:res", 1)]),
    ];
    let mut app = Running::start(&composed(parts).unwrap().bytes);
    assert_eq!(app.call::<(), u32>("", "run", ()), 42);

    // Two instances of the same release define two resource types.
    let parts = vec![
        linked("root", root, &[("acme:res", 1), ("acme:user", 2)]),
        part("res", res.clone()),
        linked("user", user, &[("acme:res", 3)]),
        part("res, again", res),
    ];
    insta::assert_snapshot!(failure(composed(parts)), @"
    `user` does not fit the import `acme:user/api@1.0.0` of `root`: they differ in the resource `cell`
      expected by root: use acme:res/api@1.0.0.{cell}, which is that of `res`
      found in user: use acme:res/api@1.0.0.{cell}, which is that of `res, again`
    hint: components that exchange a resource share the package that defines it: choose another release than `user`, one that uses the `cell` of `res`, or build `root` against it
    ");
}

#[test]
fn versions_fit_on_one_track_and_majors_coexist() {
    let app = library::chain("acme:app", "1.0.0", &[("acme:hash", "1.2.0"), ("acme:hash", "2.0.0")]);
    let parts = vec![
        linked("app", app, &[("acme:hash", 1), ("acme:hash", 2)]),
        part("two", library::chain("acme:hash", "2.4.0", &[])),
        part("one", library::chain("acme:hash", "1.1.7", &[])),
    ];
    let composed = composed(parts).unwrap();
    insta::assert_snapshot!(wires(&composed), @"
    app: acme:hash/api@1.2.0 <- acme:hash/api@1.1.7 of one
    app: acme:hash/api@2.0.0 <- acme:hash/api@2.4.0 of two
    ");
    let answer = Running::start(&composed.bytes).text("acme:app/api@1.0.0", "x");
    assert_eq!(answer, "acme:app@1.0.0(acme:hash@1.1.7(x),acme:hash@2.4.0(x))");
}

#[test]
fn an_export_may_have_another_name() {
    let app = library::chain("acme:app", "1.0.0", &[("acme:hash", "1.0.0")]);
    let link = Link { export: Some("other:digest/api@3.0.0".to_owned()), ..named("acme:hash/api@1.0.0", 1) };
    let parts = vec![
        Part { links: vec![link], ..part("app", app) },
        part("other", library::chain("other:digest", "3.0.0", &[])),
    ];
    let answer = Running::start(&composed(parts).unwrap().bytes).text("acme:app/api@1.0.0", "x");
    assert_eq!(answer, "acme:app@1.0.0(other:digest@3.0.0(x))");
}

#[test]
fn foreign_exports_do_no_harm() {
    let parts = vec![
        Part {
            links: vec![named("acme:plain", 1)],
            ..part("app", library::chain("acme:app", "1.0.0", &[("acme:plain", "1.0.0")]))
        },
        part("plain", library::with_plain_exports("acme:plain", "1.0.0").unwrap()),
    ];
    let bytes = composed(parts).unwrap().bytes;
    assert_eq!(Running::start(&bytes).text("acme:app/api@1.0.0", "x"), "acme:app@1.0.0(acme:plain@1.0.0(x))");
    assert_eq!(inspect(&bytes).unwrap().exports.len(), 1, "a dependency's exports are its own");

    // As the root, it keeps them all.
    let root = library::with_plain_exports("acme:plain", "1.0.0").unwrap();
    let untouched = composed(vec![part("plain", root.clone())]).unwrap();
    assert_eq!((untouched.bytes, untouched.instances), (root, 1));
}

#[test]
fn all_exports_of_the_root_stay() {
    let root = library::component_with_plain_exports_and_import().unwrap();
    let parts = vec![
        linked("root", root, &[("acme:hash", 1)]),
        part("hash", library::chain("acme:hash", "1.0.0", &[])),
    ];
    let bytes = composed(parts).unwrap().bytes;
    let inspection = inspect(&bytes).unwrap();
    let exports: Vec<_> = inspection.exports.iter().map(|export| export.name.as_str()).collect();
    assert_eq!(exports, ["init", "exports", "acme:plain/api@1.0.0"]);
    let mut root = Running::start(&bytes);
    assert_eq!(root.call::<(), u32>("exports", "ping", ()), 7);
    assert_eq!(root.text("acme:plain/api@1.0.0", "x"), "acme:plain@1.0.0(acme:hash@1.0.0(x))");
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Point {
    x: u32,
    y: u32,
}

#[test]
fn types_alone_need_no_implementation() {
    let shapes = library::library_with_types_only_import().unwrap();
    let only_types = ExternKind::Interface { types_only: true };
    assert_eq!(inspect(&shapes).unwrap().imports[0].kind, only_types);
    assert_eq!(composed(vec![part("shapes", shapes.clone())]).unwrap().bytes, shapes);
    // Not even where its package turned out to be a WIT package.
    let wit =
        spin_deps_fixtures::wit_package("package acme:types@1.0.0; interface geometry { type t = u8; }")
            .unwrap();
    let parts = vec![linked("shapes", shapes.clone(), &[("acme:types", 1)]), part("acme:types@1.0.0", wit)];
    assert_eq!(composed(parts).unwrap().bytes, shapes);
    let sum: u32 = Running::start(&shapes).call("acme:shapes/api@1.0.0", "sum", (Point { x: 40, y: 2 },));
    assert_eq!(sum, 42);
}

#[test]
fn imports_of_the_host_are_merged() {
    let reader = library::environment_reader("acme:env", "1.0.0").unwrap();
    let root = library::environment_root().unwrap();
    let parts = vec![linked("root", root, &[("acme:env", 1)]), part("env", reader)];
    let inspection = inspect(&composed(parts).unwrap().bytes).unwrap();
    let imports: Vec<_> = inspection.imports.iter().map(|import| import.name.as_str()).collect();
    assert_eq!(imports, ["wasi:cli/environment@0.2.3"]);
    assert_eq!(inspection.capabilities.into_iter().collect::<Vec<_>>(), ["environment"]);
}

#[test]
fn an_interface_brings_what_its_types_come_from() {
    let two = "package acme:two@1.0.0 {
        interface types { resource cell { get: func() -> u32; } }
        interface api { use types.{cell}; make: func() -> cell; } }";
    let root = dummy(&format!(
        "package acme:app; world w {{ import acme:two/types@1.0.0; import acme:two/api@1.0.0; }} {two}"
    ));
    let implementation = dummy(&format!(
        "package acme:impl; world w {{ export acme:two/types@1.0.0; export acme:two/api@1.0.0; }} {two}"
    ));
    let root = Part { links: vec![named("acme:two/api@1.0.0", 1)], ..part("app", root) };
    let composed = composed(vec![root, part("two", implementation)]).unwrap();
    insta::assert_snapshot!(wires(&composed), @"
    app: acme:two/api@1.0.0 <- acme:two/api@1.0.0 of two
    app: acme:two/types@1.0.0 <- acme:two/types@1.0.0 of two
    ");
}

#[test]
fn an_interface_of_the_host_can_be_provided_by_name() {
    let virtual_environment = dummy(
        "package acme:virtual; world w { export wasi:cli/environment@0.2.3; }
         package wasi:cli@0.2.3 { interface environment { get-environment: func() -> list<tuple<string, string>>; } }",
    );
    let reader = library::environment_reader("acme:env", "1.0.0").unwrap();
    let link = named("wasi:cli/environment@0.2.0", 1);
    let root = Part { links: vec![link], ..part("env", reader) };
    let composed = composed(vec![root, part("virtual", virtual_environment)]).unwrap();
    let inspection = inspect(&composed.bytes).unwrap();
    assert!(inspection.imports.is_empty() && inspection.capabilities.is_empty());
}

#[test]
fn real_middleware_wraps_a_real_app_with_a_dependency() {
    let parts = vec![
        linked("app", http::p3_app(&[("acme:hash", "1.0.0")]), &[("acme:hash", 1)]),
        part("acme:hash@1.4.0", library::chain("acme:hash", "1.4.0", &[])),
        part("./outer.wasm", http::p3_middleware("x-outer", "1")),
        part("./inner.wasm", http::p3_middleware("x-inner", "1")),
    ];
    let composed = compose(&Composition { root: 0, parts, middleware: vec![2, 3] }).unwrap();
    insta::assert_snapshot!(wires(&composed), @"
    app: acme:hash/api@1.0.0 <- acme:hash/api@1.4.0 of acme:hash@1.4.0
    ./inner.wasm: wasi:http/handler@0.3.0 <- wasi:http/handler@0.3.0 of app
    ./outer.wasm: wasi:http/handler@0.3.0 <- wasi:http/handler@0.3.0 of ./inner.wasm
    ");
    let inspection = inspect(&composed.bytes).unwrap();
    let exports: Vec<_> = inspection.exports.iter().map(|export| export.name.as_str()).collect();
    assert_eq!(exports, ["wasi:http/handler@0.3.0"]);
    // The types of HTTP are the host's, once for all three.
    let imports: Vec<_> = inspection.imports.iter().map(|import| import.name.as_str()).collect();
    assert_eq!(imports.iter().filter(|name| name.starts_with("wasi:http/types")).count(), 1, "{imports:?}");
    assert!(!imports.iter().any(|name| name.contains("handler")), "{imports:?}");
}

/// Something like middleware: the handler is a function from text to text.
fn relay(package: &str) -> Vec<u8> {
    library::relay("wasi:http", "0.3.0", "handler", "handle", package).unwrap()
}

#[test]
fn middleware_is_passed_front_to_back() {
    let handler = library::Library {
        package: "wasi:http",
        version: "0.3.0",
        interface: "handler",
        function: "handle",
        imports: vec![library::Import {
            package: "acme:hash",
            version: "1.0.0",
            interface: "api",
            function: "call",
        }],
        prefix: "app",
    };
    let composition = Composition {
        root: 0,
        parts: vec![
            linked("app", handler.build().unwrap(), &[("acme:hash", 3)]),
            part("outer", relay("outer")),
            part("inner", relay("inner")),
            part("hash", library::chain("acme:hash", "1.0.0", &[])),
        ],
        middleware: vec![1, 2, 1],
    };
    let composed = compose(&composition).unwrap();
    insta::assert_snapshot!(wires(&composed), @"
    app: acme:hash/api@1.0.0 <- acme:hash/api@1.0.0 of hash
    outer: wasi:http/handler@0.3.0 <- wasi:http/handler@0.3.0 of app
    inner: wasi:http/handler@0.3.0 <- wasi:http/handler@0.3.0 of outer
    outer: wasi:http/handler@0.3.0 <- wasi:http/handler@0.3.0 of inner
    ");
    assert_eq!(composed.instances, 5);
    let answer: String =
        Running::start(&composed.bytes).call("wasi:http/handler@0.3.0", "handle", ("x".to_owned(),));
    assert_eq!(answer, "outer(inner(outer(app(acme:hash@1.0.0(x)))))");
}
