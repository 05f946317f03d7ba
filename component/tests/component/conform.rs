//! Components against worlds.

use std::sync::Arc;

use spin_deps_component::{Conformance, Difference, Direction, World, WorldError, conform};
use spin_deps_fixtures::{dummy, wit_package};
use wac_graph::types::{Package, Type, Types, validate_target};

/// The interfaces that components and worlds share.
const KV: &str = "
    package acme:kv@1.2.0 {
        interface types { variant error { denied, other(string) } }
        interface store {
            use types.{error};
            resource bucket { get: func(key: string) -> result<list<u8>, error>; }
            open: func(name: string) -> result<bucket, error>;
            names: async func() -> list<string>;
        }
    }
    package acme:log@0.3.1 { interface sink { write: func(line: string); } }
    package acme:bare { interface api { call: func(); } }
    package acme:http@2.0.0 { interface handler { handle: func(path: string) -> string; } }
";

const WORLD: &str = "world host {
    import acme:kv/store@1.2.0;
    import acme:log/sink@0.3.1;
    import now: func() -> u64;
    export acme:http/handler@2.0.0;
}";

fn world(world: &str, packages: &str) -> Arc<World> {
    let package = wit_package(&format!("package acme:worlds@1.0.0;\n{world}\n{packages}")).unwrap();
    Arc::new(World::read(&package, "host").unwrap())
}

fn check(world: &Arc<World>, component: &[u8]) -> Conformance {
    let [found] = conform(component, std::slice::from_ref(world)).unwrap().try_into().unwrap();
    found
}

fn component(items: &str, packages: &str) -> Vec<u8> {
    dummy(&format!("package acme:app;\nworld w {{ {items} }}\n{packages}")).unwrap()
}

/// What does not fit, a line each.
fn verdict(world: &Arc<World>, component: &[u8]) -> String {
    let found = check(world, component);
    let mut lines = Vec::new();
    lines.extend(found.missing_imports.iter().map(|it| format!("import {it} is missing")));
    lines.extend(found.missing_exports.iter().map(|it| format!("export {it} is missing")));
    for it in &found.mismatches {
        let direction = match it.direction {
            Direction::Import => "import",
            Direction::Export => "export",
        };
        let difference = match &it.difference {
            Difference::Item { what, item, expected, found } => {
                format!("{what} {item}: {expected} / {}", found.as_deref().unwrap_or("-"))
            }
            Difference::Other(words) => words.clone(),
        };
        lines.push(format!("{direction} {} with {}: {difference}", it.name, it.world_name));
    }
    assert_eq!(found.fits(), lines.is_empty());
    lines.join("\n")
}

#[test]
fn a_component_may_import_less_and_export_more() {
    let host = world(WORLD, KV);
    for items in [
        "export acme:http/handler@2.0.0;",
        "import acme:log/sink@0.3.1; export acme:http/handler@2.0.0; export extra: func();",
        "import acme:kv/store@1.2.0; import now: func() -> u64; export acme:http/handler@2.0.0;",
    ] {
        assert_eq!(verdict(&host, &component(items, KV)), "", "{items}");
    }
}

#[test]
fn versions_fit_on_one_track_only() {
    let host = world(WORLD, KV);
    let on = |from: &str, to: &str| {
        let items = "import acme:kv/store@1.2.0; import acme:log/sink@0.3.1; export acme:http/handler@2.0.0;";
        verdict(&host, &component(&items.replace(from, to), &KV.replace(from, to)))
    };
    assert_eq!(on("kv/store@1.2.0", "kv/store@1.2.0"), "");
    assert_eq!(on("1.2.0", "1.0.5"), "");
    assert_eq!(on("1.2.0", "1.9.0"), "");
    assert_eq!(on("2.0.0", "2.7.0"), "");
    insta::assert_snapshot!(on("1.2.0", "2.0.1"), @"
    import acme:kv/types@2.0.1 is missing
    import acme:kv/store@2.0.1 is missing
    ");
    insta::assert_snapshot!(on("0.3.1", "0.4.0"), @"import acme:log/sink@0.4.0 is missing");
    insta::assert_snapshot!(on("1.2.0", "1.2.0-rc.1"), @"
    import acme:kv/types@1.2.0-rc.1 is missing
    import acme:kv/store@1.2.0-rc.1 is missing
    ");
    insta::assert_snapshot!(on("2.0.0", "3.0.0"), @"export acme:http/handler@2.0.0 is missing");
}

#[test]
fn what_has_no_version_is_not_what_has_one() {
    let plain = world("world host { import acme:bare/api; }", KV);
    let versioned = KV.replace("package acme:bare", "package acme:bare@1.0.0");
    let bare = component("import acme:bare/api;", KV);
    assert_eq!(verdict(&plain, &bare), "");
    let with_version = component("import acme:bare/api@1.0.0;", &versioned);
    assert_eq!(verdict(&plain, &with_version), "import acme:bare/api@1.0.0 is missing");
    let newer = world("world host { import acme:bare/api@1.0.0; }", &versioned);
    assert_eq!(verdict(&newer, &bare), "import acme:bare/api is missing");
}

#[test]
fn other_types_are_named_down_to_the_function() {
    let host = world(WORLD, KV);
    let other = |from: &str, to: &str| {
        let items = "import acme:kv/store@1.2.0; import now: func() -> u64; export acme:http/handler@2.0.0;";
        verdict(&host, &component(&items.replace(from, to), &KV.replace(from, to)))
    };
    let found = [
        ("get: func(key: string)", "get: func(key: u64)"),
        ("names: async func()", "names: func()"),
        ("other(string)", "other(u32)"),
        ("names: async func()", "count: func() -> u32;\n names: async func()"),
        ("now: func() -> u64", "now: func() -> u32"),
        ("now: func() -> u64;", "now: interface { get: func(); }"),
        ("handle: func(path: string) -> string", "handle: func(path: string) -> list<u8>"),
        ("handle: func", "treat: func"),
        ("export acme:http/handler@2.0.0", "export other: func()"),
    ]
    .map(|(from, to)| other(from, to));
    insta::assert_snapshot!(found.join("\n"), @"
    import acme:kv/store@1.2.0 with acme:kv/store@1.2.0: method bucket.get: get: func(key: u64) -> result<list<u8>, error> / get: func(key: string) -> result<list<u8>, error>
    import acme:kv/store@1.2.0 with acme:kv/store@1.2.0: function names: names: func() -> list<string> / names: async func() -> list<string>
    import acme:kv/types@1.2.0 with acme:kv/types@1.2.0: type error: variant error { denied, other(u32) } / variant error { denied, other(string) }
    import acme:kv/store@1.2.0 with acme:kv/store@1.2.0: type error: variant error { denied, other(u32) } / variant error { denied, other(string) }
    import acme:kv/store@1.2.0 with acme:kv/store@1.2.0: function count: count: func() -> u32 / -
    import now with now: function now: now: func() -> u32 / now: func() -> u64
    import now with now: an interface is expected, and it is a function
    export acme:http/handler@2.0.0 with acme:http/handler@2.0.0: function handle: handle: func(path: string) -> string / handle: func(path: string) -> list<u8>
    export acme:http/handler@2.0.0 with acme:http/handler@2.0.0: function handle: handle: func(path: string) -> string / -
    export acme:http/handler@2.0.0 is missing
    ");
}

#[test]
fn a_package_says_what_worlds_it_has() {
    let package =
        wit_package("package acme:worlds@1.0.0;\nworld one {}\nworld two {}\ninterface three {}").unwrap();
    let Err(WorldError::NoWorld { world, worlds }) = World::read(&package, "three") else {
        panic!("an interface is no world");
    };
    assert_eq!((world.as_str(), worlds), ("three", vec!["one".to_owned(), "two".to_owned()]));
    let component = component("", KV);
    let error = World::read(&component, "w").unwrap_err();
    assert_eq!(error.to_string(), "it is a component, not a WIT package");
    assert!(matches!(World::read(b"<html>", "w"), Err(WorldError::Unreadable(_))));
}

/// The checker of wac answers the same question for a whole component.
#[test]
fn another_checker_agrees() {
    let changes = [
        ("", ""),
        ("get: func(key: string)", "get: func(key: u64)"),
        ("names: async func()", "names: func()"),
        ("other(string)", "other(u32)"),
        ("names: async func()", "count: func() -> u32;\n names: async func()"),
        ("now: func() -> u64", "now: func() -> u32"),
        ("handle: func(path: string) -> string", "handle: func(path: string) -> list<u8>"),
        ("acme:log/sink@0.3.1;", ""),
        ("1.2.0", "1.5.0"),
        ("1.2.0", "2.0.0"),
        ("0.3.1", "0.4.0"),
        ("export acme:http/handler@2.0.0;", ""),
    ];
    let items = "import acme:kv/store@1.2.0; import acme:log/sink@0.3.1; import now: func() -> u64; \
                 export acme:http/handler@2.0.0;";
    let host = wit_package(&format!("package acme:worlds@1.0.0;\n{WORLD}\n{KV}")).unwrap();
    for (from, to) in changes {
        let (items, packages) = match from {
            "" => (items.to_owned(), KV.to_owned()),
            "acme:log/sink@0.3.1;" => (items.replace(&format!("import {from}"), to), KV.to_owned()),
            from => (items.replace(from, to), KV.replace(from, to)),
        };
        let component = component(&items, &packages);
        let ours = check(&world(WORLD, KV), &component);
        let mut types = Types::default();
        let wit = Package::from_bytes("wit", None, host.clone(), &mut types).unwrap();
        let theirs = Package::from_bytes("component", None, component, &mut types).unwrap();
        let Type::World(outer) = types[wit.ty()].exports["host"].ty() else { panic!("a world") };
        let Type::World(world) = types[outer].exports[0].ty() else { panic!("a world") };
        let agrees = validate_target(&types, world, theirs.ty()).is_ok();
        assert_eq!(ours.fits(), agrees, "{from} → {to}: {ours:?}");
    }
}
