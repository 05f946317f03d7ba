//! Reading a parsed TOML tree into the types of [`crate::model`].
//!
//! [`Node`] is one value of the tree with its place and its name in words, whichever way it is
//! written: a `[table]`, an inline table or dotted keys; an array or `[[tables]]`. [`Fields`] is a
//! table whose keys are checked against the ones that exist.

mod application;
mod authored;
mod component;
mod dependency;
mod trigger;

use indexmap::IndexMap;
use toml_edit::{Array, ArrayOfTables, Item, TableLike, Value};

use crate::{
    ErrorKind, Manifest, ManifestError, Span, Trigger,
    edit::Step,
    error::{did_you_mean, quoted_list},
};

pub(crate) type Result<T> = std::result::Result<T, ManifestError>;

/// Reads the root table.
pub(crate) fn manifest(root: &toml_edit::Table) -> Result<Manifest> {
    let root = Node { value: Raw::Table(root), span: 0..0, what: "the manifest".to_owned() };
    let table = root.table()?;
    if table.contains_key(authored::VERSION) && !table.contains_key("spin_manifest_version") {
        return authored::manifest(root);
    }
    version(&root)?;
    let fields =
        root.fields(&["spin_manifest_version", "application", "variables", "trigger", "component"])?;
    let application = application::read(fields.require("application")?)?;
    let mut variables = IndexMap::new();
    if let Some(node) = fields.get("variables") {
        for (key, node) in node.entries()? {
            variables.insert(key.name.to_owned(), application::variable(&key, node)?);
        }
    }
    let mut components = IndexMap::new();
    if let Some(node) = fields.get("component") {
        for (key, node) in node.entries()? {
            let path = vec![Step::key("component"), Step::key(key.name)];
            components.insert(key.name.to_owned(), component::read(&key, &node, path)?);
        }
    }
    let drafts = trigger::read_all(&fields.require("trigger")?)?;
    let triggers: Vec<Trigger> = trigger::normalise(drafts, &mut components);
    Ok(Manifest { application, variables, triggers, components, authored: None, workspace: None })
}

/// The version comes first: of another version nothing else can be said.
fn version(root: &Node<'_>) -> Result<()> {
    let table = root.table()?;
    let Some(node) = root.child(table, "spin_manifest_version") else {
        return Err(root
            .missing("spin_manifest_version")
            .with_hint("write `spin_manifest_version = 2` at the top of the file"));
    };
    match node.value {
        Raw::Value(Value::Integer(number)) if *number.value() == 2 => Ok(()),
        Raw::Value(value @ (Value::Integer(_) | Value::Float(_) | Value::String(_))) => {
            let written = shown(value);
            let old = written.trim_matches('"') == "1";
            Err(ManifestError::new(ErrorKind::UnsupportedVersion(written), node.span, "this version")
                .with_hint_if(old.then(|| "`spin doctor` upgrades a manifest of version 1".to_owned())))
        }
        _ => Err(node.wrong_type("the number 2")),
    }
}

/// A value as it was written.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", printable(text.value())),
        other => other.to_string().trim().to_owned(),
    }
}

/// A key and its place.
#[derive(Debug, Clone)]
pub(crate) struct KeyRef<'a> {
    pub(crate) name: &'a str,
    pub(crate) span: Span,
}

/// A value, where it is and what it is called.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    value: Raw<'a>,
    /// The value's place; for a table, that of its header or first key.
    pub(crate) span: Span,
    /// What the value is, in words, such as "`route` of the trigger".
    pub(crate) what: String,
}

#[derive(Clone, Copy)]
enum Raw<'a> {
    Table(&'a dyn TableLike),
    Value(&'a Value),
    List(&'a Array),
    Tables(&'a ArrayOfTables),
    Nothing,
}

impl<'a> Raw<'a> {
    fn of(item: &'a Item) -> Self {
        match item {
            Item::None => Self::Nothing,
            Item::Value(value) => Self::of_value(value),
            Item::Table(table) => Self::Table(table),
            Item::ArrayOfTables(tables) => Self::Tables(tables),
        }
    }

    fn of_value(value: &'a Value) -> Self {
        match value {
            Value::InlineTable(table) => Self::Table(table),
            Value::Array(array) => Self::List(array),
            other => Self::Value(other),
        }
    }

    fn type_name(self) -> &'static str {
        match self {
            Raw::Table(_) => "a table",
            Raw::List(_) | Raw::Tables(_) => "an array",
            Raw::Value(Value::String(_)) => "a string",
            Raw::Value(Value::Integer(_) | Value::Float(_)) => "a number",
            Raw::Value(Value::Boolean(_)) => "a boolean",
            Raw::Value(Value::Datetime(_)) => "a date",
            Raw::Value(_) | Raw::Nothing => "another type",
        }
    }
}

impl<'a> Node<'a> {
    pub(crate) fn called(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    pub(crate) fn error(&self, kind: ErrorKind, label: impl Into<String>) -> ManifestError {
        ManifestError::new(kind, self.span.clone(), label)
    }

    pub(crate) fn invalid(
        &self,
        what: &'static str,
        value: &str,
        reason: impl Into<String>,
    ) -> ManifestError {
        let kind = ErrorKind::Invalid { what, value: printable(value), reason: reason.into() };
        self.error(kind, format!("not a valid {what}"))
    }

    /// The place of a part of the string `text`, in bytes of it, or that of the whole where an escape moves the rest.
    pub(crate) fn part(&self, text: &str, part: Span) -> Span {
        let quotes = self.span.len().saturating_sub(text.len());
        match (part.is_empty(), quotes) {
            (false, 2 | 6) => {
                let start = self.span.start + quotes / 2;
                start + part.start..start + part.end
            }
            _ => self.span.clone(),
        }
    }

    pub(crate) fn wrong_type(&self, expected: &str) -> ManifestError {
        let kind = ErrorKind::WrongType {
            value: self.what.clone(),
            expected: expected.to_owned(),
            found: self.value.type_name().to_owned(),
        };
        self.error(kind, format!("expected {expected}"))
    }

    pub(crate) fn missing(&self, field: &str) -> ManifestError {
        let kind = ErrorKind::MissingField { table: self.what.clone(), field: printable(field) };
        self.error(kind, format!("`{field}` is missing here"))
    }

    fn table(&self) -> Result<&'a dyn TableLike> {
        match self.value {
            Raw::Table(table) => Ok(table),
            _ => Err(self.wrong_type("a table")),
        }
    }

    fn child(&self, table: &'a dyn TableLike, key: &str) -> Option<Node<'a>> {
        let (_, item) = table.get_key_value(key)?;
        let key_span = table.key(key).and_then(toml_edit::Key::span).unwrap_or_else(|| self.span.clone());
        let span = item.span().unwrap_or(key_span);
        let what = format!("`{}` of {}", printable(key), self.what);
        Some(Node { value: Raw::of(item), span, what })
    }

    pub(crate) fn is_table(&self) -> bool {
        matches!(self.value, Raw::Table(_))
    }

    pub(crate) fn is_array(&self) -> bool {
        matches!(self.value, Raw::List(_) | Raw::Tables(_))
    }

    pub(crate) fn as_str(&self) -> Option<&'a str> {
        match self.value {
            Raw::Value(Value::String(text)) => Some(text.value()),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.value {
            Raw::Value(Value::Boolean(value)) => Some(*value.value()),
            _ => None,
        }
    }

    pub(crate) fn string(&self) -> Result<&'a str> {
        self.as_str().ok_or_else(|| self.wrong_type("a string"))
    }

    pub(crate) fn bool(&self) -> Result<bool> {
        self.as_bool().ok_or_else(|| self.wrong_type("`true` or `false`"))
    }

    /// A status code as HTTP defines it.
    pub(crate) fn status(&self) -> Result<u16> {
        match self.value {
            Raw::Value(Value::Integer(number)) => {
                u16::try_from(*number.value()).ok().filter(|status| (100..=999).contains(status)).ok_or_else(
                    || self.invalid("status", &number.value().to_string(), "it must be between 100 and 999"),
                )
            }
            _ => Err(self.wrong_type("a number")),
        }
    }

    /// The elements of an array, however it is written.
    pub(crate) fn elements(&self) -> Result<Vec<Node<'a>>> {
        let what = format!("an element of {}", self.what);
        let element = |value: Raw<'a>, span: Option<Span>| Node {
            value,
            span: span.unwrap_or_else(|| self.span.clone()),
            what: what.clone(),
        };
        match self.value {
            Raw::List(array) => Ok(array.iter().map(|v| element(Raw::of_value(v), v.span())).collect()),
            Raw::Tables(tables) => Ok(tables.iter().map(|t| element(Raw::Table(t), t.span())).collect()),
            _ => Err(self.wrong_type("an array")),
        }
    }

    pub(crate) fn strings(&self) -> Result<Vec<String>> {
        self.elements()?.iter().map(|node| node.string().map(str::to_owned)).collect()
    }

    /// A string, or an array of them.
    pub(crate) fn one_or_many_strings(&self) -> Result<Vec<String>> {
        match self.as_str() {
            Some(text) => Ok(vec![text.to_owned()]),
            None if self.is_array() => self.strings(),
            None => Err(self.wrong_type("a string or an array of strings")),
        }
    }

    /// All keys of a table with free names.
    pub(crate) fn entries(&self) -> Result<Vec<(KeyRef<'a>, Node<'a>)>> {
        let table = self.table()?;
        let entry = |(name, item): (&'a str, &'a Item)| {
            let span = table.key(name).and_then(toml_edit::Key::span).unwrap_or_else(|| self.span.clone());
            let node = Node {
                value: Raw::of(item),
                span: item.span().unwrap_or_else(|| span.clone()),
                what: format!("`{}` of {}", printable(name), self.what),
            };
            (KeyRef { name, span }, node)
        };
        Ok(table.iter().filter(|(_, item)| !item.is_none()).map(entry).collect())
    }

    /// Strings by free names.
    pub(crate) fn string_map(&self) -> Result<IndexMap<String, String>> {
        self.entries()?
            .into_iter()
            .map(|(key, node)| Ok((key.name.to_owned(), node.string()?.to_owned())))
            .collect()
    }

    /// The table's fields, all of which must be known.
    pub(crate) fn fields(self, known: &[&'static str]) -> Result<Fields<'a>> {
        let fields = self.open_fields()?;
        for (name, _) in fields.table.iter() {
            if !known.contains(&name) {
                return Err(fields.unknown(name, known));
            }
        }
        Ok(fields)
    }

    /// The table's fields, among which there may be others.
    pub(crate) fn open_fields(self) -> Result<Fields<'a>> {
        let table = self.table()?;
        Ok(Fields { table, node: self })
    }

    /// A copy of the value without places and decoration, for text of its own.
    pub(crate) fn plain(&self) -> Option<Value> {
        match self.value {
            Raw::Table(table) => Some(Value::InlineTable(plain_table(table))),
            Raw::List(array) => Some(Value::Array(array.iter().map(plain_value).collect())),
            Raw::Tables(tables) => {
                Some(Value::Array(tables.iter().map(|t| Value::InlineTable(plain_table(t))).collect()))
            }
            Raw::Value(value) => Some(plain_value(value)),
            Raw::Nothing => None,
        }
    }
}

// The depth is bounded where the text is parsed.
fn plain_table(table: &dyn TableLike) -> toml_edit::InlineTable {
    let mut copy = toml_edit::InlineTable::new();
    for (key, item) in table.iter() {
        let node = Node { value: Raw::of(item), span: 0..0, what: String::new() };
        if let Some(value) = node.plain() {
            copy.insert(key, value);
        }
    }
    copy
}

fn plain_value(value: &Value) -> Value {
    match value {
        Value::String(v) => v.value().as_str().into(),
        Value::Integer(v) => (*v.value()).into(),
        Value::Float(v) => (*v.value()).into(),
        Value::Boolean(v) => (*v.value()).into(),
        Value::Datetime(v) => (*v.value()).into(),
        Value::Array(array) => Value::Array(array.iter().map(plain_value).collect()),
        Value::InlineTable(table) => Value::InlineTable(plain_table(table)),
    }
}

/// A table with known fields.
pub(crate) struct Fields<'a> {
    table: &'a dyn TableLike,
    pub(crate) node: Node<'a>,
}

impl<'a> Fields<'a> {
    pub(crate) fn get(&self, key: &str) -> Option<Node<'a>> {
        self.node.child(self.table, key)
    }

    pub(crate) fn key_span(&self, key: &str) -> Span {
        self.table.key(key).and_then(toml_edit::Key::span).unwrap_or_else(|| self.node.span.clone())
    }

    /// The names of all fields that are there.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.table.iter().map(|(name, _)| name)
    }

    pub(crate) fn require(&self, key: &str) -> Result<Node<'a>> {
        self.get(key).ok_or_else(|| self.node.missing(key))
    }

    pub(crate) fn string(&self, key: &str) -> Result<Option<String>> {
        self.get(key).map(|node| node.string().map(str::to_owned)).transpose()
    }

    pub(crate) fn bool(&self, key: &str) -> Result<Option<bool>> {
        self.get(key).map(|node| node.bool()).transpose()
    }

    pub(crate) fn strings(&self, key: &str) -> Result<Vec<String>> {
        self.get(key).map_or_else(|| Ok(Vec::new()), |node| node.strings())
    }

    pub(crate) fn string_map(&self, key: &str) -> Result<IndexMap<String, String>> {
        self.get(key).map_or_else(|| Ok(IndexMap::new()), |node| node.string_map())
    }

    pub(crate) fn string_pairs(&self, key: &str) -> Result<Vec<(String, String)>> {
        Ok(self.string_map(key)?.into_iter().collect())
    }

    /// That a key has no place here.
    pub(crate) fn unknown(&self, name: &str, known: &[&'static str]) -> ManifestError {
        let kind = ErrorKind::UnknownField { table: self.node.what.clone(), field: printable(name) };
        let hint = did_you_mean(name, known)
            .or_else(|| (known.len() <= 8).then(|| format!("the fields are {}", quoted_list(known))));
        ManifestError::new(kind, self.key_span(name), "unknown field").with_hint_if(hint)
    }
}

/// Text from a file without what could move the cursor of a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            escaped.into_iter().flatten().chain((!c.is_control()).then_some(c))
        })
        .collect()
}
