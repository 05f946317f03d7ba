//! What the manifest grants, and what is said about it.

use spin_deps_fixtures::library::chain;
use spin_deps_fixtures::reach::{Probe, imports, reacher};

use super::{app, publish_reacher};

#[test]
fn a_grant_of_what_the_component_does_not_have_is_told() {
    let entry = "\"acme:reach\" = { version = \"^1\", inherit_configuration = [\"environment\", \"sqlite_databases\"] }";
    let sandbox = app(&["acme:reach"], entry);
    publish_reacher(&sandbox, &[Probe::environment("0.2.0")]);
    for arguments in [["lock"].as_slice(), &["lock"], &["verify"]] {
        let run = sandbox.run(arguments);
        assert!(
            run.stderr.contains(
                "warning: component `app` has no `sqlite_databases` itself, so there is nothing for `acme:reach` to inherit yet"
            ),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("`environment` itself"), "{}", run.stderr);
    }
}

#[test]
fn a_capability_that_there_is_not_is_a_mistake() {
    let sandbox = app(
        &["acme:reach"],
        "\"acme:reach\" = { version = \"^1\", inherit_configuration = [\"enviroment\"] }",
    );
    let refused = sandbox.run(&["lock"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @r#"
    exit: 1
    --- stderr
    error: unknown capability `enviroment`
        ╭─[spin.toml:24:59]
     23 │ [component.app.dependencies]
     24 │ "acme:reach" = { version = "^1", inherit_configuration = ["enviroment"] }
        ·                                                           ──────┬─────
        ·                                                                 ╰── no such capability
        ╰────

    hint: did you mean `environment`?
    "#);
    let both = "\"acme:reach\" = { version = \"^1\", inherit_configuration = false }";
    let sandbox = app(&["acme:reach"], both);
    super::declare(&sandbox, "dependencies_inherit_configuration = true\n");
    let refused = sandbox.run(&["lock"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @r#"
    exit: 1
    --- stderr
    error: component `app` sets both `dependencies_inherit_configuration` and the `inherit_configuration` of `acme:reach`
        ╭─[spin.toml:25:16]
     24 │ [component.app.dependencies]
     25 │ "acme:reach" = { version = "^1", inherit_configuration = false }
        ·                ────────────────────────┬────────────────────────
        ·                                        ╰── has a setting of its own
        ╰────

    hint: use one of them: for all dependencies, or for each
    "#);
}

#[test]
fn add_says_what_will_be_denied_and_locks_what_is_granted() {
    let sandbox = app(&["acme:reach"], "");
    publish_reacher(
        &sandbox,
        &[Probe::environment("0.2.0"), Probe::files("0.2.0"), Probe::unheard_of("spin:unheard/of@9.0.0")],
    );
    let run = sandbox.run(&["add", "acme:reach", "--inherit", "environment"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Added acme:reach to component 'app' (acme:reach 1.0.0)
    Locked 1 package in spin-deps.lock
      add acme:reach 1.0.0, gains environment, files
      acme:reach 1.0.0 is now granted environment by component app
    Wrote spin-dependencies.wit
    --- stderr
    warning: acme:reach 1.0.0 imports `spin:unheard/of@9.0.0`, which no capability covers: it will be denied to it, unless `inherit_configuration = true` lets everything through
    warning: acme:reach 1.0.0 reaches for `files`, which will be denied to it; if it may, add `--inherit files`
    ");
    assert!(sandbox.read("spin-deps.lock").contains("{ to = \"app\", capabilities = [\"environment\"] }"));
    sandbox.run(&["lock", "--check"]).done();
}

#[test]
fn the_tree_shows_who_grants_what() {
    let entries = "\"acme:front\" = { version = \"^1\", inherit_configuration = [\"environment\"] }\n\
                   \"acme:reach\" = { path = \"reach.wasm\" }";
    let sandbox = app(&["acme:front", "acme:reach"], entries);
    let probes = [Probe::environment("0.2.0"), Probe::files("0.2.0")];
    publish_reacher(&sandbox, &probes);
    sandbox.write("reach.wasm", reacher("acme:reach", "1.0.0", &probes));
    sandbox.publish(&chain("acme:front", "1.0.0", &[("acme:reach", "1.0.0")]));
    sandbox.run(&["lock"]).done();
    let run = sandbox.run(&["tree", "--capabilities"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    demo
    └── component app
        ├── acme:front 1.0.0 wasm.example (^1; inherits environment)
        │   └── acme:reach 1.0.0 wasm.example (^1.0.0) [environment granted by app, files denied]
        └── reach.wasm (as acme:reach) [environment denied, files denied]
    ");
    let json = sandbox.run(&["tree", "--format", "json"]).done().json();
    let nodes = json["nodes"].as_array().expect("nodes");
    let reach = nodes.iter().find(|it| it["package"] == "acme:reach").expect("the release");
    insta::assert_snapshot!(format!("{} {}", reach["granted"], reach["denied"]), @r#"[{"capabilities":["environment"],"to":"app"}] ["files"]"#);
}

/// Stock Spin composes what it finds in the folder: what is denied is denied there already.
#[test]
fn a_vendored_app_has_the_same_isolation() {
    let entries = "\"acme:front\" = { version = \"^1\", inherit_configuration = [\"environment\"] }\n\
                   \"acme:reach\" = \"^1\"";
    let sandbox = app(&["acme:front", "acme:reach"], entries);
    publish_reacher(&sandbox, &[Probe::environment("0.2.0"), Probe::files("0.3.0")]);
    sandbox.publish(&chain("acme:front", "1.0.0", &[("acme:reach", "1.0.0")]));
    sandbox.run(&["vendor", "vendored"]).done();
    let left = |name: &str| {
        let bytes = fs_err::read(sandbox.project().join("vendored/dependencies").join(name)).expect("a file");
        imports(&bytes).join(" ")
    };
    // The types are harmless: there is nobody to get a descriptor from.
    assert_eq!(left("acme-front-1.0.0.wasm"), "wasi:cli/environment@0.2.0 wasi:filesystem/types@0.3.0");
    assert_eq!(left("acme-reach-1.0.0.wasm"), "wasi:filesystem/types@0.3.0");
    let manifest = sandbox.read("vendored/spin.toml");
    let (_, entries) = manifest.split_once("[component.app.dependencies]").expect("the dependencies");
    insta::assert_snapshot!(sandbox.snapshot_line(entries), @r#"

    # acme:front@1.0.0 sha256:[DIGEST-1]
    # with acme:reach@1.0.0 sha256:[DIGEST-2]
    # denied wasi:filesystem/preopens@0.3.0 to acme:reach@1.0.0
    "acme:front" = { path = "dependencies/acme-front-1.0.0.wasm", inherit_configuration = ["environment"] }
    # acme:reach@1.0.0 sha256:[DIGEST-2]
    # denied wasi:cli/environment@0.2.0 to acme:reach@1.0.0
    # denied wasi:filesystem/preopens@0.3.0 to acme:reach@1.0.0
    "acme:reach" = { path = "dependencies/acme-reach-1.0.0.wasm" }
    "#);
}
