//! Serving: `spin-deps up` against `wasmtime serve`.
//!
//! Both serve the same composed component on this machine, in turns, and `wrk` asks them. `spin-deps up` also routes, adds
//! Spin's headers, limits times and keeps an eye on loops, none of which is turned off here. Further tables have what
//! has no rival: how long composing takes, and what a denied call costs.
//!
//! `--seconds` says how long `wrk` asks at a time (2), `--runs` how often each server has its turn (5).

mod calls;
mod composing;
mod load;
mod rates;
mod server;
mod start;

use crate::measure::option;
use crate::support::world::Sandbox;

pub(crate) fn run() {
    load::require();
    rates::run();
    start::run();
    composing::run();
    calls::run();
}

fn runs() -> usize {
    option("--runs").unwrap_or(5).max(1)
}

/// The middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Writes an app of the one component `app`, with further lines for its trigger, and further tables.
fn write_app(sandbox: &Sandbox, component: &[u8], trigger: &str, tables: &str) {
    sandbox.write("app.wasm", component);
    sandbox.write(
        "spin.toml",
        format!(
            "spin_manifest_version = 2\n\n[application]\nname = \"bench\"\n\n\
             [[trigger.http]]\nroute = \"/...\"\ncomponent = \"app\"\n{trigger}\n\
             [component.app]\nsource = \"app.wasm\"\n\n{tables}"
        ),
    );
}

/// Composes `app` and gives the path of the file.
fn compose(sandbox: &Sandbox) -> String {
    let file = sandbox.root().join("composed.wasm").display().to_string();
    sandbox.run(&["compose", "app", "-o", &file]).done();
    file
}
