//! What of the documentation is made by running the program.
//!
//! The reference of the command line, `docs/reference/cli.md`, is printed by the binary itself:
//! `spin-deps generate-docs` walks the tree of commands that it parses its arguments with, and the table of the
//! environment variables that it reads, so the page cannot say anything else than the program does.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Writes the page.
pub(crate) fn write() -> Result<()> {
    let page = page();
    let text = generate()?;
    if let Some(directory) = page.parent() {
        fs_err::create_dir_all(directory)?;
    }
    fs_err::write(&page, text)?;
    eprintln!("wrote {}", page.display());
    Ok(())
}

/// Fails when the page is not what would be written now.
pub(crate) fn check() -> Result<()> {
    let page = page();
    let wanted = generate()?;
    let written = match fs_err::read_to_string(&page) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        other => other?,
    };
    // A checkout may have its own line endings.
    if written.replace("\r\n", "\n") == wanted {
        return Ok(());
    }
    let line = written.lines().zip(wanted.lines()).take_while(|(old, new)| old == new).count() + 1;
    bail!("{} is stale from line {line} on: run `cargo xtask docs` and commit it", page.display())
}

/// Runs the commands of all other pages, and writes what they print and what it looks like. The tests know how: without the
/// variable they compare.
pub(crate) fn write_pages() -> Result<()> {
    let mut tests = Command::new(env!("CARGO"));
    tests.args(["test", "--workspace", "--locked", "--test", "e2e", "pages::"]);
    crate::run_shown(tests.env("SPIN_DEPS_WRITE_PAGES", "1"))
}

fn page() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    root.join("docs/reference/cli.md")
}

fn generate() -> Result<String> {
    // The whole workspace, as for the tests: alone, the binary would want its dependencies with other features.
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--workspace", "--bins"])
        .status()
        .context("cannot start cargo")?;
    if !built.success() {
        bail!("the build ended with {built}");
    }
    let binary =
        std::env::current_exe()?.with_file_name(format!("spin-deps{}", std::env::consts::EXE_SUFFIX));
    let output = Command::new(binary)
        .arg("generate-docs")
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start the binary that was built")?;
    if !output.status.success() {
        bail!("`spin-deps generate-docs` ended with {}", output.status);
    }
    String::from_utf8(output.stdout).context("`spin-deps generate-docs` printed no UTF-8")
}
