//! Bringing what is locked into the store, and generating what is derived from it.

use std::{collections::BTreeSet, path::PathBuf};

use futures::{StreamExt, TryStreamExt, stream};
use spin_deps_lockfile::Lockfile;
use spin_deps_registry::ProgressTask;

use crate::{BoundComponent, Error, LockOutcome, Project, Unmet, change::Change, content::Unit};

/// Downloads under way at once, over all registries.
const CONCURRENT_FETCHES: usize = 64;

/// What `sync` did.
#[derive(Debug)]
pub struct SyncOutcome {
    /// Components under development that were built, since their sources changed.
    pub built: Vec<PathBuf>,
    /// What happened to the lockfile.
    pub lock: LockOutcome,
    /// Locked packages and URLs, all of them now in the store.
    pub contents: usize,
    /// Generated files that were written.
    pub written: Vec<PathBuf>,
    /// Generated files that were removed, since nothing needs them any more.
    pub removed: Vec<PathBuf>,
    /// The bindings that there are now.
    pub bindings: Vec<BoundComponent>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Project {
    /// Makes the lockfile fit, fetches all that is locked into the store and generates the WIT and the bindings.
    ///
    /// With a lockfile that fits and a warm store this makes no request. Where the lockfile must not change, a link is an
    /// error: its content is not locked.
    pub async fn sync(&mut self) -> Result<SyncOutcome, Error> {
        self.sync_with(false).await
    }

    /// [`Self::sync`], which with `force` overwrites bindings that were edited by hand.
    pub async fn sync_with(&mut self, force: bool) -> Result<SyncOutcome, Error> {
        self.refuse_links_if_locked()?;
        let mut change = Change::default();
        let mut outcome = self.sync_forced(force, &mut change).await?;
        outcome.warnings.extend(self.requirement_warnings().await?);
        outcome.warnings.extend(self.check_world()?);
        change.keep();
        Ok(outcome)
    }

    /// What the direct dependencies require and are not given, and what to write so that they are.
    pub(crate) async fn requirement_warnings(&self) -> Result<Vec<String>, Error> {
        let unmet = self.unmet_by_direct().await?;
        let hints = Unmet::hints(&unmet).into_iter().map(|hint| format!("`verify` will fail: {hint}"));
        Ok(unmet.iter().map(ToString::to_string).chain(hints).collect())
    }

    /// [`Self::sync`] as a part of a larger change.
    pub(crate) async fn sync_within(&mut self, change: &mut Change) -> Result<SyncOutcome, Error> {
        self.sync_forced(false, change).await
    }

    async fn sync_forced(&mut self, force: bool, change: &mut Change) -> Result<SyncOutcome, Error> {
        let built = self.build_linked().await?;
        let lock = self.lock_within(change).await?;
        Ok(SyncOutcome { built, ..self.sync_locked(lock, force, change).await? })
    }

    /// What [`Self::sync_with`] does after the lock.
    pub(crate) async fn sync_locked(
        &mut self,
        lock: LockOutcome,
        force: bool,
        change: &mut Change,
    ) -> Result<SyncOutcome, Error> {
        let contents = self.bring_all(&lock.lockfile).await?;
        self.bring_environments(&lock.lockfile).await?;
        let generated = self.generate_with(&lock.lockfile, force, change).await?;
        Ok(SyncOutcome {
            built: Vec::new(),
            lock,
            contents,
            written: generated.written,
            removed: generated.removed,
            bindings: generated.bindings,
            warnings: generated.warnings,
        })
    }

    /// Makes the lockfile fit and fetches all that is locked, for a command that runs or composes the app. Writes
    /// nothing else: generated files are for building.
    pub async fn prepare(&mut self) -> Result<SyncOutcome, Error> {
        let mut change = Change::default();
        let built = self.build_linked().await?;
        let lock = self.lock_within(&mut change).await?;
        let contents = self.fetch_all(&lock.lockfile).await?;
        change.keep();
        let (written, removed) = (Vec::new(), Vec::new());
        let (bindings, warnings) = (Vec::new(), Vec::new());
        Ok(SyncOutcome { built, lock, contents, written, removed, bindings, warnings })
    }

    /// Brings everything that `lock` names into the store, side by side. Returns how much that is. Of several
    /// failures the first in the order of the lockfile is told.
    ///
    /// What the generated files need, the outlines of the direct dependencies, is read in the same pass.
    pub(crate) async fn bring_all(&self, lock: &Lockfile) -> Result<usize, Error> {
        let _task = self.fetching(lock);
        let direct = self.direct(lock)?;
        let direct = &direct;
        let brought = units(lock).map(|unit| async move {
            if direct.contains(&unit) {
                // What is wrong with it is told where it is used.
                self.read(&unit, lock).await.map(drop)
            } else {
                self.ensure(&unit, lock).await
            }
        });
        side_by_side(brought).await
    }

    /// As [`Self::bring_all`], but reads the bytes, which are going to be composed.
    pub(crate) async fn fetch_all(&self, lock: &Lockfile) -> Result<usize, Error> {
        let _task = self.fetching(lock);
        side_by_side(units(lock).map(|unit| async move { self.bytes(&unit, lock).await.map(drop) })).await
    }

    /// Says that all of it is fetched, or at least looked at.
    fn fetching(&self, lock: &Lockfile) -> Box<dyn ProgressTask> {
        let what = match units(lock).count() {
            1 => "1 package".to_owned(),
            several => format!("{several} packages"),
        };
        self.settings.progress.begin(&format!("fetching {what}"), None)
    }

    /// What the components depend on directly.
    fn direct(&self, lock: &Lockfile) -> Result<BTreeSet<Unit>, Error> {
        let dependencies = self.manifest().components.values().flat_map(|component| &component.dependencies);
        dependencies.map(|dependency| self.unit(&dependency.source, lock)).collect()
    }
}

/// Everything that the lockfile names.
pub(crate) fn units(lock: &Lockfile) -> impl Iterator<Item = Unit> {
    let packages = lock.packages.iter().map(|it| Unit::Package(it.name.clone(), it.version.clone()));
    packages.chain(lock.http.iter().map(|it| Unit::Url(it.url.clone(), it.digest.to_string())))
}

/// Does it all, and counts it.
async fn side_by_side(
    work: impl Iterator<Item = impl Future<Output = Result<(), Error>>>,
) -> Result<usize, Error> {
    let work: Vec<_> = work.collect();
    let count = work.len();
    stream::iter(work).buffered(CONCURRENT_FETCHES).try_collect::<Vec<_>>().await?;
    Ok(count)
}
