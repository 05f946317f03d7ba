//! What releases import of the host, and what they are granted of it.

use super::*;

fn lock(granted: Vec<Granted>) -> Lockfile {
    let imports = ["wasi:filesystem/preopens@0.2.0", "wasi:cli/environment@0.2.0"];
    let mut count = release("acme:count", "1.0.0", &["files", "environment"], Vec::new());
    count.imports = imports.map(str::to_owned).to_vec();
    count.granted = granted;
    Lockfile { packages: vec![count], ..Lockfile::default() }
}

fn text(granted: Vec<Granted>) -> String {
    lock(granted).to_text()
}

fn message(text: &str) -> String {
    Lockfile::parse(text).unwrap_err().to_string()
}

#[test]
fn imports_and_grants_are_in_order() {
    let granted = vec![granted("web", &["files", "environment", "files"]), granted("api", &["environment"])];
    let text = text(granted);
    insta::assert_snapshot!(text, @r#"
    # Written by spin-deps. Commit this file and do not edit it.
    # After a merge conflict, run `spin-deps lock`.
    version = 1

    [[package]]
    name = "acme:count"
    version = "1.0.0"
    registry = "registry.example.com:5000"
    digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    size = 20480
    capabilities = ["environment", "files"]
    imports = [
        "wasi:cli/environment@0.2.0",
        "wasi:filesystem/preopens@0.2.0",
    ]
    granted = [
        { to = "api", capabilities = ["environment"] },
        { to = "web", capabilities = ["environment", "files"] },
    ]
    dependencies = []
    "#);
    assert_eq!(Lockfile::parse(&text).unwrap().to_text(), text);
}

/// Before imports and grants were recorded.
#[test]
fn an_entry_of_before_them_is_read() {
    let old = r#"version = 1

[[package]]
name = "acme:count"
version = "1.0.0"
registry = "registry.example.com"
digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
size = 20480
capabilities = ["environment"]
dependencies = []

[[http]]
url = "https://example.com/greeter.wasm"
digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
size = 1024
capabilities = []
dependencies = []
"#;
    let read = Lockfile::parse(old).unwrap();
    assert_eq!(read.packages[0].capabilities, ["environment"]);
    assert!(read.packages[0].imports.is_empty() && read.packages[0].granted.is_empty());
    assert!(read.to_text().ends_with(&old["version = 1\n".len()..]), "and written as it was");
}

#[test]
fn grants_that_mean_nothing_are_refused() {
    let sound = text(vec![granted("api", &["files"])]);
    let edited = |from: &str, to: &str| {
        assert!(sound.contains(from), "{from}");
        message(&sound.replace(from, to))
    };
    insta::assert_snapshot!(edited("to = \"api\", ", ""), @"what is granted to package acme:count 1.0.0 has no `to`");
    insta::assert_snapshot!(edited("capabilities = [\"files\"]", "capabilities = \"files\""), @"`capabilities` in what is granted to package acme:count 1.0.0 is not a list of strings");
    insta::assert_snapshot!(edited("to = \"api\",", "to = \"api\", by = 1,"), @"unknown field `by` in what is granted to package acme:count 1.0.0");
    let twice = "    { to = \"api\", capabilities = [\"files\"] },\n";
    insta::assert_snapshot!(edited(twice, &twice.repeat(2)), @"what package acme:count 1.0.0 is granted by component `api` is in the lock twice");
}

#[test]
fn what_is_granted_is_a_change() {
    let before = lock(vec![granted("api", &["files"]), granted("web", &["files"])]);
    let mut now = lock(vec![granted("api", &["environment"]), granted("web", &["files"])]);
    assert_eq!(diff(&before, &before), "");
    insta::assert_snapshot!(diff(&before, &now), @"acme:count 1.0.0 is now granted environment and no longer granted files by component api");
    now.packages[0].version = Version::new(1, 1, 0);
    now.packages[0].granted = vec![granted("api", &["all", "files"]), granted("web", &["files"])];
    now.http = vec![HttpSource {
        granted: vec![granted("\u{1b}[31m", &["files"])],
        ..source("https://me:secret@example.com/a?key=secret", &["files"])
    }];
    insta::assert_snapshot!(diff(&before, &now), @r"
    update acme:count 1.0.0 → 1.1.0
    acme:count 1.1.0 is now granted all by component api
    add https://example.com/a, gains files
    https://example.com/a is now granted files by component �[31m
    ");
    insta::assert_snapshot!(diff(&now, &before), @r"
    downgrade acme:count 1.1.0 → 1.0.0
    acme:count 1.0.0 is no longer granted all by component api
    remove https://example.com/a
    ");
}

/// What is granted is the manifest's to say, so that a merge of two manifests needs no answer from a registry.
#[test]
fn sides_that_grant_different_things_agree_about_the_release() {
    let (ours, theirs) =
        (text(vec![granted("api", &["files"])]), text(vec![granted("web", &["environment"])]));
    let merged = format!("<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> branch\n");
    let salvage = Lockfile::salvage(&merged).unwrap();
    assert_eq!(salvage.lockfile.packages.len(), 1, "{:?}", salvage.remarks);
    let other = theirs.replace("preopens", "other");
    let merged = format!("<<<<<<< HEAD\n{ours}=======\n{other}>>>>>>> branch\n");
    insta::assert_snapshot!(Lockfile::salvage(&merged).unwrap().remarks.join("\n"), @"asked again about acme:count 1.0.0, which is there in two ways");
}
