//! Docker's `config.json`, written: one place that Docker, wkg and we read.
//!
//! The file belongs to somebody else. What we do not understand in it stays as it is written, byte by byte and in its
//! order, and its indentation is kept; a link to it stays a link; it is replaced whole or not at all. As it may hold
//! passwords, nobody but the user can read it afterwards.
//!
//! ```json
//! { "auths": { "ghcr.io": { "auth": "<base64 of user:password>" }, "x.azurecr.io": { "identitytoken": "…" } },
//!   "credsStore": "NAME", "credHelpers": { "ghcr.io": "NAME" } }
//! ```
//!
//! Where a [credential helper] is configured for a registry, or for all, the secret goes to it: `docker-credential-NAME
//! store` with a JSON object on its standard input, `erase` with the registry. `auths` then has an empty entry for the
//! registry, as Docker itself leaves one.
//!
//! [credential helper]: https://github.com/docker/docker-credential-helpers

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use indexmap::IndexMap;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::credentials::{Credential, docker_config, read_bounded};
use crate::error::Error;
use crate::files::about;
use crate::secret::Secret;
use crate::settings::Environment;
use crate::text::printable;

/// A helper may have to ask for the password of a key ring first.
const HELPER_TIMEOUT: Duration = Duration::from_mins(2);
/// What is read of a helper's message.
const HELPER_MESSAGE: u64 = 4096;
/// The name by which Docker and its helpers know Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// Docker indents by tabs.
const INDENT: &str = "\t";

type Object = IndexMap<String, Box<RawValue>>;

/// The file's content.
#[derive(Debug)]
pub(crate) struct DockerConfig {
    path: PathBuf,
    entries: Object,
    layout: Layout,
}

/// How the text is laid out.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    /// What each level is indented by; `None`: all in one line.
    indent: Option<String>,
    /// What follows the last brace.
    tail: String,
}

impl DockerConfig {
    /// Reads the file; one that is not there is empty.
    pub(crate) fn read(environment: &Environment) -> Result<Self, Error> {
        let path = docker_config(environment).ok_or_else(|| Error::CredentialStore {
            place: "Docker's configuration".to_owned(),
            reason: "where it lies is not known; name its directory in `DOCKER_CONFIG`".to_owned(),
        })?;
        let text = match read_bounded(&path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| unusable(&path, "it is not text in UTF-8"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(unusable(&path, &error.to_string())),
        };
        let layout = Layout::of(&text);
        let entries = if text.trim().is_empty() {
            Object::new()
        } else {
            // The message of the parser may quote the text, which may hold a password.
            serde_json::from_str(&text).map_err(|error| {
                unusable(&path, &format!("it is not a JSON object (line {})", error.line()))
            })?
        };
        Ok(Self { path, entries, layout })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The credential helper that keeps what belongs to `server`.
    pub(crate) fn helper(&self, server: &str) -> Result<Option<Helper>, Error> {
        let own: IndexMap<String, String> = self.get("credHelpers")?.unwrap_or_default();
        let name = own.get(server).filter(|name| !name.is_empty()).cloned();
        let name = match name {
            Some(name) => Some(name),
            None => self.get::<String>("credsStore")?.filter(|name| !name.is_empty()),
        };
        name.map(|name| Helper::new(&name)).transpose()
    }

    /// Writes an entry of `auths`: with the credential, or empty, where a helper has it.
    pub(crate) fn set(&mut self, server: &str, credential: Option<&Credential>) -> Result<(), Error> {
        let mut auths: Object = self.get("auths")?.unwrap_or_default();
        let field = credential.map(|credential| match credential {
            Credential::Basic { username, password } => {
                let text = format!("{username}:{}", password.expose());
                ("auth", base64::engine::general_purpose::STANDARD.encode(text))
            }
            Credential::Identity(token) => ("identitytoken", token.expose().to_owned()),
        });
        let mut entry = Object::new();
        if let Some((name, value)) = field {
            entry.insert(name.to_owned(), raw(&value)?);
        }
        // The same registry under other spellings would be found first by others.
        auths.retain(|key, _| key == server || host_of(key) != host_of(server));
        auths.insert(server.to_owned(), self.layout.object(&entry, 2)?);
        self.entries.insert("auths".to_owned(), self.layout.object(&auths, 1)?);
        Ok(())
    }

    /// Removes the entries of `auths` for `server`, however they are spelled; whether there was one.
    pub(crate) fn remove(&mut self, server: &str) -> Result<bool, Error> {
        let mut auths: Object = self.get("auths")?.unwrap_or_default();
        let before = auths.len();
        auths.retain(|key, _| host_of(key) != host_of(server));
        let removed = auths.len() < before;
        if removed {
            self.entries.insert("auths".to_owned(), self.layout.object(&auths, 1)?);
        }
        Ok(removed)
    }

    /// Replaces the file.
    pub(crate) fn write(&self) -> Result<(), Error> {
        let failed = |error: io::Error| unusable(&self.path, &error.to_string());
        let mut text = self.layout.object(&self.entries, 0)?.get().to_owned();
        text.push_str(&self.layout.tail);
        let target = match fs_err::canonicalize(&self.path) {
            Ok(target) => target,
            Err(_) if fs_err::symlink_metadata(&self.path).is_ok() => {
                return Err(unusable(&self.path, "it is a link to a file that does not exist"));
            }
            Err(_) => self.path.clone(),
        };
        let dir = target.parent().unwrap_or(Path::new("."));
        private_dir(dir).map_err(failed)?;
        // A temporary file can be read by its owner only, and passes that on.
        let mut file = tempfile::Builder::new()
            .prefix(".spin-deps-")
            .tempfile_in(dir)
            .map_err(|error| failed(about(dir, "could not create a file in", &error)))?;
        io::Write::write_all(&mut file, text.as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .map_err(failed)?;
        file.persist(&target).map_err(|error| failed(error.error))?;
        Ok(())
    }

    fn get<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let Some(value) = self.entries.get(key) else { return Ok(None) };
        serde_json::from_str(value.get())
            .map_err(|_| unusable(&self.path, &format!("its `{key}` is not of the kind that Docker writes")))
    }
}

impl Layout {
    fn of(text: &str) -> Self {
        let trimmed = text.trim_end();
        let tail = text.get(trimmed.len()..).unwrap_or_default().to_owned();
        let inner = trimmed.trim_start().strip_prefix('{').unwrap_or_default();
        let before_key = inner.get(..inner.find('"').unwrap_or(0)).unwrap_or_default();
        let indent = match before_key.rsplit_once('\n') {
            Some((_, indent)) if !indent.is_empty() && indent.trim().is_empty() => Some(indent.to_owned()),
            None if inner.contains('"') => None,
            _ => Some(INDENT.to_owned()),
        };
        Self { indent, tail }
    }

    /// An object as text, its braces indented by `depth` levels.
    fn object(&self, entries: &Object, depth: usize) -> Result<Box<RawValue>, Error> {
        let (comma, colon, begin, end) = match &self.indent {
            _ if entries.is_empty() => (String::new(), "", String::new(), String::new()),
            None => (",".to_owned(), ":", String::new(), String::new()),
            Some(indent) => {
                let begin = format!("\n{}", indent.repeat(depth + 1));
                (format!(",{begin}"), ": ", begin, format!("\n{}", indent.repeat(depth)))
            }
        };
        let mut text = String::from("{");
        for (number, (key, value)) in entries.iter().enumerate() {
            text.push_str(if number == 0 { &begin } else { &comma });
            text.push_str(raw(key)?.get());
            text.push_str(colon);
            text.push_str(value.get());
        }
        text.push_str(&end);
        text.push('}');
        RawValue::from_string(text).map_err(|error| io::Error::other(error).into())
    }
}

/// The name by which Docker keeps what belongs to `host`.
pub(crate) fn server_of(host: &str) -> &str {
    if is_docker_hub(host) { DOCKER_HUB } else { host }
}

/// The host of a key of `auths`, which may be a URL.
fn host_of(key: &str) -> &str {
    let host = match key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")) {
        Some(rest) => rest.split('/').next().unwrap_or_default(),
        None => key,
    };
    if is_docker_hub(host) { "docker.io" } else { host }
}

fn is_docker_hub(host: &str) -> bool {
    matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io")
}

fn raw(text: &str) -> Result<Box<RawValue>, Error> {
    serde_json::value::to_raw_value(text).map_err(|error| io::Error::other(error).into())
}

fn unusable(path: &Path, reason: &str) -> Error {
    Error::CredentialStore { place: format!("`{}`", path.display()), reason: reason.to_owned() }
}

/// Creates the directory for the user alone, if it is missing.
fn private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| about(dir, "could not create", &error))
}

/// A program that keeps credentials.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Helper {
    program: String,
}

impl Helper {
    fn new(name: &str) -> Result<Self, Error> {
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            return Err(Error::CredentialStore {
                place: "the credential helper of Docker's configuration".to_owned(),
                reason: "its name is not that of a program".to_owned(),
            });
        }
        Ok(Self { program: format!("docker-credential-{name}") })
    }

    /// Where the credentials are, for messages.
    pub(crate) fn place(&self) -> String {
        format!("the credential helper `{}`", self.program)
    }

    /// Keeps the credential. Docker's name for the user of an identity token is `<token>`.
    pub(crate) async fn store(&self, server: &str, credential: &Credential) -> Result<(), Error> {
        let (username, secret) = match credential {
            Credential::Basic { username, password } => (username.as_str(), password),
            Credential::Identity(token) => ("<token>", token),
        };
        let input =
            serde_json::json!({ "ServerURL": server, "Username": username, "Secret": secret.expose() });
        self.run("store", &input.to_string(), Some(secret)).await
    }

    /// Forgets the credential.
    pub(crate) async fn erase(&self, server: &str) -> Result<(), Error> {
        self.run("erase", server, None).await
    }

    async fn run(&self, action: &str, input: &str, secret: Option<&Secret>) -> Result<(), Error> {
        let failed = |reason: String| Error::CredentialStore { place: self.place(), reason };
        let mut child = tokio::process::Command::new(&self.program)
            .arg(action)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => failed("there is no such program on the search path".to_owned()),
                _ => failed(format!("it could not be started: {error}")),
            })?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let talk = async {
            if let Some(mut stdin) = stdin {
                // A helper that does not listen says why with its exit status.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
            let mut said = Vec::new();
            if let Some(stdout) = stdout {
                let _ = stdout.take(HELPER_MESSAGE).read_to_end(&mut said).await;
            }
            child.wait().await.map(|status| (status, said))
        };
        let (status, said) = tokio::time::timeout(HELPER_TIMEOUT, talk)
            .await
            .map_err(|_| failed("it did not answer in time".to_owned()))??;
        if status.success() {
            return Ok(());
        }
        let said = printable(&String::from_utf8_lossy(&said), 200);
        let is_secret = secret.is_some_and(|secret| said.contains(secret.expose()));
        Err(failed(if said.is_empty() || is_secret {
            "it failed".to_owned()
        } else {
            format!("it says: {said}")
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> (tempfile::TempDir, Result<DockerConfig, Error>) {
        let dir = tempfile::tempdir().unwrap();
        fs_err::write(dir.path().join("config.json"), text).unwrap();
        let config = read(&dir);
        (dir, config)
    }

    fn read(dir: &tempfile::TempDir) -> Result<DockerConfig, Error> {
        DockerConfig::read(&[("DOCKER_CONFIG", dir.path().to_str().unwrap())].into_iter().collect())
    }

    fn text(dir: &tempfile::TempDir) -> String {
        fs_err::read_to_string(dir.path().join("config.json")).unwrap()
    }

    fn ada() -> Credential {
        Credential::Basic { username: "ada".into(), password: Secret::new("pa:ss") }
    }

    #[test]
    fn what_is_not_ours_stays_as_it_is_written() {
        let (dir, config) = config(
            "{\n  \"zebra\": [1,2,   3],\n  \"auths\": {\n    \"a.example\": { \"auth\": \"YTpi\", \"email\": \"x\" }\n  },\n  \
             \"aardvark\": 1.0e99\n}\n",
        );
        let mut config = config.unwrap();
        config.set("b.example:5000", Some(&ada())).unwrap();
        config.write().unwrap();
        insta::assert_snapshot!(text(&dir), @r#"
        {
          "zebra": [1,2,   3],
          "auths": {
            "a.example": { "auth": "YTpi", "email": "x" },
            "b.example:5000": {
              "auth": "YWRhOnBhOnNz"
            }
          },
          "aardvark": 1.0e99
        }
        "#);
        let mut config = read(&dir).unwrap();
        assert!(config.remove("b.example:5000").unwrap());
        assert!(!config.remove("c.example").unwrap());
        config.write().unwrap();
        insta::assert_snapshot!(text(&dir), @r#"
        {
          "zebra": [1,2,   3],
          "auths": {
            "a.example": { "auth": "YTpi", "email": "x" }
          },
          "aardvark": 1.0e99
        }
        "#);
    }

    #[test]
    fn a_line_stays_a_line_and_a_new_file_looks_like_dockers() {
        let (dir, config) = config(r#"{"HttpHeaders":{"User-Agent":"x"}}"#);
        let mut config = config.unwrap();
        config.set("a.example", Some(&Credential::Identity(Secret::new("t0ken")))).unwrap();
        config.write().unwrap();
        assert_eq!(
            text(&dir),
            r#"{"HttpHeaders":{"User-Agent":"x"},"auths":{"a.example":{"identitytoken":"t0ken"}}}"#
        );
        fs_err::remove_file(dir.path().join("config.json")).unwrap();
        let mut config = read(&dir).unwrap();
        config.set("a.example", None).unwrap();
        config.write().unwrap();
        assert_eq!(text(&dir), "{\n\t\"auths\": {\n\t\t\"a.example\": {}\n\t}\n}");
    }

    #[test]
    fn other_spellings_of_a_registry_are_the_same_registry() {
        let (dir, config) = config(
            r#"{"auths":{"https://a.example/v1/":{"auth":"YTpi"},"a.example/sub":{},"index.docker.io":{"auth":"YTpi"}}}"#,
        );
        let mut config = config.unwrap();
        config.set("a.example", Some(&ada())).unwrap();
        assert!(config.remove(server_of("docker.io")).unwrap());
        config.write().unwrap();
        assert_eq!(text(&dir), r#"{"auths":{"a.example/sub":{},"a.example":{"auth":"YWRhOnBhOnNz"}}}"#);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_only_the_user_reads_the_file() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let (dir, _) = config("{}");
        let (link, real) = (dir.path().join("config.json"), dir.path().join("real.json"));
        fs_err::rename(&link, &real).unwrap();
        fs_err::set_permissions(&real, std::fs::Permissions::from_mode(0o644)).unwrap();
        symlink("real.json", &link).unwrap();
        let mut config = read(&dir).unwrap();
        config.set("a.example", Some(&ada())).unwrap();
        config.write().unwrap();
        assert!(fs_err::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs_err::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
        fs_err::remove_file(&real).unwrap();
        assert!(config.write().unwrap_err().to_string().contains("a link to a file that does not exist"));
    }

    #[test]
    fn a_file_that_is_not_dockers_is_left_alone() {
        for bad in ["[]", "{\"auths\": {\"a\": \"hunter2\"", "\u{feff}{}", "hunter2"] {
            let error = config(bad).1.unwrap_err().to_string();
            assert!(error.contains("not a JSON object") && !error.contains("hunter2"), "{error}");
        }
        for bad in [r#"{"auths": []}"#, r#"{"credHelpers": 1}"#] {
            let (_dir, config) = config(bad);
            let mut config = config.unwrap();
            let failed = config.helper("a.example").is_err() || config.set("a.example", None).is_err();
            assert!(failed, "{bad}");
        }
    }

    #[test]
    fn the_helper_of_the_registry_comes_before_that_of_all() {
        let (_dir, config) =
            config(r#"{"credsStore": "all", "credHelpers": {"a.example": "own", "b.example": ""}}"#);
        let config = config.unwrap();
        let place = |server| config.helper(server).unwrap().unwrap().place();
        assert_eq!(place("a.example"), "the credential helper `docker-credential-own`");
        assert_eq!(place("b.example"), "the credential helper `docker-credential-all`");
        assert!(Helper::new("../../bin/sh").is_err());
    }
}
