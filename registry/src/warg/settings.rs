//! `[registry."NAME".warg]`: how to speak to a warg registry, and with which key to sign.
//!
//! wkg's `auth_token` and `signing_key` (the key itself, `ecdsa-p256:<base64>`) mean what they mean there; its
//! `config_file`, the configuration of warg's own client, is not read. `signing_key_file` names a file with the key.
//! No keyring of the operating system is ever asked.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;
use warg_crypto::signing::PrivateKey;

use crate::error::Error;
use crate::secret::Secret;
use crate::settings::Environment;
use crate::text::{is_loopback, printable, show_url};

/// A registry that signs nothing for longer is taken for a frozen one, in days.
const MAX_CHECKPOINT_AGE: u64 = 7;
/// No file with a key is larger.
const KEY_LIMIT: u64 = 4096;

const KEY_VARIABLE: &str = "SPIN_DEPS_SIGNING_KEY";
const KEY_FILE_VARIABLE: &str = "SPIN_DEPS_SIGNING_KEY_FILE";

/// The table as it is written.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct WargTable {
    pub(crate) url: Option<String>,
    pub(crate) auth_token: Option<String>,
    pub(crate) signing_key: Option<String>,
    pub(crate) signing_key_file: Option<PathBuf>,
    pub(crate) max_checkpoint_age: Option<u64>,
}

/// The settings of a registry.
#[derive(Clone, Debug)]
pub(crate) struct WargSettings {
    /// Ends with a slash.
    pub(crate) url: Url,
    /// The bearer token and where it is from.
    pub(crate) token: Option<(Secret, String)>,
    /// Why the user's own token is held back, if it is.
    pub(crate) caution: Option<String>,
    /// The age in days from which a checkpoint is not accepted.
    pub(crate) max_checkpoint_age: u64,
    signing_key: Option<Secret>,
    signing_key_file: Option<PathBuf>,
}

impl WargSettings {
    /// The settings that the table makes for the registry at `url`.
    pub(crate) fn new(url: Url, table: WargTable) -> Self {
        Self {
            url,
            token: table
                .auth_token
                .map(|token| (Secret::new(token.trim()), "the registry configuration".to_owned())),
            caution: None,
            max_checkpoint_age: table.max_checkpoint_age.unwrap_or(MAX_CHECKPOINT_AGE),
            signing_key: table.signing_key.map(Secret::new),
            signing_key_file: table.signing_key_file,
        }
    }

    /// The key to sign with: of the environment, else of the configuration. Reads a file: call it off the async
    /// threads.
    pub(crate) fn signing_key(&self, environment: &Environment) -> Result<PrivateKey, Error> {
        let of_file = |path: &Path, origin: String| {
            let mut text = String::new();
            let read =
                fs_err::File::open(path).and_then(|file| file.take(KEY_LIMIT).read_to_string(&mut text));
            match read {
                Ok(_) => decode(&text, &origin),
                Err(error) => Err(Error::SigningKey { reason: format!("{origin} cannot be read: {error}") }),
            }
        };
        if let Some(key) = environment.get(KEY_VARIABLE) {
            return decode(&key, &format!("`{KEY_VARIABLE}`"));
        }
        if let Some(path) = environment.get(KEY_FILE_VARIABLE) {
            return of_file(Path::new(&path), format!("the file of `{KEY_FILE_VARIABLE}`"));
        }
        if let Some(key) = &self.signing_key {
            return decode(key.expose(), "`signing_key` of the registry configuration");
        }
        if let Some(path) = &self.signing_key_file {
            return of_file(path, "`signing_key_file` of the registry configuration".to_owned());
        }
        Err(Error::SigningKey { reason: "none is configured".to_owned() })
    }
}

/// The reason does not repeat the text.
fn decode(text: &str, origin: &str) -> Result<PrivateKey, Error> {
    PrivateKey::decode(text.trim().to_owned()).map_err(|_| Error::SigningKey {
        reason: format!("{origin} is not a key of the form `ecdsa-p256:<base64>`"),
    })
}

/// The URL of a warg registry: https, or http on this machine; without a scheme, what fits the host. The error is a
/// reason that repeats no secret.
pub(crate) fn parse_url(text: &str) -> Result<Url, String> {
    let invalid = || format!("its warg URL `{}` is not a URL", without_user(text));
    let mut url = if text.contains("://") {
        Url::parse(text).map_err(|_| invalid())?
    } else {
        let plain = Url::parse(&format!("http://{text}")).map_err(|_| invalid())?;
        // Parsed anew: a scheme changed later keeps the default port of the first.
        if is_loopback(&plain) {
            plain
        } else {
            Url::parse(&format!("https://{text}")).map_err(|_| invalid())?
        }
    };
    let shown = show_url(&url);
    let refusal = match url.scheme() {
        _ if url.host().is_none() => "has no host",
        _ if !url.username().is_empty() || url.password().is_some() => {
            "holds user information, which belongs into `auth_token`"
        }
        _ if url.query().is_some() || url.fragment().is_some() => "must end with its path",
        "https" => "",
        "http" if is_loopback(&url) => "",
        "http" => "must be https: plain http is for this machine only",
        _ => "must be https",
    };
    if !refusal.is_empty() {
        return Err(format!("its warg URL `{shown}` {refusal}"));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

fn without_user(text: &str) -> String {
    printable(text.rsplit_once('@').map_or(text, |(_, rest)| rest), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_https_or_on_this_machine_and_ends_with_a_slash() {
        let shown = |text: &str| match parse_url(text) {
            Ok(url) => url.to_string(),
            Err(reason) => reason,
        };
        assert_eq!(shown("warg.example.com"), "https://warg.example.com/");
        assert_eq!(shown("https://example.com/warg"), "https://example.com/warg/");
        assert_eq!(shown("127.0.0.1:8090"), "http://127.0.0.1:8090/");
        assert_eq!(shown("http://localhost:8090/"), "http://localhost:8090/");
        assert_eq!(
            shown("http://example.com"),
            "its warg URL `http://example.com/` must be https: plain http is for this machine only"
        );
        assert_eq!(
            shown("https://me:sesame@example.com"),
            "its warg URL `https://example.com/` holds user information, which belongs into `auth_token`"
        );
        assert_eq!(shown("file:///etc/passwd"), "its warg URL `file:///etc/passwd` has no host");
        assert_eq!(shown("ftp://example.com"), "its warg URL `ftp://example.com/` must be https");
        assert_eq!(
            shown("https://example.com/?a=b"),
            "its warg URL `https://example.com/` must end with its path"
        );
        assert_eq!(shown("me:sesame@\u{1b}["), "its warg URL `\u{fffd}[` is not a URL");
        assert_eq!(shown(""), "its warg URL `` is not a URL");
    }

    #[test]
    fn a_key_is_taken_from_the_environment_then_from_the_configuration_and_never_shown() {
        const KEY: &str = "ecdsa-p256:I+UlDo0HxyBBFeelhPPWmD+LnklOpqZDkrFP5VduASk=";
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        fs_err::write(&file, format!("{KEY}\n")).unwrap();
        let settings = |table| WargSettings::new(Url::parse("https://example.com/").unwrap(), table);
        let nothing = settings(WargTable::default());
        let in_table = settings(WargTable { signing_key: Some(KEY.into()), ..WargTable::default() });
        let in_file = settings(WargTable { signing_key_file: Some(file.clone()), ..WargTable::default() });
        let path = file.to_str().unwrap();
        for (settings, environment) in [
            (&in_table, Environment::empty()),
            (&in_file, Environment::empty()),
            (&nothing, [(KEY_VARIABLE, KEY)].into_iter().collect()),
            (&nothing, [(KEY_FILE_VARIABLE, path)].into_iter().collect()),
        ] {
            assert_eq!(*settings.signing_key(&environment).unwrap().encode(), KEY);
        }
        let error = |environment: Environment| match nothing.signing_key(&environment) {
            Err(error) => error.to_string(),
            Ok(_) => panic!(),
        };
        assert_eq!(error(Environment::empty()), "there is no key to sign with: none is configured");
        assert_eq!(
            error([(KEY_VARIABLE, "sesame")].into_iter().collect()),
            "there is no key to sign with: `SPIN_DEPS_SIGNING_KEY` is not a key of the form `ecdsa-p256:<base64>`"
        );
        let missing = error([(KEY_FILE_VARIABLE, "/nowhere/key")].into_iter().collect());
        assert!(missing.contains("/nowhere/key") && missing.contains("cannot be read"), "{missing}");
    }
}
