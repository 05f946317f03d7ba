//! The types as text: small, canonical and versioned.
//!
//! ```json
//! {"format_version":1,"kind":"component","imports":["wasi:cli/environment@0.2.0"],
//!  "exports":[["acme:hash/api@1.2.0",1],["init","func() -> u32"]],
//!  "scopes":[{},{"types":["record point { x: u32 }"],"functions":["sum: func(p: point) -> u32"]}]}
//! ```
//!
//! An import or export is its name with the number of its scope, or with its signature, or its name alone where no more
//! is told. The first scope is the world's own. Declarations are WIT without the closing semicolon. The text comes from
//! registries: what is not a declaration, or points to nowhere, is refused.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::Types;
use crate::{
    Kind,
    wit::{
        shape::{Declaration, Function, Shape, signature},
        surface::{Entry, Form, Item, Key, Scope, Surface},
        text::escaped,
    },
};

/// The key of the OCI manifest annotation that holds the types of a release.
pub const TYPES_ANNOTATION: &str = "dev.spin-deps.types";
/// The longest annotation that is published, in bytes. The types of larger components are read from their Wasm.
pub const MAX_TYPES_ANNOTATION: usize = 64 * 1024;
/// The version of the format that is written, and the only one that is read.
pub const TYPES_FORMAT_VERSION: u32 = 1;

/// The longest text that is read, in bytes.
const MAX_LENGTH: usize = 1024 * 1024;

/// Why the text of a component's types cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TypesError {
    /// The text does not tell types.
    #[error("it does not tell the types of a component: {0}")]
    Malformed(String),
    /// Written by a newer tool.
    #[error("it has format version {0}, this version of spin-deps reads {TYPES_FORMAT_VERSION}")]
    Version(u64),
    /// Longer than anything that is published.
    #[error("it is {0} bytes long, at most {MAX_LENGTH} are read")]
    TooLong(usize),
}

impl TypesError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Version(_) => Some("a newer spin-deps published it: update spin-deps".to_owned()),
            _ => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format_version: u32,
    kind: KindName,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    imports: Vec<EntryText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exports: Vec<EntryText>,
    scopes: Vec<ScopeText>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    Component,
    Wit,
    Module,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum EntryText {
    Other(String),
    Interface(String, usize),
    Function(String, String),
}

impl EntryText {
    fn name(&self) -> &str {
        let (Self::Other(name) | Self::Interface(name, _) | Self::Function(name, _)) = self;
        name
    }
}

type Uses = BTreeMap<String, (usize, String)>;

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeText {
    /// Where no import and no export says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Local name, scope, name there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    uses: Uses,
    /// The same for what has no local name in the component.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    implied: Uses,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    types: Vec<String>,
    /// The members of each resource.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    members: BTreeMap<String, Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    functions: Vec<String>,
    /// There is more, for which WIT has no form.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

impl Types {
    /// The canonical text: the same types give the same bytes.
    pub fn to_json(&self) -> String {
        let surface = &self.surface;
        let entry = |(name, entry): (&String, &Entry)| match entry {
            Entry::Interface(scope) => EntryText::Interface(name.clone(), *scope),
            Entry::Function(function) => match signature(name, &function.text) {
                Some(text) => EntryText::Function(name.clone(), text.to_owned()),
                None => EntryText::Other(name.clone()),
            },
            Entry::Other => EntryText::Other(name.clone()),
        };
        let named: BTreeSet<_> = (surface.imports.values().chain(surface.exports.values()))
            .filter_map(|entry| match entry {
                Entry::Interface(scope) => Some(*scope),
                _ => None,
            })
            .collect();
        let scopes = surface.scopes.iter().enumerate().map(|(index, scope)| {
            let name = (index > 0 && !named.contains(&index)).then(|| scope.name.clone());
            ScopeText { name, ..scope_text(scope) }
        });
        let document = Document {
            format_version: TYPES_FORMAT_VERSION,
            kind: match surface.kind {
                Kind::Component => KindName::Component,
                Kind::WitPackage => KindName::Wit,
                Kind::CoreModule => KindName::Module,
            },
            imports: surface.imports.iter().map(entry).collect(),
            exports: surface.exports.iter().map(entry).collect(),
            scopes: scopes.collect(),
        };
        serde_json::to_string(&document).expect("it has only strings and numbers")
    }

    /// Reads the text.
    pub fn from_json(text: &str) -> Result<Self, TypesError> {
        #[derive(Deserialize)]
        struct Probe {
            format_version: u64,
        }
        if text.len() > MAX_LENGTH {
            return Err(TypesError::TooLong(text.len()));
        }
        let malformed = |error: serde_json::Error| TypesError::Malformed(error.to_string());
        // The version comes first: what a newer format adds must be reported as newer, not as malformed.
        let probe: Probe = serde_json::from_str(text).map_err(malformed)?;
        if probe.format_version != u64::from(TYPES_FORMAT_VERSION) {
            return Err(TypesError::Version(probe.format_version));
        }
        let document: Document = serde_json::from_str(text).map_err(malformed)?;
        document.types().map_err(TypesError::Malformed)
    }
}

fn scope_text(scope: &Scope) -> ScopeText {
    let mut text = ScopeText { partial: scope.broken.is_some(), ..ScopeText::default() };
    for (key, item) in &scope.items {
        match &item.form {
            Form::Use(owner, name) => {
                let uses = if item.implied { &mut text.implied } else { &mut text.uses };
                uses.insert(key.name.clone(), (*owner, name.clone()));
            }
            Form::Type => text.types.push(item.text.clone()),
            Form::Member => text.members.entry(key.name.clone()).or_default().push(item.text.clone()),
            Form::Function => text.functions.push(item.text.clone()),
        }
    }
    text
}

impl Document {
    fn types(self) -> Result<Types, String> {
        let mut names = BTreeMap::new();
        for entry in self.imports.iter().chain(&self.exports) {
            if let EntryText::Interface(name, scope) = entry {
                if *scope == 0 || *scope >= self.scopes.len() {
                    return Err(format!("`{name}` has no scope"));
                }
                names.entry(*scope).or_insert_with(|| name.clone());
            }
        }
        let count = self.scopes.len();
        if count == 0 {
            return Err("there is no scope of the world".to_owned());
        }
        let scopes = self.scopes.into_iter().enumerate().map(|(index, scope)| {
            let given = names.remove(&index).or_else(|| scope.name.clone());
            let name = if index == 0 { Some(String::new()) } else { given };
            scope.read(name.ok_or("a scope has no name")?, count)
        });
        let scopes = scopes.collect::<Result<_, String>>()?;
        let surface = Surface {
            kind: match self.kind {
                KindName::Component => Kind::Component,
                KindName::Wit => Kind::WitPackage,
                KindName::Module => Kind::CoreModule,
            },
            scopes,
            imports: entries(self.imports)?,
            exports: entries(self.exports)?,
        };
        Ok(Types { surface })
    }
}

fn entries(texts: Vec<EntryText>) -> Result<IndexMap<String, Entry>, String> {
    let mut entries = IndexMap::new();
    for text in texts {
        let name = text.name().to_owned();
        let entry = match text {
            EntryText::Other(_) => Entry::Other,
            EntryText::Interface(_, scope) => Entry::Interface(scope),
            EntryText::Function(_, signature) => {
                let read = Function::parse(&signature);
                let function = read.ok_or_else(|| format!("`{signature}` is not a signature"))?;
                let text = format!("{}: {signature}", escaped(&name));
                Entry::Function(Item {
                    form: Form::Function,
                    text,
                    mentions: function.mentions(),
                    implied: false,
                })
            }
        };
        if entries.insert(name.clone(), entry).is_some() {
            return Err(format!("`{name}` is there twice"));
        }
    }
    Ok(entries)
}

impl ScopeText {
    fn read(self, name: String, scopes: usize) -> Result<Scope, String> {
        let mut items = BTreeMap::new();
        let mut insert = |key: Key, item: Item| {
            let again = format!("`{}` is declared twice in `{name}`", key.name);
            if items.insert(key, item).is_some() { Err(again) } else { Ok(()) }
        };
        for (uses, implied) in [(self.uses, false), (self.implied, true)] {
            for (local, (owner, original)) in uses {
                if owner >= scopes || !is_name(&local) || !is_name(&original) {
                    return Err(format!("`{local}` is used from nowhere"));
                }
                let form = Form::Use(owner, original);
                insert(
                    Key::new(&local),
                    Item { form, text: String::new(), mentions: BTreeSet::new(), implied },
                )?;
            }
        }
        let members = self.members.into_iter().flat_map(|(resource, texts)| {
            texts.into_iter().map(move |text| (Some(resource.clone()), Form::Member, text))
        });
        let types = self.types.into_iter().map(|text| (None, Form::Type, text));
        let functions = self.functions.into_iter().map(|text| (None, Form::Function, text));
        for (resource, form, text) in types.chain(members).chain(functions) {
            let read = Declaration::parse(&text);
            let is_right = |it: &Declaration| matches!(it.shape, Shape::Function(_)) == (form != Form::Type);
            let declaration =
                read.filter(is_right).ok_or_else(|| format!("`{text}` is not a declaration"))?;
            let mentions = declaration.mentions();
            let key = match resource {
                None => Key { name: declaration.name, member: None },
                Some(resource) if is_name(&resource) => {
                    Key { name: resource, member: Some(declaration.name) }
                }
                Some(resource) => return Err(format!("`{resource}` is not the name of a resource")),
            };
            insert(key, Item { form, text, mentions, implied: false })?;
        }
        let broken = self.partial.then(String::new);
        Ok(Scope { name, items, broken })
    }
}

/// Whether WIT has a form for the name of a type.
pub(super) fn is_name(name: &str) -> bool {
    Declaration::parse(&format!("resource {}", escaped(name))).is_some_and(|read| read.name == name)
}
