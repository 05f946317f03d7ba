//! The names of imports and exports, and which of them fit together.
//!
//! A qualified name `ns:package/interface@1.2.0` carries a package, an interface and perhaps a version. Two versions
//! of an interface are *compatible* when they are on one semver track: the same major version, or below 1.0 the same
//! minor one. A pre-release, and a version below 0.1, is compatible with itself only.

use std::{fmt, str::FromStr};

use wasm_pkg_common::{
    label::Label,
    package::{PackageRef, Version, VersionReq},
};

/// A qualified interface name: `ns:package/interface@version`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfaceName {
    /// The package, for example `acme:hash`.
    pub package: PackageRef,
    /// The interface within the package, for example `digest`.
    pub interface: String,
    /// The version of the package in the name.
    pub version: Option<Version>,
}

impl InterfaceName {
    /// Reads a qualified name; anything else (a plain name, a dependency import) is `None`.
    pub fn parse(name: &str) -> Option<Self> {
        let (name, version) = split_version(name)?;
        let (package, interface) = name.split_once('/')?;
        interface.parse::<Label>().ok()?;
        Some(Self { package: package.parse().ok()?, interface: interface.to_owned(), version })
    }

    /// The name with another version.
    pub(crate) fn with_version(&self, version: Option<Version>) -> Self {
        Self { version, ..self.clone() }
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.package, self.interface)?;
        self.version.iter().try_for_each(|version| write!(f, "@{version}"))
    }
}

fn split_version(name: &str) -> Option<(&str, Option<Version>)> {
    match name.split_once('@') {
        Some((name, version)) => Some((name, Some(version.parse().ok()?))),
        None => Some((name, None)),
    }
}

/// Whether two versions of an interface may stand for each other: equal, or releases on one semver track.
pub fn compatible(a: &Version, b: &Version) -> bool {
    if a == b {
        return true;
    }
    if !a.pre.is_empty() || !b.pre.is_empty() {
        return false;
    }
    match (a.major, a.minor) {
        (0, 0) => (b.major, b.minor, b.patch) == (0, 0, a.patch),
        (0, minor) => (b.major, b.minor) == (0, minor),
        (major, _) => b.major == major,
    }
}

/// The exports that can stand for `wanted`, best first: the exact name, then compatible versions from the highest
/// down, then an interface of the same name where one of the two names carries no version.
pub(crate) fn candidates<'a>(wanted: &str, exports: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let name = InterfaceName::parse(wanted);
    let path = |name: &'a str| name.split_once('@').map_or(name, |(path, _)| path);
    let own = wanted.split_once('@').map_or(wanted, |(path, _)| path);
    let mut found = Vec::new();
    for export in exports {
        if export == wanted {
            found.push((2, None, export));
            continue;
        }
        // Most are of another interface altogether, which is seen without reading the name.
        if path(export) != own {
            continue;
        }
        let (Some(name), Some(other)) = (&name, InterfaceName::parse(export)) else {
            continue;
        };
        if (&name.package, &name.interface) != (&other.package, &other.interface) {
            continue;
        }
        match (&name.version, &other.version) {
            (Some(a), Some(b)) if compatible(a, b) => found.push((1, other.version, export)),
            (Some(_), Some(_)) => {}
            _ => found.push((0, other.version, export)),
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, _, export)| export).collect()
}

/// The left side of a dependency in `spin.toml`: which imports of a component it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ImportPattern {
    /// A plain kebab-case name: the import of exactly that name.
    Plain(String),
    /// A package, and perhaps one interface and an exact version of it.
    Package {
        /// The package that the import belongs to.
        package: PackageRef,
        /// The interface, or every interface of the package.
        interface: Option<String>,
        /// The exact version in the import's name, or any.
        version: Option<Version>,
    },
}

impl ImportPattern {
    /// Whether the import called `import` is meant. Versions are compared exactly, as Spin does.
    pub fn matches(&self, import: &str) -> bool {
        match self {
            Self::Plain(name) => name == import,
            Self::Package { package, interface, version } => {
                InterfaceName::parse(import).is_some_and(|name| {
                    name.package == *package
                        && interface.as_ref().is_none_or(|interface| *interface == name.interface)
                        && (version.is_none() || *version == name.version)
                })
            }
        }
    }
}

impl fmt::Display for ImportPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::Package { package, interface, version } => {
                write!(f, "{package}")?;
                interface.iter().try_for_each(|interface| write!(f, "/{interface}"))?;
                version.iter().try_for_each(|version| write!(f, "@{version}"))
            }
        }
    }
}

/// A text that is not a dependency name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a dependency name")]
pub struct PatternError(pub String);

impl PatternError {
    /// What to write instead.
    pub fn hint(&self) -> Option<String> {
        Some("write `ns:package`, `ns:package/interface@1.0.0` or a plain kebab-case name".to_owned())
    }
}

impl FromStr for ImportPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let error = || PatternError(text.to_owned());
        if text.parse::<Label>().is_ok() {
            return Ok(Self::Plain(text.to_owned()));
        }
        let (name, version) = split_version(text).ok_or_else(error)?;
        let (package, interface) = match name.split_once('/') {
            Some((package, interface)) => {
                interface.parse::<Label>().map_err(|_| error())?;
                (package, Some(interface.to_owned()))
            }
            None => (name, None),
        };
        Ok(Self::Package { package: package.parse().map_err(|_| error())?, interface, version })
    }
}

/// An import of a whole component by name, as the component model writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DependencyImport {
    /// `unlocked-dep=<ns:name@{>=1.0.0 <2.0.0}>`
    Unlocked { package: PackageRef, req: VersionReq },
    /// `locked-dep=<ns:name@1.2.0>,integrity=<sha256-…>`
    Locked { package: PackageRef, version: Option<Version>, integrity: Option<String> },
}

impl DependencyImport {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if let Some(rest) = name.strip_prefix("unlocked-dep=<") {
            let spec = rest.strip_suffix('>')?;
            let (package, req) = match spec.split_once('@') {
                None | Some((_, "*")) => (spec.split('@').next()?, VersionReq::STAR),
                Some((package, range)) => {
                    let bounds = range.strip_prefix('{')?.strip_suffix('}')?;
                    (package, bounds.split_whitespace().collect::<Vec<_>>().join(", ").parse().ok()?)
                }
            };
            return Some(Self::Unlocked { package: package.parse().ok()?, req });
        }
        let (spec, rest) = name.strip_prefix("locked-dep=<")?.split_once('>')?;
        let integrity = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(",integrity=<")?.strip_suffix('>')?.to_owned()),
        };
        let (package, version) = split_version(spec)?;
        Some(Self::Locked { package: package.parse().ok()?, version, integrity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_read_and_written() {
        for text in ["acme:hash/digest", "acme:hash/digest@1.2.0", "wasi:http/types@0.3.0-rc-2026-03-15"] {
            assert_eq!(InterfaceName::parse(text).unwrap().to_string(), text);
        }
        for text in
            ["init", "acme:hash", "acme:hash/", "acme/hash", "acme:hash/digest@one", "unlocked-dep=<a:b>"]
        {
            assert_eq!(InterfaceName::parse(text), None, "{text}");
        }
        for text in ["my-name", "acme:hash", "acme:hash@1.0.0", "acme:hash/digest", "acme:hash/digest@1.0.0"]
        {
            assert_eq!(text.parse::<ImportPattern>().unwrap().to_string(), text);
        }
        for text in ["", "My-Name", "acme:hash@1", "acme:/x", "a b"] {
            assert!(text.parse::<ImportPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn tracks_follow_semver() {
        let fits = |a: &str, b: &str| compatible(&version(a), &version(b));
        assert!(fits("1.0.0", "1.9.3") && fits("0.2.0", "0.2.12") && fits("0.0.7", "0.0.7"));
        assert!(!fits("1.0.0", "2.0.0") && !fits("0.2.0", "0.3.0") && !fits("0.0.7", "0.0.8"));
        assert!(fits("1.0.0-rc.1", "1.0.0-rc.1") && !fits("1.0.0-rc.1", "1.0.0"));
    }

    #[test]
    fn the_best_export_comes_first() {
        let exports = [
            "acme:hash/api@1.1.0",
            "init",
            "acme:hash/api",
            "acme:hash/api@1.10.0",
            "acme:hash/api@2.0.0",
            "acme:hash/other@1.1.0",
            "acme:hash/api@1.11.0-rc.1",
        ];
        let find = |name| candidates(name, exports.iter().copied());
        assert_eq!(
            find("acme:hash/api@1.1.0"),
            ["acme:hash/api@1.1.0", "acme:hash/api@1.10.0", "acme:hash/api"]
        );
        assert_eq!(
            find("acme:hash/api@1.2.0"),
            ["acme:hash/api@1.10.0", "acme:hash/api@1.1.0", "acme:hash/api"]
        );
        assert_eq!(find("acme:hash/api@1.11.0-rc.2"), ["acme:hash/api"]);
        assert_eq!(find("init"), ["init"]);
        assert_eq!(find("acme:hash/api")[..2], ["acme:hash/api", "acme:hash/api@2.0.0"]);
        assert!(find("missing").is_empty());
    }

    #[test]
    fn patterns_match_versions_exactly() {
        let matches = |pattern: &str, import| pattern.parse::<ImportPattern>().unwrap().matches(import);
        assert!(matches("acme:hash", "acme:hash/api@1.0.0") && matches("acme:hash", "acme:hash/api"));
        assert!(matches("acme:hash/api@1.0.0", "acme:hash/api@1.0.0"));
        assert!(!matches("acme:hash/api@1.0.0", "acme:hash/api@1.0.1"));
        assert!(!matches("acme:hash/api", "acme:hash/other") && !matches("acme:hash", "api"));
        assert!(matches("api", "api"));
    }

    #[test]
    fn dependency_imports_are_read() {
        let parse = DependencyImport::parse;
        let package: PackageRef = "acme:hash".parse().unwrap();
        for (text, req) in [
            ("unlocked-dep=<acme:hash@{>=1.0.0 <2.0.0}>", ">=1.0.0, <2.0.0"),
            ("unlocked-dep=<acme:hash@{>=1.0.0}>", ">=1.0.0"),
            ("unlocked-dep=<acme:hash@*>", "*"),
            ("unlocked-dep=<acme:hash>", "*"),
        ] {
            let expected = DependencyImport::Unlocked { package: package.clone(), req: req.parse().unwrap() };
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        assert_eq!(
            parse("locked-dep=<acme:hash@1.2.0>,integrity=<sha256-abc=>"),
            Some(DependencyImport::Locked {
                package,
                version: Some(version("1.2.0")),
                integrity: Some("sha256-abc=".to_owned())
            })
        );
        for text in
            ["unlocked-dep=<acme:hash@{one}>", "unlocked-dep=acme", "locked-dep=<acme:hash", "acme:hash"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
