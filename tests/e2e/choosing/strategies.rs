//! `lock --resolution`: the lowest releases that the requirements admit, for authors who want to know whether they ask
//! for enough.

use crate::support::library::{base, middle};
use crate::support::world::Sandbox;

/// An app with a requirement on `acme:middle` and, through that, one on `acme:base`.
fn app() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    for version in ["1.0.0", "1.1.0", "1.2.0-rc.1", "1.2.0", "2.0.0"] {
        sandbox.publish(&base(version));
    }
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        sandbox.publish(&middle(version));
    }
    sandbox.write_app(&[("acme:middle", "1.0.0")], "\"acme:middle\" = \">=1.0.0, <2\"", "");
    sandbox
}

/// Locks with the arguments and gives what the app answers then.
#[track_caller]
fn answer(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.run(&[&["lock"], arguments].concat()).done();
    let run = sandbox.run(&["verify", "--locked", "--format", "json"]);
    run.json()["answers"][0]["body"].as_str().expect("a body").to_owned()
}

#[test]
fn the_lowest_of_all_or_of_what_the_manifest_names() {
    let sandbox = app();
    let lowest = "acme:middle@1.0.0(acme:base@1.0.0(/x))";
    let highest = "acme:middle@1.2.0(acme:base@1.2.0(/x))";
    assert_eq!(answer(&sandbox, &[]), highest);
    assert_eq!(answer(&sandbox, &["--resolution", "lowest"]), lowest);
    let lock = sandbox.read("spin-deps.lock");
    assert_eq!(answer(&sandbox, &[]), lowest, "what is locked is kept");
    assert_eq!(
        answer(&sandbox, &["--resolution", "lowest-direct"]),
        "acme:middle@1.0.0(acme:base@1.2.0(/x))"
    );
    assert_eq!(answer(&sandbox, &["--resolution", "highest"]), highest);
    let before = sandbox.files();
    let refused = sandbox.run(&["lock", "--resolution", "lowest", "--locked"]).failed();
    assert!(sandbox.files() == before);
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: the lockfile does not fit the manifest, and `--locked` forbids to change it:
      - downgrade acme:base 1.2.0 → 1.0.0
      - downgrade acme:middle 1.2.0 → 1.0.0

    hint: run `spin-deps lock` without `--locked` and commit spin-deps.lock
    ");
    assert_eq!(answer(&sandbox, &["--resolution", "lowest"]), lowest);
    assert_eq!(sandbox.read("spin-deps.lock"), lock, "the same answer on every run");
    sandbox.run(&["lock", "--resolution", "lowest", "--locked"]).done();
    sandbox.run(&["lock", "--resolution", "lowest", "--check"]).misused();
}
