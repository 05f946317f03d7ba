//! What a network, a registry, a disk and a killed process can do to us, done for real.
//!
//! Every fault ends in one of two ways, and the tests say in which: in the very result that there is without the fault
//! (the lock, the generated files and the content, byte for byte), or in an error that says what is wrong, with the
//! project as it was, a sound store, and nothing in the way of the next run. There is no third.

mod answers;
mod connections;
mod crowd;
mod damage;
mod elsewhere;
mod full_disk;
mod killed;
mod leftovers;
mod publishing;
mod sizes;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use self::stage::{Part, Stage, stages};
use crate::support::fault::FaultProxy;
use crate::support::oci::digest;
use crate::support::world::Sandbox;

/// Parts that ended alike at the same registries, which are named where they are not all.
type Alike = (String, Vec<Part>);

/// As often as anyone asks.
const EVER: usize = usize::MAX;

/// The parts that come with a body.
const WITH_BODY: &[Part] = &[Part::Tags, Part::Manifest, Part::Config, Part::Layer];

/// What is said of a run that came to the result that there is without the fault.
const CORRECT: &str = "as without the fault";

/// What a fault happens to.
struct Survey {
    parts: &'static [Part],
    /// The registries, by their place among the [`stages`].
    places: &'static [usize],
    /// Set for the command.
    variables: &'static [(&'static str, &'static str)],
}

/// All parts at all registries.
const EVERYWHERE: Survey = Survey { parts: &Part::ALL, places: &[0, 1, 2], variables: &[] };
/// The same for those who wait four seconds and no longer.
const IMPATIENT: Survey = Survey { variables: &[("SPIN_DEPS_HTTP_TIMEOUT", "4")], ..EVERYWHERE };
/// What is the same over TLS, which takes its time.
const WITHOUT_TLS: Survey = Survey { places: &[0, 2], ..EVERYWHERE };

/// Lets `fault` happen to each part of a release at each registry, in a first `sync` on an empty machine, and tells
/// how each of them ended. `fault` is given the proxy and what the part's path contains.
fn survey(Survey { parts, places, variables }: Survey, fault: impl Fn(&FaultProxy, &str) + Sync) -> String {
    let started = stages();
    let stages: Vec<_> = places.iter().map(|place| &started[*place]).collect();
    let trials: Vec<_> =
        parts.iter().flat_map(|part| stages.iter().map(move |stage| (*part, *stage))).collect();
    let endings: Vec<String> = std::thread::scope(|scope| {
        let fault = &fault;
        let running: Vec<_> = trials
            .iter()
            .map(|(part, stage)| scope.spawn(move || trial(stage, *part, variables, fault)))
            .collect();
        running
            .into_iter()
            .map(|trial| trial.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });

    // Parts that ended alike are told together, and registries only where they differ.
    let mut told: Vec<(&str, Vec<Alike>)> = Vec::new();
    for (part, of_part) in parts.iter().zip(endings.chunks(stages.len())) {
        let different: BTreeSet<_> = of_part.iter().map(String::as_str).collect();
        for ending in different {
            let where_so = stages.iter().zip(of_part).filter(|(_, other)| *other == ending);
            let names: Vec<_> = where_so.map(|(stage, _)| stage.name).collect();
            let place =
                if names.len() == stages.len() { String::new() } else { format!(" ({})", names.join(", ")) };
            let found = told.iter().position(|(text, _)| *text == ending).unwrap_or_else(|| {
                told.push((ending, Vec::new()));
                told.len() - 1
            });
            let labels = &mut told[found].1;
            match labels.iter_mut().find(|(other, _)| *other == place) {
                Some((_, parts)) => parts.push(*part),
                None => labels.push((place, vec![*part])),
            }
        }
    }
    let texts: Vec<_> = told
        .into_iter()
        .map(|(text, labels)| {
            let labels: Vec<_> = labels
                .into_iter()
                .map(|(place, parts)| {
                    parts.iter().map(Part::to_string).collect::<Vec<_>>().join(", ") + &place
                })
                .collect();
            format!("{}:\n{}\n", labels.join("; "), text.trim_end())
        })
        .collect();
    texts.join("\n")
}

fn trial(
    stage: &Stage,
    part: Part,
    variables: &[(&str, &str)],
    fault: &impl Fn(&FaultProxy, &str),
) -> String {
    let proxy = stage.proxy();
    let sandbox = stage.project(&proxy);
    let before = sandbox.files();
    fault(&proxy, &stage.path(part));
    let run = Sandbox::run_command(sandbox.command(&["sync"]).envs(variables.iter().copied()));
    if run.code == Some(0) {
        // What a config object says is read from the Wasm where there is none.
        let optional = (part == Part::Config).then(|| stage.path(part));
        stage.assert_faultless_but(&sandbox, optional.as_deref());
        return CORRECT.to_owned();
    }
    let text = sandbox.snapshot(&run.failed());
    assert!(sandbox.files() == before, "the project is not as it was:\n{text}");
    assert_sound(&sandbox.cache());
    proxy.heal();
    sandbox.run(&["sync"]).done();
    stage.assert_faultless(&sandbox);
    text.strip_prefix("exit: 1\n--- stderr\n").expect("an error and nothing else").to_owned()
}

/// Every file below `directory`, by its path there. Files that vanish while they are looked for are left out.
fn files_below(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        let Ok(entries) = fs_err::read_dir(next) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if let Ok(bytes) = fs_err::read(&path) {
                let name = path.strip_prefix(directory).expect("a path below the directory");
                files.insert(name.display().to_string(), bytes);
            }
        }
    }
    files
}

/// The content in the cache at `cache`, by its digest; what writers have not finished is not content.
fn contents(cache: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut blobs = files_below(&cache.join("spin-deps/blobs/sha256"));
    blobs.retain(|name, _| !name.starts_with(".tmp-"));
    blobs
}

/// Every file of the cache at `cache` is whole: content has its digest, and no writer left anything behind.
#[track_caller]
fn assert_sound(cache: &Path) {
    assert_whole(cache);
    let left: Vec<_> = files_below(cache).into_keys().filter(|name| name.contains("tmp")).collect();
    assert!(left.is_empty(), "writers left {left:?}");
}

/// The same where writers were killed, who could not clean up.
#[track_caller]
fn assert_whole(cache: &Path) {
    for (name, bytes) in contents(cache) {
        assert_eq!(
            digest(&bytes),
            format!("sha256:{name}"),
            "a stored file has other bytes than its name says"
        );
    }
    for (name, bytes) in files_below(&cache.join("spin-deps/records")) {
        if !name.starts_with(".tmp-") {
            let text = String::from_utf8(bytes).expect("a record in UTF-8");
            let (sum, rest) = text.split_once('\n').expect("a record with its sum");
            assert_eq!(digest(rest.as_bytes()), sum, "a record is not whole: {name}");
        }
    }
}
