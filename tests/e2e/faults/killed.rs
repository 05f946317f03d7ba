//! Killed at any moment: a hundred times each in `sync`, `add` and `publish`, against a registry that takes its time.
//!
//! The moments are random, from the start of the process to a little behind its usual end. Their seed is in every
//! message, and `REPEAT_SEED` below takes one to see it again. After each kill every file is whole: what it was before, or
//! what it is after an undisturbed run. Then the command is run again, and all is as if nothing had happened.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::stage::{Stage, released, stages};
use super::{assert_whole, files_below};
use crate::support::fault::FaultProxy;
use crate::support::library::base;
use crate::support::oci::digest;
use crate::support::world::Sandbox;

/// A seed of an earlier run, to repeat its moments.
const REPEAT_SEED: Option<u64> = None;
const KILLS: u32 = 100;
/// A folder is written in no time, so there are few moments.
const KILLS_AT_A_FOLDER: u32 = 30;
/// As many at a time.
const LANES: u32 = 4;
/// Before each request is answered.
const DELAY: Duration = Duration::from_millis(8);

/// Moments below one, from a seed (the generator is Marsaglia's xorshift64).
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 32).expect("32 bits")) / f64::from(u32::MAX)
    }
}

/// Runs `kill` so many times, each with a number and a moment between 0 and 1.
#[expect(clippy::print_stdout, reason = "without the seed, a failure could not be repeated")]
fn times(kills: u32, kill: impl Fn(u32, f64) + Sync) {
    let seed = REPEAT_SEED.unwrap_or_else(|| RandomState::new().build_hasher().finish()) | 1;
    println!("the seed of the moments is {seed}");
    let kill = &kill;
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            scope.spawn(move || {
                let mut moments = Moments(seed.wrapping_mul(u64::from(lane) * 2 + 1));
                for number in (lane..kills).step_by(LANES as usize) {
                    kill(number, moments.next());
                }
            });
        }
    });
}

/// A registry, the proxy that slows it down, and how long a command takes there.
struct Slow {
    stages: Arc<[Stage; 3]>,
    index: usize,
    proxy: FaultProxy,
}

impl Slow {
    /// In front of one of the stages.
    fn at(index: usize) -> Self {
        let stages = stages();
        let proxy = stages[index].proxy();
        proxy.delay(DELAY);
        Self { stages, index, proxy }
    }

    fn stage(&self) -> &Stage {
        &self.stages[self.index]
    }
}

/// Starts a command and kills it after the part `moment` of `usual`.
fn kill_after(sandbox: &Sandbox, arguments: &[&str], usual: Duration, moment: f64) {
    let process = sandbox.start(arguments);
    std::thread::sleep(usual.mul_f64(moment * 1.1));
    // Its end, whether it came to it by itself or not.
    drop(process);
}

/// Every file of the project is as in one of `states`; what a killed writer left under a name of its own is nobody's.
#[track_caller]
fn assert_files_are_of(sandbox: &Sandbox, states: [&BTreeMap<String, Vec<u8>>; 2]) {
    for (name, bytes) in sandbox.files() {
        if !name.starts_with(".spin-deps-") {
            let known = states.iter().any(|state| state.get(&name) == Some(&bytes));
            assert!(known, "{name} is not whole:\n{}", String::from_utf8_lossy(&bytes));
        }
    }
}

/// The project's files without what killed writers left.
fn files(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let mut files = sandbox.files();
    files.retain(|name, _| !name.starts_with(".spin-deps-"));
    files
}

#[test]
fn sync() {
    let slow = Slow::at(2);
    let stage = slow.stage();
    let before = stage.project(&slow.proxy).files();
    let usual = {
        let sandbox = stage.project(&slow.proxy);
        let begun = Instant::now();
        sandbox.run(&["sync"]).done();
        begun.elapsed()
    };
    times(KILLS, |_, moment| {
        let sandbox = stage.project(&slow.proxy);
        kill_after(&sandbox, &["sync"], usual, moment);
        assert_files_are_of(&sandbox, [&before, &stage.files]);
        assert_whole(&sandbox.cache());
        sandbox.run(&["sync"]).done();
        assert!(files(&sandbox) == stage.files);
        assert_whole(&sandbox.cache());
        assert!(super::contents(&sandbox.cache()) == stage.contents);
    });
}

#[test]
fn add() {
    let slow = Slow::at(0);
    let stage = slow.stage();
    let project = || {
        let sandbox = stage.project(&slow.proxy);
        let without = sandbox.read("spin.toml").replace("\"acme:middle\" = \"^1\"\n", "");
        sandbox.write("spin.toml", without);
        sandbox
    };
    let arguments = ["add", "acme:middle@^1", "--to", "app"];
    let before = project().files();
    let (usual, after) = {
        let sandbox = project();
        let begun = Instant::now();
        sandbox.run(&arguments).done();
        (begun.elapsed(), sandbox.files())
    };
    times(KILLS, |_, moment| {
        let sandbox = project();
        kill_after(&sandbox, &arguments, usual, moment);
        assert_files_are_of(&sandbox, [&before, &after]);
        assert_whole(&sandbox.cache());
        sandbox.run(&arguments).done();
        assert!(files(&sandbox) == after, "{}", sandbox.read("spin.toml"));
    });
}

#[test]
fn publish() {
    let slow = Slow::at(0);
    let publisher = Sandbox::new();
    slow.stage().configure(&publisher, &slow.proxy);
    let (bytes, other) = (base("1.0.0"), base("1.1.0"));
    let (file, other) = (publisher.artifact(&bytes), publisher.artifact(&other));
    let usual = {
        let begun = Instant::now();
        publisher.run(&["publish", &file, "--package", "acme:undisturbed@1.0.0"]).done();
        begun.elapsed()
    };
    let whole = released(slow.stage(), "undisturbed").expect("a release");
    times(KILLS, |number, moment| {
        let sandbox = Sandbox::new();
        slow.stage().configure(&sandbox, &slow.proxy);
        let name = format!("killed{number}");
        let release = format!("acme:{name}@1.0.0");
        kill_after(&sandbox, &["publish", &file, "--package", &release], usual, moment);
        let there = released(slow.stage(), &name);
        sandbox.run(&["publish", &file, "--package", &release]).done();
        let now = released(slow.stage(), &name).expect("the release");
        assert!(now.blobs == whole.blobs);
        assert!(there.is_none_or(|there| there == now), "what was there was all of it");
        if number % 10 == 0 {
            sandbox.run(&["publish", &other, "--package", &release]).failed();
            assert!(released(slow.stage(), &name) == Some(now), "a release is never replaced");
        }
    });
}

#[test]
fn publish_to_a_folder() {
    let bytes = base("1.0.0");
    let usual = {
        let sandbox = Sandbox::new();
        sandbox.use_folder();
        let begun = Instant::now();
        sandbox.publish(&bytes);
        begun.elapsed()
    };
    times(KILLS_AT_A_FOLDER, |_, moment| {
        let sandbox = Sandbox::new();
        sandbox.use_folder();
        let file = sandbox.artifact(&bytes);
        kill_after(&sandbox, &["publish", &file], usual, moment);
        let folder = sandbox.root().join("folders");
        for (name, there) in files_below(&folder) {
            let is_release = name.ends_with("acme/base/1.0.0.wasm");
            assert!(name.contains("/.tmp-") || is_release, "{name}");
            assert!(!is_release || there == bytes, "half a release");
        }
        sandbox.run(&["publish", &file]).done();
        let released = files_below(&folder).into_iter().find(|(name, _)| name.ends_with("/1.0.0.wasm"));
        assert_eq!(released.map(|(_, bytes)| digest(&bytes)), Some(digest(&bytes)));
    });
}
