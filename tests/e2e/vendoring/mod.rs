//! Locked content in a folder, for a machine without network and for stock Spin.

mod app;
mod folder;
mod layout;
mod plugin;
mod stock;

use crate::support::world::{Sandbox, files_below};

/// The vendored folder as the only thing on another machine: an empty home, no configuration, no registry, no cache.
fn elsewhere(sandbox: &Sandbox, folder: &str) -> Sandbox {
    let other = Sandbox::new();
    for (path, bytes) in files_below(&sandbox.project().join(folder)) {
        other.write(&path, bytes);
    }
    other
}

/// Vendors the app, and shows that what was written answers as the app does: from the folder alone without network, and
/// composed by stock Spin's rule.
#[track_caller]
fn answers_alone(sandbox: &Sandbox, more: &[&str]) -> serde_json::Value {
    sandbox.run(&["verify"]).done();
    let report = sandbox.run(&[&["vendor", "--format", "json"], more].concat()).done().json();
    let other = elsewhere(sandbox, "vendor");
    let before = other.files();
    other.run(&["verify", "--offline", "--locked"]).done();
    assert!(other.files() == before, "nothing is written into the folder");

    let manifest: toml_edit::DocumentMut = other.read("spin.toml").parse().expect("TOML");
    let mut plain = manifest.clone();
    for (id, bytes) in stock::compose(other.project()) {
        let path = format!("{id}.composed.wasm");
        other.write(&path, bytes);
        plain["component"][&id]["source"] = toml_edit::value(path);
        plain["component"][&id].as_table_like_mut().expect("a table").remove("dependencies");
    }
    other.write("spin.toml", plain.to_string());
    other.run(&["verify", "--offline"]).done();
    report
}
