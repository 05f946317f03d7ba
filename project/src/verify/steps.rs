//! The steps of a verification, in their order, and what became of each.

use std::{fmt, time::Instant};

use crate::Error;

/// What a step looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// The lockfile fits the manifest, or was made to.
    Lock,
    /// What the lockfile names is in the store, and is what was locked.
    Digests,
    /// Every component composes with its dependencies and middleware: each import meets what fits its type.
    Types,
    /// No dependency imports more of the host than the lockfile records. What it is not granted of that is denied to it.
    Isolation,
    /// The app has what its dependencies say that they require.
    Requirements,
    /// The app fits the environments that it is to be deployed to.
    Targets,
    /// The app starts.
    Start,
    /// The commands of the app end well.
    Commands,
    /// The requests that the manifest lists are answered as it says.
    Requests,
    /// No request finds what another left behind in the instance that answers both.
    Reuse,
}

impl StepKind {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Digests => "digests",
            Self::Types => "types",
            Self::Isolation => "isolation",
            Self::Requirements => "requirements",
            Self::Targets => "targets",
            Self::Start => "start",
            Self::Commands => "commands",
            Self::Requests => "requests",
            Self::Reuse => "reuse",
        }
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A step that was taken, or not.
#[derive(Debug)]
pub struct Step {
    /// What it looks at.
    pub kind: StepKind,
    /// What became of it.
    pub outcome: Outcome,
    /// What it found, or why it was skipped, in a line.
    pub summary: String,
    /// How long it took, in milliseconds; 0 if it was skipped.
    pub milliseconds: f64,
}

/// What became of a step.
#[derive(Debug)]
pub enum Outcome {
    /// All is well.
    Passed,
    /// Something is not. Where that is no error but a finding, such as an answer that was not expected, the report has
    /// it and there is no error here.
    Failed(Vec<Error>),
    /// It was not taken: there is nothing for it to look at, or what it needs has failed.
    Skipped,
}

impl Step {
    /// Whether it failed.
    pub fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_))
    }

    /// The errors that made it fail.
    pub fn errors(&self) -> &[Error] {
        match &self.outcome {
            Outcome::Failed(errors) => errors,
            Outcome::Passed | Outcome::Skipped => &[],
        }
    }
}

/// How a step ended that was taken, with what it found in a line.
pub(super) enum Done<T> {
    Passed(T, String),
    /// There is something in what it found that should not be.
    Found(T, String),
    Failed(Vec<Error>),
    Skipped(String),
}

impl<T> From<Error> for Done<T> {
    fn from(error: Error) -> Self {
        Self::Failed(vec![error])
    }
}

/// The steps so far.
#[derive(Default)]
pub(super) struct Steps {
    pub(super) taken: Vec<Step>,
    keep_going: bool,
}

impl Steps {
    /// Steps of which none is taken after one that failed, or with `keep_going` all that do not need it.
    pub(super) fn new(keep_going: bool) -> Self {
        Self { taken: Vec::new(), keep_going }
    }

    /// Takes a step, if it can be taken. Returns what it found.
    pub(super) async fn take<T>(
        &mut self,
        kind: StepKind,
        needs: &[StepKind],
        work: impl Future<Output = Result<Done<T>, Error>>,
    ) -> Option<T> {
        if let Some(missing) = self.missing(needs) {
            self.skip(kind, format!("{missing} did not pass"));
            return None;
        }
        let start = Instant::now();
        let done = work.await.unwrap_or_else(Done::from);
        let (outcome, found, summary) = match done {
            Done::Passed(found, summary) => (Outcome::Passed, Some(found), summary),
            Done::Found(found, summary) => (Outcome::Failed(Vec::new()), Some(found), summary),
            Done::Failed(errors) => {
                let summary = errors.first().map(|error| first_line(&error.to_string()));
                (Outcome::Failed(errors), None, summary.unwrap_or_default())
            }
            Done::Skipped(reason) => (Outcome::Skipped, None, reason),
        };
        let milliseconds = match outcome {
            Outcome::Skipped => 0.0,
            _ => start.elapsed().as_secs_f64() * 1000.0,
        };
        self.taken.push(Step { kind, outcome, summary, milliseconds });
        found
    }

    /// Notes a step that is not taken.
    pub(super) fn skip(&mut self, kind: StepKind, reason: String) {
        self.taken.push(Step { kind, outcome: Outcome::Skipped, summary: reason, milliseconds: 0.0 });
    }

    /// What keeps a step from being taken.
    fn missing(&self, needs: &[StepKind]) -> Option<StepKind> {
        let stands_in_the_way = |step: &&Step| match step.outcome {
            Outcome::Passed => false,
            Outcome::Failed(_) => !self.keep_going || needs.contains(&step.kind),
            Outcome::Skipped => needs.contains(&step.kind),
        };
        self.taken.iter().find(stands_in_the_way).map(|step| step.kind)
    }
}

/// The first line of a message, without what introduces the others.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
}
