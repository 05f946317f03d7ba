//! What guests write while the app is served.

use serde_json::Value;
use spin_deps_fixtures::http::probe_app;

use super::limits::{app, asked};
use crate::running::serve;
use crate::support::http::get;

#[test]
fn each_line_has_the_name_of_its_component_unless_the_user_wants_quiet() {
    let sandbox = app(&probe_app(), "");
    let paths = ["/print", "/trap"];
    insta::assert_snapshot!(asked(&sandbox, &[], &paths).1, @"
    [web] hello from the guest
    [web] trap: wasm `unreachable` instruction executed
      at answer
      at function 22
    Stopping; Ctrl-C again ends the requests that are under way
    ");
    insta::assert_snapshot!(asked(&sandbox, &["--quiet"], &paths).1, @"
    [web] trap: wasm `unreachable` instruction executed
      at answer
      at function 22
    ");
    let (_, said) = asked(&sandbox, &["-v"], &["/print"]);
    assert!(said.contains("debug: GET /print → 200 in "), "{said}");
}

#[test]
fn scripts_get_a_value_on_each_line() {
    let sandbox = app(&probe_app(), "");
    let (up, address) = serve(&sandbox, &["--format", "json"]);
    for path in ["/print", "/trap"] {
        get(&format!("http://{address}{path}"));
    }
    up.terminate();
    let ended = up.finish();
    let lines: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).expect("a value on each line")).collect();
    assert_eq!(lines[0]["address"], format!("http://{address}"));
    for line in &lines[1..] {
        crate::shell::json::assert_fits("up-line", line, "");
    }
    let shown: Vec<_> = lines[1..]
        .iter()
        .map(|line| {
            [&line["component"], &line["stream"], &line["text"]].map(|it| it.as_str().expect("a text"))
        })
        .collect();
    assert_eq!(shown[0], ["web", "stdout", "hello from the guest"]);
    assert_eq!(shown[1][..2], ["web", "trap"]);
    assert!(shown[1][2].starts_with("wasm `unreachable` instruction executed\n  at "), "{shown:?}");
    assert_eq!(shown.len(), 2);
}
