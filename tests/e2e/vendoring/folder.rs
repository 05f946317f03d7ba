//! The folder is written as a whole, and nothing that is somebody else's is lost.

use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, base, publish_all};
use crate::support::world::{Sandbox, files_below};

fn chained() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox
}

#[test]
fn the_same_app_gives_the_same_bytes() {
    let (one, other) = (chained(), chained());
    one.run(&["vendor"]).done();
    other.run(&["vendor", "elsewhere"]).done();
    let (one, other) = (one.project().join("vendor"), other.project().join("elsewhere"));
    assert!(files_below(&one) == files_below(&other), "the bytes differ");
}

#[test]
fn it_is_brought_up_to_date_and_ci_can_ask_whether_it_is() {
    let sandbox = chained();
    let unlocked = sandbox.run(&["vendor", "--check"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&unlocked), @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--check` forbids to change it:
      - there is no spin-deps.lock
      - component `app` asks for acme:middle ^1, which is not locked

    hint: run `spin-deps lock` without `--check` and commit spin-deps.lock
    ");
    assert!(!sandbox.project().join("spin-deps.lock").exists(), "a check writes nothing");
    sandbox.run(&["lock"]).done();
    let stale = sandbox.run(&["vendor", "--check"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&stale), @"
    exit: 1
    --- stdout
    SHA256SUMS is missing
    components/app.wasm is missing
    dependencies/acme-middle-1.0.0.wasm is missing
    spin.toml is missing
    --- stderr
    error: vendor is not up to date; the same command without `--check` writes it anew
    ");
    assert!(!sandbox.project().join("vendor").exists());
    sandbox.run(&["vendor"]).done();
    sandbox.run(&["vendor", "--check"]).done();
    let first = files_below(&sandbox.project().join("vendor"));

    // Another app, of which the vendored one has a file too many and two others.
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"=1.0.0\"", "acme:base@1.0.0(/x)");
    sandbox.run(&["lock"]).done();
    let before = sandbox.files();
    let stale = sandbox.run(&["vendor", "--check"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&stale), @"
    exit: 1
    --- stdout
    dependencies/acme-base-1.0.0.wasm is missing
    SHA256SUMS is another one
    components/app.wasm is another one
    spin.toml is another one
    dependencies/acme-middle-1.0.0.wasm is left over
    --- stderr
    error: vendor is not up to date; the same command without `--check` writes it anew
    ");
    assert!(sandbox.files() == before, "a check writes nothing");
    sandbox.run(&["vendor"]).done();
    let second = files_below(&sandbox.project().join("vendor"));
    assert_ne!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());

    // Repaired where somebody changed it.
    sandbox.write("vendor/components/app.wasm", b"no wasm");
    sandbox.run(&["vendor", "--check"]).failed();
    sandbox.run(&["vendor"]).done();
    assert!(files_below(&sandbox.project().join("vendor")) == second);
    let kept = sandbox.run(&["vendor"]).done();
    assert!(kept.stdout.starts_with("Kept vendor"), "{}", kept.stdout);
    let left: Vec<_> = sandbox.files().into_keys().filter(|path| path.starts_with(".spin-deps")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_is_somebody_elses_stays() {
    let sandbox = chained();
    let refuse = |folder: &str| {
        let before = sandbox.files();
        let run = sandbox.run(&["vendor", folder]).failed();
        assert!(sandbox.files() == before, "a file was changed by what was refused:\n{}", run.stderr);
        sandbox.snapshot(&run)
    };
    sandbox.write("mine/notes.txt", "mine");
    insta::assert_snapshot!(refuse("mine"), @"
    exit: 1
    --- stderr
    error: [DIR]/project/mine is there and was not made by `spin-deps vendor`

    hint: move it away, or name another folder
    ");
    insta::assert_snapshot!(refuse("."), @"
    exit: 1
    --- stderr
    error: the app itself is in [DIR]/project/.

    hint: name a folder that is not there yet
    ");
    insta::assert_snapshot!(refuse("app.wasm"), @"
    exit: 1
    --- stderr
    error: [DIR]/project/app.wasm is there and is no folder

    hint: move it away, or name another folder
    ");
    sandbox.run(&["vendor"]).done();
    sandbox.write("vendor/notes.txt", "mine");
    insta::assert_snapshot!(refuse("vendor"), @"
    exit: 1
    --- stderr
    error: [DIR]/project/vendor has a file that `spin-deps vendor` did not put there: notes.txt

    hint: move it away, or name another folder
    ");
    fs_err::remove_file(sandbox.project().join("vendor/notes.txt")).expect("a file");

    // What a running app has left there is the app's.
    sandbox.write("vendor/.spin/sqlite_key_value.db", "data");
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"=1.0.0\"", "acme:base@1.0.0(/x)");
    sandbox.run(&["vendor"]).done();
    assert_eq!(sandbox.read("vendor/.spin/sqlite_key_value.db"), "data");
    sandbox.run(&["vendor", "--check"]).done();
}

#[test]
fn a_component_that_is_not_built_leaves_the_folder_as_it_was() {
    let sandbox = chained();
    sandbox.run(&["vendor"]).done();
    let before = sandbox.files();
    fs_err::remove_file(sandbox.project().join("app.wasm")).expect("a file");
    let refused = sandbox.run(&["vendor"]).failed();
    assert!(refused.stderr.contains("the file of component `app` does not exist"), "{}", refused.stderr);
    let mut after = sandbox.files();
    after.insert("app.wasm".into(), before["app.wasm"].clone());
    assert!(after == before);
}

#[test]
fn a_mounted_file_does_not_take_the_manifests_place() {
    let sandbox = chained();
    let manifest = sandbox.read("spin.toml");
    sandbox.write(
        "spin.toml",
        manifest.replace("source = \"app.wasm\"", "source = \"app.wasm\"\nfiles = [\"*\"]"),
    );
    let refused = sandbox.run(&["vendor"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: two different files would be `spin.toml` in the vendored folder

    hint: mount less of the app's folder, or leave the file out with `exclude_files`
    ");
    assert!(!sandbox.project().join("vendor").exists());
}

#[test]
fn two_files_of_one_name_are_told_apart() {
    let sandbox = Sandbox::new();
    sandbox.write("one/lib.wasm", base("1.0.0"));
    sandbox.write("two/lib.wasm", spin_deps_fixtures::library::chain("acme:other", "1.0.0", &[]));
    sandbox.write_app(
        &[("acme:base", "1.0.0"), ("acme:other", "1.0.0")],
        "\"acme:base\" = { path = \"one/lib.wasm\" }\n\"acme:other\" = { path = \"two/lib.wasm\" }",
        "acme:base@1.0.0(/x)\nacme:other@1.0.0(/x)",
    );
    let report = super::answers_alone(&sandbox, &[]);
    let files = report["components"][0]["dependencies"].as_array().expect("dependencies").iter();
    let files: Vec<_> = files.map(|it| it["path"].as_str().expect("a path").to_owned()).collect();
    assert_ne!(files[0], files[1]);
    assert!(files.iter().all(|it| it.starts_with("dependencies/lib-")), "{files:?}");
}
