//! What the dependencies of an app may reach of the host.

use serde::Serialize;
use spin_deps_component::Denial;
use spin_deps_lockfile::Lockfile;

use crate::{ComposedComponent, content::without_secrets};

/// What the packages of an app may reach, and what they may not.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Isolation {
    /// What the components of the app pass on to packages, in the order of the lockfile.
    pub granted: Vec<PassedOn>,
    /// What is met by adapters that refuse, in the order of the components.
    pub denied: Vec<Refused>,
}

/// What a component passes on to a package.
#[derive(Clone, Debug, Serialize)]
pub struct PassedOn {
    /// The package with its version, or a URL.
    pub package: String,
    /// The id of the component.
    pub component: String,
    /// The keys of the capabilities.
    pub capabilities: Vec<String>,
}

/// An import that is refused.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    /// The id of the component that the part is composed into.
    pub component: String,
    /// The part: a package with its version, a file or a URL.
    pub part: String,
    /// The import.
    pub import: String,
    /// The key of the capability that it is behind, if there is one.
    pub capability: Option<&'static str>,
}

impl Isolation {
    pub(super) fn new(lock: Option<&Lockfile>, composed: &[ComposedComponent]) -> Self {
        let packages = lock.iter().flat_map(|lock| &lock.packages);
        let packages = packages.map(|it| (format!("{}@{}", it.name, it.version), &it.granted));
        let http = lock.iter().flat_map(|lock| &lock.http).map(|it| (without_secrets(&it.url), &it.granted));
        let granted = packages.chain(http).flat_map(|(package, granted)| {
            granted.iter().map(move |it| PassedOn {
                package: package.clone(),
                component: it.to.clone(),
                capabilities: it.capabilities.clone(),
            })
        });
        let denied = composed.iter().flat_map(|it| it.denials.iter().map(|denial| (&it.id, denial)));
        let denied = denied.map(|(component, Denial { part, import, capability })| Refused {
            component: component.clone(),
            part: part.clone(),
            import: import.clone(),
            capability: *capability,
        });
        Self { granted: granted.collect(), denied: denied.collect() }
    }

    /// It in a line.
    pub(super) fn in_words(&self) -> String {
        let granted = match self.granted.len() {
            0 => "nothing granted".to_owned(),
            1 => "1 grant".to_owned(),
            several => format!("{several} grants"),
        };
        match self.denied.len() {
            0 => format!("{granted}, nothing denied"),
            1 => format!("{granted}, 1 import denied"),
            several => format!("{granted}, {several} imports denied"),
        }
    }
}
