//! Registries to measure with. Each is made from its size alone.

use std::cell::Cell;
use std::collections::HashMap;

use fastrand::Rng;
use semver::{Version, VersionReq};
use spin_deps_resolver::{
    Candidate, Consumer, Edge, Fit, Index, Locked, Mismatch, Release, Requirement, Versions, Wire,
};
use wasm_pkg_common::package::PackageRef;

/// The releases that each package has.
const RELEASES: u64 = 20;

/// A kind of registry.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    /// Makes the registry with so many packages.
    pub(crate) make: fn(usize) -> Case,
}

pub(crate) const FAMILIES: [Family; 8] = [
    Family { name: "friendly", make: friendly },
    Family { name: "locked", make: locked },
    Family { name: "types", make: types },
    Family { name: "chain", make: chain },
    Family { name: "late", make: late },
    Family { name: "tangle", make: tangle },
    Family { name: "majors", make: majors },
    Family { name: "unsolvable", make: unsolvable },
];

/// A registry, and what is asked of it.
pub(crate) struct Case {
    pub(crate) index: Registry,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) locked: Locked,
    pub(crate) is_solvable: bool,
    /// Whether there are requirements that no single major holds.
    pub(crate) spans_majors: bool,
}

impl Case {
    fn new(index: Registry, requirements: &[(usize, &str)]) -> Self {
        let asks = |&(number, req): &(usize, &str)| {
            let Edge { package, req } = need(number, req);
            Requirement { package, req, origin: "component \"app\"".to_owned() }
        };
        let requirements = requirements.iter().map(asks).collect();
        Self { index, requirements, locked: Locked::default(), is_solvable: true, spans_majors: false }
    }
}

/// Packages that are numbers, and how often it was asked about them.
#[derive(Default)]
pub(crate) struct Registry {
    packages: HashMap<PackageRef, Vec<(Version, Vec<Edge>)>>,
    /// One wire in so many does not fit by its types; none if it is zero.
    misfits: u64,
    versions: Cell<usize>,
    releases: Cell<usize>,
    wires: Cell<usize>,
}

impl Registry {
    fn add(&mut self, number: usize, version: (u64, u64), needs: Vec<Edge>) {
        let releases = self.packages.entry(name(number)).or_default();
        releases.push((Version::new(version.0, version.1, 0), needs));
    }

    pub(crate) fn reset(&self) {
        self.versions.set(0);
        self.releases.set(0);
        self.wires.set(0);
    }

    /// The questions asked since [`reset`](Self::reset): lists of versions, releases, wires.
    pub(crate) fn asked(&self) -> [usize; 3] {
        [self.versions.get(), self.releases.get(), self.wires.get()]
    }
}

impl Index for Registry {
    fn versions(&self, package: &PackageRef) -> Versions {
        self.versions.set(self.versions.get() + 1);
        let Some(releases) = self.packages.get(package) else {
            return Versions::NotFound("example.com".to_owned());
        };
        let candidate =
            |(version, _): &(Version, _)| Candidate { version: version.clone(), yanked: false, reason: None };
        Versions::Found(releases.iter().map(candidate).collect())
    }

    fn release(&self, package: &PackageRef, version: &Version) -> Release {
        self.releases.set(self.releases.get() + 1);
        let releases = self.packages.get(package).into_iter().flatten();
        let (_, needs) = releases.into_iter().find(|(one, _)| one == version).expect("it is listed");
        Release::Available(needs.clone())
    }

    fn check(&self, wires: &[Wire<'_>]) -> Vec<Fit> {
        self.wires.set(self.wires.get() + wires.len());
        wires.iter().map(|wire| self.fit(wire)).collect()
    }
}

impl Registry {
    /// What a wire is like follows from who is at its ends. The lowest releases of a major fit everybody, so that there
    /// is an answer.
    fn fit(&self, wire: &Wire<'_>) -> Fit {
        let Consumer::Release(consumer, version) = wire.consumer else { return Fit::Fits };
        if self.misfits == 0 || wire.version.minor < 5 {
            return Fit::Fits;
        }
        let ends = format!("{consumer} {version} {} {}", wire.package, wire.version);
        let seed = ends.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        if Rng::with_seed(seed).u64(..self.misfits) > 0 {
            return Fit::Fits;
        }
        Fit::Mismatch(Mismatch::Missing { import: format!("{}/api@{}", wire.package, wire.version) })
    }
}

fn name(number: usize) -> PackageRef {
    format!("acme:p{number}").parse().expect("a name")
}

fn need(number: usize, req: &str) -> Edge {
    Edge { package: name(number), req: VersionReq::parse(req).expect("a requirement") }
}

/// The packages that every release of a package needs, so that all are needed by somebody.
fn children(number: usize, packages: usize) -> impl Iterator<Item = usize> {
    (4 * number + 1..=4 * number + 4).take_while(move |&child| child < packages)
}

/// Two majors, a tree with some more edges, and ranges that mostly fit: what one meets.
fn friendly(packages: usize) -> Case {
    let mut rng = Rng::with_seed(1);
    let mut index = Registry::default();
    for number in 0..packages {
        let mut others: Vec<usize> = children(number, packages).collect();
        for _ in 0..rng.usize(..3) {
            others.push(rng.usize(number..packages));
        }
        others.retain(|&other| other != number);
        for release in 0..RELEASES {
            let age = release % (RELEASES / 2);
            let needs = others.iter().map(|&other| {
                let major = if release < RELEASES / 2 || rng.u8(..20) == 0 { 1 } else { 2 };
                let least = rng.u64(..=age);
                match rng.u8(..50) {
                    0 => need(other, &format!(">={major}.{least}, <{major}.{}", least + 3)),
                    _ => need(other, &format!("^{major}.{least}")),
                }
            });
            index.add(number, (1 + release / (RELEASES / 2), age), needs.collect());
        }
    }
    Case::new(index, &[(0, "^2")])
}

/// The friendly registry with a lock that holds its answer.
fn locked(packages: usize) -> Case {
    let mut case = friendly(packages);
    let answer = spin_deps_resolver::resolve(
        &case.requirements,
        &Locked::default(),
        spin_deps_resolver::Preference::Highest,
        &case.index,
    );
    let releases = answer.expect("there is an answer").packages;
    case.locked = releases.into_iter().map(|one| (one.package, one.version)).collect();
    case
}

/// The friendly registry, where one wire in a hundred does not fit by its types. Plain `PubGrub` asks about none.
fn types(packages: usize) -> Case {
    let mut case = friendly(packages);
    case.index.misfits = 100;
    case
}

/// A chain on which all must be of the same age, and the last package has only its oldest release: each younger
/// release is a walk to the end and back.
fn chain(packages: usize) -> Case {
    let mut index = Registry::default();
    for number in 0..packages {
        let is_last = number + 1 == packages;
        for minor in 0..if is_last { 1 } else { RELEASES } {
            let needs = if is_last { Vec::new() } else { vec![need(number + 1, &format!("~1.{minor}"))] };
            index.add(number, (1, minor), needs);
        }
    }
    Case::new(index, &[(0, "^1")])
}

/// Everybody needs a package that is at least as young as they are, and somebody who is found late needs its oldest
/// release: all choices until then are undone.
fn late(packages: usize) -> Case {
    let mut index = Registry::default();
    let shared = packages;
    for number in 0..packages {
        for minor in 0..RELEASES {
            let mut needs: Vec<Edge> = children(number, packages).map(|child| need(child, "^1")).collect();
            needs.push(if number + 1 == packages {
                need(shared, "=1.0.0")
            } else {
                need(shared, &format!("^1.{minor}"))
            });
            index.add(number, (1, minor), needs);
        }
    }
    for minor in 0..RELEASES {
        index.add(shared, (1, minor), Vec::new());
    }
    Case::new(index, &[(0, "^1")])
}

/// Narrow ranges at random around an answer that is hidden, in groups of a hundred: the newest is mostly wrong, and it
/// shows late.
fn tangle(packages: usize) -> Case {
    const GROUP: usize = 100;
    let mut rng = Rng::with_seed(2);
    let mut index = Registry::default();
    let hidden: Vec<u64> = (0..packages).map(|_| rng.u64(..RELEASES)).collect();
    for number in 0..packages {
        let (first, in_group) = (number - number % GROUP, number % GROUP);
        let size = GROUP.min(packages - first);
        let mut others: Vec<usize> = children(in_group, size).map(|child| first + child).collect();
        others.extend((in_group + 1 < size).then(|| first + rng.usize(in_group + 1..size)));
        for minor in 0..RELEASES {
            let mut needs: Vec<Edge> = Vec::new();
            for &other in &others {
                let middle = if minor == hidden[number] { hidden[other] } else { rng.u64(..RELEASES) };
                needs.push(need(other, &format!(">=1.{}, <1.{}", middle.saturating_sub(3), middle + 4)));
            }
            // The groups hang together by their first packages.
            needs.extend((in_group == 0 && first + GROUP < packages).then(|| need(first + GROUP, "^1")));
            index.add(number, (1, minor), needs);
        }
    }
    Case::new(index, &[(0, "^1")])
}

/// Each release is a major, and requirements span several of them.
fn majors(packages: usize) -> Case {
    let mut rng = Rng::with_seed(3);
    let mut index = Registry::default();
    for number in 0..packages {
        for major in 1..=RELEASES {
            let needs = children(number, packages).map(|child| {
                let least = rng.u64(1..=major);
                need(child, &format!(">={least}, <{}", least + 1 + rng.u64(4..10)))
            });
            index.add(number, (major, 0), needs.collect());
        }
    }
    Case { spans_majors: true, ..Case::new(index, &[(0, ">=1")]) }
}

/// The friendly registry, where the last two packages can never agree on another one.
fn unsolvable(packages: usize) -> Case {
    let mut case = friendly(packages);
    let shared = packages;
    for (number, req) in [(packages - 2, "=1.0.0"), (packages - 1, "=1.1.0")] {
        for (_, needs) in case.index.packages.get_mut(&name(number)).expect("it is there") {
            needs.push(need(shared, req));
        }
    }
    for minor in 0..RELEASES {
        case.index.add(shared, (1, minor), Vec::new());
    }
    case.is_solvable = false;
    case
}
