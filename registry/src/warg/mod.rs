//! A warg registry as a source: every package has a log of signed records, and the registry proves what it says.
//!
//! **Reading** is done with our own HTTP layer and `warg-api`'s types, and verified with `warg-protocol` (records),
//! `warg-transparency` (proofs) and `warg-crypto` (signatures): see [`read`] for the questions and [`proof`] for what
//! is wanted of the answers. `warg-client` reads as well, but its check of proofs can be bypassed, it writes what it
//! has not verified, panics on garbage, and has neither limits nor time-outs; nothing of that can be mended from
//! outside without asking everything a second time.
//!
//! **Publishing and withdrawing** is done by `warg-client` (see [`publish`]), on top of a log that we have verified
//! before, and what came of it is verified afterwards.
//!
//! The protocol knows nothing of dependencies or sizes: both come from the Wasm, which is therefore fetched as soon as
//! a release is asked about, into the store, where whoever needs it next finds it.

mod api;
mod catalog;
mod log;
mod proof;
mod publish;
mod read;
mod settings;
mod state;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use warg_protocol::registry::PackageName;
use wasm_pkg_common::digest::ContentDigest;
use wasm_pkg_common::package::{PackageRef, Version};
use wasm_pkg_common::registry::Registry;

use self::api::Api;
use self::read::{Proven, Reader};
pub(crate) use self::settings::{WargSettings, WargTable, parse_url};
use self::state::StateDir;
use crate::download::download_url;
use crate::error::Error;
use crate::http::Http;
use crate::memo::Memo;
use crate::pins::Pins;
use crate::settings::{Environment, Progress, Settings};
use crate::source::{Catalog, Content, Listed, Publication, Published, ReleaseInfo, Signers, Source, Yank};
use crate::store::{Store, StoreError};

pub(crate) const WARG_PROTOCOL: &str = "warg";

/// The size of a content, by its digest.
const SIZES: &str = "warg-sizes";

/// A warg registry.
pub(crate) struct WargSource {
    registry: Registry,
    api: Arc<Api>,
    http: Http,
    reader: Reader,
    /// What was proven in this process.
    packages: Memo<Option<Proven>>,
    pins: Arc<Pins>,
    store: Store,
    environment: Environment,
    progress: Arc<dyn Progress>,
}

impl WargSource {
    pub(crate) fn new(
        registry: Registry,
        warg: WargSettings,
        settings: &Settings,
        http: Http,
        store: Store,
        pins: Arc<Pins>,
    ) -> Self {
        let state = StateDir::new(&settings.state_dir, &warg.url, registry.to_string());
        let api = Arc::new(Api::new(http.clone(), registry.to_string(), warg, settings.network.clone()));
        Self {
            registry,
            reader: Reader::new(Arc::clone(&api), state),
            api,
            http,
            packages: Memo::default(),
            pins,
            store,
            environment: settings.environment.clone(),
            progress: Arc::clone(&settings.progress),
        }
    }

    /// The package as it is now: asked once a process; offline, as it is stored.
    async fn current(&self, package: &PackageRef, name: &PackageName) -> Result<Option<Proven>, Error> {
        let read = || async {
            let is_pinned = self.pins.has(&self.registry, package);
            let accept = |signers: &Signers| self.pins.check(&self.registry, package, signers);
            if let Err(offline) = self.api.online(&package.to_string()) {
                let stored = self.reader.stored(name, is_pinned).await?.ok_or(offline)?;
                accept(&stored.signers)?;
                return Ok(Some(stored));
            }
            self.reader.read(name, is_pinned, &accept).await
        };
        self.packages.get_or_try(name.as_ref(), read).await
    }

    /// The package as it is stored, if it is.
    async fn stored(&self, package: &PackageRef, name: &PackageName) -> Result<Option<Proven>, Error> {
        let stored = self.reader.stored(name, self.pins.has(&self.registry, package)).await?;
        if let Some(stored) = &stored {
            self.pins.check(&self.registry, package, &stored.signers)?;
        }
        Ok(stored)
    }

    /// Looks at the registry and the package anew from now on.
    async fn forget(&self, name: &PackageName) {
        self.packages.forget(name.as_ref());
        self.reader.forget().await;
    }

    async fn list(&self, package: &PackageRef) -> Result<Option<Vec<Listed>>, Error> {
        let Some(name) = name_of(package) else {
            return Ok(None);
        };
        let Some(proven) = self.current(package, &name).await? else {
            return Ok(None);
        };
        let mut listed: Vec<Listed> = proven
            .log
            .state()
            .releases()
            .map(|release| Listed { yanked: release.yanked(), ..Listed::new(release.version.clone()) })
            .collect();
        listed.sort_by(|a, b| a.version.cmp(&b.version));
        Ok(Some(listed))
    }

    /// A release never changes, so one that is stored is not asked for again.
    async fn find(&self, package: &PackageRef, version: &Version) -> Result<Option<ReleaseInfo>, Error> {
        let Some(name) = name_of(package) else {
            return Ok(None);
        };
        let known = self.stored(package, &name).await?;
        let proven = match known.filter(|known| known.log.content(version).is_some()) {
            Some(known) => known,
            None => match self.current(package, &name).await? {
                Some(current) => current,
                None => return Ok(None),
            },
        };
        let Some(digest) = proven.log.content(version) else {
            return Ok(None);
        };
        let mut content = Content {
            package: package.clone(),
            version: version.clone(),
            registry: self.registry.clone(),
            digest: digest.clone(),
            size: 0,
            manifest: None,
            signers: Some(proven.signers.clone()),
        };
        content.size = self.size(&content).await?;
        Ok(Some(ReleaseInfo {
            digest: content.digest,
            size: content.size,
            manifest: None,
            signers: content.signers,
            annotations: BTreeMap::new(),
            component: None,
        }))
    }

    /// The size of the content, which is fetched if it is not known.
    async fn size(&self, content: &Content) -> Result<u64, Error> {
        let key = content.digest.to_string();
        if let Some(size) = self.store.recall(SIZES, &key).await {
            return Ok(size);
        }
        let size = if let Some(size) = self.stored_size(content).await? {
            size
        } else {
            self.bring(content, self.progress.as_ref()).await?;
            self.stored_size(content).await?.unwrap_or_default()
        };
        if let Err(error) = self.store.remember(SIZES, &key, &size).await {
            tracing::debug!(%error, "a size could not be remembered");
        }
        Ok(size)
    }

    /// The size of the content, if it is stored and sound.
    async fn stored_size(&self, content: &Content) -> Result<Option<u64>, Error> {
        let count = |content: &mut dyn io::Read| io::copy(content, &mut io::sink());
        match self.store.read(&content.digest, count).await {
            Ok(size) => Ok(size.transpose()?),
            Err(StoreError::Damaged { .. }) => Ok(None),
            Err(error) => Err(Error::of_store(error, &content.title())),
        }
    }

    /// Brings the content into the store, from the first place that has it.
    async fn bring(&self, content: &Content, progress: &dyn Progress) -> Result<(), Error> {
        let what = content.title();
        let mut outcome = Err(Error::NotFound {
            registry: self.registry.to_string(),
            what: format!("content of {what} ({})", content.digest),
        });
        for url in self.api.sources(&content.digest, &what).await? {
            outcome = match download_url(&self.http, &self.store, &url, &content.digest, progress).await {
                Ok(()) => return Ok(()),
                Err(Error::DigestMismatch { expected, actual, origin, .. }) => {
                    Err(Error::DigestMismatch { what: what.clone(), expected, actual, origin })
                }
                Err(error) => Err(error),
            };
        }
        outcome
    }
}

impl Source for WargSource {
    fn versions<'a>(&'a self, package: &'a PackageRef) -> BoxFuture<'a, Result<Option<Vec<Listed>>, Error>> {
        self.list(package).boxed()
    }

    fn packages(&self) -> BoxFuture<'_, Result<Catalog, Error>> {
        catalog::catalog(&self.api).boxed()
    }

    fn release<'a>(
        &'a self,
        package: &'a PackageRef,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Option<ReleaseInfo>, Error>> {
        self.find(package, version).boxed()
    }

    /// There are no manifests, and a version never names other content.
    fn locked<'a>(
        &'a self,
        package: &'a PackageRef,
        version: &'a Version,
        _manifest: &'a ContentDigest,
    ) -> BoxFuture<'a, Result<Option<ReleaseInfo>, Error>> {
        self.find(package, version).boxed()
    }

    /// The digest says what the bytes must be, so no log is asked for; but what is stored must not contradict the
    /// signers that were locked.
    fn fetch<'a>(
        &'a self,
        content: &'a Content,
        progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            if let Some(signers) = &content.signers {
                self.pins.expect(&self.registry, &content.package, signers.clone());
                self.pins.check(&self.registry, &content.package, signers)?;
            }
            if let Some(name) = name_of(&content.package) {
                self.stored(&content.package, &name).await?;
            }
            self.bring(content, progress).await
        }
        .boxed()
    }

    fn publish<'a>(
        &'a self,
        publication: &'a Publication,
        _progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<Published, Error>> {
        self.add(publication).boxed()
    }

    fn yank<'a>(&'a self, yank: &'a Yank) -> BoxFuture<'a, Result<bool, Error>> {
        self.withdraw(yank).boxed()
    }
}

/// The package's name in warg, which has no capitals; `None` if it cannot be one.
fn name_of(package: &PackageRef) -> Option<PackageName> {
    PackageName::new(package.to_string()).ok()
}
