//! Requirements that cannot all be met.

use spin_deps_fixtures::library::chain;

use super::refused;
use crate::support::library::publish_all;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

#[test]
fn go_round_in_a_circle() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&chain("acme:hen", "1.0.0", &[("acme:egg", "1.0.0")]));
    sandbox.publish(&chain("acme:egg", "1.0.0", &[("acme:hen", "1.0.0")]));
    sandbox.write_app(&[("acme:hen", "1.0.0")], "\"acme:hen\" = \"^1\"", "");
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"");
}

#[test]
fn want_two_things_at_once() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.publish(&chain("acme:middle", "1.1.0", &[("acme:base", "1.1.0")]));
    sandbox.write_app(
        &[("acme:middle", "1.0.0"), ("acme:base", "1.0.0")],
        "\"acme:middle\" = \"=1.1.0\"\n\"acme:base\" = \"=1.0.0\"",
        "",
    );
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"");
}
