//! The chores of this repository, as `cargo xtask CHORE`.
//!
//! They are a program and not scripts, so that they run wherever the project builds and are checked like the rest of
//! it. Each says what it is about to do before it does it.

#![expect(clippy::print_stderr, reason = "a program for developers reports on its terminal")]

mod docs;
mod plugin;
mod toolchains;
mod tools;

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: cargo xtask CHORE

  test [ARGUMENTS]   install the servers and compilers that the tests need, then run the whole suite
  toolchains         install the compilers of other languages alone
  bench [NAME…]      measure against what one would use instead: `lock`, `fetch`, `graphs`,
                     `transfer`, `serve`, or all of them; or `solver`, the solver on its own
  docs [--check]     write docs/reference/cli.md from the command line's own description
  pages              write what the commands of the pages print into the pages, and draw their pictures
  plugin [OPTIONS]   make the archive and the manifest of the Spin plugin
  examples           build the components below examples/ anew";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["test", rest @ ..] => {
            tools::install_test_servers()?;
            toolchains::install()?;
            cargo(&["test", "--workspace", "--locked"], rest)
        }
        ["bench", "solver", rest @ ..] => {
            let arguments = [&["--"], rest].concat();
            cargo(&["bench", "--package", "spin-deps-resolver", "--bench", "solver", "--locked"], &arguments)
        }
        ["bench", rest @ ..] => {
            tools::install_test_servers()?;
            // Nothing named is everything.
            if !["lock", "fetch", "graphs", "transfer"].iter().any(|name| rest.contains(name))
                || rest.contains(&"serve")
            {
                tools::install_packages(&[("wrk", "wrk")])?;
                toolchains::install()?;
            }
            let arguments = [&["--"], rest].concat();
            cargo(&["bench", "--package", "spin-deps", "--bench", "compare", "--locked"], &arguments)
        }
        ["toolchains"] => toolchains::install(),
        ["plugin", rest @ ..] => plugin::make(rest),
        ["docs"] => docs::write(),
        ["docs", "--check"] => docs::check(),
        ["pages"] => {
            tools::install_test_servers()?;
            toolchains::install()?;
            docs::write_pages()
        }
        ["examples"] => {
            cargo(&["run", "--package", "spin-deps-fixtures", "--bin", "write-examples", "--locked"], &[])
        }
        [] => bail!("no chore is named\n\n{USAGE}"),
        _ => bail!("`{}` is no chore\n\n{USAGE}", arguments.join(" ")),
    }
}

/// Runs the cargo that runs this program.
fn cargo(arguments: &[&str], more: &[&str]) -> Result<()> {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).args(more);
    run_shown(&mut command)
}

/// Shows a command, runs it, and fails when it does.
fn run_shown(command: &mut Command) -> Result<()> {
    let mut line = command.get_program().display().to_string();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    eprintln!("running {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}
