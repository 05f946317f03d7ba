//! `verify`: everything that can be said of an app before it is deployed, as one report.
//!
//! A verification is a list of steps, and each leans on what those before it have shown: what is locked fits the
//! manifest, its content is what was locked, the components compose, nobody reaches further than allowed, the app has
//! what is required of it and fits where it is to be deployed, it starts, its commands end well, it answers
//! as its manifest says, and if that is asked for, no answer depends on those before it.
//!
//! ```text
//! lock ── digests ──┬── types ──┬── targets    ┌── commands
//!                   │           └──────┬─ start ├── requests
//!                   ├── isolation ─────┘        └── reuse
//!                   └── requirements
//! ```
//!
//! The first failure ends it. With [`VerifyOptions::keep_going`] all steps are taken that do not lean on one that failed,
//! so that one run tells everything there is to mend. Either way the report has every step: those not taken say why.

mod isolation;
mod requests;
mod reuse;
mod steps;

use std::collections::BTreeMap;

use spin_deps_lockfile::Lockfile;

use crate::{
    ComposedComponent, Error, LockStatus, Project, RunOptions, SyncOutcome, TargetsReport, change::Change,
};
use requests::Prepared;
use steps::{Done, Steps};

pub use isolation::{Isolation, PassedOn, Refused};
pub use requests::{Answer, Mismatch};
pub use reuse::{Leak, Reused};
pub use steps::{Outcome, Step, StepKind};

use StepKind::{
    Commands, Digests, Isolation as Isolated, Lock, Requests, Requirements, Reuse, Start, Targets, Types,
};

/// Why nothing is asked.
const NO_REQUESTS: &str = "none in [application.tool.deps.verify]";

/// What is to be verified, and how.
#[derive(Debug)]
pub struct VerifyOptions {
    /// How the app is run.
    pub run: RunOptions,
    /// Whether to go on after a step that failed, as far as others do not need it.
    pub keep_going: bool,
    /// Whether to look for what requests leave behind in instances that are reused.
    pub reuse_check: bool,
}

/// What `verify` found.
#[derive(Debug)]
pub struct VerifyReport {
    /// The name of the app, or of the package of a component on its own.
    pub name: String,
    /// Every step, in order.
    pub steps: Vec<Step>,
    /// What happened to the lockfile; `None` if it does not fit or its content is not there.
    pub sync: Option<SyncOutcome>,
    /// The components, composed.
    pub composed: Vec<ComposedComponent>,
    /// What the packages are granted and denied; `None` if that could not be told.
    pub isolation: Option<Isolation>,
    /// The environments of the app, and whether it fits them; `None` if it has none, or that could not be told.
    pub targets: Option<TargetsReport>,
    /// The answers, in the order of the manifest.
    pub answers: Vec<Answer>,
    /// What the requests leave behind, if that was looked for.
    pub reuse: Option<Vec<Reused>>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl VerifyReport {
    /// Whether no step failed.
    pub fn passed(&self) -> bool {
        !self.steps.iter().any(Step::failed)
    }
}

impl Project {
    /// Brings everything up to date, checks it, starts the app on a free port and asks what the manifest lists.
    ///
    /// What is wrong with the app is in the report. It is an error only if the manifest's requests make no sense.
    pub async fn verify(&mut self, options: &VerifyOptions) -> Result<VerifyReport, Error> {
        // A pattern that is none should not wait for the app to start.
        self.verify_requests()?;
        let mut steps = Steps::new(options.keep_going);
        let mut report = VerifyReport {
            name: self
                .authored()
                .map_or_else(|| self.manifest().application.name.clone(), |it| it.name.to_string()),
            steps: Vec::new(),
            sync: None,
            composed: Vec::new(),
            isolation: None,
            targets: None,
            answers: Vec::new(),
            reuse: None,
            warnings: Vec::new(),
        };
        report.sync = self.verify_content(&mut steps).await;
        let composed = self.verify_types(&mut steps, options.keep_going, &mut report.warnings).await;
        report.composed = composed.iter().map(|(_, made)| made.clone()).collect();
        report.isolation = steps.take(Isolated, &[Digests], self.verify_isolation(&report.composed)).await;
        if self.manifest().is_application() {
            steps.take(Requirements, &[Digests], self.verify_requirements()).await;
            report.targets = steps.take(Targets, &[Types], self.verify_targets(&composed)).await;
            report.warnings.extend(report.targets.iter().flat_map(|it| it.warnings.iter().cloned()));
            self.verify_running(&mut steps, options, composed, &mut report).await?;
        } else {
            steps.skip(Start, "a component on its own answers no requests".into());
        }
        report.steps = steps.taken;
        Ok(report)
    }

    /// The lockfile and what it names. Both are one change: where the content is not to be had, the lockfile stays as it
    /// was.
    async fn verify_content(&mut self, steps: &mut Steps) -> Option<SyncOutcome> {
        let mut change = Change::default();
        let locked = steps
            .take(Lock, &[], async {
                self.refuse_links_if_locked()?;
                let built = self.build_linked().await?;
                let lock = self.lock_within(&mut change).await?;
                let summary = locked_in_words(&lock.lockfile, lock.status);
                Ok(Done::Passed((built, lock), summary))
            })
            .await;
        let nothing = Lockfile::default();
        let lockfile = locked.as_ref().map_or(&nothing, |(_, lock)| &lock.lockfile);
        let fetched = steps.take(Digests, &[Lock], async {
            let contents = self.fetch_all(lockfile).await?;
            self.bring_environments(lockfile).await?;
            let summary = match contents {
                0 => "nothing to compare".to_owned(),
                1 => "1 package is what was locked".to_owned(),
                several => format!("{several} packages are what was locked"),
            };
            Ok(Done::Passed(contents, summary))
        });
        let contents = fetched.await?;
        let (built, lock) = locked?;
        change.keep();
        let (written, removed) = (Vec::new(), Vec::new());
        let (bindings, warnings) = (Vec::new(), Vec::new());
        Some(SyncOutcome { built, lock, contents, written, removed, bindings, warnings })
    }

    /// Composes what runs.
    async fn verify_types(
        &self,
        steps: &mut Steps,
        keep_going: bool,
        warnings: &mut Vec<String>,
    ) -> Vec<(String, ComposedComponent)> {
        let composed = steps.take(Types, &[Digests], async {
            warnings.extend(self.check_world()?);
            let mut chains: Vec<_> = self
                .chains()
                .into_iter()
                .map(|(name, id, trigger)| (name, id, trigger.middleware.as_slice()))
                .collect();
            if !self.manifest().is_application() {
                let own = self.manifest().components.keys();
                chains.extend(own.map(|id| (id.clone(), id.as_str(), [].as_slice())));
            }
            let (mut made, mut errors) = (Vec::new(), Vec::new());
            for (name, id, middleware) in chains {
                match self.compose_component(id, middleware).await {
                    Ok(composed) => made.push((name, composed)),
                    // Said once, by the step that it belongs to.
                    Err(Error::NotRecorded(_)) => return Ok(Done::Skipped("isolation did not pass".into())),
                    Err(error) if keep_going => errors.push(error),
                    Err(error) => return Err(error),
                }
            }
            if !errors.is_empty() {
                return Ok(Done::Failed(errors));
            }
            let summary = match made.len() {
                1 => "1 component fits what it is composed of".to_owned(),
                several => format!("{several} components fit what they are composed of"),
            };
            Ok(Done::Passed(made, summary))
        });
        composed.await.unwrap_or_default()
    }

    /// What the packages may reach, and whether that is all that they reach for.
    async fn verify_isolation(&self, composed: &[ComposedComponent]) -> Result<Done<Isolation>, Error> {
        let unrecorded = self.unrecorded().await?;
        if !unrecorded.is_empty() {
            return Ok(Done::Failed(unrecorded.into_iter().map(Error::NotRecorded).collect()));
        }
        let isolation = Isolation::new(self.lock(), composed);
        let summary = isolation.in_words();
        Ok(Done::Passed(isolation, summary))
    }

    async fn verify_targets(
        &self,
        composed: &[(String, ComposedComponent)],
    ) -> Result<Done<TargetsReport>, Error> {
        let report = self.check_composed(&[], composed).await?;
        let all = report.checks.len();
        let wrong = report.checks.iter().filter(|check| !check.fits).count();
        Ok(match (wrong, all) {
            // A warning says why those that it names count for nothing.
            (_, 0) => Done::Skipped(
                report.warnings.into_iter().next().unwrap_or_else(|| "the manifest names none".into()),
            ),
            (0, 1) => Done::Passed(report, "1 component fits its environment".into()),
            (0, all) => Done::Passed(report, format!("all of {all} checks fit")),
            (wrong, all) => Done::Found(report, format!("{wrong} of {all} checks do not fit")),
        })
    }

    async fn verify_requirements(&self) -> Result<Done<()>, Error> {
        let unmet = self.unmet_requirements().await?;
        if unmet.is_empty() {
            Ok(Done::Passed((), "the app has what its dependencies require".into()))
        } else {
            Err(Error::Unmet(unmet))
        }
    }

    /// Starts the app and asks it.
    async fn verify_running(
        &self,
        steps: &mut Steps,
        options: &VerifyOptions,
        composed: Vec<(String, ComposedComponent)>,
        report: &mut VerifyReport,
    ) -> Result<(), Error> {
        let composed: BTreeMap<_, _> = composed.into_iter().collect();
        let running = steps.take(Start, &[Types, Isolated], async {
            let running = self.start_composed(&options.run, &composed).await?;
            let components = self.chains().len();
            let summary = if components == 1 {
                "1 component runs".into()
            } else {
                format!("{components} components run")
            };
            Ok(Done::Passed(running, summary))
        });
        let running = running.await;
        if let Some(running) = running.as_ref().filter(|it| !it.commands().is_empty()) {
            let commands = steps.take(Commands, &[Start], async {
                running.run_commands().await?;
                let summary = match running.commands() {
                    [one] => format!("{one} ended well"),
                    several => format!("{} ended well", several.len()),
                };
                Ok(Done::Passed((), summary))
            });
            commands.await;
        }
        let requests = self.verify_requests()?;
        let answered = steps.take(Requests, &[Start], async {
            let Some(running) = &running else { return Ok(Done::Passed(Vec::new(), String::new())) };
            if requests.is_empty() {
                return Ok(Done::Skipped(NO_REQUESTS.into()));
            }
            Ok(answers(running, &requests).await)
        });
        report.answers = answered.await.unwrap_or_default();
        if let Some(running) = running {
            report.warnings.extend(running.warnings.iter().cloned());
            running.shutdown().await;
        }
        if options.reuse_check {
            let compared = steps.take(Reuse, &[Start], async {
                if requests.is_empty() {
                    return Ok(Done::Skipped(NO_REQUESTS.into()));
                }
                let fresh = self.start_composed(&reuse::fresh(&options.run), &composed).await?;
                let reused = self.start_composed(&reuse::reused(&options.run), &composed).await?;
                let compared = reuse::compare(&fresh, &reused, &requests).await;
                fresh.shutdown().await;
                reused.shutdown().await;
                Ok(compared)
            });
            report.reuse = compared.await;
        }
        Ok(())
    }
}

/// Asks one request after the other.
async fn answers(running: &crate::Running, requests: &[Prepared<'_>]) -> Done<Vec<Answer>> {
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.answer(running).await);
    }
    let wrong = answers.iter().filter(|answer| !answer.is_expected()).count();
    match (wrong, answers.len()) {
        (0, 1) => Done::Passed(answers, "1 answered as expected".into()),
        (0, all) => Done::Passed(answers, format!("{all} answered as expected")),
        (wrong, all) => Done::Found(answers, format!("{wrong} of {all} not answered as expected")),
    }
}

fn locked_in_words(lockfile: &Lockfile, status: LockStatus) -> String {
    let locked = match lockfile.packages.len() + lockfile.http.len() {
        0 => return "the app needs no packages".to_owned(),
        1 => "1 package".to_owned(),
        several => format!("{several} packages"),
    };
    match status {
        LockStatus::UpToDate => format!("{locked} in spin-deps.lock, up to date"),
        LockStatus::Written => format!("{locked} in spin-deps.lock, written"),
    }
}
