//! Docker's credential helpers: programs that keep the secrets.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use super::{docker, docker_file, locked_out};
use crate::support::registry::Registry;
use crate::support::world::{Run, Sandbox};

/// A helper that keeps one secret in the file beside it, and writes down what it was asked to do.
const HELPER: &str = r#"#!/bin/sh
dir=$(dirname "$0")
echo "$1" >> "$dir/log"
case "$1" in
store) cat > "$dir/kept" ;;
get) read -r server
    grep -q "\"ServerURL\":\"$server\"" "$dir/kept" 2>/dev/null || { echo "credentials not found"; exit 1; }
    cat "$dir/kept" ;;
erase) rm -f "$dir/kept" ;;
esac
"#;

/// Installs a helper by the name `of-the-test`; gives its directory.
fn install(sandbox: &Sandbox, script: &str) -> PathBuf {
    let programs = sandbox.root().join("programs");
    fs_err::create_dir_all(&programs).expect("a directory of programs");
    let helper = programs.join("docker-credential-of-the-test");
    fs_err::write(&helper, script).expect("a credential helper");
    fs_err::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).expect("a program");
    programs
}

/// The binary with the helper on its search path.
fn command(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    let path = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value);
    let programs = sandbox.root().join("programs");
    let path = format!("{}:{}", programs.display(), path.unwrap_or_default().display());
    command.env("PATH", path);
    command
}

fn login(sandbox: &Sandbox, registry: &Registry) -> Run {
    let mut command = command(sandbox, &["login", &registry.host(), "-u", "ada", "--password-stdin", "-vv"]);
    let run = sandbox.run_command_reading(&mut command, "correct horse\n");
    assert!(!run.stdout.contains("correct horse") && !run.stderr.contains("correct horse"), "{}", run.stderr);
    run
}

#[test]
fn is_asked_for_this_registry() {
    let (registry, sandbox) = locked_out();
    docker(&sandbox, &serde_json::json!({ "credHelpers": { registry.host(): "of-the-test" } }));
    let script = "#!/bin/sh\nread -r server\n\
                  printf '{\"ServerURL\":\"%s\",\"Username\":\"ada\",\"Secret\":\"correct horse\"}' \"$server\"\n";
    install(&sandbox, script);
    Sandbox::run_command(&mut command(&sandbox, &["verify"])).done();
}

#[test]
fn is_named_when_it_is_missing() {
    let (registry, sandbox) = locked_out();
    docker(&sandbox, &serde_json::json!({ "credHelpers": { registry.host(): "nobody-has-this" } }));
    let refused = sandbox.run(&["lock"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: registry `wasm.example (127.0.0.1:[PORT])` refused access to `acme/middle`: it wants credentials, and none were found

    hint: the credentials in `[DIR]/docker/config.json` could not be used: its credential helper could not be run
    ");
    let refused = login(&sandbox, &registry).failed();
    assert!(
        refused.stderr.contains("`docker-credential-nobody-has-this` cannot be used"),
        "{}",
        refused.stderr
    );
}

#[test]
fn gets_gives_and_forgets_what_login_stores() {
    for key in ["credsStore", "credHelpers"] {
        let (registry, sandbox) = locked_out();
        let programs = install(&sandbox, HELPER);
        let host = registry.host();
        docker(
            &sandbox,
            &match key {
                "credsStore" => {
                    serde_json::json!({ "credsStore": "of-the-test", "auths": { &host: { "auth": "b2xk" } } })
                }
                _ => serde_json::json!({ "credHelpers": { &host: "of-the-test" } }),
            },
        );
        login(&sandbox, &registry).done();
        let kept: serde_json::Value =
            serde_json::from_slice(&fs_err::read(programs.join("kept")).expect("what the helper keeps"))
                .expect("an object");
        assert_eq!(
            kept,
            serde_json::json!({ "ServerURL": host, "Username": "ada", "Secret": "correct horse" })
        );
        let file = fs_err::read_to_string(docker_file(&sandbox)).expect("Docker's configuration");
        let written: serde_json::Value = serde_json::from_str(&file).expect("an object");
        assert_eq!(written["auths"], serde_json::json!({ &host: {} }), "{file}");

        Sandbox::run_command(&mut command(&sandbox, &["verify"])).done();

        let out = Sandbox::run_command(&mut command(&sandbox, &["logout", &host])).done();
        assert!(
            out.stdout.contains("from the credential helper `docker-credential-of-the-test`"),
            "{}",
            out.stdout
        );
        assert!(!programs.join("kept").exists());
        let file = fs_err::read_to_string(docker_file(&sandbox)).expect("Docker's configuration");
        assert!(!file.contains("127.0.0.1:") || key == "credHelpers", "{file}");
        let out = Sandbox::run_command(&mut command(&sandbox, &["logout", &host])).done();
        assert!(out.stdout.starts_with("Not logged in"), "{}", out.stdout);
        let log = fs_err::read_to_string(programs.join("log")).expect("what the helper was asked");
        assert_eq!(log.lines().filter(|line| *line == "erase").count(), 1, "{log}");
    }
}

#[test]
fn that_fails_leaves_nothing_and_tells_no_secret() {
    let (registry, sandbox) = locked_out();
    let configuration = serde_json::json!({ "credsStore": "of-the-test" });
    docker(&sandbox, &configuration);
    install(&sandbox, "#!/bin/sh\necho \"the key ring is locked\"\nexit 1\n");
    let refused = login(&sandbox, &registry).failed();
    assert!(refused.stderr.contains("it says: the key ring is locked"), "{}", refused.stderr);
    install(&sandbox, "#!/bin/sh\ncat\nexit 1\n");
    login(&sandbox, &registry).failed();
    let file = fs_err::read_to_string(docker_file(&sandbox)).expect("Docker's configuration");
    assert_eq!(file, configuration.to_string());
}
