//! Several files in one call: in order, checked together, and what becomes of the rest when one fails.

use spin_deps_fixtures::library::chain;

use super::base_with;
use crate::support::library::base;
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// Writes releases into the folder `dist` of the project, under names whose order says nothing.
fn dist(sandbox: &Sandbox, files: &[(&str, Vec<u8>)]) {
    for (name, bytes) in files {
        sandbox.write(&format!("dist/{name}.wasm"), bytes);
    }
    sandbox.write("dist/readme.txt", "not a component");
}

fn three() -> [(&'static str, Vec<u8>); 3] {
    [
        ("a", chain("acme:app", "1.0.0", &[("acme:middle", "1.0.0"), ("acme:base", "1.0.0")])),
        ("b", chain("acme:middle", "1.0.0", &[("acme:base", "1.0.0")])),
        ("c", base("1.0.0")),
    ]
}

#[test]
fn a_folder_is_published_dependencies_first() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), None);
    dist(&sandbox, &three());
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", "dist", "--dry-run"]).done()), @r#"
    exit: 0
    --- stdout
    Would publish acme:base 1.0.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-1]
      kind          component
      exports       acme:base/api@1.0.0
      annotations   dev.spin-deps.dependencies = {"format_version":1,"dependencies":[]}
                    dev.spin-deps.kind = component
                    dev.spin-deps.types = {"format_version":1,"kind":"component","exports":[["acme:base/api@1.0.0",1]],"scopes":[{},{"functions":["call: func(input: string) -> string"]}]}
                    org.opencontainers.image.description = A library that answers acme:base@1.0.0(…)
                    org.opencontainers.image.licenses = Apache-2.0
                    org.opencontainers.image.version = 1.0.0
    Would publish acme:middle 1.0.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-2]
      kind          component
      exports       acme:middle/api@1.0.0
      imports       acme:base/api@1.0.0
      dependencies  acme:base ^1.0.0
      annotations   dev.spin-deps.dependencies = {"format_version":1,"dependencies":[{"package":"acme:base","version":"^1.0.0"}]}
                    dev.spin-deps.kind = component
                    dev.spin-deps.types = {"format_version":1,"kind":"component","imports":[["acme:base/api@1.0.0",1]],"exports":[["acme:middle/api@1.0.0",2]],"scopes":[{},{"functions":["call: func(input: string) -> string"]},{"functions":["c… ([SIZE] bytes)
                    org.opencontainers.image.description = A library that answers acme:middle@1.0.0(…)
                    org.opencontainers.image.licenses = Apache-2.0
                    org.opencontainers.image.version = 1.0.0
    Would publish acme:app 1.0.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-3]
      kind          component
      exports       acme:app/api@1.0.0
      imports       acme:middle/api@1.0.0
                    acme:base/api@1.0.0
      dependencies  acme:base ^1.0.0
                    acme:middle ^1.0.0
      annotations   dev.spin-deps.dependencies = {"format_version":1,"dependencies":[{"package":"acme:base","version":"^1.0.0"},{"package":"acme:middle","version":"^1.0.0"}]}
                    dev.spin-deps.kind = component
                    dev.spin-deps.types = {"format_version":1,"kind":"component","imports":[["acme:middle/api@1.0.0",1],["acme:base/api@1.0.0",2]],"exports":[["acme:app/api@1.0.0",3]],"scopes":[{},{"functions":["call: func(input: string) -> s… ([SIZE] bytes)
                    org.opencontainers.image.description = A library that answers acme:app@1.0.0(…)
                    org.opencontainers.image.licenses = Apache-2.0
                    org.opencontainers.image.version = 1.0.0
    "#);
    assert!(proxy.requests().iter().all(|request| request.method == "GET"), "{:?}", proxy.requests());
    proxy.reset();
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", "dist"]).done()), @"
    exit: 0
    --- stdout
    Published acme:base 1.0.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-1]
    Published acme:middle 1.0.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-2]
    Published acme:app 1.0.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-3]
    ");
    let pushed: Vec<_> = proxy
        .requests()
        .into_iter()
        .filter(|request| request.method == "PUT" && request.path.contains("/manifests/"))
        .map(|request| request.path)
        .collect();
    assert_eq!(pushed, ["base", "middle", "app"].map(|name| format!("/v2/acme/{name}/manifests/1.0.0")));
    let again = sandbox.run(&["publish", "dist", "--format", "json"]).done().json();
    let states: Vec<_> =
        again["releases"].as_array().expect("releases").iter().map(|it| &it["status"]).collect();
    assert_eq!(states, ["already-there"; 3]);
}

#[test]
fn when_one_fails_those_that_need_it_are_left_out() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), None);
    dist(&sandbox, &three());
    sandbox.write("dist/d.wasm", chain("acme:other", "1.0.0", &[]));
    proxy.refuse("acme/base/blobs/uploads", 403);
    let run = sandbox.run(&["publish", "dist"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 1
    --- stdout
    Not published: acme:base 1.0.0 to wasm.example ([SIZE] bytes)
      registry `wasm.example (127.0.0.1:[PORT])` does not allow access to `acme:base 1.0.0`
      hint: check that the package's name is right and that your account may use it
    Left out: acme:middle 1.0.0 to wasm.example ([SIZE] bytes)
      it needs acme:base 1.0.0, which was not published
    Left out: acme:app 1.0.0 to wasm.example ([SIZE] bytes)
      it needs acme:base 1.0.0, which was not published
    Published acme:other 1.0.0 to wasm.example ([SIZE] bytes)
      sha256:[DIGEST-1]
    ");
    let json = sandbox.run(&["publish", "dist", "--format", "json"]).failed().json();
    let states: Vec<_> = (json["releases"].as_array().expect("releases").iter())
        .map(|it| format!("{} {}", it["package"], it["status"]))
        .collect();
    insta::assert_snapshot!(
        states.join("\n"),
        @r#"
    "acme:base" "failed"
    "acme:middle" "left-out"
    "acme:app" "left-out"
    "acme:other" "already-there"
    "#
    );
    // What failed is made up for.
    proxy.accept();
    sandbox.run(&["publish", "dist"]).done();
    assert_eq!(sandbox.run(&["versions", "acme:app"]).done().stdout, "1.0.0\n");
}

#[test]
fn nothing_is_pushed_when_one_of_them_cannot_be() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.0.0"));
    let refused = |files: &[(&str, Vec<u8>)]| {
        let _ = fs_err::remove_dir_all(sandbox.project().join("dist"));
        dist(&sandbox, files);
        let run = sandbox.run(&["publish", "dist"]).failed();
        sandbox.run(&["versions", "acme:middle"]).failed();
        sandbox.snapshot(&run)
    };
    let middle = ("b", chain("acme:middle", "1.0.0", &[]));
    let other = ("a", chain("acme:base", "1.0.0", &[("acme:middle", "1.0.0")]));
    insta::assert_snapshot!(refused(&[middle.clone(), other]), @"
    exit: 1
    --- stderr
    error: acme:base 1.0.0 already exists at registry `wasm.example` with other content

    hint: published versions never change: publish under a new version
    ");
    insta::assert_snapshot!(refused(&[middle.clone(), ("a", base_with("1.1.0", "run"))]), @"
    exit: 1
    --- stderr
    error: acme:base 1.1.0 is not compatible with 1.0.0, as releases of one series have to be:
      - `acme:base/api@1.0.0`: the function `call` is gone
        was call: func(input: string) -> string

    hint: publish it as 2.0.0, or with `--skip-semver-check` if nobody can depend on what is gone
    ");
    insta::assert_snapshot!(refused(&[middle.clone(), ("c", middle.1.clone())]), @"
    exit: 1
    --- stderr
    error: dist/b.wasm and dist/c.wasm are both acme:middle 1.0.0

    hint: publish one of them, or give one another version
    ");
    insta::assert_snapshot!(refused(&[middle.clone(), ("c", b"\0asm\x0d\0\x01\0\xff".to_vec())]), @"
    exit: 1
    --- stderr
    error: dist/c.wasm: the file is not valid WebAssembly: malformed section id at byte 8

    hint: the file may be cut short: build or fetch it again
    ");
    let circle = [
        ("a", chain("acme:middle", "1.0.0", &[("acme:one", "1.0.0")])),
        ("b", chain("acme:one", "1.0.0", &[("acme:two", "1.0.0")])),
        ("c", chain("acme:two", "1.0.0", &[("acme:one", "1.0.0")])),
    ];
    insta::assert_snapshot!(refused(&circle), @"
    exit: 1
    --- stderr
    error: these need each other, so none of them can be published first: acme:one 1.0.0 -> acme:two 1.0.0

    hint: publish what they share as a package of its own
    ");
    insta::assert_snapshot!(refused(&[]), @"
    exit: 1
    --- stderr
    error: the folder dist has no file that ends in `.wasm`

    hint: name the files, or the folder that they are in
    ");
}

#[test]
fn a_name_is_for_one_file() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    dist(&sandbox, &three());
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", "dist", "--package", "acme:x@1.0.0"]).misused()), @"
    exit: 2
    --- stderr
    error: `--package` names one package, and there are 3 files

    hint: publish the files one by one, or write names and versions into their metadata
    ");
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish"]).misused()), @"
    exit: 2
    --- stderr
    error: there is no component.toml in [DIR]/project or above

    hint: name a component's file, or a folder with a component.toml
    ");
    // A file that is named twice is one file.
    sandbox.run(&["publish", "dist/c.wasm", "dist/c.wasm", "--package", "acme:x@1.0.0"]).done();
}

#[test]
fn releases_of_one_series_are_compared_with_each_other() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    dist(&sandbox, &[("a", base("1.2.0")), ("b", base_with("1.1.0", "run"))]);
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", "dist"]).failed()), @"
    exit: 1
    --- stderr
    error: acme:base 1.2.0 is not compatible with 1.1.0, as releases of one series have to be:
      - `acme:base/api@1.1.0`: the function `run` is gone
        was run: func(input: string) -> string

    hint: whoever takes 1.1.0 may get 1.2.0 instead; publish it as 2.0.0, or with `--skip-semver-check` if nobody can depend on the difference
    ");
    sandbox.run(&["versions", "acme:base"]).failed();
}
