//! A component's imports and exports as WIT text, item by item.
//!
//! A binary knows types by structure and by chains of aliases; WIT knows them by name. Walking the imports and then
//! the exports in order, each named type gets the place where it was first named as its owner; a later interface
//! whose type is an alias of it *uses* it. Keeping the text per item (a type, a method, a function) makes two other
//! things simple: the union of two partial views of an interface, and the first difference of two interfaces.
//!
//! Read from the validated types rather than through a decoder for whole worlds, because an export that WIT cannot
//! express, which some toolchains make beside their interfaces, must not be in the way of the others.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
};

use indexmap::IndexMap;
use wasmparser::{
    component_types::{
        AliasableResourceId, ComponentAnyTypeId, ComponentDefinedType, ComponentEntityType,
        ComponentFuncTypeId, ComponentInstanceTypeId, ComponentValType, ResourceId,
    },
    types::TypesRef,
};

use super::text::{escaped, primitive};
use crate::{InspectError, Kind, Outline};

/// Deeper nesting of unnamed types than this is refused. Validation allows little more.
pub(super) const MAX_NESTING: usize = 100;

/// The imports and exports of one component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Surface {
    /// What the file is.
    pub(crate) kind: Kind,
    /// The scopes that entries and uses point to. The first one is the world itself.
    pub(crate) scopes: Vec<Scope>,
    /// Imports by name.
    pub(crate) imports: IndexMap<String, Entry>,
    /// Exports by name.
    pub(crate) exports: IndexMap<String, Entry>,
}

/// An import or export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// An interface, an index into the scopes.
    Interface(usize),
    /// A plain function; what it mentions is in the world's scope.
    Function(Item),
    /// Something that WIT has no form for.
    Other,
}

/// The items of one interface, or the types of the world.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    /// The name of the import or export; the world's is empty.
    pub(crate) name: String,
    /// Types, resources with their members, and functions.
    pub(crate) items: BTreeMap<Key, Item>,
    /// Why the interface cannot be expressed in WIT, if it cannot.
    pub(crate) broken: Option<String>,
}

/// An item's name, and the member's name where it is a member of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) member: Option<String>,
}

impl Key {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), member: None }
    }
}

/// One item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Item {
    /// What it is.
    pub(crate) form: Form,
    /// The declaration without its closing semicolon: `call: func(input: string) -> string`, `record point { … }`.
    /// Empty for a use.
    pub(crate) text: String,
    /// The names of the same scope that the text mentions.
    pub(crate) mentions: BTreeSet<String>,
    /// A use that the interface does not say itself: it mentions the type without a name of its own for it.
    pub(crate) implied: bool,
}

/// The forms of items, in the order in which they are printed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Form {
    /// A type of another scope under its local name: the scope and the name there.
    Use(usize, String),
    /// A type, resource types included.
    Type,
    /// A resource's method, static function or constructor.
    Member,
    /// A function.
    Function,
}

impl Surface {
    /// Reads a component. For a core module or a WIT package nothing but the kind is filled in.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, InspectError> {
        Ok(Self::of(&Outline::read(bytes)?))
    }

    /// The surface of a component that was read already.
    pub(crate) fn of(outline: &Outline) -> Self {
        let kind = outline.kind();
        let mut reader = Reader {
            types: outline.types.as_ref(),
            scopes: vec![Scope::default()],
            owners: HashMap::new(),
            resources: HashMap::new(),
            uses: HashMap::new(),
        };
        let (mut imports, mut exports) = (IndexMap::new(), IndexMap::new());
        if kind == Kind::Component {
            for name in &outline.sections.imports {
                if let Some(item) = reader.types.component_item_for_import(name) {
                    let entry = reader.entry(name, &item.ty);
                    imports.insert(name.clone(), entry);
                }
            }
            for name in &outline.sections.exports {
                if let Some(item) = reader.types.component_item_for_export(name) {
                    let entry = reader.entry(name, &item.ty);
                    exports.insert(name.clone(), entry);
                }
            }
        }
        Self { kind, scopes: reader.scopes, imports, exports }
    }

    /// Reads the interfaces of an encoded WIT package, as its exports; nothing else is filled in.
    pub(crate) fn of_package(outline: &Outline) -> Self {
        let types = outline.types.as_ref();
        let mut exports = IndexMap::new();
        let mut scopes = vec![Scope::default()];
        for name in &outline.sections.exports {
            // Each definition is a type of its own, with the interfaces that it uses as imports.
            let Some(ComponentEntityType::Type { created: ComponentAnyTypeId::Component(id), .. }) =
                types.component_item_for_export(name).map(|item| item.ty)
            else {
                continue;
            };
            let (owners, resources, uses) = (HashMap::new(), HashMap::new(), HashMap::new());
            let mut reader = Reader { types, scopes, owners, resources, uses };
            for (name, item) in &types[id].imports {
                reader.entry(name, &item.ty);
            }
            for (name, item) in &types[id].exports {
                if matches!(item.ty, ComponentEntityType::Instance(_)) {
                    let entry = reader.entry(name, &item.ty);
                    exports.insert(name.clone(), entry);
                }
            }
            scopes = reader.scopes;
        }
        Self { kind: Kind::WitPackage, scopes, imports: IndexMap::new(), exports }
    }

    /// Reads a world of an encoded WIT package, as if it were a component's surface, without the types that it names for
    /// itself. The names of the package's worlds if it has no such world.
    pub(crate) fn of_world(outline: &Outline, world: &str) -> Result<Self, Vec<String>> {
        let types = outline.types.as_ref();
        // The package exports each world under its plain name, as a type that exports the world under its full name
        // (an interface of the package does the same with an instance).
        let worlds = outline.sections.exports.iter().filter_map(|name| {
            let item = types.component_item_for_export(name)?;
            let ComponentEntityType::Type { created: ComponentAnyTypeId::Component(id), .. } = item.ty else {
                return None;
            };
            types[id].exports.values().find_map(|item| match item.ty {
                ComponentEntityType::Component(id) => Some((name, id)),
                _ => None,
            })
        });
        let worlds: Vec<_> = worlds.collect();
        let Some((_, id)) = worlds.iter().find(|(name, _)| *name == world) else {
            return Err(worlds.into_iter().map(|(name, _)| name.clone()).collect());
        };
        let mut reader = Reader {
            types,
            scopes: vec![Scope::default()],
            owners: HashMap::new(),
            resources: HashMap::new(),
            uses: HashMap::new(),
        };
        let (mut imports, mut exports) = (IndexMap::new(), IndexMap::new());
        let sides = [(&types[*id].imports, &mut imports), (&types[*id].exports, &mut exports)];
        for (items, entries) in sides {
            for (name, item) in items {
                let entry = reader.entry(name, &item.ty);
                if !matches!(item.ty, ComponentEntityType::Type { .. }) {
                    entries.insert(name.clone(), entry);
                }
            }
        }
        Ok(Self { kind: Kind::WitPackage, scopes: reader.scopes, imports, exports })
    }
}

struct Reader<'a> {
    types: TypesRef<'a>,
    scopes: Vec<Scope>,
    /// Where a type got its name: the scope and the name.
    owners: HashMap<ComponentAnyTypeId, (usize, String)>,
    /// The same for resources by identity, for where no alias leads back to the name.
    resources: HashMap<ResourceId, (usize, String)>,
    /// The local name of what a scope takes from another one.
    uses: HashMap<(usize, Form), String>,
}

impl Reader<'_> {
    fn entry(&mut self, name: &str, ty: &ComponentEntityType) -> Entry {
        match ty {
            ComponentEntityType::Instance(id) => return Entry::Interface(self.interface(name, *id)),
            ComponentEntityType::Func(id) => {
                if let Ok((_, item)) = self.function(0, name, *id) {
                    return Entry::Function(item);
                }
            }
            ComponentEntityType::Type { referenced, created } => {
                // A type that WIT has no form for is missed by what mentions it.
                let _ = self.define(0, name, *referenced, *created);
            }
            _ => {}
        }
        Entry::Other
    }

    fn interface(&mut self, name: &str, id: ComponentInstanceTypeId) -> usize {
        let scope = self.scopes.len();
        self.scopes.push(Scope { name: name.to_owned(), ..Scope::default() });
        let types = self.types;
        for (name, item) in &types[id].exports {
            let result = match item.ty {
                ComponentEntityType::Type { referenced, created } => {
                    self.define(scope, name, referenced, created)
                }
                ComponentEntityType::Func(id) => {
                    self.function(scope, name, id).map(|(key, item)| self.insert(scope, key, item))
                }
                _ => Err(format!("`{name}` is neither a type nor a function")),
            };
            if let (Err(reason), Some(scope)) = (result, self.scopes.get_mut(scope)) {
                scope.broken.get_or_insert(reason);
            }
        }
        scope
    }

    fn insert(&mut self, scope: usize, key: Key, item: Item) {
        if let Form::Use(..) = item.form {
            self.uses.entry((scope, item.form.clone())).or_insert_with(|| key.name.clone());
        }
        if let Some(scope) = self.scopes.get_mut(scope) {
            scope.items.insert(key, item);
        }
    }

    /// The name by which the world knows a type already.
    fn owner(&self, id: ComponentAnyTypeId) -> Option<(usize, String)> {
        let mut next = Some(id);
        while let Some(id) = next {
            if let Some(owner) = self.owners.get(&id) {
                return Some(owner.clone());
            }
            next = self.types.peel_alias(id);
        }
        match id {
            ComponentAnyTypeId::Resource(id) => self.resources.get(&id.resource()).cloned(),
            _ => None,
        }
    }

    /// Whether a type that `owner` named is a foreign one in `scope`, or the scope's own under its own name. An
    /// interface that is both imported and exported has two scopes with one name.
    fn is_foreign(&self, owner: usize, scope: usize) -> bool {
        owner != scope
            && self.scopes.get(owner).map(|scope| &scope.name)
                != self.scopes.get(scope).map(|scope| &scope.name)
    }

    fn define(
        &mut self,
        scope: usize,
        name: &str,
        referenced: ComponentAnyTypeId,
        created: ComponentAnyTypeId,
    ) -> Result<(), String> {
        let mut mentions = BTreeSet::new();
        let owner = self.owner(referenced);
        let (form, text) = match owner {
            Some((owner, original)) if self.is_foreign(owner, scope) => {
                (Form::Use(owner, original), String::new())
            }
            Some((owner, original)) if owner == scope => {
                mentions.insert(original.clone());
                (Form::Type, format!("type {} = {}", escaped(name), escaped(&original)))
            }
            _ => match referenced {
                ComponentAnyTypeId::Resource(_) => (Form::Type, format!("resource {}", escaped(name))),
                ComponentAnyTypeId::Defined(id) => {
                    let types = self.types;
                    (Form::Type, self.definition(scope, name, &types[id], &mut mentions)?)
                }
                _ => return Err(format!("`{name}` is not a type of values")),
            },
        };
        self.insert(scope, Key::new(name), Item { form, text, mentions, implied: false });
        if let ComponentAnyTypeId::Resource(id) = created {
            self.resources.entry(id.resource()).or_insert_with(|| (scope, name.to_owned()));
        }
        self.owners.insert(created, (scope, name.to_owned()));
        Ok(())
    }

    fn definition(
        &mut self,
        scope: usize,
        name: &str,
        ty: &ComponentDefinedType,
        mentions: &mut BTreeSet<String>,
    ) -> Result<String, String> {
        let name = escaped(name);
        let block =
            |keyword: &str, lines: Vec<String>| format!("{keyword} {name} {{ {} }}", lines.join(", "));
        Ok(match ty {
            ComponentDefinedType::Record(record) => {
                let mut fields = Vec::new();
                for (field, ty) in &record.fields {
                    fields.push(format!("{}: {}", escaped(field), self.value(scope, *ty, 0, mentions)?));
                }
                block("record", fields)
            }
            ComponentDefinedType::Variant(variant) => {
                let mut cases = Vec::new();
                for (case, payload) in &variant.cases {
                    cases.push(match payload.ty {
                        Some(ty) => format!("{}({})", escaped(case), self.value(scope, ty, 0, mentions)?),
                        None => escaped(case),
                    });
                }
                block("variant", cases)
            }
            ComponentDefinedType::Flags(flags) => {
                block("flags", flags.iter().map(|flag| escaped(flag)).collect())
            }
            ComponentDefinedType::Enum(cases) => {
                block("enum", cases.iter().map(|case| escaped(case)).collect())
            }
            other => format!("type {name} = {}", self.unnamed(scope, other, 0, mentions)?),
        })
    }

    fn function(&mut self, scope: usize, name: &str, id: ComponentFuncTypeId) -> Result<(Key, Item), String> {
        let types = self.types;
        let ty = &types[id];
        let mut mentions = BTreeSet::new();
        let func = |role| format!("{role}{}func", if ty.async_ { "async " } else { "" });
        let (key, form, mut text, skipped) = if let Some(resource) = name.strip_prefix("[constructor]") {
            (member(resource, "constructor"), Form::Member, "constructor".to_owned(), 0)
        } else if let Some((resource, method)) = split_member(name, "[method]") {
            (member(resource, method), Form::Member, format!("{}: {}", escaped(method), func("")), 1)
        } else if let Some((resource, method)) = split_member(name, "[static]") {
            (member(resource, method), Form::Member, format!("{}: {}", escaped(method), func("static ")), 0)
        } else {
            (Key::new(name), Form::Function, format!("{}: {}", escaped(name), func("")), 0)
        };
        let mut params = Vec::new();
        for (param, ty) in ty.params.iter().skip(skipped) {
            params.push(format!("{}: {}", escaped(param), self.value(scope, *ty, 0, &mut mentions)?));
        }
        let _ = write!(text, "({})", params.join(", "));
        if let Some(result) = ty.result {
            let result = self.value(scope, result, 0, &mut mentions)?;
            // A constructor that cannot fail gives its own resource, which goes without saying.
            let implied = key.member.as_deref() == Some("constructor") && result == escaped(&key.name);
            if !implied {
                let _ = write!(text, " -> {result}");
            }
        }
        Ok((key, Item { form, text, mentions, implied: false }))
    }

    fn value(
        &mut self,
        scope: usize,
        ty: ComponentValType,
        depth: usize,
        mentions: &mut BTreeSet<String>,
    ) -> Result<String, String> {
        match ty {
            ComponentValType::Primitive(ty) => Ok(primitive(ty).to_owned()),
            ComponentValType::Type(id) => {
                if let Some((owner, name)) = self.owner(ComponentAnyTypeId::Defined(id)) {
                    return self.local(scope, owner, &name, mentions);
                }
                let types = self.types;
                self.unnamed(scope, &types[id], depth, mentions)
            }
        }
    }

    fn resource(
        &mut self,
        scope: usize,
        id: AliasableResourceId,
        mentions: &mut BTreeSet<String>,
    ) -> Result<String, String> {
        let (owner, name) =
            self.owner(ComponentAnyTypeId::Resource(id)).ok_or("it mentions a resource without a name")?;
        self.local(scope, owner, &name, mentions)
    }

    /// The name in `scope` of the type that `owner` calls `name`, brought in with a use where needed.
    fn local(
        &mut self,
        scope: usize,
        owner: usize,
        name: &str,
        mentions: &mut BTreeSet<String>,
    ) -> Result<String, String> {
        let mut local = name.to_owned();
        if self.is_foreign(owner, scope) {
            if owner == 0 {
                return Err(format!("it mentions the type `{name}` of the world"));
            }
            local = self.used(scope, Form::Use(owner, name.to_owned()), local);
        }
        mentions.insert(local.clone());
        Ok(escaped(&local))
    }

    /// The local name of a use, which is made if there is none yet.
    fn used(&mut self, scope: usize, form: Form, wanted: String) -> String {
        if let Some(known) = self.uses.get(&(scope, form.clone())) {
            return known.clone();
        }
        let mut local = wanted;
        let is_taken = |name: &str| {
            self.scopes.get(scope).is_some_and(|scope| scope.items.contains_key(&Key::new(name)))
        };
        while is_taken(&local) {
            local.push_str("-used");
        }
        let item = Item { form, text: String::new(), mentions: BTreeSet::new(), implied: true };
        self.insert(scope, Key::new(&local), item);
        local
    }

    fn unnamed(
        &mut self,
        scope: usize,
        ty: &ComponentDefinedType,
        depth: usize,
        mentions: &mut BTreeSet<String>,
    ) -> Result<String, String> {
        if depth > MAX_NESTING {
            return Err(format!("its types are nested more than {MAX_NESTING} deep"));
        }
        let mut value = |ty: &ComponentValType| self.value(scope, *ty, depth + 1, mentions);
        let payload = |keyword: &str, ty: Option<String>| match ty {
            Some(ty) => format!("{keyword}<{ty}>"),
            None => keyword.to_owned(),
        };
        Ok(match ty {
            ComponentDefinedType::Primitive(ty) => primitive(*ty).to_owned(),
            ComponentDefinedType::List { element, .. } => format!("list<{}>", value(element)?),
            ComponentDefinedType::FixedLengthList { element, length, .. } => {
                format!("list<{}, {length}>", value(element)?)
            }
            ComponentDefinedType::Map { key, value: of, .. } => {
                format!("map<{}, {}>", value(key)?, value(of)?)
            }
            ComponentDefinedType::Tuple(tuple) => {
                let types = tuple.types.iter().map(value).collect::<Result<Vec<_>, _>>()?;
                format!("tuple<{}>", types.join(", "))
            }
            ComponentDefinedType::Option { ty, .. } => format!("option<{}>", value(ty)?),
            ComponentDefinedType::Result { ok, err, .. } => match (ok, err) {
                (None, None) => "result".to_owned(),
                (Some(ok), None) => format!("result<{}>", value(ok)?),
                (None, Some(err)) => format!("result<_, {}>", value(err)?),
                (Some(ok), Some(err)) => format!("result<{}, {}>", value(ok)?, value(err)?),
            },
            ComponentDefinedType::Future { ty, .. } => payload("future", ty.as_ref().map(value).transpose()?),
            ComponentDefinedType::Stream { ty, .. } => payload("stream", ty.as_ref().map(value).transpose()?),
            ComponentDefinedType::Own(id) => self.resource(scope, *id, mentions)?,
            ComponentDefinedType::Borrow(id) => format!("borrow<{}>", self.resource(scope, *id, mentions)?),
            ComponentDefinedType::Record(_)
            | ComponentDefinedType::Variant(_)
            | ComponentDefinedType::Flags(_)
            | ComponentDefinedType::Enum(_) => return Err("it mentions a type without a name".to_owned()),
        })
    }
}

fn member(resource: &str, member: &str) -> Key {
    Key { name: resource.to_owned(), member: Some(member.to_owned()) }
}

fn split_member<'a>(name: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    name.strip_prefix(prefix)?.split_once('.')
}
