//! The embedded host asked by real HTTP clients, with components of real toolchains.

mod bodies;
mod client;
mod crowd;
mod guests;
mod languages;
mod limits;
mod logs;
mod messages;
mod middleware;
mod reuse;

use crate::running::serve;
use crate::support::process::Process;
use crate::support::world::Sandbox;

/// An app of one component at `/...`, which may send requests to this machine, with the library in C as its dependency.
fn app(component: &[u8]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("app.wasm", component);
    sandbox.write("hello.wasm", &*guests::LIBRARY);
    sandbox.write(
        "spin.toml",
        r#"spin_manifest_version = 2

[application]
name = "demo"

[[trigger.http]]
route = "/..."
component = "app"

[component.app]
source = "app.wasm"
allowed_outbound_hosts = ["http://127.0.0.1:*"]

[component.app.dependencies]
"acme:hello/greet@0.1.0" = { path = "hello.wasm" }
"#,
    );
    sandbox
}

/// A running app, and the world that it runs in.
struct Served {
    process: Process,
    address: String,
    _sandbox: Sandbox,
}

impl Served {
    fn start(sandbox: Sandbox) -> Self {
        let (process, address) = serve(&sandbox, &[]);
        Self { process, address, _sandbox: sandbox }
    }

    /// The app in Rust, in both generations.
    fn both() -> [Self; 2] {
        [&*guests::P2, &*guests::P3].map(|component| Self::start(app(component)))
    }

    /// Stops it, and fails if anything was reported of its components or its end.
    #[track_caller]
    fn end_well(self) {
        self.process.interrupt();
        let ended = self.process.finish();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        let said = ended.stderr.replace("Stopping; Ctrl-C again ends the requests that are under way\n", "");
        assert_eq!(said, "", "nothing went wrong");
    }
}
