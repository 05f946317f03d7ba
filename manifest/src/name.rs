//! Names: of imports that a dependency satisfies, of components, of variables.
//!
//! A dependency's name says which imports of the component it satisfies: all of a package
//! (`acme:crypto`, `acme:crypto@1.0.0`), one interface (`acme:crypto/hash@1.0.0`) or one import
//! with a plain name (`checksum`).

use std::{fmt, str::FromStr};

use semver::Version;
use wasm_pkg_common::package::PackageRef;

/// The key of an entry of a component's `dependencies`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DependencyName {
    /// A kebab-case name without a package, such as `checksum`.
    Plain(String),
    /// The imports of a package, or of one of its interfaces.
    Package {
        /// The package that the component imports from.
        package: PackageRef,
        /// The interface, or `None` for all of the package.
        interface: Option<String>,
        /// The version in the import's name, or `None` for any.
        version: Option<Version>,
    },
}

impl DependencyName {
    /// The package, unless this is a plain name.
    pub fn package(&self) -> Option<&PackageRef> {
        match self {
            Self::Plain(_) => None,
            Self::Package { package, .. } => Some(package),
        }
    }

    /// The interface, if the name has one.
    pub fn interface(&self) -> Option<&str> {
        match self {
            Self::Plain(_) => None,
            Self::Package { interface, .. } => interface.as_deref(),
        }
    }

    /// The version, if the name has one.
    pub fn version(&self) -> Option<&Version> {
        match self {
            Self::Plain(_) => None,
            Self::Package { version, .. } => version.as_ref(),
        }
    }

    /// Whether the name stands for all that the component imports from a package.
    pub fn is_package_level(&self) -> bool {
        matches!(self, Self::Package { interface: None, .. })
    }

    /// Whether one import could match both names, which Spin does not allow.
    ///
    /// That is so for equal packages if neither the versions (by semver compatibility) nor the
    /// interfaces tell them apart; a name without a version or without an interface stands for any.
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let (
            Self::Package { package, interface, version },
            Self::Package { package: other_package, interface: other_interface, version: other_version },
        ) = (self, other)
        else {
            return self == other;
        };
        let versions_differ = match (version, other_version) {
            (Some(a), Some(b)) => compatibility(a) != compatibility(b),
            _ => false,
        };
        let interfaces_differ = match (interface, other_interface) {
            (Some(a), Some(b)) => a != b,
            _ => false,
        };
        package == other_package && !versions_differ && !interfaces_differ
    }
}

/// The part of a version that decides what it can stand in for.
pub(crate) type Compatibility<'a> = (u64, u64, u64, &'a str);

/// Versions with equal keys can stand in for each other: `1.x`, `0.3.x`, `0.0.7`; a pre-release only for itself.
pub(crate) fn compatibility(version: &Version) -> Compatibility<'_> {
    let Version { major, minor, patch, pre, .. } = version;
    match (major, minor) {
        _ if !pre.is_empty() => (*major, *minor, *patch, pre.as_str()),
        (0, 0) => (0, 0, *patch, ""),
        (0, minor) => (0, *minor, 0, ""),
        (major, _) => (*major, 0, 0, ""),
    }
}

impl fmt::Display for DependencyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::Package { package, interface, version } => {
                write!(f, "{package}")?;
                if let Some(interface) = interface {
                    write!(f, "/{interface}")?;
                }
                if let Some(version) = version {
                    write!(f, "@{version}")?;
                }
                Ok(())
            }
        }
    }
}

/// The text is not the name of a dependency; the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(pub(crate) String);

impl FromStr for DependencyName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.contains([':', '/']) {
            return match text.split_once('@') {
                Some((name, _)) => Err(InvalidName(format!(
                    "a version can only follow a package, as in `acme:{name}@1.0.0`"
                ))),
                None => check_kebab(text).map(|()| Self::Plain(text.to_owned())).map_err(InvalidName),
            };
        }
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => {
                let parsed = Version::parse(version)
                    .map_err(|e| InvalidName(format!("`{version}` is not a full version: {e}")))?;
                (path, Some(parsed))
            }
            None => (text, None),
        };
        let (package, interface) = match path.split_once('/') {
            Some((package, interface)) => {
                check_label(interface)
                    .map_err(|reason| InvalidName(format!("invalid interface `{interface}`: {reason}")))?;
                (package, Some(interface.to_owned()))
            }
            None => (path, None),
        };
        let package = parse_package(package)
            .map_err(|reason| InvalidName(format!("invalid package `{package}`: {reason}")))?;
        Ok(Self::Package { package, interface, version })
    }
}

/// Reads `namespace:name`; the error is the rule that the text breaks.
pub(crate) fn parse_package(text: &str) -> Result<PackageRef, String> {
    let Some((namespace, name)) = text.split_once(':') else {
        return Err("it must be `namespace:name`".to_owned());
    };
    for part in [namespace, name] {
        check_lower_label(part)?;
    }
    text.parse().map_err(|_| "it must be `namespace:name`".to_owned())
}

/// The rule of package names: kebab-case, each word beginning with a lower-case letter.
fn check_lower_label(text: &str) -> Result<(), String> {
    for word in text.split('-') {
        let well_begun = word.starts_with(|c: char| c.is_ascii_lowercase());
        if !well_begun || !word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) {
            return Err(
                "both parts must be lower-case letters and digits in words joined by `-`, each word \
                        beginning with a letter"
                    .to_owned(),
            );
        }
    }
    Ok(())
}

/// The rule of component ids: the component model's kebab-case, with colons allowed inside words.
pub(crate) fn check_kebab(text: &str) -> Result<(), String> {
    check_words(text, '-', true)
}

fn check_label(text: &str) -> Result<(), String> {
    if text.contains(':') {
        return Err("`:` is not allowed here".to_owned());
    }
    check_words(text, '-', true)
}

/// The rule of variable names.
pub(crate) fn check_lower_snake(text: &str) -> Result<(), String> {
    check_words(text, '_', false)
}

/// The rule of the labels of key-value stores and databases: kebab-case or `snake_case`.
pub(crate) fn check_store_label(text: &str) -> Result<(), String> {
    if check_words(text, '_', true).is_ok() { Ok(()) } else { check_words(text, '-', true) }
}

fn check_words(text: &str, separator: char, upper: bool) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    let other = if separator == '-' { '_' } else { '-' };
    if text.contains(other) {
        return Err(format!("its words must be joined by `{separator}`, not `{other}`"));
    }
    for (index, word) in text.split(separator).enumerate() {
        let Some(first) = word.chars().next() else {
            return Err(format!("there must be a word on both sides of every `{separator}`"));
        };
        if !(first.is_ascii_alphabetic() || index > 0 && first.is_ascii_digit()) {
            return Err(format!("a word cannot begin with `{}`", first.escape_default()));
        }
        let capital = first.is_ascii_uppercase();
        for c in word.chars() {
            if c.is_ascii_alphabetic() {
                if c.is_ascii_uppercase() != capital {
                    return Err(format!("the word `{word}` mixes upper and lower case"));
                }
            } else if !c.is_ascii_digit() && c != ':' {
                return Err(format!("`{}` is not allowed in it", c.escape_default()));
            }
        }
        if capital && !upper {
            return Err("it must be lower case".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DependencyName {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_round_trips() {
        for text in [
            "checksum",
            "my-name",
            "acme:crypto",
            "acme:crypto@1.0.0",
            "acme:crypto/hash",
            "acme:crypto/hash@1.0.0-rc.1+build.5",
        ] {
            assert_eq!(name(text).to_string(), text);
        }
        assert!(name("acme:crypto@1.0.0").is_package_level());
        assert!(!name("acme:crypto/hash").is_package_level());
        assert!(!name("checksum").is_package_level());
    }

    #[test]
    fn bad_names_say_why() {
        let reason = |text: &str| text.parse::<DependencyName>().unwrap_err().to_string();
        insta::assert_snapshot!(reason(""), @"it is empty");
        insta::assert_snapshot!(reason("snake_case"), @"its words must be joined by `-`, not `_`");
        insta::assert_snapshot!(reason("crypto@1.0.0"), @"a version can only follow a package, as in `acme:crypto@1.0.0`");
        insta::assert_snapshot!(reason("acme:crypto@1"), @"`1` is not a full version: unexpected end of input while parsing major version number");
        insta::assert_snapshot!(reason("acme/crypto"), @"invalid package `acme`: it must be `namespace:name`");
        insta::assert_snapshot!(reason("acme:Crypto"), @"invalid package `acme:Crypto`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter");
        insta::assert_snapshot!(reason("acme:crypto/a/b"), @"invalid interface `a/b`: `/` is not allowed in it");
        insta::assert_snapshot!(reason("mixedCase"), @"the word `mixedCase` mixes upper and lower case");
        insta::assert_snapshot!(reason("a--b"), @"there must be a word on both sides of every `-`");
        insta::assert_snapshot!(reason("a-\u{1b}[1m"), @r"a word cannot begin with `\u{1b}`");
    }

    #[test]
    fn conflicts() {
        let conflict = |a, b| {
            assert_eq!(name(a).conflicts_with(&name(b)), name(b).conflicts_with(&name(a)), "{a} {b}");
            name(a).conflicts_with(&name(b))
        };
        assert!(conflict("a:b", "a:b/c"));
        assert!(conflict("a:b@1.0.0", "a:b"));
        assert!(conflict("a:b@1.0.0", "a:b@1.2.0"));
        assert!(conflict("a:b/c@1.0.0", "a:b/c@1.2.0"));
        assert!(conflict("a:b/c@1.0.0", "a:b@1.2.0"));
        assert!(!conflict("a:b@1.0.0", "a:b@2.0.0"));
        assert!(!conflict("a:b@0.1.0", "a:b@0.2.0"));
        assert!(!conflict("a:b@0.0.1", "a:b@0.0.2"));
        assert!(!conflict("a:b@1.0.0", "a:b@1.0.0-rc.1"));
        assert!(!conflict("a:b/c@1.0.0", "a:b/d@1.0.0"));
        assert!(!conflict("a:b", "a:c"));
        assert!(!conflict("a", "a:a"));
    }

    #[test]
    fn store_labels_are_kebab_or_snake() {
        assert!(check_store_label("my-store").is_ok());
        assert!(check_store_label("my_store").is_ok());
        assert!(check_store_label("my-other_store").is_err());
        assert!(check_lower_snake("api_host").is_ok());
        assert!(check_lower_snake("API_HOST").is_err());
        assert!(check_lower_snake("api-host").is_err());
    }
}
