//! Reads what is sound of a lock that is not, so that `lock` can mend it.
//!
//! A merge of two branches leaves a text with conflict markers, or one that merged without a conflict into something
//! that means nothing: an entry twice, a dependency on a version that the other branch has moved. Every line of such a
//! text was once written by us, on one side or the other. So the two sides are told apart, each is read entry by entry,
//! and what both agree on, or only one has, is kept. Where they disagree about the same release neither is believed.
//!
//! Nor is an entry that a conflict runs through. Entries share lines, by which git aligns them, and merges what is between
//! piece by piece: the name of one release may stand above the digest of another then. Of these only the version counts,
//! as one that is preferred if it exists.
//!
//! What is kept is true of the single releases, and no more than that: the versions that dependencies name may not be
//! there. It serves to prefer these releases, and to know what they are without a request, when all is chosen anew.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml_edit::Document;
use url::Url;
use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use super::{Entry, environment::environment, http_source, lockfile, package};
use crate::{
    Environment, EnvironmentRef, HttpSource, LockError, Lockfile, Need, Package, diff::without_secrets,
};

/// How the lines between the two sides of a conflict begin; without the base that only some styles of markers show.
const OURS: &str = "<<<<<<<";
const BASE: &str = "|||||||";
const THEIRS: &str = "=======";
const END: &str = ">>>>>>>";

/// What is left of a lock that is not sound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvage {
    /// The entries, without overrides. Dependencies may name releases that are not there.
    pub lockfile: Lockfile,
    /// The releases of other entries, of which nothing but the version can be believed. Some may not exist.
    pub versions: BTreeSet<(PackageRef, Version)>,
    /// The entries that a conflict runs through. Their packages stay with these registries and signers.
    pub torn: Vec<Package>,
    /// What was left out and what has to be asked for again, in words, sorted.
    pub remarks: Vec<String>,
}

pub(crate) fn salvage(text: &str) -> Result<Salvage, LockError> {
    let error = match lockfile(text) {
        Ok(lockfile) => return Ok(Salvage { lockfile, ..Salvage::default() }),
        Err(error) if error.is_of_merging() => error,
        Err(error) => return Err(error),
    };
    let mut found = Found::default();
    for side in sides(text) {
        found.read(text, &side)?;
    }
    if found.is_empty() && !matches!(error, LockError::MergeConflict { .. }) {
        return Err(error);
    }
    found.agreed()
}

/// The lines of a text as each side of its conflicts has them; one side where there is no conflict.
fn sides(text: &str) -> Vec<Vec<Range<usize>>> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut part = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let place = start..start + line.len();
        start = place.end;
        part = match part {
            _ if line.starts_with(OURS) => Some(OURS),
            Some(_) if line.starts_with(BASE) => Some(BASE),
            Some(_) if line.starts_with(THEIRS) => Some(THEIRS),
            Some(_) if line.starts_with(END) => None,
            part => {
                if part.is_none() || part == Some(OURS) {
                    ours.push(place.clone());
                }
                if part.is_none() || part == Some(THEIRS) {
                    theirs.push(place);
                }
                part
            }
        };
    }
    if ours == theirs { vec![ours] } else { vec![ours, theirs] }
}

/// An entry with its place in the text.
type At<T> = (T, Range<usize>);

#[derive(Default)]
struct Found {
    packages: BTreeMap<(PackageRef, Version), Vec<At<Package>>>,
    http: BTreeMap<(Url, String), Vec<At<HttpSource>>>,
    environments: BTreeMap<EnvironmentRef, Vec<At<Environment>>>,
    versions: BTreeSet<(PackageRef, Version)>,
    torn: Vec<At<Package>>,
    remarks: BTreeSet<String>,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.http.is_empty() && self.versions.is_empty()
    }

    /// Reads the lines of one side, entry by entry.
    fn read(&mut self, text: &str, lines: &[Range<usize>]) -> Result<(), LockError> {
        let is_head = |line: &Range<usize>| text.get(line.clone()).is_some_and(|line| line.starts_with("[["));
        let first = lines.iter().position(is_head).unwrap_or(lines.len());
        let (preamble, entries) = lines.split_at(first);
        let joined = |lines: &[Range<usize>]| -> String {
            lines.iter().filter_map(|line| text.get(line.clone())).collect()
        };
        // The only thing before the entries is the version of the format, which says how to read them.
        let preamble = joined(preamble);
        if let Ok(document) = Document::parse(preamble.as_str()) {
            Entry::new(document.as_table(), "the lock".to_owned(), 0..0).format_version()?;
        }
        for entry in entries.chunk_by(|_, next| !is_head(next)) {
            let place = entry.first().cloned().unwrap_or_default();
            let whole = entry.windows(2).all(|lines| matches!(lines, [a, b] if a.end == b.start));
            if self.entry(&joined(entry), &place, whole).is_none() {
                let line = text.get(..place.start).unwrap_or_default().matches('\n').count() + 1;
                self.remarks.insert(format!("left out the entry in line {line}, which cannot be read"));
            }
        }
        Ok(())
    }

    fn entry(&mut self, text: &str, place: &Range<usize>, whole: bool) -> Option<()> {
        let document = Document::parse(text).ok()?;
        let mut root = Entry::new(document.as_table(), "the lock".to_owned(), 0..0);
        // Overrides are the manifest's to say.
        root.tables("override").ok()?;
        for entry in root.tables("package").ok()? {
            let package = package(entry).ok()?.value;
            let key = (package.name.clone(), package.version.clone());
            if whole {
                self.packages.entry(key).or_default().push((package, place.clone()));
            } else {
                self.versions.insert(key);
                self.torn.push((package, place.clone()));
            }
        }
        for entry in root.tables("http").ok()? {
            let source = http_source(entry).ok()?.value;
            let key = (source.url.clone(), source.digest.to_string());
            if !whole {
                continue;
            }
            self.http.entry(key).or_default().push((source, place.clone()));
        }
        for entry in root.tables("environment").ok()? {
            let environment = environment(entry).ok()?.0;
            if whole {
                let found = self.environments.entry(environment.target.clone()).or_default();
                found.push((environment, place.clone()));
            }
        }
        root.finish().ok().map(drop)
    }

    /// The entries about which all sides that have them agree.
    fn agreed(self) -> Result<Salvage, LockError> {
        let Self { packages, http, environments, mut versions, torn: torn_entries, mut remarks } = self;
        let mut lockfile = Lockfile::default();
        let mut first: BTreeMap<PackageRef, Package> = BTreeMap::new();
        for (package, place) in packages.values().flatten().chain(&torn_entries) {
            // Whom a package is taken from is nothing to choose by chance.
            let first = first.entry(package.name.clone()).or_insert_with(|| package.clone());
            let differ = |what| LockError::Differ { name: package.name.clone(), what, span: place.clone() };
            if first.registry != package.registry {
                return Err(differ("registries"));
            }
            if first.signers != package.signers {
                return Err(differ("signers"));
            }
        }
        for ((name, version), found) in packages {
            // What it is granted is the manifest's to say.
            let facts = |it: &Package| Package {
                granted: Vec::new(),
                dependencies: Vec::new(),
                overridden: needs(it.needs()),
                ..it.clone()
            };
            if let Some(package) = unanimous(found, facts) {
                lockfile.packages.push(package);
            } else {
                remarks.insert(format!("asked again about {name} {version}, which is there in two ways"));
                versions.insert((name, version));
            }
        }
        for ((url, _), found) in http {
            let facts = |it: &HttpSource| HttpSource {
                granted: Vec::new(),
                dependencies: Vec::new(),
                overridden: needs(it.needs()),
                ..it.clone()
            };
            if let Some(source) = unanimous(found, facts) {
                lockfile.http.push(source);
            } else {
                let url = without_secrets(&url);
                remarks.insert(format!("asked again about {url}, which is there in two ways"));
            }
        }
        for (target, found) in environments {
            match unanimous(found, Environment::clone) {
                Some(environment) => lockfile.environments.push(environment),
                None => {
                    remarks.insert(format!("asked again about {target}, which is there in two ways"));
                }
            }
        }
        lockfile.sort();
        versions.retain(|(name, version)| lockfile.get(name, version).is_none());
        let torn = versions.iter().map(|(name, version)| format!("{name} {version}"));
        let two_ways = |release: &String| remarks.iter().any(|it| it.contains(&format!("about {release},")));
        let torn: Vec<_> = torn.filter(|release| !two_ways(release)).collect();
        remarks
            .extend(torn.iter().map(|it| format!("asked again about {it}, which a conflict runs through")));
        let remarks = remarks.into_iter().collect();
        let torn = torn_entries.into_iter().map(|(package, _)| package).collect();
        Ok(Salvage { lockfile, versions, torn, remarks })
    }
}

/// The entry, if all that are there state the same facts.
fn unanimous<T: PartialEq>(found: Vec<At<T>>, facts: impl Fn(&T) -> T) -> Option<T> {
    let mut found = found.into_iter().map(|(entry, _)| entry);
    let first = found.next()?;
    found.all(|other| facts(&other) == facts(&first)).then_some(first)
}

/// Needs whatever meets them: two branches may have moved to different releases of what they need.
fn needs<'a>(needs: impl Iterator<Item = (&'a PackageRef, &'a VersionReq)>) -> Vec<Need> {
    let needs = needs.map(|(package, req)| Need { package: package.clone(), req: req.clone() });
    let mut needs: Vec<_> = needs.collect();
    needs.sort_by_cached_key(|need| (need.package.clone(), need.req.to_string()));
    needs
}
