//! The subcommands: one file each, with its arguments, its call into the project and its text.

mod add;
mod bindings;
mod build;
mod cache;
mod completions;
mod componentize;
mod compose;
mod diff;
mod edit;
mod generate_docs;
mod given;
mod info;
mod link;
mod lock;
mod login;
mod logout;
mod man;
mod new;
mod outdated;
mod publish;
mod remove;
mod search;
mod sync;
mod targets;
mod tree;
mod unlink;
mod up;
mod update;
mod vendor;
mod verify;
mod versions;
mod why;
mod yank;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use semver::Version;
use spin_deps_project::{
    BoundComponent, Builder, Denial, LockChange, LockOutcome, LockStatus, Project, Settings, SyncOutcome,
};
use wasm_pkg_common::package::PackageRef;

use crate::{
    args::{Cli, Format},
    output::{BAD, DIM, GOOD, NAME, Output, WARN, clean, count, styled},
    report::{self, Failure},
    settings,
};

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(add::Add),
    Remove(remove::Remove),
    Update(update::Update),
    Outdated(outdated::Outdated),
    Lock(lock::Lock),
    Sync(sync::Sync),
    Bindings(bindings::Bindings),
    Build(build::Build),
    Link(link::Link),
    Unlink(unlink::Unlink),
    Tree(tree::Tree),
    Why(why::Why),
    Info(info::Info),
    Versions(versions::Versions),
    Diff(diff::Diff),
    Search(search::Search),
    Compose(compose::Compose),
    Vendor(vendor::Vendor),
    Up(up::Up),
    Verify(verify::Verify),
    Targets(targets::Targets),
    New(new::New),
    Componentize(componentize::Componentize),
    Publish(publish::Publish),
    Yank(yank::Yank),
    Login(login::Login),
    Logout(logout::Logout),
    Cache(cache::Cache),
    Completions(completions::Completions),
    Man(man::Man),
    #[command(hide = true)]
    GenerateDocs(generate_docs::GenerateDocs),
}

/// The commands by theme, in the order of the help.
pub(crate) const THEMES: &[(&str, &[&str])] = &[
    ("Dependencies", &["add", "remove", "update", "outdated", "lock", "sync", "bindings", "link", "unlink"]),
    ("Look around", &["tree", "why", "info", "versions", "diff", "search"]),
    ("Build and run", &["build", "compose", "up", "verify", "targets", "vendor"]),
    ("Write components", &["new", "componentize", "publish", "yank"]),
    ("This machine", &["login", "logout", "cache", "completions", "man", "help"]),
];

impl Command {
    /// Whether the command ends on a signal by itself.
    pub(crate) fn handles_signals(&self) -> bool {
        matches!(self, Self::Up(_))
    }
}

/// What a command is given besides its own arguments.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) format: Format,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
}

impl Context {
    /// Opens the project that the arguments point to. What it has links to is built where it changed.
    pub(crate) async fn project(&self) -> Result<Project, Failure> {
        let builder = self.builder()?;
        Ok(Project::open(self.settings.clone()).await?.with_builder(Some(builder)))
    }

    /// How components are built besides the one that a command is about.
    fn builder(&self) -> Result<Builder, Failure> {
        Ok(Builder { program: std::env::current_exe()?, output: build::build_output(self) })
    }

    /// The same for a command that is about what registries have now: no remembered list of versions is used, unless
    /// no request may be made.
    pub(crate) async fn project_afresh(&self) -> Result<Project, Failure> {
        let settings = Settings { listing_ttl: Duration::ZERO, ..self.settings.clone() };
        Ok(Project::open(settings).await?.with_builder(Some(self.builder()?)))
    }

    /// Says what happens, unless the user asked for quiet.
    pub(crate) fn note(&self, message: &str) {
        if !self.quiet {
            report::note(message);
        }
    }
}

/// What continuous integration may refuse.
#[derive(Debug, Args)]
pub(crate) struct Links {
    /// Fail if a file takes the place of a package, as `link` makes it
    #[arg(long)]
    no_links: bool,
}

impl Links {
    /// Refuses the project's links if that was asked for.
    pub(crate) fn check(&self, project: &Project) -> Result<(), Failure> {
        if self.no_links { Ok(project.refuse_links("--no-links")?) } else { Ok(()) }
    }
}

/// Whether what is linked is built.
#[derive(Debug, Args)]
pub(crate) struct Builds {
    /// Use linked components as they are, even if their sources changed
    #[arg(long)]
    no_build: bool,
}

impl Builds {
    /// Opens the project that the arguments point to.
    pub(crate) async fn project(&self, context: &Context) -> Result<Project, Failure> {
        let project = context.project().await?;
        Ok(if self.no_build { project.with_builder(None) } else { project })
    }
}

/// Runs the command that the arguments name.
pub(crate) async fn run(cli: Cli) -> Result<Output, Failure> {
    let (format, quiet, verbose) = (cli.global.format, cli.global.quiet, cli.global.verbose > 0);
    let context = Context { settings: settings::settings(&cli.global)?, format, quiet, verbose };
    match cli.command {
        Command::Add(command) => Box::pin(command.run(&context)).await,
        Command::Remove(command) => command.run(&context).await,
        Command::Update(command) => command.run(&context).await,
        Command::Outdated(command) => command.run(&context).await,
        Command::Lock(command) => command.run(&context).await,
        Command::Sync(command) => command.run(&context).await,
        Command::Bindings(command) => command.run(&context).await,
        Command::Build(command) => command.run(&context).await,
        Command::Link(command) => command.run(&context).await,
        Command::Unlink(command) => command.run(&context).await,
        Command::Tree(command) => command.run(&context).await,
        Command::Why(command) => command.run(&context).await,
        Command::Info(command) => command.run(&context).await,
        Command::Versions(command) => command.run(&context).await,
        Command::Diff(command) => command.run(&context).await,
        Command::Search(command) => command.run(&context).await,
        Command::Compose(command) => command.run(&context).await,
        Command::Vendor(command) => command.run(&context).await,
        Command::Up(command) => command.run(&context).await,
        Command::Verify(command) => Box::pin(command.run(&context)).await,
        Command::Targets(command) => command.run(&context).await,
        Command::New(command) => command.run(&context).await,
        Command::Componentize(command) => command.run(&context).await,
        Command::Publish(command) => command.run(&context).await,
        Command::Yank(command) => command.run(&context).await,
        Command::Login(command) => command.run(&context).await,
        Command::Logout(command) => command.run(&context).await,
        Command::Cache(command) => command.run(&context).await,
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(&context),
        Command::GenerateDocs(generate_docs::GenerateDocs {}) => Ok(generate_docs::GenerateDocs::run()),
    }
}

/// `ns:name`, or `ns:name@1.2.0`.
fn package_and_version(text: &str) -> Result<(PackageRef, Option<Version>), String> {
    let (name, version) = match text.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    let package = name.parse().map_err(|error: wasm_pkg_common::Error| error.to_string())?;
    let version = version
        .map(|version| version.parse().map_err(|error: semver::Error| error.to_string()))
        .transpose()?;
    Ok((package, version))
}

/// Text for what happened to the lockfile, with what changed in it.
fn lock_lines(output: &mut Output, lock: &LockOutcome) {
    output.line(lock_line(lock));
    for change in &lock.changes {
        output.line(format!("  {}", change_line(change)));
    }
}

/// What happened to the lockfile, in a line.
fn lock_line(lock: &LockOutcome) -> String {
    let packages = count(lock.lockfile.packages.len() + lock.lockfile.http.len(), "package");
    if lock.lockfile.packages.is_empty() && lock.lockfile.http.is_empty() && lock.changes.is_empty() {
        return format!("{} nothing: the app needs no packages", styled(GOOD, "Locked"));
    }
    let up_to_date = match lock.status {
        LockStatus::UpToDate => ", up to date",
        LockStatus::Written => "",
    };
    format!("{} {packages} in spin-deps.lock{up_to_date}", styled(GOOD, "Locked"))
}

/// That all that is locked was fetched or found, and is what the lockfile says.
fn checked_line(contents: usize) -> String {
    let digests = if contents == 1 { "its digest" } else { "their digests" };
    format!("{} {} against {digests}", styled(GOOD, "Checked"), count(contents, "package"))
}

/// One change of the lockfile: `add acme:hash 1.2.0`.
fn change_line(change: &LockChange) -> String {
    let text = clean(&change.to_string());
    let style = match text.split(' ').next() {
        Some("add") => GOOD,
        Some("remove") => BAD,
        _ => WARN,
    };
    styled(style, text)
}

/// What is denied in a composition, a line for each instance.
fn denial_lines(denials: &[Denial]) -> Vec<String> {
    let mut by_part: Vec<(&str, Vec<&str>)> = Vec::new();
    for Denial { part, import, .. } in denials {
        match by_part.last_mut() {
            Some((last, imports)) if last == part => imports.push(import),
            _ => by_part.push((part, vec![import])),
        }
    }
    let line = |(part, imports): &(&str, Vec<&str>)| {
        let imports: Vec<_> = imports.iter().map(|it| clean(it)).collect();
        format!("{}: {} {}", clean(part), styled(WARN, "denied"), styled(DIM, imports.join(", ")))
    };
    by_part.iter().map(line).collect()
}

/// What is denied in a composition as JSON.
fn denials_json(denials: &[Denial]) -> serde_json::Value {
    let denials = denials.iter();
    denials
        .map(|it| serde_json::json!({ "to": it.part, "import": it.import, "capability": it.capability }))
        .collect()
}

/// Text for the generated files.
fn sync_lines(output: &mut Output, context: &Context, sync: &SyncOutcome) {
    for path in &sync.built {
        output.line(format!("{} {}", styled(GOOD, "Built"), styled(NAME, shown_path(context, path))));
    }
    file_lines(output, context, &sync.bindings, &sync.written, &sync.removed);
}

/// Text for files that were written and removed. Many files of one folder of bindings are one line.
fn file_lines(
    output: &mut Output,
    context: &Context,
    bindings: &[BoundComponent],
    written: &[PathBuf],
    removed: &[PathBuf],
) {
    const MANY: usize = 3;
    let mut folders = BTreeMap::new();
    for (word, paths) in [("Wrote", written), ("Removed", removed)] {
        for path in paths {
            let folder = bindings.iter().map(|it| &it.folder).find(|folder| path.starts_with(folder));
            let together =
                |folder: &&PathBuf| paths.iter().filter(|it| it.starts_with(folder)).count() > MANY;
            let Some(folder) = folder.filter(together) else {
                output.line(format!("{} {}", styled(GOOD, word), styled(NAME, shown_path(context, path))));
                continue;
            };
            let number = folders.entry((word, folder)).or_insert(0_usize);
            *number += 1;
        }
        for ((_, folder), number) in std::mem::take(&mut folders) {
            output.line(format!(
                "{} {} in {}",
                styled(GOOD, word),
                count(number, "file"),
                styled(NAME, shown_path(context, folder))
            ));
        }
    }
}

/// The bindings as JSON.
fn bindings_json(bindings: &[BoundComponent]) -> serde_json::Value {
    bindings
        .iter()
        .map(|it| {
            serde_json::json!({
                "component": it.component,
                "language": it.language.name(),
                "folder": it.folder,
                "files": it.files,
            })
        })
        .collect()
}

/// Says on stderr what the user should know.
fn warn_all<'a>(warnings: impl IntoIterator<Item = &'a String>) {
    warnings.into_iter().for_each(|warning| report::warn(warning));
}

/// A path relative to the current directory where that is shorter.
fn shown_path(context: &Context, path: &std::path::Path) -> String {
    path.strip_prefix(&context.settings.current_dir).unwrap_or(path).display().to_string()
}

/// The lockfile's outcome as JSON.
fn lock_json(lock: &LockOutcome) -> serde_json::Value {
    serde_json::json!({
        "status": match lock.status { LockStatus::UpToDate => "up-to-date", LockStatus::Written => "written" },
        "changes": lock.changes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "packages": lock.lockfile.packages.iter().map(|package| serde_json::json!({
            "name": package.name,
            "version": package.version,
            "registry": package.registry,
            "digest": package.digest,
            "size": package.size,
            "capabilities": package.capabilities,
            "imports": package.imports,
            "granted": package.granted.iter().map(|it| serde_json::json!({
                "to": it.to, "capabilities": it.capabilities,
            })).collect::<Vec<_>>(),
            "dependencies": package.dependencies.iter().map(|it| serde_json::json!({
                "package": it.package, "req": it.req, "version": it.version,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "http": lock.lockfile.http.iter().map(|http| serde_json::json!({
            "url": http.url, "digest": http.digest, "size": http.size,
        })).collect::<Vec<_>>(),
        "overrides": lock.lockfile.overrides.iter().map(|it| serde_json::json!({
            "package": it.name, "by": it.by.to_string(),
        })).collect::<Vec<_>>(),
        "environments": lock.lockfile.environments.iter().map(|it| serde_json::json!({
            "environment": it.target.to_string(),
            "digest": it.digest,
            "packages": it.packages.iter().map(|package| serde_json::json!({
                "name": package.name,
                "version": package.version,
                "source": package.source.to_string(),
                "digest": package.digest,
                "size": package.size,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "repaired": lock.repaired,
        "warnings": lock.warnings,
    })
}

/// The outcome of a sync as JSON.
fn sync_json(sync: &SyncOutcome) -> serde_json::Value {
    serde_json::json!({
        "lock": lock_json(&sync.lock),
        "contents": sync.contents,
        "built": sync.built,
        "written": sync.written,
        "removed": sync.removed,
        "bindings": bindings_json(&sync.bindings),
        "warnings": sync.warnings,
    })
}
