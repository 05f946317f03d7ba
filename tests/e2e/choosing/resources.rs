//! Components that exchange a resource share the instance that defines it.
//!
//! `acme:left` makes a counter of `acme:store`, `acme:right` bumps it, and the app carries it from one to the other. The
//! counter starts from 40 and is bumped by everyone who touches it. Only the store that made it knows the number.

use spin_deps_fixtures::http::Generation;
use spin_deps_fixtures::odd::with_table;
use spin_deps_fixtures::resource::{Dealer, Role, app, keeper, left, right, store};

use crate::support::world::{Sandbox, manifest};

const LEFT: Dealer<'_> =
    Dealer { package: "acme:left", version: "1.0.0", role: Role::Make, store: "1.0.0", through: None };
const RIGHT: Dealer<'_> = Dealer { package: "acme:right", role: Role::Bump, ..LEFT };
const MIDDLE: Dealer<'_> = Dealer { package: "acme:middle", role: Role::Pass, ..LEFT };

/// The entries that most of these apps have.
const ENTRIES: &str = "\"acme:store\" = \"^1\"\n\"acme:left\" = \"^1\"\n\"acme:right\" = \"^1\"";

/// An app of these dealers in front of a folder with some releases of the store.
fn with_app(generation: Generation, dealers: &[Dealer<'_>], entries: &str, answer: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    for version in ["1.0.0", "1.1.0", "2.0.0"] {
        sandbox.publish(&store(version).expect("a fixture"));
    }
    sandbox.write("app.wasm", app(generation, dealers).expect("a fixture"));
    sandbox.write("spin.toml", manifest(entries, answer));
    sandbox
}

/// The packages that the lock has, with their versions.
fn locked(sandbox: &Sandbox) -> Vec<String> {
    let lock: toml_edit::DocumentMut = sandbox.read("spin-deps.lock").parse().expect("a lock");
    let packages = lock["package"].as_array_of_tables().expect("packages");
    let field = |table: &toml_edit::Table, name: &str| table[name].as_str().expect("a text").to_owned();
    packages.iter().map(|it| format!("{} {}", field(it, "name"), field(it, "version"))).collect()
}

fn composed(sandbox: &Sandbox) -> serde_json::Value {
    sandbox.run(&["compose", "app", "-o", "composed.wasm", "--format", "json"]).done().json()
}

fn refused(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let run = sandbox.run(arguments).failed();
    sandbox.snapshot(&run)
}

#[test]
fn a_counter_made_by_one_is_known_to_the_other() {
    for generation in [Generation::P2, Generation::P3] {
        let sandbox = with_app(generation, &[LEFT, RIGHT], ENTRIES, "42");
        sandbox.publish(&left("1.0.0", "1.0.0").expect("a fixture"));
        sandbox.publish(&right("1.0.0", "1.1.0").expect("a fixture"));
        sandbox.run(&["verify"]).done();
        // One release of the store serves all three who know it: the app and left (`^1.0.0`), and right (`^1.1.0`).
        assert_eq!(locked(&sandbox), ["acme:left 1.0.0", "acme:right 1.0.0", "acme:store 1.1.0"]);
        let composed = composed(&sandbox);
        assert_eq!(composed["instances"], 4, "the app and one instance of each package: {composed:#}");
    }
}

#[test]
fn a_counter_passes_through_others() {
    // Middle takes the counter and gives it back; outer knows the type from left's interface, not from the store's.
    let outer = Dealer { package: "acme:outer", through: Some(("acme:left", "1.0.0")), ..MIDDLE };
    let entries = format!("{ENTRIES}\n\"acme:middle\" = \"^1\"\n\"acme:outer\" = \"^1\"");
    let sandbox = with_app(Generation::P2, &[LEFT, MIDDLE, outer, RIGHT], &entries, "44");
    sandbox.publish(&left("1.0.0", "1.0.0").expect("a fixture"));
    sandbox.publish(&MIDDLE.build().expect("a fixture"));
    sandbox.publish(&outer.build().expect("a fixture"));
    sandbox.publish(&right("1.0.0", "1.1.0").expect("a fixture"));
    sandbox.run(&["verify"]).done();
    let composed = composed(&sandbox);
    assert_eq!(composed["instances"], 6, "{composed:#}");
    let stores = composed["wires"].as_array().expect("wires").iter();
    let stores: Vec<_> = stores.filter(|it| it["to"] == "acme:store@1.1.0").map(|it| &it["from"]).collect();
    assert_eq!(
        stores,
        ["acme:left@1.0.0", "acme:middle@1.0.0", "acme:outer@1.0.0", "acme:right@1.0.0", "app"]
    );
}

#[test]
fn two_majors_of_the_store_live_side_by_side_as_long_as_nothing_crosses() {
    // Right keeps its counters of the new store to itself.
    let sandbox = with_app(Generation::P2, &[LEFT, RIGHT], ENTRIES, "42");
    sandbox.publish(&left("1.0.0", "1.0.0").expect("a fixture"));
    sandbox.publish(&keeper("1.0.0", "1.0.0", "2.0.0").expect("a fixture"));
    sandbox.run(&["verify"]).done();
    assert_eq!(
        locked(&sandbox),
        ["acme:left 1.0.0", "acme:right 1.0.0", "acme:store 1.1.0", "acme:store 2.0.0"]
    );
    assert_eq!(composed(&sandbox)["instances"], 5);
}

#[test]
fn one_bucket_has_one_release() {
    let sandbox = with_app(Generation::P2, &[LEFT, RIGHT], ENTRIES, "42");
    sandbox.publish(&with_table(&left("1.0.0", "1.0.0").expect("a fixture"), &[("acme:store", "~1.0.0")]));
    sandbox.publish(&right("1.0.0", "1.1.0").expect("a fixture"));
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:left ^1
      and acme:left 1.0.0 depends on acme:store ~1.0.0
      and component `app` depends on acme:right ^1
      and acme:right 1.0.0 depends on acme:store ^1.1.0
      and no version of acme:store matches both ^1.1.0 and ~1.0.0 (available: 2.0.0, 1.1.0, 1.0.0)
      and within 1.x an app has one release of acme:store, since components that exchange a resource must share it,
    your requirements cannot all be met
        ╭─[spin.toml:20:15]
     19 │ "acme:store" = "^1"
     20 │ "acme:left" = "^1"
        ·               ──┬─
        ·                 ╰── asked for here
     21 │ "acme:right" = "^1"
        ╰────

    hint: to let all use one release, whatever they ask for, override it in spin.toml: [application.tool.deps.overrides] "acme:store" = "=1.1.0"
    "#);
}

#[test]
fn a_counter_of_another_major_is_another_thing() {
    // The app was built when right still knew the first store, and is going to be built again: it is locked all the same.
    let sandbox = with_app(Generation::P2, &[LEFT, RIGHT], "", "42");
    let build =
        format!("\n[component.app.build]\ncommand = \"true\"\n\n[component.app.dependencies]\n{ENTRIES}\n");
    sandbox.write("spin.toml", sandbox.read("spin.toml") + &build);
    sandbox.publish(&left("1.0.0", "1.0.0").expect("a fixture"));
    sandbox.publish(&right("1.0.0", "2.0.0").expect("a fixture"));
    sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(refused(&sandbox, &["verify"]), @r#"
    exit: 1
    --- stdout
    ✓ lock          4 packages in spin-deps.lock, up to date  [TIME]
        demo
        └── component app
            ├── acme:store 1.1.0 wasm.example (^1)
            ├── acme:left 1.0.0 wasm.example (^1)
            │   └── acme:store 1.1.0 (^1.0.0)
            └── acme:right 1.0.0 wasm.example (^1)
                └── acme:store 2.0.0 wasm.example (^2.0.0)
    ✓ digests       4 packages are what was locked  [TIME]
    ✗ types         `acme:right@1.0.0` does not fit the import `acme:right/api@1.0.0` of `app`: they differ in the resource `counter`  [TIME]
    Failed demo at types
    --- stderr
    error: `acme:right@1.0.0` does not fit the import `acme:right/api@1.0.0` of `app`: they differ in the resource `counter`
      expected by app: use acme:store/api@1.0.0.{counter}, which is that of `acme:store@1.1.0`
      found in acme:right@1.0.0: use acme:store/api@2.0.0.{counter}, which is that of `acme:store@2.0.0`
        ╭─[spin.toml:24:1]
     23 │ "acme:left" = "^1"
     24 │ "acme:right" = "^1"
        · ──────┬─────
        ·       ╰── meant for this import
        ╰────

    hint: components that exchange a resource share the package that defines it: choose another release than `acme:right@1.0.0`, one that uses the `counter` of `acme:store@1.1.0`, or build `app` against it
    "#);
}

#[test]
fn a_release_that_knows_the_same_store_is_taken_instead() {
    let sandbox = with_app(Generation::P2, &[LEFT, RIGHT], ENTRIES, "42");
    sandbox.publish(&left("1.0.0", "1.0.0").expect("a fixture"));
    sandbox.publish(&right("1.0.0", "1.1.0").expect("a fixture"));
    // Whoever asks to have the types compared before publishing is told.
    let file = sandbox.artifact(&right("1.1.0", "2.0.0").expect("a fixture"));
    insta::assert_snapshot!(refused(&sandbox, &["publish", &file]), @"
    exit: 1
    --- stderr
    error: acme:right 1.1.0 is not compatible with 1.0.0, as releases of one series have to be:
      - `acme:right/api@1.0.0`: the resource `counter` has changed
        was use acme:store/api@1.1.0.{counter}
        is  use acme:store/api@2.0.0.{counter}

    hint: publish it as 2.0.0, or with `--skip-semver-check` if nobody can depend on what is gone
    ");
    sandbox.run(&["publish", &file, "--skip-semver-check"]).done();
    let run = sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Locked 3 packages in spin-deps.lock
      add acme:left 1.0.0
      add acme:right 1.0.0
      add acme:store 1.1.0
    --- stderr
    warning: acme:right 1.1.0 does not fit component `app`, so acme:right 1.0.0 is used: in `acme:right/api@1.0.0` the resource `counter` differs
        component `app`  imports  use acme:store/api@1.0.0.{counter}
        acme:right 1.1.0 exports  use acme:store/api@2.0.0.{counter}
    ");
    sandbox.run(&["verify"]).done();
    assert_eq!(locked(&sandbox), ["acme:left 1.0.0", "acme:right 1.0.0", "acme:store 1.1.0"]);
}
