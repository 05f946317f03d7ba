//! The main job from end to end: publish, add, resolve, lock, fetch, wire, run, against a real registry.

use spin_deps_fixtures::http::{p2_app, p3_app, p3_middleware};

use crate::running::serve;
use crate::support::http;
use crate::support::library::{ANSWER, BASE, DEPENDENCIES, IMPORTS, base, middle, publish_all};
use crate::support::registry::Registry;
use crate::support::world::{Sandbox, manifest};

/// The versions that the lock has for `package`.
fn locked(sandbox: &Sandbox, package: &str) -> Vec<String> {
    let lock: toml_edit::DocumentMut = sandbox.read("spin-deps.lock").parse().expect("a lock in TOML");
    let packages = lock["package"].as_array_of_tables().expect("locked packages");
    packages
        .iter()
        .filter(|entry| entry["name"].as_str() == Some(package))
        .map(|entry| entry["version"].as_str().expect("a version").to_owned())
        .collect()
}

/// Verifies the app, which answers `answer` to `/x`, and then expects another answer to see that it really asks.
fn verify(sandbox: &Sandbox, answer: &str) {
    sandbox.run(&["verify"]).done();
    let manifest = sandbox.read("spin.toml");
    let expected = toml_edit::Value::from(answer).to_string();
    let other = manifest.replace(&expected, "\"something else\"");
    assert_ne!(manifest, other, "the manifest does not expect {expected}");
    sandbox.write("spin.toml", other);
    let refused = sandbox.run(&["verify"]).failed();
    let shown = refused.stdout + &refused.stderr;
    assert!(shown.contains("something else"), "the expected answer is shown:\n{shown}");
    assert!(answer.lines().all(|line| shown.contains(line)), "and the one that came:\n{shown}");
    sandbox.write("spin.toml", manifest);
}

/// Composes the app into a file that is not part of the project and gives its bytes.
fn composed(sandbox: &Sandbox, more: &[&str]) -> Vec<u8> {
    let file = sandbox.root().join("composed.wasm");
    let mut arguments = vec!["compose", "app", "-o", file.to_str().expect("a path in UTF-8")];
    arguments.extend(more);
    sandbox.run(&arguments).done();
    fs_err::read(file).expect("the composed component")
}

fn from_publishing_to_the_answer(registry: &Registry) {
    let sandbox = Sandbox::new();
    sandbox.use_registry(registry);
    publish_all(&sandbox);
    sandbox.run(&["publish", &sandbox.artifact(&p2_app(IMPORTS)), "--package", "acme:app@1.0.0"]).done();

    let versions = sandbox.run(&["versions", "acme:base", "--format", "json"]).done().json().to_string();
    for version in BASE {
        assert!(versions.contains(&format!("\"{version}\"")), "{version} is missing in {versions}");
    }

    sandbox.write_app(IMPORTS, "", ANSWER);
    sandbox.run(&["add", "acme:middle@^1", "--to", "app"]).done();
    assert_eq!(sandbox.read("spin.toml"), manifest(DEPENDENCIES, ANSWER), "the manifest after `add`");
    assert_eq!(locked(&sandbox, "acme:middle"), ["1.0.0"]);
    assert_eq!(
        locked(&sandbox, "acme:base"),
        ["1.1.0"],
        "the newest release in the range of a dependency's dependency"
    );
    assert!(sandbox.read("spin-dependencies.wit").contains("acme:middle"));

    sandbox.run(&["lock", "--check"]).done();
    verify(&sandbox, ANSWER);
    let before = (sandbox.files(), composed(&sandbox, &[]));

    sandbox.delete_cache();
    let refused = sandbox.run(&["sync", "--frozen"]).failed();
    assert!(
        refused.stderr.contains("--frozen"),
        "the flag that forbids the network is named:\n{}",
        refused.stderr
    );
    assert_eq!(sandbox.files(), before.0, "a refused sync leaves the project alone");

    sandbox.run(&["sync", "--locked"]).done();
    assert_eq!(sandbox.files(), before.0, "a locked sync brings back the same files");
    assert!(composed(&sandbox, &["--frozen"]) == before.1, "and the same composed component");
    sandbox.run(&["verify", "--frozen"]).done();
}

#[test]
fn an_app_goes_from_publishing_to_its_answer_on_an_open_registry() {
    from_publishing_to_the_answer(&Registry::open());
}

#[test]
fn an_app_goes_from_publishing_to_its_answer_on_a_registry_with_a_password() {
    from_publishing_to_the_answer(&Registry::with_password());
}

#[test]
fn up_serves_the_app_and_ends_cleanly_on_ctrl_c() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);

    let (up, address) = serve(&sandbox, &[]);
    let answer = http::get(&format!("http://{address}/x?y=1"));
    assert_eq!((answer.status, answer.text().as_str()), (200, "acme:middle@1.0.0(acme:base@1.1.0(/x?y=1))"));

    up.interrupt();
    let ended = up.finish();
    assert_eq!(ended.status.code(), Some(0), "Ctrl-C is how `up` is meant to end:\n{}", ended.stderr);
    assert!(std::net::TcpStream::connect(&address).is_err(), "nobody listens any more");
}

#[test]
fn middleware_stands_in_front_of_the_app_it_was_added_to() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.write("app.wasm", p3_app(IMPORTS));
    sandbox.write("outer.wasm", p3_middleware("x-outer", "was here"));
    sandbox.write("inner.wasm", p3_middleware("x-inner", "and here"));
    let manifest = sandbox.read("spin.toml");
    sandbox.run(&["add", "./inner.wasm", "--route", "/..."]).done();
    sandbox.run(&["add", "./outer.wasm", "--route", "/...", "--position", "0"]).done();
    let changed = sandbox.read("spin.toml");
    assert!(
        changed.find("./outer.wasm") < changed.find("./inner.wasm"),
        "the outermost comes first:\n{changed}"
    );
    {
        let (_up, address) = serve(&sandbox, &[]);
        let answer = http::get(&format!("http://{address}/x"));
        assert_eq!((answer.status, answer.text().as_str()), (200, ANSWER));
        let header = |name: &str| answer.headers.get(name).map(String::as_str);
        assert_eq!((header("x-outer"), header("x-inner")), (Some("was here"), Some("and here")));
    }
    for name in ["./outer.wasm", "./inner.wasm"] {
        sandbox.run(&["remove", name, "--route", "/..."]).done();
    }
    assert_eq!(sandbox.read("spin.toml"), manifest);
}

#[test]
fn two_majors_of_a_package_live_side_by_side() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    let imports = [("acme:middle", "1.0.0"), ("acme:base", "2.0.0")];
    let answer = format!("{ANSWER}\nacme:base@2.0.0(/x)");
    sandbox.write_app(&imports, "", &answer);
    sandbox.run(&["add", "acme:middle@1", "--to", "app"]).done();
    sandbox.run(&["add", "acme:base@2", "--to", "app"]).done();
    assert_eq!(locked(&sandbox, "acme:base"), ["1.1.0", "2.0.0"]);
    verify(&sandbox, &answer);
}

#[test]
fn a_pre_release_runs_only_where_it_is_asked_for() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.write_app(
        &[("acme:base", "1.2.0-rc.1")],
        "\"acme:base\" = \">=1.2.0-rc.1, <2\"",
        "acme:base@1.2.0-rc.1(/x)",
    );
    sandbox.run(&["verify"]).done();
    assert_eq!(locked(&sandbox, "acme:base"), ["1.2.0-rc.1"]);
}

#[test]
fn a_newer_release_does_not_move_a_lock_that_fits() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["lock"]).done();
    let lock = sandbox.read("spin-deps.lock");

    sandbox.publish(&base("1.3.0"));
    sandbox.publish(&middle("1.1.0"));
    // As on another machine, which has never seen the older answer of the registry.
    sandbox.delete_cache();
    sandbox.run(&["lock"]).done();
    assert_eq!(sandbox.read("spin-deps.lock"), lock);

    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    sandbox.run(&["lock"]).done();
    assert_eq!(locked(&sandbox, "acme:base"), ["1.3.0"], "without a lock the newest is chosen");
    assert_eq!(locked(&sandbox, "acme:middle"), ["1.1.0"]);
}

#[test]
fn a_component_can_itself_come_from_the_registry() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.run(&["publish", &sandbox.artifact(&p2_app(IMPORTS)), "--package", "acme:app@1.0.0"]).done();
    let from_file = manifest(DEPENDENCIES, ANSWER);
    let from_registry = from_file
        .replace("source = \"app.wasm\"", "source = { package = \"acme:app\", version = \"1.0.0\" }");
    assert_ne!(from_file, from_registry);
    sandbox.write("spin.toml", from_registry);
    verify(&sandbox, ANSWER);
}

#[test]
fn a_published_version_is_never_overwritten() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&base("1.0.0"));
    let manifest = registry.manifest_digest("acme/base", "1.0.0");
    // The same bytes are no change; to publish them twice is what a repeated CI job does.
    sandbox.publish(&base("1.0.0"));
    let other = sandbox.artifact(&base("1.1.0"));
    let refused = sandbox.run(&["publish", &other, "--package", "acme:base@1.0.0"]).failed();
    assert!(refused.stderr.contains("acme:base"), "{}", refused.stderr);
    assert_eq!(registry.manifest_digest("acme/base", "1.0.0"), manifest);
}

#[test]
fn what_was_resolved_can_be_asked_for() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["sync"]).done();
    for (arguments, expected) in [
        (["tree"].as_slice(), ["acme:middle", "acme:base"].as_slice()),
        (&["tree", "--invert", "acme:base"], &["acme:base", "acme:middle", "app"]),
        (&["why", "acme:base"], &["app", "acme:middle", "acme:base"]),
        (&["info", "acme:base@1.1.0"], &["acme:base", "1.1.0", "sha256:"]),
    ] {
        let run = sandbox.run(arguments).done();
        let mut rest = run.stdout.as_str();
        for word in expected {
            let at = rest
                .find(word)
                .unwrap_or_else(|| panic!("{arguments:?} has no {word:?} here:\n{}", run.stdout));
            rest = &rest[at + word.len()..];
        }
    }
}

#[test]
fn removing_a_dependency_leaves_no_trace_of_it() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, "", ANSWER);
    let manifest = sandbox.read("spin.toml");
    sandbox.run(&["add", "acme:middle@^1", "--to", "app"]).done();
    assert_ne!(sandbox.read("spin.toml"), manifest);
    assert!(sandbox.project().join("spin-dependencies.wit").exists());
    sandbox.run(&["remove", "acme:middle", "--to", "app"]).done();
    assert_eq!(sandbox.read("spin.toml"), manifest);
    assert!(!sandbox.project().join("spin-dependencies.wit").exists(), "no dependencies, no WIT of them");
    let lock = fs_err::read_to_string(sandbox.project().join("spin-deps.lock")).unwrap_or_default();
    assert!(!lock.contains("acme:"), "{lock}");
}
