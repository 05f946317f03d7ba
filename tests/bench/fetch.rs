//! Locking and fetching, against a plain loop over `wasm-pkg-client`.
//!
//! The loop asks for each package in turn what a resolver must know (its versions, then the release) and downloads the
//! content. It keeps nothing and builds nothing else; `spin-deps sync` also writes its lockfile and the WIT that the app
//! is built against. A second `sync` shows what a warm store costs, and `--version` what starting the program costs.

use std::time::Instant;

use crate::client;
use crate::measure::{Measured, option};
use crate::packages::{Packages, WEIGHT};
use crate::support::http::block_on;

pub(crate) fn run() {
    let runs = option("--runs").unwrap_or(5).max(1);
    let packages = Packages::publish(50);
    println!(
        "fetch: {} packages of {} KiB, {} ms before each request, median of {runs} runs",
        packages.names.len(),
        WEIGHT / 1024,
        packages.delay.as_millis()
    );
    let mut theirs = Measured::new("wasm-pkg-client, one package after the other");
    let mut ours = Measured::new("spin-deps sync, nothing there yet");
    let mut warm = Measured::new("spin-deps sync, locked and fetched");
    let mut start = Measured::new("spin-deps --version, the start alone");
    for _ in 0..runs {
        packages.proxy.reset();
        let begun = Instant::now();
        block_on(client::fetch_all(&packages.proxy.host(), &packages.names));
        theirs.add(begun.elapsed()).requests(packages.proxy.requests().len());

        let sandbox = packages.project();
        for (measured, command) in [(&mut ours, "sync"), (&mut warm, "sync"), (&mut start, "--version")] {
            packages.proxy.reset();
            let begun = Instant::now();
            sandbox.run(&[command]).done();
            measured.add(begun.elapsed()).requests(packages.proxy.requests().len());
        }
        packages.assert_locked(&sandbox);
    }
    for measured in [&theirs, &ours, &warm, &start] {
        measured.print(&theirs);
    }
}
