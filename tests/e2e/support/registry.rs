//! A real OCI registry, Debian's `docker-registry` (CNCF Distribution), on a port that the system chose.
//!
//! The packaged configuration listens on all interfaces, so a configuration is always given. Its files lie in a
//! temporary directory, and a test can go behind the server's back there: damage a blob, lose it, move a tag. Layout
//! below `docker/registry/v2`: `blobs/sha256/<2>/<hex>/data`, and in `repositories/<name>/_manifests/tags/<tag>/current/link`
//! the digest that a tag names.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use tempfile::TempDir;

use super::http;
use super::process::Process;
use super::tls::Authority;

const INSTALL: &str = "apt-get install -y docker-registry apache2-utils";

/// A user of a registry.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// The running server; it ends with this value.
pub(crate) struct Registry {
    // A process is one thread's to wait for; behind the lock, the registry is every thread's to use.
    _process: Mutex<Process>,
    directory: TempDir,
    port: u16,
    credentials: Option<Credentials>,
}

/// Who may speak to a registry, and how.
#[derive(Default)]
struct Access<'a> {
    credentials: Option<Credentials>,
    authority: Option<&'a Authority>,
}

impl Registry {
    /// A registry that lets everyone read and write.
    pub(crate) fn open() -> Self {
        Self::start(Access::default())
    }

    /// A registry that lets in one user only (HTTP Basic, bcrypt).
    pub(crate) fn with_password() -> Self {
        Self::start(Access { credentials: Some(ada()), authority: None })
    }

    /// The same over TLS, with the certificate of this authority.
    pub(crate) fn with_tls(authority: &Authority) -> Self {
        Self::start(Access { credentials: Some(ada()), authority: Some(authority) })
    }

    fn start(Access { credentials, authority }: Access<'_>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let auth = credentials.as_ref().map_or(String::new(), |credentials| {
            let file = directory.path().join("htpasswd");
            fs_err::write(&file, htpasswd(credentials)).expect("the password file");
            format!("auth: {{htpasswd: {{realm: tests, path: \"{}\"}}}}\n", file.display())
        });
        let tls = authority.map_or(String::new(), |authority| {
            let (certificate, key) =
                (directory.path().join("certificate.pem"), directory.path().join("key.pem"));
            fs_err::write(&certificate, authority.certificate_pem()).expect("the certificate");
            fs_err::write(&key, authority.key_pem()).expect("its key");
            format!(", tls: {{certificate: \"{}\", key: \"{}\"}}", certificate.display(), key.display())
        });
        let configuration = format!(
            "version: 0.1\n\
             log: {{level: info, accesslog: {{disabled: true}}}}\n\
             storage:\n  filesystem: {{rootdirectory: \"{storage}\"}}\n  delete: {{enabled: true}}\n\
             http: {{addr: \"127.0.0.1:0\", secret: tests{tls}}}\n{auth}",
            storage = directory.path().join("storage").display(),
        );
        let file = directory.path().join("config.yml");
        fs_err::write(&file, configuration).expect("the registry's configuration");

        let mut process =
            Process::start(Command::new("docker-registry").arg("serve").arg(&file).env("TZ", "UTC"))
                .unwrap_or_else(|| panic!("`docker-registry` is not installed: {INSTALL}"));
        // The line is logged once the socket is bound: what connects from here on is served.
        let port = process.wait_for(|line| {
            let (_, rest) = line.split_once("listening on 127.0.0.1:")?;
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        });
        let registry = Self { _process: Mutex::new(process), directory, port, credentials };
        let expected = if registry.credentials.is_some() { 401 } else { 200 };
        let (client, scheme) = match authority {
            None => (http::client(), "http"),
            Some(authority) => (http::client_trusting(authority), "https"),
        };
        let greeting = client.get(format!("{scheme}://{}/v2/", registry.host()));
        assert_eq!(http::block_on(http::answer(greeting)).status, expected, "the registry's greeting");
        registry
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Who is let in, when not everyone is.
    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The digest (`sha256:…`) of the manifest that `tag` of `repository` names.
    pub(crate) fn manifest_digest(&self, repository: &str, tag: &str) -> String {
        fs_err::read_to_string(self.tag_link(repository, tag)).expect("the tag").trim().to_owned()
    }

    /// The digest of the one layer of a release, that is of its Wasm.
    pub(crate) fn layer_digest(&self, repository: &str, tag: &str) -> String {
        self.digest_in_manifest(repository, tag, "/layers/0/digest")
    }

    /// The digest of the config object of a release, which says what the Wasm imports and exports.
    pub(crate) fn config_digest(&self, repository: &str, tag: &str) -> String {
        self.digest_in_manifest(repository, tag, "/config/digest")
    }

    fn digest_in_manifest(&self, repository: &str, tag: &str, pointer: &str) -> String {
        let manifest = fs_err::read(self.blob(&self.manifest_digest(repository, tag))).expect("the manifest");
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("a manifest in JSON");
        manifest
            .pointer(pointer)
            .and_then(|digest| digest.as_str())
            .expect("a digest in the manifest")
            .to_owned()
    }

    /// Turns one bit of a stored blob, as a bad disk would; its length stays.
    pub(crate) fn damage(&self, digest: &str) {
        let file = self.blob(digest);
        let mut bytes = fs_err::read(&file).expect("the blob");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs_err::write(&file, bytes).expect("the damaged blob");
    }

    /// Lets `tag` name what `other` names, as a push with an old tag does.
    pub(crate) fn move_tag(&self, repository: &str, tag: &str, other: &str) {
        let digest = self.manifest_digest(repository, other);
        fs_err::write(self.tag_link(repository, tag), digest).expect("the moved tag");
    }

    /// Lets `tags` name what `other` names, without a push for each.
    pub(crate) fn tag(&self, repository: &str, tags: impl IntoIterator<Item = String>, other: &str) {
        let digest = self.manifest_digest(repository, other);
        for tag in tags {
            let link = self.tag_link(repository, &tag);
            fs_err::create_dir_all(link.parent().expect("a file in a directory")).expect("a tag's place");
            fs_err::write(link, &digest).expect("a tag");
        }
    }

    /// Loses a manifest: it can no longer be asked for by its digest, as after a clean-up of the registry.
    pub(crate) fn forget_manifest(&self, repository: &str, digest: &str) {
        let hex = digest.strip_prefix("sha256:").expect("a sha256 digest");
        let revisions = self.root().join("repositories").join(repository).join("_manifests/revisions/sha256");
        fs_err::remove_dir_all(revisions.join(hex)).expect("the manifest's revision");
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("storage/docker/registry/v2")
    }

    fn tag_link(&self, repository: &str, tag: &str) -> PathBuf {
        self.root()
            .join("repositories")
            .join(repository)
            .join("_manifests/tags")
            .join(tag)
            .join("current/link")
    }

    fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").expect("a sha256 digest");
        self.root().join("blobs/sha256").join(&hex[..2]).join(hex).join("data")
    }
}

fn ada() -> Credentials {
    Credentials { user: "ada".into(), password: "correct horse".into() }
}

fn htpasswd(credentials: &Credentials) -> String {
    let process =
        Process::start(Command::new("htpasswd").args(["-Bbn", &credentials.user, &credentials.password]))
            .unwrap_or_else(|| panic!("`htpasswd` is not installed: {INSTALL}"));
    let ended = process.finish();
    assert!(ended.status.success(), "htpasswd: {}", ended.stderr);
    ended.stdout
}

#[test]
fn what_is_pushed_is_stored_and_can_be_tampered_with() {
    let registry = Registry::with_password();
    let first = super::oci::push(&registry, "acme/base", "1.0.0", b"one", &[], &[]);
    let second = super::oci::push(&registry, "acme/base", "2.0.0", b"two", &[], &[]);
    assert_eq!(registry.manifest_digest("acme/base", "1.0.0"), first);
    assert_eq!(registry.layer_digest("acme/base", "2.0.0"), super::oci::digest(b"two"));

    registry.move_tag("acme/base", "1.0.0", "2.0.0");
    assert_eq!(registry.manifest_digest("acme/base", "1.0.0"), second);

    let layer = registry.layer_digest("acme/base", "2.0.0");
    registry.damage(&layer);
    let stored = fs_err::read(registry.blob(&layer)).expect("the blob");
    assert_eq!(stored.len(), 3);
    assert_ne!(stored, b"two");
}
