//! Where credentials come from, and that they are seen nowhere.

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
    let directory = sandbox.root().join("docker");
    fs_err::create_dir_all(&directory).expect("Docker's directory");
    fs_err::write(directory.join("config.json"), configuration.to_string()).expect("Docker's configuration");
}

#[test]
fn what_docker_login_stored_is_enough() {
    let (registry, sandbox) = locked_out();
    docker(&sandbox, &serde_json::json!({ "auths": { registry.host(): { "auth": BASIC } } }));
    sandbox.run(&["verify"]).done();
}

#[test]
fn a_credential_helper_of_docker_is_asked_for_this_registry() {
    use std::os::unix::fs::PermissionsExt;
    let (registry, sandbox) = locked_out();
    docker(&sandbox, &serde_json::json!({ "credHelpers": { registry.host(): "of-the-test" } }));
    let programs = sandbox.root().join("programs");
    fs_err::create_dir_all(&programs).expect("a directory of programs");
    let helper = programs.join("docker-credential-of-the-test");
    let script = "#!/bin/sh\nread -r server\n\
                  printf '{\"ServerURL\":\"%s\",\"Username\":\"ada\",\"Secret\":\"correct horse\"}' \"$server\"\n";
    fs_err::write(&helper, script).expect("a credential helper");
    fs_err::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).expect("a program");
    let mut command = sandbox.command(&["verify"]);
    let path = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value);
    let path = format!("{}:{}", programs.display(), path.unwrap_or_default().display());
    Sandbox::run_command(command.env("PATH", path)).done();
}

#[test]
fn a_helper_that_is_missing_is_named() {
    let (registry, sandbox) = locked_out();
    docker(&sandbox, &serde_json::json!({ "credHelpers": { registry.host(): "nobody-has-this" } }));
    let refused = sandbox.run(&["lock"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: registry `127.0.0.1:[PORT]` refused access to `acme/middle`: it wants credentials, and none were found

    hint: the credentials in `[DIR]/docker/config.json` could not be used: its credential helper could not be run
    ");
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
