//! What holds for every answer, on random registries: what may change it, and what may not.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use spin_deps_resolver::{Edge, Failure, Locked, Preference, Release, Resolution, resolve};
use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use crate::random::{Case, Typed, bucket, typed};
use crate::sat::is_satisfiable;
use crate::support::{edge, version};

const CASES: u32 = 1_000;

fn resolved(case: &Case, locked: &Locked, preference: Preference) -> Result<Resolution, Failure> {
    resolve(&case.requirements(), locked, preference, &case.index())
}

fn is_unsolvable(answer: &Result<Resolution, Failure>) -> bool {
    matches!(answer, Err(Failure::NoSolution { .. }))
}

fn releases(resolution: &Resolution) -> impl Iterator<Item = (PackageRef, Version)> {
    resolution.packages.iter().map(|one| (one.package.clone(), one.version.clone()))
}

/// That an answer is one: every need is met by a release that matches and fits, once a bucket, and nothing is there that
/// nobody needs.
pub(crate) fn assert_answers(case: &Case, index: &Typed, locked: &Locked, resolution: &Resolution) {
    let mut needed: HashSet<(&PackageRef, &Version)> = HashSet::new();
    assert_eq!(resolution.roots.len(), case.needs.len());
    for (need, root) in case.needs.iter().zip(&resolution.roots) {
        assert!(need.req.matches(root) && index.types.fit(None, &need.package, &need.req, root), "{need:?}");
        needed.insert((&need.package, root));
    }
    let mut buckets = BTreeMap::new();
    let mut warnings = 0;
    for release in &resolution.packages {
        let (package, version) = (&release.package, &release.version);
        let entry = index.memory.entry(package, version).expect("it exists");
        let Release::Available(edges) = &entry.release else { panic!("it is available") };
        let words = |package: &PackageRef, req: &dyn ToString| format!("{package} {}", req.to_string());
        let wanted: BTreeSet<_> = edges.iter().map(|need| words(&need.package, &need.req)).collect();
        let linked: BTreeSet<_> =
            release.dependencies.iter().map(|link| words(&link.package, &link.req)).collect();
        assert_eq!(wanted, linked, "{package} {version} has all that it needs");
        for link in &release.dependencies {
            let consumer = Some((package, version));
            assert!(link.req.matches(&link.version));
            assert!(index.types.fit(consumer, &link.package, &link.req, &link.version), "{link:?}");
            assert!(index.types.are_usable(&link.package, &link.version));
            needed.insert((&link.package, &link.version));
        }
        assert_eq!(buckets.insert((package, bucket(version)), version), None, "one release a bucket");
        warnings += usize::from(entry.yanked);
    }
    let there: HashSet<_> = resolution.packages.iter().map(|one| (&one.package, &one.version)).collect();
    assert_eq!(there, needed, "what is needed and nothing else");
    assert_eq!(resolution.warnings.len(), warnings, "each yanked release has a warning: {locked:?}");
}

/// Runs a property over random registries. It says of each case whether it applied; too few make the test fail.
fn holds(name: &str, at_least: usize, property: impl Fn(&Case) -> Result<bool, TestCaseError>) {
    let applied = AtomicUsize::new(0);
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&typed(), |case| {
        applied.fetch_add(usize::from(property(&case)?), Ordering::Relaxed);
        TestCaseResult::Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    let applied = applied.into_inner();
    println!("{name}: {CASES} registries, it applied to {applied}");
    assert!(applied >= at_least, "only {applied} registries show anything");
}

/// A number that is as good as random and always the same for a case.
fn dice(case: &Case, sides: usize) -> usize {
    let text = format!("{case:?}");
    text.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % sides.max(1)
}

#[test]
fn the_answer_is_the_same_in_every_order_and_on_every_run() {
    holds("order", 200, |case| {
        let answer = |answer: Result<Resolution, Failure>| match answer {
            Ok(resolution) => Ok((resolution.packages, resolution.warnings.len())),
            // The origins number the requirements, so the texts differ.
            Err(Failure::NoSolution { .. }) => Err(None),
            Err(other) => Err(Some(other)),
        };
        let straight = answer(resolved(case, &Locked::default(), Preference::Highest));
        let again = answer(resolved(case, &Locked::default(), Preference::Highest));
        prop_assert_eq!(&again, &straight);

        let mut backwards = case.clone();
        backwards.needs.reverse();
        for package in &mut backwards.registry {
            package.releases.reverse();
            package.releases.iter_mut().for_each(|(_, _, needs)| needs.reverse());
        }
        let backwards = answer(resolved(&backwards, &Locked::default(), Preference::Highest));
        prop_assert_eq!(&backwards, &straight);
        Ok(straight.is_ok())
    });
}

#[test]
fn a_requirement_less_is_not_harder() {
    holds("a requirement less", 100, |case| {
        let Ok(resolution) = resolved(case, &Locked::default(), Preference::Highest) else {
            return Ok(false);
        };
        // What the app asks for with `=` may be yanked, and without it others may not have it.
        if case.needs.len() < 2 || !resolution.warnings.is_empty() {
            return Ok(false);
        }
        let mut fewer = case.clone();
        fewer.needs.remove(dice(case, case.needs.len()));
        let answer = resolved(&fewer, &Locked::default(), Preference::Highest);
        prop_assert!(!is_unsolvable(&answer), "{:?}", answer);
        Ok(true)
    });
}

/// With a lock, whatever was not chosen can go. Without one, there is still an answer, but it can be another: with fewer
/// candidates a package is decided earlier. Where each choice was the highest there is, nothing depends on the order, and
/// the answer is the same.
#[test]
fn what_was_not_chosen_can_go() {
    let highest = AtomicUsize::new(0);
    holds("unpublished", 200, |case| {
        let Ok(resolution) = resolved(case, &Locked::default(), Preference::Highest) else {
            return Ok(false);
        };
        let selected: HashSet<_> = releases(&resolution).collect();
        let is_selected =
            |name: &str, number: &str| selected.contains(&(name.parse().expect("a name"), version(number)));
        let mut unselected = Vec::new();
        for (at, package) in case.registry.iter().enumerate() {
            let rest = package.releases.iter().enumerate();
            let rest = rest.filter(|(_, (number, ..))| !is_selected(&package.name, number));
            unselected.extend(rest.map(|(release, _)| (at, release)));
        }
        let Some(&(at, release)) = unselected.get(dice(case, unselected.len())) else { return Ok(false) };
        let mut fewer = case.clone();
        fewer.registry[at].releases.remove(release);

        let locked: Locked = releases(&resolution).collect();
        let kept = resolved(&fewer, &locked, Preference::Highest).expect("what was chosen is still there");
        prop_assert_eq!(&kept.packages, &resolution.packages);

        let free = resolved(&fewer, &Locked::default(), Preference::Highest);
        prop_assert!(!is_unsolvable(&free), "there was one");
        if is_highest(case, &resolution) {
            highest.fetch_add(1, Ordering::Relaxed);
            prop_assert_eq!(&free.expect("nothing is in the way").packages, &resolution.packages);
        }
        Ok(true)
    });
    let highest = highest.into_inner();
    println!("of these, {highest} had the highest of everything");
    assert!(highest > 50, "only {highest} answers have the highest of everything");
}

/// Whether every need in an answer is met by the highest release that matches it, yanked or not.
fn is_highest(case: &Case, resolution: &Resolution) -> bool {
    let links = resolution.packages.iter().flat_map(|release| &release.dependencies);
    let links = links.map(|link| (&link.package, &link.req, &link.version));
    let roots = case.needs.iter().zip(&resolution.roots);
    let roots = roots.map(|(need, root)| (&need.package, &need.req, root));
    roots.chain(links).all(|(package, req, chosen)| {
        let entries = case.registry.iter().filter(|one| one.name == package.to_string());
        let versions = entries.flat_map(|one| &one.releases).map(|(number, ..)| version(number));
        versions.filter(|one| req.matches(one)).max().as_ref() == Some(chosen)
    })
}

#[test]
fn what_nobody_may_choose_can_come() {
    holds("published", 200, |case| {
        let answer = resolved(case, &Locked::default(), Preference::Highest);
        let needs_of_all = case.registry.iter().flat_map(|package| &package.releases);
        let all: Vec<_> = needs_of_all.flat_map(|(.., needs)| needs).chain(&case.needs).collect();
        let mut more = case.clone();
        for package in &mut more.registry {
            // A pre-release is outside of all ranges that do not name it; a release seldom is.
            for number in ["0.0.3", "1.0.1", "1.9.9", "4.0.0", "9.0.0-rc.1"] {
                let admits = |need: &&&_| {
                    let need: &Edge = need;
                    need.package.to_string() == package.name && need.req.matches(&version(number))
                };
                if !all.iter().any(|need| admits(&need)) {
                    package.releases.push((number, false, vec![edge("t:nowhere ^1")]));
                }
            }
        }
        let after = resolved(&more, &Locked::default(), Preference::Highest);
        match (&answer, &after) {
            (Ok(before), Ok(after)) => prop_assert_eq!(&before.packages, &after.packages),
            (Err(Failure::NoSolution { .. }), Err(Failure::NoSolution { .. })) => {}
            (before, after) => prop_assert_eq!(before, after),
        }
        Ok(answer.is_ok())
    });
}

#[test]
fn whatever_is_preferred_is_an_answer() {
    holds("preference", 200, |case| {
        let index = case.index();
        let (mut unsolvable, mut plain) = (0, 0);
        for preference in [Preference::Highest, Preference::Lowest, Preference::LowestDirect] {
            let answer = resolved(case, &Locked::default(), preference);
            unsolvable += usize::from(is_unsolvable(&answer));
            if let Ok(resolution) = &answer {
                assert_answers(case, &index, &Locked::default(), resolution);
                plain += usize::from(resolution.warnings.is_empty());
            }
        }
        // Whether somebody asks for a yanked release with `=` may depend on who is preferred.
        prop_assert!(plain == 0 || unsolvable == 0, "one finds an answer and another does not");

        // Where there is nothing to prefer, all are the same.
        let mut single = case.clone();
        single.registry.iter_mut().for_each(|package| package.releases.truncate(1));
        let highest = resolved(&single, &Locked::default(), Preference::Highest);
        prop_assert_eq!(&resolved(&single, &Locked::default(), Preference::Lowest), &highest);
        Ok(plain > 0)
    });
}

/// The locked releases that come to be needed through nothing but locked releases that stayed.
fn reached_by_what_stayed(resolution: &Resolution, locked: &Locked) -> Vec<(PackageRef, Version)> {
    let mut reached = BTreeSet::new();
    let roots = resolution.requirements.iter().zip(&resolution.roots);
    let mut queue: Vec<(PackageRef, Version)> =
        roots.map(|(asked, version)| (asked.package.clone(), version.clone())).collect();
    while let Some((package, version)) = queue.pop() {
        if reached.insert((package.clone(), version.clone())) && locked.contains(&package, &version) {
            let release = resolution.get(&package, &version).expect("it is part of the answer");
            queue
                .extend(release.dependencies.iter().map(|link| (link.package.clone(), link.version.clone())));
        }
    }
    reached.into_iter().collect()
}

/// The releases of an answer that meet a need which no locked release would.
fn met_by_no_lock<'r>(
    case: &'r Case,
    resolution: &'r Resolution,
    locked: &Locked,
) -> HashSet<(&'r PackageRef, &'r Version)> {
    let roots = case.needs.iter().zip(&resolution.roots);
    let mut wires: Vec<_> = roots.map(|(need, root)| (None, &need.package, &need.req, root)).collect();
    for release in &resolution.packages {
        let consumer = Some((&release.package, &release.version));
        let links = release.dependencies.iter();
        wires.extend(links.map(|link| (consumer, &link.package, &link.req, &link.version)));
    }
    let is_unmet = |consumer, package: &PackageRef, req: &VersionReq| {
        let mut candidates = locked.get(package).iter().filter(|one| req.matches(one));
        !candidates.any(|one| case.types.fit(consumer, package, req, one))
    };
    let unmet = wires.into_iter().filter(|(consumer, package, req, _)| is_unmet(*consumer, package, req));
    unmet.map(|(_, package, _, version)| (package, version)).collect()
}

/// A need that makes a locked release move, if there is one that it could move to.
fn push_out(case: &Case, locked: &Resolution) -> Option<Edge> {
    let one = locked.packages.get(dice(case, locked.packages.len()))?;
    let package = case.registry.iter().find(|package| package.name == one.package.to_string())?;
    let numbers = package.releases.iter().map(|(number, ..)| *number);
    let in_bucket = |number: &&str| bucket(&version(number)) == bucket(&one.version);
    let others: Vec<&str> =
        numbers.filter(in_bucket).filter(|number| version(number) != one.version).collect();
    let other = others.get(dice(case, others.len()))?;
    Some(edge(&format!("{} ={other}", one.package)))
}

/// After one more requirement, only what must move moves:
///
/// - where an answer has all locked releases, none of them leaves its bucket to another, and what is new is there for a
///   need that no locked release meets;
/// - a locked release that what stayed could use has left its bucket to another only if no answer has it together
///   with all locked releases that stayed.
///
/// The second says nothing of what is needed only by a release that moved: that one is free to be the highest, and
/// what it needs follows.
#[test]
fn a_lock_is_left_only_where_it_must_be() {
    let (all, moved) = (AtomicUsize::new(0), AtomicUsize::new(0));
    holds("minimal change", 150, |case| {
        let typed = case.index();
        let mut case = case.clone();
        let mut pushed = case.needs.pop();
        let Ok(first) = resolve(&case.requirements(), &Locked::default(), Preference::Lowest, &typed) else {
            return Ok(false);
        };
        let locked: Locked = releases(&first).collect();
        if dice(&case, 3) > 0 {
            pushed = push_out(&case, &first);
        }
        case.needs.extend(pushed);
        let Ok(second) = resolve(&case.requirements(), &locked, Preference::Highest, &typed) else {
            return Ok(false);
        };
        let case = &case;
        assert_answers(case, &typed, &locked, &second);
        let everything: Vec<_> = releases(&first).collect();
        let stayed: Vec<_> =
            releases(&second).filter(|(name, number)| locked.contains(name, number)).collect();
        if is_satisfiable(&typed, &case.needs, &locked, &everything) {
            let unmet = met_by_no_lock(case, &second, &locked);
            for (package, number) in releases(&second).filter(|(name, number)| !locked.contains(name, number))
            {
                let mut rivals = locked.get(&package).iter();
                prop_assert!(
                    !rivals.any(|one| bucket(one) == bucket(&number)),
                    "{} {} moved",
                    package,
                    number
                );
                prop_assert!(unmet.contains(&(&package, &number)), "{} {} has no reason", package, number);
            }
            all.fetch_add(1, Ordering::Relaxed);
        }
        for (package, number) in reached_by_what_stayed(&second, &locked) {
            let rivals = locked.get(&package).iter().filter(|one| bucket(one) == bucket(&number));
            for rival in rivals.filter(|one| **one != number) {
                let mut having = stayed.clone();
                having.push((package.clone(), rival.clone()));
                prop_assert!(
                    !is_satisfiable(&typed, &case.needs, &locked, &having),
                    "{} {} could stay, and is {} now",
                    package,
                    rival,
                    number
                );
                moved.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(true)
    });
    let (all, moved) = (all.into_inner(), moved.into_inner());
    println!("in {all} of these all could stay; {moved} releases had to move");
    assert!(all > 50 && moved > 20, "only {all} and {moved} show anything");
}
