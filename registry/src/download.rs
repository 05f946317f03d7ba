//! A file by URL and digest: the `url` source of a dependency.
//!
//! The digest decides what is accepted, so a server is trusted with nothing but its patience: the body is limited,
//! redirects obey the rules of [`Http`], and no registry's credentials are ever involved.

use url::Url;
use wasm_pkg_common::digest::ContentDigest;

use crate::LAYER_LIMIT;
use crate::error::Error;
use crate::http::{ATTEMPTS, Failure, Http, backoff, failure, is_busy, retry_after};
use crate::settings::Progress;
use crate::store::Store;
use crate::text::show_url;

/// Why an attempt did not succeed.
enum Setback {
    /// Worth another attempt.
    Passing(Error),
    Final(Error),
}

/// Brings the content into the store.
pub(crate) async fn download(
    http: &Http,
    store: &Store,
    url: &Url,
    digest: &ContentDigest,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let mut made = 0;
    loop {
        made += 1;
        match attempt(http, store, url, digest, progress).await {
            Ok(()) => return Ok(()),
            Err(Setback::Passing(error)) if made < ATTEMPTS => {
                tracing::debug!(%error, "the download did not succeed; trying again");
                tokio::time::sleep(backoff(made)).await;
            }
            Err(Setback::Passing(error) | Setback::Final(error)) => return Err(error),
        }
    }
}

async fn attempt(
    http: &Http,
    store: &Store,
    url: &Url,
    digest: &ContentDigest,
    progress: &dyn Progress,
) -> Result<(), Setback> {
    let what = show_url(url);
    let host = url.host_str().unwrap_or_default();
    let failed = |failure: Failure| {
        let is_passing = matches!(failure, Failure::Broken(_));
        let error = failure.at(host, &what, false);
        if is_passing { Setback::Passing(error) } else { Setback::Final(error) }
    };
    let stored = |error| {
        Setback::Final(match Error::of_store(error, &what) {
            Error::DigestMismatch { expected, actual, .. } => Error::DigestMismatch {
                what: "the file".to_owned(),
                expected,
                actual,
                origin: format!("`{what}`"),
            },
            error => error,
        })
    };
    let mut response = http.open(url).await.map_err(failed)?;
    judge(&response, host, &what)?;
    let length = response.content_length();
    if length.is_some_and(|length| length > LAYER_LIMIT) {
        return Err(Setback::Final(Error::TooLarge { what, limit: LAYER_LIMIT }));
    }
    let mut task = progress.begin(&what, length);
    let mut writer = store.writer(Some(digest), LAYER_LIMIT);
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(failure(&error)))? {
        writer.write(&chunk).await.map_err(stored)?;
        task.advance(chunk.len() as u64);
    }
    writer.commit().await.map_err(stored)?;
    Ok(())
}

/// Whether the answer is the file.
fn judge(response: &reqwest::Response, host: &str, what: &str) -> Result<(), Setback> {
    let (registry, what) = (host.to_owned(), what.to_owned());
    Err(Setback::Final(match response.status().as_u16() {
        200 => return Ok(()),
        404 | 410 => Error::NotFound { registry, what: format!("`{what}`") },
        401 => Error::Unauthorized { registry, what, credentials: None, note: None },
        403 => Error::Forbidden { registry, what, message: String::new() },
        status if is_busy(response.status()) => {
            let retry_after = retry_after(response.headers()).map(|pause| pause.as_secs());
            let error = Error::Busy { registry, status, retry_after };
            return Err(if retry_after.is_none() { Setback::Passing(error) } else { Setback::Final(error) });
        }
        status => Error::BadAnswer { registry, what, reason: format!("its HTTP status is {status}") },
    }))
}
