//! A change of the manifest, with everything that follows from it: the lockfile, the store, the generated files.

use spin_deps_manifest::Document;

use crate::{Error, Project, SyncOutcome, change::Change, lock::Resolved};

/// The manifest before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Its text before.
    pub before: String,
    /// Its text after.
    pub after: String,
}

/// How a change is carried out.
#[derive(Default)]
pub(crate) struct Manner {
    /// What the changed manifest was resolved to, if that was done already.
    pub(crate) resolved: Option<Resolved>,
    /// Nothing is written, and the project stays as it is.
    pub(crate) dry_run: bool,
}

impl Project {
    /// Writes the changed manifest and everything that follows from it; on failure nothing has changed.
    pub(crate) async fn write_manifest_and_sync(&mut self, document: Document) -> Result<SyncOutcome, Error> {
        Ok(self.carry_out(document, Manner::default()).await?.1)
    }

    /// The same, in a manner of its own, with the texts of the manifest.
    pub(crate) async fn carry_out(
        &mut self,
        document: Document,
        manner: Manner,
    ) -> Result<(Edit, SyncOutcome), Error> {
        let mut change = if manner.dry_run { Change::rehearsal() } else { Change::default() };
        let edit = Edit { before: self.document.text(), after: document.text() };
        let before = (self.document.clone(), self.lock.clone());
        // Since they were read somebody may have been asked, for as long as that takes.
        self.check_unchanged()?;
        change.write(&self.manifest_path, edit.after.as_bytes())?;
        self.document = document;
        let mut outcome = self.follow(manner.resolved, &mut change).await;
        match &mut outcome {
            Ok(outcome) if !manner.dry_run => {
                // The author's world follows the change by hand, so what is wrong with it now does not stand in the way.
                outcome.warnings.extend(self.check_world().unwrap_or_else(|error| vec![error.to_string()]));
                change.keep();
            }
            _ => (self.document, self.lock) = before,
        }
        Ok((edit, outcome?))
    }

    async fn follow(
        &mut self,
        resolved: Option<Resolved>,
        change: &mut Change,
    ) -> Result<SyncOutcome, Error> {
        match resolved {
            Some(mut resolved) => {
                // It was resolved before it was known what the new entries inherit.
                let requirements = self.requirements(self.manifest(), Some(&resolved.lockfile)).await?;
                resolved.lockfile = self.completed(&requirements, resolved.lockfile).await?;
                resolved.changed = self.lock.as_ref() != Some(&resolved.lockfile);
                if let (true, Some(because)) = (resolved.changed, self.settings.locked_because()) {
                    return Err(Error::LockWouldChange { because, reasons: self.misgrants(&requirements) });
                }
                let known = |warning: &String| !resolved.warnings.contains(warning);
                let new: Vec<_> =
                    requirements.warnings(&resolved.lockfile).into_iter().filter(known).collect();
                resolved.warnings.extend(new);
                let lock = self.write_lock(resolved, change)?;
                self.sync_locked(lock, false, change).await
            }
            None => self.sync_within(change).await,
        }
    }
}
