//! Text from outside: nothing that a terminal would act on, and nothing that reads as something else, gets through.

use crate::support::library::{base, with_description};
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::{Run, Sandbox, manifest};

/// A colour, a title for the window, a bell, a backspace, and marks that turn the direction of writing.
const HOSTILE: &str = "safe\u{1b}[31mred\u{1b}]0;title\u{7}\u{8}\u{9b}1m \u{202e}gpj.exe\u{2066}\u{200f}end";

/// The same as the inside of a string in TOML.
fn escaped() -> String {
    let escape = |c: char| match c {
        c if c.is_ascii_graphic() => c.to_string(),
        c => format!("\\u{:04x}", u32::from(c)),
    };
    HOSTILE.chars().map(escape).collect()
}

/// What a terminal would act on in the output of `run`.
fn hostile_in(run: &Run) -> Option<char> {
    run.stdout.chars().chain(run.stderr.chars()).find(|&c| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

#[track_caller]
fn assert_plain(run: &Run) {
    assert_eq!(hostile_in(run), None, "in {:?} and {:?}", run.stdout, run.stderr);
}

#[test]
fn a_description_is_shown_without_its_escape_sequences() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&with_description(&base("1.0.0"), "acme:base", "1.0.0", HOSTILE));
    let info = sandbox.run(&["info", "acme:base"]).done();
    assert_plain(&info);
    assert!(
        info.stdout.contains("safe") && info.stdout.contains("end"),
        "the text itself is shown: {}",
        info.stdout
    );
    // JSON escapes what it has to, and is for programs.
    let json = sandbox.run(&["info", "acme:base", "--format", "json"]).done();
    assert_eq!(json.json()["description"], HOSTILE);
    assert!(!json.stdout.contains('\u{1b}'), "{}", json.stdout);
}

#[test]
fn a_manifest_and_a_lock_are_quoted_without_theirs() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.0.0"));
    let escaped = escaped();
    let mut bad = Vec::new();
    let good = manifest("\"acme:base\" = \"^1\"", "");
    for (from, to) in [
        ("[component.app]", format!("[component.\"{escaped}\"]\nsorce = \"x\"\n[component.app]")),
        ("source = \"app.wasm\"", format!("\"{escaped}\" = 1")),
        ("source = \"app.wasm\"", format!("source = \"{escaped}\"")),
        ("source = \"app.wasm\"", "sorce = 1 # \u{202e}gpj.exe\u{2066}".to_owned()),
        ("\"acme:base\" = \"^1\"", format!("\"acme:base\" = \"{escaped}\"")),
        ("\"acme:base\" = \"^1\"", format!("\"acme:base\" = {{ path = \"{escaped}\" }}")),
        ("\"acme:base\" = \"^1\"", format!("\"{escaped}\" = \"^1\"")),
        ("route = \"/...\"", format!("route = \"{escaped}\"")),
    ] {
        sandbox.write("spin.toml", good.replace(from, &to));
        let run = sandbox.run(&["verify"]);
        assert_ne!(run.code, Some(0), "{to} is not valid");
        if let Some(c) = hostile_in(&run) {
            bad.push(format!("{c:?} for {to}\n{:?}", run.stderr));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    sandbox.run(&["lock"]).done();
    let lock = sandbox.read("spin-deps.lock");
    sandbox.write("spin-deps.lock", lock.replace("[[package]]", &format!("[[package]]\n\"{escaped}\" = 1")));
    assert_plain(&sandbox.run(&["sync"]).failed());
}

#[test]
fn an_answer_is_shown_without_its_escape_sequences() {
    let sandbox = Sandbox::new();
    let escaped = escaped();
    sandbox.write(
        "spin.toml",
        format!(
            "spin_manifest_version = 2\n[application]\nname = \"{escaped}\"\n\
             [[trigger.http]]\nroute = \"/\"\nstatic_response = {{ body = \"{escaped}\" }}\n\
             [[application.tool.deps.verify.requests]]\npath = \"/\"\nexpect = {{ body = \"other\" }}\n"
        ),
    );
    let run = sandbox.run(&["verify"]).failed();
    assert_plain(&run);
    assert!(run.stdout.contains("safe"), "{}", run.stdout);
}

#[test]
fn what_a_registry_says_is_shown_without_it() {
    let registry = Registry::open();
    let proxy = Proxy::start(&registry.host());
    let sandbox = Sandbox::new();
    sandbox.use_host(&proxy.host(), None);
    sandbox.publish(&base("1.0.0"));
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"^1\"", "");
    let said = serde_json::json!({ "errors": [{ "code": "DENIED", "message": HOSTILE }] }).to_string();
    let tags = serde_json::json!({ "name": HOSTILE, "tags": [HOSTILE, "1.0.0"] }).to_string();
    let manifest =
        serde_json::json!({ "schemaVersion": 2, "mediaType": HOSTILE, "layers": HOSTILE }).to_string();
    for (part, status, body) in [
        ("/tags/", 403, &said),
        ("/tags/", 200, &said),
        ("/manifests/", 403, &said),
        ("/manifests/", 200, &manifest),
    ] {
        sandbox.delete_cache();
        proxy.accept();
        proxy.refuse_with(part, status, body);
        let run = sandbox.run(&["lock", "-vv"]);
        assert_eq!(run.code, Some(1), "{part} {status}: {}", run.stdout);
        assert_plain(&run);
    }
    // A tag that is no version is passed over.
    sandbox.delete_cache();
    proxy.accept();
    proxy.refuse_with("/tags/", 200, &tags);
    assert_plain(&sandbox.run(&["lock", "-vv"]).done());
}

#[test]
fn what_is_typed_is_repeated_without_it_as_well() {
    let sandbox = Sandbox::new();
    sandbox.write_app(&[], "", "");
    for arguments in [
        ["add", HOSTILE].as_slice(),
        &["why", HOSTILE],
        &["remove", HOSTILE],
        &["compose", HOSTILE, "-o", "x"],
    ] {
        let run = sandbox.run(arguments);
        assert_ne!(run.code, Some(0));
        assert_plain(&run);
    }
}
