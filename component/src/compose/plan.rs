//! Which export goes to which import, by name and version alone.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

mod denials;

pub(super) use self::denials::Refusal;
use super::{
    ComposeError, Composition, Denial, Link, LinkPattern, Part, Reach,
    handler::{self, Handlers},
};
use crate::{
    Extern, ExternKind, ImportPattern, Inspection, InterfaceName, Kind, denied, inspect, is_host_provided,
    name::candidates,
};

/// Instances and wires, every instance after those that it is wired to.
pub(super) struct Plan<'a> {
    pub(super) parts: BTreeMap<usize, Prepared<'a>>,
    pub(super) instances: Vec<Instance>,
    /// The instance of the root.
    pub(super) root: usize,
    /// The instance and export of the outermost middleware, which replaces the root's handler of that interface.
    pub(super) handler: Option<(usize, String)>,
    /// What is denied to the instances.
    pub(super) denials: Vec<Denial>,
}

/// A part and what is in it.
pub(super) struct Prepared<'a> {
    pub(super) part: Cow<'a, Part>,
    pub(super) inspection: Inspection,
}

impl Prepared<'_> {
    /// Only a component has something to instantiate.
    fn component(&self) -> Result<(), ComposeError> {
        let label = self.part.label.clone();
        match self.inspection.kind {
            Kind::Component => Ok(()),
            Kind::WitPackage => Err(ComposeError::WitOnly { label }),
            found @ Kind::CoreModule => Err(ComposeError::NotComponent { label, found }),
        }
    }
}

/// An instance to be made of a part.
pub(super) struct Instance {
    pub(super) part: usize,
    pub(super) wires: Vec<PlannedWire>,
    /// It was made for the instance after it, and answers what is denied to that one.
    pub(super) denies: bool,
}

/// An import and the exports that may satisfy it, best first.
#[derive(Clone)]
pub(super) struct PlannedWire {
    pub(super) import: String,
    /// The instance that exports.
    pub(super) source: usize,
    pub(super) exports: Vec<String>,
}

/// A wire while the target is still a part.
struct Match {
    import: String,
    target: usize,
    exports: Vec<String>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        composition: &'a Composition,
        refusal: Option<&Refusal<'_>>,
    ) -> Result<Self, ComposeError> {
        let mut planner = Planner {
            composition,
            refusal,
            parts: BTreeMap::new(),
            instances: Vec::new(),
            of_part: BTreeMap::new(),
            adapters: BTreeMap::new(),
            denials: Vec::new(),
        };
        let root = planner.instance(composition.root)?;
        let mut handler = None;
        for &middleware in composition.middleware.iter().rev() {
            let (next, exported) = match handler.take() {
                Some((next, exported)) => (next, exported),
                None => (root, planner.root_handler(composition.root)?),
            };
            handler = Some(planner.middleware(middleware, next, &exported)?);
        }
        let Planner { parts, instances, denials, .. } = planner;
        Ok(Self { parts, instances, root, handler, denials })
    }

    /// Nothing is wired: the root is the result.
    pub(super) fn is_trivial(&self) -> bool {
        self.instances.len() == 1
    }

    pub(super) fn root_bytes(&self) -> &[u8] {
        self.part(self.root).map_or(&[], |prepared| &prepared.part.bytes)
    }

    /// The part of an instance.
    pub(super) fn part(&self, instance: usize) -> Option<&Prepared<'a>> {
        self.parts.get(&self.instances.get(instance)?.part)
    }

    pub(super) fn label(&self, instance: usize) -> String {
        self.part(instance).map(|prepared| prepared.part.label.clone()).unwrap_or_default()
    }
}

struct Planner<'a, 'r> {
    composition: &'a Composition,
    refusal: Option<&'r Refusal<'r>>,
    /// The composition's parts, and behind them the adapters.
    parts: BTreeMap<usize, Prepared<'a>>,
    instances: Vec<Instance>,
    /// The one shared instance of a part.
    of_part: BTreeMap<usize, usize>,
    /// The adapter for a part to which these imports are denied.
    adapters: BTreeMap<(usize, Vec<String>), usize>,
    denials: Vec<Denial>,
}

/// A part whose dependencies are being instantiated.
struct Visit {
    part: usize,
    matches: Vec<Match>,
    denied: Vec<String>,
    next: usize,
}

impl<'a> Planner<'a, '_> {
    /// Reads a part, once.
    fn prepare(&mut self, index: usize) -> Result<&Prepared<'a>, ComposeError> {
        if !self.parts.contains_key(&index) {
            let part = self.composition.parts.get(index).ok_or(ComposeError::NoSuchPart { index })?;
            let label = part.label.clone();
            let inspection = match inspect(&part.bytes) {
                Ok(inspection) => inspection,
                Err(source) => return Err(ComposeError::Unreadable { label, source }),
            };
            self.parts.insert(index, Prepared { part: Cow::Borrowed(part), inspection });
        }
        self.parts.get(&index).ok_or(ComposeError::NoSuchPart { index })
    }

    /// The shared instance of a part, after the instances of everything it is wired to.
    fn instance(&mut self, part: usize) -> Result<usize, ComposeError> {
        let visit = self.visit(part, None)?;
        self.instantiate(visit)
    }

    fn instantiate(&mut self, first: Visit) -> Result<usize, ComposeError> {
        let mut path = vec![first];
        loop {
            let Some(visit) = path.last_mut() else {
                return Err(ComposeError::NoSuchPart { index: 0 });
            };
            let target = visit.matches.get(visit.next).map(|found| found.target);
            visit.next += 1;
            if let Some(target) = target {
                if let Some(start) = path.iter().position(|visit| visit.part == target) {
                    return Err(self.cycle(path.get(start..).unwrap_or_default(), target));
                }
                if !self.of_part.contains_key(&target) {
                    path.push(self.visit(target, None)?);
                }
                continue;
            }
            let Some(visit) = path.pop() else { continue };
            let wires = visit.matches.into_iter().filter_map(|found| {
                let source = *self.of_part.get(&found.target)?;
                Some(PlannedWire { import: found.import, source, exports: found.exports })
            });
            let mut wires: Vec<_> = wires.collect();
            self.deny(visit.part, visit.denied, &mut wires)?;
            let instance = Instance { part: visit.part, wires, denies: false };
            let index = self.instances.len();
            self.instances.push(instance);
            if path.is_empty() {
                // The first one may be a middleware, of which every position has an instance of its own.
                self.of_part.entry(visit.part).or_insert(index);
                return Ok(index);
            }
            self.of_part.insert(visit.part, index);
        }
    }

    fn cycle(&self, path: &[Visit], target: usize) -> ComposeError {
        let label = |part: &usize| self.parts.get(part).map(|p| p.part.label.clone()).unwrap_or_default();
        let labels = path.iter().map(|visit| &visit.part).chain([&target]).map(label);
        ComposeError::Cycle { path: labels.collect() }
    }

    fn middleware(
        &mut self,
        part: usize,
        next: usize,
        exported: &str,
    ) -> Result<(usize, String), ComposeError> {
        let prepared = self.prepare(part)?;
        let label = prepared.part.label.clone();
        let handlers = handler::handlers(&label, &prepared.inspection)?;
        let behind = self.instances.get(next).and_then(|next| self.parts.get(&next.part));
        let behind = behind.map(|next| next.part.label.as_str()).unwrap_or_default();
        handler::meet(&label, &handlers, behind, exported)?;
        let Handlers { import, export } = handlers;
        let shared = self.of_part.remove(&part);
        let visit = self.visit(part, Some(&import))?;
        let instance = self.instantiate(visit)?;
        // What depends on the middleware's component otherwise does not share the instance in the chain.
        match shared {
            Some(shared) => self.of_part.insert(part, shared),
            None => self.of_part.remove(&part),
        };
        if let Some(made) = self.instances.get_mut(instance) {
            made.wires.push(PlannedWire { import, source: next, exports: vec![exported.to_owned()] });
        }
        Ok((instance, export))
    }

    fn root_handler(&mut self, root: usize) -> Result<String, ComposeError> {
        let prepared = self.prepare(root)?;
        handler::served(&prepared.part.label, &prepared.inspection)
    }

    /// Matches the imports of a part with its links. The import `given` is satisfied otherwise.
    fn visit(&mut self, part: usize, given: Option<&str>) -> Result<Visit, ComposeError> {
        self.prepare(part)?;
        let links = self.composition.parts.get(part).map_or(&[][..], |part| &part.links);
        for link in links {
            self.prepare(link.target)?;
        }
        let parts = &self.parts;
        let Some(prepared) = parts.get(&part) else {
            return Err(ComposeError::NoSuchPart { index: part });
        };
        prepared.component()?;
        let root = part == self.composition.root;
        let refused = self.refusal.filter(|_| root).map(|refusal| refusal.imports);
        let matching = Matching { parts, prepared, root, refused };
        let (matches, denied) = matching.all(given)?;
        Ok(Visit { part, matches, denied, next: 0 })
    }
}

/// The matching of one part's imports.
struct Matching<'a> {
    parts: &'a BTreeMap<usize, Prepared<'a>>,
    prepared: &'a Prepared<'a>,
    root: bool,
    refused: Option<&'a BTreeSet<String>>,
}

impl<'a> Matching<'a> {
    /// The matches, and the imports that are denied, sorted.
    fn all(&self, given: Option<&str>) -> Result<(Vec<Match>, Vec<String>), ComposeError> {
        let part = &self.prepared.part;
        let imports: Vec<_> = self
            .prepared
            .inspection
            .imports
            .iter()
            .filter(|import| Some(import.name.as_str()) != given)
            .collect();
        for link in &part.links {
            if let LinkPattern::Named(pattern) = &link.pattern
                && !imports.iter().any(|import| pattern.matches(&import.name))
            {
                let open = imports.iter().filter(|import| !is_hosted(import));
                return Err(ComposeError::NoImport {
                    origin: link.origin.clone(),
                    part: part.label.clone(),
                    imports: open.map(|import| import.name.clone()).collect(),
                });
            }
        }
        let mut matches = Vec::new();
        let mut open = Vec::new();
        let mut denied = Vec::new();
        for import in imports {
            let found = match self.link(import)? {
                Some(link) => self.wire(import, link)?,
                None => None,
            };
            match found {
                Some(found) => matches.push(found),
                None if self.denies(import) => denied.push(import.name.clone()),
                None if needs_nothing(import) => {}
                None => open.push(import),
            }
        }
        denied.sort();
        for import in open {
            matches.push(self.companion(import, &matches).ok_or_else(|| self.unsatisfied(import))?);
        }
        Ok((matches, denied))
    }

    /// Whether an import that nothing is linked to may not stay open. One with types only gives access to nothing.
    fn denies(&self, import: &Extern) -> bool {
        let reaches = !matches!(import.kind, ExternKind::Interface { types_only: true });
        let refused = self.refused.is_some_and(|refused| refused.contains(&import.name));
        reaches
            && match &self.prepared.part.reach {
                Reach::All => refused,
                Reach::Only(keys) => refused || denied(&import.name, keys),
            }
    }

    /// The link that is meant for an import.
    fn link(&self, import: &Extern) -> Result<Option<&'a Link>, ComposeError> {
        let part = &self.prepared.part;
        let mut named = part.links.iter().filter(
            |link| matches!(&link.pattern, LinkPattern::Named(pattern) if pattern.matches(&import.name)),
        );
        if let Some(link) = named.next() {
            return match named.next() {
                None => Ok(Some(link)),
                Some(second) => Err(ComposeError::DoubleMatch {
                    part: part.label.clone(),
                    import: import.name.clone(),
                    first: link.origin.clone(),
                    second: second.origin.clone(),
                }),
            };
        }
        // Two majors of a package are two links: the import's version decides.
        let mut best: Option<(usize, &Link)> = None;
        for link in &part.links {
            let LinkPattern::Package(package) = &link.pattern else {
                continue;
            };
            if import.interface.as_ref().is_none_or(|name| name.package != *package) {
                continue;
            }
            let exports = self.exports(import, link);
            let rank = match exports.first() {
                Some(export) if *export == import.name => 2,
                Some(_) => 1,
                None => 0,
            };
            if best.is_none_or(|(other, _)| rank > other) {
                best = Some((rank, link));
            }
        }
        Ok(best.map(|(_, link)| link))
    }

    /// The exports of a link's target that may satisfy an import, best first.
    fn exports(&self, import: &Extern, link: &Link) -> Vec<String> {
        self.exports_of(link.target, link.export.as_deref().unwrap_or(&import.name))
    }

    fn exports_of(&self, target: usize, wanted: &str) -> Vec<String> {
        let Some(target) = self.parts.get(&target) else {
            return Vec::new();
        };
        if target.inspection.kind != Kind::Component {
            return Vec::new();
        }
        let names = target.inspection.exports.iter().map(|export| export.name.as_str());
        candidates(wanted, names).into_iter().map(str::to_owned).collect()
    }

    fn wire(&self, import: &Extern, link: &Link) -> Result<Option<Match>, ComposeError> {
        let exports = self.exports(import, link);
        if exports.is_empty() {
            if needs_nothing(import) && link.export.is_none() {
                return Ok(None);
            }
            let target = self.parts.get(&link.target);
            target.map_or(Ok(()), Prepared::component)?;
            let names = target.iter().flat_map(|target| &target.inspection.exports);
            return Err(ComposeError::NoExport {
                part: self.prepared.part.label.clone(),
                import: import.name.clone(),
                target: target.map(|target| target.part.label.clone()).unwrap_or_default(),
                export: link.export.clone().unwrap_or_else(|| import.name.clone()),
                exports: names.map(|export| export.name.clone()).collect(),
            });
        }
        Ok(Some(Match { import: import.name.clone(), target: link.target, exports }))
    }

    /// An interface-level dependency name brings the interfaces of the same package that its types come from: the
    /// types of one interface can only come from the instance that satisfies the other.
    fn companion(&self, import: &Extern, matches: &[Match]) -> Option<Match> {
        let package = &import.interface.as_ref()?.package;
        let named = |found: &&Match| {
            self.prepared.part.links.iter().any(|link| {
                matches!(&link.pattern, LinkPattern::Named(pattern @ ImportPattern::Package { interface: Some(_), .. })
                    if pattern.matches(&found.import))
            })
        };
        let related = |name: &str| InterfaceName::parse(name).is_some_and(|name| name.package == *package);
        matches.iter().filter(named).find_map(|found| {
            let exports = self.exports_of(found.target, &import.name);
            let fits = !exports.is_empty()
                && (related(&found.import) || found.exports.first().is_some_and(|export| related(export)));
            fits.then(|| Match { import: import.name.clone(), target: found.target, exports })
        })
    }

    fn unsatisfied(&self, import: &Extern) -> ComposeError {
        let (part, import_name) = (self.prepared.part.label.clone(), import.name.clone());
        match import.kind {
            ExternKind::UnlockedDependency { .. } | ExternKind::LockedDependency { .. } => {
                ComposeError::ComponentImport { part, import: import_name }
            }
            _ => ComposeError::Unsatisfied { part, import: import_name, root: self.root },
        }
    }
}

fn is_hosted(import: &Extern) -> bool {
    import.interface.as_ref().is_some_and(|name| is_host_provided(&name.package))
}

/// The import may stay open: the host has it, or it has nothing that must be implemented.
fn needs_nothing(import: &Extern) -> bool {
    is_hosted(import) || matches!(import.kind, ExternKind::Interface { types_only: true } | ExternKind::Other)
}
