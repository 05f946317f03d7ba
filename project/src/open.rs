//! Finding and reading a project: its manifest, its lockfile and the registries that it is configured for.

use std::path::{Path, PathBuf};

use spin_deps_lockfile::{LockError, Lockfile, Salvage};
use spin_deps_manifest::{Authored, Document, Manifest};
use spin_deps_registry::{Network, ProjectConfig, Registries, Settings as RegistrySettings};

use crate::{
    Builder, Error, Settings,
    content::expected,
    error::Excerpt,
    files,
    memo::Memo,
    workspace::{self, Member},
};

/// The names of a manifest, of an application and of a component on its own. Where both are, the application counts,
/// as it does for Spin (SIP 026).
const MANIFESTS: [&str; 2] = ["spin.toml", workspace::MANIFEST];

/// An application, or a component under its author's hands, with its lockfile and registries.
pub struct Project {
    pub(crate) settings: Settings,
    pub(crate) manifest_path: PathBuf,
    pub(crate) document: Document,
    pub(crate) lock: Option<Lockfile>,
    /// What was found in a lockfile that is not sound, if it was read to be mended.
    pub(crate) unsound: Option<Salvage>,
    pub(crate) registries: Registries,
    pub(crate) memo: Memo,
    /// The components of the workspace that the project belongs to; none of an app.
    pub(crate) workspace: Vec<Member>,
    /// What builds linked components where their sources changed, if anything is to be built.
    pub(crate) builder: Option<Builder>,
    /// The folders of the projects that wait for this one to be built.
    pub(crate) building: Vec<PathBuf>,
}

impl Project {
    /// Opens the project that the settings point to, or the one around the current directory. Makes no request.
    pub async fn open(settings: Settings) -> Result<Self, Error> {
        Self::open_with(settings, |text| Ok((Lockfile::parse(text)?, None))).await
    }

    /// [`Self::open`] with what is sound of a lockfile that a merge left unsound. Then nothing but
    /// [`Self::lock_update`] may follow, which mends it.
    pub async fn open_to_mend(settings: Settings) -> Result<Self, Error> {
        Self::open_with(settings, |text| {
            if let Ok(sound) = Lockfile::parse(text) {
                return Ok((sound, None));
            }
            let found = Lockfile::salvage(text)?;
            Ok((found.lockfile.clone(), Some(found)))
        })
        .await
    }

    async fn open_with(
        settings: Settings,
        read: impl Fn(&str) -> Result<(Lockfile, Option<Salvage>), LockError>,
    ) -> Result<Self, Error> {
        let manifest_path = find_manifest(&settings)?;
        let text = files::read_text(&manifest_path)?;
        let document = Document::parse(&text).map_err(|error| Error::Manifest {
            excerpt: Box::new(Excerpt::new(&manifest_path, &text)),
            error,
        })?;
        let lock_path = lock_path(&manifest_path);
        let (lock, unsound) = match files::read_text_if_there(&lock_path)? {
            None => (None, None),
            Some(text) => {
                let (lock, unsound) = read(&text).map_err(|error| Error::Lockfile {
                    excerpt: Box::new(Excerpt::new(&lock_path, &text)),
                    error: Box::new(error),
                })?;
                (Some(lock), unsound)
            }
        };
        let registries = Self::configured(&settings, Some((&manifest_path, document.manifest()))).await?;
        // Before anything is asked: the first answer of a registry is measured against what was locked.
        let torn = unsound.iter().flat_map(|found| &found.torn);
        for locked in lock.iter().flat_map(|lock| &lock.packages).chain(torn) {
            if let Some(signers) = &locked.signers {
                registries.expect_signers(&locked.registry, &locked.name, expected(signers));
            }
        }
        let workspace = match document.manifest().authored {
            Some(_) => workspace::around(directory(&manifest_path))?,
            None => Vec::new(),
        };
        Ok(Self {
            settings,
            manifest_path,
            document,
            lock,
            unsound,
            registries,
            memo: Memo::default(),
            workspace,
            builder: None,
            building: Vec::new(),
        })
    }

    /// Lets linked components be built where their sources changed, before they are used.
    #[must_use]
    pub fn with_builder(mut self, builder: Option<Builder>) -> Self {
        self.builder = builder;
        self
    }

    /// Opens the registries: with the project's own configuration where a manifest is found, without elsewhere.
    /// For the commands that need no project, such as `info` and `publish`.
    pub async fn open_registries(settings: &Settings) -> Result<Registries, Error> {
        Ok(Self::open_if_there(settings).await?.1)
    }

    /// The same, with the project where a manifest is found.
    pub async fn open_if_there(settings: &Settings) -> Result<(Option<Self>, Registries), Error> {
        if !Self::is_there(settings) {
            return Ok((None, Self::configured(settings, None).await?));
        }
        let project = Self::open(settings.clone()).await?;
        let registries = project.registries.clone();
        Ok((Some(project), registries))
    }

    /// Whether the settings point to a project, be it a sound one or not, or there is one around the current directory.
    pub(crate) fn is_there(settings: &Settings) -> bool {
        settings.from.is_some() || find_manifest(settings).is_ok()
    }

    /// The manifest that the settings point to, or that of the project around the current directory.
    pub(crate) fn manifest_of(settings: &Settings) -> Result<PathBuf, Error> {
        find_manifest(settings)
    }

    async fn configured(
        settings: &Settings,
        manifest: Option<(&Path, &Manifest)>,
    ) -> Result<Registries, Error> {
        let project_config = manifest.map(|(path, manifest)| ProjectConfig {
            toml: manifest.application.deps.registries.clone(),
            base_dir: directory(path).to_path_buf(),
        });
        let network = match settings.offline_because() {
            Some(option) => Network::Offline { because: format!("`{option}` forbids requests") },
            None => Network::Online,
        };
        let registries = Registries::open(RegistrySettings {
            config_file: settings.config.clone(),
            project_config,
            cache_dir: settings.cache_dir.clone(),
            network,
            state_dir: settings.state_dir.clone(),
            listing_ttl: settings.listing_ttl,
            limits: settings.limits.clone(),
            environment: settings.environment.clone(),
            progress: settings.progress.clone(),
        })
        .await?;
        Ok(registries)
    }

    /// The manifest's path.
    pub fn manifest_path(&self) -> &Path {
        &self.manifest_path
    }

    /// The lockfile's path, beside the manifest.
    pub fn lock_path(&self) -> PathBuf {
        lock_path(&self.manifest_path)
    }

    /// The directory that holds the manifest; paths in it are relative to this.
    pub fn directory(&self) -> &Path {
        directory(&self.manifest_path)
    }

    /// The manifest as it was read, or as `add` and `remove` changed it.
    pub fn manifest(&self) -> &Manifest {
        self.document.manifest()
    }

    /// The name of the manifest's file, for messages.
    pub fn manifest_name(&self) -> String {
        self.manifest_path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Who the component is, if the manifest is that of a component on its own.
    pub fn authored(&self) -> Option<&Authored> {
        self.manifest().authored.as_ref()
    }

    /// The lockfile, if there is one.
    pub fn lock(&self) -> Option<&Lockfile> {
        self.lock.as_ref()
    }

    /// The registries that the project is configured for.
    pub fn registries(&self) -> &Registries {
        &self.registries
    }

    /// A path as it is shown: from the current directory, where it is below that.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.settings.current_dir).unwrap_or(path).display().to_string()
    }

    /// The place in the manifest that an error is about.
    pub(crate) fn excerpt(&self) -> Excerpt {
        Excerpt::new(&self.manifest_path, &self.document.text())
    }
}

fn directory(manifest: &Path) -> &Path {
    match manifest.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn lock_path(manifest: &Path) -> PathBuf {
    directory(manifest).join(spin_deps_lockfile::FILE_NAME)
}

/// `--from` names a manifest or its directory; without it, the current directory and those above are searched.
fn find_manifest(settings: &Settings) -> Result<PathBuf, Error> {
    if let Some(from) = &settings.from {
        let from = settings.current_dir.join(from);
        if from.is_dir() {
            return manifest_in(&from).ok_or(Error::NoManifest { searched: from });
        }
        return if from.is_file() { Ok(from) } else { Err(Error::NoManifest { searched: from }) };
    }
    let mut directories = settings.current_dir.ancestors();
    let nearest = directories.find_map(manifest_in);
    nearest.ok_or_else(|| Error::NoManifest { searched: settings.current_dir.clone() })
}

fn manifest_in(directory: &Path) -> Option<PathBuf> {
    MANIFESTS.iter().map(|name| directory.join(name)).find(|path| path.is_file())
}
