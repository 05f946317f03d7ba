//! Answers that lead elsewhere: to another host, in circles, and to a token server.

use std::collections::HashSet;
use std::sync::Mutex;

use super::stage::{Part, stages};
use super::{EVER, EVERYWHERE, Survey, survey};
use crate::support::fault::Fault;

#[test]
fn redirected_to_another_host() {
    // It lets everyone read; what it is told about anyone is too much.
    let stranger = stages()[2].proxy();
    let elsewhere = format!("http://{}", stranger.host());
    let endings = survey(EVERYWHERE, |proxy, part| {
        let (elsewhere, part) = (elsewhere.clone(), part.to_owned());
        proxy.judge(move |asked| {
            let place = format!("{elsewhere}{}", asked.path);
            format!("{}$", asked.path).contains(&part).then(|| Fault::header(307, "location", place))
        });
    });
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer (password, pages):
    as without the fault

    greeting (TLS):
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it redirects to `http://127.0.0.1:[PORT]/v2/`, which is not https

    hint: check the registry's name and your network; what is in the local store works with `--offline`

    tags (TLS):
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it redirects to `http://127.0.0.1:[PORT]/v2/acme/base/tags/list`, which is not https

    hint: check the registry's name and your network; what is in the local store works with `--offline`

    manifest (TLS):
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it redirects to `http://127.0.0.1:[PORT]/v2/acme/base/manifests/1.1.0`, which is not https

    hint: check the registry's name and your network; what is in the local store works with `--offline`

    config, layer (TLS):
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it redirects to `http://127.0.0.1:[PORT]/v2/acme/base/blobs/sha256:[DIGEST-1]`, which is not https

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
    let asked = stranger.asked();
    assert!(!asked.is_empty(), "redirects are followed");
    assert!(asked.iter().all(|asked| asked.authorization.is_none()), "another host sees no credentials");
}

#[test]
fn redirected_in_circles() {
    let endings = survey(EVERYWHERE, |proxy, part| {
        let part = part.to_owned();
        proxy.judge(move |asked| {
            let again = asked.path.clone();
            format!("{}$", asked.path).contains(&part).then(|| Fault::header(307, "location", again))
        });
    });
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer:
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it redirects too often

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
}

#[test]
fn redirected_to_plain_http() {
    let endings = survey(Survey { parts: &[Part::Manifest, Part::Layer], ..EVERYWHERE }, |proxy, part| {
        proxy.fail(part, EVER, Fault::header(307, "location", "http://registry.invalid/elsewhere"));
    });
    insta::assert_snapshot!(endings, @"
    manifest, layer:
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it redirects to `http://registry.invalid/elsewhere`, which is not https

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
}

#[test]
fn tokens_that_are_good_for_one_request() {
    let stages = stages();
    let stage = &stages[2];
    let proxy = stage.proxy();
    let sandbox = stage.project(&proxy);
    let challenge = format!(
        "Bearer realm=\"http://{}/token\",service=\"tests\",scope=\"repository:any:pull\"",
        proxy.host()
    );
    let tokens = Mutex::new((0, HashSet::new()));
    proxy.judge(move |asked| {
        let mut tokens = tokens.lock().expect("nobody panics with the lock");
        let (issued, valid) = &mut *tokens;
        if asked.path.starts_with("/token") {
            *issued += 1;
            let token = format!("token-{issued}");
            valid.insert(format!("Bearer {token}"));
            return Some(Fault::body(serde_json::json!({ "token": token, "expires_in": 300 }).to_string()));
        }
        let is_valid = asked.authorization.as_ref().is_some_and(|token| valid.remove(token));
        (!is_valid).then(|| Fault::header(401, "www-authenticate", challenge.clone()))
    });
    sandbox.run(&["sync"]).done();
    stage.assert_faultless(&sandbox);
    let exchanges = proxy.asked_for("/token").len();
    assert!((2..20).contains(&exchanges), "{exchanges} exchanges");
}
