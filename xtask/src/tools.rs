//! Debian packages: the servers that the tests start, a real OCI registry, the program that writes its password file,
//! and one that copies images between registries.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

/// A program that the tests start, and the Debian package that has it.
const NEEDED: [(&str, &str); 3] =
    [("docker-registry", "docker-registry"), ("htpasswd", "apache2-utils"), ("skopeo", "skopeo")];

/// Installs the servers that are missing.
pub(crate) fn install_test_servers() -> Result<()> {
    install_packages(&NEEDED)
}

/// Installs the packages of the programs that are missing, on Debian and its kin; says what to do elsewhere.
pub(crate) fn install_packages(needed: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<_> = needed.iter().filter(|(program, _)| !is_installed(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|&&(_, package)| package).collect();
    if !Path::new("/etc/debian_version").exists() {
        let programs: Vec<_> = missing.iter().map(|&&(program, _)| program).collect();
        bail!(
            "{} missing, and only on Debian and its kin is it installed for you (as {}): put it on the search path",
            programs.join(", "),
            packages.join(", ")
        );
    }
    eprintln!("installing {}", packages.join(", "));
    apt_get(&["update", "--quiet"])?;
    let mut install = vec!["install", "--quiet", "--yes", "--no-install-recommends"];
    install.extend(packages);
    apt_get(&install)
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    };
    super::run_shown(command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
}

/// Whether a shell would find `program`, or whether there is such a file; asked without running it.
fn is_installed(program: &str) -> bool {
    if program.starts_with('/') {
        return Path::new(program).exists();
    }
    Command::new("sh")
        .args(["-c", "command -v \"$1\"", "sh", program])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
