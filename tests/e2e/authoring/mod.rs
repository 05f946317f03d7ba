//! Components under their author's hands.

mod links;
mod manifest;
mod new;
mod publishing;
mod requires;
mod workspace;

use crate::support::world::Sandbox;

/// Writes a component's folder into the sandbox's project. Its build copies `input.wasm` to `built.wasm`, and writes a
/// line into the file `builds` outside of the project.
fn write_component(sandbox: &Sandbox, folder: &str, name: &str, version: &str, input: &[u8], tables: &str) {
    let log = sandbox.root().join("builds");
    sandbox.write(&format!("{folder}/input.wasm"), input);
    sandbox.write(
        &format!("{folder}/component.toml"),
        format!(
            "component_manifest_version = 1\n\n[component]\nname = \"{name}\"\nversion = \"{version}\"\n\
             source = \"built.wasm\"\n\n[build]\ncommand = \"echo {name} >> '{}' && cp input.wasm built.wasm\"\n{tables}",
            log.display()
        ),
    );
}

/// What was built since the last time, in order.
fn builds(sandbox: &Sandbox) -> Vec<String> {
    let log = sandbox.root().join("builds");
    let text = fs_err::read_to_string(&log).unwrap_or_default();
    let _ = fs_err::remove_file(&log);
    text.lines().map(str::to_owned).collect()
}
