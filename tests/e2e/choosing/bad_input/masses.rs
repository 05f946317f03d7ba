//! Thousands of packages, of imports, of needs.

use spin_deps_fixtures::library::chain;
use spin_deps_fixtures::odd::{hop, with_function_imports, with_table};

use super::{folder, in_time, put, refused, with_folder};
use crate::support::world::{Sandbox, manifest};

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
    put(&sandbox, "p1999", "1.0.0", &hop("acme:p1999", "1.0.0", &[("acme:p0", "1.0.0")]).expect("a fixture"));
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
    error: because component `app` depends on acme:wide ^1 and acme:wide 1.0.0 cannot be used (the file is not valid WebAssembly: instances count exceeds limit of 1000 at byte 52799), your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:wide" = "^1"
        ·               ──┬─
        ·                 ╰── asked for here
        ╰────

    hint: change the requirement of component `app` on acme:wide ^1
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
    --- stdout
    ✓ lock          the app needs no packages  [TIME]
        demo
        └── component app
    ✓ digests       nothing to compare  [TIME]
    ✗ types         app.wasm, the source of component `app`: the file is not valid WebAssembly: instances count exceeds limit of 1000 at byte 52799  [TIME]
    Failed demo at types
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
    --- stdout
    ✓ lock          the app needs no packages  [TIME]
        demo
        └── component app
    ✓ digests       nothing to compare  [TIME]
    ✗ types         `app` imports `f0`, and no dependency provides it  [TIME]
    Failed demo at types
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
      and acme:needy 1.0.0 depends on acme:n9999 ^1
      and acme:n9999 is not in the registry wasm.example,
    your requirement cannot be met
        ╭─[spin.toml:19:16]
     18 │ [component.app.dependencies]
     19 │ "acme:needy" = "^1"
        ·                ──┬─
        ·                  ╰── asked for here
        ╰────

    hint: if another registry has acme:n9999, say so in spin.toml: [application.tool.deps.package_registry_overrides] "acme:n9999" = "registry.example.com"
    "#);

    // The same with all of them there, or rather one that stands for all.
    let leaf = chain("acme:leaf", "1.0.0", &[]);
    for index in 0..10_000 {
        put(&sandbox, &format!("n{index}"), "1.0.0", &leaf);
    }
    in_time(&sandbox, &["lock"]).done();
    assert_eq!(sandbox.read("spin-deps.lock").matches("[[package]]").count(), 10_001);
}
