//! A name that tries to be a path, or to look like another name: in an argument, the manifest, the lock, a configuration.

use super::{usual, with_manifest};
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, base};
use crate::support::web::{Page, WebServer};
use crate::support::world::{REGISTRY, Sandbox, manifest};

/// Names that are no package's. The look-alikes are Cyrillic, full-width, and joined by what cannot be seen.
const NAMES: [&str; 14] = [
    "acme:../../etc",
    "../acme:base",
    "..:..",
    "/etc:passwd",
    "acme:/etc/passwd",
    "acme:base/../../x",
    "acme:%2e%2e%2fetc",
    "acme:base%00",
    "acme:..\\..\\windows",
    "\u{430}cme:base",
    "acme:\u{ff42}ase",
    "ac\u{200d}me:base",
    "acme:base\u{202e}",
    "acme:",
];

/// Runs a command that has to be refused without a panic and without a trace outside its own directories; gives the
/// first line of the message.
#[track_caller]
fn first_line(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let before = sandbox.files();
    let run = sandbox.run(arguments);
    assert!(matches!(run.code, Some(1 | 2)), "{arguments:?} ended with {:?}:\n{}", run.code, run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    assert!(sandbox.files() == before, "{arguments:?} changed a file of the project");
    let mut beside: Vec<_> = fs_err::read_dir(sandbox.root())
        .expect("the sandbox")
        .map(|entry| entry.expect("an entry").file_name().display().to_string())
        .collect();
    beside.retain(|name| {
        !["artifacts", "cache", "config", "folders", "home", "project", "state", "system.pem"]
            .contains(&name.as_str())
    });
    assert_eq!(beside, Vec::<String>::new(), "{arguments:?} left something outside");
    let line = run.stderr.lines().find(|line| line.starts_with("error: ")).expect("an error").to_owned();
    sandbox.snapshot_line(&line)
}

#[test]
fn that_is_no_packages_is_refused_as_an_argument() {
    let (_registry, sandbox) = usual();
    sandbox.run(&["lock"]).done();
    let file = sandbox.artifact(&base("1.0.0"));
    for name in NAMES {
        for arguments in [
            ["add", name].as_slice(),
            &["info", name],
            &["versions", name],
            &["publish", &file, "--package", &format!("{name}@9.0.0")],
            &["why", name],
            &["tree", "--invert", name],
            &["remove", name],
        ] {
            first_line(&sandbox, arguments);
        }
    }
    let shown: Vec<_> = NAMES.iter().map(|name| first_line(&sandbox, &["add", name])).collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    error: there is no file `acme:../../etc`
    error: there is no file `../acme:base`
    error: `..:..` cannot be used: invalid label: dash-separated words must begin with an ASCII lowercase letter
    error: there is no file `/etc:passwd`
    error: there is no file `acme:/etc/passwd`
    error: there is no file `acme:base/../../x`
    error: `acme:%2e%2e%2fetc` cannot be used: invalid label: dash-separated words must begin with an ASCII lowercase letter
    error: `acme:base%00` cannot be used: invalid label: dash-separated words may contain only lowercase alphanumeric ASCII characters
    error: there is no file `acme:..\..\windows`
    error: `аcme:base` cannot be used: invalid label: dash-separated words must begin with an ASCII lowercase letter
    error: `acme:ｂase` cannot be used: invalid label: dash-separated words must begin with an ASCII lowercase letter
    error: `ac�me:base` cannot be used: invalid label: dash-separated words may contain only lowercase alphanumeric ASCII characters
    error: `acme:base�` cannot be used: invalid label: dash-separated words may contain only lowercase alphanumeric ASCII characters
    error: `acme:` cannot be used: invalid label: labels may not be empty
    ");
    let versions = ["1.0.0/../../x", "../1.0.0", "1.0.0%2f..", "1.0.0\u{2044}x", "1", "v1.0.0", ""];
    let shown: Vec<_> = versions
        .iter()
        .map(|version| {
            first_line(&sandbox, &["publish", &file, "--package", &format!("acme:base@{version}")])
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    error: invalid value 'acme:base@1.0.0/../../x' for '--package <PKG[@VERSION]>': unexpected character '/' after patch version number
    error: invalid value 'acme:base@../1.0.0' for '--package <PKG[@VERSION]>': unexpected character '.' while parsing major version number
    error: invalid value 'acme:base@1.0.0%2f..' for '--package <PKG[@VERSION]>': unexpected character '%' after patch version number
    error: invalid value 'acme:base@1.0.0⁄x' for '--package <PKG[@VERSION]>': unexpected character '⁄' after patch version number
    error: invalid value 'acme:base@1' for '--package <PKG[@VERSION]>': unexpected end of input while parsing major version number
    error: invalid value 'acme:base@v1.0.0' for '--package <PKG[@VERSION]>': unexpected character 'v' while parsing major version number
    error: invalid value 'acme:base@' for '--package <PKG[@VERSION]>': empty string, expected a semver version
    ");
}

#[test]
fn that_is_no_packages_is_refused_in_the_manifest() {
    let mut shown = Vec::new();
    for name in NAMES {
        let name = toml_edit::Value::from(name);
        let sandbox = with_manifest(&manifest(&format!("{name} = \"^1\""), ""));
        first_line(&sandbox, &["lock"]);
        let entry = format!("\"acme:base\" = {{ version = \"^1\", package ={name} }}");
        let sandbox = with_manifest(&manifest(&entry, ""));
        shown.push(first_line(&sandbox, &["lock"]));
    }
    insta::assert_snapshot!(shown.join("\n"), @r"
    error: invalid package `acme:../../etc`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `../acme:base`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `..:..`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `/etc:passwd`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `acme:/etc/passwd`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `acme:base/../../x`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `acme:%2e%2e%2fetc`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `acme:base%00`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `acme:..\..\windows`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `аcme:base`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `acme:ｂase`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `ac�me:base`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `acme:base�`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    error: invalid package `acme:`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
    ");
}

#[test]
fn that_is_none_is_refused_in_the_lock() {
    let (_registry, sandbox) = usual();
    sandbox.run(&["sync"]).done();
    let good = sandbox.read("spin-deps.lock");
    let digest = good.split("digest = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a digest");
    let mut shown = Vec::new();
    for (from, to) in [
        ("\"acme:base\"", "\"acme:../../base\""),
        ("\"acme:base\"", "\"\\u0430cme:base\""),
        ("\"1.1.0\"", "\"../../1.1.0\""),
        (REGISTRY, "../../wasm.example"),
        (REGISTRY, "wasm.example/../x"),
        (REGISTRY, "me:secret@wasm.example"),
        (digest, "sha256:../../../../etc/passwd"),
        (digest, "sha256:00"),
        (digest, "md5:d41d8cd98f00b204e9800998ecf8427e"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        sandbox.write("spin-deps.lock", bad);
        for command in [["sync"].as_slice(), &["verify", "--locked"], &["tree"]] {
            first_line(&sandbox, command);
        }
        shown.push(first_line(&sandbox, &["sync"]));
    }
    insta::assert_snapshot!(shown.join("\n"), @"
    error: `name` in [[package]] is not a package name: dash-separated words must begin with an ASCII lowercase letter
    error: `name` in [[package]] is not a package name: dash-separated words must begin with an ASCII lowercase letter
    error: `version` in package acme:base is not a version: unexpected character '.' while parsing major version number
    error: `registry` in package acme:base 1.1.0 is not a registry: invalid uri character
    error: `registry` in package acme:base 1.1.0 is not a registry: invalid uri character
    error: `registry` in package acme:base 1.1.0 is not a registry: a host name has no `@`
    error: `digest` in package acme:base 1.1.0 is not a digest: must be 64 hex digits; got 22 chars
    error: `digest` in package acme:base 1.1.0 is not a digest: must be 64 hex digits; got 2 chars
    error: `digest` in package acme:base 1.1.0 is not a digest: must start with 'sha256:'
    ");
}

#[test]
fn that_is_no_registrys_is_refused_in_a_configuration() {
    let mut shown = Vec::new();
    for (registry, oci) in [
        ("../../evil", ""),
        ("evil/../..", ""),
        ("me:secret@evil.example", ""),
        ("wasm.example", "oci = { registry = \"evil.example/../x\" }"),
        ("wasm.example", "oci = { registry = \"evil.example?x=\" }"),
        ("wasm.example", "oci = { registry = \"me:secret@evil.example\" }"),
        ("wasm.example", "oci = { registry = \"127.0.0.1:1\", namespacePrefix = \"../../\" }"),
        ("wasm.example", "oci = { registry = \"127.0.0.1:1\", namespacePrefix = \"a/%2e%2e/\" }"),
        ("wasm.example", "oci = { registry = \"127.0.0.1:1\", namespacePrefix = \"/etc/\" }"),
    ] {
        let sandbox = Sandbox::new();
        let table = format!(
            "\n[application.tool.deps.namespace_registries]\nacme = {{ registry = \"{registry}\", metadata = {{ {oci} }} }}\n"
        );
        sandbox.write("app.wasm", spin_deps_fixtures::http::p2_app(IMPORTS));
        sandbox.write("spin.toml", manifest(DEPENDENCIES, ANSWER) + &table);
        let line = first_line(&sandbox, &["lock"]);
        assert!(!line.contains("secret"), "{line}");
        shown.push(line);
    }
    insta::assert_snapshot!(shown.join("\n"), @"
    error: the registry configuration in [DIR]/project is invalid: line 1, column 33: neither a registry's name nor a table with `registry` and `metadata`
    error: the registry configuration in [DIR]/project is invalid: line 1, column 33: neither a registry's name nor a table with `registry` and `metadata`
    error: registry `evil.example` cannot be used: its name must be a host without user information; credentials belong into `auth` of wkg's config.toml
    error: registry `evil.example/../x` cannot be used: its OCI host must be a host name with an optional port
    error: registry `evil.example?x=` cannot be used: its OCI host must be a host name with an optional port
    error: registry `evil.example` cannot be used: its name must be a host without user information; credentials belong into `auth` of wkg's config.toml
    error: registry `wasm.example` cannot be used: its namespace prefix `../../` cannot begin a repository
    error: registry `wasm.example` cannot be used: its namespace prefix `a/%2e%2e/` cannot begin a repository
    error: registry `wasm.example` cannot be used: its namespace prefix `/etc/` cannot begin a repository
    ");
}

#[test]
fn that_is_no_registrys_is_refused_in_what_a_registry_says_of_itself() {
    let mut shown = Vec::new();
    for metadata in [
        r#"{"oci": {"registry": "evil.example/../x"}}"#,
        r#"{"oci": {"registry": "me:secret@evil.example"}}"#,
        r#"{"oci": {"registry": "\u001b[31mevil.example"}}"#,
        r#"{"oci": {"namespacePrefix": "../../"}}"#,
        r#"{"preferredProtocol": "local", "local": {"root": "/etc"}}"#,
        r#"{"preferredProtocol": "\u001b[31mftp"}"#,
    ] {
        let server = WebServer::start(move |_| Page::new(200, metadata));
        let sandbox = Sandbox::new();
        let host = server.host();
        let table = format!("\n[application.tool.deps]\ndefault_registry = \"{host}\"\n");
        sandbox.write("app.wasm", spin_deps_fixtures::http::p2_app(IMPORTS));
        sandbox.write("spin.toml", manifest(DEPENDENCIES, ANSWER) + &table);
        shown.push(first_line(&sandbox, &["lock"]));
    }
    insta::assert_snapshot!(shown.join("\n"), @"
    error: registry `evil.example/../x` cannot be used: its OCI host must be a host name with an optional port
    error: registry `evil.example` cannot be used: its name must be a host without user information; credentials belong into `auth` of wkg's config.toml
    error: registry `�[31mevil.example` cannot be used: its OCI host must be a host name with an optional port
    error: registry `127.0.0.1:[PORT]` cannot be used: its namespace prefix `../../` cannot begin a repository
    error: registry `127.0.0.1:[PORT]` cannot be used: its metadata asks for a folder of this machine, which it may not
    error: registry `127.0.0.1:[PORT]` uses the protocol `�[31mftp`, which is not supported
    ");
}

#[test]
fn in_a_folder_leads_nowhere_else() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&base("1.0.0"));
    let folder = sandbox.root().join("folders").join(REGISTRY).join("acme/base");
    // Files whose names are no versions, and directories, are no releases.
    fs_err::write(folder.join("..wasm"), "x").expect("a file");
    fs_err::write(folder.join("latest.wasm"), "x").expect("a file");
    fs_err::create_dir(folder.join("2.0.0.wasm")).expect("a directory");
    let versions = sandbox.run(&["versions", "acme:base"]).done();
    assert_eq!(versions.stdout, "1.0.0\n");
}
