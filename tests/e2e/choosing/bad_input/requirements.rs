//! Texts that are no version requirement, wherever one may stand, and requirements that exclude each other.

use std::fmt::Write as _;

use spin_deps_fixtures::library::chain;
use spin_deps_fixtures::odd::with_table;

use super::{folder, put, refused, with_folder};
use crate::support::library::publish_all;
use crate::support::world::{Sandbox, manifest};

#[test]
#[expect(clippy::too_many_lines, reason = "one snapshot of what is said of each form")]
fn in_the_manifest_are_shown_where_they_are_wrong() {
    let mut shown = String::new();
    for text in
        ["^", "1.2.3.4", ">=1 <2", "latest", "", " ", "^1.2, v1.9", "1 || 2", "~>1.2", "^1.é", "^1.\u{202e}2"]
    {
        let sandbox = Sandbox::new();
        sandbox.write("spin.toml", manifest(&format!("\"acme:base\" = \"{text}\""), ""));
        let _ = writeln!(shown, "{text:?}\n{}", refused(&sandbox, &["lock"]));
    }
    insta::assert_snapshot!(shown, @r#"
    "^"
    exit: 1
    --- stderr
    error: invalid version requirement `^`: a version is missing after `^`
        ╭─[spin.toml:19:16]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "^"
        ·                ┬
        ·                ╰── not a valid version requirement
        ╰────

    hint: write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version

    "1.2.3.4"
    exit: 1
    --- stderr
    error: invalid version requirement `1.2.3.4`: a version has at most three numbers
        ╭─[spin.toml:19:21]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "1.2.3.4"
        ·                     ─┬
        ·                      ╰── not a valid version requirement
        ╰────

    hint: write `1.2.3`

    ">=1 <2"
    exit: 1
    --- stderr
    error: invalid version requirement `>=1 <2`: a comma is missing between two conditions
        ╭─[spin.toml:19:20]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = ">=1 <2"
        ·                    ─┬
        ·                     ╰── not a valid version requirement
        ╰────

    hint: write `>=1, <2`

    "latest"
    exit: 1
    --- stderr
    error: invalid version requirement `latest`: a version begins with a number
        ╭─[spin.toml:19:16]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "latest"
        ·                ───┬──
        ·                   ╰── not a valid version requirement
        ╰────

    hint: write `*`

    ""
    exit: 1
    --- stderr
    error: invalid version requirement ``: it is empty
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = ""
        ·               ─┬
        ·                ╰── not a valid version requirement
        ╰────

    hint: write `*`

    " "
    exit: 1
    --- stderr
    error: invalid version requirement ` `: it is empty
        ╭─[spin.toml:19:16]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = " "
        ·                ┬
        ·                ╰── not a valid version requirement
        ╰────

    hint: write `*`

    "^1.2, v1.9"
    exit: 1
    --- stderr
    error: invalid version requirement `^1.2, v1.9`: a version begins with a number
        ╭─[spin.toml:19:22]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "^1.2, v1.9"
        ·                      ┬
        ·                      ╰── not a valid version requirement
        ╰────

    hint: write `^1.2, 1.9`

    "1 || 2"
    exit: 1
    --- stderr
    error: invalid version requirement `1 || 2`: there is no `or`; one requirement is one range
        ╭─[spin.toml:19:18]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "1 || 2"
        ·                  ─┬
        ·                   ╰── not a valid version requirement
        ╰────

    hint: write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version

    "~>1.2"
    exit: 1
    --- stderr
    error: invalid version requirement `~>1.2`: there is no operator `~>`
        ╭─[spin.toml:19:16]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "~>1.2"
        ·                ─┬
        ·                 ╰── not a valid version requirement
        ╰────

    hint: write `~1.2`

    "^1.é"
    exit: 1
    --- stderr
    error: invalid version requirement `^1.é`: unexpected character 'é' while parsing minor version number
        ╭─[spin.toml:19:19]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "^1.é"
        ·                   ┬
        ·                   ╰── not a valid version requirement
        ╰────

    hint: write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version

    "^1.\u{202e}2"
    exit: 1
    --- stderr
    error: invalid version requirement `^1.�2`: unexpected character '\u{202e}' while parsing minor version number
        ╭─[spin.toml:19:19]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "^1.???2"
        ·                   ─┬─
        ·                    ╰── not a valid version requirement
        ╰────

    hint: write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
    "#);
}

#[test]
fn in_a_table_of_the_manifest_are_shown_too() {
    let sandbox = Sandbox::new();
    let entry = "\"acme:base\" = { package = \"acme:other\", version = '>=1 <2' }";
    sandbox.write("spin.toml", manifest(entry, ""));
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: invalid version requirement `>=1 <2`: a comma is missing between two conditions
        ╭─[spin.toml:19:56]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = { package = "acme:other", version = '>=1 <2' }
        ·                                                        ─┬
        ·                                                         ╰── not a valid version requirement
        ╰────

    hint: write `>=1, <2`
    "#);
    // With an escape the places of the text are not those of the file.
    sandbox.write("spin.toml", manifest("\"acme:base\" = \"\\u003e=1 <2\"", ""));
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: invalid version requirement `>=1 <2`: a comma is missing between two conditions
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "\u003e=1 <2"
        ·               ──────┬──────
        ·                     ╰── not a valid version requirement
        ╰────

    hint: write `>=1, <2`
    "#);
}

#[test]
fn that_are_very_long_are_cut() {
    let sandbox = Sandbox::new();
    sandbox.write("spin.toml", manifest(&format!("\"acme:base\" = \"{}\"", "^1, ".repeat(50_000)), ""));
    let run = sandbox.run(&["lock"]).failed();
    assert!(run.stderr.len() < 3_000, "{} bytes", run.stderr.len());
    insta::assert_snapshot!(sandbox.snapshot(&run), @r#"
    exit: 1
    --- stderr
    error: invalid version requirement `^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, …`: excessive number of version comparators
        ╭─[spin.toml:19:16]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, ^1, …
        ·                ────────────────────────────────────────────────────────────────────────────────────────────────────┬───────────────────────────────────────────────────────────────────────────────────────────────────
        ·                                                                                                                    ╰── not a valid version requirement
        ╰────

    hint: write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
    "#);
}

#[test]
fn on_the_command_line_are_explained() {
    let sandbox = with_folder();
    sandbox.publish(&chain("acme:hash", "1.0.0", &[]));
    sandbox.write_app(&[("acme:hash", "1.0.0")], "", "");
    let mut shown = String::new();
    for source in ["acme:hash@^x", "acme:hash@", "acme:hash@>=1 <2", "acme:hash@1.0.0.0", "acme:hash@latest"]
    {
        shown += &refused(&sandbox, &["add", source, "--to", "app"]);
    }
    insta::assert_snapshot!(shown, @"
    exit: 1
    --- stderr
    error: invalid version requirement `^x`: unexpected character 'x' while parsing major version number

    hint: write for example `^1.2`, `=1.2.3` or `>=1.2, <1.9`; `*` takes any version
    exit: 1
    --- stderr
    error: invalid version requirement ``: it is empty

    hint: write `*`
    exit: 1
    --- stderr
    error: invalid version requirement `>=1 <2`: a comma is missing between two conditions

    hint: write `>=1, <2`
    exit: 1
    --- stderr
    error: invalid version requirement `1.0.0.0`: a version has at most three numbers

    hint: write `1.0.0`
    exit: 1
    --- stderr
    error: invalid version requirement `latest`: a version begins with a number

    hint: write `*`
    ");
}

#[test]
fn in_a_published_table_name_who_published_it() {
    let sandbox = with_folder();
    put(
        &sandbox,
        "hash",
        "1.0.0",
        &with_table(&chain("acme:hash", "1.0.0", &[]), &[("acme:base", ">=1 <2")]),
    );
    sandbox.write_app(&[("acme:hash", "1.0.0")], "\"acme:hash\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:hash ^1 and acme:hash 1.0.0 cannot be used (the dependency table in the file cannot be used: its requirement `>=1 <2` on acme:base is not valid: expected comma after major version number, found '<'), your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:hash" = "^1"
        ·               ──┬─
        ·                 ╰── asked for here
        ╰────

    hint: change the requirement of component `app` on acme:hash ^1
    "#);
    let file = folder(&sandbox, "hash").join("1.0.0.wasm").display().to_string();
    insta::assert_snapshot!(refused(&sandbox, &["publish", &file, "--dry-run"]), @"
    exit: 1
    --- stderr
    error: [DIR]/folders/wasm.example/acme/hash/1.0.0.wasm: the dependency table in the file cannot be used: its requirement `>=1 <2` on acme:base is not valid: expected comma after major version number, found '<'
    ");
}

#[test]
fn of_two_components_may_exclude_each_other() {
    let sandbox = with_folder();
    publish_all(&sandbox);
    let two = manifest("\"acme:base\" = \"^1.1\"", "")
        + "\n[component.other]\nsource = \"app.wasm\"\n\n[component.other.dependencies]\n\"acme:base\" = \"=1.0.0\"\n";
    sandbox.write_app(&[("acme:base", "1.0.0")], "", "");
    sandbox.write("spin.toml", two);
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `other` depends on acme:base =1.0.0
      and component `app` depends on acme:base ^1.1
      and no version of acme:base matches both =1.0.0 and ^1.1 (available: 2.0.0, 1.2.0-rc.1, 1.1.0, 1.0.0)
      and within 1.x an app has one release of acme:base, since components that exchange a resource must share it,
    your requirements cannot all be met
        ╭─[spin.toml:25:15]
     24 │ [component.other.dependencies]
     25 │ "acme:base" = "=1.0.0"
        ·               ────┬───
        ·                   ╰── asked for here
        ╰────

    hint: run `spin-deps add acme:base@^1.1.0 --to other`, or `spin-deps add acme:base@^1.0.0 --to app` to ask for acme:base ^1.1.0 in component `other`, or for acme:base ^1.0.0 in component `app`
    "#);
}
