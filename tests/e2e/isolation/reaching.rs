//! Everywhere that something gets through in other hosts: a component that tries, and does not get through.

use spin_deps_fixtures::http::{p3_app, p3_middleware_counting_environment};
use spin_deps_fixtures::library::{chain, counter};
use spin_deps_fixtures::reach::{Probe, reacher};

use super::{app, composed, declare, in_both, in_our_host, in_plain_wasmtime, publish_reacher};
use crate::support::files::FileServer;

/// A way for each capability whose interface has an answer for the denial.
fn probes(server: &FileServer) -> Vec<Probe> {
    vec![
        Probe::environment("0.2.0"),
        Probe::files("0.2.0"),
        Probe::http(&server.authority()),
        Probe::sockets(),
        Probe::key_value(),
        Probe::variables(),
    ]
}

/// Plain wasmtime has no key-value store and no variables of Spin: that the app starts there at all says that nothing of
/// them is left.
#[test]
fn what_is_not_granted_is_denied_with_the_interfaces_own_errors() {
    let server = FileServer::start(b"");
    let sandbox = app(&["acme:reach"], "\"acme:reach\" = \"^1\"");
    publish_reacher(&sandbox, &probes(&server));
    insta::assert_snapshot!(in_both(&sandbox), @"acme:reach@1.0.0[environment@0.2.0=0 files@0.2.0=0 http=p sockets=b key-value=c variables=d]");
    assert_eq!(server.requests(), 0);
    let left = composed(&sandbox);
    insta::assert_snapshot!(left.join("\n"), @"
    wasi:filesystem/types@0.2.0
    wasi:http/types@0.2.0
    wasi:io/error@0.2.0
    wasi:io/streams@0.2.0
    wasi:sockets/network@0.2.0
    ");
}

/// The string form has no field of its own, and in Spin 4.1 the component's has no effect on it.
#[test]
fn the_components_own_field_counts_for_every_form_of_entry() {
    let server = FileServer::start(b"");
    let probes = [Probe::environment("0.2.0"), Probe::files("0.2.0"), Probe::http(&server.authority())];
    let reach = reacher("acme:reach", "1.0.0", &probes);
    for entry in ["\"^1\"", "{ version = \"^1\" }", "{ path = \"reach.wasm\" }"] {
        let sandbox = app(&["acme:reach"], &format!("\"acme:reach\" = {entry}"));
        sandbox.publish(&reach);
        sandbox.write("reach.wasm", &reach);
        declare(&sandbox, "dependencies_inherit_configuration = true\n");
        let all = "acme:reach@1.0.0[environment@0.2.0=2 files@0.2.0=1 http=+]";
        assert_eq!(in_our_host(&sandbox).text(), all, "{entry}");
        let manifest = sandbox.read("spin.toml");
        sandbox.write(
            "spin.toml",
            manifest.replace("inherit_configuration = true", "inherit_configuration = false"),
        );
        let nothing = "acme:reach@1.0.0[environment@0.2.0=0 files@0.2.0=0 http=p]";
        assert_eq!(in_our_host(&sandbox).text(), nothing, "{entry}");
    }
}

/// Versions that a table of names may not have, those of before 0.2.0 and those of WASI 0.3.
#[test]
fn no_version_slips_through() {
    let probes = [
        Probe::environment("0.2.99"),
        Probe::environment("0.2.0-rc-2023-11-10"),
        Probe::environment("0.3.0"),
        Probe::environment("0.3.0-rc-2026-03-15"),
        Probe::files("0.2.99"),
        Probe::files("0.3.0"),
        Probe::environment("7.0.0"),
    ];
    let sandbox = app(&["acme:reach"], "\"acme:reach\" = \"^1\"");
    publish_reacher(&sandbox, &probes);
    insta::assert_snapshot!(in_both(&sandbox), @"acme:reach@1.0.0[environment@0.2.99=0 environment@0.2.0-rc-2023-11-10=0 environment@0.3.0=0 environment@0.3.0-rc-2026-03-15=0 files@0.2.99=0 files@0.3.0=0 environment@7.0.0=0]");
    // Plain wasmtime has some of these versions, and would have given them what they ask for.
    let granted = app(
        &["acme:reach"],
        "\"acme:reach\" = { version = \"^1\", inherit_configuration = [\"environment\"] }",
    );
    publish_reacher(&granted, &[Probe::environment("0.2.99"), Probe::files("0.2.99")]);
    let answer = in_plain_wasmtime(&granted).text();
    assert_eq!(answer, "acme:reach@1.0.0[environment@0.2.99=2 files@0.2.99=0]");
}

#[test]
fn an_interface_that_nobody_has_heard_of_is_denied() {
    let names = ["spin:unheard/of@9.0.0", "fermyon:spin-next/of@1.0.0", "wasi:unheard/of@0.1.0"];
    let sandbox = app(
        &["acme:reach"],
        "\"acme:reach\" = { version = \"^1\", inherit_configuration = [\"environment\"] }",
    );
    publish_reacher(&sandbox, &names.map(Probe::unheard_of));
    insta::assert_snapshot!(in_both(&sandbox), @"acme:reach@1.0.0[spin:unheard/of=b fermyon:spin-next/of=b wasi:unheard/of=b]");
    assert!(!composed(&sandbox).iter().any(|it| it.contains("/of@")));
    // Only a grant of everything lets it through, to a host that may have it.
    let manifest = sandbox.read("spin.toml");
    sandbox.write("spin.toml", manifest.replace("[\"environment\"]", "true"));
    let left = composed(&sandbox);
    assert!(names.iter().all(|name| left.iter().any(|it| it == name)), "{left:?}");
}

#[test]
fn what_is_brought_in_has_no_more_than_what_brought_it_in() {
    let probes = [Probe::environment("0.2.0"), Probe::files("0.2.0")];
    for (inherited, expected) in [
        ("false", "environment@0.2.0=0 files@0.2.0=0"),
        ("[\"environment\"]", "environment@0.2.0=2 files@0.2.0=0"),
        ("true", "environment@0.2.0=2 files@0.2.0=1"),
    ] {
        let entry = format!("\"acme:front\" = {{ version = \"^1\", inherit_configuration = {inherited} }}");
        let sandbox = app(&["acme:front"], &entry);
        publish_reacher(&sandbox, &probes);
        sandbox.publish(&chain("acme:front", "1.0.0", &[("acme:reach", "1.0.0")]));
        assert_eq!(in_both(&sandbox), format!("acme:front@1.0.0(acme:reach@1.0.0[{expected}])"));
    }
}

#[test]
fn a_release_with_two_grants_is_two_instances() {
    let entries = "\"acme:front\" = { version = \"^1\", inherit_configuration = [\"environment\"] }\n\
                   \"acme:reach\" = { version = \"^1\", inherit_configuration = [\"files\"] }";
    let sandbox = app(&["acme:front", "acme:reach"], entries);
    publish_reacher(&sandbox, &[Probe::environment("0.2.0"), Probe::files("0.2.0")]);
    sandbox.publish(&chain("acme:front", "1.0.0", &[("acme:reach", "1.0.0")]));
    insta::assert_snapshot!(in_both(&sandbox), @"
    acme:front@1.0.0(acme:reach@1.0.0[environment@0.2.0=2 files@0.2.0=0])
    acme:reach@1.0.0[environment@0.2.0=0 files@0.2.0=1]
    ");
    let run = sandbox.run(&["compose", "app", "-o", "composed.wasm"]).done();
    insta::assert_snapshot!(crate::support::snapshot::without_times_and_ports(&sandbox.snapshot(&run)), @"
    exit: 0
    --- stdout
    Composed app from 4 instances into composed.wasm ([SIZE] bytes)
      acme:front@1.0.0: acme:reach/api@1.0.0 → acme:reach@1.0.0 (granted environment)
      app: acme:front/api@1.0.0 → acme:front@1.0.0
      app: acme:reach/api@1.0.0 → acme:reach@1.0.0 (granted files)
      acme:reach@1.0.0 (granted environment): denied wasi:filesystem/preopens@0.2.0
      acme:reach@1.0.0 (granted files): denied wasi:cli/environment@0.2.0
      sha256:[DIGEST-1]
    ");
}

/// It has no use for what it was granted: those that share it must share the instance.
#[test]
fn a_release_that_reaches_nothing_is_one_instance_whatever_it_was_granted() {
    let entries = "\"acme:one\" = { version = \"^1\", inherit_configuration = [\"files\"] }\n\
                   \"acme:two\" = { version = \"^1\", inherit_configuration = true }";
    let sandbox = app(&["acme:one", "acme:two"], entries);
    sandbox.publish(&counter("acme:count", "1.0.0").expect("a library"));
    for name in ["acme:one", "acme:two"] {
        sandbox.publish(&chain(name, "1.0.0", &[("acme:count", "1.0.0")]));
    }
    insta::assert_snapshot!(in_both(&sandbox), @"
    acme:one@1.0.0(acme:count@1.0.0#1)
    acme:two@1.0.0(acme:count@1.0.0#2)
    ");
}

/// Middleware may use what the component has that it stands before, if its own entry says so.
#[test]
fn middleware_is_no_exception() {
    for (inherited, expected) in [("", "0"), (", inherit_configuration = [\"environment\"]", "2")] {
        let sandbox = app(&[], "");
        sandbox.write("app.wasm", p3_app(&[]));
        sandbox.write("count.wasm", p3_middleware_counting_environment("x-count"));
        let layer = format!(
            "component = \"app\"\ndependencies.middleware = [{{ path = \"count.wasm\"{inherited} }}]\n"
        );
        let manifest = sandbox.read("spin.toml").replace("component = \"app\"\n", &layer);
        sandbox.write("spin.toml", manifest);
        for answer in [in_our_host(&sandbox), in_plain_wasmtime(&sandbox)] {
            assert_eq!((answer.status, answer.text().as_str()), (200, "path: /x"));
            assert_eq!(answer.headers.get("x-count").map(String::as_str), Some(expected), "{inherited}");
        }
    }
}
