//! The Spin plugin: an archive with the program, and the manifest that Spin installs it by.
//!
//! Spin unpacks the archive and runs the file that has the plugin's name. The archive has no times, owners or order of its
//! own, so the same program gives the same bytes, and the digest in the manifest can be checked by whoever builds it too.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::{Compression, GzBuilder};
use serde_json::json;
use sha2::{Digest, Sha256};

pub(crate) const USAGE: &str = "\
usage: cargo xtask plugin [--binary OS-ARCH=FILE]… [--url PREFIX] [--out DIR]

  --binary OS-ARCH=FILE  a program that is built already, for linux, macos or windows and amd64, aarch64
                         or arm; without any, it is built for this machine
  --url PREFIX           where the archives will be downloaded from; without it, from where they are now
  --out DIR              where to write [default: target/plugin]";

/// What Spin calls it: `spin deps`.
const NAME: &str = "deps";
const SYSTEMS: [&str; 3] = ["linux", "macos", "windows"];
const MACHINES: [&str; 3] = ["amd64", "aarch64", "arm"];

/// What to make.
#[derive(Debug, Default)]
struct Options {
    binaries: Vec<Binary>,
    url: Option<String>,
    out: PathBuf,
}

/// A program for a system.
#[derive(Debug)]
struct Binary {
    os: String,
    arch: String,
    file: PathBuf,
}

/// Makes the archives and the manifest.
pub(crate) fn make(arguments: &[&str]) -> Result<()> {
    let mut options = options(arguments)?;
    if options.binaries.is_empty() {
        options.binaries.push(build()?);
    }
    for file in write(&options)? {
        eprintln!("wrote {}", file.display());
    }
    Ok(())
}

fn options(arguments: &[&str]) -> Result<Options> {
    let mut options = Options { out: root().join("target").join("plugin"), ..Options::default() };
    let mut rest = arguments;
    while let [option, value, more @ ..] = rest {
        match *option {
            "--binary" => options.binaries.push(binary(value)?),
            "--url" => options.url = Some(value.trim_end_matches('/').to_owned()),
            "--out" => options.out = PathBuf::from(value),
            _ => bail!("`{option}` is no option\n\n{USAGE}"),
        }
        rest = more;
    }
    match rest {
        [] => Ok(options),
        [lonely, ..] => bail!("`{lonely}` has no value, or is no option\n\n{USAGE}"),
    }
}

/// Reads `linux-amd64=target/release/spin-deps`.
fn binary(text: &str) -> Result<Binary> {
    let parts = text.split_once('=').and_then(|(system, file)| Some((system.split_once('-')?, file)));
    let Some(((os, arch), file)) = parts else {
        bail!("`{text}` is not of the form OS-ARCH=FILE\n\n{USAGE}");
    };
    if !SYSTEMS.contains(&os) || !MACHINES.contains(&arch) {
        bail!("Spin knows no `{os}-{arch}`\n\n{USAGE}");
    }
    Ok(Binary { os: os.to_owned(), arch: arch.to_owned(), file: file.into() })
}

/// Builds the program for this machine.
fn build() -> Result<Binary> {
    super::cargo(&["build", "--release", "--locked", "--package", "spin-deps", "--bin", "spin-deps"], &[])?;
    let target = std::env::current_exe()?;
    let target = target.ancestors().nth(2).context("this program is not in cargo's target directory")?;
    let file = target.join("release").join(format!("spin-deps{}", std::env::consts::EXE_SUFFIX));
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        other => other,
    };
    binary(&format!("{}-{arch}={}", std::env::consts::OS, file.display()))
}

/// Writes all files, and gives their paths.
fn write(options: &Options) -> Result<Vec<PathBuf>> {
    fs_err::create_dir_all(&options.out)?;
    let out = fs_err::canonicalize(&options.out)?;
    let version = env!("CARGO_PKG_VERSION");
    let mut packages = Vec::new();
    let mut written = Vec::new();
    for Binary { os, arch, file } in &options.binaries {
        let name = format!("{NAME}-{version}-{os}-{arch}.tar.gz");
        let program = if os == "windows" { format!("{NAME}.exe") } else { NAME.to_owned() };
        let archive = archive(&[
            ("LICENSE", 0o644, fs_err::read(root().join("LICENSE"))?),
            (&program, 0o755, fs_err::read(file)?),
        ])?;
        let url = match &options.url {
            Some(prefix) => format!("{prefix}/{name}"),
            None => format!("file://{}", out.join(&name).display()),
        };
        packages
            .push(json!({ "os": os, "arch": arch, "url": url, "sha256": hex(&Sha256::digest(&archive)) }));
        let path = out.join(name);
        fs_err::write(&path, archive)?;
        written.push(path);
    }
    packages.sort_by_key(|it| (it["os"].to_string(), it["arch"].to_string()));
    let manifest = json!({
        "name": NAME,
        "description": "The package manager for WebAssembly component dependencies.",
        "version": version,
        "spinCompatibility": ">=3.0",
        "license": env!("CARGO_PKG_LICENSE"),
        "packages": packages,
    });
    let path = out.join(format!("{NAME}.json"));
    fs_err::write(&path, format!("{manifest:#}\n"))?;
    written.push(path);
    Ok(written)
}

/// Files with their permissions as a `.tar.gz`.
fn archive(files: &[(&str, u32, Vec<u8>)]) -> Result<Vec<u8>> {
    // Neither a time nor the system that it was made on.
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let mut archive = tar::Builder::new(gzip);
    for (name, mode, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(*mode);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, name, bytes.as_slice())?;
    }
    let mut gzip = archive.into_inner()?;
    gzip.flush()?;
    Ok(gzip.finish()?)
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn made(directory: &Path, more: &[&str]) -> Vec<PathBuf> {
        let program = directory.join("built");
        fs_err::write(&program, "#!/bin/sh\necho called \"${0##*/}\" \"$@\"\n").unwrap();
        let (binary, out) = (format!("linux-amd64={}", program.display()), directory.join("out"));
        let out = out.display().to_string();
        write(&options(&[&["--binary", &binary, "--out", &out], more].concat()).unwrap()).unwrap()
    }

    #[test]
    fn the_archive_has_a_program_that_is_called_like_the_plugin() {
        let directory = tempfile::tempdir().unwrap();
        let files = made(directory.path(), &[]);
        let [archive, manifest] = files.as_slice() else { panic!("{files:?}") };
        // Not with what packed it.
        let unpacked = Command::new("tar").arg("-xzf").arg(archive).current_dir(directory.path()).status();
        assert!(unpacked.unwrap().success());
        let run = Command::new(directory.path().join("deps")).arg("--help").output().unwrap();
        assert_eq!(run.stdout, b"called deps --help\n");
        assert!(directory.path().join("LICENSE").is_file());

        let manifest: serde_json::Value = serde_json::from_slice(&fs_err::read(manifest).unwrap()).unwrap();
        let package = &manifest["packages"][0];
        assert_eq!(
            (&manifest["name"], &package["os"], &package["arch"]),
            (&json!("deps"), &json!("linux"), &json!("amd64"))
        );
        assert_eq!(package["sha256"], hex(&Sha256::digest(fs_err::read(archive).unwrap())));
        assert_eq!(package["url"], format!("file://{}", archive.display()));
        for key in ["description", "version", "spinCompatibility", "license"] {
            assert!(manifest[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
        }
    }

    #[test]
    fn the_same_program_gives_the_same_bytes() {
        let read = |url: &[&str]| {
            let directory = tempfile::tempdir().unwrap();
            let files = made(directory.path(), url);
            files.into_iter().map(|file| fs_err::read(file).unwrap()).collect::<Vec<_>>()
        };
        let url = ["--url", "https://example.com/v0.1.0/"];
        let (one, other) = (read(&url), read(&url));
        assert!(one == other);
        let manifest = String::from_utf8(one[1].clone()).unwrap();
        assert!(manifest.contains("\"https://example.com/v0.1.0/deps-"), "{manifest}");
    }

    #[test]
    fn wrong_options_are_told() {
        for (arguments, reason) in [
            (vec!["--binary", "amiga-m68k=x"], "Spin knows no `amiga-m68k`"),
            (vec!["--binary", "x"], "`x` is not of the form OS-ARCH=FILE"),
            (vec!["--colour", "red"], "`--colour` is no option"),
            (vec!["--url"], "`--url` has no value, or is no option"),
        ] {
            let error = options(&arguments).unwrap_err().to_string();
            assert!(error.starts_with(reason), "{error}");
        }
    }
}
