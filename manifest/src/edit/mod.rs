//! Changes of the text of a manifest.
//!
//! Each change finds its place by path (see [`syntax`]), in whichever layout is there, and yields a
//! new text; [`crate::Document`] reads that text again before it keeps it.
//!
//! Taking out an entry that was put in restores the text byte for byte. That needs one decision:
//! when the last dependency of a component goes, does the table that held it go too? It does if,
//! and only if, putting the entry back would create the same table again.

mod entry;
mod list;
mod syntax;
mod table;
mod text;

pub(crate) use syntax::{MAX_DEPTH, Step, Syntax};

use self::{
    entry::{Entry, equal_values},
    syntax::{Item, Pair, PathId},
    table::{Content, Create, quoted_key},
    text::{Patch, apply, insert_lines, line_end},
};
use crate::{DependencyName, Inherit, Source, Span, Trigger};

/// What an entry should say.
pub(crate) struct Wanted<'a> {
    pub(crate) source: &'a Source,
    pub(crate) export: Option<&'a str>,
    pub(crate) inherit: &'a Inherit,
}

/// Puts an entry into a table of dependencies. `None` if its layout has no place for one.
pub(crate) fn add_dependency(
    text: &str,
    table: &[Step],
    name: &DependencyName,
    wanted: &Wanted<'_>,
) -> Option<String> {
    let entry = Entry::of_dependency(name, wanted);
    let content = Content::Fields(entry.fields.clone(), entry.value());
    table::add(text, table, &quoted_key(&name.to_string()), &content, Create::Table)
}

/// Makes an existing entry say what is wanted, with as little change as its layout allows.
pub(crate) fn update_dependency(
    text: &str,
    table: &[Step],
    name: &DependencyName,
    wanted: &Wanted<'_>,
) -> Option<String> {
    let entry = Entry::of_dependency(name, wanted);
    let path = [table, &[Step::Key(name.to_string())]].concat();
    let syntax = Syntax::parse(text);
    let whole = syntax.find(&path).and_then(|id| pair_at(&syntax, id));
    let replace = |pair: &Pair| Patch { span: pair.value.clone(), text: entry.value() };
    if let Some(pair) = whole.filter(|pair| pair.list.is_none()) {
        let written = text.get(pair.value.clone())?;
        if entry.short.as_deref().and_then(|short| equal_values("version", written, short)) == Some(true) {
            return Some(text.to_owned());
        }
        return Some(apply(text, vec![replace(pair)]));
    }
    let mut patches = Vec::new();
    let mut missing = Vec::new();
    for (field, value) in &entry.fields {
        match field_at(&syntax, &path, field) {
            None => missing.push((*field, value)),
            Some(pair) => {
                let written = text.get(pair.value.clone()).unwrap_or_default();
                if equal_values(field, written, value) != Some(true) {
                    patches.push(Patch { span: pair.value.clone(), text: value.clone() });
                }
            }
        }
    }
    let surplus: Vec<&str> = entry::FIELDS
        .into_iter()
        .filter(|field| !entry.fields.iter().any(|(wanted, _)| wanted == field))
        .filter(|field| {
            let written = field_at(&syntax, &path, field).and_then(|pair| text.get(pair.value.clone()));
            written.is_some_and(|value| *field != "package" || !entry.implies_package(value))
        })
        .collect();
    if missing.is_empty() && surplus.is_empty() {
        return Some(apply(text, patches));
    }
    if let Some(pair) = whole
        && text.get(pair.value.clone()).is_some_and(|value| !value.contains('\n'))
    {
        return Some(apply(text, vec![replace(pair)]));
    }
    let mut text = apply(text, patches);
    for (field, value) in missing {
        text = table::add(&text, &path, field, &Content::Value(value.clone()), Create::Dotted)?;
    }
    for field in surplus {
        text = table::remove(&text, &[path.clone(), vec![Step::key(field)]].concat())?;
    }
    Some(text)
}

/// Puts a string in the place of another, in quotes of the same kind where they can hold it.
pub(crate) fn replace(text: &str, place: &Span, string: &str) -> Option<String> {
    let literal = text.get(place.clone())?.starts_with('\'') && !string.contains(['\'', '\n', '\r']);
    let written = if literal { format!("'{string}'") } else { text::quoted(string) };
    Some(apply(text, vec![Patch { span: place.clone(), text: written }]))
}

/// Takes an entry out of a table of dependencies; `last` if it has no other one.
pub(crate) fn remove_dependency(
    text: &str,
    table: &[Step],
    name: &DependencyName,
    last: bool,
) -> Option<String> {
    let path = [table, &[Step::Key(name.to_string())]].concat();
    let without = table::remove(text, &path)?;
    if !last {
        return Some(without);
    }
    let syntax = Syntax::parse(text);
    let pair = syntax.find(&path).and_then(|id| pair_at(&syntax, id));
    let smaller = pair.and_then(|pair| {
        let key = text.get(pair.keys.last()?.clone())?;
        let content = Content::Value(text.get(pair.value.clone())?.to_owned());
        let candidate = table::remove(&without, table).unwrap_or_else(|| without.clone());
        let restored = table::add(&candidate, table, key, &content, Create::Table)?;
        (restored == without_comment(text, &syntax, pair)).then_some(candidate)
    });
    Some(smaller.unwrap_or(without))
}

/// Puts a middleware into a trigger at a place.
pub(crate) fn insert_middleware(
    text: &str,
    trigger: &Trigger,
    place: usize,
    wanted: &Wanted<'_>,
) -> Option<String> {
    let entry = Entry::of_middleware(wanted);
    let path = middleware(trigger);
    let syntax = Syntax::parse(text);
    let id = syntax.find(&path);
    if let Some(list) = syntax.lists.iter().find(|list| Some(list.path) == id && !list.is_table) {
        return Some(apply(text, list::insert(text, list, place, &entry.value())));
    }
    if let Some(id) = id {
        return insert_middleware_table(text, &syntax, id, &path, place, &entry);
    }
    let (_, table) = path.split_last()?;
    let content = Content::Value(format!("[{}]", entry.value()));
    table::add(text, table, "middleware", &content, Create::Dotted)
}

/// The layout `[[trigger.http.dependencies.middleware]]`.
fn insert_middleware_table(
    text: &str,
    syntax: &Syntax,
    id: PathId,
    path: &[Step],
    place: usize,
    entry: &Entry,
) -> Option<String> {
    let next = syntax.find(&[path, &[Step::Index(place)]].concat());
    let headers = syntax.items.iter().enumerate().filter_map(|(number, item)| match item {
        Item::Header(header) => Some((number, header)),
        Item::Pair(..) => None,
    });
    let own: Vec<_> = headers.filter(|(_, header)| syntax.below(header.path, id)).collect();
    let (first, last) = (own.first()?, own.last()?);
    let brackets = text.get(first.1.span.clone())?;
    let indent = text::indentation(text, first.1.span.start);
    let behind = match own.iter().find(|(_, header)| Some(header.path) == next) {
        Some((number, _)) => number.checked_sub(1)?,
        None => {
            last.0 + syntax.items.iter().skip(last.0 + 1).take_while(|i| syntax.below(i.path(), id)).count()
        }
    };
    let mut lines = vec![String::new(), format!("{indent}{brackets}")];
    lines.extend(entry.fields.iter().map(|(field, value)| format!("{indent}{field} = {value}")));
    let end = line_end(text, syntax.items.get(behind)?.span().end);
    Some(apply(text, vec![insert_lines(text, end, &lines)]))
}

/// Takes the middleware at a place out of a trigger.
pub(crate) fn remove_middleware(text: &str, trigger: &Trigger, place: usize) -> Option<String> {
    let path = middleware(trigger);
    let (_, table) = path.split_last()?;
    let element = [path.clone(), vec![Step::Index(place)]].concat();
    let without = table::remove_one(text, &element).map(|patches| apply(text, patches))?;
    if trigger.middleware.len() > 1 {
        return Some(without);
    }
    let syntax = Syntax::parse(text);
    let smaller = syntax.find(&path).and_then(|id| pair_at(&syntax, id)).and_then(|pair| {
        let own = syntax.find(&element).and_then(|id| pair_at(&syntax, id))?;
        let content = Content::Value(format!("[{}]", text.get(own.span.clone())?));
        let candidate = table::remove(&without, &path)?;
        let restored = table::add(&candidate, table, "middleware", &content, Create::Dotted)?;
        (restored == without_comment(text, &syntax, pair)).then_some(candidate)
    });
    Some(smaller.unwrap_or(without))
}

/// The table of the dependencies of the component at a path.
pub(crate) fn dependencies(component: &[Step]) -> Vec<Step> {
    [component, &[Step::key("dependencies")]].concat()
}

/// The table of the overrides, in an application or in the manifest of a component.
pub(crate) fn overrides(in_application: bool) -> Vec<Step> {
    let path = ["application", "tool", "deps", "overrides"].map(Step::key);
    path.into_iter().skip(usize::from(!in_application)).collect()
}

fn middleware(trigger: &Trigger) -> Vec<Step> {
    vec![
        Step::key("trigger"),
        Step::key(&trigger.kind),
        Step::Index(trigger.index),
        Step::key("dependencies"),
        Step::key("middleware"),
    ]
}

fn pair_at(syntax: &Syntax, id: PathId) -> Option<&Pair> {
    let lines = syntax.items.iter().filter_map(|item| match item {
        Item::Pair(pair, _) => Some(pair),
        Item::Header(_) => None,
    });
    lines.chain(syntax.lists.iter().flat_map(|list| &list.elements)).find(|pair| pair.path == id)
}

fn field_at<'s>(syntax: &'s Syntax, entry: &[Step], field: &str) -> Option<&'s Pair> {
    let id = syntax.find(&[entry, &[Step::key(field)]].concat())?;
    pair_at(syntax, id)
}

/// The text without the comment behind an entry, which goes when the entry goes.
fn without_comment(text: &str, syntax: &Syntax, pair: &Pair) -> String {
    let is_line = syntax.items.iter().any(|item| matches!(item, Item::Pair(p, _) if p.span == pair.span));
    let end = line_end(text, pair.span.end);
    let line = text.get(pair.span.end..end).unwrap_or_default();
    if !is_line {
        return text.to_owned();
    }
    let newline = line.len() - line.trim_end_matches(['\r', '\n']).len();
    apply(text, vec![Patch::remove(pair.span.end..end - newline)])
}
