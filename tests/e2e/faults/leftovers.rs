//! What killed writers leave behind: nobody takes it for anything, and `cache clean` removes it.

use std::path::PathBuf;

use super::EVER;
use super::stage::stages;
use super::{assert_whole, files_below};
use crate::support::fault::Fault;
use crate::support::world::Sandbox;

/// Waits for a writer's temporary file in the store.
fn temporary(sandbox: &Sandbox) -> PathBuf {
    let directory = sandbox.cache().join("spin-deps/blobs/sha256");
    let deadline = std::time::Instant::now() + crate::support::DEADLINE;
    loop {
        let name = files_below(&directory).into_keys().find(|name| name.starts_with(".tmp-"));
        if let Some(name) = name {
            return directory.join(name);
        }
        assert!(std::time::Instant::now() < deadline, "no writer began");
        std::thread::yield_now();
    }
}

#[test]
fn of_a_writer_at_work_stay_and_of_a_killed_one_go() {
    let stages = stages();
    let stage = &stages[2];
    let proxy = stage.proxy();
    let sandbox = Sandbox::new();
    stage.configure(&sandbox, &proxy);
    // Larger than what is gathered before the first write.
    let large = crate::support::library::with_description(
        &crate::support::library::base("1.0.0"),
        "acme:large",
        "1.0.0",
        &"large ".repeat(1 << 20),
    );
    sandbox.publish(&large);
    sandbox.delete_cache();
    sandbox.write_app(
        &[("acme:base", "1.0.0")],
        "\"acme:base\" = { version = \"^1\", package = \"acme:large\" }",
        "",
    );
    sandbox.run(&["lock"]).done();
    proxy.fail("/acme/large/blobs/", EVER, Fault::Stall);
    let process = sandbox.start(&["sync"]);
    let left = temporary(&sandbox);

    sandbox.run(&["cache", "clean"]).done();
    assert!(left.exists(), "its writer is at work");
    process.kill();
    proxy.heal();
    assert!(left.exists(), "nobody cleaned up");

    sandbox.run(&["cache", "verify"]).done();
    assert_whole(&sandbox.cache());
    sandbox.run(&["sync"]).done();
    sandbox.run(&["cache", "clean"]).done();
    assert_eq!(files_below(&sandbox.cache()).into_keys().collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn everywhere_are_taken_for_nothing() {
    let stages = stages();
    let stage = &stages[2];
    let proxy = stage.proxy();
    let sandbox = stage.project(&proxy);
    sandbox.run(&["verify"]).done();
    let info = sandbox.run(&["cache", "info"]).done().stdout;
    let half = b"\0asm half of";
    let compiled = files_below(&sandbox.cache().join("spin-deps/compiled")).into_keys().next();
    let compiled = compiled.expect("`verify` keeps what it compiled").replace(".cwasm", ".1-0.tmp");
    for place in ["blobs/sha256/.tmp-000000", "records/.tmp-000000", &format!("compiled/{compiled}")] {
        fs_err::write(sandbox.cache().join("spin-deps").join(place), half).expect("a leftover");
    }
    sandbox.write(".spin-deps-000000", half);
    for arguments in
        [["sync", "--frozen"].as_slice(), &["verify", "--frozen"], &["cache", "verify"], &["tree"]]
    {
        sandbox.run(arguments).done();
    }
    assert_eq!(sandbox.run(&["cache", "info"]).done().stdout, info);
    sandbox.run(&["cache", "clean"]).done();
    assert_eq!(files_below(&sandbox.cache()).into_keys().collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn in_a_folder_of_releases_are_no_releases() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&crate::support::library::base("1.0.0"));
    let folder = sandbox.root().join("folders");
    let release = files_below(&folder).into_keys().next().expect("the release");
    let release = folder.join(release);
    fs_err::write(release.with_file_name(".tmp-000000"), b"\0asm half of").expect("a leftover");
    assert_eq!(sandbox.run(&["versions", "acme:base"]).done().stdout, "1.0.0\n");
}
