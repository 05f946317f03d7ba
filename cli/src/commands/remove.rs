//! `spin-deps remove`

use clap::Args;
use serde_json::json;
use spin_deps_project::{RemoveOptions, Target};

use super::{Context, add::manifest_name, edit, lock_lines, sync_json, sync_lines, warn_all};
use crate::{
    output::{GOOD, NAME, Output, styled},
    prompt,
    report::Failure,
};

/// Remove a dependency or middleware from the app
///
/// Removes the entry from spin.toml, what nothing else needs from spin-deps.lock, and brings the generated files up
/// to date. If anything fails, every file is as it was.
#[derive(Debug, Args)]
#[command(
    visible_alias = "rm",
    after_help = "Examples:
  spin-deps remove acme:crypto                     every entry of the package, in the one component that has it
  spin-deps remove acme:kit/one@1.0.0 --to api     one entry of one component
  spin-deps remove ./auth.wasm                     middleware, where it stands once
  spin-deps remove 0 --route /admin/...            the outermost middleware of a route
  spin-deps remove acme:crypto --dry-run           what would change"
)]
pub(crate) struct Remove {
    /// The dependency's name in spin.toml, its package, or what the middleware is; with --route also its position
    name: String,
    /// The component that has the dependency; once for each [default: the only one that has it]
    #[arg(long, value_name = "ID")]
    to: Vec<String>,
    /// Remove it from the middleware of the HTTP trigger with this route; once for each
    #[arg(long = "route", value_name = "ROUTE", conflicts_with = "to")]
    routes: Vec<String>,
    /// Show what would change in spin.toml and spin-deps.lock, and write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Remove {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = context.project().await?;
        let options =
            RemoveOptions { name: self.name, to: self.to, routes: self.routes, dry_run: self.dry_run };
        let removed = project.remove(&options, prompt::asker(context).as_ref()).await?;
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
        let mut json = json!({ "removed": entries, "sync": sync_json(&removed.sync) });
        if options.dry_run {
            json["manifest_diff"] = edit::edit_json(&removed.edit);
            let mut output = Output::new(json);
            edit::preview_lines(&mut output, &manifest_name(&project), &removed.edit, &removed.sync.lock);
            return Ok(output);
        }
        let mut output = Output::new(json);
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
