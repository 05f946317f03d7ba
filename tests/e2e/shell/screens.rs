//! What is shown where: colours, characters, widths, and readers that go away.

use super::project;
use crate::support::terminal::Terminal;
use crate::support::world::Sandbox;

/// What a run writes into a terminal of so many columns.
fn on_screen(sandbox: &Sandbox, arguments: &[&str], columns: u16, variables: &[(&str, &str)]) -> String {
    let mut command = sandbox.command(arguments);
    command.env_remove("NO_COLOR").envs(variables.iter().copied());
    let terminal = Terminal::start_sized(&mut command, columns);
    terminal.finish().1.replace("\r\n", "\n")
}

#[test]
fn colours_are_where_they_can_be_seen_and_wanted() {
    let sandbox = project();
    let is_coloured = |text: &str| text.contains("\u{1b}[1m") || text.contains("\u{1b}[31m");
    for (arguments, variables, expected) in [
        (["tree"].as_slice(), [].as_slice(), true),
        (&["tree"], &[("NO_COLOR", "1")], false),
        (&["tree"], &[("TERM", "dumb")], false),
        (&["tree", "--color", "never"], &[], false),
        (&["tree", "--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&["tree", "--color", "always"], &[("NO_COLOR", "1")], true),
        (&["tree", "--help"], &[], true),
        (&["tree", "--help"], &[("NO_COLOR", "1")], false),
        (&["--color", "never", "tree", "--help"], &[], false),
        (&["tree", "--helpp", "--color=never"], &[], false),
        (&["why", "acme:bas"], &[], true),
        (&["why", "acme:bas"], &[("NO_COLOR", "1")], false),
    ] {
        let screen = on_screen(&sandbox, arguments, 80, variables);
        let any =
            is_coloured(&screen) || screen.contains("\u{1b}[31m") || screen.contains("\u{1b}[1m\u{1b}[31m");
        assert_eq!(any, expected, "{arguments:?} with {variables:?}: {screen:?}");
    }
    for (variables, expected) in [([].as_slice(), false), (&[("CLICOLOR_FORCE", "1")], true)] {
        let mut command = sandbox.command(&["tree"]);
        command.env_remove("NO_COLOR").envs(variables.iter().copied());
        assert_eq!(is_coloured(&Sandbox::run_command(&mut command).done().stdout), expected, "{variables:?}");
    }
}

#[test]
fn what_is_drawn_is_ascii_where_the_locale_is_no_unicode() {
    let sandbox = project();
    sandbox.run(&["sync"]).done();
    for arguments in [
        ["tree"].as_slice(),
        &["why", "acme:base"],
        &["verify"],
        &["compose", "app", "-o", "composed.wasm"],
        &["diff", "acme:base@1.0.0", "2.0.0"],
        &["update", "acme:base@1.1.0", "--precise", "1.0.0"],
        &["update", "--breaking", "--dry-run"],
        &["search", "base"],
        &["info", "acme:base@^7"],
    ] {
        let mut command = sandbox.command(arguments);
        let run = Sandbox::run_command(command.env("LANG", "C"));
        assert!(
            run.stdout.is_ascii() && run.stderr.is_ascii(),
            "{arguments:?}\n{}{}",
            run.stdout,
            run.stderr
        );
    }
    sandbox.write("spin.toml", "spin_manifest_version = 3");
    let mut command = sandbox.command(&["tree"]);
    let run = Sandbox::run_command(command.env("LANG", "C")).failed();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 1
    --- stderr
    error: `spin_manifest_version` must be 2, not 3
       ,-[spin.toml:1:25]
     1 | spin_manifest_version = 3
       :                         |
       :                         `-- this version
       `----
    ");
}

#[test]
fn text_for_programs_is_never_redrawn() {
    let sandbox = project();
    let in_ascii = |arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        Sandbox::run_command(command.env("LANG", "C")).done().stdout
    };
    for arguments in [
        ["tree", "--format", "json"].as_slice(),
        &["tree", "--format", "dot"],
        &["tree", "--charset", "utf8"],
    ] {
        assert_eq!(in_ascii(arguments), sandbox.run(arguments).done().stdout, "{arguments:?}");
    }
    assert!(sandbox.run(&["tree", "--charset", "ascii"]).done().stdout.is_ascii());
}

#[test]
fn a_table_fits_the_terminal() {
    let sandbox = project();
    let text = sandbox.read("spin.toml");
    sandbox.write(
        "spin.toml",
        text.replace("\"acme:base\" = \"^2\"", "\"acme:base\" = \"^2\"\n\"acme:env\" = \"^0.3\""),
    );
    sandbox.run(&["lock"]).done();
    let shown = |columns| on_screen(&sandbox, &["outdated"], columns, &[("NO_COLOR", "1")]);
    insta::assert_snapshot!(shown(200), @"
    package    locked  update  newest  held back by
    acme:base  1.1.0   1.1.0   2.0.0   acme:middle 1.0.0 (^1.0.0)
    ");
    insta::assert_snapshot!(shown(80), @"
    package    locked  update  newest  held back by
    acme:base  1.1.0   1.1.0   2.0.0   acme:middle 1.0.0 (^1.0.0)
    ");
    insta::assert_snapshot!(shown(40), @"
    acme:base
      locked        1.1.0
      update        1.1.0
      newest        2.0.0
      held back by  acme:middle 1.0.0
                    (^1.0.0)
    ");
    // Into a pipe goes a line for each, however long.
    assert_eq!(sandbox.run(&["outdated"]).done().stdout.trim_end(), shown(200).trim_end());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let sandbox = project();
    let binary = env!("CARGO_BIN_EXE_spin-deps");
    for arguments in
        ["tree", "tree --format json", "versions acme:base", "generate-docs", "--help", "completions bash"]
    {
        // Nobody reads from the pipe when the binary begins to write.
        let script = format!("exec 3> >(:); wait $!; {binary} {arguments} >&3; echo status $?");
        let mut shell = sandbox.command_of("bash");
        let run = Sandbox::run_command(shell.args(["-c", &script])).done();
        assert_eq!(run.stdout, "status 0\n", "{arguments}");
        assert!(!run.stderr.contains("ipe") && !run.stderr.contains("panic"), "{arguments}: {}", run.stderr);
    }
}

#[test]
fn wrong_usage_is_json_where_that_is_asked_for() {
    let sandbox = Sandbox::new();
    let texts = [
        ["tree", "--invrt", "acme:base", "--format", "json"].as_slice(),
        &["lok", "--format=json"],
        &["compose", "--format", "json"],
    ]
    .map(|arguments| sandbox.snapshot(&sandbox.run(arguments).misused()));
    insta::assert_snapshot!(texts.join("\n"), @r#"
    exit: 2
    --- stderr
    {
      "error": {
        "causes": [],
        "hint": "a similar argument exists: '--invert'",
        "message": "unexpected argument '--invrt' found"
      }
    }

    exit: 2
    --- stderr
    {
      "error": {
        "causes": [],
        "hint": "some similar subcommands exist: 'link', 'lock'",
        "message": "unrecognized subcommand 'lok'"
      }
    }

    exit: 2
    --- stderr
    {
      "error": {
        "causes": [],
        "hint": null,
        "message": "the following required arguments were not provided:\n  --output <FILE>\n  <ID>"
      }
    }
    "#);
}
