//! Writing into a component what its author says of it, at the end of its build.
//!
//! A toolchain knows the types of a component and little else. Its name and version, the packages that it needs and what
//! it asks of an app stand in `component.toml`. They are put into custom sections of the outermost level, where every
//! reader of [`Inspection`](crate::Inspection) finds them, and `wkg` and `wasm-tools` those of `wasm-metadata`.
//!
//! What is said there is all that counts: a section that the author has nothing for is taken out. So the same build with
//! the same stamp has the same bytes, however often it is stamped, and other sections stay as they are.

use wasm_encoder::{ComponentSection, CustomSection, Encode};
use wasm_pkg_common::package::{PackageRef, Version};
use wasmparser::{BinaryReader, BinaryReaderError};

use crate::{DependencyTable, InspectError, REQUIRES_SECTION, Requires, SECTION};

/// The first bytes of a component: the magic number, the version and the layer.
const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
/// The id of a custom section.
const CUSTOM: u8 = 0;
/// The section with a component's name, and in it the subsection with the name of the whole.
const NAMES: &str = "component-name";
const OWN_NAME: u8 = 0;

/// What an author says of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The package that it is published as.
    pub name: PackageRef,
    /// The version that it is published in, if it has one yet.
    pub version: Option<Version>,
    /// A text for people.
    pub description: Option<String>,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Its licence, as an SPDX expression.
    pub license: Option<String>,
    /// Where its source is kept, a URL.
    pub repository: Option<String>,
    /// The packages that it needs.
    pub table: DependencyTable,
    /// What it asks of an app.
    pub requires: Requires,
}

impl Stamp {
    /// The sections besides the name, in the order in which they are written; those without a text are left out.
    fn sections(&self) -> [(&'static str, Option<String>); 7] {
        let authors = (!self.authors.is_empty()).then(|| self.authors.join(", "));
        let requires = (!self.requires.is_empty()).then(|| self.requires.to_json());
        [
            ("version", self.version.as_ref().map(ToString::to_string)),
            ("description", self.description.clone()),
            ("authors", authors),
            ("licenses", self.license.clone()),
            ("source", self.repository.clone()),
            (SECTION, Some(self.table.to_json())),
            (REQUIRES_SECTION, requires),
        ]
    }
}

/// The component with these sections in place of those that it has. An error if the bytes are not a component.
pub fn stamp(component: &[u8], stamp: &Stamp) -> Result<Vec<u8>, InspectError> {
    let Some(sections) = component.strip_prefix(HEADER) else {
        return Err(if component.starts_with(b"\0asm") {
            InspectError::Malformed { message: "it is not a component".to_owned(), offset: 4 }
        } else {
            InspectError::NotWasm { text: str::from_utf8(component).is_ok() }
        });
    };
    let written = stamp.sections();
    let mut stamped = HEADER.to_vec();
    let mut names = Vec::new();
    let mut reader = BinaryReader::new(sections, HEADER.len());
    while !reader.eof() {
        let start = reader.original_position();
        let (id, size) = (reader.read_u8()?, reader.read_var_u32()?);
        let mut content = BinaryReader::new(reader.read_bytes(size as usize)?, start);
        if id == CUSTOM {
            let name = content.read_string()?;
            if name == NAMES {
                names = other_names(content);
                continue;
            }
            if written.iter().any(|(written, _)| *written == name) {
                continue;
            }
        }
        stamped.extend_from_slice(component.get(start..reader.original_position()).unwrap_or_default());
    }
    append(&mut stamped, NAMES, &with_name(&stamp.name.to_string(), &names));
    for (name, text) in &written {
        if let Some(text) = text {
            append(&mut stamped, name, text.as_bytes());
        }
    }
    Ok(stamped)
}

fn append(component: &mut Vec<u8>, name: &str, data: &[u8]) {
    CustomSection { name: name.into(), data: data.into() }.append_to_component(component);
}

/// The names of what is inside the component, without its own; they are for people who debug it, so that what cannot
/// be read of them is left out.
fn other_names(mut content: BinaryReader<'_>) -> Vec<u8> {
    fn next(content: &mut BinaryReader<'_>) -> Result<(u8, Vec<u8>), BinaryReaderError> {
        let (id, size) = (content.read_u8()?, content.read_var_u32()?);
        Ok((id, content.read_bytes(size as usize)?.to_vec()))
    }
    let mut names = Vec::new();
    while !content.eof() {
        match next(&mut content) {
            Ok((OWN_NAME, _)) => {}
            Ok((id, data)) => {
                names.push(id);
                data.encode(&mut names);
            }
            Err(_) => break,
        }
    }
    names
}

fn with_name(name: &str, others: &[u8]) -> Vec<u8> {
    let mut own = Vec::new();
    name.encode(&mut own);
    let mut names = vec![OWN_NAME];
    own.encode(&mut names);
    names.extend_from_slice(others);
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TableEntry, inspect};

    /// A component with the sections of a toolchain: names of what is inside, a name, a version and a producer.
    fn built() -> Vec<u8> {
        let mut bytes = wasm_encoder::Component::new().finish();
        let names = [with_name("wit-component", &[1, 2, 1, 0]), vec![9, 200]].concat();
        append(&mut bytes, NAMES, &names);
        append(&mut bytes, "version", b"0.0.0");
        append(&mut bytes, "homepage", b"https://example.com/");
        append(&mut bytes, "version", b"0.0.1");
        bytes
    }

    fn says(version: &str) -> Stamp {
        let entry = TableEntry { package: "acme:base".parse().unwrap(), version: "^1.2".parse().unwrap() };
        Stamp {
            name: "acme:hash".parse().unwrap(),
            version: Some(version.parse().unwrap()),
            description: Some("Hashes".into()),
            authors: vec!["Ada".into(), "Grace".into()],
            license: Some("Apache-2.0".into()),
            repository: Some("https://example.com/hash.git".into()),
            table: DependencyTable::new([entry]),
            requires: Requires { variables: vec!["salt".into()], ..Requires::default() },
        }
    }

    #[test]
    fn what_is_stamped_is_read_back_and_the_rest_stays() {
        let said = says("1.2.0");
        let stamped = stamp(&built(), &said).unwrap();
        let found = inspect(&stamped).unwrap();
        assert_eq!((found.name.as_ref(), &found.version), (Some(&said.name), &said.version));
        assert_eq!(
            (found.declared.as_ref(), found.requires.as_ref()),
            (Some(&said.table), Some(&said.requires))
        );
        let metadata = found.metadata;
        assert_eq!(metadata.description.as_deref(), Some("Hashes"));
        assert_eq!(metadata.authors.as_deref(), Some("Ada, Grace"));
        assert_eq!(metadata.licenses.as_deref(), Some("Apache-2.0"));
        assert_eq!(metadata.source.as_deref(), Some("https://example.com/hash.git"));
        assert_eq!(metadata.homepage.as_deref(), Some("https://example.com/"));
        let names = with_name("acme:hash", &[1, 2, 1, 0]);
        assert!(stamped.windows(names.len()).any(|it| it == names), "names of what is inside stay");
    }

    #[test]
    fn the_last_stamp_is_the_only_one() {
        let once = stamp(&built(), &says("1.2.0")).unwrap();
        assert_eq!(stamp(&once, &says("1.2.0")).unwrap(), once);
        let nothing = Stamp {
            description: None,
            authors: Vec::new(),
            license: None,
            repository: None,
            requires: Requires::default(),
            table: DependencyTable::new([]),
            ..says("1.3.0")
        };
        let bare = stamp(&once, &nothing).unwrap();
        let found = inspect(&bare).unwrap();
        assert_eq!(found.version.unwrap().to_string(), "1.3.0");
        assert_eq!((found.metadata.description, found.metadata.authors, found.requires), (None, None, None));
        assert_eq!(stamp(&built(), &nothing).unwrap(), bare, "what was stamped before leaves no trace");
    }

    #[test]
    fn what_is_no_component_cannot_be_stamped() {
        let error = |bytes: &[u8]| stamp(bytes, &says("1.0.0")).unwrap_err().to_string();
        let module = wasm_encoder::Module::new().finish();
        assert_eq!(error(&module), "the file is not valid WebAssembly: it is not a component at byte 4");
        assert_eq!(error(b"text"), "the file is not WebAssembly, it is text");
        let whole = built();
        for length in HEADER.len() + 1..whole.len() {
            // A cut between two sections leaves a whole component.
            let _ = stamp(&whole[..length], &says("1.0.0"));
        }
        assert!(
            error(&whole[..HEADER.len() + 5]).contains("unexpected end"),
            "{}",
            error(&whole[..HEADER.len() + 5])
        );
    }
}
