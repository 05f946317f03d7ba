//! Circles, contradictions, far too much of everything.
//!
//! Most of it is put into a folder of releases by hand, past the checks of `publish`: a registry may hold anything.

use std::path::PathBuf;
use std::time::Instant;

use spin_deps_fixtures::library::{chain, relay};
use spin_deps_fixtures::odd::{hop, with_function_imports, with_table};

use crate::support::DEADLINE;
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, publish_all};
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::{REGISTRY, Run, Sandbox, manifest};

/// A sandbox with an empty folder as its registry.
fn with_folder() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox
}

/// The folder of a package of the namespace `acme`.
fn folder(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.root().join("folders").join(REGISTRY).join("acme").join(name)
}

/// Puts a release into the folder, whatever it is.
fn put(sandbox: &Sandbox, name: &str, version: &str, bytes: &[u8]) {
    let folder = folder(sandbox, name);
    fs_err::create_dir_all(&folder).expect("a package's folder");
    fs_err::write(folder.join(format!("{version}.wasm")), bytes).expect("a release");
}

/// Runs a command that has to be refused and to leave the project as it is.
#[track_caller]
fn refused(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let before = sandbox.files();
    let run = sandbox.run(arguments).failed();
    assert!(sandbox.files() == before, "a refused command changed the project:\n{}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    sandbox.snapshot(&run)
}

/// Runs a command within the time that a test may take.
#[track_caller]
fn in_time(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let begin = Instant::now();
    let run = sandbox.run(arguments);
    assert!(begin.elapsed() < DEADLINE, "{arguments:?} took {:?}", begin.elapsed());
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}

mod circles {
    use super::*;

    #[test]
    fn of_packages_are_spelled_out() {
        let sandbox = with_folder();
        put(&sandbox, "rock", "1.0.0", &chain("acme:rock", "1.0.0", &[("acme:paper", "1.0.0")]));
        put(&sandbox, "paper", "1.0.0", &chain("acme:paper", "1.0.0", &[("acme:scissors", "1.0.0")]));
        put(&sandbox, "scissors", "1.0.0", &chain("acme:scissors", "1.0.0", &[("acme:rock", "1.0.0")]));
        sandbox.write_app(&[("acme:rock", "1.0.0")], "\"acme:rock\" = \"^1\"", "");
        insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
        exit: 1
        --- stderr
        error: the dependencies go round in a circle: acme:paper 1.0.0 depends on acme:scissors 1.0.0, which depends on acme:rock 1.0.0, which depends on acme:paper 1.0.0

        hint: a component cannot be inside itself: ask for a release of acme:paper that does not need the others, or tell its author
        ");
        insta::assert_snapshot!(refused(&sandbox, &["add", "acme:paper@^1", "--to", "app"]), @"
        exit: 1
        --- stderr
        error: the dependencies go round in a circle: acme:paper 1.0.0 depends on acme:scissors 1.0.0, which depends on acme:rock 1.0.0, which depends on acme:paper 1.0.0

        hint: a component cannot be inside itself: ask for a release of acme:paper that does not need the others, or tell its author
        ");
    }

    #[test]
    fn of_one_package_are_spelled_out() {
        let sandbox = with_folder();
        put(&sandbox, "self", "1.1.0", &chain("acme:self", "1.1.0", &[("acme:self", "1.0.0")]));
        put(&sandbox, "self", "1.0.0", &chain("acme:self", "1.0.0", &[]));
        sandbox.write_app(&[("acme:self", "1.0.0")], "\"acme:self\" = \"^1\"", "");
        insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
        exit: 1
        --- stderr
        error: the dependencies go round in a circle: acme:self 1.1.0 depends on itself

        hint: a component cannot be inside itself: ask for another release of acme:self, or tell its author
        ");
    }

    #[test]
    fn of_files_go_through_the_registry() {
        // Two files that import each other: what a file imports comes from the registry, which has neither.
        let sandbox = with_folder();
        sandbox.write("hen.wasm", chain("acme:hen", "1.0.0", &[("acme:egg", "1.0.0")]));
        sandbox.write("egg.wasm", chain("acme:egg", "1.0.0", &[("acme:hen", "1.0.0")]));
        sandbox.write_app(
            &[("acme:hen", "1.0.0"), ("acme:egg", "1.0.0")],
            "\"acme:hen\" = { path = \"hen.wasm\" }\n\"acme:egg\" = { path = \"egg.wasm\" }",
            "",
        );
        insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
        exit: 1
        --- stderr
        error: because the file hen.wasm of component `app` depends on acme:egg ^1.0.0 and acme:egg is not in the registry wasm.example, your requirements cannot all be met
            ╭─[spin.toml:19:14]
         18 │ [component.app.dependencies]
         19 │ "acme:hen" = { path = "hen.wasm" }
            ·              ──────────┬──────────
            ·                        ╰── asked for here
         20 │ "acme:egg" = { path = "egg.wasm" }
            ╰────

        hint: check the spelling of acme:egg; `spin-deps search egg` shows what there is
        "#);
    }

    #[test]
    fn of_middleware_are_spelled_out() {
        let sandbox = with_folder();
        let wrap = relay("wasi:http", "0.3.0", "handler", "handle", "m").expect("a fixture");
        put(&sandbox, "wrap", "1.0.0", &with_table(&wrap, &[("acme:wrap", "^1")]));
        sandbox.write("app.wasm", spin_deps_fixtures::http::p3_app(&[]));
        let layer = "component = \"app\"\ndependencies.middleware = [{ package = \"acme:wrap\", version = \"^1\" }]\n";
        sandbox.write("spin.toml", manifest("", "").replacen("component = \"app\"\n", layer, 1));
        insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
        exit: 1
        --- stderr
        error: the dependencies go round in a circle: acme:wrap 1.0.0 depends on itself

        hint: a component cannot be inside itself: ask for another release of acme:wrap, or tell its author
        ");
    }

    #[test]
    fn are_none_when_a_file_wraps_the_release_of_its_name() {
        let sandbox = with_folder();
        sandbox.publish(&chain("acme:hash", "1.0.0", &[]));
        sandbox.write("hash.wasm", relay("acme:hash", "1.0.0", "api", "call", "wrapped").expect("a fixture"));
        sandbox.write_app(
            &[("acme:hash", "1.0.0")],
            "\"acme:hash\" = { path = \"hash.wasm\" }",
            "wrapped(acme:hash@1.0.0(/x))",
        );
        sandbox.run(&["verify"]).done();
    }

    #[test]
    fn are_none_when_another_major_is_meant() {
        let sandbox = with_folder();
        sandbox.publish(&chain("acme:hash", "1.0.0", &[]));
        sandbox.publish(&chain("acme:hash", "2.0.0", &[("acme:hash", "1.0.0")]));
        let answer = "acme:hash@2.0.0(acme:hash@1.0.0(/x))";
        sandbox.write_app(&[("acme:hash", "2.0.0")], "\"acme:hash\" = \"^2\"", answer);
        sandbox.run(&["verify"]).done();
        insta::assert_snapshot!(sandbox.run(&["tree"]).done().stdout, @"
        demo
        └── component app
            └── acme:hash 2.0.0 wasm.example (^2)
                └── acme:hash 1.0.0 wasm.example (^1.0.0)
        ");
    }
}

mod requirements {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "one snapshot of what is said of each form")]
    fn in_the_manifest_are_shown_where_they_are_wrong() {
        let mut shown = String::new();
        for text in [
            "^",
            "1.2.3.4",
            ">=1 <2",
            "latest",
            "",
            " ",
            "^1.2, v1.9",
            "1 || 2",
            "~>1.2",
            "^1.é",
            "^1.\u{202e}2",
        ] {
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
        for source in
            ["acme:hash@^x", "acme:hash@", "acme:hash@>=1 <2", "acme:hash@1.0.0.0", "acme:hash@latest"]
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
        insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
        exit: 1
        --- stderr
        error: what was published as acme:hash 1.0.0 cannot be used: the dependency table in the file cannot be used: its requirement `>=1 <2` on acme:base is not valid: expected comma after major version number, found '<'

        hint: choose another release, or tell its publisher
        ");
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
}

mod masses {
    use super::*;

    /// A chain of packages, `acme:p0` to the last, each of which needs the next.
    fn deep(sandbox: &Sandbox, depth: usize) {
        for index in 0..depth - 1 {
            let (own, next) = (format!("acme:p{index}"), format!("acme:p{}", index + 1));
            put(
                sandbox,
                &format!("p{index}"),
                "1.0.0",
                &hop(&own, "1.0.0", &[(&next, "1.0.0")]).expect("a fixture"),
            );
        }
        let last = format!("acme:p{}", depth - 1);
        put(sandbox, &format!("p{}", depth - 1), "1.0.0", &chain(&last, "1.0.0", &[]));
        sandbox.write_app(&[("acme:p0", "1.0.0")], "\"acme:p0\" = \"^1\"", "");
    }

    #[test]
    fn of_packages_in_a_chain_are_locked_shown_and_explained() {
        let sandbox = with_folder();
        deep(&sandbox, 2_000);
        in_time(&sandbox, &["lock"]).done();
        let tree = in_time(&sandbox, &["tree"]).done().stdout;
        assert!(tree.contains("acme:p9 "), "{tree}");
        let why = in_time(&sandbox, &["why", "acme:p1999"]).done().stdout;
        assert!(why.contains("acme:p1999"), "{why}");
        in_time(&sandbox, &["tree", "--invert", "acme:p1999"]).done();
        in_time(&sandbox, &["sync"]).done();
        insta::assert_snapshot!(refused(&sandbox, &["compose", "app", "-o", "composed.wasm"]), @"
        exit: 1
        --- stderr
        error: the app and its dependencies are 2001 components, more than one component can hold: instances count exceeds limit of 1000

        hint: split the app into several components, each with some of the dependencies
        ");

        // Its end is gone.
        fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
        fs_err::remove_dir_all(folder(&sandbox, "p1999")).expect("the last package");
        let run = in_time(&sandbox, &["lock"]).failed();
        insta::assert_snapshot!(sandbox.snapshot(&run), @r#"
        exit: 1
        --- stderr
        error: because component `app` depends on acme:p0 ^1
          and acme:p0 1.0.0 depends on acme:p1 ^1.0.0
          and acme:p1 1.0.0 depends on acme:p2 ^1.0.0
          and acme:p2 1.0.0 depends on acme:p3 ^1.0.0
          and acme:p3 1.0.0 depends on acme:p4 ^1.0.0
          and acme:p4 1.0.0 depends on acme:p5 ^1.0.0
          and acme:p5 1.0.0 depends on acme:p6 ^1.0.0
          and acme:p6 1.0.0 depends on acme:p7 ^1.0.0
          and acme:p7 1.0.0 depends on acme:p8 ^1.0.0
          and acme:p8 1.0.0 depends on acme:p9 ^1.0.0
          and 1980 other dependencies take part in this
          and acme:p1989 1.0.0 depends on acme:p1990 ^1.0.0
          and acme:p1990 1.0.0 depends on acme:p1991 ^1.0.0
          and acme:p1991 1.0.0 depends on acme:p1992 ^1.0.0
          and acme:p1992 1.0.0 depends on acme:p1993 ^1.0.0
          and acme:p1993 1.0.0 depends on acme:p1994 ^1.0.0
          and acme:p1994 1.0.0 depends on acme:p1995 ^1.0.0
          and acme:p1995 1.0.0 depends on acme:p1996 ^1.0.0
          and acme:p1996 1.0.0 depends on acme:p1997 ^1.0.0
          and acme:p1997 1.0.0 depends on acme:p1998 ^1.0.0
          and acme:p1998 1.0.0 depends on acme:p1999 ^1.0.0
          and acme:p1999 is not in the registry wasm.example,
        your requirement cannot be met
            ╭─[spin.toml:19:13]
         18 │ [component.app.dependencies]
         19 │ "acme:p0" = "^1"
            ·             ──┬─
            ·               ╰── asked for here
            ╰────

        hint: if another registry has acme:p1999, say so in spin.toml: [application.tool.deps.package_registry_overrides] "acme:p1999" = "registry.example.com"
        "#);

        // Its end is its beginning.
        put(
            &sandbox,
            "p1999",
            "1.0.0",
            &hop("acme:p1999", "1.0.0", &[("acme:p0", "1.0.0")]).expect("a fixture"),
        );
        let run = in_time(&sandbox, &["lock"]).failed();
        insta::assert_snapshot!(sandbox.snapshot(&run), @"
        exit: 1
        --- stderr
        error: the dependencies go round in a circle: acme:p0 1.0.0 depends on acme:p1 1.0.0, which depends on acme:p2 1.0.0, which depends on acme:p3 1.0.0, which depends on acme:p4 1.0.0, which depends on acme:p5 1.0.0, which depends on acme:p6 1.0.0, which depends on acme:p7 1.0.0, which depends on acme:p8 1.0.0, which depends on acme:p9 1.0.0, and so on over 1990 more, back to acme:p0 1.0.0

        hint: a component cannot be inside itself: ask for a release of acme:p0 that does not need the others, or tell its author
        ");
    }

    #[test]
    fn a_chain_of_hundreds_runs() {
        let sandbox = with_folder();
        deep(&sandbox, 200);
        sandbox.write("spin.toml", manifest("\"acme:p0\" = \"^1\"", "acme:p199@1.0.0(/x)"));
        in_time(&sandbox, &["verify"]).done();
    }

    #[test]
    fn of_imports_are_refused_wherever_they_are() {
        let names: Vec<String> = (0..10_000).map(|index| format!("acme:i{index}")).collect();
        let imports: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1.0.0")).collect();
        let wide = hop("acme:wide", "1.0.0", &imports).expect("a fixture");
        let mut shown = String::new();

        // A dependency, an app, a file.
        let sandbox = with_folder();
        put(&sandbox, "wide", "1.0.0", &wide);
        sandbox.write_app(&[("acme:wide", "1.0.0")], "\"acme:wide\" = \"^1\"", "");
        shown += &sandbox.snapshot(&in_time(&sandbox, &["lock"]).failed());
        sandbox.write("spin.toml", manifest("\"acme:wide\" = { path = \"wide.wasm\" }", ""));
        sandbox.write("wide.wasm", &wide);
        shown += &sandbox.snapshot(&in_time(&sandbox, &["lock"]).failed());
        sandbox.write("spin.toml", manifest("", ""));
        sandbox.write("app.wasm", &wide);
        shown += &sandbox.snapshot(&in_time(&sandbox, &["verify"]).failed());
        insta::assert_snapshot!(shown, @r#"
        exit: 1
        --- stderr
        error: what was published as acme:wide 1.0.0 cannot be used: the file is not valid WebAssembly: instances count exceeds limit of 1000 at byte 52799

        hint: choose another release, or tell its publisher
        exit: 1
        --- stderr
        error: wide.wasm: the file is not valid WebAssembly: instances count exceeds limit of 1000 at byte 52799
            ╭─[spin.toml:19:15]
         18 │ [component.app.dependencies]
         19 │ "acme:wide" = { path = "wide.wasm" }
            ·               ───────────┬──────────
            ·                          ╰── a component is needed here
            ╰────

        hint: that is more than WebAssembly tools accept: split the component
        exit: 1
        --- stderr
        error: app.wasm, the source of component `app`: the file is not valid WebAssembly: instances count exceeds limit of 1000 at byte 52799
            ╭─[spin.toml:16:10]
         15 │ [component.app]
         16 │ source = "app.wasm"
            ·          ─────┬────
            ·               ╰── named here
            ╰────

        hint: that is more than WebAssembly tools accept: split the component
        "#);

        // Functions may be that many, and no dependency provides them.
        sandbox.write("app.wasm", with_function_imports(10_000).expect("a fixture"));
        insta::assert_snapshot!(sandbox.snapshot(&in_time(&sandbox, &["verify"]).failed()), @r#"
        exit: 1
        --- stderr
        error: `app` imports `f0`, and no dependency provides it
            ╭─[spin.toml:16:10]
         15 │ [component.app]
         16 │ source = "app.wasm"
            ·          ─────┬────
            ·               ╰── imports it
            ╰────

        hint: add a dependency that does: `spin-deps add ns:package`
        "#);
    }

    #[test]
    fn of_published_needs_are_met_or_explained() {
        let sandbox = with_folder();
        let names: Vec<String> = (0..10_000).map(|index| format!("acme:n{index}")).collect();
        let needs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "^1")).collect();
        put(&sandbox, "needy", "1.0.0", &with_table(&chain("acme:needy", "1.0.0", &[]), &needs));
        sandbox.write_app(&[("acme:needy", "1.0.0")], "\"acme:needy\" = \"^1\"", "acme:needy@1.0.0(/x)");
        let run = in_time(&sandbox, &["lock"]).failed();
        assert!(run.stderr.len() < 5_000, "{} bytes", run.stderr.len());
        insta::assert_snapshot!(sandbox.snapshot(&run), @r#"
        exit: 1
        --- stderr
        error: because component `app` depends on acme:needy ^1
          and acme:needy 1.0.0 depends on acme:n0 ^1
          and acme:n0 is not in the registry wasm.example,
        your requirement cannot be met
            ╭─[spin.toml:19:16]
         18 │ [component.app.dependencies]
         19 │ "acme:needy" = "^1"
            ·                ──┬─
            ·                  ╰── asked for here
            ╰────

        hint: if another registry has acme:n0, say so in spin.toml: [application.tool.deps.package_registry_overrides] "acme:n0" = "registry.example.com"
        "#);

        // The same with all of them there, or rather one that stands for all.
        let leaf = chain("acme:leaf", "1.0.0", &[]);
        for index in 0..10_000 {
            put(&sandbox, &format!("n{index}"), "1.0.0", &leaf);
        }
        in_time(&sandbox, &["lock"]).done();
        assert_eq!(sandbox.read("spin-deps.lock").matches("[[package]]").count(), 10_001);
    }
}

mod changes {
    use super::*;

    #[test]
    fn between_the_list_and_the_release_are_an_answer() {
        // The list of versions has 1.1.0, and when its manifest is asked for it is gone.
        let registry = Registry::open();
        let sandbox = Sandbox::new();
        sandbox.use_registry(&registry);
        publish_all(&sandbox);
        sandbox.delete_cache();
        let proxy = Proxy::start(&registry.host());
        sandbox.use_host(&proxy.host(), None);
        proxy.refuse("/acme/base/manifests/1.1.0", 404);
        sandbox.write_app(IMPORTS, DEPENDENCIES, &ANSWER.replace("1.1.0", "1.0.0"));
        sandbox.run(&["verify"]).done();
        assert!(sandbox.read("spin-deps.lock").contains("version = \"1.0.0\"\n"));

        // Asked for by name, there is nothing else to take.
        let sandbox = Sandbox::new();
        sandbox.use_host(&proxy.host(), None);
        sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"=1.1.0\"", "");
        insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
        exit: 1
        --- stderr
        error: because component `app` depends on acme:base =1.1.0
          and acme:base 1.1.0 cannot be used (it is listed, but it is not there)
          and no other version of acme:base matches =1.1.0 (available: 2.0.0, 1.2.0-rc.1, 1.1.0 (not usable), 1.0.0),
        your requirement cannot be met
            ╭─[spin.toml:19:15]
         18 │ [component.app.dependencies]
         19 │ "acme:base" = "=1.1.0"
            ·               ────┬───
            ·                   ╰── asked for here
            ╰────

        hint: run `spin-deps add acme:base@^1.0.0 --to app` to ask for acme:base ^1.0.0 in component `app`
        "#);
    }

    #[test]
    fn of_a_release_between_lock_and_sync_are_noticed() {
        let sandbox = with_folder();
        publish_all(&sandbox);
        sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
        sandbox.run(&["lock"]).done();
        sandbox.delete_cache();
        put(&sandbox, "base", "1.1.0", &chain("acme:base", "1.1.0", &[("acme:base", "1.0.0")]));
        insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"
        exit: 1
        --- stderr
        error: the content of acme:base 1.1.0 from `[DIR]/folders/wasm.example/acme/base/1.1.0.wasm` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

        hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used
        ");
        fs_err::remove_file(folder(&sandbox, "base").join("1.1.0.wasm")).expect("the release");
        insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"
        exit: 1
        --- stderr
        error: registry `wasm.example` has no acme:base 1.1.0
        ");
    }

    #[test]
    fn of_the_folder_into_nothing_are_the_registrys_fault() {
        let sandbox = with_folder();
        publish_all(&sandbox);
        sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
        sandbox.run(&["sync"]).done();
        fs_err::remove_dir_all(sandbox.root().join("folders")).expect("the folder");
        // What is locked and stored needs no folder.
        sandbox.run(&["verify"]).done();
        sandbox.delete_cache();
        insta::assert_snapshot!(refused(&sandbox, &["sync"]), @"
        exit: 1
        --- stderr
        error: registry `wasm.example` cannot be used: its folder `[DIR]/folders/wasm.example` does not exist
        ");
        fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
        insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
        exit: 1
        --- stderr
        error: registry `wasm.example` cannot be used: its folder `[DIR]/folders/wasm.example` does not exist
        ");
    }

    #[test]
    fn of_the_app_around_a_lock_are_caught_up_with() {
        // The lock of another app: other packages, and one in common in an older version.
        let sandbox = with_folder();
        publish_all(&sandbox);
        sandbox.publish(&chain("acme:other", "1.0.0", &[]));
        sandbox.write_app(
            &[("acme:other", "1.0.0"), ("acme:base", "1.0.0")],
            "\"acme:other\" = \"^1\"\n\"acme:base\" = \"=1.0.0\"",
            "",
        );
        sandbox.run(&["lock"]).done();
        sandbox.write_app(IMPORTS, DEPENDENCIES, &ANSWER.replace("1.1.0", "1.0.0"));
        insta::assert_snapshot!(refused(&sandbox, &["sync", "--locked"]), @"
        exit: 1
        --- stderr
        error: the lockfile does not fit the manifest, and `--locked` forbids to change it:
          - component `app` asks for acme:middle ^1, which is not locked

        hint: run `spin-deps lock` without `--locked` and commit spin-deps.lock
        ");
        let run = sandbox.run(&["lock"]).done();
        insta::assert_snapshot!(sandbox.snapshot(&run), @"
        exit: 0
        --- stdout
        Locked 2 packages in spin-deps.lock
          add acme:middle 1.0.0
          remove acme:other 1.0.0
        ");
        sandbox.run(&["verify", "--locked"]).done();
    }
}
