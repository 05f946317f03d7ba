//! What the solver costs on registries made for it, side by side in one run with plain `PubGrub` over the same index.
//!
//! `cargo xtask bench solver [NAME…] [--runs N] [--packages N]` prints a line for each registry and size: the median time
//! of both in turns, their ratio, how many questions the index was asked, and what came out. The registries are the
//! same in every run, on every machine.
//!
//! `PubGrub` alone (see `plain`) knows no buckets that a requirement spans, no yanks, no lock and no pre-releases; it is the
//! floor that we build on, not a tool that somebody could use instead.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod plain;
mod registries;

use std::time::{Duration, Instant};

use spin_deps_resolver::{Failure, Preference, resolve};

use registries::{Case, FAMILIES};

const SIZES: [usize; 3] = [100, 1_000, 10_000];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let mut rest = arguments.iter().skip_while(|argument| *argument != name);
        rest.nth(1).and_then(|value| value.parse::<usize>().ok())
    };
    let runs = option("--runs").unwrap_or(5).max(1);
    let sizes = option("--packages").map_or(SIZES.to_vec(), |size| vec![size]);
    let is_named = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !FAMILIES.iter().any(|family| is_named(family.name));

    println!("median of {runs} runs; each registry has the number of packages given, with 20 releases each");
    println!(
        "{:<12} {:>8} {:>11} {:>11} {:>7} {:>7} {:>9} {:>9} {:>7}  answer",
        "registry", "packages", "plain ms", "ours ms", "ratio", "growth", "versions", "releases", "types",
    );
    for family in FAMILIES.iter().filter(|family| all || is_named(family.name)) {
        let mut before = None;
        for &size in &sizes {
            let case = (family.make)(size);
            before = Some(measure(family.name, size, &case, runs, before));
        }
        println!();
    }
}

/// Measures both and prints a line; `before` is our time for the size before.
fn measure(name: &str, size: usize, case: &Case, runs: usize, before: Option<Duration>) -> Duration {
    let (mut plain, mut ours) = (Vec::new(), Vec::new());
    let mut answer = String::new();
    for _ in 0..runs {
        let begun = Instant::now();
        plain::resolve(case);
        plain.push(begun.elapsed());

        case.index.reset();
        let begun = Instant::now();
        let found = resolve(&case.requirements, &case.locked, Preference::Highest, &case.index);
        ours.push(begun.elapsed());
        answer = match &found {
            Ok(resolution) => format!("{} releases", resolution.packages.len()),
            Err(Failure::NoSolution { explanation, .. }) => {
                format!("none, explained in {} characters", explanation.len())
            }
            Err(other) => other.to_string(),
        };
        assert_eq!(found.is_ok(), case.is_solvable, "{name}: {answer}");
    }
    let (plain, ours) = (median(plain), median(ours));
    let ratio = ours.as_secs_f64() / plain.as_secs_f64();
    let growth =
        before.map_or(String::new(), |before| format!("{:.1} ×", ours.as_secs_f64() / before.as_secs_f64()));
    let [versions, releases, wires] = case.index.asked();
    println!(
        "{name:<12} {size:>8} {:>11.2} {:>11.2} {ratio:>6.2}× {growth:>7} {versions:>9} {releases:>9} {wires:>7}  {answer}",
        plain.as_secs_f64() * 1000.0,
        ours.as_secs_f64() * 1000.0,
    );
    ours
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
