//! Why a release is not a higher one, as far as the lockfile tells: what holds it below a version.
//!
//! Every requirement has a *ceiling*, the least version that it does not admit any more, or the greatest that it does.
//! The lowest ceiling of all that need a release is what holds it down.

use std::cmp::Ordering;

use semver::{Comparator, Op, Prerelease, Version, VersionReq};
use serde::Serialize;

use super::{Graph, NodeKind};

/// A requirement on a release, and who has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wish {
    /// The node that has it.
    pub from: usize,
    /// The requirement.
    pub requirement: String,
}

/// Where the requirements on a release end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// The version.
    pub version: Version,
    /// Whether it is admitted itself.
    pub inclusive: bool,
    /// The requirements that end there.
    pub by: Vec<Wish>,
}

impl Graph {
    /// The requirements on a node's version, each once for everyone who has it, in the order of the nodes.
    pub fn wishes_for(&self, target: usize) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for (from, node) in self.nodes.iter().enumerate() {
            for step in node.steps.iter().filter(|step| step.to == target && !step.overridden) {
                let wish = step.requirement.clone().map(|requirement| Wish { from, requirement });
                wishes.extend(wish.filter(|wish| !wishes.contains(wish)));
            }
        }
        wishes
    }

    /// What holds a node's version down; `None` if no requirement ends anywhere.
    pub fn bound_of(&self, target: usize) -> Option<Bound> {
        let mut bound: Option<Bound> = None;
        for wish in self.wishes_for(target) {
            let req = VersionReq::parse(&wish.requirement).ok();
            let Some((version, inclusive)) = req.as_ref().and_then(ceiling) else { continue };
            let here = (&version, inclusive);
            match bound
                .as_ref()
                .map_or(Ordering::Less, |lowest| here.cmp(&(&lowest.version, lowest.inclusive)))
            {
                Ordering::Less => bound = Some(Bound { version, inclusive, by: vec![wish] }),
                Ordering::Equal => bound.iter_mut().for_each(|lowest| lowest.by.push(wish.clone())),
                Ordering::Greater => {}
            }
        }
        bound
    }

    /// The versions of the same package that the app has beside this one and that are higher, lowest first.
    pub fn higher_than(&self, target: usize) -> Vec<Version> {
        let NodeKind::Package { package: name, .. } = &self.nodes[target].kind else { return Vec::new() };
        let same = |node: &usize| matches!(&self.nodes[*node].kind, NodeKind::Package { package, .. } if package == name);
        let version = self.version(target);
        let others = (0..self.nodes.len()).filter(same).filter_map(|node| self.version(node));
        let mut higher: Vec<Version> = others.filter(|other| Some(other) > version.as_ref()).collect();
        higher.sort();
        higher
    }
}

/// Where a requirement ends: a version, and whether it is admitted itself. `None`: nowhere.
fn ceiling(req: &VersionReq) -> Option<(Version, bool)> {
    req.comparators.iter().filter_map(of_comparator).min()
}

/// The same for a comparator, by the rules of the `semver` crate.
fn of_comparator(comparator: &Comparator) -> Option<(Version, bool)> {
    let Comparator { op, major, minor, patch, pre } = comparator;
    let (major, minor_or_0) = (*major, minor.unwrap_or_default());
    let below = |major, minor, patch| Some((Version::new(major, minor, patch), false));
    let next_major = || below(major.saturating_add(1), 0, 0);
    let next_minor = || below(major, minor_or_0.saturating_add(1), 0);
    let given = |patch: &u64, pre: &Prerelease| Version {
        pre: pre.clone(),
        ..Version::new(major, minor_or_0, *patch)
    };
    match (op, minor, patch) {
        (Op::Less, _, patch) => Some((given(&patch.unwrap_or_default(), pre), false)),
        (Op::Exact | Op::LessEq, _, Some(patch)) => Some((given(patch, pre), true)),
        (Op::Exact | Op::LessEq | Op::Wildcard | Op::Tilde, Some(_), _) => next_minor(),
        (Op::Caret, Some(0), Some(patch)) if major == 0 => below(0, 0, patch.saturating_add(1)),
        (Op::Caret, Some(_), _) if major == 0 => next_minor(),
        (Op::Exact | Op::LessEq | Op::Wildcard | Op::Tilde | Op::Caret, ..) => next_major(),
        // Greater ones have no end, and what is yet to be invented has none that is known.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ceiling_of(req: &str) -> Option<(String, bool)> {
        ceiling(&req.parse().unwrap()).map(|(version, inclusive)| (version.to_string(), inclusive))
    }

    #[test]
    fn a_requirement_ends_where_semver_says() {
        let below = |version: &str| Some((version.to_owned(), false));
        for (req, version) in [
            ("^1.2.3", "2.0.0"),
            ("1", "2.0.0"),
            ("^0.3.1", "0.4.0"),
            ("^0.0.7", "0.0.8"),
            ("^0.0", "0.1.0"),
            ("^0", "1.0.0"),
            ("~1.2.3", "1.3.0"),
            ("~1", "2.0.0"),
            ("1.2.*", "1.3.0"),
            ("=1.2", "1.3.0"),
            ("<=1", "2.0.0"),
            ("<1.2", "1.2.0"),
            (">=1.0, <1.2", "1.2.0"),
            ("<3, ^1", "2.0.0"),
            ("<1.2.3-rc.1", "1.2.3-rc.1"),
        ] {
            assert_eq!(ceiling_of(req), below(version), "{req}");
        }
        assert_eq!(ceiling_of("=1.2.3"), Some(("1.2.3".to_owned(), true)));
        assert_eq!(ceiling_of("<=1.2.3"), Some(("1.2.3".to_owned(), true)));
        for req in ["*", ">1", ">=1.2.3"] {
            assert_eq!(ceiling_of(req), None, "{req}");
        }
    }

    proptest! {
        #[test]
        fn nothing_above_the_ceiling_is_admitted(
            op in prop::sample::select(vec!["=", "<", "<=", "~", "^", ">", ">="]),
            major in 0_u64..3, minor in prop::option::of(0_u64..3), patch in prop::option::of(0_u64..3),
            versions in prop::collection::vec((0_u64..5, 0_u64..5, 0_u64..5), 20),
        ) {
            let minor_text = minor.map(|minor| format!(".{minor}")).unwrap_or_default();
            let patch_text = minor.and(patch).map(|patch| format!(".{patch}")).unwrap_or_default();
            let req: VersionReq = format!("{op}{major}{minor_text}{patch_text}").parse().unwrap();
            let end = ceiling(&req);
            for (major, minor, patch) in versions {
                let version = Version::new(major, minor, patch);
                if let Some((end, inclusive)) = &end {
                    let above = version > *end || (version == *end && !inclusive);
                    prop_assert!(!(above && req.matches(&version)), "{} admits {}, above {}", req, version, end);
                } else {
                    prop_assert!(req.matches(&Version::new(9, 9, 9)), "{} has no end", req);
                }
            }
        }
    }
}
