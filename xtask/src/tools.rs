//! What the tests need beside Rust: a real OCI registry, and the program that writes its password file.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

/// A program that the tests start, and the Debian package that has it.
const NEEDED: [(&str, &str); 2] = [("docker-registry", "docker-registry"), ("htpasswd", "apache2-utils")];

/// Installs what is missing on Debian and its kin; says what to do elsewhere.
pub(crate) fn install_test_servers() -> Result<()> {
    let missing: Vec<_> =
        NEEDED.iter().filter(|(program, _)| !is_installed(program)).map(|&(_, package)| package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !Path::new("/etc/debian_version").exists() {
        bail!(
            "the tests need the programs `docker-registry` (CNCF Distribution 2.8) and `htpasswd`, and only on Debian \
             and its kin are they installed for you: put them on the search path"
        );
    }
    eprintln!("installing {} for the tests", missing.join(" and "));
    apt_get(&["update", "--quiet"])?;
    let mut install = vec!["install", "--quiet", "--yes", "--no-install-recommends"];
    install.extend(missing);
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

/// Whether a shell would find `program`; asked without running it.
fn is_installed(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", "command -v \"$1\"", "sh", program])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
