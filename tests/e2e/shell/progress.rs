//! Bars and spinners: there when something takes its time, gone when it is done.

use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, publish_all};
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::terminal::Terminal;
use crate::support::world::Sandbox;

/// A project whose registry answers when the test lets it.
fn far_away() -> (Registry, Proxy, Sandbox) {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.delete_cache();
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), registry.credentials());
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    (registry, proxy, sandbox)
}

#[test]
fn what_takes_long_is_shown_and_wiped_away() {
    let (_registry, proxy, sandbox) = far_away();
    let hold = proxy.hold("/tags/");
    let mut terminal = Terminal::start_sized(&mut sandbox.command(&["lock"]), 80);
    hold.wait();
    terminal.wait_for("resolving 1 requirement");
    drop(hold);
    let (code, shown, _) = terminal.finish_shown();
    assert_eq!(code, Some(0), "{shown}");
    insta::assert_snapshot!(shown, @"
    Locked 2 packages in spin-deps.lock
      add acme:base 1.1.0
      add acme:middle 1.0.0
    ");
}

#[test]
fn what_is_interrupted_is_wiped_away_too() {
    let (_registry, proxy, sandbox) = far_away();
    sandbox.run(&["lock"]).done();
    let hold = proxy.hold("/blobs/");
    let mut terminal = Terminal::start_sized(&mut sandbox.command(&["sync", "--locked"]), 40);
    hold.wait();
    terminal.wait_for("fetching 2 packages");
    terminal.interrupt();
    let (code, shown, has_cursor) = terminal.finish_shown();
    assert_eq!((code, shown.trim_end(), has_cursor), (Some(130), "interrupted", true));
}

#[test]
fn nobody_is_told_in_a_pipe_in_ci_or_in_quiet() {
    let (_registry, proxy, sandbox) = far_away();
    for (arguments, variables) in
        [(["lock", "--quiet"].as_slice(), [].as_slice()), (&["lock"], &[("CI", "true")])]
    {
        sandbox.delete_cache();
        let _ = fs_err::remove_file(sandbox.project().join("spin-deps.lock"));
        let hold = proxy.hold("/blobs/");
        let mut command = sandbox.command(arguments);
        let terminal = Terminal::start_sized(command.envs(variables.iter().copied()), 80);
        hold.wait();
        drop(hold);
        let (code, written, _) = terminal.finish();
        assert_eq!(code, Some(0), "{written}");
        assert!(!written.contains("resolving") && !written.contains('\u{1b}'), "{arguments:?}: {written:?}");
    }
}
