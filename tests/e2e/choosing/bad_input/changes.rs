//! What is not any more what it was a moment ago: a release, a registry, the app around a lock.

use spin_deps_fixtures::library::chain;

use super::{folder, put, refused, with_folder};
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, publish_all};
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

#[test]
fn between_the_list_and_the_release_are_an_answer() {
    // The list of versions has 1.1.0, and when its manifest is asked for it is gone.
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.delete_cache();
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), None);
    proxy.refuse("/acme/base/manifests/1.1.0", 404);
    sandbox.write_app(IMPORTS, DEPENDENCIES, &ANSWER.replace("1.1.0", "1.0.0"));
    sandbox.run(&["verify"]).done();
    assert!(sandbox.read("spin-deps.lock").contains("version = \"1.0.0\"\n"));

    // Asked for by name, there is nothing else to take.
    let sandbox = Sandbox::new();
    sandbox.use_host(&proxy.host(), None);
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"=1.1.0\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:base =1.1.0
      and acme:base 1.1.0 cannot be used (it is listed, but it is not there)
      and no other version of acme:base matches =1.1.0 (available: 2.0.0, 1.2.0-rc.1, 1.1.0 (not usable), 1.0.0),
    your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "=1.1.0"
        ·               ────┬───
        ·                   ╰── asked for here
        ╰────

    hint: run `spin-deps add acme:base@^1.0.0 --to app` to ask for acme:base ^1.0.0 in component `app`
    "#);
}

#[test]
fn of_a_release_between_lock_and_sync_are_noticed() {
    let sandbox = with_folder();
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["lock"]).done();
    sandbox.delete_cache();
    put(&sandbox, "base", "1.1.0", &chain("acme:base", "1.1.0", &[("acme:base", "1.0.0")]));
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"
    exit: 1
    --- stderr
    error: the content of acme:base 1.1.0 from `[DIR]/folders/wasm.example/acme/base/1.1.0.wasm` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used
    ");
    fs_err::remove_file(folder(&sandbox, "base").join("1.1.0.wasm")).expect("the release");
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"
    exit: 1
    --- stderr
    error: registry `wasm.example` has no acme:base 1.1.0
    ");
}

#[test]
fn of_the_folder_into_nothing_are_the_registrys_fault() {
    let sandbox = with_folder();
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["sync"]).done();
    fs_err::remove_dir_all(sandbox.root().join("folders")).expect("the folder");
    // What is locked and stored needs no folder.
    sandbox.run(&["verify"]).done();
    sandbox.delete_cache();
    insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"
    exit: 1
    --- stderr
    error: registry `wasm.example` cannot be used: its folder `[DIR]/folders/wasm.example` does not exist
    ");
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
    exit: 1
    --- stderr
    error: registry `wasm.example` cannot be used: its folder `[DIR]/folders/wasm.example` does not exist
    ");
}

#[test]
fn of_the_app_around_a_lock_are_caught_up_with() {
    // The lock of another app: other packages, and one in common in an older version.
    let sandbox = with_folder();
    publish_all(&sandbox);
    sandbox.publish(&chain("acme:other", "1.0.0", &[]));
    sandbox.write_app(
        &[("acme:other", "1.0.0"), ("acme:base", "1.0.0")],
        "\"acme:other\" = \"^1\"\n\"acme:base\" = \"=1.0.0\"",
        "",
    );
    sandbox.run(&["lock"]).done();
    sandbox.write_app(IMPORTS, DEPENDENCIES, &ANSWER.replace("1.1.0", "1.0.0"));
    insta::assert_snapshot!(refused(&sandbox, &["sync", "--locked"]), @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--locked` forbids to change it:
      - component `app` asks for acme:middle ^1, which is not locked

    hint: run `spin-deps lock` without `--locked` and commit spin-deps.lock
    ");
    let run = sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Locked 2 packages in spin-deps.lock
      add acme:middle 1.0.0
      remove acme:other 1.0.0
    ");
    sandbox.run(&["verify", "--locked"]).done();
}
