//! The canonical text of a lock.
//!
//! It is put together by hand: the layout is part of the format, and must not change with a library.

use std::fmt::{Display, Write as _};

use crate::{Dependency, FORMAT_VERSION, Lockfile, Signers};

const HEADER: &str = "\
# Written by spin-deps. Commit this file and do not edit it.
# After a merge conflict, keep either side and run `spin-deps lock`.
";

pub(crate) fn lockfile(lock: &Lockfile) -> String {
    let mut lock = lock.clone();
    lock.sort();
    let mut text = format!("{HEADER}version = {FORMAT_VERSION}\n");
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
        rest(&mut text, package.size, &package.capabilities, &package.dependencies);
    }
    for source in &lock.http {
        text.push_str("\n[[http]]\n");
        field(&mut text, "url", &source.url);
        field(&mut text, "digest", &source.digest);
        rest(&mut text, source.size, &source.capabilities, &source.dependencies);
    }
    text
}

fn rest(text: &mut String, size: u64, capabilities: &[String], dependencies: &[Dependency]) {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let capabilities: Vec<String> = capabilities.iter().map(quoted).collect();
    let capabilities = capabilities.join(", ");
    // Writing to a `String` does not fail.
    let _ = writeln!(text, "size = {size}\ncapabilities = [{capabilities}]");
    if dependencies.is_empty() {
        text.push_str("dependencies = []\n");
        return;
    }
    text.push_str("dependencies = [\n");
    for Dependency { package, req, version } in dependencies {
        let [package, req, version] = [package as &dyn Display, req, version].map(quoted);
        let _ = writeln!(text, "    {{ package = {package}, req = {req}, version = {version} }},");
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
