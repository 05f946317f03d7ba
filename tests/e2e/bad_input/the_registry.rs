//! A registry that lacks the release, is not there, or does not let us in.

use std::net::TcpListener;

use super::{refused, usual};
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, base, middle, publish_all};
use crate::support::registry::{Credentials, Registry};
use crate::support::world::Sandbox;

#[test]
fn has_no_such_package() {
    let (_registry, sandbox) = usual();
    sandbox.write_app(&[("acme:nowhere", "1.0.0")], "\"acme:nowhere\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"");
}

#[test]
fn has_no_version_in_the_range() {
    let (_registry, sandbox) = usual();
    sandbox.write_app(&[("acme:base", "3.0.0")], "\"acme:base\" = \"^3\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"");
}

#[test]
fn has_only_a_pre_release_in_the_range() {
    let (_registry, sandbox) = usual();
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1.2\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"");
}

#[test]
fn lacks_what_a_dependency_needs() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&middle("1.0.0"));
    sandbox.publish(&base("2.0.0"));
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"");
}

#[test]
fn cannot_be_reached() {
    let (_registry, sandbox) = usual();
    // A port that was free a moment ago: nobody listens there.
    let address =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    sandbox.use_host(&address.to_string(), None);
    sandbox.delete_cache();
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"");
}

#[test]
fn is_configured_nowhere() {
    let sandbox = Sandbox::new();
    sandbox.write_app(&[("unknown:base", "1.0.0")], "\"unknown:base\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"");
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
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn wants_a_password_and_gets_none() {
    let registry = Registry::with_password();
    let sandbox = Sandbox::new();
    sandbox.use_host(&registry.host(), None);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"");
}

#[test]
fn takes_no_release_from_a_stranger() {
    let registry = Registry::with_password();
    let sandbox = Sandbox::new();
    sandbox.use_host(&registry.host(), None);
    let file = sandbox.artifact(&base("1.0.0"));
    insta::assert_snapshot!(refused(&sandbox, &["publish", &file]), @"");
}
