//! The lockfile says what each release imports of the host and what it is granted of that, and is held to both.

use spin_deps_fixtures::library::chain;
use spin_deps_fixtures::reach::{Probe, reacher};

use super::{app, publish_reacher};
use crate::support::world::Sandbox;

/// Two components: `app` with `acme:front`, which needs `acme:reach`, and `web` with `acme:reach` itself.
fn two_components(front: &str, reach: &str) -> Sandbox {
    let sandbox = app(&["acme:front"], &format!("\"acme:front\" = {{ version = \"^1\"{front} }}"));
    publish_reacher(&sandbox, &[Probe::environment("0.2.0"), Probe::files("0.2.99")]);
    sandbox.publish(&chain("acme:front", "1.0.0", &[("acme:reach", "1.0.0")]));
    let second = format!(
        "\n[[trigger.http]]\nroute = \"/web\"\ncomponent = \"web\"\n\n[component.web]\nsource = \"web.wasm\"\n\
         environment = {{ A = \"1\" }}\n\n[component.web.dependencies]\n\"acme:reach\" = {{ version = \"^1\"{reach} }}\n"
    );
    sandbox.write("web.wasm", spin_deps_fixtures::http::p2_app(&[("acme:reach", "1.0.0")]));
    sandbox.write("spin.toml", sandbox.read("spin.toml") + &second);
    sandbox
}

const ALL: &str = ", inherit_configuration = true";
const ENVIRONMENT: &str = ", inherit_configuration = [\"environment\"]";

/// The lines of the lockfile from the capabilities of a package to its dependencies.
fn reach_of(sandbox: &Sandbox, package: &str) -> String {
    let lock = sandbox.read("spin-deps.lock");
    let (_, entry) = lock.split_once(&format!("name = \"{package}\"")).expect("the package");
    let start = entry.find("capabilities").expect("its capabilities");
    let end = entry.find("dependencies").expect("its dependencies");
    entry[start..end].to_owned()
}

#[test]
fn each_component_is_there_with_what_it_passes_on() {
    let sandbox = two_components(ALL, ENVIRONMENT);
    let run = sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Locked 2 packages in spin-deps.lock
      add acme:front 1.0.0
      acme:front 1.0.0 is now granted environment, files by component app
      add acme:reach 1.0.0, gains environment, files
      acme:reach 1.0.0 is now granted environment, files by component app
      acme:reach 1.0.0 is now granted environment by component web
    ");
    insta::assert_snapshot!(reach_of(&sandbox, "acme:reach"), @r#"
    capabilities = ["environment", "files"]
    imports = [
        "wasi:cli/environment@0.2.0",
        "wasi:filesystem/preopens@0.2.99",
    ]
    granted = [
        { to = "app", capabilities = ["environment", "files"] },
        { to = "web", capabilities = ["environment"] },
    ]
    "#);
    // It reaches for nothing itself, and passes on what it was granted.
    insta::assert_snapshot!(reach_of(&sandbox, "acme:front"), @r#"
    capabilities = []
    granted = [
        { to = "app", capabilities = ["environment", "files"] },
    ]
    "#);
    sandbox.run(&["lock", "--check"]).done();
    let again = sandbox.run(&["lock", "--format", "json"]).done().json();
    assert_eq!(again["status"], "up-to-date");
    insta::assert_snapshot!(again["packages"][1]["granted"].to_string(), @r#"[{"capabilities":["environment","files"],"to":"app"},{"capabilities":["environment"],"to":"web"}]"#);
}

#[test]
fn a_manifest_that_grants_something_else_does_not_fit() {
    let sandbox = two_components(ALL, ENVIRONMENT);
    sandbox.run(&["lock"]).done();
    let manifest = sandbox.read("spin.toml");
    let less = manifest.replace(ALL, "");
    sandbox.write(
        "spin.toml",
        less.replace(ENVIRONMENT, ", inherit_configuration = [\"environment\", \"files\"]"),
    );
    for arguments in [["lock", "--check"].as_slice(), &["--locked", "lock"], &["--locked", "verify"]] {
        let refused = sandbox.run(arguments).failed();
        assert!(
            refused.stderr.contains("grants acme:reach 1.0.0 the capability `files`"),
            "{}",
            refused.stderr
        );
    }
    let refused = sandbox.run(&["lock", "--check"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--check` forbids to change it:
      - acme:front 1.0.0 is locked as granted the capability `environment` by component `app`, and no longer is
      - acme:front 1.0.0 is locked as granted the capability `files` by component `app`, and no longer is
      - component `web` grants acme:reach 1.0.0 the capability `files` by `acme:reach`, which is not locked
      - acme:reach 1.0.0 is locked as granted the capability `environment` by component `app`, and no longer is
      - acme:reach 1.0.0 is locked as granted the capability `files` by component `app`, and no longer is

    hint: run `spin-deps lock` without `--check` and commit spin-deps.lock
    ");
    // Which releases there are is not asked again: there is nobody to ask.
    sandbox.delete_cache();
    let run = sandbox.run(&["--offline", "lock"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Locked 2 packages in spin-deps.lock
      acme:front 1.0.0 is no longer granted environment, files by component app
      acme:reach 1.0.0 is no longer granted environment, files by component app
      acme:reach 1.0.0 is now granted files by component web
    --- stderr
    warning: component `web` has no `files` itself, so there is nothing for `acme:reach` to inherit yet
    ");
    insta::assert_snapshot!(reach_of(&sandbox, "acme:reach"), @r#"
    capabilities = ["environment", "files"]
    imports = [
        "wasi:cli/environment@0.2.0",
        "wasi:filesystem/preopens@0.2.99",
    ]
    granted = [
        { to = "web", capabilities = ["environment", "files"] },
    ]
    "#);
    sandbox.run(&["--frozen", "lock"]).done();
}

/// A lockfile of before imports and grants were recorded.
#[test]
fn an_older_lockfile_is_completed() {
    let sandbox = two_components(ALL, ENVIRONMENT);
    sandbox.run(&["lock"]).done();
    let lock = sandbox.read("spin-deps.lock");
    let lists = regex::Regex::new(r"(?m)^(imports|granted) = \[\n(    .*\n)*\]\n").expect("a pattern");
    let old = lists.replace_all(&lock, "");
    assert!(old.len() < lock.len() && !old.contains("granted"));
    sandbox.write("spin-deps.lock", &*old);
    let refused = sandbox.run(&["lock", "--check"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--check` forbids to change it:
      - what acme:reach 1.0.0 imports of the host is not locked
      - component `app` grants acme:front 1.0.0 the capability `environment` by `acme:front`, which is not locked
      - component `app` grants acme:front 1.0.0 the capability `files` by `acme:front`, which is not locked
      - component `app` grants acme:reach 1.0.0 the capability `environment` by `acme:front`, which is not locked
      - component `app` grants acme:reach 1.0.0 the capability `files` by `acme:front`, which is not locked
      - component `web` grants acme:reach 1.0.0 the capability `environment` by `acme:reach`, which is not locked

    hint: run `spin-deps lock` without `--check` and commit spin-deps.lock
    ");
    let run = sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Locked 2 packages in spin-deps.lock
      acme:front 1.0.0 is now granted environment, files by component app
      acme:reach 1.0.0 is now granted environment, files by component app
      acme:reach 1.0.0 is now granted environment by component web
    ");
    assert_eq!(sandbox.read("spin-deps.lock"), lock);
}

#[test]
fn content_that_imports_more_than_the_lockfile_says_is_refused() {
    let sandbox = app(&["acme:reach"], "\"acme:reach\" = { version = \"^1\", inherit_configuration = true }");
    let probes = [
        Probe::environment("0.2.0"),
        Probe::environment("0.3.0"),
        Probe::unheard_of("spin:unheard/of@9.0.0"),
    ];
    publish_reacher(&sandbox, &probes);
    sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(reach_of(&sandbox, "acme:reach"), @r#"
    capabilities = ["environment"]
    imports = [
        "spin:unheard/of@9.0.0",
        "wasi:cli/environment@0.2.0",
        "wasi:cli/environment@0.3.0",
    ]
    granted = [
        { to = "app", capabilities = ["all", "environment"] },
    ]
    "#);
    let lock = sandbox.read("spin-deps.lock");
    for hidden in ["    \"wasi:cli/environment@0.3.0\",\n", "    \"spin:unheard/of@9.0.0\",\n"] {
        assert!(lock.contains(hidden));
        let edited = lock.replace(hidden, "").replace("\"all\", ", "");
        sandbox.write("spin-deps.lock", edited);
        for arguments in [["verify"].as_slice(), &["compose", "app", "-o", "composed.wasm"]] {
            let refused = sandbox.run(arguments).failed();
            let name = hidden.trim().trim_end_matches(',').trim_matches('"');
            let told =
                format!("acme:reach@1.0.0 imports `{name}` of the host, which the lockfile does not record");
            assert!(refused.stderr.contains(&told), "{}", refused.stderr);
        }
    }
}

/// An update that can use more of what it was granted is told, and stops as it did before.
#[test]
fn an_update_tells_what_it_is_granted_now() {
    let entry = "\"acme:reach\" = { version = \"^1\", inherit_configuration = [\"environment\", \"files\"] }";
    let sandbox = app(&["acme:reach"], entry);
    publish_reacher(&sandbox, &[Probe::environment("0.2.0")]);
    sandbox.run(&["lock"]).done();
    let more = reacher("acme:reach", "1.1.0", &[Probe::environment("0.2.0"), Probe::files("0.2.0")]);
    sandbox.publish(&more);
    let refused = sandbox.run(&["update"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stdout
    package     from   to     change  capabilities
    acme:reach  1.0.0  1.1.0  minor   +files
    acme:reach 1.1.0 is now granted files by component app
    --- stderr
    error: the update would let these reach more than before:
      - acme:reach 1.1.0: the capability `files`

    hint: if they may, run the same command with `--allow-capabilities`
    ");
    let run = sandbox.run(&["update", "--allow-capabilities", "--format", "json"]).done();
    assert_eq!(run.json()["grants"][0], "acme:reach 1.1.0 is now granted files by component app");
    insta::assert_snapshot!(reach_of(&sandbox, "acme:reach"), @r#"
    capabilities = ["environment", "files"]
    imports = [
        "wasi:cli/environment@0.2.0",
        "wasi:filesystem/preopens@0.2.0",
    ]
    granted = [
        { to = "app", capabilities = ["environment", "files"] },
    ]
    "#);
}
