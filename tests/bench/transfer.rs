//! Publishing and fetching one large component, against the raw speed of the same registry.
//!
//! curl moves the same number of bytes to and from the same server, and neither hashes nor checks nor syncs anything: it
//! is the floor. `wasm-pkg-client` does what wkg does, in a process of its own. Each publishes content that the registry
//! has not seen. What was written before is synced before each measurement, so that nobody pays for another.

use std::process::Command;
use std::time::{Duration, Instant};

use spin_deps_fixtures::heavy;

use crate::client;
use crate::measure::{Measured, option};
use crate::support::memory::Peak;
use crate::support::oci;
use crate::support::process::Process;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// Each publishes a package of its own, so that nobody has an older release to compare with.
const OURS: &str = "acme:heavy";
const THEIRS: &str = "acme:ballast";

pub(crate) fn run() {
    let runs = option("--runs").unwrap_or(5).max(1);
    let size = option("--megabytes").unwrap_or(50) * 1_000_000;
    println!("transfer: one component of {} MB, median of {runs} runs", size / 1_000_000);
    let (mut put, mut get) =
        (Measured::new("curl, POST and PUT of the blob"), Measured::new("curl, GET of the blob"));
    let mut publish = Measured::new("spin-deps publish");
    let mut fetch = Measured::new("spin-deps sync, locked, not fetched");
    let mut again = Measured::new("spin-deps sync, fetched");
    let mut client_publish = Measured::new("oci-wasm, as wkg publishes");
    let mut client_get = Measured::new("wasm-pkg-client, as wkg gets");

    for number in 0..runs {
        let registry = Registry::open();
        let sandbox = Sandbox::new();
        sandbox.use_registry(&registry);
        let version = format!("1.0.{number}");
        let artifact = |package: &str| {
            let bytes = heavy::component(package, &version, size);
            (sandbox.artifact(&bytes), oci::digest(&bytes))
        };
        let (raw, raw_digest) = artifact("acme:raw");
        let blobs = format!("http://{}/v2/acme/raw/blobs", registry.host());
        let script = format!(
            "place=$(curl -fsS -X POST -D - -o /dev/null {blobs}/uploads/ | sed -n 's/\\r$//; s/^[Ll]ocation: //p') && \
             curl -fsS -X PUT -H 'Content-Type: application/octet-stream' -T {raw} \"$place&digest={raw_digest}\""
        );
        put.add(timed(sandbox.command_of("sh").args(["-c", &script])).0);

        let (file, _) = artifact(OURS);
        let (time, peak) = timed(&mut sandbox.command(&["publish", &file]));
        publish.add(time).peak(peak);

        let (file, _) = artifact(THEIRS);
        let reference = format!("{}:{version}", THEIRS.replace(':', "/"));
        let (time, peak) = timed(as_client(&sandbox).args(["publish", &registry.host(), &reference, &file]));
        client_publish.add(time).peak(peak);

        let target = sandbox.root().join("target").display().to_string();
        let url = format!("{blobs}/{raw_digest}");
        get.add(timed(sandbox.command_of("curl").args(["-fsS", "-o", &target, &url])).0);

        sandbox.write_app(&[(OURS, "1.0.0")], &format!("\"{OURS}\" = \"^1\""), "");
        sandbox.run(&["lock"]).done();
        for measured in [&mut fetch, &mut again] {
            let (time, peak) = timed(&mut sandbox.command(&["sync"]));
            measured.add(time).peak(peak);
        }
        let (time, peak) = timed(as_client(&sandbox).args(["get", &registry.host(), THEIRS, &target]));
        client_get.add(time).peak(peak);
    }
    for (measured, base) in [
        (&put, &put),
        (&publish, &put),
        (&client_publish, &put),
        (&get, &get),
        (&fetch, &get),
        (&again, &get),
        (&client_get, &get),
    ] {
        measured.print(base);
    }
}

/// This program, in the part of wkg.
fn as_client(sandbox: &Sandbox) -> Command {
    let program = std::env::current_exe().expect("this program");
    let mut command = sandbox.command_of(&program.display().to_string());
    command.arg(client::COMMAND);
    command
}

/// Runs a command to its end: how long that took, and the most memory that it had, in bytes.
fn timed(command: &mut Command) -> (Duration, u64) {
    let synced = Command::new("sync").status().expect("the program `sync`");
    assert!(synced.success());
    let begun = Instant::now();
    let process = Process::start(command).expect("a program to measure");
    let peak = Peak::of(process.id(), "VmHWM");
    let ended = process.finish();
    let time = begun.elapsed();
    assert!(ended.status.success(), "{command:?}: {}", ended.stderr);
    (time, peak.bytes())
}
