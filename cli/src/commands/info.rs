//! `spin-deps info`

use clap::Args;
use semver::VersionReq;
use serde_json::json;
use spin_deps_project::{Looking, PackageInfo, info, parse_requirement};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use super::Context;
use crate::{
    output::{NAME, Output, clean, clean_line, styled},
    report::Failure,
};

/// Show what a release is: description, licence, imports, exports, capabilities, dependencies
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps info acme:hash                the newest release
  spin-deps info acme:hash@^1             the newest that fits
  spin-deps info acme:hash -r ghcr.io     as this registry has it")]
pub(crate) struct Info {
    /// The package, with a version or a requirement if not the newest is meant
    #[arg(value_name = "PKG[@REQ]", value_parser = package_and_req)]
    package: (PackageRef, Option<VersionReq>),
    /// The registry to ask [default: the configured one]
    #[arg(short, long, value_name = "REGISTRY")]
    registry: Option<Registry>,
}

/// `ns:name`, `ns:name@1.2.0` (that very release) or `ns:name@^1`.
pub(super) fn package_and_req(text: &str) -> Result<(PackageRef, Option<VersionReq>), String> {
    let (name, req) = match text.split_once('@') {
        Some((name, req)) => (name, Some(req)),
        None => (text, None),
    };
    let package = name.parse().map_err(|error: wasm_pkg_common::Error| error.to_string())?;
    Ok((package, req.map(req_or_version).transpose()?))
}

/// A requirement; a version stands for that very release.
pub(super) fn req_or_version(text: &str) -> Result<VersionReq, String> {
    let exact = semver::Version::parse(text).is_ok().then(|| format!("={text}"));
    let req = parse_requirement(exact.as_deref().unwrap_or(text));
    req.map_err(|error| format!("{error}: {}", error.hint()))
}

impl Info {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let looking = Looking::open(&context.settings).await?;
        let (package, req) = &self.package;
        let info = info(&looking, package, req.as_ref(), self.registry.as_ref()).await?;
        let mut output = Output::new(json!(info));
        output.line(styled(NAME, format!("{} {}", info.package, info.version)));
        let mut field = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                output.line(format!("{name:<14}{}", clean(&value)));
            }
        };
        let others = others(&info);
        field("description", info.description);
        field("licence", info.licenses);
        field("authors", info.authors);
        field("source", info.source);
        field("homepage", info.homepage);
        field("revision", info.revision);
        let reason = info.yank_reason.unwrap_or_else(|| "without a reason".to_owned());
        field("yanked", info.yanked.then(|| clean_line(&reason)));
        let locked: Vec<_> = info.locked.iter().map(ToString::to_string).collect();
        field("locked", (!locked.is_empty()).then(|| locked.join(" and ")));
        field("versions", others);
        let kind = if info.kind == "wit" { "WIT package" } else { info.kind };
        field("kind", Some(kind.to_owned()));
        field("registry", Some(info.registry.to_string()));
        field("digest", Some(info.digest));
        field("size", Some(size(info.size)));
        let list = |items: Vec<String>| (!items.is_empty()).then(|| items.join("\n              "));
        let (own, worlds) = (&info.exports, &info.worlds);
        let interfaces = own.iter().filter(|name| !worlds.contains(name)).cloned().collect();
        let packages =
            info.imports.iter().filter(|name| !info.host_imports.contains(name)).cloned().collect();
        field(if info.kind == "wit" { "interfaces" } else { "exports" }, list(interfaces));
        field("worlds", list(info.worlds));
        field("imports", list(packages));
        field("host imports", list(info.host_imports));
        field("capabilities", list(info.capabilities));
        let needs = info.dependencies.iter().map(|(package, req)| format!("{package} {req}")).collect();
        field("dependencies", list(needs));
        Ok(output)
    }
}

/// How many other versions there are, and the newest of them where this is not the one.
fn others(info: &PackageInfo) -> Option<String> {
    let others = info.versions.saturating_sub(1);
    let newest = info.newest.as_ref().filter(|newest| **newest != info.version);
    let newest = newest.map(|newest| format!(", {newest} is the newest"));
    (others > 0).then(|| format!("{others} more{}", newest.unwrap_or_default()))
}

/// A size as people say it, and in bytes.
fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB"];
    let found = units.iter().zip(1_u32..).take_while(|(_, power)| bytes >= 1 << (10 * power)).last();
    match found {
        None => format!("{bytes} bytes"),
        Some((unit, power)) => {
            let tenths = (u128::from(bytes) * 10) >> (10 * power);
            format!("{}.{} {unit} ({bytes} bytes)", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(1024), "1.0 KiB (1024 bytes)");
        assert_eq!(size(1_500_000), "1.4 MiB (1500000 bytes)");
        assert_eq!(size(u64::MAX), "17179869183.9 GiB (18446744073709551615 bytes)");
    }

    #[test]
    fn a_version_is_that_very_release() {
        let req = |text| package_and_req(text).unwrap().1.map(|req| req.to_string());
        assert_eq!(req("acme:hash@1.2.0").as_deref(), Some("=1.2.0"));
        assert_eq!(req("acme:hash@^1").as_deref(), Some("^1"));
        assert_eq!(req("acme:hash"), None);
        assert!(package_and_req("acme:hash@one").is_err());
    }
}
