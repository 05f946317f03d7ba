//! `login` and `logout` without a terminal.

use docker_credential::{DockerCredential, get_credential_from_reader};

use super::{BASIC, docker, docker_file, locked_out};
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::web::{Page, WebServer};
use crate::support::world::{Run, Sandbox, manifest};

const PASSWORD: &str = "correct horse";

/// Logs in as `ada`; whatever happens, nothing shows the password.
fn login(sandbox: &Sandbox, registry: &str, password: &str, more: &[&str]) -> Run {
    let mut arguments = vec!["login", registry, "--user", "ada", "--password-stdin"];
    arguments.extend(more);
    let run = sandbox.run_reading(&arguments, &format!("{password}\n"));
    for secret in [password, BASIC] {
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{}{}", run.stdout, run.stderr);
    }
    run
}

#[test]
fn stores_what_we_docker_and_wkg_use() {
    let (registry, sandbox) = locked_out();
    let done = login(&sandbox, "wasm.example", PASSWORD, &[]).done();
    insta::assert_snapshot!(sandbox.snapshot(&done), @"
    exit: 0
    --- stdout
    Logged in at 127.0.0.1:[PORT] as ada
      credentials are in `[DIR]/docker/config.json`
    --- stderr
    wasm.example is at 127.0.0.1:[PORT]
    ");
    let file = fs_err::read(docker_file(&sandbox)).expect("Docker's configuration");
    // The crate by which wkg reads it.
    assert_eq!(
        get_credential_from_reader(file.as_slice(), &registry.host()),
        Ok(DockerCredential::UsernamePassword("ada".into(), PASSWORD.into()))
    );
    sandbox.run(&["info", "acme:base"]).done();
    sandbox.run(&["verify"]).done();

    let out = sandbox.run(&["logout", "wasm.example"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&out), @"
    exit: 0
    --- stdout
    Logged out at 127.0.0.1:[PORT], from `[DIR]/docker/config.json`
    ");
    sandbox.delete_cache();
    sandbox.run(&["info", "acme:base"]).failed();
    let out = sandbox.run(&["logout", "wasm.example"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&out), @"
    exit: 0
    --- stdout
    Not logged in at 127.0.0.1:[PORT]
    ");
}

#[test]
fn knows_the_host_that_an_error_names() {
    let (registry, sandbox) = locked_out();
    let host = registry.host();
    let refused = sandbox.run(&["lock"]).failed();
    assert!(refused.stderr.contains(&format!("`spin-deps login {host}`")), "{}", refused.stderr);
    let done = login(&sandbox, &host, PASSWORD, &["-vv", "--format", "json"]).done();
    let result = done.json();
    assert_eq!(result["host"], host);
    assert_eq!(result["user"], "ada");
    assert_eq!(result["tried"], true);
    sandbox.run(&["lock"]).done();
    let out = sandbox.run(&["logout", &host, "--format", "json"]).done();
    assert_eq!(out.json()["host"], host);
}

#[test]
fn keeps_what_else_is_in_the_file() {
    let (registry, sandbox) = locked_out();
    let before =
        serde_json::json!({ "zebra": 1, "auths": { "other.example": { "auth": "YTpi" } }, "ant": [2] });
    docker(&sandbox, &before);
    login(&sandbox, &registry.host(), PASSWORD, &[]).done();
    let text = fs_err::read_to_string(docker_file(&sandbox)).expect("Docker's configuration");
    let after: serde_json::Value = serde_json::from_str(&text).expect("an object");
    assert_eq!(after["auths"][registry.host()]["auth"], BASIC);
    assert_eq!(after["auths"]["other.example"], before["auths"]["other.example"]);
    assert_eq!((&after["zebra"], &after["ant"]), (&before["zebra"], &before["ant"]));
    sandbox.run(&["logout", &registry.host()]).done();
    let text = fs_err::read_to_string(docker_file(&sandbox)).expect("Docker's configuration");
    assert_eq!(text, before.to_string());
}

#[test]
fn stores_no_wrong_password() {
    let (_registry, sandbox) = locked_out();
    let refused = login(&sandbox, "wasm.example", "hunter2", &["-vv"]).failed();
    assert!(!refused.stdout.contains("Logged in"), "{}", refused.stdout);
    let refused = login(&sandbox, "wasm.example", "hunter2", &["-q"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: registry `127.0.0.1:[PORT]` did not accept the credentials; they were not stored

    hint: check the user and the password; many registries want an access token in place of the password
    ");
    assert!(!docker_file(&sandbox).exists());
}

#[test]
fn stores_nothing_where_nobody_answers() {
    let sandbox = Sandbox::new();
    let address = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let host = address.expect("a free port").to_string();
    let refused = login(&sandbox, &host, PASSWORD, &[]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: could not reach registry `127.0.0.1:[PORT]`: the connection was refused

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
    let refused = login(&sandbox, &host, PASSWORD, &["--offline"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: cannot log in at `127.0.0.1:[PORT]`: `--offline` forbids requests

    hint: credentials are tried before they are stored
    ");
    assert!(!docker_file(&sandbox).exists());
}

#[test]
fn does_not_take_a_web_page_for_a_registry() {
    let sandbox = Sandbox::new();
    let server = WebServer::start(|_| Page::login_page());
    sandbox.use_host(&server.host(), None);
    let refused = login(&sandbox, "wasm.example", PASSWORD, &[]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    wasm.example is at 127.0.0.1:[PORT]
    error: registry `wasm.example (127.0.0.1:[PORT])` gave an answer for `/v2/` that cannot be understood: it is a web page, such as one to log in

    hint: check that the name is that of a registry, and that no login page or proxy answers in its place
    ");
    assert!(server.asked().iter().all(|head| !head.contains("authorization")), "{:?}", server.asked());
    assert!(!docker_file(&sandbox).exists());
}

#[test]
fn says_when_nobody_looked_at_the_credentials() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    let done = login(&sandbox, "wasm.example", PASSWORD, &[]).done();
    insta::assert_snapshot!(sandbox.snapshot(&done), @"
    exit: 0
    --- stdout
    Logged in at 127.0.0.1:[PORT] as ada
      credentials are in `[DIR]/docker/config.json`
    --- stderr
    wasm.example is at 127.0.0.1:[PORT]
    warning: 127.0.0.1:[PORT] asks nobody for credentials, so they could not be tried
    ");
}

#[test]
fn says_what_comes_before_what_it_stored() {
    let registry = Registry::with_password();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    let done = login(&sandbox, "wasm.example", PASSWORD, &[]).done();
    assert!(done.stderr.contains("warning: `auth` in the registry configuration is used"), "{}", done.stderr);
}

#[test]
fn speaks_plain_http_only_where_the_configuration_says_so() {
    let registry = Registry::with_password();
    let proxy = Proxy::start(&registry.host());
    let sandbox = Sandbox::new();
    let refused = login(&sandbox, &proxy.host(), PASSWORD, &[]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @r#"
    exit: 1
    --- stderr
    error: could not reach registry `127.0.0.1:[PORT]`: it does not speak TLS

    hint: if it speaks plain http, say so: `protocol = "http"` in `[registry."127.0.0.1:[PORT]".oci]`
    "#);
    assert!(proxy.requests().iter().all(|seen| !seen.authorized), "{:?}", proxy.requests());

    // The project is not asked about other machines.
    let lowered = "[application.tool.deps.registry.\"plain.example\".oci]\nprotocol = \"http\"\n";
    sandbox.write("spin.toml", manifest("", "") + lowered);
    let mapping = "[namespace_registries]\nacme = { registry = \"plain.example\", metadata = { oci = { registry = \"plain.example\" } } }\n";
    fs_err::create_dir_all(sandbox.configuration().parent().expect("a directory")).expect("the place");
    fs_err::write(sandbox.configuration(), mapping).expect("the configuration");
    let refused = login(&sandbox, "plain.example", PASSWORD, &[]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: cannot log in at `plain.example`: only the project turns off the protection of the connection

    hint: if that is right, say so in your own config.toml of wkg
    ");
    assert!(!docker_file(&sandbox).exists());
}

#[test]
fn does_not_follow_a_project_to_another_host() {
    let registry = Registry::with_password();
    let proxy = Proxy::start(&registry.host());
    let sandbox = Sandbox::new();
    let mapping = format!(
        "\n[application.tool.deps.namespace_registries]\nacme = {{ registry = \"corp.example\", metadata = {{ oci = {{ registry = \"{}\" }} }} }}\n\
         [application.tool.deps.registry.\"corp.example\".oci]\nprotocol = \"http\"\n",
        proxy.host()
    );
    sandbox.write("spin.toml", manifest("", "") + &mapping);
    let refused = login(&sandbox, "corp.example", PASSWORD, &[]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: cannot log in at `corp.example`: only the project says that `127.0.0.1:[PORT]` is behind that name

    hint: if you trust that host: `spin-deps login 127.0.0.1:[PORT]`
    ");
    assert_eq!(proxy.requests(), []);
    // The host by its own name is the user's word.
    login(&sandbox, &proxy.host(), PASSWORD, &[]).done();
}

#[test]
fn asks_for_what_is_missing_by_its_flag() {
    let sandbox = Sandbox::new();
    let misused = |arguments: &[&str]| {
        let run = sandbox.run_reading(arguments, "").misused();
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
        sandbox.snapshot(&run)
    };
    insta::assert_snapshot!(misused(&["login", "127.0.0.1:1"]), @"
    exit: 2
    --- stderr
    error: the user's name is missing

    hint: give it with `--user`
    ");
    insta::assert_snapshot!(misused(&["login", "127.0.0.1:1", "-u", "ada"]), @"
    exit: 2
    --- stderr
    error: the password is missing

    hint: give it on stdin with `--password-stdin`
    ");
    insta::assert_snapshot!(misused(&["login", "127.0.0.1:1", "-u", "ada", "--password-stdin"]), @"
    exit: 2
    --- stderr
    error: there is nothing on stdin

    hint: `--password-stdin` reads the secret from there
    ");
    insta::assert_snapshot!(misused(&["login", "127.0.0.1:1", "-u", "a:b", "--password-stdin"]), @"
    exit: 2
    --- stderr
    error: a user's name is not empty and has no colon

    hint: give another with `--user`
    ");
    insta::assert_snapshot!(misused(&["login", "127.0.0.1:1", "-u", "ada", "--password", "hunter2"]), @"
    exit: 2
    --- stderr
    error: a password is not taken from the command line, where other users and the shell's history see it

    hint: give it on stdin with `--password-stdin`, or leave it out to be asked for it
    ");
    assert!(misused(&["login", "127.0.0.1:1", "--password=hunter2"]).contains("--password-stdin"));
    assert!(misused(&["login", "127.0.0.1:1", "-p", "hunter2"]).contains("--password-stdin"));
    assert!(misused(&["login", "127.0.0.1:1", "-u", "ada", "--token-stdin"]).contains("cannot be used with"));
}

#[test]
fn names_no_registry() {
    let sandbox = Sandbox::new();
    for command in ["login", "logout"] {
        for name in [
            "https://ghcr.io",
            "ghcr.io/acme",
            "ada:hunter2@ghcr.io",
            "../etc",
            "g\u{200d}hcr.io",
            "\u{1b}[31mx",
            "",
            ":5000",
            "a b",
        ] {
            let run = sandbox.run_reading(&[command, name], "x").misused();
            assert!(run.stderr.contains("is not the name of a registry"), "{name}: {}", run.stderr);
            assert!(
                !run.stderr.contains("hunter2") && !run.stderr.contains('\u{1b}'),
                "{name}: {}",
                run.stderr
            );
        }
    }
    sandbox.use_folder();
    let refused = login(&sandbox, "wasm.example", PASSWORD, &[]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: cannot log in at `wasm.example`: it is a folder, which asks for none
    ");
}
