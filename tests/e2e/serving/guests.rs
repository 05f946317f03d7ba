//! Components made by real toolchains, from the sources in `guests/`, each once for all tests.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::toolchains::{source_of, with_toolchains};
use crate::support::world::Sandbox;

/// What `spin-deps new library acme:hello` makes in C: it greets.
pub(super) static LIBRARY: LazyLock<Vec<u8>> = LazyLock::new(|| made_new("library", "acme:hello", "c"));

/// The app in Rust that does with HTTP what a path asks for, in WASIp2.
pub(super) static P2: LazyLock<Vec<u8>> = LazyLock::new(|| in_rust("p2"));

/// The same in WASIp3.
pub(super) static P3: LazyLock<Vec<u8>> = LazyLock::new(|| in_rust("p3"));

/// The middleware in Rust that does all that middleware can do.
pub(super) static GUARD: LazyLock<Vec<u8>> = LazyLock::new(|| in_rust("guard"));

/// Of which generation of WASI the interfaces are that a component is built with.
#[derive(Clone, Copy)]
enum Wasi {
    P2,
    P3,
}

impl Wasi {
    /// The files of its packages.
    fn files(self) -> PathBuf {
        match self {
            Self::P2 => Path::new(&source_of("wasmtime-wasi-http", "48.")).join("wit/deps"),
            Self::P3 => Path::new(env!("CARGO_MANIFEST_DIR")).join("../project/src/authoring/new/wasi"),
        }
    }
}

/// A component that `spin-deps new` makes.
pub(super) fn made_new(kind: &str, package: &str, language: &str) -> Vec<u8> {
    let sandbox = Sandbox::new();
    sandbox.run(&["new", kind, package, "--lang", language, "--dir", "."]).done();
    build(&sandbox);
    let (_, name) = package.split_once(':').expect("a package");
    sandbox.files().remove(&format!("{name}.wasm")).expect("the component")
}

/// The app of a folder, whose name is the language and the generation, for example `c-p2`.
pub(super) fn app(folder: &str) -> Vec<u8> {
    let (language, generation) = folder.split_once('-').expect("a language and a generation");
    let sandbox = Sandbox::new();
    let wasi = if generation == "p2" { Wasi::P2 } else { Wasi::P3 };
    lay_out(&sandbox, folder, wasi);
    if language == "js" && generation == "p2" {
        // The compiler has its own WASI, and takes no other release of it.
        for (name, bytes) in sandbox.files() {
            if name.starts_with("wit/") {
                let text = String::from_utf8(bytes).expect("WIT");
                sandbox.write(&name, text.replace("0.2.12", "0.2.10"));
            }
        }
    }
    build(&sandbox);
    sandbox.files().remove("app.wasm").expect("the component")
}

/// A component of the folder `rust`.
fn in_rust(example: &str) -> Vec<u8> {
    static BUILT: LazyLock<Sandbox> = LazyLock::new(|| {
        let sandbox = Sandbox::new();
        lay_out(&sandbox, "rust", Wasi::P3);
        let mut cargo = sandbox.command_of("cargo");
        cargo.args(["build", "--release", "--locked", "--examples", "--target", "wasm32-unknown-unknown"]);
        run(&mut cargo);
        sandbox
    });
    let module = Path::new(TARGET).join("wasm32-unknown-unknown/release/examples").join(example);
    let (module, made) = (module.with_extension("wasm"), format!("{example}.wasm"));
    BUILT.run(&["componentize", &module.display().to_string(), "-o", &made]).done();
    fs_err::read(BUILT.project().join(made)).expect("the component")
}

/// Copies a folder of `guests/` into a sandbox, with the interfaces that its world names.
fn lay_out(sandbox: &Sandbox, folder: &str, wasi: Wasi) {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/e2e/serving/guests");
    let entries = |folder: &Path| {
        let entries = fs_err::read_dir(folder).expect("a folder of sources");
        entries.map(|entry| entry.expect("a source").path()).filter(|path| path.is_file()).collect::<Vec<_>>()
    };
    let read = |path: &Path| fs_err::read(path).expect("a source");
    for path in entries(&guests.join(folder)) {
        let name = path.file_name().and_then(|it| it.to_str()).expect("a name");
        let place = if name == "world.wit" { "wit/world.wit" } else { name };
        sandbox.write(place, read(&path));
    }
    sandbox.write("wit/deps/hello/package.wit", read(&guests.join("hello.wit")));
    for path in entries(&wasi.files()).iter().filter(|path| path.extension().is_some_and(|it| it == "wit")) {
        let package = path.file_stem().and_then(|it| it.to_str()).expect("a name");
        sandbox.write(&format!("wit/deps/{package}/package.wit"), read(path));
    }
}

/// Where cargo builds guests, the standard library for them but once.
const TARGET: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/new");

fn build(sandbox: &Sandbox) {
    run(&mut sandbox.command(&["build", "-q"]));
}

fn run(command: &mut std::process::Command) {
    // What was fetched with the toolchains has to do.
    with_toolchains(command).env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", TARGET);
    Sandbox::run_compiling(command).done();
}
