//! What cannot be added, and why.

use super::{project, small_project, start};
use crate::support::library::{function, two_versions};
use crate::support::terminal::Key;
use crate::support::world::Sandbox;
use spin_deps_fixtures::http::silent;
use spin_deps_fixtures::odd::closed;

/// Runs commands that must fail and change nothing, and gives what they say.
#[track_caller]
fn refusals(sandbox: &Sandbox, commands: &[&[&str]]) -> String {
    let before = sandbox.files();
    let text = |arguments: &&[&str]| {
        let run = sandbox.run(arguments).failed();
        assert!(sandbox.files() == before, "{arguments:?} changed a file");
        format!("$ {}\n{}", arguments.join(" "), sandbox.snapshot(&run))
    };
    commands.iter().map(text).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_component_without_anything_to_import() {
    let sandbox = small_project();
    sandbox.write("closed.wasm", closed().unwrap());
    sandbox.write("silent.wasm", silent());
    insta::assert_snapshot!(refusals(&sandbox, &[
        &["add", "./closed.wasm"],
        &["add", "./closed.wasm", "--rename", "sum"],
        &["add", "./api.wasm"],
        &["add", "./kit.wasm", "--import", "acme:kit/ome@1.0.0"],
        &["add", "./kit.wasm", "--import", "acme:kit/one@2.0.0"],
        &["add", "./kit.wasm", "--export", "acme:kit/tow@1.0.0"],
        &["add", "./kit.wasm", "--rename", "acme:tools"],
    ]), @"
    $ add ./closed.wasm
    exit: 1
    --- stderr
    error: ./closed.wasm exports nothing that a component could import

    hint: it has no exports at all: build it for a world that exports an interface

    $ add ./closed.wasm --rename sum
    exit: 1
    --- stderr
    error: ./closed.wasm exports nothing that a component could import

    hint: it has no exports at all: build it for a world that exports an interface

    $ add ./api.wasm
    exit: 1
    --- stderr
    error: ./api.wasm exports nothing that a component could import

    hint: it exports `wasi:http/handler@0.3.0`, which the host calls

    $ add ./kit.wasm --import acme:kit/ome@1.0.0
    exit: 1
    --- stderr
    error: ./kit.wasm exports nothing for the import `acme:kit/ome@1.0.0`

    hint: did you mean `acme:kit/one@1.0.0`?

    $ add ./kit.wasm --import acme:kit/one@2.0.0
    exit: 1
    --- stderr
    error: ./kit.wasm exports nothing for the import `acme:kit/one@2.0.0`

    hint: did you mean `acme:kit/one@1.0.0`?

    $ add ./kit.wasm --export acme:kit/tow@1.0.0
    exit: 1
    --- stderr
    error: ./kit.wasm has no export `acme:kit/tow@1.0.0`

    hint: did you mean `acme:kit/two@1.0.0`?

    $ add ./kit.wasm --rename acme:tools
    exit: 1
    --- stderr
    error: `acme:tools` stands for a whole package, and `--rename` is for one export

    hint: name an interface, such as `acme:tools/api@1.0.0`, or a plain name
    ");
}

#[test]
fn a_name_that_another_entry_has() {
    let sandbox = small_project();
    sandbox.write("two.wasm", two_versions("acme:two", ["1.0.0", "1.1.0"]));
    sandbox.run(&["add", "acme:kit"]).done();
    insta::assert_snapshot!(refusals(&sandbox, &[
        &["add", "./kit.wasm", "--import", "acme:kit/one@1.0.0"],
        &["add", "./two.wasm", "--import", "acme:two/api@1.0.0", "--import", "acme:two/api@1.1.0"],
    ]), @r#"
    $ add ./kit.wasm --import acme:kit/one@1.0.0
    exit: 1
    --- stderr
    error: `acme:kit/one@1.0.0` would match the same imports as `acme:kit`, which component `api` has already
        ╭─[spin.toml:15:1]
     14 │ [component.api.dependencies]
     15 │ "acme:kit" = "^1.0.0"
        · ─────┬────
        ·      ╰── this one
        ╰────

    hint: remove that one first, `spin-deps remove acme:kit --to api`, or give the new one another name with `--rename`

    $ add ./two.wasm --import acme:two/api@1.0.0 --import acme:two/api@1.1.0
    exit: 1
    --- stderr
    error: the dependencies `acme:two/api@1.0.0` and `acme:two/api@1.1.0` of component `api` can match the same import

    hint: tell them apart by interface or by an incompatible version, or remove one
    "#);
}

#[test]
fn a_route_that_is_not_there() {
    let sandbox = project();
    sandbox.run(&["add", "./first.wasm", "--route", "/..."]).done();
    insta::assert_snapshot!(refusals(&sandbox, &[
        &["add", "./second.wasm", "--route", "/appi/..."],
        &["add", "./second.wasm", "--route", "/somewhere/else"],
        &["add", "./second.wasm", "--route", "/health"],
        &["add", "./second.wasm", "--route", "/...", "--before", "./frist.wasm"],
    ]), @"
    $ add ./second.wasm --route /appi/...
    exit: 1
    --- stderr
    error: no HTTP trigger has the route `/appi/...`

    hint: did you mean `/api/...`?

    $ add ./second.wasm --route /somewhere/else
    exit: 1
    --- stderr
    error: no HTTP trigger has the route `/somewhere/else`

    hint: the app has `/api/...`, `/...`, `/health`

    $ add ./second.wasm --route /health
    exit: 1
    --- stderr
    error: the route `/health` has a fixed answer, which no middleware sees

    $ add ./second.wasm --route /... --before ./frist.wasm
    exit: 1
    --- stderr
    error: the pipeline of `/...` has no middleware `./frist.wasm`

    hint: did you mean `./first.wasm`?
    ");
}

#[test]
fn a_word_that_is_nearly_a_name() {
    let sandbox = project();
    sandbox.run(&["add", "acme:base", "--to", "api"]).done();
    insta::assert_snapshot!(refusals(&sandbox, &[
        &["add", "base", "--to", "api"],
        &["add", "wep", "--to", "api"],
        &["add", "something", "--to", "api"],
        &["add", "acme:bose", "--to", "api"],
        &["add", "acme:base", "--to", "apl"],
        &["remove", "acme:bass"],
    ]), @"
    $ add base --to api
    exit: 1
    --- stderr
    error: `base` is neither a component of the app nor a package, a path or a URL

    hint: did you mean `acme:base`?

    $ add wep --to api
    exit: 1
    --- stderr
    error: `wep` is neither a component of the app nor a package, a path or a URL

    hint: did you mean `web`?

    $ add something --to api
    exit: 1
    --- stderr
    error: `something` is neither a component of the app nor a package, a path or a URL

    hint: a package is written `ns:name`, a path has a `/`, such as `./lib.wasm`

    $ add acme:bose --to api
    exit: 1
    --- stderr
    error: acme:bose is not in the registry wasm.example

    hint: did you mean `acme:base`?

    $ add acme:base --to apl
    exit: 1
    --- stderr
    error: the app has no component `apl`

    hint: did you mean `api`?

    $ remove acme:bass
    exit: 1
    --- stderr
    error: there is no dependency `acme:bass`

    hint: did you mean `acme:base`?
    ");
}

#[test]
fn a_place_needs_a_route_and_one_place_is_enough() {
    let sandbox = small_project();
    let before = sandbox.files();
    for arguments in [
        ["add", "./first.wasm", "--position", "0"].as_slice(),
        &["add", "./first.wasm", "--route", "/...", "--position", "0", "--before", "x"],
        &["add", "./first.wasm", "--route", "/...", "--to", "api"],
        &["add", "./kit.wasm", "--import", "acme:kit", "--rename", "sum"],
    ] {
        let run = sandbox.run(arguments).misused();
        assert!(run.stderr.contains("Usage: "), "{}", run.stderr);
    }
    assert!(sandbox.files() == before);
}

#[test]
fn the_same_middleware_twice_has_no_name() {
    let sandbox = small_project();
    for _ in 0..2 {
        sandbox.run(&["add", "./first.wasm", "--route", "/..."]).done();
    }
    let before = sandbox.files();
    for (arguments, expected) in [
        (
            ["add", "./second.wasm", "--route", "/...", "--after", "./first.wasm"].as_slice(),
            "it stands at 0, 1",
        ),
        (&["remove", "./first.wasm"], "`spin-deps remove 0 --route /...`, `spin-deps remove 1 --route /...`"),
    ] {
        let run = sandbox.run(arguments).misused();
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        assert!(sandbox.files() == before, "{arguments:?} changed a file");
    }
    sandbox.run(&["remove", "1", "--route", "/..."]).done();
    sandbox.run(&["remove", "./first.wasm"]).done();
}

#[test]
fn a_manifest_that_another_program_changes_in_between() {
    let sandbox = small_project();
    sandbox.write("sum.wasm", function("sum"));
    for arguments in [["add", "./kit.wasm"].as_slice(), &["add", "./kit.wasm", "--dry-run"]] {
        let mut terminal = start(&sandbox, arguments);
        terminal.wait_until_shown("two@1.0.0");
        let changed = sandbox.read("spin.toml") + "# a comment\n";
        sandbox.write("spin.toml", &changed);
        let before = sandbox.files();
        terminal.press(Key::Space);
        terminal.wait_until_shown("[x] All");
        terminal.press(Key::Enter);
        terminal.wait_for("hint: run the same command again");
        let (code, screen, _) = terminal.finish_shown();
        assert_eq!(code, Some(1), "{screen}");
        assert!(
            screen.contains("was changed by another program in the meantime; nothing was written"),
            "{screen}"
        );
        assert!(sandbox.files() == before, "a file was changed");
    }
}
