//! Random registries that are too large to search, with types that do not always fit.

use std::cell::Cell;
use std::fmt;

use proptest::prelude::*;
use spin_deps_resolver::{
    Consumer, Edge, Fit, Index, Mismatch, Reason, Release, Requirement, Versions, Wire,
};
use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use crate::support::{Memory, edge};

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
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) releases: Vec<(&'static str, bool, Vec<Edge>)>,
}

/// A registry, what an app asks of it, and whose types fit.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) registry: Vec<Package>,
    pub(crate) needs: Vec<Edge>,
    pub(crate) types: Types,
}

/// In a few lines, to be read when a test fails.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |needs: &[Edge]| {
            needs.iter().map(|need| format!("{} {}", need.package, need.req)).collect::<Vec<_>>().join(" & ")
        };
        writeln!(f, "the app needs {}", words(&self.needs))?;
        for package in &self.registry {
            for (number, yanked, needs) in &package.releases {
                let yanked = if *yanked { " (yanked)" } else { "" };
                writeln!(f, "{} {number}{yanked} needs {}", package.name, words(needs))?;
            }
        }
        write!(f, "{:?}", self.types)
    }
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

fn case(types: impl Strategy<Value = Types>) -> impl Strategy<Value = Case> {
    let registry = (4_usize..16).prop_flat_map(|packages| {
        let package = move |number: usize| {
            prop::sample::subsequence(&VERSIONS[..], 5..=13).prop_flat_map(move |versions| {
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
        (registry, prop::collection::vec(need(packages), 1..5))
    });
    (registry, types).prop_map(|((registry, needs), types)| Case { registry, needs, types })
}

/// A registry in which all types fit.
pub(crate) fn untyped() -> impl Strategy<Value = Case> {
    case(Just(Types::default()))
}

/// A registry in which up to a third of the wires do not fit, and some releases are not what they say.
pub(crate) fn typed() -> impl Strategy<Value = Case> {
    let types = (any::<u64>(), 5..30_u64, 0..4_u64);
    case(types.prop_map(|(seed, misfits, unusable)| Types { seed, misfits, unusable }))
}

/// Which wires fit: a matter of chance, but always the same for the same wire.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Types {
    seed: u64,
    /// So many wires of a hundred do not fit.
    misfits: u64,
    /// So many releases of a hundred fit nobody.
    unusable: u64,
}

impl Types {
    /// A number below 100 for a text.
    fn roll(self, text: &str) -> u64 {
        let mix = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        (text.bytes().fold(self.seed ^ 0xcbf2_9ce4_8422_2325, mix) >> 20) % 100
    }

    pub(crate) fn are_usable(self, package: &PackageRef, version: &Version) -> bool {
        self.unusable == 0 || self.roll(&format!("{package} {version}")) >= self.unusable
    }

    /// Whether a release fits a need, of the app or of another release.
    pub(crate) fn fit(
        self,
        consumer: Option<(&PackageRef, &Version)>,
        package: &PackageRef,
        req: &VersionReq,
        version: &Version,
    ) -> bool {
        let who = consumer.map(|(package, version)| format!("{package} {version}")).unwrap_or_default();
        self.misfits == 0 || self.roll(&format!("{who}: {package} {req}: {version}")) >= self.misfits
    }
}

/// An index that knows the types of its releases.
pub(crate) struct Typed {
    pub(crate) memory: Memory,
    pub(crate) types: Types,
    /// How often it was asked about types, and how often something did not fit.
    pub(crate) rounds: Cell<usize>,
}

impl Index for Typed {
    fn versions(&self, package: &PackageRef) -> Versions {
        self.memory.versions(package)
    }

    fn release(&self, package: &PackageRef, version: &Version) -> Release {
        self.memory.release(package, version)
    }

    fn prefetch(&self, requirements: &[(PackageRef, VersionReq)]) {
        self.memory.prefetch(requirements);
    }

    fn check(&self, wires: &[Wire<'_>]) -> Vec<Fit> {
        self.rounds.set(self.rounds.get() + 1);
        let fit = |wire: &Wire<'_>| {
            let consumer = match wire.consumer {
                Consumer::App(_) => None,
                Consumer::Release(package, version) => Some((package, version)),
            };
            if !self.types.are_usable(wire.package, wire.version) {
                return Fit::Unusable(Reason::WitOnly);
            }
            if self.types.fit(consumer, wire.package, wire.req, wire.version) {
                return Fit::Fits;
            }
            Fit::Mismatch(Mismatch::Missing { import: format!("{}/api", wire.package) })
        };
        wires.iter().map(fit).collect()
    }
}

impl Case {
    pub(crate) fn index(&self) -> Typed {
        index(&self.registry, self.types)
    }

    pub(crate) fn requirements(&self) -> Vec<Requirement> {
        requirements(&self.needs)
    }
}

pub(crate) fn index(registry: &[Package], types: Types) -> Typed {
    let mut memory = Memory::default();
    for package in registry {
        for (number, yanked, needs) in &package.releases {
            let mut words: Vec<String> =
                needs.iter().map(|need| format!("{} {}", need.package, need.req)).collect();
            words.extend(yanked.then(|| "yanked".to_owned()));
            memory.add(&package.name, number, &words.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
    Typed { memory, types, rounds: Cell::default() }
}

pub(crate) fn requirements(needs: &[Edge]) -> Vec<Requirement> {
    let one = |(at, need): (usize, &Edge)| Requirement {
        package: need.package.clone(),
        req: need.req.clone(),
        origin: format!("component \"c{at}\""),
    };
    needs.iter().enumerate().map(one).collect()
}

/// The versions of which an app can have one only.
pub(crate) fn bucket(version: &Version) -> (u64, u64, u64) {
    match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    }
}
