//! What was probably meant.

use super::project;
use crate::support::world::Sandbox;

/// What is said about a failure, without what it says of the usage.
fn said(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let run = sandbox.run(arguments);
    assert_ne!(run.code, Some(0), "{arguments:?}: {}", run.stdout);
    let lines = run
        .stderr
        .lines()
        .filter(|line| ["error:", "hint:", "  tip:"].iter().any(|beginning| line.starts_with(beginning)));
    format!("$ spin-deps {}\n{}\n", arguments.join(" "), lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_near_name_is_offered() {
    let sandbox = project();
    let said: Vec<_> = [
        ["lok"].as_slice(),
        &["tree", "--invrt", "acme:base"],
        &["tree", "--format", "jsn"],
        &["completions", "bsh"],
        &["add", "acme:midle", "--to", "other"],
        &["add", "acme:env", "--to", "ap"],
        &["add", "acme:env", "--to", "app", "--inherit", "enviroment"],
        &["add", "acme:env", "--route", "/othr/..."],
        &["remove", "acme:midle"],
        &["update", "acme:bse"],
        &["why", "acme:bse"],
        &["tree", "--invert", "acme:bse"],
        &["info", "acme:en"],
        &["versions", "acme:midddle"],
        &["diff", "acme:bas@1.0.0", "2.0.0"],
        &["compose", "ap", "-o", "x.wasm"],
        &["yank", "acme:base@1.0.1"],
    ]
    .iter()
    .map(|arguments| said(&sandbox, arguments))
    .collect();
    insta::assert_snapshot!(said.join("\n"), @"
    $ spin-deps lok
    error: unrecognized subcommand 'lok'
      tip: some similar subcommands exist: 'link', 'lock'

    $ spin-deps tree --invrt acme:base
    error: unexpected argument '--invrt' found
      tip: a similar argument exists: '--invert'

    $ spin-deps tree --format jsn
    error: invalid value 'jsn' for '--format <FORMAT>'
      tip: a similar value exists: 'json'

    $ spin-deps completions bsh
    error: invalid value 'bsh' for '<SHELL>'
      tip: a similar value exists: 'bash'

    $ spin-deps add acme:midle --to other
    error: acme:midle is not in the registry wasm.example
    hint: did you mean `acme:middle`?

    $ spin-deps add acme:env --to ap
    error: the app has no component `ap`
    hint: did you mean `app`?

    $ spin-deps add acme:env --to app --inherit enviroment
    error: `enviroment` is not a capability
    hint: did you mean `environment`?

    $ spin-deps add acme:env --route /othr/...
    error: no HTTP trigger has the route `/othr/...`
    hint: did you mean `/other/...`?

    $ spin-deps remove acme:midle
    error: there is no dependency `acme:midle`
    hint: did you mean `acme:middle`?

    $ spin-deps update acme:bse
    error: acme:bse is not in spin-deps.lock
    hint: did you mean `acme:base`?

    $ spin-deps why acme:bse
    error: the app does not depend on `acme:bse`
    hint: did you mean `acme:base`?

    $ spin-deps tree --invert acme:bse
    error: the app does not depend on `acme:bse`
    hint: did you mean `acme:base`?

    $ spin-deps info acme:en
    error: acme:en is not in the registry wasm.example
    hint: did you mean `acme:env`?

    $ spin-deps versions acme:midddle
    error: acme:midddle is not in the registry wasm.example
    hint: did you mean `acme:middle`?

    $ spin-deps diff acme:bas@1.0.0 2.0.0
    error: acme:bas is not in the registry wasm.example
    hint: did you mean `acme:base`?

    $ spin-deps compose ap -o x.wasm
    error: the app has no component `ap`
    hint: did you mean `app`?

    $ spin-deps yank acme:base@1.0.1
    error: wasm.example has no release 1.0.1 of acme:base
    hint: did you mean `1.0.0`?
    ");
}

#[test]
fn so_it_is_for_a_package_that_the_manifest_asks_for() {
    let sandbox = project();
    let text = sandbox.read("spin.toml");
    sandbox.write("spin.toml", text.replace("\"acme:base\" = \"^2\"", "\"acme:bsae\" = \"^2\""));
    insta::assert_snapshot!(said(&sandbox, &["lock"]), @"
    $ spin-deps lock
    error: because component `other` depends on acme:bsae ^2 and acme:bsae is not in the registry wasm.example, your requirements cannot all be met
    hint: did you mean `acme:base`?
    ");
}
