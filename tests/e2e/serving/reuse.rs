//! How often an instance is used: by default, by the manifest, by the flags of `up`.

use spin_deps_fixtures::http::{p3_counter_app, probe_app};

use super::limits::{app, asked};

fn counts(more: &str, flags: &[&str]) -> String {
    let (answers, said) = asked(&app(&p3_counter_app(), more), flags, &["/"; 5]);
    assert_eq!(said, "Stopping; Ctrl-C again ends the requests that are under way\n");
    answers.iter().map(|answer| answer.trim_start_matches("200 ")).collect::<Vec<_>>().join(" ")
}

const TWICE: &str =
    "tool.deps.reuse = { max_count = 2, max_concurrent = \"1..4\", idle_timeout = \"30s\" }\n";

#[test]
fn the_flags_count_before_the_manifest_and_that_before_the_default() {
    // Whatever the machine does between two requests.
    let patient = ["--idle-instance-timeout", "60s"];
    assert_eq!(counts("", &patient), "1 2 3 4 5");
    assert_eq!(counts("", &["--no-reuse"]), "1 1 1 1 1");
    assert_eq!(counts(TWICE, &[]), "1 2 1 2 1");
    assert_eq!(counts(TWICE, &["--max-instance-reuse-count", "3"]), "1 2 3 1 2");
    assert_eq!(counts(TWICE, &["--no-reuse"]), "1 1 1 1 1");
    assert_eq!(counts("tool.deps.reuse = false\n", &patient), "1 1 1 1 1");
    assert_eq!(counts("tool.deps.reuse = true\n", &patient), "1 2 3 4 5");
}

#[test]
fn wasi_0_2_has_a_new_instance_for_every_request() {
    let (answers, _) =
        asked(&app(&probe_app(), TWICE), &["--max-instance-reuse-count", "8"], &["/", "/", "/"]);
    assert_eq!(answers, ["200 1", "200 1", "200 1"]);
}

#[test]
fn what_the_manifest_cannot_say_is_refused() {
    let texts =
        ["{ max_cuont = 2 }", "{ max_count = 0 }", "{ idle_timeout = \"soon\" }", "\"often\""].map(|reuse| {
            let sandbox = app(&p3_counter_app(), &format!("tool.deps.reuse = {reuse}\n"));
            let run = sandbox.run(&["tree"]).failed();
            sandbox.snapshot(&run)
        });
    insta::assert_snapshot!(texts.join("\n"), @r#"
    exit: 1
    --- stderr
    error: unknown field `max_cuont` in `reuse`
        ╭─[spin.toml:10:21]
      9 │ source = "web.wasm"
     10 │ tool.deps.reuse = { max_cuont = 2 }
        ·                     ────┬────
        ·                         ╰── unknown field
        ╰────

    hint: did you mean `max_count`?

    exit: 1
    --- stderr
    error: invalid max_count `0`: it is neither a number above 0 nor a range such as `1..8`
        ╭─[spin.toml:10:33]
      9 │ source = "web.wasm"
     10 │ tool.deps.reuse = { max_count = 0 }
        ·                                 ┬
        ·                                 ╰── not a valid max_count
        ╰────

    exit: 1
    --- stderr
    error: invalid idle_timeout `soon`: it is neither a time such as `[TIME]` or `[TIME]` nor a range such as `[TIME]..[TIME]`
        ╭─[spin.toml:10:36]
      9 │ source = "web.wasm"
     10 │ tool.deps.reuse = { idle_timeout = "soon" }
        ·                                    ───┬──
        ·                                       ╰── not a valid idle_timeout
        ╰────

    exit: 1
    --- stderr
    error: `reuse` of `tool.deps` of component `web` must be a table or `false`, not a string
        ╭─[spin.toml:10:19]
      9 │ source = "web.wasm"
     10 │ tool.deps.reuse = "often"
        ·                   ───┬───
        ·                      ╰── expected a table or `false`
        ╰────
    "#);
}
