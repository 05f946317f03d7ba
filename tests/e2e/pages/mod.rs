//! The pages of the documentation show commands and what they print: both are run and compared here.
//!
//! A page with console blocks says in a comment where they run:
//!
//! ```text
//! <!-- commands run in examples/greeter -->
//! <!-- commands run in the repository, with servers -->
//! <!-- commands run in a new folder, with toolchains -->
//! ```
//!
//! `the repository` is a copy of it that has nothing but `examples/`, and a path is a folder of this copy. With `servers`
//! there are registries and a web server, see [`Servers`]; with `toolchains` the compilers of other languages are on
//! the search path. `cargo xtask pages` writes what is printed into the pages.

mod links;
mod pictures;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::support::files::FileServer;
use crate::support::registry::Registry;
use crate::support::shown::{self, Stage};
use crate::support::warg::{AUTHOR, Warg};
use crate::support::world::Sandbox;

/// What the pages call the home of their reader.
const HOME: &str = "/home/ada";

/// A test for each page with commands, and a list of them all.
macro_rules! pages {
    ($($test:ident: $page:literal,)*) => {
        const PAGES: &[&str] = &[$($page),*];
        $(#[test] fn $test() { check($page); })*
    };
}

pages! {
    readme: "README.md",
    tutorial: "docs/tutorial.md",
    add_and_remove: "docs/how-to/add-and-remove.md",
    choose_versions: "docs/how-to/choose-versions.md",
    ci: "docs/how-to/ci.md",
    look_around: "docs/how-to/look-around.md",
    middleware: "docs/how-to/middleware.md",
    overrides_and_links: "docs/how-to/overrides-and-links.md",
    publish: "docs/how-to/publish.md",
    registries: "docs/how-to/registries.md",
    run_and_verify: "docs/how-to/run-and-verify.md",
    vendor: "docs/how-to/vendor.md",
    manifests: "docs/reference/manifest.md",
}

/// Where the pages are.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A sandbox whose project is a copy of this repository that has nothing but `examples/`.
pub(crate) fn copy_of_the_repository() -> Sandbox {
    let sandbox = Sandbox::with_project("repository");
    copy(&repository().join("examples"), &sandbox.project().join("examples"));
    // Not part of a clone: the quickstart writes it.
    let _ = fs_err::remove_file(sandbox.project().join("examples/greeter/spin-deps.lock"));
    sandbox
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

/// What the pages on registries speak to, under the names that they have there.
struct Servers {
    oci: Registry,
    warg: Warg,
    web: FileServer,
}

impl Servers {
    /// Starts them, and puts the secrets that go with them into the project.
    fn start(sandbox: &Sandbox) -> Self {
        let words = fs_err::read(sandbox.project().join("examples/registry/acme/words/0.3.1.wasm"));
        let servers = Self {
            oci: Registry::with_password(),
            warg: Warg::start(&["acme"]),
            web: FileServer::start(&words.expect("a release of the examples")),
        };
        sandbox.write("password.txt", &servers.oci.credentials().expect("it wants a password").password);
        sandbox.write("author.key", AUTHOR.variable().1);
        servers
    }

    fn names(&self) -> Vec<(&'static str, String)> {
        let web = self.web.url("").trim_start_matches("http://").trim_end_matches('/').to_owned();
        vec![
            ("localhost:5000", self.oci.host()),
            ("localhost:8090", self.warg.proxy.host()),
            ("localhost:8000", web),
        ]
    }
}

/// Runs what `page` shows, in the place that it names, and compares.
#[track_caller]
fn check(page: &str) {
    let file = repository().join(page);
    let text = fs_err::read_to_string(&file).expect("the page");
    let place = shown::place(&text).unwrap_or_else(|| panic!("{page} does not say where its commands run"));
    let (sandbox, folder) = match place.folder {
        "a new folder" => (Sandbox::new(), "."),
        "the repository" => (copy_of_the_repository(), "."),
        path => (copy_of_the_repository(), path),
    };
    let servers = match place.with {
        Some("servers") => Some(Servers::start(&sandbox)),
        None | Some("toolchains") => None,
        Some(other) => panic!("{page} cannot be run with {other}"),
    };
    let stage = Stage {
        sandbox: &sandbox,
        folder: sandbox.project().join(folder),
        names: [(HOME, sandbox.project().display().to_string())]
            .into_iter()
            .chain(servers.iter().flat_map(Servers::names))
            .collect(),
        toolchains: place.with == Some("toolchains"),
    };
    let differences = shown::differences(&text, &stage);
    if !differences.is_empty() && writes() {
        fs_err::write(&file, shown::rewritten(&text, &differences)).expect("the page");
        return;
    }
    assert!(differences.is_empty(), "{}", shown::report(page, &differences));
}

/// Whether what a page shows is written instead of compared, as `cargo xtask pages` wants it.
#[expect(clippy::disallowed_methods, reason = "said to a run of the tests, not to the program")]
pub(crate) fn writes() -> bool {
    std::env::var_os("SPIN_DEPS_WRITE_PAGES").is_some()
}

/// The commands that a page names without showing what they print: the lines of its `sh` blocks, and what is set as code.
fn named_commands(text: &str) -> Vec<String> {
    static END: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" #|\)| [|&>]").expect("a pattern"));
    static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new("`(spin-deps [^`\n]+)`").expect("a pattern"));
    let (mut commands, mut language) = (Vec::new(), None);
    for line in text.lines() {
        match (line.trim().strip_prefix("```"), language) {
            (Some(fence), None) => language = Some(fence),
            (Some(_), Some(_)) => language = None,
            (None, None) => commands.extend(CODE.captures_iter(line).map(|found| found[1].to_owned())),
            (None, Some("sh")) => {
                let command = line.find("spin-deps ").map(|at| &line[at..]);
                commands.extend(
                    command.map(|command| END.split(command).next().unwrap_or_default().trim().to_owned()),
                );
            }
            (None, Some(_)) => {}
        }
    }
    commands
}

#[test]
fn commands_are_found_where_they_are_named() {
    let page = "Run `spin-deps lock --check` and `cargo`.\n```sh\necho x | spin-deps login a -x | cat  # why\n\
                source <(spin-deps man)\n```\n```text\nspin-deps no\n```\n";
    assert_eq!(named_commands(page), ["spin-deps lock --check", "spin-deps login a -x", "spin-deps man"]);
}

#[test]
fn every_command_that_is_named_exists_with_its_options() {
    static VARIABLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\w+").expect("a pattern"));
    let sandbox = Sandbox::new();
    let mut wrong = Vec::new();
    for page in links::pages().into_iter().filter(|page| page != "docs/reference/cli.md") {
        let text = fs_err::read_to_string(repository().join(&page)).expect("a page");
        for command in named_commands(&text) {
            // Help comes before what an argument has to be, but after options that there are not.
            let help = if command.starts_with("spin-deps help ") { "" } else { " --help" };
            let (options, rest) = command.split_once(" -- ").unwrap_or((&command, ""));
            let command = format!("{options}{help} -- {rest}");
            let command = command.strip_suffix(" -- ").unwrap_or(&command);
            let command = VARIABLE.replace_all(command, "it").replace('…', &"0".repeat(64));
            let arguments: Vec<_> = command.split_whitespace().skip(1).collect();
            let run = sandbox.run(&arguments);
            if run.code != Some(0) {
                wrong.push(format!("{page}: `{command}`\n{}", run.stderr));
            }
        }
    }
    assert!(wrong.is_empty(), "these commands are none:\n{}", wrong.join("\n"));
}

#[test]
fn every_page_with_commands_is_run() {
    let with_commands: Vec<_> = links::pages()
        .into_iter()
        .filter(|page| {
            let text = fs_err::read_to_string(repository().join(page)).expect("a page");
            shown::has_commands(&text)
        })
        .collect();
    let mut listed: Vec<_> = PAGES.iter().map(|&page| page.to_owned()).collect();
    listed.sort();
    assert_eq!(with_commands, listed);
}
