//! Every help screen, at the width of a terminal and at half of it.

use std::collections::BTreeSet;

use crate::support::world::Sandbox;

/// The help that `arguments` ask for, in so many columns.
#[track_caller]
fn help(sandbox: &Sandbox, arguments: &[&str], width: usize) -> String {
    let mut command = sandbox.command(arguments);
    command.env("COLUMNS", width.to_string());
    let run = Sandbox::run_command(&mut command).done();
    assert_eq!(run.stderr, "", "{arguments:?}");
    run.stdout.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// Every command, as the words that name it.
fn commands(sandbox: &Sandbox) -> BTreeSet<Vec<String>> {
    let all = sandbox.run(&["generate-docs"]).done().stdout;
    let names = all.lines().filter_map(|line| line.strip_prefix("## `spin-deps")?.strip_suffix('`'));
    let words = |name: &str| name.split_whitespace().map(str::to_owned).collect();
    names.map(words).collect()
}

#[test]
fn every_screen_is_as_it_was_agreed_on() {
    let sandbox = Sandbox::new();
    let commands = commands(&sandbox);
    assert!(commands.len() > 30, "{commands:?}");
    for words in &commands {
        let arguments = |flag| words.iter().map(String::as_str).chain([flag]).collect::<Vec<_>>();
        let (long, short) = (arguments("--help"), arguments("-h"));
        let screens =
            format!("{}\n----- half as wide\n\n{}", help(&sandbox, &long, 80), help(&sandbox, &short, 40));
        let name = if words.is_empty() { "spin-deps".to_owned() } else { words.join("-") };
        insta::with_settings!({ snapshot_path => "screens", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, screens);
        });
    }
}

#[test]
fn no_line_is_wider_than_the_terminal_if_it_can_be_broken() {
    let sandbox = Sandbox::new();
    for words in commands(&sandbox) {
        for (flag, width) in [("--help", 80), ("-h", 40), ("--help", 40)] {
            let arguments: Vec<_> = words.iter().map(String::as_str).chain([flag]).collect();
            for line in help(&sandbox, &arguments, width).lines() {
                let is_usage = line.starts_with("Usage: ") || line.starts_with("       spin-deps");
                // An option stays with its value.
                let words = line.split_whitespace().count();
                let option = words == 2 && line.trim_start().starts_with("--");
                let fits = line.chars().count() <= width || words == 1 || option;
                assert!(fits || is_usage, "{arguments:?} at {width}: {line:?}");
            }
        }
    }
}

#[test]
fn every_command_shows_examples_that_it_understands() {
    let sandbox = Sandbox::new();
    let commands = commands(&sandbox);
    for words in &commands {
        let parent = !words.is_empty()
            && commands.iter().any(|other| other.len() > words.len() && other.starts_with(words));
        if words.is_empty() || words.len() > 1 {
            continue;
        }
        let arguments: Vec<_> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let text = help(&sandbox, &arguments, 200);
        let (_, examples) =
            text.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{words:?} has no examples:\n{text}"));
        let own = examples.lines().filter(|line| line.contains("spin-deps ")).collect::<Vec<_>>();
        assert!(!own.is_empty(), "{words:?}: {examples}");
        for line in own {
            assert!(line.contains(&format!("spin-deps {}", words[0])), "{words:?}: {line}");
            // An option that is not there would show at once.
            for option in line.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2) {
                let option = option.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                let option = option.split('=').next().unwrap_or_default();
                assert!(text.matches(option).count() > 1 || parent, "{words:?} has no {option}: {line}");
            }
        }
    }
}

#[test]
fn help_is_a_command_too() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["help", "add"]).done().stdout, sandbox.run(&["add", "--help"]).done().stdout);
    assert_eq!(sandbox.run(&["help"]).done().stdout, sandbox.run(&["--help"]).done().stdout);
    let cache = sandbox.run(&["help", "cache", "clean"]).done().stdout;
    assert_eq!(cache, sandbox.run(&["cache", "clean", "--help"]).done().stdout);
}
