//! A command that names what is not there, and a command line that is wrong.

use super::{refused, usual};
use crate::support::world::Sandbox;

#[test]
fn names_a_component_that_is_not_there() {
    let (_registry, sandbox) = usual();
    insta::assert_snapshot!(refused(&sandbox, &["add", "acme:base@1", "--to", "ap"]), @"
    exit: 1
    --- stderr
    error: the app has no component `ap`

    hint: did you mean `app`?
    ");
}

#[test]
fn removes_what_is_not_there() {
    let (_registry, sandbox) = usual();
    insta::assert_snapshot!(refused(&sandbox, &["remove", "acme:midle", "--to", "app"]), @"
    exit: 1
    --- stderr
    error: there is no dependency `acme:midle`

    hint: did you mean `acme:middle`?
    ");
}

#[test]
fn asks_why_for_what_is_not_there() {
    let (_registry, sandbox) = usual();
    sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(refused(&sandbox, &["why", "acme:bas"]), @"
    exit: 1
    --- stderr
    error: the app does not depend on `acme:bas`

    hint: did you mean `acme:base`?
    ");
}

#[test]
fn is_none() {
    insta::assert_snapshot!(refused_usage(&Sandbox::new(), &["ad"]), @"
    exit: 2
    --- stderr
    error: unrecognized subcommand 'ad'

      tip: a similar subcommand exists: 'add'

    Usage: spin-deps [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused_usage(&Sandbox::new(), &["lock", "--chek"]), @"
    exit: 2
    --- stderr
    error: unexpected argument '--chek' found

      tip: a similar argument exists: '--check'

    Usage: spin-deps lock --check

    For more information, try '--help'.
    ");
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
