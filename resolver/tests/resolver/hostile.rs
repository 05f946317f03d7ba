//! Registries that are large, deep or meant to hurt.

use crate::support::{Memory, asks, in_order, package, version};
use spin_deps_resolver::{Failure, Locked, Preference, Requirement, Resolution, Versions, resolve};

/// Runs on a stack that recursion over thousands of items would overflow.
fn on_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(128 * 1024).spawn(work).unwrap().join().unwrap()
}

fn resolved(requirements: &[Requirement], memory: &Memory) -> Resolution {
    resolve(requirements, &Locked::default(), Preference::Highest, memory).unwrap()
}

#[test]
fn a_long_chain_and_a_wide_fan() {
    on_small_stack(|| {
        let mut memory = Memory::default();
        for at in 0..2_000 {
            let next = format!("t:chain-x{} ^1", at + 1);
            let needs: &[&str] = if at < 1_999 { &[&next, "t:base ^1"] } else { &["t:base ^1"] };
            memory.add(&format!("t:chain-x{at}"), "1.0.0", needs).add(
                &format!("t:chain-x{at}"),
                "1.1.0",
                needs,
            );
            memory.add(&format!("t:fan-x{at}"), "1.0.0", &["t:base >=1.1, <2"]);
        }
        memory.add("t:base", "1.0.0", &[]).add("t:base", "1.1.0", &[]).add("t:base", "1.2.0", &[]);
        let mut requirements: Vec<Requirement> =
            (0..2_000).map(|at| asks(&format!("t:fan-x{at} ^1"))).collect();
        requirements.push(asks("t:chain-x0 ^1"));
        let resolution = resolved(&requirements, &memory);
        assert_eq!(resolution.packages.len(), 4_001);
        assert!(
            resolution
                .packages
                .iter()
                .all(|one| one.package != package("t:base") || one.version == version("1.2.0"))
        );
        let order = in_order(&resolution);
        assert_eq!((order.len(), &order[0].package), (4_001, &package("t:base")));
    });
}

#[test]
fn a_circle_of_thousands() {
    on_small_stack(|| {
        let mut memory = Memory::default();
        for at in 0..2_000 {
            memory.add(&format!("t:p{at}"), "1.0.0", &[&format!("t:p{} ^1", (at + 1) % 2_000)]);
        }
        let failure =
            resolve(&[asks("t:p7 *")], &Locked::default(), Preference::Highest, &memory).unwrap_err();
        let Failure::Cycle { path } = &failure else { panic!("{failure}") };
        assert_eq!(path.len(), 2_000);
        assert_eq!(path[0].0, package("t:p0"));
        assert!(failure.to_string().len() < 1_000);
    });
}

/// Every release fails for a reason of its own, so the derivation is as deep as there are releases.
#[test]
fn a_deep_derivation() {
    on_small_stack(|| {
        let mut memory = Memory::default();
        for at in 0..1_000 {
            memory.add("t:a", &format!("1.{at}.0"), &[&format!("t:gone-x{at} ^1")]);
        }
        let failure =
            resolve(&[asks("t:a ^1")], &Locked::default(), Preference::Highest, &memory).unwrap_err();
        let text = failure.to_string();
        assert!(matches!(failure, Failure::NoSolution { .. }), "{text}");
        assert!(text.contains("other dependencies take part in this"), "{text}");
        assert!(text.len() < 5_000, "{text}");
    });
}

/// Each package needs the next, and the last one needs what is not there.
fn dead_end(depth: usize, versions: &[&str]) -> Memory {
    let mut memory = Memory::default();
    for at in 0..depth {
        for version in versions {
            memory.add(&format!("t:p{at}"), version, &[&format!("t:p{} ^1", at + 1)]);
        }
    }
    memory
}

#[test]
fn a_dead_end_thousands_deep() {
    for (depth, versions) in [(2_000, &["1.0.0", "1.1.0"][..]), (20_000, &["1.0.0"])] {
        on_small_stack(move || {
            let memory = dead_end(depth, versions);
            let failure =
                resolve(&[asks("t:p0 ^1")], &Locked::default(), Preference::Highest, &memory).unwrap_err();
            let text = failure.to_string();
            assert!(matches!(failure, Failure::NoSolution { .. }), "{text}");
            assert!(text.contains("t:p0 ^1") && text.len() < 5_000, "{text}");
            let asked = memory.log.borrow().iter().filter(|line| line.starts_with("release ")).count();
            assert!(asked <= 2 * depth, "each release once, not {asked} for {depth}");
        });
    }
}

#[test]
fn a_release_that_needs_thousands() {
    on_small_stack(|| {
        let mut memory = Memory::default();
        let needs: Vec<String> = (0..10_000).map(|at| format!("t:p{at} ^1")).collect();
        memory.add("t:all", "1.0.0", &needs.iter().map(String::as_str).collect::<Vec<_>>());
        for at in 0..10_000 {
            memory.add(&format!("t:p{at}"), "1.0.0", &[]);
        }
        assert_eq!(resolved(&[asks("t:all ^1")], &memory).packages.len(), 10_001);
        let prefetches = memory.log.borrow().iter().filter(|line| line.starts_with("prefetch ")).count();
        assert_eq!(prefetches, 2, "all that a release needs is announced at once");

        memory.packages.remove(&package("t:p7777"));
        let failure = resolve(&[asks("t:all ^1")], &Locked::default(), Preference::Highest, &memory);
        let failure = failure.unwrap_err();
        assert!(failure.to_string().contains("t:p7777 is not in the registry"), "{failure}");
    });
}

#[test]
fn a_package_with_thousands_of_releases() {
    let mut memory = Memory::default();
    for at in 0..10_000 {
        memory.add("t:a", &format!("1.{at}.0"), &[]).add(
            "t:b",
            &format!("{}.0.0", at + 1),
            &["t:a >=1.5000"],
        );
    }
    let resolution = resolved(&[asks("t:a <1.5001, >=1"), asks("t:b *"), asks("t:b >=3, <10")], &memory);
    assert_eq!(resolution.roots, ["1.5000.0", "10000.0.0", "9.0.0"].map(version));
    assert_eq!(memory.log.borrow().iter().filter(|line| line.starts_with("release ")).count(), 3);
}

/// Packages that need each other, but not in their old majors.
#[test]
fn majors_that_need_each_other() {
    let mut memory = Memory::default();
    memory.add("t:a", "3.0.0", &["t:b ^2"]).add("t:b", "2.0.0", &["t:a ^2"]).add("t:a", "2.0.0", &["t:b ^1"]);
    memory.add("t:b", "1.0.0", &["t:a ^1"]).add("t:a", "1.0.0", &[]);
    let resolution = resolved(&[asks("t:a *")], &memory);
    assert_eq!(resolution.packages.len(), 5);
    memory.add("t:a", "1.1.0", &["t:b ^2"]);
    let circle = resolve(&[asks("t:a *")], &Locked::default(), Preference::Highest, &memory);
    assert!(matches!(circle, Err(Failure::Cycle { .. })), "{circle:?}");
}

/// One guest more than there are rooms. That no arrangement works takes more steps to prove than there is time, whatever
/// a solver like this one learns on the way.
#[test]
fn a_registry_without_end() {
    const ROOMS: usize = 12;
    let mut memory = Memory::default();
    for guest in 0..=ROOMS {
        for room in 0..ROOMS {
            let needs = format!("t:room-x{room} =1.{guest}.0");
            memory.add(&format!("t:guest-x{guest}"), &format!("1.{room}.0"), &[&needs]);
            memory.add(&format!("t:room-x{room}"), &format!("1.{guest}.0"), &[]);
        }
    }
    let requirements: Vec<Requirement> =
        (0..=ROOMS).map(|guest| asks(&format!("t:guest-x{guest} ^1"))).collect();
    let failure = resolve(&requirements, &Locked::default(), Preference::Highest, &memory).unwrap_err();
    assert_eq!(failure, Failure::GaveUp { package: None });
    assert!(failure.hint().is_some());
}

#[test]
fn too_many_releases_that_do_not_fit() {
    let mut memory = Memory::default();
    for at in 0..2_100 {
        memory.add("t:a", &format!("1.{at}.0"), &["wit-only"]);
    }
    let failure = resolve(&[asks("t:a ^1")], &Locked::default(), Preference::Highest, &memory).unwrap_err();
    assert_eq!(failure, Failure::GaveUp { package: Some(package("t:a")) });
    assert_eq!(failure.to_string(), "too many releases of t:a were tried and none fits");
    assert!(failure.hint().is_some());
}

#[test]
fn lists_with_duplicates() {
    let mut memory = Memory::default();
    memory.add("t:a", "1.0.0", &["t:b ^1", "t:b ^1", "t:b ^1.0"]).add("t:a", "1.0.0", &["t:b ^1"]);
    memory.add("t:b", "1.0.0", &[]).add("t:b", "1.1.0", &[]).add("t:b", "1.1.0", &["yanked"]);
    let resolution = resolved(&[asks("t:a ^1"), asks("t:a ^1")], &memory);
    assert_eq!(resolution.roots, [version("1.0.0"), version("1.0.0")]);
    let a = resolution.get(&package("t:a"), &version("1.0.0")).unwrap();
    assert_eq!(a.dependencies.len(), 2, "each need once");
    assert!(resolution.get(&package("t:b"), &version("1.0.0")).is_some(), "yanked once is yanked");
}

#[test]
fn versions_at_the_end_of_numbers() {
    let max = u64::MAX;
    let mut memory = Memory::default();
    memory.add("t:a", &format!("{max}.{max}.{max}"), &[]).add("t:a", &format!("{max}.0.0-rc.1"), &[]);
    memory.add("t:b", &format!("0.0.{max}"), &[]).add("t:c", &format!("0.{max}.0"), &[]);
    let requirements = [
        format!("t:a ^{max}"),
        format!("t:a >={max}.{max}.{max}"),
        format!("t:b =0.0.{max}"),
        format!("t:c ~0.{max}"),
    ];
    let requirements: Vec<Requirement> = requirements.iter().map(|text| asks(text)).collect();
    assert_eq!(resolved(&requirements, &memory).packages.len(), 3);
    let nothing = resolve(
        &[asks(&format!("t:a >{max}.{max}.{max}"))],
        &Locked::default(),
        Preference::Highest,
        &memory,
    );
    assert!(matches!(nothing, Err(Failure::NoSolution { .. })));
}

#[test]
fn nothing_asked_for() {
    assert_eq!(resolved(&[], &Memory::default()), Resolution::default());
}

#[test]
fn an_empty_list_of_releases() {
    let mut memory = Memory::default();
    memory.absent("t:a", Versions::Found(Vec::new()));
    let failure = resolve(&[asks("t:a *")], &Locked::default(), Preference::Highest, &memory).unwrap_err();
    assert!(failure.to_string().contains("no version of t:a matches * (it has no releases)"), "{failure}");
}

/// Requirements are announced before anything is asked about them, once, and each question is asked once.
#[test]
fn the_index_is_told_beforehand() {
    let mut memory = Memory::default();
    memory.add("t:a", "1.0.0", &["t:b ^1", "t:c ^1"]).add("t:b", "1.0.0", &["t:c ^1"]).add(
        "t:c",
        "1.0.0",
        &[],
    );
    resolved(&[asks("t:a ^1"), asks("t:c ^1")], &memory);
    insta::assert_snapshot!(memory.log.borrow().join("\n"), @r"
    prefetch t:a ^1 & t:c ^1
    versions t:a
    versions t:c
    release t:a 1.0.0
    prefetch t:b ^1
    versions t:b
    release t:c 1.0.0
    release t:b 1.0.0
    ");
}
