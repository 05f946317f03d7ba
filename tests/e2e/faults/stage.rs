//! The registries that the faults happen at: one that wants a password, one that wants it over TLS, and one with pages
//! and referrers. All three have the same releases, and the same first `sync` gives the same bytes.
//!
//! Starting and filling them takes longer than most tests here, so the tests that run at the same time share them. The
//! last one that uses them ends them, which a `static` alone would not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use super::{assert_sound, contents};
use crate::support::fault::{Asked, FaultProxy};
use crate::support::ferro::Ferro;
use crate::support::http;
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, base, middle};
use crate::support::oci::digest;
use crate::support::registry::{Credentials, Registry};
use crate::support::tls::Authority;
use crate::support::world::{Sandbox, manifest};

/// What a release consists of at a registry, and what comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Greeting,
    Tags,
    Manifest,
    Config,
    Layer,
}

impl Part {
    pub(super) const ALL: [Self; 5] = [Self::Greeting, Self::Tags, Self::Manifest, Self::Config, Self::Layer];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "greeting",
            Self::Tags => "tags",
            Self::Manifest => "manifest",
            Self::Config => "config",
            Self::Layer => "layer",
        })
    }
}

/// The usual releases and the app that uses them. There are hundreds of projects here, and building Wasm takes longer
/// than what is done with it.
static RELEASES: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| vec![base("1.0.0"), base("1.1.0"), middle("1.0.0")]);
static APP: LazyLock<Vec<u8>> = LazyLock::new(|| spin_deps_fixtures::http::p2_app(IMPORTS));

/// Writes the usual app into the project.
fn write_app(sandbox: &Sandbox) {
    sandbox.write("app.wasm", APP.as_slice());
    sandbox.write("spin.toml", manifest(DEPENDENCIES, ANSWER));
}

enum Server {
    Docker(Registry),
    Ferro(Ferro),
}

/// One registry with the usual releases.
pub(super) struct Stage {
    /// What sets it apart from the others.
    pub(super) name: &'static str,
    server: Server,
    authority: Option<Authority>,
    /// The project after a first `sync` without faults.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// The content of the store then, by digest.
    pub(super) contents: BTreeMap<String, Vec<u8>>,
}

/// The registries, started and filled by whoever comes first.
pub(super) fn stages() -> Arc<[Stage; 3]> {
    static SHARED: Mutex<Weak<[Stage; 3]>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let authority = Authority::new();
        let with_tls = Registry::with_tls(&authority);
        let started = Arc::new([
            Stage::new("password", Server::Docker(Registry::with_password()), None),
            Stage::new("TLS", Server::Docker(with_tls), Some(authority)),
            Stage::new("pages", Server::Ferro(Ferro::start()), None),
        ]);
        assert!(
            started.iter().all(|stage| stage.contents == started[0].contents),
            "publishing is reproducible"
        );
        *shared = Arc::downgrade(&started);
        started
    })
}

impl Stage {
    fn new(name: &'static str, server: Server, authority: Option<Authority>) -> Self {
        let mut stage = Self { name, server, authority, files: BTreeMap::new(), contents: BTreeMap::new() };
        let proxy = stage.proxy();
        let sandbox = stage.project(&proxy);
        for release in RELEASES.iter() {
            sandbox.publish(release);
        }
        sandbox.delete_cache();
        sandbox.run(&["sync"]).done();
        (stage.files, stage.contents) = (sandbox.files(), contents(&sandbox.cache()));
        assert_eq!(stage.contents.len(), 6, "a manifest, a config object and a layer of two packages");
        stage
    }

    /// `127.0.0.1:PORT` of the registry itself.
    pub(super) fn host(&self) -> String {
        match &self.server {
            Server::Docker(registry) => registry.host(),
            Server::Ferro(ferro) => ferro.host(),
        }
    }

    pub(super) fn credentials(&self) -> Option<&Credentials> {
        match &self.server {
            Server::Docker(registry) => registry.credentials(),
            Server::Ferro(_) => None,
        }
    }

    /// Whether it is spoken to over TLS.
    pub(super) fn scheme(&self) -> &'static str {
        if self.authority.is_some() { "https" } else { "http" }
    }

    /// A proxy in front of it.
    pub(super) fn proxy(&self) -> FaultProxy {
        FaultProxy::start(&self.host(), self.authority.as_ref())
    }

    /// A project that is to be locked and fetched through the proxy.
    pub(super) fn project(&self, proxy: &FaultProxy) -> Sandbox {
        let sandbox = Sandbox::new();
        self.configure(&sandbox, proxy);
        write_app(&sandbox);
        sandbox
    }

    /// Lets the sandbox find the registry behind the proxy.
    pub(super) fn configure(&self, sandbox: &Sandbox, proxy: &FaultProxy) {
        match &self.authority {
            Some(authority) => sandbox.use_tls_host(&proxy.host(), self.credentials(), authority),
            None => sandbox.use_host(&proxy.host(), self.credentials()),
        }
    }

    /// What the path of a request for this part of `acme:base` contains.
    pub(super) fn path(&self, part: Part) -> String {
        match part {
            Part::Greeting => "/v2/$".to_owned(),
            Part::Tags => "/acme/base/tags/".to_owned(),
            Part::Manifest => "/acme/base/manifests/".to_owned(),
            Part::Config => self.in_manifest("/config/digest"),
            Part::Layer => self.in_manifest("/layers/0/digest"),
        }
    }

    /// Whether a request is for this part.
    pub(super) fn is_for(&self, part: Part, asked: &Asked) -> bool {
        format!("{}$", asked.path).contains(&self.path(part))
    }

    fn in_manifest(&self, pointer: &str) -> String {
        let lock = String::from_utf8_lossy(&self.files["spin-deps.lock"]).into_owned();
        let base = lock.split("[[package]]").find(|package| package.contains("name = \"acme:base\""));
        let manifest = base.and_then(|package| package.split("manifest = \"sha256:").nth(1));
        let manifest =
            manifest.and_then(|text| text.get(..64)).expect("the manifest of acme:base in the lock");
        let manifest: serde_json::Value =
            serde_json::from_slice(&self.contents[manifest]).expect("a manifest in JSON");
        let digest = manifest.pointer(pointer).and_then(|digest| digest.as_str());
        digest.expect("a digest in the manifest").to_owned()
    }

    /// The project and the store are what they are without a fault.
    #[track_caller]
    pub(super) fn assert_faultless(&self, sandbox: &Sandbox) {
        self.assert_faultless_but(sandbox, None);
    }

    /// The same, but the store may lack the content with the digest `optional`.
    #[track_caller]
    pub(super) fn assert_faultless_but(&self, sandbox: &Sandbox, optional: Option<&str>) {
        assert!(sandbox.files() == self.files, "{}", sandbox.read("spin-deps.lock"));
        let mut stored = contents(&sandbox.cache());
        if let Some(hex) = optional.and_then(|digest| digest.strip_prefix("sha256:")) {
            stored.entry(hex.to_owned()).or_insert_with(|| self.contents[hex].clone());
        }
        assert!(stored == self.contents, "the store has other content: {:?}", stored.keys());
        assert_sound(&sandbox.cache());
    }
}

/// A release as its registry has it.
#[derive(PartialEq, Eq)]
pub(super) struct Released {
    pub(super) manifest: Vec<u8>,
    /// The config object and the layer.
    pub(super) blobs: [Vec<u8>; 2],
}

/// The release 1.0.0 of `acme/<name>`; `None` if there is none. One of which something is missing or changed is a
/// failure.
pub(super) fn released(stage: &Stage, name: &str) -> Option<Released> {
    let get = |rest: &str| {
        let mut request = http::one_shot()
            .get(format!("{}://{}/v2/acme/{name}/{rest}", stage.scheme(), stage.host()))
            .header("accept", "application/vnd.oci.image.manifest.v1+json");
        if let Some(credentials) = stage.credentials() {
            request = request.basic_auth(&credentials.user, Some(&credentials.password));
        }
        http::block_on(http::answer(request))
    };
    let manifest = get("manifests/1.0.0");
    if manifest.status == 404 {
        return None;
    }
    assert_eq!(manifest.status, 200, "{}", manifest.text());
    let json: serde_json::Value = serde_json::from_slice(&manifest.body).expect("a manifest in JSON");
    let blobs = ["/config/digest", "/layers/0/digest"].map(|pointer| {
        let expected = json.pointer(pointer).and_then(|digest| digest.as_str()).expect("a digest");
        let blob = get(&format!("blobs/{expected}"));
        assert_eq!((blob.status, digest(&blob.body).as_str()), (200, expected), "{pointer} of {name}");
        blob.body
    });
    Some(Released { manifest: manifest.body, blobs })
}
