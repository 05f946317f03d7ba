//! The loop around the search that looks at types.

use spin_deps_resolver::{Failure, Fit, Locked, Mismatch, Preference, Requirement, Resolution, resolve};

use crate::support::{Memory, asks, package, version};

fn misfit() -> Fit {
    Fit::Mismatch(Mismatch::Missing { import: "t:b/x@1.0.0".to_owned() })
}

fn app(memory: &mut Memory, requirements: &[&str]) -> Vec<Requirement> {
    memory.origins = requirements.iter().map(|_| "component \"app\"".to_owned()).collect();
    requirements.iter().map(|text| asks(text)).collect()
}

fn answer(requirements: &[Requirement], memory: &Memory) -> Result<Resolution, Failure> {
    resolve(requirements, &Locked::default(), Preference::Highest, memory)
}

#[test]
fn an_answer_is_asked_about_at_once_and_each_wire_once() {
    let mut memory = Memory::default();
    memory.add("t:a", "1.0.0", &["t:b ^1", "t:c ^1"]);
    memory.add("t:b", "1.0.0", &["t:c ^1"]).add("t:b", "1.1.0", &["t:c ^1"]);
    memory.add("t:c", "1.0.0", &[]).add("t:c", "1.1.0", &[]);
    memory.fits.insert(("t:a 1.0.0".to_owned(), package("t:b"), version("1.1.0")), misfit());
    memory.fits.insert(("t:b 1.0.0".to_owned(), package("t:c"), version("1.1.0")), misfit());
    let requirements = app(&mut memory, &["t:a ^1"]);
    let resolution = answer(&requirements, &memory).unwrap();
    assert!(resolution.get(&package("t:b"), &version("1.0.0")).is_some());
    assert!(resolution.get(&package("t:c"), &version("1.0.0")).is_some());
    insta::assert_snapshot!(memory.checked.borrow().join("\n"), @r#"
    component "app" → t:a 1.0.0 & t:a 1.0.0 → t:b 1.1.0 & t:a 1.0.0 → t:c 1.1.0 & t:b 1.1.0 → t:c 1.1.0
    t:a 1.0.0 → t:b 1.0.0 & t:b 1.0.0 → t:c 1.1.0
    t:a 1.0.0 → t:c 1.0.0 & t:b 1.0.0 → t:c 1.0.0
    "#);
}

/// The indices are those of the call, though the solver sorts what it is asked.
#[test]
fn a_requirement_keeps_its_index() {
    let mut memory = Memory::default();
    memory.add("t:a", "1.0.0", &[]).add("t:a", "2.0.0", &[]).add("t:b", "1.0.0", &[]);
    memory.origins = ["third", "first", "second"].map(str::to_owned).to_vec();
    let requirements: Vec<Requirement> = ["t:b ^1", "t:a >=1", "t:a >=1"]
        .iter()
        .zip(&memory.origins)
        .map(|(text, origin)| Requirement { origin: origin.clone(), ..asks(text) })
        .collect();
    memory.fits.insert(("second".to_owned(), package("t:a"), version("2.0.0")), misfit());
    let resolution = answer(&requirements, &memory).unwrap();
    assert_eq!(resolution.roots, ["1.0.0", "2.0.0", "1.0.0"].map(version));
}

/// A release that needs itself is a circle; nobody is asked whether it fits.
#[test]
fn a_release_is_not_held_against_itself() {
    let mut memory = Memory::default();
    memory.add("t:a", "1.0.0", &["t:a ^1"]);
    let requirements = app(&mut memory, &["t:a ^1"]);
    assert!(matches!(answer(&requirements, &memory), Err(Failure::Cycle { .. })));
    insta::assert_snapshot!(memory.checked.borrow().join("\n"), @r#"component "app" → t:a 1.0.0"#);
}

/// A registry that has a new answer each time, and none that fits, comes to an end.
#[test]
fn rounds_without_end() {
    let mut memory = Memory::default();
    for at in 0..60 {
        memory.add("t:a", &format!("1.{at}.0"), &["t:b ^1"]).add("t:b", &format!("1.{at}.0"), &[]);
    }
    for a in 0..60 {
        for b in 0..60 {
            let who = format!("t:a 1.{a}.0");
            memory.fits.insert((who, package("t:b"), version(&format!("1.{b}.0"))), misfit());
        }
    }
    let requirements = app(&mut memory, &["t:a ^1"]);
    let failure = answer(&requirements, &memory).unwrap_err();
    assert_eq!(failure, Failure::GaveUp { package: None });
    assert!(memory.checked.borrow().len() <= 2_001);
}

/// Many differences are told as a few.
#[test]
fn hundreds_of_misfits() {
    let mut memory = Memory::default();
    memory.add("t:a", "1.0.0", &["t:b ^1"]);
    for at in 0..300 {
        let number = format!("1.{at}.0");
        memory.add("t:b", &number, &[]);
        let fit = Fit::Mismatch(Mismatch::Missing { import: format!("t:b/x{at}\u{1b}[31m") });
        memory.fits.insert(("t:a 1.0.0".to_owned(), package("t:b"), version(&number)), fit);
    }
    let requirements = app(&mut memory, &["t:a ^1"]);
    let failure = answer(&requirements, &memory).unwrap_err().to_string();
    assert!(failure.contains("and 296 other pairs do not fit"), "{failure}");
    assert!(failure.len() < 2_000 && !failure.contains('\u{1b}'), "{failure}");
}
