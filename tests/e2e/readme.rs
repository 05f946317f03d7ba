//! README.md shows commands and what they print: both are run and compared here.
//!
//! A block counts when it is fenced as `console` and begins with `$ `. Its commands are run one after the other in a copy
//! of this repository that has nothing but `examples/`, `spin-deps`, `spin deps` and `cargo run --release --` all meaning
//! the built binary. In the output shown, `[..]` stands for anything within a line; times and ports may differ.

use std::fmt::Write;
use std::path::Path;

use regex::Regex;

use crate::support::process::Process;
use crate::support::snapshot::without_times_and_ports;
use crate::support::world::Sandbox;

/// A command of the README and the text below it.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    line: usize,
    command: String,
    output: String,
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    while let Some((_, line)) = lines.next() {
        if line.trim() != "```console" {
            continue;
        }
        let block = lines.by_ref().take_while(|(_, line)| line.trim() != "```");
        for (index, (number, line)) in block.enumerate() {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => {
                    steps.push(Step { line: number, command: command.to_owned(), output: String::new() });
                }
                (None, Some(step)) if index > 0 => {
                    step.output.push_str(line);
                    step.output.push('\n');
                }
                (None, _) => panic!("README.md:{number}: a console block begins with `$ ` and a command"),
            }
        }
    }
    steps
}

/// The arguments of a line that runs our binary, split as a shell does when there is nothing but quotes to see to.
fn arguments(command: &str) -> Option<Vec<String>> {
    let rest = ["cargo run --release --", "cargo run -r --", "spin-deps", "spin deps"].iter().find_map(
        |program| command.strip_prefix(program).filter(|rest| rest.is_empty() || rest.starts_with(' ')),
    )?;
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in rest.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Some(words)
}

/// The first difference between what was shown and what was printed.
fn difference(shown: &str, printed: &str) -> Option<String> {
    let normal = |text: &str| {
        let text = without_times_and_ports(text);
        text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>()
    };
    let (shown, printed) = (normal(shown), normal(printed));
    for index in 0..shown.len().max(printed.len()) {
        let (wanted, got) = (shown.get(index), printed.get(index));
        let fits = matches!((wanted, got), (Some(wanted), Some(got)) if fits(wanted, got));
        if !fits {
            let side =
                |line: Option<&String>| line.map_or("(nothing)".to_owned(), |line| format!("`{line}`"));
            return Some(format!(
                "line {} of the output is {} and not {}",
                index + 1,
                side(got),
                side(wanted)
            ));
        }
    }
    None
}

fn fits(wanted: &str, got: &str) -> bool {
    let pattern: Vec<_> = wanted.split("[..]").map(regex::escape).collect();
    Regex::new(&format!("^{}$", pattern.join(".*"))).expect("an escaped pattern").is_match(got)
}

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).expect("a directory of the copy");
    for entry in fs_err::read_dir(from).expect("a directory of the examples") {
        let entry = entry.expect("an entry of the examples");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs_err::copy(entry.path(), target).expect("a file of the copy");
        }
    }
}

#[test]
fn the_readme_shows_what_happens() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs_err::read_to_string(repository.join("README.md")).expect("README.md");
    let steps = steps(&readme);
    assert!(!steps.is_empty(), "README.md shows no command in a console block");

    let sandbox = Sandbox::with_project("repository");
    copy(&repository.join("examples"), &sandbox.project().join("examples"));
    // Not part of a clone: the quickstart writes it.
    let _ = fs_err::remove_file(sandbox.project().join("examples/greeter/spin-deps.lock"));
    let mut wrong = String::new();
    for step in steps {
        let Some(arguments) = arguments(&step.command) else {
            panic!(
                "README.md:{}: `{}` does not run spin-deps: use another kind of block",
                step.line, step.command
            );
        };
        // Through a shell, so that both streams go into one pipe and keep their order, as on a terminal.
        let binary = sandbox.command(&[]);
        let mut shell = sandbox.command_of("sh");
        shell.args(["-c", "exec \"$@\" 2>&1", "sh"]).arg(binary.get_program()).args(arguments);
        let ended = Process::start(&mut shell).expect("a shell").finish();
        if let Some(difference) = difference(&step.output, &ended.stdout) {
            writeln!(
                wrong,
                "README.md:{}: `{}`: {difference}. All of it ({}):\n{}",
                step.line, step.command, ended.status, ended.stdout
            )
            .expect("a String takes everything");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn commands_and_their_output_are_found() {
    let text = "Hello.\n\n```console\n$ spin-deps -f 'a b' lock\nlocked 2\n\nhint: x\n$ cargo run --release -- tree\n```\n\
                \n```sh\n$ rm -rf /\n```\n";
    let found = steps(text);
    assert_eq!(found.iter().map(|step| step.line).collect::<Vec<_>>(), [4, 8]);
    assert_eq!(found[0].output, "locked 2\n\nhint: x\n");
    assert_eq!(arguments(&found[0].command).expect("ours"), ["-f", "a b", "lock"]);
    assert_eq!(arguments(&found[1].command).expect("ours"), ["tree"]);
    assert_eq!(arguments("spin-depsx"), None);
    assert_eq!(arguments("rm -rf /"), None);
}

#[test]
fn output_is_compared_line_by_line() {
    assert_eq!(
        difference(
            "locked 2 in 3 ms\nat http://127.0.0.1:80[..]\n",
            "locked 2 in 4.1 s\nat http://127.0.0.1:4711/x"
        ),
        None
    );
    assert_eq!(difference("a\n", "a\nb\n").as_deref(), Some("line 2 of the output is `b` and not (nothing)"));
    assert_eq!(difference("a.c\n", "abc\n").as_deref(), Some("line 1 of the output is `abc` and not `a.c`"));
}
