//! The search: `PubGrub` over buckets, fed by the index.
//!
//! What `PubGrub` has learned must stay true for the rest of its run, so everything that the answers below
//! depend on is fixed during a run. One thing cannot be known beforehand: whether a release that asks for a
//! yanked one with `=` will be part of the answer. So the first run admits the yanked releases that are locked or
//! that the app itself asks for. Only if that fails, and others were held back, a second run
//! admits them all, and its answer counts if somebody in it asks for each of them. It does not go looking for
//! somebody who asks: that would choose a release because it needs a yanked one.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::rc::Rc;

use pubgrub::{Dependencies, DependencyProvider, PackageResolutionStatistics, PubGrubError, VersionSet as _};
use semver::Op;
use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use crate::bucket::Bucket;
use crate::explain::no_solution;
use crate::facts::{Facts, unravel};
use crate::known::{Absence, Known, Slot, key_of};
use crate::resolution::{self, Resolution};
use crate::set::VersionSet;
use crate::words::{name_release, obstacle, tame};
use crate::{Edge, Failure, Index, Locked, Reason, Release, Requirement, Versions};

/// Releases of one bucket that are tried before the solver gives up on it. Each costs a question to the
/// registry, and the sets that exclude them one by one grow with the square of their number.
const MAX_TRIES: usize = 2_000;

/// Decisions before the solver gives up: enough for any real graph, and an end for one made to have none.
const MAX_STEPS: usize = 500_000;

/// Attempts to find an answer in which every yanked release is asked for.
const MAX_RUNS_WITH_YANKED: usize = 32;

/// What the solver finds a version for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    /// The app, at its only version.
    App,
    /// The release of a package in a bucket.
    Release(PackageRef, Bucket),
    /// The bucket that serves a requirement which no single bucket holds. Its versions are the marks of the
    /// buckets. Whoever has the same requirement shares it: what serves one serves all.
    Choice(PackageRef, VersionSet),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App => f.write_str("the app"),
            Self::Release(package, _) | Self::Choice(package, _) => package.fmt(f),
        }
    }
}

/// Why a release that exists is out of the question.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Obstacle {
    /// The index says so.
    Unusable(Reason),
    /// It asks for another release of its own bucket; the text is the requirement.
    NeedsOther(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&obstacle("it", self))
    }
}

/// A release as the index described it.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) version: Version,
    pub(crate) yanked: bool,
    pub(crate) reason: Option<String>,
    pub(crate) locked: bool,
    pub(crate) edges: Vec<Edge>,
}

/// What the app asks for, ready for the solver.
struct Root {
    node: Node,
    req: VersionReq,
    set: VersionSet,
}

/// The index's answers and what was noticed on the way.
#[derive(Default)]
struct Memory {
    packages: HashMap<PackageRef, Result<Rc<Known>, String>>,
    releases: HashMap<(PackageRef, Version), Result<Rc<Chosen>, Reason>>,
    announced: HashSet<(PackageRef, VersionReq)>,
    /// How a set was written where it was required first.
    texts: HashMap<PackageRef, Vec<(VersionSet, String)>>,
    /// Who was first to require a package, for the message that it cannot be reached.
    wanted_by: HashMap<PackageRef, Box<str>>,
    /// Whether a yanked release was held back where nothing else was left.
    withheld: bool,
    /// Whether this is the run that admits yanked releases, and those that turned out to be asked for by nobody.
    second_run: Option<HashSet<(PackageRef, Version)>>,
    tried: HashMap<Node, HashSet<Version>>,
    steps: usize,
}

pub(crate) struct Solver<'a> {
    index: &'a dyn Index,
    locked: &'a Locked,
    roots: Vec<Root>,
    /// Releases that the app asks for with `=`.
    asked: HashSet<(PackageRef, Version)>,
    memory: RefCell<Memory>,
}

pub(crate) fn solve(
    requirements: &[Requirement],
    locked: &Locked,
    index: &dyn Index,
) -> Result<Resolution, Failure> {
    let solver = Solver::new(requirements, locked, index);
    match solver.run(requirements) {
        Ok(assembled) => Ok(assembled.resolution),
        Err(failure @ Failure::NoSolution { .. }) if solver.memory.borrow().withheld => {
            solver.run_with_yanked(requirements, failure)
        }
        Err(failure) => Err(failure),
    }
}

/// The version that a requirement names with `=`, if it names one.
pub(crate) fn named(req: &VersionReq) -> Option<Version> {
    req.comparators.iter().filter(|comparator| comparator.op == Op::Exact).find_map(|comparator| {
        let mut version = Version::new(comparator.major, comparator.minor?, comparator.patch?);
        version.pre = comparator.pre.clone();
        Some(version)
    })
}

impl<'a> Solver<'a> {
    fn new(requirements: &[Requirement], locked: &'a Locked, index: &'a dyn Index) -> Self {
        let mut memory = Memory::default();
        let mut sorted: Vec<&Requirement> = requirements.iter().collect();
        // The order must not matter, so it is taken away before it can.
        sorted.sort_by_cached_key(|one| (one.package.clone(), one.req.to_string(), one.origin.clone()));
        let mut roots: Vec<Root> = Vec::with_capacity(sorted.len());
        let mut asked = HashSet::new();
        for one in sorted {
            let set = VersionSet::of(&one.req);
            let root = Root { node: node(&one.package, &set), req: one.req.clone(), set };
            memory.note(&one.package, &root.set, &one.req, &one.origin);
            asked.extend(named(&one.req).map(|version| (one.package.clone(), version)));
            if roots.last().is_none_or(|last| last.node != root.node || last.set != root.set) {
                roots.push(root);
            }
        }
        Self { index, locked, roots, asked, memory: RefCell::new(memory) }
    }

    fn run(&self, requirements: &[Requirement]) -> Result<resolution::Assembled, Failure> {
        match pubgrub::resolve(self, Node::App, Version::new(0, 0, 0)) {
            Ok(selected) => self.assemble(requirements, selected),
            Err(PubGrubError::NoSolution(tree)) => {
                let facts = Facts::gather(&tree);
                unravel(tree);
                Err(no_solution(requirements, &facts, self))
            }
            Err(
                PubGrubError::ErrorInShouldCancel(failure)
                | PubGrubError::ErrorChoosingVersion { source: failure, .. }
                | PubGrubError::ErrorRetrievingDependencies { source: failure, .. },
            ) => Err(failure),
        }
    }

    /// Looks for an answer in which somebody asks for every yanked release with `=`. Without one, `failure` stands.
    fn run_with_yanked(&self, requirements: &[Requirement], failure: Failure) -> Result<Resolution, Failure> {
        self.memory.borrow_mut().second_run = Some(HashSet::new());
        for _ in 0..MAX_RUNS_WITH_YANKED {
            match self.run(requirements) {
                Ok(assembled) if assembled.unwarranted.is_empty() => return Ok(assembled.resolution),
                Ok(assembled) => {
                    let mut memory = self.memory.borrow_mut();
                    memory.second_run.get_or_insert_default().extend(assembled.unwarranted);
                }
                Err(circle @ Failure::Cycle { .. }) => return Err(circle),
                Err(_) => break,
            }
        }
        Err(failure)
    }

    /// What the index says about a package.
    pub(crate) fn known(&self, package: &PackageRef) -> Result<Rc<Known>, Failure> {
        let remembered = self.memory.borrow().packages.get(package).cloned();
        let answer = remembered.unwrap_or_else(|| {
            let answer = match self.index.versions(package) {
                Versions::Found(candidates) => Ok(Rc::new(Known::found(package, candidates, self.locked))),
                Versions::NotFound(registry) => Ok(Rc::new(Known::absent(Absence::NotFound(registry)))),
                Versions::Offline => Ok(Rc::new(Known::absent(Absence::Offline))),
                Versions::NoRegistry => Ok(Rc::new(Known::absent(Absence::NoRegistry))),
                Versions::Unreachable(reason) => Err(reason),
            };
            self.memory.borrow_mut().packages.insert(package.clone(), answer.clone());
            answer
        });
        answer.map_err(|reason| self.unreachable(package, None, &reason))
    }

    fn unreachable(&self, package: &PackageRef, version: Option<Version>, reason: &str) -> Failure {
        let wanted_by = self.memory.borrow().wanted_by.get(package).cloned().unwrap_or_default();
        Failure::Unreachable { package: package.clone(), version, wanted_by, reason: tame(reason).into() }
    }

    /// What the index says about a release: the first of its builds that can be used, or why none can.
    fn chosen(&self, package: &PackageRef, key: &Version) -> Result<Result<Rc<Chosen>, Reason>, Failure> {
        let place = (package.clone(), key.clone());
        if let Some(answer) = self.memory.borrow().releases.get(&place) {
            return Ok(answer.clone());
        }
        let known = self.known(package)?;
        let admitted = self.is_admitted(package, key);
        let mut answer = Err(Reason::Other("it is not listed".to_owned()));
        for (at, build) in known.slot(key).iter().flat_map(|slot| slot.builds.iter().enumerate()) {
            if build.yanked && !build.locked && !admitted {
                continue;
            }
            match self.index.release(package, &build.version) {
                Release::Available(mut edges) => {
                    edges.sort_by_cached_key(|edge| (edge.package.clone(), edge.req.to_string()));
                    edges.dedup();
                    let (version, reason) = (build.version.clone(), build.reason.clone());
                    let (yanked, locked) = (build.yanked, build.locked);
                    answer = Ok(Rc::new(Chosen { version, yanked, reason, locked, edges }));
                    break;
                }
                Release::Unavailable(Reason::Unreachable(reason)) => {
                    return Err(self.unreachable(package, Some(build.version.clone()), &reason));
                }
                Release::Unavailable(reason) if at == 0 => answer = Err(reason),
                Release::Unavailable(_) => {}
            }
        }
        self.memory.borrow_mut().releases.insert(place, answer.clone());
        Ok(answer)
    }

    fn is_admitted(&self, package: &PackageRef, key: &Version) -> bool {
        let place = (package.clone(), key.clone());
        let second_run = &self.memory.borrow().second_run;
        self.asked.contains(&place) || second_run.as_ref().is_some_and(|not| !not.contains(&place))
    }

    /// Whether the solver may choose a release.
    pub(crate) fn is_eligible(&self, package: &PackageRef, slot: &Slot) -> bool {
        !slot.is_yanked() || slot.is_locked() || self.is_admitted(package, &slot.key)
    }

    /// The release to try: the locked one, else the highest, else a yanked one that may be chosen.
    fn pick<'k>(&self, package: &PackageRef, known: &'k Known, set: &'k VersionSet) -> Option<&'k Slot> {
        let locked = known.within(set).find(|slot| slot.is_locked());
        let fresh = || known.within(set).find(|slot| !slot.is_yanked());
        let yanked = || known.within(set).find(|slot| self.is_admitted(package, &slot.key));
        let pick = locked.or_else(fresh).or_else(yanked);
        if pick.is_none() && known.within(set).next().is_some() {
            self.memory.borrow_mut().withheld = true;
        }
        pick
    }

    /// The text of the requirement that a set comes from.
    pub(crate) fn text(&self, package: &PackageRef, set: &VersionSet) -> String {
        let memory = self.memory.borrow();
        let texts = memory.texts.get(package).into_iter().flatten();
        texts
            .into_iter()
            .find(|(known, _)| known == set)
            .map_or_else(|| set.to_string(), |(_, text)| text.clone())
    }

    /// Tells the index what will be asked for.
    fn announce<'e>(&self, needs: impl Iterator<Item = (&'e PackageRef, &'e VersionReq)>) {
        let mut news = Vec::new();
        {
            let mut memory = self.memory.borrow_mut();
            for (package, req) in needs {
                let need = (package.clone(), req.clone());
                if memory.announced.insert(need.clone()) {
                    news.push(need);
                }
            }
        }
        if !news.is_empty() {
            self.index.prefetch(&news);
        }
    }

    /// What a release needs, in the solver's terms.
    fn needs(&self, own: &Node, package: &PackageRef, chosen: &Chosen) -> Needs {
        self.announce(chosen.edges.iter().map(|edge| (&edge.package, &edge.req)));
        let who = name_release(package, &chosen.version);
        let mut memory = self.memory.borrow_mut();
        let mut constraints = Vec::with_capacity(chosen.edges.len());
        for edge in &chosen.edges {
            let set = VersionSet::of(&edge.req);
            memory.note(&edge.package, &set, &edge.req, &who);
            let node = node(&edge.package, &set);
            if node == *own {
                // The solver would learn nothing from it: it holds or it does not. Where it holds, the circle
                // is reported once the answer is known.
                if !set.contains(&chosen.version) {
                    return Needs::Unavailable(Obstacle::NeedsOther(edge.req.to_string()));
                }
                continue;
            }
            constraints.push(constraint(node, set));
        }
        Needs::Available(constraints.into_iter().collect())
    }

    fn assemble(
        &self,
        requirements: &[Requirement],
        selected: impl IntoIterator<Item = (Node, Version)>,
    ) -> Result<resolution::Assembled, Failure> {
        let memory = self.memory.borrow();
        let releases = selected.into_iter().filter_map(|(node, key)| match node {
            Node::Release(package, _) => {
                let chosen = memory.releases.get(&(package.clone(), key))?.as_ref().ok()?;
                Some((package, Rc::clone(chosen)))
            }
            Node::App | Node::Choice(..) => None,
        });
        resolution::assemble(requirements, releases)
    }
}

impl Memory {
    fn note(&mut self, package: &PackageRef, set: &VersionSet, req: &VersionReq, who: &str) {
        let texts = self.texts.entry(package.clone()).or_default();
        if texts.iter().all(|(known, _)| known != set) {
            texts.push((set.clone(), req.to_string()));
        }
        if !self.wanted_by.contains_key(package) {
            let sentence = format!("{} depends on {package} {req}", tame(who));
            self.wanted_by.insert(package.clone(), sentence.into());
        }
    }
}

type Needs = Dependencies<Node, VersionSet, Obstacle>;

/// What stands for a requirement in the solver.
fn node(package: &PackageRef, set: &VersionSet) -> Node {
    match Bucket::around(set) {
        Some(bucket) => Node::Release(package.clone(), bucket),
        None => Node::Choice(package.clone(), set.clone()),
    }
}

/// A choice is made among all buckets; that only some of them serve is part of the choice.
fn constraint(node: Node, set: VersionSet) -> (Node, VersionSet) {
    let set = if matches!(node, Node::Choice(..)) { VersionSet::full() } else { set };
    (node, set)
}

impl DependencyProvider for Solver<'_> {
    type P = Node;
    type V = Version;
    type VS = VersionSet;
    /// Those in conflict first, then those with few candidates; `PubGrub` breaks ties by who was seen first.
    type Priority = (u32, Reverse<usize>);
    type M = Obstacle;
    type Err = Failure;

    fn prioritize(
        &self,
        node: &Node,
        set: &VersionSet,
        statistics: &PackageResolutionStatistics,
    ) -> Self::Priority {
        let candidates = match node {
            Node::App => Ok(0),
            Node::Release(package, _) => self.known(package).map(|known| known.within(set).count()),
            Node::Choice(package, all) => self.known(package).map(|known| {
                known.within(all).filter(|slot| set.contains(&Bucket::of(&slot.key).mark())).count()
            }),
        };
        match candidates {
            // Nothing to choose from, or no answer: find out at once.
            Ok(0) | Err(_) => (u32::MAX, Reverse(0)),
            Ok(count) => (statistics.conflict_count(), Reverse(count)),
        }
    }

    fn choose_version(&self, node: &Node, set: &VersionSet) -> Result<Option<Version>, Failure> {
        let version = match node {
            Node::App => Some(Version::new(0, 0, 0)),
            Node::Release(package, _) => {
                let known = self.known(package)?;
                self.pick(package, &known, set).map(|slot| slot.key.clone())
            }
            Node::Choice(package, all) => {
                let known = self.known(package)?;
                let open = known.buckets(all).into_iter().filter(|bucket| set.contains(&bucket.mark()));
                let served = open.fold(VersionSet::empty(), |sum, bucket| sum.union(&bucket.set()));
                let within = all.intersection(&served);
                self.pick(package, &known, &within).map(|slot| Bucket::of(&slot.key).mark())
            }
        };
        if let Some(version) = &version {
            let mut memory = self.memory.borrow_mut();
            let tried = memory.tried.entry(node.clone()).or_default();
            tried.insert(version.clone());
            if tried.len() > MAX_TRIES {
                let package = match node {
                    Node::Release(package, _) | Node::Choice(package, _) => Some(package.clone()),
                    Node::App => None,
                };
                return Err(Failure::GaveUp { package });
            }
        }
        Ok(version)
    }

    fn get_dependencies(&self, node: &Node, version: &Version) -> Result<Needs, Failure> {
        match node {
            Node::App => {
                let needs = self.roots.iter().filter_map(|root| match &root.node {
                    Node::Release(package, _) | Node::Choice(package, _) => Some((package, &root.req)),
                    Node::App => None,
                });
                self.announce(needs);
                let constraints =
                    self.roots.iter().map(|root| constraint(root.node.clone(), root.set.clone()));
                Ok(Dependencies::Available(constraints.collect()))
            }
            Node::Choice(package, all) => {
                let bucket = Bucket::of(version);
                let set = all.intersection(&bucket.set());
                Ok(Dependencies::Available(
                    [(Node::Release(package.clone(), bucket), set)].into_iter().collect(),
                ))
            }
            Node::Release(package, _) => match self.chosen(package, &key_of(version))? {
                Ok(chosen) => Ok(self.needs(node, package, &chosen)),
                Err(reason) => Ok(Dependencies::Unavailable(Obstacle::Unusable(reason))),
            },
        }
    }

    fn should_cancel(&self) -> Result<(), Failure> {
        let mut memory = self.memory.borrow_mut();
        memory.steps += 1;
        if memory.steps > MAX_STEPS {
            return Err(Failure::GaveUp { package: None });
        }
        Ok(())
    }
}
