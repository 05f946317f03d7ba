//! A blocking HTTP client for tests that are not async themselves.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::DEADLINE;
use super::tls::Authority;

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case; of several values the last.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A client that follows no redirect, asks no proxy of the machine and gives up after [`DEADLINE`].
pub(crate) fn client() -> reqwest::Client {
    builder().build().expect("an HTTP client with the platform's defaults")
}

/// The same for single requests, each on a runtime of its own: it keeps no connection, and the system's certificates are
/// read once.
pub(crate) fn one_shot() -> reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        builder().pool_max_idle_per_host(0).build().expect("an HTTP client with the platform's defaults")
    });
    CLIENT.clone()
}

/// The same for servers with a certificate of this authority.
pub(crate) fn client_trusting(authority: &Authority) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(authority.root_pem().as_bytes()).expect("a certificate");
    builder().tls_certs_merge([root]).build().expect("an HTTP client with the platform's defaults")
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(DEADLINE)
}

/// Runs a future on a runtime of its own.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime for one future")
        .block_on(future)
}

/// `GET url`; an answer with any status is an answer, no answer is a panic.
pub(crate) fn get(url: &str) -> Answer {
    block_on(answer(one_shot().get(url)))
}

/// Sends `request` and reads the whole answer.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = response.bytes().await.expect("a whole body").to_vec();
    Answer { status, headers, body }
}
