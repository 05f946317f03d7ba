//! What is read out of good and bad bytes.

use std::sync::Arc;

use proptest::prelude::*;
use spin_deps_component::{Composition, Outline, Part, Reach, Types, WitDependency};
use spin_deps_component::{
    DependencyTable, ExternKind, InspectError, Kind, SECTION, TableEntry, compose, dependencies_wit, inspect,
    needs, needs_from_names, table_of_needs,
};
use spin_deps_fixtures::library;
use wasm_encoder::{ComponentSection, CustomSection};

#[test]
fn a_component_is_read() {
    let bytes = library::chain("acme:mid", "1.2.0-rc.1", &[("acme:hash", "1.2.0"), ("acme:base", "0.3.0")]);
    let inspection = inspect(&bytes).unwrap();
    assert_eq!(inspection.kind, Kind::Component);
    assert_eq!(inspection.name.as_ref().unwrap().to_string(), "acme:mid");
    assert_eq!(inspection.version.as_ref().unwrap().to_string(), "1.2.0-rc.1");
    assert_eq!(inspection.metadata.licenses.as_deref(), Some("Apache-2.0"));
    assert_eq!(
        inspection.metadata.description.as_deref(),
        Some("A library that answers acme:mid@1.2.0-rc.1(…)")
    );
    assert_eq!(inspection.metadata.homepage, None);
    let names: Vec<_> = inspection.imports.iter().map(|import| import.name.as_str()).collect();
    assert_eq!(names, ["acme:hash/api@1.2.0", "acme:base/api@0.3.0"]);
    assert_eq!(inspection.exports[0].interface.as_ref().unwrap().interface, "api");
    assert_eq!(inspection.exports[0].kind, ExternKind::Interface { types_only: false });
    let shown: Vec<_> =
        needs(&inspection).iter().map(|need| format!("{} {}", need.package, need.req)).collect();
    assert_eq!(shown, ["acme:base ^0.3.0", "acme:hash ^1.2.0"]);
    assert!(inspection.capabilities.is_empty() && inspection.declared.is_none());
}

#[test]
fn other_kinds_are_told_apart() {
    let wit = inspect(&library::wit_only("acme:hash", "1.2.0").unwrap()).unwrap();
    assert_eq!(wit.kind, Kind::WitPackage);
    assert_eq!(wit.name.unwrap().to_string(), "acme:hash");
    assert_eq!(wit.version.unwrap().to_string(), "1.2.0");
    assert_eq!(wit.exports[0].name, "acme:hash/api@1.2.0");
    let module = inspect(&library::core_module().unwrap()).unwrap();
    assert_eq!(module.kind, Kind::CoreModule);
    assert!(module.imports.is_empty() && module.exports.is_empty());
    let reader = inspect(&library::environment_reader("acme:env", "1.0.0").unwrap()).unwrap();
    assert_eq!(reader.capabilities.into_iter().collect::<Vec<_>>(), ["environment"]);
    let plain = inspect(&library::with_plain_exports("acme:plain", "1.0.0").unwrap()).unwrap();
    assert_eq!(plain.exports[0].kind, ExternKind::Function);
    let shapes = inspect(&library::library_with_types_only_import().unwrap()).unwrap();
    assert!(needs(&shapes).is_empty());
}

#[test]
fn dependency_imports_and_foreign_names_are_read() {
    let bytes = wat::parse_str(
        r#"(component $acme:x@2.0.0 (type $c (component))
            (import "unlocked-dep=<acme:hash@{>=1.0.0 <2.0.0}>" (component (type $c)))
            (import "locked-dep=<acme:base@1.2.0>,integrity=<sha256-Zm9v>" (component (type $c)))
            (import "plain" (func)))"#,
    )
    .unwrap();
    let inspection = inspect(&bytes).unwrap();
    assert_eq!(inspection.name.as_ref().unwrap().to_string(), "acme:x");
    assert_eq!(inspection.version.as_ref().unwrap().to_string(), "2.0.0");
    assert!(matches!(inspection.imports[0].kind, ExternKind::UnlockedDependency { .. }));
    assert!(
        matches!(&inspection.imports[1].kind, ExternKind::LockedDependency { integrity: Some(i), .. } if i == "sha256-Zm9v")
    );
    let shown: Vec<_> =
        needs(&inspection).iter().map(|need| format!("{} {}", need.package, need.req)).collect();
    assert_eq!(shown, ["acme:base =1.2.0", "acme:hash >=1.0.0, <2.0.0"]);
}

/// The component with a table as its last section.
fn with_table(component: &[u8], table: &DependencyTable) -> Vec<u8> {
    let mut bytes = component.to_vec();
    let data = table.to_json().into_bytes();
    CustomSection { name: SECTION.into(), data: data.into() }.append_to_component(&mut bytes);
    bytes
}

#[test]
fn the_published_table_is_read_back() {
    let bytes = library::chain("acme:mid", "1.0.0", &[("acme:hash", "1.2.0")]);
    let derived = table_of_needs(&needs(&inspect(&bytes).unwrap()));
    assert_eq!(
        derived.to_json(),
        r#"{"format_version":1,"dependencies":[{"package":"acme:hash","version":"^1.2.0"}]}"#
    );
    let entry = TableEntry { package: "acme:hash".parse().unwrap(), version: ">=1.1, <1.4".parse().unwrap() };
    let table = DependencyTable::new([entry]);
    let published = with_table(&bytes, &table);
    let inspection = inspect(&published).unwrap();
    assert_eq!(inspection.declared.as_ref(), Some(&table));
    assert_eq!(needs(&inspection)[0].req.to_string(), ">=1.1, <1.4");
    assert_eq!(needs(&inspection)[0].imports, ["acme:hash/api@1.2.0"]);
    // A second table could contradict the first.
    let error = inspect(&with_table(&published, &table)).unwrap_err();
    assert!(matches!(error, InspectError::Table(_)));
}

#[test]
fn bad_bytes_are_named() {
    let shown = |bytes: &[u8]| {
        let error = inspect(bytes).unwrap_err();
        format!("{error}\nhint: {}", error.hint().unwrap_or_else(|| "none".to_owned()))
    };
    insta::assert_snapshot!(shown(b""), @"
    the file is not WebAssembly
    hint: none
    ");
    insta::assert_snapshot!(shown(b"(component)\n"), @"
    the file is not WebAssembly, it is text
    hint: name the built component, a file that usually ends in `.wasm`
    ");
    insta::assert_snapshot!(shown(&[0x7f, b'E', b'L', b'F', 0, 1]), @"
    the file is not WebAssembly
    hint: none
    ");
    let component = library::chain("acme:mid", "1.0.0", &[]);
    insta::assert_snapshot!(shown(&component[..component.len() / 2]), @"
    the file is not valid WebAssembly: unexpected end-of-file at byte 525
    hint: the file may be cut short: build or fetch it again
    ");
    insta::assert_snapshot!(shown(&component[..8 + 3]), @"
    the file is not valid WebAssembly: unexpected end-of-file at byte 11
    hint: the file may be cut short: build or fetch it again
    ");
    let mut nested = component[..8].to_vec();
    for _ in 0..200 {
        // A component section, which says that the rest of the file is inside of it.
        let mut outer = component[..8].to_vec();
        outer.push(4);
        let mut length = nested.len();
        loop {
            let byte = u8::try_from(length & 0x7f).unwrap();
            length >>= 7;
            outer.push(if length == 0 { byte } else { byte | 0x80 });
            if length == 0 {
                break;
            }
        }
        outer.extend(&nested);
        nested = outer;
    }
    assert!(shown(&nested).contains("nested more than"), "{}", shown(&nested));
}

#[test]
fn many_imports_are_read_or_refused() {
    let importing = |count: usize| {
        let import =
            |index| format!("(import \"acme:p{index}/api@1.{index}.0\" (instance (export \"f\" (func))))\n");
        wat::parse_str(format!("(component {})", (0..count).map(import).collect::<String>())).unwrap()
    };
    assert_eq!(needs(&inspect(&importing(900)).unwrap()).len(), 900);
    // The validators of Wasm, those of the runtimes included, allow a component a thousand instances.
    let error = inspect(&importing(10_000)).unwrap_err().to_string();
    assert!(error.contains("instances count exceeds limit"), "{error}");
    let names: Vec<_> = (0..10_000).map(|index| format!("acme:p{index}/api@1.{index}.0")).collect();
    assert_eq!(needs_from_names(names.iter().map(String::as_str), None).len(), 10_000);
}

/// Everything that reads foreign bytes, on bytes that may be anything.
fn read_everything(bytes: &[u8]) {
    if let Ok(outline) = Outline::read(bytes) {
        let types = Types::of(&outline);
        assert_eq!(Types::from_json(&types.to_json()).unwrap(), types);
        let pattern = "acme:mid".parse().unwrap();
        let dependency = WitDependency { pattern, export: None, label: "x", outline: Arc::new(outline) };
        if let Ok(Some(wit)) = dependencies_wit(&[dependency]) {
            assert!(wit.contains("world root"));
        }
    }
    let part = Part { label: "x".to_owned(), bytes: bytes.into(), links: Vec::new(), reach: Reach::All };
    let composition = Composition { root: 0, parts: vec![part], middleware: vec![0] };
    let _ = compose(&composition);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_components_never_panic(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        kind in 0..4_u8,
    ) {
        let mut bytes = match kind {
            0 => library::chain("acme:mid", "1.0.0", &[("acme:hash", "1.2.0")]),
            1 => library::library_with_types_only_import().unwrap(),
            2 => library::resource_trio().unwrap()[1].clone(),
            _ => library::wit_only("acme:mid", "1.0.0").unwrap(),
        };
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_everything(&bytes);
    }

    #[test]
    fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..400), component: bool) {
        let mut bytes = b"\0asm".to_vec();
        bytes.extend(if component { [0x0d, 0, 1, 0] } else { [1, 0, 0, 0] });
        bytes.extend(noise);
        read_everything(&bytes);
    }
}
