//! The pages of the documentation show commands and what they print: both are run and compared here, in a copy of this
//! repository that has nothing but `examples/`.

use std::path::{Path, PathBuf};

use crate::support::files::FileServer;
use crate::support::registry::Registry;
use crate::support::shown;
use crate::support::warg::{AUTHOR, Warg};
use crate::support::world::Sandbox;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).expect("a directory of the copy");
    for entry in fs_err::read_dir(from).expect("a directory of the examples") {
        let entry = entry.expect("an entry of the examples");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs_err::copy(entry.path(), target).expect("a file of the copy");
        }
    }
}

/// A sandbox whose project is the copy.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_project("repository");
    copy(&repository().join("examples"), &sandbox.project().join("examples"));
    // Not part of a clone: the quickstart writes it.
    let _ = fs_err::remove_file(sandbox.project().join("examples/greeter/spin-deps.lock"));
    sandbox
}

/// Compares what `page` shows; `names` are what it calls its servers, and where they are.
#[track_caller]
fn check(page: &str, sandbox: &Sandbox, names: &[(&str, String)]) {
    let text = fs_err::read_to_string(repository().join(page)).expect("the page");
    let wrong = shown::differences(page, &text, sandbox, names);
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_readme_shows_what_happens() {
    check("README.md", &sandbox(), &[]);
}

#[test]
fn the_page_on_registries_shows_what_happens() {
    let sandbox = sandbox();
    let (oci, warg) = (Registry::with_password(), Warg::start(&["acme"]));
    let words = fs_err::read(sandbox.project().join("examples/registry/acme/words/0.3.1.wasm"));
    let web = FileServer::start(&words.expect("a release of the examples"));
    let password = &oci.credentials().expect("it wants a password").password;
    sandbox.write("password.txt", password);
    sandbox.write("author.key", AUTHOR.variable().1);
    let web = web.url("").trim_start_matches("http://").trim_end_matches('/').to_owned();
    check(
        "docs/registries.md",
        &sandbox,
        &[("localhost:5000", oci.host()), ("localhost:8090", warg.proxy.host()), ("localhost:8000", web)],
    );
}
