//! What decides how long locking takes: the depth of the graph, not its size.
//!
//! What a package needs is known once its description is there, so a graph cannot be locked in fewer round trips than it is
//! deep. Everything of one depth is asked for side by side. The second part is what remains when there is nothing to do:
//! reading the lockfile and seeing that it fits.

use std::time::{Duration, Instant};

use spin_deps_fixtures::library::chain;

use crate::measure::{Measured, option};
use crate::packages::label;
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// How deep, and how many packages.
const GRAPHS: [(usize, usize); 6] = [(5, 10), (5, 50), (5, 200), (1, 50), (10, 50), (25, 50)];
/// The packages of the app that is locked already.
const LOCKED: (usize, usize) = (5, 100);
const VERSION: &str = "1.0.0";

pub(crate) fn run() {
    let runs = option("--runs").unwrap_or(3).max(1);
    let delay = Duration::from_millis(option("--delay").unwrap_or(30).try_into().unwrap_or(u64::MAX));
    println!("graphs: {} ms before each request, median of {runs} runs", delay.as_millis());
    let registry = Registry::open();
    let proxy = Proxy::start(&registry.host());
    proxy.delay(delay);

    let mut lines: Vec<Measured> = Vec::new();
    for (number, (depth, packages)) in GRAPHS.into_iter().enumerate() {
        let graph = Graph { number, depth, packages };
        graph.publish(&registry);
        let mut measured = Measured::new(format!("spin-deps lock, {packages} packages, {depth} deep"));
        for _ in 0..runs {
            let sandbox = graph.project(&proxy);
            lock(&sandbox, &proxy, &mut measured);
            graph.assert_locked(&sandbox);
        }
        lines.push(measured);
    }
    for measured in &lines {
        measured.print(&lines[0]);
    }

    let (depth, packages) = LOCKED;
    let graph = Graph { number: GRAPHS.len(), depth, packages };
    graph.publish(&registry);
    let sandbox = graph.project(&proxy);
    sandbox.run(&["lock"]).done();
    graph.assert_locked(&sandbox);
    let mut start = Measured::new("spin-deps --version, the start alone");
    let mut nothing = Measured::new(format!("spin-deps lock, {packages} packages, nothing to do"));
    for _ in 0..runs.max(20) {
        let begun = Instant::now();
        sandbox.run(&["--version"]).done();
        start.add(begun.elapsed());
        lock(&sandbox, &proxy, &mut nothing);
    }
    println!();
    for measured in [&start, &nothing] {
        measured.print(&start);
    }
}

fn lock(sandbox: &Sandbox, proxy: &Proxy, measured: &mut Measured) {
    proxy.reset();
    let begun = Instant::now();
    sandbox.run(&["lock"]).done();
    measured.add(begun.elapsed()).requests(proxy.requests().len());
}

/// Layers of packages, each of which needs two of the next layer. The app needs all of the first.
struct Graph {
    /// Makes the names differ from those of other graphs.
    number: usize,
    depth: usize,
    packages: usize,
}

impl Graph {
    fn width(&self) -> usize {
        self.packages / self.depth
    }

    fn name(&self, layer: usize, at: usize) -> String {
        let number = layer * self.width() + at % self.width();
        format!("acme:graph-{}-{}", label(self.number), label(number))
    }

    fn publish(&self, registry: &Registry) {
        let publisher = Sandbox::new();
        publisher.use_registry(registry);
        for layer in 0..self.depth {
            for at in 0..self.width() {
                let mut needs: Vec<String> = Vec::new();
                if layer + 1 < self.depth {
                    needs.extend([self.name(layer + 1, at), self.name(layer + 1, at + 1)]);
                    needs.dedup();
                }
                let needs: Vec<(&str, &str)> = needs.iter().map(|name| (name.as_str(), VERSION)).collect();
                publisher.publish(&chain(&self.name(layer, at), VERSION, &needs));
            }
        }
    }

    /// An app on a machine that has seen none of it.
    fn project(&self, proxy: &Proxy) -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.use_host(&proxy.host(), None);
        let names: Vec<String> = (0..self.width()).map(|at| self.name(0, at)).collect();
        let imports: Vec<_> = names.iter().map(|name| (name.as_str(), VERSION)).collect();
        let dependencies: Vec<_> = names.iter().map(|name| format!("\"{name}\" = \"^1\"")).collect();
        sandbox.write_app(&imports, &dependencies.join("\n"), "");
        sandbox
    }

    fn assert_locked(&self, sandbox: &Sandbox) {
        let locked = sandbox.read("spin-deps.lock").matches("[[package]]").count();
        assert_eq!(locked, self.packages, "all are locked");
    }
}
