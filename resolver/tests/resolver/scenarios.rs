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
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::support::{Memory, edge, package, version};
use serde::Deserialize;
use spin_deps_resolver::{Failure, Locked, Requirement, Resolution, Versions, resolve};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    about: String,
    require: Vec<String>,
    #[serde(default)]
    locked: Vec<String>,
    expect: String,
    index: BTreeMap<String, Listing>,
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

    fn index(&self, backwards: bool) -> Memory {
        let mut memory = Memory::default();
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
    let answer = resolve(&requirements, &locked, &scenario.index(false));
    let shown = show(&answer);
    let title = format!("{} ({})", path.display(), scenario.about);
    if shown != scenario.expect {
        return Err(format!("{title}\n--- expected\n{}--- got\n{shown}", scenario.expect));
    }
    let backwards: Vec<Requirement> = requirements.iter().rev().cloned().collect();
    let again = resolve(&backwards, &locked, &scenario.index(true));
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
        let relocked =
            resolve(&requirements, &all, &scenario.index(false)).map_err(|error| error.to_string())?;
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
    assert!(paths.len() >= 15, "only {} scenarios in {}", paths.len(), directory.display());
    let failures: Vec<String> = paths.iter().filter_map(|path| run(path).err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {} scenarios:\n\n{}",
        failures.len(),
        paths.len(),
        failures.join("\n")
    );
}
