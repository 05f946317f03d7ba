//! Who signs for a package is recorded in the lock and in the state, and both hold a registry to it.
//!
//! The registry is replaced by another one at the same address: with other keys, with the same releases and a higher
//! one. What a person who took over a registry's name could do, is done here. Locked content is asked for by its digest
//! and no log is read for it, so it may come from anyone; whatever else is wanted is measured against the signers.

use spin_deps_fixtures::library::chain;

use super::warg::{configuration, published};
use super::{all_refused, locked, remove_from_lock};
use crate::support::library::base;
use crate::support::registry::Registry;
use crate::support::warg::{self, AUTHOR, Key, OPERATOR, OTHER_OPERATOR, STRANGER, WARG, Warg};
use crate::support::world::{Sandbox, files_below};

/// Lets another registry take the address: run by `operator`, with releases by `author`.
fn taken_over(warg: &mut Warg, operator: Key, author: Key) {
    warg.replace(operator);
    let thief = Sandbox::new();
    thief.configure(&configuration(&warg.mapping()));
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        warg::publish(&thief, author, &base(version)).done();
    }
    warg::publish(&thief, author, &chain("acme:other", "1.0.0", &[])).done();
    warg.reset();
}

/// Asks for something that the lock does not have, so that the registry has to be asked.
fn ask_for_more(sandbox: &Sandbox) {
    sandbox.write_app(&[("acme:base", "1.2.0")], "\"acme:base\" = \"^1.2\"", "acme:base@1.2.0(/x)");
}

#[test]
fn another_operator_is_refused_by_what_is_remembered() {
    let (mut warg, sandbox) = published();
    sandbox.run(&["sync"]).done();
    taken_over(&mut warg, OTHER_OPERATOR, AUTHOR);
    sandbox.delete_cache();
    let state = files_below(&sandbox.state());
    // With the lock and without it: the state knows the operator.
    ask_for_more(&sandbox);
    insta::assert_snapshot!(all_refused(&sandbox, &[&["lock"], &["sync"], &["verify"]]), @"
    exit: 1
    --- stderr
    error: registry `warg.example` does not prove its answer for acme:base: it shows another history than before: its log of 5 records does not continue the one of 3

    hint: the answer was not used and nothing was changed; the registry, or somebody between it and you, does not tell the truth: ask its operator
    ");
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    insta::assert_snapshot!(all_refused(&sandbox, &[&["lock"], &["sync"], &["verify"]]), @"
    exit: 1
    --- stderr
    error: registry `warg.example` does not prove its answer for acme:base: it shows another history than before: its log of 5 records does not continue the one of 3

    hint: the answer was not used and nothing was changed; the registry, or somebody between it and you, does not tell the truth: ask its operator
    ");
    assert!(files_below(&sandbox.state()) == state, "the state is as it was");
}

#[test]
fn another_operator_is_refused_by_the_lock() {
    let (mut warg, sandbox) = published();
    sandbox.run(&["sync"]).done();
    taken_over(&mut warg, OTHER_OPERATOR, AUTHOR);
    sandbox.delete_cache();
    sandbox.delete_state();
    sandbox.run(&["verify", "--locked"]).done();
    ask_for_more(&sandbox);
    insta::assert_snapshot!(all_refused(&sandbox, &[&["lock"], &["sync"], &["verify"]]), @"
    exit: 1
    --- stderr
    error: the operator's log at registry `warg.example` is signed by another key than when acme:base was locked

    hint: it was sha256:[DIGEST-1] and is sha256:[DIGEST-2]; if the registry or its authors have announced that, remove acme:base from spin-deps.lock and run `spin-deps lock`, else do not use it
    ");
    // Every question that is asked in the project is measured so, not only those of a resolve.
    let shown = all_refused(&sandbox, &[&["versions", "acme:base"], &["info", "acme:base@1.2.0"]]);
    assert!(shown.contains("signed by another key"), "{shown}");
    // So is a package that was never seen: the operator is that of the whole registry.
    let shown = all_refused(&sandbox, &[&["add", "acme:other@^1", "--to", "app"]]);
    assert!(
        shown.contains("the operator's log at registry `warg.example` is signed by another key"),
        "{shown}"
    );
    assert!(!sandbox.state().exists(), "nothing of it is remembered");
}

#[test]
fn another_author_is_refused_by_the_lock() {
    let (mut warg, sandbox) = published();
    sandbox.run(&["sync"]).done();
    taken_over(&mut warg, OPERATOR, STRANGER);
    sandbox.delete_cache();
    sandbox.delete_state();
    sandbox.run(&["verify", "--locked"]).done();
    ask_for_more(&sandbox);
    insta::assert_snapshot!(all_refused(&sandbox, &[&["lock"], &["sync"], &["verify"]]), @"
    exit: 1
    --- stderr
    error: the log of acme:base at registry `warg.example` is signed by another key than when acme:base was locked

    hint: it was sha256:[DIGEST-1] and is sha256:[DIGEST-2]; if the registry or its authors have announced that, remove acme:base from spin-deps.lock and run `spin-deps lock`, else do not use it
    ");
}

#[test]
fn a_lock_that_was_edited_to_other_signers_is_refused() {
    let (_warg, sandbox) = published();
    sandbox.run(&["sync"]).done();
    let lock = sandbox.read("spin-deps.lock");
    sandbox.delete_cache();
    for (key, other) in [(OPERATOR, OTHER_OPERATOR), (AUTHOR, STRANGER)] {
        let edited = lock.replace(&key.name(), &other.name());
        assert_ne!(edited, lock);
        sandbox.write("spin-deps.lock", edited);
        let shown = all_refused(&sandbox, &[&["sync"], &["sync", "--locked"], &["versions", "acme:base"]]);
        assert!(shown.contains("signed by another key than when acme:base was locked"), "{shown}");
    }
}

#[test]
fn the_registry_that_is_meant_can_be_trusted_anew() {
    let (mut warg, sandbox) = published();
    sandbox.run(&["sync"]).done();
    taken_over(&mut warg, OTHER_OPERATOR, STRANGER);
    sandbox.delete_cache();
    sandbox.delete_state();
    ask_for_more(&sandbox);
    sandbox.run(&["sync"]).failed();
    remove_from_lock(&sandbox, &["acme:base"]);
    sandbox.run(&["sync"]).done();
    assert_eq!(locked(&sandbox), ["acme:base 1.2.0 warg.example"]);
    let lock = sandbox.read("spin-deps.lock");
    assert!(lock.contains(&OTHER_OPERATOR.name()) && lock.contains(&STRANGER.name()), "{lock}");
}

#[test]
fn a_registry_does_not_get_rid_of_signatures_by_another_protocol() {
    let (_warg, sandbox) = published();
    sandbox.run(&["sync"]).done();
    let oci = Registry::open();
    sandbox.configure(&format!(
        "[namespace_registries]\n\
         acme = {{ registry = \"{WARG}\", metadata = {{ preferredProtocol = \"oci\", oci = {{ registry = \"{}\" }} }} }}\n\n\
         [registry.\"{WARG}\".oci]\nprotocol = \"http\"\n",
        oci.host()
    ));
    sandbox.publish(&base("1.2.0"));
    ask_for_more(&sandbox);
    insta::assert_snapshot!(all_refused(&sandbox, &[&["lock"], &["sync"], &["add", "acme:base@=1.2.0"]]), @"
    exit: 1
    --- stderr
    error: acme:base is locked with its signers, but warg.example now offers it unsigned

    hint: the registry no longer speaks warg; if it is right that it does not, remove its entry from spin-deps.lock and run `spin-deps lock`
    ");
}
