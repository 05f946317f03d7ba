//! What a guest may take: time and memory, and what the user hears when it wants more.

use spin_deps_fixtures::http::{bad_app, p3_bad_app, probe_app};

use crate::running::serve;
use crate::support::http::get;
use crate::support::world::Sandbox;

/// An app of one component that answers everything.
pub(super) fn app(wasm: &[u8], more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("web.wasm", wasm);
    sandbox.write(
        "spin.toml",
        format!(
            r#"spin_manifest_version = 2
application = {{ name = "limits" }}

[[trigger.http]]
route = "/..."
component = "web"

[component.web]
source = "web.wasm"
{more}"#
        ),
    );
    sandbox
}

/// The answers to these paths and what was said on stderr.
pub(super) fn asked(sandbox: &Sandbox, flags: &[&str], paths: &[&str]) -> (Vec<String>, String) {
    let (up, address) = serve(sandbox, flags);
    let answers = paths.iter().map(|path| {
        let answer = get(&format!("http://{address}{path}"));
        format!("{} {}", answer.status, answer.text())
    });
    let answers = answers.collect();
    up.interrupt();
    let ended = up.finish();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    (answers, ended.stderr)
}

#[test]
fn a_guest_has_the_time_and_the_memory_that_the_flags_say() {
    let sandbox = app(&probe_app(), "");
    let flags = ["--request-timeout", "300ms", "--max-memory", "4MiB"];
    let (answers, said) = asked(&sandbox, &flags, &["/loop", "/heap", "/"]);
    insta::assert_snapshot!(format!("{}\n{said}", answers.join("\n")), @"
    504 the component took too long to answer

    500 the component failed to answer

    200 1
    [web] trap: no answer within 0.3 s
    [web] trap: wasm `unreachable` instruction executed
      it wanted more memory than it may have, which is 4 MiB
      at alloc
      at answer
      at function 22
    Stopping; Ctrl-C again ends the requests that are under way
    ");
}

#[test]
fn a_guest_that_fails_ends_its_request_and_nothing_else() {
    let (answers, said) = asked(&app(&bad_app(), ""), &[], &["/exit", "/silent", "/status", "/header", "/"]);
    insta::assert_snapshot!(format!("{}\n{said}", answers.join("\n")), @"
    500 the component failed to answer

    500 the component failed to answer

    418 hello
    418 hello
    200 hello
    [web] trap: it called `exit` with 1 in the middle of a request
    [web] trap: ended without an answer
    Stopping; Ctrl-C again ends the requests that are under way
    ");

    let (answers, said) = asked(&app(&p3_bad_app(), ""), &[], &["/", "/trap", "/"]);
    insta::assert_snapshot!(format!("{}\n{said}", answers.join("\n")), @"
    200 1
    500 the component failed to answer

    200 1
    [web] trap: wasm `unreachable` instruction executed
      at trap
      at answer
      at function 27
    Stopping; Ctrl-C again ends the requests that are under way
    ");
}

#[test]
fn limits_that_are_none_are_refused() {
    let sandbox = app(&probe_app(), "");
    let texts = [
        ["--request-timeout", "soon"],
        ["--idle-instance-timeout", "2s..1s"],
        ["--max-instance-reuse-count", "0"],
        ["--max-instance-concurrent-reuse-count", "8..1"],
        ["--max-memory", "a lot"],
        ["--max-memory", "99999999999G"],
    ]
    .map(|flags| {
        let run = sandbox.run(&[&["up"][..], &flags].concat()).misused();
        sandbox.snapshot(&run).lines().nth(2).unwrap_or_default().to_owned()
    });
    insta::assert_snapshot!(texts.join("\n"), @"
    error: invalid value 'soon' for '--request-timeout <TIME|RANGE>': it is neither a time such as `[TIME]` or `[TIME]` nor a range such as `[TIME]..[TIME]`
    error: invalid value '[TIME]..[TIME]' for '--idle-instance-timeout <TIME|RANGE>': its range is empty
    error: invalid value '0' for '--max-instance-reuse-count <COUNT|RANGE>': it is neither a number above 0 nor a range such as `1..8`
    error: invalid value '8..1' for '--max-instance-concurrent-reuse-count <COUNT|RANGE>': its range is empty
    error: invalid value 'a lot' for '--max-memory <SIZE>': it is neither a number of bytes nor one of KiB, MiB or GiB
    error: invalid value '99999999999G' for '--max-memory <SIZE>': it is not a size above 0 that this machine has
    ");
    let run = sandbox.run(&["up", "--no-reuse", "--max-instance-reuse-count", "2"]).misused();
    assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
}
