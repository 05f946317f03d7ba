//! `spin-deps info`

use clap::Args;
use semver::VersionReq;
use serde_json::json;
use spin_deps_project::{Project, info};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use super::Context;
use crate::{
    output::{NAME, Output, clean, clean_line, styled},
    report::Failure,
};

/// Show what a release is: description, licence, imports, exports, capabilities, dependencies
#[derive(Debug, Args)]
pub(crate) struct Info {
    /// The package, with a version or a requirement if not the newest is meant
    #[arg(value_name = "PKG[@REQ]", value_parser = package_and_req)]
    package: (PackageRef, Option<VersionReq>),
    /// The registry to ask [default: the configured one]
    #[arg(short, long, value_name = "REGISTRY")]
    registry: Option<Registry>,
}

/// `ns:name`, `ns:name@1.2.0` (that very release) or `ns:name@^1`.
fn package_and_req(text: &str) -> Result<(PackageRef, Option<VersionReq>), String> {
    let (name, req) = match text.split_once('@') {
        Some((name, req)) => (name, Some(req)),
        None => (text, None),
    };
    let package = name.parse().map_err(|error: wasm_pkg_common::Error| error.to_string())?;
    let req = match req {
        None => None,
        Some(version) if semver::Version::parse(version).is_ok() => Some(format!("={version}")),
        Some(req) => Some(req.to_owned()),
    };
    let req = req.map(|req| req.parse().map_err(|error: semver::Error| error.to_string())).transpose()?;
    Ok((package, req))
}

impl Info {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let registries = Project::open_registries(&context.settings).await?;
        let (package, req) = &self.package;
        let info = info(&registries, package, req.as_ref(), self.registry.as_ref()).await?;
        let mut output = Output::new(json!(info));
        output.line(styled(NAME, format!("{} {}", info.package, info.version)));
        let mut field = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                output.line(format!("{name:<14}{}", clean(&value)));
            }
        };
        field("description", info.description);
        field("licence", info.licenses);
        field("authors", info.authors);
        field("source", info.source);
        field("homepage", info.homepage);
        field("revision", info.revision);
        let reason = info.yank_reason.unwrap_or_else(|| "without a reason".to_owned());
        field("yanked", info.yanked.then(|| clean_line(&reason)));
        field("kind", Some(info.kind.to_owned()));
        field("registry", Some(info.registry.to_string()));
        field("digest", Some(info.digest));
        field("size", Some(format!("{} bytes", info.size)));
        let list = |items: Vec<String>| (!items.is_empty()).then(|| items.join("\n              "));
        field("imports", list(info.imports));
        field("exports", list(info.exports));
        field("capabilities", list(info.capabilities));
        let needs = info.dependencies.iter().map(|(package, req)| format!("{package} {req}")).collect();
        field("dependencies", list(needs));
        Ok(output)
    }
}
