//! An index in memory, and words for requirements.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use spin_deps_resolver::{
    Candidate, Consumer, Edge, Fit, Index, Reason, Release, Requirement, Resolution, Resolved, Versions, Wire,
};
use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

pub(crate) fn package(text: &str) -> PackageRef {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is not a package"))
}

pub(crate) fn version(text: &str) -> Version {
    Version::parse(text).unwrap_or_else(|_| panic!("`{text}` is not a version"))
}

/// `acme:hash ^1.2`
pub(crate) fn edge(text: &str) -> Edge {
    let (name, req) = text.split_once(' ').unwrap_or_else(|| panic!("`{text}` has no requirement"));
    let req = VersionReq::parse(req).unwrap_or_else(|_| panic!("`{text}` is not a requirement"));
    Edge { package: package(name), req }
}

/// A requirement of `component "app"`.
pub(crate) fn asks(text: &str) -> Requirement {
    let Edge { package, req } = edge(text);
    Requirement { package, req, origin: "component \"app\"".to_owned() }
}

/// The releases of an answer so that each comes after all that it needs; those of a circle are left out, and so is
/// what nothing needs.
pub(crate) fn in_order(resolution: &Resolution) -> Vec<&Resolved> {
    let roots = resolution.requirements.iter().zip(&resolution.roots);
    let mut open: Vec<&Resolved> =
        roots.filter_map(|(asked, version)| resolution.get(&asked.package, version)).collect();
    let (mut entered, mut left, mut order) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    while let Some(release) = open.last() {
        let name = (&release.package, &release.version);
        if entered.insert(name) {
            let needs = release.dependencies.iter();
            open.extend(needs.filter_map(|link| resolution.get(&link.package, &link.version)));
            continue;
        }
        let release = open.pop().expect("it is the last one");
        if release.dependencies.iter().all(|link| left.contains(&(&link.package, &link.version)))
            && left.insert(name)
        {
            order.push(release);
        }
    }
    order
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) version: Version,
    pub(crate) yanked: bool,
    pub(crate) release: Release,
}

/// What is asked of it is written down.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) packages: BTreeMap<PackageRef, Result<Vec<Entry>, Versions>>,
    pub(crate) log: RefCell<Vec<String>>,
    /// What does not fit by its types; who needs it is called by its origin or by its name and version.
    pub(crate) fits: BTreeMap<(String, PackageRef, Version), Fit>,
    /// The origins of the app's requirements.
    pub(crate) origins: Vec<String>,
    /// The wires asked about, a line each time.
    pub(crate) checked: RefCell<Vec<String>>,
}

impl Memory {
    /// Adds a release; `needs` are `acme:hash ^1` each, `yanked`, `wit-only` or `offline`.
    pub(crate) fn add(&mut self, name: &str, text: &str, needs: &[&str]) -> &mut Self {
        let mut entry =
            Entry { version: version(text), yanked: false, release: Release::Available(Vec::new()) };
        for need in needs {
            match (*need, &mut entry.release) {
                ("yanked", _) => entry.yanked = true,
                ("wit-only", release) => *release = Release::Unavailable(Reason::WitOnly),
                ("offline", release) => *release = Release::Unavailable(Reason::Offline),
                ("text", release) => {
                    *release = Release::Unavailable(Reason::NotComponent("it is plain text".to_owned()));
                }
                ("silent", release) => {
                    *release = Release::Unavailable(Reason::Unreachable("connection reset".to_owned()));
                }
                (need, Release::Available(edges)) => edges.push(edge(need)),
                (need, Release::Unavailable(_)) => panic!("an unavailable release does not need {need}"),
            }
        }
        match self.packages.entry(package(name)).or_insert_with(|| Ok(Vec::new())) {
            Ok(entries) => entries.push(entry),
            Err(absence) => panic!("{name} is {absence:?}"),
        }
        self
    }

    pub(crate) fn absent(&mut self, name: &str, why: Versions) -> &mut Self {
        self.packages.insert(package(name), Err(why));
        self
    }

    pub(crate) fn entry(&self, name: &PackageRef, version: &Version) -> Option<&Entry> {
        self.packages.get(name)?.as_ref().ok()?.iter().find(|entry| entry.version == *version)
    }
}

impl Index for Memory {
    fn versions(&self, package: &PackageRef) -> Versions {
        self.log.borrow_mut().push(format!("versions {package}"));
        match self.packages.get(package) {
            None => Versions::NotFound("example.com".to_owned()),
            Some(Err(absence)) => absence.clone(),
            Some(Ok(entries)) => Versions::Found(
                entries
                    .iter()
                    .map(|entry| Candidate {
                        version: entry.version.clone(),
                        yanked: entry.yanked,
                        reason: None,
                    })
                    .collect(),
            ),
        }
    }

    fn release(&self, package: &PackageRef, version: &Version) -> Release {
        self.log.borrow_mut().push(format!("release {package} {version}"));
        self.entry(package, version).expect("only what exists is asked about").release.clone()
    }

    fn prefetch(&self, requirements: &[(PackageRef, VersionReq)]) {
        let all: Vec<String> = requirements.iter().map(|(package, req)| format!("{package} {req}")).collect();
        self.log.borrow_mut().push(format!("prefetch {}", all.join(" & ")));
    }

    fn check(&self, wires: &[Wire<'_>]) -> Vec<Fit> {
        let mut asked = Vec::new();
        let check = |wire: &Wire<'_>| {
            let who = match wire.consumer {
                Consumer::App(at) => self.origins.get(at).cloned().unwrap_or_default(),
                Consumer::Release(package, version) => format!("{package} {version}"),
            };
            asked.push(format!("{who} → {} {}", wire.package, wire.version));
            let fit = self.fits.get(&(who, wire.package.clone(), wire.version.clone()));
            fit.cloned().unwrap_or(Fit::Fits)
        };
        let fits = wires.iter().map(check).collect();
        self.checked.borrow_mut().push(asked.join(" & "));
        fits
    }
}
