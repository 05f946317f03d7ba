//! One damaged byte, anywhere in the store or in the lock.
//!
//! Whatever byte it is, the next command comes to the right result or to an error that names what is damaged. All bytes
//! of a small file have their turn, and of a large one a sample that is spread over all of it. That every change of the
//! lock is noticed by its reader is tested with the reader; here it is what the whole program makes of it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;

use super::stage::{Stage, stages};
use super::{contents, files_below};
use crate::support::fault::FaultProxy;
use crate::support::world::{Run, Sandbox};

/// As many projects are damaged at a time.
const LANES: usize = 4;

/// Places spread over a file of `size` bytes, all of them if it has no more than `most`.
fn places(size: usize, most: usize) -> impl Iterator<Item = usize> {
    let step = size.div_ceil(most).max(1);
    // The last byte is as likely to be forgotten as any.
    (0..size).step_by(step).chain(size.checked_sub(1))
}

/// Lets every lane damage its share of `cases` in a project of its own that has been made by `prepare`.
fn in_lanes<T: Sync>(
    cases: &[T],
    prepare: impl Fn() -> Sandbox + Sync,
    damage: impl Fn(&Sandbox, &T) + Sync,
) {
    let (prepare, damage) = (&prepare, &damage);
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            scope.spawn(move || {
                let sandbox = prepare();
                for case in cases.iter().skip(lane).step_by(LANES) {
                    damage(&sandbox, case);
                }
            });
        }
    });
}

/// Turns a bit of a file, lets `look` see what comes of it, and puts the file back.
fn with_flipped_bit(file: &PathBuf, place: usize, look: impl FnOnce()) {
    let whole = fs_err::read(file).expect("a file");
    let mut damaged = whole.clone();
    damaged[place] ^= 1 << (place % 8);
    fs_err::write(file, damaged).expect("the damaged file");
    look();
    fs_err::write(file, whole).expect("the file as it was");
}

/// A project, locked and fetched. With the same proxy, its store has the same names in every project.
fn synced(stage: &Stage, proxy: &FaultProxy) -> Sandbox {
    let sandbox = stage.project(proxy);
    sandbox.run(&["sync"]).done();
    sandbox
}

/// The files of the store below `part`, with the places to damage.
fn cases(sandbox: &Sandbox, part: &str, most: usize) -> Vec<(String, usize)> {
    let files = files_below(&sandbox.cache().join("spin-deps").join(part));
    assert!(!files.is_empty(), "there is nothing in {part}");
    files
        .into_iter()
        .flat_map(|(name, bytes)| {
            places(bytes.len(), most).map(move |place| (format!("{part}/{name}"), place)).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn of_stored_content() {
    let stages = stages();
    let stage = &stages[2];
    let proxy = stage.proxy();
    let cases = cases(&synced(stage, &proxy), "blobs/sha256", 24);
    let refused = Mutex::new(BTreeSet::new());
    in_lanes(
        &cases,
        || synced(stage, &proxy),
        |sandbox, (name, place)| {
            with_flipped_bit(&sandbox.cache().join("spin-deps").join(name), *place, || {
                let run = sandbox.run(&["sync", "--offline"]);
                // What is known of a locked release is not looked at again: then nothing damaged was used.
                assert!(sandbox.files() == stage.files, "{name}, byte {place}");
                if run.code != Some(0) {
                    let run = run.failed();
                    assert!(run.stderr.contains(name.as_str()), "{name}, byte {place}:\n{}", run.stderr);
                    refused.lock().expect("nobody panics with the lock").insert(without_names(sandbox, &run));
                }
                // Without the lock, what is known of the releases is all there is.
                fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
                let run = sandbox.run(&["lock", "--offline"]);
                if run.code == Some(0) {
                    assert!(sandbox.files() == stage.files, "{name}, byte {place}");
                } else {
                    run.failed();
                    sandbox.write("spin-deps.lock", &stage.files["spin-deps.lock"]);
                    assert!(sandbox.files() == stage.files, "{name}, byte {place}");
                }
            });
        },
    );
    let refused = refused.into_inner().expect("nobody panicked with the lock");
    insta::assert_snapshot!(refused.into_iter().collect::<Vec<_>>().join("\n"), @"
    exit: 1
    --- stderr
    error: [PACKAGE] is damaged in the local store ([DIR]/cache/spin-deps/blobs/sha256/[DIGEST-1]), and `--offline` forbids requests

    hint: run once with network access to fetch it again, or remove the file
    ");
}

#[test]
fn of_stored_records() {
    let stages = stages();
    let stage = &stages[2];
    let proxy = stage.proxy();
    let cases = cases(&synced(stage, &proxy), "records", 24);
    in_lanes(
        &cases,
        || synced(stage, &proxy),
        |sandbox, (name, place)| {
            with_flipped_bit(&sandbox.cache().join("spin-deps").join(name), *place, || {
                fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
                let run = sandbox.run(&["lock", "--offline"]);
                if run.code != Some(0) {
                    // A damaged record is none, and then nothing is known.
                    let run = run.failed();
                    assert!(run.stderr.contains("offline"), "{name}, byte {place}:\n{}", run.stderr);
                    sandbox.write("spin-deps.lock", &stage.files["spin-deps.lock"]);
                }
                assert!(sandbox.files() == stage.files, "{name}, byte {place}");
            });
        },
    );
}

#[test]
fn of_compiled_code() {
    let stages = stages();
    let stage = &stages[2];
    let proxy = stage.proxy();
    let verified = || {
        let sandbox = synced(stage, &proxy);
        sandbox.run(&["verify", "--offline"]).done();
        sandbox
    };
    let cases = cases(&verified(), "compiled", 10);
    in_lanes(&cases, verified, |sandbox, (name, place)| {
        let file = sandbox.cache().join("spin-deps").join(name);
        with_flipped_bit(&file, *place, || {
            let run = sandbox.run(&["verify", "--offline"]).done();
            assert!(run.stderr.contains("compiled code"), "it is said, for byte {place}:\n{}", run.stderr);
        });
    });
}

#[test]
fn of_the_lock() {
    let stages = stages();
    let stage = &stages[2];
    let proxy = stage.proxy();
    let lock = &stage.files["spin-deps.lock"];
    let composed = |sandbox: &Sandbox, more: &[&str]| {
        let file = sandbox.root().join("composed.wasm");
        let arguments = ["compose", "app", "-o", file.to_str().expect("a path in UTF-8")];
        let run = sandbox.run(&[&arguments, more].concat());
        let bytes = (run.code == Some(0)).then(|| fs_err::read(&file).expect("the composed component"));
        (run, bytes)
    };
    let right = composed(&synced(stage, &proxy), &["--locked"]).1;
    assert!(right.is_some());
    // Another letter, the rest of the line made a comment, no UTF-8 any more.
    let changes: [fn(u8) -> u8; 3] = [|byte| byte ^ 1, |_| b'#', |byte| byte ^ 0x80];
    let cases: Vec<_> =
        places(lock.len(), 80).enumerate().map(|(turn, place)| (place, changes[turn % 3])).collect();
    in_lanes(
        &cases,
        || synced(stage, &proxy),
        |sandbox, (place, change)| {
            let mut damaged = lock.clone();
            damaged[*place] = change(damaged[*place]);
            sandbox.write("spin-deps.lock", &damaged);
            let (run, bytes) = composed(sandbox, &["--frozen"]);
            match bytes {
                // Another text of the same meaning, or a word of which nothing depends.
                Some(_) => assert!(
                    bytes == right,
                    "byte {place} changes the app:\n{}",
                    String::from_utf8_lossy(&damaged)
                ),
                None => {
                    assert!(run.failed().stderr.starts_with("error: "), "byte {place}");
                }
            }
            assert_eq!(
                sandbox.project().join("spin-deps.lock").metadata().expect("the lock").len(),
                lock.len() as u64
            );
            sandbox.write("spin-deps.lock", lock);
            assert!(contents(&sandbox.cache()) == stage.contents);
        },
    );
}

/// The text of a refusal, without the package that it happened to.
fn without_names(sandbox: &Sandbox, run: &Run) -> String {
    sandbox.snapshot(run).replace("acme:middle 1.0.0", "[PACKAGE]").replace("acme:base 1.1.0", "[PACKAGE]")
}
