//! `spin-deps up`

use std::net::SocketAddr;

use clap::Args;
use serde_json::json;
use spin_deps_project::{Error, RunOptions};

use super::{Builds, Context, given::Given, verify::guest_output, warn_all};
use crate::{
    interrupted,
    output::{DIM, GOOD, NAME, Output, clean, styled},
    report::Failure,
};

/// Run the app in the embedded host until Ctrl-C
///
/// Runs what is locked: the same bytes every time, and without a request when they are in the cache. Components of
/// `[[trigger.command]]` run to their end, one after the other; the first that fails ends it with its status. An app of
/// nothing else ends with them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps up                              at http://127.0.0.1:3000
  spin-deps up --listen 127.0.0.1:0         at any free port
  spin-deps up --variable greeting=Hello    with a variable of the app
  spin-deps up --state-dir .spin            with what Spin keeps in key-value stores and databases
  spin-deps up -- --verbose input.txt       with arguments for the commands of the app")]
pub(crate) struct Up {
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    builds: Builds,
    /// Arguments for the commands of the app
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

impl Up {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        // One listener for the whole run, so that no signal falls between two.
        let stop = interrupted();
        tokio::pin!(stop);
        let start = async {
            let mut project = self.builds.project(context).await?;
            let sync = project.prepare().await?;
            warn_all(sync.warnings.iter().chain(&sync.lock.warnings));
            let options = RunOptions {
                listen: Some(self.listen),
                output: guest_output(),
                arguments: self.arguments.clone(),
                inherit_stdio: true,
                ..self.given.options(context)
            };
            let running = project.start(&options).await?;
            Ok::<_, Failure>((project, running))
        };
        let (project, running) = tokio::select! {
            started = start => started?,
            () = &mut stop => return Ok(Output::nothing()),
        };
        warn_all(&running.warnings);
        if running.serves {
            serving(&running.address().to_string(), &project.routes()).print(context.format, context.quiet);
        }
        let ended = async {
            match running.run_commands().await {
                Ok(()) if running.serves => std::future::pending().await,
                ended => ended,
            }
        };
        tokio::select! {
            ended = ended => return match ended {
                Err(Error::Command { status, .. }) => Ok(Output::nothing().status(status)),
                ended => Ok(ended.map(|()| Output::nothing())?),
            },
            () = &mut stop => {}
        }
        context.note("Stopping; Ctrl-C again ends the requests that are under way");
        tokio::select! {
            () = running.shutdown() => {}
            () = interrupted() => {}
        }
        Ok(Output::nothing())
    }
}

/// Where the app listens and what it answers.
fn serving(address: &str, routes: &[(String, String)]) -> Output {
    let all: Vec<_> = routes.iter().map(|(route, by)| json!({ "route": route, "component": by })).collect();
    let mut output = Output::new(json!({ "address": format!("http://{address}"), "routes": all }));
    output.line(format!("{} {}", styled(GOOD, "Serving"), styled(NAME, format!("http://{address}"))));
    let width = routes.iter().map(|(route, _)| route.chars().count()).max().unwrap_or_default();
    for (route, by) in routes {
        output.line(format!("  {:<width$}  {}", clean(route), styled(DIM, clean(by))));
    }
    output
}
