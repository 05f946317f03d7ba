//! `add` and `remove` as somebody uses them: questions in a terminal, options and errors without one.
//!
//! What a question asks in a terminal a script is told: the tests of both are about the same projects.

mod bad_input;
mod interrupted;
mod previews;
mod scripts;
mod terminal;

use spin_deps_fixtures::http::{p3_app, p3_middleware};

use crate::support::library::{base, environment_counter, middle, two_interfaces};
use crate::support::terminal::{Key, Terminal};
use crate::support::world::Sandbox;

/// An app with two components and three routes, one of them private to the app and one with a fixed answer; releases,
/// files of libraries and of middleware.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    for version in ["1.0.0", "1.1.0"] {
        sandbox.publish(&base(version));
    }
    sandbox.publish(&middle("1.0.0"));
    sandbox.publish(&two_interfaces("acme:kit", "1.0.0"));
    sandbox.publish(&environment_counter("acme:env", "1.0.0"));
    sandbox.write("spin.toml", MANIFEST);
    sandbox.write("api.wasm", p3_app(&[]));
    sandbox.write("web.wasm", p3_app(&[]));
    sandbox.write("kit.wasm", two_interfaces("acme:kit", "1.0.0"));
    for name in ["first", "second", "third"] {
        sandbox.write(&format!("{name}.wasm"), p3_middleware(&format!("x-{name}"), name));
    }
    sandbox
}

/// The same with one component and one route.
fn small_project() -> Sandbox {
    let sandbox = project();
    sandbox.write("spin.toml", SMALL_MANIFEST);
    sandbox
}

const MANIFEST: &str = r#"spin_manifest_version = 2

[application]
name = "demo"

[[trigger.http]]
route = "/api/..."
component = "api"

[[trigger.http]]
route = "/..."
component = "web"

[[trigger.http]]
route = { private = true }
component = "web"

[[trigger.http]]
route = "/health"
static_response = { body = "well" }

[component.api]
source = "api.wasm"
environment = { MODE = "test" }

[component.api.build]
command = "true"

[component.web]
source = "web.wasm"
"#;

const SMALL_MANIFEST: &str = r#"spin_manifest_version = 2

[application]
name = "demo"

[[trigger.http]]
route = "/..."
component = "api"

[component.api]
source = "api.wasm"
environment = { MODE = "test" }
"#;

/// Starts the binary in a terminal.
fn start(sandbox: &Sandbox, arguments: &[&str]) -> Terminal {
    Terminal::start(&mut sandbox.command(arguments))
}

/// What stands on the screen when the program has ended well.
#[track_caller]
fn done(sandbox: &Sandbox, terminal: Terminal) -> String {
    let (code, screen, is_restored) = terminal.finish_shown();
    assert!(code == Some(0) && is_restored, "{code:?}:\n{screen}");
    sandbox.snapshot_line(&screen)
}

/// The lines of the manifest that are new.
fn added(sandbox: &Sandbox, before: &str) -> String {
    let after = sandbox.read("spin.toml");
    let lines: Vec<_> = after.lines().filter(|line| !line.is_empty() && !before.contains(line)).collect();
    lines.join("\n")
}

/// Waits for the text of a question, and gives the screen.
#[track_caller]
fn screen(sandbox: &Sandbox, terminal: &mut Terminal, text: &str) -> String {
    sandbox.snapshot_line(&terminal.wait_until_shown(text))
}

/// Presses keys, and waits after each until the screen shows something.
#[track_caller]
fn press(terminal: &mut Terminal, keys: &[(Key, &str)]) {
    for (key, shows) in keys {
        terminal.press(*key);
        terminal.wait_until_shown(shows);
    }
}
