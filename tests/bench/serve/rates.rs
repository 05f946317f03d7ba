//! How many requests a second, how late the slowest are, and in how much memory.

use spin_deps_fixtures::http::{p2_app, p3_app, p3_middleware};

use super::load::{Seen, ask};
use super::server::{Kind, Server};
use super::{compose, median, runs, write_app};
use crate::measure::option;
use crate::support::memory::bytes_of;
use crate::support::world::Sandbox;

/// What is served, and to how many at once.
struct Scene {
    name: &'static str,
    component: Vec<u8>,
    middleware: bool,
    reuse: bool,
    connections: usize,
}

/// Connections that keep both processors busy, and as many as a small public service has.
const FEW: usize = 16;
const MANY: usize = 1000;

pub(super) fn run() {
    let seconds = option("--seconds").unwrap_or(2).max(1);
    println!("requests: {} turns of {seconds} s each, medians\n", runs());
    println!("| | connections | | `spin-deps up` | `wasmtime serve` | ratio |");
    println!("|---|---:|---|---:|---:|---:|");
    let scene = |name, component: &[u8], connections| Scene {
        name,
        component: component.to_vec(),
        middleware: false,
        reuse: true,
        connections,
    };
    let (p2, p3) = (p2_app(&[]), p3_app(&[]));
    for scene in [
        scene("p2", &p2, FEW),
        scene("p3", &p3, FEW),
        Scene { reuse: false, ..scene("p3, no reuse", &p3, FEW) },
        Scene { middleware: true, ..scene("p3 behind middleware", &p3, FEW) },
        scene("p2", &p2, MANY),
        scene("p3", &p3, MANY),
    ] {
        scene.run(seconds);
    }
    println!();
}

impl Scene {
    fn run(&self, seconds: usize) {
        let sandbox = Sandbox::new();
        let trigger = if self.middleware {
            sandbox.write("stamp.wasm", p3_middleware("x-stamp", "bench"));
            "dependencies.middleware = [{ path = \"stamp.wasm\" }]\n"
        } else {
            ""
        };
        let settings = if self.reuse { "" } else { "[component.app.tool.deps]\nreuse = false\n" };
        write_app(&sandbox, &self.component, trigger, settings);
        let composed = compose(&sandbox);

        let (mut ours, mut theirs) = (Side::default(), Side::default());
        for _ in 0..runs() {
            for (kind, side) in [(Kind::Ours, &mut ours), (Kind::Wasmtime, &mut theirs)] {
                let server = Server::start(kind, &sandbox, &composed, self.reuse);
                // What happens once, such as filling the pages of the pool, is no matter of one turn.
                let url = format!("{}/x", server.url);
                ask(&url, self.connections, 1);
                side.seen.push(ask(&url, self.connections, seconds));
                side.memory.push(mebibytes(bytes_of(server.id(), "VmHWM").expect("a server that runs")));
                server.stop();
            }
        }

        let row = |first: &str, what: &str, digits: usize, value: &dyn Fn(&Side) -> f64| {
            let (ours, theirs) = (value(&ours), value(&theirs));
            let ratio = ours / theirs;
            println!("| {first} | {what} | {ours:.digits$} | {theirs:.digits$} | {ratio:.2} × |");
        };
        row(&format!("{} | {}", self.name, self.connections), "requests a second", 0, &|it| {
            it.of(|it| it.rate)
        });
        row(" |", "half within, ms", 2, &|it| it.of(|it| it.p50));
        row(" |", "99 % within, ms", 2, &|it| it.of(|it| it.p99));
        if self.connections == MANY {
            row(" |", "most memory, MiB", 0, &|it| median(it.memory.clone()));
        }
        let wrong = |side: &Side| side.seen.iter().map(|it| it.wrong).sum::<f64>();
        if wrong(&ours) + wrong(&theirs) > 0.0 {
            println!("| | | without a right answer | {} | {} | |", wrong(&ours), wrong(&theirs));
        }
    }
}

/// What was seen of one of the two.
#[derive(Default)]
struct Side {
    seen: Vec<Seen>,
    memory: Vec<f64>,
}

impl Side {
    fn of(&self, value: impl Fn(&Seen) -> f64) -> f64 {
        median(self.seen.iter().map(value).collect())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a size to be shown")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
