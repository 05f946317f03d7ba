//! `spin-deps targets`

use clap::{Args, Subcommand};
use serde_json::json;
use spin_deps_project::{KnownTarget, TargetCheck, TargetsReport, WorldMismatch, WorldVerdict};

use super::{Builds, Context, warn_all};
use crate::{
    output::{BAD, DIM, GOOD, NAME, Output, clean, count, styled},
    report::Failure,
    table::{Cell, table},
};

/// Check the app against the environments that it will be deployed to
///
/// The manifest names them, for the whole app or for a component:
///
///   [application]
///   targets = ["spin-up:3.6", { path = "envs/edge.toml" }]
#[expect(rustdoc::broken_intra_doc_links, reason = "the help shows a table of a manifest")]
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "Examples:
  spin-deps targets check                         each component against each of its environments
  spin-deps targets check --target spin-up:3.6    against one that the manifest does not name
  spin-deps targets list                          what there is, and what it offers
  spin-deps targets update                        lock what the environments are today")]
pub(crate) struct Targets {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Check(Check),
    List(List),
    Update(Update),
}

/// Check each component, with its dependencies and middleware, against the worlds of its environments
///
/// A component has to fit one world of each environment. The verdict on every world is shown. Exit status 1 if anything
/// does not fit.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps targets check                         the environments of the manifest
  spin-deps targets check --frozen                without a request: from the cache
  spin-deps targets check --target spin-up:3.6    would it run there?")]
struct Check {
    /// Check against this environment, in place of those of the manifest: a name, a URL or a file
    #[arg(long = "target", value_name = "ENVIRONMENT")]
    targets: Vec<String>,
    #[command(flatten)]
    builds: Builds,
}

/// List the environments of the catalogue and of the app, and what they offer
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps targets list                  a line for each
  spin-deps targets list --format json    with all worlds")]
struct List {}

/// Ask what the environments are today, and lock that
///
/// What is locked stays as it is until this command moves it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps targets update                all environments of the app
  spin-deps targets update spin-up:3.6    one")]
struct Update {
    /// The environments; all of the app if none is named
    #[arg(value_name = "ENVIRONMENT")]
    targets: Vec<String>,
}

impl Targets {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        match self.what {
            What::Check(check) => check.run(context).await,
            What::List(List {}) => list(context).await,
            What::Update(update) => update.run(context).await,
        }
    }
}

impl Check {
    async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = self.builds.project(context).await?;
        let sync = project.prepare().await?;
        warn_all(sync.warnings.iter().chain(&sync.lock.warnings));
        let report = project.check_targets(&self.targets).await?;
        warn_all(&report.warnings);
        let mut output = Output::new(json!({ "passed": report.passed(), "checks": report.checks }));
        target_lines(&mut output, &report);
        if report.checks.is_empty() {
            output.line("Nothing to check: no component with a trigger has `targets`");
            return Ok(output);
        }
        let all = count(report.checks.len(), "check");
        let failed = report.checks.iter().filter(|check| !check.fits).count();
        if failed > 0 {
            output.line(format!("{} {failed} of {all}", styled(BAD, "Failed")));
            return Ok(output.bad());
        }
        output.line(format!("{} the app fits its environments ({all})", styled(GOOD, "Checked")));
        Ok(output)
    }
}

/// Each component against each environment, with the verdict on every world.
pub(super) fn target_lines(output: &mut Output, report: &TargetsReport) {
    for check in &report.checks {
        check_lines(output, check);
    }
}

fn check_lines(output: &mut Output, check: &TargetCheck) {
    let (mark, fits) = mark(check.fits);
    output.line(format!(
        "{mark} {} {fits} {}",
        styled(NAME, clean(&check.component)),
        styled(NAME, clean(&check.environment))
    ));
    let several = check.triggers.len() > 1;
    let triggers = check.triggers.iter().map(|id| clean(id)).collect::<Vec<_>>().join(", ");
    output.line(format!("  {}", styled(DIM, format!("as {}: {triggers}", plural(several, &check.kind)))));
    if !check.supported {
        output.line(format!("  it does not support triggers of the kind `{}`", clean(&check.kind)));
    }
    for capability in &check.missing_capabilities {
        output.line(format!("  it does not provide {}", needed(capability)));
    }
    for world in &check.worlds {
        world_lines(output, world);
    }
}

fn plural(several: bool, kind: &str) -> String {
    format!("{} {}", clean(kind), if several { "triggers" } else { "trigger" })
}

fn needed(capability: &str) -> String {
    let why = match capability {
        "middleware" => ", which the middleware of its trigger needs",
        "local_service_chaining" => ", which a host `*.spin.internal` in its allowed_outbound_hosts needs",
        _ => "",
    };
    format!("`{capability}`{why}")
}

fn mark(fits: bool) -> (String, &'static str) {
    if fits { (styled(GOOD, "✓"), "fits") } else { (styled(BAD, "✗"), "does not fit") }
}

fn world_lines(output: &mut Output, world: &WorldVerdict) {
    output.line(format!("  {} {}", mark(world.fits).0, clean(&world.world)));
    for import in &world.missing_imports {
        output.line(format!("    imports {}, which the world does not offer", clean(import)));
    }
    for export in &world.missing_exports {
        output.line(format!("    does not export {}, which the world wants", clean(export)));
    }
    for mismatch in &world.mismatches {
        mismatch_lines(output, mismatch);
    }
}

fn mismatch_lines(output: &mut Output, mismatch: &WorldMismatch) {
    let name = clean(&mismatch.name);
    let Some(what) = mismatch.what else {
        output.line(format!("    {} {name}: {}", mismatch.direction, clean(&mismatch.item)));
        return;
    };
    output.line(format!(
        "    {} {name} differs in the {what} `{}`",
        mismatch.direction,
        clean(&mismatch.item)
    ));
    for (side, declaration) in [("the component", &mismatch.component), ("the world", &mismatch.world)] {
        let declaration = declaration.as_deref().map_or("(nothing of that name)".to_owned(), clean);
        output.line(format!("      {side}: {declaration}"));
    }
}

async fn list(context: &Context) -> Result<Output, Failure> {
    let known = context.project().await?.known_targets().await?;
    let mut output = Output::new(json!({ "environments": known }));
    output.lines(table(&["environment", "", "triggers", "provides"], known.iter().map(row).collect()));
    Ok(output)
}

fn row(target: &KnownTarget) -> Vec<Cell> {
    let triggers: Vec<_> =
        target.offers.iter().map(|offer| offer.trigger.as_deref().unwrap_or("others")).collect();
    let mut provides: Vec<&str> =
        target.offers.iter().flat_map(|offer| &offer.capabilities).map(String::as_str).collect();
    provides.sort_unstable();
    provides.dedup();
    vec![
        Cell::styled(NAME, &target.environment),
        Cell::styled(GOOD, if target.used { "used" } else { "" }),
        Cell::new(&triggers.join(", ")),
        Cell::new(&provides.join(", ")),
    ]
}

impl Update {
    async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = context.project().await?;
        let update = project.update_targets(&self.targets).await?;
        let mut output = Output::new(json!(update));
        for it in &update.environments {
            let (style, word) = if it.changed { (GOOD, "Updated") } else { (DIM, "Unchanged") };
            output.line(format!("{} {}", styled(style, word), styled(NAME, clean(&it.environment))));
        }
        if update.environments.is_empty() {
            output.line("Nothing to update: the manifest has no `targets`");
        } else if update.written {
            output.line(format!("{} spin-deps.lock", styled(GOOD, "Wrote")));
        }
        Ok(output)
    }
}
