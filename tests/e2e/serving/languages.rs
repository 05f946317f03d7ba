//! One app with a component of every language and generation, each of which calls a library in another.

use std::fmt::Write as _;

use super::{Served, guests};
use crate::support::http::{block_on, get};
use crate::support::world::Sandbox;

/// The components: by what they are made, and the language of the library that they call. What Python and JavaScript
/// bring along takes long to compile, so each has its engine in as few of these as it can be.
const COMPONENTS: [(&str, &str); 8] = [
    ("rust-p2", "c"),
    ("rust-p3", "c"),
    ("c-p2", "rust"),
    ("c-p3", "rust"),
    ("js-p2", "c"),
    ("js-p3", "rust"),
    ("python-p2", "rust"),
    ("python-p3", "c"),
];

#[test]
fn components_of_every_language_serve_call_and_are_wrapped() {
    let sandbox = Sandbox::new();
    let mut manifest = "spin_manifest_version = 2\n\n[application]\nname = \"languages\"\n".to_owned();
    sandbox.write("c.wasm", &*guests::LIBRARY);
    sandbox.write("rust.wasm", guests::made_new("library", "acme:hello", "rust"));
    for language in ["c", "rust"] {
        let stamp = guests::made_new("middleware", "acme:stamp", language);
        sandbox.write(&format!("{language}-stamp.wasm"), stamp);
    }
    for (component, library) in COMPONENTS {
        let made = match component {
            "rust-p2" => guests::P2.clone(),
            "rust-p3" => guests::P3.clone(),
            folder => guests::app(folder),
        };
        sandbox.write(&format!("{component}.wasm"), made);
        // Python's own route is taken once more, behind middleware in Rust and in C.
        let middleware = match component {
            "python-p3" => {
                "dependencies.middleware = [{ path = \"rust-stamp.wasm\" }, { path = \"c-stamp.wasm\" }]\n"
            }
            _ => "",
        };
        // The runtime of componentize-py 0.25 traps when requests wait side by side in one instance.
        let reuse = match component {
            "python-p3" => "[component.python-p3.tool.deps.reuse]\nmax_concurrent = 1\n",
            _ => "",
        };
        let _ = write!(
            manifest,
            "\n[[trigger.http]]\nroute = \"/{component}/...\"\ncomponent = \"{component}\"\n{middleware}\n\
             [component.{component}]\nsource = \"{component}.wasm\"\n\
             dependencies = {{ \"acme:hello/greet@0.1.0\" = {{ path = \"{library}.wasm\" }} }}\n{reuse}"
        );
    }
    sandbox.write("spin.toml", &manifest);
    sandbox.run(&["lock"]).done();
    let verified = Sandbox::run_compiling(&mut sandbox.command(&["verify", "-v"])).done();
    assert!(
        verified.stdout.contains("c-stamp.wasm: wasi:http/handler@0.3.0 → python-p3"),
        "{}",
        verified.stdout
    );

    // What was compiled is kept, so that it serves at once.
    let served = Served::start(sandbox);
    for (component, _) in COMPONENTS {
        let answer = get(&format!("http://{}/{component}/greet/Ada", served.address));
        assert_eq!((answer.status, answer.text().as_str()), (200, "Hello, Ada!"), "{component}");
        let stamped = answer.headers.get("x-middleware").map(String::as_str);
        assert_eq!(stamped, (component == "python-p3").then_some("acme:stamp"), "{component}");
    }
    // Instances of one component serve side by side, each in the state that it was left in.
    let answers = block_on(async {
        let client = crate::support::http::client();
        let ask = async |round: usize| {
            let (component, _) = COMPONENTS[round % COMPONENTS.len()];
            let url = format!("http://{}/{component}/greet/{round}", served.address);
            let text = async { client.get(url).send().await?.text().await }.await;
            (component, text.map_err(|error| format!("{error:?}")), Ok(format!("Hello, {round}!")))
        };
        futures::future::join_all((0..80).map(ask)).await
    });
    // What the components say explains an answer that is missing.
    served.end_well();
    for (component, text, expected) in answers {
        assert_eq!(text, expected, "{component}");
    }
}
