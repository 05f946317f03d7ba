//! An app whose packages come from everywhere: the direct dependency from an OCI registry, what that needs from a warg
//! registry, what that needs from a folder, and another direct one from a URL.

use spin_deps_fixtures::library::chain;

use super::locked;
use crate::running::serve;
use crate::support::files::FileServer;
use crate::support::http;
use crate::support::oci::digest;
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::snapshot;
use crate::support::warg::{self, AUTHOR, Warg};
use crate::support::world::Sandbox;

const ANSWER: &str = "acme:front@1.0.0(deep:hash@1.1.0(shop:salt@1.0.0(/x)))\n\
                      web:tool@1.0.0(deep:hash@1.1.0(shop:salt@1.0.0(/x)))";

fn front(version: &str) -> Vec<u8> {
    chain("acme:front", version, &[("deep:hash", "1.0.0")])
}

fn hash(version: &str) -> Vec<u8> {
    chain("deep:hash", version, &[("shop:salt", "1.0.0")])
}

fn salt(version: &str) -> Vec<u8> {
    chain("shop:salt", version, &[])
}

fn tool() -> Vec<u8> {
    chain("web:tool", "1.0.0", &[("deep:hash", "1.0.0")])
}

/// All the places that the app's packages come from, with everything published.
struct Places {
    _registry: Registry,
    oci: Proxy,
    warg: Warg,
    web: FileServer,
    sandbox: Sandbox,
}

impl Places {
    fn new() -> Self {
        let registry = Registry::open();
        let oci = Proxy::start(&registry.host());
        let warg = Warg::start(&["deep"]);
        let web = FileServer::start(&tool());
        let sandbox = Sandbox::new();
        sandbox.configure(&format!(
            "[namespace_registries]\n\
             acme = {{ registry = \"oci.example\", metadata = {{ preferredProtocol = \"oci\", oci = {{ registry = \"{}\" }} }} }}\n\
             deep = {}\n\
             shop = \"folder.example\"\n\n\
             [registry.\"oci.example\".oci]\nprotocol = \"http\"\n{}",
            oci.host(),
            warg.mapping(),
            sandbox.folder("folder.example"),
        ));
        sandbox.publish(&front("1.0.0"));
        for version in ["1.0.0", "1.1.0"] {
            warg::publish(&sandbox, AUTHOR, &hash(version)).done();
        }
        sandbox.publish(&salt("1.0.0"));
        let entries = format!(
            "\"acme:front\" = \"^1\"\n\"web:tool\" = {{ url = \"{}\", digest = \"{}\" }}",
            web.url("tool.wasm"),
            digest(&tool())
        );
        sandbox.write_app(&[("acme:front", "1.0.0"), ("web:tool", "1.0.0")], &entries, ANSWER);
        sandbox.delete_cache();
        sandbox.delete_state();
        oci.reset();
        warg.reset();
        Self { _registry: registry, oci, warg, web, sandbox }
    }

    /// How many requests went anywhere since the last count.
    fn requests(&self) -> usize {
        let count = self.oci.requests().len() + self.warg.requests();
        self.oci.reset();
        self.warg.reset();
        count
    }
}

#[test]
fn an_app_takes_from_all_of_them_in_one_resolve() {
    let places = Places::new();
    let sandbox = &places.sandbox;
    sandbox.run(&["lock"]).done();
    let lock = sandbox.read("spin-deps.lock");
    insta::assert_snapshot!(snapshot::filter(&lock, sandbox.root()), @r#"
    # Written by spin-deps. Commit this file and do not edit it.
    # After a merge conflict, run `spin-deps lock`.
    version = 1

    [[package]]
    name = "acme:front"
    version = "1.0.0"
    registry = "oci.example"
    digest = "sha256:[DIGEST-1]"
    manifest = "sha256:[DIGEST-2]"
    size = 1953
    capabilities = []
    dependencies = [
        { package = "deep:hash", req = "^1.0.0", version = "1.1.0" },
    ]

    [[package]]
    name = "deep:hash"
    version = "1.1.0"
    registry = "warg.example"
    digest = "sha256:[DIGEST-3]"
    signers = { operator = "sha256:[DIGEST-4]", author = "sha256:[DIGEST-5]" }
    size = 1938
    capabilities = []
    dependencies = [
        { package = "shop:salt", req = "^1.0.0", version = "1.0.0" },
    ]

    [[package]]
    name = "shop:salt"
    version = "1.0.0"
    registry = "folder.example"
    digest = "sha256:[DIGEST-6]"
    size = 1214
    capabilities = []
    dependencies = []

    [[http]]
    url = "http://127.0.0.1:[PORT]/tool.wasm"
    digest = "sha256:[DIGEST-7]"
    size = 1923
    capabilities = []
    dependencies = [
        { package = "deep:hash", req = "^1.0.0", version = "1.1.0" },
    ]
    "#);
    assert!(lock.contains(&AUTHOR.name()) && lock.contains(&warg::OPERATOR.name()), "{lock}");

    sandbox.run(&["sync"]).done();
    sandbox.run(&["verify"]).done();
    assert_eq!(sandbox.read("spin-deps.lock"), lock);
    let (_up, address) = serve(sandbox, &[]);
    let answer = http::get(&format!("http://{address}/x"));
    assert_eq!((answer.status, answer.text().as_str()), (200, ANSWER));
}

#[test]
fn what_is_locked_and_stored_is_asked_for_nowhere() {
    let places = Places::new();
    let sandbox = &places.sandbox;
    sandbox.run(&["sync"]).done();
    assert!(places.requests() > 0);
    let web = places.web.requests();
    let before = sandbox.files();
    for arguments in [
        ["lock"].as_slice(),
        &["lock", "--check"],
        &["sync"],
        &["sync", "--offline"],
        &["sync", "--frozen"],
        &["verify"],
        &["verify", "--frozen"],
        &["tree"],
        &["why", "shop:salt"],
    ] {
        sandbox.run(arguments).done();
        assert_eq!(places.requests(), 0, "{arguments:?}");
    }
    assert_eq!(places.web.requests(), web);
    assert!(sandbox.files() == before, "nothing was written anew");
}

#[test]
fn a_lock_can_be_made_anew_without_a_network() {
    let places = Places::new();
    let sandbox = &places.sandbox;
    sandbox.run(&["sync"]).done();
    let lock = sandbox.read("spin-deps.lock");
    places.requests();
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    sandbox.run(&["lock", "--offline"]).done();
    assert_eq!(sandbox.read("spin-deps.lock"), lock, "signers included");
    assert_eq!(places.requests(), 0);
}

#[test]
fn another_machine_gets_the_same_from_the_lock() {
    let places = Places::new();
    let sandbox = &places.sandbox;
    sandbox.run(&["sync"]).done();
    let files = sandbox.files();
    // Newer releases everywhere: the lock is what counts.
    sandbox.publish(&front("1.1.0"));
    warg::publish(sandbox, AUTHOR, &hash("1.2.0")).done();
    sandbox.publish(&salt("1.1.0"));
    sandbox.delete_cache();
    sandbox.delete_state();
    places.requests();

    let refused = sandbox.run(&["sync", "--frozen"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: acme:front 1.0.0 is not in the local store, and `--frozen` forbids requests

    hint: run once with network access, for example `spin-deps sync`
    ");
    assert_eq!(places.requests(), 0);

    sandbox.run(&["sync", "--locked"]).done();
    assert!(sandbox.files() == files, "not one byte differs");
    sandbox.run(&["verify", "--frozen"]).done();

    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    sandbox.run(&["lock"]).done();
    assert_eq!(
        locked(sandbox),
        ["acme:front 1.1.0 oci.example", "deep:hash 1.2.0 warg.example", "shop:salt 1.1.0 folder.example"]
    );
}

#[test]
fn the_one_that_cannot_be_reached_is_named() {
    let Places { _registry, oci, warg, web, sandbox } = Places::new();
    sandbox.run(&["lock"]).done();
    let before = sandbox.files();
    drop(warg);
    // The lock fits, and the content is needed only to run.
    sandbox.run(&["lock"]).done();
    sandbox.delete_cache();
    let refused = sandbox.run(&["sync"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: could not reach registry `warg.example`: the connection was refused

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
    assert!(sandbox.files() == before);
    drop((oci, web));
}
