//! Trying a credential before it is stored.
//!
//! As Docker does it: `/v2/` says how the registry wants to be spoken to; with a password in every request, it is asked
//! again with the password; with tokens, the token server is asked for one that is good for no repository, and `/v2/`
//! again with that. What answers with a web page is no registry, and learns no password.

use url::Url;

use super::{Auth, LIMIT};
use crate::credentials::{Authorization, Credential};
use crate::error::Error;
use crate::http::{Answer, Ask, Http, WEB_PAGE};
use crate::oci::challenge::{Challenge, challenge_of};
use crate::oci::token::read_token;
use crate::retry::Budget;
use crate::secret::Secret;

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trial {
    /// The registry took it.
    Accepted,
    /// The registry did not take it.
    Refused,
    /// The registry asks for none, so it was not sent.
    NotAskedFor,
}

impl Auth {
    /// Tries `credential`, whatever else is configured.
    pub(crate) async fn try_out(&self, http: &Http, credential: &Credential) -> Result<Trial, Error> {
        let budget = &mut http.budget();
        let greeting = self.greet(http, budget, None).await?;
        let challenge = match greeting.status.as_u16() {
            200 => return Ok(Trial::NotAskedFor),
            401 => challenge_of(&greeting.headers).unwrap_or(Challenge::Basic),
            status => return Err(self.senseless(&format!("its HTTP status is {status}"))),
        };
        let authorization = match (challenge, credential) {
            (Challenge::Bearer { realm, service }, credential) => {
                match self.token_for(http, budget, &realm, service.as_deref(), credential).await? {
                    Some(token) => Authorization::Bearer(token),
                    None => return Ok(Trial::Refused),
                }
            }
            (_, Credential::Basic { username, password }) => {
                Authorization::Basic { username: username.clone(), password: password.clone() }
            }
            // There is no token server that would exchange it.
            (_, Credential::Identity(_)) => return Ok(Trial::Refused),
        };
        match self.greet(http, budget, Some(&authorization)).await?.status.as_u16() {
            200 => Ok(Trial::Accepted),
            401 | 403 => Ok(Trial::Refused),
            status => Err(self.senseless(&format!("its HTTP status is {status}"))),
        }
    }

    async fn greet(
        &self,
        http: &Http,
        budget: &mut Budget,
        authorization: Option<&Authorization>,
    ) -> Result<Answer, Error> {
        let url = self.base.join("/v2/").map_err(|error| self.unusable(&error.to_string()))?;
        let ask = Ask { url: &url, accept: "*/*", authorization, limit: LIMIT };
        self.judged(http.get_within(budget, ask).await.map_err(|failure| self.failed(failure))?)
    }

    /// The token that the credential is good for; `None`: the token server does not take it.
    async fn token_for(
        &self,
        http: &Http,
        budget: &mut Budget,
        realm: &Url,
        service: Option<&str>,
        credential: &Credential,
    ) -> Result<Option<Secret>, Error> {
        self.check_realm(realm)?;
        let asked = match credential {
            Credential::Identity(token) => {
                let form = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("grant_type", "refresh_token")
                    .append_pair("client_id", "spin-deps")
                    .append_pair("service", service.unwrap_or(&self.host))
                    .append_pair("refresh_token", token.expose())
                    .finish();
                http.post_form(budget, realm, form, LIMIT).await
            }
            Credential::Basic { username, password } => {
                let mut url = realm.clone();
                url.query_pairs_mut()
                    .append_pair("account", username)
                    .append_pair("client_id", "spin-deps")
                    .extend_pairs(service.map(|service| ("service", service)));
                let basic = Authorization::Basic { username: username.clone(), password: password.clone() };
                let authorization = Some(&basic);
                let ask = Ask { url: &url, accept: "application/json", authorization, limit: LIMIT };
                http.get_within(budget, ask).await
            }
        };
        let answer = self.judged(asked.map_err(|failure| self.failed(failure))?)?;
        match answer.status.as_u16() {
            400 | 401 | 403 => Ok(None),
            _ => read_token(&answer)
                .map(|token| Some(token.secret))
                .map_err(|reason| self.senseless(&format!("its token server sent no token: {reason}"))),
        }
    }

    /// The answer, if it can be one of a registry that is able to give any.
    fn judged(&self, answer: Answer) -> Result<Answer, Error> {
        self.check_busy(&answer)?;
        if answer.status.is_success() && answer.is_web_page() {
            return Err(self.senseless(WEB_PAGE));
        }
        Ok(answer)
    }

    fn senseless(&self, reason: &str) -> Error {
        Error::BadAnswer { registry: self.title.clone(), what: "/v2/".to_owned(), reason: reason.to_owned() }
    }
}
