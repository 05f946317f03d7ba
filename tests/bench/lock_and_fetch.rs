//! How long it takes to lock and fetch fifty packages that are not there yet, for us and for a plain loop over
//! `wasm-pkg-client`, side by side in one run.
//!
//! Both read one real registry through one proxy that waits 30 ms before it passes a request on, which is what a registry
//! in the same country costs. Ours is the whole program, from its start to its end, with a lock, verified content on disk
//! and generated WIT as its result. Theirs is what `wkg` does for each package, one after the other, without the start of
//! a program and without a lock: list the versions, take the newest, get the release, stream its content to a file. The
//! runs take turns, so that a busy machine is busy for both.
//!
//! `cargo xtask bench -- --packages 50 --runs 5 --delay 30`; the values are those without arguments.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "../e2e/support/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod support;

use std::time::{Duration, Instant};

use futures::TryStreamExt;
use spin_deps_fixtures::library::chain;
use wasm_pkg_client::{Client, Config, PackageRef, Version};

use support::http::block_on;
use support::proxy::Proxy;
use support::registry::Registry;
use support::world::{Sandbox, wkg_configuration};

/// How long the proxy waits before each request, in milliseconds.
const DELAY: usize = 30;

/// What a release weighs, in bytes: as much as a small component written in Rust.
const WEIGHT: usize = 64 * 1024;

/// The version that both choose, and an older one that they pass over.
const VERSIONS: [&str; 2] = ["1.0.0", "1.1.0"];

/// One kind of work, measured several times.
#[derive(Default)]
struct Measured {
    times: Vec<Duration>,
    requests: usize,
}

impl Measured {
    fn add(&mut self, started: Instant, proxy: &Proxy) {
        self.times.push(started.elapsed());
        self.requests = proxy.requests().len();
    }

    fn median(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort();
        times[times.len() / 2]
    }

    fn print(&self, what: &str) {
        let (least, most) = (self.times.iter().min(), self.times.iter().max());
        println!(
            "{what:<44} {:>9.1} ms   ({:.1} to {:.1})   {:>4} requests",
            milliseconds(self.median()),
            milliseconds(least.copied().unwrap_or_default()),
            milliseconds(most.copied().unwrap_or_default()),
            self.requests
        );
    }
}

fn main() {
    let packages = option("--packages").unwrap_or(50);
    let runs = option("--runs").unwrap_or(5).max(1);
    let delay = Duration::from_millis(option("--delay").unwrap_or(DELAY).try_into().unwrap_or(u64::MAX));
    let names: Vec<String> = (0..packages).map(|number| format!("acme:part-{}", label(number))).collect();
    println!(
        "{packages} packages of {} KiB, {} ms before each request, median of {runs} runs",
        WEIGHT / 1024,
        delay.as_millis()
    );

    let registry = Registry::open();
    let publisher = Sandbox::new();
    publisher.use_registry(&registry);
    for name in &names {
        for version in VERSIONS {
            publisher.publish(&weighted(chain(name, version, &[])));
        }
    }

    let proxy = Proxy::start(&registry.host());
    proxy.delay(delay);
    let (mut theirs, mut ours, mut warm, mut start) =
        (Measured::default(), Measured::default(), Measured::default(), Measured::default());
    for _ in 0..runs {
        proxy.reset();
        let begun = Instant::now();
        block_on(plain_loop(&proxy, &names));
        theirs.add(begun, &proxy);

        // A home that has never seen a package, as the loop has none.
        let sandbox = project(&proxy, &names);
        proxy.reset();
        let begun = Instant::now();
        sandbox.run(&["sync"]).done();
        ours.add(begun, &proxy);
        assert_eq!(
            sandbox.read("spin-deps.lock").matches("[[package]]").count(),
            names.len(),
            "all are locked"
        );

        proxy.reset();
        let begun = Instant::now();
        sandbox.run(&["sync"]).done();
        warm.add(begun, &proxy);

        proxy.reset();
        let begun = Instant::now();
        sandbox.run(&["--version"]).done();
        start.add(begun, &proxy);
    }

    theirs.print("wasm-pkg-client, one package after the other");
    ours.print("spin-deps sync, nothing there yet");
    warm.print("spin-deps sync, locked and fetched");
    start.print("spin-deps --version, the start alone");
    println!("ratio, cold: {:.1}", theirs.median().as_secs_f64() / ours.median().as_secs_f64());
}

/// What `wkg` does for each package.
async fn plain_loop(proxy: &Proxy, names: &[String]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let configuration = wkg_configuration(&proxy.host(), None);
    let client = Client::new(Config::from_toml(&configuration).expect("a configuration"));
    for name in names {
        let package: PackageRef = name.parse().expect("a package name");
        let listed = client.list_all_versions(&package).await.expect("the versions");
        let newest: Version = listed.into_iter().map(|info| info.version).max().expect("a version");
        let release = client.get_release(&package, &newest).await.expect("the release");
        let mut content = client.stream_content(&package, &release).await.expect("the content");
        let mut bytes = Vec::new();
        while let Some(chunk) = content.try_next().await.expect("the content") {
            bytes.extend_from_slice(&chunk);
        }
        fs_err::write(directory.path().join(package.name().to_string()), bytes).expect("a file");
    }
}

/// An app that depends on all of them, by range.
fn project(proxy: &Proxy, names: &[String]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.use_host(&proxy.host(), None);
    let imports: Vec<_> = names.iter().map(|name| (name.as_str(), VERSIONS[0])).collect();
    let dependencies: Vec<_> = names.iter().map(|name| format!("\"{name}\" = \"^1\"")).collect();
    sandbox.write_app(&imports, &dependencies.join("\n"), "");
    sandbox
}

/// Names may not have a digit after a hyphen: `aa`, `ab`, … instead of numbers.
fn label(number: usize) -> String {
    let letter = |value: usize| char::from(b'a' + u8::try_from(value % 26).unwrap_or_default());
    [letter(number / 26), letter(number)].iter().collect()
}

/// The component with a custom section that brings it to [`WEIGHT`].
fn weighted(mut component: Vec<u8>) -> Vec<u8> {
    const NAME: &[u8] = b"weight";
    let filler = WEIGHT.saturating_sub(component.len());
    let mut size = NAME.len() + 1 + filler;
    component.push(0);
    while size > 0x7f {
        component.push(u8::try_from(size & 0x7f).unwrap_or_default() | 0x80);
        size >>= 7;
    }
    component.push(u8::try_from(size).unwrap_or_default());
    component.push(u8::try_from(NAME.len()).unwrap_or_default());
    component.extend_from_slice(NAME);
    component.resize(component.len() + filler, 0);
    component
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The number after `name` on the command line; cargo's own `--bench` and anything else is passed over.
fn option(name: &str) -> Option<usize> {
    std::env::args().skip_while(|argument| argument != name).nth(1)?.parse().ok()
}
