//! What a dependency inherits, and what to say about that.
//!
//! A dependency reaches for what its own imports are about, and for what those need that it brings. Of that it may get
//! what the component has, if the user says so; what is written is the explicit list of what was agreed to.

use std::collections::{BTreeMap, BTreeSet};

use spin_deps_component::{capability, needs};
use spin_deps_lockfile::Lockfile;
use spin_deps_manifest::{Capability, Component, Grant, Inherit};

use super::{AddOptions, source::Found};
use crate::{
    Asker, Error, Project,
    ask::{Choice, Question, QuestionKind},
    content::{Unit, select},
    reach::host_imports,
    suggest,
};

/// The capabilities that a source reaches for, each with the release it goes through, if not the source itself.
pub(super) type Reached = BTreeMap<Capability, Option<String>>;

impl Project {
    /// What the new entries of these components inherit: what the options say, else what is agreed to of what is reached
    /// for. `before` is what the entries inherit that the new ones take the place of.
    pub(super) async fn inherited(
        &self,
        found: &Found,
        reached: &Reached,
        parents: &[&Component],
        before: &[&Inherit],
        options: &AddOptions,
        asker: &dyn Asker,
    ) -> Result<Inherit, Error> {
        if !options.inherit.is_empty() {
            return Ok(Inherit::Only(named(&options.inherit, reached)?));
        }
        if reached.is_empty() || parents.is_empty() {
            return Ok(Inherit::Default);
        }
        let had: BTreeSet<Capability> = before.iter().flat_map(|it| listed(it)).collect();
        let question = question(found, reached, parents, &had);
        Ok(match question.ask(asker).await? {
            None => Inherit::Default,
            Some(chosen) if chosen.is_empty() && had.is_empty() => Inherit::Default,
            Some(chosen) => {
                Inherit::Only(chosen.iter().filter_map(|it| reached.keys().nth(*it).copied()).collect())
            }
        })
    }

    /// What a source reaches for, itself and through what it needs in the versions of `lock`.
    pub(super) fn reached(&self, found: &Found, lock: &Lockfile) -> Reached {
        let own = found.inspection.capabilities.iter().filter_map(|key| Some((key.parse().ok()?, None)));
        let mut reached: Reached = own.collect();
        let mut seen = BTreeSet::new();
        let needs = needs(&found.inspection).into_iter();
        let mut open: Vec<_> = needs.filter_map(|need| select(lock, &need.package, &need.req)).collect();
        while let Some(package) = open.pop() {
            if seen.insert((&package.name, &package.version)) {
                for key in package.capabilities.iter().filter_map(|key| key.parse().ok()) {
                    let through = Some(format!("{} {}", package.name, package.version));
                    reached.entry(key).or_insert(through);
                }
                open.extend(package.dependencies.iter().filter_map(|it| lock.get(&it.package, &it.version)));
                let overridden = package.overridden.iter();
                open.extend(overridden.filter_map(|it| match self.meets(&it.package, &it.req, lock) {
                    Ok(Unit::Package(package, version)) => lock.get(&package, &version),
                    _ => None,
                }));
            }
        }
        reached
    }
}

fn question(
    found: &Found,
    reached: &Reached,
    parents: &[&Component],
    had: &BTreeSet<Capability>,
) -> Question {
    let ids: Vec<_> = parents.iter().map(|it| format!("`{}`", it.id)).collect();
    let noun = if ids.len() == 1 { "component" } else { "components" };
    let choices = reached.iter().map(|(capability, through)| {
        let mut about = Vec::new();
        about.extend(through.as_ref().map(|release| format!("through {release}")));
        let requires = found.inspection.requires.iter().flat_map(spin_deps_component::Requires::by_key);
        let asks = requires.filter(|(key, values)| *key == capability.key() && !values.is_empty());
        about.extend(asks.map(|(_, values)| format!("asks for {}", values.join(", "))));
        let without = parents.iter().filter(|it| !it.declares(*capability));
        about.extend(without.map(|it| format!("{} has none", it.id)));
        let key = capability.key();
        Choice {
            value: key.to_owned(),
            label: if about.is_empty() { key.to_owned() } else { format!("{key} ({})", about.join("; ")) },
            chosen: if had.is_empty() {
                parents.iter().any(|it| it.declares(*capability))
            } else {
                had.contains(capability)
            },
        }
    });
    Question {
        text: format!("What may {} use of {noun} {}?", found.chosen, ids.join(", ")),
        kind: QuestionKind::Several { least: 0 },
        choices: choices.collect(),
        default: None,
        missing: format!("{} reaches for capabilities", found.chosen),
        advice: "name those that it may use with `--inherit`".into(),
    }
}

/// Says what will be denied to a dependency of what it reaches for.
pub(super) fn warnings(found: &Found, reached: &Reached, grant: &Grant) -> Vec<String> {
    let Grant::Only(granted) = grant else { return Vec::new() };
    let denied = reached.iter().filter(|(key, _)| !granted.contains(key)).map(|(key, through)| {
        let through = through.as_ref().map(|release| format!(", through {release},")).unwrap_or_default();
        format!(
            "{}{through} reaches for `{key}`, which will be denied to it; if it may, add `--inherit {key}`",
            found.chosen
        )
    });
    let imports = host_imports(&found.inspection).into_iter().filter(|it| capability(it).is_none());
    let without_key = imports.map(|import| {
        format!(
            "{} imports `{import}`, which no capability covers: it will be denied to it, unless \
             `inherit_configuration = true` lets everything through",
            found.chosen
        )
    });
    denied.chain(without_key).collect()
}

/// The capabilities that an entry lists.
fn listed(inherit: &Inherit) -> Vec<Capability> {
    match inherit {
        Inherit::Default | Inherit::All(false) => Vec::new(),
        Inherit::All(true) => Capability::ALL.to_vec(),
        Inherit::Only(list) => list.clone(),
    }
}

/// The capabilities that the options name: `all` is what is reached for now, never `true`.
fn named(keys: &[String], reached: &Reached) -> Result<Vec<Capability>, Error> {
    match keys {
        [only] if only == "none" => Ok(Vec::new()),
        [only] if only == "all" => Ok(reached.keys().copied().collect()),
        keys => {
            let parse = |key: &String| {
                key.parse().map_err(|_| Error::Unknown {
                    message: format!("`{key}` is not a capability"),
                    hint: Some(suggest::hint(key, Capability::ALL.map(Capability::key), "there are")),
                })
            };
            keys.iter().map(parse).collect()
        }
    }
}
