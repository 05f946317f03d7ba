//! Logging in and out: credentials that are tried first, and then kept where Docker and wkg look for them.
//!
//! wkg has no place of its own for credentials of users who log in; it reads Docker's `config.json`, as we do. So that
//! one place serves all three: what `docker login` stored we use, and what is stored here Docker and wkg use.

use wasm_pkg_common::registry::Registry;

use crate::credentials::{Credential, bearer, find};
use crate::docker::{DockerConfig, server_of};
use crate::error::Error;
use crate::oci::{OciSettings, Trial};
use crate::registries::Registries;

/// Where a login goes.
#[derive(Clone, Debug)]
pub struct LoginTarget {
    pub(crate) registry: Registry,
    pub(crate) host: String,
    pub(crate) settings: OciSettings,
}

impl LoginTarget {
    /// The host that gets the credentials, with its port if it has one: the registry itself, or the OCI registry that
    /// the configuration or the registry's metadata puts behind its name.
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// What a login did.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// Where the credentials are now, in words.
    pub stored_in: String,
    /// Whether the registry was asked; one that lets everyone in does not look at credentials.
    pub tried: bool,
    /// What is used in place of these credentials, in words, if something is.
    pub shadowed_by: Option<String>,
}

/// What a logout did.
#[derive(Clone, Debug)]
pub struct LoggedOut {
    /// The host.
    pub host: String,
    /// Where credentials were removed from, in words; `None`: there were none.
    pub removed_from: Option<String>,
}

impl Registries {
    /// Where a login at `registry`, a name of the configuration or a host, goes. Asks the registry for its metadata,
    /// where neither the configuration nor the store has it. Fails where no credentials may be sent.
    pub async fn login_target(&self, registry: &Registry) -> Result<LoginTarget, Error> {
        let target = self.places().login_target(registry).await?;
        let no_login = |reason: &str, hint: &str| Error::NoLogin {
            registry: target.host.clone(),
            reason: reason.to_owned(),
            hint: Some(hint.to_owned()),
        };
        if let Some(because) = self.offline() {
            return Err(no_login(because, "credentials are tried before they are stored"));
        }
        if let Some(caution) = &target.settings.caution {
            return Err(no_login(caution, "if that is right, say so in your own config.toml of wkg"));
        }
        Ok(target)
    }

    /// Tries the credential at the target and, if it is taken there, stores it.
    pub async fn login(&self, target: &LoginTarget, credential: &Credential) -> Result<LoggedIn, Error> {
        let trial = self.places().login_connection(target)?.try_out(credential).await?;
        if trial == Trial::Refused {
            return Err(Error::CredentialsRefused { registry: target.host.clone() });
        }
        Ok(LoggedIn {
            stored_in: self.store_credential(&target.host, credential).await?,
            tried: trial == Trial::Accepted,
            shadowed_by: match bearer(&target.host, self.places().environment()) {
                Some((_, origin)) => Some(origin),
                None => target
                    .settings
                    .credential
                    .is_some()
                    .then(|| "`auth` in the registry configuration".into()),
            },
        })
    }

    /// Removes what is stored for `registry`.
    pub async fn logout(&self, registry: &Registry) -> Result<LoggedOut, Error> {
        let LoginTarget { host, .. } = self.places().login_target(registry).await?;
        let server = server_of(&host).to_owned();
        let environment = self.places().environment().clone();
        let asked = host.clone();
        let (found, config) = tokio::task::spawn_blocking(move || {
            (find(&asked, None, &environment), DockerConfig::read(&environment))
        })
        .await
        .map_err(std::io::Error::other)?;
        let mut config = config?;
        let mut place = format!("`{}`", config.path().display());
        if let Some(helper) = config.helper(&server)?
            && found.credential.is_some()
        {
            helper.erase(&server).await?;
            place = helper.place();
        }
        let had_entry = config.remove(&server)?;
        if had_entry {
            blocking(move || config.write()).await?;
        }
        let removed = had_entry || found.credential.is_some();
        Ok(LoggedOut { host, removed_from: removed.then_some(place) })
    }

    async fn store_credential(&self, host: &str, credential: &Credential) -> Result<String, Error> {
        let server = server_of(host);
        let environment = self.places().environment().clone();
        let mut config = blocking(move || DockerConfig::read(&environment)).await?;
        let helper = config.helper(server)?;
        let place = match &helper {
            Some(helper) => {
                helper.store(server, credential).await?;
                helper.place()
            }
            None => format!("`{}`", config.path().display()),
        };
        config.set(server, helper.is_none().then_some(credential))?;
        blocking(move || config.write()).await?;
        Ok(place)
    }
}

/// Runs `work` off the async threads: it reads and writes files.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}
