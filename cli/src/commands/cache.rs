//! `spin-deps cache`

use clap::{Args, Subcommand};
use serde_json::json;
use spin_deps_project::{Project, compiled_code};

use super::Context;
use crate::{
    output::{BAD, GOOD, Output, count, styled},
    report::Failure,
};

/// Look at, check or empty the cache of fetched content
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps cache info      how much there is
  spin-deps cache verify    whether all of it still has its digest
  spin-deps cache clean     away with it: it is fetched again when it is needed")]
pub(crate) struct Cache {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the cache's directory
    Dir,
    /// Show how much the cache holds
    Info,
    /// Check everything in the cache against its digest
    Verify,
    /// Remove everything from the cache
    Clean,
}

impl Cache {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let directory = context.settings.cache_dir.display().to_string();
        if matches!(self.what, What::Dir) {
            let mut output = Output::new(json!({ "directory": directory }));
            output.line(directory);
            return Ok(output);
        }
        let registries = Project::open_registries(&context.settings).await?;
        let store = registries.store();
        match self.what {
            What::Dir | What::Info => {
                let info = store.info().map_err(spin_deps_project::Error::from)?;
                let compiled = compiled_code(&context.settings)?;
                let mut output = Output::new(json!({
                    "directory": directory,
                    "blobs": info.blobs,
                    "bytes": info.bytes,
                    "records": info.records,
                    "compiled": { "files": compiled.files, "bytes": compiled.bytes },
                }));
                output.line(format!("directory  {directory}"));
                output.line(format!("content    {} blobs, {} bytes", info.blobs, info.bytes));
                output.line(format!("records    {}", info.records));
                output.line(format!("compiled   {} files, {} bytes", compiled.files, compiled.bytes));
                Ok(output)
            }
            What::Verify => {
                let damages = store.verify().await.map_err(spin_deps_project::Error::from)?;
                let list: Vec<_> =
                    damages.iter().map(|it| format!("{}: {}", it.path.display(), it.reason)).collect();
                let mut output = Output::new(json!({ "damaged": list }));
                for damage in &list {
                    output.line(format!("{} {damage}", styled(BAD, "Damaged")));
                }
                if list.is_empty() {
                    output
                        .line(format!("{} everything in the cache has its digest", styled(GOOD, "Checked")));
                    return Ok(output);
                }
                output.line(format!(
                    "{}: what is damaged is fetched again when it is needed",
                    count(list.len(), "file")
                ));
                Ok(output.bad())
            }
            What::Clean => {
                let removed = store.clean().map_err(spin_deps_project::Error::from)?;
                let compiled = spin_deps_project::clean_compiled_code(&context.settings)?;
                let bytes = removed.bytes + compiled.bytes;
                let files = removed.files + compiled.files;
                let mut output = Output::new(json!({ "files": files, "bytes": bytes }));
                output.line(format!("{} {files} files, {bytes} bytes", styled(GOOD, "Removed")));
                Ok(output)
            }
        }
    }
}
