//! A `spin-deps.lock` that cannot be read, or that does not fit and must not change.

use super::{refused, refused_without_advice, usual, usual_locked};
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
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"
    exit: 1
    --- stderr
    error: the lock has version 2: it was written by a newer spin-deps
       ╭─[spin-deps.lock:3:11]
     2 │ # After a merge conflict, run `spin-deps lock`.
     3 │ version = 2
       ·           ─
     4 │
       ╰────

    hint: update spin-deps, or have whoever wrote the lock use your version; deleting the lock and running `spin-deps lock` writes it anew, with the newest versions that fit
    ");
}

#[test]
fn has_an_unknown_field() {
    let sandbox =
        with_lock(|lock| lock.replacen("[[package]]\n", "[[package]]\nmirror = \"elsewhere\"\n", 1));
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @r#"
    exit: 1
    --- stderr
    error: unknown field `mirror` in package acme:base 1.1.0
       ╭─[spin-deps.lock:6:1]
     5 │ [[package]]
     6 │ mirror = "elsewhere"
       · ──────
     7 │ name = "acme:base"
       ╰────

    hint: remove the field, or update spin-deps if a newer one wrote the lock
    "#);
}

#[test]
fn has_a_merge_conflict() {
    let sandbox = with_lock(|lock| {
        lock.replacen("[[package]]\n", "<<<<<<< ours\n[[package]]\n", 1) + "=======\n>>>>>>> theirs\n"
    });
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"
    exit: 1
    --- stderr
    error: the lock contains the markers of a merge conflict
       ╭─[spin-deps.lock:5:1]
     4 │
     5 │ <<<<<<< ours
       · ────────────
     6 │ [[package]]
       ╰────

    hint: merge spin.toml first, then run `spin-deps lock`: it keeps what both sides agree on or only one has, and chooses the rest anew
    ");
}

#[test]
fn does_not_fit_and_must_not_change() {
    let (_registry, sandbox) = usual_locked();
    sandbox.write_app(
        &[IMPORTS[0], ("acme:base", "2.0.0")],
        &format!("{DEPENDENCIES}\n\"acme:base\" = \"^2\""),
        "",
    );
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--locked"]), @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--locked` forbids to change it:
      - component `app` asks for acme:base ^2, which is not locked

    hint: run `spin-deps lock` without `--locked` and commit spin-deps.lock
    ");
    insta::assert_snapshot!(refused(&sandbox, &["lock", "--check"]), @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--check` forbids to change it:
      - component `app` asks for acme:base ^2, which is not locked

    hint: run `spin-deps lock` without `--check` and commit spin-deps.lock
    ");
}

#[test]
fn is_missing_and_must_not_change() {
    let (_registry, sandbox) = usual();
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--locked"]), @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--locked` forbids to change it:
      - there is no spin-deps.lock
      - component `app` asks for acme:middle ^1, which is not locked

    hint: run `spin-deps lock` without `--locked` and commit spin-deps.lock
    ");
}

#[test]
fn is_a_directory() {
    let (_registry, sandbox) = usual();
    sandbox.write("spin-deps.lock/kept", "");
    insta::assert_snapshot!(refused_without_advice(&sandbox, &["lock"]), @"
    exit: 1
    --- stderr
    error: failed to read from file `[DIR]/project/spin-deps.lock`: Is a directory (os error 21)
    ");
}

#[test]
fn needs_content_that_may_not_be_fetched() {
    let (registry, sandbox) = usual();
    sandbox.run(&["sync"]).done();
    let digest = registry.layer_digest("acme/base", "1.1.0");
    fs_err::remove_file(sandbox.stored(&digest)).expect("the stored release");
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--frozen"]), @"
    exit: 1
    --- stderr
    error: acme:base 1.1.0 is not in the local store, and `--frozen` forbids requests

    hint: run once with network access, for example `spin-deps sync`
    ");
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--offline"]), @"
    exit: 1
    --- stderr
    error: acme:base 1.1.0 is not in the local store, and `--offline` forbids requests

    hint: run once with network access, for example `spin-deps sync`
    ");
}
