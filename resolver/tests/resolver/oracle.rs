//! The solver against exhaustive search, on small random registries.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::support::{Memory, edge, in_order, version};
use proptest::prelude::*;
use spin_deps_resolver::{Edge, Failure, Locked, Preference, Release, Requirement, Resolution, resolve};
use wasm_pkg_common::package::{PackageRef, Version};

const NAMES: [&str; 5] = ["t:a", "t:b", "t:c", "t:d", "t:e"];
const VERSIONS: [&str; 9] =
    ["0.1.0", "0.1.1", "0.2.0", "1.0.0", "1.1.0", "1.2.0-rc.1", "1.2.0", "2.0.0", "2.1.0"];
const REQS: [&str; 14] = [
    "*",
    "^1",
    "~1.0",
    "~1.1",
    "=1.1.0",
    "^1.2.0-rc.1",
    ">=1, <3",
    ">=1.1",
    "^2",
    "<2",
    "^0.1",
    ">=0.1.1, <1.2",
    "^3",
    "=2.0.0",
];

fn need() -> impl Strategy<Value = Edge> {
    (prop::sample::select(&NAMES[..]), prop::sample::select(&REQS[..]))
        .prop_map(|(name, req)| edge(&format!("{name} {req}")))
}

#[derive(Debug, Clone)]
struct Package {
    name: &'static str,
    releases: Vec<(&'static str, bool, Vec<Edge>)>,
}

fn registry() -> impl Strategy<Value = Vec<Package>> {
    let package = |name: &'static str| {
        prop::sample::subsequence(&VERSIONS[..], 0..=6).prop_flat_map(move |versions| {
            let count = versions.len();
            let needs = prop::collection::vec(prop::collection::vec(need(), 0..3), count);
            let yanked = prop::collection::vec(prop::bool::weighted(0.1), count);
            (Just(versions), yanked, needs).prop_map(move |(versions, yanked, needs)| {
                let releases = versions.into_iter().zip(yanked).zip(needs);
                Package { name, releases: releases.map(|((v, y), n)| (v, y, n)).collect() }
            })
        })
    };
    NAMES.map(package).into_iter().collect::<Vec<_>>()
}

fn memory(registry: &[Package]) -> Memory {
    let mut memory = Memory::default();
    for package in registry {
        for (number, yanked, needs) in &package.releases {
            let mut needs: Vec<String> =
                needs.iter().map(|need| format!("{} {}", need.package, need.req)).collect();
            needs.extend(yanked.then(|| "yanked".to_owned()));
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            memory.add(package.name, number, &needs);
        }
    }
    memory
}

/// The case in a few lines, for the message.
fn show(registry: &[Package], needs: &[Edge]) -> String {
    let words = |needs: &[Edge]| {
        needs.iter().map(|need| format!("{} {}", need.package, need.req)).collect::<Vec<_>>().join(" & ")
    };
    let mut text = format!("\nthe app needs {}\n", words(needs));
    for package in registry {
        for (number, yanked, needs) in &package.releases {
            let yanked = if *yanked { " (yanked)" } else { "" };
            writeln!(text, "{} {number}{yanked} needs {}", package.name, words(needs)).unwrap();
        }
    }
    text
}

fn requirements(needs: &[Edge]) -> Vec<Requirement> {
    let one = |(at, need): (usize, &Edge)| Requirement {
        package: need.package.clone(),
        req: need.req.clone(),
        origin: format!("component \"c{at}\""),
    };
    needs.iter().enumerate().map(one).collect()
}

fn bucket(version: &Version) -> (u64, u64, u64) {
    match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    }
}

type Chosen = BTreeMap<(PackageRef, (u64, u64, u64)), Version>;

/// Tries everything: a need is met by what is chosen, or by each release that fits in a bucket still free.
fn search(memory: &Memory, chosen: &Chosen, needs: &[Edge], budget: &mut u32) -> Option<bool> {
    *budget = budget.checked_sub(1)?;
    let Some((need, rest)) = needs.split_first() else {
        return Some(true);
    };
    let fits = |version: &Version| need.req.matches(version);
    if chosen.iter().any(|((package, _), version)| *package == need.package && fits(version)) {
        return search(memory, chosen, rest, budget);
    }
    let Some(Ok(entries)) = memory.packages.get(&need.package) else {
        return Some(false);
    };
    for entry in entries.iter().filter(|entry| fits(&entry.version)) {
        let place = (need.package.clone(), bucket(&entry.version));
        let Release::Available(edges) = &entry.release else {
            continue;
        };
        if chosen.contains_key(&place) {
            continue;
        }
        let mut chosen = chosen.clone();
        chosen.insert(place, entry.version.clone());
        let needs: Vec<Edge> = rest.iter().chain(edges).cloned().collect();
        if search(memory, &chosen, &needs, budget)? {
            return Some(true);
        }
    }
    Some(false)
}

fn asks(need: &Edge, package: &PackageRef, version: &Version) -> bool {
    need.package == *package && need.req.to_string() == format!("={version}")
}

/// Whether there is an answer without yanked releases, other than those that the app asks for with `=`.
fn is_solvable(memory: &Memory, needs: &[Edge]) -> Option<bool> {
    let mut usable = Memory::default();
    for (package, entries) in &memory.packages {
        let mut entries = entries.clone().unwrap();
        entries.retain(|entry| !entry.yanked || needs.iter().any(|need| asks(need, package, &entry.version)));
        usable.packages.insert(package.clone(), Ok(entries));
    }
    search(&usable, &Chosen::new(), needs, &mut 200_000)
}

/// That an answer is one.
fn check(memory: &Memory, needs: &[Edge], resolution: &Resolution) {
    let mut chosen = Chosen::new();
    for release in &resolution.packages {
        let entry = memory.entry(&release.package, &release.version).expect("it exists");
        let Release::Available(edges) = &entry.release else { panic!("it is available") };
        let wanted: BTreeSet<String> =
            edges.iter().map(|need| format!("{} {}", need.package, need.req)).collect();
        let linked: BTreeSet<String> =
            release.dependencies.iter().map(|link| format!("{} {}", link.package, link.req)).collect();
        assert_eq!(wanted, linked);
        for link in &release.dependencies {
            assert!(link.req.matches(&link.version));
            assert!(resolution.get(&link.package, &link.version).is_some());
        }
        let place = (release.package.clone(), bucket(&release.version));
        assert_eq!(chosen.insert(place, release.version.clone()), None, "one release a bucket");
    }
    assert!(
        resolution.packages.is_sorted_by_key(|release| (release.package.clone(), release.version.clone()))
    );
    assert_eq!(resolution.roots.len(), needs.len());
    for (need, root) in needs.iter().zip(&resolution.roots) {
        assert!(need.req.matches(root) && resolution.get(&need.package, root).is_some());
    }
    for ((package, _), version) in
        chosen.iter().filter(|((package, _), version)| memory.entry(package, version).unwrap().yanked)
    {
        let mut links = resolution.packages.iter().flat_map(|release| &release.dependencies);
        let asked = links.any(|link| {
            asks(&Edge { package: link.package.clone(), req: link.req.clone() }, package, version)
        });
        assert!(asked || needs.iter().any(|need| asks(need, package, version)));
    }
    let mut done: BTreeSet<(&PackageRef, &Version)> = BTreeSet::new();
    for release in in_order(resolution) {
        assert!(release.dependencies.iter().all(|link| done.contains(&(&link.package, &link.version))));
        done.insert((&release.package, &release.version));
    }
    assert_eq!(done.len(), resolution.packages.len(), "no circle, and nothing that is not needed");
}

fn resolves(memory: &Memory, needs: &[Edge]) -> Result<Resolution, Failure> {
    resolve(&requirements(needs), &Locked::default(), Preference::Highest, memory)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn agrees_with_exhaustive_search(registry in registry(), needs in prop::collection::vec(need(), 1..5)) {
        let memory = memory(&registry);
        let answer = resolves(&memory, &needs);
        match &answer {
            Ok(resolution) => check(&memory, &needs, resolution),
            Err(Failure::NoSolution { explanation, .. }) => {
                let solvable = is_solvable(&memory, &needs) == Some(true);
                prop_assert!(!solvable, "{}{}", explanation, show(&registry, &needs));
                prop_assert!(explanation.starts_with("because ") && explanation.contains("cannot"));
            }
            Err(Failure::Cycle { path }) => {
                for (at, (package, version)) in path.iter().enumerate() {
                    let (next, number) = &path[(at + 1) % path.len()];
                    let Release::Available(edges) = &memory.entry(package, version).unwrap().release else {
                        return Err(TestCaseError::fail("a release that cannot be used"));
                    };
                    prop_assert!(edges.iter().any(|need| need.package == *next && need.req.matches(number)));
                }
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn order_does_not_matter(
        registry in registry(),
        (needs, shuffled) in prop::collection::vec(need(), 1..6)
            .prop_flat_map(|needs| (Just(needs.clone()), Just(needs).prop_shuffle())),
    ) {
        let straight = resolves(&memory(&registry), &needs);
        let mut backwards = registry.clone();
        for package in &mut backwards {
            package.releases.reverse();
            package.releases.iter_mut().for_each(|(_, _, needs)| needs.reverse());
        }
        // The origins number the requirements, so they are not compared.
        let answer = |answer: Result<Resolution, Failure>| match answer {
            Ok(resolution) => Ok(resolution.packages),
            Err(Failure::NoSolution { .. }) => Err(None),
            Err(other) => Err(Some(other)),
        };
        prop_assert_eq!(answer(straight.clone()), answer(resolves(&memory(&registry), &needs)));
        prop_assert_eq!(answer(straight), answer(resolves(&memory(&backwards), &shuffled)));
    }

    #[test]
    fn what_is_locked_stays(registry in registry(), needs in prop::collection::vec(need(), 1..5)) {
        let memory = memory(&registry);
        let Ok(resolution) = resolves(&memory, &needs) else { return Ok(()) };
        let locked = resolution.packages.iter().map(|one| (one.package.clone(), one.version.clone())).collect();
        let again = resolve(&requirements(&needs), &locked, Preference::Highest, &memory).unwrap();
        prop_assert_eq!((again.packages, again.roots), (resolution.packages, resolution.roots));
    }

    #[test]
    fn less_to_meet_is_not_harder(registry in registry(), needs in prop::collection::vec(need(), 2..6)) {
        let solved = |answer: Result<Resolution, Failure>| !matches!(answer, Err(Failure::NoSolution { .. }));
        let memory = memory(&registry);
        let Ok(resolution) = resolves(&memory, &needs) else { return Ok(()) };
        if resolution.warnings.is_empty() {
            prop_assert!(solved(resolves(&memory, &needs[1..])), "one requirement less");
        }
        let mut fewer = registry.clone();
        for package in &mut fewer {
            let name = package.name.parse().unwrap();
            package.releases.retain(|(number, ..)| resolution.get(&name, &version(number)).is_some());
        }
        let kept = resolves(&self::memory(&fewer), &needs).unwrap();
        check(&self::memory(&fewer), &needs, &kept);
    }
}
