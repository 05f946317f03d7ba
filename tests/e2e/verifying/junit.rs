//! `verify --junit FILE`: the report for the CI.

use quick_junit::{Report, TestCaseStatus, TestSuite};

use super::{BAD, GOOD, app};
use crate::support::world::Sandbox;
use crate::targets;

/// The report of a run, read as a CI reads it.
fn report(sandbox: &Sandbox, arguments: &[&str]) -> Report {
    sandbox.run(&[&["verify", "--junit", "out/report.xml"], arguments].concat());
    let text = sandbox.read("out/report.xml");
    Report::deserialize_from_str(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// A suite as a line for each of its cases.
fn cases(suite: &TestSuite) -> String {
    let lines = suite.test_cases.iter().map(|case| {
        let status = match &case.status {
            TestCaseStatus::Success { .. } => "passed".to_owned(),
            TestCaseStatus::NonSuccess { message, description, .. } => {
                let text = |it: &Option<quick_junit::XmlString>| {
                    it.as_ref().map_or_else(String::new, |it| it.as_str().to_owned())
                };
                format!("failed: {}\n{}", text(message), text(description))
            }
            TestCaseStatus::Skipped { message, .. } => {
                format!("skipped: {}", message.as_ref().map_or("", |it| it.as_str()))
            }
        };
        format!("{} {status}\n", case.name.as_str())
    });
    lines.collect()
}

#[test]
fn a_step_is_a_case_and_so_is_a_request() {
    let sandbox = app(&(GOOD.to_owned() + BAD));
    let report = report(&sandbox, &[]);
    let name = report.name.as_ref().map(quick_junit::XmlString::as_str);
    assert_eq!((name, report.failures), (Some("spin-deps verify demo"), 2));
    let suites: Vec<_> = report.test_suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(suites, ["steps", "requests"]);
    insta::assert_snapshot!(report.test_suites.iter().map(cases).collect::<Vec<_>>().join("---\n"), @"
    lock passed
    digests passed
    types passed
    isolation passed
    requirements passed
    targets skipped: the manifest names none
    start passed
    requests failed: 1 of 2 not answered as expected

    ---
    GET /good passed
    GET /bad failed: not as expected: status, body
    status
      expected 201
      but got  200
    body
      expected nothing
      but got  path: /bad
    ");
}

#[test]
fn a_world_is_a_case() {
    let (_registry, sandbox) = targets::stage();
    sandbox.write("env.toml", targets::BOTH.replace("\"spin:up/http@1.0.0\", ", ""));
    targets::write_app(&sandbox, "{ path = \"env.toml\" }");
    let report = report(&sandbox, &[]);
    insta::assert_snapshot!(cases(&report.test_suites[1]), @"
    app in env.toml failed: it fits none of its worlds

    app in env.toml: spin:up/http-async@1.0.0 failed: it does not fit
    no such import: wasi:io/error@0.2.0
    no such import: wasi:io/streams@0.2.0
    no such import: wasi:http/types@0.2.0
    not exported: wasi:http/handler@0.3.0
    ");
}

#[test]
fn an_error_has_its_place_and_its_hint() {
    let sandbox = app("");
    sandbox.write("spin.toml", sandbox.read("spin.toml").replace("app.wasm", "other.wasm"));
    let report = report(&sandbox, &[]);
    insta::assert_snapshot!(cases(&report.test_suites[0]), @r#"
    lock passed
    digests passed
    types failed: the file of component `app` does not exist
    error: the file of component `app` does not exist
        ╭─[spin.toml:10:1]
      9 │
     10 │ [component.app]
        · ───────┬───────
        ·        ╰── its source is not there
     11 │ source = "other.wasm"
        ╰────

    hint: build it first, with `spin build`
    isolation skipped: types did not pass
    requirements skipped: types did not pass
    targets skipped: types did not pass
    start skipped: types did not pass
    requests skipped: types did not pass
    "#);
}

/// XML has no way to write most control characters.
#[test]
fn what_a_guest_says_does_not_break_the_file() {
    let hostile = r#"
[[trigger.http]]
route = "/hostile"
static_response = { body = "\u001b[31m ]]> <&\u0000\uffff" }

[[application.tool.deps.verify.requests]]
path = "/hostile"
expect = { body = "\u0007" }
"#;
    let sandbox = app(hostile);
    let report = report(&sandbox, &[]);
    let text = sandbox.read("out/report.xml");
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    assert!(cases(&report.test_suites[1]).contains("]]> <&"), "{text}");
}

#[test]
fn a_file_that_cannot_be_written_is_a_failure_beside_the_report() {
    let sandbox = app(GOOD);
    let run = sandbox.run(&["verify", "--junit", "spin.toml/report.xml"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 1
    --- stdout
    ✓ lock          the app needs no packages  [TIME]
        demo
        └── component app
    ✓ digests       nothing to compare  [TIME]
    ✓ types         1 component fits what it is composed of  [TIME]
        app: 1 instance, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       the manifest names none
    ✓ start         1 component runs  [TIME]
    ✓ requests      1 answered as expected  [TIME]
        ✓ GET /good → 200  [TIME]
          path: /good
    Verified demo
    --- stderr
    error: failed to create directory `[DIR]/project/spin.toml`: File exists (os error 17)
    ");
}
