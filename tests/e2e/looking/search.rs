//! Finding packages.

use spin_deps_fixtures::library::chain;

use crate::support::fault::{Fault, FaultProxy};
use crate::support::ferro::Ferro;
use crate::support::library::{base, middle, publish_all, two_interfaces, with_description};
use crate::support::registry::Registry;
use crate::support::warg::{AUTHOR, Warg, publish};
use crate::support::web::{Page, WebServer};
use crate::support::world::{Run, Sandbox, manifest};

fn shown(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.snapshot(&sandbox.run(arguments).done())
}

/// The packages that a search finds, in its order.
fn found(run: &Run) -> Vec<String> {
    run.stdout
        .lines()
        .filter_map(|line| line.split(' ').next().filter(|word| !word.is_empty()))
        .map(str::to_owned)
        .collect()
}

/// The mapping of a namespace to an OCI registry at a host.
fn oci(name: &str, host: &str) -> String {
    format!(
        "{{ registry = \"{name}\", metadata = {{ preferredProtocol = \"oci\", oci = {{ registry = \"{host}\" }} }} }}"
    )
}

/// A folder for the namespace `acme` with everything that these tests look for.
fn folder() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    publish_all(&sandbox);
    sandbox.publish(&chain("acme:basement", "0.1.0", &[]));
    sandbox.publish(&chain("acme:database", "3.0.0-beta.1", &[]));
    sandbox.publish(&two_interfaces("acme:two", "1.0.0"));
    sandbox.publish(&two_interfaces("acme:twofold", "2.3.0"));
    sandbox
}

#[test]
fn names_come_best_first_in_one_line_each() {
    let sandbox = folder();
    insta::assert_snapshot!(shown(&sandbox, &["search", "base"]), @"
    exit: 0
    --- stdout
    acme:base      2.0.0         wasm.example  A library that answers acme:base@2.0.0(…)
    acme:basement  0.1.0         wasm.example  A library that answers acme:basement@0.1.0(…)
    acme:database  3.0.0-beta.1  wasm.example  A library that answers acme:database@3.0.0-beta.1(…)
    ");
    // A typing mistake.
    assert_eq!(found(&sandbox.run(&["search", "acme:midle"]).done()), ["acme:middle"]);
    assert_eq!(found(&sandbox.run(&["search", "DATABSAE"]).done()), ["acme:database"]);
    assert_eq!(found(&sandbox.run(&["search", "acme"]).done()).len(), 6);
    insta::assert_snapshot!(shown(&sandbox, &["search", "acme", "--limit", "2"]), @"
    exit: 0
    --- stdout
    acme:base      2.0.0  wasm.example  A library that answers acme:base@2.0.0(…)
    acme:basement  0.1.0  wasm.example  A library that answers acme:basement@0.1.0(…)
    --- stderr
    4 more packages match by name; `--limit` shows more
    ");
    insta::assert_snapshot!(shown(&sandbox, &["search", "quite something else"]), @"
    exit: 0
    --- stderr
    nothing found for `quite something else`
    ");
}

#[test]
fn interfaces_are_found_by_full_name_by_their_own_and_by_version() {
    let sandbox = folder();
    insta::assert_snapshot!(shown(&sandbox, &["search", "acme:two/one"]), @"
    exit: 0
    --- stdout
    acme:two  1.0.0  wasm.example  A library with two interfaces
      exports acme:two/one@1.0.0
    ");
    insta::assert_snapshot!(shown(&sandbox, &["search", "two"]), @"
    exit: 0
    --- stdout
    acme:two      1.0.0  wasm.example  A library with two interfaces
      exports acme:two/two@1.0.0
    acme:twofold  2.3.0  wasm.example  A library with two interfaces
      exports acme:twofold/two@2.3.0
    ");
    assert_eq!(found(&sandbox.run(&["search", "acme:twofold/one@2.0.0"]).done()), ["acme:twofold"]);
    assert_eq!(found(&sandbox.run(&["search", "acme:twofold/one@^1"]).done()), [""; 0]);
    let refused = sandbox.run(&["search", "acme:two/one@newest"]).failed();
    assert!(refused.stderr.contains("`newest` is no version"), "{}", refused.stderr);
}

#[test]
fn results_are_json_where_that_is_asked_for() {
    let sandbox = folder();
    let json = sandbox.run(&["search", "acme:two/one", "--format", "json"]).done().json();
    assert_eq!(json["text"], "acme:two/one");
    assert_eq!(json["packages"].as_array().map(Vec::len), Some(1));
    let package = &json["packages"][0];
    assert_eq!((&package["package"], &package["version"]), (&"acme:two".into(), &"1.0.0".into()));
    assert_eq!(package["configured"], true);
    assert_eq!(package["interfaces"], serde_json::json!(["acme:two/one@1.0.0"]));
    assert_eq!(json["searched"], serde_json::json!(["wasm.example"]));
    assert_eq!(json["not_searched"], serde_json::json!([]));
    let nothing = sandbox.run(&["search", "acme:none/such", "--format", "json", "-q"]).done();
    assert_eq!((nothing.json()["packages"].clone(), nothing.stderr.as_str()), (serde_json::json!([]), ""));
}

#[test]
fn all_registries_are_searched_and_those_that_cannot_list_are_named() {
    let (open, closed, paged) = (Registry::open(), Registry::with_password(), Ferro::start());
    let warg = Warg::start(&["vault"]);
    let web = WebServer::start(|_| Page::login_page());
    let refusing = WebServer::start(|path| Page::new(if path == "/v2/" { 200 } else { 404 }, ""));
    let sandbox = Sandbox::new();
    let configuration = format!(
        "default_registry = \"team\"\n\
         [namespace_registries]\nacme = {}\nshop = {}\nlocked = {}\nguest = {}\nother = {}\nvault = {}\ngone = {}\n\
         {}",
        oci("open", &open.host()),
        oci("paged", &paged.host()),
        oci("closed", &closed.host()),
        oci("guests", &web.host()),
        oci("refusing", &refusing.host()),
        warg.mapping(),
        oci("gone", "127.0.0.1:9"),
        sandbox.folder("team"),
    );
    let plain: String = ["open", "paged", "closed", "guests", "refusing", "gone"]
        .map(|name| format!("[registry.\"{name}\".oci]\nprotocol = \"http\"\n"))
        .concat();
    sandbox.configure(&(configuration + &plain));
    sandbox.publish(&base("1.0.0"));
    sandbox.publish(&base("1.1.0"));
    sandbox.publish(&chain("shop:base", "2.0.0", &[]));
    sandbox.publish_to("team", &chain("mine:base", "0.1.0", &[]));
    // What is in a registry that its namespace is not taken from.
    sandbox.publish_to("team", &chain("acme:base", "9.9.9", &[]));
    publish(&sandbox, AUTHOR, &chain("vault:base", "1.0.0", &[])).done();
    // An image of something else, and a repository without a version.
    let image =
        br#"{"schemaVersion": 2, "layers": [{"mediaType": "application/gzip", "digest": "x", "size": 1}]}"#;
    paged.tag("shop/base-image", ["1.0.0".to_owned()], image);
    paged.tag("shop/base-notes", ["latest".to_owned()], image);
    sandbox.delete_cache();
    insta::assert_snapshot!(shown(&sandbox, &["search", "base"]), @"
    exit: 0
    --- stdout
    acme:base   1.1.0  open                 A library that answers acme:base@1.1.0(…)
    acme:base   9.9.9  team (only with -r)  A library that answers acme:base@9.9.9(…)
    mine:base   0.1.0  team                 A library that answers mine:base@0.1.0(…)
    shop:base   2.0.0  paged                A library that answers shop:base@2.0.0(…)
    vault:base  1.0.0  warg.example
    --- stderr
    gone was not searched: could not reach registry `gone (127.0.0.1:9)`: the connection was refused
    guests was not searched: registry `guests (127.0.0.1:[PORT])` gave an answer for `its list of repositories` that cannot be understood: it is a web page, such as one to log in
    closed cannot list its packages: it wants credentials for that, and none were found
    refusing cannot list its packages: it does not offer a list
    ");
    insta::assert_snapshot!(shown(&sandbox, &["search", "acme:base/api", "-r", "open"]), @"
    exit: 0
    --- stdout
    acme:base  1.1.0  open  A library that answers acme:base@1.1.0(…)
      exports acme:base/api@1.1.0
    ");
    insta::assert_snapshot!(shown(&sandbox, &["search", "base", "--offline"]), @"
    exit: 0
    --- stdout
    acme:base  9.9.9  team (only with -r)  A library that answers acme:base@9.9.9(…)
    mine:base  0.1.0  team                 A library that answers mine:base@0.1.0(…)
    --- stderr
    open was not searched: `--offline` forbids requests
    gone was not searched: `--offline` forbids requests
    guests was not searched: `--offline` forbids requests
    closed was not searched: `--offline` forbids requests
    refusing was not searched: `--offline` forbids requests
    paged was not searched: `--offline` forbids requests
    warg.example was not searched: `--offline` forbids requests
    ");
    let refused = ["refusing", "gone", "closed"]
        .map(|name| sandbox.snapshot(&sandbox.run(&["search", "base", "--registry", name]).failed()));
    insta::assert_snapshot!(refused.join("\n"), @"
    exit: 1
    --- stderr
    error: there is no registry that could be searched:
      - refusing cannot list its packages: it does not offer a list

    hint: a package whose name you know needs no search: `spin-deps info ns:name`

    exit: 1
    --- stderr
    error: could not reach registry `gone (127.0.0.1:9)`: the connection was refused

    hint: check the registry's name and your network; what is in the local store works with `--offline`

    exit: 1
    --- stderr
    error: there is no registry that could be searched:
      - closed cannot list its packages: it wants credentials for that, and none were found

    hint: a package whose name you know needs no search: `spin-deps info ns:name`
    ");
}

#[test]
fn a_registry_is_let_known_who_asks() {
    let registry = Registry::with_password();
    let sandbox = Sandbox::new();
    sandbox.use_registry(&registry);
    sandbox.publish(&base("1.0.0"));
    assert_eq!(found(&sandbox.run(&["search", "base"]).done()), ["acme:base"]);
}

#[test]
fn what_a_project_maps_is_searched_too() {
    let sandbox = folder();
    let entry = format!(
        "{}\n[application.tool.deps.namespace_registries]\nmine = \"own\"\n\n[application.tool.deps.registry.own.local]\nroot = \"own\"\n",
        manifest("", "")
    );
    sandbox.write("spin.toml", entry);
    sandbox.write("app.wasm", base("1.0.0"));
    sandbox.write("own/mine/base/0.1.0.wasm", chain("mine:base", "0.1.0", &[]));
    assert_eq!(found(&sandbox.run(&["search", "base", "--limit", "2"]).done()), ["acme:base", "mine:base"]);
}

#[test]
fn nothing_is_searched_where_nothing_is_configured() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["search", "base"]).failed()), @"
    exit: 1
    --- stderr
    error: there is no registry to search: none is configured

    hint: name one with `--registry`, or map packages to one in spin.toml or wkg's config.toml
    ");
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["search", " "]).failed()), @"
    exit: 1
    --- stderr
    error: there is nothing to search for

    hint: give a part of a name, such as `hash`, or an interface, such as `acme:hash/digest`
    ");
    sandbox.run(&["search", "base", "--limit", "0"]).misused();
}

#[test]
fn what_packages_say_of_themselves_is_shown_clean_and_short() {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    let text = format!("safe\u{1b}[31mred\u{1b}]0;title\u{7} \u{202e}gpj\n{}", "long ".repeat(100));
    sandbox.publish(&with_description(&base("1.0.0"), "acme:base", "1.0.0", &text));
    let run = sandbox.run(&["search", "base"]).done();
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    assert!(!run.stdout.trim_end().contains(|c: char| c.is_control() || c == '\u{202e}'), "{:?}", run.stdout);
    assert!(run.stdout.contains("safe") && run.stdout.trim_end().ends_with('…'), "{}", run.stdout);
    let hostile = sandbox.run(&["search", "\u{1b}[31m\u{202e}"]).done();
    assert!(!hostile.stderr.contains(['\u{1b}', '\u{202e}']), "{:?}", hostile.stderr);
}

#[test]
fn a_large_registry_is_not_asked_about_everything() {
    let registry = Registry::open();
    let proxy = FaultProxy::start(&registry.host(), None);
    // The catalog has thousands of names, most of which are nothing.
    let names = (0..3_000).map(|index| format!("acme/p{index}")).chain(["acme/middle".to_owned()]);
    let catalog = serde_json::json!({ "repositories": names.collect::<Vec<_>>() }).to_string();
    proxy.judge(move |asked| asked.path.starts_with("/v2/_catalog").then(|| Fault::body(catalog.clone())));
    let sandbox = Sandbox::new();
    sandbox.use_host(&registry.host(), None);
    sandbox.publish(&base("1.0.0"));
    sandbox.publish(&middle("1.0.0"));
    sandbox.delete_cache();
    sandbox.use_host(&proxy.host(), None);
    let run = sandbox.run(&["search", "acme:middle/api"]).done();
    assert_eq!(found(&run), ["acme:middle"]);
    insta::assert_snapshot!(run.stderr, @"the interfaces of 2801 packages were not looked at; a text that is more exact, or a registry, leads further");
    let requests = proxy.asked().len();
    assert!(requests < 210, "{requests} requests");
    // The names of all of them match; not more than those that are shown, and some that are under way, are asked about.
    let before = proxy.asked().len();
    let run = sandbox.run(&["search", "p", "--limit", "5"]).done();
    assert_eq!(found(&run), [""; 0]);
    let requests = proxy.asked().len() - before;
    assert!(requests < 330, "{requests} requests");
}
