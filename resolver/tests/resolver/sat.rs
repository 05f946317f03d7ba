//! The solver against a SAT solver, on random registries that are too large to search.
//!
//! The encoding: a variable for each release that may be used; at most one of a package and bucket; what the app asks for
//! is met by one of those that match and fit by their types; and a release that is chosen has each of its needs met in the
//! same way. Both solvers must agree on whether there is a solution. A circle is an answer that the app cannot use, so it
//! counts as one.
//!
//! A random registry is mostly easy. The cases are counted in which the solver had to take a choice back, and the test
//! fails when there are too few of them to mean anything.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use spin_deps_resolver::{Edge, Failure, Locked, Preference, Release, Resolution, resolve};
use varisat::{ExtendFormula as _, Lit, Solver};
use wasm_pkg_common::package::{PackageRef, Version};

use crate::properties::assert_answers;
use crate::random::{Case, Typed, Types, bucket, typed, untyped};
use crate::support::{Memory, edge};

const CASES: u32 = 3_000;

/// A release that may be used, what it needs, and the variable that stands for it.
type Usable<'a> = (&'a Version, &'a [Edge], Lit);

/// Whether a SAT solver finds an answer that has all of these releases, and no yanked ones other than those that the
/// app asks for with `=` and those that are locked.
pub(crate) fn is_satisfiable(
    index: &Typed,
    needs: &[Edge],
    locked: &Locked,
    having: &[(PackageRef, Version)],
) -> bool {
    let asks = |package: &PackageRef, version: &Version| {
        needs.iter().any(|need| need.package == *package && need.req.to_string() == format!("={version}"))
    };
    let mut solver = Solver::new();
    let mut variables: BTreeMap<&PackageRef, Vec<Usable<'_>>> = BTreeMap::new();
    for (package, entries) in &index.memory.packages {
        for entry in entries.as_ref().expect("every package is listed") {
            let Release::Available(edges) = &entry.release else { panic!("every release is available") };
            let may_be =
                !entry.yanked || asks(package, &entry.version) || locked.contains(package, &entry.version);
            if may_be && index.types.are_usable(package, &entry.version) {
                let variable = solver.new_lit();
                variables.entry(package).or_default().push((&entry.version, edges, variable));
            }
        }
    }
    let meeting = |consumer: Option<(&PackageRef, &Version)>, need: &Edge| -> Vec<Lit> {
        let releases = variables.get(&need.package).into_iter().flatten();
        let fits = |version: &Version| {
            // A release that needs itself is a circle, whatever its types.
            need.req.matches(version)
                && (consumer == Some((&need.package, version))
                    || index.types.fit(consumer, &need.package, &need.req, version))
        };
        releases.filter(|(version, ..)| fits(version)).map(|(.., variable)| *variable).collect()
    };
    for need in needs {
        solver.add_clause(&meeting(None, need));
    }
    for (package, releases) in &variables {
        for (at, (version, edges, variable)) in releases.iter().enumerate() {
            for (other, _, rival) in &releases[at + 1..] {
                if bucket(version) == bucket(other) {
                    solver.add_clause(&[!*variable, !*rival]);
                }
            }
            for need in *edges {
                let mut clause = meeting(Some((*package, *version)), need);
                clause.push(!*variable);
                solver.add_clause(&clause);
            }
        }
    }
    for (package, version) in having {
        let mut releases = variables.get(package).into_iter().flatten();
        match releases.find(|(one, ..)| *one == version) {
            Some((.., variable)) => solver.add_clause(&[*variable]),
            None => return false,
        }
    }
    solver.solve().expect("the SAT solver ends")
}

/// Whether the solver looked at a release that is not part of its answer: then it took a choice back.
fn is_hard(memory: &Memory, answer: &Result<Resolution, Failure>) -> bool {
    let log = memory.log.borrow();
    let asked = log.iter().filter(|line| line.starts_with("release ")).count();
    match answer {
        Ok(resolution) => asked > resolution.packages.len(),
        // It takes more than one release to find out that nothing goes.
        Err(_) => asked > 1,
    }
}

#[derive(Default)]
struct Counts {
    hard: AtomicUsize,
    solved: AtomicUsize,
    unsolvable: AtomicUsize,
    circles: AtomicUsize,
    /// Answers by version that did not fit by their types.
    refused: AtomicUsize,
}

fn agree(cases: impl Strategy<Value = Case>, counts: &Counts) {
    let count = |counter: &AtomicUsize, by: usize| counter.fetch_add(by, Ordering::Relaxed);
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&cases, |case| {
        let index = case.index();
        let answer = resolve(&case.requirements(), &Locked::default(), Preference::Highest, &index);
        let satisfiable = is_satisfiable(&index, &case.needs, &Locked::default(), &[]);
        count(&counts.hard, usize::from(is_hard(&index.memory, &answer)));
        count(&counts.refused, index.rounds.get().saturating_sub(1));
        match &answer {
            Ok(resolution) => {
                assert_answers(&case, &index, &Locked::default(), resolution);
                // With yanked releases that others ask for there can be an answer that the encoding does not know.
                if resolution.warnings.is_empty() {
                    count(&counts.solved, 1);
                    prop_assert!(satisfiable, "an answer where there is none");
                }
            }
            Err(Failure::Cycle { .. }) => {
                count(&counts.circles, 1);
            }
            Err(Failure::NoSolution { explanation, .. }) => {
                count(&counts.unsolvable, 1);
                prop_assert!(!satisfiable, "there is an answer, but: {explanation}");
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    let number = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    println!(
        "{CASES} registries: {} solved, {} without an answer, {} with a circle, {} hard; {} answers refused by their types",
        number(&counts.solved),
        number(&counts.unsolvable),
        number(&counts.circles),
        number(&counts.hard),
        number(&counts.refused),
    );
    let at_least = CASES as usize / 10;
    for (what, counter) in
        [("hard", &counts.hard), ("solved", &counts.solved), ("unsolvable", &counts.unsolvable)]
    {
        assert!(number(counter) > at_least, "the registries are too easy: only {} {what}", number(counter));
    }
}

#[test]
fn agrees_with_a_sat_solver() {
    agree(untyped(), &Counts::default());
}

#[test]
fn agrees_with_a_sat_solver_on_types() {
    let counts = Counts::default();
    agree(typed(), &counts);
    let refused = counts.refused.into_inner();
    assert!(refused > CASES as usize / 10, "the types fit too well: only {refused} answers refused");
}

#[test]
fn the_encoding_knows_what_can_be_met() {
    let mut memory = Memory::default();
    memory.add("t:a", "1.0.0", &["t:b ^1"]).add("t:a", "1.1.0", &["t:b ^2"]).add("t:b", "1.0.0", &[]);
    let index = Typed { memory, types: Types::default(), rounds: Cell::default() };
    let meets = |needs: &[&str]| {
        let needs: Vec<Edge> = needs.iter().map(|need| edge(need)).collect();
        is_satisfiable(&index, &needs, &Locked::default(), &[])
    };
    assert!(meets(&["t:a ^1"]));
    assert!(!meets(&["t:a ^1.1"]));
    assert!(!meets(&["t:a =1.0.0", "t:a =1.1.0"]));
}
