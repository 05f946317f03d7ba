//! Where two interfaces differ, in WIT.
//!
//! The type checker says *that* two interfaces differ and gives its path to the place in prose. What a reader wants is
//! the declaration on either side, which is what this finds: the first item that the import has and the export has
//! not, or has differently. A function whose text is the same on both sides can still differ in a type that it
//! mentions, so types are compared too, those of other interfaces included.

use std::collections::{BTreeSet, VecDeque};

use super::error::Difference;
use crate::wit::surface::{Form, Item, Key, Scope, Surface};

/// Finds the difference between an import of one component and an export of another, if it can be shown in WIT.
pub(super) fn difference(importer: &[u8], import: &str, exporter: &[u8], export: &str) -> Option<Difference> {
    let (ours, theirs) = (Surface::read(importer).ok()?, Surface::read(exporter).ok()?);
    let (wanted, offered) = (ours.imports.get(import)?, theirs.exports.get(export)?);
    match (ours.interface(Some(wanted)), theirs.interface(Some(offered))) {
        (Some(wanted), Some(offered)) => differences(&ours, wanted, &theirs, offered).into_iter().next(),
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

/// All differences: what `wanted` has and `offered` has not, or has differently. Functions first: that is what is
/// called. A type may be an interface's own on one side and taken from elsewhere on the other: that is no difference,
/// as long as it is the same type.
pub(crate) fn differences(
    ours: &Surface,
    wanted: &Scope,
    theirs: &Surface,
    offered: &Scope,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut open = VecDeque::new();
    let mut items: Vec<_> = wanted.items.iter().collect();
    items.sort_by_key(|(_, item)| matches!(item.form, Form::Type | Form::Use(..)));
    for (key, item) in items {
        let other = offered.items.get(key);
        let is_used = |item: &Item| matches!(item.form, Form::Use(..));
        match other {
            Some(other) if is_used(item) || is_used(other) => {
                open.extend(origin(ours, wanted, key).zip(origin(theirs, offered, key)));
            }
            Some(other) if other.text == item.text => {}
            other => {
                let item = origin(ours, wanted, key).map_or(item, |origin| origin.item);
                found.push(shown(key, item, other));
            }
        }
    }
    // Types that are taken from elsewhere, and what those mention.
    let mut seen = BTreeSet::new();
    while let Some((mine, other)) = open.pop_front() {
        let pair = [&mine, &other].map(|it| (it.scope.name.as_str(), it.key));
        if !seen.insert(pair) {
            continue;
        }
        if other.item.text != mine.item.text {
            found.push(shown(mine.key, mine.item, Some(other.item)));
            continue;
        }
        // The type's own text is the same; what it mentions may not be.
        for name in &mine.item.mentions {
            let key = Key::new(name);
            open.extend(origin(ours, mine.scope, &key).zip(origin(theirs, other.scope, &key)));
        }
    }
    found
}

/// Where a type is declared.
struct Origin<'a> {
    scope: &'a Scope,
    key: &'a Key,
    item: &'a Item,
}

/// How many interfaces may hand on a type.
const MAX_USES: usize = 100;

fn origin<'a>(surface: &'a Surface, scope: &'a Scope, key: &Key) -> Option<Origin<'a>> {
    let mut scope = scope;
    let (mut key, mut item) = scope.items.get_key_value(key)?;
    for _ in 0..MAX_USES {
        let Form::Use(owner, name) = &item.form else {
            return Some(Origin { scope, key, item });
        };
        scope = surface.scopes.get(*owner)?;
        (key, item) = scope.items.get_key_value(&Key::new(name))?;
    }
    None
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
