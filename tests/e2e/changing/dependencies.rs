//! A dependency of a component, from each of the four kinds of source.

use super::{add, answers, empty_manifest, other, project};
use crate::support::files::FileServer;
use crate::support::library::{base, environment_counter, two_interfaces};
use crate::support::oci::digest;
use crate::support::world::{REGISTRY, Sandbox};

#[test]
fn a_package_without_a_range_gets_the_newest_release_that_fits_and_is_no_pre_release() {
    insta::assert_snapshot!(add(&project(), &["acme:base"]), @r#"
    exit: 0
    --- stdout
    Added acme:base to component 'app' (acme:base 1.1.0)
    Locked 1 package in spin-deps.lock
      add acme:base 1.1.0
    Wrote spin-dependencies.wit
    --- stderr
    warning: acme:base 2.0.0 does not fit component `app`, so acme:base 1.1.0 is used: acme:base 2.0.0 does not export `acme:base/api@1.0.0`
    --- spin.toml
    [component.app.dependencies]
    "acme:base" = "^1.1.0"
    "#);
}

#[test]
fn a_package_with_a_range_gets_the_newest_release_in_it() {
    let sandbox = project();
    insta::assert_snapshot!(add(&sandbox, &["acme:base@^1"]), @r#"
    exit: 0
    --- stdout
    Added acme:base to component 'app' (acme:base 1.1.0)
    Locked 1 package in spin-deps.lock
      add acme:base 1.1.0
    Wrote spin-dependencies.wit
    --- spin.toml
    [component.app.dependencies]
    "acme:base" = "^1"
    "#);
    answers(&sandbox, "acme:base@1.1.0(/x)");
}

#[test]
fn a_package_brings_what_it_needs() {
    let sandbox = project();
    insta::assert_snapshot!(add(&sandbox, &["acme:middle", "--to", "app"]), @r#"
    exit: 0
    --- stdout
    Added acme:middle to component 'app' (acme:middle 1.0.0)
    Locked 2 packages in spin-deps.lock
      add acme:base 1.1.0
      add acme:middle 1.0.0
    Wrote spin-dependencies.wit
    --- spin.toml
    [component.app.dependencies]
    "acme:middle" = "^1.0.0"
    "#);
}

#[test]
fn adding_it_again_changes_the_range_and_nothing_else() {
    let sandbox = project();
    add(&sandbox, &["acme:base@=1.0.0"]);
    answers(&sandbox, "acme:base@1.0.0(/x)");
    insta::assert_snapshot!(add(&sandbox, &["acme:base@^1.1"]), @r#"
    exit: 0
    --- stdout
    Added acme:base to component 'app' (acme:base 1.1.0)
    Locked 1 package in spin-deps.lock
      update acme:base 1.0.0 → 1.1.0
    Wrote spin-dependencies.wit
    --- spin.toml
    "acme:base" = "^1.1"
    "#);
    assert_eq!(sandbox.read("spin.toml").matches("acme:base").count(), 1);
    answers(&sandbox, "acme:base@1.1.0(/x)");
}

#[test]
fn a_file_is_named_relative_to_the_manifest() {
    let sandbox = project();
    sandbox.write("parts/base.wasm", base("1.0.0"));
    insta::assert_snapshot!(add(&sandbox, &["./parts/base.wasm"]), @r#"
    exit: 0
    --- stdout
    Added acme:base to component 'app' (./parts/base.wasm)
    Locked nothing: the app needs no packages
    Wrote spin-dependencies.wit
    --- spin.toml
    [component.app.dependencies]
    "acme:base" = { path = "./parts/base.wasm" }
    "#);
    answers(&sandbox, "acme:base@1.0.0(/x)");

    // From another directory the same file is typed in another way and written in the same.
    sandbox.write("spin.toml", empty_manifest());
    let mut command = sandbox.command(&["--from", "..", "add", "base.wasm"]);
    Sandbox::run_command(command.current_dir(sandbox.project().join("parts"))).done();
    assert!(
        sandbox.read("spin.toml").contains(r#"{ path = "./parts/base.wasm" }"#),
        "{}",
        sandbox.read("spin.toml")
    );
}

#[test]
fn a_url_is_locked_to_its_digest() {
    let sandbox = project();
    let server = FileServer::start(&base("1.0.0"));
    let sum = digest(&base("1.0.0"));
    // The registry has the same content.
    sandbox.delete_cache();
    insta::assert_snapshot!(add(&sandbox, &[&server.url("base.wasm"), "--digest", &sum]), @r#"
    exit: 0
    --- stdout
    Added acme:base to component 'app' (http://127.0.0.1:[PORT]/base.wasm)
    Locked 1 package in spin-deps.lock
      add http://127.0.0.1:[PORT]/base.wasm
    Wrote spin-dependencies.wit
    --- spin.toml
    [component.app.dependencies]
    "acme:base" = { url = "http://127.0.0.1:[PORT]/base.wasm", digest = "sha256:[DIGEST-1]" }
    "#);
    answers(&sandbox, "acme:base@1.0.0(/x)");
    assert_eq!(server.requests(), 1, "it is fetched once");

    // The server has changed its mind: nobody notices who has the file, and nobody takes the other.
    server.replace(&base("2.0.0"));
    sandbox.run(&["verify", "--frozen"]).failed();
    answers(&sandbox, "acme:base@1.0.0(/x)");
    sandbox.delete_cache();
    let refused = sandbox.run(&["sync"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: the content of the file from `http://127.0.0.1:[PORT]/base.wasm` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used
    ");
}

#[test]
fn another_component_of_the_app_is_a_dependency_too() {
    let sandbox = project();
    sandbox.write("helper.wasm", base("1.0.0"));
    let manifest = empty_manifest() + "\n[component.helper]\nsource = \"helper.wasm\"\n";
    sandbox.write("spin.toml", &manifest);
    insta::assert_snapshot!(add(&sandbox, &["helper", "--to", "app"]), @r#"
    exit: 0
    --- stdout
    Added acme:base to component 'app' (component `helper`)
    Locked nothing: the app needs no packages
    Wrote spin-dependencies.wit
    --- spin.toml
    [component.app.dependencies]
    "acme:base" = { component = "helper" }
    "#);
    answers(&sandbox, "acme:base@1.0.0(/x)");
    sandbox.run(&["remove", "acme:base", "--to", "app"]).done();
    assert_eq!(sandbox.read("spin.toml"), manifest);
}

#[test]
fn each_import_of_one_source_gets_an_entry() {
    let sandbox = project();
    sandbox.publish(&two_interfaces("acme:kit", "1.0.0"));
    let imports = ["--import", "acme:kit/one@1.0.0", "--import", "acme:kit/two@1.0.0"];
    insta::assert_snapshot!(add(&sandbox, &[&["acme:kit@1"], imports.as_slice()].concat()), @r#"
    exit: 0
    --- stdout
    Added acme:kit/one@1.0.0 to component 'app' (acme:kit 1.0.0)
    Added acme:kit/two@1.0.0 to component 'app' (acme:kit 1.0.0)
    Locked 1 package in spin-deps.lock
      add acme:kit 1.0.0
    Wrote spin-dependencies.wit
    --- spin.toml
    [component.app.dependencies]
    "acme:kit/one@1.0.0" = "^1"
    "acme:kit/two@1.0.0" = "^1"
    "#);
    // The package names both entries, and so removes both.
    sandbox.run(&["remove", "acme:kit"]).done();
    assert_eq!(sandbox.read("spin.toml"), empty_manifest());
}

#[test]
fn an_export_of_another_name_can_meet_an_import() {
    let sandbox = project();
    sandbox.publish(&other());
    let names = ["--import", "acme:base/api@1.0.0", "--export", "acme:other/api@1.0.0"];
    insta::assert_snapshot!(add(&sandbox, &[&["acme:other@1"], names.as_slice()].concat()), @r#"
    exit: 0
    --- stdout
    Added acme:base/api@1.0.0 to component 'app' (acme:other 1.0.0)
    Locked 1 package in spin-deps.lock
      add acme:other 1.0.0
    Wrote spin-dependencies.wit
    --- spin.toml
    [component.app.dependencies]
    "acme:base/api@1.0.0" = { version = "^1", package = "acme:other", export = "acme:other/api@1.0.0" }
    "#);
    answers(&sandbox, "acme:other@1.0.0(/x)");
}

#[test]
fn what_is_inherited_is_written_as_a_list_of_keys() {
    let sandbox = project();
    sandbox.write("base.wasm", environment_counter("acme:base", "1.0.0"));
    // It reaches for the environment and is not given it: that is said at once, not when it fails.
    insta::assert_snapshot!(add(&sandbox, &["./base.wasm"]), @r#"
    exit: 0
    --- stdout
    Added acme:base to component 'app' (./base.wasm)
    Locked nothing: the app needs no packages
    Wrote spin-dependencies.wit
    --- stderr
    warning: ./base.wasm reaches for `environment`, which will be denied to it; if it may, add `--inherit environment`
    --- spin.toml
    [component.app.dependencies]
    "acme:base" = { path = "./base.wasm" }
    "#);
    insta::assert_snapshot!(add(&sandbox, &["./base.wasm", "--inherit", "environment,files"]), @r#"
    exit: 0
    --- stdout
    Added acme:base to component 'app' (./base.wasm)
    Locked nothing: the app needs no packages
    --- stderr
    warning: component `app` has no `environment` itself, so there is nothing for `acme:base` to inherit yet
    warning: component `app` has no `files` itself, so there is nothing for `acme:base` to inherit yet
    --- spin.toml
    "acme:base" = { path = "./base.wasm", inherit_configuration = ["environment", "files"] }
    "#);
    insta::assert_snapshot!(add(&sandbox, &["./base.wasm", "--inherit", "all"]), @r#"
    exit: 0
    --- stdout
    Added acme:base to component 'app' (./base.wasm)
    Locked nothing: the app needs no packages
    --- stderr
    warning: component `app` has no `environment` itself, so there is nothing for `acme:base` to inherit yet
    warning: component `app` has no `files` itself, so there is nothing for `acme:base` to inherit yet
    --- spin.toml
    "acme:base" = { path = "./base.wasm", inherit_configuration = ["environment"] }
    "#);
    insta::assert_snapshot!(add(&sandbox, &["./base.wasm", "--inherit", "none"]), @r#"
    exit: 0
    --- stdout
    Added acme:base to component 'app' (./base.wasm)
    Locked nothing: the app needs no packages
    --- stderr
    warning: ./base.wasm reaches for `environment`, which will be denied to it; if it may, add `--inherit environment`
    warning: component `app` has no `environment` itself, so there is nothing for `acme:base` to inherit yet
    --- spin.toml
    "acme:base" = { path = "./base.wasm", inherit_configuration = [] }
    "#);
}

#[test]
fn another_registry_than_the_configured_one_is_written_down() {
    let sandbox = Sandbox::new();
    sandbox.use_folders(&[REGISTRY, "other.example"]);
    sandbox.publish(&base("1.0.0"));
    sandbox.publish_to("other.example", &base("1.5.0"));
    sandbox.write_app(&[("acme:base", "1.0.0")], "", "");
    insta::assert_snapshot!(add(&sandbox, &["acme:base@1", "--registry", "other.example"]), @r#"
    exit: 0
    --- stdout
    Added acme:base to component 'app' (acme:base 1.5.0)
    Locked 1 package in spin-deps.lock
      add acme:base 1.5.0
    Wrote spin-dependencies.wit
    --- spin.toml
    [component.app.dependencies]
    "acme:base" = { version = "^1", registry = "other.example" }
    "#);
    answers(&sandbox, "acme:base@1.5.0(/x)");
    assert!(sandbox.read("spin-deps.lock").contains("other.example"));
}

#[test]
fn a_component_has_to_be_named_where_there_are_several() {
    let sandbox = project();
    sandbox.write("spin.toml", empty_manifest() + "\n[component.helper]\nsource = \"helper.wasm\"\n");
    let before = sandbox.files();
    let refused = sandbox.run(&["add", "acme:base@1"]).misused();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 2
    --- stderr
    error: the app has several components

    hint: name the one that gets the dependency with `--to`: `app`, `helper`
    ");
    assert!(sandbox.files() == before, "a question changes nothing");
}

#[test]
fn what_is_no_source_is_refused() {
    let sandbox = project();
    sandbox.write("kit.wasm", two_interfaces("acme:kit", "1.0.0"));
    for (arguments, code) in [
        (["add", "bas", "--to", "app"].as_slice(), 1),
        (&["add", "acme:base@one"], 1),
        (&["add", "acme:base@^3"], 1),
        (&["add", "./nowhere.wasm"], 1),
        (&["add", "acme:base@1", "--locked"], 1),
        (&["add", "acme:base@1", "--frozen"], 1),
        (&["add", "./app.wasm"], 1),
        (&["add", "acme:base@1", "--inherit", "enviroment"], 1),
        (&["add", "acme:base@1", "--import", "acme"], 1),
        (&["add", "acme:base@1", "--digest", "sha256:12"], 2),
    ] {
        let before = sandbox.files();
        let run = sandbox.run(arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.starts_with("error: "), "{arguments:?}: {}", run.stderr);
        assert!(sandbox.files() == before, "{arguments:?} changed a file");
    }
}
