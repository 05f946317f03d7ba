//! Connections that break, end too early, go silent, or bring other bytes than were sent.

use super::stage::Part;
use super::{EVER, EVERYWHERE, IMPATIENT, Survey, WITH_BODY, WITHOUT_TLS, survey};
use crate::support::fault::Fault;

#[test]
fn reset_once() {
    let endings = survey(EVERYWHERE, |proxy, part| proxy.fail(part, 1, Fault::Reset));
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer:
    as without the fault
    ");
}

#[test]
fn reset_for_ever() {
    let endings = survey(EVERYWHERE, |proxy, part| proxy.fail(part, EVER, Fault::Reset));
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer:
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: the connection was reset

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
}

#[test]
fn silent() {
    let endings = survey(IMPATIENT, |proxy, part| proxy.fail(part, EVER, Fault::Silence));
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer:
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it did not answer in time

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
}

#[test]
fn stalled() {
    // A greeting has no body to stop in.
    let endings =
        survey(Survey { parts: WITH_BODY, ..IMPATIENT }, |proxy, part| proxy.fail(part, EVER, Fault::Stall));
    insta::assert_snapshot!(endings, @"
    tags, manifest, config, layer:
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: it did not answer in time

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
}

#[test]
fn truncated_once() {
    let endings = survey(EVERYWHERE, |proxy, part| proxy.fail(part, 1, Fault::Truncate));
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer:
    as without the fault
    ");
}

#[test]
fn truncated_for_ever() {
    let endings = survey(EVERYWHERE, |proxy, part| proxy.fail(part, EVER, Fault::Truncate));
    insta::assert_snapshot!(endings, @"
    greeting (password, TLS):
    as without the fault

    greeting (pages); tags, manifest, config, layer:
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: the connection ended too early

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
}

#[test]
fn shorter_than_announced() {
    let endings = survey(WITHOUT_TLS, |proxy, part| proxy.fail(part, EVER, Fault::Length(1)));
    insta::assert_snapshot!(endings, @"
    greeting (password):
    as without the fault

    greeting (pages); tags, manifest, config:
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: the connection ended too early

    hint: check the registry's name and your network; what is in the local store works with `--offline`

    layer:
    error: acme:base 1.1.0 is larger than the [SIZE] bytes that are accepted
    ");
}

#[test]
fn longer_than_announced() {
    // An empty body cannot be announced as shorter.
    let endings = survey(Survey { parts: WITH_BODY, ..WITHOUT_TLS }, |proxy, part| {
        proxy.fail(part, EVER, Fault::Length(-1));
    });
    insta::assert_snapshot!(endings, @"
    tags (password):
    as without the fault

    tags (pages):
    error: registry `wasm.example (127.0.0.1:[PORT])` gave an answer for `acme/base` that cannot be understood: it is not a list of tags

    hint: check that the name is that of a registry, and that no login page or proxy answers in its place

    manifest:
    error: the content of the manifest of acme:base 1.1.0 from registry `wasm.example (127.0.0.1:[PORT])` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used

    config:
    error: the content of the config object of acme:base 1.1.0 from registry `wasm.example (127.0.0.1:[PORT])` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used

    layer:
    error: the content of acme:base 1.1.0 from registry `wasm.example (127.0.0.1:[PORT])` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used
    ");
}

#[test]
fn one_flipped_bit() {
    // A list of tags has no digest: its bits are turned one by one below.
    let parts = &[Part::Manifest, Part::Config, Part::Layer];
    let endings =
        survey(Survey { parts, ..EVERYWHERE }, |proxy, part| proxy.fail(part, EVER, Fault::Flip(None)));
    insta::assert_snapshot!(endings, @"
    manifest:
    error: the content of the manifest of acme:base 1.1.0 from registry `wasm.example (127.0.0.1:[PORT])` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used

    config:
    error: the content of the config object of acme:base 1.1.0 from registry `wasm.example (127.0.0.1:[PORT])` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used

    layer:
    error: the content of acme:base 1.1.0 from registry `wasm.example (127.0.0.1:[PORT])` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used
    ");
}
