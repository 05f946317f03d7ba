//! Tells in one sentence why there is no solution.
//!
//! The sentence follows the dependencies from what the app asks for to where they meet what is not there, and
//! then says what is there. Versions are shown as the user would write them: by the requirement that
//! leads to them where it fits, else by name.

mod hints;
mod needs;
mod states;
mod types;

use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

use wasm_pkg_common::package::PackageRef;

use self::hints::Advice;
use self::needs::Need;
use self::states::State;
use crate::Failure;
use crate::facts::{Blocked, Facts};
use crate::known::Known;
use crate::solver::Solver;

/// Dependencies told at the beginning and at the end before those between are only counted.
const MAX_NEEDS: usize = 10;
/// Packages that are looked at for facts about them.
const MAX_PACKAGES: usize = 1_000;
/// Facts about packages told.
const MAX_STATES: usize = 6;
/// Differences between types told.
const MAX_MISFITS: usize = 4;

struct Told<'a> {
    solver: &'a Solver<'a>,
    /// Each after the one that leads to it.
    needs: Vec<Need>,
    blocked: &'a [Blocked],
}

pub(crate) fn no_solution(facts: &Facts, solver: &Solver<'_>) -> Failure {
    let mut told = Told { solver, needs: Vec::new(), blocked: &facts.blocked };
    told.needs = needs::trace(&told, &facts.needs);
    let mut seen = HashSet::new();
    let packages = told.needs.iter().map(|need| &need.package).filter(|package| seen.insert(*package));
    let mut packages: Vec<_> = packages.collect();
    // What there is not is mostly at the end of what leads to it.
    packages.drain(..packages.len().saturating_sub(MAX_PACKAGES));
    let states: Vec<State> = packages.into_iter().flat_map(|package| told.states(package)).collect();
    let advice = told.advice(states.iter().filter_map(|state| state.advice.as_ref()));

    let mut clauses = told.clauses();
    clauses.extend(states.into_iter().take(MAX_STATES).map(|state| state.text));
    let in_lines = clauses.len() > 2 || clauses.iter().any(|clause| clause.contains('\n'));
    // A comma behind a type would look like a part of it.
    let ends_in_type = clauses.last().is_some_and(|clause| clause.contains('\n'));
    let (separator, end) = match (in_lines, ends_in_type) {
        (true, true) => ("\n  and ", "\n"),
        (true, false) => ("\n  and ", ",\n"),
        (false, _) => (" and ", ", "),
    };
    let one = solver.requirements.len() == 1;
    let met = if one { "requirement cannot be met" } else { "requirements cannot all be met" };
    let Advice { hint, changes, .. } = advice.unwrap_or_default();
    Failure::NoSolution {
        explanation: format!("because {}{end}your {met}", clauses.join(separator)),
        hint: (!hint.is_empty()).then_some(hint),
        requirements: told.needs.iter().flat_map(|need| need.asked.iter().copied()).collect(),
        changes,
    }
}

impl Told<'_> {
    /// What is known of a package; everything asked for during the search is.
    fn known(&self, package: &PackageRef) -> Rc<Known> {
        self.solver.known(package).unwrap_or_default()
    }

    /// The dependencies, each followed by what does not fit it.
    fn clauses(&self) -> Vec<String> {
        let mut clauses = Vec::new();
        let (mut misfits, mut told) = (0_usize, BTreeSet::new());
        let left_out = self.needs.len().saturating_sub(2 * MAX_NEEDS);
        for (at, need) in self.needs.iter().enumerate() {
            if left_out > 0 && at == MAX_NEEDS {
                clauses.push(match left_out {
                    1 => "one other dependency takes part in this".to_owned(),
                    _ => format!("{left_out} other dependencies take part in this"),
                });
            }
            let is_shown = at < MAX_NEEDS || at >= MAX_NEEDS + left_out;
            clauses.extend(is_shown.then(|| self.need(need)));
            for misfit in self.misfits(need) {
                let clause = self.misfit(&misfit);
                if told.insert(clause.clone()) {
                    misfits += 1;
                    clauses.extend((misfits <= MAX_MISFITS).then_some(clause));
                }
            }
        }
        match misfits.saturating_sub(MAX_MISFITS) {
            0 => {}
            1 => clauses.push("one other pair does not fit".to_owned()),
            more => clauses.push(format!("{more} other pairs do not fit")),
        }
        clauses
    }
}
