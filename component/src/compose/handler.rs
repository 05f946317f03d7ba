//! Which handler of HTTP requests a component serves, and which one middleware passes requests on to.
//!
//! Middleware hands the request that it got to the next handler, so both must speak of the same requests. Those of
//! `wasi:http/incoming-handler@0.2` are other resources, with streams that block where those of
//! `wasi:http/handler@0.3` wait: what turned the one into the other would have to implement `wasi:http/types` and
//! `wasi:io` of 0.2 itself, all of it. So a component of WASIp2 has no middleware.

use super::ComposeError;
use crate::{Extern, Inspection, name::candidates};

/// The handlers of middleware.
pub(super) struct Handlers {
    /// The one that it passes requests on to.
    pub(super) import: String,
    /// The one that it is itself.
    pub(super) export: String,
}

/// Checks that middleware can stand in front of a component; each comes with what messages call it.
pub fn check_middleware(
    (label, middleware): (&str, &Inspection),
    (next, component): (&str, &Inspection),
) -> Result<(), ComposeError> {
    let handlers = handlers(label, middleware)?;
    meet(label, &handlers, next, &served(next, component)?)
}

/// The handlers of middleware with this label.
pub(super) fn handlers(label: &str, inspection: &Inspection) -> Result<Handlers, ComposeError> {
    let find = |externs: &[Extern]| externs.iter().find(|it| is_handler(it)).map(|it| it.name.clone());
    let lacks = |missing| ComposeError::NotMiddleware { label: label.to_owned(), missing };
    Ok(Handlers {
        import: find(&inspection.imports).ok_or_else(|| lacks("import"))?,
        export: find(&inspection.exports).ok_or_else(|| lacks("export"))?,
    })
}

/// Checks that middleware passes requests on to what is behind it.
pub(super) fn meet(label: &str, handlers: &Handlers, next: &str, exported: &str) -> Result<(), ComposeError> {
    if !candidates(&handlers.import, [exported].into_iter()).is_empty() {
        return Ok(());
    }
    Err(ComposeError::HandlerVersion {
        middleware: label.to_owned(),
        import: handlers.import.clone(),
        next: next.to_owned(),
        export: exported.to_owned(),
    })
}

/// The handler that middleware can stand in front of.
pub(super) fn served(label: &str, inspection: &Inspection) -> Result<String, ComposeError> {
    let exports = &inspection.exports;
    if let Some(handler) = exports.iter().find(|export| is_handler(export)) {
        return Ok(handler.name.clone());
    }
    let other = |export: &&Extern| {
        export.interface.as_ref().is_some_and(|name| {
            let package = name.package.to_string();
            matches!(
                (package.as_str(), name.interface.as_str()),
                ("wasi:http", "incoming-handler") | ("fermyon:spin", "inbound-http")
            )
        })
    };
    let found = exports.iter().find(other).map(|export| export.name.clone());
    Err(ComposeError::NoHandler { label: label.to_owned(), found })
}

fn is_handler(item: &Extern) -> bool {
    item.interface
        .as_ref()
        .is_some_and(|name| name.interface == "handler" && name.package.to_string() == "wasi:http")
}
