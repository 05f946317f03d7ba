//! The program as Spin's plugin: the file is called `deps`, and Spin tells it who it is.

use crate::support::world::{Run, Sandbox};

/// Runs the program as Spin does.
fn in_spin(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let plugin = sandbox.root().join("plugins/deps/deps");
    if !plugin.exists() {
        fs_err::create_dir_all(plugin.parent().expect("a directory")).expect("the plugin's directory");
        fs_err::copy(env!("CARGO_BIN_EXE_spin-deps"), &plugin).expect("the program");
    }
    let mut command = sandbox.command_of(&plugin.display().to_string());
    command.args(arguments).envs([
        ("SPIN_VERSION", "4.1.0"),
        ("SPIN_VERSION_MAJOR", "4"),
        ("SPIN_VERSION_MINOR", "1"),
        ("SPIN_VERSION_PRE", ""),
        ("SPIN_COMMIT_SHA", "0000000"),
        ("SPIN_COMMIT_DATE", "2026-09-01"),
        ("SPIN_BRANCH", "HEAD"),
        ("SPIN_BUILD_DATE", "2026-09-01"),
        ("SPIN_TARGET_TRIPLE", "x86_64-unknown-linux-gnu"),
        ("SPIN_DEBUG", "false"),
        ("SPIN_BIN_PATH", "/usr/local/bin/spin"),
    ]);
    Sandbox::run_command(&mut command)
}

#[test]
fn inside_spin_the_help_has_the_name_to_type_there() {
    let sandbox = Sandbox::new();
    let help = in_spin(&sandbox, &["--help"]).done().stdout;
    assert!(help.contains("Usage: spin deps [OPTIONS] <COMMAND>"), "{help}");
    let add = in_spin(&sandbox, &["add", "--help"]).done().stdout;
    assert!(add.contains("Usage: spin deps add "), "{add}");
    assert!(add.contains("\n  spin deps add acme:crypto "), "{add}");
    assert!(!add.contains("spin-deps add"), "{add}");
    let alone = sandbox.run(&["add", "--help"]).done().stdout;
    assert_eq!(alone.replace("spin-deps add", "spin deps add"), add, "all else is the same");
    // Names of files are what they are.
    let lock = in_spin(&sandbox, &["lock", "--help"]).done().stdout;
    assert!(lock.contains("write spin-deps.lock"), "{lock}");
}

#[test]
fn inside_spin_hints_have_the_name_to_type_there() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    let unknown = in_spin(&sandbox, &["ad"]).misused();
    let no_app = in_spin(&sandbox, &["unlink"]).failed();
    sandbox.write_app(&[], "", "");
    let no_links = in_spin(&sandbox, &["unlink"]).failed();
    let json = in_spin(&sandbox, &["unlink", "--format", "json"]).failed();
    let texts = [unknown, no_app, no_links, json].map(|run| sandbox.snapshot(&run));
    insta::assert_snapshot!(texts.join("\n"), @r#"
    exit: 2
    --- stderr
    error: unrecognized subcommand 'ad'

      tip: a similar subcommand exists: 'add'

    Usage: spin deps [OPTIONS] <COMMAND>

    For more information, try '--help'.

    exit: 1
    --- stderr
    error: there is no spin.toml or component.toml at [DIR]/project

    hint: run it in the directory of an app or a component, or name one with `--from DIR`

    exit: 1
    --- stderr
    error: the app has no links

    hint: `spin deps link PATH` makes one

    exit: 1
    --- stderr
    {
      "error": {
        "causes": [],
        "hint": "`spin deps link PATH` makes one",
        "message": "the app has no links"
      }
    }
    "#);
}

#[test]
fn one_of_the_two_variables_may_be_anybodys() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["--help"]);
    command.env("SPIN_VERSION", "4.1.0");
    let help = Sandbox::run_command(&mut command).done().stdout;
    assert!(help.contains("Usage: spin-deps [OPTIONS] <COMMAND>"), "{help}");
}
