//! Definitions and packages that are not what they should be: each is an error that says so, and changes nothing.

use spin_deps_fixtures::http::p2_app;

use super::{BOTH, stage, write_app};
use crate::support::oci;
use crate::support::web::{Page, WebServer};

#[test]
fn a_definition_that_cannot_be_used_is_shown_with_its_place() {
    let (_registry, sandbox) = stage();
    write_app(&sandbox, "{ path = \"env.toml\" }");
    let texts = [
        "[trigger.http]\nworlds = [\"spin:up/http@1.0.0\"]\n",
        "[triggers.http]\nworlds = []\n",
        "[triggers.http]\nworlds = [\"spin:up@1.0.0\"]\n",
        "[triggers.http\n",
        "[triggers.http]\nworlds = [{ refrence = \"ghcr.io/acme/wit:1.0.0\", world = \"spin:up/http@1.0.0\" }]\n",
        "[triggers.http]\nworlds = [\"spin:up/http@7.0.0\"]\n",
        "[triggers.http]\nworlds = [{ path = \"nowhere\", world = \"acme:own/w\" }]\n",
        "[triggers.http]\nworlds = [\"spin:up/htp@1.0.0\"]\n",
    ]
    .map(|text| {
        sandbox.write("env.toml", text);
        sandbox.snapshot(&sandbox.run(&["targets", "check"]).failed())
    });
    insta::assert_snapshot!(texts.join("\n"), @"");
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
    insta::assert_snapshot!(texts.join("\n"), @"");
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
    insta::assert_snapshot!(texts.join("\n"), @"");
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
    insta::assert_snapshot!(sandbox.snapshot(&offline), @"");
    let mended = sandbox.run(&["targets", "check"]).done();
    assert!(mended.stderr.contains("was damaged, and was fetched again"), "{}", mended.stderr);
}
