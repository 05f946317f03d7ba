//! A real `docker-registry` (CNCF Distribution) on a free port of this machine.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const MISSING: &str = "this test needs a registry server: apt-get install docker-registry apache2-utils";

pub(crate) struct DockerRegistry {
    address: String,
    process: Child,
    dir: tempfile::TempDir,
}

/// What a registry may have besides.
#[derive(Default)]
struct Extras<'a> {
    user: Option<(&'a str, &'a str)>,
    identity: Option<(&'a str, &'a str)>,
}

impl DockerRegistry {
    /// Open to everyone.
    pub(crate) fn start() -> Self {
        Self::with(&Extras::default())
    }

    /// For this user only.
    pub(crate) fn with_user(username: &str, password: &str) -> Self {
        Self::with(&Extras { user: Some((username, password)), ..Extras::default() })
    }

    /// Over TLS, with this certificate and key in PEM.
    pub(crate) fn with_tls(certificate: &str, key: &str) -> Self {
        Self::with(&Extras { identity: Some((certificate, key)), ..Extras::default() })
    }

    fn with(extras: &Extras<'_>) -> Self {
        // Between choosing a port and taking it, another process may take it: then another is chosen.
        for _ in 0..5 {
            if let Some(started) = Self::try_start(extras) {
                return started;
            }
        }
        panic!("docker-registry did not start");
    }

    fn try_start(extras: &Extras<'_>) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let write = |name: &str, content: &str| {
            let file = dir.path().join(name);
            fs_err::write(&file, content).unwrap();
            file.display().to_string()
        };
        let tls = extras.identity.map_or(String::new(), |(certificate, key)| {
            let (certificate, key) = (write("certificate.pem", certificate), write("key.pem", key));
            format!(", tls: {{certificate: '{certificate}', key: '{key}'}}")
        });
        let mut config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: '{}'}}}}\nhttp: {{addr: '{address}'{tls}}}\n",
            dir.path().join("storage").display()
        );
        if let Some((username, password)) = extras.user {
            let hash = Command::new("htpasswd").args(["-Bbn", username, password]).output().expect(MISSING);
            let path = write("htpasswd", &String::from_utf8(hash.stdout).unwrap());
            writeln!(config, "auth: {{htpasswd: {{realm: tests, path: '{path}'}}}}").unwrap();
        }
        let file = dir.path().join("config.yml");
        fs_err::write(&file, config).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect(MISSING);
        let mut started = Self { address, process, dir };
        started.is_ready().then_some(started)
    }

    fn is_ready(&mut self) -> bool {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            if std::net::TcpStream::connect(&self.address).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The file of a blob in the server's storage.
    pub(crate) fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").unwrap();
        self.registry_dir().join("blobs/sha256").join(&hex[..2]).join(hex).join("data")
    }

    /// Makes the tag name another manifest of the repository, as a client that may overwrite would.
    pub(crate) fn move_tag(&self, repository: &str, tag: &str, manifest: &str) {
        let link = self
            .registry_dir()
            .join("repositories")
            .join(repository)
            .join("_manifests/tags")
            .join(tag)
            .join("current/link");
        fs_err::write(link, manifest).unwrap();
    }

    /// Removes a manifest from a repository.
    pub(crate) fn forget_manifest(&self, repository: &str, manifest: &str) {
        let hex = manifest.strip_prefix("sha256:").unwrap();
        let dir =
            self.registry_dir().join("repositories").join(repository).join("_manifests/revisions/sha256");
        fs_err::remove_dir_all(dir.join(hex)).unwrap();
    }

    fn registry_dir(&self) -> PathBuf {
        let storage: &Path = self.dir.path();
        storage.join("storage/docker/registry/v2")
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
