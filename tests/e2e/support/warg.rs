//! A real warg registry: `warg-server` on a runtime of its own, behind a [`Proxy`] that counts and can give its address
//! to another server.
//!
//! Keys are fixed numbers, so that the same run signs the same way every time. Packages are published with the binary
//! itself: [`Warg::configuration`] says how to reach the server, and [`Key::variable`] is the environment of a publisher.

use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;
use warg_crypto::signing::PrivateKey;
use warg_protocol::operator::NamespaceState;
use warg_server::policy::content::WasmContentPolicy;
use warg_server::{Config, Server};

use super::proxy::Proxy;

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
    pub(crate) proxy: Proxy,
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
        // The server tells where content lies, so the proxy has to be there first.
        let proxy = Proxy::start("127.0.0.1:9");
        let namespaces: Vec<_> = namespaces.iter().map(|&name| name.to_owned()).collect();
        let running = serve(&proxy, OPERATOR, &namespaces);
        Self { proxy, namespaces, running }
    }

    /// Ends the server and lets another one, empty and run by `operator`, take its address.
    pub(crate) fn replace(&mut self, operator: Key) {
        self.running = serve(&self.proxy, operator, &self.namespaces);
    }

    /// How wkg's configuration maps a namespace to it: the value of an entry of `namespace_registries`.
    pub(crate) fn mapping(&self) -> String {
        format!(
            "{{ registry = \"{WARG}\", metadata = {{ preferredProtocol = \"warg\", warg = {{ url = \"http://{}\" }} }} }}",
            self.proxy.host()
        )
    }
}

fn serve(proxy: &Proxy, operator: Key, namespaces: &[String]) -> Running {
    let content = tempfile::tempdir().expect("a temporary directory");
    let (stop, stopped) = oneshot::channel::<()>();
    let defined = namespaces.iter().map(|name| (name.clone(), NamespaceState::Defined)).collect();
    let base = format!("http://{}", proxy.host()).parse().expect("the proxy's URL");
    let config = Config::new(operator.private(), Some(defined), content.path().to_owned())
        .with_addr(([127, 0, 0, 1], 0))
        .with_content_base_url(base)
        .with_checkpoint_interval(CHECKPOINT_INTERVAL)
        .with_content_policy(WasmContentPolicy::default());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(Server::new(config).initialize()).expect("the server");
    proxy.stand_before(&server.local_addr().expect("the address of a bound socket").to_string());
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
