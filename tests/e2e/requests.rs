//! What it costs: requests are counted by a proxy in front of a real registry, not estimated.
//!
//! Cold, a release costs three requests (its package's tags, its manifest, its config object) and, when it is chosen, one
//! for the layer; a registry costs one greeting (`/v2/`), however many packages come from it. With a lock that fits and a
//! warm store nothing is asked.

use std::collections::BTreeMap;

use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, publish_all};
use crate::support::proxy::{Proxy, Seen};
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// How often each kind of thing was asked for, by repository.
fn count(requests: &[Seen]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in requests {
        let path = request.path.split('?').next().unwrap_or_default();
        let parts: Vec<_> = path.trim_matches('/').split('/').collect();
        let what = match parts.as_slice() {
            ["v2"] => "greeting".to_owned(),
            ["v2", name @ .., kind @ ("tags" | "manifests" | "blobs"), _] => {
                format!("{} {kind}", name.join("/"))
            }
            _ => path.to_owned(),
        };
        *counts.entry(what).or_default() += 1;
    }
    counts
}

fn expect(counts: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counts.iter().map(|&(what, times)| (what.to_owned(), times)).collect()
}

/// A project with a lock and a store to be filled, behind a proxy.
fn behind_proxy(registry: &Registry) -> (Sandbox, Proxy) {
    let sandbox = Sandbox::new();
    sandbox.use_registry(registry);
    publish_all(&sandbox);
    sandbox.delete_cache();
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), registry.credentials());
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    (sandbox, proxy)
}

#[test]
fn a_cold_lock_and_sync_ask_four_times_a_package_and_greet_once() {
    for registry in [Registry::open(), Registry::with_password()] {
        let (sandbox, proxy) = behind_proxy(&registry);
        sandbox.run(&["lock"]).done();
        let requests = proxy.requests();
        assert_eq!(
            count(&requests),
            expect(&[
                ("greeting", 1),
                ("acme/base tags", 1),
                ("acme/base manifests", 1),
                ("acme/base blobs", 1),
                ("acme/middle tags", 1),
                ("acme/middle manifests", 1),
                ("acme/middle blobs", 1),
            ]),
            "a lock reads metadata only"
        );
        assert!(requests.iter().all(|request| request.host == proxy.host()));

        proxy.reset();
        sandbox.run(&["sync"]).done();
        let counts = count(&proxy.requests());
        let greetings = counts.get("greeting").copied().unwrap_or_default();
        assert!(greetings <= 1, "another process may greet once more: {counts:?}");
        let blobs: BTreeMap<_, _> = counts.into_iter().filter(|(what, _)| what != "greeting").collect();
        assert_eq!(
            blobs,
            expect(&[("acme/base blobs", 1), ("acme/middle blobs", 1)]),
            "a sync fetches the layers only"
        );
    }
}

#[test]
fn one_cold_command_does_not_cost_more_than_two() {
    let registry = Registry::with_password();
    let (sandbox, proxy) = behind_proxy(&registry);
    sandbox.run(&["sync"]).done();
    assert_eq!(
        count(&proxy.requests()),
        expect(&[
            ("greeting", 1),
            ("acme/base tags", 1),
            ("acme/base manifests", 1),
            ("acme/base blobs", 2),
            ("acme/middle tags", 1),
            ("acme/middle manifests", 1),
            ("acme/middle blobs", 2),
        ])
    );
}

#[test]
fn with_a_fitting_lock_and_a_warm_store_nothing_is_asked() {
    let registry = Registry::open();
    let (sandbox, proxy) = behind_proxy(&registry);
    sandbox.run(&["sync"]).done();
    assert_ne!(proxy.requests(), [], "the first time all of it has to be asked for");
    proxy.reset();
    let composed = sandbox.root().join("composed.wasm");
    let composed = composed.to_str().expect("a path in UTF-8");
    for arguments in [
        ["lock"].as_slice(),
        &["lock", "--check"],
        &["sync"],
        &["sync", "--locked"],
        &["sync", "--frozen"],
        &["verify"],
        &["compose", "app", "-o", composed],
        &["tree"],
        &["why", "acme:base"],
    ] {
        sandbox.run(arguments).done();
        assert_eq!(proxy.requests(), [], "{arguments:?} asked for something");
    }
}

#[test]
fn a_locked_sync_on_a_fresh_machine_asks_for_the_locked_content_only() {
    let registry = Registry::open();
    let (sandbox, proxy) = behind_proxy(&registry);
    sandbox.run(&["lock"]).done();
    sandbox.delete_cache();
    proxy.reset();
    sandbox.run(&["sync", "--locked"]).done();
    let counts = count(&proxy.requests());
    assert_eq!(counts.get("acme/base tags"), None, "what is locked needs no list of versions: {counts:?}");
    assert!(
        (2..=7).contains(&proxy.requests().len()),
        "at most greeting, manifest, config and layer: {counts:?}"
    );
}

#[test]
fn no_network_means_no_request() {
    let registry = Registry::open();
    let (sandbox, proxy) = behind_proxy(&registry);
    for flag in ["--offline", "--frozen"] {
        sandbox.run(&["lock", flag]).failed();
    }
    assert_eq!(proxy.requests(), []);
}

#[test]
fn a_password_goes_to_its_registry_and_nowhere_else() {
    let registry = Registry::with_password();
    let (sandbox, proxy) = behind_proxy(&registry);
    // The same project, but the configuration has the password for another name.
    let file = sandbox.configuration();
    let text = fs_err::read_to_string(&file).expect("the configuration");
    fs_err::write(&file, text.replace("[registry.\"wasm.example\".oci]", "[registry.\"other.example\".oci]"))
        .expect("the configuration");
    let run = sandbox.run(&["lock"]).failed();
    assert!(proxy.requests().iter().all(|request| !request.authorized), "{:?}", proxy.requests());
    assert!(!run.stderr.contains("correct horse"), "a message shows a password: {}", run.stderr);
}
