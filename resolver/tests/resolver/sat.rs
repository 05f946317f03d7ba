//! The solver against a SAT solver, on random registries that are too large to search.
//!
//! The encoding: a variable for each release that may be used; at most one of a package and bucket; what the app asks for
//! is met by one of those that match; and a release that is chosen has each of its needs met in the same way. Both
//! solvers must agree on whether there is a solution. A circle is an answer that the app cannot use, so it counts as one.
//!
//! A random registry is mostly easy. The cases are counted in which the solver had to take a choice back, and the test
//! fails when there are too few of them to mean anything.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use spin_deps_resolver::{Edge, Failure, Locked, Release, Requirement, Resolution, resolve};
use varisat::{ExtendFormula as _, Lit, Solver};
use wasm_pkg_common::package::{PackageRef, Version};

use crate::support::{Memory, edge, version};

const CASES: u32 = 3_000;
const VERSIONS: [&str; 14] = [
    "0.1.0",
    "0.1.1",
    "0.1.2",
    "0.2.0",
    "0.2.1",
    "1.0.0",
    "1.1.0",
    "1.2.0-rc.1",
    "1.2.0",
    "1.3.0",
    "2.0.0",
    "2.1.0",
    "2.2.0",
    "3.0.0-alpha",
];
const REQS: [&str; 18] = [
    "*",
    "^1",
    "^1.1",
    "~1.1",
    "~1.2",
    "=1.1.0",
    "=1.2.0",
    "^1.2.0-rc.1",
    ">=1, <3",
    ">=1.1, <1.3",
    "^2",
    "^2.1",
    "<2",
    "^0.1",
    "~0.1.1",
    "^0.2",
    ">=0.1.1, <1.2",
    "=2.0.0",
];

#[derive(Debug, Clone)]
struct Package {
    name: String,
    releases: Vec<(&'static str, bool, Vec<Edge>)>,
}

/// The name of a package by its number.
fn name(number: usize) -> String {
    let letter = char::from(b'a' + u8::try_from(number % 26).unwrap());
    format!("t:{letter}{}", number / 26)
}

fn need(packages: usize) -> impl Strategy<Value = Edge> {
    (0..packages, prop::sample::select(&REQS[..])).prop_map(|(to, req)| edge(&format!("{} {req}", name(to))))
}

/// Half of all releases need nothing: where everything needs something, hardly anything can be met.
fn needs_of_one(packages: usize) -> impl Strategy<Value = Vec<Edge>> {
    prop_oneof![1 => Just(Vec::new()), 1 => prop::collection::vec(need(packages), 1..4)]
}

fn case() -> impl Strategy<Value = (Vec<Package>, Vec<Edge>)> {
    (4_usize..16).prop_flat_map(|packages| {
        let package = move |number: usize| {
            prop::sample::subsequence(&VERSIONS[..], 3..=10).prop_flat_map(move |versions| {
                let count = versions.len();
                let needs = prop::collection::vec(needs_of_one(packages), count);
                let yanked = prop::collection::vec(prop::bool::weighted(0.08), count);
                (Just(versions), yanked, needs).prop_map(move |(versions, yanked, needs)| {
                    let releases = versions.into_iter().zip(yanked).zip(needs);
                    Package { name: name(number), releases: releases.map(|((v, y), n)| (v, y, n)).collect() }
                })
            })
        };
        let registry = (0..packages).map(package).collect::<Vec<_>>();
        (registry, prop::collection::vec(need(packages), 1..6))
    })
}

fn memory(registry: &[Package]) -> Memory {
    let mut memory = Memory::default();
    for package in registry {
        for (number, yanked, needs) in &package.releases {
            let mut words: Vec<String> =
                needs.iter().map(|need| format!("{} {}", need.package, need.req)).collect();
            words.extend(yanked.then(|| "yanked".to_owned()));
            memory.add(&package.name, number, &words.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
    memory
}

fn requirements(needs: &[Edge]) -> Vec<Requirement> {
    let one = |(at, need): (usize, &Edge)| Requirement {
        package: need.package.clone(),
        req: need.req.clone(),
        origin: format!("component \"c{at}\""),
    };
    needs.iter().enumerate().map(one).collect()
}

fn resolves(memory: &Memory, needs: &[Edge]) -> Result<Resolution, Failure> {
    resolve(&requirements(needs), &Locked::default(), memory)
}

fn bucket(version: &Version) -> (u64, u64, u64) {
    match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    }
}

/// A release that may be used, what it needs, and the variable that stands for it.
type Usable<'a> = (&'a Version, &'a [Edge], Lit);

/// Whether a SAT solver finds an answer without yanked releases, other than those that the app asks for with `=`.
fn is_satisfiable(memory: &Memory, needs: &[Edge]) -> bool {
    let asks = |package: &PackageRef, version: &Version| {
        needs.iter().any(|need| need.package == *package && need.req.to_string() == format!("={version}"))
    };
    let mut solver = Solver::new();
    let mut variables: BTreeMap<&PackageRef, Vec<Usable<'_>>> = BTreeMap::new();
    for (package, entries) in &memory.packages {
        for entry in entries.as_ref().expect("every package is listed") {
            let Release::Available(edges) = &entry.release else { panic!("every release is available") };
            if !entry.yanked || asks(package, &entry.version) {
                let variable = solver.new_lit();
                variables.entry(package).or_default().push((&entry.version, edges, variable));
            }
        }
    }
    let meeting = |need: &Edge| -> Vec<Lit> {
        let releases = variables.get(&need.package).into_iter().flatten();
        releases.filter(|(version, ..)| need.req.matches(version)).map(|(.., variable)| *variable).collect()
    };
    for need in needs {
        solver.add_clause(&meeting(need));
    }
    for releases in variables.values() {
        for (at, (version, edges, variable)) in releases.iter().enumerate() {
            for (other, _, rival) in &releases[at + 1..] {
                if bucket(version) == bucket(other) {
                    solver.add_clause(&[!*variable, !*rival]);
                }
            }
            for need in *edges {
                let mut clause = meeting(need);
                clause.push(!*variable);
                solver.add_clause(&clause);
            }
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

#[test]
fn agrees_with_a_sat_solver() {
    let (hard, solved, circles) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&case(), |(registry, needs)| {
        let memory = memory(&registry);
        let answer = resolves(&memory, &needs);
        let satisfiable = is_satisfiable(&memory, &needs);
        hard.fetch_add(usize::from(is_hard(&memory, &answer)), Ordering::Relaxed);
        match &answer {
            // With yanked releases that others ask for there can be an answer that the encoding does not know.
            Ok(resolution) if resolution.warnings.is_empty() => {
                solved.fetch_add(1, Ordering::Relaxed);
                prop_assert!(satisfiable, "an answer where there is none");
            }
            Ok(_) => {}
            Err(Failure::Cycle { .. }) => {
                circles.fetch_add(1, Ordering::Relaxed);
            }
            Err(Failure::NoSolution { explanation, .. }) => {
                prop_assert!(!satisfiable, "there is an answer, but: {explanation}");
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    let (hard, solved, circles) = (hard.into_inner(), solved.into_inner(), circles.into_inner());
    println!("{CASES} registries: {solved} solved, {circles} with a circle, {hard} hard");
    let at_least = CASES as usize / 10;
    assert!(
        hard > at_least && solved > at_least,
        "the registries are too easy: {hard} hard, {solved} solved"
    );
}

proptest! {
    #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

    /// What nobody chose can go, and what nobody may choose can come: the answer stays.
    #[test]
    fn releases_that_play_no_part_change_nothing((registry, needs) in case(), victim: prop::sample::Index) {
        let before = memory(&registry);
        let Ok(resolution) = resolves(&before, &needs) else { return Ok(()) };

        let unselected: Vec<(usize, usize)> = registry
            .iter()
            .enumerate()
            .flat_map(|(at, package)| (0..package.releases.len()).map(move |release| (at, release)))
            .filter(|(at, release)| {
                let package = &registry[*at];
                let number = version(package.releases[*release].0);
                resolution.get(&package.name.parse().unwrap(), &number).is_none()
            })
            .collect();
        if let Some((at, release)) = unselected.get(victim.index(unselected.len().max(1))) {
            let mut fewer = registry.clone();
            fewer[*at].releases.remove(*release);
            let after = resolve(
                &requirements(&needs),
                &resolution.packages.iter().map(|one| (one.package.clone(), one.version.clone())).collect(),
                &memory(&fewer),
            );
            prop_assert_eq!(&after.expect("what was chosen is still there").packages, &resolution.packages);
        }

        let mut more = registry.clone();
        for package in &mut more {
            package.releases.push(("9.0.0", false, vec![edge("t:nowhere ^1")]));
        }
        let open = |need: &Edge| need.req.matches(&version("9.0.0"));
        let anyone = registry.iter().flat_map(|package| &package.releases).flat_map(|(.., needs)| needs);
        if !needs.iter().chain(anyone).any(open) {
            prop_assert_eq!(resolves(&memory(&more), &needs).unwrap().packages, resolution.packages);
        }
    }
}

#[test]
fn the_encoding_knows_what_can_be_met() {
    let mut memory = Memory::default();
    memory.add("t:a", "1.0.0", &["t:b ^1"]).add("t:a", "1.1.0", &["t:b ^2"]).add("t:b", "1.0.0", &[]);
    assert!(is_satisfiable(&memory, &[edge("t:a ^1")]));
    assert!(!is_satisfiable(&memory, &[edge("t:a ^1.1")]));
    assert!(!is_satisfiable(&memory, &[edge("t:a =1.0.0"), edge("t:a =1.1.0")]));
}
