//! A `spin.toml` that Spin would refuse, or that asks for what cannot be put together.

use super::{refused, usual, with_manifest};
use crate::support::library::{ANSWER, DEPENDENCIES};
use crate::support::world::{Sandbox, manifest};

#[test]
fn is_missing() {
    insta::assert_snapshot!(refused(&Sandbox::new(), &["lock"]), @"
    exit: 1
    --- stderr
    error: there is no spin.toml or component.toml at [DIR]/project

    hint: run it in the directory of an app or a component, or name one with `--from DIR`
    ");
}

#[test]
fn is_not_toml() {
    let text = manifest(DEPENDENCIES, "").replace("[component.app]", "[component.app");
    insta::assert_snapshot!(refused(&with_manifest(&text), &["lock"]), @r#"
    exit: 1
    --- stderr
    error: invalid TOML: unclosed table, expected `]`
        ╭─[spin.toml:15:15]
     14 │
     15 │ [component.app
        ·               ▲
        ·               ╰── here
     16 │ source = "app.wasm"
        ╰────

    hint: look for a bracket, quote or comma that is missing or too many; the format is TOML 1.0
    "#);
}

#[test]
fn has_a_field_that_spin_does_not_know() {
    let text = manifest("", "").replace("source = ", "sorce = ");
    insta::assert_snapshot!(refused(&with_manifest(&text), &["lock"]), @r#"
    exit: 1
    --- stderr
    error: unknown field `sorce` in component `app`
        ╭─[spin.toml:16:1]
     15 │ [component.app]
     16 │ sorce = "app.wasm"
        · ──┬──
        ·   ╰── unknown field
        ╰────

    hint: did you mean `source`?
    "#);
}

#[test]
fn has_a_capability_that_does_not_exist() {
    let entry =
        "\"acme:base\" = { version = \"1\", inherit_configuration = [\"environment\", \"allowed_hosts\"] }";
    insta::assert_snapshot!(refused(&with_manifest(&manifest(entry, "")), &["lock"]), @r#"
    exit: 1
    --- stderr
    error: unknown capability `allowed_hosts`
        ╭─[spin.toml:19:72]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = { version = "1", inherit_configuration = ["environment", "allowed_hosts"] }
        ·                                                                        ───────┬───────
        ·                                                                               ╰── no such capability
        ╰────

    hint: the capabilities are `ai_models`, `allowed_outbound_hosts`, `environment`, `files`, `key_value_stores`, `sqlite_databases` and `variables`
    "#);
}

#[test]
fn has_two_names_for_one_import() {
    let entries = "\"acme:base\" = \"1\"\n\"acme:base/api@1.0.0\" = \"=1.1.0\"";
    insta::assert_snapshot!(refused(&with_manifest(&manifest(entries, "")), &["lock"]), @r#"
    exit: 1
    --- stderr
    error: the dependencies `acme:base` and `acme:base/api@1.0.0` of component `app` can match the same import
        ╭─[spin.toml:20:1]
     19 │ "acme:base" = "1"
     20 │ "acme:base/api@1.0.0" = "=1.1.0"
        · ──────────┬──────────
        ·           ╰── overlaps with `acme:base`
        ╰────

    hint: tell them apart by interface or by an incompatible version, or remove one
    "#);
}

#[test]
fn has_a_name_that_matches_no_import() {
    let (_registry, sandbox) = usual();
    sandbox.write("spin.toml", manifest(&format!("{DEPENDENCIES}\n\"acme:base\" = \"2\""), ANSWER));
    sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(refused(&sandbox, &["verify"]), @r#"
    exit: 1
    --- stderr
    error: the dependency `acme:base` matches no import of `app`
        ╭─[spin.toml:20:1]
     19 │ "acme:middle" = "^1"
     20 │ "acme:base" = "2"
        · ─────┬─────
        ·      ╰── matches no import
        ╰────

    hint: it imports `acme:middle/api@1.0.0`; build the component after a dependency was added
    "#);
}

#[test]
fn leaves_an_import_without_an_implementation() {
    let (_registry, sandbox) = usual();
    sandbox.write("spin.toml", manifest("", ANSWER));
    insta::assert_snapshot!(refused(&sandbox, &["verify"]), @r#"
    exit: 1
    --- stderr
    error: `app` imports `acme:middle/api@1.0.0`, and no dependency provides it
        ╭─[spin.toml:16:10]
     15 │ [component.app]
     16 │ source = "app.wasm"
        ·          ─────┬────
        ·               ╰── imports it
        ╰────

    hint: add a dependency that does: `spin-deps add acme:middle`
    "#);
}
