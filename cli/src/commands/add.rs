//! `spin-deps add`

use clap::{ArgGroup, Args};
use serde_json::json;
use spin_deps_project::{AddOptions, Added, Addition, Asker, Error, Place, Project, Target, Unpinned};
use wasm_pkg_common::{digest::ContentDigest, registry::Registry};

use super::{Context, edit, shown_path, sync_json, sync_lines, warn_all};
use crate::{
    output::{DIM, GOOD, NAME, Output, clean_line, styled},
    prompt,
    report::{self, Failure},
};

/// Add a dependency to a component, or middleware to a trigger
///
/// Resolves the app with the new dependency, locks and fetches what was chosen, writes the entry into spin.toml and
/// the WIT to build against into spin-dependencies.wit. In a terminal it asks for what is not said; every question has
/// an option. If anything fails, or is interrupted, every file is as it was.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("place").requires("routes"))]
#[command(after_help = "Examples:
  spin-deps add acme:crypto                     the newest release, as ^x.y.z
  spin-deps add acme:crypto@^2 --to api         a range, for the component `api`
  spin-deps add acme:kit --import acme:kit/one@1.0.0 --inherit variables
  spin-deps add ./crypto.wasm                   a file
  spin-deps add ./sum.wasm --rename checksum    a file whose export is imported as `checksum`
  spin-deps add https://example.com/c.wasm --digest sha256:…
  spin-deps add crypto                          the component `crypto` of this app
  spin-deps add ./auth.wasm --route /admin/...  middleware, as the innermost one
  spin-deps add ./log.wasm --route / --route /admin/... --before ./auth.wasm --dry-run")]
pub(crate) struct Add {
    /// A package `ns:name[@REQ]`, a path, a URL or the id of a component of this app
    source: String,
    /// The component that gets the dependency; once for each [default: the only one]
    #[arg(long, value_name = "ID")]
    to: Vec<String>,
    /// What the component imports, as a name in its dependencies; once for each [default: what the source exports]
    #[arg(long = "import", value_name = "NAME", conflicts_with = "rename")]
    imports: Vec<String>,
    /// The name of the dependency, where the export that is meant has another one
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// The export that is meant, where there are several or it has another name than the import
    #[arg(long, value_name = "NAME")]
    export: Option<String>,
    /// Capabilities that the dependency inherits from the component: keys, `all` that it reaches for, or `none`
    #[arg(long, value_name = "CAP", value_delimiter = ',')]
    inherit: Vec<String>,
    /// The registry that the package comes from [default: the configured one]
    #[arg(short, long, value_name = "REGISTRY")]
    registry: Option<Registry>,
    /// The digest of what is behind a URL
    #[arg(long, value_name = "sha256:HEX", value_parser = digest)]
    digest: Option<ContentDigest>,
    /// Add it as middleware of the HTTP trigger with this route; once for each
    #[arg(long = "route", value_name = "ROUTE", conflicts_with_all = ["to", "imports", "rename", "export"])]
    routes: Vec<String>,
    /// The place in the middleware pipeline, 0 is outermost [default: last]
    #[arg(long, value_name = "N", group = "place")]
    position: Option<usize>,
    /// Place it before the middleware of this name: a package, a path or a component
    #[arg(long, value_name = "NAME", group = "place")]
    before: Option<String>,
    /// Place it after the middleware of this name
    #[arg(long, value_name = "NAME", group = "place")]
    after: Option<String>,
    /// Show what would change in spin.toml and spin-deps.lock, and write nothing
    #[arg(long)]
    dry_run: bool,
}

fn digest(text: &str) -> Result<ContentDigest, String> {
    text.parse().map_err(|error: wasm_pkg_common::Error| error.to_string())
}

impl Add {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = context.project().await?;
        let place = (self.position.map(Place::Position))
            .or_else(|| self.before.map(Place::Before))
            .or_else(|| self.after.map(Place::After));
        let mut options = AddOptions {
            source: self.source,
            to: self.to,
            imports: self.imports,
            rename: self.rename,
            export: self.export,
            inherit: self.inherit,
            registry: self.registry,
            digest: self.digest,
            routes: self.routes,
            place,
            dry_run: self.dry_run,
        };
        let asker = prompt::asker(context);
        let added = match project.add(&options, asker.as_ref()).await {
            Err(Error::Unpinned(found)) => {
                add_confirmed(&mut project, &mut options, &found, asker.as_ref()).await?
            }
            outcome => outcome?,
        };
        warn_all(added.warnings.iter().chain(&added.sync.warnings).chain(&added.sync.lock.warnings));
        let additions: Vec<_> = added
            .additions
            .iter()
            .map(|it| match &it.target {
                Target::Component(id) => json!({ "name": it.name, "chosen": it.chosen, "component": id }),
                Target::Middleware { route, position } => {
                    json!({ "name": it.name, "chosen": it.chosen, "route": route, "position": position })
                }
            })
            .collect();
        let mut json = json!({ "added": additions, "sync": sync_json(&added.sync) });
        if options.dry_run {
            json["manifest_diff"] = edit::edit_json(&added.edit);
            let mut output = Output::new(json);
            edit::preview_lines(&mut output, &manifest_name(&project), &added.edit, &added.sync.lock);
            return Ok(output);
        }
        let mut output = Output::new(json);
        for addition in &added.additions {
            let name = styled(NAME, &addition.name);
            match &addition.target {
                Target::Component(id) => output.line(format!(
                    "{} {name} to component '{id}' {}",
                    styled(GOOD, "Added"),
                    styled(DIM, format!("({})", addition.chosen))
                )),
                Target::Middleware { route, .. } => output.line(format!(
                    "{} middleware '{name}' to the trigger for route '{route}'",
                    styled(GOOD, "Added")
                )),
            };
        }
        super::lock_lines(&mut output, &added.sync.lock);
        sync_lines(&mut output, context, &added.sync);
        for bound in &added.sync.bindings {
            let is_target = |it: &Addition| it.target == Target::Component(bound.component.clone());
            if added.additions.iter().any(is_target) {
                let place = if let [file] = bound.files.as_slice() { file } else { &bound.folder };
                output.note(&format!(
                    "The bindings of `{}` are in {}.",
                    bound.component,
                    shown_path(context, place)
                ));
            }
        }
        if !added.to_build.is_empty() {
            let build = if project.authored().is_some() { "spin-deps build" } else { "spin build" };
            output.note(&format!("Run `{build}` to build against the new dependency."));
        }
        Ok(output)
    }
}

/// The manifest's name without its directory.
pub(super) fn manifest_name(project: &Project) -> String {
    project.manifest_path().file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Shows what a URL serves and, if the user agrees with its digest, adds that; where nobody can be asked, fails with
/// the command that would add it.
async fn add_confirmed(
    project: &mut Project,
    options: &mut AddOptions,
    found: &Unpinned,
    asker: &dyn Asker,
) -> Result<Added, Failure> {
    if !prompt::is_possible() {
        let hint = match command_with(found) {
            Some(command) => format!("if that is what you expect: `{command}`"),
            None => {
                format!("if that is what you expect, run the same command with `--digest {}`", found.digest)
            }
        };
        return Err(Error::Unanswered {
            message: Error::Unpinned(Box::new(found.clone())).to_string(),
            hint,
        }
        .into());
    }
    report::note(&found.url);
    let itself = found.name.as_ref().map(|name| match &found.version {
        Some(version) => format!("{name} {version}"),
        None => name.to_string(),
    });
    let none = || "none".to_owned();
    for (name, value) in [
        ("calls itself", itself),
        // One line: what an author writes must not look like one of the lines below.
        ("description", found.description.as_deref().map(clean_line)),
        ("size", Some(format!("{} bytes", found.size))),
        ("exports", Some(found.exports.join(", "))),
        ("imports", Some(found.imports.join(", "))),
        ("capabilities", Some(found.capabilities.join(", "))),
        ("digest", Some(found.digest.to_string())),
    ] {
        if let Some(value) = value {
            let value = if value.is_empty() { none() } else { value };
            report::note(&format!("  {name:<14}{value}"));
        }
    }
    if !prompt::confirm("Add it? The digest is recorded, and nothing else is ever accepted".to_owned())
        .await?
    {
        return Err(Failure::message("nothing was added"));
    }
    options.digest = Some(found.digest.clone());
    Ok(project.add(options, asker).await?)
}

/// The command that was typed, with the digest; `None` if the URL has a query, which may be secret.
fn command_with(found: &Unpinned) -> Option<String> {
    let quoted = std::env::args_os().skip(1).map(|argument| {
        let argument = argument.to_string_lossy().into_owned();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@^=,+%".contains(c);
        if !argument.is_empty() && argument.chars().all(is_plain) {
            argument
        } else {
            format!("'{}'", argument.replace('\'', "'\\''"))
        }
    });
    let arguments: Vec<_> = quoted.collect();
    (!found.has_query).then(|| format!("spin-deps {} --digest {}", arguments.join(" "), found.digest))
}
