//! A folder as a registry: `<root>/<namespace>/<name>/<version>.wasm`, the layout of wkg's local backend.
//!
//! There is no metadata beside the Wasm, so a release's edges are read from the Wasm itself, and its digest is
//! computed when it is asked for. A file `<version>.yanked` beside it says that the release is withdrawn; its text is
//! the reason, and may be empty. wkg passes over such files. Package names are kebab-case labels and versions are semver, so neither can leave
//! the root. A release appears whole and never in place of another: it is written to a temporary name that no reader
//! takes for a release, synced, and given its name only if that is free — by the file system, so that of two
//! publishers one wins and the other is told.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use wasm_pkg_common::digest::ContentDigest;
use wasm_pkg_common::label::Label;
use wasm_pkg_common::package::{PackageRef, Version};
use wasm_pkg_common::registry::Registry;

use crate::LAYER_LIMIT;
use crate::error::Error;
use crate::files::{about, temporary_in};
use crate::settings::Progress;
use crate::source::{
    Catalog, Content, Listed, Publication, Published, REASON_LIMIT, ReleaseInfo, Source, Yank, bounded_reason,
};
use crate::store::{Store, Writer};
use crate::upload::digest_of_reader;

const CHUNK: usize = 1 << 18;
/// More packages than this are not listed.
const MAX_PACKAGES: usize = 100_000;
/// The extension of a file that withdraws a release.
const YANKED: &str = "yanked";

/// A folder of releases.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    registry: Registry,
    store: Store,
}

impl Folder {
    pub(crate) fn new(root: PathBuf, registry: Registry, store: Store) -> Self {
        Self { root, registry, store }
    }

    fn package_dir(&self, package: &PackageRef) -> PathBuf {
        self.root.join(package.namespace().as_ref()).join(package.name().as_ref())
    }

    fn path(&self, package: &PackageRef, version: &Version) -> PathBuf {
        self.package_dir(package).join(format!("{version}.wasm"))
    }

    /// An absent package is an answer; an absent root is a mistake in the configuration.
    fn check_root(&self) -> Result<(), Error> {
        match fs_err::metadata(&self.root) {
            Ok(metadata) if metadata.is_dir() => Ok(()),
            Ok(_) => Err(self.unusable("is not a folder")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(self.unusable("does not exist")),
            Err(error) => Err(error.into()),
        }
    }

    fn unusable(&self, reason: &str) -> Error {
        Error::UnusableRegistry {
            registry: self.registry.to_string(),
            reason: format!("its folder `{}` {reason}", self.root.display()),
        }
    }

    fn list(&self, package: &PackageRef) -> Result<Option<Vec<Listed>>, Error> {
        let dir = self.package_dir(package);
        let entries = match fs_err::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                self.check_root()?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let mut versions = BTreeMap::new();
        let mut yanked = BTreeSet::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let parts = name.to_str().and_then(|name| name.rsplit_once('.'));
            match parts.map(|(stem, extension)| (Version::parse(stem), extension)) {
                Some((Ok(version), "wasm")) if entry.path().is_file() => {
                    versions.insert(version.clone(), Listed::new(version));
                }
                Some((Ok(version), YANKED)) => {
                    yanked.insert(version);
                }
                _ => tracing::debug!(?name, "not a release"),
            }
        }
        for version in yanked {
            let reason = self.reason(package, &version)?;
            if let (Some(listed), Some(reason)) = (versions.get_mut(&version), reason) {
                listed.yanked = true;
                listed.reason = bounded_reason(&reason);
            }
        }
        Ok(if versions.is_empty() { None } else { Some(versions.into_values().collect()) })
    }

    /// The packages of the folder: directories two levels down that hold a release. A link is followed within the
    /// folder only.
    fn catalog(&self) -> Result<Catalog, Error> {
        self.check_root()?;
        let root = fs_err::canonicalize(&self.root)?;
        let below = |dir: &Path| -> Result<Vec<(String, PathBuf)>, Error> {
            let mut found = Vec::new();
            for entry in fs_err::read_dir(dir)? {
                let entry = entry?;
                // One that cannot be looked at, or is gone by now, has nothing to offer.
                let Ok(path) = fs_err::canonicalize(entry.path()) else { continue };
                if let Some(name) = entry.file_name().to_str()
                    && path.starts_with(&root)
                    && path.is_dir()
                {
                    found.push((name.to_owned(), path));
                }
            }
            Ok(found)
        };
        let mut packages = Vec::new();
        for (namespace, dir) in below(&root)? {
            if namespace.parse::<Label>().is_err() {
                continue;
            }
            for (name, _) in below(&dir)? {
                let Ok(package) = format!("{namespace}:{name}").parse() else { continue };
                if packages.len() == MAX_PACKAGES {
                    let cut = Some(format!("it has more than {MAX_PACKAGES} packages"));
                    return Ok(Catalog::Found { packages, cut, described: true });
                }
                if self.list(&package)?.is_some() {
                    packages.push(package);
                }
            }
        }
        Ok(Catalog::Found { packages, cut: None, described: true })
    }

    fn yanked_path(&self, package: &PackageRef, version: &Version) -> PathBuf {
        self.package_dir(package).join(format!("{version}.{YANKED}"))
    }

    /// What the file says that withdraws a release; `None` if there is none.
    fn reason(&self, package: &PackageRef, version: &Version) -> Result<Option<String>, Error> {
        let file = match fs_err::File::open(self.yanked_path(package, version)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut text = Vec::new();
        file.take(2 * REASON_LIMIT as u64).read_to_end(&mut text)?;
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }

    fn mark(&self, yank: &Yank) -> Result<bool, Error> {
        let (package, version) = (&yank.package, &yank.version);
        if !fs_err::metadata(self.path(package, version)).is_ok_and(|file| file.is_file()) {
            self.check_root()?;
            return Err(Error::NotFound { registry: self.registry.to_string(), what: yank.title() });
        }
        let path = self.yanked_path(package, version);
        let there = self.reason(package, version)?;
        if yank.undo {
            return match there {
                Some(_) => Ok(fs_err::remove_file(path).map(|()| true)?),
                None => Ok(false),
            };
        }
        let reason = yank.kept_reason();
        if let Some(there) = there
            && (reason.is_none() || reason == bounded_reason(&there))
        {
            return Ok(false);
        }
        let failed = |error: io::Error| about(&path, "could not write", &error);
        let mut file = temporary_in(&self.package_dir(package), ".tmp-")?;
        let text = reason.map(|reason| format!("{reason}\n")).unwrap_or_default();
        file.as_file_mut().write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(true)
    }

    fn inspect(&self, package: &PackageRef, version: &Version) -> Result<Option<ReleaseInfo>, Error> {
        let path = self.path(package, version);
        let mut file = match fs_err::File::open(&path) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                self.check_root()?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let (digest, size) = digest_of_reader(&mut file, &format!("{package} {version}"))?;
        let info = ReleaseInfo {
            digest,
            size,
            manifest: None,
            signers: None,
            annotations: BTreeMap::new(),
            component: None,
        };
        Ok(Some(info))
    }

    fn store_release(&self, publication: &Publication) -> Result<Published, Error> {
        let content = &publication.content;
        let digest = content.digest().clone();
        let published = |already_there| Published { digest: digest.clone(), manifest: None, already_there };
        let dir = self.package_dir(&publication.package);
        let path = self.path(&publication.package, &publication.version);
        fs_err::create_dir_all(&dir)?;
        let mut file = temporary_in(&dir, ".tmp-")?;
        let failed = |error: io::Error| about(&path, "could not write", &error);
        let mut hasher = Sha256::new();
        let mut written = 0;
        while written < content.size() {
            let piece = content.read(written, CHUNK)?;
            hasher.update(&piece);
            file.as_file_mut().write_all(&piece).map_err(failed)?;
            written += piece.len() as u64;
        }
        let actual = ContentDigest::from(hasher);
        if actual != digest {
            let origin = "the file that is published".to_owned();
            return Err(Error::DigestMismatch {
                what: publication.title(),
                expected: digest,
                actual,
                origin,
            });
        }
        file.as_file().sync_all().map_err(failed)?;
        match file.persist_noclobber(&path) {
            Ok(_) => Ok(published(false)),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                let there =
                    self.inspect(&publication.package, &publication.version)?.map(|there| there.digest);
                if there.as_ref() == Some(&digest) {
                    return Ok(published(true));
                }
                Err(Error::AlreadyExists {
                    package: publication.package.clone().into(),
                    version: publication.version.clone().into(),
                    registry: self.registry.to_string(),
                    digest: there,
                })
            }
            Err(error) => Err(failed(error.error).into()),
        }
    }
}

impl Source for Folder {
    fn versions<'a>(&'a self, package: &'a PackageRef) -> BoxFuture<'a, Result<Option<Vec<Listed>>, Error>> {
        let (this, package) = (self.clone(), package.clone());
        blocking(move || this.list(&package)).boxed()
    }

    fn packages(&self) -> BoxFuture<'_, Result<Catalog, Error>> {
        let this = self.clone();
        blocking(move || this.catalog()).boxed()
    }

    fn release<'a>(
        &'a self,
        package: &'a PackageRef,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Option<ReleaseInfo>, Error>> {
        let (this, package, version) = (self.clone(), package.clone(), version.clone());
        blocking(move || this.inspect(&package, &version)).boxed()
    }

    /// A folder has no manifests: the version is all there is.
    fn locked<'a>(
        &'a self,
        package: &'a PackageRef,
        version: &'a Version,
        _manifest: &'a ContentDigest,
    ) -> BoxFuture<'a, Result<Option<ReleaseInfo>, Error>> {
        self.release(package, version)
    }

    fn fetch<'a>(
        &'a self,
        content: &'a Content,
        progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let path = self.path(&content.package, &content.version);
            let mut task = progress.begin(&content.title(), (content.size > 0).then_some(content.size));
            let mut writer = self.store.writer(Some(&content.digest), LAYER_LIMIT);
            copy(&path, &mut writer, &mut |bytes| task.advance(bytes)).await.map_err(
                |error| match error {
                    Error::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                        let (registry, what) = (content.registry.to_string(), content.title());
                        self.check_root().err().unwrap_or(Error::NotFound { registry, what })
                    }
                    Error::TooLarge { limit, .. } => Error::TooLarge { what: content.title(), limit },
                    other => other,
                },
            )?;
            match writer.commit().await {
                Ok(_) => Ok(()),
                Err(error) => Err(match Error::of_store(error, &content.title()) {
                    Error::DigestMismatch { what, expected, actual, .. } => Error::DigestMismatch {
                        what,
                        expected,
                        actual,
                        origin: format!("`{}`", path.display()),
                    },
                    other => other,
                }),
            }
        }
        .boxed()
    }

    fn publish<'a>(
        &'a self,
        publication: &'a Publication,
        _progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<Published, Error>> {
        let (this, publication) = (self.clone(), publication.clone());
        blocking(move || this.store_release(&publication)).boxed()
    }

    fn yank<'a>(&'a self, yank: &'a Yank) -> BoxFuture<'a, Result<bool, Error>> {
        let (this, yank) = (self.clone(), yank.clone());
        blocking(move || this.mark(&yank)).boxed()
    }
}

async fn copy(path: &Path, writer: &mut Writer, advance: &mut (dyn FnMut(u64) + Send)) -> Result<(), Error> {
    use tokio::io::AsyncReadExt as _;
    let mut file = fs_err::tokio::File::open(path).await?;
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = file.read(&mut buffer).await?;
        match buffer.get(..read) {
            Some(chunk) if !chunk.is_empty() => {
                writer.write(chunk).await.map_err(|error| Error::of_store(error, ""))?;
                advance(read as u64);
            }
            _ => return Ok(()),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(io::Error::other(error).into()),
    }
}
