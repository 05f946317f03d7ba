//! What a component says about itself, in the custom sections of its outermost level.
//!
//! The sections are those of `wasm-metadata`: `component-name` (or `name` in a core module) and one section per field,
//! named like the field. Each is read by itself, in a component that has nothing else, so that one that is not
//! well-formed (a licence that is no SPDX expression, a source that is no URL) is left out and takes nothing else with
//! it: custom sections carry no obligation.

use std::fmt::Display;

use wasm_encoder::CustomSection;
use wasm_metadata::Payload;
use wasmparser::CustomSectionReader;

/// The sections that are read.
const SECTIONS: [&str; 9] = [
    "component-name",
    "name",
    "version",
    "description",
    "licenses",
    "authors",
    "source",
    "homepage",
    "revision",
];

/// A section that is longer than this, in bytes, is left out.
pub(crate) const MAX_SECTION: usize = 64 * 1024;

/// Descriptive texts, as the author wrote them and not yet fit for a terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The component's name, for published ones `ns:name`.
    pub name: Option<String>,
    /// The version of the packaged software.
    pub version: Option<String>,
    /// One or more sentences.
    pub description: Option<String>,
    /// An SPDX licence expression.
    pub licenses: Option<String>,
    /// Contact details of the people or organisation responsible.
    pub authors: Option<String>,
    /// Where the source code is, a URL.
    pub source: Option<String>,
    /// Where to read more, a URL.
    pub homepage: Option<String>,
    /// The source control revision.
    pub revision: Option<String>,
}

impl Metadata {
    /// Takes in one custom section of the outermost level; other sections are none of its business.
    pub(crate) fn read(&mut self, section: &CustomSectionReader<'_>) {
        if section.data().len() > MAX_SECTION || !SECTIONS.contains(&section.name()) {
            return;
        }
        let mut alone = wasm_encoder::Component::new();
        alone.section(&CustomSection { name: section.name().into(), data: section.data().into() });
        let Ok(payload) = Payload::from_binary(&alone.finish()) else { return };
        let found = payload.metadata();
        set(&mut self.name, found.name.as_ref());
        set(&mut self.version, found.version.as_ref());
        set(&mut self.description, found.description.as_ref());
        set(&mut self.licenses, found.licenses.as_ref());
        set(&mut self.authors, found.authors.as_ref());
        set(&mut self.source, found.source.as_ref());
        set(&mut self.homepage, found.homepage.as_ref());
        set(&mut self.revision, found.revision.as_ref());
    }
}

/// The last section of a name counts.
fn set<T: Display>(field: &mut Option<String>, found: Option<&T>) {
    if let Some(found) = found {
        *field = Some(found.to_string());
    }
}
