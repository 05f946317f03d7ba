//! Updates: within ranges, to one version, over breaking changes.

mod breaking;
mod capabilities;
mod obstacles;
mod precise;

use std::collections::BTreeMap;

use super::{behind, done, locked, middle, numbers, refused, write_manifest};
use crate::support::library::base;
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::snapshot;
use crate::support::warg::{self, AUTHOR, Warg};
use crate::support::world::Sandbox;

/// The second `update` sees what was published since the first, although a list of versions is remembered for a while.
#[test]
fn everything_moves_to_the_newest_that_fits_also_to_what_is_a_moment_old() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    behind(&sandbox);
    insta::assert_snapshot!(done(&sandbox, &["update"]), @"
    $ update
    exit: 0
    --- stdout
    package      from   to     change
    acme:base    1.0.0  1.1.0  minor
    acme:middle  1.0.0  1.1.0  minor
    Locked 2 packages in spin-deps.lock
    1 package has a newer release even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    assert_eq!(locked(&sandbox), ["acme:base 1.1.0", "acme:middle 1.1.0"]);
    sandbox.run(&["lock", "--check"]).done();
    let lock = sandbox.read("spin-deps.lock");
    insta::assert_snapshot!(done(&sandbox, &["update"]), @"
    $ update
    exit: 0
    --- stdout
    Everything is up to date
    1 package has a newer release even so: `spin-deps outdated` tells why
    ");
    assert_eq!(sandbox.read("spin-deps.lock"), lock);
    sandbox.publish(&base("1.1.1"));
    insta::assert_snapshot!(done(&sandbox, &["update", "--format", "json", "--dry-run"]), @r#"
    $ update --format json --dry-run
    exit: 0
    --- stdout
    {
      "behind": 1,
      "changes": [
        {
          "from": "1.1.0",
          "gained": [],
          "interfaces": {
            "breaks": false,
            "changes": [],
            "summary": ""
          },
          "kind": "patch",
          "lost": [],
          "package": "acme:base",
          "to": "1.1.1",
          "yanked": null
        }
      ],
      "grants": [],
      "requirements": [],
      "status": "dry-run",
      "warnings": []
    }
    "#);
    assert_eq!(sandbox.read("spin-deps.lock"), lock, "nothing is written by a dry run");
}

#[test]
fn a_named_package_moves_alone_and_the_lock_changes_in_its_lines_only() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    behind(&sandbox);
    let before = sandbox.read("spin-deps.lock");
    insta::assert_snapshot!(done(&sandbox, &["update", "acme:base"]), @"
    $ update acme:base
    exit: 0
    --- stdout
    package    from   to     change
    acme:base  1.0.0  1.1.0  minor
    Locked 2 packages in spin-deps.lock
    2 packages have newer releases even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    let after = sandbox.read("spin-deps.lock");
    assert_eq!(before.lines().count(), after.lines().count());
    let changed = before.lines().zip(after.lines()).filter(|(one, other)| one != other);
    let changed: Vec<_> = changed.map(|(one, other)| format!("-{one}\n+{other}")).collect();
    insta::assert_snapshot!(snapshot::filter(&changed.join("\n"), sandbox.root()), @r#"
    -version = "1.0.0"
    +version = "1.1.0"
    -digest = "sha256:[DIGEST-1]"
    +digest = "sha256:[DIGEST-2]"
    -    { package = "acme:base", req = "^1.0.0", version = "1.0.0" },
    +    { package = "acme:base", req = "^1.0.0", version = "1.1.0" },
    "#);
}

#[test]
fn what_a_package_needs_follows_it_and_what_needs_it_stays() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    behind(&sandbox);
    sandbox.publish(&middle("1.2.0", "1.1.0"));
    sandbox.publish(&base("1.2.0"));
    insta::assert_snapshot!(done(&sandbox, &["update", "acme:middle"]), @"
    $ update acme:middle
    exit: 0
    --- stdout
    package      from   to     change
    acme:base    1.0.0  1.2.0  minor
    acme:middle  1.0.0  1.2.0  minor
    Locked 2 packages in spin-deps.lock
    1 package has a newer release even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
}

#[test]
fn one_of_two_majors_is_named_by_its_version() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.0.0"));
    sandbox.publish(&base("2.0.0"));
    sandbox.publish(&middle("1.0.0", "1.0.0"));
    write_manifest(&sandbox, "\"acme:middle\" = \"^1\"\n\"acme:base\" = \"^2\"");
    sandbox.run(&["lock"]).done();
    sandbox.publish(&base("1.1.0"));
    sandbox.publish(&base("2.1.0"));
    let lock = sandbox.read("spin-deps.lock");
    insta::assert_snapshot!(done(&sandbox, &["update", "acme:base@2.0.0"]), @"
    $ update acme:base@2.0.0
    exit: 0
    --- stdout
    package    from   to     change
    acme:base  2.0.0  2.1.0  minor
    Locked 3 packages in spin-deps.lock
    1 package has a newer release even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    sandbox.write("spin-deps.lock", &lock);
    insta::assert_snapshot!(done(&sandbox, &["update", "acme:base"]), @"
    $ update acme:base
    exit: 0
    --- stdout
    package    from   to     change
    acme:base  1.0.0  1.1.0  minor
    acme:base  2.0.0  2.1.0  minor
    Locked 3 packages in spin-deps.lock
    1 package has a newer release even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    sandbox.write("spin-deps.lock", &lock);
    insta::assert_snapshot!(refused(&sandbox, &["update", "acme:base", "--precise", "3.0.0"]), @"
    $ update acme:base --precise 3.0.0
    exit: 2
    --- stderr
    error: several releases of acme:base are locked

    hint: say which one is to have the version 3.0.0: `acme:base@1.0.0`, `acme:base@2.0.0`
    ");
    insta::assert_snapshot!(done(&sandbox, &["update", "acme:base", "--precise", "1.1.0"]), @"
    $ update acme:base --precise 1.1.0
    exit: 0
    --- stdout
    package    from   to     change
    acme:base  1.0.0  1.1.0  minor
    Locked 3 packages in spin-deps.lock
    2 packages have newer releases even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
}

#[test]
fn interfaces_are_compared() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    let publish = |version, functions: &[(&str, &str)]| {
        let file = sandbox.artifact(&numbers("acme:digest", version, functions));
        sandbox.run(&["publish", &file, "--skip-semver-check"]).done();
    };
    publish("1.0.0", &[("hash", "u32"), ("size", "u32")]);
    write_manifest(&sandbox, "\"acme:digest\" = \"^1\"");
    sandbox.run(&["lock"]).done();
    let lock = sandbox.read("spin-deps.lock");
    publish("1.1.0", &[("hash", "u32"), ("size", "u32"), ("more", "u32"), ("other", "u64")]);
    insta::assert_snapshot!(done(&sandbox, &["update"]), @"
    $ update
    exit: 0
    --- stdout
    package      from   to     change  interfaces
    acme:digest  1.0.0  1.1.0  minor   +2 functions
    Locked 1 package in spin-deps.lock
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    publish("1.2.0", &[("hash", "u64"), ("new", "u32")]);
    sandbox.write("spin-deps.lock", lock);
    insta::assert_snapshot!(done(&sandbox, &["update"]), @"
    $ update
    exit: 0
    --- stdout
    package      from   to     change  interfaces
    acme:digest  1.0.0  1.2.0  minor   breaks digest: changed function hash and 1 more, +1 function
    Locked 1 package in spin-deps.lock
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
}

#[test]
fn a_yanked_release_is_left() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    behind(&sandbox);
    sandbox.run(&["update"]).done();
    sandbox.run(&["yank", "acme:base@1.1.0", "--reason", "answers wrongly"]).done();
    let lock = sandbox.read("spin-deps.lock");
    insta::assert_snapshot!(done(&sandbox, &["update"]), @"
    $ update
    exit: 0
    --- stdout
    package    from   to     change     note
    acme:base  1.1.0  1.0.0  downgrade  1.1.0 is yanked: answers wrongly
    Locked 2 packages in spin-deps.lock
    1 package has a newer release even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    // With nothing to go to it stays, and does not keep the others from moving.
    sandbox.run(&["yank", "acme:base@1.0.0"]).done();
    sandbox.publish(&middle("1.1.1", "1.0.0"));
    sandbox.write("spin-deps.lock", lock);
    insta::assert_snapshot!(done(&sandbox, &["update"]), @"
    $ update
    exit: 0
    --- stdout
    package      from   to     change
    acme:middle  1.1.0  1.1.1  patch
    Locked 2 packages in spin-deps.lock
    1 package has a newer release even so: `spin-deps outdated` tells why
    --- stderr
    warning: acme:base 1.1.0 is yanked (answers wrongly), and kept because the lock has it
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
}

#[test]
fn middleware_and_what_it_needs_move_too() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.0.0"));
    let layer = "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"app\"\n";
    write_manifest(&sandbox, "");
    let with_layer = sandbox.read("spin.toml").replace(
        layer,
        &format!("{layer}dependencies.middleware = [{{ version = \"^1\", package = \"acme:base\" }}]\n"),
    );
    sandbox.write("spin.toml", &with_layer);
    sandbox.run(&["lock"]).done();
    sandbox.publish(&base("1.1.0"));
    sandbox.publish(&base("2.0.0"));
    sandbox.run(&["update"]).done();
    assert_eq!(locked(&sandbox), ["acme:base 1.1.0"]);
    insta::assert_snapshot!(done(&sandbox, &["update", "--breaking"]), @"
    $ update --breaking
    exit: 0
    --- stdout
    Rewrote acme:base ^1 → ^2 for the middleware of trigger `app-http-trigger`
    package    from   to     change
    acme:base  1.1.0  2.0.0  major
    Locked 1 package in spin-deps.lock
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    assert_eq!(sandbox.read("spin.toml"), with_layer.replace("\"^1\"", "\"^2\""));
}

/// How often each kind of thing was asked for.
fn count(proxy: &Proxy) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in proxy.requests() {
        let path = request.path.split('?').next().unwrap_or_default();
        let parts: Vec<_> = path.trim_matches('/').split('/').collect();
        let what = match parts.as_slice() {
            ["v2", name @ .., kind @ ("tags" | "manifests" | "blobs"), _] => {
                format!("{} {kind}", name.join("/"))
            }
            _ => path.to_owned(),
        };
        *counts.entry(what).or_default() += 1;
    }
    counts
}

#[test]
fn an_update_asks_for_lists_of_versions_and_for_what_moves() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    behind(&sandbox);
    sandbox.run(&["sync"]).done();
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), registry.credentials());
    sandbox.run(&["update", "acme:base"]).done();
    insta::assert_debug_snapshot!(count(&proxy), @r#"
    {
        "/v2/": 1,
        "acme/base blobs": 1,
        "acme/base manifests": 1,
        "acme/base tags": 1,
        "acme/middle tags": 1,
    }
    "#);
    proxy.reset();
    sandbox.run(&["update", "acme:base"]).done();
    insta::assert_debug_snapshot!(count(&proxy), @r#"
    {
        "/v2/": 1,
        "acme/base tags": 1,
        "acme/middle tags": 1,
    }
    "#);
    proxy.reset();
    sandbox.run(&["outdated"]).done();
    sandbox.run(&["outdated"]).done();
    insta::assert_debug_snapshot!(count(&proxy), @r#"
    {
        "/v2/": 2,
        "acme/base tags": 2,
        "acme/middle blobs": 1,
        "acme/middle manifests": 2,
        "acme/middle tags": 2,
    }
    "#);
    proxy.reset();
    sandbox.run(&["update", "--offline"]).done();
    sandbox.run(&["outdated", "--offline"]).done();
    assert_eq!(proxy.requests(), []);
}

#[test]
fn releases_of_a_warg_registry_move() {
    let warg = Warg::start(&["acme"]);
    let sandbox = Sandbox::new();
    sandbox.configure(&format!("[namespace_registries]\nacme = {}\n", warg.mapping()));
    warg::publish(&sandbox, AUTHOR, &base("1.0.0")).done();
    warg::publish(&sandbox, AUTHOR, &middle("1.0.0", "1.0.0")).done();
    write_manifest(&sandbox, "\"acme:middle\" = \"^1\"");
    sandbox.run(&["lock"]).done();
    for bytes in [base("1.1.0"), base("1.2.0"), base("2.0.0")] {
        warg::publish(&sandbox, AUTHOR, &bytes).done();
    }
    warg.yank(AUTHOR, "acme:base", "1.2.0");
    insta::assert_snapshot!(done(&sandbox, &["outdated"]), @"
    $ outdated
    exit: 0
    --- stdout
    package    locked  update  newest  held back by
    acme:base  1.0.0   1.1.0   2.0.0   acme:middle 1.0.0 (^1.0.0)
    ");
    insta::assert_snapshot!(done(&sandbox, &["update"]), @"
    $ update
    exit: 0
    --- stdout
    package    from   to     change
    acme:base  1.0.0  1.1.0  minor
    Locked 2 packages in spin-deps.lock
    1 package has a newer release even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    insta::assert_snapshot!(done(&sandbox, &["update", "acme:base", "--precise", "1.2.0"]), @"
    $ update acme:base --precise 1.2.0
    exit: 0
    --- stdout
    package    from   to     change
    acme:base  1.1.0  1.2.0  minor
    Locked 2 packages in spin-deps.lock
    1 package has a newer release even so: `spin-deps outdated` tells why
    --- stderr
    warning: acme:base 1.2.0 is yanked, and used because `--precise` asks for it with `=`
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    sandbox.run(&["sync", "--locked"]).done();
    insta::assert_snapshot!(done(&sandbox, &["outdated"]), @"
    $ outdated
    exit: 0
    --- stdout
    package    locked  update  newest  held back by                note
    acme:base  1.2.0   1.1.0   2.0.0   acme:middle 1.0.0 (^1.0.0)  yanked: without a reason
    ");
}
