//! Answers that refuse: for good, for a while, or in circles.

use super::{EVER, WITHOUT_TLS, survey};
use crate::support::fault::Fault;

#[test]
fn unauthorized_in_circles() {
    let basic = Fault::header(401, "www-authenticate", "Basic realm=\"tests\"");
    let endings = survey(WITHOUT_TLS, |proxy, part| proxy.fail(part, EVER, basic.clone()));
    insta::assert_snapshot!(endings, @r#"
    greeting:
    as without the fault

    tags (pages):
    error: registry `wasm.example (127.0.0.1:[PORT])` refused access to `acme/base`: it wants credentials, and none were found

    hint: log in with `spin-deps login 127.0.0.1:[PORT]`, set `WKG_REGISTRY_127_0_0_1_[PORT]_AUTH_BEARER`, or set `auth` in `[registry."NAME".oci]` of wkg's config.toml, under the name that the registry has there; some registries answer so for packages that do not exist

    tags (password):
    error: registry `wasm.example (127.0.0.1:[PORT])` refused access to `acme/base`: the credentials from the registry configuration were not accepted

    hint: check the credentials from the registry configuration; they may have expired

    manifest, layer (pages):
    error: registry `wasm.example (127.0.0.1:[PORT])` refused access to `acme:base 1.1.0`: it wants credentials, and none were found

    hint: log in with `spin-deps login 127.0.0.1:[PORT]`, set `WKG_REGISTRY_127_0_0_1_[PORT]_AUTH_BEARER`, or set `auth` in `[registry."NAME".oci]` of wkg's config.toml, under the name that the registry has there; some registries answer so for packages that do not exist

    manifest, layer (password):
    error: registry `wasm.example (127.0.0.1:[PORT])` refused access to `acme:base 1.1.0`: the credentials from the registry configuration were not accepted

    hint: check the credentials from the registry configuration; they may have expired

    config (pages):
    error: registry `wasm.example (127.0.0.1:[PORT])` refused access to `the config object of acme:base 1.1.0`: it wants credentials, and none were found

    hint: log in with `spin-deps login 127.0.0.1:[PORT]`, set `WKG_REGISTRY_127_0_0_1_[PORT]_AUTH_BEARER`, or set `auth` in `[registry."NAME".oci]` of wkg's config.toml, under the name that the registry has there; some registries answer so for packages that do not exist

    config (password):
    error: registry `wasm.example (127.0.0.1:[PORT])` refused access to `the config object of acme:base 1.1.0`: the credentials from the registry configuration were not accepted

    hint: check the credentials from the registry configuration; they may have expired
    "#);
}

#[test]
fn forbidden() {
    let endings = survey(WITHOUT_TLS, |proxy, part| proxy.fail(part, EVER, Fault::status(403)));
    insta::assert_snapshot!(endings, @"
    greeting:
    as without the fault

    tags:
    error: registry `wasm.example (127.0.0.1:[PORT])` does not allow access to `acme/base`

    hint: check that the package's name is right and that your account may use it

    manifest, layer:
    error: registry `wasm.example (127.0.0.1:[PORT])` does not allow access to `acme:base 1.1.0`

    hint: check that the package's name is right and that your account may use it

    config:
    error: registry `wasm.example (127.0.0.1:[PORT])` does not allow access to `the config object of acme:base 1.1.0`

    hint: check that the package's name is right and that your account may use it
    ");
}

#[test]
fn not_found() {
    let endings = survey(WITHOUT_TLS, |proxy, part| proxy.fail(part, EVER, Fault::status(404)));
    insta::assert_snapshot!(endings, @r#"
    greeting, config:
    as without the fault

    tags:
    error: because component `app` depends on acme:middle ^1
      and acme:middle 1.0.0 depends on acme:base ^1.0.0
      and acme:base is not in the registry wasm.example,
    your requirement cannot be met
        ╭─[spin.toml:19:17]
     18 │ [component.app.dependencies]
     19 │ "acme:middle" = "^1"
        ·                 ──┬─
        ·                   ╰── asked for here
        ╰────

    hint: if another registry has acme:base, say so in spin.toml: [application.tool.deps.package_registry_overrides] "acme:base" = "registry.example.com"

    manifest:
    error: because component `app` depends on acme:middle ^1
      and acme:middle 1.0.0 depends on acme:base ^1.0.0
      and acme:base ^1.0.0 cannot be used (it is listed, but it is not there),
    your requirement cannot be met
        ╭─[spin.toml:19:17]
     18 │ [component.app.dependencies]
     19 │ "acme:middle" = "^1"
        ·                 ──┬─
        ·                   ╰── asked for here
        ╰────

    hint: change the requirement of component `app` on acme:middle ^1

    layer:
    error: registry `wasm.example (127.0.0.1:[PORT])` has no content of acme:base 1.1.0 (sha256:[DIGEST-1])
    "#);
}

#[test]
fn too_many_requests_for_a_moment() {
    let endings =
        survey(WITHOUT_TLS, |proxy, part| proxy.fail(part, 1, Fault::header(429, "retry-after", "1")));
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer:
    as without the fault
    ");
}

#[test]
fn too_many_requests_for_an_hour() {
    let endings =
        survey(WITHOUT_TLS, |proxy, part| proxy.fail(part, EVER, Fault::header(429, "retry-after", "3600")));
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer:
    error: registry `wasm.example (127.0.0.1:[PORT])` is not able to answer now (HTTP status 429)

    hint: it asks to try again in 3600 seconds
    ");
}

#[test]
fn too_many_requests_for_ever() {
    let endings =
        survey(WITHOUT_TLS, |proxy, part| proxy.fail(part, EVER, Fault::header(429, "retry-after", "0")));
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer:
    error: registry `wasm.example (127.0.0.1:[PORT])` is not able to answer now (HTTP status 429)

    hint: it asks to try again in 0 seconds
    ");
}

#[test]
fn an_internal_error_twice() {
    let endings = survey(WITHOUT_TLS, |proxy, part| proxy.fail(part, 2, Fault::status(500)));
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer:
    as without the fault
    ");
}

#[test]
fn an_internal_error_for_ever() {
    let endings = survey(WITHOUT_TLS, |proxy, part| proxy.fail(part, EVER, Fault::status(500)));
    insta::assert_snapshot!(endings, @"
    greeting, tags, manifest, config, layer:
    error: registry `wasm.example (127.0.0.1:[PORT])` is not able to answer now (HTTP status 500)

    hint: try again later
    ");
}
