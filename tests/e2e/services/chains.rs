//! Local service chaining.

use spin_deps_fixtures::http::{asking_app, outbound_app, p2_app};

use super::tool;
use crate::running::serve;
use crate::support::http::get;

const ROUTES: &str = r#"[[trigger.http]]
route = "/ask/..."
component = "front"

[[trigger.http]]
route = { private = true }
component = "back"

[[trigger.http]]
route = "/public"
component = "back"

[[trigger.http]]
route = "/"
static_response = { status_code = 203 }

[[trigger.http]]
route = "/round"
component = "round"

[component.front]
source = "front.wasm"
allowed_outbound_hosts = ["http://back.spin.internal", "http://nobody.spin.internal", "http://self"]

[component.back]
source = "back.wasm"

[component.round]
source = "round.wasm"
allowed_outbound_hosts = ["http://*.spin.internal"]
"#;

#[test]
fn components_ask_each_other_without_the_network() {
    let sandbox = tool("allowed_outbound_hosts = [\"http://*.spin.internal\", \"http://self\"]", ROUTES);
    sandbox.write("front.wasm", outbound_app());
    sandbox.write("back.wasm", p2_app(&[]));
    sandbox.write("round.wasm", asking_app("round.spin.internal"));

    // A command asks in WASI 0.3. `up` goes on for the routes.
    let (up, address) = serve(&sandbox, &["--", "http", "back.spin.internal", "/a?b=c"]);
    let mut up = up;
    let line = up.wait_for(|line| line.starts_with("http: ").then(|| line.trim_end().to_owned()));
    assert_eq!(line, "http: Ok((200, \"path: /a?b=c\"))");
    let ask = |path: &str| get(&format!("http://{address}{path}")).text();
    assert_eq!(ask("/public"), "path: /public");
    up.interrupt();
    assert_eq!(up.finish().status.code(), Some(0));
}

#[test]
fn chains_are_allowed_by_name_and_have_an_end() {
    let sandbox = tool("", ROUTES);
    sandbox.write("front.wasm", asking_app("back.spin.internal"));
    sandbox.write("back.wasm", p2_app(&[]));
    sandbox.write("round.wasm", asking_app("round.spin.internal"));
    let manifest = sandbox.read("spin.toml");
    let (_, http) = manifest.split_once("[[trigger.http]]").expect("a trigger");
    let (http, _) = http.split_once("[[trigger.command]]").expect("a command");
    let head = "spin_manifest_version = 2\n\n[application]\nname = \"chains\"\n\n[[trigger.http]]";
    sandbox.write("spin.toml", format!("{head}{http}"));
    let asked = |path: &str| {
        let (up, address) = serve(&sandbox, &[]);
        let answer = get(&format!("http://{address}{path}"));
        up.interrupt();
        assert_eq!(up.finish().status.code(), Some(0));
        (answer.status, answer.text())
    };
    assert_eq!(asked("/ask/x"), (200, "status 200".into()));
    // Each asks the next one, until there is none; so they all answer.
    assert_eq!(asked("/round"), (200, "status 200".into()));
    for (host, answer) in [
        ("self", "status 203"),
        ("self.alt", "error 15"),
        ("nobody.spin.internal", "error 2"),
        ("round.spin.internal", "error 15"),
    ] {
        sandbox.write("front.wasm", asking_app(host));
        let (status, text) = asked("/ask/x");
        assert_eq!((status, text.as_str()), (200, answer), "{host}");
    }
}
