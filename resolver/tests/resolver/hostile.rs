//! Registries that are large, deep or meant to hurt.

use crate::support::{Memory, asks, package, version};
use spin_deps_resolver::{Failure, Locked, Requirement, Resolution, Versions, resolve};

/// Runs on a stack that recursion over thousands of items would overflow.
fn on_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(128 * 1024).spawn(work).unwrap().join().unwrap()
}

fn resolved(requirements: &[Requirement], memory: &Memory) -> Resolution {
    resolve(requirements, &Locked::default(), memory).unwrap()
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
        assert_eq!(resolution.in_order().len(), 4_001);
        assert_eq!(resolution.in_order()[0].package, package("t:base"));
        let paths = resolution.paths_to(&package("t:chain-x1999"));
        assert_eq!(paths.len(), 1);
        assert_eq!((paths[0].requirement, paths[0].steps.len()), (2_000, 2_000));
        assert_eq!(resolution.paths_to(&package("t:base")).len(), 2_001);
    });
}

#[test]
fn a_circle_of_thousands() {
    on_small_stack(|| {
        let mut memory = Memory::default();
        for at in 0..2_000 {
            memory.add(&format!("t:p{at}"), "1.0.0", &[&format!("t:p{} ^1", (at + 1) % 2_000)]);
        }
        let failure = resolve(&[asks("t:p7 *")], &Locked::default(), &memory).unwrap_err();
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
        let failure = resolve(&[asks("t:a ^1")], &Locked::default(), &memory).unwrap_err();
        let text = failure.to_string();
        assert!(matches!(failure, Failure::NoSolution { .. }), "{text}");
        assert!(text.contains("other dependencies take part in this"), "{text}");
        assert!(text.len() < 5_000, "{text}");
    });
}

#[test]
fn too_many_releases_that_do_not_fit() {
    let mut memory = Memory::default();
    for at in 0..2_100 {
        memory.add("t:a", &format!("1.{at}.0"), &["wit-only"]);
    }
    let failure = resolve(&[asks("t:a ^1")], &Locked::default(), &memory).unwrap_err();
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
    let nothing = resolve(&[asks(&format!("t:a >{max}.{max}.{max}"))], &Locked::default(), &memory);
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
    let failure = resolve(&[asks("t:a *")], &Locked::default(), &memory).unwrap_err();
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
