//! Reads a lock, and believes nothing that it has not checked.

mod environment;
pub(crate) mod salvage;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::str::FromStr;

use toml_edit::{Document, Item, TableLike, Value};
use url::Url;
use wasm_pkg_common::digest::ContentDigest;
use wasm_pkg_common::package::{PackageRef, Version, VersionReq};
use wasm_pkg_common::registry::Registry;

use crate::{
    Dependency, FORMAT_VERSION, Granted, HttpSource, LockError, Lockfile, Need, Override, Package,
    Replacement, Signers, shown,
};

/// The longest text that is read, in bytes; a lock has some 400 a package.
const MAX_SIZE: usize = 64 << 20;

type Result<T> = std::result::Result<T, LockError>;

/// A release or source and the places of its dependencies, which are checked when all are known.
struct Placed<T> {
    value: T,
    span: Range<usize>,
    dependencies: Vec<Range<usize>>,
    overridden: Vec<Range<usize>>,
}

pub(crate) fn lockfile(text: &str) -> Result<Lockfile> {
    if text.len() > MAX_SIZE {
        return Err(LockError::TooLarge { size: text.len(), limit: MAX_SIZE });
    }
    let document = Document::parse(text).map_err(|error| {
        // No conflict marker is valid TOML, so they are looked for only where it matters.
        conflict(text).map_or_else(
            || LockError::Syntax { message: shown(error.message()), span: error.span().unwrap_or_default() },
            |span| LockError::MergeConflict { span },
        )
    })?;
    let mut root = Entry::new(document.as_table(), "the lock".to_owned(), 0..0);
    root.format_version()?;
    let overrides = root.tables("override")?.into_iter().map(replaced).collect::<Result<Vec<_>>>()?;
    let packages = root.tables("package")?.into_iter().map(package).collect::<Result<Vec<_>>>()?;
    let http = root.tables("http")?.into_iter().map(http_source).collect::<Result<Vec<_>>>()?;
    let environments = root.tables("environment")?;
    let environments = environments.into_iter().map(environment::environment).collect::<Result<Vec<_>>>()?;
    root.finish()?;

    environment::check(&environments)?;
    let known = Known::new(&overrides, &packages)?;
    check_packages(&packages, &known)?;
    check_http(&http, &known)?;
    let mut lock = Lockfile {
        overrides: overrides.into_iter().map(|(value, _)| value).collect(),
        packages: packages.into_iter().map(|package| package.value).collect(),
        http: http.into_iter().map(|source| source.value).collect(),
        environments: environments.into_iter().map(|(environment, _)| environment).collect(),
    };
    lock.sort();
    Ok(lock)
}

/// The first marker that a merge left.
fn conflict(text: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|marker| line.starts_with(marker)) {
            return Some(start..start + line.trim_end().len());
        }
        start += line.len();
    }
    None
}

/// What dependencies can refer to.
struct Known<'a> {
    overridden: HashSet<&'a PackageRef>,
    releases: HashSet<(&'a PackageRef, &'a Version)>,
}

impl<'a> Known<'a> {
    fn new(overrides: &'a [(Override, Range<usize>)], packages: &'a [Placed<Package>]) -> Result<Self> {
        let mut overridden = HashSet::new();
        for (Override { name, .. }, span) in overrides {
            if !overridden.insert(name) {
                let what = format!("the override of {name}");
                return Err(LockError::Duplicate { what, span: span.clone() });
            }
        }
        let mut releases = HashSet::new();
        for Placed { value, span, .. } in packages {
            if !releases.insert((&value.name, &value.version)) {
                let what = format!("{} {}", value.name, value.version);
                return Err(LockError::Duplicate { what, span: span.clone() });
            }
        }
        Ok(Self { overridden, releases })
    }
}

fn check_packages(packages: &[Placed<Package>], known: &Known<'_>) -> Result<()> {
    let mut first = HashMap::new();
    for Placed { value, span, .. } in packages {
        let first: &mut &Package = first.entry(&value.name).or_insert(value);
        let differ = |what| LockError::Differ { name: value.name.clone(), what, span: span.clone() };
        if first.registry != value.registry {
            return Err(differ("registries"));
        }
        if first.signers != value.signers {
            return Err(differ("signers"));
        }
    }
    for placed in packages {
        let dependent = || format!("{} {}", placed.value.name, placed.value.version);
        known.check(dependent, (&placed.value.dependencies, &placed.dependencies))?;
        known.check_overridden(dependent, (&placed.value.overridden, &placed.overridden))?;
    }
    Ok(())
}

fn check_http(http: &[Placed<HttpSource>], known: &Known<'_>) -> Result<()> {
    let mut seen = HashSet::new();
    for placed in http {
        let Placed { value, span, .. } = placed;
        let dependent = || shown(value.url.as_str());
        if !seen.insert((&value.url, value.digest.to_string())) {
            return Err(LockError::Duplicate { what: dependent(), span: span.clone() });
        }
        known.check(dependent, (&value.dependencies, &placed.dependencies))?;
        known.check_overridden(dependent, (&value.overridden, &placed.overridden))?;
    }
    Ok(())
}

impl Known<'_> {
    fn check(
        &self,
        dependent: impl Fn() -> String,
        (dependencies, spans): (&[Dependency], &[Range<usize>]),
    ) -> Result<()> {
        for (dependency, span) in dependencies.iter().zip(spans) {
            let error = |make: fn(String, Box<Dependency>, Range<usize>) -> LockError| {
                Err(make(dependent(), Box::new(dependency.clone()), span.clone()))
            };
            if self.overridden.contains(&dependency.package) {
                let (dependent, package) = (dependent(), dependency.package.clone());
                return Err(LockError::Overridden { dependent, package, span: span.clone() });
            }
            if !self.releases.contains(&(&dependency.package, &dependency.version)) {
                return error(|dependent, dependency, span| LockError::Dangling {
                    dependent,
                    dependency,
                    span,
                });
            }
            if !dependency.req.matches(&dependency.version) {
                return error(|dependent, dependency, span| LockError::Unsatisfied {
                    dependent,
                    dependency,
                    span,
                });
            }
        }
        Ok(())
    }

    fn check_overridden(
        &self,
        dependent: impl Fn() -> String,
        (needs, spans): (&[Need], &[Range<usize>]),
    ) -> Result<()> {
        match needs.iter().zip(spans).find(|(need, _)| !self.overridden.contains(&need.package)) {
            None => Ok(()),
            Some((need, span)) => Err(LockError::NotOverridden {
                dependent: dependent(),
                package: need.package.clone(),
                span: span.clone(),
            }),
        }
    }
}

fn replaced(mut entry: Entry<'_>) -> Result<(Override, Range<usize>)> {
    let name: PackageRef = entry.parsed("name", "a package name")?;
    entry.place = format!("the override of {name}");
    let by = if let Some(path) = entry.text_if_there("path")? {
        Replacement::Path(path.to_owned())
    } else {
        let package = entry.parsed_if_there("package", "a package name")?;
        let req = entry.parsed("req", "a version requirement")?;
        let registry = entry.parsed_if_there("registry", "a registry")?;
        Replacement::Release { package: package.unwrap_or_else(|| name.clone()), req, registry }
    };
    let replaces = entry.strings("replaces")?;
    let version = |text: &String| {
        Version::parse(text).map_err(|error| entry.invalid("replaces", "a version", &error.to_string()))
    };
    let replaces = replaces.iter().map(version).collect::<Result<_>>()?;
    Ok((Override { name, by, replaces }, entry.finish()?))
}

fn package(mut entry: Entry<'_>) -> Result<Placed<Package>> {
    let name: PackageRef = entry.parsed("name", "a package name")?;
    entry.place = format!("package {name}");
    let version: Version = entry.parsed("version", "a version")?;
    entry.place = format!("package {name} {version}");
    let registry: Registry = entry.parsed("registry", "a registry")?;
    if registry.as_ref().contains('@') {
        return Err(entry.invalid("registry", "a registry", "a host name has no `@`"));
    }
    let digest = entry.parsed("digest", "a digest")?;
    let manifest = entry.parsed_if_there("manifest", "a digest")?;
    let signers = entry.table_if_there("signers")?.map(signers).transpose()?;
    let size = entry.size()?;
    let capabilities = entry.strings("capabilities")?;
    let imports = entry.strings("imports")?;
    let granted = entry.granted()?;
    let (dependencies, spans) = entry.dependencies()?;
    let (overridden, overridden_spans) = entry.overridden()?;
    let span = entry.finish()?;
    let value = Package {
        name,
        version,
        registry,
        digest,
        manifest,
        signers,
        size,
        capabilities,
        imports,
        granted,
        dependencies,
        overridden,
    };
    Ok(Placed { value, span, dependencies: spans, overridden: overridden_spans })
}

fn signers(mut entry: Entry<'_>) -> Result<Signers> {
    const KEY: &str = "the digest of a key";
    let signers = Signers { operator: entry.parsed("operator", KEY)?, author: entry.parsed("author", KEY)? };
    entry.finish()?;
    Ok(signers)
}

fn http_source(mut entry: Entry<'_>) -> Result<Placed<HttpSource>> {
    let url: Url = entry.parsed("url", "a URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(entry.invalid("url", "a URL", "it begins with neither `https:` nor `http:`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(entry.invalid("url", "a URL for a lock", "it contains credentials"));
    }
    entry.place = shown(url.as_str());
    let digest: ContentDigest = entry.parsed("digest", "a digest")?;
    let size = entry.size()?;
    let capabilities = entry.strings("capabilities")?;
    let imports = entry.strings("imports")?;
    let granted = entry.granted()?;
    let (dependencies, spans) = entry.dependencies()?;
    let (overridden, overridden_spans) = entry.overridden()?;
    let span = entry.finish()?;
    let value = HttpSource { url, digest, size, capabilities, imports, granted, dependencies, overridden };
    Ok(Placed { value, span, dependencies: spans, overridden: overridden_spans })
}

fn dependency(mut entry: Entry<'_>) -> Result<(Dependency, Range<usize>)> {
    let package = entry.parsed("package", "a package name")?;
    let req: VersionReq = entry.parsed("req", "a version requirement")?;
    let version = entry.parsed("version", "a version")?;
    Ok((Dependency { package, req, version }, entry.finish()?))
}

fn need(mut entry: Entry<'_>) -> Result<(Need, Range<usize>)> {
    let package = entry.parsed("package", "a package name")?;
    let req: VersionReq = entry.parsed("req", "a version requirement")?;
    Ok((Need { package, req }, entry.finish()?))
}

/// A table that is being read: fields are taken out one by one, and what is left is unknown.
struct Entry<'a> {
    fields: HashMap<&'a str, (&'a Item, Range<usize>)>,
    /// How messages call it.
    place: String,
    span: Range<usize>,
    /// Where the values taken were.
    values: HashMap<&'static str, Range<usize>>,
}

impl<'a> Entry<'a> {
    fn new(table: &'a dyn TableLike, place: String, span: Range<usize>) -> Self {
        let key_span =
            |key: &str| table.key(key).and_then(toml_edit::Key::span).unwrap_or_else(|| span.clone());
        let fields = table.iter().map(|(key, item)| (key, (item, key_span(key)))).collect();
        Self { fields, place, span, values: HashMap::new() }
    }

    fn take(&mut self, field: &'static str) -> Option<(&'a Item, Range<usize>)> {
        let (item, key) = self.fields.remove(field)?;
        let span = item.span().unwrap_or(key);
        self.values.insert(field, span.clone());
        Some((item, span))
    }

    fn missing(&self, field: &'static str) -> LockError {
        LockError::MissingField { field, place: self.place.clone(), span: self.span.clone() }
    }

    fn wrong_type(&self, field: impl Into<String>, expected: &'static str, span: Range<usize>) -> LockError {
        LockError::WrongType { field: field.into(), place: self.place.clone(), expected, span }
    }

    fn invalid(&self, field: &'static str, expected: &'static str, reason: &str) -> LockError {
        let span = self.values.get(field).unwrap_or(&self.span).clone();
        // The vocabulary's errors begin with what we have just said.
        let inner = reason.strip_prefix("invalid ").and_then(|reason| reason.split_once(": "));
        let reason = shown(inner.map_or(reason, |(_, inner)| inner));
        LockError::InvalidValue { field, place: self.place.clone(), expected, reason, span }
    }

    fn format_version(&mut self) -> Result<()> {
        let (item, span) = self.take("version").ok_or_else(|| self.missing("version"))?;
        match item.as_integer() {
            Some(FORMAT_VERSION) => Ok(()),
            Some(found) if found > FORMAT_VERSION => Err(LockError::Newer { found, span }),
            Some(found) => Err(self.invalid(
                "version",
                "a version of the lock format",
                &format!("there is no version {found}"),
            )),
            None => Err(self.wrong_type("version", "a whole number", span)),
        }
    }

    fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<T> {
        self.parsed_if_there(field, expected)?.ok_or_else(|| self.missing(field))
    }

    fn parsed_if_there<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>> {
        let Some(text) = self.text_if_there(field)? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|error: T::Err| self.invalid(field, expected, &error.to_string()))
    }

    fn text_if_there(&mut self, field: &'static str) -> Result<Option<&'a str>> {
        let Some((item, span)) = self.take(field) else {
            return Ok(None);
        };
        item.as_str().map(Some).ok_or_else(|| self.wrong_type(field, "a string", span))
    }

    fn size(&mut self) -> Result<u64> {
        let (item, span) = self.take("size").ok_or_else(|| self.missing("size"))?;
        let size = item.as_integer().ok_or_else(|| self.wrong_type("size", "a whole number", span))?;
        u64::try_from(size).map_err(|_| self.invalid("size", "a size", "it is negative"))
    }

    /// A list of strings; none if it is missing.
    fn strings(&mut self, field: &'static str) -> Result<Vec<String>> {
        const LIST: &str = "a list of strings";
        let Some((item, span)) = self.take(field) else {
            return Ok(Vec::new());
        };
        let list = item.as_array().ok_or_else(|| self.wrong_type(field, LIST, span.clone()))?;
        let name = |value: &Value| {
            let wrong = || self.wrong_type(field, LIST, value.span().unwrap_or_else(|| span.clone()));
            value.as_str().map(str::to_owned).ok_or_else(wrong)
        };
        list.iter().map(name).collect()
    }

    fn dependencies(&mut self) -> Result<(Vec<Dependency>, Vec<Range<usize>>)> {
        let tables = self.tables("dependencies")?;
        let read = tables.into_iter().map(dependency).collect::<Result<Vec<_>>>()?;
        Ok(read.into_iter().unzip())
    }

    fn overridden(&mut self) -> Result<(Vec<Need>, Vec<Range<usize>>)> {
        let tables = self.tables("overridden")?;
        let read = tables.into_iter().map(need).collect::<Result<Vec<_>>>()?;
        Ok(read.into_iter().unzip())
    }

    fn granted(&mut self) -> Result<Vec<Granted>> {
        let place = self.place.clone();
        let mut seen = HashSet::new();
        let granted = self.tables("granted")?.into_iter().map(|mut entry| {
            let to = entry.text_if_there("to")?.ok_or_else(|| entry.missing("to"))?;
            let capabilities = entry.strings("capabilities")?;
            let span = entry.finish()?;
            if !seen.insert(to) {
                let what = format!("what {place} is granted by component `{}`", shown(to));
                return Err(LockError::Duplicate { what, span });
            }
            Ok(Granted { to: to.to_owned(), capabilities })
        });
        granted.collect()
    }

    fn table_if_there(&mut self, field: &'static str) -> Result<Option<Entry<'a>>> {
        let Some((item, span)) = self.take(field) else {
            return Ok(None);
        };
        let table = item.as_table_like().ok_or_else(|| self.wrong_type(field, "a table", span.clone()))?;
        Ok(Some(Entry::new(table, format!("`{field}` of {}", self.place), span)))
    }

    /// The tables of a list, be it written as `[[…]]` or as `[{…}]`. None if the list is missing.
    fn tables(&mut self, field: &'static str) -> Result<Vec<Entry<'a>>> {
        const LIST: &str = "a list of tables";
        let Some((item, span)) = self.take(field) else {
            return Ok(Vec::new());
        };
        let place = match field {
            "dependencies" => format!("the dependencies of {}", self.place),
            "overridden" => format!("the overridden needs of {}", self.place),
            "granted" => format!("what is granted to {}", self.place),
            "packages" => format!("the packages of {}", self.place),
            _ => format!("[[{field}]]"),
        };
        if let Some(tables) = item.as_array_of_tables() {
            let entry = |table: &'a toml_edit::Table| {
                Entry::new(table, place.clone(), table.span().unwrap_or_else(|| span.clone()))
            };
            return Ok(tables.iter().map(entry).collect());
        }
        let list = item.as_array().ok_or_else(|| self.wrong_type(field, LIST, span.clone()))?;
        let entry = |value: &'a Value| {
            let span = value.span().unwrap_or_else(|| span.clone());
            match value.as_inline_table() {
                Some(table) => Ok(Entry::new(table, place.clone(), span)),
                None => Err(self.wrong_type(field, LIST, span)),
            }
        };
        list.iter().map(entry).collect()
    }

    /// Ends the reading: nothing may be left.
    fn finish(self) -> Result<Range<usize>> {
        let first = self.fields.into_iter().min_by_key(|(_, (_, span))| span.start);
        match first {
            None => Ok(self.span),
            Some((field, (_, span))) => {
                Err(LockError::UnknownField { field: shown(field), place: self.place, span })
            }
        }
    }
}
