//! What units reach for of the host, and what of that a grant lets through.
//!
//! A unit reaches for what its own imports are about, and for what those need that it brings. Of that it gets what it is
//! granted, and no more than that is ever recorded or told: a grant of `files` to what has no use for files is none. So
//! what effectively passes is one set of keys, both what the entry grants and what the unit can use, and it becomes
//! smaller on every step from a unit to what it needs. Two grants with the same effect are one and the same.

use std::{collections::BTreeMap, collections::BTreeSet, fmt};

use serde::Serialize;
use spin_deps_component::{Inspection, InterfaceName, Reach, capability, denied};
use spin_deps_lockfile::{EVERYTHING, HttpSource, Lockfile};
use spin_deps_manifest::Grant;

use crate::{Error, Project, content::Unit, error::capabilities_in_words, sync::units};

/// Capability keys, and [`EVERYTHING`] for an interface that no key covers.
pub(crate) type Keys = BTreeSet<String>;

/// The imports that are the host's to give, and that it may deny. A handler of requests is none of these: middleware
/// imports the next one, which the composition gives it.
pub(crate) fn of_host<'a>(imports: impl Iterator<Item = &'a str>) -> Vec<String> {
    let nothing = Keys::new();
    let imports = imports.filter(|import| denied(import, &nothing) && !is_next(import));
    let imports: BTreeSet<String> = imports.map(str::to_owned).collect();
    imports.into_iter().collect()
}

/// Whether an import is the next handler of a pipeline.
pub(crate) fn is_next(import: &str) -> bool {
    InterfaceName::parse(import)
        .is_some_and(|it| it.package.to_string() == "wasi:http" && it.interface == "handler")
}

/// The same of what was inspected.
pub(crate) fn host_imports(inspection: &Inspection) -> Vec<String> {
    of_host(inspection.imports.iter().map(|it| it.name.as_str()))
}

/// The keys that such imports are behind.
pub(crate) fn keys(imports: &[String]) -> Keys {
    imports.iter().map(|import| capability(import).unwrap_or(EVERYTHING).to_owned()).collect()
}

/// What a grant lets through of what is reached for.
pub(crate) fn passed(grant: &Grant, reached: &Keys) -> Keys {
    match grant {
        Grant::All => reached.clone(),
        Grant::Only(granted) => {
            granted.iter().map(ToString::to_string).filter(|it| reached.contains(it)).collect()
        }
    }
}

/// How much of the host a part of a composition may use to which these keys pass.
pub(crate) fn reach(passed: &Keys) -> Reach {
    if passed.contains(EVERYTHING) { Reach::All } else { Reach::Only(passed.clone()) }
}

/// What each of some units reaches for by itself, and the units that it needs.
#[derive(Default)]
pub(crate) struct Reaching(BTreeMap<Unit, (Keys, Vec<Unit>)>);

impl Reaching {
    pub(crate) fn contains(&self, unit: &Unit) -> bool {
        self.0.contains_key(unit)
    }

    pub(crate) fn add(&mut self, unit: Unit, keys: Keys, needs: Vec<Unit>) {
        self.0.insert(unit, (keys, needs));
    }

    pub(crate) fn needs(&self, unit: &Unit) -> &[Unit] {
        self.0.get(unit).map_or(&[], |(_, needs)| needs)
    }

    /// What each reaches for, through what it needs too. Units may need each other in a circle.
    pub(crate) fn closed(&self) -> BTreeMap<Unit, Keys> {
        let mut needed_by: BTreeMap<&Unit, Vec<&Unit>> = BTreeMap::new();
        for (unit, (_, needs)) in &self.0 {
            for need in needs {
                needed_by.entry(need).or_default().push(unit);
            }
        }
        let mut closed: BTreeMap<Unit, Keys> =
            self.0.iter().map(|(unit, (keys, _))| (unit.clone(), keys.clone())).collect();
        let mut open: Vec<&Unit> = self.0.keys().collect();
        while let Some(unit) = open.pop() {
            let Some(keys) = closed.get(unit).filter(|keys| !keys.is_empty()).cloned() else { continue };
            for user in needed_by.get(unit).into_iter().flatten() {
                let of_user = closed.entry((*user).clone()).or_default();
                let before = of_user.len();
                of_user.extend(keys.iter().cloned());
                if of_user.len() > before {
                    open.push(user);
                }
            }
        }
        closed
    }
}

/// Content that reaches for more than the lockfile records of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unrecorded {
    /// The content: `acme:auth@1.1.0`, or a URL.
    pub content: String,
    /// The keys of the capabilities that are not recorded.
    pub capabilities: Vec<String>,
    /// The interfaces of the host that it imports and that are not recorded, with their versions.
    pub imports: Vec<String>,
}

impl fmt::Display for Unrecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { content, capabilities, imports } = self;
        if capabilities.is_empty() {
            let imports: Vec<_> = imports.iter().map(|it| format!("`{it}`")).collect();
            write!(f, "{content} imports {} of the host", imports.join(", "))?;
        } else {
            write!(f, "{content} reaches for {}", capabilities_in_words(capabilities))?;
        }
        f.write_str(", which the lockfile does not record")
    }
}

/// What `lock` does not record of what a unit imports of the host; its reviewers were told something else. What is not
/// locked has no reviewers.
pub(crate) fn unrecorded(unit: &Unit, lock: &Lockfile, imports: &[String]) -> Option<Unrecorded> {
    let (known, recorded) = match unit {
        Unit::Package(package, version) => {
            lock.get(package, version).map(|it| (&it.capabilities, &it.imports))?
        }
        Unit::Url(url, digest) => {
            let same = |it: &&HttpSource| it.url == *url && it.digest.to_string() == *digest;
            lock.http.iter().find(same).map(|it| (&it.capabilities, &it.imports))?
        }
        Unit::File(_) => return None,
    };
    let covered = |key: &String| key == EVERYTHING || known.contains(key);
    let capabilities: Vec<_> = keys(imports).into_iter().filter(|key| !covered(key)).collect();
    let imports: Vec<_> = imports.iter().filter(|it| !recorded.contains(it)).cloned().collect();
    let more = !capabilities.is_empty() || !imports.is_empty();
    more.then(|| Unrecorded { content: unit.label(), capabilities, imports })
}

impl Project {
    /// All locked content that reaches for more than the lockfile records, which must fit. [`Self::compose`] refuses
    /// the first of it that it meets.
    pub async fn unrecorded(&self) -> Result<Vec<Unrecorded>, Error> {
        let Some(lock) = &self.lock else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for unit in units(lock) {
            let imports = host_imports(&self.outline(&unit, lock).await?.inspection());
            found.extend(unrecorded(&unit, lock, &imports));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> Unit {
        Unit::File(name.to_owned())
    }

    fn set(keys: &[&str]) -> Keys {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn what_is_needed_counts_also_in_a_circle() {
        let mut reaching = Reaching::default();
        reaching.add(file("app"), set(&[]), vec![file("a"), file("none")]);
        reaching.add(file("a"), set(&["files"]), vec![file("b")]);
        reaching.add(file("b"), set(&["variables"]), vec![file("a"), file("c")]);
        reaching.add(file("c"), set(&["all"]), vec![]);
        reaching.add(file("apart"), set(&["environment"]), vec![]);
        let closed = reaching.closed();
        let all = set(&["all", "files", "variables"]);
        assert_eq!(closed[&file("app")], all);
        assert_eq!((&closed[&file("a")], &closed[&file("b")]), (&all, &all));
        assert_eq!(closed[&file("c")], set(&["all"]));
        assert_eq!(closed[&file("apart")], set(&["environment"]));
    }

    #[test]
    fn a_grant_passes_what_is_used() {
        let granted = Grant::Only(["files".parse().unwrap(), "variables".parse().unwrap()].into());
        let used = set(&["all", "files", "environment"]);
        assert_eq!(passed(&granted, &used), set(&["files"]));
        assert_eq!(passed(&Grant::All, &used), used);
        assert_eq!(passed(&Grant::none(), &used), set(&[]));
        assert_eq!(reach(&set(&["files"])), Reach::Only(set(&["files"])));
        assert_eq!(reach(&used), Reach::All, "it takes a grant of all to cover what has no key");
    }

    #[test]
    fn imports_of_the_host_are_those_that_may_be_denied() {
        let imports = [
            "wasi:http/handler@0.3.0",
            "wasi:http/types@0.3.0",
            "wasi:cli/environment@0.2.0",
            "acme:hash/api@1.0.0",
            "spin:unheard/of@9.0.0",
        ];
        let of_host = of_host(imports.into_iter());
        assert_eq!(of_host, ["spin:unheard/of@9.0.0", "wasi:cli/environment@0.2.0"]);
        assert_eq!(keys(&of_host), set(&["all", "environment"]));
    }
}
