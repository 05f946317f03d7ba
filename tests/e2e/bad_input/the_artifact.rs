//! A registry whose tags, manifests and config objects are not those of Wasm packages, or do not agree with each other.

use serde_json::{Value, json};

use super::refused_without_advice;
use crate::support::library::{base, environment_counter};
use crate::support::oci;
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry with `acme:base` 1.0.0, a proxy before it, and an app that wants `acme:base`.
fn behind_a_proxy() -> (Registry, Proxy, Sandbox) {
    let registry = Registry::open();
    let proxy = Proxy::start(&registry.host());
    let sandbox = Sandbox::new();
    sandbox.use_host(&proxy.host(), None);
    sandbox.publish(&base("1.0.0"));
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    (registry, proxy, sandbox)
}

/// What `lock` says of a manifest.
fn said(proxy: &Proxy, sandbox: &Sandbox, manifest: &str) -> String {
    sandbox.delete_cache();
    proxy.accept();
    proxy.refuse_with("/manifests/", 200, manifest);
    refused_without_advice(sandbox, &["lock"])
}

fn layer(kind: &str) -> Value {
    json!({ "mediaType": kind, "digest": oci::digest(b"x"), "size": 1 })
}

fn with_layers(layers: &Value) -> String {
    json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": layer("application/vnd.wasm.config.v0+json"), "layers": layers })
        .to_string()
}

#[test]
fn has_tags_that_are_no_versions() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&base("1.0.0"));
    let bytes = base("1.0.0");
    for tag in [
        "latest",
        "v2.0.0",
        "3",
        "4.0",
        "05.0.0",
        "6.0.0.0",
        "sha256-0000.sig",
        "1.5.0_build.7",
        "1.6.0-rc_1",
    ] {
        oci::push(&registry, "acme/base", tag, &bytes, &[], &["acme:base/api@1.0.0"]);
    }
    let versions = sandbox.run(&["versions", "acme:base"]).done();
    assert_eq!(versions.stdout, "1.6.0-rc+1     pre-release\n1.5.0+build.7\n1.0.0\n");
}

#[test]
fn has_another_number_of_layers() {
    let (_registry, proxy, sandbox) = behind_a_proxy();
    let wasm = || layer("application/wasm");
    insta::assert_snapshot!(said(&proxy, &sandbox, &with_layers(&json!([wasm(), wasm(), wasm()]))), @"
    exit: 1
    --- stderr
    error: acme:base 1.0.0 at registry `wasm.example (127.0.0.1:[PORT])` is not a Wasm package: it has 3 layers, a Wasm package has exactly one
    ");
    insta::assert_snapshot!(said(&proxy, &sandbox, &with_layers(&json!([]))), @"
    exit: 1
    --- stderr
    error: acme:base 1.0.0 at registry `wasm.example (127.0.0.1:[PORT])` is not a Wasm package: it has 0 layers, a Wasm package has exactly one
    ");
}

#[test]
fn has_layers_of_another_type() {
    let (_registry, proxy, sandbox) = behind_a_proxy();
    let tar = layer("application/vnd.oci.image.layer.v1.tar+gzip");
    insta::assert_snapshot!(said(&proxy, &sandbox, &with_layers(&json!([tar]))), @"
    exit: 1
    --- stderr
    error: acme:base 1.0.0 at registry `wasm.example (127.0.0.1:[PORT])` is not a Wasm package: its layer is of the type `application/vnd.oci.image.layer.v1.tar+gzip`
    ");
    let helm = layer("application/vnd.cncf.helm.chart.content.v1.tar+gzip");
    let helm = said(&proxy, &sandbox, &with_layers(&json!([helm])));
    assert!(helm.contains("application/vnd.cncf.helm.chart.content.v1.tar+gzip"), "{helm}");
}

#[test]
fn is_an_index_of_images() {
    let (_registry, proxy, sandbox) = behind_a_proxy();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{ "mediaType": MANIFEST, "digest": oci::digest(b"x"), "size": 1, "platform": { "os": "linux", "architecture": "amd64" } }],
    });
    insta::assert_snapshot!(said(&proxy, &sandbox, &index.to_string()), @"
    exit: 1
    --- stderr
    error: acme:base 1.0.0 at registry `wasm.example (127.0.0.1:[PORT])` is not a Wasm package: it is an image index, which names images for several platforms
    ");
}

#[test]
fn has_a_manifest_that_nobody_can_read() {
    let (_registry, proxy, sandbox) = behind_a_proxy();
    insta::assert_snapshot!(said(&proxy, &sandbox, "[]"), @"
    exit: 1
    --- stderr
    error: acme:base 1.0.0 at registry `wasm.example (127.0.0.1:[PORT])` is not a Wasm package: its manifest cannot be understood
    ");
    let lying = with_layers(
        &json!([{ "mediaType": "application/wasm", "digest": "sha256:../../etc/passwd", "size": 1 }]),
    );
    insta::assert_snapshot!(said(&proxy, &sandbox, &lying), @"
    exit: 1
    --- stderr
    error: acme:base 1.0.0 at registry `wasm.example (127.0.0.1:[PORT])` is not a Wasm package: its layer has no valid SHA-256 digest or size
    ");
    let negative =
        with_layers(&json!([{ "mediaType": "application/wasm", "digest": oci::digest(b"x"), "size": -1 }]));
    insta::assert_snapshot!(said(&proxy, &sandbox, &negative), @"
    exit: 1
    --- stderr
    error: acme:base 1.0.0 at registry `wasm.example (127.0.0.1:[PORT])` is not a Wasm package: its layer has no valid SHA-256 digest or size
    ");
}

#[test]
fn hides_in_its_config_object_what_the_wasm_reaches_for() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    let wasm = environment_counter("acme:count", "1.0.0");
    oci::push(&registry, "acme/count", "1.0.0", &wasm, &[], &["acme:count/api@1.0.0"]);
    let entry = "\"acme:count\" = { version = \"^1\", inherit_configuration = [\"environment\"] }";
    sandbox.write_app(&[("acme:count", "1.0.0")], entry, "");
    // It is locked by what it says of itself, which is not enough to be used.
    sandbox.run(&["lock"]).done();
    insta::assert_snapshot!(refused_without_advice(&sandbox, &["verify"]), @"
    exit: 1
    --- stderr
    warning: component `app` has no `environment` itself, so there is nothing for `acme:count` to inherit yet
    error: acme:count@1.0.0 reaches for the capability `environment`, which the lockfile does not record

    hint: the lockfile was edited, or the registry's description of acme:count@1.0.0 is not true; remove its entry from spin-deps.lock, run `spin-deps lock`, and if it is so again, do not use it
    ");
    sandbox.run(&["compose", "app", "-o", "out.wasm"]).failed();
}

#[test]
fn claims_in_its_config_object_what_the_wasm_does_not_export() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    let exports = ["acme:base/api@1.0.0"];
    oci::push(&registry, "acme/base", "1.0.0", &base("2.0.0"), &["wasi:sockets/tcp@0.2.0"], &exports);
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    // Who does not describe it as we do is not believed.
    insta::assert_snapshot!(refused_without_advice(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:base ^1 and acme:base 1.0.0 does not fit component `app`: `acme:base/api@1.0.0` is not among the exports, your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "^1"
        ·               ──┬─
        ·                 ╰── asked for here
        ╰────

    hint: change the requirement of component `app` on acme:base ^1
    "#);
}
