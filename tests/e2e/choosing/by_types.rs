//! Releases whose types do not fit are passed over.
//!
//! `acme:hash` 1.0.0 and 1.1.0 have `call: func(input: string) -> string`, and 1.2.0 has another `call`, as an author
//! publishes who does not look at the warning. What imports the one cannot be composed with the other.

use spin_deps_fixtures::library::{
    Library, caller_of_incompatible, chain, core_module, incompatible, wit_only,
};

use crate::across::locked;
use crate::interop;
use crate::support::http::block_on;
use crate::support::oci;
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::warg::{AUTHOR, Warg};
use crate::support::world::{Sandbox, files_below};

/// The app's import, and its entry in the manifest.
const IMPORTS: &[(&str, &str)] = &[("acme:hash", "1.0.0")];
const ENTRY: &str = "\"acme:hash\" = \"^1\"";

fn hash(version: &str) -> Vec<u8> {
    chain("acme:hash", version, &[])
}

fn other_hash(version: &str) -> Vec<u8> {
    incompatible("acme:hash", version).expect("a fixture")
}

/// Publishes without a look at the other releases.
#[track_caller]
fn publish(sandbox: &Sandbox, bytes: &[u8]) {
    let (name, value) = AUTHOR.variable();
    let file = sandbox.artifact(bytes);
    let mut command = sandbox.command(&["publish", &file, "--skip-semver-check"]);
    Sandbox::run_command(command.env(name, value)).done();
}

/// A project with a folder as its registry.
fn with_folder() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox
}

/// The app of [`Sandbox::write_app`], with a command that builds it.
fn with_build(sandbox: &Sandbox) {
    let text = sandbox.read("spin.toml");
    let text = text.replace("source = \"app.wasm\"\n", "source = \"app.wasm\"\nbuild.command = \"true\"\n");
    sandbox.write("spin.toml", text);
}

/// The releases in the lock, each as `name version`.
fn chosen(sandbox: &Sandbox) -> Vec<String> {
    let release = |text: String| text.rsplit_once(' ').map(|(release, _)| release.to_owned());
    locked(sandbox).into_iter().filter_map(release).collect()
}

/// Locks, and gives what was said.
#[track_caller]
fn lock(sandbox: &Sandbox) -> String {
    let run = sandbox.run(&["lock"]).done();
    sandbox.snapshot(&run)
}

/// Locks in vain, without a changed byte, and gives what was said.
#[track_caller]
fn refused(sandbox: &Sandbox) -> String {
    let before = sandbox.files();
    let run = sandbox.run(&["lock"]).failed();
    assert!(sandbox.files() == before, "a refused lock changes nothing");
    sandbox.snapshot(&run)
}

#[test]
fn the_newest_that_fits_is_taken_from_everywhere() {
    let registry = Registry::open();
    let warg = Warg::start(&["acme"]);
    let [oci, folder, signed] = [(); 3].map(|()| Sandbox::new());
    oci.use_registry(&registry);
    folder.use_folder();
    signed.configure(&format!("[namespace_registries]\nacme = {}\n", warg.mapping()));
    for sandbox in [oci, folder, signed] {
        for bytes in [hash("1.0.0"), hash("1.1.0"), other_hash("1.2.0")] {
            publish(&sandbox, &bytes);
        }
        sandbox.delete_cache();
        sandbox.write_app(IMPORTS, ENTRY, "acme:hash@1.1.0(/x)");
        let shown = lock(&sandbox);
        let (_, shown) = shown.split_once("--- stderr\n").expect("a warning");
        insta::allow_duplicates! { insta::assert_snapshot!(shown, @"
        warning: acme:hash 1.2.0 does not fit component `app`, so acme:hash 1.1.0 is used: in `acme:hash/api@1.0.0` the function `call` differs
            component `app` imports  call: func(input: string) -> string
            acme:hash 1.2.0 exports  call: func(input: u32) -> u32
        "); }
        assert_eq!(chosen(&sandbox), ["acme:hash 1.1.0"]);
        sandbox.run(&["verify"]).done();
        // A lock that fits is left alone: nobody looks at types again.
        assert_eq!(sandbox.run(&["lock"]).done().stderr, "");
    }
}

#[test]
fn where_none_fits_the_two_types_are_shown() {
    let sandbox = with_folder();
    publish(&sandbox, &other_hash("1.0.0"));
    publish(&sandbox, &other_hash("1.2.0"));
    sandbox.write_app(IMPORTS, ENTRY, "");
    insta::assert_snapshot!(refused(&sandbox), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:hash ^1
      and acme:hash 1.0.0 and 1.2.0 do not fit component `app`: in `acme:hash/api@1.0.0` the function `call` differs
            component `app` imports  call: func(input: string) -> string
            acme:hash exports        call: func(input: u32) -> u32
    your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:hash" = "^1"
        ·               ──┬─
        ·                 ╰── asked for here
        ╰────

    hint: change the requirement of component `app` on acme:hash ^1
    "#);
}

#[test]
fn an_export_that_is_missing_is_no_fit_either() {
    let sandbox = with_folder();
    publish(&sandbox, &hash("1.0.0"));
    let other = Library {
        package: "acme:hash",
        version: "1.1.0",
        interface: "digest",
        function: "call",
        imports: vec![],
        prefix: "",
    };
    publish(&sandbox, &other.build().expect("a fixture"));
    sandbox.write_app(IMPORTS, ENTRY, "acme:hash@1.0.0(/x)");
    insta::assert_snapshot!(lock(&sandbox), @"
    exit: 0
    --- stdout
    Locked 1 package in spin-deps.lock
      add acme:hash 1.0.0
    --- stderr
    warning: acme:hash 1.1.0 does not fit component `app`, so acme:hash 1.0.0 is used: acme:hash 1.1.0 does not export `acme:hash/api@1.0.0`
    ");
    sandbox.run(&["verify"]).done();
    // One that is named is looked for under that name.
    let entry = "\"acme:hash/api@1.0.0\" = { version = \"^1\", export = \"acme:hash/digest@1.1.0\" }";
    sandbox.write_app(IMPORTS, entry, "(/x)");
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    sandbox.run(&["verify"]).done();
    assert_eq!(chosen(&sandbox), ["acme:hash 1.1.0"]);
}

#[test]
fn what_a_release_needs_has_to_fit_it() {
    let sandbox = with_folder();
    for bytes in [hash("1.0.0"), other_hash("1.2.0"), chain("acme:auth", "1.0.0", &[("acme:hash", "1.0.0")])]
    {
        publish(&sandbox, &bytes);
    }
    sandbox.write_app(
        &[("acme:auth", "1.0.0")],
        "\"acme:auth\" = \"^1\"",
        "acme:auth@1.0.0(acme:hash@1.0.0(/x))",
    );
    insta::assert_snapshot!(lock(&sandbox), @"
    exit: 0
    --- stdout
    Locked 2 packages in spin-deps.lock
      add acme:auth 1.0.0
      add acme:hash 1.0.0
    --- stderr
    warning: acme:hash 1.2.0 does not fit acme:auth 1.0.0, so acme:hash 1.0.0 is used: in `acme:hash/api@1.0.0` the function `call` differs
        acme:auth 1.0.0 imports  call: func(input: string) -> string
        acme:hash 1.2.0 exports  call: func(input: u32) -> u32
    ");
    assert_eq!(chosen(&sandbox), ["acme:auth 1.0.0", "acme:hash 1.0.0"]);
    sandbox.run(&["verify"]).done();
}

#[test]
fn an_older_release_is_taken_where_the_newer_one_finds_nothing_that_fits() {
    let sandbox = with_folder();
    let newer = caller_of_incompatible("acme:auth", "1.1.0", ("acme:hash", "1.0.0")).expect("a fixture");
    for bytes in [hash("1.0.0"), chain("acme:auth", "1.0.0", &[("acme:hash", "1.0.0")]), newer] {
        publish(&sandbox, &bytes);
    }
    sandbox.write_app(
        &[("acme:auth", "1.0.0")],
        "\"acme:auth\" = \"^1\"",
        "acme:auth@1.0.0(acme:hash@1.0.0(/x))",
    );
    insta::assert_snapshot!(lock(&sandbox), @"
    exit: 0
    --- stdout
    Locked 2 packages in spin-deps.lock
      add acme:auth 1.0.0
      add acme:hash 1.0.0
    --- stderr
    warning: acme:auth 1.1.0 does not fit acme:hash 1.0.0, so acme:auth 1.0.0 is used: in `acme:hash/api@1.0.0` the function `call` differs
        acme:auth 1.1.0 imports  call: func(input: u32) -> u32
        acme:hash 1.0.0 exports  call: func(input: string) -> string
    ");
    assert_eq!(chosen(&sandbox), ["acme:auth 1.0.0", "acme:hash 1.0.0"]);
    sandbox.run(&["verify"]).done();
    // What a locked release needs was looked at; what comes new is looked at, and the lock moves no more than it must.
    publish(&sandbox, &other_hash("1.1.0"));
    sandbox.write_app(
        &[("acme:auth", "1.0.0"), ("acme:hash", "1.0.0")],
        "\"acme:auth\" = \"^1\"\n\"acme:hash\" = \"^1\"",
        "acme:auth@1.0.0(acme:hash@1.0.0(/x))\nacme:hash@1.0.0(/x)",
    );
    sandbox.run(&["verify"]).done();
    assert_eq!(chosen(&sandbox), ["acme:auth 1.0.0", "acme:hash 1.0.0"]);
}

#[test]
fn a_file_that_the_app_depends_on_has_to_be_met_too() {
    let sandbox = with_folder();
    publish(&sandbox, &hash("1.0.0"));
    publish(&sandbox, &other_hash("1.2.0"));
    sandbox.write_app(
        &[("acme:auth", "1.0.0")],
        "\"acme:auth\" = { path = \"auth.wasm\" }",
        "acme:auth@1.0.0(acme:hash@1.0.0(/x))",
    );
    sandbox.write("auth.wasm", chain("acme:auth", "1.0.0", &[("acme:hash", "1.0.0")]));
    insta::assert_snapshot!(lock(&sandbox), @"
    exit: 0
    --- stdout
    Locked 1 package in spin-deps.lock
      add acme:hash 1.0.0
    --- stderr
    warning: acme:hash 1.2.0 does not fit auth.wasm, so acme:hash 1.0.0 is used: in `acme:hash/api@1.0.0` the function `call` differs
        auth.wasm       imports  call: func(input: string) -> string
        acme:hash 1.2.0 exports  call: func(input: u32) -> u32
    ");
    sandbox.run(&["verify"]).done();
}

#[test]
fn a_foreign_wit_package_is_told_from_a_component() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    block_on(async {
        interop::publish_wit(&registry, wit_only("acme:hash", "1.1.0").expect("a fixture")).await;
        interop::push(&registry, "acme:hash", "1.0.0", hash("1.0.0")).await;
    });
    // A core module that is dressed as a component.
    let module = core_module().expect("a fixture");
    oci::push(&registry, "acme/hash", "1.2.0", &module, &[], &["acme:hash/api@1.2.0"]);
    oci::push(&registry, "acme/hash", "1.3.0", b"not yet\n", &[], &["acme:hash/api@1.3.0"]);
    sandbox.write_app(IMPORTS, ENTRY, "acme:hash@1.0.0(/x)");
    sandbox.run(&["lock"]).done();
    assert_eq!(chosen(&sandbox), ["acme:hash 1.0.0"]);
    sandbox.run(&["verify"]).done();

    sandbox.write_app(IMPORTS, "\"acme:hash\" = \"^1.1\"", "");
    insta::assert_snapshot!(refused(&sandbox), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:hash ^1.1
      and acme:hash 1.1.0 holds only WIT, no implementation
      and acme:hash 1.2.0 is not a component (it is a core module)
      and acme:hash 1.3.0 is not a component (the file is not WebAssembly, it is text)
      and no other version of acme:hash matches ^1.1 (available: 1.3.0 (not usable), 1.2.0 (not usable), 1.1.0 (WIT only), 1.0.0),
    your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:hash" = "^1.1"
        ·               ───┬──
        ·                  ╰── asked for here
        ╰────

    hint: run `spin-deps add acme:hash@^1.0.0 --to app` to ask for acme:hash ^1.0.0 in component `app`
    "#);
    // Nothing has to be built for that.
    fs_err::remove_file(sandbox.project().join("app.wasm")).expect("the app");
    insta::assert_snapshot!(refused(&sandbox), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:hash ^1.1
      and acme:hash 1.1.0 holds only WIT, no implementation
      and acme:hash 1.2.0 is not a component (it is a core module)
      and acme:hash 1.3.0 is not a component (the file is not WebAssembly, it is text)
      and no other version of acme:hash matches ^1.1 (available: 1.3.0 (not usable), 1.2.0 (not usable), 1.1.0 (WIT only), 1.0.0),
    your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:hash" = "^1.1"
        ·               ───┬──
        ·                  ╰── asked for here
        ╰────

    hint: run `spin-deps add acme:hash@^1.0.0 --to app` to ask for acme:hash ^1.0.0 in component `app`
    "#);
}

#[test]
fn what_is_not_described_is_fetched_once() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    block_on(async {
        interop::push(&registry, "acme:hash", "1.0.0", hash("1.0.0")).await;
        interop::push(&registry, "acme:hash", "1.1.0", hash("1.1.0")).await;
        interop::push(&registry, "acme:hash", "1.2.0", other_hash("1.2.0")).await;
    });
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), None);
    sandbox.write_app(IMPORTS, ENTRY, "acme:hash@1.1.0(/x)");
    sandbox.run(&["lock"]).done();
    let asked = |digest: &str| proxy.requests().iter().filter(|it| it.path.ends_with(digest)).count();
    let layers = ["1.0.0", "1.1.0", "1.2.0"].map(|version| registry.layer_digest("acme/hash", version));
    assert_eq!(
        layers.each_ref().map(|digest| asked(digest)),
        [0, 1, 1],
        "only what might be chosen is looked at"
    );
    proxy.reset();
    sandbox.run(&["sync"]).done();
    sandbox.run(&["verify"]).done();
    // Nor is it needed to look once more.
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    sandbox.run(&["lock", "--offline"]).done();
    assert_eq!(chosen(&sandbox), ["acme:hash 1.1.0"]);
    assert_eq!(proxy.requests(), []);
}

#[test]
fn what_we_published_is_looked_at_without_its_wasm() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    for bytes in [hash("1.1.0"), other_hash("1.2.0")] {
        publish(&sandbox, &bytes);
    }
    sandbox.delete_cache();
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), None);
    sandbox.write_app(IMPORTS, ENTRY, "acme:hash@1.1.0(/x)");
    sandbox.run(&["lock"]).done();
    let mut asked: Vec<_> = proxy
        .requests()
        .iter()
        .map(|it| it.path.split('/').nth(4).unwrap_or("greeting").to_owned())
        .collect();
    asked.sort();
    assert_eq!(asked, ["blobs", "blobs", "greeting", "manifests", "manifests", "tags"]);
    for version in ["1.1.0", "1.2.0"] {
        assert!(!sandbox.stored(&registry.layer_digest("acme/hash", version)).exists());
    }
}

#[test]
fn without_a_network_what_is_not_at_hand_is_taken_to_fit() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    block_on(async { interop::push(&registry, "acme:hash", "1.0.0", other_hash("1.0.0")).await });
    sandbox.write_app(IMPORTS, ENTRY, "");
    sandbox.run(&["lock"]).failed();
    sandbox.run(&["lock", "--offline"]).failed();
    // Now its metadata is in the store, and neither the Wasm nor what was learned from it.
    fs_err::remove_file(sandbox.stored(&registry.layer_digest("acme/hash", "1.0.0"))).expect("the Wasm");
    for (name, bytes) in files_below(&sandbox.cache()) {
        if String::from_utf8_lossy(&bytes).contains("types-v1") {
            fs_err::remove_file(sandbox.cache().join(name)).expect("the types");
        }
    }
    sandbox.run(&["lock", "--offline"]).done();
    assert_eq!(chosen(&sandbox), ["acme:hash 1.0.0"]);
    let run = sandbox.run(&["verify"]).failed();
    assert!(run.stderr.contains("does not fit the import"), "{}", run.stderr);
}

#[test]
fn a_build_of_yesterday_does_not_stand_in_the_way() {
    let sandbox = with_folder();
    publish(&sandbox, &hash("1.0.0"));
    publish(&sandbox, &other_hash("1.2.0"));
    sandbox.write_app(IMPORTS, ENTRY, "acme:hash@1.0.0(/x)");
    with_build(&sandbox);
    // It counts as long as something fits it.
    insta::assert_snapshot!(lock(&sandbox), @"
    exit: 0
    --- stdout
    Locked 1 package in spin-deps.lock
      add acme:hash 1.0.0
    --- stderr
    warning: acme:hash 1.2.0 does not fit component `app` as it was built, so acme:hash 1.0.0 is used: in `acme:hash/api@1.0.0` the function `call` differs
        component `app` imports  call: func(input: string) -> string
        acme:hash 1.2.0 exports  call: func(input: u32) -> u32
      to use it, run `spin-deps update acme:hash --precise 1.2.0`, then build `app` again
    ");
    assert_eq!(chosen(&sandbox), ["acme:hash 1.0.0"]);
    sandbox.run(&["verify"]).done();

    // And then it has to be built again.
    let text = sandbox.read("spin.toml");
    sandbox.write("spin.toml", text.replace("\"^1\"", "\"=1.2.0\""));
    insta::assert_snapshot!(lock(&sandbox), @"
    exit: 0
    --- stdout
    Locked 1 package in spin-deps.lock
      update acme:hash 1.0.0 → 1.2.0
    --- stderr
    warning: component `app` was built against another acme:hash than 1.2.0, build it again: in `acme:hash/api@1.0.0` the function `call` differs
        component `app` imports  call: func(input: string) -> string
        acme:hash 1.2.0 exports  call: func(input: u32) -> u32
    ");
    assert_eq!(chosen(&sandbox), ["acme:hash 1.2.0"]);
    let run = sandbox.run(&["verify"]).failed();
    assert!(run.stderr.contains("does not fit the import"), "{}", run.stderr);

    // Without a build command it is what it is.
    sandbox.write_app(IMPORTS, "\"acme:hash\" = \"=1.2.0\"", "");
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    insta::assert_snapshot!(refused(&sandbox), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:hash =1.2.0
      and acme:hash 1.2.0 does not fit component `app`: in `acme:hash/api@1.0.0` the function `call` differs
            component `app` imports  call: func(input: string) -> string
            acme:hash exports        call: func(input: u32) -> u32
      and no other version of acme:hash matches =1.2.0 (available: 1.2.0 (does not fit), 1.0.0),
    your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:hash" = "=1.2.0"
        ·               ────┬───
        ·                   ╰── asked for here
        ╰────

    hint: run `spin-deps add acme:hash@^1.0.0 --to app` to ask for acme:hash ^1.0.0 in component `app`; `spin-deps diff acme:hash@1.0.0 acme:hash@1.2.0` shows what differs
    "#);
}

#[test]
fn a_dependency_is_added_to_a_build_of_yesterday() {
    let sandbox = with_folder();
    publish(&sandbox, &other_hash("1.2.0"));
    sandbox.write_app(IMPORTS, "", "");
    with_build(&sandbox);
    let run = sandbox.run(&["add", "acme:hash"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Added acme:hash to component 'app' (acme:hash 1.2.0)
    Locked 1 package in spin-deps.lock
      add acme:hash 1.2.0
    Wrote spin-dependencies.wit
    --- stderr
    warning: component `app` was built against another acme:hash than 1.2.0, build it again: in `acme:hash/api@1.0.0` the function `call` differs
        component `app` imports  call: func(input: string) -> string
        acme:hash 1.2.0 exports  call: func(input: u32) -> u32
    Run `spin build` to build against the new dependency.
    ");
    assert_eq!(chosen(&sandbox), ["acme:hash 1.2.0"]);
    assert!(sandbox.read("spin-dependencies.wit").contains("call: func(input: u32) -> u32;"));

    // An older one that fits is said to be the one that was added.
    let sandbox = with_folder();
    publish(&sandbox, &hash("1.0.0"));
    publish(&sandbox, &other_hash("1.2.0"));
    sandbox.write_app(IMPORTS, "", "acme:hash@1.0.0(/x)");
    let run = sandbox.run(&["add", "acme:hash@^1"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    Added acme:hash to component 'app' (acme:hash 1.0.0)
    Locked 1 package in spin-deps.lock
      add acme:hash 1.0.0
    Wrote spin-dependencies.wit
    --- stderr
    warning: acme:hash 1.2.0 does not fit component `app`, so acme:hash 1.0.0 is used: in `acme:hash/api@1.0.0` the function `call` differs
        component `app` imports  call: func(input: string) -> string
        acme:hash 1.2.0 exports  call: func(input: u32) -> u32
    ");
    sandbox.run(&["verify"]).done();
}

#[test]
fn an_annotation_that_lies_makes_no_wrong_composition() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    // What the fitting release says of itself stands beside the bytes of the other one, and the other way round.
    let said = |bytes: &[u8]| {
        let file = sandbox.artifact(bytes);
        let told =
            sandbox.run(&["publish", &file, "--dry-run", "--format", "json", "--skip-semver-check"]).done();
        let told = told.json();
        told["annotations"].clone()
    };
    let exports = ["acme:hash/api@1.0.0"];
    let annotations = said(&hash("1.0.0"));
    assert!(
        annotations["dev.spin-deps.types"].as_str().is_some_and(|it| it.contains("call")),
        "{annotations}"
    );
    oci::push_with(&registry, "acme/hash", "1.0.0", &other_hash("1.0.0"), (&[], &exports), &annotations);
    sandbox.write_app(IMPORTS, ENTRY, "");
    sandbox.run(&["lock"]).done();
    let before = sandbox.files();
    let run = sandbox.run(&["verify"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&run), @r#"
    exit: 1
    --- stdout
    ✓ lock          1 package in spin-deps.lock, up to date  [TIME]
        demo
        └── component app
            └── acme:hash 1.0.0 wasm.example (^1)
    ✓ digests       1 package is what was locked  [TIME]
    ✗ types         `acme:hash@1.0.0` does not fit the import `acme:hash/api@1.0.0` of `app`: they differ in the function `call`  [TIME]
    Failed demo at types
    --- stderr
    error: `acme:hash@1.0.0` does not fit the import `acme:hash/api@1.0.0` of `app`: they differ in the function `call`
      expected by app: call: func(input: string) -> string
      found in acme:hash@1.0.0: call: func(input: u32) -> u32
        ╭─[spin.toml:19:1]
     18 │ [component.app.dependencies]
     19 │ "acme:hash" = "^1"
        · ─────┬─────
        ·      ╰── meant for this import
        ╰────

    hint: choose another release than `acme:hash@1.0.0`, or build against its interface: `spin-deps sync`, then `spin build`
    "#);
    let file = sandbox.root().join("composed.wasm");
    let run = sandbox.run(&["compose", "app", "-o", file.to_str().expect("a path in UTF-8")]).failed();
    assert!(run.stderr.contains("does not fit the import"), "{}", run.stderr);
    assert!(!file.exists());
    assert!(sandbox.files() == before);

    // Nonsense is no annotation.
    let sandbox = Sandbox::new();
    let registry = Registry::open();
    sandbox.use_registry(&registry);
    let mut annotations = annotations.clone();
    annotations["dev.spin-deps.types"] = "{\"format_version\":1,\"scopes\":[[[[".into();
    oci::push_with(&registry, "acme/hash", "1.0.0", &hash("1.0.0"), (&[], &exports), &annotations);
    annotations["dev.spin-deps.types"] = "{\"format_version\":9}".into();
    oci::push_with(&registry, "acme/hash", "1.1.0", &other_hash("1.1.0"), (&[], &exports), &annotations);
    sandbox.write_app(IMPORTS, ENTRY, "acme:hash@1.0.0(/x)");
    sandbox.run(&["verify"]).done();
    assert_eq!(chosen(&sandbox), ["acme:hash 1.0.0"]);
}
