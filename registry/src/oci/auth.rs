//! One exchange per registry, however many packages and tasks.
//!
//! The first request to a registry is preceded by one to `/v2/`, whose answer says how it wants to be spoken to:
//! openly, with a password in every request (`Basic`), or with tokens of a token server (`Bearer`). Tokens are kept
//! by repository and action, and each is asked for once, whoever waits for it. Many token servers hand out tokens
//! that are good for more than the repository named: a token that is a JWT says so in its `access` claim, and one
//! without the claim is taken to be good for all until the registry refuses it. Therefore the first exchange at a
//! registry is made alone, and those who waited look at its token before they ask for one of their own.
//!
//! `oci-client` has all this too, but asks `/v2/` again for every request to an open registry and fetches a token for
//! every task that asks at once; it is given the credentials that were found here (see
//! [`Connection::client`](super::connection::Connection)).
//!
//! A password is sent to the registry itself and to its token server, which must be reached over https, on this
//! machine, or over http at the registry's own host if the configuration lets the registry itself be spoken to so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http_auth::ChallengeRef;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use tokio::sync::OnceCell;
use url::Url;

use super::token::{Token, read_token};
use crate::credentials::{Authorization, Credential, Found, bearer, find};
use crate::error::Error;
use crate::http::{Answer, Failure, Http, is_busy, retry_after};
use crate::secret::Secret;
use crate::settings::Environment;
use crate::text::{is_loopback, printable, show_url};

const LIMIT: u64 = 256 * 1024;
/// What is to be done at a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Pull,
    Push,
}

impl Action {
    fn scope(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }
}

/// How a registry wants to be spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Challenge {
    Open,
    Basic,
    Bearer { realm: Url, service: Option<String> },
}

type TokenKey = (String, Action);

/// The authorization of one registry.
#[derive(Debug)]
pub(crate) struct Auth {
    host: String,
    base: Url,
    configured: Option<Credential>,
    environment: Environment,
    found: OnceCell<Found>,
    challenge: tokio::sync::Mutex<Gate<Challenge>>,
    tokens: Mutex<HashMap<TokenKey, Arc<Token>>>,
    flights: Mutex<HashMap<TokenKey, Arc<tokio::sync::Mutex<()>>>>,
    first: tokio::sync::Mutex<Gate<()>>,
    /// Why the user's own credentials are held back.
    caution: Option<String>,
}

/// Something that is asked for once while the others wait. If it could not be asked, those who waited do not each
/// try (and wait for a timeout) in turn, but share the error; who comes later tries again.
#[derive(Debug)]
struct Gate<T> {
    known: Option<T>,
    failed: Option<(Instant, Error)>,
}

impl<T> Default for Gate<T> {
    fn default() -> Self {
        Self { known: None, failed: None }
    }
}

impl<T> Gate<T> {
    /// The error of an attempt that ended after `since`.
    fn failed_since(&self, since: Instant) -> Result<(), Error> {
        match &self.failed {
            Some((at, error)) if *at >= since => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Notes the error of an attempt if it is one of the connection, not of what was asked for.
    fn note<U>(&mut self, outcome: Result<U, Error>) -> Result<U, Error> {
        if let Err(error @ (Error::Unreachable { .. } | Error::Busy { .. })) = &outcome {
            self.failed = Some((Instant::now(), error.clone()));
        }
        outcome
    }
}

impl Auth {
    /// The authorization of the registry at `base`. `caution` says why the user's own credentials are held back,
    /// if they are: then neither the environment nor Docker's configuration is looked into.
    pub(crate) fn new(
        host: &str,
        base: Url,
        configured: Option<Credential>,
        environment: Environment,
        caution: Option<String>,
    ) -> Self {
        Self {
            host: host.to_owned(),
            base,
            configured,
            environment: if caution.is_some() { Environment::empty() } else { environment },
            found: OnceCell::new(),
            challenge: tokio::sync::Mutex::default(),
            tokens: Mutex::default(),
            flights: Mutex::default(),
            first: tokio::sync::Mutex::default(),
            caution,
        }
    }

    /// What a request about `repository` carries; `None`: nothing.
    pub(crate) async fn authorization(
        &self,
        http: &Http,
        repository: &str,
        action: Action,
    ) -> Result<Option<Authorization>, Error> {
        if let Some((token, origin)) = bearer(&self.host, &self.environment) {
            if !token.fits_header() {
                return Err(
                    self.unusable(&format!("the token in {origin} holds characters that no token has"))
                );
            }
            return Ok(Some(Authorization::Bearer(token)));
        }
        match self.challenge(http).await? {
            Challenge::Open => Ok(None),
            Challenge::Basic => Ok(match &self.found().await.credential {
                Some(Credential::Basic { username, password }) => {
                    Some(Authorization::Basic { username: username.clone(), password: password.clone() })
                }
                Some(Credential::Identity(_)) | None => None,
            }),
            Challenge::Bearer { realm, service } => {
                let token = self.token(http, &realm, service.as_deref(), repository, action).await?;
                Ok(Some(Authorization::Bearer(token)))
            }
        }
    }

    /// The registry refused a request that carried `used`: whether another try makes sense, after what was learned.
    pub(crate) async fn refused(&self, used: Option<&Authorization>, headers: &HeaderMap) -> bool {
        match used {
            Some(Authorization::Bearer(secret)) if bearer(&self.host, &self.environment).is_none() => {
                let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
                let before = tokens.len();
                tokens.retain(|_, token| token.secret != *secret);
                before != tokens.len()
            }
            // `/v2/` was open, but this repository is not.
            None => match challenge_of(headers) {
                Some(asked) => {
                    let mut challenge = self.challenge.lock().await;
                    // Another task that was refused may have been here already: then, too, a new try makes sense.
                    if challenge.known.as_ref() == Some(&Challenge::Open) {
                        challenge.known = Some(asked);
                    }
                    true
                }
                None => false,
            },
            Some(_) => false,
        }
    }

    /// The error of a request that stays refused.
    pub(crate) async fn unauthorized(&self, used: Option<&Authorization>, what: &str) -> Error {
        let found = self.found().await;
        let credentials = match (bearer(&self.host, &self.environment), used) {
            (Some((_, origin)), _) => Some(origin),
            (None, Some(_)) => found.origin.clone(),
            (None, None) => None,
        };
        Error::Unauthorized {
            registry: self.host.clone(),
            what: what.to_owned(),
            credentials,
            note: found.note.clone(),
        }
    }

    async fn challenge(&self, http: &Http) -> Result<Challenge, Error> {
        let since = Instant::now();
        let mut gate = self.challenge.lock().await;
        if let Some(known) = &gate.known {
            return Ok(known.clone());
        }
        gate.failed_since(since)?;
        let outcome = self.probe(http).await;
        let challenge = gate.note(outcome)?;
        gate.known = Some(challenge.clone());
        Ok(challenge)
    }

    async fn probe(&self, http: &Http) -> Result<Challenge, Error> {
        let url = self.base.join("/v2/").map_err(|error| self.unusable(&error.to_string()))?;
        let answer = http.get(&url, "*/*", None, LIMIT).await.map_err(|failure| self.failed(failure))?;
        if answer.status.as_u16() == 401 {
            return Ok(challenge_of(&answer.headers).unwrap_or(Challenge::Basic));
        }
        if is_busy(answer.status) {
            return Err(Error::Busy {
                registry: self.host.clone(),
                status: answer.status.as_u16(),
                retry_after: retry_after(&answer.headers).map(|pause| pause.as_secs()),
            });
        }
        // 200 is "open"; to anything else the request proper will tell.
        Ok(Challenge::Open)
    }

    async fn found(&self) -> &Found {
        self.found
            .get_or_init(|| async {
                let (host, configured, environment) =
                    (self.host.clone(), self.configured.clone(), self.environment.clone());
                let search = tokio::task::spawn_blocking(move || find(&host, configured, &environment));
                let mut found = search.await.unwrap_or_default();
                found.note = found.note.or_else(|| self.caution.clone());
                found
            })
            .await
    }

    async fn token(
        &self,
        http: &Http,
        realm: &Url,
        service: Option<&str>,
        repository: &str,
        action: Action,
    ) -> Result<Secret, Error> {
        if let Some(secret) = self.known_token(repository, action) {
            return Ok(secret);
        }
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(flights.entry((repository.to_owned(), action)).or_default())
        };
        let since = Instant::now();
        let _alone_for_this_repository = flight.lock().await;
        let mut first = self.first.lock().await;
        if let Some(secret) = self.known_token(repository, action) {
            return Ok(secret);
        }
        if first.known.is_some() {
            drop(first);
            return self.exchange(http, realm, service, repository, action).await;
        }
        first.failed_since(since)?;
        let outcome = self.exchange(http, realm, service, repository, action).await;
        let outcome = first.note(outcome);
        if !matches!(outcome, Err(Error::Unreachable { .. } | Error::Busy { .. })) {
            first.known = Some(());
        }
        outcome
    }

    fn known_token(&self, repository: &str, action: Action) -> Option<Secret> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        // What was asked for pushing was asked for pulling too.
        let own = [action, Action::Push].into_iter().find_map(|action| {
            let token = tokens.get(&(repository.to_owned(), action))?;
            (token.until > Instant::now()).then_some(token)
        });
        own.or_else(|| tokens.values().find(|token| token.serves(repository, action)))
            .map(|token| token.secret.clone())
    }

    /// Asks the token server, with the user's credential, else without.
    async fn exchange(
        &self,
        http: &Http,
        realm: &Url,
        service: Option<&str>,
        repository: &str,
        action: Action,
    ) -> Result<Secret, Error> {
        self.check_realm(realm)?;
        let scope = format!("repository:{repository}:{}", action.scope());
        let credential = self.found().await.credential.clone();
        let mut answer = match &credential {
            Some(Credential::Identity(token)) => self.refresh(http, realm, service, &scope, token).await?,
            Some(Credential::Basic { username, password }) => {
                let basic = Authorization::Basic { username: username.clone(), password: password.clone() };
                self.ask(http, realm, service, &scope, Some(&basic)).await?
            }
            None => self.ask(http, realm, service, &scope, None).await?,
        };
        // Stale credentials should not keep anyone from what is public.
        let refused = |answer: &Answer| matches!(answer.status.as_u16(), 400 | 401 | 403);
        if refused(&answer) && credential.is_some() && action == Action::Pull {
            tracing::debug!(host = %self.host, "the credentials were refused; trying without");
            answer = self.ask(http, realm, service, &scope, None).await?;
        }
        if refused(&answer) {
            let found = self.found().await;
            return Err(Error::Unauthorized {
                registry: self.host.clone(),
                what: repository.to_owned(),
                credentials: found.origin.clone(),
                note: found.note.clone(),
            });
        }
        let token = read_token(&answer).ok_or_else(|| Error::BadAnswer {
            registry: self.host.clone(),
            what: repository.to_owned(),
            reason: format!("its token server `{}` sent no token", show_url(realm)),
        })?;
        let secret = token.secret.clone();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert((repository.to_owned(), action), Arc::new(token));
        Ok(secret)
    }

    async fn ask(
        &self,
        http: &Http,
        realm: &Url,
        service: Option<&str>,
        scope: &str,
        authorization: Option<&Authorization>,
    ) -> Result<Answer, Error> {
        let mut url = realm.clone();
        url.query_pairs_mut().append_pair("scope", scope);
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", service);
        }
        http.get(&url, "application/json", authorization, LIMIT).await.map_err(|failure| self.failed(failure))
    }

    /// The exchange of a refresh token, by the `OAuth2` form of the token protocol.
    async fn refresh(
        &self,
        http: &Http,
        realm: &Url,
        service: Option<&str>,
        scope: &str,
        token: &Secret,
    ) -> Result<Answer, Error> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", "spin-deps")
            .append_pair("service", service.unwrap_or(&self.host))
            .append_pair("scope", scope)
            .append_pair("refresh_token", token.expose())
            .finish();
        http.post_form(realm, form, LIMIT).await.map_err(|failure| self.failed(failure))
    }

    fn check_realm(&self, realm: &Url) -> Result<(), Error> {
        let same_host = self.base.scheme() == "http" && realm.host_str() == self.base.host_str();
        match realm.scheme() {
            "https" => Ok(()),
            "http" if is_loopback(realm) || same_host => Ok(()),
            _ => Err(Error::Insecure { url: show_url(realm) }),
        }
    }

    fn failed(&self, failure: Failure) -> Error {
        failure.at(&self.host, &self.host, self.base.scheme() == "https" && is_loopback(&self.base))
    }

    fn unusable(&self, reason: &str) -> Error {
        Error::UnusableRegistry { registry: self.host.clone(), reason: printable(reason, 200) }
    }
}

/// The first challenge that we can meet; `Bearer` before `Basic`.
fn challenge_of(headers: &HeaderMap) -> Option<Challenge> {
    let mut basic = None;
    for value in headers.get_all(WWW_AUTHENTICATE) {
        let Ok(challenges) = http_auth::parse_challenges(value.to_str().ok()?) else {
            continue;
        };
        for challenge in &challenges {
            if challenge.scheme.eq_ignore_ascii_case("bearer") {
                let realm = parameter(challenge, "realm").and_then(|realm| Url::parse(&realm).ok());
                if let Some(realm) = realm {
                    return Some(Challenge::Bearer { realm, service: parameter(challenge, "service") });
                }
            } else if challenge.scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Challenge::Basic);
            }
        }
    }
    basic
}

fn parameter(challenge: &ChallengeRef<'_>, name: &str) -> Option<String> {
    challenge
        .params
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_unescaped())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn challenge(value: &'static str) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(value));
        challenge_of(&headers)
    }

    #[test]
    fn challenges_are_read_in_any_order_and_case() {
        assert_eq!(challenge("Basic realm=\"x\""), Some(Challenge::Basic));
        let bearer = challenge("basic realm=\"x\", BEARER Realm=\"https://a.example/token\",service=\"a\"");
        assert!(matches!(bearer, Some(Challenge::Bearer { service: Some(service), .. }) if service == "a"));
        assert_eq!(challenge("Bearer realm=\"not a url\""), None);
        assert_eq!(challenge("\"\"\","), None);
    }

    #[test]
    fn the_token_server_is_not_spoken_to_in_the_clear() {
        let auth = |base: &str| {
            Auth::new("reg.example", Url::parse(base).unwrap(), None, Environment::empty(), None)
        };
        let realm = |text: &str| Url::parse(text).unwrap();
        assert!(auth("https://reg.example").check_realm(&realm("https://auth.example/token")).is_ok());
        assert!(auth("https://reg.example").check_realm(&realm("http://127.0.0.1:1/token")).is_ok());
        assert!(auth("https://reg.example").check_realm(&realm("http://reg.example/token")).is_err());
        assert!(auth("http://reg.example").check_realm(&realm("http://reg.example/token")).is_ok());
        assert!(auth("http://reg.example").check_realm(&realm("http://auth.example/token")).is_err());
        assert!(auth("https://reg.example").check_realm(&realm("ftp://reg.example/token")).is_err());
    }
}
