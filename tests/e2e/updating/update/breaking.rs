//! `--breaking`: past the requirements of spin.toml.

use super::{behind, done, locked, refused, write_manifest};
use crate::support::library::base;
use crate::support::world::Sandbox;

use spin_deps_fixtures::library::chain;

#[test]
fn requirements_are_rewritten_in_the_form_that_they_have() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    let entries = "# what we like\n\
        \"acme:caret\" = \"^1\" # as short as it gets\n\
        \"acme:bare\"   = { version = '1.0', inherit_configuration = false }\n\
        \"acme:tilde\" = \"~1.0\"\n\
        \"acme:exact\" = '=1.0.0'\n\
        \"acme:open\" = \">=1, <2\"\n\
        \"acme:any\" = \"*\"\n\
        \"acme:early\" = \"^1.0.0-rc.1\"\n\
        renamed = { package = \"acme:renamed\", version = \"1.*\", export = \"acme:renamed/api\" }\n";
    let names = ["caret", "bare", "tilde", "exact", "open", "any", "early", "renamed"];
    for name in names {
        sandbox.publish(&chain(&format!("acme:{name}"), "1.0.0", &[]));
    }
    write_manifest(&sandbox, entries);
    sandbox.run(&["lock"]).done();
    for name in names {
        sandbox.publish(&chain(&format!("acme:{name}"), "2.1.0", &[]));
        sandbox.publish(&chain(&format!("acme:{name}"), "3.0.0-rc.1", &[]));
    }
    let (manifest, lock) = (sandbox.read("spin.toml"), sandbox.read("spin-deps.lock"));
    insta::assert_snapshot!(done(&sandbox, &["update", "--breaking"]), @"
    $ update --breaking
    exit: 0
    --- stdout
    Rewrote acme:caret ^1 → ^2 for component `app`
    Rewrote acme:bare 1.0 → 2.1 for component `app`
    Rewrote acme:tilde ~1.0 → ~2.1 for component `app`
    Rewrote acme:exact =1.0.0 → =2.1.0 for component `app`
    Rewrote acme:early ^1.0.0-rc.1 → ^3.0.0-rc.1 for component `app`
    Rewrote acme:renamed 1.* → 2.* for component `app`
    package       from   to          change
    acme:any      1.0.0  2.1.0       major
    acme:bare     1.0.0  2.1.0       major
    acme:caret    1.0.0  2.1.0       major
    acme:early    1.0.0  3.0.0-rc.1  pre-release
    acme:exact    1.0.0  2.1.0       major
    acme:renamed  1.0.0  2.1.0       major
    acme:tilde    1.0.0  2.1.0       major
    Locked 8 packages in spin-deps.lock
    1 package has a newer release even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    let expected = manifest
        .replace("\"^1\" # as", "\"^2\" # as")
        .replace("'1.0'", "'2.1'")
        .replace("\"~1.0\"", "\"~2.1\"")
        .replace("'=1.0.0'", "'=2.1.0'")
        .replace("\"^1.0.0-rc.1\"", "\"^3.0.0-rc.1\"")
        .replace("\"1.*\"", "\"2.*\"");
    assert_eq!(sandbox.read("spin.toml"), expected);
    sandbox.run(&["lock", "--check"]).done();

    sandbox.write("spin.toml", &manifest);
    sandbox.write("spin-deps.lock", &lock);
    insta::assert_snapshot!(done(&sandbox, &["update", "--breaking", "acme:tilde"]), @"
    $ update --breaking acme:tilde
    exit: 0
    --- stdout
    Rewrote acme:tilde ~1.0 → ~2.1 for component `app`
    package     from   to     change
    acme:tilde  1.0.0  2.1.0  major
    Locked 8 packages in spin-deps.lock
    7 packages have newer releases even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    assert_eq!(sandbox.read("spin.toml"), manifest.replace("\"~1.0\"", "\"~2.1\""));
    sandbox.run(&["lock", "--check"]).done();
}

#[test]
fn what_spin_toml_does_not_ask_for_is_not_rewritten() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    behind(&sandbox);
    insta::assert_snapshot!(refused(&sandbox, &["update", "--breaking", "acme:base"]), @"
    $ update --breaking acme:base
    exit: 1
    --- stderr
    error: spin.toml has no requirement on acme:base that could be rewritten

    hint: `spin-deps why acme:base` shows what needs it
    ");
    let manifest = sandbox.read("spin.toml");
    insta::assert_snapshot!(done(&sandbox, &["update", "--breaking", "acme:middle"]), @"
    $ update --breaking acme:middle
    exit: 0
    --- stdout
    package      from   to     change
    acme:middle  1.0.0  1.1.0  minor
    Locked 2 packages in spin-deps.lock
    1 package has a newer release even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    assert_eq!(sandbox.read("spin.toml"), manifest);
}

/// Each of two components has a major of its own; the one that is named moves.
#[test]
fn one_of_two_majors_is_rewritten_where_it_is_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    for version in ["1.0.0", "2.0.0"] {
        sandbox.publish(&base(version));
    }
    write_manifest(&sandbox, "\"acme:base\" = \"^1\"\n");
    let other = "\n[component.other]\nsource = \"other.wasm\"\n[component.other.dependencies]\n\"acme:base\" = \"^2\"\n";
    sandbox.write("spin.toml", sandbox.read("spin.toml") + other);
    sandbox.run(&["lock"]).done();
    sandbox.publish(&base("3.0.0"));
    insta::assert_snapshot!(done(&sandbox, &["update", "--breaking", "acme:base@1.0.0"]), @"
    $ update --breaking acme:base@1.0.0
    exit: 0
    --- stdout
    Rewrote acme:base ^1 → ^3 for component `app`
    package    from   to     change
    acme:base  1.0.0  3.0.0  major
    Locked 2 packages in spin-deps.lock
    1 package has a newer release even so: `spin-deps outdated` tells why
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    assert_eq!(locked(&sandbox), ["acme:base 2.0.0", "acme:base 3.0.0"]);
    assert!(sandbox.read("spin.toml").contains(other), "the other one stays");
}

#[test]
fn what_cannot_be_resolved_leaves_the_manifest_as_it_is() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.0.0"));
    write_manifest(&sandbox, "\"acme:base\" = \"^1\"");
    sandbox.run(&["lock"]).done();
    sandbox.publish(&chain("acme:base", "2.0.0", &[("acme:nowhere", "1.0.0")]));
    insta::assert_snapshot!(refused(&sandbox, &["update", "--breaking"]), @"
    $ update --breaking
    exit: 1
    --- stderr
    error: because component `app` depends on acme:base ^2
      and acme:base 2.0.0 depends on acme:nowhere ^1.0.0
      and acme:nowhere is not in the registry wasm.example,
    your requirement cannot be met

    hint: ask for acme:base ^1.0.0 in component `app`
    ");
}
