//! `verify --reuse-check`: what requests leave behind in an instance that answers others.

use std::fmt::Write as _;

use spin_deps_fixtures::http::{p2_app, p3_app, p3_counter_app, p3_random_app};

use super::outcomes;
use crate::support::world::Sandbox;

/// An app with these components, each behind a route of its name that is asked once.
fn app(components: &[(&str, Vec<u8>)]) -> Sandbox {
    let sandbox = Sandbox::new();
    let mut manifest = "spin_manifest_version = 2\n\n[application]\nname = \"demo\"\n".to_owned();
    for (name, bytes) in components {
        sandbox.write(&format!("{name}.wasm"), bytes);
        let _ = write!(
            manifest,
            "\n[[application.tool.deps.verify.requests]]\npath = \"/{name}\"\n\n[[trigger.http]]\nroute = \"/{name}\"\n\
             component = \"{name}\"\n\n[component.{name}]\nsource = \"{name}.wasm\"\n"
        );
    }
    sandbox.write("spin.toml", manifest);
    sandbox
}

/// The counter answers with the number of requests that its instance has answered: that it is found says that the same
/// instance answered again.
#[test]
fn what_an_instance_remembers_is_told() {
    let sandbox = app(&[
        ("counter", p3_counter_app()),
        ("clean", p3_app(&[])),
        ("random", p3_random_app()),
        ("old", p2_app(&[])),
    ]);
    let run = sandbox.run(&["verify", "--reuse-check"]).failed();
    let (_, told) = run.stdout.split_once("✓ requests").expect("the requests");
    // What is random is so in the report, too.
    let shown = regex::Regex::new(r"\b\d{5,10}\b").expect("a pattern").replace_all(told, "[NUMBER]");
    let (_, told) = shown.split_once("✗ reuse").expect("the step");
    insta::assert_snapshot!(crate::support::snapshot::without_times_and_ports(told), @r#"
             1 of 4 answered with what another request left behind, 1 not comparable  [TIME]
        ✗ GET /counter not the same
          body
            fresh  "1"
            reused "2"
        ✓ GET /clean the same
        – GET /random not comparable: two fresh instances answer differently
          body
            once  "[NUMBER]"
            again "[NUMBER]"
        – GET /old not applicable: each request has an instance of its own
    Failed demo at reuse
    "#);
}

#[test]
fn an_app_that_forgets_passes() {
    let sandbox = app(&[("clean", p3_app(&[]))]);
    let run = sandbox.run(&["verify", "--reuse-check", "--format", "json"]).done();
    assert!(outcomes(&run).contains(&"reuse: passed".to_owned()), "{}", run.stdout);
    assert_eq!(run.json()["reuse"][0]["verdict"], "none");
}

#[test]
fn where_no_instance_answers_twice_there_is_nothing_to_check() {
    let sandbox = app(&[("old", p2_app(&[]))]);
    let run = sandbox.run(&["verify", "--reuse-check", "--format", "json"]).done();
    assert!(outcomes(&run).contains(&"reuse: skipped".to_owned()), "{}", run.stdout);
    let run = sandbox.run(&["verify", "--format", "json"]).done();
    assert!(run.json()["reuse"].is_null(), "nobody asked for it");
}
