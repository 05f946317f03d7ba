//! From a compiled component to something that can be instantiated, with every misfit named.
//!
//! wasmtime reports a missing import in its own words, one at a time. Here the imports are compared with what this
//! host provides first, so that the message can name the interface and say what to do.

use wasmtime::{
    Engine, Result,
    component::{Component, InstancePre, Linker, types::ComponentItem},
};
use wasmtime_wasi_http::{handler::ProxyPre, p2, p3};

use crate::{error::HostError, instance::State, services};

/// What is provided of WASI 0.2, in any of its releases.
const P2: [(&str, &[&str]); 7] = [
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stderr",
            "stdin",
            "stdout",
            "terminal-input",
            "terminal-output",
            "terminal-stderr",
            "terminal-stdin",
            "terminal-stdout",
        ],
    ),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:filesystem", &["preopens", "types"]),
    ("wasi:http", &["outgoing-handler", "types"]),
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:random", &["insecure", "insecure-seed", "random"]),
    (
        "wasi:sockets",
        &[
            "instance-network",
            "ip-name-lookup",
            "network",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ],
    ),
];

/// What is provided of WASI 0.3.
const P3: [(&str, &[&str]); 6] = [
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stderr",
            "stdin",
            "stdout",
            "terminal-input",
            "terminal-output",
            "terminal-stderr",
            "terminal-stdin",
            "terminal-stdout",
            "types",
        ],
    ),
    ("wasi:clocks", &["monotonic-clock", "system-clock", "types"]),
    ("wasi:filesystem", &["preopens", "types"]),
    ("wasi:http", &["client", "types"]),
    ("wasi:random", &["insecure", "insecure-seed", "random"]),
    ("wasi:sockets", &["ip-name-lookup", "types"]),
];

/// Whether this host provides an import of this name, for example `wasi:cli/environment@0.2.3`.
pub fn provides(import: &str) -> bool {
    if services::provides(import) {
        return true;
    }
    let Some((path, version)) = import.split_once('@') else {
        return false;
    };
    let Some((package, interface)) = path.split_once('/') else {
        return false;
    };
    let table = match release(version) {
        Some((0, 2)) => &P2[..],
        Some((0, 3)) => &P3[..],
        _ => return false,
    };
    table.iter().any(|(name, interfaces)| *name == package && interfaces.contains(&interface))
}

/// The major and minor number of a version, unless it is a pre-release.
pub(crate) fn release(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    match [numbers.next(), numbers.next(), numbers.next(), numbers.next()] {
        [Some(Some(major)), Some(Some(minor)), Some(Some(_)), None] => Some((major, minor)),
        _ => None,
    }
}

/// A linker with all that this host provides.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<State>, HostError> {
    let add = || {
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        p2::add_only_http_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        p3::add_to_linker(&mut linker)?;
        services::add_to_linker(&mut linker)?;
        Ok(linker)
    };
    add().map_err(|error: wasmtime::Error| HostError::Engine(format!("{error:#}")))
}

/// Resolves the imports of the component `id` and finds its handler.
pub(crate) fn prepare(
    id: &str,
    component: &Component,
    linker: &Linker<State>,
) -> Result<ProxyPre<State>, HostError> {
    let serves = handler(id, component)?;
    let pre = resolve(id, component, linker)?;
    match serves {
        Serves::P2 => p2::bindings::ProxyPre::new(pre).map(ProxyPre::P2),
        Serves::P3 => p3::bindings::ServicePre::new(pre).map(ProxyPre::P3),
    }
    .map_err(|error| misfit(id, &error))
}

fn misfit(id: &str, error: &wasmtime::Error) -> HostError {
    HostError::Link { component: id.to_owned(), reason: format!("{error:#}") }
}

/// Resolves the imports of the component `id`.
pub(crate) fn resolve(
    id: &str,
    component: &Component,
    linker: &Linker<State>,
) -> Result<InstancePre<State>, HostError> {
    let engine = component.engine();
    for (name, import) in component.component_type().imports(engine) {
        if !provides(name) && !is_types_only(engine, &import.ty) {
            return Err(HostError::NotProvided { component: id.to_owned(), import: name.to_owned() });
        }
    }
    linker.instantiate_pre(component).map_err(|error| misfit(id, &error))
}

/// An interface that has only types needs nobody to implement it. A resource is no such type.
fn is_types_only(engine: &Engine, import: &ComponentItem) -> bool {
    match import {
        ComponentItem::Type(_) => true,
        ComponentItem::ComponentInstance(instance) => {
            instance.exports(engine).all(|(_, item)| matches!(item.ty, ComponentItem::Type(_)))
        }
        _ => false,
    }
}

#[derive(Clone, Copy)]
enum Serves {
    P2,
    P3,
}

fn handler(id: &str, component: &Component) -> Result<Serves, HostError> {
    let ty = component.component_type();
    let mut found = ty.exports(component.engine()).filter_map(|(name, _)| {
        let (path, version) = name.split_once('@').unwrap_or((name, ""));
        let serves = match path {
            "wasi:http/incoming-handler" => {
                (release(version).is_some_and(|it| it == (0, 2))).then_some(Serves::P2)
            }
            "wasi:http/handler" => (release(version).is_some_and(|it| it == (0, 3))).then_some(Serves::P3),
            "fermyon:spin/inbound-http" => None,
            _ => return None,
        };
        Some((name, serves))
    });
    let component = id.to_owned();
    let Some((name, serves)) = found.next() else {
        return Err(HostError::NoHandler { component });
    };
    let mut handlers: Vec<String> = found.map(|(name, _)| name.to_owned()).collect();
    if !handlers.is_empty() {
        handlers.insert(0, name.to_owned());
        handlers.sort();
        return Err(HostError::SeveralHandlers { component, handlers });
    }
    serves.ok_or(HostError::UnsupportedHandler { component, handler: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provided_are_the_released_interfaces_of_both_generations() {
        for import in [
            "wasi:io/streams@0.2.0",
            "wasi:http/types@0.2.12",
            "wasi:http/types@0.3.0",
            "wasi:clocks/system-clock@0.3.1",
            "spin:variables/variables@3.0.0",
        ] {
            assert!(provides(import), "{import}");
        }
        for import in [
            "wasi:io/streams@0.3.0",
            "wasi:io/streams",
            "wasi:http/handler@0.3.0",
            "wasi:http/types@0.2.0-rc-2023-11-10",
            "wasi:http/types@0.4.0",
            "wasi:keyvalue/store@0.2.0",
            "fermyon:spin/llm@2.0.0",
            "acme:hash/api@1.0.0",
            "init",
        ] {
            assert!(!provides(import), "{import}");
        }
    }
}
