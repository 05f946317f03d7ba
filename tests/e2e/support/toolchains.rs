//! The compilers of other languages, as `cargo xtask toolchains` installs them.

use std::path::{Path, PathBuf};

/// A program of PyPI: `componentize-py`, `python`, `go`, or of npm: `tsc`, `jco`.
#[track_caller]
pub(crate) fn toolchain(program: &str) -> PathBuf {
    let folder = folder();
    let places = [folder.join("python/bin"), folder.join("node/node_modules/.bin")];
    let found = places.iter().map(|place| place.join(program)).find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("`{program}` is not below {}: run `cargo xtask toolchains`", folder.display())
    })
}

/// Zig's clang with a WASI libc; its first argument is `cc`.
pub(crate) fn zig() -> PathBuf {
    let python = toolchain("python");
    let library = python.ancestors().nth(2).expect("the folder of the toolchain").join("lib");
    let entries = fs_err::read_dir(&library).expect("the toolchain's library");
    let mut places = entries.map(|entry| entry.expect("an entry").path().join("site-packages/ziglang/zig"));
    places.find(|path| path.exists()).expect("zig: run `cargo xtask toolchains`")
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
