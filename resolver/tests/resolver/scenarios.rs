//! Every file of `scenarios/` is a small index, what an app asks for, and the answer expected.
//!
//! ```toml
//! about = "what it shows"
//! require = ['component "app": acme:hash ^1']
//! locked = ["acme:hash 1.0.0"]
//! expect = '''…'''
//!
//! [index."acme:hash"]       # or `"acme:hash" = "offline"` in [index]
//! "1.0.0" = []              # what it needs: "acme:x ^1", "yanked", "wit-only", "offline", "text", "silent"
//!
//! [[types]]                 # what does not fit
//! consumer = "acme:auth ^1" # these releases, or a requirement's `who`
//! release = "acme:hash 1.3.0"
//! import = "acme:hash/digest@1.2.0"
//! expected = "digest: func(input: list<u8>) -> string"
//! found = "digest: func(input: string) -> string"
//! ```
//!
//! Without `found` the function is missing, without `expected` too the whole interface; `detail` and `unusable` say
//! what else is wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::support::{Memory, edge, package, version};
use serde::Deserialize;
use spin_deps_resolver::{
    Failure, Fit, Locked, Mismatch, Preference, Reason, Requirement, Resolution, Versions, resolve,
};
use wasm_pkg_common::package::{PackageRef, Version};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    about: String,
    require: Vec<String>,
    #[serde(default)]
    locked: Vec<String>,
    expect: String,
    preference: Option<String>,
    index: BTreeMap<String, Listing>,
    #[serde(default)]
    types: Vec<Types>,
}

/// That a release does not fit somebody by its types.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Types {
    consumer: String,
    release: String,
    #[serde(default)]
    import: String,
    expected: Option<String>,
    found: Option<String>,
    detail: Option<String>,
    unusable: Option<String>,
}

impl Types {
    fn fit(&self) -> Fit {
        let import = self.import.clone();
        match (&self.expected, &self.detail, &self.unusable) {
            (.., Some(why)) if why == "wit-only" => Fit::Unusable(Reason::WitOnly),
            (.., Some(why)) => Fit::Unusable(Reason::Unreachable(why.clone())),
            (Some(expected), ..) => Fit::Mismatch(Mismatch::Differs {
                import,
                what: "function",
                item: expected.split(':').next().unwrap_or_default().to_owned(),
                expected: expected.clone(),
                found: self.found.clone(),
            }),
            (_, Some(detail), _) => Fit::Mismatch(Mismatch::Other { import, detail: detail.clone() }),
            _ => Fit::Mismatch(Mismatch::Missing { import }),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Listing {
    Absent(String),
    Releases(BTreeMap<String, Vec<String>>),
}

impl Scenario {
    fn requirements(&self) -> Vec<Requirement> {
        let one = |text: &String| {
            let (origin, need) = text.split_once(": ").expect("a requirement is `who: acme:hash ^1`");
            let need = edge(need);
            Requirement { package: need.package, req: need.req, origin: origin.to_owned() }
        };
        self.require.iter().map(one).collect()
    }

    fn locked(&self) -> Locked {
        let one = |text: &String| {
            let (name, number) = text.split_once(' ').expect("a locked release is `acme:hash 1.0.0`");
            (package(name), version(number))
        };
        self.locked.iter().map(one).collect()
    }

    fn preference(&self) -> Preference {
        match self.preference.as_deref() {
            None => Preference::Highest,
            Some("lowest") => Preference::Lowest,
            Some("lowest-direct") => Preference::LowestDirect,
            Some(other) => panic!("`{other}` is no preference"),
        }
    }

    /// The releases of the index that a text names: `acme:hash 1.3.0`, `acme:hash ^1`.
    fn releases(&self, text: &str) -> Vec<(PackageRef, Version)> {
        let (name, which) = text.split_once(' ').expect("releases are `acme:hash 1.0.0` or `acme:hash ^1`");
        let Some(Listing::Releases(all)) = self.index.get(name) else { panic!("{name} has no releases") };
        let all = all.keys().map(|number| version(number));
        let is_meant = |one: &Version| match Version::parse(which) {
            Ok(exact) => exact == *one,
            Err(_) => edge(text).req.matches(one),
        };
        let meant: Vec<_> = all.filter(is_meant).map(|one| (package(name), one)).collect();
        assert!(!meant.is_empty(), "there is no {text}");
        meant
    }

    fn index(&self, backwards: bool) -> Memory {
        let mut origins: Vec<String> = self.requirements().into_iter().map(|one| one.origin).collect();
        if backwards {
            origins.reverse();
        }
        let mut memory = Memory { origins, ..Memory::default() };
        for types in &self.types {
            let consumers = if memory.origins.contains(&types.consumer) {
                vec![types.consumer.clone()]
            } else {
                let releases = self.releases(&types.consumer).into_iter();
                releases.map(|(package, version)| format!("{package} {version}")).collect()
            };
            for (package, version) in self.releases(&types.release) {
                for who in &consumers {
                    memory.fits.insert((who.clone(), package.clone(), version.clone()), types.fit());
                }
            }
        }
        for (name, listing) in &self.index {
            match listing {
                Listing::Absent(why) => {
                    let why = match why.as_str() {
                        "offline" => Versions::Offline,
                        "not-found" => Versions::NotFound("example.com".to_owned()),
                        "no-registry" => Versions::NoRegistry,
                        "empty" => Versions::Found(Vec::new()),
                        reason => Versions::Unreachable(reason.to_owned()),
                    };
                    memory.absent(name, why);
                }
                Listing::Releases(releases) => {
                    let mut releases: Vec<_> = releases.iter().collect();
                    if backwards {
                        releases.reverse();
                    }
                    for (number, needs) in releases {
                        let mut needs: Vec<&str> = needs.iter().map(String::as_str).collect();
                        if backwards {
                            needs.reverse();
                        }
                        memory.add(name, number, &needs);
                    }
                }
            }
        }
        memory
    }
}

/// The answer, one release a line with what it needs below it.
fn show(answer: &Result<Resolution, Failure>) -> String {
    let mut text = String::new();
    match answer {
        Ok(resolution) => {
            for release in &resolution.packages {
                writeln!(text, "{} {}", release.package, release.version).unwrap();
                for link in &release.dependencies {
                    writeln!(text, "  {} {} → {}", link.package, link.req, link.version).unwrap();
                }
            }
            for warning in &resolution.warnings {
                writeln!(text, "warning: {warning}").unwrap();
            }
        }
        Err(failure) => {
            writeln!(text, "error: {failure}").unwrap();
            if let Some(hint) = failure.hint() {
                writeln!(text, "hint: {hint}").unwrap();
            }
        }
    }
    text
}

fn run(path: &Path) -> Result<(), String> {
    let text = fs_err::read_to_string(path).expect("the scenario can be read");
    let scenario: Scenario =
        toml_edit::de::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let (requirements, locked) = (scenario.requirements(), scenario.locked());
    let answer = resolve(&requirements, &locked, scenario.preference(), &scenario.index(false));
    let shown = show(&answer);
    let title = format!("{} ({})", path.display(), scenario.about);
    if shown != scenario.expect {
        return Err(format!("{title}\n--- expected\n{}--- got\n{shown}", scenario.expect));
    }
    let backwards: Vec<Requirement> = requirements.iter().rev().cloned().collect();
    let again = resolve(&backwards, &locked, scenario.preference(), &scenario.index(true));
    if show(&again) != shown {
        return Err(format!("{title}: in another order, got\n{}", show(&again)));
    }
    if let Ok(resolution) = &answer {
        for (requirement, root) in requirements.iter().zip(&resolution.roots) {
            if resolution.get(&requirement.package, root).is_none() || !requirement.req.matches(root) {
                return Err(format!(
                    "{title}: {root} does not meet the requirement of {}",
                    requirement.origin
                ));
            }
        }
        let all = resolution.packages.iter().map(|one| (one.package.clone(), one.version.clone())).collect();
        let relocked = resolve(&requirements, &all, scenario.preference(), &scenario.index(false))
            .map_err(|error| error.to_string())?;
        if (&relocked.packages, &relocked.roots) != (&resolution.packages, &resolution.roots) {
            return Err(format!("{title}: locked, got\n{}", show(&Ok(relocked))));
        }
    }
    Ok(())
}

#[test]
fn scenarios() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut paths: Vec<_> = fs_err::read_dir(&directory)
        .expect("the scenarios can be listed")
        .map(|entry| entry.expect("the scenarios can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 80, "only {} scenarios in {}", paths.len(), directory.display());
    let failures: Vec<String> = paths.iter().filter_map(|path| run(path).err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {} scenarios:\n\n{}",
        failures.len(),
        paths.len(),
        failures.join("\n")
    );
}
