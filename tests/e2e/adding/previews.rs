//! `--dry-run`: what would change, and nothing that does.

use super::{added, project, small_project, start};
use crate::support::world::Sandbox;

/// Runs a command that must not change the project.
#[track_caller]
fn preview(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let before = sandbox.files();
    let run = sandbox.run(arguments).done();
    assert!(sandbox.files() == before, "{arguments:?} changed a file");
    sandbox.snapshot(&run)
}

#[test]
fn add_shows_the_manifest_and_the_lock() {
    let sandbox = project();
    insta::assert_snapshot!(preview(&sandbox, &["add", "acme:middle", "--to", "web", "--dry-run"]), @r#"
    exit: 0
    --- stdout
    spin.toml
    @@ -28,3 +28,6 @@
     
     [component.web]
     source = "web.wasm"
    +
    +[component.web.dependencies]
    +"acme:middle" = "^1.0.0"
    spin-deps.lock
      add acme:base 1.1.0
      add acme:middle 1.0.0
    Nothing was written: `--dry-run`
    "#);
    insta::assert_snapshot!(preview(&sandbox, &["add", "./first.wasm", "--route", "/...", "--route", "/api/...", "--dry-run"]), @r#"
    exit: 0
    --- stdout
    spin.toml
    @@ -6,10 +6,12 @@
     [[trigger.http]]
     route = "/api/..."
     component = "api"
    +dependencies.middleware = [{ path = "./first.wasm" }]
     
     [[trigger.http]]
     route = "/..."
     component = "web"
    +dependencies.middleware = [{ path = "./first.wasm" }]
     
     [[trigger.http]]
     route = { private = true }
    Nothing was written: `--dry-run`
    "#);
    let json =
        sandbox.run(&["add", "acme:base", "--to", "web", "--dry-run", "--format", "json"]).done().json();
    let diff = json["manifest_diff"].as_str().expect("a diff");
    assert!(diff.contains("+\"acme:base\" = \"^1.1.0\""), "{json:#}");
    // What was shown is what happens.
    let before = sandbox.read("spin.toml");
    sandbox.run(&["add", "acme:base", "--to", "web"]).done();
    assert_eq!(added(&sandbox, &before), "[component.web.dependencies]\n\"acme:base\" = \"^1.1.0\"");
}

#[test]
fn remove_shows_the_same() {
    let sandbox = small_project();
    sandbox.run(&["add", "acme:middle"]).done();
    insta::assert_snapshot!(preview(&sandbox, &["remove", "acme:middle", "--dry-run"]), @r#"
    exit: 0
    --- stdout
    spin.toml
    @@ -10,6 +10,3 @@
     [component.api]
     source = "api.wasm"
     environment = { MODE = "test" }
    -
    -[component.api.dependencies]
    -"acme:middle" = "^1.0.0"
    spin-deps.lock
      remove acme:base 1.1.0
      remove acme:middle 1.0.0
    Nothing was written: `--dry-run`
    "#);
}

#[test]
fn colours_are_for_terminals() {
    let sandbox = small_project();
    let before = sandbox.files();
    let mut command = sandbox.command(&["add", "acme:base", "--dry-run", "--color", "always"]);
    let run = Sandbox::run_command(&mut command).done();
    assert!(run.stdout.contains("\u{1b}[32m+\"acme:base\" = \"^1.1.0\"\u{1b}[0m"), "{:?}", run.stdout);
    let mut terminal = start(&sandbox, &["add", "./kit.wasm", "--dry-run"]);
    terminal.wait_until_shown("two@1.0.0");
    terminal.press(crate::support::terminal::Key::Space);
    terminal.wait_until_shown("[x] All");
    terminal.press(crate::support::terminal::Key::Enter);
    terminal.wait_for("Nothing was written");
    let (code, screen, _) = terminal.finish();
    assert!(code == Some(0) && !screen.contains("\u{1b}[32m"), "{screen:?}");
    assert!(sandbox.files() == before, "a question changes nothing");
}
