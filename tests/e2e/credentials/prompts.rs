//! `login` in a terminal.

use super::{BASIC, docker_file, locked_out};
use crate::support::terminal::Terminal;

#[test]
fn ask_for_the_user_and_hide_the_password() {
    let (registry, sandbox) = locked_out();
    let host = registry.host();
    let mut terminal = Terminal::start(&mut sandbox.command(&["login", &host]));
    terminal.wait_for(&format!("User at {host}"));
    terminal.type_in("ada\r");
    terminal.wait_for(&format!("Password of ada at {host}"));
    terminal.wait_until_hidden();
    terminal.type_in("correct horse\r");
    terminal.wait_for("Logged in");
    let (code, screen, shows_typing) = terminal.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains("correct horse") && !screen.contains(BASIC), "{screen}");
    assert!(shows_typing, "{screen}");
    let file = fs_err::read_to_string(docker_file(&sandbox)).expect("Docker's configuration");
    assert!(file.contains(BASIC), "{file}");
    sandbox.run(&["verify"]).done();
}

#[test]
fn that_are_interrupted_leave_the_terminal_as_it_was() {
    let (registry, sandbox) = locked_out();
    let mut terminal = Terminal::start(&mut sandbox.command(&["login", &registry.host(), "-u", "ada"]));
    terminal.wait_for("Password of ada");
    terminal.wait_until_hidden();
    terminal.interrupt();
    let (code, screen, shows_typing) = terminal.finish();
    assert_eq!(code, Some(130), "{screen}");
    assert!(shows_typing, "{screen}");
    assert!(!docker_file(&sandbox).exists());
}
