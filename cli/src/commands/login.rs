//! `spin-deps login`

use std::io::{IsTerminal as _, Read as _};

use clap::Args;
use serde_json::json;
use spin_deps_project::{Credential, Error, Project, Secret};
use wasm_pkg_common::registry::Registry;

use super::Context;
use crate::{
    output::{GOOD, NAME, Output, styled},
    prompt,
    report::{self, Failure},
};

/// No password or token is longer, in bytes.
const SECRET_LIMIT: u64 = 64 * 1024;

/// Log in at an OCI registry
///
/// The credentials are tried first and then kept in Docker's config.json, or with its credential helper where one is
/// configured: Docker and wkg use them as well. A password is read from the terminal or from stdin, never from the
/// command line.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps login ghcr.io                                ask for user and password
  spin-deps login ghcr.io -u ada --password-stdin < token.txt")]
pub(crate) struct Login {
    /// The registry: a host, such as ghcr.io, or a name of the configuration
    #[arg(value_name = "REGISTRY")]
    registry: String,
    /// The user's name [default: asked for in a terminal]
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,
    /// Read the password, or an access token in its place, from stdin
    #[arg(long)]
    password_stdin: bool,
    /// Read an identity token (an OAuth refresh token) from stdin
    #[arg(long, conflicts_with_all = ["user", "password_stdin"])]
    token_stdin: bool,
    /// Refused, with a reason
    #[arg(short, long, hide = true, num_args = 0..=1, default_missing_value = "")]
    password: Option<String>,
}

/// The registry that a user names. What may be a password in it is not repeated.
pub(super) fn registry(text: &str) -> Result<Registry, Error> {
    let parsed = text.parse::<Registry>().ok().filter(|it| !it.host().is_empty() && !text.contains('@'));
    parsed.ok_or_else(|| {
        let shown = text.rsplit_once('@').map_or(text, |(_, host)| host);
        Error::Unanswered {
            message: format!("`{shown}` is not the name of a registry"),
            hint: "name its host, with its port if it has one, such as `ghcr.io` or `localhost:5000`: no \
                   `https://`, no path, no user"
                .into(),
        }
    })
}

impl Login {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        if self.password.is_some() {
            return Err(unanswered(
                "a password is not taken from the command line, where other users and the shell's history see it",
                "give it on stdin with `--password-stdin`, or leave it out to be asked for it",
            ));
        }
        let registry = registry(&self.registry)?;
        let registries = Project::open_registries(&context.settings).await?;
        let target = registries.login_target(&registry).await.map_err(Error::from)?;
        let host = target.host().to_owned();
        if host != self.registry {
            context.note(&format!("{registry} is at {host}"));
        }
        let credential = self.credential(&host).await?;
        let done = registries.login(&target, &credential).await.map_err(Error::from)?;
        if !done.tried {
            report::warn(&format!("{host} asks nobody for credentials, so they could not be tried"));
        }
        if let Some(other) = &done.shadowed_by {
            report::warn(&format!("{other} is used for {host} before what was stored now"));
        }
        let user = match &credential {
            Credential::Basic { username, .. } => Some(username),
            Credential::Identity(_) => None,
        };
        let mut output = Output::new(json!({
            "registry": registry,
            "host": host,
            "user": user,
            "tried": done.tried,
            "stored_in": done.stored_in,
        }));
        let who = user.map(|user| format!(" as {user}")).unwrap_or_default();
        output.line(format!("{} at {}{who}", styled(GOOD, "Logged in"), styled(NAME, host)));
        output.line(format!("  credentials are in {}", done.stored_in));
        Ok(output)
    }

    /// What the options and stdin give, and the rest from the user.
    async fn credential(&self, host: &str) -> Result<Credential, Failure> {
        if self.token_stdin {
            return Ok(Credential::Identity(from_stdin("--token-stdin").await?));
        }
        let username = match &self.user {
            Some(user) => user.clone(),
            None if prompt::is_possible() => prompt::line(format!("User at {host}")).await?,
            None => return Err(unanswered("the user's name is missing", "give it with `--user`")),
        };
        if username.is_empty() || username.contains(':') {
            // HTTP Basic joins name and password by a colon (RFC 7617).
            return Err(unanswered(
                "a user's name is not empty and has no colon",
                "give another with `--user`",
            ));
        }
        let password = if self.password_stdin {
            from_stdin("--password-stdin").await?
        } else if prompt::is_possible() {
            prompt::secret(format!("Password of {username} at {host}")).await?
        } else {
            return Err(unanswered("the password is missing", "give it on stdin with `--password-stdin`"));
        };
        Ok(Credential::Basic { username, password })
    }
}

/// The secret on stdin, without the line break at its end.
async fn from_stdin(option: &str) -> Result<Secret, Failure> {
    if std::io::stdin().is_terminal() {
        let hint = format!("send it through a pipe, or leave out `{option}`");
        return Err(unanswered("stdin is the terminal, where everyone could read along", &hint));
    }
    let mut text = tokio::task::spawn_blocking(|| {
        let mut text = String::new();
        std::io::stdin().take(SECRET_LIMIT).read_to_string(&mut text).map(|_| text)
    })
    .await
    .map_err(Error::from)?
    .map_err(|error| Failure::message(format!("stdin cannot be read: {error}")))?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    if text.is_empty() {
        return Err(unanswered(
            "there is nothing on stdin",
            &format!("`{option}` reads the secret from there"),
        ));
    }
    Ok(Secret::new(text))
}

fn unanswered(message: &str, hint: &str) -> Failure {
    Error::Unanswered { message: message.to_owned(), hint: hint.to_owned() }.into()
}
