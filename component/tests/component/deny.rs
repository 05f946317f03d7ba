//! What is not granted is denied: by the interface's own error, by nothing, or by a trap that says why.

use wasmtime::component::Val;

use crate::denied::Denied;

#[test]
fn an_error_says_that_access_is_denied() {
    let mut guest = Denied::new(
        "package acme:app; world w { import wasi:odd/api@1.0.0; }
         package wasi:odd@1.0.0 { interface api {
           enum code { busy, access-denied, other }
           named: func() -> result<u32, code>;
           nothing: func() -> result;
           text: func(a: string) -> result<list<u8>, string>;
           none: func() -> option<u32>;
           several: func() -> list<string>;
           number: func() -> u32;
           silence: func();
         } }",
    );
    let api = "wasi:odd/api@1.0.0";
    let mut answers = Vec::new();
    for (function, params) in [
        ("named", vec![]),
        ("nothing", vec![]),
        ("text", vec![Val::String("x".into())]),
        ("none", vec![]),
        ("several", vec![]),
    ] {
        let answer = guest.call(api, function, &params).unwrap();
        answers.push(format!("{function}: {answer:?}"));
    }
    insta::assert_snapshot!(answers.join("\n"), @"");
    insta::assert_snapshot!(guest.call(api, "number", &[]).unwrap_err(), @"");
}
