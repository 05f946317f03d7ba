//! Moves against their rules, on small random registries: what may stay stays, and no more is held than that.

use std::collections::BTreeMap;

use proptest::prelude::*;
use semver::{Version, VersionReq};
use spin_deps_lockfile::{Dependency, Lockfile, Package};
use spin_deps_resolver::{
    Candidate, Edge, Failure, Index, Locked, Preference, Release, Requirement, Resolution, Versions, resolve,
};
use wasm_pkg_common::package::PackageRef;

use super::{Aim, Refusal, has, id, is_version, led_to, moved};
use crate::requirements::exactly;

const NAMES: [&str; 5] = ["t:a", "t:b", "t:c", "t:d", "t:e"];
const VERSIONS: [&str; 7] = ["0.1.0", "0.1.1", "1.0.0", "1.1.0", "1.2.0", "2.0.0", "2.1.0"];
const REQS: [&str; 10] =
    ["*", "^1", "~1.0", "~1.1", "=1.1.0", ">=1, <3", ">=1.1", "^2", "^0.1", ">=0.1.1, <1.2"];

/// A release: its version, whether it is yanked, and what it needs.
type Row = (Version, bool, Vec<(PackageRef, VersionReq)>);

/// An index in memory.
#[derive(Debug, Clone, Default)]
struct Memory(BTreeMap<PackageRef, Vec<Row>>);

impl Memory {
    fn add(&mut self, package: &str, version: &str, needs: &[(&str, &str)]) -> &mut Self {
        let needs = needs.iter().map(|(package, req)| need(package, req)).collect();
        let row = (version.parse().unwrap(), false, needs);
        self.0.entry(package.parse().unwrap()).or_default().push(row);
        self
    }

    fn yank(&mut self, package: &str, version: &str) {
        let rows = self.0.get_mut(&package.parse().unwrap()).unwrap();
        rows.iter_mut().filter(|row| row.0.to_string() == version).for_each(|row| row.1 = true);
    }
}

impl Index for Memory {
    fn versions(&self, package: &PackageRef) -> Versions {
        let Some(rows) = self.0.get(package) else { return Versions::NotFound("example.com".into()) };
        let candidate = |row: &Row| Candidate { version: row.0.clone(), yanked: row.1, reason: None };
        Versions::Found(rows.iter().map(candidate).collect())
    }

    fn release(&self, package: &PackageRef, version: &Version) -> Release {
        let row =
            self.0[package].iter().find(|row| row.0 == *version).expect("only what exists is asked about");
        let edge =
            |(package, req): &(PackageRef, VersionReq)| Edge { package: package.clone(), req: req.clone() };
        Release::Available(row.2.iter().map(edge).collect())
    }
}

fn need(package: &str, req: &str) -> (PackageRef, VersionReq) {
    (package.parse().unwrap(), req.parse().unwrap())
}

fn asks(needs: &[(&str, &str)]) -> Vec<Requirement> {
    let needs = needs.iter().map(|(package, req)| need(package, req));
    needs.map(|(package, req)| Requirement { package, req, origin: "component `app`".into() }).collect()
}

fn locked(resolution: &Resolution) -> Lockfile {
    let package = |it: &spin_deps_resolver::Resolved| Package {
        name: it.package.clone(),
        version: it.version.clone(),
        registry: "example.com".parse().unwrap(),
        digest: format!("sha256:{}", "0".repeat(64)).parse().unwrap(),
        manifest: None,
        signers: None,
        size: 1,
        capabilities: Vec::new(),
        imports: Vec::new(),
        granted: Vec::new(),
        overridden: Vec::new(),
        dependencies: it
            .dependencies
            .iter()
            .map(|it| Dependency {
                package: it.package.clone(),
                req: it.req.clone(),
                version: it.version.clone(),
            })
            .collect(),
    };
    Lockfile { packages: resolution.packages.iter().map(package).collect(), ..Lockfile::default() }
}

fn solved(
    requirements: &[Requirement],
    preference: Preference,
    index: &Memory,
) -> Result<Resolution, Failure> {
    resolve(requirements, &Locked::default(), preference, index)
}

fn shown(resolution: &Resolution) -> Vec<String> {
    resolution.packages.iter().map(|it| format!("{} {}", it.package, it.version)).collect()
}

/// `t:a@1.0.0`, as a locked release to move.
fn some(release: &str) -> Aim {
    let (package, version) = release.split_once('@').unwrap();
    Aim::Some([(package.parse().unwrap(), version.parse().unwrap())].into())
}

fn precise(release: &str, to: &str) -> Aim {
    let (package, version) = release.split_once('@').unwrap();
    let from = (package.parse().unwrap(), version.parse().unwrap());
    Aim::Precise { from, to: to.parse().unwrap() }
}

#[test]
fn what_depends_on_a_package_stays_when_it_moves() {
    let mut index = Memory::default();
    // The solver would look at `t:base` first, for it has fewer releases, and move `t:top` to fit it.
    index.add("t:base", "1.0.0", &[]).add("t:base", "1.1.0", &[]).add("t:base", "1.2.0", &[]);
    for version in ["1.0.0", "1.0.1", "1.0.2", "1.0.3"] {
        index.add("t:top", version, &[("t:base", if version == "1.0.0" { "~1" } else { "~1.2" })]);
    }
    index.add("t:low", "1.0.0", &[("t:base", ">=1, <1.2")]);
    let asked = asks(&[("t:top", "^1"), ("t:low", "^1")]);
    let lock = locked(&solved(&asked, Preference::Lowest, &index).unwrap());
    let moved = moved(&asked, &lock, &some("t:base@1.0.0"), &index).unwrap();
    assert_eq!(shown(&moved), ["t:base 1.1.0", "t:low 1.0.0", "t:top 1.0.0"]);
}

#[test]
fn what_a_package_needs_moves_with_it_and_no_further_than_it_must() {
    let mut index = Memory::default();
    index.add("t:a", "1.0.0", &[("t:b", "^1"), ("t:c", "^1")]);
    index.add("t:a", "1.1.0", &[("t:b", "^1.1"), ("t:c", "^1")]);
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        index.add("t:b", version, &[]).add("t:c", version, &[]);
    }
    let asked = asks(&[("t:a", "^1")]);
    let lock = locked(&solved(&asked, Preference::Lowest, &index).unwrap());
    let moved = moved(&asked, &lock, &some("t:a@1.0.0"), &index).unwrap();
    assert_eq!(shown(&moved), ["t:a 1.1.0", "t:b 1.2.0", "t:c 1.0.0"]);
}

#[test]
fn a_yanked_release_moves_off_where_there_is_another() {
    let mut index = Memory::default();
    index.add("t:a", "1.0.0", &[]).add("t:a", "1.1.0", &[]).add("t:b", "1.0.0", &[]).add("t:b", "1.1.0", &[]);
    let asked = asks(&[("t:a", "=1.1.0"), ("t:b", "^1")]);
    let lock = locked(&solved(&asked, Preference::Highest, &index).unwrap());
    let loose = asks(&[("t:a", "^1"), ("t:b", "^1")]);
    index.yank("t:a", "1.1.0");
    for aim in [Aim::All, some("t:a@1.1.0")] {
        assert_eq!(shown(&moved(&loose, &lock, &aim, &index).unwrap()), ["t:a 1.0.0", "t:b 1.1.0"]);
    }
    index.yank("t:a", "1.0.0");
    for aim in [Aim::All, some("t:a@1.1.0")] {
        let stays = moved(&loose, &lock, &aim, &index).unwrap();
        assert_eq!(shown(&stays), ["t:a 1.1.0", "t:b 1.1.0"]);
        assert!(stays.warnings[0].contains("kept because the lock has it"), "{:?}", stays.warnings);
    }
}

#[test]
fn one_of_two_majors_gets_a_version_and_the_other_stays() {
    let mut index = Memory::default();
    for version in ["1.0.0", "1.1.0", "1.2.0", "2.0.0", "2.1.0"] {
        index.add("t:a", version, &[]);
    }
    index.add("t:old", "1.0.0", &[("t:a", "^1")]);
    let asked = asks(&[("t:old", "^1"), ("t:a", "^2")]);
    let lock = locked(&solved(&asked, Preference::Lowest, &index).unwrap());
    let to = |release: &str, to: &str| moved(&asked, &lock, &precise(release, to), &index);
    assert_eq!(shown(&to("t:a@1.0.0", "1.1.0").unwrap()), ["t:a 1.1.0", "t:a 2.0.0", "t:old 1.0.0"]);
    assert_eq!(shown(&to("t:a@2.0.0", "2.1.0").unwrap()), ["t:a 1.0.0", "t:a 2.1.0", "t:old 1.0.0"]);
    assert!(matches!(to("t:a@2.0.0", "1.1.0"), Err(Refusal::Failure(_) | Refusal::Unused)));
    let nowhere = to("t:a@1.0.0", "1.9.0").unwrap_err();
    let Refusal::Failure(failure) = nowhere else { panic!("{nowhere:?}") };
    assert!(failure.to_string().contains("`--precise`"), "{failure}");
}

#[test]
fn a_version_that_nothing_would_use_is_refused() {
    let mut index = Memory::default();
    index.add("t:a", "1.0.0", &[]).add("t:a", "2.0.0", &[]);
    let asked = asks(&[("t:a", "^2")]);
    let lock = locked(&solved(&asked, Preference::Highest, &index).unwrap());
    let refused = moved(&asked, &lock, &precise("t:a@2.0.0", "1.0.0"), &index);
    assert!(matches!(refused, Err(Refusal::Unused)), "{refused:?}");
}

/// What a release may need: packages later in the list, because there is no answer with a circle in it.
fn needs(later: &'static [&'static str]) -> BoxedStrategy<Vec<(PackageRef, VersionReq)>> {
    if later.is_empty() {
        return Just(Vec::new()).boxed();
    }
    let one = (prop::sample::select(later), prop::sample::select(&REQS[..]));
    prop::collection::vec(one.prop_map(|(name, req)| need(name, req)), 0..3).boxed()
}

fn registry() -> impl Strategy<Value = Memory> {
    let package = |place: usize| {
        prop::sample::subsequence(&VERSIONS[..], 1..=6).prop_flat_map(move |versions| {
            let needs = prop::collection::vec(needs(&NAMES[place + 1..]), versions.len());
            (Just(versions), needs).prop_map(move |(versions, needs)| {
                let rows = versions.into_iter().zip(needs);
                let rows = rows.map(|(version, needs)| (version.parse().unwrap(), false, needs));
                (NAMES[place].parse::<PackageRef>().unwrap(), rows.collect::<Vec<Row>>())
            })
        })
    };
    [0, 1, 2, 3, 4].map(package).prop_map(|packages| Memory(packages.into_iter().collect()))
}

/// An app, the registry, what the app has locked from it, and which of that is to move.
fn project() -> impl Strategy<Value = (Vec<Requirement>, Memory, usize, usize)> {
    let asked =
        prop::collection::vec((prop::sample::select(&NAMES[..]), prop::sample::select(&REQS[..])), 1..4);
    (asked.prop_map(|asked| asks(&asked)), registry(), 0..8_usize, 0..7_usize)
}

/// Whether there is an answer with all of these releases in it.
fn is_possible(requirements: &[Requirement], with: &[&(PackageRef, Version)], index: &Memory) -> bool {
    let mut requirements = requirements.to_vec();
    requirements.extend(with.iter().map(|(package, version)| Requirement {
        package: package.clone(),
        req: exactly(version),
        origin: "the test".into(),
    }));
    solved(&requirements, Preference::Highest, index).is_ok()
}

fn is_sound(requirements: &[Requirement], resolution: &Resolution) -> bool {
    let has = |package: &PackageRef, req: &VersionReq| {
        resolution.packages.iter().any(|it| it.package == *package && req.matches(&it.version))
    };
    let mut links = resolution.packages.iter().flat_map(|it| &it.dependencies);
    requirements.iter().all(|it| has(&it.package, &it.req)) && links.all(|it| has(&it.package, &it.req))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_global_rejects: 50_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_what_must_move_moves((asked, index, which, _) in project()) {
        let Ok(before) = solved(&asked, Preference::Lowest, &index) else { return Err(TestCaseError::reject("no lock")) };
        let lock = locked(&before);
        let named = id(&lock.packages[which % lock.packages.len()]);
        let aim = Aim::Some([named.clone()].into());
        let after = moved(&asked, &lock, &aim, &index).expect("the lock is an answer already");
        prop_assert!(is_sound(&asked, &after), "{:?}", shown(&after));
        // It is the same answer tomorrow.
        prop_assert_eq!(&moved(&asked, &lock, &aim, &index).unwrap().packages, &after.packages);
        // What the named package does not lead to is where it was, unless a release that came does its work as well.
        let led_to = led_to(&lock, &aim);
        for package in lock.packages.iter().filter(|it| !led_to.contains(&id(it))) {
            let moved = after.packages.iter().any(|it| super::stands_for(it, package)) && !has(&after, package);
            prop_assert!(!moved, "{} {} moved", package.name, package.version);
        }
        // What it leads to stays too, unless what stays and the named package's new release forbid it.
        let stayed: Vec<_> = lock.packages.iter().filter(|it| has(&after, it)).map(id).collect();
        let new: Vec<_> = after.packages.iter().filter(|it| it.package == named.0).collect();
        let new: Vec<_> = new.iter().map(|it| (it.package.clone(), it.version.clone())).collect();
        for package in lock.packages.iter().filter(|it| !has(&after, it) && it.name != named.0) {
            if !after.packages.iter().any(|it| super::stands_for(it, package)) {
                continue;
            }
            let own = id(package);
            let all: Vec<_> = stayed.iter().chain(&new).chain([&own]).collect();
            prop_assert!(!is_possible(&asked, &all, &index), "{} {} moved", package.name, package.version);
        }
    }

    #[test]
    fn a_precise_version_is_what_one_gets((asked, index, which, to) in project()) {
        let Ok(before) = solved(&asked, Preference::Lowest, &index) else { return Err(TestCaseError::reject("no lock")) };
        let lock = locked(&before);
        let from = id(&lock.packages[which % lock.packages.len()]);
        let to: Version = VERSIONS[to].parse().unwrap();
        let aim = Aim::Precise { from: from.clone(), to: to.clone() };
        match moved(&asked, &lock, &aim, &index) {
            Ok(after) => {
                prop_assert!(is_sound(&asked, &after));
                let others: Vec<_> = lock.releases(&from.0).map(|it| &it.version).filter(|it| **it != from.1).collect();
                let here = after.packages.iter().filter(|it| it.package == from.0).map(|it| &it.version);
                let here: Vec<_> = here.collect();
                prop_assert!(here.iter().any(|it| is_version(it, &to)));
                let no_others = here.iter().all(|it| **it == to || others.contains(it));
                prop_assert!(no_others, "{:?}", shown(&after));
            }
            Err(Refusal::Failure(Failure::NoSolution { .. })) => {
                prop_assert!(!is_possible(&asked, &[&(from.0.clone(), to.clone())], &index));
            }
            Err(_) => {}
        }
    }

    #[test]
    fn everything_moved_is_what_a_fresh_lock_would_have((asked, index, ..) in project()) {
        let Ok(before) = solved(&asked, Preference::Lowest, &index) else { return Err(TestCaseError::reject("no lock")) };
        let after = moved(&asked, &locked(&before), &Aim::All, &index).expect("there is an answer");
        prop_assert_eq!(after.packages, solved(&asked, Preference::Highest, &index).unwrap().packages);
    }
}
