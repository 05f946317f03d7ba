//! A release that was withdrawn: who still gets it, who is told, and that nobody else pays for it.

use futures::TryStreamExt;
use spin_deps_fixtures::library::chain;
use wasm_pkg_client::{Client, Config};

use crate::support::http::block_on;
use crate::support::library::{DEPENDENCIES, IMPORTS, base, middle};
use crate::support::oci::digest;
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::{Sandbox, wkg_configuration};

const ANSWER: &str = "acme:middle@1.0.0(acme:base@1.0.0(/x))";

fn publish(sandbox: &Sandbox) {
    for bytes in [base("1.0.0"), base("1.1.0"), middle("1.0.0"), chain("acme:other", "1.0.0", &[])] {
        sandbox.publish(&bytes);
    }
}

/// The locked version of `acme:base`, for a project that never locked anything.
fn fresh(sandbox: &Sandbox, dependencies: &str) -> (String, String) {
    sandbox.write("spin.toml", crate::support::world::manifest(dependencies, ANSWER));
    let _ = fs_err::remove_file(sandbox.project().join("spin-deps.lock"));
    let run = sandbox.run(&["lock"]).done();
    (locked(sandbox), run.stderr)
}

fn locked(sandbox: &Sandbox) -> String {
    let lock: toml_edit::DocumentMut = sandbox.read("spin-deps.lock").parse().expect("a lock in TOML");
    let packages = lock["package"].as_array_of_tables().expect("packages");
    let base = packages.iter().find(|package| package["name"].as_str() == Some("acme:base"));
    base.and_then(|package| package["version"].as_str()).expect("acme:base is locked").to_owned()
}

fn a_yanked_release_is_for_those_who_have_it(sandbox: &Sandbox) {
    publish(sandbox);
    sandbox.write_app(&[IMPORTS[0], ("acme:base", "1.0.0")], DEPENDENCIES, ANSWER);
    let both = format!("{DEPENDENCIES}\n\"acme:base\" = \"^1\"");
    let exactly = format!("{DEPENDENCIES}\n\"acme:base\" = \"=1.1.0\"");
    assert_eq!(fresh(sandbox, &both).0, "1.1.0");
    let with_it = sandbox.read("spin-deps.lock");

    let yanked = sandbox.run(&["yank", "acme:base@1.1.0", "--reason", "answers\nwrongly"]).done();
    assert_eq!(yanked.stdout, "Yanked acme:base 1.1.0 in wasm.example\n");
    assert_eq!(
        sandbox.run(&["versions", "acme:base"]).done().stdout,
        "1.1.0  locked; yanked: answers wrongly; fits ^1 and ^1.0.0\n1.0.0  fits ^1 and ^1.0.0\n"
    );

    // Who comes anew gets the one before it.
    let (version, said) = fresh(sandbox, &both);
    assert_eq!((version.as_str(), said.as_str()), ("1.0.0", ""));

    // Who asks for it gets it and is told.
    let (version, said) = fresh(sandbox, &exactly);
    assert_eq!(version, "1.1.0");
    assert!(
        said.contains("warning: acme:base 1.1.0 is yanked (answers wrongly), and used because"),
        "{said}"
    );

    // Who has it keeps it: silently as long as the lock fits, with a warning when versions are chosen.
    sandbox.write("spin.toml", crate::support::world::manifest(&both, ANSWER));
    sandbox.write("spin-deps.lock", &with_it);
    assert_eq!(sandbox.run(&["sync", "--locked"]).done().stderr, "");
    let more = format!("{both}\n\"acme:other\" = \"^1\"");
    sandbox.write("spin.toml", crate::support::world::manifest(&more, ANSWER));
    let said = sandbox.run(&["lock"]).done().stderr;
    assert_eq!(locked(sandbox), "1.1.0");
    assert!(
        said.contains(
            "warning: acme:base 1.1.0 is yanked (answers wrongly), and kept because the lock has it"
        ),
        "{said}"
    );

    // And back.
    let undone = sandbox.run(&["yank", "acme:base@1.1.0", "--undo"]).done();
    assert_eq!(undone.stdout, "Offered again: acme:base 1.1.0 in wasm.example\n");
    assert_eq!(fresh(sandbox, &both), ("1.1.0".to_owned(), String::new()));
}

#[test]
fn a_yanked_release_of_a_registry_is_for_those_who_have_it() {
    let registry = Registry::with_password();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    a_yanked_release_is_for_those_who_have_it(&sandbox);
}

#[test]
fn a_yanked_release_of_a_folder_is_for_those_who_have_it() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    a_yanked_release_is_for_those_who_have_it(&sandbox);
}

#[test]
fn what_yank_says() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish(&sandbox);
    let said = |arguments: &[&str]| sandbox.snapshot(&sandbox.run(arguments));
    insta::assert_snapshot!(said(&["yank", "acme:base@1.0.1"]), @"
    exit: 1
    --- stderr
    error: wasm.example has no release 1.0.1 of acme:base

    hint: did you mean `1.0.0`?
    ");
    insta::assert_snapshot!(said(&["yank", "acme:nothing@1.0.0"]), @"
    exit: 1
    --- stderr
    error: acme:nothing is not in the registry wasm.example

    hint: check the spelling of the name, and that its registry is the right one
    ");
    insta::assert_snapshot!(said(&["yank", "acme:base"]), @"
    exit: 2
    --- stderr
    error: invalid value 'acme:base' for '<PKG@VERSION>': name the release, such as `acme:base@1.0.0`

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(said(&["yank", "acme:base@1.0.0", "--undo"]), @"
    exit: 0
    --- stdout
    Not yanked: acme:base 1.0.0 in wasm.example
    ");
    insta::assert_snapshot!(said(&["yank", "acme:base@1.0.0", "--reason", "\u{1b}[31mred"]), @"
    exit: 0
    --- stdout
    Yanked acme:base 1.0.0 in wasm.example
    ");
    insta::assert_snapshot!(said(&["yank", "acme:base@1.0.0", "--format", "json"]), @r#"
    exit: 0
    --- stdout
    {
      "changed": false,
      "package": "acme:base",
      "registry": "wasm.example",
      "version": "1.0.0",
      "yanked": true
    }
    "#);
    insta::assert_snapshot!(said(&["versions", "acme:base"]), @"
    exit: 0
    --- stdout
    1.1.0
    1.0.0  yanked: �[31mred
    --- stderr
    2 versions of acme:base in wasm.example, 1 of them yanked
    ");
    insta::assert_snapshot!(said(&["info", "acme:base@1.0.0"]), @"
    exit: 0
    --- stdout
    acme:base 1.0.0
    description   A library that answers acme:base@1.0.0(…)
    licence       Apache-2.0
    yanked        �[31mred
    versions      1 more, 1.1.0 is the newest
    kind          component
    registry      wasm.example
    digest        sha256:[DIGEST-1]
    size          [SIZE] bytes
    exports       acme:base/api@1.0.0
    ");
    let info = sandbox.run(&["info", "acme:base@1.0.0", "--format", "json"]).done().json();
    assert_eq!((&info["yanked"], &info["yank_reason"]), (&true.into(), &"\u{1b}[31mred".into()));
    insta::assert_snapshot!(said(&["yank", "acme:base@1.0.0", "--undo", "--reason", "x"]), @"
    exit: 2
    --- stderr
    error: the argument '--undo' cannot be used with '--reason <TEXT>'

    Usage: spin-deps yank --undo <PKG@VERSION>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(said(&["yank", "acme:base@1.0.0", "--offline"]), @"
    exit: 1
    --- stderr
    error: to yank acme:base 1.0.0 needs the network, and `--offline` forbids requests
    ");
    insta::assert_snapshot!(said(&["publish", &sandbox.artifact(&base("1.2.0")), "--offline"]), @"
    exit: 1
    --- stderr
    error: to publish acme:base 1.2.0 needs the network, and `--offline` forbids requests
    ");
    let skipped = ["publish", &sandbox.artifact(&base("1.2.0")), "--offline", "--skip-semver-check"];
    insta::assert_snapshot!(said(&skipped), @"
    exit: 1
    --- stderr
    error: to publish acme:base 1.2.0 needs the network, and `--offline` forbids requests
    ");
}

#[test]
fn when_nothing_is_left_the_message_says_that_it_is_yanked() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish(&sandbox);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    for version in ["1.0.0", "1.1.0"] {
        sandbox.run(&["yank", &format!("acme:base@{version}")]).done();
    }
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["lock"])), @r#"
    exit: 1
    --- stderr
    error: because component `app` depends on acme:middle ^1
      and acme:middle 1.0.0 depends on acme:base ^1.0.0
      and every version of acme:base that matches ^1.0.0 is yanked (1.1.0, 1.0.0),
    your requirement cannot be met
        ╭─[spin.toml:19:17]
     18 │ [component.app.dependencies]
     19 │ "acme:middle" = "^1"
        ·                 ──┬─
        ·                   ╰── asked for here
        ╰────

    hint: to use acme:base =1.1.0, a yanked release, override it for all in spin.toml: [application.tool.deps.overrides] "acme:base" = "=1.1.0"
    "#);
}

#[test]
fn a_yank_costs_one_request_and_its_absence_none() {
    let registry = Registry::open();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    publish(&sandbox);
    let proxy = Proxy::start(&registry.host());
    sandbox.use_host(&proxy.host(), None);
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    let cold = || {
        sandbox.delete_cache();
        let _ = fs_err::remove_file(sandbox.project().join("spin-deps.lock"));
        proxy.reset();
        sandbox.run(&["lock"]).done();
        proxy.requests().into_iter().map(|request| request.path).collect::<Vec<_>>()
    };
    let before = cold();
    sandbox.run(&["yank", "acme:base@1.1.0"]).done();
    let after = cold();
    assert_eq!(after.len(), before.len() + 1, "{after:#?}");
    assert_eq!(after.iter().filter(|path| path.contains("yanked-")).count(), 1, "{after:#?}");
    proxy.reset();
    sandbox.run(&["sync", "--locked"]).done();
    let asked: Vec<_> = proxy.requests().into_iter().map(|request| request.path).collect();
    assert!(
        asked.iter().all(|path| !path.contains("yanked-")),
        "what is locked is not asked about: {asked:#?}"
    );
}

#[test]
fn other_clients_go_on_as_before() {
    let registry = Registry::open();
    for folder in [false, true] {
        let sandbox = Sandbox::new();
        let config = if folder {
            sandbox.use_folder();
            fs_err::read_to_string(sandbox.configuration()).expect("the configuration")
        } else {
            sandbox.use_registry(&registry);
            wkg_configuration(&registry.host(), None)
        };
        publish(&sandbox);
        sandbox.run(&["yank", "acme:base@1.1.0", "--reason", "x"]).done();
        let client = Client::new(Config::from_toml(&config).expect("a configuration that wkg reads too"));
        block_on(async {
            let name = "acme:base".parse().expect("a name");
            let mut listed: Vec<_> =
                client.list_all_versions(&name).await.expect("the versions").into_iter().collect();
            listed.sort();
            let versions: Vec<_> = listed.iter().map(|it| it.version.to_string()).collect();
            assert_eq!(versions, ["1.0.0", "1.1.0"]);
            for version in versions {
                let release = client.get_release(&name, &version.parse().expect("a version")).await;
                let release = release.expect("the release");
                assert_eq!(release.content_digest.to_string(), digest(&base(&version)));
                let stream = client.stream_content(&name, &release).await.expect("the content");
                let bytes: Vec<u8> =
                    stream.map_ok(|chunk| chunk.to_vec()).try_concat().await.expect("all of it");
                assert!(bytes == base(&version), "acme:base {version} came back with other bytes");
            }
        });
    }
}
