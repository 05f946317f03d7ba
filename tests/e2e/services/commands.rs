//! Components that run to an end, and triggers that nothing runs.

use super::{told, tool, up};

#[test]
fn a_command_gets_arguments_and_gives_its_status() {
    let sandbox = tool("", "");
    assert_eq!(
        told(&sandbox, &["arguments", "-x", "y z"]),
        "arguments: [\"tool\", \"arguments\", \"-x\", \"y z\"]\n"
    );
    for way in ["exit", "fail"] {
        let run = up(&sandbox, &["-q"], &[way]).failed();
        assert!(!run.stderr.contains("error:"), "{}", run.stderr);
    }
    let run = up(&sandbox, &[], &["trap"]).failed();
    assert!(run.stderr.contains("error: the command `tool` trapped: wasm `unreachable`"), "{}", run.stderr);
}

#[test]
fn commands_run_in_order_until_one_fails() {
    let second =
        "[[trigger.command]]\ncomponent = \"first\"\n\n[component.first]\nsource = \"services.wasm\"\n";
    let sandbox = tool("", second);
    assert_eq!(
        told(&sandbox, &["arguments"]),
        "arguments: [\"first\", \"arguments\"]\narguments: [\"tool\", \"arguments\"]\n"
    );
    let run = up(&sandbox, &[], &["trap"]).failed();
    assert!(run.stderr.contains("the command `first` trapped") && !run.stderr.contains("`tool` trapped"));
}

#[test]
fn verify_expects_commands_to_succeed() {
    let sandbox = tool("", "");
    // Without arguments it says that it knows no such thing, and ends well.
    let run = sandbox.run(&["verify"]).done();
    assert!(run.stderr.contains("[tool] unknown: \"\""), "{}", run.stderr);

    let (core, failing) = (r#"(func (export "run") (result i32) i32.const 1)"#, "failing.wasm");
    let wit = "package acme:failing;\nworld failing { export wasi:cli/run@0.2.0; }\n\
               package wasi:cli@0.2.0 { interface run { run: func() -> result; } }";
    let wat = format!("(module {})", core.replace("\"run\"", "\"wasi:cli/run@0.2.0#run\""));
    sandbox.write(failing, spin_deps_fixtures::component(wit, "failing", &wat).expect("a component"));
    let manifest = sandbox.read("spin.toml");
    sandbox.write("spin.toml", manifest.replace("services.wasm", failing));
    let run = sandbox.run(&["verify"]).failed();
    assert!(run.stderr.contains("the command `tool` ended with the status 1"), "{}", run.stderr);
    up(&sandbox, &[], &[]).failed();
}

#[test]
fn triggers_that_nothing_runs_are_named() {
    let sandbox = tool("", "");
    let manifest = sandbox.read("spin.toml");
    sandbox.write(
        "spin.toml",
        format!("{manifest}\n[[trigger.redis]]\ncomponent = \"tool\"\nchannel = \"c\"\n"),
    );
    let run = up(&sandbox, &[], &["arguments"]).done();
    assert!(
        run.stderr.contains("is of the kind `redis`, which the embedded host does not run"),
        "{}",
        run.stderr
    );
    sandbox.write("spin.toml", manifest.replace("[[trigger.command]]", "[[trigger.redis]]\nchannel = \"c\""));
    let run = up(&sandbox, &[], &[]).failed();
    insta::assert_snapshot!(run.stderr, @"
    error: the app has no trigger that the embedded host runs

    hint: it runs triggers of the kinds `http` and `command`; `spin up` may know others
    ");
}

#[test]
fn a_command_trigger_wants_a_command() {
    let sandbox = tool("", "");
    sandbox.write("services.wasm", spin_deps_fixtures::http::p2_app(&[]));
    let run = up(&sandbox, &[], &[]).failed();
    insta::assert_snapshot!(run.stderr, @"
    error: the component `tool` of a command trigger does not export `wasi:cli/run`

    hint: build it as a command, for example of a `main` function for `wasm32-wasip2`; `[[trigger.http]]` serves an HTTP handler
    ");
}
