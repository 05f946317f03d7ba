//! Building what is under development before it is used: linked components, and the other members of a workspace.
//!
//! A component is built when its output is missing or somebody changed it, or when its sources are not those that the
//! output was built from. What it was built from is remembered in the store; whoever empties that builds once more.

use std::{
    path::{Path, PathBuf},
    pin::Pin,
};

use serde::{Deserialize, Serialize};
use spin_deps_manifest::{ComponentSource, Source};
use spin_deps_registry::digest_of;

use super::sources::Sources;
use crate::{BuildOptions, BuildOutput, Error, Project, Settings, files, workspace};

/// The table of the store's records.
const RECORDS: &str = "builds";

/// How components are built besides the one that a command is about.
#[derive(Clone, Debug)]
pub struct Builder {
    /// The program that `spin-deps` in a build command means.
    pub program: PathBuf,
    /// Told of commands and of what they print.
    pub output: BuildOutput,
}

impl Builder {
    /// To build all that a manifest has a command for.
    pub(crate) fn options(&self) -> BuildOptions {
        BuildOptions {
            components: Vec::new(),
            program: self.program.clone(),
            output: self.output.clone(),
            generate: true,
        }
    }
}

/// What a build was made from, and what it left.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    sources: String,
    output: String,
}

impl Project {
    /// Builds the components that are linked, and those of the workspace that this one depends on, as far as they
    /// changed. Returns the files that were built. Without a builder nothing is.
    pub(crate) fn build_linked(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<PathBuf>, Error>> + Send + '_>> {
        // What is linked may have links of its own.
        Box::pin(async move {
            let mut built = Vec::new();
            if self.builder.is_none() {
                return Ok(built);
            }
            for it in self.overrides_of(self.manifest()) {
                let Source::Path(path) = &it.source else { continue };
                if let Some(folder) = owner(&self.resolve_path(path))? {
                    built.extend(self.bring_up_to_date(&folder).await?);
                }
            }
            Ok(built)
        })
    }

    /// Builds the component in another folder, and what it depends on, as far as they changed.
    pub(super) async fn bring_up_to_date(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let own = fs_err::canonicalize(self.directory())?;
        let mut building = self.building.clone();
        building.push(own);
        if let Some(start) = building.iter().position(|it| it == folder) {
            let circle = building.iter().skip(start).map(PathBuf::as_path).chain([folder]);
            let circle = circle.map(|it| self.shown(it)).collect::<Vec<_>>().join(" -> ");
            return Err(Error::Unknown {
                message: format!("these need each other, so none of them can be built first: {circle}"),
                hint: Some("put what they share into a component of its own".into()),
            });
        }
        let manifest = folder.join(workspace::MANIFEST);
        let settings = Settings { from: Some(manifest), ..self.settings.clone() };
        let mut linked = Self::open(settings).await?.with_builder(self.builder.clone());
        linked.building = building;
        let mut built = linked.sync().await?.built;
        built.extend(linked.build_if_changed().await?);
        Ok(built)
    }

    /// Builds the component, unless its output is what its sources give.
    async fn build_if_changed(&self) -> Result<Option<PathBuf>, Error> {
        let (Some(builder), Some((_, component, source))) = (&self.builder, self.own_component()) else {
            return Ok(None);
        };
        if component.build.as_ref().is_none_or(|build| build.command.is_empty()) {
            return Ok(None);
        }
        let output = self.resolve_path(source);
        if output.is_file() {
            let record = self.record(&self.sources().await?).await?;
            let remembered = self.registries.store().recall(RECORDS, &self.record_key()?).await;
            if remembered == Some(record) {
                return Ok(None);
            }
        }
        self.build(&builder.options()).await?;
        Ok(Some(output))
    }

    /// What the component is built from.
    pub(crate) async fn sources(&self) -> Result<Sources, Error> {
        let Some((_, component, source)) = self.own_component() else { return Ok(Sources::default()) };
        let (folder, output) = (self.directory().to_path_buf(), self.resolve_path(source));
        let build = component.build.clone();
        tokio::task::spawn_blocking(move || Sources::read(&folder, build.as_ref(), &output)).await?
    }

    /// Remembers what the component was built from; `before` is what was there when the build began.
    pub(crate) async fn remember_build(&self, before: Sources) -> Result<(), Error> {
        let sources = Sources::of_build(before, self.sources().await?);
        let record = self.record(&sources).await?;
        Ok(self.registries.store().remember(RECORDS, &self.record_key()?, &record).await?)
    }

    async fn record(&self, sources: &Sources) -> Result<Record, Error> {
        let output = self.own_component().map(|(_, _, source)| self.resolve_path(source)).unwrap_or_default();
        let digest = move || files::read_component(&output).map(|bytes| digest_of(&bytes).to_string());
        let output = tokio::task::spawn_blocking(digest).await??;
        Ok(Record { sources: sources.digest(), output })
    }

    fn record_key(&self) -> Result<String, Error> {
        Ok(fs_err::canonicalize(self.directory())?.to_string_lossy().into_owned())
    }
}

/// The folder of the component whose build leaves this file: the nearest above with a manifest, if that says so.
fn owner(file: &Path) -> Result<Option<PathBuf>, Error> {
    for folder in file.ancestors().skip(1) {
        let manifest = folder.join(workspace::MANIFEST);
        if !manifest.is_file() {
            continue;
        }
        let document = workspace::read(&manifest)?;
        let leaves = document.manifest().authored.is_some()
            && document.manifest().components.values().any(|component| match &component.source {
                ComponentSource::Path(source) => folder.join(source) == file,
                ComponentSource::Url { .. } | ComponentSource::Registry { .. } => false,
            });
        return Ok(if leaves { Some(fs_err::canonicalize(folder)?) } else { None });
    }
    Ok(None)
}
