//! What dependencies and middleware reach, and what they do not: in our host, and composed, in one that knows nothing of
//! grants and gives everything to everyone.

mod granted;
mod locked;
mod reaching;

use spin_deps_fixtures::reach::{Probe, imports, reacher};

use crate::running::serve;
use crate::support::http::{Answer, get};
use crate::support::process::Process;
use crate::support::toolchains::wasmtime;
use crate::support::world::Sandbox;

/// All that a component can have, and pass on.
const EVERYTHING: &str = r#"environment = { A = "1", B = "2" }
files = [{ source = "assets", destination = "/" }]
allowed_outbound_hosts = ["*://127.0.0.1:*"]
key_value_stores = ["default"]
variables = { default = "hello" }
"#;

/// An app whose component `app` has everything and calls `api` of each of `imports`, with these entries.
fn app(imports: &[&str], entries: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    let imports: Vec<_> = imports.iter().map(|package| (*package, "1.0.0")).collect();
    sandbox.write_app(&imports, entries, "");
    sandbox.write("assets/secret.txt", "not for everyone");
    declare(&sandbox, EVERYTHING);
    sandbox
}

/// Writes lines into `[component.app]`.
fn declare(sandbox: &Sandbox, lines: &str) {
    let manifest = sandbox.read("spin.toml");
    let source = "source = \"app.wasm\"\n";
    assert!(manifest.contains(source));
    sandbox.write("spin.toml", manifest.replace(source, &format!("{source}{lines}")));
}

/// Publishes `acme:reach`, which makes these probes.
fn publish_reacher(sandbox: &Sandbox, probes: &[Probe]) {
    sandbox.publish(&reacher("acme:reach", "1.0.0", probes));
}

/// What the app answers in our host.
fn in_our_host(sandbox: &Sandbox) -> Answer {
    let (_up, address) = serve(sandbox, &["--quiet"]);
    get(&format!("http://{address}/x"))
}

/// Composes the app and gives what it imports of the host.
fn composed(sandbox: &Sandbox) -> Vec<String> {
    sandbox.run(&["compose", "app", "-o", "composed.wasm"]).done();
    imports(&fs_err::read(sandbox.project().join("composed.wasm")).expect("the composed component"))
}

/// What the composed app answers in plain wasmtime, where everything that it imports is given to it.
fn in_plain_wasmtime(sandbox: &Sandbox) -> Answer {
    composed(sandbox);
    let mut command = sandbox.command_of(&wasmtime().display().to_string());
    let wasi = "cli=y,http=y,inherit-network=y,tcp=y,udp=y,allow-ip-name-lookup=y,config=y,keyvalue=y,p3=y";
    // It adds a variable of its own for each request, so that there are two here, too.
    command.args(["serve", "--addr", "127.0.0.1:0", "-S", wasi, "--env", "A=1", "--dir", "assets::/"]);
    command.args(["-W", "component-model-async=y", "composed.wasm"]);
    let mut process = Process::start(&mut command).expect("plain wasmtime");
    let address = process.wait_for(|line| {
        let (_, rest) = line.split_once("http://")?;
        Some(rest.split(['/', ' ']).next().unwrap_or(rest).trim().to_owned())
    });
    get(&format!("http://{address}/x"))
}

/// What both hosts answer, where they answer the same.
#[track_caller]
fn in_both(sandbox: &Sandbox) -> String {
    let (ours, plain) = (in_our_host(sandbox), in_plain_wasmtime(sandbox));
    assert_eq!((ours.status, ours.text()), (plain.status, plain.text()), "in our host and in plain wasmtime");
    ours.text()
}
