//! A disk with no room, or with too little.
//!
//! The small disk is a tmpfs in a mount namespace, for which no one has to be root: the test starts itself again in
//! there, with the disk as the place for temporary files. Where namespaces are forbidden, as in many containers, the
//! limit on the size of a file stands in; to the program it is the same refusal of a write. That one works everywhere,
//! and is tested everywhere.
//!
//! The room is swept from none to enough, so that every write of a command is once the one that does not fit.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use regex::Regex;

use super::{assert_sound, contents, files_below};
use crate::support::ferro::Ferro;
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, base, middle};
use crate::support::process::Process;
use crate::support::world::{Run, Sandbox, manifest};

/// The size of the small disk, in bytes.
const DISK: usize = 4 << 20;
/// What the disk hands out at a time, in bytes.
const PAGE: usize = 4 << 10;
/// Set in the process that runs on the small disk, to the file for its report.
const INSIDE: &str = "SPIN_DEPS_TEST_ON_SMALL_DISK";

#[test]
fn on_a_small_disk() {
    #[expect(clippy::disallowed_methods, reason = "the test tells itself where it is")]
    if let Some(report) = std::env::var_os(INSIDE) {
        fs_err::write(PathBuf::from(report), sweep(Room::Disk)).expect("a report");
        return;
    }
    if let Some(report) = run_on_small_disk("faults::full_disk::on_a_small_disk") {
        insta::assert_snapshot!(report, @"
        $ lock
        error: [DIR]/project/spin-deps.lock cannot be written: No space left on device (os error 28)
        error: could not write `[DIR]/cache/spin-deps/blobs/sha256/.tmp-[RANDOM]`: No space left on device (os error 28)

        $ sync
        error: [DIR]/project/spin-dependencies.wit cannot be written: No space left on device (os error 28)
        error: [DIR]/project/spin-deps.lock cannot be written: No space left on device (os error 28)
        error: could not write `[DIR]/cache/spin-deps/blobs/sha256/.tmp-[RANDOM]`: No space left on device (os error 28)

        $ sync
        error: [DIR]/project/spin-dependencies.wit cannot be written: No space left on device (os error 28)
        error: [DIR]/project/spin-deps.lock cannot be written: No space left on device (os error 28)

        $ add acme:middle@^1 --to app
        error: [DIR]/project/spin-dependencies.wit cannot be written: No space left on device (os error 28)
        error: [DIR]/project/spin.toml cannot be written: No space left on device (os error 28)
        error: could not write `[DIR]/cache/spin-deps/blobs/sha256/.tmp-[RANDOM]`: No space left on device (os error 28)

        $ add acme:middle@^1 --to app
        error: [DIR]/project/spin-dependencies.wit cannot be written: No space left on device (os error 28)
        error: [DIR]/project/spin.toml cannot be written: No space left on device (os error 28)

        $ publish base.wasm
        error: could not write `[DIR]/folders/wasm.example/acme/base/1.1.0.wasm`: No space left on device (os error 28)
        ");
    }
}

#[test]
fn with_a_limit_on_the_size_of_files() {
    insta::assert_snapshot!(sweep(Room::Limit), @"
    $ lock
    error: could not write `[DIR]/cache/spin-deps/blobs/sha256/.tmp-[RANDOM]`: File too large (os error 27)

    $ sync
    error: could not write `[DIR]/cache/spin-deps/blobs/sha256/.tmp-[RANDOM]`: File too large (os error 27)

    $ sync
    error: [DIR]/project/spin-deps.lock cannot be written: File too large (os error 27)

    $ add acme:middle@^1 --to app
    error: could not write `[DIR]/cache/spin-deps/blobs/sha256/.tmp-[RANDOM]`: File too large (os error 27)

    $ add acme:middle@^1 --to app
    error: [DIR]/project/spin-deps.lock cannot be written: File too large (os error 27)
    error: [DIR]/project/spin.toml cannot be written: File too large (os error 27)

    $ publish base.wasm
    error: could not write `[DIR]/folders/wasm.example/acme/base/1.1.0.wasm`: File too large (os error 27)
    ");
}

/// Runs the test `name` of this program on a small disk, and gives what it reports; `None` where there may be none.
#[track_caller]
fn run_on_small_disk(name: &str) -> Option<String> {
    let (point, report) =
        (tempfile::tempdir().expect("a directory"), tempfile::NamedTempFile::new().expect("a file"));
    let program = std::env::current_exe().expect("the path of this program");
    let script =
        format!("mount -t tmpfs -o size={DISK} none \"$0\" && echo mounted && TMPDIR=$0 exec \"$@\"");
    // With a namespace of one's own users, or as root.
    for flags in ["-rm", "-m"] {
        let mut command = Command::new("unshare");
        command.args([flags, "sh", "-c", &script]).arg(point.path()).arg(&program).args(["--exact", name]);
        let ended = Process::start(command.env(INSIDE, report.path()))
            .expect("`unshare` is not installed: apt-get install util-linux")
            .finish();
        if ended.stdout.starts_with("mounted\n") {
            assert!(ended.status.success(), "on the small disk:\n{}{}", ended.stdout, ended.stderr);
            return Some(fs_err::read_to_string(report.path()).expect("the report"));
        }
    }
    None
}

/// What there is little of.
#[derive(Clone, Copy, Debug)]
enum Room {
    /// Space on the disk.
    Disk,
    /// Bytes in a file.
    Limit,
}

impl Room {
    /// Runs the binary with room for `step` pages, or for so many times a few bytes in each file.
    fn run(self, sandbox: &Sandbox, arguments: &[&str], step: usize) -> Run {
        match self {
            Self::Disk => {
                let filler = tempfile::NamedTempFile::new().expect("a file on the small disk");
                let mut size = 0;
                while fs_err::OpenOptions::new()
                    .append(true)
                    .open(filler.path())
                    .and_then(|mut file| std::io::Write::write_all(&mut file, &[0; PAGE]))
                    .is_ok()
                {
                    size += PAGE;
                }
                let room = size.saturating_sub(step * PAGE);
                filler.as_file().set_len(room as u64).expect("a shorter file");
                sandbox.run(arguments)
            }
            Self::Limit => {
                let wanted = sandbox.command(arguments);
                let mut limited = sandbox.command_of("sh");
                // The signal that comes with the refusal is ignored: the refusal itself is what is wanted.
                let script = "trap '' XFSZ; limit=$0; exec prlimit --fsize=\"$limit\" \"$@\"";
                limited.args(["-c", script, &(step * PAGE / 32).to_string()]);
                Sandbox::run_command(limited.arg(wanted.get_program()).args(wanted.get_args()))
            }
        }
    }
}

/// Runs the commands that write with more and more room, and tells what they failed for.
fn sweep(room: Room) -> String {
    let registry = Ferro::start();
    let (base, middle, app) = (base("1.1.0"), middle("1.0.0"), spin_deps_fixtures::http::p2_app(IMPORTS));
    let project = || {
        let sandbox = Sandbox::new();
        sandbox.use_host(&registry.host(), None);
        sandbox.write("app.wasm", &app);
        sandbox.write("spin.toml", manifest(DEPENDENCIES, ANSWER));
        sandbox
    };
    let publisher = project();
    publisher.publish(&base);
    publisher.publish(&middle);
    drop(publisher);
    let without = || {
        let sandbox = project();
        sandbox.write("spin.toml", manifest("", ANSWER));
        sandbox
    };
    let folder = || {
        let sandbox = Sandbox::new();
        sandbox.use_folder();
        sandbox.write("base.wasm", &base);
        sandbox
    };
    // The store has it all, so that what does not fit is the project's.
    let stored = |new: &dyn Fn() -> Sandbox| {
        let sandbox = new();
        let before = sandbox.files();
        sandbox.write("spin.toml", manifest(DEPENDENCIES, ANSWER));
        sandbox.run(&["sync"]).done();
        for name in sandbox.files().keys().filter(|name| !before.contains_key(*name)) {
            fs_err::remove_file(sandbox.project().join(name)).expect("a generated file");
        }
        sandbox.write("spin.toml", &before["spin.toml"]);
        sandbox
    };
    let add = ["add", "acme:middle@^1", "--to", "app"];
    [
        told(room, &["lock"], project),
        told(room, &["sync"], project),
        told(room, &["sync"], || stored(&project)),
        told(room, &add, without),
        told(room, &add, || stored(&without)),
        told(room, &["publish", "base.wasm"], folder),
    ]
    .join("\n")
}

/// What a command fails for, from no room to enough.
fn told(room: Room, arguments: &[&str], project: impl Fn() -> Sandbox) -> String {
    let undisturbed = project();
    undisturbed.run(arguments).done();
    let expected = everything(&undisturbed);
    drop(undisturbed);
    let mut errors = BTreeSet::new();
    for step in 0.. {
        assert!(step < 200, "there is never room enough");
        let sandbox = project();
        let before = (sandbox.files(), files_below(&sandbox.root().join("folders")));
        let run = room.run(&sandbox, arguments, step);
        if run.code == Some(0) {
            assert!(everything(&sandbox) == expected, "with little room it is another result");
            break;
        }
        let text = without_chance(&sandbox.snapshot(&run.failed()));
        let after = (sandbox.files(), files_below(&sandbox.root().join("folders")));
        assert!(before == after, "step {step} left something:\n{text}");
        assert_sound(&sandbox.cache());
        // What could not be remembered besides is not what it failed for.
        errors.extend(text.lines().filter(|line| line.starts_with("error: ")).map(str::to_owned));
        // And with room it works.
        sandbox.run(arguments).done();
        assert!(everything(&sandbox) == expected);
    }
    errors.into_iter().fold(format!("$ {}\n", arguments.join(" ")), |told, error| told + &error + "\n")
}

/// The project, the content of the store and the folder of releases.
fn everything(sandbox: &Sandbox) -> impl PartialEq + use<> {
    (sandbox.files(), contents(&sandbox.cache()), files_below(&sandbox.root().join("folders")))
}

/// The names of temporary files are random.
fn without_chance(text: &str) -> String {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\.(tmp|spin-deps)-\w{6}\b").expect("a pattern"));
    NAME.replace_all(text, ".$1-[RANDOM]").into_owned()
}
