//! `--format json`: the results of all commands are what the reference says.

use std::collections::BTreeSet;

use serde_json::Value;
use spin_deps_fixtures::wit_package;

use super::{project, schema};
use crate::support::library::environment_counter;
use crate::support::registry::Registry;
use crate::support::web::{Page, WebServer};
use crate::support::world::{Run, Sandbox};

/// Runs a command in JSON and holds its result against the schema `name`.
#[track_caller]
fn result(sandbox: &Sandbox, name: &str, arguments: &[&str]) -> Run {
    let run = sandbox.run(&[arguments, &["--format", "json"]].concat());
    assert_fits(name, &run.json(), &run.stderr);
    run
}

#[track_caller]
pub(crate) fn assert_fits(name: &str, value: &Value, said: &str) {
    let differences = schema::differences(name, value);
    assert!(differences.is_empty(), "{name}: {differences:#?}\n{value:#}\n{said}");
}

#[test]
fn the_results_about_an_app_are_as_described() {
    let sandbox = project();
    let helper = sandbox.artifact(&environment_counter("acme:helper", "1.0.0"));
    sandbox.write("helper.wasm", fs_err::read(&helper).expect("an artifact"));
    sandbox.write("linked.wasm", environment_counter("acme:env", "0.4.0"));
    for (name, arguments) in [
        ("lock", ["lock"].as_slice()),
        ("lock", &["lock", "--check"]),
        ("lock", &["lock", "--resolution", "lowest"]),
        ("update", &["update", "--dry-run"]),
        ("update", &["update"]),
        ("update", &["update", "acme:base@1.1.0", "--precise", "1.0.0"]),
        ("outdated", &["outdated"]),
        ("update", &["update", "--breaking"]),
        ("sync", &["sync"]),
        ("tree", &["tree"]),
        ("tree", &["tree", "--invert", "acme:base"]),
        ("tree", &["tree", "--duplicates"]),
        ("why", &["why", "acme:base"]),
        ("add", &["add", "acme:env", "--to", "app", "--inherit", "none", "--dry-run"]),
        ("add", &["add", "acme:env", "--to", "app", "--inherit", "none"]),
        ("why", &["why", "acme:env"]),
        ("link", &["link", "./linked.wasm", "--package", "acme:env"]),
        ("tree", &["tree"]),
        ("lock", &["lock"]),
        ("unlink", &["unlink", "acme:env"]),
        ("remove", &["remove", "acme:env", "--to", "app"]),
        ("remove", &["remove", "acme:middle", "--to", "app", "--dry-run"]),
        ("bindings", &["bindings"]),
        ("componentize", &["componentize", "app.wasm", "-o", "same.wasm"]),
        ("compose", &["compose", "app", "-o", "composed.wasm"]),
        ("verify", &["verify"]),
    ] {
        result(&sandbox, name, arguments).done();
    }
    let wanted = sandbox.read("spin.toml");
    sandbox.write("spin.toml", wanted.replace("status = 200", "status = 201"));
    let failed = result(&sandbox, "verify", &["verify"]).failed();
    assert_eq!(failed.json()["answers"][0]["mismatches"][0]["of"], "status");
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("a lock");
    let refused = result(&sandbox, "verify", &["verify", "--locked"]).failed();
    assert!(refused.json()["sync"].is_null(), "{}", refused.stdout);
}

#[test]
fn what_an_instance_remembers_is_as_described() {
    let sandbox = Sandbox::new();
    sandbox.write("app.wasm", spin_deps_fixtures::http::p3_counter_app());
    sandbox.write("spin.toml", crate::support::world::manifest("", "1"));
    let remembers = result(&sandbox, "verify", &["verify", "--reuse-check"]).failed();
    assert_eq!(remembers.json()["reuse"][0]["verdict"], "found");
}

#[test]
fn the_results_about_environments_are_as_described() {
    let sandbox = project();
    sandbox.write("wit/worlds.wit", "package acme:host@1.0.0;\nworld w { export run: func(); }\n");
    let world = "{ path = \"wit\", world = \"acme:host/w@1.0.0\" }";
    sandbox.write("env.toml", format!("default = {{ worlds = [{world}], capabilities = [\"middleware\"] }}"));
    let manifest = sandbox.read("spin.toml");
    sandbox.write(
        "spin.toml",
        manifest.replacen(
            "[application]",
            "[application]\ntargets = [{ path = \"env.toml\" }, \"spin-up:9.9\"]",
            1,
        ),
    );
    let server = WebServer::start(|_| Page::new(200, "default = { worlds = [\"acme:host/w@1.0.0\"] }"));
    sandbox.publish(&wit_package("package acme:host@1.0.0;\nworld w { import run: func(); }").expect("WIT"));
    for (name, arguments, code) in [
        ("lock", ["lock"].as_slice(), 0),
        ("targets-check", &["targets", "check"], 1),
        ("targets-list", &["targets", "list"], 0),
        ("targets-update", &["targets", "update"], 0),
    ] {
        let mut command = sandbox.command(&[arguments, &["--format", "json"]].concat());
        let run = Sandbox::run_command(command.env("SPIN_DEPS_TARGETS_URL", server.url("/")));
        assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
        assert_fits(name, &run.json(), &run.stderr);
    }
}

#[test]
fn the_results_about_releases_are_as_described() {
    let sandbox = project();
    let artifact = sandbox.artifact(&environment_counter("acme:env", "0.3.1"));
    let several = sandbox.artifact(&environment_counter("acme:env", "0.3.2"));
    for (name, arguments) in [
        ("publish", ["publish", &artifact, "--dry-run"].as_slice()),
        ("publish", &["publish", &artifact]),
        ("publish", &["publish", &artifact]),
        ("publish", &["publish", &artifact, &several]),
        ("yank", &["yank", "acme:env@0.3.2", "--reason", "it was too early"]),
        ("yank", &["yank", "acme:env@0.3.2", "--reason", "it was too early"]),
        ("versions", &["versions", "acme:env"]),
        ("versions", &["versions", "acme:base"]),
        ("info", &["info", "acme:env"]),
        ("info", &["info", "acme:env@0.3.2"]),
        ("info", &["info", "acme:base"]),
        ("diff", &["diff", "acme:base@1.0.0", "2.0.0"]),
        ("diff", &["diff", "acme:env@0.3.0", "0.3.1"]),
        ("search", &["search", "acme"]),
        ("search", &["search", "acme:env/api"]),
        ("search", &["search", "nothing-is-called-so"]),
    ] {
        result(&sandbox, name, arguments).done();
    }
}

#[test]
fn the_results_about_this_machine_are_as_described() {
    let registry = Registry::with_password();
    let sandbox = project();
    let host = registry.host();
    sandbox.use_host(&host, None);
    let password = registry.credentials().expect("a password");
    let command = ["login", &host, "--user", &password.user, "--password-stdin", "--format", "json"];
    let login = sandbox.run_reading(&command, &password.password).done();
    assert_fits("login", &login.json(), &login.stderr);
    for (name, arguments) in [
        ("logout", ["logout", &host].as_slice()),
        ("logout", &["logout", &host]),
        ("cache-dir", &["cache", "dir"]),
        ("cache-info", &["cache", "info"]),
        ("cache-verify", &["cache", "verify"]),
        ("cache-clean", &["cache", "clean"]),
        ("completions", &["completions", "bash"]),
        ("man", &["man", "add"]),
        ("man", &["man", "--dir", "pages"]),
        ("new", &["new", "library", "acme:fresh", "--lang", "c", "--dry-run"]),
    ] {
        result(&sandbox, name, arguments).done();
    }
}

#[test]
fn the_address_of_a_running_app_is_as_described() {
    let sandbox = project();
    let mut running = sandbox.start(&["up", "--listen", "127.0.0.1:0", "--format", "json"]);
    let mut text = String::new();
    let value: Value = loop {
        text += &running.wait_for(|line| Some(line.to_owned()));
        if let Ok(value) = serde_json::from_str(&text) {
            break value;
        }
    };
    running.terminate();
    running.finish();
    assert_fits("up", &value, "");
}

#[test]
fn failures_are_as_described_whatever_failed() {
    let sandbox = project();
    for arguments in [
        ["why", "acme:nothing"].as_slice(),
        &["add", "acme:nothing@^1", "--to", "app"],
        &["lok"],
        &["compose"],
        &["add", "acme:env"],
        &["lock", "--from", "nowhere"],
        &["publish", "spin.toml"],
    ] {
        let run = sandbox.run(&[arguments, &["--format", "json"]].concat());
        assert_ne!(run.code, Some(0));
        assert_eq!(run.stdout, "", "{arguments:?}");
        let value: Value = serde_json::from_str(&run.stderr).unwrap_or_else(|_| panic!("{}", run.stderr));
        assert_fits("error", &value, "");
    }
}

#[test]
fn every_command_has_a_schema_and_a_line_in_the_reference() {
    let all = Sandbox::new().run(&["generate-docs"]).done().stdout;
    let names: Vec<_> =
        all.lines().filter_map(|line| line.strip_prefix("## `spin-deps ")?.strip_suffix('`')).collect();
    let is_group = |name: &str| names.iter().any(|other| other.starts_with(&format!("{name} ")));
    let mut wanted: BTreeSet<String> =
        names.iter().filter(|name| !is_group(name)).map(|name| name.replace(' ', "-")).collect();
    wanted.extend(["error".to_owned(), "up-line".to_owned()]);
    let page = fs_err::read_to_string(schema::folder().join("../json.md")).expect("the reference");
    let files = fs_err::read_dir(schema::folder()).expect("the schemas").map(|entry| {
        entry.expect("a schema").file_name().to_string_lossy().trim_end_matches(".schema.json").to_owned()
    });
    assert_eq!(files.collect::<BTreeSet<_>>(), wanted);
    for name in wanted {
        assert!(
            page.contains(&format!("(json/{name}.schema.json)")),
            "{name} is not in docs/reference/json.md"
        );
    }
}
