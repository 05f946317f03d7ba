//! Which instance defines a resource that passes along a wire.
//!
//! A resource is more than its declaration: its handles mean something only to the instance that defines it. The type
//! checker looks at one wire at a time and sees that both ends speak of a resource of one name. Whether it is the same
//! resource shows only when both are followed, wire by wire, to the instances that define them. The validator of the
//! composed component does so and answers in numbers; this finds the names.

use std::collections::BTreeMap;

use super::{
    ComposeError, Denial, Owned,
    plan::{Plan, Prepared},
};
use crate::capability;
use crate::wit::surface::{Entry, Form, Item, Key, Surface};

/// The wires that were made: an instance and its import, and where that leads: an instance and its export.
pub(super) type Ends = BTreeMap<(usize, String), (usize, String)>;

/// Finds two parts that exchange a resource which is not the same for both.
pub(super) fn apart(plan: &Plan<'_>, ends: &Ends) -> Option<ComposeError> {
    let read = |(part, prepared): (&usize, &Prepared<'_>)| {
        Surface::read(&prepared.part.bytes).ok().map(|surface| (*part, surface))
    };
    let tracing = Tracing { plan, ends, surfaces: plan.parts.iter().filter_map(read).collect() };
    ends.iter().find_map(|((instance, import), (source, export))| {
        let (mine, theirs) = (tracing.imported(*instance, import)?, tracing.exported(*source, export)?);
        tracing.items(&mine)?.find_map(|key| {
            let owners = (tracing.owner(mine, key)?, tracing.owner(theirs, key)?);
            if owners.0 == owners.1 {
                return None;
            }
            if let Some(denial) = tracing.denial(&owners.0).or_else(|| tracing.denial(&owners.1)) {
                return Some(ComposeError::DeniedResource {
                    resource: key.name.clone(),
                    part: plan.label(*instance),
                    import: import.clone(),
                    target: plan.label(*source),
                    denial: Box::new(denial),
                });
            }
            Some(ComposeError::Resource {
                resource: key.name.clone(),
                part: plan.label(*instance),
                import: import.clone(),
                target: plan.label(*source),
                ours: Box::new(tracing.owned(&mine, key, &owners.0)),
                theirs: Box::new(tracing.owned(&theirs, key, &owners.1)),
            })
        })
    })
}

/// An interface of an instance: the instance, and the scope in its part's surface.
#[derive(Clone, Copy)]
struct Place {
    instance: usize,
    scope: usize,
}

/// Who defines a resource.
#[derive(PartialEq, Eq)]
enum Owner {
    /// An instance, in an interface, under a name.
    Instance(usize, String, String),
    /// The host, in an interface.
    Host(String),
}

struct Tracing<'a> {
    plan: &'a Plan<'a>,
    ends: &'a Ends,
    surfaces: BTreeMap<usize, Surface>,
}

impl Tracing<'_> {
    fn surface(&self, instance: usize) -> Option<&Surface> {
        self.surfaces.get(&self.plan.instances.get(instance)?.part)
    }

    fn imported(&self, instance: usize, name: &str) -> Option<Place> {
        match self.surface(instance)?.imports.get(name)? {
            Entry::Interface(scope) => Some(Place { instance, scope: *scope }),
            _ => None,
        }
    }

    fn exported(&self, instance: usize, name: &str) -> Option<Place> {
        match self.surface(instance)?.exports.get(name)? {
            Entry::Interface(scope) => Some(Place { instance, scope: *scope }),
            _ => None,
        }
    }

    /// The types of an interface.
    fn items(&self, place: &Place) -> Option<impl Iterator<Item = &Key>> {
        let scope = self.surface(place.instance)?.scopes.get(place.scope)?;
        let is_type = |item: &Item| matches!(item.form, Form::Type | Form::Use(..));
        Some(scope.items.iter().filter(move |(_, item)| is_type(item)).map(|(key, _)| key))
    }

    /// Who defines the resource that an interface knows by this name; `None` if it is no resource.
    fn owner(&self, place: Place, key: &Key) -> Option<Owner> {
        let (mut place, mut name) = (place, key.name.clone());
        // An instance is wired to earlier ones only, and a scope uses earlier ones only: this ends. Who counts does not
        // have to trust that.
        for _ in 0..self.plan.instances.len().saturating_mul(MAX_USES) {
            let surface = self.surface(place.instance)?;
            let scope = surface.scopes.get(place.scope)?;
            let item = scope.items.get(&Key::new(&name))?;
            if let Form::Use(owner, original) = &item.form {
                (place.scope, name) = (*owner, original.clone());
                continue;
            }
            if !item.text.starts_with("resource ") {
                return None;
            }
            let is_import =
                matches!(surface.imports.get(&scope.name), Some(Entry::Interface(it)) if *it == place.scope);
            if !is_import {
                return Some(Owner::Instance(place.instance, scope.name.clone(), name));
            }
            match self.ends.get(&(place.instance, scope.name.clone())) {
                Some((source, export)) => place = self.exported(*source, export)?,
                None => return Some(Owner::Host(scope.name.clone())),
            }
        }
        None
    }

    /// What is denied to a part that knows the resource from an adapter. The adapter's instance is right before the part's.
    fn denial(&self, owner: &Owner) -> Option<Denial> {
        let Owner::Instance(instance, import, _) = owner else {
            return None;
        };
        self.plan.instances.get(*instance)?.denies.then(|| Denial {
            part: self.plan.label(instance + 1),
            import: import.clone(),
            capability: capability(import),
        })
    }

    fn owned(&self, place: &Place, key: &Key, owner: &Owner) -> Owned {
        let surface = self.surface(place.instance);
        let item = surface.and_then(|it| it.scopes.get(place.scope)?.items.get(key));
        let declaration = match item.map(|item| (&item.form, &item.text)) {
            Some((Form::Use(owner, name), _)) => {
                let owner = surface.and_then(|it| it.scopes.get(*owner)).map_or("", |scope| &scope.name);
                format!("use {owner}.{{{name}}}")
            }
            Some((_, text)) => text.clone(),
            None => String::new(),
        };
        let owner = match owner {
            Owner::Instance(instance, ..) => Some(self.plan.label(*instance)),
            Owner::Host(_) => None,
        };
        Owned { declaration, owner }
    }
}

/// How many interfaces of one component may hand on a type.
const MAX_USES: usize = 100;
