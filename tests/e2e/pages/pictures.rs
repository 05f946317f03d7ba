//! The pictures of the pages, made of what the program prints in colours.
//!
//! They are text, which can be selected and searched. `cargo xtask pages` draws them; here it is made sure that they still
//! show what happens.

use std::sync::LazyLock;

use anstyle::{Ansi256Color, AnsiColor, Color, RgbColor, Style};
use anstyle_svg::{Term, WIN10_CONSOLE};
use regex::Regex;
use spin_deps_fixtures::component;
use spin_deps_fixtures::http::p3_app;
use spin_deps_fixtures::library::{chain, described};

use super::{copy_of_the_repository, repository, writes};
use crate::support::snapshot::without_times_and_ports;
use crate::support::terminal::{Key, Terminal};
use crate::support::world::Sandbox;

/// How the command itself is shown.
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::BrightBlack)));

/// A dark terminal, which stands well on a light page as on a dark one.
const TERMINAL: Term = Term::new()
    .palette(WIN10_CONSOLE)
    .fg_color(Color::Rgb(RgbColor(0xe6, 0xed, 0xf3)))
    .bg_color(Color::Rgb(RgbColor(0x16, 0x1b, 0x22)))
    .min_width_px(640);

/// The command and what it prints, on both streams, with the control sequences of a terminal.
fn session(sandbox: &Sandbox, folder: &str, arguments: &[&str]) -> String {
    let mut command = sandbox.command_of("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 2>&1", env!("CARGO_BIN_EXE_spin-deps")])
        .args(arguments)
        .current_dir(sandbox.project().join(folder))
        .env_remove("NO_COLOR")
        .env("CLICOLOR_FORCE", "1");
    let run = Sandbox::run_command(&mut command);
    prompt(arguments) + &run.stdout
}

/// The command as somebody typed it.
fn prompt(arguments: &[&str]) -> String {
    format!("{DIM}${DIM:#} {BOLD}spin-deps {}{BOLD:#}\n", arguments.join(" "))
}

/// What stands on a screen, with the control sequences for its colours and without those that move.
fn painted(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    (0..rows).map(|row| line(&mut (0..columns).filter_map(|column| screen.cell(row, column)))).collect()
}

fn line(cells: &mut dyn Iterator<Item = &vt100::Cell>) -> String {
    let mut spans: Vec<(Style, String)> = Vec::new();
    for cell in cells {
        let style = style(cell);
        let content = if cell.has_contents() { cell.contents() } else { " " };
        match spans.last_mut() {
            Some((last, text)) if *last == style => text.push_str(content),
            _ => spans.push((style, content.to_owned())),
        }
    }
    let line: Vec<_> = spans.iter().map(|(style, text)| format!("{style}{text}{style:#}")).collect();
    format!("{}\n", line.concat().trim_end())
}

fn style(cell: &vt100::Cell) -> Style {
    let mut style = Style::new();
    if let vt100::Color::Idx(index) = cell.fgcolor() {
        style = style.fg_color(Some(Color::Ansi256(Ansi256Color(index))));
    }
    if cell.bold() {
        style = style.bold();
    }
    if cell.dim() {
        style = style.dimmed();
    }
    style
}

/// Compares the picture of this name with what is shown now, or draws it.
#[track_caller]
fn check(name: &str, shown: &str) {
    // Times differ from run to run, and the width of the picture with them.
    static WIDTH: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"width="\d+px""#).expect("a pattern"));
    let filtered = |text: &str| WIDTH.replace(&without_times_and_ports(text), "").into_owned();
    let drawn = TERMINAL.render_svg(shown.trim_end());
    let file = repository().join("docs/pictures").join(name);
    let there = fs_err::read_to_string(&file).unwrap_or_default();
    if filtered(&there) == filtered(&drawn) {
        return;
    }
    assert!(writes(), "{} shows something else: run `cargo xtask pages` and look at it", file.display());
    fs_err::create_dir_all(file.parent().expect("a file in a folder")).expect("the folder of the pictures");
    fs_err::write(file, drawn).expect("the picture");
}

#[test]
fn a_verified_app() {
    let sandbox = copy_of_the_repository();
    sandbox.run(&["-f", "examples/greeter", "lock"]).done();
    check("verify.svg", &session(&sandbox, "examples/greeter", &["verify"]));
}

#[test]
fn an_explained_conflict() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    for version in ["1.2.0", "1.3.0"] {
        sandbox.publish(&chain("acme:hash", version, &[]));
    }
    for version in ["1.1.0", "1.2.0"] {
        sandbox.publish(&chain("acme:session", version, &[("acme:hash", "1.3.0")]));
    }
    sandbox.write_app(&[("acme:session", "1.0.0"), ("acme:hash", "1.0.0")], "\"acme:hash\" = \"=1.2.0\"", "");
    check("conflict.svg", &session(&sandbox, ".", &["add", "acme:session@^1.1"]));
}

#[test]
fn an_addition_in_a_terminal() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&crypto());
    sandbox.write("spin.toml", APP);
    for name in ["api", "web"] {
        sandbox.write(&format!("{name}.wasm"), p3_app(&[]));
    }
    let arguments = ["add", "acme:crypto"];
    let mut command = sandbox.command(&arguments);
    let mut terminal = Terminal::start(command.env_remove("NO_COLOR"));
    terminal.wait_until_shown("web");
    for (key, shows) in [
        (Key::Space, "[x] api"),
        (Key::Enter, "acme:crypto/sign@1.4.0"),
        (Key::Down, "> [ ] acme:crypto/digest"),
    ] {
        terminal.press(key);
        terminal.wait_until_shown(shows);
    }
    terminal.press(Key::Space);
    terminal.wait_until_shown("> [x] acme:crypto/digest");
    check("add.svg", &(prompt(&arguments) + &painted(terminal.screen())));
}

/// A library with two interfaces.
fn crypto() -> Vec<u8> {
    let wit = "package acme:crypto@1.4.0;
interface digest { size: func() -> u32; }
interface sign { size: func() -> u32; }
world library { export digest; export sign; }";
    let wat = r#"(module
  (func (export "acme:crypto/digest@1.4.0#size") (result i32) (i32.const 32))
  (func (export "acme:crypto/sign@1.4.0#size") (result i32) (i32.const 64)))"#;
    let bytes = component(wit, "library", wat).expect("the fixture is a valid component");
    described(&bytes, "acme:crypto", "1.4.0", "Digests and signatures").expect("a component")
}

/// An app of two components.
const APP: &str = r#"spin_manifest_version = 2

[application]
name = "demo"

[[trigger.http]]
route = "/api/..."
component = "api"

[[trigger.http]]
route = "/..."
component = "web"

[component.api]
source = "api.wasm"

[component.web]
source = "web.wasm"
"#;
