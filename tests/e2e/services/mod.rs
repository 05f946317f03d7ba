//! What the embedded host gives to components, as a command asks for it that is built with Rust from `guest/`.

mod chains;
mod commands;
mod kept;
mod places;

use std::path::Path;
use std::sync::LazyLock;

use crate::support::toolchains::with_toolchains;
use crate::support::world::{Run, Sandbox};

/// The command, built once.
static GUEST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let (guest, wasi) = (here.join("tests/e2e/services/guest"), here.join("project/src/authoring/new/wasi"));
    let read = |path: &Path| fs_err::read(path).expect("a source");
    let sandbox = Sandbox::new();
    for name in ["Cargo.toml", "Cargo.lock", "src/lib.rs", "src/places.rs", "src/stores.rs"] {
        sandbox.write(name, read(&guest.join(name)));
    }
    sandbox.write("wit/world.wit", read(&guest.join("world.wit")));
    for package in ["cli", "clocks", "filesystem", "http", "random", "sockets"] {
        let text = read(&wasi.join(format!("{package}.wit")));
        sandbox.write(&format!("wit/deps/{package}/package.wit"), text);
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new");
    let mut cargo = sandbox.command_of("cargo");
    cargo.args(["build", "--release", "--locked", "--target", "wasm32-unknown-unknown"]);
    // What was fetched with the toolchains has to do.
    with_toolchains(&mut cargo).env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", &target);
    Sandbox::run_compiling(&mut cargo).done();
    let module = target.join("wasm32-unknown-unknown/release/services.wasm");
    sandbox.run(&["componentize", &module.display().to_string(), "-o", "services.wasm"]).done();
    fs_err::read(sandbox.project().join("services.wasm")).expect("the component")
});

/// An app of this command, with `settings` of its component and `more` of the manifest.
fn tool(settings: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("services.wasm", &*GUEST);
    sandbox.write(
        "spin.toml",
        format!(
            "spin_manifest_version = 2\n\n[application]\nname = \"services\"\n\n{more}\n\
             [[trigger.command]]\ncomponent = \"tool\"\n\n\
             [component.tool]\nsource = \"services.wasm\"\n{settings}\n"
        ),
    );
    sandbox
}

/// Runs the command with arguments and gives what it writes.
#[track_caller]
fn told(sandbox: &Sandbox, arguments: &[&str]) -> String {
    up(sandbox, &[], arguments).done().stdout
}

fn up(sandbox: &Sandbox, options: &[&str], arguments: &[&str]) -> Run {
    sandbox.run(&[&["up"], options, &["--"], arguments].concat())
}
