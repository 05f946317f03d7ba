//! Too much, and too slowly.

use std::time::Duration;

use super::stage::stages;
use super::{EVER, IMPATIENT, Survey, WITH_BODY, WITHOUT_TLS, survey};
use crate::support::fault::{Answer, Fault};
use crate::support::ferro::Ferro;
use crate::support::http;
use crate::support::library::base;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

#[test]
fn two_gibibytes_are_announced() {
    let endless = Fault::Answer(Answer { status: 200, announced: Some(2 << 30), ..Answer::default() });
    let endings = survey(WITHOUT_TLS, |proxy, part| proxy.fail(part, EVER, endless.clone()));
    insta::assert_snapshot!(endings, @"
    greeting:
    error: wasm.example (127.0.0.1:[PORT]) is larger than the [SIZE] bytes that are accepted

    tags:
    error: acme/base is larger than the [SIZE] bytes that are accepted

    manifest, layer:
    error: acme:base 1.1.0 is larger than the [SIZE] bytes that are accepted

    config:
    error: the config object of acme:base 1.1.0 is larger than the [SIZE] bytes that are accepted
    ");
}

/// Versions of `acme:base` that are tags of one manifest and nothing else.
fn tags(count: usize) -> impl Iterator<Item = String> {
    (1..count).map(|patch| format!("1.0.{patch}"))
}

/// The registry at `host` lists so many versions, and the highest of them is chosen.
fn assert_the_highest_is_found(host: &str, count: usize, tag: impl FnOnce()) {
    let sandbox = Sandbox::new();
    sandbox.use_host(host, None);
    sandbox.publish(&base("1.0.0"));
    tag();
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    sandbox.delete_cache();
    sandbox.run(&["sync"]).done();
    let highest = format!("version = \"1.0.{}\"", count - 1);
    assert!(sandbox.read("spin-deps.lock").contains(&highest), "{}", sandbox.read("spin-deps.lock"));
    let listed = sandbox.run(&["versions", "acme:base", "--format", "json"]).done().json();
    assert_eq!(listed["versions"].as_array().expect("a list of versions").len(), count);
}

#[test]
fn ten_thousand_tags_in_pages() {
    let registry = Ferro::start();
    let host = registry.host();
    assert_the_highest_is_found(&host, 10_000, || {
        let request = http::one_shot()
            .get(format!("http://{host}/v2/acme/base/manifests/1.0.0"))
            .header("accept", "application/vnd.oci.image.manifest.v1+json");
        registry.tag("acme/base", tags(10_000), &http::block_on(http::answer(request)).body);
    });
}

#[test]
fn more_tags_than_a_page_in_one_answer() {
    // Each is a directory with a file to this registry: fewer, for the disk's sake, but more than are asked for at once.
    let registry = Registry::open();
    assert_the_highest_is_found(&registry.host(), 1_500, || registry.tag("acme/base", tags(1_500), "1.0.0"));
}

#[test]
fn a_slow_trickle() {
    let slow = Fault::Trickle(100, Duration::from_millis(20));
    let endings = survey(WITHOUT_TLS, |proxy, part| proxy.fail(part, EVER, slow.clone()));
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer:
    as without the fault
    ");
}

#[test]
fn a_hopeless_trickle() {
    // Never silent for long, and never done.
    let hopeless = Fault::Trickle(1, Duration::from_millis(200));
    let endings = survey(Survey { parts: WITH_BODY, ..IMPATIENT }, |proxy, part| {
        proxy.fail(part, EVER, hopeless.clone());
    });
    insta::assert_snapshot!(endings, @"
    tags, manifest, config:
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it did not answer within 4 seconds

    hint: check the registry's name and your network; what is in the local store works with `--offline`

    layer:
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it sends less than [SIZE] bytes a second

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
}

#[test]
fn one_flipped_bit_in_a_list_of_tags() {
    // A list of tags has no digest. A changed one can hide a release or name one that is not there, as a registry can;
    // what is locked then is an older release of the registry's, never bytes under a wrong name.
    let stages = stages();
    let stage = &stages[2];
    let list = r#"{"name":"acme/base","tags":["1.0.0","1.1.0"]}"#;
    let lock = String::from_utf8_lossy(&stage.files["spin-deps.lock"]).into_owned();
    std::thread::scope(|scope| {
        for half in [0..list.len() / 2, list.len() / 2..list.len()] {
            let lock = &lock;
            scope.spawn(move || {
                let proxy = stage.proxy();
                for place in half {
                    let sandbox = stage.project(&proxy);
                    proxy.fail("/acme/base/tags/", EVER, Fault::Flip(Some(place)));
                    let run = sandbox.run(&["lock"]);
                    if run.code == Some(0) {
                        let found = sandbox.read("spin-deps.lock");
                        let older = found.contains("name = \"acme:base\"\nversion = \"1.0.0\"");
                        assert!(found == *lock || older, "bit 0 of byte {place}:\n{found}");
                        proxy.heal();
                        sandbox.run(&["verify", "--locked"]);
                    } else {
                        assert!(run.failed().stderr.starts_with("error: "), "byte {place}");
                    }
                }
            });
        }
    });
}
