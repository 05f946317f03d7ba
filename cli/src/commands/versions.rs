//! `spin-deps versions`

use clap::Args;
use serde_json::json;
use spin_deps_project::{PackageVersions, Project, Standing, VersionRow, versions};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use super::Context;
use crate::{
    output::{DIM, GOOD, Output, WARN, clean_line, count, styled},
    report::Failure,
};

/// List the versions of a package, newest first
///
/// In a project, those that are locked are marked, and those that a requirement of the app or of its dependencies admits.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps versions acme:hash                  newest first, with what is locked and what fits
  spin-deps versions acme:hash --format json    the same for a script")]
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
        let (project, registries) = Project::open_if_there(&context.settings).await?;
        let found = versions(&registries, &self.package, self.registry.as_ref()).await?;
        let standing = project.map(|project| project.standing(&self.package, &found.registry));
        let standing = standing.unwrap_or_default();
        let mut output = Output::new(as_json(&found, &standing));
        let width = found.versions.iter().map(|row| row.version.to_string().len()).max().unwrap_or_default();
        for row in &found.versions {
            let marks = marks(row, &standing);
            // Without marks nothing follows, so that a script may take the lines as they are.
            output.line(if marks.is_empty() {
                row.version.to_string()
            } else {
                format!("{:<width$}  {}", row.version.to_string(), marks.join("; "))
            });
        }
        let yanked = found.versions.iter().filter(|row| row.yanked).count();
        let yanked = if yanked > 0 { format!(", {yanked} of them yanked") } else { String::new() };
        let all = count(found.versions.len(), "version");
        output.note(&format!("{all} of {} in {}{yanked}", found.package, found.registry));
        Ok(output)
    }
}

/// What is to be said of a release.
fn marks(row: &VersionRow, standing: &Standing) -> Vec<String> {
    let mut marks = Vec::new();
    if standing.locked.contains(&row.version) {
        marks.push(styled(GOOD, "locked"));
    }
    if row.yanked {
        let reason = row.reason.as_deref().map(|reason| format!(": {}", clean_line(reason)));
        marks.push(format!("{}{}", styled(WARN, "yanked"), reason.unwrap_or_default()));
    }
    if !row.version.pre.is_empty() {
        marks.push(styled(DIM, "pre-release"));
    }
    let fitting: Vec<_> = standing.admitting(&row.version).into_iter().map(ToString::to_string).collect();
    if !fitting.is_empty() {
        marks.push(styled(DIM, format!("fits {}", fitting.join(" and "))));
    }
    marks
}

fn as_json(found: &PackageVersions, standing: &Standing) -> serde_json::Value {
    let mut json = json!(found);
    json["count"] = json!(found.versions.len());
    json["requirements"] = json!(standing.wants);
    json["versions"] = found
        .versions
        .iter()
        .map(|row| {
            let mut json = json!(row);
            json["prerelease"] = json!(!row.version.pre.is_empty());
            json["locked"] = json!(standing.locked.contains(&row.version));
            json["fits"] = json!(standing.admitting(&row.version));
            json
        })
        .collect();
    json
}
