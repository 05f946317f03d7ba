//! What a component says about itself, in the custom sections of its outermost level.
//!
//! The sections are those that `wasm-metadata` writes: `component-name` (or `name` in a core module) and one section
//! of UTF-8 text per field, named like the field. A field that is not UTF-8 or longer than [`MAX_FIELD`] is left out:
//! custom sections carry no obligation, and nothing depends on them but what is shown.

use wasmparser::{ComponentName, CustomSectionReader, KnownCustom, Name};

/// The longest text, in bytes, that is taken from a field.
pub(crate) const MAX_FIELD: usize = 64 * 1024;

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
        match section.as_known() {
            KnownCustom::ComponentName(names) => {
                for name in names.into_iter().map_while(Result::ok) {
                    if let ComponentName::Component { name, .. } = name {
                        self.name = bounded(name.as_bytes());
                    }
                }
            }
            KnownCustom::Name(names) => {
                for name in names.into_iter().map_while(Result::ok) {
                    if let Name::Module { name, .. } = name {
                        self.name = bounded(name.as_bytes());
                    }
                }
            }
            KnownCustom::Unknown => {
                let field = match section.name() {
                    "version" => &mut self.version,
                    "description" => &mut self.description,
                    "licenses" => &mut self.licenses,
                    "authors" => &mut self.authors,
                    "source" => &mut self.source,
                    "homepage" => &mut self.homepage,
                    "revision" => &mut self.revision,
                    _ => return,
                };
                *field = bounded(section.data());
            }
            _ => {}
        }
    }
}

fn bounded(bytes: &[u8]) -> Option<String> {
    let text = (bytes.len() <= MAX_FIELD).then_some(bytes)?;
    str::from_utf8(text).ok().map(str::to_owned)
}
