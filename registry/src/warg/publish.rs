//! Publishing and withdrawing: records that the author signs.
//!
//! `warg-client` makes the record, signs it, uploads the content and waits until a checkpoint has it. It is given
//! nothing to remember and nothing to find: its storages are empty, and the only content is the one to upload. What
//! the record builds on is the head that *we* have verified, so that it cannot be put on top of a forged log; and
//! when it is done, the log is read and proven once more, because the client's word for it is not enough. The client
//! runs in a task of its own, so that its panics are errors, and within a time limit, for it has none.

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Stream, TryStreamExt as _};
use indexmap::{IndexMap, IndexSet};
use warg_api::v1::package::PackageError;
use warg_client::storage::{
    ContentStorage, NamespaceMapStorage, OperatorInfo, PackageInfo, PublishEntry, PublishInfo,
    RegistryDomain, RegistryStorage,
};
use warg_client::{Client, ClientError, api};
use warg_crypto::hash::AnyHash;
use warg_crypto::signing::PrivateKey;
use warg_protocol::SerdeEnvelope;
use warg_protocol::package::Permission;
use warg_protocol::registry::{PackageName, TimestampedCheckpoint};
use wasm_pkg_common::package::{PackageRef, Version};

use super::read::Proven;
use super::{WargSource, name_of};
use crate::LAYER_LIMIT;
use crate::error::Error;
use crate::source::{Publication, Published, Yank};
use crate::text::{is_loopback, printable};
use crate::upload::Upload;

/// A registry may take so many times a request's budget to take the content and to make a checkpoint of it.
const BUDGETS: u32 = 10;
/// How often the client looks whether there is a checkpoint.
const INTERVAL: Duration = Duration::from_millis(200);

/// What is done to a release.
#[derive(Clone, Copy)]
enum Act {
    Release,
    Yank,
}

impl WargSource {
    pub(super) async fn add(&self, publication: &Publication) -> Result<Published, Error> {
        let (package, version) = (&publication.package, &publication.version);
        let unpublishable = |reason: &str| Error::Unpublishable {
            package: package.clone().into(),
            version: version.clone().into(),
            reason: reason.to_owned(),
        };
        let Some(name) = name_of(package) else {
            return Err(unpublishable("the names of a warg registry have no capitals"));
        };
        if publication.content.size() == 0 {
            return Err(unpublishable("it is empty"));
        }
        if publication.content.size() > LAYER_LIMIT {
            return Err(Error::TooLarge { what: publication.title(), limit: LAYER_LIMIT });
        }
        self.api.online(&publication.title())?;
        let digest = publication.content.digest().clone();
        let published = |already_there| Published { digest: digest.clone(), manifest: None, already_there };
        let known = self.anew(package, &name).await?;
        if let Some(there) = known.as_ref().and_then(|known| known.log.content(version)) {
            let is_offered = known
                .as_ref()
                .and_then(|known| known.log.state().release(version))
                .is_some_and(|release| !release.yanked());
            return match (*there == digest, is_offered) {
                (true, true) => Ok(published(true)),
                (true, false) => {
                    Err(unpublishable("it was withdrawn, and a warg registry offers nothing twice"))
                }
                (false, _) => Err(Error::AlreadyExists {
                    package: package.clone().into(),
                    version: version.clone().into(),
                    registry: self.registry.to_string(),
                    digest: Some(there.clone()),
                }),
            };
        }
        let hash: AnyHash =
            digest.to_string().parse().map_err(|_| unpublishable("its digest is not one of warg"))?;
        let release = PublishEntry::Release { version: version.clone(), content: hash.clone() };
        let content = Some((hash, publication.content.clone()));
        self.submit(package, version, &name, known, Act::Release, release, content).await?;
        let now = self.anew(package, &name).await?;
        if now.is_some_and(|now| now.log.content(version) == Some(&digest)) {
            Ok(published(false))
        } else {
            Err(self.not_shown(&publication.title()))
        }
    }

    /// Withdraws a release; `false` if it is withdrawn already.
    pub(crate) async fn withdraw(&self, yank: &Yank) -> Result<bool, Error> {
        let (package, version) = (&yank.package, &yank.version);
        let what = format!("{package} {version}");
        let unable = |reason: &str| Error::Unyankable {
            package: package.clone().into(),
            version: version.clone().into(),
            reason: reason.to_owned(),
        };
        if yank.undo {
            return Err(unable("a warg registry cannot offer a withdrawn release again"));
        }
        if yank.reason.is_some() {
            return Err(unable("a warg registry keeps no reason"));
        }
        self.api.online(&what)?;
        let missing = || Error::NotFound { registry: self.registry.to_string(), what: what.clone() };
        let name = name_of(package).ok_or_else(missing)?;
        let known = self.anew(package, &name).await?;
        let release = known.as_ref().and_then(|known| known.log.state().release(version));
        if release.ok_or_else(missing)?.yanked() {
            return Ok(false);
        }
        let entry = PublishEntry::Yank { version: version.clone() };
        self.submit(package, version, &name, known, Act::Yank, entry, None).await?;
        let now = self.anew(package, &name).await?;
        let release = now.as_ref().and_then(|now| now.log.state().release(version));
        if release.is_some_and(warg_protocol::package::Release::yanked) {
            Ok(true)
        } else {
            Err(self.not_shown(&what))
        }
    }

    async fn anew(&self, package: &PackageRef, name: &PackageName) -> Result<Option<Proven>, Error> {
        self.forget(name).await;
        self.current(package, name).await
    }

    fn not_shown(&self, what: &str) -> Error {
        self.api.bad_answer(what, "it took the record but does not show it")
    }

    #[expect(clippy::too_many_arguments, reason = "one record: whose, on what, which, with what")]
    async fn submit(
        &self,
        package: &PackageRef,
        version: &Version,
        name: &PackageName,
        known: Option<Proven>,
        act: Act,
        entry: PublishEntry,
        content: Option<(AnyHash, Upload)>,
    ) -> Result<(), Error> {
        self.check_proxy()?;
        let key = self.signing_key().await?;
        let mut entries = vec![entry];
        let head = if let Some(known) = &known {
            self.check_key(package, known, &key, act)?;
            known.log.state().head().as_ref().map(|head| head.digest.clone())
        } else {
            entries.insert(0, PublishEntry::Init);
            None
        };
        let info = PublishInfo { name: name.clone(), head, entries };
        let settings = self.api.settings();
        let token = settings.token.as_ref().map(|(token, _)| token.expose().to_owned().into());
        let scratch = || Scratch(content.clone());
        let client = Client::new(
            settings.url.clone(),
            scratch(),
            scratch(),
            scratch(),
            token,
            true,
            true,
            true,
            true,
            None,
            IndexSet::new(),
        )
        .map_err(|error| {
            self.api.bad_answer(&format!("{package} {version}"), &printable(&error.to_string(), 200))
        })?;
        let name = name.clone();
        let mut task = tokio::spawn(async move {
            let record = client.publish_with_info(&key, info).await?;
            client.wait_for_publish(&name, &record, INTERVAL).await
        });
        let Ok(outcome) = tokio::time::timeout(self.api.budget() * BUDGETS, &mut task).await else {
            task.abort();
            return Err(Error::Unreachable {
                registry: self.registry.to_string(),
                reason: "it did not finish in time".to_owned(),
                speaks_plain: false,
            });
        };
        match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.of_client(error, package, version)),
            Err(_) => Err(self.api.bad_answer(&format!("{package} {version}"), "warg-client stopped at it")),
        }
    }

    async fn signing_key(&self) -> Result<PrivateKey, Error> {
        let (settings, environment) = (self.api.settings().clone(), self.environment.clone());
        let find = move || settings.signing_key(&environment);
        tokio::task::spawn_blocking(find).await.map_err(std::io::Error::other)?
    }

    /// The client takes its proxy from the process's environment and cannot be told that this machine is reached
    /// without one.
    fn check_proxy(&self) -> Result<(), Error> {
        let set = |name: &&str| self.environment.get(name).is_some();
        let proxies = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
        let url = &self.api.settings().url;
        let host = url.host_str().unwrap_or_default();
        let is_direct = ["NO_PROXY", "no_proxy"]
            .iter()
            .filter_map(|name| self.environment.get(name))
            .any(|direct| direct.split(',').any(|entry| matches!(entry.trim(), "*") || entry.trim() == host));
        match proxies.iter().find(|name| set(name)) {
            Some(variable) if is_loopback(url) && !is_direct => Err(Error::UnusableRegistry {
                registry: self.registry.to_string(),
                reason: format!(
                    "what is published would go to the proxy of `{variable}` instead of this machine; add `{host}` to \
                     `NO_PROXY`"
                ),
            }),
            _ => Ok(()),
        }
    }

    /// Better told before anything is uploaded.
    fn check_key(
        &self,
        package: &PackageRef,
        known: &Proven,
        key: &PrivateKey,
        act: Act,
    ) -> Result<(), Error> {
        let id = key.public_key().fingerprint();
        let permission = match act {
            Act::Release => Permission::Release,
            Act::Yank => Permission::Yank,
        };
        let permissions = known.log.state().key_permissions(&id);
        if permissions.is_some_and(|permissions| permissions.contains(&permission)) {
            return Ok(());
        }
        Err(Error::KeyRefused {
            package: package.clone().into(),
            registry: self.registry.to_string(),
            key: id.to_string(),
            may_not: match act {
                Act::Release => "publish",
                Act::Yank => "withdraw",
            },
            author: known.signers.author.clone(),
        })
    }

    fn of_client(&self, error: ClientError, package: &PackageRef, version: &Version) -> Error {
        let (registry, what) = (self.registry.to_string(), format!("{package} {version}"));
        let unreachable = |reason: &str| Error::Unreachable {
            registry: registry.clone(),
            reason: reason.to_owned(),
            speaks_plain: false,
        };
        let refused = |reason: &str| Error::Unpublishable {
            package: package.clone().into(),
            version: version.clone().into(),
            reason: format!("registry `{registry}` refused it: {}", printable(reason, 300)),
        };
        match error {
            ClientError::Unauthorized(message) => {
                Error::Forbidden { registry, what, message: printable(&message, 300) }
            }
            ClientError::PublishRejected { reason, .. } => refused(&reason),
            ClientError::Api(api::ClientError::Communication(error)) if error.is_timeout() => {
                unreachable("it did not answer in time")
            }
            ClientError::Api(api::ClientError::Communication(error)) if error.is_connect() => {
                unreachable("there was no connection")
            }
            ClientError::Api(api::ClientError::Communication(_)) => unreachable("the connection broke"),
            ClientError::Api(api::ClientError::Package(
                error @ PackageError::Message { status: 400..500, .. },
            )) => refused(&error.to_string()),
            ClientError::Api(api::ClientError::Package(PackageError::Message { status, .. })) => {
                Error::Busy { registry, status, retry_after: None }
            }
            ClientError::Api(api::ClientError::Package(error)) => refused(&error.to_string()),
            ClientError::Api(api::ClientError::UnexpectedResponse { status, .. }) => match status.as_u16() {
                401 => self.api.unauthorized(&what),
                403 => Error::Forbidden { registry, what, message: String::new() },
                status @ (429 | 500..) => Error::Busy { registry, status, retry_after: None },
                status => self.api.bad_answer(&what, &format!("its HTTP status is {status}")),
            },
            error => self.api.bad_answer(&what, &printable(&error.to_string(), 300)),
        }
    }
}

/// The storages of a client that remembers nothing, and uploads one content.
#[derive(Clone)]
struct Scratch(Option<(AnyHash, Upload)>);

type Pieces = Pin<Box<dyn Stream<Item = anyhow::Result<Bytes>> + Send + Sync>>;

#[async_trait]
impl RegistryStorage for Scratch {
    async fn reset(&self, _all_registries: bool) -> anyhow::Result<()> {
        Ok(())
    }

    async fn load_checkpoint(
        &self,
        _registry: Option<&RegistryDomain>,
    ) -> anyhow::Result<Option<SerdeEnvelope<TimestampedCheckpoint>>> {
        Ok(None)
    }

    async fn store_checkpoint(
        &self,
        _registry: Option<&RegistryDomain>,
        _checkpoint: &SerdeEnvelope<TimestampedCheckpoint>,
    ) -> anyhow::Result<()> {
        Ok(())
    }

    async fn load_operator(
        &self,
        _registry: Option<&RegistryDomain>,
    ) -> anyhow::Result<Option<OperatorInfo>> {
        Ok(None)
    }

    async fn store_operator(
        &self,
        _registry: Option<&RegistryDomain>,
        _operator: OperatorInfo,
    ) -> anyhow::Result<()> {
        Ok(())
    }

    async fn load_all_packages(&self) -> anyhow::Result<IndexMap<RegistryDomain, Vec<PackageInfo>>> {
        Ok(IndexMap::new())
    }

    async fn load_package(
        &self,
        _registry: Option<&RegistryDomain>,
        _package: &PackageName,
    ) -> anyhow::Result<Option<PackageInfo>> {
        Ok(None)
    }

    async fn store_package(
        &self,
        _registry: Option<&RegistryDomain>,
        _info: &PackageInfo,
    ) -> anyhow::Result<()> {
        Ok(())
    }

    async fn load_publish(&self) -> anyhow::Result<Option<PublishInfo>> {
        Ok(None)
    }

    async fn store_publish(&self, _info: Option<&PublishInfo>) -> anyhow::Result<()> {
        Ok(())
    }
}

#[async_trait]
impl ContentStorage for Scratch {
    async fn clear(&self) -> anyhow::Result<()> {
        Ok(())
    }

    fn content_location(&self, _digest: &AnyHash) -> Option<PathBuf> {
        None
    }

    async fn load_content(&self, digest: &AnyHash) -> anyhow::Result<Option<Pieces>> {
        let content = self.0.as_ref().filter(|(there, _)| there == digest);
        Ok(content.map(|(_, content)| Box::pin(content.stream(|_| {}).map_err(Into::into)) as Pieces))
    }

    async fn store_content(&self, _stream: Pieces, _expected: Option<&AnyHash>) -> anyhow::Result<AnyHash> {
        anyhow::bail!("this client downloads nothing")
    }
}

#[async_trait]
impl NamespaceMapStorage for Scratch {
    async fn load_namespace_map(&self) -> anyhow::Result<Option<IndexMap<String, String>>> {
        Ok(None)
    }

    async fn reset_namespaces(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn store_namespace(&self, _namespace: String, _domain: RegistryDomain) -> anyhow::Result<()> {
        Ok(())
    }
}
