//! The dependency table: what a release needs, as its author published it.
//!
//! JSON, small and canonical, in two places: the custom section [`SECTION`] of the component, and the annotation
//! [`ANNOTATION`] of its OCI manifest, so that a resolver reads the edges without the Wasm. It exists because an
//! import's name alone says only `^1.2.0`, and because names cannot tell an interface with types only, which needs
//! nothing, from one that must be implemented.
//!
//! ```json
//! {"format_version":1,"dependencies":[{"package":"acme:hash","version":"^1.2.0"}]}
//! ```

use serde::{Deserialize, Serialize};
use wasm_pkg_common::package::{PackageRef, VersionReq};

/// The name of the custom section.
pub const SECTION: &str = "spin-deps";
/// The key of the OCI manifest annotation.
pub const ANNOTATION: &str = "dev.spin-deps.dependencies";
/// The version of the format that is written, and the only one that is read.
pub const FORMAT_VERSION: u32 = 1;

/// How much of a requirement is shown in a message, in characters.
const MAX_SHOWN: usize = 60;
/// The longest table that is read, in bytes.
const MAX_LENGTH: usize = 1024 * 1024;

/// The packages that a release needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DependencyTable {
    /// Always [`FORMAT_VERSION`] after reading.
    pub format_version: u32,
    /// One entry per package and range.
    pub dependencies: Vec<TableEntry>,
}

/// One dependency of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableEntry {
    /// The package that implements the imports of its name.
    pub package: PackageRef,
    /// The versions that will do.
    pub version: VersionReq,
}

/// Why a dependency table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The text is not a table.
    #[error("it is not a dependency table: {0}")]
    Malformed(String),
    /// A version requirement is none.
    #[error("its requirement `{requirement}` on {package} is not valid: {reason}")]
    Requirement {
        /// The package that is required.
        package: Box<PackageRef>,
        /// The text.
        requirement: Box<str>,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// Written by a newer tool.
    #[error("it has format version {0}, this version of spin-deps reads {FORMAT_VERSION}")]
    Version(u64),
    /// Longer than any honest table.
    #[error("it is {0} bytes long, at most {MAX_LENGTH} are read")]
    TooLong(usize),
    /// A component holds two tables.
    #[error("there is more than one")]
    Repeated,
    /// The section is not text.
    #[error("it is not UTF-8 text")]
    NotUtf8,
}

impl TableError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Version(_) => Some("a newer spin-deps published it: update spin-deps".to_owned()),
            _ => None,
        }
    }
}

/// A table as it is written, its requirements not read yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "format_version")]
    _format_version: u32,
    dependencies: Vec<WrittenEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntry {
    package: PackageRef,
    version: String,
}

impl WrittenEntry {
    fn read(self) -> Result<TableEntry, TableError> {
        let Self { package, version } = self;
        match version.parse() {
            Ok(version) => Ok(TableEntry { package, version }),
            Err(error) => {
                let requirement: String = version.chars().take(MAX_SHOWN).collect();
                Err(TableError::Requirement {
                    package: Box::new(package),
                    requirement: requirement.into(),
                    reason: error.to_string().into(),
                })
            }
        }
    }
}

impl DependencyTable {
    /// A table in canonical order, without repetition.
    pub fn new(dependencies: impl IntoIterator<Item = TableEntry>) -> Self {
        let mut dependencies: Vec<_> = dependencies.into_iter().collect();
        dependencies.sort_by_cached_key(|entry| (entry.package.clone(), entry.version.to_string()));
        dependencies.dedup();
        Self { format_version: FORMAT_VERSION, dependencies }
    }

    /// The canonical text: the same table gives the same bytes.
    pub fn to_json(&self) -> String {
        let sorted = Self::new(self.dependencies.iter().cloned());
        serde_json::to_string(&sorted).expect("a table has only strings and a number")
    }

    /// Reads a table, from the section or from the annotation.
    pub fn from_json(text: &str) -> Result<Self, TableError> {
        #[derive(Deserialize)]
        struct Probe {
            format_version: u64,
        }
        if text.len() > MAX_LENGTH {
            return Err(TableError::TooLong(text.len()));
        }
        let malformed = |error: serde_json::Error| TableError::Malformed(error.to_string());
        // The version comes first: what a newer format adds must be reported as newer, not as malformed.
        let probe: Probe = serde_json::from_str(text).map_err(malformed)?;
        if probe.format_version != u64::from(FORMAT_VERSION) {
            return Err(TableError::Version(probe.format_version));
        }
        let written: Written = serde_json::from_str(text).map_err(malformed)?;
        let dependencies = written.dependencies.into_iter().map(WrittenEntry::read);
        Ok(Self::new(dependencies.collect::<Result<Vec<_>, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(package: &str, version: &str) -> TableEntry {
        TableEntry { package: package.parse().unwrap(), version: version.parse().unwrap() }
    }

    #[test]
    fn the_text_is_canonical() {
        let table = DependencyTable::new([
            entry("acme:hash", "^2.0"),
            entry("acme:base", "=1.0.0"),
            entry("acme:hash", "^1.2.0"),
            entry("acme:base", "=1.0.0"),
        ]);
        let text = table.to_json();
        insta::assert_snapshot!(text, @r#"{"format_version":1,"dependencies":[{"package":"acme:base","version":"=1.0.0"},{"package":"acme:hash","version":"^1.2.0"},{"package":"acme:hash","version":"^2.0"}]}"#);
        assert_eq!(DependencyTable::from_json(&text).unwrap(), table);
    }

    #[test]
    fn what_is_not_a_table_is_refused() {
        let error = |text: &str| DependencyTable::from_json(text).unwrap_err().to_string();
        insta::assert_snapshot!(error(r#"{"format_version":2,"extra":[]}"#), @"it has format version 2, this version of spin-deps reads 1");
        insta::assert_snapshot!(error("[]"), @"it is not a dependency table: invalid length 0, expected struct Probe with 1 element at line 1 column 2");
        insta::assert_snapshot!(error(r#"{"format_version":1,"dependencies":[{"package":"acme","version":"1"}]}"#), @"it is not a dependency table: invalid package ref: missing expected ':' at line 1 column 53");
        insta::assert_snapshot!(error(r#"{"format_version":1,"dependencies":[],"more":1}"#), @"it is not a dependency table: unknown field `more`, expected `format_version` or `dependencies` at line 1 column 44");
        insta::assert_snapshot!(error(&" ".repeat(MAX_LENGTH + 1)), @"it is 1048577 bytes long, at most 1048576 are read");
        assert!(DependencyTable::from_json(r#"{"format_version":9}"#).unwrap_err().hint().is_some());
    }
}
