//! What is said of releases that were passed over because of their types.
//!
//! That a newer release is there and is not taken should not be a riddle. Of all that did not fit on the way, only that
//! is told which decided the answer, and of several releases only the highest.

use std::{cmp::Ordering, collections::BTreeMap};

use semver::Version;
use spin_deps_component::compatible;
use spin_deps_resolver::{Consumer, Mismatch, Resolution};
use wasm_pkg_common::package::PackageRef;

use super::TypedIndex;
use crate::requirements::Demand;

/// A release that does not fit a consumer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Passed {
    pub(super) by: By,
    pub(super) package: PackageRef,
    pub(super) version: Version,
    pub(super) mismatch: Mismatch,
}

/// Whom a release does not fit: the index of a requirement of the app, or a release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    App(usize),
    Release(PackageRef, Version),
}

impl By {
    pub(super) fn of(consumer: Consumer<'_>) -> Self {
        match consumer {
            Consumer::App(index) => Self::App(index),
            Consumer::Release(package, version) => Self::Release(package.clone(), version.clone()),
        }
    }
}

/// At most this many warnings are shown.
const SHOWN: usize = 8;
/// The longest declaration that is shown, in characters.
const LONGEST: usize = 300;

/// What a release that did not fit has decided.
enum Decided<'a> {
    /// Nothing: it is used, and the component has to be built again.
    Stale,
    /// A lower release is used in its place.
    Lower(&'a Version),
    /// A lower release of the one that it does not fit is used, which is of this package.
    LowerConsumer(&'a PackageRef, &'a Version),
}

impl Passed {
    /// What it has decided, if that can be seen in the answer.
    fn decided<'a>(&self, resolution: &'a Resolution) -> Option<Decided<'a>> {
        match &self.by {
            By::App(index) => {
                let chosen = resolution.roots.get(*index)?;
                match chosen.cmp(&self.version) {
                    Ordering::Less => Some(Decided::Lower(chosen)),
                    Ordering::Equal => Some(Decided::Stale),
                    Ordering::Greater => None,
                }
            }
            By::Release(package, version) => {
                if let Some(consumer) = resolution.get(package, version) {
                    let mut links = consumer.dependencies.iter();
                    let link = links
                        .find(|it| it.package == self.package && is_below(&it.version, &self.version))?;
                    return Some(Decided::Lower(&link.version));
                }
                resolution.get(&self.package, &self.version)?;
                let mut packages = resolution.packages.iter();
                let chosen = packages.find(|it| it.package == *package && is_below(&it.version, version))?;
                Some(Decided::LowerConsumer(&chosen.package, &chosen.version))
            }
        }
    }
}

/// Whether a release is a lower one of the same series.
fn is_below(a: &Version, b: &Version) -> bool {
    a < b && compatible(a, b)
}

impl TypedIndex {
    /// Whether something did not fit a component that may only have to be built again.
    pub(crate) fn refused_a_build(&self) -> bool {
        self.passed().iter().any(|passed| self.demand(passed).is_some_and(|demand| demand.build.is_some()))
    }

    /// What the user should know about the types of a resolution.
    pub(crate) fn warnings(&self, resolution: &Resolution) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut lower: BTreeMap<(&PackageRef, &Version), (Version, String)> = BTreeMap::new();
        let all = self.passed();
        for passed in &all {
            let (place, passed_over, text) = match passed.decided(resolution) {
                Some(Decided::Stale) => {
                    warnings.push(self.stale(passed));
                    continue;
                }
                Some(Decided::Lower(chosen)) => {
                    ((&passed.package, chosen), &passed.version, self.lower(passed, chosen))
                }
                Some(Decided::LowerConsumer(consumer, chosen)) => {
                    let By::Release(_, version) = &passed.by else { continue };
                    ((consumer, chosen), version, self.lower_consumer(passed, consumer, chosen))
                }
                None => continue,
            };
            if lower.get(&place).is_none_or(|(highest, _)| highest < passed_over) {
                lower.insert(place, (passed_over.clone(), text));
            }
        }
        warnings.extend(lower.into_values().map(|(_, text)| text));
        let rest = warnings.len().saturating_sub(SHOWN);
        warnings.truncate(SHOWN);
        if rest > 0 {
            warnings.push(format!("{rest} more releases do not fit by their types"));
        }
        warnings
    }

    fn demand(&self, passed: &Passed) -> Option<&Demand> {
        match &passed.by {
            By::App(index) => self.demands.get(index),
            By::Release(..) => None,
        }
    }

    /// The consumer, in the user's words.
    fn who(&self, passed: &Passed) -> String {
        match &passed.by {
            By::App(_) => self.demand(passed).map_or_else(|| "the app".into(), |demand| demand.who.clone()),
            By::Release(package, version) => format!("{package} {version}"),
        }
    }

    /// A component has to be built again.
    fn stale(&self, passed: &Passed) -> String {
        let (who, Passed { package, version, .. }) = (self.who(passed), passed);
        format!(
            "{who} was built against another {package} than {version}, build it again: {}",
            self.difference(passed)
        )
    }

    /// A lower release is used.
    fn lower(&self, passed: &Passed, chosen: &Version) -> String {
        let (who, Passed { package, version, .. }) = (self.who(passed), passed);
        let difference = self.difference(passed);
        match self.demand(passed).and_then(|demand| demand.build.as_ref()) {
            None => {
                format!("{package} {version} does not fit {who}, so {package} {chosen} is used: {difference}")
            }
            Some(id) => format!(
                "{package} {version} does not fit {who} as it was built, so {package} {chosen} is used: {difference}\n  \
                 to use it, run `spin-deps update {package} --precise {version}`, then build `{id}` again"
            ),
        }
    }

    /// A lower release of the consumer is used.
    fn lower_consumer(&self, passed: &Passed, consumer: &PackageRef, chosen: &Version) -> String {
        let (who, Passed { package, version, .. }) = (self.who(passed), passed);
        let difference = self.difference(passed);
        format!("{who} does not fit {package} {version}, so {consumer} {chosen} is used: {difference}")
    }

    /// Where the two differ.
    fn difference(&self, passed: &Passed) -> String {
        let release = format!("{} {}", passed.package, passed.version);
        match &passed.mismatch {
            Mismatch::Missing { import } => format!("{release} does not export `{}`", line(import)),
            Mismatch::Other { import, detail } => format!("in `{}`, {}", line(import), line(detail)),
            Mismatch::Differs { import, what, item, expected, found } => {
                let (import, item, who) = (line(import), line(item), self.who(passed));
                let width = who.chars().count().max(release.chars().count());
                let expected = format!("    {who:width$} imports  {}", line(expected));
                match found {
                    Some(found) => format!(
                        "in `{import}` the {what} `{item}` differs\n{expected}\n    {release:width$} exports  {}",
                        line(found)
                    ),
                    None => format!("in `{import}` the {what} `{item}` is missing\n{expected}"),
                }
            }
        }
    }
}

/// A text from a registry, on a line of its own.
fn line(text: &str) -> String {
    let mut line: String = text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}
