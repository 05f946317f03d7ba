//! Adapters in the plan: for each part to which something is denied, an instance right before its own.

use std::{borrow::Cow, collections::BTreeSet};

use super::{Instance, PlannedWire, Planner, Prepared};
use crate::{ComposeError, Denial, Part, Reach, capability, deny, inspect};

/// Imports of the root that are denied whatever its reach, and the words for it.
pub(in crate::compose) struct Refusal<'a> {
    pub(in crate::compose) imports: &'a BTreeSet<String>,
    pub(in crate::compose) reason: &'a str,
}

impl Planner<'_, '_> {
    /// Makes an instance of an adapter for the imports of a part that are denied, and wires them to it. What the adapter
    /// imports itself, it gets from where the part does.
    pub(super) fn deny(
        &mut self,
        part: usize,
        denied: Vec<String>,
        wires: &mut Vec<PlannedWire>,
    ) -> Result<(), ComposeError> {
        if denied.is_empty() {
            return Ok(());
        }
        let adapter = self.adapter(part, &denied)?;
        let imports = self.parts.get(&adapter).map_or(&[][..], |adapter| &adapter.inspection.imports);
        let shared = wires.iter().filter(|wire| imports.iter().any(|import| import.name == wire.import));
        let shared = shared.cloned().collect();
        let source = self.instances.len();
        self.instances.push(Instance { part: adapter, wires: shared, denies: true });
        let label = self.parts.get(&part).map(|part| part.part.label.clone()).unwrap_or_default();
        for import in denied {
            let denial =
                Denial { part: label.clone(), import: import.clone(), capability: capability(&import) };
            if !self.denials.contains(&denial) {
                self.denials.push(denial);
            }
            wires.push(PlannedWire { exports: vec![import.clone()], import, source });
        }
        Ok(())
    }

    fn adapter(&mut self, part: usize, denied: &[String]) -> Result<usize, ComposeError> {
        let key = (part, denied.to_vec());
        if let Some(adapter) = self.adapters.get(&key) {
            return Ok(*adapter);
        }
        let Some(prepared) = self.parts.get(&part) else {
            return Err(ComposeError::NoSuchPart { index: part });
        };
        let label = &prepared.part.label;
        let reason = |interface: &str| match self.refusal {
            Some(refusal) => refusal.reason.to_owned(),
            None => denial(label, interface),
        };
        let undeniable = |message: String| ComposeError::Undeniable {
            label: label.clone(),
            imports: denied.to_vec(),
            message,
        };
        let bytes = deny::adapter(&prepared.part.bytes, denied, &reason).map_err(undeniable)?;
        let inspection = inspect(&bytes).map_err(|error| undeniable(error.to_string()))?;
        let part = Part {
            label: format!("what is denied to {label}"),
            bytes: bytes.into(),
            links: Vec::new(),
            reach: Reach::All,
        };
        let index = self.composition.parts.len() + self.adapters.len();
        self.parts.insert(index, Prepared { part: Cow::Owned(part), inspection });
        self.adapters.insert(key, index);
        Ok(index)
    }
}

/// Why an interface is denied to a part, for whoever reads the error at run time.
fn denial(label: &str, interface: &str) -> String {
    match capability(interface) {
        Some(key) => {
            format!(
                "access denied: `{interface}` takes the capability `{key}`, which `{label}` was not granted"
            )
        }
        None => format!(
            "access denied: `{interface}` is behind no capability, and `{label}` was not granted all of the app's"
        ),
    }
}
