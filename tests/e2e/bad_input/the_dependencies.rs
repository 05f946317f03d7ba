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
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @"
    exit: 1
    --- stderr
    error: the dependencies go round in a circle: acme:egg 1.0.0 depends on acme:hen 1.0.0, which depends on acme:egg 1.0.0

    hint: a component cannot be inside itself: ask for a release of acme:egg that does not need the others, or tell its author
    ");
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
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:base =1.0.0
      and component `app` depends on acme:middle =1.1.0
      and acme:middle 1.1.0 depends on acme:base ^1.1.0
      and no version of acme:base matches both =1.0.0 and ^1.1.0 (available: 2.0.0, 1.2.0-rc.1, 1.1.0, 1.0.0),
    your requirements cannot all be met
        ╭─[spin.toml:19:17]
     18 │ [component.app.dependencies]
     19 │ "acme:middle" = "=1.1.0"
        ·                 ────┬───
        ·                     ╰── asked for here
     20 │ "acme:base" = "=1.0.0"
        ╰────

    hint: change one of these requirements: component `app` on acme:base =1.0.0 or component `app` on acme:middle =1.1.0
    "#);
}
