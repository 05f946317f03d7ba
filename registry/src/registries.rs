//! The handle on all registries: which one, from memory or from the network, once.
//!
//! ```text
//! packages ──► Source, always
//! versions ──► this process ──► record (listing_ttl; any age offline) ──► Source
//! release  ──► this process ──► record: version → manifest ──► store ──► Source
//! locked   ──► store (by the manifest's digest, for ever) ──► Source
//! ensure   ──► store (verified) ──► Source, into the store
//! fetch, read ──► store (verified), after ensure where it is missing or damaged
//! ```
//!
//! What is addressed by a digest is shared by all registries. What is addressed by a name — lists of versions, the
//! manifest of a version — is kept under the registry's name and the metadata that the configuration gives it, so that
//! a development registry never answers for the real one.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use serde::{Deserialize, Serialize};
use url::Url;
use wasm_pkg_common::digest::ContentDigest;
use wasm_pkg_common::package::{PackageRef, Version};
use wasm_pkg_common::registry::Registry;

use crate::config::Configuration;
use crate::download::download_url;
use crate::error::Error;
use crate::memo::{Flights, Memo};
use crate::metadata::{is_fresh, now};
use crate::oci::{artifact_in_store, packed, release_in_store};
use crate::places::{Place, Places};
use crate::settings::{Network, Progress, Settings};
use crate::source::{
    Catalog, Content, Listed, Listing, OciArtifact, Publication, Published, ReleaseInfo, Signers, Yank,
};
use crate::store::{Store, StoreError};
use crate::text::show_url;

const VERSIONS: &str = "versions";
const RELEASES: &str = "releases";
/// So many records are looked at for the names of packages.
const MAX_RECORDS: usize = 4096;

/// All registries, as the configuration has them. Cheap to clone.
#[derive(Clone)]
pub struct Registries {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    places: Places,
    store: Store,
    listings: Memo<Listing>,
    releases: Memo<Option<ReleaseInfo>>,
    flights: Flights,
}

#[derive(Serialize, Deserialize)]
struct VersionsRecord {
    at: u64,
    versions: Vec<Listed>,
}

#[derive(Serialize, Deserialize)]
struct ReleaseRecord {
    at: u64,
    manifest: ContentDigest,
}

impl Registries {
    /// Reads the configuration and opens the store. Makes no request.
    pub async fn open(settings: Settings) -> Result<Self, Error> {
        let opened = tokio::task::spawn_blocking(move || {
            let configuration = Configuration::read(&settings)?;
            let store = match settings.network {
                Network::Online => Store::open(settings.cache_dir.clone())
                    .map_err(|error| Error::of_store(error, "the local store"))?,
                // There is nothing to fetch, and so maybe nothing to store.
                Network::Offline { .. } => Store::as_it_is(settings.cache_dir.clone()),
            };
            Ok::<_, Error>((settings, configuration, store))
        });
        let (settings, configuration, store) = opened.await.map_err(std::io::Error::other)??;
        let inner = Inner {
            places: Places::new(configuration, &settings, store.clone()),
            settings,
            store,
            listings: Memo::default(),
            releases: Memo::default(),
            flights: Flights::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The registry of a package, by wkg's rules; `None` if none is configured.
    pub fn registry_of(&self, package: &PackageRef) -> Option<Registry> {
        self.inner.places.registry_of(package)
    }

    /// The registry that a mapping of the package or of its namespace names; no default counts.
    pub fn mapped_registry_of(&self, package: &PackageRef) -> Option<Registry> {
        self.inner.places.mapped_registry_of(package)
    }

    /// Expects these signers of a package of a warg registry, because a lockfile says so: whatever its log is read
    /// for from now on, other keys are an error, also where nothing was known of the registry.
    pub fn expect_signers(&self, registry: &Registry, package: &PackageRef, signers: Signers) {
        self.inner.places.pins().expect(registry, package, signers);
    }

    /// The content store.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The releases of a package.
    pub async fn versions(&self, package: &PackageRef, registry: &Registry) -> Result<Listing, Error> {
        let place = self.inner.places.place(package, registry)?;
        let key = place.key(&[&package.to_string()]);
        self.inner.listings.get_or_try(&key, || self.inner.ask_versions(&place, package, &key)).await
    }

    /// What the registries have, all asked at once: those that the configuration maps packages to, or this one. A
    /// registry is in the answer once for each way in which packages see it, and then with the packages that do. One
    /// that fails does not keep the others from answering.
    pub async fn packages(
        &self,
        registry: Option<&Registry>,
    ) -> Result<Vec<(Registry, Result<Catalog, Error>)>, Error> {
        let asked = self.inner.places.to_search(registry)?.into_iter().map(|(registry, place)| async move {
            let catalog = match place {
                Ok(place) => self.inner.ask_packages(&place).await,
                Err(error) => Err(error),
            };
            (registry, catalog)
        });
        Ok(futures::future::join_all(asked).await)
    }

    /// Packages whose names are known without a request: those of folders, and those whose versions somebody has asked
    /// for. For hints and completion only; there may be others, and some may be gone.
    pub async fn known_packages(&self) -> BTreeSet<PackageRef> {
        let mut known = BTreeSet::new();
        for (_, place) in self.inner.places.to_search(None).unwrap_or_default() {
            let Ok(place) = place else { continue };
            if place.is_folder()
                && let Ok(Catalog::Found { packages, .. }) = self.inner.ask_packages(&place).await
            {
                known.extend(packages);
            }
        }
        let keys = self.store().keys(VERSIONS, MAX_RECORDS).await;
        // The last line of a key is the package, as `Place::key` is called for it.
        known.extend(keys.iter().filter_map(|key| key.rsplit('\n').next()?.parse().ok()));
        known
    }

    /// The registries that the configuration maps packages to.
    pub fn mapped(&self) -> Vec<Registry> {
        let mut mapped: Vec<Registry> = Vec::new();
        for (registry, _) in self.inner.places.to_search(None).unwrap_or_default() {
            if !mapped.contains(&registry) {
                mapped.push(registry);
            }
        }
        mapped
    }

    /// What is known of a release; `None` if there is no such release.
    pub async fn release(
        &self,
        package: &PackageRef,
        version: &Version,
        registry: &Registry,
    ) -> Result<Option<ReleaseInfo>, Error> {
        let place = self.inner.places.place(package, registry)?;
        let key = place.key(&[&package.to_string(), &version.to_string()]);
        self.inner.releases.get_or_try(&key, || self.inner.ask_release(&place, package, version, &key)).await
    }

    /// What is known of the release that had this manifest when it was locked: by digest, whatever the version names
    /// now. `None` if neither the manifest nor the version exists any more; [`Error::TagMoved`] if the manifest is
    /// gone and the version names another. Registries without manifests answer for the version.
    pub async fn release_by_manifest(
        &self,
        package: &PackageRef,
        version: &Version,
        registry: &Registry,
        manifest: &ContentDigest,
    ) -> Result<Option<ReleaseInfo>, Error> {
        let place = self.inner.places.place(package, registry)?;
        if place.is_folder() {
            return self.release(package, version, registry).await;
        }
        let key = place.key(&[&package.to_string(), &version.to_string(), &manifest.to_string()]);
        let ask = || async {
            if let Some(release) = release_in_store(self.store(), manifest).await {
                return Ok(Some(release));
            }
            self.inner.places.source(&place).await?.locked(package, version, manifest).await
        };
        self.inner.releases.get_or_try(&key, ask).await
    }

    /// Brings the Wasm of a release into the store, verified, unless it is there and sound. Its size does not matter
    /// for the memory. Tasks that want the same content of one registry share a download.
    pub async fn ensure(&self, content: &Content) -> Result<(), Error> {
        let (inner, content) = (Arc::clone(&self.inner), content.clone());
        let key = format!("{}\n{}", content.digest, content.registry);
        self.inner.flights.join(key, || async move { inner.bring(&content).await }.boxed()).await
    }

    /// Brings a file by URL into the store, verified against its digest. https, or http from this machine; at most
    /// [`LAYER_LIMIT`](crate::LAYER_LIMIT) bytes.
    pub async fn ensure_url(&self, url: &Url, digest: &ContentDigest) -> Result<(), Error> {
        let (inner, url, digest) = (Arc::clone(&self.inner), url.clone(), digest.clone());
        let key = format!("{digest}\n{url}");
        self.inner.flights.join(key, || async move { inner.bring_url(&url, &digest).await }.boxed()).await
    }

    /// The Wasm of a release, verified: from the store if it is there and sound, else downloaded into it.
    pub async fn fetch(&self, content: &Content) -> Result<Bytes, Error> {
        let get = || self.store().get(&content.digest);
        self.inner.stored(&content.title(), get, self.ensure(content)).await
    }

    /// A file by URL, as [`fetch`](Self::fetch) and [`ensure_url`](Self::ensure_url).
    pub async fn fetch_url(&self, url: &Url, digest: &ContentDigest) -> Result<Bytes, Error> {
        let get = || self.store().get(digest);
        self.inner.stored(&shown(url), get, self.ensure_url(url, digest)).await
    }

    /// What `work` makes of the Wasm of a release, which it gets as a stream; of verified bytes only, as
    /// [`Store::read`] says. Downloads it first where it is missing or damaged.
    pub async fn read<T: Send + 'static>(
        &self,
        content: &Content,
        work: fn(&mut dyn Read) -> T,
    ) -> Result<T, Error> {
        let read = || self.store().read(&content.digest, work);
        self.inner.stored(&content.title(), read, self.ensure(content)).await
    }

    /// What `work` makes of a file by URL, as [`read`](Self::read).
    pub async fn read_url<T: Send + 'static>(
        &self,
        url: &Url,
        digest: &ContentDigest,
        work: fn(&mut dyn Read) -> T,
    ) -> Result<T, Error> {
        let read = || self.store().read(digest, work);
        self.inner.stored(&shown(url), read, self.ensure_url(url, digest)).await
    }

    /// The manifest and the config object that a release had when it was locked, from the store if it has them; `None`
    /// if they are gone, or if there are none in its kind of registry.
    pub async fn artifact(&self, content: &Content) -> Result<Option<OciArtifact>, Error> {
        let Some(manifest) = &content.manifest else {
            return Ok(None);
        };
        if let Some(artifact) = artifact_in_store(self.store(), manifest).await {
            return Ok(Some(artifact));
        }
        let place = self.inner.places.place(&content.package, &content.registry)?;
        self.inner.places.source(&place).await?.artifact(content).await
    }

    /// The manifest and the config object that publishing would make in an OCI registry.
    pub fn packed(&self, publication: &Publication) -> Result<OciArtifact, Error> {
        packed(publication, self.inner.places.epoch())
    }

    /// Publishes a release. A version that exists is never replaced, a pre-release neither; the very same content
    /// under the same version is no error.
    pub async fn publish(&self, publication: &Publication, registry: &Registry) -> Result<Published, Error> {
        let (package, version) = (&publication.package, &publication.version);
        let place = self.inner.places.place(package, registry)?;
        self.writable(&place, || format!("to publish {}", publication.title()))?;
        let progress = self.inner.settings.progress.as_ref();
        let published = self.inner.places.source(&place).await?.publish(publication, progress).await;
        // Also after a failure: what is there now is not known.
        self.forget(&place, package, version).await?;
        published
    }

    /// Withdraws a release, or offers it again; `false` if it was so already. [`Error::NotFound`] if there is no such
    /// release.
    pub async fn yank(&self, yank: &Yank, registry: &Registry) -> Result<bool, Error> {
        let place = self.inner.places.place(&yank.package, registry)?;
        self.writable(&place, || format!("to yank {}", yank.title()))?;
        let changed = self.inner.places.source(&place).await?.yank(yank).await;
        self.forget(&place, &yank.package, &yank.version).await?;
        changed
    }

    /// Fails if the place is on the network, and that may not be used.
    fn writable(&self, place: &Place, what: impl Fn() -> String) -> Result<(), Error> {
        match self.offline() {
            Some(because) if !place.is_folder() => {
                Err(Error::OfflineWrite { what: what(), because: because.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Forgets what was remembered of a release and of the list that it is in.
    async fn forget(&self, place: &Place, package: &PackageRef, version: &Version) -> Result<(), Error> {
        for (table, key) in [
            (VERSIONS, place.key(&[&package.to_string()])),
            (RELEASES, place.key(&[&package.to_string(), &version.to_string()])),
        ] {
            self.inner.listings.forget(&key);
            self.inner.releases.forget(&key);
            self.inner.store.forget(table, &key).await.map_err(|error| Error::of_store(error, "a record"))?;
        }
        Ok(())
    }
}

impl Registries {
    /// The content, from the store or after `bring` has put it there.
    pub(crate) async fn fetch_with(
        &self,
        content: &Content,
        bring: impl Future<Output = Result<(), Error>>,
    ) -> Result<Bytes, Error> {
        let get = || self.store().get(&content.digest);
        let title = content.title();
        let bring = self.inner.bring_with(&content.digest, &title, bring);
        self.inner.stored(&title, get, bring).await
    }

    pub(crate) fn places(&self) -> &Places {
        &self.inner.places
    }

    /// Who is told what goes on.
    pub fn progress(&self) -> &dyn Progress {
        self.inner.settings.progress.as_ref()
    }

    /// What forbids requests, in the words of the settings, if something does.
    pub fn offline(&self) -> Option<&str> {
        self.inner.offline()
    }
}

impl Inner {
    fn offline(&self) -> Option<&str> {
        match &self.settings.network {
            Network::Online => None,
            Network::Offline { because } => Some(because),
        }
    }

    async fn ask_versions(&self, place: &Place, package: &PackageRef, key: &str) -> Result<Listing, Error> {
        let is_remote = !place.is_folder();
        if is_remote {
            let record: Option<VersionsRecord> = self.store.recall(VERSIONS, key).await;
            let usable = record.filter(|record| self.is_usable(record.at));
            if let Some(record) = usable {
                return Ok(Listing::Found(record.versions));
            }
        }
        let versions = match self.places.source(place).await?.versions(package).await {
            Ok(Some(versions)) => versions,
            Ok(None) => return Ok(Listing::NotFound),
            Err(Error::Offline { .. }) => return Ok(Listing::Offline),
            Err(error) => return Err(error),
        };
        if is_remote {
            self.remember(VERSIONS, key, &VersionsRecord { at: now(), versions: versions.clone() }).await;
        }
        Ok(Listing::Found(versions))
    }

    async fn ask_packages(&self, place: &Place) -> Result<Catalog, Error> {
        if self.offline().is_some() && !place.is_folder() {
            return Ok(Catalog::Offline);
        }
        let mut catalog = self.places.source(place).await?.packages().await?;
        if let Catalog::Found { packages, .. } = &mut catalog {
            packages.retain(|package| self.places.is_seen_by(place, package));
            packages.sort();
            packages.dedup();
        }
        Ok(catalog)
    }

    async fn ask_release(
        &self,
        place: &Place,
        package: &PackageRef,
        version: &Version,
        key: &str,
    ) -> Result<Option<ReleaseInfo>, Error> {
        let is_remote = !place.is_folder();
        if is_remote {
            let record: Option<ReleaseRecord> = self.store.recall(RELEASES, key).await;
            if let Some(record) = record.filter(|record| self.is_usable(record.at)) {
                if let Some(release) = release_in_store(&self.store, &record.manifest).await {
                    return Ok(Some(release));
                }
                let known = self.places.source(place).await?.locked(package, version, &record.manifest).await;
                // A manifest that is gone is no news about the version: that is asked below.
                if !matches!(known, Ok(None) | Err(Error::TagMoved { .. })) {
                    return known;
                }
            }
        }
        let release = self.places.source(place).await?.release(package, version).await?;
        if let Some(manifest) = release.as_ref().and_then(|release| release.manifest.clone()) {
            self.remember(RELEASES, key, &ReleaseRecord { at: now(), manifest }).await;
        }
        Ok(release)
    }

    /// Whether a record of time `at` may be used without asking again.
    fn is_usable(&self, at: u64) -> bool {
        self.offline().is_some() || is_fresh(at, self.settings.listing_ttl)
    }

    async fn remember<T: Serialize>(&self, table: &str, key: &str, value: &T) {
        if let Err(error) = self.store.remember(table, key, value).await {
            tracing::warn!("an answer could not be remembered: {error}");
        }
    }

    async fn bring(&self, content: &Content) -> Result<(), Error> {
        let bring = async {
            let place = self.places.place(&content.package, &content.registry)?;
            self.places.source(&place).await?.fetch(content, self.settings.progress.as_ref()).await
        };
        self.bring_with(&content.digest, &content.title(), bring).await
    }

    async fn bring_url(&self, url: &Url, digest: &ContentDigest) -> Result<(), Error> {
        let what = shown(url);
        let bring = async {
            if let Some(because) = self.offline() {
                return Err(Error::Offline { what: what.clone(), because: because.to_owned() });
            }
            download_url(self.places.http(), &self.store, url, digest, self.settings.progress.as_ref()).await
        };
        self.bring_with(digest, &what, bring).await
    }

    /// Lets `bring` put the content into the store if it is missing or damaged there.
    async fn bring_with(
        &self,
        digest: &ContentDigest,
        what: &str,
        bring: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Error> {
        let damaged = match self.store.contains(digest).await {
            Ok(true) => return Ok(()),
            Ok(false) => None,
            Err(StoreError::Damaged { path, .. }) => Some(path),
            Err(error) => return Err(Error::of_store(error, what)),
        };
        match (bring.await, damaged) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(path)) => {
                tracing::warn!("the stored file {} was damaged, and was fetched again", path.display());
                Ok(())
            }
            (Err(Error::Offline { because, .. }), Some(path)) => {
                Err(Error::DamagedStore { what: what.to_owned(), path, because })
            }
            (Err(error), _) => Err(error),
        }
    }

    /// What `read` finds in the store, after `ensure` has brought it there if it is missing or damaged.
    async fn stored<T, F>(
        &self,
        what: &str,
        read: impl Fn() -> F,
        ensure: impl Future<Output = Result<(), Error>>,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<Option<T>, StoreError>>,
    {
        match read().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) | Err(StoreError::Damaged { .. }) => ensure.await?,
            Err(error) => return Err(Error::of_store(error, what)),
        }
        match read().await.map_err(|error| Error::of_store(error, what))? {
            Some(found) => Ok(found),
            None => Err(std::io::Error::other(format!("{what} vanished from the local store")).into()),
        }
    }
}

/// A URL in messages.
fn shown(url: &Url) -> String {
    format!("`{}`", show_url(url))
}
