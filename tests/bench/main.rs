//! What spin-deps costs, side by side in one run with what a user would use instead.
//!
//! `cargo xtask bench [NAME…] [--runs N] …` builds with optimisations and runs what is named, or everything (the solver
//! on its own is `cargo xtask bench solver`, see `resolver/benches/solver/`):
//!
//! | name | what it does | against |
//! |---|---|---|
//! | `lock` | locks 200 packages, cold, over a 30 ms delay | a loop over `wasm-pkg-client` |
//! | `fetch` | locks and fetches 50 packages over a 30 ms delay, cold and warm | the same loop, with the content |
//! | `graphs` | locks graphs of different depth and size over a 30 ms delay, and one that is locked | itself |
//! | `transfer` | publishes and fetches one component of 50 MB | curl at the same registry, and `wasm-pkg-client` |
//! | `serve` | serves apps to `wrk`, starts, composes, denies calls | `wasmtime serve` |
//!
//! The registry is real and on this machine. All who compete do the same work in turns, run by run, so that a busy
//! moment of the machine meets all of them. What is printed are medians, the spread, and ratios: the times belong to a
//! machine, the ratios much less.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "../e2e/support/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod support;

mod client;
mod fetch;
mod graphs;
mod lock;
mod measure;
mod packages;
mod serve;
mod transfer;

const BENCHMARKS: [(&str, fn()); 5] = [
    ("lock", lock::run),
    ("fetch", fetch::run),
    ("graphs", graphs::run),
    ("transfer", transfer::run),
    ("serve", serve::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = arguments.as_slice()
        && first == client::COMMAND
    {
        return client::run(rest);
    }
    let is_named = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !BENCHMARKS.iter().any(|(name, _)| is_named(name));
    for (name, run) in BENCHMARKS {
        if all || is_named(name) {
            run();
            println!();
        }
    }
}
