//! The types of components without the components, held against what composes.

use proptest::prelude::*;
use spin_deps_component::{
    ComposeError, Difference, Kind, Misfit, Outline, Types, changes, compare, compare_types,
};
use spin_deps_fixtures::{component, library, wit_package};

use crate::dummy::dummy;
use crate::support::{composed, linked, part};

fn types(bytes: &[u8]) -> Types {
    let types = Types::of(&Outline::read(bytes).unwrap());
    let text = types.to_json();
    let read = Types::from_json(&text).unwrap();
    assert_eq!(read, types, "{text}");
    assert_eq!(read.to_json(), text);
    read
}

/// What is wrong with each import of the first component that the second should satisfy.
fn misfits(user: &[u8], library: &[u8]) -> Vec<Misfit> {
    let (user, library) = (types(user), types(library));
    user.imports().filter_map(|import| user.check(import, &library, None).err()).collect()
}

fn shown(misfits: &[Misfit]) -> String {
    let line = |misfit: &Misfit| match misfit {
        Misfit::Differs(Difference::Item { what, item, expected, found }) => {
            format!(
                "{what} {item}\n  expected {expected}\n  found    {}",
                found.as_deref().unwrap_or("nothing")
            )
        }
        Misfit::Differs(Difference::Other(detail)) => detail.clone(),
        Misfit::NoExport => "no export".to_owned(),
    };
    misfits.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Checks a user of `acme:hash/api` against a library that exports it, and composes them.
fn between(wanted: &str, offered: &str) -> String {
    let package = |body: &str| format!("package acme:hash@1.0.0;\n{body}");
    let user = dummy(&package(&format!("{wanted} world w {{ import api; export run: func(); }}")));
    let names = ["base", "types"].into_iter().filter(|name| offered.contains(&format!("interface {name}")));
    let other = names.map(|name| format!("export {name};")).collect::<Vec<_>>().concat();
    let library = dummy(&package(&format!("{offered} world w {{ {other} export api; }}")));
    let found = misfits(&user, &library);
    let composition = composed(vec![linked("user", user, &[("acme:hash", 1)]), part("library", library)]);
    assert_eq!(composition.is_ok(), found.is_empty(), "{:?}\n{}", composition.err(), shown(&found));
    shown(&found)
}

#[test]
fn a_type_is_what_it_is_made_of() {
    // Another name, or none, is no difference.
    assert_eq!(
        between(
            "interface api { sum: func(a: u32, b: list<u8>) -> u32; }",
            "interface api { type id = u32; type bytes = list<u8>; sum: func(a: id, b: bytes) -> id; }"
        ),
        ""
    );
    assert_eq!(
        between(
            "interface api { record point { x: u32 } at: func(p: point); }",
            "interface api { record point { x: u32 } record place { x: u32 } at: func(p: place); }"
        ),
        ""
    );
    // A type may be the interface's own on one side, and come from elsewhere on the other.
    assert_eq!(
        between(
            "interface api { record point { x: u32 } at: func(p: point); }",
            "interface types { record place { x: u32 } } interface api { use types.{place as point}; at: func(p: point); }"
        ),
        ""
    );
    insta::assert_snapshot!(
        between(
            "interface api { type id = u32; sum: func(a: id); }",
            "interface api { type id = u64; sum: func(a: id); }"
        ), @"
    type id
      expected type id = u32
      found    type id = u64
    "
    );
    // A word of the language within a name is part of the name.
    insta::assert_snapshot!(
        between("interface api { func-a: async func(); }", "interface api { func-a: func(); }"), @"
    function func-a
      expected func-a: async func()
      found    func-a: func()
    "
    );
    insta::assert_snapshot!(
        between(
            "interface types { record inner { x: u32 } } interface api { use types.{inner}; record outer { i: inner } at: func(o: outer); }",
            "interface types { record inner { x: u64 } } interface api { use types.{inner}; record outer { i: inner } at: func(o: outer); }"
        ), @"
    type inner
      expected record inner { x: u32 }
      found    record inner { x: u64 }
    type inner
      expected record inner { x: u32 }
      found    record inner { x: u64 }
    "
    );
}

#[test]
fn a_resource_is_the_one_of_its_interface() {
    let user = |version: &str| {
        dummy(&format!(
            "package acme:hash@1.0.0;\ninterface api {{ use acme:res/types@{version}.{{blob}}; f: func(b: borrow<blob>); }}\n\
             world w {{ import api; export run: func(); }}\n\
             package acme:res@{version} {{ interface types {{ resource blob; }} }}"
        ))
    };
    let library = |version: &str| {
        dummy(&format!(
            "package acme:hash@1.0.0;\ninterface api {{ use acme:res/types@{version}.{{blob}}; f: func(b: borrow<blob>); }}\n\
             world w {{ export api; }}\n\
             package acme:res@{version} {{ interface types {{ resource blob; }} }}"
        ))
    };
    let check = |wanted: &str, offered: &str| {
        let (user, library) = (types(&user(wanted)), types(&library(offered)));
        shown(&user.check("acme:hash/api@1.0.0", &library, None).err().into_iter().collect::<Vec<_>>())
    };
    assert_eq!(check("1.0.0", "1.0.0"), "");
    assert_eq!(check("1.2.0", "1.0.0"), "", "versions that fit are one interface");
    insta::assert_snapshot!(check("1.0.0", "2.0.0"), @"
    resource blob
      expected use acme:res/types@1.0.0.{blob}
      found    use acme:res/types@2.0.0.{blob}
    ");

    // The composition of the two is refused in the same way.
    let resource = |version: &str| {
        dummy(&format!(
            "package acme:res@{version};\ninterface types {{ resource blob; }}\nworld w {{ export types; }}"
        ))
    };
    let parts = vec![
        linked("user", user("1.0.0"), &[("acme:hash", 1), ("acme:res", 2)]),
        linked("library", library("2.0.0"), &[("acme:res", 3)]),
        part("res 1", resource("1.0.0")),
        part("res 2", resource("2.0.0")),
    ];
    assert!(matches!(composed(parts), Err(ComposeError::Resource { .. })));
    // An interface that hands the resource on is as good as the one that defines it.
    assert_eq!(
        between(
            "interface types { resource blob; } interface api { use types.{blob}; f: func(b: borrow<blob>); }",
            "interface base { resource blob; } interface types { use base.{blob}; } interface api { use base.{blob}; f: func(b: borrow<blob>); }"
        ),
        ""
    );
}

#[test]
fn what_is_no_interface_is_checked_as_well() {
    let user = |import: &str| {
        dummy(&format!("package acme:app@1.0.0;\nworld w {{ import {import} export run: func(); }}"))
    };
    let library = |export: &str| dummy(&format!("package acme:hash@1.0.0;\nworld w {{ export {export} }}"));
    let check = |import: &str, export: &str, name: &str| {
        let (user, library) = (types(&user(import)), types(&library(export)));
        shown(&user.check("init", &library, Some(name)).err().into_iter().collect::<Vec<_>>())
    };
    assert_eq!(check("init: func(a: u32);", "init: func(a: u32);", "init"), "");
    assert_eq!(check("init: func(a: u32);", "start: func(a: u32);", "start"), "", "its name does not matter");
    insta::assert_snapshot!(check("init: func(a: u32);", "init: func(b: u32);", "init"), @"
    function init
      expected init: func(a: u32)
      found    init: func(b: u32)
    ");
    insta::assert_snapshot!(check("init: func(a: u32);", "init: async func(a: u32);", "init"), @"
    function init
      expected init: func(a: u32)
      found    init: async func(a: u32)
    ");
    insta::assert_snapshot!(check("init: func();", "init: interface { f: func(); }", "init"), @"it imports a function, and `init` is an interface");
    insta::assert_snapshot!(check("init: interface { f: func(); }", "init: func();", "init"), @"it imports an interface, and `init` is a function");
    insta::assert_snapshot!(check("init: func();", "init: func();", "start"), @"no export");
    insta::assert_snapshot!(check("init: func();", "start: func();", "init"), @"no export");

    // A component can import and export a function of one name, with different types.
    let both = dummy("package acme:app@1.0.0;\nworld w { import init: func(); export init: func(a: u32); }");
    let fits = types(&library("init: func();"));
    assert_eq!(types(&both).check("init", &fits, None), Ok(()));
}

#[test]
fn what_is_not_known_is_not_held_against_it() {
    // Nothing has to implement types alone, and the host its own.
    let user = types(&library::library_with_types_only_import().unwrap());
    let other = types(&library::chain("acme:other", "1.0.0", &[]));
    assert_eq!(user.check("acme:types/geometry@1.0.0", &other, None), Ok(()));
    let user = types(&library::environment_reader("acme:env", "1.0.0").unwrap());
    assert_eq!(user.check("wasi:cli/environment@0.2.0", &other, None), Ok(()));
    assert_eq!(user.check("acme:never/heard@1.0.0", &other, None), Ok(()));
    // A WIT package implements nothing.
    let user = types(&library::chain("acme:app", "1.0.0", &[("acme:hash", "1.2.0")]));
    let wit = types(&library::wit_only("acme:hash", "1.2.0").unwrap());
    assert_eq!(wit.kind(), Kind::WitPackage);
    assert_eq!(wit.exports().collect::<Vec<_>>(), ["acme:hash/api@1.2.0"]);
    assert_eq!(user.check("acme:hash/api@1.2.0", &wit, None), Err(Misfit::NoExport));
}

#[test]
fn the_text_is_small_and_canonical() {
    let user = dummy(
        "package acme:app@1.0.0;
interface api { use wasi:io/streams@0.2.0.{input-stream}; record point { x: u32 } read: func(s: borrow<input-stream>, p: point) -> list<u8>; }
world w {
  import wasi:cli/environment@0.2.0;
  import init: func() -> u32;
  import acme:hash/digest@1.2.0;
  export api;
}
package wasi:io@0.2.0 { interface streams { resource input-stream { read: func() -> u8; } resource output-stream; splice: func(s: input-stream); } }
package wasi:cli@0.2.0 { interface environment { get: func() -> list<string>; } }
package acme:hash@1.2.0 { interface digest { resource state { constructor(%type: u8); update: func(b: u8); } } }",
    );
    insta::assert_snapshot!(types(&user).to_json(), @r#"{"format_version":1,"kind":"component","imports":["wasi:cli/environment@0.2.0",["acme:hash/digest@1.2.0",1],["wasi:io/streams@0.2.0",2],["init","func() -> u32"]],"exports":[["acme:app/api@1.0.0",3]],"scopes":[{},{"types":["resource state"],"members":{"state":["constructor(%type: u8)","update: func(b: u8)"]}},{"types":["resource input-stream"]},{"uses":{"input-stream":[2,"input-stream"]},"types":["record point { x: u32 }"],"functions":["read: func(s: borrow<input-stream>, p: point) -> list<u8>"]}]}"#);
    insta::assert_snapshot!(types(&wit_package(
        "package acme:hash@1.0.0; interface types { record point { x: u32 } enum other { a } }
         interface one { use types.{point}; f: func(p: point); } interface two { use types.{point}; g: func(p: point); } world w { export one; }"
    ).unwrap()).to_json(), @r#"{"format_version":1,"kind":"wit","exports":[["acme:hash/types@1.0.0",1],["acme:hash/one@1.0.0",3],["acme:hash/two@1.0.0",4]],"scopes":[{},{"types":["enum other { a }","record point { x: u32 }"]},{"name":"acme:hash/types@1.0.0","types":["record point { x: u32 }"]},{"uses":{"point":[2,"point"]},"functions":["f: func(p: point)"]},{"uses":{"point":[2,"point"]},"functions":["g: func(p: point)"]}]}"#);
}

#[test]
fn every_fixture_is_told() {
    let [res, user, root] = library::resource_trio().unwrap();
    for bytes in [res, user, root] {
        types(&bytes);
    }
    types(&library::with_plain_exports("acme:plain", "1.0.0").unwrap());
    types(&library::relay("wasi:http", "0.3.0", "handler", "handle", "outer").unwrap());
    types(&component("package a:b; world w {}", "w", "(module)").unwrap());
    assert_eq!(types(&library::core_module().unwrap()).kind(), Kind::CoreModule);
}

#[test]
fn text_of_others_is_refused_where_it_is_wrong() {
    let error = |text: &str| Types::from_json(text).unwrap_err().to_string();
    let with = |scopes: &str| {
        error(&format!(
            r#"{{"format_version":1,"kind":"component","exports":[["a:b/c",1]],"scopes":[{{}},{scopes}]}}"#
        ))
    };
    insta::assert_snapshot!(error(r#"{"format_version":2,"extra":[]}"#), @"it has format version 2, this version of spin-deps reads 1");
    insta::assert_snapshot!(error(r#"{"format_version":1,"kind":"component","scopes":[]}"#), @"it does not tell the types of a component: there is no scope of the world");
    insta::assert_snapshot!(error(r#"{"format_version":1,"kind":"component","exports":[["a:b/c",7]],"scopes":[{}]}"#), @"it does not tell the types of a component: `a:b/c` has no scope");
    insta::assert_snapshot!(error(r#"{"format_version":1,"kind":"component","exports":[["f","func(a: u8"]],"scopes":[{}]}"#), @"it does not tell the types of a component: `func(a: u8` is not a signature");
    insta::assert_snapshot!(with(r#"{"types":["record r { a }"]}"#), @"it does not tell the types of a component: `record r { a }` is not a declaration");
    insta::assert_snapshot!(with(r#"{"functions":["resource r"]}"#), @"it does not tell the types of a component: `resource r` is not a declaration");
    insta::assert_snapshot!(with(r#"{"uses":{"x":[9,"y"]}}"#), @"it does not tell the types of a component: `x` is used from nowhere");
    insta::assert_snapshot!(with(r#"{"types":["resource r","enum r { a }"]}"#), @"it does not tell the types of a component: `r` is declared twice in `a:b/c`");
    insta::assert_snapshot!(with(r"{},{}"), @"it does not tell the types of a component: a scope has no name");
    insta::assert_snapshot!(with(r#"{"more":1}"#), @"it does not tell the types of a component: unknown field `more`, expected one of `name`, `uses`, `implied`, `types`, `members`, `functions`, `partial` at line 1 column 83");
    insta::assert_snapshot!(error(&" ".repeat((1 << 20) + 1)), @"it is 1048577 bytes long, at most 1048576 are read");
    assert!(Types::from_json(r#"{"format_version":9}"#).unwrap_err().hint().is_some());

    // Circles and long ways lead nowhere, and are no reason to wait.
    let chain: Vec<_> = (0..5000).map(|n| format!(r#""type t{n} = list<t{}>""#, (n + 1) % 5000)).collect();
    let names: Vec<_> = (0..5000).map(|n| format!(r#""type n{n} = n{}""#, n + 1)).collect();
    let text = format!(
        r#"{{"format_version":1,"kind":"component","imports":[["a:b/c",1]],"exports":[["a:b/c",1]],
            "scopes":[{{}},{{"uses":{{"u":[2,"u"]}},"types":[{},{}],"functions":["f: func(a: t0, b: u, c: n0)"]}},{{"name":"d:e/f","uses":{{"u":[1,"u"]}}}}]}}"#,
        chain.join(","),
        names.join(",")
    );
    let odd = Types::from_json(&text).unwrap();
    assert_eq!(odd.check("a:b/c", &odd, None), Ok(()));
}

#[test]
fn much_is_compared_in_one_go() {
    let items: Vec<_> =
        (0..10_000).map(|n| format!("record r{n} {{ x: u32 }} fun{n}: func(a: r{n});")).collect();
    let world = |items: &str, body: &str| {
        let wit = format!("package acme:hash@1.0.0;\ninterface api {{ {items} }}\nworld w {{ {body} }}");
        wit_package(&wit).unwrap()
    };
    let same = types(&world(&items.join("\n"), "export api;"));
    let less = types(&world(&items[1..].join("\n"), "export api;"));
    assert_eq!(compare_types(&less, &same).additions.len(), 2);
    assert_eq!(compare_types(&same, &less).breaks.len(), 2);

    // No component has as many imports as a text could say.
    let imports: Vec<_> = (0..10_000).map(|n| format!(r#"["acme:hash/i{n}@1.0.0",{}]"#, n + 1)).collect();
    let scopes = r#",{"functions":["f: func()"]}"#.repeat(10_000);
    let user = Types::from_json(&format!(
        r#"{{"format_version":1,"kind":"component","imports":[{}],"scopes":[{{}}{scopes}]}}"#,
        imports.join(",")
    ));
    let user = user.unwrap();
    assert_eq!(user.imports().count(), 10_000);
    assert!(user.imports().all(|import| user.check(import, &less, None) == Err(Misfit::NoExport)));
}

proptest! {
    #[test]
    fn noise_never_panics(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let text = types(&library::relay("wasi:http", "0.3.0", "handler", "handle", "outer").unwrap()).to_json();
        let mut noise = text.clone().into_bytes();
        let place = place.index(noise.len());
        noise[place] = byte;
        if let Some(read) = str::from_utf8(&noise).ok().and_then(|noise| Types::from_json(noise).ok()) {
            let whole = Types::from_json(&text).unwrap();
            for import in whole.imports() {
                let _ = (whole.check(import, &read, None), read.check(import, &whole, None));
            }
            let _ = (compare_types(&read, &whole), changes(&whole, &read));
            prop_assert_eq!(Types::from_json(&read.to_json()).unwrap().to_json(), read.to_json());
        }
    }
}

/// How a type may be declared.
const DEFINITIONS: &[&str] = &[
    "record NAME { x: u32 }",
    "record NAME { x: u32, y: OTHER }",
    "record NAME { x: u64 }",
    "variant NAME { none, some(OTHER) }",
    "variant NAME { none, some(u32) }",
    "enum NAME { red, green }",
    "enum NAME { red }",
    "flags NAME { a, b }",
    "type NAME = u32;",
    "type NAME = OTHER;",
    "type NAME = list<OTHER>;",
    "type NAME = tuple<u32, OTHER>;",
    "resource NAME;",
    "resource NAME { constructor(a: u32); get: func() -> OTHER; }",
    "resource NAME { constructor(a: u32); get: static func() -> OTHER; }",
];

const VALUES: &[&str] = &[
    "u32",
    "alpha",
    "gamma",
    "list<alpha>",
    "list<u32>",
    "option<gamma>",
    "result<_, alpha>",
    "result<u32>",
    "tuple<u32, gamma>",
    "tuple<u32, u32>",
    "beta",
    "string",
];

fn chosen<'a>(choices: &[&'a str], gene: u8) -> &'a str {
    choices[usize::from(gene) % choices.len()]
}

/// Two interfaces, `types` and `api`, as the genes have it.
fn interfaces(genes: &[u8]) -> String {
    let define = |name: &str, other: &str, gene: u8| {
        chosen(DEFINITIONS, gene).replace("NAME", name).replace("OTHER", other)
    };
    let alpha = match genes[2] % 3 {
        0 => "use types.{alpha};".to_owned(),
        1 => "use types.{beta as alpha};".to_owned(),
        _ => define("alpha", "u8", genes[0]),
    };
    let function = |name: &str, genes: &[u8]| {
        let keyword = if genes[0] % 8 == 7 { "async func" } else { "func" };
        let param = if genes[0] % 8 == 6 { "b" } else { "a" };
        format!("{name}: {keyword}({param}: {}) -> {};", chosen(VALUES, genes[1]), chosen(VALUES, genes[2]))
    };
    format!(
        "interface types {{ {} {} }}\ninterface api {{ {alpha} use types.{{beta}}; {} {} {} }}",
        define("alpha", "u8", genes[0]),
        define("beta", "alpha", genes[1]),
        define("gamma", "alpha", genes[3]),
        function("f", &genes[4..7]),
        if genes[10].is_multiple_of(4) { String::new() } else { function("g", &genes[7..10]) },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_misfit_is_what_does_not_compose(
        genes in proptest::collection::vec(any::<u8>(), 11),
        changes in proptest::collection::vec((0..11_usize, any::<u8>()), 0..3),
    ) {
        let mut others = genes.clone();
        for (place, gene) in changes {
            others[place] = gene;
        }
        let user = dummy(&format!(
            "package acme:hash@1.0.0;\n{}\nworld w {{ import api; export run: func(); }}", interfaces(&genes)
        ));
        let library = dummy(&format!(
            "package acme:hash@1.2.0;\n{}\nworld w {{ export types; export api; }}", interfaces(&others)
        ));
        let found = misfits(&user, &library);
        let (before, after) = (Outline::read(&*user).unwrap(), Outline::read(&*library).unwrap());
        prop_assert_eq!(compare(&after, &before), compare_types(&types(&library), &types(&user)));
        let parts = vec![linked("user", user, &[("acme:hash", 1)]), part("library", library)];
        let composition = composed(parts);
        prop_assert_eq!(
            composition.is_ok(), found.is_empty(),
            "{:?}\n{}\n{}\n{}", composition.err(), shown(&found), interfaces(&genes), interfaces(&others)
        );
        if let Err(ComposeError::Mismatch { difference, .. }) = composition {
            prop_assert!(found.contains(&Misfit::Differs(*difference)));
        }
    }
}
