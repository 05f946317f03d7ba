//! Why there is no resolution.

use std::fmt::Write as _;

use wasm_pkg_common::package::{PackageRef, Version, VersionReq};

use crate::words::name_release;

/// What the app could ask for instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which of the requirements that `resolve` was called with. All of them have to change.
    pub requirements: Vec<usize>,
    /// What they could ask for.
    pub req: VersionReq,
}

/// Why there is no resolution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The requirements contradict each other, or what is there.
    #[error("{explanation}")]
    NoSolution {
        /// Which facts contradict each other. One sentence, over several lines if there are many facts.
        explanation: String,
        /// What the user could do about it.
        hint: Option<String>,
        /// The app's requirements that take part, as indices into those that `resolve` was called with; those of the
        /// explanation's beginning first.
        requirements: Vec<usize>,
        /// Changes, each of which would probably do. The hint names them in words.
        changes: Vec<Change>,
    },
    /// Releases need each other in a circle, so none of them could be instantiated first.
    #[error("the dependencies go round in a circle: {}", circle(path))]
    Cycle {
        /// The releases of the circle. Each depends on the next, and the last on the first.
        path: Vec<(PackageRef, Version)>,
    },
    /// A registry does not answer.
    #[error("{wanted_by}, but {}: {reason}", unreachable(package, version.as_ref()))]
    Unreachable {
        /// What was asked about.
        package: PackageRef,
        /// The release, if its description was asked for; else the list of releases was.
        version: Option<Version>,
        /// Who needs the package, as a clause: `component "api" depends on acme:hash ^1`.
        wanted_by: Box<str>,
        /// What the registry said instead of an answer.
        reason: Box<str>,
    },
    /// The search was ended because it took too long.
    #[error("{}", gave_up(package.as_ref()))]
    GaveUp {
        /// The package of which too many releases were tried in vain, if it was one.
        package: Option<PackageRef>,
    },
}

impl Failure {
    /// What the user could do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSolution { hint, .. } => hint.clone(),
            Self::Cycle { path } => path.first().map(|(package, _)| {
                if path.len() == 1 {
                    return format!(
                        "a component cannot be inside itself: ask for another release of {package}, or tell its author"
                    );
                }
                format!(
                    "a component cannot be inside itself: ask for a release of {package} that does not need \
                     the others, or tell its author"
                )
            }),
            Self::Unreachable { .. } => Some(
                "check the network and the registry's address; with `--offline` only what is already in the \
                 store is used"
                    .to_owned(),
            ),
            Self::GaveUp { .. } => {
                Some("narrow the version ranges of your dependencies, so that fewer releases fit".to_owned())
            }
        }
    }
}

/// The releases named in a circle before the rest is left out.
const SHOWN: usize = 10;

fn circle(path: &[(PackageRef, Version)]) -> String {
    let mut text = String::new();
    for (at, (package, version)) in path.iter().take(SHOWN).enumerate() {
        let link = match at {
            0 => "",
            1 => " depends on ",
            _ => ", which depends on ",
        };
        text.push_str(link);
        text.push_str(&name_release(package, version));
    }
    if path.len() > SHOWN {
        // Writing to a `String` does not fail.
        let _ = write!(text, ", and so on over {} more", path.len() - SHOWN);
    }
    let Some((package, version)) = path.first() else {
        return text;
    };
    let back = match path.len() {
        1 => " depends on itself".to_owned(),
        n if n > SHOWN => format!(", back to {}", name_release(package, version)),
        _ => format!(", which depends on {}", name_release(package, version)),
    };
    text + &back
}

fn unreachable(package: &PackageRef, version: Option<&Version>) -> String {
    match version {
        None => format!("the registry of {package} cannot be reached"),
        Some(version) => format!("{} cannot be read from its registry", name_release(package, version)),
    }
}

fn gave_up(package: Option<&PackageRef>) -> String {
    match package {
        Some(package) => format!("too many releases of {package} were tried and none fits"),
        None => "the dependencies are too entangled to find releases that fit together".to_owned(),
    }
}
