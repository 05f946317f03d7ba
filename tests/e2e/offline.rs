//! Without a network: what was learned once is enough, and what is missing is named.

use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, base, publish_all};
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::{Sandbox, manifest};

fn warm() -> (Registry, Proxy, Sandbox) {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.delete_cache();
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), None);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["sync"]).done();
    proxy.reset();
    (registry, proxy, sandbox)
}

#[test]
fn versions_are_resolved_from_what_was_listed_before() {
    let (_registry, proxy, sandbox) = warm();
    let lock = sandbox.read("spin-deps.lock");
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    // However short a listing lives with the network, without one it is the best there is.
    let mut command = sandbox.command(&["lock", "--offline"]);
    Sandbox::run_command(command.env("SPIN_DEPS_LISTING_TTL", "0")).done();
    assert_eq!(sandbox.read("spin-deps.lock"), lock);
    sandbox.run(&["verify", "--offline"]).done();
    sandbox.run(&["versions", "acme:base", "--offline"]).done();
    assert_eq!(proxy.requests(), []);
}

#[test]
fn what_is_missing_is_named() {
    let (_registry, proxy, sandbox) = warm();
    let before = sandbox.files();
    sandbox.write("spin.toml", manifest("\"acme:base\" = \"^2\"", ""));
    let texts = [
        ["sync", "--offline"].as_slice(),
        &["sync", "--frozen"],
        &["add", "acme:base@^2", "--to", "app", "--offline"],
        &["info", "acme:base@2.0.0", "--offline"],
        &["versions", "acme:other", "--offline"],
    ]
    .map(|arguments| {
        format!("$ {}\n{}", arguments.join(" "), sandbox.snapshot(&sandbox.run(arguments).failed()))
    });
    insta::assert_snapshot!(texts.join("\n"), @"
    $ sync --offline
    exit: 1
    --- stderr
    error: acme:base 2.0.0 is not in the local store, and `--offline` forbids requests

    hint: run once with network access, for example `spin-deps sync`

    $ sync --frozen
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--frozen` forbids to change it:
      - component `app` asks for acme:base ^2, which is not locked

    hint: run `spin-deps lock` without `--frozen` and commit spin-deps.lock

    $ add acme:base@^2 --to app --offline
    exit: 1
    --- stderr
    error: acme:base 2.0.0 is not in the local store, and `--offline` forbids requests

    hint: run once with network access, for example `spin-deps sync`

    $ info acme:base@2.0.0 --offline
    exit: 1
    --- stderr
    error: acme:base 2.0.0 is not in the local store, and `--offline` forbids requests

    hint: run once with network access, for example `spin-deps sync`

    $ versions acme:other --offline
    exit: 1
    --- stderr
    error: the list of versions of acme:other is not in the local store, and `--offline` forbids requests

    hint: run once with network access, for example `spin-deps sync`
    ");
    assert_eq!(sandbox.read("spin-deps.lock").into_bytes(), before["spin-deps.lock"]);
    assert_eq!(proxy.requests(), []);
}

#[test]
fn a_listing_is_asked_for_again_when_its_time_has_passed() {
    let (registry, proxy, sandbox) = warm();
    let publisher = Sandbox::new();
    publisher.use_registry(&registry);
    publisher.publish(&base("1.3.0"));
    let newest = |seconds: &str| {
        let mut command = sandbox.command(&["versions", "acme:base", "--format", "json"]);
        let run = Sandbox::run_command(command.env("SPIN_DEPS_LISTING_TTL", seconds)).done();
        run.json()["versions"].to_string().contains("1.3.0")
    };
    assert!(!newest("3600"), "a listing that is young enough is used");
    assert_eq!(proxy.requests(), []);
    assert!(newest("0"));
    let refused =
        Sandbox::run_command(sandbox.command(&["lock"]).env("SPIN_DEPS_LISTING_TTL", "soon")).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: SPIN_DEPS_LISTING_TTL must be a number of seconds, such as 30, not `soon`
    ");
}
