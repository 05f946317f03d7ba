//! `spin-deps up`

use std::net::SocketAddr;

use clap::Args;
use serde_json::json;
use spin_deps_project::RunOptions;

use super::{Context, verify::variables, warn_all};
use crate::{interrupted, output::Output, report::Failure};

/// Run the app in the embedded host until Ctrl-C
///
/// Runs what is locked: the same bytes every time, and without a request when they are in the cache.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// The value of a variable of the app
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = super::verify::name_and_value)]
    variables: Vec<(String, String)>,
}

impl Up {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let start = async {
            let mut project = context.project().await?;
            let sync = project.prepare().await?;
            warn_all(sync.warnings.iter().chain(&sync.lock.warnings));
            let options = RunOptions { listen: Some(self.listen), variables: variables(&self.variables) };
            let running = project.start(&options).await?;
            Ok::<_, Failure>((project, running))
        };
        let (project, running) = tokio::select! {
            started = start => started?,
            () = interrupted() => return Ok(Output::new(json!({ "stopped": true }))),
        };
        warn_all(&running.warnings);
        context.note(&format!("Serving http://{}", running.address()));
        for (route, component) in project.routes() {
            context.note(&format!("  {route}  {component}"));
        }
        interrupted().await;
        context.note("Stopping");
        running.shutdown().await;
        Ok(Output::new(json!({ "stopped": true })))
    }
}
