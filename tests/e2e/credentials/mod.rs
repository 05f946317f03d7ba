//! Where credentials come from and go to, and that they are seen nowhere.

mod helper;
mod login;
mod prompts;

use std::path::PathBuf;

use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, publish_all};
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// `ada:correct horse` in base64, as HTTP Basic has it.
const BASIC: &str = "YWRhOmNvcnJlY3QgaG9yc2U=";

/// A registry that wants a password, and a project whose configuration does not have it.
fn locked_out() -> (Registry, Sandbox) {
    let registry = Registry::with_password();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish_all(&sandbox);
    sandbox.delete_cache();
    sandbox.use_host(&registry.host(), None);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.run(&["lock"]).failed();
    (registry, sandbox)
}

/// Writes Docker's `config.json`.
fn docker(sandbox: &Sandbox, configuration: &serde_json::Value) {
    let file = docker_file(sandbox);
    fs_err::create_dir_all(file.parent().expect("a file in a directory")).expect("Docker's directory");
    fs_err::write(file, configuration.to_string()).expect("Docker's configuration");
}

/// Where Docker's `config.json` is.
fn docker_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.root().join("docker/config.json")
}

#[test]
fn what_docker_login_stored_is_enough() {
    let (registry, sandbox) = locked_out();
    docker(&sandbox, &serde_json::json!({ "auths": { registry.host(): { "auth": BASIC } } }));
    sandbox.run(&["verify"]).done();
}

#[test]
fn no_password_is_shown_logged_or_written() {
    let registry = Registry::with_password();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    let secrets = ["correct horse", BASIC];
    let file = sandbox.artifact(&crate::support::library::base("1.0.0"));
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox.delete_cache();
    for arguments in
        [["publish", &file, "-vv"].as_slice(), &["sync", "-vv"], &["verify", "-vv", "--format", "json"]]
    {
        let run = sandbox.run(arguments).done();
        for secret in secrets {
            assert!(
                !run.stdout.contains(secret) && !run.stderr.contains(secret),
                "{arguments:?}:\n{}",
                run.stderr
            );
        }
    }
    let mut directories = vec![sandbox.cache(), sandbox.project().to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs_err::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&fs_err::read(&path).expect("a file")).into_owned();
            assert!(!secrets.iter().any(|secret| text.contains(secret)), "{} has a password", path.display());
        }
    }
}
