//! Bytes that are not the locked ones: a moved tag, a damaged blob, an edited lock, a damaged store.

use super::{refused, usual, usual_locked};
use crate::support::oci;
use crate::support::world::Sandbox;

#[test]
fn because_the_tag_was_moved() {
    let (registry, sandbox) = usual_locked();
    let locked = registry.manifest_digest("acme/base", "1.1.0");
    registry.move_tag("acme/base", "1.1.0", "1.0.0");
    registry.forget_manifest("acme/base", &locked);
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--locked"]), @"");
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"");
}

#[test]
fn because_the_registry_has_damaged_the_content() {
    let (registry, sandbox) = usual_locked();
    registry.damage(&registry.layer_digest("acme/base", "1.1.0"));
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--locked"]), @"");
}

#[test]
fn because_the_registry_has_damaged_what_it_says_about_the_content() {
    let (registry, sandbox) = usual();
    sandbox.delete_cache();
    registry.damage(&registry.config_digest("acme/base", "1.1.0"));
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"");
}

#[test]
fn because_the_lock_was_edited() {
    let (registry, sandbox) = usual_locked();
    let digest = registry.layer_digest("acme/base", "1.1.0");
    let other = registry.layer_digest("acme/base", "2.0.0");
    let lock = sandbox.read("spin-deps.lock");
    assert!(lock.contains(&digest), "{lock}");
    sandbox.write("spin-deps.lock", lock.replace(&digest, &other));
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--locked"]), @"");
}

#[test]
fn because_the_store_was_damaged_and_there_is_no_network() {
    let (registry, sandbox) = usual();
    sandbox.run(&["sync"]).done();
    let hex = registry.layer_digest("acme/base", "1.1.0").replace("sha256:", "");
    let damaged = damage_in_store(&sandbox, &hex);
    assert!(damaged > 0, "the store keeps content under its digest");
    insta::assert_snapshot!(refused(&sandbox, &["verify", "--frozen"]), @"");
    // With the network it is fetched again.
    sandbox.run(&["verify"]).done();
    sandbox.run(&["verify", "--frozen"]).done();
}

/// Turns a bit of every file of the store whose name holds `hex`, and says how many there were.
fn damage_in_store(sandbox: &Sandbox, hex: &str) -> usize {
    let mut damaged = 0;
    let mut directories = vec![sandbox.cache()];
    while let Some(directory) = directories.pop() {
        for entry in fs_err::read_dir(directory).expect("a directory of the store") {
            let path = entry.expect("an entry of the store").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let mut bytes = fs_err::read(&path).expect("a file of the store");
            if oci::digest(&bytes).ends_with(hex) {
                bytes[20] ^= 1;
                fs_err::remove_file(&path).expect("a file that the store may have made read-only");
                fs_err::write(&path, bytes).expect("the damaged file");
                damaged += 1;
            }
        }
    }
    damaged
}
