//! How a registry wants to be spoken to, by its `WWW-Authenticate`.

use http_auth::ChallengeRef;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use url::Url;

/// How a registry wants to be spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Open,
    Basic,
    Bearer { realm: Url, service: Option<String> },
}

/// The first challenge that we can meet; `Bearer` before `Basic`.
pub(super) fn challenge_of(headers: &HeaderMap) -> Option<Challenge> {
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
}
