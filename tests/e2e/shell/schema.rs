//! Holds JSON against the schemas of the reference.
//!
//! Of [JSON Schema] this knows the keywords that the reference uses, and no others: a schema with another one is a fault.
//! It is stricter in one thing: an object whose properties are listed has no others, because what is not described is
//! promised by nobody.
//!
//! [JSON Schema]: https://json-schema.org/draft/2020-12/json-schema-validation

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The keywords that are passed over: they say something to people.
const FOR_PEOPLE: &[&str] = &["$schema", "$defs", "title", "description"];

/// The folder of the schemas.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/json")
}

/// In which respects `value` is not as the schema `name` says.
pub(super) fn differences(name: &str, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let file = format!("{name}.schema.json");
    check(&file, &read(&file), value, "", &mut found);
    found
}

fn read(file: &str) -> Value {
    let text = fs_err::read_to_string(folder().join(file)).expect("a schema of the reference");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file} is no JSON: {error}"))
}

fn check(file: &str, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (keyword, rule) in schema.as_object().expect("a schema is an object") {
        match keyword.as_str() {
            "$ref" => {
                let (target, pointer) =
                    rule.as_str().and_then(|it| it.split_once('#')).unwrap_or((text(rule), ""));
                let target = if target.is_empty() { file } else { target };
                let whole = read(target);
                let part = whole.pointer(pointer).unwrap_or_else(|| panic!("{file}: {rule} leads nowhere"));
                check(target, part, value, at, found);
            }
            "oneOf" => {
                let each = list(rule).iter().map(|schema| {
                    let mut differences = Vec::new();
                    check(file, schema, value, at, &mut differences);
                    differences
                });
                let each: Vec<_> = each.collect();
                if each.iter().filter(|differences| differences.is_empty()).count() != 1 {
                    found.push(format!("{at}: not one of the alternatives: {each:?}"));
                }
            }
            "type" => {
                let allowed =
                    rule.as_array().map_or_else(|| vec![text(rule)], |all| all.iter().map(text).collect());
                if !allowed.iter().any(|name| is(value, name)) {
                    found.push(format!("{at}: {value} is not of the type {allowed:?}"));
                }
            }
            "enum" => {
                if !list(rule).contains(value) {
                    found.push(format!("{at}: {value} is none of {rule}"));
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(file, rule, item, &format!("{at}/{index}"), found);
                }
            }
            "properties" => {
                for (name, item) in value.as_object().into_iter().flatten() {
                    match rule.get(name) {
                        Some(rule) => check(file, rule, item, &format!("{at}/{name}"), found),
                        None => found.push(format!("{at}/{name}: nobody described it: {item}")),
                    }
                }
            }
            "required" => {
                let missing =
                    list(rule).iter().filter(|name| value.is_object() && value.get(text(name)).is_none());
                found.extend(missing.map(|name| format!("{at}: {name} is missing")));
            }
            other => assert!(FOR_PEOPLE.contains(&other), "{file}: what does `{other}` mean?"),
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text of the schema")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list of the schema")
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type `{other}`"),
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let lock = |value: Value| differences("lock", &value);
    assert_eq!(lock(serde_json::json!({ "status": "written" })), [""; 0]);
    for wrong in [
        serde_json::json!({}),
        serde_json::json!([]),
        serde_json::json!({ "status": "eaten" }),
        serde_json::json!({ "status": "written", "more": 1 }),
        serde_json::json!({ "status": "written", "http": [{ "url": 5, "digest": "", "size": 1 }] }),
        serde_json::json!({ "status": "written", "warnings": [1] }),
    ] {
        assert_eq!(lock(wrong.clone()).len(), 1, "{wrong}");
    }
    assert_eq!(differences("man", &serde_json::json!({ "page": "", "written": [] })).len(), 1);
    assert_eq!(
        differences(
            "sync",
            &serde_json::json!({ "lock": {}, "contents": 1, "written": [], "removed": [], "warnings": [] })
        )
        .len(),
        1
    );
}
