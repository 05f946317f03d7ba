//! Tokens of a registry's token server, by the [token protocol] of the distribution project.
//!
//! [token protocol]: https://distribution.github.io/distribution/spec/auth/token/

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::auth::Action;
use crate::http::Answer;
use crate::secret::Secret;

/// The life of a token that does not say, by the token protocol.
const TOKEN_LIFE: u64 = 60;
/// A token is renewed so long before its end, or at half of a life that is shorter.
const MARGIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Token {
    pub(super) secret: Secret,
    pub(super) until: Instant,
    covers: Covers,
}

/// The repositories that a token is good for.
#[derive(Debug, PartialEq, Eq)]
enum Covers {
    /// It does not say; good for all until refused.
    All,
    Repositories(Vec<(String, Vec<String>)>),
}

impl Token {
    /// Whether it is taken to be good for all repositories.
    pub(super) fn serves_all(&self) -> bool {
        self.covers == Covers::All
    }

    /// Whether a request about `repository` may carry the token.
    pub(super) fn serves(&self, repository: &str, action: Action) -> bool {
        let covered = match &self.covers {
            // What was asked for pulling only is not tried for pushing.
            Covers::All => action == Action::Pull,
            Covers::Repositories(all) => all.iter().any(|(name, actions)| {
                let may = |wanted: &str| actions.iter().any(|action| action == wanted || action == "*");
                name == repository && may("pull") && (action == Action::Pull || may("push"))
            }),
        };
        covered && self.until > Instant::now()
    }
}

/// The token of a token server's answer; the error says what is wrong with it.
pub(super) fn read_token(answer: &Answer) -> Result<Token, String> {
    #[derive(Deserialize)]
    struct Json {
        token: Option<String>,
        access_token: Option<String>,
        expires_in: Option<serde_json::Value>,
    }
    if !answer.status.is_success() {
        return Err(format!("its HTTP status is {}", answer.status.as_u16()));
    }
    let json: Json = answer.json("one of the token protocol")?;
    let secret = Secret::new(json.token.or(json.access_token).ok_or("there is none in its answer")?);
    if !secret.fits_header() {
        return Err("it holds characters that no token has".to_owned());
    }
    let covers = covers(secret.expose());
    Ok(Token { secret, until: Instant::now() + life(json.expires_in.as_ref()), covers })
}

/// How long the token is used. Some servers write the seconds as text, and some a zero that means nothing.
fn life(expires_in: Option<&serde_json::Value>) -> Duration {
    let seconds = match expires_in {
        Some(serde_json::Value::Number(number)) => number.as_u64(),
        Some(serde_json::Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let seconds = seconds.filter(|seconds| *seconds > 0).unwrap_or(TOKEN_LIFE).min(24 * 60 * 60);
    let life = Duration::from_secs(seconds);
    life.saturating_sub(MARGIN.min(life / 2))
}

/// The repositories that a JWT lists. It is read to save requests, never to decide what is allowed.
fn covers(token: &str) -> Covers {
    #[derive(Deserialize)]
    struct Claims {
        access: Option<Vec<Access>>,
    }
    #[derive(Deserialize)]
    struct Access {
        name: String,
        #[serde(default)]
        actions: Vec<String>,
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, _] = parts.as_slice() else {
        return Covers::Repositories(Vec::new());
    };
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let claims = base64::Engine::decode(&engine, payload.trim_end_matches('='))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Claims>(&bytes).ok());
    match claims {
        Some(Claims { access: Some(access) }) => {
            Covers::Repositories(access.into_iter().map(|access| (access.name, access.actions)).collect())
        }
        Some(Claims { access: None }) => Covers::All,
        None => Covers::Repositories(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        use base64::Engine as _;
        format!("e30.{}.c2ln", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_is_renewed_before_its_end() {
        let life = |json: &str| life(Some(&serde_json::from_str(json).unwrap())).as_millis();
        assert_eq!((life("300"), life("\"300\"")), (290_000, 290_000));
        assert_eq!(life("3"), 1_500);
        for unspecified in ["0", "-1", "null", "\"soon\"", "1.5", "[]"] {
            assert_eq!(life(unspecified), 50_000, "{unspecified}");
        }
        assert_eq!(life("18446744073709551615"), 86_390_000);
    }

    #[test]
    fn a_jwt_says_what_it_is_good_for() {
        let token = |text: &str| Token {
            secret: Secret::new(text),
            until: Instant::now() + Duration::from_mins(1),
            covers: covers(text),
        };
        let listed =
            token(&jwt(r#"{"access": [{"type": "repository", "name": "a/b", "actions": ["pull"]}]}"#));
        assert!(listed.serves("a/b", Action::Pull));
        assert!(!listed.serves("a/b", Action::Push));
        assert!(!listed.serves("a/c", Action::Pull));
        let unlisted = token(&jwt(r#"{"sub": "me"}"#));
        assert!(unlisted.serves("a/c", Action::Pull));
        // An opaque token is kept for the repository it was asked for.
        assert!(!token("opaque").serves("a/b", Action::Pull));
        assert!(!token("a.!!.c").serves("a/b", Action::Pull));
    }
}
