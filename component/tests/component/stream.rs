//! Components that arrive in pieces, and large ones.

use std::io::{self, Read};
use std::sync::LazyLock;

use proptest::prelude::*;
use spin_deps_component::{InspectError, Outline, SECTION, inspect, inspect_reader};
use spin_deps_fixtures::heavy::{custom, module, section};
use spin_deps_fixtures::{http, library};
use wasmparser::{Validator, WasmFeatures};

/// Gives at most so many bytes at a time.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: std::iter::Cycle<std::vec::IntoIter<usize>>,
}

impl<'a> Pieces<'a> {
    fn new(bytes: &'a [u8], sizes: Vec<usize>) -> Self {
        Self { bytes, sizes: sizes.into_iter().cycle() }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.next().unwrap_or(1).min(buffer.len());
        let (now, later) = self.bytes.split_at(size.min(self.bytes.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.bytes = later;
        Ok(now.len())
    }
}

/// What is said of bytes: the inspection, or the error.
fn said(result: Result<spin_deps_component::Inspection, InspectError>) -> String {
    match result {
        Ok(inspection) => format!("{inspection:#?}"),
        Err(error) => error.to_string(),
    }
}

static FIXTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut all = vec![
        library::chain("acme:mid", "1.0.0", &[("acme:hash", "1.2.0")]),
        library::library_with_types_only_import().unwrap(),
        library::wit_only("acme:mid", "1.0.0").unwrap(),
        library::core_module().unwrap(),
        http::p3_app(&[]),
        large(3 << 20),
    ];
    all.extend(library::resource_trio().unwrap());
    all
});

/// A library beside a heavy module and a heavy custom section.
fn large(weight: usize) -> Vec<u8> {
    let mut bytes = library::chain("acme:mid", "1.0.0", &[("acme:hash", "1.2.0")]);
    bytes.extend(custom("ballast", &vec![2; weight]));
    bytes.extend(section(1, &module(weight)));
    bytes.extend(custom("description", b"Heavy"));
    bytes
}

/// Whether wasmparser takes the bytes, all of them in memory, without looking into functions.
fn is_valid(bytes: &[u8]) -> bool {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    wasmparser::Parser::new(0)
        .parse_all(bytes)
        .all(|payload| payload.is_ok_and(|payload| validator.payload(&payload).is_ok()))
}

#[test]
fn a_large_component_is_read_in_full() {
    let small = inspect(&library::chain("acme:mid", "1.0.0", &[("acme:hash", "1.2.0")])).unwrap();
    let large = inspect(&large(5 << 20)).unwrap();
    assert_eq!(large.imports, small.imports);
    assert_eq!(large.exports, small.exports);
    assert_eq!(large.metadata.description.as_deref(), Some("Heavy"), "what follows is read");
    assert!(Outline::validate(&module(5 << 20)[..]).is_ok());
}

#[test]
fn what_is_wrong_in_a_large_section_is_seen() {
    let weight = 3 << 20;
    let shown = |bytes: &[u8]| inspect(bytes).unwrap_err().to_string();
    let broken = |at: usize, byte: u8| {
        let mut bytes = module(weight);
        bytes[at] = byte;
        bytes
    };
    let whole = module(weight);
    let data = whole.windows(2).position(|pair| pair == [11, 0x8e]).unwrap();
    assert_eq!(whole[data + 5], 2, "the number of segments");
    insta::assert_snapshot!(shown(&broken(data + 5, 1)), @"the file is not valid WebAssembly: data count and data section have inconsistent lengths at byte 42");
    insta::assert_snapshot!(shown(&broken(data + 5, 3)), @"the file is not valid WebAssembly: unexpected end-of-file at byte 6291508");
    insta::assert_snapshot!(shown(&broken(data + 6, 7)), @"the file is not valid WebAssembly: invalid flags byte in data segment at byte 40");
    // The second segment: its offset becomes an i64.
    let second = data + 7 + 4 + weight;
    assert_eq!(whole[second..second + 4], [0, 0x41, 8, 0x0b]);
    insta::assert_snapshot!(shown(&broken(second + 1, 0x42)), @"the file is not valid WebAssembly: type mismatch: expected i32, found i64 at byte 44");
    for cut in [data + 3, data + 100, second + 2, whole.len() - weight, whole.len() - 1] {
        assert!(shown(&whole[..cut]).contains("unexpected end"), "{cut}: {}", shown(&whole[..cut]));
    }
    let table = [library::chain("acme:mid", "1.0.0", &[]), custom(SECTION, &vec![b' '; weight])].concat();
    let error = inspect(&table).unwrap_err();
    assert!(matches!(error, InspectError::Table(_)), "{error}");
}

#[test]
fn a_module_that_is_cut_short_inside_of_a_component_is_not_whole() {
    let bytes = large(10);
    let name = bytes.windows(7).rposition(|part| part == b"\0\x05\x04name").unwrap();
    // The parser itself takes the end of the file for the end of the module.
    assert!(is_valid(&bytes[..name]));
    let error = inspect(&bytes[..name]).unwrap_err();
    assert!(error.to_string().contains("unexpected end"), "{error}");
}

#[test]
fn functions_are_validated_where_asked_for() {
    let mut bytes = module(10);
    let body = bytes.windows(3).position(|part| part == [0, 1, 0x0b]).unwrap();
    assert!(Outline::validate(&bytes[..]).is_ok());
    // `drop` of nothing.
    bytes[body + 1] = 0x1a;
    assert!(Outline::read(&bytes[..]).is_ok());
    let error = Outline::validate(&bytes[..]).err().unwrap().to_string();
    assert!(error.contains("expected a type but nothing on stack"), "{error}");
    // A function that is longer than its section.
    bytes[body - 1] = 40;
    assert!(Outline::read(&bytes[..]).is_err() && Outline::validate(&bytes[..]).is_err());
}

#[test]
fn a_length_alone_takes_no_memory() {
    // A type section that says it is 4 GiB long, in a file of a few bytes.
    let bytes = [b"\0asm\x0d\0\x01\0\x07".as_slice(), &[0xff, 0xff, 0xff, 0xff, 0x0f], b"abc"].concat();
    let error = inspect(&bytes).unwrap_err().to_string();
    assert!(error.contains("unexpected end-of-file"), "{error}");
    // One that never ends is read no further than any honest one is long.
    let endless = bytes.chain(io::repeat(0));
    let error = inspect_reader(endless).unwrap_err().to_string();
    assert!(error.contains("longer than"), "{error}");
}

#[test]
fn a_reader_that_fails_is_no_damaged_file() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let component = library::chain("acme:mid", "1.0.0", &[]);
    let error = inspect_reader(component[..500].chain(Broken)).unwrap_err();
    assert!(matches!(&error, InspectError::Read(_)) && error.hint().is_none(), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_of_any_size_say_the_same(
        fixture: prop::sample::Index,
        sizes in proptest::collection::vec(1..70_000_usize, 1..5),
        flip in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = fixture.get(&FIXTURES).clone();
        if let Some((at, byte)) = flip {
            // Heavy parts are all the same; what is before them is more telling.
            let at = at.index(bytes.len().min(4096));
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let whole = inspect(&bytes);
        if let Ok(inspection) = &whole {
            prop_assert!(is_valid(&bytes), "{inspection:?}");
        } else if cut.is_none() && matches!(whole, Err(InspectError::Malformed { .. })) {
            prop_assert!(!is_valid(&bytes), "{}", whole.unwrap_err());
            return Ok(());
        }
        prop_assert_eq!(said(inspect_reader(Pieces::new(&bytes, sizes))), said(whole));
    }
}
