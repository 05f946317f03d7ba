//! `verify` as one report: its steps, what they say when they fail, and the forms that the report has.

mod junit;
mod reuse;
mod steps;

use serde_json::Value;
use spin_deps_fixtures::http::p2_app;

use crate::support::world::{Run, Sandbox};

/// A request that the fixture without imports answers as it is expected.
const GOOD: &str = r#"
[[application.tool.deps.verify.requests]]
path = "/good"
expect = { body = "path: /good" }
"#;

/// A request whose answer is another one.
const BAD: &str = r#"
[[application.tool.deps.verify.requests]]
path = "/bad"
expect = { status = 201, body = "nothing" }
"#;

/// An app of one component without dependencies, and more of its manifest.
fn app(more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("app.wasm", p2_app(&[]));
    sandbox.write("spin.toml", MANIFEST.to_owned() + more);
    sandbox
}

const MANIFEST: &str = r#"spin_manifest_version = 2

[application]
name = "demo"

[[trigger.http]]
route = "/..."
component = "app"

[component.app]
source = "app.wasm"
"#;

/// The steps of a report in JSON, each as `name: outcome`.
fn outcomes(run: &Run) -> Vec<String> {
    let report = run.json();
    let text = |step: &Value, key: &str| step[key].as_str().expect("a text").to_owned();
    let steps = report["steps"].as_array().expect("the steps").iter();
    steps.map(|step| format!("{}: {}", text(step, "name"), text(step, "outcome"))).collect()
}
