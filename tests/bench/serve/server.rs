//! The servers that compete.

use std::process::Command;

use crate::support::process::Process;
use crate::support::toolchains::wasmtime;
use crate::support::world::Sandbox;

/// Who serves.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// `spin-deps up`, from the manifest.
    Ours,
    /// `wasmtime serve`, the composed component.
    Wasmtime,
}

/// A server that answers.
pub(super) struct Server {
    process: Process,
    /// Its address, with the scheme and without a path.
    pub(super) url: String,
}

impl Server {
    /// Starts one and waits until it says where it listens.
    pub(super) fn start(kind: Kind, sandbox: &Sandbox, composed: &str, reuse: bool) -> Self {
        let mut command = command(kind, sandbox, composed, "127.0.0.1:0", reuse);
        let mut process = Process::start(&mut command).expect("a server");
        let url = process.wait_for(|line| {
            let (_, rest) = line.split_once("http://127.0.0.1:")?;
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            Some(format!("http://127.0.0.1:{port}"))
        });
        Self { process, url }
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it at once.
    pub(super) fn stop(self) {
        self.process.kill();
    }
}

/// What serves the app of `sandbox`, which is composed in a file, at an address. The manifest says whether ours reuses
/// instances.
pub(super) fn command(kind: Kind, sandbox: &Sandbox, composed: &str, listen: &str, reuse: bool) -> Command {
    match kind {
        Kind::Ours => sandbox.command(&["up", "--listen", listen]),
        Kind::Wasmtime => {
            let mut command = sandbox.command_of(&wasmtime().display().to_string());
            command.args(["serve", "-S", "cli=y", "-S", "p3=y", "-W", "component-model-async=y"]);
            command.args(["--addr", listen]);
            if !reuse {
                command.args(["--max-instance-reuse-count", "1"]);
            }
            command.arg(composed);
            command
        }
    }
}
