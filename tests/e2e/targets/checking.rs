//! What fits, what does not, and what is said of it.

use spin_deps_fixtures::http::{p2_app, p3_app, p3_middleware, p3_middleware_importing, worlds};

use super::{BOTH, WORLDS, manifest, stage, write_app};
use crate::support::world::Sandbox;

/// What `targets check` says.
fn check(sandbox: &Sandbox) -> String {
    sandbox.snapshot(&sandbox.run(&["targets", "check"]))
}

#[test]
fn the_verdict_on_every_world_is_shown() {
    let (_registry, sandbox) = stage();
    sandbox.write("env.toml", BOTH);
    write_app(&sandbox, "{ path = \"env.toml\" }");
    insta::assert_snapshot!(check(&sandbox), @"
    exit: 0
    --- stdout
    ✓ app fits env.toml
      as http trigger: app-http-trigger
      ✓ spin:up/http@1.0.0
      ✗ spin:up/http-async@1.0.0
        imports wasi:io/error@0.2.0, which the world does not offer
        imports wasi:io/streams@0.2.0, which the world does not offer
        imports wasi:http/types@0.2.0, which the world does not offer
        does not export wasi:http/handler@0.3.0, which the world wants
    Checked the app fits its environments (1 check)
    ");
    sandbox.write("env.toml", BOTH.replace("\"spin:up/http@1.0.0\", ", ""));
    insta::assert_snapshot!(check(&sandbox), @"
    exit: 1
    --- stdout
    ✗ app does not fit env.toml
      as http trigger: app-http-trigger
      ✗ spin:up/http-async@1.0.0
        imports wasi:io/error@0.2.0, which the world does not offer
        imports wasi:io/streams@0.2.0, which the world does not offer
        imports wasi:http/types@0.2.0, which the world does not offer
        does not export wasi:http/handler@0.3.0, which the world wants
    Failed 1 of 1 check
    ");
}

#[test]
fn what_is_deployed_is_checked_with_its_dependencies_inside() {
    let (_registry, sandbox) = stage();
    sandbox.write("env.toml", BOTH);
    sandbox.write("app.wasm", p2_app(&[("acme:env", "0.4.0")]));
    sandbox.publish(&crate::support::library::environment_counter("acme:env", "0.4.0"));
    let granted = "\n[component.app.dependencies]\n\"acme:env\" = { version = \"^0.4\", inherit_configuration = [\"environment\"] }\n";
    sandbox.write("spin.toml", manifest("{ path = \"env.toml\" }", "app") + granted);
    let run = sandbox.run(&["targets", "check", "--format", "json"]).done();
    assert_eq!(run.json()["checks"][0]["worlds"][0]["fits"], true, "{}", run.stdout);
    // What the dependency imports is the app's import now.
    let less = WORLDS.replace("import wasi:cli/environment@0.2.0;", "");
    sandbox.write("less.wasm", worlds("spin:up@1.0.0", &less).expect("a package of WIT"));
    sandbox.write(
        "env.toml",
        "[triggers.http]\nworlds = [{ path = \"less.wasm\", world = \"spin:up/http@1.0.0\" }]\n",
    );
    insta::assert_snapshot!(check(&sandbox), @"
    exit: 1
    --- stdout
    ✗ app does not fit env.toml
      as http trigger: app-http-trigger
      ✗ spin:up/http@1.0.0
        imports wasi:cli/environment@0.2.0, which the world does not offer
    Failed 1 of 1 check
    --- stderr
    warning: component `app` has no `environment` itself, so there is nothing for `acme:env` to inherit yet
    ");
}

#[test]
fn middleware_is_checked_with_the_component_behind_it() {
    let (_registry, sandbox) = stage();
    sandbox.write("env.toml", BOTH);
    sandbox.write("app.wasm", p3_app(&[]));
    sandbox.write("first.wasm", p3_middleware("x-first", "1"));
    sandbox.write("second.wasm", p3_middleware_importing("x-second", "2", &[("wasi:odd", "1.0.0")]));
    let routes = "
[[trigger.http]]
route = \"/first\"
component = \"app\"
dependencies.middleware = [{ path = \"first.wasm\" }]

[[trigger.http]]
route = \"/also\"
component = \"app\"
dependencies.middleware = [{ path = \"first.wasm\" }]

[[trigger.http]]
route = \"/second\"
component = \"app\"
dependencies.middleware = [{ path = \"second.wasm\", inherit_configuration = true }]

[[trigger.http]]
route = \"/static\"
static_response = { status_code = 204 }
";
    sandbox.write("spin.toml", manifest("{ path = \"env.toml\" }", "app") + routes);
    insta::assert_snapshot!(check(&sandbox), @"
    exit: 1
    --- stdout
    ✓ app fits env.toml
      as http trigger: app-http-trigger
      ✗ spin:up/http@1.0.0
        imports wasi:http/types@0.3.0, which the world does not offer
        does not export wasi:http/incoming-handler@0.2.0, which the world wants
      ✓ spin:up/http-async@1.0.0
    ✓ app fits env.toml
      as http triggers: http-trigger1, http-trigger2
      ✗ spin:up/http@1.0.0
        imports wasi:http/types@0.3.0, which the world does not offer
        does not export wasi:http/incoming-handler@0.2.0, which the world wants
      ✓ spin:up/http-async@1.0.0
    ✗ app does not fit env.toml
      as http trigger: http-trigger3
      ✗ spin:up/http@1.0.0
        imports wasi:http/types@0.3.0, which the world does not offer
        imports wasi:odd/api@1.0.0, which the world does not offer
        does not export wasi:http/incoming-handler@0.2.0, which the world wants
      ✗ spin:up/http-async@1.0.0
        imports wasi:odd/api@1.0.0, which the world does not offer
    Failed 1 of 3 checks
    ");
    sandbox.write("env.toml", BOTH.replace("capabilities = [\"middleware\"]", ""));
    let run = sandbox.run(&["targets", "check", "--format", "json"]).failed();
    let missing = |at: usize| run.json()["checks"][at]["missing_capabilities"].to_string();
    assert_eq!([missing(0), missing(1)], ["[]", "[\"middleware\"]"]);
}

#[test]
fn triggers_and_capabilities_count_too() {
    let (_registry, sandbox) = stage();
    sandbox.write("env.toml", "[triggers.http]\nworlds = [\"spin:up/http@1.0.0\"]\n");
    write_app(&sandbox, "{ path = \"env.toml\" }");
    let wanted = sandbox.read("spin.toml");
    let chained = "allowed_outbound_hosts = [\"http://*.spin.internal\"]\n";
    sandbox.write("spin.toml", format!("{wanted}{chained}"));
    insta::assert_snapshot!(check(&sandbox), @"
    exit: 1
    --- stdout
    ✗ app does not fit env.toml
      as http trigger: app-http-trigger
      it does not provide `local_service_chaining`, which a host `*.spin.internal` in its allowed_outbound_hosts needs
      ✓ spin:up/http@1.0.0
    Failed 1 of 1 check
    ");
    sandbox.write(
        "spin.toml",
        wanted.replace("[[trigger.http]]\nroute = \"/...\"", "[[trigger.redis]]\nchannel = \"c\""),
    );
    insta::assert_snapshot!(check(&sandbox), @"
    exit: 1
    --- stdout
    ✗ app does not fit env.toml
      as redis trigger: app-redis-trigger
      it does not support triggers of the kind `redis`
    Failed 1 of 1 check
    ");
    // With a default, there is something for every kind.
    sandbox.write("env.toml", "default = { worlds = [\"spin:up/platform@1.0.0\", \"spin:up/other@1.0.0\"] }");
    insta::assert_snapshot!(check(&sandbox), @"
    exit: 1
    --- stdout
    ✗ app does not fit env.toml
      as redis trigger: app-redis-trigger
      ✗ spin:up/platform@1.0.0
        imports wasi:io/error@0.2.0, which the world does not offer
        imports wasi:io/streams@0.2.0, which the world does not offer
        imports wasi:http/types@0.2.0, which the world does not offer
      ✗ spin:up/other@1.0.0
        imports wasi:io/error@0.2.0, which the world does not offer
        imports wasi:io/streams@0.2.0, which the world does not offer
        imports wasi:http/types@0.2.0, which the world does not offer
        does not export run, which the world wants
    Failed 1 of 1 check
    ");
}

#[test]
fn a_component_may_have_targets_of_its_own() {
    let (_registry, sandbox) = stage();
    sandbox.write("p2.toml", "[triggers.http]\nworlds = [\"spin:up/http@1.0.0\"]\n");
    sandbox.write("p3.toml", "[triggers.http]\nworlds = [\"spin:up/http-async@1.0.0\"]\n");
    sandbox.write("app.wasm", p2_app(&[]));
    sandbox.write("new.wasm", p3_app(&[]));
    let own = "
[[trigger.http]]
route = \"/new\"
component = \"new\"

[component.new]
source = \"new.wasm\"
targets = [{ path = \"p3.toml\" }]

[component.part]
source = \"new.wasm\"
targets = [{ path = \"p3.toml\" }]
";
    sandbox.write("spin.toml", manifest("{ path = \"p2.toml\" }", "app") + own);
    insta::assert_snapshot!(check(&sandbox), @"
    exit: 0
    --- stdout
    ✓ app fits p2.toml
      as http trigger: app-http-trigger
      ✓ spin:up/http@1.0.0
    ✓ new fits p3.toml
      as http trigger: new-http-trigger
      ✓ spin:up/http-async@1.0.0
    Checked the app fits its environments (2 checks)
    --- stderr
    warning: component `part` has targets and no trigger, so that it is not checked
    ");
}

#[test]
fn types_are_compared_to_the_function() {
    let (_registry, sandbox) = stage();
    let app = spin_deps_fixtures::http::app_importing("wasi:odd/api@1.0.0", "call").expect("an app");
    sandbox.write("app.wasm", app);
    sandbox.write("wit/worlds.wit", "package acme:host@1.0.0;\nworld w { import wasi:odd/api@1.2.0; }\n");
    sandbox.write(
        "wit/deps/odd/odd.wit",
        "package wasi:odd@1.2.0;\ninterface api { call: func() -> string; }\n",
    );
    sandbox.write(
        "env/env.toml",
        "default = { worlds = [{ path = \"../wit\", world = \"acme:host/w@1.0.0\" }] }\n",
    );
    sandbox.write("spin.toml", manifest("{ path = \"env/env.toml\" }", "app"));
    insta::assert_snapshot!(check(&sandbox), @"
    exit: 1
    --- stdout
    ✗ app does not fit env/env.toml
      as http trigger: app-http-trigger
      ✗ acme:host/w@1.0.0
        imports wasi:io/error@0.2.0, which the world does not offer
        imports wasi:io/streams@0.2.0, which the world does not offer
        imports wasi:http/types@0.2.0, which the world does not offer
        import wasi:odd/api@1.0.0 differs in the function `call`
          the component: call: func()
          the world: call: func() -> string
    Failed 1 of 1 check
    ");
}

#[test]
fn without_targets_there_is_nothing_to_check() {
    let sandbox = Sandbox::new();
    write_app(&sandbox, "");
    insta::assert_snapshot!(check(&sandbox), @"
    exit: 0
    --- stdout
    Nothing to check: no component with a trigger has `targets`
    ");
}

#[test]
fn another_environment_can_be_tried() {
    let (_registry, sandbox) = stage();
    write_app(&sandbox, "");
    sandbox.write("env.toml", "[triggers.http]\nworlds = [\"spin:up/http-async@1.0.0\"]\n");
    let before = sandbox.files();
    let run = sandbox.run(&["targets", "check", "--target", "env.toml"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 1
    --- stdout
    ✗ app does not fit env.toml
      as http trigger: app-http-trigger
      ✗ spin:up/http-async@1.0.0
        imports wasi:io/error@0.2.0, which the world does not offer
        imports wasi:io/streams@0.2.0, which the world does not offer
        imports wasi:http/types@0.2.0, which the world does not offer
        does not export wasi:http/handler@0.3.0, which the world wants
    Failed 1 of 1 check
    ");
    assert_eq!(sandbox.files(), before, "nothing is written for it");
}
