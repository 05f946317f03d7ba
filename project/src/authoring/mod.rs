//! A component under its author's hands: a `component.toml` in place of an app's `spin.toml` (SIP 026).
//!
//! What is done with an app's dependencies is done with a component's by the same code. What differs is here: the WIT
//! is the author's own, so that the dependencies' goes beside it, and nothing is started, because a component on its own
//! answers nobody.

mod new;
mod wit;

pub use self::new::{Created, NewKind, NewOptions, create};

use crate::{Error, Project};

impl Project {
    /// Refuses what only an application can do, in words such as "`up` starts".
    pub fn require_application(&self, what: &str) -> Result<(), Error> {
        if self.manifest().is_application() {
            return Ok(());
        }
        Err(Error::NotAnApplication { what: what.to_owned(), manifest: self.manifest_name() })
    }
}
