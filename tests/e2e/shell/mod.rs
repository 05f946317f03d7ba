//! What makes a shell comfortable: names that complete themselves, pages to read, screens that fit.

mod completing;
mod guessing;
mod help;
pub(crate) mod json;
mod manual;
mod progress;
mod schema;
mod screens;

use spin_deps_fixtures::http::p2_app;

use crate::support::library::{DEPENDENCIES, IMPORTS, environment_counter, publish_all};
use crate::support::world::{Sandbox, manifest};

/// A locked project with two components, a trigger with a route for each, and a folder of releases.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.publish(&environment_counter("acme:env", "0.3.0"));
    sandbox.write("app.wasm", p2_app(IMPORTS));
    sandbox.write("other/other.wasm", p2_app(&[("acme:base", "2.0.0")]));
    let more = r#"
[[trigger.http]]
route = "/other/..."
component = "other"

[component.other]
source = "other/other.wasm"
build = { command = "make", workdir = "other" }

[component.other.dependencies]
"acme:base" = "^2"
"#;
    sandbox.write("spin.toml", manifest(DEPENDENCIES, "acme:middle@1.0.0(acme:base@1.1.0(/x))") + more);
    sandbox.run(&["lock"]).done();
    sandbox
}
