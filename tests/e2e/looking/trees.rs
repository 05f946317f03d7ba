//! The tree, every path to a package, and the versions that there are.

use std::fmt::Write as _;

use serde_json::Value;
use spin_deps_fixtures::http::p2_app;
use spin_deps_fixtures::library::chain;

use crate::support::library::{DEPENDENCIES, IMPORTS, base, environment_counter, publish_all};
use crate::support::world::{REGISTRY, Run, Sandbox, manifest};

/// A locked app: `acme:top` and `acme:middle` both need `acme:base` 1, the component `other` needs `acme:base` 2, and a
/// file reaches for the environment.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.publish(&chain("acme:top", "1.0.0", &[("acme:middle", "1.0.0"), ("acme:base", "1.0.0")]));
    sandbox.publish(&environment_counter("acme:env", "0.3.0"));
    sandbox.write("helper.wasm", environment_counter("acme:helper", "1.0.0"));
    sandbox.write("app.wasm", p2_app(&[IMPORTS[0], ("acme:top", "1.0.0"), ("acme:helper", "1.0.0")]));
    sandbox.write("other.wasm", p2_app(&[("acme:base", "2.0.0"), ("acme:env", "0.3.0")]));
    let entries = format!(
        "{DEPENDENCIES}\n\"acme:top\" = \"1\"\n\
         \"acme:helper\" = {{ path = \"helper.wasm\", inherit_configuration = [\"environment\"] }}"
    );
    let other = "\n[component.other]\nsource = \"other.wasm\"\n\n[component.other.dependencies]\n\
                 \"acme:base/api@2.0.0\" = \"^2\"\n\"acme:env\" = { version = \"0.3\", inherit_configuration = true }\n";
    sandbox.write("spin.toml", manifest(&entries, "") + other);
    sandbox.run(&["lock"]).done();
    sandbox
}

fn shown(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.snapshot(&sandbox.run(arguments).done())
}

fn with_locale(sandbox: &Sandbox, arguments: &[&str], locale: &str) -> Run {
    Sandbox::run_command(sandbox.command(arguments).env("LANG", locale)).done()
}

#[test]
fn a_tree_shows_sources_once_and_says_what_is_there_twice() {
    let sandbox = project();
    insta::assert_snapshot!(shown(&sandbox, &["tree"]), @"
    exit: 0
    --- stdout
    demo
    ├── component app
    │   ├── acme:middle 1.0.0 wasm.example (^1)
    │   │   └── acme:base 1.1.0 wasm.example (^1.0.0)
    │   ├── acme:top 1.0.0 wasm.example (^1)
    │   │   ├── acme:base 1.1.0 (^1.0.0)
    │   │   └── acme:middle 1.0.0 (^1.0.0) (*)
    │   └── helper.wasm (as acme:helper; inherits environment)
    └── component other
        ├── acme:base 2.0.0 wasm.example (^2; as acme:base/api@2.0.0)
        └── acme:env 0.3.0 wasm.example (^0.3; inherits all)
    --- stderr
    several releases: acme:base 1.1.0 and 2.0.0; `spin-deps tree --duplicates` shows what needs each
    ");
    insta::assert_snapshot!(shown(&sandbox, &["tree", "--depth", "2", "--capabilities"]), @"
    exit: 0
    --- stdout
    demo
    ├── component app
    │   ├── acme:middle 1.0.0 wasm.example (^1) …
    │   ├── acme:top 1.0.0 wasm.example (^1) …
    │   └── helper.wasm (as acme:helper; inherits environment) [environment granted by app]
    └── component other
        ├── acme:base 2.0.0 wasm.example (^2; as acme:base/api@2.0.0)
        └── acme:env 0.3.0 wasm.example (^0.3; inherits all) [environment granted by other]
    --- stderr
    several releases: acme:base 1.1.0 and 2.0.0; `spin-deps tree --duplicates` shows what needs each
    ");
    insta::assert_snapshot!(shown(&sandbox, &["tree", "--depth", "0"]), @"
    exit: 0
    --- stdout
    demo …
    --- stderr
    several releases: acme:base 1.1.0 and 2.0.0; `spin-deps tree --duplicates` shows what needs each
    ");
}

#[test]
fn duplicates_are_shown_with_what_needs_each() {
    let sandbox = project();
    insta::assert_snapshot!(shown(&sandbox, &["tree", "--duplicates"]), @"
    exit: 0
    --- stdout
    acme:base 1.1.0 wasm.example
    ├── acme:middle 1.0.0 wasm.example (^1.0.0)
    │   ├── component app (^1)
    │   │   └── demo
    │   └── acme:top 1.0.0 wasm.example (^1.0.0)
    │       └── component app (^1) (*)
    └── acme:top 1.0.0 (^1.0.0) (*)
    acme:base 2.0.0 wasm.example
    └── component other (^2; as acme:base/api@2.0.0)
        └── demo
    ");
    insta::assert_snapshot!(shown(&sandbox, &["tree", "--invert", "acme:base@2.0.0"]), @"
    exit: 0
    --- stdout
    acme:base 2.0.0 wasm.example
    └── component other (^2; as acme:base/api@2.0.0)
        └── demo
    ");
    sandbox.run(&["tree", "--duplicates", "--invert", "acme:base"]).misused();
    let json = sandbox.run(&["tree", "--duplicates", "--format", "json"]).done().json();
    assert_eq!(json["duplicates"][0]["package"], "acme:base");
    assert_eq!(json["duplicates"][0]["versions"], serde_json::json!(["1.1.0", "2.0.0"]));
    assert_eq!(json["roots"], json["duplicates"][0]["nodes"]);

    let single = Sandbox::new();
    single.use_folder();
    single.publish(&base("1.0.0"));
    single.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"1\"", "");
    single.run(&["lock"]).done();
    insta::assert_snapshot!(shown(&single, &["tree", "--duplicates"]), @"
    exit: 0
    --- stderr
    there is no package of which there are several releases
    ");
}

#[test]
fn lines_are_drawn_with_what_the_locale_has() {
    let sandbox = project();
    let tree = ["tree", "--depth", "2"];
    insta::assert_snapshot!(with_locale(&sandbox, &tree, "C").stdout, @"
    demo
    |-- component app
    |   |-- acme:middle 1.0.0 wasm.example (^1) ...
    |   |-- acme:top 1.0.0 wasm.example (^1) ...
    |   `-- helper.wasm (as acme:helper; inherits environment)
    `-- component other
        |-- acme:base 2.0.0 wasm.example (^2; as acme:base/api@2.0.0)
        `-- acme:env 0.3.0 wasm.example (^0.3; inherits all)
    ");
    let ascii = with_locale(&sandbox, &[&tree[..], &["--charset", "ascii"]].concat(), "C.UTF-8");
    assert_eq!(ascii.stdout, with_locale(&sandbox, &tree, "C").stdout);
    let lines = with_locale(&sandbox, &[&tree[..], &["--charset", "utf8"]].concat(), "C");
    assert_eq!(lines.stdout, with_locale(&sandbox, &tree, "de_DE.UTF-8").stdout);
    assert!(with_locale(&sandbox, &["why", "acme:env"], "C").stdout.is_ascii());
}

#[test]
fn diagrams_are_for_other_programs() {
    let sandbox = project();
    insta::assert_snapshot!(shown(&sandbox, &["tree", "--format", "mermaid"]), @r#"
    exit: 0
    --- stdout
    flowchart LR
        n0["demo"]
        n1["component app"]
        n2["acme:middle 1.0.0 (wasm.example)"]
        n3["acme:top 1.0.0 (wasm.example)"]
        n4["helper.wasm"]
        n5["component other"]
        n6["acme:base 2.0.0 (wasm.example)"]
        n7["acme:env 0.3.0 (wasm.example)"]
        n8["acme:base 1.1.0 (wasm.example)"]
        n0 --> n1
        n0 --> n5
        n1 -->|"^1"| n2
        n1 -->|"^1"| n3
        n1 -->|"as acme:helper#59; inherits environment"| n4
        n5 -->|"^2#59; as acme:base/api@2.0.0"| n6
        n5 -->|"^0.3#59; inherits all"| n7
        n2 -->|"^1.0.0"| n8
        n3 -->|"^1.0.0"| n8
        n3 -->|"^1.0.0"| n2
        classDef several stroke:#cc6600,stroke-width:3px
        class n6,n8 several
    "#);
    insta::assert_snapshot!(shown(&sandbox, &["tree", "--format", "dot", "--invert", "acme:base@2.0.0"]), @r##"
    exit: 0
    --- stdout
    digraph dependencies {
        graph [rankdir="LR"];
        node [shape="box"];
        n0 [label="demo"];
        n5 [label="component other"];
        n6 [label="acme:base 2.0.0 (wasm.example)", color="#cc6600", penwidth="3"];
        n5 -> n6 [label="^2; as acme:base/api@2.0.0"];
        n0 -> n5;
    }
    "##);
    let cut = sandbox.run(&["tree", "--format", "mermaid", "--depth", "1"]).done().stdout;
    assert_eq!(cut.matches("-->").count(), 2, "{cut}");
}

#[test]
fn a_format_is_named_before_or_behind_the_command() {
    let sandbox = project();
    let behind = sandbox.run(&["tree", "--format", "json"]).done();
    assert_eq!(sandbox.run(&["--format", "json", "tree"]).done().stdout, behind.stdout);
    assert!(behind.json()["nodes"].is_array());
    assert!(sandbox.run(&["tree", "--format", "human"]).done().stdout.starts_with("demo\n"));
    // A diagram is made of a tree, and of nothing else.
    for arguments in
        [["lock", "--format", "mermaid"], ["why", "acme:base", "--format=dot"], ["tree", "--format", "xml"]]
    {
        let refused = sandbox.run(&arguments).misused();
        assert!(refused.stderr.contains("possible values: human, json"), "{}", refused.stderr);
    }
    // An error of a diagram is text, as it is everywhere but in JSON.
    sandbox.write("spin-deps.lock", "version = 2");
    assert!(sandbox.run(&["tree", "--format", "dot"]).failed().stderr.starts_with("error: "));
}

#[test]
fn why_tells_paths_and_what_holds_a_release() {
    let sandbox = project();
    insta::assert_snapshot!(shown(&sandbox, &["why", "acme:base"]), @"
    exit: 0
    --- stdout
    acme:base 1.1.0 wasm.example
      demo → component app → acme:middle 1.0.0 (^1) → acme:base 1.1.0 (^1.0.0)
      demo → component app → acme:top 1.0.0 (^1) → acme:base 1.1.0 (^1.0.0)
      demo → component app → acme:top 1.0.0 (^1) → acme:middle 1.0.0 (^1.0.0) → acme:base 1.1.0 (^1.0.0)
      held below 2.0.0 by acme:middle 1.0.0 (^1.0.0), acme:top 1.0.0 (^1.0.0)
      beside it the app has 2.0.0, for others
    acme:base 2.0.0 wasm.example
      demo → component other → acme:base 2.0.0 (^2; as acme:base/api@2.0.0)
      held below 3.0.0 by component other (^2)
    ");
    insta::assert_snapshot!(shown(&sandbox, &["why", "helper.wasm"]), @"
    exit: 0
    --- stdout
    helper.wasm
      demo → component app → helper.wasm (as acme:helper; inherits environment)
    ");
    let refused = |name: &str| sandbox.snapshot(&sandbox.run(&["why", name]).failed());
    insta::assert_snapshot!([refused("acme:bsae"), refused("wasi:http"), refused("acme:base@1.0.0")].join("\n"), @"
    exit: 1
    --- stderr
    error: the app does not depend on `acme:bsae`

    hint: did you mean `acme:base`?

    exit: 1
    --- stderr
    error: the app does not depend on `wasi:http`

    hint: interfaces of `wasi:http` come from the host, and are no dependencies

    exit: 1
    --- stderr
    error: the app does not depend on `acme:base@1.0.0`

    hint: it depends on `acme:base@2.0.0` and `acme:base@1.1.0`
    ");
    let json = sandbox.run(&["why", "acme:base@1.1.0", "--format", "json"]).done().json();
    assert_eq!(json["paths"].as_array().map(Vec::len), Some(3), "{json:#}");
    let release = &json["releases"][0];
    assert_eq!(release["paths"], json["paths"]);
    assert_eq!(release["more_paths"], 0);
    assert_eq!(release["held"]["version"], "2.0.0");
    assert_eq!(release["held"]["inclusive"], false);
    assert_eq!(release["higher"], serde_json::json!(["2.0.0"]));
    assert_eq!(release["requirements"][0]["by"], "acme:middle 1.0.0");
}

#[test]
fn a_middleware_is_named_by_its_route() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.0.0"));
    sandbox.write_app(&[], "", "");
    let manifest = sandbox.read("spin.toml").replace(
        "component = \"app\"\n",
        "component = \"app\"\ndependencies.middleware = [{ package = \"acme:base\", version = \"=1.0.0\" }]\n",
    );
    sandbox.write("spin.toml", manifest);
    sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(shown(&sandbox, &["why", "acme:base"]), @"
    exit: 0
    --- stdout
    acme:base 1.0.0 wasm.example
      demo → middleware of /... → acme:base 1.0.0 (=1.0.0)
      held at 1.0.0 by middleware of /... (=1.0.0)
    ");
}

/// A project whose lock has these packages, each with what it needs, and which asks for `acme:p0`.
fn with_lock(packages: usize, needs: impl Fn(usize) -> Vec<usize>) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    let mut names: Vec<usize> = (0..packages).collect();
    names.sort_by_key(|name| format!("p{name}"));
    let mut text = "version = 1\n".to_owned();
    for name in names {
        let digest = "5".repeat(64);
        let needs: Vec<_> = needs(name)
            .into_iter()
            .map(|need| format!("    {{ package = \"acme:p{need}\", req = \"^1\", version = \"1.0.0\" }},\n"))
            .collect();
        let needs = needs.concat();
        write!(
            text,
            "\n[[package]]\nname = \"acme:p{name}\"\nversion = \"1.0.0\"\nregistry = \"{REGISTRY}\"\n\
             digest = \"sha256:{digest}\"\nsize = 1\ncapabilities = []\ndependencies = [\n{needs}]\n"
        )
        .expect("a String takes everything");
    }
    sandbox.write("spin-deps.lock", text);
    sandbox.write_app(&[], "\"acme:p0\" = \"^1\"", "");
    sandbox
}

/// Asks for every view of it, and gives the one that is usual.
fn every_view(sandbox: &Sandbox, package: &str) -> String {
    for arguments in [
        ["tree", "--format", "json"].as_slice(),
        &["tree", "--format", "mermaid"],
        &["tree", "--format", "dot"],
        &["tree", "--invert", package],
        &["tree", "--depth", "60000"],
        &["tree", "--duplicates"],
        &["why", package],
        &["why", package, "--format", "json"],
    ] {
        sandbox.run(arguments).done();
    }
    sandbox.run(&["tree"]).done().stdout
}

#[test]
fn a_graph_two_thousand_deep_is_drawn() {
    let sandbox = with_lock(2_000, |name| if name < 1_999 { vec![name + 1] } else { vec![] });
    let tree = every_view(&sandbox, "acme:p1999");
    assert_eq!(tree.lines().count(), 65, "the app, the component, 62 packages and the one at the end");
    assert!(tree.trim_end().ends_with('…'), "{tree}");
    insta::assert_snapshot!(sandbox.run(&["tree"]).done().stderr, @"the tree ends at 64 levels; `--depth N` goes further down");
    let whole = sandbox.run(&["tree", "--depth", "3000"]).done();
    assert_eq!((whole.stdout.lines().count(), whole.stderr.as_str()), (2_002, ""));
    insta::assert_snapshot!(shown(&sandbox, &["why", "acme:p1999"]), @"
    exit: 0
    --- stdout
    acme:p1999 1.0.0 wasm.example
      demo → component app → acme:p0 1.0.0 (^1) → acme:p1 1.0.0 (^1) → acme:p2 1.0.0 (^1) → acme:p3 1.0.0 (^1) → acme:p4 1.0.0 (^1) → acme:p5 1.0.0 (^1) → acme:p6 1.0.0 (^1) → acme:p7 1.0.0 (^1) → acme:p8 1.0.0 (^1) → acme:p9 1.0.0 (^1) → … 1978 steps … → acme:p1988 1.0.0 (^1) → acme:p1989 1.0.0 (^1) → acme:p1990 1.0.0 (^1) → acme:p1991 1.0.0 (^1) → acme:p1992 1.0.0 (^1) → acme:p1993 1.0.0 (^1) → acme:p1994 1.0.0 (^1) → acme:p1995 1.0.0 (^1) → acme:p1996 1.0.0 (^1) → acme:p1997 1.0.0 (^1) → acme:p1998 1.0.0 (^1) → acme:p1999 1.0.0 (^1)
      held below 2.0.0 by acme:p1998 1.0.0 (^1)
    ");
}

#[test]
fn a_graph_as_wide_as_it_is_large_is_drawn() {
    // Each of 60 layers of 30 needs all of the next: 30^59 paths.
    let layer = |name: usize| if name == 0 { 0 } else { (name - 1) / 30 + 1 };
    let below = move |name: usize| (layer(name) * 30 + 1..=layer(name) * 30 + 30).collect::<Vec<_>>();
    let sandbox = with_lock(1_801, move |name| if layer(name) < 60 { below(name) } else { vec![] });
    let tree = every_view(&sandbox, "acme:p1800");
    // Every step once: from the app, from the first package, and from 59 layers.
    assert_eq!(tree.lines().count(), 1 + 1 + 1 + 30 + 59 * 30 * 30);
    let last_paths = |package: &str| {
        let why = sandbox.run(&["why", package]).done().stdout;
        why.lines().find(|line| line.starts_with("  and ")).map(str::to_owned).unwrap_or_default()
    };
    assert_eq!(last_paths("acme:p90"), "  and 850 more paths");
    assert_eq!(last_paths("acme:p1800"), "  and more paths than can be counted");
}

#[test]
fn packages_that_need_each_other_in_a_circle_are_drawn_once() {
    let sandbox = with_lock(4, |name| vec![(name + 1) % 4, (name + 2) % 4]);
    every_view(&sandbox, "acme:p3");
    insta::assert_snapshot!(shown(&sandbox, &["tree"]), @"
    exit: 0
    --- stdout
    demo
    └── component app
        └── acme:p0 1.0.0 wasm.example (^1)
            ├── acme:p1 1.0.0 wasm.example (^1)
            │   ├── acme:p2 1.0.0 wasm.example (^1)
            │   │   ├── acme:p0 1.0.0 (^1) (*)
            │   │   └── acme:p3 1.0.0 wasm.example (^1)
            │   │       ├── acme:p0 1.0.0 (^1) (*)
            │   │       └── acme:p1 1.0.0 (^1) (*)
            │   └── acme:p3 1.0.0 (^1) (*)
            └── acme:p2 1.0.0 (^1) (*)
    ");
    insta::assert_snapshot!(shown(&sandbox, &["tree", "--invert", "acme:p3"]), @"
    exit: 0
    --- stdout
    acme:p3 1.0.0 wasm.example
    ├── acme:p1 1.0.0 wasm.example (^1)
    │   ├── acme:p0 1.0.0 wasm.example (^1)
    │   │   ├── component app (^1)
    │   │   │   └── demo
    │   │   ├── acme:p2 1.0.0 wasm.example (^1)
    │   │   │   ├── acme:p0 1.0.0 (^1) (*)
    │   │   │   └── acme:p1 1.0.0 (^1) (*)
    │   │   └── acme:p3 1.0.0 (^1) (*)
    │   └── acme:p3 1.0.0 (^1) (*)
    └── acme:p2 1.0.0 (^1) (*)
    ");
    insta::assert_snapshot!(shown(&sandbox, &["why", "acme:p3"]), @"
    exit: 0
    --- stdout
    acme:p3 1.0.0 wasm.example
      demo → component app → acme:p0 1.0.0 (^1) → acme:p1 1.0.0 (^1) → acme:p3 1.0.0 (^1)
      demo → component app → acme:p0 1.0.0 (^1) → acme:p2 1.0.0 (^1) → acme:p3 1.0.0 (^1)
      demo → component app → acme:p0 1.0.0 (^1) → acme:p1 1.0.0 (^1) → acme:p2 1.0.0 (^1) → acme:p3 1.0.0 (^1)
      held below 2.0.0 by acme:p1 1.0.0 (^1), acme:p2 1.0.0 (^1)
    ");
    let itself = with_lock(1, |_| vec![0]);
    insta::assert_snapshot!(shown(&itself, &["tree"]), @"
    exit: 0
    --- stdout
    demo
    └── component app
        └── acme:p0 1.0.0 wasm.example (^1)
            └── acme:p0 1.0.0 (^1) (*)
    ");
}

#[test]
fn versions_are_marked_by_what_the_project_has_to_do_with_them() {
    let sandbox = project();
    sandbox.publish(&base("2.1.0"));
    sandbox.run(&["yank", "acme:base@2.1.0", "--reason", "loses\nthe last \u{1b}[31mblock"]).done();
    insta::assert_snapshot!(shown(&sandbox, &["versions", "acme:base"]), @"
    exit: 0
    --- stdout
    2.1.0       yanked: loses the last �[31mblock; fits ^2
    2.0.0       locked; fits ^2
    1.2.0-rc.1  pre-release
    1.1.0       locked; fits ^1.0.0
    1.0.0       fits ^1.0.0
    --- stderr
    5 versions of acme:base in wasm.example, 1 of them yanked
    ");
    let json = sandbox.run(&["versions", "acme:base", "--format", "json"]).done().json();
    assert_eq!(json["count"], 5);
    let row = |version: &str| {
        let rows = json["versions"].as_array().expect("rows");
        rows.iter().find(|row| row["version"] == version).cloned().unwrap_or(Value::Null)
    };
    assert_eq!(row("2.1.0")["yanked"], true);
    assert_eq!(row("1.2.0-rc.1")["prerelease"], true);
    assert_eq!(row("1.1.0")["locked"], true);
    assert_eq!(row("2.0.0")["fits"], serde_json::json!(["^2"]));
    assert_eq!(json["requirements"][0]["by"], "component `other` (dependency `acme:base/api@2.0.0`)");
    // Without a project there is nothing to be marked but what the registry says.
    fs_err::remove_file(sandbox.project().join("spin.toml")).expect("the manifest");
    insta::assert_snapshot!(shown(&sandbox, &["versions", "acme:base"]), @"
    exit: 0
    --- stdout
    2.1.0       yanked: loses the last �[31mblock
    2.0.0
    1.2.0-rc.1  pre-release
    1.1.0
    1.0.0
    --- stderr
    5 versions of acme:base in wasm.example, 1 of them yanked
    ");
}
