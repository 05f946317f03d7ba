//! Composing an app with many dependencies, everything locked and at hand.

use std::time::Instant;

use spin_deps_fixtures::http::p2_app;
use spin_deps_fixtures::library::chain;

use super::{median, runs, write_app};
use crate::packages::label;
use crate::support::world::Sandbox;

const COUNTS: [usize; 4] = [1, 10, 25, 50];
const VERSION: &str = "1.0.0";

pub(super) fn run() {
    println!("compose: {} turns, medians; the process included\n", runs() * 2);
    println!("| dependencies | `spin-deps compose` | for each of them |");
    println!("|---:|---:|---:|");
    let sandboxes: Vec<(usize, Sandbox)> = COUNTS.into_iter().map(|count| (count, project(count))).collect();
    let mut times = vec![Vec::new(); COUNTS.len()];
    let mut start = Vec::new();
    for _ in 0..runs() * 2 {
        for ((_, sandbox), times) in sandboxes.iter().zip(&mut times) {
            times.push(timed(sandbox, &["compose", "app", "-o", "../composed.wasm"]));
        }
        start.push(timed(&sandboxes[0].1, &["--version"]));
    }
    let start = median(start);
    for (count, times) in COUNTS.into_iter().zip(times) {
        let time = median(times);
        let each = (time - start) / f64::from(u32::try_from(count).expect("a small count"));
        println!("| {count} | {time:.1} ms | {each:.2} ms |");
    }
    println!("| the process alone | {start:.1} ms | |\n");
}

/// An app with so many dependencies, locked and fetched.
fn project(count: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_folder();
    let names: Vec<String> = (0..count).map(|number| format!("acme:part-{}", label(number))).collect();
    for name in &names {
        sandbox.publish(&chain(name, VERSION, &[]));
    }
    let imports: Vec<_> = names.iter().map(|name| (name.as_str(), VERSION)).collect();
    let dependencies: Vec<_> = names.iter().map(|name| format!("\"{name}\" = \"^1\"")).collect();
    let table = format!("[component.app.dependencies]\n{}\n", dependencies.join("\n"));
    write_app(&sandbox, &p2_app(&imports), "", &table);
    sandbox.run(&["sync"]).done();
    sandbox
}

/// Milliseconds that a run takes.
fn timed(sandbox: &Sandbox, arguments: &[&str]) -> f64 {
    let begun = Instant::now();
    sandbox.run(arguments).done();
    begun.elapsed().as_secs_f64() * 1e3
}
