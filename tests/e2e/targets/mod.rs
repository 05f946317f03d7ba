//! The app against the environments that it will be deployed to.

mod bad_input;
mod catalogue;
mod checking;
mod locking;

use spin_deps_fixtures::http::{p2_app, worlds};

use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// A world for each generation of HTTP handlers, and two for triggers of any kind.
const WORLDS: &str = "
    world http {
        import wasi:cli/environment@0.2.0;
        export wasi:http/incoming-handler@0.2.0;
    }
    world http-async {
        import wasi:http/handler@0.3.0;
        export wasi:http/handler@0.3.0;
    }
    world platform { import wasi:cli/environment@0.2.0; }
    world other { export run: func(); }
";

/// A definition that offers both worlds to HTTP triggers.
pub(crate) const BOTH: &str = r#"[triggers.http]
worlds = ["spin:up/http@1.0.0", "spin:up/http-async@1.0.0"]
capabilities = ["middleware"]
"#;

/// The releases of WIT in a registry that the namespace `spin` is mapped to, and an empty project.
pub(crate) fn stage() -> (Registry, Sandbox) {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    use_host(&sandbox, &registry.host());
    sandbox.publish(&worlds("spin:up@1.0.0", WORLDS).expect("a package of WIT"));
    sandbox.publish(&worlds("acme:edge@2.1.0", WORLDS).expect("a package of WIT"));
    (registry, sandbox)
}

/// Configures the server at `host` for the namespaces `acme` and `spin`, and for references.
fn use_host(sandbox: &Sandbox, host: &str) {
    let mapping = format!(
        "{{ registry = \"wasm.example\", metadata = {{ preferredProtocol = \"oci\", oci = {{ registry = \"{host}\" }} }} }}"
    );
    sandbox.configure(&format!(
        "[namespace_registries]\nacme = {mapping}\nspin = {mapping}\n
[registry.\"wasm.example\".oci]\nprotocol = \"http\"\n
[registry.\"{host}\".oci]\nprotocol = \"http\"\n"
    ));
}

/// Writes an app of one WASIp2 component that has these targets.
pub(crate) fn write_app(sandbox: &Sandbox, targets: &str) {
    sandbox.write("app.wasm", p2_app(&[]));
    sandbox.write("spin.toml", manifest(targets, "app"));
}

/// A manifest with these targets and one trigger of the component `id`, from the file of the same name.
fn manifest(targets: &str, id: &str) -> String {
    format!(
        r#"spin_manifest_version = 2

[application]
name = "demo"
version = "0.1.0"
targets = [{targets}]

[[trigger.http]]
route = "/..."
component = "{id}"

[component.{id}]
source = "{id}.wasm"
"#
    )
}
