//! Whether a release keeps what the releases of its series promised.

use spin_deps_fixtures::library::with_origin;
use spin_deps_fixtures::wit_package;

use super::base_with;
use crate::support::http;
use crate::support::library::{base, two_interfaces};
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

fn published(versions: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    for version in versions {
        sandbox.publish(&base(version));
    }
    sandbox
}

fn said(sandbox: &Sandbox, bytes: &[u8], options: &[&str]) -> String {
    let file = sandbox.artifact(bytes);
    let mut arguments = vec!["publish", &file];
    arguments.extend(options);
    sandbox.snapshot(&sandbox.run(&arguments))
}

#[test]
fn a_release_that_breaks_the_one_below_it_is_refused_with_all_that_breaks() {
    let sandbox = published(&["1.0.0", "1.1.0"]);
    insta::assert_snapshot!(said(&sandbox, &base_with("1.2.0", "run"), &[]), @"
    exit: 1
    --- stderr
    error: acme:base 1.2.0 is not compatible with 1.1.0, as releases of one series have to be:
      - `acme:base/api@1.1.0`: the function `call` is gone
        was call: func(input: string) -> string

    hint: publish it as 2.0.0, or with `--skip-semver-check` if nobody can depend on what is gone
    ");
    insta::assert_snapshot!(said(&sandbox, &two_interfaces("acme:base", "1.2.0"), &[]), @"
    exit: 1
    --- stderr
    error: acme:base 1.2.0 is not compatible with 1.1.0, as releases of one series have to be:
      - the export `acme:base/api@1.1.0` is gone

    hint: publish it as 2.0.0, or with `--skip-semver-check` if nobody can depend on what is gone
    ");
    assert_eq!(
        sandbox.run(&["versions", "acme:base"]).done().stdout,
        "1.1.0\n1.0.0\n",
        "nothing was written"
    );
    // The same under a version that promises nothing, or by the user's word.
    insta::assert_snapshot!(said(&sandbox, &base_with("2.0.0", "run"), &[]), @"
    exit: 0
    --- stdout
    Published acme:base 2.0.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-1]
    ");
    insta::assert_snapshot!(said(&sandbox, &base_with("1.2.0", "run"), &["--skip-semver-check"]), @"
    exit: 0
    --- stdout
    Published acme:base 1.2.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-1]
    ");
}

#[test]
fn a_release_that_the_one_above_it_breaks_is_refused() {
    let sandbox = published(&["1.3.0"]);
    insta::assert_snapshot!(said(&sandbox, &base_with("1.2.5", "run"), &[]), @"
    exit: 1
    --- stderr
    error: acme:base 1.3.0 is not compatible with 1.2.5, as releases of one series have to be:
      - `acme:base/api@1.2.5`: the function `run` is gone
        was run: func(input: string) -> string

    hint: whoever takes 1.2.5 may get 1.3.0 instead; publish it as 2.0.0, or with `--skip-semver-check` if nobody can depend on the difference
    ");
    sandbox.publish(&base("1.2.5"));
}

#[test]
fn what_was_yanked_and_what_is_a_pre_release_is_not_compared_with() {
    let sandbox = published(&["1.0.0"]);
    let file = sandbox.artifact(&base_with("1.1.0", "run"));
    sandbox.run(&["publish", &file, "--skip-semver-check"]).done();
    let next = sandbox.artifact(&base("1.2.0"));
    sandbox.run(&["publish", &next]).failed();
    sandbox.run(&["yank", "acme:base@1.1.0"]).done();
    sandbox.run(&["publish", &next]).done();
    sandbox.publish(&base_with("1.3.0-rc.1", "run"));
    sandbox.publish(&base("1.3.0"));
}

#[test]
fn a_patch_that_adds_something_is_told_so() {
    let wit = |version: &str, more: &str| {
        wit_package(&format!("package acme:types@{version};\ninterface api {{ a: func(); {more} }}"))
            .expect("a WIT package")
    };
    let sandbox = published(&[]);
    sandbox.publish(&wit("1.0.0", ""));
    insta::assert_snapshot!(said(&sandbox, &wit("1.0.1", "b: func();"), &[]), @"
    exit: 0
    --- stdout
    Published acme:types 1.0.1 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-1]
    --- stderr
    note: acme:types 1.0.1 has more than 1.0.0; semver calls that a minor release, 1.1.0
    ");
    insta::assert_snapshot!(said(&sandbox, &wit("1.1.0", ""), &[]), @"
    exit: 1
    --- stderr
    error: acme:types 1.1.0 is not compatible with 1.0.1, as releases of one series have to be:
      - `acme:types/api@1.0.1`: the function `b` is gone
        was b: func()

    hint: publish it as 2.0.0, or with `--skip-semver-check` if nobody can depend on what is gone
    ");
    sandbox.publish(&wit("0.1.0", ""));
    insta::assert_snapshot!(said(&sandbox, &wit("0.1.1", "b: func();"), &[]), @"
    exit: 0
    --- stdout
    Published acme:types 0.1.1 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-1]
    ");
}

#[test]
fn a_dry_run_shows_everything_and_writes_nothing() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&base("1.0.0"));
    sandbox.publish(&crate::support::library::middle("1.0.0"));
    let next = spin_deps_fixtures::library::chain(
        "acme:middle",
        "1.1.0",
        &[("acme:base", "1.0.0"), ("acme:more", "2.1.0")],
    );
    insta::assert_snapshot!(said(&sandbox, &next, &["--dry-run"]), @r#"
    exit: 0
    --- stdout
    Would publish acme:middle 1.1.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-1]
      kind          component
      exports       acme:middle/api@1.1.0
      imports       acme:base/api@1.0.0
                    acme:more/api@2.1.0
      dependencies  acme:base ^1.0.0
                    acme:more ^2.1.0
      annotations   dev.spin-deps.dependencies = {"format_version":1,"dependencies":[{"package":"acme:base","version":"^1.0.0"},{"package":"acme:more","version":"^2.1.0"}]}
                    dev.spin-deps.kind = component
                    dev.spin-deps.types = {"format_version":1,"kind":"component","imports":[["acme:base/api@1.0.0",1],["acme:more/api@2.1.0",2]],"exports":[["acme:middle/api@1.1.0",3]],"scopes":[{},{"functions":["call: func(input: string) -> … ([SIZE] bytes)
                    org.opencontainers.image.description = A library that answers acme:middle@1.1.0(…)
                    org.opencontainers.image.licenses = Apache-2.0
                    org.opencontainers.image.version = 1.1.0
      compatible    with 1.0.0
                    imports `acme:more/api@2.1.0`
    "#);
    let file = sandbox.artifact(&next);
    let json = sandbox.run(&["publish", &file, "--dry-run", "--format", "json"]).done().json();
    insta::assert_snapshot!(format!("{:#}", json["compatible_with"]), @r#"
    [
      {
        "additions": [
          "imports `acme:more/api@2.1.0`"
        ],
        "notes": [],
        "version": "1.0.0"
      }
    ]
    "#);
    insta::assert_snapshot!(json["status"], @r#""dry-run""#);
    assert_eq!(sandbox.run(&["versions", "acme:middle"]).done().stdout, "1.0.0\n");
    insta::assert_snapshot!(said(&sandbox, &base_with("1.1.0", "run"), &["--dry-run"]), @"
    exit: 1
    --- stderr
    error: acme:base 1.1.0 is not compatible with 1.0.0, as releases of one series have to be:
      - `acme:base/api@1.0.0`: the function `call` is gone
        was call: func(input: string) -> string

    hint: publish it as 2.0.0, or with `--skip-semver-check` if nobody can depend on what is gone
    ");
    insta::assert_snapshot!(said(&sandbox, &base("1.0.0"), &["--dry-run"]), @r#"
    exit: 0
    --- stdout
    Already there: acme:base 1.0.0 in wasm.example ([SIZE] bytes)
      sha256:[DIGEST-1]
      kind          component
      exports       acme:base/api@1.0.0
      annotations   dev.spin-deps.dependencies = {"format_version":1,"dependencies":[]}
                    dev.spin-deps.kind = component
                    dev.spin-deps.types = {"format_version":1,"kind":"component","exports":[["acme:base/api@1.0.0",1]],"scopes":[{},{"functions":["call: func(input: string) -> string"]}]}
                    org.opencontainers.image.description = A library that answers acme:base@1.0.0(…)
                    org.opencontainers.image.licenses = Apache-2.0
                    org.opencontainers.image.version = 1.0.0
    "#);
}

#[test]
fn who_made_it_and_of_what_stands_in_its_manifest() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&with_origin(&base("1.0.0")).expect("a component"));
    let url = format!("http://{}/v2/acme/base/manifests/1.0.0", registry.host());
    let request = http::client().get(url).header("accept", "application/vnd.oci.image.manifest.v1+json");
    let manifest = http::block_on(http::answer(request));
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.body).expect("a manifest in JSON");
    insta::assert_snapshot!(format!("{:#}", manifest["annotations"]), @r#"
    {
      "dev.spin-deps.dependencies": "{\"format_version\":1,\"dependencies\":[]}",
      "dev.spin-deps.kind": "component",
      "dev.spin-deps.types": "{\"format_version\":1,\"kind\":\"component\",\"exports\":[[\"acme:base/api@1.0.0\",1]],\"scopes\":[{},{\"functions\":[\"call: func(input: string) -> string\"]}]}",
      "org.opencontainers.image.authors": "Ada <ada@example.com>",
      "org.opencontainers.image.description": "A library that answers acme:base@1.0.0(…)",
      "org.opencontainers.image.licenses": "Apache-2.0",
      "org.opencontainers.image.revision": "4d3c2b1a",
      "org.opencontainers.image.source": "https://example.com/acme.git",
      "org.opencontainers.image.url": "https://example.com/acme",
      "org.opencontainers.image.version": "1.0.0"
    }
    "#);
}

#[test]
fn a_component_with_a_broken_function_is_not_published() {
    let sandbox = published(&[]);
    // A function that promises a number and gives none, in a module that is well-formed otherwise.
    let module = b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x02\x01\0\x0a\x04\x01\x02\0\x0b";
    let mut component = b"\0asm\x0d\0\x01\0\x01".to_vec();
    component.push(u8::try_from(module.len()).expect("a short module"));
    component.extend(module);
    insta::assert_snapshot!(said(&sandbox, &component, &["--package", "acme:broken@1.0.0"]), @"
    exit: 1
    --- stderr
    error: [DIR]/artifacts/sha256-[DIGEST-1].wasm: the file is not valid WebAssembly: type mismatch: expected i32 but nothing on stack at byte 34

    hint: the file may be cut short: build or fetch it again
    ");
}
