//! `spin-deps outdated`

use anstyle::Style;
use clap::Args;
use semver::Version;
use serde_json::json;
use spin_deps_project::OutdatedPackage;

use super::Context;
use crate::{
    output::{GOOD, NAME, Output, WARN},
    report::Failure,
    table::{Cell, table},
};

/// Show which locked releases have newer ones
///
/// For each: the version that `spin-deps update` would give it, the newest one, and whose requirement does not admit
/// that. Yanked releases are marked. Asks the registries afresh, and writes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps outdated                  what is newer than the lock, and what holds it back
  spin-deps outdated --check          fails if there is something, for CI
  spin-deps outdated --format json    the same for a script")]
pub(crate) struct Outdated {
    /// Exit with 1 if there is something newer, or something locked is yanked
    #[arg(long)]
    check: bool,
}

impl Outdated {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let packages = context.project_afresh().await?.outdated().await?;
        let mut output = Output::new(json!({ "packages": packages }));
        let rows: Vec<_> = packages.iter().filter(|it| it.outdated).map(row).collect();
        if rows.is_empty() {
            output.line("Everything is up to date");
            return Ok(output);
        }
        let header = ["package", "locked", "update", "newest", "capabilities", "held back by", "note"];
        output.lines(table(&header, rows));
        Ok(if self.check { output.bad() } else { output })
    }
}

fn row(package: &OutdatedPackage) -> Vec<Cell> {
    let shown =
        |version: &Option<Version>| version.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let moves = package.update.as_ref() != Some(&package.locked);
    let holders: Vec<_> =
        package.held_by.iter().map(|it| format!("{} ({})", it.who, it.requirement)).collect();
    let gained: Vec<_> = package.gained.iter().map(|key| format!("+{key}")).collect();
    let note = match (&package.newest, package.yanked) {
        (_, true) => format!("yanked: {}", package.reason.as_deref().unwrap_or("without a reason")),
        (Some(newest), false)
            if package.update.as_ref().is_some_and(|it| it < newest) && holders.is_empty() =>
        {
            format!("`spin-deps update {} --precise {newest}` tells why not", package.package)
        }
        _ => String::new(),
    };
    vec![
        Cell::styled(NAME, &package.package.to_string()),
        Cell::new(&package.locked.to_string()),
        Cell::styled(if moves { GOOD } else { Style::new() }, &shown(&package.update)),
        Cell::new(&shown(&package.newest)),
        Cell::styled(WARN, &gained.join(" ")),
        Cell::new(&holders.join(", ")),
        Cell::styled(if package.yanked { WARN } else { Style::new() }, &note),
    ]
}
