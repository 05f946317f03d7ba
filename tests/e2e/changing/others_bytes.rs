//! What the author wrote stays as the author wrote it.

use super::{other, project};
use crate::support::files::FileServer;
use crate::support::library::base;
use crate::support::oci::digest;

/// A manifest as people write them: comments, odd spaces, several ways to write one thing.
const AUTHORED: &str = r#"# The app of the team.   Two  spaces on purpose.
spin_manifest_version    = 2

[application]
name="demo"     # no spaces here
version = '0.1.0'

[[trigger.http]]   # the only one
  route = "/..."
  component = "app"

[component]
helper = { source = "helper.wasm" }

[component.app]
source = "app.wasm"   # built by `make`
files = [
    "a",   # first
    "b"
]
# the dependencies

[component.app.dependencies]
# kept from last year
"acme:kept/one"   =   { version = "^1",   package='acme:other', export = "acme:other/api@1.0.0",inherit_configuration = [ ] }

# The end, without a line break"#;

#[test]
fn nothing_around_the_entry_changes_and_remove_restores_every_byte() {
    let sandbox = project();
    sandbox.publish(&other());
    sandbox.write("helper.wasm", base("1.0.0"));
    sandbox.write("base.wasm", base("1.0.0"));
    let server = FileServer::start(&base("1.0.0"));
    let (url, sum) = (server.url("base.wasm"), digest(&base("1.0.0")));
    let sources: [&[&str]; 4] = [&["acme:base@^1"], &["./base.wasm"], &[&url, "--digest", &sum], &["helper"]];
    for manifest in [AUTHORED.to_owned(), AUTHORED.replace('\n', "\r\n")] {
        for source in sources {
            sandbox.write("spin.toml", &manifest);
            sandbox.run(&[&["add", "--to", "app"], source].concat()).done();
            let changed = sandbox.read("spin.toml");
            assert_ne!(changed, manifest, "{source:?} was not added");
            let mut rest = changed.as_str();
            for line in manifest.split_inclusive('\n') {
                let at = rest
                    .find(line)
                    .unwrap_or_else(|| panic!("{source:?}: {line:?} has changed in\n{changed}"));
                rest = &rest[at + line.len()..];
            }
            let bare = changed.replace("\r\n", "").contains('\n');
            assert_eq!(bare, !manifest.contains('\r'), "{source:?}: one kind of line ending in\n{changed:?}");
            sandbox.run(&["remove", "acme:base", "--to", "app"]).done();
            assert_eq!(sandbox.read("spin.toml"), manifest, "after {source:?} was removed");
        }
    }
}

#[test]
fn an_inline_table_of_dependencies_stays_inline() {
    let sandbox = project();
    let manifest = "spin_manifest_version = 2\n[application]\nname = \"demo\"\n\
                    [[trigger.http]]\nroute = \"/\"\ncomponent = \"app\"\n\
                    [component.app]\nsource = \"app.wasm\"\ndependencies = { \"acme:middle\" = \"^1\" } # inline\n";
    sandbox.write("spin.toml", manifest);
    sandbox.run(&["add", "acme:base@^1"]).done();
    let changed = sandbox.read("spin.toml");
    assert!(
        changed.contains(r#"dependencies = { "acme:middle" = "^1", "acme:base" = "^1" } # inline"#),
        "{changed}"
    );
    sandbox.run(&["remove", "acme:base"]).done();
    assert_eq!(sandbox.read("spin.toml"), manifest);
}
