//! Completion: by the protocol that each shell speaks with the binary, and in a real bash.

use std::process::Command;

use super::project;
use crate::support::library::publish_all;
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::terminal::Terminal;
use crate::support::world::{Run, Sandbox, files_below};

/// The variable by which a shell asks.
const VARIABLE: &str = "SPIN_DEPS_COMPLETE";

/// What fish would be told for the words behind `spin-deps`, the last of which is being typed.
fn asked(sandbox: &Sandbox, words: &[&str]) -> Command {
    let mut command = sandbox.command(&[&["--", "spin-deps"], words].concat());
    command.env(VARIABLE, "fish");
    command
}

/// The values without their explanations.
#[track_caller]
fn values(run: &Run) -> Vec<String> {
    assert_eq!(run.stderr, "", "nothing is said in the middle of a line");
    run.stdout.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
}

#[track_caller]
fn complete(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    values(&Sandbox::run_command(&mut asked(sandbox, words)).done())
}

#[test]
fn names_are_those_that_are_known_here() {
    let sandbox = project();
    for (words, expected) in [
        (["why", "acme:"].as_slice(), ["acme:base", "acme:middle"].as_slice()),
        (&["why", "acme:base@"], &["acme:base@2.0.0", "acme:base@1.1.0"]),
        (&["tree", "--invert", "acme:m"], &["acme:middle"]),
        (&["update", "acme:b"], &["acme:base"]),
        (&["update", "acme:base", "--precise", "1."], &["1.2.0-rc.1", "1.1.0", "1.0.0"]),
        (&["info", "acme:e"], &["acme:env"]),
        (&["versions", "acme:"], &["acme:base", "acme:env", "acme:middle"]),
        (&["diff", "acme:env@0.3.0", ""], &["0.3.0"]),
        (&["yank", "acme:base@2"], &["acme:base@2.0.0"]),
        (&["add", "acme:e"], &["acme:env"]),
        (&["add", "o"], &["other"]),
        (&["add", "./o"], &["./other/"]),
        (&["add", "--to", ""], &["app", "other"]),
        (&["add", "--route", "/o"], &["/other/..."]),
        (&["add", "--inherit", "environment,fi"], &["environment,files"]),
        (&["add", "--registry", "wasm"], &["wasm.example"]),
        (&["targets", "check", "--target", "spin-up:3.6"], &["spin-up:3.6"]),
        (&["targets", "update", "ak"], &["akamai-functions"]),
        (&["remove", "acme:m"], &["acme:middle"]),
        (&["compose", "a"], &["app"]),
        (&["completions", "p"], &["powershell"]),
        (&["man", "com"], &["compose", "componentize", "completions"]),
        (&["ver"], &["verify", "versions"]),
        (&["tree", "--inv"], &["--invert"]),
        (&["tree", "--format", "m"], &["mermaid"]),
    ] {
        let mut found = complete(&sandbox, words);
        if words.last().is_some_and(|last| last.is_empty()) {
            // Options are names of another kind.
            found.retain(|name| !name.starts_with('-'));
        }
        let mut sorted = found.clone();
        let mut wanted = expected.to_vec();
        if !words.last().is_some_and(|last| last.contains('@')) && !words.contains(&"--precise") {
            sorted.sort_unstable();
            wanted.sort_unstable();
        }
        assert_eq!(sorted, wanted, "{words:?} gave {found:?}");
    }
}

#[test]
fn options_say_where_the_names_are() {
    let (sandbox, elsewhere) = (project(), Sandbox::new());
    let place = sandbox.project().display().to_string();
    // From anywhere; the configuration with the folder is the sandbox's own.
    let mut command = asked(&sandbox, &["-f", &place, "why", "acme:m"]);
    assert_eq!(
        values(&Sandbox::run_command(command.current_dir(elsewhere.project())).done()),
        ["acme:middle"]
    );
    let nowhere = elsewhere.project().display().to_string();
    assert_eq!(complete(&sandbox, &["why", "--from", &nowhere, "acme:"]), [""; 0]);
}

#[test]
fn nothing_is_asked_of_a_registry_and_nothing_is_written() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), None);
    sandbox.delete_cache();
    assert_eq!(complete(&sandbox, &["info", "acme:"]), [""; 0], "nobody has asked for anything yet");
    assert!(!sandbox.cache().exists(), "not even a place for answers was made");
    sandbox.run(&["versions", "acme:base"]).done();
    let (files, requests) = (files_below(sandbox.root()), proxy.requests());
    assert_eq!(complete(&sandbox, &["info", "acme:"]), ["acme:base"]);
    assert_eq!(complete(&sandbox, &["info", "acme:base@1.1"]), ["acme:base@1.1.0"]);
    assert!(files_below(sandbox.root()) == files, "no file came, went or changed");
    assert_eq!(proxy.requests(), requests);
}

#[test]
fn what_cannot_be_read_has_no_names_and_says_nothing() {
    let sandbox = project();
    for (file, text) in [("spin-deps.lock", "version = 7"), ("spin.toml", "this is = = no TOML")] {
        sandbox.write(file, text);
        assert_eq!(complete(&sandbox, &["why", "acme:"]), [""; 0], "{file}");
        assert_eq!(complete(&sandbox, &["veri"]), ["verify"], "{file}");
    }
    sandbox.configure("nonsense");
    assert_eq!(complete(&sandbox, &["info", "acme:"]), [""; 0]);
    let mut unknown = asked(&sandbox, &["veri"]);
    let run = Sandbox::run_command(unknown.env(VARIABLE, "csh")).failed();
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
}

#[test]
fn what_a_terminal_would_act_on_is_no_name() {
    let sandbox = project();
    let text = sandbox.read("spin.toml");
    sandbox.write("spin.toml", text.replace("/other/...", "/\\u001b[31m/..."));
    assert_eq!(complete(&sandbox, &["add", "--route", "/"]), ["/..."]);
}

#[test]
fn zsh_is_told_in_its_own_way() {
    let sandbox = project();
    let mut command = sandbox.command(&["--", "spin-deps", "why", "acme:m"]);
    command.env(VARIABLE, "zsh").env("_CLAP_COMPLETE_INDEX", "2").env("_CLAP_IFS", "\n");
    // A colon would begin an explanation.
    assert_eq!(Sandbox::run_command(&mut command).done().stdout, "acme\\:middle");
}

#[test]
fn the_scripts_call_the_binary() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.run(&["completions", shell]).done().stdout;
        assert!(script.contains(VARIABLE) && script.contains("spin-deps"), "{shell}:\n{script}");
    }
}

/// A bash in a terminal that has the script and the binary.
fn bash(sandbox: &Sandbox) -> Terminal {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_spin-deps"));
    let directory = binary.parent().expect("the binary's directory").display();
    sandbox.write("completions.bash", sandbox.run(&["completions", "bash"]).done().stdout);
    sandbox.write("inputrc", "set bell-style none\nset enable-bracketed-paste off\n");
    sandbox.write("bashrc", format!("PATH={directory}:$PATH\nPS1='ready> '\n. ./completions.bash\n"));
    let mut command = sandbox.command_of("bash");
    command.args(["--rcfile", "bashrc", "--noprofile", "-i"]).env("INPUTRC", "inputrc");
    let mut terminal = Terminal::start(&mut command);
    terminal.wait_for("ready> ");
    terminal
}

#[test]
fn bash_completes_names_with_colons_and_versions() {
    let sandbox = project();
    let mut terminal = bash(&sandbox);
    for (typed, completed) in [
        ("spin-deps wh\t", "spin-deps why "),
        ("spin-deps why acme:m\t", "spin-deps why acme:middle "),
        ("spin-deps why acme:\tm\t", "acme:middle "),
        ("spin-deps info acme:base@2\t", "acme:base@2.0.0 "),
        ("spin-deps tree --invert=acme:m\t", "--invert=acme:middle "),
        ("spin-deps add --to=ap\t", "--to=app "),
        ("spin-deps -f . add \"acme:e\t", "\"acme:env\" "),
        ("spin-deps compose   oth\t", "compose   other "),
    ] {
        terminal.type_in(typed);
        terminal.wait_for(completed);
        // The line goes, and the next prompt comes.
        terminal.type_in("\u{15}true\r");
        terminal.wait_for("ready> ");
    }
    terminal.type_in("exit\r");
    let (code, screen, _) = terminal.finish();
    assert_eq!(code, Some(0), "{screen}");
}
