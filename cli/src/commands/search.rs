//! `spin-deps search`

use clap::Args;
use dialoguer::console::{measure_text_width, truncate_str};
use serde_json::json;
use spin_deps_project::{Found, Project, SearchOptions, search};
use wasm_pkg_common::registry::Registry;

use super::Context;
use crate::{
    output::{DIM, NAME, Output, WARN, clean_line, count, styled},
    report::Failure,
    table::terminal_width,
};

/// The longest description that a line shows, in characters.
const SHOWN_DESCRIPTION: usize = 100;
/// The most interfaces of a package that are shown.
const SHOWN_INTERFACES: usize = 5;

/// Find packages by name or by interface
///
/// Looks in all registries that the configuration and the project map packages to, as far as they can list what they have.
/// A text with a slash is an interface, `acme:hash/digest` or `acme:hash/digest@^1`; any other text is a part of a
/// package's name, or the name of an interface. Finding nothing is no failure.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps search hash                   by name, or by the name of an interface
  spin-deps search acme:hash/digest@^1    what exports the interface, in a version that fits
  spin-deps search hash -r ghcr.io        in this registry only")]
pub(crate) struct Search {
    /// A part of a name, or an interface
    text: String,
    /// Look in this registry only
    #[arg(short, long, value_name = "REGISTRY")]
    registry: Option<Registry>,
    /// Show at most so many packages
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
}

impl Search {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let registries = Project::open_registries(&context.settings).await?;
        let options =
            SearchOptions { text: self.text, registry: self.registry, limit: usize::from(self.limit) };
        let result = search(&registries, context.settings.progress.as_ref(), &options).await?;
        let mut json = json!(result);
        json["text"] = json!(options.text);
        let mut output = Output::new(json);
        let rows: Vec<_> = result.packages.iter().map(Row::of).collect();
        let width = |of: fn(&Row) -> &str| {
            rows.iter().map(|row| measure_text_width(of(row))).max().unwrap_or_default()
        };
        let widths = (width(|row| &row.package), width(|row| &row.version), width(|row| &row.registry));
        for (row, found) in rows.iter().zip(&result.packages) {
            output.line(row.text(widths, found.yanked));
            for interface in found.interfaces.iter().take(SHOWN_INTERFACES) {
                output.line(format!("  exports {}", clean_line(interface)));
            }
            if found.interfaces.len() > SHOWN_INTERFACES {
                output.line(format!("  and {} more", found.interfaces.len() - SHOWN_INTERFACES));
            }
        }
        if result.packages.is_empty() {
            output.note(&format!("nothing found for `{}`", clean_line(&options.text)));
        }
        if result.more > 0 {
            let matching = if result.more == 1 { "package matches" } else { "packages match" };
            output.note(&format!("{} more {matching} by name; `--limit` shows more", result.more));
        }
        if result.not_looked_at > 0 {
            let packages = count(result.not_looked_at, "package");
            output.note(&format!("the interfaces of {packages} were not looked at; a text that is more exact, or a registry, leads further"));
        }
        for unsearched in &result.not_searched {
            output.note(&format!("{} {}", unsearched.registry, unsearched.reason));
        }
        Ok(output)
    }
}

/// A package on one line.
struct Row {
    package: String,
    version: String,
    registry: String,
    description: String,
}

impl Row {
    fn of(found: &Found) -> Self {
        let registry = clean_line(found.registry.as_ref());
        let mut description = clean_line(found.description.as_deref().unwrap_or_default());
        if let Some((end, _)) = description.char_indices().nth(SHOWN_DESCRIPTION) {
            description.truncate(end);
            description.push('…');
        }
        Self {
            package: found.package.to_string(),
            version: found.version.to_string(),
            // What the configuration takes from elsewhere is added only with the registry's name.
            registry: if found.configured { registry } else { format!("{registry} (only with -r)") },
            description,
        }
    }

    fn text(&self, (package, version, registry): (usize, usize, usize), yanked: bool) -> String {
        let pad = |text: &str, width: usize| " ".repeat(width.saturating_sub(measure_text_width(text)));
        let mark = if yanked { format!("{} ", styled(WARN, "yanked")) } else { String::new() };
        let line = format!(
            "{}{}  {}{}  {}{}  {mark}",
            styled(NAME, &self.package),
            pad(&self.package, package),
            self.version,
            pad(&self.version, version),
            styled(DIM, &self.registry),
            pad(&self.registry, registry),
        );
        // What does not fit into the line of a terminal is left out of it.
        let room = terminal_width().map(|width| width.saturating_sub(measure_text_width(&line)));
        let description = match room {
            Some(room) => truncate_str(&self.description, room, "…"),
            None => self.description.as_str().into(),
        };
        format!("{line}{description}").trim_end().to_owned()
    }
}
