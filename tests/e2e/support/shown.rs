//! Commands that a page shows, with what they print: found, run and compared.
//!
//! A block counts when it is fenced as `console` and begins with `$ `. Its commands go through a shell, in which
//! `spin-deps`, `spin deps` and `cargo run --release --` all mean the built binary; `$ cd FOLDER` and `$ export NAME=VALUE`
//! hold for what follows.
//! In the output shown, `[..]` stands for anything within a line; times and ports may differ.
//!
//! A block in another language whose first line is a comment with nothing but a file's name, such as `# wit/world.wit`
//! or `// src/lib.rs`, is written to that file. `# config.toml` becomes the user's registry configuration.

use std::fmt::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::process::Process;
use super::snapshot::{filter, without_sizes, without_times_and_ports};
use super::toolchains::with_toolchains;
use super::world::Sandbox;

/// Programs besides ours that a page may show; others cannot be meant to run in a test.
const PROGRAMS: [&str; 10] = ["spin-deps", "cat", "cp", "curl", "grep", "head", "ls", "mkdir", "mv", "sed"];

/// Where the commands of a page run, as the page says it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a str,
    pub(crate) with: Option<&'a str>,
}

/// A place that was made ready.
pub(crate) struct Stage<'a> {
    pub(crate) sandbox: &'a Sandbox,
    /// The working directory of the first command.
    pub(crate) folder: PathBuf,
    /// Pairs: what the page calls a server, and where it is.
    pub(crate) names: Vec<(&'static str, String)>,
    /// Whether compilers are there. What they make differs from one version to the next, in size and digest.
    pub(crate) toolchains: bool,
}

/// A command that did not print what its page shows.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The lines of the page that show the output, counted from 0.
    shown: Range<usize>,
    command: String,
    /// What the first difference is.
    what: String,
    status: String,
    printed: String,
}

/// What a page asks for.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Run the command; these lines, counted from 0, stand below it.
    Run { command: String, output: Range<usize> },
    /// Go there.
    Enter(String),
    /// Set this for all commands that follow.
    Export(String),
    /// Write this file.
    Write { file: String, text: String },
}

/// Where `page` says that its commands run: `<!-- commands run in PLACE, with THINGS -->`.
pub(crate) fn place(page: &str) -> Option<Place<'_>> {
    let place = page.lines().find_map(|line| {
        line.strip_prefix("<!-- commands run in ").and_then(|rest| rest.strip_suffix(" -->"))
    })?;
    Some(match place.split_once(", with ") {
        Some((folder, with)) => Place { folder, with: Some(with) },
        None => Place { folder: place, with: None },
    })
}

/// Whether `page` shows commands with their output.
pub(crate) fn has_commands(page: &str) -> bool {
    page.lines().any(|line| line.trim() == "```console")
}

/// Runs what `page` shows, and gives what is not as shown.
pub(crate) fn differences(page: &str, stage: &Stage) -> Vec<Difference> {
    let there =
        |text: &str| stage.names.iter().fold(text.to_owned(), |text, (name, host)| text.replace(name, host));
    let back =
        |text: &str| stage.names.iter().fold(text.to_owned(), |text, (name, host)| text.replace(host, name));
    let (mut folder, mut exported) = (stage.folder.clone(), String::new());
    let mut differences = Vec::new();
    for step in steps(page) {
        match step {
            Step::Enter(path) => folder.push(path),
            Step::Export(variable) => exported.extend(["export ", &variable, "; "]),
            Step::Write { file, text } if file == "config.toml" => stage.sandbox.configure(&there(&text)),
            Step::Write { file, text } => {
                let file = folder.join(file);
                fs_err::create_dir_all(file.parent().expect("a file in a folder")).expect("its folder");
                fs_err::write(file, there(&text)).expect("a file of the page");
            }
            Step::Run { command, output } => {
                let (status, printed) = run(&there(&(exported.clone() + &command)), &folder, stage);
                let printed = back(&printed);
                let shown: String = page
                    .lines()
                    .skip(output.start)
                    .take(output.len())
                    .flat_map(|line| [line, "\n"])
                    .collect();
                if let Some(what) = difference(&shown, &printed, stage) {
                    differences.push(Difference { shown: output, command, what, status, printed });
                }
            }
        }
    }
    differences
}

/// The differences as the text of a failed test.
pub(crate) fn report(page: &str, differences: &[Difference]) -> String {
    let mut text = String::new();
    for Difference { shown, command, what, status, printed } in differences {
        let line = shown.start;
        writeln!(text, "{page}:{line}: `{command}`: {what}. All of it ({status}):\n{printed}")
            .expect("a String takes everything");
    }
    text
}

/// The page with what was printed in place of what it shows.
pub(crate) fn rewritten(page: &str, differences: &[Difference]) -> String {
    let mut lines: Vec<_> = page.lines().collect();
    for Difference { shown, printed, .. } in differences.iter().rev() {
        lines.splice(shown.clone(), printed.trim_end().lines());
    }
    lines.join("\n") + "\n"
}

/// The exit status of a command and what it printed, on both streams as a terminal would show them.
fn run(command: &str, folder: &Path, stage: &Stage) -> (String, String) {
    let command = ["cargo run --release --", "spin deps"]
        .iter()
        .fold(command.to_owned(), |command, program| command.replace(program, "spin-deps"));
    let directory = Path::new(env!("CARGO_BIN_EXE_spin-deps")).parent().expect("the binary's directory");
    let mut shell = stage.sandbox.command_of("sh");
    if stage.toolchains {
        with_toolchains(&mut shell);
    }
    shell.args(["-c", "PATH=$1:$PATH; exec 2>&1; eval \"$2\"", "sh"]).arg(directory).arg(&command);
    let ended = Process::start(shell.current_dir(folder)).expect("a shell").finish();
    (ended.status.to_string(), ended.stdout)
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((_, fence)) = lines.next() {
        let Some(language) = fence.trim().strip_prefix("```") else { continue };
        let block: Vec<_> = lines.by_ref().take_while(|(_, line)| line.trim() != "```").collect();
        if language != "console" {
            if let Some(file) = block.first().and_then(|(_, first)| file_name(first)) {
                let text = block.iter().flat_map(|(_, line)| [*line, "\n"]).collect();
                steps.push(Step::Write { file: file.to_owned(), text });
            }
            continue;
        }
        for (index, (number, line)) in block.into_iter().enumerate() {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(step(command, number + 1)),
                (None, Some(Step::Run { output, .. })) if index > 0 => output.end = number + 1,
                (None, _) => panic!("line {}: a console block begins with `$ ` and a command", number + 1),
            }
        }
    }
    steps
}

/// What a command asks for whose line has this number, counted from 1.
fn step(command: &str, line: usize) -> Step {
    match command.split_once(' ') {
        Some(("cd", folder)) => Step::Enter(folder.to_owned()),
        Some(("export", variable)) => Step::Export(variable.to_owned()),
        _ => {
            let command = command.to_owned();
            let program = command.split(' ').next().unwrap_or_default();
            let known = PROGRAMS.contains(&program) || program == "cargo" || program == "spin";
            assert!(known, "line {line}: `{command}` cannot be run here: use another kind of block");
            Step::Run { command, output: line..line }
        }
    }
}

/// The file that a comment names, and nothing else.
fn file_name(line: &str) -> Option<&str> {
    let name = line.strip_prefix("# ").or_else(|| line.strip_prefix("// "))?;
    (name.contains('.') && !name.contains(' ') && !name.ends_with('.')).then_some(name)
}

/// The first difference between what was shown and what was printed.
fn difference(shown: &str, printed: &str, stage: &Stage) -> Option<String> {
    let normal = |text: &str| {
        if stage.toolchains {
            without_sizes(&filter(text, stage.sandbox.root()))
        } else {
            without_times_and_ports(text)
        }
    };
    compare(&normal(shown), &normal(printed))
}

/// The first difference between two texts, of which the first may have `[..]`.
fn compare(shown: &str, printed: &str) -> Option<String> {
    let lines =
        |text: &str| text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let (shown, printed) = (lines(shown), lines(printed));
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
fn commands_their_output_and_files_are_found() {
    let page = "Hello.\n\n```console\n$ spin-deps -f 'a b' lock\nlocked 2\n\nhint: x\n$ cd app\n$ export A=b\n$ cargo run --release -- tree\n```\n\
                \n```sh\n$ rm -rf /\n```\n```toml\n# config.toml\nx = 1\n```\n```toml\n# two words\n[other]\n```\n";
    assert_eq!(
        steps(page),
        [
            Step::Run { command: "spin-deps -f 'a b' lock".to_owned(), output: 4..7 },
            Step::Enter("app".to_owned()),
            Step::Export("A=b".to_owned()),
            Step::Run { command: "cargo run --release -- tree".to_owned(), output: 10..10 },
            Step::Write { file: "config.toml".to_owned(), text: "# config.toml\nx = 1\n".to_owned() },
        ]
    );
}

#[test]
fn what_was_printed_takes_the_place_of_what_is_shown() {
    let printed = |shown, printed: &str| Difference {
        shown,
        command: String::new(),
        what: String::new(),
        status: String::new(),
        printed: printed.to_owned(),
    };
    let page = "```console\n$ spin-deps a\nold\n$ spin-deps b\n```\nEnd.\n";
    assert_eq!(
        rewritten(page, &[printed(2..3, "new\nlines\n"), printed(4..4, "more\n")]),
        "```console\n$ spin-deps a\nnew\nlines\n$ spin-deps b\nmore\n```\nEnd.\n"
    );
}

#[test]
fn a_page_says_where_its_commands_run() {
    let with = Place { folder: "the repository", with: Some("servers") };
    assert_eq!(place("# Title\n\n<!-- commands run in the repository, with servers -->\n"), Some(with));
    assert_eq!(
        place("<!-- commands run in a new folder -->"),
        Some(Place { folder: "a new folder", with: None })
    );
    assert_eq!(place("# Title\n"), None);
}

#[test]
fn output_is_compared_line_by_line() {
    assert_eq!(compare("locked 2\nat http://x[..]\n", "locked 2\nat http://x/y"), None);
    assert_eq!(compare("a\n", "a\nb\n").as_deref(), Some("line 2 of the output is `b` and not (nothing)"));
    assert_eq!(compare("a.c\n", "abc\n").as_deref(), Some("line 1 of the output is `abc` and not `a.c`"));
}
