//! The way to one OCI registry.
//!
//! **Who makes which request.** All that is read is asked for here, over one pool of connections. Tag lists, manifests
//! and config objects are on the way of every resolution: `oci-client` hides the `Link` header, without which a list
//! of tags cannot be read to its end in the fewest requests; it reads manifests of any length into memory; and it
//! precedes every request to an open registry by one to `/v2/`. Layers are streamed here too: `oci-client` reads the
//! body of an error answer without a limit and hides the headers by which a broken download is gone on with. Blobs are
//! uploaded by our own requests as well, for the reasons that [`upload`](super::upload) gives. The manifest of a
//! publication, which makes it visible, is pushed by `oci-client`, which knows how registries differ in their answer
//! to it. It is given the authorization found here, so that it asks for none of its own.

use oci_client::client::ClientConfig;
use oci_client::secrets::RegistryAuth;
use oci_client::token_cache::{RegistryToken, RegistryTokenType};
use oci_client::{Client, Reference, RegistryOperation};
use tokio::sync::{OnceCell, Semaphore};
use url::Url;

use super::auth::{Action, Auth, Trial};
use super::settings::OciSettings;
use crate::credentials::{Authorization, Credential};
use crate::error::{Error, registry_title};
use crate::http::{Answer, Ask, Failure, Http};
use crate::retry::{is_busy, retry_after_seconds};
use crate::settings::{Environment, Network};
use crate::text::printable;

/// Requests in flight at one registry.
const PARALLEL: usize = 50;

/// One OCI registry.
pub(crate) struct Connection {
    host: String,
    /// The registry, for messages.
    title: String,
    base: Url,
    settings: OciSettings,
    network: Network,
    http: Http,
    auth: Auth,
    permits: Semaphore,
    client: OnceCell<Client>,
}

impl Connection {
    /// A connection to `host`, which may have a port, of the registry `name`. Makes no request.
    pub(crate) fn new(
        name: &str,
        host: &str,
        settings: OciSettings,
        http: Http,
        network: Network,
        environment: Environment,
    ) -> Result<Self, Error> {
        let unusable = || Error::UnusableRegistry {
            registry: printable(host, 100),
            reason: "its OCI host must be a host name with an optional port".to_owned(),
        };
        // `docker.io` is spoken to at another address; the client knows it.
        let address =
            Reference::with_tag(host.to_owned(), String::new(), String::new()).resolve_registry().to_owned();
        let base = Url::parse(&format!("{}://{address}/", settings.scheme())).map_err(|_| unusable())?;
        let is_plain_host = base.path() == "/"
            && base.query().is_none()
            && base.fragment().is_none()
            && base.username().is_empty()
            && base.password().is_none();
        if !is_plain_host {
            return Err(unusable());
        }
        let title = registry_title(name, host);
        let (credential, caution) = (settings.credential.clone(), settings.caution.clone());
        let auth = Auth::new(host, &title, base.clone(), credential, environment, caution);
        Ok(Self {
            host: host.to_owned(),
            title,
            base,
            settings,
            network,
            http,
            auth,
            permits: Semaphore::new(PARALLEL),
            client: OnceCell::new(),
        })
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The registry's name, and its host where that is another, for messages.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// Where the registry is: scheme, host and port.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Fails if no request may be made.
    pub(crate) fn online(&self, what: &str) -> Result<(), Error> {
        match &self.network {
            Network::Online => Ok(()),
            Network::Offline { because } => {
                Err(Error::Offline { what: what.to_owned(), because: because.clone() })
            }
        }
    }

    /// Tries a credential at the registry, and nothing else of the user's.
    pub(crate) async fn try_out(&self, credential: &Credential) -> Result<Trial, Error> {
        self.auth.try_out(&self.http, credential).await
    }

    /// A place among those who speak to the registry.
    pub(crate) async fn permit(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.permits.acquire().await.ok()
    }

    /// GET of `/v2/<repository>/<rest>`; `None`: the registry has no such thing. `what` is for messages.
    pub(crate) async fn get(&self, request: &Get<'_>) -> Result<Option<Answer>, Error> {
        let answer = self.ask(&self.url(request.repository, request.rest)?, request).await?;
        Ok(self.judge(&answer, request.what)?.then_some(answer))
    }

    /// GET of `url`, in place of what the request names; the answer as it is, unless access is refused.
    pub(crate) async fn ask(&self, url: &Url, request: &Get<'_>) -> Result<Answer, Error> {
        self.online(request.what)?;
        let _permit = self.permit().await;
        let mut budget = self.http.budget();
        let mut turn = self.auth.turn(request.repository, request.action);
        loop {
            let authorization = turn.authorization(&self.http, &mut budget).await?;
            let (accept, limit) = (request.accept, request.limit);
            let ask = Ask { url, accept, limit, authorization: authorization.as_ref() };
            let answer = self.http.get_within(&mut budget, ask).await;
            let answer = answer.map_err(|failure| self.failed(failure, request.what))?;
            if answer.status.as_u16() != 401 {
                return Ok(answer);
            }
            turn.refused(authorization, &answer.headers, request.what).await?;
        }
    }

    /// Whether the answer is what was asked for; `false`: the registry has no such thing.
    pub(crate) fn judge(&self, answer: &Answer, what: &str) -> Result<bool, Error> {
        let registry = self.title.clone();
        let what = what.to_owned();
        match answer.status.as_u16() {
            200 => Ok(true),
            404 => Ok(false),
            403 => Err(Error::Forbidden { registry, what, message: message(answer) }),
            status if is_busy(answer.status) => {
                Err(Error::Busy { registry, status, retry_after: retry_after_seconds(&answer.headers) })
            }
            status => {
                let said = message(answer);
                let reason = if said.is_empty() {
                    format!("its HTTP status is {status}")
                } else {
                    format!("its HTTP status is {status}, with \"{said}\"")
                };
                Err(Error::BadAnswer { registry, what, reason })
            }
        }
    }

    /// The URL of `/v2/<repository>/<rest>`; `rest` may have a query.
    pub(crate) fn url(&self, repository: &str, rest: &str) -> Result<Url, Error> {
        self.base.join(&format!("/v2/{repository}/{rest}")).map_err(|error| Error::UnusableRegistry {
            registry: self.title.clone(),
            reason: error.to_string(),
        })
    }

    pub(crate) fn failed(&self, failure: Failure, what: &str) -> Error {
        failure.at(&self.title, what)
    }

    /// `oci-client`, with the authorization for the reference's repository in its hands, and what that is.
    ///
    /// It takes tokens from its cache before it asks for any, but only for registries whose credentials it was told;
    /// a registry that it was told nothing about it speaks to openly. Told a bearer token, it never asks `/v2/`.
    pub(crate) async fn client(
        &self,
        reference: &Reference,
        action: Action,
    ) -> Result<(&Client, Option<Authorization>), Error> {
        self.online(reference.repository())?;
        let build = || async { self.build(self.settings.client(self.http.options())) };
        let client = self.client.get_or_try_init(build).await?;
        let turn = self.auth.turn(reference.repository(), action);
        let authorization = turn.authorization(&self.http, &mut self.http.budget()).await?;
        let operation = match action {
            Action::Pull | Action::List => RegistryOperation::Pull,
            Action::Push => RegistryOperation::Push,
        };
        let (known, token) = match &authorization {
            None => return Ok((client, None)),
            Some(Authorization::Basic { username, password }) => (
                RegistryAuth::Basic(username.clone(), password.expose().to_owned()),
                RegistryTokenType::Basic(username.clone(), password.expose().to_owned()),
            ),
            Some(Authorization::Bearer(token)) => (
                RegistryAuth::Bearer(token.expose().to_owned()),
                RegistryTokenType::Bearer(RegistryToken::Token { token: token.expose().to_owned() }),
            ),
        };
        client.store_auth_if_needed(reference.resolve_registry(), &known).await;
        client.tokens.insert(reference, operation, token).await;
        Ok((client, authorization))
    }

    fn build(&self, config: ClientConfig) -> Result<Client, Error> {
        Client::try_from(config).map_err(|_| Error::UnusableRegistry {
            registry: self.title.clone(),
            reason: "its TLS settings cannot be used".to_owned(),
        })
    }
}

/// A GET below a repository.
#[derive(Debug)]
pub(crate) struct Get<'a> {
    pub(crate) repository: &'a str,
    pub(crate) rest: &'a str,
    pub(crate) accept: &'a str,
    pub(crate) action: Action,
    /// The largest body in bytes.
    pub(crate) limit: u64,
    /// What is asked for, for messages.
    pub(crate) what: &'a str,
}

/// The message of a registry's error answer, fit to be shown; empty if there is none.
fn message(answer: &Answer) -> String {
    #[derive(serde::Deserialize)]
    struct Envelope {
        errors: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(default)]
        message: String,
    }
    let envelope: Option<Envelope> = answer.json("").ok();
    let first = envelope.and_then(|envelope| envelope.errors.into_iter().next());
    printable(&first.map(|entry| entry.message).unwrap_or_default(), 200)
}
