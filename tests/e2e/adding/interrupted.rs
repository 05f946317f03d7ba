//! Whoever is asked can leave, at every question and in three ways: nothing is written, and the terminal is as it was.

use super::{project, small_project, start};
use crate::support::files::FileServer;
use crate::support::library::base;
use crate::support::terminal::{Key, Terminal};
use crate::support::world::Sandbox;

/// How somebody leaves.
#[derive(Clone, Copy, Debug)]
enum Way {
    Press(Key),
    /// A signal from elsewhere.
    Signal,
}

const WAYS: [Way; 3] = [Way::Press(Key::Escape), Way::Press(Key::CtrlC), Way::Signal];

/// Leaves at the question that `ask` leads to, in each way.
#[track_caller]
fn leave(sandbox: &Sandbox, arguments: &[&str], ask: impl Fn(&mut Terminal)) {
    let before = sandbox.files();
    for way in WAYS {
        let mut terminal = start(sandbox, arguments);
        ask(&mut terminal);
        match way {
            Way::Press(key) => terminal.press(key),
            Way::Signal => terminal.interrupt(),
        }
        let (code, screen, is_restored) = terminal.finish_shown();
        assert_eq!(code, Some(130), "{arguments:?}, {way:?}:\n{screen}");
        assert!(screen.trim_end().ends_with("interrupted"), "{arguments:?}, {way:?}:\n{screen}");
        assert!(is_restored, "{arguments:?}, {way:?}:\n{screen}");
        assert!(sandbox.files() == before, "{arguments:?}, {way:?} changed a file");
    }
}

#[test]
fn at_the_component() {
    leave(&project(), &["add", "acme:base"], |terminal| {
        terminal.wait_until_shown("[ ] web");
    });
}

#[test]
fn at_the_interfaces() {
    leave(&small_project(), &["add", "./kit.wasm"], |terminal| {
        terminal.wait_until_shown("two@1.0.0");
    });
}

#[test]
fn at_the_export() {
    leave(&small_project(), &["add", "./kit.wasm", "--rename", "sum"], |terminal| {
        terminal.wait_until_shown("two@1.0.0");
    });
}

#[test]
fn at_the_capabilities_after_an_answer() {
    leave(&project(), &["add", "acme:env"], |terminal| {
        terminal.wait_until_shown("[ ] web");
        terminal.press(Key::Space);
        terminal.wait_until_shown("[x] api");
        terminal.press(Key::Enter);
        terminal.wait_until_shown("environment");
    });
}

#[test]
fn at_the_routes_and_the_place() {
    let sandbox = project();
    leave(&sandbox, &["add", "./first.wasm"], |terminal| {
        terminal.wait_until_shown("(web)");
    });
    sandbox.run(&["add", "./first.wasm", "--route", "/..."]).done();
    leave(&sandbox, &["add", "./second.wasm", "--route", "/..."], |terminal| {
        terminal.wait_until_shown("component web");
    });
}

#[test]
fn at_a_digest() {
    let server = FileServer::start(&base("1.0.0"));
    leave(&small_project(), &["add", &server.url("base.wasm")], |terminal| {
        terminal.wait_until_shown("Add it?");
    });
}

#[test]
fn at_what_is_removed() {
    let sandbox = project();
    sandbox.run(&["add", "acme:base", "--to", "api", "--to", "web"]).done();
    leave(&sandbox, &["remove", "acme:base"], |terminal| {
        terminal.wait_until_shown("`web`");
    });
}
