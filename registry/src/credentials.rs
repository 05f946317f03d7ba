//! Whose credentials go to which registry.
//!
//! The order is wkg's, so that one login serves both: the variable `WKG_REGISTRY_<HOST>_AUTH_BEARER`, `auth` in the
//! configuration, Docker's `config.json` with its credential helpers (asked for the host, then for `https://HOST`),
//! then none. They are looked up only when a registry asks for them, since a helper may be a slow program or prompt.

use std::path::PathBuf;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde::Deserialize;

use crate::secret::Secret;
use crate::settings::Environment;

/// Docker's `config.json` is no larger.
const DOCKER_CONFIG_LIMIT: u64 = 1 << 20;

/// What a request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Authorization {
    Basic { username: String, password: Secret },
    Bearer(Secret),
}

/// What a user has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A name with a password, or with an access token in its place.
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// Docker's identity token: a refresh token, exchanged at the registry's realm (Azure's registries).
    Identity(Secret),
}

/// The outcome of the search.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) credential: Option<Credential>,
    /// Where the credential is from, for messages.
    pub(crate) origin: Option<String>,
    /// Why configured credentials could not be read.
    pub(crate) note: Option<String>,
}

/// `auth` of `[registry."NAME".oci]`: a table, or base64 of `username:password`.
#[derive(Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum ConfiguredAuth {
    Base64(String),
    Table { username: String, password: String },
}

impl ConfiguredAuth {
    /// The credential; the error does not repeat the text.
    pub(crate) fn credential(self) -> Result<Credential, String> {
        let (username, password) = match self {
            Self::Table { username, password } => (username, password),
            Self::Base64(text) => decode(&text).ok_or("`auth` is not base64 of `username:password`")?,
        };
        Ok(Credential::Basic { username, password: Secret::new(password) })
    }
}

fn decode(text: &str) -> Option<(String, String)> {
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let bytes = base64::Engine::decode(&engine, text.trim()).ok()?;
    let (username, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}

/// The variable that holds a bearer token for `host`.
pub(crate) fn bearer_variable(host: &str) -> String {
    let name: String =
        host.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    format!("WKG_REGISTRY_{name}_AUTH_BEARER")
}

/// The bearer token of the environment for `host`, if there is one, and where it is from.
pub(crate) fn bearer(host: &str, environment: &Environment) -> Option<(Secret, String)> {
    let variable = bearer_variable(host);
    environment.get(&variable).map(|token| (Secret::new(token.trim()), format!("`{variable}`")))
}

/// The credential for `host`. Reads files and runs programs: call it off the async threads.
pub(crate) fn find(host: &str, configured: Option<Credential>, environment: &Environment) -> Found {
    if let Some(credential) = configured {
        let origin = Some("the registry configuration".to_owned());
        return Found { credential: Some(credential), origin, note: None };
    }
    from_docker(host, environment)
}

fn from_docker(host: &str, environment: &Environment) -> Found {
    let mut found = Found::default();
    let Some(path) = docker_config(environment) else {
        return found;
    };
    let content = match read_bounded(&path) {
        Ok(content) => content,
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                found.note = Some(format!("Docker's configuration could not be read: {error}"));
            }
            return found;
        }
    };
    let mut servers = vec![host.to_owned(), format!("https://{host}")];
    if host.ends_with("docker.io") {
        servers.push("https://index.docker.io/v1/".to_owned());
    }
    for server in servers {
        match docker_credential::get_credential_from_reader(content.as_slice(), &server) {
            Ok(credential) => {
                let path = path.display();
                let (credential, origin) = match credential {
                    DockerCredential::UsernamePassword(username, password) => {
                        (Credential::Basic { username, password: Secret::new(password) }, format!("`{path}`"))
                    }
                    DockerCredential::IdentityToken(token) => {
                        (Credential::Identity(Secret::new(token)), format!("the identity token in `{path}`"))
                    }
                };
                return Found { credential: Some(credential), origin: Some(origin), note: None };
            }
            // A helper also fails so when it has nothing for the server. Its output may hold anything: not shown.
            Err(
                CredentialRetrievalError::NoCredentialConfigured
                | CredentialRetrievalError::HelperFailure { .. },
            ) => {}
            Err(error) => {
                let what = match error {
                    CredentialRetrievalError::HelperCommunicationError => {
                        "its credential helper could not be run"
                    }
                    CredentialRetrievalError::MalformedHelperResponse => {
                        "its credential helper gave an answer that cannot be understood"
                    }
                    CredentialRetrievalError::CredentialMismatchError => {
                        "its `auth` differs from its `username` and `password`"
                    }
                    _ => "it cannot be understood",
                };
                found.note =
                    Some(format!("the credentials in `{}` could not be used: {what}", path.display()));
            }
        }
    }
    found
}

/// Docker's `config.json`: in `DOCKER_CONFIG`, else in `~/.docker`.
pub(crate) fn docker_config(environment: &Environment) -> Option<PathBuf> {
    let dir = match environment.get("DOCKER_CONFIG") {
        Some(dir) => PathBuf::from(dir),
        None => {
            PathBuf::from(environment.get("HOME").or_else(|| environment.get("USERPROFILE"))?).join(".docker")
        }
    };
    Some(dir.join("config.json"))
}

/// The file's bytes, as many as such a file may have.
pub(crate) fn read_bounded(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut content = Vec::new();
    fs_err::File::open(path)?.take(DOCKER_CONFIG_LIMIT).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(dir: &tempfile::TempDir) -> Environment {
        [("DOCKER_CONFIG", dir.path().to_str().unwrap())].into_iter().collect()
    }

    fn docker(json: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs_err::write(dir.path().join("config.json"), json).unwrap();
        dir
    }

    fn basic(username: &str, password: &str) -> Credential {
        let (username, password) = (username.into(), Secret::new(password));
        Credential::Basic { username, password }
    }

    #[test]
    fn the_variable_names_the_host_as_wkg_does() {
        assert_eq!(bearer_variable("localhost:1234"), "WKG_REGISTRY_LOCALHOST_1234_AUTH_BEARER");
        assert_eq!(bearer_variable("ghcr.io"), "WKG_REGISTRY_GHCR_IO_AUTH_BEARER");
    }

    #[test]
    fn base64_of_the_configuration_is_read_with_and_without_padding() {
        for text in ["b3Blbjpz", "b3BlbjpzZTphbWU=", "b3BlbjpzZTphbWU"] {
            let credential = ConfiguredAuth::Base64(text.into()).credential().unwrap();
            assert!(matches!(credential, Credential::Basic { username, .. } if username == "open"), "{text}");
        }
        let error = ConfiguredAuth::Base64("c2VzYW1l".into()).credential().unwrap_err();
        assert!(!error.contains("sesame") && !error.contains("c2Vz"), "{error}");
    }

    #[test]
    fn docker_is_asked_for_the_host_and_then_for_its_url() {
        let dir = docker(
            r#"{"auths": {"https://reg.example": {"auth": "YTpi"}, "localhost:5000": {"auth": "Yzpk"}}}"#,
        );
        assert_eq!(find("reg.example", None, &environment(&dir)).credential, Some(basic("a", "b")));
        assert_eq!(find("localhost:5000", None, &environment(&dir)).credential, Some(basic("c", "d")));
        let other = find("other.example", None, &environment(&dir));
        assert_eq!((other.credential, other.note), (None, None));
    }

    #[test]
    fn an_identity_token_comes_before_the_password_beside_it() {
        let dir = docker(r#"{"auths": {"reg.example": {"auth": "MDAwOg==", "identitytoken": "refresh"}}}"#);
        let found = find("reg.example", None, &environment(&dir));
        assert_eq!(found.credential, Some(Credential::Identity(Secret::new("refresh"))));
        assert!(found.origin.unwrap().starts_with("the identity token in `"));
    }

    #[test]
    fn the_configuration_comes_before_docker() {
        let dir = docker(r#"{"auths": {"reg.example": {"auth": "YTpi"}}}"#);
        assert_eq!(
            find("reg.example", Some(basic("x", "y")), &environment(&dir)).credential,
            Some(basic("x", "y"))
        );
    }

    #[test]
    fn a_helper_that_is_missing_leaves_a_note_not_an_error() {
        let dir = docker(r#"{"credHelpers": {"reg.example": "surely-not-installed"}}"#);
        let found = find("reg.example", None, &environment(&dir));
        assert_eq!(found.credential, None);
        assert!(found.note.unwrap().contains("helper could not be run"));
    }

    #[test]
    fn broken_docker_configuration_leaves_a_note() {
        let dir = docker("{");
        assert!(find("reg.example", None, &environment(&dir)).note.is_some());
    }
}
