//! Resolving what the manifest asks for into the lockfile.
//!
//! A lockfile that fits is kept as it is, without a request. It fits when every requirement of the manifest
//! selects a locked release, from the registry that the configuration names, when the locked releases find what
//! they need among themselves, and when none is left over.

use std::{collections::BTreeSet, sync::Arc};

use semver::Version;
use spin_deps_lockfile::{Change as LockChange, Dependency, Lockfile, Override, Package};
use spin_deps_manifest::Manifest;
use spin_deps_resolver::{Failure, Index, Link, Locked, Preference, Resolution, resolve};
use wasm_pkg_common::package::PackageRef;

use crate::{
    Error, Project,
    change::Change,
    content::{Unit, component, content_of, recorded, select, stays, without_secrets},
    index::{RegistryIndex, TypedIndex},
    overrides::Effective,
    reach::host_imports,
    requirements::Requirements,
};

/// What `lock` did.
#[derive(Debug)]
pub struct LockOutcome {
    /// The lockfile that fits the manifest.
    pub lockfile: Lockfile,
    /// What changed against the lockfile that was there.
    pub changes: Vec<LockChange>,
    /// Whether the file was written.
    pub status: LockStatus,
    /// What was done about a lockfile that was not sound, in words; `None` if it was.
    pub repaired: Option<Vec<String>>,
    /// What the user should know, such as a yanked release that is still used.
    pub warnings: Vec<String>,
}

/// Whether the lockfile was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockStatus {
    /// It fits the manifest already.
    UpToDate,
    /// It was written.
    Written,
}

/// A resolution as a lockfile.
pub(crate) struct Resolved {
    pub(crate) lockfile: Lockfile,
    pub(crate) warnings: Vec<String>,
    pub(crate) changed: bool,
}

impl Project {
    /// Makes the lockfile fit the manifest and writes it if it changed.
    ///
    /// With [`Locking::Locked`](crate::Locking) or `Frozen` a lockfile that does not fit is an error and stays as it is.
    pub async fn lock_update(&mut self) -> Result<LockOutcome, Error> {
        let mut change = Change::default();
        let outcome = self.lock_within(&mut change).await?;
        change.keep();
        Ok(outcome)
    }

    /// Checks that the lockfile fits, without resolving anything (`lock --check`).
    pub async fn lock_check(&self) -> Result<(), Error> {
        self.fitting().await.map(drop)
    }

    /// What the manifest asks for, with a lockfile that fits it.
    pub(crate) async fn fitting(&self) -> Result<Requirements, Error> {
        let requirements = self.requirements(self.manifest(), self.lock.as_ref()).await?;
        let mut reasons = self.misfits(&requirements)?;
        if reasons.is_empty() {
            reasons = self.misgrants(&requirements);
        }
        match reasons.as_slice() {
            [] => Ok(requirements),
            _ => Err(Error::LockWouldChange { because: "--check", reasons }),
        }
    }

    /// Chooses all versions anew under a preference, whatever is locked, and writes the lockfile if it changed.
    ///
    /// With [`Locking::Locked`](crate::Locking) or `Frozen` it is an error if that would change it.
    pub async fn lock_anew(&mut self, preference: Preference) -> Result<LockOutcome, Error> {
        let requirements = self.requirements(self.manifest(), self.lock.as_ref()).await?;
        self.misfits(&requirements)?;
        let (registries, lock) = (self.registries.clone(), self.lock.as_ref());
        let index = RegistryIndex::for_update(registries, &requirements, lock, preference, |_| true);
        let locked = Locked::default();
        let resolution = solve_with(&requirements, locked, preference, &index).await;
        let resolved = self.resolved(&requirements, resolution, &index).await?;
        if let (true, Some(because)) = (resolved.changed, self.settings.locked_because()) {
            let nothing = Lockfile::default();
            let changes = self.lock.as_ref().unwrap_or(&nothing).diff(&resolved.lockfile);
            let reasons = changes.iter().map(ToString::to_string).collect();
            return Err(Error::LockWouldChange { because, reasons });
        }
        let mut change = Change::default();
        let outcome = self.write_lock(resolved, &mut change)?;
        change.keep();
        Ok(outcome)
    }

    /// [`Self::lock_update`] as a part of a larger change.
    pub(crate) async fn lock_within(&mut self, change: &mut Change) -> Result<LockOutcome, Error> {
        let resolved = self.resolve(self.document.manifest(), None).await?;
        self.write_lock(resolved, change)
    }

    pub(crate) fn write_lock(
        &mut self,
        resolved: Resolved,
        change: &mut Change,
    ) -> Result<LockOutcome, Error> {
        let changes = self.lock.as_ref().unwrap_or(&Lockfile::default()).diff(&resolved.lockfile);
        let missing = self.lock.is_none() && !is_empty(&resolved.lockfile);
        let repaired = self.unsound.take().map(|found| found.remarks);
        let status = if resolved.changed || missing || repaired.is_some() {
            change.write(&self.lock_path(), resolved.lockfile.to_text().as_bytes())?;
            LockStatus::Written
        } else {
            LockStatus::UpToDate
        };
        self.lock = Some(resolved.lockfile.clone());
        Ok(LockOutcome {
            lockfile: resolved.lockfile,
            changes,
            status,
            repaired,
            warnings: resolved.warnings,
        })
    }

    /// Resolves `manifest`, keeping what is locked while it fits. `index` may hold answers from an earlier step.
    pub(crate) async fn resolve(
        &self,
        manifest: &Manifest,
        index: Option<&RegistryIndex>,
    ) -> Result<Resolved, Error> {
        let requirements = self.requirements(manifest, self.lock.as_ref()).await?;
        let reasons = self.misfits(&requirements)?;
        if reasons.is_empty() && self.unsound.is_none() {
            // Which releases there are is settled. What they are granted takes no registry to know.
            let reasons = self.misgrants(&requirements);
            if let (false, Some(because)) = (reasons.is_empty(), self.settings.locked_because()) {
                return Err(Error::LockWouldChange { because, reasons });
            }
            let before = self.lock.clone().unwrap_or_default();
            let lockfile = self.completed(&requirements, before.clone()).await?;
            let (warnings, changed) = (requirements.warnings(&lockfile), lockfile != before);
            return Ok(Resolved { lockfile, warnings, changed });
        }
        if let Some(because) = self.settings.locked_because() {
            return Err(Error::LockWouldChange { because, reasons });
        }
        let index = index.cloned().unwrap_or_else(|| self.index(&requirements));
        self.check_torn(&index)?;
        let mut locked = locked(self.lock.as_ref());
        for (package, version) in self.unsound.iter().flat_map(|found| &found.versions) {
            locked.insert(package.clone(), version.clone());
        }
        let resolution = solve_with(&requirements, locked, Preference::Highest, &index).await;
        self.resolved(&requirements, resolution, &index).await
    }

    /// Refuses to take a package from another registry than the entries say that a conflict runs through.
    fn check_torn(&self, index: &RegistryIndex) -> Result<(), Error> {
        let packages = self.unsound.iter().flat_map(|found| found.torn.clone()).collect();
        let torn = Lockfile { packages, ..Lockfile::default() };
        let moved = |package: &Package| match index.registry(&package.name) {
            Some(now) => stays(&torn, &package.name, &now),
            None => Ok(()),
        };
        torn.packages.iter().try_for_each(moved)
    }

    /// A resolution as a lockfile.
    async fn resolved(
        &self,
        requirements: &Requirements,
        resolution: Result<Resolution, Error>,
        index: &RegistryIndex,
    ) -> Result<Resolved, Error> {
        let resolution =
            resolution.map_err(|error| self.with_override(self.with_entry(requirements, error)))?;
        let lockfile = self.lockfile(requirements, &resolution, index).await?;
        let mut warnings = resolution.warnings;
        warnings.extend(requirements.warnings(&lockfile));
        let changed = self.lock.as_ref() != Some(&lockfile);
        Ok(Resolved { lockfile, warnings, changed })
    }

    /// An index over the registries for these requirements.
    pub(crate) fn index(&self, requirements: &Requirements) -> RegistryIndex {
        let (registries, lock) = (self.registries.clone(), self.lock.as_ref());
        RegistryIndex::new(registries, requirements, lock, Preference::Highest)
    }

    /// In which respects the lockfile does not fit; empty when it does.
    fn misfits(&self, requirements: &Requirements) -> Result<Vec<String>, Error> {
        let nothing = Lockfile::default();
        let lock = self.lock.as_ref().unwrap_or(&nothing);
        let mut reasons = Vec::new();
        if self.lock.is_none() && !(requirements.packages.is_empty() && requirements.http.is_empty()) {
            reasons.push("there is no spin-deps.lock".to_owned());
        }
        reasons.extend(other_overrides(&requirements.overrides.locked(lock), &lock.overrides));
        let mut used = BTreeSet::new();
        let mut open: Vec<&Package> = Vec::new();
        for requirement in &requirements.packages {
            match select(lock, &requirement.package, &requirement.req) {
                Some(locked) => open.push(locked),
                None => reasons.push(format!(
                    "{} asks for {} {}, which is not locked",
                    requirement.origin, requirement.package, requirement.req
                )),
            }
        }
        for http in &requirements.http {
            if !lock.http.iter().any(|locked| locked.url == http.url && locked.digest == http.digest) {
                reasons.push(format!("{} is not locked", without_secrets(&http.url)));
            }
        }
        for locked in &lock.http {
            if !requirements.http.iter().any(|http| locked.url == http.url && locked.digest == http.digest) {
                let url = without_secrets(&locked.url);
                reasons.push(format!("{url} is locked, but no longer asked for"));
            }
        }
        while let Some(package) = open.pop() {
            if !used.insert((&package.name, &package.version)) {
                continue;
            }
            let now = requirements.registries.get(&package.name).cloned();
            let now = now.or_else(|| self.registries.registry_of(&package.name));
            if let Some(now) = now {
                stays(lock, &package.name, &now)?;
            }
            open.extend(package.dependencies.iter().filter_map(|it| lock.get(&it.package, &it.version)));
            for need in &package.overridden {
                let effective = requirements.overrides.effective(&need.package, &need.req);
                let Effective::Release { package: by, req, .. } = effective else { continue };
                match select(lock, &by, &req) {
                    Some(locked) => open.push(locked),
                    None => reasons.push(format!(
                        "{} {} needs {by} {req} for {}, which is not locked",
                        package.name, package.version, need.package
                    )),
                }
            }
        }
        reasons.extend(self.environment_misfits(lock)?);
        for package in &lock.packages {
            if !used.contains(&(&package.name, &package.version)) && reasons.is_empty() {
                reasons.push(format!("{} {} is locked, but nothing needs it", package.name, package.version));
            }
        }
        Ok(reasons)
    }

    /// The resolution as a lockfile.
    pub(crate) async fn lockfile(
        &self,
        requirements: &Requirements,
        resolution: &Resolution,
        index: &RegistryIndex,
    ) -> Result<Lockfile, Error> {
        let loads =
            resolution.packages.iter().map(|resolved| index.load(&resolved.package, &resolved.version));
        let loaded = futures::future::try_join_all(loads).await?;
        let mut packages = Vec::new();
        for (resolved, loaded) in resolution.packages.iter().zip(loaded) {
            let Some(loaded) = loaded else {
                return Err(Error::Unknown {
                    message: format!(
                        "{} {} is listed by its registry, but it is not there",
                        resolved.package, resolved.version
                    ),
                    hint: None,
                });
            };
            let overrides = &requirements.overrides;
            let own = |link: &&Link| {
                let needs = loaded.facts.needs.iter();
                needs
                    .filter(|(package, _)| !overrides.contains(package))
                    .any(|(package, req)| *package == link.package && *req == link.req)
            };
            let mut dependencies: Vec<_> = resolved
                .dependencies
                .iter()
                .filter(own)
                .map(|link| Dependency {
                    package: link.package.clone(),
                    req: link.req.clone(),
                    version: link.version.clone(),
                })
                .collect();
            dependencies.sort_by(|a, b| (&a.package, &a.version).cmp(&(&b.package, &b.version)));
            packages.push(Package {
                name: resolved.package.clone(),
                version: resolved.version.clone(),
                registry: loaded.registry.clone(),
                digest: loaded.digest.clone(),
                manifest: loaded.manifest.clone(),
                signers: loaded.signers.as_ref().map(recorded).transpose()?,
                size: loaded.size,
                capabilities: loaded.facts.capabilities.clone(),
                imports: loaded.facts.imports.clone(),
                granted: Vec::new(),
                dependencies,
                overridden: loaded.facts.overridden(overrides),
            });
        }
        let choose = |package: &PackageRef, req: &semver::VersionReq| -> Option<Version> {
            let fitting = packages.iter().filter(|it| it.name == *package && req.matches(&it.version));
            fitting.map(|it| it.version.clone()).max()
        };
        let http = requirements.http.iter();
        let http = http.map(|http| http.locked(&requirements.overrides, choose)).collect();
        let nothing = Lockfile::default();
        let overrides = requirements.overrides.locked(self.lock.as_ref().unwrap_or(&nothing));
        let environments = self.lock_environments().await?;
        self.completed(requirements, Lockfile { overrides, packages, http, environments }).await
    }

    /// In which respects a lockfile that fits otherwise says something else of what its releases import of the host and
    /// what they are granted of it.
    pub(crate) fn misgrants(&self, requirements: &Requirements) -> Vec<String> {
        let Some(lock) = &self.lock else { return Vec::new() };
        let unknown = lock.packages.iter().filter(|it| it.imports.is_empty() && !it.capabilities.is_empty());
        let unknown = unknown.map(|it| format!("{} {}", it.name, it.version));
        let http = lock.http.iter().filter(|it| it.imports.is_empty() && !it.capabilities.is_empty());
        let unknown = unknown.chain(http.map(|it| without_secrets(&it.url)));
        let unknown = unknown.map(|it| format!("what {it} imports of the host is not locked"));
        unknown.chain(requirements.misgrants(lock)).collect()
    }

    /// The lockfile with what the manifest grants the releases in it, and with what they import, also of those that were
    /// locked before that was recorded.
    pub(crate) async fn completed(
        &self,
        requirements: &Requirements,
        mut lock: Lockfile,
    ) -> Result<Lockfile, Error> {
        for package in &mut lock.packages {
            if package.imports.is_empty() && !package.capabilities.is_empty() {
                let what = format!("{} {}", package.name, package.version);
                let outline = component(&what, self.read_release(&content_of(package)).await?)?;
                package.imports = host_imports(&outline.inspection());
            }
        }
        for source in &mut lock.http {
            if source.imports.is_empty() && !source.capabilities.is_empty() {
                let unit = Unit::Url(source.url.clone(), source.digest.to_string());
                let outline = self.outline(&unit, &Lockfile::default()).await?;
                source.imports = host_imports(&outline.inspection());
            }
        }
        requirements.grant(&mut lock);
        lock.sort();
        Ok(lock)
    }
}

/// Chooses versions, keeping those of `lock` while they fit.
pub(crate) async fn solve(
    requirements: &Requirements,
    lock: Option<&Lockfile>,
    index: &RegistryIndex,
) -> Result<Resolution, Error> {
    solve_with(requirements, locked(lock), Preference::Highest, index).await
}

/// The releases that a lockfile prefers.
fn locked(lock: Option<&Lockfile>) -> Locked {
    let packages = lock.iter().flat_map(|lock| &lock.packages);
    let releases = packages.map(|package| (&package.name, &package.version));
    // What a link took the place of comes back when the link goes.
    let overrides = lock.iter().flat_map(|lock| &lock.overrides);
    let replaced = overrides.flat_map(|it| it.replaces.iter().map(|version| (&it.name, version)));
    releases.chain(replaced).map(|(name, version)| (name.clone(), version.clone())).collect()
}

/// Chooses versions under a preference, keeping those that are locked while they fit.
async fn solve_with(
    requirements: &Requirements,
    locked: Locked,
    preference: Preference,
    index: &RegistryIndex,
) -> Result<Resolution, Error> {
    let first: Vec<_> = requirements.packages.iter().map(|it| (it.package.clone(), it.req.clone())).collect();
    index.prefetch(&first);
    let asked = requirements.packages.clone();
    let search = move |index: &dyn Index| resolve(&asked, &locked, preference, index);
    match choose(requirements, index, search).await? {
        Ok(resolution) => Ok(resolution),
        Err(failure) => Err(with_meant(failure, requirements, index).await.into()),
    }
}

/// The failure with a hint at what was meant, where the app asks for a package that is not there.
async fn with_meant(mut failure: Failure, requirements: &Requirements, index: &RegistryIndex) -> Failure {
    if let Failure::NoSolution { hint, requirements: taking_part, .. } = &mut failure {
        for requirement in taking_part.iter().filter_map(|at| requirements.packages.get(*at)) {
            if let Some(meant) = index.meant(&requirement.package).await {
                *hint = Some(format!("did you mean `{meant}`?"));
                break;
            }
        }
    }
    failure
}

/// Lets `search` look for an answer on a thread of its own, with the types of what the requirements are for.
///
/// A component with a build command is under development: what it was built against may be of yesterday. So its types
/// count as long as there is an answer with them, and otherwise it has to be built again.
pub(crate) async fn choose<E: Send + 'static>(
    requirements: &Requirements,
    index: &RegistryIndex,
    search: impl Fn(&dyn Index) -> Result<Resolution, E> + Send + Sync + 'static,
) -> Result<Result<Resolution, E>, Error> {
    let asked = match requirements.packages.len() {
        1 => "1 requirement".to_owned(),
        several => format!("{several} requirements"),
    };
    let _task = index.progress().begin(&format!("resolving {asked}"), None);
    let search = Arc::new(search);
    let mut builds_count = true;
    loop {
        let typed = Arc::new(TypedIndex::new(index, &requirements.demands, builds_count));
        let (search, on_thread) = (Arc::clone(&search), Arc::clone(&typed));
        let found = tokio::task::spawn_blocking(move || search(&*on_thread)).await?;
        // Around a registry that did not answer there may be another solution, but not one that anybody asked for.
        if let Some(failure) = index.failure() {
            return Err(failure);
        }
        match found {
            Ok(mut resolution) => {
                resolution.warnings.extend(typed.warnings(&resolution));
                return Ok(Ok(resolution));
            }
            Err(_) if builds_count && typed.refused_a_build() => builds_count = false,
            Err(failure) => return Ok(Err(failure)),
        }
    }
}

/// In which respects a lockfile was made under other overrides than there are now.
fn other_overrides(now: &[Override], locked: &[Override]) -> Vec<String> {
    let known = |it: &&Override| locked.iter().any(|locked| locked.name == it.name && locked.by == it.by);
    let came = now.iter().filter(|it| !known(it));
    let came = came.map(|it| format!("{} is overridden by {}, which is not locked", it.name, it.by));
    let gone = locked.iter().filter(|it| now.iter().all(|now| now.name != it.name));
    let gone = gone.map(|it| format!("{} is locked as overridden, and no longer is", it.name));
    came.chain(gone).collect()
}

fn is_empty(lock: &Lockfile) -> bool {
    lock.packages.is_empty()
        && lock.http.is_empty()
        && lock.overrides.is_empty()
        && lock.environments.is_empty()
}

#[cfg(test)]
mod mending;
