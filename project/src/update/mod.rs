//! `update`: moving what is locked to newer releases.
//!
//! An update is planned first and carried out then, so that whoever asked for it sees what would change before
//! anything does. The plan asks the registries, moves what is to move (see [`moves`]) and looks at what that means: how
//! far each release went, what it can reach now, and what its interfaces have that they had not. A package that could
//! reach more than before is a reason to stop; that decision is the caller's. Carrying the plan out is writing two files,
//! or none.

mod changes;
pub(crate) mod moves;
mod rewrite;

use std::collections::BTreeSet;

use semver::Version;
use serde::Serialize;
use spin_deps_lockfile::{Change as LockChange, Lockfile, Package};
use spin_deps_manifest::Document;
use spin_deps_registry::Listed;
use spin_deps_resolver::{Index, Preference, Resolution};
use wasm_pkg_common::package::PackageRef;

pub use self::changes::{Interfaces, Move, MoveKind};
use self::moves::{Aim, Id, Refusal, moved, series};
use crate::{
    Error, LockOutcome, LockStatus, Project,
    change::Change,
    files,
    index::RegistryIndex,
    lock::choose,
    requirements::{Requirements, exactly},
    suggest,
};

/// What is to move, as the command line has it.
#[derive(Clone, Debug, Default)]
pub struct UpdateOptions {
    /// The packages, each with the release that is meant where several are locked; all if there is none.
    pub packages: Vec<(PackageRef, Option<Version>)>,
    /// The version that the one package is to have.
    pub precise: Option<Version>,
    /// Rewrite requirements of the manifest that do not admit the newest release.
    pub breaking: bool,
    /// Nothing will be written.
    pub dry_run: bool,
}

/// What an update would do.
#[derive(Debug)]
pub struct UpdatePlan {
    /// The releases that come, go and move, by package.
    pub moves: Vec<Move>,
    /// The requirements of the manifest that are rewritten, in its order.
    pub rewrites: Vec<Rewrite>,
    /// What is granted more or less than before, in words.
    pub grants: Vec<String>,
    /// How many packages have a newer release even then.
    pub behind: usize,
    /// What the user should know, such as a yanked release that is still used.
    pub warnings: Vec<String>,
    /// Whether there was a lockfile, with capabilities that somebody has agreed to.
    was_locked: bool,
    lockfile: Lockfile,
    document: Option<Document>,
}

/// A requirement of the manifest that is rewritten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rewrite {
    /// Who asks, in the user's words: "component `api`".
    pub origin: String,
    /// The package.
    pub package: PackageRef,
    /// The requirement as it is written now.
    pub from: String,
    /// The requirement that takes its place.
    pub to: String,
}

impl UpdatePlan {
    /// Whether everything stays as it is.
    pub fn is_empty(&self) -> bool {
        self.moves.is_empty() && self.rewrites.is_empty() && self.grants.is_empty()
    }

    /// Why the update should not be carried out without asking: what could reach more than before.
    pub fn refusal(&self) -> Option<Error> {
        let gaining = self.moves.iter().filter(|it| !it.gained.is_empty());
        let gains: Vec<_> = gaining.map(|it| (it.release(), it.gained.clone())).collect();
        (self.was_locked && !gains.is_empty()).then_some(Error::Gains { gains })
    }
}

impl Project {
    /// Plans an update. Writes nothing. Asks the registries as far as the settings allow: a list of versions that is
    /// not older than [`listing_ttl`](crate::Settings::listing_ttl) is not asked for again.
    pub async fn plan_update(&self, options: &UpdateOptions) -> Result<UpdatePlan, Error> {
        if let (Some(because), false) = (self.settings.locked_because(), options.dry_run) {
            return Err(Error::UpdateForbidden { because });
        }
        let nothing = Lockfile::default();
        let lock = self.lock.as_ref().unwrap_or(&nothing);
        let named = self.named(&options.packages)?;
        let aim = match &options.precise {
            Some(to) => Aim::Precise { from: which(lock, &options.packages, to)?, to: to.clone() },
            None if options.packages.is_empty() => Aim::All,
            None => Aim::Some(named),
        };
        let (document, rewrites) = if options.breaking {
            self.rewritten(&aim, &options.packages).await?
        } else {
            (None, Vec::new())
        };
        let manifest = document.as_ref().map_or(self.manifest(), Document::manifest);
        let requirements = self.requirements(manifest, self.lock.as_ref()).await?;
        let moved = self.moved(&requirements, &aim).await;
        // The text that the places are in is not in the file yet.
        let explained = |error| {
            if document.is_some() { error } else { self.with_override(self.with_entry(&requirements, error)) }
        };
        let (resolution, index) = moved.map_err(explained)?;
        let lockfile = self.lockfile(&requirements, &resolution, &index).await?;
        let mut behind = 0;
        for package in &lockfile.packages {
            let listed = index.listed(&package.name).await?;
            behind += usize::from(newest(&listed, &package.version).is_some_and(|it| *it > package.version));
        }
        let mut warnings = resolution.warnings;
        warnings.extend(requirements.warnings(&lockfile));
        let changes = lock.diff(&lockfile);
        let grants = changes.iter().filter(|it| matches!(it, LockChange::Granted { .. }));
        let grants = grants.map(ToString::to_string).collect();
        Ok(UpdatePlan {
            moves: self.moves_between(lock, &lockfile, &index).await,
            rewrites,
            grants,
            behind,
            warnings,
            was_locked: self.lock.is_some(),
            lockfile,
            document,
        })
    }

    /// Carries a plan out: writes what it changes of the manifest and the lockfile, both or none. Nothing is fetched.
    pub fn update(&mut self, plan: UpdatePlan) -> Result<LockOutcome, Error> {
        if let Some(because) = self.settings.locked_because() {
            return Err(Error::UpdateForbidden { because });
        }
        self.check_unchanged()?;
        let mut change = Change::default();
        if let Some(document) = &plan.document {
            change.write(&self.manifest_path, document.text().as_bytes())?;
        }
        let changes = self.lock.as_ref().unwrap_or(&Lockfile::default()).diff(&plan.lockfile);
        let status = if self.lock.as_ref() == Some(&plan.lockfile) {
            LockStatus::UpToDate
        } else {
            change.write(&self.lock_path(), plan.lockfile.to_text().as_bytes())?;
            LockStatus::Written
        };
        change.keep();
        self.document = plan.document.unwrap_or_else(|| self.document.clone());
        self.lock = Some(plan.lockfile.clone());
        Ok(LockOutcome { lockfile: plan.lockfile, changes, status, repaired: None, warnings: plan.warnings })
    }

    /// The releases after the move, and the index that knows them.
    pub(crate) async fn moved(
        &self,
        requirements: &Requirements,
        aim: &Aim,
    ) -> Result<(Resolution, RegistryIndex), Error> {
        let (registries, lock) = (self.registries.clone(), self.lock.as_ref());
        let moves = |it: &Package| aim.moves(&it.name, &it.version);
        let index = RegistryIndex::for_update(registries, requirements, lock, Preference::Highest, moves);
        let (asked, on) = (requirements.packages.clone(), aim.clone());
        let lock = self.lock.clone().unwrap_or_default();
        let search = move |index: &dyn Index| moved(&asked, &lock, &on, index);
        let outcome = choose(requirements, &index, search).await?;
        match outcome {
            Ok(resolution) => Ok((resolution, index)),
            Err(Refusal::Failure(failure)) => Err(match aim {
                Aim::Precise { from: (package, _), to } => no_such(&index, package, to).await?,
                Aim::All | Aim::Some(_) => None,
            }
            .unwrap_or_else(|| failure.into())),
            Err(Refusal::Unused) => Err(self.unused(requirements, aim)),
        }
    }

    /// The locked releases that the user names.
    fn named(&self, packages: &[(PackageRef, Option<Version>)]) -> Result<BTreeSet<Id>, Error> {
        if packages.is_empty() {
            return Ok(BTreeSet::new());
        }
        let Some(lock) = &self.lock else {
            return Err(Error::Unknown {
                message: "there is no spin-deps.lock yet".into(),
                hint: Some("run `spin-deps lock`: it takes the newest releases that fit".into()),
            });
        };
        let mut found = BTreeSet::new();
        for (package, version) in packages {
            let releases: Vec<_> = lock.releases(package).map(|it| it.version.clone()).collect();
            if releases.is_empty() {
                let known: BTreeSet<_> = lock.packages.iter().map(|it| it.name.to_string()).collect();
                return Err(Error::Unknown {
                    message: format!("{package} is not in spin-deps.lock"),
                    hint: Some(suggest::hint(
                        &package.to_string(),
                        known.iter().map(String::as_str),
                        "it has",
                    )),
                });
            }
            if let Some(version) = version
                && !releases.contains(version)
            {
                return Err(Error::Unknown {
                    message: format!("{package} {version} is not in spin-deps.lock"),
                    hint: Some(format!("it has {}", shown_releases(package, &releases))),
                });
            }
            let meant =
                releases.into_iter().filter(|it| version.as_ref().is_none_or(|version| version == it));
            found.extend(meant.map(|it| (package.clone(), it)));
        }
        Ok(found)
    }

    /// The manifest with the requirements on what moves rewritten, where they do not admit the newest release.
    async fn rewritten(
        &self,
        aim: &Aim,
        packages: &[(PackageRef, Option<Version>)],
    ) -> Result<(Option<Document>, Vec<Rewrite>), Error> {
        let nothing = Lockfile::default();
        let lock = self.lock.as_ref().unwrap_or(&nothing);
        let requirements = self.requirements(self.manifest(), self.lock.as_ref()).await?;
        let index = self.index(&requirements);
        let entries = rewrite::entries(self.manifest());
        for (package, _) in packages {
            if !entries.iter().any(|it| it.package == package) {
                return Err(Error::Unknown {
                    message: format!(
                        "{} has no requirement on {package} that could be rewritten",
                        self.manifest_name()
                    ),
                    hint: Some(format!("`spin-deps why {package}` shows what needs it")),
                });
            }
        }
        let mut document = self.document.clone();
        let mut rewrites = Vec::new();
        // From the end, because each one moves those behind it.
        for entry in entries.into_iter().rev() {
            // What an override decides is not changed by changing the entry.
            if requirements.overrides.contains(entry.package) {
                continue;
            }
            let locked = crate::content::select(lock, entry.package, entry.req);
            if locked.is_some_and(|it| !aim.moves(&it.name, &it.version)) {
                continue;
            }
            let listed = index.listed(entry.package).await?;
            let written = document.requirement(entry.place).unwrap_or_default();
            let newer = highest(&listed, rewrite::names_pre_release(entry.req))
                .and_then(|it| rewrite::rewritten(&written, it));
            if let Some(to) = newer {
                document
                    .set_requirement(entry.place, &to)
                    .map_err(|error| Error::Manifest { excerpt: Box::new(self.excerpt()), error })?;
                let (origin, package) = (entry.origin, entry.package.clone());
                rewrites.push(Rewrite { origin, package, from: written, to });
            }
        }
        rewrites.reverse();
        Ok(((!rewrites.is_empty()).then_some(document), rewrites))
    }

    /// That nothing would use the version that was asked for, and who asks for what instead.
    fn unused(&self, requirements: &Requirements, aim: &Aim) -> Error {
        let Aim::Precise { from: (package, _), to } = aim else {
            return Error::Unknown { message: "there is nothing to move".into(), hint: None };
        };
        let app = requirements.packages.iter().filter(|it| it.package == *package);
        let mut asks: Vec<_> = app.map(|it| format!("{} asks for {}", it.origin, it.req)).collect();
        for locked in self.lock.iter().flat_map(|lock| &lock.packages) {
            let needs = locked.dependencies.iter().filter(|it| it.package == *package);
            asks.extend(needs.map(|it| format!("{} {} asks for {}", locked.name, locked.version, it.req)));
        }
        asks.dedup();
        Error::Unknown {
            message: format!("nothing in the app would use {package} {to}: {}", asks.join(", ")),
            hint: Some(format!("change the requirement first; `spin-deps why {package}` shows every path")),
        }
    }

    /// Between the plan and its execution somebody may have been asked, for as long as that takes.
    pub(crate) fn check_unchanged(&self) -> Result<(), Error> {
        if files::read_text(&self.manifest_path)? != self.document.text() {
            return Err(Error::ChangedMeanwhile { path: self.manifest_path.clone() });
        }
        let lock = files::read_text_if_there(&self.lock_path())?.map(|text| Lockfile::parse(&text).ok());
        if lock != self.lock.clone().map(Some) {
            return Err(Error::ChangedMeanwhile { path: self.lock_path() });
        }
        Ok(())
    }
}

/// The one release that is to have the version `to`.
fn which(lock: &Lockfile, packages: &[(PackageRef, Option<Version>)], to: &Version) -> Result<Id, Error> {
    let [(package, version)] = packages else {
        return Err(Error::Unanswered {
            message: "`--precise` is about one package".into(),
            hint: "name that package and no other".into(),
        });
    };
    if let Some(version) = version {
        return Ok((package.clone(), version.clone()));
    }
    let releases: Vec<_> = lock.releases(package).map(|it| it.version.clone()).collect();
    let same_series = releases.iter().find(|it| series(it) == series(to));
    let meant = if let [only] = releases.as_slice() { Some(only) } else { same_series };
    match meant {
        Some(version) => Ok((package.clone(), version.clone())),
        None => Err(Error::Unanswered {
            message: format!("several releases of {package} are locked"),
            hint: format!(
                "say which one is to have the version {to}: {}",
                shown_releases(package, &releases)
            ),
        }),
    }
}

/// That there is no such version, if that is all there is to say.
async fn no_such(index: &RegistryIndex, package: &PackageRef, to: &Version) -> Result<Option<Error>, Error> {
    let mut available: Vec<_> = index.listed(package).await?.into_iter().map(|it| it.version).collect();
    if available.is_empty() || available.iter().any(|it| moves::is_version(it, to)) {
        return Ok(None);
    }
    available.sort();
    Ok(Some(Error::NoVersion { package: package.clone(), req: exactly(to), available }))
}

fn shown_releases(package: &PackageRef, releases: &[Version]) -> String {
    releases.iter().map(|it| format!("`{package}@{it}`")).collect::<Vec<_>>().join(", ")
}

/// The newest release for who has `locked`: a pre-release only for who has one, never a yanked one.
pub(crate) fn newest<'a>(listed: &'a [Listed], locked: &Version) -> Option<&'a Version> {
    highest(listed, !locked.pre.is_empty())
}

/// The newest release that is not yanked, of the pre-releases too if they count.
fn highest(listed: &[Listed], pre: bool) -> Option<&Version> {
    let usable = listed.iter().filter(|it| !it.yanked).map(|it| &it.version);
    usable.filter(|it| pre || it.pre.is_empty()).max()
}
