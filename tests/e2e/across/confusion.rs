//! A package that two registries have is taken from the one that the app says, and stays there.
//!
//! Whoever can publish somewhere can publish a higher version of somebody else's name. It must not matter: neither when
//! the app is locked for the first time nor when the mapping changes under a lock.

use spin_deps_fixtures::library::chain;

use super::{all_refused, locked, remove_from_lock};
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, base, middle};
use crate::support::oci;
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::{Sandbox, manifest};

/// Where the app's packages come from.
const OURS: &str = "ours.example";
/// Where somebody publishes higher versions of them.
const THEIRS: &str = "theirs.example";

/// Two registries with `acme:base` and `acme:middle`, the second one with higher versions, and an app that takes both
/// from the first.
fn app() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folders(&[OURS, THEIRS]);
    for (registry, version) in [(OURS, "1.1.0"), (THEIRS, "1.9.0"), (THEIRS, "2.0.0")] {
        sandbox.publish_to(registry, &base(version));
        sandbox.publish_to(registry, &middle(version));
    }
    sandbox.write_app(IMPORTS, DEPENDENCIES, "acme:middle@1.1.0(acme:base@1.1.0(/x))");
    sandbox
}

/// The same, locked.
fn locked_app() -> Sandbox {
    let sandbox = app();
    sandbox.run(&["sync"]).done();
    sandbox
}

/// Maps names of packages to registries in spin.toml; a package, a namespace or, for `""`, everything.
fn map_in_manifest(sandbox: &Sandbox, name: &str, registry: &str) {
    let table = match name {
        "" => format!("[application.tool.deps]\ndefault_registry = \"{registry}\"\n"),
        name if name.contains(':') => {
            format!("[application.tool.deps.package_registry_overrides]\n\"{name}\" = \"{registry}\"\n")
        }
        name => format!("[application.tool.deps.namespace_registries]\n{name} = \"{registry}\"\n"),
    };
    sandbox.write("spin.toml", format!("{}\n{table}", sandbox.read("spin.toml")));
}

/// Maps the namespace in wkg's configuration; both registries stay known.
fn map_in_configuration(sandbox: &Sandbox, mapping: &str) {
    sandbox.configure(&format!("{mapping}\n{}{}", sandbox.folder(OURS), sandbox.folder(THEIRS)));
}

const EVERY_COMMAND: &[&[&str]] = &[
    &["lock"],
    &["lock", "--check"],
    &["sync"],
    &["sync", "--locked"],
    &["sync", "--frozen"],
    &["verify", "--offline"],
];

#[test]
fn a_higher_version_elsewhere_does_not_matter() {
    let sandbox = locked_app();
    assert_eq!(locked(&sandbox), ["acme:base 1.1.0 ours.example", "acme:middle 1.1.0 ours.example"]);
    sandbox.run(&["verify"]).done();
}

#[test]
fn a_mapping_that_changes_is_refused_wherever_it_is_written() {
    type Change = fn(&Sandbox);
    let changes: [(&str, Change); 5] = [
        ("wkg's configuration", |sandbox| sandbox.use_folders(&[THEIRS, OURS])),
        ("its default", |sandbox| {
            map_in_configuration(sandbox, &format!("default_registry = \"{THEIRS}\""));
        }),
        ("the manifest", |sandbox| map_in_manifest(sandbox, "acme", THEIRS)),
        ("the manifest, for all packages of the app", |sandbox| {
            map_in_manifest(sandbox, "acme:middle", THEIRS);
            // Both are named, so that every case ends in the same words.
            let text = sandbox.read("spin.toml") + &format!("\"acme:base\" = \"{THEIRS}\"\n");
            sandbox.write("spin.toml", text);
        }),
        ("the entry", |sandbox| {
            let entry = format!("\"acme:middle\" = {{ version = \"^1\", registry = \"{THEIRS}\" }}");
            sandbox.write("spin.toml", manifest(&entry, ""));
        }),
    ];
    for (place, change) in changes {
        let sandbox = locked_app();
        change(&sandbox);
        let shown = all_refused(&sandbox, EVERY_COMMAND);
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown, place, @"
            exit: 1
            --- stderr
            error: acme:middle is locked from the registry ours.example, but would now come from theirs.example

            hint: a package never moves to another registry by itself; restore the mapping of acme:middle, or, if the move is meant, remove its entry from spin-deps.lock and run `spin-deps lock`
            ");
        }
    }
}

#[test]
fn no_other_registry_is_asked_for_what_the_right_one_lacks() {
    let sandbox = app();
    sandbox.publish_to(THEIRS, &chain("acme:rare", "1.0.0", &[]));
    map_in_manifest(&sandbox, "", THEIRS);
    sandbox.write("spin.toml", sandbox.read("spin.toml").replace(DEPENDENCIES, "\"acme:rare\" = \"^1\""));
    insta::assert_snapshot!(all_refused(&sandbox, &[&["lock"], &["sync"], &["verify"]]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:rare ^1 and acme:rare is not in the registry ours.example, your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:rare" = "^1"
        ·               ──┬─
        ·                 ╰── asked for here
     20 │
        ╰────

    hint: did you mean `acme:base`?
    "#);
}

#[test]
fn what_a_dependency_needs_stays_too() {
    let sandbox = locked_app();
    map_in_manifest(&sandbox, "acme:base", THEIRS);
    insta::assert_snapshot!(all_refused(&sandbox, EVERY_COMMAND), @"
    exit: 1
    --- stderr
    error: acme:base is locked from the registry ours.example, but would now come from theirs.example

    hint: a package never moves to another registry by itself; restore the mapping of acme:base, or, if the move is meant, remove the entries of acme:base, acme:middle from spin-deps.lock and run `spin-deps lock`
    ");
}

#[test]
fn the_registry_that_add_is_given_does_not_move_a_package() {
    let sandbox = locked_app();
    for source in ["acme:middle@^1", "acme:middle@^2", "acme:middle"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(all_refused(&sandbox, &[&["add", source, "-r", THEIRS]]), source, @"
            exit: 1
            --- stderr
            error: acme:middle is locked from the registry ours.example, but would now come from theirs.example

            hint: a package never moves to another registry by itself; restore the mapping of acme:middle, or, if the move is meant, remove its entry from spin-deps.lock and run `spin-deps lock`
            ");
        }
    }
}

#[test]
fn another_range_does_not_move_a_package() {
    let sandbox = locked_app();
    // Nothing that is locked fits any more, but the names are those of the lock.
    sandbox.write_app(&[("acme:middle", "2.0.0")], "\"acme:middle\" = \"^2\"", "");
    sandbox.use_folders(&[THEIRS, OURS]);
    insta::assert_snapshot!(all_refused(&sandbox, &[&["lock"], &["sync"], &["verify"]]), @"
    exit: 1
    --- stderr
    error: acme:middle is locked from the registry ours.example, but would now come from theirs.example

    hint: a package never moves to another registry by itself; restore the mapping of acme:middle, or, if the move is meant, remove its entry from spin-deps.lock and run `spin-deps lock`
    ");
}

#[test]
fn another_dependent_does_not_move_a_package() {
    let sandbox = app();
    sandbox.publish_to(OURS, &chain("acme:other", "1.0.0", &[("acme:base", "1.0.0")]));
    sandbox.run(&["lock"]).done();
    // Of what is locked, the new requirement selects nothing; `acme:base` is still what it leads to.
    sandbox.write_app(&[("acme:other", "1.0.0")], "\"acme:other\" = \"^1\"", "");
    map_in_manifest(&sandbox, "acme:base", THEIRS);
    insta::assert_snapshot!(all_refused(&sandbox, &[&["lock"], &["sync"], &["verify"]]), @"
    exit: 1
    --- stderr
    error: acme:base is locked from the registry ours.example, but would now come from theirs.example

    hint: a package never moves to another registry by itself; restore the mapping of acme:base, or, if the move is meant, remove the entries of acme:base, acme:middle from spin-deps.lock and run `spin-deps lock`
    ");
}

#[test]
fn a_package_that_is_no_longer_used_moves_freely() {
    let sandbox = app();
    sandbox.publish_to(OURS, &chain("acme:other", "1.0.0", &[]));
    sandbox.run(&["lock"]).done();
    sandbox.write_app(&[("acme:other", "1.0.0")], "\"acme:other\" = \"^1\"", "acme:other@1.0.0(/x)");
    map_in_manifest(&sandbox, "acme:base", THEIRS);
    sandbox.run(&["verify"]).done();
    assert_eq!(locked(&sandbox), ["acme:other 1.0.0 ours.example"]);
}

#[test]
fn the_hint_can_be_followed() {
    let sandbox = locked_app();
    sandbox.use_folders(&[THEIRS, OURS]);
    sandbox.run(&["lock"]).failed();
    remove_from_lock(&sandbox, &["acme:base", "acme:middle"]);
    sandbox.run(&["lock"]).done();
    assert_eq!(locked(&sandbox), ["acme:base 1.9.0 theirs.example", "acme:middle 1.9.0 theirs.example"]);

    // The other way out: the mapping as it was.
    let sandbox = locked_app();
    let lock = sandbox.read("spin-deps.lock");
    sandbox.use_folders(&[THEIRS, OURS]);
    sandbox.run(&["lock"]).failed();
    sandbox.use_folders(&[OURS, THEIRS]);
    sandbox.run(&["verify"]).done();
    assert_eq!(sandbox.read("spin-deps.lock"), lock);
}

#[test]
fn a_default_that_comes_later_takes_nothing() {
    let sandbox = locked_app();
    let lock = sandbox.read("spin-deps.lock");
    // The namespace is mapped as before: the default is for others.
    let mapping = format!("default_registry = \"{THEIRS}\"\n[namespace_registries]\nacme = \"{OURS}\"");
    map_in_configuration(&sandbox, &mapping);
    map_in_manifest(&sandbox, "", THEIRS);
    sandbox.run(&["sync"]).done();
    sandbox.run(&["add", "acme:base@^1"]).done();
    assert_eq!(sandbox.read("spin-deps.lock"), lock);
}

#[test]
fn a_mapping_that_is_gone_leaves_the_package_where_it_is() {
    let sandbox = locked_app();
    sandbox.publish_to(OURS, &base("1.2.0"));
    sandbox.publish_to(OURS, &chain("acme:other", "1.0.0", &[("acme:base", "1.2.0")]));
    map_in_configuration(&sandbox, "");
    sandbox.run(&["verify", "--locked"]).done();
    // What was never locked needs a mapping, and what it drags along comes from where the lock has it.
    sandbox.run(&["add", "acme:other@^1"]).failed();
    sandbox.run(&["add", "acme:other@^1", "-r", OURS]).done();
    assert_eq!(
        locked(&sandbox),
        ["acme:base 1.2.0 ours.example", "acme:middle 1.1.0 ours.example", "acme:other 1.0.0 ours.example"]
    );
}

#[test]
fn entries_that_disagree_are_refused() {
    let sandbox = app();
    let entries = format!(
        "\"acme:middle/api\" = {{ package = \"acme:middle\", version = \"^1\", registry = \"{THEIRS}\" }}\n\
         \"acme:base/api\" = {{ package = \"acme:middle\", version = \"^1\", registry = \"{OURS}\" }}"
    );
    sandbox.write("spin.toml", manifest(&entries, ""));
    insta::assert_snapshot!(all_refused(&sandbox, &[&["lock"], &["sync"]]), @"
    exit: 1
    --- stderr
    error: acme:middle is asked for from two registries, theirs.example and ours.example

    hint: an app takes a package from one registry; name the same one in every entry of acme:middle
    ");
}

#[test]
fn the_publisher_of_a_dependency_does_not_choose_where_its_needs_come_from() {
    let registry = Registry::open();
    let proxy = Proxy::start(&registry.host());
    let sandbox = Sandbox::new();
    sandbox.configure(&format!(
        "[namespace_registries]\n\
         acme = {{ registry = \"{THEIRS}\", metadata = {{ preferredProtocol = \"oci\", oci = {{ registry = \"{}\" }} }} }}\n\
         inner = \"{OURS}\"\n\
         [registry.\"{THEIRS}\".oci]\nprotocol = \"http\"\n{}",
        proxy.host(),
        sandbox.folder(OURS)
    ));
    sandbox.publish_to(OURS, &chain("inner:base", "1.0.0", &[]));
    sandbox.publish_to(THEIRS, &chain("acme:middle", "1.0.0", &[("inner:base", "1.0.0")]));
    // The same registry has the needed package as well, in a higher version.
    oci::push(
        &registry,
        "inner/base",
        "1.9.0",
        &chain("inner:base", "1.9.0", &[]),
        &[],
        &["inner:base/api@1.9.0"],
    );
    proxy.reset();
    sandbox.delete_cache();
    sandbox.write_app(IMPORTS, DEPENDENCIES, "acme:middle@1.0.0(inner:base@1.0.0(/x))");
    sandbox.run(&["verify"]).done();
    assert_eq!(locked(&sandbox), ["acme:middle 1.0.0 theirs.example", "inner:base 1.0.0 ours.example"]);
    assert!(
        proxy.requests().iter().all(|request| !request.path.contains("inner")),
        "nobody else is told which packages of ours exist: {:?}",
        proxy.requests()
    );
}

#[test]
fn what_one_registry_says_of_some_content_is_not_believed_of_another() {
    let (honest, other) = (Registry::open(), Registry::open());
    let sandbox = Sandbox::new();
    sandbox.use_registry(&honest);
    sandbox.publish(&base("1.1.0"));
    sandbox.publish(&middle("1.0.0"));
    sandbox.delete_cache();
    // The very same content, described as a component that needs nothing.
    oci::push(&other, "acme/middle", "1.0.0", &middle("1.0.0"), &[], &["acme:middle/api@1.0.0"]);

    sandbox.use_registry(&other);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["lock"]).done();
    assert_eq!(locked(&sandbox), ["acme:middle 1.0.0 wasm.example"]);

    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    sandbox.use_registry(&honest);
    sandbox.run(&["verify"]).done();
    assert_eq!(locked(&sandbox), ["acme:base 1.1.0 wasm.example", "acme:middle 1.0.0 wasm.example"]);
}
