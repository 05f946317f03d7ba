//! Locking many packages that nothing is known of, against a plain loop over `wasm-pkg-client`.
//!
//! The loop does what wkg does for each package, one after the other: it lists the versions and asks for the release
//! that it chose. It fetches no content, and neither does `spin-deps lock`.

use std::time::Instant;

use crate::client;
use crate::measure::{Measured, option};
use crate::packages::Packages;
use crate::support::http::block_on;

pub(crate) fn run() {
    let runs = option("--runs").unwrap_or(3).max(1);
    let packages = Packages::publish(200);
    println!(
        "lock: {} packages, {} ms before each request, median of {runs} runs",
        packages.names.len(),
        packages.delay.as_millis()
    );
    let mut theirs = Measured::new("wasm-pkg-client, one package after the other");
    let mut ours = Measured::new("spin-deps lock, nothing there yet");
    let mut warm = Measured::new("spin-deps lock, locked already");
    for _ in 0..runs {
        packages.proxy.reset();
        let begun = Instant::now();
        block_on(client::list_and_resolve(&packages.proxy.host(), &packages.names));
        theirs.add(begun.elapsed()).requests(packages.proxy.requests().len());

        let sandbox = packages.project();
        for measured in [&mut ours, &mut warm] {
            packages.proxy.reset();
            let begun = Instant::now();
            sandbox.run(&["lock"]).done();
            measured.add(begun.elapsed()).requests(packages.proxy.requests().len());
        }
        packages.assert_locked(&sandbox);
    }
    for measured in [&theirs, &ours, &warm] {
        measured.print(&theirs);
    }
}
