//! `spin-deps diff`

use clap::Args;
use semver::VersionReq;
use serde_json::json;
use spin_deps_project::{
    Asked, Change, Changed, Error, InterfaceChange, ItemChange, Looking, ReleaseDiff, Verdict, diff,
};
use wasm_pkg_common::{package::PackageRef, registry::Registry};

use super::{
    Context,
    info::{package_and_req, req_or_version},
};
use crate::{
    output::{BAD, DIM, GOOD, NAME, Output, WARN, clean, clean_line, styled},
    report::Failure,
};

/// Show how two releases of a package differ
///
/// Their interfaces, imports, capabilities and dependencies are held against each other, with what semver says of it:
/// `diff PKG@1.2.0 1.3.0`. A requirement stands for the newest release that it admits. With one version, the other release
/// is the one that the project has locked. With none, that one is held against the newest that is compatible with it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps diff acme:hash@1.2.0 1.3.0    two releases
  spin-deps diff acme:hash 2.0.0          the locked release and another one
  spin-deps diff acme:hash                the locked release and the newest compatible one")]
pub(crate) struct Diff {
    /// The package, with the version or requirement to go on from
    #[arg(value_name = "PKG[@REQ]", value_parser = package_and_req)]
    package: (PackageRef, Option<VersionReq>),
    /// The version or requirement to hold against it, with or without the package's name
    #[arg(value_name = "[PKG@]REQ", num_args = 0..=2)]
    others: Vec<String>,
    /// The registry to ask [default: the configured one]
    #[arg(short, long, value_name = "REGISTRY")]
    registry: Option<Registry>,
}

impl Diff {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let (package, req) = &self.package;
        let mut asked: Vec<_> = req.iter().cloned().collect();
        for other in &self.others {
            asked.push(other_req(package, other).map_err(misused)?);
        }
        let (from, to) = match asked.as_slice() {
            [] => (Asked::Locked, Asked::Compatible),
            [to] => (Asked::Locked, Asked::Newest(to.clone())),
            [from, to] => (Asked::Newest(from.clone()), Asked::Newest(to.clone())),
            _ => return Err(misused("a difference is between two releases, and these are more".to_owned())),
        };
        let looking = Looking::open(&context.settings).await?;
        let found = diff(&looking, package, &from, &to, self.registry.as_ref()).await?;
        let mut output = Output::new(json!(found));
        show(&mut output, &found);
        Ok(output)
    }
}

/// `1.3.0`, `^2`, or the same behind the name of the package.
fn other_req(package: &PackageRef, text: &str) -> Result<VersionReq, String> {
    let (name, req) = text.rsplit_once('@').map_or((None, text), |(name, req)| (Some(name), req));
    match name {
        Some(name) if name != package.to_string() => {
            Err(format!("two releases of one package are compared, and `{name}` is not `{package}`"))
        }
        _ => req_or_version(req),
    }
}

fn misused(message: String) -> Failure {
    Error::Unanswered { message, hint: "write `spin-deps diff ns:name@1.0.0 1.1.0`".to_owned() }.into()
}

fn show(output: &mut Output, diff: &ReleaseDiff) {
    let (from, to) = (&diff.from, &diff.to);
    output.line(format!("{} {} → {}", styled(NAME, &diff.package), from.version, to.version));
    if from.digest == to.digest {
        output.line("They are the same, byte for byte.");
        return;
    }
    for side in [from, to].into_iter().filter(|side| side.yanked) {
        output.line(format!("{} {}", side.version, styled(WARN, "is yanked")));
    }
    for change in &diff.interfaces {
        interface(output, change);
    }
    names(output, "worlds", &diff.worlds);
    names(output, "imports", &diff.imports);
    names(output, "capabilities", &diff.capabilities);
    if !diff.dependencies.is_empty() {
        output.line("").line("dependencies");
    }
    for need in &diff.dependencies {
        let reqs =
            |reqs: &[VersionReq]| reqs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        match (need.older.is_empty(), need.newer.is_empty()) {
            (true, _) => plus(output, "  ", &format!("{} {}", need.package, reqs(&need.newer))),
            (_, true) => minus(output, "  ", &format!("{} {}", need.package, reqs(&need.older))),
            _ => {
                minus(output, "  ", &format!("{} {}", need.package, reqs(&need.older)));
                plus(output, "  ", &format!("{} {}", need.package, reqs(&need.newer)));
            }
        }
    }
    let sizes = if from.size == to.size {
        format!("{} bytes", to.size)
    } else {
        format!("{} bytes → {} bytes", from.size, to.size)
    };
    output.line("").line(format!("size  {sizes}"));
    verdict(output, diff, &diff.verdict);
}

fn plus(output: &mut Output, indent: &str, text: &str) {
    output.line(format!("{indent}{}", styled(GOOD, format!("+ {}", clean_line(text)))));
}

fn minus(output: &mut Output, indent: &str, text: &str) {
    output.line(format!("{indent}{}", styled(BAD, format!("- {}", clean_line(text)))));
}

fn interface(output: &mut Output, change: &InterfaceChange) {
    output.line("");
    match (&change.older, &change.newer) {
        (Some(older), Some(newer)) if older == newer => {
            output.line(clean_line(newer));
        }
        (older, newer) => {
            if let Some(name) = older {
                minus(output, "", name);
            }
            if let Some(name) = newer {
                plus(output, "", name);
            }
        }
    }
    for ItemChange { older, newer, .. } in &change.items {
        if let Some(text) = older {
            minus(output, "    ", text);
        }
        if let Some(text) = newer {
            plus(output, "    ", text);
        }
    }
    if change.partial {
        output.line(format!("    {}", styled(DIM, "and more, for which WIT has no form")));
    }
}

fn names(output: &mut Output, title: &str, changed: &Changed) {
    if changed.is_empty() {
        return;
    }
    output.line("").line(title);
    changed.removed.iter().for_each(|name| minus(output, "  ", name));
    changed.added.iter().for_each(|name| plus(output, "  ", name));
}

fn verdict(output: &mut Output, diff: &ReleaseDiff, verdict: &Verdict) {
    let word = |change: Change| match change {
        Change::Patch => "patch",
        Change::Minor => "minor",
        Change::Major => "major",
    };
    let is = format!("By its interfaces this is a {} change", styled(NAME, word(verdict.change)));
    let to = &diff.to.version;
    output.line("").line(match &verdict.called {
        None => format!("{is}."),
        Some(called) if called.fits && called.change == verdict.change => {
            format!("{is}, {} for {to}.", styled(GOOD, "as it should be"))
        }
        Some(called) if called.fits => {
            format!("{is}, {} for {to}, a {} version.", styled(GOOD, "which is fine"), word(called.change))
        }
        Some(called) => format!(
            "{is}, {} for {to}, a {} version: it should have been {}.",
            styled(BAD, "too much"),
            word(called.change),
            called.should_be
        ),
    });
    for text in &verdict.beyond {
        output.line(format!("  - {}", clean(text)));
    }
    for name in &verdict.unknown {
        output.line(format!("  `{}` could not be compared: WIT has no form for it", clean_line(name)));
    }
}
