//! A real warg registry: `warg-server` on a runtime of its own, behind proxies that count and can give its address to
//! another server. Content lies at an address of its own, as at a registry that leaves it to a network of caches.
//!
//! Keys are fixed numbers, so that the same run signs the same way every time. Packages are published with the binary
//! itself.

use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;
use warg_client::FileSystemClient;
use warg_client::storage::{PublishEntry, PublishInfo};
use warg_crypto::signing::PrivateKey;
use warg_protocol::operator::NamespaceState;
use warg_protocol::registry::PackageName;
use warg_server::policy::content::WasmContentPolicy;
use warg_server::{Config, Server};

use super::proxy::Proxy;
use super::world::{Run, Sandbox};

/// The name under which configurations know the server.
pub(crate) const WARG: &str = "warg.example";

/// How often the server signs what is new; whoever publishes waits for it.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(100);

/// A signing key, as warg writes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(&'static str);

/// Runs a registry.
pub(crate) const OPERATOR: Key = Key("ecdsa-p256:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
/// Runs another one.
pub(crate) const OTHER_OPERATOR: Key = Key("ecdsa-p256:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=");
/// Publishes packages.
pub(crate) const AUTHOR: Key = Key("ecdsa-p256:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=");
/// Would like to publish them.
pub(crate) const STRANGER: Key = Key("ecdsa-p256:BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=");

impl Key {
    /// The variable that hands it to the binary.
    pub(crate) fn variable(self) -> (&'static str, &'static str) {
        ("SPIN_DEPS_SIGNING_KEY", self.0)
    }

    /// What it is called in logs and locks: `sha256:…` of its public half.
    pub(crate) fn name(self) -> String {
        self.private().public_key().fingerprint().to_string()
    }

    fn private(self) -> PrivateKey {
        PrivateKey::decode(self.0.to_owned()).expect("a key that is part of this file")
    }
}

/// The running server; it ends with this value.
pub(crate) struct Warg {
    /// In front of the registry itself.
    pub(crate) proxy: Proxy,
    /// In front of the content.
    pub(crate) content: Proxy,
    namespaces: Vec<String>,
    running: Running,
}

struct Running {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    _content: TempDir,
}

impl Warg {
    /// A server that takes packages of `namespaces` from everyone who signs them.
    pub(crate) fn start(namespaces: &[&str]) -> Self {
        // The server tells where content lies, so the proxies have to be there first.
        let [proxy, content] = [(); 2].map(|()| Proxy::start("127.0.0.1:9"));
        let namespaces: Vec<_> = namespaces.iter().map(|&name| name.to_owned()).collect();
        let running = serve([&proxy, &content], OPERATOR, &namespaces);
        Self { proxy, content, namespaces, running }
    }

    /// Ends the server and lets another one, empty and run by `operator`, take its address.
    pub(crate) fn replace(&mut self, operator: Key) {
        self.running = serve([&self.proxy, &self.content], operator, &self.namespaces);
    }

    /// How wkg's configuration maps a namespace to it: the value of an entry of `namespace_registries`.
    pub(crate) fn mapping(&self) -> String {
        mapping(&self.proxy.host())
    }

    /// Withdraws a release with warg's own client, as an author does who does not use ours.
    pub(crate) fn yank(&self, key: Key, package: &str, version: &str) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let config = warg_client::Config {
            home_url: Some(format!("http://{}", self.proxy.host())),
            registries_dir: Some(directory.path().join("registries")),
            content_dir: Some(directory.path().join("content")),
            namespace_map_path: Some(directory.path().join("namespaces")),
            disable_interactive: true,
            ..warg_client::Config::default()
        };
        let name = PackageName::new(package).expect("a package name");
        let entry = PublishEntry::Yank { version: version.parse().expect("a version") };
        let yank = PublishInfo { name: name.clone(), head: None, entries: vec![entry] };
        super::http::block_on(async {
            let client = FileSystemClient::new_with_config(None, &config, None).await.expect("a client");
            let record = client.publish_with_info(&key.private(), yank).await.expect("the server takes it");
            let done = client.wait_for_publish(&name, &record, CHECKPOINT_INTERVAL).await;
            done.expect("the server signs it");
        });
    }

    /// Forgets the requests so far.
    pub(crate) fn reset(&self) {
        self.proxy.reset();
        self.content.reset();
    }

    /// How many requests came since.
    pub(crate) fn requests(&self) -> usize {
        self.proxy.requests().len() + self.content.requests().len()
    }
}

/// How wkg's configuration maps a namespace to the warg server at `host`.
pub(crate) fn mapping(host: &str) -> String {
    format!(
        "{{ registry = \"{WARG}\", metadata = {{ preferredProtocol = \"warg\", warg = {{ url = \"http://{host}\" }} }} }}"
    )
}

/// Publishes a component that knows its own name and version, signed with `key`.
pub(crate) fn publish(sandbox: &Sandbox, key: Key, bytes: &[u8]) -> Run {
    let file = sandbox.artifact(bytes);
    let mut command = sandbox.command(&["publish", &file]);
    let (name, value) = key.variable();
    Sandbox::run_command(command.env(name, value))
}

fn serve([proxy, lies_at]: [&Proxy; 2], operator: Key, namespaces: &[String]) -> Running {
    let content = tempfile::tempdir().expect("a temporary directory");
    let (stop, stopped) = oneshot::channel::<()>();
    let defined = namespaces.iter().map(|name| (name.clone(), NamespaceState::Defined)).collect();
    let base = format!("http://{}", lies_at.host()).parse().expect("the proxy's URL");
    let config = Config::new(operator.private(), Some(defined), content.path().to_owned())
        .with_addr(([127, 0, 0, 1], 0))
        .with_content_base_url(base)
        .with_checkpoint_interval(CHECKPOINT_INTERVAL)
        .with_content_policy(WasmContentPolicy::default());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(Server::new(config).initialize()).expect("the server");
    let address = server.local_addr().expect("the address of a bound socket").to_string();
    proxy.stand_before(&address);
    lies_at.stand_before(&address);
    let thread = std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                ended = server.serve() => ended.expect("the server serves until it is stopped"),
                _ = stopped => {}
            }
        });
        runtime.shutdown_background();
    });
    Running { stop: Some(stop), thread: Some(thread), _content: content }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed, and whoever waited for an answer has failed.
            let _ = thread.join();
        }
    }
}
