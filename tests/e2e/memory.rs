//! Memory stays flat: what is large passes through as a stream, whatever its size.

use spin_deps_fixtures::{heavy, library::chain};

use crate::support::memory::Peak;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// What a heavy component weighs, in bytes.
const SIZE: usize = 96 << 20;

/// Runs the binary, and fails if it filled more than a third of [`SIZE`].
#[track_caller]
fn flat(sandbox: &Sandbox, arguments: &[&str]) {
    let process = sandbox.start(arguments);
    let peak = Peak::of(process.id(), "RssAnon");
    let ended = process.finish();
    assert!(ended.status.success(), "{arguments:?}: {}", ended.stderr);
    let peak = peak.bytes();
    assert!(peak > 0 && peak < SIZE as u64 / 3, "{arguments:?} took {} MiB", peak >> 20);
}

#[test]
fn a_heavy_component_passes_through_in_little_memory() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&heavy::component("acme:heavy", "1.0.0", SIZE));
    sandbox.publish(&heavy::component("acme:weight", "1.0.0", SIZE));
    sandbox.publish(&chain("acme:light", "1.0.0", &[("acme:weight", "1.0.0")]));

    // One is a direct dependency, whose exports are read, the other comes with a light one.
    sandbox.write_app(&[("acme:heavy", "1.0.0"), ("acme:light", "1.0.0")], "\"acme:light\" = \"^1\"", "");
    flat(&sandbox, &["info", "acme:heavy"]);
    flat(&sandbox, &["add", "acme:heavy"]);
    sandbox.delete_cache();
    flat(&sandbox, &["lock"]);
    flat(&sandbox, &["sync"]);
    flat(&sandbox, &["sync", "--frozen"]);
    flat(&sandbox, &["tree"]);
    assert!(sandbox.read("spin-dependencies.wit").contains("import acme:heavy/api@1.0.0;"));
    assert!(sandbox.run(&["cache", "verify"]).done().stdout.contains("has its digest"));
}

#[test]
fn a_heavy_file_is_inspected_in_little_memory() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.write_app(&[("acme:heavy", "1.0.0")], "", "");
    sandbox.write("heavy.wasm", heavy::component("acme:heavy", "1.0.0", SIZE));
    flat(&sandbox, &["add", "./heavy.wasm"]);
    flat(&sandbox, &["lock"]);
    assert!(sandbox.read("spin-dependencies.wit").contains("import acme:heavy/api@1.0.0;"));
}
