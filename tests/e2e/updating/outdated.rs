//! What could be newer.

use spin_deps_fixtures::library::chain;

use super::{behind, done, middle, refused, write_manifest};
use crate::support::library::{base, environment_counter};
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// One package that an update would move, one that spin.toml holds back, one that another release holds back, one that
/// is yanked and one that is up to date.
fn project(sandbox: &Sandbox) {
    for bytes in [
        base("1.0.0"),
        middle("1.0.0", "1.0.0"),
        chain("acme:held", "1.0.0", &[]),
        chain("acme:bad", "1.0.0", &[]),
        chain("acme:bad", "1.1.0", &[]),
        chain("acme:fine", "1.0.0", &[]),
        chain("acme:count", "1.0.0", &[]),
    ] {
        sandbox.publish(&bytes);
    }
    write_manifest(
        sandbox,
        "\"acme:middle\" = \"^1\"\n\"acme:held\" = \"=1.0.0\"\n\"acme:bad\" = \"^1\"\n\"acme:fine\" = \"^1\"\n\"acme:count\" = \"*\"",
    );
    sandbox.run(&["lock"]).done();
    for bytes in [
        base("1.1.0"),
        base("2.0.0"),
        chain("acme:held", "1.1.0", &[]),
        chain("acme:fine", "2.0.0-rc.1", &[]),
        environment_counter("acme:count", "1.1.0"),
    ] {
        sandbox.publish(&bytes);
    }
    sandbox.run(&["yank", "acme:bad@1.1.0", "--reason", "loses\nthe last block\u{1b}[2J"]).done();
}

#[test]
fn each_package_has_what_it_could_be_and_what_is_in_the_way() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    project(&sandbox);
    let before = sandbox.files();
    insta::assert_snapshot!(done(&sandbox, &["outdated"]), @"
    $ outdated
    exit: 0
    --- stdout
    package     locked  update  newest  capabilities  held back by                note
    acme:bad    1.1.0   1.0.0   1.0.0                                             yanked: loses the last block�[2J
    acme:base   1.0.0   1.1.0   2.0.0                 acme:middle 1.0.0 (^1.0.0)
    acme:count  1.0.0   1.1.0   1.1.0   +environment
    acme:held   1.0.0   1.0.0   1.1.0                 component `app` (=1.0.0)
    ");
    let json = sandbox.run(&["outdated", "--format", "json"]).done().json();
    let packages = json["packages"].as_array().expect("packages");
    assert_eq!(packages.len(), 6, "all of them, also those that are up to date");
    insta::assert_snapshot!(format!("{:#}", packages[1]), @r#"
    {
      "gained": [],
      "held_by": [
        {
          "requirement": "^1.0.0",
          "who": "acme:middle 1.0.0"
        }
      ],
      "locked": "1.0.0",
      "newest": "2.0.0",
      "outdated": true,
      "package": "acme:base",
      "update": "1.1.0",
      "yanked": false
    }
    "#);
    assert_eq!(sandbox.run(&["outdated", "--check"]).failed().stderr, "");
    assert!(sandbox.files() == before);
}

#[test]
fn nothing_to_do_is_said() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.0.0"));
    sandbox.publish(&base("2.0.0-rc.1"));
    write_manifest(&sandbox, "\"acme:base\" = \"^1\"");
    sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(done(&sandbox, &["outdated", "--check"]), @"
    $ outdated --check
    exit: 0
    --- stdout
    Everything is up to date
    ");
}

/// The newest release is admitted by all, and has a need of its own that nothing meets.
#[test]
fn a_newest_release_that_does_not_work_out_is_pointed_at() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.0.0"));
    write_manifest(&sandbox, "\"acme:base\" = \"^1\"");
    sandbox.run(&["lock"]).done();
    sandbox.publish(&chain("acme:base", "1.1.0", &[("acme:nowhere", "1.0.0")]));
    insta::assert_snapshot!(done(&sandbox, &["outdated"]), @"
    $ outdated
    exit: 0
    --- stdout
    package    locked  update  newest  note
    acme:base  1.0.0   1.0.0   1.1.0   `spin-deps update acme:base --precise 1.1.0` tells why not
    ");
    insta::assert_snapshot!(refused(&sandbox, &["update", "acme:base", "--precise", "1.1.0"]), @"
    $ update acme:base --precise 1.1.0
    exit: 1
    --- stderr
    error: because `--precise` depends on acme:base =1.1.0
      and acme:base 1.1.0 depends on acme:nowhere ^1.0.0
      and acme:nowhere is not in the registry wasm.example,
    your requirements cannot all be met

    hint: ask for acme:base ^1.0.0 in `--precise`
    ");
}

#[test]
fn a_lock_that_does_not_fit_says_nothing_of_value() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    behind(&sandbox);
    write_manifest(&sandbox, "\"acme:middle\" = \"^2\"");
    insta::assert_snapshot!(refused(&sandbox, &["outdated"]), @"
    $ outdated
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest: component `app` asks for acme:middle ^2, which is not locked

    hint: run `spin-deps lock` first
    ");
}

#[test]
fn without_a_network_the_cache_tells_or_it_is_said_what_is_missing() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    behind(&sandbox);
    let online = done(&sandbox, &["outdated"]);
    assert_eq!(
        online.replace("$ outdated", ""),
        done(&sandbox, &["outdated", "--offline"]).replace("$ outdated --offline", "")
    );
    sandbox.delete_cache();
    insta::assert_snapshot!(refused(&sandbox, &["outdated", "--offline"]), @r#"
    $ outdated --offline
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
}
