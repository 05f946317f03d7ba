//! What is rejected, with the words and the place.

use crate::support::{app, show};
use insta::assert_snapshot;
use spin_deps_manifest::{Document, ErrorKind, MAX_LENGTH};

/// The error of a text that must be rejected, with its place.
fn rejected(text: &str) -> String {
    let error = Document::parse(text).map(|d| panic!("accepted: {:#?}", d.manifest())).unwrap_err();
    assert!(error.span().is_some(), "no place: {error}");
    assert!(!error.label().is_empty(), "no label: {error}");
    // A place is the same one with the other kind of line ends.
    let windows = text.replace('\n', "\r\n");
    let other = Document::parse(&windows).unwrap_err();
    assert_eq!(show(&windows, &other), show(text, &error));
    show(text, &error)
}

/// The component `api` with the given lines.
fn api(lines: &str) -> String {
    app(&format!("[component.api]\nsource = \"api.wasm\"\n{lines}"))
}

/// The component `api` with the given dependencies.
fn dependencies(lines: &str) -> String {
    api(&format!("[component.api.dependencies]\n{lines}"))
}

#[test]
fn not_toml() {
    assert_snapshot!(rejected(&app("[component.api\nsource = 1\n")), @"
    invalid TOML: unclosed table, expected `]`
     10 | [component.api
        |               ^ here
    hint: look for a bracket, quote or comma that is missing or too many; the format is TOML 1.0
    ");
    assert_snapshot!(rejected(&api("description = \"open\n")), @r#"
    invalid TOML: invalid basic string, expected `"`
     12 | description = "open
        |                    ^ here
    hint: look for a bracket, quote or comma that is missing or too many; the format is TOML 1.0
    "#);
    assert_snapshot!(rejected(&api("source = \"again.wasm\"\n")), @r#"
    invalid TOML: duplicate key
     12 | source = "again.wasm"
        | ^^^^^^ here
    hint: a key stands only once in a table: remove or rename one of the two
    "#);
    assert_snapshot!(rejected("spin_manifest_version = 2\napplication = 1\n[application]\n"), @"
    invalid TOML: duplicate key
      3 | [application]
        |  ^^^^^^^^^^^ here
    hint: a key stands only once in a table: remove or rename one of the two
    ");
}

#[test]
fn hostile_sizes() {
    let error = Document::parse(&" ".repeat(MAX_LENGTH + 1)).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TooLong { length: MAX_LENGTH + 1, limit: MAX_LENGTH });
    for text in [
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{ a = ".repeat(100_000)),
        vec!["a"; 100_000].join(".") + " = 1",
        format!("[{}]", vec!["a"; 100_000].join(".")),
        format!("a = {}", "{ a.a.a.a.a.a.a.a.a = ".repeat(20)),
    ] {
        let error = Document::parse(&text).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooDeep { .. }), "{error}");
    }
}

#[test]
fn versions_of_the_format() {
    assert_snapshot!(rejected("spin_manifest_version = 3\n"), @r"
    `spin_manifest_version` must be 2, not 3
      1 | spin_manifest_version = 3
        |                         ^ this version
    ");
    assert_snapshot!(rejected("spin_manifest_version = \"1\"\nname = \"old\"\n"), @r#"
    `spin_manifest_version` must be 2, not "1"
      1 | spin_manifest_version = "1"
        |                         ^^^ this version
    hint: `spin doctor` upgrades a manifest of version 1
    "#);
    assert_snapshot!(rejected("spin_manifest_version = [2]\n"), @r"
    `spin_manifest_version` of the manifest must be the number 2, not an array
      1 | spin_manifest_version = [2]
        |                         ^^^ expected the number 2
    ");
    let error = Document::parse("[application]\nname = \"a\"\n").unwrap_err();
    assert_snapshot!(show("", &error), @r"
    the manifest has no `spin_manifest_version`
      1 | 
        | ^ `spin_manifest_version` is missing here
    hint: write `spin_manifest_version = 2` at the top of the file
    ");
}

#[test]
fn unknown_fields() {
    assert_snapshot!(rejected(&app("[component.api]\nsorce = \"api.wasm\"\n")), @r#"
    unknown field `sorce` in component `api`
     11 | sorce = "api.wasm"
        | ^^^^^ unknown field
    hint: did you mean `source`?
    "#);
    assert_snapshot!(rejected(&api("build = { comand = \"make\" }\n")), @r#"
    unknown field `comand` in `build` of component `api`
     12 | build = { comand = "make" }
        |           ^^^^^^ unknown field
    hint: did you mean `command`?
    "#);
    assert_snapshot!(rejected(&api("[components.other]\nsource = \"a\"\n")), @r"
    unknown field `components` in the manifest
     12 | [components.other]
        |  ^^^^^^^^^^ unknown field
    hint: did you mean `component`?
    ");
    assert_snapshot!(rejected(&api("id = \"api\"\n")), @r#"
    unknown field `id` in component `api`
     12 | id = "api"
        | ^^ unknown field
    hint: the id of a component is its key in `[component]`
    "#);
    assert_snapshot!(rejected(&api("[application.tool.deps]\ndefault_registy = \"a\"\n")), @r#"
    unknown field `default_registy` in `[application.tool.deps]`
     13 | default_registy = "a"
        | ^^^^^^^^^^^^^^^ unknown field
    hint: did you mean `default_registry`?
    "#);
    assert_snapshot!(rejected(&api("tool.deps.binding = \"rust\"\n")), @r#"
    unknown field `binding` in `tool.deps` of component `api`
     12 | tool.deps.binding = "rust"
        |           ^^^^^^^ unknown field
    hint: did you mean `bindings`?
    "#);
    assert_snapshot!(rejected(&api("tool.deps.bindings = true\n")), @r#"
    `bindings` of `tool.deps` of component `api` must be a language or `false`, not a boolean
     12 | tool.deps.bindings = true
        |                      ^^^^ expected a language or `false`
    "#);
    assert_snapshot!(rejected(&api("tool.deps.bindings = { language = \"c\", path = \"../gen\" }\n")), @r#"
    invalid path `../gen`: it must lead to a folder within the component's own
     12 | tool.deps.bindings = { language = "c", path = "../gen" }
        |                                               ^^^^^^^^ not a valid path
    "#);
    assert_snapshot!(rejected(&api("[[trigger.http]]\nrout = \"/\"\ncomponent = \"api\"\n")), @r#"
    unknown field `rout` in the http trigger
     13 | rout = "/"
        | ^^^^ unknown field
    hint: did you mean `route`?
    "#);
    assert_snapshot!(rejected(&api("[[trigger.http]]\nroute = \"/\"\ncomponent = \"api\"\ncomponents.middleware = [\"a\"]\n")), @r#"
    unknown field `components` in the http trigger
     15 | components.middleware = ["a"]
        | ^^^^^^^^^^ unknown field
    hint: middleware goes into `dependencies.middleware`
    "#);
    assert_snapshot!(rejected(&dependencies("\"acme:crypto\" = { version = \"1\", inherit_config = true }\n")), @r#"
    unknown field `inherit_config` in the dependency `acme:crypto` of component `api`
     13 | "acme:crypto" = { version = "1", inherit_config = true }
        |                                  ^^^^^^^^^^^^^^ unknown field
    "#);
    assert_snapshot!(rejected(&api("\"\\u001b[2J\" = 1\n")), @r#"
    unknown field `\u{1b}[2J` in component `api`
     12 | "\u001b[2J" = 1
        | ^^^^^^^^^^^ unknown field
    "#);
}

#[test]
fn missing_and_wrong() {
    assert_snapshot!(rejected(&app("[component.api]\ndescription = \"none\"\n")), @r"
    component `api` has no `source`
     10 | [component.api]
        | ^^^^^^^^^^^^^^^ `source` is missing here
    ");
    assert_snapshot!(rejected("spin_manifest_version = 2\n[application]\nversion = \"1\"\n"), @r"
    `[application]` has no `name`
      2 | [application]
        | ^^^^^^^^^^^^^ `name` is missing here
    ");
    assert_snapshot!(rejected("spin_manifest_version = 2\n[application]\nname = \"a\"\n[trigger.http]\nroute = \"/\"\n"), @r"
    `trigger.http` must be an array of tables, not a table
      4 | [trigger.http]
        | ^^^^^^^^^^^^^^ expected an array of tables
    hint: write `[[trigger.http]]`, with two brackets
    ");
    assert_snapshot!(rejected(&api("key_value_stores = \"default\"\n")), @r#"
    `key_value_stores` of component `api` must be an array, not a string
     12 | key_value_stores = "default"
        |                    ^^^^^^^^^ expected an array
    "#);
    assert_snapshot!(rejected(&api("key_value_stores = [\"default\", \"my-big_store\"]\n")), @r#"
    invalid label `my-big_store`: its words must be joined by `-`, not `_`
     12 | key_value_stores = ["default", "my-big_store"]
        |                                ^^^^^^^^^^^^^^ not a valid label
    "#);
    assert_snapshot!(rejected(&api("environment = { PORT = 80 }\n")), @r"
    `PORT` of `environment` of component `api` must be a string, not a number
     12 | environment = { PORT = 80 }
        |                        ^^ expected a string
    ");
    assert_snapshot!(rejected(&api("files = [{ source = \"a\" }]\n")), @r#"
    an element of `files` of component `api` has no `destination`
     12 | files = [{ source = "a" }]
        |          ^^^^^^^^^^^^^^^^ `destination` is missing here
    "#);
    assert_snapshot!(rejected(&api("targets = [1]\n")), @r"
    an element of `targets` of component `api` must be a name, `{ url = … }` or `{ path = … }`, not a number
     12 | targets = [1]
        |            ^ expected a name, `{ url = … }` or `{ path = … }`
    ");
    assert_snapshot!(rejected(&api("[component.other_one]\nsource = \"a.wasm\"\n")), @r"
    invalid component id `other_one`: its words must be joined by `-`, not `_`
     12 | [component.other_one]
        |            ^^^^^^^^^ not a valid component id
    ");
    assert_snapshot!(rejected(&api("[component.lib]\nsource = { url = \"https://example.com/a.wasm\" }\n")), @r#"
    `source` of component `lib` has no `digest`
     13 | source = { url = "https://example.com/a.wasm" }
        |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `digest` is missing here
    "#);
    assert_snapshot!(rejected(&api("[component.lib]\nsource = { package = \"acme:lib\", version = \"^1\" }\n")), @r#"
    invalid version `^1`: unexpected character '^' while parsing major version number
     13 | source = { package = "acme:lib", version = "^1" }
        |                                            ^^^^ not a valid version
    hint: an exact version is needed here, such as `1.2.3`
    "#);
}

#[test]
fn triggers() {
    let http = |lines: &str| rejected(&api(&format!("[[trigger.http]]\n{lines}")));
    assert_snapshot!(http("component = \"api\"\n"), @r"
    the http trigger has no `route`
     12 | [[trigger.http]]
        | ^^^^^^^^^^^^^^^^ `route` is missing here
    ");
    assert_snapshot!(http("route = { private = false }\ncomponent = \"api\"\n"), @r"
    invalid route `{ private = false }`: `private` can only be `true`
     13 | route = { private = false }
        |                     ^^^^^ not a valid route
    hint: write the path of a public route as a string
    ");
    assert_snapshot!(http("route = \"/\"\n"), @r#"
    the trigger `/` has neither `component` nor `static_response`
     12 | [[trigger.http]]
        | ^^^^^^^^^^^^^^^^ nothing answers its requests
    hint: add `component = "…"`
    "#);
    assert_snapshot!(http("route = \"/\"\ncomponent = \"api\"\nstatic_response = { status_code = 404 }\n"), @r"
    the http trigger has both `component` and `static_response`
     15 | static_response = { status_code = 404 }
        |                   ^^^^^^^^^^^^^^^^^^^^^ there is `component` already
    ");
    assert_snapshot!(http("route = \"/\"\nstatic_response = { status_code = 99 }\n"), @r"
    invalid status `99`: it must be between 100 and 999
     14 | static_response = { status_code = 99 }
        |                                   ^^ not a valid status
    ");
    assert_snapshot!(http("route = \"/\"\ncomponent = \"apo\"\n"), @r#"
    there is no component `apo`
     14 | component = "apo"
        |             ^^^^^ no such component
    hint: did you mean `api`?
    "#);
    assert_snapshot!(http("route = \"/\"\ncomponent = \"api\"\nexecutor = { type = \"cgi\" }\n"), @r#"
    invalid executor `cgi`: it must be `http` or `wagi`
     15 | executor = { type = "cgi" }
        |                     ^^^^^ not a valid executor
    "#);
    assert_snapshot!(http("route = \"/\"\ncomponent = { source = \"a\", dependencies = { \"a:b\" = true } }\n"), @r#"
    the dependency `a:b` of the component of the trigger must be a version requirement or a table, not a boolean
     14 | component = { source = "a", dependencies = { "a:b" = true } }
        |                                                      ^^^^ expected a version requirement or a table
    "#);
}

#[test]
fn variables() {
    let variable = |line: &str| rejected(&api(&format!("[variables]\n{line}\n")));
    assert_snapshot!(variable("token = { secret = true }"), @r#"
    the variable `token` has no `default` and is not `required`
     13 | token = { secret = true }
        | ^^^^^ it can have no value
    hint: add `default = "…"` or `required = true`
    "#);
    assert_snapshot!(variable("token = { required = true, default = \"x\" }"), @r#"
    the variable `token` has both `required` and `default`
     13 | token = { required = true, default = "x" }
        |                                      ^^^ there is `required` already
    hint: a default makes it optional
    "#);
    assert_snapshot!(variable("api-token = { required = true }"), @r"
    invalid variable name `api-token`: its words must be joined by `_`, not `-`
     13 | api-token = { required = true }
        | ^^^^^^^^^ not a valid variable name
    ");
    assert_snapshot!(variable("token = \"x\""), @r#"
    the variable `token` must be a table, not a string
     13 | token = "x"
        |         ^^^ expected a table
    "#);
}

#[test]
fn names_of_dependencies() {
    let dependency = |lines: &str| rejected(&dependencies(lines));
    assert_snapshot!(dependency("crypto = \"1.0\"\n"), @r#"
    the dependency `crypto` does not say which package it is
     13 | crypto = "1.0"
        |          ^^^^^ no package
    hint: a name without a package needs one in its entry: `{ version = "1.0", package = "…" }`
    "#);
    assert_snapshot!(dependency("crypto = { version = \"1.0\" }\n"), @r#"
    the dependency `crypto` does not say which package it is
     13 | crypto = { version = "1.0" }
        |          ^^^^^^^^^^^^^^^^^^^ no package
    hint: a name without a package needs one in its entry: `{ version = "1.0", package = "…" }`
    "#);
    assert_snapshot!(dependency("\"acme/crypto\" = \"1.0\"\n"), @r#"
    invalid dependency name `acme/crypto`: invalid package `acme`: it must be `namespace:name`
     13 | "acme/crypto" = "1.0"
        | ^^^^^^^^^^^^^ not a valid dependency name
    "#);
    assert_snapshot!(dependency("\"acme:crypto@1\" = \"1.0\"\n"), @r#"
    invalid dependency name `acme:crypto@1`: `1` is not a full version: unexpected end of input while parsing major version number
     13 | "acme:crypto@1" = "1.0"
        | ^^^^^^^^^^^^^^^ not a valid dependency name
    "#);
    assert_snapshot!(dependency("\"acme:crypto\" = { path = \"a.wasm\", export = \"b:c/d\" }\n"), @r#"
    the dependency `acme:crypto` names a whole package and cannot have an `export`
     13 | "acme:crypto" = { path = "a.wasm", export = "b:c/d" }
        |                                             ^^^^^^^ `export` needs one import to stand for
    hint: name the interface, as in `"acme:crypto/…"`
    "#);
    assert_snapshot!(dependency("\"acme:crypto/hash@1.0.0\" = \"1\"\n\"acme:crypto@1.2.0\" = { path = \"a\" }\n"), @r#"
    the dependencies `acme:crypto/hash@1.0.0` and `acme:crypto@1.2.0` of component `api` can match the same import
     14 | "acme:crypto@1.2.0" = { path = "a" }
        | ^^^^^^^^^^^^^^^^^^^ overlaps with `acme:crypto/hash@1.0.0`
    hint: tell them apart by interface or by an incompatible version, or remove one
    "#);
}

#[test]
fn sources() {
    let dependency = |value: &str| rejected(&dependencies(&format!("\"acme:crypto\" = {value}\n")));
    assert_snapshot!(dependency("\"latest\""), @r#"
    invalid version requirement `latest`: a version begins with a number
     13 | "acme:crypto" = "latest"
        |                  ^^^^^^ not a valid version requirement
    hint: write `*`
    "#);
    assert_snapshot!(dependency("{ export = \"a:b/c\" }"), @r#"
    the dependency `acme:crypto` of component `api` has no source
     13 | "acme:crypto" = { export = "a:b/c" }
        |                 ^^^^^^^^^^^^^^^^^^^^ no source
    hint: write `version`, `path`, `url` with `digest`, or `component`
    "#);
    assert_snapshot!(dependency("{ package = \"a:b\" }"), @r#"
    the dependency `acme:crypto` of component `api` has no source
     13 | "acme:crypto" = { package = "a:b" }
        |                 ^^^^^^^^^^^^^^^^^^^ no source
    hint: a package from a registry needs a `version`
    "#);
    assert_snapshot!(dependency("{ path = \"a.wasm\", version = \"1\" }"), @r#"
    the dependency `acme:crypto` of component `api` has both `version` and `path`
     13 | "acme:crypto" = { path = "a.wasm", version = "1" }
        |                          ^^^^^^^^ there is `version` already
    hint: a dependency has one source: `version`, `path`, `url` or `component`
    "#);
    assert_snapshot!(dependency("{ path = \"a.wasm\", digest = \"sha256:00\" }"), @r#"
    the dependency `acme:crypto` of component `api` has both `path` and `digest`
     13 | "acme:crypto" = { path = "a.wasm", digest = "sha256:00" }
        |                                             ^^^^^^^^^^^ there is `path` already
    hint: `digest` does not belong to a source by `path`
    "#);
    assert_snapshot!(dependency("{ url = \"https://example.com/a.wasm\" }"), @r#"
    the dependency `acme:crypto` of component `api` has no `digest`
     13 | "acme:crypto" = { url = "https://example.com/a.wasm" }
        |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `digest` is missing here
    "#);
    assert_snapshot!(dependency("{ url = \"https://example.com/a.wasm\", digest = \"sha256:00\" }"), @r#"
    invalid digest `sha256:00`: it must be `sha256:` and 64 hexadecimal digits
     13 | "acme:crypto" = { url = "https://example.com/a.wasm", digest = "sha256:00" }
        |                                                                ^^^^^^^^^^^ not a valid digest
    "#);
    assert_snapshot!(dependency("{ url = \"ftp://example.com/a.wasm\", digest = \"sha256:00\" }"), @r#"
    invalid URL `ftp://example.com/a.wasm`: it must begin with `https://` or `http://`
     13 | "acme:crypto" = { url = "ftp://example.com/a.wasm", digest = "sha256:00" }
        |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^ not a valid URL
    "#);
    assert_snapshot!(dependency("{ version = \"1\", package = \"crypto\" }"), @r#"
    invalid package `crypto`: it must be `namespace:name`
     13 | "acme:crypto" = { version = "1", package = "crypto" }
        |                                            ^^^^^^^^ not a valid package
    "#);
    assert_snapshot!(dependency("{ version = \"1\", registry = \"https://example.com/x\" }"), @r#"
    invalid registry `https://example.com/x`: it must be a host name, with a port if need be
     13 | "acme:crypto" = { version = "1", registry = "https://example.com/x" }
        |                                             ^^^^^^^^^^^^^^^^^^^^^^^ not a valid registry
    "#);
    assert_snapshot!(dependency("{ version = \"1\", inherit_configuration = [\"files\", \"key_value_store\"] }"), @r#"
    unknown capability `key_value_store`
     13 | "acme:crypto" = { version = "1", inherit_configuration = ["files", "key_value_store"] }
        |                                                                    ^^^^^^^^^^^^^^^^^ no such capability
    hint: did you mean `key_value_stores`?
    "#);
    assert_snapshot!(dependency("{ version = \"1\", inherit_configuration = \"files\" }"), @r#"
    `inherit_configuration` of the dependency `acme:crypto` of component `api` must be `true`, `false` or an array of capabilities, not a string
     13 | "acme:crypto" = { version = "1", inherit_configuration = "files" }
        |                                                          ^^^^^^^ expected `true`, `false` or an array of capabilities
    "#);
}

#[test]
fn components_as_dependencies() {
    let with = |value: &str, other: &str| {
        rejected(&dependencies(&format!("\"acme:crypto\" = {{ component = \"{value}\" }}\n{other}")))
    };
    assert_snapshot!(with("lib", ""), @r#"
    there is no component `lib`
     13 | "acme:crypto" = { component = "lib" }
        |                               ^^^^^ no such component
    hint: there is `api`
    "#);
    assert_snapshot!(with("api", ""), @r#"
    component `api` cannot be a dependency of itself
     13 | "acme:crypto" = { component = "api" }
        |                               ^^^^^ the component itself
    "#);
    assert_snapshot!(with("lib", "[component.lib]\nsource = \"lib.wasm\"\nfiles = [\"a\"]\n[component.lib.dependencies]\n\"a:b\" = \"1\"\n"), @r#"
    component `lib` cannot be used as a dependency: it has `dependencies` and `files`
     13 | "acme:crypto" = { component = "lib" }
        |                               ^^^^^ only its code would be used
    hint: declare what it needs on the component that uses it, and pass it on by `inherit_configuration`
    "#);
}

#[test]
fn inheritance_is_set_in_one_place() {
    assert_snapshot!(rejected(&api(
        "dependencies_inherit_configuration = false\n[component.api.dependencies]\n\"a:b\" = { path = \"a\", inherit_configuration = false }\n"
    )), @r#"
    component `api` sets both `dependencies_inherit_configuration` and the `inherit_configuration` of `a:b`
     14 | "a:b" = { path = "a", inherit_configuration = false }
        |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ has a setting of its own
    hint: use one of them: for all dependencies, or for each
    "#);
}

#[test]
fn middleware() {
    let layer = |entry: &str| {
        rejected(&api(&format!(
            "[[trigger.http]]\nroute = \"/a\"\ncomponent = \"api\"\ndependencies.middleware = [{entry}]\n"
        )))
    };
    assert_snapshot!(layer("\"auth.wasm\""), @r#"
    a middleware must be a table, not a string
     15 | dependencies.middleware = ["auth.wasm"]
        |                            ^^^^^^^^^^^ expected a table
    hint: write `{ path = "…" }`, `{ component = "…" }`, `{ url = "…", digest = "…" }` or `{ version = "…", package = "…" }`
    "#);
    assert_snapshot!(layer("{ version = \"1.0\" }"), @r#"
    a middleware has no `package`
     15 | dependencies.middleware = [{ version = "1.0" }]
        |                            ^^^^^^^^^^^^^^^^^^^ `package` is missing here
    hint: a middleware has no name that could stand for its package
    "#);
    assert_snapshot!(layer("{ path = \"auth.wasm\", export = \"x\" }"), @r#"
    unknown field `export` in a middleware
     15 | dependencies.middleware = [{ path = "auth.wasm", export = "x" }]
        |                                                  ^^^^^^ unknown field
    hint: a middleware is composed by its handler; it has no `export`
    "#);
    assert_snapshot!(layer("{ component = \"auth\" }"), @r#"
    there is no component `auth`
     15 | dependencies.middleware = [{ component = "auth" }]
        |                                          ^^^^^^ no such component
    hint: there is `api`
    "#);
    assert_snapshot!(layer("{ component = \"api\" }"), @r#"
    component `api` cannot be a dependency of itself
     15 | dependencies.middleware = [{ component = "api" }]
        |                                          ^^^^^ the component itself
    "#);
    assert_snapshot!(rejected(&api("[[trigger.http]]\nroute = \"/a\"\ncomponent = \"api\"\ndependencies.logger = []\n")), @r"
    unknown role `logger` of a trigger's dependencies
     15 | dependencies.logger = []
        |              ^^^^^^ no such role
    hint: the only role is `middleware`
    ");
}

#[test]
fn requests_to_verify() {
    let request =
        |lines: &str| rejected(&api(&format!("[[application.tool.deps.verify.requests]]\n{lines}")));
    assert_snapshot!(request("method = \"GET\"\n"), @r"
    a request of `verify` has no `path`
     12 | [[application.tool.deps.verify.requests]]
        | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `path` is missing here
    ");
    assert_snapshot!(request("path = \"hello\"\n"), @r#"
    invalid path `hello`: it must begin with `/`
     13 | path = "hello"
        |        ^^^^^^^ not a valid path
    "#);
    assert_snapshot!(request("path = \"/\"\nmethod = \"get it\"\n"), @r#"
    invalid method `get it`: a method is a word in capitals, such as `GET`
     14 | method = "get it"
        |          ^^^^^^^^ not a valid method
    "#);
    assert_snapshot!(request("path = \"/\"\nexpect = { status = 2000 }\n"), @r"
    invalid status `2000`: it must be between 100 and 999
     14 | expect = { status = 2000 }
        |                     ^^^^ not a valid status
    ");
    assert_snapshot!(request("path = \"/\"\nexpect = { body = \"a\", body_pattern = \"b\" }\n"), @r#"
    `expect` of a request of `verify` has both `body` and `body_pattern`
     14 | expect = { body = "a", body_pattern = "b" }
        |                                       ^^^ there is `body` already
    "#);
    assert_snapshot!(request("path = \"/\"\nexpect = { boddy = \"a\" }\n"), @r#"
    unknown field `boddy` in `expect` of a request of `verify`
     14 | expect = { boddy = "a" }
        |            ^^^^^ unknown field
    hint: did you mean `body`?
    "#);
}

#[test]
fn overrides() {
    let table = |lines: &str| rejected(&api(&format!("[application.tool.deps.overrides]\n{lines}")));
    assert_snapshot!(table("\"acme:hash\" = {}\n"), @r#"
    the override of `acme:hash` has no source
     13 | "acme:hash" = {}
        |               ^^ nothing takes its place
    hint: write `path`, or `version` with `package` where it is another one
    "#);
    assert_snapshot!(table("\"acme:hash\" = { package = \"other:hash\" }\n"), @r#"
    the override of `acme:hash` has no source
     13 | "acme:hash" = { package = "other:hash" }
        |               ^^^^^^^^^^^^^^^^^^^^^^^^^^ nothing takes its place
    hint: a package from a registry needs a `version`; `version = "*"` is any
    "#);
    assert_snapshot!(table("\"acme:hash\" = { paht = \"hash.wasm\" }\n"), @r#"
    unknown field `paht` in the override of `acme:hash`
     13 | "acme:hash" = { paht = "hash.wasm" }
        |                 ^^^^ unknown field
    hint: did you mean `path`?
    "#);
    assert_snapshot!(table("\"acme:hash\" = { path = \"hash.wasm\", version = \"1\" }\n"), @r#"
    the override of `acme:hash` has both `version` and `path`
     13 | "acme:hash" = { path = "hash.wasm", version = "1" }
        |                        ^^^^^^^^^^^ there is `version` already
    hint: a dependency has one source: `version`, `path`, `url` or `component`
    "#);
    assert_snapshot!(table("\"acme:hash\" = { path = \"hash.wasm\", registry = \"ghcr.io\" }\n"), @r#"
    the override of `acme:hash` has both `path` and `registry`
     13 | "acme:hash" = { path = "hash.wasm", registry = "ghcr.io" }
        |                                                ^^^^^^^^^ there is `path` already
    hint: `registry` does not belong to a source by `path`
    "#);
    assert_snapshot!(table("\"acme:hash\" = \"latest\"\n"), @r#"
    invalid version requirement `latest`: a version begins with a number
     13 | "acme:hash" = "latest"
        |                ^^^^^^ not a valid version requirement
    hint: write `*`
    "#);
    assert_snapshot!(table("\"acme:hash\" = 1\n"), @r#"
    the override of `acme:hash` must be a version requirement or a table, not a number
     13 | "acme:hash" = 1
        |               ^ expected a version requirement or a table
    "#);
    assert_snapshot!(table("hash = \"1\"\n"), @r#"
    invalid package `hash`: it must be `namespace:name`
     13 | hash = "1"
        | ^^^^ not the name of a package
    hint: an override is for a whole package, `"ns:name"`, in all its versions
    "#);
    assert_snapshot!(table("\"acme:hash/digest\" = \"1\"\n"), @r#"
    invalid package `acme:hash/digest`: both parts must be lower-case letters and digits in words joined by `-`, each word beginning with a letter
     13 | "acme:hash/digest" = "1"
        | ^^^^^^^^^^^^^^^^^^ not the name of a package
    hint: an override is for a whole package, `"ns:name"`, in all its versions
    "#);
    assert_snapshot!(table("\"acme:hash\" = { version = \"^1\", package = \"acme:hash\" }\n"), @r#"
    overrides lead in a circle: acme:hash -> acme:hash
     13 | "acme:hash" = { version = "^1", package = "acme:hash" }
        |                                           ^^^^^^^^^^^ the same package
    hint: leave out `package`: an override with only a `version` is of the package's own releases
    "#);
    let by = |a: &str, b: &str| format!("\"acme:{a}\" = {{ version = \"*\", package = \"acme:{b}\" }}\n");
    assert_snapshot!(table(&[by("in", "a"), by("a", "b"), by("b", "c"), by("c", "a")].concat()), @r#"
    overrides lead in a circle: acme:a -> acme:b -> acme:c -> acme:a
     14 | "acme:a" = { version = "*", package = "acme:b" }
        | ^^^^^^^^ replaced by itself in the end
    hint: name the package that is to be used in the end for each of them
    "#);
    assert_snapshot!(rejected(&api("[application.tool.deps]\noverride = {}\n")), @"
    unknown field `override` in `[application.tool.deps]`
     13 | override = {}
        | ^^^^^^^^ unknown field
    hint: did you mean `overrides`?
    ");
}

#[test]
fn profiles() {
    let text = api("profile.debug.dependencies.\"a:b\" = \"1\"\ndependencies.\"a:b/c\" = \"1\"\n");
    let manifest = Document::parse(&text).unwrap().manifest().clone();
    let error = manifest.with_profile("debug").unwrap_err();
    assert_snapshot!(show(&text, &error), @r#"
    the dependencies `a:b/c` and `a:b` of component `api` can match the same import
     12 | profile.debug.dependencies."a:b" = "1"
        |                            ^^^^^ overlaps with `a:b/c`
    hint: tell them apart by interface or by an incompatible version, or remove one
    "#);
    let error = manifest.with_profile("debgu").unwrap_err();
    assert_snapshot!(show(&text, &error), @r"
    no component defines the profile `debgu`
    hint: did you mean `debug`?
    ");
    assert_snapshot!(rejected(&api("profile.debug.files = []\n")), @r"
    unknown field `files` in the profile `debug` of component `api`
     12 | profile.debug.files = []
        |               ^^^^^ unknown field
    hint: the fields are `source`, `environment`, `dependencies` and `build`
    ");
}
