//! What somebody at a terminal is asked, and sees.

use super::{MANIFEST, SMALL_MANIFEST, added, done, press, project, screen, small_project, start};
use crate::support::library::environment_counter;
use crate::support::terminal::Key;
use spin_deps_fixtures::odd::with_section;

#[test]
fn components_interfaces_and_capabilities_are_asked_for() {
    let sandbox = project();
    let mut terminal = start(&sandbox, &["add", "acme:kit"]);
    insta::assert_snapshot!(screen(&sandbox, &mut terminal, "web"), @"
    ? Which components get the dependency? (arrows move, space selects, enter confirms)
    > [ ] api
      [ ] web
    ");
    press(&mut terminal, &[(Key::Space, "[x] api"), (Key::Down, "> [ ] web"), (Key::Space, "[x] web")]);
    terminal.press(Key::Enter);
    insta::assert_snapshot!(screen(&sandbox, &mut terminal, "two@1.0.0"), @"
    ? Which components get the dependency? api, web
    ? What of acme:kit 1.0.0 is to be imported?
      (arrows move, space selects, enter confirms)
    > [ ] All from acme:kit@1.0.0
      [ ] acme:kit/one@1.0.0
      [ ] acme:kit/two@1.0.0
    ");
    press(&mut terminal, &[(Key::Down, "> [ ] acme:kit/one"), (Key::Space, "> [x] acme:kit/one")]);
    terminal.press(Key::Enter);
    terminal.wait_for("Wrote");
    insta::assert_snapshot!(done(&sandbox, terminal), @"
    ? Which components get the dependency? api, web
    ? What of acme:kit 1.0.0 is to be imported? acme:kit/one@1.0.0
    Added acme:kit/one@1.0.0 to component 'api' (acme:kit 1.0.0)
    Added acme:kit/one@1.0.0 to component 'web' (acme:kit 1.0.0)
    Locked 1 package in spin-deps.lock
      add acme:kit 1.0.0
    Wrote spin-dependencies.wit
    Run `spin build` to build against the new dependency.
    ");
    insta::assert_snapshot!(added(&sandbox, MANIFEST), @r#"
    [component.api.dependencies]
    "acme:kit/one@1.0.0" = "^1.0.0"
    [component.web.dependencies]
    "acme:kit/one@1.0.0" = "^1.0.0"
    "#);
}

#[test]
fn all_of_a_package_is_one_entry() {
    let sandbox = small_project();
    let mut terminal = start(&sandbox, &["add", "acme:kit"]);
    terminal.wait_until_shown("two@1.0.0");
    // All, and one of them besides, is all.
    press(
        &mut terminal,
        &[
            (Key::Space, "> [x] All from"),
            (Key::Down, "> [ ] acme:kit/one"),
            (Key::Space, "[x] acme:kit/one"),
        ],
    );
    terminal.press(Key::Enter);
    terminal.wait_for("Added");
    done(&sandbox, terminal);
    insta::assert_snapshot!(added(&sandbox, SMALL_MANIFEST), @r#"
    [component.api.dependencies]
    "acme:kit" = "^1.0.0"
    "#);
}

#[test]
fn nothing_is_no_answer_where_something_is_needed() {
    let sandbox = small_project();
    let mut terminal = start(&sandbox, &["add", "acme:kit"]);
    terminal.wait_until_shown("two@1.0.0");
    terminal.press(Key::Enter);
    insta::assert_snapshot!(screen(&sandbox, &mut terminal, "at least one"), @"
    ? What of acme:kit 1.0.0 is to be imported?
      (select at least one with space, enter confirms)
    > [ ] All from acme:kit@1.0.0
      [ ] acme:kit/one@1.0.0
      [ ] acme:kit/two@1.0.0
    ");
}

#[test]
fn capabilities_that_the_component_has_are_offered_first() {
    let sandbox = small_project();
    let mut terminal = start(&sandbox, &["add", "acme:env"]);
    insta::assert_snapshot!(screen(&sandbox, &mut terminal, "environment"), @"
    ? What may acme:env 1.0.0 use of component `api`?
      (arrows move, space selects, enter confirms)
    > [x] environment
    ");
    terminal.press(Key::Enter);
    terminal.wait_for("Added");
    insta::assert_snapshot!(done(&sandbox, terminal), @"
    ? What may acme:env 1.0.0 use of component `api`? environment
    Added acme:env to component 'api' (acme:env 1.0.0)
    Locked 1 package in spin-deps.lock
      add acme:env 1.0.0, gains environment
      acme:env 1.0.0 is now granted environment by component api
    Wrote spin-dependencies.wit
    ");
    insta::assert_snapshot!(added(&sandbox, SMALL_MANIFEST), @r#"
    [component.api.dependencies]
    "acme:env" = { version = "^1.0.0", inherit_configuration = ["environment"] }
    "#);

    // What was agreed to can be taken back.
    let mut terminal = start(&sandbox, &["add", "acme:env"]);
    terminal.wait_until_shown("[x] environment");
    press(&mut terminal, &[(Key::Space, "[ ] environment")]);
    terminal.press(Key::Enter);
    terminal.wait_for("Added");
    insta::assert_snapshot!(done(&sandbox, terminal), @"
    ? What may acme:env 1.0.0 use of component `api`? none
    warning: acme:env 1.0.0 reaches for `environment`, which will be denied to it; if it may, add `--inherit environment`
    Added acme:env to component 'api' (acme:env 1.0.0)
    Locked 1 package in spin-deps.lock
      acme:env 1.0.0 is no longer granted environment by component api
    ");
    insta::assert_snapshot!(added(&sandbox, SMALL_MANIFEST), @r#"
    [component.api.dependencies]
    "acme:env" = { version = "^1.0.0", inherit_configuration = [] }
    "#);
}

#[test]
fn what_a_dependency_asks_for_stands_beside_the_capability() {
    let sandbox = small_project();
    let requires = br#"{"format_version":1,"environment":["MODE","LEVEL"]}"#;
    sandbox.write(
        "env.wasm",
        with_section(&environment_counter("acme:env", "1.0.0"), "spin:requires", requires),
    );
    sandbox.write("spin.toml", SMALL_MANIFEST.replace("environment = { MODE = \"test\" }\n", ""));
    let mut terminal = start(&sandbox, &["add", "./env.wasm"]);
    insta::assert_snapshot!(screen(&sandbox, &mut terminal, "[ ] environment"), @"
    ? What may ./env.wasm use of component `api`?
      (arrows move, space selects, enter confirms)
    > [ ] environment (asks for MODE, LEVEL; api has none)
    ");
}

#[test]
fn one_rule_for_all_dependencies_leaves_nothing_to_ask() {
    let sandbox = small_project();
    let with_rule = SMALL_MANIFEST.to_owned() + "dependencies_inherit_configuration = true\n";
    sandbox.write("spin.toml", &with_rule);
    let terminal = start(&sandbox, &["add", "acme:env"]);
    insta::assert_snapshot!(done(&sandbox, terminal), @"
    Added acme:env to component 'api' (acme:env 1.0.0)
    Locked 1 package in spin-deps.lock
      add acme:env 1.0.0, gains environment
      acme:env 1.0.0 is now granted environment by component api
    Wrote spin-dependencies.wit
    ");
    insta::assert_snapshot!(added(&sandbox, &with_rule), @r#"
    [component.api.dependencies]
    "acme:env" = "^1.0.0"
    "#);
}

#[test]
fn middleware_is_known_by_what_it_is_and_asks_for_its_routes() {
    let sandbox = project();
    let mut terminal = start(&sandbox, &["add", "./first.wasm"]);
    insta::assert_snapshot!(screen(&sandbox, &mut terminal, "(web)"), @"
    ? ./first.wasm is middleware. In front of which routes does it stand?
      (arrows move, space selects, enter confirms)
    > [ ] /api/... (api)
      [ ] /... (web)
    ");
    press(&mut terminal, &[(Key::Space, "[x] /api/"), (Key::Down, "> [ ] /..."), (Key::Space, "> [x] /...")]);
    terminal.press(Key::Enter);
    terminal.wait_for("Added");
    insta::assert_snapshot!(done(&sandbox, terminal), @"
    ? ./first.wasm is middleware. In front of which routes does it stand? /api/..., /...
    Added middleware './first.wasm' to the trigger for route '/api/...'
    Added middleware './first.wasm' to the trigger for route '/...'
    Locked nothing: the app needs no packages
    ");
    insta::assert_snapshot!(added(&sandbox, MANIFEST), @r#"
    dependencies.middleware = [{ path = "./first.wasm" }]
    dependencies.middleware = [{ path = "./first.wasm" }]
    "#);
}

#[test]
fn middleware_is_moved_through_the_pipeline() {
    let sandbox = small_project();
    for name in ["./first.wasm", "./third.wasm"] {
        sandbox.run(&["add", name, "--route", "/..."]).done();
    }
    let mut terminal = start(&sandbox, &["add", "./second.wasm"]);
    insta::assert_snapshot!(screen(&sandbox, &mut terminal, "component api"), @"
    ? Where in the pipeline of /...? (arrows move it, enter confirms)
        request
        ./first.wasm
        ./third.wasm
      > ./second.wasm
        component api
    ");
    terminal.press(Key::Up);
    insta::assert_snapshot!(screen(&sandbox, &mut terminal, "> ./second.wasm\n    ./third.wasm"), @"
    ? Where in the pipeline of /...? (arrows move it, enter confirms)
        request
        ./first.wasm
      > ./second.wasm
        ./third.wasm
        component api
    ");
    terminal.press(Key::Enter);
    terminal.wait_for("Added");
    insta::assert_snapshot!(done(&sandbox, terminal), @"
    ? Where in the pipeline of /...? before ./third.wasm
    Added middleware './second.wasm' to the trigger for route '/...'
    Locked nothing: the app needs no packages
    ");
    insta::assert_snapshot!(added(&sandbox, SMALL_MANIFEST), @r#"dependencies.middleware = [{ path = "./first.wasm" }, { path = "./second.wasm" }, { path = "./third.wasm" }]"#);
}

#[test]
fn an_export_is_chosen_for_another_name() {
    let sandbox = small_project();
    let mut terminal = start(&sandbox, &["add", "./kit.wasm", "--rename", "acme:tools/sum@1.0.0"]);
    insta::assert_snapshot!(screen(&sandbox, &mut terminal, "two@1.0.0"), @"
    ? Which export of ./kit.wasm is `acme:tools/sum@1.0.0`? (arrows move, enter chooses)
    > acme:kit/one@1.0.0
      acme:kit/two@1.0.0
    ");
    press(&mut terminal, &[(Key::Down, "> acme:kit/two")]);
    terminal.press(Key::Enter);
    terminal.wait_for("Added");
    done(&sandbox, terminal);
    insta::assert_snapshot!(added(&sandbox, SMALL_MANIFEST), @r#"
    [component.api.dependencies]
    "acme:tools/sum@1.0.0" = { path = "./kit.wasm", export = "acme:kit/two@1.0.0" }
    "#);
}

#[test]
fn remove_asks_where_a_name_stands_more_than_once() {
    let sandbox = project();
    sandbox.run(&["add", "acme:base", "--to", "api", "--to", "web"]).done();
    let mut terminal = start(&sandbox, &["remove", "acme:base"]);
    insta::assert_snapshot!(screen(&sandbox, &mut terminal, "`web`"), @"
    ? Which `acme:base` is to be removed? (arrows move, space selects, enter confirms)
    > [ ] `acme:base` of component `api`
      [ ] `acme:base` of component `web`
    ");
    press(
        &mut terminal,
        &[
            (Key::Down, "> [ ] `acme:base` of component `web`"),
            (Key::Space, "[x] `acme:base` of component `web`"),
        ],
    );
    terminal.press(Key::Enter);
    terminal.wait_for("Removed");
    insta::assert_snapshot!(done(&sandbox, terminal), @"
    ? Which `acme:base` is to be removed? web
    Removed acme:base from component 'web'
    Locked 1 package in spin-deps.lock, up to date
    ");
    insta::assert_snapshot!(added(&sandbox, MANIFEST), @r#"
    [component.api.dependencies]
    "acme:base" = "^1.1.0"
    "#);
}
