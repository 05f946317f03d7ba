//! Reads the environments of a lock.

use std::collections::HashSet;
use std::ops::Range;

use url::Url;

use super::{Entry, Result};
use crate::{Environment, EnvironmentRef, LockError, WitPackage, WitSource, shown};

pub(super) fn environment(mut entry: Entry<'_>) -> Result<(Environment, Range<usize>)> {
    let target = if let Some(name) = entry.text_if_there("name")? {
        EnvironmentRef::Name(name.to_owned())
    } else if let Some(path) = entry.text_if_there("path")? {
        EnvironmentRef::Path(path.to_owned())
    } else {
        let url: Url = entry.parsed("url", "a URL")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(entry.invalid("url", "a URL", "it begins with neither `https:` nor `http:`"));
        }
        EnvironmentRef::Url(url)
    };
    entry.place = format!("the environment {target}");
    let digest = match target {
        EnvironmentRef::Path(_) => None,
        _ => Some(entry.parsed("digest", "a digest")?),
    };
    let packages = entry.tables("packages")?.into_iter().map(package).collect::<Result<_>>()?;
    Ok((Environment { target, digest, packages }, entry.finish()?))
}

fn package(mut entry: Entry<'_>) -> Result<WitPackage> {
    let name = entry.parsed("package", "a package name")?;
    entry.place = format!("the WIT package {name}");
    let version = entry.parsed_if_there("version", "a version")?;
    let source = match entry.text_if_there("reference")? {
        Some(reference) => WitSource::Reference(reference.to_owned()),
        None => WitSource::Registry(entry.parsed("registry", "a registry")?),
    };
    let digest = entry.parsed("digest", "a digest")?;
    let manifest = entry.parsed_if_there("manifest", "a digest")?;
    let size = entry.size()?;
    entry.finish()?;
    Ok(WitPackage { name, version, source, digest, manifest, size })
}

/// The environments, each of which may be there once.
pub(super) fn check(environments: &[(Environment, Range<usize>)]) -> Result<()> {
    let mut seen = HashSet::new();
    for (Environment { target, .. }, span) in environments {
        if !seen.insert(format!("{target:?}")) {
            let what = format!("the environment {}", shown(&target.to_string()));
            return Err(LockError::Duplicate { what, span: span.clone() });
        }
    }
    Ok(())
}
