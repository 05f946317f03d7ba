//! Definitions and packages that are not what they should be: each is an error that says so, and changes nothing.

use spin_deps_fixtures::http::p2_app;

use super::{BOTH, stage, write_app};
use crate::support::oci;
use crate::support::web::{Page, WebServer};

#[test]
fn a_definition_that_cannot_be_used_is_shown_with_its_place() {
    let (_registry, sandbox) = stage();
    write_app(&sandbox, "{ path = \"env.toml\" }");
    sandbox.write("odd/odd.wit", "package acme:edge;\nworld w { import ; }\n");
    let texts = [
        "[trigger.http]\nworlds = [\"spin:up/http@1.0.0\"]\n",
        "[triggers.http]\nworlds = []\n",
        "[triggers.http]\nworlds = [\"spin:up@1.0.0\"]\n",
        "[triggers.http\n",
        "[triggers.http]\nworlds = [{ refrence = \"ghcr.io/acme/wit:1.0.0\", world = \"spin:up/http@1.0.0\" }]\n",
        "[triggers.http]\nworlds = [\"spin:up/http@7.0.0\"]\n",
        "[triggers.http]\nworlds = [{ path = \"nowhere\", world = \"acme:edge/w\" }]\n",
        "[triggers.http]\nworlds = [{ path = \"odd\", world = \"acme:edge/w\" }]\n",
        "[triggers.http]\nworlds = [\"spin:up/htp@1.0.0\"]\n",
    ]
    .map(|text| {
        sandbox.write("env.toml", text);
        sandbox.snapshot(&sandbox.run(&["targets", "check"]).failed())
    });
    insta::assert_snapshot!(texts.join("\n"), @r#"
    exit: 1
    --- stderr
    error: unknown field `trigger` in the definition of an environment
       ╭─[env.toml:1:2]
     1 │ [trigger.http]
       ·  ───┬───
       ·     ╰── not known
     2 │ worlds = ["spin:up/http@1.0.0"]
       ╰────

    hint: did you mean `triggers`?

    exit: 1
    --- stderr
    error: `worlds` of `triggers.http` is empty, so that no component could fit
       ╭─[env.toml:2:10]
     1 │ [triggers.http]
     2 │ worlds = []
       ·          ─┬
       ·           ╰── no world
       ╰────

    exit: 1
    --- stderr
    error: `spin:up@1.0.0` is not the name of a world: it is written ns:package/world@1.0.0
       ╭─[env.toml:2:11]
     1 │ [triggers.http]
     2 │ worlds = ["spin:up@1.0.0"]
       ·           ───────┬───────
       ·                  ╰── this
       ╰────

    exit: 1
    --- stderr
    error: the definition is not valid TOML: unclosed table, expected `]`
       ╭─[env.toml:1:15]
     1 │ [triggers.http
       ·               ▲
       ·               ╰── here
       ╰────

    exit: 1
    --- stderr
    error: unknown field `refrence` in a world
       ╭─[env.toml:2:13]
     1 │ [triggers.http]
     2 │ worlds = [{ refrence = "ghcr.io/acme/wit:1.0.0", world = "spin:up/http@1.0.0" }]
       ·             ────┬───
       ·                 ╰── not known
       ╰────

    hint: did you mean `reference`?

    exit: 1
    --- stderr
    error: the environment `env.toml` cannot be used: its package spin:up 7.0.0 is not at wasm.example

    exit: 1
    --- stderr
    error: the environment `env.toml` cannot be used: the package of its world `acme:edge/w` is not there: nowhere

    exit: 1
    --- stderr
    error: the WIT in odd cannot be used: failed to resolve directory while parsing WIT for path [odd]: failed to parse package: odd: expected an identifier or string, found ';'

    exit: 1
    --- stderr
    error: the environment `env.toml` cannot be used: the package of its world `spin:up/htp@1.0.0` does not have it

    hint: did you mean `http`?
    "#);
}

#[test]
fn a_web_page_is_no_definition() {
    let (_registry, sandbox) = stage();
    let server = WebServer::start(|path| match path {
        "/login.toml" => Page::login_page(),
        "/raw.toml" => Page::new(200, "<!DOCTYPE html>\n<html></html>"),
        "/large.toml" => Page::new(200, "# nothing\n".repeat(200_000)),
        "/path.toml" => Page::new(200, "default = { worlds = [{ path = \"/etc\", world = \"a:b/c\" }] }"),
        "/escape.toml" => Page::new(200, "\"\\u001b[31m\" = 1"),
        _ => Page::new(404, "<html>Not found</html>").header("content-type", "text/html"),
    });
    let texts = ["login", "raw", "large", "path", "escape", "gone"].map(|name| {
        write_app(&sandbox, &format!("{{ url = \"{}\" }}", server.url(&format!("/{name}.toml"))));
        let before = sandbox.files();
        let text = sandbox.snapshot(&sandbox.run(&["lock"]).failed());
        assert_eq!(sandbox.files(), before);
        text.replace(&server.host(), "HOST")
    });
    insta::assert_snapshot!(texts.join("\n"), @r#"
    exit: 1
    --- stderr
    error: registry `127.0.0.1` gave an answer for `http://127.0.0.1:[PORT]/login.toml` that cannot be understood: it is a web page, such as one to log in

    hint: check that the name is that of a registry, and that no login page or proxy answers in its place

    exit: 1
    --- stderr
    error: it is a web page, not the definition of an environment
       ╭─[http://127.0.0.1:[PORT]/raw.toml:1:1]
     1 │ <!DOCTYPE html>
       · ▲
     2 │ <html></html>
       ╰────

    exit: 1
    --- stderr
    error: http://127.0.0.1:[PORT]/large.toml is larger than the [SIZE] bytes that are accepted

    exit: 1
    --- stderr
    error: the environment `http://127.0.0.1:[PORT]/path.toml` cannot be used: its world `a:b/c` is in a folder, which only a definition in a file can name

    exit: 1
    --- stderr
    error: unknown field `�[31m` in the definition of an environment
       ╭─[http://127.0.0.1:[PORT]/escape.toml:1:1]
     1 │ "\u001b[31m" = 1
       · ──────┬─────
       ·       ╰── not known
       ╰────

    hint: it may have `default`, `triggers`, `metadata`

    exit: 1
    --- stderr
    error: registry `127.0.0.1` has no `http://127.0.0.1:[PORT]/gone.toml`
    "#);
}

#[test]
fn a_package_that_is_no_wit_is_told() {
    let (registry, sandbox) = stage();
    oci::push(&registry, "spin/up", "3.0.0", &p2_app(&[]), &[], &[]);
    oci::push(&registry, "spin/up", "4.0.0", b"<html>no Wasm</html>", &[], &[]);
    let texts = ["3.0.0", "4.0.0"].map(|version| {
        sandbox.write("env.toml", format!("default = {{ worlds = [\"spin:up/http@{version}\"] }}"));
        write_app(&sandbox, "{ path = \"env.toml\" }");
        sandbox.snapshot(&sandbox.run(&["targets", "check"]).failed())
    });
    insta::assert_snapshot!(texts.join("\n"), @"
    exit: 1
    --- stderr
    error: the environment `env.toml` cannot be used: the package of its world `spin:up/http@3.0.0` cannot be read: it is a component, not a WIT package

    exit: 1
    --- stderr
    error: the environment `env.toml` cannot be used: the package of its world `spin:up/http@4.0.0` cannot be read: the file is not WebAssembly, it is text
    ");
}

#[test]
fn a_damaged_cache_is_mended_or_named() {
    let (registry, sandbox) = stage();
    sandbox.write("env.toml", BOTH);
    write_app(&sandbox, "{ path = \"env.toml\" }");
    sandbox.run(&["targets", "check"]).done();
    let file = sandbox.stored(&registry.layer_digest("spin/up", "1.0.0"));
    let damage = || {
        let mut bytes = fs_err::read(&file).expect("the stored package");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs_err::write(&file, bytes).expect("the damaged package");
    };
    damage();
    let offline = sandbox.run(&["targets", "check", "--offline"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&offline), @"
    exit: 1
    --- stderr
    error: spin:up 1.0.0 is damaged in the local store ([DIR]/cache/spin-deps/blobs/sha256/[DIGEST-1]), and `--offline` forbids requests

    hint: run once with network access to fetch it again, or remove the file
    ");
    let mended = sandbox.run(&["targets", "check"]).done();
    assert!(mended.stderr.contains("was damaged, and was fetched again"), "{}", mended.stderr);
}
