//! `spin-deps update`

use clap::Args;
use semver::Version;
use serde_json::{Value, json};
use spin_deps_project::{LockOutcome, LockStatus, Move, MoveKind, UpdateOptions, UpdatePlan};
use wasm_pkg_common::package::PackageRef;

use super::{Context, lock_json, lock_line, package_and_version, warn_all};
use crate::{
    args::Format,
    charset,
    output::{BAD, GOOD, NAME, Output, WARN, clean, styled},
    prompt,
    report::{self, Failure},
    table::{Cell, table},
};

/// Move locked releases to newer ones
///
/// Shows what moves, what it can reach then, and what changes in its interfaces. Without names everything moves to the
/// newest releases that the requirements admit. With names only these packages move, and what they need where it must;
/// all else stays. Asks the registries afresh. Writes spin-deps.lock only; run `spin-deps sync` afterwards.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps update                               everything, within the requirements
  spin-deps update acme:hash                     this package
  spin-deps update acme:hash@1.2.0               where several are locked: this release of it
  spin-deps update acme:hash --precise 1.3.1     to this version, up or down
  spin-deps update acme:hash --breaking          past its requirement, which is rewritten in spin.toml")]
pub(crate) struct Update {
    /// The packages to move, `ns:name` or `ns:name@version` [default: all]
    #[arg(value_name = "PKG", value_parser = package_and_version)]
    packages: Vec<(PackageRef, Option<Version>)>,
    /// The version that the package is to have, also a lower or a yanked one
    #[arg(long, value_name = "VERSION", requires = "packages", conflicts_with = "breaking")]
    precise: Option<Version>,
    /// Rewrite requirements in spin.toml that do not admit the newest release
    #[arg(long)]
    breaking: bool,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Accept that packages can reach more than before
    #[arg(long)]
    allow_capabilities: bool,
}

impl Update {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = context.project_afresh().await?;
        let options = UpdateOptions {
            packages: self.packages,
            precise: self.precise,
            breaking: self.breaking,
            dry_run: self.dry_run,
        };
        let is_about_all = options.packages.is_empty();
        let plan = project.plan_update(&options).await?;
        warn_all(&plan.warnings);
        let refusal = plan.refusal().filter(|_| !self.allow_capabilities);
        let lines = plan_lines(&plan);
        let nothing = if is_about_all { "Everything is up to date" } else { "Nothing moves" };
        let (as_json, behind, is_empty) = (plan_json(&plan), behind_line(plan.behind), plan.is_empty());
        if self.dry_run {
            let mut output = Output::new(with(as_json, "dry-run", None));
            output.lines(lines).line(if is_empty {
                "Everything is up to date"
            } else {
                "Nothing was written: `--dry-run`"
            });
            if refusal.is_some() {
                output.line("It would stop because of what is gained, without `--allow-capabilities`");
            }
            output.lines(behind);
            return Ok(output);
        }
        let asked = match refusal {
            Some(_) if prompt::is_possible() && context.format == Format::Human => {
                report::raw(&charset::shown(&(lines.join("\n") + "\n")));
                if !prompt::confirm("Packages can reach more than before. Update even so?".to_owned()).await?
                {
                    return Err(Failure::message("nothing was changed"));
                }
                true
            }
            Some(refusal) => {
                let mut output = Output::new(with(as_json, "refused", None));
                output.lines(lines);
                return Ok(output.failed(refusal.into()));
            }
            None => false,
        };
        let outcome = project.update(plan)?;
        let written = outcome.status == LockStatus::Written || !is_empty;
        let status = if written { "written" } else { "up-to-date" };
        let mut output = Output::new(with(as_json, status, Some(&outcome)));
        if !asked {
            output.lines(lines);
        }
        output.line(if written { lock_line(&outcome) } else { nothing.to_owned() });
        output.lines(behind);
        if written {
            output.note(
                "Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.",
            );
        }
        Ok(output)
    }
}

/// What is rewritten in the manifest, the table of what moves, and what is granted more or less.
fn plan_lines(plan: &UpdatePlan) -> Vec<String> {
    let rewrites = plan.rewrites.iter().map(|it| {
        let (from, to, origin) = (clean(&it.from), clean(&it.to), clean(&it.origin));
        format!("{} {} {from} → {to} for {origin}", styled(GOOD, "Rewrote"), styled(NAME, &it.package))
    });
    let header = ["package", "from", "to", "change", "capabilities", "interfaces", "note"];
    let grants = plan.grants.iter().map(|it| styled(WARN, clean(it)));
    rewrites.chain(table(&header, plan.moves.iter().map(row).collect())).chain(grants).collect()
}

fn row(moved: &Move) -> Vec<Cell> {
    let version = |version: &Option<Version>| {
        Cell::new(&version.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string))
    };
    let change = match moved.kind {
        MoveKind::Minor | MoveKind::Patch | MoveKind::Added => GOOD,
        MoveKind::Major
        | MoveKind::PreRelease
        | MoveKind::Build
        | MoveKind::Downgrade
        | MoveKind::Overridden
        | MoveKind::NotOverridden => WARN,
        MoveKind::Removed | MoveKind::OtherContent => BAD,
    };
    let gained = moved.gained.iter().map(|key| format!("+{key}"));
    let reach: Vec<_> = gained.chain(moved.lost.iter().map(|key| format!("-{key}"))).collect();
    let interfaces = moved.interfaces.as_ref().map(|it| it.summary.as_str()).unwrap_or_default();
    let breaks = moved.interfaces.as_ref().is_some_and(|it| it.breaks);
    let note = match (&moved.from, &moved.yanked) {
        (Some(from), Some(reason)) if reason.is_empty() => format!("{from} is yanked"),
        (Some(from), Some(reason)) => format!("{from} is yanked: {reason}"),
        _ => String::new(),
    };
    vec![
        Cell::styled(NAME, &moved.package),
        version(&moved.from),
        version(&moved.to),
        Cell::styled(change, moved.kind.word()),
        Cell::styled(if moved.gained.is_empty() { GOOD } else { BAD }, &reach.join(" ")),
        Cell::styled(if breaks { WARN } else { GOOD }, interfaces),
        Cell::new(&note),
    ]
}

fn behind_line(behind: usize) -> Option<String> {
    let packages = match behind {
        0 => return None,
        1 => "1 package has a newer release".to_owned(),
        behind => format!("{behind} packages have newer releases"),
    };
    Some(format!("{packages} even so: `spin-deps outdated` tells why"))
}

fn plan_json(plan: &UpdatePlan) -> Value {
    json!({
        "changes": plan.moves,
        "requirements": plan.rewrites,
        "grants": plan.grants,
        "behind": plan.behind,
        "warnings": plan.warnings,
    })
}

/// The plan with what became of it.
fn with(mut plan: Value, status: &str, outcome: Option<&LockOutcome>) -> Value {
    plan["status"] = json!(status);
    if let Some(outcome) = outcome {
        plan["lock"] = lock_json(outcome);
    }
    plan
}
