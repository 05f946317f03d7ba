//! The manifest of a component on its own: what it says, what is rejected, and changes to it.

use insta::{assert_debug_snapshot, assert_snapshot};
use spin_deps_manifest::{
    Capability, ComponentSource, DependencyName, Document, ErrorKind, Grant, Inherit, Manifest, Source,
};

use crate::support::show;

const HASH: &str = include_str!("corpus/component.toml");

/// The least that a component says, then the given text.
fn component(rest: &str) -> String {
    format!(
        "component_manifest_version = 1\n\n[component]\nname = \"acme:hash\"\nsource = \"hash.wasm\"\n{rest}"
    )
}

fn read(text: &str) -> Manifest {
    let document = Document::parse(text).unwrap_or_else(|e| panic!("{}", show(text, &e)));
    assert_eq!(document.text(), text);
    document.manifest().clone()
}

fn rejected(text: &str) -> String {
    let error = Document::parse(text).map(|d| panic!("accepted: {:#?}", d.manifest())).unwrap_err();
    assert!(error.span().is_some(), "no place: {error}");
    show(text, &error)
}

fn name(text: &str) -> DependencyName {
    text.parse().unwrap()
}

fn package(package: &str, req: &str) -> Source {
    Source::Registry {
        package: package.parse().unwrap(),
        explicit_package: false,
        req: req.parse().unwrap(),
        registry: None,
    }
}

#[test]
fn everything_that_can_be_said() {
    let manifest = read(HASH);
    let authored = manifest.authored.as_ref().unwrap();
    assert_eq!(authored.name.to_string(), "acme:hash");
    assert_eq!(authored.version, Some("1.4.0".parse().unwrap()));
    assert_eq!(authored.license.as_deref(), Some("Apache-2.0"));
    assert_eq!((authored.wit.as_str(), authored.world.as_deref()), ("interfaces", Some("hasher")));
    assert_eq!(&HASH[authored.name_span.clone()], "\"acme:hash\"");
    assert_eq!(&HASH[authored.version_span.clone()], "\"1.4.0\"");
    assert_debug_snapshot!(authored.requires, @r#"
    AuthoredRequires {
        variables: [
            Required {
                name: "client_id",
                default: None,
                secret: false,
            },
            Required {
                name: "client_secret",
                default: None,
                secret: true,
            },
        ],
        key_value_stores: [
            "default",
        ],
        sqlite_databases: [
            "users",
        ],
        ai_models: [
            "llama2-chat",
        ],
        allowed_outbound_hosts: [
            "https://api.example.com",
        ],
        environment: [
            Required {
                name: "STAGE",
                default: None,
                secret: false,
            },
            Required {
                name: "REGION",
                default: Some(
                    "eu",
                ),
                secret: false,
            },
        ],
        files: [
            "/words",
            "/more",
        ],
    }
    "#);
    assert_eq!(manifest.application.name, "acme:hash");
    assert!(manifest.triggers.is_empty() && !manifest.is_application());
    let (id, hash) = manifest.components.first().unwrap();
    assert_eq!((id.as_str(), manifest.components.len()), ("hash", 1));
    assert_eq!(hash.source, ComponentSource::Path("target/hash.wasm".into()));
    assert_eq!(hash.build.as_ref().unwrap().command, ["make wit", "make"]);
    assert_eq!(hash.build.as_ref().unwrap().watch, ["src/**/*.c"]);
    assert_eq!(hash.deps.bindings.as_deref(), Some("c"));
    assert_eq!(hash.dependencies[0].source, package("acme:base", "^1.2"));
    assert_eq!(manifest.application.deps.overrides[0].package.to_string(), "acme:base");
    assert!(manifest.application.deps.registries.contains("namespace_registries"));
    assert_eq!(manifest.workspace.as_ref().unwrap().members, ["libs/*"]);
    // A dependency gets whatever the app gives the component, which must ask for it.
    assert_eq!(hash.granted(&hash.dependencies[0]), Grant::All);
    for capability in Capability::ALL {
        assert!(hash.declares(capability), "{capability:?}");
    }
}

#[test]
fn little_is_needed() {
    let manifest = read(&component(""));
    let authored = manifest.authored.unwrap();
    assert_eq!((authored.version, authored.wit.as_str(), authored.world), (None, "wit", None));
    assert!(!manifest.components["hash"].declares(Capability::Variables));
    let root = read("component_manifest_version = 1\nworkspace.members = [\"a\", \"b/*\"]\n");
    assert_eq!(root.workspace.as_ref().unwrap().members, ["a", "b/*"]);
    assert!(root.authored.is_none() && root.components.is_empty() && !root.is_application());
}

#[test]
fn versions_of_the_format() {
    assert_snapshot!(rejected(&component("").replace("= 1", "= 2")), @"
    `component_manifest_version` must be 1, not 2
      1 | component_manifest_version = 2
        |                              ^ this version
    ");
    assert_snapshot!(rejected("component_manifest_version = []\n"), @"
    `component_manifest_version` of the component manifest must be the number 1, not an array
      1 | component_manifest_version = []
        |                              ^^ expected the number 1
    ");
    assert_snapshot!(rejected(&format!("spin_manifest_version = 2\n{}", component(""))), @"
    unknown field `component_manifest_version` in the manifest
      2 | component_manifest_version = 1
        | ^^^^^^^^^^^^^^^^^^^^^^^^^^ unknown field
    hint: the fields are `spin_manifest_version`, `application`, `variables`, `trigger` and `component`
    ");
}

#[test]
fn what_is_missing_or_unknown() {
    assert_snapshot!(rejected("component_manifest_version = 1\n"), @"
    the component manifest has no `component`
      1 | component_manifest_version = 1
        | ^ `component` is missing here
    hint: write `[component]` with `name` and `source`, or `[workspace]` with `members`
    ");
    assert_snapshot!(rejected("component_manifest_version = 1\n[workspace]\nmembers = []\n[build]\ncommand = \"make\"\n"), @"
    the component manifest has no `component`
      4 | [build]
        |  ^^^^^ `build` is about a component
    hint: a workspace without a component of its own has only `members` and `[tool.deps]`
    ");
    assert_snapshot!(rejected(&component("").replace("source", "sorce")), @r#"
    unknown field `sorce` in `[component]`
      5 | sorce = "hash.wasm"
        | ^^^^^ unknown field
    hint: did you mean `source`?
    "#);
    assert_snapshot!(rejected(&component("[trigger.http]\n")), @"
    unknown field `trigger` in the component manifest
      6 | [trigger.http]
        |  ^^^^^^^ unknown field
    hint: the fields are `component_manifest_version`, `component`, `build`, `requires`, `dependencies`, `tool` and `workspace`
    ");
    assert_snapshot!(rejected(&component("[requires]\nvariable = []\n")), @"
    unknown field `variable` in `[requires]`
      7 | variable = []
        | ^^^^^^^^ unknown field
    hint: did you mean `variables`?
    ");
    assert_snapshot!(rejected(&component("[tool.deps]\nverify = {}\n")), @"
    unknown field `verify` in `[tool.deps]`
      7 | verify = {}
        | ^^^^^^ unknown field
    hint: the fields are `default_registry`, `namespace_registries`, `package_registry_overrides`, `registry`, `overrides`, `bindings`, `wit` and `world`
    ");
    assert_snapshot!(rejected(&component("[workspace]\nmember = []\n")), @"
    unknown field `member` in `[workspace]`
      7 | member = []
        | ^^^^^^ unknown field
    hint: did you mean `members`?
    ");
    assert_snapshot!(rejected(&component("").replace("\"hash.wasm\"", "{ url = \"https://e.org/x\" }")), @r#"
    `source` of `[component]` must be a string, not a table
      5 | source = { url = "https://e.org/x" }
        |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected a string
    "#);
}

#[test]
fn values_that_are_none() {
    assert_snapshot!(rejected(&component("").replace("acme:hash", "hash")), @r#"
    invalid package `hash`: it must be `namespace:name`
      4 | name = "hash"
        |        ^^^^^^ not a valid package
    "#);
    assert_snapshot!(rejected(&component("version = \"1.0\"\n")), @r#"
    invalid version `1.0`: unexpected end of input while parsing minor version number
      6 | version = "1.0"
        |           ^^^^^ not a valid version
    hint: an exact version is needed here, such as `1.2.3`
    "#);
    assert_snapshot!(rejected(&component("[requires]\nvariables = [\"Client-Id\"]\n")), @r#"
    invalid variable name `Client-Id`: its words must be joined by `_`, not `-`
      7 | variables = ["Client-Id"]
        |              ^^^^^^^^^^^ not a valid variable name
    "#);
    assert_snapshot!(rejected(&component("[requires]\nenvironment = [{ name = \"A\", secret = true }]\n")), @r#"
    unknown field `secret` in an element of `environment` of `[requires]`
      7 | environment = [{ name = "A", secret = true }]
        |                              ^^^^^^ unknown field
    hint: the fields are `name` and `default`
    "#);
    assert_snapshot!(rejected(&component("[requires]\nfiles = [{ source = \"words\" }]\n")), @r#"
    unknown field `source` in an element of `files` of `[requires]`
      7 | files = [{ source = "words" }]
        |            ^^^^^^ unknown field
    hint: the fields are `destination`
    "#);
    assert_snapshot!(rejected(&component("[requires]\nvariables = [1]\n")), @"
    an element of `variables` of `[requires]` must be a name or `{ name = …, default = … }`, not a number
      7 | variables = [1]
        |              ^ expected a name or `{ name = …, default = … }`
    ");
}

#[test]
fn what_only_an_app_decides() {
    assert_snapshot!(rejected(&component("[dependencies]\n\"acme:base\" = { version = \"1\", inherit_configuration = true }\n")), @r#"
    the dependency `acme:base` has `inherit_configuration`, which only an application can say
      7 | "acme:base" = { version = "1", inherit_configuration = true }
        |                                                        ^^^^ not in a component manifest
    hint: what a dependency may reach is decided by the app: `[requires]` says what to ask it for
    "#);
    assert_snapshot!(rejected(&component("[dependencies.\"acme:base\"]\ncomponent = \"base\"\n")), @r#"
    the dependency `acme:base` has `component`, which only an application can say
      7 | component = "base"
        |             ^^^^^^ not in a component manifest
    hint: there is no other component here: name its file with `path`, or its package with `version`
    "#);
}

#[test]
fn dependencies_come_and_go() {
    let bare = component("");
    let mut document = Document::parse(&bare).unwrap();
    document
        .set_dependency("hash", &name("acme:base"), &package("acme:base", "^1.2"), None, &Inherit::Default)
        .unwrap();
    assert_eq!(document.text(), format!("{bare}\n[dependencies]\n\"acme:base\" = \"^1.2\"\n"));
    document
        .set_dependency(
            "hash",
            &name("acme:log/log"),
            &Source::Path("log.wasm".into()),
            None,
            &Inherit::Default,
        )
        .unwrap();
    assert!(
        document.text().ends_with("\"acme:base\" = \"^1.2\"\n\"acme:log/log\" = { path = \"log.wasm\" }\n")
    );
    assert!(document.remove_dependency("hash", &name("acme:log/log")).unwrap());
    assert!(document.remove_dependency("hash", &name("acme:base")).unwrap());
    assert_eq!(document.text(), bare);
}

#[test]
fn every_layout_of_the_dependencies_can_be_changed() {
    let layouts = [
        "[dependencies]\n\"acme:log\" = \"^1\" # why\n[build]\ncommand = \"make\"\n",
        "[dependencies.\"acme:log\"]\nversion = \"^1\"\n[build]\ncommand = \"make\"\n",
    ];
    let top = ["dependencies = { \"acme:log\" = \"^1\" }\n", "dependencies.\"acme:log\" = \"^1\"\n"];
    let texts = layouts
        .iter()
        .map(|layout| component(layout))
        .chain(top.iter().map(|line| component("").replacen('\n', &format!("\n{line}"), 1)));
    for text in texts {
        let mut document = Document::parse(&text).unwrap();
        document
            .set_dependency(
                "hash",
                &name("acme:base"),
                &package("acme:base", "^1.2"),
                None,
                &Inherit::Default,
            )
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(document.manifest().components["hash"].dependencies.len(), 2, "{}", document.text());
        assert!(document.remove_dependency("hash", &name("acme:base")).unwrap());
        assert_eq!(document.text(), text);
    }
}

#[test]
fn what_cannot_be_said_is_not_written() {
    let mut document = Document::parse(&component("")).unwrap();
    let inherit = Inherit::All(true);
    let error = document
        .set_dependency("hash", &name("acme:base"), &package("acme:base", "1"), None, &inherit)
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OnlyInApplication { .. }), "{error}");
    assert_eq!(document.text(), component(""));
}

#[test]
fn overrides_come_and_go() {
    let bare = component("");
    let mut document = Document::parse(&bare).unwrap();
    let replaced = "acme:base".parse().unwrap();
    document.set_override(&replaced, &Source::Path("../base/base.wasm".into())).unwrap();
    assert_eq!(
        document.text(),
        format!("{bare}\n[tool.deps.overrides]\n\"acme:base\" = {{ path = \"../base/base.wasm\" }}\n")
    );
    assert!(document.remove_override(&replaced).unwrap());
    assert_eq!(document.text(), bare);
    let text = component("\n[tool.deps]\nbindings = \"c\"\n");
    let mut document = Document::parse(&text).unwrap();
    document.set_override(&replaced, &package("acme:base", "=1.2.0")).unwrap();
    assert!(
        document.text().ends_with("bindings = \"c\"\n\n[tool.deps.overrides]\n\"acme:base\" = \"=1.2.0\"\n")
    );
}
