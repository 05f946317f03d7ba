//! The catalogue: what is built in, and what is asked for.

use super::write_app;
use crate::support::web::{Page, WebServer};
use crate::support::world::Sandbox;

#[test]
fn what_is_built_in_is_listed_without_a_request() {
    let sandbox = Sandbox::new();
    sandbox.write("env.toml", "default = { worlds = [{ path = \"wit\", world = \"acme:edge/w\" }] }");
    write_app(&sandbox, "\"spin-up:3.6\", { path = \"env.toml\" }");
    let list = sandbox.run(&["targets", "list", "--offline"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&list), @"
    exit: 0
    --- stdout
    environment                        triggers                                 provides
    akamai-functions                   http, others                             local_service_chaining, middleware
    containerd-shim-spin:0.26.0        command, http, mqtt, redis, sqs, others  local_service_chaining, middleware
    spin-up:3.2                        http, others                             local_service_chaining
    spin-up:3.4                        http, others                             local_service_chaining
    spin-up:3.5                        http, others                             local_service_chaining
    spin-up:3.6                  used  http, others                             local_service_chaining
    env.toml                     used  others
    ");
    let json = sandbox.run(&["targets", "list", "--offline", "--format", "json"]).done().json();
    let used = json["environments"].as_array().expect("a list").iter();
    let used: Vec<_> = used.filter(|it| it["used"] == true).map(|it| it["offers"].to_string()).collect();
    insta::assert_snapshot!(used.join("\n"), @r#"
    [{"capabilities":["local_service_chaining"],"trigger":"http","worlds":["spin:up/http-trigger@3.6.0","spin:up/http-trigger@3.4.0"]},{"capabilities":[],"trigger":null,"worlds":["spin:up/platform@3.6.0"]}]
    [{"capabilities":[],"trigger":null,"worlds":["acme:edge/w"]}]
    "#);
}

#[test]
fn a_name_that_is_not_there_is_guessed_at() {
    let sandbox = Sandbox::new();
    let server = WebServer::start(|_| {
        Page::new(404, "<!DOCTYPE html><title>Not found</title>").header("content-type", "text/html")
    });
    let texts = ["spin-upp:3.6", "nothing", "../../etc", "spin-up:", "spin-up:3.6:1"].map(|name| {
        write_app(&sandbox, &format!("\"{name}\""));
        let mut command = sandbox.command(&["lock"]);
        command.env("SPIN_DEPS_TARGETS_URL", server.url("/"));
        sandbox.snapshot(&Sandbox::run_command(&mut command).failed())
    });
    insta::assert_snapshot!(texts.join("\n"), @"
    exit: 1
    --- stderr
    error: the catalogue has no environment `spin-upp:3.6`

    hint: did you mean `spin-up:3.6`?

    exit: 1
    --- stderr
    error: the catalogue has no environment `nothing`

    hint: it has `akamai-functions`, `containerd-shim-spin:0.26.0`, `spin-up:3.2`, `spin-up:3.4`, `spin-up:3.5`, `spin-up:3.6`

    exit: 1
    --- stderr
    error: `../../etc` is not the name of an environment, such as `spin-up:3.6`

    exit: 1
    --- stderr
    error: `spin-up:` is not the name of an environment, such as `spin-up:3.6`

    exit: 1
    --- stderr
    error: `spin-up:3.6:1` is not the name of an environment, such as `spin-up:3.6`
    ");
}
