//! Whatever the interface, it can be denied: the adapter is valid, and no call of it reaches the host or keeps what it
//! was given.

use std::fmt::Write as _;

use proptest::prelude::*;
use wasmtime::component::Val;

use crate::denied::{Denied, guest};
use crate::support::composed;

/// A type in WIT, as a tree.
#[derive(Clone, Debug)]
enum Shape {
    Plain(&'static str),
    List(Box<Shape>),
    Option(Box<Shape>),
    Result(Option<Box<Shape>>, Option<Box<Shape>>),
    Tuple(Vec<Shape>),
    Record(Vec<Shape>),
    Variant(Vec<Option<Shape>>),
    Enum(usize),
    Flags(usize),
    /// A resource, by whether the interface defines it itself, and whether it is lent where it can be.
    Resource(bool, bool),
}

const PLAIN: &[&str] = &[
    "bool",
    "u8",
    "s16",
    "u32",
    "s64",
    "f32",
    "f64",
    "char",
    "string",
    "list<u8, 3>",
    "stream<u8>",
    "future<u8>",
];
/// Names that the answer depends on are among them.
const CASES: &[&str] =
    &["ok", "would-block", "first", "other", "access-denied", "success", "HTTP-request-denied"];

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        4 => proptest::sample::select(PLAIN).prop_map(Shape::Plain),
        1 => (1usize..300).prop_map(Shape::Enum),
        1 => (1usize..32).prop_map(Shape::Flags),
        2 => any::<(bool, bool)>().prop_map(|(own, lent)| Shape::Resource(own, lent)),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let maybe = proptest::option::of(boxed.clone());
        let several = proptest::collection::vec(inner.clone(), 1..6);
        prop_oneof![
            boxed.clone().prop_map(Shape::List),
            boxed.prop_map(Shape::Option),
            (maybe.clone(), maybe).prop_map(|(ok, err)| Shape::Result(ok, err)),
            several.clone().prop_map(Shape::Tuple),
            several.prop_map(Shape::Record),
            proptest::collection::vec(proptest::option::of(inner), 1..6).prop_map(Shape::Variant),
        ]
    })
}

#[derive(Clone, Debug)]
struct Function {
    is_async: bool,
    /// Free, a method or static.
    place: u8,
    params: Vec<Shape>,
    result: Option<Shape>,
}

fn function() -> impl Strategy<Value = Function> {
    (
        any::<bool>(),
        0u8..3,
        proptest::collection::vec(shape(), 0..5),
        proptest::option::weighted(0.9, shape()),
    )
        .prop_map(|(is_async, place, params, result)| Function { is_async, place, params, result })
}

/// The text of types, and the declarations that they need.
#[derive(Default)]
struct Text {
    declared: String,
    count: usize,
}

impl Text {
    fn ty(&mut self, shape: &Shape, lent: bool) -> String {
        let mut inner = |shape: &Shape| self.ty(shape, lent);
        match shape {
            Shape::Plain(name) => (*name).to_owned(),
            Shape::List(element) => format!("list<{}>", inner(element)),
            Shape::Option(payload) => format!("option<{}>", inner(payload)),
            Shape::Result(ok, err) => {
                let ok = ok.as_ref().map_or_else(|| "_".to_owned(), |ok| inner(ok));
                match err {
                    Some(err) => format!("result<{ok}, {}>", inner(err)),
                    None if ok == "_" => "result".to_owned(),
                    None => format!("result<{ok}>"),
                }
            }
            Shape::Tuple(items) => {
                format!("tuple<{}>", items.iter().map(inner).collect::<Vec<_>>().join(", "))
            }
            Shape::Record(fields) => {
                let fields: Vec<_> = fields.iter().map(inner).collect();
                let fields = (0..).zip(fields).map(|(index, ty): (usize, _)| format!("f{index}: {ty}"));
                let body = fields.collect::<Vec<_>>().join(", ");
                self.declare("record", &body)
            }
            Shape::Variant(cases) => {
                let cases: Vec<_> = cases.iter().map(|case| case.as_ref().map(&mut inner)).collect();
                let cases = CASES.iter().zip(cases).map(|(name, ty)| match ty {
                    Some(ty) => format!("{name}({ty})"),
                    None => (*name).to_owned(),
                });
                let body = cases.collect::<Vec<_>>().join(", ");
                self.declare("variant", &body)
            }
            Shape::Enum(count) => {
                let body = (0..*count).map(|index| format!("c{index}")).collect::<Vec<_>>().join(", ");
                self.declare("enum", &body)
            }
            Shape::Flags(count) => {
                let body = (0..*count).map(|index| format!("c{index}")).collect::<Vec<_>>().join(", ");
                self.declare("flags", &body)
            }
            Shape::Resource(own, wants_lent) => {
                let name = if *own { "mine" } else { "pollable" };
                if lent && *wants_lent { format!("borrow<{name}>") } else { name.to_owned() }
            }
        }
    }

    fn declare(&mut self, keyword: &str, body: &str) -> String {
        self.count += 1;
        let name = format!("t{}", self.count);
        writeln!(self.declared, "{keyword} {name} {{ {body} }}").unwrap();
        name
    }
}

fn wit(functions: &[Function]) -> String {
    let mut text = Text::default();
    let (mut free, mut members) = (String::new(), String::new());
    for (index, function) in functions.iter().enumerate() {
        let params: Vec<_> = (0..)
            .zip(&function.params)
            .map(|(index, ty): (usize, _)| format!("p{index}: {}", text.ty(ty, true)))
            .collect();
        let result =
            function.result.as_ref().map_or_else(String::new, |ty| format!(" -> {}", text.ty(ty, false)));
        let is_async = if function.is_async { "async " } else { "" };
        let (to, is_static) = match function.place {
            0 => (&mut free, ""),
            1 => (&mut members, ""),
            _ => (&mut members, "static "),
        };
        writeln!(to, "g{index}: {is_static}{is_async}func({}){result};", params.join(", ")).unwrap();
    }
    format!(
        "package acme:app; world w {{ import wasi:odd/api@1.0.0; }}
         package wasi:io@0.2.0 {{ interface poll {{ resource pollable; }} }}
         package wasi:odd@1.0.0 {{ interface api {{
           use wasi:io/poll@0.2.0.{{pollable}};
           resource mine {{ constructor(); {members} }}
           {} {free} }} }}",
        text.declared
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_interface_can_be_denied(functions in proptest::collection::vec(function(), 1..6)) {
        let wit = wit(&functions);
        let denied = Denied::new(&wit);
        let again = composed(vec![guest(&wit, &[])]).unwrap();
        prop_assert!(denied.bytes == again.bytes, "the same input gives the same bytes");
        // Panics if a call is answered by the host, or keeps a handle.
        let answers = denied.answers();
        prop_assert_eq!(answers.lines().count(), functions.len() + 1);
        prop_assert!(!answers.contains("cannot be called"), "{}", answers);
    }
}

#[test]
fn large_and_deep_types_are_denied() {
    let deep = format!("{}own<pollable>{}", "list<option<".repeat(30), ">>".repeat(30));
    let denied = Denied::new(&format!(
        "package acme:app; world w {{ import wasi:odd/api@1.0.0; }}
         package wasi:io@0.2.0 {{ interface poll {{ resource pollable; }} }}
         package wasi:odd@1.0.0 {{ interface api {{
           use wasi:io/poll@0.2.0.{{pollable}};
           large: func() -> result<list<list<u64, 5000>, 5000>, string>;
           large-error: func() -> result<_, list<list<u8, 5000>, 5000>>;
           deep: func(it: option<option<{deep}>>) -> result<_, {deep}>;
         }} }}"
    ));
    assert!(denied.bytes.len() < 100_000, "{}", denied.bytes.len());
    let (api, mut lines) = ("wasi:odd/api@1.0.0", Vec::new());
    for (function, params) in [("large", vec![]), ("large-error", vec![]), ("deep", vec![Val::Option(None)])]
    {
        let answer =
            denied.start().call(api, function, &params).map_err(|trap| trap.contains("access denied"));
        lines.push(format!("{function}: {answer:?}"));
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    large: Err(true)
    large-error: Err(true)
    deep: Ok(Some(Result(Err(Some(List([]))))))
    ");
}
