//! The answer, as a graph of releases.

use std::collections::BTreeMap;
use std::rc::Rc;

use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use crate::known::key_of;
use crate::memory::Chosen;
use crate::set::VersionSet;
use crate::solver::named;
use crate::words::{name_release, tame};
use crate::{Consumer, Requirement};

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

impl Resolution {
    /// The release of that name and version.
    pub fn get(&self, package: &PackageRef, version: &Version) -> Option<&Resolved> {
        self.position(package, version).and_then(|at| self.packages.get(at))
    }

    fn position(&self, package: &PackageRef, version: &Version) -> Option<usize> {
        self.packages.binary_search_by(|one| (&one.package, &one.version).cmp(&(package, version))).ok()
    }

    /// Where each dependency of a release is in `packages`.
    fn targets(&self, at: usize) -> impl Iterator<Item = usize> {
        let links = self.packages.get(at).map_or(&[][..], |release| &release.dependencies);
        links.iter().filter_map(|link| self.position(&link.package, &link.version))
    }

    /// Releases that need each other, if there are any.
    pub(crate) fn circle(&self) -> Option<Vec<(PackageRef, Version)>> {
        let mut circle = self.positions_of_circle()?;
        // It is the same circle wherever one enters it; tell it from its first release by name.
        let least = circle.iter().enumerate().min_by_key(|(_, release)| **release).map_or(0, |(at, _)| at);
        circle.rotate_left(least);
        let releases = circle.into_iter().filter_map(|at| self.packages.get(at));
        Some(releases.map(|release| (release.package.clone(), release.version.clone())).collect())
    }

    fn positions_of_circle(&self) -> Option<Vec<usize>> {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Left,
        }
        let mut states = vec![State::New; self.packages.len()];
        for start in 0..self.packages.len() {
            if states[start] != State::New {
                continue;
            }
            states[start] = State::Open;
            let mut stack = vec![(start, self.targets(start))];
            while let Some((at, targets)) = stack.last_mut() {
                let at = *at;
                match targets.next() {
                    Some(target) if states[target] == State::New => {
                        states[target] = State::Open;
                        stack.push((target, self.targets(target)));
                    }
                    Some(target) if states[target] == State::Open => {
                        let open = stack.into_iter().map(|(open, _)| open);
                        return Some(open.skip_while(|open| *open != target).collect());
                    }
                    Some(_) => {}
                    None => {
                        states[at] = State::Left;
                        stack.pop();
                    }
                }
            }
        }
        None
    }
}

/// An answer, and the yanked releases in it that nobody in it asks for. It does not count unless there are none.
pub(crate) struct Assembled {
    pub(crate) resolution: Resolution,
    pub(crate) unwarranted: Vec<(PackageRef, Version)>,
}

/// Links the releases that the solver selected and keeps those that are needed.
///
/// A need is met by the highest selected release that it admits. So the links follow from the set of releases alone,
/// and resolving once more with all of them locked gives the same answer.
pub(crate) fn assemble(
    requirements: &[Requirement],
    releases: impl Iterator<Item = (PackageRef, Rc<Chosen>)>,
    admitted: impl Fn(Consumer<'_>, &PackageRef, &VersionReq) -> VersionSet,
) -> Assembled {
    let mut selected: BTreeMap<PackageRef, Vec<Rc<Chosen>>> = BTreeMap::new();
    for (package, chosen) in releases {
        selected.entry(package).or_default().push(chosen);
    }
    for releases in selected.values_mut() {
        releases.sort_by(|a, b| a.version.cmp(&b.version));
    }
    let meets = |consumer: Consumer<'_>, package: &PackageRef, req: &VersionReq| {
        let set = admitted(consumer, package, req);
        let releases = selected.get(package).into_iter().flatten();
        releases.rev().find(|chosen| set.contains(&chosen.version)).expect("the solver meets every need")
    };

    let mut needed: BTreeMap<(PackageRef, Version), (&Chosen, Vec<Link>)> = BTreeMap::new();
    let mut queue: Vec<(PackageRef, &Rc<Chosen>)> = Vec::new();
    let mut roots = Vec::with_capacity(requirements.len());
    for (at, asked) in requirements.iter().enumerate() {
        let chosen = meets(Consumer::App(at), &asked.package, &asked.req);
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
            let consumer = Consumer::Release(&place.0, &place.1);
            let target = meets(consumer, &edge.package, &edge.req);
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
    Assembled { resolution, unwarranted }
}
