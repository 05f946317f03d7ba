//! `spin-deps versions`

use clap::Args;
use serde_json::json;
use spin_deps_project::{Project, versions};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use super::Context;
use crate::{
    output::{Output, WARN, clean_line, styled},
    report::Failure,
};

/// List the versions of a package, newest first
#[derive(Debug, Args)]
pub(crate) struct Versions {
    /// The package, `ns:name`
    #[arg(value_name = "PKG")]
    package: PackageRef,
    /// The registry to ask [default: the configured one]
    #[arg(short, long, value_name = "REGISTRY")]
    registry: Option<Registry>,
}

impl Versions {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let registries = Project::open_registries(&context.settings).await?;
        let found = versions(&registries, &self.package, self.registry.as_ref()).await?;
        let mut output = Output::new(json!(found));
        for row in &found.versions {
            let reason = row.reason.as_deref().map(|reason| format!(": {}", clean_line(reason)));
            let yanked = if row.yanked {
                format!(" {}{}", styled(WARN, "yanked"), reason.unwrap_or_default())
            } else {
                String::new()
            };
            output.line(format!("{}{yanked}", row.version));
        }
        Ok(output)
    }
}
