//! `--precise`: one package, one version.

use super::{behind, done, locked, middle, refused, write_manifest};
use crate::support::library::base;
use crate::support::world::Sandbox;

#[test]
fn a_package_gets_the_version_up_and_down() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    behind(&sandbox);
    insta::assert_snapshot!(done(&sandbox, &["update", "acme:base", "--precise", "1.1.0"]), @"
    $ update acme:base --precise 1.1.0
    exit: 0
    --- stdout
    package    from   to     change
    acme:base  1.0.0  1.1.0  minor
    Locked 2 packages in spin-deps.lock
    2 packages have newer releases even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    insta::assert_snapshot!(done(&sandbox, &["update", "acme:base", "--precise", "1.0.0"]), @"
    $ update acme:base --precise 1.0.0
    exit: 0
    --- stdout
    package    from   to     change
    acme:base  1.1.0  1.0.0  downgrade
    Locked 2 packages in spin-deps.lock
    2 packages have newer releases even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    insta::assert_snapshot!(done(&sandbox, &["update", "acme:base", "--precise", "1.0.0"]), @"
    $ update acme:base --precise 1.0.0
    exit: 0
    --- stdout
    Nothing moves
    2 packages have newer releases even so: `spin-deps outdated` tells why
    ");
    sandbox.run(&["lock"]).done();
    assert_eq!(locked(&sandbox), ["acme:base 1.0.0", "acme:middle 1.0.0"], "a lock keeps it");
}

#[test]
fn a_yanked_version_is_given_with_a_warning() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    behind(&sandbox);
    sandbox.run(&["yank", "acme:base@1.1.0", "--reason", "answers wrongly"]).done();
    insta::assert_snapshot!(done(&sandbox, &["update", "acme:base", "--precise", "1.1.0"]), @"
    $ update acme:base --precise 1.1.0
    exit: 0
    --- stdout
    package    from   to     change
    acme:base  1.0.0  1.1.0  minor
    Locked 2 packages in spin-deps.lock
    2 packages have newer releases even so: `spin-deps outdated` tells why
    --- stderr
    warning: acme:base 1.1.0 is yanked (answers wrongly), and used because `--precise` asks for it with `=`
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
}

#[test]
fn who_needs_the_package_moves_where_it_must() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    for bytes in [base("1.0.0"), base("1.1.0"), middle("1.0.0", "1.0.0"), middle("1.1.0", "1.1.0")] {
        sandbox.publish(&bytes);
    }
    write_manifest(&sandbox, "\"acme:middle\" = \"^1\"");
    sandbox.run(&["lock"]).done();
    assert_eq!(locked(&sandbox), ["acme:base 1.1.0", "acme:middle 1.1.0"]);
    insta::assert_snapshot!(done(&sandbox, &["update", "acme:base", "--precise", "1.0.0"]), @"
    $ update acme:base --precise 1.0.0
    exit: 0
    --- stdout
    package      from   to     change
    acme:base    1.1.0  1.0.0  downgrade
    acme:middle  1.1.0  1.0.0  downgrade
    Locked 2 packages in spin-deps.lock
    2 packages have newer releases even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
}

#[test]
fn what_is_in_the_way_is_told_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    for bytes in [base("1.0.0"), base("1.1.0"), base("2.0.0"), middle("1.1.0", "1.1.0")] {
        sandbox.publish(&bytes);
    }
    write_manifest(&sandbox, "\"acme:middle\" = \"^1\"");
    sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(refused(&sandbox, &["update", "acme:base", "--precise", "1.0.0"]), @"
    $ update acme:base --precise 1.0.0
    exit: 1
    --- stderr
    error: because `--precise` depends on acme:base =1.0.0
      and component `app` depends on acme:middle ^1
      and acme:middle 1.1.0 depends on acme:base ^1.1.0
      and no version of acme:base matches both =1.0.0 and ^1.1.0 (available: 2.0.0, 1.1.0, 1.0.0)
      and within 1.x an app has one release of acme:base, since components that exchange a resource must share it,
    your requirements cannot all be met

    hint: ask for acme:base ^1.1.0 in `--precise`
    ");
    insta::assert_snapshot!(refused(&sandbox, &["update", "acme:base", "--precise", "1.5.0"]), @"
    $ update acme:base --precise 1.5.0
    exit: 1
    --- stderr
    error: no release of acme:base matches =1.5.0; there are 2.0.0, 1.1.0, 1.0.0

    hint: `spin-deps versions acme:base` lists what there is
    ");
    insta::assert_snapshot!(refused(&sandbox, &["update", "acme:base", "--precise", "2.0.0"]), @"
    $ update acme:base --precise 2.0.0
    exit: 1
    --- stderr
    error: nothing in the app would use acme:base 2.0.0: acme:middle 1.1.0 asks for ^1.1.0

    hint: change the requirement first; `spin-deps why acme:base` shows every path
    ");
    insta::assert_snapshot!(refused(&sandbox, &["update", "acme:base", "acme:middle", "--precise", "1.0.0"]), @"
    $ update acme:base acme:middle --precise 1.0.0
    exit: 2
    --- stderr
    error: `--precise` is about one package

    hint: name that package and no other
    ");
    insta::assert_snapshot!(refused(&sandbox, &["update", "--precise", "1.0.0"]), @"
    $ update --precise 1.0.0
    exit: 2
    --- stderr
    error: the following required arguments were not provided:
      <PKG>...

    Usage: spin-deps update --precise <VERSION> <PKG>...

    For more information, try '--help'.
    ");
}
