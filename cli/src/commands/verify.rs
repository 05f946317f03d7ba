//! `spin-deps verify`

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;
use spin_deps_project::{Answer, RunOptions, Stream, VerifyReport};

use super::{Builds, Context, Links, checked_line, lock_line, sync_json, tree::lines, warn_all};
use crate::{
    output::{BAD, DIM, GOOD, NAME, Output, clean, count, styled},
    report::{self, Failure},
};

/// Start the locked app and ask the requests that its manifest lists
///
/// The requests and the expected answers are in spin.toml:
///
///   [[application.tool.deps.verify.requests]]
///   path = "/hello"
///   expect = { status = 200, body = "Hello" }
///
/// Fails if an answer is not as expected. A component on its own (component.toml) is composed with its dependencies,
/// which checks its types, and is not started.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "Examples:
  spin-deps verify                              all that is checked, with the answers
  spin-deps verify --locked --no-links          in CI
  spin-deps verify --variable greeting=Hello    with a variable of the app")]
pub(crate) struct Verify {
    /// The value of a variable of the app
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = name_and_value)]
    variables: Vec<(String, String)>,
    #[command(flatten)]
    links: Links,
    #[command(flatten)]
    builds: Builds,
}

/// `NAME=VALUE`
pub(super) fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it must be written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What guests write goes to stderr, each line with the name of its component.
pub(super) fn guest_output() -> spin_deps_project::Output {
    spin_deps_project::Output::new(|line| {
        let name = styled(DIM, format!("[{}]", line.component));
        match line.stream {
            Stream::Stdout | Stream::Stderr => report::raw(&format!("{name} {}\n", clean(line.text))),
            Stream::Trap => report::raw(&format!("{name} {} {}\n", styled(BAD, "trap:"), clean(line.text))),
        }
    })
}

/// The last value of each variable.
pub(super) fn variables(given: &[(String, String)]) -> BTreeMap<String, String> {
    given.iter().cloned().collect()
}

impl Verify {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = self.builds.project(context).await?;
        self.links.check(&project)?;
        let options =
            RunOptions { listen: None, variables: variables(&self.variables), output: guest_output() };
        let report = project.verify(&options).await?;
        warn_all(report.warnings.iter().chain(&report.sync.warnings).chain(&report.sync.lock.warnings));
        let mut output = Output::new(as_json(&report));
        output.line(lock_line(&report.sync.lock));
        for line in lines(&project.graph().await?) {
            output.line(format!("  {line}"));
        }
        output.line(checked_line(report.sync.contents));
        for composed in &report.composed {
            output.line(format!(
                "{} {} from {}, {} bytes",
                styled(GOOD, "Composed"),
                styled(NAME, &composed.id),
                count(composed.instances, "instance"),
                composed.bytes.len()
            ));
            for wire in &composed.wires {
                let import = styled(DIM, format!("{} →", clean(&wire.import)));
                output.line(format!("  {}: {import} {}", clean(&wire.from), clean(&wire.to)));
            }
        }
        match report.started_in {
            Some(time) => output.line(format!("{} in {} ms", styled(GOOD, "Started"), time.as_millis())),
            None => output.line("Not started: a component on its own answers no requests"),
        };
        for answer in &report.answers {
            answer_lines(&mut output, answer);
        }
        let failed = report.answers.iter().filter(|answer| !answer.mismatches.is_empty()).count();
        if failed > 0 {
            let all = count(report.answers.len(), "request");
            output.line(format!("{} {failed} of {all}", styled(BAD, "Failed")));
        } else if !report.answers.is_empty() {
            let all = count(report.answers.len(), "request");
            output.line(format!("{} {all} answered as expected", styled(GOOD, "Verified")));
        }
        Ok(if report.passed() { output } else { output.bad() })
    }
}

fn answer_lines(output: &mut Output, answer: &Answer) {
    let good = answer.mismatches.is_empty();
    let mark = if good { styled(GOOD, "✓") } else { styled(BAD, "✗") };
    let time = styled(DIM, format!("{:.0} ms", answer.milliseconds));
    output.line(format!("  {mark} {} {} → {} {time}", answer.method, clean(&answer.path), answer.status));
    if good && let Some(first) = clean(&answer.body).lines().next() {
        output.line(format!("    {}", styled(DIM, first)));
    }
    for mismatch in &answer.mismatches {
        output.line(format!("    {}", clean(&mismatch.of)));
        output.line(format!("      expected {}", clean(&json!(mismatch.expected).to_string())));
        output.line(format!("      but got  {}", clean(&json!(mismatch.actual).to_string())));
    }
}

fn as_json(report: &VerifyReport) -> serde_json::Value {
    json!({
        "passed": report.passed(),
        "sync": sync_json(&report.sync),
        "composed": report.composed.iter().map(|it| json!({
            "component": it.id,
            "digest": it.digest.to_string(),
            "size": it.bytes.len(),
            "instances": it.instances,
        })).collect::<Vec<_>>(),
        "answers": report.answers,
        "warnings": report.warnings,
    })
}
