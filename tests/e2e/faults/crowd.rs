//! Twenty at once, over one store.

use super::stage::{Part, Stage, stages};
use super::{assert_sound, contents};
use crate::support::fault::FaultProxy;
use crate::support::world::Sandbox;

const CROWD: usize = 20;

/// Starts `sync` in all of `projects` at once, over the cache of the first, and waits for all.
fn sync_all(projects: &[&Sandbox]) {
    let cache = projects[0].cache().join("spin-deps").display().to_string();
    let running: Vec<_> =
        projects.iter().map(|project| project.start(&["sync", "--cache-dir", &cache])).collect();
    for process in running {
        let ended = process.finish();
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    }
}

/// How often each process asked for something, at most: the store is filled without waiting for one another, so each
/// may fetch what none has finished, but never the same thing twice.
#[expect(clippy::print_stdout, reason = "the count is worth knowing, and shown on request")]
#[track_caller]
fn assert_asked_once_each(stage: &Stage, proxy: &FaultProxy) {
    for part in Part::ALL {
        let times = proxy.asked().iter().filter(|asked| stage.is_for(part, asked)).count();
        assert!((1..=CROWD).contains(&times), "{part}: {times}");
        println!("{CROWD} processes asked {times} times for: {part}");
    }
}

#[test]
fn in_one_project() {
    let stages = stages();
    let stage = &stages[2];
    let proxy = stage.proxy();
    let sandbox = stage.project(&proxy);
    sync_all(&[&sandbox; CROWD]);
    stage.assert_faultless(&sandbox);
    assert_asked_once_each(stage, &proxy);
    sandbox.run(&["verify", "--frozen"]).done();
}

#[test]
fn in_twenty_projects() {
    let stages = stages();
    let stage = &stages[2];
    let proxy = stage.proxy();
    let projects: Vec<_> = (0..CROWD).map(|_| stage.project(&proxy)).collect();
    sync_all(&projects.iter().collect::<Vec<_>>());
    for project in &projects {
        assert!(project.files() == stage.files);
    }
    let cache = projects[0].cache();
    assert!(contents(&cache) == stage.contents);
    assert_sound(&cache);
    assert_asked_once_each(stage, &proxy);

    // Whoever comes later finds all of it.
    let before = proxy.asked().len();
    sync_all(&projects.iter().collect::<Vec<_>>());
    assert_eq!(proxy.asked().len(), before);
}
