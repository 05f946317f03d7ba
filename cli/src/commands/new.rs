//! `spin-deps new`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;
use spin_deps_project::{Error, NewKind, NewOptions, create};

use super::{Context, shown_path};
use crate::{
    output::{GOOD, NAME, Output, styled},
    prompt,
    report::Failure,
};

/// Make a new component project
///
/// A library exports an interface that others import; middleware takes HTTP requests and passes them on. The project
/// has a component.toml, a world in wit/, source with a working example and the commands that build it, and it can be
/// published as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps new library acme:hello --lang rust
  spin-deps new middleware acme:stamp --lang python --dir middleware/stamp
  spin-deps new library acme:hello --lang c --dry-run")]
pub(crate) struct New {
    /// What it is for [asked for in a terminal]
    kind: Option<Kind>,
    /// The package, `ns:name` [asked for in a terminal]
    name: Option<String>,
    /// The language: rust, js, python, c or go for a library, rust, python or c for middleware
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<String>,
    /// The folder to make [default: the package's name]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Only show what would be made
    #[arg(long)]
    dry_run: bool,
}

/// What a component is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// It exports an interface for others to import
    Library,
    /// It takes HTTP requests and passes them on
    Middleware,
}

impl From<Kind> for NewKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Library => Self::Library,
            Kind::Middleware => Self::Middleware,
        }
    }
}

impl New {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let name = match self.name {
            Some(name) => name,
            None if prompt::is_possible() => prompt::line("Package (ns:name)".to_owned()).await?,
            None => {
                return Err(Error::Unanswered {
                    message: "the package is not named".into(),
                    hint: "name it: `spin-deps new library acme:hello`".into(),
                }
                .into());
            }
        };
        let options = NewOptions {
            kind: self.kind.map(Into::into),
            name,
            language: self.lang,
            folder: self.dir,
            dry_run: self.dry_run,
        };
        let created = create(&context.settings, &options, &*prompt::asker(context)).await?;
        let folder = shown_path(context, &created.folder);
        let mut output = Output::new(json!({
            "package": created.package.to_string(),
            "folder": created.folder,
            "files": created.files,
            "next": created.next,
            "dry_run": options.dry_run,
        }));
        let done = if options.dry_run { "Would make" } else { "Made" };
        output.line(format!("{} {} in {folder}", styled(GOOD, done), styled(NAME, &created.package)));
        for file in &created.files {
            output.line(format!("  {file}"));
        }
        if !options.dry_run {
            output.note("Next:");
            output.note(&format!("  cd {folder}"));
            created.next.iter().for_each(|command| output.note(&format!("  {command}")));
        }
        Ok(output)
    }
}
