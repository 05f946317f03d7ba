//! A registry that lacks the release, is not there, or does not let us in.

use std::net::TcpListener;

use super::{refused, refused_without_advice, usual};
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, base, middle, publish_all};
use crate::support::proxy::Proxy;
use crate::support::registry::{Credentials, Registry};
use crate::support::world::Sandbox;

#[test]
fn has_no_such_package() {
    let (_registry, sandbox) = usual();
    sandbox.write_app(&[("acme:nowhere", "1.0.0")], "\"acme:nowhere\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:nowhere ^1 and acme:nowhere is not in the registry wasm.example, your requirement cannot be met
        ╭─[spin.toml:19:18]
     18 │ [component.app.dependencies]
     19 │ "acme:nowhere" = "^1"
        ·                  ──┬─
        ·                    ╰── asked for here
        ╰────

    hint: check the spelling of acme:nowhere; `spin-deps search nowhere` shows what there is
    "#);
}

#[test]
fn has_no_version_in_the_range() {
    let (_registry, sandbox) = usual();
    sandbox.write_app(&[("acme:base", "3.0.0")], "\"acme:base\" = \"^3\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:base ^3 and no version of acme:base matches ^3 (available: 2.0.0, 1.2.0-rc.1, 1.1.0, 1.0.0), your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "^3"
        ·               ──┬─
        ·                 ╰── asked for here
        ╰────

    hint: run `spin-deps add acme:base@^2.0.0 --to app` to ask for acme:base ^2.0.0, the newest release
    "#);
}

#[test]
fn has_only_a_pre_release_in_the_range() {
    let (_registry, sandbox) = usual();
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1.2\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:base ^1.2 and acme:base has only pre-releases for ^1.2 (1.2.0-rc.1), your requirement cannot be met
        ╭─[spin.toml:19:15]
     18 │ [component.app.dependencies]
     19 │ "acme:base" = "^1.2"
        ·               ───┬──
        ·                  ╰── asked for here
        ╰────

    hint: run `spin-deps add acme:base@^1.2.0-rc.1 --to app` to ask for acme:base ^1.2.0-rc.1, a pre-release
    "#);
}

#[test]
fn lacks_what_a_dependency_needs() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&middle("1.0.0"));
    sandbox.publish(&base("2.0.0"));
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:middle ^1
      and acme:middle 1.0.0 depends on acme:base ^1.0.0
      and no version of acme:base matches ^1.0.0 (available: 2.0.0),
    your requirement cannot be met
        ╭─[spin.toml:19:17]
     18 │ [component.app.dependencies]
     19 │ "acme:middle" = "^1"
        ·                 ──┬─
        ·                   ╰── asked for here
        ╰────

    hint: to use acme:base ^2.0.0, the newest release, override it for all in spin.toml: [application.tool.deps.overrides] "acme:base" = "^2.0.0"
    "#);
}

#[test]
fn cannot_be_reached() {
    let (_registry, sandbox) = usual();
    // A port that was free a moment ago: nobody listens there.
    let address =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    sandbox.use_host(&address.to_string(), None);
    sandbox.delete_cache();
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
    exit: 1
    --- stderr
    error: could not reach registry `wasm.example (127.0.0.1:[PORT])`: the connection was refused

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
}

#[test]
fn is_busy_for_longer_than_we_ask() {
    let (registry, sandbox) = usual();
    let proxy = Proxy::start(&registry.host());
    proxy.refuse("/tags/", 503);
    sandbox.use_host(&proxy.host(), None);
    sandbox.delete_cache();
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
    exit: 1
    --- stderr
    error: registry `wasm.example (127.0.0.1:[PORT])` is not able to answer now (HTTP status 503)

    hint: try again later
    ");
    assert!(proxy.requests().len() > 2, "a busy server is asked again: {:?}", proxy.requests());
    proxy.accept();
    sandbox.run(&["verify"]).done();
}

#[test]
fn answers_with_something_else() {
    let (registry, sandbox) = usual();
    let proxy = Proxy::start(&registry.host());
    proxy.refuse_with("/tags/", 200, "<html>Please log in to the guest network</html>");
    sandbox.use_host(&proxy.host(), None);
    sandbox.delete_cache();
    insta::assert_snapshot!(refused_without_advice(&sandbox, &["lock"]), @"
    exit: 1
    --- stderr
    error: registry `wasm.example (127.0.0.1:[PORT])` gave an answer for `acme/middle` that cannot be understood: it is a web page, such as one to log in

    hint: check that the name is that of a registry, and that no login page or proxy answers in its place
    ");
}

#[test]
fn is_configured_nowhere() {
    let sandbox = Sandbox::new();
    sandbox.write_app(&[("unknown:base", "1.0.0")], "\"unknown:base\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on unknown:base ^1 and no registry is configured for unknown:base, your requirement cannot be met
        ╭─[spin.toml:19:18]
     18 │ [component.app.dependencies]
     19 │ "unknown:base" = "^1"
        ·                  ──┬─
        ·                    ╰── asked for here
        ╰────

    hint: say where the namespace lives, in spin.toml: [application.tool.deps.namespace_registries] unknown = "registry.example.com"
    "#);
}

#[test]
fn does_not_know_this_password() {
    let registry = Registry::with_password();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.delete_cache();
    let wrong = Credentials { user: "ada".into(), password: "hunter2".into() };
    sandbox.use_host(&registry.host(), Some(&wrong));
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    let shown = refused(&sandbox, &["lock"]);
    assert!(!shown.contains("hunter2"), "a message shows a password:\n{shown}");
    insta::assert_snapshot!(shown, @"
    exit: 1
    --- stderr
    error: registry `wasm.example (127.0.0.1:[PORT])` refused access to `acme/middle`: the credentials from the registry configuration were not accepted

    hint: check the credentials from the registry configuration; they may have expired
    ");
}

#[test]
fn wants_a_password_and_gets_none() {
    let registry = Registry::with_password();
    let sandbox = Sandbox::new();
    sandbox.use_host(&registry.host(), None);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: registry `wasm.example (127.0.0.1:[PORT])` refused access to `acme/middle`: it wants credentials, and none were found

    hint: log in with `spin-deps login 127.0.0.1:[PORT]`, set `WKG_REGISTRY_127_0_0_1_[PORT]_AUTH_BEARER`, or set `auth` in `[registry."NAME".oci]` of wkg's config.toml, under the name that the registry has there; some registries answer so for packages that do not exist
    "#);
}

#[test]
fn takes_no_release_from_a_stranger() {
    let registry = Registry::with_password();
    let sandbox = Sandbox::new();
    sandbox.use_host(&registry.host(), None);
    let file = sandbox.artifact(&base("1.0.0"));
    insta::assert_snapshot!(refused(&sandbox, &["publish", &file]), @r#"
    exit: 1
    --- stderr
    error: registry `wasm.example (127.0.0.1:[PORT])` refused access to `acme:base 1.0.0`: it wants credentials, and none were found

    hint: log in with `spin-deps login 127.0.0.1:[PORT]`, set `WKG_REGISTRY_127_0_0_1_[PORT]_AUTH_BEARER`, or set `auth` in `[registry."NAME".oci]` of wkg's config.toml, under the name that the registry has there; some registries answer so for packages that do not exist
    "#);
}
