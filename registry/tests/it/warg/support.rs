//! A real `warg-server` in this process, and a forger in front of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Response};
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use spin_deps_registry::{Content, Error, Listing, Registries, Settings};
use warg_client::FileSystemClient;
use warg_crypto::hash::{AnyHash, Sha256};
use warg_crypto::signing::{PrivateKey, generate_p256_pair};
use warg_protocol::operator::{NamespaceState, OperatorRecord};
use warg_protocol::package::{PACKAGE_RECORD_VERSION, PackageEntry, PackageRecord};
use warg_protocol::registry::{Checkpoint, LogId, LogLeaf, PackageName, RecordId, TimestampedCheckpoint};
use warg_protocol::{ProtoEnvelope, ProtoEnvelopeBody, SerdeEnvelope};
use wasm_pkg_common::registry::Registry;

use crate::support::{open, package, publication, registry, version};

/// A key of its own.
pub(super) fn key() -> String {
    generate_p256_pair().1.encode().to_string()
}

pub(super) fn decode(key: &str) -> PrivateKey {
    PrivateKey::decode(key.to_owned()).unwrap()
}

/// The identifier of a key.
pub(super) fn key_id(key: &str) -> String {
    decode(key).public_key().fingerprint().to_string()
}

/// A registry with the namespace `acme`.
pub(super) struct WargServer {
    pub(super) address: String,
    pub(super) operator: String,
    _dir: tempfile::TempDir,
    task: tokio::task::JoinHandle<()>,
}

impl WargServer {
    pub(super) async fn start() -> Self {
        Self::with_operator(&key()).await
    }

    pub(super) async fn with_operator(operator: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let namespaces = vec![("acme".to_owned(), NamespaceState::Defined)];
        let config = warg_server::Config::new(decode(operator), Some(namespaces), dir.path().to_owned())
            .with_addr(([127, 0, 0, 1], 0))
            .with_checkpoint_interval(Duration::from_millis(20));
        let server = warg_server::Server::new(config).initialize().await.unwrap();
        let address = server.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move { server.serve().await.unwrap() });
        Self { address, operator: operator.to_owned(), _dir: dir, task }
    }
}

impl Drop for WargServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A question on its way.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    pub(super) fn get(path: &str) -> Self {
        Self { method: "GET".into(), path: path.into(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(super) fn post(path: &str, question: &Value) -> Self {
        let headers = [("content-type".parse().unwrap(), "application/json".parse().unwrap())];
        Self {
            method: "POST".into(),
            path: path.into(),
            headers: headers.into_iter().collect(),
            body: question.to_string().into(),
        }
    }

    pub(super) fn is(&self, path: &str) -> bool {
        self.path == path
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The server behind the forger.
#[derive(Clone)]
pub(super) struct Upstream {
    address: String,
    client: reqwest::Client,
}

impl Upstream {
    pub(super) fn at(address: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { address: address.to_owned(), client }
    }

    pub(super) async fn pass(&self, asked: &Asked) -> (u16, Bytes) {
        let method = asked.method.parse::<reqwest::Method>().unwrap();
        let mut request = self.client.request(method, format!("http://{}{}", self.address, asked.path));
        for name in ["content-type", "authorization"] {
            if let Some(value) = asked.headers.get(name) {
                request = request.header(name, value.as_bytes());
            }
        }
        let answer = request.body(asked.body.clone()).send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap())
    }

    pub(super) async fn ask(&self, asked: &Asked) -> Value {
        serde_json::from_slice(&self.pass(asked).await.1).unwrap()
    }
}

type Rule = Arc<dyn Fn(Asked, Upstream) -> BoxFuture<'static, (u16, Bytes)> + Send + Sync>;

/// Stands before a server, counts, and answers by a rule that can be changed.
pub(super) struct Forger {
    pub(super) address: String,
    upstream: Upstream,
    rule: Arc<Mutex<Option<Rule>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Forger {
    pub(super) async fn before(upstream: &str) -> Self {
        let upstream = Upstream::at(upstream);
        let rule: Arc<Mutex<Option<Rule>>> = Arc::default();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (passed, rules, seen) = (upstream.clone(), Arc::clone(&rule), Arc::clone(&asked));
        let app = Router::new().fallback(move |request: Request| {
            let (upstream, rules, seen) = (passed.clone(), Arc::clone(&rules), Arc::clone(&seen));
            async move {
                let (parts, body) = request.into_parts();
                let asked = Asked {
                    method: parts.method.to_string(),
                    path: parts.uri.to_string(),
                    headers: parts.headers,
                    body: to_bytes(body, usize::MAX).await.unwrap(),
                };
                seen.lock().unwrap().push(asked.clone());
                let rule = rules.lock().unwrap().clone();
                let (status, body) = match rule {
                    Some(rule) => rule(asked, upstream).await,
                    None => upstream.pass(&asked).await,
                };
                let json = Response::builder().status(status).header("content-type", "application/json");
                json.body(Body::from(body)).unwrap()
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, upstream, rule, asked, task }
    }

    /// Answers by this rule from now on.
    pub(super) fn rule<F: Future<Output = (u16, Bytes)> + Send + 'static>(
        &self,
        rule: impl Fn(Asked, Upstream) -> F + Send + Sync + 'static,
    ) {
        let rule: Rule = Arc::new(move |asked, upstream| rule(asked, upstream).boxed());
        *self.rule.lock().unwrap() = Some(rule);
    }

    /// Answers questions for `path` with what `change` makes of the true answer.
    pub(super) fn change(&self, path: &'static str, change: impl Fn(Value) -> Value + Send + Sync + 'static) {
        let change = Arc::new(change);
        self.rule(move |asked, upstream| {
            let change = Arc::clone(&change);
            async move {
                let (status, body) = upstream.pass(&asked).await;
                if !asked.is(path) {
                    return (status, body);
                }
                (200, change(serde_json::from_slice(&body).unwrap()).to_string().into())
            }
        });
    }

    pub(super) fn be_honest(&self) {
        *self.rule.lock().unwrap() = None;
    }

    /// What was asked since the last call, as "GET /path".
    pub(super) fn take(&self) -> Vec<String> {
        self.take_all().into_iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }

    pub(super) fn take_all(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// The checkpoint of the server now.
    pub(super) async fn checkpoint(&self) -> SerdeEnvelope<TimestampedCheckpoint> {
        serde_json::from_value(self.upstream.ask(&Asked::get(CHECKPOINT)).await).unwrap()
    }
}

impl Drop for Forger {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) const CHECKPOINT: &str = "/v1/fetch/checkpoint";
pub(super) const LOGS: &str = "/v1/fetch/logs";
pub(super) const INCLUSION: &str = "/v1/proof/inclusion";
pub(super) const CONSISTENCY: &str = "/v1/proof/consistency";

/// A server, a forger before it, and a user with a key and directories of their own.
pub(super) struct Scene {
    pub(super) server: WargServer,
    pub(super) forger: Forger,
    pub(super) key: String,
    pub(super) dir: tempfile::TempDir,
    pub(super) settings: Settings,
    pub(super) registry: Registry,
}

impl Scene {
    /// With these releases of acme:base, whose content is their version.
    pub(super) async fn with(versions: &[&str]) -> Self {
        let server = WargServer::start().await;
        let forger = Forger::before(&server.address).await;
        let (dir, key) = (tempfile::tempdir().unwrap(), key());
        let settings = settings(dir.path(), &[("warg.test", &forger.address)], &key);
        let scene = Self { server, forger, key, dir, settings, registry: registry("warg.test") };
        for version in versions {
            scene.publish("acme:base", version).await;
        }
        scene.forger.take();
        scene
    }

    /// A new process, as far as memory goes.
    pub(super) async fn open(&self) -> Registries {
        open(&self.settings).await
    }

    /// Publishes from another machine.
    pub(super) async fn publish(&self, name: &str, number: &str) {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), &[("warg.test", &self.server.address)], &self.key);
        let publication = publication(name, number, format!("{name} {number}"));
        open(&settings).await.publish(&publication, &self.registry).await.unwrap();
    }

    /// The logs of the operator and of a package, as the server has them.
    async fn logs(&self, name: &str) -> Value {
        let id = log_id(name).to_string();
        let length = self.forger.checkpoint().await.as_ref().checkpoint.log_length;
        let question = json!({ "logLength": length, "packages": { id: null } });
        self.forger.upstream.ask(&Asked::post(LOGS, &question)).await
    }

    /// All leaves of the server's log, which has only this package; and the true proofs that the operator's and the
    /// package's last records are in the map.
    pub(super) async fn truth(&self, name: &str) -> (Vec<LogLeaf>, Value) {
        let (log_id, logs) = (log_id(name), self.logs(name).await);
        let body = |record: &Value| -> ProtoEnvelopeBody { serde_json::from_value(record.clone()).unwrap() };
        let of_operator = logs["operator"].as_array().unwrap().iter().map(|record| {
            let record = ProtoEnvelope::<OperatorRecord>::try_from(body(record)).unwrap();
            let record_id = RecordId::operator_record::<Sha256>(&record);
            LogLeaf { log_id: LogId::operator_log::<Sha256>(), record_id }
        });
        let of_package = logs["packages"][log_id.to_string()].as_array().unwrap().iter().map(|record| {
            let record = ProtoEnvelope::<PackageRecord>::try_from(body(record)).unwrap();
            LogLeaf { log_id: log_id.clone(), record_id: RecordId::package_record::<Sha256>(&record) }
        });
        let last_of_operator = of_operator.len() - 1;
        let leaves: Vec<LogLeaf> = of_operator.chain(of_package).collect();
        let question = json!({ "logLength": leaves.len(), "leafs": [last_of_operator, leaves.len() - 1] });
        let proofs = self.forger.upstream.ask(&Asked::post(INCLUSION, &question)).await;
        (leaves, proofs["map"].clone())
    }

    /// Withdraws a release of acme:base, as another client would: by its own request.
    pub(super) async fn yank(&self, number: &str) {
        let (name, log_id) = ("acme:base", log_id("acme:base"));
        let logs = self.logs(name).await;
        let last = logs["packages"][log_id.to_string()].as_array().unwrap().last().unwrap().clone();
        let record = signed(&self.key, Some(&last), vec![PackageEntry::Yank { version: version(number) }]);
        let path = format!("/v1/package/{log_id}/record");
        let question = json!({ "packageName": name, "record": record });
        let answer = self.forger.upstream.ask(&Asked::post(&path, &question)).await;
        let path = format!("{path}/{}", answer["recordId"].as_str().unwrap());
        while self.forger.upstream.ask(&Asked::get(&path)).await["state"] != "published" {
            tokio::task::yield_now().await;
        }
    }

    /// The releases of acme:base, withdrawn ones in brackets, as a new process sees them now.
    pub(super) async fn versions(&self) -> Result<String, Error> {
        let settings = Settings { listing_ttl: Duration::ZERO, ..self.settings.clone() };
        versions(&open(&settings).await, "acme:base", &self.registry).await
    }

    /// What the user has of acme:base at this version.
    pub(super) async fn content(&self, number: &str) -> Content {
        let (name, number) = (package("acme:base"), version(number));
        let release = self.open().await.release(&name, &number, &self.registry).await.unwrap().unwrap();
        Content::of(&name, &number, &self.registry, &release)
    }

    /// The files of the verified state, with their bytes.
    pub(super) fn state(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut dirs = vec![self.settings.state_dir.clone()];
        while let Some(dir) = dirs.pop() {
            for entry in fs_err::read_dir(dir).into_iter().flatten().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    dirs.push(entry.path());
                } else {
                    let name = entry.path().strip_prefix(&self.settings.state_dir).unwrap().to_owned();
                    files.insert(name.display().to_string(), fs_err::read(entry.path()).unwrap());
                }
            }
        }
        files
    }

    /// The error of a new process that reads acme:base. The state is as it was before.
    pub(super) async fn refusal(&self) -> Error {
        let before = self.state();
        let error = self.versions().await.unwrap_err();
        assert!(self.state() == before, "the state has changed");
        error
    }
}

/// Settings with a store in `dir` and registries by name and address; the first is the default. The key is that of
/// all.
pub(super) fn settings(dir: &Path, registries: &[(&str, &str)], key: &str) -> Settings {
    let mut text = format!("default_registry = \"{}\"\n", registries[0].0);
    for (name, address) in registries {
        let table = format!("[registry.\"{name}\".warg]\nurl = \"http://{address}\"\n");
        text.extend([table.as_str(), "signing_key = \"", key, "\"\n"]);
    }
    let config = dir.join("config.toml");
    fs_err::write(&config, text).unwrap();
    Settings { config_file: Some(config), ..Settings::new(dir.join("cache")) }
}

/// `warg-client` as others use it, with its own storage in `dir`.
pub(super) async fn stock_client(dir: &Path, address: &str) -> FileSystemClient {
    let config = warg_client::Config {
        home_url: Some(format!("http://{address}")),
        registries_dir: Some(dir.join("registries")),
        content_dir: Some(dir.join("content")),
        namespace_map_path: Some(dir.join("namespaces")),
        disable_interactive: true,
        ..warg_client::Config::default()
    };
    FileSystemClient::new_with_config(None, &config, None).await.unwrap()
}

pub(super) async fn versions(
    registries: &Registries,
    name: &str,
    registry: &Registry,
) -> Result<String, Error> {
    Ok(match registries.versions(&package(name), registry).await? {
        Listing::Found(listed) => {
            let shown = listed.iter().map(|listed| {
                if listed.yanked { format!("[{}]", listed.version) } else { listed.version.to_string() }
            });
            shown.collect::<Vec<_>>().join(" ")
        }
        Listing::NotFound => "not found".to_owned(),
        Listing::Offline => "offline".to_owned(),
    })
}

/// A record that follows `last`, as JSON.
pub(super) fn signed(key: &str, last: Option<&Value>, entries: Vec<PackageEntry>) -> Value {
    let prev = last.map(|last| {
        let body: ProtoEnvelopeBody = serde_json::from_value(last.clone()).unwrap();
        RecordId::package_record::<Sha256>(&ProtoEnvelope::<PackageRecord>::try_from(body).unwrap())
    });
    let record =
        PackageRecord { prev, version: PACKAGE_RECORD_VERSION, timestamp: SystemTime::now(), entries };
    let envelope = ProtoEnvelope::signed_contents(&decode(key), record).unwrap();
    serde_json::to_value(ProtoEnvelopeBody::from(envelope)).unwrap()
}

/// The checkpoint with another age or content, signed by `key`.
pub(super) fn resigned(key: &str, checkpoint: Checkpoint, age: Duration) -> Value {
    let timestamped = TimestampedCheckpoint::new(checkpoint, SystemTime::now() - age).unwrap();
    serde_json::to_value(SerdeEnvelope::signed_contents(&decode(key), timestamped).unwrap()).unwrap()
}

fn log_id(name: &str) -> LogId {
    LogId::package_log::<Sha256>(&PackageName::new(name).unwrap())
}

/// A digest of nothing in particular.
pub(super) fn hash_of(text: &str) -> AnyHash {
    spin_deps_registry::digest_of(text.as_bytes()).to_string().parse().unwrap()
}
