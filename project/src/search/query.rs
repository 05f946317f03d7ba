//! What was asked for, and how well something fits it.

use semver::{Version, VersionReq};
use spin_deps_component::{InterfaceName, compatible};
use wasm_pkg_common::package::PackageRef;

use crate::Error;

/// How well something fits, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// The name is the text.
    Name,
    /// An interface is called like this.
    Interface,
    /// The name begins with the text.
    NamePrefix,
    /// The name contains the text.
    NamePart,
    /// An interface's name begins with the text, or contains a text with a slash.
    InterfacePart,
    /// The name is the text but for a typing mistake.
    Similar,
}

/// What is looked for. All text is in lower case.
#[derive(Debug)]
pub(super) enum Query {
    /// A package, or an interface by its own name.
    Name(String),
    /// An interface of a package, in any version or in those that fit.
    Interface(InterfaceName, Versions),
    /// Something with a slash.
    Part(String),
}

/// Which versions of an interface are meant.
#[derive(Debug)]
pub(super) enum Versions {
    Any,
    /// Those that can stand for this one.
    Like(Version),
    Matching(VersionReq),
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim().to_lowercase();
        if text.is_empty() {
            return Err(Error::Unknown {
                message: "there is nothing to search for".to_owned(),
                hint: Some(
                    "give a part of a name, such as `hash`, or an interface, such as `acme:hash/digest`"
                        .into(),
                ),
            });
        }
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (text.as_str(), None),
        };
        let versions = match version.map(|version| (Version::parse(version), VersionReq::parse(version))) {
            None => Versions::Any,
            Some((Ok(version), _)) => Versions::Like(version),
            Some((_, Ok(req))) => Versions::Matching(req),
            Some((_, Err(error))) => {
                return Err(Error::Unknown {
                    message: format!("`{}` is no version: {error}", version.unwrap_or_default()),
                    hint: Some(
                        "a search is for a name, or for an interface with or without a version".into(),
                    ),
                });
            }
        };
        Ok(match InterfaceName::parse(name) {
            Some(interface) => Self::Interface(interface, versions),
            None if name.contains('/') => Self::Part(name.to_owned()),
            None => Self::Name(name.to_owned()),
        })
    }

    /// How the name of a package fits.
    pub(super) fn rank(&self, package: &PackageRef) -> Option<Rank> {
        let Self::Name(text) = self else { return None };
        let full = package.to_string();
        let (namespace, name) = (package.namespace().as_ref(), package.name().as_ref());
        let text = text.as_str();
        if text == full || text == name {
            return Some(Rank::Name);
        }
        if full.starts_with(text) || name.starts_with(text) {
            return Some(Rank::NamePrefix);
        }
        if full.contains(text) {
            return Some(Rank::NamePart);
        }
        // Short names are one typing mistake away from too many others.
        let mistakes = match text.chars().count() {
            0..=3 => 0,
            4..=5 => 1,
            _ => 2,
        };
        let near = |other: &str| strsim::levenshtein(text, other) <= mistakes;
        (near(&full) || near(name) || near(namespace)).then_some(Rank::Similar)
    }

    /// The order in which packages are looked at: by how well their names fit, then those of the interface's own
    /// package, then those of its namespace.
    pub(super) fn reading_order(
        &self,
        rank: Option<Rank>,
        package: &PackageRef,
    ) -> (bool, Option<Rank>, bool, bool) {
        let (own, near) = match self {
            Self::Interface(name, _) => {
                (*package == name.package, package.namespace() == name.package.namespace())
            }
            Self::Name(_) | Self::Part(_) => (false, false),
        };
        (rank.is_none(), rank, !own, !near)
    }

    /// The names of exports that fit.
    pub(super) fn interfaces(&self, exports: &[String]) -> Vec<(Rank, String)> {
        let fitting = exports.iter().filter_map(|export| {
            let name = InterfaceName::parse(export)?;
            Some((self.interface_rank(&name)?, export.clone()))
        });
        fitting.collect()
    }

    fn interface_rank(&self, name: &InterfaceName) -> Option<Rank> {
        match self {
            Self::Name(text) if *text == name.interface => Some(Rank::Interface),
            Self::Name(text) => name.interface.starts_with(text).then_some(Rank::InterfacePart),
            Self::Part(text) => {
                let full = format!("{}/{}", name.package, name.interface);
                full.contains(text).then_some(Rank::InterfacePart)
            }
            Self::Interface(wanted, versions) => {
                let same = wanted.package == name.package && wanted.interface == name.interface;
                let fits = match (versions, &name.version) {
                    (Versions::Any, _) | (_, None) => true,
                    (Versions::Like(wanted), Some(version)) => compatible(wanted, version),
                    (Versions::Matching(req), Some(version)) => req.matches(version),
                };
                (same && fits).then_some(Rank::Interface)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(text: &str, package: &str) -> Option<Rank> {
        Query::parse(text).unwrap().rank(&package.parse().unwrap())
    }

    #[test]
    fn a_name_fits_the_better_the_more_of_it_is_there() {
        for text in ["acme:hash", "hash", "HASH", " Acme:Hash "] {
            assert_eq!(rank(text, "acme:hash"), Some(Rank::Name), "{text}");
        }
        for text in ["acme", "acme:", "acme:ha", "ha"] {
            assert_eq!(rank(text, "acme:hash"), Some(Rank::NamePrefix), "{text}");
        }
        for text in ["as", "cme:ha", "sh"] {
            assert_eq!(rank(text, "acme:hash"), Some(Rank::NamePart), "{text}");
        }
        for text in ["hahs-table", "acme:hash-tabel", "hsh-table", "acne:hash-table"] {
            assert_eq!(rank(text, "acme:hash-table"), Some(Rank::Similar), "{text}");
        }
        for text in ["hxxh-table", "xyz", "has-", "h@1"] {
            assert!(!matches!(rank(text, "acme:tea"), Some(Rank::Similar)), "{text}");
        }
        // Three letters away from nothing are no typing mistake.
        assert_eq!(rank("abc", "acme:xyz"), None);
        assert_eq!(rank("tee", "acme:tea"), None);
    }

    fn interfaces(text: &str, exports: &[&str]) -> Vec<(Rank, String)> {
        let exports: Vec<String> = exports.iter().map(|it| (*it).to_owned()).collect();
        Query::parse(text).unwrap().interfaces(&exports)
    }

    #[test]
    fn an_interface_is_found_by_its_full_name_and_by_its_own() {
        let exports = [
            "acme:hash/digest@1.2.0",
            "acme:hash/digests@1.2.0",
            "shop:x/digest@2.0.0",
            "init",
            "a b/c",
            "\u{1b}",
        ];
        let names =
            |text: &str| interfaces(text, &exports).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names("acme:hash/digest"), [exports[0]]);
        assert_eq!(names("acme:hash/digest@1.0.0"), [exports[0]]);
        assert_eq!(names("acme:hash/digest@^1.1"), [exports[0]]);
        assert_eq!(names("acme:hash/digest@2.0.0"), [""; 0]);
        assert_eq!(names("digest"), exports[..3]);
        assert_eq!(interfaces("digest", &exports)[1].0, Rank::InterfacePart);
        assert_eq!(names("hash/dig"), exports[..2]);
        assert_eq!(names("init"), [""; 0]);
    }

    #[test]
    fn what_cannot_be_searched_for_is_said() {
        for text in ["", "  "] {
            assert_eq!(Query::parse(text).unwrap_err().to_string(), "there is nothing to search for");
        }
        let error = Query::parse("acme:hash/digest@new").unwrap_err().to_string();
        assert!(error.starts_with("`new` is no version: "), "{error}");
    }
}
