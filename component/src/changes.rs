//! What a reader wants to know of two releases: which interfaces came, went and changed, declaration by declaration.
//!
//! Unlike the semver check (see [`compare`](crate::compare)) this does not ask whether one can stand for the other. An
//! interface is held against the one of its name, over incompatible versions as well, because that is where most has
//! changed and most is to be read.

use serde::Serialize;

use crate::{
    Difference, InterfaceName, Kind, Types,
    compose::mismatch::{Owners, differences, origin, plain_difference},
    name::candidates,
    wit::{
        surface::{Entry, Form, Item, Key, Surface},
        text::{escaped_path, use_text},
    },
};

/// An exported interface, or function, that is not the same in both releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InterfaceChange {
    /// Its name in the older release; `None` if it is new.
    pub older: Option<String>,
    /// Its name in the newer release; `None` if it is gone.
    pub newer: Option<String>,
    /// What is in it, where it came or went; what changed in it else. Sorted by name.
    pub items: Vec<ItemChange>,
    /// WIT has no form for all of it, so that more may have changed.
    pub partial: bool,
}

/// A declaration that is not the same in both releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemChange {
    /// "function", "type", "method", "resource".
    pub what: &'static str,
    /// Its name.
    pub item: String,
    /// The older declaration, in WIT.
    pub older: Option<String>,
    /// The newer one.
    pub newer: Option<String>,
}

/// The exports that differ, in the order of the newer release, and after them those that are gone. Nothing is told of a
/// core module.
pub fn changes(older: &Types, newer: &Types) -> Vec<InterfaceChange> {
    let (before, after) = (older.surface(), newer.surface());
    let mut gone: Vec<&String> = before.exports.keys().collect();
    let mut found = Vec::new();
    for (name, entry) in &after.exports {
        let other = partner(name, &gone).cloned();
        let change = match other.as_ref().and_then(|other| before.exports.get_key_value(other)) {
            None => Some(InterfaceChange {
                newer: Some(name.clone()),
                ..whole(after, name, entry, Listed::Newer)
            }),
            Some((other, old)) => {
                gone.retain(|name| *name != other);
                changed((before, other, old), (after, name, entry))
            }
        };
        found.extend(change);
    }
    for name in gone {
        if let Some(entry) = before.exports.get(name) {
            found.push(InterfaceChange {
                older: Some(name.clone()),
                ..whole(before, name, entry, Listed::Older)
            });
        }
    }
    if older.kind() == Kind::CoreModule { Vec::new() } else { found }
}

/// The export of the older release that one of the newer goes on from.
fn partner<'a>(name: &str, older: &[&'a String]) -> Option<&'a String> {
    let find = |wanted: &str| older.iter().copied().find(|other| *other == wanted);
    let fitting = candidates(name, older.iter().map(|name| name.as_str())).into_iter().next().and_then(find);
    fitting.or_else(|| {
        let own = InterfaceName::parse(name)?;
        let is_same = |other: &&&String| {
            InterfaceName::parse(other)
                .is_some_and(|it| (it.package, it.interface) == (own.package.clone(), own.interface.clone()))
        };
        older
            .iter()
            .filter(is_same)
            .max_by_key(|other| InterfaceName::parse(other).map(|it| it.version))
            .copied()
    })
}

fn changed(
    (before, other, old): (&Surface, &str, &Entry),
    (after, name, new): (&Surface, &str, &Entry),
) -> Option<InterfaceChange> {
    let mut items = Vec::new();
    let mut partial = false;
    match (old, new) {
        (Entry::Interface(old), Entry::Interface(new)) => {
            let is_partial = |surface: &Surface, scope: usize| {
                surface.scopes.get(scope).is_some_and(|it| it.broken.is_some())
            };
            partial = is_partial(before, *old) || is_partial(after, *new);
            let (older, newer) = ((before, *old), (after, *new));
            items.extend(
                differences(older, newer, Owners::AnyVersion).into_iter().map(|it| item(it, Listed::Older)),
            );
            // The other way round, only what the older one has not at all is new.
            let gained = differences(newer, older, Owners::AnyVersion).into_iter();
            items.extend(
                gained
                    .filter(|it| matches!(it, Difference::Item { found: None, .. }))
                    .map(|it| item(it, Listed::Newer)),
            );
        }
        (Entry::Function(old), Entry::Function(new)) => {
            let difference = plain_difference((before, other, old), (after, name, new));
            items.extend(difference.map(|it| item(it, Listed::Older)));
        }
        (Entry::Other, Entry::Other) => {}
        (old, new) => {
            items.extend(whole(before, other, old, Listed::Older).items);
            items.extend(whole(after, name, new, Listed::Newer).items);
        }
    }
    items.sort_by(|a, b| a.item.cmp(&b.item));
    items.dedup();
    let is_renamed = candidates(other, [name].into_iter()).is_empty();
    (!items.is_empty() || is_renamed).then(|| InterfaceChange {
        older: Some(other.to_owned()),
        newer: Some(name.to_owned()),
        items,
        partial,
    })
}

/// Which release a declaration is from.
#[derive(Clone, Copy)]
enum Listed {
    Older,
    Newer,
}

fn item(difference: Difference, expected_in: Listed) -> ItemChange {
    let (what, item, expected, found) = match difference {
        Difference::Item { what, item, expected, found } => (what, item, expected, found),
        Difference::Other(detail) => ("function", String::new(), detail, None),
    };
    let (older, newer) = match expected_in {
        Listed::Older => (Some(expected), found),
        Listed::Newer => (found, Some(expected)),
    };
    ItemChange { what, item, older, newer }
}

/// All that an export has; whose name it goes by is left to the caller.
fn whole(surface: &Surface, name: &str, entry: &Entry, listed: Listed) -> InterfaceChange {
    let line = |what, item: String, text: String| {
        let (older, newer) = match listed {
            Listed::Older => (Some(text), None),
            Listed::Newer => (None, Some(text)),
        };
        ItemChange { what, item, older, newer }
    };
    let mut partial = matches!(entry, Entry::Other);
    let items = match entry {
        Entry::Interface(index) => surface.scopes.get(*index).map_or_else(Vec::new, |scope| {
            partial = scope.broken.is_some();
            let told = scope.items.iter().filter(|(_, item)| !item.implied);
            told.map(|(key, it)| line(what(key, it), label(key), text(surface, *index, key, it))).collect()
        }),
        Entry::Function(function) => vec![line("function", name.to_owned(), function.text.clone())],
        Entry::Other => Vec::new(),
    };
    InterfaceChange { older: None, newer: None, items, partial }
}

fn what(key: &Key, item: &Item) -> &'static str {
    match (&key.member, &item.form) {
        (Some(_), _) => "method",
        (None, Form::Function) => "function",
        (None, _) => "type",
    }
}

fn label(key: &Key) -> String {
    match &key.member {
        Some(member) => format!("{}.{member}", key.name),
        None => key.name.clone(),
    }
}

fn text(surface: &Surface, scope: usize, key: &Key, item: &Item) -> String {
    let Form::Use(owner, name) = &item.form else { return item.text.clone() };
    match surface.scopes.get(*owner) {
        Some(owner) if !owner.name.is_empty() => use_text(&escaped_path(&owner.name), name, &key.name),
        _ => origin(surface, scope, key).map(|it| it.item.text.clone()).unwrap_or_default(),
    }
}
