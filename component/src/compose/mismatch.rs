//! Where two interfaces differ, in WIT.
//!
//! The type checker says *that* two interfaces differ and gives its path to the place in prose. What a reader wants is
//! the declaration on either side, which is what this finds: the first item that the import has and the export has
//! not, or has differently. A function whose text is the same on both sides can still differ in a type that it
//! mentions, so types are compared too, those of other interfaces included.

use std::collections::BTreeSet;

use super::error::Difference;
use crate::wit::surface::{Form, Item, Key, Scope, Surface};

/// Finds the difference between an import of one component and an export of another, if it can be shown in WIT.
pub(super) fn difference(importer: &[u8], import: &str, exporter: &[u8], export: &str) -> Option<Difference> {
    let (ours, theirs) = (Surface::read(importer).ok()?, Surface::read(exporter).ok()?);
    let (wanted, offered) = (ours.imports.get(import)?, theirs.exports.get(export)?);
    match (ours.interface(Some(wanted)), theirs.interface(Some(offered))) {
        (Some(wanted), Some(offered)) => {
            let mut search = Search { ours: &ours, theirs: &theirs, seen: BTreeSet::new() };
            search.interface(wanted, offered)
        }
        (None, None) => {
            let wanted = ours.scopes.first()?.items.get(&Key::new(import))?;
            let offered = theirs.scopes.first()?.items.get(&Key::new(export))?;
            // The names may differ, the signatures must not.
            let signature = |item: &Item| item.text.split_once(": ").map(|(_, text)| text.to_owned());
            (signature(wanted) != signature(offered)).then(|| shown(&Key::new(import), wanted, Some(offered)))
        }
        _ => None,
    }
}

struct Search<'a> {
    ours: &'a Surface,
    theirs: &'a Surface,
    /// The pairs of interfaces that were compared, so that the search ends.
    seen: BTreeSet<(String, String)>,
}

impl Search<'_> {
    fn interface(&mut self, wanted: &Scope, offered: &Scope) -> Option<Difference> {
        if !self.seen.insert((wanted.name.clone(), offered.name.clone())) {
            return None;
        }
        // Functions first: that is what was called.
        let mut items: Vec<_> = wanted.items.iter().collect();
        items.sort_by_key(|(_, item)| matches!(item.form, Form::Type | Form::Use(..)));
        for (key, item) in items {
            let other = offered.items.get(key);
            let difference = match (&item.form, other) {
                (Form::Use(ours, name), Some(other)) => match &other.form {
                    Form::Use(theirs, original) => self.used((*ours, name), (*theirs, original)),
                    _ => None,
                },
                (_, Some(other)) if other.text == item.text || matches!(other.form, Form::Use(..)) => None,
                (_, other) => Some(shown(key, item, other)),
            };
            if difference.is_some() {
                return difference;
            }
        }
        None
    }

    /// Compares a type that both interfaces take from elsewhere.
    fn used(&mut self, ours: (usize, &str), theirs: (usize, &str)) -> Option<Difference> {
        let (wanted, offered) = (self.ours.scopes.get(ours.0)?, self.theirs.scopes.get(theirs.0)?);
        let (key, item) = wanted.items.get_key_value(&Key::new(ours.1))?;
        let other = offered.items.get(&Key::new(theirs.1));
        match other {
            Some(other) if other.text == item.text => {
                // The type's own text is the same; what it mentions may not be.
                let mentioned: Vec<_> = item.mentions.iter().cloned().collect();
                mentioned.iter().find_map(|name| {
                    let seen = (format!("{}.{name}", wanted.name), format!("{}.{name}", offered.name));
                    self.seen.insert(seen).then(|| self.used((ours.0, name), (theirs.0, name))).flatten()
                })
            }
            other => Some(shown(key, item, other)),
        }
    }
}

fn shown(key: &Key, item: &Item, other: Option<&Item>) -> Difference {
    let (what, name) = match (&key.member, &item.form) {
        (Some(member), _) => ("method", format!("{}.{member}", key.name)),
        (None, Form::Function) => ("function", key.name.clone()),
        (None, _) => ("type", key.name.clone()),
    };
    Difference::Item {
        what,
        item: name,
        expected: item.text.clone(),
        found: other.map(|other| other.text.clone()).filter(|text| !text.is_empty()),
    }
}
