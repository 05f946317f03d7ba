//! The compilers of other languages, as `cargo xtask toolchains` installs them.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Command,
};

use super::world::inherited;

/// Debian's Rust, which builds the standard library for Wasm from source.
const DEBIAN_RUST: [(&str, &str); 3] = [
    ("RUSTC_BOOTSTRAP", "1"),
    ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort"),
    ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld-22"),
];
/// What cargo needs to know of its own place, where a sandbox has a home of its own.
const CARGO: [&str; 3] = ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];
/// The target that guests in Rust are built for.
const TARGET: &str = "wasm32-unknown-unknown";

/// A program of PyPI: `componentize-py`, `python`, `go`, or of npm: `tsc`, `jco`.
#[track_caller]
pub(crate) fn toolchain(program: &str) -> PathBuf {
    let found = directories().map(|place| place.join(program)).into_iter().find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("`{program}` is not below {}: run `cargo xtask toolchains`", folder().display())
    })
}

/// Zig's clang with a WASI libc; its first argument is `cc`.
pub(crate) fn zig() -> PathBuf {
    packaged("ziglang/zig")
}

/// The command line of plain wasmtime.
pub(crate) fn wasmtime() -> PathBuf {
    packaged("wasmtime_cli/wasmtime")
}

/// A program within a package of PyPI.
fn packaged(program: &str) -> PathBuf {
    let python = toolchain("python");
    let library = python.ancestors().nth(2).expect("the folder of the toolchain").join("lib");
    let entries = fs_err::read_dir(&library).expect("the toolchain's library");
    let mut places = entries.map(|entry| entry.expect("an entry").path().join("site-packages").join(program));
    places.find(|path| path.exists()).unwrap_or_else(|| panic!("{program}: run `cargo xtask toolchains`"))
}

/// Lets a command find the compilers: those of PyPI and npm, `zig`, and a cargo that builds for
/// `wasm32-unknown-unknown` - rustup's where it has that target, else Debian's, which needs the settings to build a standard
/// library.
pub(crate) fn with_toolchains(command: &mut Command) -> &mut Command {
    let path = command.get_envs().find(|(name, _)| *name == OsStr::new("PATH")).and_then(|(_, value)| value);
    let path = path.map_or_else(|| inherited("PATH").unwrap_or_default(), OsStr::to_owned);
    let zig = zig();
    let mut places = Vec::from(directories());
    places.extend(zig.parent().map(Path::to_owned));
    for (name, value) in cargo_places() {
        command.env(name, value);
    }
    // What every guest needs, zig's libc and Rust's standard library, is built once and kept.
    command.env("ZIG_GLOBAL_CACHE_DIR", folder().join("zig-cache"));
    command.env("CARGO_BUILD_BUILD_DIR", folder().join("cargo-build"));
    // As the build commands of components in C call their compiler.
    command.env("WASI_CC", "zig cc");
    if !has_wasm_target() {
        places.push("/usr/bin".into());
        command.envs(DEBIAN_RUST);
    }
    places.extend(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(places).expect("a search path"))
}

/// Whether the cargo on the search path has a standard library for Wasm.
fn has_wasm_target() -> bool {
    let asked = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    asked.is_ok_and(|output| {
        output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    })
}

/// Where cargo and rustup keep what is theirs: sources of crates that are there already are not fetched anew.
fn cargo_places() -> impl Iterator<Item = (&'static str, OsString)> {
    let home = inherited("HOME").map(PathBuf::from);
    CARGO.into_iter().filter_map(move |name| {
        let place = match name {
            "CARGO_HOME" => Some(".cargo"),
            "RUSTUP_HOME" => Some(".rustup"),
            _ => None,
        };
        let default = || Some(home.as_ref()?.join(place?).into_os_string());
        Some((name, inherited(name).or_else(default)?))
    })
}

/// The directories of programs.
fn directories() -> [PathBuf; 2] {
    let folder = folder();
    [folder.join("python/bin"), folder.join("node/node_modules/.bin")]
}

/// Where they are: `SPIN_DEPS_TOOLCHAINS`, else `toolchains` in cargo's target directory.
fn folder() -> PathBuf {
    if let Some(folder) = option_env!("SPIN_DEPS_TOOLCHAINS") {
        return folder.into();
    }
    // The binary lies in `target/<profile>`.
    let binary = Path::new(env!("CARGO_BIN_EXE_spin-deps"));
    binary.ancestors().nth(2).expect("cargo's target directory").join("toolchains")
}

/// Where cargo has the sources of a crate of our own lockfile, in a version that begins so.
pub(crate) fn source_of(name: &str, version: &str) -> String {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    let metadata: serde_json::Value = serde_json::from_slice(&cargo.stdout).expect("JSON of cargo");
    let packages = metadata["packages"].as_array().expect("packages");
    let of = |key: &str, package: &serde_json::Value| package[key].as_str().expect("text").to_owned();
    let manifests = packages.iter().filter(|it| it["name"] == name && of("version", it).starts_with(version));
    let manifest = manifests.map(|it| of("manifest_path", it)).next().expect("a crate of the lockfile");
    Path::new(&manifest).parent().expect("a folder").to_str().expect("a path in UTF-8").to_owned()
}
