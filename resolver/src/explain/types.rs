//! Tells what does not fit by its types.

use std::collections::{BTreeMap, BTreeSet};

use pubgrub::VersionSet as _;
use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use super::Told;
use super::needs::{Need, edges};
use crate::facts::Dependent;
use crate::known::key_of;
use crate::set::VersionSet;
use crate::words::{list, runs, tame};
use crate::{Consumer, Mismatch};

/// Where the two sides of a difference begin.
const INDENT: &str = "\n        ";

/// That releases do not fit somebody.
pub(super) struct Misfit {
    pub(super) mismatch: Mismatch,
    /// The releases.
    pub(super) package: PackageRef,
    pub(super) releases: BTreeSet<Version>,
    dependent: Dependent,
    consumers: BTreeSet<Who>,
}

/// Whom a release does not fit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Requirement(usize),
    Release(Version),
}

impl Told<'_> {
    /// What does not fit this need. Releases that differ in the same way from the same consumers are told together.
    pub(super) fn misfits(&self, need: &Need) -> Vec<Misfit> {
        if self.solver.memory.borrow().learned.is_empty() {
            return Vec::new();
        }
        let mut by_consumer: BTreeMap<(Mismatch, Who), BTreeSet<Version>> = BTreeMap::new();
        for (who, version, mismatch) in self.pairs(need) {
            by_consumer.entry((mismatch, who)).or_default().insert(version);
        }
        let mut together: BTreeMap<(BTreeSet<Version>, Mismatch), BTreeSet<Who>> = BTreeMap::new();
        for ((mismatch, who), releases) in by_consumer {
            together.entry((releases, mismatch)).or_default().insert(who);
        }
        together
            .into_iter()
            .map(|((releases, mismatch), consumers)| Misfit {
                mismatch,
                package: need.package.clone(),
                releases,
                dependent: need.dependent.clone(),
                consumers,
            })
            .collect()
    }

    fn pairs(&self, need: &Need) -> Vec<(Who, Version, Mismatch)> {
        let mut pairs = Vec::new();
        let mut add = |who: &Who, consumer: Consumer<'_>, req: &VersionReq| {
            let memory = self.solver.memory.borrow();
            let narrowed = memory.learned.narrowed(consumer, &need.package, req);
            for (version, mismatch) in narrowed.iter().flat_map(|narrowed| &narrowed.misfits) {
                pairs.push((who.clone(), version.clone(), mismatch.clone()));
            }
        };
        match &need.dependent {
            Dependent::App => {
                for (at, asked) in need.asked.iter().zip(self.asked(&need.asked)) {
                    add(&Who::Requirement(*at), Consumer::App(*at), &asked.req);
                }
            }
            Dependent::Package(package) => {
                for chosen in self.chosen(package, &need.versions) {
                    let who = Who::Release(key_of(&chosen.version));
                    for edge in
                        edges(&chosen, &need.package).filter(|edge| VersionSet::of(&edge.req) == need.set)
                    {
                        add(&who, Consumer::Release(package, &chosen.version), &edge.req);
                    }
                }
            }
        }
        pairs
    }

    /// A clause, with the two types on lines of their own.
    pub(super) fn misfit(&self, misfit: &Misfit) -> String {
        let package = &misfit.package;
        let releases = union(&misfit.releases);
        let releases = runs(self.known(package).slots(), &releases);
        let verb = if releases.len() > 1 { "do" } else { "does" };
        let (consumers, importer) = match &misfit.dependent {
            Dependent::App => {
                let asked: Vec<usize> = misfit.consumers.iter().filter_map(Who::requirement).collect();
                let who = list(&self.origins(&asked), "and");
                (who.clone(), who)
            }
            Dependent::Package(dependent) => {
                let versions = misfit.consumers.iter().filter_map(Who::version);
                let (versions, _) = self.versions(dependent, &union(versions));
                (format!("{dependent} {versions}"), dependent.to_string())
            }
        };
        let why = match &misfit.mismatch {
            Mismatch::Missing { import } => format!("`{}` is not among the exports", tame(import)),
            Mismatch::Other { import, detail } => format!("in `{}`, {}", tame(import), tame(detail)),
            Mismatch::Differs { import, what, item, expected, found } => {
                let verb = if found.is_some() { "differs" } else { "is missing" };
                let imports = format!("{importer} imports");
                let exports = format!("{package} exports");
                let width = imports.chars().count().max(exports.chars().count());
                let line = |label: &str, text: &str| format!("{INDENT}{label:width$}  {}", tame(text));
                let found = found.as_ref().map(|found| line(&exports, found)).unwrap_or_default();
                let (import, item, expected) = (tame(import), tame(item), line(&imports, expected));
                format!("in `{import}` the {what} `{item}` {verb}{expected}{found}")
            }
        };
        format!("{package} {} {verb} not fit {consumers}: {why}", list(&releases, "and"))
    }
}

impl Who {
    fn requirement(&self) -> Option<usize> {
        match self {
            Self::Requirement(at) => Some(*at),
            Self::Release(_) => None,
        }
    }

    fn version(&self) -> Option<&Version> {
        match self {
            Self::Requirement(_) => None,
            Self::Release(version) => Some(version),
        }
    }
}

fn union<'v>(versions: impl IntoIterator<Item = &'v Version>) -> VersionSet {
    versions
        .into_iter()
        .fold(VersionSet::empty(), |all, version| all.union(&VersionSet::singleton(version.clone())))
}
