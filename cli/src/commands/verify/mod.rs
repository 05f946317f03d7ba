//! `spin-deps verify`

mod junit;
mod lines;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use spin_deps_project::{Outcome, RunOptions, VerifyOptions, VerifyReport, VerifyStep, write_file};

use super::{Builds, Context, Links, denials_json, given::Given, sync_json, warn_all};
use crate::{
    guests,
    output::Output,
    report::{self, Failure},
};

/// Check the locked app, start it and ask the requests that its manifest lists
///
/// One report with a step for everything that is checked: the lock, the digests, the types, the isolation, what
/// dependencies require, the target environments, the start, the commands and the requests. The requests and the expected answers are in spin.toml:
///
///   [[application.tool.deps.verify.requests]]
///   path = "/hello"
///   expect = { status = 200, body = "Hello" }
///
/// Stops at the first step that fails. A component on its own (component.toml) is composed with its dependencies, which
/// checks its types, and is not started.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "Examples:
  spin-deps verify                              all that is checked, with the answers
  spin-deps verify --locked --no-links          in CI
  spin-deps verify --keep-going --junit out.xml all that is wrong, for the CI to show
  spin-deps verify --variable greeting=Hello    with a variable of the app")]
pub(crate) struct Verify {
    /// Go on after a step that fails, as far as others do not need it
    #[arg(long)]
    keep_going: bool,
    /// Look for what requests leave behind in instances that are reused, by asking twice in one and in fresh ones
    #[arg(long)]
    reuse_check: bool,
    /// Write the report as JUnit XML, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    links: Links,
    #[command(flatten)]
    builds: Builds,
}

impl Verify {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = self.builds.project(context).await?;
        self.links.check(&project)?;
        let options = VerifyOptions {
            run: RunOptions { output: guests::shown(context.quiet), ..self.given.options(context) },
            keep_going: self.keep_going,
            reuse_check: self.reuse_check,
        };
        let report = project.verify(&options).await?;
        let sync = report.sync.iter().flat_map(|sync| sync.warnings.iter().chain(&sync.lock.warnings));
        warn_all(report.warnings.iter().chain(sync));
        let tree = match report.sync {
            Some(_) => super::tree::lines(&project.graph().await?),
            None => Vec::new(),
        };
        let mut output = Output::new(as_json(&report));
        output.lines(lines::lines(&report, &tree, self.keep_going, context.verbose));
        let passed = report.passed();
        let written = self.junit.map(|file| {
            let file = context.settings.current_dir.join(file);
            Ok::<_, Failure>(write_file(&file, junit::xml(&report)?.as_bytes())?)
        });
        for step in report.steps {
            if let Outcome::Failed(errors) = step.outcome {
                output = errors.into_iter().fold(output, |output, error| output.failed(error.into()));
            }
        }
        if let Some(Err(failure)) = written {
            output = output.failed(failure);
        }
        Ok(if passed { output } else { output.bad() })
    }
}

/// A time as it is shown.
fn milliseconds(time: f64) -> String {
    format!("{time:.0} ms")
}

fn as_json(report: &VerifyReport) -> Value {
    json!({
        "passed": report.passed(),
        "steps": report.steps.iter().map(step_json).collect::<Vec<_>>(),
        "sync": report.sync.as_ref().map(sync_json),
        "composed": report.composed.iter().map(|it| json!({
            "component": it.id,
            "digest": it.digest.to_string(),
            "size": it.bytes.len(),
            "instances": it.instances,
            "denials": denials_json(&it.denials),
        })).collect::<Vec<_>>(),
        "isolation": report.isolation,
        "targets": report.targets.as_ref().map(|it| &it.checks),
        "answers": report.answers,
        "reuse": report.reuse,
        "warnings": report.warnings,
    })
}

fn step_json(step: &VerifyStep) -> Value {
    json!({
        "name": step.kind.name(),
        "outcome": match step.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed(_) => "failed",
            Outcome::Skipped => "skipped",
        },
        "summary": step.summary,
        "milliseconds": step.milliseconds,
        "errors": step.errors().iter().map(report::as_json).collect::<Vec<_>>(),
    })
}
