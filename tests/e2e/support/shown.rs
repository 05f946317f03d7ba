//! Commands that a page shows, with what they print: found, run and compared.
//!
//! A block counts when it is fenced as `console` and begins with `$ `. Its commands go through a shell, in which
//! `spin-deps`, `spin deps` and `cargo run --release --` all mean the built binary. In the output shown, `[..]` stands for
//! anything within a line; times and ports may differ. A `toml` block whose first line is `# config.toml` becomes the
//! user's registry configuration, from there on.

use std::fmt::Write;
use std::path::Path;

use regex::Regex;

use super::process::Process;
use super::snapshot::without_times_and_ports;
use super::world::Sandbox;

/// What a page asks for at a line.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    line: usize,
    action: Action,
}

#[derive(Debug, PartialEq, Eq)]
enum Action {
    /// Run the command; below it stands what it prints.
    Run { command: String, output: String },
    /// Make this the configuration.
    Configure(String),
}

/// Runs what `page` shows, and says what is not as shown; empty if all is. `names` are pairs: what the page calls a
/// server, and where it is.
pub(crate) fn differences(page: &str, text: &str, sandbox: &Sandbox, names: &[(&str, String)]) -> String {
    let steps = steps(text);
    assert!(
        steps.iter().any(|step| matches!(step.action, Action::Run { .. })),
        "{page} shows no command in a console block"
    );
    let there =
        |text: &str| names.iter().fold(text.to_owned(), |text, (name, host)| text.replace(name, host));
    let back = |text: &str| names.iter().fold(text.to_owned(), |text, (name, host)| text.replace(host, name));
    let mut wrong = String::new();
    for Step { line, action } in steps {
        match action {
            Action::Configure(configuration) => sandbox.configure(&there(&configuration)),
            Action::Run { command, output } => {
                let (status, printed) = run(page, line, &there(&command), sandbox);
                let printed = back(&printed);
                if let Some(difference) = difference(&output, &printed) {
                    writeln!(
                        wrong,
                        "{page}:{line}: `{command}`: {difference}. All of it ({status}):\n{printed}"
                    )
                    .expect("a String takes everything");
                }
            }
        }
    }
    wrong
}

/// The exit status of a command and what it printed, on both streams as a terminal would show them.
fn run(page: &str, line: usize, command: &str, sandbox: &Sandbox) -> (String, String) {
    let command = ["cargo run --release --", "spin deps"]
        .iter()
        .fold(command.to_owned(), |command, program| command.replace(program, "spin-deps"));
    assert!(
        command.split(['|', ' ']).any(|word| word == "spin-deps"),
        "{page}:{line}: `{command}` does not run spin-deps: use another kind of block"
    );
    let directory = Path::new(env!("CARGO_BIN_EXE_spin-deps")).parent().expect("the binary's directory");
    let mut shell = sandbox.command_of("sh");
    shell.args(["-c", "PATH=$1:$PATH; exec 2>&1; eval \"$2\"", "sh"]).arg(directory).arg(&command);
    let ended = Process::start(&mut shell).expect("a shell").finish();
    (ended.status.to_string(), ended.stdout)
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    while let Some((fence, line)) = lines.next() {
        let block: Vec<_> = match line.trim() {
            "```console" | "```toml" => lines.by_ref().take_while(|(_, line)| line.trim() != "```").collect(),
            _ => continue,
        };
        if line.trim() == "```toml" {
            if block.first().is_some_and(|(_, first)| *first == "# config.toml") {
                let configuration = block.iter().flat_map(|(_, line)| [*line, "\n"]).collect();
                steps.push(Step { line: fence, action: Action::Configure(configuration) });
            }
            continue;
        }
        for (index, (number, line)) in block.into_iter().enumerate() {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step {
                    line: number,
                    action: Action::Run { command: command.to_owned(), output: String::new() },
                }),
                (None, Some(Step { action: Action::Run { output, .. }, .. })) if index > 0 => {
                    output.push_str(line);
                    output.push('\n');
                }
                (None, _) => panic!("line {number}: a console block begins with `$ ` and a command"),
            }
        }
    }
    steps
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

#[test]
fn commands_their_output_and_configurations_are_found() {
    let text = "Hello.\n\n```console\n$ spin-deps -f 'a b' lock\nlocked 2\n\nhint: x\n$ cargo run --release -- tree\n```\n\
                \n```sh\n$ rm -rf /\n```\n```toml\n# config.toml\nx = 1\n```\n```toml\n[other]\n```\n";
    let run = |line, command: &str, output: &str| Step {
        line,
        action: Action::Run { command: command.to_owned(), output: output.to_owned() },
    };
    assert_eq!(
        steps(text),
        [
            run(4, "spin-deps -f 'a b' lock", "locked 2\n\nhint: x\n"),
            run(8, "cargo run --release -- tree", ""),
            Step { line: 14, action: Action::Configure("# config.toml\nx = 1\n".to_owned()) },
        ]
    );
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
