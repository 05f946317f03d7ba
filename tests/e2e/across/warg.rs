//! Warg through the binary: publishing with a key, asking, working without the server.

use spin_deps_fixtures::library::chain;

use super::{all_refused, locked};
use crate::support::library::base;
use crate::support::proxy::Proxy;
use crate::support::warg::{self, AUTHOR, Key, STRANGER, WARG, Warg};
use crate::support::world::{Sandbox, files_below};

const DEPENDENCIES: &str = "\"acme:base\" = \"^1\"";

/// A warg registry for the namespace `acme` and a project beside it.
pub(super) fn start() -> (Warg, Sandbox) {
    let warg = Warg::start(&["acme"]);
    let sandbox = Sandbox::new();
    sandbox.configure(&configuration(&warg.mapping()));
    (warg, sandbox)
}

pub(super) fn configuration(mapping: &str) -> String {
    format!("[namespace_registries]\nacme = {mapping}\n")
}

/// The same with two releases and an app that uses them; nothing is known of them yet.
pub(super) fn published() -> (Warg, Sandbox) {
    let (warg, sandbox) = start();
    for version in ["1.0.0", "1.1.0"] {
        warg::publish(&sandbox, AUTHOR, &base(version)).done();
    }
    sandbox.write_app(&[("acme:base", "1.0.0")], DEPENDENCIES, "acme:base@1.1.0(/x)");
    sandbox.delete_cache();
    sandbox.delete_state();
    warg.reset();
    (warg, sandbox)
}

fn snapshots(sandbox: &Sandbox, commands: &[&[&str]]) -> String {
    let texts = commands
        .iter()
        .map(|arguments| format!("$ {}\n{}", arguments.join(" "), sandbox.snapshot(&sandbox.run(arguments))));
    texts.collect::<Vec<_>>().join("\n")
}

#[test]
fn it_is_a_registry_like_any_other() {
    let (_warg, sandbox) = published();
    sandbox.write_app(&[("acme:base", "1.0.0")], "", "acme:base@1.1.0(/x)");
    let commands: [&[&str]; 6] = [
        &["versions", "acme:base"],
        &["info", "acme:base@1.0.0"],
        &["add", "acme:base@^1"],
        &["sync"],
        &["verify"],
        &["tree"],
    ];
    insta::assert_snapshot!(snapshots(&sandbox, &commands), @"
    $ versions acme:base
    exit: 0
    --- stdout
    1.1.0
    1.0.0
    --- stderr
    2 versions of acme:base in warg.example

    $ info acme:base@1.0.0
    exit: 0
    --- stdout
    acme:base 1.0.0
    description   A library that answers acme:base@1.0.0(…)
    licence       Apache-2.0
    versions      1 more, 1.1.0 is the newest
    kind          component
    registry      warg.example
    digest        sha256:[DIGEST-1]
    size          [SIZE] bytes
    exports       acme:base/api@1.0.0

    $ add acme:base@^1
    exit: 0
    --- stdout
    Added acme:base to component 'app' (acme:base 1.1.0)
    Locked 1 package in spin-deps.lock
      add acme:base 1.1.0
    Wrote spin-dependencies.wit

    $ sync
    exit: 0
    --- stdout
    Locked 1 package in spin-deps.lock, up to date
    Checked 1 package against its digest

    $ verify
    exit: 0
    --- stdout
    ✓ lock          1 package in spin-deps.lock, up to date  [TIME]
        demo
        └── component app
            └── acme:base 1.1.0 warg.example (^1)
    ✓ digests       1 package is what was locked  [TIME]
    ✓ types         1 component fits what it is composed of  [TIME]
        app: 2 instances, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       the manifest names none
    ✓ start         1 component runs  [TIME]
    ✓ requests      1 answered as expected  [TIME]
        ✓ GET /x → 200  [TIME]
          acme:base@1.1.0(/x)
    Verified demo

    $ tree
    exit: 0
    --- stdout
    demo
    └── component app
        └── acme:base 1.1.0 warg.example (^1)
    ");
    assert_eq!(locked(&sandbox), ["acme:base 1.1.0 warg.example"]);
}

#[test]
fn a_release_costs_few_requests_and_a_known_one_none() {
    let (warg, sandbox) = published();
    sandbox.run(&["lock"]).done();
    let shown: Vec<_> = warg
        .proxy
        .requests()
        .iter()
        .chain(&warg.content.requests())
        .map(|it| without_digests(&it.to_string()))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    GET /v1/fetch/checkpoint 200
    POST /v1/fetch/logs 200
    POST /v1/proof/inclusion 200
    GET /v1/content/sha256:[HEX] 200
    GET /content/sha256-[HEX] 200
    ");
    warg.reset();
    for arguments in [["sync"].as_slice(), &["verify"], &["lock"], &["info", "acme:base@1.1.0"]] {
        sandbox.run(arguments).done();
        assert_eq!(warg.requests(), 0, "{arguments:?}");
    }
}

fn without_digests(text: &str) -> String {
    let pattern = regex::Regex::new("[0-9a-f]{64}").expect("a pattern");
    pattern.replace_all(text, "[HEX]").into_owned()
}

#[test]
fn what_is_published_stays() {
    let (warg, sandbox) = start();
    insta::assert_snapshot!(sandbox.snapshot(&warg::publish(&sandbox, AUTHOR, &base("1.0.0"))), @"
    exit: 0
    --- stdout
    Published acme:base 1.0.0 to warg.example ([SIZE] bytes)
      sha256:[DIGEST-1]
    ");
    insta::assert_snapshot!(sandbox.snapshot(&warg::publish(&sandbox, AUTHOR, &base("1.0.0"))), @"
    exit: 0
    --- stdout
    Already there: acme:base 1.0.0 in warg.example ([SIZE] bytes)
      sha256:[DIGEST-1]
    ");
    let other = sandbox.artifact(&chain("acme:base", "1.0.0", &[("acme:salt", "1.0.0")]));
    let mut command = sandbox.command(&["publish", &other]);
    let (name, value) = AUTHOR.variable();
    let refused = Sandbox::run_command(command.env(name, value));
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: acme:base 1.0.0 already exists at registry `warg.example` with other content

    hint: published versions never change: publish under a new version
    ");
    drop(warg);
}

#[test]
fn publishing_needs_the_key_of_the_author() {
    let (_warg, sandbox) = start();
    warg::publish(&sandbox, AUTHOR, &base("1.0.0")).done();
    insta::assert_snapshot!(sandbox.snapshot(&warg::publish(&sandbox, STRANGER, &base("1.1.0"))), @"
    exit: 1
    --- stderr
    error: the key sha256:[DIGEST-1] may not publish releases of acme:base at registry `warg.example`

    hint: use the key that published the package first, sha256:[DIGEST-2], or one that it has granted this
    ");
    let file = sandbox.artifact(&base("1.1.0"));
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["publish", &file])), @"
    exit: 1
    --- stderr
    error: there is no key to sign with: none is configured

    hint: set `SPIN_DEPS_SIGNING_KEY` to a key of the form `ecdsa-p256:<base64>`, or `SPIN_DEPS_SIGNING_KEY_FILE` to a file that holds one
    ");
    let mut command = sandbox.command(&["publish", &file]);
    let refused = Sandbox::run_command(command.env("SPIN_DEPS_SIGNING_KEY", "ecdsa-p256:sesame"));
    let shown = sandbox.snapshot(&refused);
    assert!(!shown.contains("sesame"), "a message shows a key:\n{shown}");
    insta::assert_snapshot!(shown, @"
    exit: 1
    --- stderr
    error: there is no key to sign with: `SPIN_DEPS_SIGNING_KEY` is not a key of the form `ecdsa-p256:<base64>`

    hint: set `SPIN_DEPS_SIGNING_KEY` to a key of the form `ecdsa-p256:<base64>`, or `SPIN_DEPS_SIGNING_KEY_FILE` to a file that holds one
    ");
    let versions = sandbox.run(&["versions", "acme:base", "--format", "json"]).done();
    assert!(!versions.stdout.contains("1.1.0"), "{}", versions.stdout);
}

#[test]
fn without_a_network_what_was_proven_once_is_enough() {
    let (warg, sandbox) = published();
    sandbox.run(&["sync"]).done();
    drop(warg);
    let lock = sandbox.read("spin-deps.lock");
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    let commands: [&[&str]; 3] = [
        &["versions", "acme:base", "--offline"],
        &["verify", "--offline"],
        &["versions", "acme:other", "--offline"],
    ];
    insta::assert_snapshot!(snapshots(&sandbox, &commands), @"
    $ versions acme:base --offline
    exit: 0
    --- stdout
    1.1.0  fits ^1
    1.0.0  fits ^1
    --- stderr
    2 versions of acme:base in warg.example

    $ verify --offline
    exit: 0
    --- stdout
    ✓ lock          1 package in spin-deps.lock, written  [TIME]
        demo
        └── component app
            └── acme:base 1.1.0 warg.example (^1)
    ✓ digests       1 package is what was locked  [TIME]
    ✓ types         1 component fits what it is composed of  [TIME]
        app: 2 instances, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✓ requirements  the app has what its dependencies require  [TIME]
    – targets       the manifest names none
    ✓ start         1 component runs  [TIME]
    ✓ requests      1 answered as expected  [TIME]
        ✓ GET /x → 200  [TIME]
          acme:base@1.1.0(/x)
    Verified demo

    $ versions acme:other --offline
    exit: 1
    --- stderr
    error: the list of versions of acme:other is not in the local store, and `--offline` forbids requests

    hint: run once with network access, for example `spin-deps sync`
    ");
    assert_eq!(sandbox.read("spin-deps.lock"), lock);
}

#[test]
fn a_server_that_is_gone_is_named() {
    let (warg, sandbox) = published();
    drop(warg);
    insta::assert_snapshot!(all_refused(&sandbox, &[&["lock"], &["sync"], &["verify"]]), @"
    exit: 1
    --- stderr
    error: could not reach registry `warg.example`: the connection was refused

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
}

/// Changes one byte of every file of the state.
fn damage_state(sandbox: &Sandbox) {
    let files = files_below(&sandbox.state());
    assert!(!files.is_empty(), "there is a state to damage");
    for (name, mut bytes) in files {
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
        fs_err::write(sandbox.state().join(name), bytes).expect("a damaged file");
    }
}

#[test]
fn a_damaged_state_is_made_anew_only_where_the_lock_says_who_signs() {
    let (_warg, sandbox) = published();
    sandbox.run(&["sync"]).done();
    let lock = sandbox.read("spin-deps.lock");
    damage_state(&sandbox);
    sandbox.delete_cache();
    sandbox.run(&["sync", "--locked"]).done();
    sandbox.run(&["versions", "acme:base"]).done();
    assert_eq!(sandbox.read("spin-deps.lock"), lock);

    damage_state(&sandbox);
    sandbox.delete_cache();
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    let state = files_below(&sandbox.state());
    insta::assert_snapshot!(all_refused(&sandbox, &[&["lock"], &["sync"]]), @"
    exit: 1
    --- stderr
    error: what was verified of registry `warg.example` is damaged in [DIR]/home/.local/state/spin-deps/warg/[DIGEST-1]/pkg-acme.base.json

    hint: restore the file from a backup; without it, the registry's keys are trusted as at the first use, and only a lockfile tells whether they are still the same: remove it if that is what you want
    ");
    assert!(files_below(&sandbox.state()) == state, "trust is not thrown away by itself");
}

#[test]
fn the_token_goes_to_the_registry_and_nowhere_else() {
    let (warg, sandbox) = published();
    let token = format!("\n[registry.\"{WARG}\".warg]\nauth_token = \"sesame\"\n");
    sandbox.configure(&(configuration(&warg.mapping()) + &token));
    sandbox.run(&["sync"]).done();
    assert!(warg.proxy.requests().iter().all(|request| request.authorized), "{:?}", warg.proxy.requests());
    assert!(!warg.content.requests().is_empty());
    assert!(warg.content.requests().iter().all(|request| !request.authorized), "another host got the token");

    // A project that maps the name to a server of its own gets none of the user's secrets.
    let elsewhere = Proxy::start(&warg.proxy.host());
    sandbox.delete_cache();
    sandbox.delete_state();
    let mapping = warg::mapping(&elsewhere.host());
    let manifest = sandbox.read("spin.toml");
    sandbox.write(
        "spin.toml",
        format!("{manifest}\n[application.tool.deps.namespace_registries]\nacme = {mapping}\n"),
    );
    for variable in [false, true] {
        sandbox.delete_cache();
        let mut command = sandbox.command(&["sync"]);
        if variable {
            command.env("WKG_REGISTRY_WARG_EXAMPLE_AUTH_BEARER", "sesame");
        }
        Sandbox::run_command(&mut command).done();
    }
    assert!(!elsewhere.requests().is_empty());
    assert!(
        elsewhere.requests().iter().all(|request| !request.authorized),
        "a project took the user's token"
    );
}

#[test]
fn a_yanked_release_is_used_only_where_it_is_locked() {
    let (warg, sandbox) = published();
    sandbox.run(&["sync"]).done();
    let lock = sandbox.read("spin-deps.lock");
    warg.yank(AUTHOR, "acme:base", "1.1.0");

    // A machine that sees it for the first time, with the lock.
    sandbox.delete_cache();
    sandbox.delete_state();
    sandbox.run(&["verify", "--locked"]).done();
    assert_eq!(sandbox.read("spin-deps.lock"), lock, "who had it keeps it");
    insta::assert_snapshot!(
        snapshots(&sandbox, &[&["versions", "acme:base"], &["info", "acme:base@1.1.0"], &["lock"]]), @"
    $ versions acme:base
    exit: 0
    --- stdout
    1.1.0  locked; yanked; fits ^1
    1.0.0  fits ^1
    --- stderr
    2 versions of acme:base in warg.example, 1 of them yanked

    $ info acme:base@1.1.0
    exit: 0
    --- stdout
    acme:base 1.1.0
    description   A library that answers acme:base@1.1.0(…)
    licence       Apache-2.0
    yanked        without a reason
    locked        1.1.0
    versions      1 more, 1.0.0 is the newest
    kind          component
    registry      warg.example
    digest        sha256:[DIGEST-1]
    size          [SIZE] bytes
    exports       acme:base/api@1.1.0

    $ lock
    exit: 0
    --- stdout
    Locked 1 package in spin-deps.lock, up to date
    "
    );

    // The first machine and a new one without the lock: the release before it.
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    sandbox.run(&["lock"]).done();
    assert_eq!(locked(&sandbox), ["acme:base 1.0.0 warg.example"]);
    sandbox.delete_cache();
    sandbox.delete_state();
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    sandbox.write_app(&[("acme:base", "1.0.0")], "\"acme:base\" = \"=1.1.0\"", "acme:base@1.1.0(/x)");
    insta::assert_snapshot!(snapshots(&sandbox, &[&["lock"], &["add", "acme:base@=1.1.0"]]), @"
    $ lock
    exit: 0
    --- stdout
    Locked 1 package in spin-deps.lock
      add acme:base 1.1.0
    --- stderr
    warning: acme:base 1.1.0 is yanked, and used because component `app` asks for it with `=`

    $ add acme:base@=1.1.0
    exit: 0
    --- stdout
    Added acme:base to component 'app' (acme:base 1.1.0)
    Locked 1 package in spin-deps.lock, up to date
    ");
}

#[test]
fn an_author_withdraws_a_release() {
    let (_warg, sandbox) = published();
    let yank = |key: Option<Key>, more: &[&str]| {
        let mut command = sandbox.command(&["yank", "acme:base@1.1.0"]);
        command.args(more);
        if let Some(key) = key {
            let (name, value) = key.variable();
            command.env(name, value);
        }
        let texts = [vec!["$ yank"], more.to_vec()].concat().join(" ");
        format!("{texts}\n{}", sandbox.snapshot(&Sandbox::run_command(&mut command)))
    };
    // What is refused first leaves the release as it is, or the first that is taken would find nothing to do.
    let texts = [
        yank(None, &[]),
        yank(Some(STRANGER), &[]),
        yank(Some(AUTHOR), &["--reason", "it leaks"]),
        yank(Some(AUTHOR), &[]),
        yank(Some(AUTHOR), &[]),
        yank(Some(AUTHOR), &["--undo"]),
    ];
    insta::assert_snapshot!(texts.join("\n"), @"
    $ yank
    exit: 1
    --- stderr
    error: there is no key to sign with: none is configured

    hint: set `SPIN_DEPS_SIGNING_KEY` to a key of the form `ecdsa-p256:<base64>`, or `SPIN_DEPS_SIGNING_KEY_FILE` to a file that holds one

    $ yank
    exit: 1
    --- stderr
    error: the key sha256:[DIGEST-1] may not withdraw releases of acme:base at registry `warg.example`

    hint: use the key that published the package first, sha256:[DIGEST-2], or one that it has granted this

    $ yank --reason it leaks
    exit: 1
    --- stderr
    error: acme:base 1.1.0 cannot be yanked: a warg registry keeps no reason

    $ yank
    exit: 0
    --- stdout
    Yanked acme:base 1.1.0 in warg.example

    $ yank
    exit: 0
    --- stdout
    Already yanked: acme:base 1.1.0 in warg.example

    $ yank --undo
    exit: 1
    --- stderr
    error: acme:base 1.1.0 cannot be yanked: a warg registry cannot offer a withdrawn release again
    ");
    sandbox.run(&["lock"]).done();
    assert_eq!(locked(&sandbox), ["acme:base 1.0.0 warg.example"]);
}
