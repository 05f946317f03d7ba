//! The search: `PubGrub` over buckets, fed by the index.
//!
//! A run finds an answer by versions alone. Whether that also fits by its types is asked afterwards, and a misfit
//! narrows what later runs start from (see `types.rs`); so does nothing else.
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
use std::rc::Rc;

use pubgrub::{Dependencies, DependencyProvider, PackageResolutionStatistics, PubGrubError};
use semver::Op;
use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use crate::explain::no_solution;
use crate::facts::{Facts, unravel};
use crate::known::{Absence, Known, Slot};
use crate::memory::{Chosen, Memory, Second};
use crate::node::{Node, Obstacle};
use crate::places::{Place, Places};
use crate::resolution::{self, Assembled, Resolution};
use crate::set::VersionSet;
use crate::words::{name_release, tame};
use crate::{Consumer, Failure, Index, Locked, Preference, Reason, Release, Requirement, Versions};

/// Releases of one package that are tried before the solver gives up on it. Each costs a question to the registry.
const MAX_TRIES: usize = 2_000;

/// Decisions of one run before the solver gives up: enough for any real graph, and an end for one made to have none.
const MAX_STEPS: usize = 500_000;

/// Decisions that a run may take for each release it was told about, and to begin with. A search among few releases
/// that does not end goes round and round, and each turn takes longer than the one before.
const STEPS_PER_RELEASE: usize = 20;
const FIRST_STEPS: usize = 5_000;

/// Decisions of all runs.
const MAX_ALL_STEPS: usize = 5_000_000;

/// Attempts to find an answer in which every yanked release is asked for.
const MAX_RUNS_WITH_YANKED: usize = 32;

/// What is decided first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    Open,
    /// A locked release is there. What is decided later has to go by it, so it stays unless it cannot.
    Locked,
    /// There is nothing to choose from.
    Hopeless,
}

/// What the app asks for, in an order that does not depend on that of the manifest.
struct Root<'a> {
    /// Which of the requirements it is.
    at: usize,
    package: &'a PackageRef,
    req: &'a VersionReq,
}

pub(crate) struct Solver<'a> {
    pub(crate) index: &'a dyn Index,
    pub(crate) requirements: &'a [Requirement],
    locked: &'a Locked,
    preference: Preference,
    roots: Vec<Root<'a>>,
    /// All that the app itself asks for of a package.
    direct: HashMap<&'a PackageRef, Vec<&'a VersionReq>>,
    /// Releases that the app asks for with `=`.
    asked: HashSet<(PackageRef, Version)>,
    /// Decisions of one run before the solver gives up.
    max_steps: usize,
    pub(crate) memory: RefCell<Memory>,
}

pub(crate) fn solve(
    requirements: &[Requirement],
    locked: &Locked,
    preference: Preference,
    index: &dyn Index,
) -> Result<Resolution, Failure> {
    let solver = Solver::new(requirements, locked, preference, index, Memory::default());
    match solver.answer() {
        Err(Stop::NoSolution(facts)) => {
            let failure = no_solution(&facts, &solver);
            if solver.memory.borrow().withheld { solver.answer_with_yanked(failure) } else { Err(failure) }
        }
        Err(Stop::Failed(failure)) => Err(failure),
        Ok(resolution) => Ok(resolution),
    }
}

/// Why a search ended without an answer.
pub(crate) enum Stop {
    /// There is none, by these facts.
    NoSolution(Facts),
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
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
    pub(crate) fn new(
        requirements: &'a [Requirement],
        locked: &'a Locked,
        preference: Preference,
        index: &'a dyn Index,
        mut memory: Memory,
    ) -> Self {
        let mut sorted: Vec<(usize, &Requirement)> = requirements.iter().enumerate().collect();
        // The order must not matter, so it is taken away before it can.
        sorted.sort_by_cached_key(|(_, one)| (one.package.clone(), one.req.to_string(), one.origin.clone()));
        let mut direct: HashMap<&PackageRef, Vec<&VersionReq>> = HashMap::new();
        let mut asked = HashSet::new();
        for (_, one) in &sorted {
            let set = VersionSet::of(&one.req);
            memory.note(&one.package, &set, &one.req, &one.origin);
            asked.extend(named(&one.req).map(|version| (one.package.clone(), version)));
            direct.entry(&one.package).or_default().push(&one.req);
        }
        let roots = sorted.into_iter().map(|(at, one)| Root { at, package: &one.package, req: &one.req });
        let (roots, memory) = (roots.collect(), RefCell::new(memory));
        let max_steps = MAX_STEPS;
        Self { index, requirements, locked, preference, roots, direct, asked, max_steps, memory }
    }

    /// A solver for other requirements that goes on with what `solver` learned, and does not take long.
    pub(crate) fn again(
        solver: &'a Solver<'_>,
        requirements: &'a [Requirement],
        index: &'a dyn Index,
        memory: Memory,
        max_steps: usize,
    ) -> Self {
        let new = Self::new(requirements, solver.locked, solver.preference, index, memory);
        Self { max_steps, ..new }
    }

    /// Searches by versions until an answer also fits by its types.
    pub(crate) fn answer(&self) -> Result<Resolution, Stop> {
        loop {
            let Assembled { resolution, unwarranted } = self.run()?;
            if !unwarranted.is_empty() {
                self.refuse(unwarranted)?;
            } else if self.fits(&resolution)? {
                return match resolution.circle() {
                    Some(path) => Err(Failure::Cycle { path }.into()),
                    None => Ok(resolution),
                };
            }
        }
    }

    fn run(&self) -> Result<Assembled, Stop> {
        self.memory.borrow_mut().steps = 0;
        match pubgrub::resolve(self, Node::App, APP) {
            Ok(selected) => Ok(self.assemble(selected)),
            Err(PubGrubError::NoSolution(tree)) => {
                let facts = Facts::gather(&tree, self);
                unravel(tree);
                Err(Stop::NoSolution(facts))
            }
            Err(
                PubGrubError::ErrorInShouldCancel(failure)
                | PubGrubError::ErrorChoosingVersion { source: failure, .. }
                | PubGrubError::ErrorRetrievingDependencies { source: failure, .. },
            ) => Err(failure.into()),
        }
    }

    /// Looks for an answer in which somebody asks for every yanked release with `=`. Without one, `failure` stands.
    fn answer_with_yanked(&self, failure: Failure) -> Result<Resolution, Failure> {
        self.memory.borrow_mut().second = Some(Second::default());
        match self.answer() {
            Ok(resolution) => Ok(resolution),
            Err(Stop::NoSolution(_) | Stop::Failed(Failure::GaveUp { .. })) => Err(failure),
            Err(Stop::Failed(other)) => Err(other),
        }
    }

    /// Remembers that nobody asks for these yanked releases, so that the next run does without them.
    fn refuse(&self, unwarranted: Vec<(PackageRef, Version)>) -> Result<(), Failure> {
        let mut memory = self.memory.borrow_mut();
        let second = memory.second.get_or_insert_default();
        second.unwarranted.extend(unwarranted);
        second.runs += 1;
        if second.runs > MAX_RUNS_WITH_YANKED { Err(Failure::GaveUp { package: None }) } else { Ok(()) }
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

    pub(crate) fn unreachable(
        &self,
        package: &PackageRef,
        version: Option<Version>,
        reason: &str,
    ) -> Failure {
        let wanted_by = self.memory.borrow().wanted_by(package);
        Failure::Unreachable { package: package.clone(), version, wanted_by, reason: tame(reason).into() }
    }

    /// What the index says about a release: the first of its builds that can be used, or why none can.
    pub(crate) fn chosen(
        &self,
        package: &PackageRef,
        key: &Version,
    ) -> Result<Result<Rc<Chosen>, Reason>, Failure> {
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
            match self.ask(package, &build.version)? {
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
                Release::Unavailable(reason) => {
                    self.memory.borrow_mut().rule_out(package, &build.version, reason.clone());
                    if at == 0 {
                        answer = Err(reason);
                    }
                }
            }
        }
        self.memory.borrow_mut().releases.insert(place, answer.clone());
        Ok(answer)
    }

    fn ask(&self, package: &PackageRef, version: &Version) -> Result<Release, Failure> {
        let unusable = self.memory.borrow().unusable.get(&(package.clone(), version.clone())).cloned();
        if let Some(reason) = unusable {
            return Ok(Release::Unavailable(reason));
        }
        let tried = {
            let mut memory = self.memory.borrow_mut();
            let tried = memory.tried.entry(package.clone()).or_default();
            *tried += 1;
            *tried
        };
        if tried > MAX_TRIES {
            return Err(Failure::GaveUp { package: Some(package.clone()) });
        }
        Ok(self.index.release(package, version))
    }

    fn is_admitted(&self, package: &PackageRef, key: &Version) -> bool {
        let place = (package.clone(), key.clone());
        let second = &self.memory.borrow().second;
        let admits = |second: &Second| !second.unwarranted.contains(&place);
        self.asked.contains(&place) || second.as_ref().is_some_and(admits)
    }

    /// Whether the solver may choose a release.
    pub(crate) fn is_eligible(&self, package: &PackageRef, slot: &Slot) -> bool {
        !slot.is_yanked() || slot.is_locked() || self.is_admitted(package, &slot.key)
    }

    /// The release to try: the locked one, else the one preferred, else a yanked one that may be chosen. Pre-releases
    /// are as good as others: whether one may be taken at all is a question for the set.
    fn pick(&self, package: &PackageRef, known: &Known, places: &Places) -> Option<Place> {
        let lowest = match self.preference {
            Preference::Highest => false,
            Preference::Lowest => true,
            Preference::LowestDirect => {
                let direct = self.direct.get(package).into_iter().flatten();
                direct.into_iter().any(|req| !known.admitted(req).is_disjoint(places))
            }
        };
        let locked = places.intersection(known.locked()).last();
        let fresh = || {
            let usable = places.difference(known.yanked());
            if lowest { usable.first() } else { usable.last() }
        };
        let yanked = || {
            let admits =
                |place: &Place| known.at(*place).is_some_and(|slot| self.is_admitted(package, &slot.key));
            places.intersection(known.yanked()).iter().filter(admits).last()
        };
        let pick = locked.or_else(fresh).or_else(yanked);
        if pick.is_none() && !places.is_empty() {
            self.memory.borrow_mut().withheld = true;
        }
        pick
    }

    /// The text of the requirement that a set comes from.
    pub(crate) fn text(&self, package: &PackageRef, set: &VersionSet) -> String {
        let memory = self.memory.borrow();
        memory.text(package, set).map_or_else(|| set.to_string(), ToOwned::to_owned)
    }

    /// Tells the index what `who` makes the solver ask for next.
    fn announce<'e>(
        &self,
        needs: impl Iterator<Item = (&'e PackageRef, &'e VersionReq)>,
        who: impl Fn() -> String,
    ) {
        let mut news = Vec::new();
        {
            let mut memory = self.memory.borrow_mut();
            for (package, req) in needs {
                let need = (package.clone(), req.clone());
                if memory.announced.insert(need.clone()) {
                    memory.note(package, &VersionSet::of(req), req, &who());
                    news.push(need);
                }
            }
        }
        if !news.is_empty() {
            self.index.prefetch(&news);
        }
    }

    /// A need in the solver's terms: which releases are there for it, without those that do not fit by their types.
    pub(crate) fn need(
        &self,
        consumer: Consumer<'_>,
        package: &PackageRef,
        req: &VersionReq,
    ) -> (Node, Places) {
        let Ok(known) = self.known(package) else {
            // That the registry does not answer matters only if it comes to choosing.
            return (Node::Choice(package.clone(), Places::full()), Places::full());
        };
        let mut places = known.admitted(req);
        if let Some(narrowed) = self.memory.borrow().learned.narrowed(consumer, package, req) {
            let misfits = narrowed.misfits.keys().filter_map(|version| known.place(version));
            places = places.difference(&misfits.collect());
        }
        Node::needing(package, &known, places)
    }

    /// What a release needs, in the solver's terms.
    fn needs(&self, own: &Node, place: Place, package: &PackageRef, chosen: &Chosen) -> Needs {
        let who = || name_release(package, &chosen.version);
        self.announce(chosen.edges.iter().map(|edge| (&edge.package, &edge.req)), who);
        let mut constraints = Vec::with_capacity(chosen.edges.len());
        let consumer = Consumer::Release(package, &chosen.version);
        for edge in &chosen.edges {
            let (node, places) = self.need(consumer, &edge.package, &edge.req);
            if node == *own {
                // The solver would learn nothing from it: it holds or it does not. Where it holds, the circle
                // is reported once the answer is known.
                if !places.contains(place) {
                    return Needs::Unavailable(Obstacle::NeedsOther(edge.req.to_string()));
                }
                continue;
            }
            constraints.push((node, places));
        }
        Needs::Available(constraints.into_iter().collect())
    }

    fn assemble(&self, selected: impl IntoIterator<Item = (Node, Place)>) -> Assembled {
        let memory = self.memory.borrow();
        let releases = selected.into_iter().filter_map(|(node, place)| match node {
            Node::Release(package, _) => {
                let known = memory.packages.get(&package)?.as_ref().ok()?;
                let key = known.at(place)?.key.clone();
                let chosen = Rc::clone(memory.releases.get(&(package.clone(), key))?.as_ref().ok()?);
                Some((package, chosen))
            }
            Node::App | Node::Choice(..) => None,
        });
        let admitted = |consumer: Consumer<'_>, to: &PackageRef, req: &VersionReq| {
            memory.learned.admitted(consumer, to, req)
        };
        resolution::assemble(self.requirements, releases, admitted)
    }
}

type Needs = Dependencies<Node, Places, Obstacle>;

/// The app's only version.
const APP: Place = 0;

/// The releases that a choice is among, where these buckets are left.
fn open(known: &Known, all: &Places, buckets: &Places) -> Places {
    let left = known.buckets().zip(0..).filter(|(_, number)| buckets.contains(*number));
    let left = left.fold(Places::empty(), |sum, ((_, places), _)| sum.union(places));
    all.intersection(&left)
}

impl DependencyProvider for Solver<'_> {
    type P = Node;
    type V = Place;
    type VS = Places;
    /// What cannot be met first, then what is locked, then what was in conflict, then what has few candidates; `PubGrub`
    /// breaks ties by who was seen first.
    type Priority = (Urgency, u32, Reverse<usize>);
    type M = Obstacle;
    type Err = Failure;

    fn prioritize(
        &self,
        node: &Node,
        places: &Places,
        statistics: &PackageResolutionStatistics,
    ) -> Self::Priority {
        let conflicts = statistics.conflict_count();
        let urgency = |known: &Known, places: &Places| match places.count() {
            0 => (Urgency::Hopeless, conflicts, Reverse(0)),
            count if places.is_disjoint(known.locked()) => (Urgency::Open, conflicts, Reverse(count)),
            count => (Urgency::Locked, conflicts, Reverse(count)),
        };
        match node {
            Node::Release(package, _) => self.known(package).map(|known| urgency(&known, places)),
            Node::Choice(package, all) => {
                self.known(package).map(|known| urgency(&known, &open(&known, all, places)))
            }
            Node::App => Ok((Urgency::Hopeless, 0, Reverse(0))),
        }
        // No answer is found out about at once, as is that there is nothing to choose from.
        .unwrap_or((Urgency::Hopeless, conflicts, Reverse(0)))
    }

    fn choose_version(&self, node: &Node, places: &Places) -> Result<Option<Place>, Failure> {
        Ok(match node {
            Node::App => Some(APP),
            Node::Release(package, _) => self.pick(package, &*self.known(package)?, places),
            Node::Choice(package, all) => {
                let known = self.known(package)?;
                let pick = self.pick(package, &known, &open(&known, all, places));
                let buckets = known.buckets().zip(0..);
                pick.and_then(|pick| buckets.into_iter().find(|((_, places), _)| places.contains(pick)))
                    .map(|(_, number)| number)
            }
        })
    }

    fn get_dependencies(&self, node: &Node, place: &Place) -> Result<Needs, Failure> {
        let missing = || Reason::Other("it is not listed".to_owned());
        match node {
            Node::App => {
                self.announce(self.roots.iter().map(|root| (root.package, root.req)), String::new);
                let needs =
                    self.roots.iter().map(|root| self.need(Consumer::App(root.at), root.package, root.req));
                let mut constraints: Vec<_> = needs.collect();
                constraints.dedup();
                Ok(Dependencies::Available(constraints.into_iter().collect()))
            }
            Node::Choice(package, all) => {
                let known = self.known(package)?;
                let bucket = known.buckets().nth(*place as usize);
                let need = bucket.map(|(bucket, places)| {
                    (Node::Release(package.clone(), bucket), all.intersection(places))
                });
                Ok(Dependencies::Available(need.into_iter().collect()))
            }
            Node::Release(package, _) => {
                let known = self.known(package)?;
                let Some(slot) = known.at(*place) else {
                    return Ok(Dependencies::Unavailable(Obstacle::Unusable(missing())));
                };
                match self.chosen(package, &slot.key)? {
                    Ok(chosen) => Ok(self.needs(node, *place, package, &chosen)),
                    Err(reason) => Ok(Dependencies::Unavailable(Obstacle::Unusable(reason))),
                }
            }
        }
    }

    fn should_cancel(&self) -> Result<(), Failure> {
        let mut memory = self.memory.borrow_mut();
        memory.steps += 1;
        memory.all_steps += 1;
        let max_steps = self.max_steps.min(FIRST_STEPS + STEPS_PER_RELEASE * memory.releases.len());
        if memory.steps > max_steps || memory.all_steps > MAX_ALL_STEPS {
            return Err(Failure::GaveUp { package: None });
        }
        Ok(())
    }
}
