//! Two machines' worth of runs: what is committed and what is composed has the same bytes on both.

use crate::support::library::{ANSWER, IMPORTS, publish_all};
use crate::support::registry::Registry;
use crate::support::world::{Sandbox, manifest};

/// Everything a project gets from us, made in a home of its own.
fn from_scratch(registry: &Registry, place: &str, from: &str) -> Vec<(String, Vec<u8>)> {
    let sandbox = Sandbox::with_project(place);
    sandbox.use_registry(registry);
    let table =
        "\"acme:middle\" = \"^1\"\n\"acme:base\" = \"^2\"\n\n[component.app.tool.deps]\nbindings = \"rust\"";
    sandbox.write_app(&[IMPORTS[0], ("acme:base", "2.0.0")], "", "");
    sandbox.write("spin.toml", manifest(table, &format!("{ANSWER}\nacme:base@2.0.0(/x)")));

    // The working directory is another one in each run, and so is the way the project is named.
    let elsewhere = sandbox.root().join(from);
    fs_err::create_dir_all(&elsewhere).expect("a working directory");
    let project = sandbox.project().to_str().expect("a path in UTF-8").to_owned();
    for arguments in [["lock", "--quiet"].as_slice(), &["sync", "--quiet"], &["compose", "app", "-o"]] {
        let mut command = sandbox.command(&["--from", &project]);
        command.args(arguments).current_dir(&elsewhere);
        if arguments.last() == Some(&"-o") {
            command.arg(sandbox.project().join("composed.wasm"));
        }
        Sandbox::run_command(&mut command).done();
    }
    sandbox.files().into_iter().collect()
}

#[test]
fn two_homes_two_places_and_the_same_bytes() {
    let registry = Registry::open();
    let publisher = Sandbox::new();
    publisher.use_registry(&registry);
    publish_all(&publisher);

    let first = from_scratch(&registry, "work/app", "work");
    let second = from_scratch(&registry, "somewhere/quite/different", "elsewhere");

    let names: Vec<_> = first.iter().map(|(name, _)| name.as_str()).collect();
    for expected in ["composed.wasm", "spin-dependencies.wit", "spin-deps.lock", "spin.toml"] {
        assert!(names.contains(&expected), "{expected} is missing in {names:?}");
    }
    assert!(
        names
            .iter()
            .any(|name| Some("rs") == std::path::Path::new(name).extension().and_then(|end| end.to_str())),
        "the Rust bindings are missing in {names:?}"
    );
    assert_eq!(names, second.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
    for ((name, one), (_, other)) in first.iter().zip(&second) {
        assert!(one == other, "{name} differs between two machines");
    }
}

#[test]
fn doing_it_again_changes_nothing_and_writes_nothing() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, "\"acme:middle\" = \"^1\"", ANSWER);
    sandbox.run(&["sync"]).done();
    let modified = |name: &str| {
        let file = sandbox.project().join(name);
        fs_err::metadata(file).and_then(|metadata| metadata.modified()).expect("the time of a file")
    };
    let generated = ["spin-deps.lock", "spin-dependencies.wit"];
    let before = (sandbox.files(), generated.map(modified));
    sandbox.run(&["lock"]).done();
    sandbox.run(&["sync"]).done();
    assert!((sandbox.files(), generated.map(modified)) == before, "unchanged files are not written again");
}
