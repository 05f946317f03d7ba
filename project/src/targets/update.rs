//! What environments there are, and what they are today.

use std::{collections::BTreeSet, path::Path};

use serde::Serialize;
use spin_deps_lockfile::{Environment, EnvironmentRef, Lockfile};
use wasm_pkg_common::digest::ContentDigest;

use super::{catalogue, definition::Definition};
use crate::{Error, Project, change::Change};

/// An environment that is known.
#[derive(Clone, Debug, Serialize)]
pub struct KnownTarget {
    /// Its name in the catalogue, the URL or the file of its definition.
    pub environment: String,
    /// What it offers, by kind of trigger; what it offers to all others last.
    pub offers: Vec<TargetOffer>,
    /// Whether the app, or a component of it, has it as a target.
    pub used: bool,
}

/// What an environment offers to the triggers of a kind.
#[derive(Clone, Debug, Serialize)]
pub struct TargetOffer {
    /// The kind; `None` for all that are not listed.
    pub trigger: Option<String>,
    /// The worlds of which a component has to fit one.
    pub worlds: Vec<String>,
    /// What the environment can do besides.
    pub capabilities: Vec<String>,
}

/// What `targets update` did.
#[derive(Clone, Debug, Serialize)]
pub struct TargetsUpdate {
    /// Each environment that was looked at.
    pub environments: Vec<TargetUpdate>,
    /// Whether the lockfile was written.
    pub written: bool,
}

/// What became of an environment.
#[derive(Clone, Debug, Serialize)]
pub struct TargetUpdate {
    /// Its name in the catalogue, the URL or the file of its definition.
    pub environment: String,
    /// The digest of its definition now; a file has none.
    pub digest: Option<ContentDigest>,
    /// Whether that, or a package of its worlds, is not what it was before.
    pub changed: bool,
}

impl Project {
    /// The environments of the catalogue, as far as it is known, and those of the app. Makes no request for the former.
    pub async fn known_targets(&self) -> Result<Vec<KnownTarget>, Error> {
        let used = self.targets();
        let names = catalogue::names(&self.registries).await.into_iter().map(EnvironmentRef::Name);
        let all: BTreeSet<EnvironmentRef> = used.iter().cloned().chain(names).collect();
        let mut known = Vec::new();
        for target in all {
            let locked = self.lock.iter().flat_map(|lock| &lock.environments).find(|it| it.target == target);
            let definition = match locked {
                Some(environment) => self.definition_of(environment).await,
                None => self.definition_now(&target).await.map(|(definition, _)| definition),
            };
            let (environment, used) = (target.to_string(), used.contains(&target));
            let definition = match definition {
                Ok(definition) => definition,
                // What the app does not use, and cannot be had now, is no concern of its user.
                Err(_) if !used => continue,
                Err(error) => return Err(error),
            };
            known.push(KnownTarget { environment, offers: offers(&definition), used });
        }
        Ok(known)
    }

    /// Asks what the environments are now, those of the app or the given ones, and moves the lockfile to it.
    pub async fn update_targets(&mut self, names: &[String]) -> Result<TargetsUpdate, Error> {
        if let Some(because) = self.settings.locked_because() {
            return Err(Error::Unknown {
                message: format!(
                    "`targets update` moves what is locked, and `{because}` forbids to change spin-deps.lock"
                ),
                hint: Some(format!("leave out `{because}`")),
            });
        }
        let used = self.targets();
        let asked: BTreeSet<EnvironmentRef> = match names {
            [] => used.clone(),
            names => names.iter().map(|name| self.named_target(name)).collect(),
        };
        let mut environments = Vec::new();
        let mut lockfile = self.lock.clone().unwrap_or_default();
        for target in asked {
            let learned = match &target {
                EnvironmentRef::Name(name) => {
                    let before = self.definition_before(name).await;
                    let now = self.ask_catalogue(name).await?.1;
                    before != now
                }
                _ => false,
            };
            let environment = self.environment_now(&target, None).await?;
            let digest = environment.digest.clone();
            let changed = match (used.contains(&target), position(&lockfile, &target)) {
                (true, Some(at)) => {
                    let before = std::mem::replace(&mut lockfile.environments[at], environment);
                    !same(&before, &lockfile.environments[at])
                }
                (true, None) => {
                    lockfile.environments.push(environment);
                    true
                }
                (false, _) => learned,
            };
            environments.push(TargetUpdate { environment: target.to_string(), digest, changed });
        }
        lockfile.sort();
        let written = self.lock.as_ref() != Some(&lockfile) && !lockfile.environments.is_empty();
        if written {
            let mut change = Change::default();
            change.write(&self.lock_path(), lockfile.to_text().as_bytes())?;
            change.keep();
            self.lock = Some(lockfile);
        }
        Ok(TargetsUpdate { environments, written })
    }

    /// What a user calls an environment: a name of the catalogue, a URL, or a file.
    pub(super) fn named_target(&self, text: &str) -> EnvironmentRef {
        let known = self.targets().into_iter().find(|target| target.to_string() == text);
        if let Some(known) = known {
            return known;
        }
        match text.parse() {
            Ok(url) if text.contains("://") => EnvironmentRef::Url(url),
            _ if text.contains('/') || Path::new(text).extension().is_some_and(|it| it == "toml") => {
                EnvironmentRef::Path(self.settings.current_dir.join(text).display().to_string())
            }
            _ => EnvironmentRef::Name(text.to_owned()),
        }
    }

    /// The digest of the definition that a name stood for until now.
    async fn definition_before(&self, name: &str) -> Option<ContentDigest> {
        let built_in = || catalogue::built_in(name).map(|it| spin_deps_registry::digest_of(it.as_bytes()));
        catalogue::learned(&self.registries, name).await.or_else(built_in)
    }
}

fn position(lockfile: &Lockfile, target: &EnvironmentRef) -> Option<usize> {
    lockfile.environments.iter().position(|it| it.target == *target)
}

/// Whether two states of an environment are the same, whatever the order of its packages.
fn same(a: &Environment, b: &Environment) -> bool {
    a.digest == b.digest
        && a.packages.len() == b.packages.len()
        && a.packages.iter().all(|package| b.packages.contains(package))
}

fn offers(definition: &Definition) -> Vec<TargetOffer> {
    let offers = definition.offers().map(|(trigger, offer)| TargetOffer {
        trigger: trigger.map(str::to_owned),
        worlds: offer.worlds.iter().map(ToString::to_string).collect(),
        capabilities: offer.capabilities.clone(),
    });
    offers.collect()
}
