//! The content store under bad luck: two processes at once, a kill, a flipped bit, a file cut short, no place to write.

use std::path::PathBuf;

use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, publish_all};
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

fn project(registry: &Registry) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_registry(registry);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox
}

fn released() -> Registry {
    let registry = Registry::open();
    let publisher = Sandbox::new();
    publisher.use_registry(&registry);
    publish_all(&publisher);
    registry
}

/// The file of the store with the Wasm of `acme:base` 1.1.0.
fn stored(sandbox: &Sandbox, registry: &Registry) -> PathBuf {
    sandbox.stored(&registry.layer_digest("acme/base", "1.1.0"))
}

#[test]
fn two_projects_fill_one_empty_store_at_the_same_time() {
    let registry = released();
    let proxy = Proxy::start(&registry.host());
    let shared = tempfile::tempdir().expect("a temporary directory");
    let cache = shared.path().display().to_string();
    let projects = [project(&registry), project(&registry)];
    let hold = proxy.hold(&registry.layer_digest("acme/base", "1.1.0"));
    let running = projects.each_ref().map(|sandbox| {
        sandbox.use_host(&proxy.host(), None);
        sandbox.start(&["sync", "--cache-dir", &cache])
    });
    // Both have asked for the same layer, and neither has it.
    hold.wait();
    hold.wait();
    drop(hold);
    for process in running {
        let ended = process.finish();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    }
    assert_eq!(projects[0].read("spin-deps.lock"), projects[1].read("spin-deps.lock"));
    let checked = projects[0].run(&["cache", "verify", "--cache-dir", &cache]).done();
    assert!(checked.stdout.starts_with("Checked"), "{}", checked.stdout);
    for sandbox in &projects {
        sandbox.run(&["verify", "--frozen", "--cache-dir", &cache]).done();
    }
}

#[test]
fn a_process_killed_in_the_middle_of_a_download_is_no_obstacle_for_the_next() {
    let registry = released();
    let sandbox = project(&registry);
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), None);
    let hold = proxy.hold(&registry.layer_digest("acme/base", "1.1.0"));
    let process = sandbox.start(&["sync"]);
    hold.wait();
    process.kill();
    drop(hold);
    sandbox.run(&["cache", "verify"]).done();
    sandbox.run(&["verify"]).done();
}

#[test]
fn what_a_killed_writer_left_is_ignored_and_cleaned_away() {
    let registry = released();
    let sandbox = project(&registry);
    sandbox.run(&["sync"]).done();
    let leftover = stored(&sandbox, &registry).with_file_name(".tmp-leftover");
    fs_err::write(&leftover, b"\0asm half of").expect("a file in the store");
    sandbox.run(&["verify", "--frozen"]).done();
    sandbox.run(&["cache", "verify"]).done();
    sandbox.run(&["cache", "clean"]).done();
    assert!(!leftover.exists());
}

#[test]
fn damaged_content_is_found_and_fetched_again() {
    let registry = released();
    let sandbox = project(&registry);
    sandbox.run(&["sync"]).done();
    let file = stored(&sandbox, &registry);
    let whole = fs_err::read(&file).expect("the stored release");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [whole[..whole.len() / 2].to_vec(), Vec::new(), flipped] {
        fs_err::remove_file(&file).expect("the stored release");
        fs_err::write(&file, &damaged).expect("the damaged release");
        let found = sandbox.run(&["cache", "verify"]).failed();
        insta::allow_duplicates! {
            insta::assert_snapshot!(without_actual(&sandbox.snapshot(&found)), @"
            exit: 1
            --- stdout
            Damaged [DIR]/cache/spin-deps/blobs/sha256/[DIGEST-1]: its digest is [OTHER]
            1 file: what is damaged is fetched again when it is needed
            ");
        }
        sandbox.run(&["verify", "--frozen"]).failed();
        let run = sandbox.run(&["sync"]).done();
        assert!(run.stderr.contains("damaged"), "it is said:\n{}", run.stderr);
        assert_eq!(fs_err::read(&file).expect("the stored release"), whole);
        sandbox.run(&["verify", "--frozen"]).done();
    }
}

/// The digest of damaged bytes differs with the damage.
fn without_actual(text: &str) -> String {
    regex::Regex::new(r"its digest is \S+")
        .expect("a pattern")
        .replace_all(text, "its digest is [OTHER]")
        .into_owned()
}

#[test]
fn a_compiled_component_that_is_damaged_is_compiled_again() {
    let registry = released();
    let sandbox = project(&registry);
    sandbox.run(&["verify"]).done();
    let mut damaged = 0;
    let mut directories = vec![sandbox.cache().join("spin-deps/compiled")];
    while let Some(directory) = directories.pop() {
        for entry in fs_err::read_dir(directory).expect("a directory of the cache") {
            let path = entry.expect("an entry of the cache").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let mut bytes = fs_err::read(&path).expect("compiled code");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            fs_err::remove_file(&path).expect("compiled code");
            fs_err::write(&path, bytes).expect("damaged code");
            damaged += 1;
        }
    }
    assert!(damaged > 0, "`verify` keeps what it compiled");
    sandbox.run(&["verify"]).done();
}

#[test]
fn a_store_that_cannot_be_written_is_named() {
    let registry = released();
    let sandbox = project(&registry);
    let before = sandbox.files();
    // A file where the directory should be stops everyone, whoever they are.
    fs_err::write(sandbox.root().join("occupied"), "").expect("a file");
    let place = sandbox.root().join("occupied").display().to_string();
    let refused = sandbox.run(&["sync", "--cache-dir", &place]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: failed to create directory `[DIR]/occupied/blobs/sha256`: Not a directory (os error 20)
    ");

    // The same for a part of the store that is not a directory.
    fs_err::create_dir_all(sandbox.cache().join("spin-deps/blobs")).expect("a store");
    fs_err::write(sandbox.cache().join("spin-deps/blobs/sha256"), "").expect("a file");
    let refused = sandbox.run(&["sync"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: failed to create directory `[DIR]/cache/spin-deps/blobs/sha256`: File exists (os error 17)
    ");
    assert!(sandbox.files() == before, "the project is as it was");
}
