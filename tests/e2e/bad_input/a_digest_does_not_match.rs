//! Bytes that are not the locked ones: a moved tag, a damaged blob, an edited lock, a damaged store.

use super::{refused, usual, usual_locked};

#[test]
fn because_the_tag_was_moved() {
    let (registry, sandbox) = usual_locked();
    let locked = registry.manifest_digest("acme/base", "1.1.0");
    registry.move_tag("acme/base", "1.1.0", "1.0.0");
    registry.forget_manifest("acme/base", &locked);
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--locked"]), @"
    exit: 1
    --- stderr
    error: acme:base 1.1.0 at registry `wasm.example (127.0.0.1:[PORT])` has changed: locked as sha256:[DIGEST-1], now sha256:[DIGEST-2]

    hint: somebody published other content under the same version; if that is expected, remove acme:base from spin-deps.lock and run `spin-deps lock`
    ");
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"
    exit: 1
    --- stderr
    error: acme:base 1.1.0 at registry `wasm.example (127.0.0.1:[PORT])` has changed: locked as sha256:[DIGEST-1], now sha256:[DIGEST-2]

    hint: somebody published other content under the same version; if that is expected, remove acme:base from spin-deps.lock and run `spin-deps lock`
    ");
}

#[test]
fn because_the_registry_has_damaged_the_content() {
    let (registry, sandbox) = usual_locked();
    registry.damage(&registry.layer_digest("acme/base", "1.1.0"));
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--locked"]), @"
    exit: 1
    --- stderr
    error: the content of acme:base 1.1.0 from registry `wasm.example (127.0.0.1:[PORT])` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used
    ");
}

#[test]
fn because_the_registry_has_damaged_what_it_says_about_the_content() {
    let (registry, sandbox) = usual();
    sandbox.delete_cache();
    registry.damage(&registry.config_digest("acme/base", "1.1.0"));
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
    exit: 1
    --- stderr
    error: the content of the config object of acme:base 1.1.0 from registry `wasm.example (127.0.0.1:[PORT])` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used
    ");
}

#[test]
fn because_the_lock_was_edited() {
    let (registry, sandbox) = usual_locked();
    let digest = registry.layer_digest("acme/base", "1.1.0");
    let other = registry.layer_digest("acme/base", "2.0.0");
    let lock = sandbox.read("spin-deps.lock");
    assert!(lock.contains(&digest), "{lock}");
    sandbox.write("spin-deps.lock", lock.replace(&digest, &other));
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--locked"]), @"
    exit: 1
    --- stderr
    error: the content of acme:base 1.1.0 from registry `wasm.example (127.0.0.1:[PORT])` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used
    ");
}

#[test]
fn because_the_store_was_damaged_and_there_is_no_network() {
    let (registry, sandbox) = usual();
    sandbox.run(&["sync"]).done();
    let file = sandbox.stored(&registry.layer_digest("acme/base", "1.1.0"));
    let mut bytes = fs_err::read(&file).expect("the stored release");
    bytes[20] ^= 1;
    // The store may have made it read-only.
    fs_err::remove_file(&file).expect("the stored release");
    fs_err::write(&file, bytes).expect("the damaged release");
    insta::assert_snapshot!(refused(&sandbox, &["verify", "--frozen"]), @"
    exit: 1
    --- stderr
    error: acme:base 1.1.0 is damaged in the local store ([DIR]/cache/spin-deps/blobs/sha256/[DIGEST-1]), and `--frozen` forbids requests

    hint: run once with network access to fetch it again, or remove the file
    ");
    // With the network it is fetched again.
    sandbox.run(&["verify"]).done();
    sandbox.run(&["verify", "--frozen"]).done();
}
