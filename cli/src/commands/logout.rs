//! `spin-deps logout`

use clap::Args;
use serde_json::json;
use spin_deps_project::{Error, Project};

use super::{Context, login::registry};
use crate::{
    output::{GOOD, NAME, Output, styled},
    report::Failure,
};

/// Forget the credentials for a registry
///
/// They are removed from where `login`, Docker and wkg keep them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps logout ghcr.io")]
pub(crate) struct Logout {
    /// The registry, as it was named to `login`
    #[arg(value_name = "REGISTRY")]
    registry: String,
}

impl Logout {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let registry = registry(&self.registry)?;
        let registries = Project::open_registries(&context.settings).await?;
        let done = registries.logout(&registry).await.map_err(Error::from)?;
        let mut output = Output::new(
            json!({ "registry": registry, "host": done.host, "removed_from": done.removed_from }),
        );
        let host = styled(NAME, &done.host);
        match &done.removed_from {
            Some(place) => output.line(format!("{} at {host}, from {place}", styled(GOOD, "Logged out"))),
            None => output.line(format!("Not logged in at {host}")),
        };
        Ok(output)
    }
}
