//! Any two locks of one app, merged line by line and mended, give a lock that fits and keeps what both had.

use std::{collections::BTreeMap, process::Command};

use proptest::prelude::*;
use semver::{Version, VersionReq};
use spin_deps_lockfile::{Dependency, Lockfile, Package};
use spin_deps_resolver::{
    Candidate, Edge, Index, Locked, Preference, Release, Requirement, Versions, resolve,
};
use wasm_pkg_common::package::PackageRef;

/// Releases by package, each with what it needs.
#[derive(Clone, Debug)]
struct World(BTreeMap<PackageRef, BTreeMap<Version, Vec<(PackageRef, VersionReq)>>>);

impl Index for World {
    fn versions(&self, package: &PackageRef) -> Versions {
        let found = self.0.get(package).into_iter().flat_map(BTreeMap::keys);
        let candidate =
            |version: &Version| Candidate { version: version.clone(), yanked: false, reason: None };
        Versions::Found(found.map(candidate).collect())
    }

    fn release(&self, package: &PackageRef, version: &Version) -> Release {
        let needs = &self.0[package][version];
        let edge =
            |(package, req): &(PackageRef, VersionReq)| Edge { package: package.clone(), req: req.clone() };
        Release::Available(needs.iter().map(edge).collect())
    }
}

type App = BTreeMap<PackageRef, VersionReq>;

impl World {
    /// The lock of an app that keeps what `before` has.
    fn lock(&self, app: &App, before: &Lockfile) -> Option<Lockfile> {
        self.lock_with(app, &super::locked(Some(before)))
    }

    fn lock_with(&self, app: &App, locked: &Locked) -> Option<Lockfile> {
        let asked: Vec<_> = app
            .iter()
            .map(|(package, req)| Requirement {
                package: package.clone(),
                req: req.clone(),
                origin: "the app".into(),
            })
            .collect();
        let resolution = resolve(&asked, locked, Preference::Highest, self).ok()?;
        let packages = resolution.packages.into_iter().map(|it| {
            // As from a registry: the content follows from name and version, and most else is the same for all.
            let text = format!("{} {}", it.package, it.version);
            let dependencies = it.dependencies.into_iter().map(|link| Dependency {
                package: link.package,
                req: link.req,
                version: link.version,
            });
            Package {
                digest: spin_deps_registry::digest_of(text.as_bytes()),
                manifest: Some(spin_deps_registry::digest_of(format!("the manifest of {text}").as_bytes())),
                registry: "registry.example".parse().unwrap(),
                signers: None,
                size: 1000 + it.version.minor,
                capabilities: Vec::new(),
                imports: Vec::new(),
                granted: Vec::new(),
                dependencies: dependencies.collect(),
                overridden: Vec::new(),
                name: it.package,
                version: it.version,
            }
        });
        let mut lock = Lockfile { packages: packages.collect(), ..Lockfile::default() };
        lock.sort();
        Some(lock)
    }

    /// Whether every need in a set of releases is met within it.
    fn closed(&self, app: &App, chosen: &[(PackageRef, Version)]) -> bool {
        let met = |package: &PackageRef, req: &VersionReq| {
            chosen.iter().any(|(name, version)| name == package && req.matches(version))
        };
        let needs = chosen.iter().flat_map(|(name, version)| &self.0[name][version]);
        app.iter().all(|(package, req)| met(package, req))
            && needs.map(|it| (&it.0, &it.1)).all(|it| met(it.0, it.1))
    }
}

fn name(number: usize) -> PackageRef {
    format!("acme:p{number}").parse().unwrap()
}

const PACKAGES: usize = 9;

/// A release as it is drawn: its numbers, and its needs as steps from its package and requirements.
type Drawn = ((u64, u64), Vec<(usize, &'static str)>);

/// Needs go to packages of higher numbers, so that there are no cycles.
fn world() -> impl Strategy<Value = World> {
    let req = prop::sample::select(vec!["*", "^1", ">=1.1, <2", "^1.2", "~1.1", "^2", "<1.3"]);
    let needs = prop::collection::vec((1..PACKAGES, req), 0..3);
    let release = ((1..3_u64, 0..4_u64), needs);
    prop::collection::vec(prop::collection::vec(release, 1..6), PACKAGES).prop_map(|packages| {
        let package = |(number, releases): (usize, Vec<Drawn>)| {
            let release = |((major, minor), needs): Drawn| {
                let needs = needs.into_iter().filter(|(step, _)| number + step < PACKAGES);
                let need = |(step, req): (usize, &'static str)| (name(number + step), req.parse().unwrap());
                (Version::new(major, minor, 0), needs.map(need).collect())
            };
            (name(number), releases.into_iter().map(release).collect())
        };
        World(packages.into_iter().enumerate().map(package).collect())
    })
}

fn app() -> impl Strategy<Value = App> {
    let req = prop::sample::select(vec!["*", "^1", "^1.1", "<2", "~1.2"]);
    prop::collection::btree_map((0..PACKAGES).prop_map(name), req.prop_map(|it| it.parse().unwrap()), 1..5)
}

/// What git makes of three texts, with an option of `git merge-file`.
fn merged(ours: &str, base: &str, theirs: &str, option: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs_err::write(&path, text).unwrap();
        path
    };
    let files = [file("ours", ours), file("base", base), file("theirs", theirs)];
    let output = Command::new("git").args(["merge-file", "-p", "-q", option]).args(files).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn a_mended_merge_fits_and_keeps_what_both_sides_had(
        world in world(),
        (base, more_ours, more_theirs) in (app(), app(), app()),
        option in prop::sample::select(vec!["--marker-size=7", "--diff3", "--zdiff3"]),
    ) {
        // The branches add requirements, and change those that there are.
        let ours: App = base.clone().into_iter().chain(more_ours.clone()).collect();
        let theirs: App = base.clone().into_iter().chain(more_theirs.clone()).collect();
        let all: App = ours.clone().into_iter().chain(more_theirs).collect();
        let nothing = Lockfile::default();
        let Some(base_lock) = world.lock(&base, &nothing) else { return Ok(()) };
        let (Some(ours_lock), Some(theirs_lock)) = (world.lock(&ours, &base_lock), world.lock(&theirs, &base_lock))
        else { return Ok(()) };
        let text = merged(&ours_lock.to_text(), &base_lock.to_text(), &theirs_lock.to_text(), option);
        let salvage = Lockfile::salvage(&text);
        prop_assert!(salvage.is_ok(), "{salvage:?}\n{text}");
        let salvage = salvage.unwrap();
        for package in &salvage.lockfile.packages {
            let written = format!("{} {}", package.name, package.version);
            prop_assert_eq!(&package.digest, &spin_deps_registry::digest_of(written.as_bytes()), "\n{}", text);
        }
        let mut locked = super::locked(Some(&salvage.lockfile));
        for (package, version) in salvage.versions {
            locked.insert(package, version);
        }
        let Some(mended) = world.lock_with(&all, &locked) else { return Ok(()) };
        prop_assert_eq!(Lockfile::parse(&mended.to_text()), Ok(mended.clone()));
        let chosen: Vec<_> = mended.packages.iter().map(|it| (it.name.clone(), it.version.clone())).collect();
        prop_assert!(world.closed(&all, &chosen));
        for kept in ours_lock.packages.iter().filter(|it| theirs_lock.packages.contains(it)) {
            let same = |it: &&Package| it.name == kept.name && it.version.major == kept.version.major;
            let Some(now) = mended.packages.iter().find(same) else { continue };
            if now.version == kept.version {
                continue;
            }
            let mut back = chosen.clone();
            back.iter_mut().filter(|it| it.0 == now.name && it.1 == now.version).for_each(|it| it.1 = kept.version.clone());
            prop_assert!(!world.closed(&all, &back), "{} {} still fits\n{text}", kept.name, kept.version);
        }
    }
}
