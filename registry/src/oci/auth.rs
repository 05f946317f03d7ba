//! One exchange per registry, however many packages and tasks.
//!
//! The first request to a registry is preceded by one to `/v2/`, whose answer says how it wants to be spoken to:
//! openly, with a password in every request (`Basic`), or with tokens of a token server (`Bearer`). Tokens are kept
//! by repository and action, and each is asked for once, whoever waits for it. Many token servers hand out tokens
//! that are good for more than the repository named: a token that is a JWT says so in its `access` claim, and one
//! without the claim is taken to be good for all until the registry refuses it. Therefore the first exchange at a
//! registry is made alone, and those who waited look at its token before they ask for one of their own.
//!
//! **A token may end before it said so**, for fifty requests at once. The first of them that is refused throws it
//! away and asks for another, the others take that one. A request that is refused again may have met a token that
//! others used up: it asks for one that nobody else sees, and what is refused with that is refused (see [`Turn`]).
//!
//! `oci-client` has all this too, but asks `/v2/` again for every request to an open registry and fetches a token for
//! every task that asks at once; it is given the credentials that were found here (see
//! [`Connection::client`](super::connection::Connection)).
//!
//! A password is sent to the registry itself and to its token server, which must be reached over https, on this
//! machine if the registry is there too, or over http at the registry's own host if the configuration lets the
//! registry itself be spoken to so.

mod trial;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use reqwest::header::HeaderMap;
use tokio::sync::OnceCell;
use url::Url;

pub(crate) use self::trial::Trial;
use super::challenge::{Challenge, challenge_of};
use super::token::{Token, read_token};
use crate::credentials::{Authorization, Credential, Found, bearer, find};
use crate::error::Error;
use crate::http::{Answer, Ask, Failure, Http};
use crate::retry::{Budget, is_busy, retry_after_seconds};
use crate::secret::Secret;
use crate::settings::Environment;
use crate::text::{is_loopback, printable, show_url};

const LIMIT: u64 = 256 * 1024;
/// How often a request that is refused is made.
const TRIES: u32 = 3;

/// What is to be done at a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Pull,
    Push,
    /// To list the repositories of the registry, whatever the repository is called.
    List,
}

impl Action {
    /// The [scope] of a token for it.
    ///
    /// [scope]: https://distribution.github.io/distribution/spec/auth/scope/
    fn scope(self, repository: &str) -> String {
        match self {
            Self::Pull => format!("repository:{repository}:pull"),
            Self::Push => format!("repository:{repository}:pull,push"),
            Self::List => "registry:catalog:*".to_owned(),
        }
    }
}

type TokenKey = (String, Action);

/// What tokens of a registry have turned out to be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// What they were asked for: each repository asks for its own, all at once.
    Own,
    /// All repositories: one asks, the others wait.
    All,
}

/// What a token is asked for, and where.
#[derive(Debug)]
struct Scope<'a> {
    realm: &'a Url,
    service: Option<&'a str>,
    repository: &'a str,
    action: Action,
}

impl Scope<'_> {
    fn key(&self) -> TokenKey {
        (self.repository.to_owned(), self.action)
    }

    fn text(&self) -> String {
        self.action.scope(self.repository)
    }
}

/// One request's way to an authorization that the registry takes: with any token that should do, then with another,
/// then with one for itself alone.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    auth: &'a Auth,
    repository: &'a str,
    action: Action,
    refusals: u32,
}

impl Turn<'_> {
    /// What the request carries; `None`: nothing.
    pub(crate) async fn authorization(
        &self,
        http: &Http,
        budget: &mut Budget,
    ) -> Result<Option<Authorization>, Error> {
        let own = self.refusals + 1 == TRIES;
        self.auth.authorization(http, budget, (self.repository, self.action), own).await
    }

    /// The registry refused the request for `what` that carried `used`. An error if it is not worth another try.
    pub(crate) async fn refused(
        &mut self,
        used: Option<Authorization>,
        headers: &HeaderMap,
        what: &str,
    ) -> Result<(), Error> {
        self.refusals += 1;
        if self.refusals < TRIES && self.auth.learn(used.as_ref(), headers).await {
            tracing::debug!(registry = self.auth.title, what, "refused; trying with another authorization");
            return Ok(());
        }
        Err(self.auth.unauthorized(used.as_ref(), what).await)
    }
}

/// The authorization of one registry.
#[derive(Debug)]
pub(crate) struct Auth {
    host: String,
    /// The registry, for messages.
    title: String,
    base: Url,
    configured: Option<Credential>,
    environment: Environment,
    found: OnceCell<Found>,
    challenge: tokio::sync::Mutex<Gate<Challenge>>,
    tokens: Mutex<HashMap<TokenKey, Arc<Token>>>,
    flights: Mutex<HashMap<TokenKey, Arc<tokio::sync::Mutex<()>>>>,
    first: tokio::sync::Mutex<Gate<Reach>>,
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
        title: &str,
        base: Url,
        configured: Option<Credential>,
        environment: Environment,
        caution: Option<String>,
    ) -> Self {
        Self {
            host: host.to_owned(),
            title: title.to_owned(),
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

    /// What a request about `repository` carries, asked for as often as it is refused.
    pub(crate) fn turn<'a>(&'a self, repository: &'a str, action: Action) -> Turn<'a> {
        Turn { auth: self, repository, action, refusals: 0 }
    }

    /// What a request about `repository` carries; `None`: nothing. `own`: a token that nobody else has.
    async fn authorization(
        &self,
        http: &Http,
        budget: &mut Budget,
        (repository, action): (&str, Action),
        own: bool,
    ) -> Result<Option<Authorization>, Error> {
        if let Some((token, origin)) = bearer(&self.host, &self.environment) {
            if !token.fits_header() {
                return Err(
                    self.unusable(&format!("the token in {origin} holds characters that no token has"))
                );
            }
            return Ok(Some(Authorization::Bearer(token)));
        }
        match self.challenge(http, budget).await? {
            Challenge::Open => Ok(None),
            Challenge::Basic => Ok(match &self.found().await.credential {
                Some(Credential::Basic { username, password }) => {
                    Some(Authorization::Basic { username: username.clone(), password: password.clone() })
                }
                Some(Credential::Identity(_)) | None => None,
            }),
            Challenge::Bearer { realm, service } => {
                let scope = Scope { realm: &realm, service: service.as_deref(), repository, action };
                let token = if own {
                    self.exchange(http, budget, &scope).await?.secret
                } else {
                    self.token(http, budget, &scope).await?
                };
                Ok(Some(Authorization::Bearer(token)))
            }
        }
    }

    /// The registry refused a request that carried `used`: whether another try makes sense, after what was learned.
    async fn learn(&self, used: Option<&Authorization>, headers: &HeaderMap) -> bool {
        match used {
            Some(Authorization::Bearer(secret)) if bearer(&self.host, &self.environment).is_none() => {
                // If it is not there any more, another task that was refused has been here already.
                let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
                tokens.retain(|_, token| token.secret != *secret);
                true
            }
            // `/v2/` was open, but this repository is not.
            None => match challenge_of(headers) {
                Some(asked) => {
                    let mut challenge = self.challenge.lock().await;
                    if challenge.known.as_ref() == Some(&Challenge::Open) {
                        challenge.known = Some(asked);
                        return true;
                    }
                    // Another task may have learned it in the meantime; a registry that wants a password, where
                    // there is none, has nothing new to say.
                    challenge.known.as_ref() != Some(&Challenge::Basic)
                        || self.found().await.credential.is_some()
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
        let note = match (&found.credential, &found.origin) {
            (Some(Credential::Identity(_)), Some(origin)) if credentials.is_none() => Some(format!(
                "the registry asks for a user name and a password, for which {origin} does not serve"
            )),
            _ => found.note.clone(),
        };
        Error::Unauthorized { registry: self.title.clone(), what: what.to_owned(), credentials, note }
    }

    async fn challenge(&self, http: &Http, budget: &mut Budget) -> Result<Challenge, Error> {
        let since = Instant::now();
        let mut gate = self.challenge.lock().await;
        if let Some(known) = &gate.known {
            return Ok(known.clone());
        }
        gate.failed_since(since)?;
        let outcome = self.probe(http, budget).await;
        let challenge = gate.note(outcome)?;
        gate.known = Some(challenge.clone());
        Ok(challenge)
    }

    async fn probe(&self, http: &Http, budget: &mut Budget) -> Result<Challenge, Error> {
        let url = self.base.join("/v2/").map_err(|error| self.unusable(&error.to_string()))?;
        let ask = Ask { url: &url, accept: "*/*", authorization: None, limit: LIMIT };
        let answer = http.get_within(budget, ask).await.map_err(|failure| self.failed(failure))?;
        if answer.status.as_u16() == 401 {
            return Ok(challenge_of(&answer.headers).unwrap_or(Challenge::Basic));
        }
        self.check_busy(&answer)?;
        // 200 is "open"; to anything else the request proper will tell.
        Ok(Challenge::Open)
    }

    fn check_busy(&self, answer: &Answer) -> Result<(), Error> {
        if !is_busy(answer.status) {
            return Ok(());
        }
        Err(Error::Busy {
            registry: self.title.clone(),
            status: answer.status.as_u16(),
            retry_after: retry_after_seconds(&answer.headers),
        })
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

    async fn token(&self, http: &Http, budget: &mut Budget, scope: &Scope<'_>) -> Result<Secret, Error> {
        if let Some(secret) = self.known_token(scope) {
            return Ok(secret);
        }
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(flights.entry(scope.key()).or_default())
        };
        let since = Instant::now();
        let _alone_for_this_repository = flight.lock().await;
        let mut first = self.first.lock().await;
        if let Some(secret) = self.known_token(scope) {
            return Ok(secret);
        }
        if first.known == Some(Reach::Own) {
            drop(first);
        } else {
            first.failed_since(since)?;
            let outcome = self.exchange(http, budget, scope).await;
            let outcome = first.note(outcome);
            if !matches!(outcome, Err(Error::Unreachable { .. } | Error::Busy { .. })) {
                let is_wide = outcome.as_ref().is_ok_and(Token::serves_all);
                first.known = Some(if is_wide { Reach::All } else { Reach::Own });
            }
            // Kept before those who wait may look.
            return outcome.map(|token| self.keep(scope, token));
        }
        let token = self.exchange(http, budget, scope).await?;
        Ok(self.keep(scope, token))
    }

    fn keep(&self, scope: &Scope<'_>, token: Token) -> Secret {
        let secret = token.secret.clone();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(scope.key(), Arc::new(token));
        secret
    }

    fn known_token(&self, scope: &Scope<'_>) -> Option<Secret> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        // What was asked for pushing was asked for pulling too.
        let own = [scope.action, Action::Push].into_iter().find_map(|action| {
            let token = tokens.get(&(scope.repository.to_owned(), action))?;
            (token.until > Instant::now()).then_some(token)
        });
        own.or_else(|| tokens.values().find(|token| token.serves(scope.repository, scope.action)))
            .map(|token| token.secret.clone())
    }

    /// Asks the token server, with the user's credential, else without.
    async fn exchange(&self, http: &Http, budget: &mut Budget, scope: &Scope<'_>) -> Result<Token, Error> {
        self.check_realm(scope.realm)?;
        let credential = self.found().await.credential.clone();
        let mut answer = match &credential {
            Some(Credential::Identity(token)) => self.refresh(http, budget, scope, token).await?,
            Some(Credential::Basic { username, password }) => {
                let basic = Authorization::Basic { username: username.clone(), password: password.clone() };
                self.ask(http, budget, scope, Some(&basic)).await?
            }
            None => self.ask(http, budget, scope, None).await?,
        };
        // Stale credentials should not keep anyone from what is public.
        let refused = |answer: &Answer| matches!(answer.status.as_u16(), 400 | 401 | 403);
        if refused(&answer) && credential.is_some() && scope.action != Action::Push {
            tracing::debug!(registry = self.title, "the credentials were refused; trying without");
            answer = self.ask(http, budget, scope, None).await?;
        }
        if refused(&answer) {
            let found = self.found().await;
            return Err(Error::Unauthorized {
                registry: self.title.clone(),
                what: scope.repository.to_owned(),
                credentials: found.origin.clone(),
                note: found.note.clone(),
            });
        }
        self.check_busy(&answer)?;
        read_token(&answer).map_err(|reason| Error::BadAnswer {
            registry: self.title.clone(),
            what: scope.repository.to_owned(),
            reason: format!("its token server `{}` sent no token: {reason}", show_url(scope.realm)),
        })
    }

    async fn ask(
        &self,
        http: &Http,
        budget: &mut Budget,
        scope: &Scope<'_>,
        authorization: Option<&Authorization>,
    ) -> Result<Answer, Error> {
        let mut url = scope.realm.clone();
        url.query_pairs_mut().append_pair("scope", &scope.text());
        if let Some(service) = scope.service {
            url.query_pairs_mut().append_pair("service", service);
        }
        let ask = Ask { url: &url, accept: "application/json", authorization, limit: LIMIT };
        http.get_within(budget, ask).await.map_err(|failure| self.failed(failure))
    }

    /// The exchange of a refresh token, by the `OAuth2` form of the token protocol. The answer may hold a new one; it
    /// is not kept, since where the old one came from (Docker's configuration, a helper) is not ours to write.
    async fn refresh(
        &self,
        http: &Http,
        budget: &mut Budget,
        scope: &Scope<'_>,
        token: &Secret,
    ) -> Result<Answer, Error> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", "spin-deps")
            .append_pair("service", scope.service.unwrap_or(&self.host))
            .append_pair("scope", &scope.text())
            .append_pair("refresh_token", token.expose())
            .finish();
        http.post_form(budget, scope.realm, form, LIMIT).await.map_err(|failure| self.failed(failure))
    }

    fn check_realm(&self, realm: &Url) -> Result<(), Error> {
        let both_are_here = is_loopback(&self.base) && is_loopback(realm);
        let same_host = self.base.scheme() == "http" && realm.host_str() == self.base.host_str();
        match realm.scheme() {
            "https" => Ok(()),
            "http" if both_are_here || same_host => Ok(()),
            _ => Err(Error::Insecure { url: show_url(realm) }),
        }
    }

    fn failed(&self, failure: Failure) -> Error {
        failure.at(&self.title, &self.title)
    }

    fn unusable(&self, reason: &str) -> Error {
        Error::UnusableRegistry { registry: self.title.clone(), reason: printable(reason, 200) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_server_is_not_spoken_to_in_the_clear() {
        let auth = |base: &str| {
            let base = Url::parse(base).unwrap();
            Auth::new("reg.example", "reg.example", base, None, Environment::empty(), None)
        };
        let realm = |text: &str| Url::parse(text).unwrap();
        assert!(auth("https://reg.example").check_realm(&realm("https://auth.example/token")).is_ok());
        assert!(auth("https://reg.example").check_realm(&realm("http://127.0.0.1:1/token")).is_err());
        assert!(auth("https://localhost").check_realm(&realm("http://127.0.0.1:1/token")).is_ok());
        assert!(auth("https://reg.example").check_realm(&realm("http://reg.example/token")).is_err());
        assert!(auth("http://reg.example").check_realm(&realm("http://reg.example/token")).is_ok());
        assert!(auth("http://reg.example").check_realm(&realm("http://auth.example/token")).is_err());
        assert!(auth("https://reg.example").check_realm(&realm("ftp://reg.example/token")).is_err());
    }
}
