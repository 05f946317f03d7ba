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
      and no version of acme:base matches both =1.0.0 and ^1.1.0 (available: 2.0.0, 1.2.0-rc.1, 1.1.0, 1.0.0)
      and within 1.x an app has one release of acme:base, since components that exchange a resource must share it,
    your requirements cannot all be met
        ╭─[spin.toml:20:15]
     19 │ "acme:middle" = "=1.1.0"
     20 │ "acme:base" = "=1.0.0"
        ·               ────┬───
        ·                   ╰── asked for here
        ╰────

    hint: run `spin-deps add acme:base@^1.1.0 --to app`, or `spin-deps add acme:middle@^1.0.0 --to app` to ask for acme:base ^1.1.0 in component `app`, or for acme:middle ^1.0.0 in component `app`
    "#);
}

/// Who asks is told as the manifest says it: the name of the dependency, the route of the middleware. And the command
/// that is proposed helps.
#[test]
fn are_told_in_the_words_of_the_manifest() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.publish(&chain("acme:gate", "1.0.0", &[("acme:base", "1.1.0")]));
    sandbox.write_app(
        &[("acme:base", "1.0.0")],
        "\"acme:base/api@1.0.0\" = { version = \"=1.0.0\", package = \"acme:base\" }",
        "",
    );
    let middleware =
        "[[trigger.http]]\ndependencies.middleware = [{ package = \"acme:gate\", version = \"^1\" }]";
    sandbox.write("spin.toml", sandbox.read("spin.toml").replace("[[trigger.http]]", middleware));
    insta::assert_snapshot!(refused(&sandbox, &["lock"]), @r#"
    exit: 1
    --- stderr
    error: because component `app` (dependency `acme:base/api@1.0.0`) depends on acme:base =1.0.0
      and the middleware of route `/...` depends on acme:gate ^1
      and acme:gate 1.0.0 depends on acme:base ^1.1.0
      and no version of acme:base matches both =1.0.0 and ^1.1.0 (available: 2.0.0, 1.2.0-rc.1, 1.1.0, 1.0.0)
      and within 1.x an app has one release of acme:base, since components that exchange a resource must share it,
    your requirements cannot all be met
        ╭─[spin.toml:20:25]
     19 │ [component.app.dependencies]
     20 │ "acme:base/api@1.0.0" = { version = "=1.0.0", package = "acme:base" }
        ·                         ──────────────────────┬──────────────────────
        ·                                               ╰── asked for here
        ╰────

    hint: run `spin-deps add acme:base@^1.1.0 --to app --import acme:base/api@1.0.0` to ask for acme:base ^1.1.0 in component `app` (dependency `acme:base/api@1.0.0`)
    "#);
    let add =
        ["add", "acme:base@^1.1.0", "--to", "app", "--import", "acme:base/api@1.0.0", "--inherit", "none"];
    sandbox.run(&add).done();
    sandbox.run(&["lock", "--check"]).done();
}
