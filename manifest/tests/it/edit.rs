//! Changes in every layout: what is written, and that all else stays.

use crate::support::app;
use insta::assert_snapshot;
use spin_deps_manifest::{Capability, DependencyName, Document, ErrorKind, Inherit, Source};

fn name(text: &str) -> DependencyName {
    text.parse().unwrap()
}

fn registry(package: &str, req: &str) -> Source {
    Source::Registry {
        package: package.parse().unwrap(),
        explicit_package: false,
        req: req.parse().unwrap(),
        registry: None,
    }
}

fn path(path: &str) -> Source {
    Source::Path(path.to_owned())
}

/// Adds `acme:crypto` at `^2.0`, checks that removing it restores the text, and shows what changed.
#[track_caller]
fn add(text: &str) -> String {
    let mut document = Document::parse(text).unwrap_or_else(|e| panic!("{e}"));
    document
        .set_dependency(
            "api",
            &name("acme:crypto"),
            &registry("acme:crypto", "^2.0"),
            None,
            &Inherit::Default,
        )
        .unwrap();
    let added = document.text();
    assert!(document.remove_dependency("api", &name("acme:crypto")).unwrap());
    assert_eq!(document.text(), text, "after:\n{added}");
    let windows = text.replace('\n', "\r\n");
    let mut document = Document::parse(&windows).unwrap();
    document
        .set_dependency(
            "api",
            &name("acme:crypto"),
            &registry("acme:crypto", "^2.0"),
            None,
            &Inherit::Default,
        )
        .unwrap();
    assert_eq!(document.text(), added.replace('\n', "\r\n"));
    changes(text, &added)
}

/// The lines of the second text that are not in the first, with one line around them.
fn changes(before: &str, after: &str) -> String {
    let before: Vec<&str> = before.lines().collect();
    let after: Vec<&str> = after.lines().collect();
    let same_head = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let rest = before.len().min(after.len()) - same_head;
    let same_tail =
        before.iter().rev().zip(after.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let start = same_head.saturating_sub(1);
    let end = (after.len() - same_tail + 1).min(after.len());
    after[start..end].join("\n")
}

#[test]
fn a_table_is_made_behind_the_components_own() {
    assert_snapshot!(add(&app("[component.api] # main\nsource = \"api.wasm\"\n\n# builds\n[component.api.build]\ncommand = \"make\" # fast\n\n# next\n[component.lib]\nsource = \"lib.wasm\"\n")), @r#"

    [component.api.dependencies]
    "acme:crypto" = "^2.0"

    # next
    "#);
    assert_snapshot!(add(&app("[component.api]\nsource = \"api.wasm\"")), @r#"
    source = "api.wasm"

    [component.api.dependencies]
    "acme:crypto" = "^2.0"
    "#);
    assert_snapshot!(add(&app("[component.api]\nsource = \"api.wasm\"\n\n# the end")), @r#"

    [component.api.dependencies]
    "acme:crypto" = "^2.0"

    # the end
    "#);
    assert_snapshot!(add(&app("  [component.api]\n  source = \"api.wasm\"\n  [component.lib]\n  source = \"b\"\n")), @r#"
    source = "api.wasm"

    [component.api.dependencies]
    "acme:crypto" = "^2.0"
    [component.lib]
    "#);
    assert_snapshot!(add(&app("[ component . \"api\" ]\nsource = \"api.wasm\"\n")), @r#"
    source = "api.wasm"

    [component . "api".dependencies]
    "acme:crypto" = "^2.0"
    "#);
    assert_snapshot!(add(&app("[component.api.source]\nurl = \"https://example.com/a\"\ndigest = \"sha256:0000000000000000000000000000000000000000000000000000000000000000\"\n")), @r#"
    digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

    [component.api.dependencies]
    "acme:crypto" = "^2.0"
    "#);
}

#[test]
fn an_entry_goes_to_the_end_of_the_table() {
    let api = "[component.api]\nsource = \"api.wasm\"\n";
    assert_snapshot!(add(&app(&format!("{api}[component.api.dependencies]\n\"a:b\" = \"1\" # keep\n# last\n\n[component.lib]\nsource = \"b\"\n"))), @r#"
    "a:b" = "1" # keep
    "acme:crypto" = "^2.0"
    # last
    "#);
    assert_snapshot!(add(&app(&format!("{api}[component.api.dependencies]\n\t\"a:b\" = {{ path = \"x\" }}"))), @r#"
    "a:b" = { path = "x" }
    "acme:crypto" = "^2.0"
    "#);
    assert_snapshot!(add(&app(&format!("{api}\n# none yet\n[component.api.dependencies]\n# here\n\n"))), @r#"
    [component.api.dependencies]
    "acme:crypto" = "^2.0"
    # here
    "#);
    assert_snapshot!(add(&app(&format!("{api}[component.api.dependencies]\n\"a:b\" = \"1\"\n[component.api.dependencies.\"c:d\"]\npath = \"x\"\n"))), @r#"
    "a:b" = "1"
    "acme:crypto" = "^2.0"
    [component.api.dependencies."c:d"]
    "#);
}

#[test]
fn dotted_keys_stay_dotted() {
    assert_snapshot!(add(&app("[component.api]\nsource = \"api.wasm\"\ndependencies . \"a:b\" = \"1\" # keep\ndescription = \"x\"\n")), @r#"
    dependencies . "a:b" = "1" # keep
    dependencies."acme:crypto" = "^2.0"
    description = "x"
    "#);
    assert_snapshot!(add(&app("[component]\napi.source = \"api.wasm\"\napi.description = \"x\"\nlib.source = \"b\"\n")), @r#"
    api.description = "x"
    api.dependencies."acme:crypto" = "^2.0"
    lib.source = "b"
    "#);
    assert_snapshot!(add(&format!("component.api.source = \"api.wasm\"\n{}", app(""))), @r#"
    component.api.source = "api.wasm"
    component.api.dependencies."acme:crypto" = "^2.0"
    spin_manifest_version = 2
    "#);
    assert_snapshot!(add(&app("[component.api]\nsource = \"api.wasm\"\ndependencies.\"a:b\".version = \"1\"\ndependencies.\"a:b\".export = \"x\"\n").replace("a:b", "a:b/c")), @r#"
    dependencies."a:b/c".export = "x"
    dependencies."acme:crypto" = "^2.0"
    "#);
}

#[test]
fn inline_tables_stay_inline() {
    assert_snapshot!(add(&app("[component.api]\nsource = \"api.wasm\"\ndependencies = { \"a:b\" = \"1\" } # keep\n")), @r#"
    source = "api.wasm"
    dependencies = { "a:b" = "1", "acme:crypto" = "^2.0" } # keep
    "#);
    assert_snapshot!(add(&app("[component.api]\nsource = \"api.wasm\"\ndependencies = {}\n")), @r#"
    source = "api.wasm"
    dependencies = { "acme:crypto" = "^2.0" }
    "#);
    assert_snapshot!(add(&app("[component]\napi = { source = \"api.wasm\" }\n")), @r#"
    [component]
    api = { source = "api.wasm", dependencies = { "acme:crypto" = "^2.0" } }
    "#);
    assert_snapshot!(add(&app("[component]\napi = { source = \"api.wasm\", dependencies.\"a:b\" = \"1\" }\n")), @r#"
    [component]
    api = { source = "api.wasm", dependencies."a:b" = "1", dependencies."acme:crypto" = "^2.0" }
    "#);
    assert_snapshot!(add(&app("[component.api]\nsource = \"api.wasm\"\ndependencies = {\n  \"a:b\" = \"1\", # one\n  \"c:d\" = \"1\" # two\n}\n")), @r#"
      "a:b" = "1", # one
      "c:d" = "1", # two
      "acme:crypto" = "^2.0"
    }
    "#);
}

#[test]
fn tables_per_entry_stay() {
    assert_snapshot!(add(&app("[component.api]\nsource = \"api.wasm\"\n\n[component.api.dependencies.\"a:b\"]\nversion = \"1\"\n\n[component.lib]\nsource = \"b\"\n")), @r#"

    [component.api.dependencies."acme:crypto"]
    version = "^2.0"

    [component.lib]
    "#);
    assert_snapshot!(add(&app("[component.api]\nsource = \"api.wasm\"\n[component.api.dependencies.\"a:b\"]\nversion = \"1\"")), @r#"
    version = "1"

    [component.api.dependencies."acme:crypto"]
    version = "^2.0"
    "#);
}

#[test]
fn components_inside_triggers() {
    let base = "spin_manifest_version = 2\n[application]\nname = \"shop\"\n";
    for (trigger, expected) in [
        (
            "[[trigger.http]]\nid = \"t\"\nroute = \"/\"\ncomponent = { source = \"a\" } # c\n",
            "component = { source = \"a\", dependencies = { \"acme:crypto\" = \"^2.0\" } } # c\n",
        ),
        (
            "[[trigger.http]]\nid = \"t\"\nroute = \"/\"\n[trigger.http.component]\nsource = \"a\"\n\n[[trigger.http]]\nroute = \"/b\"\nstatic_response = {}\n",
            "source = \"a\"\n\n[trigger.http.component.dependencies]\n\"acme:crypto\" = \"^2.0\"\n\n[[trigger.http]]\n",
        ),
        (
            "[[trigger.http]]\nid = \"t\"\nroute = \"/\"\ncomponent.source = \"a\"\n",
            "component.source = \"a\"\ncomponent.dependencies.\"acme:crypto\" = \"^2.0\"\n",
        ),
        (
            "[trigger]\nhttp = [{ route = \"/\", id = \"t\", component = { source = \"a\" } }]\n",
            "component = { source = \"a\", dependencies = { \"acme:crypto\" = \"^2.0\" } } }]\n",
        ),
    ] {
        let text = format!("{base}{trigger}");
        let mut document = Document::parse(&text).unwrap();
        let crypto = name("acme:crypto");
        document
            .set_dependency("t-component", &crypto, &registry("acme:crypto", "^2.0"), None, &Inherit::Default)
            .unwrap();
        assert!(document.text().contains(expected), "{}", document.text());
        assert!(document.remove_dependency("t-component", &crypto).unwrap());
        assert_eq!(document.text(), text);
    }
}

/// Changes the entry `a:b/c` and shows what changed.
#[track_caller]
fn update(entry: &str, source: &Source, export: Option<&str>, inherit: &Inherit) -> String {
    let text =
        app(&format!("[component.api]\nsource = \"api.wasm\"\n{entry}\n[component.lib]\nsource = \"b\"\n"));
    let mut document = Document::parse(&text).unwrap_or_else(|e| panic!("{e}"));
    document.set_dependency("api", &name("a:b/c"), source, export, inherit).unwrap();
    let after = document.text();
    let (head, tail) = text.split_once(entry).unwrap();
    let changed = after.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
    changed.unwrap_or_else(|| panic!("changed elsewhere:\n{after}")).to_owned()
}

#[test]
fn updates_change_what_they_must() {
    let none = &Inherit::Default;
    let two = &registry("a:b", "^2");
    let some = &Inherit::Only(vec![Capability::Files]);
    let string = "dependencies.\"a:b/c\" = '1' # why";
    assert_snapshot!(update(string, two, None, none), @r#"dependencies."a:b/c" = "^2" # why"#);
    assert_snapshot!(update(string, &registry("a:b", "^1"), None, none), @r#"dependencies."a:b/c" = '1' # why"#);
    assert_snapshot!(update(string, two, Some("x:y/z"), some), @r#"dependencies."a:b/c" = { version = "^2", export = "x:y/z", inherit_configuration = ["files"] } # why"#);
    assert_snapshot!(update(string, &registry("other:impl", "^1"), None, none), @r#"dependencies."a:b/c" = { version = "^1", package = "other:impl" } # why"#);
    let inline =
        "dependencies = { \"a:b/c\" = {version=\"1\", export = 'x:y/z', inherit_configuration=[ 'files' ]} }";
    assert_snapshot!(update(inline, two, None, none), @r#"dependencies = { "a:b/c" = {version="^2", export = 'x:y/z', inherit_configuration=[ 'files' ]} }"#);
    assert_snapshot!(update(inline, &path("c.wasm"), None, none), @r#"dependencies = { "a:b/c" = { path = "c.wasm", export = "x:y/z", inherit_configuration = ["files"] } }"#);
    assert_snapshot!(update(inline, two, Some("x:y/w"), &Inherit::All(false)), @r#"dependencies = { "a:b/c" = {version="^2", export = "x:y/w", inherit_configuration=false} }"#);
    let explicit = "dependencies.\"a:b/c\" = { package = \"a:b\", version = \"1\" }";
    assert_snapshot!(update(explicit, two, None, none), @r#"dependencies."a:b/c" = { package = "a:b", version = "^2" }"#);
    assert_snapshot!(update("dependencies.\"a:b/c\" = { path = \"x\" }", two, None, none), @r#"dependencies."a:b/c" = "^2""#);
    let foreign = "dependencies.\"a:b/c\" = {\n package = \"x:y\",\n version = \"1\"\n}";
    assert_snapshot!(update(foreign, two, None, none), @r#"
    dependencies."a:b/c" = {
     version = "^2"
    }
    "#);
    let table =
        "[component.api.dependencies.\"a:b/c\"]\n# which\nversion = \"1\" # this\nexport = \"x:y/z\"\n";
    assert_snapshot!(update(table, two, None, none), @r#"
    [component.api.dependencies."a:b/c"]
    # which
    version = "^2" # this
    export = "x:y/z"
    "#);
    assert_snapshot!(update(table, &path("c.wasm"), None, some), @r#"
    [component.api.dependencies."a:b/c"]
    # which
    export = "x:y/z"
    path = "c.wasm"
    inherit_configuration = ["files"]
    "#);
    let dotted = "dependencies.\"a:b/c\".version = \"1\" # this\ndependencies.\"a:b/c\".export = \"x:y/z\"\n";
    assert_snapshot!(update(dotted, two, None, none), @r#"
    dependencies."a:b/c".version = "^2" # this
    dependencies."a:b/c".export = "x:y/z"
    "#);
    assert_snapshot!(update(dotted, &path("c.wasm"), None, none), @r#"
    dependencies."a:b/c".export = "x:y/z"
    dependencies."a:b/c".path = "c.wasm"
    "#);
    let lines = "dependencies.\"a:b/c\" = {\n  version = \"1\", # this\n  export = \"x:y/z\" # that\n}";
    assert_snapshot!(update(lines, two, None, some), @r#"
    dependencies."a:b/c" = {
      version = "^2", # this
      export = "x:y/z", # that
      inherit_configuration = ["files"]
    }
    "#);
}

#[test]
fn removing_keeps_tables_that_adding_would_not_make() {
    let remove = |rest: &str| {
        let text = app(&format!("[component.api]\nsource = \"api.wasm\"\n{rest}"));
        let mut document = Document::parse(&text).unwrap();
        assert!(document.remove_dependency("api", &name("a:b")).unwrap());
        document.text().split_once("api.wasm\"\n").unwrap().1.to_owned()
    };
    let other = "[component.lib]\nsource = \"b\"\n";
    assert_eq!(
        remove(&format!("\n[component.api.dependencies]\n\"a:b\" = \"1\" # why\n\n{other}")),
        format!("\n{other}")
    );
    assert_eq!(
        remove(&format!("\n# ours\n[component.api.dependencies]\n\"a:b\" = \"1\"\n\n{other}")),
        format!("\n# ours\n[component.api.dependencies]\n\n{other}")
    );
    assert_eq!(remove("dependencies = { \"a:b\" = \"1\" }\n"), "dependencies = {}\n");
    assert_eq!(remove("dependencies.\"a:b\" = \"1\"\n"), "");
    assert_eq!(
        remove("dependencies.\"a:b\".version = \"1\"\ndependencies.\"a:b\".registry = \"r.io\"\n# x\n"),
        "# x\n"
    );
    assert_eq!(
        remove(&format!(
            "\n[component.api.dependencies.\"a:b\"]\n# in it\nversion = \"1\"\n# behind\n\n{other}"
        )),
        format!("# behind\n\n{other}")
    );
    assert_eq!(
        remove(
            "dependencies.\"c:d\" = \"1\"\ndependencies.\"a:b\" = {\n version = \"1\"\n}\ndependencies.\"e:f\" = \"1\""
        ),
        "dependencies.\"c:d\" = \"1\"\ndependencies.\"e:f\" = \"1\""
    );
}

#[test]
fn what_cannot_be_done_leaves_the_document_alone() {
    let text = app("[component.api]\nsource = \"api.wasm\"\n[component.api.dependencies]\n\"a:b\" = \"1\"\n");
    let mut document = Document::parse(&text).unwrap();
    let none = Inherit::Default;
    let mut fails = |component: &str, dependency: &str, source: &Source, export: Option<&str>| {
        let error = document.set_dependency(component, &name(dependency), source, export, &none).unwrap_err();
        assert_eq!(error.span(), None);
        assert_eq!(document.text(), text);
        error
    };
    let one = registry("a:b", "1");
    assert_eq!(fails("apu", "x:y", &one, None).kind(), &ErrorKind::UnknownComponent("apu".into()));
    assert_eq!(fails("api", "a:b", &one, Some("x")).kind(), &ErrorKind::ExportOfPackage("a:b".into()));
    assert!(matches!(fails("api", "a:b/c", &one, None).kind(), ErrorKind::ConflictingNames { .. }));
    let own = Source::Component("api".into());
    assert_eq!(fails("api", "x:y", &own, None).kind(), &ErrorKind::OwnDependency("api".into()));
    assert_eq!(document.remove_dependency("api", &name("x:y")), Ok(false));
    assert!(document.remove_dependency("apu", &name("x:y")).is_err());
    assert!(document.remove_middleware("api-http-trigger", 0).is_err());
    assert!(document.insert_middleware("api-http-trigger", 1, &path("m"), &none).is_err());
    assert!(document.insert_middleware("none", 0, &path("m"), &none).is_err());
    assert_eq!(document.text(), text);
}

/// Puts `m.wasm` at each place and takes it out again; shows the trigger with it at the place asked for.
#[track_caller]
fn layer(trigger: &str, place: usize) -> String {
    let text = app(&format!(
        "[component.api]\nsource = \"api.wasm\"\n\n{trigger}\n[component.lib]\nsource = \"b\"\n"
    ));
    let mut document = Document::parse(&text).unwrap_or_else(|e| panic!("{e}"));
    let count = document.manifest().trigger("t").unwrap().middleware.len();
    let mut shown = String::new();
    for position in 0..=count {
        document.insert_middleware("t", position, &path("m.wasm"), &Inherit::Default).unwrap();
        let entry = &document.manifest().trigger("t").unwrap().middleware[position];
        assert_eq!(entry.source, path("m.wasm"));
        if position == place {
            let after = document.text();
            let from = after.find("[trigger]").or_else(|| after.rfind("[[trigger.http]]\nid")).unwrap();
            after[from..after.find("\n[component.lib]").unwrap()].clone_into(&mut shown);
        }
        document.remove_middleware("t", position).unwrap();
        assert_eq!(document.text(), text, "at {position}");
    }
    shown
}

#[test]
fn middleware_in_every_layout() {
    let base = "[[trigger.http]]\nid = \"t\"\nroute = \"/t\"\ncomponent = \"api\"\n";
    assert_snapshot!(layer(base, 0), @r#"
    [[trigger.http]]
    id = "t"
    route = "/t"
    component = "api"
    dependencies.middleware = [{ path = "m.wasm" }]
    "#);
    assert_snapshot!(layer(&format!("{base}dependencies.middleware = [ ]\n"), 0), @r#"
    [[trigger.http]]
    id = "t"
    route = "/t"
    component = "api"
    dependencies.middleware = [ { path = "m.wasm" } ]
    "#);
    assert_snapshot!(layer(&format!("{base}dependencies.middleware = [{{ path = \"a\" }}, {{ path = \"b\" }}] # order\n"), 1), @r#"
    [[trigger.http]]
    id = "t"
    route = "/t"
    component = "api"
    dependencies.middleware = [{ path = "a" }, { path = "m.wasm" }, { path = "b" }] # order
    "#);
    assert_snapshot!(layer(&format!("{base}dependencies.middleware = [\n  {{ path = \"a\" }}, # first\n  {{ path = \"b\" }}, # last\n]\n"), 2), @r#"
    [[trigger.http]]
    id = "t"
    route = "/t"
    component = "api"
    dependencies.middleware = [
      { path = "a" }, # first
      { path = "b" }, # last
      { path = "m.wasm" },
    ]
    "#);
    assert_snapshot!(layer(&format!("{base}dependencies = {{ middleware = [{{ path = \"a\" }}] }}\n"), 1), @r#"
    [[trigger.http]]
    id = "t"
    route = "/t"
    component = "api"
    dependencies = { middleware = [{ path = "a" }, { path = "m.wasm" }] }
    "#);
    assert_snapshot!(layer(&format!("{base}[trigger.http.dependencies]\nmiddleware = [{{ path = \"a\" }}]\n"), 0), @r#"
    [[trigger.http]]
    id = "t"
    route = "/t"
    component = "api"
    [trigger.http.dependencies]
    middleware = [{ path = "m.wasm" }, { path = "a" }]
    "#);
    assert_snapshot!(layer(&format!("{base}\n[[trigger.http.dependencies.middleware]]\npath = \"a\"\n\n# the second\n[[trigger.http.dependencies.middleware]]\npath = \"b\"\n"), 1), @r#"
    [[trigger.http]]
    id = "t"
    route = "/t"
    component = "api"

    [[trigger.http.dependencies.middleware]]
    path = "a"

    [[trigger.http.dependencies.middleware]]
    path = "m.wasm"

    # the second
    [[trigger.http.dependencies.middleware]]
    path = "b"
    "#);
    assert_snapshot!(layer("[[trigger.http]]\nid = \"t\"\nroute = \"/t\"\n[trigger.http.component]\nsource = \"a\"\n", 0), @r#"
    [[trigger.http]]
    id = "t"
    route = "/t"
    dependencies.middleware = [{ path = "m.wasm" }]
    [trigger.http.component]
    source = "a"
    "#);
}

#[test]
fn middleware_in_an_inline_trigger() {
    let text = "spin_manifest_version = 2\napplication.name = \"a\"\ntrigger.http = [{ id = \"t\", route = \"/\", component = \"c\" }]\ncomponent.c.source = \"c\"\n";
    let mut document = Document::parse(text).unwrap();
    let inherit = Inherit::Only(vec![Capability::AllowedOutboundHosts]);
    let source = registry("acme:auth", "1");
    document.insert_middleware("t", 0, &source, &inherit).unwrap();
    assert_snapshot!(document.text(), @r#"
    spin_manifest_version = 2
    application.name = "a"
    trigger.http = [{ id = "t", route = "/", component = "c", dependencies.middleware = [{ version = "^1", package = "acme:auth", inherit_configuration = ["allowed_outbound_hosts"] }] }]
    component.c.source = "c"
    "#);
    document.remove_middleware("t", 0).unwrap();
    assert_eq!(document.text(), text);
}

#[test]
fn removing_the_last_middleware_keeps_what_adding_would_not_make() {
    let remove = |rest: &str| {
        let text = app(&format!(
            "[component.api]\nsource = \"api.wasm\"\n\n[[trigger.http]]\nid = \"t\"\nroute = \"/t\"\ncomponent = \"api\"\n{rest}"
        ));
        let mut document = Document::parse(&text).unwrap();
        document.remove_middleware("t", 0).unwrap();
        document.text().rsplit_once("component = \"api\"\n").unwrap().1.to_owned()
    };
    assert_eq!(remove("dependencies.middleware = [{ path = \"a\" }] # why\n# x\n"), "# x\n");
    assert_eq!(
        remove("dependencies = { middleware = [ { path = \"a\" } ] }\n"),
        "dependencies = { middleware = [ ] }\n"
    );
    assert_eq!(
        remove("[trigger.http.dependencies]\nmiddleware = [\n  { path = \"a\" },\n]\n"),
        "[trigger.http.dependencies]\nmiddleware = [\n]\n"
    );
    assert_eq!(remove("\n[[trigger.http.dependencies.middleware]]\npath = \"a\"\n# x\n"), "# x\n");
}

#[test]
fn triggers_that_share_an_id_cannot_be_told_apart() {
    let text = app(
        "[component.api]\nsource = \"a\"\n[[trigger.http]]\nid = \"t\"\nroute = \"/a\"\ncomponent = \"api\"\n[[trigger.http]]\nid = \"t\"\nroute = \"/b\"\ncomponent = \"api\"\n",
    );
    let mut document = Document::parse(&text).unwrap();
    let error = document.insert_middleware("t", 0, &path("m"), &Inherit::Default).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::AmbiguousTrigger("t".into()));
}

#[test]
fn a_requirement_changes_in_its_place_only() {
    let text = app("[component.api]\nsource = \"a.wasm\"\n\n[component.api.dependencies]\n\
         \"a:a\"='^1' # short\n\
         \"a:b\" = { inherit_configuration = [ \"files\" ],version=\"1.2\" }\n\n\
         [component.api.dependencies.\"a:c/d@1.0.0\"]\npackage = \"a:c\"\nversion = \"\"\"=1.0.0\"\"\"\n");
    for (name_of, written, wanted) in
        [("a:a", "^1", "'^2'"), ("a:b", "1.2", "\"^2\""), ("a:c/d@1.0.0", "=1.0.0", "\"^2\"")]
    {
        let mut document = Document::parse(&text).unwrap();
        let place =
            document.manifest().components["api"].dependency(&name(name_of)).unwrap().source_span.clone();
        assert_eq!(document.requirement(&place).as_deref(), Some(written));
        document.set_requirement(&place, "^2").unwrap();
        let expected = format!("{}{wanted}{}", &text[..place.start], &text[place.end..]);
        assert_eq!(document.text(), expected);
        let said = &document.manifest().components["api"].dependency(&name(name_of)).unwrap().source;
        assert!(matches!(said, Source::Registry { req, .. } if req.to_string() == "^2"));

        let before = document.text();
        for unusable in ["", "new", "'; x = '"] {
            assert!(document.set_requirement(&place, unusable).is_err(), "{unusable}");
        }
        assert!(document.set_requirement(&(0..4), "^2").is_err());
        assert!(document.set_requirement(&(0..usize::MAX), "^2").is_err());
        assert_eq!(document.text(), before);
    }
}

/// Overrides `acme:hash` by a file, checks that going back restores the text, and shows what changed.
#[track_caller]
fn replace(application: &str) -> String {
    let text = app("[component.api]\nsource = \"api.wasm\"\n").replacen(
        "[application]\nname = \"shop\"\n",
        application,
        1,
    );
    let mut document = Document::parse(&text).unwrap_or_else(|e| panic!("{e}"));
    let package = "acme:hash".parse().unwrap();
    document.set_override(&package, &path("../hash.wasm")).unwrap();
    let added = document.text();
    let overrides = &document.manifest().application.deps.overrides;
    assert!(overrides.iter().any(|it| it.package == package && it.source == path("../hash.wasm")));
    assert_eq!(document.remove_override(&package), Ok(true));
    assert_eq!(document.text(), text, "after:\n{added}");
    assert_eq!(document.remove_override(&package), Ok(false));
    changes(&text, &added)
}

#[test]
fn overrides_in_every_layout() {
    assert!(app("").contains("[application]\nname = \"shop\"\n"), "what the layouts are put in place of");
    assert_snapshot!(replace("[application]\nname = \"shop\"\n"), @r#"

    [application.tool.deps.overrides]
    "acme:hash" = { path = "../hash.wasm" }

    [[trigger.http]]
    "#);
    assert_snapshot!(replace("[application]\nname = \"shop\"\ntool.other = {}\n"), @r#"
    tool.other = {}
    tool.deps.overrides."acme:hash" = { path = "../hash.wasm" }
    "#);
    assert_snapshot!(replace("[application]\nname = \"shop\"\n[application.tool.deps]\ndefault_registry = \"ghcr.io\"\n"), @r#"

    [application.tool.deps.overrides]
    "acme:hash" = { path = "../hash.wasm" }

    [[trigger.http]]
    "#);
    assert_snapshot!(replace("[application]\nname = \"shop\"\n[[application.tool.deps.verify.requests]]\npath = \"/x\"\n"), @r#"

    [application.tool.deps.overrides]
    "acme:hash" = { path = "../hash.wasm" }

    [[trigger.http]]
    "#);
    assert_snapshot!(replace("[application]\nname = \"shop\"\n[application.tool.deps.overrides]\n\"acme:log\" = \"=1.0.0\" # for now\n"), @r#"
    "acme:log" = "=1.0.0" # for now
    "acme:hash" = { path = "../hash.wasm" }
    "#);
    assert_snapshot!(replace("[application]\nname = \"shop\"\ntool.deps.overrides.\"acme:log\" = \"=1.0.0\"\n"), @r#"
    tool.deps.overrides."acme:log" = "=1.0.0"
    tool.deps.overrides."acme:hash" = { path = "../hash.wasm" }
    "#);
    assert_snapshot!(replace("[application]\nname = \"shop\"\ntool = { deps = { overrides = { \"acme:log\" = \"=1.0.0\" } } }\n"), @r#"
    name = "shop"
    tool = { deps = { overrides = { "acme:log" = "=1.0.0", "acme:hash" = { path = "../hash.wasm" } } } }
    "#);
    assert_snapshot!(replace("[application]\nname = \"shop\"\ntool = { deps = { default_registry = \"ghcr.io\" } }\n"), @r#"
    name = "shop"
    tool = { deps = { default_registry = "ghcr.io", overrides = { "acme:hash" = { path = "../hash.wasm" } } } }
    "#);
}

#[test]
fn an_override_takes_the_place_of_another() {
    let entry = |entry: &str, source: &Source| {
        let lines = format!("[application.tool.deps.overrides]\n{entry}\n");
        let text = app(&format!("[component.api]\nsource = \"api.wasm\"\n{lines}"));
        let mut document = Document::parse(&text).unwrap();
        document.set_override(&"acme:hash".parse().unwrap(), source).unwrap();
        changes(&text, &document.text())
    };
    assert_snapshot!(entry("\"acme:hash\" = \"=1.0.0\" # why", &path("hash.wasm")), @r#"
    [application.tool.deps.overrides]
    "acme:hash" = { path = "hash.wasm" } # why
    "#);
    assert_snapshot!(entry("\"acme:hash\" = { path = \"old.wasm\" }", &registry("acme:hash", "^2")), @r#"
    [application.tool.deps.overrides]
    "acme:hash" = "^2"
    "#);
    assert_snapshot!(entry("\"acme:hash\".path = \"old.wasm\"", &registry("other:hash", "^2")), @r#"
    [application.tool.deps.overrides]
    "acme:hash".version = "^2"
    "acme:hash".package = "other:hash"
    "#);
    assert_snapshot!(entry("[application.tool.deps.overrides.\"acme:hash\"]\nversion = \"1\"\nregistry = \"ghcr.io\"", &path("hash.wasm")), @r#"
    [application.tool.deps.overrides."acme:hash"]
    path = "hash.wasm"
    "#);
}
