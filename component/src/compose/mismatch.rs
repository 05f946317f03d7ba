//! Where two interfaces differ, in WIT.
//!
//! The type checker says *that* two interfaces differ and gives its path to the place in prose. What a reader wants is
//! the declaration on either side, which is what this finds. Its rules are the checker's own: what is wanted must be
//! there under its name, and a type is what it is made of, whatever it is called; so a function whose text is the same
//! on both sides can still differ in a type that it mentions, and one whose text is another can be the same. Each pair
//! of types is looked at once, where it is declared, which makes the work linear.
//!
//! A resource is more than its name. It is the same on both sides only if both mean that of one interface, or of
//! versions of it that fit together; where they do not, a composition would be put together of two resources.
//!
//! What WIT cannot express is not known here, and is never called a difference.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    rc::Rc,
};

use super::error::Difference;
use crate::{
    name::candidates,
    wit::{
        shape::{Declaration, Function, Shape, Type},
        surface::{Entry, Form, Item, Key, Surface},
        text::{escaped_path, use_text},
    },
};

/// Finds the difference between an import of one component and an export of another, if there is one that is known.
pub(crate) fn difference(ours: &Surface, import: &str, theirs: &Surface, export: &str) -> Option<Difference> {
    match (ours.imports.get(import)?, theirs.exports.get(export)?) {
        (Entry::Interface(wanted), Entry::Interface(offered)) => {
            differences((ours, *wanted), (theirs, *offered), Owners::Compatible).into_iter().next()
        }
        (Entry::Function(wanted), Entry::Function(offered)) => {
            plain_difference((ours, import, wanted), (theirs, export, offered))
        }
        (Entry::Function(_), Entry::Interface(_)) => {
            Some(Difference::Other(format!("it imports a function, and `{export}` is an interface")))
        }
        (Entry::Interface(_), Entry::Function(_)) => {
            Some(Difference::Other(format!("it imports an interface, and `{export}` is a function")))
        }
        (Entry::Other, _) | (_, Entry::Other) => None,
    }
}

/// The difference between two plain functions, each with its surface and its name, which does not matter.
pub(crate) fn plain_difference(
    (ours, import, wanted): (&Surface, &str, &Item),
    (theirs, export, offered): (&Surface, &str, &Item),
) -> Option<Difference> {
    let mut comparing = Comparing::new((ours, 0), (theirs, 0));
    let functions = (Function::plain(import, &wanted.text)?, Function::plain(export, &offered.text)?);
    if !comparing.functions((0, &functions.0), (0, &functions.1)) {
        return Some(shown(&Key::new(import), wanted, Some(offered)));
    }
    comparing.finish().into_iter().next()
}

/// Which interfaces are the same one where a resource comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owners {
    /// Those of one name on one semver track.
    Compatible,
    /// Those of one name, whatever their version.
    AnyVersion,
}

/// All differences of two interfaces, each given by its surface and the index of its scope there: what `wanted` has and
/// `offered` has not, or has differently. Functions first: that is what is called.
pub(crate) fn differences(
    wanted: (&Surface, usize),
    offered: (&Surface, usize),
    owners: Owners,
) -> Vec<Difference> {
    let ((ours, mine), (theirs, other)) = (wanted, offered);
    let (Some(wanted), Some(offered)) = (ours.scopes.get(mine), theirs.scopes.get(other)) else {
        return Vec::new();
    };
    let mut comparing = Comparing { owners, ..Comparing::new((ours, mine), (theirs, other)) };
    let is_type = |item: &Item| matches!(item.form, Form::Type | Form::Use(..));
    // The interface's own types are put down before those that only its functions mention.
    let mut types = Vec::new();
    for (key, item) in wanted.items.iter().filter(|(_, item)| is_type(item)) {
        let found = offered.items.get(key);
        let name = Type::Name(key.name.clone());
        let same = match found {
            None => item.implied || offered.broken.is_some(),
            Some(found) => is_type(found) && comparing.types((mine, &name), (other, &name)),
        };
        if !same {
            let declared = origin(ours, mine, key).map_or(item, |origin| origin.item);
            let found = found.map(|found| origin(theirs, other, key).map_or(found, |origin| origin.item));
            types.push(shown(key, declared, found));
        }
    }
    for (key, item) in wanted.items.iter().filter(|(_, item)| !is_type(item)) {
        let found = offered.items.get(key);
        let same = match found {
            None => offered.broken.is_some(),
            Some(found) => {
                let declarations = Declaration::parse(&item.text).zip(Declaration::parse(&found.text));
                declarations.is_none_or(|(declared, found)| match (&declared.shape, &found.shape) {
                    (Shape::Function(wanted), Shape::Function(found)) => {
                        comparing.functions((mine, wanted), (other, found))
                    }
                    (wanted, found) => wanted == found,
                })
            }
        };
        if !same {
            comparing.found.push(shown(key, item, found));
        }
    }
    comparing.found.append(&mut types);
    comparing.finish()
}

/// A declared type, behind all uses and other names for it: its scope, and its key there.
type Place<'a> = (usize, &'a Key);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Side {
    Ours,
    Theirs,
}

struct Comparing<'a> {
    ours: &'a Surface,
    theirs: &'a Surface,
    /// The scope of ours that is to be met.
    wanted: usize,
    /// The scope of theirs that should do.
    offered: usize,
    owners: Owners,
    /// What was read back from its text.
    declarations: HashMap<(Side, Place<'a>), Option<Rc<Declaration>>>,
    /// Pairs of types that were seen.
    seen: HashSet<(Place<'a>, Place<'a>)>,
    /// Those of them that are still to be compared.
    open: VecDeque<(Place<'a>, Place<'a>)>,
    found: Vec<Difference>,
}

impl<'a> Comparing<'a> {
    fn new((ours, wanted): (&'a Surface, usize), (theirs, offered): (&'a Surface, usize)) -> Self {
        Self {
            ours,
            theirs,
            wanted,
            offered,
            owners: Owners::Compatible,
            declarations: HashMap::new(),
            seen: HashSet::new(),
            open: VecDeque::new(),
            found: Vec::new(),
        }
    }

    fn surface(&self, side: Side) -> &'a Surface {
        match side {
            Side::Ours => self.ours,
            Side::Theirs => self.theirs,
        }
    }

    fn declaration(&mut self, side: Side, place: Place<'a>) -> Option<Rc<Declaration>> {
        let surface = self.surface(side);
        let read = self.declarations.entry((side, place)).or_insert_with(|| {
            Declaration::parse(&surface.scopes.get(place.0)?.items.get(place.1)?.text).map(Rc::new)
        });
        read.clone()
    }

    /// Follows a name through uses and other names to a declaration; `None` if it leads nowhere.
    fn place(&mut self, side: Side, scope: usize, name: &str) -> Option<(Place<'a>, Rc<Declaration>)> {
        let surface = self.surface(side);
        let mut found = origin(surface, scope, &Key::new(name))?;
        for _ in 0..MAX_STEPS {
            let place = (found.scope, found.key);
            let declaration = self.declaration(side, place)?;
            let Shape::Alias(Type::Name(next)) = &declaration.shape else {
                return Some((place, declaration));
            };
            found = origin(surface, found.scope, &Key::new(next))?;
        }
        None
    }

    fn functions(&mut self, mine: (usize, &Function), other: (usize, &Function)) -> bool {
        let ((scope, mine), (there, other)) = (mine, other);
        mine.role == other.role
            && mine.is_async == other.is_async
            && self.fields((scope, &mine.params), (there, &other.params))
            && self.maybe((scope, mine.result.as_ref()), (there, other.result.as_ref()))
    }

    fn fields(&mut self, mine: (usize, &[(String, Type)]), other: (usize, &[(String, Type)])) -> bool {
        mine.1.len() == other.1.len()
            && mine.1.iter().zip(other.1).all(|((name, ty), (other_name, other_ty))| {
                name == other_name && self.types((mine.0, ty), (other.0, other_ty))
            })
    }

    fn maybe(&mut self, mine: (usize, Option<&Type>), other: (usize, Option<&Type>)) -> bool {
        match (mine.1, other.1) {
            (None, None) => true,
            (Some(ty), Some(other_ty)) => self.types((mine.0, ty), (other.0, other_ty)),
            _ => false,
        }
    }

    /// Whether two types, each with the scope that it is written in, are the same as far as can be seen from here; pairs
    /// of names are put down for later.
    fn types(&mut self, mine: (usize, &Type), other: (usize, &Type)) -> bool {
        match (mine.1, other.1) {
            (Type::Name(name), Type::Name(other_name)) => {
                let mine = self.place(Side::Ours, mine.0, name);
                let other = self.place(Side::Theirs, other.0, other_name);
                if let (Some((mine, _)), Some((other, _))) = (mine, other)
                    && self.seen.insert((mine, other))
                {
                    self.open.push_back((mine, other));
                }
                true
            }
            (Type::Name(name), Type::Built(..)) => {
                self.place(Side::Ours, mine.0, name).is_none_or(|((scope, _), it)| match &it.shape {
                    Shape::Alias(ty) => self.types((scope, ty), other),
                    _ => false,
                })
            }
            (Type::Built(..), Type::Name(name)) => {
                self.place(Side::Theirs, other.0, name).is_none_or(|((scope, _), it)| match &it.shape {
                    Shape::Alias(ty) => self.types(mine, (scope, ty)),
                    _ => false,
                })
            }
            (Type::Built(word, arguments), Type::Built(other_word, others)) => {
                word == other_word
                    && arguments.len() == others.len()
                    && (arguments.iter().zip(others))
                        .all(|(ty, other_ty)| self.types((mine.0, ty), (other.0, other_ty)))
            }
        }
    }

    fn finish(mut self) -> Vec<Difference> {
        while let Some((mine, other)) = self.open.pop_front() {
            self.pair(mine, other);
        }
        self.found
    }

    fn pair(&mut self, mine: Place<'a>, other: Place<'a>) {
        let read = (self.declaration(Side::Ours, mine), self.declaration(Side::Theirs, other));
        let (Some(declared), Some(found)) = read else { return };
        let same = match (&declared.shape, &found.shape) {
            (Shape::Alias(wanted), Shape::Alias(found)) => self.types((mine.0, wanted), (other.0, found)),
            (Shape::Record(wanted), Shape::Record(found)) => self.fields((mine.0, wanted), (other.0, found)),
            (Shape::Variant(wanted), Shape::Variant(found)) => {
                wanted.len() == found.len()
                    && wanted.iter().zip(found).all(|((name, payload), (other_name, other_payload))| {
                        name == other_name
                            && self.maybe((mine.0, payload.as_ref()), (other.0, other_payload.as_ref()))
                    })
            }
            (Shape::Resource, Shape::Resource) => {
                let is_named_alike = mine.1 == other.1;
                if is_named_alike {
                    let found = self.owners(mine, other);
                    self.found.extend(found);
                }
                is_named_alike
            }
            (wanted, found) => wanted == found,
        };
        let item = |surface: &'a Surface, place: Place<'a>| surface.scopes.get(place.0)?.items.get(place.1);
        if !same && let Some(wanted) = item(self.ours, mine) {
            self.found.push(shown(mine.1, wanted, item(self.theirs, other)));
        }
    }

    /// That a resource is not the one that is wanted, although it has its name.
    fn owners(&mut self, mine: Place<'a>, other: Place<'a>) -> Option<Difference> {
        let theirs = self.theirs;
        let name = |surface: &'a Surface, scope: usize| Some(surface.scopes.get(scope)?.name.as_str());
        let (owner, place) = (name(self.ours, mine.0)?, name(theirs, other.0)?);
        let (wanted, offered, owners) = (name(self.ours, self.wanted)?, self.offered, self.owners);
        let mut means_it = |scope: usize| {
            let ((scope, key), _) = self.place(Side::Theirs, scope, &mine.1.name)?;
            Some(key == other.1 && name(theirs, scope) == Some(place))
        };
        let is_right = if owner == wanted {
            // It is whatever the other side means by the name, there and everywhere in the interface.
            means_it(offered).unwrap_or(true)
        } else {
            let stands_for_it = |name: &str| match owners {
                Owners::Compatible => !candidates(owner, [name].into_iter()).is_empty(),
                Owners::AnyVersion => without_version(owner) == without_version(name),
            };
            // They may have that interface and take the resource from another one themselves.
            let mut entries = theirs.imports.iter().chain(&theirs.exports);
            stands_for_it(place)
                || entries.any(|(name, entry)| {
                    let Entry::Interface(scope) = entry else { return false };
                    stands_for_it(name) && means_it(*scope) == Some(true)
                })
        };
        if is_right {
            return None;
        }
        let used = |owner: &str, key: &Key| match owner {
            "" => format!("resource {}", key.name),
            owner => use_text(&escaped_path(owner), &key.name, &key.name),
        };
        Some(Difference::Item {
            what: "resource",
            item: mine.1.name.clone(),
            expected: used(owner, mine.1),
            found: Some(used(place, other.1)),
        })
    }
}

fn without_version(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// How many times in a row a type may be handed on by a use or an alias.
const MAX_STEPS: usize = 100;

/// Where a type is declared.
pub(crate) struct Origin<'a> {
    pub(crate) scope: usize,
    pub(crate) key: &'a Key,
    pub(crate) item: &'a Item,
}

/// Follows an item through the uses in front of it.
pub(crate) fn origin<'a>(surface: &'a Surface, scope: usize, key: &Key) -> Option<Origin<'a>> {
    let item = |scope: usize, key: &Key| surface.scopes.get(scope)?.items.get_key_value(key);
    let mut scope = scope;
    let (mut key, mut found) = item(scope, key)?;
    for _ in 0..MAX_STEPS {
        let Form::Use(owner, name) = &found.form else {
            return Some(Origin { scope, key, item: found });
        };
        scope = *owner;
        (key, found) = item(scope, &Key::new(name))?;
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
