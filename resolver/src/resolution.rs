//! The answer, as a graph of releases.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use crate::known::key_of;
use crate::set::VersionSet;
use crate::solver::{Chosen, named};
use crate::words::{name_release, tame};
use crate::{Failure, Requirement};

/// The releases that meet the requirements, and nothing that is not needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The releases, by name and then by version.
    pub packages: Vec<Resolved>,
    /// What was asked for, in the order of the call.
    pub requirements: Vec<Requirement>,
    /// The version that meets each of [`requirements`](Self::requirements), in the same order.
    pub roots: Vec<Version>,
    /// What the user should know: a yanked release is in use.
    pub warnings: Vec<String>,
}

/// A release that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The package.
    pub package: PackageRef,
    /// Its version.
    pub version: Version,
    /// What it needs and what meets that, by name and then by requirement.
    pub dependencies: Vec<Link>,
}

/// A need and the release that meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The package.
    pub package: PackageRef,
    /// The versions that would do.
    pub req: VersionReq,
    /// The version chosen.
    pub version: Version,
}

/// A way from what the app asks for to a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Which of [`Resolution::requirements`] it starts with.
    pub requirement: usize,
    /// The needs on the way. The first is the requirement, the last leads to the release.
    pub steps: Vec<Link>,
}

impl Resolution {
    /// The release of that name and version.
    pub fn get(&self, package: &PackageRef, version: &Version) -> Option<&Resolved> {
        self.position(package, version).and_then(|at| self.packages.get(at))
    }

    fn position(&self, package: &PackageRef, version: &Version) -> Option<usize> {
        self.packages.binary_search_by(|one| (&one.package, &one.version).cmp(&(package, version))).ok()
    }

    /// Where each dependency of a release is in `packages`.
    fn targets(&self, at: usize) -> impl Iterator<Item = (&Link, usize)> {
        let links = self.packages.get(at).map_or(&[][..], |release| &release.dependencies);
        links.iter().filter_map(|link| Some((link, self.position(&link.package, &link.version)?)))
    }

    /// Why a package is here: for each requirement that leads to it and each of its releases, a shortest way.
    pub fn paths_to(&self, package: &PackageRef) -> Vec<Path> {
        let mut paths = Vec::new();
        for (requirement, (asked, version)) in self.requirements.iter().zip(&self.roots).enumerate() {
            let Some(start) = self.position(&asked.package, version) else {
                continue;
            };
            let first =
                Link { package: asked.package.clone(), req: asked.req.clone(), version: version.clone() };
            // How each release was reached first.
            let mut origin: HashMap<usize, Option<(usize, &Link)>> = HashMap::from([(start, None)]);
            let mut queue = VecDeque::from([start]);
            let mut ends = Vec::new();
            while let Some(at) = queue.pop_front() {
                if self.packages.get(at).is_some_and(|release| release.package == *package) {
                    ends.push(at);
                }
                for (link, target) in self.targets(at) {
                    origin.entry(target).or_insert_with(|| {
                        queue.push_back(target);
                        Some((at, link))
                    });
                }
            }
            for end in ends {
                let mut steps = Vec::new();
                let mut at = end;
                while let Some(Some((before, link))) = origin.get(&at) {
                    steps.push((*link).clone());
                    at = *before;
                }
                steps.push(first.clone());
                steps.reverse();
                paths.push(Path { requirement, steps });
            }
        }
        paths
    }

    /// The releases so that each comes after all that it depends on.
    pub fn in_order(&self) -> Vec<&Resolved> {
        let mut order = Vec::with_capacity(self.packages.len());
        self.walk(|at| order.push(at));
        order.into_iter().filter_map(|at| self.packages.get(at)).collect()
    }

    /// Calls `leave` with every release after those that it depends on. Returns a circle, if there is one.
    fn walk(&self, mut leave: impl FnMut(usize)) -> Option<Vec<usize>> {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Left,
        }
        let mut states = vec![State::New; self.packages.len()];
        let mut circle = None;
        for start in 0..self.packages.len() {
            if states[start] != State::New {
                continue;
            }
            states[start] = State::Open;
            let mut stack = vec![(start, self.targets(start))];
            while let Some((at, targets)) = stack.last_mut() {
                let at = *at;
                match targets.next() {
                    Some((_, target)) if states[target] == State::New => {
                        states[target] = State::Open;
                        stack.push((target, self.targets(target)));
                    }
                    Some((_, target)) if states[target] == State::Open && circle.is_none() => {
                        let entry = stack.iter().position(|(open, _)| *open == target).unwrap_or_default();
                        circle = Some(stack.iter().skip(entry).map(|(open, _)| *open).collect::<Vec<_>>());
                    }
                    Some(_) => {}
                    None => {
                        states[at] = State::Left;
                        leave(at);
                        stack.pop();
                    }
                }
            }
        }
        circle
    }

    fn circle(&self) -> Option<Vec<(PackageRef, Version)>> {
        let mut circle = self.walk(|_| {})?;
        // It is the same circle wherever one enters it; tell it from its first release by name.
        let least = circle.iter().enumerate().min_by_key(|(_, release)| **release).map_or(0, |(at, _)| at);
        circle.rotate_left(least);
        let releases = circle.into_iter().filter_map(|at| self.packages.get(at));
        Some(releases.map(|release| (release.package.clone(), release.version.clone())).collect())
    }
}

/// An answer, and the yanked releases in it that nobody in it asks for. It does not count unless there are none.
pub(crate) struct Assembled {
    pub(crate) resolution: Resolution,
    pub(crate) unwarranted: Vec<(PackageRef, Version)>,
}

/// Links the releases that the solver selected and keeps those that are needed.
///
/// A need is met by the highest selected release that fits. So the links follow from the set of releases alone,
/// and resolving once more with all of them locked gives the same answer.
pub(crate) fn assemble(
    requirements: &[Requirement],
    releases: impl Iterator<Item = (PackageRef, Rc<Chosen>)>,
) -> Result<Assembled, Failure> {
    let mut selected: BTreeMap<PackageRef, Vec<Rc<Chosen>>> = BTreeMap::new();
    for (package, chosen) in releases {
        selected.entry(package).or_default().push(chosen);
    }
    for releases in selected.values_mut() {
        releases.sort_by(|a, b| a.version.cmp(&b.version));
    }
    let meets = |package: &PackageRef, req: &VersionReq| {
        let set = VersionSet::of(req);
        let releases = selected.get(package).into_iter().flatten();
        releases.rev().find(|chosen| set.contains(&chosen.version)).expect("the solver meets every need")
    };

    let mut needed: BTreeMap<(PackageRef, Version), (&Chosen, Vec<Link>)> = BTreeMap::new();
    let mut queue: Vec<(PackageRef, &Rc<Chosen>)> = Vec::new();
    let mut roots = Vec::with_capacity(requirements.len());
    for asked in requirements {
        let chosen = meets(&asked.package, &asked.req);
        roots.push(chosen.version.clone());
        queue.push((asked.package.clone(), chosen));
    }
    while let Some((package, chosen)) = queue.pop() {
        let place = (package, chosen.version.clone());
        if needed.contains_key(&place) {
            continue;
        }
        let mut links = Vec::with_capacity(chosen.edges.len());
        for edge in &chosen.edges {
            let target = meets(&edge.package, &edge.req);
            let (package, req, version) = (edge.package.clone(), edge.req.clone(), target.version.clone());
            links.push(Link { package, req, version });
            queue.push((edge.package.clone(), target));
        }
        needed.insert(place, (chosen.as_ref(), links));
    }

    let mut warnings = Vec::new();
    let mut unwarranted = Vec::new();
    for ((package, version), (chosen, _)) in needed.iter().filter(|(_, (chosen, _))| chosen.yanked) {
        let key = key_of(version);
        let asks = |to: &PackageRef, req: &VersionReq| to == package && named(req).as_ref() == Some(&key);
        let app = requirements.iter().filter(|asked| asks(&asked.package, &asked.req));
        let app = app.map(|asked| tame(&asked.origin)).min();
        let release =
            needed.iter().find(|(_, (_, links))| links.iter().any(|link| asks(&link.package, &link.req)));
        let release = release.map(|((package, version), _)| name_release(package, version));
        let name = name_release(package, version);
        let reason =
            chosen.reason.as_deref().map(|reason| format!(" ({})", tame(reason))).unwrap_or_default();
        match app.or(release) {
            Some(who) => {
                warnings
                    .push(format!("{name} is yanked{reason}, and used because {who} asks for it with `=`"));
            }
            None if chosen.locked => {
                warnings.push(format!("{name} is yanked{reason}, and kept because the lock has it"));
            }
            None => unwarranted.push((package.clone(), key)),
        }
    }

    let packages = needed
        .into_iter()
        .map(|((package, version), (_, dependencies))| Resolved { package, version, dependencies })
        .collect();
    let resolution = Resolution { packages, requirements: requirements.to_vec(), roots, warnings };
    if unwarranted.is_empty()
        && let Some(path) = resolution.circle()
    {
        return Err(Failure::Cycle { path });
    }
    Ok(Assembled { resolution, unwarranted })
}
