//! What a user reads about a lock that is not sound.

use super::*;

const HASH: &str = r#"[[package]]
name = "acme:hash"
version = "1.4.0"
registry = "registry.example.com"
digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
size = 10
capabilities = []
dependencies = []
"#;

/// The message, the line and the text that it points to, and the hint.
fn refused(text: &str) -> String {
    let error = Lockfile::parse(text).unwrap_err();
    let span = error.span();
    let line = text[..span.start].matches('\n').count() + 1;
    let mut place: String = text[span].chars().take(60).collect();
    if place.contains('\n') {
        place = format!("{} …", place.lines().next().unwrap());
    }
    format!("{error}\nline {line}: {place}\nhint: {}", error.hint().unwrap())
}

/// What happens to the lock with `acme:hash` when `from` in it is replaced.
fn edited(from: &str, to: &str) -> String {
    assert!(HASH.contains(from), "{from}");
    refused(&format!("version = 1\n{}", HASH.replacen(from, to, 1)))
}

#[test]
fn merge_conflict() {
    let text = format!("version = 1\n<<<<<<< HEAD\n{HASH}=======\n>>>>>>> main\n");
    insta::assert_snapshot!(refused(&text), @"
    the lock contains the markers of a merge conflict
    line 2: <<<<<<< HEAD
    hint: merge spin.toml first, then run `spin-deps lock`: it keeps what both sides agree on or only one has, and chooses the rest anew
    ");
    let windows = format!("version = 1\r\n{HASH}\r\n||||||| base\r\n");
    assert!(matches!(Lockfile::parse(&windows), Err(LockError::MergeConflict { .. })));
}

#[test]
fn newer_format() {
    insta::assert_snapshot!(refused("version = 2\nstrange = true\n"), @r"
    the lock has version 2: it was written by a newer spin-deps
    line 1: 2
    hint: update spin-deps, or have whoever wrote the lock use your version; deleting the lock and running `spin-deps lock` writes it anew, with the newest versions that fit
    ");
}

#[test]
fn no_format() {
    insta::assert_snapshot!(refused("# empty\n"), @"
    the lock has no `version`
    line 1: 
    hint: restore the lock from version control, or run `spin-deps lock`, which keeps the entries that can be read and chooses the rest anew
    ");
    insta::assert_snapshot!(refused("version = 0\n"), @r"
    `version` in the lock is not a version of the lock format: there is no version 0
    line 1: 0
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    ");
    insta::assert_snapshot!(refused("version = \"1\"\n"), @r#"
    `version` in the lock is not a whole number
    line 1: "1"
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
}

#[test]
fn not_toml() {
    insta::assert_snapshot!(refused("version = 1\n[[package]\n"), @"
    the lock is not valid TOML: unclosed array table, expected `]`
    line 2: 
    hint: restore the lock from version control, or run `spin-deps lock`, which keeps the entries that can be read and chooses the rest anew
    ");
    insta::assert_snapshot!(refused("<html>\n"), @"
    the lock is not valid TOML: key with no value, expected `=`
    line 1: 
    hint: restore the lock from version control, or run `spin-deps lock`, which keeps the entries that can be read and chooses the rest anew
    ");
    let deep = format!("version = 1\npackage = {}\n", "[".repeat(100_000));
    assert!(matches!(Lockfile::parse(&deep), Err(LockError::Syntax { .. })));
}

#[test]
fn unknown_fields() {
    insta::assert_snapshot!(edited("size = 10", "size = 10\nsise = 10"), @r"
    unknown field `sise` in package acme:hash 1.4.0
    line 8: sise
    hint: remove the field, or update spin-deps if a newer one wrote the lock
    ");
    insta::assert_snapshot!(refused("version = 1\n[[packages]]\n"), @r"
    unknown field `packages` in the lock
    line 2: packages
    hint: remove the field, or update spin-deps if a newer one wrote the lock
    ");
    let more = r#"dependencies = [{ package = "acme:hash", req = "*", version = "1.4.0", color = "red" }]"#;
    insta::assert_snapshot!(edited("dependencies = []", more), @r"
    unknown field `color` in the dependencies of package acme:hash 1.4.0
    line 9: color
    hint: remove the field, or update spin-deps if a newer one wrote the lock
    ");
}

#[test]
fn missing_fields() {
    insta::assert_snapshot!(edited("size = 10\n", ""), @"
    package acme:hash 1.4.0 has no `size`
    line 2: [[package]]
    hint: restore the lock from version control, or run `spin-deps lock`, which keeps the entries that can be read and chooses the rest anew
    ");
    insta::assert_snapshot!(edited("name = \"acme:hash\"\n", ""), @"
    [[package]] has no `name`
    line 2: [[package]]
    hint: restore the lock from version control, or run `spin-deps lock`, which keeps the entries that can be read and chooses the rest anew
    ");
}

#[test]
fn wrong_types() {
    insta::assert_snapshot!(edited("size = 10", "size = \"10\""), @r#"
    `size` in package acme:hash 1.4.0 is not a whole number
    line 7: "10"
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    insta::assert_snapshot!(edited("capabilities = []", "capabilities = [\"network\", 1]"), @r"
    `capabilities` in package acme:hash 1.4.0 is not a list of strings
    line 8: 1
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    ");
    insta::assert_snapshot!(edited("dependencies = []", "dependencies = [\"acme:hash\"]"), @r#"
    `dependencies` in package acme:hash 1.4.0 is not a list of tables
    line 9: "acme:hash"
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    insta::assert_snapshot!(refused("version = 1\npackage = 7\n"), @r"
    `package` in the lock is not a list of tables
    line 2: 7
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    ");
}

#[test]
fn values_without_meaning() {
    insta::assert_snapshot!(edited("acme:hash", "acme"), @r#"
    `name` in [[package]] is not a package name: missing expected ':'
    line 3: "acme"
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    insta::assert_snapshot!(edited("1.4.0", "1.4"), @r#"
    `version` in package acme:hash is not a version: unexpected end of input while parsing minor version number
    line 4: "1.4"
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    insta::assert_snapshot!(edited("registry.example.com", "https://registry.example.com"), @r#"
    `registry` in package acme:hash 1.4.0 is not a registry: invalid uri character
    line 5: "https://registry.example.com"
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    insta::assert_snapshot!(edited("registry.example.com", "me:secret@registry.example.com"), @r#"
    `registry` in package acme:hash 1.4.0 is not a registry: a host name has no `@`
    line 5: "me:secret@registry.example.com"
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    insta::assert_snapshot!(edited("sha256:aa", "sha256:a"), @r#"
    `digest` in package acme:hash 1.4.0 is not a digest: must be 64 hex digits; got 63 chars
    line 6: "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    insta::assert_snapshot!(edited("sha256:", "md5:"), @r#"
    `digest` in package acme:hash 1.4.0 is not a digest: must start with 'sha256:'
    line 6: "md5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    insta::assert_snapshot!(edited("size = 10", "size = -10"), @r"
    `size` in package acme:hash 1.4.0 is not a size: it is negative
    line 7: -10
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    ");
}

#[test]
fn urls() {
    let http = |url: &str| {
        refused(&format!("version = 1\n[[http]]\nurl = \"{url}\"\ndigest = \"{}\"\nsize = 1\n", digest('a')))
    };
    insta::assert_snapshot!(http("example.com/a.wasm"), @r#"
    `url` in [[http]] is not a URL: relative URL without a base
    line 3: "example.com/a.wasm"
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    insta::assert_snapshot!(http("file:///etc/passwd"), @r#"
    `url` in [[http]] is not a URL: it begins with neither `https:` nor `http:`
    line 3: "file:///etc/passwd"
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    let secret = http("https://me:secret@example.com/a.wasm");
    assert!(
        secret.starts_with("`url` in [[http]] is not a URL for a lock: it contains credentials\n"),
        "{secret}"
    );
}

#[test]
fn twice() {
    insta::assert_snapshot!(refused(&format!("version = 1\n{HASH}{HASH}")), @"
    acme:hash 1.4.0 is in the lock twice
    line 10: [[package]]
    hint: the lock was merged or edited by hand: run `spin-deps lock`, which keeps what is sound and chooses the rest anew, or restore it from version control
    ");
    let http = format!("[[http]]\nurl = \"https://example.com/a\"\ndigest = \"{}\"\nsize = 1\n", digest('a'));
    insta::assert_snapshot!(refused(&format!("version = 1\n{http}{http}")), @"
    https://example.com/a is in the lock twice
    line 6: [[http]]
    hint: the lock was merged or edited by hand: run `spin-deps lock`, which keeps what is sound and chooses the rest anew, or restore it from version control
    ");
}

#[test]
fn of_two_origins() {
    let other = HASH.replace("1.4.0", "2.0.0").replace("registry.example.com", "evil.example.com");
    insta::assert_snapshot!(refused(&format!("version = 1\n{HASH}{other}")), @"
    the releases of acme:hash in the lock have different registries
    line 10: [[package]]
    hint: the lock was merged or edited by hand: restore it from version control, or delete it and run `spin-deps lock` to write it anew
    ");
    let keys = format!("signers = {{ operator = \"{}\", author = \"{}\" }}\nsize", digest('1'), digest('2'));
    let other = HASH.replace("1.4.0", "2.0.0").replacen("size", &keys, 1);
    insta::assert_snapshot!(refused(&format!("version = 1\n{HASH}{other}")), @"
    the releases of acme:hash in the lock have different signers
    line 10: [[package]]
    hint: the lock was merged or edited by hand: restore it from version control, or delete it and run `spin-deps lock` to write it anew
    ");
}

#[test]
fn signers() {
    let with = |signers: &str| edited("size = 10", &format!("signers = {signers}\nsize = 10"));
    insta::assert_snapshot!(with("\"sha256:11\""), @r#"
    `signers` in package acme:hash 1.4.0 is not a table
    line 7: "sha256:11"
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    insta::assert_snapshot!(with("{ operator = \"sha256:11\", author = \"sha256:22\" }"), @r#"
    `operator` in `signers` of package acme:hash 1.4.0 is not the digest of a key: must be 64 hex digits; got 2 chars
    line 7: "sha256:11"
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    let [one, two] = [digest('1'), digest('2')];
    insta::assert_snapshot!(with(&format!("{{ operator = \"{one}\" }}")), @r#"
    `signers` of package acme:hash 1.4.0 has no `author`
    line 7: { operator = "sha256:111111111111111111111111111111111111111
    hint: restore the lock from version control, or run `spin-deps lock`, which keeps the entries that can be read and chooses the rest anew
    "#);
    let more = format!("{{ operator = \"{one}\", author = \"{two}\", witness = \"{one}\" }}");
    insta::assert_snapshot!(with(&more), @"
    unknown field `witness` in `signers` of package acme:hash 1.4.0
    line 7: witness
    hint: remove the field, or update spin-deps if a newer one wrote the lock
    ");
}

#[test]
fn dependencies() {
    let with =
        |dependency: &str| edited("dependencies = []", &format!("dependencies = [\n    {dependency},\n]"));
    insta::assert_snapshot!(with(r#"{ package = "acme:salt", req = "^1", version = "1.0.0" }"#), @r#"
    acme:hash 1.4.0 depends on acme:salt 1.0.0, which is not in the lock
    line 10: { package = "acme:salt", req = "^1", version = "1.0.0" }
    hint: the lock was merged or edited by hand: run `spin-deps lock`, which keeps what is sound and chooses the rest anew, or restore it from version control
    "#);
    insta::assert_snapshot!(with(r#"{ package = "acme:hash", req = "^1.5", version = "1.4.0" }"#), @r#"
    acme:hash 1.4.0 depends on acme:hash ^1.5, but is locked to 1.4.0, which does not match
    line 10: { package = "acme:hash", req = "^1.5", version = "1.4.0" }
    hint: the lock was merged or edited by hand: run `spin-deps lock`, which keeps what is sound and chooses the rest anew, or restore it from version control
    "#);
    insta::assert_snapshot!(with(r#"{ package = "acme:hash", req = "newest", version = "1.4.0" }"#), @r#"
    `req` in the dependencies of package acme:hash 1.4.0 is not a version requirement: unexpected character 'n' while parsing major version number
    line 10: "newest"
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
}

#[test]
fn too_large() {
    let text = format!("version = 1\n#{}", "x".repeat(64 << 20));
    assert_eq!(
        Lockfile::parse(&text).unwrap_err().to_string(),
        "the lock is 67108877 bytes long, more than the 67108864 that can be read"
    );
}

#[test]
fn overrides() {
    let overridden = "dependencies = []\noverridden = [{ package = \"acme:log\", req = \"^1\" }]";
    insta::assert_snapshot!(edited("dependencies = []", overridden), @r#"
    acme:hash 1.4.0 depends on acme:log as overridden, but the lock has no override of it
    line 10: { package = "acme:log", req = "^1" }
    hint: the lock was merged or edited by hand: run `spin-deps lock`, which keeps what is sound and chooses the rest anew, or restore it from version control
    "#);
    let log = "version = 1\n[[override]]\nname = \"acme:log\"\npath = \"log.wasm\"\n";
    insta::assert_snapshot!(refused(&format!("{log}[[override]]\nname = \"acme:log\"\nreq = \"^1\"\n")), @"
    the override of acme:log is in the lock twice
    line 5: [[override]]
    hint: the lock was merged or edited by hand: run `spin-deps lock`, which keeps what is sound and chooses the rest anew, or restore it from version control
    ");
    insta::assert_snapshot!(refused(&format!("{log}req = \"^1\"\n")), @"
    unknown field `req` in the override of acme:log
    line 5: req
    hint: remove the field, or update spin-deps if a newer one wrote the lock
    ");
    insta::assert_snapshot!(refused(&format!("{log}replaces = [\"1.x\"]\n")), @r#"
    `replaces` in the override of acme:log is not a version: unexpected character 'x' while parsing minor version number
    line 5: ["1.x"]
    hint: restore the lock from version control, or delete it and run `spin-deps lock` to write it anew
    "#);
    insta::assert_snapshot!(refused("version = 1\n[[override]]\nname = \"acme:log\"\n"), @"
    the override of acme:log has no `req`
    line 2: [[override]]
    hint: restore the lock from version control, or run `spin-deps lock`, which keeps the entries that can be read and chooses the rest anew
    ");
    let own = HASH.replacen(
        "dependencies = []",
        "dependencies = [{ package = \"acme:log\", req = \"^1\", version = \"1.0.0\" }]",
        1,
    );
    insta::assert_snapshot!(refused(&format!("{log}{own}")), @r#"
    acme:hash 1.4.0 depends on acme:log, which is overridden, in a version of its own
    line 12: { package = "acme:log", req = "^1", version = "1.0.0" }
    hint: the lock was merged or edited by hand: run `spin-deps lock`, which keeps what is sound and chooses the rest anew, or restore it from version control
    "#);
}
