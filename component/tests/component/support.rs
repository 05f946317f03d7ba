//! Composing and running fixtures.

use std::sync::Arc;

use spin_deps_component::{
    ComposeError, Composed, Composition, ImportPattern, Link, LinkPattern, Part, Reach, compose,
};
use wasmtime::{
    Engine, Store,
    component::{Component, ComponentNamedList, Lift, Linker, Lower},
};

/// A part without links.
pub(crate) fn part(label: &str, bytes: Vec<u8>) -> Part {
    Part { label: label.to_owned(), bytes: Arc::from(bytes), links: Vec::new(), reach: Reach::All }
}

/// A part with a link per entry: the package and the target's index.
pub(crate) fn linked(label: &str, bytes: Vec<u8>, packages: &[(&str, usize)]) -> Part {
    let links = packages.iter().map(|&(package, target)| Link {
        pattern: LinkPattern::Package(package.parse().unwrap()),
        target,
        export: None,
        origin: package.to_owned(),
    });
    Part { links: links.collect(), ..part(label, bytes) }
}

/// A link as a dependency in `spin.toml` makes it.
pub(crate) fn named(name: &str, target: usize) -> Link {
    let pattern: ImportPattern = name.parse().unwrap();
    Link { pattern: LinkPattern::Named(pattern), target, export: None, origin: name.to_owned() }
}

/// Composes `parts` around the first.
pub(crate) fn composed(parts: Vec<Part>) -> Result<Composed, ComposeError> {
    compose(&Composition { root: 0, parts, middleware: Vec::new() })
}

/// The error and its hint, one below the other.
pub(crate) fn failure(result: Result<Composed, ComposeError>) -> String {
    let error = result.expect_err("the composition should fail");
    format!("{error}\nhint: {}", error.hint().unwrap_or_else(|| "none".to_owned()))
}

/// The wires, one per line.
pub(crate) fn wires(composed: &Composed) -> String {
    let lines =
        composed.wires.iter().map(|w| format!("{}: {} <- {} of {}", w.from, w.import, w.export, w.to));
    lines.collect::<Vec<_>>().join("\n")
}

/// A started component.
pub(crate) struct Running {
    store: Store<()>,
    instance: wasmtime::component::Instance,
}

impl Running {
    /// Starts a component that needs nothing from a host.
    pub(crate) fn start(bytes: &[u8]) -> Self {
        let engine = Engine::default();
        let component = Component::new(&engine, bytes).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &component).unwrap();
        Self { store, instance }
    }

    /// Calls a function of an exported interface, or with an empty name a plain one.
    pub(crate) fn call<P, R>(&mut self, interface: &str, function: &str, params: P) -> R
    where
        P: ComponentNamedList + Lower,
        R: Send + Sync + 'static + Lift,
        (R,): ComponentNamedList + Lift,
    {
        let scope = match interface {
            "" => None,
            name => Some(self.instance.get_export_index(&mut self.store, None, name).expect("the interface")),
        };
        let index =
            self.instance.get_export_index(&mut self.store, scope.as_ref(), function).expect("the function");
        let function = self.instance.get_typed_func::<P, (R,)>(&mut self.store, index).unwrap();
        function.call(&mut self.store, params).unwrap().0
    }

    /// Calls a library's `call`.
    pub(crate) fn text(&mut self, interface: &str, input: &str) -> String {
        self.call(interface, "call", (input.to_owned(),))
    }
}
