//! What stands in the way of an update; in each case the project stays as it is.

use super::{behind, done, locked, refused};
use crate::support::library::base;
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

#[test]
fn names_that_are_not_locked() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    behind(&sandbox);
    for name in ["acme:bsae", "acme:base@1.1.0", "base", "acme:base@^1"] {
        let said = refused(&sandbox, &["update", name]);
        match name {
            "acme:bsae" => insta::assert_snapshot!(said, @"
            $ update acme:bsae
            exit: 1
            --- stderr
            error: acme:bsae is not in spin-deps.lock

            hint: did you mean `acme:base`?
            "),
            "acme:base@1.1.0" => insta::assert_snapshot!(said, @"
            $ update acme:base@1.1.0
            exit: 1
            --- stderr
            error: acme:base 1.1.0 is not in spin-deps.lock

            hint: it has `acme:base@1.0.0`
            "),
            "base" => insta::assert_snapshot!(said, @"
            $ update base
            exit: 2
            --- stderr
            error: invalid value 'base' for '[PKG]...': invalid package ref: missing expected ':'

            For more information, try '--help'.
            "),
            _ => insta::assert_snapshot!(said, @"
            $ update acme:base@^1
            exit: 2
            --- stderr
            error: invalid value 'acme:base@^1' for '[PKG]...': unexpected character '^' while parsing major version number

            For more information, try '--help'.
            "),
        }
    }
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    insta::assert_snapshot!(refused(&sandbox, &["update", "acme:base"]), @"
    $ update acme:base
    exit: 1
    --- stderr
    error: there is no spin-deps.lock yet

    hint: run `spin-deps lock`: it takes the newest releases that fit
    ");
}

#[test]
fn options_that_forbid_it() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    behind(&sandbox);
    insta::assert_snapshot!(refused(&sandbox, &["update", "--locked"]), @"
    $ update --locked
    exit: 1
    --- stderr
    error: `update` moves what is locked, and `--locked` forbids to change spin-deps.lock

    hint: leave out `--locked`, or add `--dry-run` to see what there is
    ");
    insta::assert_snapshot!(refused(&sandbox, &["update", "--frozen"]), @"
    $ update --frozen
    exit: 1
    --- stderr
    error: `update` moves what is locked, and `--frozen` forbids to change spin-deps.lock

    hint: leave out `--frozen`, or add `--dry-run` to see what there is
    ");
    // Whoever only looks changes nothing.
    sandbox.run(&["update", "--locked", "--dry-run"]).done();
    sandbox.run(&["update", "--frozen", "--dry-run"]).done();
    assert_eq!(locked(&sandbox), ["acme:base 1.0.0", "acme:middle 1.0.0"]);
}

#[test]
fn without_a_network_what_was_seen_is_what_there_is() {
    let registry = Registry::open();
    let proxy = Proxy::start(&registry.host());
    let sandbox = Sandbox::new();
    sandbox.use_host(&proxy.host(), None);
    behind(&sandbox);
    // The lists were forgotten when the last releases were published, and this fetches them.
    sandbox.run(&["update", "--dry-run"]).done();
    sandbox.publish(&base("1.3.0"));
    sandbox.run(&["versions", "acme:base"]).done();
    proxy.reset();
    insta::assert_snapshot!(refused(&sandbox, &["update", "--offline"]), @"
    $ update --offline
    exit: 1
    --- stderr
    error: acme:base 1.3.0 is not in the local store, and `--offline` forbids requests

    hint: run once with network access, for example `spin-deps sync`
    ");
    insta::assert_snapshot!(done(&sandbox, &["update", "--offline", "acme:middle"]), @"
    $ update --offline acme:middle
    exit: 0
    --- stdout
    package      from   to     change
    acme:middle  1.0.0  1.1.0  minor
    Locked 2 packages in spin-deps.lock
    1 package has a newer release even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    sandbox.delete_cache();
    insta::assert_snapshot!(refused(&sandbox, &["update", "--offline"]), @r#"
    $ update --offline
    exit: 1
    --- stderr
    error: because component `app` depends on acme:middle ^1 and acme:middle is not in the store and the network is off, your requirement cannot be met
        ╭─[spin.toml:19:17]
     18 │ [component.app.dependencies]
     19 │ "acme:middle" = "^1"
        ·                 ──┬─
        ·                   ╰── asked for here
        ╰────

    hint: run once without `--offline` to fill the store
    "#);
    assert_eq!(proxy.requests(), []);
}

#[test]
fn a_registry_that_is_gone() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    behind(&sandbox);
    drop(registry);
    let said = refused(&sandbox, &["update"]);
    assert!(said.contains("could not reach registry `wasm.example"), "{said}");
    let said = refused(&sandbox, &["outdated"]);
    assert!(said.contains("could not reach registry `wasm.example"), "{said}");
}

#[test]
fn an_interruption() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    behind(&sandbox);
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), None);
    let before = sandbox.files();
    for part in ["acme/base/tags", "acme/base/manifests/1.1.0"] {
        let hold = proxy.hold(part);
        let process = sandbox.start(&["update"]);
        hold.wait();
        process.interrupt();
        let ended = process.finish();
        assert_eq!(ended.status.code(), Some(130), "{}", ended.stderr);
        assert!(sandbox.files() == before);
        drop(hold);
    }
    sandbox.run(&["update"]).done();
}

/// What is published with a release tells its interfaces, so that its content is fetched by who runs it.
#[test]
fn damaged_content_is_found_by_who_fetches_it() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    behind(&sandbox);
    registry.damage(&registry.layer_digest("acme/base", "1.1.0"));
    let run = sandbox.run(&["update", "acme:base", "--format", "json"]).done();
    assert_eq!(run.json()["changes"][0]["interfaces"]["breaks"], false);
    sandbox.run(&["sync"]).failed();
    sandbox.run(&["update", "acme:base", "--precise", "1.0.0"]).done();
    sandbox.run(&["sync"]).done();
}
