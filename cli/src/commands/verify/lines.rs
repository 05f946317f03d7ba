//! The report of `verify` for people: a line a step, and below it what it found.
//!
//! ```text
//! ✓ types         1 component fits what it is composed of  12 ms
//!     app: 3 instances, 13918 bytes
//! ✗ requests      1 of 2 not answered as expected  23 ms
//! ```

use serde_json::json;
use spin_deps_project::{
    Answer, ComposedComponent, Isolation, Leak, Mismatch, Outcome, Reused, StepKind, TargetsReport,
    VerifyReport, VerifyStep,
};

use super::{super::targets::target_lines, milliseconds};
use crate::{
    charset::{self, Charset},
    output::{BAD, DIM, GOOD, NAME, Output, clean, clean_line, count, styled},
};

/// The width of the longest name of a step, and a gap.
const NAMES: usize = 14;
/// What stands before the details of a step.
const INDENT: &str = "    ";

/// All lines. `tree` is what is locked, drawn.
pub(super) fn lines(report: &VerifyReport, tree: &[String], keep_going: bool, verbose: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for step in &report.steps {
        lines.push(step_line(step));
        let details = match step.kind {
            StepKind::Lock => tree.to_vec(),
            StepKind::Types => report.composed.iter().flat_map(|it| composed(it, verbose)).collect(),
            StepKind::Isolation => report.isolation.iter().flat_map(|it| isolation(it, verbose)).collect(),
            StepKind::Targets => report.targets.iter().flat_map(targets).collect(),
            StepKind::Requests => report.answers.iter().flat_map(answer).collect(),
            StepKind::Reuse => report.reuse.iter().flatten().flat_map(reused).collect(),
            _ => Vec::new(),
        };
        lines.extend(details.iter().map(|line| format!("{INDENT}{line}")));
        // All that follows was not taken for the same reason.
        if step.failed() && !keep_going {
            break;
        }
    }
    lines.push(verdict(report));
    lines
}

/// Whether all is well.
fn verdict(report: &VerifyReport) -> String {
    let name = clean_line(&report.name);
    let failed: Vec<_> = report.steps.iter().filter(|it| it.failed()).map(|it| it.kind.name()).collect();
    if failed.is_empty() {
        format!("{} {}", styled(GOOD, "Verified"), styled(NAME, name))
    } else {
        format!("{} {} at {}", styled(BAD, "Failed"), styled(NAME, name), failed.join(", "))
    }
}

fn step_line(step: &VerifyStep) -> String {
    let name = format!("{:<NAMES$}", step.kind.name());
    let summary = clean_line(&step.summary);
    match step.outcome {
        Outcome::Passed => {
            let time = styled(DIM, milliseconds(step.milliseconds));
            format!("{} {}{summary}  {time}", good(), styled(NAME, name))
        }
        Outcome::Failed(_) => {
            let time = styled(DIM, milliseconds(step.milliseconds));
            format!("{} {}{summary}  {time}", bad(), styled(NAME, name))
        }
        Outcome::Skipped => format!("{} {}", skipped(), styled(DIM, format!("{name}{summary}"))),
    }
}

fn good() -> String {
    styled(GOOD, mark("✓", "ok    "))
}

fn bad() -> String {
    styled(BAD, mark("✗", "FAILED"))
}

fn skipped() -> String {
    styled(DIM, mark("–", "-     "))
}

/// The same mark in what the terminal can show.
fn mark(drawn: &'static str, ascii: &'static str) -> &'static str {
    match charset::current() {
        Charset::Utf8 => drawn,
        Charset::Ascii => ascii,
    }
}

fn composed(composed: &ComposedComponent, verbose: bool) -> Vec<String> {
    let mut lines = vec![format!(
        "{}: {}, {} bytes",
        clean(&composed.id),
        count(composed.instances, "instance"),
        composed.bytes.len()
    )];
    if verbose {
        lines.extend(composed.wires.iter().map(|wire| {
            let import = styled(DIM, format!("{} →", clean(&wire.import)));
            format!("  {}: {import} {}", clean(&wire.from), clean(&wire.to))
        }));
    }
    lines
}

fn isolation(isolation: &Isolation, verbose: bool) -> Vec<String> {
    let granted = isolation.granted.iter().map(|it| {
        let keys = clean(&it.capabilities.join(", "));
        format!("{} in {}: {keys}", clean(&it.package), clean(&it.component))
    });
    let denied = isolation.denied.iter().filter(|_| verbose).map(|it| {
        let import = styled(DIM, format!("{} is denied", clean(&it.import)));
        format!("{} in {}: {import}", clean(&it.part), clean(&it.component))
    });
    granted.chain(denied).collect()
}

fn targets(report: &TargetsReport) -> Vec<String> {
    let mut output = Output::nothing();
    target_lines(&mut output, report);
    output.into_lines()
}

fn answer(answer: &Answer) -> Vec<String> {
    let mark = if answer.is_expected() { good() } else { bad() };
    let status = answer.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let time = styled(DIM, milliseconds(answer.milliseconds));
    let mut lines = vec![format!("{mark} {} {} → {status}  {time}", answer.method, clean(&answer.path))];
    if answer.is_expected()
        && let Some(first) = clean(&answer.body).lines().next()
    {
        lines.push(format!("  {}", styled(DIM, first)));
    }
    lines.extend(answer.mismatches.iter().flat_map(|it| differing(it, ["expected", "but got "])));
    lines
}

fn reused(reused: &Reused) -> Vec<String> {
    let (mark, words) = match reused.verdict {
        Leak::None => (good(), "the same"),
        Leak::Found => (bad(), "not the same"),
        Leak::NotComparable => (skipped(), "not comparable: two fresh instances answer differently"),
        Leak::NotApplicable => (skipped(), "not applicable: each request has an instance of its own"),
        Leak::NotReused => (skipped(), "never answered by an instance that had answered before"),
    };
    let mut lines = vec![format!("{mark} {} {} {}", reused.method, clean(&reused.path), styled(DIM, words))];
    let names = match reused.verdict {
        Leak::NotComparable => ["once ", "again"],
        _ => ["fresh ", "reused"],
    };
    lines.extend(reused.differences.iter().flat_map(|it| differing(it, names)));
    lines
}

fn differing(mismatch: &Mismatch, [one, other]: [&str; 2]) -> [String; 3] {
    [
        format!("  {}", clean(&mismatch.of)),
        format!("    {one} {}", clean(&json!(mismatch.expected).to_string())),
        format!("    {other} {}", clean(&json!(mismatch.actual).to_string())),
    ]
}
