//! The catalogue: what is built in, and what is asked for.

use super::write_app;
use crate::support::web::{Page, WebServer};
use crate::support::world::Sandbox;

#[test]
fn what_is_built_in_is_listed_without_a_request() {
    let sandbox = Sandbox::new();
    sandbox.write("env.toml", "default = { worlds = [{ path = \"wit\", world = \"acme:own/w\" }] }");
    write_app(&sandbox, "\"spin-up:3.6\", { path = \"env.toml\" }");
    let list = sandbox.run(&["targets", "list", "--offline"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&list), @"");
    let json = sandbox.run(&["targets", "list", "--offline", "--format", "json"]).done().json();
    let used = json["environments"].as_array().expect("a list").iter();
    let used: Vec<_> = used.filter(|it| it["used"] == true).map(|it| it["offers"].to_string()).collect();
    insta::assert_snapshot!(used.join("\n"), @"");
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
    insta::assert_snapshot!(texts.join("\n"), @"");
}
