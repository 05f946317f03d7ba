//! `spin-deps remove`

use clap::Args;
use serde_json::json;
use spin_deps_project::{RemoveOptions, Target};

use super::{Context, lock_lines, sync_json, sync_lines, warn_all};
use crate::{
    output::{GOOD, NAME, Output, styled},
    report::Failure,
};

/// Remove a dependency or middleware from the app
///
/// Removes the entry from spin.toml, what nothing else needs from spin-deps.lock, and brings the generated files up
/// to date. If anything fails, every file is as it was.
#[derive(Debug, Args)]
#[command(visible_alias = "rm")]
pub(crate) struct Remove {
    /// The dependency's name in spin.toml, or its package; with --route what the middleware is, or its position
    name: String,
    /// The component that has the dependency [default: the only one that has it]
    #[arg(long, value_name = "ID")]
    to: Option<String>,
    /// Remove it from the middleware of the HTTP trigger with this route
    #[arg(long, value_name = "ROUTE", conflicts_with = "to")]
    route: Option<String>,
}

impl Remove {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = context.project().await?;
        let options = RemoveOptions { name: self.name, to: self.to, route: self.route };
        let removed = project.remove(&options).await?;
        warn_all(removed.sync.warnings.iter().chain(&removed.sync.lock.warnings));
        let entries: Vec<_> = removed
            .entries
            .iter()
            .map(|(name, target)| match target {
                Target::Component(id) => json!({ "name": name, "component": id }),
                Target::Middleware { route, position } => {
                    json!({ "name": name, "route": route, "position": position })
                }
            })
            .collect();
        let mut output = Output::new(json!({ "removed": entries, "sync": sync_json(&removed.sync) }));
        for (name, target) in &removed.entries {
            let (name, removed) = (styled(NAME, name), styled(GOOD, "Removed"));
            match target {
                Target::Component(id) => output.line(format!("{removed} {name} from component '{id}'")),
                Target::Middleware { route, .. } => {
                    output.line(format!("{removed} middleware '{name}' from the trigger for route '{route}'"))
                }
            };
        }
        lock_lines(&mut output, &removed.sync.lock);
        sync_lines(&mut output, context, &removed.sync);
        Ok(output)
    }
}
