//! A registry that answers with a web page where data should be, or with data in another charset.

use super::refused_without_advice;
use crate::support::library::base;
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::web::{Page, WebServer};
use crate::support::world::Sandbox;

const PAGE: &str = "<!DOCTYPE html>\n<html><title>Welcome</title>Please log in to the guest network</html>";

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

#[test]
fn is_a_web_page() {
    let (registry, proxy, sandbox) = behind_a_proxy();
    let config = registry.config_digest("acme/base", "1.0.0");
    let layer = registry.layer_digest("acme/base", "1.0.0");
    let said = |part: &str| {
        sandbox.delete_cache();
        proxy.accept();
        proxy.refuse_with(part, 200, PAGE);
        refused_without_advice(&sandbox, &["sync"])
    };
    insta::assert_snapshot!(said("/tags/"), @"
    exit: 1
    --- stderr
    error: registry `wasm.example (127.0.0.1:[PORT])` gave an answer for `acme/base` that cannot be understood: it is a web page, such as one to log in

    hint: check that the name is that of a registry, and that no login page or proxy answers in its place
    ");
    insta::assert_snapshot!(said("/manifests/"), @"
    exit: 1
    --- stderr
    error: registry `wasm.example (127.0.0.1:[PORT])` gave an answer for `acme:base 1.0.0` that cannot be understood: it is a web page, such as one to log in

    hint: check that the name is that of a registry, and that no login page or proxy answers in its place
    ");
    insta::assert_snapshot!(said(&config), @"
    exit: 1
    --- stderr
    error: registry `wasm.example (127.0.0.1:[PORT])` gave an answer for `the config object of acme:base 1.0.0` that cannot be understood: it is a web page, such as one to log in

    hint: check that the name is that of a registry, and that no login page or proxy answers in its place
    ");
    insta::assert_snapshot!(said(&layer), @"
    exit: 1
    --- stderr
    error: the content of acme:base 1.0.0 from registry `wasm.example (127.0.0.1:[PORT])` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used
    ");
    // What was taken for an answer before is not remembered.
    proxy.accept();
    sandbox.run(&["sync"]).done();
}

#[test]
fn is_a_web_page_where_a_token_should_be() {
    let server = WebServer::start(|path| match path {
        path if path.starts_with("/token") => Page::login_page(),
        _ => Page::new(401, "").header("www-authenticate", "Bearer realm=\"http://127.0.0.1:1/token\""),
    });
    let realm = server.url("/token");
    let front = WebServer::start(move |_| {
        Page::new(401, "").header("www-authenticate", format!("Bearer realm=\"{realm}\""))
    });
    let sandbox = Sandbox::new();
    sandbox.use_host(&front.host(), None);
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    insta::assert_snapshot!(refused_without_advice(&sandbox, &["lock"]), @"
    exit: 1
    --- stderr
    error: registry `wasm.example (127.0.0.1:[PORT])` gave an answer for `acme/base` that cannot be understood: its token server `http://127.0.0.1:[PORT]/token` sent no token: it is a web page, such as one to log in

    hint: check that the name is that of a registry, and that no login page or proxy answers in its place
    ");
}

#[test]
fn is_a_web_page_where_the_registry_should_describe_itself() {
    let registry = Registry::open();
    let proxy = Proxy::start(&registry.host());
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&base("1.0.0"));
    let host = proxy.host();
    let configuration =
        format!("default_registry = \"{host}\"\n[registry.\"{host}\".oci]\nprotocol = \"http\"\n");
    fs_err::write(sandbox.configuration(), configuration).expect("the configuration");
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    // It counts as none, as with wkg: many registries serve their web pages at every path.
    proxy.refuse_with("/.well-known/", 200, PAGE);
    sandbox.run(&["lock"]).done();
    // But it is not remembered: the guest network will not be there tomorrow.
    proxy.accept();
    proxy.refuse_with("/.well-known/", 200, "{\"oci\": {\"namespacePrefix\": \"other/\"}}");
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    fs_err::remove_dir_all(sandbox.cache().join("spin-deps/blobs")).expect("what was fetched");
    let refused = sandbox.run(&["versions", "acme:nothing"]).failed();
    assert!(
        proxy.requests().iter().any(|seen| seen.path.contains("/v2/other/acme/nothing/")),
        "{}",
        refused.stderr
    );
}

#[test]
fn is_in_another_charset() {
    let (_registry, proxy, sandbox) = behind_a_proxy();
    let text = "{\"name\":\"acme/base\",\"tags\":[\"1.0.0\"]}";
    // UTF-8 with its mark is what JSON may be ignored to begin with (RFC 8259, section 8.1).
    proxy.refuse_with("/tags/", 200, &format!("\u{feff}{text}"));
    sandbox.run(&["lock"]).done();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin1 = b"{\"tags\":[\"1.0.0\",\"\xe4\"]}".to_vec();
    let server = WebServer::start(move |path| match path {
        path if path.starts_with("/v2/acme/utf16/tags") => Page::new(200, utf16.clone()),
        path if path.starts_with("/v2/acme/latin1/tags") => Page::new(200, latin1.clone()),
        _ => Page::new(200, "{}"),
    });
    let sandbox = Sandbox::new();
    sandbox.use_host(&server.host(), None);
    insta::assert_snapshot!(refused_without_advice(&sandbox, &["versions", "acme:utf16"]), @"
    exit: 1
    --- stderr
    error: registry `wasm.example (127.0.0.1:[PORT])` gave an answer for `acme/utf16` that cannot be understood: it is not a list of tags

    hint: check that the name is that of a registry, and that no login page or proxy answers in its place
    ");
    insta::assert_snapshot!(refused_without_advice(&sandbox, &["versions", "acme:latin1"]), @"
    exit: 1
    --- stderr
    error: registry `wasm.example (127.0.0.1:[PORT])` gave an answer for `acme/latin1` that cannot be understood: it is not a list of tags

    hint: check that the name is that of a registry, and that no login page or proxy answers in its place
    ");
}
