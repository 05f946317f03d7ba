//! A `spin-deps.lock` that cannot be read, or that does not fit and must not change.

use super::{refused, usual, usual_locked};
use crate::support::library::{DEPENDENCIES, IMPORTS};
use crate::support::world::Sandbox;

fn with_lock(change: impl Fn(String) -> String) -> Sandbox {
    let (_registry, sandbox) = usual_locked();
    let lock = sandbox.read("spin-deps.lock");
    let changed = change(lock.clone());
    assert_ne!(lock, changed, "the lock has nothing to change there");
    sandbox.write("spin-deps.lock", changed);
    sandbox
}

#[test]
fn is_of_a_newer_version() {
    let sandbox = with_lock(|lock| lock.replacen("version = 1\n", "version = 2\n", 1));
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"");
}

#[test]
fn has_an_unknown_field() {
    let sandbox =
        with_lock(|lock| lock.replacen("[[package]]\n", "[[package]]\nmirror = \"elsewhere\"\n", 1));
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"");
}

#[test]
fn has_a_merge_conflict() {
    let sandbox = with_lock(|lock| {
        lock.replacen("[[package]]\n", "<<<<<<< ours\n[[package]]\n", 1) + "=======\n>>>>>>> theirs\n"
    });
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"");
}

#[test]
fn does_not_fit_and_must_not_change() {
    let (_registry, sandbox) = usual_locked();
    sandbox.write_app(
        &[IMPORTS[0], ("acme:base", "2.0.0")],
        &format!("{DEPENDENCIES}\n\"acme:base\" = \"^2\""),
        "",
    );
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--locked"]), @"");
    insta::assert_snapshot!(refused(&sandbox, &["lock", "--check"]), @"");
}

#[test]
fn is_missing_and_must_not_change() {
    let (_registry, sandbox) = usual();
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--locked"]), @"");
}

#[test]
fn needs_content_that_may_not_be_fetched() {
    let (_registry, sandbox) = usual_locked();
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--frozen"]), @"");
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--offline"]), @"");
}
