//! Many small packages in a registry that is far away, and an app that depends on all of them.

use std::time::Duration;

use spin_deps_fixtures::{heavy, library::chain};

use crate::measure::option;
use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// How long the proxy waits before each request, in milliseconds.
const DELAY: usize = 30;
/// What a release weighs, in bytes: as much as a small component written in Rust.
pub(crate) const WEIGHT: usize = 64 * 1024;
/// The version that all choose, and an older one that they pass over.
const VERSIONS: [&str; 2] = ["1.0.0", "1.1.0"];

/// The packages, and the proxy in front of their registry.
pub(crate) struct Packages {
    pub(crate) names: Vec<String>,
    pub(crate) proxy: Proxy,
    pub(crate) delay: Duration,
    _registry: Registry,
}

impl Packages {
    /// Publishes as many packages as `--packages` says, else `count`.
    pub(crate) fn publish(count: usize) -> Self {
        let count = option("--packages").unwrap_or(count);
        let delay = Duration::from_millis(option("--delay").unwrap_or(DELAY).try_into().unwrap_or(u64::MAX));
        let names: Vec<String> = (0..count).map(|number| format!("acme:part-{}", label(number))).collect();
        let registry = Registry::open();
        let publisher = Sandbox::new();
        publisher.use_registry(&registry);
        for name in &names {
            for version in VERSIONS {
                let mut component = chain(name, version, &[]);
                component.extend(heavy::custom("ballast", &vec![0; WEIGHT - component.len()]));
                publisher.publish(&component);
            }
        }
        let proxy = Proxy::start(&registry.host());
        proxy.delay(delay);
        Self { names, proxy, delay, _registry: registry }
    }

    /// An app that depends on all of them, by range, on a machine that has never seen one.
    pub(crate) fn project(&self) -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.use_host(&self.proxy.host(), None);
        let imports: Vec<_> = self.names.iter().map(|name| (name.as_str(), VERSIONS[0])).collect();
        let dependencies: Vec<_> = self.names.iter().map(|name| format!("\"{name}\" = \"^1\"")).collect();
        sandbox.write_app(&imports, &dependencies.join("\n"), "");
        sandbox
    }

    /// Panics unless the project's lockfile has all of them.
    pub(crate) fn assert_locked(&self, sandbox: &Sandbox) {
        let locked = sandbox.read("spin-deps.lock").matches("[[package]]").count();
        assert_eq!(locked, self.names.len(), "all are locked");
    }
}

/// Names may not have a digit after a hyphen: `aa`, `ab`, … instead of numbers.
pub(crate) fn label(number: usize) -> String {
    let letter = |value: usize| char::from(b'a' + u8::try_from(value % 26).unwrap_or_default());
    [letter(number / 26), letter(number)].iter().collect()
}
