//! Too much, and too slowly.

use std::time::Duration;

use super::stage::{Part, stages};
use super::{EVER, IMPATIENT, survey, survey_with};
use crate::support::fault::{Answer, Fault};
use crate::support::ferro::Ferro;
use crate::support::library::base;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

#[test]
fn two_gibibytes_are_announced() {
    let endless = Fault::Answer(Answer { status: 200, announced: Some(2 << 30), ..Answer::default() });
    let endings = survey(|proxy, part| proxy.fail(part, EVER, endless.clone()));
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

#[test]
fn ten_thousand_tags() {
    let (docker, ferro) = (Registry::open(), Ferro::start());
    let tags = || (1..10_000).map(|patch| format!("1.0.{patch}"));
    let sandbox = Sandbox::new();
    for (host, tag) in [
        (docker.host(), &(|_: &[u8]| docker.tag("acme/base", tags(), "1.0.0")) as &dyn Fn(&[u8])),
        (ferro.host(), &|manifest| ferro.tag("acme/base", tags(), manifest)),
    ] {
        sandbox.use_host(&host, None);
        sandbox.publish(&base("1.0.0"));
        let accept = "application/vnd.oci.image.manifest.v1+json";
        let url = format!("http://{host}/v2/acme/base/manifests/1.0.0");
        let request = crate::support::http::one_shot().get(url).header("accept", accept);
        tag(&crate::support::http::block_on(crate::support::http::answer(request)).body);
        sandbox.delete_cache();
        let listed = sandbox.run(&["versions", "acme:base", "--format", "json"]).done().json();
        let listed = listed["versions"].as_array().expect("a list of versions").len();
        assert_eq!(listed, 10_000);
        sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
        sandbox.delete_cache();
        sandbox.run(&["sync"]).done();
        assert!(sandbox.read("spin-deps.lock").contains("version = \"1.0.9999\""), "the highest of all");
        fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    }
}

#[test]
fn a_slow_trickle() {
    let slow = Fault::Trickle(100, Duration::from_millis(20));
    let endings = survey(|proxy, part| proxy.fail(part, EVER, slow.clone()));
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer:
    as without the fault
    ");
}

#[test]
fn a_hopeless_trickle() {
    // Never silent for long, and never done.
    let hopeless = Fault::Trickle(1, Duration::from_millis(200));
    let endings =
        survey_with(&Part::ALL[1..], IMPATIENT, |proxy, _, part| proxy.fail(part, EVER, hopeless.clone()));
    insta::assert_snapshot!(endings, @r#"
    tags, manifest, config (password, pages):
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it did not answer within 2 seconds

    hint: check the registry's name and your network; what is in the local store works with `--offline`

    tags, manifest, config (TLS):
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it did not answer within 2 seconds

    hint: if it speaks plain http, say so: `protocol = "http"` in `[registry."wasm.example".oci]`

    layer (password, pages):
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it sends less than [SIZE] bytes a second

    hint: check the registry's name and your network; what is in the local store works with `--offline`

    layer (TLS):
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it sends less than [SIZE] bytes a second

    hint: if it speaks plain http, say so: `protocol = "http"` in `[registry."wasm.example".oci]`
    "#);
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
