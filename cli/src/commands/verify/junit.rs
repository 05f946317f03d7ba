//! The report of `verify` as JUnit XML, which the CI of today shows as tests that passed or failed.
//!
//! There is no standard but what the tools read, which is [the schema of Jenkins' plugin]: suites of cases, each with its
//! time and what went wrong. A suite holds the steps, and those of them that look at many things have a suite of their
//! own with a case for each.
//!
//! [the schema of Jenkins' plugin]: https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd

use std::{fmt::Write as _, time::Duration};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use spin_deps_project::{
    Answer, Error, Leak, Mismatch, Outcome, Reused, TargetCheck, VerifyReport, VerifyStep, WorldVerdict,
};

use crate::report::{self, Failure};

/// The text of the file.
pub(super) fn xml(report: &VerifyReport) -> Result<String, Failure> {
    let mut all = Report::new(format!("spin-deps verify {}", report.name));
    all.add_test_suite(suite("steps", report.steps.iter().map(step)));
    if let Some(targets) = &report.targets {
        all.add_test_suite(suite("targets", targets.checks.iter().flat_map(target)));
    }
    if !report.answers.is_empty() {
        all.add_test_suite(suite("requests", report.answers.iter().map(answer)));
    }
    if let Some(reuse) = &report.reuse {
        all.add_test_suite(suite("reuse", reuse.iter().map(reused)));
    }
    let time = report.steps.iter().map(|step| step.milliseconds).sum();
    all.set_time(duration(time));
    all.to_string().map_err(|error| Failure::message(format!("the report cannot be written as XML: {error}")))
}

fn suite(name: &str, cases: impl Iterator<Item = TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    let mut time = Duration::ZERO;
    for mut case in cases {
        time += case.time.unwrap_or_default();
        case.set_classname(name);
        suite.add_test_case(case);
    }
    suite.set_time(time);
    suite
}

fn step(step: &VerifyStep) -> TestCase {
    let status = match &step.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Failed(errors) => failure(&step.summary, &errors.iter().map(in_words).collect::<String>()),
        Outcome::Skipped => skipped(&step.summary),
    };
    let mut case = TestCase::new(step.kind.name(), status);
    case.set_time(duration(step.milliseconds));
    case
}

/// A component against an environment, and against each of its worlds: it has to fit one of them.
fn target(check: &TargetCheck) -> Vec<TestCase> {
    let name = format!("{} in {}", check.component, check.environment);
    let status = if check.fits {
        TestCaseStatus::success()
    } else if !check.supported {
        failure(&format!("triggers of the kind {} are not supported", check.kind), "")
    } else if !check.missing_capabilities.is_empty() {
        failure(&format!("it does not provide {}", check.missing_capabilities.join(", ")), "")
    } else {
        failure("it fits none of its worlds", "")
    };
    let worlds = check.worlds.iter().map(|world| {
        let status = match (world.fits, check.fits) {
            (true, _) => TestCaseStatus::success(),
            (false, true) => skipped("another world of the environment fits"),
            (false, false) => failure("it does not fit", &misfits(world)),
        };
        TestCase::new(format!("{name}: {}", world.world), status)
    });
    let worlds: Vec<_> = worlds.collect();
    [TestCase::new(name, status)].into_iter().chain(worlds).collect()
}

fn misfits(world: &WorldVerdict) -> String {
    let imports = world.missing_imports.iter().map(|it| format!("no such import: {it}\n"));
    let exports = world.missing_exports.iter().map(|it| format!("not exported: {it}\n"));
    let mismatches = world.mismatches.iter().map(|it| {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        let (one, other) = (or_none(&it.component), or_none(&it.world));
        format!("{} {}: {}\n  component {one}\n  world     {other}\n", it.direction, it.name, it.item)
    });
    imports.chain(exports).chain(mismatches).collect()
}

fn answer(answer: &Answer) -> TestCase {
    let status = if answer.is_expected() {
        TestCaseStatus::success()
    } else {
        let of: Vec<_> = answer.mismatches.iter().map(|it| it.of.as_str()).collect();
        let text = differing(&answer.mismatches, ["expected", "but got "]);
        failure(&format!("not as expected: {}", of.join(", ")), &text)
    };
    let mut case = TestCase::new(format!("{} {}", answer.method, answer.path), status);
    case.set_time(duration(answer.milliseconds));
    case
}

fn reused(reused: &Reused) -> TestCase {
    let status = match reused.verdict {
        Leak::None => TestCaseStatus::success(),
        Leak::Found => {
            let text = differing(&reused.differences, ["fresh ", "reused"]);
            failure("answered with what another request left behind", &text)
        }
        Leak::NotComparable => skipped("two fresh instances answer differently"),
        Leak::NotApplicable => skipped("each request has an instance of its own"),
        Leak::NotReused => skipped("never answered by an instance that had answered before"),
    };
    TestCase::new(format!("{} {}", reused.method, reused.path), status)
}

fn differing(mismatches: &[Mismatch], [one, other]: [&str; 2]) -> String {
    let mut text = String::new();
    for it in mismatches {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}\n  {one} {}\n  {other} {}", it.of, it.expected, it.actual);
    }
    text
}

fn skipped(reason: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(reason);
    status
}

fn failure(message: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message);
    if !text.is_empty() {
        status.set_description(text);
    }
    status
}

/// An error with all there is to it, as in a terminal without colours.
fn in_words(error: &Error) -> String {
    let text = format!("error: {error}\n{}\n", report::details(error));
    anstream::adapter::strip_str(&text).to_string()
}

fn duration(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}
