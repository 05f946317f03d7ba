//! The app in the embedded host: what reaches the guest, and what `verify` says about its answers.

use spin_deps_fixtures::http::{env_app, variables_app};

use crate::support::http::get;
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, publish_all};
use crate::support::process::Process;
use crate::support::snapshot::without_times_and_ports;
use crate::support::world::Sandbox;

/// Serves the app on a free port until the process is interrupted or dropped.
pub(crate) fn serve(sandbox: &Sandbox, more: &[&str]) -> (Process, String) {
    let mut up = sandbox.start(&[&["up", "--listen", "127.0.0.1:0"], more].concat());
    let address = up.wait_for(|line| {
        let (_, rest) = line.split_once("http://127.0.0.1:")?;
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some(format!("127.0.0.1:{port}"))
    });
    (up, address)
}

/// Two components: one shows its environment and files, one its variables.
fn showing() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("env.wasm", env_app());
    sandbox.write("variables.wasm", variables_app());
    sandbox.write("assets/greeting.txt", "hello from a file\n");
    sandbox.write("assets/secret.key", "not for the guest\n");
    sandbox.write("notes/one.md", "# One\n");
    sandbox.write(
        "spin.toml",
        r#"spin_manifest_version = 2

[application]
name = "showing"

[variables]
who = { default = "world" }
token = { required = true }

[[trigger.http]]
id = "env"
route = "/e/..."
component = "env"

[[trigger.http]]
id = "files"
route = "/..."
component = "files"

[[trigger.http]]
id = "variables"
route = "/spin/..."
component = "variables"

[[trigger.http]]
id = "robots"
route = "/robots.txt"
static_response = { status_code = 203, headers = { content-type = "text/plain" }, body = "none\n" }

[component.env]
source = "env.wasm"

[component.files]
source = "env.wasm"
environment = { GREETING = "hello", EMPTY = "" }
files = [{ source = "assets", destination = "/" }, "notes/*.md"]
exclude_files = ["assets/*.key"]

[component.variables]
source = "variables.wasm"
variables = { greeting = "Hello, {{ who }}!", token = "{{token}}" }
"#,
    );
    sandbox
}

#[test]
fn environment_files_and_variables_reach_the_component_that_has_them() {
    let sandbox = showing();
    let (up, address) = serve(&sandbox, &["--variable", "token=s3cret"]);
    let ask = |path: &str| {
        let answer = get(&format!("http://{address}{path}"));
        (answer.status, answer.text())
    };
    assert_eq!(ask("/env/GREETING"), (200, "hello".into()));
    assert_eq!(ask("/env/EMPTY"), (200, String::new()));
    assert_eq!(ask("/env/HOME").0, 404, "the environment of the host is not the guest's");
    assert_eq!(ask("/file/greeting.txt"), (200, "hello from a file\n".into()));
    assert_eq!(ask("/file/notes/one.md"), (200, "# One\n".into()));
    assert_eq!(ask("/file/secret.key").0, 404, "what is excluded is not there");
    assert_eq!(ask("/file/../spin.toml").0, 404, "nothing above the mount is there");
    assert_eq!(ask("/write/new.txt").0, 404, "files are for reading");
    assert_eq!(ask("/spin/greeting"), (200, "Hello, world!".into()));
    assert_eq!(ask("/spin/token"), (200, "s3cret".into()));
    assert_eq!(ask("/robots.txt"), (203, "none\n".into()));
    up.interrupt();
    assert_eq!(up.finish().status.code(), Some(0));
}

#[test]
fn variables_come_from_the_command_line_then_the_environment_then_the_default() {
    let sandbox = showing();
    let asked = |arguments: &[&str]| {
        let mut command = sandbox.command(&["verify", "--format", "json"]);
        command.args(arguments).env("SPIN_VARIABLE_TOKEN", "from the environment");
        let report = Sandbox::run_command(&mut command).done().json();
        report["answers"][0]["body"].as_str().expect("a body").to_owned()
    };
    let manifest = sandbox.read("spin.toml");
    sandbox.write(
        "spin.toml",
        manifest + "\n[[application.tool.deps.verify.requests]]\npath = \"/spin/token\"\n",
    );
    assert_eq!(asked(&[]), "from the environment");
    assert_eq!(asked(&["--variable", "token=given"]), "given");

    let texts = [
        sandbox.run(&["verify"]).misused(),
        sandbox.run(&["verify", "--variable", "tokn=x"]).failed(),
        sandbox.run(&["verify", "--variable", "token"]).misused(),
    ]
    .map(|run| sandbox.snapshot(&run));
    insta::assert_snapshot!(texts.join("\n"), @"
    exit: 2
    --- stdout
    ✓ lock          the app needs no packages  [TIME]
        showing
        ├── component env
        ├── component files
        └── component variables
    ✓ digests       nothing to compare  [TIME]
    ✓ types         3 components fit what they are composed of  [TIME]
        env: 1 instance, [SIZE] bytes
        files: 1 instance, [SIZE] bytes
        variables: 1 instance, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       the manifest names none
    ✗ start         the variable `token` of component `variables` has no value  [TIME]
    Failed showing at start
    --- stderr
    error: the variable `token` of component `variables` has no value

    hint: give it with `--variable token=VALUE` or SPIN_VARIABLE_TOKEN

    exit: 1
    --- stdout
    ✓ lock          the app needs no packages  [TIME]
        showing
        ├── component env
        ├── component files
        └── component variables
    ✓ digests       nothing to compare  [TIME]
    ✓ types         3 components fit what they are composed of  [TIME]
        env: 1 instance, [SIZE] bytes
        files: 1 instance, [SIZE] bytes
        variables: 1 instance, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       the manifest names none
    ✗ start         the app has no variable `tokn`  [TIME]
    Failed showing at start
    --- stderr
    error: the app has no variable `tokn`

    hint: did you mean `token`?

    exit: 2
    --- stderr
    error: invalid value 'token' for '--variable <NAME=VALUE>': it must be written NAME=VALUE

    For more information, try '--help'.
    ");
}

#[test]
fn up_says_where_it_serves_what() {
    let sandbox = showing();
    let (up, _) = serve(&sandbox, &["--variable", "token=x"]);
    up.interrupt();
    let ended = up.finish();
    assert_eq!(ended.status.code(), Some(0));
    let shown = without_times_and_ports(&format!("{}--- stderr\n{}", ended.stdout, ended.stderr));
    insta::assert_snapshot!(shown, @"
    Serving http://127.0.0.1:[PORT]
      /e/...       env
      /...         files
      /spin/...    variables
      /robots.txt  static response
    --- stderr
    Stopping; Ctrl-C again ends the requests that are under way
    ");
}

#[test]
fn up_says_so_in_json_as_soon_as_it_serves() {
    let sandbox = showing();
    let (up, address) = serve(&sandbox, &["--variable", "token=x", "--format", "json"]);
    // As a supervisor ends it, which is no failure either.
    up.terminate();
    let ended = up.finish();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    let first = serde_json::Deserializer::from_str(&ended.stdout).into_iter::<serde_json::Value>().next();
    let serving = first.expect("a value").expect("JSON");
    assert_eq!(serving["address"], format!("http://{address}"));
    assert_eq!(serving["routes"][0]["component"], "env");
}

#[test]
fn up_on_a_port_that_is_taken_says_so() {
    let sandbox = showing();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address").to_string();
    let refused = sandbox.run(&["up", "--listen", &address, "--variable", "token=x"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: cannot listen on 127.0.0.1:[PORT]

    Caused by:
        Address already in use (os error 98)

    hint: another program listens there; choose another address with --listen
    ");
}

#[test]
fn verify_shows_how_the_app_was_made_and_what_it_answered() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    let run = sandbox.run(&["verify"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    ✓ lock          2 packages in spin-deps.lock, written  [TIME]
        demo
        └── component app
            └── acme:middle 1.0.0 wasm.example (^1)
                └── acme:base 1.1.0 wasm.example (^1.0.0)
    ✓ digests       2 packages are what was locked  [TIME]
    ✓ types         1 component fits what it is composed of  [TIME]
        app: 3 instances, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       the manifest names none
    ✓ start         1 component runs  [TIME]
    ✓ requests      1 answered as expected  [TIME]
        ✓ GET /x → 200  [TIME]
          acme:middle@1.0.0(acme:base@1.1.0(/x))
    Verified demo
    ");
}

#[test]
fn verify_shows_what_was_expected_and_what_came() {
    let sandbox = showing();
    let manifest = sandbox.read("spin.toml");
    let requests = r#"
[[application.tool.deps.verify.requests]]
path = "/robots.txt"
expect = { status = 203, headers = { content-type = "text/plain" }, body = "none\n" }

[[application.tool.deps.verify.requests]]
path = "/robots.txt"
expect = { status = 200, headers = { content-type = "text/html", x-other = "1" }, body = "all\n" }

[[application.tool.deps.verify.requests]]
method = "POST"
path = "/env/GREETING"
body = "ignored"
expect = { body_pattern = "^h.*o$" }

[[application.tool.deps.verify.requests]]
path = "/env/GREETING"
expect = { body_pattern = "^bye" }
"#;
    sandbox.write("spin.toml", manifest + requests);
    let run = sandbox.run(&["verify", "--variable", "token=x"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&run), @r#"
    exit: 1
    --- stdout
    ✓ lock          the app needs no packages  [TIME]
        showing
        ├── component env
        ├── component files
        └── component variables
    ✓ digests       nothing to compare  [TIME]
    ✓ types         3 components fit what they are composed of  [TIME]
        env: 1 instance, [SIZE] bytes
        files: 1 instance, [SIZE] bytes
        variables: 1 instance, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       the manifest names none
    ✓ start         3 components run  [TIME]
    ✗ requests      2 of 4 not answered as expected  [TIME]
        ✓ GET /robots.txt → 203  [TIME]
          none
        ✗ GET /robots.txt → 203  [TIME]
          status
            expected "200"
            but got  "203"
          header content-type
            expected "text/html"
            but got  "text/plain"
          header x-other
            expected "1"
            but got  "no such header"
          body
            expected "all\n"
            but got  "none\n"
        ✓ POST /env/GREETING → 200  [TIME]
          hello
        ✗ GET /env/GREETING → 200  [TIME]
          body_pattern
            expected "^bye"
            but got  "hello"
    Failed showing at requests
    "#);
}

#[test]
fn verify_without_requests_says_that_nothing_was_asked() {
    let sandbox = showing();
    let run = sandbox.run(&["verify", "--variable", "token=x"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&run), @"
    exit: 0
    --- stdout
    ✓ lock          the app needs no packages  [TIME]
        showing
        ├── component env
        ├── component files
        └── component variables
    ✓ digests       nothing to compare  [TIME]
    ✓ types         3 components fit what they are composed of  [TIME]
        env: 1 instance, [SIZE] bytes
        files: 1 instance, [SIZE] bytes
        variables: 1 instance, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       the manifest names none
    ✓ start         3 components run  [TIME]
    – requests      none in [application.tool.deps.verify]
    Verified showing
    ");
}
