//! What a component requires of its app (SIP 026), and what is said where the app does not give it.

use spin_deps_fixtures::http::{p3_app, p3_middleware};

use super::write_component;
use crate::support::library::{ANSWER, DEPENDENCIES, IMPORTS, base, middle};
use crate::support::world::{Sandbox, manifest};

/// An app with `acme:middle`, which requires nothing and needs `acme:base`, which requires `requires`.
fn requiring(requires: &str) -> Sandbox {
    let sandbox = Sandbox::with_project("work/app");
    sandbox.use_folder();
    write_component(
        &sandbox,
        "../base",
        "acme:base",
        "1.1.0",
        &base("1.1.0"),
        &format!("\n[requires]\n{requires}\n"),
    );
    sandbox.run(&["publish", "../base", "--quiet"]).done();
    sandbox.publish(&middle("1.0.0"));
    sandbox.write_app(IMPORTS, DEPENDENCIES, ANSWER);
    sandbox
}

/// The app with an entry and fields of its component.
fn write_app(sandbox: &Sandbox, entry: &str, fields: &str) {
    sandbox.write("spin.toml", manifest(entry, ANSWER).replace("source = ", &format!("{fields}\nsource = ")));
}

#[test]
fn verify_says_what_the_app_does_not_give() {
    let sandbox = requiring(
        "key_value_stores = [\"cache\", \"default\"]\nvariables = [\"token\"]\nenvironment = [\"REGION\"]\n\
         allowed_outbound_hosts = [\"https://api.example.com\"]\nfiles = [\"data/words.txt\"]\n\
         sqlite_databases = [\"log\"]\nai_models = [\"llama2-chat\"]",
    );
    write_app(&sandbox, DEPENDENCIES, "key_value_stores = [\"default\"]");
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["verify"]).failed()), @r#"
    exit: 1
    --- stdout
    ✓ lock          2 packages in spin-deps.lock, written  [TIME]
        demo
        └── component app
            └── acme:middle 1.0.0 wasm.example (^1)
                └── acme:base 1.1.0 wasm.example (^1.0.0)
    ✓ digests       2 packages are what was locked  [TIME]
    ✓ types         1 component fits what it is composed of  [TIME]
        app: 3 instances, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✗ requirements  the app does not give its dependencies what they require  [TIME]
    Failed demo at requirements
    --- stderr
    error: the app does not give its dependencies what they require:
      - acme:base@1.1.0 requires the AI model `llama2-chat`, which component `app` neither has nor passes on
      - acme:base@1.1.0 requires the outbound host `https://api.example.com`, which component `app` neither has nor passes on
      - acme:base@1.1.0 requires the environment variable `REGION`, which component `app` neither has nor passes on
      - acme:base@1.1.0 requires the file `data/words.txt`, which component `app` neither has nor passes on
      - acme:base@1.1.0 requires the key-value stores `cache`, `default`, which component `app` does not pass on, and `cache` it does not have
      - acme:base@1.1.0 requires the database `log`, which component `app` neither has nor passes on
      - acme:base@1.1.0 requires the variable `token`, which component `app` neither has nor passes on

    hint: write `ai_models = ["llama2-chat"]` in [component.app]
          write `allowed_outbound_hosts = ["https://api.example.com"]` in [component.app]
          write `REGION = "…"` in [component.app.environment]
          write `files = ["data/words.txt"]` in [component.app]
          write `key_value_stores = ["default", "cache"]` in [component.app]
          write `sqlite_databases = ["log"]` in [component.app]
          write `token = "{{ token }}"` in [component.app.variables]
          write `token = { required = true }` in [variables]
          write `inherit_configuration = ["ai_models", "allowed_outbound_hosts", "environment", "files", "key_value_stores", "sqlite_databases", "variables"]` in the entry "acme:middle" of [component.app.dependencies]
    "#);

    // With what it says to write, it passes.
    let keys = "\"ai_models\", \"allowed_outbound_hosts\", \"environment\", \"files\", \"key_value_stores\", \
                \"sqlite_databases\", \"variables\"";
    let entry = format!("\"acme:middle\" = {{ version = \"^1\", inherit_configuration = [{keys}] }}");
    let fields = "ai_models = [\"llama2-chat\"]\nallowed_outbound_hosts = [\"https://*.example.com\"]\n\
                  files = [\"data/*\"]\nkey_value_stores = [\"default\", \"cache\"]\nsqlite_databases = [\"log\"]\n\
                  environment = { REGION = \"eu\" }\nvariables = { token = \"{{ token }}\" }";
    write_app(&sandbox, &entry, fields);
    let declared = sandbox.read("spin.toml") + "\n[variables]\ntoken = { required = true }\n";
    sandbox.write("spin.toml", declared);
    sandbox.run(&["verify", "--variable", "token=x"]).done();
    // The component's own setting counts for every entry.
    let all = sandbox.read("spin.toml").replace(&entry, DEPENDENCIES);
    sandbox
        .write("spin.toml", all.replace("source = ", "dependencies_inherit_configuration = true\nsource = "));
    sandbox.run(&["verify", "--variable", "token=x"]).done();
}

#[test]
fn a_sync_warns_of_what_direct_dependencies_require() {
    let sandbox = requiring("key_value_stores = [\"cache\"]");
    sandbox.write_app(&[("acme:base", "1.1.0")], "\"acme:base\" = \"^1\"", "acme:base@1.1.0(/x)");
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["sync"]).done()), @r#"
    exit: 0
    --- stdout
    Locked 1 package in spin-deps.lock
      add acme:base 1.1.0
    Checked 1 package against its digest
    Wrote spin-dependencies.wit
    --- stderr
    warning: acme:base@1.1.0 requires the key-value store `cache`, which component `app` neither has nor passes on
    warning: `verify` will fail: write `key_value_stores = ["cache"]` in [component.app]
    warning: `verify` will fail: write `inherit_configuration = ["key_value_stores"]` in the entry "acme:base" of [component.app.dependencies]
    "#);
    sandbox.run(&["verify"]).failed();
}

#[test]
fn a_component_from_a_registry_requires_too() {
    let sandbox = requiring("variables = [\"token\"]");
    let front = spin_deps_fixtures::http::p2_app(&[]);
    let asks = "\n[requires]\nkey_value_stores = [\"sessions\"]\n";
    write_component(&sandbox, "../front", "acme:front", "1.0.0", &front, asks);
    sandbox.run(&["publish", "../front", "--quiet"]).done();
    let source = "source = { package = \"acme:front\", version = \"1.0.0\", registry = \"wasm.example\" }";
    sandbox.write("spin.toml", manifest("", "path: /x").replace("source = \"app.wasm\"", source));
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["verify"]).failed()), @r#"
    exit: 1
    --- stdout
    ✓ lock          1 package in spin-deps.lock, written  [TIME]
        demo
        └── component app
            └── acme:front 1.0.0 wasm.example (as source)
    ✓ digests       1 package is what was locked  [TIME]
    ✓ types         1 component fits what it is composed of  [TIME]
        app: 1 instance, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✗ requirements  the app does not give its dependencies what they require  [TIME]
    Failed demo at requirements
    --- stderr
    error: the app does not give its dependencies what they require:
      - acme:front@1.0.0 requires the key-value store `sessions`, which component `app` does not have

    hint: write `key_value_stores = ["sessions"]` in [component.app]
    "#);
    let given = format!("key_value_stores = [\"sessions\"]\n{source}");
    sandbox.write("spin.toml", sandbox.read("spin.toml").replace(source, &given));
    sandbox.run(&["verify"]).done();
}

#[test]
fn middleware_requires_of_the_component_behind_it() {
    let sandbox = requiring("variables = [\"token\"]");
    let asks = "\n[requires]\nallowed_outbound_hosts = [\"https://login.example.com\"]\n";
    write_component(&sandbox, "../guard", "acme:guard", "1.0.0", &p3_middleware("x-seen", "yes"), asks);
    sandbox.run(&["publish", "../guard", "--quiet"]).done();
    sandbox.write("app.wasm", p3_app(&[]));
    let entry =
        "component = \"app\"\ndependencies.middleware = [{ package = \"acme:guard\", version = \"^1\" }]";
    sandbox.write("spin.toml", manifest("", "path: /x").replace("component = \"app\"", entry));
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["verify"]).failed()), @r#"
    exit: 1
    --- stdout
    ✓ lock          1 package in spin-deps.lock, written  [TIME]
        demo
        ├── component app
        └── middleware of /...
            └── acme:guard 1.0.0 wasm.example (^1)
    ✓ digests       1 package is what was locked  [TIME]
    ✓ types         1 component fits what it is composed of  [TIME]
        app: 2 instances, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✗ requirements  the app does not give its dependencies what they require  [TIME]
    Failed demo at requirements
    --- stderr
    error: the app does not give its dependencies what they require:
      - acme:guard@1.0.0 requires the outbound host `https://login.example.com`, which component `app` neither has nor passes on

    hint: write `allowed_outbound_hosts = ["https://login.example.com"]` in [component.app]
          write `inherit_configuration = ["allowed_outbound_hosts"]` in the entry of acme:guard@1.0.0 in the middleware of route `/...`
    "#);
    let hosts = "allowed_outbound_hosts = [\"https://login.example.com\"]\nsource = ";
    let granted = "version = \"^1\", inherit_configuration = [\"allowed_outbound_hosts\"] }";
    let given = sandbox.read("spin.toml").replace("source = ", hosts).replace("version = \"^1\" }", granted);
    sandbox.write("spin.toml", given);
    sandbox.run(&["verify"]).done();
}

#[test]
fn a_list_is_written_once_for_all_that_require_something_of_it() {
    let sandbox = requiring("key_value_stores = [\"cache\"]");
    let asks = "\n[requires]\nkey_value_stores = [\"log\"]\n\n[dependencies]\n\"acme:base\" = \"^1\"\n";
    write_component(&sandbox, "../middle", "acme:middle", "1.1.0", &middle("1.0.0"), asks);
    sandbox.run(&["publish", "../middle", "--quiet"]).done();
    insta::assert_snapshot!(sandbox.snapshot(&sandbox.run(&["verify"]).failed()), @r#"
    exit: 1
    --- stdout
    ✓ lock          2 packages in spin-deps.lock, written  [TIME]
        demo
        └── component app
            └── acme:middle 1.1.0 wasm.example (^1)
                └── acme:base 1.1.0 wasm.example (^1)
    ✓ digests       2 packages are what was locked  [TIME]
    ✓ types         1 component fits what it is composed of  [TIME]
        app: 3 instances, [SIZE] bytes
    ✓ isolation     nothing granted, nothing denied  [TIME]
    ✗ requirements  the app does not give its dependencies what they require  [TIME]
    Failed demo at requirements
    --- stderr
    error: the app does not give its dependencies what they require:
      - acme:middle@1.1.0 requires the key-value store `log`, which component `app` neither has nor passes on
      - acme:base@1.1.0 requires the key-value store `cache`, which component `app` neither has nor passes on

    hint: write `key_value_stores = ["cache", "log"]` in [component.app]
          write `inherit_configuration = ["key_value_stores"]` in the entry "acme:middle" of [component.app.dependencies]
    "#);
}

#[test]
fn a_section_of_a_newer_format_takes_nothing_away() {
    let sandbox = requiring("variables = [\"token\"]");
    let mut bytes = base("1.2.0");
    let data = br#"{"format_version":2,"variables":{"token":"?"}}"#;
    // A custom section: its id, and its name and content with their lengths.
    let content = [&[13][..], b"spin:requires", &data[..]].concat();
    bytes.extend([0, u8::try_from(content.len()).expect("a short section")]);
    bytes.extend(content);
    sandbox.publish(&bytes);
    sandbox.write("spin.toml", manifest(DEPENDENCIES, "acme:middle@1.0.0(acme:base@1.2.0(/x))"));
    sandbox.run(&["verify"]).done();
}
