//! What an update changes, for who decides about it.

use std::{collections::BTreeMap, fmt::Display};

use futures::{StreamExt, stream};
use semver::Version;
use serde::Serialize;
use spin_deps_component::InterfaceChange;
use spin_deps_lockfile::{Change as LockChange, Lockfile};

use super::moves::series;
use crate::{
    Project,
    content::{content_of, without_secrets},
    diff::interface_changes,
    index::RegistryIndex,
};

/// Releases that are compared at once.
const CONCURRENT_COMPARISONS: usize = 16;

/// A release that comes, goes or moves.
#[derive(Clone, Debug, Serialize)]
pub struct Move {
    /// The package, or a URL without what may be secret.
    pub package: String,
    /// The version before; none for what comes.
    pub from: Option<Version>,
    /// The version after; none for what goes.
    pub to: Option<Version>,
    /// How far it is.
    pub kind: MoveKind,
    /// Capability keys that it can reach and could not before.
    pub gained: Vec<String>,
    /// Capability keys that it could reach and cannot any more.
    pub lost: Vec<String>,
    /// Whether the version before was withdrawn: why, which is empty where its author did not say so.
    pub yanked: Option<String>,
    /// What its interfaces have that they had not; none where there is nothing to compare, or it cannot be read.
    pub interfaces: Option<Interfaces>,
}

/// How far a release moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MoveKind {
    /// To another series, which promises nothing to the users of the old one.
    Major,
    /// Within the series, to a release with more in it.
    Minor,
    /// Within the series, to a release with less wrong in it.
    Patch,
    /// To a pre-release, or from one to the release itself.
    PreRelease,
    /// To another build of the same version.
    Build,
    /// To a lower version.
    Downgrade,
    /// It was not there.
    Added,
    /// It is gone.
    Removed,
    /// The version is the same, and what is behind it is not.
    OtherContent,
    /// Something else takes its place from now on.
    Overridden,
    /// Nothing takes its place any more.
    NotOverridden,
}

impl MoveKind {
    fn between(from: &Version, to: &Version) -> Self {
        let numbers = |it: &Version| (it.major, it.minor, it.patch);
        match to.cmp_precedence(from) {
            std::cmp::Ordering::Less => Self::Downgrade,
            std::cmp::Ordering::Equal => Self::Build,
            _ if !to.pre.is_empty() || numbers(from) == numbers(to) => Self::PreRelease,
            _ if series(from) != series(to) => Self::Major,
            _ if (from.major, from.minor) != (to.major, to.minor) => Self::Minor,
            std::cmp::Ordering::Greater => Self::Patch,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Patch => "patch",
            Self::PreRelease => "pre-release",
            Self::Build => "other build",
            Self::Downgrade => "downgrade",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::OtherContent => "same version, other content",
            Self::Overridden => "override",
            Self::NotOverridden => "no override any more",
        }
    }
}

impl Move {
    fn new(package: &dyn Display, kind: MoveKind) -> Self {
        Self {
            package: package.to_string(),
            from: None,
            to: None,
            kind,
            gained: Vec::new(),
            lost: Vec::new(),
            yanked: None,
            interfaces: None,
        }
    }

    /// The package with the version that it has afterwards.
    pub(super) fn release(&self) -> String {
        match self.to.as_ref().or(self.from.as_ref()) {
            Some(version) => format!("{} {version}", self.package),
            None => self.package.clone(),
        }
    }

    /// What moves by a change; none where that is only what is granted to it.
    fn of(change: LockChange) -> Option<Self> {
        Some(match change {
            LockChange::Granted { .. } => return None,
            LockChange::Overridden { name, .. } => Self::new(&name, MoveKind::Overridden),
            LockChange::NotOverridden { name } => Self::new(&name, MoveKind::NotOverridden),
            LockChange::Added { name, version, capabilities } => {
                Self { to: Some(version), gained: capabilities, ..Self::new(&name, MoveKind::Added) }
            }
            LockChange::Removed { name, version } => {
                Self { from: Some(version), ..Self::new(&name, MoveKind::Removed) }
            }
            LockChange::Updated { name, from, to, gained, lost } => {
                let kind = MoveKind::between(&from, &to);
                Self { from: Some(from), to: Some(to), gained, lost, ..Self::new(&name, kind) }
            }
            LockChange::Altered { name, version, gained, lost, .. } => Self {
                from: Some(version.clone()),
                to: Some(version),
                gained,
                lost,
                ..Self::new(&name, MoveKind::OtherContent)
            },
            LockChange::HttpAdded { url, capabilities } => {
                Self { gained: capabilities, ..Self::new(&without_secrets(&url), MoveKind::Added) }
            }
            LockChange::HttpRemoved { url } => Self::new(&without_secrets(&url), MoveKind::Removed),
            LockChange::HttpAltered { url, gained, lost, .. } => {
                Self { gained, lost, ..Self::new(&without_secrets(&url), MoveKind::OtherContent) }
            }
            LockChange::EnvironmentAdded { target } => Self::new(&target, MoveKind::Added),
            LockChange::EnvironmentRemoved { target } => Self::new(&target, MoveKind::Removed),
            LockChange::EnvironmentAltered { target } => Self::new(&target, MoveKind::OtherContent),
        })
    }
}

/// The exported interfaces that are not what they were in the release before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Interfaces {
    /// Each that differs, declaration by declaration.
    pub changes: Vec<InterfaceChange>,
    /// Whether something that was there is gone, or another.
    pub breaks: bool,
    /// All of it in a few words; empty if there is no difference.
    pub summary: String,
}

impl Interfaces {
    fn of(changes: Vec<InterfaceChange>) -> Self {
        let mut broken = changes.iter().flat_map(broken);
        let first = broken.next();
        let more = broken.count();
        let mut parts = Vec::new();
        if let Some(first) = &first {
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            parts.push(format!("breaks {first}{more}"));
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for change in &changes {
            if change.older.is_none() {
                *counts.entry("interface").or_default() += 1;
            } else {
                let new = change.items.iter().filter(|it| it.older.is_none());
                new.for_each(|it| *counts.entry(it.what).or_default() += 1);
            }
        }
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        parts.extend(counts.iter().map(|(what, count)| format!("+{count} {what}{}", plural(*count))));
        Self { breaks: first.is_some(), summary: parts.join(", "), changes }
    }
}

/// What is gone or another in an interface, each in a few words.
fn broken(change: &InterfaceChange) -> Vec<String> {
    let Some(older) = &change.older else { return Vec::new() };
    let name = own_name(older);
    if change.newer.is_none() {
        return vec![format!("{name}: removed")];
    }
    let items = change.items.iter().filter(|it| it.older.is_some());
    let happened = |newer: &Option<String>| if newer.is_some() { "changed" } else { "removed" };
    items.map(|it| format!("{name}: {} {} {}", happened(&it.newer), it.what, it.item)).collect()
}

/// `digest` of `acme:hash/digest@1.0.0`.
fn own_name(name: &str) -> &str {
    let unversioned = name.split_once('@').map_or(name, |(name, _)| name);
    unversioned.rsplit_once('/').map_or(unversioned, |(_, interface)| interface)
}

impl Project {
    /// What changes from one lock to another, with the interfaces of what moved.
    pub(super) async fn moves_between(
        &self,
        old: &Lockfile,
        new: &Lockfile,
        index: &RegistryIndex,
    ) -> Vec<Move> {
        let moves = old.diff(new).into_iter().map(|change| async move {
            let ends = match &change {
                LockChange::Updated { name, from, to, .. } => old.get(name, from).zip(new.get(name, to)),
                _ => None,
            };
            let mut moved = Move::of(change)?;
            if let Some((from, to)) = ends {
                moved.yanked = index.yanked(&from.name, &from.version).await;
                moved.interfaces =
                    match interface_changes(&self.registries, &content_of(from), &content_of(to)).await {
                        Ok(changes) => Some(Interfaces::of(changes)),
                        // Without it there is one thing less to decide by; what cannot be fetched or read fails later.
                        Err(error) => {
                            tracing::debug!(
                                "{} was not compared with {}: {error}",
                                moved.release(),
                                from.version
                            );
                            None
                        }
                    };
            }
            Some(moved)
        });
        let moves = stream::iter(moves.collect::<Vec<_>>()).buffered(CONCURRENT_COMPARISONS);
        moves.filter_map(|moved| async { moved }).collect().await
    }
}

#[cfg(test)]
mod tests {
    use super::{MoveKind, own_name};

    #[test]
    fn the_kind_follows_what_is_promised() {
        for (from, to, kind) in [
            ("1.2.3", "1.2.4", MoveKind::Patch),
            ("1.2.3", "1.3.0", MoveKind::Minor),
            ("1.2.3", "2.0.0", MoveKind::Major),
            ("0.3.1", "0.3.2", MoveKind::Patch),
            ("0.3.1", "0.4.0", MoveKind::Major),
            ("0.0.1", "0.0.2", MoveKind::Major),
            ("1.0.0", "2.0.0-rc.1", MoveKind::PreRelease),
            ("2.0.0-rc.1", "2.0.0", MoveKind::PreRelease),
            ("2.0.0", "2.0.0-rc.1", MoveKind::Downgrade),
            ("1.1.0", "1.0.9", MoveKind::Downgrade),
            ("1.0.0+a", "1.0.0+b", MoveKind::Build),
        ] {
            assert_eq!(
                MoveKind::between(&from.parse().unwrap(), &to.parse().unwrap()),
                kind,
                "{from} → {to}"
            );
        }
    }

    #[test]
    fn an_interface_is_told_by_its_own_name() {
        assert_eq!(own_name("acme:hash/digest@1.0.0"), "digest");
        assert_eq!(own_name("run"), "run");
    }
}
