//! `spin-deps`: the package manager for WebAssembly component dependencies.
//!
//! This crate is the terminal: arguments in, text or JSON out, one file a subcommand. What a command does is in
//! `spin-deps-project`.

mod args;
mod charset;
mod commands;
mod complete;
mod guests;
mod output;
mod program;
mod progress;
mod prompt;
mod report;
mod settings;
mod table;

use std::{process::ExitCode, time::Duration};

use crate::{
    args::{Cli, Format},
    report::Failure,
};

/// How long work that cannot be interrupted may go on after a signal.
const WIND_DOWN: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    if let Some(code) = complete::answer() {
        return code;
    }
    let cli = match program::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    cli.global.color.apply();
    let format = cli.global.format;
    report::log(cli.global.verbose, cli.global.quiet);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report::fail(&Failure::from(error), format),
    };
    let quiet = cli.global.quiet;
    let code = runtime.block_on(run(cli, format, quiet));
    runtime.shutdown_timeout(WIND_DOWN);
    code
}

async fn run(cli: Cli, format: Format, quiet: bool) -> ExitCode {
    // `up` ends on a signal by itself, after the requests under way. Everything else is dropped where it stands;
    // a change that is not complete puts back what it wrote.
    let handles_signals = cli.command.handles_signals();
    // Boxed, since a command's state is large.
    let work = Box::pin(commands::run(cli));
    let outcome = if handles_signals {
        work.await
    } else {
        tokio::select! {
            outcome = work => outcome,
            () = interrupted() => return report::interrupted(),
        }
    };
    match outcome {
        Ok(output) => output.print(format, quiet),
        Err(failure) => report::fail(&failure, format),
    }
}

/// Waits for Ctrl-C, or on Unix for a request to terminate.
pub(crate) async fn interrupted() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the signal ends the process anyway.
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = async {
            match signal(SignalKind::terminate()) {
                Ok(mut stream) => {
                    stream.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! { () = interrupt => {}, () = terminate => {} }
    }
    #[cfg(not(unix))]
    interrupt.await;
}
