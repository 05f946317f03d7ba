//! The canonical text of a lock.
//!
//! It is put together by hand: the layout is part of the format, and must not change with a library.

use std::fmt::{Display, Write as _};

use crate::{
    Dependency, Environment, EnvironmentRef, FORMAT_VERSION, Granted, Lockfile, Need, Override, Replacement,
    Signers, WitPackage, WitSource,
};

const HEADER: &str = "\
# Written by spin-deps. Commit this file and do not edit it.
# After a merge conflict, run `spin-deps lock`.
";

pub(crate) fn lockfile(lock: &Lockfile) -> String {
    let mut lock = lock.clone();
    lock.sort();
    let mut text = format!("{HEADER}version = {FORMAT_VERSION}\n");
    for Override { name, by, replaces } in &lock.overrides {
        text.push_str("\n[[override]]\n");
        field(&mut text, "name", name);
        match by {
            Replacement::Path(path) => field(&mut text, "path", path),
            Replacement::Release { package, req, registry } => {
                if package != name {
                    field(&mut text, "package", package);
                }
                field(&mut text, "req", req);
                if let Some(registry) = registry {
                    field(&mut text, "registry", registry);
                }
            }
        }
        if !replaces.is_empty() {
            // Writing to a `String` does not fail.
            let _ = writeln!(text, "replaces = {}", list(replaces));
        }
    }
    for package in &lock.packages {
        text.push_str("\n[[package]]\n");
        field(&mut text, "name", &package.name);
        field(&mut text, "version", &package.version);
        field(&mut text, "registry", &package.registry);
        field(&mut text, "digest", &package.digest);
        if let Some(manifest) = &package.manifest {
            field(&mut text, "manifest", manifest);
        }
        if let Some(Signers { operator, author }) = &package.signers {
            let [operator, author] = [operator, author].map(quoted);
            // Writing to a `String` does not fail.
            let _ = writeln!(text, "signers = {{ operator = {operator}, author = {author} }}");
        }
        reach(&mut text, package.size, &package.capabilities, &package.imports, &package.granted);
        needs(&mut text, &package.dependencies, &package.overridden);
    }
    for source in &lock.http {
        text.push_str("\n[[http]]\n");
        field(&mut text, "url", &source.url);
        field(&mut text, "digest", &source.digest);
        reach(&mut text, source.size, &source.capabilities, &source.imports, &source.granted);
        needs(&mut text, &source.dependencies, &source.overridden);
    }
    for environment in &lock.environments {
        text.push_str("\n[[environment]]\n");
        self::environment(&mut text, environment);
    }
    text
}

fn environment(text: &mut String, Environment { target, digest, packages }: &Environment) {
    match target {
        EnvironmentRef::Name(name) => field(text, "name", name),
        EnvironmentRef::Url(url) => field(text, "url", url),
        EnvironmentRef::Path(path) => field(text, "path", path),
    }
    if let Some(digest) = digest {
        field(text, "digest", digest);
    }
    let packages = packages.iter().map(|WitPackage { name, version, source, digest, manifest, size }| {
        let mut line = format!("{{ package = {}", quoted(name));
        let mut add = |key: &str, value: &dyn Display| {
            // Writing to a `String` does not fail.
            let _ = write!(line, ", {key} = {}", quoted(value));
        };
        if let Some(version) = version {
            add("version", version);
        }
        match source {
            WitSource::Registry(registry) => add("registry", registry),
            WitSource::Reference(reference) => add("reference", reference),
        }
        add("digest", digest);
        if let Some(manifest) = manifest {
            add("manifest", manifest);
        }
        format!("{line}, size = {} }}", i64::try_from(*size).unwrap_or(i64::MAX))
    });
    lines(text, "packages", packages);
}

fn reach(text: &mut String, size: u64, capabilities: &[String], imports: &[String], granted: &[Granted]) {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    // Writing to a `String` does not fail.
    let _ = writeln!(text, "size = {size}\ncapabilities = {}", list(capabilities));
    if !imports.is_empty() {
        lines(text, "imports", imports.iter().map(quoted));
    }
    if !granted.is_empty() {
        let granted = granted.iter().map(|Granted { to, capabilities }| {
            format!("{{ to = {}, capabilities = {} }}", quoted(to), list(capabilities))
        });
        lines(text, "granted", granted);
    }
}

fn needs(text: &mut String, dependencies: &[Dependency], overridden: &[Need]) {
    let dependencies = dependencies.iter().map(|Dependency { package, req, version }| {
        let [package, req, version] = [package as &dyn Display, req, version].map(quoted);
        format!("{{ package = {package}, req = {req}, version = {version} }}")
    });
    lines(text, "dependencies", dependencies);
    if !overridden.is_empty() {
        let overridden = overridden.iter().map(|Need { package, req }| {
            let [package, req] = [package as &dyn Display, req].map(quoted);
            format!("{{ package = {package}, req = {req} }}")
        });
        lines(text, "overridden", overridden);
    }
}

/// A list on one line.
fn list(elements: &[impl Display]) -> String {
    let elements: Vec<String> = elements.iter().map(quoted).collect();
    format!("[{}]", elements.join(", "))
}

/// A list with an element a line.
fn lines(text: &mut String, key: &str, elements: impl ExactSizeIterator<Item = String>) {
    if elements.len() == 0 {
        let _ = writeln!(text, "{key} = []");
        return;
    }
    let _ = writeln!(text, "{key} = [");
    for element in elements {
        let _ = writeln!(text, "    {element},");
    }
    text.push_str("]\n");
}

fn field(text: &mut String, key: &str, value: &dyn Display) {
    let _ = writeln!(text, "{key} = {}", quoted(value));
}

/// A TOML basic string (<https://toml.io/en/v1.0.0#string>).
fn quoted(value: impl Display) -> String {
    let value = value.to_string();
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // Control characters must be escaped; those that turn the direction of the text had better be, or
            // a review does not show what is there.
            c if c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
