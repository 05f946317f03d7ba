//! What is interrupted leaves the project as it was: `add` and `remove` when they fail and on Ctrl-C, and everything else
//! when it is killed.
//!
//! The place of the interruption is made, not hoped for: the proxy holds the answer that carries a layer, which is asked
//! for when the manifest and the lock have been written, and the signal comes while it is held.

use std::collections::BTreeMap;

use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, publish_all};
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// A command that changes the project and needs the layer of `acme:base` 2.0.0, on a project where it is not in the store.
struct Change {
    registry: Registry,
    proxy: Proxy,
    sandbox: Sandbox,
    arguments: &'static [&'static str],
    before: BTreeMap<String, Vec<u8>>,
}

impl Change {
    /// The path of the layer's request.
    fn layer(&self) -> String {
        self.registry.layer_digest("acme/base", "2.0.0")
    }

    #[track_caller]
    fn assert_untouched(&self) {
        let after = self.sandbox.files();
        for name in self.before.keys().chain(after.keys()) {
            assert!(
                self.before.get(name) == after.get(name),
                "{name} is not as it was before {:?}",
                self.arguments
            );
        }
    }

    fn new(dependencies: &str, arguments: &'static [&'static str]) -> Self {
        let registry = Registry::open();
        let proxy = Proxy::start(&registry.host());
        let sandbox = Sandbox::new();
        sandbox.use_host(&proxy.host(), None);
        publish_all(&sandbox);
        sandbox.write_app(&[IMPORTS[0], ("acme:base", "2.0.0")], dependencies, "");
        sandbox.run(&["sync"]).done();
        sandbox.delete_cache();
        let before = sandbox.files();
        Self { registry, proxy, sandbox, arguments, before }
    }
}

/// Both commands that restore: one adds what needs the layer, the other removes its neighbour.
fn changes() -> [Change; 2] {
    let both = format!("{DEPENDENCIES}\n\"acme:base\" = \"^2\"");
    [
        Change::new(DEPENDENCIES, &["add", "acme:base@^2", "--to", "app"]),
        Change::new(&both, &["remove", "acme:middle", "--to", "app"]),
    ]
}

#[test]
fn a_failure_after_the_first_write_takes_everything_back() {
    for change in changes() {
        change.registry.damage(&change.layer());
        let run = change.sandbox.run(change.arguments).failed();
        assert!(run.stderr.contains("acme:base"), "the failure is about the damaged layer:\n{}", run.stderr);
        change.assert_untouched();
    }
}

#[test]
fn ctrl_c_takes_everything_back() {
    for change in changes() {
        let hold = change.proxy.hold(&change.layer());
        let process = change.sandbox.start(change.arguments);
        hold.wait();
        process.interrupt();
        let ended = process.finish();
        assert_eq!(ended.status.code(), Some(130), "as a shell shows Ctrl-C:\n{}", ended.stderr);
        change.assert_untouched();
        drop(hold);
        // And it can be done again at once.
        change.sandbox.run(change.arguments).done();
    }
}

#[test]
fn a_killed_command_leaves_whole_files_and_no_obstacle() {
    for change in changes() {
        let hold = change.proxy.hold(&change.layer());
        let process = change.sandbox.start(change.arguments);
        hold.wait();
        // Not a signal that could be handled: the end of the process, as in a power cut.
        drop(process);
        drop(hold);
        change.sandbox.read("spin.toml").parse::<toml_edit::DocumentMut>().expect("a whole manifest");
        change.sandbox.read("spin-deps.lock").parse::<toml_edit::DocumentMut>().expect("a whole lock");
        change.sandbox.run(&["sync"]).done();
    }
}

#[test]
fn a_killed_download_is_not_taken_for_a_release() {
    let registry = Registry::open();
    let proxy = Proxy::start(&registry.host());
    let sandbox = Sandbox::new();
    sandbox.use_host(&proxy.host(), None);
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["lock"]).done();
    let hold = proxy.hold(&registry.layer_digest("acme/base", "1.1.0"));
    let process = sandbox.start(&["sync"]);
    hold.wait();
    drop(process);
    drop(hold);
    sandbox.run(&["sync", "--frozen"]).failed();
    sandbox.run(&["verify"]).done();
}

#[test]
fn two_commands_at_once_do_not_disturb_each_other() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.delete_cache();
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    let running: Vec<_> = (0..4).map(|_| sandbox.start(&["sync"])).collect();
    for process in running {
        let ended = process.finish();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    }
    assert!(sandbox.read("spin-deps.lock").contains("acme:base"));
    sandbox.run(&["verify", "--frozen"]).done();
}
