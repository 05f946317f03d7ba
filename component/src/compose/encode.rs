//! The plan as a graph of `wac-graph`, its types checked wire by wire, and the graph as bytes.

use std::collections::{BTreeMap, HashMap, HashSet};

use wac_graph::{
    CompositionGraph, EncodeError, EncodeOptions, NodeId, PackageId,
    types::{ItemKind, Package, SubtypeChecker},
};

use super::{
    ComposeError, Composed, Wire,
    error::Difference,
    mismatch::difference,
    plan::{Plan, PlannedWire, Prepared},
    resources::{Ends, apart},
};
use crate::{
    InspectError,
    guard::{chain, guarded},
    inspect,
    name::candidates,
    wit::surface::Surface,
};

pub(super) fn encode(plan: Plan<'_>) -> Result<Composed, ComposeError> {
    let mut building = Building {
        plan: &plan,
        graph: CompositionGraph::new(),
        packages: BTreeMap::new(),
        nodes: Vec::new(),
        wires: Vec::new(),
        ends: Ends::new(),
    };
    for index in 0..plan.instances.len() {
        building.instance(index)?;
    }
    building.exports()?;
    let bytes = building.bytes()?;
    // Function bodies are the parts' own, unchanged: they are validated by whoever compiles them.
    inspect(&bytes).map_err(|error| building.invalid(&error))?;
    let wires = building.wires;
    let instances = plan.instances.iter().filter(|instance| !instance.denies).count();
    Ok(Composed { bytes, wires, instances, denials: plan.denials })
}

struct Building<'a> {
    plan: &'a Plan<'a>,
    graph: CompositionGraph,
    /// One definition per part, however many instances.
    packages: BTreeMap<usize, PackageId>,
    /// The node of each instance of the plan.
    nodes: Vec<NodeId>,
    wires: Vec<Wire>,
    /// The same wires by their instances.
    ends: Ends,
}

impl Building<'_> {
    fn unsupported(&self, instance: usize, message: String) -> ComposeError {
        ComposeError::Unsupported { label: self.plan.label(instance), message }
    }

    fn instance(&mut self, index: usize) -> Result<(), ComposeError> {
        let package = self.package(index)?;
        let node = self.graph.instantiate(package);
        self.nodes.push(node);
        let plan = self.plan;
        let Some(instance) = plan.instances.get(index) else {
            return Ok(());
        };
        for wire in &instance.wires {
            self.wire(index, package, wire)?;
        }
        Ok(())
    }

    fn package(&mut self, index: usize) -> Result<PackageId, ComposeError> {
        let Some((instance, prepared)) = self.plan.instances.get(index).zip(self.plan.part(index)) else {
            return Err(ComposeError::NoSuchPart { index });
        };
        if let Some(package) = self.packages.get(&instance.part) {
            return Ok(*package);
        }
        // The name only has to be unique: two parts may carry one label.
        let name = format!("part-{}", instance.part);
        let bytes = prepared.part.bytes.to_vec();
        let types = self.graph.types_mut();
        let package =
            guarded(|| Package::from_bytes(&name, None, bytes, types).map_err(|error| format!("{error:#}")))
                .and_then(|result| result)
                .map_err(|message| self.unsupported(index, message))?;
        let id =
            self.graph.register_package(package).map_err(|error| self.unsupported(index, chain(&error)))?;
        self.packages.insert(instance.part, id);
        Ok(id)
    }

    /// Checks the candidates of a wire, best first, and takes the first whose type fits.
    fn wire(&mut self, index: usize, package: PackageId, wire: &PlannedWire) -> Result<(), ComposeError> {
        let wanted = self.graph.types()[self.graph[package].ty()].imports.get(&wire.import).copied();
        let wanted =
            wanted.ok_or_else(|| self.unsupported(index, format!("its import `{}` is lost", wire.import)))?;
        let Some(&source) = self.nodes.get(wire.source) else {
            return Err(ComposeError::NoSuchPart { index: wire.source });
        };
        let mut first = None;
        for export in &wire.exports {
            match self.check(source, export, wanted) {
                Ok(()) => return self.connect(index, wire, source, export),
                Err(message) => first = first.or(Some((export, message))),
            }
        }
        let (export, message) = first.unwrap_or((&wire.import, "nothing is exported".to_owned()));
        let (ours, theirs) = (self.plan.part(index), self.plan.part(wire.source));
        let surface = |part: &Prepared<'_>| Surface::read(&part.part.bytes).ok();
        let surfaces = ours.and_then(surface).zip(theirs.and_then(surface));
        let shown = surfaces.and_then(|(ours, theirs)| difference(&ours, &wire.import, &theirs, export));
        Err(ComposeError::Mismatch {
            part: self.plan.label(index),
            import: wire.import.clone(),
            target: self.plan.label(wire.source),
            export: export.clone(),
            difference: Box::new(shown.unwrap_or(Difference::Other(message))),
        })
    }

    fn check(&self, source: NodeId, export: &str, wanted: ItemKind) -> Result<(), String> {
        let types = self.graph.types();
        let ItemKind::Instance(exports) = self.graph[source].item_kind() else {
            return Err("it has no exports".to_owned());
        };
        let offered = *types[exports].exports.get(export).ok_or("it is not exported")?;
        guarded(|| {
            let mut cache = HashSet::new();
            SubtypeChecker::new(&mut cache)
                .is_subtype(offered, types, wanted, types)
                .map_err(|error| format!("{error:#}"))
        })
        .and_then(|result| result)
    }

    fn connect(
        &mut self,
        index: usize,
        wire: &PlannedWire,
        source: NodeId,
        export: &str,
    ) -> Result<(), ComposeError> {
        let alias = self.graph.alias_instance_export(source, export);
        let alias = alias.map_err(|error| self.unsupported(wire.source, chain(&error)))?;
        let Some(&node) = self.nodes.get(index) else {
            return Ok(());
        };
        let set = self.graph.set_instantiation_argument(node, &wire.import, alias);
        set.map_err(|error| self.unsupported(index, chain(&error)))?;
        self.ends.insert((index, wire.import.clone()), (wire.source, export.to_owned()));
        let denies = |index: usize| self.plan.instances.get(index).is_some_and(|instance| instance.denies);
        if denies(index) || denies(wire.source) {
            return Ok(());
        }
        self.wires.push(Wire {
            from: self.plan.label(index),
            import: wire.import.clone(),
            to: self.plan.label(wire.source),
            export: export.to_owned(),
        });
        Ok(())
    }

    /// The root's exports are the result's; the chain of middleware stands for its handler.
    fn exports(&mut self) -> Result<(), ComposeError> {
        let plan = self.plan;
        let Some(root) = plan.part(plan.root) else {
            return Ok(());
        };
        let replaced = plan.handler.as_ref().map(|(_, export)| export.as_str());
        for export in &root.inspection.exports {
            let handles = replaced
                .is_some_and(|replaced| !candidates(replaced, [export.name.as_str()].into_iter()).is_empty());
            if !handles {
                self.export(plan.root, &export.name)?;
            }
        }
        match &plan.handler {
            Some((instance, export)) => self.export(*instance, export),
            None => Ok(()),
        }
    }

    fn export(&mut self, instance: usize, name: &str) -> Result<(), ComposeError> {
        let Some(&node) = self.nodes.get(instance) else {
            return Err(ComposeError::NoSuchPart { index: instance });
        };
        let alias = self.graph.alias_instance_export(node, name);
        let alias = alias.map_err(|error| self.unsupported(instance, chain(&error)))?;
        self.graph.export(alias, name).map_err(|error| self.unsupported(instance, chain(&error)))
    }

    fn bytes(&self) -> Result<Vec<u8>, ComposeError> {
        let options = EncodeOptions { define_components: true, validate: false, processor: None };
        match guarded(|| self.graph.encode(options)) {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(EncodeError::ImportTypeMergeConflict { import, first, second, source })) => {
                Err(self.conflict(import, first, second, format!("{source:#}")))
            }
            Ok(Err(error)) => Err(ComposeError::Invalid { message: chain(&error) }),
            Err(message) => Err(ComposeError::Invalid { message }),
        }
    }

    /// Why the validator refuses what was encoded.
    fn invalid(&self, error: &InspectError) -> ComposeError {
        match error {
            // The validator's own words for its bounds, such as "components count exceeds limit of 1000".
            InspectError::Malformed { message, .. } if message.contains("exceeds limit of") => {
                ComposeError::TooLarge { instances: self.plan.instances.len(), message: message.clone() }
            }
            error => apart(self.plan, &self.ends)
                .unwrap_or_else(|| ComposeError::Invalid { message: error.to_string() }),
        }
    }

    fn conflict(&self, import: String, first: NodeId, second: NodeId, detail: String) -> ComposeError {
        let nodes: HashMap<_, _> =
            self.nodes.iter().enumerate().map(|(index, node)| (*node, index)).collect();
        let second = nodes.get(&second).copied().unwrap_or_default();
        // With two versions of an interface the other importer goes by another name, which the graph does not tell.
        let other = |index: &usize| {
            let part = self.plan.part(*index);
            let mut imports = part.into_iter().flat_map(|part| &part.inspection.imports);
            *index != second
                && imports.any(|other| !candidates(&import, [other.name.as_str()].into_iter()).is_empty())
        };
        let first = nodes.get(&first).copied().filter(|first| *first != second);
        let first = first.or_else(|| (0..self.plan.instances.len()).find(other)).unwrap_or(second);
        ComposeError::ImportConflict {
            first: self.plan.label(first),
            second: self.plan.label(second),
            import,
            detail,
        }
    }
}
