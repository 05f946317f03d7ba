//! `spin-deps up`

use std::{net::SocketAddr, ops::RangeInclusive, time::Duration};

use clap::Args;
use serde_json::json;
use spin_deps_project::{Error, InstanceReuse, RunOptions};

use super::{Builds, Context, given::Given, warn_all};
use crate::{
    guests::Log,
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
  spin-deps up --no-reuse                   a new instance for every request
  spin-deps up --request-timeout 5s --max-memory 64MiB
  spin-deps up --state-dir .spin            with the state that `spin up` keeps
  spin-deps up -- --verbose input.txt       with arguments for its commands")]
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
    #[command(flatten)]
    limits: Limits,
}

/// What a guest may take, and how often it is used. The names and defaults are Spin's.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct Limits {
    /// The requests that one WASI 0.3 instance answers in its life, such as 1..8 for any of 1 to 7 [default: 128]
    #[arg(long, next_line_help = true, value_name = "COUNT|RANGE", value_parser = InstanceReuse::count)]
    max_instance_reuse_count: Option<RangeInclusive<usize>>,
    /// The requests that one WASI 0.3 instance works on at a time [default: 16]
    #[arg(long, next_line_help = true, value_name = "COUNT|RANGE", value_parser = InstanceReuse::count)]
    max_instance_concurrent_reuse_count: Option<RangeInclusive<usize>>,
    /// How long an instance waits for another request [default: 1s]
    #[arg(long, next_line_help = true, value_name = "TIME|RANGE", value_parser = InstanceReuse::time)]
    idle_instance_timeout: Option<RangeInclusive<Duration>>,
    /// Answer every request with a new instance
    #[arg(long, next_line_help = true, conflicts_with_all = ["max_instance_reuse_count", "max_instance_concurrent_reuse_count"])]
    no_reuse: bool,
    /// How long a component may take to answer, such as 5s or 500ms [default: no limit]
    #[arg(long, next_line_help = true, value_name = "TIME|RANGE", value_parser = InstanceReuse::time)]
    request_timeout: Option<RangeInclusive<Duration>>,
    /// How much memory an instance may take, such as 64MiB
    #[arg(long, next_line_help = true, value_name = "SIZE", value_parser = size, default_value = "1GiB")]
    max_memory: usize,
}

impl Limits {
    fn reuse(&self) -> InstanceReuse {
        let flags = InstanceReuse {
            requests: self.max_instance_reuse_count.clone(),
            concurrent: self.max_instance_concurrent_reuse_count.clone(),
            idle: self.idle_instance_timeout.clone(),
        };
        if self.no_reuse { flags.or(&InstanceReuse::none()) } else { flags }
    }
}

/// A number of bytes: `65536`, `64KiB`, `64MiB` or `1GiB`, also without the `iB`.
fn size(text: &str) -> Result<usize, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let bits = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        _ => return Err("it is neither a number of bytes nor one of KiB, MiB or GiB".to_owned()),
    };
    let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(1 << bits));
    bytes
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "it is not a size above 0 that this machine has".to_owned())
}

impl Up {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        // One listener for the whole run, so that no signal falls between two.
        let stop = interrupted();
        tokio::pin!(stop);
        let (log, output) = Log::new(context.format, context.quiet);
        allow_many_files();
        let start = async {
            let mut project = self.builds.project(context).await?;
            let sync = project.prepare().await?;
            warn_all(sync.warnings.iter().chain(&sync.lock.warnings));
            let options = RunOptions {
                listen: Some(self.listen),
                output,
                reuse: self.limits.reuse(),
                request_timeout: self.limits.request_timeout,
                max_memory: Some(self.limits.max_memory),
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
        log.announce(running.serves.then(|| serving(&running.address().to_string(), &project.routes())));
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

/// A connection is an open file. Many systems let a process have a thousand of them, unless it asks for more.
fn allow_many_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let wanted = rustix::process::Rlimit { current: limit.maximum, ..limit };
        if let Err(error) = setrlimit(Resource::Nofile, wanted) {
            tracing::debug!("no more files than {:?} can be open: {error}", limit.current);
        }
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
