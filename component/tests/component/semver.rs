//! Whether a release can stand for an older one, told as the user reads it.

use std::fmt::Write as _;

use spin_deps_component::{Comparison, Outline, compare, compare_packages};
use spin_deps_fixtures::wit_package;

use crate::dummy::dummy;
use crate::support::{composed, linked, part};

/// The verdict, one thing a line.
fn told(comparison: &Comparison) -> String {
    let mut text = String::new();
    for one in &comparison.breaks {
        let _ = writeln!(text, "break: {one}");
    }
    for one in &comparison.additions {
        let _ = writeln!(text, "{}: {one}", if one.is_feature() { "feature" } else { "note" });
    }
    for one in &comparison.unknown {
        let _ = writeln!(text, "unknown: {one}");
    }
    if text.is_empty() { "the same".to_owned() } else { text }
}

fn outline(bytes: &[u8]) -> Outline {
    Outline::read(bytes).unwrap()
}

/// Compares two libraries that export `api` with these items, and tries the newer one in the older one's place.
fn between(older: &str, newer: &str) -> String {
    let library = |version: &str, items: &str| {
        dummy(&format!(
            "package acme:hash@{version};\ninterface types {{ record point {{ x: u32, y: u32 }} resource blob; }}\n\
             interface api {{ {items} }}\nworld w {{ export api; }}"
        ))
    };
    let (before, after) = (library("1.2.0", older), library("1.3.0", newer));
    let comparison = compare(&outline(&before), &outline(&after));

    // Whoever imports the older one is composed with the newer one if, and only if, nothing breaks.
    let user = format!(
        "package acme:hash@1.2.0;\ninterface types {{ record point {{ x: u32, y: u32 }} resource blob; }}\n\
         interface api {{ {older} }}\nworld w {{ import api; export run: func(); }}"
    );
    let parts = vec![linked("user", dummy(&user), &[("acme:hash", 1)]), part("acme:hash", after)];
    let fits = composed(parts);
    assert_eq!(fits.is_ok(), comparison.breaks.is_empty(), "{:?}\n{}", fits.err(), told(&comparison));
    told(&comparison)
}

#[test]
fn an_interface_may_grow() {
    insta::assert_snapshot!(between("sum: func(a: u32) -> u32;", "sum: func(a: u32) -> u32;"), @"the same");
    insta::assert_snapshot!(
        between("sum: func(a: u32) -> u32;", "sum: func(a: u32) -> u32; record r { x: u8 } more: func() -> r;"), @"
    feature: adds the function `more` to `acme:hash/api@1.2.0`
    feature: adds the type `r` to `acme:hash/api@1.2.0`
    "
    );
}

#[test]
fn what_is_gone_or_changed_is_a_break_and_all_of_it_is_told() {
    insta::assert_snapshot!(
        between(
            "sum: func(a: u32) -> u32; old: func(); keep: func();",
            "sum: func(a: u64) -> u32; keep: func(); new: func();"
        ), @"
    break: `acme:hash/api@1.2.0`: the function `old` is gone
        was old: func()
    break: `acme:hash/api@1.2.0`: the function `sum` has changed
        was sum: func(a: u32) -> u32
        is  sum: func(a: u64) -> u32
    feature: adds the function `new` to `acme:hash/api@1.2.0`
    "
    );
    insta::assert_snapshot!(
        between(
            "record point { x: u32 } enum color { red } at: func(p: point, c: color);",
            "record point { x: u32, y: u32 } enum color { red, blue } at: func(p: point, c: color);"
        ), @"
    break: `acme:hash/api@1.2.0`: the type `color` has changed
        was enum color { red }
        is  enum color { red, blue }
    break: `acme:hash/api@1.2.0`: the type `point` has changed
        was record point { x: u32 }
        is  record point { x: u32, y: u32 }
    "
    );
    insta::assert_snapshot!(
        between(
            "resource blob { constructor(size: u32); len: func() -> u32; open: static func() -> blob; } use-it: func(b: borrow<blob>);",
            "resource blob { constructor(size: u64); open: static func() -> blob; copy: func() -> blob; } use-it: func(b: borrow<blob>);"
        ), @"
    break: `acme:hash/api@1.2.0`: the method `blob.constructor` has changed
        was constructor(size: u32)
        is  constructor(size: u64)
    break: `acme:hash/api@1.2.0`: the method `blob.len` is gone
        was len: func() -> u32
    feature: adds the method `blob.copy` to `acme:hash/api@1.2.0`
    "
    );
    insta::assert_snapshot!(between("run: func();", "run: async func();"), @"
    break: `acme:hash/api@1.2.0`: the function `run` has changed
        was run: func()
        is  run: async func()
    ");
}

#[test]
fn a_type_that_comes_from_elsewhere_is_looked_into() {
    let with = |fields: &str| {
        dummy(&format!(
            "package acme:hash@1.0.0;\ninterface base {{ record inner {{ {fields} }} }}\n\
             interface types {{ use base.{{inner}}; record outer {{ inner: inner }} }}\n\
             interface api {{ use types.{{outer}}; run: func(o: outer); }}\nworld w {{ export api; }}"
        ))
    };
    let (before, after) = (with("x: u32"), with("x: u32, y: u32"));
    assert_eq!(told(&compare(&outline(&before), &outline(&before))), "the same");
    insta::assert_snapshot!(told(&compare(&outline(&before), &outline(&after))), @"
    break: `acme:hash/api@1.0.0`: the type `inner` has changed
        was record inner { x: u32 }
        is  record inner { x: u32, y: u32 }
    ");
}

#[test]
fn exports_and_imports_come_and_go() {
    let world = |body: &str| {
        dummy(&format!(
            "package acme:hash@1.0.0;\ninterface a {{ f: func(); }}\ninterface b {{ g: func(); }}\n\
             world w {{ {body} }}\npackage acme:log@1.4.0 {{ interface log {{ say: func(); }} }}"
        ))
    };
    let compared =
        |older: &str, newer: &str| told(&compare(&outline(&world(older)), &outline(&world(newer))));
    insta::assert_snapshot!(compared("export a; export b;", "export b; import acme:log/log@1.4.0;"), @"
    break: the export `acme:hash/a@1.0.0` is gone
    note: imports `acme:log/log@1.4.0`
    ");
    insta::assert_snapshot!(compared("export a; import acme:log/log@1.4.0;", "export a; export b;"), @"feature: exports `acme:hash/b@1.0.0`");
    insta::assert_snapshot!(compared("export init: func();", "export init: func() -> u32;"), @"
    break: `init`: the function `init` has changed
        was init: func()
        is  init: func() -> u32
    ");
}

#[test]
fn an_interface_is_found_by_its_name_on_the_semver_track() {
    let at = |version: &str| {
        outline(&dummy(&format!(
            "package acme:hash@{version};\ninterface api {{ f: func(); }}\nworld w {{ export api; }}"
        )))
    };
    assert_eq!(told(&compare(&at("1.2.0"), &at("1.9.0"))), "the same");
    assert_eq!(told(&compare(&at("1.9.0"), &at("1.2.0"))), "the same");
    insta::assert_snapshot!(told(&compare(&at("1.2.0"), &at("2.0.0"))), @"
    break: the export `acme:hash/api@1.2.0` is gone
    feature: exports `acme:hash/api@2.0.0`
    ");
}

#[test]
fn wit_packages_are_compared_with_their_worlds() {
    let compared = |older: &str, newer: &str| {
        let bytes =
            |version: &str, body: &str| wit_package(&format!("package acme:hash{version};\n{body}")).unwrap();
        let versioned = compare_packages(&bytes("@1.0.0", older), &bytes("@1.1.0", newer)).unwrap();
        let bare = compare_packages(&bytes("", older), &bytes("", newer)).unwrap();
        assert_eq!(versioned.breaks.len(), bare.breaks.len(), "with or without versions");
        told(&versioned)
    };
    let types = "interface types { record point { x: u32 } }";
    insta::assert_snapshot!(
        compared(
            &format!("{types} interface api {{ use types.{{point}}; f: func(p: point); }}"),
            &format!("{types} interface api {{ use types.{{point}}; f: func(p: point); g: func(); }} interface more {{ h: func(); }}")
        ), @"
    feature: adds the function `g` to `acme:hash/api@1.0.0`
    feature: exports `acme:hash/more@1.1.0`
    "
    );
    insta::assert_snapshot!(
        compared(
            &format!("{types} interface api {{ use types.{{point}}; f: func(p: point); }} interface old {{ h: func(); }}"),
            "interface types { record point { x: u64 } } interface api { use types.{point}; f: func(p: point); }"
        ), @"
    break: `acme:hash/types@1.0.0`: the type `point` has changed
        was record point { x: u32 }
        is  record point { x: u64 }
    break: `acme:hash/api@1.0.0`: the type `point` has changed
        was record point { x: u32 }
        is  record point { x: u64 }
    break: the interface `acme:hash/old@1.0.0` is gone
    "
    );
    let two = "interface a { f: func(); } interface b { g: func(); }";
    insta::assert_snapshot!(
        compared(&format!("{two} world w {{ export a; }}"), &format!("{two} world w {{ import b; export a; }} world v {{}}")), @"feature: has the world `v`"
    );
    insta::assert_snapshot!(
        compared(&format!("{two} world w {{ export a; }} world v {{}}"), &format!("{two} world w {{ export a; export b; }}")), @"
    break: the world `w`: new world is not semver-compatible with the previous world: type mismatch for import `w`, missing export named `acme:hash/b` (at offset 0x3bd)
    break: the world `v` is gone
    "
    );
}

#[test]
fn what_has_become_something_else_is_a_break() {
    let component = dummy("package acme:hash@1.0.0;\nworld w { export f: func(); }");
    let wit = wit_package("package acme:hash@1.1.0;\ninterface api { f: func(); }").unwrap();
    insta::assert_snapshot!(told(&compare_packages(&component, &wit).unwrap()), @"break: it was a component, and is a WIT package");
}
