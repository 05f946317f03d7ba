//! A world for the binary to run in: a home, a cache, a configuration and a project that exist for one test only.
//!
//! The environment is cleared first, so that neither the developer's `config.toml` nor their Docker credentials nor a
//! proxy setting can decide a test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Ended, Process};
use super::registry::{Credentials, Registry};
use super::snapshot;
use super::tls::Authority;

/// The name under which every configuration here knows its registry. Locks and messages show this name, so they are the
/// same whatever port the server has.
pub(crate) const REGISTRY: &str = "wasm.example";

/// How long compilers may take, on a busy machine and with nothing in their caches.
const COMPILING: Duration = Duration::from_mins(15);

/// What the system of every sandbox trusts: reading the machine's own certificates takes longer than most runs.
static NOBODYS_AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);

/// The result of a run of the binary.
#[derive(Debug)]
pub(crate) struct Run {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    command: String,
}

impl Run {
    /// Itself, if it ended with 0; a panic that shows everything otherwise.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        self.with_code(0)
    }

    /// Itself, if it ended with 1, the code of a fault in the project or the registry.
    #[track_caller]
    pub(crate) fn failed(self) -> Self {
        self.with_code(1)
    }

    /// Itself, if it ended with 2, the code of wrong usage.
    #[track_caller]
    pub(crate) fn misused(self) -> Self {
        self.with_code(2)
    }

    #[track_caller]
    fn with_code(self, expected: i32) -> Self {
        assert_eq!(
            self.code,
            Some(expected),
            "`{}`\n--- stdout\n{}--- stderr\n{}",
            self.command,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Itself without the report of `verify`, which says at which step it was refused. What is left is what every command
    /// says.
    pub(crate) fn without_report(mut self) -> Self {
        if self.stdout.lines().last().is_some_and(|line| line.starts_with("Failed ")) {
            self.stdout.clear();
        }
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("`{}` gave no JSON ({error}):\n{}", self.command, self.stdout))
    }
}

/// The world. It is removed with this value.
pub(crate) struct Sandbox {
    root: TempDir,
    project: PathBuf,
}

impl Sandbox {
    /// An empty home and an empty project directory.
    pub(crate) fn new() -> Self {
        Self::with_project("project")
    }

    /// The same, with the project in another place below the root (`some/where/else`).
    pub(crate) fn with_project(place: &str) -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        let project = root.path().join(place);
        for directory in [&project, &root.path().join("home"), &root.path().join("artifacts")] {
            fs_err::create_dir_all(directory).expect("a directory of the sandbox");
        }
        fs_err::write(root.path().join("system.pem"), NOBODYS_AUTHORITY.root_pem())
            .expect("the system's certificates");
        Self { root, project }
    }

    /// The directory that holds all of it.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// The project's directory, the working directory of every run.
    pub(crate) fn project(&self) -> &Path {
        &self.project
    }

    /// The store and all else that is remembered between runs.
    pub(crate) fn cache(&self) -> PathBuf {
        self.root().join("cache")
    }

    /// The store's file for the content with this digest (`sha256:…`).
    pub(crate) fn stored(&self, digest: &str) -> PathBuf {
        self.cache().join("spin-deps/blobs").join(digest.replace(':', "/"))
    }

    /// Forgets everything that was fetched and learned.
    pub(crate) fn delete_cache(&self) {
        match fs_err::remove_dir_all(self.cache()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("the cache stays: {error}"),
            _ => {}
        }
    }

    /// Where the verified logs of warg registries are kept.
    pub(crate) fn state(&self) -> PathBuf {
        self.root().join("home/.local/state/spin-deps")
    }

    /// Forgets whom it trusted, as on another machine.
    pub(crate) fn delete_state(&self) {
        fs_err::remove_dir_all(self.state()).expect("the state");
    }

    /// Where wkg's configuration lies.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.root().join("config/wasm-pkg/config.toml")
    }

    /// Configures `registry` for the namespace `acme`.
    pub(crate) fn use_registry(&self, registry: &Registry) {
        self.use_host(&registry.host(), registry.credentials());
    }

    /// Configures the server at `host` for the namespace `acme`.
    pub(crate) fn use_host(&self, host: &str, credentials: Option<&Credentials>) {
        self.configure(&wkg_configuration(host, credentials));
    }

    /// Writes wkg's configuration.
    pub(crate) fn configure(&self, text: &str) {
        let file = self.configuration();
        fs_err::create_dir_all(file.parent().expect("a file in a directory"))
            .expect("the configuration's place");
        fs_err::write(file, text).expect("the configuration");
    }

    /// The same for a server that speaks TLS with a certificate of `authority`.
    pub(crate) fn use_tls_host(&self, host: &str, credentials: Option<&Credentials>, authority: &Authority) {
        self.use_host(host, credentials);
        let root = toml_edit::Value::from(authority.root_pem());
        let table = format!(
            "protocol = \"https\"\nextra_root_certificates = [{{ encoding = \"pem\", data = {root} }}]\n"
        );
        let text = wkg_configuration(host, credentials).replace("protocol = \"http\"\n", &table);
        fs_err::write(self.configuration(), text).expect("the configuration");
    }

    /// Configures a folder, outside the project, for the namespace `acme`: a registry that needs no server.
    pub(crate) fn use_folder(&self) {
        self.use_folders(&[REGISTRY]);
    }

    /// Configures a folder for each of `registries`, the first of them for the namespace `acme`.
    pub(crate) fn use_folders(&self, registries: &[&str]) {
        let mut text = format!("[namespace_registries]\nacme = \"{}\"\n", registries[0]);
        for registry in registries {
            text += &self.folder(registry);
        }
        self.configure(&text);
    }

    /// The table that configures an empty folder, outside the project, as the registry of this name.
    pub(crate) fn folder(&self, registry: &str) -> String {
        let root = self.root().join("folders").join(registry);
        fs_err::create_dir_all(&root).expect("a folder of releases");
        let root = toml_edit::Value::from(root.display().to_string());
        format!("\n[registry.\"{registry}\".local]\nroot ={root}\n")
    }

    /// Publishes into one of the folders that [`Sandbox::use_folders`] configured.
    #[track_caller]
    pub(crate) fn publish_to(&self, registry: &str, bytes: &[u8]) {
        self.run(&["publish", &self.artifact(bytes), "--registry", registry]).done();
    }

    /// The binary with `arguments` in the project's directory.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command_of(env!("CARGO_BIN_EXE_spin-deps"));
        command.args(arguments);
        command
    }

    /// Any program in the project's directory and the sandbox's environment.
    pub(crate) fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.project)
            .env_clear()
            .env("PATH", inherited("PATH").unwrap_or_default())
            .env("HOME", self.root().join("home"))
            .env("XDG_CONFIG_HOME", self.root().join("config"))
            .env("XDG_CACHE_HOME", self.cache())
            .env("DOCKER_CONFIG", self.root().join("docker"))
            .env("SSL_CERT_FILE", self.root().join("system.pem"))
            .env("LANG", "C.UTF-8")
            .env("NO_COLOR", "1");
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Self::run_command(&mut self.command(arguments))
    }

    /// Runs a command that [`Sandbox::command`] made and the test changed.
    pub(crate) fn run_command(command: &mut Command) -> Run {
        let line = format!("{command:?}");
        let Ended { status, stdout, stderr } = start(command).finish();
        Run { code: status.code(), stdout, stderr, command: line }
    }

    /// The same for what calls compilers, or compiles large components: the first time it is long.
    pub(crate) fn run_compiling(command: &mut Command) -> Run {
        let line = format!("{command:?}");
        let Ended { status, stdout, stderr } = start(command).finish_within(COMPILING);
        Run { code: status.code(), stdout, stderr, command: line }
    }

    /// Runs the binary with `input` on its standard input.
    pub(crate) fn run_reading(&self, arguments: &[&str], input: &str) -> Run {
        self.run_command_reading(&mut self.command(arguments), input)
    }

    /// Runs a command that the test changed with `input` on its standard input.
    pub(crate) fn run_command_reading(&self, command: &mut Command, input: &str) -> Run {
        let file = self.root().join("input");
        fs_err::write(&file, input).expect("the input");
        let input = fs_err::File::open(&file).expect("the input").into_file();
        let line = format!("{command:?}");
        let process = Process::start_reading(command, input.into()).expect("a program of the test");
        let Ended { status, stdout, stderr } = process.finish();
        Run { code: status.code(), stdout, stderr, command: line }
    }

    /// Starts the binary and leaves it running.
    pub(crate) fn start(&self, arguments: &[&str]) -> Process {
        start(&mut self.command(arguments))
    }

    /// Exit code and both streams as one text for a snapshot.
    pub(crate) fn snapshot(&self, run: &Run) -> String {
        snapshot::text(run, self.root())
    }

    /// One line of a run's output for a snapshot.
    pub(crate) fn snapshot_line(&self, line: &str) -> String {
        snapshot::filter(line, self.root())
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let file = self.project.join(name);
        fs_err::create_dir_all(file.parent().expect("a file in a directory")).expect("its directory");
        fs_err::write(file, content).expect("a file of the project");
    }

    /// Reads a file of the project as text.
    pub(crate) fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.project.join(name)).expect("a file of the project")
    }

    /// Every file of the project with its content, by its path in the project.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files_below(&self.project)
    }

    /// Publishes a component or WIT package that knows its own name and version, with the binary.
    #[track_caller]
    pub(crate) fn publish(&self, bytes: &[u8]) {
        self.run(&["publish", &self.artifact(bytes)]).done();
    }

    /// Puts bytes into a file outside the project and gives its path.
    pub(crate) fn artifact(&self, bytes: &[u8]) -> String {
        let hex = super::oci::digest(bytes).replace(':', "-");
        let file = self.root().join("artifacts").join(hex).with_extension("wasm");
        fs_err::write(&file, bytes).expect("an artifact");
        file.display().to_string()
    }

    /// Writes an app of one component, `app`: the component that calls the interface `api` of each of `imports`
    /// (package, version), the entries of its dependency table, and what its answer to `/x` has to be.
    pub(crate) fn write_app(&self, imports: &[(&str, &str)], dependencies: &str, answer: &str) {
        self.write("app.wasm", spin_deps_fixtures::http::p2_app(imports));
        self.write("spin.toml", manifest(dependencies, answer));
    }
}

/// Every file below a directory with its content, by its path from there.
pub(crate) fn files_below(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs_err::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry of a directory").path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let name = path.strip_prefix(root).expect("a path below the root");
                files.insert(name.display().to_string(), fs_err::read(&path).expect("a file"));
            }
        }
    }
    files
}

/// The manifest of an app with the component `app` from `app.wasm`, the entries of its dependency table (`""` leaves the
/// table out) and the answer that it has to give to `/x`.
pub(crate) fn manifest(dependencies: &str, answer: &str) -> String {
    let table = match dependencies {
        "" => String::new(),
        entries => format!("\n[component.app.dependencies]\n{entries}\n"),
    };
    let answer = toml_edit::Value::from(answer);
    format!(
        r#"spin_manifest_version = 2

[application]
name = "demo"
version = "0.1.0"

[[application.tool.deps.verify.requests]]
path = "/x"
expect = {{ status = 200, body = {answer} }}

[[trigger.http]]
route = "/..."
component = "app"

[component.app]
source = "app.wasm"
{table}"#
    )
}

/// wkg's `config.toml` for the namespace `acme` at `host`. All that is needed to reach it is in there, so nobody asks for
/// `.well-known` metadata.
pub(crate) fn wkg_configuration(host: &str, credentials: Option<&Credentials>) -> String {
    let auth = credentials.map_or(String::new(), |Credentials { user, password }| {
        format!("auth = {{ username = \"{user}\", password = \"{password}\" }}\n")
    });
    format!(
        "[namespace_registries]\n\
         acme = {{ registry = \"{REGISTRY}\", metadata = {{ preferredProtocol = \"oci\", oci = {{ registry = \"{host}\" }} }} }}\n\
         \n\
         [registry.\"{REGISTRY}\".oci]\n\
         protocol = \"http\"\n\
         {auth}"
    )
}

fn start(command: &mut Command) -> Process {
    Process::start(command).expect("the binary that cargo built for this test")
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests hand on the search path and the places of compilers, and nothing else of their environment"
)]
pub(crate) fn inherited(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}
