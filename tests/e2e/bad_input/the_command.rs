//! A command that names what is not there, and a command line that is wrong.

use super::{refused, usual};
use crate::support::world::Sandbox;

#[test]
fn names_a_component_that_is_not_there() {
    let (_registry, sandbox) = usual();
    insta::assert_snapshot!(refused(&sandbox, &["add", "acme:base@1", "--to", "ap"]), @"");
}

#[test]
fn removes_what_is_not_there() {
    let (_registry, sandbox) = usual();
    insta::assert_snapshot!(refused(&sandbox, &["remove", "acme:midle", "--to", "app"]), @"");
}

#[test]
fn asks_why_for_what_is_not_there() {
    let (_registry, sandbox) = usual();
    sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(refused(&sandbox, &["why", "acme:bas"]), @"");
}

#[test]
fn adds_from_a_url_without_a_digest() {
    let (_registry, sandbox) = usual();
    insta::assert_snapshot!(refused_usage(&sandbox, &["add", "https://example.com/x.wasm", "--to", "app"]), @"");
}

#[test]
fn is_none() {
    insta::assert_snapshot!(refused_usage(&Sandbox::new(), &["ad"]), @"");
    insta::assert_snapshot!(refused_usage(&Sandbox::new(), &["lock", "--chek"]), @"");
}

/// Wrong usage is exit code 2, and as little is written.
#[track_caller]
fn refused_usage(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let before = sandbox.files();
    let run = sandbox.run(arguments);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(sandbox.files() == before, "files were changed by a command line that is wrong");
    sandbox.snapshot(&run)
}
