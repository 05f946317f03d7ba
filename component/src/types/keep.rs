//! What of a component's types others can meet.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::json::is_name;
use crate::{
    InterfaceName, is_host_provided,
    wit::{
        shape::{Declaration, Function},
        surface::{Entry, Form, Key, Scope, Surface},
    },
};

/// Whether an import is one that the host provides.
pub(super) fn is_hosted(import: &str) -> bool {
    InterfaceName::parse(import).is_some_and(|name| is_host_provided(&name.package))
}

/// Keeps the exports, the imports that the host does not provide, and what those mention.
pub(super) fn what_others_meet(mut surface: Surface) -> Surface {
    surface.scopes.iter_mut().for_each(only_readable);
    for (name, entry) in surface.imports.iter_mut().chain(&mut surface.exports) {
        if matches!(entry, Entry::Function(it) if Function::plain(name, &it.text).is_none()) {
            *entry = Entry::Other;
        }
    }
    let kept = kept(&surface);
    let mut scopes = Vec::new();
    let mut places = BTreeMap::new();
    let mut same = HashMap::new();
    for (index, mut scope) in surface.scopes.into_iter().enumerate() {
        let is_whole = kept.whole.contains(&index);
        let items = kept.parts.get(&index);
        if !is_whole && items.is_none() && index != 0 {
            continue;
        }
        if !is_whole {
            scope
                .items
                .retain(|key, _| key.member.is_none() && items.is_some_and(|it| it.contains(&key.name)));
            scope.broken = None;
        }
        for item in scope.items.values_mut() {
            if let Form::Use(owner, _) = &mut item.form {
                *owner = places.get(owner).copied().unwrap_or(*owner);
            }
        }
        // The definitions of a WIT package repeat what they use.
        let place = if is_whole || index == 0 {
            scopes.len()
        } else {
            *same.entry(scope.clone()).or_insert(scopes.len())
        };
        places.insert(index, place);
        if place == scopes.len() {
            scopes.push(scope);
        }
    }
    // The world may use what comes after it.
    if let Some(world) = scopes.first_mut() {
        for item in world.items.values_mut() {
            if let Form::Use(owner, _) = &mut item.form {
                *owner = places.get(owner).copied().unwrap_or(0);
            }
        }
    }
    for entry in surface.imports.values_mut().chain(surface.exports.values_mut()) {
        if let Entry::Interface(scope) = entry {
            *entry = places.get(scope).map_or(Entry::Other, |place| Entry::Interface(*place));
        }
    }
    Surface { scopes, ..surface }
}

/// Leaves out what could not be read back, because its name is none in WIT, and mentions what the text does.
fn only_readable(scope: &mut Scope) {
    let all = scope.items.len();
    scope.items.retain(|key, item| {
        if let Form::Use(..) = item.form {
            return is_name(&key.name);
        }
        let read = Declaration::parse(&item.text).filter(|_| is_name(&key.name));
        item.mentions = read.iter().flat_map(Declaration::mentions).collect();
        read.is_some()
    });
    // Why does not matter any more.
    scope.broken = (scope.broken.is_some() || scope.items.len() < all).then(String::new);
}

struct Kept {
    /// Scopes that are kept with all that is in them.
    whole: BTreeSet<usize>,
    /// Types that are kept of others.
    parts: BTreeMap<usize, BTreeSet<String>>,
}

fn kept(surface: &Surface) -> Kept {
    let mut kept = Kept { whole: BTreeSet::new(), parts: BTreeMap::new() };
    let mut open: Vec<(usize, String)> = Vec::new();
    let imports = surface.imports.iter().filter(|(name, _)| !is_hosted(name));
    for (_, entry) in imports.chain(&surface.exports) {
        match entry {
            Entry::Interface(scope) => {
                kept.whole.insert(*scope);
            }
            Entry::Function(function) => open.extend(function.mentions.iter().map(|name| (0, name.clone()))),
            Entry::Other => {}
        }
    }
    for scope in kept.whole.iter().filter_map(|index| surface.scopes.get(*index)) {
        for item in scope.items.values() {
            if let Form::Use(owner, name) = &item.form {
                open.push((*owner, name.clone()));
            }
        }
    }
    while let Some((scope, name)) = open.pop() {
        let item = surface.scopes.get(scope).and_then(|it| it.items.get(&Key::new(&name)));
        let Some(item) = item.filter(|_| !kept.whole.contains(&scope)) else { continue };
        if !kept.parts.entry(scope).or_default().insert(name) {
            continue;
        }
        if let Form::Use(owner, name) = &item.form {
            open.push((*owner, name.clone()));
        }
        open.extend(item.mentions.iter().map(|name| (scope, name.clone())));
    }
    kept
}
