use proptest::prelude::*;
use pubgrub::VersionSet as _;

use super::*;

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![9 => 0..4_u64, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 1)]
}

fn pre() -> impl Strategy<Value = &'static str> {
    let some = prop::sample::select(vec![
        "-0", "-0.0", "-1", "-10", "-9", "-alpha", "-alpha.0", "-alpha.1", "-alpha-", "-beta", "-rc.1",
        "-rc.1.0",
    ]);
    prop_oneof![Just(""), some]
}

fn version() -> impl Strategy<Value = Version> {
    let build = prop::sample::select(vec!["", "", "+0", "+build.7"]);
    (number(), number(), number(), pre(), build)
        .prop_map(|(a, b, c, pre, build)| Version::parse(&format!("{a}.{b}.{c}{pre}{build}")).unwrap())
}

fn comparator() -> impl Strategy<Value = String> {
    let operator = prop::sample::select(vec!["", "=", ">", ">=", "<", "<=", "~", "^"]);
    let partial =
        (number(), number(), number(), pre(), 0..4_u8).prop_map(|(a, b, c, pre, shape)| match shape {
            0 => format!("{a}"),
            1 => format!("{a}.{b}"),
            _ => format!("{a}.{b}.{c}{pre}"),
        });
    let wildcard = (number(), number(), any::<bool>())
        .prop_map(|(a, b, two)| if two { format!("{a}.{b}.*") } else { format!("{a}.*") });
    prop_oneof![6 => (operator, partial).prop_map(|(operator, partial)| format!("{operator}{partial}")), 1 => wildcard]
}

fn requirement() -> impl Strategy<Value = VersionReq> {
    prop_oneof![
        1 => Just(VersionReq::STAR),
        20 => prop::collection::vec(comparator(), 1..4).prop_map(|all| VersionReq::parse(&all.join(", ")).unwrap()),
    ]
}

/// Any set that the solver could come to: requirements and single versions, combined.
fn set() -> impl Strategy<Value = VersionSet> {
    let leaf = prop_oneof![
        4 => requirement().prop_map(|req| VersionSet::of(&req)),
        2 => version().prop_map(VersionSet::singleton),
        1 => Just(VersionSet::empty()),
        1 => Just(VersionSet::full()),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.intersection(&b)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.union(&b)),
            inner.prop_map(|a| a.complement()),
        ]
    })
}

/// Versions around every bound of the sets, where mistakes would be.
fn probes(sets: &[&VersionSet]) -> Vec<Version> {
    let mut probes = vec![Version::new(0, 0, 0), Version::parse("0.0.0-0").unwrap(), Version::new(1, 0, 0)];
    for set in sets {
        for (from, to) in set.releases.iter() {
            for [a, b, c] in [Some(from), to].into_iter().flatten().copied() {
                probes.push(Version::new(a, b, c));
                probes.push(Version::new(a, b, c.saturating_sub(1)));
                probes.push(Version::parse(&format!("{a}.{b}.{c}-0")).unwrap());
            }
        }
        for (from, to) in set.previews.iter() {
            for ([a, b, c], pre) in [Some(from), to].into_iter().flatten() {
                probes.push(Version::parse(&format!("{a}.{b}.{c}-{pre}")).unwrap());
                probes.push(Version::parse(&format!("{a}.{b}.{c}-{pre}.0")).unwrap());
            }
        }
    }
    probes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn means_what_semver_means(req in requirement(), versions in prop::collection::vec(version(), 1..40)) {
        let set = VersionSet::of(&req);
        for version in versions.iter().chain(&probes(&[&set])) {
            prop_assert_eq!(set.contains(version), req.matches(version), "{} {}", req, version);
        }
    }

    #[test]
    fn algebra_is_that_of_membership(a in set(), b in set(), versions in prop::collection::vec(version(), 1..20)) {
        let complement = a.complement();
        let intersection = a.intersection(&b);
        let union = a.union(&b);
        let mut disjoint = true;
        let mut subset = true;
        for version in versions.iter().chain(&probes(&[&a, &b, &complement, &intersection, &union])) {
            let (in_a, in_b) = (a.contains(version), b.contains(version));
            prop_assert_eq!(complement.contains(version), !in_a);
            prop_assert_eq!(intersection.contains(version), in_a && in_b);
            prop_assert_eq!(union.contains(version), in_a || in_b);
            disjoint &= !(in_a && in_b);
            subset &= !in_a || in_b;
        }
        // The probes hold the first version of every span, so they decide these two both ways.
        prop_assert_eq!(a.is_disjoint(&b), disjoint);
        prop_assert_eq!(a.subset_of(&b), subset);
    }

    #[test]
    fn equal_sets_are_equal_values(a in set(), b in set()) {
        prop_assert_eq!(a.complement().complement(), a.clone());
        prop_assert_eq!(a.union(&b), a.complement().intersection(&b.complement()).complement());
        prop_assert_eq!(a.union(&a.complement()), VersionSet::full());
        prop_assert_eq!(a.intersection(&a.complement()), VersionSet::empty());
        prop_assert_eq!(a.is_disjoint(&b), a.intersection(&b) == VersionSet::empty());
        prop_assert_eq!(a.subset_of(&b), a == a.intersection(&b));
        let same = a.subset_of(&b) && b.subset_of(&a);
        prop_assert_eq!(a == b, same);
    }

    #[test]
    fn a_singleton_holds_its_version(version in version(), other in version()) {
        let set = VersionSet::singleton(version.clone());
        prop_assert!(set.contains(&version));
        prop_assert_eq!(set.contains(&other), version.cmp_precedence(&other).is_eq());
    }
}

#[test]
fn build_metadata_takes_no_part() {
    let set = VersionSet::of(&VersionReq::parse("=1.2.0+linux").unwrap());
    for version in ["1.2.0", "1.2.0+linux", "1.2.0+other"] {
        assert!(set.contains(&Version::parse(version).unwrap()), "{version}");
    }
    assert_eq!(set, VersionSet::singleton(Version::parse("1.2.0+any").unwrap()));
}

#[test]
fn comparators_that_no_text_can_give_do_no_harm() {
    let odd = Comparator {
        op: Op::Caret,
        major: 1,
        minor: None,
        patch: Some(3),
        pre: Prerelease::new("rc.1").unwrap(),
    };
    let set = VersionSet::of(&VersionReq { comparators: vec![odd] });
    assert_eq!(set, VersionSet::of(&VersionReq::parse("^1").unwrap()));
}

#[test]
fn sets_can_be_shown_in_the_log() {
    let show = |text: &str| VersionSet::of(&VersionReq::parse(text).unwrap()).to_string();
    assert_eq!(show("^1.2.0-rc.1"), ">=1.2.0, <2.0.0 | pre-releases >=1.2.0-rc.1, <1.2.1-0");
    assert_eq!(show("*"), ">=0.0.0");
    assert_eq!(show(">2, <1"), "nothing");
}
