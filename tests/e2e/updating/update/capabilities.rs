//! What could reach more than before is not taken in silence.

use spin_deps_fixtures::library::chain;

use super::{done, locked, refused, write_manifest};
use crate::support::library::environment_counter;
use crate::support::terminal::Terminal;
use crate::support::world::Sandbox;

/// A project whose next update brings a release that reads its environment, and another that is new.
fn gaining() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    sandbox.publish(&chain("acme:count", "1.0.0", &[]));
    sandbox.publish(&chain("acme:front", "1.0.0", &[]));
    write_manifest(&sandbox, "\"acme:count\" = \"^1\"\n\"acme:front\" = \"^1\"");
    sandbox.run(&["lock"]).done();
    sandbox.publish(&environment_counter("acme:count", "1.1.0"));
    sandbox.publish(&environment_counter("acme:new", "1.0.0"));
    sandbox.publish(&chain("acme:front", "1.1.0", &[("acme:new", "1.0.0")]));
    sandbox
}

#[test]
fn a_gain_stops_the_update() {
    let sandbox = gaining();
    insta::assert_snapshot!(refused(&sandbox, &["update"]), @"
    $ update
    exit: 1
    --- stdout
    package     from   to     change  capabilities
    acme:count  1.0.0  1.1.0  minor   +environment
    acme:front  1.0.0  1.1.0  minor
    acme:new    -      1.0.0  added   +environment
    --- stderr
    error: the update would let these reach more than before:
      - acme:count 1.1.0: the capability `environment`
      - acme:new 1.0.0: the capability `environment`

    hint: if they may, run the same command with `--allow-capabilities`
    ");
    insta::assert_snapshot!(refused(&sandbox, &["update", "acme:front"]), @"
    $ update acme:front
    exit: 1
    --- stdout
    package     from   to     change  capabilities
    acme:front  1.0.0  1.1.0  minor
    acme:new    -      1.0.0  added   +environment
    --- stderr
    error: the update would let these reach more than before:
      - acme:new 1.0.0: the capability `environment`

    hint: if they may, run the same command with `--allow-capabilities`
    ");
    let run = sandbox.run(&["update", "--format", "json"]).failed();
    let plan = run.json();
    assert_eq!(plan["status"], "refused");
    assert_eq!(plan["changes"][0]["gained"], serde_json::json!(["environment"]));
    let error: serde_json::Value = serde_json::from_str(&run.stderr).expect("an error in JSON");
    assert!(
        error["error"]["hint"].as_str().is_some_and(|hint| hint.contains("--allow-capabilities")),
        "{error}"
    );
}

#[test]
fn a_dry_run_shows_the_gain() {
    let sandbox = gaining();
    let before = sandbox.files();
    insta::assert_snapshot!(done(&sandbox, &["update", "--dry-run"]), @"
    $ update --dry-run
    exit: 0
    --- stdout
    package     from   to     change  capabilities
    acme:count  1.0.0  1.1.0  minor   +environment
    acme:front  1.0.0  1.1.0  minor
    acme:new    -      1.0.0  added   +environment
    Nothing was written: `--dry-run`
    It would stop because of what is gained, without `--allow-capabilities`
    ");
    assert!(sandbox.files() == before);
}

#[test]
fn a_gain_that_is_allowed_is_taken_and_a_loss_is_shown() {
    let sandbox = gaining();
    insta::assert_snapshot!(done(&sandbox, &["update", "--allow-capabilities"]), @"
    $ update --allow-capabilities
    exit: 0
    --- stdout
    package     from   to     change  capabilities
    acme:count  1.0.0  1.1.0  minor   +environment
    acme:front  1.0.0  1.1.0  minor
    acme:new    -      1.0.0  added   +environment
    Locked 3 packages in spin-deps.lock
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
    sandbox.publish(&chain("acme:count", "1.2.0", &[]));
    insta::assert_snapshot!(done(&sandbox, &["update"]), @"
    $ update
    exit: 0
    --- stdout
    package     from   to     change  capabilities
    acme:count  1.1.0  1.2.0  minor   -environment
    Locked 3 packages in spin-deps.lock
    --- stderr
    Run `spin-deps sync` to fetch what is new and to bring the generated files up to date.
    ");
}

#[test]
fn the_first_lock_has_nothing_to_gain_from() {
    let sandbox = gaining();
    fs_err::remove_file(sandbox.project().join("spin-deps.lock")).expect("the lock");
    sandbox.run(&["update"]).done();
    assert_eq!(locked(&sandbox), ["acme:count 1.1.0", "acme:front 1.1.0", "acme:new 1.0.0"]);
}

#[test]
fn in_a_terminal_it_is_asked() {
    for (answer, code, updated) in [("y", 0, true), ("n", 1, false), ("\r", 1, false)] {
        let sandbox = gaining();
        let before = sandbox.files();
        let mut terminal = Terminal::start(&mut sandbox.command(&["update"]));
        terminal.wait_for("+environment");
        terminal.wait_for("Update even so?");
        terminal.type_in(answer);
        let (ended, screen, shows_typing) = terminal.finish();
        assert_eq!(ended, Some(code), "{screen}");
        assert!(shows_typing);
        assert_eq!(sandbox.files() == before, !updated, "{screen}");
    }
}

/// The question may stand there for a while.
#[test]
fn what_others_write_meanwhile_is_not_overwritten() {
    for file in ["spin.toml", "spin-deps.lock"] {
        let sandbox = gaining();
        let mut terminal = Terminal::start(&mut sandbox.command(&["update"]));
        terminal.wait_for("Update even so?");
        let changed =
            sandbox.read(file).replace("version = \"1.0.0\"", "version = \"1.0.1\"").replace("demo", "mine");
        sandbox.write(file, &changed);
        let before = sandbox.files();
        terminal.type_in("y");
        let (code, screen, _) = terminal.finish();
        assert_eq!(code, Some(1), "{screen}");
        assert!(screen.contains("was changed by another program"), "{screen}");
        assert!(sandbox.files() == before);
    }
}
